/* predictor: rows in the data's own units through ENTRY_PREDICT, as an application gives them.
 *
 * Tables are standardized in place, and what predict reads is not: values are brought back before they are given. With
 * --predictions it is (compile.c), so that rows of the data have the bits that `sgdc predict` gives them.
 * Columns that predict does not read have no memory.
 */
#include "driver/seeing.h"
#include "ir/interp.h"
#include <math.h>
#include <string.h>

static bool *columns_read(Arena *arena, const Run *run) {
    bool *reads = arena_array(arena, bool, run->data->column_count + 1);
    for (int r = 0; r < run->predictor.root_count; r++) {
        int count;
        Node **nodes = graph_post_order(arena, &run->predictor.roots[r].node, 1, &count);
        for (int i = 0; i < count; i++)
            if (nodes[i]->op == OP_COLUMN) reads[nodes[i]->attr.index] = true;
    }
    return reads;
}

static size_t row_bytes(const Column *column) { return dtype_bytes(column->dtype) * (size_t)shape_size(column->shape); }

Predictor *predictor_new(Training *t, int64_t most) {
    Arena *arena = t->driver->arena;
    const Run *run = t->run;
    if (run->predictor.root_count != 1) return NULL;
    Predictor *p = arena_new_of(arena, Predictor);
    *p = (Predictor){.training = t,
                     .most = most,
                     .outputs = (int)shape_size(run->predict->shape),
                     .standardized = t->driver->options->predictions != NULL,
                     .reads = columns_read(arena, run)};
    p->columns = arena_array(arena, sgdrt_column, run->data->column_count + 1);
    for (int c = 0; c < run->data->column_count; c++) {
        size_t bytes = row_bytes(&run->data->columns[c]);
        if (p->reads[c]) p->columns[c] = (sgdrt_column){arena_alloc(arena, bytes * (size_t)most + 64), (int64_t)bytes};
    }
    p->values = arena_array(arena, float, most * p->outputs + 1);
    return p;
}

static double stored(DType dtype, const char *at, int64_t element) {
    switch (dtype) {
    case DTYPE_F64: return ((const double *)at)[element];
    case DTYPE_I32: return ((const int32_t *)at)[element];
    case DTYPE_F32: return (double)((const float *)at)[element];
    default: return ((const uint8_t *)at)[element];
    }
}

double column_fill(const Run *run, const void *state, int column, int64_t element) {
    for (int i = 0; state && i < run->statistic_count; i++) {
        const Statistic *s = &run->statistics[i];
        bool stands = s->kind == STATISTIC_MEAN || s->kind == STATISTIC_MEDIAN;
        if (!stands || s->column != column) continue;
        const double *cell = (const double *)((const char *)state + run->cells[s->cell].offset);
        return cell[shape_size(s->shape) == 1 ? 0 : element];
    }
    return NAN;
}

typedef struct Filling {
    const Run *run;
    const void *state;
} Filling;

static Node *filled_column(Graph *g, Node *old, Node *const *source, void *context) {
    const Filling *filling = context;
    if (old->op != OP_COLUMN || !dtype_is_real(old->dtype)) return graph_again(g, old, source);
    double fill = column_fill(filling->run, filling->state, (int)old->attr.index, 0);
    if (isnan(fill) || shape_size(old->shape) != 1) return old;
    return graph_where(g, graph_binary(g, OP_NE, old, old), graph_const(g, old->dtype, old->shape, fill), old);
}

Node *field_value(Arena *arena, const Run *run, const void *state, const Field *field) {
    Node *value = field->value;
    Graph *graph = graph_new(arena, NULL);
    graph->next_id = value->id + 1; /* its nodes stand above the ones they are made from */
    if (field->filled) graph_rewrite(graph, &value, 1, filled_column, &(Filling){run, state});
    return value;
}

/* What is no more than the rounding of its standardized value is the 0 that it was. */
double data_value(const Training *t, const sgdrt_table *table, int column, int64_t element, int64_t row) {
    const RunData *data = t->data;
    const sgdrt_column *at = &table->columns[column];
    double value = stored(t->run->data->columns[column].dtype, (const char *)at->data + row * at->stride, element);
    if (isnan(value)) value = column_fill(t->run, training_served(t), column, element);
    if (!data->mean[column]) return value;
    double mean = data->mean[column][element], deviation = data->deviation[column][element];
    double back = value * deviation + mean;
    return fabs(back) < 3e-7 * (fabs(mean) + deviation) ? 0 : back;
}

void data_field(const Training *t, const sgdrt_table *table, int field, int64_t row, double *values) {
    const Field *f = &t->run->data->fields[field];
    int64_t size = shape_size(f->shape);
    if (f->column >= 0) {
        for (int64_t e = 0; e < size; e++) values[e] = data_value(t, table, f->column, e, row);
        return;
    }
    char *buffer = arena_alloc(t->driver->arena, dtype_bytes(f->value->dtype) * (size_t)size + 16);
    Node *filled = field_value(t->driver->arena, t->run, training_served(t), f);
    interpret_rows(filled, table->columns, &(uint32_t){(uint32_t)row}, 0, 1, buffer);
    for (int64_t e = 0; e < size; e++) values[e] = stored(f->value->dtype, buffer, e);
}

void predictor_put(Predictor *p, int64_t place, int column, int64_t element, double value) {
    char *at = (char *)p->columns[column].data + place * p->columns[column].stride;
    const RunData *data = p->training->data;
    if (p->standardized && data->mean[column])
        value = (value - data->mean[column][element]) / data->deviation[column][element];
    switch (p->training->run->data->columns[column].dtype) {
    case DTYPE_F64: ((double *)at)[element] = value; break;
    case DTYPE_I32: ((int32_t *)at)[element] = (int32_t)value; break;
    case DTYPE_F32: ((float *)at)[element] = (float)value; break;
    default: ((uint8_t *)at)[element] = (uint8_t)value;
    }
}

void predictor_put_row(Predictor *p, int64_t place, const sgdrt_table *table, int64_t row) {
    const DataSet *set = p->training->run->data;
    for (int c = 0; c < set->column_count; c++) {
        if (!p->reads[c]) continue;
        if (p->training->data->mean[c] && !p->standardized) {
            for (int64_t e = 0, n = shape_size(set->columns[c].shape); e < n; e++)
                predictor_put(p, place, c, e, data_value(p->training, table, c, e, row));
        } else {
            memcpy((char *)p->columns[c].data + place * p->columns[c].stride,
                   (const char *)table->columns[c].data + row * table->columns[c].stride, row_bytes(&set->columns[c]));
        }
    }
}

const float *predictor_call(Predictor *p, const void *state, int64_t count) {
    Training *t = p->training;
    void *outputs[1] = {p->values};
    sgdrt_call call = {.state = (void *)state,
                       .work = t->work,
                       .columns = p->columns,
                       .count = count,
                       .batch = count,
                       .place = p->place,
                       .seed = t->run->seed,
                       .outputs = outputs};
    t->executor->call(t->executor, ENTRY_PREDICT, 0, &call);
    return p->values;
}

int64_t row_of(const RowSet *rows, int64_t place) { return rows->rows ? (int64_t)rows->rows[place] : place; }

int64_t evenly(int64_t i, int64_t wanted, int64_t count) {
    return count <= wanted ? i : (int64_t)((double)i * (double)count / (double)wanted);
}
