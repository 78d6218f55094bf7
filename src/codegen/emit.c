/* emit: a whole function: entry, steps, blocks of rows, sections.
 *
 *   entry              which thread this is; fields of the call; the floating-point control register is set, and
 *                      restored at the end
 *   for each step      (functions that count steps) rows of the mini-batch; the stop flag after each
 *     outside section  nests
 *     for each block   of at most R rows: the numbers of its rows, then the nests of the inside section
 *
 * Nothing is kept between calls but what lies in the state block.
 */
#include "codegen/architecture.h"
#include "codegen/emit.h"
#include "core.h"

typedef struct Used {
    int columns, outputs;
} Used;

static void visit_used(void *context, const Read *read) {
    Used *used = context;
    if (read->node->op == OP_COLUMN && read->node->attr.index >= used->columns)
        used->columns = (int)read->node->attr.index + 1;
}

static void load_call(Emitter *e) {
    const LoopFunction *f = e->f;
    Used used = {.columns = 0};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            const Nest *nest = f->sections[s].nests.items[i];
            nest_reads(f, nest, visit_used, &used);
            for (int k = 0; k < nest->store_count; k++)
                if ((nest->stores[k].kind == STORE_ROWS || nest->stores[k].kind == STORE_VALUE) &&
                    nest->stores[k].index >= used.outputs)
                    used.outputs = nest->stores[k].index + 1;
        }
    emitter_load_call(e, used.columns, used.outputs);
    LLVMValueRef sums = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, sums));
    e->sums = LLVMBuildSelect(e->b, LLVMBuildIsNull(e->b, sums, ""), e->work, sums, ""); /* nobody asks: the margin */
}

enum { WIDEST_PANEL = 64 };

/* ---- rows of a block ------------------------------------------------------------------------------- */
static LLVMValueRef row_index_pointer(Emitter *e, LLVMValueRef place) {
    LLVMValueRef base = buffer_base(e, e->f->row_index);
    return LLVMBuildInBoundsGEP2(e->b, e->i32, base, &place, 1, "");
}

static void put_row_indices(Emitter *e, LLVMValueRef place, LLVMValueRef v) {
    LLVMValueRef s = LLVMBuildStore(e->b, v, row_index_pointer(e, place));
    LLVMSetAlignment(s, 4);
    mark_region(e, s, REGION_WORK);
}

/* while (index < end), 16 rows at a time or one */
static LLVMBasicBlockRef while_open(Emitter *e, LoopBlocks *l, LLVMValueRef begin, LLVMValueRef end) {
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, ""));
    loop_open(e, l, begin, NULL, 0);
    return after;
}

static void copy_given_rows(Emitter *e, LLVMValueRef begin_in_call) {
    LLVMValueRef from = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &begin_in_call, 1, "");
    LLVMValueRef whole = LLVMBuildAnd(e->b, e->block_rows, index_const(e, -16), "");
    for (int lanes = 16; lanes >= 1; lanes -= 15) {
        LoopBlocks l;
        LLVMValueRef begin = lanes == 16 ? index_const(e, 0) : whole, end = lanes == 16 ? whole : e->block_rows;
        LLVMBasicBlockRef after = while_open(e, &l, begin, end);
        LLVMValueRef at = l.index;
        LLVMValueRef v = LLVMBuildLoad2(e->b, vector_type(e->i32, lanes),
                                        LLVMBuildInBoundsGEP2(e->b, e->i32, from, &at, 1, ""), "");
        LLVMSetAlignment(v, 4);
        mark_region(e, v, REGION_INPUT);
        put_row_indices(e, l.index, v);
        loop_close(e, &l, end, lanes, NULL);
        if_close(e, after);
    }
}

static void count_rows(Emitter *e, LLVMValueRef begin_in_call) {
    LoopBlocks l;
    LLVMValueRef first = LLVMBuildTrunc(e->b, LLVMBuildAdd(e->b, e->first, begin_in_call, ""), e->i32, "");
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    e->lanes = 16;
    Index place = {.at = l.index, .step = 1};
    put_row_indices(e, l.index, LLVMBuildAdd(e->b, splat(e, first, 16), index_lanes(e, place), ""));
    e->lanes = 1;
    loop_close(e, &l, e->block_rows, 16, NULL);
}

