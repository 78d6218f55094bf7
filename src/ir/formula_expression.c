/* formula_expression: a node as an expression at given indices. Products are printed without the parentheses that only
 * say in which order they round. */
#include "ir/formula_internal.h"

#include <inttypes.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/fold.h"

const char *formula_wrapped(Formula *f, FormulaText piece, int binding) {
    return piece.binding < binding ? text_format(f->arena, "(%s)", piece.text) : piece.text;
}

static FormulaText infix(Formula *f, const Node *n, const FormulaIndex *at, int left, int right, int binding) {
    FormulaText a = formula_at(f, n->source[0], at), b = formula_at(f, n->source[1], at);
    const char *x = formula_wrapped(f, a, left), *y = formula_wrapped(f, b, right);
    return (FormulaText){text_format(f->arena, "%s %s %s", x, op_spelling(n->op).sign, y), binding};
}

static FormulaText called(Formula *f, const Node *n, const char *name, const FormulaIndex *at) {
    Text to = text_new(f->arena);
    text_add(&to, "%s(", name);
    for (int s = 0; s < n->sources; s++) text_add(&to, "%s%s", s ? ", " : "", formula_at(f, n->source[s], at).text);
    text_add(&to, ")");
    return (FormulaText){to.bytes, WHOLE};
}

/* a + -b as a - b */
static FormulaText print_add(Formula *f, const Node *n, const FormulaIndex *at) {
    FormulaText left = formula_at(f, n->source[0], at), right = formula_at(f, n->source[1], at);
    const char *a = formula_wrapped(f, left, ADDED), *b = formula_wrapped(f, right, ADDED);
    bool minus = b[0] == '-' && right.binding != ADDED;
    return (FormulaText){text_format(f->arena, minus ? "%s - %s" : "%s + %s", a, minus ? b + 1 : b), ADDED};
}

static FormulaText print_power(Formula *f, const Node *n, const FormulaIndex *at) {
    FormulaText base = formula_at(f, n->source[0], at);
    if (n->op == OP_POWI) {
        return (FormulaText){text_format(f->arena, "%s^%" PRId64, formula_wrapped(f, base, WHOLE), n->attr.index),
                             RAISED};
    }
    FormulaText power = formula_at(f, n->source[1], at);
    return (FormulaText){
        text_format(f->arena, "%s^%s", formula_wrapped(f, base, WHOLE), formula_wrapped(f, power, WHOLE)), RAISED};
}

/* A product as number * factors / divisors: signs, numbers and quotients of its factors are gathered. */
typedef struct Product {
    double number;
    Text factors, divisors;
    int factor_count, divisor_count;
    FormulaText only;
} Product;

static bool is_mean(const Node *n);
static bool may_leave(const Node *n, int s);

static void add_factor(Formula *f, Product *p, const Node *n, const FormulaIndex *at, bool below) {
    bool open = !f->info[n->id].name;
    if (n->op == OP_CONST && !below) {
        p->number *= n->attr.value;
    } else if (open && n->op == OP_NEG) {
        p->number = -p->number;
        add_factor(f, p, n->source[0], at, below);
    } else if (open && n->op == OP_MUL && !is_mean(n) && !below) {
        add_factor(f, p, n->source[0], at, false);
        add_factor(f, p, n->source[1], at, false);
    } else if (open && n->op == OP_DIV && !below) {
        add_factor(f, p, n->source[0], at, false);
        add_factor(f, p, n->source[1], at, true);
    } else if (open && n->op == OP_VIEW && !may_leave(n, 0)) {
        FormulaIndex place[MOST_RANK];
        subscripts_of_access(f, &n->attr.contraction->access[0], at, place);
        add_factor(f, p, n->source[0], place, below);
    } else {
        FormulaText piece = formula_at(f, n, at);
        Text *to = below ? &p->divisors : &p->factors;
        int *count = below ? &p->divisor_count : &p->factor_count;
        text_add(to, "%s%s", (*count)++ ? " * " : "", formula_wrapped(f, piece, below ? NEGATED : MULTIPLIED));
        if (!below) p->only = piece;
    }
}

