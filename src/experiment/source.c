/* source: the words and functions that stand for stored columns inside a data block: columns(0..5), column("price"),
 * images, standardize(...), remap(labels, [3, 7]).
 *
 * A column has a shape and a type before any file is opened, so both come from the field: a word or a list of
 * columns has the field's shape where the number of elements agrees. images are bytes and labels i32 (a csv
 * column is i32 in a label field); in arithmetic bytes become real. The expression that made a column is
 * remembered, so that lowering the field again for another graph finds the same column.
 */
#include "experiment/experiment.h"
#include <stdlib.h>
#include <string.h>

/* ---- columns ----------------------------------------------------------------------------------------- */
static bool same_words(const Column *a, const Column *b) {
    if (a->csv_count != b->csv_count) return false;
    for (int i = 0; i < a->csv_count; i++) {
        if (a->csv_index[i] != b->csv_index[i] || !a->csv_name[i] != !b->csv_name[i]) return false;
        if (a->csv_name[i] && strcmp(a->csv_name[i], b->csv_name[i]) != 0) return false;
    }
    return a->path == b->path || (a->path && b->path && strcmp(a->path, b->path) == 0);
}

/* Texts become classes as they are read, so only what reads the same texts finds them. */
static bool same_texts(const Column *a, const Column *b) {
    bool same = !a->remap_words == !b->remap_words;
    if (same && a->remap_words) same = a->remap_count == b->remap_count;
    for (int i = 0; same && a->remap_words && i < a->remap_count; i++)
        same = strcmp(a->remap_words[i], b->remap_words[i]) == 0;
    return same;
}

/* A column that holds the very same values, labels not yet renamed. */
static int find_equal(const SourceContext *context, const Column *wanted) {
    for (int i = 0; i < context->variant->columns.count; i++) {
        const Column *column = &context->variant->columns.items[i];
        bool equal = column->dtype == wanted->dtype && shape_equal(column->shape, wanted->shape) &&
                     column->standardized == wanted->standardized && column->truncated == wanted->truncated &&
                     same_words(column, wanted);
        bool renamed = column->remap_count || wanted->remap_count;
        if (!same_texts(column, wanted)) continue;
        if (equal && !column->synthetic && (!renamed || context->field < 0)) return i;
    }
    return -1;
}

static Name unique_name(const SourceContext *context, Name name) {
    Name candidate = name;
    for (int k = 2, i = 0; i < context->variant->columns.count; i++)
        if (context->variant->columns.items[i].name == candidate) {
            candidate = name_from(context->X->names, text_format(context->X->arena, "%s_%d", name, k++));
            i = -1;
        }
    return candidate;
}

int source_add_column(SourceContext *context, Column column) {
    column.mean_cell = column.deviation_cell = -1;
    if (column.standardized) {
        int before = 0;
        for (int i = 0; i < context->variant->columns.count; i++)
            before += context->variant->columns.items[i].standardized;
        column.mean_cell = 2 * before; /* a run's first cells are its statistics */
        column.deviation_cell = 2 * before + 1;
    }
    column.name = unique_name(context, column.name);
    vector_push(context->X->arena, &context->variant->columns, column);
    return context->variant->columns.count - 1;
}

int source_own_column(SourceContext *context, int column) {
    DataVariant *variant = context->variant;
    bool shared = false;
    for (int i = 0; i < variant->uses.count; i++)
        shared |= variant->uses.items[i].column == column && variant->uses.items[i].field != context->field;
    if (!shared) return column;
    Column own = variant->columns.items[column];
    own.name = variant->fields.items[context->field].name;
    own.span = variant->fields.items[context->field].span;
    int made = source_add_column(context, own);
    for (int i = 0; i < variant->uses.count; i++) {
        ColumnUse *use = &variant->uses.items[i];
        if (use->field == context->field && use->column == column) use->column = made;
    }
    return made;
}

static int find_use(const SourceContext *context, const Expr *expr, Name word) {
    for (int i = 0; i < context->variant->uses.count; i++) {
        const ColumnUse *use = &context->variant->uses.items[i];
        if (use->field == context->field && use->expr == expr && use->word == word) return use->column;
    }
    return -1;
}

