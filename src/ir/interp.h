/* interp: runs graphs in plain C, where the bits are fixed. The meaning of a program is what this does.
 *
 * interpreter_new() (executor.h) runs a Run's functions through the same sgdrt_call as compiled code. Below
 * are the values of single graphs: synthetic columns, `keep`, fields at load.
 */
#ifndef SGDC_INTERP_H
#define SGDC_INTERP_H
#include "core.h"
#include "ir/graph.h"

/* The value of a one-example graph (as lowered: COLUMN and RANDOM_DATA leaves without rows) for `count` rows,
 * dense row by row, to `out` (dtype_bytes of its dtype each; bool one byte). Row p is row rows[p] of the
 * columns and of the draws' keys, without rows it is first + p. Columns the graph does not read may be
 * missing. Memory is its own. */
void interpret_rows(Node *node, const sgdrt_column *columns, const uint32_t *rows, int64_t first, int64_t count,
                    void *out);

#endif
