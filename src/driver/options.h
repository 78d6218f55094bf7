/* Options of the command line: a table (options.c) from which parsing and --help are made.
 *
 * Parsing never exits and prints nothing: a mistake comes back as one sentence, so that it can be tested.
 */
#ifndef SGDC_DRIVER_OPTIONS_H
#define SGDC_DRIVER_OPTIONS_H
#include "ir/program.h"

typedef enum EmitKind {
    EMIT_AST, EMIT_IR, EMIT_GRAD, EMIT_LOOPS, EMIT_LLVM, EMIT_ASM, EMIT_OBJ, EMIT_HEADER, EMIT_DOT, EMIT_DEPS,
    EMIT_KIND_COUNT
} EmitKind;
typedef struct Emit { EmitKind kind; const char *path; } Emit;   /* path NULL: beside the source or on stdout */
const char *emit_kind_text(EmitKind kind);

typedef enum ColorMode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;
typedef enum ProgressMode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE } ProgressMode;
typedef enum ErrorFormat { ERROR_FORMAT_HUMAN, ERROR_FORMAT_JSON } ErrorFormat;

typedef struct Options {
    const char *file;
    bool run; const char *run_only;             /* --run, --run=a,b */
    bool check, dry_run, summary, check_grad, interpret, help, version;
    Vector(Emit) emit;
    const char *output, *name, *cpu, *target;
    int  optimize;                              /* -O0 .. -O3 */
    int64_t threads, seed; bool has_seed;          /* threads 0: as many as the process may use */
    Vector(Setting) set, data;
    const char *save, *load, *log, *plot, *trace, *overfit;
    ProgressMode progress;
    bool quiet, verbose, warnings_are_errors;
    ErrorFormat error_format; ColorMode color;
    const char *explain, *dump, *stop_after;
    bool time_passes;
} Options;

/* False and *problem (a whole sentence) for a command line that cannot be understood. */
bool options_parse(Arena *arena, int argc, char **argv, Options *options, const char **problem);
void options_print_help(FILE *to);

#endif
