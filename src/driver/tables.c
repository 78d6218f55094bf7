/* From DataSets to rows in memory.
 *
 *   load      files through the runtime, synthetic columns through the interpreter, once per data set;
 *   keep      the rows that count stay, then labels are remapped and checked;
 *   split     hold_out of each run: two lists of rows of one table, in file order;
 *   standardise   statistics of the training rows; the columns are materialised once per distinct split, in place
 *             where nobody else reads the table.
 *
 * Order matters and is the law's (docs/numerics.md, preprocessing). Runs that split alike share everything.
 */
#include "driver/training.h"
#include "driver/find_data.h"
#include "driver/images.h"
#include "driver/output.h"
#include "driver/rounding.h"
#include "driver/synthetic.h"
#include "driver/split.h"
#include "pool.h"
#include "problem.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>

#define MOST_COPIED 1e9 /* rows, their copies counted: 4 GB of numbers */

typedef struct Loaded {
    TableOfSet of;
    sgdrt_table *table;
    int users;
} Loaded;

/* One split of one table: what runs with equal settings share. */
typedef struct Prepared {
    const DataSet *set, *valid_set;
    HoldOut hold_out;
    double part;
    int fold, folds;
    int by;
    uint64_t seed;
    sgdrt_table *own_train, *own_valid; /* copies made for standardising; NULL: the loaded ones */
    RunData data;
} Prepared;

struct Tables {
    Arena *arena;
    Vector(Loaded) loaded;
    Vector(Prepared *) prepared;
    int *of_run;
    double seconds;
};

const char *problem_file(const sgdrt_problem *problem) {
    return strcmp(problem->file, "-") ? problem->file : "standard input";
}

void report_problem(Driver *driver, const sgdrt_problem *problem, Span span, const char *what) {
    Code code;
    Diagnostic *diagnostic;
    if (!code_find(text_format(driver->arena, "E%04d", problem->code), &code))
        INTERNAL_ERROR("the runtime's problem %d has no code: %s", problem->code, problem->message);
    const char *message = text_format(driver->arena, "%s", problem->message);
    if (problem->file)
        diagnostic = report_file(driver->diagnostics, code, text_format(driver->arena, "%s", problem_file(problem)),
                                 problem->line, problem->column, "%s", message);
    else
        diagnostic = report(driver->diagnostics, code, span, "%s", message);
    if (problem->file && span.begin) add_note(driver->diagnostics, diagnostic, span, "%s here", what);
    if (problem->help[0]) add_help(driver->diagnostics, diagnostic, "%s", problem->help);
}

/* ---- files --------------------------------------------------------------------------------- */
/* The comment of an example that says where its data is published: "# Data: ..." up to the comment's end. */
static const char *published_at(Arena *arena, const Source *source) {
    static const char mark[] = "# Data: ";
    const char *at = strstr(source->text, mark);
    if (!at || (at > source->text && at[-1] != '\n')) return NULL;
    Text text = text_new(arena);
    for (at += strlen(mark); *at && *at != '\n';) {
        size_t length = strcspn(at, "\n");
        text_add(&text, "%s%.*s", text.length ? " " : "", (int)length, at);
        at += length;
        if (at[0] == '\n' && at[1] == '#' && at[2] == ' ') at += 3;
    }
    return text.bytes;
}

const char *tables_program_of(const Driver *driver, const DataSet *set) {
    return set->span.begin ? source_place(driver->map, set->span.begin).source->path : driver->options->file;
}

static const char *find_file(Driver *driver, const DataSet *set, const char *name, Span span) {
    const char *searched;
    if (strcmp(name, "-") == 0) return name;
    const char *program = tables_program_of(driver, set);
    const char *path = find_data_file(driver->arena, program, name, &searched);
    if (path) return path;
    if (path_is_folder(path_below(driver->arena, path_folder(driver->arena, program), name)) || path_is_folder(name)) {
        Diagnostic *d = report(driver->diagnostics, CODE_E0401, span, "%s is a folder, not a file", name);
        add_help(driver->diagnostics, d, "name the file in it");
        return NULL;
    }
    Diagnostic *d = report(driver->diagnostics, CODE_E0401, span, "there is no file %s", name);
    if (*searched) add_help(driver->diagnostics, d, "it was looked for in %s", searched);
    const char *published = published_at(driver->arena, driver->source);
    if (published) add_help(driver->diagnostics, d, "the program says of its data: %s", published);
    add_help(driver->diagnostics, d, "--data %s=PATH reads it from PATH; SGDC_DATA may list folders to look in",
             set->name);
    return NULL;
}

