/* Training steps of perceptrons by the products of this folder; see ../peers/perceptron.h.
 *     layers steps FILE LR */
#include "../peers/perceptron.h"
#include "product.h"

static void by_tiles(int transpose_a, int transpose_b, int n, int m, int k, float alpha, const float *a, const float *b,
                     float beta, float *c) {
    size_t rows = (size_t)n, columns = (size_t)m, terms = (size_t)k;
    operand of_a = transpose_a ? (operand){a, 1, rows} : (operand){a, terms, 1};
    operand of_b = transpose_b ? (operand){b, terms, 1} : (operand){b, 1, columns};
    multiply_matrices(rows, columns, terms, alpha, of_a, of_b, beta != 0, c, columns);
}

int main(int count, char **arguments) {
    return count == 4 ? train(arguments[2], (float)atof(arguments[3]), by_tiles) : 2;
}
