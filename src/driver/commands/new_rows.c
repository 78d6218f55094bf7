/* new_rows: the rows that a model is asked about.
 *
 * A csv is read block by block, so any number of rows takes the memory of one block, and rows can come from a pipe. IDX and
 * .npy files, and made rows, are loaded whole. Only columns that are needed are looked at: new rows have no target.
 *
 * `keep` leaves out rows here too where it reads nothing but what is needed anyway; where it reads more (the target, as
 * often as not) it cannot be asked, and that is said. Columns are standardized by the saved statistics, from the numbers
 * as they stand in the file: what a prediction sees has the bits that training saw.
 */
#include "driver/commands/new_rows.h"
#include "driver/tables.h"
#include "ir/interp.h"
#include "row_stream.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct NewRows {
    const Trained *trained;
    const DataSet *set;
    int first; /* column of the run's data */
    sgdrt_request request;
    sgdrt_row_options options;
    int *place;                       /* by column of the set: in the table; -1 */
    sgdrt_column *all, *columns;      /* by column of the run's data; from the set's first one on */
    const double **mean, **deviation; /* by column of the table */
    bool standardizes, keeps;
    sgdrt_row_stream *stream; /* of a csv, or ... */
    sgdrt_table *table;       /* ... all rows */
    int64_t next, not_kept;   /* of the table; of either */
};

static void tell(const NewRows *rows, const sgdrt_problem *problem) {
    report_problem(rows->trained->driver, problem, rows->set->span, "the data is declared");
}

/* ---- keep ------------------------------------------------------------------------------------------ */
static bool same_field(const Column *a, int i, const Column *b, int k) {
    if (a->path || b->path) return a->path && b->path && strcmp(a->path, b->path) == 0;
    if (!a->csv_name[i] || !b->csv_name[k])
        return !a->csv_name[i] && !b->csv_name[k] && a->csv_index[i] == b->csv_index[k];
    return strcmp(a->csv_name[i], b->csv_name[k]) == 0;
}

/* Is every field of the file that the column holds in one that is needed? */
static bool is_read_anyway(const DataSet *set, const bool *needed, int column) {
    const Column *wanted = &set->columns[column];
    if (needed[column] || source_rows(set->kind) == ROWS_MADE) return true;
    int fields = wanted->path ? 1 : wanted->csv_count;
    for (int i = 0; i < fields; i++) {
        bool found = false;
        for (int c = 0; c < set->column_count && !found; c++)
            for (int k = 0; needed[c] && k < (wanted->path ? 1 : set->columns[c].csv_count) && !found; k++)
                found = same_field(wanted, i, &set->columns[c], k);
        if (!found) return false;
    }
    return true;
}

/* Marks what keep needs as well, if it can be asked. */
static bool keep_can_be_asked(Driver *driver, const DataSet *set, bool *needed) {
    bool *read = arena_array(driver->arena, bool, set->column_count + 1);
    if (!set->keep) return false;
    trained_mark_columns(driver->arena, set->keep, read);
    for (int c = 0; c < set->column_count; c++) {
        if (!read[c] || is_read_anyway(set, needed, c)) continue;
        driver_say(driver, "keep of data %s is not asked: it reads %s, which the prediction does not", set->name,
                   set->columns[c].name);
        return false;
    }
    for (int c = 0; c < set->column_count; c++) needed[c] |= read[c];
    return true;
}

static uint8_t *ask_keep(const NewRows *rows, int64_t count, int64_t *kept) {
    uint8_t *keep = malloc((size_t)count + 1);
    if (!keep) out_of_memory((size_t)count);
    interpret_rows(rows->set->keep, rows->columns, NULL, 0, count, keep);
    *kept = 0;
    for (int64_t r = 0; r < count; r++) *kept += keep[r] != 0;
    return keep;
}

/* ---- columns ------------------------------------------------------------------------------------------ */
static void place_columns(NewRows *rows, const sgdrt_table *table) {
    for (int c = 0; c < rows->set->column_count; c++)
        if (rows->place[c] >= 0) rows->columns[c] = table->columns[rows->place[c]];
}

static void plan_columns(NewRows *rows, const bool *needed) {
    const Trained *t = rows->trained;
    Arena *arena = t->driver->arena;
    int count = 0;
    bool all = source_rows(rows->set->kind) == ROWS_MADE;
    rows->place = arena_array(arena, int, rows->set->column_count + 1);
    rows->all = arena_array(arena, sgdrt_column, t->run->data->column_count + 1);
    rows->columns = rows->all + rows->first;
    rows->mean = arena_array(arena, const double *, rows->set->column_count + 1);
    rows->deviation = arena_array(arena, const double *, rows->set->column_count + 1);
    for (int c = 0; c < rows->set->column_count; c++) {
        rows->place[c] = all || needed[c] ? count++ : -1;
        if (rows->place[c] < 0) continue;
        rows->mean[rows->place[c]] = t->mean[rows->first + c];
        rows->deviation[rows->place[c]] = t->deviation[rows->first + c];
        rows->standardizes |= t->mean[rows->first + c] != NULL;
    }
}

static bool standardize(const NewRows *rows, sgdrt_table *table) {
    sgdrt_problem problem = {0};
    if (!rows->standardizes || !sgdrt_standardize(table, rows->mean, rows->deviation, &problem)) return true;
    tell(rows, &problem);
    return false;
}

