/* draw.c: random values: uniform, normal, bernoulli, categorical, behind `~` and in the fields of synthetic data.
 *
 * Inside `x: type ~ e` these functions give an array of the declared shape, with every index axis and mapped
 * axis that is open in front, so a definition made of them (kaiming) is a distribution too. Every array of
 * random bits has its own site: the hash of the draw's path, and for the second and later ones of a draw of
 * the path with "#k" behind it. So a parameter's start is keyed by its name alone and nothing else in the
 * program moves it.
 *
 * normal is Box-Muller on two uniforms u, v in [0, 1): sqrt(-2 log(1 - u)) cos(2 pi v), 1 - u being in (0,
 * 1].
 *
 * categorical(p) counts the classes whose sums c[j] = p[0] + ... + p[j], but for the last, are not above u c[k-1]. As
 * u is below 1, so is its product below c[k-1] when rounded: no class of probability 0 is ever drawn. categorical(k) is
 * floor(u k), which is below k for the same reason.
 */
#include "lower/internal.h"

Value *lower_draw(Lowering *L, Scope *scope, const Expr *expr, const Type *type, const char *site, bool initial) {
    if (!initial && !L->allow_draws && L->random_key == RANDOM_STEP) {
        Diagnostic *d = lower_error(L, CODE_E0213, expr->span,
                                    "a draw differs in every step, and this has to answer "
                                    "the same each time");
        lower_help(L, d, "choose with `if training then ... else ...`");
        return value_poison(L);
    }
    DrawFrame frame = {type->shape, dtype_is_real(type->dtype) ? type->dtype : L->real, site, 0, initial};
    DrawFrame *outer = L->draw;
    L->draw = &frame;
    Value *v = lower_expression(L, scope, expr);
    L->draw = outer;
    if (value_is_poison(v)) return v;
    if (frame.count == 0 && !initial) {
        Diagnostic *d = lower_error(L, CODE_E0216, expr->span,
                                    "after `~` stands something that is drawn, like "
                                    "normal(0, 1)");
        lower_help(L, d, "a value that is not random is given with `=`");
        return value_poison(L);
    }
    if (!initial || type->dtype == DTYPE_BOOL) return v;
    return value_to_tensor(L, v, type->dtype, expr->span, "this");
}

/* ---- uniform bits ---------------------------------------------------------------------------- */
static DrawFrame *frame_of_call(Lowering *L, const Expr *call, DrawFrame *scalar) {
    if (L->draw != NULL) return L->draw;
    if (L->random_key == RANDOM_DATA) {
        const char *name = call->call.callee->kind == EXPR_NAME ? call->call.callee->name.text : "draw";
        const char *site = path_count(L, L->path->site_counts, path_join(L, L->path->site, name, ""));
        *scalar = (DrawFrame){.dtype = L->real, .site = site};
        return scalar;
    }
    Diagnostic *d = lower_error(L, CODE_E0213, call->span, "a draw gets its shape from the name it is drawn for");
    lower_help(L, d, "write it as a statement: e: f32[n] ~ normal(0, 1)");
    return NULL;
}

static Value *uniform_bits(Lowering *L, DrawFrame *frame) {
    int count = frame->initial ? 0 : L->active_count;
    if (count + frame->shape.rank + (frame->initial ? 0 : scans_open(L)) > MOST_RANK) {
        lower_error(L, CODE_E0219, L->graph->span,
                    "this draw would have more than %d axes, with those it is mapped over", MOST_RANK);
        return value_poison(L);
    }
    const char *site = frame->count == 0 ? frame->site : text_format(L->arena, "%s#%d", frame->site, frame->count);
    frame->count++;
    Random random = {.key = frame->initial ? RANDOM_INITIAL : L->random_key, .site = path_hash(site)};
    if (random.key == RANDOM_DATA) random.seed = L->random_seed;
    Shape shape = shape_of_axes(L, L->active, count, frame->shape);
    Node *node = frame->initial ? graph_random(L->graph, frame->dtype, shape, random)
                                : scan_random(L, frame->dtype, shape, random);
    return value_of_node(L, node, L->active, count);
}

static Value *combine(Lowering *L, Op op, const Value *a, const Value *b, Span span) {
    static const Phrase phrase = {"draw with", "and", false};
    return element_pair(L, op, a, b, NULL, NULL, span, &phrase);
}

static Value *difference(Lowering *L, const Value *a, const Value *b, Span span) {
    if (value_is_number(a) && value_is_number(b) && a->node == NULL && b->node == NULL)
        return value_number(L, a->number - b->number);
    return combine(L, OP_SUB, a, b, span);
}

