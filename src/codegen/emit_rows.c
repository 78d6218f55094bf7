/* emit_rows: columns of data, at the rows of a block.
 *
 * Rows lie anywhere, so a vector of one element of many rows is put together lane by lane. All elements of short rows are
 * loaded at once (emit_short_rows.c).
 *
 * Long rows that a kernel packs are read in squares: 16 elements of as many rows as there are lanes, turned as what they
 * are, four bytes or one number of four bytes at a time, so that bytes cost a quarter of the shuffles of numbers. With
 * them some lines of the rows of the next mini-batch are asked for; all at once they would be waited for.
 *
 * What has been loaded is remembered as long as the code goes on without a branch (in one basic block), which
 * is what the unrolled loop over the elements of a short row does.
 */
#include "codegen/emit.h"
#include <string.h>

enum { MOST_KNOWN = 4 };

typedef struct KnownRow {
    const Node *column; /* NULL: the numbers of the rows */
    LLVMBasicBlockRef block;
    LLVMValueRef row;
    int lanes;
    bool may_leave;
    LLVMValueRef value[MOST_LANES];
} KnownRow;
struct KnownRows {
    KnownRow known[MOST_KNOWN];
    int next;
};

/* The numbers of the rows, or the elements of the column, at these rows; *fresh: still to be filled in. */
static LLVMValueRef *known_values(Emitter *e, const Node *column, Index row, bool *fresh) {
    LLVMBasicBlockRef block = LLVMGetInsertBlock(e->b);
    if (e->known_rows == NULL) e->known_rows = arena_new_of(e->arena, KnownRows);
    for (int i = 0; i < MOST_KNOWN; i++) {
        KnownRow *k = &e->known_rows->known[i];
        *fresh = !(k->column == column && k->block == block && k->row == row.at && k->lanes == e->lanes &&
                   k->may_leave == e->rows_may_leave);
        if (!*fresh) return k->value;
    }
    KnownRow *k = &e->known_rows->known[e->known_rows->next++ % MOST_KNOWN];
    *k = (KnownRow){.column = column, .block = block, .row = row.at, .lanes = e->lanes, .may_leave = e->rows_may_leave};
    return k->value;
}

void known_rows_move(Emitter *e, LLVMBasicBlockRef from) {
    for (int i = 0; e->known_rows != NULL && i < MOST_KNOWN; i++)
        if (e->known_rows->known[i].block == from) e->known_rows->known[i].block = LLVMGetInsertBlock(e->b);
}

/* ---- numbers of rows ----------------------------------------------------------------------------- */
/* The row's number in the column of lane `lane`. */
static LLVMValueRef row_number(Emitter *e, Index row, int lane) {
    if (e->f->block == 1) return e->row_of_one;
    LLVMValueRef place = index_lane(e, row, row.step == 0 && row.lanes == NULL ? 0 : lane);
    if (e->rows_may_leave) {
        LLVMValueRef last = LLVMBuildSub(e->b, e->block_rows, index_const(e, 1), "");
        LLVMValueRef below = LLVMBuildICmp(e->b, LLVMIntSLT, place, last, "");
        place = LLVMBuildSelect(e->b, below, place, last, "");
        LLVMValueRef above = LLVMBuildICmp(e->b, LLVMIntSGT, place, index_const(e, 0), "");
        place = LLVMBuildSelect(e->b, above, place, index_const(e, 0), "");
    }
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->i32, e->row_numbers, &place, 1, "");
    LLVMValueRef number = LLVMBuildLoad2(e->b, e->i32, at, "");
    return LLVMBuildZExt(e->b, number, e->i64, "");
}

static const LLVMValueRef *row_numbers(Emitter *e, Index row) {
    bool fresh;
    LLVMValueRef *number = known_values(e, NULL, row, &fresh);
    for (int l = 0; l < e->lanes && fresh; l++) number[l] = row_number(e, row, l);
    return number;
}

