/* Pictures in a folder for each class: what images("folder") reads (images.c). */
#ifndef SGDC_DRIVER_IMAGES_H
#define SGDC_DRIVER_IMAGES_H
#include "sgdrt.h"
#include "text.h"

/* A picture: rows of pixels, each of 1 (grey) or 3 (red, green, blue) bytes. */
typedef struct Image {
    int64_t width, height;
    int channels;
    unsigned char *bytes; /* the caller's: free() it */
} Image;

/* Reads a file's bytes; it has to be `width` x `height`, else *image says its size and has no bytes. False: *why is what is
 * wrong with it (image_png.c, image_jpeg.c). */
typedef bool ImageReader(const unsigned char *bytes, size_t length, int64_t width, int64_t height, Image *image,
                         const char **why);
ImageReader image_read_png, image_read_jpeg;

/* The names of the folders in it, as classes in their order; a problem where there are more than `most`. */
int images_learn(const char *folder, const char *field, int64_t most, sgdrt_vocabulary *names, sgdrt_problem *problem);
/* Fills a new table with all pictures, class by class, each class in the order of the files' names. Without a column of
 * labels those that lie in the folder itself count too. */
int images_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem);
#endif
