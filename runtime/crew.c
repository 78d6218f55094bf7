/* crew: how many threads a call gets, all of a pool or the caller's, found by trying.
 *
 * Threads meet several times in each step, so on a machine that is busy with other things a step may take several times as long
 * on threads as alone: whoever waits for a processor holds up all others. Nor need they gain where nobody waits: between
 * processors that share no cache, what one thread wrote comes several times as slowly to another. A call of many steps is
 * therefore made in shifts of some milliseconds, and the caller notes how long it waits. Once it waits much, a round of shifts is
 * made alone to compare; from then on they are made in the way that takes less time for a row, and the other way is tried again
 * after a while, which doubles as long as it stays behind. As long as the caller waits little it tries seldom, and briefly. What
 * is tried in vain takes a small part of the time, however slow it is.
 *
 * A round is as long as several turns of a busy processor: whoever has just slept gets the first turn at once, and looks fast.
 * The first shift of a function is not judged: it finds its memory for the first time.
 */
#define _GNU_SOURCE
#include "crew.h"
#include "pool.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Times: as long as trying took, until it is tried again; without any reason to, so many times more. */
enum { MOST_PACES = 8, FEWEST_TIMES = 8, MOST_TIMES = 64, TIMES_WITHOUT_REASON = 8 };
static const double shift_seconds = 0.01, round_seconds = 0.05, much_waiting = 0.25;

/* What is known of a function. */
typedef struct Pace {
    sgdrt_function *function;
    double seconds[2];          /* a row on threads, and alone; 0: not known */
    bool begun, alone;          /* alone: the way that is taken */
    bool tries;                 /* the round at hand goes the other way */
    double length;              /* of the round at hand, in seconds */
    double spent, waited, rows; /* of the round at hand */
    double times, trial, since; /* trial: seconds of the last; since: after it */
} Pace;

