/* Records: what keep and stop have seen, and the sums of the epoch at hand, as text in a saved file.
 *
 * A record is a list of NAME=NUMBER, separated by blanks. Numbers have 17 digits, so that they come back to the bit.
 * A figure is named with the way in which it is better, as in lowest.valid.loss.
 */
#include "driver/record.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(Text *text, const char *name, double value) {
    text_add(text, "%s%s=%.17g", text->length ? " " : "", name, value);
}

/* The text behind "NAME=", or NULL. */
static const char *value_text(const char *record, const char *name) {
    size_t length = strlen(name);
    for (const char *at = record; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        if (!strncmp(at, name, length) && at[length] == '=') return at + length + 1;
    return NULL;
}

static bool find(const char *record, const char *name, double *value) {
    const char *text = value_text(record, name);
    char *end;
    if (!text) return false;
    *value = strtod(text, &end);
    return end > text && (*end == ' ' || *end == 0);
}

/* Epochs and steps; false as well for one that has not been reached. */
static bool find_count(const char *record, const char *name, int64_t most, int64_t *count) {
    double value;
    if (!find(record, name, &value) || !(value >= 0 && value <= (double)most) || value != floor(value)) return false;
    *count = (int64_t)value;
    return true;
}

static const char *directed(const Training *t, const char *figure, bool highest) {
    return text_format(t->driver->arena, "%s.%s", highest ? "highest" : "lowest", figure);
}

/* ---- settings ------------------------------------------------------------------------------------ */
static const char *slot_text(const Training *t, const Slot *slot) {
    return text_number(t->driver->arena, slot->value, slot->dtype == DTYPE_F32);
}

/* Those that follow a schedule have no number. */
const char *record_settings(const Training *t) {
    Text text = text_new(t->driver->arena);
    for (int i = 0; i < t->run->slot_count; i++) {
        const Slot *slot = &t->run->slots[i];
        if (isnan(slot->value)) continue;
        text_add(&text, "%s%s=%s", text.length ? " " : "", slot->name, slot_text(t, slot));
    }
    return text.bytes;
}

const char *record_changes(const Training *t, const char *settings) {
    Arena *arena = t->driver->arena;
    Text text = text_new(arena);
    for (int i = 0; settings && i < t->run->slot_count; i++) {
        const Slot *slot = &t->run->slots[i];
        const char *now = slot_text(t, slot), *then = value_text(settings, slot->name);
        double number;
        if (isnan(slot->value) || !find(settings, slot->name, &number)) continue;
        int length = (int)strcspn(then, " ");
        if ((int)strlen(now) == length && !strncmp(now, then, (size_t)length)) continue;
        text_add(&text, "; %s = %s, was %.*s", slot->name, now, length, then);
    }
    return text.bytes;
}

/* ---- sums ---------------------------------------------------------------------------------------- */
static const char *numbered(const Training *t, const char *name, int i) {
    return text_format(t->driver->arena, "%s%d", name, i);
}

const char *record_sums(const Training *t) {
    Text text = text_new(t->driver->arena);
    for (int i = 0; i < run_sums(t->run) && t->sums_whole; i++) add(&text, numbered(t, "term", i), t->sums[i]);
    return text.bytes;
}

bool record_read_sums(Training *t, const char *text) {
    int64_t step = (int64_t)training_header(t)->step, steps = step % t->steps_per_epoch;
    t->sums_whole = false;
    if (!text || !*text || step == 0) return true;
    for (int i = 0; i < run_sums(t->run); i++)
        if (!value_text(text, numbered(t, "term", i)))
            return true;
        else if (!find(text, numbered(t, "term", i), &t->sums[i]) || !isfinite(t->sums[i]))
            return false;
    t->term_steps = steps ? steps : t->steps_per_epoch;
    t->term_rows = t->term_steps * t->batch < t->feed.places ? t->term_steps * t->batch : t->feed.places;
    if (t->run->partner_count) { /* all but the last are whole steps */
        int64_t before = (t->term_steps - 1) * t->batch;
        t->term_rows = (t->term_steps - 1) * t->gathering.places +
                       sgdrt_gathered_places(&t->gathering, t->term_rows - before);
    }
    t->sums_whole = true;
    return true;
}

/* ---- keep ---------------------------------------------------------------------------------------- */
const char *record_kept(const Training *t) {
    const Run *run = t->run;
    Text text = text_new(t->driver->arena);
    if (!t->best_epoch) return "";
    add(&text, directed(t, run->keep_figure, run->keep_highest), t->best_figure);
    add(&text, "epoch", (double)t->best_epoch);
    add(&text, "step", (double)t->best_at.step);
    add(&text, "train_loss", t->best_at.train_loss);
    add(&text, "valid_loss", t->best_at.valid_loss);
    for (int i = 0; i < run->term_count; i++) add(&text, numbered(t, "term", i), t->best_at.terms[i]);
    for (int i = 0; i < run->measure_count; i++)
        add(&text, text_format(t->driver->arena, "measure.%s", run->measures[i].name), t->best_at.metrics[i]);
    return text.bytes;
}

/* Figures that are only printed may be missing. */
static double printed(const char *text, const char *name) {
    double value;
    return find(text, name, &value) ? value : NAN;
}

bool record_read_kept(Training *t, const char *text) {
    const Run *run = t->run;
    t->best_epoch = 0;
    if (!text || !*text || !run->keep_figure || !value_text(text, directed(t, run->keep_figure, run->keep_highest)))
        return true;
    double figure;
    int64_t epoch, step, now = (int64_t)training_header(t)->step;
    if (!find(text, directed(t, run->keep_figure, run->keep_highest), &figure) || isnan(figure) ||
        !find_count(text, "step", now, &step) || !find_count(text, "epoch", step, &epoch) || epoch < 1)
        return false;
    t->best_figure = figure;
    t->best_epoch = t->best_at.epoch = epoch;
    t->best_at.step = step;
    t->best_at.train_loss = printed(text, "train_loss");
    t->best_at.valid_loss = printed(text, "valid_loss");
    for (int i = 0; i < run->term_count; i++) t->best_at.terms[i] = printed(text, numbered(t, "term", i));
    for (int i = 0; i < run->measure_count; i++)
        t->best_at.metrics[i] = printed(text, text_format(t->driver->arena, "measure.%s", run->measures[i].name));
    return true;
}

/* ---- stop ---------------------------------------------------------------------------------------- */
/* The stalled() of a tree in their order. */
static int list_stalled(const Watch *watch, const Watch **list, int count) {
    if (!watch) return count;
    if (watch->kind == WATCH_STALLED) list[count++] = watch;
    count = list_stalled(watch->left, list, count);
    return list_stalled(watch->right, list, count);
}

static const Watch **all_stalled(const Training *t, int *count) {
    const Watch **list = arena_array(t->driver->arena, const Watch *, watch_count_stalled(t->run->stop) + 1);
    *count = list_stalled(t->run->stop, list, 0);
    return list;
}

static const char *stalled_name(const Training *t, const Watch *watch, int place) {
    return text_format(t->driver->arena, "%d.%s", place, directed(t, watch->figure, watch->highest));
}

const char *record_stalled(const Training *t) {
    Text text = text_new(t->driver->arena);
    int count;
    const Watch **list = all_stalled(t, &count);
    for (int i = 0; i < count; i++) {
        add(&text, stalled_name(t, list[i], i), t->stalled_best[i]);
        add(&text, text_format(t->driver->arena, "%d.epoch", i), (double)t->stalled_epoch[i]);
    }
    return text.bytes;
}

bool record_read_stalled(Training *t, const char *text) {
    int count;
    const Watch **list = all_stalled(t, &count);
    for (int i = 0; i < count && text && *text; i++) {
        const char *name = stalled_name(t, list[i], i);
        if (!value_text(text, name)) continue;
        int64_t now = (int64_t)training_header(t)->step;
        if (!find(text, name, &t->stalled_best[i]) ||
            !find_count(text, text_format(t->driver->arena, "%d.epoch", i), now, &t->stalled_epoch[i]))
            return false;
    }
    return true;
}

void record_forget(Training *t) {
    int count = watch_count_stalled(t->run->stop);
    t->sums_whole = false;
    t->best_epoch = 0;
    for (int i = 0; i < count; i++) {
        t->stalled_best[i] = NAN;
        t->stalled_epoch[i] = 0;
    }
}
