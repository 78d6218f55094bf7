/* Memory that asks for large pages: all whole ones in it and nothing else, by what Linux says of it in smaps. */
#include "large_pages.h"
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 1 << 21 };

/* Asks Linux whether large pages were asked for at the address: 1, 0; -1: it does not say. */
static int is_asked(const void *address) {
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    int inside = 0, asked = -1;
    while (smaps && asked < 0 && fgets(line, sizeof line, smaps)) {
        unsigned long long begin, end;
        if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
            inside = (uintptr_t)address >= begin && (uintptr_t)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            asked = strstr(line, " hg") != NULL;
    }
    if (smaps) fclose(smaps);
    return asked;
}

Test(large_pages, whole_ones_are_asked_for) {
    char *memory = aligned_alloc(LARGE, 4 * (size_t)LARGE);
    cr_assert_not_null(memory);
    sgdrt_prefer_large_pages(memory + 64, 3 * (size_t)LARGE - 128);
    int first = is_asked(memory), second = is_asked(memory + LARGE), third = is_asked(memory + 2 * (size_t)LARGE);
    free(memory);
    if (second < 0 || access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0)
        cr_skip("the system has no large pages on request, or does not say which memory asked for them");
    cr_assert_eq(first, 0, "a page that the memory has a part of");
    cr_assert_eq(second, 1);
    cr_assert_eq(third, 0, "a page that the memory has a part of");
}

Test(large_pages, little_memory_and_none_is_left_alone) {
    char *memory = aligned_alloc(LARGE, LARGE);
    cr_assert_not_null(memory);
    sgdrt_prefer_large_pages(memory, LARGE - 1);
    sgdrt_prefer_large_pages(NULL, 8 * (size_t)LARGE);
    int asked = is_asked(memory);
    free(memory);
    cr_assert_neq(asked, 1);
}