struct sgdrt_crew {
    sgdrt_pool *pool;
    pid_t process;
    atomic_flag called;
    Pace paces[MOST_PACES];
    int replaced; /* next */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

sgdrt_crew *sgdrt_crew_new(int threads) {
    sgdrt_pool *pool = sgdrt_pool_new(threads ? threads : sgdrt_processors());
    sgdrt_crew *crew = pool ? malloc(sizeof *crew) : NULL;
    if (crew)
        *crew = (sgdrt_crew){.pool = pool, .process = getpid(), .called = ATOMIC_FLAG_INIT};
    else
        sgdrt_pool_free(pool);
    return crew;
}

/* A process that was forked off has none of the threads: their memory is all that it gives back. */
void sgdrt_crew_free(void *threads) {
    sgdrt_crew *crew = threads;
    if (crew && crew->process == getpid()) sgdrt_pool_free(crew->pool);
    free(crew);
}

/* ---- a shift ----------------------------------------------------------------------------------------------- */
typedef struct Shared {
    sgdrt_function *function;
    const sgdrt_call *call;
    sgdrt_pool *pool;
    int64_t result;
} Shared;

static void call_function(void *context, int thread) {
    Shared *shared = context;
    sgdrt_call call = *shared->call;
    call.thread = thread;
    call.threads = sgdrt_pool_threads(shared->pool);
    call.barrier = thread ? sgdrt_pool_barrier : sgdrt_pool_owner_barrier;
    call.barrier_context = shared->pool;
    int64_t result = shared->function(&call);
    if (thread == 0) shared->result = result;
}

static int64_t call_on_all(sgdrt_pool *pool, sgdrt_function *function, const sgdrt_call *call) {
    Shared shared = {.function = function, .call = call, .pool = pool};
    sgdrt_pool_run(pool, call_function, &shared);
    return shared.result;
}

/* ---- which way --------------------------------------------------------------------------------------------- */
static Pace *find_pace(sgdrt_crew *crew, sgdrt_function *function) {
    for (int i = 0; i < MOST_PACES; i++)
        if (crew->paces[i].function == function) return &crew->paces[i];
    Pace *pace = &crew->paces[crew->replaced++ % MOST_PACES];
    *pace = (Pace){.function = function, .length = round_seconds, .times = FEWEST_TIMES};
    return pace;
}

/* For how long the way is taken before the other is tried. Without a reason a shift is tried, which may be one long step. */
static double seconds_until_trial(const Pace *p, bool reason, double step) {
    double shift = step > shift_seconds ? step : shift_seconds;
    return p->times * (reason ? p->trial : TIMES_WITHOUT_REASON * shift);
}

static void end_round(Pace *p, double rows_of_trial) {
    bool alone = p->alone != p->tries, waits = !alone && p->waited > much_waiting * p->spent;
    double each = p->spent / p->rows, *known = &p->seconds[alone], *other = &p->seconds[!p->alone];
    *known = p->tries || *known == 0 ? each : (*known + each) / 2;
    bool changes = *other > 0 && *other < p->seconds[p->alone];
    p->since += p->spent;
    if (changes || p->tries) {
        p->times = changes ? FEWEST_TIMES : p->times < MOST_TIMES ? 2 * p->times : MOST_TIMES;
        p->trial = p->spent;
        p->since = 0;
    }
    p->alone = p->alone != changes;
    bool reason = p->alone || waits;
    p->tries = p->since >= seconds_until_trial(p, reason, each * rows_of_trial);
    p->length = p->tries && !reason ? shift_seconds : round_seconds;
    p->spent = p->waited = p->rows = 0;
}

/* rows_of_trial: those that all threads make while one makes a step. */
static void learn(Pace *p, int64_t rows, double rows_of_trial, double seconds, double waited) {
    bool first = !p->begun;
    p->begun = true;
    if (first) return;
    p->rows += (double)rows;
    p->spent += seconds;
    p->waited += waited;
    if (p->spent >= p->length) end_round(p, rows_of_trial);
}

/* Whole steps, at least one, of those that are left. */
static int64_t rows_of_shift(const Pace *p, const sgdrt_call *call, int64_t left) {
    double known = p->seconds[p->alone != p->tries], each = known > 0 ? known : p->rows > 0 ? p->spent / p->rows : 1;
    double steps = call->batch > 0 ? shift_seconds / (each * (double)call->batch) : 1;
    double rows = (steps < 1 ? 1 : (double)(int64_t)steps) * (double)call->batch;
    return rows > 0 && rows < (double)left ? (int64_t)rows : left;
}

static int64_t make_shift(sgdrt_crew *crew, Pace *p, const sgdrt_call *all, int64_t begin, int64_t *rows) {
    bool alone = p->alone != p->tries;
    sgdrt_call call = *all;
    call.count = *rows = rows_of_shift(p, all, all->count - begin);
    call.place += begin;
    if (call.rows)
        call.rows += begin;
    else
        call.first += begin;
    double start = now();
    int64_t result = alone ? p->function(&call) : call_on_all(crew->pool, p->function, &call);
    double seconds = now() - start, waited = 1e-9 * (double)sgdrt_pool_waited(crew->pool);
    learn(p, *rows, (double)call.batch * sgdrt_pool_threads(crew->pool), seconds, waited);
    return result;
}

/* Steps fewer than asked for: the flag said to stop. */
static int64_t make_shifts(sgdrt_crew *crew, sgdrt_function *function, const sgdrt_call *call) {
    Pace *pace = find_pace(crew, function);
    int64_t rows, steps = 0;
    for (int64_t begin = 0; begin < call->count; begin += rows) {
        int64_t done = make_shift(crew, pace, call, begin, &rows);
        steps += done;
        if (done * call->batch < rows) break;
    }
    return steps;
}

int64_t sgdrt_crew_call(void *threads, sgdrt_function *function, const sgdrt_call *call) {
    sgdrt_crew *crew = threads;
    bool shared = call->count > 0 && crew->process == getpid() && !atomic_flag_test_and_set(&crew->called);
    if (!shared) return function(call);
    int64_t steps = make_shifts(crew, function, call);
    atomic_flag_clear(&crew->called);
    return steps;
}
