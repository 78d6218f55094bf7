/* files: data sets whose columns are IDX or .npy files, one file each, plain or gzip.
 *
 * All headers are read and compared before any value is, and no memory is taken for more values than the
 * files can hold. A file's values go into a column that can hold them: whole numbers into any, each looked at, real
 * ones into real columns, rounded once. Values that are no numbers are problems, as they are in a csv.
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

static int type_problem(const sgdrt_column_request *column, const ArrayHeader *header, sgdrt_problem *problem) {
    char text[8];
    int code = sgdrt_problem_set(problem, PROBLEM_SHAPE, column->path, 0, 0, "the file holds %s, but %s is %s",
                                 sgdrt_item_text(header, text), column->name, sgdrt_dtype_text(column->dtype));
    if (header->big_endian && column->dtype == SGDRT_U8)
        sgdrt_problem_help(problem, "images of an IDX file are bytes; real numbers are read from .npy files: "
                                    "npy(images = \"images.npy\", labels = \"labels.npy\")");
    else if (column->dtype == SGDRT_U8 || column->dtype == SGDRT_BOOL)
        sgdrt_problem_help(problem, "leave the type out, or write that of the file; or save it so: x.astype('uint8')");
    else
        sgdrt_problem_help(problem, "labels are whole numbers: y.astype('int32')");
    return code;
}

/* Whole numbers fit where each value does. */
static bool type_fits(const sgdrt_column_request *column, const ArrayHeader *header) {
    bool real = column->dtype == SGDRT_F32 || column->dtype == SGDRT_F64;
    return header->kind != ITEM_FLOAT || real || (column->dtype == SGDRT_I32 && column->truncated);
}

/* Extents of 1 do not count, and a flat side takes the other row-major; [28, 14] is never taken for [14, 28].
 */
static bool shape_fits(const sgdrt_column_request *column, const ArrayHeader *header) {
    int64_t elements = 1;
    for (int a = 0; a < column->rank; a++) elements *= column->shape[a];
    if (elements != header->row_items) return false;
    if (column->rank <= 1 || header->rank <= 2) return true;
    int b = 1;
    for (int a = 0; a < column->rank; a++) {
        if (column->shape[a] == 1) continue;
        while (b < header->rank && header->shape[b] == 1) b++;
        if (b == header->rank || header->shape[b++] != column->shape[a]) return false;
    }
    return true;
}

static int shape_problem(const sgdrt_column_request *column, const ArrayHeader *header, sgdrt_problem *problem) {
    char has[160], wanted[160];
    sgdrt_shape_text(has, sizeof has, header->shape + 1, header->rank - 1);
    sgdrt_shape_text(wanted, sizeof wanted, column->shape, column->rank);
    return sgdrt_problem_set(problem, PROBLEM_SHAPE, column->path, 0, 0, "the file has rows of shape %s, but %s is %s",
                             has, column->name, wanted);
}

static int open_files(const sgdrt_request *request, ArrayHeaderReader *read_header, ArrayFile *files,
                      sgdrt_problem *problem) {
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int code = sgdrt_input_open(column->path, false, &files[c].input, problem);
        if (code) return code;
        ArrayHeader *header = &files[c].header;
        code = read_header(column->path, files[c].input, header, problem);
        if (code) return code;
        if (!type_fits(column, header)) return type_problem(column, header, problem);
        if (!shape_fits(column, header)) return shape_problem(column, header, problem);
        if (c && header->shape[0] != files[0].header.shape[0])
            return sgdrt_problem_set(problem, PROBLEM_COUNTS, column->path, 0, 0,
                                     "the file has %lld rows, but %.200s has %lld", (long long)header->shape[0],
                                     request->columns[0].path, (long long)files[0].header.shape[0]);
    }
    return 0;
}

static uint64_t item_bits(const ArrayHeader *header, const unsigned char *from) {
    uint64_t bits = 0;
    for (int i = 0; i < header->item_bytes; i++)
        bits = bits << 8 | from[header->big_endian ? i : header->item_bytes - 1 - i];
    return bits;
}

/* 1 sign, 5 exponent and 10 fraction bits. */
static double half_value(uint64_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), value;
    if (exponent == 31)
        value = fraction != 0 ? NAN : INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 ? -value : value;
}

static double item_float(const ArrayHeader *header, const unsigned char *from) {
    uint64_t bits = item_bits(header, from);
    uint32_t word = (uint32_t)bits;
    float f32;
    double f64;
    memcpy(&f32, &word, 4);
    memcpy(&f64, &bits, 8);
    return header->item_bytes == 2 ? half_value(bits) : header->item_bytes == 4 ? (double)f32 : f64;
}

