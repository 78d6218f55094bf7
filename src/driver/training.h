/* One run in training: its memory, where it stands, and what is known of it (train.c and those around it). */
#ifndef SGDC_DRIVER_TRAINING_H
#define SGDC_DRIVER_TRAINING_H
#include "model.h"
#include "driver/driver.h"
#include "driver/plot.h"
#include "driver/tables.h"
#include "gather.h"

/* What is known at one moment. NaN: not known. */
typedef struct Figures {
    int64_t epoch, step; /* done; the epoch at hand counts */
    double train_loss, valid_loss;
    double *terms;   /* of training, per term: mean over rows; of a penalty: mean over steps */
    double *metrics; /* per measure */
    double lr, seconds;
} Figures;

/* BY_CLOCK: stop holds because of `seconds`. */
typedef enum TrainingEnd { END_PLANNED, END_STOPPED, END_BY_CLOCK, END_DIVERGED, END_INTERRUPTED } TrainingEnd;

typedef struct Training {
    Driver *driver;
    const Run *run;
    int index;
    Executor *executor;
    Executor *rate; /* of a scheduled learning rate, where it is logged; or NULL */
    const RunData *data;
    sgdrt_feed feed;
    sgdrt_gathering gathering;               /* of run->partners */
    int64_t batch, steps_per_epoch, planned; /* batch: rows of a step, never 0 */

    /* one block, allocated before any run trains */
    void *state, *snapshot, *best; /* state_bytes each; best NULL if not kept */
    uint32_t *rows;
    int64_t row_capacity; /* places of one call; shared by the runs, like work and kept */
    void *work;
    void **kept;                   /* arguments of the measures, for every evaluated row */
    sgdrt_column *arguments;       /* of one measure */
    double *sums, *evaluated;      /* run_sums of the epoch at hand; per term of an evaluation */
    double *evaluated_part;        /* of one mini-batch of it */
    void **outputs;                /* where in `kept` that one's rows begin */
    int64_t term_rows, term_steps; /* behind sums */
    bool sums_whole;               /* sums are of the epoch from its first step */
    double *sums_before;
    int64_t last_call_steps; /* of the last call: it began at the snapshot */
    double *reported_sums;
    int64_t reported_rows, reported_steps; /* these three at the last report */

    Figures now;
    int64_t started_step;  /* where this run began: 0, or what --load brought */
    double began;          /* the clock, then */
    int64_t logged_step;   /* of the last row of --log */
    const char *save_path; /* of this run; NULL: it is not saved */
    int64_t saved_step;
    double saved_at; /* by --save-every, the last time; the clock */
    double best_figure;
    int64_t best_epoch; /* 0: nothing is kept */
    Figures best_at;    /* of that epoch */
    PlotPoint *points;
    int point_count, point_capacity;
    int64_t point_every;    /* steps; 0: none are taken */
    struct Film *film;      /* of --animate and --report; NULL: none */
    double *point_measures; /* of points, where they are drawn; else NULL */
    double *stalled_best;
    int64_t *stalled_epoch; /* per stalled() of stop */
    TrainingEnd end;
    struct Together *together; /* with whom it takes its steps; NULL: alone */
} Training;

/* Bytes as whole cache lines: what blocks of memory are placed by. */
static inline size_t round_to_line(size_t bytes) { return (bytes + 63) / 64 * 64; }
static inline sgdrt_header *training_header(const Training *t) { return t->state; }

/* Does it look at rows beside its steps, at the ends of epochs? */
static inline bool training_evaluates(const Training *t) {
    return t->data->valid.count > 0 || t->run->measure_count > 0;
}

/* The parameters that serve: what keep has kept, or the last. */
static inline const void *training_served(const Training *t) { return t->best_epoch ? t->best : t->state; }
/* The figures that belong to them. */
static inline const Figures *training_figures(const Training *t) { return t->best_epoch ? &t->best_at : &t->now; }

/* ---- plan.c ---------------------------------------------------------------------------------- */
/* Of a training that has its run and its data; false after a diagnostic. */
bool training_plan(Training *t, bool curves);
/* One block: the states of all runs, then what they share. NULL and a complaint if there is not so much. */
void *training_place_memory(Driver *driver, Training **trainings, int count, size_t *bytes);

