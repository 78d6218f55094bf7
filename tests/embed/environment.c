/* Calls every function of an emitted header and of the runtime in hosts that have set another rounding mode, flush
 * denormals or trap, before anything is read or after; results have the bits that a plain host gets, and the host
 * finds its environment as it left it, after each call and in callbacks.
 *     environment points.csv numbers.csv scratch.safetensors
 */
#define _GNU_SOURCE
#include "classify.h"
#include "sgdrt.h"
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSHED = 0x8040 }; /* FTZ and DAZ of x86-64's control register */
typedef struct Mode {
    const char *name;
    int rounding;
    unsigned flush;
    int traps;
} Mode;
static const Mode modes[] = {
    {"to nearest", FE_TONEAREST, 0, 0},
    {"upward", FE_UPWARD, 0, 0},
    {"downward", FE_DOWNWARD, 0, 0},
    {"toward zero", FE_TOWARDZERO, 0, 0},
    {"flushing denormals", FE_TONEAREST, FLUSHED, 0},
    {"flushing, upward", FE_UPWARD, FLUSHED, 0},
    {"trapping", FE_TONEAREST, 0, 1},
};
enum { MODES = sizeof modes / sizeof *modes };

static const Mode *mode;
static const char *door = "nothing";
static int failures;
static uint64_t hash;

typedef struct Environment {
    int rounding, traps;
    unsigned vector, old;
} Environment;

static Environment environment(void) {
    Environment now = {fegetround(), fegetexcept(), 0, 0};
#if defined(__x86_64__)
    uint16_t old;
    __asm__ volatile("fnstcw %0" : "=m"(old));
    now.vector = __builtin_ia32_stmxcsr() & 0xffc0;
    now.old = old;
#endif
    return now;
}

static Environment set;
static void set_mode(const Mode *to) {
    fesetround(to->rounding);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~(unsigned)FLUSHED) | to->flush);
#endif
    feclearexcept(FE_ALL_EXCEPT);
    fedisableexcept(FE_ALL_EXCEPT);
    if (to->traps) feenableexcept(FE_ALL_EXCEPT);
    set = environment();
}

/* A trap in one of our functions ends the process: the door is named. */
static void on_trap(int number) {
    static const char text[] = "environment: a trap of the host goes off in ";
    (void)number;
    if (write(2, text, sizeof text - 1) < 0 || write(2, door, strlen(door)) < 0 || write(2, "\n", 1) < 0) _exit(1);
    _exit(1);
}

static void check_environment(void) {
    Environment now = environment();
    if (!memcmp(&now, &set, sizeof now)) return;
    fprintf(stderr, "environment: %s changes the host's environment (%s)\n", door, mode->name);
    failures++;
    set_mode(mode);
}

#define DOOR(call) (door = #call, status = (call), check_environment(), take(&status, sizeof status))
#define VOID_DOOR(call) (door = #call, (call), check_environment())

static void take(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
}

static void take_rows(const sgdrt_table *table, int column, size_t bytes) {
    for (int64_t r = 0; r < table->rows; r++) take(sgdrt_row(table, column, r), bytes);
}

static int each_epoch(void *user, const sgdc_report *report) {
    (void)user;
    check_environment();
    take(&report->train_loss, 8);
    take(&report->valid_loss, 8);
    return 0;
}

static const int64_t two[] = {2}, first_two[] = {0, 1}, third[] = {2}, first[] = {0}, second[] = {1};

/* Texts that become classes, in the order of their bytes. */
static void learn_classes(void) {
    static const char *const words[] = {"b", "a"}, *const sorted[] = {"a", "b"};
    const sgdrt_column_request columns[] = {
        {.name = "kind", .dtype = SGDRT_I32, .csv_index = first, .classes = 2, .remap_words = words, .remap_count = 2}};
    sgdrt_table *table;
    sgdrt_problem problem;
    int status;
    uint8_t used[2] = {0};
    DOOR(sgdrt_new_table("kinds", columns, 1, 3, &table, &problem));
    if (status) return (void)(fprintf(stderr, "environment: %s\n", problem.message), failures++);
    VOID_DOOR(sgdrt_classes_used(table, 0, NULL, 3, used));
    DOOR(sgdrt_take_classes(table, 0, sorted, 2, -1, &problem));
    take(used, sizeof used);
    take_rows(table, 0, 4);
    VOID_DOOR(sgdrt_free_table(table));
}

