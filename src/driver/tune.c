/* --tune: which numbers of its kernels' schedules make a run's functions fastest, by measuring whole steps, evaluations and
 * predictions of its own rows (tune_rounds.c).
 *
 * The function that takes most of an epoch comes first, and has as much of the time. Coordinate descent: of its kernels, those with
 * the most operations first, one number after the other is changed to one near it, the function is compiled and compared with the
 * best so far, and what is faster stays; until no change is, or the time is up. Both do the same from the same state, in turns, on
 * one thread, in processor time. A change must win nearly all of these turns, and its fastest turn by more than 1 %: otherwise it is
 * noise. In the end all that was chosen for a function is compared once more with what was there before, and kept if it still is
 * faster. A kernel that several functions have is tuned for the first of them.
 *
 * Every schedule gives the same bits, which is looked at here once more: a result that differs is a defect.
 */
#define _POSIX_C_SOURCE 200809L
#include "driver/tune.h"
#include "codegen/codegen.h"
#include "driver/interrupt.h"
#include "driver/tune_rounds.h"
#include "large_pages.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 7, MOST_LOST = 1, MOST_NEAR = 5, WIDE_RANGE = 32 };
static const double least_gain = 0.99, least_part = 0.01 /* of all operations */, redraw_seconds = 0.5;

/* The run, compiled with some choices: each function when it is first called. */
typedef struct Trial {
    Arena *arena;
    Codegen *codegen;
    Executor *executor;
} Trial;

/* A number of a kernel that was tried. */
typedef struct Tried {
    Name kernel;
    KernelNumber number;
    int64_t value;
} Tried;

typedef struct Tuner {
    Training *t;
    Arena *arena;
    TunedKernels *known;
    size_t work_bytes;          /* of all trials */
    const TuneRounds *rounds;   /* of the function at hand */
    int function;               /* which that is, of all runs */
    KernelTuning had, tuning;   /* of the best */
    Trial before, best;         /* of the function; the same until something is faster */
    double began, planned, end; /* the clock; end: of what the function at hand has */
    double trial;               /* seconds that the last one took to be compiled */
    double drawn;               /* the clock, when progress was */
    bool cut;                   /* the time was up before all was tried */
    int kernels, new_kernels;   /* of all functions */
    Vector(Tried) tried;
} Tuner;

/* ---- a trial ------------------------------------------------------------------------------------ */
static void trial_free(const Trial *trial) {
    if (trial->executor) trial->executor->free(trial->executor);
    codegen_free(trial->codegen);
    arena_free(trial->arena);
}

/* All have the same memory: where it lies makes more of a difference than some schedules do. */
static void use_trial(Tuner *u, const Trial *trial) {
    size_t bytes = round_to_line(trial->executor->work_bytes) + 64;
    if (bytes > u->work_bytes) {
        free(u->t->work);
        u->work_bytes = bytes;
        u->t->work = aligned_alloc(64, bytes);
        if (!u->t->work) out_of_memory(bytes);
        sgdrt_prefer_large_pages(u->t->work, bytes);
    }
    u->t->executor = trial->executor;
}

static Trial trial_new(const Tuner *u, const KernelTuning *tuning) {
    Trial trial = {.arena = arena_new()};
    KernelTuning *own = arena_new_of(trial.arena, KernelTuning);
    if (tuning) *own = *tuning;
    trial.codegen = driver_trial_session(u->t->driver, trial.arena, tuning ? own : NULL);
    if (!trial.codegen) INTERNAL_ERROR("%s cannot be compiled again", u->t->run->name);
    trial.executor = codegen_jit(trial.codegen, u->t->run);
    return trial;
}

static double take_turn(Tuner *u, const Trial *trial) {
    use_trial(u, trial);
    return rounds_take(u->rounds);
}

static bool has_time(const Tuner *u, double seconds) { return clock_seconds() + seconds < u->end && !interrupt_asked; }