/* ---- steps.c --------------------------------------------------------------------------------- */
/* One call: `count` steps from where the state stands, within one epoch. Returns the steps done. */
int64_t training_call_steps(Training *t, int64_t count, const volatile int32_t *stop);
/* Behind a term's sum of the epoch at hand, or since the last report: rows, or steps where it reads none. */
double training_over(const Training *t, int term, bool since_report);
/* False: its update was not taken in these steps; then it is no part of the loss. */
bool training_knows(const Training *t, int term, bool since_report);
bool training_knows_any(const Training *t, bool since_report); /* of what is minimized */
/* What calls need where a step takes rows of several data sets. */
void training_plan_sets(Training *t);
/* What is minimized, of the epoch at hand; NaN before its first step. */
double training_loss(const Training *t);

/* ---- together.c ------------------------------------------------------------------------------ */
/* Runs behind each other that take their steps together. */
typedef struct Together Together;
enum { MOST_TOGETHER = 16 };
struct Codegen;
/* Which do, of runs that have their executors: sets t->together. codegen NULL: none. */
void together_plan(Driver *driver, struct Codegen *codegen, Training *const *runs, int count);
void together_free(Training *const *runs, int count);
int together_count(const Together *together); /* NULL: 1 */
/* As training_call_steps, of those that are training: all have done equally many steps. */
int64_t together_call_steps(Together *together, const bool *training, int64_t count, const volatile int32_t *stop);

/* ---- own_rows.c: what each of several runs has at the places of a call, side by side ------------- */
typedef struct OwnRows OwnRows;
enum { LEAST_LANES_OF_ROWS = 4 };
/* Of runs that take the steps of this one, in lanes; NULL: the rows of a step take more than so many bytes. */
OwnRows *own_rows_plan(Arena *arena, const Training *t, int runs, int lanes, int64_t bytes);
bool own_rows_open(OwnRows *own); /* memory; false: it cannot be had */
void own_rows_free(OwnRows *own);
/* As sgdrt_feed_call, for those that are training: of fewer steps where rows of so many are not at hand. */
void own_rows_call(OwnRows *own, Training *const *runs, const bool *training, int64_t steps, sgdrt_call *call);

/* ---- curves.c -------------------------------------------------------------------------------- */
/* Room for the points of the planned steps and some more, with the values of measures if they are drawn. */
void curves_plan(Training *t, int more, bool measures);
void curves_take(Training *t);                                           /* a point here, if there is none yet */
PlotRun *curves_of(Arena *arena, Training *const *trainings, int count); /* as they are drawn */

/* ---- threads.c ------------------------------------------------------------------------------- */
/* What runs share that gain from it; NULL: nothing. */
struct sgdrt_crew *threads_open(const Driver *driver, Training *const *trainings, int count);
/* Those that read the request's files; NULL: one does. */
struct sgdrt_pool *threads_to_read(const Driver *driver, const sgdrt_request *request);

/* ---- trace.c --------------------------------------------------------------------------------- */
int trace_run_index(const Program *program, const char *only);      /* the first run of the first block in `only` */
bool trace_starts_from(const Program *program, int run, int other); /* through any number of `start = ...` */
/* The first steps of a run that has begun, to a file; false after a diagnostic. */
bool trace_write(Training *t, const char *path);

/* ---- state.c --------------------------------------------------------------------------------- */
/* Header and hyper-parameters; every cell is 0. */
void state_clear(const Run *run, void *state, int64_t planned);
void state_start(const Run *run, Executor *executor, const RunData *data, void *state, void *work, int64_t planned);

/* ---- learn.c --------------------------------------------------------------------------------- */
/* Statistics of the rows that train, into a state that has begun; weights are looked at. False after a diagnostic. */
bool learn_from_rows(Driver *driver, const Run *run, Executor *executor, const RunData *data, void *state, void *work);

/* ---- classes.c ------------------------------------------------------------------------------- */
/* Has it columns whose classes are not known yet? */
bool classes_are_learnt(const DataSet *set);
/* The texts of the rows, sorted; false after a diagnostic: there are too many. */
bool classes_of_rows(Driver *driver, const Column *column, const RowSet *rows, int index, const char *const **words,
                     int *count);