int source_column_at(SourceContext *context, const Expr *expr, Name word, Column wanted) {
    int column = find_use(context, expr, word);
    if (column >= 0) return column;
    if (!context->making) INTERNAL_ERROR("a column of %s is not known", context->variant->set->name);
    column = find_equal(context, &wanted);
    if (column < 0 && context->field < 0 && wanted.csv_count) {
        wanted.dtype = DTYPE_I32; /* a label that is stored already, as in the file */
        column = find_equal(context, &wanted);
        wanted.dtype = context->X->L->real;
    }
    if (column < 0) column = source_add_column(context, wanted);
    ColumnUse use = {expr, word, context->field, column};
    vector_push(context->X->arena, &context->variant->uses, use);
    return column;
}

Value *source_column_value(SourceContext *context, int index) {
    Lowering *L = context->X->L;
    const Column *column = &context->variant->columns.items[index];
    Node *leaf = graph_leaf(L->graph, OP_COLUMN, column->dtype, column->shape, index);
    if (column->standardized && context->raw) {
        Node *mean = graph_leaf(L->graph, OP_CELL, DTYPE_F64, column->shape, column->mean_cell);
        Node *deviation = graph_leaf(L->graph, OP_CELL, DTYPE_F64, column->shape, column->deviation_cell);
        Node *from_mean = graph_binary(L->graph, OP_SUB, graph_cast(L->graph, leaf, DTYPE_F64), mean);
        leaf = graph_cast(L->graph, graph_binary(L->graph, OP_DIV, from_mean, deviation), column->dtype);
    }
    bool label_field = context->field >= 0 && context->type.classes > 0;
    bool of_keep = context->field < 0 && column->csv_count == 0;
    if (column->dtype == DTYPE_U8 && label_field)
        leaf = graph_cast(L->graph, leaf, DTYPE_I32);
    else if (column->dtype == DTYPE_U8 || (column->dtype == DTYPE_I32 && !label_field && !of_keep && !context->whole))
        leaf = graph_cast(L->graph, leaf, L->real);
    int64_t classes = column->learnt ? column->classes : column->remap_count;
    return value_tensor(L, leaf, context->field < 0 ? 0 : (int)classes);
}

static bool is_label_field(const SourceContext *context) { return context->field >= 0 && context->type.classes > 0; }

/* An item of remap's list: a number, or a text. */
typedef struct ListedValue {
    double value;
    const char *text;
    int place;
} ListedValue;

static int compare_values(const ListedValue *x, const ListedValue *y) {
    if (x->text) return strcmp(x->text, y->text);
    return x->value < y->value ? -1 : x->value > y->value;
}

static int compare_listed(const void *a, const void *b) {
    int order = compare_values(a, b);
    return order ? order : ((const ListedValue *)a)->place - ((const ListedValue *)b)->place;
}

/* The items of the list as they are written; NULL where it is made by other means. */
static const ExprList *written_items(const Expr *call) {
    const Expr *list = call->kind == EXPR_CALL && call->call.args.count == 2 ? call->call.args.items[1].value : NULL;
    return list && list->kind == EXPR_ARRAY ? &list->array.items : NULL;
}

/* A value that is listed twice would be two classes: reported once, with both places. */
static void check_twice(SourceContext *context, const Column *column, const Expr *call) {
    const ExprList *written = written_items(call);
    Arena *arena = context->X->arena;
    int count = column->remap_count;
    ListedValue *sorted = arena_array(arena, ListedValue, count + 1);
    for (int i = 0; i < count; i++)
        sorted[i] = (ListedValue){column->remap ? column->remap[i] : 0,
                                  column->remap_words ? column->remap_words[i] : NULL, i};
    qsort(sorted, (size_t)count, sizeof *sorted, compare_listed);
    for (int i = 1; i < count; i++) {
        if (compare_values(&sorted[i], &sorted[i - 1])) continue;
        if (i > 1 && !compare_values(&sorted[i], &sorted[i - 2])) continue;
        int first = sorted[i - 1].place, second = sorted[i].place;
        bool has_places = written && written->count == count;
        Diagnostic *d = report(
            context->X->diagnostics, CODE_E0443, has_places ? written->items[second]->span : call->span,
            "remap names %s twice: it cannot be class %d and class %d",
            sorted[i].text ? text_format(arena, "\"%s\"", sorted[i].text)
                           : text_format(arena, "the value %s", text_number(arena, sorted[i].value, false)),
            first, second);
        if (has_places) add_note(context->X->diagnostics, d, written->items[first]->span, "here the first time");
        context->broken = true;
    }
}

