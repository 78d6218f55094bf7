/* Contractions, convolutions and training steps of perceptrons by oneDNN (version 2 or 3), through its C interface.
 *     onednn contraction ROWS OUTPUTS INPUTS
 *     onednn convolution forward|data_gradient|weight_gradient     3x3, 64 to 64 channels, 32x32, batch 32
 *     onednn steps FILE LR                                         by its sgemm; see perceptron.h
 *     onednn version
 * A contraction is an inner product. It chooses the layouts of all operands and results itself (`any`); reordering into
 * them and out of them is not measured, since its users keep their tensors in these layouts. */
#include "perceptron.h"
#include <dnnl.h>

enum { ROWS = 32, CHANNELS = 64, SIDE = 32, TAPS = 3, MOST_ARGUMENTS = 4 };

/* Version 3 made descriptions opaque and joined the two steps that create a primitive. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t description;
#else
typedef const dnnl_memory_desc_t *description;
#endif

typedef struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[MOST_ARGUMENTS];
    int count;
} library;

/* One tensor of a workload: as everybody has it, and what it is to the primitive. */
typedef struct {
    float *values;
    int rank;
    dnnl_dims_t dims;
    int argument;
    dnnl_query_t which;
} tensor;

static void must(dnnl_status_t status) {
    if (status == dnnl_unimplemented) exit(3);
    if (status != dnnl_success) exit(1);
}

static description described(const tensor *t, int any) {
    static const dnnl_format_tag_t plain[] = {[2] = dnnl_ab, [4] = dnnl_abcd};
    dnnl_format_tag_t tag = any ? dnnl_format_tag_any : plain[t->rank];
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_t made;
    must(dnnl_memory_desc_create_with_tag(&made, t->rank, t->dims, dnnl_f32, tag));
#else
    dnnl_memory_desc_t *made = malloc(sizeof *made);
    if (!made) exit(1);
    must(dnnl_memory_desc_init_by_tag(made, t->rank, t->dims, dnnl_f32, tag));
#endif
    return made;
}

static dnnl_primitive_desc_t inner_product(const library *it, const tensor *x, const tensor *w, const tensor *y) {
    dnnl_primitive_desc_t made;
#if DNNL_VERSION_MAJOR >= 3
    must(dnnl_inner_product_forward_primitive_desc_create(&made, it->engine, dnnl_forward_inference, described(x, 1),
                                                          described(w, 1), NULL, described(y, 1), NULL));
#else
    dnnl_inner_product_desc_t what;
    must(dnnl_inner_product_forward_desc_init(&what, dnnl_forward_inference, described(x, 1), described(w, 1), NULL,
                                              described(y, 1)));
    must(dnnl_primitive_desc_create(&made, &what, NULL, it->engine, NULL));
#endif
    return made;
}

/* The backward ones are described with the forward one as a hint. */
static dnnl_primitive_desc_t convolution(const library *it, char which, const tensor *x, const tensor *w,
                                         const tensor *y) {
    const dnnl_dims_t one = {1, 1};
    dnnl_primitive_desc_t forward, made;
    description dx = described(x, 1), dw = described(w, 1), dy = described(y, 1);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl_dims_t none = {0, 0};
    must(dnnl_convolution_forward_primitive_desc_create(&forward, it->engine, dnnl_forward_training,
                                                        dnnl_convolution_direct, dx, dw, NULL, dy, one, none, one, one,
                                                        NULL));
    if (which == 'd')
        must(dnnl_convolution_backward_data_primitive_desc_create(&made, it->engine, dnnl_convolution_direct, dx, dw,
                                                                  dy, one, none, one, one, forward, NULL));
    if (which == 'w')
        must(dnnl_convolution_backward_weights_primitive_desc_create(&made, it->engine, dnnl_convolution_direct, dx, dw,
                                                                     NULL, dy, one, none, one, one, forward, NULL));
#else
    dnnl_convolution_desc_t what;
    must(dnnl_convolution_forward_desc_init(&what, dnnl_forward_training, dnnl_convolution_direct, dx, dw, NULL, dy,
                                            one, one, one));
    must(dnnl_primitive_desc_create(&forward, &what, NULL, it->engine, NULL));
    if (which == 'd')
        must(dnnl_convolution_backward_data_desc_init(&what, dnnl_convolution_direct, dx, dw, dy, one, one, one));
    if (which == 'w')
        must(dnnl_convolution_backward_weights_desc_init(&what, dnnl_convolution_direct, dx, dw, NULL, dy, one, one,
                                                         one));
    if (which != 'f') must(dnnl_primitive_desc_create(&made, &what, NULL, it->engine, forward));
#endif
    return which == 'f' ? forward : made;
}

static dnnl_memory_t memory_of(const library *it, description what, void *at) {
    dnnl_memory_t made;
    must(dnnl_memory_create(&made, what, it->engine, at));
    return made;
}