static const char **find_files(Driver *driver, const DataSet *set, const char **names, int count, Span span) {
    const char **paths = arena_array(driver->arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        if (!(paths[i] = find_file(driver, set, names[i], span))) return NULL;
    return paths;
}

/* "part-*.csv" is the files of such a name, in their order, in the first folder that has any. */
static bool find_matching(Driver *driver, const DataSet *set, sgdrt_request *request) {
    const char *program = tables_program_of(driver, set);
    request->paths = find_data_files(driver->arena, program, set->path, &request->path_count);
    if (request->path_count) request->path = request->paths[0];
    return request->path_count > 0;
}

static const char *find_folder(Driver *driver, const DataSet *set) {
    const char *searched, *path = find_data_folder(driver->arena, tables_program_of(driver, set), set->path, &searched);
    if (path) return path;
    Diagnostic *d = report(driver->diagnostics, CODE_E0401, set->span, "there is no folder %s", set->path);
    if (*searched) add_help(driver->diagnostics, d, "it was looked for in %s", searched);
    return NULL;
}

static bool find_table(Driver *driver, const DataSet *set, sgdrt_request *request) {
    if (set->kind == SOURCE_IMAGES) {
        request->path = find_folder(driver, set);
    } else if (set->path_count > 1) {
        request->paths = find_files(driver, set, set->paths, set->path_count, set->span);
        request->path_count = set->path_count;
        request->path = request->paths ? request->paths[0] : NULL;
    } else if (!find_matching(driver, set, request)) {
        request->path = find_file(driver, set, set->path, set->span);
    }
    return request->path != NULL;
}

/* A request for each column that `needed` marks (NULL: all), in their order. */
static bool request_columns(Driver *driver, const DataSet *set, const bool *needed, sgdrt_column_request *requests,
                            int *count) {
    bool good = true;
    *count = 0;
    for (int i = 0; i < set->column_count; i++) {
        if (needed && !needed[i]) continue;
        const Column *column = &set->columns[i];
        sgdrt_column_request *request = &requests[(*count)++];
        *request = (sgdrt_column_request){
            .name = column->name,
            .dtype = (sgdrt_dtype)column->dtype,
            .rank = column->shape.rank,
            .shape = column->shape.extent,
            .classes = column->classes,
            .wide = column->standardized && !column->synthetic,
            .truncated = column->truncated,
            .remap = column->remap,
            .remap_count = column->remap_count,
            .remap_words = (const char *const *)column->remap_words,
            .csv_count = column->csv_count,
            .part = (sgdrt_part)column->part,
            .windowed = column->windowed,
            .offset = column->offset,
            .learns_words = column->learns_words,
            .has_other = column->has_other,
            .other = column->other,
            .missing_word = column->missing_word,
            .missing = (sgdrt_missing)column->missing,
            .missing_value = column->missing_value,
            .asked_missing = column->asked_missing,
            .words = column->words,
            .csv_index = column->csv_index,
            .csv_name = (const char *const *)column->csv_name,
        };
        Span span = column->span.begin ? column->span : set->span;
        if (column->path) {
            request->path = find_file(driver, set, column->path, span);
            good &= request->path != NULL;
        }
        if (column->paths)
            good &= (request->paths = find_files(driver, set, column->paths, set->path_count, span)) != NULL;
    }
    return good;
}

static sgdrt_source reader_of(SourceKind kind) {
    enum { SGDRT_NONE = 0 }; /* not read: it does not matter */
    static const int readers[] = {
#define SOURCE(NAME, name, rows, reader) [SOURCE_##NAME] = SGDRT_##reader,
#include "ir/sources.def"
#undef SOURCE
    };
    return (sgdrt_source)readers[kind];
}

bool tables_request(Driver *driver, const DataSet *set, const bool *needed, sgdrt_request *request) {
    sgdrt_column_request *columns = arena_array(driver->arena, sgdrt_column_request, set->column_count + 1);
    *request = (sgdrt_request){
        .name = set->name,
        .source = reader_of(set->kind),
        .window = set->window,
        .window_stride = set->window_stride,
        .features = set->features,
        .path_count = set->path_count,
        .delimiter = set->delimiter,
        .decimal = set->decimal,
        .comment = set->comment,
        .header = set->header,
        .missing_is_error = set->missing_is_error,
        .missing_value = set->missing_value,
        .rows_begin = set->rows_begin,
        .rows_end = set->rows_end,
        .columns = columns,
    };
    if (source_rows(set->kind) == ROWS_GIVEN) {
        Diagnostic *d = report(driver->diagnostics, CODE_E0421, set->span,
                               "data %s has no source: an application supplies its rows", set->name);
        add_help(driver->diagnostics, d, "compile it without --run; or read a csv: --data %s=PATH", set->name);
        return false;
    }
    if (!request_columns(driver, set, needed, columns, &request->column_count)) return false;
    if (!source_has_one_path(set->kind)) return true;
    return find_table(driver, set, request);
}

/* "reading two_million.csv 45 %", on a terminal, from the first second on. */
typedef struct LoadProgress {
    Driver *driver;
    double begin;
    bool shown;
} LoadProgress;

static void show_reading(void *context, const char *path, double part) {
    LoadProgress *reading = context;
    const char *slash = strrchr(path, '/');
    if (clock_seconds() - reading->begin < 1) return;
    fprintf(reading->driver->info, "\rreading %s %2.0f %%",
            text_shown(reading->driver->arena, slash ? slash + 1 : path), 100 * part);
    fflush(reading->driver->info);
    reading->shown = true;
}

static void note_refused(void *context, const sgdrt_problem *problem) {
    RefusedRows *refused = context;
    bool missing = problem->code == PROBLEM_MISSING;
    if (missing && !refused->missing++) refused->first_missing = *problem;
    if (!missing && !refused->other++) refused->first_other = *problem;
}

/* refused NULL: a row that cannot be read is an error. */
static sgdrt_table *load_file(Driver *driver, const DataSet *set, sgdrt_request *request, RefusedRows *refused) {
    sgdrt_problem problem = {0};
    sgdrt_table *table = NULL;
    if (refused) {
        request->refused = note_refused;
        request->refused_context = refused;
    }
    LoadProgress reading = {driver, clock_seconds(), false};
    if (driver_redraws(driver)) {
        request->progress = show_reading;
        request->progress_context = &reading;
    }
    TableLoader *reader = set->kind == SOURCE_IMAGES ? images_load : sgdrt_load;
    sgdrt_pool *pool = threads_to_read(driver, request);
    sgdrt_team team = sgdrt_pool_team(pool);
    request->team = &team;
    int code = reader(request, &table, &problem);
    sgdrt_pool_free(pool);
    request->team = NULL;
    request->progress = NULL;
    if (reading.shown) fprintf(driver->info, "\r\033[K");
    if (!code) return table;
    report_problem(driver, &problem, set->span, "the data is declared");
    return NULL;
}

static sgdrt_table *make_synthetic(Driver *driver, const DataSet *set, const sgdrt_request *request) {
    sgdrt_problem problem = {0};
    sgdrt_table *table = NULL;
    if (sgdrt_new_table(set->name, request->columns, request->column_count, set->rows, &table, &problem)) {
        report_problem(driver, &problem, set->span, "the data is declared");
        return NULL;
    }
    synthetic_fill(set, table);
    return table;
}

sgdrt_table *tables_read_columns(Driver *driver, const DataSet *set, const bool *needed) {
    sgdrt_request request;
    sgdrt_problem problem = {0};
    bool made = source_rows(set->kind) == ROWS_MADE; /* its columns are made from one another */
    if (!tables_request(driver, set, made ? NULL : needed, &request)) return NULL;
    sgdrt_table *table = made ? make_synthetic(driver, set, &request) : load_file(driver, set, &request, NULL);
    if (!table || !sgdrt_check_labels(table, &problem)) return table;
    report_problem(driver, &problem, set->span, "the data is declared");
    sgdrt_free_table(table);
    return NULL;
}

/* Rows are numbered by 32 bits, and copies are a list of numbers. */
static bool copies_fit(Driver *driver, const DataSet *set, const sgdrt_table *table) {
    double rows = (double)table->rows * (double)set->copies;
    if (set->copies <= 1 || rows <= MOST_COPIED) return true;
    Diagnostic *d = report(driver->diagnostics, CODE_E0416, set->span,
                           "copies = %lld of %lld rows are %.3g rows: a list of them takes %.3g GB of memory",
                           (long long)set->copies, (long long)table->rows, rows, rows * sizeof(uint32_t) / 1e9);
    add_help(driver->diagnostics, d, "more epochs show the rows as often, without copies");
    return false;
}

/* Rows with a label that is none leave, if another row stays. */
static int drop_labels(sgdrt_table *table, RefusedRows *refused, sgdrt_problem *problem) {
    uint8_t *bad = calloc((size_t)table->rows + 1, 1);
    if (!bad) out_of_memory((size_t)table->rows);
    int code = sgdrt_table_mark_labels(table, bad, problem);
    for (int64_t r = 0; r < table->rows; r++) {
        refused->labels += bad[r];
        bad[r] = !bad[r];
    }
    if (refused->labels && refused->labels < table->rows) {
        refused->first_label = *problem;
        code = sgdrt_keep_rows(table, bad, problem);
    }
    free(bad);
    return code;
}

/* Is what is missing told of the rows that keep has left? Not of those that are put together as windows. */
static bool waits_for_keep(const DataSet *set, bool tolerant) {
    return set->keep && source_rows(set->kind) == ROWS_TABLE && !set->window && !tolerant;
}

static bool reads_column(Arena *arena, Node *node, int column) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN && nodes[i]->attr.index == column) return true;
    return false;
}