static void set_remap(SourceContext *context, Column *column, Span span) {
    const Value *list = context->remap;
    Lowering *L = context->X->L;
    if (!list) return;
    bool texts = list->items[0]->kind == VALUE_STRING, good = true;
    if (texts && source_rows(context->variant->set->kind) != ROWS_TABLE) {
        report(L->diagnostics, CODE_E0443, span, "remap takes numbers here: only a csv holds texts");
        good = false;
    }
    if (texts)
        column->remap_words = arena_array(context->X->arena, const char *, list->count);
    else
        column->remap = arena_array(context->X->arena, double, list->count);
    column->remap_count = list->count;
    for (int i = 0; i < list->count && good; i++)
        good = texts ? lower_constant_string(L, list->items[i], span, "a text to number", &column->remap_words[i])
                     : lower_constant_number(L, list->items[i], span, "a value to rename", &column->remap[i]);
    if (good)
        check_twice(context, column, context->remap_call);
    else
        context->broken = true;
    column->dtype = DTYPE_I32;
}

/* ---- words: images, labels, those of npy ------------------------------------------------------------- */
static const SourceWord *find_word(const DataVariant *variant, Name name) {
    for (int i = 0; i < variant->words.count; i++)
        if (variant->words.items[i].name == name) return &variant->words.items[i];
    return NULL;
}

static DType word_type(const SourceContext *context, const SourceWord *word) {
    bool images = strcmp(word->name, "images") == 0, labels = strcmp(word->name, "labels") == 0;
    if (labels || is_label_field(context) || context->remap || context->whole) return DTYPE_I32;
    if (source_form(context->variant->set->kind)->bytes) return DTYPE_U8;
    return images && !context->exact && !context->standardize ? DTYPE_U8 : context->X->L->real;
}

static Value *word_value(SourceContext *context, const Expr *expr, const SourceWord *word) {
    const SourceForm *form = source_form(context->variant->set->kind);
    if (form->part_value) return form->part_value(context, expr, word);
    Column column = {.name = word->name,
                     .dtype = word_type(context, word),
                     .path = word->path,
                     .span = word->span,
                     .truncated = context->truncated,
                     .standardized = context->standardize};
    if (context->field < 0 && column.dtype == DTYPE_U8) {
        report(context->X->diagnostics, CODE_E0443, word->span,
               "keep chooses rows by labels or columns, not by images");
        context->broken = true;
        return value_poison(context->X->L);
    }
    bool scalar = column.dtype == DTYPE_I32 && !is_label_field(context) && !context->whole;
    if (context->field >= 0 && !scalar) column.shape = context->type.shape;
    set_remap(context, &column, expr ? expr->span : word->span);
    if (column.standardized && !dtype_is_real(column.dtype)) {
        Diagnostic *d = report(context->X->diagnostics, CODE_E0444, expr ? expr->span : word->span,
                               "standardize cannot be applied to %s: they are stored as %s", word->name,
                               column.dtype == DTYPE_U8 ? "bytes" : "labels");
        if (column.dtype == DTYPE_U8) add_help(context->X->diagnostics, d, "scale bytes by a constant: images / 255");
        context->broken = true;
        return value_poison(context->X->L);
    }
    return source_column_value(context, source_column_at(context, expr, word->name, column));
}

static bool calls(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME &&
           strcmp(expr->call.callee->name.text, name) == 0;
}

void source_bind_words(SourceContext *context, Scope *scope, const Expr *expr) {
    for (int i = 0; i < context->variant->words.count; i++) {
        const SourceWord *word = &context->variant->words.items[i];
        if (expr && expr_uses_name(expr, word->name)) {
            if (!calls(expr, "remap") && !calls(expr, "standardize") && !calls(expr, "i32"))
                scope_bind(context->X->L, scope, word->name, word_value(context, NULL, word), word->span);
        }
    }
}

