/* codegen: a compilation session: functions planned once, modules made, checked and optimised.
 *
 * The pass list is short and ours: clean up what emission leaves (common subexpressions, invariant loads in
 * loops). No vectoriser and no unroller: the loops are already what they should be; and no stores are dead,
 * as trees keep in registers what only one nest needs. Every level gives the same bits; -O0 only makes one function of
 * nests that are equal, without which a deep network has thousands.
 */
#include "codegen/llvm/emitter.h"
#include "codegen/session.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double session_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of what the key of a function does not say. */
static const char *what_code_depends_on(const Codegen *c) {
    char *text[2] = {LLVMGetTargetMachineCPU(c->target.machine), LLVMGetTargetMachineFeatureString(c->target.machine)};
    unsigned version[3];
    LLVMGetVersion(&version[0], &version[1], &version[2]);
    const CodegenOptions *o = &c->options;
    const char *all = text_format(
        c->arena, "LLVM %u.%u.%u %s %s %s O%d %lld %d\n%s%s", version[0], version[1], version[2], c->target.triple,
        text[0], text[1], o->level, (long long)o->least_outlined, o->shares_all,
        machine_as_text(c->arena, &c->target.model), tuning_text(c->arena, c->target.numbers.tuning));
    for (int i = 0; i < 2; i++) LLVMDisposeMessage(text[i]);
    return all;
}

Codegen *codegen_new(Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics) {
    Codegen *c = arena_new_of(arena, Codegen);
    session_prepare_heap();
    session_expect_no_memory();
    c->arena = arena;
    c->options = *options;
    c->options.verify |= getenv("SGDC_VERIFY") != NULL;
    c->diagnostics = diagnostics;
    if (!target_open(&c->target, arena, options, diagnostics)) return NULL;
    measured_recall(c);
    c->target.numbers = machine_tiles(&c->target.model);
    c->target.numbers.shares_all = options->shares_all;
    c->target.numbers.tuning = options->tuning != NULL ? options->tuning : tuning_kept(c);
    if (options->cache != NULL) c->cache = code_cache_open(arena, options->cache, what_code_depends_on(c));
    return c;
}

Architecture codegen_architecture(const Codegen *c) { return c->target.architecture; }

const CodegenTimes *codegen_times(const Codegen *c) { return &c->times; }

/* ---- functions ------------------------------------------------------------------------------------- */
static uint64_t hash_text(const char *text) {
    uint64_t h = 1469598103934665603ull;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211ull;
    return h;
}

typedef struct PassClock {
    Codegen *codegen;
    double start; /* of the pass at hand */
} PassClock;

static bool after_pass(void *context, const TreePass *pass) {
    PassClock *clock = context;
    Codegen *c = clock->codegen;
    double now = session_seconds();
    c->times.pass[pass - tree_passes] += now - clock->start;
    clock->start = now;
    return c->options.last_pass == NULL || strcmp(c->options.last_pass, pass->name) != 0;
}

void session_loops(Codegen *c, Compiled *f) {
    if (f->tree != NULL) return;
    double start = session_seconds();
    const TileNumbers of_runs = tiles_of_runs(&c->target.numbers.machine, f->runs),
                      *numbers = f->runs.count > 1 ? &of_runs : &c->target.numbers;
    RowOrder order = f->batch > 0 ? IN_ONE_BLOCK : f->runs.count > 1 ? ROW_AFTER_ROW : IN_BLOCKS;
    const char *problem = NULL;
    f->tree = schedule_function(c->arena, f->run, f->function, order, numbers);
    f->impossible = f->runs.count > 1 && !tree_may_have_run_lanes(f->tree, numbers);
    if (f->impossible) return;
    PassClock clock = {c, session_seconds()};
    c->times.schedule += clock.start - start;
    if (c->options.last_pass == NULL || strcmp(c->options.last_pass, SCHEDULE_PASS) != 0)
        problem = tree_run_passes(f->tree, numbers, c->options.verify ? TREE_FOR_TESTS : TREE_FOR_MACHINE, after_pass,
                                  &clock);
    if (problem != NULL) INTERNAL_ERROR("%s, %s", f->function->name, problem);
    f->most_rows = f->tree->most_rows;
    f->work_bytes = f->tree->work_bytes;
    f->shared = f->tree->shared;
}