static LLVMValueRef row_pointer(Emitter *e, const Node *column, LLVMValueRef number) {
    int64_t c = column->attr.index;
    LLVMValueRef bytes = LLVMBuildMul(e->b, number, e->column_stride[c], "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, e->column_data[c], &bytes, 1, "");
}

LLVMValueRef column_row(Emitter *e, const Node *column, LLVMValueRef row) {
    return row_pointer(e, column, row_number(e, index_of(row), 0));
}

/* ---- rows one by one, again and again --------------------------------------------------------------- */
struct RowPointers {
    const Node *column;
    LLVMValueRef pointers;
};

void row_pointers_open(Emitter *e, const Node *column, LLVMValueRef places, int64_t most) {
    if (column->op != OP_COLUMN || node_is_stored(e->f, column)) return;
    RowPointers *p = arena_new_of(e->arena, RowPointers);
    *p = (RowPointers){column, emit_alloca(e, LLVMArrayType2(e->pointer, (uint64_t)most))};
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef row = smaller(e, l.index, LLVMBuildSub(e->b, e->block_rows, index_const(e, 1), ""));
    LLVMBuildStore(e->b, row_pointer(e, column, row_number(e, index_of(row), 0)),
                   LLVMBuildInBoundsGEP2(e->b, e->pointer, p->pointers, &l.index, 1, ""));
    loop_close(e, &l, places, 1, NULL);
    e->row_pointers = p;
}

void row_pointers_close(Emitter *e) { e->row_pointers = NULL; }

static LLVMValueRef known_pointer(Emitter *e, const Node *column, Index row) {
    const RowPointers *p = e->row_pointers;
    if (p == NULL || p->column != column || !index_uniform(row)) return row_pointer(e, column, row_number(e, row, 0));
    return LLVMBuildLoad2(e->b, e->pointer, LLVMBuildInBoundsGEP2(e->b, e->pointer, p->pointers, &row.at, 1, ""), "");
}

/* ---- short rows, turned ---------------------------------------------------------------------------- */
static bool is_short(const Node *column, int lanes) {
    return short_rows_can_turn(column->dtype, shape_size(column->shape), lanes);
}

static void load_turned(Emitter *e, const Node *column, Index row, LLVMValueRef *element) {
    const LLVMValueRef *number = row_numbers(e, row);
    LLVMValueRef pointer[MOST_LANES];
    for (int l = 0; l < e->lanes; l++) pointer[l] = row_pointer(e, column, number[l]);
    short_rows_turn(e, column->dtype, (int)shape_size(column->shape), pointer, element);
}

/* ---- rows that follow each other --------------------------------------------------------------------- */
enum { WIDE = PICKED_LANES };

/* Tiny functions do not have the instructions to spare. */
static bool may_follow(const Emitter *e, const Node *column) {
    return !e->f->tiny && !e->rows_may_leave && e->lanes == WIDE && e->target->lanes == WIDE &&
           dtype_bytes(column->dtype) == 4 && shape_size(column->shape) <= LONGEST_PICKED;
}

/* Nobody chose the rows, they lie without gaps, and none of them stands for a row past the end. */
static LLVMValueRef follow(Emitter *e, const Node *column, LLVMValueRef first, LLVMValueRef last) {
    LLVMValueRef counted = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    LLVMValueRef bytes = index_const(e, shape_size(column->shape) * (int64_t)dtype_bytes(column->dtype));
    LLVMValueRef dense = LLVMBuildICmp(e->b, LLVMIntEQ, e->column_stride[column->attr.index], bytes, "");
    LLVMValueRef rows = LLVMBuildSub(e->b, last, first, "");
    LLVMValueRef all = LLVMBuildICmp(e->b, LLVMIntEQ, rows, index_const(e, WIDE - 1), "");
    return LLVMBuildAnd(e->b, LLVMBuildAnd(e->b, counted, dense, ""), all, "");
}

/* Every n-th element of n vectors: two vectors at a time, the lanes found before kept. */
static void load_picked(Emitter *e, const Node *column, LLVMValueRef first, LLVMValueRef *element) {
    int n = (int)shape_size(column->shape);
    LLVMValueRef pointer = row_pointer(e, column, first), part[LONGEST_PICKED];
    for (int j = 0; j < n; j++)
        part[j] = load_from(e, REGION_INPUT, column->dtype, pointer, index_const(e, j * WIDE), WIDE);
    for (int c = 0; c < n; c++) {
        element[c] = part[0];
        for (int j = 1; j < n; j++) {
            LLVMValueRef mask[WIDE];
            for (int l = 0; l < WIDE; l++) {
                int from = n * l + c, kept = j == 1 ? from : l;
                mask[l] = from / WIDE > j ? LLVMGetUndef(e->i32)
                                          : constant_int(e, e->i32, from / WIDE == j ? WIDE + from % WIDE : kept);
            }
            element[c] = LLVMBuildShuffleVector(e->b, element[c], part[j], LLVMConstVector(mask, WIDE), "");
        }
    }
}

/* One element of rows anywhere. */
static LLVMValueRef load_scattered(Emitter *e, const Node *column, Index linear, Index row, bool in_order) {
    DType t = column->dtype;
    LLVMValueRef v = LLVMGetPoison(vector_type(type_of(e, t), e->lanes));
    for (int l = 0; l < e->lanes; l++) {
        LLVMValueRef number = in_order ? row_numbers(e, row)[l] : row_number(e, row, l);
        LLVMValueRef at = index_uniform(linear) ? linear.at : index_lane(e, linear, l);
        LLVMValueRef one = load_from(e, REGION_INPUT, t, row_pointer(e, column, number), at, 1);
        v = LLVMBuildInsertElement(e->b, v, one, constant_int(e, e->i32, l), "");
    }
    return v;
}

static void load_anywhere(Emitter *e, const Node *column, Index row, LLVMValueRef *element) {
    if (is_short(column, e->lanes))
        load_turned(e, column, row, element);
    else
        element[0] = load_scattered(e, column, index_at(e, 0), row, true);
}

static void load_short(Emitter *e, const Node *column, Index row, LLVMValueRef *element) {
    if (!may_follow(e, column)) {
        load_anywhere(e, column, row, element);
        return;
    }
    int n = (int)shape_size(column->shape);
    LLVMValueRef picked[LONGEST_PICKED], first = row_number(e, row, 0), last = row_number(e, row, WIDE - 1);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), from[2];
    LLVMValueRef together = follow(e, column, first, last);
    LLVMBasicBlockRef then = LLVMAppendBasicBlockInContext(e->context, e->function, "together");
    LLVMBasicBlockRef apart = LLVMAppendBasicBlockInContext(e->context, e->function, "apart");
    LLVMBasicBlockRef after = LLVMAppendBasicBlockInContext(e->context, e->function, "after");
    LLVMBuildCondBr(e->b, together, then, apart);
    LLVMPositionBuilderAtEnd(e->b, then);
    load_picked(e, column, first, picked);
    from[0] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, apart);
    load_anywhere(e, column, row, element);
    from[1] = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, after);
    for (int c = 0; c < n; c++) {
        LLVMValueRef both[2] = {picked[c], element[c]};
        element[c] = LLVMBuildPhi(e->b, LLVMTypeOf(both[0]), "");
        LLVMAddIncoming(element[c], both, from, 2);
    }
    known_rows_move(e, before);
}

