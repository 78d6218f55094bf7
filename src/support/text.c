/* text: strings that grow, numbers as text, interned names, and the nearest of several names.
 *
 * All memory is the arena's. A grown string leaves its old bytes behind; since it doubles, that is
 * at most as much again. Names are kept in an open-addressed table keyed by an FNV-1a hash; the
 * table doubles when it is two thirds full.
 *
 * Invariants: a Text is NUL-terminated at every moment; two names are the same pointer if and only
 * if they have the same bytes.
 */
#include "support/support.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing strings ---- */

Text text_new(Arena *arena) {
    Text text = {.arena = arena, .capacity = 64};
    text.bytes = arena_alloc(arena, text.capacity);
    return text;
}

static void text_reserve(Text *text, size_t more) {
    if (more < text->capacity - text->length) return;
    size_t capacity = text->capacity * 2;
    while (capacity - text->length <= more) capacity *= 2;
    char *bytes = arena_alloc(text->arena, capacity);
    memcpy(bytes, text->bytes, text->length + 1);
    text->bytes = bytes;
    text->capacity = capacity;
}

void text_add_bytes(Text *text, const char *bytes, size_t length) {
    text_reserve(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void text_add_arguments(Text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) INTERNAL_ERROR("a format that cannot be printed: %s", format);
    text_reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    text->length += (size_t)length;
}

void text_add(Text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_add_arguments(text, format, arguments);
    va_end(arguments);
}

char *text_format_arguments(Arena *arena, const char *format, va_list arguments) {
    Text text = text_new(arena);
    text_add_arguments(&text, format, arguments);
    return text.bytes;
}

char *text_format(Arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *bytes = text_format_arguments(arena, format, arguments);
    va_end(arguments);
    return bytes;
}

char *text_number(Arena *arena, double value, bool is_f32) {
    if (isnan(value)) return text_format(arena, "nan");
    if (isinf(value)) return text_format(arena, value < 0 ? "-inf" : "inf");
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        bool same = is_f32 ? strtof(digits, NULL) == (float)value : strtod(digits, NULL) == value;
        if (same) break;
    }
    return text_format(arena, "%s", digits);
}

/* ---- interned names ---- */

typedef struct InternedName {
    const char *bytes;
    size_t length;
    uint64_t hash;
} InternedName;

struct Names {
    Arena *arena;
    InternedName *entries;
    size_t count, capacity; /* capacity is a power of two */
};

Names *names_new(Arena *arena) {
    Names *names = arena_new_of(arena, Names);
    names->arena = arena;
    names->capacity = 256;
    names->entries = arena_array(arena, InternedName, names->capacity);
    return names;
}

static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return hash;
}

static InternedName *find_entry(InternedName *entries, size_t capacity, const char *bytes, size_t length,
                                uint64_t hash) {
    size_t at = (size_t)hash & (capacity - 1);
    while (entries[at].bytes) {
        InternedName *entry = &entries[at];
        if (entry->hash == hash && entry->length == length && memcmp(entry->bytes, bytes, length) == 0) return entry;
        at = (at + 1) & (capacity - 1);
    }
    return &entries[at];
}

static void names_grow(Names *names) {
    size_t capacity = names->capacity * 2;
    InternedName *entries = arena_array(names->arena, InternedName, capacity);
    for (size_t i = 0; i < names->capacity; i++) {
        InternedName *old = &names->entries[i];
        if (old->bytes) *find_entry(entries, capacity, old->bytes, old->length, old->hash) = *old;
    }
    names->entries = entries;
    names->capacity = capacity;
}

Name name_of(Names *names, const char *bytes, size_t length) {
    uint64_t hash = hash_bytes(bytes, length);
    InternedName *entry = find_entry(names->entries, names->capacity, bytes, length, hash);
    if (entry->bytes) return entry->bytes;
    if (3 * names->count >= 2 * names->capacity) {
        names_grow(names);
        entry = find_entry(names->entries, names->capacity, bytes, length, hash);
    }
    char *copy = arena_alloc(names->arena, length + 1);
    memcpy(copy, bytes, length);
    *entry = (InternedName){.bytes = copy, .length = length, .hash = hash};
    names->count++;
    return copy;
}

Name name_from(Names *names, const char *string) { return name_of(names, string, strlen(string)); }

/* ---- did you mean ---- */

enum { LONGEST_COMPARED = 63 };

static bool same_letter(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

static int least(int a, int b) { return a < b ? a : b; }

/* Insertions, deletions, substitutions and exchanges of neighbours; case does not count. */
static int edit_distance(const char *a, int a_length, const char *b, int b_length) {
    int distance[LONGEST_COMPARED + 1][LONGEST_COMPARED + 1];
    for (int i = 0; i <= a_length; i++) distance[i][0] = i;
    for (int j = 0; j <= b_length; j++) distance[0][j] = j;
    for (int i = 1; i <= a_length; i++)
        for (int j = 1; j <= b_length; j++) {
            int best = distance[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]);
            best = least(best, least(distance[i - 1][j], distance[i][j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                best = least(best, distance[i - 2][j - 2] + 1);
            distance[i][j] = best;
        }
    return distance[a_length][b_length];
}

const char *nearest_name(const char *wanted, const char *const *candidates, int count) {
    size_t length = strlen(wanted);
    if (length > LONGEST_COMPARED) return NULL;
    int most = length == 2 ? 1 : (int)length / 3;
    const char *nearest = NULL;
    for (int i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > LONGEST_COMPARED) continue;
        int distance = edit_distance(wanted, (int)length, candidates[i], (int)candidate_length);
        if (distance > most || (distance == most && nearest)) continue;
        nearest = candidates[i];
        most = distance;
    }
    return nearest;
}
