/* steps: calls of ENTRY_STEP, and the loss of the epoch that they are in. */
#include "driver/training.h"

int64_t training_call_steps(Training *t, int64_t count, const volatile int32_t *stop) {
    sgdrt_call call = {
        .state = t->state, .work = t->work, .columns = t->data->train.table->columns, .sums = t->sums, .stop = stop};
    sgdrt_feed_call(&t->feed, training_header(t), count, t->rows, &call);
    int64_t done = t->executor->call(t->executor, ENTRY_STEP, 0, &call);
    t->term_rows += sgdrt_feed_rows_of(&t->feed, &call, done);
    t->term_steps += done;
    return done;
}

int64_t training_over(const Training *t, int term, bool since_report) {
    const Run *run = t->run;
    bool steps = run->terms[term].penalty;
    if (run->part_count) {
        int at = run->term_count + 2 * run->terms[term].part + steps;
        return (int64_t)(t->sums[at] - (since_report ? t->reported_sums[at] : 0));
    }
    if (steps) return t->term_steps - (since_report ? t->reported_steps : 0);
    return t->term_rows - (since_report ? t->reported_rows : 0);
}

bool training_knows(const Training *t, int term, bool since_report) {
    return !t->run->part_count || training_over(t, term, since_report) > 0;
}

double training_loss(const Training *t) {
    double loss = 0;
    for (int i = 0; i < t->run->term_count; i++)
        if (t->run->terms[i].minimized && training_knows(t, i, false))
            loss += t->sums[i] / (double)training_over(t, i, false);
    return loss;
}
