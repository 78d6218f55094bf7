/* Entries of the cache of compiled code (code_cache.h): the SHA-256 of the bytes in hexadecimal digits, then the bytes. */
#define _GNU_SOURCE
#include "codegen/code_cache.h"
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DIGITS = 64, MOST_BYTES = 256 << 20, LOCK_TRIES = 2000 };
static const char lock_name[] = "lock";
static const struct timespec between_tries = {.tv_nsec = 1000000};

struct CodeCache {
    Arena *arena;
    const char *folder;
    Sha256 depends;
    bool has_more; /* entries than when it was opened */
};

/* ---- this sgdc ------------------------------------------------------------------------------------- */
/* Of the first object, which is the executable. */
static int find_build_id(struct dl_phdr_info *object, size_t size, void *found) {
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_NOTE) continue;
        const char *at = (const char *)object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        const char *end = at + object->dlpi_phdr[i].p_memsz;
        while (end - at > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof *note, *bytes = name + (note->n_namesz + 3) / 4 * 4;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0)
                sha256_add(found, bytes, note->n_descsz);
            at = bytes + (note->n_descsz + 3) / 4 * 4;
        }
    }
    return 1;
}

/* false: its linker left no build-id. */
static bool add_this_sgdc(Sha256 *hash) {
    uint64_t before = hash->length;
    dl_iterate_phdr(find_build_id, hash);
    return hash->length > before;
}

/* ---- the folder ------------------------------------------------------------------------------------ */
CodeCache *code_cache_open(Arena *arena, const char *folder, const char *depends) {
    CodeCache *cache = arena_new_of(arena, CodeCache);
    struct stat is;
    *cache = (CodeCache){.arena = arena, .folder = folder, .depends = sha256_new()};
    sha256_add(&cache->depends, depends, strlen(depends) + 1);
    if (!add_this_sgdc(&cache->depends) || !folder_make_above(arena, text_format(arena, "%s/", folder), 0700))
        return NULL;
    bool ours = stat(folder, &is) == 0 && S_ISDIR(is.st_mode) && is.st_uid == geteuid() && !(is.st_mode & 022);
    return ours ? cache : NULL;
}

typedef struct KeptFile {
    const char *path;
    int64_t bytes;
    struct timespec read;
} KeptFile;

static int by_time(const void *a, const void *b) {
    const KeptFile *x = a, *y = b;
    if (x->read.tv_sec != y->read.tv_sec) return x->read.tv_sec < y->read.tv_sec ? -1 : 1;
    return (x->read.tv_nsec > y->read.tv_nsec) - (x->read.tv_nsec < y->read.tv_nsec);
}

/* Three quarters stay, so that this is seldom done; also where another process makes room at the same time. */
static void make_room(CodeCache *cache) {
    Arena *arena = arena_new();
    Vector(KeptFile) entries = {0};
    int64_t bytes = 0;
    DIR *folder = opendir(cache->folder);
    struct dirent *file;
    while (folder && (file = readdir(folder))) {
        struct stat is;
        KeptFile entry = {.path = text_format(arena, "%s/%s", cache->folder, file->d_name)};
        if (strcmp(file->d_name, lock_name) == 0 || stat(entry.path, &is) != 0 || !S_ISREG(is.st_mode)) continue;
        entry.bytes = is.st_size;
        entry.read = is.st_mtim;
        bytes += entry.bytes;
        vector_push(arena, &entries, entry);
    }
    if (folder) closedir(folder);
    if (bytes > MOST_BYTES) qsort(entries.items, (size_t)entries.count, sizeof *entries.items, by_time);
    for (int i = 0; bytes > MOST_BYTES / 4 * 3 && i < entries.count; i++)
        if (unlink(entries.items[i].path) == 0 || errno == ENOENT) bytes -= entries.items[i].bytes;
    arena_free(arena);
}

/* ---- entries --------------------------------------------------------------------------------------- */
static const char *path_of(const CodeCache *cache, Arena *arena, const char *key) {
    Sha256 hash = cache->depends;
    sha256_add(&hash, key, strlen(key));
    return text_format(arena, "%s/%s", cache->folder, sha256_text(arena, hash));
}

static const char *digits_of(Arena *arena, const void *bytes, size_t length) {
    Sha256 hash = sha256_new();
    sha256_add(&hash, bytes, length);
    return sha256_text(arena, hash);
}

/* All of a file that can be an entry; NULL: it is none. Its time of reading is now. */
static char *read_entry(Arena *arena, const char *path, size_t *length) {
    struct stat is;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    bool good = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && is.st_size > DIGITS && is.st_size <= MOST_BYTES;
    char *bytes = good ? arena_alloc(arena, (size_t)is.st_size) : NULL;
    for (size_t have = 0; bytes && have < (size_t)is.st_size;) {
        ssize_t more = read(fd, bytes + have, (size_t)is.st_size - have);
        if (more <= 0) bytes = NULL;
        have += more > 0 ? (size_t)more : 0;
    }
    if (bytes) futimens(fd, NULL);
    close(fd);
    *length = good ? (size_t)is.st_size : 0;
    return bytes;
}

const char *code_cache_find(const CodeCache *cache, Arena *arena, const char *key, size_t *length) {
    size_t all;
    const char *entry = read_entry(arena, path_of(cache, arena, key), &all);
    if (entry == NULL || memcmp(entry, digits_of(arena, entry + DIGITS, all - DIGITS), DIGITS) != 0) return NULL;
    *length = all - DIGITS;
    return entry + DIGITS;
}

/* Nothing waits for the disk: an entry that a crash cut is a broken one. */
static bool write_entry(const char *path, char *unfinished, const char *digits, const void *bytes, size_t length) {
    int fd = mkostemp(unfinished, O_CLOEXEC);
    if (fd < 0) return false;
    FILE *file = fdopen(fd, "wb");
    bool good = file && fwrite(digits, 1, DIGITS, file) == DIGITS && fwrite(bytes, 1, length, file) == length;
    good = (file ? fclose(file) : close(fd)) == 0 && good && rename(unfinished, path) == 0;
    if (!good) unlink(unfinished);
    return good;
}

bool code_cache_keep(CodeCache *cache, const char *key, const void *bytes, size_t length) {
    Arena *arena = arena_new();
    const char *path = path_of(cache, arena, key), *digits = digits_of(arena, bytes, length);
    bool kept = write_entry(path, text_format(arena, "%s.XXXXXX", path), digits, bytes, length);
    cache->has_more |= kept;
    arena_free(arena);
    return kept;
}

int code_cache_lock(const CodeCache *cache) {
    Arena *arena = arena_new();
    int lock = open(text_format(arena, "%s/%s", cache->folder, lock_name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    arena_free(arena);
    for (int i = 0; lock >= 0 && i < LOCK_TRIES && flock(lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR) break;
        nanosleep(&between_tries, NULL);
    }
    return lock;
}

void code_cache_unlock(int lock) {
    if (lock >= 0) close(lock);
}

void code_cache_close(CodeCache *cache) {
    if (cache->has_more) make_room(cache);
    cache->has_more = false;
}
