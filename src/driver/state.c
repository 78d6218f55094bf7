/* The state block of a run before its first step: header, hyper-parameters, initial values, statistics of the data. */
#include "driver/training.h"
#include <string.h>

static void store_number(char *to, DType dtype, int64_t index, double value) {
    if (dtype == DTYPE_F64)
        ((double *)to)[index] = value;
    else if (dtype == DTYPE_I32)
        ((int32_t *)to)[index] = (int32_t)value;
    else
        ((float *)to)[index] = (float)value;
}

static void fill_statistic(const Run *run, char *state, int cell_index, const double *values) {
    if (cell_index < 0 || !values) return;
    const Cell *cell = &run->cells[cell_index];
    int64_t count = shape_size(cell->shape);
    for (int64_t i = 0; i < count; i++) store_number(state + cell->offset, cell->dtype, i, values[i]);
}

void state_clear(const Run *run, void *state, int64_t planned) {
    sgdrt_header *header = state;
    memset(state, 0, run->state_bytes);
    header->seed = run->seed;
    header->planned = (uint64_t)planned;
    for (int i = 0; i < run->slot_count; i++)
        store_number((char *)state + run->slots[i].offset, run->slots[i].dtype, 0, run->slots[i].value);
}

void state_start(const Run *run, Executor *executor, const RunData *data, void *state, void *work, int64_t planned) {
    state_clear(run, state, planned);
    sgdrt_call call = {.state = state, .work = work};
    executor->call(executor, ENTRY_INIT, 0, &call);
    for (int i = 0; i < run->data->column_count; i++) {
        fill_statistic(run, state, run->data->columns[i].mean_cell, data->mean[i]);
        fill_statistic(run, state, run->data->columns[i].deviation_cell, data->deviation[i]);
    }
}