static FormulaText print_product(Formula *f, const Node *n, const FormulaIndex *at) {
    Product p = {.number = 1, .factors = text_new(f->arena), .divisors = text_new(f->arena)};
    if (n->op == OP_NEG) p.number = -1;
    add_factor(f, &p, n->source[0], at, false);
    if (n->op != OP_NEG) add_factor(f, &p, n->source[1], at, n->op == OP_DIV);
    bool minus = p.number < 0;
    double size = minus ? -p.number : p.number;
    if (size == 1 && !minus && p.factor_count == 1 && !p.divisor_count) return p.only;
    Text to = text_new(f->arena);
    text_add(&to, "%s", minus ? "-" : "");
    bool has_number = size != 1 || p.factor_count == 0;
    if (has_number) text_add(&to, "%s", text_number(f->arena, size, n->dtype == DTYPE_F32));
    text_add(&to, "%s%s", has_number && p.factor_count ? " * " : "", p.factors.bytes);
    if (p.divisor_count) text_add(&to, p.divisor_count > 1 ? " / (%s)" : " / %s", p.divisors.bytes);
    return (FormulaText){to.bytes, MULTIPLIED};
}

static bool is_mean(const Node *n) {
    if (n->op != OP_MUL || n->source[0]->op != OP_CONTRACT || n->source[1]->op != OP_CONST) return false;
    const Contraction *c = n->source[0]->attr.contraction;
    double terms = 1;
    for (int k = 0; k < c->reduced; k++) terms *= (double)c->extent[k];
    return terms > 1 && n->source[1]->attr.value == fold_round(n->dtype, 1 / terms);
}

/* dot(a, b), if that is what the sum of `product` is. */
static const char *print_dot(Formula *f, const Node *sum, const Node *a, const Node *b) {
    const Contraction *c = sum->attr.contraction;
    if (sum->shape.rank || c->reduced != 1 || a == b) return NULL;
    const Node *factor[] = {a, b};
    const char *name[2];
    for (int s = 0; s < 2; s++) {
        const Access *access = &c->access[sum->sources == 2 ? s : 0];
        const Node *x = factor[s];
        bool is_leaf = x->sources == 0 && x->op != OP_CONST && x->op != OP_IOTA;
        if (x->shape.rank != 1 || !axis_map_is_index(&access->axis[0], 0) || (!is_leaf && !f->info[x->id].name))
            return NULL;
        f->info[x->id].needed |= !is_leaf;
        name[s] = is_leaf ? formula_leaf_name(f, x) : f->info[x->id].name;
    }
    return text_format(f->arena, "dot(%s, %s)", name[0], name[1]);
}

static const char *print_ranges(Formula *f, const int *variable, const int64_t *extent, int count, const char *body) {
    Text to = text_new(f->arena);
    text_add(&to, "%s for ", body);
    for (int k = 0; k < count; k++) {
        text_add(&to, "%s%s", k ? ", " : "", f->variable[variable[k]]);
        if (!f->bare[variable[k]]) text_add(&to, " in 0..%" PRId64, extent[k]);
    }
    return to.bytes;
}

bool formula_may_leave(const Node *n, int s, int a) {
    int64_t extent[MOST_AXES];
    int axes = contraction_space(n->shape, n->attr.contraction, extent);
    const AxisMap *map = &n->attr.contraction->access[s].axis[a];
    return !axis_map_always_within(map, extent, axes, n->source[s]->shape.extent[a]);
}

static bool may_leave(const Node *n, int s) {
    for (int a = 0; a < n->source[s]->shape.rank; a++) {
        if (formula_may_leave(n, s, a)) return true;
    }
    return false;
}

/* i == 2, i == j, 0 <= 2 * i - 1 < 5 */
static const char *inside_text(Formula *f, const FormulaIndex *place, int64_t extent) {
    FormulaIndex difference = *place;
    bool equation = extent == 1 && !place->text && place->count > 0;
    if (equation && place->count == 1 && place->offset % place->coef[0] == 0) {
        FormulaIndex variable = subscript_of_variable(place->variable[0]);
        return text_format(f->arena, "%s == %" PRId64, subscript_text(f, &variable), -place->offset / place->coef[0]);
    }
    difference.divisor = equation ? 1 : place->divisor;
    if (equation) return text_format(f->arena, "%s == 0", subscript_text(f, &difference));
    return text_format(f->arena, "0 <= %s < %" PRId64, subscript_text(f, place), extent);
}

