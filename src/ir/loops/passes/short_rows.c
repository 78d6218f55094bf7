/* short_rows: short rows that lie behind each other are transposed in registers.
 *
 *   for rows in 0..rows to 16 by 16                 for rows in 0..rows to 16 by 16
 *     for t in 0..16, vector                          for u in 0..2, unrolled, for t in 0..16, vector
 *       for i in 0..2                                   transposed[16 u + t] = x[2 rows + 16 u + t]
 *         z[..] = x[i + 2 rows + 2 t]        ->       transpose transposed, 16 by 2
 *                                                     for t in 0..16, vector
 *                                                       for i in 0..2
 *                                                         z[..] = transposed[16 i + t]
 *
 * Where lanes are rows, and another nest wants the elements of a row beside each other, an access serves one lane after the
 * other. All rows of the lanes together are whole vectors, which are loaded as they are, or stored after the loop's body. What
 * is stored has to be all of the rows, and not to be loaded in the same loop.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

enum { FEWEST_BYTES = 4 /* of an element */, SHUFFLE_COST = 2 };

double transposed_access_cost(DType dtype, int64_t elements, int64_t lanes) {
    double cost = 1;
    if (elements <= 1 || elements > lanes || dtype_bytes(dtype) < FEWEST_BYTES) return -1;
    for (; elements % 2 == 0; elements /= 2) cost += SHUFFLE_COST;
    return elements > 1 ? cost + (double)elements : cost;
}

typedef struct TransposedRows {
    const Array *array;
    int64_t elements; /* of a row; 0: nothing known; -1: not like this */
    bool loaded;
    bool stored;
    Array *registers;
} TransposedRows;
typedef struct Transposition {
    LoopTree *tree;
    Vector(TransposedRows) arrays; /* that the loop touches */
    const Loop *rows, *lane;
    OpenLoops inside; /* of those */
} Transposition;

/* ---- which arrays ----------------------------------------------------------------------------------------------- */
/* NULL: the loop does not touch it. */
static TransposedRows *rows_of(const Transposition *t, const Array *array) {
    for (int i = 0; i < t->arrays.count; i++)
        if (t->arrays.items[i].array == array) return &t->arrays.items[i];
    return NULL;
}

/* Where in its row. */
static const Subscript *element_of(const Transposition *t, const Subscript *at, int64_t elements) {
    Arena *arena = t->tree->arena;
    const Subscript *row = subscript_sum(arena, subscript_of_loop(arena, t->rows), subscript_of_loop(arena, t->lane));
    return subscript_sum(arena, at, subscript_times(arena, row, -elements));
}

/* Loops over axes, the last of which is innermost, reach each element. */
static bool reaches_all(const Transposition *t, const Subscript *element, int64_t elements) {
    int64_t reached = 1;
    for (int i = t->inside.count; i-- > 0;) {
        const Loop *loop = t->inside.loop[i];
        if (loop->step == 1 && subscript_coef(element, loop) == reached) reached *= loop->extent;
    }
    return reached == elements && subscript_range(element).most == elements - 1;
}

static void note(Transposition *t, const ArrayAccess *access, bool always) {
    const Array *array = access->array;
    const Subscript *at = access->at;
    if (array->memory != ARRAY_WORK) return;
    if (rows_of(t, array) == NULL) vector_push(t->tree->arena, &t->arrays, (TransposedRows){.array = array});
    TransposedRows *of = rows_of(t, array);
    if (of->elements < 0) return;
    int64_t elements = elements_of_row(t->tree->arena, at);
    bool short_row = transposed_access_cost(array->dtype, elements, t->rows->step) > 0 &&
                     subscript_coef(at, t->rows) == elements && subscript_coef(at, t->lane) == elements &&
                     (of->elements == 0 || of->elements == elements);
    bool once = !access->store || (always && !of->stored && reaches_all(t, element_of(t, at, elements), elements));
    *(access->store ? &of->stored : &of->loaded) = true;
    of->elements = short_row && once && of->loaded != of->stored ? elements : -1;
}

