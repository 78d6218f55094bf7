/* header: the C header that belongs to an emitted object.
 *
 * One section per train block, all of the same form (docs: interfaces): sizes as macros, the opaque type, the data
 * struct with one member per stored column, and the functions. What needs libsgdrt (fit, evaluate, save, load) is
 * a static inline call (c_api.c says which), so the object itself depends on nothing: an application that only steps and predicts
 * links no library. The text depends on the program alone: no paths, no times.
 */
#include "codegen/object/header.h"
#include "codegen/object/c_api.h"
#include "codegen/object/exported_names.h"
#include "codegen/object/model_facts.h"
#include "ir/function.h"
#include <string.h>

/* A comment of one paragraph, in lines of at most 110 characters. */
static void add_comment(Text *to, const char *prefix, const char *doc) {
    enum { WIDTH = 110 };
    const char *text = exported_text(to->arena, prefix, doc);
    size_t column = 2;
    text_add(to, "/*");
    while (*text) {
        size_t length = strcspn(text, " ");
        bool fits = column + 1 + length <= WIDTH;
        text_add(to, "%s%.*s", fits ? " " : "\n   ", (int)length, text);
        column = (fits ? column + 1 : 3) + length;
        text += length + (text[length] != 0);
    }
    text_add(to, " */\n");
}

static void add_shape(Text *to, Shape shape) {
    for (int a = 0; a < shape.rank; a++) text_add(to, "%s%lld", a ? ", " : "", (long long)shape.extent[a]);
}

/* Of several data sets each has its number of rows: of the first in front, as of a single one. */
static void add_count(Text *to, const DataSet *data, int set) {
    text_add(to, "    int64_t %s;", exported_counts(to->arena, data)[set]);
    if (data->joined_count) text_add(to, "   /* of %s */", data->joined[set]->name);
    text_add(to, "\n");
}

/* ": Adelie, Gentoo, Chinstrap" */
static void add_class_names(Text *to, const Column *column) {
    enum { MOST_NAMES = 20 };
    for (int k = 0; k < column->remap_count && k < MOST_NAMES; k++) {
        text_add(to, k ? ", " : ": ");
        text_add_c_comment(to, column->remap_words[k]);
    }
    if (column->remap_count > MOST_NAMES) text_add(to, ", ...");
}

static void add_members(Text *to, const HeaderBlock *block, const char *const *members) {
    const Run *run = block->run;
    const DataSet *data = run->data;
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        const Field *field = exported_field_of_column(data, i);
        text_add(to, "    struct { const %s *data; int64_t stride; } %s;   /* ", c_column_type(column->dtype),
                 members[i]);
        if (column->shape.rank) {
            text_add(to, "[");
            add_shape(to, column->shape);
            text_add(to, "]");
        } else {
            text_add(to, "one value");
        }
        text_add(to, " a row");
        if (column->classes) text_add(to, ", labels 0 .. %lld", (long long)column->classes - 1);
        if (column->remap_words) add_class_names(to, column);
        if (column->standardized) text_add(to, ", as measured: standardized inside");
        if (column->missing == MISSING_NAN) text_add(to, ", NaN where it is missing");
        if (!block->reads[i])
            text_add(to, "; not read: it may be NULL");
        else if (!block->predicts[i])
            text_add(to, "; not read by predict");
        if (field && field->doc) {
            text_add(to, ": ");
            text_add_c_comment(to, field->doc);
        }
        text_add(to, " */\n");
    }
}

/* PREFIX_names_of_REGION[k], and the way back: PREFIX_class_of_REGION(text). */
static void add_class_tables(Text *to, const Run *run, const char *prefix, const char *const *members) {
    for (int i = 0; i < run->data->column_count; i++) {
        const Column *column = &run->data->columns[i];
        long long classes = (long long)column->classes;
        if (!column->remap_words || classes < 1) continue;
        text_add(to, "/* The classes of %s: their names, and the class of a text, or %d. */\n", members[i],
                 column->has_other ? column->other : -1);
        text_add(to, "static const char *const %s_names_of_%s[%lld] = {", prefix, members[i], classes);
        for (int64_t k = 0; k < classes; k++) {
            text_add(to, k ? ", " : "");
            text_add_c_string(to, k < column->remap_count ? column->remap_words[k] : ""); /* fewer were learnt */
        }
        text_add(to, "};\nstatic inline int32_t %s_class_of_%s(const char *text) {\n", prefix, members[i]);
        text_add(
            to,
            "    for (int32_t k = 0; k < %d; k++) {\n        const char *a = text, *b = %s_names_of_%s[k];\n"
            "        while (*a && *a == *b) a++, b++;\n        if (*a == *b) return k;\n    }\n    return %d;\n}\n",
            column->remap_count, prefix, members[i], column->has_other ? column->other : -1);
    }
}