static void reorder(const library *it, description from, dnnl_memory_t source, description to, dnnl_memory_t target) {
    dnnl_primitive_desc_t what;
    dnnl_primitive_t primitive;
    must(dnnl_reorder_primitive_desc_create(&what, from, it->engine, to, it->engine, NULL));
    must(dnnl_primitive_create(&primitive, what));
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}};
    must(dnnl_primitive_execute(primitive, it->stream, 2, arguments));
    must(dnnl_stream_wait(it->stream));
}

static double run(void *context) {
    library *it = context;
    must(dnnl_primitive_execute(it->primitive, it->stream, it->count, it->arguments));
    must(dnnl_stream_wait(it->stream));
    return 0;
}

static size_t values_of(const tensor *t) {
    size_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= (size_t)t->dims[i];
    return count;
}

/* Brings the operands into the layouts of the primitive, runs it, takes the result back; then measures. */
static int measure(library *it, dnnl_primitive_desc_t what, const tensor *operands, const tensor *result) {
    const tensor *all[] = {operands, operands + 1, result};
    description inside = NULL;
    must(dnnl_primitive_create(&it->primitive, what));
    for (int i = 0; i < 3; i++) {
        inside = dnnl_primitive_desc_query_md(what, all[i]->which, 0);
        dnnl_memory_t memory = memory_of(it, inside, DNNL_MEMORY_ALLOCATE);
        it->arguments[it->count++] = (dnnl_exec_arg_t){all[i]->argument, memory};
        description plain = described(all[i], 0);
        if (i < 2) reorder(it, plain, memory_of(it, plain, all[i]->values), inside, memory);
    }
    run(it);
    description plain = described(result, 0);
    reorder(it, inside, it->arguments[it->count - 1].memory, plain, memory_of(it, plain, result->values));
    printf("{\"check\": [%.17g]}\n", checksum(result->values, values_of(result)));
    return serve(run, it, 1);
}

static int contraction(library *it, long n, long m, long k) {
    if (n < 1 || m < 1 || k < 1) return 2;
    tensor operands[] = {
        {make((size_t)(n * k), 0), 2, {n, k}, DNNL_ARG_SRC, dnnl_query_src_md},
        {make((size_t)(m * k), 1u << 30), 2, {m, k}, DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
    };
    tensor y = {make((size_t)(n * m), 0), 2, {n, m}, DNNL_ARG_DST, dnnl_query_dst_md};
    return measure(it, inner_product(it, operands, operands + 1, &y), operands, &y);
}

static int convolutions(library *it, char which) {
    const size_t image = (size_t)ROWS * CHANNELS * SIDE * SIDE, filter = (size_t)CHANNELS * CHANNELS * TAPS * TAPS;
    tensor x = {make(image, 0), 4, {ROWS, CHANNELS, SIDE, SIDE}, DNNL_ARG_SRC, dnnl_query_src_md};
    tensor w = {make(filter, 1u << 30), 4, {CHANNELS, CHANNELS, TAPS, TAPS}, DNNL_ARG_WEIGHTS, dnnl_query_weights_md};
    tensor y = x;
    y.argument = DNNL_ARG_DST, y.which = dnnl_query_dst_md, y.values = make(image, 1u << 29);
    dnnl_primitive_desc_t what = convolution(it, which, &x, &w, &y);
    if (which == 'f') return measure(it, what, (const tensor[]){x, w}, &y);
    y.argument = DNNL_ARG_DIFF_DST, y.which = dnnl_query_diff_dst_md;
    if (which == 'd') {
        x.argument = DNNL_ARG_DIFF_SRC, x.which = dnnl_query_diff_src_md;
        return measure(it, what, (const tensor[]){y, w}, &x);
    }
    w.argument = DNNL_ARG_DIFF_WEIGHTS, w.which = dnnl_query_diff_weights_md;
    return measure(it, what, (const tensor[]){x, y}, &w);
}

static void by_sgemm(int transpose_a, int transpose_b, int n, int m, int k, float alpha, const float *a, const float *b,
                     float beta, float *c) {
    must(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', n, m, k, alpha, a, transpose_a ? n : k, b,
                    transpose_b ? k : m, beta, c, m));
}

int main(int count, char **arguments) {
    library it = {0};
    if (count == 2) {
        const dnnl_version_t *version = dnnl_version();
        return printf("%d.%d.%d\n", version->major, version->minor, version->patch) < 0;
    }
    if (count < 3) return 2;
    must(dnnl_engine_create(&it.engine, dnnl_cpu, 0));
    must(dnnl_stream_create(&it.stream, it.engine, dnnl_stream_default_flags));
    if (count == 4 && arguments[1][0] == 's') return train(arguments[2], (float)atof(arguments[3]), by_sgemm);
    if (count == 5) return contraction(&it, atol(arguments[2]), atol(arguments[3]), atol(arguments[4]));
    return count == 3 ? convolutions(&it, arguments[2][0]) : 2;
}
