/* quotient: quotients without a division, to the bit the same.
 *
 * A byte divided by a known number is the sum of two products, where that holds for all 256 bytes: with the reciprocal in
 * two parts, the nearest number and what is left of it, fma(byte, nearest, byte * rest).
 */
#include "ir/loops/schedules/schedule.h"

/* 1 / divisor: the nearest number, and what is left of it. */
typedef struct Reciprocal {
    float near, rest;
} Reciprocal;

static Reciprocal reciprocal_of(float divisor) {
    float near = 1.0f / divisor;
    return (Reciprocal){near, (float)(1.0 / (double)divisor - (double)near)};
}

static bool divides_all_bytes(Reciprocal by, float divisor) {
    for (int byte = 0; byte < 256; byte++) {
        float x = (float)byte;
        if (__builtin_fmaf(x, by.near, x * by.rest) != x / divisor) return false;
    }
    return true;
}

/* Views that only repeat it left out. */
static const Node *divisor_of(const Node *node) {
    const Node *divisor = node->source[1];
    while (divisor->op == OP_VIEW && access_is_inside(&divisor->attr.contraction->access[0], divisor->shape.extent,
                                                      divisor->shape.rank, divisor->source[0]->shape))
        divisor = divisor->source[0];
    return divisor;
}

const Scalar *schedule_quotient(Scheduler *s, const Node *node, const Scalar *x) {
    const Node *numerator = node->source[0], *divisor = divisor_of(node);
    if (node->dtype != DTYPE_F32 || divisor->op != OP_CONST || numerator->op != OP_CAST ||
        numerator->source[0]->dtype != DTYPE_U8)
        return NULL;
    Reciprocal by = reciprocal_of((float)divisor->attr.value);
    if (!divides_all_bytes(by, (float)divisor->attr.value)) return NULL;
    const Scalar *near = point_const(s, DTYPE_F32, (double)by.near), *rest = point_const(s, DTYPE_F32, (double)by.rest);
    return point_op(s, OP_FMA, DTYPE_F32, x, near, point_op(s, OP_MUL, DTYPE_F32, x, rest, NULL));
}