/* NAME_rows: dense plain arrays as NAME_data. */
static void add_rows_helper(Text *to, const Run *run, const char *prefix, const char *const *members) {
    const DataSet *data = run->data;
    const char *const *counts = exported_counts(to->arena, data);
    add_comment(to, prefix, c_rows_doc);
    exported_add(to, prefix, "static inline @_data @_rows(");
    text_add(to, "%s", c_rows_parameters(to->arena, data, members, counts));
    exported_add(to, prefix, ") {\n    struct @_data data;\n");
    for (int i = 0; i < data_set_count(data); i++) text_add(to, "    data.%s = %s;\n", counts[i], counts[i]);
    for (int i = 0; i < data->column_count; i++)
        text_add(to, "    data.%s.data = %s;\n    data.%s.stride = %lld;\n", members[i], members[i], members[i],
                 (long long)c_column_stride(&data->columns[i]));
    text_add(to, "    return data;\n}\n");
}

static void add_parameters(Text *to, const Run *run) {
    text_add(to, "/* Parameters, row-major:\n");
    for (int i = 0; i < run->cell_count; i++) {
        if (run->cells[i].kind != CELL_PARAMETER) continue;
        text_add(to, "     %s: %s[", run->cells[i].name, dtype_text(run->cells[i].dtype));
        add_shape(to, run->cells[i].shape);
        text_add(to, "]");
        if (run->cells[i].doc) {
            text_add(to, "  ");
            text_add_c_comment(to, run->cells[i].doc);
        }
        text_add(to, "\n");
    }
    text_add(to, "   Hyper-parameters for set, as they stand in the program:\n");
    for (int i = 0; i < run->slot_count; i++)
        if (run->slots[i].value == run->slots[i].value)
            text_add(to, "     %s = %s\n", run->slots[i].name, text_number(to->arena, run->slots[i].value, true));
        else
            text_add(to, "     %s: follows its schedule until it is set\n", run->slots[i].name);
    text_add(to, "*/\n");
}

static int64_t parameter_count(const Run *run) {
    int64_t count = 0;
    for (int i = 0; i < run->cell_count; i++)
        if (run->cells[i].kind == CELL_PARAMETER) count += shape_size(run->cells[i].shape);
    return count;
}

static void add_sizes(Text *to, const HeaderBlock *block) {
    const Run *run = block->run;
    Arena *arena = to->arena;
    exported_add(to, block->prefix,
                 text_format(arena,
                             "#define @@_TRAIN_BYTES ((size_t)%zu)\n"
                             "#define @@_PREDICT_BYTES ((size_t)%zu)\n"
                             "#define @@_BATCH %lld   /* rows of a mini-batch; 0: all */\n"
                             "#define @@_PARAMETERS %lld\n",
                             block->train_bytes, block->predict_bytes, (long long)run->batch,
                             (long long)parameter_count(run)));
    if (run->predict) {
        exported_add(to, block->prefix,
                     text_format(arena, "#define @@_OUTPUTS %lld   /* values predict writes per row: ",
                                 (long long)shape_size(run->predict->shape)));
        if (run->predict_name) text_add(to, "%s ", run->predict_name);
        text_add(to, "[");
        add_shape(to, run->predict->shape);
        text_add(to, "] */\n");
    }
    exported_add(
        to, block->prefix,
        text_format(arena, "#define @@_FIGURES %lld   /* values evaluate writes: loss", (long long)model_figures(run)));
    for (int i = 0; i < run_measures(run); i++) {
        const Measure *measure = &run->measures[i];
        text_add(to, ", %s", measure->name);
        if (measure->shape.rank == 0) continue;
        text_add(to, " [");
        add_shape(to, measure->shape);
        text_add(to, "]");
    }
    text_add(to, " */\n");
}

static const char *gap(const char *type) { return type[strlen(type) - 1] == '*' ? "" : " "; }

static void add_function(Text *to, const CFunction *f, const char *prefix) {
    if (f->doc) add_comment(to, prefix, f->doc);
    if (f->library) text_add(to, "static inline ");
    text_add(to, "%s%s", f->returns, gap(f->returns));
    exported_add(to, prefix, text_format(to->arena, "@_%s(%s)", f->name, f->parameters));
    if (!f->library) {
        text_add(to, ";\n");
        return;
    }
    CParameters parameters = c_parameters(to->arena, f->parameters);
    text_add(to, " {\n    %s%s(", strcmp(f->returns, "void") ? "return " : "", f->library);
    for (int i = 0; i < parameters.count; i++) text_add(to, "%s%s", i ? ", " : "", parameters.items[i].name);
    text_add(to, ");\n}\n");
}

