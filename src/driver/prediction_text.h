/* Predictions as rows of a csv or lines of JSON (prediction_text.c). */
#ifndef SGDC_DRIVER_PREDICTION_TEXT_H
#define SGDC_DRIVER_PREDICTION_TEXT_H
#include "driver/seeing.h"

typedef struct PredictionForm {
    bool json;
    ClassRule rule; /* NONE: numbers as they are */
    int64_t elements, classes;
    const char **class_texts; /* as they are written; NULL: numbers */
    const char **score_names; /* where there is a score for each */
    const char *const *text_names;
    int text_count; /* columns of the file that stand before it */
} PredictionForm;

PredictionForm prediction_form(Driver *driver, const Run *run, const char *const *texts, int text_count);
/* The csv's header; nothing in JSON. */
void prediction_heading(Text *to, const PredictionForm *form, const Run *run);
/* begin: where the texts of the row begin; text_end: where each ends. */
void prediction_row(Text *to, const PredictionForm *form, const float *values, const char *text, size_t begin,
                    const size_t *text_end);
#endif
