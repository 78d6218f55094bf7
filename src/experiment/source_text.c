/* source_text: chars("file.txt", window = 65): the characters of a text, of which rows are windows. */
#include "experiment/experiment.h"

static bool take_window(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    return source_take_whole(X, v, span, name, 1, &variant->set->window);
}

static bool take_stride(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    return source_take_whole(X, v, span, name, 1, &variant->set->window_stride);
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    DataSet *set = variant->set;
    if (!set->window_stride) set->window_stride = 1;
    return source_has(X, variant, set->path != NULL, "the path of the text", span) &&
           source_has(X, variant, set->window > 0, "the length of a row: window = 65", span);
}

static const SourceArgument arguments[] = {
    {NO_NAME, source_take_path}, {"window", take_window},        {"stride", take_stride},
    {"rows", source_take_range}, {"copies", source_take_copies}, {NULL, NULL},
};
static const char *const parts[] = {"window", NULL};
const SourceForm source_form_CHARS = {"chars(\"file.txt\", window = 65, stride = 1, rows = 0..1000, copies = 1)",
                                      arguments,
                                      complete,
                                      true,
                                      parts,
                                      source_window_value};
