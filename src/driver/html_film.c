/* html_film: what page.js needs to draw films: a figure that holds their numbers as JSON.
 *
 * Frames are numbers of 8 or 16 bits between the ends of what the picture shows, as base64: a page of eighty frames of a
 * plane has 0.3 MB. What lies beyond an end is drawn at it; a curve has as much room above and below its axis.
 */
#include "driver/html.h"
#include "driver/seeing.h"
#include <math.h>

typedef struct Scale {
    int bits;
    double low, high;
} Scale;

static Scale weights_scale(const Film *film) {
    double most = 0;
    for (int f = 0; f < film->frame_count; f++)
        for (int i = 0; i < film->picture.values; i++) most = fmax(most, fabs((double)film->frames[f].values[i]));
    if (!(most > 0)) most = 1;
    return (Scale){8, -most, most};
}

/* 255 counts or classes are as many as numbers of 8 bits have. */
static Scale scale_of(const Film *film) {
    const Picture *p = &film->picture;
    double room = p->y.high - p->y.low;
    switch (p->kind) {
    case PICTURE_WEIGHTS: return weights_scale(film);
    case PICTURE_PLANE: return (Scale){p->rule == CLASS_NONE ? 8 : 16, p->low, p->high};
    case PICTURE_CONFUSION: return (Scale){16, 0, 65535};
    case PICTURE_NONE: return (Scale){8, 0, 1};
    default: return (Scale){16, p->y.low - room, p->y.high + room};
    }
}

static void add_axis(Text *page, const char *name, const PictureAxis *axis) {
    text_add(page, ",\"%s\":{\"name\":", name);
    html_add_json(page, axis->name ? axis->name : "");
    text_add(page, ",\"low\":%.6g,\"high\":%.6g}", axis->low, axis->high);
}

static void add_frames(Text *page, const Training *t) {
    const Film *film = t->film;
    Scale scale = scale_of(film);
    text_add(page, ",\"bits\":%d,\"low\":%.6g,\"high\":%.6g,\"frames\":[", scale.bits, scale.low, scale.high);
    for (int f = 0; f < film->frame_count; f++) {
        const PlotPoint *loss = film_loss(t, &film->frames[f]);
        text_add(page, "%s[%lld,", f ? "," : "", (long long)film->frames[f].step);
        html_add_number(page, film->frames[f].epoch);
        text_add(page, ",");
        html_add_number(page, loss ? loss->train_loss : NAN);
        text_add(page, "]");
    }
    text_add(page, "],\"data\":[");
    for (int f = 0; f < film->frame_count; f++) {
        text_add(page, f ? ",\n\"" : "\"");
        html_add_values(page, film->frames[f].values, film->picture.values, scale.bits, scale.low, scale.high);
        text_add(page, "\"");
    }
    text_add(page, "]");
}

static void add_losses(Text *page, const Training *t) {
    text_add(page, ",\"losses\":[");
    for (int i = 0; i < t->point_count; i++) {
        text_add(page, i ? ",[" : "[");
        html_add_number(page, t->points[i].epoch);
        text_add(page, ",");
        html_add_number(page, t->points[i].train_loss);
        text_add(page, ",");
        html_add_number(page, t->points[i].valid_loss);
        text_add(page, "]");
    }
    text_add(page, "]");
}

static void add_run(Text *page, const Training *t) {
    static const char *const kinds[] = {"none", "curve", "plane", "weights", "agreement", "confusion"};
    const Picture *p = &t->film->picture;
    text_add(page, "{\"name\":");
    html_add_json(page, t->run->name);
    text_add(page, ",\"says\":");
    html_add_json(page, picture_says(page->arena, p));
    text_add(page, ",\"kind\":\"%s\",\"classes\":%d,\"width\":%d,\"height\":%d,\"count\":%d,\"diverged\":%s",
             kinds[p->kind], p->rule == CLASS_NONE ? 0 : p->target.classes, p->width, p->height, p->count,
             t->end == END_DIVERGED ? "true" : "false");
    text_add(page, ",\"names\":[");
    for (int k = 0; p->rule != CLASS_NONE && k < p->target.classes; k++) {
        text_add(page, k ? "," : "");
        html_add_json(page, trained_class_name(page->arena, t->run->data, p->target.field, k));
    }
    text_add(page, "]");
    add_axis(page, "x", &p->x);
    add_axis(page, "y", &p->y);
    text_add(page, ",\"points\":[");
    for (int i = 0; p->points && i < 3 * p->point_count; i++) {
        text_add(page, i ? "," : "");
        html_add_number(page, (double)p->points[i]);
    }
    text_add(page, "]");
    add_frames(page, t);
    add_losses(page, t);
    text_add(page, "}");
}

void html_add_films(Text *page, Training *const *shown, int count) {
    Arena *arena = page->arena;
    Plot plot = {.arena = arena, .title = "", .runs = curves_of(arena, shown, count), .run_count = count};
    plot_scale(&plot);
    text_add(
        page,
        "<figure class=\"film\">\n<noscript>A browser that runs scripts shows here how the fit came about.</noscript>\n"
        "<script "
        "type=\"application/json\">{\"epochs\":[%.6g,%.6g],\"loss\":[%.6g,%.6g],\"logarithmic\":%s,\"runs\":[\n",
        plot.epoch.low, plot.epoch.high, plot.loss.low, plot.loss.high, plot.loss.logarithmic ? "true" : "false");
    for (int r = 0; r < count; r++) {
        if (r) text_add(page, ",\n");
        add_run(page, shown[r]);
    }
    text_add(page, "]}</script>\n</figure>\n");
}

const char *film_page(Arena *arena, Training *const *shown, int count, const char *title) {
    Text page = text_new(arena);
    html_open(&page, title);
    html_add(&page, "<h1>%s</h1>\n", title);
    html_add_films(&page, shown, count);
    html_close(&page);
    return page.bytes;
}
