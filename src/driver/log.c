/* --log: a row per epoch of every run, as csv or as one JSON object a line.
 *
 * Columns: run, epoch, step, train_loss, valid_loss, the metrics of all runs in order of first appearance, lr,
 * seconds. What a run does not have stays empty (csv) or is left out (jsonl); a figure that is no number is `nan` or
 * `inf` (csv), or null (jsonl). Numbers read back as written. The file appears under its name when training ends,
 * whole; a run that was interrupted ends it as well.
 */
#include "driver/output.h"
#include "driver/training.h"
#include <math.h>
#include <string.h>

struct Log {
    Driver *driver;
    Output output;
    bool json;
    Vector(const char *) metrics;
    const char **fields;             /* a metric's heading or key */
    const char **runs;               /* a run's name as a field */
};

static bool has_metric(const Log *log, const char *name) {
    for (int i = 0; i < log->metrics.count; i++)
        if (strcmp(log->metrics.items[i], name) == 0) return true;
    return false;
}

/* As the file has it. */
static const char *field(const Log *log, const char *name) {
    Text text = text_new(log->driver->arena);
    if (log->json) text_add_json(&text, name);
    else text_add_csv(&text, name);
    return text.bytes;
}

static void name_fields(Log *log, Training *const *trainings, int count) {
    log->runs = arena_array(log->driver->arena, const char *, count + 1);
    log->fields = arena_array(log->driver->arena, const char *, log->metrics.count + 1);
    for (int r = 0; r < count; r++) log->runs[r] = field(log, trainings[r]->run->name);
    for (int m = 0; m < log->metrics.count; m++) log->fields[m] = field(log, log->metrics.items[m]);
}

Log *log_open(Driver *driver, Training *const *trainings, int count) {
    Log *log = arena_new_of(driver->arena, Log);
    const char *path = driver->options->log, *problem;
    log->driver = driver;
    log->json = strcmp(path_extension(path), ".jsonl") == 0;
    if (!output_open(driver->arena, path, &log->output, &problem)) {
        driver_complain(driver, "%s %s", path, problem);
        return NULL;
    }
    for (int r = 0; r < count; r++)
        for (int m = 0; m < trainings[r]->run->measure_count; m++) {
            const char *name = trainings[r]->run->measures[m].name;
            if (!has_metric(log, name)) vector_push(driver->arena, &log->metrics, name);
        }
    name_fields(log, trainings, count);
    if (log->json) return log;
    fputs("run,epoch,step,train_loss,valid_loss", log->output.file);
    for (int i = 0; i < log->metrics.count; i++) fprintf(log->output.file, ",%s", log->fields[i]);
    fputs(",lr,seconds\n", log->output.file);
    return log;
}

/* Of this run's metrics; count: it has none of that name. */
static int metric_of(const Training *t, const char *name) {
    int m = 0;
    while (m < t->run->measure_count && strcmp(t->run->measures[m].name, name)) m++;
    return m;
}

/* Nine digits give every f32 back, and JSON knows neither infinity nor NaN. has: the run has such a figure. */
static void write_number(const Log *log, const char *key, double value, bool has) {
    FILE *to = log->output.file;
    if (!log->json) {
        fputc(',', to);
        if (has) fprintf(to, isnan(value) ? "nan" : "%.9g", value);
    } else if (has) {
        fprintf(to, ", %s: ", key);
        fprintf(to, isfinite(value) ? "%.9g" : "null", value);
    }
}

void log_row(Log *log, const Training *t) {
    FILE *to = log->output.file;
    const char *start = log->json ? "{\"run\": %s, \"epoch\": %lld, \"step\": %lld" : "%s,%lld,%lld";
    fprintf(to, start, log->runs[t->index], (long long)t->now.epoch, (long long)t->now.step);
    write_number(log, "\"train_loss\"", t->now.train_loss, true);
    write_number(log, "\"valid_loss\"", t->now.valid_loss, t->data->valid.count > 0);
    for (int i = 0; i < log->metrics.count; i++) {
        int m = metric_of(t, log->metrics.items[i]);
        bool has = m < t->run->measure_count;
        write_number(log, log->fields[i], has ? t->now.metrics[m] : NAN, has);
    }
    write_number(log, "\"lr\"", t->now.lr, !isnan(t->now.lr));
    write_number(log, "\"seconds\"", t->now.seconds, true);
    fputs(log->json ? "}\n" : "\n", to);
}

bool log_close(Log *log) {
    const char *problem;
    if (output_finish(log->driver->arena, &log->output, &problem)) return true;
    driver_complain(log->driver, "%s %s", log->driver->options->log, problem);
    return false;
}
