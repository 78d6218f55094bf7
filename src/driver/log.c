/* --log: a row per epoch of every run, as csv or as one JSON object a line.
 *
 * Columns: run, epoch, step, train_loss, valid_loss, the metrics of all runs in order of first appearance, lr,
 * seconds. What a run does not have stays empty (csv) or is left out (jsonl). Numbers read back as written. The
 * file appears under its name when training ends, whole; a run that was interrupted ends it as well.
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
};

static bool has_metric(const Log *log, const char *name) {
    for (int i = 0; i < log->metrics.count; i++)
        if (strcmp(log->metrics.items[i], name) == 0) return true;
    return false;
}

/* A csv field: quoted where it must be. */
static void write_field(FILE *to, const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) fprintf(to, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', to);
}

static void write_json_string(FILE *to, const char *text) {
    fputc('"', to);
    for (; *text; text++)
        fprintf(to, *text == '"' || *text == '\\' ? "\\%c" : (unsigned char)*text < 32 ? "\\u%04x" : "%c", *text);
    fputc('"', to);
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
    if (log->json) return log;
    fputs("run,epoch,step,train_loss,valid_loss", log->output.file);
    for (int i = 0; i < log->metrics.count; i++) {
        fputc(',', log->output.file);
        write_field(log->output.file, log->metrics.items[i]);
    }
    fputs(",lr,seconds\n", log->output.file);
    return log;
}

static double metric_of(const Training *t, const char *name) {
    for (int m = 0; m < t->run->measure_count; m++)
        if (strcmp(t->run->measures[m].name, name) == 0) return t->now.metrics[m];
    return NAN;
}

/* Nine digits give every f32 back; JSON knows no infinity. */
static void write_number(const Log *log, const char *name, double value) {
    FILE *to = log->output.file;
    if (!log->json) {
        if (isnan(value)) fputc(',', to);
        else fprintf(to, ",%.9g", value);
    } else if (isfinite(value)) {
        fprintf(to, ", \"%s\": %.9g", name, value);
    }
}

void log_row(Log *log, const Training *t) {
    FILE *to = log->output.file;
    if (log->json) {
        fputs("{\"run\": ", to);
        write_json_string(to, t->run->name);
        fprintf(to, ", \"epoch\": %lld, \"step\": %lld", (long long)t->now.epoch, (long long)t->now.step);
    } else {
        write_field(to, t->run->name);
        fprintf(to, ",%lld,%lld", (long long)t->now.epoch, (long long)t->now.step);
    }
    write_number(log, "train_loss", t->now.train_loss);
    write_number(log, "valid_loss", t->now.valid_loss);
    for (int i = 0; i < log->metrics.count; i++)
        write_number(log, log->metrics.items[i], metric_of(t, log->metrics.items[i]));
    write_number(log, "lr", t->now.lr);
    write_number(log, "seconds", t->now.seconds);
    fputs(log->json ? "}\n" : "\n", to);
}

bool log_close(Log *log) {
    const char *problem;
    if (output_finish(log->driver->arena, &log->output, &problem)) return true;
    driver_complain(log->driver, "%s %s", log->driver->options->log, problem);
    return false;
}
