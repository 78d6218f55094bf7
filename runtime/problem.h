/* problem: the runtime's codes and how a problem is filled in. For the runtime and for sgdc.
 *
 * The numbers are rows of the compiler's table of codes (E0401 ...), where each is explained; an application
 * that links the runtime alone sees number and sentence.
 */
#ifndef SGDRT_PROBLEM_H
#define SGDRT_PROBLEM_H
#include "sgdrt.h"

enum {
    PROBLEM_READ = 401,   /* the file cannot be opened or read */
    PROBLEM_HEADER = 402, /* not an IDX or .npy file, or a header that says something impossible */
    PROBLEM_SHAPE = 403,  /* a file of another shape or type than its column */
    PROBLEM_LABEL = 404,  /* outside 0 .. classes-1, or outside its integer type */
    PROBLEM_NOT_A_NUMBER = 405,
    PROBLEM_MISSING = 406,
    PROBLEM_RAGGED = 407,      /* a row with another number of fields */
    PROBLEM_NO_COLUMN = 408,   /* no column of that name or number */
    PROBLEM_QUOTE = 409,       /* a quote that is not closed */
    PROBLEM_ROWS = 410,        /* rows = a..b is not in the file */
    PROBLEM_EMPTY = 411,       /* no row in it */
    PROBLEM_LENGTH = 412,      /* more or fewer bytes than the header says */
    PROBLEM_GZIP = 413,        /* a damaged gzip stream */
    PROBLEM_COUNTS = 414,      /* columns with different numbers of rows */
    PROBLEM_REMAP = 415,       /* a value that remap does not list */
    PROBLEM_TOO_LARGE = 416,   /* more memory or rows than there can be */
    PROBLEM_SAVED_FILE = 417,  /* not a well-formed safetensors file */
    PROBLEM_WRITE = 418,       /* a file cannot be written */
    PROBLEM_NOT_SAVED = 419,   /* a saved file that lacks an entry, or has it with another shape or type */
    PROBLEM_NONE_KEPT = 420,   /* keep leaves no row */
    PROBLEM_NO_TRAINING = 427, /* a saved file that no training can go on from */
    PROBLEM_TEXT = 431,        /* bytes that are no text in UTF-8 */
    PROBLEM_VOCABULARY = 432,  /* more characters or words than classes */
    PROBLEM_UNKNOWN = 433,     /* a character that was not learnt */
    PROBLEM_SPARSE = 434       /* a row that libsvm's format has otherwise */
};

/* Fill *problem (which may be NULL) and return the code. */
int sgdrt_problem_set(sgdrt_problem *problem, int code, const char *file, int64_t line, int64_t column,
                      const char *format, ...) __attribute__((format(printf, 6, 7)));
void sgdrt_problem_help(sgdrt_problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sgdrt_problem_memory(sgdrt_problem *problem, const char *file, size_t bytes);

/* "[28, 28]"; cut off where it does not fit. */
void sgdrt_shape_text(char *text, size_t size, const int64_t *shape, int rank);
/* Bytes of a file as printable text for a message: cut after `most` bytes, control bytes as '?'. */
void sgdrt_excerpt(char *text, size_t size, const char *bytes, size_t length, size_t most);
/* The index of the candidate nearest to `wanted`, or -1 if none is near. */
int sgdrt_nearest(const char *wanted, size_t wanted_length, const char *const *candidates, int count);
#endif
