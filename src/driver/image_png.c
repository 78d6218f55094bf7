/* image_png: PNG by libpng, where sgdc was built with it. 16 bits become 8, transparent pixels lie on black. */
#include "driver/images.h"
#include <string.h>

#ifdef SGDC_PNG
#include <png.h>
#include <stdlib.h>

bool image_read_png(const unsigned char *bytes, size_t length, int64_t width, int64_t height, Image *image,
                    const char **why) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    static const char damaged[] = "is a damaged PNG";
    *why = damaged;
    if (!png_image_begin_read_from_memory(&png, bytes, length)) return false;
    *image = (Image){.width = png.width, .height = png.height, .channels = png.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1};
    if (image->width != width || image->height != height) {
        png_image_free(&png);
        return true;
    }
    png.format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    image->bytes = calloc(1, PNG_IMAGE_SIZE(png) + 1);
    png_color black = {0, 0, 0};
    bool good = image->bytes && png_image_finish_read(&png, &black, image->bytes, 0, NULL) && !png.warning_or_error;
    png_image_free(&png);
    return good;
}
#else
bool image_read_png(const unsigned char *bytes, size_t length, int64_t width, int64_t height, Image *image,
                    const char **why) {
    (void)bytes, (void)length, (void)width, (void)height, (void)image;
    *why = "is a PNG, which this sgdc cannot read: libpng was not there when it was built";
    return false;
}
#endif
