/* The choices as a program. Each line that chose something carries its reason, in a comment that says what else could stand
 * there: the program is what one learns the language from.
 */
#include "driver/commands/new.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMED = 12 };

/* ---- pieces of the language ------------------------------------------------------------------------------ */
/* What has a place in a string of the language: no control characters but tabs and newlines. */
static bool is_writable(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\t' && *c != '\n') return false;
    return true;
}

static const char *string_text(Arena *arena, const char *s) {
    Text text = text_new(arena);
    text_add(&text, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            text_add(&text, "\\%c", *s);
        else if (*s == '\t')
            text_add(&text, "\\t");
        else if (*s == '\n')
            text_add(&text, "\\n");
        else
            text_add_bytes(&text, s, 1);
    }
    text_add(&text, "\"");
    return text.bytes;
}

typedef Vector(const char *) PieceList;

/* before, the items with commas between, after */
static void add_list(Text *to, const char *before, const PieceList *items, const char *after) {
    text_add(to, "%s", before);
    for (int i = 0; i < items->count; i++) text_add(to, "%s%s", i ? ", " : "", items->items[i]);
    text_add(to, "%s", after);
}

/* ---- columns ------------------------------------------------------------------------------------------------ */
/* May it be named? Two of one name may not. */
static bool has_name(const TableProfile *table, const ColumnProfile *column) {
    if (!column->name || !*column->name || !is_writable(column->name)) return false;
    for (int c = 0; c < table->column_count; c++)
        if (c != column->number && table->columns[c].name && strcmp(table->columns[c].name, column->name) == 0)
            return false;
    return true;
}

static const char *column_reference(Arena *arena, const TableProfile *table, const ColumnProfile *column) {
    return has_name(table, column) ? string_text(arena, column->name) : text_format(arena, "%d", column->number);
}

static bool is_number(const Choices *choices, int column) {
    return column < choices->table->column_count && choices->columns[column].role == ROLE_NUMBER;
}

