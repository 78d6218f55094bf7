/* commands: what has a name of its own on the command line, `sgdc NAME ...`.
 *
 *   commands.c     THE TABLE: a row for each command; which one a command line names; --help
 *   predict.c      predictions for new rows;  new_rows.c: the rows
 *   eval.c         losses and errors over a set of rows;  eval_figures.c: its figures;  eval_print.c: as text and JSON
 *   inspect.c      what is in a saved file
 *   new.c          a starter program for a table; new.h is the map of its other files, new_profile.c, new_choices.c and
 *                  new_program.c
 *   show.c         the data as it is read; show.h is the map of its other files, show_figures.c, show_images.c and
 *                  show_twins.c
 *   noise.c        how the gradient of a mini-batch scatters around that of all rows
 *   fmt.c          programs in the one style (src/format)
 *   lsp.c          a language server for editors: src/lsp
 *   trained.c      for commands that use a model: one run of a program with the parameters of a saved file
 *
 * To add one: a file of its own here with its Grammar's rows, its function and `const Command command_NAME`, a declaration
 * below, and its line in the table. What its options set are members of Options. The manual has a section for each;
 * tests/driver/man_page.sh holds it against --help.
 *
 * A command gets its Driver with the options parsed and nothing compiled: one that works on a program calls
 * driver_compile. What it returns is the exit code; diagnostics are printed after it. No command costs a plain
 * `sgdc FILE.sgd` anything: what only a command needs is made in its function.
 */
#ifndef SGDC_DRIVER_COMMANDS_H
#define SGDC_DRIVER_COMMANDS_H
#include "driver/driver.h"

typedef struct Command {
    Grammar grammar; /* name, --help, options */
    ExitCode (*run)(Driver *driver);
} Command;

/* Options of sgdc that commands share: all of them, and those that compile a program. */
#define SHARED_BY_ALL "q W error-format color help"
#define SHARED_BY_COMPILERS "set data seed threads interpret cpu O progress time-passes " SHARED_BY_ALL

/* ---- commands.c ---------------------------------------------------------------------------- */
/* The command that the first argument names, or NULL: then sgdc itself is meant. False and *problem: a sentence. */
bool command_find(Arena *arena, int argc, char **argv, const Command **command, const char **problem);
const Command *command_at(int index); /* of the table, in its order; NULL: there are no more */
/* Of a command, or with NULL of sgdc. */
void command_print_help(FILE *to, const Command *command);

/* ---- the commands -------------------------------------------------------------------------- */
extern const Command command_eval;
extern const Command command_fmt;
extern const Command command_inspect;
extern const Command command_lsp;
extern const Command command_new;
extern const Command command_noise;
extern const Command command_predict;
extern const Command command_show;

#endif
