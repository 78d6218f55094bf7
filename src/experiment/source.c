/* source: the words and functions that stand for stored columns inside a data block: columns(0..5), column("price"),
 * images, standardize(...), remap(labels, [3, 7]), words(...), windows(...).
 *
 * A column has a shape and a type before any file is opened, so both come from the field: a word or a list of
 * columns has the field's shape where the number of elements agrees. images are bytes and labels i32 (a csv
 * column is i32 in a label field); in arithmetic bytes become real. The expression that made a column is
 * remembered, so that lowering the field again for another graph finds the same column.
 */
#include "experiment/experiment.h"
#include "sgdrt.h"
#include <ctype.h>
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
    bool same = !a->remap_words == !b->remap_words && a->learns_words == b->learns_words &&
                a->has_other == b->has_other && a->other == b->other && !a->missing_word == !b->missing_word;
    if (same && a->missing_word) same = strcmp(a->missing_word, b->missing_word) == 0;
    if (same && a->learns_words) same = a->classes == b->classes;
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
                     column->missing == wanted->missing &&
                     (column->missing != MISSING_NUMBER || column->missing_value == wanted->missing_value) &&
                     column->part == wanted->part && column->words == wanted->words &&
                     column->windowed == wanted->windowed && column->offset == wanted->offset &&
                     same_words(column, wanted);
        bool renamed = (column->remap_count || wanted->remap_count) && !wanted->remap_words;
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
    column.name = unique_name(context, column.name);
    if (column.standardized) {
        column.mean_cell = statistic_add_cell(context, column.name, "mean", column.shape, column.span);
        column.deviation_cell = statistic_add_cell(context, column.name, "deviation", column.shape, column.span);
    }
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
    ColumnUse use = {expr, word, context->field, column, context->asks_missing};
    vector_push(context->X->arena, &context->variant->uses, use);
    return column;
}

/* What real numbers of the field at hand are stored as. */
static DType real_type(const SourceContext *context) {
    return context->field >= 0 && context->type.dtype == DTYPE_F64 ? DTYPE_F64 : context->X->L->real;
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
    int64_t classes = column->learns_words ? column->classes : column->remap_count + column->has_other;
    bool of_keep = context->field < 0 && column->csv_count == 0;
    if (column->learnt) classes = column->classes;
    if (column->dtype == DTYPE_U8 && label_field)
        leaf = graph_cast(L->graph, leaf, DTYPE_I32);
    else if (column->dtype == DTYPE_U8 ||
             (column->dtype == DTYPE_I32 && !label_field && !of_keep && !context->whole && !classes))
        leaf = graph_cast(L->graph, leaf, real_type(context));
    return value_tensor(L, leaf, context->field < 0 ? 0 : classes);
}

static bool calls(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME &&
           strcmp(expr->call.callee->name.text, name) == 0;
}

static bool is_label_field(const SourceContext *context) { return context->field >= 0 && context->type.classes > 0; }

/* ---- words: images, labels, those of npy ------------------------------------------------------------- */
static const SourceWord *find_word(const DataVariant *variant, Name name) {
    for (int i = 0; i < variant->words.count; i++)
        if (variant->words.items[i].name == name) return &variant->words.items[i];
    return NULL;
}

/* labels of libsvm may be quantities. */
static bool word_is_real(const SourceContext *context) {
    return context->variant->set->kind == SOURCE_LIBSVM && context->field >= 0 && !context->remap;
}

static bool is_labels(const SourceContext *context, const SourceWord *word) {
    return strcmp(word->name, "labels") == 0 && !word_is_real(context);
}

/* Where nothing says what an array holds, its name does. */
static StoredAs guess_stored(const SourceContext *context, const SourceWord *word) {
    bool images = strcmp(word->name, "images") == 0 && !context->exact;
    if (context->field >= 0 && context->type.dtype == DTYPE_BOOL) return STORED_TRUTHS;
    return images ? STORED_BYTES : is_labels(context, word) ? STORED_WHOLE : STORED_REAL;
}

