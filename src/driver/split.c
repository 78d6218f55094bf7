/* Which rows train and which are held out, as two lists into one table.
 *
 * Rows are counted with their copies (copies = 2 is every row once more, after all of them); a list names rows of
 * the table. Both lists are in file order, which is the order of the statistics.
 */
#include "driver/split.h"
#include "driver/synthetic.h"
#include "order.h"

/* Of several sets the rows of the first; the others' come again beside them. */
static int64_t rows_of(const DataSet *set, const sgdrt_table *table) {
    return set->joined_count ? set->joined_rows[0] : table->rows;
}

static int64_t copies_of(const DataSet *set) { return set->copies > 1 ? set->copies : 1; }

static uint32_t *all_rows(Arena *arena, const DataSet *set, const sgdrt_table *table) {
    int64_t count = rows_of(set, table) * copies_of(set);
    uint32_t *rows = arena_array(arena, uint32_t, count + 1);
    for (int64_t i = 0; i < count; i++) rows[i] = (uint32_t)(i % rows_of(set, table));
    return rows;
}

RowSet split_none(Arena *arena, const DataSet *set, const sgdrt_table *table) {
    bool copied = copies_of(set) > 1;
    return (RowSet){table, copied ? all_rows(arena, set, table) : NULL, rows_of(set, table) * copies_of(set)};
}

/* The label of every row, copies included. */
static int32_t *labels_of(Arena *arena, const Run *run, const sgdrt_table *table) {
    int64_t count = rows_of(run->data, table) * copies_of(run->data);
    int32_t *labels = arena_array(arena, int32_t, count + 1);
    synthetic_labels(run->data, table, run->hold_out_by, labels);
    for (int64_t i = rows_of(run->data, table); i < count; i++) labels[i] = labels[i - rows_of(run->data, table)];
    return labels;
}

/* The first rows of the table train, so only the others are listed: a text has a row for each of its characters. */
static void last_rows(Arena *arena, const Run *run, RowSet *train, RowSet *valid) {
    int64_t all = train->count;
    train->count = all - sgdrt_hold_out_part((uint32_t)all, run->hold_out_part);
    valid->count = all - train->count;
    uint32_t *rows = arena_array(arena, uint32_t, valid->count + 1);
    for (int64_t i = 0; i < valid->count; i++) rows[i] = (uint32_t)(train->count + i);
    valid->rows = rows;
}

/* Texts that are not classes yet may be more than there will be. */
static int64_t classes_of(const Run *run, const sgdrt_table *table) {
    const Field *field = &run->data->fields[run->hold_out_by];
    int64_t texts = field->column >= 0 ? table->described[field->column].remap_count : 0;
    return texts > field->classes ? texts : field->classes;
}

void split_rows(Arena *arena, const Run *run, const sgdrt_table *table, RowSet *train, RowSet *valid) {
    *valid = (RowSet){table, NULL, 0};
    *train = split_none(arena, run->data, table);
    if (run->hold_out == HOLD_OUT_NONE) return;
    if (run->hold_out == HOLD_OUT_LAST && copies_of(run->data) == 1) {
        last_rows(arena, run, train, valid);
        return;
    }
    bool by_label = run->hold_out_by >= 0;
    const int32_t *labels = by_label ? labels_of(arena, run, table) : NULL;
    int64_t classes = by_label ? classes_of(run, table) : 0, all = train->count;
    uint32_t *rows = arena_array(arena, uint32_t, all + 1);
    uint32_t training = 0;
    sgdrt_held held = {(int)run->hold_out, run->hold_out_part, (uint32_t)run->fold, (uint32_t)run->folds,
                       (uint32_t)rows_of(run->data, table)};
    if (!sgdrt_hold_out(&held, run->seed, (uint32_t)all, labels, classes, rows, &training)) out_of_memory((size_t)all);
    train->count = training;
    valid->count = all - train->count;
    for (int64_t i = 0; i < all && copies_of(run->data) > 1; i++)
        rows[i] = (uint32_t)(rows[i] % rows_of(run->data, table));
    train->rows = rows;
    valid->rows = rows + train->count;
}