static int64_t item_signed(const ArrayHeader *header, const unsigned char *from) {
    int shift = 64 - 8 * header->item_bytes;
    return (int64_t)(item_bits(header, from) << shift) >> shift;
}

/* Any item as a real number; whole ones beyond 2^53 are rounded. */
static double item_real(const ArrayHeader *header, const unsigned char *from) {
    if (header->kind == ITEM_FLOAT) return item_float(header, from);
    return header->kind == ITEM_SIGNED ? (double)item_signed(header, from) : (double)item_bits(header, from);
}

static void integer_limits(sgdrt_dtype dtype, int64_t *low, int64_t *high) {
    *low = dtype == SGDRT_I32 ? INT32_MIN : 0;
    *high = dtype == SGDRT_I32 ? INT32_MAX : dtype == SGDRT_U8 ? UINT8_MAX : 1;
}

/* Stores a whole number; false if it is out of range. */
static bool put_whole(const ArrayHeader *header, sgdrt_dtype dtype, const unsigned char *from, unsigned char *to) {
    uint64_t bits = header->kind == ITEM_FLOAT ? 0 : item_bits(header, from);
    double real = header->kind == ITEM_FLOAT ? trunc(item_float(header, from)) : 0;
    int64_t low, high, value = header->kind == ITEM_SIGNED ? item_signed(header, from) : (int64_t)bits;
    integer_limits(dtype, &low, &high);
    if (header->kind == ITEM_FLOAT) {
        if (!(real >= (double)low && real <= (double)high)) return false;
        value = (int64_t)real;
    }
    int32_t word = (int32_t)value;
    if (dtype == SGDRT_I32)
        memcpy(to, &word, sizeof word);
    else
        *to = (unsigned char)value;
    return (header->kind == ITEM_SIGNED || bits <= INT64_MAX) && value >= low && value <= high;
}

/* Stores a real number; false if it is not finite. */
static bool put_real(const sgdrt_request *request, const ArrayHeader *header, sgdrt_dtype dtype,
                     const unsigned char *from, unsigned char *to) {
    double value = item_real(header, from);
    if (isnan(value) && !request->missing_is_error) value = request->missing_value;
    float f32 = (float)value;
    if (dtype == SGDRT_F32)
        memcpy(to, &f32, sizeof f32);
    else
        memcpy(to, &value, sizeof value);
    return dtype == SGDRT_F32 ? isfinite(f32) : isfinite(value);
}

