/* input: columns as inputs.
 *
 * An input is a column that the prediction reads, of the type that the file has: texts of classes as texts, images as
 * bytes, measured numbers before they are standardized.
 */
#include "codegen/onnx/onnx.h"
#include <math.h>

static bool are_whole(const Column *column) {
    for (int i = 0; i < column->remap_count; i++)
        if (!(fabs(column->remap[i]) < 1e15) || column->remap[i] != (double)(int64_t)column->remap[i]) return false;
    return true;
}

static OnnxType input_type(const Column *column) {
    if (column->remap_words) return ONNX_STRING;
    if (column->remap_count) return are_whole(column) ? ONNX_I64 : ONNX_F32;
    return onnx_type(column->dtype);
}

static OnnxAttribute *encoder_attribute(OnnxNode *node, const char *name, OnnxAttributeKind kind, int count) {
    OnnxAttribute *a = &node->attributes[node->attribute_count++];
    *a = (OnnxAttribute){.name = name, .kind = kind, .count = count};
    return a;
}

/* What the file has becomes the number of its class; what is none of them a number that no table has. */
static const char *encode(OnnxGraph *g, const Column *column, const char *x) {
    const char *y = onnx_put1(g, "LabelEncoder", x);
    OnnxNode *node = g->file.nodes.items[g->file.nodes.count - 1];
    int count = column->remap_count;
    int64_t *classes = arena_array(g->arena, int64_t, count + 1), *whole = arena_array(g->arena, int64_t, count + 1);
    float *numbers = arena_array(g->arena, float, count + 1);
    for (int i = 0; i < count; i++) {
        classes[i] = i;
        if (column->remap_words) continue;
        numbers[i] = (float)column->remap[i];
        if (are_whole(column)) whole[i] = (int64_t)column->remap[i];
    }
    node->domain = "ai.onnx.ml";
    g->file.classical = true;
    switch (input_type(column)) {
    case ONNX_STRING:
        encoder_attribute(node, "keys_strings", ONNX_ATTRIBUTE_STRINGS, count)->texts = column->remap_words;
        break;
    case ONNX_I64: encoder_attribute(node, "keys_int64s", ONNX_ATTRIBUTE_INTS, count)->numbers = whole; break;
    default: encoder_attribute(node, "keys_floats", ONNX_ATTRIBUTE_FLOATS, count)->floats = numbers; break;
    }
    encoder_attribute(node, "values_int64s", ONNX_ATTRIBUTE_INTS, count)->numbers = classes;
    encoder_attribute(node, "default_int64", ONNX_ATTRIBUTE_INT, 1)->number = column->has_other ? column->other : count;
    return onnx_cast(g, y, onnx_type(column->dtype));
}

const char *onnx_input(OnnxGraph *g, int index) {
    const DataSet *set = g->request->run->data;
    const Column *column = &set->columns[index];
    OnnxValue input = {.name = column->name, .type = input_type(column), .shape = column->shape};
    for (int f = 0; f < set->field_count; f++)
        if (set->fields[f].column == index) input.doc = set->fields[f].doc;
    vector_push(g->arena, &g->file.inputs, input);
    if (column->remap_words || column->remap_count) return encode(g, column, column->name);
    const DataSet *own = set->joined_count ? set->joined[data_set_of(set, index)] : set;
    bool fills = source_rows(own->kind) == ROWS_TABLE && !own->missing_is_error && dtype_is_real(column->dtype);
    if (!fills) return column->name;
    return onnx_put3(g, "Where", onnx_put1(g, "IsNaN", column->name), onnx_scalar(g, column->dtype, own->missing_value),
                     column->name);
}
