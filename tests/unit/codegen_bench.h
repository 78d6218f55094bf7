/* codegen_bench: a run built by hand, executed by the interpreter and by compiled code at every level this
 * machine has, on the same data; the bytes of state, sums and outputs must agree (all NaN are equal).
 */
#ifndef SGDC_CODEGEN_BENCH_H
#define SGDC_CODEGEN_BENCH_H
#include "codegen/codegen.h"
#include "ir/executor.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CELLS = 16, MOST_ROOTS = 80, MOST_COLUMNS = 4 };
#ifndef BENCH_ROWS
#define BENCH_ROWS 700
#endif

typedef struct Bench {
    Arena *arena;
    Diagnostics *diagnostics;
    Graph *g;
    Run run;
    Program program;
    Cell cells[MOST_CELLS];
    Slot slots[4];
    Term terms[4];
    Root step[MOST_ROOTS], evaluate[MOST_ROOTS], predict[MOST_ROOTS];
    sgdrt_column column[MOST_COLUMNS];
    int columns;
    uint32_t rows[BENCH_ROWS];
    uint64_t random;
} Bench;

static inline uint32_t bench_random(Bench *b) {
    b->random = b->random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(b->random >> 33);
}

static inline Shape shape_of(int rank, int64_t a, int64_t b, int64_t c) {
    return (Shape){.rank = rank, .extent = {a, b, c}};
}

static inline Bench *bench_new(uint64_t seed) {
    Arena *arena = arena_new();
    Bench *b = arena_new_of(arena, Bench);
    b->arena = arena;
    b->random = seed * 77 + 5;
    b->diagnostics = diagnostics_new(arena, source_map_new(arena));
    b->g = graph_new(arena, b->diagnostics);
    b->run = (Run){.name = "fit",
                   .graph = b->g,
                   .data = arena_new_of(arena, DataSet),
                   .batch = 10,
                   .cells = b->cells,
                   .slots = b->slots,
                   .terms = b->terms};
    b->run.step = (Function){.name = "step", .roots = b->step, .steps = true};
    b->run.evaluate = (Function){.name = "evaluate", .roots = b->evaluate};
    b->run.predictor = (Function){.name = "predict", .roots = b->predict};
    b->program = (Program){.arena = arena, .diagnostics = b->diagnostics, .runs = &b->run, .run_count = 1};
    for (int i = 0; i < BENCH_ROWS; i++) b->rows[i] = bench_random(b) % BENCH_ROWS;
    b->slots[0] = (Slot){.name = "lr", .dtype = DTYPE_F32, .value = 0.05, .offset = 64};
    b->run.slot_count = 1;
    return b;
}

static inline float bench_float(Bench *b) { return (float)((double)bench_random(b) / 1073741824.0 - 1.0); }

/* A column with random contents; labels are 0 .. classes-1. */
static inline Node *bench_column(Bench *b, DType t, Shape shape, int classes) {
    size_t size = (size_t)shape_size(shape) * dtype_bytes(t);
    char *data = arena_alloc(b->arena, size * BENCH_ROWS + 64);
    for (size_t i = 0; i < (size_t)shape_size(shape) * BENCH_ROWS; i++) switch (t) {
        case DTYPE_F32: ((float *)(void *)data)[i] = bench_float(b); break;
        case DTYPE_F64: ((double *)(void *)data)[i] = bench_float(b); break;
        case DTYPE_I32: ((int32_t *)(void *)data)[i] = (int32_t)(bench_random(b) % (uint32_t)classes); break;
        default: data[i] = (char)(t == DTYPE_U8 ? bench_random(b) & 255 : bench_random(b) & 1); break;
        }
    b->column[b->columns] = (sgdrt_column){data, (int64_t)size};
    return graph_leaf(b->g, OP_COLUMN, t, shape, b->columns++);
}

static inline Node *bench_cell_of(Bench *b, DType t, Shape shape) {
    int c = b->run.cell_count++;
    b->cells[c] = (Cell){.kind = CELL_PARAMETER,
                         .name = text_format(b->arena, "w%d", c),
                         .dtype = t,
                         .shape = shape,
                         .of = -1,
                         .updated = true};
    return graph_leaf(b->g, OP_CELL, t, shape, c);
}

static inline Node *bench_cell(Bench *b, Shape shape) { return bench_cell_of(b, DTYPE_F32, shape); }

static inline Node *bench_scalar(Bench *b, Node *x, Shape shape) { return graph_expand(b->g, x, shape, NULL); }

