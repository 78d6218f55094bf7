/* header: the C header of an emitted object (header.c). */
#ifndef SGDC_HEADER_H
#define SGDC_HEADER_H
#include "ir/program.h"

typedef struct HeaderBlock {
    const Run  *run;
    const char *prefix;                    /* a C identifier */
    size_t train_bytes, predict_bytes;     /* instance with state and work; work of predict */
    size_t thread_bytes;                   /* more for each thread but the first */
    const bool *predicts;                  /* per column of the data set: predict reads it */
} HeaderBlock;

/* Adds the whole header to `to`. The opening line names source, the guard is made of id. */
void header_write(Text *to, const char *source, const char *id, const HeaderBlock *blocks, int count);
/* Words of C and C++, which nothing can be named. */
bool header_is_keyword(const char *name);
/* `name` with everything that C does not allow in an identifier replaced by `_`; a word of C or C++ gets one
 * behind it. */
char *header_identifier(Arena *arena, const char *name);
/* The field a stored column is known by, or NULL; and the name of its member in NAME_data. */
const Field *header_field_of_column(const DataSet *data, int column);
const char *header_member_name(Arena *arena, const DataSet *data, int column);
#endif
