/* source_window: fields whose first axis is places of a window: the word `window` of chars, a row's characters as classes;
 * windows(...) of columns, the values of several rows of the file; words(...), of a text in one.
 *
 * A field that is a window or a slice of it is a column of its own, which begins so many characters into the row: so
 * what a prediction reads is what stands in its field, and not what comes behind it. All columns of a set share one text
 * in memory, and one vocabulary; classes are bytes where they fit.
 */
#include "experiment/experiment.h"
#include <string.h>

enum { MOST_IN_BYTES = 256 };

static Value *no_class(SourceContext *context, const SourceWord *word, Span span) {
    Experiment *X = context->X;
    context->broken = true;
    if (context->field < 0) {
        report(X->diagnostics, CODE_E0443, span,
               "keep cannot look into windows: rows of a text are chosen by rows = a..b");
        return value_poison(X->L);
    }
    if (context->type.classes) {
        report(X->diagnostics, CODE_E0443, span, "characters are numbered as the text has them, not by %s",
               context->remap ? "remap" : "standardize");
        return value_poison(X->L);
    }
    const char *name = context->variant->fields.items[context->field].name;
    Diagnostic *d = report(X->diagnostics, CODE_E0443, span,
                           "%s holds characters, which are classes, and the field %s is %s", word->name, name,
                           shape_text(X->L, context->type.dtype, context->type.classes, context->type.shape));
    add_help(X->diagnostics, d, "say how many different characters the text has: %s: label[65][%lld]", name,
             (long long)context->variant->set->window);
    return value_poison(X->L);
}

/* All fields number the characters alike. */
static bool same_vocabulary(SourceContext *context, Span span) {
    const DataVariant *variant = context->variant;
    for (int i = 0; i < variant->columns.count; i++) {
        const Column *other = &variant->columns.items[i];
        if (!other->learnt || other->csv_count || other->classes == context->type.classes) continue;
        Diagnostic *d = report(context->X->diagnostics, CODE_E0443, span,
                               "fields of one text have one vocabulary: label[%lld] here, and label[%lld] before",
                               (long long)context->type.classes, (long long)other->classes);
        add_note(context->X->diagnostics, d, other->span, "this field is declared with label[%lld]",
                 (long long)other->classes);
        context->broken = true;
        return false;
    }
    return true;
}

Value *source_window_value(SourceContext *context, const Expr *expr, const SourceWord *word) {
    const Type *type = &context->type;
    Span span = expr ? expr->span : context->alone ? context->alone->span : word->span;
    if (context->field < 0 || !type->classes || context->remap || context->standardize)
        return no_class(context, word, span);
    Column column = {.name = context->variant->fields.items[context->field].name,
                     .dtype = type->classes <= MOST_IN_BYTES ? DTYPE_U8 : DTYPE_I32,
                     .shape = {.rank = 1, .extent = {context->variant->set->window}},
                     .classes = type->classes,
                     .learnt = true,
                     .windowed = true,
                     .span = context->variant->fields.items[context->field].span};
    if (context->making && !same_vocabulary(context, span)) return value_poison(context->X->L);
    return source_column_value(context, source_column_at(context, expr, word->name, column));
}

/* The column and the place at which the node begins in it, if the node is places of it one after the other; -1. */
static int64_t slice_of_column(const Node *node, int64_t *place) {
    const Node *from = node->op == OP_VIEW ? node->source[0] : node;
    if (from->op == OP_CAST && from->source[0]->op == OP_COLUMN) from = from->source[0];
    *place = 0;
    if (from->op != OP_COLUMN || from->shape.rank < 1) return -1;
    if (node->op != OP_VIEW) return from->attr.index;
    const Access *access = &node->attr.contraction->access[0];
    int dropped = from->shape.rank - node->shape.rank; /* 1: a single place */
    bool whole = dropped == 0 || dropped == 1;
    for (int a = 0; a < access->rank && whole; a++) {
        const AxisMap *axis = &access->axis[a];
        for (int k = 0; k < node->shape.rank; k++) whole &= axis->coef[k] == (k == a - dropped);
        whole &= axis->divisor == 1 &&
                 (a == 0 || (axis->offset == 0 && node->shape.extent[a - dropped] == from->shape.extent[a]));
    }
    *place = access->axis[0].offset;
    return whole ? from->attr.index : -1;
}

