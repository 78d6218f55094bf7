/* build: operators and constants, added one by one.
 *
 * A tensor is called after the value that the program names, where there is one, and a number: h.12. Parameters keep their
 * path and inputs their column's name; neither has such a number at its end.
 */
#include "codegen/onnx/onnx.h"
#include <string.h>

const char *onnx_put(OnnxGraph *g, const char *op, const char *const *inputs, int count) {
    OnnxNode *node = arena_new_of(g->arena, OnnxNode);
    *node = (OnnxNode){.op = op, .input_count = count};
    if (count <= MOST_ONNX_INPUTS)
        for (int i = 0; i < count; i++) node->inputs[i] = inputs[i];
    else
        node->many = arena_copy(g->arena, inputs, sizeof *inputs * (size_t)count);
    node->output = text_format(g->arena, "%s%s%d", g->hint ? g->hint : "", g->hint ? "." : "", g->next++);
    vector_push(g->arena, &g->file.nodes, node);
    return node->output;
}

const char *onnx_put1(OnnxGraph *g, const char *op, const char *a) { return onnx_put(g, op, &a, 1); }

const char *onnx_put2(OnnxGraph *g, const char *op, const char *a, const char *b) {
    return onnx_put(g, op, (const char *[]){a, b}, 2);
}

const char *onnx_put3(OnnxGraph *g, const char *op, const char *a, const char *b, const char *c) {
    return onnx_put(g, op, (const char *[]){a, b, c}, 3);
}

/* ---- attributes ---------------------------------------------------------------------------------------- */
static OnnxAttribute *add_attribute(OnnxGraph *g, const char *name, OnnxAttributeKind kind, int count) {
    OnnxNode *node = g->file.nodes.items[g->file.nodes.count - 1];
    OnnxAttribute *attribute = &node->attributes[node->attribute_count++];
    *attribute = (OnnxAttribute){.name = name, .kind = kind, .count = count};
    return attribute;
}

void onnx_number(OnnxGraph *g, const char *name, int64_t value) {
    add_attribute(g, name, ONNX_ATTRIBUTE_INT, 1)->number = value;
}

void onnx_numbers(OnnxGraph *g, const char *name, const int64_t *values, int count) {
    add_attribute(g, name, ONNX_ATTRIBUTE_INTS, count)->numbers = arena_copy(g->arena, values,
                                                                             sizeof *values * (size_t)count);
}

void onnx_text(OnnxGraph *g, const char *name, const char *text) {
    add_attribute(g, name, ONNX_ATTRIBUTE_STRING, 1)->texts = arena_copy(g->arena, &text, sizeof text);
}

const char *onnx_cast(OnnxGraph *g, const char *x, OnnxType type) {
    const char *y = onnx_put1(g, "Cast", x);
    onnx_number(g, "to", type);
    return y;
}

/* ---- constants ----------------------------------------------------------------------------------------- */
static bool is_same(const OnnxTensor *a, const OnnxTensor *b) {
    return a->type == b->type && a->rank == b->rank && !a->texts && !b->texts && a->length == b->length &&
           memcmp(a->extent, b->extent, sizeof *a->extent * (size_t)a->rank) == 0 &&
           memcmp(a->bytes, b->bytes, a->length) == 0;
}

const char *onnx_constant(OnnxGraph *g, const OnnxTensor *tensor) {
    for (int i = 0; i < g->file.tensors.count; i++)
        if (is_same(&g->file.tensors.items[i], tensor) && !strncmp(g->file.tensors.items[i].name, "const.", 6))
            return g->file.tensors.items[i].name;
    OnnxTensor added = *tensor;
    added.name = text_format(g->arena, "const.%d", g->next++);
    if (!added.texts) added.bytes = arena_copy(g->arena, tensor->bytes, tensor->length);
    vector_push(g->arena, &g->file.tensors, added);
    return added.name;
}

const char *onnx_scalar(OnnxGraph *g, DType dtype, double value) {
    union {
        float f32;
        double f64;
        int32_t i32;
        uint8_t u8;
    } number = {.f64 = value};
    if (dtype == DTYPE_F32) number.f32 = (float)value;
    if (dtype == DTYPE_I32) number.i32 = (int32_t)value;
    if (dtype == DTYPE_BOOL || dtype == DTYPE_U8) number.u8 = (uint8_t)value;
    return onnx_constant(g, &(OnnxTensor){.type = onnx_type(dtype), .bytes = &number, .length = dtype_bytes(dtype)});
}

const char *onnx_integer_table(OnnxGraph *g, const int64_t *values, const int64_t *extent, int rank) {
    OnnxTensor tensor = {.type = ONNX_I64, .rank = rank, .bytes = values, .length = sizeof *values};
    for (int a = 0; a < rank; a++) {
        tensor.extent[a] = extent[a];
        tensor.length *= (size_t)extent[a];
    }
    return onnx_constant(g, &tensor);
}

const char *onnx_integers(OnnxGraph *g, const int64_t *values, int count) {
    int64_t extent = count;
    return onnx_integer_table(g, values, &extent, 1);
}

/* ---- shapes -------------------------------------------------------------------------------------------- */
const char *onnx_reshape(OnnxGraph *g, const char *x, bool rows, Shape shape) {
    int64_t extent[MOST_RANK + 1] = {0}; /* 0: as it was */
    for (int a = 0; a < shape.rank; a++) extent[rows + a] = shape.extent[a];
    return onnx_put2(g, "Reshape", x, onnx_integers(g, extent, rows + shape.rank));
}

const char *onnx_expand(OnnxGraph *g, const char *x, bool rows, const int64_t *extent, int rank) {
    int64_t wanted[MOST_AXES + 1] = {1}; /* 1: as many as there are */
    for (int a = 0; a < rank; a++) wanted[rows + a] = extent[a];
    return onnx_put2(g, "Expand", x, onnx_integers(g, wanted, rows + rank));
}

const char *onnx_unsqueeze(OnnxGraph *g, const char *x, int64_t axis) {
    return onnx_put2(g, "Unsqueeze", x, onnx_integers(g, &axis, 1));
}

const char *onnx_squeeze(OnnxGraph *g, const char *x, int64_t axis) {
    return onnx_put2(g, "Squeeze", x, onnx_integers(g, &axis, 1));
}

/* ---- nodes --------------------------------------------------------------------------------------------- */
const char *onnx_operand(OnnxGraph *g, const Node *node) {
    return node->op == OP_CONST ? onnx_scalar(g, node->dtype, node->attr.value) : g->names[node->id];
}

const char *onnx_whole(OnnxGraph *g, const Node *node) {
    if (node->op != OP_CONST || node->shape.rank == 0) return onnx_operand(g, node);
    return onnx_expand(g, onnx_operand(g, node), false, node->shape.extent, node->shape.rank);
}

void onnx_refuse(OnnxGraph *g, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *what = text_format_arguments(g->arena, format, arguments);
    va_end(arguments);
    report(g->diagnostics, CODE_E0605, g->span, "%s", what);
    g->failed = true;
}
