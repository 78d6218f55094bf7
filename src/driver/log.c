/* --log: a row per epoch of every run, as csv, as one JSON object a line, or as event files in a folder (events.h).
 *
 * Columns: run, epoch, step, train_loss, valid_loss, the metrics of all runs in order of first appearance, lr,
 * seconds. What a run does not have stays empty (csv) or is left out (jsonl); a figure that is no number is `nan` or
 * `inf` (csv), or null (jsonl). Numbers read back as written. The file appears under its name when training ends,
 * whole; a run that was interrupted ends it as well.
 *
 * A csv begins with comments that say what was trained. A JSON file has none: all of its lines are rows. In event files,
 * one a run, figures have the same names, and besides them stand the terms of a loss that has several.
 */
#include "codegen/object/exported_names.h"
#include "driver/events.h"
#include "driver/output.h"
#include "driver/record.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>

struct Log {
    Driver *driver;
    Output output;
    bool json, folder;
    EventFile *events;
    int events_run; /* of the run at hand; NULL: none is open */
    EventScalar *scalars;
    const char **terms;  /* of the run at hand: memory; their tags */
    const char *failure; /* of event files, the first */
    Vector(const char *) metrics;
    const char **fields; /* a metric's heading or key */
    const char **runs;   /* a run's name as a field */
    double flushed;      /* when readers saw all rows */
};

static bool has_metric(const Log *log, const char *name) {
    for (int i = 0; i < log->metrics.count; i++)
        if (strcmp(log->metrics.items[i], name) == 0) return true;
    return false;
}

/* As the file has it. */
static const char *field(const Log *log, const char *name) {
    Text text = text_new(log->driver->arena);
    if (log->json)
        text_add_json(&text, name);
    else
        text_add_csv(&text, name);
    return text.bytes;
}

static void name_fields(Log *log, Training *const *trainings, int count) {
    log->runs = arena_array(log->driver->arena, const char *, count + 1);
    log->fields = arena_array(log->driver->arena, const char *, log->metrics.count + 1);
    for (int r = 0; r < count; r++) log->runs[r] = field(log, trainings[r]->run->name);
    for (int m = 0; m < log->metrics.count; m++) log->fields[m] = field(log, log->metrics.items[m]);
}

/* ---- what was trained --------------------------------------------------------------------------- */
static void add_comment(FILE *to, Arena *arena, const char *what, const char *text) {
    fprintf(to, "# %s%s%s\n", what, *text ? " " : "", text_shown(arena, text));
}

static const char *describe_run(const Training *t) {
    return text_format(t->driver->arena, "%s: seed=%llu rows=%lld batch=%lld steps=%lld %s", t->run->name,
                       (unsigned long long)t->run->seed, (long long)t->data->train.count, (long long)t->batch,
                       (long long)t->planned, record_settings(t));
}

static void write_comments(FILE *to, Driver *driver, Training *const *trainings, int count) {
    const Options *o = driver->options;
    Arena *arena = driver->arena;
    add_comment(to, arena, "sgdc", SGDC_VERSION);
    add_comment(to, arena, "program", o->file);
    for (int i = 0; i < o->set.count; i++)
        add_comment(to, arena, "set", text_format(arena, "%s=%s", o->set.items[i].name, o->set.items[i].value));
    for (int i = 0; i < o->data.count; i++)
        add_comment(to, arena, "data", text_format(arena, "%s=%s", o->data.items[i].name, o->data.items[i].value));
    if (o->overfit) add_comment(to, arena, "overfit", o->overfit);
    for (int r = 0; r < count; r++) add_comment(to, arena, "run", describe_run(trainings[r]));
}

