/* window: which contractions are convolutions, pools and products with a matrix, as ONNX has operators for them.
 *
 * A window is x[c, p + s * i + d * u, ...]: an axis of space is read by one index of the result in steps (the stride) and
 * by one that is reduced in steps (the dilation), over the whole kernel. What differs from these forms in anything is no
 * window, and is said by Gather and Einsum instead. Conv and AveragePool are taken for f32 alone: they are defined for f64
 * as well, and ONNX Runtime has them for f32 only.
 */
#include "codegen/onnx/onnx.h"
#include "ir/affine.h"
#include <string.h>

/* The map without indices that are always 0. */
static AxisMap plain(const AxisMap *map, const int64_t *extent, int indices) {
    AxisMap p = *map;
    axis_map_normalise(&p, extent, indices);
    return p;
}

/* The axis is read by index k from its first to its last place; of extent 1, by none. */
static bool is_whole_axis(const AxisMap *map, const int64_t *extent, int indices, int k, int64_t axis_extent) {
    AxisMap p = plain(map, extent, indices), constant = axis_map_constant(0);
    if (axis_extent == 1) return axis_map_equal(&p, &constant);
    return extent[k] == axis_extent && axis_map_is_index(&p, k);
}

bool onnx_reads_in_order(const Access *access, const int64_t *extent, Shape source, int axes) {
    for (int a = 0; a < axes; a++)
        if (!is_whole_axis(&access->axis[a], extent, MOST_AXES, a, source.extent[a])) return false;
    return true;
}

/* ---- space --------------------------------------------------------------------------------------------- */
/* What is left over behind the last window does not count: ONNX rounds down. */
static int64_t padding_after(const OnnxWindow *w, int axis, int64_t windows, int64_t source) {
    int64_t reach = w->stride[axis] * (windows - 1) + w->dilation[axis] * (w->kernel[axis] - 1) + 1;
    int64_t after = reach - w->pads[axis] - source;
    return after > 0 ? after : 0;
}

/* Axis `axis` of space: index `out` of the result, and one reduced index that no axis before it has. */
static bool take_axis(OnnxWindow *w, const AxisMap *map, const int64_t *extent, int indices, int out, int reduced,
                      uint32_t *taken, int64_t source) {
    AxisMap p = plain(map, extent, indices);
    int axis = w->axes++;
    w->kernel[axis] = w->stride[axis] = w->dilation[axis] = 1;
    for (int k = 0; k < indices; k++) {
        if (!p.coef[k]) continue;
        if (p.coef[k] < 0) return false;
        if (k == out) {
            w->stride[axis] = p.coef[k];
        } else {
            if (k < reduced || w->kernel[axis] != 1 || *taken >> k & 1) return false;
            w->kernel[axis] = extent[k];
            w->dilation[axis] = p.coef[k];
            *taken |= 1u << k;
        }
    }
    w->pads[axis] = -p.offset;
    return p.divisor == 1 && p.offset <= 0 && (source > 0);
}

static bool finish_pads(OnnxWindow *w, const Node *node, const Node *image) {
    for (int a = 0; a < w->axes; a++) {
        int64_t windows = node->shape.extent[a + 1], source = image->shape.extent[a + 1];
        int64_t after = padding_after(w, a, windows, source), kernel = w->dilation[a] * (w->kernel[a] - 1) + 1;
        w->pads[w->axes + a] = after;
        if ((source + w->pads[a] + after - kernel) / w->stride[a] + 1 != windows) return false;
    }
    return true;
}

/* All reduced indices but those of extent 1 are taken. */
static bool all_taken(const Node *node, const int64_t *extent, uint32_t taken) {
    const Contraction *c = node->attr.contraction;
    for (int k = node->shape.rank; k < node->shape.rank + c->reduced; k++)
        if (extent[k] != 1 && !(taken >> k & 1)) return false;
    return true;
}

bool onnx_is_pool(const Node *node, OnnxWindow *w) {
    const Contraction *c = node->attr.contraction;
    const Node *image = node->source[0];
    int64_t extent[MOST_AXES];
    int indices = contraction_space(node->shape, c, extent);
    uint32_t taken = 0;
    *w = (OnnxWindow){.image = image};
    if (node->sources != 1 || !image->rows || c->over_rows || image->shape.rank < 2 ||
        image->shape.rank != node->shape.rank || !dtype_is_real(node->dtype))
        return false;
    if (!is_whole_axis(&c->access[0].axis[0], extent, indices, 0, image->shape.extent[0])) return false;
    if (image->shape.extent[0] != node->shape.extent[0]) return false;
    for (int a = 1; a < image->shape.rank; a++)
        if (!take_axis(w, &c->access[0].axis[a], extent, indices, a, node->shape.rank, &taken, image->shape.extent[a]))
            return false;
    if (!taken || !all_taken(node, extent, taken) || !finish_pads(w, node, image)) return false;
    for (int a = 0; a < w->axes; a++)
        if (w->pads[a] >= w->kernel[a] || w->pads[w->axes + a] >= w->kernel[a]) return false;
    return true;
}

