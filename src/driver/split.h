/* Which rows train and which are held out (split.c). */
#ifndef SGDC_DRIVER_SPLIT_H
#define SGDC_DRIVER_SPLIT_H
#include "driver/tables.h"

/* All rows of the data set, its copies one after the other. */
RowSet split_none(Arena *arena, const DataSet *set, const sgdrt_table *table);
/* By the run's hold_out; both in file order. */
void split_rows(Arena *arena, const Run *run, const sgdrt_table *table, RowSet *train, RowSet *valid);

#endif