static void find_accesses(Transposition *t, const Body *body, bool always) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        ArrayAccess access;
        if (statement_access(s, &access)) note(t, &access, always);
        bool loop = s->kind == STATEMENT_LOOP;
        if (loop) t->inside.loop[t->inside.count++] = s->loop;
        find_accesses(t, &s->body, always && loop);
        if (loop) t->inside.count--;
    }
}

/* One vector of rows, in lanes. */
static const Loop *lanes_of(const Statement *s) {
    bool lanes = has_rows_in_lanes(s) && s->loop->mark == LOOP_SERIAL && s->loop->step > 1 && s->body.count == 1;
    return lanes ? s->body.items[0]->loop : NULL;
}

/* ---- the change ------------------------------------------------------------------------------------------------- */
static void change(void *context, const Array **array, const Subscript **at) {
    Transposition *t = context;
    Arena *arena = t->tree->arena;
    const TransposedRows *of = rows_of(t, *array);
    if (of == NULL || of->registers == NULL) return;
    const Subscript *element = element_of(t, *at, of->elements);
    *array = of->registers;
    *at = subscript_sum(arena, subscript_times(arena, element, t->rows->step), subscript_of_loop(arena, t->lane));
}

static void add_copy(Transposition *t, Body *to, const TransposedRows *of) {
    LoopTree *tree = t->tree;
    Statement *vector = tree_add_loop(tree, to, "u", of->elements, LOOP_UNROLLED);
    Statement *lane = tree_add_loop(tree, &vector->body, "t", t->rows->step, LOOP_VECTOR);
    const Subscript *u = subscript_of_loop(tree->arena, vector->loop);
    const Subscript *place = subscript_sum(tree->arena, subscript_times(tree->arena, u, t->rows->step),
                                           subscript_of_loop(tree->arena, lane->loop));
    const Subscript *first = subscript_times(tree->arena, subscript_of_loop(tree->arena, t->rows), of->elements);
    const Subscript *in_array = subscript_sum(tree->arena, first, place);
    if (of->loaded)
        tree_add_copy(tree, &lane->body, of->array, in_array, of->registers, place);
    else
        tree_add_copy(tree, &lane->body, of->registers, place, of->array, in_array);
}

static void add_transposition(Transposition *t, Body *to, const TransposedRows *of) {
    Statement *transpose = tree_statement(t->tree, STATEMENT_TRANSPOSE);
    transpose->array = of->registers;
    transpose->terms = of->loaded ? t->rows->step : of->elements;
    if (of->loaded) add_copy(t, to, of);
    vector_push(t->tree->arena, to, transpose);
    if (of->stored) add_copy(t, to, of);
}

static void change_loop(Transposition *t, Statement *rows) {
    LoopTree *tree = t->tree;
    Body body = {0};
    t->arrays.count = 0;
    find_accesses(t, &rows->body, true);
    for (int i = 0; i < t->arrays.count; i++) {
        TransposedRows *of = &t->arrays.items[i];
        if (of->elements <= 0) continue;
        of->registers = tree_array(tree, ARRAY_REGISTERS, 0, of->array->dtype, of->elements * t->rows->step,
                                   "transposed");
        if (of->loaded) add_transposition(t, &body, of);
    }
    tree_change_accesses(&rows->body, change, t);
    tree_add_body(tree, &body, &rows->body);
    for (int i = 0; i < t->arrays.count; i++)
        if (t->arrays.items[i].registers != NULL && t->arrays.items[i].stored)
            add_transposition(t, &body, &t->arrays.items[i]);
    rows->body = body;
}

static void change_body(Transposition *t, Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        t->lane = lanes_of(s);
        t->rows = s->loop;
        if (t->lane != NULL)
            change_loop(t, s);
        else
            change_body(t, &s->body);
    }
}

void tree_short_rows(LoopTree *tree, const TileNumbers *numbers) {
    Transposition t = {.tree = tree};
    if (numbers->row_lanes > 1) change_body(&t, &tree->body);
}
