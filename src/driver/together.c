/* together: runs that take their steps together, as lanes of one function (ir/loops/passes/run_lanes.c).
 *
 * Runs of a sweep that differ in numbers alone, in seeds or in folds of one size are cut into groups. The states of a group lie
 * side by side for a call, an element of each beside that of the next, and are apart again after it: all else that is done
 * with a run finds its state where that of any run is. So do rows, unless all runs take the same in the same order
 * (own_rows.c). A run that has ended keeps the state it ended with, whatever its lane goes on to compute. Lanes that no run has
 * do as the first.
 *
 * Whether this pays depends on the model, on the processor and on how many runs there are, and no bit depends on it. So it is
 * tried: a group begins one after the other, call by call; once what is left takes longer than to compile, both ways are
 * measured, and the faster one is taken. Where parameters are many they fill vectors as they are, and side by side would
 * fill the caches: no group is made then.
 */
#include "codegen/codegen.h"
#include "driver/seeing.h"
#include "ir/function.h"
#include <stdlib.h>
#include <string.h>

enum { LEAST_WITH_OWN_ROWS = 12 };
static const double compile_seconds = 0.003 /* a node of the graph */, trial_seconds = 0.004;

typedef enum Way { ONE_BY_ONE, SIDE_BY_SIDE, WAYS } Way;
struct Together {
    Training *const *runs;
    int count, lanes;
    bool own_seeds;
    OwnRows *own_rows; /* NULL: all take the same */
    Codegen *codegen;
    double compiling;   /* seconds that it may take */
    bool asked;         /* for the executor */
    Executor *executor; /* NULL: there is none, or none yet */
    char *state, *work; /* of all */
    double *sums;
    bool beside;                       /* state has what each run that is training has */
    double seconds[WAYS], steps[WAYS]; /* that were measured */
};

/* ---- which ---------------------------------------------------------------------------------------------------- */
static bool options_allow(const Options *o) {
    return !o->interpret && !o->save_every.text && !o->resume && !o->load && !o->log && !o->trace && !o->find_lr &&
           !o->tune && o->time_limit.seconds <= 0 && !films_wanted(o);
}

static bool run_allows(const Training *t) {
    const Run *run = t->run;
    return run->part_count == 0 && run->partner_count == 0 && run->array_count == 0 &&
           !watch_asks_for_seconds(run->stop);
}

static bool same_rows(const Training *a, const Training *b) {
    const RowSet *x = &a->data->train, *y = &b->data->train;
    if (a->run->seed != b->run->seed && a->feed.order.kind != SGDRT_ORDER_SEQUENTIAL) return false;
    if (x->table != y->table || x->count != y->count || (x->rows == NULL) != (y->rows == NULL)) return false;
    return x->rows == y->rows || memcmp(x->rows, y->rows, sizeof *x->rows * (size_t)x->count) == 0;
}

static bool same_layout(const Run *a, const Run *b) {
    if (a->state_bytes != b->state_bytes || a->slot_count != b->slot_count || a->cell_count != b->cell_count)
        return false;
    for (int i = 0; i < a->slot_count; i++)
        if (a->slots[i].offset != b->slots[i].offset || a->slots[i].dtype != b->slots[i].dtype) return false;
    for (int i = 0; i < a->cell_count; i++) {
        const Cell *x = &a->cells[i], *y = &b->cells[i];
        if (x->offset != y->offset || x->dtype != y->dtype || !shape_equal(x->shape, y->shape)) return false;
    }
    return true;
}

/* Are rows as far from each other? */
static bool same_strides(const Training *a, const Training *b) {
    const sgdrt_column *x = a->data->train.table->columns, *y = b->data->train.table->columns;
    int count = a->run->data->column_count;
    for (int c = 0; c < count && count == b->run->data->column_count; c++)
        if (x[c].stride != y[c].stride) return false;
    return count == b->run->data->column_count;
}

static bool take_same_steps(const Training *a, const Training *b) {
    const Run *x = a->run, *y = b->run;
    return codegen_same_steps(a->executor, b->executor) && x->report_every == y->report_every && x->order == y->order &&
           x->last == y->last && a->batch == b->batch && a->planned == b->planned && a->feed.rows == b->feed.rows &&
           run_sums(x) == run_sums(y) && same_layout(x, y) && same_strides(a, b);
}

/* ---- groups --------------------------------------------------------------------------------------------------- */
/* SGDC_TOGETHER=all or off, for tests: whatever it gains, or never. */
static bool asked(const char *what) {
    const char *asked = getenv("SGDC_TOGETHER");
    return asked && strcmp(asked, what) == 0;
}

static int lanes_for(int count) {
    int lanes = 2;
    while (lanes < count) lanes *= 2;
    return lanes;
}

static int64_t quarter_of_cache(const Codegen *codegen) { return codegen_machine(codegen)->l2 / 4; }

