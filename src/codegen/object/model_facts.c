/* model_facts: what a run's sgdrt_model says and the run itself does not. */
#include "codegen/object/model_facts.h"
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

int64_t model_figures(const Run *run) {
    int64_t values = 1;
    for (int i = 0; i < run_measures(run); i++) values += shape_size(run->measures[i].shape);
    return values;
}

int64_t model_copies(const DataSet *data) { return data && data->copies > 1 ? data->copies : 1; }

int64_t model_outputs(const Run *run) { return run->predict ? shape_size(run->predict->shape) : 0; }

int64_t model_row_bytes(const Node *node) { return shape_size(node->shape) * (int64_t)dtype_bytes(node->dtype); }

DType model_statistic_type(const Run *run, const Statistic *statistic) {
    if (statistic->output >= 0) return run->derived.roots[statistic->output].node->dtype;
    return statistic->column >= 0 ? run->data->columns[statistic->column].dtype : DTYPE_F32;
}

/* A text between quotes, as JSON has it. */
static void add_quoted(Text *to, const char *text) {
    text_add(to, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            text_add(to, "\\%c", *c);
        else if (*c < 32)
            text_add(to, "\\u%04x", *c);
        else
            text_add(to, "%c", *c);
    text_add(to, "\"");
}

const char *model_classes(Arena *arena, const DataSet *data) {
    Text to = text_new(arena);
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        if (!column->learns_words) continue;
        if (!column->remap_words) return NULL;
        text_add(&to, to.length ? "," : "{");
        add_quoted(&to, column->name);
        text_add(&to, ":[");
        for (int k = 0; k < column->remap_count; k++) {
            if (k) text_add(&to, ",");
            add_quoted(&to, column->remap_words[k]);
        }
        text_add(&to, "]");
    }
    if (!to.length) return NULL;
    text_add(&to, "}");
    return to.bytes;
}
