/* function: a tree as a function of type sgdrt_function: what the call says, then for each step the statements. */
#include "codegen/llvm/emitter.h"
#include "core.h"
#include <stddef.h>

/* ---- the call ------------------------------------------------------------------------------------------------- */
/* One more than the highest index of such arrays. */
static int count_arrays(const LoopTree *tree, ArrayMemory memory) {
    int count = 0;
    for (int a = 0; a < tree->arrays.count; a++) {
        const Array *array = tree->arrays.items[a];
        if (array->memory == memory && array->index >= count) count = array->index + 1;
    }
    return count;
}

/* Where nobody asks for sums they go to a place of the function's own. */
static void load_sums(Emitter *e, const LoopTree *tree) {
    LLVMTypeRef type = LLVMArrayType2(e->f64, (uint64_t)tree->runs * ((uint64_t)tree->run->term_count + 1));
    LLVMValueRef unasked = emit_alloca(e, type);
    LLVMBuildStore(e->b, LLVMConstNull(type), unasked);
    LLVMValueRef sums = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, sums));
    e->sums = LLVMBuildSelect(e->b, LLVMBuildIsNull(e->b, sums, ""), unasked, sums, "");
}

static LLVMValueRef load_seeds(Emitter *e, int64_t runs) {
    LLVMValueRef seeds = load_field(e, vector_type(e->i64, (int)runs), e->state, sizeof(sgdrt_header));
    LLVMSetAlignment(seeds, sizeof(uint64_t));
    return seeds;
}

static void load_call(Emitter *e) {
    int rows = count_arrays(e->tree, ARRAY_ROW_OUTPUT), values = count_arrays(e->tree, ARRAY_OUTPUT);
    emitter_load_call(e, count_arrays(e->tree, ARRAY_COLUMN), rows > values ? rows : values);
    if (e->tree->own_seeds) e->seed = load_seeds(e, e->tree->runs);
    load_sums(e, e->tree);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */
static LLVMValueRef load_steps(Emitter *e) { return load_header(e, e->i64, offsetof(sgdrt_header, step)); }

static void store_steps(Emitter *e, LLVMValueRef steps) {
    LLVMBasicBlockRef after = thread_first_open(e);
    LLVMValueRef v = LLVMBuildStore(e->b, steps, bytes_behind(e, e->state, offsetof(sgdrt_header, step)));
    mark_region(e, v, REGION_STATE);
    thread_first_close(e, after);
}

/* Steps done: until the call's rows are, or the flag says to stop. */
static LLVMValueRef several_steps(Emitter *e) {
    LLVMValueRef before = load_steps(e);
    Steps steps;
    steps_begin(e, &steps);
    e->step_begin = index_const(e, 0);
    emit_body(e, &e->tree->before);
    steps_open(e, &steps, e->tree->most_rows == 1);
    e->step_begin = steps.begin;
    e->rows = e->tree->whole ? index_const(e, e->tree->most_rows) : steps.rows;
    e->steps = LLVMBuildAdd(e->b, before, steps.count, "");
    emit_rows_of_step(e);
    emit_body(e, &e->tree->body);
    LLVMValueRef flags = e->shared ? outline_place(e, e->work, (int64_t)e->tree->stop_flags) : NULL;
    steps_close(e, &steps, flags);
    store_steps(e, LLVMBuildAdd(e->b, before, steps.taken, ""));
    emit_body(e, &e->tree->after);
    return steps_end(e, &steps);
}

static LLVMValueRef once(Emitter *e) {
    LLVMBasicBlockRef after = NULL;
    e->step_begin = index_const(e, 0);
    e->rows = e->count;
    e->steps = load_steps(e);
    if (e->tree->needs_rows) after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSGT, e->count, index_const(e, 0), ""));
    emit_body(e, &e->tree->body);
    if (after != NULL) if_close(e, after);
    return index_const(e, 1);
}

static int64_t lanes_of_transpose(const Statement *s) {
    int64_t columns = s->array->elements / s->terms;
    return columns > s->terms ? columns : s->terms;
}

/* Narrowest stores, widest loads: of registers. */
typedef struct Widths {
    uint8_t *stored, *loaded; /* by array */
} Widths;

static void find_widths(const Body *body, const Loop *lanes, const Widths *w) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool load = s->kind == STATEMENT_LET;
        const Array *array = load ? s->scalar->array : s->array;
        const Subscript *at = load ? s->scalar->at : s->at;
        find_widths(&s->body, s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_VECTOR ? s->loop : lanes, w);
        if (array == NULL || !array_is_private(array)) continue;
        bool wide = lanes != NULL && subscript_coef(at, lanes) == 1;
        int64_t side = s->kind == STATEMENT_TRANSPOSE ? lanes_of_transpose(s) : 0;
        uint8_t width = (uint8_t)(side > 0 ? side : wide ? lanes->extent : 1);
        uint8_t *stored = &w->stored[array->id], *loaded = &w->loaded[array->id];
        if (!load && (*stored == 0 || width < *stored)) *stored = width;
        if (s->kind != STATEMENT_STORE && width > *loaded) *loaded = width;
    }
}

static void find_joined(Emitter *e) {
    int count = e->tree->arrays.count;
    Widths w = {arena_array(e->arena, uint8_t, count + 1), arena_array(e->arena, uint8_t, count + 1)};
    e->joined = arena_array(e->arena, uint8_t, count + 1);
    find_widths(&e->tree->before, NULL, &w);
    find_widths(&e->tree->body, NULL, &w);
    find_widths(&e->tree->after, NULL, &w);
    for (int a = 0; a < count; a++) e->joined[a] = w.loaded[a] > w.stored[a];
}

LLVMValueRef emit_tree(const EmitContext *context, const LoopTree *tree, const char *symbol) {
    Emitter *e = emitter_new(context, symbol);
    e->tree = tree;
    e->size = code_size(tree);
    e->vector_call = architecture_row(context->architecture)->vector_call;
    e->variable = arena_array(e->arena, LLVMValueRef, tree->loops + 1);
    e->scalar = arena_array(e->arena, Index, tree->scalars + 1);
    e->value = arena_array(e->arena, LLVMValueRef, tree->scalars + 1);
    find_joined(e);
    e->known_rows = known_rows_new(e);
    e->base = arena_array(e->arena, ArrayBase, tree->arrays.count + 1);
    thread_start(e, tree->shared);
    const FloatControl *control = &architecture_row(context->architecture)->control;
    LLVMValueRef before = emitter_control_enter(e, control);
    load_call(e);
    LLVMValueRef result = tree->function->steps ? several_steps(e) : once(e);
    emitter_control_leave(e, control, before);
    LLVMBuildRet(e->b, result);
    LLVMDisposeBuilder(e->b);
    return e->function;
}