/* Numbers that must be there: what keep compares of all rows, else of those that it has left. */
static int check_missing(Arena *arena, const DataSet *set, const sgdrt_table *table, bool of_keep,
                         sgdrt_problem *problem) {
    for (int c = 0; c < set->column_count; c++) {
        const Column *column = &set->columns[c];
        bool error = column->missing == MISSING_ERROR || (column->missing == MISSING_AS_SAID && set->missing_is_error);
        if (of_keep && !reads_column(arena, set->keep, c)) continue;
        bool texts = column->remap_words || column->learns_words || column->words;
        bool number = dtype_is_real(column->dtype) || (column->dtype == DTYPE_I32 && !texts);
        int code = error && number ? sgdrt_check_missing(table, c, problem) : 0;
        if (code) return code;
    }
    return 0;
}

/* Rows that count, then labels; refused NULL: a label that is none is an error. */
static bool filter(Driver *driver, const DataSet *set, sgdrt_table *table, RefusedRows *refused) {
    sgdrt_problem problem = {0};
    bool waits = waits_for_keep(set, refused != NULL);
    int failed = waits ? check_missing(driver->arena, set, table, true, &problem) : 0;
    if (set->keep && !failed) {
        uint8_t *keep = malloc((size_t)(table->rows ? table->rows : 1));
        if (!keep) out_of_memory((size_t)table->rows);
        synthetic_keep(set, table, keep);
        failed = sgdrt_keep_rows(table, keep, &problem);
        free(keep);
    }
    if (!failed && waits) failed = check_missing(driver->arena, set, table, false, &problem);
    if (!failed) failed = refused ? drop_labels(table, refused, &problem) : sgdrt_check_labels(table, &problem);
    if (failed) report_problem(driver, &problem, set->span, "the data is declared");
    return !failed;
}