/* ---- squares of long rows ---------------------------------------------------------------------------- */
enum { MOST_OF_SQUARE = 4, PIECE_BYTES = 16 };
typedef struct SquareColumn {
    const Node *column;
    LLVMValueRef rows, turned; /* pointers to the rows; the square's vectors, where they lie */
    bool loaded;
    LLVMValueRef four; /* bytes: the four elements around the place */
} SquareColumn;
struct ColumnSquare {
    int operand, count, place;
    Emitter *e;
    Index row;
    SquareColumn of[MOST_OF_SQUARE];
};

static SquareColumn *column_of_square(ColumnSquare *s, const Node *column) {
    for (int i = 0; i < s->count; i++)
        if (s->of[i].column->attr.index == column->attr.index) return &s->of[i];
    return NULL;
}

static void visit_square_column(void *context, const Read *read) {
    ColumnSquare *s = context;
    if (read->operand != s->operand || read->node->op != OP_COLUMN || column_of_square(s, read->node) != NULL ||
        s->count == MOST_OF_SQUARE)
        return;
    SquareColumn *c = &s->of[s->count++];
    Emitter *e = s->e;
    unsigned lanes = (unsigned)e->lanes, bytes = COLUMN_SQUARE * lanes * (unsigned)dtype_bytes(read->node->dtype);
    *c = (SquareColumn){.column = read->node,
                        .rows = emit_alloca(e, LLVMArrayType2(e->pointer, lanes)),
                        .turned = emit_alloca(e, LLVMArrayType2(e->i8, bytes))};
    LLVMSetAlignment(c->turned, 64);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef row = row_pointer(e, read->node,
                                   row_number(e, index_add(e, index_of(s->row.at), index_of(l.index)), 0));
    LLVMBuildStore(e->b, row, LLVMBuildInBoundsGEP2(e->b, e->pointer, c->rows, &l.index, 1, ""));
    loop_close(e, &l, index_const(e, lanes), 1, NULL);
}