/* The run's data set becomes a copy that has these classes, by column, or those of its saved file. */
void classes_name_run(Arena *arena, Run *run, const char *const *const *words, const int *counts);
bool classes_from_file(Driver *driver, const sgdrt_checkpoint *file, Run *run);
/* ---- emit_classes.c: the same for an object, if the data is at hand; false after a diagnostic. */
bool classes_for_objects(Driver *driver);

/* ---- evaluate.c ------------------------------------------------------------------------------ */
/* What the sums of an evaluation over so many rows are divided by. */
double evaluate_over(const Training *t, int64_t rows);
/* Losses (per term, into t->evaluated; the loss returned) over the rows; with `metrics` also the kept arguments
 * and every measure. */
double evaluate_rows(Training *t, const RowSet *rows, double *metrics);
/* A measure that is an array, of rows that evaluate_rows was called with last. Once: what it ranks is its ranks then. */
double *evaluate_array(Training *t, int measure, int64_t rows);
size_t evaluate_kept_bytes(const Run *run, int64_t rows); /* of t->kept */
void evaluate_place_kept(const Run *run, int64_t rows, char *memory, void **kept);

/* ---- divergence.c ---------------------------------------------------------------------------- */
bool divergence_sums_finite(const Training *t);
bool divergence_happened(const Training *t); /* a sum, a parameter or its optimizer's state is not finite */
/* Reports which step of the last call it was and which value; leaves the state after that step. */
void divergence_report(Training *t);

/* ---- rate.c ---------------------------------------------------------------------------------- */
int rate_slot(const Run *run);                         /* of the one rate; -1: there is none, or several */
Executor *rate_executor(Arena *arena, const Run *run); /* NULL where the rate is a number, or there are several */
double rate_now(const Training *t);                    /* NaN if not known */

/* ---- watch.c: stop, keep and plateaus ------------------------------------------------------------------- */
int watch_count_stalled(const Watch *watch);
/* The first figure of validation that keep, stop or a plateau looks at, "valid.loss"; NULL: none. */
const char *watch_validation(const Run *run);
/* At the end of an epoch; stalled() keep their memory in t->stalled_*. */
bool watch_holds(Training *t, const Watch *watch);
/* At any moment: does the tree hold, and only as so many seconds have passed? */
bool watch_asks_for_seconds(const Watch *watch);
bool watch_clock_decides(Training *t, const Watch *watch);
/* At the end of a whole epoch: rates that fall when a figure stalls. */
void watch_plateaus(Training *t);
double watch_figure(const Run *run, const Figures *figures, const char *name);

/* ---- report.c -------------------------------------------------------------------------------- */
typedef struct Report {
    FILE *to, *progress;
    int runs, name_width, epoch_width, step_width; /* the widest of all runs */
    bool keeps;                                    /* one of several runs keeps its best */
    bool bar, plain;
    double redrawn;
    int drawn; /* progress; drawn: characters on the line */
} Report;
void report_open(Report *report, const Driver *driver, Training *const *trainings, int count);
void report_heading(const Report *report, const Training *t);
void report_line(const Report *report, const Training *t);
void report_progress(Report *report, const Training *t, double elapsed); /* at most some times a second */
void report_clear_progress(Report *report);
void report_summary(const Report *report, const Training *t);
void report_arrays(const Report *report, Training *t); /* report_arrays.c: of measures that are arrays */
void report_array(const Run *run, const Measure *measure, const double *values, FILE *to);
void report_parameters(const Report *report, const Training *t);
const char *report_figure(char *to, size_t size, double figure, bool known); /* six digits; "-" if not known */
const char *report_duration(char *to, size_t size, double seconds);          /* "39 us" */
const char *report_count(char *to, size_t size, int64_t count);              /* "1,500" */

