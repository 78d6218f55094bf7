/* sgdc lsp: the language server (lsp/lsp.h) on stdin and stdout. */
#include "driver/commands/commands.h"
#include "lsp/lsp.h"
#include <unistd.h>

static ExitCode run_lsp(Driver *driver) {
    (void)driver;
    return lsp_serve(STDIN_FILENO, STDOUT_FILENO, driver_version_number()) == 0 ? EXIT_DONE : EXIT_SOURCE;
}

static const OptionRow rows[] = {
    {"stdio", 0, OPTION_FLAG, OPTION_AT(stdio), NULL, NULL, "talk over stdin and stdout, as it always does"},
    {0},
};
const Command command_lsp = {
    {.command = "lsp",
     .arguments = "",
     .summary = "a language server, which editors start and talk to over stdin and stdout",
     .rows = rows,
     .shared = "help"},
    run_lsp,
};
