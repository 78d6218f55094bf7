/* source_images: images("folder"): pictures in a folder for each class, whose names are learnt. */
#include "experiment/experiment.h"
#include "sgdrt.h"

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    return source_has(X, variant, variant->set->path != NULL, "the path of the folder", span);
}

/* [height, width] or [channels, height, width]; of keep nothing is asked here. */
static bool good_shape(SourceContext *context, Span span) {
    const Shape *shape = &context->type.shape;
    bool good = shape->rank == 2 || (shape->rank == 3 && (shape->extent[0] == 1 || shape->extent[0] == 3));
    if (context->field < 0 || good) return true;
    Diagnostic *d = report(context->X->diagnostics, CODE_E0443, span,
                           "a picture is [height, width] or [channels, height, width]");
    add_help(context->X->diagnostics, d,
             "grey ones: x: f32[28, 28] = images / 255; coloured ones: x: f32[3, 32, 32] = images / 255");
    context->broken = true;
    return false;
}

/* labels of a label field are named as the folders are; NULL: another word, or use. */
static Value *part_value(SourceContext *context, const Expr *expr, const SourceWord *word) {
    if (word->part == SGDRT_FEATURES && !good_shape(context, expr ? expr->span : word->span))
        return value_poison(context->X->L);
    bool label = word->part == SGDRT_LABELS && context->field >= 0 && context->type.classes && !context->remap;
    if (!label) return NULL;
    Column column = {.name = word->name,
                     .dtype = DTYPE_I32,
                     .classes = context->type.classes,
                     .learnt = true,
                     .part = word->part,
                     .span = context->variant->fields.items[context->field].span};
    return source_column_value(context, source_column_at(context, expr, word->name, column));
}

static const SourceArgument arguments[] = {
    {NO_NAME, source_take_path},
    {"rows", source_take_range},
    {"copies", source_take_copies},
    {NULL, NULL},
};
static const char *const parts[] = {"images", "labels", NULL};
const SourceForm source_form_IMAGES = {
    "images(\"folder\", rows = 0..1000, copies = 1)", arguments, complete, true, parts, part_value};
