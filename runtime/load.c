/* load: a data set from its files, by the reader of their kind. */
#include "array_file.h"
#include "float_control.h"
#include "table.h"
#include "text.h"

static int load_file(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    switch (request->source) {
    case SGDRT_CSV: break;
    case SGDRT_IDX: return sgdrt_files_load(request, sgdrt_idx_header, table, problem);
    case SGDRT_CHARS: return sgdrt_chars_load(request, table, problem);
    case SGDRT_LIBSVM: return sgdrt_libsvm_load(request, table, problem);
    case SGDRT_NPY: return sgdrt_files_load(request, sgdrt_npy_header, table, problem);
    }
    return sgdrt_csv_load(request, table, problem);
}

static int load_rows(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    bool windows = request->window && request->source == SGDRT_CSV;
    return windows ? sgdrt_windows_load(request, load_file, table, problem) : load_file(request, table, problem);
}

int sgdrt_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    bool several = request->path_count > 1;
    return several ? sgdrt_several_load(request, load_rows, table, problem) : load_rows(request, table, problem);
}
