/* input: the bytes of a file, gunzipped where it is a gzip file, read once from front to back.
 *
 * Whether a file is gzip is seen from its first two bytes, not from its name. The path "-" is standard input.
 */
#ifndef SGDRT_INPUT_H
#define SGDRT_INPUT_H
#include "sgdrt.h"

typedef struct Input Input;

/* The input is the caller's: sgdrt_input_close. live: bytes are given as they come. */
int sgdrt_input_open(const char *path, bool live, Input **input, sgdrt_problem *problem);
/* Reads up to `wanted` bytes; fewer only at the end. A live input gives what there is, and none only at the end. */
int sgdrt_input_read(Input *input, void *to, size_t wanted, size_t *got, sgdrt_problem *problem);
/* No more than this many bytes can come (a plain file's size; a gzip file's size times the most that
 * deflate can inflate), or UINT64_MAX where nothing is known. A header that promises more is lying. */
uint64_t sgdrt_input_most(const Input *input);
/* The part of the file that has been read, 0 to 1; 0 where its size is not known. */
double sgdrt_input_part(const Input *input);
bool sgdrt_input_is_gzip(const Input *input);
void sgdrt_input_close(Input *input); /* NULL is fine */

/* A plain file that has a name can be read from any place on, by several inputs at a time: `input` outlives those opened again. */
bool sgdrt_input_has_places(const Input *input);
int sgdrt_input_open_again(const Input *input, Input **result, sgdrt_problem *problem);
void sgdrt_input_seek(Input *input, uint64_t place);

/* Reads exactly `wanted` bytes of `what`, or says how many are missing. */
int sgdrt_input_exact(Input *input, void *to, size_t wanted, const char *what, sgdrt_problem *problem);
/* It is a problem if a byte is left. */
int sgdrt_input_end(Input *input, sgdrt_problem *problem);
#endif
