/* range.c: how far an index variable runs.
 *
 * Before the binders of a statement or of `for` are opened, everything below them is scanned, `for` inside
 * `for` included: every item of every x[...] that is affine in the variables is a use. A bare use x[i] gives
 * the range and all must agree; a variable without one takes the range of its affine uses, once the other
 * variables there are known (stride * i + u needs u first); else the range must be written. Bases that are
 * more than a name are lowered by the scan, once, and found again by the walk that follows.
 */
#include "lower/internal.h"

typedef struct Variable {
    const Binder *binder;
    Name name;
    bool known, broken; /* broken: reported, or it hangs on something that was */
    int64_t begin, extent;
    Span from;
    const char *base; /* the use that said so */
    struct Variable *next;
} Variable;

typedef struct Env {
    Name name;
    Variable *variable;
    struct Env *next;
} Env;
typedef struct AffineTerm {
    Variable *variable;
    int64_t coef;
} AffineTerm;
typedef struct Use {
    int64_t offset;
    int terms;
    AffineTerm term[MOST_RANK];
} Use;

typedef struct Scanner {
    Lowering *L;
    Scope *scope;
    RangeFrame *frame;
    Variable *variables;
    bool progress, affine_round;
    int depth;
} Scanner;

static void scan(Scanner *s, const Expr *expr, Env *env);

static Variable *env_find(Env *env, Name name) {
    for (; env != NULL; env = env->next)
        if (env->name == name) return env->variable;
    return NULL;
}

/* ---- does an expression mention a variable? -------------------------------------------------- */
static bool mentions(const Expr *expr, Env *env, int depth);

static bool mentions_items(const ItemList *items, Env *env, int depth) {
    for (int i = 0; i < items->count; i++)
        if (items->items[i].expr != NULL && mentions(items->items[i].expr, env, depth)) return true;
    return false;
}

static bool mentions_binders(const BinderList *binders, Env *env, int depth) {
    for (int i = 0; i < binders->count; i++)
        if (binders->items[i].range != NULL && mentions(binders->items[i].range, env, depth)) return true;
    return false;
}

static bool mentions(const Expr *expr, Env *env, int depth) {
    if (expr == NULL || depth > MOST_EXPRESSION_DEPTH) return false;
    depth++;
    switch (expr->kind) {
    case EXPR_NAME: return env_find(env, expr->name.text) != NULL;
    case EXPR_UNARY: return mentions(expr->unary.operand, env, depth);
    case EXPR_BINARY: return mentions(expr->binary.left, env, depth) || mentions(expr->binary.right, env, depth);
    case EXPR_IF:
        return mentions(expr->choice.condition, env, depth) || mentions(expr->choice.then, env, depth) ||
               mentions(expr->choice.otherwise, env, depth);
    case EXPR_CALL:
        for (int i = 0; i < expr->call.args.count; i++)
            if (mentions(expr->call.args.items[i].value, env, depth)) return true;
        return mentions(expr->call.callee, env, depth) || mentions_binders(&expr->call.binders, env, depth);
    case EXPR_INDEX: return mentions(expr->index.base, env, depth) || mentions_items(&expr->index.items, env, depth);
    case EXPR_MEMBER: return mentions(expr->member.base, env, depth);
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++)
            if (mentions(expr->array.items.items[i], env, depth)) return true;
        return false;
    case EXPR_COMPREHENSION:
        return mentions(expr->comprehension.item, env, depth) ||
               mentions_binders(&expr->comprehension.binders, env, depth);
    case EXPR_EVERY:
    case EXPR_EACH: return mentions(expr->inner, env, depth);
    default: return false;
    }
}

/* ---- the shape of what is indexed ------------------------------------------------------------ */
static Value *lowered_base(Scanner *s, const Expr *expr) {
    for (BaseEntry *b = s->frame->bases; b != NULL; b = b->next)
        if (b->expr == expr) return b->value;
    BaseEntry *entry = arena_new_of(s->L->arena, BaseEntry);
    Value *v = lower_expression(s->L, s->scope, expr);
    if (v->kind == VALUE_TENSOR && v->batch) v = batch_as_array(s->L, v, expr->span);
    *entry = (BaseEntry){expr, v, s->frame->bases};
    s->frame->bases = entry;
    return entry->value;
}

