/* film_script: a film as a gnuplot script: each frame is a page, a multiplot of a panel for each run and one for the losses. Colours of planes, weights and counts are computed here, as page.js computes them, so that gnuplot
 * draws pixels and no palette of its own.
 */
#include "driver/html.h"
#include "driver/seeing.h"
#include <math.h>

enum { PANEL_WIDTH = 360, PANEL_HEIGHT = 300, LEFT = 52, RIGHT = 14, TOP = 44, BOTTOM = 40, COLORS = 7 };

typedef struct Color {
    double r, g, b;
} Color;
static const Color palette[COLORS] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115}, {181, 88, 138},
                                      {183, 127, 0}, {58, 155, 209}, {107, 76, 154}};
static const Color white = {255, 255, 255}, below = {33, 102, 172}, above = {178, 24, 43};

static const char tics[] =
    "set xtics scale 0 nomirror textcolor rgb '#5b626b'\nset ytics scale 0 nomirror textcolor rgb '#5b626b'\n"
    "set grid xtics ytics\n";

typedef struct Script {
    Text *text;
    Training *const *shown;
    int count;
    Plot plot;
    int columns, rows; /* of panels */
} Script;

static Color mix(Color a, Color b, double part) {
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return (Color){a.r + (b.r - a.r) * part, a.g + (b.g - a.g) * part, a.b + (b.b - a.b) * part};
}

static Color heat(double part) {
    static const Color viridis[] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    double at = (part > 0 ? part < 0.9999 ? part : 0.9999 : 0) * 4;
    return mix(viridis[(int)at], viridis[(int)at + 1], at - (int)at);
}

static const char *hex(Arena *arena, Color c) {
    return text_format(arena, "#%02x%02x%02x", (int)c.r, (int)c.g, (int)c.b);
}
static int packed(Color c) { return (int)c.r << 16 | (int)c.g << 8 | (int)c.b; }

static const char *quoted(Arena *arena, const char *text) {
    Text out = text_new(arena);
    text_add_gnuplot(&out, text);
    return out.bytes;
}

/* ---- data ------------------------------------------------------------------------------------------- */
static Color point_color(const Picture *p, double truth) {
    if (p->kind != PICTURE_PLANE) return (Color){120, 126, 134};
    return p->rule != CLASS_NONE ? palette[(int)truth % COLORS] : heat((truth - p->low) / (p->high - p->low));
}

static void add_points(const Script *s, int r) {
    const Picture *p = &s->shown[r]->film->picture;
    text_add(s->text, "$points%d << END\n", r);
    for (int i = 0; i < p->point_count; i++)
        text_add(s->text, "%.6g %.6g %d\n", (double)p->points[3 * i], (double)p->points[3 * i + 1],
                 packed(point_color(p, (double)p->points[3 * i + 2])));
    text_add(s->text, "END\n$losses%d << END\n", r);
    for (int i = 0; i < s->shown[r]->point_count; i++) {
        const PlotPoint *point = &s->shown[r]->points[i];
        if (isfinite(point->train_loss))
            text_add(s->text, "%.6g %.6g\n", point->epoch, point->train_loss);
        else
            text_add(s->text, "%.6g NaN\n", point->epoch);
    }
    text_add(s->text, "END\n");
}

static void add_pixel(Text *text, double x, double y, Color c) {
    text_add(text, "%.5g %.5g %d %d %d\n", x, y, (int)c.r, (int)c.g, (int)c.b);
}

static void add_plane(Text *text, const Picture *p, const float *values) {
    for (int j = 0; j < p->height; j++)
        for (int i = 0; i < p->width; i++) {
            double value = (double)*values++, x = p->x.low + (p->x.high - p->x.low) * i / (p->width - 1);
            double y = p->y.low + (p->y.high - p->y.low) * j / (p->height - 1);
            Color color = p->rule == CLASS_NONE
                              ? heat((value - p->low) / (p->high - p->low))
                              : mix(white, palette[(int)value % COLORS], 0.1 + 0.5 * (value - floor(value)));
            add_pixel(text, x, y, color);
        }
}

static int across(const Picture *p) { return (int)ceil(sqrt((double)p->count)); }
static int down(const Picture *p) { return (p->count + across(p) - 1) / across(p); }

/* A pixel between the images stays white. */
static void add_weights(Text *text, const Film *film, const float *values) {
    const Picture *p = &film->picture;
    int width = across(p) * (p->width + 1) - 1, height = down(p) * (p->height + 1) - 1;
    double most = 1e-12;
    for (int f = 0; f < film->frame_count; f++)
        for (int i = 0; i < p->values; i++) most = fmax(most, fabs((double)film->frames[f].values[i]));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int k = y / (p->height + 1) * across(p) + x / (p->width + 1), i = x % (p->width + 1),
                j = y % (p->height + 1);
            bool inside = k < p->count && i < p->width && j < p->height;
            double part = inside ? (double)values[(k * p->height + j) * p->width + i] / most : 0;
            add_pixel(text, x, -y, mix(white, part < 0 ? below : above, sqrt(fabs(part))));
        }
}