typedef struct SquareReads {
    const Emitter *e;
    int operand, last;
    bool columns, others;
} SquareReads;

static void visit_square_read(void *context, const Read *read) {
    SquareReads *r = context;
    if (read->operand != r->operand || read->node->rows == 0) return;
    bool column = read->node->op == OP_COLUMN && !node_is_stored(r->e->f, read->node) && !read->guarded &&
                  read->linear.coef[r->last] == 1;
    r->columns |= column;
    r->others |= !column;
}

bool column_square_fits(const Emitter *e, const Nest *nest, int operand) {
    SquareReads r = {.e = e, .operand = operand};
    r.last = nest->space.rank + nest->reduce->attr.contraction->reduced - 1;
    nest_reads(e->f, nest, visit_square_read, &r);
    return nest->lanes == LANES_ROWS && r.columns && !r.others;
}

void column_square_open(Emitter *e, const Nest *nest, int operand, Index row) {
    ColumnSquare *s = arena_new_of(e->arena, ColumnSquare);
    *s = (ColumnSquare){.operand = operand, .e = e, .row = row};
    nest_reads(e->f, nest, visit_square_column, s);
    e->square = s;
}

void column_square_start(Emitter *e) {
    for (int i = 0; i < e->square->count; i++) e->square->of[i].loaded = false;
}

void column_square_place(Emitter *e, int place) { e->square->place = place; }

void column_square_close(Emitter *e) { e->square = NULL; }

/* 16 bytes of each row, turned as numbers of 4 bytes, or of 8. */
static void turn_pieces(Emitter *e, LLVMValueRef f, int64_t begin, int bytes, LLVMTypeRef type, LLVMValueRef step) {
    int width = PIECE_BYTES / (bytes == 8 ? 8 : 4);
    LLVMValueRef piece[MOST_LANES], turned[PIECE_BYTES];
    LLVMValueRef at = LLVMBuildAdd(e->b, LLVMGetParam(f, 1), index_const(e, begin), "");
    for (int l = 0; l < e->lanes; l++) {
        LLVMValueRef lane = index_const(e, l);
        LLVMValueRef row = LLVMBuildInBoundsGEP2(e->b, e->pointer, LLVMGetParam(f, 0), &lane, 1, "");
        row = LLVMBuildLoad2(e->b, e->pointer, row, "");
        piece[l] = LLVMBuildLoad2(e->b, vector_type(type, width), LLVMBuildInBoundsGEP2(e->b, e->i8, row, &at, 1, ""),
                                  "");
        LLVMSetAlignment(piece[l], (unsigned)bytes);
    }
    pieces_turn(e, piece, width, bytes == 8, turned);
    for (int i = 0; i < width; i++) {
        LLVMValueRef number = index_const(e, begin * width / PIECE_BYTES + i);
        LLVMValueRef to = LLVMBuildMul(e->b, number, step, "");
        to = LLVMBuildInBoundsGEP2(e->b, e->i8, LLVMGetParam(f, 2), &to, 1, "");
        LLVMSetAlignment(LLVMBuildStore(e->b, turned[i], to), PIECE_BYTES);
    }
}

