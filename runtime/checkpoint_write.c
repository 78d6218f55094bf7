/* checkpoint_write: safetensors files, written whole or not at all (write_file.h).
 *
 * The bytes are made in memory, with NaN brought to one bit pattern.
 * Tensors with wider elements come first, so that each lies aligned; the header is padded with blanks to 64
 * bytes. The same entries give the same bytes.
 */
#include "checkpoint.h"
#include "float_control.h"
#include "problem.h"
#include "write_file.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static bool entry_bytes(const sgdrt_entry *entry, size_t *bytes) {
    int64_t items = 1;
    for (int a = 0; a < entry->rank; a++)
        if (entry->shape[a] < 0 || __builtin_mul_overflow(items, entry->shape[a], &items)) return false;
    return !__builtin_mul_overflow((size_t)items, sgdrt_dtype_bytes(entry->dtype), bytes);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(const sgdrt_entry *entries, int count, sgdrt_problem *problem) {
    const char **names = malloc(sizeof *names * (size_t)(count ? count : 1));
    if (!names) return sgdrt_problem_memory(problem, NULL, sizeof *names * (size_t)count);
    for (int i = 0; i < count; i++) names[i] = entries[i].name;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    int code = 0;
    for (int i = 1; i < count && !code; i++)
        if (!strcmp(names[i - 1], names[i]))
            code = sgdrt_problem_set(problem, PROBLEM_WRITE, NULL, 0, 0, "two tensors are named \"%.100s\"", names[i]);
    free(names);
    return code;
}

/* The entries by falling width of their elements, else in the caller's order; NULL without memory. */
static const sgdrt_entry **by_width(const sgdrt_entry *entries, int count) {
    const sgdrt_entry **order = malloc(sizeof *order * (size_t)(count ? count : 1));
    int next = 0;
    for (size_t width = 8; order && width; width /= 2)
        for (int i = 0; i < count; i++)
            if (sgdrt_dtype_bytes(entries[i].dtype) == width) order[next++] = &entries[i];
    return order;
}

static bool add_entry(cJSON *header, const sgdrt_entry *entry, size_t begin, size_t end) {
    cJSON *item = cJSON_AddObjectToObject(header, entry->name);
    const char *type = "";
    for (int t = 0; t < CHECKPOINT_TYPES; t++)
        if (checkpoint_types[t].dtype == (int)entry->dtype) type = checkpoint_types[t].name;
    bool fine = item && cJSON_AddStringToObject(item, "dtype", type);
    cJSON *shape = fine ? cJSON_AddArrayToObject(item, "shape") : NULL;
    for (int a = 0; shape && a < entry->rank; a++)
        fine &= cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)entry->shape[a]));
    cJSON *offsets = shape ? cJSON_AddArrayToObject(item, "data_offsets") : NULL;
    return offsets && fine && cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)begin)) &&
           cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)end));
}

/* The header as text (free() it), and the bytes of all tensors. NULL without memory or with an impossible
 * shape. */
static char *header_text(const sgdrt_entry *const *order, int count, const sgdrt_metadata *metadata, int metadata_count,
                         size_t *data_bytes) {
    cJSON *header = cJSON_CreateObject();
    bool fine = header != NULL;
    if (metadata_count) {
        cJSON *about = cJSON_AddObjectToObject(header, "__metadata__");
        for (int i = 0; i < metadata_count && fine; i++)
            fine = about && cJSON_AddStringToObject(about, metadata[i].key, metadata[i].value);
    }
    size_t at = 0, bytes = 0;
    for (int i = 0; i < count && fine; i++) {
        fine = entry_bytes(order[i], &bytes) && bytes <= (size_t)INT64_MAX - at &&
               add_entry(header, order[i], at, at + bytes);
        at += bytes;
    }
    char *text = fine ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    *data_bytes = at;
    return text;
}

static void copy_data(unsigned char *to, const sgdrt_entry *entry, size_t bytes) {
    if (!bytes) return;
    memcpy(to, entry->data, bytes);
    for (size_t i = 0; entry->dtype == SGDRT_F32 && i < bytes; i += 4) {
        uint32_t bits;
        memcpy(&bits, to + i, 4);
        if ((bits & 0x7FFFFFFF) > 0x7F800000) memcpy(to + i, &(uint32_t){0x7FC00000}, 4);
    }
    for (size_t i = 0; entry->dtype == SGDRT_F64 && i < bytes; i += 8) {
        uint64_t bits;
        memcpy(&bits, to + i, 8);
        if ((bits & 0x7FFFFFFFFFFFFFFF) > 0x7FF0000000000000) memcpy(to + i, &(uint64_t){0x7FF8000000000000}, 8);
    }
}

int sgdrt_save_memory(void **result, size_t *length, const sgdrt_entry *entries, int entry_count,
                      const sgdrt_metadata *metadata, int metadata_count, sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    int code = check_names(entries, entry_count, problem);
    if (code) return code;
    size_t data_bytes = 0;
    const sgdrt_entry **order = by_width(entries, entry_count);
    char *text = order ? header_text(order, entry_count, metadata, metadata_count, &data_bytes) : NULL;
    size_t text_bytes = text ? strlen(text) : 0;
    size_t begin = (CHECKPOINT_LENGTH_BYTES + text_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    unsigned char *bytes = text ? malloc(begin + data_bytes) : NULL;
    if (bytes) {
        uint64_t header_bytes = begin - CHECKPOINT_LENGTH_BYTES;
        memcpy(bytes, &header_bytes, sizeof header_bytes);
        memcpy(bytes + CHECKPOINT_LENGTH_BYTES, text, text_bytes);
        memset(bytes + CHECKPOINT_LENGTH_BYTES + text_bytes, ' ', header_bytes - text_bytes);
        unsigned char *to = bytes + begin;
        for (int i = 0; i < entry_count; i++) {
            size_t part = 0;
            entry_bytes(order[i], &part);
            copy_data(to, order[i], part);
            to += part;
        }
        *result = bytes;
        *length = begin + data_bytes;
    } else {
        code = sgdrt_problem_memory(problem, NULL, begin + data_bytes);
    }
    cJSON_free(text);
    free(order);
    return code;
}

int sgdrt_save(const char *path, const sgdrt_entry *entries, int entry_count, const sgdrt_metadata *metadata,
               int metadata_count, sgdrt_problem *problem) {
    void *bytes = NULL;
    size_t length = 0;
    sgdrt_output output;
    int code = sgdrt_save_memory(&bytes, &length, entries, entry_count, metadata, metadata_count, problem);
    if (!code) code = sgdrt_output_open(&output, path, problem);
    if (!code) code = sgdrt_output_write(&output, bytes, length, problem);
    if (!code) code = sgdrt_output_finish(&output, problem);
    free(bytes);
    return code;
}
