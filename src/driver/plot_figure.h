/* A figure of any two quantities, on logarithmic axes, drawn as the loss curves are (plot.h). */
#ifndef SGDC_DRIVER_PLOT_FIGURE_H
#define SGDC_DRIVER_PLOT_FIGURE_H
#include "driver/driver.h"

typedef enum PlotLook { PLOT_POINTS, PLOT_RINGS, PLOT_LINE, PLOT_CURVE } PlotLook; /* a LINE is thin and grey */
/* What an axis cannot show is left out. color: those of one number have one. */
typedef struct PlotSeries {
    const char *name;
    const double *x, *y;
    int count;
    PlotLook look;
    int color;
} PlotSeries;
/* A vertical line. */
typedef struct PlotMark {
    double x;
    const char *text;
    int color;
} PlotMark;

typedef struct PlotFigure {
    const char *title, *subtitle, *x, *y;
    const char *key; /* where the legend is: "right top" */
    bool linear_y;
    const PlotSeries *series;
    int series_count;
    const PlotMark *marks;
    int mark_count;
} PlotFigure;

/* To the path of --plot; false after a complaint. */
bool plot_figure_write(Driver *driver, const PlotFigure *figure);
/* What is wrong with a path for a plot: a sentence, or NULL. */
const char *plot_path_problem(Arena *arena, const char *path);

#endif
