/* sgdc show MODEL.sgd: the data as sgdc reads it, before anything is trained.
 *
 * The program is lowered, which says the fields; rows are read, kept, numbered and split as --run does it. But rows that
 * cannot be read are left out and counted, where --run ends: to look at data is how one finds out.
 */
#include "driver/commands/commands.h"
#include "driver/commands/show.h"
#include "driver/commands/trained.h"
#include "driver/output.h"
#include "driver/seeing.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    FIRST_ROWS = 5,
    MOST_ELEMENTS = 20,
    MOST_IN_ROW = 6,
    MOST_CLASSES = 20,
    MOST_SPLITS = 5,
    MOST_CONSTANT = 10,
    BAR = 30
};

typedef struct Shown {
    Driver *driver;
    Arena *arena;
    const Tables *tables;
    int64_t rows; /* to be shown */
    Text text;
    FieldFigures **of_set; /* per data set, per field */
} Shown;

static const char *count_text(Arena *arena, int64_t count) {
    char text[32];
    return text_format(arena, "%s", report_count(text, sizeof text, count));
}

static const char *rows_text(Arena *arena, int64_t count) {
    return text_format(arena, "%s row%s", count_text(arena, count), count == 1 ? "" : "s");
}

/* Where a row stands: "line 12", or "row 7" of what has no lines. */
static const char *place_text(Arena *arena, const sgdrt_table *table, int64_t row) {
    int64_t line;
    if (sgdrt_row_line(table, row, &line)) return text_format(arena, "line %" PRId64, line);
    return text_format(arena, "row %" PRId64, table->row_in_file ? (int64_t)table->row_in_file[row] : row);
}

/* ---- rows that were left out ------------------------------------------------------------------------- */
static void add_problem(Text *to, const sgdrt_problem *p) {
    text_add(to, "    the first: %s:%" PRId64, text_shown(to->arena, p->file ? p->file : ""), p->line);
    if (p->column) text_add(to, ":%" PRId64, p->column);
    text_add(to, ": %s\n", text_shown(to->arena, p->message));
}

static const char *missing_text(Arena *arena, const DataSet *set, const Column *column) {
    if (column->missing == MISSING_NAN) return "such";
    return text_number(arena, column->missing == MISSING_NUMBER ? column->missing_value : set->missing_value, false);
}

static void add_left_out(Shown *s, const TableOfSet *of) {
    Arena *arena = s->arena;
    const RefusedRows *refused = &of->refused;
    if (refused->missing) {
        text_add(&s->text, "  left out: %s with a missing value, which is an error in training\n",
                 rows_text(arena, refused->missing));
        add_problem(&s->text, &refused->first_missing);
    }
    if (refused->other) {
        text_add(&s->text, "  left out: %s that cannot be read, which is an error in training\n",
                 rows_text(arena, refused->other));
        add_problem(&s->text, &refused->first_other);
    }
    if (refused->labels) {
        text_add(&s->text, "  left out: %s with a label that is none, which is an error in training\n",
                 rows_text(arena, refused->labels));
        add_problem(&s->text, &refused->first_label);
    }
    int64_t by_keep = of->rows_read - of->table->rows - refused->labels;
    if (by_keep) text_add(&s->text, "  left out: %s by keep\n", rows_text(arena, by_keep));
    bool *read = arena_array(arena, bool, of->table->column_count + 1);
    for (int f = 0; f < of->set->field_count; f++) trained_mark_columns(arena, of->set->fields[f].value, read);
    for (int c = 0; c < of->table->column_count; c++) {
        int64_t missing = read[c] ? of->table->described[c].missing : 0;
        if (missing)
            text_add(&s->text, "  missing: %s value%s of %s in the file, read as %s\n", count_text(arena, missing),
                     missing == 1 ? "" : "s", of->table->described[c].name,
                     missing_text(arena, of->set, &of->set->columns[c]));
    }
}

/* ---- fields --------------------------------------------------------------------------------------------- */
static const char *type_text(Arena *arena, const Field *field) {
    Text text = text_new(arena);
    if (field->classes > 0)
        text_add(&text, "label[%" PRId64 "]", field->classes);
    else
        text_add(&text, "%s", dtype_text(field->dtype));
    for (int a = 0; a < field->shape.rank; a++) text_add(&text, "%s%" PRId64, a ? ", " : "[", field->shape.extent[a]);
    if (field->shape.rank) text_add(&text, "]");
    return text.bytes;
}