static Loaded *find_loaded(Tables *tables, const DataSet *set) {
    for (int i = 0; i < tables->loaded.count; i++)
        if (tables->loaded.items[i].of.set == set) return &tables->loaded.items[i];
    return NULL;
}

/* A row of a set into each row of its columns of the joined table, from the first again where it has fewer. Texts that will
 * be classes keep their numbers. */
static void join_columns(sgdrt_table *all, int first, const sgdrt_table *table) {
    for (int c = 0; c < table->column_count; c++) {
        sgdrt_table_column *described = (sgdrt_table_column *)&all->described[first + c];
        if (table->described[c].learns_words) {
            described->remap_words = table->described[c].remap_words;
            described->remap_count = table->described[c].remap_count;
        }
        const sgdrt_column *from = &table->columns[c], *to = &all->columns[first + c];
        size_t bytes = (size_t)table->described[c].elements * dtype_bytes((DType)table->described[c].dtype);
        for (int64_t r = 0; r < all->rows; r++)
            memcpy((char *)to->data + r * to->stride, (const char *)from->data + r % table->rows * from->stride, bytes);
    }
}

/* The columns of all sets side by side; as many rows as the longest has. */
static sgdrt_table *load_joined(Driver *driver, Tables *tables, const DataSet *set) {
    sgdrt_column_request *columns = arena_array(driver->arena, sgdrt_column_request, set->column_count + 1);
    sgdrt_problem problem = {0};
    sgdrt_table *all = NULL;
    int64_t rows = 0;
    int count;
    if (!request_columns(driver, set, NULL, columns, &count)) return NULL;
    for (int i = 0; i < set->joined_count; i++) {
        set->joined_rows[i] = find_loaded(tables, set->joined[i])->table->rows;
        if (set->joined_rows[i] > rows) rows = set->joined_rows[i];
        if (set->joined_rows[i] > 0) continue;
        report(driver->diagnostics, CODE_E0422, set->joined[i]->span, "data %s has no rows", set->joined[i]->name);
        return NULL;
    }
    if (sgdrt_new_table(set->name, columns, count, rows, &all, &problem)) {
        report_problem(driver, &problem, set->span, "the data is declared");
        return NULL;
    }
    for (int i = 0, first = 0; i < set->joined_count; first += set->joined[i++]->column_count)
        join_columns(all, first, find_loaded(tables, set->joined[i])->table);
    return all;
}