/* How many from the first on may be one: their states are in a quarter of the second level of the caches. */
static int longest_group(const Codegen *codegen, Training *const *runs, int count) {
    int64_t most = quarter_of_cache(codegen) / ((int64_t)runs[0]->run->state_bytes + 1);
    int found = 1;
    while (found < count && found < MOST_TOGETHER && lanes_for(found + 1) <= most && run_allows(runs[found]) &&
           runs[found]->run->start_run < runs[0]->index && take_same_steps(runs[0], runs[found]))
        found++;
    return run_allows(runs[0]) ? found : 1;
}

static double seconds_to_compile(Arena *arena, const Function *step) {
    int nodes;
    function_nodes(arena, step, &nodes);
    return compile_seconds * nodes;
}

/* Those of them that take the same rows, or all, if these are at least four times as many and enough to pay for rows of their
 * own. NULL: it is none. */
static Together *group_of(Arena *arena, Codegen *codegen, Training *const *runs, int count) {
    int sharing = 1;
    Together *g = arena_new_of(arena, Together);
    while (sharing < count && same_rows(runs[0], runs[sharing])) sharing++;
    bool pays = count >= LEAST_WITH_OWN_ROWS && count >= 4 * sharing,
         own_rows = count > sharing && (pays || asked("all"));
    if (!own_rows) count = sharing;
    *g = (Together){.runs = runs, .count = count, .lanes = lanes_for(count), .codegen = codegen};
    for (int i = 1; i < count; i++) g->own_seeds |= runs[i]->run->seed != runs[0]->run->seed;
    if (own_rows && g->lanes < LEAST_LANES_OF_ROWS) g->lanes = LEAST_LANES_OF_ROWS;
    if (own_rows) g->own_rows = own_rows_plan(arena, runs[0], count, g->lanes, quarter_of_cache(codegen));
    g->compiling = seconds_to_compile(arena, &runs[0]->run->step);
    return count == 1 || (own_rows && !g->own_rows) ? NULL : g;
}

/* The executor, and memory side by side; false: they cannot be had. */
static bool go_side_by_side(Together *g) {
    const Run *run = g->runs[0]->run;
    const sgdrt_feed *feed = &g->runs[0]->feed;
    if (g->asked) return g->executor != NULL;
    g->asked = true;
    SideBySide side_by_side = {g->lanes, g->own_rows != NULL, g->own_seeds};
    Executor *executor = codegen_jit_together(g->codegen, run, side_by_side, feed->places % feed->batch == 0);
    if (!executor) return false;
    size_t state = round_to_line(run->state_bytes * (size_t)g->lanes);
    size_t sums = round_to_line(sizeof(double) * (size_t)(g->lanes * (run_sums(run) + 1)));
    g->state = aligned_alloc(64, state + sums + round_to_line(executor->work_bytes) + 64);
    if (!g->state || (g->own_rows && !own_rows_open(g->own_rows))) return false;
    memset(g->state, 0, state + sums);
    g->sums = (double *)(g->state + state);
    g->work = g->state + state + sums;
    g->executor = executor;
    Driver *driver = g->runs[0]->driver;
    if (driver->options->verbose)
        driver_say(driver, "%s and %d more take their steps together", run->name, g->count - 1);
    return true;
}

void together_plan(Driver *driver, Codegen *codegen, Training *const *runs, int count) {
    if (!codegen || !options_allow(driver->options) || asked("off")) return;
    for (int i = 0, group; i < count; i += group) {
        group = longest_group(codegen, runs + i, count - i);
        Together *together = group_of(driver->arena, codegen, runs + i, group);
        group = together_count(together);
        for (int k = 0; k < group; k++) runs[i + k]->together = together;
    }
}

void together_free(Training *const *runs, int count) {
    for (int i = 0; i < count; i++) {
        Together *g = runs[i]->together;
        if (!g || g->runs[0] != runs[i]) continue;
        free(g->state);
        if (g->own_rows) own_rows_free(g->own_rows);
    }
}

int together_count(const Together *together) { return together ? together->count : 1; }

/* ---- side by side --------------------------------------------------------------------------------------------- */
#define COPY_LANES(type)                                                                                       \
    do {                                                                                                       \
        type *beside = (type *)(g->state + offset * (size_t)g->lanes) + lane, *own = (type *)(state + offset); \
        if (apart)                                                                                             \
            for (int64_t i = 0; i < elements; i++) own[i] = beside[i * g->lanes];                              \
        else                                                                                                   \
            for (int64_t i = 0; i < elements; i++) beside[i * g->lanes] = own[i];                              \
    } while (0)

static void copy_elements(const Together *g, int lane, char *state, size_t offset, DType dtype, int64_t elements,
                          bool apart) {
    switch (dtype_bytes(dtype)) {
    case 1: COPY_LANES(uint8_t); return;
    case 4: COPY_LANES(uint32_t); return;
    default: COPY_LANES(uint64_t);
    }
}