static bool constant_of(Scanner *s, const Expr *expr, Env *env, int64_t *out) {
    if (expr == NULL || mentions(expr, env, s->depth)) return false;
    bool quiet = s->L->quiet;
    s->L->quiet = true;
    Value *v = lower_expression(s->L, s->scope, expr);
    s->L->quiet = quiet;
    *out = v->integer;
    return v->kind == VALUE_INT;
}

static bool affine_of(Scanner *s, const Expr *expr, Env *env, Use *use);
typedef enum BaseShape { SHAPE_KNOWN, SHAPE_UNKNOWN, SHAPE_BROKEN } BaseShape;
static BaseShape shape_of(Scanner *s, const Expr *expr, Env *env, Shape *shape);

/* What one item leaves of the axis it indexes. */
static BaseShape item_shape(Scanner *s, const Item *item, Env *env, int64_t extent, Shape *result) {
    const Expr *expr = item->expr;
    int64_t from = 0, to = extent;
    bool is_range = item->kind == ITEM_EXPR && expr->kind == EXPR_BINARY && expr->binary.op == OPERATOR_RANGE;
    if (item->kind != ITEM_EXPR || is_range) {
        const Expr *low = is_range ? expr->binary.left : item->kind == ITEM_FROM ? expr : NULL;
        const Expr *high = is_range ? expr->binary.right : item->kind == ITEM_UPTO ? expr : NULL;
        if ((low != NULL && !constant_of(s, low, env, &from)) || (high != NULL && !constant_of(s, high, env, &to)) ||
            result->rank == MOST_RANK)
            return SHAPE_UNKNOWN;
        result->extent[result->rank++] = (to < 0 ? to + extent : to) - (from < 0 ? from + extent : from);
        return SHAPE_KNOWN;
    }
    Use use;
    if (affine_of(s, expr, env, &use)) return SHAPE_KNOWN;
    Shape inner = {0};
    BaseShape known = shape_of(s, expr, env, &inner);
    if (known != SHAPE_KNOWN || result->rank + inner.rank > MOST_RANK)
        return known == SHAPE_KNOWN ? SHAPE_UNKNOWN : known;
    for (int i = 0; i < inner.rank; i++) result->extent[result->rank++] = inner.extent[i];
    return SHAPE_KNOWN;
}

static BaseShape shape_of(Scanner *s, const Expr *expr, Env *env, Shape *shape) {
    if (!mentions(expr, env, s->depth)) {
        Value *v = lowered_base(s, expr);
        *shape = value_own_shape(v);
        return value_is_poison(v) ? SHAPE_BROKEN : SHAPE_KNOWN;
    }
    if (expr->kind != EXPR_INDEX) return SHAPE_UNKNOWN;
    Shape base = {0};
    BaseShape known = shape_of(s, expr->index.base, env, &base);
    const ItemList *items = &expr->index.items;
    if (known != SHAPE_KNOWN || items->count > base.rank) return known == SHAPE_KNOWN ? SHAPE_UNKNOWN : known;
    *shape = (Shape){0};
    for (int a = 0; a < base.rank; a++) {
        if (a >= items->count)
            shape->extent[shape->rank++] = base.extent[a];
        else if ((known = item_shape(s, &items->items[a], env, base.extent[a], shape)) != SHAPE_KNOWN)
            return known;
        if (shape->rank > MOST_RANK - 1) return SHAPE_UNKNOWN;
    }
    return SHAPE_KNOWN;
}

/* ---- uses ------------------------------------------------------------------------------------ */
static bool use_add(Use *to, const Use *from, int64_t factor) {
    to->offset += factor * from->offset;
    for (int i = 0; i < from->terms; i++) {
        int at = 0;
        while (at < to->terms && to->term[at].variable != from->term[i].variable) at++;
        if (at == MOST_RANK) return false;
        if (at == to->terms) to->term[to->terms++] = (AffineTerm){from->term[i].variable, 0};
        to->term[at].coef += factor * from->term[i].coef;
    }
    return true;
}

