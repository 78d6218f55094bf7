/* gif: frames as GIF89a, endlessly repeated.
 *
 * One palette serves all frames: where they have more than 255 colours, boxes of colours are halved at their median until
 * there are as many. The last colour is transparent: what has not changed since the frame before is not written, and a
 * frame is cut to what has.
 */
#include "driver/gif.h"
#include <stdlib.h>
#include <string.h>

enum {
    COLORS = 255,
    TRANSPARENT = 255,
    BINS = 1 << 15,
    FIRST_CODE = 258,
    CLEAR = 256,
    END_OF_IMAGE = 257,
    MOST_CODES = 4096
};

typedef struct Bin {
    uint16_t color;
    uint32_t count;
} Bin;
typedef struct Box {
    int first, count;
    uint64_t weight;
    int axis, length;
} Box;
typedef struct GifPalette {
    unsigned char rgb[256][3];
    unsigned char of[BINS];
    int count;
} GifPalette;

static int channel(uint16_t color, int axis) { return color >> (10 - 5 * axis) & 31; }
static unsigned char wide(int five) { return (unsigned char)(five << 3 | five >> 2); }

/* ---- palette ------------------------------------------------------------------------------------------ */
static int compare(const Bin *a, const Bin *b, int axis) {
    int x = channel(a->color, axis), y = channel(b->color, axis);
    return x != y ? x - y : (int)a->color - (int)b->color;
}
static int by_red(const void *a, const void *b) { return compare(a, b, 0); }
static int by_green(const void *a, const void *b) { return compare(a, b, 1); }
static int by_blue(const void *a, const void *b) { return compare(a, b, 2); }

static void measure(Box *box, const Bin *bins) {
    int low[3] = {31, 31, 31}, high[3] = {0, 0, 0};
    box->weight = 0;
    box->axis = 0;
    for (int i = box->first; i < box->first + box->count; i++) {
        box->weight += bins[i].count;
        for (int a = 0; a < 3; a++) {
            int v = channel(bins[i].color, a);
            if (v < low[a]) low[a] = v;
            if (v > high[a]) high[a] = v;
        }
    }
    for (int a = 1; a < 3; a++)
        if (high[a] - low[a] > high[box->axis] - low[box->axis]) box->axis = a;
    box->length = high[box->axis] - low[box->axis];
}

/* At the median of its pixels along its longest side; both halves have a colour at least. */
static void halve(Box *box, Box *other, Bin *bins) {
    static int (*const orders[])(const void *, const void *) = {by_red, by_green, by_blue};
    qsort(bins + box->first, (size_t)box->count, sizeof *bins, orders[box->axis]);
    uint64_t sum = 0;
    int kept = 0;
    while (kept < box->count - 1 && (kept == 0 || 2 * (sum + bins[box->first + kept].count) <= box->weight))
        sum += bins[box->first + kept++].count;
    *other = (Box){.first = box->first + kept, .count = box->count - kept};
    box->count = kept;
    measure(box, bins);
    measure(other, bins);
}

/* The box whose colours differ most: long ones first, of equal ones the one with more pixels. */
static int widest(const Box *boxes, int count) {
    int found = -1;
    for (int i = 0; i < count; i++) {
        if (boxes[i].count < 2) continue;
        bool wider = found < 0 || boxes[i].length > boxes[found].length ||
                     (boxes[i].length == boxes[found].length && boxes[i].weight > boxes[found].weight);
        if (wider) found = i;
    }
    return found;
}

static int count_colors(const Raster *frames, int count, Bin *bins) {
    uint32_t *counts = calloc(BINS, sizeof *counts);
    int used = 0;
    if (!counts) out_of_memory(BINS * sizeof *counts);
    for (int f = 0; f < count; f++)
        for (int i = 0; i < frames[f].width * frames[f].height; i++) counts[frames[f].pixels[i] & (BINS - 1)]++;
    for (int c = 0; c < BINS; c++)
        if (counts[c]) bins[used++] = (Bin){(uint16_t)c, counts[c]};
    free(counts);
    return used;
}

static void name_box(GifPalette *palette, const Box *box, const Bin *bins) {
    uint64_t sum[3] = {0};
    for (int i = box->first; i < box->first + box->count; i++) {
        palette->of[bins[i].color] = (unsigned char)palette->count;
        for (int a = 0; a < 3; a++) sum[a] += (uint64_t)channel(bins[i].color, a) * bins[i].count;
    }
    for (int a = 0; a < 3; a++) palette->rgb[palette->count][a] = wide((int)((sum[a] + box->weight / 2) / box->weight));
    palette->count++;
}

static void choose_palette(Arena *arena, const Raster *frames, int count, GifPalette *palette) {
    Bin *bins = arena_array(arena, Bin, BINS);
    Box boxes[COLORS] = {{.count = count_colors(frames, count, bins)}};
    int box_count = 1, from;
    measure(&boxes[0], bins);
    while (box_count < COLORS && (from = widest(boxes, box_count)) >= 0) halve(&boxes[from], &boxes[box_count++], bins);
    for (int b = 0; b < box_count; b++) name_box(palette, &boxes[b], bins);
}

