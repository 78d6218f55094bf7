/* tune_rounds: rounds of steps, of an evaluation and of predictions, and what an epoch spends on each.
 *
 *   step        so many steps from the beginning of the run, of the rows that it takes there
 *   evaluate    the first rows of those that judge it; where training evaluates at all
 *   predict     calls of many rows, of some and of one, each for as long: applications make all of these
 *
 * Rounds follow each other until a turn is long enough to be measured. An epoch takes its steps, evaluates once, and
 * applications are taken to predict as many rows as it trains on: by this weight things are tuned.
 */
#define _POSIX_C_SOURCE 200809L
#include "driver/tune_rounds.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_ROWS = 256, SOME_ROWS = 32, MOST_CALLS = 256, PREDICTED_BYTES = 32 << 20 };
static const double turn_seconds = 0.01;

const char *rounds_name(const TuneRounds *r) {
    return r->entry == ENTRY_STEP ? "a step" : r->entry == ENTRY_EVALUATE ? "an evaluation" : "a prediction";
}

/* Of this thread, which takes rounds alone: others may still compile. */
static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a round ------------------------------------------------------------------------------------ */
static void take_steps(const TuneRounds *r) {
    Training *t = r->training;
    const sgdrt_header *header = training_header(t);
    memset(t->sums, 0, sizeof *t->sums * (size_t)run_sums(t->run));
    int64_t end = (int64_t)header->step + r->amount, most = t->row_capacity ? t->row_capacity / t->batch : r->amount;
    for (int64_t step = (int64_t)header->step; step < end; step = (int64_t)header->step) {
        int64_t left = end - step, of_epoch = t->steps_per_epoch - step % t->steps_per_epoch;
        left = left < of_epoch ? left : of_epoch;
        training_call_steps(t, left < most ? left : most < 1 ? 1 : most, NULL);
    }
}

static const RowSet *judging_rows(const Training *t) {
    return t->data->valid.count ? &t->data->valid : &t->data->train;
}

static int64_t rows_of_size(const TuneRounds *r, int size) {
    return size == 0 ? r->amount : size == 1 && r->amount > SOME_ROWS ? SOME_ROWS : 1;
}

static double take_round(const TuneRounds *r) {
    Training *t = r->training;
    RowSet rows = *judging_rows(t);
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    double begin = processor_seconds();
    if (r->entry == ENTRY_STEP) take_steps(r);
    if (r->entry == ENTRY_EVALUATE) {
        rows.count = r->amount;
        evaluate_rows(t, &rows, NULL);
    }
    for (int size = 0; size < PREDICTED_SIZES; size++)
        for (int64_t i = 0; i < r->calls[size]; i++) predictor_call(r->predictor, t->state, rows_of_size(r, size));
    return processor_seconds() - begin;
}

double rounds_take(const TuneRounds *r) {
    double seconds = 0;
    for (int64_t i = 0; i < r->rounds; i++) seconds += take_round(r);
    return seconds;
}

bool rounds_left_the_same(const TuneRounds *r) {
    for (int i = 0; i < r->results.count; i++)
        if (memcmp(r->results.items[i].at, r->results.items[i].first, r->results.items[i].bytes) != 0) return false;
    return true;
}

/* ---- how much ------------------------------------------------------------------------------------ */
static void add_result(TuneRounds *r, const void *at, size_t bytes) {
    RoundResult result = {at, arena_alloc(r->arena, bytes + 1), bytes};
    memcpy(result.first, at, bytes);
    vector_push(r->arena, &r->results, result);
}

static void add_results(TuneRounds *r) {
    const Training *t = r->training;
    const Run *run = t->run;
    if (r->entry == ENTRY_STEP) add_result(r, t->state, run->state_bytes);
    if (r->entry == ENTRY_PREDICT)
        add_result(r, r->predictor->values, sizeof(float) * (size_t)(r->amount * r->predictor->outputs));
    if (r->entry != ENTRY_EVALUATE) return;
    add_result(r, t->evaluated, sizeof(double) * (size_t)(run->term_count + (run->weight != NULL)));
    for (int m = 0, next = 0; m < run_measures(run); m++)
        for (int a = 0; a < run->measures[m].argument_count; a++) {
            const Node *argument = run->measures[m].arguments[a];
            size_t bytes = dtype_bytes(argument->dtype) * (size_t)shape_size(argument->shape);
            add_result(r, t->kept[next++], bytes * (size_t)r->amount);
        }
}

