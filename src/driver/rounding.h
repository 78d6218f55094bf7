/* Columns whose numbers differ in the file and no longer do as f32 (rounding.c). */
#ifndef SGDC_DRIVER_ROUNDING_H
#define SGDC_DRIVER_ROUNDING_H
#include "driver/driver.h"
#include "sgdrt.h"

/* Warns of each such column of a table that was just read as the request says. */
void rounding_check(Driver *driver, const DataSet *set, const sgdrt_request *request, const sgdrt_table *table);

#endif
