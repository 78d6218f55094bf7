/* schedule_quotient: quotients without a division, to the bit the same.
 *
 * A byte divided by a known number is the sum of two products, where that holds for all 256 bytes: with the reciprocal in
 * two parts, the nearest number and what is left of it, fma(byte, nearest, byte * rest).
 */
#include "ir/loops/schedule.h"

const Scalar *schedule_quotient(Scheduler *s, const Node *node, const Scalar *x) {
    const Node *numerator = node->source[0], *divisor = quotient_divisor(node);
    if (node->dtype != DTYPE_F32 || divisor->op != OP_CONST || numerator->op != OP_CAST ||
        numerator->source[0]->dtype != DTYPE_U8 || !divides_bytes_by_product((float)divisor->attr.value))
        return NULL;
    Reciprocal by = reciprocal_of((float)divisor->attr.value);
    const Scalar *near = point_const(s, DTYPE_F32, (double)by.near), *rest = point_const(s, DTYPE_F32, (double)by.rest);
    return point_op(s, OP_FMA, DTYPE_F32, x, near, point_op(s, OP_MUL, DTYPE_F32, x, rest, NULL));
}
