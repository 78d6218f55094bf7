/* The loop around ENTRY_STEP: everything that happens between steps and decides nothing about their bits.
 *
 * All memory is had before the first step (plan.c). Steps run in calls of many. A call ends where something is due: the end
 * of the epoch, a report, a point of a curve, the buffer of rows, or a tenth of a second (so that progress moves and Ctrl-C
 * is answered; the flag itself is polled by generated code at every step). Where a call ends never shows in the bits.
 *
 * Runs with the same code may take their calls together (together.c): then all of them end a call where one of
 * them would, each looks after itself at what is due, and what the others print waits until those before them have ended.
 *
 * A loss that is not finite is found after the call, and the call is looked at again from the state before it
 * (divergence.c). That costs a copy of the state per call and nothing per step.
 */
#include "driver/training.h"
#include "codegen/codegen.h"
#include "driver/find_lr.h"
#include "driver/interrupt.h"
#include "driver/seeing.h"
#include "driver/tune.h"
#include "figures.h"
#include "driver/output.h"
#include "crew.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 1 << 10 };
static const double call_seconds = 0.1;

/* ---- what is due ----------------------------------------------------------------------------- */
static int64_t report_epochs(const Training *t) {
    const Run *run = t->run;
    if (run->report_every > 0 && !run->report_steps) return run->report_every;
    int64_t epochs = (t->planned + t->steps_per_epoch - 1) / t->steps_per_epoch;
    return (epochs + 9) / 10;
}

static bool reports_steps(const Training *t) { return t->run->report_steps && t->run->report_every > 0; }

static int64_t next_multiple(int64_t step, int64_t every) { return (step / every + 1) * every; }

/* The step at which the next call must end at the latest. */
static int64_t next_stop(const Training *t, int64_t step) {
    int64_t stop = next_multiple(step, t->steps_per_epoch);
    if (t->planned < stop) stop = t->planned;
    if (reports_steps(t)) {
        int64_t due = next_multiple(step, t->run->report_every);
        if (due < stop) stop = due;
    }
    if (t->point_every) {
        int64_t due = next_multiple(step, t->point_every);
        if (due < stop) stop = due;
    }
    if (t->film && film_next(t->film) < stop) stop = film_next(t->film);
    int64_t save = resume_next_save(t, step);
    return save < stop ? save : stop;
}

/* ---- steps ------------------------------------------------------------------------------------- */
/* A run in training. */
typedef struct GroupMember {
    Training *t;
    Report *report;
    char *waiting; /* what its report has printed, where others are to come before */
    size_t waiting_bytes;
    bool goes_on, left; /* left: in the middle, by divergence or by the clock */
} GroupMember;
/* One run, or several that take their steps together. */
typedef struct TrainingGroup {
    GroupMember *members;
    int count;
    Together *together; /* NULL: it is one */
    int64_t call_steps; /* how many the next call does */
    Log *log;
    bool prints;
} TrainingGroup;

static bool is_training(const GroupMember *m) { return m->goes_on && !m->left; }

/* The first that is still training; NULL: none is. */
static GroupMember *leader(const TrainingGroup *c) {
    for (int i = 0; i < c->count; i++)
        if (is_training(&c->members[i])) return &c->members[i];
    return NULL;
}

static void fit_call_length(TrainingGroup *c, const Training *t, int64_t steps, double seconds) {
    if (steps < c->call_steps) return;
    if (seconds < call_seconds / 2 && c->call_steps < INT64_MAX / 4) c->call_steps *= 2;
    if (seconds > call_seconds && c->call_steps > 1) c->call_steps /= 2;
    int64_t most = t->row_capacity / t->batch;
    if (t->row_capacity && c->call_steps > most) c->call_steps = most;
}

static void first_call_length(TrainingGroup *c, const Training *t) {
    c->call_steps = FIRST_PLACES / t->batch;
    if (t->row_capacity && c->call_steps > t->row_capacity / t->batch) c->call_steps = t->row_capacity / t->batch;
    if (c->call_steps < 1) c->call_steps = 1;
}

