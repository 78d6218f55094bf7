/* prediction_text: what stands in a row of the output.
 *
 * csv: the repeated columns, `prediction`, and what a class was chosen by: a column `score_CLASS` for each, or `score`
 * where one number tells two classes apart. JSON: an object a line. Numbers are the shortest that read back as the same
 * f32. Classes have the names that the file has for them. What names and texts hold is escaped once where it is known
 * before (names), and where it must be (texts).
 */
#include "driver/prediction_text.h"
#include "number.h"
#include <math.h>
#include <string.h>

enum { MOST_NAMED = 1 << 20 };

static const char *escaped(Arena *arena, bool json, const char *text) {
    Text out = text_new(arena);
    if (json)
        text_add_json(&out, text);
    else
        text_add_csv(&out, text);
    return out.bytes;
}

static bool has_names(const DataSet *set, int field) {
    const Field *of = &set->fields[field];
    return field_class_names(set, of) || (of->column >= 0 && set->columns[of->column].remap_count);
}

/* Names in quotes where the file has any; plain numbers are numbers in JSON too. */
static void name_classes(Driver *driver, const Run *run, PredictionForm *form) {
    Arena *arena = driver->arena;
    bool known = run->target >= 0 && run->data->fields[run->target].classes == form->classes;
    bool named = known && has_names(run->data, run->target);
    if (form->classes > MOST_NAMED) return;
    form->class_texts = arena_array(arena, const char *, form->classes + 1);
    form->score_names = arena_array(arena, const char *, form->classes + 1);
    for (int64_t k = 0; k < form->classes; k++) {
        const char *name = known ? trained_class_name(arena, run->data, run->target, k)
                                 : text_format(arena, "%lld", (long long)k);
        form->class_texts[k] = named ? escaped(arena, form->json, name) : name;
        form->score_names[k] = escaped(arena, form->json, form->json ? name : text_format(arena, "score_%s", name));
    }
}

PredictionForm prediction_form(Driver *driver, const Run *run, const char *const *texts, int text_count) {
    PredictionForm form = {.json = driver->options->json, .elements = shape_size(run->predict->shape)};
    form.rule = class_rule_of_run(run, &form.classes);
    if (form.rule == CLASS_LARGEST && form.classes > MOST_NAMED) form.rule = CLASS_NONE;
    if (form.rule != CLASS_NONE) name_classes(driver, run, &form);
    const char **names = arena_array(driver->arena, const char *, text_count + 1);
    for (int t = 0; t < text_count; t++) names[t] = escaped(driver->arena, form.json, texts[t]);
    form.text_names = names;
    form.text_count = text_count;
    return form;
}

/* "_0_2" of element 2 of 3 x 4 */
static void add_place(Text *to, Shape shape, int64_t element) {
    for (int a = 0; a < shape.rank; a++) {
        int64_t below = 1;
        for (int b = a + 1; b < shape.rank; b++) below *= shape.extent[b];
        text_add(to, "_%lld", (long long)(element / below % shape.extent[a]));
    }
}

void prediction_heading(Text *to, const PredictionForm *form, const Run *run) {
    if (form->json) return;
    for (int t = 0; t < form->text_count; t++) text_add(to, "%s,", form->text_names[t]);
    if (form->rule != CLASS_NONE) text_add(to, "prediction");
    for (int64_t k = 0; form->rule == CLASS_LARGEST && k < form->classes; k++)
        text_add(to, ",%s", form->score_names[k]);
    if (form->rule == CLASS_HALF || form->rule == CLASS_SIGN) text_add(to, ",score");
    for (int64_t i = 0; form->rule == CLASS_NONE && i < form->elements; i++) {
        text_add(to, "%sprediction", i ? "," : "");
        add_place(to, run->predict->shape, i);
    }
    text_add(to, "\n");
}

/* ---- rows ---------------------------------------------------------------------------------------------- */
static void add(Text *to, const char *bytes) { text_add_bytes(to, bytes, strlen(bytes)); }

static void add_number(Text *to, const PredictionForm *form, float value) {
    char text[SGDRT_NUMBER_TEXT];
    if (form->json && !isfinite(value))
        add(to, "null");
    else
        text_add_bytes(to, text, (size_t)sgdrt_f32_text(text, value));
}

/* No byte of it means anything to a csv, to JSON or to a terminal. */
static bool is_plain(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == ',' || text[i] == '\\') return false;
    return true;
}

static void add_text(Text *to, const PredictionForm *form, const char *text, size_t length) {
    if (!is_plain(text, length)) {
        Arena *arena = arena_new();
        add(to, escaped(arena, form->json, text_format(arena, "%.*s", (int)length, text)));
        arena_free(arena);
        return;
    }
    if (form->json) text_add_bytes(to, "\"", 1);
    text_add_bytes(to, text, length);
    if (form->json) text_add_bytes(to, "\"", 1);
}

static void add_class(Text *to, const PredictionForm *form, int64_t k) {
    char text[24];
    if (form->class_texts && k >= 0 && k < form->classes)
        add(to, form->class_texts[k]);
    else
        text_add_bytes(to, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)k));
}

static void add_csv_row(Text *to, const PredictionForm *form, const float *values) {
    if (form->rule != CLASS_NONE) add_class(to, form, class_of(form->rule, values, (int)form->elements));
    for (int64_t i = 0; form->rule != CLASS_ITSELF && i < form->elements; i++) {
        if (i || form->rule != CLASS_NONE) text_add_bytes(to, ",", 1);
        add_number(to, form, values[i]);
    }
}

static void add_scores(Text *to, const PredictionForm *form, const float *values) {
    for (int64_t i = 0; i < form->elements; i++) {
        add(to, i ? "," : "{");
        add(to, form->score_names[i]);
        add(to, ":");
        add_number(to, form, values[i]);
    }
    add(to, "}");
}

static void add_list(Text *to, const PredictionForm *form, const float *values) {
    for (int64_t i = 0; i < form->elements; i++) {
        add(to, i ? "," : "[");
        add_number(to, form, values[i]);
    }
    add(to, form->elements ? "]" : "[]");
}

static void add_json_row(Text *to, const PredictionForm *form, const float *values) {
    add(to, "\"prediction\":");
    if (form->rule != CLASS_NONE)
        add_class(to, form, class_of(form->rule, values, (int)form->elements));
    else if (form->elements == 1)
        add_number(to, form, values[0]);
    else
        add_list(to, form, values);
    if (form->rule == CLASS_LARGEST) {
        add(to, ",\"scores\":");
        add_scores(to, form, values);
    } else if (form->rule == CLASS_HALF || form->rule == CLASS_SIGN) {
        add(to, ",\"score\":");
        add_number(to, form, values[0]);
    }
    add(to, "}");
}

void prediction_row(Text *to, const PredictionForm *form, const float *values, const char *text, size_t begin,
                    const size_t *text_end) {
    if (form->json) add(to, "{");
    for (int t = 0; t < form->text_count; t++) {
        if (form->json) add(to, form->text_names[t]);
        if (form->json) add(to, ":");
        add_text(to, form, text + begin, text_end[t] - begin);
        add(to, ",");
        begin = text_end[t];
    }
    if (form->json)
        add_json_row(to, form, values);
    else
        add_csv_row(to, form, values);
    add(to, "\n");
}
