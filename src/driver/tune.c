/* --tune: which numbers of its kernels' schedules make a step fastest, by measuring whole steps of the run's own rows.
 *
 * Coordinate descent: of kernels, those with the most operations first, one number after the other is changed to one near it, the
 * step is compiled and compared with the best so far, and what is faster stays; until no change is, or the time is up. Both
 * take the same steps from the same state, in turns, on one thread, in processor time. A change must win nearly all of these
 * turns, and its fastest turn by more than 1 %: otherwise it is noise. In the end all that was chosen is compared once more
 * with what was there before, and kept if it still is faster.
 *
 * Every schedule gives the same bits, which is looked at here once more: a state that differs is a defect.
 */
#define _POSIX_C_SOURCE 200809L
#include "driver/tune.h"
#include "codegen/codegen.h"
#include "large_pages.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS = 7, TURNS_TO_WIN = 6, FIRST_TURNS = 2, MOST_NEAR = 5, WIDE_RANGE = 32 };
static const double turn_seconds = 0.01, least_gain = 0.99, least_part = 0.01 /* of all operations */;

/* The run's step, compiled with some choices. */
typedef struct Trial {
    Arena *arena;
    Codegen *codegen;
    Executor *executor;
    void *work;
} Trial;

/* A number of a kernel that was tried. */
typedef struct Tried {
    const char *kernel;
    KernelNumber number;
    int64_t value;
} Tried;

typedef struct Tuner {
    Training *t;
    Arena *arena;
    KernelTuning tuning; /* of the best */
    Trial best;
    int64_t steps, rounds; /* of a turn; each round begins anew */
    void *after;           /* the state after a round; NULL: not known yet */
    double end;            /* the clock, when time is up */
    Vector(Tried) tried;
} Tuner;

/* ---- a trial ------------------------------------------------------------------------------------ */
static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Processor seconds of the steps of a round. */
static double take_round(const Tuner *u, const Trial *trial) {
    Training *t = u->t;
    const sgdrt_header *header = training_header(t);
    t->executor = trial->executor;
    t->work = trial->work;
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    memset(t->sums, 0, sizeof *t->sums * (size_t)run_sums(t->run));
    int64_t first = (int64_t)header->step, most = t->row_capacity ? t->row_capacity / t->batch : u->steps;
    double begin = processor_seconds();
    for (int64_t step = first; step < first + u->steps; step = (int64_t)header->step) {
        int64_t left = first + u->steps - step, of_epoch = t->steps_per_epoch - step % t->steps_per_epoch;
        left = left < of_epoch ? left : of_epoch;
        training_call_steps(t, left < most ? left : most < 1 ? 1 : most, NULL);
    }
    return processor_seconds() - begin;
}

static double take_turn(const Tuner *u, const Trial *trial) {
    double seconds = 0;
    for (int64_t i = 0; i < u->rounds; i++) seconds += take_round(u, trial);
    return seconds;
}

static void trial_free(const Trial *trial) {
    if (trial->executor) trial->executor->free(trial->executor);
    codegen_free(trial->codegen);
    free(trial->work);
    arena_free(trial->arena);
}

/* Its first round compiles it. */
static Trial trial_new(Tuner *u, const KernelTuning *tuning) {
    Trial trial = {.arena = arena_new()};
    trial.codegen = driver_trial_session(u->t->driver, trial.arena, tuning);
    if (!trial.codegen) return trial;
    trial.executor = codegen_jit(trial.codegen, u->t->run);
    size_t bytes = round_to_line(trial.executor->work_bytes) + 64;
    trial.work = aligned_alloc(64, bytes);
    if (!trial.work) out_of_memory(bytes);
    sgdrt_prefer_large_pages(trial.work, bytes);
    take_round(u, &trial);
    if (u->after && memcmp(u->after, u->t->state, u->t->run->state_bytes) != 0)
        INTERNAL_ERROR("a schedule of %s gives other bits", u->t->run->name);
    return trial;
}

