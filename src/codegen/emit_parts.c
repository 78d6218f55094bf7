/* emit_parts: the step of a run with update blocks: a function that calls those of its parts, in order, each on the rows
 * of the step and on what the part before left in the state, and skips those that are not due (ir/part.c says when).
 *
 * Each part is a function that steps, called for one step: it counts up header.step, which is set back for the next part.
 * All threads walk through the same steps; they meet around each part, and what only one may write the first one writes.
 * Only whole numbers are computed here, so that the caller's floating-point mode does not matter.
 */
#include "codegen/emit_parts.h"
#include "core.h"
#include <stddef.h>
#include <string.h>

typedef struct Step {
    LLVMContextRef context;
    LLVMBuilderRef b;
    LLVMTypeRef type, i8, i32, i64, f64, pointer;
    LLVMValueRef function, call, state, sums, is_first, are_several;
    LLVMValueRef own;        /* the call of a part */
    LLVMValueRef now, epoch; /* steps and epochs done */
    bool threads;
} Step;

static LLVMValueRef whole(Step *s, int64_t v) { return LLVMConstInt(s->i64, (uint64_t)v, true); }

static LLVMValueRef at(Step *s, LLVMValueRef base, size_t offset) {
    LLVMValueRef by = whole(s, (int64_t)offset);
    return LLVMBuildInBoundsGEP2(s->b, s->i8, base, &by, 1, "");
}

static LLVMValueRef load(Step *s, LLVMTypeRef type, LLVMValueRef base, size_t offset) {
    return LLVMBuildLoad2(s->b, type, at(s, base, offset), "");
}

static void store(Step *s, LLVMValueRef v, LLVMValueRef base, size_t offset) {
    LLVMBuildStore(s->b, v, at(s, base, offset));
}

static LLVMBasicBlockRef block(Step *s, const char *name) {
    return LLVMAppendBasicBlockInContext(s->context, s->function, name);
}

/* What follows is done where the condition holds; if_end comes back. */
static LLVMBasicBlockRef if_begin(Step *s, LLVMValueRef condition) {
    LLVMBasicBlockRef then = block(s, "then"), after = block(s, "after");
    LLVMBuildCondBr(s->b, condition, then, after);
    LLVMPositionBuilderAtEnd(s->b, then);
    return after;
}

static void if_end(Step *s, LLVMBasicBlockRef after) {
    LLVMBuildBr(s->b, after);
    LLVMPositionBuilderAtEnd(s->b, after);
}

static void meet(Step *s) {
    if (!s->threads) return;
    LLVMBasicBlockRef after = if_begin(s, s->are_several);
    LLVMValueRef barrier = load(s, s->pointer, s->call, offsetof(sgdrt_call, barrier));
    LLVMValueRef context = load(s, s->pointer, s->call, offsetof(sgdrt_call, barrier_context));
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(s->context), &s->pointer, 1, false);
    LLVMBuildCall2(s->b, type, barrier, &context, 1, "");
    if_end(s, after);
}

/* ---- when a part is due ------------------------------------------------------------------------------ */
static LLVMValueRef counter(Step *s, const char *figure) { return strcmp(figure, "step") == 0 ? s->now : s->epoch; }

static LLVMValueRef side(Step *s, const Watch *watch) {
    if (watch->kind == WATCH_NUMBER) return LLVMConstReal(s->f64, watch->number);
    return LLVMBuildUIToFP(s->b, counter(s, watch->figure), s->f64, "");
}

