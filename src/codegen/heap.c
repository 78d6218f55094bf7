/* heap: what LLVM allocates lies in large pages.
 *
 * A compilation takes megabytes in small pieces, and new memory costs the system a fault for each page of 4 KB. So the
 * thread's heap grows at once by as much as a small compilation takes, as memory that asks for pages of 2 MB (large_pages.h);
 * that of a thread which is not the first grows page by page otherwise, with a call of the system for each. What is freed stays
 * in it, also what the C library would have mapped and unmapped for itself.
 */
#define _DEFAULT_SOURCE
#include "codegen/session.h"
#include "large_pages.h"
#include <malloc.h>
#include <stdlib.h>

#ifdef M_TOP_PAD
enum { HEAP_BYTES = 16 << 20, LARGEST_PIECE = 32 << 20 };

void session_prepare_heap(void) {
    mallopt(M_MMAP_THRESHOLD, LARGEST_PIECE);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGEST_PIECE);
    void *volatile piece = malloc(HEAP_BYTES); /* volatile: it is asked for */
    sgdrt_prefer_large_pages(piece, HEAP_BYTES);
    free(piece);
}
#else
void session_prepare_heap(void) {}
#endif