/* void rows(pointers to rows, bytes into them, to): a square of bytes, four at a time, or of longer numbers. Its vectors
 * lie behind each other, or, if `apart`, so many bytes apart as a fourth argument says. It is a function because so many
 * pointers leave no registers to the loops around it. */
static LLVMValueRef rows_function(Emitter *e, int bytes, bool apart, LLVMTypeRef *type) {
    const char *name = text_format(e->arena, "sgd.rows.%d.%d%s", 8 * bytes, e->lanes, apart ? ".apart" : "");
    *type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), (LLVMTypeRef[]){e->pointer, e->i64, e->pointer, e->i64},
                             apart ? 4 : 3, false);
    LLVMValueRef f = LLVMGetNamedFunction(e->module, name);
    if (f != NULL) return f;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    f = LLVMAddFunction(e->module, name, *type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->context, f, ""));
    LLVMValueRef step = apart ? LLVMGetParam(f, 3) : index_const(e, (bytes == 8 ? 8 : 4) * e->lanes);
    for (int64_t i = 0; i < COLUMN_SQUARE * bytes; i += PIECE_BYTES)
        turn_pieces(e, f, i, bytes, bytes == 8 ? e->i64 : e->i32, step);
    LLVMBuildRetVoid(e->b);
    LLVMPositionBuilderAtEnd(e->b, back);
    return f;
}

static LLVMValueRef load_turned_vector(Emitter *e, const SquareColumn *c, LLVMTypeRef type, int64_t offset) {
    LLVMValueRef at = index_const(e, offset * e->lanes);
    LLVMValueRef v = LLVMBuildLoad2(e->b, vector_type(type, e->lanes),
                                    LLVMBuildInBoundsGEP2(e->b, e->i8, c->turned, &at, 1, ""), "");
    LLVMSetAlignment(v, PIECE_BYTES);
    return v;
}

static void load_square(Emitter *e, SquareColumn *c, LLVMValueRef linear) {
    int bytes = (int)dtype_bytes(c->column->dtype);
    LLVMTypeRef function_type;
    LLVMValueRef f = rows_function(e, bytes, false, &function_type);
    LLVMValueRef begin = LLVMBuildMul(e->b, linear, index_const(e, bytes), "");
    LLVMBuildCall2(e->b, function_type, f, (LLVMValueRef[]){c->rows, begin, c->turned}, 3, "");
    c->loaded = true;
}

void column_square_store(Emitter *e, const Node *column, LLVMValueRef element, LLVMValueRef to, int64_t step) {
    int bytes = (int)dtype_bytes(column->dtype);
    LLVMTypeRef type;
    LLVMValueRef f = rows_function(e, bytes, true, &type);
    LLVMValueRef begin = LLVMBuildMul(e->b, element, index_const(e, bytes), "");
    LLVMValueRef rows = column_of_square(e->square, column)->rows;
    LLVMBuildCall2(e->b, type, f, (LLVMValueRef[]){rows, begin, to, index_const(e, step * bytes)}, 4, "");
}

/* Bytes lie four in one number of each row. */
static LLVMValueRef square_element(Emitter *e, SquareColumn *c, Index linear) {
    int64_t bytes = (int64_t)dtype_bytes(c->column->dtype), place = e->square->place;
    if (!c->loaded) load_square(e, c, linear.at);
    if (bytes > 1) return load_turned_vector(e, c, type_of(e, c->column->dtype), place * bytes);
    if (place % 4 == 0) c->four = load_turned_vector(e, c, e->i32, place);
    LLVMValueRef shift = splat(e, constant_int(e, e->i32, place % 4 * 8), e->lanes);
    return LLVMBuildTrunc(e->b, LLVMBuildLShr(e->b, c->four, shift, ""), vector_type(e->i8, e->lanes), "");
}

