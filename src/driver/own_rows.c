/* own_rows: the rows of runs that train together, where each has its own.
 *
 *   places of a call      0                1                ...
 *   column of a run       a b              a b              rows that its order or its fold has there
 *   column of all runs    a a a .. b b b   a a a .. b b b   ...
 *
 * Runs with other seeds take other rows, those of other folds rows of other tables. What they have at a place is put side by
 * side, element by element, and is one row of the call: to generated code rows are as cells are, an element of each run beside
 * that of the next. That is done for as many steps at a time as a cache holds, before they are taken. Lanes that no run has, or
 * whose run has ended, have rows as well, so that their numbers stay like those of the others.
 */
#include "driver/training.h"
#include "ir/function.h"
#include <stdlib.h>
#include <string.h>

enum { SQUARE = LEAST_LANES_OF_ROWS };

typedef struct OwnColumn {
    int index; /* of the data set's */
    int64_t elements;
    size_t bytes;  /* of one */
    size_t offset; /* from the memory's start */
} OwnColumn;
typedef struct LaneRows {
    const sgdrt_column *columns;
    const uint32_t *rows;
} LaneRows;
struct OwnRows {
    int runs, lanes;
    int64_t steps, places; /* of one call, at most */
    Vector(OwnColumn) gathered;
    sgdrt_column *columns; /* as the call has them */
    LaneRows of[MOST_TOGETHER];
    char *memory;
    size_t bytes;    /* of columns; behind them: */
    uint32_t *lists; /* of the rows of each lane */
    bool filled;     /* all lanes have had rows */
};

/* ---- memory ---------------------------------------------------------------------------------------------------- */
/* The columns that steps read; the bytes that a place takes. */
static int64_t find_columns(Arena *arena, OwnRows *own, const Function *step) {
    int nodes, count = 0;
    int64_t bytes = (int64_t)sizeof *own->lists;
    Node **all = function_nodes(arena, step, &nodes);
    for (int i = 0; i < nodes; i++) {
        if (all[i]->op != OP_COLUMN) continue;
        OwnColumn column = {all[i]->attr.index, shape_size(all[i]->shape), dtype_bytes(all[i]->dtype), 0};
        vector_push(arena, &own->gathered, column);
        bytes += column.elements * (int64_t)column.bytes;
        if (column.index >= count) count = column.index + 1;
    }
    own->columns = arena_array(arena, sgdrt_column, count + 1);
    return bytes * own->lanes;
}

OwnRows *own_rows_plan(Arena *arena, const Training *t, int runs, int lanes, int64_t bytes) {
    OwnRows *own = arena_new_of(arena, OwnRows);
    *own = (OwnRows){.runs = runs, .lanes = lanes};
    own->steps = bytes / find_columns(arena, own, &t->run->step) / t->batch;
    if (own->steps > t->steps_per_epoch) own->steps = t->steps_per_epoch;
    own->places = own->steps * t->batch;
    for (int c = 0; c < own->gathered.count; c++) {
        OwnColumn *column = &own->gathered.items[c];
        column->offset = own->bytes;
        own->bytes += round_to_line((size_t)(own->places * column->elements * lanes) * column->bytes);
    }
    return own->steps > 0 ? own : NULL;
}

bool own_rows_open(OwnRows *own) {
    size_t lists = sizeof *own->lists * (size_t)(own->places * own->lanes);
    own->memory = aligned_alloc(64, own->bytes + round_to_line(lists) + 64);
    if (!own->memory) return false;
    memset(own->memory, 0, own->bytes);
    own->lists = (uint32_t *)(own->memory + own->bytes);
    for (int c = 0; c < own->gathered.count; c++) {
        const OwnColumn *column = &own->gathered.items[c];
        own->columns[column->index] = (sgdrt_column){own->memory + column->offset,
                                                     column->elements * own->lanes * (int64_t)column->bytes};
    }
    return true;
}

void own_rows_free(OwnRows *own) { free(own->memory); }

/* ---- side by side ---------------------------------------------------------------------------------------------- */
typedef uint32_t Words __attribute__((vector_size(SQUARE * sizeof(uint32_t))));

/* Of four lanes four elements, of four bytes each. */
static inline void transpose(const char *const *from, int64_t first, uint32_t *to, int64_t lanes) {
    Words row[SQUARE], pair[SQUARE], column[SQUARE];
    for (int l = 0; l < SQUARE; l++) memcpy(&row[l], from[l] + first * (int64_t)sizeof *to, sizeof row[l]);
    for (int l = 0; l < 2; l++) {
        pair[l] = __builtin_shufflevector(row[l], row[l + 2], 0, 4, 1, 5);
        pair[l + 2] = __builtin_shufflevector(row[l], row[l + 2], 2, 6, 3, 7);
    }
    for (int l = 0; l < SQUARE; l += 2) {
        column[l] = __builtin_shufflevector(pair[l], pair[l + 1], 0, 4, 1, 5);
        column[l + 1] = __builtin_shufflevector(pair[l], pair[l + 1], 2, 6, 3, 7);
    }
    for (int i = 0; i < SQUARE; i++) memcpy(to + (first + i) * lanes, &column[i], sizeof column[i]);
}

