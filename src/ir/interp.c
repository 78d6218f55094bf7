/* interp: the executor that computes a Run's functions node by node, all rows of a mini-batch at once.
 *
 * A function becomes a Plan: its nodes, sources first, each with the step after which its value is no longer
 * read. One evaluation walks the list, with values in buffers that are passed on as soon as they are free.
 * CELL values are read where they lie in the state, so updates are stored after all roots have been computed.
 *
 * Nothing here is clever about arithmetic: it is meant to be read beside docs/numerics.md.
 */
#include "ir/interp.h"

#include <stdlib.h>
#include <string.h>

#include "float_control.h"
#include "ir/executor.h"
#include "ir/elements.h"
#include "ir/interp_internal.h"
#include "math_functions.h"

/* ---- leaves ------------------------------------------------------------------------------ */

static const sgdrt_header *header_of(const Evaluation *e) { return (const sgdrt_header *)(const void *)e->state; }

static int64_t row_of(const Evaluation *e, int64_t p) { return e->row ? (int64_t)e->row[p] : e->first + p; }

static void store_real(DType t, void *out, double value) {
    if (t == DTYPE_F32)
        *(float *)out = (float)value;
    else
        *(double *)out = value;
}

void interp_eval_CONST(Evaluation *e, const Node *node, void *out) {
    for (int64_t i = 0, n = interp_count(e, node); i < n; i++)
        element_set(node->dtype, (char *)out + (size_t)i * dtype_bytes(node->dtype), node->attr.value);
}

void interp_eval_COLUMN(Evaluation *e, const Node *node, void *out) {
    sgdrt_column column = e->columns[node->attr.index];
    size_t bytes = (size_t)shape_size(node->shape) * dtype_bytes(node->dtype);
    for (int64_t p = 0, n = interp_rows(e, node); p < n; p++)
        memcpy((char *)out + (size_t)p * bytes, (const char *)column.data + row_of(e, p) * column.stride, bytes);
}

void interp_eval_CELL(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("cell %lld is read in place", (long long)node->attr.index);
}

void interp_eval_SLOT(Evaluation *e, const Node *node, void *out) {
    memcpy(out, e->state + e->run->slots[node->attr.index].offset, dtype_bytes(node->dtype));
}

void interp_eval_COUNTER(Evaluation *e, const Node *node, void *out) {
    const sgdrt_header *h = header_of(e);
    if (node->attr.counter >= COUNTER_SET) {
        store_real(node->dtype, out, h->set_rows[node->attr.counter - COUNTER_SET]);
        return;
    }
    switch (node->attr.counter) {
    case COUNTER_STEP: store_real(node->dtype, out, (double)h->step); break;
    case COUNTER_EPOCH: store_real(node->dtype, out, (double)h->epoch); break;
    case COUNTER_PROGRESS:
        if (node->dtype == DTYPE_F32)
            *(float *)out = (float)h->step / (float)h->planned;
        else
            *(double *)out = (double)h->step / (double)h->planned;
        break;
    case COUNTER_SET: break;
    }
}

void interp_eval_ROWS_RECIPROCAL(Evaluation *e, const Node *node, void *out) {
    if (node->dtype == DTYPE_F32)
        *(float *)out = 1.0f / (float)e->rows;
    else
        *(double *)out = 1.0 / (double)e->rows;
}

void interp_eval_PLACE(Evaluation *e, const Node *node, void *out) {
    for (int64_t p = 0; p < interp_rows(e, node); p++) ((int32_t *)out)[p] = (int32_t)p;
}

static void draw_row(DType t, int64_t size, uint32_t first, uint32_t second, void *out) {
    for (int64_t i = 0; i < size; i++) {
        if (t == DTYPE_F32)
            ((float *)out)[i] = math_uniform_f32(first, second, (uint32_t)i);
        else
            ((double *)out)[i] = math_uniform_f64(first, second, (uint32_t)i);
    }
}

void interp_eval_RANDOM(Evaluation *e, const Node *node, void *out) {
    const Random *random = &node->attr.random;
    uint64_t stream = random->key == RANDOM_DATA      ? math_key_of_name(random->seed, random->site)
                      : random->key == RANDOM_PREDICT ? math_key_of_name(e->seed, random->site)
                      : random->key == RANDOM_INITIAL
                          ? math_key_of_name(header_of(e)->seed, random->site)
                          : math_key_of_step(header_of(e)->seed, header_of(e)->step, random->site);
    int64_t size = shape_size(node->shape);
    if (!node->rows) {
        draw_row(node->dtype, size, (uint32_t)stream, (uint32_t)(stream >> 32), out);
        return;
    }
    for (int64_t p = 0; p < e->rows; p++) {
        uint32_t place = (uint32_t)(random->key == RANDOM_DATA ? row_of(e, p) : e->place + p);
        draw_row(node->dtype, size, math_row_key_first(stream, place), math_row_key_second(stream, place),
                 (char *)out + (size_t)(p * size) * dtype_bytes(node->dtype));
    }
}