/* ---- what a distribution needs --------------------------------------------------------------- */
/* Whether the argument is a number now, and which; others are known only as the program runs. */
static bool is_known(const Value *v, double *number) {
    bool constant = v->kind == VALUE_TENSOR && v->node->op == OP_CONST && v->node->shape.rank == 0;
    *number = constant ? v->node->attr.value : v->number;
    return constant || value_is_number(v);
}

static void told_where_written(Lowering *L, const Expr *expr, const char *problem, const char *advice) {
    const Expr *place = written_by_user(L, expr);
    Diagnostic *d = lower_error(L, CODE_E0222, place->span, "%s", problem);
    if (place != expr) {
        Text text = text_new(L->arena);
        ast_print_expr(&text, expr);
        lower_note(L, d, expr->span, "it is used as %s here", text.bytes);
    }
    lower_help(L, d, "%s", advice);
}

static bool is_probability(Lowering *L, const Arguments *args) {
    double p;
    if (!is_known(args->value[0], &p) || (p >= 0 && p <= 1)) return true;
    told_where_written(L, args->expr[0], text_format(L->arena, "bernoulli is given the probability %g", p),
                       "a probability lies between 0 and 1");
    return false;
}

static bool is_deviation(Lowering *L, const Arguments *args) {
    double deviation;
    if (!is_known(args->value[1], &deviation) || deviation >= 0) return true;
    told_where_written(L, args->expr[1], text_format(L->arena, "normal is given the deviation %g", deviation),
                       "a deviation is 0 or more: normal(mean, deviation)");
    return false;
}

static bool is_interval(Lowering *L, const Arguments *args) {
    double low, high;
    if (!is_known(args->value[0], &low) || !is_known(args->value[1], &high) || low <= high) return true;
    told_where_written(L, args->expr[1],
                       text_format(L->arena, "uniform is given a range from %g down to %g", low, high),
                       "the lower bound comes first: uniform(low, high)");
    return false;
}

static Value *draw_uniform(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    DrawFrame scalar, *frame = frame_of_call(L, call, &scalar);
    if (frame == NULL || !is_interval(L, args)) return value_poison(L);
    Value *bits = uniform_bits(L, frame);
    Value *width = difference(L, args->value[1], args->value[0], call->span);
    Value *scaled = combine(L, OP_MUL, width, bits, call->span);
    return combine(L, OP_ADD, args->value[0], scaled, call->span);
}

static Value *draw_normal(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    DrawFrame scalar, *frame = frame_of_call(L, call, &scalar);
    if (frame == NULL || !is_deviation(L, args)) return value_poison(L);
    Span span = call->span;
    Value *u = uniform_bits(L, frame), *v = uniform_bits(L, frame);
    Value *positive = combine(L, OP_SUB, value_int(L, 1), u, span);
    Value *squared = combine(L, OP_MUL, value_int(L, -2), element_unary(L, OP_LOG, positive, span), span);
    Value *angle = combine(L, OP_MUL, value_number(L, 6.28318530717958647692), v, span);
    Value *z = combine(L, OP_MUL, element_unary(L, OP_SQRT, squared, span), element_unary(L, OP_COS, angle, span),
                       span);
    return combine(L, OP_ADD, args->value[0], combine(L, OP_MUL, args->value[1], z, span), span);
}

static Value *draw_bernoulli(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    DrawFrame scalar, *frame = frame_of_call(L, call, &scalar);
    if (frame == NULL || !is_probability(L, args)) return value_poison(L);
    return combine(L, OP_LT, uniform_bits(L, frame), args->value[0], call->span);
}

/* ---- labels ---------------------------------------------------------------------------------- */
enum { MOST_CLASSES = 1 << 24 }; /* a uniform f32 has so many values */

static Value *label_of(Lowering *L, const Value *number, int64_t classes, Span span) {
    Value *v = arena_copy(L->arena, element_cast(L, number, DTYPE_I32, span), sizeof *v);
    v->classes = classes;
    v->free = false;
    return v;
}

/* Each class alike. */
static Value *draw_class(Lowering *L, DrawFrame *frame, int64_t classes, Span span) {
    Value *scaled = combine(L, OP_MUL, uniform_bits(L, frame), value_int(L, classes), span);
    return value_is_poison(scaled) ? scaled : label_of(L, element_unary(L, OP_FLOOR, scaled, span), classes, span);
}

