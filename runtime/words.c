/* words: texts of a csv's column as words. A word is letters, digits and apostrophes one after the other, all that is not ASCII
 * being letters; capitals of ASCII count as small ones; whatever else stands between words is none.
 *
 * Class 0 fills a text up, class 1 is any word that was not learnt, from 2 on come the words that the column has most
 * often; those that it has as often in the order of their bytes.
 */
#include "words.h"
#include "problem.h"
#include "row_stream.h"
#include "text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 12, FIRST_SLOTS = 1 << 12 };

/* ---- counting them ---------------------------------------------------------------------------- */
typedef struct CountedWord {
    char *text;
    size_t length;
    int64_t count;
} CountedWord;

typedef struct WordCounts {
    CountedWord *slots; /* open addressing */
    size_t size, used;
} WordCounts;

static size_t hash_of(const char *text, size_t length) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001B3u;
    return (size_t)(hash ^ hash >> 29);
}

static CountedWord *slot_of(const WordCounts *counts, const char *text, size_t length) {
    size_t at = hash_of(text, length) & (counts->size - 1);
    while (counts->slots[at].text &&
           (counts->slots[at].length != length || memcmp(counts->slots[at].text, text, length) != 0))
        at = (at + 1) & (counts->size - 1);
    return &counts->slots[at];
}

static bool grow(WordCounts *counts) {
    WordCounts larger = {.size = counts->size ? 2 * counts->size : FIRST_SLOTS, .used = counts->used};
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < counts->size; i++) {
        const CountedWord *word = &counts->slots[i];
        if (word->text) *slot_of(&larger, word->text, word->length) = *word;
    }
    free(counts->slots);
    *counts = larger;
    return true;
}

static bool count_word(WordCounts *counts, const char *text, size_t length) {
    if (2 * counts->used >= counts->size && !grow(counts)) return false;
    CountedWord *word = slot_of(counts, text, length);
    if (!word->text) {
        word->text = malloc(length + 1);
        if (!word->text) return false;
        memcpy(word->text, text, length);
        word->text[length] = 0;
        word->length = length;
        counts->used++;
    }
    word->count++;
    return true;
}

static int count_block(const sgdrt_row_block *block, WordCounts *counts, const char *path, sgdrt_problem *problem) {
    char word[SGDRT_LONGEST_WORD];
    const char *at = block->text;
    size_t length;
    for (int64_t r = 0; r < block->table->rows; r++) {
        const char *end = block->text + block->text_end[r];
        while (sgdrt_next_word(&at, end, word, &length))
            if (!count_word(counts, word, length)) return sgdrt_problem_memory(problem, path, counts->size);
        at = end;
    }
    return 0;
}

static int count_file(const sgdrt_request *request, const char *column, WordCounts *counts, sgdrt_problem *problem) {
    sgdrt_row_options options = {.texts = &column, .text_count = 1};
    sgdrt_row_stream *stream = NULL;
    sgdrt_row_block block = {0};
    int code = sgdrt_rows_open(request, &options, &stream, problem);
    if (code) return code;
    while (!(code = sgdrt_rows_next(stream, BLOCK, &block, problem)) && block.table->rows)
        if ((code = count_block(&block, counts, request->path, problem))) break;
    sgdrt_rows_close(stream);
    return code;
}

/* ---- the vocabulary ----------------------------------------------------------------------------- */
static int by_count(const void *a, const void *b) {
    const CountedWord *x = a, *y = b;
    if (!x->text || !y->text) return !x->text - !y->text;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->text, y->text);
}

static int list_words(WordCounts *counts, int64_t most, sgdrt_vocabulary *vocabulary, sgdrt_problem *problem) {
    size_t count = counts->used < (size_t)most - 2 ? counts->used : (size_t)most - 2, bytes = 64;
    qsort(counts->slots, counts->size, sizeof *counts->slots, by_count);
    for (size_t i = 0; i < count; i++) bytes += counts->slots[i].length + 1 + sizeof *vocabulary->words;
    bytes += 2 * sizeof *vocabulary->words;
    vocabulary->own = vocabulary->words = malloc(bytes);
    if (!vocabulary->own) return sgdrt_problem_memory(problem, NULL, bytes);
    char *to = (char *)(vocabulary->words + count + 2);
    for (size_t i = 0; i < count + 2; i++) {
        const char *word = i == 0 ? "" : i == 1 ? "<other>" : counts->slots[i - 2].text;
        size_t length = strlen(word) + 1;
        vocabulary->words[i] = memcpy(to, word, length);
        to += length;
    }
    vocabulary->count = (int64_t)count + 2;
    return 0;
}

int sgdrt_learn_words(const sgdrt_request *request, const char *column, int64_t most, sgdrt_vocabulary *vocabulary,
                      sgdrt_problem *problem) {
    WordCounts counts = {0};
    sgdrt_request one = *request;
    one.column_count = 0;
    one.paths = NULL;
    *vocabulary = (sgdrt_vocabulary){0};
    int code = grow(&counts) ? 0 : sgdrt_problem_memory(problem, request->path, FIRST_SLOTS * sizeof *counts.slots);
    for (int f = 0; !code && f < (request->path_count > 1 ? request->path_count : 1); f++) {
        if (request->path_count > 1) one.path = request->paths[f];
        code = count_file(&one, column, &counts, problem);
    }
    if (!code) code = list_words(&counts, most, vocabulary, problem);
    for (size_t i = 0; i < counts.size; i++) free(counts.slots[i].text);
    free(counts.slots);
    return code;
}