static LLVMValueRef due(Step *s, const Watch *watch) {
    static const LLVMRealPredicate predicates[] = {
        [WATCH_LT] = LLVMRealOLT, [WATCH_LE] = LLVMRealOLE, [WATCH_GT] = LLVMRealOGT, [WATCH_GE] = LLVMRealOGE};
    switch (watch->kind) {
    case WATCH_EVERY: {
        LLVMValueRef next = LLVMBuildAdd(s->b, counter(s, watch->figure), whole(s, 1), "");
        LLVMValueRef rest = LLVMBuildURem(s->b, next, whole(s, (int64_t)watch->number), "");
        return LLVMBuildICmp(s->b, LLVMIntEQ, rest, whole(s, 0), "");
    }
    case WATCH_NOT: return LLVMBuildNot(s->b, due(s, watch->left), "");
    case WATCH_AND:
    case WATCH_OR: {
        LLVMValueRef left = due(s, watch->left), right = due(s, watch->right);
        return watch->kind == WATCH_AND ? LLVMBuildAnd(s->b, left, right, "") : LLVMBuildOr(s->b, left, right, "");
    }
    case WATCH_LT:
    case WATCH_LE:
    case WATCH_GT:
    case WATCH_GE: {
        LLVMValueRef left = side(s, watch->left), right = side(s, watch->right);
        return LLVMBuildFCmp(s->b, predicates[watch->kind], left, right, "");
    }
    case WATCH_NUMBER:
    case WATCH_FIGURE:
    case WATCH_STALLED: break;
    }
    INTERNAL_ERROR("no condition of an update: %d", (int)watch->kind);
}

/* ---- a part ------------------------------------------------------------------------------------------ */
static void set_steps_done(Step *s, LLVMValueRef steps) {
    LLVMBasicBlockRef after = if_begin(s, s->is_first);
    store(s, steps, s->state, offsetof(sgdrt_header, step));
    if_end(s, after);
}

static void count_up(Step *s, int place, LLVMValueRef by) {
    size_t offset = (size_t)place * sizeof(double);
    LLVMValueRef before = load(s, s->f64, s->sums, offset);
    store(s, LLVMBuildFAdd(s->b, before, by, ""), s->sums, offset);
}

static LLVMValueRef code_for(Step *s, const PartCode *part, LLVMValueRef rows) {
    if (!part->of_block) return part->of_any;
    LLVMValueRef fits = LLVMBuildICmp(s->b, LLVMIntSLE, rows, whole(s, part->block), "");
    return LLVMBuildSelect(s->b, fits, part->of_block, part->of_any, "");
}

static void emit_part(Step *s, const Run *run, int index, const PartCode *part, LLVMValueRef rows) {
    const Watch *when = run->parts[index].when;
    LLVMBasicBlockRef after = when ? if_begin(s, due(s, when)) : NULL;
    set_steps_done(s, s->now);
    meet(s);
    LLVMBuildCall2(s->b, s->type, code_for(s, part, rows), &s->own, 1, "");
    meet(s);
    LLVMBasicBlockRef counted = if_begin(s, s->is_first);
    count_up(s, run->term_count + 2 * index, LLVMBuildUIToFP(s->b, rows, s->f64, ""));
    count_up(s, run->term_count + 2 * index + 1, LLVMConstReal(s->f64, 1));
    if_end(s, counted);
    if (after) if_end(s, after);
}

/* ---- steps ------------------------------------------------------------------------------------------- */
/* The flag is the caller's and changes at any time: the first thread reads it for all, into a place in the header that
 * nobody else uses. Two places, for even and odd steps, as in emit_threads.c; forget_stop leaves them as they were. */
static LLVMValueRef stop_asked(Step *s, LLVMValueRef stop, LLVMValueRef steps) {
    LLVMValueRef odd = LLVMBuildAnd(s->b, steps, whole(s, 1), "");
    LLVMValueRef places = at(s, s->state, offsetof(sgdrt_header, stopping));
    LLVMValueRef place = LLVMBuildInBoundsGEP2(s->b, s->i32, places, &odd, 1, "");
    LLVMBasicBlockRef after = if_begin(s, s->is_first);
    LLVMValueRef asked = LLVMBuildLoad2(s->b, s->i32, stop, "");
    LLVMSetVolatile(asked, true);
    LLVMBuildStore(s->b, asked, place);
    if_end(s, after);
    meet(s);
    return LLVMBuildLoad2(s->b, s->i32, place, "");
}

