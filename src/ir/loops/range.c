/* range: between which numbers a subscript lies, whatever the loops around it do.
 *
 * Loops run from 0 to their extent. An integer scalar has the range of how it was made. What only the data knows, a
 * label or the row at a place, has no bound here until SCALAR_INSIDE was asked for and SCALAR_WITHIN made 0 of the
 * rest; rows of columns and outputs are the caller's word.
 */
#include "ir/loops/tree.h"

static const Range anything = {INT64_MIN / 4, INT64_MAX / 4};

static Range quotient_range(Range r, int64_t n) { return (Range){r.least / n, r.most / n}; }

static Range remainder_range(Range r, int64_t n) {
    if (r.least >= 0 && r.most < n) return r;
    return (Range){r.least < 0 ? 1 - n : 0, n - 1};
}

/* 0, or `at` where source 0 says that it is inside (a conjunction of such questions). */
static bool inside_of(const Scalar *condition, const Subscript *at, Range *range) {
    if (condition->kind == SCALAR_OP && condition->op == OP_AND)
        return inside_of(condition->source[0], at, range) || inside_of(condition->source[1], at, range);
    if (condition->kind != SCALAR_INSIDE || !subscript_equal(condition->at, at)) return false;
    *range = (Range){0, condition->n - 1};
    return true;
}

static Range scalar_range(const Scalar *s) {
    Range r;
    switch (s->kind) {
    case SCALAR_ROWS: return (Range){1, MOST_ROWS};
    case SCALAR_ROW:
    case SCALAR_PLACE: return (Range){0, MOST_ROWS - 1};
    case SCALAR_QUOTIENT: return quotient_range(subscript_range(s->at), s->n);
    case SCALAR_REMAINDER: return remainder_range(subscript_range(s->at), s->n);
    case SCALAR_INTEGER: return s->source[0]->dtype == DTYPE_U8 ? (Range){0, 255} : (Range){INT32_MIN, INT32_MAX};
    case SCALAR_WITHIN:
        r = subscript_range(s->at);
        if (inside_of(s->source[0], s->at, &r)) return r;
        return (Range){r.least < 0 ? r.least : 0, r.most > 0 ? r.most : 0};
    default: return anything;
    }
}

/* A row of a block, and where the block begins, together stay below what the block's loop does. */
static bool counts_rows_of(const Subscript *s, const SubscriptTerm *t) {
    return t->loop->block != NULL && subscript_coef(s, t->loop->block) == t->coef;
}

static bool begins_block(const Subscript *s, const SubscriptTerm *t) {
    for (int i = 0; i < s->count; i++)
        if (s->term[i].loop != NULL && s->term[i].loop->block == t->loop && counts_rows_of(s, &s->term[i])) return true;
    return false;
}

static int64_t last_of(const Subscript *s, const SubscriptTerm *t) {
    const Loop *loop = t->loop;
    if (begins_block(s, t)) return 0;
    if (!counts_rows_of(s, t)) return (loop_iterations(loop) - 1) * loop->step;
    while (loop->block != NULL && subscript_coef(s, loop->block) == t->coef) loop = loop->block;
    return loop->extent - 1;
}

/* The loop over whole steps to whose row the subscript counts the rows that are left; NULL: it does not. */
static const Loop *left_at(const Subscript *s, const SubscriptTerm *rows) {
    if (rows->scalar == NULL || rows->scalar->kind != SCALAR_ROWS) return NULL;
    for (int i = 0; i < s->count; i++) {
        const Loop *loop = s->term[i].loop;
        if (loop == NULL || loop->part != WHOLE_STEPS || s->term[i].coef != -rows->coef) continue;
        if (loop->block == NULL || counts_rows_of(s, &s->term[i])) return loop;
    }
    return NULL;
}

static const Loop *loop_of_whole_steps(const Subscript *s) {
    const Loop *found = NULL;
    for (int i = 0; i < s->count && found == NULL; i++) found = left_at(s, &s->term[i]);
    return found;
}

static Range term_range(const Subscript *s, const SubscriptTerm *t, const Loop *whole) {
    if (whole != NULL && t->scalar != NULL && t->scalar->kind == SCALAR_ROWS) return (Range){whole->step, MOST_ROWS};
    if (whole != NULL && (t->loop == whole || (t->loop != NULL && t->loop == whole->block))) return (Range){0, 0};
    int64_t last = t->loop == NULL ? 0 : last_of(s, t);
    return t->loop != NULL ? (Range){0, last > 0 ? last : 0} : scalar_range(t->scalar);
}

Range subscript_range(const Subscript *s) {
    const Loop *whole = loop_of_whole_steps(s);
    Range sum = {s->offset, s->offset};
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        Range one = term_range(s, t, whole);
        int64_t a = one.least * t->coef, b = one.most * t->coef;
        sum.least += a < b ? a : b;
        sum.most += a < b ? b : a;
    }
    return sum;
}

Certainty truth_of_inside(const Subscript *at, int64_t n) {
    Range r = subscript_range(at);
    return r.least >= 0 && r.most < n ? ALWAYS : r.most < 0 || r.least >= n ? NEVER : SOMETIMES;
}