/* Source s of a view or a contraction where its index space is `at`. Names and leaves (a product's factors
 * are, see force_source) count as 0 at places outside them, as the last line says; what has no axis to show
 * that by gets its condition. */
static FormulaText print_read(Formula *f, const Node *n, int s, const FormulaIndex *at) {
    const Access *access = &n->attr.contraction->access[s];
    const Node *x = n->source[s];
    FormulaIndex place[MOST_RANK];
    subscripts_of_access(f, access, at, place);
    FormulaText piece = formula_at(f, x, place);
    bool has_subscript = formula_is_named_leaf(x) || f->info[x->id].name || x->op == OP_MUL;
    for (int a = 0; a < access->rank; a++) {
        if (!formula_may_leave(n, s, a)) continue;
        f->leaves |= has_subscript;
        if (has_subscript) continue;
        const char *inside = inside_text(f, &place[a], x->shape.extent[a]);
        piece = (FormulaText){text_format(f->arena, "where(%s, %s, 0)", inside, piece.text), WHOLE};
    }
    return piece;
}

static FormulaText print_reduction(Formula *f, const Node *n, const FormulaIndex *at, const char *name) {
    const Contraction *c = n->attr.contraction;
    const Node *first = n->source[0], *product = first->op == OP_MUL && !f->info[first->id].name ? first : NULL;
    const char *dot = NULL;
    if (n->op == OP_CONTRACT && !c->over_rows && strcmp(name, "sum") == 0 && (n->sources == 2 || product))
        dot = print_dot(f, n, n->sources == 2 ? first : product->source[0],
                        n->sources == 2 ? n->source[1] : product->source[1]);
    if (dot) return (FormulaText){dot, WHOLE};
    FormulaIndex all[MOST_AXES];
    int variable[MOST_AXES], before = f->variables;
    for (int a = 0; a < n->shape.rank; a++) all[a] = at[a];
    int64_t extent[MOST_AXES];
    int ranges = 0;
    for (int k = 0; k < c->reduced; k++) {
        all[n->shape.rank + k] = (FormulaIndex){.divisor = 1}; /* an axis of extent 1 needs no name */
        if (c->extent[k] == 1) continue;
        variable[ranges] = formula_variable(f);
        extent[ranges] = c->extent[k];
        all[n->shape.rank + k] = subscript_of_variable(variable[ranges++]);
    }
    FormulaText body[2] = {{"", WHOLE}, {"", WHOLE}};
    for (int s = 0; s < n->sources; s++) {
        body[s] = print_read(f, n, s, all);
    }
    const char *text = body[0].text;
    if (n->sources == 2)
        text = text_format(f->arena, "%s * %s", formula_wrapped(f, body[0], MULTIPLIED),
                           formula_wrapped(f, body[1], MULTIPLIED));
    if (ranges) text = print_ranges(f, variable, extent, ranges, text);
    if (c->over_rows) text = text_format(f->arena, "%s over rows", text);
    if (ranges || c->over_rows) text = text_format(f->arena, "%s(%s)", name, text);
    f->variables = before;
    return (FormulaText){text, ranges || c->over_rows ? WHOLE : n->sources == 2 ? MULTIPLIED : body[0].binding};
}

static FormulaText print_reshape(Formula *f, const Node *n, const FormulaIndex *at) {
    const Node *x = n->source[0];
    FormulaText whole = formula_at(f, x, NULL);
    Text to = text_new(f->arena);
    text_add(&to, "reshape(%s, [", whole.text);
    for (int a = 0; a < n->shape.rank; a++) text_add(&to, "%s%" PRId64, a ? ", " : "", n->shape.extent[a]);
    text_add(&to, "])");
    return subscripted(f, to.bytes, at, n->shape.rank);
}

/* [a, b][i], or concat(x, y)[i, j] */
static FormulaText print_concat(Formula *f, const Node *n, const FormulaIndex *at) {
    bool units = n->shape.rank == 1;
    for (int s = 0; s < n->sources; s++) units &= n->source[s]->shape.extent[0] == 1;
    FormulaIndex zero = {.divisor = 1};
    Text to = text_new(f->arena);
    text_add(&to, units ? "[" : "concat(");
    for (int s = 0; s < n->sources; s++)
        text_add(&to, "%s%s", s ? ", " : "", formula_at(f, n->source[s], units ? &zero : NULL).text);
    if (!units && n->attr.index) text_add(&to, ", axis = %" PRId64, n->attr.index);
    text_add(&to, units ? "]" : ")");
    return subscripted(f, to.bytes, at, n->shape.rank);
}