static int64_t call_steps(TrainingGroup *c, Training *t, int64_t count) {
    bool training[MOST_TOGETHER] = {false};
    for (int i = 0; i < c->count; i++) {
        Training *of = c->members[i].t;
        training[i] = is_training(&c->members[i]);
        if (!training[i]) continue;
        memcpy(of->snapshot, of->state, of->run->state_bytes);
        memcpy(of->sums_before, of->sums, sizeof *of->sums * (size_t)run_sums(of->run));
    }
    return c->together ? together_call_steps(c->together, training, count, &interrupt_asked)
                       : training_call_steps(t, count, &interrupt_asked);
}

static void see_call(TrainingGroup *c, int64_t done, double seconds) {
    int training = 0;
    for (int i = 0; i < c->count; i++) training += is_training(&c->members[i]);
    for (int i = 0; i < c->count; i++) {
        GroupMember *m = &c->members[i];
        if (!is_training(m)) continue;
        m->t->now.seconds += seconds / training;
        m->t->last_call_steps = done;
        m->left = divergence_happened(m->t);
        if (m->left) m->t->end = END_DIVERGED;
    }
}

/* Steps up to `until`; false if a stop was asked for, or nobody trains any more, before they came there: the loss diverged, or
 * the clock decided. */
static bool train_until(TrainingGroup *c, int64_t until) {
    GroupMember *m = leader(c);
    while (m && (int64_t)training_header(m->t)->step < until) {
        const sgdrt_header *header = training_header(m->t);
        int64_t left = until - (int64_t)header->step, count = left < c->call_steps ? left : c->call_steps;
        double begin = clock_seconds();
        int64_t done = call_steps(c, m->t, count);
        double seconds = clock_seconds() - begin;
        see_call(c, done, seconds);
        m = leader(c);
        if (!m) return false;
        header = training_header(m->t);
        fit_call_length(c, m->t, done, seconds);
        report_progress(c->members[0].report, m->t, m->t->now.seconds);
        if (interrupt_asked) break;
        bool between = (int64_t)header->step < until;
        m->left = between && watch_clock_decides(m->t, m->t->run->stop);
        if (m->left) {
            m->t->end = END_BY_CLOCK;
            return false;
        }
        if (between && resume_save_is_due(m->t)) resume_save(m->t);
    }
    return m && (int64_t)training_header(m->t)->step >= until;
}

/* ---- figures ------------------------------------------------------------------------------------- */
/* Means over the steps of the epoch, or, for reports by steps, over those since the last report in it. */
static void take_train_figures(Training *t, bool since_report) {
    const Run *run = t->run;
    double loss = 0;
    t->now.step = (int64_t)training_header(t)->step;
    t->now.epoch = (t->now.step + t->steps_per_epoch - 1) / t->steps_per_epoch;
    for (int i = 0; i < run->term_count; i++) {
        double sum = t->sums[i] - (since_report ? t->reported_sums[i] : 0);
        t->now.terms[i] = sgdrt_mean(sum, training_over(t, i, since_report));
        if (run->terms[i].minimized && training_knows(t, i, since_report)) loss += t->now.terms[i];
    }
    t->now.train_loss = training_knows_any(t, since_report) ? loss : NAN;
}

static void take_evaluation(Training *t) {
    const RowSet *rows = t->data->valid.count ? &t->data->valid : &t->data->train;
    double loss = evaluate_rows(t, rows, t->now.metrics);
    t->now.valid_loss = t->data->valid.count ? loss : NAN;
}

static void mark_reported(Training *t) {
    memcpy(t->reported_sums, t->sums, sizeof *t->sums * (size_t)run_sums(t->run));
    t->reported_rows = t->term_rows;
    t->reported_steps = t->term_steps;
}

static void start_sums(Training *t) {
    memset(t->sums, 0, sizeof *t->sums * (size_t)run_sums(t->run));
    t->term_rows = t->term_steps = 0;
    mark_reported(t);
}

static bool at_epochs_end(const Training *t) { return (int64_t)training_header(t)->step % t->steps_per_epoch == 0; }

static void begin_epoch(Training *t) {
    start_sums(t);
    t->sums_whole = true;
}

/* ---- the end of an epoch ---------------------------------------------------------------------------- */
static bool needs_evaluation_each_epoch(const Training *t, const Log *log) {
    return training_evaluates(t) && (log || t->run->keep_figure || watch_validation(t->run) != NULL);
}