static sgdrt_table *load(Driver *driver, Tables *tables, TableOfSet *of, bool tolerant) {
    const DataSet *set = of->set;
    sgdrt_request request;
    if (set->joined_count) return load_joined(driver, tables, set);
    if (!tables_request(driver, set, NULL, &request)) return NULL;
    request.keeps = waits_for_keep(set, tolerant);
    sgdrt_table *table = source_rows(set->kind) == ROWS_MADE
                             ? make_synthetic(driver, set, &request)
                             : load_file(driver, set, &request, tolerant ? &of->refused : NULL);
    if (table && source_rows(set->kind) != ROWS_MADE) rounding_check(driver, set, &request, table);
    of->rows_read = table ? table->rows : 0;
    if (table && (!filter(driver, set, table, tolerant ? &of->refused : NULL) || !copies_fit(driver, set, table))) {
        sgdrt_free_table(table);
        return NULL;
    }
    return table;
}

static bool need(Driver *driver, Tables *tables, const DataSet *set, bool tolerant) {
    Loaded *found = find_loaded(tables, set);
    if (found) return found->table != NULL;
    for (int i = 0; i < set->joined_count; i++)
        if (!need(driver, tables, set->joined[i], tolerant)) return false;
    Loaded loaded = {.of.set = set};
    loaded.table = load(driver, tables, &loaded.of, tolerant);
    loaded.of.table = loaded.table;
    vector_push(driver->arena, &tables->loaded, loaded);
    return loaded.table != NULL;
}