/* ---- columns(...), column(...) ----------------------------------------------------------------------- */
typedef struct Picks {
    Vector(int64_t) index;
    Vector(const char *) name;
} Picks;

static bool add_pick(SourceContext *context, Picks *picks, const Value *v, Span span) {
    Arena *arena = context->X->arena;
    if (value_is_poison(v)) return false;
    if (v->kind == VALUE_STRING) {
        const char *name;
        if (!lower_constant_string(context->X->L, v, span, "the name of a column", &name)) return false;
        vector_push(arena, &picks->index, -1);
        vector_push(arena, &picks->name, name);
        return true;
    }
    if (v->kind == VALUE_LIST) {
        for (int i = 0; i < v->count; i++)
            if (!add_pick(context, picks, v->items[i], span)) return false;
        return true;
    }
    int64_t begin = v->integer, end = v->kind == VALUE_RANGE ? v->end : v->integer + 1;
    if ((v->kind != VALUE_RANGE && v->kind != VALUE_INT) || begin < 0 || end <= begin || end > 1000000) {
        Diagnostic *d = report(context->X->diagnostics, CODE_E0443, span, "this is no column");
        add_help(context->X->diagnostics, d,
                 "columns are counted from 0 or named: columns(0..5), columns(\"a\", \"b\"), column(5)");
        return false;
    }
    for (int64_t i = begin; i < end; i++) {
        vector_push(arena, &picks->index, i);
        vector_push(arena, &picks->name, NULL);
    }
    return true;
}

static const char *several(Arena *arena, int64_t count) {
    return text_format(arena, "%lld column%s", (long long)count, count == 1 ? "" : "s");
}

/* All that a field is made of, and not as many as it has numbers. */
static Value *wrong_count(SourceContext *context, const Expr *call, const Column *column, int64_t wanted) {
    Experiment *X = context->X;
    int count = column->csv_count;
    bool in_line = column->csv_index[0] >= 0;
    for (int i = 1; i < count; i++) in_line &= column->csv_index[i] == column->csv_index[0] + i;
    const char *which = !in_line ? ""
                                 : text_format(X->arena, ", numbers %lld to %lld", (long long)column->csv_index[0],
                                               (long long)column->csv_index[count - 1]);
    Diagnostic *d = report(X->diagnostics, CODE_E0443, call->span, "these are %s%s, and the field %s takes %lld",
                           several(X->arena, count), which, column->name, (long long)wanted);
    if (in_line)
        add_help(X->diagnostics, d, "the second number of a range is not included: columns(%lld..%lld) are %s",
                 (long long)column->csv_index[0], (long long)(column->csv_index[0] + wanted),
                 several(X->arena, wanted));
    context->broken = true;
    return value_poison(X->L);
}

static Value *lower_columns(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    Picks picks = {0};
    bool one = strcmp(call->call.callee->name.text, "column") == 0, good = true;
    (void)scope;
    for (int i = 0; i < args->count && good; i++)
        good = add_pick(context, &picks, args->value[i], args->expr[i] ? args->expr[i]->span : call->span);
    if (good && one && picks.index.count != 1) {
        report(L->diagnostics, CODE_E0443, call->span, "column takes one column; several are columns(...)");
        good = false;
    }
    if (!good || source_rows(context->variant->set->kind) != ROWS_TABLE) {
        if (good)
            report(L->diagnostics, CODE_E0443, call->span, "columns belong to a csv, and data %s is none",
                   context->variant->set->name);
        context->broken = true;
        return value_poison(L);
    }
    Name name = context->field >= 0 && context->field < context->variant->fields.count
                    ? context->variant->fields.items[context->field].name
                    : name_from(L->names, "keep");
    Column column = {.name = name,
                     .dtype = is_label_field(context) || context->whole ? DTYPE_I32 : L->real,
                     .truncated = context->truncated,
                     .csv_index = picks.index.items,
                     .csv_name = picks.name.items,
                     .csv_count = picks.index.count,
                     .standardized = context->standardize,
                     .span = call->span};
    int64_t wanted = context->field >= 0 ? shape_size(context->type.shape) : 0;
    if (call == context->alone && !one && wanted != column.csv_count)
        return wrong_count(context, call, &column, wanted);
    if (context->field >= 0 && wanted == column.csv_count)
        column.shape = context->type.shape;
    else if (!one)
        column.shape = (Shape){.rank = 1, .extent = {column.csv_count}};
    set_remap(context, &column, call->span);
    return source_column_value(context, source_column_at(context, call, NULL, column));
}