/* Rounds grow up to `most`, then there are several. */
static void fit_turn(TuneRounds *r, int64_t most) {
    double seconds;
    take_round(r); /* compiles it */
    while ((seconds = take_round(r)) < turn_seconds && 2 * r->amount <= most) r->amount *= 2;
    r->rounds = seconds < turn_seconds ? (int64_t)ceil(turn_seconds / fmax(seconds, 1e-6)) : 1;
    r->seconds = seconds * (double)r->rounds;
    add_results(r);
}

static double seconds_of_one(const TuneRounds *r) { return r->seconds / (double)(r->rounds * r->amount); }

static void fit_steps(TuneRounds *r) {
    const Training *t = r->training;
    fit_turn(r, t->planned);
    r->epoch = seconds_of_one(r) * (double)t->steps_per_epoch;
}

static void fit_evaluation(TuneRounds *r) {
    int64_t count = judging_rows(r->training)->count;
    r->amount = count < FIRST_ROWS ? count : FIRST_ROWS;
    fit_turn(r, count);
    r->epoch = seconds_of_one(r) * (double)count;
}

/* The first rows that train, again and again if there are fewer. */
static void fit_predictions(TuneRounds *r) {
    const RowSet *rows = &r->training->data->train;
    const DataSet *set = r->training->run->data;
    int64_t of_row = 1, calls[PREDICTED_SIZES];
    for (int c = 0; c < set->column_count; c++)
        of_row += (int64_t)dtype_bytes(set->columns[c].dtype) * shape_size(set->columns[c].shape);
    r->amount = of_row > PREDICTED_BYTES / FIRST_ROWS ? 1 + PREDICTED_BYTES / of_row : FIRST_ROWS;
    r->predictor = predictor_new(r->training, r->amount);
    int64_t others = r->training->run->partner_count > 0 ? 1 : rows->count; /* a partner may have fewer rows */
    for (int64_t i = 0; i < r->amount; i++) predictor_put_row(r->predictor, i, rows->table, row_of(rows, i % others));
    double many = 0;
    for (int size = 0; size < PREDICTED_SIZES; size++) {
        memset(r->calls, 0, sizeof r->calls);
        r->calls[size] = 1;
        take_round(r);
        double seconds = take_round(r);
        if (size == 0) many = seconds;
        calls[size] = (int64_t)fmin(fmax(many / seconds, 1), MOST_CALLS);
    }
    memcpy(r->calls, calls, sizeof calls);
    fit_turn(r, 0);
    r->epoch = seconds_of_one(r) * (double)rows->count;
}

static int by_epoch(const void *a, const void *b) {
    const TuneRounds *x = a, *y = b;
    return (x->epoch < y->epoch) - (x->epoch > y->epoch);
}

int rounds_of_run(Training *t, Arena *arena, TuneRounds rounds[MOST_ROUNDS]) {
    static const struct {
        Entry entry;
        void (*fit)(TuneRounds *r);
    } all[MOST_ROUNDS] = {{ENTRY_STEP, fit_steps}, {ENTRY_EVALUATE, fit_evaluation}, {ENTRY_PREDICT, fit_predictions}};
    const bool has[MOST_ROUNDS] = {true, training_evaluates(t),
                                   t->run->predictor.root_count == 1 && t->data->train.count > 0};
    int count = 0;
    for (int i = 0; i < MOST_ROUNDS; i++) {
        if (!has[i]) continue;
        rounds[count] = (TuneRounds){.training = t, .arena = arena, .entry = all[i].entry, .amount = 1, .rounds = 1};
        all[i].fit(&rounds[count++]);
    }
    qsort(rounds, (size_t)count, sizeof *rounds, by_epoch);
    return count;
}