/* ---- what callers must know of a function, from an earlier process --------------------------------------- */
enum { FACTS = 4 };

static const char *facts_key(Codegen *c, const Compiled *f) { return text_format(c->arena, "facts\n%s", f->key); }

static bool recall_facts(Codegen *c, Compiled *f) {
    size_t length;
    int64_t fact[FACTS];
    const char *kept = c->cache == NULL ? NULL : code_cache_find(c->cache, c->arena, facts_key(c, f), &length);
    if (kept == NULL || length != sizeof fact) return false;
    memcpy(fact, kept, sizeof fact);
    f->most_rows = fact[0];
    f->work_bytes = (size_t)fact[1];
    f->shared = fact[2] != 0;
    f->impossible = fact[3] != 0;
    return true;
}

static void keep_facts(Codegen *c, const Compiled *f) {
    int64_t fact[FACTS] = {f->most_rows, (int64_t)f->work_bytes, f->shared, f->impossible};
    if (c->cache != NULL) code_cache_keep(c->cache, facts_key(c, f), fact, sizeof fact);
}

static Compiled *function_of_runs(Codegen *c, const Run *run, const Function *function, int64_t batch,
                                  SideBySide runs) {
    Text key = text_new(c->arena);
    if (runs.count > 1)
        text_add(&key, "%lld runs%s%s\n", (long long)runs.count, runs.own_rows ? ", rows" : "",
                 runs.own_seeds ? ", seeds" : "");
    function_key(&key, run, function, batch);
    uint64_t hash = hash_text(key.bytes);
    for (Compiled *f = c->functions; f != NULL; f = f->next)
        if (f->hash == hash && strcmp(f->key, key.bytes) == 0) return f;
    Compiled *f = arena_new_of(c->arena, Compiled);
    *f = (Compiled){.key = key.bytes, .hash = hash, .run = run, .function = function, .batch = batch, .runs = runs};
    if (!recall_facts(c, f)) {
        session_loops(c, f);
        keep_facts(c, f);
    }
    f->symbol = text_format(c->arena, "f%d", c->function_count++);
    f->next = c->functions;
    c->functions = f;
    return f;
}

Compiled *session_function(Codegen *c, const Run *run, const Function *function, int64_t batch) {
    return function_of_runs(c, run, function, batch, (SideBySide){.count = 1});
}

Compiled *session_step_of_runs(Codegen *c, const Run *run, int64_t batch, SideBySide runs) {
    Compiled *f = run->part_count > 0 ? NULL : function_of_runs(c, run, &run->step, batch, runs);
    return f == NULL || f->impossible ? NULL : f;
}

int session_entries(Codegen *c, const Run *run, RunEntry **entries) {
    RunEntry *list = arena_array(c->arena, RunEntry, run_measures(run) + run->part_count + 5);
    const RunEntry fixed[] = {{ENTRY_INIT, 0, &run->init, 0, "init"},
                              {ENTRY_STEP, 0, &run->step, schedule_batch(run->batch), "step"},
                              {ENTRY_EVALUATE, 0, &run->evaluate, 0, "evaluate"},
                              {ENTRY_PREDICT, 0, &run->predictor, 0, "predict"},
                              {ENTRY_DERIVED, 0, &run->derived, 0, "derived"}};
    int count = 0;
    for (int i = 0; i < 5; i++)
        if (fixed[i].function->root_count > 0) list[count++] = fixed[i];
    for (int i = 0; i < run->part_count; i++)
        list[count++] = (RunEntry){ENTRY_PART, i, &run->parts[i].function, schedule_batch(run->batch),
                                   text_format(c->arena, "step_%s", run->parts[i].name)};
    for (int m = 0; m < run_measures(run); m++)
        list[count++] = (RunEntry){ENTRY_METRIC, m, &run->measures[m].metric, 0, text_format(c->arena, "metric%d", m)};
    *entries = list;
    return count;
}

