/* source_arrays: idx(...) and npy(...): each argument names a file of one array, and is the word for its column. */
#include "experiment/experiment.h"

static bool take_word(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    SourceWord word = {.name = name, .span = span};
    if (!source_take_paths(X, v, span, &word.path, &word.paths, &word.path_count)) return false;
    vector_push(X->arena, &variant->words, word);
    return true;
}

/* Of several files each array has as many. */
static bool files_agree(Experiment *X, const DataVariant *variant) {
    for (int i = 1; i < variant->words.count; i++) {
        const SourceWord *first = &variant->words.items[0], *word = &variant->words.items[i];
        if (word->path_count == first->path_count) continue;
        report(X->diagnostics, CODE_E0442, word->span, "%s are %d files, and %s %d", word->name,
               word->path_count ? word->path_count : 1, first->name, first->path_count ? first->path_count : 1);
        return false;
    }
    variant->set->path_count = variant->words.items[0].path_count;
    return true;
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    return source_has(X, variant, variant->words.count > 0, "a file", span) && files_agree(X, variant);
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