/* The column of the file that an element is: its name, or its number. */
static const char *column_text(Arena *arena, const FieldFigures *f, int64_t element) {
    const Column *column = f->column;
    if (!column || element >= column->csv_count) return "";
    if (column->csv_name[element]) return text_shown(arena, column->csv_name[element]);
    return text_format(arena, "column %" PRId64, column->csv_index[element]);
}

static void add_figures(Text *to, const ElementFigures *f) {
    const double figures[] = {f->low, f->mean, f->deviation, f->high};
    char text[64];
    for (int i = 0; i < 4; i++) text_add(to, "  %12s", report_figure(text, sizeof text, figures[i], f->finite > 0));
}

static void add_line(Shown *s, const char *name, const char *type, const ElementFigures *figures, const char *note) {
    size_t begin = s->text.length;
    text_add(&s->text, "  %-14s  %-14s", name, type);
    while (s->text.length < begin + 32) text_add(&s->text, " ");
    if (figures) add_figures(&s->text, figures);
    text_add(&s->text, "%s%s\n", *note ? "  " : "", note);
}

static void add_field(Shown *s, const FieldFigures *f) {
    Arena *arena = s->arena;
    Text note = text_new(arena);
    bool apart = f->elements > 1 && f->field->shape.rank == 1 && f->elements <= MOST_ELEMENTS && !f->class_rows;
    if (f->column && f->column->standardized)
        text_add(&note, "as measured; a model sees it standardized");
    else if (f->field->filled && f->field->standard >= 0)
        text_add(&note, "as measured; a model sees it standardized");
    else if (f->field->filled)
        text_add(&note, "as measured; a model sees what stands for missing values");
    else if (!f->column)
        text_add(&note, "computed");
    if (f->not_finite)
        text_add(&note, "%s%s nan or infinite", note.length ? "; " : "", count_text(arena, f->not_finite));
    const char *one = f->elements == 1 ? column_text(arena, f, 0) : "";
    if (*one) text_add(&note, "%s%s", note.length ? "; " : "", one);
    add_line(s, f->field->name, type_text(arena, f->field), f->class_rows || apart ? NULL : &f->whole, note.bytes);
    for (int64_t e = 0; apart && e < f->elements; e++)
        add_line(s, text_format(arena, "  [%" PRId64 "]", e), "", &f->element[e], column_text(arena, f, e));
}

/* ---- balance of labels ---------------------------------------------------------------------------------- */
static const char *class_text(Arena *arena, const FieldFigures *f, int64_t class) {
    return text_shown(arena, trained_class_name(arena, f->set, (int)(f->field - f->set->fields), class));
}

typedef struct ClassCount {
    int64_t class, rows;
} ClassCount;

static int more_rows_first(const void *a, const void *b) {
    const ClassCount *x = a, *y = b;
    if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
    return x->class < y->class ? -1 : x->class > y->class;
}

static void add_empty_classes(Shown *s, const FieldFigures *f) {
    int64_t empty = 0;
    Text list = text_new(s->arena);
    for (int64_t k = 0; k < f->field->classes; k++) {
        if (f->class_rows[k]) continue;
        if (empty++ < MOST_CONSTANT) text_add(&list, "%s%s", list.length ? ", " : "", class_text(s->arena, f, k));
    }
    if (empty) text_add(&s->text, "    no row has %s%s\n", list.bytes, empty > MOST_CONSTANT ? ", ..." : "");
}