static void forget_stop(Step *s) {
    meet(s);
    LLVMBasicBlockRef after = if_begin(s, s->is_first);
    store(s, whole(s, 0), s->state, offsetof(sgdrt_header, stopping));
    if_end(s, after);
}

static LLVMValueRef room(Step *s, LLVMTypeRef item, int64_t count) {
    LLVMValueRef made = LLVMBuildArrayAlloca(s->b, item, whole(s, count), "");
    LLVMSetAlignment(made, 8);
    return made;
}

/* Where nothing is shared, other threads have nothing to do. */
static void leave_unless_first(Step *s) {
    LLVMBasicBlockRef away = block(s, "away"), stays = block(s, "first");
    LLVMBuildCondBr(s->b, s->is_first, stays, away);
    LLVMPositionBuilderAtEnd(s->b, away);
    LLVMBuildRet(s->b, whole(s, 0));
    LLVMPositionBuilderAtEnd(s->b, stays);
}

/* A copy of the call, with sums even where nobody asks for them. */
static void copy_call(Step *s, const Run *run) {
    s->own = room(s, s->i8, (int64_t)sizeof(sgdrt_call));
    LLVMBuildMemCpy(s->b, s->own, 8, s->call, 8, whole(s, (int64_t)sizeof(sgdrt_call)));
    LLVMValueRef given = load(s, s->pointer, s->call, offsetof(sgdrt_call, sums));
    LLVMValueRef spare = room(s, s->f64, run_sums(run));
    for (int i = 0; i < run_sums(run); i++) store(s, LLVMConstReal(s->f64, 0), spare, (size_t)i * sizeof(double));
    s->sums = LLVMBuildSelect(s->b, LLVMBuildIsNull(s->b, given, ""), spare, given, "");
    store(s, s->sums, s->own, offsetof(sgdrt_call, sums));
    store(s, LLVMConstNull(s->pointer), s->own, offsetof(sgdrt_call, stop));
}

/* The part's rows begin `done` places behind those of the call. */
static void place_call(Step *s, LLVMValueRef done, LLVMValueRef rows) {
    LLVMValueRef list = load(s, s->pointer, s->call, offsetof(sgdrt_call, rows));
    LLVMValueRef further = LLVMBuildGEP2(s->b, s->i32, list, &done, 1, "");
    list = LLVMBuildSelect(s->b, LLVMBuildIsNull(s->b, list, ""), list, further, "");
    store(s, list, s->own, offsetof(sgdrt_call, rows));
    static const size_t moved[] = {offsetof(sgdrt_call, first), offsetof(sgdrt_call, place)};
    for (int i = 0; i < 2; i++)
        store(s, LLVMBuildAdd(s->b, load(s, s->i64, s->call, moved[i]), done, ""), s->own, moved[i]);
    store(s, rows, s->own, offsetof(sgdrt_call, count));
    store(s, rows, s->own, offsetof(sgdrt_call, batch));
}