/* As the file has it: what nobody can look up is told to who makes an object, whose rows are so. */
static DType array_type(SourceContext *context, const SourceWord *word) {
    Experiment *X = context->X;
    StoredAs stored = word->stored ? word->stored : guess_stored(context, word);
    if (!word->stored && context->field >= 0 && X->options->stored_as && X->options->measured == MEASURED_BY_ALL) {
        static const char *const types[] = {"", "u8", "bool", "i32", "f32"};
        const char *taken = types[stored];
        Diagnostic *d = report(X->diagnostics, CODE_W0317, word->span,
                               "%s cannot be read to see what it holds, and is taken for %s", word->path, taken);
        add_help(X->diagnostics, d, "say it: npy(%s: %s = \"%s\")", word->name, taken, word->path);
    }
    if (context->field < 0) return stored == STORED_REAL ? X->L->real : DTYPE_I32;
    if (stored == STORED_REAL || context->standardize) return real_type(context);
    if (stored == STORED_TRUTHS && context->type.dtype == DTYPE_BOOL) return DTYPE_BOOL;
    return stored == STORED_WHOLE ? DTYPE_I32 : DTYPE_U8;
}

static DType word_type(SourceContext *context, const SourceWord *word) {
    SourceKind kind = context->variant->set->kind;
    if (is_label_field(context) || context->remap || context->whole) return DTYPE_I32;
    if (kind == SOURCE_NPY) return array_type(context, word);
    if (is_labels(context, word)) return DTYPE_I32;
    return source_form(kind)->bytes ? DTYPE_U8 : real_type(context);
}

