/* Places of arrays in the work block: all take at most a tenth more than what lives at one nest, beside the flags of threads.
 * Over all examples and the benchmarks' networks. That those that live at the same time share no byte is the verifier's
 * (verify/bytes.c).
 */
#include "../numeric/programs.h"
#include "ir/loops/loops.h"
#include <dirent.h>

enum { LINE = 64 };

static int64_t bytes_of(const Array *a) {
    int64_t bytes = a->elements * (int64_t)dtype_bytes(a->dtype);
    return (bytes + LINE - 1) / LINE * LINE;
}

/* The most that lives at one nest. */
static int64_t alive_at_once(const LoopTree *tree) {
    int64_t most = 0;
    for (int i = 0; i < tree->arrays.count; i++) {
        const Array *at = tree->arrays.items[i];
        int64_t alive = 0;
        if (at->memory != ARRAY_WORK) continue;
        for (int j = 0; j < tree->arrays.count; j++) {
            const Array *a = tree->arrays.items[j];
            if (a->memory == ARRAY_WORK && a->first <= at->first && at->first <= a->last) alive += bytes_of(a);
        }
        if (alive > most) most = alive;
    }
    return most;
}

static void check_function(const Run *run, const Function *function, RowOrder order, const char *file) {
    static const TileNumbers wide = {.machine.vector_bytes = 64,
                                     .vectors = 4,
                                     .unrolled = 8,
                                     .chains = 24,
                                     .square_bytes = 64,
                                     .machine.fma_pace = 100,
                                     .machine.memory_latency = 300,
                                     .machine.l1_rate = 128,
                                     .machine.line = 64,
                                     .machine.l1 = 48 << 10,
                                     .machine.l2 = 1 << 20,
                                     .block_bytes = 16 << 20,
                                     .row_lanes = 16};
    if (function->root_count == 0) return;
    Arena *arena = arena_new();
    LoopTree *tree = schedule_function(arena, run, function, order, &wide);
    cr_assert_null(tree_run_passes(tree, &wide, TREE_FOR_TESTS, NULL, NULL), "%s: %s", file, function->name);
    int64_t least = alive_at_once(tree);
    cr_expect(10 * ((int64_t)tree->work_bytes - 2 * LINE) <= 11 * least, "%s: %s takes %zu bytes, %lld live at once",
              file, function->name, tree->work_bytes, (long long)least);
    arena_free(arena);
}

static void check_program(const char *text, const char *file) {
    Compiled c = compile_text(text, false);
    if (c.program == NULL) { /* it includes another, which has no place here */
        cr_assert(strstr(text, "include \"") != NULL, "%s is refused", file);
        arena_free(c.arena);
        return;
    }
    run_passes(&c, NULL, NULL);
    for (int r = 0; r < c.program->run_count; r++) {
        const Run *run = &c.program->runs[r];
        check_function(run, &run->step, IN_ONE_BLOCK, file);
        check_function(run, &run->step, IN_BLOCKS, file);
        check_function(run, &run->evaluate, IN_BLOCKS, file);
    }
    arena_free(c.arena);
}

static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s cannot be read", path);
    char *text = calloc(1, 1 << 20);
    cr_assert(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void check_folder(const char *folder) {
    DIR *files = opendir(folder);
    cr_assert(files != NULL, "%s cannot be read", folder);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".sgd") != 0) continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *text = read_text(path);
        check_program(text, entry->d_name);
        free(text);
    }
    closedir(files);
}

Test(places, examples, .timeout = 120) {
    check_folder(SGDC_SOURCE_FOLDER "/examples");
    check_folder(SGDC_SOURCE_FOLDER "/bench/steps");
}
