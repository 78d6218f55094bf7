/* gradient: the gradient itself, by the functions that train.
 *
 * The program is lowered with every f32 an f64, and its steps compute gradients instead of updates (program_take_gradients):
 * after one step a parameter's cell holds the gradient, and the sums hold the objective. So it comes through batching, differentiation and canonicalisation as it does in training, whatever the optimizer.
 */
#include "driver/gradient.h"
#include "ir/function.h"
#include <stdlib.h>
#include <string.h>

bool gradient_open(Gradient *g, Driver *driver, Codegen *codegen, const Tables *tables, int index) {
    const Run *run = &driver->program->runs[index];
    const RunData *data = tables_of_run(tables, index);
    *g = (Gradient){.driver = driver,
                    .run = run,
                    .data = &data->train,
                    .executor = codegen ? codegen_jit(codegen, run) : interpreter_new(driver->arena, run)};
    if (!g->executor) return false;
    if (codegen) codegen_jit_all(codegen, &g->executor, 1);
    size_t state = round_to_line(run->state_bytes), bytes = 2 * state + round_to_line(g->executor->work_bytes) + 64;
    g->memory = g->initial = aligned_alloc(64, bytes);
    if (!g->memory) out_of_memory(bytes);
    memset(g->memory, 0, bytes);
    g->state = g->initial + state;
    g->work = g->initial + 2 * state;
    g->sums = arena_array(driver->arena, double, run_sums(run) + 1);
    state_start(run, g->executor, data, g->initial, g->work, 1);
    return learn_from_rows(driver, run, g->executor, data, g->initial, g->work);
}

void gradient_close(Gradient *g) {
    g->executor->free(g->executor);
    free(g->memory);
}

/* ---- a saved file ------------------------------------------------------------------------------ */
static bool fits(const sgdrt_entry *entry, const Cell *cell) {
    bool same = entry && entry->rank == cell->shape.rank && (entry->dtype == SGDRT_F32 || entry->dtype == SGDRT_F64);
    for (int a = 0; same && a < cell->shape.rank; a++) same = entry->shape[a] == cell->shape.extent[a];
    return same;
}

bool gradient_load(Gradient *g, const char *path) {
    sgdrt_checkpoint *file = NULL;
    sgdrt_problem problem = {0};
    if (sgdrt_load_file(path, &file, &problem)) {
        if (!problem.file) problem.file = path;
        report_problem(g->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    bool good = true;
    for (int i = 0; i < g->run->cell_count && good; i++) {
        const Cell *cell = &g->run->cells[i];
        const sgdrt_entry *entry = sgdrt_find_entry(file, cell->name);
        double *to = (double *)(void *)(g->initial + cell->offset);
        if (cell->kind == CELL_OPTIMIZER || cell->dtype != DTYPE_F64) continue;
        good = fits(entry, cell);
        if (!good) driver_complain(g->driver, "%s does not hold %s as this program has it", path, cell->name);
        for (int64_t k = 0, n = good ? shape_size(cell->shape) : 0; k < n; k++)
            to[k] = entry->dtype == SGDRT_F64 ? ((const double *)entry->data)[k]
                                              : (double)((const float *)entry->data)[k];
    }
    sgdrt_free_checkpoint(file);
    return good;
}

/* ---- values ------------------------------------------------------------------------------------ */
double gradient_take(Gradient *g, const uint32_t *rows, int64_t count, uint64_t step) {
    double value = 0;
    memcpy(g->state, g->initial, g->run->state_bytes);
    memset(g->sums, 0, sizeof *g->sums * (size_t)(g->run->term_count + 1));
    sgdrt_header *header = (sgdrt_header *)(void *)g->state;
    header->step = step;
    for (int s = 0; s < SGDRT_MOST_UNEVEN; s++) header->set_rows[s] = (uint32_t)count;
    sgdrt_call call = {.state = g->state,
                       .work = g->work,
                       .columns = g->data->table->columns,
                       .rows = rows,
                       .count = count,
                       .batch = count,
                       .sums = g->sums};
    g->executor->call(g->executor, ENTRY_STEP, 0, &call);
    int weights = run_weight_sum(g->run);
    double over = weights >= 0 ? g->sums[weights] : (double)count;
    for (int i = 0; i < g->run->term_count; i++) value += g->run->terms[i].penalty ? g->sums[i] : g->sums[i] / over;
    return value;
}

double gradient_work(const Run *run) {
    Arena *scratch = arena_new();
    int count;
    double work = 0;
    Node **nodes = function_nodes(scratch, &run->step, &count);
    for (int i = 0; i < count; i++) {
        const Contraction *contraction = op_class(nodes[i]->op) == OP_CLASS_REDUCE ? nodes[i]->attr.contraction : NULL;
        double terms = 1;
        for (int k = 0; contraction && k < contraction->reduced; k++) terms *= (double)contraction->extent[k];
        work += terms * (double)shape_size(nodes[i]->shape);
    }
    arena_free(scratch);
    return work;
}
