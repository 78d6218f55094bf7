/* array_file: what the header of an IDX or .npy file says. Inside the runtime only. */
#ifndef SGDRT_ARRAY_FILE_H
#define SGDRT_ARRAY_FILE_H
#include "input.h"

typedef enum ArrayItemKind { ITEM_UNSIGNED, ITEM_SIGNED, ITEM_FLOAT, ITEM_BOOL } ArrayItemKind;

enum { ARRAY_MOST_RANK = 16 };

typedef struct ArrayHeader {
    ArrayItemKind kind;
    int item_bytes;
    bool big_endian;
    bool fortran; /* the first axis runs fastest */
    int rank;
    int64_t shape[ARRAY_MOST_RANK]; /* shape[0]: rows */
    int64_t row_items;              /* product of the others */
    uint64_t data_bytes;
    uint64_t header_bytes; /* before the first value */
} ArrayHeader;

/* Reads from the first byte on, and leaves the input at the first value. */
typedef int ArrayHeaderReader(const char *path, Input *input, ArrayHeader *header, sgdrt_problem *problem);
ArrayHeaderReader sgdrt_idx_header, sgdrt_npy_header;
/* Fills a new table from files of this kind, one for each column. */
int sgdrt_files_load(const sgdrt_request *request, ArrayHeaderReader *read_header, sgdrt_table **table,
                     sgdrt_problem *problem);
/* Sets row_items and data_bytes; a problem if the file cannot hold so much. */
int sgdrt_array_measure(const char *path, const Input *input, ArrayHeader *header, sgdrt_problem *problem);
/* "u8", "f64" */
const char *sgdrt_item_text(const ArrayHeader *header, char text[8]);
#endif
