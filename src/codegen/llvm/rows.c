/* rows: columns of data with rows as lanes.
 *
 * The numbers of neighbouring places' rows are where the caller wrote them, if the caller chose rows and there are enough; else
 * they are counted, or fetched one by one, into a few bytes on the stack. Of a short row all elements are loaded at once
 * (short_rows.c), and are remembered as long as the code goes on without a branch: its loops over the elements are
 * unrolled.
 */
#include "codegen/llvm/emitter.h"
#include <string.h>

enum { MOST_KNOWN = 4 };

struct RowNumbers {
    LLVMValueRef numbers, follow; /* where they lie, in i32; do the rows follow each other? */
    LLVMValueRef first;           /* if so, the first of them */
    int lanes;
};
struct KnownColumn {
    const Array *column; /* NULL: the numbers of the rows */
    const Scalar *row;
    LLVMBasicBlockRef block;
    LLVMValueRef value[MOST_LANES];
};
struct TreeRows {
    RowNumbers *of; /* by scalar */
    KnownColumn known[MOST_KNOWN];
    int next;
};

TreeRows *known_rows_new(Emitter *e) {
    TreeRows *rows = arena_new_of(e->arena, TreeRows);
    rows->of = arena_array(e->arena, RowNumbers, e->tree->scalars + 1);
    return rows;
}

/* ---- numbers ------------------------------------------------------------------------------------------ */
LLVMValueRef emit_data_row(Emitter *e, LLVMValueRef place, PlacePast past) {
    if (past == PAST_BATCH) place = smaller(e, place, LLVMBuildSub(e->b, e->rows, index_const(e, 1), ""));
    place = LLVMBuildAdd(e->b, place, e->step_begin, "");
    if (past == PAST_CALL) place = smaller(e, place, LLVMBuildSub(e->b, e->count, index_const(e, 1), ""));
    LLVMValueRef counted = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &place, 1, "");
    LLVMValueRef somewhere = LLVMBuildSelect(e->b, counted, e->call, at, ""); /* any readable place */
    LLVMValueRef given = LLVMBuildLoad2(e->b, e->i32, somewhere, "");
    mark_region(e, given, REGION_INPUT);
    return LLVMBuildSelect(e->b, counted, LLVMBuildAdd(e->b, e->first, place, ""),
                           LLVMBuildZExt(e->b, given, e->i64, ""), "");
}

static void store_number(Emitter *e, LLVMValueRef numbers, LLVMValueRef at, LLVMValueRef v) {
    LLVMValueRef s = LLVMBuildStore(e->b, v, LLVMBuildInBoundsGEP2(e->b, e->i32, numbers, &at, 1, ""));
    LLVMSetAlignment(s, (unsigned)sizeof(int32_t));
    mark_region(e, s, REGION_INPUT);
}

static void count_rows(Emitter *e, LLVMValueRef numbers, LLVMValueRef begin) {
    Index row = {.at = LLVMBuildAdd(e->b, e->first, begin, ""), .step = 1};
    store_number(e, numbers, index_const(e, 0), index_lanes(e, row));
}

static void fetch_rows(Emitter *e, LLVMValueRef numbers, LLVMValueRef place, PlacePast past) {
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0));
    LLVMValueRef row = emit_data_row(e, LLVMBuildAdd(e->b, place, l.index, ""), past);
    store_number(e, numbers, l.index, LLVMBuildTrunc(e->b, row, e->i32, ""));
    loop_close(e, &l, index_const(e, e->lanes), 1);
}

