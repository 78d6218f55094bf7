/* The comparison of several runs: which is the best, and one table of them all.
 *
 * Runs are judged by the figure that all of them keep by, else by the validation loss, else by the training loss; only
 * where it is of the same thing in all of them (Run.objective). Then the best stands first, marked unless all are
 * equal, with the command that trains it again; else they stand in the order of the program, and so do runs of folds,
 * each of which is judged on other rows: of those the means are compared (spread.c). What is shown of a run is what it
 * keeps.
 */
#include "driver/training.h"
#include <math.h>
#include <string.h>

/* ---- which is the best --------------------------------------------------------------------------- */
static const Measure *measure_of(const Run *run, const char *figure) {
    const char *dot = strrchr(figure, '.');
    for (int m = 0; dot && m < run->measure_count; m++)
        if (!strcmp(run->measures[m].name, dot + 1)) return &run->measures[m];
    return NULL;
}

static bool minimise_alike(const Training *a, const Training *b) {
    return strcmp(a->run->objective, b->run->objective) == 0;
}

static bool same_losses(Training *const *ts, int count) {
    for (int r = 1; r < count; r++)
        if (!minimise_alike(ts[r], ts[0])) return false;
    return true;
}

/* Do all runs keep by one figure of the same thing? */
static bool keep_alike(Training *const *ts, int count) {
    const Run *first = ts[0]->run;
    if (!first->keep_figure) return false;
    const Measure *measure = measure_of(first, first->keep_figure);
    for (int r = 1; r < count; r++) {
        const Run *run = ts[r]->run;
        if (!run->keep_figure || strcmp(run->keep_figure, first->keep_figure) ||
            run->keep_highest != first->keep_highest)
            return false;
        const Measure *other = measure_of(run, run->keep_figure);
        if (measure && (!other || strcmp(measure->objective, other->objective))) return false;
    }
    return measure || same_losses(ts, count);
}

/* NaN: cannot be judged. */
static double judged(const Training *t, const Ranking *ranking) {
    if (training_diverged(t)) return NAN;
    double figure = watch_figure(t->run, training_figures(t), ranking->figure);
    return ranking->highest ? -figure : figure;
}

static bool before(const Training *a, const Training *b, const Ranking *ranking) {
    double x = judged(a, ranking), y = judged(b, ranking);
    return x < y || (isnan(y) && !isnan(x));
}

bool training_diverged(const Training *t) { return t->end == END_DIVERGED && !t->best_epoch; }

Ranking ranking_of(Arena *arena, Training *const *ts, int count) {
    Ranking ranking = {.runs = arena_array(arena, Training *, count + 1), .count = count};
    bool validated = true;
    for (int r = 0; r < count; r++) {
        validated &= ts[r]->data->valid.count > 0;
        ranking.folds |= ts[r]->run->folds > 0;
    }
    if (keep_alike(ts, count)) {
        ranking.figure = ts[0]->run->keep_figure;
        ranking.highest = ts[0]->run->keep_highest;
    } else if (same_losses(ts, count)) {
        ranking.figure = validated ? "valid.loss" : "train.loss";
    }
    for (int r = 0; r < count; r++) {
        int at = r;
        for (; ranking.figure && !ranking.folds && at > 0 && before(ts[r], ranking.runs[at - 1], &ranking); at--)
            ranking.runs[at] = ranking.runs[at - 1];
        ranking.runs[at] = ts[r];
    }
    Training *first = ranking.runs[0], *last = ranking.runs[count - 1];
    if (ranking.figure && !ranking.folds && before(first, last, &ranking)) ranking.best = first;
    return ranking;
}

/* ---- tables ---------------------------------------------------------------------------------------- */
const char **table_column(Table *table, bool left, const char *heading) {
    if (table->columns == MOST_TABLE_COLUMNS) return arena_array(table->arena, const char *, table->rows);
    const char **cells = arena_array(table->arena, const char *, table->rows);
    table->left[table->columns] = left;
    table->cells[table->columns++] = cells;
    cells[0] = heading;
    return cells + 1;
}

void table_print(const Table *table, FILE *to) {
    int width[MOST_TABLE_COLUMNS] = {0};
    for (int c = 0; c < table->columns; c++)
        for (int r = 0; r < table->rows; r++) {
            int length = (int)strlen(table->cells[c][r]);
            if (length > width[c]) width[c] = length;
        }
    for (int r = 0; r < table->rows; r++)
        for (int c = 0; c < table->columns; c++) {
            bool last = c + 1 == table->columns;
            int pad = table->left[c] ? last ? 0 : -width[c] : width[c];
            fprintf(to, "%*s%s", pad, table->cells[c][r], last ? "\n" : "   ");
        }
}

static const char *each_value(const Run *run, const char *name) {
    for (int i = 0; i < run->each_count; i++)
        if (strcmp(run->each[i].name, name) == 0) return run->each[i].text;
    return NULL;
}

static const char *batch_text(Arena *arena, const Run *run) {
    char text[32];
    return run->batch == 0 ? "all" : text_format(arena, "%s", report_count(text, sizeof text, run->batch));
}

