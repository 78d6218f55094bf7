/* contraction: sums, maxima and argmax over the indices of a contraction.
 *
 * Conv, Gemm, pools and reductions where the contraction is one; else Einsum, which names the axes of each factor by
 * letters: those of the result are i j k l m n o p, reduced ones q r s ..., rows b, as --emit=ir has them. What a factor
 * reads in steps, or beyond its ends, is read before (access.c).
 */
#include "codegen/onnx/onnx.h"
#include "ir/affine.h"
#include <math.h>

static const char row_letter = 'b';
static char letter(int rank, int index) { return index < rank ? "ijklmnop"[index] : "qrstuvwxyzacdefgh"[index - rank]; }

/* ---- windows ------------------------------------------------------------------------------------------- */
static void add_window(OnnxGraph *g, const OnnxWindow *w, bool dilated) {
    onnx_numbers(g, "kernel_shape", w->kernel, w->axes);
    onnx_numbers(g, "strides", w->stride, w->axes);
    onnx_numbers(g, "pads", w->pads, 2 * w->axes);
    if (dilated) onnx_numbers(g, "dilations", w->dilation, w->axes);
}

static bool is_dilated(const OnnxWindow *w) {
    for (int a = 0; a < w->axes; a++)
        if (w->dilation[a] != 1) return true;
    return false;
}

static const char *convolution(OnnxGraph *g, const OnnxWindow *w, const Node *bias) {
    const char *inputs[3] = {onnx_whole(g, w->image), onnx_whole(g, w->filter)};
    if (bias) inputs[2] = onnx_whole(g, bias);
    const char *y = onnx_put(g, "Conv", inputs, bias ? 3 : 2);
    add_window(g, w, is_dilated(w));
    return y;
}

static const char *product(OnnxGraph *g, const Node *x, const Node *matrix, bool turned, const Node *bias) {
    const char *inputs[3] = {onnx_whole(g, x), onnx_whole(g, matrix)};
    if (bias) inputs[2] = onnx_whole(g, bias);
    const char *y = onnx_put(g, "Gemm", inputs, bias ? 3 : 2);
    if (turned) onnx_number(g, "transB", 1);
    return y;
}

/* ---- reductions of one source ---------------------------------------------------------------------------- */
/* The source with the result's axes, then the reduced ones. */
static const char *read_all(OnnxGraph *g, const Node *node, double fill) {
    int64_t extent[MOST_AXES];
    int indices = contraction_space(node->shape, node->attr.contraction, extent);
    return onnx_read_whole(g, node->source[0], &node->attr.contraction->access[0], extent, indices, fill);
}

static int reduced_axes(const Node *node, int64_t *axes) {
    int count = node->attr.contraction->reduced;
    for (int k = 0; k < count; k++) axes[k] = (node->rows != 0) + node->shape.rank + k;
    return count;
}

/* ReduceSum has its axes as an input, the others as an attribute. */
static const char *reduce(OnnxGraph *g, const char *op, const char *x, const Node *node, bool as_input) {
    int64_t axes[MOST_AXES];
    int count = reduced_axes(node, axes);
    if (!count) return x;
    const char *y = as_input ? onnx_put2(g, op, x, onnx_integers(g, axes, count)) : onnx_put1(g, op, x);
    if (!as_input) onnx_numbers(g, "axes", axes, count);
    onnx_number(g, "keepdims", 0);
    return y;
}

const char *onnx_extreme(OnnxGraph *g, const Node *node) {
    bool most = node->op == OP_REDUCE_MAX;
    double fill = node->dtype != DTYPE_I32 ? (most ? -INFINITY : INFINITY) : most ? INT32_MIN : INT32_MAX;
    OnnxWindow window;
    if (!most || !onnx_is_pool(node, &window))
        return reduce(g, most ? "ReduceMax" : "ReduceMin", read_all(g, node, fill), node, false);
    const char *y = onnx_put1(g, "MaxPool", onnx_whole(g, window.image));
    add_window(g, &window, is_dilated(&window));
    return y;
}