static void copy_row_index(Emitter *e, LLVMValueRef begin, LLVMValueRef counted) {
    LLVMBasicBlockRef after = if_open(e, LLVMBuildNot(e->b, counted, ""));
    copy_given_rows(e, begin);
    if_close(e, after);
    after = if_open(e, counted);
    count_rows(e, begin);
    if_close(e, after);
    LLVMValueRef last = LLVMBuildSub(e->b, e->block_rows, index_const(e, 1), "");
    LLVMValueRef v = LLVMBuildLoad2(e->b, e->i32, row_index_pointer(e, last), "");
    mark_region(e, v, REGION_WORK);
    LoopBlocks l;
    LLVMValueRef end = LLVMBuildAdd(e->b, e->block_rows, index_const(e, WIDEST_PANEL), "");
    end = smaller(e, end, index_const(e, e->f->block));
    after = while_open(e, &l, e->block_rows, end);
    put_row_indices(e, l.index, splat(e, v, 16));
    loop_close(e, &l, end, 16, NULL);
    if_close(e, after);
}

/* The row of each place of the block: as given, where the list reaches to the block's end (places past the
 * mini-batch then have later rows); otherwise a copy, in which places past the mini-batch, as far as a panel of lanes
 * may reach, have its last row. */
static void find_row_numbers(Emitter *e) {
    LLVMValueRef begin = LLVMBuildAdd(e->b, e->step_begin, e->block_begin, "");
    LLVMValueRef counted = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    LLVMValueRef given = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &begin, 1, "");
    LLVMValueRef block_end = LLVMBuildAdd(e->b, begin, index_const(e, e->f->block), "");
    LLVMValueRef ends = LLVMBuildICmp(e->b, LLVMIntSGT, block_end, e->count, "");
    LLVMBasicBlockRef from[2] = {LLVMGetInsertBlock(e->b)};
    LLVMBasicBlockRef after = if_open(e, LLVMBuildOr(e->b, counted, ends, ""));
    copy_row_index(e, begin, counted);
    LLVMValueRef places[2] = {given, buffer_base(e, e->f->row_index)};
    from[1] = LLVMGetInsertBlock(e->b);
    if_close(e, after);
    e->row_numbers = LLVMBuildPhi(e->b, e->pointer, "");
    LLVMAddIncoming(e->row_numbers, places, from, 2);
}

static void find_row_of_one(Emitter *e) {
    LLVMValueRef counted = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->i32, e->rows_or_null, &e->step_begin, 1, "");
    LLVMValueRef somewhere = LLVMBuildSelect(e->b, counted, e->call, at, ""); /* any readable place */
    LLVMValueRef given = LLVMBuildLoad2(e->b, e->i32, somewhere, "");
    mark_region(e, given, REGION_INPUT);
    e->row_of_one = LLVMBuildSelect(e->b, counted, LLVMBuildAdd(e->b, e->first, e->step_begin, ""),
                                    LLVMBuildZExt(e->b, given, e->i64, ""), "");
}

static void set_block_rows(Emitter *e, LLVMValueRef rows) {
    e->block_rows = rows;
    LLVMValueRef up = LLVMBuildAdd(e->b, rows, index_const(e, 15), "");
    e->block_padded = e->f->block == 1 ? rows : LLVMBuildAnd(e->b, up, index_const(e, -16), "");
    if (e->f->row_index != NULL)
        find_row_numbers(e);
    else if (e->f->block == 1)
        find_row_of_one(e);
}

/* ---- relays ------------------------------------------------------------------------------------------ */
/* Of a row, or of RELAY_ROWS, all that the nests do. */
static void emit_relay(Emitter *e, const Nest *const *nests) {
    int together = nests[0]->relay_rows;
    LLVMValueRef end = e->block_padded;
    Part part = thread_part(e, nests[0], SPLIT_ROWS, end, together, -1);
    Bounds rows = bounds_open(e, part, index_const(e, 0), end);
    LoopBlocks l;
    loop_open(e, &l, rows.begin, NULL, 0);
    e->relay_row = l.index;
    e->relay_rows = together;
    next_row_open(e, nests, nests[0]->relay, end);
    for (int i = 0; i < nests[0]->relay; i++) emit_nest(e, nests[i]);
    e->relay_row = NULL;
    e->next_row = NULL;
    loop_close(e, &l, rows.end, together, NULL);
    bounds_close(e, &rows);
}

