/* Losses and metrics of a set of rows, through the executor.
 *
 * A call of ENTRY_EVALUATE sums every term over the rows and writes each measure's arguments for each row into
 * memory obtained before training; ENTRY_METRIC then sees them as columns. It is one call for all rows, or, where a
 * loss reads batch(...), one for each mini-batch of them. Figures are f64 (numerics.md, Reported figures).
 * Nothing here touches the state.
 */
#include "driver/training.h"
#include "figures.h"
#include "rank.h"

static size_t argument_bytes(const Node *argument) {
    return dtype_bytes(argument->dtype) * (size_t)shape_size(argument->shape);
}

size_t evaluate_kept_bytes(const Run *run, int64_t rows) {
    size_t bytes = 0;
    for (int m = 0; m < run_measures(run); m++)
        for (int a = 0; a < run->measures[m].argument_count; a++)
            bytes += round_to_line(argument_bytes(run->measures[m].arguments[a]) * (size_t)rows);
    return bytes;
}

void evaluate_place_kept(const Run *run, int64_t rows, char *memory, void **kept) {
    int next = 0;
    for (int m = 0; m < run_measures(run); m++)
        for (int a = 0; a < run->measures[m].argument_count; a++) {
            kept[next++] = memory;
            memory += round_to_line(argument_bytes(run->measures[m].arguments[a]) * (size_t)rows);
        }
}

/* The arguments of the measure, of which some are ranks by now. */
static void take_arguments(Training *t, const Measure *m, void *const *kept, int64_t rows) {
    for (int a = 0; a < m->argument_count; a++) {
        const Node *argument = m->arguments[a];
        t->arguments[a] = (sgdrt_column){kept[a], (int64_t)argument_bytes(argument)};
        const double *weights = m->ranked[a] == RANKED_BY_WEIGHT ? kept[a + 1] : NULL;
        if (m->ranked[a] && sgdrt_rank(kept[a], shape_size(argument->shape), weights, rows))
            out_of_memory(sizeof(uint32_t) * (size_t)rows);
    }
}

static void call_metric(Training *t, int measure, int64_t rows, double *values) {
    const Run *run = t->run;
    int first = 0;
    for (int m = 0; m < measure; m++) first += run->measures[m].argument_count;
    take_arguments(t, &run->measures[measure], t->kept + first, rows);
    void *outputs[1] = {values};
    sgdrt_call call = {
        .state = t->state, .work = t->work, .columns = t->arguments, .count = rows, .batch = rows, .outputs = outputs};
    t->executor->call(t->executor, ENTRY_METRIC, measure, &call);
}

double *evaluate_array(Training *t, int measure, int64_t rows) {
    double *values = arena_array(t->driver->arena, double, shape_size(t->run->measures[measure].shape) + 1);
    call_metric(t, measure, rows, values);
    return values;
}

double evaluate_over(const Training *t, int64_t rows) {
    int weights = run_weight_sum(t->run);
    return weights >= 0 ? t->evaluated[weights] : (double)rows;
}

/* The sums of the rows from `begin` on, and what measures keep of them. */
static void evaluate_some(Training *t, const RowSet *rows, int64_t begin, int64_t count) {
    int next = 0;
    for (int m = 0; m < run_measures(t->run); m++)
        for (int a = 0; a < t->run->measures[m].argument_count; a++, next++)
            t->outputs[next] = (char *)t->kept[next] + argument_bytes(t->run->measures[m].arguments[a]) * (size_t)begin;
    sgdrt_call call = {.state = t->state,
                       .work = t->work,
                       .columns = rows->table->columns,
                       .rows = rows->rows ? rows->rows + begin : NULL,
                       .first = rows->rows ? 0 : begin,
                       .count = count,
                       .batch = count,
                       .place = begin,
                       .sums = t->evaluated_part,
                       .outputs = t->outputs};
    t->executor->call(t->executor, ENTRY_EVALUATE, 0, &call);
}

double evaluate_rows(Training *t, const RowSet *rows, double *metrics) {
    const Run *run = t->run;
    int64_t together = run->together ? run->together : rows->count, parts = 0;
    for (int64_t begin = 0; begin < rows->count || begin == 0; begin += together, parts++) {
        int64_t rest = rows->count - begin;
        evaluate_some(t, rows, begin, rest < together ? rest : together);
        for (int i = 0; i < run->term_count + (run->weight != NULL); i++)
            t->evaluated[i] = begin ? t->evaluated[i] + t->evaluated_part[i] : t->evaluated_part[i];
    }
    for (int m = 0; metrics && m < run->measure_count; m++) call_metric(t, m, rows->count, &metrics[m]);
    return sgdrt_loss(t->evaluated, run_averaged(run), run_minimized(run), evaluate_over(t, rows->count), parts);
}
