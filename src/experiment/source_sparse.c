/* source_sparse: libsvm("file", nonzeros = 20): a label and features, of which the file has those that are not 0.
 *
 * Without `nonzeros` features are stored as they are seen, all of them. With it a row is so many indices and values, and
 * the field is what they make, values added at their indices into zeros: which of a model's products need no more than the
 * values, and so no zeros, is the graph's business (ir/sparse.c).
 */
#include "experiment/experiment.h"
#include "sgdrt.h"

static bool take_nonzeros(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    return source_take_whole(X, v, span, name, 1, &variant->set->nonzeros);
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    return source_has(X, variant, variant->set->path != NULL, "the path of the file", span);
}

static bool take_paths(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    (void)name;
    return source_take_paths(X, v, span, &variant->set->path, &variant->set->paths, &variant->set->path_count);
}

static int stored(SourceContext *context, const Expr *expr, const SourceWord *word, Column column, const char *what) {
    Experiment *X = context->X;
    const Field *field = &context->variant->fields.items[context->field];
    column.name = name_from(X->names, text_format(X->arena, "%s_%s", field->name, what));
    column.shape = (Shape){.rank = 1, .extent = {context->variant->set->nonzeros}};
    column.span = field->span;
    return source_column_at(context, expr, name_from(X->names, text_format(X->arena, "%s.%s", word->name, what)),
                            column);
}

static Value *refused(SourceContext *context, Span span, const char *message) {
    report(context->X->diagnostics, CODE_E0443, span, "%s", message);
    context->broken = true;
    return value_poison(context->X->L);
}

/* All fields are of one file, so of one size. */
static bool same_size(SourceContext *context, Span span) {
    DataSet *set = context->variant->set;
    int64_t size = shape_size(context->type.shape);
    if (set->features && set->features != size) {
        report(context->X->diagnostics, CODE_E0443, span, "a row has %lld features in one field, and %lld in this one",
               (long long)set->features, (long long)size);
        context->broken = true;
        return false;
    }
    set->features = size;
    return true;
}

Value *source_sparse_value(SourceContext *context, const Expr *expr, const SourceWord *word) {
    Lowering *L = context->X->L;
    DataSet *set = context->variant->set;
    Span span = expr ? expr->span : context->alone ? context->alone->span : word->span;
    if (word->part != SGDRT_FEATURES) return NULL;
    if (context->field < 0) return refused(context, span, "keep chooses rows by labels, not by features");
    if (context->type.classes || context->remap) return refused(context, span, "features are numbers, not classes");
    if (!same_size(context, span)) return value_poison(L);
    if (!set->nonzeros) return NULL;
    if (context->standardize)
        return refused(context, span,
                       "what is standardized is nowhere 0: leave nonzeros out, and rows are stored whole");
    int indices = stored(context, expr, word,
                         (Column){.dtype = DTYPE_I32, .classes = set->features, .part = SGDRT_INDICES}, "indices");
    int values = stored(context, expr, word, (Column){.dtype = L->real, .part = SGDRT_VALUES}, "values");
    Shape shape = {.rank = 1, .extent = {set->nonzeros}};
    Node *at = graph_leaf(L->graph, OP_COLUMN, DTYPE_I32, shape, indices);
    Node *value = graph_leaf(L->graph, OP_COLUMN, L->real, shape, values);
    Shape flat = {.rank = 1, .extent = {set->features}};
    Node *whole = graph_scatter_add(L->graph, value, at, flat, 0, false);
    return value_tensor(L, graph_reshape(L->graph, whole, context->type.shape), 0);
}

static const SourceArgument arguments[] = {
    {NO_NAME, take_paths}, {"nonzeros", take_nonzeros}, {"rows", source_take_range}, {"copies", source_take_copies},
    {NULL, NULL},
};
static const char *const parts[] = {"features", "labels", NULL};
const SourceForm source_form_LIBSVM = {"libsvm(\"file.txt\", nonzeros = 20, rows = 0..1000, copies = 1)",
                                       arguments,
                                       complete,
                                       false,
                                       parts,
                                       source_sparse_value};
