/* The readers of pictures: PNG and JPEG. The first byte chooses which, the next two the size that is declared. */
#include "fuzz.h"

#include "driver/images.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (length < 3) return 0;
    ImageReader *reader = bytes[0] & 1 ? image_read_jpeg : image_read_png;
    int64_t width = bytes[1] % 33 + 1, height = bytes[2] % 33 + 1;
    Image image = {0};
    const char *why = NULL;
    bool read = reader(bytes + 3, length - 3, width, height, &image, &why);
    if (!read && !why) abort();
    if (read && image.bytes && (image.width != width || image.height != height)) abort();
    if (read && image.bytes && image.channels != 1 && image.channels != 3) abort();
    unsigned char sum = 0;
    size_t count = read && image.bytes ? (size_t)(image.width * image.height * image.channels) : 0;
    for (size_t i = 0; i < count; i++) sum ^= image.bytes[i];
    volatile unsigned char seen = sum;
    (void)seen;
    free(image.bytes);
    return 0;
}
