/* Trains the model of an emitted object, for run.sh to count its instructions. What the rows hold does not matter:
 * generated code goes the same way whatever they hold.
 *     cc -DHEADER='"bench.h"' -DPREFIX=bench -DSECOND=y fit.c bench.o libsgdrt.a ...     fit ROWS
 * SECOND is the second column of the data; x is the first. */
#include HEADER
#include <stdio.h>
#include <stdlib.h>

#define JOIN(a, b) a##b
#define NAMED(prefix, name) JOIN(prefix, name)
#define API(name) NAMED(PREFIX, name)
#define KIND(values) _Generic((values), const uint8_t * : 'b', const int32_t * : 'i', const float * : 'f')

/* 0 to 9, so that integers are labels. */
static const void *made(int64_t bytes, char kind) {
    void *values = malloc((size_t)bytes);
    if (!values) exit(1);
    for (int64_t i = 0; i < (kind == 'b' ? bytes : bytes / 4); i++) {
        if (kind == 'b') ((uint8_t *)values)[i] = (uint8_t)(i % 10);
        if (kind == 'i') ((int32_t *)values)[i] = (int32_t)(i % 10);
        if (kind == 'f') ((float *)values)[i] = (float)(i % 10) / 8;
    }
    return values;
}

int main(int count, char **arguments) {
    int64_t rows = count == 2 ? atol(arguments[1]) : 0;
    PREFIX *model;
    if (rows < 1) return 2;
    API(_data) data = API(_rows)(rows, NULL, NULL);
    data.x.data = made(rows * data.x.stride, KIND(data.x.data));
    data.SECOND.data = made(rows * data.SECOND.stride, KIND(data.SECOND.data));
    int status = API(_new)(&model, NULL);
    if (!status) status = API(_fit)(model, &data, NULL, NULL, NULL);
    if (status) fprintf(stderr, "%s\n", API(_strerror)(status));
    return status != 0;
}
