/* text: vocabularies that are learnt from texts, and data sets whose rows are windows of one. For the runtime and for sgdc. */
#ifndef SGDRT_TEXT_H
#define SGDRT_TEXT_H
#include "sgdrt.h"

/* What classes stand for, as UTF-8. */
typedef struct sgdrt_vocabulary {
    const char **words;
    int64_t count;
    void *own;
} sgdrt_vocabulary;

/* The different characters of a text, in the order of their codes; a problem where there are more than `most`. `field` is what they are
 * for. */
int sgdrt_learn_characters(const char *path, const char *field, int64_t most, sgdrt_vocabulary *vocabulary,
                           sgdrt_problem *problem);
/* The words of a csv's column, which is told by name or number, most frequent ones first: at most `most` with the two that
 * stand for no word and for any other. Of the request's columns none is read. */
int sgdrt_learn_words(const sgdrt_request *request, const char *column, int64_t most, sgdrt_vocabulary *vocabulary,
                      sgdrt_problem *problem);
void sgdrt_free_vocabulary(sgdrt_vocabulary *vocabulary);

/* Fills a new table: chars(...). */
int sgdrt_chars_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem);
#endif
