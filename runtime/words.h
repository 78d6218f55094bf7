/* words: a text cut into words. Inside the runtime only. */
#ifndef SGDRT_WORDS_H
#define SGDRT_WORDS_H
#include "sgdrt.h"

enum { SGDRT_LONGEST_WORD = 64 }; /* bytes that count */

/* The next word from *at on, and *at behind it, its first SGDRT_LONGEST_WORD bytes in `word`; false where there is none before the end. */
bool sgdrt_next_word(const char **at, const char *end, char *word, size_t *length);
#endif
