/* array_file: what the header of an IDX or .npy file says. Inside the runtime only. */
#ifndef SGDRT_ARRAY_FILE_H
#define SGDRT_ARRAY_FILE_H
#include "input.h"

typedef enum ArrayItemKind { ITEM_UNSIGNED, ITEM_SIGNED, ITEM_FLOAT, ITEM_BOOL } ArrayItemKind;

enum { ARRAY_MOST_RANK = 16 };

typedef struct ArrayHeader {
    ArrayItemKind kind; int item_bytes; bool big_endian;
    bool fortran;                                    /* the first axis runs fastest */
    int rank; int64_t shape[ARRAY_MOST_RANK];        /* shape[0]: rows */
    int64_t row_items;                               /* product of the others */
    uint64_t data_bytes;
    uint64_t header_bytes;                           /* before the first value */
} ArrayHeader;

/* Both read from the first byte on, and leave the input at the first value. */
int sgdrt_idx_header(const char *path, Input *input, ArrayHeader *header, sgdrt_problem *problem);
int sgdrt_npy_header(const char *path, Input *input, ArrayHeader *header, sgdrt_problem *problem);
/* Sets row_items and data_bytes; a problem if the file cannot hold so much. */
int sgdrt_array_measure(const char *path, const Input *input, ArrayHeader *header, sgdrt_problem *problem);
/* "u8", "f64" */
const char *sgdrt_item_text(const ArrayHeader *header, char text[8]);
#endif
