/* translated: an executor whose code is C: the run's functions as trees of loops, printed, compiled by a C compiler
 * into a shared object, and loaded.
 *
 * SGDC_C is how it is compiled: "gcc -O2"; of several, "gcc -O0|clang -O3", each program has one.
 */
#ifndef TESTS_TRANSLATED_H
#define TESTS_TRANSLATED_H
#include "codegen/c/c.h"
#include "programs.h"
#include <dlfcn.h>

typedef struct Translated {
    Executor executor;
    void *library;
    sgdrt_function *function[4], **metric;
} Translated;

static inline int64_t translated_call(Executor *executor, Entry entry, int measure, const sgdrt_call *call) {
    Translated *t = (Translated *)executor;
    return (entry == ENTRY_METRIC ? t->metric[measure] : t->function[entry])(call);
}

static inline void translated_free(Executor *executor) {
    Translated *t = (Translated *)executor;
    if (t->library) dlclose(t->library);
}

/* All of them are used: of the functions that take any number of rows, half go row after row. */
static inline RowOrder order_of(const Run *run, const Function *function) {
    if (function->steps) return run->batch > 1 ? IN_ONE_BLOCK : IN_BLOCKS;
    return function == &run->evaluate && run->seed % 2 ? ROW_AFTER_ROW : IN_BLOCKS;
}

static inline void translate(CUnit *unit, Translated *t, const Run *run, const Function *function, const char *symbol) {
    LoopTree *tree = schedule_function(unit->arena, run, function, order_of(run, function), &usual_tiles);
    const char *problem = tree_run_passes(tree, &usual_tiles, TREE_FOR_C, NULL, NULL);
    if (problem) cr_log_error("%s: %s", symbol, problem);
    cr_assert(problem == NULL);
    if (tree->work_bytes > t->executor.work_bytes) t->executor.work_bytes = tree->work_bytes;
    c_function(unit, tree, "", symbol, NULL);
}

static inline char *compiler_of(Arena *arena, uint64_t seed) {
    const char *all = getenv("SGDC_C");
    int count = 1;
    for (const char *c = all; *c; c++) count += *c == '|';
    for (uint64_t skip = seed % (uint64_t)count; skip > 0; skip--) all = strchr(all, '|') + 1;
    return text_format(arena, "%.*s", (int)strcspn(all, "|"), all);
}

static inline void load_translated(Translated *t, Arena *arena, const char *text, uint64_t seed) {
    char folder[] = "/tmp/translated.XXXXXX";
    cr_assert(mkdtemp(folder) != NULL);
    char *source = text_format(arena, "%s/unit.c", folder), *object = text_format(arena, "%s/unit.so", folder);
    FILE *file = fopen(source, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
    int status = system(text_format(arena,
                                    "%s -std=c99 -Wall -Wextra -pedantic -Werror -fPIC -shared -I" SGDC_SOURCE_FOLDER
                                    "/runtime %s -o %s -lm",
                                    compiler_of(arena, seed), source, object));
    cr_assert(status == 0, "%s: %s does not compile it", source, compiler_of(arena, seed));
    t->library = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    cr_assert(t->library != NULL);
    cr_assert(system(text_format(arena, "rm -r %s", folder)) == 0);
}

static inline Executor *translated_new(Arena *arena, const Run *run, uint64_t seed) {
    static const char *const names[] = {"init", "step", "evaluate", "predict"};
    const Function *const functions[] = {&run->init, &run->step, &run->evaluate, &run->predictor};
    Translated *t = arena_new_of(arena, Translated);
    t->executor = (Executor){.run = run, .work_bytes = 64, .call = translated_call, .free = translated_free};
    CUnit *unit = c_unit_new(arena, NULL);
    for (int i = 0; i < 4; i++)
        if (functions[i] != &run->step || !run->part_count)
            translate(unit, t, run, functions[i], text_format(arena, "run__%s", names[i]));
    for (int i = 0; i < run->part_count; i++)
        translate(unit, t, run, &run->parts[i].function, text_format(arena, "run__step_%s", run->parts[i].name));
    if (run->part_count) c_parts(unit, run, "run");
    for (int m = 0; m < run->measure_count; m++)
        translate(unit, t, run, &run->measures[m].metric, text_format(arena, "run__metric%d", m));
    Text text = text_new(arena);
    c_unit_print(&text, unit, "#include \"core.h\"\n#include \"float_control.h\"\n");
    /* A step of parts is static, as programs have it. */
    if (run->part_count) text_add(&text, "%s", "sgdrt_function *const run__parts = run__step;\n");
    load_translated(t, arena, text.bytes, seed);
    for (int i = 0; i < 4; i++) *(void **)&t->function[i] = dlsym(t->library, text_format(arena, "run__%s", names[i]));
    if (run->part_count) t->function[ENTRY_STEP] = *(sgdrt_function *const *)dlsym(t->library, "run__parts");
    t->metric = arena_array(arena, sgdrt_function *, run->measure_count + 1);
    for (int m = 0; m < run->measure_count; m++)
        *(void **)&t->metric[m] = dlsym(t->library, text_format(arena, "run__metric%d", m));
    return &t->executor;
}

#endif