/* The part of the one's time that the other takes; 1: it is not faster. whole: whatever the time is. */
static double compare(Tuner *u, const Trial *one, const Trial *other, bool whole) {
    double least = INFINITY, least_other = INFINITY;
    int lost = 0;
    for (int i = 0; i < TURNS; i++) {
        double seconds = take_turn(u, one), seconds_other = take_turn(u, other);
        lost += seconds_other >= seconds;
        least = fmin(least, seconds);
        least_other = fmin(least_other, seconds_other);
        if (lost > MOST_LOST || (!whole && !has_time(u, 0))) return 1;
    }
    double part = least_other / least;
    return part < least_gain ? part : 1;
}

/* ---- what is said -------------------------------------------------------------------------------- */
static void clear_progress(Tuner *u) {
    if (u->drawn > 0) fputs("\r\033[K", u->t->driver->info);
    u->drawn = 0;
}

static void draw_progress(Tuner *u, const PlannedKernel *kernel) {
    Driver *driver = u->t->driver;
    double now = clock_seconds();
    if (!driver_redraws(driver) || now - u->drawn < redraw_seconds) return;
    clear_progress(u);
    const char *line = text_format(u->arena, "tuning %s  %.0f s of %.0f: %s, %s", u->t->run->name, now - u->began,
                                   u->planned, rounds_name(u->rounds), kernel->name);
    fprintf(driver->info, "%.79s", line);
    fflush(driver->info);
    u->drawn = now;
}