static int value_problem(const sgdrt_column_request *column, const ArrayHeader *header, int64_t row, int64_t item,
                         const unsigned char *from, sgdrt_problem *problem) {
    if (column->dtype == SGDRT_F32 || column->dtype == SGDRT_F64)
        return sgdrt_problem_set(problem, PROBLEM_NOT_A_NUMBER, column->path, 0, 0,
                                 "row %lld, element %lld is %g, which is no number of type %s", (long long)row,
                                 (long long)item, item_real(header, from), sgdrt_dtype_text(column->dtype));
    int64_t low, high;
    integer_limits(column->dtype, &low, &high);
    return sgdrt_problem_set(problem, PROBLEM_LABEL, column->path, 0, 0,
                             "row %lld, element %lld is %.17g, and %s (%s) holds %lld to %lld", (long long)row,
                             (long long)item, item_real(header, from), column->name, sgdrt_dtype_text(column->dtype),
                             (long long)low, (long long)high);
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

/* Where the values of one column come from and go to. */
typedef struct Values {
    const sgdrt_request *request;
    const sgdrt_column_request *column;
    ArrayFile *file;
    sgdrt_dtype dtype; /* as stored */
    int64_t begin, end;
    unsigned char *to, *chunk;
    sgdrt_problem *problem;
} Values;

static int put_value(const Values *v, int64_t row, int64_t element, const unsigned char *from) {
    const ArrayHeader *header = &v->file->header;
    unsigned char *to = v->to + (size_t)((row - v->begin) * header->row_items + element) * sgdrt_dtype_bytes(v->dtype);
    bool real = v->dtype == SGDRT_F32 || v->dtype == SGDRT_F64;
    bool fine = real ? put_real(v->request, header, v->dtype, from, to) : put_whole(header, v->dtype, from, to);
    return fine ? 0 : value_problem(v->column, header, row, element, from, v->problem);
}

/* Values as they lie in rows. */
static int read_rows(const Values *v) {
    const ArrayHeader *header = &v->file->header;
    size_t item = (size_t)header->item_bytes;
    int64_t items = (v->end - v->begin) * header->row_items;
    int code = skip_bytes(v->file->input, (uint64_t)(v->begin * header->row_items) * item, v->chunk, v->problem);
    bool as_it_is = v->dtype == SGDRT_U8 && item == 1 && header->kind != ITEM_SIGNED;
    if (!code && as_it_is) return sgdrt_input_exact(v->file->input, v->to, (size_t)items, "its values", v->problem);
    for (int64_t done = 0; !code && done < items;) {
        int64_t part = items - done < CHUNK_BYTES / 8 ? items - done : CHUNK_BYTES / 8;
        code = sgdrt_input_exact(v->file->input, v->chunk, (size_t)part * item, "its values", v->problem);
        if (v->request->progress)
            v->request->progress(v->request->progress_context, v->column->path, sgdrt_input_part(v->file->input));
        for (int64_t i = 0; !code && i < part; i++, done++)
            code = put_value(v, v->begin + done / header->row_items, done % header->row_items,
                             v->chunk + (size_t)i * item);
    }
    return code;
}

/* Of the element that comes at place `at` of each row in Fortran order, its place in the order of C. */
static int64_t place_in_row(const ArrayHeader *header, int64_t at) {
    int64_t place = 0, step = header->row_items;
    for (int a = 1; a < header->rank; a++) {
        step /= header->shape[a];
        place += at % header->shape[a] * step;
        at /= header->shape[a];
    }
    return place;
}

/* Fortran order: all rows' first elements, then all rows' second ones. */
static int read_turned(const Values *v) {
    const ArrayHeader *header = &v->file->header;
    size_t item = (size_t)header->item_bytes;
    int64_t rows = header->shape[0], items = rows * header->row_items;
    int code = 0;
    for (int64_t done = 0; !code && done < items;) {
        int64_t part = items - done < CHUNK_BYTES / 8 ? items - done : CHUNK_BYTES / 8;
        code = sgdrt_input_exact(v->file->input, v->chunk, (size_t)part * item, "its values", v->problem);
        if (v->request->progress)
            v->request->progress(v->request->progress_context, v->column->path, sgdrt_input_part(v->file->input));
        for (int64_t i = 0; !code && i < part; i++, done++) {
            int64_t row = done % rows;
            if (row >= v->begin && row < v->end)
                code = put_value(v, row, place_in_row(header, done / rows), v->chunk + (size_t)i * item);
        }
    }
    return code;
}

static int read_values(const sgdrt_request *request, int c, ArrayFile *file, sgdrt_table *table, int64_t begin,
                       int64_t end, unsigned char *chunk, sgdrt_problem *problem) {
    Values v = {
        request, &request->columns[c], file, table->described[c].dtype, begin, end, table->own->blocks[c].bytes, chunk,
        problem};
    int code = file->header.fortran ? read_turned(&v) : read_rows(&v);
    if (!code && (end == file->header.shape[0] || file->header.fortran)) code = sgdrt_input_end(file->input, problem);
    return code;
}

static int load_files(const sgdrt_request *request, ArrayHeaderReader *read_header, ArrayFile *files,
                      sgdrt_table **table, unsigned char *chunk, sgdrt_problem *problem) {
    int64_t begin = 0, end = 0;
    int code = open_files(request, read_header, files, problem);
    if (!code)
        code = sgdrt_row_range(request->columns[0].path, request, files[0].header.shape[0], &begin, &end, problem);
    if (!code) code = sgdrt_table_make(NULL, request->columns, request->column_count, false, table, problem);
    if (!code) code = sgdrt_table_reserve(*table, end - begin, problem);
    for (int c = 0; !code && c < request->column_count; c++)
        code = read_values(request, c, &files[c], *table, begin, end, chunk, problem);
    if (code) return code;
    (*table)->own->rows_begin = begin;
    sgdrt_table_settle(*table, end - begin);
    return 0;
}

int sgdrt_files_load(const sgdrt_request *request, ArrayHeaderReader *read_header, sgdrt_table **result,
                     sgdrt_problem *problem) {
    if (request->column_count < 1)
        return sgdrt_problem_set(problem, PROBLEM_NO_COLUMN, NULL, 0, 0, "data set %s has no columns", request->name);
    ArrayFile *files = calloc((size_t)request->column_count, sizeof *files);
    unsigned char *chunk = malloc(CHUNK_BYTES);
    sgdrt_table *table = NULL;
    int code = files && chunk ? load_files(request, read_header, files, &table, chunk, problem)
                              : sgdrt_problem_memory(problem, NULL, CHUNK_BYTES);
    for (int c = 0; files && c < request->column_count; c++) sgdrt_input_close(files[c].input);
    free(files);
    free(chunk);
    if (code)
        sgdrt_free_table(table);
    else
        *result = table;
    return code;
}
