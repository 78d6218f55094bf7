/* load: a data set from its files, by the reader of their kind. */
#include "table.h"
#include "float_control.h"

int sgdrt_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    return request->source == SGDRT_CSV ? sgdrt_csv_load(request, table, problem)
                                        : sgdrt_files_load(request, table, problem);
}