/* ---- short rows of the next step ----------------------------------------------------------------------- */
enum { ROWS_AHEAD = 16 };
struct RowsAhead {
    const Node *column[MOST_ROWS_AHEAD];
    int count, first[MOST_ROWS_AHEAD], elements;
    LLVMValueRef value[MOST_ROWS_AHEAD]; /* of the step that is emitted: vectors of ROWS_AHEAD rows */
};

static void visit_ahead(void *context, const Read *read) {
    RowsAhead *a = context;
    const Node *column = read->node;
    int64_t size = shape_size(column->shape);
    if (column->op != OP_COLUMN || a->elements + size > MOST_ROWS_AHEAD || (size != 1 && !is_short(column, ROWS_AHEAD)))
        return;
    for (int i = 0; i < a->count; i++)
        if (a->column[i]->attr.index == column->attr.index) return;
    a->column[a->count] = column;
    a->first[a->count++] = a->elements;
    a->elements += (int)size;
}

int rows_ahead_find(Emitter *e) {
    const LoopFunction *f = e->f;
    if (!f->tiny || f->block != ROWS_AHEAD) return 0;
    e->ahead = arena_new_of(e->arena, RowsAhead);
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++)
            nest_reads(f, f->sections[s].nests.items[i], visit_ahead, e->ahead);
    return e->ahead->elements;
}

void rows_ahead_load(Emitter *e, LLVMValueRef *to) {
    e->lanes = ROWS_AHEAD;
    for (int i = 0; i < e->ahead->count; i++)
        load_short(e, e->ahead->column[i], (Index){.at = index_const(e, 0), .step = 1}, to + e->ahead->first[i]);
    e->lanes = 1;
    *e->known_rows = (KnownRows){.next = 0};
}

void rows_ahead_set(Emitter *e, const LLVMValueRef *values) {
    memcpy(e->ahead->value, values, sizeof *values * (size_t)e->ahead->elements);
}

/* NULL: it does not come ahead, or not at these places. */
static LLVMValueRef value_ahead(Emitter *e, const Node *column, Index linear, Index row) {
    const RowsAhead *a = e->ahead;
    bool known = a != NULL && e->lanes > 1 && !e->rows_may_leave && row.lanes == NULL && row.step == 1 &&
                 LLVMIsAConstantInt(row.at) && index_uniform(linear) && LLVMIsAConstantInt(linear.at);
    int64_t from = known ? LLVMConstIntGetSExtValue(row.at) : 0;
    for (int i = 0; known && i < a->count; i++) {
        if (a->column[i]->attr.index != column->attr.index || from < 0 || from + e->lanes > ROWS_AHEAD) continue;
        LLVMValueRef v = a->value[a->first[i] + LLVMConstIntGetSExtValue(linear.at)], place[ROWS_AHEAD];
        for (int l = 0; l < e->lanes; l++) place[l] = constant_int(e, e->i32, from + l);
        return e->lanes == ROWS_AHEAD
                   ? v
                   : LLVMBuildShuffleVector(e->b, v, v, LLVMConstVector(place, (unsigned)e->lanes), "");
    }
    return NULL;
}

LLVMValueRef load_column(Emitter *e, const Node *column, Index linear, Index row) {
    bool fresh;
    LLVMValueRef ahead = value_ahead(e, column, linear, row);
    if (ahead != NULL) return ahead;
    SquareColumn *square = e->square == NULL ? NULL : column_of_square(e->square, column);
    if (square != NULL) return square_element(e, square, linear);
    if (index_uniform(row) || e->f->block == 1 || e->lanes == 1) {
        return load_at(e, REGION_INPUT, column->dtype, known_pointer(e, column, row), linear);
    }
    bool in_order = row.lanes == NULL && row.step == 1, one = shape_size(column->shape) == 1;
    bool at_once = is_short(column, e->lanes) || (one && may_follow(e, column));
    if (in_order && index_uniform(linear) && LLVMIsAConstantInt(linear.at) && at_once) {
        LLVMValueRef *element = known_values(e, column, row, &fresh);
        if (fresh) load_short(e, column, row, element);
        return element[LLVMConstIntGetSExtValue(linear.at)];
    }
    return load_scattered(e, column, linear, row, in_order);
}

