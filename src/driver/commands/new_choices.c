/* Which column becomes what, and which model and schedule fit the table. The rules are few and plain, as the program that
 * comes out says each of them and is there to be changed:
 *
 *   numbers stay numbers; texts with few different ones are classes; what counts the rows, is the same everywhere, holds
 *   other texts or is mostly missing is left out;
 *   the target is a class if it holds texts, 0 and 1, or few whole numbers with rows enough for each; else a number;
 *   with few rows the model is linear, else it has one hidden layer.
 */
#include "driver/commands/new.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_CLASSES_OF_FIELD = 20,
    ROWS_PER_CLASS = 5,       /* of whole numbers that are taken as classes */
    LEAST_ROWS_HELD_OUT = 10, /* with fewer all rows train */
    WIDE = 64,                /* more numbers: constant ones among them stay */
    ROWS_OF_A_STEP = 32,
    STEPS = 20000,
    MOST_EPOCHS = 300,
    LEAST_EPOCHS = 10
};
#define MOST_MISSING 0.3 /* of a column that is used */

const char *column_title(Arena *arena, const ColumnProfile *column) {
    return column->name && *column->name ? column->name : text_format(arena, "column %d", column->number);
}

/* ---- what a column holds ----------------------------------------------------------------------------- */
static bool is_numbers(const TableProfile *t, const ColumnProfile *c) {
    int64_t count = profile_numbers(t, c)->count;
    return count > 0 && count + c->missing == t->rows;
}

static bool is_whole(const TableProfile *t, const ColumnProfile *c) {
    return is_numbers(t, c) && profile_numbers(t, c)->whole == profile_numbers(t, c)->count;
}

static int different_texts(const ColumnProfile *c, bool with_missing) {
    int count = 0;
    for (int i = 0; i < c->texts.count; i++) count += with_missing || !c->texts.items[i].missing;
    return count;
}

static bool is_constant(const TableProfile *t, const ColumnProfile *c) {
    if (t->rows < 2) return false;
    if (is_numbers(t, c)) return profile_numbers(t, c)->low == profile_numbers(t, c)->high && !c->missing;
    return !c->many_texts && different_texts(c, true) == 1;
}

/* Whole numbers, each one more than the one before; or a column of whole numbers that is called so. */
static bool is_row_number(const TableProfile *t, const ColumnProfile *c) {
    static const char *const names[] = {"id", "index", "rowid", "row_id", "unnamed: 0"};
    if (!is_whole(t, c) || c->missing || t->rows < 3) return false;
    bool called = c->name && !*c->name;
    for (size_t i = 0; i < sizeof names / sizeof *names && c->name; i++) {
        size_t k = 0;
        while (names[i][k] && tolower((unsigned char)c->name[k]) == names[i][k]) k++;
        called |= !names[i][k] && !c->name[k];
    }
    return profile_numbers(t, c)->sequence || (called && c->many_texts);
}

static bool is_mostly_numbers(const TableProfile *t, const ColumnProfile *c) {
    return profile_numbers(t, c)->count * 10 > t->rows * 9;
}

static const char *odd_text(Arena *arena, const ColumnProfile *c) {
    return text_format(arena, "is numbers but for some texts, such as \"%s\" in line %lld: write NA there",
                       text_shown(arena, c->odd), (long long)c->odd_line);
}

static const char counts_rows[] = "counts the rows", zero_bytes[] = "holds bytes of value 0, which no text has";

/* NULL, or why the column tells a model nothing. */
static const char *useless(Arena *arena, const TableProfile *t, const ColumnProfile *c, bool wide) {
    double missing = (double)c->missing / (double)t->rows;
    if (c->missing == t->rows) return "has no values";
    if (c->has_zero_bytes) return zero_bytes;
    if (is_numbers(t, c) && missing > MOST_MISSING) return text_format(arena, "%.0f %% are missing", 100 * missing);
    if (is_constant(t, c) && !(wide && is_numbers(t, c))) return "is the same in every row";
    if (is_row_number(t, c)) return counts_rows;
    if (is_numbers(t, c)) return NULL;
    if (is_mostly_numbers(t, c)) return odd_text(arena, c);
    if (c->many_texts || different_texts(c, true) > MOST_CLASSES_OF_FIELD)
        return text_format(arena, "holds texts, more than %d different ones", MOST_CLASSES_OF_FIELD);
    return NULL;
}

