/* words: a text cut into words. Inside the runtime only. */
#ifndef SGDRT_WORDS_H
#define SGDRT_WORDS_H
#include "sgdrt.h"

enum { SGDRT_LONGEST_WORD = 64 }; /* bytes that count */

/* A byte of a word as it counts; 0: it is of none. */
static inline unsigned char sgdrt_word_byte(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return (unsigned char)(c | 32);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 || c == '\'' ? c : 0;
}

/* The next word from *at on, and *at behind it, its first SGDRT_LONGEST_WORD bytes in `word`; false where there is none before
 * the end. */
static inline bool sgdrt_next_word(const char **at, const char *end, char *word, size_t *length) {
    const char *p = *at;
    unsigned char c;
    *length = 0;
    while (p < end && !sgdrt_word_byte((unsigned char)*p)) p++;
    for (; p < end && (c = sgdrt_word_byte((unsigned char)*p)); p++)
        if (*length < SGDRT_LONGEST_WORD) word[(*length)++] = (char)c;
    *at = p;
    return *length > 0;
}

#endif
