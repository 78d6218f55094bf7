/* header: the C header that belongs to an emitted object.
 *
 * One section per train block, all of the same form (docs: interfaces): sizes as macros, the opaque type, the data
 * struct with one member per stored column, and the functions. What needs libsgdrt (fit, evaluate, save, load) is
 * a static inline call, so the object itself depends on nothing: an application that only steps and predicts
 * links no library. The text depends on the program alone: no paths, no times.
 */
#include "codegen/header.h"
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

static char *upper(Arena *arena, const char *name) {
    char *copy = arena_copy(arena, name, strlen(name) + 1);
    for (char *c = copy; *c; c++) *c = (char)toupper((unsigned char)*c);
    return copy;
}

/* C up to C23, C++ up to C++20, their alternative spellings of operators, and what the usual dialects predefine. */
static const char keywords[] =
    " _Alignas _Alignof _Atomic _BitInt _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local "
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class "
    "compl concept const const_cast consteval constexpr constinit continue co_await co_return co_yield decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int linux long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct "
    "switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unix "
    "unsigned using virtual void volatile wchar_t while xor xor_eq ";
/* What the header itself uses where members' names are parameters. */
static const char taken[] = " rows data NULL int32_t int64_t uint8_t uint64_t size_t ";

static bool is_listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at++)
        if (length && at > list && at[-1] == ' ' && at[length] == ' ') return true;
    return false;
}

bool header_is_keyword(const char *name) { return is_listed(keywords, name); }

char *header_identifier(Arena *arena, const char *name) {
    size_t length = strlen(name);
    char *id = arena_alloc(arena, length + 3);
    char *to = id;
    if (!length || isdigit((unsigned char)name[0])) *to++ = '_';
    for (size_t i = 0; i < length; i++) *to++ = isalnum((unsigned char)name[i]) ? name[i] : '_';
    if (header_is_keyword(id)) *to++ = '_';
    return id;
}

static void add_shape(Text *to, Shape shape) {
    for (int a = 0; a < shape.rank; a++) text_add(to, "%s%lld", a ? ", " : "", (long long)shape.extent[a]);
}

/* The field a column is known by: the first that is exactly it or reads nothing else. */
const Field *header_field_of_column(const DataSet *data, int column) {
    for (int f = 0; f < data->field_count; f++)
        if (data->fields[f].column == column) return &data->fields[f];
    for (int f = 0; f < data->field_count; f++) {
        Node *root = data->fields[f].value;
        Arena *scratch = arena_new();
        int count, matches = 0, others = 0;
        Node **nodes = graph_post_order(scratch, &root, 1, &count);
        for (int i = 0; i < count; i++)
            if (nodes[i]->op == OP_COLUMN) *(nodes[i]->attr.index == column ? &matches : &others) += 1;
        arena_free(scratch);
        if (matches && !others) return &data->fields[f];
    }
    return NULL;
}

/* A name that is taken, by the header or an earlier column, gets as many `_` as it takes. */
const char *header_member_name(Arena *arena, const DataSet *data, int column) {
    const char **names = arena_array(arena, const char *, column + 1);
    for (int i = 0; i <= column; i++) {
        const Field *field = header_field_of_column(data, i);
        const char *name = header_identifier(arena, field ? field->name : data->columns[i].name);
        bool is_taken = is_listed(taken, name);
        for (int k = 0; k < i || is_taken; k++) {
            if (!is_taken && strcmp(names[k], name) != 0) continue;
            name = text_format(arena, "%s_", name);
            is_taken = false;
            k = -1;
        }
        names[i] = name;
    }
    return names[column];
}