/* ---- names in the program --------------------------------------------------------------------------------- */
/* Words of the language, and what the program calls things. */
static bool is_taken(Arena *arena, const char *name) {
    static const char words[] = " model layer def loss metric optimizer data train update include like param state "
                                "return repeat scan if then else for "
                                "in and or not every each true false inf pi training step epoch progress keep names x "
                                "h net fit dense tanh concat "
                                "one_hot softmax cross_entropy squared accuracy r2 adam split stalled best valid "
                                "standardize remap column columns f32 "
                                "label none all batch p table csv ";
    return strstr(words, text_format(arena, " %s ", name)) != NULL;
}

/* Letters, digits and _, no other column's field. */
static const char *field_name(Arena *arena, const Choices *choices, const ColumnProfile *column) {
    Text name = text_new(arena);
    for (const char *c = column_title(arena, column); *c && name.length < 40; c++) {
        bool letter = isalnum((unsigned char)*c) && !(*c & 0x80);
        if (letter)
            text_add(&name, "%c", tolower((unsigned char)*c));
        else if (name.length && name.bytes[name.length - 1] != '_')
            text_add(&name, "_");
    }
    while (name.length && name.bytes[name.length - 1] == '_') name.bytes[--name.length] = 0;
    if (!name.length || isdigit((unsigned char)*name.bytes))
        name.bytes = text_format(arena, "c%d_%s", column->number, name.bytes);
    const char *found = is_taken(arena, name.bytes) ? text_format(arena, "%s_%d", name.bytes, column->number)
                                                    : name.bytes;
    for (int c = 0; c < choices->table->column_count; c++)
        if (choices->columns[c].field && strcmp(choices->columns[c].field, found) == 0)
            return text_format(arena, "%s_%d", name.bytes, column->number);
    return found;
}

/* ---- the target ----------------------------------------------------------------------------------------- */
static int find_column(const TableProfile *table, const char *wanted) {
    char *end;
    for (int c = 0; c < table->column_count; c++)
        if (table->columns[c].name && strcmp(table->columns[c].name, wanted) == 0) return c;
    long number = isdigit((unsigned char)*wanted) ? strtol(wanted, &end, 10) : -1;
    return number >= 0 && !*end && number < table->column_count ? (int)number : -1;
}

static bool no_such_column(Driver *driver, const TableProfile *table, const char *wanted) {
    const char **names = arena_array(driver->arena, const char *, table->column_count + 1);
    for (int c = 0; c < table->column_count; c++) names[c] = column_title(driver->arena, &table->columns[c]);
    const char *near = nearest_name(wanted, names, table->column_count);
    Text text = text_new(driver->arena);
    text_add(&text, "%s has no column \"%s\"", table->path, wanted);
    if (near)
        text_add(&text, "; did you mean --target=%s?", near);
    else if (table->header)
        text_add(&text, "; its columns are");
    else
        text_add(&text, " (it has no header: its columns are numbered from 0 to %d)", table->column_count - 1);
    for (int c = 0; c < table->column_count && !near && table->header && text.length < 300; c++)
        text_add(&text, "%s %s", c ? "," : "", names[c]);
    driver_complain(driver, "%s", text.bytes);
    return false;
}

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The different numbers of a column of few texts, in order. */
static int64_t list_numbers(Arena *arena, const TableProfile *table, const ColumnProfile *c, double **numbers) {
    int64_t count = 0, kept = 0;
    *numbers = arena_array(arena, double, c->texts.count + 1);
    for (int i = 0; i < c->texts.count; i++) {
        char *text = text_format(arena, "%s", c->texts.items[i].text), *comma = table->comma ? strchr(text, ',') : NULL;
        if (comma) *comma = '.';
        if (!c->texts.items[i].missing) (*numbers)[count++] = strtod(text, NULL);
    }
    qsort(*numbers, (size_t)count, sizeof **numbers, compare_numbers);
    for (int64_t i = 0; i < count; i++)
        if (!kept || (*numbers)[i] != (*numbers)[kept - 1]) (*numbers)[kept++] = (*numbers)[i];
    return kept;
}