/* ---- comparison.c ---------------------------------------------------------------------------- */
typedef struct Ranking {
    Training **runs;
    int count; /* the best first, where they are judged */
    const char *figure;
    bool highest;   /* NULL: they have nothing in common */
    bool folds;     /* rows judge that are others in each */
    Training *best; /* NULL: none can be told */
} Ranking;
Ranking ranking_of(Arena *arena, Training *const *trainings, int count);
enum { MOST_TABLE_COLUMNS = 24 };
/* Row 0 is the headings. */
typedef struct Table {
    const char **cells[MOST_TABLE_COLUMNS];
    bool left[MOST_TABLE_COLUMNS];
    int columns, rows;
    Arena *arena;
} Table;
const char **table_column(Table *table, bool left, const char *heading); /* the cells under the heading */
void table_print(const Table *table, FILE *to);
Table comparison_table(const Ranking *ranking); /* of one run as well */
/* What `each` gave the run, or what it has without. */
const char *run_setting_text(Arena *arena, const Run *run, const char *name);
/* Has it nothing to show, as nothing was kept before? */
bool training_diverged(const Training *t);
void report_comparison(const Report *report, const Ranking *ranking);
/* The command with what shapes a training: settings, data, seed; run NULL: all of them. */
const char *training_command(const Driver *driver, const char *run);

/* ---- spread.c -------------------------------------------------------------------------------- */
/* Means and deviations over folds and seeds, a row for each setting of the rest; of no rows where there are none.
 * judged: the best is marked. */
Table spread_table(const Ranking *ranking, bool *judged);
void report_spread(const Report *report, const Ranking *ranking);

/* ---- held_out.c: --predictions ------------------------------------------------------------------- */
/* The file of the run's predictions; NULL: one with the run before it. */
const char *held_out_path(Arena *arena, const Program *program, const char *path, int run);
bool held_out_is_possible(Driver *driver); /* false after a complaint */
bool held_out_write(Driver *driver, Training *const *trainings, int count);

/* ---- log.c ----------------------------------------------------------------------------------- */
typedef struct Log Log;
Log *log_open(Driver *driver, Training *const *trainings, int count); /* NULL after a complaint */
void log_row(Log *log, const Training *t);
/* Of event files, before work; false after a complaint. */
bool log_folder_is_possible(Driver *driver);
bool log_close(Log *log); /* false after a complaint */

/* ---- saved.c, record.c ------------------------------------------------------------------------ */
/* FILE, or with several runs FILE's name with -RUN before its extension. */
/* What the runtime saves and restores of a cell. */
sgdrt_model_cell saved_cell(const Cell *cell);
const char *saved_path(Arena *arena, const char *path, const Run *run, int runs);
bool saved_write(Training *t, const char *path);
/* Writes a file of malloc's bytes, and frees them; false after a diagnostic. */
bool saved_put(Driver *driver, const char *path, void *bytes, size_t length);
/* While training goes on; false and *why, a sentence part. */
bool saved_write_between(Training *t, const char *path, const char **why);
bool saved_read(Training *t, const char *path);
/* The same of a file that may be anything: false, and all is as it was. */
bool saved_try(Training *t, const char *path, sgdrt_problem *problem);
/* start = load("file"): parameters and layers' state only. */
bool saved_read_parameters(Training *t, const char *path);
/* start = other: the same from a run that has ended. */
void saved_copy_parameters(Training *t, const Training *from);

/* ---- served.c ---------------------------------------------------------------------------------- */
/* Leaves the program with the one run that --run names, or the file says. EXIT_DONE, or what to exit with. */
ExitCode served_choose_run(Driver *driver, const sgdrt_checkpoint *file);
/* All that serves, into a cleared state; false after a diagnostic. */
bool served_restore(Driver *driver, const sgdrt_checkpoint *file, const Run *run, void *state);

/* ---- resume.c: --save-every, --resume ---------------------------------------------------------- */
/* The step at which a call must end so that its state is saved. */
int64_t resume_next_save(const Training *t, int64_t step);
bool resume_save_is_due(const Training *t);
/* What cannot be written is said, and training goes on. */
void resume_save(Training *t);
/* Goes on from the newest whole file of this run, if there is one. */
void resume_find(Training *t);

/* ---- quadratic.c ------------------------------------------------------------------------------ */
/* The note that lr is above 2/L, if the objective is a quadratic and the rate a literal. Uses t's memory before
 * training, and leaves it as it was. */
void quadratic_check(Training *t);
/* L, the largest eigenvalue of the mean Hessian over the training rows; NaN: dear to know. Of such a run alone. */
double quadratic_curvature(Training *t);

#endif
