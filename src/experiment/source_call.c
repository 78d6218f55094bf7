/* source_call: the call that says where rows come from, csv(...), idx(...), ..., with the arguments that the source's form
 * has (sources.def); --data NAME=PATH puts another file in its place.
 */
#include "experiment/experiment.h"
#include <string.h>

const SourceForm *source_form(SourceKind kind) {
    static const SourceForm *const forms[] = {
#define FORM_MADE(NAME) &source_form_##NAME
#define FORM_TABLE(NAME) &source_form_##NAME
#define FORM_ARRAYS(NAME) &source_form_##NAME
#define FORM_PARTS(NAME) &source_form_##NAME
#define FORM_GIVEN(NAME) NULL
#define SOURCE(NAME, name, rows, reader) [SOURCE_##NAME] = FORM_##rows(NAME),
#include "ir/sources.def"
#undef SOURCE
    };
    return forms[kind];
}

/* "synthetic, csv, idx and npy" */
static const char *source_names(Arena *arena, const char **names, int count) {
    Text all = text_new(arena);
    for (int i = 0; i < count; i++) text_add(&all, "%s%s", i == 0 ? "" : i < count - 1 ? ", " : " and ", names[i]);
    return all.bytes;
}

static bool find_source(Experiment *X, const Expr *call, SourceKind *kind) {
    const char *names[SOURCES], *wanted = call->call.callee->name.text;
    Span span = call->call.callee->span;
    int count = 0;
    for (SourceKind k = 0; k < SOURCES; k++) {
        if (!source_name(k)) continue;
        *kind = k;
        if (strcmp(source_name(k), wanted) == 0) return true;
        names[count++] = source_name(k);
    }
    Diagnostic *d = report(X->diagnostics, CODE_E0441, span, "there is no data source named %s", wanted);
    const char *near = nearest_name(wanted, names, count);
    if (strcmp(wanted, "parquet") == 0)
        add_help(X->diagnostics, d,
                 "write it as a csv, with pandas: read_parquet(\"a.parquet\").to_csv(\"a.csv\", index=False)");
    else if (near)
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
    else
        add_help(X->diagnostics, d, "sources are %s", source_names(X->arena, names, count));
    return false;
}

static const SourceArgument *find_argument(const SourceForm *form, const char *name) {
    for (const SourceArgument *a = form->arguments; a->name; a++)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

static bool unknown_argument(Experiment *X, const DataSet *set, const Argument *arg) {
    enum { MOST_ARGUMENTS = 16 };
    const SourceForm *form = source_form(set->kind);
    const char *names[MOST_ARGUMENTS];
    int count = 0;
    for (const SourceArgument *a = form->arguments; a->name && count < MOST_ARGUMENTS; a++) names[count++] = a->name;
    Diagnostic *d = report(X->diagnostics, CODE_E0442, arg->name.span, "%s has no argument named %s",
                           source_name(set->kind), arg->name.text);
    const char *near = nearest_name(arg->name.text, names, count);
    if (near && *near)
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
    else
        add_help(X->diagnostics, d, "like this: %s", form->usage);
    return false;
}

static bool take_argument(Experiment *X, DataVariant *variant, const Argument *arg) {
    const DataSet *set = variant->set;
    const SourceForm *form = source_form(set->kind);
    Value *v = lower_expression(X->L, X->L->global, arg->value);
    Span span = arg->value->span;
    if (value_is_poison(v)) return false;
    if (!arg->name.text) {
        const SourceArgument *first = set->path ? NULL : find_argument(form, NO_NAME);
        if (first) return first->take(X, variant, NULL, v, span);
        Diagnostic *d = report(X->diagnostics, CODE_E0442, span, "this argument of %s needs a name",
                               source_name(set->kind));
        add_help(X->diagnostics, d, "like this: %s", form->usage);
        return false;
    }
    const SourceArgument *argument = find_argument(form, arg->name.text);
    if (!argument) argument = find_argument(form, ANY_ARGUMENT);
    if (!argument) return unknown_argument(X, set, arg);
    if (arg->type && strcmp(argument->name, ANY_ARGUMENT) != 0) {
        report(X->diagnostics, CODE_E0442, arg->type->span, "%s is no array, and has no type here", arg->name.text);
        return false;
    }
    return argument->take(X, variant, arg->name.text, v, span) &&
           (!arg->type || source_take_type(X, variant, arg->type));
}

static const char *moved_path(Arena *arena, const char *folder, const char *path) {
    const char *slash = strrchr(path, '/');
    return text_format(arena, "%s/%s", folder, slash ? slash + 1 : path);
}

/* --data NAME=PATH: the file of a table, the folder of arrays. */
static void move_source(Experiment *X, DataVariant *variant, Span span) {
    DataSet *set = variant->set;
    for (int i = 0; i < X->options->data_count; i++) {
        const Setting *moved = &X->options->data[i];
        if (strcmp(moved->name, set->name) != 0) continue;
        if (source_rows(set->kind) == ROWS_MADE)
            report(X->diagnostics, CODE_E0442, span, "--data %s: its rows are made, not read", set->name);
        if (source_rows(set->kind) == ROWS_GIVEN) {
            set->kind = SOURCE_CSV;
            set->header = -1;
        }
        if (source_has_one_path(set->kind)) {
            set->path = moved->value;
            set->path_count = 0;
        }
        for (int w = 0; w < variant->words.count && source_rows(set->kind) == ROWS_ARRAYS; w++) {
            SourceWord *word = &variant->words.items[w];
            word->path = moved_path(X->arena, moved->value, word->path);
            for (int k = 0; k < word->path_count; k++)
                word->paths[k] = moved_path(X->arena, moved->value, word->paths[k]);
        }
    }
}

/* The words that stand for the parts of the file. */
static void add_parts(Experiment *X, DataVariant *variant, Span span) {
    const char *const *parts = source_form(variant->set->kind)->parts;
    for (int i = 0; parts && parts[i]; i++) {
        SourceWord word = {.name = name_from(X->names, parts[i]), .part = i, .span = span};
        vector_push(X->arena, &variant->words, word);
    }
}

bool source_read_call(Experiment *X, DataDecl *decl, DataVariant *variant) {
    DataSet *set = variant->set;
    const Expr *call = decl->source ? each_resolve(X, decl->source) : NULL;
    set->header = -1;
    set->missing_is_error = true;
    set->rows_end = -1;
    set->copies = 1;
    set->kind = SOURCE_APPLICATION;
    if (!call) {
        move_source(X, variant, set->span);
        return true;
    }
    if (call->kind == EXPR_ERROR) return false;
    if (call->kind != EXPR_CALL || call->call.callee->kind != EXPR_NAME) {
        Diagnostic *d = report(X->diagnostics, CODE_E0441, call->span, "a source of data is expected here");
        add_help(X->diagnostics, d, "like this: data %s = csv(\"file.csv\") { ... }", set->name);
        return false;
    }
    if (!find_source(X, call, &set->kind)) return false;
    bool good = true;
    for (int i = 0; i < call->call.args.count; i++) good &= take_argument(X, variant, &call->call.args.items[i]);
    if (good) good = source_form(set->kind)->complete(X, variant, call->span);
    add_parts(X, variant, call->span);
    move_source(X, variant, call->span);
    if (set->kind == SOURCE_NPY) source_find_types(X, variant);
    return good;
}
