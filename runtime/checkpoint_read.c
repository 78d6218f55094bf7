/* checkpoint_read: safetensors files, believed only after everything in them has been checked.
 *
 * Checked: the header's length against the file's, the JSON, every type, shape and pair of offsets against
 * each other, that no name comes twice, and that the tensors fill the rest of the file without holes or
 * overlaps. Types that sgdrt does not have (F16, I64, ...) may be in a file; they are not among the entries but
 * among the others, and asking for one says what it is.
 */
#include "checkpoint.h"
#include "float_control.h"
#include "problem.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tensor of the header, of any type. */
typedef struct Tensor {
    const char *name; /* in the JSON tree */
    const CheckpointType *type;
    int rank;
    int64_t *shape;
    uint64_t begin, end;
} Tensor;

struct sgdrt_checkpoint_private {
    void *bytes;   /* of a file; NULL: the caller's memory */
    cJSON *header; /* names and metadata point into it */
    Tensor *tensors;
    int tensor_count; /* in the order of their bytes */
    int64_t *shapes;
};

static int damaged(const sgdrt_checkpoint *c, sgdrt_problem *problem, const char *what) {
    return sgdrt_problem_set(problem, PROBLEM_SAVED_FILE, c->path, 0, 0,
                             "the file is no well-formed safetensors file: %s", what);
}

static int damaged_tensor(const sgdrt_checkpoint *c, sgdrt_problem *problem, const char *name, const char *what) {
    char shown[96];
    sgdrt_excerpt(shown, sizeof shown, name, strlen(name), 80);
    return sgdrt_problem_set(problem, PROBLEM_SAVED_FILE, c->path, 0, 0,
                             "the file is no well-formed safetensors file: tensor \"%s\" %s", shown, what);
}

/* A whole number of JSON that a double holds exactly. */
static bool whole_number(const cJSON *item, uint64_t *value) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53)) return false;
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static int read_shape(const sgdrt_checkpoint *c, Tensor *tensor, const cJSON *shape, int64_t **next,
                      sgdrt_problem *problem) {
    uint64_t bytes = (uint64_t)tensor->type->bytes, extent;
    tensor->shape = *next;
    const cJSON *item;
    cJSON_ArrayForEach(item, shape) {
        if (tensor->rank == CHECKPOINT_MOST_RANK) return damaged_tensor(c, problem, tensor->name, "has too many axes");
        if (!whole_number(item, &extent))
            return damaged_tensor(c, problem, tensor->name, "has an extent that is no whole number");
        tensor->shape[tensor->rank++] = (int64_t)extent;
    }
    bool empty = false, too_large = false;
    for (int a = 0; a < tensor->rank; a++) empty |= tensor->shape[a] == 0;
    for (int a = 0; a < tensor->rank && !empty; a++)
        too_large |= __builtin_mul_overflow(bytes, (uint64_t)tensor->shape[a], &bytes);
    if (too_large || tensor->end - tensor->begin != (empty ? 0 : bytes))
        return damaged_tensor(c, problem, tensor->name, "has another shape than its bytes");
    *next += tensor->rank;
    return 0;
}

static int read_tensor(const sgdrt_checkpoint *c, Tensor *tensor, const cJSON *item, uint64_t data_bytes,
                       int64_t **next, sgdrt_problem *problem) {
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    tensor->name = item->string;
    if (!cJSON_IsObject(item) || !cJSON_IsString(type) || !cJSON_IsArray(shape) || !cJSON_IsArray(offsets))
        return damaged_tensor(c, problem, tensor->name, "lacks its dtype, shape or data_offsets");
    for (int t = 0; t < CHECKPOINT_TYPES; t++)
        if (!strcmp(type->valuestring, checkpoint_types[t].name)) tensor->type = &checkpoint_types[t];
    if (!tensor->type) return damaged_tensor(c, problem, tensor->name, "has a type that is not in the format");
    const cJSON *begin = offsets->child, *end = begin ? begin->next : NULL;
    if (!end || end->next || !whole_number(begin, &tensor->begin) || !whole_number(end, &tensor->end) ||
        tensor->begin > tensor->end || tensor->end > data_bytes)
        return damaged_tensor(c, problem, tensor->name, "has offsets outside the file");
    return read_shape(c, tensor, shape, next, problem);
}

