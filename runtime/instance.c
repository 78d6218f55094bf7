/* instance: saving and loading a living instance. The file is the one that `sgdc --save` writes and --load reads:
 * one tensor per cell, and metadata with seed and step. A file of parameters alone is refused: it would not continue
 * exactly. Nothing of the instance changes unless all of the file fits.
 */
#include "fit.h"
#include "sgdrt.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sgdrt_entry *entries_of(const sgdrt_instance *instance) {
    const sgdrt_model *model = instance->model;
    sgdrt_entry *entries = malloc(sizeof *entries * (size_t)(model->cell_count + 1));
    for (int32_t i = 0; entries && i < model->cell_count; i++) {
        const sgdrt_model_cell *cell = &model->cells[i];
        entries[i] = (sgdrt_entry){cell->name, (sgdrt_dtype)cell->dtype, cell->rank, cell->shape,
                                   (char *)instance->state + cell->offset};
    }
    return entries;
}

static int save(const sgdrt_instance *instance, const char *path, void **bytes, size_t *length) {
    sgdrt_entry *entries = entries_of(instance);
    if (!entries) return SGDRT_MEMORY;
    const sgdrt_header *header = instance->state;
    char seed[32], step[32], planned[32];
    snprintf(seed, sizeof seed, "%" PRIu64, header->seed);
    snprintf(step, sizeof step, "%" PRIu64, header->step);
    snprintf(planned, sizeof planned, "%" PRIu64, header->planned);
    sgdrt_metadata metadata[] = {{"seed", seed}, {"step", step}, {"planned", planned}};
    sgdrt_problem problem;
    int count = instance->model->cell_count;
    int code = path ? sgdrt_save(path, entries, count, metadata, 3, &problem)
                    : sgdrt_save_memory(bytes, length, entries, count, metadata, 3, &problem);
    free(entries);
    return code ? SGDRT_FILE : SGDRT_OK;
}

static int read_number(const sgdrt_checkpoint *checkpoint, const char *key, uint64_t *number) {
    const char *text = sgdrt_find_metadata(checkpoint, key);
    char *end;
    if (!text || !*text) return 0;
    *number = strtoull(text, &end, 10);
    return !*end;
}

static int restore(sgdrt_instance *instance, const sgdrt_checkpoint *checkpoint) {
    uint64_t seed, step, planned;
    sgdrt_problem problem;
    if (!read_number(checkpoint, "seed", &seed) || !read_number(checkpoint, "step", &step)) return SGDRT_MISMATCH;
    if (!read_number(checkpoint, "planned", &planned)) planned = 0;
    sgdrt_entry *entries = entries_of(instance);
    if (!entries) return SGDRT_MEMORY;
    int code = sgdrt_restore(checkpoint, entries, instance->model->cell_count, &problem);
    free(entries);
    if (code) return SGDRT_MISMATCH;
    sgdrt_header *header = instance->state;
    header->seed = seed;
    header->step = step;
    if (planned) header->planned = planned;
    instance->has_statistics = 1;
    return SGDRT_OK;
}

int sgdrt_save_instance(const void *m, const char *path) {
    return m && path ? save(m, path, NULL, NULL) : SGDRT_NULL;
}

int sgdrt_save_instance_memory(const void *m, void **bytes, size_t *length) {
    return m && bytes && length ? save(m, NULL, bytes, length) : SGDRT_NULL;
}

static int load(sgdrt_instance *instance, sgdrt_checkpoint *checkpoint, int code) {
    if (code) return SGDRT_FILE;
    int status = restore(instance, checkpoint);
    sgdrt_free_checkpoint(checkpoint);
    return status;
}

int sgdrt_load_instance(void *m, const char *path) {
    sgdrt_checkpoint *checkpoint = NULL;
    sgdrt_problem problem;
    if (!m || !path) return SGDRT_NULL;
    int code = sgdrt_load_file(path, &checkpoint, &problem);
    return load(m, checkpoint, code);
}

int sgdrt_load_instance_memory(void *m, const void *bytes, size_t length) {
    sgdrt_checkpoint *checkpoint = NULL;
    sgdrt_problem problem;
    if (!m || !bytes) return SGDRT_NULL;
    int code = sgdrt_load_memory(bytes, length, &checkpoint, &problem);
    return load(m, checkpoint, code);
}
