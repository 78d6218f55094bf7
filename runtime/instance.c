/* instance: saving and loading a living instance, in the file that `sgdc --save` writes and --load reads (saved.h).
 * Loading takes what serves, resuming the last state: they differ in files of a training with keep = best(...). A file
 * of parameters alone is refused: it would not continue exactly.
 */
#include "fit.h"
#include "problem.h"
#include "saved.h"
#include <stdlib.h>
#include <string.h>

static sgdrt_training training_of(const sgdrt_instance *instance) {
    const sgdrt_model *model = instance->model;
    return (sgdrt_training){.cells = model->cells,
                            .cell_count = model->cell_count,
                            .state = instance->state,
                            .no_statistics = !instance->has_statistics};
}

static int status_of(int code, int other) {
    return code == 0 ? SGDRT_OK : code == PROBLEM_TOO_LARGE ? SGDRT_MEMORY : other;
}

static int save(const sgdrt_instance *instance, const char *path, void **bytes, size_t *length) {
    sgdrt_training training = training_of(instance);
    const sgdrt_metadata about[] = {{"program", instance->model->name}, {"classes", instance->model->classes}};
    sgdrt_problem problem;
    int code = sgdrt_save_training(&training, about, about[1].value ? 2 : 1, path, bytes, length, &problem);
    return code == PROBLEM_NO_TRAINING ? SGDRT_DIVERGED : status_of(code, SGDRT_FILE);
}

int sgdrt_save_instance(const void *m, const char *path) { return m && path ? save(m, path, NULL, NULL) : SGDRT_NULL; }

int sgdrt_save_instance_memory(const void *m, void **bytes, size_t *length) {
    return m && bytes && length ? save(m, NULL, bytes, length) : SGDRT_NULL;
}

void sgdrt_free_bytes(void *bytes) { free(bytes); }

/* Gives the checkpoint back. */
static int restore(sgdrt_instance *instance, sgdrt_checkpoint *checkpoint, sgdrt_saved_use use) {
    sgdrt_training training = training_of(instance);
    sgdrt_problem problem;
    const char *own = instance->model->classes, *classes = sgdrt_find_metadata(checkpoint, "classes");
    bool other_classes = own && classes && strcmp(own, classes);
    int code = other_classes ? PROBLEM_NOT_SAVED : sgdrt_restore_training(checkpoint, &training, use, &problem);
    sgdrt_free_checkpoint(checkpoint);
    if (!code) instance->has_statistics = !training.no_statistics;
    return status_of(code, SGDRT_MISMATCH);
}

static int restore_file(void *m, const char *path, sgdrt_saved_use use) {
    sgdrt_checkpoint *checkpoint = NULL;
    sgdrt_problem problem;
    if (!m || !path) return SGDRT_NULL;
    int code = sgdrt_load_file(path, &checkpoint, &problem);
    return code ? status_of(code, SGDRT_FILE) : restore(m, checkpoint, use);
}

static int restore_memory(void *m, const void *bytes, size_t length, sgdrt_saved_use use) {
    sgdrt_checkpoint *checkpoint = NULL;
    sgdrt_problem problem;
    if (!m || !bytes) return SGDRT_NULL;
    int code = sgdrt_load_memory(bytes, length, &checkpoint, &problem);
    return code ? status_of(code, SGDRT_FILE) : restore(m, checkpoint, use);
}

int sgdrt_load_instance(void *m, const char *path) { return restore_file(m, path, SGDRT_SERVE); }

int sgdrt_resume_instance(void *m, const char *path) { return restore_file(m, path, SGDRT_RESUME); }

int sgdrt_load_instance_memory(void *m, const void *bytes, size_t length) {
    return restore_memory(m, bytes, length, SGDRT_SERVE);
}

int sgdrt_resume_instance_memory(void *m, const void *bytes, size_t length) {
    return restore_memory(m, bytes, length, SGDRT_RESUME);
}
