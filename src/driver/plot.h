/* plot: loss curves of runs, drawn by gnuplot as a child process.
 *
 * The name says the kind: .svg .png .pdf, "-" for characters on the terminal, .gp for the script alone (to
 * restyle). Two panels: loss against epoch, and loss against time with a logarithmic axis; below them two for each
 * measure. The loss is that over all training rows, at the parameters as they were then; a measure is over the
 * validation rows, or the training rows where none validate. One colour per run, of many runs for the three best; validation is
 * dashed in its run's colour, a circle is the epoch that is kept. What is not finite is left out of the curve.
 */
#ifndef SGDC_DRIVER_PLOT_H
#define SGDC_DRIVER_PLOT_H
#include "support/support.h"

typedef struct PlotPoint {
    double epoch;                  /* epochs done, may be a fraction (reports by steps) */
    int64_t step;                  /* steps done */
    double seconds;                /* since the run started training; 0 for the state before the first step */
    double train_loss, valid_loss; /* NaN: not known here */
    const double *measures;        /* as many as the run has */
} PlotPoint;
typedef struct PlotRun {
    const char *name;
    const PlotPoint *points;
    int point_count;
    int64_t kept_epoch; /* of the parameters that keep has kept; 0: the last */
    const char *const *measures;
    int measure_count; /* their names */
} PlotRun;

/* Draws the runs to `path`; columns is the terminal's width for "-" (0: 100). False, and *problem is a whole
 * sentence for the user (in the arena), if gnuplot is missing or failed or a file could not be written.
 * "-" writes to stdout through `terminal`. */
bool plot_write(Arena *arena, const char *path, const char *title, const PlotRun *runs, int run_count, FILE *terminal,
                int columns, const char **problem);
#endif