/* Are these whole numbers classes? */
static bool are_classes(Arena *arena, Choices *choices, const ColumnProfile *c) {
    const TableProfile *table = choices->table;
    if (!is_whole(table, c) || c->many_texts) return false;
    choices->classes = list_numbers(arena, table, c, &choices->values);
    bool truth = choices->classes == 2 && choices->values[0] == 0 && choices->values[1] == 1;
    bool few = choices->classes >= 2 && choices->classes <= MOST_CLASSES_OF_FIELD &&
               table->rows >= ROWS_PER_CLASS * choices->classes;
    return truth || few;
}

static bool no_target(Driver *driver, const TableProfile *table, int target, const char *why, bool asked) {
    driver_complain(driver, "%s%s%s cannot be predicted: it %s%s", asked ? "" : "the last column, ",
                    column_title(driver->arena, &table->columns[target]), asked ? "" : ",", why,
                    asked ? "" : "; name another by --target");
    return false;
}

static bool choose_target(Driver *driver, Choices *choices, const char *wanted) {
    const TableProfile *table = choices->table;
    choices->target = wanted ? find_column(table, wanted) : table->column_count - 1;
    if (choices->target < 0) return no_such_column(driver, table, wanted);
    const ColumnProfile *c = &table->columns[choices->target];
    bool texts = !is_numbers(table, c);
    const char *why = c->missing == table->rows ? "has no values"
                      : c->has_zero_bytes       ? zero_bytes
                      : is_constant(table, c) || (texts && different_texts(c, false) < 2 && !c->many_texts)
                          ? "is the same in every row"
                      : is_row_number(table, c) && !wanted   ? "counts the rows"
                      : texts && is_mostly_numbers(table, c) ? odd_text(driver->arena, c)
                      : texts && c->many_texts
                          ? text_format(driver->arena, "holds texts, more than %d different ones", MOST_TEXTS)
                          : NULL;
    if (why) return no_target(driver, table, choices->target, why, wanted != NULL);
    choices->kind = texts ? TARGET_TEXTS : are_classes(driver->arena, choices, c) ? TARGET_LABELS : TARGET_NUMBER;
    if (texts) choices->classes = different_texts(c, false);
    choices->columns[choices->target].role = ROLE_TARGET;
    choices->columns[choices->target].field = field_name(driver->arena, choices, c);
    return true;
}

/* ---- the others -------------------------------------------------------------------------------------------- */
static void choose_columns(Arena *arena, Choices *choices) {
    const TableProfile *table = choices->table;
    int numbers = 0;
    for (int c = 0; c < table->column_count; c++) numbers += is_numbers(table, &table->columns[c]);
    for (int c = 0; c < table->column_count; c++) {
        ColumnChoice *choice = &choices->columns[c];
        if (choice->role == ROLE_TARGET) continue;
        choice->reason = useless(arena, table, &table->columns[c], numbers > WIDE);
        if (choice->reason) continue;
        choice->role = is_numbers(table, &table->columns[c]) ? ROLE_NUMBER : ROLE_TEXTS;
        choices->number_count += choice->role == ROLE_NUMBER;
        choices->text_count += choice->role == ROLE_TEXTS;
        if (choice->role == ROLE_TEXTS) choice->field = field_name(arena, choices, &table->columns[c]);
    }
    for (int c = 0; c < table->column_count && choices->number_count + choices->text_count == 0; c++) {
        if (choices->columns[c].reason != counts_rows) continue;
        choices->columns[c].role = ROLE_NUMBER; /* there is nothing else: it may be the time */
        choices->number_count++;
    }
}

