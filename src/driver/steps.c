/* steps: calls of ENTRY_STEP, and the loss of the epoch that they are in. */
#include "codegen/object/c_api.h"
#include "codegen/object/model_facts.h"
#include "driver/training.h"

/* ---- several data sets: the rows of a step, gathered side by side ------------------------------------------ */
static sgdrt_model_set set_of(const Run *run, int partner) {
    const Partner *p = &run->partners[partner];
    return (sgdrt_model_set){.batch = p->all ? -1 : p->batch,
                             .copies = model_copies(run->data->joined[partner + 1]),
                             .order = (int32_t)p->order,
                             .first_column = p->first_column,
                             .column_count = p->column_count};
}

void training_plan_sets(Training *t) {
    const Run *run = t->run;
    Arena *arena = t->driver->arena;
    if (!run->partner_count) return;
    sgdrt_model_set *sets = arena_array(arena, sgdrt_model_set, run->partner_count);
    uint64_t *bytes = arena_array(arena, uint64_t, run->data->column_count + 1);
    for (int i = 0; i < run->partner_count; i++) sets[i] = set_of(run, i);
    for (int c = 0; c < run->data->column_count; c++) bytes[c] = (uint64_t)c_column_stride(&run->data->columns[c]);
    if (!sgdrt_gathering_open(&t->gathering, sets, run->partner_count, run->data->joined_rows + 1,
                              t->data->train.table->columns, bytes, run->data->column_count, run->batch, t->batch,
                              run->seed))
        out_of_memory((size_t)t->batch);
}

static int64_t call_joined_step(Training *t) {
    sgdrt_call call = {.state = t->state, .work = t->work, .sums = t->sums};
    sgdrt_feed_call(&t->feed, training_header(t), 1, t->rows, &call);
    sgdrt_gather(&t->gathering, training_header(t)->step, &call);
    int64_t done = t->executor->call(t->executor, ENTRY_STEP, 0, &call);
    t->term_rows += call.count;
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
