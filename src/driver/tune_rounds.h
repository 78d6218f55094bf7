/* tune_rounds: what of a run --tune measures, the same again and again (tune_rounds.c). */
#ifndef SGDC_DRIVER_TUNE_ROUNDS_H
#define SGDC_DRIVER_TUNE_ROUNDS_H
#include "driver/seeing.h"

/* What a round leaves, which no schedule may change. */
typedef struct RoundResult {
    const void *at;
    void *first; /* as the first round left it */
    size_t bytes;
} RoundResult;

enum { PREDICTED_SIZES = 3 };
typedef struct TuneRounds {
    Training *training;
    Arena *arena;
    Entry entry;                    /* step, evaluate or predict */
    int64_t amount;                 /* steps or rows of a round */
    int64_t calls[PREDICTED_SIZES]; /* of predict, for each number of rows */
    int64_t rounds;                 /* of a turn */
    double seconds;                 /* of processor time: of a turn */
    double epoch;                   /* of an epoch */
    Predictor *predictor;
    Vector(RoundResult) results;
} TuneRounds;

enum { MOST_ROUNDS = 3 };
/* Of the run, what takes most of an epoch first, as its executor takes it now; their number. The state is at its beginning. */
int rounds_of_run(Training *t, Arena *arena, TuneRounds rounds[MOST_ROUNDS]);
double rounds_take(const TuneRounds *r);        /* processor seconds of a turn, by the run's executor */
bool rounds_left_the_same(const TuneRounds *r); /* as the first of all */
const char *rounds_name(const TuneRounds *r);   /* "a step" */

#endif
