/* registers: a function that fits the registers.
 *
 *   nest a                                          nest a
 *     for rows in 0..rows to 16 by 16                 for rows in 0..rows to 16 by 16, unrolled
 *       for t in 0..16, vector                          for t in 0..16, vector
 *         z[rows + t] = ..                 ->             z[rows + t] = ..
 *   nest b                                            for rows in 0..rows to 16 by 16, unrolled
 *     for rows in 0..rows to 16 by 16                   for i in 0..2, unrolled, for t in 0..16, vector
 *       for i in 0..2, for t in 0..16, vector             chain[16 i + t] = ..
 *         chain[16 i + t] = ..
 *
 * Where all iterations of all loops are few statements, and a mini-batch is at most one vector of rows, all loops but lanes
 * are unrolled. Then the places of arrays are numbers, and there is nothing to be shared or waited for: nests are one,
 * arrays of the work block are registers, and so is what the function updates (promotion.c). In any step, loops over rows that
 * run once, or twice with few statements, are unrolled, so that a value does not wait for the one before to come from memory.
 */
#include "ir/loops/passes/passes.h"

/* Most values live shortly, so arrays may have more vectors than there are registers. */
static const int64_t arrays_of_register = 3;

/* ---- which functions ---------------------------------------------------------------------------------------- */
/* Statements of all iterations; more than are allowed where their number is not known. */
static int64_t count_unrolled(const Body *body, int64_t most) {
    int64_t count = 0;
    for (int i = 0; i < body->count && count <= most; i++) {
        const Statement *s = body->items[i];
        int64_t times = 1;
        if (s->kind == STATEMENT_LOOP) {
            if (s->loop->rows && (s->loop->extent > s->loop->step || s->loop->block != NULL)) return most + 1;
            if (s->loop->mark == LOOP_THREADS) return most + 1;
            times = s->loop->mark == LOOP_VECTOR ? 1 : loop_iterations(s->loop);
        }
        count += 1 + times * count_unrolled(&s->body, most);
    }
    return count;
}

static bool is_tiny(const LoopTree *tree, int64_t bytes) {
    int64_t most = tree->runs > 1 ? LONGEST_FUNCTION_OF_RUNS : LONGEST_FUNCTION;
    if (!tree->function->steps || (int64_t)tree->work_bytes > bytes) return false;
    for (int i = 0; i < tree->body.count; i++)
        if (tree->body.items[i]->kind != STATEMENT_NEST) return false;
    return tree->body.count > 0 && count_unrolled(&tree->body, most) <= most;
}

static void unroll(Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        unroll(&s->body);
        if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_SERIAL) s->loop->mark = LOOP_UNROLLED;
    }
}

/* ---- arrays are registers ----------------------------------------------------------------------------------- */
static void promote_arrays(LoopTree *tree) {
    const uint8_t *unknown = tree_find_unknown(tree);
    for (int a = 0; a < tree->arrays.count; a++) {
        Array *array = tree->arrays.items[a];
        if (array->memory == ARRAY_WORK && !unknown[a]) array->memory = ARRAY_REGISTERS;
    }
}

/* A step has a row, and so all iterations of a loop for which rows are rounded up to all that there may be. */
static void unroll_few_rows(Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        unroll_few_rows(&body->items[i]->body);
        if (s->kind != STATEMENT_LOOP || !s->loop->rows || s->loop->block != NULL) continue;
        int64_t iterations = loop_iterations(s->loop);
        bool all = s->loop->pad >= s->loop->extent;
        bool few = iterations == 1 || (iterations == 2 && count_unrolled(&s->body, LONGEST_TWICE) <= LONGEST_TWICE);
        if (all && few && s->loop->mark == LOOP_SERIAL) s->loop->mark = LOOP_UNROLLED;
    }
}

void tree_registers(LoopTree *tree, const TileNumbers *numbers) {
    const Machine *machine = &numbers->machine;
    int64_t bytes = arrays_of_register * machine->registers * machine->vector_bytes;
    if (tree->function->steps) unroll_few_rows(&tree->body);
    if (tree->runs > 1) bytes *= tree->runs; /* of values that are one, alone */
    if (!is_tiny(tree, bytes)) return;
    Statement *all = tree_statement(tree, STATEMENT_NEST);
    all->node = tree->body.items[0]->node;
    for (int i = 0; i < tree->body.count; i++) tree_add_body(tree, &all->body, &tree->body.items[i]->body);
    tree->body = (Body){0};
    vector_push(tree->arena, &tree->body, all);
    unroll(&tree->body);
    promote_arrays(tree);
    tree_give_places(tree);
    tree_promote(tree, bytes);
}