/* ---- splits and statistics ------------------------------------------------------------------ */
static bool prepared_for(const Prepared *p, const Run *run) {
    if (p->set != run->data || p->valid_set != run->valid || p->hold_out != run->hold_out) return false;
    if (run->hold_out == HOLD_OUT_NONE) return true;
    return p->part == run->hold_out_part && p->fold == run->fold && p->folds == run->folds &&
           p->by == run->hold_out_by && p->seed == run->seed;
}

static bool has_standardized(const DataSet *set) {
    for (int i = 0; i < set->column_count; i++)
        if (set->columns[i].standardized) return true;
    return false;
}

/* A table of this split's own, or the loaded one if nobody else reads it. */
static bool writable(Driver *driver, Tables *tables, const DataSet *set, RowSet *rows, sgdrt_table **own) {
    Loaded *loaded = find_loaded(tables, set);
    sgdrt_problem problem = {0};
    if (loaded->users == 1) return true;
    if (sgdrt_copy_table(rows->table, own, &problem)) {
        report_problem(driver, &problem, set->span, "the data is declared");
        return false;
    }
    rows->table = *own;
    return true;
}

static bool standardize_rows(Driver *driver, const RunData *data, const RowSet *rows, Span span) {
    sgdrt_problem problem = {0};
    if (!sgdrt_standardize((sgdrt_table *)rows->table, data->mean, data->deviation, &problem)) return true;
    report_problem(driver, &problem, span, "the data is declared");
    return false;
}

/* Texts become the classes that the training rows have, in all rows of the run. */
static bool take_classes(Driver *driver, const Prepared *p, const RowSet *rows, int column) {
    const Column *c = &p->set->columns[column];
    sgdrt_problem problem = {0};
    if (!sgdrt_take_classes((sgdrt_table *)rows->table, column, p->data.words[column], p->data.word_counts[column],
                            c->has_other ? c->other : -1, &problem))
        return true;
    report_problem(driver, &problem, c->span, "its classes are learnt");
    return false;
}

/* Rows whose values a column learns from: of a further data set all. */
static RowSet learnt_from(const Prepared *p, int column) {
    int64_t further = tables_rows_of_partner(p->set, column);
    return further ? (RowSet){p->data.train.table, NULL, further} : p->data.train;
}

static bool learn_words(Driver *driver, Prepared *p, int column) {
    int teacher = data_teacher_of(p->set, column);
    RowSet rows = learnt_from(p, teacher);
    if (p->data.words[teacher]) {
        p->data.words[column] = p->data.words[teacher];
        p->data.word_counts[column] = p->data.word_counts[teacher];
        return true;
    }
    return classes_of_rows(driver, &p->set->columns[column], &rows, teacher, &p->data.words[column],
                           &p->data.word_counts[column]);
}

static bool learn_classes(Driver *driver, Prepared *p, bool valid_apart) {
    RunData *data = &p->data;
    bool good = true;
    if (!classes_are_learnt(p->set)) return true;
    data->words = arena_array(driver->arena, const char *const *, p->set->column_count + 1);
    data->word_counts = arena_array(driver->arena, int, p->set->column_count + 1);
    for (int i = 0; i < p->set->column_count && good; i++) {
        if (!p->set->columns[i].learns_words) continue;
        good = learn_words(driver, p, i) && take_classes(driver, p, &data->train, i) &&
               (!valid_apart || take_classes(driver, p, &data->valid, i));
    }
    return good;
}

int64_t tables_rows_of_partner(const DataSet *set, int column) {
    int first = set->joined_count ? set->joined[0]->column_count : 0;
    for (int i = 1; i < set->joined_count; first += set->joined[i++]->column_count)
        if (column >= first && column < first + set->joined[i]->column_count) return set->joined_rows[i];
    return 0;
}

