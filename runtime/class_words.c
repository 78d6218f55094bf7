/* class_words: a table of texts by their hash. */
#include "class_words.h"
#include <stdlib.h>
#include <string.h>

typedef struct KnownWord {
    size_t begin, length;
    uint64_t hash;
    int32_t number;
} KnownWord;

struct ClassWords {
    char *bytes; /* texts one after the other, each with a 0 behind it */
    size_t used, bytes_capacity;
    KnownWord *words;
    int32_t count, capacity;
    int32_t *slots; /* 0, or a number + 1; a power of two of them, at most half full */
    size_t slot_count;
    const char **sorted;
    int32_t *order;
};

ClassWords *sgdrt_words_new(void) { return calloc(1, sizeof(ClassWords)); }

void sgdrt_words_free(ClassWords *words) {
    if (!words) return;
    free(words->bytes);
    free(words->words);
    free(words->slots);
    free(words->sorted);
    free(words->order);
    free(words);
}

/* ---- numbers --------------------------------------------------------------------------------- */
static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

static void *grow(void *items, size_t count, size_t size) { return realloc(items, count * size); }

static bool more_slots(ClassWords *w) {
    size_t count = w->slot_count ? 2 * w->slot_count : 64;
    int32_t *slots = calloc(count, sizeof *slots);
    if (!slots) return false;
    for (int32_t i = 0; i < w->count; i++) {
        size_t at = w->words[i].hash & (count - 1);
        while (slots[at]) at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    free(w->slots);
    w->slots = slots;
    w->slot_count = count;
    return true;
}

static bool make_room(ClassWords *w, size_t length) {
    if (2 * (size_t)(w->count + 1) > w->slot_count && !more_slots(w)) return false;
    if (w->count == w->capacity) {
        int32_t capacity = w->capacity ? 2 * w->capacity : 32;
        KnownWord *words = capacity > 0 ? grow(w->words, (size_t)capacity, sizeof *words) : NULL;
        if (!words) return false;
        w->words = words;
        w->capacity = capacity;
    }
    if (w->used + length + 1 > w->bytes_capacity) {
        size_t capacity = 2 * (w->used + length + 1) + 256;
        char *bytes = grow(w->bytes, capacity, 1);
        if (!bytes) return false;
        w->bytes = bytes;
        w->bytes_capacity = capacity;
    }
    return true;
}

int32_t sgdrt_words_number(ClassWords *w, const char *text, size_t length) {
    uint64_t hash = hash_of(text, length);
    size_t at = 0;
    if (w->slot_count)
        for (at = hash & (w->slot_count - 1); w->slots[at]; at = (at + 1) & (w->slot_count - 1)) {
            const KnownWord *word = &w->words[w->slots[at] - 1];
            if (word->hash == hash && word->length == length && !memcmp(w->bytes + word->begin, text, length))
                return word->number;
        }
    if (!make_room(w, length)) return -1;
    for (at = hash & (w->slot_count - 1); w->slots[at];) at = (at + 1) & (w->slot_count - 1);
    w->words[w->count] = (KnownWord){w->used, length, hash, w->count};
    memcpy(w->bytes + w->used, text, length);
    w->bytes[w->used + length] = 0;
    w->used += length + 1;
    w->slots[at] = ++w->count;
    return w->count - 1;
}

bool sgdrt_words_merge(ClassWords *into, const ClassWords *from, int32_t **map, int32_t *mapped) {
    if (from->count == *mapped) return true;
    int32_t *grown = grow(*map, (size_t)from->count, sizeof *grown);
    if (!grown) return false;
    *map = grown;
    for (; *mapped < from->count; ++*mapped) {
        const KnownWord *word = &from->words[*mapped];
        grown[*mapped] = sgdrt_words_number(into, from->bytes + word->begin, word->length);
        if (grown[*mapped] < 0) return false;
    }
    return true;
}

/* ---- order ----------------------------------------------------------------------------------- */
typedef struct NumberedText {
    const char *text;
    int32_t number;
} NumberedText;

static int compare_texts(const void *a, const void *b) {
    return strcmp(((const NumberedText *)a)->text, ((const NumberedText *)b)->text);
}

bool sgdrt_words_sort(ClassWords *w, const char *const **sorted, const int32_t **order, int *count) {
    size_t places = (size_t)w->count + 1;
    NumberedText *texts = malloc(places * sizeof *texts);
    free(w->sorted);
    free(w->order);
    w->sorted = malloc(places * sizeof *w->sorted);
    w->order = malloc(places * sizeof *w->order);
    bool good = texts && w->sorted && w->order;
    for (int32_t i = 0; good && i < w->count; i++) texts[i] = (NumberedText){w->bytes + w->words[i].begin, i};
    if (good) qsort(texts, (size_t)w->count, sizeof *texts, compare_texts);
    for (int32_t i = 0; good && i < w->count; i++) {
        w->sorted[i] = texts[i].text;
        w->order[texts[i].number] = i;
    }
    free(texts);
    *sorted = w->sorted;
    *order = w->order;
    *count = w->count;
    return good;
}