static void emit_loop(Step *s, const Run *run, const PartCode *parts) {
    LLVMValueRef zero = whole(s, 0), count = load(s, s->i64, s->call, offsetof(sgdrt_call, count));
    LLVMValueRef batch = load(s, s->i64, s->call, offsetof(sgdrt_call, batch));
    LLVMValueRef never = room(s, s->i32, 1), stop = load(s, s->pointer, s->call, offsetof(sgdrt_call, stop));
    store(s, LLVMConstInt(s->i32, 0, false), never, 0);
    stop = LLVMBuildSelect(s->b, LLVMBuildIsNull(s->b, stop, ""), never, stop, "");
    LLVMValueRef before = load(s, s->i64, s->state, offsetof(sgdrt_header, step));
    s->epoch = load(s, s->i64, s->state, offsetof(sgdrt_header, epoch));
    meet(s); /* who comes late has read how many steps were done */
    LLVMBasicBlockRef entry = LLVMGetInsertBlock(s->b), body = block(s, "step"), done = block(s, "done");
    LLVMBuildCondBr(s->b, LLVMBuildICmp(s->b, LLVMIntSGT, count, zero, ""), body, done);
    LLVMPositionBuilderAtEnd(s->b, body);
    LLVMValueRef begin = LLVMBuildPhi(s->b, s->i64, ""), steps = LLVMBuildPhi(s->b, s->i64, "");
    LLVMValueRef left = LLVMBuildSub(s->b, count, begin, "");
    LLVMValueRef rows = LLVMBuildSelect(s->b, LLVMBuildICmp(s->b, LLVMIntSLT, batch, left, ""), batch, left, "");
    s->now = LLVMBuildAdd(s->b, before, steps, "");
    place_call(s, begin, rows);
    for (int i = 0; i < run->part_count; i++) emit_part(s, run, i, &parts[i], rows);
    LLVMValueRef more = LLVMBuildAdd(s->b, steps, whole(s, 1), ""), next = LLVMBuildAdd(s->b, begin, rows, "");
    set_steps_done(s, LLVMBuildAdd(s->b, s->now, whole(s, 1), ""));
    LLVMValueRef asked = stop_asked(s, stop, steps);
    LLVMValueRef goes_on = LLVMBuildICmp(s->b, LLVMIntEQ, asked, LLVMConstInt(s->i32, 0, false), "");
    goes_on = LLVMBuildAnd(s->b, goes_on, LLVMBuildICmp(s->b, LLVMIntSLT, next, count, ""), "");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(s->b);
    LLVMBuildCondBr(s->b, goes_on, body, done);
    LLVMAddIncoming(begin, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){entry, last}, 2);
    LLVMAddIncoming(steps, (LLVMValueRef[]){zero, more}, (LLVMBasicBlockRef[]){entry, last}, 2);
    LLVMPositionBuilderAtEnd(s->b, done);
    LLVMValueRef result = LLVMBuildPhi(s->b, s->i64, "");
    LLVMAddIncoming(result, (LLVMValueRef[]){zero, more}, (LLVMBasicBlockRef[]){entry, last}, 2);
    forget_stop(s);
    LLVMBuildRet(s->b, result);
}

LLVMValueRef emit_parts(LLVMModuleRef module, const Run *run, const PartCode *parts, bool threads, const char *symbol) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    Step step = {.context = context,
                 .b = LLVMCreateBuilderInContext(context),
                 .i8 = LLVMInt8TypeInContext(context),
                 .i32 = LLVMInt32TypeInContext(context),
                 .i64 = LLVMInt64TypeInContext(context),
                 .f64 = LLVMDoubleTypeInContext(context),
                 .pointer = LLVMPointerTypeInContext(context, 0),
                 .threads = threads},
         *s = &step;
    s->type = emit_parts_type(context);
    s->function = LLVMAddFunction(module, symbol, s->type);
    s->call = LLVMGetParam(s->function, 0);
    LLVMPositionBuilderAtEnd(s->b, block(s, "entry"));
    LLVMValueRef thread = load(s, s->i64, s->call, offsetof(sgdrt_call, thread));
    LLVMValueRef several = load(s, s->i64, s->call, offsetof(sgdrt_call, threads));
    s->is_first = LLVMBuildICmp(s->b, LLVMIntEQ, thread, whole(s, 0), "");
    s->are_several = LLVMBuildICmp(s->b, LLVMIntSGT, several, whole(s, 1), "");
    if (!threads) leave_unless_first(s);
    s->state = load(s, s->pointer, s->call, offsetof(sgdrt_call, state));
    copy_call(s, run);
    emit_loop(s, run, parts);
    LLVMDisposeBuilder(s->b);
    return s->function;
}

LLVMTypeRef emit_parts_type(LLVMContextRef context) {
    LLVMTypeRef pointer = LLVMPointerTypeInContext(context, 0);
    return LLVMFunctionType(LLVMInt64TypeInContext(context), &pointer, 1, false);
}
