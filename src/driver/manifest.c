/* --emit=manifest: what a header says, as JSON, for who calls a shared object from a language that reads no header:
 * functions with their parameters, rows with the offsets of their members, parameters, answers, settings.
 *
 * It depends on the program and the options alone. docs/languages.md says what each key means; what is taken away or
 * changes its meaning raises MANIFEST_VERSION.
 */
#include "driver/manifest.h"
#include "codegen/object/c_api.h"
#include "codegen/object/exported_names.h"
#include "driver/seeing.h"
#include "fit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANIFEST_VERSION = 1, ALIGNMENT = 64 };

static void shape(Json *j, const Shape *of) {
    json_flat_array(j, "shape");
    for (int a = 0; a < of->rank; a++) json_integer(j, NULL, of->extent[a]);
    json_close(j);
}

/* ---- what all models share ------------------------------------------------------------------------- */
typedef struct Member {
    const char *name, *type;
    size_t offset;
} Member;

static void structure(Json *j, const char *name, size_t bytes, const Member *members, size_t count) {
    json_object(j, NULL);
    json_text(j, "name", name);
    json_integer(j, "bytes", (int64_t)bytes);
    json_array(j, "fields");
    for (size_t i = 0; i < count; i++) {
        json_flat_object(j, NULL);
        json_text(j, "name", members[i].name);
        json_text(j, "type", members[i].type);
        json_integer(j, "offset", (int64_t)members[i].offset);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

static void structures(Json *j) {
    static const Member options[] = {{"seed", "u64", offsetof(sgdrt_options, seed)},
                                     {"planned_steps", "u64", offsetof(sgdrt_options, planned_steps)},
                                     {"has_seed", "u64", offsetof(sgdrt_options, has_seed)}};
    static const Member reports[] = {{"epoch", "i64", offsetof(sgdrt_report, epoch)},
                                     {"step", "i64", offsetof(sgdrt_report, step)},
                                     {"train_loss", "f64", offsetof(sgdrt_report, train_loss)},
                                     {"valid_loss", "f64", offsetof(sgdrt_report, valid_loss)}};
    json_array(j, "types");
    structure(j, "sgdc_options", sizeof(sgdrt_options), options, sizeof options / sizeof *options);
    structure(j, "sgdc_report", sizeof(sgdrt_report), reports, sizeof reports / sizeof *reports);
    json_close(j);
}

static void statuses(Json *j) {
    static const char *const names[SGDRT_STATUS_COUNT] = {
        [SGDRT_OK] = "ok",
        [SGDRT_NULL] = "null",
        [SGDRT_ALIGNMENT] = "alignment",
        [SGDRT_MEMORY] = "memory",
        [SGDRT_NO_ROWS] = "no_rows",
        [SGDRT_LABEL] = "label",
        [SGDRT_DIVERGED] = "diverged",
        [SGDRT_STOPPED] = "stopped",
        [SGDRT_NO_PREDICT] = "no_predict",
        [SGDRT_FILE] = "file",
        [SGDRT_MISMATCH] = "mismatch",
        [SGDRT_CPU] = "cpu",
        [SGDRT_NO_NAME] = "no_name",
        [SGDRT_DEFERRED] = "deferred",
        [SGDRT_NOT_FINITE] = "not_finite",
        [SGDRT_WEIGHT] = "weight",
        [SGDRT_ROWS] = "rows",
    };
    json_array(j, "statuses");
    for (int s = 0; s < SGDRT_STATUS_COUNT; s++) {
        json_flat_object(j, NULL);
        json_integer(j, "value", s);
        json_text(j, "name", names[s]);
        json_close(j);
    }
    json_close(j);
}

/* ---- functions ------------------------------------------------------------------------------------- */
/* type NULL: what the C type is by itself. */
static void value(Json *j, const char *key, const char *name, const char *c_type, const char *type) {
    json_flat_object(j, key);
    if (name) json_text(j, "name", name);
    json_text(j, "c", c_type);
    json_text(j, "type", type ? type : c_value_text(c_value(c_type)));
    json_close(j);
}

static void parameters(Json *j, const char *prefix, const char *list) {
    Arena *arena = j->to->arena;
    CParameters of = c_parameters(arena, list);
    json_array(j, "parameters");
    for (int i = 0; i < of.count; i++)
        value(j, NULL, of.items[i].name, exported_text(arena, prefix, of.items[i].type), NULL);
    json_close(j);
}

static void function(Json *j, const char *prefix, const char *name, const char *returns, const char *type,
                     const char *list, const char *doc) {
    Arena *arena = j->to->arena;
    json_object(j, NULL);
    json_text(j, "name", name);
    json_text(j, "symbol", text_format(arena, "%s_%s", prefix, name));
    value(j, "returns", NULL, exported_text(arena, prefix, returns), type);
    parameters(j, prefix, list);
    json_text(j, "doc", doc ? exported_text(arena, prefix, doc) : NULL);
    json_close(j);
}

static void functions(Json *j, const Run *run, const char *prefix) {
    Arena *arena = j->to->arena;
    const char *const *members = exported_members(arena, run->data), *const *counts = exported_counts(arena, run->data);
    json_array(j, "functions");
    for (const CFunction *f = c_functions; f->name; f++)
        if (c_function_is_of(f, run)) function(j, prefix, f->name, f->returns, NULL, f->parameters, f->doc);
    function(j, prefix, "rows", "@_data", "struct", c_rows_parameters(arena, run->data, members, counts), c_rows_doc);
    json_close(j);
}

/* ---- rows ------------------------------------------------------------------------------------------ */
/* Names of the file's texts, or the file's numbers, that class k stands for. */
static void classes(Json *j, const Column *column) {
    json_integer(j, "classes", column->classes);
    if (column->remap_words) {
        json_flat_array(j, "class_names");
        for (int k = 0; k < column->remap_count; k++) json_text(j, NULL, column->remap_words[k]);
        json_close(j);
    } else {
        json_null(j, "class_names");
    }
    if (!column->remap_words && column->remap_count) {
        json_flat_array(j, "class_values");
        for (int k = 0; k < column->remap_count; k++) json_number(j, NULL, column->remap[k]);
        json_close(j);
    } else {
        json_null(j, "class_values");
    }
}

/* The class of a missing text; -1: there is none. */
static int class_of_missing(const Column *column) {
    for (int k = 0; column->missing_word && k < column->remap_count && column->remap_words; k++)
        if (!strcmp(column->remap_words[k], column->missing_word)) return k;
    return column->has_other ? column->other : -1;
}

static void class_or_null(Json *j, const char *name, int class) {
    if (class >= 0)
        json_integer(j, name, class);
    else
        json_null(j, name);
}

/* Of a csv: which of its columns the elements are, by name or by number. */
static void csv_columns(Json *j, const Column *column) {
    if (!column->csv_count) {
        json_null(j, "columns");
        return;
    }
    json_flat_array(j, "columns");
    for (int i = 0; i < column->csv_count; i++)
        if (column->csv_name && column->csv_name[i])
            json_text(j, NULL, column->csv_name[i]);
        else
            json_integer(j, NULL, column->csv_index[i]);
    json_close(j);
}

/* Where the number of rows of each further data set stands: behind all columns. */
static size_t count_offset(const DataSet *data, int set) {
    size_t columns = sizeof(sgdrt_rows) + sizeof(sgdrt_column) * (size_t)data->column_count;
    return set ? columns + sizeof(int64_t) * (size_t)(set - 1) : offsetof(sgdrt_rows, rows);
}

/* Of a program with several data sets, in the order of data = [...]. */
static void sets(Json *j, const Run *run) {
    const DataSet *data = run->data;
    const char *const *counts = exported_counts(j->to->arena, data);
    json_array(j, "sets");
    for (int i = 0; i < data->joined_count; i++) {
        json_flat_object(j, NULL);
        json_text(j, "name", data->joined[i]->name);
        json_text(j, "member", counts[i]);
        json_integer(j, "rows_offset", (int64_t)count_offset(data, i));
        json_integer(j, "batch", !i ? run->batch : run->partners[i - 1].all ? -1 : run->partners[i - 1].batch);
        json_close(j);
    }
    json_close(j);
}

static void rows(Json *j, const HeaderBlock *block) {
    Arena *arena = j->to->arena;
    const DataSet *data = block->run->data;
    const char *const *members = exported_members(arena, data);
    json_object(j, "rows");
    json_text(j, "name", text_format(arena, "%s_data", block->prefix));
    json_integer(j, "bytes", (int64_t)count_offset(data, data_set_count(data)));
    json_integer(j, "rows_offset", (int64_t)count_offset(data, 0));
    sets(j, block->run);
    json_array(j, "fields");
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        const Field *field = exported_field_of_column(data, i);
        size_t offset = offsetof(sgdrt_rows, columns) + sizeof(sgdrt_column) * (size_t)i;
        json_object(j, NULL);
        json_text(j, "name", field ? field->name : column->name);
        json_text(j, "member", members[i]);
        if (data->joined_count)
            json_text(j, "set", data->joined[data_set_of(data, i)]->name);
        else
            json_null(j, "set");
        json_text(j, "doc", field ? field->doc : NULL);
        json_text(j, "dtype", dtype_text(column->dtype));
        shape(j, &column->shape);
        json_integer(j, "row_bytes", c_column_stride(column));
        json_integer(j, "data_offset", (int64_t)(offset + offsetof(sgdrt_column, data)));
        json_integer(j, "stride_offset", (int64_t)(offset + offsetof(sgdrt_column, stride)));
        classes(j, column);
        csv_columns(j, column);
        json_bool(j, "standardized", column->standardized);
        json_bool(j, "may_be_missing", column->missing == MISSING_NAN);
        class_or_null(j, "other_class", column->has_other ? column->other : -1);
        class_or_null(j, "missing_class", class_of_missing(column));
        json_bool(j, "read_by_predict", block->predicts[i]);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

/* ---- the model --------------------------------------------------------------------------------------- */
static void settings(Json *j, const Run *run) {
    static const char *const orders[] = {"shuffled", "sequential", "replacement"}, *const lasts[] = {"keep", "drop",
                                                                                                     "wrap"};
    static const char *const held[] = {NULL, "random", "split", "last", "fold"};
    json_object(j, "settings");
    json_text(j, "data", run->data->name);
    json_text(j, "data_doc", run->data->doc);
    json_text(j, "source", source_name(run->data->kind));
    json_integer(j, "batch", run->batch);
    json_integer(j, "epochs", run->epochs);
    json_integer(j, "steps", run->steps);
    json_integer(j, "seed", (int64_t)run->seed);
    json_text(j, "order", orders[run->order]);
    json_text(j, "last", lasts[run->last]);
    json_number(j, "hold_out", run->folds ? 1.0 / run->folds : run->hold_out == HOLD_OUT_NONE ? 0 : run->hold_out_part);
    json_text(j, "hold_out_rows", held[run->hold_out]);
    json_integer(j, "fold", run->folds ? run->fold + 1 : 0);
    json_integer(j, "folds", run->folds);
    json_integer(j, "copies", run->data->copies > 1 ? run->data->copies : 1);
    json_close(j);
}

/* The shortest number that is rounded to the slot's value where it is set. */
static double shortest(Arena *arena, const Slot *slot) {
    return slot->dtype == DTYPE_F32 && isfinite(slot->value) ? strtod(text_number(arena, slot->value, true), NULL)
                                                             : slot->value;
}

static void model_parameters(Json *j, const Run *run) {
    json_array(j, "parameters");
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        if (cell->kind != CELL_PARAMETER) continue;
        json_flat_object(j, NULL);
        json_text(j, "name", cell->name);
        json_text(j, "dtype", dtype_text(cell->dtype));
        shape(j, &cell->shape);
        json_text(j, "doc", cell->doc);
        json_bool(j, "trained", cell->updated);
        json_close(j);
    }
    json_close(j);
    json_array(j, "hyper_parameters");
    for (int i = 0; i < run->slot_count; i++) {
        json_flat_object(j, NULL);
        json_text(j, "name", run->slots[i].name);
        json_number(j, "value", shortest(j->to->arena, &run->slots[i]));
        json_close(j);
    }
    json_close(j);
}

/* rule: how the numbers of a row say a class, as sgdc predict reads them. */
static void predict(Json *j, const Run *run) {
    static const char *const rules[] = {[CLASS_NONE] = NULL,
                                        [CLASS_LARGEST] = "largest",
                                        [CLASS_ITSELF] = "itself",
                                        [CLASS_HALF] = "half",
                                        [CLASS_SIGN] = "sign"};
    if (!run->predict) {
        json_null(j, "predict");
        return;
    }
    int64_t class_count;
    ClassRule rule = class_rule_of_run(run, &class_count);
    const Field *target = run->target >= 0 ? &run->data->fields[run->target] : NULL;
    json_object(j, "predict");
    json_text(j, "name", run->predict_name);
    json_text(j, "dtype", dtype_text(DTYPE_F32)); /* whatever the model computes in */
    shape(j, &run->predict->shape);
    json_integer(j, "elements", shape_size(run->predict->shape));
    json_text(j, "target", target ? target->name : NULL);
    json_text(j, "rule", rules[rule]);
    json_integer(j, "classes", rule == CLASS_NONE ? 0 : class_count);
    json_close(j);
}

/* What evaluate writes behind the figures. */
static void figure_arrays(Json *j, const Run *run) {
    if (!run->array_count) return;
    json_array(j, "figure_arrays");
    for (int i = run->measure_count; i < run_measures(run); i++) {
        const Measure *measure = &run->measures[i];
        json_object(j, NULL);
        json_text(j, "name", measure->name);
        json_flat_array(j, "shape");
        for (int a = 0; a < measure->shape.rank; a++) json_integer(j, NULL, measure->shape.extent[a]);
        json_close(j);
        json_close(j);
    }
    json_close(j);
}

static void model(Json *j, const HeaderBlock *block, const char *identity) {
    const Run *run = block->run;
    json_object(j, NULL);
    json_text(j, "prefix", block->prefix);
    json_text(j, "run", run->name);
    json_text(j, "block", run->block);
    json_text(j, "doc", run->doc);
    json_text(j, "model_doc", run->model_doc);
    json_flat_array(j, "each");
    for (int i = 0; i < run->each_count; i++) {
        json_object(j, NULL);
        json_text(j, "name", run->each[i].name);
        json_text(j, "value", run->each[i].text);
        json_close(j);
    }
    json_close(j);
    json_text(j, "identity", identity);
    json_integer(j, "train_bytes", (int64_t)block->train_bytes);
    json_integer(j, "predict_bytes", (int64_t)block->predict_bytes);
    json_integer(j, "alignment", ALIGNMENT);
    settings(j, run);
    rows(j, block);
    model_parameters(j, run);
    predict(j, run);
    json_flat_array(j, "figures");
    json_text(j, NULL, "loss");
    for (int i = 0; i < run->measure_count; i++) json_text(j, NULL, run->measures[i].name);
    json_close(j);
    figure_arrays(j, run);
    functions(j, run, block->prefix);
    json_close(j);
}

void manifest_write(Text *to, const Program *program, const HeaderBlock *blocks, const char *const *identities) {
    Json json = json_new(to), *j = &json;
    json_object(j, NULL);
    json_integer(j, "manifest", MANIFEST_VERSION);
    json_text(j, "sgdc", SGDC_VERSION);
    json_text(j, "program", text_format(to->arena, "%s.sgd", program->stem));
    json_text(j, "symbol_version", text_format(to->arena, "%s%d", C_API_SYMBOL_VERSION, C_API_VERSION));
    structures(j);
    json_object(j, "callback");
    value(j, "returns", NULL, "int", NULL);
    parameters(j, "", "void *user, const sgdc_report *report");
    json_close(j);
    statuses(j);
    json_array(j, "models");
    for (int i = 0; i < program->run_count; i++) model(j, &blocks[i], identities[i]);
    json_close(j);
    json_close(j);
}
