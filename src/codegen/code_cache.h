/* code_cache: what earlier processes compiled, on disk.
 *
 * An entry is a file in one folder, named by the SHA-256 of what its bytes depend on: this sgdc (the build-id of its
 * executable), its LLVM, the processor and options, and the key of the graph. So an entry is never out of date, only
 * unused; and what a broken, foreign or missing file costs is compiling. Files appear whole or not at all, so processes may
 * share a folder. Of more than MOST_BYTES those go first that were not read for longest.
 *
 * Of two processes that keep code under one key both have compiled the same, and either may win. Who adds to an entry, so
 * that what others have added must stay, locks the folder from reading it to keeping it.
 */
#ifndef SGDC_CODE_CACHE_H
#define SGDC_CODE_CACHE_H
#include "support/support.h"

typedef struct CodeCache CodeCache;

/* depends: what every entry depends on but this sgdc. NULL: there can be none, as the folder cannot be made, or others
 * may write to it. */
CodeCache *code_cache_open(Arena *arena, const char *folder, const char *depends);
/* The bytes kept under the key, in the arena; NULL: none. */
const char *code_cache_find(const CodeCache *cache, Arena *arena, const char *key, size_t *length);
/* False: it cannot be written. */
bool code_cache_keep(CodeCache *cache, const char *key, const void *bytes, size_t length);
/* Waits while another process has the lock, but not for one that is stopped; it is nobody's when its process ends. Where files
 * cannot be locked, all goes on without. */
int code_cache_lock(const CodeCache *cache);
void code_cache_unlock(int lock);
void code_cache_close(CodeCache *cache); /* makes room, if something was kept */
#endif
