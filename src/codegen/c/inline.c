/* inline: which scalars stand where they are used, so that a statement reads as a person would write it.
 *
 * A scalar that is used once, before anything is stored and in the same body, is evaluated there with the same result. What
 * rounds stays a statement of its own, unless it is the value of a store.
 */
#include "codegen/c/c.h"

/* Where a scalar is: statements between two stores, loops or conditions of one body are a segment. */
typedef struct Segment {
    const Body *body;
    int number;
} Segment;
typedef struct ScalarUse {
    const Scalar *scalar;
    Segment let, use;
    int count, depth;
    bool stored;
} ScalarUse;
typedef struct Search {
    ScalarUse *of;
    int segment;
} Search;
enum { DEEPEST = 3 }; /* expressions in each other, so that lines stay short */

static void note_use(Search *search, const Scalar *s, const Body *body, bool stored) {
    ScalarUse *use = &search->of[s->id];
    use->use = (Segment){body, search->segment};
    use->count++;
    use->stored = stored;
}

static void note_subscript(Search *search, const Subscript *s, const Body *body) {
    for (int i = 0; s != NULL && i < s->count; i++)
        if (s->term[i].scalar != NULL) note_use(search, s->term[i].scalar, body, false);
}

static void note_let(Search *search, const Scalar *s, const Body *body) {
    bool twice = s->kind == SCALAR_OP && (s->op == OP_MAX || s->op == OP_MIN || s->op == OP_ABS); /* as C writes them */
    search->of[s->id].scalar = s;
    search->of[s->id].let = (Segment){body, search->segment};
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        for (int times = twice ? 2 : 1; times > 0; times--) note_use(search, s->source[i], body, false);
    note_subscript(search, s->row, body);
    note_subscript(search, s->at, body);
}

static void walk(Search *search, const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LET) {
            note_let(search, s->scalar, body);
            continue;
        }
        if (s->scalar != NULL) note_use(search, s->scalar, body, s->kind == STATEMENT_STORE);
        note_subscript(search, s->row, body);
        note_subscript(search, s->at, body);
        search->segment++;
        walk(search, &s->body);
        search->segment++;
    }
}

/* Comparisons and choices give one of their operands, or a truth. */
static bool is_exact(const Scalar *s) {
    if (s->kind != SCALAR_OP) return s->kind != SCALAR_DRAW && s->kind != SCALAR_REAL;
    return s->dtype == DTYPE_BOOL || s->op == OP_NEG;
}

static void note_depth(Search *search, const CUnit *unit, ScalarUse *of, const Scalar *inside) {
    if (inside != NULL && unit->inlined[inside->id] && search->of[inside->id].depth >= of->depth)
        of->depth = search->of[inside->id].depth + 1;
}

static void find_depth(Search *search, const CUnit *unit, ScalarUse *of) {
    const Subscript *subscripts[] = {of->scalar->row, of->scalar->at};
    of->depth = 1;
    for (int i = 0; i < 3; i++) note_depth(search, unit, of, of->scalar->source[i]);
    for (int k = 0; k < 2; k++)
        for (int i = 0; subscripts[k] != NULL && i < subscripts[k]->count; i++)
            note_depth(search, unit, of, subscripts[k]->term[i].scalar);
}

/* Sources have smaller numbers. */
void c_find_inlined(CUnit *unit, const LoopTree *tree) {
    Search search = {.of = arena_array(unit->arena, ScalarUse, tree->scalars + 1)};
    unit->inlined = arena_array(unit->arena, uint8_t, tree->scalars + 1);
    walk(&search, &tree->body);
    for (int i = 0; i < tree->scalars; i++) {
        ScalarUse *of = &search.of[i];
        if (of->scalar == NULL || of->scalar->kind == SCALAR_CONST) continue;
        find_depth(&search, unit, of);
        bool near = of->count == 1 && of->let.body == of->use.body && of->let.number == of->use.number;
        unit->inlined[i] = near && of->depth <= DEEPEST && (of->stored || is_exact(of->scalar));
    }
}
