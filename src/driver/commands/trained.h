/* A trained model that commands use: one run of a program with the parameters of a saved file (trained.c). */
#ifndef SGDC_DRIVER_TRAINED_H
#define SGDC_DRIVER_TRAINED_H
#include "driver/driver.h"
#include "sgdrt.h"

typedef struct Trained {
    Driver *driver;
    Run *run;
    Executor *executor;
    struct Codegen *codegen; /* NULL where it is interpreted */
    void *state;
    const double **mean, **deviation; /* per column of run->data, as saved; NULL: not standardized */
} Trained;

/* "sgdc predict needs ...": --load was not given; or NULL. */
const char *trained_check_options(Arena *arena, const Options *options, const char *command);
/* Compiles the program for the run that --run names, or the file says, and restores what the file has of it. `cut` takes
 * functions from the run, or gives it some, before the graph passes; those that init and step were are gone by then.
 * Columns are taken standardized. EXIT_DONE, or what to exit with; then there is nothing to close. */
ExitCode trained_open(Driver *driver, bool (*cut)(Driver *driver, Run *run), Trained *trained);
void trained_close(Trained *trained);
/* The data set whose file --data says, or else the one that the run trains on. NULL after a complaint. */
const DataSet *trained_data(Driver *driver, const Run *run);
/* Is its file one that --data says? Then all of it is meant: `rows` and `copies` of the program are about its own. */
bool trained_data_is_given(const Driver *driver, const DataSet *set);
/* Marks the columns that the node reads. */
void trained_mark_columns(Arena *arena, Node *node, bool *columns);
#endif
