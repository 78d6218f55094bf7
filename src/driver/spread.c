/* spread: what folds and seeds say together. Runs that differ in nothing else are a group, shown as a row: of each
 * figure the mean, and how far single runs are from it (the standard deviation, over one run less).
 *
 * Sums are taken in the order of the program. A figure that one of the runs has not, as it diverged, has no mean.
 */
#include "driver/training.h"
#include <math.h>
#include <string.h>

typedef struct Group {
    Training **runs;
    int count;
} Group;

static bool is_repeated(const char *name) { return strcmp(name, EACH_FOLD) == 0 || strcmp(name, "seed") == 0; }

static const char *value_of(const Run *run, const char *name) {
    for (int i = 0; i < run->each_count; i++)
        if (strcmp(run->each[i].name, name) == 0) return run->each[i].text;
    return NULL;
}

/* Has `a` nothing that `b` has not, but its fold and seed? */
static bool covers(const Run *a, const Run *b) {
    for (int i = 0; i < a->each_count; i++) {
        const char *other = value_of(b, a->each[i].name);
        if (!is_repeated(a->each[i].name) && (!other || strcmp(other, a->each[i].text))) return false;
    }
    return true;
}

static bool repeats(const Run *a, const Run *b) {
    return strcmp(a->block, b->block) == 0 && covers(a, b) && covers(b, a);
}

/* Of runs in the order of the program; those with nothing to repeat are left out. */
static int group_runs(Arena *arena, Training *const *ts, int count, Group *groups) {
    int found = 0;
    for (int r = 0; r < count; r++) {
        int at = 0;
        while (at < found && !repeats(groups[at].runs[0]->run, ts[r]->run)) at++;
        if (at == found) groups[found++] = (Group){arena_array(arena, Training *, count), 0};
        groups[at].runs[groups[at].count++] = ts[r];
    }
    int kept = 0;
    for (int g = 0; g < found; g++)
        if (groups[g].count > 1) groups[kept++] = groups[g];
    return kept;
}

/* ---- figures --------------------------------------------------------------------------------------- */
static double figure_of(const Training *t, const char *name) {
    return training_diverged(t) ? NAN : watch_figure(t->run, training_figures(t), name);
}

static double mean_of(const Group *group, const char *name) {
    double sum = 0;
    for (int r = 0; r < group->count; r++) sum += figure_of(group->runs[r], name);
    return sum / group->count;
}

static double deviation_of(const Group *group, const char *name, double mean) {
    double sum = 0;
    for (int r = 0; r < group->count; r++) {
        double from = figure_of(group->runs[r], name) - mean;
        sum += from * from;
    }
    return sqrt(sum / (group->count - 1));
}

static const char *spread_text(Arena *arena, const Group *group, const char *name) {
    double mean = mean_of(group, name);
    char text[64], other[64];
    if (isnan(mean)) return "-";
    report_figure(text, sizeof text, mean, true);
    return text_format(arena, "%s +- %s", text,
                       report_figure(other, sizeof other, deviation_of(group, name, mean), true));
}

static bool any_has(const Group *groups, int count, const char *name) {
    for (int g = 0; g < count; g++)
        if (!isnan(mean_of(&groups[g], name))) return true;
    return false;
}

/* ---- the table --------------------------------------------------------------------------------------- */
static int count_values(const Group *group, const char *name) {
    int values = 0;
    for (int r = 0; r < group->count; r++) {
        const char *value = value_of(group->runs[r]->run, name);
        bool earlier = value == NULL;
        for (int q = 0; q < r && !earlier; q++) {
            const char *other = value_of(group->runs[q]->run, name);
            earlier = other && strcmp(other, value) == 0;
        }
        values += !earlier;
    }
    return values;
}

/* "5 folds, 3 seeds" */
static const char *over_text(Arena *arena, const Group *group) {
    int folds = count_values(group, EACH_FOLD), seeds = count_values(group, "seed");
    Text text = text_new(arena);
    if (folds > 1) text_add(&text, "%d folds", folds);
    if (seeds > 1) text_add(&text, "%s%d seeds", text.length ? ", " : "", seeds);
    return text.bytes;
}