/* table[.., index, ..] */
static FormulaText print_gather(Formula *f, const Node *n, const FormulaIndex *at) {
    const Node *table = n->source[0], *index = n->source[1];
    int shared = (int)n->attr.index;
    FormulaIndex place[MOST_RANK];
    for (int a = 0; a < shared; a++) place[a] = at[a];
    place[shared] = (FormulaIndex){.text = formula_at(f, index, at).text};
    for (int a = shared + 1; a < table->shape.rank; a++) place[a] = at[index->shape.rank + a - shared - 1];
    return formula_at(f, table, place);
}

/* sum(x[..] for .. if index == place) */
static FormulaText print_scatter(Formula *f, const Node *n, const FormulaIndex *at) {
    const Node *x = n->source[0], *index = n->source[1];
    int shared = (int)n->attr.index, free_axes = index->shape.rank - shared, before = f->variables;
    FormulaIndex place[MOST_RANK];
    int variable[MOST_RANK];
    for (int a = 0; a < shared; a++) place[a] = at[a];
    for (int a = 0; a < free_axes; a++) {
        variable[a] = formula_variable(f);
        place[shared + a] = subscript_of_variable(variable[a]);
    }
    for (int a = shared + 1; a < n->shape.rank; a++) place[index->shape.rank + a - shared - 1] = at[a];
    const char *value = formula_at(f, x, place).text, *where = formula_at(f, index, place).text;
    const char *target = subscript_text(f, &at[shared]);
    if (n->attr.over_rows && index->op == OP_PLACE)
        return (FormulaText){text_format(f->arena, "%s of row %s", value, target), MULTIPLIED};
    const char *text = text_format(f->arena, "where(%s == %s, %s, 0)", where, target, value);
    if (free_axes) {
        const char *ranges = print_ranges(f, variable, index->shape.extent + shared, free_axes, value);
        text = text_format(f->arena, "sum(%s if %s == %s)", ranges, where, target);
    }
    f->variables = before;
    return (FormulaText){text, WHOLE};
}

/* ---- scans: e1 is the element at hand of the first one */
/* x[e1, i] */
static FormulaText print_element(Formula *f, const Node *n, const FormulaIndex *at) {
    FormulaIndex place[MOST_RANK];
    place[0] = (FormulaIndex){.text = text_format(f->arena, "e%" PRIu32, n->attr.scan->number + 1)};
    for (int a = 0; a < n->shape.rank; a++) place[a + 1] = at[a];
    return formula_at(f, n->source[0], place);
}

/* 0, then h[i] of e1 - 1 */
static FormulaText print_carried(Formula *f, const Node *n, const FormulaIndex *at) {
    const Node *next = f->info[n->id].next;
    const char *start = formula_at(f, n->source[0], at).text;
    const char *on = next ? formula_at(f, next, at).text : start;
    return (FormulaText){text_format(f->arena, "%s, then %s of e%" PRIu32 " %c 1", start, on, n->attr.scan->number + 1,
                                     n->attr.scan->descending ? '+' : '-'),
                         COMPARED};
}

/* h[i] at e1 = t */
static FormulaText print_stack(Formula *f, const Node *n, const FormulaIndex *at) {
    const char *of = formula_at(f, n->source[0], at + 1).text;
    return (FormulaText){
        text_format(f->arena, "%s at e%" PRIu32 " = %s", of, n->attr.scan->number + 1, subscript_text(f, &at[0])),
        COMPARED};
}

static FormulaText print_const(Formula *f, const Node *n) {
    if (n->dtype == DTYPE_BOOL) return (FormulaText){n->attr.value != 0 ? "true" : "false", WHOLE};
    const char *text = text_number(f->arena, n->attr.value, n->dtype == DTYPE_F32);
    return (FormulaText){text, text[0] == '-' ? NEGATED : WHOLE};
}

static FormulaText print_not(Formula *f, const Node *n, const FormulaIndex *at) {
    const char *of = formula_wrapped(f, formula_at(f, n->source[0], at), WHOLE);
    return (FormulaText){text_format(f->arena, "%s%s", op_spelling(n->op).sign, of), COMPARED};
}

