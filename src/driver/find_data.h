/* Where a data file named in a program lies. */
#ifndef SGDC_DRIVER_FIND_DATA_H
#define SGDC_DRIVER_FIND_DATA_H
#include "support/support.h"

/* As written (absolute, or relative to the .sgd file), then in the folder "data" beside the .sgd file, in the
 * current folder, and in each folder of SGDC_DATA.
 * NULL if it is in none of them; then *searched lists the folders, for the message. */
const char *find_data_file(Arena *arena, const char *program_path, const char *name, const char **searched);
/* The same of a folder. */
const char *find_data_folder(Arena *arena, const char *program_path, const char *name, const char **searched);

/* Where the name has * or ?: the files of such names in the first of these folders that has any, in the order of their
 * names. Else none. */
const char **find_data_files(Arena *arena, const char *program_path, const char *name, int *count);

#endif
