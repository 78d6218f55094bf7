/* batch.c: batch(e), the values of e for all rows as an array. */
#include "lower/internal.h"

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
    Value *x = value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, call->span, "the argument of batch");
    if (value_is_poison(x)) return x;
    L->sees_batch |= L->batch_rows == BATCH_STEP;
    Value *array = arena_copy(L->arena, x, sizeof *x);
    array->batch = true;
    return array;
}

Value *lower_rank_in_batch(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    (void)context;
    (void)args;
    return lower_unsupported(L, call->span, "rank_in_batch");
}
