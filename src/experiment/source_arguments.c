/* source_arguments: arguments that several sources take, and what those say that are wrong. */
#include "experiment/experiment.h"

bool source_take_path(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    (void)name;
    return lower_constant_string(X->L, v, span, "the path", &variant->set->path);
}

bool source_take_paths(Experiment *X, const Value *v, Span span, const char **path, const char ***paths, int *count) {
    *paths = NULL;
    *count = 0;
    if (v->kind != VALUE_LIST) return lower_constant_string(X->L, v, span, "the path", path);
    *paths = arena_array(X->arena, const char *, v->count + 1);
    for (int i = 0; i < v->count; i++)
        if (!lower_constant_string(X->L, v->items[i], span, "a path", &(*paths)[(*count)++])) return false;
    *path = (*paths)[0];
    return v->count > 0;
}

bool source_take_range(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    DataSet *set = variant->set;
    if (v->kind == VALUE_RANGE) {
        set->rows_begin = v->integer;
        set->rows_end = v->end;
    } else if (v->kind == VALUE_INT) {
        set->rows_begin = 0;
        set->rows_end = v->integer;
    } else {
        report(X->diagnostics, CODE_E0442, span, "%s takes a range of rows like 0..1000", name);
        return false;
    }
    if (set->rows_begin >= 0 && set->rows_end > set->rows_begin) return true;
    report(X->diagnostics, CODE_E0442, span, "%s: %lld..%lld holds no row", name, (long long)set->rows_begin,
           (long long)set->rows_end);
    return false;
}

bool source_take_whole(Experiment *X, const Value *v, Span span, const char *what, int64_t least, int64_t *out) {
    if (!lower_constant_int(X->L, v, span, what, out)) return false;
    if (*out >= least && *out <= (int64_t)1 << 40) return true;
    report(X->diagnostics, CODE_E0442, span, "%s = %lld: it is a whole number from %lld on", what, (long long)*out,
           (long long)least);
    return false;
}

bool source_take_copies(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    return source_take_whole(X, v, span, name, 1, &variant->set->copies);
}

bool source_has(Experiment *X, const DataVariant *variant, bool has, const char *what, Span span) {
    if (has) return true;
    SourceKind kind = variant->set->kind;
    Diagnostic *d = report(X->diagnostics, CODE_E0442, span, "%s needs %s", source_name(kind), what);
    add_help(X->diagnostics, d, "like this: %s", source_form(kind)->usage);
    return false;
}