void interp_eval_IOTA(Evaluation *e, const Node *node, void *out) {
    int64_t inner = 1, extent = node->shape.extent[node->attr.index];
    for (int a = (int)node->attr.index + 1; a < node->shape.rank; a++) inner *= node->shape.extent[a];
    for (int64_t i = 0, n = interp_count(e, node); i < n; i++) ((int32_t *)out)[i] = (int32_t)(i / inner % extent);
}

void interp_eval_GRADIENT(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("a gradient of cell %lld was left in the graph", (long long)node->attr.index);
}

/* ---- functions of a run ------------------------------------------------------------------ */

/* A function as it was when the interpreter was made: passes that come after do not reach it. */
typedef struct Interpreted {
    Function function;
    EvaluationPlan *plan;
} Interpreted;

typedef struct Interpreter {
    Executor executor;
    Interpreted init, step, evaluate, predict, derived, *metrics, *parts;
} Interpreter;

static Interpreted interpreted_of(Arena *arena, const Function *function) {
    Interpreted it = {.function = *function};
    Node **roots = arena_array(arena, Node *, function->root_count + 1);
    it.function.roots = arena_array(arena, Root, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) {
        it.function.roots[r] = function->roots[r];
        roots[r] = function->roots[r].node;
    }
    it.plan = interp_plan(arena, roots, function->root_count, NULL);
    return it;
}

static void store_results(Evaluation *e, const Function *function, const sgdrt_call *call) {
    for (int r = 0; r < function->root_count; r++) {
        const Root *root = &function->roots[r];
        const void *value = interp_value(e, root->node);
        size_t bytes = (size_t)interp_count(e, root->node) * dtype_bytes(root->node->dtype);
        if (root->kind == ROOT_SUM) {
            double sum = root->node->dtype == DTYPE_F32 ? (double)*(const float *)value : *(const double *)value;
            if (call->sums) call->sums[root->index] = function->steps ? call->sums[root->index] + sum : sum;
        } else if (root->kind == ROOT_VALUE) {
            memcpy(call->outputs[root->index], value, bytes);
        } else if (root->kind == ROOT_ROWS && root->node->rows) {
            memcpy(call->outputs[root->index], value, bytes);
        } else if (root->kind == ROOT_ROWS) {
            for (int64_t p = 0; p < e->rows; p++)
                memcpy((char *)call->outputs[root->index] + (size_t)p * bytes, value, bytes);
        }
    }
}

/* A new value that is a cell itself is taken before any cell changes. */
static void store_updates(Evaluation *e, const Function *function) {
    void **taken = interp_memory(sizeof *taken * (size_t)(function->root_count + 1));
    for (int r = 0; r < function->root_count; r++) {
        const Node *node = function->roots[r].node;
        taken[r] = NULL;
        if (function->roots[r].kind == ROOT_UPDATE && node->op == OP_CELL) {
            size_t bytes = (size_t)shape_size(node->shape) * dtype_bytes(node->dtype);
            taken[r] = interp_memory(bytes);
            memcpy(taken[r], interp_value(e, node), bytes);
        }
    }
    for (int r = 0; r < function->root_count; r++) {
        const Root *root = &function->roots[r];
        if (root->kind != ROOT_UPDATE) continue;
        memcpy(e->state + e->run->cells[root->index].offset, taken[r] ? taken[r] : interp_value(e, root->node),
               (size_t)shape_size(root->node->shape) * dtype_bytes(root->node->dtype));
        free(taken[r]);
    }
    free(taken);
}

static int64_t run_function(const Run *run, Interpreted *it, const sgdrt_call *call) {
    const Function *function = &it->function;
    int64_t done = 0, steps = 0;
    if (function->steps && call->count <= 0) return 0;
    do {
        int64_t rows = function->steps && call->batch < call->count - done ? call->batch : call->count - done;
        Evaluation e = {
            .run = run,
            .state = call->state,
            .columns = call->columns,
            .plan = it->plan,
            .row = call->rows ? call->rows + done : NULL,
            .first = call->first + done,
            .rows = rows,
            .place = call->place + done,
            .seed = call->seed,
        };
        interp_evaluate(&e);
        store_results(&e, function, call);
        store_updates(&e, function);
        if (function->steps) ((sgdrt_header *)call->state)->step++;
        done += rows;
        steps++;
    } while (function->steps && done < call->count && !(call->stop && *call->stop));
    return steps;
}

/* One part of a step, on these rows; what it counts up is the step's to count. */
static void run_part(const Run *run, Interpreter *interpreter, int part, const sgdrt_call *step) {
    sgdrt_header *header = step->state;
    uint64_t before = header->step;
    double *sums = step->sums ? step->sums + run->term_count + 2 * part : NULL;
    run_function(run, &interpreter->parts[part], step);
    header->step = before;
    if (sums) sums[0] += (double)step->count;
    if (sums) sums[1] += 1;
}