/* ---- LZW ------------------------------------------------------------------------------------------------ */
typedef struct Bits {
    Text *to;
    unsigned char block[255];
    int length;
    uint32_t held;
    int count;
} Bits;

static void put_byte(Bits *b, unsigned char byte) {
    b->block[b->length++] = byte;
    if (b->length < 255) return;
    text_add_bytes(b->to, &(char){(char)255}, 1);
    text_add_bytes(b->to, (const char *)b->block, 255);
    b->length = 0;
}

static void put_code(Bits *b, int code, int width) {
    b->held |= (uint32_t)code << b->count;
    for (b->count += width; b->count >= 8; b->count -= 8, b->held >>= 8) put_byte(b, (unsigned char)b->held);
}

static void finish_bits(Bits *b) {
    if (b->count) put_byte(b, (unsigned char)b->held);
    if (b->length) {
        text_add_bytes(b->to, &(char){(char)b->length}, 1);
        text_add_bytes(b->to, (const char *)b->block, (size_t)b->length);
    }
    text_add_bytes(b->to, "", 1);
}

/* next[code][value] is the code of what `code` means and then the value; 0: there is none yet. */
static void compress_pixels(Text *to, const unsigned char *values, int count, uint16_t (*next)[256]) {
    Bits bits = {.to = to};
    int width = 9, codes = FIRST_CODE, code = values[0];
    memset(next, 0, sizeof *next * MOST_CODES);
    text_add_bytes(to, "\010", 1);
    put_code(&bits, CLEAR, width);
    for (int i = 1; i < count; i++) {
        if (next[code][values[i]]) {
            code = next[code][values[i]];
            continue;
        }
        put_code(&bits, code, width);
        next[code][values[i]] = (uint16_t)codes;
        if (codes++ == 1 << width) width++;
        if (codes == MOST_CODES) {
            put_code(&bits, CLEAR, width);
            memset(next, 0, sizeof *next * MOST_CODES);
            width = 9;
            codes = FIRST_CODE;
        }
        code = values[i];
    }
    put_code(&bits, code, width);
    if (codes == 1 << width && width < 12) width++;
    put_code(&bits, END_OF_IMAGE, width);
    finish_bits(&bits);
}

/* ---- frames ----------------------------------------------------------------------------------------------- */
static void put_number(Text *to, int value) { text_add_bytes(to, (char[]){(char)value, (char)(value >> 8)}, 2); }

typedef struct Area {
    int left, top, right, bottom;
} Area;

static bool differs(const Raster *now, const Raster *before, int x, int y) {
    return !before || now->pixels[y * now->width + x] != before->pixels[y * now->width + x];
}

static Area changed_area(const Raster *now, const Raster *before) {
    Area area = {now->width, now->height, -1, -1};
    for (int y = 0; y < now->height; y++)
        for (int x = 0; x < now->width; x++) {
            if (!differs(now, before, x, y)) continue;
            if (x < area.left) area.left = x;
            if (x > area.right) area.right = x;
            if (y < area.top) area.top = y;
            area.bottom = y;
        }
    return area.right < 0 ? (Area){0, 0, 0, 0} : area;
}

static void add_frame(Text *to, const Raster *now, const Raster *before, const GifPalette *palette, int delay,
                      uint16_t (*next)[256]) {
    Area area = changed_area(now, before);
    int width = area.right - area.left + 1, height = area.bottom - area.top + 1, at = 0;
    unsigned char *values = arena_alloc(to->arena, (size_t)width * (size_t)height + 1);
    for (int y = area.top; y <= area.bottom; y++)
        for (int x = area.left; x <= area.right; x++)
            values[at++] = differs(now, before, x, y) ? palette->of[now->pixels[y * now->width + x]] : TRANSPARENT;
    text_add_bytes(to, "\041\371\004\005", 4); /* what is left of the frame before stays */
    put_number(to, delay);
    text_add_bytes(to, "\377\0\054", 3);
    put_number(to, area.left);
    put_number(to, area.top);
    put_number(to, width);
    put_number(to, height);
    text_add_bytes(to, "", 1);
    compress_pixels(to, values, at, next);
}

void gif_add(Text *to, const Raster *frames, int count, int delay, int last_delay) {
    GifPalette *palette = arena_new_of(to->arena, GifPalette);
    uint16_t(*next)[256] = malloc(sizeof *next * MOST_CODES);
    if (!next) out_of_memory(sizeof *next * MOST_CODES);
    choose_palette(to->arena, frames, count, palette);
    text_add_bytes(to, "GIF89a", 6);
    put_number(to, frames[0].width);
    put_number(to, frames[0].height);
    text_add_bytes(to, "\367\0\0", 3); /* 256 colours for all frames */
    text_add_bytes(to, (const char *)palette->rgb, sizeof palette->rgb);
    text_add_bytes(to, "\041\377\013NETSCAPE2.0\003\001\0\0\0", 19); /* again and again */
    for (int f = 0; f < count; f++)
        add_frame(to, &frames[f], f ? &frames[f - 1] : NULL, palette, f + 1 == count ? last_delay : delay, next);
    text_add_bytes(to, ";", 1);
    free(next);
}