/* ---- sections ---------------------------------------------------------------------------------------- */
static void emit_nests(Emitter *e, const Section *section) {
    LLVMBasicBlockRef after = NULL;
    for (int i = 0; i < section->nests.count; i++) {
        const Nest *const *nests = (const Nest *const *)&section->nests.items[i];
        bool alone = nests[0]->split == SPLIT_NONE;
        if (after != NULL && (nests[0]->waits || !alone)) {
            thread_first_close(e, after);
            after = NULL;
        }
        if (nests[0]->waits) thread_meet(e);
        if (alone && after == NULL) after = thread_first_open(e);
        int together = few_together(e, nests, thread_run(nests, section->nests.count - i));
        if (nests[0]->relay > 0) {
            emit_relay(e, nests);
            i += nests[0]->relay - 1;
        } else if (together > 1) {
            emit_few(e, nests, together);
            i += together - 1;
        } else {
            emit_nest(e, nests[0]);
        }
    }
    thread_first_close(e, after);
}

/* Where there is one block, a nest starts its own sums: their buffers live no longer than it. */
static void start_section(Emitter *e, const Section *section) {
    if (e->f->one_block) return;
    if (section->waits) thread_meet(e);
    LLVMBasicBlockRef after = thread_first_open(e);
    for (int i = 0; i < section->nests.count; i++) {
        const Nest *nest = section->nests.items[i];
        if (nest->kind == NEST_SCATTER && nest->reduce->attr.over_rows) scatter_start(e, nest);
    }
    thread_first_close(e, after);
}

static void emit_section(Emitter *e, const Section *section) {
    if (section->nests.count == 0) return;
    start_section(e, section);
    if (!section->inside) {
        e->block_rows = e->block_padded = NULL;
        emit_nests(e, section);
        return;
    }
    if (e->f->one_block) {
        e->block_begin = index_const(e, 0);
        set_block_rows(e, e->total_rows);
        emit_nests(e, section);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    e->block_begin = l.index;
    LLVMValueRef left = LLVMBuildSub(e->b, e->total_rows, l.index, ""), most = index_const(e, e->f->block);
    set_block_rows(e, LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, left, most, ""), left, most, ""));
    emit_nests(e, section);
    loop_close(e, &l, e->total_rows, e->f->block, NULL);
}

static void emit_sections(Emitter *e) {
    for (int s = 0; s < e->f->section_count; s++) emit_section(e, &e->f->sections[s]);
}

static LLVMValueRef header_pointer(Emitter *e, size_t offset) {
    LLVMValueRef at = index_const(e, (int64_t)offset);
    return LLVMBuildInBoundsGEP2(e->b, e->i8, e->state, &at, 1, "");
}

static LLVMValueRef load_steps_done(Emitter *e) {
    LLVMValueRef v = LLVMBuildLoad2(e->b, e->i64, header_pointer(e, offsetof(sgdrt_header, step)), "");
    mark_region(e, v, REGION_STATE);
    return v;
}

/* After a wait: who comes late may still have to read it at the entry. */
static void store_steps_done(Emitter *e, LLVMValueRef steps) {
    LLVMBasicBlockRef after = thread_first_open(e);
    LLVMValueRef counted = LLVMBuildStore(e->b, steps, header_pointer(e, offsetof(sgdrt_header, step)));
    mark_region(e, counted, REGION_STATE);
    thread_first_close(e, after);
}

static LLVMValueRef rows_of_step(Emitter *e, LLVMValueRef begin) {
    LLVMValueRef left = LLVMBuildSub(e->b, e->count, begin, "");
    return LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, e->batch, left, ""), e->batch, left, "");
}

/* ---- rows a step ahead: so that they are there when the parameters are, which are what a tiny step waits for */
typedef struct Ahead {
    int count;
    LLVMValueRef start[MOST_ROWS_AHEAD], now[MOST_ROWS_AHEAD], next[MOST_ROWS_AHEAD];
} Ahead;

static void load_ahead(Emitter *e, LLVMValueRef begin, LLVMValueRef *to) {
    e->step_begin = begin;
    e->block_rows = rows_of_step(e, begin);
    find_row_numbers(e);
    rows_ahead_load(e, to);
}

static void ahead_open(Emitter *e, Ahead *a, LLVMBasicBlockRef from) {
    for (int i = 0; i < a->count; i++) {
        a->now[i] = LLVMBuildPhi(e->b, LLVMTypeOf(a->start[i]), "");
        LLVMAddIncoming(a->now[i], &a->start[i], &from, 1);
    }
}

/* After the last step its own rows once more. */
static void ahead_next(Emitter *e, Ahead *a, LLVMValueRef begin) {
    if (a->count == 0) return;
    LLVMValueRef next = LLVMBuildAdd(e->b, begin, e->batch, "");
    LLVMValueRef more = LLVMBuildICmp(e->b, LLVMIntSLT, next, e->count, "");
    load_ahead(e, LLVMBuildSelect(e->b, more, next, begin, ""), a->next);
    rows_ahead_set(e, a->now);
    e->step_begin = begin;
}