/* Below all numbers that are used, so that it is none of them. */
static double stand_in(const Choices *choices) {
    double value = -1;
    for (bool again = true; again && value > -1e30;) {
        again = false;
        for (int c = 0; c < choices->table->column_count; c++) {
            const ColumnProfile *column = &choices->table->columns[c];
            ColumnRole role = choices->columns[c].role;
            bool number = role == ROLE_NUMBER || (role == ROLE_TARGET && choices->kind != TARGET_TEXTS);
            again |= number && profile_numbers(choices->table, column)->low <= value;
        }
        if (again) value = 10 * value - 9; /* -1, -19, -199, ... */
    }
    return value;
}

static bool choose_missing(Driver *driver, Choices *choices) {
    const TableProfile *table = choices->table;
    bool *marked = arena_array(driver->arena, bool, table->column_count + 1);
    choices->rows = table->rows;
    for (int c = 0; c < table->column_count; c++) {
        marked[c] = choices->columns[c].role == ROLE_NUMBER || choices->columns[c].role == ROLE_TARGET;
        choices->has_missing |= marked[c] && table->columns[c].missing;
    }
    if (!choices->has_missing) return true;
    choices->missing = stand_in(choices);
    if (!profile_complete_rows(driver, table, marked, &choices->rows)) return false;
    if (choices->rows) return true;
    driver_complain(driver, "no row of %s has a value in every column that would be used", table->path);
    return false;
}

/* ---- model and schedule -------------------------------------------------------------------------------------- */
static int64_t input_count(const Choices *choices) {
    int64_t inputs = choices->number_count;
    for (int c = 0; c < choices->table->column_count; c++)
        if (choices->columns[c].role == ROLE_TEXTS) inputs += choices->table->columns[c].texts.count;
    return inputs;
}

/* How many rows split(0.2, by = ...) holds out, of the classes' numbers in the file. */
static int64_t held_out_by_class(const Choices *choices) {
    const ColumnProfile *c = &choices->table->columns[choices->target];
    int64_t held = 0;
    for (int i = 0; i < c->texts.count; i++) held += (int64_t)((double)c->texts.items[i].rows * 0.2 + 0.5);
    return held;
}

static void choose_schedule(Choices *choices) {
    int64_t rows = choices->rows;
    bool hidden = rows >= 200 && rows >= 10 * input_count(choices);
    choices->hidden = !hidden ? 0 : rows >= 50000 ? 64 : rows >= 5000 ? 32 : 16;
    choices->hold_out = rows >= LEAST_ROWS_HELD_OUT;
    choices->by_class = choices->kind != TARGET_NUMBER && held_out_by_class(choices) * 20 >= rows;
    choices->batch = rows < 2 * ROWS_OF_A_STEP ? 0 : rows < 20000 ? ROWS_OF_A_STEP : 4 * ROWS_OF_A_STEP;
    int64_t steps = choices->batch ? (rows - 1) / choices->batch + 1 : 1;
    choices->epochs = STEPS / steps > MOST_EPOCHS    ? MOST_EPOCHS
                      : STEPS / steps < LEAST_EPOCHS ? LEAST_EPOCHS
                                                     : STEPS / steps;
}

bool choose(Driver *driver, const TableProfile *table, const char *target, Choices *choices) {
    *choices = (Choices){.table = table, .columns = arena_array(driver->arena, ColumnChoice, table->column_count + 1)};
    if (!choose_target(driver, choices, target)) return false;
    choose_columns(driver->arena, choices);
    if (choices->number_count + choices->text_count == 0) {
        driver_complain(driver, "%s has no column to predict %s from", table->path,
                        column_title(driver->arena, &table->columns[choices->target]));
        return false;
    }
    if (!choose_missing(driver, choices)) return false;
    choose_schedule(choices);
    return true;
}
