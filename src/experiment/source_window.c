/* source_window: the word `window` of chars, a row's characters as an array of classes.
 *
 * A field that is the window or a slice of it is a column of its own, which begins so many characters into the row: so
 * what a prediction reads is what stands in its field, and not what comes behind it. All columns of a set share one text
 * in memory, and one vocabulary; classes are bytes where they fit.
 */
#include "experiment/experiment.h"

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
                     .part = word->part,
                     .span = context->variant->fields.items[context->field].span};
    if (context->making && !same_vocabulary(context, span)) return value_poison(context->X->L);
    return source_column_value(context, source_column_at(context, expr, word->name, column));
}

/* The column and where the node begins in it, if its elements lie side by side there; -1. */
static int64_t slice_of_column(const Node *node, int64_t *offset) {
    const Node *from = node;
    *offset = 0;
    if (node->op == OP_VIEW) {
        const Access *access = &node->attr.contraction->access[0];
        const AxisMap *axis = &access->axis[0];
        int rank = node->shape.rank;
        if (access->rank != 1 || rank > 1 || axis->divisor != 1 || (rank && axis->coef[0] != 1)) return -1;
        *offset = axis->offset;
        from = node->source[0];
    }
    if (from->op == OP_CAST) from = from->source[0];
    return from->op == OP_COLUMN ? from->attr.index : -1;
}

bool source_window_slice(SourceContext *context, const Node *node, int *column) {
    int64_t offset, index = slice_of_column(node, &offset);
    if (!context->variant->set->window || index < 0) return false;
    *column = source_own_column(context, (int)index);
    context->variant->columns.items[*column].shape = node->shape;
    context->variant->columns.items[*column].offset = offset;
    return true;
}
