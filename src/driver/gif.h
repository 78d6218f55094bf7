/* gif: pictures that gnuplot has drawn as one that moves.
 *
 *   png.c    what pngcairo writes, read back
 *   gif.c    frames written as GIF89a
 *
 * gnuplot's own gif terminal draws without smooth edges and takes the colours of all frames from the first.
 */
#ifndef SGDC_DRIVER_GIF_H
#define SGDC_DRIVER_GIF_H
#include "support/support.h"

/* Five bits each of red, green and blue: as many as 256 colours of a palette can tell apart. */
typedef struct Raster {
    int width, height;
    uint16_t *pixels;
} Raster;

/* The image that begins at `bytes`; the bytes it took, or 0 if it is none: 8 bits a channel, with or without alpha. */
size_t png_read(Arena *arena, const char *bytes, size_t length, Raster *raster);
/* All of one size; delay in hundredths of a second, last_delay of the last frame. */
void gif_add(Text *to, const Raster *frames, int count, int delay, int last_delay);

#endif
