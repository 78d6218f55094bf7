/* show: what the files of `sgdc show` share with nobody else.
 *
 *   show.c           the command: what it prints, and in which order
 *   show_figures.c   figures of fields, in f64
 *   show_images.c    fields that are small images, as shades of characters
 *   show_twins.c     rows that train and validate
 *
 * Fields that are stored columns are looked at as the file has them, before anything is standardised; others are
 * computed from standardised columns, as a model sees them.
 */
#ifndef SGDC_DRIVER_SHOW_H
#define SGDC_DRIVER_SHOW_H
#include "driver/tables.h"

typedef struct ElementFigures {
    double low, high, mean, deviation;
    int64_t finite;
} ElementFigures;

typedef struct FieldFigures {
    const DataSet *set;
    const Field *field;
    const Column *column; /* it is exactly, as stored; NULL: computed */
    int64_t elements;
    ElementFigures *element, whole; /* of each, of all together */
    int64_t not_finite;             /* numbers that are nan or infinite */
    int64_t *class_rows;            /* of a label, per class; NULL: no label, or too many */
    double *first;
    int64_t first_rows; /* its values in the first rows, elements each */
} FieldFigures;

/* ---- show_figures.c ------------------------------------------------------------------------- */
/* Over all rows of the table; the first first_rows of them are kept. */
FieldFigures figures_of_field(Arena *arena, const DataSet *set, const sgdrt_table *table, const Field *field,
                              int64_t first_rows);

/* ---- show_images.c -------------------------------------------------------------------------- */
bool figures_are_image(const FieldFigures *figures);
/* How many stand side by side in a line. */
int64_t images_in_line(const FieldFigures *figures);
/* captions[i] stands above image i. unicode: shades of Unicode, else of ASCII. */
void show_images(Text *to, const FieldFigures *figures, const char *const *captions, int64_t count, bool unicode);

/* ---- show_twins.c --------------------------------------------------------------------------- */
enum { MOST_TWINS_NAMED = 3 };
typedef struct Twins {
    int64_t count; /* rows that validate and that train as well */
    struct {
        int64_t train, valid;
    } named[MOST_TWINS_NAMED]; /* rows of the tables */
} Twins;
/* Rows whose fields read the same numbers. False where the two data sets are not stored alike. */
bool twins_find(Arena *arena, const DataSet *set, const RunData *data, Twins *twins);

#endif