static FormulaText print_polygamma(Formula *f, const Node *n, const FormulaIndex *at) {
    const char *of = formula_at(f, n->source[0], at).text;
    if (n->attr.index == 0) return (FormulaText){text_format(f->arena, "digamma(%s)", of), WHOLE};
    return (FormulaText){text_format(f->arena, "polygamma(%" PRId64 ", %s)", n->attr.index, of), WHOLE};
}

static FormulaText print_iota(Formula *f, const Node *n, const FormulaIndex *at) {
    const FormulaIndex *along = &at[n->attr.index];
    return (FormulaText){subscript_text(f, along), subscript_is_variable(along) ? WHOLE : ADDED};
}

static FormulaText print_mul(Formula *f, const Node *n, const FormulaIndex *at) {
    bool mean = is_mean(n) && !f->info[n->source[0]->id].name;
    return mean ? print_reduction(f, n->source[0], at, "mean") : print_product(f, n, at);
}

FormulaText formula_of_op(Formula *f, const Node *n, const FormulaIndex *at) {
    switch (n->op) {
    case OP_CONST: return print_const(f, n);
    /* clang-format off */
    case OP_COLUMN: case OP_CELL: case OP_SLOT: case OP_COUNTER: case OP_ROWS_RECIPROCAL: case OP_PLACE: case OP_RANDOM:
    /* clang-format on */
    case OP_GRADIENT: return (FormulaText){formula_leaf_name(f, n), WHOLE};
    case OP_IOTA: return print_iota(f, n, at);
    case OP_CAST:
        return called(f, n, dtype_text(n->dtype), at);
        /* clang-format off */
#define FUNCTION(NAME, name) case OP_##NAME:
#include "functions.def"
    case OP_ATAN2: case OP_ABS: case OP_SQRT: case OP_FLOOR: case OP_STOP_GRADIENT: case OP_VARIABLE: case OP_RANK: case OP_MAX: case OP_MIN:
    /* clang-format on */
    case OP_WHERE:
    case OP_FMA: return called(f, n, op_text(n->op), at);
    case OP_POLYGAMMA: return print_polygamma(f, n, at);
    case OP_NOT: return print_not(f, n, at);
    case OP_ADD: return print_add(f, n, at);
    case OP_SUB: return infix(f, n, at, ADDED, MULTIPLIED, ADDED);
    case OP_MUL: return print_mul(f, n, at);
    /* clang-format off */
    case OP_NEG: case OP_DIV: return print_product(f, n, at);
    case OP_FLOORDIV: case OP_MOD: return infix(f, n, at, MULTIPLIED, NEGATED, MULTIPLIED);
    case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_AND: case OP_OR: return infix(f, n, at, ADDED, ADDED, COMPARED);
    case OP_POWI: case OP_POW: return print_power(f, n, at);
    /* clang-format on */
    case OP_VIEW: return print_read(f, n, 0, at);
    case OP_RESHAPE: return print_reshape(f, n, at);
    case OP_CONCAT: return print_concat(f, n, at);
    case OP_CONTRACT: return print_reduction(f, n, at, "sum");
    case OP_REDUCE_MAX: return print_reduction(f, n, at, "max");
    case OP_REDUCE_MIN: return print_reduction(f, n, at, "min");
    case OP_ARGMAX: return print_reduction(f, n, at, "argmax");
    case OP_GATHER: return print_gather(f, n, at);
    case OP_SCATTER_ADD: return print_scatter(f, n, at);
    case OP_ELEMENT: return print_element(f, n, at);
    case OP_CARRIED: return print_carried(f, n, at);
    case OP_STACK: return print_stack(f, n, at);
    }
    INTERNAL_ERROR("no op %d", (int)n->op);
}

FormulaText formula_at(Formula *f, const Node *n, const FormulaIndex *at) {
    FormulaNode *info = &f->info[n->id];
    info->needed |= info->name != NULL;
    const char *name = info->name ? info->name : formula_is_named_leaf(n) ? formula_leaf_name(f, n) : NULL;
    if (name) return at ? subscripted(f, name, at, n->shape.rank) : (FormulaText){name, WHOLE};
    if (n->op == OP_CONST) return print_const(f, n);
    return formula_of_op(f, n, at);
}