/* A run's numbers into its lane, or apart: what a step updates out of it. */
static void copy_state(const Together *g, int lane, char *state, bool apart) {
    const Run *run = g->runs[0]->run;
    const Function *step = &run->step;
    for (int i = 0; i < run->slot_count && !apart; i++)
        copy_elements(g, lane, state, run->slots[i].offset, run->slots[i].dtype, 1, false);
    for (int i = 0; i < (apart ? step->root_count : run->cell_count); i++) {
        if (apart && step->roots[i].kind != ROOT_UPDATE) continue;
        const Cell *cell = &run->cells[apart ? step->roots[i].index : i];
        copy_elements(g, lane, state, cell->offset, cell->dtype, shape_size(cell->shape), apart);
    }
}

static const Training *run_of_lane(const Together *g, int lane) { return g->runs[lane < g->count ? lane : 0]; }

static sgdrt_header *copy_header(const Together *g, const Training *lead) {
    sgdrt_header *header = (sgdrt_header *)g->state;
    uint64_t *seeds = (uint64_t *)(header + 1);
    *header = *training_header(lead);
    for (int lane = 0; lane < g->lanes; lane++) seeds[lane] = training_header(run_of_lane(g, lane))->seed;
    return header;
}

static int64_t call_side_by_side(Together *g, const bool *training, int64_t count, const volatile int32_t *stop) {
    int first = 0, sums = run_sums(g->runs[0]->run);
    while (!training[first]) first++;
    Training *lead = g->runs[first];
    for (int lane = 0; lane < g->lanes; lane++) {
        const Training *t = run_of_lane(g, lane);
        if (!g->beside) copy_state(g, lane, t->state, false);
        for (int s = 0; s < sums; s++) g->sums[s * g->lanes + lane] = t->sums[s];
    }
    sgdrt_header *header = copy_header(g, lead);
    sgdrt_call call = {
        .state = g->state, .work = g->work, .columns = lead->data->train.table->columns, .sums = g->sums, .stop = stop};
    int64_t done = 0, rows = 0, before;
    do {
        before = done;
        if (g->own_rows)
            own_rows_call(g->own_rows, g->runs, training, count - done, &call);
        else
            sgdrt_feed_call(&lead->feed, header, count - done, lead->rows, &call);
        done += g->executor->call(g->executor, ENTRY_STEP, 0, &call);
        rows += sgdrt_feed_rows_of(&lead->feed, &call, done - before);
    } while (done > before && done < count && !(stop && *stop));
    for (int lane = 0; lane < g->count; lane++) {
        Training *t = g->runs[lane];
        if (!training[lane]) continue;
        copy_state(g, lane, t->state, true);
        header->seed = training_header(t)->seed;
        *training_header(t) = *header;
        for (int s = 0; s < sums; s++) t->sums[s] = g->sums[s * g->lanes + lane];
        t->term_rows += rows;
        t->term_steps += done;
    }
    g->beside = true;
    return done;
}

/* ---- which way ------------------------------------------------------------------------------------------------ */
/* All of them take as many steps, whoever asks to stop. */
static int64_t call_one_by_one(const Together *g, const bool *training, int64_t count) {
    int64_t done = 0;
    for (int i = 0; i < g->count; i++)
        if (training[i]) done = training_call_steps(g->runs[i], count, NULL);
    return done;
}

static Way way_to_go(Together *g, int64_t steps_left) {
    double *seconds = g->seconds, *steps = g->steps;
    if (asked("all")) return go_side_by_side(g) ? SIDE_BY_SIDE : ONE_BY_ONE;
    if (seconds[ONE_BY_ONE] < trial_seconds) return ONE_BY_ONE;
    double each = seconds[ONE_BY_ONE] / steps[ONE_BY_ONE];
    if ((!g->asked && each * (double)steps_left < g->compiling) || !go_side_by_side(g)) return ONE_BY_ONE;
    if (seconds[SIDE_BY_SIDE] < trial_seconds) return SIDE_BY_SIDE;
    return seconds[SIDE_BY_SIDE] / steps[SIDE_BY_SIDE] < each ? SIDE_BY_SIDE : ONE_BY_ONE;
}

int64_t together_call_steps(Together *g, const bool *training, int64_t count, const volatile int32_t *stop) {
    int first = 0;
    while (!training[first]) first++;
    const Training *lead = g->runs[first];
    Way way = way_to_go(g, lead->planned - (int64_t)training_header(lead)->step);
    g->beside &= way == SIDE_BY_SIDE && lead->run->plateau_count == 0;
    double begin = clock_seconds();
    int64_t done = way == SIDE_BY_SIDE ? call_side_by_side(g, training, count, stop)
                                       : call_one_by_one(g, training, count);
    g->seconds[way] += clock_seconds() - begin;
    g->steps[way] += (double)done;
    return done;
}