/* Texts that only the C library can round, denormals, and labels by remap. */
static void read_numbers(const char *path) {
    static const double listed[] = {10, 20, 30};
    const sgdrt_column_request columns[] = {
        {.name = "a", .dtype = SGDRT_F32, .csv_index = first},
        {.name = "b", .dtype = SGDRT_F64, .csv_index = second},
        {.name = "c", .dtype = SGDRT_I32, .csv_index = third, .classes = 3, .remap = listed, .remap_count = 3}};
    sgdrt_request request = {.name = "numbers",
                             .source = SGDRT_CSV,
                             .path = path,
                             .header = 0,
                             .missing_is_error = true,
                             .rows_end = -1,
                             .columns = columns,
                             .column_count = 3};
    sgdrt_table *table, *copy, *empty;
    sgdrt_problem problem;
    int status;
    int64_t line = 0;
    const uint8_t keep[] = {1, 0, 1, 1};
    double mean[2], deviation[2];
    const double *const means[] = {&mean[0], &mean[1], NULL}, *const deviations[] = {&deviation[0], &deviation[1],
                                                                                     NULL};
    DOOR(sgdrt_load(&request, &table, &problem));
    if (status) return (void)(fprintf(stderr, "environment: %s\n", problem.message), failures++);
    DOOR(sgdrt_copy_table(table, &copy, &problem));
    DOOR(sgdrt_new_table("empty", columns, 3, 4, &empty, &problem));
    DOOR(sgdrt_keep_rows(copy, keep, &problem));
    DOOR(sgdrt_check_labels(copy, &problem));
    DOOR(sgdrt_row_line(copy, 1, &line));
    take(&line, sizeof line);
    for (int c = 0; c < 2; c++) {
        sgdrt_dtype type = c ? SGDRT_F64 : SGDRT_F32;
        take_rows(copy, c, sgdrt_dtype_bytes(type));
        VOID_DOOR(sgdrt_statistics(&copy->columns[c], type, 1, NULL, copy->rows, &mean[c], &deviation[c]));
    }
    take(mean, sizeof mean);
    take(deviation, sizeof deviation);
    DOOR(sgdrt_standardize(copy, means, deviations, &problem));
    take_rows(copy, 0, 4);
    take_rows(copy, 1, 8);
    take_rows(copy, 2, 4);
    take(sgdrt_row(empty, 1, 0), 8);
    take(sgdrt_dtype_text(SGDRT_F64), 3);
    take(sgdrt_delimiter_text(copy->delimiter), 1);
    VOID_DOOR(sgdrt_free_table(table));
    VOID_DOOR(sgdrt_free_table(copy));
    VOID_DOOR(sgdrt_free_table(empty));
}

static void save_and_restore(const char *path) {
    double value = 0.1, back = 0;
    const int64_t one[] = {1};
    sgdrt_entry entry = {"w", SGDRT_F64, 1, one, &value}, wanted = {"w", SGDRT_F64, 1, one, &back};
    const sgdrt_metadata metadata[] = {{"step", "7"}};
    sgdrt_checkpoint *file;
    sgdrt_problem problem;
    void *bytes;
    size_t length;
    int status;
    DOOR(sgdrt_save(path, &entry, 1, metadata, 1, &problem));
    DOOR(sgdrt_save_memory(&bytes, &length, &entry, 1, metadata, 1, &problem));
    take(bytes, length);
    DOOR(sgdrt_load_memory(bytes, length, &file, &problem));
    VOID_DOOR(sgdrt_free_checkpoint(file));
    DOOR(sgdrt_load_file(path, &file, &problem));
    DOOR(sgdrt_restore(file, &wanted, 1, &problem));
    take(&back, sizeof back);
    take(sgdrt_find_entry(file, "w")->data, sizeof value);
    take(sgdrt_find_metadata(file, "step"), 1);
    VOID_DOOR(sgdrt_free_checkpoint(file));
    free(bytes);
}

static void take_parameters(classify *m) {
    for (int i = 0; classify_parameter_name(i); i++) {
        const int64_t *shape;
        int rank;
        size_t count = 1;
        float *values = classify_parameter(m, classify_parameter_name(i), &shape, &rank);
        if (classify_parameter_data(m, classify_parameter_name(i), NULL, NULL) != values) exit(3);
        for (int a = 0; a < rank; a++) count *= (size_t)shape[a];
        take(values, count * sizeof *values);
    }
}

