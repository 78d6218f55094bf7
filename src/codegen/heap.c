/* heap: what LLVM allocates lies in large pages.
 *
 * A compilation takes megabytes in small pieces, and new memory costs the system a fault for each page of 4 KB. So the heap
 * grows once by as much as a small compilation takes, as memory that asks for pages of 2 MB (large_pages.h). What is freed
 * stays in it, also what the C library would have mapped and unmapped for itself.
 */
#define _DEFAULT_SOURCE
#include "codegen/session.h"
#include "large_pages.h"
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef M_TOP_PAD
enum { HEAP_BYTES = 16 << 20, LARGEST_PIECE = 32 << 20, MORE_THAN_IS_LEFT = 1 << 20 };

void session_prepare_heap(void) {
    static bool prepared;
    if (prepared) return;
    prepared = true;
    mallopt(M_MMAP_THRESHOLD, LARGEST_PIECE);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_PIECE);
    mallopt(M_TOP_PAD, HEAP_BYTES);
    char *begin = sbrk(0);
    void *volatile piece = malloc(MORE_THAN_IS_LEFT); /* volatile: it is asked for */
    free(piece);
    sgdrt_prefer_large_pages(begin, (size_t)((char *)sbrk(0) - begin));
    mallopt(M_TOP_PAD, MORE_THAN_IS_LEFT);
}
#else
void session_prepare_heap(void) {}
#endif