static void add_each_columns(Table *table, const Group *groups, int count) {
    for (int g = 0; g < count; g++) {
        const Run *run = groups[g].runs[0]->run;
        for (int i = 0; i < run->each_count; i++) {
            const char *name = run->each[i].name;
            bool told = is_repeated(name);
            for (int q = 0; q < g && !told; q++) told = value_of(groups[q].runs[0]->run, name) != NULL;
            if (told) continue;
            const char **cells = table_column(table, false, name);
            for (int q = 0; q < count; q++) cells[q] = run_setting_text(table->arena, groups[q].runs[0]->run, name);
        }
    }
}

static void add_figure(Table *table, const Group *groups, int count, const char *heading, const char *figure) {
    if (!any_has(groups, count, figure)) return;
    const char **cells = table_column(table, false, heading);
    for (int g = 0; g < count; g++) cells[g] = spread_text(table->arena, &groups[g], figure);
}

/* Measures that all groups have. */
static void add_measures(Table *table, const Group *groups, int count) {
    const Run *first = groups[0].runs[0]->run;
    for (int m = 0; m < first->measure_count; m++) {
        const char *name = first->measures[m].name;
        bool all = true;
        for (int g = 0; g < count; g++)
            for (int r = 0; r < groups[g].count; r++) {
                const Run *run = groups[g].runs[r]->run;
                all &= m < run->measure_count && strcmp(run->measures[m].name, name) == 0;
            }
        if (all) add_figure(table, groups, count, name, text_format(table->arena, "valid.%s", name));
    }
}

/* The group whose mean is best; -1: there is no other, or none can be told. */
static int best_of(const Ranking *ranking, const Group *groups, int count) {
    int best = -1;
    double least = INFINITY, most = -INFINITY;
    for (int g = 0; g < count && ranking->figure; g++) {
        double mean = mean_of(&groups[g], ranking->figure) * (ranking->highest ? -1 : 1);
        if (mean < least) best = g;
        least = fmin(least, mean);
        most = fmax(most, mean);
    }
    return least < most ? best : -1;
}

Table spread_table(const Ranking *ranking, bool *judged) {
    Arena *arena = ranking->runs[0]->driver->arena;
    Training **ts = arena_array(arena, Training *, ranking->count);
    Group *groups = arena_array(arena, Group, ranking->count);
    for (int r = 0; r < ranking->count; r++) {
        int at = r;
        for (; at > 0 && ts[at - 1]->index > ranking->runs[r]->index; at--) ts[at] = ts[at - 1];
        ts[at] = ranking->runs[r];
    }
    int count = group_runs(arena, ts, ranking->count, groups), best = best_of(ranking, groups, count);
    Table table = {.rows = count ? count + 1 : 0, .arena = arena};
    *judged = best >= 0;
    if (!count) return table;
    const char **names = table_column(&table, true, best >= 0 ? "  mean of" : "mean of");
    for (int g = 0; g < count; g++)
        names[g] = best < 0 ? groups[g].runs[0]->run->block
                            : text_format(arena, "%s %s", g == best ? "*" : " ", groups[g].runs[0]->run->block);
    const char **over = table_column(&table, true, "over");
    for (int g = 0; g < count; g++) over[g] = over_text(arena, &groups[g]);
    add_each_columns(&table, groups, count);
    add_figure(&table, groups, count, "train_loss", "train.loss");
    add_figure(&table, groups, count, "valid_loss", "valid.loss");
    add_measures(&table, groups, count);
    return table;
}

void report_spread(const Report *report, const Ranking *ranking) {
    bool judged;
    Table table = spread_table(ranking, &judged);
    if (!table.rows) return;
    fprintf(report->to, "\n");
    table_print(&table, report->to);
    if (judged) fprintf(report->to, "* the best by the mean of %s\n", ranking->figure);
}
