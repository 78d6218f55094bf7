/* Places of buffers: no two that live at the same time share a byte, and the plan takes at most a tenth more than
 * what lives at one step, beside its margins. Over all examples, networks, and buffers of random sizes and lives. */
#include "../numeric/programs.h"
#include "ir/loops/loop.h"
#include <dirent.h>

static void check_plan(const LoopFunction *f, const char *what) {
    for (int i = 0; i < f->buffers.count; i++) {
        const Buffer *a = f->buffers.items[i];
        size_t end = a->of_thread ? f->thread_bytes : f->work_bytes - f->thread_bytes;
        cr_assert(a->offset % 64 == 0 && a->offset + a->bytes + 128 <= end, "%s: buffer %d", what, i);
        for (int j = 0; j < i; j++) {
            const Buffer *b = f->buffers.items[j];
            bool together = a->of_thread == b->of_thread && a->first <= b->last && b->first <= a->last;
            cr_assert(!together || a->offset >= b->offset + b->bytes || b->offset >= a->offset + a->bytes,
                      "%s: buffers %d and %d overlap", what, i, j);
        }
    }
    size_t taken = f->work_bytes - f->margin_bytes;
    cr_expect(taken >= f->least_bytes && 10 * taken <= 11 * f->least_bytes,
              "%s: %zu bytes are planned, %zu live at once", what, taken, f->least_bytes);
}

static void check_function(const Run *run, const Function *function, int64_t batch, const char *file) {
    static const LoopTarget targets[] = {{.lanes = 4, .registers = 16},
                                         {.lanes = 16, .registers = 32, .fma = true, .l1 = 48 << 10, .l2 = 1 << 20}};
    for (int t = 0; t < 2 && function->root_count > 0; t++) {
        Arena *arena = arena_new();
        double seconds = 0;
        LoopFunction *f = loop_build(arena, run, function, batch, &targets[t], &seconds, &seconds);
        check_plan(f, text_format(arena, "%s: %s, %d lanes", file, function->name, targets[t].lanes));
        arena_free(arena);
    }
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
        check_function(run, &run->init, 0, file);
        check_function(run, &run->step, run->batch, file);
        check_function(run, &run->step, 0, file);
        check_function(run, &run->evaluate, 0, file);
        check_function(run, &run->predictor, 0, file);
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

Test(place, examples, .timeout = 120) {
    check_folder(SGDC_SOURCE_FOLDER "/examples");
    check_folder(SGDC_SOURCE_FOLDER "/bench/steps");
}

/* ---- buffers of random sizes and lives ---- */
typedef enum Kind { KIND_ANY, KIND_TRAINING, KINDS } Kind;

static void random_buffers(LoopFunction *f, Kind kind, Stream *random) {
    int count = 2 + stream_below(random, 120), steps = 2 + stream_below(random, 200);
    f->steps_planned = steps;
    for (int i = 0; i < count; i++) {
        Buffer *b = arena_new_of(f->arena, Buffer);
        size_t bytes = (size_t)1 << stream_below(random, 18);
        *b = (Buffer){.id = i, .bytes = bytes + (size_t)stream_below(random, (int)bytes)};
        b->first = stream_below(random, steps);
        b->last = b->first + stream_below(random, stream_below(random, 3) == 0 ? steps - b->first : 4);
        if (kind == KIND_TRAINING && i % 3 > 0) { /* from a layer's forward to its backward pass */
            b->first = stream_below(random, steps / 2);
            b->last = steps - 1 - b->first;
        }
        b->last = b->last >= steps ? steps - 1 : b->last;
        vector_push(f->arena, &f->buffers, b);
    }
}

Test(place, random_lives) {
    Stream random = {8};
    Function none = {.name = "none"};
    for (int i = 0; i < 4000; i++) {
        Arena *arena = arena_new();
        LoopFunction f = {.arena = arena, .function = &none};
        random_buffers(&f, i % KINDS, &random);
        place_buffers(&f);
        check_plan(&f, text_format(arena, "random buffers %d", i));
        arena_free(arena);
    }
}