static void add_members(Text *to, const Run *run, const bool *predicts) {
    const DataSet *data = run->data;
    for (int i = 0; i < data->column_count; i++) {
        const Column *column = &data->columns[i];
        const Field *field = header_field_of_column(data, i);
        text_add(to, "    struct { const %s *data; int64_t stride; } %s;   /* ", column_type(column->dtype),
                 header_member_name(to->arena, data, i));
        if (column->shape.rank) {
            text_add(to, "[");
            add_shape(to, column->shape);
            text_add(to, "]");
        } else {
            text_add(to, "one value");
        }
        text_add(to, " a row");
        if (column->classes) text_add(to, ", labels 0 .. %lld", (long long)column->classes - 1);
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
static void add_rows_helper(Text *to, const Run *run, const char *p) {
    const DataSet *data = run->data;
    text_add(to, "/* Rows in dense arrays, one after the other. */\nstatic inline %s_data %s_rows(int64_t rows", p, p);
    for (int i = 0; i < data->column_count; i++)
        text_add(to, ", const %s *%s", column_type(data->columns[i].dtype),
                 header_member_name(to->arena, data, i));
    text_add(to, ") {\n    struct %s_data data;\n    data.rows = rows;\n", p);
    for (int i = 0; i < data->column_count; i++) {
        const char *name = header_member_name(to->arena, data, i);
        text_add(to, "    data.%s.data = %s;\n    data.%s.stride = %lld;\n", name, name, name,
                 (long long)(shape_size(data->columns[i].shape) * (int64_t)dtype_bytes(data->columns[i].dtype)));
    }
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

static void add_figures(Text *to, const Run *run, const char *P) {
    text_add(to, "#define %s_FIGURES %d   /* values evaluate writes: loss", P, 1 + run->measure_count);
    for (int i = 0; i < run->measure_count; i++) text_add(to, ", %s", run->measures[i].name);
    text_add(to, " */\n");
}

static void add_block(Text *to, const HeaderBlock *block) {
    const Run *run = block->run;
    const char *p = block->prefix, *P = upper(to->arena, p);
    text_add(to, "/* ---- %s: train %s */\n", p, run->block);
    text_add(to, "#define %s_TRAIN_BYTES(threads) ((size_t)%zu + (size_t)((threads) > 1 ? (threads) - 1 : 0) * %zu)\n",
             P, block->train_bytes, block->thread_bytes);
    text_add(to, "#define %s_PREDICT_BYTES ((size_t)%zu)\n", P, block->predict_bytes);
    text_add(to, "#define %s_BATCH %lld   /* rows of a mini-batch; 0: all */\n", P, (long long)run->batch);
    text_add(to, "#define %s_PARAMETERS %lld\n", P, (long long)parameter_count(run));
    if (run->predict) {
        text_add(to, "#define %s_OUTPUTS %lld   /* values predict writes per row: %s%s[", P,
                 (long long)shape_size(run->predict->shape), run->predict_name ? run->predict_name : "",
                 run->predict_name ? " " : "");
        add_shape(to, run->predict->shape);
        text_add(to, "] */\n");
    }
    add_figures(to, run, P);
    text_add(to, "\ntypedef struct %s %s;   /* opaque; any number may live at once */\n", p, p);
    text_add(to, "/* Rows: row r of a member begins `stride` bytes after row r - 1 and is dense, row-major. A name\n"
                 "   that C or C++ does not allow, or that is taken, has a _ behind it. */\n");
    text_add(to, "typedef struct %s_data {\n    int64_t rows;\n", p);
    add_members(to, run, block->predicts);
    text_add(to, "} %s_data;\n", p);
    add_rows_helper(to, run, p);
    add_parameters(to, run);
    text_add(to,
             "/* Every function returns 0, or a status that %s_strerror names. The caller's memory: 64-byte aligned,\n"
             "   %s_TRAIN_BYTES(1) of it. options may be NULL. */\n"
             "int  %s_init(%s **out, void *memory, size_t bytes, const sgdc_options *options);\n"
             "int  %s_new(%s **out, const sgdc_options *options);   /* memory from aligned_alloc; %s_free returns it */\n"
             "void %s_free(%s *m);\n",
             p, P, p, p, p, p, p, p, p);
    text_add(to,
             "/* One step on all rows of data as one mini-batch. *loss: their mean before the step; may be NULL. */\n"
             "int  %s_step(%s *m, const %s_data *data, float *loss);\n",
             p, p, p);
    if (run->predict)
        text_add(to,
                 "/* Writes %s_OUTPUTS floats per row. Thread-safe. workspace: %s_PREDICT_BYTES, 64-byte aligned, or\n"
                 "   NULL to have it allocated for the call. */\n"
                 "int  %s_predict(const %s *m, const %s_data *data, float *out, void *workspace);\n",
                 P, P, p, p, p);
    text_add(to,
             "int  %s_set(%s *m, const char *hyper_parameter, double value);\n"
             "int  %s_set_lr(%s *m, double lr);   /* replaces the schedule until %s_clear_lr */\n"
             "int  %s_clear_lr(%s *m);\n"
             "void %s_request_stop(%s *m);       /* async-signal-safe; fit ends after the step in flight */\n"
             "/* A parameter in place, or NULL. shape and rank may be NULL. */\n"
             "float *%s_parameter(%s *m, const char *name, const int64_t **shape, int *rank);\n"
             "const char *%s_parameter_name(int index);   /* NULL past the last */\n"
             "/* After a refusal: the field with a label out of range or a value that is not finite, and its row; NULL if\n"
             "   there is none. Fields that are NULL are not looked at. row may be NULL. */\n"
             "const char *%s_refused(const %s *m, const %s_data *data, int64_t *row);\n"
             "const char *%s_strerror(int status);\n",
             p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p);
    text_add(to,
             "/* These need libsgdrt. set_threads: how many threads fit and its evaluations use, 0 for as many as the process\n"
             "   may; the bits are the same on any number. fit starts them and ends them; what memory they need it has\n"
             "   allocated unless init was given enough. A step too small to gain from threads runs on the caller's. */\n"
             "static inline int %s_set_threads(%s *m, int threads) { return sgdrt_set_threads(m, threads); }\n"
             "/* fit trains as the program says (batch, order, epochs, hold-out); valid may be\n"
             "   NULL; the callback gets a report after each epoch and ends the training by returning non-zero.\n"
             "   evaluate stores the loss, then the metrics in their order: %s_FIGURES of them. */\n"
             "static inline int %s_fit(%s *m, const %s_data *train, const %s_data *valid, sgdc_callback *callback, "
             "void *user) {\n    return sgdrt_fit(m, train, valid, callback, user);\n}\n"
             "static inline int %s_evaluate(const %s *m, const %s_data *data, float *results) {\n"
             "    return sgdrt_evaluate(m, data, results);\n}\n"
             "static inline int %s_save(const %s *m, const char *path) { return sgdrt_save_instance(m, path); }\n"
             "/* load takes what serves; resume the last state, from which fit continues exactly. Of a training with keep =\n"
             "   best(...), sgdc --save wrote both; else they are the same. */\n"
             "static inline int %s_load(%s *m, const char *path) { return sgdrt_load_instance(m, path); }\n"
             "static inline int %s_resume(%s *m, const char *path) { return sgdrt_resume_instance(m, path); }\n\n",
             p, p, P, p, p, p, p, p, p, p, p, p, p, p, p, p);
}

void header_write(Text *to, const char *source, const char *id, const HeaderBlock *blocks, int count) {
    const char *guard = upper(to->arena, id);
    text_add(to, "/* Written by sgdc from ");
    text_add_c_comment(to, source);
    text_add(to, ". Do not edit. */\n");
    text_add(to, "#ifndef SGDC_%s_H\n#define SGDC_%s_H\n#include <stddef.h>\n#include <stdint.h>\n\n", guard, guard);
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
