/* short_rows: all elements of short rows of a column, with the rows as lanes.
 *
 * Rows lie anywhere, so a vector of one element of many rows is put together lane by lane. Short rows are instead loaded in
 * pieces of 16 bytes, four rows side by side, and transposed in registers: all their elements for little more than one of them
 * costs otherwise. A piece never reaches outside its row: the last one ends with the row. Rows that follow each other
 * without gaps are loaded as whole vectors, from which every n-th element is picked.
 */
#include "codegen/llvm/emitter.h"

enum { LONGEST_ROW = 16, FEWEST_PICKED = 8 /* lanes */ };

bool short_rows_can_transpose(DType t, int64_t elements, int lanes) {
    size_t bytes = dtype_bytes(t);
    return (bytes == 4 || bytes == 8) && elements > 1 && elements <= LONGEST_ROW && lanes % 4 == 0;
}

/* ---- transposed ------------------------------------------------------------------------------------------ */
/* In each group of `width` lanes the same choice from two vectors: places below width are in a. */
static LLVMValueRef choose(Emitter *e, LLVMValueRef a, LLVMValueRef b, int width, const int *place) {
    int from[MOST_LANES];
    for (int l = 0; l < e->lanes; l++) {
        int of_group = place[l % width], group = l / width * width;
        from[l] = of_group < width ? group + of_group : e->lanes + group + of_group - width;
    }
    return shuffled(e, a, b, from, e->lanes);
}

/* The pieces of the rows first, first + step, ... and of as many after each as go together. */
static LLVMValueRef every(Emitter *e, const LLVMValueRef *piece, int first, int together, int step) {
    LLVMValueRef part[MOST_LANES] = {NULL};
    int count = 0;
    for (int row = first; row < e->lanes; row += step)
        for (int i = 0; i < together; i++) part[count++] = piece[row + i];
    return joined(e, part, count);
}

static void transpose_fours(Emitter *e, const LLVMValueRef *piece, LLVMValueRef *element) {
    LLVMValueRef low[2], high[2];
    for (int i = 0; i < 2; i++) {
        LLVMValueRef a = every(e, piece, 2 * i, 1, 4), b = every(e, piece, 2 * i + 1, 1, 4);
        low[i] = choose(e, a, b, 4, (int[]){0, 4, 1, 5});
        high[i] = choose(e, a, b, 4, (int[]){2, 6, 3, 7});
    }
    for (int i = 0; i < 2; i++) {
        const int *places = i == 0 ? (int[]){0, 1, 4, 5} : (int[]){2, 3, 6, 7};
        element[i] = choose(e, low[0], low[1], 4, places);
        element[2 + i] = choose(e, high[0], high[1], 4, places);
    }
}

static void transpose_pairs(Emitter *e, const LLVMValueRef *piece, bool of_16_bytes, LLVMValueRef *element) {
    if (of_16_bytes) {
        LLVMValueRef a = every(e, piece, 0, 1, 2), b = every(e, piece, 1, 1, 2);
        element[0] = choose(e, a, b, 2, (int[]){0, 2});
        element[1] = choose(e, a, b, 2, (int[]){1, 3});
    } else {
        LLVMValueRef a = every(e, piece, 0, 2, 4), b = every(e, piece, 2, 2, 4);
        element[0] = choose(e, a, b, 4, (int[]){0, 2, 4, 6});
        element[1] = choose(e, a, b, 4, (int[]){1, 3, 5, 7});
    }
}

/* Of each row a piece of `width` elements: 4 of 4 bytes, 2 of 4 or of 8. */
void short_rows_transpose(Emitter *e, DType t, int elements, const LLVMValueRef *row, LLVMValueRef *element) {
    int bytes = (int)dtype_bytes(t), width = bytes == 4 && elements >= 4 ? 4 : 2;
    LLVMValueRef piece[MOST_LANES];
    for (int begin = 0; begin < elements; begin += width) {
        if (begin + width > elements) begin = elements - width;
        for (int l = 0; l < e->lanes; l++)
            piece[l] = load_from(e, REGION_INPUT, t, row[l], index_const(e, begin), width);
        if (width == 4)
            transpose_fours(e, piece, element + begin);
        else
            transpose_pairs(e, piece, bytes == 8, element + begin);
    }
}

/* ---- picked ------------------------------------------------------------------------------------------ */
/* Vectors of fewer lanes have no shuffle of all of them; of longer rows it takes more than to turn them. */
bool short_rows_can_pick(const Emitter *e, DType t, int64_t elements) {
    return e->lanes == (int)e->level->machine.vector_bytes / 4 && e->lanes >= FEWEST_PICKED && dtype_bytes(t) == 4 &&
           elements <= LONGEST_PICKED;
}

void short_rows_pick(Emitter *e, DType t, int elements, LLVMValueRef first_row, LLVMValueRef *element) {
    for (int j = 0; j < elements; j++)
        element[j] = load_from(e, REGION_INPUT, t, first_row, index_const(e, (int64_t)j * e->lanes), e->lanes);
    rows_part(e, element, elements, e->lanes);
}
