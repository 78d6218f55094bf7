/* sgdc inspect FILE: what stands in a safetensors file, told from the file alone.
 *
 * In a file that sgdc saved, names say what a tensor is (runtime/saved.h): NAME@last is NAME after the last step where
 * something else serves, STATE@NAME is the optimizer's state of NAME, and DATA.FIELD.mean and .deviation are
 * statistics. Of any other file all tensors are listed alike. Numbers of every type of the format but the 8-bit floats
 * are read; figures are computed in f64 from those that are finite.
 */
#include "driver/commands/commands.h"
#include "driver/training.h"
#include "saved.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum TensorKind {
    TENSOR_SERVES,
    TENSOR_LAST,
    TENSOR_OPTIMIZER,
    TENSOR_STATISTIC,
    TENSOR_KIND_COUNT
} TensorKind;
static const char *const kind_names[TENSOR_KIND_COUNT] = {"parameter", "last", "optimizer", "statistic"};

typedef struct SavedTensor {
    const char *name, *type;
    int rank;
    const int64_t *shape;
    const void *data;
    size_t bytes;
    int64_t count;
    TensorKind kind;
    bool read;              /* the figures below are known */
    double norm, low, high; /* of the finite numbers */
    int64_t nan, infinite;
} SavedTensor;

typedef struct Inspection {
    Arena *arena;
    const sgdrt_checkpoint *file;
    bool ours; /* a training that sgdc saved */
    Vector(SavedTensor) tensors;
} Inspection;

/* ---- numbers of every type ------------------------------------------------------------------------- */
/* A float of 16 bits, with so many of exponent and fraction. */
static double small_float(uint16_t bits, int exponent_bits, int fraction_bits) {
    int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    int fraction = bits & ((1 << fraction_bits) - 1);
    double value = exponent == 2 * bias + 1 ? (fraction ? NAN : INFINITY)
                   : exponent ? ldexp((double)((1 << fraction_bits) + fraction), exponent - bias - fraction_bits)
                              : ldexp((double)fraction, 1 - bias - fraction_bits);
    return bits >> 15 ? -value : value;
}

#define READER(name, Type, value)                                        \
    static double name(const void *data, int64_t i) {                    \
        Type x;                                                          \
        memcpy(&x, (const char *)data + (size_t)i * sizeof x, sizeof x); \
        return value;                                                    \
    }
READER(read_f64, double, x)
READER(read_f32, float, (double)x)
READER(read_f16, uint16_t, small_float(x, 5, 10))
READER(read_bf16, uint16_t, small_float(x, 8, 7))
READER(read_i8, int8_t, (double)x)
READER(read_u8, uint8_t, (double)x)
READER(read_i16, int16_t, (double)x)
READER(read_u16, uint16_t, (double)x)
READER(read_i32, int32_t, (double)x)
READER(read_u32, uint32_t, (double)x)
READER(read_i64, int64_t, (double)x)
READER(read_u64, uint64_t, (double)x)

typedef double NumberReader(const void *data, int64_t i);
static const struct {
    const char *type;
    NumberReader *read;
} readers[] = {
    {"f64", read_f64}, {"f32", read_f32}, {"F16", read_f16}, {"BF16", read_bf16}, {"I8", read_i8},
    {"u8", read_u8},   {"bool", read_u8}, {"I16", read_i16}, {"U16", read_u16},   {"i32", read_i32},
    {"U32", read_u32}, {"I64", read_i64}, {"U64", read_u64},
};

static NumberReader *reader_of(const char *type) {
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(readers[i].type, type) == 0) return readers[i].read;
    return NULL;
}

/* The norm is taken of numbers divided by the largest, whose squares cannot overflow. */
static void measure(SavedTensor *t) {
    NumberReader *read = reader_of(t->type);
    double largest, sum = 0;
    t->read = read != NULL;
    t->low = INFINITY;
    t->high = -INFINITY;
    for (int64_t i = 0; read && i < t->count; i++) {
        double x = read(t->data, i);
        t->nan += isnan(x);
        t->infinite += isinf(x);
        if (!isfinite(x)) continue;
        t->low = fmin(t->low, x);
        t->high = fmax(t->high, x);
    }
    largest = fmax(fabs(t->low), fabs(t->high));
    for (int64_t i = 0; read && i < t->count && largest > 0; i++) {
        double x = read(t->data, i);
        if (isfinite(x)) sum += x / largest * (x / largest);
    }
    t->norm = largest > 0 && isfinite(largest) ? largest * sqrt(sum) : 0;
}