static bool affine_of(Scanner *s, const Expr *expr, Env *env, Use *use) {
    *use = (Use){0};
    if (expr == NULL || s->depth > MOST_EXPRESSION_DEPTH) return false;
    if (!mentions(expr, env, s->depth)) return constant_of(s, expr, env, &use->offset);
    if (expr->kind == EXPR_NAME) {
        use->terms = 1;
        use->term[0] = (AffineTerm){env_find(env, expr->name.text), 1};
        return use->term[0].variable != NULL;
    }
    Use a, b;
    bool good = false;
    s->depth++;
    if (expr->kind == EXPR_UNARY && expr->unary.op == OPERATOR_NEG) {
        good = affine_of(s, expr->unary.operand, env, &a) && use_add(use, &a, -1);
    } else if (expr->kind == EXPR_BINARY && affine_of(s, expr->binary.left, env, &a) &&
               affine_of(s, expr->binary.right, env, &b)) {
        switch (expr->binary.op) {
        case OPERATOR_ADD: good = use_add(use, &a, 1) && use_add(use, &b, 1); break;
        case OPERATOR_SUB: good = use_add(use, &a, 1) && use_add(use, &b, -1); break;
        case OPERATOR_MUL:
            good = (a.terms == 0 && use_add(use, &b, a.offset)) || (b.terms == 0 && use_add(use, &a, b.offset));
            break;
        default: break;
        }
    }
    s->depth--;
    return good;
}

static const char *base_name(const Expr *base) { return base->kind == EXPR_NAME ? base->name.text : "this array"; }

static void settle(Scanner *s, Variable *v, int64_t extent, Span span, const Expr *base) {
    v->known = true;
    v->begin = 0;
    v->extent = extent;
    v->from = span;
    v->base = base_name(base);
    s->progress = true;
}

static void disagree(Scanner *s, Variable *v, int64_t extent, Span span, const Expr *base) {
    if (v->broken || v->extent == extent || v->base == NULL) return;
    Lowering *L = s->L;
    Diagnostic *d = lower_error(L, CODE_E0201, span, "%s runs over 0..%lld in %s and over 0..%lld in %s", v->name,
                                (long long)extent, base_name(base), (long long)v->extent, v->base);
    lower_note(L, d, v->from, "the first use of %s", v->name);
    lower_help(L, d, "if that is meant, write the range: %s in 0..%lld", v->name,
               (long long)(extent < v->extent ? extent : v->extent));
    v->broken = true;
}

/* The largest range from 0 that keeps an affine use inside the axis; other variables take all their
 * values. */
static int64_t largest_range(const Use *use, const Variable *v, int64_t extent) {
    int64_t low = use->offset, high = use->offset, coef = 0;
    for (int i = 0; i < use->terms; i++) {
        const AffineTerm *term = &use->term[i];
        if (term->variable == v) {
            coef = term->coef;
            continue;
        }
        int64_t first = term->coef * term->variable->begin;
        int64_t last = term->coef * (term->variable->begin + term->variable->extent - 1);
        low += first < last ? first : last;
        high += first < last ? last : first;
    }
    if (coef > 0) return extent - 1 < high ? 0 : (extent - 1 - high) / coef + 1;
    return low < 0 ? 0 : low / -coef + 1;
}

static void take_use(Scanner *s, const Use *use, int64_t extent, const Item *item, const Expr *base) {
    if (use->terms == 1 && use->term[0].coef == 1 && use->offset == 0) {
        Variable *v = use->term[0].variable;
        if (!v->known)
            settle(s, v, extent, item->span, base);
        else
            disagree(s, v, extent, item->span, base);
        return;
    }
    Variable *open = NULL;
    for (int i = 0; i < use->terms; i++) {
        Variable *v = use->term[i].variable;
        if (v->known) continue;
        if (open != NULL || use->term[i].coef == 0) return;
        open = v;
    }
    if (!s->affine_round || open == NULL) return;
    int64_t range = largest_range(use, open, extent);
    if (range >= 1) settle(s, open, range, item->span, base);
}