/* A turn is long enough to be measured. */
static void fit_turns(Tuner *u, const Trial *trial) {
    double seconds;
    while ((seconds = take_round(u, trial)) < turn_seconds && 2 * u->steps <= u->t->planned) u->steps *= 2;
    u->rounds = seconds < turn_seconds ? (int64_t)ceil(turn_seconds / fmax(seconds, 1e-6)) : 1;
    u->after = arena_alloc(u->arena, u->t->run->state_bytes);
    memcpy(u->after, u->t->state, u->t->run->state_bytes);
}

/* The part of the one's time that the other takes; 1: it is not faster. */
static double compare(const Tuner *u, const Trial *one, const Trial *other) {
    double least = INFINITY, least_other = INFINITY;
    int won = 0;
    for (int i = 0; i < TURNS; i++) {
        double seconds = take_turn(u, one), seconds_other = take_turn(u, other);
        won += seconds_other < seconds;
        least = fmin(least, seconds);
        least_other = fmin(least_other, seconds_other);
        if (i + 1 == FIRST_TURNS && least_other > least) return 1;
    }
    double part = least_other / least;
    return won >= TURNS_TO_WIN && part < least_gain ? part : 1;
}

/* ---- choices ------------------------------------------------------------------------------------ */
/* The best's, with one number of one kernel changed. */
static KernelTuning changed(const Tuner *u, const char *kernel, KernelNumber number, int64_t value) {
    KernelTuning tuning = {.choices = {0}};
    int at = -1;
    for (int i = 0; i < u->tuning.choices.count; i++) {
        if (strcmp(u->tuning.choices.items[i].kernel, kernel) == 0) at = i;
        vector_push(u->arena, &tuning.choices, u->tuning.choices.items[i]);
    }
    if (at < 0) {
        KernelChoice choice = {.kernel = kernel};
        at = tuning.choices.count;
        vector_push(u->arena, &tuning.choices, choice);
    }
    tuning.choices.items[at].number[number] = value;
    return tuning;
}

static bool was_tried(const Tuner *u, const Tried *what) {
    for (int i = 0; i < u->tried.count; i++) {
        const Tried *tried = &u->tried.items[i];
        if (tried->number == what->number && tried->value == what->value && tried->kernel == what->kernel) return true;
    }
    return false;
}

static bool has_time(const Tuner *u) { return clock_seconds() < u->end; }

/* True if it stays. */
static bool try_number(Tuner *u, const PlannedKernel *kernel, KernelNumber number, int64_t value) {
    Tried what = {kernel->kernel, number, value};
    if (!has_time(u) || was_tried(u, &what)) return false;
    vector_push(u->arena, &u->tried, what);
    KernelTuning tuning = changed(u, kernel->kernel, number, value);
    Trial trial = trial_new(u, &tuning);
    double part = compare(u, &u->best, &trial);
    if (part == 1) {
        trial_free(&trial);
        return false;
    }
    trial_free(&u->best);
    u->best = trial;
    u->tuning = tuning;
    driver_say(u->t->driver, "  %s: %s %lld instead of %lld, a step takes %.1f %%", kernel->name,
               kernel_number_name(number), (long long)value, (long long)kernel->number[number].chosen, 100 * part);
    return true;
}

/* Numbers near what it is, in its range. */
static int numbers_near(const NumberRange *range, int64_t near[MOST_NEAR]) {
    int64_t is = range->chosen;
    bool wide = range->most - range->least > WIDE_RANGE;
    const int64_t all[MOST_NEAR] = {wide ? 0 : is + 1, wide ? 0 : is - 1, 2 * is, is / 2, range->most};
    int count = 0;
    for (int i = 0; i < MOST_NEAR; i++)
        if (all[i] != is && all[i] >= range->least && all[i] <= range->most) near[count++] = all[i];
    return count;
}

/* ---- the kernels of a step ------------------------------------------------------------------------ */
static int by_operations(const void *a, const void *b) {
    const PlannedKernel *x = a, *y = b;
    return (x->operations < y->operations) - (x->operations > y->operations);
}

/* The same text is the same pointer. */
static const char *known_kernel(Tuner *u, TunedKernels *known, const char *kernel) {
    for (int i = 0; i < known->count; i++)
        if (strcmp(known->items[i], kernel) == 0) return known->items[i];
    vector_push(u->t->driver->arena, known, text_format(u->t->driver->arena, "%s", kernel));
    return known->items[known->count - 1];
}

