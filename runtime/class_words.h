/* class_words: the texts of a column of classes, as they are met and then in order. Inside the runtime only.
 *
 * While a file is read each new text gets the next number; when all rows are there the texts are sorted by their bytes and
 * the numbers of the rows change with them, so that which row came first decides nothing. Which of them are classes is
 * known when it is known which rows train: sgdrt_take_classes (sgdrt.h).
 */
#ifndef SGDRT_CLASS_WORDS_H
#define SGDRT_CLASS_WORDS_H
#include "sgdrt.h"

typedef struct ClassWords ClassWords;

ClassWords *sgdrt_words_new(void);        /* NULL: no memory */
void sgdrt_words_free(ClassWords *words); /* NULL is fine */
/* The number of a text, a new one where it is met first; -1: no memory. */
int32_t sgdrt_words_number(ClassWords *words, const char *text, size_t length);
/* A number of `into` for each word of `from`, as (*map)[number]; *mapped of them have one. False: no memory. */
bool sgdrt_words_merge(ClassWords *into, const ClassWords *from, int32_t **map, int32_t *mapped);
/* All texts, sorted; order[number] is the place of one. Both live as long as the words. False: no memory. */
bool sgdrt_words_sort(ClassWords *words, const char *const **sorted, const int32_t **order, int *count);
/* All rows are there: the texts of the column in their order, and the rows' numbers with them. */
int sgdrt_settle_words(sgdrt_table *table, int column, sgdrt_problem *problem);
#endif
