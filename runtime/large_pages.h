/* large_pages: memory of which all is used asks for pages of 2 MB before its first use.
 *
 * New memory costs the system a fault for each page, and a kernel that walks a large matrix costs the processor a
 * search for each page that its table has forgotten: small pages took a sixteenth of the steps of a transformer of 1 M
 * parameters. Many systems give large pages only on request. It is advice: where it is not taken, small pages serve.
 *
 * For the runtime, the compiler and emitted objects (embedded/embedded.c), which must link without a C library:
 * madvise is used where it is there.
 */
#ifndef SGDRT_LARGE_PAGES_H
#define SGDRT_LARGE_PAGES_H
#include <stddef.h>
#include <stdint.h>

#ifdef __linux__
extern __attribute__((weak)) int madvise(void *memory, size_t bytes, int advice);
#endif

/* Of the memory, the pages that lie wholly in it. NULL: none. */
static inline void sgdrt_prefer_large_pages(void *memory, size_t bytes) {
#ifdef __linux__
    enum { LARGE_PAGE = 1 << 21, HUGEPAGE = 14 }; /* the latter: MADV_HUGEPAGE of linux/mman.h */
    uintptr_t begin = ((uintptr_t)memory + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    uintptr_t end = ((uintptr_t)memory + bytes) / LARGE_PAGE * LARGE_PAGE;
    if (memory && begin < end && madvise) (void)madvise((void *)begin, end - begin, HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}
#endif