/* All classes in their order; of many the most frequent ones. */
static void add_balance(Shown *s, const FieldFigures *f) {
    int64_t classes = f->field->classes, total = 0, shown = classes < MOST_CLASSES ? classes : MOST_CLASSES;
    ClassCount *counts = malloc(sizeof *counts * (size_t)classes);
    if (!counts) out_of_memory(sizeof *counts * (size_t)classes);
    for (int64_t k = 0; k < classes; k++) {
        counts[k] = (ClassCount){k, f->class_rows[k]};
        total += f->class_rows[k];
    }
    if (shown < classes) qsort(counts, (size_t)classes, sizeof *counts, more_rows_first);
    int64_t most = 1;
    for (int64_t i = 0; i < shown; i++) most = counts[i].rows > most ? counts[i].rows : most;
    text_add(&s->text, "\n  %s: how many rows have which class\n", f->field->name);
    for (int64_t i = 0; i < shown; i++) {
        const char *name = class_text(s->arena, f, counts[i].class),
                   *number = text_format(s->arena, "%" PRId64, counts[i].class);
        char bar[BAR + 1] = "";
        int length = (int)((double)counts[i].rows / (double)most * BAR + 0.5);
        memset(bar, '#', (size_t)length);
        text_add(&s->text, "    %5s  %-16s %10s %6.1f %%  %s\n", number, strcmp(name, number) ? name : "",
                 count_text(s->arena, counts[i].rows), 100.0 * (double)counts[i].rows / (double)(total ? total : 1),
                 bar);
    }
    if (shown < classes)
        text_add(&s->text, "    and %s more classes, of %s to %s rows\n", count_text(s->arena, classes - shown),
                 count_text(s->arena, counts[classes - 1].rows), count_text(s->arena, counts[shown].rows));
    add_empty_classes(s, f);
    free(counts);
}

/* ---- rows and images ------------------------------------------------------------------------------------- */
/* The shortest digits that read back as the number, without an exponent where that is only zeros left out. */
static const char *shortest_text(Arena *arena, double value, bool is_f32) {
    const char *text = text_number(arena, value, is_f32);
    bool zeros = strchr(text, 'e') && fabs(value) >= 1 && fabs(value) < 1e15;
    return zeros ? text_format(arena, "%.0f", strtod(text, NULL)) : text;
}

static const char *value_text(Arena *arena, const FieldFigures *f, double value) {
    if (f->class_rows && value >= 0 && value < (double)f->field->classes) return class_text(arena, f, (int64_t)value);
    bool is_f32 = f->field->dtype == DTYPE_F32 && !(f->column && f->column->standardized);
    return shortest_text(arena, value, is_f32);
}

static void add_values(Text *to, const FieldFigures *f, int64_t row) {
    const double *values = f->first + row * f->elements;
    int64_t shown = f->elements < MOST_IN_ROW ? f->elements : MOST_IN_ROW;
    text_add(to, "  %s = %s", f->field->name, f->field->shape.rank ? "[" : "");
    for (int64_t e = 0; e < shown; e++) text_add(to, "%s%s", e ? ", " : "", value_text(to->arena, f, values[e]));
    if (shown < f->elements) text_add(to, ", ... %s in all", count_text(to->arena, f->elements));
    if (f->field->shape.rank) text_add(to, "]");
}

static void add_first_rows(Shown *s, const TableOfSet *of, const FieldFigures *figures) {
    int64_t rows = s->rows < of->table->rows ? s->rows : of->table->rows;
    text_add(&s->text, "\n  the first rows\n");
    for (int64_t r = 0; r < rows; r++) {
        text_add(&s->text, "    %-9s", place_text(s->arena, of->table, r));
        for (int f = 0; f < of->set->field_count; f++) add_values(&s->text, &figures[f], r);
        text_add(&s->text, "\n");
    }
}

/* A terminal that is said to show UTF-8. */
static bool shows_unicode(void) {
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *locale = NULL;
    for (int i = 0; i < 3 && !(locale && *locale); i++) locale = getenv(names[i]);
    const char *code = locale ? strchr(locale, '.') : NULL;
    return isatty(STDOUT_FILENO) && code && (!strncasecmp(code + 1, "UTF-8", 5) || !strncasecmp(code + 1, "UTF8", 4));
}

static void add_images(Shown *s, const TableOfSet *of, const FieldFigures *figures) {
    const FieldFigures *label = NULL;
    for (int f = 0; f < of->set->field_count && !label; f++)
        if (figures[f].class_rows && figures[f].elements == 1) label = &figures[f];
    for (int f = 0; f < of->set->field_count; f++) {
        if (!figures_are_image(&figures[f])) continue;
        int64_t count = s->driver->options->rows ? figures[f].first_rows : images_in_line(&figures[f]);
        if (count > figures[f].first_rows) count = figures[f].first_rows;
        const char **captions = arena_array(s->arena, const char *, count + 1);
        for (int64_t i = 0; i < count; i++)
            captions[i] = label ? text_format(s->arena, "%s: %s", place_text(s->arena, of->table, i),
                                              value_text(s->arena, label, label->first[i]))
                                : place_text(s->arena, of->table, i);
        text_add(&s->text, "\n  %s as images\n", figures[f].field->name);
        show_images(&s->text, &figures[f], captions, count, shows_unicode());
    }
}