/* What does not fill a square is in one with elements before it. */
static inline void copy_squares(const char *const *from, int64_t elements, char *to, int64_t lanes) {
    for (int64_t i = 0; i + SQUARE <= elements; i += SQUARE) transpose(from, i, (uint32_t *)to, lanes);
    if (elements % SQUARE) transpose(from, elements - SQUARE, (uint32_t *)to, lanes);
}

#define COPY_ONE_BY_ONE(NAME, type)                                                                      \
    static inline void copy_##NAME(const char *const *from, int64_t elements, char *to, int64_t lanes) { \
        for (int64_t i = 0; i < elements; i++)                                                           \
            for (int l = 0; l < SQUARE; l++) ((type *)to)[i * lanes + l] = ((const type *)from[l])[i];   \
    }
COPY_ONE_BY_ONE(bytes, uint8_t)
COPY_ONE_BY_ONE(words, uint32_t)
COPY_ONE_BY_ONE(doubles, uint64_t)

typedef void CopyFour(const char *const *from, int64_t elements, char *to, int64_t lanes);

/* Of four lanes. */
__attribute__((always_inline)) static inline void gather_by(const OwnColumn *column, const LaneRows *of, int64_t first,
                                                            int64_t places, char *to, int64_t lanes, CopyFour *copy) {
    const sgdrt_column *columns[SQUARE];
    for (int l = 0; l < SQUARE; l++) columns[l] = &of[l].columns[column->index];
    const char *a = columns[0]->data, *b = columns[1]->data, *c = columns[2]->data, *d = columns[3]->data;
    const uint32_t *ra = of[0].rows + first, *rb = of[1].rows + first, *rc = of[2].rows + first,
                   *rd = of[3].rows + first;
    int64_t stride = columns[0]->stride, elements = column->elements, by = elements * lanes * (int64_t)column->bytes;
    for (int64_t p = 0; p < places; p++, to += by) {
        const char *from[SQUARE] = {a + stride * ra[p], b + stride * rb[p], c + stride * rc[p], d + stride * rd[p]};
        copy(from, elements, to, lanes);
    }
}

static void gather_four(const OwnRows *own, const OwnColumn *column, int lane, int64_t first, int64_t places) {
    const sgdrt_column *all = &own->columns[column->index];
    const LaneRows *of = &own->of[lane];
    char *to = (char *)all->data + first * all->stride + (size_t)lane * column->bytes;
    if (column->bytes == sizeof(uint32_t) && column->elements >= SQUARE)
        gather_by(column, of, first, places, to, own->lanes, copy_squares);
    else if (column->bytes == sizeof(uint32_t))
        gather_by(column, of, first, places, to, own->lanes, copy_words);
    else if (column->bytes == sizeof(uint64_t))
        gather_by(column, of, first, places, to, own->lanes, copy_doubles);
    else
        gather_by(column, of, first, places, to, own->lanes, copy_bytes);
}

/* A few places of all lanes are in the first level of the caches. */
static void gather_column(const OwnRows *own, const OwnColumn *column, int64_t places, int wanted) {
    enum { FEW = 32 };
    for (int64_t p = 0; p < places; p += FEW)
        for (int lane = 0; lane < wanted; lane += SQUARE)
            gather_four(own, column, lane, p, places - p < FEW ? places - p : FEW);
}

/* ---- of a call ------------------------------------------------------------------------------------------------- */
static void list_rows(OwnRows *own, int lane, const Training *t, int64_t steps, sgdrt_call *call) {
    uint32_t *list = own->lists + own->places * lane;
    sgdrt_feed_call(&t->feed, call->state, steps, list, call);
    own->of[lane] = (LaneRows){t->data->train.table->columns, call->rows ? call->rows : list};
    for (int64_t p = 0; !call->rows && p < call->count; p++) list[p] = (uint32_t)(call->first + p);
}

void own_rows_call(OwnRows *own, Training *const *runs, const bool *training, int64_t steps, sgdrt_call *call) {
    int first = 0, wanted = own->filled ? (own->runs + SQUARE - 1) / SQUARE * SQUARE : own->lanes;
    if (steps > own->steps) steps = own->steps;
    while (!training[first]) first++;
    for (int lane = 0; lane < own->runs; lane++)
        if (training[lane]) list_rows(own, lane, runs[lane], steps, call);
    for (int lane = 0; lane < wanted; lane++)
        if (lane >= own->runs || !training[lane]) own->of[lane] = own->of[first];
    for (int c = 0; c < own->gathered.count; c++) gather_column(own, &own->gathered.items[c], call->count, wanted);
    own->filled = true;
    call->columns = own->columns;
    call->rows = NULL;
    call->first = 0;
}