/* The rate; with optimizer[part] the different rates of the parts, as in 0.1, 0.001. */
static const char *lr_text(Arena *arena, const Run *run) {
    Text text = text_new(arena);
    for (int i = 0; i < run->slot_count; i++) {
        const Slot *slot = &run->slots[i];
        if (strcmp(slot->name, "lr") != 0 && strncmp(slot->name, "lr@", 3) != 0) continue;
        bool told = false;
        for (int k = 0; k < i && !told; k++)
            told = (strcmp(run->slots[k].name, "lr") == 0 || strncmp(run->slots[k].name, "lr@", 3) == 0) &&
                   (run->slots[k].value == slot->value || (isnan(run->slots[k].value) && isnan(slot->value)));
        if (told) continue;
        text_add(&text, "%s%s", text.length ? ", " : "",
                 isnan(slot->value) ? "schedule" : text_number(arena, slot->value, true));
    }
    return text.length ? text.bytes : "-";
}

const char *run_setting_text(Arena *arena, const Run *run, const char *name) {
    const char *text = each_value(run, name);
    if (text) return text;
    return strcmp(name, "batch") == 0 ? batch_text(arena, run) : strcmp(name, "lr") == 0 ? lr_text(arena, run) : "-";
}

/* What differs between the runs by `each`: a column per name, in order of first appearance. */
static void add_each_columns(Table *table, Training *const *ts, int count) {
    for (int r = 0; r < count; r++)
        for (int i = 0; i < ts[r]->run->each_count; i++) {
            const char *name = ts[r]->run->each[i].name;
            bool earlier = false;
            for (int q = 0; q < r && !earlier; q++) earlier = each_value(ts[q]->run, name) != NULL;
            if (earlier) continue;
            const char **cells = table_column(table, false, name);
            for (int q = 0; q < count; q++) cells[q] = run_setting_text(table->arena, ts[q]->run, name);
        }
}

static bool any_has_each(Training *const *ts, int count, const char *name) {
    for (int r = 0; r < count; r++)
        if (each_value(ts[r]->run, name)) return true;
    return false;
}

static void add_batch_column(Table *table, Training *const *ts, int count) {
    bool differ = false;
    for (int r = 1; r < count; r++) differ |= ts[r]->run->batch != ts[0]->run->batch;
    if (!differ || any_has_each(ts, count, "batch")) return;
    const char **cells = table_column(table, false, "batch");
    for (int r = 0; r < count; r++) cells[r] = batch_text(table->arena, ts[r]->run);
}

static void add_lr_column(Table *table, Training *const *ts, int count) {
    bool differ = false;
    for (int r = 1; r < count; r++)
        differ |= strcmp(lr_text(table->arena, ts[r]->run), lr_text(table->arena, ts[0]->run)) != 0;
    if (!differ || any_has_each(ts, count, "lr")) return;
    const char **cells = table_column(table, false, "lr");
    for (int r = 0; r < count; r++) cells[r] = lr_text(table->arena, ts[r]->run);
}

/* A loss that the good runs come to: the lowest, a little above, in two digits. 0 if there is none, or one
 * began with it. */
static double common_loss(Training *const *ts, int count) {
    double least = INFINITY, first = INFINITY;
    for (int r = 0; r < count; r++) {
        if (ts[r]->point_count > 0) first = fmin(first, ts[r]->points[0].train_loss);
        if (ts[r]->end == END_DIVERGED || ts[r]->point_count == 0) continue;
        double loss = ts[r]->points[ts[r]->point_count - 1].train_loss;
        if (loss < least) least = loss;
    }
    if (!(least > 0) || isinf(least)) return 0;
    double unit = pow(10, floor(log10(least)) - 1);
    double loss = ceil(least * 1.02 / unit) * unit;
    return loss < first ? loss : 0;
}

static double seconds_to(const Training *t, double loss) {
    for (int i = 0; i < t->point_count; i++)
        if (t->points[i].train_loss <= loss) return t->points[i].seconds;
    return -1;
}

static void add_time_to(Table *table, Training *const *ts, int count, Training *const *alike, int alike_count) {
    double loss = alike_count > 1 ? common_loss(alike, alike_count) : 0;
    char text[32];
    if (loss <= 0) return;
    const char **cells = table_column(table, true,
                                      text_format(table->arena, loss < 10 ? "time to %.2g" : "time to %.0f", loss));
    for (int r = 0; r < count; r++) {
        double seconds = minimise_alike(ts[r], alike[0]) ? seconds_to(ts[r], loss) : -1;
        cells[r] = seconds < 0 ? "-" : text_format(table->arena, "%s", report_duration(text, sizeof text, seconds));
    }
}

/* A column for the runs that minimise the same, one for those that minimise something else, and so on. */
static void add_time_columns(Table *table, Training *const *ts, int count) {
    Training **alike = arena_array(table->arena, Training *, count + 1);
    char text[32];
    for (int first = 0; first < count; first++) {
        int alike_count = 0;
        bool done = false;
        for (int r = 0; r < count; r++) {
            if (!minimise_alike(ts[r], ts[first])) continue;
            done |= r < first;
            alike[alike_count++] = ts[r];
        }
        if (!done) add_time_to(table, ts, count, alike, alike_count);
    }
    const char **cells = table_column(table, true, "total");
    for (int r = 0; r < count; r++)
        cells[r] = text_format(table->arena, "%s", report_duration(text, sizeof text, ts[r]->now.seconds));
}