static void copy_figures(Figures *to, const Figures *from, const Run *run) {
    double *terms = to->terms, *metrics = to->metrics;
    memcpy(terms, from->terms, sizeof *terms * (size_t)run->term_count);
    memcpy(metrics, from->metrics, sizeof *metrics * (size_t)run->measure_count);
    *to = *from;
    to->terms = terms;
    to->metrics = metrics;
}

/* Training goes on from the state; what is kept is a copy beside it. */
static void keep_best(Training *t) {
    const Run *run = t->run;
    if (!run->keep_figure) return;
    double figure = watch_figure(run, &t->now, run->keep_figure);
    bool better = run->keep_highest ? figure > t->best_figure : figure < t->best_figure;
    if (isnan(figure) || (t->best_epoch && !better)) return;
    memcpy(t->best, t->state, run->state_bytes);
    copy_figures(&t->best_at, &t->now, run);
    t->best_figure = figure;
    t->best_epoch = t->now.epoch;
}

/* The rate is that of the last step of the epoch. */
static void write_log(Training *t, Log *log) {
    sgdrt_header *header = training_header(t), now = *header;
    if (t->logged_step == t->now.step) return;
    t->logged_step = t->now.step;
    if (header->step) header->step--;
    header->epoch = header->step / (uint64_t)t->steps_per_epoch;
    t->now.lr = rate_now(t);
    *header = now;
    log_row(log, t);
}

/* keep and stop look at whole epochs, so that a training that is cut within one goes on as if it had not been. */
static bool stop_holds(Training *t) { return at_epochs_end(t) && watch_holds(t, t->run->stop); }

/* True if training goes on. */
static bool after_steps(Training *t, Report *report, Log *log, bool prints) {
    const sgdrt_header *header = training_header(t);
    int64_t step = (int64_t)header->step;
    bool last = step == t->planned, epoch_ends = step % t->steps_per_epoch == 0 || last;
    bool due = reports_steps(t)
                   ? step % t->run->report_every == 0
                   : epoch_ends && ((step / t->steps_per_epoch) % report_epochs(t) == 0 || step == t->steps_per_epoch);
    bool goes_on = !last;
    if ((t->film && film_take(t->film, t)) || (t->point_every && (step % t->point_every == 0 || last))) curves_take(t);
    if (!due && !epoch_ends) return goes_on;
    take_train_figures(t, false);
    if (training_evaluates(t) && (due || last || (epoch_ends && needs_evaluation_each_epoch(t, log))))
        take_evaluation(t);
    if (epoch_ends) {
        if (at_epochs_end(t)) keep_best(t);
        if (stop_holds(t)) {
            if (goes_on) t->end = watch_clock_decides(t, t->run->stop) ? END_BY_CLOCK : END_STOPPED;
            goes_on = false;
            if (training_evaluates(t) && !due) take_evaluation(t);
        }
        if (log) write_log(t, log);
        if (at_epochs_end(t)) watch_plateaus(t);
    }
    if (prints && (due || !goes_on)) {
        Figures epoch = t->now;
        if (reports_steps(t)) take_train_figures(t, true);
        report_clear_progress(report);
        report_line(report, t);
        t->now.train_loss = epoch.train_loss;
    }
    if (due) mark_reported(t);
    return goes_on;
}

/* ---- before and after ----------------------------------------------------------------------------------- */
/* Of --save or --load. */
static const char *file_of_run(const Training *t, const char *path) {
    return saved_path(t->driver->arena, path, t->run, t->driver->program->run_count);
}

static bool begin_run(Training *t, Training *const *all) {
    const Options *o = t->driver->options;
    const Run *run = t->run;
    state_start(run, t->executor, t->data, t->state, t->work, t->planned);
    if (!learn_from_rows(t->driver, run, t->executor, t->data, t->state, t->work)) return false;
    if (isfinite(run->quadratic_lr)) quadratic_check(t);
    if (run->start_run >= 0) saved_copy_parameters(t, all[run->start_run]);
    if (run->start_file && !saved_read_parameters(t, run->start_file)) return false;
    const char *saved = o->load ? file_of_run(t, o->load) : NULL;
    t->save_path = o->save ? file_of_run(t, o->save) : NULL;
    if (saved && path_is_file(saved) && !saved_read(t, saved)) return false;
    if (o->resume) resume_find(t);
    t->saved_at = clock_seconds();
    t->started_step = (int64_t)training_header(t)->step;
    t->began = clock_seconds();
    training_header(t)->planned = (uint64_t)t->planned;
    return true;
}