/* Of the places from `place` on. Those past the mini-batch may be any row: nobody asks which. */
LLVMValueRef emit_row_numbers(Emitter *e, const Scalar *s, LLVMValueRef place) {
    RowNumbers *r = &e->known_rows->of[s->id];
    LLVMValueRef begin = LLVMBuildAdd(e->b, place, e->step_begin, "");
    LLVMValueRef end = LLVMBuildAdd(e->b, begin, index_const(e, e->lanes), "");
    LLVMValueRef whole = LLVMBuildICmp(e->b, LLVMIntSLE, end, e->count, "");
    LLVMValueRef counted = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    LLVMValueRef given = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &begin, 1, "");
    LLVMValueRef own = emit_place(e, e->i32, e->lanes, false), places[2] = {given, own};
    LLVMBasicBlockRef from[2] = {LLVMGetInsertBlock(e->b), NULL};
    LLVMValueRef missing = LLVMBuildOr(e->b, counted, LLVMBuildNot(e->b, whole, ""), "");
    LLVMBasicBlockRef after = if_open(e, missing), inner = if_open(e, whole);
    count_rows(e, own, begin);
    if_close(e, inner);
    inner = if_open(e, LLVMBuildNot(e->b, whole, ""));
    fetch_rows(e, own, place, (PlacePast)s->n);
    if_close(e, inner);
    from[1] = LLVMGetInsertBlock(e->b);
    if_close(e, after);
    *r = (RowNumbers){.numbers = LLVMBuildPhi(e->b, e->pointer, ""),
                      .follow = LLVMBuildAnd(e->b, counted, whole, ""),
                      .first = LLVMBuildAdd(e->b, e->first, begin, ""),
                      .lanes = e->lanes};
    LLVMAddIncoming(r->numbers, places, from, 2);
    LLVMValueRef all = LLVMBuildLoad2(e->b, vector_type(e->i32, e->lanes), r->numbers, "");
    LLVMSetAlignment(all, (unsigned)sizeof(int32_t));
    mark_region(e, all, REGION_INPUT);
    return all;
}

static LLVMValueRef number_of_lane(Emitter *e, const RowNumbers *r, int lane) {
    LLVMValueRef at = index_const(e, lane);
    LLVMValueRef v = LLVMBuildLoad2(e->b, e->i32, LLVMBuildInBoundsGEP2(e->b, e->i32, r->numbers, &at, 1, ""), "");
    mark_region(e, v, REGION_INPUT);
    return LLVMBuildZExt(e->b, v, e->i64, "");
}