static void add_confusion(Text *text, const Picture *p, const float *values) {
    for (int i = 0; i < p->width; i++) {
        double sum = 0;
        for (int j = 0; j < p->width; j++) sum += (double)values[i * p->width + j];
        for (int j = 0; j < p->width; j++)
            add_pixel(
                text, j, -i,
                mix(white, palette[i == j ? 2 : 1], sum > 0 ? 0.65 * sqrt((double)values[i * p->width + j] / sum) : 0));
    }
}

static void add_curves(Text *text, const Picture *p, const float *values) {
    for (int i = 0; i < p->width; i++) {
        text_add(text, "%.6g", p->x.low + (p->x.high - p->x.low) * i / (p->width - 1));
        for (int k = 0; k < p->count; k++) text_add(text, " %.6g", (double)values[k * p->width + i]);
        text_add(text, "\n");
    }
}

static void add_frame_data(const Script *s, int r, const float *values) {
    const Film *film = s->shown[r]->film;
    const Picture *p = &film->picture;
    text_add(s->text, "$now%d << END\n", r);
    switch (p->kind) {
    case PICTURE_CURVE: add_curves(s->text, p, values); break;
    case PICTURE_PLANE: add_plane(s->text, p, values); break;
    case PICTURE_WEIGHTS: add_weights(s->text, film, values); break;
    case PICTURE_CONFUSION: add_confusion(s->text, p, values); break;
    case PICTURE_AGREEMENT:
        for (int i = 0; i < p->count; i++)
            text_add(s->text, "%.6g %.6g\n", (double)p->points[3 * i + 2], (double)values[i]);
        break;
    default: break;
    }
    text_add(s->text, "END\n");
}

/* ---- panels -------------------------------------------------------------------------------------------- */
static void place_panel(const Script *s, int panel, const char *title, const char *subtitle) {
    Arena *a = s->text->arena;
    double w = s->columns * PANEL_WIDTH, h = s->rows * PANEL_HEIGHT;
    double x = panel % s->columns * PANEL_WIDTH, y = panel / s->columns * PANEL_HEIGHT;
    text_add(s->text,
             "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at "
             "screen %.4f\n",
             (x + LEFT) / w, (x + PANEL_WIDTH - RIGHT) / w, 1 - (y + TOP) / h, 1 - (y + PANEL_HEIGHT - BOTTOM) / h);
    text_add(s->text, "set label 1 %s at screen %.4f, screen %.4f left noenhanced textcolor rgb '#1f2328'\n",
             quoted(a, title), (x + LEFT) / w, 1 - (y + 15) / h);
    text_add(s->text, "set label 2 %s at screen %.4f, screen %.4f left noenhanced textcolor rgb '#5b626b'\n",
             quoted(a, subtitle), (x + LEFT) / w, 1 - (y + 32) / h);
}

static void set_ranges(Text *text, double x0, double x1, double y0, double y1, const char *x, const char *y) {
    text_add(text, "unset logscale\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n", x0, x1, y0, y1);
    text_add(text, "set xlabel %s noenhanced\nset ylabel %s noenhanced\n", quoted(text->arena, x),
             quoted(text->arena, y));
}

static void add_picture(const Script *s, int r) {
    Text *text = s->text;
    const Picture *p = &s->shown[r]->film->picture;
    bool image = p->kind == PICTURE_WEIGHTS || p->kind == PICTURE_CONFUSION;
    text_add(text, "%s", image ? "unset xtics\nunset ytics\nunset grid\n" : tics);
    if (p->kind == PICTURE_WEIGHTS)
        set_ranges(text, -0.5, across(p) * (p->width + 1) - 1.5, 1.5 - down(p) * (p->height + 1), 0.5, "", "");
    else if (p->kind == PICTURE_CONFUSION)
        set_ranges(text, -0.5, p->width - 0.5, 0.5 - p->width, 0.5, "predicted", "true");
    else
        set_ranges(text, p->x.low, p->x.high, p->y.low, p->y.high, p->x.name, p->y.name);
    switch (p->kind) {
    case PICTURE_CURVE:
        text_add(text, "plot $points%d using 1:2 with points pt 7 ps 0.4 lc rgb '#9aa1a9' notitle", r);
        for (int k = 0; k < p->count; k++)
            text_add(text, ", $now%d using 1:%d with lines lw 2.5 lc rgb '%s' notitle", r, k + 2,
                     hex(text->arena, palette[(r + k) % COLORS]));
        break;
    case PICTURE_PLANE:
        text_add(
            text,
            "plot $now%d with rgbimage notitle, $points%d using 1:2 with points pt 7 ps 0.7 lc rgb 'white' notitle, "
            "$points%d using 1:2:3 with points pt 7 ps 0.5 lc rgb variable notitle",
            r, r, r);
        break;
    case PICTURE_AGREEMENT:
        text_add(text,
                 "plot x with lines lc rgb '#c3c8ce' notitle, $now%d with points pt 7 ps 0.4 lc rgb '#0072b2' notitle",
                 r);
        break;
    default: text_add(text, "plot $now%d with rgbimage notitle", r);
    }
    text_add(text, "\n");
}