/* Of a run that goes on from a file: what was known when it was saved. True if it is not done yet. */
static bool take_up(Training *t) {
    if (t->started_step == 0) return true;
    mark_reported(t);
    if (t->sums_whole) take_train_figures(t, false);
    t->now.step = t->started_step;
    t->now.epoch = (t->started_step + t->steps_per_epoch - 1) / t->steps_per_epoch;
    bool done = t->started_step >= t->planned;
    if (training_evaluates(t) && (done || (at_epochs_end(t) && watch_validation(t->run) != NULL))) take_evaluation(t);
    if (!done && t->sums_whole && stop_holds(t)) {
        t->end = END_STOPPED;
        done = true;
    }
    return !done;
}

/* Within an epoch: its figures so far. */
static void end_by_clock(Training *t, Report *report, Log *log, bool prints) {
    take_train_figures(t, false);
    if (training_evaluates(t)) take_evaluation(t);
    if (log) write_log(t, log);
    if (prints) report_line(report, t);
}

static void end_run(Training *t, bool goes_on, Log *log) {
    if (goes_on && t->end != END_DIVERGED && t->end != END_BY_CLOCK)
        t->end = END_INTERRUPTED;
    else if (t->now.step > t->started_step && divergence_happened(t))
        t->end = END_DIVERGED;
    if (t->end == END_DIVERGED) divergence_report(t);
    if (t->end == END_DIVERGED || t->end == END_INTERRUPTED) {
        take_train_figures(t, false);
        if (log) write_log(t, log);
    }
}

/* May the runs that have begun take more steps? Time that is up before the first step of all ends nothing: the same
 * command, repeated with --resume, must come to an end. */
static bool may_go_on(Training *const *all, int begun) {
    bool stepped = false;
    for (int i = 0; i < begun; i++) stepped |= (int64_t)training_header(all[i])->step > all[i]->started_step;
    return !interrupt_asked || (interrupt_by_time() && !stepped);
}

static void member_begin(TrainingGroup *c, GroupMember *m) {
    m->goes_on = take_up(m->t);
    curves_take(m->t);
    if (m->t->film) film_begin(m->t->film, m->t);
    if (c->prints && m->goes_on) report_heading(m->report, m->t);
}

/* What it has printed comes now. */
static void member_end(TrainingGroup *c, GroupMember *m, Report *report) {
    if (m->report != report) {
        fclose(m->report->to);
        fwrite(m->waiting, 1, m->waiting_bytes, report->to);
        free(m->waiting);
    }
    report_clear_progress(m->report);
    if (m->goes_on && m->t->end == END_BY_CLOCK) end_by_clock(m->t, report, c->log, c->prints);
    end_run(m->t, m->goes_on, c->log);
    if (m->t->film) film_end(m->t->film, m->t);
}

static void train_group(TrainingGroup *c, Training *const *all) {
    int begun = c->members[c->count - 1].t->index + 1;
    first_call_length(c, c->members[0].t);
    for (int i = 0; i < c->count; i++) member_begin(c, &c->members[i]);
    for (const GroupMember *m; (m = leader(c)) != NULL && may_go_on(all, begun);) {
        int64_t stop = INT64_MAX;
        for (int i = 0; i < c->count; i++) {
            if (!is_training(&c->members[i])) continue;
            Training *t = c->members[i].t;
            int64_t due = next_stop(t, (int64_t)training_header(t)->step);
            if (at_epochs_end(t)) begin_epoch(t);
            if (due < stop) stop = due;
        }
        if (!train_until(c, stop)) break;
        for (int i = 0; i < c->count; i++) {
            GroupMember *of = &c->members[i];
            if (!is_training(of)) continue;
            of->goes_on = after_steps(of->t, of->report, c->log, c->prints);
            if (of->goes_on && resume_save_is_due(of->t)) resume_save(of->t);
        }
    }
}