/* mean NULL: by the statistics of the training rows. */
static bool standardize(Driver *driver, Tables *tables, Prepared *p, const double *const *mean_of,
                        const double *const *deviation_of) {
    RunData *data = &p->data;
    bool valid_apart = p->valid_set != NULL && p->valid_set != p->set;
    data->mean = arena_array(driver->arena, const double *, p->set->column_count + 1);
    data->deviation = arena_array(driver->arena, const double *, p->set->column_count + 1);
    if (!has_standardized(p->set) && !classes_are_learnt(p->set)) return true;
    if (!writable(driver, tables, p->set, &data->train, &p->own_train)) return false;
    if (valid_apart && !writable(driver, tables, p->valid_set, &data->valid, &p->own_valid)) return false;
    if (!valid_apart) data->valid.table = data->train.table;
    if (!learn_classes(driver, p, valid_apart)) return false;
    if (!has_standardized(p->set)) return true;
    for (int i = 0; i < p->set->column_count; i++) {
        const Column *column = &p->set->columns[i];
        int64_t elements = shape_size(column->shape);
        if (!column->standardized) continue;
        if (mean_of) {
            data->mean[i] = mean_of[i];
            data->deviation[i] = deviation_of[i];
            continue;
        }
        double *mean = arena_array(driver->arena, double, elements);
        double *deviation = arena_array(driver->arena, double, elements);
        int teacher = data_teacher_of(p->set, i);
        RowSet rows = learnt_from(p, teacher);
        sgdrt_statistics(&rows.table->columns[teacher], rows.table->described[teacher].dtype, elements, rows.rows,
                         rows.count, mean, deviation);
        data->mean[i] = mean;
        data->deviation[i] = deviation;
    }
    return standardize_rows(driver, data, &data->train, p->set->span) &&
           (!valid_apart || standardize_rows(driver, data, &data->valid, p->set->span));
}

static bool split(Driver *driver, Tables *tables, Prepared *p, const Run *run) {
    const sgdrt_table *table = find_loaded(tables, p->set)->table;
    RunData *data = &p->data;
    if (p->valid_set) {
        data->train = split_none(driver->arena, p->set, table);
        data->valid = split_none(driver->arena, p->valid_set, find_loaded(tables, p->valid_set)->table);
    } else {
        split_rows(driver->arena, run, table, &data->train, &data->valid);
    }
    if (data->train.count > 0) return true;
    report(driver->diagnostics, CODE_E0422, run->span, "%s has no rows left to train on: hold_out takes all %lld",
           run->name, (long long)table->rows);
    return false;
}

static Prepared *prepare(Driver *driver, Tables *tables, const Run *run) {
    Prepared *p = arena_new_of(driver->arena, Prepared);
    *p = (Prepared){.set = run->data,
                    .valid_set = run->valid,
                    .hold_out = run->hold_out,
                    .part = run->hold_out_part,
                    .fold = run->fold,
                    .folds = run->folds,
                    .by = run->hold_out_by,
                    .seed = run->seed};
    vector_push(driver->arena, &tables->prepared, p);
    find_loaded(tables, p->set)->users++;
    if (p->valid_set && p->valid_set != p->set) find_loaded(tables, p->valid_set)->users++;
    return split(driver, tables, p, run) ? p : NULL;
}

Tables *tables_read(Driver *driver, bool tolerant) {
    Tables *tables = arena_new_of(driver->arena, Tables);
    const Program *program = driver->program;
    bool good = true;
    tables->arena = driver->arena;
    tables->of_run = arena_array(driver->arena, int, program->run_count + 1);
    double begin = clock_seconds();
    for (int r = 0; r < program->run_count; r++) {
        good &= need(driver, tables, program->runs[r].data, tolerant);
        if (program->runs[r].valid) good &= need(driver, tables, program->runs[r].valid, tolerant);
    }
    for (int r = 0; r < program->run_count && good; r++) {
        int found = -1;
        for (int i = 0; i < tables->prepared.count && found < 0; i++)
            if (prepared_for(tables->prepared.items[i], &program->runs[r])) found = i;
        tables->of_run[r] = found >= 0 ? found : tables->prepared.count;
        if (found < 0) good &= prepare(driver, tables, &program->runs[r]) != NULL;
    }
    tables->seconds = clock_seconds() - begin;
    if (good) return tables;
    tables_free(tables);
    return NULL;
}

