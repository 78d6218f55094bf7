/* rows: columns of data with rows as lanes.
 *
 * The numbers of neighbouring places' rows are where the caller wrote them, if the caller chose rows and there are enough; else
 * they are counted, or fetched one by one, to a place on the stack: once a step for all of its rows where these are not many, so
 * that its loops ask for nothing. Of a short row all elements are loaded at once (short_rows.c), and are remembered as long as
 * the code goes on without a branch: its loops over the elements are unrolled.
 */
#include "codegen/llvm/emitter.h"
#include <string.h>

enum { MOST_KNOWN = 4, MOST_OF_STEP = 256, WRITTEN_AT_ONCE = 16 };

struct RowNumbers {
    LLVMValueRef numbers, follow; /* where they lie, in i32; do the rows follow each other? NULL: nobody asks */
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
    int64_t places;       /* of a step: numbers that lanes ask for; 0 where it may have any number of rows */
    LLVMValueRef of_step; /* where they lie; NULL: nowhere */
};

static bool is_of_step(const Scalar *s) {
    return s->kind == SCALAR_ROW && s->n != PAST_CALL && subscript_range(s->at).most < MOST_OF_STEP;
}

static void find_places(TreeRows *rows, const Body *body, const Loop *lanes) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool vector = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_VECTOR;
        find_places(rows, &s->body, vector ? s->loop : lanes);
        if (lanes == NULL || s->kind != STATEMENT_LET || !is_of_step(s->scalar)) continue;
        int64_t end = subscript_range(s->scalar->at).most + 1;
        if (subscript_coef(s->scalar->at, lanes) == 1 && end > rows->places) rows->places = end;
    }
}

TreeRows *known_rows_new(Emitter *e) {
    TreeRows *rows = arena_new_of(e->arena, TreeRows);
    if (e->tree->most_rows > 0) find_places(rows, &e->tree->body, NULL);
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

static LLVMValueRef load_numbers(Emitter *e, LLVMValueRef numbers) {
    LLVMValueRef all = LLVMBuildLoad2(e->b, vector_type(e->i32, e->lanes), numbers, "");
    LLVMSetAlignment(all, (unsigned)sizeof(int32_t));
    mark_region(e, all, REGION_INPUT);
    return all;
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

/* The numbers of so many places from `begin` of the call on: where the caller wrote them, or in `own`. */
typedef struct NumberPlaces {
    LLVMValueRef given, own, whole, counted; /* the call has all of them; nobody chose them */
    LLVMBasicBlockRef before, after;
} NumberPlaces;

static LLVMValueRef is_whole(Emitter *e, LLVMValueRef begin, int64_t count) {
    LLVMValueRef end = LLVMBuildAdd(e->b, begin, index_const(e, count), "");
    return LLVMBuildICmp(e->b, LLVMIntSLE, end, e->count, "");
}

/* What follows writes them to `own`. */
static NumberPlaces places_open(Emitter *e, LLVMValueRef begin, int64_t count) {
    NumberPlaces p = {.given = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &begin, 1, ""),
                      .own = emit_place(e, e->i32, count, false),
                      .whole = is_whole(e, begin, count),
                      .counted = LLVMBuildIsNull(e->b, e->rows_or_null, ""),
                      .before = LLVMGetInsertBlock(e->b)};
    p.after = if_open(e, LLVMBuildOr(e->b, p.counted, LLVMBuildNot(e->b, p.whole, ""), ""));
    return p;
}

static LLVMValueRef places_close(Emitter *e, const NumberPlaces *p) {
    LLVMBasicBlockRef from[2] = {p->before, LLVMGetInsertBlock(e->b)};
    LLVMValueRef places[2] = {p->given, p->own};
    if_close(e, p->after);
    LLVMValueRef numbers = LLVMBuildPhi(e->b, e->pointer, "");
    LLVMAddIncoming(numbers, places, from, 2);
    return numbers;
}

/* Those past the mini-batch may be any row: nobody asks which. */
static void write_numbers(Emitter *e, LLVMValueRef numbers, LLVMValueRef place, LLVMValueRef whole, PlacePast past) {
    LLVMBasicBlockRef after = if_open(e, whole);
    count_rows(e, numbers, LLVMBuildAdd(e->b, place, e->step_begin, ""));
    if_close(e, after);
    after = if_open(e, LLVMBuildNot(e->b, whole, ""));
    fetch_rows(e, numbers, place, past);
    if_close(e, after);
}

void emit_rows_of_step(Emitter *e) {
    int64_t lanes = e->lanes, count = e->known_rows->places;
    if (count == 0) return;
    e->lanes = WRITTEN_AT_ONCE;
    count = (count + e->lanes - 1) / e->lanes * e->lanes;
    NumberPlaces p = places_open(e, e->step_begin, count);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0));
    LLVMValueRef to = LLVMBuildInBoundsGEP2(e->b, e->i32, p.own, &l.index, 1, "");
    LLVMValueRef whole = is_whole(e, LLVMBuildAdd(e->b, l.index, e->step_begin, ""), e->lanes);
    LLVMValueRef copied = LLVMBuildAnd(e->b, whole, LLVMBuildNot(e->b, p.counted, ""), "");
    LLVMBasicBlockRef after = if_open(e, copied);
    LLVMValueRef from = LLVMBuildInBoundsGEP2(e->b, e->i32, p.given, &l.index, 1, "");
    store_number(e, to, index_const(e, 0), load_numbers(e, from));
    if_close(e, after);
    after = if_open(e, LLVMBuildNot(e->b, copied, ""));
    write_numbers(e, to, l.index, whole, PAST_BATCH);
    if_close(e, after);
    loop_close(e, &l, index_const(e, count), e->lanes);
    e->known_rows->of_step = places_close(e, &p);
    e->lanes = (int)lanes;
}

/* Of the places from `place` on. */
LLVMValueRef emit_row_numbers(Emitter *e, const Scalar *s, LLVMValueRef place) {
    RowNumbers *r = &e->known_rows->of[s->id];
    LLVMValueRef begin = LLVMBuildAdd(e->b, place, e->step_begin, ""), of_step = e->known_rows->of_step;
    *r = (RowNumbers){.first = LLVMBuildAdd(e->b, e->first, begin, ""), .lanes = e->lanes};
    for (int i = 0; i < MOST_KNOWN; i++) /* of the iteration before, where a loop is unrolled */
        if (e->known_rows->known[i].row == s) e->known_rows->known[i].block = NULL;
    if (of_step != NULL && is_of_step(s)) {
        r->numbers = LLVMBuildInBoundsGEP2(e->b, e->i32, of_step, &place, 1, "");
    } else {
        NumberPlaces p = places_open(e, begin, e->lanes);
        write_numbers(e, p.own, place, p.whole, (PlacePast)s->n);
        r->numbers = places_close(e, &p);
        r->follow = LLVMBuildAnd(e->b, p.counted, p.whole, "");
    }
    return load_numbers(e, r->numbers);
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