const char *onnx_argmax(OnnxGraph *g, const Node *node) {
    double fill = node->source[0]->dtype == DTYPE_I32 ? INT32_MIN : -INFINITY;
    const char *x = read_all(g, node, fill);
    Shape flat = node->shape;
    flat.extent[flat.rank] = 1;
    for (int k = 0; k < node->attr.contraction->reduced; k++)
        flat.extent[flat.rank] *= node->attr.contraction->extent[k];
    flat.rank++;
    if (node->attr.contraction->reduced != 1) x = onnx_reshape(g, x, node->rows != 0, flat);
    const char *y = onnx_put1(g, "ArgMax", x);
    onnx_number(g, "axis", (node->rows != 0) + node->shape.rank);
    onnx_number(g, "keepdims", 0);
    return onnx_cast(g, y, ONNX_I32);
}

static const char *mean(OnnxGraph *g, const Node *node) {
    OnnxWindow window;
    if (node->dtype != DTYPE_F32 || !onnx_is_pool(node, &window) || is_dilated(&window))
        return reduce(g, "ReduceMean", read_all(g, node, 0), node, false);
    const char *y = onnx_put1(g, "AveragePool", onnx_whole(g, window.image));
    add_window(g, &window, false);
    onnx_number(g, "count_include_pad", 1);
    return y;
}

/* ---- Einsum -------------------------------------------------------------------------------------------- */
static void add_letters(Text *to, int rank, const int *label, int labels, bool rows) {
    if (rows) text_add_bytes(to, &row_letter, 1);
    for (int i = 0; i < labels; i++) {
        char c = letter(rank, label[i]);
        text_add_bytes(to, &c, 1);
    }
}

/* Axes of the result that no factor has, and reduced ones: their terms are equal. */
static const char *complete(OnnxGraph *g, const Node *node, const char *x, const bool *there, const int64_t *extent,
                            int indices) {
    double times = 1;
    bool repeated = false;
    int rows = node->rows != 0;
    for (int k = 0; k < indices; k++) {
        if (there[k]) continue;
        if (k >= node->shape.rank) {
            times *= (double)extent[k];
            continue;
        }
        x = onnx_unsqueeze(g, x, rows + k);
        repeated |= extent[k] != 1;
    }
    if (times != 1) x = onnx_put2(g, "Mul", x, onnx_scalar(g, node->dtype, times));
    return repeated ? onnx_expand(g, x, rows, extent, node->shape.rank) : x;
}

static const char *einsum(OnnxGraph *g, const Node *node) {
    const Contraction *c = node->attr.contraction;
    int64_t extent[MOST_AXES];
    int indices = contraction_space(node->shape, c, extent), rank = node->shape.rank, result[MOST_RANK], results = 0;
    bool there[MOST_AXES] = {false};
    const char *inputs[2];
    Text equation = text_new(g->arena);
    for (int s = 0; s < node->sources; s++) {
        OnnxRead read = onnx_read(g, node->source[s], &c->access[s], extent, indices, 0);
        inputs[s] = read.tensor;
        if (s) text_add(&equation, ",");
        add_letters(&equation, rank, read.label, read.labels, node->source[s]->rows != 0);
        for (int i = 0; i < read.labels; i++) there[read.label[i]] = true;
    }
    for (int k = 0; k < rank; k++)
        if (there[k]) result[results++] = k;
    text_add(&equation, "->");
    add_letters(&equation, rank, result, results, node->rows != 0);
    const char *y = onnx_put(g, "Einsum", inputs, node->sources);
    onnx_text(g, "equation", equation.bytes);
    return complete(g, node, y, there, extent, indices);
}

const char *onnx_contract(OnnxGraph *g, const Node *node, const Node *bias, bool is_mean) {
    OnnxWindow window;
    const Node *x, *matrix;
    bool turned;
    if (is_mean) return mean(g, node);
    if (onnx_is_convolution(node, &window)) return convolution(g, &window, bias);
    if (onnx_is_product(node, &x, &matrix, &turned)) return product(g, x, matrix, turned, bias);
    if (node->sources == 1) return reduce(g, "ReduceSum", read_all(g, node, 0), node, true);
    return einsum(g, node);
}
