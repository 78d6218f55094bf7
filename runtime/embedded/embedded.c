/* embedded: the functions that every emitted object carries, under the object's own prefix.
 *
 * This file is compiled to LLVM bitcode when sgdc is built and linked into each object: `self` becomes the
 * object's own sgdrt_model, `self_init` its NAME_init, and so on. It may therefore depend on nothing but
 * memcpy, memset, malloc and free, and does no arithmetic but that of figures.h: what makes bits is in the generated
 * functions. Whoever rounds does it in the environment of float_control.h, and leaves the caller's as it was.
 *
 * Everything is checked before any state changes. No function is reentrant on one instance, but
 * self_predict and self_refused only read it, and self_request_stop only stores a flag.
 *
 * The symbols are protected: other libraries see them, and none of another library takes their place, so two shared
 * libraries may hold models of one name.
 */
#include "check_rows.h"
#include "figures.h"
#include "float_control.h"
#include "processor.h"

void *malloc(size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
void free(void *memory);
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#pragma GCC visibility push(hidden)
extern const sgdrt_model self;
#pragma GCC visibility pop
#pragma GCC visibility push(protected)
int self_init(sgdrt_instance **out, void *memory, size_t bytes, const sgdrt_options *options);
int self_new(sgdrt_instance **out, const sgdrt_options *options);
void self_free(sgdrt_instance *instance);
int self_step(sgdrt_instance *instance, const sgdrt_rows *data, float *loss);
int self_predict(const sgdrt_instance *instance, const sgdrt_rows *data, float *out, void *workspace);
int self_set(sgdrt_instance *instance, const char *name, double value);
int self_set_lr(sgdrt_instance *instance, double lr);
int self_clear_lr(sgdrt_instance *instance);
void self_request_stop(sgdrt_instance *instance);
float *self_parameter(sgdrt_instance *instance, const char *name, const int64_t **shape, int *rank);
const char *self_parameter_name(int index);
const char *self_refused(const sgdrt_instance *instance, const sgdrt_rows *data, int64_t *row);
const char *self_strerror(int status);
#pragma GCC visibility pop

static uint64_t instance_bytes(void) {
    return sgdrt_instance_bytes(self.state_bytes, self.work_bytes, self.terms);
}

static const sgdrt_code *choose_code(void) {
    uint32_t here = sgdrt_processor_level();
    for (uint32_t i = self.levels; i-- > 0;)
        if (self.level[i] <= here) return &self.code[i];
    return NULL;
}

static void store_real(sgdrt_instance *instance, const sgdrt_model_slot *slot, double value) {
    SGDRT_FLOAT_GUARD();
    char *at = (char *)instance->state + slot->offset;
    if (slot->dtype == SGDRT_F64) *(double *)at = value;
    else *(float *)at = (float)value;
}

int self_init(sgdrt_instance **out, void *memory, size_t bytes, const sgdrt_options *options) {
    if (!out || !memory) return SGDRT_NULL;
    if ((uintptr_t)memory & 63) return SGDRT_ALIGNMENT;
    if (bytes < instance_bytes()) return SGDRT_MEMORY;
    const sgdrt_code *code = choose_code();
    if (!code) return SGDRT_CPU;
    sgdrt_instance *instance = memory;
    memset(instance, 0, sizeof *instance);
    instance->model = &self;
    instance->code = code;
    instance->state = (char *)memory + sizeof *instance;
    instance->work = (char *)instance->state + sgdrt_whole_lines(self.state_bytes);
    instance->sums = (double *)((char *)instance->work + sgdrt_whole_lines(self.work_bytes));
    instance->spare = (char *)memory + instance_bytes();
    instance->spare_bytes = bytes - instance_bytes();
    memset(instance->state, 0, self.state_bytes);
    sgdrt_header *header = instance->state;
    header->seed = options && options->has_seed ? options->seed : self.seed;
    header->planned = options && options->planned_steps ? options->planned_steps : 1;
    for (int32_t i = 0; i < self.slot_count; i++)
        store_real(instance, &self.slots[i], self.slots[i].value);
    sgdrt_call call;
    memset(&call, 0, sizeof call);
    call.state = instance->state;
    call.work = instance->work;
    instance->code->init(&call);
    *out = instance;
    return SGDRT_OK;
}

int self_new(sgdrt_instance **out, const sgdrt_options *options) {
    if (!out) return SGDRT_NULL;
    void *memory = aligned_alloc(64, instance_bytes());
    if (!memory) return SGDRT_MEMORY;
    int status = self_init(out, memory, instance_bytes(), options);
    if (status) free(memory);
    else (*out)->owned = 1;
    return status;
}

void self_free(sgdrt_instance *instance) {
    if (instance && instance->owned) free(instance);
}

/* Volatile: computed before the environment is left. */
static float step_loss(const sgdrt_instance *instance, int64_t rows) {
    SGDRT_FLOAT_GUARD();
    volatile float mean = (float)sgdrt_loss(instance->sums, self.averaged, self.minimized, rows, 1);
    return mean;
}

int self_step(sgdrt_instance *instance, const sgdrt_rows *data, float *loss) {
    int status = sgdrt_check_rows(instance, data, SGDRT_STEPPING);
    if (status) return status;
    memset(instance->sums, 0, sizeof *instance->sums * (size_t)self.terms);
    sgdrt_call call;
    memset(&call, 0, sizeof call);
    call.state = instance->state;
    call.work = instance->work;
    call.columns = data->columns;
    call.count = call.batch = data->rows;
    call.sums = instance->sums;
    instance->code->step(&call);
    float mean = step_loss(instance, data->rows);
    if (loss) *loss = mean;
    return sgdrt_f32_is_finite(&mean) ? SGDRT_OK : SGDRT_DIVERGED;
}

int self_predict(const sgdrt_instance *instance, const sgdrt_rows *data, float *out, void *workspace) {
    int status = sgdrt_check_rows(instance, data, SGDRT_PREDICTING);
    if (status) return status;
    if (!out) return SGDRT_NULL;
    if (!instance->code->predict) return SGDRT_NO_PREDICT;
    if ((uintptr_t)workspace & 63) return SGDRT_ALIGNMENT;
    void *work = workspace ? workspace : aligned_alloc(64, sgdrt_whole_lines(self.predict_bytes) + 64);
    if (!work) return SGDRT_MEMORY;
    void *outputs[1] = {out};
    sgdrt_call call;
    memset(&call, 0, sizeof call);
    call.state = instance->state;
    call.work = work;
    call.columns = data->columns;
    call.count = call.batch = data->rows;
    call.outputs = outputs;
    instance->code->predict(&call);
    if (!workspace) free(work);
    return SGDRT_OK;
}

static int same_text(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

int self_set(sgdrt_instance *instance, const char *name, double value) {
    if (!instance || !name) return SGDRT_NULL;
    for (int32_t i = 0; i < self.slot_count; i++)
        if (same_text(self.slots[i].name, name)) {
            store_real(instance, &self.slots[i], value);
            return SGDRT_OK;
        }
    return SGDRT_NO_NAME;
}

static int set_slot(sgdrt_instance *instance, double value) {
    if (!instance) return SGDRT_NULL;
    if (self.lr_slot < 0) return SGDRT_NO_NAME;
    store_real(instance, &self.slots[self.lr_slot], value);
    return SGDRT_OK;
}

int self_set_lr(sgdrt_instance *instance, double lr) { return set_slot(instance, lr); }

int self_clear_lr(sgdrt_instance *instance) {
    return set_slot(instance, self.lr_slot < 0 ? 0 : self.slots[self.lr_slot].value);
}

void self_request_stop(sgdrt_instance *instance) {
    if (instance) instance->stop = 1;
}

float *self_parameter(sgdrt_instance *instance, const char *name, const int64_t **shape, int *rank) {
    if (!instance || !name) return NULL;
    for (int32_t i = 0; i < self.cell_count; i++) {
        const sgdrt_model_cell *cell = &self.cells[i];
        if (cell->kind != 0 || cell->dtype != SGDRT_F32 || !same_text(cell->name, name)) continue;
        if (shape) *shape = cell->shape;
        if (rank) *rank = cell->rank;
        return (float *)((char *)instance->state + cell->offset);
    }
    return NULL;
}

const char *self_parameter_name(int index) {
    for (int32_t i = 0; i < self.cell_count; i++)
        if (self.cells[i].kind == 0 && index-- == 0) return self.cells[i].name;
    return NULL;
}

const char *self_refused(const sgdrt_instance *instance, const sgdrt_rows *data, int64_t *row) {
    int64_t first = -1;
    const char *name = NULL;
    for (int32_t i = 0; instance && data && i < self.column_count; i++) {
        int64_t r;
        if (!data->columns[i].data || !sgdrt_check_column(&self.columns[i], &data->columns[i], data->rows, &r)) continue;
        if (name && first <= r) continue;
        name = self.columns[i].name;
        first = r;
    }
    if (row) *row = first;
    return name;
}

const char *self_strerror(int status) {
    static const char *const texts[SGDRT_STATUS_COUNT] = {
        "success",
        "a pointer that must not be NULL is NULL",
        "the memory is not 64-byte aligned",
        "the memory is too small, or none could be had",
        "there are no rows",
        "a label is out of range; nothing was changed",
        "the loss or a parameter is not finite",
        "stopped on request, after a whole step",
        "the program has nothing to predict",
        "a file cannot be read or written",
        "the saved file does not fit this model",
        "the object carries no code for this processor, or SGDC_NATIVE is not x86-64-v2, x86-64-v3 or x86-64-v4",
        "no hyper-parameter has this name",
        "the statistics of the data are not known yet: fit or load first",
        "a value is infinite or not a number; nothing was changed",
    };
    return status >= 0 && status < SGDRT_STATUS_COUNT ? texts[status] : "unknown status";
}
