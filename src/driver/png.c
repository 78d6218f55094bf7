/* png: images as pngcairo writes them: 8 bits a channel, not interlaced. Anything else is refused, and nothing is read
 * beyond the bytes at hand. */
#include "driver/gif.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIGNATURE = 8, CHUNK = 12, MOST_SIDE = 10000 };

static uint32_t number(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int paeth(int a, int b, int c) {
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Rows are differences to their neighbours, as the first byte of each says. */
static bool unfilter(unsigned char *bytes, int height, int row, int pixel) {
    const unsigned char *above = NULL;
    for (int y = 0; y < height; y++, bytes += row + 1) {
        unsigned char *now = bytes + 1;
        if (bytes[0] > 4) return false;
        for (int i = 0; i < row; i++) {
            int a = i >= pixel ? now[i - pixel] : 0, b = above ? above[i] : 0,
                c = above && i >= pixel ? above[i - pixel] : 0;
            int predicted[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
            now[i] = (unsigned char)(now[i] + predicted[bytes[0]]);
        }
        above = now;
    }
    return true;
}

static void take_pixels(const unsigned char *bytes, int channels, Raster *raster) {
    uint16_t *to = raster->pixels;
    for (int y = 0; y < raster->height; y++) {
        bytes++;
        for (int x = 0; x < raster->width; x++, bytes += channels)
            *to++ = (uint16_t)(bytes[0] >> 3 << 10 | bytes[1] >> 3 << 5 | bytes[2] >> 3);
    }
}

static bool unpack(Arena *arena, Text *packed, int channels, Raster *raster) {
    int row = raster->width * channels;
    uLongf length = (uLongf)(row + 1) * (uLongf)raster->height, wanted = length;
    unsigned char *bytes = malloc(length);
    if (!bytes) out_of_memory(length);
    bool good = uncompress(bytes, &length, (const Bytef *)packed->bytes, packed->length) == Z_OK && length == wanted &&
                unfilter(bytes, raster->height, row, channels);
    if (good) {
        raster->pixels = arena_array(arena, uint16_t, raster->width * raster->height);
        take_pixels(bytes, channels, raster);
    }
    free(bytes);
    return good;
}

size_t png_read(Arena *arena, const char *bytes, size_t length, Raster *raster) {
    static const char signature[] = "\211PNG\r\n\032\n";
    const unsigned char *at = (const unsigned char *)bytes + SIGNATURE, *end = (const unsigned char *)bytes + length;
    Text packed = text_new(arena);
    int channels = 0;
    if (length < SIGNATURE || memcmp(bytes, signature, SIGNATURE)) return 0;
    while (end - at >= CHUNK) {
        uint32_t size = number(at);
        const unsigned char *data = at + 8;
        if (size > (size_t)(end - at) - CHUNK) return 0;
        if (memcmp(at + 4, "IHDR", 4) == 0 && size == 13) {
            uint32_t width = number(data), height = number(data + 4);
            channels = data[9] == 2 ? 3 : data[9] == 6 ? 4 : 0;
            if (!width || !height || width > MOST_SIDE || height > MOST_SIDE || data[8] != 8 || !channels || data[12])
                return 0;
            *raster = (Raster){(int)width, (int)height, NULL};
        }
        if (memcmp(at + 4, "IDAT", 4) == 0) text_add_bytes(&packed, (const char *)data, size);
        at += size + CHUNK;
        if (memcmp(data - 4, "IEND", 4) == 0)
            return channels && unpack(arena, &packed, channels, raster) ? (size_t)(at - (const unsigned char *)bytes)
                                                                        : 0;
    }
    return 0;
}
