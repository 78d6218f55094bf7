/* header: the C header that belongs to an emitted object.
 *
 * One section per train block, all of the same form (docs: interfaces): sizes as macros, the opaque type, the data
 * struct with one member per stored column, and the functions. What needs libsgdrt (fit, evaluate, save, load) is
 * a static inline call, so the object itself depends on nothing: an application that only steps and predicts
 * links no library. The text depends on the program alone: no paths, no times.
 */
#include "codegen/header.h"
#include "codegen/exported_names.h"
#include <ctype.h>
#include <string.h>

static const char *column_type(DType t) {
    switch (t) {
    case DTYPE_U8: return "uint8_t";
    case DTYPE_I32: return "int32_t";
    case DTYPE_BOOL: return "uint8_t";
    case DTYPE_F64: return "double";
    case DTYPE_F32: return "float";
    }
    return "void";
}

static size_t word_length(const char *text) {
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_') length++;
    return length;
}

/* Adds text in which @_step stands for a name of the C API with the run's prefix and @@_BATCH for one of its macros; all
 * of them are in the table of exported_names.c, which keeps them apart from other names. */
static void add_api(Text *to, const char *prefix, const char *text) {
    for (; *text; text++) {
        if (*text != '@') {
            text_add_bytes(to, text, 1);
            continue;
        }
        bool macro = text[1] == '@';
        text += macro;
        size_t length = word_length(text + 1);
        const char *suffix = text_format(to->arena, "%.*s", (int)length, text + 1);
        if (!exported_suffix_is_known(suffix, macro)) INTERNAL_ERROR("the table of the C API lacks %s", suffix);
        for (const char *c = prefix; *c; c++) text_add(to, "%c", macro ? toupper((unsigned char)*c) : *c);
        text_add(to, "%s", suffix);
        text += length;
    }
}

