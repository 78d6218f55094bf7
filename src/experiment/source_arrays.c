/* source_arrays: idx(...) and npy(...): each argument names a file of one array, and is the word for its column. */
#include "experiment/experiment.h"

static bool take_word(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    const char *path;
    if (!lower_constant_string(X->L, v, span, "the path", &path)) return false;
    SourceWord word = {name, path, 0, span};
    vector_push(X->arena, &variant->words, word);
    return true;
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    return source_has(X, variant, variant->words.count > 0, "a file", span);
}

static const SourceArgument idx_arguments[] = {
    {"rows", source_take_range},
    {"copies", source_take_copies},
    {"images", take_word},
    {"labels", take_word},
    {NULL, NULL},
};
static const SourceArgument npy_arguments[] = {
    {"rows", source_take_range},
    {"copies", source_take_copies},
    {ANY_ARGUMENT, take_word},
    {NULL, NULL},
};
const SourceForm source_form_IDX = {
    "idx(images = \"file.gz\", labels = \"file.gz\")", idx_arguments, complete, true, NULL, NULL};
const SourceForm source_form_NPY = {"npy(x = \"x.npy\", y = \"y.npy\")", npy_arguments, complete, false, NULL, NULL};
