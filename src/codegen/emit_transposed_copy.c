/* emit_transposed_copy: a copy whose lanes are another axis there than here, done in squares. */
#include "codegen/emit.h"

typedef struct Turn {
    Shape shape;
    DType dtype;
    Buffer from, to;
    int axis;
} Turn;

/* Of the rows i, i + part, i + 2 part, ... of a square, the elements from `group` on, `part` of each. Parts are 128
 * bits where a vector has several: putting them together while loading is half of the turning, and leaves to
 * shuffles, of which a processor does one at a time, only what stays within them. */
static LLVMValueRef load_parts(Emitter *e, LLVMValueRef f, LLVMTypeRef element, int i, int group, int part, int lanes) {
    unsigned bytes = LLVMGetIntTypeWidth(element) / 8;
    LLVMValueRef v[64];
    int count = lanes / part;
    for (int p = 0; p < count; p++) {
        LLVMValueRef at = LLVMBuildMul(e->b, LLVMGetParam(f, 1), index_const(e, i + (int64_t)p * part), "");
        at = LLVMBuildAdd(e->b, at, index_const(e, (int64_t)group * bytes), "");
        v[p] = LLVMBuildLoad2(e->b, LLVMVectorType(element, (unsigned)part),
                              LLVMBuildInBoundsGEP2(e->b, e->i8, LLVMGetParam(f, 0), &at, 1, ""), "");
        LLVMSetAlignment(v[p], bytes);
    }
    return joined(e, v, count);
}

static Index turn_index(Emitter *e, const Turn *t, const Buffer *b, const Spot *spot, int64_t element) {
    Index at = index_at(e, element * b->stride[t->axis]);
    for (int a = 0; a < t->shape.rank; a++)
        at = index_add(e, at, index_scale(e, index_of(spot->axis[a].at), b->stride[a]));
    return index_add(e, at, buffer_row(e, b, index_of(spot->row.at)));
}

/* void turn(from, bytes from vector to vector, to, bytes): a square of vectors, once per module and type. It
 * is a function because its shuffles are many and each place that turns would repeat them. */
static LLVMValueRef turn_function(Emitter *e, DType t, int lanes, LLVMTypeRef *type) {
    int bits = 8 * (int)dtype_bytes(t);
    const char *name = text_format(e->arena, "sgd.turn.%d.%d", bits, lanes);
    *type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), (LLVMTypeRef[]){e->pointer, e->i64, e->pointer, e->i64},
                             4, false);
    LLVMValueRef known = LLVMGetNamedFunction(e->module, name);
    if (known != NULL) return known;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMValueRef f = LLVMAddFunction(e->module, name, *type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->context, f, ""));
    LLVMTypeRef element = LLVMIntTypeInContext(e->context, (unsigned)bits);
    int part = 128 / bits;
    if (part >= lanes || lanes % part != 0) part = lanes;
    LLVMValueRef v[64];
    for (int group = 0; group < lanes; group += part) {
        for (int i = 0; i < part; i++) v[i] = load_parts(e, f, element, i, group, part, lanes);
        turn_parts(e, v, part, lanes);
        for (int i = 0; i < part; i++) {
            LLVMValueRef at = LLVMBuildMul(e->b, LLVMGetParam(f, 3), index_const(e, group + i), "");
            LLVMValueRef to = LLVMBuildInBoundsGEP2(e->b, e->i8, LLVMGetParam(f, 2), &at, 1, "");
            LLVMSetAlignment(LLVMBuildStore(e->b, v[i], to), (unsigned)dtype_bytes(t));
        }
    }
    LLVMBuildRetVoid(e->b);
    LLVMPositionBuilderAtEnd(e->b, back);
    return f;
}