static int64_t run_parts(const Run *run, Interpreter *interpreter, const sgdrt_call *call) {
    sgdrt_header *header = call->state;
    int64_t done = 0, steps = 0;
    while (done < call->count && !(steps > 0 && call->stop && *call->stop)) {
        int64_t rows = call->batch < call->count - done ? call->batch : call->count - done;
        sgdrt_call step = *call;
        step.rows = call->rows ? call->rows + done : NULL;
        step.first += done;
        step.place += done;
        step.count = step.batch = rows;
        for (int part = 0; part < run->part_count; part++)
            if (part_is_due(run->parts[part].when, header->step, header->epoch))
                run_part(run, interpreter, part, &step);
        header->step++;
        done += rows;
        steps++;
    }
    return steps;
}

static int64_t interpreter_call(Executor *executor, Entry entry, int measure, const sgdrt_call *call) {
    Interpreter *interpreter = (Interpreter *)executor;
    Interpreted *it = NULL;
    switch (entry) {
    case ENTRY_INIT: it = &interpreter->init; break;
    case ENTRY_STEP: it = &interpreter->step; break;
    case ENTRY_EVALUATE: it = &interpreter->evaluate; break;
    case ENTRY_PREDICT: it = &interpreter->predict; break;
    case ENTRY_DERIVED: it = &interpreter->derived; break;
    case ENTRY_METRIC: it = &interpreter->metrics[measure]; break;
    case ENTRY_PART: it = &interpreter->parts[measure]; break;
    }
    SGDRT_FLOAT_GUARD();
    if (entry == ENTRY_STEP && executor->run->part_count) return run_parts(executor->run, interpreter, call);
    return run_function(executor->run, it, call);
}

static void interpreter_free(Executor *executor) {
    Interpreter *interpreter = (Interpreter *)executor;
    interp_plan_free(interpreter->init.plan);
    interp_plan_free(interpreter->step.plan);
    interp_plan_free(interpreter->evaluate.plan);
    interp_plan_free(interpreter->predict.plan);
    interp_plan_free(interpreter->derived.plan);
    for (int m = 0; m < run_measures(executor->run); m++) interp_plan_free(interpreter->metrics[m].plan);
    for (int i = 0; i < executor->run->part_count; i++) interp_plan_free(interpreter->parts[i].plan);
}

Executor *interpreter_new(Arena *arena, const Run *run) {
    Interpreter *interpreter = arena_new_of(arena, Interpreter);
    interpreter->executor = (Executor){.run = run, .call = interpreter_call, .free = interpreter_free};
    interpreter->init = interpreted_of(arena, &run->init);
    interpreter->step = interpreted_of(arena, &run->step);
    interpreter->evaluate = interpreted_of(arena, &run->evaluate);
    interpreter->predict = interpreted_of(arena, &run->predictor);
    interpreter->derived = interpreted_of(arena, &run->derived);
    interpreter->metrics = arena_array(arena, Interpreted, run_measures(run) + 1);
    for (int m = 0; m < run_measures(run); m++)
        interpreter->metrics[m] = interpreted_of(arena, &run->measures[m].metric);
    interpreter->parts = arena_array(arena, Interpreted, run->part_count + 1);
    for (int i = 0; i < run->part_count; i++) interpreter->parts[i] = interpreted_of(arena, &run->parts[i].function);
    return &interpreter->executor;
}

/* ---- single graphs ----------------------------------------------------------------------- */

void interpret_rows(Node *node, const sgdrt_column *columns, const uint32_t *rows, int64_t first, int64_t count,
                    void *out) {
    enum { BLOCK = 256 };
    Arena *arena = arena_new();
    Graph *graph = graph_new(arena, NULL);
    graph->next_id = node->id + 1; /* its nodes stand above the ones they are made from */
    graph_batch(graph, &node, 1, 1);
    graph_to_line(graph, &node, 1);
    EvaluationPlan *plan = interp_plan(arena, &node, 1, NULL);
    size_t bytes = (size_t)shape_size(node->shape) * dtype_bytes(node->dtype);
    SGDRT_FLOAT_GUARD();
    for (int64_t done = 0; done < count; done += BLOCK) {
        int64_t here = count - done < BLOCK ? count - done : BLOCK;
        Evaluation e = {
            .columns = columns, .row = rows ? rows + done : NULL, .first = first + done, .rows = here, .plan = plan};
        interp_evaluate(&e);
        for (int64_t p = 0; p < here; p++)
            memcpy((char *)out + (size_t)(done + p) * bytes,
                   (const char *)interp_value(&e, node) + (node->rows ? (size_t)p * bytes : 0), bytes);
    }
    interp_plan_free(plan);
    arena_free(arena);
}
