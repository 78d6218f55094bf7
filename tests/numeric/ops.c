/* Every op that computes element by element, with every type its shape rule lets it have, on operands at the edges of
 * those types: folding, the interpreter and compiled code (each processor level of this machine, -O0 and -O3) give the
 * same bits. The table of ops is walked: an op that is added is tested, without a line here. Operands that folding
 * leaves alone (a quotient by 0) have no value, and are left out.
 */
#include <criterion/criterion.h>

#define BENCH_ROWS 18000 /* all combinations of three reals */
#include "../unit/codegen_bench.h"

enum { MOST_SOURCES = 3 };

static const double reals[] = {0.0,      -0.0,     1,         -1,        0.5,          -2.5,          3,
                               1e-3,     0x1p-149, -0x1p-149, 0x1p-1074, 0x1p-126,     0x1p-1022,     88.8,
                               -104,     710,      1.5707964, 16777217,  2147483648.0, -2147483649.0, 0x1.fffffep127,
                               -0x1p127, 1e300,    INFINITY,  -INFINITY, (double)NAN};
static const double integers[] = {0, 1, -1, 2, 7, -7, 65536, 2147483647.0, -2147483648.0};
static const double truths[] = {0, 1}, bytes[] = {0, 1, 127, 128, 255};
static const int64_t numbers[] = {-3, -1, 0, 1, 2, 3, 10}; /* of an op that has one */
#define VALUES(list) \
    { list, sizeof list / sizeof *list }
static const struct {
    const double *at;
    int count;
} values[] = {[DTYPE_F32] = VALUES(reals),
              [DTYPE_F64] = VALUES(reals),
              [DTYPE_I32] = VALUES(integers),
              [DTYPE_BOOL] = VALUES(truths),
              [DTYPE_U8] = VALUES(bytes)};
#define DTYPES ((DType)(sizeof values / sizeof *values))

/* Sources of these types with all combinations of values, and what is computed of them. */
typedef struct Case {
    int sources;
    DType type[MOST_SOURCES];
    int combinations;
    int kept, *row; /* the combinations that have a value, or all */
} Case;

/* An op with its result's type, and what folding says of each combination. */
typedef struct Question {
    Op op;
    DType type;
    int64_t number;
    double *folded; /* NULL: there are no constants of a source's type */
    bool *has_value;
    int without;
} Question;

static double value_of(const Case *c, int combination, int source) {
    for (int s = c->sources - 1; s > source; s--) combination /= values[c->type[s]].count;
    return values[c->type[source]].at[combination % values[c->type[source]].count];
}

static void put(DType t, void *to, int64_t at, double value) {
    switch (t) {
    case DTYPE_F32: ((float *)to)[at] = (float)value; break;
    case DTYPE_F64: ((double *)to)[at] = value; break;
    case DTYPE_I32: ((int32_t *)to)[at] = (int32_t)value; break;
    case DTYPE_BOOL:
    case DTYPE_U8: ((uint8_t *)to)[at] = (uint8_t)value; break;
    }
}

static void fold(Bench *b, const Case *c, Question *q) {
    for (int s = 0; s < c->sources; s++)
        if (c->type[s] == DTYPE_U8) return;
    q->folded = arena_array(b->arena, double, c->combinations);
    q->has_value = arena_array(b->arena, bool, c->combinations);
    for (int i = 0; i < c->combinations; i++) {
        Node *source[MOST_SOURCES];
        for (int s = 0; s < c->sources; s++) source[s] = graph_const(b->g, c->type[s], (Shape){0}, value_of(c, i, s));
        const Node *node = graph_node(b->g, q->op, q->type, (Shape){0}, source, c->sources, (Attr){.index = q->number});
        q->has_value[i] = node->op == OP_CONST;
        q->folded[i] = node->attr.value;
        q->without += !q->has_value[i];
    }
}

static void make_columns(Bench *b, const Case *c, int rows, Node **source) {
    for (int s = 0; s < c->sources; s++) {
        size_t size = dtype_bytes(c->type[s]);
        char *data = arena_alloc(b->arena, size * (size_t)rows + 64);
        for (int i = 0; i < rows; i++) put(c->type[s], data, i, value_of(c, c->row[i % c->kept], s));
        b->column[s] = (sgdrt_column){data, (int64_t)size};
        source[s] = graph_leaf_with_rows(b->g, graph_leaf(b->g, OP_COLUMN, c->type[s], (Shape){0}, s), 1);
    }
}