Log *log_open(Driver *driver, Training *const *trainings, int count) {
    Log *log = arena_new_of(driver->arena, Log);
    const char *path = driver->options->log, *problem;
    log->driver = driver;
    log->json = strcmp(path_extension(path), ".jsonl") == 0;
    log->folder = path_names_folder(path);
    if (!log->folder && !output_open(driver->arena, path, &log->output, &problem)) {
        driver_complain(driver, "%s %s", path, problem);
        return NULL;
    }
    for (int r = 0; r < count; r++)
        for (int m = 0; m < trainings[r]->run->measure_count; m++) {
            const char *name = trainings[r]->run->measures[m].name;
            if (!has_metric(log, name)) vector_push(driver->arena, &log->metrics, name);
        }
    name_fields(log, trainings, count);
    if (log->json || log->folder) return log;
    write_comments(log->output.file, driver, trainings, count);
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

/* ---- event files --------------------------------------------------------------------------------- */
/* Where a file can be made, a folder can. */
bool log_folder_is_possible(Driver *driver) {
    const char *path = driver->options->log, *problem;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    const char *folder = text_format(driver->arena, "%.*s", (int)length, path);
    const char *file = path_is_folder(path) ? path_below(driver->arena, path, "events.out.tfevents") : folder;
    if (file == folder && path_is_file(folder))
        problem = "cannot be a folder: it is a file";
    else if (output_is_possible(driver->arena, file, &problem))
        return true;
    driver_complain(driver, "%s %s", path, problem);
    return false;
}

/* Several runs have a folder each. */
static const char *folder_of(const Log *log, const Training *t) {
    Arena *arena = log->driver->arena;
    const char *path = log->driver->options->log;
    return t->driver->program->run_count == 1 ? path : path_below(arena, path, exported_file_word(arena, t->run->name));
}

static void add_scalar(EventScalar *scalars, int *count, const char *tag, double value, bool has) {
    if (has) scalars[(*count)++] = (EventScalar){tag, value};
}

static int list_scalars(const Log *log, const Training *t, EventScalar *scalars) {
    const Run *run = t->run;
    int count = 0;
    add_scalar(scalars, &count, "train_loss", t->now.train_loss, true);
    add_scalar(scalars, &count, "valid_loss", t->now.valid_loss, t->data->valid.count > 0);
    for (int i = 0; i < run->term_count; i++)
        add_scalar(scalars, &count, log->terms[i], t->now.terms[i], run->term_count > 1);
    for (int m = 0; m < run->measure_count; m++)
        add_scalar(scalars, &count, run->measures[m].name, t->now.metrics[m], true);
    add_scalar(scalars, &count, "lr", t->now.lr, !isnan(t->now.lr));
    add_scalar(scalars, &count, "epoch", (double)t->now.epoch, true);
    add_scalar(scalars, &count, "seconds", t->now.seconds, true);
    return count;
}

static void close_events(Log *log) {
    const char *why;
    if (log->events && !event_file_close(log->events, &why) && !log->failure) log->failure = why;
    log->events = NULL;
}

static void open_events(Log *log, const Training *t) {
    Arena *arena = log->driver->arena;
    mkdir(log->driver->options->log, 0777); /* what is wrong with it, its file tells */
    log->events = event_file_open(arena, folder_of(log, t), t->started_step + 1, &log->failure);
    log->events_run = t->index;
    log->scalars = arena_array(arena, EventScalar, t->run->term_count + t->run->measure_count + 5);
    log->terms = arena_array(arena, const char *, t->run->term_count + 1);
    for (int i = 0; i < t->run->term_count; i++)
        log->terms[i] = text_format(arena, "train_loss/%s", t->run->terms[i].name);
}

static void write_events(Log *log, const Training *t) {
    const char *why;
    if (log->events && log->events_run != t->index) close_events(log);
    if (!log->events && !log->failure) open_events(log, t);
    if (!log->events) return;
    if (!event_file_write(log->events, t->now.step, log->scalars, list_scalars(log, t, log->scalars), &why) &&
        !log->failure)
        log->failure = why;
}

/* Who reads standard output sees rows soon; to flush each would take longer than a short epoch. */
static void flush_soon(Log *log) {
    if (log->output.file != stdout || clock_seconds() - log->flushed < 0.1) return;
    fflush(stdout);
    log->flushed = clock_seconds();
}

/* ---- rows ---------------------------------------------------------------------------------------- */
void log_row(Log *log, const Training *t) {
    if (log->folder) {
        write_events(log, t);
        return;
    }
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
    flush_soon(log);
}

bool log_close(Log *log) {
    const char *problem;
    if (log->folder) close_events(log);
    if (log->folder) problem = log->failure;
    if (log->folder ? !problem : output_finish(log->driver->arena, &log->output, &problem)) return true;
    driver_complain(log->driver, "%s %s", log->driver->options->log, problem);
    return false;
}
