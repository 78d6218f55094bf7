/* Names of classes that the program does not say: learnt from the data, saved with a model (vocabulary.c). */
#ifndef SGDC_DRIVER_VOCABULARY_H
#define SGDC_DRIVER_VOCABULARY_H
#include "driver/driver.h"
#include "sgdrt.h"

/* Gives the learnt columns of all data sets their names: of the saved file that --load or `start` names, else of the
 * data, if it is there. False after diagnostics. */
bool vocabulary_learn(Driver *driver);
/* What is saved of a data set: a key "classes.DATA.COLUMN" and a list in JSON for each learnt column. Returns how many;
 * `metadata` has room for column_count. */
int vocabulary_metadata(Arena *arena, const DataSet *set, sgdrt_metadata *metadata);
/* Has the file the same names, or none? Else *column is the first that differs. */
bool vocabulary_is_same(Arena *arena, const DataSet *set, const sgdrt_checkpoint *file, const char **column);
#endif