/* ---- what a tensor is ------------------------------------------------------------------------------- */
static bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* DATA.FIELD.mean, .deviation or .median, and TRAIN.shares, in f64. */
static bool is_statistic(const sgdrt_entry *entry) {
    int dots = 0;
    for (const char *c = entry->name; *c; c++) dots += *c == '.';
    return entry->dtype == SGDRT_F64 && dots == 2 &&
           (ends_in(entry->name, ".mean") || ends_in(entry->name, ".deviation") || ends_in(entry->name, ".median") ||
            ends_in(entry->name, ".shares"));
}

static TensorKind kind_of(const Inspection *inspection, const sgdrt_entry *entry) {
    if (!inspection->ours) return TENSOR_SERVES;
    if (ends_in(entry->name, "@last")) return TENSOR_LAST;
    if (strchr(entry->name, '@')) return TENSOR_OPTIMIZER;
    return is_statistic(entry) ? TENSOR_STATISTIC : TENSOR_SERVES;
}

/* An extent of 0 stands beside any others. */
static int64_t numbers_in(const int64_t *shape, int rank) {
    int64_t count = 1;
    for (int a = 0; a < rank; a++)
        if (shape[a] == 0) return 0;
    for (int a = 0; a < rank; a++) count *= shape[a];
    return count;
}

static Inspection inspect(Arena *arena, const sgdrt_checkpoint *file) {
    Inspection inspection = {.arena = arena, .file = file};
    const char *format = sgdrt_find_metadata(file, "format");
    inspection.ours = format && strcmp(format, "sgdc 1") == 0;
    for (int i = 0; i < file->entry_count; i++) {
        const sgdrt_entry *e = &file->entries[i];
        int64_t count = numbers_in(e->shape, e->rank);
        SavedTensor tensor = {e->name,  sgdrt_dtype_text(e->dtype),
                              e->rank,  e->shape,
                              e->data,  (size_t)count * sgdrt_dtype_bytes(e->dtype),
                              count,    kind_of(&inspection, e),
                              .norm = 0};
        vector_push(arena, &inspection.tensors, tensor);
    }
    for (int i = 0; i < file->other_count; i++) {
        const sgdrt_other_entry *e = &file->others[i];
        SavedTensor tensor = {
            e->name,       e->type,  e->rank, e->shape, e->data, e->bytes, numbers_in(e->shape, e->rank),
            TENSOR_SERVES, .norm = 0};
        vector_push(arena, &inspection.tensors, tensor);
    }
    for (int i = 0; i < inspection.tensors.count; i++) measure(&inspection.tensors.items[i]);
    return inspection;
}

/* Names, types, shapes and bytes of what serves: equal for files that predict the same, whatever else they hold. */
static const char *hash_of_served(const Inspection *inspection) {
    Sha256 hash = sha256_new();
    for (int i = 0; i < inspection->tensors.count; i++) {
        const SavedTensor *t = &inspection->tensors.items[i];
        if (t->kind != TENSOR_SERVES && t->kind != TENSOR_STATISTIC) continue;
        Text head = text_new(inspection->arena);
        text_add(&head, "%s %s", t->name, t->type);
        for (int a = 0; a < t->rank; a++) text_add(&head, " %" PRId64, t->shape[a]);
        sha256_add(&hash, head.bytes, head.length + 1);
        sha256_add(&hash, t->data, t->bytes);
    }
    return sha256_text(inspection->arena, hash);
}

/* ---- what the file says of the training --------------------------------------------------------------- */
static bool count_of(const Inspection *inspection, const char *key, uint64_t *count) {
    return sgdrt_read_count(sgdrt_find_metadata(inspection->file, key), UINT64_MAX, count);
}

/* Whole epochs done; older files say rows and batch only. */
static bool epoch_of(const Inspection *inspection, uint64_t *epoch) {
    uint64_t step, rows, batch;
    if (count_of(inspection, "epoch", epoch)) return true;
    if (!count_of(inspection, "step", &step) || !count_of(inspection, "rows", &rows) ||
        !count_of(inspection, "batch", &batch) || !rows || !batch)
        return false;
    *epoch = step / ((rows - 1) / batch + 1);
    return true;
}

