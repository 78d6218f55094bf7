/* evenness: how much of a nest each thread does, and what makes that more even.
 *
 *   for m in 0..5, threads                     for m in 0..5, threads
 *     tile of 3 outputs                          tile of 3 outputs
 *     tile of 2 outputs              ->        for m in 0..5, threads, first more
 *                                                tile of 2 outputs
 *
 * Of two threads the last one did 15 of these 25 outputs; now it does 13. A loop becomes one for each part of its body that
 * has private arrays of its own, and a loop whose iterations cannot be dealt out evenly gives what is left to the first
 * threads instead of the last, wherever that makes the whole nest more even.
 */
#include "ir/loops/passes/passes.h"

/* The slowest thread's part beside an equal one that is as good as equal. */
static const double even = 1.05;
/* What is gained at least. */
static const double least_gain = 0.01;
enum { USUAL_ROWS = 256 /* where a mini-batch may have any number */, OPERATIONS_OF_ACCESS = 2 };

int64_t usual_iterations(const Loop *loop) {
    if (loop->extent != MOST_ROWS) return loop_iterations(loop);
    return loop->step < USUAL_ROWS ? USUAL_ROWS / loop->step : 1;
}

/* In operations: what goes through memory takes as long as some. */
static double work_of_statement(const Statement *s) {
    ArrayAccess access;
    if (statement_access(s, &access)) return array_is_private(access.array) ? 0 : OPERATIONS_OF_ACCESS;
    if (s->kind == STATEMENT_TRANSPOSE) return OPERATIONS_OF_ACCESS * (double)s->array->elements;
    return s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_OP;
}

/* As codegen/llvm/threads.c deals them out. */
static int64_t iterations_before(const Loop *loop, int thread, int threads) {
    return (usual_iterations(loop) * thread + (loop->first_more ? threads - 1 : 0)) / threads;
}

double work_of(const Statement *s, int thread, int threads) {
    double work = work_of_statement(s);
    int64_t times = s->kind == STATEMENT_LOOP ? usual_iterations(s->loop) : 1;
    if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS)
        times = iterations_before(s->loop, thread + 1, threads) - iterations_before(s->loop, thread, threads);
    for (int i = 0; i < s->body.count && times > 0; i++)
        work += (double)times * work_of(s->body.items[i], thread, threads);
    return work;
}

double unevenness(const Statement *s) {
    static const int numbers[] = {2, 4};
    double whole = work_of(s, 0, 1), sum = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double most = 0;
        for (int thread = 0; thread < numbers[i]; thread++) {
            double work = work_of(s, thread, numbers[i]);
            if (work > most) most = work;
        }
        sum += most * numbers[i] / whole;
    }
    double mean = sum / (sizeof numbers / sizeof *numbers);
    return mean > even ? mean / even : 1;
}

/* ---- parts of a loop ---------------------------------------------------------------------------------------- */
static const Array *array_of(const Statement *s) { return s->kind == STATEMENT_LET ? s->scalar->array : s->array; }

static bool touches(const Statement *s, const Array *array) {
    bool does = array_of(s) == array;
    for (int i = 0; i < s->body.count && !does; i++) does = touches(s->body.items[i], array);
    return does;
}

/* Does it need what was private to the first statements of the loop's body, or count rows of its block? */
static bool depends(const Statement *s, const Statement *loop, int first) {
    const Array *array = array_of(s);
    bool does = s->kind == STATEMENT_LOOP && s->loop->block == loop->loop;
    for (int i = 0; i < first && !does && array != NULL && array_is_private(array); i++)
        does = touches(loop->body.items[i], array);
    for (int i = 0; i < s->body.count && !does; i++) does = depends(s->body.items[i], loop, first);
    return does;
}

/* May a part end before this statement of the body? */
static bool is_border(const Statement *loop, int at) {
    bool is = true;
    for (int i = 0; i < at && is; i++) is = loop->body.items[i]->kind != STATEMENT_LET;
    for (int i = at; i < loop->body.count && is; i++) is = !depends(loop->body.items[i], loop, at);
    return is;
}

static void add_parts(LoopTree *tree, const Statement *loop, Body *to) {
    Body part = {0};
    for (int i = 0; i < loop->body.count; i++) {
        vector_push(tree->arena, &part, loop->body.items[i]);
        if (i + 1 < loop->body.count && !is_border(loop, i + 1)) continue;
        Statement *s = tree_statement(tree, STATEMENT_LOOP);
        s->loop = tree_loop_like(tree, loop->loop);
        tree_copy_body(tree, &part, &s->body, loop->loop, subscript_of_loop(tree->arena, s->loop));
        vector_push(tree->arena, to, s);
        part = (Body){0};
    }
}

/* ---- a nest ------------------------------------------------------------------------------------------------- */
typedef struct Evening {
    LoopTree *tree;
    Statement *nest;
    const OpenLoops *around;
    double least; /* unevenness so far */
} Evening;

static bool improves(Evening *e) {
    const char *problem = NULL;
    double now = unevenness(e->nest);
    if (now > e->least - least_gain) return false;
    check_shared(e->tree->arena, e->nest, e->around, &problem);
    if (problem == NULL) e->least = now;
    return problem == NULL;
}

static void deal_otherwise(Evening *e, Body *body) {
    for (int i = 0; i < body->count && e->least > 1; i++) {
        Statement *s = body->items[i];
        bool shared = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS;
        if (shared) s->loop->first_more = true;
        if (shared && !improves(e)) s->loop->first_more = false;
        if (!shared) deal_otherwise(e, &s->body);
    }
}

/* A loop in the body is parts of it, where these can be dealt out more evenly. */
static void divide_loops(Evening *e, Body *body) {
    for (int i = 0; i < body->count && e->least > 1; i++) {
        Statement *s = body->items[i];
        Body before = *body, parts = {0};
        if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_THREADS) {
            divide_loops(e, &s->body);
            continue;
        }
        add_parts(e->tree, s, &parts);
        if (parts.count < 2) continue;
        double least = e->least;
        *body = (Body){0};
        for (int k = 0; k < before.count; k++)
            if (k == i)
                tree_add_body(e->tree, body, &parts);
            else
                vector_push(e->tree->arena, body, before.items[k]);
        deal_otherwise(e, body);
        if (e->least == least) *body = before;
    }
}

void make_even(LoopTree *tree, Statement *nest, const OpenLoops *around) {
    Evening e = {tree, nest, around, unevenness(nest)};
    deal_otherwise(&e, &nest->body);
    divide_loops(&e, &nest->body);
}