static LLVMValueRef turn_pointer(Emitter *e, DType t, const Buffer *b, Index at) {
    LLVMValueRef bytes = LLVMBuildMul(e->b, at.at, index_const(e, (int64_t)dtype_bytes(t)), "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, buffer_base(e, b), &bytes, 1, "");
}

/* One vector of rows by `width` elements. */
static void turn_body(Emitter *e, const Nest *nest, const Turn *t, const Spot *spot, int lanes, int width) {
    DType type = t->dtype;
    e->lanes = lanes;
    for (int k = 0; k < width && width < lanes; k++) {
        Index source = turn_index(e, t, &t->from, spot, k), target = turn_index(e, t, &t->to, spot, k);
        source.step = t->from.row_stride;
        target.step = t->to.row_stride;
        store_at(e, REGION_WORK, type, buffer_base(e, &t->to), target,
                 load_at(e, REGION_WORK, type, buffer_base(e, &t->from), source));
    }
    e->lanes = 1;
    if (width < lanes) return;
    int64_t bytes = (int64_t)dtype_bytes(type);
    int64_t next_from = nest->from_copy ? t->from.row_stride : t->from.stride[t->axis];
    int64_t next_to = nest->from_copy ? t->to.stride[t->axis] : t->to.row_stride;
    LLVMTypeRef function_type;
    LLVMValueRef f = turn_function(e, type, lanes, &function_type);
    LLVMValueRef arguments[4] = {
        turn_pointer(e, type, &t->from, turn_index(e, t, &t->from, spot, 0)), index_const(e, next_from * bytes),
        turn_pointer(e, type, &t->to, turn_index(e, t, &t->to, spot, 0)), index_const(e, next_to * bytes)};
    LLVMBuildCall2(e->b, function_type, f, arguments, 4, "");
}

static void turn_squares(Emitter *e, const Nest *nest, const Turn *t, Spot *spot, int axis, int lanes, int width) {
    if (axis == t->shape.rank) {
        turn_body(e, nest, t, spot, lanes, width);
        return;
    }
    if (axis == t->axis) {
        turn_squares(e, nest, t, spot, axis + 1, lanes, width);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    spot->axis[axis] = index_of(l.index);
    turn_squares(e, nest, t, spot, axis + 1, lanes, width);
    loop_close(e, &l, index_const(e, t->shape.extent[axis]), 1, NULL);
}

/* The turned axis outside the others: as many streams of neighbours as a square has vectors. */
static void turn_axes(Emitter *e, const Nest *nest, const Turn *t, Spot *spot, int lanes) {
    int64_t extent = t->shape.extent[t->axis], whole = extent / lanes * lanes;
    if (whole == 0) {
        spot->axis[t->axis] = index_at(e, 0);
        turn_squares(e, nest, t, spot, 0, lanes, (int)extent);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    spot->axis[t->axis] = index_of(l.index);
    turn_squares(e, nest, t, spot, 0, lanes, lanes);
    loop_close(e, &l, index_const(e, whole), lanes, NULL);
    spot->axis[t->axis] = index_at(e, extent - lanes);
    if (extent > whole) /* the last square overlaps the one before: the same values again */
        turn_squares(e, nest, t, spot, 0, lanes, lanes);
}

void emit_turn(Emitter *e, const Nest *nest) {
    Node *node = nest->stores[0].node;
    const Buffer *main = e->f->buffer[node->id], *copy = e->f->copy[node->id];
    Turn t = {node->shape, node->dtype, nest->from_copy ? *copy : *main, *nest->stores[0].buffer,
              e->f->copy_axis[node->id]};
    if (t.from.dense > 0 && t.to.dense > 0) { /* elements in their order in both: as if there were one axis */
        t.shape = (Shape){.rank = 1, .extent = {shape_size(node->shape)}};
        t.axis = 0;
        t.from.stride[0] = t.from.dense;
        t.to.stride[0] = t.to.dense;
    }
    int lanes = loop_lanes(e->target, nest);
    while (lanes > 4 && lanes > t.shape.extent[t.axis]) lanes /= 2;
    Spot spot = {0};
    LoopBlocks l;
    Part part = thread_part(e, nest, SPLIT_ROWS, e->block_rows, lanes, -1);
    Bounds rows = bounds_open(e, part, index_const(e, 0), e->block_rows);
    loop_open(e, &l, rows.begin, NULL, 0);
    spot.row = index_of(l.index);
    turn_axes(e, nest, &t, &spot, lanes);
    loop_close(e, &l, rows.end, lanes, NULL);
    bounds_close(e, &rows);
}
