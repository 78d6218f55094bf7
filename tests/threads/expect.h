/* expect: what plain programs without a library of tests ask of themselves; it ends one that does not have it. */
#ifndef SGDC_THREADS_EXPECT_H
#define SGDC_THREADS_EXPECT_H
#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                                           \
    do                                                                              \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    while (0)
#endif
