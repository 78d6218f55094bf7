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

double training_loss(const Training *t) {
    double loss = 0;
    for (int i = 0; i < t->run->term_count; i++)
        if (t->run->terms[i].minimized)
            loss += t->sums[i] / (double)(t->run->terms[i].penalty ? t->term_steps : t->term_rows);
    return loss;
}
