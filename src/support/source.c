/* source: the texts being compiled, and the way from a byte to file, line and column.
 *
 * All sources lie one behind the other in one space of 32-bit addresses, starting at 1, each
 * followed by one address for its end. So a place anywhere is one number and a Span is two.
 *
 * Invariants: line_begin holds offsets inside the source's text, ascending, the first is 0; a
 * Source never moves.
 */
#include "support/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_PROGRAM = 1 << 26 };

SourceMap *source_map_new(Arena *arena) {
    SourceMap *map = arena_new_of(arena, SourceMap);
    map->arena = arena;
    map->next = 1;
    return map;
}

static void find_lines(Arena *arena, Source *source) {
    int lines = 1;
    for (uint32_t i = 0; i < source->length; i++) lines += source->text[i] == '\n';
    source->line_begin = arena_array(arena, uint32_t, lines);
    for (uint32_t i = 0; i < source->length; i++)
        if (source->text[i] == '\n') source->line_begin[++source->line_count] = i + 1;
    source->line_count = lines;
}

Source *source_add(SourceMap *map, const char *path, const char *text, size_t length) {
    if (length >= UINT32_MAX - map->next) INTERNAL_ERROR("the sources are longer than 4 GB");
    Source *source = arena_new_of(map->arena, Source);
    source->path = arena_copy(map->arena, path, strlen(path) + 1);
    char *copy = arena_alloc(map->arena, length + 1);
    if (length > 0) memcpy(copy, text, length);
    source->text = copy;
    source->length = (uint32_t)length;
    source->base = map->next;
    map->next += (uint32_t)length + 1;
    find_lines(map->arena, source);
    vector_push(map->arena, &map->sources, source);
    return source;
}

/* Pipes have no size, so the file is read until it ends. */
static char *read_all(FILE *file, size_t most, size_t *length) {
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);
    *length = 0;
    while (bytes) {
        *length += fread(bytes + *length, 1, capacity - *length, file);
        if (*length < capacity || *length > most) return bytes;
        char *grown = realloc(bytes, capacity *= 2);
        if (!grown) free(bytes);
        bytes = grown;
    }
    return NULL;
}

static const char too_large[] = "is too large for a program (64 MB with what it includes)";

static size_t room(const SourceMap *map) { return map->next < MOST_PROGRAM ? MOST_PROGRAM - map->next : 0; }

static Source *source_from_file(SourceMap *map, const char *path, FILE *file, const char **problem) {
    size_t most = room(map);
    size_t length;
    errno = 0;
    char *bytes = read_all(file, most, &length);
    if (!bytes || ferror(file)) {
        *problem = text_format(map->arena, "cannot be read: %s", strerror(errno ? errno : ENOMEM));
        free(bytes);
        return NULL;
    }
    Source *source = NULL;
    if (length > most)
        *problem = too_large;
    else
        source = source_add(map, path, bytes, length);
    free(bytes);
    return source;
}

Source *source_read(SourceMap *map, const char *path, const char **problem) {
    *problem = NULL;
    size_t length;
    const char *text = map->open ? map->open(map->open_context, path, &length) : NULL;
    if (text) {
        if (length <= room(map)) return source_add(map, path, text, length);
        *problem = too_large;
        return NULL;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        *problem = text_format(map->arena, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    Source *source = NULL;
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        *problem = "cannot be read: it is a directory";
    else
        source = source_from_file(map, path, file, problem);
    fclose(file);
    return source;
}

Source *source_read_stdin(SourceMap *map, const char **problem) {
    *problem = NULL;
    return source_from_file(map, "stdin", stdin, problem);
}

/* The last index whose value is at most `at`; values[0] <= at. */
static int last_at_most(const uint32_t *values, int count, uint32_t at) {
    int low = 0, high = count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (values[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

Place source_place(const SourceMap *map, uint32_t at) {
    if (at == 0 || map->sources.count == 0 || at >= map->next) return (Place){0};
    int low = 0, high = map->sources.count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (map->sources.items[middle]->base <= at)
            low = middle;
        else
            high = middle;
    }
    const Source *source = map->sources.items[low];
    uint32_t offset = at - source->base;
    int line = last_at_most(source->line_begin, source->line_count, offset);
    int column = (int)(offset - source->line_begin[line]);
    return (Place){.source = source, .line = line + 1, .column = column + 1};
}

const char *source_line(Arena *arena, const Source *source, int line) {
    if (line < 1 || line > source->line_count) return "";
    uint32_t begin = source->line_begin[line - 1];
    uint32_t end = line < source->line_count ? source->line_begin[line] - 1 : source->length;
    if (end > begin && source->text[end - 1] == '\r') end--;
    char *copy = arena_alloc(arena, end - begin + 1);
    memcpy(copy, source->text + begin, end - begin);
    return copy;
}

Span span_join(Span a, Span b) {
    if (a.begin == 0) return b;
    if (b.begin == 0) return a;
    return (Span){a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}