/* One run. */
static bool train_run(Training *t, Training *const *all, Report *report, Log *log, bool prints) {
    GroupMember member = {.t = t, .report = report};
    TrainingGroup group = {.members = &member, .count = 1, .log = log, .prints = prints};
    if (!begin_run(t, all)) return false;
    train_group(&group, all);
    member_end(&group, &member, report);
    return true;
}

/* ---- all runs -------------------------------------------------------------------------------------------------- */
/* ", 120 train and 30 validate", where it is the same for all runs. */
static const char *describe_split(Arena *arena, Training *const *trainings, int runs) {
    const RunData *first = trainings[0]->data;
    for (int i = 0; i < runs; i++) {
        const RunData *data = trainings[i]->data;
        bool same = data->train.count == first->train.count && data->valid.count == first->valid.count;
        if (!same || !data->valid.count) return "";
    }
    char train[32], valid[32];
    return text_format(arena, ", %s train and %s validate", report_count(train, sizeof train, first->train.count),
                       report_count(valid, sizeof valid, first->valid.count));
}

/* --dry-run: what each run would do. */
static void say_plans(Driver *driver, Training *const *trainings, int runs) {
    for (int i = 0; i < runs && driver->options->dry_run; i++) {
        const Training *t = trainings[i];
        int64_t parameters = 0;
        char rows[32], held[32], each[32], steps[32], numbers[32];
        for (int c = 0; c < t->run->cell_count; c++)
            if (t->run->cells[c].kind == CELL_PARAMETER) parameters += shape_size(t->run->cells[c].shape);
        fprintf(driver->result,
                "%s: %s rows train, %s validate; %s step%s an epoch, %s in all; %s parameters; "
                "%zu KB of state\n",
                text_shown(driver->arena, t->run->name), report_count(rows, sizeof rows, t->data->train.count),
                report_count(held, sizeof held, t->data->valid.count),
                report_count(each, sizeof each, t->steps_per_epoch), t->steps_per_epoch == 1 ? "" : "s",
                report_count(steps, sizeof steps, t->planned), report_count(numbers, sizeof numbers, parameters),
                (t->run->state_bytes + 1023) / 1024);
    }
}

static void say_opening(Driver *driver, const Tables *tables, Training *const *trainings, int runs, size_t bytes) {
    say_plans(driver, trainings, runs);
    if (driver->options->quiet) return;
    char memory[32];
    size_t kilobytes = (bytes + 1023) / 1024;
    if (kilobytes < 10000)
        snprintf(memory, sizeof memory, "%zu KB", kilobytes);
    else
        snprintf(memory, sizeof memory, "%zu MB", (kilobytes + 1023) / 1024);
    char time[32], reading[32];
    double read = tables_seconds(tables);
    report_duration(reading, sizeof reading, read);
    report_duration(time, sizeof time, clock_seconds() - driver->started - read);
    driver_say(driver, "%s: %s%s; %s%s%s%s %d run%s in %s; %s of memory", driver->program->stem,
               tables_describe(driver->arena, tables), describe_split(driver->arena, trainings, runs),
               read >= 0.1 ? "read in " : "", read >= 0.1 ? reading : "", read >= 0.1 ? "; " : "",
               driver->options->interpret ? "prepared" : "compiled", runs, runs == 1 ? "" : "s", time, memory);
}

/* Each run has a file of its own; the best is also what stands under the name that was asked for. */
static bool save_runs(Driver *driver, Training *const *trainings, int count, Training *best) {
    const char *path = driver->options->save;
    bool good = true;
    for (int i = 0; i < count && path; i++)
        if (training_header(trainings[i])->planned) good &= saved_write(trainings[i], file_of_run(trainings[i], path));
    return good && (!path || !best || saved_write(best, path));
}