/* Those that matter, one of each kind. */
static int kernels_of_step(Tuner *u, TunedKernels *known, PlannedKernel **kernels) {
    const PlannedKernel *all;
    int count = codegen_step_kernels(u->best.codegen, u->best.executor, &all), kept = 0;
    PlannedKernel *list = arena_array(u->arena, PlannedKernel, count + 1);
    double operations = 0;
    for (int i = 0; i < count; i++) {
        const char *kernel = known_kernel(u, known, all[i].kernel);
        int k = 0;
        operations += all[i].operations;
        while (k < kept && list[k].kernel != kernel) k++;
        if (k < kept) {
            list[k].operations += all[i].operations;
            continue;
        }
        list[kept] = all[i];
        list[kept].kernel = kernel;
        list[kept++].name = text_format(u->arena, "%s", all[i].name);
    }
    qsort(list, (size_t)kept, sizeof *list, by_operations);
    while (kept > 0 && list[kept - 1].operations < least_part * operations) kept--;
    *kernels = list;
    return kept;
}

static bool tune_kernel(Tuner *u, const PlannedKernel *kernel) {
    for (int n = 0; n < KERNEL_NUMBERS; n++) {
        int64_t near[MOST_NEAR];
        int count = kernel->number[n].least > 0 ? numbers_near(&kernel->number[n], near) : 0;
        for (int i = 0; i < count; i++)
            if (try_number(u, kernel, (KernelNumber)n, near[i])) return true;
    }
    return false;
}

/* Each kernel as long as it becomes faster. */
static void descend(Tuner *u, TunedKernels *known) {
    PlannedKernel *kernels;
    int count = kernels_of_step(u, known, &kernels);
    for (int k = 0; k < count; k++)
        while (tune_kernel(u, &kernels[k])) {
            const char *kernel = kernels[k].kernel;
            count = kernels_of_step(u, known, &kernels);
            for (k = 0; k < count && kernels[k].kernel != kernel;) k++;
            if (k == count) break;
        }
}

/* ---- a run -------------------------------------------------------------------------------------- */
static bool is_known(const Tuner *u, const TunedKernels *known) {
    const PlannedKernel *all;
    int count = codegen_step_kernels(u->best.codegen, u->best.executor, &all), found = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < known->count; k++) found += strcmp(known->items[k], all[i].kernel) == 0;
    return found == count;
}

static void keep(Tuner *u, const Trial *before) {
    Driver *driver = u->t->driver;
    double part = u->tuning.choices.count ? compare(u, before, &u->best) : 1;
    const char *name = u->t->run->name;
    if (part == 1)
        fprintf(driver->result, "%s: no schedule is faster than what it has\n", name);
    else if (codegen_keep_tuning(u->best.codegen, &u->tuning))
        fprintf(driver->result, "%s: a step takes %.1f %% of the time; kept for later runs and objects\n", name,
                100 * part);
    else
        driver_complain(driver, "%s: a step would take %.1f %% of the time, but the choice cannot be kept", name,
                        100 * part);
}

void tune_run(Training *t, double seconds, TunedKernels *known) {
    Tuner u = {.t = t, .arena = arena_new(), .steps = 1, .rounds = 1, .end = clock_seconds() + seconds};
    Executor *executor = t->executor;
    void *work = t->work;
    memcpy(t->snapshot, t->state, t->run->state_bytes);
    Trial before = trial_new(&u, NULL);
    const KernelTuning *had = codegen_tuning(before.codegen);
    for (int i = 0; had && i < had->choices.count; i++) vector_push(u.arena, &u.tuning.choices, had->choices.items[i]);
    fit_turns(&u, &before);
    u.best = trial_new(&u, NULL);
    if (is_known(&u, known)) {
        fprintf(t->driver->result, "%s: no kernels but those of the runs before\n", t->run->name);
    } else {
        descend(&u, known);
        keep(&u, &before);
    }
    trial_free(&u.best);
    trial_free(&before);
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    t->executor = executor;
    t->work = work;
    arena_free(u.arena);
}

bool tune_is_possible(Driver *driver) {
    if (driver_kept_folder(driver)) return true;
    driver_complain(driver, "--tune keeps what it finds in the folder of SGDC_CACHE, and there is none");
    return false;
}
