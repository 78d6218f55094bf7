/* trial: a program run both interpreted and compiled, and compared bit for bit: initial values, parameters after
 * steps with ragged tails, sums, evaluation, predictions and metrics. With SGDC_AARCH64 (emulated.h) it is compiled for
 * aarch64, and emulated; with SGDC_C (translated.h) it is translated to C.
 */
#ifndef TESTS_TRIAL_H
#define TESTS_TRIAL_H
#include "programs.h"

#include "beside.h"
#include "emulated.h"
#include "translated.h"
#include "turns.h"

/* Where two arrays differ, all NaN being equal; -1: nowhere. */
static int64_t difference(DType t, const void *a, const void *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        size_t bytes = dtype_bytes(t);
        const char *x = (const char *)a + (size_t)i * bytes, *y = (const char *)b + (size_t)i * bytes;
        if (memcmp(x, y, bytes) == 0) continue;
        if (t == DTYPE_F32 && *(const float *)(const void *)x != *(const float *)(const void *)x &&
            *(const float *)(const void *)y != *(const float *)(const void *)y)
            continue;
        if (t == DTYPE_F64 && *(const double *)(const void *)x != *(const double *)(const void *)x &&
            *(const double *)(const void *)y != *(const double *)(const void *)y)
            continue;
        return i;
    }
    return -1;
}

typedef struct Side {
    Executor *executor;
    void *state, *work;
    double *sums;
    void **outputs; /* of evaluate, predict and metrics, in this order */
} Side;

typedef struct Trial {
    Compiled compiled;
    const Run *run;
    Guarded memory;
    sgdrt_column *columns;
    int64_t rows, batch;
    uint32_t *order;
    Side side[2];
    Turns turns; /* what the compiled side runs on, if on more than one thread */
    const char *text;
    uint64_t seed;
} Trial;