/* ---- what is suspicious ---------------------------------------------------------------------------------- */
static void add_constant(Shown *s, const TableOfSet *of, const FieldFigures *figures) {
    for (int f = 0; f < of->set->field_count && of->table->rows > 1; f++) {
        const FieldFigures *figure = &figures[f];
        int64_t constant = 0;
        for (int64_t e = 0; e < figure->elements; e++) constant += figure->element[e].low == figure->element[e].high;
        if (constant > MOST_CONSTANT)
            text_add(&s->text, "  constant: %s of the %s numbers of %s\n", count_text(s->arena, constant),
                     count_text(s->arena, figure->elements), figure->field->name);
        for (int64_t e = 0; e < figure->elements && constant <= MOST_CONSTANT; e++) {
            if (figure->element[e].low != figure->element[e].high) continue;
            text_add(&s->text, "  constant: %s", figure->field->name);
            if (figure->field->shape.rank) text_add(&s->text, "[%" PRId64 "]", e);
            text_add(&s->text, " is %s in every row\n", value_text(s->arena, figure, figure->element[e].low));
        }
    }
}

static void add_twins(Shown *s, const DataSet *set, const RunData *data) {
    Twins twins;
    if (!twins_find(s->arena, set, data, &twins) || !twins.count) return;
    text_add(&s->text, "    %s of those that validate %s among those that train as well:\n",
             rows_text(s->arena, twins.count), twins.count == 1 ? "stands" : "stand");
    for (int i = 0; i < twins.count && i < MOST_TWINS_NAMED; i++)
        text_add(&s->text, "      %s validates and %s trains\n",
                 place_text(s->arena, data->valid.table, twins.named[i].valid),
                 place_text(s->arena, data->train.table, twins.named[i].train));
}

static bool is_of(const DataSet *of_run, const DataSet *set) {
    return of_run && (of_run == set || of_run->original == set);
}

/* How the rows split, once for runs that split alike. */
static void add_splits(Shown *s, const DataSet *set) {
    const Program *program = s->driver->program;
    int splits = 0;
    for (int r = 0; r < program->run_count; r++) {
        const RunData *data = tables_of_run(s->tables, r);
        bool told = !is_of(program->runs[r].data, set);
        for (int q = 0; q < r && !told; q++) told = tables_of_run(s->tables, q) == data;
        if (told || splits++ >= MOST_SPLITS) continue;
        text_add(&s->text, "  %s: %s train", program->runs[r].name, rows_text(s->arena, data->train.count));
        if (data->valid.count) text_add(&s->text, ", %s validate", count_text(s->arena, data->valid.count));
        if (program->runs[r].valid) text_add(&s->text, ", those of %s", program->runs[r].valid->name);
        text_add(&s->text, "\n");
        add_twins(s, set, data);
    }
    if (splits > MOST_SPLITS) text_add(&s->text, "  and %d more ways to split them\n", splits - MOST_SPLITS);
}

/* The rows of one of several data sets that a run takes beside each other; *first: its first field there. */
static const sgdrt_table *seen_beside(const Shown *s, int r, const DataSet *set, int *first) {
    const DataSet *data = s->driver->program->runs[r].data;
    for (int i = 0, fields = 0; i < data->joined_count; fields += data->joined[i++]->field_count) {
        if (!is_of(data->joined[i], set)) continue;
        sgdrt_table *own = arena_copy(s->arena, tables_of_run(s->tables, r)->train.table, sizeof *own);
        own->rows = data->joined_rows[i];
        *first = fields;
        return own;
    }
    return NULL;
}

/* ---- all of it -------------------------------------------------------------------------------------------- */
/* The table as a model sees it, and what is known of its classes: of the first run that uses the data set. */
static const sgdrt_table *seen_table(const Shown *s, const DataSet *set, const DataSet **seen, int *first) {
    const Program *program = s->driver->program;
    *first = 0;
    for (int r = 0; r < program->run_count; r++) {
        const Run *run = &program->runs[r];
        const sgdrt_table *joined = seen_beside(s, r, set, first);
        if (joined) *seen = run->data;
        if (joined) return joined;
        bool trains = is_of(run->data, set);
        if (!trains && !is_of(run->valid, set)) continue;
        const RunData *data = tables_of_run(s->tables, r);
        *seen = trains ? run->data : run->valid;
        return trains ? data->train.table : data->valid.table;
    }
    return NULL;
}