static int compare_offsets(const void *a, const void *b) {
    const Tensor *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int compare_tensor_names(const void *a, const void *b) {
    return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

static int check_layout(sgdrt_checkpoint *c, uint64_t data_bytes, sgdrt_problem *problem) {
    struct sgdrt_checkpoint_private *own = c->own;
    qsort(own->tensors, (size_t)own->tensor_count, sizeof *own->tensors, compare_tensor_names);
    for (int i = 1; i < own->tensor_count; i++)
        if (!strcmp(own->tensors[i - 1].name, own->tensors[i].name))
            return damaged_tensor(c, problem, own->tensors[i].name, "comes twice");
    qsort(own->tensors, (size_t)own->tensor_count, sizeof *own->tensors, compare_offsets);
    uint64_t at = 0;
    for (int i = 0; i < own->tensor_count; i++) {
        if (own->tensors[i].begin != at)
            return damaged_tensor(c, problem, own->tensors[i].name,
                                  own->tensors[i].begin < at ? "overlaps another" : "leaves a hole before it");
        at = own->tensors[i].end;
    }
    return at == data_bytes ? 0 : damaged(c, problem, "bytes follow the last tensor");
}

static int read_metadata(sgdrt_checkpoint *c, const cJSON *about, sgdrt_problem *problem) {
    if (!cJSON_IsObject(about)) return damaged(c, problem, "__metadata__ is not an object");
    const cJSON *item;
    int count = 0;
    cJSON_ArrayForEach(item, about) {
        if (!cJSON_IsString(item)) return damaged(c, problem, "__metadata__ holds something other than strings");
        count++;
    }
    sgdrt_metadata *metadata = calloc((size_t)count + 1, sizeof *metadata);
    if (!metadata) return sgdrt_problem_memory(problem, c->path, sizeof *metadata * (size_t)count);
    free(c->metadata);
    c->metadata = metadata;
    c->metadata_count = 0;
    cJSON_ArrayForEach(item, about) metadata[c->metadata_count++] = (sgdrt_metadata){item->string, item->valuestring};
    return 0;
}

/* How many tensors and extents the header has, at most: memory is taken once. */
static void count_header(const cJSON *header, int *tensors, size_t *extents) {
    const cJSON *item, *extent;
    *tensors = 0;
    *extents = 0;
    cJSON_ArrayForEach(item, header) {
        ++*tensors;
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
        cJSON_ArrayForEach(extent, shape)++ *extents;
    }
}

static int read_header(sgdrt_checkpoint *c, uint64_t data_bytes, sgdrt_problem *problem) {
    struct sgdrt_checkpoint_private *own = c->own;
    int count, code = 0;
    size_t extents;
    count_header(own->header, &count, &extents);
    own->tensors = calloc((size_t)count + 1, sizeof *own->tensors);
    own->shapes = calloc(extents + 1, sizeof *own->shapes);
    if (!own->tensors || !own->shapes)
        return sgdrt_problem_memory(problem, c->path, sizeof *own->tensors * (size_t)count);
    int64_t *next = own->shapes;
    const cJSON *item;
    bool described = false;
    cJSON_ArrayForEach(item, own->header) {
        if (strcmp(item->string, "__metadata__"))
            code = read_tensor(c, &own->tensors[own->tensor_count++], item, data_bytes, &next, problem);
        else
            code = described ? damaged(c, problem, "__metadata__ comes twice") : read_metadata(c, item, problem);
        described |= !strcmp(item->string, "__metadata__");
        if (code) return code;
    }
    return check_layout(c, data_bytes, problem);
}

static int list_entries(sgdrt_checkpoint *c, const unsigned char *data, sgdrt_problem *problem) {
    const struct sgdrt_checkpoint_private *own = c->own;
    c->entries = calloc((size_t)own->tensor_count + 1, sizeof *c->entries);
    c->others = calloc((size_t)own->tensor_count + 1, sizeof *c->others);
    if (!c->entries || !c->others)
        return sgdrt_problem_memory(problem, c->path, sizeof *c->entries * (size_t)own->tensor_count);
    for (int i = 0; i < own->tensor_count; i++) {
        const Tensor *t = &own->tensors[i];
        if (t->type->dtype >= 0)
            c->entries[c->entry_count++] = (sgdrt_entry){t->name, (sgdrt_dtype)t->type->dtype, t->rank, t->shape,
                                                         (void *)(data + t->begin)};
        else
            c->others[c->other_count++] = (sgdrt_other_entry){t->name,  t->type->name,   t->rank,
                                                              t->shape, data + t->begin, (size_t)(t->end - t->begin)};
    }
    return 0;
}

static int parse(sgdrt_checkpoint *c, const unsigned char *bytes, size_t length, sgdrt_problem *problem) {
    uint64_t header_bytes;
    if (length < CHECKPOINT_LENGTH_BYTES) return damaged(c, problem, "it is shorter than the length of its header");
    memcpy(&header_bytes, bytes, sizeof header_bytes);
    if (header_bytes > CHECKPOINT_MOST_HEADER || header_bytes > length - CHECKPOINT_LENGTH_BYTES)
        return damaged(c, problem, "its header is longer than the file");
    const char *text = (const char *)bytes + CHECKPOINT_LENGTH_BYTES, *end = NULL;
    if (!header_bytes || *text != '{') return damaged(c, problem, "its header is not JSON");
    c->own->header = cJSON_ParseWithLengthOpts(text, header_bytes, &end, 0);
    if (!cJSON_IsObject(c->own->header)) return damaged(c, problem, "its header is not JSON");
    for (; end < text + header_bytes; end++)
        if (*end != ' ' && *end != '\n') return damaged(c, problem, "something follows the JSON of its header");
    int code = read_header(c, length - CHECKPOINT_LENGTH_BYTES - header_bytes, problem);
    return code ? code : list_entries(c, bytes + CHECKPOINT_LENGTH_BYTES + header_bytes, problem);
}

/* Parses bytes that the checkpoint owns if `owned`. */
static int make_checkpoint(const char *path, const void *bytes, size_t length, void *owned, sgdrt_checkpoint **result,
                           sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    sgdrt_checkpoint *c = calloc(1, sizeof *c);
    struct sgdrt_checkpoint_private *own = calloc(1, sizeof *own);
    if (!c || !own) {
        free(c);
        free(own);
        free(owned);
        return sgdrt_problem_memory(problem, path, sizeof *c);
    }
    own->bytes = owned;
    c->path = path;
    c->bytes = length;
    c->own = own;
    int code = parse(c, bytes, length, problem);
    if (code)
        sgdrt_free_checkpoint(c);
    else
        *result = c;
    return code;
}

int sgdrt_load_memory(const void *bytes, size_t length, sgdrt_checkpoint **checkpoint, sgdrt_problem *problem) {
    return make_checkpoint("memory", bytes, length, NULL, checkpoint, problem);
}

static int read_problem(const char *path, sgdrt_problem *problem, const char *what) {
    return sgdrt_problem_set(problem, PROBLEM_READ, path, 0, 0, "cannot be read: %s", what);
}

static int read_file(const char *path, unsigned char **bytes, size_t *length, sgdrt_problem *problem) {
    int fd = open(path, O_RDONLY | O_CLOEXEC), code = 0;
    struct stat status;
    if (fd < 0) return read_problem(path, problem, strerror(errno));
    if (fstat(fd, &status))
        code = read_problem(path, problem, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        code = read_problem(path, problem, "it is not a file");
    size_t size = code ? 0 : (size_t)status.st_size, have = 0;
    *bytes = malloc(size + 1);
    if (!*bytes && !code) code = sgdrt_problem_memory(problem, path, size);
    while (!code && have < size) {
        ssize_t n = read(fd, *bytes + have, size - have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            code = read_problem(path, problem, n ? strerror(errno) : "it became shorter meanwhile");
        else
            have += (size_t)n;
    }
    close(fd);
    *length = size;
    if (code) free(*bytes);
    return code;
}

int sgdrt_load_file(const char *path, sgdrt_checkpoint **checkpoint, sgdrt_problem *problem) {
    unsigned char *bytes = NULL;
    size_t length = 0;
    int code = read_file(path, &bytes, &length, problem);
    return code ? code : make_checkpoint(path, bytes, length, bytes, checkpoint, problem);
}

void sgdrt_free_checkpoint(sgdrt_checkpoint *c) {
    if (!c) return;
    cJSON_Delete(c->own->header);
    free(c->own->bytes);
    free(c->own->tensors);
    free(c->own->shapes);
    free(c->own);
    free(c->entries);
    free(c->others);
    free(c->metadata);
    free(c);
}

const sgdrt_entry *sgdrt_find_entry(const sgdrt_checkpoint *c, const char *name) {
    for (int i = 0; i < c->entry_count; i++)
        if (!strcmp(c->entries[i].name, name)) return &c->entries[i];
    return NULL;
}

const char *sgdrt_find_metadata(const sgdrt_checkpoint *c, const char *key) {
    for (int i = 0; i < c->metadata_count; i++)
        if (!strcmp(c->metadata[i].key, key)) return c->metadata[i].value;
    return NULL;
}

/* ---- restoring ------------------------------------------------------------------------------ */
static int missing_entry(const sgdrt_checkpoint *c, const char *name, sgdrt_problem *problem) {
    const struct sgdrt_checkpoint_private *own = c->own;
    for (int i = 0; i < own->tensor_count; i++)
        if (!strcmp(own->tensors[i].name, name))
            return sgdrt_problem_set(problem, PROBLEM_NOT_SAVED, c->path, 0, 0,
                                     "the file has \"%.100s\" as %s, a type that is not read", name,
                                     own->tensors[i].type->name);
    int code = sgdrt_problem_set(problem, PROBLEM_NOT_SAVED, c->path, 0, 0, "the file has no \"%.100s\"", name);
    const char **names = malloc(sizeof *names * (size_t)(c->entry_count + 1));
    for (int i = 0; names && i < c->entry_count; i++) names[i] = c->entries[i].name;
    int near = names ? sgdrt_nearest(name, strlen(name), names, c->entry_count) : -1;
    if (near >= 0) sgdrt_problem_help(problem, "it has \"%.100s\"", names[near]);
    free(names);
    return code;
}

static bool same_shape(const sgdrt_entry *a, const sgdrt_entry *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->shape[i] == b->shape[i];
    return same;
}

static int other_entry(const sgdrt_checkpoint *c, const sgdrt_entry *found, const sgdrt_entry *wanted,
                       sgdrt_problem *problem) {
    char has[128], wants[128];
    sgdrt_shape_text(has, sizeof has, found->shape, found->rank);
    sgdrt_shape_text(wants, sizeof wants, wanted->shape, wanted->rank);
    return sgdrt_problem_set(problem, PROBLEM_NOT_SAVED, c->path, 0, 0,
                             "the file has \"%.100s\" as %s%s, and here it is %s%s", wanted->name,
                             sgdrt_dtype_text(found->dtype), has, sgdrt_dtype_text(wanted->dtype), wants);
}

int sgdrt_restore(const sgdrt_checkpoint *c, const sgdrt_entry *wanted, int wanted_count, sgdrt_problem *problem) {
    for (int i = 0; i < wanted_count; i++) {
        const sgdrt_entry *found = sgdrt_find_entry(c, wanted[i].name);
        if (!found) return missing_entry(c, wanted[i].name, problem);
        if (found->dtype != wanted[i].dtype || !same_shape(found, &wanted[i]))
            return other_entry(c, found, &wanted[i], problem);
    }
    for (int i = 0; i < wanted_count; i++) {
        const sgdrt_entry *found = sgdrt_find_entry(c, wanted[i].name);
        size_t bytes = sgdrt_dtype_bytes(found->dtype);
        for (int a = 0; a < found->rank; a++) bytes *= (size_t)found->shape[a];
        if (bytes) memcpy(wanted[i].data, found->data, bytes);
    }
    return 0;
}