/* An experiment that was interrupted has saved the runs that had begun: the others begin now. */
static bool can_load(Driver *driver, Training *const *trainings, int count) {
    const char *load = driver->options->load, *first = NULL;
    int found = 0;
    for (int i = 0; load && i < count; i++) {
        const char *path = file_of_run(trainings[i], load);
        if (!first) first = path;
        found += path_is_file(path);
    }
    if (load && !found)
        report_file(driver->diagnostics, CODE_E0401, first, 0, 0, "%s",
                    path_is_folder(first) ? "it is a folder" : "there is no such file to load");
    for (int i = 0; found && i < count; i++) {
        const char *path = file_of_run(trainings[i], load);
        if (!path_is_file(path)) driver_say(driver, "%s begins anew: there is no %s", trainings[i]->run->name, path);
    }
    return !load || found;
}

static bool plot_runs(Driver *driver, Training *const *trainings, int count) {
    if (!driver->options->plot) return true;
    PlotRun *runs = curves_of(driver->arena, trainings, count);
    const char *problem;
    if (plot_write(driver->arena, driver->options->plot, driver->program->stem, runs, count, driver->result,
                   output_columns(driver->result), &problem)) {
        if (strcmp(driver->options->plot, "-")) driver_say(driver, "wrote %s", driver->options->plot);
        return true;
    }
    driver_complain(driver, "%s", problem);
    return false;
}

/* --animate and --report. */
static bool show_runs(Driver *driver, Training *const *trainings, int count, const Ranking *ranking) {
    const Options *o = driver->options;
    if (!films_wanted(o) || count == 0) return true;
    bool good = !o->animate || animate_write(driver, trainings, count, ranking);
    return (!o->report || page_write(driver, trainings, count, ranking)) && good;
}

/* Is there training left that was to be done? */
static bool was_cut(Training *const *trainings, int trained, int count) {
    return trained < count || (trained && trainings[trained - 1]->end == END_INTERRUPTED);
}

/* How a training that was cut goes on. */
static const char *going_on(const Driver *driver) {
    const Options *o = driver->options;
    return !o->save    ? "; without --save nothing is left of the training"
           : o->resume ? "; the same command goes on"
                       : "; the same command with --resume=auto goes on";
}

static void member_add(TrainingGroup *c, Training *t, Report *report, Report *own) {
    GroupMember *m = &c->members[c->count++];
    *m = (GroupMember){.t = t, .report = report};
    if (c->count == 1) return;
    *own = *report;
    own->to = open_memstream(&m->waiting, &m->waiting_bytes);
    if (!own->to) out_of_memory(0);
    m->report = own;
}

static void say_end(Driver *driver, Report *out, Training *t, int count, bool prints) {
    report_summary(out, t);
    if (count == 1) report_parameters(out, t);
    if (prints || count == 1) report_arrays(out, t);
    if (driver->options->save_every.text && count > 1 && t->end != END_DIVERGED) resume_save(t);
}

/* The run, and those that train together with it: how many; their code is DONE, DIVERGED or DATA. */
static int train_together(Driver *driver, Training *const *all, int first, int count, Report *out, Log *log,
                          ExitCode *code) {
    GroupMember members[MOST_TOGETHER];
    Report reports[MOST_TOGETHER];
    Training *const *runs = all + first;
    bool prints = !driver->options->quiet && (count == 1 || driver->options->verbose || runs[0]->run->report_every > 0);
    TrainingGroup c = {.members = members, .together = runs[0]->together, .log = log, .prints = prints};
    int wanted = together_count(c.together);
    while (c.count < wanted && begin_run(runs[c.count], all)) member_add(&c, runs[c.count], out, &reports[c.count]);
    if (c.count > 0) train_group(&c, all);
    for (int i = 0; i < c.count; i++) {
        member_end(&c, &members[i], out);
        say_end(driver, out, runs[i], count, prints);
        if (runs[i]->end == END_DIVERGED) *code = EXIT_DIVERGED;
    }
    if (c.count < wanted) *code = EXIT_DATA;
    return c.count;
}