static void scan_index(Scanner *s, const Expr *expr, Env *env) {
    const ItemList *items = &expr->index.items;
    bool wanted = false;
    for (int i = 0; i < items->count; i++)
        wanted |= items->items[i].kind == ITEM_EXPR && mentions(items->items[i].expr, env, s->depth);
    scan(s, expr->index.base, env);
    for (int i = 0; i < items->count; i++) scan(s, items->items[i].expr, env);
    if (!wanted) return;
    Shape base = {0};
    BaseShape known = shape_of(s, expr->index.base, env, &base);
    for (int a = 0; a < items->count && a < MOST_RANK; a++) {
        Use use;
        if (items->items[a].kind != ITEM_EXPR || !affine_of(s, items->items[a].expr, env, &use)) continue;
        if (known == SHAPE_KNOWN && a < base.rank)
            take_use(s, &use, base.extent[a], &items->items[a], expr->index.base);
        for (int i = 0; known == SHAPE_BROKEN && i < use.terms; i++) use.term[i].variable->broken = true;
        for (int i = 0; known == SHAPE_KNOWN && a >= base.rank && i < use.terms; i++) {
            if (!use.term[i].variable->known && !use.term[i].variable->broken) {
                lower_error(s->L, CODE_E0201, expr->span, "%s has %s, and here are %d indices",
                            base_name(expr->index.base), count_text(s->L, base.rank, "axis"), items->count);
                use.term[i].variable->broken = true;
            }
        }
    }
}

/* ---- the scan -------------------------------------------------------------------------------- */
static void written_range(Scanner *s, Variable *v, Env *env) {
    const Expr *range = v->binder->range;
    if (range == NULL) return;
    Lowering *L = s->L;
    v->broken = true;
    if (mentions(range, env, s->depth)) {
        Diagnostic *d = lower_error(L, CODE_E0221, range->span,
                                    "the range of %s depends on an index variable; ranges "
                                    "are known when compiling",
                                    v->name);
        lower_help(L, d, "take the whole range and choose with where, as in where(j <= i, e, 0)");
        return;
    }
    Value *value = lower_expression(L, s->scope, range);
    if (value->kind == VALUE_RANGE && value->end > value->integer && value->end - value->integer < MOST_EXTENT &&
        value->integer > -MOST_EXTENT && value->end < MOST_EXTENT) {
        v->known = true;
        v->broken = false;
        v->begin = value->integer;
        v->extent = value->end - value->integer;
    } else if (value->kind == VALUE_RANGE) {
        lower_error(L, CODE_E0208, range->span, "the range %lld..%lld of %s is empty or too long",
                    (long long)value->integer, (long long)value->end, v->name);
    } else if (!value_is_poison(value)) {
        lower_error(L, CODE_E0203, range->span, "%s runs over a range like 0..n, not over %s", v->name,
                    value_type_text(L, value));
    }
}

static Variable *variable_of(Scanner *s, const Binder *binder, Env *env) {
    for (Variable *v = s->variables; v != NULL; v = v->next)
        if (v->binder == binder) return v;
    Variable *v = arena_new_of(s->L->arena, Variable);
    v->binder = binder;
    v->name = binder->name.text;
    v->next = s->variables;
    s->variables = v;
    written_range(s, v, env);
    return v;
}

static Env *extend(Scanner *s, const BinderList *binders, Env *env) {
    Env *outer = env;
    for (int i = 0; i < binders->count; i++) {
        const Binder *binder = &binders->items[i];
        if (binder->path != NULL || binder->name.text == NULL) continue;
        Env *entry = arena_new_of(s->L->arena, Env);
        *entry = (Env){binder->name.text, variable_of(s, binder, outer), env};
        env = entry;
    }
    return env;
}

