/* file: a model in memory, and its bytes.
 *
 * An ONNX file is one protobuf message. Of that format three things are needed: a field is a key (its number and how it is
 * coded), then a varint or a length and bytes; a message is a field of bytes; fields of one number repeat. So the file is
 * written here in a hundred lines. protobuf-c, with code generated from onnx.proto, would be two packages more for
 * everyone who builds sgdc, and as many lines that fill its structs. Numbers of fields are those of onnx.proto3, which
 * ONNX promises never to change.
 */
#include "codegen/onnx/onnx.h"
#include <string.h>

enum { IR_VERSION = 8, OPSET = 17, CLASSICAL_OPSET = 3 };
enum { CODED_VARINT = 0, CODED_BYTES = 2, CODED_FIXED32 = 5 };

/* ---- protobuf ---------------------------------------------------------------------------------------- */
static void add_varint(Text *to, uint64_t value) {
    char byte;
    for (; value >= 0x80; value >>= 7) {
        byte = (char)(value | 0x80);
        text_add_bytes(to, &byte, 1);
    }
    byte = (char)value;
    text_add_bytes(to, &byte, 1);
}

static void add_number(Text *to, int field, int64_t value) {
    add_varint(to, (uint64_t)field << 3 | CODED_VARINT);
    add_varint(to, (uint64_t)value);
}

static void add_bytes(Text *to, int field, const void *bytes, size_t length) {
    add_varint(to, (uint64_t)field << 3 | CODED_BYTES);
    add_varint(to, length);
    text_add_bytes(to, bytes, length);
}

static void add_text(Text *to, int field, const char *text) {
    if (text) add_bytes(to, field, text, strlen(text));
}

static void add_float(Text *to, int field, float value) {
    unsigned char bytes[4];
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(bits >> 8 * i);
    add_varint(to, (uint64_t)field << 3 | CODED_FIXED32);
    text_add_bytes(to, (const char *)bytes, sizeof bytes);
}

static void add_message(Text *to, int field, const Text *message) {
    add_bytes(to, field, message->bytes, message->length);
}

/* ---- messages ---------------------------------------------------------------------------------------- */
OnnxType onnx_type(DType dtype) {
    switch (dtype) {
    case DTYPE_F32: return ONNX_F32;
    case DTYPE_F64: return ONNX_F64;
    case DTYPE_I32: return ONNX_I32;
    case DTYPE_BOOL: return ONNX_BOOL;
    case DTYPE_U8: return ONNX_U8;
    }
    return ONNX_F32;
}

static void add_attribute(Text *to, int field, const OnnxAttribute *a) {
    Text message = text_new(to->arena);
    add_text(&message, 1, a->name);
    for (int i = 0; i < a->count; i++) switch (a->kind) {
        case ONNX_ATTRIBUTE_FLOAT: add_float(&message, 2, a->floats[i]); break;
        case ONNX_ATTRIBUTE_INT: add_number(&message, 3, a->number); break;
        case ONNX_ATTRIBUTE_STRING: add_text(&message, 4, a->texts[i]); break;
        case ONNX_ATTRIBUTE_FLOATS: add_float(&message, 7, a->floats[i]); break;
        case ONNX_ATTRIBUTE_INTS: add_number(&message, 8, a->numbers[i]); break;
        case ONNX_ATTRIBUTE_STRINGS: add_text(&message, 9, a->texts[i]); break;
        }
    add_number(&message, 20, a->kind);
    add_message(to, field, &message);
}

static void add_node(Text *to, int field, const OnnxNode *node) {
    Text message = text_new(to->arena);
    for (int i = 0; i < node->input_count; i++) add_text(&message, 1, node->many ? node->many[i] : node->inputs[i]);
    add_text(&message, 2, node->output);
    add_text(&message, 3, node->output);
    add_text(&message, 4, node->op);
    for (int i = 0; i < node->attribute_count; i++) add_attribute(&message, 5, &node->attributes[i]);
    add_text(&message, 7, node->domain);
    add_message(to, field, &message);
}

static void add_tensor(Text *to, int field, const OnnxTensor *tensor) {
    Text message = text_new(to->arena);
    for (int a = 0; a < tensor->rank; a++) add_number(&message, 1, tensor->extent[a]);
    add_number(&message, 2, tensor->type);
    for (int64_t i = 0; tensor->texts && i < tensor->count; i++) add_text(&message, 6, tensor->texts[i]);
    add_text(&message, 8, tensor->name);
    if (!tensor->texts) add_bytes(&message, 9, tensor->bytes, tensor->length);
    add_message(to, field, &message);
}

static void add_value(Text *to, int field, const OnnxValue *value) {
    Text shape = text_new(to->arena), tensor = text_new(to->arena), type = text_new(to->arena),
         message = text_new(to->arena);
    for (int a = -1; a < value->shape.rank; a++) {
        Text axis = text_new(to->arena);
        if (a < 0)
            add_text(&axis, 2, "N");
        else
            add_number(&axis, 1, value->shape.extent[a]);
        add_message(&shape, 1, &axis);
    }
    add_number(&tensor, 1, value->type);
    add_message(&tensor, 2, &shape);
    add_message(&type, 1, &tensor);
    add_text(&message, 1, value->name);
    add_message(&message, 2, &type);
    add_text(&message, 3, value->doc);
    add_message(to, field, &message);
}

static void add_operators(Text *to, int field, const char *domain, int64_t version) {
    Text message = text_new(to->arena);
    add_text(&message, 1, domain);
    add_number(&message, 2, version);
    add_message(to, field, &message);
}

static void add_graph(Text *to, int field, const OnnxFile *file) {
    Text message = text_new(to->arena);
    for (int i = 0; i < file->nodes.count; i++) add_node(&message, 1, file->nodes.items[i]);
    add_text(&message, 2, file->name);
    for (int i = 0; i < file->tensors.count; i++) add_tensor(&message, 5, &file->tensors.items[i]);
    for (int i = 0; i < file->inputs.count; i++) add_value(&message, 11, &file->inputs.items[i]);
    for (int i = 0; i < file->outputs.count; i++) add_value(&message, 12, &file->outputs.items[i]);
    add_message(to, field, &message);
}

void onnx_write(Text *to, const OnnxFile *file) {
    Text program = text_new(to->arena);
    add_number(to, 1, IR_VERSION);
    add_text(to, 2, file->producer);
    add_text(to, 3, file->version);
    add_graph(to, 7, file);
    add_operators(to, 8, "", OPSET);
    if (file->classical) add_operators(to, 8, "ai.onnx.ml", CLASSICAL_OPSET);
    add_text(&program, 1, "program");
    add_text(&program, 2, file->program);
    add_message(to, 14, &program);
}
