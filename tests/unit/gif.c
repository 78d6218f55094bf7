/* gif: what is written is read back by a decoder of its own, pixel by pixel; images that are cut are none. */
#include "driver/gif.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 61, HEIGHT = 47, FRAMES = 5 };

/* ---- a decoder: one palette, frames with a control block before each ------------------------------- */
typedef struct Decoder {
    const unsigned char *at;
    unsigned char screen[WIDTH * HEIGHT][3];
    unsigned char palette[256][3];
} Decoder;

static int number(Decoder *d) {
    d->at += 2;
    return d->at[-2] | d->at[-1] << 8;
}

/* The data of sub-blocks, joined. */
static int join(Decoder *d, unsigned char *to) {
    int length = 0;
    while (*d->at) {
        memcpy(to + length, d->at + 1, *d->at);
        length += *d->at;
        d->at += *d->at + 1;
    }
    d->at++;
    return length;
}

static int unpack(const unsigned char *bytes, int length, unsigned char *values, int most) {
    static int prefix[4096], size[4096];
    static unsigned char last[4096], first[4096];
    int width = 9, codes = 258, before = -1, count = 0;
    for (int i = 0; i < 256; i++) size[i] = 1, last[i] = first[i] = (unsigned char)i;
    for (long bit = 0; bit + width <= 8L * length;) {
        int code = 0;
        for (int i = 0; i < width; i++, bit++) code |= (bytes[bit / 8] >> (bit % 8) & 1) << i;
        if (code == 257) return count;
        if (code == 256) {
            width = 9;
            codes = 258;
            before = -1;
            continue;
        }
        cr_assert(code < codes || (code == codes && before >= 0), "code %d of %d", code, codes);
        if (before >= 0 && codes < 4096) {
            prefix[codes] = before;
            first[codes] = first[before];
            last[codes] = first[code == codes ? before : code];
            size[codes] = size[before] + 1;
            codes++;
        }
        cr_assert(count + size[code] <= most);
        for (int at = code, i = size[code] - 1; i >= 0; i--, at = at < 256 ? 0 : prefix[at])
            values[count + i] = last[at];
        count += size[code];
        before = code;
        if (codes == 1 << width && width < 12) width++;
    }
    cr_assert_fail("no end");
    return 0;
}

static int next_frame(Decoder *d) {
    static unsigned char bytes[1 << 16], values[WIDTH * HEIGHT];
    int delay, left, top, width, height;
    cr_assert(memcmp(d->at, "\041\371\004", 3) == 0);
    d->at += 4;
    delay = number(d);
    cr_assert_eq(d->at[0], 255);
    d->at += 3;
    left = number(d), top = number(d), width = number(d), height = number(d);
    cr_assert(left + width <= WIDTH && top + height <= HEIGHT && d->at[0] == 0 && d->at[1] == 8);
    d->at += 2;
    cr_assert_eq(unpack(bytes, join(d, bytes), values, WIDTH * HEIGHT), width * height);
    for (int i = 0; i < width * height; i++)
        if (values[i] != 255) memcpy(d->screen[(top + i / width) * WIDTH + left + i % width], d->palette[values[i]], 3);
    return delay;
}

static int far(int five, int eight) { return abs((five << 3 | five >> 2) - eight); }

/* Frames of so many colours; the largest difference of a channel. */
static int written_and_read(int colors) {
    Arena *arena = arena_new();
    Text gif = text_new(arena);
    Raster frames[FRAMES];
    int worst = 0;
    uint32_t random = 7;
    for (int f = 0; f < FRAMES; f++) {
        frames[f] = (Raster){WIDTH, HEIGHT, arena_array(arena, uint16_t, WIDTH * HEIGHT)};
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            random = random * 1664525 + 1013904223;
            bool same = f && (i % WIDTH < 9 || random >> 31);
            frames[f].pixels[i] = same ? frames[f - 1].pixels[i]
                                       : (uint16_t)((random >> 8) % (uint32_t)colors * 32767u / (uint32_t)colors);
        }
    }
    frames[3].pixels = frames[2].pixels; /* nothing changes */
    gif_add(&gif, frames, FRAMES, 9, 130);
    Decoder d = {.at = (const unsigned char *)gif.bytes + 13};
    cr_assert(memcmp(gif.bytes, "GIF89a\075\000\057\000\367", 11) == 0);
    memcpy(d.palette, d.at, 768);
    d.at += 768 + 19;
    for (int f = 0; f < FRAMES; f++) {
        cr_assert_eq(next_frame(&d), f + 1 == FRAMES ? 130 : 9);
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            for (int a = 0; a < 3; a++) {
                int error = far(frames[f].pixels[i] >> (10 - 5 * a) & 31, d.screen[i][a]);
                worst = error > worst ? error : worst;
            }
    }
    cr_assert(*d.at == ';' && d.at + 1 == (const unsigned char *)gif.bytes + gif.length);
    arena_free(arena);
    return worst;
}

Test(gif, few_colors_are_kept) { cr_assert_eq(written_and_read(200), 0); }
Test(gif, one_color) { cr_assert_eq(written_and_read(1), 0); }
Test(gif, many_colors_are_near) { cr_assert_leq(written_and_read(5000), 64); }

/* A png of 2 x 1 as `convert` has written it, and every beginning of it. */
Test(gif, images_that_are_cut) {
    static const unsigned char png[] = {
        0x89, 'P',  'N', 'G',  13,   10,   26,   10, 0,    0,    0,    13,   'I',  'H',  'D',  'R',  0,    0,    0,
        2,    0,    0,   0,    1,    8,    2,    0,  0,    0,    0x7b, 0x40, 0xe8, 0xdd, 0,    0,    0,    18,   'I',
        'D',  'A',  'T', 0x78, 0x01, 0x01, 0x07, 0,  0xf8, 0xff, 0,    255,  0,    0,    0,    0,    255,  0x07, 0,
        0x01, 0xff, 0,   0,    0,    0,    0,    0,  0,    0,    'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82};
    Arena *arena = arena_new();
    Raster raster;
    char *bytes = malloc(sizeof png);
    for (size_t length = 0; length < sizeof png; length++) {
        char *cut = malloc(length + 1);
        memcpy(cut, png, length);
        cr_assert_eq(png_read(arena, cut, length, &raster), 0, "%zu bytes", length);
        free(cut);
    }
    memcpy(bytes, png, sizeof png);
    cr_assert_eq(png_read(arena, bytes, sizeof png, &raster), sizeof png);
    cr_assert(raster.width == 2 && raster.height == 1 && raster.pixels[0] == 31 << 10 && raster.pixels[1] == 31);
    free(bytes);
    arena_free(arena);
}
