/* idx: the header of an IDX file (the format of MNIST): two zeros, a type, a rank, big-endian extents,
 * values. */
#include "array_file.h"
#include "problem.h"
#include <stdio.h>

static int item_of_type(unsigned char type, ArrayHeader *header) {
    switch (type) {
    case 0x08: header->kind = ITEM_UNSIGNED; return header->item_bytes = 1;
    case 0x09: header->kind = ITEM_SIGNED; return header->item_bytes = 1;
    case 0x0B: header->kind = ITEM_SIGNED; return header->item_bytes = 2;
    case 0x0C: header->kind = ITEM_SIGNED; return header->item_bytes = 4;
    case 0x0D: header->kind = ITEM_FLOAT; return header->item_bytes = 4;
    case 0x0E: header->kind = ITEM_FLOAT; return header->item_bytes = 8;
    default: return 0;
    }
}

int sgdrt_idx_header(const char *path, Input *input, ArrayHeader *header, sgdrt_problem *problem) {
    unsigned char magic[4], extent[4];
    *header = (ArrayHeader){.big_endian = true};
    int code = sgdrt_input_exact(input, magic, sizeof magic, "its header", problem);
    if (code) return code;
    if (magic[0] || magic[1] || !item_of_type(magic[2], header))
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0,
                                 "the file is not an IDX file: it begins with %02x %02x %02x %02x", magic[0], magic[1],
                                 magic[2], magic[3]);
    header->rank = magic[3];
    if (header->rank < 1 || header->rank > ARRAY_MOST_RANK)
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0, "the file is an IDX file of rank %d",
                                 header->rank);
    for (int a = 0; a < header->rank; a++) {
        code = sgdrt_input_exact(input, extent, sizeof extent, "its header", problem);
        if (code) return code;
        header->shape[a] = (int64_t)extent[0] << 24 | extent[1] << 16 | extent[2] << 8 | extent[3];
    }
    header->header_bytes = 4 + 4 * (uint64_t)header->rank;
    return sgdrt_array_measure(path, input, header, problem);
}

const char *sgdrt_item_text(const ArrayHeader *header, char text[8]) {
    static const char letter[] = {'u', 'i', 'f', 'b'};
    if (header->kind == ITEM_BOOL)
        snprintf(text, 8, "bool");
    else
        snprintf(text, 8, "%c%d", letter[header->kind], header->item_bytes * 8);
    return text;
}

int sgdrt_array_measure(const char *path, const Input *input, ArrayHeader *header, sgdrt_problem *problem) {
    int64_t items, bytes;
    bool too_large = false;
    header->row_items = 1;
    for (int a = 1; a < header->rank; a++)
        too_large |= __builtin_mul_overflow(header->row_items, header->shape[a], &header->row_items);
    too_large |= __builtin_mul_overflow(header->row_items, header->shape[0], &items);
    too_large |= __builtin_mul_overflow(items, (int64_t)header->item_bytes, &bytes);
    uint64_t most = sgdrt_input_most(input);
    char shape[160];
    sgdrt_shape_text(shape, sizeof shape, header->shape, header->rank);
    if (too_large || (uint64_t)bytes > most)
        return sgdrt_problem_set(problem, PROBLEM_LENGTH, path, 0, 0,
                                 "the file is too short for the %s values that its header announces", shape);
    header->data_bytes = (uint64_t)bytes;
    if (most == UINT64_MAX || sgdrt_input_is_gzip(input)) return 0;
    uint64_t announced = header->header_bytes + header->data_bytes;
    if (announced != most)
        return sgdrt_problem_set(problem, PROBLEM_LENGTH, path, 0, 0,
                                 "the file is %llu bytes %s than the %s values that its header announces",
                                 (unsigned long long)(announced > most ? announced - most : most - announced),
                                 announced > most ? "shorter" : "longer", shape);
    return 0;
}