bool source_window_slice(SourceContext *context, const Node *node, int *column) {
    int64_t place, index = slice_of_column(node, &place);
    if (index < 0 || !context->variant->columns.items[index].windowed) return false;
    *column = source_own_column(context, (int)index);
    Column *slice = &context->variant->columns.items[*column];
    slice->shape = node->shape;
    slice->offset = place;
    if (!slice->standardized) return true;
    context->variant->statistic_cells.items[slice->mean_cell].shape = node->shape;
    context->variant->statistic_cells.items[slice->deviation_cell].shape = node->shape;
    return true;
}

/* ---- words(...), windows(...) --------------------------------------------------------------------------- */
/* The arguments of words and windows: a column, `length` and, where there is a place for it, `stride`. NULL: not so. */
static const Expr *read_arguments(SourceContext *context, Scope *scope, const Expr *call, int64_t *length,
                                  int64_t *stride) {
    Experiment *X = context->X;
    const Expr *inner = NULL;
    for (int i = 0; i < call->call.args.count; i++) {
        const Argument *arg = &call->call.args.items[i];
        int64_t *number = !arg->name.text                         ? NULL
                          : strcmp(arg->name.text, "length") == 0 ? length
                          : strcmp(arg->name.text, "stride") == 0 ? stride
                                                                  : NULL; /* words have none */
        if (number) {
            const Value *v = lower_expression(X->L, scope, arg->value);
            if (value_is_poison(v) || !source_take_whole(X, v, arg->value->span, arg->name.text, 1, number))
                return NULL;
        } else if (!arg->name.text && !inner) {
            inner = arg->value;
        } else {
            inner = NULL;
            break;
        }
    }
    if (inner && *length) return inner;
    Diagnostic *d = report(X->diagnostics, CODE_E0443, call->span, "%s takes a column and a length",
                           call->call.callee->name.text);
    add_help(X->diagnostics, d,
             stride ? "like this: windows(column(0), length = 20, stride = 1)"
                    : "like this: words(column(\"text\"), length = 200)");
    return NULL;
}

static Value *broken(SourceContext *context) {
    context->broken = true;
    return value_poison(context->X->L);
}

Value *source_lower_words(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    int64_t length = 0;
    (void)args;
    const Expr *inner = read_arguments(context, scope, call, &length, NULL);
    if (!inner) return broken(context);
    if (context->field < 0 || context->type.classes < 3 || context->standardize || context->remap) {
        Diagnostic *d = report(L->diagnostics, CODE_E0443, call->span, "words are classes of a field");
        add_help(L->diagnostics, d,
                 "say how many there are, with one that fills up and one for any other: "
                 "x: label[20000][%lld] = words(column(\"text\"), length = %lld)",
                 (long long)length, (long long)length);
        return broken(context);
    }
    context->words = length;
    Value *v = lower_expression(L, scope, inner);
    context->words = 0;
    return v;
}

Value *source_lower_windows(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    DataSet *set = context->variant->set;
    int64_t length = 0, stride = 1;
    (void)args;
    const Expr *inner = read_arguments(context, scope, call, &length, &stride);
    if (!inner) return broken(context);
    if (context->field < 0) {
        report(L->diagnostics, CODE_E0443, call->span,
               "keep chooses rows, and a window is many: a column stands for the last row of the window here");
        return broken(context);
    }
    if (set->window && (set->window != length || set->window_stride != stride)) {
        Diagnostic *d = report(
            L->diagnostics, CODE_E0443, call->span,
            "windows of one data set are alike: length %lld and stride %lld before, and %lld and %lld here",
            (long long)set->window, (long long)set->window_stride, (long long)length, (long long)stride);
        add_help(L->diagnostics, d, "a shorter one is a slice: windows(column(0), length = %lld)[0..%lld]",
                 (long long)set->window, (long long)length);
        return broken(context);
    }
    set->window = length;
    set->window_stride = stride;
    context->windowed = true;
    Value *v = lower_expression(L, scope, inner);
    context->windowed = false;
    return v;
}