/* w - lr * gradient */
static inline void bench_sgd(Bench *b, Node *cell) {
    Node *lr = graph_leaf(b->g, OP_SLOT, DTYPE_F32, (Shape){0}, 0);
    Node *gradient = graph_leaf(b->g, OP_GRADIENT, cell->dtype, cell->shape, cell->attr.index);
    if (cell->dtype != DTYPE_F32) lr = graph_cast(b->g, lr, cell->dtype);
    Node *change = graph_binary(b->g, OP_MUL, bench_scalar(b, lr, cell->shape), gradient);
    Node *now = graph_binary(b->g, OP_SUB, cell, change);
    b->step[b->run.step.root_count++] = (Root){ROOT_UPDATE, (int)cell->attr.index, now, "w"};
}

static inline void bench_loss(Bench *b, Node *loss) {
    int t = b->run.term_count++;
    b->terms[t] = (Term){.name = "loss", .value = loss};
    b->step[b->run.step.root_count++] = (Root){ROOT_SUM, t, loss, "loss"};
    b->evaluate[b->run.evaluate.root_count++] = (Root){ROOT_SUM, t, loss, "loss"};
}

static inline void bench_predict(Bench *b, Node *value) {
    int i = b->run.predictor.root_count++;
    b->predict[i] = (Root){ROOT_ROWS, i, value, "out"};
}

static inline void bench_close(Bench *b) {
    size_t at = 128;
    for (int c = 0; c < b->run.cell_count; c++) {
        b->cells[c].offset = at;
        at += ((size_t)shape_size(b->cells[c].shape) * dtype_bytes(b->cells[c].dtype) + 127) / 64 * 64;
    }
    b->run.state_bytes = at;
    for (const Pass *pass = graph_passes; pass->name != NULL; pass++) pass->run(&b->program, &b->run);
}

static inline void *bench_state(Bench *b) {
    char *state = aligned_alloc(64, (b->run.state_bytes + 127) / 64 * 64);
    uint64_t kept = b->random;
    b->random = 4711;
    memset(state, 0, b->run.state_bytes);
    *(sgdrt_header *)(void *)state = (sgdrt_header){.seed = 99, .step = 3, .epoch = 2, .planned = 50};
    *(float *)(void *)(state + 64) = 0.05f;
    for (int c = 0; c < b->run.cell_count; c++)
        for (int64_t i = 0; i < shape_size(b->cells[c].shape); i++) {
            char *to = state + b->cells[c].offset;
            if (b->cells[c].dtype == DTYPE_F32)
                ((float *)(void *)to)[i] = bench_float(b) * 0.5f;
            else if (b->cells[c].dtype == DTYPE_F64)
                ((double *)(void *)to)[i] = bench_float(b) * 0.5;
            else
                ((int32_t *)(void *)to)[i] = (int32_t)(bench_random(b) % 7);
        }
    b->random = kept;
    return state;
}

/* ---- results ------------------------------------------------------------------------------------- */
typedef struct Results {
    char *state;
    double sums[3][MOST_ROOTS];
    char *output[MOST_ROOTS];
    size_t bytes[MOST_ROOTS];
} Results;

static inline Results bench_run(Bench *b, Executor *x, int count, bool listed) {
    Results r = {.state = bench_state(b)};
    void *work = aligned_alloc(64, (x->work_bytes + 127) / 64 * 64);
    memset(work, 0x7f, x->work_bytes);
    void *outputs[MOST_ROOTS];
    for (int i = 0; i < b->run.predictor.root_count; i++) {
        const Node *node = b->run.predictor.roots[i].node;
        r.bytes[i] = (size_t)shape_size(node->shape) * dtype_bytes(node->dtype) * (size_t)count;
        outputs[i] = r.output[i] = calloc(1, r.bytes[i] + 64);
    }
    sgdrt_call call = {.state = r.state,
                       .work = work,
                       .columns = b->column,
                       .rows = listed ? b->rows : NULL,
                       .first = 3,
                       .count = count,
                       .batch = b->run.batch > 0 ? b->run.batch : count,
                       .place = 5,
                       .sums = r.sums[0],
                       .outputs = outputs};
    if (b->run.step.root_count > 0) x->call(x, ENTRY_STEP, 0, &call);
    call.batch = count;
    call.sums = r.sums[1];
    if (b->run.evaluate.root_count > 0) x->call(x, ENTRY_EVALUATE, 0, &call);
    if (b->run.predictor.root_count > 0) x->call(x, ENTRY_PREDICT, 0, &call);
    free(work);
    return r;
}

static inline bool same_real(const void *a, const void *b, DType t) {
    if (memcmp(a, b, dtype_bytes(t)) == 0) return true;
    if (t == DTYPE_F32) return isnan(*(const float *)a) && isnan(*(const float *)b);
    return t == DTYPE_F64 && isnan(*(const double *)a) && isnan(*(const double *)b);
}

