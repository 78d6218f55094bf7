/* model_facts: what a run's sgdrt_model says and the run itself does not. */
#include "codegen/model_facts.h"
#include "model.h"
#include <string.h>

int model_lr_slot(const Run *run) {
    for (int i = 0; i < run->slot_count; i++)
        if (!strcmp(run->slots[i].name, "lr")) return i;
    return -1;
}

int model_split_column(const Run *run) {
    return run->hold_out_by < 0 ? -1 : run->data->fields[run->hold_out_by].column;
}

int model_figure(const Run *run, const char *figure) {
    if (!strcmp(figure, "train.loss")) return SGDRT_TRAIN_LOSS;
    for (int i = 0; i < run->measure_count; i++)
        if (!strcmp(run->measures[i].name, strchr(figure, '.') + 1)) return i;
    return SGDRT_VALID_LOSS;
}

int64_t model_copies(const DataSet *data) { return data && data->copies > 1 ? data->copies : 1; }

int64_t model_outputs(const Run *run) { return run->predict ? shape_size(run->predict->shape) : 0; }

int64_t model_row_bytes(const Node *node) { return shape_size(node->shape) * (int64_t)dtype_bytes(node->dtype); }
