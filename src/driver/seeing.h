/* seeing: what a model does with its data as pictures, and how they changed in training: --animate and --report.
 *
 *   predictor.c   rows in the data's own units through ENTRY_PREDICT
 *   picture.c     what there is to see of a run: chosen from its data and its prediction, before the first step
 *   film.c        frames of that picture, taken in training
 *   animate.c     --animate: the film as .gif or .webp (film_script.c: the script for gnuplot) or as a page
 *   judge.c       predictions beside the truth: confusion of classes, the worst rows
 *   page.c        --report: everything about a training as one page (page_judged.c, page_data.c; html.h)
 *
 * A training that nobody looks at has no film: then nothing here is called.
 */
#ifndef SGDC_DRIVER_SEEING_H
#define SGDC_DRIVER_SEEING_H
#include "driver/training.h"

/* ---- predictor.c ------------------------------------------------------------------------------- */
typedef struct Predictor {
    Training *training;
    int64_t most;      /* rows of a call */
    int outputs;       /* numbers per row */
    bool *reads;       /* per column of the data */
    bool standardized; /* what predict reads */
    sgdrt_column *columns;
    float *values; /* of the last call, outputs per row */
    int64_t place; /* number of its first row, for draws */
} Predictor;
/* NULL: the run predicts nothing. */
Predictor *predictor_new(Training *t, int64_t most);
/* What stands for a missing value of the column in this state, a mean or a median; NaN: nothing that is learnt, or
 * that is known yet (state NULL). */
double column_fill(const Run *run, const void *state, int column, int64_t element);
/* The field's value, with that. */
Node *field_value(Arena *arena, const Run *run, const void *state, const Field *field);
/* What stands in the table, in the data's own units. */
double data_value(const Training *t, const sgdrt_table *table, int column, int64_t element, int64_t row);
/* All numbers of a field of that row, in the data's own units where the field is a column. */
void data_field(const Training *t, const sgdrt_table *table, int field, int64_t row, double *values);
/* "mass", or "x[2]" where the file has no name for it (picture.c). */
const char *data_element_name(Arena *arena, const DataSet *set, int column, int64_t element);
void predictor_put(Predictor *p, int64_t place, int column, int64_t element, double value);
/* A whole row of the table. */
void predictor_put_row(Predictor *p, int64_t place, const sgdrt_table *table, int64_t row);
const float *predictor_call(Predictor *p, const void *state, int64_t count);
int64_t row_of(const RowSet *rows, int64_t place); /* its number in the table */
/* 0 .. count-1 thinned out evenly: place i of `wanted`. */
int64_t evenly(int64_t i, int64_t wanted, int64_t count);

/* ---- judge.c ----------------------------------------------------------------------------------- */
/* What a prediction is held against: the target of the run, where that is one column. */
typedef struct Truth {
    int column;  /* -1: there is none */
    int classes; /* 0: it is a number */
    const char *name;
    int field;
} Truth;
Truth target_of(const Training *t, const Predictor *p);
/* What class k of the field is called: the text or the number that the file has for it. */
const char *trained_class_name(Arena *arena, const DataSet *set, int field, int64_t k);
/* How `outputs` numbers say a class. */
typedef enum ClassRule { CLASS_NONE, CLASS_LARGEST, CLASS_ITSELF, CLASS_HALF, CLASS_SIGN } ClassRule;
ClassRule class_rule(const Training *t, const Truth *target, int outputs);
/* The same where no table is read; how many classes there are, as the rule finds them. The run predicts something. */
ClassRule class_rule_of_run(const Run *run, int64_t *classes);
int class_of(ClassRule rule, const float *values, int outputs);
/* How sure a prediction of the class `of` is, 0 .. 1, where the numbers are probabilities or logits of two; else NaN. */
double class_share(ClassRule rule, const float *values, int outputs, int of);

enum { WORST_ROWS = 10 };
typedef struct Worst {
    int64_t row;
    double truth, predicted, error;
} Worst; /* row of the table */
typedef struct Judgement {
    Truth target;
    ClassRule rule;
    bool validated; /* over validation rows; else training rows */
    const RowSet *rows;
    int64_t count, right;
    int64_t *confusion; /* classes x classes: truth, then prediction */
    Worst worst[WORST_ROWS];
    int worst_count;
    double mean_squared, mean_absolute, spread; /* numbers: spread is the truth's variance */
} Judgement;
/* At the parameters that serve; NULL: there is nothing to hold predictions against. */
Judgement *judge(Training *t);

