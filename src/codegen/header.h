/* header: the C header of an emitted object (header.c). */
#ifndef SGDC_HEADER_H
#define SGDC_HEADER_H
#include "ir/program.h"

typedef struct HeaderBlock {
    const Run  *run;
    const char *prefix;                    /* a C identifier */
    size_t train_bytes, predict_bytes;     /* instance with state and work; work of predict */
    const bool *predicts;                  /* per column of the data set: predict reads it */
} HeaderBlock;

/* Adds the whole header to `to`. stem names the file and the guard. */
void header_write(Text *to, const char *stem, const HeaderBlock *blocks, int count);
/* `name` with everything that C does not allow in an identifier replaced by `_`. */
char *header_identifier(Arena *arena, const char *name);
/* The field a stored column is known by, or NULL; and the name of its member in NAME_data. */
const Field *header_field_of_column(const DataSet *data, int column);
const char *header_member_name(const DataSet *data, int column);
#endif
