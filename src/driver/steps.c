/* steps: calls of ENTRY_STEP, and the loss of the epoch that they are in. */
#include "driver/training.h"
#include <string.h>

/* ---- several data sets: the rows of a step, gathered side by side ------------------------------------------ */
void training_plan_sets(Training *t) {
    const Run *run = t->run;
    Arena *arena = t->driver->arena;
    enum { PADDING = 64 }; /* may be read */
    if (!run->partner_count) return;
    t->partners = arena_array(arena, sgdrt_partner, run->partner_count);
    t->step_rows = arena_array(arena, uint32_t, t->batch + 1);
    t->gathered = arena_array(arena, sgdrt_column, run->data->column_count + 1);
    for (int i = 0; i < run->partner_count; i++)
        t->partners[i] = sgdrt_partner_of(run->data->joined_rows[i + 1], run->partners[i].batch,
                                          (int)run->partners[i].order, run->seed, i);
    for (int c = 0; c < run->data->column_count; c++) {
        const Column *column = &run->data->columns[c];
        size_t bytes = dtype_bytes(column->dtype) * (size_t)shape_size(column->shape);
        t->gathered[c] = (sgdrt_column){arena_alloc(arena, bytes * (size_t)t->batch + PADDING), (int64_t)bytes};
    }
}

static void gather(Training *t, int first, int columns, int64_t count) {
    for (int c = first; c < first + columns; c++) {
        const sgdrt_column *from = &t->data->train.table->columns[c], *to = &t->gathered[c];
        for (int64_t i = 0; i < count; i++)
            memcpy((char *)to->data + i * to->stride, (const char *)from->data + t->step_rows[i] * from->stride,
                   (size_t)to->stride);
    }
}

static int64_t call_joined_step(Training *t) {
    const Run *run = t->run;
    sgdrt_call call = {.state = t->state, .work = t->work, .columns = t->gathered, .sums = t->sums};
    int64_t count = sgdrt_feed_call(&t->feed, training_header(t), 1, t->rows, &call);
    for (int64_t i = 0; i < count; i++) t->step_rows[i] = call.rows ? call.rows[i] : (uint32_t)(call.first + i);
    gather(t, 0, run->partners[0].first_column, count);
    for (int i = 0; i < run->partner_count; i++) {
        sgdrt_partner_fill(&t->partners[i], training_header(t)->step, t->batch, count, t->step_rows);
        gather(t, run->partners[i].first_column, run->partners[i].column_count, count);
    }
    call.rows = NULL;
    call.first = 0;
    int64_t done = t->executor->call(t->executor, ENTRY_STEP, 0, &call);
    t->term_rows += sgdrt_feed_rows_of(&t->feed, &call, done);
    t->term_steps += done;
    return done;
}

/* Steps of one epoch, one by one. */
static int64_t call_joined_steps(Training *t, int64_t count, const volatile int32_t *stop) {
    int64_t done = 0;
    while (done < count && !(done > 0 && stop && *stop)) {
        done += call_joined_step(t);
        if ((int64_t)training_header(t)->step % t->steps_per_epoch == 0) break;
    }
    return done;
}

int64_t training_call_steps(Training *t, int64_t count, const volatile int32_t *stop) {
    if (t->run->partner_count) return call_joined_steps(t, count, stop);
    sgdrt_call call = {
        .state = t->state, .work = t->work, .columns = t->data->train.table->columns, .sums = t->sums, .stop = stop};
    sgdrt_feed_call(&t->feed, training_header(t), count, t->rows, &call);
    int64_t done = t->executor->call(t->executor, ENTRY_STEP, 0, &call);
    t->term_rows += sgdrt_feed_rows_of(&t->feed, &call, done);
    t->term_steps += done;
    return done;
}

double training_over(const Training *t, int term, bool since_report) {
    const Run *run = t->run;
    bool steps = run->terms[term].penalty;
    int weights = run_weight_sum(run);
    if (weights >= 0 && !steps) return t->sums[weights] - (since_report ? t->reported_sums[weights] : 0);
    if (run->part_count) {
        int at = run->term_count + 2 * run->terms[term].part + steps;
        return t->sums[at] - (since_report ? t->reported_sums[at] : 0);
    }
    if (steps) return (double)(t->term_steps - (since_report ? t->reported_steps : 0));
    return (double)(t->term_rows - (since_report ? t->reported_rows : 0));
}

bool training_knows(const Training *t, int term, bool since_report) {
    return !t->run->part_count || training_over(t, term, since_report) > 0;
}

bool training_knows_any(const Training *t, bool since_report) {
    for (int i = 0; i < t->run->term_count; i++)
        if (t->run->terms[i].minimized && training_knows(t, i, since_report)) return true;
    return false;
}

double training_loss(const Training *t) {
    double loss = 0;
    for (int i = 0; i < t->run->term_count; i++)
        if (t->run->terms[i].minimized && training_knows(t, i, false)) loss += t->sums[i] / training_over(t, i, false);
    return loss;
}
