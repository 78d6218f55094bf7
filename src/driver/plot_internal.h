/* plot_internal: for plot.c (the child process), plot_script.c (its text), plot_scale.c (its axes) and plot_figure.c (other figures). */
#ifndef SGDC_DRIVER_PLOT_INTERNAL_H
#define SGDC_DRIVER_PLOT_INTERNAL_H
#include "driver/plot.h"

typedef enum PlotFormat { PLOT_SVG, PLOT_PNG, PLOT_PDF, PLOT_TERMINAL, PLOT_SCRIPT } PlotFormat;

typedef struct PlotAxis {
    double low, high;
    bool logarithmic;
    const char *tics; /* gnuplot's list ('"1 ms" 0.001, ...'), or NULL: its own */
} PlotAxis;

/* Of one name, in all runs that have it. */
typedef struct PlotMeasure {
    const char *name;
    PlotAxis axis;
} PlotMeasure;
enum { MOST_MEASURES = 8 }; /* drawn */

typedef struct Plot {
    Arena *arena;
    const char *title;
    const PlotRun *runs;
    int run_count;
    bool has_valid;
    bool has_time; /* some point has a time above 0 */
    PlotAxis epoch, time, loss;
    PlotMeasure measures[MOST_MEASURES];
    int measure_count;
    bool more_measures; /* than are drawn */
    const char *prefix; /* the first word of all runs' names, where they share it; else NULL */
    const int *order;   /* run_count of them, the one with the least loss first */
    bool highlights;    /* too many to tell apart: the first three have colours, the others are grey */
} Plot;

void plot_scale(Plot *plot);
/* NaN: the run has no measure of this name, or its value is not known. */
double plot_measure(const PlotRun *run, const PlotPoint *point, const char *name);
/* The point of the epoch that is kept, or the last finite one; NULL: there is none. */
const PlotPoint *plot_result(const PlotRun *run);
/* Runs gnuplot on the script and collects what it draws; one that is silent for so long is ended. */
bool plot_draw(Arena *arena, const char *script, int patience_ms, Text *picture, const char **problem);
/* What a path asks for; false and *problem: a sentence. */
bool plot_find_format(Arena *arena, const char *path, PlotFormat *format, const char **problem);
int plot_columns(int columns); /* of a terminal as wide (0: not known) */
/* Draws the script into the path; false and *problem: a sentence. */
bool plot_put(Arena *arena, const char *path, PlotFormat format, const char *title, const char *script, FILE *terminal,
              const char **problem);

/* Parts of a script, for a figure of so many pixels. */
void plot_script_terminal(Text *text, PlotFormat format, int width, int height, const char *output);
void plot_script_style(Text *text, const char *title, const char *subtitle, int width, int height);
void plot_script_axis(Text *text, char name, const PlotAxis *axis);
const char *plot_script_tics(Arena *arena, const PlotAxis *axis, bool labelled); /* of a logarithmic axis, or NULL */
const char *plot_script_color(int color);
/* The script up to the last plot command. columns, rows: of the terminal; output: what a .gp draws into. */
char *plot_script(const Plot *plot, PlotFormat format, const char *output, int columns, bool color);

#endif
