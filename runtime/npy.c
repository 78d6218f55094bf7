/* npy: the header of numpy's .npy files, versions 1 to 3: a Python dictionary with exactly the keys descr,
 * fortran_order and shape. It is read as the literal it is, by a scanner that knows strings, truth values and
 * tuples of integers and nothing else. */
#include "array_file.h"
#include "problem.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 1 << 20 };

typedef struct Scan {
    const char *at, *end;
} Scan;

static bool accept(Scan *s, char c) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t')) s->at++;
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool scan_string(Scan *s, char *text, size_t size) {
    char quote = accept(s, '\'') ? '\'' : accept(s, '"') ? '"' : 0;
    size_t length = 0;
    for (; quote && s->at < s->end && *s->at != quote; s->at++)
        if (length + 1 < size) text[length++] = *s->at;
    text[length] = 0;
    if (!quote || s->at == s->end) return false;
    s->at++;
    return true;
}

static bool scan_shape(Scan *s, ArrayHeader *header) {
    if (!accept(s, '(')) return false;
    header->rank = 0;
    while (!accept(s, ')')) {
        int64_t extent = 0;
        const char *begin = s->at;
        for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
            if (__builtin_mul_overflow(extent, 10, &extent) || __builtin_add_overflow(extent, *s->at - '0', &extent))
                return false;
        if (s->at == begin || header->rank == ARRAY_MOST_RANK) return false;
        if (s->at < s->end && *s->at == 'L') /* Python 2 wrote 3L */
            s->at++;
        header->shape[header->rank++] = extent;
        if (!accept(s, ',')) {
            if (!accept(s, ')')) return false;
            break;
        }
        accept(s, ' ');
    }
    return true;
}

static bool scan_truth(Scan *s, bool *value) {
    accept(s, ' ');
    size_t left = (size_t)(s->end - s->at);
    *value = left >= 4 && !memcmp(s->at, "True", 4);
    if (!*value && (left < 5 || memcmp(s->at, "False", 5))) return false;
    s->at += *value ? 4 : 5;
    return true;
}

/* '<f4', '|u1', '>i8', ... */
static bool item_of_descr(const char *descr, ArrayHeader *header) {
    static const struct {
        const char *code;
        ArrayItemKind kind;
        int bytes;
    } items[] = {
        {"f2", ITEM_FLOAT, 2},    {"f4", ITEM_FLOAT, 4},    {"f8", ITEM_FLOAT, 8},    {"u1", ITEM_UNSIGNED, 1},
        {"u2", ITEM_UNSIGNED, 2}, {"u4", ITEM_UNSIGNED, 4}, {"u8", ITEM_UNSIGNED, 8}, {"i1", ITEM_SIGNED, 1},
        {"i2", ITEM_SIGNED, 2},   {"i4", ITEM_SIGNED, 4},   {"i8", ITEM_SIGNED, 8},   {"b1", ITEM_BOOL, 1},
    };
    if (!*descr || !strchr("<>|=", *descr)) return false;
    header->big_endian = *descr == '>';
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (!strcmp(descr + 1, items[i].code)) {
            header->kind = items[i].kind;
            header->item_bytes = items[i].bytes;
            return true;
        }
    return false;
}

static int header_problem(const char *path, sgdrt_problem *problem, const char *what) {
    return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0, "the file has a damaged .npy header: %s", what);
}

static int parse_dictionary(const char *path, const char *text, size_t length, ArrayHeader *header,
                            sgdrt_problem *problem) {
    Scan s = {text, text + length};
    char descr[32] = "", key[32];
    bool fortran = false;
    int seen = 0;
    if (!accept(&s, '{')) return header_problem(path, problem, "a dictionary is expected");
    while (!accept(&s, '}')) {
        bool fine = scan_string(&s, key, sizeof key) && accept(&s, ':');
        if (fine && !strcmp(key, "descr")) {
            seen |= 1;
            if (!scan_string(&s, descr, sizeof descr))
                return sgdrt_problem_set(problem, PROBLEM_SHAPE, path, 0, 0,
                                         "the file holds records, not plain numbers");
        } else if (fine && !strcmp(key, "fortran_order")) {
            seen |= 2;
            fine = scan_truth(&s, &fortran);
        } else if (fine && !strcmp(key, "shape")) {
            seen |= 4;
            fine = scan_shape(&s, header);
        } else {
            fine = false;
        }
        if (!fine) return header_problem(path, problem, "it is not descr, fortran_order and shape");
        accept(&s, ',');
    }
    if (seen != 7) return header_problem(path, problem, "descr, fortran_order or shape is missing");
    if (!item_of_descr(descr, header)) {
        char shown[40];
        sgdrt_excerpt(shown, sizeof shown, descr, strlen(descr), 30);
        int code = sgdrt_problem_set(problem, PROBLEM_SHAPE, path, 0, 0, "the file holds values of type '%s'", shown);
        sgdrt_problem_help(problem, "numbers, whole numbers and truth values are read: x.astype('float32')");
        return code;
    }
    if (header->rank < 1)
        return sgdrt_problem_set(problem, PROBLEM_SHAPE, path, 0, 0, "holds a single value, not rows");
    header->fortran = fortran && header->rank > 1;
    return 0;
}

int sgdrt_npy_header(const char *path, Input *input, ArrayHeader *header, sgdrt_problem *problem) {
    unsigned char magic[8], size[4] = {0};
    *header = (ArrayHeader){0};
    int code = sgdrt_input_exact(input, magic, sizeof magic, "its header", problem);
    if (code) return code;
    if (!memcmp(magic, "PK\3\4", 4)) {
        code = sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0, "the file is an .npz archive, not a .npy file");
        sgdrt_problem_help(problem, "save its arrays apart: z = numpy.load('x.npz'); numpy.save('x.npy', z['x'])");
        return code;
    }
    if (memcmp(magic, "\x93NUMPY", 6))
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0, "the file is not a .npy file");
    if (magic[6] < 1 || magic[6] > 3)
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0,
                                 "the file is a .npy file of version %d; 1 to 3 are read", magic[6]);
    size_t size_bytes = magic[6] == 1 ? 2 : 4;
    code = sgdrt_input_exact(input, size, size_bytes, "its header", problem);
    if (code) return code;
    size_t length = (size_t)size[3] << 24 | (size_t)size[2] << 16 | (size_t)size[1] << 8 | size[0];
    if (length > MOST_HEADER || length > sgdrt_input_most(input))
        return header_problem(path, problem, "its length cannot be");
    char *text = malloc(length + 1);
    if (!text) return sgdrt_problem_memory(problem, path, length);
    code = sgdrt_input_exact(input, text, length, "its header", problem);
    if (!code) code = parse_dictionary(path, text, length, header, problem);
    free(text);
    header->header_bytes = sizeof magic + size_bytes + length;
    return code ? code : sgdrt_array_measure(path, input, header, problem);
}