static void add_loss_panel(const Script *s, int frame) {
    Text *text = s->text;
    const PlotAxis *loss = &s->plot.loss;
    place_panel(s, s->count, "loss", "over the training rows");
    text_add(text, "%s", tics);
    set_ranges(text, s->plot.epoch.low, s->plot.epoch.high, loss->low, loss->high, "epoch", "");
    if (loss->logarithmic) text_add(text, "set logscale y\n");
    text_add(text, "plot ");
    for (int r = 0; r < s->count; r++) {
        const Training *t = s->shown[r];
        const FilmFrame *f = &t->film->frames[frame < t->film->frame_count ? frame : t->film->frame_count - 1];
        const PlotPoint *now = film_loss(t, f);
        const char *color = hex(text->arena, palette[r]), *faint = hex(text->arena, mix(white, palette[r], 0.3));
        text_add(text,
                 "%s$losses%d using 1:2 with lines lw 1.5 lc rgb '%s' notitle, $losses%d using ($1 <= %.9g ? $1 : "
                 "NaN):2 with lines "
                 "lw 2 lc rgb '%s' notitle",
                 r ? ", " : "", r, faint, r, f->epoch + 1e-9, color);
        if (now && isfinite(now->train_loss) && now->train_loss <= loss->high)
            text_add(text, ", '+' using (%.9g):(%.9g) every ::::0 with points pt 7 ps 1 lc rgb '%s' notitle", f->epoch,
                     now->train_loss, color);
    }
    text_add(text, "\n");
}

static void add_frame(const Script *s, int frame) {
    Arena *a = s->text->arena;
    char loss[64];
    for (int r = 0; r < s->count; r++) {
        const Film *film = s->shown[r]->film;
        if (frame < film->frame_count) add_frame_data(s, r, film->frames[frame].values);
    }
    text_add(s->text, "set multiplot\n");
    for (int r = 0; r < s->count; r++) {
        const Training *t = s->shown[r];
        const Film *film = t->film;
        if (film->picture.kind == PICTURE_NONE) continue;
        int at = frame < film->frame_count ? frame : film->frame_count - 1;
        const PlotPoint *now = film_loss(t, &film->frames[at]);
        report_figure(loss, sizeof loss, now ? now->train_loss : NAN, now != NULL);
        const char *end = at == film->frame_count - 1 && t->end == END_DIVERGED ? ", then it diverged" : "";
        place_panel(s, r, t->run->name, text_format(a, "epoch %.4g, loss %s%s", film->frames[at].epoch, loss, end));
        add_picture(s, r);
    }
    add_loss_panel(s, frame);
    text_add(s->text, "unset multiplot\n");
}

char *film_script(Arena *arena, Training *const *shown, int count, const char *title, bool webp) {
    Text text = text_new(arena);
    Script s = {.text = &text, .shown = shown, .count = count};
    int frames = 0, panels = count + 1;
    s.plot = (Plot){.arena = arena, .title = title, .runs = curves_of(arena, shown, count), .run_count = count};
    plot_scale(&s.plot);
    s.columns = panels <= 3 ? panels : (panels + 1) / 2;
    s.rows = (panels + s.columns - 1) / s.columns;
    text_add(&text, webp ? "set terminal webp animate delay %d loop 0" : "set terminal pngcairo", 10 * FILM_DELAY);
    text_add(&text, " size %d,%d font 'sans,10' background '#ffffff'\n", s.columns * PANEL_WIDTH,
             s.rows * PANEL_HEIGHT);
    text_add(
        &text,
        "set encoding utf8\nset border 0\nset tics scale 0 nomirror textcolor rgb '#5b626b'\nunset key\nunset "
        "colorbox\n"
        "set format '%%h'\nset grid front lc rgb '#dde1e6' lw 0.8\nset xlabel offset 0,0.6 textcolor rgb '#5b626b'\n"
        "set ylabel offset 1.2,0 textcolor rgb '#5b626b'\nset clip two\n");
    for (int r = 0; r < count; r++) {
        add_points(&s, r);
        if (shown[r]->film->frame_count > frames) frames = shown[r]->film->frame_count;
    }
    for (int f = 0; f < frames; f++) add_frame(&s, f);
    for (int f = 0; webp && f < FILM_HOLD / FILM_DELAY; f++) add_frame(&s, frames - 1);
    return text.bytes;
}
