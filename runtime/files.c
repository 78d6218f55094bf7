/* files: data sets whose columns are IDX or .npy files, one file each, plain or gzip.
 *
 * All headers are read and compared before any value is, and no memory is taken for more values than the
 * files can hold. A file's type must be its column's, but for whole numbers that widen without loss into i32
 * labels, and f64, which rounds to f32. Values that are no numbers are problems, as they are in a csv.
 */
#include "array_file.h"
#include "problem.h"
#include "table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16 };

typedef struct ArrayFile {
    Input *input;
    ArrayHeader header;
} ArrayFile;

static int type_problem(const sgdrt_column_request *column, const ArrayHeader *header,
                        sgdrt_problem *problem) {
    char text[8];
    int code =
        sgdrt_problem_set(problem, PROBLEM_SHAPE, column->path, 0, 0, "the file holds %s, but %s is %s",
                          sgdrt_item_text(header, text), column->name, sgdrt_dtype_text(column->dtype));
    if (column->dtype == SGDRT_U8 || column->dtype == SGDRT_BOOL)
        sgdrt_problem_help(problem, "save it as bytes, or declare %s to be what the file holds",
                           column->name);
    else if (column->dtype == SGDRT_I32)
        sgdrt_problem_help(problem, "labels are whole numbers");
    else
        sgdrt_problem_help(problem, "save it as 32-bit floats, or declare %s to be what the file holds",
                           column->name);
    return code;
}

static bool type_fits(sgdrt_dtype dtype, const ArrayHeader *header) {
    switch (dtype) {
    case SGDRT_U8:
    case SGDRT_BOOL: return header->item_bytes == 1 && header->kind != ITEM_SIGNED;
    case SGDRT_I32: return header->kind != ITEM_FLOAT;
    default: return header->kind == ITEM_FLOAT;
    }
}

/* Extents of 1 do not count, and a flat side takes the other row-major; [28, 14] is never taken for [14, 28].
 */
static bool shape_fits(const sgdrt_column_request *column, const ArrayHeader *header) {
    int64_t elements = 1;
    for (int a = 0; a < column->rank; a++)
        elements *= column->shape[a];
    if (elements != header->row_items)
        return false;
    if (column->rank <= 1 || header->rank <= 2)
        return true;
    int b = 1;
    for (int a = 0; a < column->rank; a++) {
        if (column->shape[a] == 1)
            continue;
        while (b < header->rank && header->shape[b] == 1)
            b++;
        if (b == header->rank || header->shape[b++] != column->shape[a])
            return false;
    }
    return true;
}

static int shape_problem(const sgdrt_column_request *column, const ArrayHeader *header,
                         sgdrt_problem *problem) {
    char has[160], wanted[160];
    sgdrt_shape_text(has, sizeof has, header->shape + 1, header->rank - 1);
    sgdrt_shape_text(wanted, sizeof wanted, column->shape, column->rank);
    return sgdrt_problem_set(problem, PROBLEM_SHAPE, column->path, 0, 0,
                             "the file has rows of shape %s, but %s is %s", has, column->name, wanted);
}

static int open_files(const sgdrt_request *request, ArrayFile *files, sgdrt_problem *problem) {
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int code = sgdrt_input_open(column->path, &files[c].input, problem);
        if (code)
            return code;
        ArrayHeader *header = &files[c].header;
        code = (request->source == SGDRT_IDX ? sgdrt_idx_header : sgdrt_npy_header)(
            column->path, files[c].input, header, problem);
        if (code)
            return code;
        if (!type_fits(column->dtype, header))
            return type_problem(column, header, problem);
        if (!shape_fits(column, header))
            return shape_problem(column, header, problem);
        if (c && header->shape[0] != files[0].header.shape[0])
            return sgdrt_problem_set(
                problem, PROBLEM_COUNTS, column->path, 0, 0, "the file has %lld rows, but %.200s has %lld",
                (long long)header->shape[0], request->columns[0].path, (long long)files[0].header.shape[0]);
    }
    return 0;
}

static uint64_t item_bits(const ArrayHeader *header, const unsigned char *from) {
    uint64_t bits = 0;
    for (int i = 0; i < header->item_bytes; i++)
        bits = bits << 8 | from[header->big_endian ? i : header->item_bytes - 1 - i];
    return bits;
}

static double item_float(const ArrayHeader *header, const unsigned char *from) {
    uint64_t bits = item_bits(header, from);
    uint32_t word = (uint32_t)bits;
    float f32;
    double f64;
    memcpy(&f32, &word, 4);
    memcpy(&f64, &bits, 8);
    return header->item_bytes == 4 ? (double)f32 : f64;
}

/* Stores a whole number; false if it is out of range. */
static bool put_whole(const ArrayHeader *header, sgdrt_dtype dtype, const unsigned char *from,
                      unsigned char *to) {
    uint64_t bits = item_bits(header, from);
    int shift = 64 - 8 * header->item_bytes;
    int64_t value = header->kind == ITEM_SIGNED ? (int64_t)(bits << shift) >> shift : (int64_t)bits;
    bool fits = header->kind == ITEM_SIGNED || bits <= INT64_MAX;
    if (dtype == SGDRT_U8) {
        *to = (unsigned char)value;
        return true;
    }
    if (dtype == SGDRT_BOOL) {
        *to = (unsigned char)value;
        return value <= 1 && value >= 0;
    }
    int32_t word = (int32_t)value;
    memcpy(to, &word, sizeof word);
    return fits && word == value;
}