/* ---- opening ------------------------------------------------------------------------------------------- */
static bool check_options(Driver *driver, const DataSet *set) {
    const Options *o = driver->options;
    const struct {
        bool given;
        const char *spelling;
    } of_csv[] = {
        {o->columns != NULL, "--columns"},
        {o->skip_bad, "--skip-bad"},
        {o->line, "--line"},
    };
    for (size_t i = 0; i < sizeof of_csv / sizeof *of_csv; i++)
        if (of_csv[i].given && source_rows(set->kind) != ROWS_TABLE) {
            driver_complain(driver, "%s is about the rows of a csv, and data %s is %s", of_csv[i].spelling, set->name,
                            source_rows(set->kind) == ROWS_MADE    ? "made"
                            : source_rows(set->kind) == ROWS_PARTS ? "none"
                                                                   : "read from arrays");
            return false;
        }
    return true;
}

static bool open_whole(NewRows *rows, const bool *needed) {
    Driver *driver = rows->trained->driver;
    rows->table = tables_read_columns(driver, rows->set, needed);
    if (!rows->table) return false;
    place_columns(rows, rows->table);
    if (rows->keeps) {
        sgdrt_problem problem = {0};
        int64_t all = rows->table->rows, kept;
        uint8_t *keep = ask_keep(rows, all, &kept);
        int failed = sgdrt_keep_rows(rows->table, keep, &problem);
        free(keep);
        rows->not_kept = all - kept;
        if (failed) tell(rows, &problem);
        if (failed) return false;
    }
    if (!standardize(rows, rows->table)) return false;
    place_columns(rows, rows->table);
    return true;
}

static bool open_stream(NewRows *rows, const bool *needed) {
    sgdrt_problem problem = {0};
    if (!tables_request(rows->trained->driver, rows->set, needed, &rows->request)) return false;
    if (!sgdrt_rows_open(&rows->request, &rows->options, &rows->stream, &problem)) return true;
    tell(rows, &problem);
    return false;
}

/* Of several data sets the one that all needed columns are of, its index in *index; NULL after a complaint. */
static const DataSet *set_of_columns(Driver *driver, const DataSet *set, const bool *needed, int *index) {
    int found = -1;
    *index = 0;
    for (int i = 0; i < set->joined_count; i++)
        for (int c = data_columns_before(set, i); c < data_columns_before(set, i + 1); c++) {
            if (!needed[c] || found == i) continue;
            if (found >= 0) {
                driver_complain(driver,
                                "what is predicted reads rows of %s and of %s, and new rows are of one data set",
                                set->joined[found]->name, set->joined[i]->name);
                return NULL;
            }
            found = i;
        }
    if (found >= 0) *index = found;
    return set->joined_count ? set->joined[*index] : set;
}

NewRows *new_rows_open(const Trained *trained, const DataSet *set, bool *needed, const char *const *texts,
                       int text_count, ExitCode *code) {
    Driver *driver = trained->driver;
    int index;
    *code = EXIT_USAGE;
    const DataSet *joined = set;
    if (!(set = set_of_columns(driver, set, needed, &index))) return NULL;
    int first = data_columns_before(joined, index);
    needed += first;
    if (!check_options(driver, set)) return NULL;
    *code = EXIT_DATA;
    NewRows *rows = arena_new_of(driver->arena, NewRows);
    *rows = (NewRows){.trained = trained,
                      .set = set,
                      .first = first,
                      .options = {.texts = texts,
                                  .text_count = text_count,
                                  .live = driver->options->line,
                                  .skip_bad = driver->options->skip_bad}};
    rows->keeps = keep_can_be_asked(driver, set, needed);
    plan_columns(rows, needed);
    bool whole = (source_rows(set->kind) != ROWS_TABLE && source_rows(set->kind) != ROWS_GIVEN) || set->window ||
                 set->path_count > 1;
    if (whole ? open_whole(rows, needed) : open_stream(rows, needed)) return rows;
    new_rows_close(rows);
    return NULL;
}

/* ---- blocks -------------------------------------------------------------------------------------------- */
static bool next_of_stream(NewRows *rows, int64_t most, NewBlock *block) {
    sgdrt_problem problem = {0};
    sgdrt_row_block read;
    do {
        if (sgdrt_rows_next(rows->stream, most, &read, &problem)) {
            tell(rows, &problem);
            return false;
        }
        int64_t count = read.table->rows, kept = count;
        place_columns(rows, read.table);
        if (rows->keeps && count) {
            uint8_t *keep = ask_keep(rows, count, &kept);
            sgdrt_rows_keep(rows->stream, keep, &read);
            free(keep);
            rows->not_kept += count - kept;
            if (!kept) continue;
        }
        if (count && !standardize(rows, read.table)) return false;
        place_columns(rows, read.table);
        *block = (NewBlock){rows->all, 0, kept, read.text, read.text_end};
        return true;
    } while (true);
}

bool new_rows_next(NewRows *rows, int64_t most, NewBlock *block) {
    if (rows->stream) return next_of_stream(rows, most, block);
    int64_t left = rows->table->rows - rows->next;
    *block = (NewBlock){.columns = rows->all, .first = rows->next, .count = left < most ? left : most};
    rows->next += block->count;
    return true;
}

void new_rows_say_left_out(const NewRows *rows) {
    Driver *driver = rows->trained->driver;
    const sgdrt_problem *first;
    int64_t skipped = rows->stream ? sgdrt_rows_skipped(rows->stream, &first) : 0;
    if (rows->not_kept)
        driver_say(driver, "%" PRId64 " row%s left out by keep", rows->not_kept,
                   rows->not_kept == 1 ? " was" : "s were");
    if (skipped)
        driver_complain(driver, "%" PRId64 " row%s cannot be read and %s skipped; the first: %s:%" PRId64 ": %s",
                        skipped, skipped == 1 ? "" : "s", skipped == 1 ? "was" : "were", problem_file(first),
                        first->line, first->message);
}

void new_rows_close(NewRows *rows) {
    if (!rows) return;
    sgdrt_rows_close(rows->stream);
    sgdrt_free_table(rows->table);
}
