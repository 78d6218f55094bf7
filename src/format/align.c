/* align: sets the `=` of neighbouring statements of one kind below each other, and the braces of short blocks.
 *
 * Where a column begins depends on the words before it alone, never on what the author had typed, so aligning is
 * idempotent. A head that is much longer than the shortest of its neighbours stays out, so that one long name does not
 * move everything.
 */
#include "format/write.h"

enum { MOST_SHIFT = 16 };

void row_column(Writer *w, Row *row) {
    row->columns[row->count++] = w->document.pieces.count;
    document_put(&w->document, PIECE_COLUMN);
}

/* What stands between the column and the one before it. */
static int head_width(const Writer *w, const Row *row, int column) {
    return document_width(&w->document, column ? row->columns[column - 1] : row->begin, row->columns[column]);
}

static void align_column(Writer *w, Row *const *rows, int count, int column) {
    int least = -1, widest = -1;
    for (int i = 0; i < count; i++) {
        int width = head_width(w, rows[i], column);
        if (width >= 0 && (least < 0 || width < least)) least = width;
    }
    for (int i = 0; i < count; i++) {
        int width = head_width(w, rows[i], column);
        if (width <= least + MOST_SHIFT && width > widest) widest = width;
    }
    for (int i = 0; i < count; i++) {
        int width = head_width(w, rows[i], column);
        if (width >= 0 && width <= widest) w->document.pieces.items[rows[i]->columns[column]].width = widest - width;
    }
}

/* Rows on one line keep to it. */
static bool fit_aligned(const Writer *w, Row *const *rows, int count) {
    for (int i = 0; i < count; i++) {
        int width = document_width(&w->document, rows[i]->begin, rows[i]->end);
        for (int c = 0; c < rows[i]->count; c++) width += w->document.pieces.items[rows[i]->columns[c]].width;
        if (width > STYLE_COLUMNS) return false;
    }
    return true;
}

static void align_run(Writer *w, Row *const *rows, int count) {
    if (count < 2) return;
    for (int column = 0; column < rows[0]->count; column++) align_column(w, rows, count, column);
    if (rows[0]->kind < ROW_DEFINITION || fit_aligned(w, rows, count)) return;
    for (int i = 0; i < count; i++)
        for (int c = 0; c < rows[i]->count; c++) w->document.pieces.items[rows[i]->columns[c]].width = 0;
}

/* Of what has to be on one line: is it? */
static bool takes_part(const Writer *w, const Row *row) {
    if (row->kind == ROW_NONE || !row->count) return false;
    if (row->kind < ROW_DEFINITION) return true;
    int width = document_width(&w->document, row->begin, row->end);
    return width >= 0 && width <= STYLE_COLUMNS;
}

void align_rows(Writer *w, RowList *rows, bool settings) {
    Row **run = arena_array(w->document.arena, Row *, rows->count + 1);
    for (int i = 0; i < rows->count; i++)
        if (!takes_part(w, &rows->items[i])) rows->items[i].kind = ROW_NONE;
    for (int i = 0; i < rows->count; i++) {
        Row *first = &rows->items[i];
        bool whole = settings && first->kind == ROW_SETTING;
        int count = 0;
        if (first->kind == ROW_NONE) continue;
        for (int k = i; k < rows->count; k++) {
            Row *row = &rows->items[k];
            bool same = row->kind == first->kind && row->count == first->count;
            if (row->paragraph != first->paragraph || (!whole && k > i && (!same || !row->follows))) break;
            if (same) run[count++] = row;
        }
        align_run(w, run, count);
        for (int k = 0; k < count; k++) run[k]->kind = ROW_NONE;
    }
}
