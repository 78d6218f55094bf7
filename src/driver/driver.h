/* driver: what the command line does with the compiler.
 *
 *   options.c      the command line
 *   commands/      what has a name of its own, sgdc NAME ...: commands.h is the map, and where the table is
 *   completion/    what shells complete: complete.h is the map
 *   compile.c      text -> Program at the line where bits are fixed, pass by pass
 *   session.c      compiling into this process; where code is kept for later ones
 *   say.c          complaints, lines on what was done, times; the clock
 *   emit.c         --emit: trees, graphs, loops, machine code, as files or on stdout;  emit_kinds.def: which;  emit_graph.c: graphs
 *   emit_onnx.c    --emit=onnx: a trained model for other runtimes
 *   find_data.c    where data files lie;  stored_type.c: what arrays in them are made of
 *   tables.c       data sets in memory, standardised;  synthetic.c: made columns
 *   images.c       folders of pictures;  image_png.c, image_jpeg.c: what is in a file
 *   vocabulary.c   names of classes that are learnt from the data
 *   split.c        which rows train and which are held out;  rounding.c: differences that f32 loses
 *   state.c        a run's state before its first step;  learn.c: what it learns from its rows before;  classes.c, emit_classes.c: names of
 *                  classes that are texts
 *   training.h     one run in training
 *   plan.c         what is known of it before;  together.c: runs that take their steps together
 *   own_rows.c     the rows of each, side by side
 *   train.c        the loop around ENTRY_STEP;  steps.c: calls of it;  evaluate.c: losses and metrics of a set of rows
 *   threads.c      how many threads train;  watch.c: keep and stop;  rate.c: the learning rate at a moment
 *   divergence.c   the step, and the value in it, that was not finite first
 *   report.c       progress and summaries;  report_arrays.c: measures that are arrays;  log.c: --log;  events.c: event files
 *   comparison.c   the table of several runs;  spread.c: means and deviations over folds and seeds
 *   held_out.c     --predictions;  prediction_text.c: predictions as text
 *   progress.c     that compiling goes on, on a terminal
 *   curves.c       points of the losses, taken in training
 *   plot.c         --plot;  plot_scale.c: what its axes show;  plot_script.c: the script for gnuplot
 *   plot_figure.c  other figures in the same look;  plot_internal.h: between these
 *   --animate and --report are mapped by seeing.h (predictor.c, judge.c, picture.c, film.c, film_script.c, animate.c,
 *     page.c, page_judged.c, page_data.c), what pages are made of by html.h (html.c, html_chart.c, html_film.c,
 *     html_program.c), what moves by gif.h (png.c, gif.c)
 *   served.c       what serves, from a saved file
 *   torch_names.c, torch_file.c   --names=torch, and files of PyTorch: torch.h is their map
 *   saved.c        --save and --load;  resume.c: --save-every and --resume;  record.c: what keep and stop have seen, as text in a saved file
 *   machine.c      --machine;  measure.c: what of it can only be measured
 *   trace.c        --trace;  find_lr.c: --find-lr;  tune.c: --tune;  tune_rounds.c: what of a run it measures
 *   quadratic.c    the 2/L note;  gradient.c: the gradient of rows;  check_grad.c: --check-grad;  summary.c: --summary
 *   link.c         --emit=so: the system's linker;  manifest.c: --emit=manifest;  child.c: programs that work for sgdc
 *   output.c       files are written whole or not at all;  check_outputs.c: what will be written, before work
 *   interrupt.c    signals
 *
 * Results go to stdout, progress and diagnostics to stderr. Only the driver prints, exits, installs a signal
 * handler or reads the clock.
 */
#ifndef SGDC_DRIVER_DRIVER_H
#define SGDC_DRIVER_DRIVER_H
#include "driver/options.h"
#include "ir/executor.h"

typedef enum ExitCode {
    EXIT_DONE = 0,
    EXIT_SOURCE = 1,
    EXIT_USAGE = 2,
    EXIT_DATA = 3,
    EXIT_DIVERGED = 4,
    EXIT_DEFECT = 5,
    EXIT_OUT_OF_TIME = 6, /* --time-limit ended a training */
    EXIT_SIGNAL = 128     /* and the signal's number: interrupted */
} ExitCode;

typedef struct PassTime {
    const char *name;
    double seconds;
} PassTime;

