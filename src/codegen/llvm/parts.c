/* parts: the step of a run with update blocks: a function that calls those of its parts, in order, each on the rows
 * of the step and on what the part before left in the state, and skips those that are not due (ir/part.c says when).
 *
 * Each part is a function that steps, called for one step: it counts up header.step, which is set back for the next part.
 * All threads walk through the same steps; they meet around each part, and what only one may write the first one writes.
 * Only whole numbers are computed here, so that the caller's floating-point mode does not matter.
 */
#include "codegen/llvm/emitter.h"
#include "core.h"
#include <stddef.h>
#include <string.h>

typedef struct Step {
    Emitter *e;
    const Run *run;
    LLVMTypeRef type;        /* of the parts' functions */
    LLVMValueRef own;        /* the call of a part */
    LLVMValueRef now, epoch; /* steps and epochs done */
} Step;

static LLVMValueRef load(Step *s, LLVMTypeRef type, LLVMValueRef base, size_t offset) {
    return LLVMBuildLoad2(s->e->b, type, bytes_behind(s->e, base, offset), "");
}

static void store(Step *s, LLVMValueRef v, LLVMValueRef base, size_t offset) {
    LLVMBuildStore(s->e->b, v, bytes_behind(s->e, base, offset));
}

/* ---- when a part is due ------------------------------------------------------------------------------ */
static LLVMValueRef counter(Step *s, const char *figure) { return strcmp(figure, "step") == 0 ? s->now : s->epoch; }

static LLVMValueRef side(Step *s, const Watch *watch) {
    if (watch->kind == WATCH_NUMBER) return LLVMConstReal(s->e->f64, watch->number);
    return LLVMBuildUIToFP(s->e->b, counter(s, watch->figure), s->e->f64, "");
}

static LLVMValueRef due(Step *s, const Watch *watch) {
    LLVMBuilderRef b = s->e->b;
    static const LLVMRealPredicate predicates[] = {
        [WATCH_LT] = LLVMRealOLT, [WATCH_LE] = LLVMRealOLE, [WATCH_GT] = LLVMRealOGT, [WATCH_GE] = LLVMRealOGE};
    switch (watch->kind) {
    case WATCH_EVERY: {
        LLVMValueRef next = LLVMBuildAdd(b, counter(s, watch->figure), index_const(s->e, 1), "");
        LLVMValueRef rest = LLVMBuildURem(b, next, index_const(s->e, (int64_t)watch->number), "");
        return LLVMBuildICmp(b, LLVMIntEQ, rest, index_const(s->e, 0), "");
    }
    case WATCH_NOT: return LLVMBuildNot(b, due(s, watch->left), "");
    case WATCH_AND:
    case WATCH_OR: {
        LLVMValueRef left = due(s, watch->left), right = due(s, watch->right);
        return watch->kind == WATCH_AND ? LLVMBuildAnd(b, left, right, "") : LLVMBuildOr(b, left, right, "");
    }
    case WATCH_LT:
    case WATCH_LE:
    case WATCH_GT:
    case WATCH_GE: {
        LLVMValueRef left = side(s, watch->left), right = side(s, watch->right);
        return LLVMBuildFCmp(b, predicates[watch->kind], left, right, "");
    }
    case WATCH_NUMBER:
    case WATCH_FIGURE:
    case WATCH_STALLED: break;
    }
    INTERNAL_ERROR("no condition of an update: %d", (int)watch->kind);
}

/* ---- a part ------------------------------------------------------------------------------------------ */
/* By the first thread, as all that only one may write. */
static void set_steps_done(Step *s, LLVMValueRef steps) {
    LLVMBasicBlockRef after = thread_first_open(s->e);
    store(s, steps, s->e->state, offsetof(sgdrt_header, step));
    thread_first_close(s->e, after);
}

static void count_up(Step *s, int place, LLVMValueRef by) {
    size_t offset = (size_t)place * sizeof(double);
    LLVMValueRef before = load(s, s->e->f64, s->e->sums, offset);
    store(s, LLVMBuildFAdd(s->e->b, before, by, ""), s->e->sums, offset);
}

static LLVMValueRef code_for(Step *s, const PartCode *part, LLVMValueRef rows) {
    if (!part->of_block) return part->of_any;
    LLVMValueRef fits = LLVMBuildICmp(s->e->b, LLVMIntSLE, rows, index_const(s->e, part->block), "");
    return LLVMBuildSelect(s->e->b, fits, part->of_block, part->of_any, "");
}