/* Stores a real number; false if it is not finite. */
static bool put_real(const sgdrt_request *request, const ArrayHeader *header, sgdrt_dtype dtype,
                     const unsigned char *from, unsigned char *to) {
    double value = item_float(header, from);
    if (isnan(value) && !request->missing_is_error)
        value = request->missing_value;
    float f32 = (float)value;
    if (dtype == SGDRT_F32)
        memcpy(to, &f32, sizeof f32);
    else
        memcpy(to, &value, sizeof value);
    return dtype == SGDRT_F32 ? isfinite(f32) : isfinite(value);
}

static int value_problem(const sgdrt_column_request *column, const ArrayHeader *header, int64_t row,
                         int64_t item, const unsigned char *from, sgdrt_problem *problem) {
    if (header->kind == ITEM_FLOAT) {
        double value = item_float(header, from);
        return sgdrt_problem_set(problem, PROBLEM_NOT_A_NUMBER, column->path, 0, 0,
                                 "row %lld, element %lld is %g, which is no number of type %s",
                                 (long long)row, (long long)item, value, sgdrt_dtype_text(column->dtype));
    }
    return sgdrt_problem_set(problem, PROBLEM_LABEL, column->path, 0, 0,
                             "row %lld, element %lld is no value of type %s", (long long)row, (long long)item,
                             sgdrt_dtype_text(column->dtype));
}

static int skip_bytes(Input *input, uint64_t bytes, unsigned char *chunk, sgdrt_problem *problem) {
    int code = 0;
    while (bytes && !code) {
        size_t part = bytes < CHUNK_BYTES ? (size_t)bytes : CHUNK_BYTES;
        code = sgdrt_input_exact(input, chunk, part, "its values", problem);
        bytes -= part;
    }
    return code;
}

static int read_values(const sgdrt_request *request, int c, ArrayFile *file, sgdrt_table *table,
                       int64_t begin, int64_t end, unsigned char *chunk, sgdrt_problem *problem) {
    const sgdrt_column_request *column = &request->columns[c];
    const ArrayHeader *header = &file->header;
    size_t item = (size_t)header->item_bytes, size = sgdrt_dtype_bytes(column->dtype);
    unsigned char *to = table->own->blocks[c].bytes;
    int64_t items = (end - begin) * header->row_items;
    int code = skip_bytes(file->input, (uint64_t)(begin * header->row_items) * item, chunk, problem);
    bool as_it_is = column->dtype == SGDRT_U8;
    if (!code && as_it_is)
        code = sgdrt_input_exact(file->input, to, (size_t)items, "its values", problem);
    for (int64_t done = 0; !code && !as_it_is && done < items;) {
        int64_t part = items - done < CHUNK_BYTES / 8 ? items - done : CHUNK_BYTES / 8;
        code = sgdrt_input_exact(file->input, chunk, (size_t)part * item, "its values", problem);
        for (int64_t i = 0; !code && i < part; i++, done++, to += size) {
            const unsigned char *from = chunk + (size_t)i * item;
            bool fine = header->kind == ITEM_FLOAT ? put_real(request, header, column->dtype, from, to)
                                                   : put_whole(header, column->dtype, from, to);
            if (!fine)
                code = value_problem(column, header, begin + done / header->row_items,
                                     done % header->row_items, from, problem);
        }
    }
    if (!code && end == header->shape[0])
        code = sgdrt_input_end(file->input, problem);
    return code;
}

static int load_files(const sgdrt_request *request, ArrayFile *files, sgdrt_table **table,
                      unsigned char *chunk, sgdrt_problem *problem) {
    int64_t begin = 0, end = 0;
    int code = open_files(request, files, problem);
    if (!code)
        code = sgdrt_row_range(request->columns[0].path, request, files[0].header.shape[0], &begin, &end,
                               problem);
    if (!code)
        code = sgdrt_table_make(NULL, request->columns, request->column_count, false, table, problem);
    if (!code)
        code = sgdrt_table_reserve(*table, end - begin, problem);
    for (int c = 0; !code && c < request->column_count; c++)
        code = read_values(request, c, &files[c], *table, begin, end, chunk, problem);
    if (code)
        return code;
    (*table)->own->rows_begin = begin;
    sgdrt_table_settle(*table, end - begin);
    return 0;
}

int sgdrt_files_load(const sgdrt_request *request, sgdrt_table **result, sgdrt_problem *problem) {
    if (request->column_count < 1)
        return sgdrt_problem_set(problem, PROBLEM_NO_COLUMN, NULL, 0, 0, "data set %s has no columns",
                                 request->name);
    ArrayFile *files = calloc((size_t)request->column_count, sizeof *files);
    unsigned char *chunk = malloc(CHUNK_BYTES);
    sgdrt_table *table = NULL;
    int code = files && chunk ? load_files(request, files, &table, chunk, problem)
                              : sgdrt_problem_memory(problem, NULL, CHUNK_BYTES);
    for (int c = 0; files && c < request->column_count; c++)
        sgdrt_input_close(files[c].input);
    free(files);
    free(chunk);
    if (code)
        sgdrt_free_table(table);
    else
        *result = table;
    return code;
}