static void compare_folded(Bench *b, const Case *c, const Question *q, int count, int rows) {
    Executor *interpreter = interpreter_new(b->arena, &b->run);
    Results got = bench_run(b, interpreter, rows, false);
    for (int i = 0; i < count; i++)
        for (int r = 0; r < rows && q[i].folded; r++) {
            int combination = c->row[(3 + r) % c->kept]; /* bench_run begins with row 3 */
            char wanted[8];
            put(q[i].type, wanted, 0, q[i].folded[combination]);
            if (!same_real(wanted, got.output[i] + (size_t)r * dtype_bytes(q[i].type), q[i].type))
                cr_assert(false, "%s(%g, ...) of %s to %s: %.17g is folded, another value interpreted",
                          op_text(q[i].op), value_of(c, combination, 0), dtype_text(c->type[0]), dtype_text(q[i].type),
                          q[i].folded[combination]);
        }
    results_free(b, &got);
    interpreter->free(interpreter);
}

/* The questions are roots of one function of the same rows. */
static void check(const Case *c, const Question *questions, int count) {
    Bench *b = bench_new(1);
    Node *source[MOST_SOURCES];
    int rows = BENCH_ROWS + 3;
    cr_assert(c->kept <= BENCH_ROWS);
    make_columns(b, c, rows, source);
    for (int i = 0; i < count; i++) {
        const Question *q = &questions[i];
        bench_predict(b, graph_node(b->g, q->op, q->type, (Shape){0}, source, c->sources, (Attr){.index = q->number}));
    }
    b->run.state_bytes = 128;
    compare_folded(b, c, questions, count, rows - 3);
    int counts[] = {rows - 3};
    for (int level = 0; level <= 3; level += 3) {
        const char *problem = bench_check(b, counts, 1, level);
        cr_assert_null(problem, "%s and others of %s: %s", op_text(questions[0].op), dtype_text(c->type[0]), problem);
    }
    arena_free(b->arena);
}

static bool is_allowed(const Case *c, Op op, DType result, int64_t number) {
    Node source[MOST_SOURCES], *sources[MOST_SOURCES];
    for (int s = 0; s < c->sources; s++) {
        source[s] = (Node){.op = OP_COLUMN, .dtype = c->type[s]};
        sources[s] = &source[s];
    }
    Node node = {.op = op, .dtype = result, .sources = c->sources, .source = sources, .attr = {.index = number}};
    return op_class(op) == OP_CLASS_ELEMENT && op_emission(op) != EMISSION_ABSENT && op_arity(op) == c->sources &&
           infer_problem(&node) == NULL;
}

static void keep_rows(Arena *arena, Case *c, const bool *has_value) {
    c->row = arena_array(arena, int, c->combinations);
    c->kept = 0;
    for (int i = 0; i < c->combinations; i++)
        if (!has_value || has_value[i]) c->row[c->kept++] = i;
}

/* All that can be asked of sources of these types; ops without a value for some of them one by one. */
static void check_types(Case *c, bool *seen) {
    Bench *b = bench_new(1);
    Question together[MOST_ROOTS];
    int count = 0;
    c->combinations = 1;
    for (int s = 0; s < c->sources; s++) c->combinations *= values[c->type[s]].count;
    for (Op op = 0; op < OP_COUNT; op++)
        for (DType result = 0; result < DTYPES; result++)
            for (size_t n = 0; n < (op_attribute(op) == ATTRIBUTE_NUMBER ? sizeof numbers / sizeof *numbers : 1); n++) {
                Question q = {
                    .op = op, .type = result, .number = op_attribute(op) == ATTRIBUTE_NUMBER ? numbers[n] : 0};
                if (!is_allowed(c, op, result, q.number)) continue;
                seen[op] = true;
                fold(b, c, &q);
                cr_assert(q.without < c->combinations, "%s has no value anywhere", op_text(op));
                if (q.without == 0 && count < MOST_ROOTS) {
                    together[count++] = q;
                    continue;
                }
                keep_rows(b->arena, c, q.has_value);
                check(c, &q, 1);
            }
    keep_rows(b->arena, c, NULL);
    if (count > 0) check(c, together, count);
    arena_free(b->arena);
}

static void check_arity(int sources) {
    bool seen[OPS] = {false};
    int types = 1;
    for (int s = 0; s < sources; s++) types *= DTYPES;
    for (int t = 0; t < types; t++) {
        Case c = {.sources = sources};
        for (int s = 0, rest = t; s < sources; s++, rest /= DTYPES) c.type[s] = (DType)(rest % DTYPES);
        check_types(&c, seen);
    }
    for (Op op = 0; op < OP_COUNT; op++)
        cr_expect(seen[op] || op_class(op) != OP_CLASS_ELEMENT || op_arity(op) != sources ||
                      op_emission(op) == EMISSION_ABSENT,
                  "%s was not asked for", op_text(op));
}

Test(ops, of_one_source) { check_arity(1); }
Test(ops, of_two_sources) { check_arity(2); }
Test(ops, of_three_sources) { check_arity(3); }

/* Ops of more sources would be asked for by nobody. */
Test(ops, every_element_op_is_asked_for) {
    for (Op op = 0; op < OP_COUNT; op++)
        cr_expect(op_class(op) != OP_CLASS_ELEMENT || (op_arity(op) >= 1 && op_arity(op) <= MOST_SOURCES), "%s",
                  op_text(op));
}