static bool is_stored(const DataSet *set, const Field *field) {
    return field->column >= 0 && !set->columns[field->column].learns_words;
}

/* Of the fields that are columns, or of those that are computed or learnt. */
static void take_figures(Shown *s, bool stored) {
    const TableOfSet *of;
    for (int i = 0; (of = tables_of_set(s->tables, i)) != NULL; i++)
        for (int f = 0; f < of->set->field_count; f++) {
            const DataSet *seen = of->set;
            const Field *field = &of->set->fields[f];
            int first = 0;
            if (of->set->joined_count || is_stored(of->set, field) != stored) continue;
            const sgdrt_table *table = stored ? of->table : seen_table(s, of->set, &seen, &first);
            if (seen->joined_count) field = &seen->fields[first + f];
            s->of_set[i][f] = figures_of_field(s->arena, seen, table, field, s->rows);
        }
}

static void add_head(Shown *s, int i) {
    const TableOfSet *of = tables_of_set(s->tables, i);
    text_add(&s->text, "%s%s: %s\n", i ? "\n" : "", of->set->name,
             text_shown(s->arena, tables_describe_set(s->arena, s->tables, i)));
    add_left_out(s, of);
    add_splits(s, of->set);
}

static void add_body(Shown *s, int i) {
    const TableOfSet *of = tables_of_set(s->tables, i);
    const FieldFigures *figures = s->of_set[i];
    text_add(&s->text, "\n  %-14s  %-14s  %12s  %12s  %12s  %12s\n", "field", "type", "min", "mean", "deviation",
             "max");
    for (int f = 0; f < of->set->field_count; f++) add_field(s, &figures[f]);
    add_constant(s, of, figures);
    for (int f = 0; f < of->set->field_count; f++)
        if (figures[f].class_rows) add_balance(s, &figures[f]);
    add_first_rows(s, of, figures);
    add_images(s, of, figures);
}

static ExitCode show(Driver *driver, Tables *tables) {
    int sets = 0;
    while (tables_of_set(tables, sets)) sets++;
    Shown s = {.driver = driver,
               .arena = driver->arena,
               .tables = tables,
               .rows = driver->options->rows ? driver->options->rows : FIRST_ROWS,
               .of_set = arena_array(driver->arena, FieldFigures *, sets + 1)};
    const char **heads = arena_array(driver->arena, const char *, sets + 1);
    for (int i = 0; i < sets; i++) {
        s.of_set[i] = arena_array(driver->arena, FieldFigures, tables_of_set(tables, i)->set->field_count + 1);
        s.text = text_new(driver->arena);
        add_head(&s, i);
        heads[i] = s.text.bytes;
    }
    take_figures(&s, true);
    if (!tables_standardize(driver, tables)) return EXIT_DATA;
    take_figures(&s, false);
    for (int i = 0; i < sets; i++) {
        if (tables_of_set(tables, i)->set->joined_count) continue; /* its sets are shown themselves */
        s.text = text_new(driver->arena);
        add_body(&s, i);
        fprintf(driver->result, "%s%s", heads[i], s.text.bytes);
    }
    return EXIT_DONE;
}

static ExitCode run_show(Driver *driver) {
    Options options = *driver->options;
    const Options *given = driver->options;
    options.dry_run = true; /* the data as --run reads it */
    options.stop_after = "lower";
    driver->options = &options;
    ExitCode code = driver_compile(driver, false);
    if (code == EXIT_DONE) {
        Tables *tables = tables_read(driver, true);
        code = tables ? show(driver, tables) : EXIT_DATA;
        if (tables) tables_free(tables);
    }
    driver->options = given;
    return code;
}

static const OptionRow rows[] = {
    {"rows", 0, OPTION_COUNT, OPTION_AT(rows), "=N", NULL, "how many rows and images to print (default 5)"},
    {0},
};
const Command command_show = {
    {.command = "show",
     .arguments = "MODEL.sgd [--data NAME=FILE] [--rows N]",
     .file = ".sgd file",
     .summary = "the data as sgdc reads it: fields, ranges, classes, first rows, what is suspicious",
     .rows = rows,
     .shared = "set data seed " SHARED_BY_ALL},
    run_show,
};
