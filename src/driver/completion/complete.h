/* completion: what a shell may offer where the cursor stands.
 *
 *   complete.c   the answer, from the tables of options and commands: `sgdc --complete WORD...`
 *   sgdc.bash sgdc.fish sgdc.zsh    ask for it, in the terms of their shell; `sgdc --completions=SHELL` prints them
 *
 * The scripts know no option, so they fit every sgdc. An answer has a line for each word that may stand in place of the
 * last one: the word, a tab, and what it means, or nothing; an option that ends in = takes a value. A line
 *
 *     :files HEAD EXTENSION       with tabs between
 *
 * asks the shell for names of files, those with the extension or, where that is empty, all; what the user has typed of the
 * name follows HEAD (--load=).
 */
#ifndef SGDC_DRIVER_COMPLETION_COMPLETE_H
#define SGDC_DRIVER_COMPLETION_COMPLETE_H
#include "driver/driver.h"

extern const EmbeddedFile completion_files[]; /* made by cmake/embed.cmake; ends with name NULL */

/* The words behind `sgdc` up to the cursor; the last one is being written and may be "". */
ExitCode complete_words(Driver *driver, CommandLine words);
/* The script for a shell: bash, fish or zsh. */
ExitCode completion_script(Driver *driver, const char *shell);

#endif
