/* c_api: the table of the C API. A function that is new is a row here: with `library` NULL it is defined in
 * runtime/embedded/api.inc, which every object carries; else it calls the function of libsgdrt with the same arguments,
 * inline where a header is used with an object, as a symbol of its own in a shared object.
 */
#include "codegen/object/c_api.h"
#include <ctype.h>
#include <string.h>

const CFunction c_functions[] = {
    {"init", "int", "@ **out, void *memory, size_t bytes, const sgdc_options *options", NULL, false,
     "A model in memory of yours: 64-byte aligned, @@_TRAIN_BYTES of it. options may be NULL. Like every function "
     "that returns an int it returns 0, or a status that @_strerror names."},
    {"new", "int", "@ **out, const sgdc_options *options", NULL, false,
     "A model in memory from aligned_alloc; @_free returns it. options may be NULL."},
    {"free", "void", "@ *m", NULL, false, NULL},
    {"step", "int", "@ *m, const @_data *data, float *loss", NULL, false,
     "One step on all rows of data as one mini-batch. *loss: their mean before the step; may be NULL."},
    {"predict", "int", "const @ *m, const @_data *data, float *out, void *workspace", NULL, true,
     "Writes @@_OUTPUTS floats per row. Thread-safe. workspace: @@_PREDICT_BYTES, 64-byte aligned, or NULL to have it "
     "allocated for the call."},
    {"sample", "int", "const @ *m, const @_data *data, uint64_t seed, float *out, void *workspace", NULL, true,
     "predict, whose draws follow from the seed, the row's number in data and where they are written: another seed, "
     "other samples."},
    {"set", "int", "@ *m, const char *hyper_parameter, double value", NULL, false, NULL},
    {"set_lr", "int", "@ *m, double lr", NULL, false, "Replaces the schedule until @_clear_lr."},
    {"clear_lr", "int", "@ *m", NULL, false, NULL},
    {"request_stop", "void", "@ *m", NULL, false, "Async-signal-safe; fit ends after the step in flight."},
    {"parameter", "float *", "@ *m, const char *name, const int64_t **shape, int *rank", NULL, false,
     "A parameter of f32 in place, row-major, or NULL. shape and rank may be NULL."},
    {"parameter_data", "void *", "@ *m, const char *name, const int64_t **shape, int *rank", NULL, false,
     "The same of any type: double of f64."},
    {"parameter_name", "const char *", "int index", NULL, false, "NULL past the last."},
    {"refused", "const char *", "const @ *m, const @_data *data, int64_t *row", NULL, false,
     "After a refusal: the field with a label out of range or a value that is not finite, and its row; NULL if there "
     "is none. Fields that are NULL are not looked at. row may be NULL."},
    {"steps", "int64_t", "const @ *m", NULL, false, "Steps done since init, those of a loaded file included."},
    {"strerror", "const char *", "int status", NULL, false, "What a status means."},
    {"set_threads", "int", "@ *m, int threads", "sgdrt_set_threads", false,
     "How many threads calls may use from now on, 0 for as many as the process may; the bits are the same on any "
     "number. They sleep between calls, until this is called with 1, or @_free. What would gain from no other thread, "
     "or not now, runs on the caller's."},
    {"fit", "int", "@ *m, const @_data *train, const @_data *valid, sgdc_callback *callback, void *user", "sgdrt_fit",
     false,
     "Trains as the program says (batch, order, epochs, hold-out, copies). valid may be NULL; the callback, which may "
     "be NULL, gets a report after each epoch and ends the training by returning non-zero."},
    {"evaluate", "int", "const @ *m, const @_data *data, float *results", "sgdrt_evaluate", false,
     "Stores the loss, the metrics that are numbers, then those that are arrays, row-major: @@_FIGURES values."},
    {"save", "int", "const @ *m, const char *path", "sgdrt_save_instance", false,
     "Writes parameters, statistics and the state of training, as safetensors."},
    {"load", "int", "@ *m, const char *path", "sgdrt_load_instance", false,
     "Takes what serves of such a file: with keep = best(...) in the program, what sgdc --save kept."},
    {"resume", "int", "@ *m, const char *path", "sgdrt_resume_instance", false,
     "Takes the last state of such a file, from which fit continues exactly."},
    {"save_memory", "int", "const @ *m, void **bytes, size_t *length", "sgdrt_save_instance_memory", false,
     "What save writes, in memory; @_free_bytes returns it."},
    {"load_memory", "int", "@ *m, const void *bytes, size_t length", "sgdrt_load_instance_memory", false, NULL},
    {"resume_memory", "int", "@ *m, const void *bytes, size_t length", "sgdrt_resume_instance_memory", false, NULL},
    {"free_bytes", "void", "void *bytes", "sgdrt_free_bytes", false, NULL},
    {NULL, NULL, NULL, NULL, false, NULL},
};
const int c_function_count = sizeof c_functions / sizeof *c_functions - 1;
const char c_rows_doc[] = "Rows in dense arrays, one after the other.";