static sgdrt_table *read_points(const char *path) {
    const sgdrt_column_request columns[] = {
        {.name = "x", .dtype = SGDRT_F32, .rank = 1, .shape = two, .csv_index = first_two},
        {.name = "y", .dtype = SGDRT_I32, .csv_index = third, .classes = 3}};
    sgdrt_request request = {.name = "points",
                             .source = SGDRT_CSV,
                             .path = path,
                             .header = -1,
                             .missing_is_error = true,
                             .rows_end = -1,
                             .columns = columns,
                             .column_count = 2};
    sgdrt_table *table;
    sgdrt_problem problem;
    int status;
    DOOR(sgdrt_load(&request, &table, &problem));
    if (status) fprintf(stderr, "environment: %s\n", problem.message), exit(1);
    return table;
}

static void use_files(classify *m, classify *other, const char *path) {
    void *bytes;
    size_t length;
    int status;
    DOOR(classify_save(m, path));
    DOOR(classify_load(other, path));
    DOOR(classify_resume(other, path));
    DOOR(sgdrt_save_instance(m, path));
    DOOR(sgdrt_load_instance(other, path));
    DOOR(sgdrt_resume_instance(other, path));
    DOOR(sgdrt_save_instance_memory(m, &bytes, &length));
    take(bytes, length);
    DOOR(sgdrt_load_instance_memory(other, bytes, length));
    DOOR(sgdrt_resume_instance_memory(other, bytes, length));
    take_parameters(other);
    VOID_DOOR(sgdrt_free_bytes(bytes));
    DOOR(classify_save_memory(m, &bytes, &length));
    take(bytes, length);
    DOOR(classify_load_memory(other, bytes, length));
    DOOR(classify_resume_memory(other, bytes, length));
    take_parameters(other);
    VOID_DOOR(classify_free_bytes(bytes));
}

static void use_model(const sgdrt_table *table, const char *path) {
    static _Alignas(64) char memory[CLASSIFY_TRAIN_BYTES], work[CLASSIFY_PREDICT_BYTES + 64];
    classify *m, *other;
    int64_t row;
    int status;
    classify_data data = classify_rows(table->rows, NULL, NULL);
    data.x.data = (const float *)table->columns[0].data;
    data.x.stride = table->columns[0].stride;
    data.y.data = (const int32_t *)table->columns[1].data;
    data.y.stride = table->columns[1].stride;
    float results[CLASSIFY_FIGURES], loss, out[7 * CLASSIFY_OUTPUTS];
    DOOR(classify_new(&m, NULL));
    DOOR(classify_init(&other, memory, sizeof memory, NULL));
    DOOR(classify_set_threads(m, 2));
    DOOR(classify_fit(m, &data, NULL, each_epoch, NULL));
    DOOR(classify_evaluate(m, &data, results));
    take(results, sizeof results);
    data.rows = 7;
    DOOR(classify_set_lr(m, 0.1));
    DOOR(classify_step(m, &data, &loss));
    DOOR(classify_clear_lr(m));
    DOOR(classify_set(m, "lr", 0.3));
    DOOR(classify_step(m, &data, NULL));
    take(&loss, sizeof loss);
    DOOR(classify_predict(m, &data, out, NULL));
    DOOR(classify_predict(m, &data, out, work));
    take(out, sizeof out);
    VOID_DOOR(classify_refused(m, &data, &row));
    VOID_DOOR(classify_strerror(status));
    VOID_DOOR(classify_steps(m));
    take_parameters(m);
    use_files(m, other, path);
    VOID_DOOR(classify_request_stop(m));
    DOOR(sgdrt_set_threads(m, 1));
    DOOR(sgdrt_evaluate(m, &data, results));
    DOOR(sgdrt_fit(m, &data, NULL, NULL, NULL));
    VOID_DOOR(classify_free(m));
    VOID_DOOR(classify_free(other));
}

/* late: the mode is set when the rows have been read. */
static uint64_t walk(const Mode *of, int late, char **argv) {
    mode = of;
    hash = 1469598103934665603u;
    if (!late) set_mode(of);
    learn_classes();
    read_numbers(argv[2]);
    sgdrt_table *points = read_points(argv[1]);
    set_mode(of);
    use_model(points, argv[3]);
    save_and_restore(argv[3]);
    set_mode(&modes[0]);
    sgdrt_free_table(points);
    return hash;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    signal(SIGFPE, on_trap);
    set_mode(&modes[0]);
    uint64_t right = walk(&modes[0], 0, argv);
    for (int i = 0; i < MODES; i++)
        for (int late = 0; late < 2; late++)
            if (walk(&modes[i], late, argv) != right) {
                fprintf(stderr, "environment: %s, set %s: other bits\n", modes[i].name, late ? "late" : "early");
                failures++;
            }
    return failures != 0;
}