static void add_shape(Text *to, Shape shape) {
    for (int a = 0; a < shape.rank; a++) text_add(to, "%s%lld", a ? ", " : "", (long long)shape.extent[a]);
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

static void add_members(Text *to, const Run *run, const char *const *members, const bool *predicts) {
    const DataSet *data = run->data;
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        const Field *field = exported_field_of_column(data, i);
        text_add(to, "    struct { const %s *data; int64_t stride; } %s;   /* ", column_type(column->dtype),
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
        if (!predicts[i]) text_add(to, "; not read by predict");
        if (field && field->doc) {
            text_add(to, ": ");
            text_add_c_comment(to, field->doc);
        }
        text_add(to, " */\n");
    }
}

/* NAME_rows: dense plain arrays as NAME_data. */
static void add_rows_helper(Text *to, const Run *run, const char *prefix, const char *const *members) {
    const DataSet *data = run->data;
    add_api(to, prefix, "/* Rows in dense arrays, one after the other. */\nstatic inline @_data @_rows(int64_t rows");
    for (int i = 0; i < data->column_count; i++)
        text_add(to, ", const %s *%s", column_type(data->columns[i].dtype), members[i]);
    add_api(to, prefix, ") {\n    struct @_data data;\n    data.rows = rows;\n");
    for (int i = 0; i < data->column_count; i++)
        text_add(to, "    data.%s.data = %s;\n    data.%s.stride = %lld;\n", members[i], members[i], members[i],
                 (long long)(shape_size(data->columns[i].shape) * (int64_t)dtype_bytes(data->columns[i].dtype)));
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
    add_api(to, block->prefix,
            text_format(
                arena,
                "#define @@_TRAIN_BYTES(threads) ((size_t)%zu + (size_t)((threads) > 1 ? (threads) - 1 : 0) * %zu)\n"
                "#define @@_PREDICT_BYTES ((size_t)%zu)\n"
                "#define @@_BATCH %lld   /* rows of a mini-batch; 0: all */\n"
                "#define @@_PARAMETERS %lld\n",
                block->train_bytes, block->thread_bytes, block->predict_bytes, (long long)run->batch,
                (long long)parameter_count(run)));
    if (run->predict) {
        add_api(to, block->prefix,
                text_format(arena, "#define @@_OUTPUTS %lld   /* values predict writes per row: ",
                            (long long)shape_size(run->predict->shape)));
        if (run->predict_name) text_add(to, "%s ", run->predict_name);
        text_add(to, "[");
        add_shape(to, run->predict->shape);
        text_add(to, "] */\n");
    }
    add_api(to, block->prefix,
            text_format(arena, "#define @@_FIGURES %d   /* values evaluate writes: loss", 1 + run->measure_count));
    for (int i = 0; i < run->measure_count; i++) text_add(to, ", %s", run->measures[i].name);
    text_add(to, " */\n");
}

/* What the object holds. */
static const char functions[] =
    "/* Every function returns 0, or a status that @_strerror names. The caller's memory: 64-byte aligned,\n"
    "   @@_TRAIN_BYTES(1) of it. options may be NULL. */\n"
    "int  @_init(@ **out, void *memory, size_t bytes, const sgdc_options *options);\n"
    "int  @_new(@ **out, const sgdc_options *options);   /* memory from aligned_alloc; @_free returns it */\n"
    "void @_free(@ *m);\n"
    "/* One step on all rows of data as one mini-batch. *loss: their mean before the step; may be NULL. */\n"
    "int  @_step(@ *m, const @_data *data, float *loss);\n";
static const char predict[] =
    "/* Writes @@_OUTPUTS floats per row. Thread-safe. workspace: @@_PREDICT_BYTES, 64-byte aligned, or\n"
    "   NULL to have it allocated for the call. */\n"
    "int  @_predict(const @ *m, const @_data *data, float *out, void *workspace);\n";
static const char further_functions[] =
    "int  @_set(@ *m, const char *hyper_parameter, double value);\n"
    "int  @_set_lr(@ *m, double lr);   /* replaces the schedule until @_clear_lr */\n"
    "int  @_clear_lr(@ *m);\n"
    "void @_request_stop(@ *m);       /* async-signal-safe; fit ends after the step in flight */\n"
    "/* A parameter in place, or NULL. shape and rank may be NULL. */\n"
    "float *@_parameter(@ *m, const char *name, const int64_t **shape, int *rank);\n"
    "const char *@_parameter_name(int index);   /* NULL past the last */\n"
    "/* After a refusal: the field with a label out of range or a value that is not finite, and its row; NULL if\n"
    "   there is none. Fields that are NULL are not looked at. row may be NULL. */\n"
    "const char *@_refused(const @ *m, const @_data *data, int64_t *row);\n"
    "const char *@_strerror(int status);\n";
static const char of_library[] =
    "/* These need libsgdrt. set_threads: how many threads fit and its evaluations use, 0 for as many as the process\n"
    "   may; the bits are the same on any number. fit starts them and ends them; what memory they need it has\n"
    "   allocated unless init was given enough. A step too small to gain from threads runs on the caller's. */\n"
    "static inline int @_set_threads(@ *m, int threads) { return sgdrt_set_threads(m, threads); }\n"
    "/* fit trains as the program says (batch, order, epochs, hold-out, copies); valid may be\n"
    "   NULL; the callback gets a report after each epoch and ends the training by returning non-zero.\n"
    "   evaluate stores the loss, then the metrics in their order: @@_FIGURES of them. */\n"
    "static inline int @_fit(@ *m, const @_data *train, const @_data *valid, sgdc_callback *callback, void *user) {\n"
    "    return sgdrt_fit(m, train, valid, callback, user);\n}\n"
    "static inline int @_evaluate(const @ *m, const @_data *data, float *results) {\n"
    "    return sgdrt_evaluate(m, data, results);\n}\n"
    "static inline int @_save(const @ *m, const char *path) { return sgdrt_save_instance(m, path); }\n"
    "/* load takes what serves; resume the last state, from which fit continues exactly. Of a training with keep =\n"
    "   best(...), sgdc --save wrote both; else they are the same. */\n"
    "static inline int @_load(@ *m, const char *path) { return sgdrt_load_instance(m, path); }\n"
    "static inline int @_resume(@ *m, const char *path) { return sgdrt_resume_instance(m, path); }\n\n";

static void add_block(Text *to, const HeaderBlock *block) {
    const Run *run = block->run;
    const char *prefix = block->prefix, *const *members = exported_members(to->arena, run->data);
    text_add(to, "/* ---- %s: train %s */\n", prefix, run->block);
    add_sizes(to, block);
    add_api(to, prefix,
            "\ntypedef struct @ @;   /* opaque; any number may live at once */\n"
            "/* Rows: row r of a member begins `stride` bytes after row r - 1 and is dense, row-major. A name\n"
            "   that C or C++ does not allow, or that is taken, has a _ behind it. */\n"
            "typedef struct @_data {\n    int64_t rows;\n");
    add_members(to, run, members, block->predicts);
    add_api(to, prefix, "} @_data;\n");
    add_rows_helper(to, run, prefix, members);
    add_parameters(to, run);
    add_api(to, prefix, functions);
    if (run->predict) add_api(to, prefix, predict);
    add_api(to, prefix, further_functions);
    add_api(to, prefix, of_library);
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
                 "typedef int sgdc_callback(void *user, const sgdc_report *report);\n"
                 "int sgdrt_fit(void *m, const void *train, const void *valid, sgdc_callback *callback, void *user);\n"
                 "int sgdrt_set_threads(void *m, int threads);\n"
                 "int sgdrt_evaluate(const void *m, const void *data, float *results);\n"
                 "int sgdrt_save_instance(const void *m, const char *path);\n"
                 "int sgdrt_load_instance(void *m, const char *path);\n"
                 "int sgdrt_resume_instance(void *m, const char *path);\n"
                 "#endif\n\n");
    for (int i = 0; i < count; i++) add_block(to, &blocks[i]);
    text_add(to, "#ifdef __cplusplus\n}\n#endif\n#endif\n");
}

const bool *header_predicts(Arena *arena, const Run *run) {
    bool *predicts = arena_array(arena, bool, run->data->column_count + 1);
    Node **roots = arena_array(arena, Node *, run->predictor.root_count + 1);
    int count;
    for (int i = 0; i < run->predictor.root_count; i++) roots[i] = run->predictor.roots[i].node;
    Node **nodes = graph_post_order(arena, roots, run->predictor.root_count, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN) predicts[nodes[i]->attr.index] = true;
    return predicts;
}