static Value *word_value(SourceContext *context, const Expr *expr, const SourceWord *word) {
    const SourceForm *form = source_form(context->variant->set->kind);
    Value *part = form->part_value ? form->part_value(context, expr, word) : NULL;
    if (part) return part;
    Column column = {.name = word->name,
                     .dtype = word_type(context, word),
                     .path = word->path,
                     .paths = word->paths,
                     .part = word->part,
                     .span = word->span,
                     .truncated = context->truncated,
                     .standardized = context->standardize};
    if (context->field < 0 && column.dtype == DTYPE_U8) {
        report(context->X->diagnostics, CODE_E0443, word->span,
               "keep chooses rows by labels or columns, not by images");
        context->broken = true;
        return value_poison(context->X->L);
    }
    bool of_label = (is_labels(context, word) || context->remap) && !is_label_field(context) && !context->whole;
    bool scalar = of_label || (context->variant->set->kind == SOURCE_LIBSVM && word->part == SGDRT_LABELS);
    if (context->field >= 0 && !scalar) column.shape = context->type.shape;
    source_set_classes(context, &column, expr ? expr->span : word->span);
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

/* A field of several columns: each is called as in the file, where that is a name. */
static void count_columns(const Expr *expr, void *count) {
    *(int *)count += calls(expr, "column") || calls(expr, "columns");
}

static bool is_word(const char *name) {
    if (!isalpha((unsigned char)*name)) return false;
    while (isalnum((unsigned char)*name) || *name == '_') name++;
    return !*name;
}

static Name column_name(const SourceContext *context, const Picks *picks) {
    Lowering *L = context->X->L;
    if (context->field < 0 || context->field >= context->variant->fields.count) return name_from(L->names, "keep");
    const Stmt *stmt = context->variant->field_stmt.items[context->field];
    int count = 0;
    if (stmt->bind.value) expr_visit(stmt->bind.value, count_columns, &count);
    const char *own = picks->index.count == 1 ? picks->name.items[0] : NULL;
    return count > 1 && own && is_word(own) ? name_from(L->names, own)
                                            : context->variant->fields.items[context->field].name;
}

static bool take_picks(SourceContext *context, Scope *scope, const Expr *call, Picks *picks, Missing *missing) {
    Lowering *L = context->X->L;
    bool one = calls(call, "column");
    for (int i = 0; i < call->call.args.count; i++) {
        const Argument *arg = &call->call.args.items[i];
        if (!arg->name.text) {
            if (!add_pick(context, picks, lower_expression(L, scope, arg->value), arg->value->span)) return false;
        } else if (strcmp(arg->name.text, "missing") == 0) {
            if (!missing_read(context, scope, arg->value, missing)) return false;
        } else {
            Diagnostic *d = report(L->diagnostics, CODE_E0205, arg->name.span, "%s has no argument named %s",
                                   call->call.callee->name.text, arg->name.text);
            add_help(L->diagnostics, d, "like this: column(\"age\", missing = mean)");
            return false;
        }
    }
    if (!one || picks->index.count == 1) return true;
    report(L->diagnostics, CODE_E0443, call->span, "column takes one column; several are columns(...)");
    return false;
}

/* Of so many words, or so many rows of the file. */
static Shape shape_of_places(const SourceContext *context, const Column *column, bool one) {
    int64_t length = context->words ? context->words : context->variant->set->window;
    Shape shape = {.rank = 1, .extent = {length}};
    if (!one) shape.extent[shape.rank++] = column->csv_count;
    return shape;
}

/* y: label[2] = where(column("price") > 2.5, 1, 0): a quantity that is compared, and no class. */
typedef struct Compared {
    const Expr *call;
    bool found;
} Compared;

static void find_call(const Expr *expr, void *context) {
    Compared *compared = context;
    compared->found |= expr == compared->call;
}

static void find_ordered(const Expr *expr, void *context) {
    if (expr->kind == EXPR_BINARY && expr->binary.op >= OPERATOR_LT && expr->binary.op <= OPERATOR_GE)
        expr_visit(expr, find_call, context);
}

static bool is_ordered(const SourceContext *context, const Expr *call) {
    Compared compared = {call, false};
    if (context->field < 0) return false;
    const Stmt *stmt = context->variant->field_stmt.items[context->field];
    if (stmt->bind.value) expr_visit(stmt->bind.value, find_ordered, &compared);
    return compared.found;
}

Value *source_lower_columns(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    Picks picks = {0};
    Missing missing = {0};
    bool one = calls(call, "column"), good = take_picks(context, scope, call, &picks, &missing);
    (void)args;
    if (good && context->words && (!one || context->windowed)) {
        report(L->diagnostics, CODE_E0443, call->span,
               "words are those of one column: words(column(\"text\"), length = 200)");
        good = false;
    }
    if (!good || source_rows(context->variant->set->kind) != ROWS_TABLE) {
        if (good)
            report(L->diagnostics, CODE_E0443, call->span, "columns belong to a csv, and data %s is none",
                   context->variant->set->name);
        context->broken = true;
        return value_poison(L);
    }
    bool whole = ((is_label_field(context) && !is_ordered(context, call)) || context->whole) && !context->asks_missing;
    Column column = {.name = column_name(context, &picks),
                     .dtype = whole ? DTYPE_I32 : real_type(context),
                     .windowed = context->windowed,
                     .words = context->words,
                     .learnt = context->words > 0,
                     .classes = context->words ? context->type.classes : 0,
                     .truncated = context->truncated,
                     .csv_index = picks.index.items,
                     .csv_name = picks.name.items,
                     .csv_count = picks.index.count,
                     .standardized = context->standardize,
                     .span = call->span};
    int64_t wanted = context->field >= 0 ? shape_size(context->type.shape) : 0;
    if (call == context->alone && !one && wanted != column.csv_count)
        return wrong_count(context, call, &column, wanted);
    if (context->windowed || context->words)
        column.shape = shape_of_places(context, &column, one);
    else if (context->field >= 0 && wanted == column.csv_count)
        column.shape = context->type.shape;
    else if (!one)
        column.shape = (Shape){.rank = 1, .extent = {column.csv_count}};
    source_set_classes(context, &column, call->span);
    if (!missing_settle(context, &column, &missing)) return value_poison(L);
    int index = source_column_at(context, call, NULL, column);
    Value *v = source_column_value(context, index);
    return missing_fill(context, call, index, &missing, v);
}

/* ---- standardize(...), remap(...), i32(...) -------------------------------------------------------------------- */
bool source_is_plain_column(const SourceContext *context, const Expr *expr) {
    if (expr->kind == EXPR_NAME) return find_word(context->variant, expr->name.text) != NULL;
    return calls(expr, "columns") || calls(expr, "column") || calls(expr, "windows");
}

/* A word or a call of columns: the column itself, as the context asks for it. NULL: it is something else. */
Value *source_plain_column(SourceContext *context, Scope *scope, const Expr *expr) {
    const SourceWord *word = expr->kind == EXPR_NAME ? find_word(context->variant, expr->name.text) : NULL;
    if (word) return word_value(context, expr, word);
    return source_is_plain_column(context, expr) ? lower_expression(context->X->L, scope, expr) : NULL;
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
