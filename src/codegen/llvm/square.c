/* square: vectors in registers, joined, and transposed: squares, and rows of fewer elements than a vector has lanes.
 *
 * Rows behind each other, as many as lanes, are as many vectors as a row has elements. Where these are even, the even lanes of
 * two vectors are the even elements of their rows, and the same again of what comes of it. Where they are odd, the lanes in
 * which an element lies are different for all rows: the lanes of all vectors are first joined in one, and then put in order.
 */
#include "codegen/llvm/emitter.h"

LLVMValueRef joined(Emitter *e, LLVMValueRef *part, int count) {
    int length = vector_lanes(part[0]);
    for (; count > 1; count /= 2, length *= 2) {
        int from[MOST_LANES * 2];
        for (int l = 0; l < 2 * length; l++) from[l] = l;
        for (int i = 0; i < count / 2; i++) part[i] = shuffled(e, part[2 * i], part[2 * i + 1], from, 2 * length);
    }
    return part[0];
}

static LLVMValueRef shuffle_pair(Emitter *e, LLVMValueRef a, LLVMValueRef b, int lanes, int distance, bool high) {
    int from[MOST_LANES];
    for (int k = 0; k < lanes; k++)
        from[k] = high ? ((k & distance) ? lanes + k : k + distance) : ((k & distance) ? lanes + k - distance : k);
    return shuffled(e, a, b, from, lanes);
}

void transpose_square(Emitter *e, LLVMValueRef *v, int lanes) {
    for (int distance = 1; distance < lanes; distance *= 2)
        for (int i = 0; i < lanes; i++)
            if ((i & distance) == 0) {
                LLVMValueRef low = shuffle_pair(e, v[i], v[i + distance], lanes, distance, false);
                LLVMValueRef high = shuffle_pair(e, v[i], v[i + distance], lanes, distance, true);
                v[i] = low;
                v[i + distance] = high;
            }
}

/* ---- short rows --------------------------------------------------------------------------------------- */
/* The vector in whose lane (count row + element) % lanes the row's element lies. */
static LLVMValueRef in_order_of_rows(Emitter *e, LLVMValueRef v, int element, int count, int lanes, bool back) {
    int from[MOST_LANES];
    for (int row = 0; row < lanes; row++) {
        int lane = (count * row + element) % lanes;
        from[back ? lane : row] = back ? row : lane;
    }
    return shuffled(e, v, v, from, lanes);
}

/* Each lane from the vector of its choice. */
static LLVMValueRef blended(Emitter *e, const LLVMValueRef *v, const int *choice, int count, int lanes) {
    LLVMValueRef all = v[0];
    int from[MOST_LANES];
    for (int j = 1; j < count; j++) {
        for (int l = 0; l < lanes; l++) from[l] = choice[l] == j ? lanes + l : l;
        all = shuffled(e, all, v[j], from, lanes);
    }
    return all;
}

static void odd_rows_part(Emitter *e, LLVMValueRef *v, int count, int lanes) {
    LLVMValueRef element[MOST_LANES];
    int choice[MOST_LANES];
    for (int c = 0; c < count; c++) {
        for (int row = 0; row < lanes; row++) choice[(count * row + c) % lanes] = (count * row + c) / lanes;
        element[c] = in_order_of_rows(e, blended(e, v, choice, count, lanes), c, count, lanes, false);
    }
    for (int c = 0; c < count; c++) v[c] = element[c];
}

static void odd_rows_join(Emitter *e, LLVMValueRef *v, int count, int lanes) {
    LLVMValueRef element[MOST_LANES];
    int choice[MOST_LANES];
    for (int c = 0; c < count; c++) element[c] = in_order_of_rows(e, v[c], c, count, lanes, true);
    for (int j = 0; j < count; j++) {
        for (int l = 0; l < lanes; l++) choice[l] = (lanes * j + l) % count;
        v[j] = blended(e, element, choice, count, lanes);
    }
}

void rows_part(Emitter *e, LLVMValueRef *v, int count, int lanes) {
    LLVMValueRef half[2][MOST_LANES];
    int from[MOST_LANES];
    if (count == 1) return;
    if (count % 2 == 1) {
        odd_rows_part(e, v, count, lanes);
        return;
    }
    for (int odd = 0; odd < 2; odd++) {
        for (int l = 0; l < lanes; l++) from[l] = 2 * l + odd;
        for (int i = 0; i < count / 2; i++) half[odd][i] = shuffled(e, v[2 * i], v[2 * i + 1], from, lanes);
        rows_part(e, half[odd], count / 2, lanes);
    }
    for (int i = 0; i < count; i++) v[i] = half[i % 2][i / 2];
}

void rows_join(Emitter *e, LLVMValueRef *v, int count, int lanes) {
    LLVMValueRef half[2][MOST_LANES];
    int from[MOST_LANES];
    if (count == 1) return;
    if (count % 2 == 1) {
        odd_rows_join(e, v, count, lanes);
        return;
    }
    for (int i = 0; i < count; i++) half[i % 2][i / 2] = v[i];
    for (int odd = 0; odd < 2; odd++) rows_join(e, half[odd], count / 2, lanes);
    for (int i = 0; i < count; i++) {
        for (int l = 0; l < lanes; l++) from[l] = l % 2 * lanes + l / 2 + i % 2 * (lanes / 2);
        v[i] = shuffled(e, half[0][i / 2], half[1][i / 2], from, lanes);
    }
}
