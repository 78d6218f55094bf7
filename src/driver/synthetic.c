/* The one-example graphs of a data set, for all of its rows: made columns, `keep`, labels to split by.
 *
 * Columns are made in the order they were written, so a later one may read an earlier one of the same row. Values
 * pass through a buffer of some rows on their way into the table's records.
 */
#include "driver/synthetic.h"
#include "ir/interp.h"
#include <stdlib.h>
#include <string.h>

enum { BUFFER_ROWS = 1 << 14 };

/* Calls `take` with the dense values of rows first .. first+count-1, in order. */
static void for_rows(Node *node, const sgdrt_table *table,
                     void (*take)(const char *values, size_t bytes, int64_t first, int64_t count, void *context),
                     void *context) {
    size_t bytes = dtype_bytes(node->dtype) * (size_t)shape_size(node->shape);
    int64_t most = table->rows < BUFFER_ROWS ? table->rows : BUFFER_ROWS;
    char *buffer = malloc(bytes * (size_t)most + 1);
    if (!buffer) out_of_memory(bytes * (size_t)most + 1);
    for (int64_t first = 0; first < table->rows; first += most) {
        int64_t count = table->rows - first < most ? table->rows - first : most;
        interpret_rows(node, table->columns, NULL, first, count, buffer);
        take(buffer, bytes, first, count, context);
    }
    free(buffer);
}

typedef struct ColumnTarget {
    const sgdrt_table *table;
    int column;
} ColumnTarget;

static void take_column(const char *values, size_t bytes, int64_t first, int64_t count, void *context) {
    const ColumnTarget *target = context;
    for (int64_t i = 0; i < count; i++)
        memcpy(sgdrt_row(target->table, target->column, first + i), values + (size_t)i * bytes, bytes);
}

void synthetic_fill(const DataSet *set, sgdrt_table *table) {
    for (int i = 0; i < set->column_count; i++) {
        ColumnTarget target = {table, i};
        if (set->columns[i].synthetic) for_rows(set->columns[i].synthetic, table, take_column, &target);
    }
}

static void take_keep(const char *values, size_t bytes, int64_t first, int64_t count, void *context) {
    (void)bytes;
    memcpy((uint8_t *)context + first, values, (size_t)count);
}

void synthetic_keep(const DataSet *set, const sgdrt_table *table, uint8_t *keep) {
    for_rows(set->keep, table, take_keep, keep);
}

static void take_labels(const char *values, size_t bytes, int64_t first, int64_t count, void *context) {
    (void)bytes;
    memcpy((int32_t *)context + first, values, (size_t)count * sizeof(int32_t));
}

void synthetic_labels(const DataSet *set, const sgdrt_table *table, int field, int32_t *labels) {
    for_rows(set->fields[field].value, table, take_labels, labels);
}
