/* One-example graphs of data sets, evaluated row by row through the interpreter (synthetic.c). */
#ifndef SGDC_DRIVER_SYNTHETIC_H
#define SGDC_DRIVER_SYNTHETIC_H
#include "ir/program.h"
#include "sgdrt.h"

/* Fills every synthetic column of the table, each row's columns in order. */
void synthetic_fill(const DataSet *set, sgdrt_table *table);
/* keep[r] becomes 1 where the set's `keep` holds for row r. */
void synthetic_keep(const DataSet *set, const sgdrt_table *table, uint8_t *keep);
/* The label that field `field` gives row r. */
void synthetic_labels(const DataSet *set, const sgdrt_table *table, int field, int32_t *labels);

#endif