/* ---- modules ----------------------------------------------------------------------------------------- */
LLVMModuleRef session_module(Codegen *c, LLVMContextRef context, const char *name) {
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext(name, context);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(c->target.machine);
    LLVMSetTarget(module, c->target.triple);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    return module;
}

/* An object may hold functions for several processors: each says which it was made for. */
static void set_processor(Codegen *c, LLVMValueRef function) {
    LLVMContextRef context = LLVMGetTypeContext(LLVMTypeOf(function));
    char *text[2] = {LLVMGetTargetMachineCPU(c->target.machine), LLVMGetTargetMachineFeatureString(c->target.machine)};
    static const char *const key[2] = {"target-cpu", "target-features"};
    for (int i = 0; i < 2; i++) {
        if (*text[i] != 0)
            LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                                    LLVMCreateStringAttribute(context, key[i], (unsigned)strlen(key[i]), text[i],
                                                              (unsigned)strlen(text[i])));
        LLVMDisposeMessage(text[i]);
    }
}

EmitContext session_context(const Codegen *c, LLVMModuleRef module) {
    return (EmitContext){.context = LLVMGetModuleContext(module),
                         .module = module,
                         .arena = c->arena,
                         .level = c->target.level,
                         .architecture = c->target.architecture,
                         .least_outlined = c->options.least_outlined};
}

LLVMValueRef session_emit(Codegen *c, LLVMModuleRef module, Compiled *f, const char *symbol) {
    session_loops(c, f);
    double start = session_seconds();
    EmitContext context = session_context(c, module);
    LLVMValueRef before = LLVMGetLastFunction(module);
    LLVMValueRef function = emit_tree(&context, f->tree, symbol);
    LLVMValueRef first = before == NULL ? LLVMGetFirstFunction(module) : LLVMGetNextFunction(before);
    for (LLVMValueRef made = first; made != NULL; made = LLVMGetNextFunction(made)) {
        if (LLVMIsDeclaration(made)) continue;
        set_processor(c, made);
        const char *problem = check_function(c->arena, made);
        if (problem != NULL) INTERNAL_ERROR("%s: %s is not on the closed list", symbol, problem);
    }
    c->times.emit += session_seconds() - start;
    return function;
}

static void verify_module(LLVMModuleRef module) {
    char *message = NULL;
    if (LLVMVerifyModule(module, LLVMReturnStatusAction, &message) != 0)
        INTERNAL_ERROR("the emitted module is not well formed: %s", message);
    LLVMDisposeMessage(message);
}

static void run_passes(Codegen *c, LLVMModuleRef module, const char *passes) {
    double start = session_seconds();
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = LLVMRunPasses(module, passes, c->target.machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (error != NULL) INTERNAL_ERROR("LLVM does not know a pass: %s", LLVMGetErrorMessage(error));
    c->times.optimise += session_seconds() - start;
}

static const char *passes_of_functions(const Codegen *c) {
    static const char *const passes[] = {
        "no-op-module",
        "function(sroa,early-cse<memssa>,loop-mssa(licm),early-cse,simplifycfg)",
        "function(sroa,early-cse<memssa>,loop-mssa(licm),instcombine<no-verify-fixpoint>,simplifycfg)",
    };
    return passes[c->options.level > 2 ? 2 : c->options.level];
}

void session_merge_functions(Codegen *c, LLVMModuleRef module) {
    if (c->options.verify) verify_module(module);
    run_passes(c, module, "mergefunc");
}

void session_optimise_share(Codegen *c, LLVMModuleRef module) {
    run_passes(c, module, text_format(c->arena, "elim-avail-extern,globaldce,%s", passes_of_functions(c)));
}

void session_optimise(Codegen *c, LLVMModuleRef module) {
    if (c->options.verify) verify_module(module);
    run_passes(c, module, text_format(c->arena, "mergefunc,%s", passes_of_functions(c)));
}
