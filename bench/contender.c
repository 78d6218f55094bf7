/* sgdc's contender where no training loop is measured: `predict` or one `step` of an object that sgdc made.
 *     cc -DHEADER='"bench.h"' -DPREFIX=bench -DPARAMETER='"product.w"' ... contender.c bench.o
 *     contender predict|step ROWS NUMBERS_OF_X NUMBERS_OF_Y
 * The first parameter is set to the values the peers use. */
#include HEADER
#include "peers/peer.h"
#include <string.h>

#define JOIN(a, b) a##b
#define NAMED(prefix, name) JOIN(prefix, name)
#define API(name) NAMED(PREFIX, name)

typedef struct {
    API(_data) data;
    PREFIX *model;
    float *out;
    void *workspace;
} context;

static void predict(void *c) {
    context *it = c;
    if (API(_predict)(it->model, &it->data, it->out, it->workspace)) exit(1);
}

static void step(void *c) {
    context *it = c;
    if (API(_step)(it->model, &it->data, NULL)) exit(1);
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    size_t rows = strtoul(arguments[2], NULL, 10), inputs = strtoul(arguments[3], NULL, 10),
           outputs = strtoul(arguments[4], NULL, 10), weights = 1;
    const int64_t *shape;
    int rank;
    context it = { .data = API(_rows)((int64_t)rows, make(rows * inputs, 0), make(rows * outputs, 1u << 29)),
                   .out = make(rows * outputs, 0),
                   .workspace = aligned_alloc(64, (WORKSPACE + 63) / 64 * 64) };
    if (!it.workspace || API(_new)(&it.model, NULL)) return 1;
    float *w = API(_parameter)(it.model, PARAMETER, &shape, &rank);
    if (!w) return 1;
    for (int i = 0; i < rank; i++) weights *= (size_t)shape[i];
    for (size_t i = 0; i < weights; i++) w[i] = made((1u << 30) + (uint32_t)i);
    if (arguments[1][0] == 'p') {
        predict(&it);
        printf("{\"check\": [%.17g]}\n", checksum(it.out, rows * outputs));
        return serve(predict, &it, 1);
    }
    float *before = make(weights, 1u << 30);       /* with lr = rows a step moves by the sum of the gradients, exactly */
    API(_set_lr)(it.model, (float)rows);
    step(&it);
    for (size_t i = 0; i < weights; i++) before[i] -= w[i];
    printf("{\"check\": [%.17g]}\n", checksum(before, weights));
    API(_set_lr)(it.model, 0);
    return serve(step, &it, 1);
}