static ExitCode train_all(Driver *driver, Training **trainings, int count) {
    Report out;
    Log *log = NULL;
    report_open(&out, driver, trainings, count);
    if (driver->options->log && !(log = log_open(driver, trainings, count))) return EXIT_DATA;
    ExitCode code = EXIT_DONE;
    const Amount *limit = &driver->options->time_limit;
    int trained = 0;
    interrupt_defer();
    if (limit->seconds > 0) interrupt_after(fmax(limit->seconds - (clock_seconds() - driver->started), 1e-6));
    while (trained < count && code != EXIT_DATA && may_go_on(trainings, trained))
        trained += train_together(driver, trainings, trained, count, &out, log, &code);
    if (!was_cut(trainings, trained, count)) interrupt_forget_time();
    if (interrupt_by_time()) driver_say(driver, "the time limit of %s has passed%s", limit->text, going_on(driver));
    Ranking ranking = {0};
    if (code != EXIT_DATA && trained > 1 && !interrupt_asked) {
        ranking = ranking_of(driver->arena, trainings, trained);
        report_comparison(&out, &ranking);
        report_spread(&out, &ranking);
    }
    fflush(driver->result);
    if (log && !log_close(log)) code = EXIT_DATA;
    if (code != EXIT_DATA && !save_runs(driver, trainings, trained, ranking.best)) code = EXIT_DATA;
    if (code != EXIT_DATA && !plot_runs(driver, trainings, trained)) code = EXIT_DATA;
    if (code != EXIT_DATA && !show_runs(driver, trainings, trained, &ranking)) code = EXIT_DATA;
    if (code != EXIT_DATA && !held_out_write(driver, trainings, trained)) code = EXIT_DATA;
    if (!interrupt_asked || code == EXIT_DATA) return code;
    return interrupt_by_time() ? EXIT_OUT_OF_TIME : (ExitCode)(EXIT_SIGNAL + interrupt_asked);
}

/* --trace: the run that is asked for, after those it starts from. */
static ExitCode trace_one(Driver *driver, Training **trainings) {
    Report out;
    int traced = trace_run_index(driver->program, driver->options->run_only);
    report_open(&out, driver, trainings, traced + 1);
    for (int i = 0; i < traced; i++)
        if (trace_starts_from(driver->program, traced, i) && !train_run(trainings[i], trainings, &out, NULL, false))
            return EXIT_DATA;
    if (!begin_run(trainings[traced], trainings)) return EXIT_DATA;
    return trace_write(trainings[traced], driver->options->trace) ? EXIT_DONE : EXIT_DATA;
}

/* --find-lr: of each run where it begins; those that others start from are trained, in memory. */
static ExitCode find_rates(Driver *driver, Training **trainings, int count) {
    Report out;
    RateTest *tests = arena_array(driver->arena, RateTest, count + 1);
    report_open(&out, driver, trainings, count);
    out.bar = out.plain = false;
    for (int i = 0; i < count; i++) {
        bool needed = false;
        for (int k = i + 1; k < count; k++) needed |= driver->program->runs[k].start_run == i;
        if (!begin_run(trainings[i], trainings)) return EXIT_DATA;
        tests[i] = find_lr_test(trainings[i]);
        find_lr_print(&tests[i], driver->result);
        if (needed && !train_run(trainings[i], trainings, &out, NULL, false)) return EXIT_DATA;
    }
    return !driver->options->plot || find_lr_plot(driver, tests, count) ? EXIT_DONE : EXIT_DATA;
}

/* Which call a function that no run before calls: the others have its kernels. Their number. */
static int runs_with_other_functions(Driver *driver, Training *const *trainings, int count, bool **others) {
    int found = 0;
    *others = arena_array(driver->arena, bool, count + 1);
    for (int i = 0; i < count; i++) {
        bool other = true;
        for (int k = 0; k < i && other; k++)
            other = !(*others)[k] || trainings[k]->batch != trainings[i]->batch ||
                    training_evaluates(trainings[k]) != training_evaluates(trainings[i]) ||
                    !codegen_same_functions(trainings[k]->executor, trainings[i]->executor);
        (*others)[i] = other;
        found += other;
    }
    return found;
}

/* --tune: of each run where it begins, in equal times; what one does not need the next ones have. */
static ExitCode tune_runs(Driver *driver, Codegen *codegen, Training **trainings, int count) {
    TunedKernels known = {0};
    if (!tune_is_possible(driver, codegen)) return EXIT_USAGE;
    double end = clock_seconds() + (double)driver->options->tune;
    bool good = true, *others;
    int left = runs_with_other_functions(driver, trainings, count, &others);
    interrupt_defer();
    for (int i = 0; i < count && good && !interrupt_asked; i++) {
        Training *t = trainings[i];
        if (!others[i])
            tune_say_known(t);
        else
            good = begin_run(t, trainings) && tune_run(t, (end - clock_seconds()) / left--, &known);
    }
    if (!good) return EXIT_DATA;
    return interrupt_asked ? (ExitCode)(EXIT_SIGNAL + interrupt_asked) : EXIT_DONE;
}

