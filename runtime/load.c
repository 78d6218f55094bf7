/* load: a data set from its files, by the reader of their kind. */
#include "array_file.h"
#include "float_control.h"
#include "table.h"
#include "text.h"

int sgdrt_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    switch (request->source) {
    case SGDRT_CSV: break;
    case SGDRT_IDX: return sgdrt_files_load(request, sgdrt_idx_header, table, problem);
    case SGDRT_CHARS: return sgdrt_chars_load(request, table, problem);
    case SGDRT_NPY: return sgdrt_files_load(request, sgdrt_npy_header, table, problem);
    }
    return sgdrt_csv_load(request, table, problem);
}
