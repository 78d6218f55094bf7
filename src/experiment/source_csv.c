/* source_csv: csv("file.csv", ...): one file, of which fields take columns by number or name. */
#include "experiment/experiment.h"
#include <string.h>

static bool take_paths(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    (void)name;
    return source_take_paths(X, v, span, &variant->set->path, &variant->set->paths, &variant->set->path_count);
}

static bool take_missing(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    DataSet *set = variant->set;
    (void)name;
    const char *text;
    if (v->kind == VALUE_STRING) {
        if (!lower_constant_string(X->L, v, span, "missing", &text)) return false;
        if (strcmp(text, "error") == 0) return true;
        report(X->diagnostics, CODE_E0442, span, "missing is a number that stands for empty cells, or \"error\"");
        return false;
    }
    set->missing_is_error = false;
    return lower_constant_number(X->L, v, span, "missing", &set->missing_value);
}

static bool take_delimiter(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    DataSet *set = variant->set;
    (void)name;
    const char *text;
    if (!lower_constant_string(X->L, v, span, "the delimiter", &text)) return false;
    set->delimiter = text[0];
    if (text[0] && !text[1] && strchr(",\t;| ", text[0])) return true;
    report(X->diagnostics, CODE_E0442, span, "a delimiter is one of \",\" \"\\t\" \";\" \"|\" and \" \"");
    return false;
}

static bool take_decimal(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    DataSet *set = variant->set;
    (void)name;
    const char *text;
    if (!lower_constant_string(X->L, v, span, "the sign of decimals", &text)) return false;
    set->decimal = text[0];
    if ((text[0] == '.' || text[0] == ',') && !text[1]) return true;
    report(X->diagnostics, CODE_E0442, span, "decimal is \".\" or \",\"");
    return false;
}

static bool take_comment(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    DataSet *set = variant->set;
    (void)name;
    const char *text;
    if (!lower_constant_string(X->L, v, span, "the sign of comments", &text)) return false;
    set->comment = text[0];
    if (text[0] && !text[1] && strchr("#%;!/*@$&", text[0])) return true;
    report(X->diagnostics, CODE_E0442, span, "comment is the one sign that such lines begin with, like \"#\"");
    return false;
}

static bool take_header(Experiment *X, DataVariant *variant, Name name, const Value *v, Span span) {
    bool truth, good = lower_constant_bool(X->L, v, span, name, &truth);
    variant->set->header = good && truth;
    return good;
}

static bool complete(Experiment *X, const DataVariant *variant, Span span) {
    const DataSet *set = variant->set;
    bool decimal = set->decimal == ',' && set->delimiter == ',',
         comment = set->comment && set->comment == set->delimiter;
    if (decimal || comment)
        report(X->diagnostics, CODE_E0442, span, "one sign cannot be the delimiter and the %s",
               decimal ? "decimal comma" : "beginning of comments");
    return source_has(X, variant, set->path != NULL, "the path of the file", span) && !decimal && !comment;
}

static const SourceArgument arguments[] = {
    {NO_NAME, take_paths},     {"delimiter", take_delimiter},  {"header", take_header},
    {"decimal", take_decimal}, {"comment", take_comment},      {"rows", source_take_range},
    {"missing", take_missing}, {"copies", source_take_copies}, {NULL, NULL},
};
const SourceForm source_form_CSV = {
    "csv(\"file.csv\", delimiter = \",\", header = true, decimal = \".\", comment = \"#\", rows = 0..1000, "
    "missing = 0, copies = 1)",
    arguments,
    complete,
    false,
    NULL,
    NULL};
