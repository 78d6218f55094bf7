/* vectorise: innermost loops become vectors.
 *
 *   for j in 0..100                      for tile in 0..6
 *     z[j] = tanh(x[j])          ->        for t in 0..16, vector
 *                                            z[16 tile + t] = tanh(x[16 tile + t])
 *                                        for t in 0..4, vector
 *                                          z[t + 96] = tanh(x[t + 96])
 *
 * What is left of whole vectors has vectors of half the width, and so on. So have loops that are marked and are no vectors
 * yet. A loop is left as it is where its iterations depend on each other, where a chain runs through it, and where more is
 * read from here and there than is computed.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

enum { WIDEST = 64 };

typedef struct Vectoriser {
    LoopTree *tree;
    int64_t bytes;    /* of a vector */
    uint8_t *differs; /* by scalar: from lane to lane */
    OpenLoops around;
} Vectoriser;

/* ---- which loops ---------------------------------------------------------------------------------------------- */
static bool subscript_differs(const Vectoriser *v, const Subscript *s, const Loop *loop) {
    return subscript_coef(s, loop) != 0 || subscript_has(s, v->differs);
}

typedef struct VectorCost {
    double gain, loss; /* operations: what vectors do at once; what they do lane by lane */
    size_t widest;     /* bytes of a value */
} VectorCost;

static void add_access(const Vectoriser *v, VectorCost *cost, const Subscript *row, const Subscript *at,
                       const Loop *loop) {
    bool row_differs = subscript_differs(v, row, loop);
    if (!row_differs && !subscript_differs(v, at, loop)) return;
    if (!row_differs && subscript_coef(at, loop) == 1 && !subscript_has(at, v->differs))
        cost->gain += 1;
    else
        cost->loss += 1.5;
}

static void add_scalar(Vectoriser *v, VectorCost *cost, const Scalar *s, const Loop *loop) {
    bool differs = subscript_differs(v, s->row, loop) || subscript_differs(v, s->at, loop);
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) differs |= v->differs[s->source[i]->id] != 0;
    v->differs[s->id] = differs;
    if (!differs) return;
    if (!s->integer && dtype_bytes(s->dtype) > cost->widest) cost->widest = dtype_bytes(s->dtype);
    if (s->kind == SCALAR_LOAD)
        add_access(v, cost, s->row, s->at, loop);
    else if (s->kind == SCALAR_OP)
        cost->gain += op_cost(s->op);
    else if (s->kind == SCALAR_DRAW)
        cost->gain += op_cost(OP_RANDOM);
    else if (s->kind == SCALAR_ROW)
        cost->loss += 1e9; /* rows are no lanes yet */
}

/* Of a body that is nothing but values and stores. */
static bool find_cost(Vectoriser *v, const Statement *s, VectorCost *cost) {
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        if (inside->kind == STATEMENT_LET) {
            add_scalar(v, cost, inside->scalar, s->loop);
            continue;
        }
        if (inside->kind != STATEMENT_STORE || subscript_coef(inside->at, s->loop) == 0) return false;
        if (subscript_differs(v, inside->term, s->loop)) return false;
        size_t bytes = dtype_bytes(inside->array->dtype);
        if (bytes > cost->widest) cost->widest = bytes;
        add_access(v, cost, inside->row, inside->at, s->loop);
    }
    return true;
}

static bool is_power_of_two(int64_t n) { return (n & (n - 1)) == 0; }

/* The lanes of its vectors; 0: it stays as it is. */
static int64_t lanes_of(Vectoriser *v, Statement *s) {
    VectorCost cost = {.widest = 1};
    bool vector = s->loop->mark == LOOP_VECTOR;
    if ((s->loop->mark != LOOP_SERIAL && !vector) || s->loop->rows || s->loop->step != 1) return 0;
    if (vector && is_power_of_two(s->loop->extent) && s->loop->extent <= WIDEST) return 0;
    if (!find_cost(v, s, &cost)) return 0;
    if (!vector && (cost.gain <= cost.loss || !loop_may_be(v->tree->arena, s, LOOP_VECTOR, &s->body, &v->around)))
        return 0;
    int64_t lanes = v->bytes / (int64_t)cost.widest;
    return lanes > WIDEST ? WIDEST : lanes;
}

/* ---- loops of vectors ----------------------------------------------------------------------------------------- */
/* Lanes of the loop's iterations from `first` on. */
static void add_vector(Vectoriser *v, const Statement *s, Body *to, const Subscript *first, int64_t lanes) {
    Arena *arena = v->tree->arena;
    if (lanes == 1) {
        tree_copy_body(v->tree, &s->body, to, s->loop, first);
        return;
    }
    Statement *vector = tree_add_loop(v->tree, to, s->loop->name, lanes, LOOP_VECTOR);
    const Subscript *at = subscript_sum(arena, subscript_of_loop(arena, vector->loop), first);
    tree_copy_body(v->tree, &s->body, &vector->body, s->loop, at);
}

static void add_vectors(Vectoriser *v, const Statement *s, Body *to, int64_t lanes) {
    Arena *arena = v->tree->arena;
    int64_t tiles = s->loop->extent / lanes, done = tiles * lanes;
    if (tiles == 1) {
        add_vector(v, s, to, subscript_number(arena, 0), lanes);
    } else if (tiles > 1) {
        Statement *tile = tree_add_loop(v->tree, to, "tile", tiles, LOOP_SERIAL);
        const Subscript *first = subscript_times(arena, subscript_of_loop(arena, tile->loop), lanes);
        add_vector(v, s, &tile->body, first, lanes);
    }
    for (; done < s->loop->extent; done += lanes) {
        while (lanes > s->loop->extent - done) lanes /= 2;
        add_vector(v, s, to, subscript_number(arena, done), lanes);
    }
}

static void vectorise_body(Vectoriser *v, Body *body) {
    Body to = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        bool loop = s->kind == STATEMENT_LOOP;
        int64_t lanes = loop && s->body.count <= LONGEST_LOOP ? lanes_of(v, s) : 0;
        if (lanes > 1) {
            add_vectors(v, s, &to, lanes);
            continue;
        }
        if (loop) v->around.loop[v->around.count++] = s->loop;
        if (!loop || s->loop->mark != LOOP_VECTOR) vectorise_body(v, &s->body);
        if (loop) v->around.count--;
        vector_push(v->tree->arena, &to, s);
    }
    *body = to;
}

void tree_vectorise(LoopTree *tree, const TileNumbers *numbers) {
    Vectoriser v = {.tree = tree,
                    .bytes = numbers->machine.vector_bytes,
                    .differs = arena_array(tree->arena, uint8_t, tree->scalars)};
    vectorise_body(&v, &tree->body);
}