/* ---- standardize(...), remap(...), i32(...) -------------------------------------------------------------------- */
bool source_is_plain_column(const SourceContext *context, const Expr *expr) {
    if (expr->kind == EXPR_NAME) return find_word(context->variant, expr->name.text) != NULL;
    return calls(expr, "columns") || calls(expr, "column");
}

/* A word or a call of columns: the column itself, as the context asks for it. NULL: it is something else. */
static Value *lower_plain_column(SourceContext *context, Scope *scope, const Expr *expr) {
    const SourceWord *word = expr->kind == EXPR_NAME ? find_word(context->variant, expr->name.text) : NULL;
    if (word) return word_value(context, expr, word);
    return source_is_plain_column(context, expr) ? lower_expression(context->X->L, scope, expr) : NULL;
}

static Value *lower_standardize(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    bool before = context->standardize;
    (void)args;
    if (context->field >= 0 && !dtype_is_real(context->type.dtype)) {
        const char *name = context->variant->fields.items[context->field].name;
        Diagnostic *d = report(L->diagnostics, CODE_E0444, call->span,
                               "standardize makes a quantity, and the field %s is %s", name,
                               shape_text(L, context->type.dtype, context->type.classes, context->type.shape));
        add_help(L->diagnostics, d, "declare it as one, %s: f32, or leave standardize out", name);
        context->broken = true;
        return value_poison(L);
    }
    context->standardize = true;
    const Expr *inner = call->call.args.count == 1 ? call->call.args.items[0].value : NULL;
    Value *v = inner && context->field >= 0 ? lower_plain_column(context, scope, inner) : NULL;
    context->standardize = before;
    if (v) return v;
    Diagnostic *d = report(L->diagnostics, CODE_E0444, call->span,
                           context->field < 0
                               ? "keep looks at values as they are stored: standardize does not belong here"
                               : "standardize takes columns as they are stored");
    if (context->field >= 0)
        add_help(L->diagnostics, d,
                 "standardize(columns(0..5)); compute with the result, not inside: 2 * standardize(column(0))");
    context->broken = true;
    return value_poison(L);
}

static Value *lower_remap(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    const Expr *inner = call->call.args.count == 2 ? call->call.args.items[0].value : NULL;
    Value *v = NULL;
    (void)args;
    if (inner) {
        Value *list = lower_expression(L, scope, call->call.args.items[1].value);
        if (value_is_poison(list)) return list;
        context->remap = list->kind == VALUE_LIST && list->count > 0 ? list : NULL;
        context->remap_call = call;
        if (context->remap) v = lower_plain_column(context, scope, inner);
        context->remap = NULL;
    }
    if (v) return v;
    Diagnostic *d = report(L->diagnostics, CODE_E0443, call->span, "remap takes a column and the list of its values");
    add_help(L->diagnostics, d,
             "remap(labels, [3, 7]) makes 0 of 3 and 1 of 7; remap(column(0), [\"no\", \"yes\"]) of texts");
    context->broken = true;
    return value_poison(L);
}

/* i32(column(0)) reads whole numbers as such: a float would round those above 2^24. */
static Value *lower_whole(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    const Expr *inner = call->call.args.count == 1 ? call->call.args.items[0].value : NULL;
    bool before[2] = {context->whole, context->truncated};
    (void)args;
    context->whole = context->truncated = true;
    Value *v = inner && !context->standardize ? lower_plain_column(context, scope, inner) : NULL;
    context->whole = before[0];
    context->truncated = before[1];
    if (v) return v;
    const Binding *cast = scope_find(L->global, name_from(L->names, "i32"));
    args = lower_arguments(L, scope, call);
    return cast->value->builtin->function(L, scope, args, call, cast->value->context);
}

static Value *lower_later(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    (void)scope;
    (void)args;
    ((SourceContext *)data)->broken = true;
    return lower_unsupported(L, call->span, text_format(L->arena, "the source %s(...)", call->call.callee->name.text));
}