/* What the tables below say, or nobody but --load asks for. */
static bool is_told_apart(const char *key) {
    static const char *const keys[] = {"format", "program", "program_sha256", "run",      "seed", "step", "planned",
                                       "epoch",  "rows",    "batch",          "settings", "kept", "sums", "stalled"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

static const char *counted(Arena *arena, int64_t count, const char *word) {
    char text[32];
    return text_format(arena, "%s %s%s", report_count(text, sizeof text, count), word, count == 1 ? "" : "s");
}

/* Large counts of a file, digits as they stand. */
static const char *grouped(Arena *arena, const char *digits) {
    uint64_t count;
    char text[32];
    if (!digits || !sgdrt_read_count(digits, INT64_MAX, &count)) return digits;
    return text_format(arena, "%s", report_count(text, sizeof text, (int64_t)count));
}

/* A record of the file is a list of NAME=NUMBER with blanks between (driver/record.c): the next one of it, or false. */
typedef struct RecordItem {
    const char *name, *value;
} RecordItem;

static bool next_item(Arena *arena, const char **record, RecordItem *item) {
    if (!*record) return false;
    *record += strspn(*record, " ");
    size_t length = strcspn(*record, " "), name = strcspn(*record, "= ");
    if (!length) return false;
    item->name = text_format(arena, "%.*s", (int)name, *record);
    item->value = name < length ? text_format(arena, "%.*s", (int)(length - name - 1), *record + name + 1) : "";
    *record += length;
    return true;
}

static bool item_number(const RecordItem *item, double *number) {
    char *end;
    *number = strtod(item->value, &end);
    return *item->value && !*end;
}

/* "epoch 2, step 12: lowest valid.loss 0.000686882": the figure it is kept by is the first. */
static const char *kept_text(Arena *arena, const char *record) {
    const char *epoch = "?", *step = "?", *by = NULL;
    char figure[64];
    double number;
    for (RecordItem item; next_item(arena, &record, &item);) {
        size_t direction = strcspn(item.name, ".");
        if (strcmp(item.name, "epoch") == 0) epoch = grouped(arena, item.value);
        if (strcmp(item.name, "step") == 0) step = grouped(arena, item.value);
        if (!by && item.name[direction] && item_number(&item, &number))
            by = text_format(arena, "%.*s %s %s", (int)direction, item.name, item.name + direction + 1,
                             report_figure(figure, sizeof figure, number, true));
    }
    return by ? text_format(arena, "epoch %s, step %s: %s", epoch, step, by) : NULL;
}

/* ---- as text ------------------------------------------------------------------------------------------- */
static void print_line(FILE *to, Arena *arena, const char *key, const char *value) {
    if (value) fprintf(to, "  %-10s %s\n", text_shown(arena, key), text_shown(arena, value));
}

static const char *size_text(Arena *arena, size_t bytes) {
    if (bytes < 10000) return text_format(arena, "%zu bytes", bytes);
    return bytes < 10000000 ? text_format(arena, "%zu KB", (bytes + 1023) / 1024)
                            : text_format(arena, "%zu MB", (bytes + (1 << 20) - 1) >> 20);
}

static void print_training(const Inspection *inspection, FILE *to) {
    Arena *arena = inspection->arena;
    const sgdrt_checkpoint *file = inspection->file;
    uint64_t epoch;
    const char *step = grouped(arena, sgdrt_find_metadata(file, "step")),
               *planned = grouped(arena, sgdrt_find_metadata(file, "planned")),
               *rows = grouped(arena, sgdrt_find_metadata(file, "rows")),
               *batch = grouped(arena, sgdrt_find_metadata(file, "batch")),
               *source = sgdrt_find_metadata(file, "program_sha256");
    print_line(to, arena, "program", sgdrt_find_metadata(file, "program"));
    print_line(to, arena, "", source ? text_format(arena, "sha256 %s", source) : NULL);
    print_line(to, arena, "run", sgdrt_find_metadata(file, "run"));
    print_line(to, arena, "seed", sgdrt_find_metadata(file, "seed"));
    if (step) print_line(to, arena, "step", text_format(arena, planned ? "%s of %s" : "%s", step, planned));
    if (epoch_of(inspection, &epoch)) print_line(to, arena, "epoch", text_format(arena, "%" PRIu64, epoch));
    if (rows) print_line(to, arena, "rows", text_format(arena, batch ? "%s, %s a step" : "%s", rows, batch));
    print_line(to, arena, "settings", sgdrt_find_metadata(file, "settings"));
    print_line(to, arena, "kept", kept_text(arena, sgdrt_find_metadata(file, "kept")));
}

static void print_head(const Inspection *inspection, const char *hash, FILE *to) {
    Arena *arena = inspection->arena;
    const sgdrt_checkpoint *file = inspection->file;
    const char *format = sgdrt_find_metadata(file, "format");
    fprintf(to, "%s: %s, %s\n", text_shown(arena, file->path),
            inspection->ours ? "a training saved by sgdc"
            : format && strncmp(format, "sgdc ", 5) == 0
                ? text_shown(arena, text_format(arena, "a file of sgdc (%s)", format))
                : "a safetensors file of another program",
            size_text(arena, file->bytes));
    if (inspection->ours) print_training(inspection, to);
    for (int i = 0; i < file->metadata_count; i++)
        if (!inspection->ours || !is_told_apart(file->metadata[i].key))
            print_line(to, arena, file->metadata[i].key, file->metadata[i].value);
    print_line(to, arena, "sha256", text_format(arena, "%s of the file", hash));
    print_line(to, arena, "", text_format(arena, "%s of what serves", hash_of_served(inspection)));
}

static const char *shape_of(Arena *arena, const SavedTensor *t) {
    Text text = text_new(arena);
    text_add(&text, "%s", t->type);
    for (int a = 0; a < t->rank; a++) text_add(&text, "%s%" PRId64, a ? ", " : "[", t->shape[a]);
    if (t->rank) text_add(&text, "]");
    return text.bytes;
}

static const char *figure_text(Arena *arena, const SavedTensor *t, double figure) {
    char text[64];
    bool known = t->read && t->count > t->nan + t->infinite;
    return text_format(arena, "%s", report_figure(text, sizeof text, figure, known));
}

/* "3 nan, 1 infinite" */
static const char *wrong_text(Arena *arena, const SavedTensor *t) {
    Text text = text_new(arena);
    if (t->nan) text_add(&text, "%" PRId64 " nan", t->nan);
    if (t->infinite) text_add(&text, "%s%" PRId64 " infinite", t->nan ? ", " : "", t->infinite);
    if (!t->read) text_add(&text, "its numbers are not read");
    return text.bytes;
}

static int display_width(const char *text) {
    int width = 0;
    for (; *text; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

static void print_kind(const Inspection *inspection, TensorKind kind, const char *heading, FILE *to) {
    Arena *arena = inspection->arena;
    int name_width = 12, shape_width = 8, tensors = 0;
    int64_t numbers = 0;
    for (int i = 0; i < inspection->tensors.count; i++) {
        const SavedTensor *t = &inspection->tensors.items[i];
        if (t->kind != kind) continue;
        int name = display_width(text_shown(arena, t->name)), shape = display_width(shape_of(arena, t));
        name_width = name > name_width ? name : name_width;
        shape_width = shape > shape_width ? shape : shape_width;
        numbers += t->count;
        tensors++;
    }
    if (!tensors) return;
    fprintf(to, "\n%s: %s in %s\n", heading, counted(arena, numbers, "number"), counted(arena, tensors, "tensor"));
    fprintf(to, "  %-*s  %-*s  %12s  %12s  %12s\n", name_width, "", shape_width, "", "norm", "min", "max");
    for (int i = 0; i < inspection->tensors.count; i++) {
        const SavedTensor *t = &inspection->tensors.items[i];
        if (t->kind != kind) continue;
        const char *name = text_shown(arena, t->name), *wrong = wrong_text(arena, t);
        fprintf(to, "  %s%*s  %-*s  %12s  %12s  %12s%s%s\n", name, name_width - display_width(name), "", shape_width,
                shape_of(arena, t), figure_text(arena, t, t->norm), figure_text(arena, t, t->low),
                figure_text(arena, t, t->high), *wrong ? "  " : "", wrong);
    }
}

static void print_text(const Inspection *inspection, const char *hash, FILE *to) {
    const char *kept = sgdrt_find_metadata(inspection->file, "kept");
    print_head(inspection, hash, to);
    if (!inspection->tensors.count) fprintf(to, "\nno tensors\n");
    print_kind(inspection, TENSOR_SERVES,
               !inspection->ours ? "tensors"
               : kept && *kept   ? "parameters, as keep has kept them"
                                 : "parameters",
               to);
    print_kind(inspection, TENSOR_LAST, "the same after the last step, for --load", to);
    print_kind(inspection, TENSOR_OPTIMIZER, "optimizer state", to);
    print_kind(inspection, TENSOR_STATISTIC, "statistics of the data", to);
}

/* ---- as JSON ------------------------------------------------------------------------------------------- */
static void add_key(Text *json, const char *key) {
    if (json->bytes[json->length - 1] != '{') text_add(json, ", ");
    text_add_json(json, key);
    text_add(json, ": ");
}

static void add_text(Text *json, const char *key, const char *value) {
    add_key(json, key);
    if (value)
        text_add_json(json, value);
    else
        text_add(json, "null");
}

static void add_number(Text *json, const char *key, bool known, double value) {
    add_key(json, key);
    if (known && isfinite(value))
        text_add(json, "%s", text_number(json->arena, value, false));
    else
        text_add(json, "null");
}

static void add_count(Text *json, const char *key, bool known, uint64_t count) {
    add_key(json, key);
    if (known)
        text_add(json, "%" PRIu64, count);
    else
        text_add(json, "null");
}

/* An object of numbers. */
static void add_record(Arena *arena, Text *json, const char *key, const char *record) {
    double number;
    add_key(json, key);
    text_add(json, record ? "{" : "null");
    for (RecordItem item; next_item(arena, &record, &item);) {
        bool known = item_number(&item, &number);
        add_number(json, item.name, known, number);
    }
    if (record) text_add(json, "}");
}

static void add_tensor(Text *json, const SavedTensor *t, const char *kind) {
    bool known = t->read && t->count > t->nan + t->infinite;
    text_add(json, "{");
    add_text(json, "name", t->name);
    add_text(json, "kind", kind);
    add_text(json, "type", t->type);
    add_key(json, "shape");
    text_add(json, "[");
    for (int a = 0; a < t->rank; a++) text_add(json, "%s%" PRId64, a ? ", " : "", t->shape[a]);
    text_add(json, "]");
    add_count(json, "count", true, (uint64_t)t->count);
    add_number(json, "norm", known, t->norm);
    add_number(json, "min", known, t->low);
    add_number(json, "max", known, t->high);
    add_count(json, "nan", t->read, (uint64_t)t->nan);
    add_count(json, "infinite", t->read, (uint64_t)t->infinite);
    text_add(json, "}");
}

static void print_json(const Inspection *inspection, const char *hash, FILE *to) {
    static const char *const texts[] = {"program", "program_sha256", "run"};
    static const char *const counts[] = {"seed", "step", "planned", "rows", "batch"};
    const sgdrt_checkpoint *file = inspection->file;
    Text json = text_new(inspection->arena);
    uint64_t count = 0;
    text_add(&json, "{");
    add_text(&json, "file", file->path);
    add_count(&json, "bytes", true, file->bytes);
    add_text(&json, "sha256", hash);
    add_text(&json, "serves_sha256", hash_of_served(inspection));
    for (size_t i = 0; inspection->ours && i < sizeof texts / sizeof *texts; i++)
        add_text(&json, texts[i], sgdrt_find_metadata(file, texts[i]));
    for (size_t i = 0; inspection->ours && i < sizeof counts / sizeof *counts; i++) {
        bool known = count_of(inspection, counts[i], &count);
        add_count(&json, counts[i], known, count);
    }
    if (inspection->ours) {
        bool known = epoch_of(inspection, &count);
        add_count(&json, "epoch", known, count);
        add_record(inspection->arena, &json, "settings", sgdrt_find_metadata(file, "settings"));
        add_record(inspection->arena, &json, "kept", sgdrt_find_metadata(file, "kept"));
    }
    add_key(&json, "metadata");
    text_add(&json, "{");
    for (int i = 0; i < file->metadata_count; i++) add_text(&json, file->metadata[i].key, file->metadata[i].value);
    text_add(&json, "}");
    add_key(&json, "tensors");
    text_add(&json, "[");
    for (int i = 0; i < inspection->tensors.count; i++) {
        const SavedTensor *t = &inspection->tensors.items[i];
        text_add(&json, "%s", i ? ", " : "");
        add_tensor(&json, t, inspection->ours ? kind_names[t->kind] : "tensor");
    }
    text_add(&json, "]}\n");
    fputs(json.bytes, to);
}

static ExitCode run_inspect(Driver *driver) {
    const char *path = driver->options->file, *hash = "";
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file = NULL;
    if (sgdrt_load_file(path, &file, &problem)) {
        report_problem(driver, &problem, (Span){0, 0}, NULL);
        return EXIT_DATA;
    }
    bool hashed = sha256_file(driver->arena, path, &hash);
    if (hashed) {
        Inspection inspection = inspect(driver->arena, file);
        if (driver->options->json)
            print_json(&inspection, hash, driver->result);
        else
            print_text(&inspection, hash, driver->result);
    } else {
        report_file(driver->diagnostics, CODE_E0401, path, 0, 0, "it can no longer be read");
    }
    sgdrt_free_checkpoint(file);
    return hashed ? EXIT_DONE : EXIT_DATA;
}

static const OptionRow rows[] = {
    {"json", 0, OPTION_FLAG, OPTION_AT(json), NULL, NULL, "print one JSON object"},
    {0},
};
const Command command_inspect = {
    {.command = "inspect",
     .arguments = "FILE.safetensors [--json]",
     .file = "saved file",
     .summary = "what is in a saved file: parameters, optimizer state, step, seed, hashes",
     .rows = rows,
     .shared = SHARED_BY_ALL},
    run_inspect,
};
