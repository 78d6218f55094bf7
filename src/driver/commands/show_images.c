/* Small images as characters, side by side: a character is a pixel's width and two pixels' height, as characters are
 * about twice as high as wide. Bright is dense: white on a dark terminal.
 *
 * An image is [h, w], [1 or 3, h, w] or [h, w, 1 or 3] with sides of at least 8, or a square laid flat whose numbers are
 * bytes of the file or look like levels of grey on a black ground. Larger ones are made smaller by whole factors, channels become their mean.
 */
#include "driver/commands/show.h"
#include <math.h>
#include <string.h>

enum { LEAST_SIDE = 8, MOST_SIDE = 4096, MOST_RATIO = 4, MOST_COLUMNS = 64, LINE_COLUMNS = 80 };

typedef struct ImageForm {
    int64_t height, width, channels, row_stride, column_stride, channel_stride;
} ImageForm;

static bool is_channels(int64_t n) { return n == 1 || n == 3; }

static bool reads_bytes(const DataSet *set, const Field *field) {
    Arena *arena = arena_new();
    int count;
    bool bytes = false;
    Node **nodes = graph_post_order(arena, (Node *const *)&field->value, 1, &count);
    for (int i = 0; i < count; i++)
        bytes |= nodes[i]->op == OP_COLUMN && set->columns[nodes[i]->attr.index].dtype == DTYPE_U8;
    arena_free(arena);
    return bytes;
}

/* In the first rows: from 0 in whole steps of 1 or of 1/255, many of them 0, and more levels than a table's codes have. */
static bool looks_like_grey(const FieldFigures *figures) {
    enum { LEVELS = 256, LEAST_LEVELS = 8, ZEROS_IN = 5 };
    double high = figures->whole.high, unit = high > 1 ? 1 : 1.0 / (LEVELS - 1);
    int64_t zeros = 0, count = figures->first_rows * figures->elements;
    bool seen[LEVELS] = {false};
    int levels = 0;
    if (figures->whole.low != 0 || !(high > 0) || high >= LEVELS) return false;
    for (int64_t i = 0; i < count; i++) {
        double steps = figures->first[i] / unit, level = round(steps);
        if (!(fabs(steps - level) < 1e-3)) return false;
        levels += !seen[(int)level];
        seen[(int)level] = true;
        zeros += level == 0;
    }
    return levels >= LEAST_LEVELS && zeros * ZEROS_IN >= count;
}

static bool form_of(const FieldFigures *figures, ImageForm *form) {
    const Shape *shape = &figures->field->shape;
    const int64_t *n = shape->extent;
    int64_t side = (int64_t)llround(sqrt((double)figures->elements));
    *form = (ImageForm){0};
    if (figures->class_rows || figures->whole.finite == 0) return false;
    if (shape->rank == 2)
        *form = (ImageForm){n[0], n[1], 1, n[1], 1, 0};
    else if (shape->rank == 3 && is_channels(n[0]))
        *form = (ImageForm){n[1], n[2], n[0], n[2], 1, n[1] * n[2]};
    else if (shape->rank == 3 && is_channels(n[2]))
        *form = (ImageForm){n[0], n[1], n[2], n[1] * n[2], n[2], 1};
    else if (shape->rank == 1 && side * side == n[0] &&
             (reads_bytes(figures->set, figures->field) || looks_like_grey(figures)))
        *form = (ImageForm){side, side, 1, side, 1, 0};
    int64_t least = form->height < form->width ? form->height : form->width,
            most = form->height < form->width ? form->width : form->height;
    return least >= LEAST_SIDE && most <= MOST_SIDE && most <= MOST_RATIO * least;
}

bool figures_are_image(const FieldFigures *figures) {
    ImageForm form;
    return form_of(figures, &form);
}

/* Pixels that a character is wide. */
static int64_t factor_of(const ImageForm *form) { return (form->width + MOST_COLUMNS - 1) / MOST_COLUMNS; }
static int64_t columns_of(const ImageForm *form) { return (form->width + factor_of(form) - 1) / factor_of(form); }

int64_t images_in_line(const FieldFigures *figures) {
    ImageForm form;
    return form_of(figures, &form) ? LINE_COLUMNS / (columns_of(&form) + 2) : 0;
}

static const char *const unicode_shades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
static const char *const ascii_shades[] = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
enum {
    UNICODE_SHADES = sizeof unicode_shades / sizeof *unicode_shades,
    ASCII_SHADES = sizeof ascii_shades / sizeof *ascii_shades
};

/* The mean of a character's pixels, from 0 to 1 of the field's range. */
static double lightness(const FieldFigures *figures, const ImageForm *form, const double *image, int64_t line,
                        int64_t column, int64_t factor) {
    double sum = 0, span = figures->whole.high - figures->whole.low;
    int64_t count = 0;
    for (int64_t i = line * 2 * factor; i < (line + 1) * 2 * factor && i < form->height; i++)
        for (int64_t j = column * factor; j < (column + 1) * factor && j < form->width; j++)
            for (int64_t c = 0; c < form->channels; c++, count++)
                sum += image[i * form->row_stride + j * form->column_stride + c * form->channel_stride];
    double mean = sum / (double)(count ? count : 1);
    return span > 0 && isfinite(mean) ? (mean - figures->whole.low) / span : 0;
}

static int64_t width_of(const char *text) {
    int64_t width = 0;
    for (; *text; text++) width += (*text & 0xC0) != 0x80;
    return width;
}

static void show_band(Text *to, const FieldFigures *figures, const ImageForm *form, const char *const *captions,
                      int64_t first, int64_t count, bool unicode) {
    int64_t factor = factor_of(form), columns = columns_of(form);
    int64_t lines = (form->height + 2 * factor - 1) / (2 * factor);
    int64_t cell = columns;
    int shades = unicode ? UNICODE_SHADES : ASCII_SHADES;
    for (int64_t i = 0; i < count; i++)
        cell = width_of(captions[first + i]) > cell ? width_of(captions[first + i]) : cell;
    for (int64_t i = 0; i < count; i++)
        text_add(to, "  %s%*s", captions[first + i], (int)(cell - width_of(captions[first + i])), "");
    text_add(to, "\n");
    for (int64_t line = 0; line < lines; line++) {
        for (int64_t i = 0; i < count; i++) {
            const double *image = figures->first + (first + i) * figures->elements;
            text_add(to, "  ");
            for (int64_t column = 0; column < columns; column++) {
                int shade = (int)(lightness(figures, form, image, line, column, factor) * shades);
                shade = shade < 0 ? 0 : shade >= shades ? shades - 1 : shade;
                text_add(to, "%s", unicode ? unicode_shades[shade] : ascii_shades[shade]);
            }
            text_add(to, "%*s", (int)(cell - columns), "");
        }
        text_add(to, "\n");
    }
}

void show_images(Text *to, const FieldFigures *figures, const char *const *captions, int64_t count, bool unicode) {
    ImageForm form;
    if (!form_of(figures, &form)) return;
    int64_t beside = images_in_line(figures);
    for (int64_t first = 0; first < count; first += beside)
        show_band(to, figures, &form, captions, first, count - first < beside ? count - first : beside, unicode);
}