bool tables_standardize_by(Driver *driver, Tables *tables, const double *const *mean, const double *const *deviation) {
    double begin = clock_seconds();
    bool good = true;
    for (int i = 0; i < tables->prepared.count && good; i++)
        good &= standardize(driver, tables, tables->prepared.items[i], mean, deviation);
    for (int r = 0; r < driver->program->run_count && good; r++) {
        const RunData *data = tables_of_run(tables, r);
        if (data->words) classes_name_run(driver->arena, &driver->program->runs[r], data->words, data->word_counts);
    }
    tables->seconds += clock_seconds() - begin;
    return good;
}

bool tables_standardize(Driver *driver, Tables *tables) { return tables_standardize_by(driver, tables, NULL, NULL); }

Tables *tables_load(Driver *driver) {
    Tables *tables = tables_read(driver, false);
    if (!tables || tables_standardize(driver, tables)) return tables;
    tables_free(tables);
    return NULL;
}

const TableOfSet *tables_of_set(const Tables *tables, int i) {
    return i < tables->loaded.count ? &tables->loaded.items[i].of : NULL;
}

const RunData *tables_of_run(const Tables *tables, int run) {
    return &tables->prepared.items[tables->of_run[run]]->data;
}

void tables_free(Tables *tables) {
    for (int i = 0; i < tables->loaded.count; i++) sgdrt_free_table(tables->loaded.items[i].table);
    for (int i = 0; i < tables->prepared.count; i++) {
        sgdrt_free_table(tables->prepared.items[i]->own_train);
        sgdrt_free_table(tables->prepared.items[i]->own_valid);
    }
}

double tables_seconds(const Tables *tables) { return tables->seconds; }

size_t tables_bytes(const Tables *tables) {
    size_t bytes = 0;
    for (int i = 0; i < tables->loaded.count; i++) bytes += tables->loaded.items[i].table->bytes;
    for (int i = 0; i < tables->prepared.count; i++) {
        const Prepared *p = tables->prepared.items[i];
        if (p->own_train) bytes += p->own_train->bytes;
        if (p->own_valid) bytes += p->own_valid->bytes;
        bytes += sizeof(uint32_t) * (size_t)((p->data.train.rows ? p->data.train.count : 0) +
                                             (p->data.valid.rows ? p->data.valid.count : 0));
    }
    return bytes;
}

/* "1,500 rows of airfoil.dat (header found)" */
static void describe(Text *text, const Loaded *loaded) {
    const DataSet *set = loaded->of.set;
    const char *path = set->path ? set->path : set->column_count ? set->columns[0].path : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    char count[32];
    int64_t rows = loaded->table->rows * (set->copies > 1 ? set->copies : 1);
    text_add(text, "%s row%s", report_count(count, sizeof count, rows), rows == 1 ? "" : "s");
    if (path && source_rows(set->kind) != ROWS_MADE)
        text_add(text, " of %s%s", slash ? slash + 1 : path,
                 set->path_count > 1 ? text_format(text->arena, " and %d more", set->path_count - 1) : "");
    else
        text_add(text, " of %s", set->name);
    if (source_rows(set->kind) == ROWS_TABLE && set->header < 0)
        text_add(text, loaded->table->has_header ? " (header found%s)" : " (no header%s)",
                 set->delimiter || loaded->table->delimiter == ','
                     ? ""
                     : text_format(text->arena, ", separated by %s", sgdrt_delimiter_text(loaded->table->delimiter)));
}

const char *tables_describe_set(Arena *arena, const Tables *tables, int i) {
    Text text = text_new(arena);
    describe(&text, &tables->loaded.items[i]);
    return text.bytes;
}

const char *tables_describe(Arena *arena, const Tables *tables) {
    Text text = text_new(arena);
    for (int i = 0; i < tables->loaded.count; i++) {
        if (tables->loaded.items[i].of.set->joined_count) continue; /* its sets are told themselves */
        if (text.length) text_add(&text, ", ");
        describe(&text, &tables->loaded.items[i]);
    }
    return text.bytes;
}
