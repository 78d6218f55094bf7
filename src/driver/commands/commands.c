/* The table of commands, in the order of --help. */
#include "driver/commands/commands.h"
#include "driver/output.h"
#include <ctype.h>
#include <string.h>

static const Command *const table[] = {&command_predict, &command_eval, &command_new, &command_show, &command_inspect,
                                       &command_noise,   &command_fmt,  &command_lsp, NULL};
enum { COMMAND_COUNT = sizeof table / sizeof *table - 1 };

const Command *command_at(int index) { return table[index]; }

/* A name that stands where a command's could: no path, no extension, no file. */
static bool looks_like_command(const char *word) {
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_') return false;
    return isalpha((unsigned char)*word) && !path_is_file(word) && !path_is_folder(word);
}

static const char *unknown_command(Arena *arena, const char *word) {
    const char *names[COMMAND_COUNT + 1];
    for (int i = 0; i < COMMAND_COUNT; i++) names[i] = table[i]->grammar.command;
    const char *near = nearest_name(word, names, COMMAND_COUNT);
    return text_format(arena,
                       "there is no command %s, nor a program of this name%s%s%s (sgdc --help lists the commands)",
                       word, near ? "; did you mean sgdc " : "", near ? near : "", near ? "?" : "");
}

bool command_find(Arena *arena, int argc, char **argv, const Command **command, const char **problem) {
    *command = NULL;
    *problem = NULL;
    if (argc < 2) return true;
    for (int i = 0; i < COMMAND_COUNT && !*command; i++)
        if (strcmp(table[i]->grammar.command, argv[1]) == 0) *command = table[i];
    if (!*command && looks_like_command(argv[1])) *problem = unknown_command(arena, argv[1]);
    return !*problem;
}

/* ---- --help ---------------------------------------------------------------------------------- */
static const char exit_codes[] =
    "\nExit codes: 0 done, 1 errors in the source, 2 usage, 3 data or files, 4 diverged, 5 a defect of sgdc,\n"
    "6 ended by --time-limit, 128+N ended by signal N (130: Ctrl-C). Data files are looked for beside the .sgd file,\n"
    "in a folder data beside it, in the current folder, and in the folders of SGDC_DATA (separated by colons).\n";

static void print_help_of_sgdc(FILE *to) {
    fprintf(to, "sgdc: compiles a training experiment and runs it, or makes an object that trains\n\n"
                "  sgdc FILE.sgd            write FILE.o and FILE.h\n"
                "  sgdc FILE.sgd --run      train now\n"
                "  sgdc FILE.sgd --check    diagnose only\n");
    if (COMMAND_COUNT) fprintf(to, "\nCommands (sgdc COMMAND --help says more)\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  sgdc %-19s %s\n", table[i]->grammar.command, table[i]->grammar.summary);
    options_print(to, &options_of_sgdc);
    fputs(exit_codes, to);
}

void command_print_help(FILE *to, const Command *command) {
    if (!command) {
        print_help_of_sgdc(to);
        return;
    }
    const Grammar *grammar = &command->grammar;
    fprintf(to, "sgdc %s: %s\n\n  sgdc %s %s\n", grammar->command, grammar->summary, grammar->command,
            grammar->arguments);
    options_print(to, grammar);
    fputs(exit_codes, to);
}