/* ---- rows ahead -------------------------------------------------------------------------------------- */
enum { LINE = 64, FEWEST_BYTES = 128, MOST_AHEAD = 512 << 10, MOST_COLUMNS = 4 };

typedef struct Columns {
    const Node *column[MOST_COLUMNS];
    int count;
    int64_t bytes;
} Columns;

static int64_t row_bytes(const Node *column) { return shape_size(column->shape) * (int64_t)dtype_bytes(column->dtype); }

static void visit_column(void *context, const Read *read) {
    Columns *c = context;
    bool is_long = read->node->op == OP_COLUMN && row_bytes(read->node) >= FEWEST_BYTES;
    bool known = !is_long || c->count == MOST_COLUMNS;
    for (int i = 0; i < c->count; i++) known |= c->column[i]->attr.index == read->node->attr.index;
    if (known) return;
    c->column[c->count++] = read->node;
    c->bytes += row_bytes(read->node);
}

static void prefetch_row(Emitter *e, const Node *column, LLVMValueRef number) {
    LLVMValueRef base = row_pointer(e, column, number), end = index_const(e, row_bytes(column) - 1);
    LLVMValueRef last = LLVMBuildInBoundsGEP2(e->b, e->i8, base, &end, 1, "");
    LLVMValueRef often[3] = {constant_int(e, e->i32, 0), constant_int(e, e->i32, 2), constant_int(e, e->i32, 1)};
    emit_intrinsic(e, "llvm.prefetch", (LLVMValueRef[]){last, often[0], often[1], often[2]}, 4);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef line = LLVMBuildInBoundsGEP2(e->b, e->i8, base, &l.index, 1, "");
    emit_intrinsic(e, "llvm.prefetch", (LLVMValueRef[]){line, often[0], often[1], often[2]}, 4);
    loop_close(e, &l, index_const(e, row_bytes(column)), LINE, NULL);
}

/* Of the row in the same place of the next mini-batch, or block; *inside: there is one. */
static LLVMValueRef place_ahead(Emitter *e, LLVMValueRef row, LLVMValueRef *inside) {
    LLVMValueRef here = LLVMBuildAdd(e->b, LLVMBuildAdd(e->b, e->step_begin, e->block_begin, ""), row, "");
    LLVMValueRef place = LLVMBuildAdd(e->b, here, e->f->one_block ? e->batch : index_const(e, e->f->block), "");
    *inside = LLVMBuildAnd(e->b, LLVMBuildIsNotNull(e->b, e->rows_or_null, ""),
                           LLVMBuildICmp(e->b, LLVMIntSLT, place, e->count, ""), "");
    return place;
}

static LLVMValueRef row_number_ahead(Emitter *e, LLVMValueRef place) {
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &place, 1, "");
    LLVMValueRef number = LLVMBuildLoad2(e->b, e->i32, at, "");
    mark_region(e, number, REGION_INPUT);
    return LLVMBuildZExt(e->b, number, e->i64, "");
}

static bool fetches_ahead(const Emitter *e, const Nest *nest, Columns *columns) {
    *columns = (Columns){.count = 0};
    if (e->f->steps) nest_reads(e->f, nest, visit_column, columns);
    return columns->count > 0 && columns->bytes * e->f->block <= MOST_AHEAD;
}

