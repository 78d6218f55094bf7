/* Where a data file named in a program lies. */
#ifndef SGDC_DRIVER_FIND_DATA_H
#define SGDC_DRIVER_FIND_DATA_H
#include "support/support.h"

/* As written (absolute, or relative to the .sgd file), then in the current folder, in each folder of SGDC_DATA,
 * and in ../shared/data seen from the current folder, the .sgd file's folder and its two parents.
 * NULL if it is in none of them; then *searched lists the folders, for the message. */
const char *find_data_file(Arena *arena, const char *program_path, const char *name, const char **searched);

#endif