static void add_metric_columns(Table *table, Training *const *ts, int count) {
    char text[64];
    for (int m = 0; m < ts[0]->run->measure_count; m++) {
        const char *name = ts[0]->run->measures[m].name;
        bool all = true;
        for (int r = 0; r < count; r++)
            all &= m < ts[r]->run->measure_count && strcmp(ts[r]->run->measures[m].name, name) == 0;
        if (!all) continue;
        const char **cells = table_column(table, false, name);
        for (int r = 0; r < count; r++) {
            double figure = training_figures(ts[r])->metrics[m];
            cells[r] = text_format(table->arena, "%s", report_figure(text, sizeof text, figure, !isnan(figure)));
        }
    }
}

static void add_kept_column(Table *table, Training *const *ts, int count) {
    bool any = false;
    char text[32];
    for (int r = 0; r < count; r++) any |= ts[r]->best_epoch > 0;
    if (!any) return;
    const char **cells = table_column(table, false, "kept epoch");
    for (int r = 0; r < count; r++)
        cells[r] = ts[r]->best_epoch
                       ? text_format(table->arena, "%s", report_count(text, sizeof text, ts[r]->best_epoch))
                       : "-";
}

static void add_loss_columns(Table *table, Training *const *ts, int count) {
    char text[64];
    bool validated = false;
    for (int r = 0; r < count; r++) validated |= ts[r]->data->valid.count > 0;
    const char **losses = table_column(table, false, "train_loss");
    const char **valid = validated ? table_column(table, false, "valid_loss") : NULL;
    for (int r = 0; r < count; r++) {
        const Figures *figures = training_figures(ts[r]);
        losses[r] = training_diverged(ts[r])
                        ? "diverged"
                        : text_format(table->arena, "%s", report_figure(text, sizeof text, figures->train_loss, true));
        if (valid)
            valid[r] = text_format(table->arena, "%s",
                                   report_figure(text, sizeof text, figures->valid_loss, !isnan(figures->valid_loss)));
    }
}

/* A word of a shell's command line. */
static const char *shell_word(Arena *arena, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:,@%+-";
    if (*text && !text[strspn(text, plain)]) return text;
    Text word = text_new(arena);
    text_add(&word, "'");
    for (; *text; text++)
        if (*text == '\'')
            text_add(&word, "'\\''");
        else
            text_add_bytes(&word, text, 1);
    text_add(&word, "'");
    return word.bytes;
}

static void add_option(Text *to, const char *option, const char *name, const char *value) {
    text_add(to, " %s %s", option, shell_word(to->arena, text_format(to->arena, "%s=%s", name, value)));
}

const char *training_command(const Driver *driver, const char *run) {
    const Options *o = driver->options;
    Text to = text_new(driver->arena);
    text_add(&to, "sgdc %s", shell_word(driver->arena, o->file));
    for (int i = 0; i < o->set.count; i++) add_option(&to, "--set", o->set.items[i].name, o->set.items[i].value);
    for (int i = 0; i < o->data.count; i++) add_option(&to, "--data", o->data.items[i].name, o->data.items[i].value);
    if (o->has_seed) text_add(&to, " --seed=%lld", (long long)o->seed);
    if (o->overfit) text_add(&to, " --overfit=%s", o->overfit);
    text_add(&to, " --run");
    if (run) text_add(&to, "=%s", shell_word(driver->arena, run));
    return to.bytes;
}

Table comparison_table(const Ranking *ranking) {
    Training *const *ts = ranking->runs;
    int count = ranking->count;
    Table table = {.rows = count + 1, .arena = ts[0]->driver->arena};
    char text[64];
    const char **names = table_column(&table, true, ranking->best ? "  run" : "run");
    for (int r = 0; r < count; r++)
        names[r] = ranking->best ? text_format(table.arena, "%s %s", r ? " " : "*", ts[r]->run->block)
                                 : ts[r]->run->block;
    add_each_columns(&table, ts, count);
    add_batch_column(&table, ts, count);
    add_lr_column(&table, ts, count);
    const char **steps = table_column(&table, false, "steps");
    for (int r = 0; r < count; r++)
        steps[r] = text_format(table.arena, "%s", report_count(text, sizeof text, ts[r]->now.step));
    add_kept_column(&table, ts, count);
    add_loss_columns(&table, ts, count);
    add_metric_columns(&table, ts, count);
    add_time_columns(&table, ts, count);
    return table;
}

void report_comparison(const Report *report, const Ranking *ranking) {
    Table table = comparison_table(ranking);
    fprintf(report->to, "\n");
    table_print(&table, report->to);
    if (!ranking->best) return;
    fprintf(report->to, "* the best by %s; to train it again:\n  %s\n", ranking->figure,
            training_command(ranking->best->driver, ranking->best->run->name));
}