/* ---- picture.c --------------------------------------------------------------------------------- */
typedef enum PictureKind {
    PICTURE_NONE,      /* the losses alone */
    PICTURE_CURVE,     /* one input: the prediction over it */
    PICTURE_PLANE,     /* two inputs: the prediction at each place, a colour */
    PICTURE_WEIGHTS,   /* images: the parameters that lie over them */
    PICTURE_AGREEMENT, /* many inputs, a number: predicted over true */
    PICTURE_CONFUSION  /* many inputs, a label: how often which is taken for which */
} PictureKind;
typedef struct PictureAxis {
    const char *name;
    double low, high;
    int column;
    int64_t element;
} PictureAxis;
typedef struct Picture {
    PictureKind kind;
    Truth target;
    ClassRule rule;
    PictureAxis x, y;
    int width, height; /* of the grid, or of one image */
    int count;         /* curves; images; points of an agreement */
    double low, high;  /* of the colours */
    int values;        /* numbers of a frame */
    int point_count;
    const float *points;  /* x, y, truth each */
    const Cell *cell;     /* whose weights */
    const uint32_t *rows; /* of an agreement or a confusion: in the training's table */
    Predictor *predictor;
} Picture;
/* The first field that is an image, and its sides; -1: there is none. */
int picture_image(const DataSet *set, int *height, int *width);
void picture_choose(Training *t, Picture *picture);
/* Its numbers as the state has them. */
void picture_take(const Picture *picture, Training *t, const void *state, float *values);
const char *picture_says(Arena *arena, const Picture *picture); /* a caption: "y over x, and the rows" */

/* ---- film.c ------------------------------------------------------------------------------------- */
typedef struct FilmFrame {
    int64_t step;
    double epoch;
    const float *values;
} FilmFrame;
typedef struct Film {
    Picture picture;
    int64_t *due;
    int due_count, next; /* steps, ascending */
    FilmFrame *frames;
    int frame_count;
    bool losses; /* evaluated at each frame: few rows and parameters */
} Film;
bool films_wanted(const Options *o);
Film *film_new(Training *t);              /* picture chosen, steps planned; before training */
int film_capacity(const Film *film);      /* frames it takes at most; NULL: 0 */
int64_t film_next(const Film *film);      /* the next step that has a frame; INT64_MAX: none */
void film_begin(Film *film, Training *t); /* at the first step, of a run that goes on as well */
/* A frame, if one is due; true if the losses of this step are wanted too. */
bool film_take(Film *film, Training *t);
void film_end(Film *film, Training *t); /* the state as training has left it */
/* The loss at the frame, or the last known before it: the point of the run's curve; NULL: none. */
const PlotPoint *film_loss(const Training *t, const FilmFrame *frame);

/* ---- animate.c, film_script.c ------------------------------------------------------------------ */
enum { MOST_FILMS = 4 }; /* runs side by side */
/* Can a picture of this kind be made here? Asked before training: complains. */
bool animate_is_possible(Driver *driver);
bool animate_write(Driver *driver, Training *const *trainings, int count, const Ranking *ranking);
/* Which runs are shown, at most MOST_FILMS: all, or the best and the others in order. Their number. */
int films_shown(Training *const *trainings, int count, const Ranking *ranking, Training **shown);
enum { FILM_DELAY = 9, FILM_HOLD = 130 }; /* of a frame, of the last one: hundredths of a second */
/* Draws the frames one after the other: as png, or all as one webp. */
char *film_script(Arena *arena, Training *const *shown, int count, const char *title, bool webp);

/* ---- html_film.c -------------------------------------------------------------------------------- */
void html_add_films(Text *page, Training *const *shown, int count);
const char *film_page(Arena *arena, Training *const *shown, int count, const char *title);

/* ---- page.c: --report; its sections on rows: page_judged.c, page_data.c --------------------------- */
bool page_write(Driver *driver, Training *const *trainings, int count, const Ranking *ranking);
void page_add_judged(Text *page, Training *t);
/* A field of a row as text: numbers, or the name of a class. */
enum { MOST_ROW_NUMBERS = 12 }; /* more are not shown */
void page_add_value(Text *page, const Training *t, const sgdrt_table *table, int field, int64_t row);
void page_add_data(Text *page, const Training *t);

#endif
