/* problem: filling in what went wrong, in words for the person whose file it is. */
#include "problem.h"
#include "utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sgdrt_problem_set(sgdrt_problem *problem, int code, const char *file, int64_t line, int64_t column,
                      const char *format, ...) {
    if (!problem) return code;
    problem->code = code;
    problem->file = file;
    problem->line = line;
    problem->column = column;
    problem->help[0] = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return code;
}

void sgdrt_problem_help(sgdrt_problem *problem, const char *format, ...) {
    if (!problem) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->help, sizeof problem->help, format, arguments);
    va_end(arguments);
}

int sgdrt_problem_memory(sgdrt_problem *problem, const char *file, size_t bytes) {
    double gigabytes = (double)bytes / 1e9;
    if (gigabytes < 1)
        return sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, file, 0, 0, "%zu bytes of memory could not be had", bytes);
    return sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, file, 0, 0,
                             "it takes %.3g GB of memory, which could not be had", gigabytes);
}

void sgdrt_shape_text(char *text, size_t size, const int64_t *shape, int rank) {
    size_t at = (size_t)snprintf(text, size, "[");
    for (int a = 0; a < rank && at + 24 < size; a++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", a ? ", " : "", (long long)shape[a]);
    snprintf(text + at, size - at, "]");
}

void sgdrt_excerpt(char *text, size_t size, const char *bytes, size_t length, size_t most) {
    size_t shown = length < most ? length : most, at = 0;
    while (shown && shown < length && ((unsigned char)bytes[shown] & 0xC0) == 0x80)
        shown--; /* not through the middle of a UTF-8 character */
    for (size_t i = 0; i < shown && at + 8 < size;) {
        uint32_t code = 0;
        size_t length_here = sgdrt_utf8_length(bytes + i, shown - i, &code);
        if (!length_here || sgdrt_utf8_is_control(code)) {
            text[at++] = '?';
        } else {
            memcpy(text + at, bytes + i, length_here);
            at += length_here;
        }
        i += length_here ? length_here : 1;
    }
    if (shown < length && at + 4 <= size) {
        memcpy(text + at, "...", 3);
        at += 3;
    }
    text[at] = 0;
}

/* Levenshtein distance of short names; names longer than a row of the table are never near. */
static int name_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    enum { LONGEST = 64 };
    int row[LONGEST + 1];
    if (a_length > LONGEST || b_length > LONGEST) return LONGEST;
    for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int replace = diagonal + ((a[i - 1] | 32) != (b[j - 1] | 32));
            int least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = replace < least ? replace : least;
        }
    }
    return row[b_length];
}

int sgdrt_nearest(const char *wanted, size_t wanted_length, const char *const *candidates, int count) {
    int best = -1, best_distance = (int)(wanted_length / 3) + 1;
    for (int i = 0; i < count; i++) {
        int distance = name_distance(wanted, wanted_length, candidates[i], strlen(candidates[i]));
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}
