/* Options of the command line: tables of rows from which parsing and --help are made. sgdc's own table is in options.c;
 * a command (commands/commands.h) has rows of its own and takes some of sgdc's.
 *
 * Parsing never exits and prints nothing: a mistake comes back as one sentence, so that it can be tested.
 */
#ifndef SGDC_DRIVER_OPTIONS_H
#define SGDC_DRIVER_OPTIONS_H
#include "ir/program.h"

typedef enum EmitKind {
#define EMIT(NAME, ...) EMIT_##NAME,
#include "driver/emit_kinds.def"
#undef EMIT
    EMIT_KIND_COUNT
} EmitKind;
typedef struct Emit {
    EmitKind kind;
    const char *path;
} Emit; /* path NULL: beside the source or on stdout */
typedef enum EmitOf { EMIT_OF_GRAPHS, EMIT_OF_LOOPS, EMIT_OF_PROCESSOR, EMIT_OF_OBJECT } EmitOf;
const char *emit_kind_text(EmitKind kind);
EmitOf emit_kind_of(EmitKind kind);

typedef enum ColorMode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;
typedef enum ProgressMode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE } ProgressMode;
typedef enum ResumeMode { RESUME_NEVER, RESUME_AUTO } ResumeMode;
typedef enum NamesMode { NAMES_SGDC, NAMES_TORCH } NamesMode;
typedef enum ErrorFormat { ERROR_FORMAT_HUMAN, ERROR_FORMAT_JSON } ErrorFormat;

/* How often or how long, in one of these; all 0: not said. */
typedef struct Amount {
    double seconds;
    int64_t epochs, steps;
    const char *text;
} Amount;

typedef struct CommandLine {
    const char *const *items; /* NULL: not asked for */
    int count;
} CommandLine;

typedef struct Options {
    const char *file;
    Vector(const char *) files; /* all that were given */
    bool run;
    const char *run_only; /* --run, --run=a,b */
    bool check, dry_run, summary, check_grad, find_lr, interpret, f64, machine, help, version;
    Vector(Emit) emit;
    const char *output, *name, *cpu, *target;
    int optimize; /* -O0 .. -O3 */
    int64_t threads, seed;
    bool has_seed; /* threads 0: as many as the process may use */
    Vector(Setting) set, data;
    int64_t tune; /* seconds; 0: no */
    const char *save, *load, *log, *plot, *animate, *report, *predictions, *trace, *overfit;
    Amount save_every, time_limit;
    ResumeMode resume;
    NamesMode names; /* of parameters in saved files */
    ProgressMode progress;
    bool quiet, verbose, warnings_are_errors;
    ErrorFormat error_format;
    ColorMode color;
    const char *explain, *dump, *stop_after, *completions;
    CommandLine complete; /* a command line up to the cursor */
    const char *target_column;
    bool force;   /* of commands */
    int64_t rows; /* of commands: 0: not said */
    bool json;    /* of commands: JSON instead of text */
    bool stdio;   /* of lsp */
    const char *columns;
    bool line, skip_bad; /* of predict */
    int on;              /* of eval: its --on */
    bool time_passes;
} Options;
/* Is data loaded and a training prepared? */
static inline bool options_train(const Options *o) { return o->run || o->dry_run || o->find_lr || o->tune > 0; }

typedef enum OptionKind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *, required */
    OPTION_RUN,     /* bool and const char *, optional */
    OPTION_EMIT,    /* list of kinds */
    OPTION_SEED,    /* unsigned number, with has_seed */
    OPTION_COUNT,   /* int64_t >= 1 */
    OPTION_SECONDS, /* int64_t >= 1, optional */
    OPTION_WHOLE,   /* const char *, a whole number >= 1 */
    OPTION_LEVEL,   /* 0 .. 3 */
    OPTION_AMOUNT,  /* Amount: of time, epochs or steps */
    OPTION_TIME,    /* Amount: of time */
    OPTION_CHOICE,  /* int, an index into the row's choices */
    OPTION_PAIR,    /* NAME=VALUE, repeatable */
    OPTION_REST     /* CommandLine: all words behind it, unread */
} OptionKind;

typedef struct OptionRow {
    const char *name;
    char letter; /* name NULL: only the letter; neither: a heading */
    OptionKind kind;
    size_t offset;        /* OPTION_AT(member) */
    const char *argument; /* as --help shows it */
    const char *choices;  /* CHOICE: "auto bar plain none" */
    const char *help;     /* NULL: the end of the table */
} OptionRow;
#define OPTION_AT(member) offsetof(Options, member)

/* What may stand on a command line. */
typedef struct Grammar {
    const char *command;   /* "predict"; NULL: sgdc itself */
    const char *arguments; /* "MODEL.sgd --load=FILE" */
    const char *file;      /* ".sgd file", which it needs; NULL: none */
    const char *summary;   /* one line of --help */
    const OptionRow *rows; /* its own; the last one is {0} */
    const char *shared;    /* rows of sgdc's own: "set data q" */
    /* Of options that make no sense together: a sentence, or NULL. May be NULL itself. */
    const char *(*check)(Arena *arena, const Options *options);
    bool many_files; /* any number of files */
} Grammar;
extern const Grammar options_of_sgdc;

/* False and *problem (a whole sentence) for a command line that cannot be understood. argv[0] is passed over. */
bool options_parse(Arena *arena, const Grammar *grammar, int argc, char **argv, Options *options, const char **problem);
/* The grammar's rows and those it shares, headings too; their number. */
enum { MOST_OPTION_ROWS = 100 };
int options_rows(const Grammar *grammar, const OptionRow *list[MOST_OPTION_ROWS]);
/* What --name, --name=VALUE, -x or -xVALUE means, or NULL. */
const OptionRow *option_row(const OptionRow *const *rows, int count, const char *argument);
bool option_needs_value(const OptionRow *row);
/* The rows, as --help shows them. */
void options_print(FILE *to, const Grammar *grammar);

#endif