const Builtin source_builtins[] = {
    {"columns", 1, -1, false, lower_columns, "columns(0..5)", "columns of the file, by number or name, as an array"},
    {"column", 1, 1, false, lower_columns, "column(5)", "one column of the file, by number or name"},
    {"standardize", 1, 1, true, lower_standardize, "standardize(columns(0..5))",
     "less the mean of the training rows, divided by their deviation"},
    {"remap", 2, 2, true, lower_remap, "remap(labels, [3, 7])",
     "the class of a value is its place in the list; other values are an error"},
    {"i32", 1, 1, true, lower_whole, "i32(e)", "the value as i32; what is behind the point is cut off"},
    {"words", 0, -1, true, lower_later, "words(column(0), length = 200)", "not supported yet"},
    {"windows", 0, -1, true, lower_later, "windows(column(0), length = 20)", "not supported yet"},
    {0},
};

void source_bind_functions(SourceContext *context, Scope *scope) {
    Lowering *L = context->X->L;
    for (int i = 0; source_builtins[i].name; i++)
        scope_bind(L, scope, name_from(L->names, source_builtins[i].name),
                   value_builtin(L, &source_builtins[i], context), (Span){0, 0});
}

/* ---- labels ------------------------------------------------------------------------------------------ */
/* column + c or column - c as the column's index and c; -1 if it is none. */
static int64_t shifted_column(const Node *node, double *shift) {
    const Node *a = node->sources == 2 ? node->source[0] : NULL, *b = node->sources == 2 ? node->source[1] : NULL;
    if (node->op == OP_ADD && b->op == OP_COLUMN && a->op == OP_CONST) {
        *shift = a->attr.value;
        return b->attr.index;
    }
    if ((node->op != OP_ADD && node->op != OP_SUB) || a->op != OP_COLUMN || b->op != OP_CONST) return -1;
    *shift = node->op == OP_ADD ? b->attr.value : -b->attr.value;
    return a->attr.index;
}

Node *source_shifted_label(SourceContext *context, Node *node, int64_t classes) {
    double shift = 0;
    int64_t index = shifted_column(node, &shift);
    if (index < 0 || context->variant->columns.items[index].remap_count || classes > (1 << 24)) return node;
    index = source_own_column(context, (int)index);
    Column *column = &context->variant->columns.items[index];
    column->remap = arena_array(context->X->arena, double, classes);
    column->remap_count = (int)classes;
    for (int64_t i = 0; i < classes; i++) column->remap[i] = (double)i - shift;
    return graph_leaf(context->X->L->graph, OP_COLUMN, column->dtype, column->shape, index);
}

typedef struct Interval {
    double low, high;
} Interval;
static Interval range_of_node(const Node *node, int *budget) {
    const Interval any = {-1e300, 1e300};
    if (--*budget < 0) return any;
    switch (node->op) {
    case OP_CONST: return (Interval){node->attr.value, node->attr.value};
    case OP_CAST:
        if (node->source[0]->dtype == DTYPE_BOOL) return (Interval){0, 1};
        return range_of_node(node->source[0], budget);
    case OP_WHERE: {
        Interval a = range_of_node(node->source[1], budget), b = range_of_node(node->source[2], budget);
        return (Interval){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
    }
    case OP_ADD: {
        Interval a = range_of_node(node->source[0], budget), b = range_of_node(node->source[1], budget);
        return (Interval){a.low + b.low, a.high + b.high};
    }
    case OP_MOD:
        if (node->source[1]->op == OP_CONST) return (Interval){0, node->source[1]->attr.value - 1};
        return any;
    case OP_ARGMAX: {
        int64_t size = 1;
        for (int i = 0; i < node->attr.contraction->reduced; i++) size *= node->attr.contraction->extent[i];
        return (Interval){0, (double)size - 1};
    }
    case OP_RESHAPE:
    case OP_FLOOR:
    case OP_STOP_GRADIENT: return range_of_node(node->source[0], budget);
    default: return any;
    }
}

bool source_label_in_range(const Node *node, int64_t classes) {
    int budget = 1000;
    Interval range = range_of_node(node, &budget);
    return range.low >= 0 && range.high <= (double)(classes - 1);
}
