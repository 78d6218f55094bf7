/* The contraction y = x w^T and its gradients, by product.h, from and to plain row-major arrays.
 *     contraction contraction|weight_gradient|data_gradient ROWS OUTPUTS INPUTS */
#include "../peers/peer.h"
#include "product.h"
#include "check.h"

typedef struct {
    size_t n, m, k; /* of the result n by m, of k terms */
    operand a, b;
    float *c;
} work;

static double run(void *context) {
    const work *it = context;
    multiply_matrices(it->n, it->m, it->k, 1, it->a, it->b, 0, it->c, it->m);
    return 0;
}

static double term(const void *context, size_t at, size_t p) {
    const work *it = context;
    size_t i = at / it->m, j = at % it->m;
    return (double)it->a.at[i * it->a.outer + p * it->a.term] * (double)it->b.at[j * it->b.outer + p * it->b.term];
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    size_t rows = strtoul(arguments[2], NULL, 10), outputs = strtoul(arguments[3], NULL, 10),
           inputs = strtoul(arguments[4], NULL, 10);
    if (rows < 1 || outputs < 1 || inputs < 1) return 2;
    const float *x = make(rows * inputs, 0), *w = make(outputs * inputs, 1u << 30), *d = make(rows * outputs, 1u << 29);
    work it;
    switch (arguments[1][0]) {
    case 'c': it = (work){rows, outputs, inputs, {x, inputs, 1}, {w, inputs, 1}, NULL}; break;
    case 'w': it = (work){outputs, inputs, rows, {d, 1, outputs}, {x, 1, inputs}, NULL}; break;
    default: it = (work){rows, inputs, outputs, {d, outputs, 1}, {w, 1, inputs}, NULL}; break;
    }
    it.c = make(it.n * it.m, 7);
    run(&it);
    check(it.c, it.n * it.m, it.k, term, &it);
    printf("{\"check\": [%.17g]}\n", checksum(it.c, it.n * it.m));
    return serve(run, &it, 1);
}