static Codegen *make_executors(Driver *driver, Training **trainings, int count, bool *good) {
    Executor **executors = arena_array(driver->arena, Executor *, count + 1);
    Codegen *codegen = NULL;
    *good = true;
    if (!driver->options->interpret) {
        codegen = driver_session(driver);
        *good = codegen != NULL;
    }
    for (int i = 0; i < count && *good; i++) {
        executors[i] = codegen ? codegen_jit(codegen, trainings[i]->run)
                               : interpreter_new(driver->arena, trainings[i]->run);
        trainings[i]->executor = executors[i];
        *good = executors[i] != NULL;
        if (*good) executors[i]->evaluates = training_evaluates(trainings[i]) || trainings[i]->points != NULL;
        if (driver->options->log) trainings[i]->rate = rate_executor(driver->arena, trainings[i]->run);
    }
    if (codegen && *good) {
        codegen_jit_all(codegen, executors, count);
        together_plan(driver, codegen, trainings, count);
    }
    return codegen;
}

static ExitCode prepare_and_train(Driver *driver, const Tables *tables) {
    int count = driver->program->run_count;
    Training **trainings = arena_array(driver->arena, Training *, count + 1);
    bool curves = driver->options->plot || driver->options->find_lr || count > 1 || films_wanted(driver->options),
         good = true;
    for (int i = 0; i < count; i++) {
        Training *t = trainings[i] = arena_new_of(driver->arena, Training);
        *t = (Training){
            .driver = driver, .run = &driver->program->runs[i], .index = i, .data = tables_of_run(tables, i)};
        good &= training_plan(t, curves);
    }
    if (!good || driver->diagnostics->errors) return EXIT_SOURCE;
    Progress *progress = progress_begin(driver);
    Codegen *codegen = make_executors(driver, trainings, count, &good);
    progress_end(progress);
    ExitCode code = driver->diagnostics->errors ? EXIT_USAGE : EXIT_DEFECT;
    if (good) {
        size_t bytes;
        sgdrt_crew *crew = threads_open(driver, trainings, count);
        void *memory = training_place_memory(driver, trainings, count, &bytes);
        code = EXIT_DATA;
        if (memory) {
            say_opening(driver, tables, trainings, count, bytes + tables_bytes(tables));
            if (!can_load(driver, trainings, count))
                code = EXIT_DATA;
            else if (driver->options->dry_run)
                code = EXIT_DONE;
            else if (driver->options->find_lr)
                code = find_rates(driver, trainings, count);
            else if (driver->options->tune)
                code = tune_runs(driver, codegen, trainings, count);
            else
                code = driver->options->trace ? trace_one(driver, trainings) : train_all(driver, trainings, count);
        }
        sgdrt_crew_free(crew);
        free(memory);
        together_free(trainings, count);
        for (int i = 0; i < count; i++) {
            trainings[i]->executor->free(trainings[i]->executor);
            if (trainings[i]->rate) trainings[i]->rate->free(trainings[i]->rate);
            sgdrt_gathering_close(&trainings[i]->gathering);
        }
    }
    codegen_free(codegen);
    if (codegen) driver_add_codegen_times(driver, codegen_times(codegen));
    return code;
}

ExitCode driver_train(Driver *driver) {
    if (driver->program->run_count == 0) {
        driver_complain_no_run(driver, "there is nothing to run");
        return EXIT_SOURCE;
    }
    if (!held_out_is_possible(driver)) return EXIT_SOURCE;
    double begin = clock_seconds();
    Tables *tables = tables_load(driver);
    driver_add_time(driver, "data", clock_seconds() - begin);
    if (!tables) return EXIT_DATA;
    ExitCode code = prepare_and_train(driver, tables);
    tables_free(tables);
    return code;
}