/* c[j] = p[0] + ... + p[j], in this order: p is read at j - (k - 1) + i, and what lies before its first is absent. */
static Value *running_sums(Lowering *L, const Value *p) {
    int last = p->axes;
    int64_t k = p->node->shape.extent[last];
    Contraction c = {.reduced = 1, .extent = {k}, .access = {{.rank = last + 1}}};
    for (int a = 0; a <= last; a++) {
        c.access[0].axis[a].divisor = 1;
        c.access[0].axis[a].coef[a] = 1;
    }
    c.access[0].axis[last].offset = 1 - k;
    c.access[0].axis[last].coef[last + 1] = 1;
    Node *node = graph_contract(L->graph, OP_CONTRACT, &p->node, 1, p->node->shape, &c);
    return value_of_node(L, node, p->axis, p->axes);
}

static Value *part_of_sums(Lowering *L, const Value *sums, int64_t begin, int64_t end) {
    Node *node = graph_slice(L->graph, sums->node, sums->axes, begin, end);
    return value_of_node(L, node, sums->axis, sums->axes);
}

static Value *draw_of_probabilities(Lowering *L, DrawFrame *frame, const Value *p, Span span) {
    int64_t k = value_own_shape(p).extent[0], below = k - 1;
    Value *u = uniform_bits(L, frame), *sums = running_sums(L, p);
    if (value_is_poison(u) || k == 1)
        return value_is_poison(u) ? u : label_of(L, combine(L, OP_MUL, u, value_int(L, 0), span), 1, span);
    Value *last = reduce_own(L, REDUCTION_SUM, part_of_sums(L, sums, below, k), span);
    Value *wanted = combine(L, OP_MUL, u, last, span);
    int id;
    lower_open_axes(L, &below, 1, &id);
    Value *steps = value_own_to_axes(L, part_of_sums(L, sums, 0, below), &id, 1);
    Value *passed = combine(L, OP_LE, steps, wanted, span);
    lower_close_axes(L, 1);
    if (value_is_poison(passed)) return passed;
    Value *counted = element_cast(L, passed, frame->dtype, span);
    return label_of(L, reduce_ids(L, REDUCTION_SUM, counted, &id, 1, span), k, span);
}

static bool are_probabilities(Lowering *L, const Arguments *args) {
    const Value *list = args->value[0];
    double sum = 0, p;
    if (list->kind != VALUE_LIST) return true;
    for (int i = 0; i < list->count; i++) {
        if (!is_known(list->items[i], &p)) return true;
        sum += p;
        if (p >= 0) continue;
        told_where_written(L, args->expr[0], text_format(L->arena, "categorical is given the probability %g", p),
                           "probabilities are 0 or more; of scores they are made by softmax(z)");
        return false;
    }
    if (sum > 0) return true;
    told_where_written(L, args->expr[0], "categorical is given no probability above 0",
                       "one class at least can be drawn: categorical([0.2, 0.8])");
    return false;
}

static Value *draw_categorical(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    DrawFrame scalar, *frame = frame_of_call(L, call, &scalar);
    const Value *p = args->value[0];
    if (frame == NULL || value_is_poison(p) || !are_probabilities(L, args)) return value_poison(L);
    if (p->kind == VALUE_INT && p->integer >= 1 && p->integer <= MOST_CLASSES)
        return draw_class(L, frame, p->integer, call->span);
    Value *x = value_is_number(p) ? NULL : value_tensor_of(L, p, frame->dtype, args->expr[0]->span, "this");
    if (x != NULL && value_is_poison(x)) return x;
    if (x != NULL && dtype_is_real(x->node->dtype) && value_own_shape(x).rank == 1)
        return draw_of_probabilities(L, frame, element_cast(L, x, frame->dtype, call->span), call->span);
    Diagnostic *d = lower_error(L, CODE_E0222, args->expr[0]->span,
                                "categorical takes a number of classes, or their probabilities, and this is %s",
                                value_type_text(L, p));
    lower_help(L, d, "like this: i: label[5] ~ categorical(5); n: label[3] ~ categorical([0.5, 0.3, 0.2])");
    return value_poison(L);
}

void draw_builtins_bind(Lowering *L) {
    static const Builtin table[] = {
        {"uniform", 2, 2, false, draw_uniform, "uniform(low, high)", "a draw between low and high"},
        {"normal", 2, 2, false, draw_normal, "normal(mean, deviation)", "a draw of the normal distribution"},
        {"bernoulli", 1, 1, false, draw_bernoulli, "bernoulli(p)", "true with probability p"},
        {"categorical", 1, 1, false, draw_categorical, "categorical(p)",
         "a label: of classes with the probabilities p, or of p classes alike"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        scope_bind(L, L->prelude, name_from(L->names, table[i].name), value_builtin(L, &table[i], NULL), (Span){0, 0});
}
