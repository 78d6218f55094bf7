/* embedded: the functions that every emitted object carries (api.inc), under the object's own prefix.
 *
 * This file is compiled to LLVM bitcode when sgdc is built and linked into each object: `self` becomes the
 * object's own sgdrt_model, `self_init` its NAME_init, and so on. It may therefore depend on nothing but
 * memcpy, memset, malloc and free.
 *
 * The symbols are protected: other libraries see them, and none of another library takes their place, so two shared
 * libraries may hold models of one name.
 */
#include "check_rows.h"
#include "figures.h"
#include "float_control.h"
#include "large_pages.h"
#include "processor.h"

void *malloc(size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
void free(void *memory);
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#pragma GCC visibility push(hidden)
extern const sgdrt_model self;
#pragma GCC visibility pop
#define SGDRT_ALLOCATE(bytes) allocate(bytes)
#define SGDRT_RELEASE(memory) free(memory)

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, bytes);
    sgdrt_prefer_large_pages(memory, bytes);
    return memory;
}

#pragma GCC visibility push(protected)
#include "api.inc"
#pragma GCC visibility pop
