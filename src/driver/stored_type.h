/* What arrays in files are made of (stored_type.c). */
#ifndef SGDC_DRIVER_STORED_TYPE_H
#define SGDC_DRIVER_STORED_TYPE_H
#include "driver/driver.h"

/* LowerOptions.stored_as, of a .npy file; the context is the Driver. */
StoredAs stored_type(void *context, const DataSet *set, const char *path);
#endif