static void ahead_close(const Ahead *a, LLVMBasicBlockRef last) {
    for (int i = 0; i < a->count; i++) LLVMAddIncoming(a->now[i], &(LLVMValueRef){a->next[i]}, &last, 1);
}

static void emit_steps(Emitter *e) {
    LLVMValueRef stop = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, stop));
    LLVMValueRef never = emit_alloca(e, e->i32);
    LLVMBuildStore(e->b, constant_int(e, e->i32, 0), never);
    stop = LLVMBuildSelect(e->b, LLVMBuildIsNull(e->b, stop, ""), never, stop, "");
    LLVMValueRef done_before = load_steps_done(e);
    local_open(e);
    LLVMBasicBlockRef entry = LLVMGetInsertBlock(e->b);
    LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(e->context, e->function, "first");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, e->function, "step");
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(e->context, e->function, "done");
    LLVMValueRef zero = index_const(e, 0);
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSGT, e->count, zero, ""), first, done);
    LLVMPositionBuilderAtEnd(e->b, first);
    Ahead ahead = {.count = rows_ahead_find(e)};
    if (ahead.count > 0) load_ahead(e, zero, ahead.start);
    first = LLVMGetInsertBlock(e->b);
    LLVMBuildBr(e->b, body);
    LLVMPositionBuilderAtEnd(e->b, body);
    LLVMValueRef begin = LLVMBuildPhi(e->b, e->i64, ""), steps = LLVMBuildPhi(e->b, e->i64, "");
    ahead_open(e, &ahead, first);
    ahead_next(e, &ahead, begin);
    e->step_begin = begin;
    e->total_rows = e->f->block == 1 ? index_const(e, 1) : rows_of_step(e, begin);
    e->steps_done = LLVMBuildAdd(e->b, done_before, steps, "");
    emit_sections(e);
    LLVMValueRef next = LLVMBuildAdd(e->b, begin, e->total_rows, ""),
                 more = LLVMBuildAdd(e->b, steps, index_const(e, 1), "");
    LLVMValueRef asked = thread_stop_asked(e, stop, steps, e->shared ? buffer_base(e, e->f->stop_flags) : NULL);
    LLVMValueRef again = LLVMBuildAnd(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, e->count, ""),
                                      LLVMBuildICmp(e->b, LLVMIntEQ, asked, constant_int(e, e->i32, 0), ""), "");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b);
    LLVMBuildCondBr(e->b, again, body, done);
    LLVMAddIncoming(begin, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){first, last}, 2);
    LLVMAddIncoming(steps, (LLVMValueRef[]){zero, more}, (LLVMBasicBlockRef[]){first, last}, 2);
    ahead_close(&ahead, last);
    LLVMPositionBuilderAtEnd(e->b, done);
    LLVMValueRef result = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(result, (LLVMValueRef[]){zero, more}, (LLVMBasicBlockRef[]){entry, last}, 2);
    store_steps_done(e, LLVMBuildAdd(e->b, done_before, result, ""));
    local_close(e);
    e->total_rows = result;
}

static void emit_once(Emitter *e) {
    e->step_begin = index_const(e, 0);
    e->total_rows = e->f->block == 1 ? index_const(e, 1) : e->count;
    e->steps_done = load_steps_done(e);
    bool rows = false;
    for (int s = 0; s < e->f->section_count; s++) rows |= e->f->sections[s].inside && e->f->sections[s].nests.count > 0;
    LLVMBasicBlockRef after = NULL;
    if (rows) after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSGT, e->count, index_const(e, 0), ""));
    emit_sections(e);
    if (after != NULL) if_close(e, after);
    e->total_rows = index_const(e, 1);
}

LLVMValueRef emit_function(const EmitContext *c, const LoopFunction *f, const char *symbol) {
    Emitter *e = emitter_new(c, symbol);
    e->f = f;
    thread_start(e, f->threads, f->work_bytes, f->thread_bytes);
    const FloatControl *control = &architecture_row(c->architecture)->control;
    LLVMValueRef before = emitter_control_enter(e, control);
    load_call(e);
    e->block_begin = index_const(e, 0);
    if (f->steps)
        emit_steps(e);
    else
        emit_once(e);
    emitter_control_leave(e, control, before);
    LLVMBuildRet(e->b, e->total_rows);
    LLVMDisposeBuilder(e->b);
    return e->function;
}
