/* programs: what the numeric tests share: a .sgd text to a Program, made-up rows for its columns, a state to
 * run in. */
#ifndef TESTS_PROGRAMS_H
#define TESTS_PROGRAMS_H
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ir/executor.h"
#include "math_functions.h"

/* ---- a seeded stream ---- */
typedef struct Stream {
    uint64_t state;
} Stream;

static inline uint64_t stream_next(Stream *s) {
    s->state += 0x9e3779b97f4a7c15ull;
    return math_mix_u64(s->state);
}

static inline int stream_below(Stream *s, int n) { return (int)(stream_next(s) >> 33) % n; }

/* ---- from text to the line where bits are fixed ---- */
typedef struct Compiled {
    Arena *arena;
    SourceMap *map;
    Diagnostics *diagnostics;
    Program *program; /* NULL after an error */
} Compiled;

static inline Compiled compile_text(const char *text, bool f64) {
    Compiled c = {.arena = arena_new()};
    c.map = source_map_new(c.arena);
    c.diagnostics = diagnostics_new(c.arena, c.map);
    Names *names = names_new(c.arena);
    Source *source = source_add(c.map, "program.sgd", text, strlen(text));
    Ast *ast = parse(c.arena, names, c.diagnostics, source);
    if (c.diagnostics->errors) return c;
    LowerOptions options = {.f64 = f64, .gradients = f64};
    Program *program = lower_program(c.arena, names, c.diagnostics, c.map, ast, "program.sgd", &options);
    if (!c.diagnostics->errors) c.program = program;
    return c;
}

/* Runs the passes from the one named `after` (NULL: from the first) to the one named `last` (NULL: to the
 * end). */
static inline void run_passes(Compiled *c, const char *after, const char *last) {
    const Pass *pass = graph_passes;
    while (after && strcmp((pass++)->name, after) != 0) {
    }
    for (; pass->name; pass++) {
        for (int r = 0; r < c->program->run_count; r++) pass->run(c->program, &c->program->runs[r]);
        if (last && strcmp(pass->name, last) == 0) return;
    }
}

/* ---- memory in pages of its own, its first or last byte beside memory that cannot be read ---- */
enum { MOST_GUARDED = 64, PAGE = 4096 };
#define SHARED_BASE ((uintptr_t)1 << 45) /* where a shared file lies, in this and in other processes */
#define SHARED_BYTES ((size_t)1 << 30)
typedef struct Guarded {
    char *pages[MOST_GUARDED];
    size_t bytes[MOST_GUARDED];
    int count;
    bool shared;
    int file;
    size_t used; /* pages of a file, which others may map as well */
} Guarded;

static inline void guarded_share(Guarded *g) {
    g->file = memfd_create("guarded", 0);
    g->shared = true;
    cr_assert(g->file >= 0 && ftruncate(g->file, (off_t)SHARED_BYTES) == 0);
}

static inline void *new_pages(Guarded *g, size_t bytes) {
    if (!g->shared) return mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    off_t at = (off_t)g->used;
    g->used += bytes;
    cr_assert(g->used <= SHARED_BYTES);
    return mmap((void *)(SHARED_BASE + (uintptr_t)at), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED_NOREPLACE, g->file, at);
}

static inline void *guarded_memory(Guarded *g, size_t bytes, bool at_end) {
    size_t inner = (bytes + PAGE - 1) / PAGE * PAGE;
    char *pages = new_pages(g, inner + 2 * PAGE);
    cr_assert(g->count < MOST_GUARDED && pages != MAP_FAILED);
    cr_assert(inner == 0 || mprotect(pages + PAGE, inner, PROT_READ | PROT_WRITE) == 0);
    g->pages[g->count] = pages;
    g->bytes[g->count++] = inner + 2 * PAGE;
    return pages + PAGE + (at_end ? inner - bytes : 0);
}

static inline void guarded_free(Guarded *g) {
    for (int i = 0; i < g->count; i++) munmap(g->pages[i], g->bytes[i]);
    if (g->shared) close(g->file);
}

/* ---- rows ---- */
static inline void fill_number(const Column *column, char *data, int64_t i, Stream *random) {
    double real = ldexp((double)(int64_t)stream_next(random), -63) * 1.5;
    int64_t classes = column->classes > 0 ? column->classes : 5;
    switch (column->dtype) {
    case DTYPE_F32: ((float *)(void *)data)[i] = (float)real; break;
    case DTYPE_F64: ((double *)(void *)data)[i] = real; break;
    case DTYPE_I32: ((int32_t *)(void *)data)[i] = stream_below(random, (int)classes); break;
    case DTYPE_U8: data[i] = (char)stream_below(random, 256); break;
    case DTYPE_BOOL: data[i] = (char)stream_below(random, 2); break;
    }
}

static inline sgdrt_column *make_columns(Arena *arena, Guarded *memory, const DataSet *set, int64_t rows,
                                         Stream *random) {
    sgdrt_column *columns = arena_array(arena, sgdrt_column, set->column_count + 1);
    for (int c = 0; c < set->column_count; c++) {
        const Column *column = &set->columns[c];
        int64_t size = shape_size(column->shape), stride = size + stream_below(random, 3);
        int64_t numbers = (rows - 1) * stride + size;
        size_t bytes = dtype_bytes(column->dtype);
        char *data = guarded_memory(memory, (size_t)numbers * bytes, stream_below(random, 4) > 0);
        columns[c] = (sgdrt_column){data, stride * (int64_t)bytes};
        for (int64_t i = 0; i < numbers; i++) fill_number(column, data, i, random);
    }
    return columns;
}

/* ---- state ---- */
/* A block that begins on a multiple of 64. */
static inline void *aligned_memory(Guarded *memory, size_t bytes) {
    return guarded_memory(memory, (bytes + 63) / 64 * 64, true);
}

static inline void start_state(const Run *run, Executor *executor, void *state, void *work, uint64_t planned) {
    memset(state, 0, run->state_bytes);
    ((sgdrt_header *)state)->seed = run->seed;
    ((sgdrt_header *)state)->planned = planned;
    for (int i = 0; i < run->slot_count; i++) {
        char *to = (char *)state + run->slots[i].offset;
        if (run->slots[i].dtype == DTYPE_F32)
            *(float *)(void *)to = (float)run->slots[i].value;
        else if (run->slots[i].dtype == DTYPE_F64)
            *(double *)(void *)to = run->slots[i].value;
        else
            *(int32_t *)(void *)to = (int32_t)run->slots[i].value;
    }
    sgdrt_call call = {.state = state, .work = work};
    executor->call(executor, ENTRY_INIT, 0, &call);
    for (int i = 0; i < run->cell_count; i++) { /* statistics come from the data: any will do */
        const Cell *cell = &run->cells[i];
        for (int64_t k = 0; cell->kind == CELL_STATISTIC && k < shape_size(cell->shape); k++) {
            char *to = (char *)state + cell->offset;
            if (cell->dtype == DTYPE_F64)
                ((double *)(void *)to)[k] = 0.75;
            else
                ((float *)(void *)to)[k] = 0.75f;
        }
    }
}

#endif