static bool predict_draws(const Run *run) {
    int count;
    Node **nodes = graph_post_order(run->graph->arena, &run->predict, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_RANDOM) return true;
    return false;
}

bool c_function_is_of(const CFunction *function, const Run *run) {
    bool samples = strcmp(function->name, "sample") == 0;
    return (!function->predicts || run->predict != NULL) && (!samples || predict_draws(run));
}

/* ---- parameters ------------------------------------------------------------------------------------ */
static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* The last word is the name. */
static CParameter one_parameter(Arena *arena, const char *text, size_t length) {
    size_t name = length;
    while (name > 0 && is_word(text[name - 1])) name--;
    size_t type = name;
    while (type > 0 && text[type - 1] == ' ') type--;
    return (CParameter){text_format(arena, "%.*s", (int)type, text),
                        text_format(arena, "%.*s", (int)(length - name), text + name)};
}

CParameters c_parameters(Arena *arena, const char *list) {
    CParameters parameters = {0};
    while (*list != 0) {
        size_t length = strcspn(list, ",");
        vector_push(arena, &parameters, one_parameter(arena, list, length));
        list += length;
        list += strspn(list, ", ");
    }
    return parameters;
}

const char *c_column_type(DType dtype) {
    switch (dtype) {
    case DTYPE_U8: return "uint8_t";
    case DTYPE_I32: return "int32_t";
    case DTYPE_BOOL: return "uint8_t";
    case DTYPE_F64: return "double";
    case DTYPE_F32: return "float";
    }
    return "void";
}

int64_t c_column_stride(const Column *column) {
    return shape_size(column->shape) * (int64_t)dtype_bytes(column->dtype);
}

const char *c_rows_parameters(Arena *arena, const DataSet *data, const char *const *members,
                              const char *const *counts) {
    Text text = text_new(arena);
    for (int set = 0; set < data_set_count(data); set++) {
        text_add(&text, "%sint64_t %s", set ? ", " : "", counts[set]);
        for (int i = data_columns_before(data, set); i < data_columns_before(data, set + 1); i++)
            text_add(&text, ", const %s *%s", c_column_type(data->columns[i].dtype), members[i]);
    }
    return text.bytes;
}

/* ---- values ---------------------------------------------------------------------------------------- */
CValue c_value(const char *type) {
    static const struct {
        const char *type;
        CValue value;
    } plain[] = {{"void", C_VOID},    {"int", C_I32},    {"int64_t", C_I64},        {"size_t", C_U64},
                 {"uint64_t", C_U64}, {"double", C_F64}, {"const char *", C_STRING}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(type, plain[i].type) == 0) return plain[i].value;
    if (strchr(type, '*') == NULL) INTERNAL_ERROR("the C API has no values of type %s", type);
    return C_POINTER;
}

const char *c_value_text(CValue value) {
    static const char *const texts[] = {"void", "i32", "i64", "u64", "f64", "string", "pointer"};
    return texts[value];
}
