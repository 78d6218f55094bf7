/* reciprocal: 1 / divisor in two numbers, by which bytes are divided. */
#include "ir/loops/loop.h"

Reciprocal reciprocal_of(float divisor) {
    float near = 1.0f / divisor;
    return (Reciprocal){near, (float)(1.0 / (double)divisor - (double)near)};
}

bool divides_bytes_by_product(float divisor) {
    Reciprocal by = reciprocal_of(divisor);
    for (int byte = 0; byte < 256; byte++) {
        float x = (float)byte;
        if (__builtin_fmaf(x, by.near, x * by.rest) != x / divisor) return false;
    }
    return true;
}

const Node *quotient_divisor(const Node *node) {
    const Node *divisor = node->source[1];
    while (divisor->op == OP_VIEW && access_is_inside(&divisor->attr.contraction->access[0], divisor->shape.extent,
                                                      divisor->shape.rank, divisor->source[0]->shape))
        divisor = divisor->source[0];
    return divisor;
}
