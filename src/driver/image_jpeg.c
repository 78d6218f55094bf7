/* image_jpeg: JPEG by libjpeg (libjpeg-turbo), where sgdc was built with it. */
#include "driver/images.h"
#include <stdio.h>

#ifdef SGDC_JPEG
#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

/* What libjpeg calls instead of ending the process. */
typedef struct JpegFailure {
    struct jpeg_error_mgr manager;
    jmp_buf back;
} JpegFailure;

static void fail(j_common_ptr jpeg) { longjmp(((JpegFailure *)(void *)jpeg->err)->back, 1); }

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

static bool decode(struct jpeg_decompress_struct *jpeg, int64_t width, int64_t height, Image *image) {
    *image = (Image){.width = jpeg->image_width,
                     .height = jpeg->image_height,
                     .channels = jpeg->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3};
    if (image->width != width || image->height != height) return true;
    jpeg->out_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW; /* the same on every processor */
    size_t row = (size_t)image->width * (size_t)image->channels;
    image->bytes = malloc(row * (size_t)image->height + 1);
    if (!image->bytes) return false;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW to = image->bytes + row * jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, &to, 1);
    }
    jpeg_finish_decompress(jpeg);
    return jpeg->err->num_warnings == 0; /* data that ends early is a warning */
}

bool image_read_jpeg(const unsigned char *bytes, size_t length, int64_t width, int64_t height, Image *image,
                     const char **why) {
    struct jpeg_decompress_struct jpeg;
    JpegFailure failure;
    *why = "is a damaged JPEG";
    jpeg.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = fail;
    failure.manager.output_message = say_nothing;
    if (setjmp(failure.back)) {
        jpeg_destroy_decompress(&jpeg);
        return false;
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, bytes, length);
    bool good = jpeg_read_header(&jpeg, TRUE) == JPEG_HEADER_OK && decode(&jpeg, width, height, image);
    jpeg_destroy_decompress(&jpeg);
    return good;
}
#else
bool image_read_jpeg(const unsigned char *bytes, size_t length, int64_t width, int64_t height, Image *image,
                     const char **why) {
    (void)bytes, (void)length, (void)width, (void)height, (void)image;
    *why = "is a JPEG, which this sgdc cannot read: libjpeg was not there when it was built";
    return false;
}
#endif
