/* model_facts: what a run's sgdrt_model (runtime/model.h) says and the run itself does not, for objects and for units of C
 * (model_facts.c). */
#ifndef SGDC_MODEL_FACTS_H
#define SGDC_MODEL_FACTS_H
#include "ir/program.h"

int model_lr_slot(const Run *run);                    /* the hyper-parameter lr; -1: none */
int model_split_column(const Run *run);               /* split(p, by = y): the label column that the field y is; -1 */
int model_figure(const Run *run, const char *figure); /* a measure, SGDRT_TRAIN_LOSS or SGDRT_VALID_LOSS */
int64_t model_figures(const Run *run);                /* values that evaluate writes */
int64_t model_copies(const DataSet *data);            /* how often fit takes a row; 1 for no data set */
int64_t model_outputs(const Run *run);                /* numbers that predict writes for a row */
int64_t model_row_bytes(const Node *node);            /* of a value of one row */
DType model_statistic_type(const Run *run, const Statistic *statistic); /* of what it is made of */
/* Texts that are learnt classes, as saved files have them: {"region":["east","north"]}; NULL: not known. */
const char *model_classes(Arena *arena, const DataSet *data);

#endif