LLVMValueRef emit_row_of_column(Emitter *e, const Array *column, LLVMValueRef number) {
    LLVMValueRef bytes = LLVMBuildMul(e->b, number, e->column_stride[column->index], "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, e->column_data[column->index], &bytes, 1, "");
}

/* ---- what is known in this block ------------------------------------------------------------------------ */
/* *fresh: it is still to be filled in. */
static LLVMValueRef *known_values(Emitter *e, const Array *column, const Scalar *row, bool *fresh) {
    LLVMBasicBlockRef block = LLVMGetInsertBlock(e->b);
    TreeRows *rows = e->known_rows;
    for (int i = 0; i < MOST_KNOWN; i++) {
        KnownColumn *k = &rows->known[i];
        *fresh = !(k->column == column && k->block == block && k->row == row);
        if (!*fresh) return k->value;
    }
    KnownColumn *k = &rows->known[rows->next++ % MOST_KNOWN];
    *k = (KnownColumn){.column = column, .row = row, .block = block};
    return k->value;
}

static const LLVMValueRef *row_numbers(Emitter *e, const Scalar *row) {
    bool fresh;
    LLVMValueRef *number = known_values(e, NULL, row, &fresh);
    for (int l = 0; l < e->lanes && fresh; l++) number[l] = number_of_lane(e, &e->known_rows->of[row->id], l);
    return number;
}

static void known_move(Emitter *e, LLVMBasicBlockRef from) {
    for (int i = 0; i < MOST_KNOWN; i++)
        if (e->known_rows->known[i].block == from) e->known_rows->known[i].block = LLVMGetInsertBlock(e->b);
}

/* ---- elements ------------------------------------------------------------------------------------------- */
static LLVMValueRef load_one(Emitter *e, const Array *column, LLVMValueRef number, LLVMValueRef at) {
    return load_from(e, REGION_INPUT, column->dtype, emit_row_of_column(e, column, number), at, 1);
}

static LLVMValueRef no_lanes(Emitter *e, const Array *column) {
    return LLVMGetPoison(vector_type(type_of(e, column->dtype), e->lanes));
}

static void load_apart(Emitter *e, const Array *column, const Scalar *row, LLVMValueRef *element) {
    const LLVMValueRef *number = row_numbers(e, row);
    LLVMValueRef pointer[MOST_LANES];
    if (column->elements == 1) {
        element[0] = no_lanes(e, column);
        for (int l = 0; l < e->lanes; l++)
            element[0] = with_lane(e, element[0], l, load_one(e, column, number[l], index_const(e, 0)));
        return;
    }
    for (int l = 0; l < e->lanes; l++) pointer[l] = emit_row_of_column(e, column, number[l]);
    short_rows_transpose(e, column->dtype, (int)column->elements, pointer, element);
}

/* Whether the rows follow each other without gaps is known when the code runs. */
static void load_either(Emitter *e, const Array *column, const Scalar *row, LLVMValueRef *element) {
    const RowNumbers *r = &e->known_rows->of[row->id];
    LLVMValueRef bytes = index_const(e, column->elements * (int64_t)dtype_bytes(column->dtype)), picked[LONGEST_PICKED];
    LLVMValueRef dense = LLVMBuildICmp(e->b, LLVMIntEQ, e->column_stride[column->index], bytes, "");
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), from[2];
    LLVMBasicBlockRef together = LLVMAppendBasicBlockInContext(e->context, e->function, "together");
    LLVMBasicBlockRef apart = LLVMAppendBasicBlockInContext(e->context, e->function, "apart");
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(e->context, e->function, "after");
    LLVMBuildCondBr(e->b, LLVMBuildAnd(e->b, r->follow, dense, ""), together, apart);
    LLVMPositionBuilderAtEnd(e->b, together);
    short_rows_pick(e, column->dtype, (int)column->elements, emit_row_of_column(e, column, r->first), picked);
    from[0] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, apart);
    load_apart(e, column, row, element);
    from[1] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, after);
    for (int64_t c = 0; c < column->elements; c++) {
        LLVMValueRef both[2] = {picked[c], element[c]};
        element[c] = LLVMBuildPhi(e->b, LLVMTypeOf(both[0]), "");
        LLVMAddIncoming(element[c], both, from, 2);
    }
    known_move(e, before);
}

static LLVMValueRef load_scattered(Emitter *e, const Array *column, Index row, Index at) {
    LLVMValueRef v = no_lanes(e, column);
    for (int l = 0; l < e->lanes; l++)
        v = with_lane(e, v, l, load_one(e, column, index_lane(e, row, l), index_lane(e, at, l)));
    return v;
}

/* A row for each lane. */
LLVMValueRef emit_load_rows(Emitter *e, const Array *column, const Subscript *row, Index numbers, Index at) {
    const Scalar *s = row->count == 1 && row->offset == 0 && row->term[0].coef == 1 ? row->term[0].scalar : NULL;
    bool numbered = s != NULL && e->known_rows->of[s->id].lanes == e->lanes;
    bool known = index_uniform(at) && LLVMIsAConstantInt(at.at);
    bool at_once = column->elements == 1 || short_rows_can_transpose(column->dtype, column->elements, e->lanes);
    if (!numbered || !known || !at_once) return load_scattered(e, column, numbers, at);
    bool fresh;
    LLVMValueRef *element = known_values(e, column, s, &fresh);
    if (fresh && e->tree->most_rows == 0 && short_rows_can_pick(e, column->dtype, column->elements))
        load_either(e, column, s, element);
    else if (fresh)
        load_apart(e, column, s, element);
    return element[LLVMConstIntGetSExtValue(at.at)];
}