/* ---- convolutions -------------------------------------------------------------------------------------- */
/* The filter's axes: outputs, channels, then the window's in the image's order. */
static bool is_filter(const Access *access, const Access *image, const int64_t *extent, int indices, Shape shape,
                      int reduced) {
    if (!is_whole_axis(&access->axis[0], extent, indices, 0, shape.extent[0]) || shape.extent[0] != extent[0])
        return false;
    AxisMap filter_channel = plain(&access->axis[1], extent, indices),
            image_channel = plain(&image->axis[0], extent, indices);
    if (!axis_map_equal(&filter_channel, &image_channel)) return false;
    for (int a = 2; a < access->rank; a++) {
        AxisMap p = plain(&image->axis[a - 1], extent, indices);
        int tap = -1;
        for (int k = reduced; k < indices; k++)
            if (p.coef[k]) tap = k;
        if (tap < 0 ? shape.extent[a] != 1 : !is_whole_axis(&access->axis[a], extent, indices, tap, shape.extent[a]))
            return false;
    }
    return true;
}

static bool is_convolution_of(const Node *node, int image_source, OnnxWindow *w) {
    const Contraction *c = node->attr.contraction;
    const Node *image = node->source[image_source], *filter = node->source[1 - image_source];
    const Access *access = &c->access[image_source];
    int64_t extent[MOST_AXES];
    int indices = contraction_space(node->shape, c, extent), rank = node->shape.rank;
    uint32_t taken = 0;
    *w = (OnnxWindow){.image = image, .filter = filter};
    if (!image->rows || filter->rows || rank < 2 || image->shape.rank != rank || filter->shape.rank != rank + 1)
        return false;
    AxisMap channel = plain(&access->axis[0], extent, indices);
    for (int k = rank; k < indices; k++)
        if (channel.coef[k]) {
            if (!is_whole_axis(&access->axis[0], extent, indices, k, image->shape.extent[0])) return false;
            taken |= 1u << k;
        }
    if (!taken && image->shape.extent[0] != 1) return false;
    uint32_t channels = taken;
    for (int a = 1; a < rank; a++)
        if (!take_axis(w, &access->axis[a], extent, indices, a, rank, &taken, image->shape.extent[a])) return false;
    return taken != channels && all_taken(node, extent, taken) && finish_pads(w, node, image) &&
           is_filter(&c->access[1 - image_source], access, extent, indices, filter->shape, rank);
}

bool onnx_is_convolution(const Node *node, OnnxWindow *w) {
    if (node->op != OP_CONTRACT || node->sources != 2 || node->dtype != DTYPE_F32 || node->attr.contraction->over_rows)
        return false;
    return is_convolution_of(node, 1, w) || is_convolution_of(node, 0, w);
}

/* ---- products ------------------------------------------------------------------------------------------ */
bool onnx_is_product(const Node *node, const Node **x, const Node **matrix, bool *turned) {
    const Contraction *c = node->attr.contraction;
    if (node->op != OP_CONTRACT || node->sources != 2 || node->shape.rank != 1 || c->reduced != 1 || c->over_rows ||
        !dtype_is_real(node->dtype))
        return false;
    int64_t extent[MOST_AXES];
    int indices = contraction_space(node->shape, c, extent);
    for (int s = 0; s < 2; s++) {
        const Node *vector = node->source[s], *other = node->source[1 - s];
        const Access *of_vector = &c->access[s], *of_matrix = &c->access[1 - s];
        if (!vector->rows || other->rows || vector->shape.rank != 1 || other->shape.rank != 2) continue;
        if (vector->shape.extent[0] != extent[1] ||
            !is_whole_axis(&of_vector->axis[0], extent, indices, 1, vector->shape.extent[0]))
            continue;
        for (int t = 0; t < 2; t++) {
            if (other->shape.extent[1 - t] != extent[1] || other->shape.extent[t] != extent[0]) continue;
            if (!is_whole_axis(&of_matrix->axis[t], extent, indices, 0, extent[0]) ||
                !is_whole_axis(&of_matrix->axis[1 - t], extent, indices, 1, extent[1]))
                continue;
            *x = vector;
            *matrix = other;
            *turned = t == 0;
            return true;
        }
    }
    return false;
}