static double number_at(DType t, const void *p, int64_t i) {
    switch (t) {
    case DTYPE_F32: return (double)((const float *)p)[i];
    case DTYPE_F64: return ((const double *)p)[i];
    case DTYPE_I32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

static bool same(const Trial *t, const char *what, const char *name, DType type, const void *a, const void *b,
                 int64_t n) {
    int64_t at = difference(type, a, b, n);
    if (at < 0) return true;
    cr_log_error("program %llu (%lld rows): %s, %s[%lld]: interpreted %a, compiled %a\n%s", (unsigned long long)t->seed,
                 (long long)t->rows, what, name, (long long)at, number_at(type, a, at), number_at(type, b, at),
                 t->text);
    return false;
}

static bool same_state(const Trial *t, const char *what) {
    const char *a = t->side[0].state, *b = t->side[1].state;
    for (int c = 0; c < t->run->cell_count; c++) {
        const Cell *cell = &t->run->cells[c];
        if (!same(t, what, cell->name, cell->dtype, a + cell->offset, b + cell->offset, shape_size(cell->shape)))
            return false;
    }
    return same(t, what, "step", DTYPE_U8, a, b, sizeof(sgdrt_header)) &&
           same(t, what, "sum", DTYPE_F64, t->side[0].sums, t->side[1].sums, run_sums(t->run));
}

static void allocate_side(Trial *t, Side *side) {
    Arena *arena = t->compiled.arena;
    side->state = aligned_memory(&t->memory, t->run->state_bytes);
    side->work = aligned_memory(&t->memory, side->executor->work_bytes);
    side->sums = arena_array(arena, double, run_sums(t->run) + 1);
}

/* Memory for the outputs of a function, by index; sizes from its roots. */
static void **allocate_outputs(Trial *t, const Function *f) {
    int most = 0;
    for (int r = 0; r < f->root_count; r++) most = f->roots[r].index > most ? f->roots[r].index : most;
    void **outputs = arena_array(t->compiled.arena, void *, most + 1);
    for (int r = 0; r < f->root_count; r++) {
        const Root *root = &f->roots[r];
        int64_t rows = root->kind == ROOT_ROWS ? t->rows : 1;
        size_t bytes = (size_t)(rows * shape_size(root->node->shape)) * dtype_bytes(root->node->dtype);
        if (root->kind == ROOT_ROWS || root->kind == ROOT_VALUE)
            outputs[root->index] = guarded_memory(&t->memory, bytes, true);
    }
    return outputs;
}

static bool same_outputs(const Trial *t, const char *what, const Function *f, void **a, void **b) {
    for (int r = 0; r < f->root_count; r++) {
        const Root *root = &f->roots[r];
        int64_t n = shape_size(root->node->shape) * (root->kind == ROOT_ROWS ? t->rows : 1);
        if ((root->kind == ROOT_ROWS || root->kind == ROOT_VALUE) &&
            !same(t, what, root->name ? root->name : "output", root->node->dtype, a[root->index], b[root->index], n))
            return false;
    }
    return true;
}

static bool check_function(Trial *t, const char *what, Entry entry, int measure, const Function *f,
                           const sgdrt_column *columns, void ***outputs) {
    for (int s = 0; s < 2; s++) {
        Side *side = &t->side[s];
        outputs[s] = allocate_outputs(t, f);
        sgdrt_call call = {.state = side->state,
                           .work = side->work,
                           .columns = columns,
                           .count = t->rows,
                           .batch = t->rows,
                           .sums = side->sums,
                           .outputs = outputs[s]};
        if (entry != ENTRY_METRIC) call.rows = t->order;
        side->executor->call(side->executor, entry, measure, &call);
    }
    return same_outputs(t, what, f, outputs[0], outputs[1]) &&
           same(t, what, "sum", DTYPE_F64, t->side[0].sums, t->side[1].sums, t->run->term_count);
}

static bool check_evaluation(Trial *t) {
    const Run *run = t->run;
    void **outputs[2];
    if (!check_function(t, "evaluate", ENTRY_EVALUATE, 0, &run->evaluate, t->columns, outputs)) return false;
    for (int m = 0, next = 0; m < run->measure_count; m++) {
        const Measure *measure = &run->measures[m];
        sgdrt_column *kept = arena_array(t->compiled.arena, sgdrt_column, measure->argument_count + 1);
        void **metric[2];
        for (int a = 0; a < measure->argument_count; a++, next++) {
            const Node *argument = measure->arguments[a];
            kept[a] = (sgdrt_column){outputs[0][next],
                                     shape_size(argument->shape) * (int64_t)dtype_bytes(argument->dtype)};
        }
        if (!check_function(t, measure->name, ENTRY_METRIC, m, &measure->metric, kept, metric)) return false;
    }
    return run->predictor.root_count == 0 ||
           check_function(t, "predict", ENTRY_PREDICT, 0, &run->predictor, t->columns, outputs);
}

static bool check_steps(Trial *t, const char *what, const uint32_t *order, int64_t first, int64_t count,
                        int64_t place) {
    int64_t done[2];
    for (int s = 0; s < 2; s++) {
        Side *side = &t->side[s];
        sgdrt_call call = {.state = side->state,
                           .work = side->work,
                           .columns = t->columns,
                           .rows = order,
                           .first = first,
                           .count = count,
                           .batch = t->batch,
                           .place = place,
                           .sums = side->sums};
        done[s] = side->executor->call(side->executor, ENTRY_STEP, 0, &call);
    }
    return same(t, what, "steps done", DTYPE_F64, &(double){(double)done[0]}, &(double){(double)done[1]}, 1) &&
           same_state(t, what);
}

/* Makes the compiled side's executor; what it belongs to, or NULL. */
static Codegen *compile_side(Trial *t, CodegenOptions *options) {
    Arena *arena = t->compiled.arena;
    Executor **executor = &t->side[1].executor;
    if (getenv("SGDC_C")) {
        *executor = translated_new(arena, t->run, t->seed);
        t->turns.threads = 1;
        return NULL;
    }
    if (getenv("SGDC_AARCH64")) {
        options->cpu = "generic";
        options->triple = "aarch64-linux-gnu";
        Codegen *codegen = codegen_new(arena, options, t->compiled.diagnostics);
        *executor = emulated_new(arena, codegen, t->run, &t->memory);
        return codegen;
    }
    Codegen *codegen = codegen_new(arena, options, t->compiled.diagnostics);
    *executor = codegen ? codegen_jit(codegen, t->run) : NULL;
    if (*executor == NULL) { /* a machine without these vectors */
        codegen_free(codegen);
        options->cpu = "native";
        codegen = codegen_new(arena, options, t->compiled.diagnostics);
        *executor = codegen_jit(codegen, t->run);
    }
    (*executor)->evaluates = true;
    codegen_jit_all(codegen, executor, 1);
    if (t->seed % 16 / 2 == 3 || getenv("SGDC_TOGETHER"))
        *executor = beside_new(arena, codegen, *executor, &t->memory, t->seed / 8);
    return codegen;
}

static void give_threads(Trial *t, Executor *executor) {
    if (t->turns.threads == 1) return;
    executor->region = turns_call;
    executor->threads = &t->turns;
}

/* false: the two sides differ. After compile_text, with run, batch, rows, columns and order set. */
static bool check_trial(Trial *t, CodegenOptions *options) {
    run_passes(&t->compiled, NULL, "order");
    t->side[0].executor = interpreter_new(t->compiled.arena, t->run);
    run_passes(&t->compiled, "order", NULL);
    Codegen *codegen = compile_side(t, options);
    for (int s = 0; s < 2; s++) {
        allocate_side(t, &t->side[s]);
        if (s == 1) give_threads(t, t->side[s].executor);
        start_state(t->run, t->side[s].executor, t->side[s].state, t->side[s].work, 9);
    }
    bool fine = same_state(t, "initial values") && check_steps(t, "first epoch", t->order, 0, t->rows, 0) &&
                check_steps(t, "rows in place", NULL, 0, t->rows, 0) && check_evaluation(t) &&
                check_steps(t, "a part of an epoch", NULL, t->rows / 2, t->rows - t->rows / 2, t->rows / 2);
    for (int s = 0; s < 2; s++) t->side[s].executor->free(t->side[s].executor);
    if (codegen) codegen_free(codegen);
    return fine;
}

static void trial_free(Trial *t) {
    guarded_free(&t->memory);
    turns_free(&t->turns);
    arena_free(t->compiled.arena);
}

#endif