/* ---- choices ------------------------------------------------------------------------------------ */
/* The best's, with one number of one kernel changed. */
static KernelTuning changed(const Tuner *u, Name kernel, KernelNumber number, int64_t value) {
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

static void free_best(const Tuner *u) {
    if (u->best.arena != u->before.arena) trial_free(&u->best);
}

static bool changes_nothing(const Tuner *u, const Trial *trial) {
    return strcmp(codegen_loops(trial->codegen, trial->executor, u->rounds->entry),
                  codegen_loops(u->best.codegen, u->best.executor, u->rounds->entry)) == 0;
}

/* The part of its time that the function takes with these choices; 1: they do not make it faster. */
static double measure(Tuner *u, const Trial *trial) {
    if (changes_nothing(u, trial)) return 1;
    double begin = clock_seconds();
    take_turn(u, trial);
    u->trial = clock_seconds() - begin;
    if (!rounds_left_the_same(u->rounds)) INTERNAL_ERROR("a schedule of %s gives other bits", u->t->run->name);
    return compare(u, &u->best, trial, false);
}

/* True if it stays. */
static bool try_number(Tuner *u, const PlannedKernel *kernel, KernelNumber number, int64_t value) {
    Tried what = {kernel->kernel, number, value};
    if (was_tried(u, &what)) return false;
    if (!has_time(u, u->trial)) u->cut = true;
    if (u->cut) return false;
    vector_push(u->arena, &u->tried, what);
    draw_progress(u, kernel);
    KernelTuning tuning = changed(u, kernel->kernel, number, value);
    Trial trial = trial_new(u, &tuning);
    double part = measure(u, &trial);
    if (part == 1) {
        trial_free(&trial);
        return false;
    }
    what.value = kernel->number[number].chosen;
    vector_push(u->arena, &u->tried, what);
    free_best(u);
    u->best = trial;
    u->tuning = tuning;
    clear_progress(u);
    driver_say(u->t->driver, "  %s: %s %lld instead of %lld, %s takes %.1f %%", kernel->name,
               kernel_number_name(number), (long long)value, (long long)kernel->number[number].chosen,
               rounds_name(u->rounds), 100 * part);
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

/* ---- the kernels of a function -------------------------------------------------------------------- */
static int by_operations(const void *a, const void *b) {
    const PlannedKernel *x = a, *y = b;
    return (x->operations < y->operations) - (x->operations > y->operations);
}

/* For which function it is tuned; -1: for none yet. */
static int tuned_for(const Tuner *u, Name kernel) {
    for (int i = 0; i < u->known->kernels.count; i++)
        if (u->known->kernels.items[i].kernel == kernel) return u->known->kernels.items[i].function;
    return -1;
}

/* One of each kind. */
static int kernels_of_function(const Tuner *u, PlannedKernel **kernels) {
    const PlannedKernel *all;
    int count = codegen_kernels(u->best.codegen, u->best.executor, u->rounds->entry, &all), kept = 0;
    PlannedKernel *list = arena_array(u->arena, PlannedKernel, count + 1);
    for (int i = 0; i < count; i++) {
        Name kernel = name_from(u->t->driver->names, all[i].kernel);
        int k = 0;
        while (k < kept && list[k].kernel != kernel) k++;
        if (k < kept) {
            list[k].operations += all[i].operations;
            continue;
        }
        list[kept] = all[i];
        list[kept].kernel = kernel;
        list[kept++].name = text_format(u->arena, "%s", all[i].name);
    }
    *kernels = list;
    return kept;
}

/* Those that matter, and that are not tuned for another function. */
static int kernels_to_tune(const Tuner *u, PlannedKernel **kernels) {
    int count = kernels_of_function(u, kernels), kept = 0;
    PlannedKernel *list = *kernels;
    double operations = 0;
    for (int i = 0; i < count; i++) operations += list[i].operations;
    for (int i = 0; i < count; i++) {
        TunedKernel mine = {list[i].kernel, u->function};
        int function = tuned_for(u, mine.kernel);
        if (list[i].operations < least_part * operations || (function >= 0 && function != u->function)) continue;
        if (function < 0) vector_push(u->t->driver->arena, &u->known->kernels, mine);
        list[kept++] = list[i];
    }
    qsort(list, (size_t)kept, sizeof *list, by_operations);
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
static void descend(Tuner *u) {
    PlannedKernel *kernels;
    int count = kernels_to_tune(u, &kernels);
    for (int k = 0; k < count; k++)
        while (tune_kernel(u, &kernels[k])) {
            Name kernel = kernels[k].kernel;
            count = kernels_to_tune(u, &kernels);
            for (k = 0; k < count && kernels[k].kernel != kernel;) k++;
            if (k == count) break;
        }
}

/* ---- a function ---------------------------------------------------------------------------------- */
/* Choices that were not there: what another process has kept in the meantime for other kernels stays. */
static KernelTuning new_choices(const Tuner *u) {
    KernelTuning tuning = {.choices = {0}};
    for (int i = 0; i < u->tuning.choices.count; i++) {
        const KernelChoice *choice = &u->tuning.choices.items[i], *before = tuning_find(&u->had, choice->kernel);
        if (before == NULL || memcmp(before->number, choice->number, sizeof choice->number) != 0)
            vector_push(u->arena, &tuning.choices, *choice);
    }
    return tuning;
}

/* ---- a run -------------------------------------------------------------------------------------- */
void tune_say_known(const Training *t) {
    fprintf(t->driver->result, "%s: no kernels but those of the runs before\n", t->run->name);
}

static bool keep(Tuner *u, const TuneRounds *rounds, const double *part, int count) {
    Driver *driver = u->t->driver;
    const char *name = u->t->run->name, *more = interrupt_asked ? "; interrupted before all was tried"
                                                : u->cut        ? "; the time was up before all was tried"
                                                                : "";
    Text faster = text_new(u->arena);
    KernelTuning tuning = new_choices(u);
    for (int i = 0; i < count; i++)
        if (part[i] < 1)
            text_add(&faster, faster.length > 0 ? ", %s %.1f %%" : "%s takes %.1f %% of its time",
                     rounds_name(&rounds[i]), 100 * part[i]);
    bool good = faster.length == 0 || codegen_keep_tuning(u->before.codegen, &tuning);
    clear_progress(u);
    if (!good)
        driver_complain(driver, "%s: %s with other schedules, but they cannot be kept", name, faster.bytes);
    else if (faster.length > 0)
        fprintf(driver->result, "%s: %s%s; kept for later runs and objects\n", name, faster.bytes, more);
    else if (u->kernels == 0)
        fprintf(driver->result, "%s: no kernels that have a choice\n", name);
    else if (u->new_kernels == 0)
        tune_say_known(u->t);
    else
        fprintf(driver->result, "%s: no schedule is faster than what it has%s\n", name, more);
    fflush(driver->result);
    return good;
}

/* The part of its time that is left; 1: nothing was found. */
static double tune_function(Tuner *u, double seconds) {
    KernelTuning had = u->tuning;
    PlannedKernel *kernels;
    u->best = u->before;
    u->new_kernels += kernels_to_tune(u, &kernels);
    u->kernels += kernels_of_function(u, &kernels);
    u->end = clock_seconds() + seconds - 2 * TURNS * u->rounds->seconds; /* of the last comparison */
    descend(u);
    bool found = u->best.arena != u->before.arena;
    double part = found ? compare(u, &u->before, &u->best, true) : 1;
    if (part == 1) {
        free_best(u);
        u->tuning = had;
    } else {
        trial_free(&u->before);
        u->before = u->best;
    }
    return part;
}

/* Each for its part of the time; what is left at the end is for those that were cut. */
static bool tune_functions(Tuner *u, double end) {
    TuneRounds rounds[MOST_ROUNDS];
    double part[MOST_ROUNDS];
    int count = rounds_of_run(u->t, u->arena, rounds), first = u->known->functions, tried;
    bool cut;
    for (int i = 0; i < count; i++) part[i] = 1;
    u->known->functions += count;
    do {
        double epoch = 0;
        tried = u->tried.count;
        cut = false;
        for (int i = 0; i < count; i++) epoch += rounds[i].epoch;
        for (int i = 0; i < count; i++) {
            u->rounds = &rounds[i];
            u->function = first + i;
            u->cut = false;
            part[i] *= tune_function(u, (end - clock_seconds()) * rounds[i].epoch / epoch);
            epoch -= rounds[i].epoch;
            cut |= u->cut;
        }
        u->cut = cut;
    } while (cut && u->tried.count > tried && !interrupt_asked);
    return keep(u, rounds, part, count);
}

bool tune_run(Training *t, double seconds, TunedKernels *known) {
    Tuner u = {.t = t, .arena = arena_new(), .known = known, .began = clock_seconds(), .planned = seconds};
    Executor *executor = t->executor;
    void *work = t->work;
    t->work = NULL;
    memcpy(t->snapshot, t->state, t->run->state_bytes);
    u.before = trial_new(&u, NULL);
    use_trial(&u, &u.before);
    const KernelTuning *had = codegen_tuning(u.before.codegen);
    for (int i = 0; had && i < had->choices.count; i++) {
        KernelChoice choice = had->choices.items[i];
        choice.kernel = text_format(u.arena, "%s", choice.kernel);
        vector_push(u.arena, &u.tuning.choices, choice);
    }
    u.had = u.tuning;
    bool good = tune_functions(&u, u.began + seconds);
    trial_free(&u.before);
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    free(t->work);
    t->executor = executor;
    t->work = work;
    arena_free(u.arena);
    return good;
}

bool tune_is_possible(Driver *driver, Codegen *codegen) {
    const char *folder = driver_kept_folder(driver);
    if (codegen_may_keep_tuning(codegen)) return true;
    if (folder)
        driver_complain(
            driver, "--tune keeps what it finds in %s, and that is no folder to which this user alone writes", folder);
    else
        driver_complain(driver, "--tune keeps what it finds in the folder of SGDC_CACHE, and there is none");
    return false;
}
