/* batch.c: batch(e), the values of e for all rows as an array, and ranks among them.
 *
 * A measure sees all rows that are evaluated, however many: there a rank is a node that the measure keeps and sorts
 * (experiment/measure.c). In a step the rows are an axis, and a rank is a sum of comparisons along it.
 */
#include "lower/internal.h"
#include <math.h>

static Value *no_batch(Lowering *L, const Expr *call) {
    Diagnostic *d = lower_error(
        L, CODE_E0231, call->span,
        "batch(...) is over the rows of a mini-batch, and here is none: a value that is predicted "
        "is of one row");
    lower_help(L, d, "choose what to do instead: if training then batch_mean(x) else m");
    return value_poison(L);
}

Value *lower_batch(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    if (L->batch_rows == BATCH_REFUSED) return no_batch(L, call);
    const Value *v = args->value[0];
    bool whole = v->kind == VALUE_TENSOR && v->node->dtype == DTYPE_I32 && !v->free;
    Value *x = whole ? (Value *)v
                     : value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, call->span,
                                       "the argument of batch");
    if (value_is_poison(x)) return x;
    L->sees_batch |= L->batch_rows == BATCH_STEP;
    Value *array = arena_copy(L->arena, x, sizeof *x);
    array->batch = true;
    return array;
}

/* ---- as an array ------------------------------------------------------------------------------ */
static Value *no_size(Lowering *L, Span span) {
    bool metric = L->batch_rows == BATCH_EVALUATED;
    Diagnostic *d = lower_error(L, CODE_E0221, span,
                                "how many rows batch(...) has must be known when compiling to index it, and here it "
                                "has %s",
                                metric ? "all rows that are evaluated" : "all rows of the data");
    lower_help(L, d,
               metric ? "in a metric it is reduced as a whole: sum, mean, max or min of it"
                      : "say how many a step takes: batch = 200");
    return value_poison(L);
}

Value *batch_as_array(Lowering *L, const Value *v, Span span) {
    if (L->batch_rows != BATCH_STEP || L->batch_size == 0) return no_size(L, span);
    if (v->node->shape.rank == MOST_RANK) {
        lower_error(L, CODE_E0219, span, "this array would have more than %d axes", MOST_RANK);
        return value_poison(L);
    }
    L->indexes_batch = true;
    Node *node = graph_collect(L->graph, v->node, L->batch_size);
    int source[MOST_RANK];
    for (int a = 0; a < node->shape.rank; a++) source[a] = a < v->axes ? a + 1 : a == v->axes ? 0 : a;
    if (v->axes > 0) node = graph_permute(L->graph, node, source);
    Value *array = value_like(L, v, node, v->axis, v->axes);
    array->batch = false;
    return array;
}

Node *batch_terms_there(Lowering *L, Node *term, uint32_t bits, double otherwise) {
    for (int a = 0; a < term->shape.rank; a++) {
        if (!(bits & term->row_axes) || !((bits & term->row_axes) >> a & 1)) continue;
        Node *there = graph_row_is_there(L->graph, term->shape.extent[a]);
        Node *other = graph_const(L->graph, term->dtype, term->shape, otherwise);
        term = graph_where(L->graph, graph_expand(L->graph, there, term->shape, &a), term, other);
    }
    return term;
}

/* ---- ranks ------------------------------------------------------------------------------------ */
/* By comparison with each row of the mini-batch: below count one, equal ones half. */
static Node *rank_in_step(Lowering *L, const Value *x, Span span) {
    Value *array = batch_as_array(L, x, span);
    if (value_is_poison(array)) return NULL;
    Graph *g = L->graph;
    Node *all = array->node, *own = x->node;
    int axes = own->shape.rank, source[MOST_RANK];
    for (int a = 0; a < axes; a++) source[a] = a;
    Node *here = graph_expand(g, own, all->shape, source);
    Node *half = graph_where(g, graph_binary(g, OP_EQ, all, here), graph_const(g, own->dtype, all->shape, 0.5),
                             graph_const(g, own->dtype, all->shape, 0));
    Node *term = graph_where(g, graph_binary(g, OP_LT, all, here), graph_const(g, own->dtype, all->shape, 1), half);
    Node *sum = graph_reduce(g, OP_CONTRACT, batch_terms_there(L, term, 1u << axes, 0), 1u << axes, false);
    Node *rank = graph_binary(g, OP_ADD, sum, graph_const(g, own->dtype, own->shape, 0.5));
    return graph_where(g, graph_binary(g, OP_EQ, own, own), rank, graph_const(g, own->dtype, own->shape, NAN));
}

Value *lower_rank_in_batch(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    if (L->batch_rows == BATCH_REFUSED) return no_batch(L, call);
    const Value *v = args->value[0];
    Value *x = value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, call->span,
                               "the argument of rank_in_batch");
    if (value_is_poison(x)) return x;
    if (x->batch || value_own_shape(x).rank != 0) {
        lower_error(L, CODE_E0214, call->span, "rank_in_batch takes one number of each row; this is %s",
                    x->batch ? "batch(...)" : value_type_text(L, x));
        return value_poison(L);
    }
    L->sees_batch |= L->batch_rows == BATCH_STEP;
    Node *rank = L->batch_rows == BATCH_STEP ? rank_in_step(L, x, call->span) : graph_rank(L->graph, x->node, NULL);
    return rank ? value_like(L, x, rank, x->axis, x->axes) : value_poison(L);
}
