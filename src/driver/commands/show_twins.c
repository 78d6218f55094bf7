/* Twins: rows that validate and stand among those that train as well, so that the loss of validation is told too low.
 *
 * Training rows lie in a hash table by the bytes of the columns that fields read, as they are stored; equal bytes are
 * compared where hashes meet. A column that only keep reads does not tell rows apart.
 */
#include "driver/commands/show.h"
#include "driver/commands/trained.h"
#include <stdlib.h>
#include <string.h>

typedef struct KeyColumns {
    const int *column;
    int count;
} KeyColumns;

static KeyColumns key_columns(Arena *arena, const DataSet *set) {
    bool *read = arena_array(arena, bool, set->column_count + 1);
    int *columns = arena_array(arena, int, set->column_count + 1), count = 0;
    for (int f = 0; f < set->field_count; f++) trained_mark_columns(arena, set->fields[f].value, read);
    for (int c = 0; c < set->column_count; c++)
        if (read[c]) columns[count++] = c;
    return (KeyColumns){columns, count};
}

static size_t bytes_of(const sgdrt_table *table, int column) {
    return (size_t)table->described[column].elements * sgdrt_dtype_bytes(table->described[column].dtype);
}

static bool stored_alike(const sgdrt_table *a, const sgdrt_table *b, KeyColumns key) {
    for (int i = 0; i < key.count; i++) {
        int c = key.column[i];
        if (c >= b->column_count || a->described[c].dtype != b->described[c].dtype || bytes_of(a, c) != bytes_of(b, c))
            return false;
    }
    return true;
}

/* FNV-1a, its bits mixed at the end. */
static uint64_t hash_row(const sgdrt_table *table, KeyColumns key, int64_t row) {
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < key.count; i++) {
        const unsigned char *bytes = sgdrt_row(table, key.column[i], row);
        for (size_t b = 0; b < bytes_of(table, key.column[i]); b++) hash = (hash ^ bytes[b]) * 0x100000001b3;
    }
    return hash ^ hash >> 29;
}

static bool same_row(const sgdrt_table *a, int64_t row, const sgdrt_table *b, int64_t other, KeyColumns key) {
    for (int i = 0; i < key.count; i++) {
        int c = key.column[i];
        if (memcmp(sgdrt_row(a, c, row), sgdrt_row(b, c, other), bytes_of(a, c))) return false;
    }
    return true;
}

static int64_t row_of(const RowSet *rows, int64_t i) { return rows->rows ? rows->rows[i] : i; }

/* Places hold 1 + a training row; rows that equal an earlier one are left out. */
static int64_t find_place(const uint32_t *places, uint64_t mask, const sgdrt_table *table, const sgdrt_table *wanted,
                          int64_t row, KeyColumns key) {
    uint64_t at = hash_row(wanted, key, row) & mask;
    while (places[at] && !same_row(table, places[at] - 1, wanted, row, key)) at = (at + 1) & mask;
    return (int64_t)at;
}

bool twins_find(Arena *arena, const DataSet *set, const RunData *data, Twins *twins) {
    const sgdrt_table *train = data->train.table, *valid = data->valid.table;
    KeyColumns key = key_columns(arena, set);
    *twins = (Twins){0};
    if (!data->valid.count) return true;
    if (!stored_alike(train, valid, key)) return false;
    uint64_t size = 2;
    while (size < 2 * (uint64_t)data->train.count) size *= 2;
    uint32_t *places = calloc(size, sizeof *places);
    if (!places) out_of_memory(size * sizeof *places);
    for (int64_t i = 0; i < data->train.count; i++) {
        int64_t row = row_of(&data->train, i), at = find_place(places, size - 1, train, train, row, key);
        if (!places[at]) places[at] = (uint32_t)row + 1;
    }
    for (int64_t i = 0; i < data->valid.count; i++) {
        int64_t row = row_of(&data->valid, i), at = find_place(places, size - 1, train, valid, row, key);
        if (!places[at]) continue;
        if (twins->count < MOST_TWINS_NAMED) {
            twins->named[twins->count].train = places[at] - 1;
            twins->named[twins->count].valid = row;
        }
        twins->count++;
    }
    free(places);
    return true;
}