/* Into the second-level cache: the next rows lie anywhere, so no processor guesses them. */
void prefetch_rows(Emitter *e, const Nest *nest, LLVMValueRef row) {
    Columns columns;
    if ((nest->kind != NEST_ELEMENTS && nest->blocks == NULL) || !fetches_ahead(e, nest, &columns)) return;
    LLVMValueRef inside, place = place_ahead(e, row, &inside);
    LLVMBasicBlockRef after = if_open(e, inside);
    LLVMValueRef number = row_number_ahead(e, place);
    for (int c = 0; c < columns.count; c++) prefetch_row(e, columns.column[c], number);
    if_close(e, after);
}

/* A line of each of the square's rows, where the square is the first in its line: so all have come when the squares have. */
void prefetch_square(Emitter *e, const Nest *nest, LLVMValueRef row, LLVMValueRef element) {
    enum { AT_ONCE = 4 };
    Columns columns;
    if (!fetches_ahead(e, nest, &columns)) return;
    for (int c = 0; c < columns.count; c++) {
        int64_t bytes = (int64_t)dtype_bytes(columns.column[c]->dtype);
        int64_t of_line = LINE / bytes > COLUMN_SQUARE ? LINE / bytes : COLUMN_SQUARE;
        LLVMValueRef within = LLVMBuildAnd(e->b, element, index_const(e, of_line - 1), ""), inside;
        LLVMValueRef place = place_ahead(e, LLVMBuildAdd(e->b, row, index_const(e, e->lanes - 1), ""), &inside);
        LLVMValueRef begins = LLVMBuildICmp(e->b, LLVMIntSLT, within, index_const(e, COLUMN_SQUARE), "");
        LLVMBasicBlockRef after = if_open(e, LLVMBuildAnd(e->b, begins, inside, ""));
        place = LLVMBuildSub(e->b, place, index_const(e, e->lanes - 1), "");
        LoopBlocks l;
        loop_open(e, &l, index_const(e, 0), NULL, 0);
        for (int i = 0; i < AT_ONCE; i++) {
            LLVMValueRef there = LLVMBuildAdd(e->b, place, LLVMBuildAdd(e->b, l.index, index_const(e, i), ""), "");
            LLVMValueRef base = row_pointer(e, columns.column[c], row_number_ahead(e, there));
            prefetch_at(e, DTYPE_U8, base, LLVMBuildMul(e->b, element, index_const(e, bytes), ""), 2);
        }
        loop_close(e, &l, index_const(e, e->lanes), AT_ONCE, NULL);
        if_close(e, after);
    }
}

/* ---- keys of draws ----------------------------------------------------------------------------------- */
/* The place in the epoch's order. */
static LLVMValueRef place32_from(Emitter *e, LLVMValueRef base, Index row) {
    if (index_uniform(row) || e->lanes == 1)
        return LLVMBuildTrunc(e->b, LLVMBuildAdd(e->b, base, row.at, ""), e->i32, "");
    LLVMValueRef first = splat(e, LLVMBuildTrunc(e->b, base, e->i32, ""), e->lanes);
    return LLVMBuildAdd(e->b, first, index_lanes(e, row), "");
}

LLVMValueRef batch_place32(Emitter *e, Index row) { return place32_from(e, e->block_begin, row); }

LLVMValueRef row_place32(Emitter *e, Index row) {
    LLVMValueRef begin = LLVMBuildAdd(e->b, e->step_begin, e->block_begin, "");
    return place32_from(e, LLVMBuildAdd(e->b, e->place, begin, ""), row);
}

/* Of a draw of the data: the row's own number. */
LLVMValueRef row_number32(Emitter *e, Index row) {
    if (index_uniform(row) || e->lanes == 1) return LLVMBuildTrunc(e->b, row_number(e, row, 0), e->i32, "");
    LLVMValueRef v = LLVMGetPoison(vector_type(e->i32, e->lanes));
    for (int l = 0; l < e->lanes; l++)
        v = LLVMBuildInsertElement(e->b, v, LLVMBuildTrunc(e->b, row_number(e, row, l), e->i32, ""),
                                   constant_int(e, e->i32, l), "");
    return v;
}