static void emit_part(Step *s, int index, const PartCode *part, LLVMValueRef rows) {
    const Watch *when = s->run->parts[index].when;
    LLVMBasicBlockRef after = when ? if_open(s->e, due(s, when)) : NULL;
    set_steps_done(s, s->now);
    thread_meet(s->e);
    LLVMBuildCall2(s->e->b, s->type, code_for(s, part, rows), &s->own, 1, "");
    thread_meet(s->e);
    LLVMBasicBlockRef counted = thread_first_open(s->e);
    count_up(s, s->run->term_count + 2 * index, LLVMBuildUIToFP(s->e->b, rows, s->e->f64, ""));
    count_up(s, s->run->term_count + 2 * index + 1, LLVMConstReal(s->e->f64, 1));
    thread_first_close(s->e, counted);
    if (after) if_close(s->e, after);
}

/* ---- steps ------------------------------------------------------------------------------------------- */
/* Where steps_close has put it, in the header: nobody else uses that place. */
static void forget_stop(Step *s) {
    thread_meet(s->e);
    LLVMBasicBlockRef after = thread_first_open(s->e);
    store(s, index_const(s->e, 0), s->e->state, offsetof(sgdrt_header, stopping));
    thread_first_close(s->e, after);
}

/* A copy of the call, with sums even where nobody asks for them. */
static void copy_call(Step *s) {
    Emitter *e = s->e;
    LLVMTypeRef sums = LLVMArrayType2(e->f64, (uint64_t)run_sums(s->run));
    LLVMValueRef spare = emit_alloca(e, sums), given = load(s, e->pointer, e->call, offsetof(sgdrt_call, sums));
    s->own = emit_place(e, e->i64, (int64_t)sizeof(sgdrt_call) / 8, false);
    LLVMBuildMemCpy(e->b, s->own, 8, e->call, 8, index_const(e, (int64_t)sizeof(sgdrt_call)));
    LLVMBuildStore(e->b, LLVMConstNull(sums), spare);
    e->sums = LLVMBuildSelect(e->b, LLVMBuildIsNull(e->b, given, ""), spare, given, "");
    store(s, e->sums, s->own, offsetof(sgdrt_call, sums));
    store(s, LLVMConstNull(e->pointer), s->own, offsetof(sgdrt_call, stop));
}

/* The part's rows begin `done` places behind those of the call. */
static void place_call(Step *s, LLVMValueRef done, LLVMValueRef rows) {
    Emitter *e = s->e;
    LLVMValueRef further = LLVMBuildGEP2(e->b, e->i32, e->rows_or_null, &done, 1, "");
    LLVMValueRef none = LLVMBuildIsNull(e->b, e->rows_or_null, "");
    store(s, LLVMBuildSelect(e->b, none, e->rows_or_null, further, ""), s->own, offsetof(sgdrt_call, rows));
    store(s, LLVMBuildAdd(e->b, e->first, done, ""), s->own, offsetof(sgdrt_call, first));
    store(s, LLVMBuildAdd(e->b, e->place, done, ""), s->own, offsetof(sgdrt_call, place));
    store(s, rows, s->own, offsetof(sgdrt_call, count));
    store(s, rows, s->own, offsetof(sgdrt_call, batch));
}

static LLVMValueRef emit_all_steps(Step *s, const PartCode *parts) {
    Emitter *e = s->e;
    LLVMValueRef before = load(s, e->i64, e->state, offsetof(sgdrt_header, step));
    s->epoch = load(s, e->i64, e->state, offsetof(sgdrt_header, epoch));
    thread_meet(e); /* who comes late has read how many steps were done */
    Steps steps;
    steps_begin(e, &steps);
    steps_open(e, &steps, false);
    s->now = LLVMBuildAdd(e->b, before, steps.count, "");
    place_call(s, steps.begin, steps.rows);
    for (int i = 0; i < s->run->part_count; i++) emit_part(s, i, &parts[i], steps.rows);
    set_steps_done(s, LLVMBuildAdd(e->b, s->now, index_const(e, 1), ""));
    steps_close(e, &steps, bytes_behind(e, e->state, offsetof(sgdrt_header, stopping)));
    forget_stop(s);
    return steps_end(e, &steps);
}

LLVMValueRef emit_parts(const EmitContext *context, const Run *run, const PartCode *parts, bool threads,
                        const char *symbol) {
    Emitter *e = emitter_new(context, symbol);
    Step step = {.e = e, .run = run, .type = LLVMGlobalGetValueType(e->function)};
    thread_start(e, threads);
    emitter_load_call(e, 0, 0);
    copy_call(&step);
    LLVMBuildRet(e->b, emit_all_steps(&step, parts));
    LLVMDisposeBuilder(e->b);
    return e->function;
}