typedef struct Driver {
    Arena *arena;
    Names *names;
    SourceMap *map;
    Diagnostics *diagnostics;
    const Options *options;
    Source *source;
    Ast *ast;
    Program *program;
    FILE *result, *info; /* stdout, stderr */
    Vector(PassTime) times;
    const char *kept[EMIT_KIND_COUNT]; /* graphs as text (emit_graph.c); NULL: not asked for */
    const char **identities;           /* per run (emit_graph.c); NULL: not asked for */
    bool stopped;                      /* --stop-after was reached */
    double started;                    /* clock_seconds() at the start of the process */
} Driver;

double clock_seconds(void); /* monotonic */

/* ---- compile.c ---------------------------------------------------------------------------- */
/* Parses, lowers and runs the graph passes; `gradients`: in f64, its steps compute gradients instead of updates.
 * EXIT_DONE, or what to exit with. */
ExitCode driver_compile(Driver *driver, bool gradients);
/* The same in two parts, for who changes the program between them. */
ExitCode driver_lower(Driver *driver, bool gradients, Measured measured);
ExitCode driver_run_passes(Driver *driver);
/* The names of passes and stages, in their order; their number. */
enum { MOST_PASS_NAMES = 64 };
int driver_pass_names(const char *names[MOST_PASS_NAMES]);
/* Is there a pass or stage of this name? Else *problem is a sentence. */
bool driver_check_pass_name(Driver *driver, const char *name, const char **problem);
void driver_add_time(Driver *driver, const char *name, double seconds);
struct CodegenTimes;
void driver_add_codegen_times(Driver *driver, const struct CodegenTimes *times);
void driver_print_times(Driver *driver);
void driver_print_diagnostics(Driver *driver);
const char *driver_version(Arena *arena); /* "0.1.0 (LLVM 22, native: x86-64-v4)" */
const char *driver_version_number(void);  /* "0.1.0" */
/* "sgdc: ..." on stderr, for what has no place in a source. */
void driver_complain(Driver *driver, const char *format, ...) __attribute__((format(printf, 2, 3)));
void driver_complain_no_run(Driver *driver, const char *so); /* "there is nothing to run" */
/* A line on stderr about what was done, but for -q. */
void driver_say(Driver *driver, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- machine.c ----------------------------------------------------------------------------- */
ExitCode driver_print_machine(Driver *driver);

/* ---- session.c ----------------------------------------------------------------------------- */
struct Codegen *driver_session(Driver *driver); /* as codegen_new, with what the command line says */
int threads_allowed(const Driver *driver);      /* by --threads, or as many as there are processors */
/* The same with other choices of schedules (NULL: those that are kept), and no code is kept of it. */
struct KernelTuning;
struct Codegen *driver_trial_session(Driver *driver, Arena *arena, const struct KernelTuning *tuning);
/* Where code and choices of schedules are kept; NULL: nowhere. */
const char *driver_kept_folder(Driver *driver);

/* ---- progress.c ---------------------------------------------------------------------------- */
bool driver_redraws(const Driver *driver); /* is there a line on stderr that shows progress? */
typedef struct Progress Progress;
Progress *progress_begin(Driver *driver); /* around what compiles; NULL: nothing is shown */
void progress_end(Progress *progress);

/* ---- emit_graph.c -------------------------------------------------------------------------- */
void driver_keep_graphs(Driver *driver, EmitKind kind); /* into driver->kept */
void driver_keep_identities(Driver *driver);            /* into driver->identities, at the line where bits are fixed */

/* ---- emit.c -------------------------------------------------------------------------------- */
ExitCode driver_emit(Driver *driver);
/* As --emit=loops prints them, of passes up to that one. */
ExitCode driver_print_loops(Driver *driver, Text *to, const char *last_pass);
const Emit *driver_emits(const Driver *driver, int *count); /* what is asked for, or the default */
const char *driver_emit_path(Driver *driver, Emit emit);    /* "-": stdout */
bool driver_make_folder(Driver *driver);                    /* -o; false after a complaint */
/* Is machine code for an application asked for (the default)? It takes rows as measured, while --run standardizes
 * them once, when they are loaded. */
bool driver_makes_object(const Driver *driver);

/* ---- emit_onnx.c -------------------------------------------------------------------------------- */
ExitCode driver_emit_onnx(Driver *driver, const char *path);

/* ---- check_outputs.c ----------------------------------------------------------------------- */
ExitCode driver_check_outputs(Driver *driver);                  /* before work; complains */
ExitCode driver_check_output(Driver *driver, const char *path); /* the same of a text that a command writes */

/* ---- train.c ------------------------------------------------------------------------------- */
ExitCode driver_train(Driver *driver);

/* ---- check_grad.c, summary.c ---------------------------------------------------------------- */
ExitCode driver_check_grad(Driver *driver);
void driver_print_summary(Driver *driver);

#endif
