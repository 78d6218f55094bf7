/* reduce.c: sum, mean, max, min over all own axes or over index axes, and `@`.
 *
 * Every product in a sum is built in full: multiply over the whole index space, then sum. Canonicalisation
 * makes one contraction of the two, so every spelling of a matrix product meets in the same op.
 */
#include "lower/internal.h"
#include <math.h>
#include <string.h>

static const char *const reduction_text[] = {"sum", "mean", "max", "min"};

/* Of batch(e) with a known number of rows, the largest is that of an array: so it has a derivative. */
static const Value *with_rows_as_axis(Lowering *L, ReductionKind how, const Value *v, uint32_t *bits) {
    bool extreme = how == REDUCTION_MAX || how == REDUCTION_MIN;
    if (!v->batch || !extreme || L->batch_rows != BATCH_STEP || !L->batch_size || v->node->shape.rank == MOST_RANK)
        return v;
    uint32_t outer = (1u << v->axes) - 1;
    *bits = (*bits & outer) | 1u << v->axes | (*bits & ~outer) << 1;
    return batch_as_array(L, v, L->graph->span);
}

/* Of an axis over the rows of the mini-batch, the places without a row count for nothing. */
static Value *reduce_bits(Lowering *L, ReductionKind how, const Value *v, uint32_t bits, int64_t terms, int axes,
                          const int *ids) {
    static const double nothing[] = {
        [REDUCTION_SUM] = 0, [REDUCTION_MEAN] = 0, [REDUCTION_MAX] = -INFINITY, [REDUCTION_MIN] = INFINITY};
    Op op = how == REDUCTION_MAX ? OP_REDUCE_MAX : how == REDUCTION_MIN ? OP_REDUCE_MIN : OP_CONTRACT;
    v = with_rows_as_axis(L, how, v, &bits);
    Node *node = batch_terms_there(L, v->node, bits, nothing[how]);
    int over_rows = v->batch;
    for (int a = 0; a < node->shape.rank; a++) {
        if (!((bits & v->node->row_axes) >> a & 1)) continue;
        terms /= node->shape.extent[a];
        over_rows++;
    }
    if (bits != 0 || v->batch) node = graph_reduce(L->graph, op, node, bits, v->batch);
    Value *result = value_of_node(L, node, ids, axes);
    if (how != REDUCTION_MEAN) return result;
    for (; over_rows > 0; over_rows--) {
        Value *share = value_of_node(L, graph_rows_reciprocal(L->graph, node->dtype), NULL, 0);
        Node *spread = value_spread(L, share, ids, axes, value_own_shape(result));
        result = value_of_node(L, graph_binary(L->graph, OP_MUL, result->node, spread), ids, axes);
        if (over_rows == 1 && terms == 1) return result;
    }
    return element_times(L, result, 1.0 / (double)terms);
}

/* What is reduced as a real tensor (index variables turn real). */
static Value *reducible(Lowering *L, ReductionKind how, const Value *v, Span span) {
    if (value_is_poison(v)) return (Value *)v;
    DType t = value_is_real(v) ? v->node->dtype : L->real;
    return value_to_tensor(L, v, t, span, text_format(L->arena, "the argument of %s", reduction_text[how]));
}

Value *reduce_own(Lowering *L, ReductionKind how, const Value *v, Span span) {
    Value *x = reducible(L, how, v, span);
    if (value_is_poison(x)) return x;
    uint32_t bits = 0;
    int64_t terms = 1;
    for (int i = x->axes; i < x->node->shape.rank; i++) {
        bits |= 1u << i;
        terms *= x->node->shape.extent[i];
    }
    return reduce_bits(L, how, x, bits, terms, x->axes, x->axis);
}

Value *reduce_ids(Lowering *L, ReductionKind how, const Value *v, const int *ids, int count, Span span) {
    Value *x = reducible(L, how, v, span);
    if (value_is_poison(x)) return x;
    if (x->batch) {
        lower_error(L, CODE_E0216, span, "batch(...) is reduced as a whole, without `for`");
        return value_poison(L);
    }
    int all[MOST_RANK + 1], kept[MOST_RANK], n = 0;
    Value probe = {.kind = VALUE_TENSOR, .axes = count};
    memcpy(probe.axis, ids, sizeof(int) * (size_t)count);
    Value *both[] = {x, &probe};
    Shape own = value_own_shape(x);
    int total = axes_union(L, both, 2, own.rank, all, span);
    if (total < 0) return value_poison(L);
    uint32_t bits = 0;
    int64_t terms = 1;
    for (int i = 0; i < total; i++) {
        bool reduced = false;
        for (int k = 0; k < count; k++) reduced |= all[i] == ids[k];
        if (reduced) {
            bits |= 1u << i;
            terms *= L->axes.items[all[i]].extent;
        } else {
            kept[n++] = all[i];
        }
    }
    Value *full = value_like(L, x, value_spread(L, x, all, total, own), all, total);
    return reduce_bits(L, how, full, bits, terms, n, kept);
}

/* ---- a @ b ----------------------------------------------------------------------------------- */
Value *lower_matmul(Lowering *L, const Value *a, const Value *b, const Expr *expr) {
    static const Phrase phrase = {"multiply", "by", false};
    const Expr *left = expr->binary.left, *right = expr->binary.right;
    if (!element_unify(L, &a, &b, left, right, expr->span, &phrase)) return value_poison(L);
    Shape sa = value_own_shape(a), sb = value_own_shape(b);
    bool ranks = sa.rank >= 1 && sa.rank <= 2 && sb.rank >= 1 && sb.rank <= 2;
    if (!ranks || sa.extent[sa.rank - 1] != sb.extent[0]) {
        Diagnostic *d = lower_error(L, CODE_E0201, expr->span, "cannot multiply %s by %s as matrices",
                                    value_type_text(L, a), value_type_text(L, b));
        note_operand(L, d, left, a);
        note_operand(L, d, right, b);
        if (ranks)
            lower_help(L, d, "the last axis of the left, %lld, meets the first axis of the right, %lld",
                       (long long)sa.extent[sa.rank - 1], (long long)sb.extent[0]);
        else
            lower_help(L, d,
                       "`@` is for vectors and matrices; otherwise write it with indices, as in "
                       "y[i, j] = sum(a[i, k] * b[k, j] for k)");
        return value_poison(L);
    }
    int64_t extents[] = {sa.rank == 2 ? sa.extent[0] : 1, sb.extent[0], sb.rank == 2 ? sb.extent[1] : 1};
    int ids[3], result[2], count = 0;
    lower_open_axes(L, extents, 3, ids);
    Value *x = value_own_to_axes(L, a, sa.rank == 2 ? ids : ids + 1, sa.rank);
    Value *y = value_own_to_axes(L, b, ids + 1, sb.rank);
    if (sa.rank == 2) result[count++] = ids[0];
    if (sb.rank == 2) result[count++] = ids[2];
    Value *product = element_pair(L, OP_MUL, x, y, left, right, expr->span, &phrase);
    Value *sum = reduce_ids(L, REDUCTION_SUM, product, ids + 1, 1, expr->span);
    lower_close_axes(L, 3);
    return value_axes_to_own(L, sum, result, count);
}
