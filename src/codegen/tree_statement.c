/* tree_statement: statements of the tree: a loop counts, is vectors, or is its body again and again, as its mark says. */
#include "codegen/tree_emitter.h"

static void statement(TreeEmitter *t, const Statement *s);

void emit_tree_body(TreeEmitter *t, const Body *body) {
    for (int i = 0; i < body->count; i++) statement(t, body->items[i]);
}

/* ---- loops ---------------------------------------------------------------------------------------------------- */
/* Of a block: the least of what a block has and what is left. */
static LLVMValueRef rows_of(TreeEmitter *t, const Loop *loop) {
    Emitter *e = t->e;
    if (loop->block != NULL) {
        LLVMValueRef left = LLVMBuildSub(e->b, rows_of(t, loop->block), t->variable[loop->block->id], "");
        return smaller(e, index_const(e, loop->block->step), left);
    }
    if (loop->pad <= 1) return t->rows;
    LLVMValueRef up = LLVMBuildAdd(e->b, t->rows, index_const(e, loop->pad - 1), "");
    LLVMValueRef tiles = LLVMBuildUDiv(e->b, up, index_const(e, loop->pad), "");
    return LLVMBuildMul(e->b, tiles, index_const(e, loop->pad), "");
}

static void counted(TreeEmitter *t, const Statement *s) {
    Emitter *e = t->e;
    LoopBlocks l;
    LLVMValueRef end = s->loop->rows ? rows_of(t, s->loop) : index_const(e, s->loop->extent);
    Bounds bounds = bounds_open(e, s->loop->mark == LOOP_THREADS, end, s->loop->step);
    loop_open(e, &l, bounds.begin);
    t->variable[s->loop->id] = l.index;
    emit_tree_body(t, &s->body);
    loop_close(e, &l, bounds.end, s->loop->step);
    bounds_close(e, &bounds);
}

static void unrolled(TreeEmitter *t, const Statement *s) {
    for (int64_t i = 0; i < s->loop->extent; i += s->loop->step) {
        t->variable[s->loop->id] = index_const(t->e, i);
        emit_tree_body(t, &s->body);
    }
}

static void vector(TreeEmitter *t, const Statement *s) {
    if (t->lanes != NULL || s->loop->extent > MOST_LANES || s->loop->step != 1)
        INTERNAL_ERROR("%s%d is no loop over lanes", s->loop->name, s->loop->id);
    t->lanes = s->loop;
    t->e->lanes = (int)s->loop->extent;
    emit_tree_body(t, &s->body);
    t->e->lanes = 1;
    t->lanes = NULL;
}

static void loop(TreeEmitter *t, const Statement *s) {
    if (s->loop->mark == LOOP_VECTOR)
        vector(t, s);
    else if (s->loop->mark == LOOP_UNROLLED)
        unrolled(t, s);
    else
        counted(t, s);
}

/* ---- nests ---------------------------------------------------------------------------------------------------- */
static void nest_body(Emitter *e, const void *of) {
    TreeEmitter *t = e->tree;
    const Statement *s = of;
    for (int a = 0; a < t->tree->arrays.count; a++)
        if (t->tree->arrays.items[a]->memory != ARRAY_KEPT) t->base[a] = NULL;
    emit_tree_body(t, &s->body);
}

static bool is_shared(const Statement *nest) {
    for (int i = 0; i < nest->body.count; i++) {
        const Statement *s = nest->body.items[i];
        if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS) return true;
    }
    return false;
}

/* What is not shared, the first thread does. */
static void nest(TreeEmitter *t, const Statement *s) {
    LLVMBasicBlockRef after = is_shared(s) ? NULL : thread_first_open(t->e);
    t->nest = s;
    if (tree_nest_is_outlined(t, s))
        outline_nest(t->e, nest_body, s);
    else
        nest_body(t->e, s);
    t->nest = NULL;
    thread_first_close(t->e, after);
}

/* ---- statements ----------------------------------------------------------------------------------------------- */
static void condition(TreeEmitter *t, const Statement *s) {
    LLVMBasicBlockRef after = if_open(t->e, t->value[s->scalar->id]);
    emit_tree_body(t, &s->body);
    if_close(t->e, after);
}

static void statement(TreeEmitter *t, const Statement *s) {
    switch (s->kind) {
    case STATEMENT_NEST: nest(t, s); return;
    case STATEMENT_LOOP: loop(t, s); return;
    case STATEMENT_IF: condition(t, s); return;
    case STATEMENT_LET: emit_tree_let(t, s->scalar); return;
    case STATEMENT_STORE: emit_tree_store(t, s->array, s->row, s->at, t->value[s->scalar->id]); return;
    case STATEMENT_FETCH: emit_tree_fetch(t, s); return;
    case STATEMENT_TRANSPOSE: emit_tree_transpose(t, s->array, (int)s->terms); return;
    case STATEMENT_WAIT: thread_meet(t->e); return;
    }
}
