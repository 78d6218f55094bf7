/* source_synthetic: synthetic(rows = 100, seed = 42), whose fields are expressions. */
#include "experiment/experiment.h"

static bool take_rows(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    return source_take_whole(X, v, span, name, 1, &variant->set->rows);
}

static bool take_seed(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    int64_t seed = 0;
    bool good = source_take_whole(X, v, span, name, 0, &seed);
    variant->set->seed = (uint64_t)seed;
    return good;
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    return source_has(X, variant, variant->set->rows > 0, "rows", span);
}

static const SourceArgument arguments[] = {
    {"rows", take_rows},
    {"seed", take_seed},
    {"copies", source_take_copies},
    {NULL, NULL},
};
const SourceForm source_form_SYNTHETIC = {"synthetic(rows = 100, seed = 42)", arguments, complete, false, NULL, NULL};
