/* statement: statements of the tree: a loop counts, is vectors, or is its body again and again, as its mark says. */
#include "codegen/llvm/emitter.h"

static void statement(Emitter *e, const Statement *s);

void emit_body(Emitter *e, const Body *body) {
    for (int i = 0; i < body->count; i++) statement(e, body->items[i]);
}

/* ---- loops ---------------------------------------------------------------------------------------------------- */
/* Of a block: the least of what a block has and what is left. */
static LLVMValueRef rows_of(Emitter *e, const Loop *loop) {
    if (loop->block != NULL) {
        LLVMValueRef left = LLVMBuildSub(e->b, rows_of(e, loop->block), e->variable[loop->block->id], "");
        return smaller(e, index_const(e, loop->block->step), left);
    }
    if (loop->pad <= 1) return e->rows;
    LLVMValueRef up = LLVMBuildAdd(e->b, e->rows, index_const(e, loop->pad - 1), "");
    LLVMValueRef tiles = LLVMBuildUDiv(e->b, up, index_const(e, loop->pad), "");
    return LLVMBuildMul(e->b, tiles, index_const(e, loop->pad), "");
}

/* Some of all steps: these are rows whose number is not rounded up. */
static Bounds part_open(Emitter *e, const Loop *loop) {
    LLVMValueRef begin = index_const(e, 0), step = index_const(e, loop->step);
    LLVMValueRef rows = loop->block != NULL ? rows_of(e, loop) : e->rows;
    LLVMValueRef whole = LLVMBuildMul(e->b, LLVMBuildUDiv(e->b, rows, step, ""), step, "");
    Bounds b = {begin, whole, NULL};
    if (loop->part == LAST_STEP) b = (Bounds){whole, rows, NULL};
    b.after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, b.begin, b.end, ""));
    return b;
}

static Bounds bounds_of(Emitter *e, const Loop *loop) {
    if (loop->part != ALL_STEPS) return part_open(e, loop);
    LLVMValueRef end = loop->rows ? rows_of(e, loop) : index_const(e, loop->extent);
    return bounds_open(e, loop, end);
}

static void counted(Emitter *e, const Statement *s) {
    LoopBlocks l;
    Bounds bounds = bounds_of(e, s->loop);
    loop_open(e, &l, bounds.begin);
    e->variable[s->loop->id] = l.index;
    emit_body(e, &s->body);
    loop_close(e, &l, bounds.end, s->loop->step);
    bounds_close(e, &bounds);
}

static void unrolled(Emitter *e, const Statement *s) {
    for (int64_t i = 0; i < s->loop->extent; i += s->loop->step) {
        e->variable[s->loop->id] = index_const(e, i);
        emit_body(e, &s->body);
    }
}

static void vector(Emitter *e, const Statement *s) {
    if (e->vector_loop != NULL || s->loop->extent > MOST_LANES || s->loop->step != 1)
        INTERNAL_ERROR("%s%d is no loop over lanes", s->loop->name, s->loop->id);
    e->vector_loop = s->loop;
    e->lanes = (int)s->loop->extent;
    emit_body(e, &s->body);
    e->lanes = 1;
    e->vector_loop = NULL;
}

static void loop(Emitter *e, const Statement *s) {
    if (s->loop->mark == LOOP_VECTOR)
        vector(e, s);
    else if (s->loop->mark == LOOP_UNROLLED)
        unrolled(e, s);
    else
        counted(e, s);
}

/* ---- nests ---------------------------------------------------------------------------------------------------- */
static void nest_body(Emitter *e, const Statement *s) {
    e->nests++;
    emit_body(e, &s->body);
}

/* What is not shared, the first thread does. */
static void nest(Emitter *e, const Statement *s) {
    LLVMBasicBlockRef after = statement_has_threads(s) ? NULL : thread_first_open(e);
    e->nest = s;
    if (nest_is_outlined(e, s))
        outline_nest(e, nest_body, s);
    else
        nest_body(e, s);
    e->nest = NULL;
    thread_first_close(e, after);
}

/* ---- statements ----------------------------------------------------------------------------------------------- */
static void condition(Emitter *e, const Statement *s) {
    LLVMBasicBlockRef after = if_open(e, e->value[s->scalar->id]);
    emit_body(e, &s->body);
    if_close(e, after);
}

static void statement(Emitter *e, const Statement *s) {
    switch (s->kind) {
    case STATEMENT_NEST: nest(e, s); return;
    case STATEMENT_LOOP: loop(e, s); return;
    case STATEMENT_IF: condition(e, s); return;
    case STATEMENT_LET: emit_let(e, s->scalar); return;
    case STATEMENT_STORE: emit_store(e, s->array, s->row, s->at, e->value[s->scalar->id]); return;
    case STATEMENT_FETCH: emit_fetch(e, s); return;
    case STATEMENT_TRANSPOSE: emit_transpose(e, s->array, (int)s->terms); return;
    case STATEMENT_WAIT: thread_meet(e); return;
    }
}