static void add_functions(Text *to, const Run *run, const char *prefix, bool of_library) {
    for (const CFunction *f = c_functions; f->name; f++)
        if (c_function_is_of(f, run) && (f->library != NULL) == of_library) add_function(to, f, prefix);
}

/* The functions of libsgdrt, for which models and rows of all programs are one: void. */
static void add_library_functions(Text *to) {
    for (const CFunction *f = c_functions; f->name; f++) {
        if (!f->library) continue;
        CParameters parameters = c_parameters(to->arena, f->parameters);
        text_add(to, "%s%s%s(", f->returns, gap(f->returns), f->library);
        for (int i = 0; i < parameters.count; i++) {
            const char *type = parameters.items[i].type, *of_model = strchr(type, '@');
            if (of_model)
                type = text_format(to->arena, "%.*svoid%s", (int)(of_model - type), type, strchr(of_model, ' '));
            text_add(to, "%s%s%s%s", i ? ", " : "", type, gap(type), parameters.items[i].name);
        }
        text_add(to, ");\n");
    }
}

static void add_block(Text *to, const HeaderBlock *block) {
    const Run *run = block->run;
    const char *prefix = block->prefix, *const *members = exported_members(to->arena, run->data);
    text_add(to, "/* ---- %s: train %s */\n", prefix, run->block);
    add_sizes(to, block);
    exported_add(to, prefix,
                 "\ntypedef struct @ @;   /* opaque; any number may live at once */\n"
                 "/* Rows: row r of a member begins `stride` bytes after row r - 1 and is dense, row-major. A name\n"
                 "   that C or C++ does not allow, or that is taken, has a _ behind it. */\n"
                 "typedef struct @_data {\n");
    add_count(to, run->data, 0);
    add_members(to, block, members);
    for (int i = 1; i < data_set_count(run->data); i++) add_count(to, run->data, i);
    exported_add(to, prefix, "} @_data;\n");
    add_rows_helper(to, run, prefix, members);
    add_class_tables(to, run, prefix, members);
    add_parameters(to, run);
    add_functions(to, run, prefix, false);
    text_add(to, "/* These call libsgdrt; a shared object holds it. */\n");
    add_functions(to, run, prefix, true);
    text_add(to, "\n");
}

void header_write(Text *to, const char *source, const char *id, const HeaderBlock *blocks, int count) {
    text_add(to, "/* Written by sgdc from ");
    text_add_c_comment(to, source);
    text_add(to, ". Do not edit. */\n");
    text_add(to, "#ifndef SGDC_%s_H\n#define SGDC_%s_H\n#include <stddef.h>\n#include <stdint.h>\n\n", id, id);
    text_add(to, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
                 "#ifndef SGDC_COMMON\n#define SGDC_COMMON\n"
                 "/* Zero everywhere: as the program says. planned_steps: what `progress` is measured against. */\n"
                 "typedef struct sgdc_options { uint64_t seed, planned_steps, has_seed, reserved[5]; } sgdc_options;\n"
                 "typedef struct sgdc_report { int64_t epoch, step; double train_loss, valid_loss; } sgdc_report;\n"
                 "typedef int sgdc_callback(void *user, const sgdc_report *report);\n");
    add_library_functions(to);
    text_add(to, "#endif\n\n");
    for (int i = 0; i < count; i++) add_block(to, &blocks[i]);
    text_add(to, "#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

static void mark_columns(Arena *arena, const Function *function, bool *reads) {
    int count;
    Node **nodes = function_nodes(arena, function, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN) reads[nodes[i]->attr.index] = true;
}

const bool *header_predicts(Arena *arena, const Run *run) {
    bool *predicts = arena_array(arena, bool, run->data->column_count + 1);
    mark_columns(arena, &run->predictor, predicts);
    return predicts;
}

const bool *header_reads(Arena *arena, const Run *run) {
    bool *reads = arena_array(arena, bool, run->data->column_count + 1);
    const Function *functions[] = {&run->step, &run->evaluate, &run->predictor, &run->derived};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) mark_columns(arena, functions[i], reads);
    for (int i = 0; i < run->part_count; i++) mark_columns(arena, &run->parts[i].function, reads);
    for (int i = 0; i < run->statistic_count; i++)
        if (run->statistics[i].column >= 0) reads[run->statistics[i].column] = true;
    if (run->hold_out_by >= 0 && run->data->fields[run->hold_out_by].column >= 0)
        reads[run->data->fields[run->hold_out_by].column] = true;
    return reads;
}
