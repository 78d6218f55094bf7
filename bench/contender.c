/* sgdc's side of a contraction or a convolution: the object that it made, called as an application calls it.
 *     cc -DHEADER='"bench.h"' -DPREFIX=bench -DWORKSPACE=BENCH_PREDICT_BYTES contender.c bench.o libsgdrt.a ...
 *     contender predict|evaluate|step ROWS NUMBERS NUMBERS PARAMETER       numbers in a row of the two columns
 * PARAMETER is set to the values that the peers use. */
#include HEADER
#include "peers/peer.h"

#define JOIN(a, b) a##b
#define NAMED(prefix, name) JOIN(prefix, name)
#define API(name) NAMED(PREFIX, name)

typedef struct {
    API(_data) data;
    PREFIX *model;
    float *out;
    void *workspace;
} context;

static double predict(void *c) {
    context *it = c;
    if (API(_predict)(it->model, &it->data, it->out, it->workspace)) exit(1);
    return 0;
}

static double evaluate(void *c) {
    context *it = c;
    if (API(_evaluate)(it->model, &it->data, it->out)) exit(1);
    return 0;
}

static double step(void *c) {
    context *it = c;
    if (API(_step)(it->model, &it->data, NULL)) exit(1);
    return 0;
}

static size_t set_parameter(context *it, const char *name, float **w) {
    const int64_t *shape;
    int rank;
    size_t count = 1;
    if (API(_new)(&it->model, NULL) || !(*w = API(_parameter)(it->model, name, &shape, &rank))) exit(1);
    for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
    for (size_t i = 0; i < count; i++) (*w)[i] = made((1u << 30) + (uint32_t)i);
    return count;
}

int main(int count, char **arguments) {
    if (count != 6) return 2;
    context it = {.workspace = aligned_alloc(64, (WORKSPACE + 63) / 64 * 64)};
    size_t rows = strtoul(arguments[2], NULL, 10), inputs = strtoul(arguments[3], NULL, 10),
           outputs = strtoul(arguments[4], NULL, 10);
    void *x = make(rows * inputs, 0), *g = make(rows * outputs, 1u << 29);
    it.data = API(_rows)((int64_t)rows, x, g);
    it.out = make(rows * outputs, 0);
    float *w;
    size_t weights = set_parameter(&it, arguments[5], &w);
    if (arguments[1][0] == 'p') {
        predict(&it);
        printf("{\"check\": [%.17g]}\n", checksum(it.out, rows * outputs));
        return serve(predict, &it, 1);
    }
    if (arguments[1][0] == 'e') {
        puts("{\"check\": null}");
        return serve(evaluate, &it, 1);
    }
    float *gradient = make(weights, 1u << 30); /* with lr = rows a step moves by the sum of the gradients, exactly */
    API(_set_lr)(it.model, (float)rows);
    step(&it);
    for (size_t i = 0; i < weights; i++) gradient[i] -= w[i];
    printf("{\"check\": [%.17g]}\n", checksum(gradient, weights));
    API(_set_lr)(it.model, 0);
    return serve(step, &it, 1);
}