static inline char *compare_values(const char *what, const char *a, const char *b, DType t, int64_t n) {
    static char text[200];
    for (int64_t i = 0; i < n; i++) {
        const char *x = a + (size_t)i * dtype_bytes(t), *y = b + (size_t)i * dtype_bytes(t);
        if (!same_real(x, y, t)) {
            double p = t == DTYPE_F32   ? *(const float *)(const void *)x
                       : t == DTYPE_F64 ? *(const double *)(const void *)x
                       : t == DTYPE_I32 ? *(const int32_t *)(const void *)x
                                        : *x;
            double q = t == DTYPE_F32   ? *(const float *)(const void *)y
                       : t == DTYPE_F64 ? *(const double *)(const void *)y
                       : t == DTYPE_I32 ? *(const int32_t *)(const void *)y
                                        : *y;
            snprintf(text, sizeof text, "%s element %lld: %.9g interpreted, %.9g compiled", what, (long long)i, p, q);
            return text;
        }
    }
    return NULL;
}

static inline char *compare_results(Bench *b, const Results *a, const Results *c) {
    char *problem = NULL;
    for (int k = 0; k < b->run.cell_count && problem == NULL; k++)
        problem = compare_values(text_format(b->arena, "cell %d", k), a->state + b->cells[k].offset,
                                 c->state + b->cells[k].offset, b->cells[k].dtype, shape_size(b->cells[k].shape));
    for (int s = 0; s < 2 && problem == NULL; s++)
        problem = compare_values(s ? "sum of evaluate" : "sum of step", (const char *)a->sums[s],
                                 (const char *)c->sums[s], DTYPE_F64, b->run.term_count);
    if (problem == NULL && memcmp(a->state, c->state, 64) != 0) problem = "the header";
    for (int i = 0; i < b->run.predictor.root_count && problem == NULL; i++) {
        const Node *node = b->run.predictor.roots[i].node;
        problem = compare_values(text_format(b->arena, "output %d", i), a->output[i], c->output[i], node->dtype,
                                 (int64_t)(a->bytes[i] / dtype_bytes(node->dtype)));
    }
    return problem;
}

static inline void results_free(Bench *b, Results *r) {
    free(r->state);
    for (int i = 0; i < b->run.predictor.root_count; i++) free(r->output[i]);
}

#if defined(__x86_64__)
static const char *const bench_cpus[] = {"native", "x86-64-v2", "x86-64-v3", "x86-64-v4", NULL};
#else
static const char *const bench_cpus[] = {"native", "generic", NULL};
#endif

/* NULL, or what differed first. */
static inline char *bench_check(Bench *b, const int *counts, int count_count, int level) {
    char *problem = NULL;
    Executor *interpreter = interpreter_new(b->arena, &b->run);
    for (int cpu = 0; bench_cpus[cpu] != NULL && problem == NULL; cpu++) {
        if (getenv("BENCH_CPU") && strcmp(getenv("BENCH_CPU"), bench_cpus[cpu]) != 0) continue;
        CodegenOptions options = {.cpu = bench_cpus[cpu], .level = level};
        Codegen *codegen = codegen_new(b->arena, &options, b->diagnostics);
        if (codegen == NULL) return "no code generator";
        const Run *run = &b->run;
        const char *prefix = "fit";
        if (getenv("BENCH_LOOPS") || getenv("BENCH_LLVM")) {
            Text text = text_new(b->arena);
            codegen_text(codegen, &text, &run, &prefix, 1, getenv("BENCH_LLVM") ? CODEGEN_LLVM : CODEGEN_LOOPS);
            printf("%s\n", text.bytes);
        }
        Executor *compiled = codegen_jit(codegen, &b->run);
        if (compiled == NULL) {
            codegen_free(codegen);
            continue; /* this machine is of a lower level */
        }
        codegen_jit_all(codegen, &compiled, 1);
        for (int i = 0; i < count_count && problem == NULL; i++)
            for (int listed = 0; listed <= 1 && problem == NULL; listed++) {
                Results a = bench_run(b, interpreter, counts[i], listed), c = bench_run(b, compiled, counts[i], listed);
                problem = compare_results(b, &a, &c);
                if (problem != NULL)
                    problem = text_format(b->arena, "%s (cpu %s, -O%d, %d rows, %s)", problem, bench_cpus[cpu], level,
                                          counts[i], listed ? "listed" : "counted");
                results_free(b, &a);
                results_free(b, &c);
            }
        codegen_free(codegen);
    }
    interpreter->free(interpreter);
    return problem;
}
#endif