/* "bill", "mass"; of many columns, or without a header, 0..5, 7. */
static PieceList number_columns(Arena *arena, const Choices *choices) {
    const TableProfile *table = choices->table;
    PieceList list = {0};
    bool named = table->header && choices->number_count <= MOST_NAMED;
    for (int c = 0; c < table->column_count; c++) {
        int end = c + 1;
        if (!is_number(choices, c)) continue;
        while (!named && is_number(choices, end)) end++;
        const char *piece = named         ? column_reference(arena, table, &table->columns[c])
                            : end > c + 1 ? text_format(arena, "%d..%d", c, end)
                                          : text_format(arena, "%d", c);
        vector_push(arena, &list, piece);
        c = end - 1;
    }
    return list;
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts of a column as strings, sorted; with_missing: what stands for a missing value is a class of its own. */
static PieceList class_list(Arena *arena, const ColumnProfile *column, bool with_missing) {
    PieceList list = {0};
    for (int i = 0; i < column->texts.count; i++)
        if (with_missing || !column->texts.items[i].missing) vector_push(arena, &list, column->texts.items[i].text);
    qsort(list.items, (size_t)list.count, sizeof *list.items, compare_texts);
    for (int i = 0; i < list.count; i++) list.items[i] = string_text(arena, list.items[i]);
    return list;
}

/* ---- the data block ------------------------------------------------------------------------------------------- */
static void add_source(Text *to, const Choices *choices, const char *name, const char *path) {
    const TableProfile *table = choices->table;
    text_add(to, "data %s = csv(%s, header = %s", name, string_text(to->arena, path), table->header ? "true" : "false");
    if (table->delimiter != ',')
        text_add(to, ", delimiter = %s", string_text(to->arena, (char[]){table->delimiter, 0}));
    if (table->comma) text_add(to, ", decimal = \",\"");
    if (table->comment) text_add(to, ", comment = \"#\"");
    if (choices->has_missing) text_add(to, ", missing = %.0f", choices->missing);
    text_add(to, ") {\n");
}

/* Rows without a value in a column that needs one leave. */
static void add_keep(Text *to, const Choices *choices) {
    const TableProfile *table = choices->table;
    bool first = true;
    if (!choices->has_missing) return;
    text_add(to,
             "  # Where a value is missing %.0f stands for it, which no column holds, and the row is left out: %" PRId64
             " of %" PRId64 " stay.\n",
             choices->missing, choices->rows, table->rows);
    if (choices->kind == TARGET_TEXTS && table->columns[choices->target].missing) {
        PieceList classes = class_list(to->arena, &table->columns[choices->target], false);
        add_list(to, "  names = [", &classes, "]\n");
    }
    text_add(to, "  keep = ");
    for (int c = 0; c < table->column_count; c++) {
        const ColumnProfile *column = &table->columns[c];
        bool target = choices->columns[c].role == ROLE_TARGET;
        if (!column->missing || (!target && !is_number(choices, c))) continue;
        const char *reference = text_format(to->arena, "column(%s)", column_reference(to->arena, table, column));
        if (target && choices->kind == TARGET_TEXTS) reference = text_format(to->arena, "remap(%s, names)", reference);
        text_add(to, "%s%s > %.0f", first ? "" : "\n    and ", reference, choices->missing);
        first = false;
    }
    text_add(to, "\n");
}

static void add_numbers(Text *to, const Choices *choices) {
    if (!choices->number_count) return;
    PieceList columns = number_columns(to->arena, choices);
    text_add(to, "  # Numbers: each minus its mean and divided by its deviation, so that none outweighs the others.\n");
    add_list(to, text_format(to->arena, "  x: f32[%d] = standardize(columns(", choices->number_count), &columns,
             "))\n");
}

static void add_texts(Text *to, const Choices *choices) {
    const TableProfile *table = choices->table;
    if (choices->text_count) text_add(to, "  # Texts are classes, numbered in the order of the list.\n");
    for (int c = 0; c < table->column_count; c++) {
        if (choices->columns[c].role != ROLE_TEXTS) continue;
        PieceList classes = class_list(to->arena, &table->columns[c], true);
        add_list(to,
                 text_format(to->arena, "  %s: label[%d] = remap(column(%s), [", choices->columns[c].field,
                             classes.count, column_reference(to->arena, table, &table->columns[c])),
                 &classes, "])\n");
    }
}

static PieceList value_list(Arena *arena, const Choices *choices) {
    PieceList list = {0};
    for (int64_t k = 0; k < choices->classes; k++)
        vector_push(arena, &list, text_format(arena, "%.0f", choices->values[k]));
    return list;
}

static void add_target(Text *to, const Choices *choices) {
    Arena *arena = to->arena;
    const ColumnProfile *column = &choices->table->columns[choices->target];
    const char *name = choices->columns[choices->target].field,
               *reference = text_format(arena, "column(%s)", column_reference(arena, choices->table, column));
    bool in_line = true;
    for (int64_t k = 0; k < choices->classes && choices->values; k++)
        in_line &= choices->values[k] == choices->values[0] + (double)k;
    text_add(to, "  # What is predicted%s.\n",
             choices->kind == TARGET_LABELS
                 ? ": few whole numbers, so they are classes. As a quantity it would be f32 = standardize(...)"
             : choices->kind == TARGET_NUMBER ? ": standardized for the training; predictions come in its own units"
                                              : ": a class");
    if (choices->kind == TARGET_NUMBER) {
        text_add(to, "  %s: f32 = standardize(%s)\n", name, reference);
        return;
    }
    text_add(to, "  %s: label[%" PRId64 "] = ", name, choices->classes);
    if (choices->kind == TARGET_TEXTS && column->missing) {
        text_add(to, "remap(%s, names)\n", reference);
    } else if (choices->kind == TARGET_TEXTS) {
        PieceList classes = class_list(arena, column, false);
        add_list(to, text_format(arena, "remap(%s, [", reference), &classes, "])\n");
    } else if (in_line) {
        text_add(to,
                 choices->values[0] == 0  ? "%s\n"
                 : choices->values[0] > 0 ? "%s - %.0f\n"
                                          : "%s + %.0f\n",
                 reference, choices->values[0] > 0 ? choices->values[0] : -choices->values[0]);
    } else {
        PieceList values = value_list(arena, choices);
        add_list(to, text_format(arena, "remap(%s, [", reference), &values, "])\n");
    }
}

/* A comment of one line: no text of the file ends it. */
static const char *comment_text(Arena *arena, const char *text) { return text_shown(arena, text); }

static void add_left_out(Text *to, const Choices *choices) {
    int more = 0, told = 0;
    for (int c = 0; c < choices->table->column_count; c++) {
        if (choices->columns[c].role != ROLE_LEFT_OUT) continue;
        if (told++ >= MOST_NAMED)
            more++;
        else
            text_add(to, "  # Left out: %s, which %s.\n",
                     comment_text(to->arena, column_title(to->arena, &choices->table->columns[c])),
                     choices->columns[c].reason);
    }
    if (more) text_add(to, "  # Left out as well: %d more columns.\n", more);
}

/* ---- the model --------------------------------------------------------------------------------------------------- */
/* "x, color": the arguments of a call, or with types of the declaration. */
static const char *arguments(Arena *arena, const Choices *choices, bool types) {
    Text text = text_new(arena);
    if (choices->number_count) text_add(&text, types ? "x: f32[%d]" : "x", choices->number_count);
    for (int c = 0; c < choices->table->column_count; c++) {
        if (choices->columns[c].role != ROLE_TEXTS) continue;
        text_add(&text, "%s%s", text.length ? ", " : "", choices->columns[c].field);
        if (types) text_add(&text, ": label[%d]", choices->table->columns[c].texts.count);
    }
    return text.bytes;
}

/* All inputs as one vector. */
static const char *inputs(Arena *arena, const Choices *choices) {
    PieceList parts = {0};
    if (choices->number_count) vector_push(arena, &parts, "x");
    for (int c = 0; c < choices->table->column_count; c++)
        if (choices->columns[c].role == ROLE_TEXTS)
            vector_push(arena, &parts, text_format(arena, "one_hot(%s)", choices->columns[c].field));
    if (parts.count == 1) return parts.items[0];
    Text text = text_new(arena);
    add_list(&text, "concat(", &parts, ")");
    return text.bytes;
}

static void add_model(Text *to, const Choices *choices) {
    Arena *arena = to->arena;
    bool number = choices->kind == TARGET_NUMBER;
    int64_t outputs = number ? 1 : choices->classes;
    const char *type = number ? "f32" : text_format(arena, "f32[%" PRId64 "]", outputs), *last = number ? "[0]" : "";
    if (choices->text_count) text_add(to, "# A class becomes numbers by one_hot: 1 at its place, 0 elsewhere.\n");
    if (choices->hidden)
        text_add(to,
                 "# One hidden layer of %d units; more units can tell more, and need more rows.\n"
                 "model net(%s) -> %s {\n  h = tanh(dense(%s, %d))\n  return dense(h, %" PRId64 ")%s\n}\n",
                 choices->hidden, arguments(arena, choices, true), type, inputs(arena, choices), choices->hidden,
                 outputs, last);
    else
        text_add(to,
                 "# With few rows a linear model: a weight for every input. With more, try a hidden layer in front:\n"
                 "#   h = tanh(dense(..., 16))\n"
                 "model net(%s) -> %s {\n  return dense(%s, %" PRId64 ")%s\n}\n",
                 arguments(arena, choices, true), type, inputs(arena, choices), outputs, last);
}

/* ---- the training --------------------------------------------------------------------------------------------------- */
static void add_setting(Text *to, const char *setting, const char *reason) {
    if (strlen(setting) < 52)
        text_add(to, "  %s  # %s\n", setting, reason);
    else
        text_add(to, "  # %c%s\n  %s\n", *reason >= 'a' && *reason <= 'z' ? *reason - 'a' + 'A' : *reason, reason + 1,
                 setting);
}

static void add_objective(Text *to, const Choices *choices, const char *target) {
    Arena *arena = to->arena;
    const char *call = text_format(arena, "net(%s)", arguments(arena, choices, false));
    if (choices->kind == TARGET_NUMBER) {
        add_setting(to, text_format(arena, "minimize  = squared(%s, %s)", call, target), "half the squared error");
        add_setting(to, text_format(arena, "measure r2 = r2(%s, %s)", call, target),
                    "1: every row is told; 0: no better than the mean");
        return;
    }
    add_setting(to, text_format(arena, "minimize  = cross_entropy(%s, %s)", call, target),
                "small where the true class is held likely");
    add_setting(to, text_format(arena, "measure accuracy = accuracy(%s, %s)", call, target),
                "the part of rows whose class is told");
    add_setting(to, text_format(arena, "predict   = softmax(%s)", call), "probabilities");
}

static void add_training(Text *to, const Choices *choices, const char *name) {
    Arena *arena = to->arena;
    const char *target = choices->columns[choices->target].field;
    text_add(to, "train fit {\n  data      = %s\n", name);
    if (choices->hold_out && choices->by_class)
        add_setting(to, text_format(arena, "hold_out  = split(0.2, by = %s)", target),
                    "a fifth of every class judges and does not train");
    else if (choices->hold_out)
        add_setting(to, "hold_out  = 0.2",
                    "a fifth of the rows judges and does not train; last(0.2) if time orders them");
    else
        text_add(to, "  # So few rows all train. With more, hold_out = 0.2 shows how well the model does on rows it "
                     "has not seen.\n");
    add_objective(to, choices, target);
    add_setting(to, choices->hidden ? "optimizer = adam(lr = 0.01)" : "optimizer = adam(lr = 0.05)",
                "a step size for every parameter; a good first choice");
    if (choices->batch)
        add_setting(to, text_format(arena, "batch     = %" PRId64, choices->batch), "rows of a step");
    else
        add_setting(to, "batch     = all", "few rows: every step takes all of them");
    add_setting(to, text_format(arena, "epochs    = %" PRId64, choices->epochs),
                "at most so many passes over the rows");
    if (choices->hold_out) {
        add_setting(to, "stop      = stalled(valid.loss, 30 epochs)", "what is gained later is learnt by heart");
        add_setting(to, "keep      = best(valid.loss)", "the parameters of the best epoch");
    }
    text_add(to, "}\n");
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */
const char *program_text(Arena *arena, const Choices *choices, const char *data_path, const char *stem) {
    const TableProfile *table = choices->table;
    Text text = text_new(arena);
    const char *name = comment_text(arena, stem);
    text_add(&text,
             "# %s.sgd: %s of %s (%" PRId64
             " rows), from its other columns. Made by `sgdc new`: every line is yours to change.\n"
             "#   the data as it is read:  sgdc show %s.sgd\n"
             "#   training:                sgdc %s.sgd --run --save %s.safetensors\n"
             "#   predictions:             sgdc predict %s.sgd --load %s.safetensors --data table=NEW.csv\n\n",
             name, comment_text(arena, column_title(arena, &table->columns[choices->target])),
             comment_text(arena, data_path), table->rows, name, name, name, name, name);
    add_source(&text, choices, "table", data_path);
    add_keep(&text, choices);
    add_numbers(&text, choices);
    add_texts(&text, choices);
    add_target(&text, choices);
    add_left_out(&text, choices);
    text_add(&text, "}\n\n");
    add_model(&text, choices);
    text_add(&text, "\n");
    add_training(&text, choices, "table");
    return text.bytes;
}