/* Only the taken branch exists. */
static void scan_choice(Scanner *s, const Expr *expr, Env *env) {
    Value *condition = NULL;
    if (!mentions(expr->choice.condition, env, s->depth)) {
        bool quiet = s->L->quiet;
        s->L->quiet = true;
        condition = lower_expression(s->L, s->scope, expr->choice.condition);
        s->L->quiet = quiet;
    }
    bool decided = condition != NULL && condition->kind == VALUE_BOOL;
    if (!decided || condition->truth) scan(s, expr->choice.then, env);
    if (!decided || !condition->truth) scan(s, expr->choice.otherwise, env);
}

static void scan(Scanner *s, const Expr *expr, Env *env) {
    if (expr == NULL || s->depth > MOST_EXPRESSION_DEPTH) return;
    s->depth++;
    switch (expr->kind) {
    case EXPR_UNARY: scan(s, expr->unary.operand, env); break;
    case EXPR_BINARY:
        scan(s, expr->binary.left, env);
        scan(s, expr->binary.right, env);
        break;
    case EXPR_IF: scan_choice(s, expr, env); break;
    case EXPR_CALL: {
        Env *inner = extend(s, &expr->call.binders, env);
        for (int i = 0; i < expr->call.args.count; i++) scan(s, expr->call.args.items[i].value, inner);
        break;
    }
    case EXPR_INDEX: scan_index(s, expr, env); break;
    case EXPR_MEMBER: scan(s, expr->member.base, env); break;
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++) scan(s, expr->array.items.items[i], env);
        break;
    case EXPR_COMPREHENSION: scan(s, expr->comprehension.item, extend(s, &expr->comprehension.binders, env)); break;
    default: break;
    }
    s->depth--;
}

/* Rounds until nothing more is found: bare uses as far as they go, then one round of affine ones, and
 * again. */
static void scan_all(Scanner *s, const BinderList *binders, const Expr *body) {
    for (int round = 0; round < 64; round++) {
        s->progress = false;
        s->affine_round = false;
        scan(s, body, extend(s, binders, NULL));
        if (s->progress) continue;
        s->affine_round = true;
        scan(s, body, extend(s, binders, NULL));
        if (!s->progress) return;
    }
}

void range_frame_push(Lowering *L, Scope *scope, const BinderList *binders, const Expr *body) {
    RangeFrame *frame = arena_new_of(L->arena, RangeFrame);
    frame->outer = L->ranges;
    Scanner s = {.L = L, .scope = scope, .frame = frame};
    scan_all(&s, binders, body);
    for (Variable *v = s.variables; v != NULL; v = v->next) {
        RangeEntry *entry = arena_new_of(L->arena, RangeEntry);
        *entry = (RangeEntry){v->binder, v->known && !v->broken, v->begin, v->extent, frame->entries};
        frame->entries = entry;
        if (!v->known && !v->broken) {
            Diagnostic *d = lower_error(L, CODE_E0215, v->binder->span,
                                        "how far %s runs is not known: nothing is "
                                        "indexed by %s alone",
                                        v->name, v->name);
            lower_help(L, d, "write its range: %s in 0..n", v->name);
        }
    }
    L->ranges = frame;
}

void range_frame_pop(Lowering *L) { L->ranges = L->ranges->outer; }

bool range_of_binder(Lowering *L, const Binder *binder, int64_t *begin, int64_t *extent) {
    for (RangeFrame *frame = L->ranges; frame != NULL; frame = frame->outer)
        for (RangeEntry *e = frame->entries; e != NULL; e = e->next)
            if (e->binder == binder) {
                *begin = e->begin;
                *extent = e->extent;
                return e->found;
            }
    return false;
}

Value *range_lowered_base(const Lowering *L, const Expr *expr) {
    for (RangeFrame *frame = L->ranges; frame != NULL; frame = frame->outer)
        for (BaseEntry *b = frame->bases; b != NULL; b = b->next)
            if (b->expr == expr) return b->value;
    return NULL;
}
