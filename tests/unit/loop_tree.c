/* The verifier of the loop tree: it finds nothing in what the schedules make, and everything that is then changed.
 *
 * Each kind of mutation is tried at each place where it changes what is computed, and what the verifier says names it.
 */
#include "compiled.h"
#include "ir/loops/verify/verify.h"

static const char net_text[] =
    "data d { x: f32[6, 10]; t: label[4]; y: f32 }\n"
    "model net(x: f32[6, 10]) -> f32[4] {\n"
    "  h = tanh(dense(flatten(x), 24))\n"
    "  c = relu(conv2d(reshape(x, [1, 6, 10]), 18, 3, pad = 1))\n"
    "  k = concat(h, flatten(c))\n"
    "  return dense(k, 4) * sum(h)\n"
    "}\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); penalty = 0.01 * sum(net.dense.w^2);\n"
    "  optimizer = momentum(lr = 0.1); batch = 12; predict = net(x) }\n";

static const char line_text[] =
    "data d { x: f32[5]; y: f32 }\n"
    "model line(x: f32[5]) -> f32 {\n"
    "  param w: f32[5] ~ normal(0, 0.01)\n"
    "  return dot(w, x)\n"
    "}\n"
    "train fit { data = d; minimize = squared(line(x), y); optimizer = sgd(lr = 0.1); batch = 1 }\n";

/* ---- places of a tree --------------------------------------------------------------------------------------- */
typedef struct TreePlace {
    Body *body;
    int index, conditions;
    Statement *nest, *around;
} TreePlace;
typedef struct TreePlaces {
    TreePlace items[20000];
    int count;
} TreePlaces;
static TreePlaces places;

static void find_places(Body *body, int conditions, Statement *nest, Statement *around) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        cr_assert(places.count < 20000);
        places.items[places.count++] = (TreePlace){body, i, conditions, nest, around};
        find_places(&s->body, conditions + (s->kind == STATEMENT_IF), s->kind == STATEMENT_NEST ? s : nest,
                    s->kind == STATEMENT_LOOP ? s : around);
    }
}

static Statement *statement_at(TreePlace p) { return p.body->items[p.index]; }

static void remove_at(TreePlace p) {
    memmove(&p.body->items[p.index], &p.body->items[p.index + 1],
            sizeof p.body->items[0] * (size_t)(p.body->count - p.index - 1));
    p.body->count--;
}

static Subscript *moved(Arena *arena, const Subscript *s, int64_t by) {
    Subscript *m = arena_copy(arena, s, sizeof *s);
    m->offset += by;
    return m;
}

static bool reaches_all(const Array *array, const Subscript *at) {
    Range r = subscript_range(at);
    return r.least == 0 && r.most == array->elements - 1;
}

/* ---- mutations: false where the place is none for it -------------------------------------------------------- */
typedef bool Mutation(LoopTree *tree, TreePlace p);

static bool store_off_by_one(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_STORE || !reaches_all(s->array, s->at)) return false;
    s->at = moved(tree->arena, s->at, 1);
    return true;
}

static bool load_before_the_first(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_LOAD || subscript_range(s->scalar->at).least != 0)
        return false;
    ((Scalar *)s->scalar)->at = moved(tree->arena, s->scalar->at, -1);
    return true;
}

static bool load_off_by_one(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_LOAD || !reaches_all(s->scalar->array, s->scalar->at))
        return false;
    ((Scalar *)s->scalar)->at = moved(tree->arena, s->scalar->at, 1);
    return true;
}

static bool fetches_alone(const Body *body) {
    for (int i = 0; i < body->count; i++)
        if (body->items[i]->kind == STATEMENT_STORE || !fetches_alone(&body->items[i]->body)) return false;
    return true;
}

/* Not of a fold one by one: more joins a lane that nobody reads any more. What is fetched may lie anywhere. */
static bool iteration_too_many(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_LOOP || s->loop->rows || fetches_alone(&s->body)) return false;
    if (s->loop->mark == LOOP_UNROLLED && strcmp(s->loop->name, "lane") == 0) return false;
    s->loop->extent++;
    return true;
}

static bool iteration_too_few(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_LOOP || s->loop->rows || strcmp(s->loop->name, "lane") == 0) return false;
    if (fetches_alone(&s->body)) return false;
    s->loop->extent--;
    return true;
}

/* Not of a chain that goes on: that is another kind. */
static bool store_dropped(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_STORE || s->term != NULL || s->array->memory == ARRAY_REGISTERS) return false;
    remove_at(p);
    return true;
}

static bool start_dropped(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_STORE || s->term != NULL || s->array->memory != ARRAY_REGISTERS ||
        s->scalar->kind != SCALAR_CONST || p.conditions > 0)
        return false;
    remove_at(p);
    return true;
}

static bool carries_chain(const Body *body, const Loop *loop) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE && s->term != NULL && subscript_coef(s->term, loop) != 0 &&
            subscript_coef(s->at, loop) == 0)
            return true;
        if (carries_chain(&s->body, loop)) return true;
    }
    return false;
}

static bool mark_chain(TreePlace p, LoopMark mark) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_LOOP || !carries_chain(&s->body, s->loop)) return false;
    s->loop->mark = mark;
    return true;
}
static bool chain_in_lanes(LoopTree *tree, TreePlace p) {
    (void)tree;
    return mark_chain(p, LOOP_VECTOR);
}
static bool chain_in_threads(LoopTree *tree, TreePlace p) {
    (void)tree;
    return mark_chain(p, LOOP_THREADS);
}

static bool axes_exchanged(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_LOOP || p.around == NULL || !carries_chain(&s->body, s->loop) ||
        !carries_chain(&p.around->body, p.around->loop) || p.around->loop->rows)
        return false;
    Loop *outer = p.around->loop;
    p.around->loop = s->loop;
    s->loop = outer;
    return true;
}

static bool terms_descending(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_STORE || s->term == NULL || s->term->count == 0 || p.around == NULL ||
        !carries_chain(&p.around->body, p.around->loop))
        return false;
    s->term = subscript_times(tree->arena, s->term, -1);
    return true;
}

static bool term_lost(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_STORE || s->term == NULL || s->array->memory != ARRAY_REGISTERS) return false;
    Scalar *other = tree_scalar(tree, SCALAR_CONST, s->array->dtype);
    Statement *let = tree_statement(tree, STATEMENT_LET);
    let->scalar = s->scalar = other;
    vector_push(tree->arena, p.body, NULL);
    memmove(&p.body->items[p.index + 1], &p.body->items[p.index],
            sizeof p.body->items[0] * (size_t)(p.body->count - 1 - p.index));
    p.body->items[p.index] = let;
    return true;
}

static bool term_unnamed(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_STORE || s->term == NULL || p.around == NULL ||
        !carries_chain(&p.around->body, p.around->loop))
        return false;
    s->term = NULL;
    return true;
}

static bool name_dropped(LoopTree *tree, TreePlace p) {
    (void)tree;
    if (statement_at(p)->kind != STATEMENT_LET) return false;
    remove_at(p);
    return true;
}

static bool name_after_use(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_LET || p.index == p.body->count - 1) return false;
    remove_at(p);
    p.body->items[p.body->count++] = s;
    return true;
}

static bool loop_closed_early(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_LOAD) return false;
    const Subscript *at = s->scalar->at;
    ((Scalar *)s->scalar)->at = subscript_sum(tree->arena, at,
                                              subscript_of_loop(tree->arena, tree_loop(tree, "i", 1, LOOP_SERIAL)));
    return true;
}

/* Not under a condition that asks the same: without the guard nothing would be outside. */
static bool guard_removed(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_WITHIN || p.conditions > 0) return false;
    Scalar *always = tree_scalar(tree, SCALAR_CONST, DTYPE_BOOL);
    always->value = 1;
    Statement *let = tree_statement(tree, STATEMENT_LET);
    let->scalar = always;
    ((Scalar *)s->scalar)->source[0] = always;
    vector_push(tree->arena, p.body, NULL);
    memmove(&p.body->items[p.index + 1], &p.body->items[p.index],
            sizeof p.body->items[0] * (size_t)(p.body->count - 1 - p.index));
    p.body->items[p.index] = let;
    return true;
}

/* The nest that reads before the one that writes. */
static bool nests_exchanged(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_NEST || p.index > 0 || p.index + 1 >= p.body->count) return false;
    remove_at(p);
    p.body->items[p.body->count++] = s;
    return true;
}

static bool wait_dropped(LoopTree *tree, TreePlace p) {
    (void)tree;
    if (statement_at(p)->kind != STATEMENT_WAIT) return false;
    remove_at(p);
    return true;
}

static bool places_shared(LoopTree *tree, TreePlace p) {
    if (p.index > 0 || p.nest != NULL) return false;
    for (int a = 0; a < tree->arrays.count; a++) {
        Array *array = tree->arrays.items[a];
        array->first = array->last = a; /* lives are not what the verifier goes by */
        if (array->memory == ARRAY_WORK) array->offset = 0;
    }
    return p.body == &tree->body;
}

static bool output_narrowed(LoopTree *tree, TreePlace p) {
    Statement *s = statement_at(p);
    (void)tree;
    if (s->kind != STATEMENT_STORE || s->array->dtype != DTYPE_F32) return false;
    ((Array *)s->array)->dtype = DTYPE_I32;
    return true;
}

static const struct {
    const char *name;
    Mutation *mutate;
    const char *said[6];
} mutations[] = {
    {"a store one element further", store_off_by_one, {"is outside", "before all of", "meet in"}},
    {"a load before the first element", load_before_the_first, {"is outside", "meet in"}},
    {"a load one element further", load_off_by_one, {"is outside", "loses the terms", "adds to itself", "meet in"}},
    {"an iteration too many",
     iteration_too_many,
     {"is written twice", "is outside", "terms join", "do not ascend", "meet in"}},
    {"an iteration too few",
     iteration_too_few,
     {"before all of", "terms join", "not all of it", "no term joins", "do not wait", "meet in"}},
    {"a store dropped", store_dropped, {"before all of", "not all of it", "is not written", "start anew"}},
    {"a chain's start dropped", start_dropped, {"before all of", "adds to itself"}},
    {"a chain in lanes", chain_in_lanes, {"is split among", "meet in"}},
    {"a chain among threads", chain_in_threads, {"is split among", "meet in"}},
    {"two axes exchanged", axes_exchanged, {"do not ascend"}},
    {"terms that descend", terms_descending, {"do not ascend"}},
    {"the terms before lost", term_lost, {"loses the terms"}},
    {"a chain that does not say so", term_unnamed, {"adds to itself"}},
    {"a name dropped", name_dropped, {"is used where it is not known"}},
    {"a name after its use", name_after_use, {"is used where it is not known", "before all of"}},
    {"a loop's variable outside of it", loop_closed_early, {"outside of its loop", "meet in"}},
    {"a guard removed", guard_removed, {"is outside"}},
    {"a nest after those that read it", nests_exchanged, {"before all of"}},
    {"a wait dropped", wait_dropped, {"do not wait"}},
    {"arrays over each other", places_shared, {"share bytes", "do not wait"}},
    {"an array of another type", output_narrowed, {"is no "}},
};
enum { MUTATIONS = sizeof mutations / sizeof *mutations, MOST_TRIED = 40 };

static const Function *function_of(const Run *run, int which) {
    return (const Function *[]){&run->step, &run->predictor, &run->evaluate, &run->init}[which];
}

static bool is_said(int m, const char *problem) {
    for (int i = 0; i < 6 && mutations[m].said[i]; i++)
        if (strstr(problem, mutations[m].said[i])) return true;
    return false;
}

/* Ways to make a tree: the orders of rows, in one block with caches so small that contractions are cut into blocks; a block
 * with rows as lanes; and threads that share what they can. */
enum { IN_LANES = IN_ONE_BLOCK + 1, SHARED_ROWS, SHARED_BLOCKS, WAYS };

static LoopTree *made(Arena *arena, const Run *run, int which, int way) {
    static const TileNumbers small = {.machine.vector_bytes = 16,
                                      .vectors = 2,
                                      .unrolled = 2,
                                      .chains = 4,
                                      .square_bytes = 16,
                                      .machine.fma_pace = 100,
                                      .machine.memory_latency = 300,
                                      .machine.l1_rate = 128,
                                      .machine.line = 64,
                                      .machine.l1 = 64,
                                      .machine.l2 = 256};
    TileNumbers numbers = way == IN_ONE_BLOCK ? small : usual_tiles;
    numbers.row_lanes = 16;
    if (way < IN_LANES) return schedule_function(arena, run, function_of(run, which), (RowOrder)way, &numbers);
    LoopTree *tree = schedule_function(arena, run, function_of(run, which),
                                       way == SHARED_BLOCKS ? IN_BLOCKS : IN_ONE_BLOCK, &numbers);
    if (way != IN_LANES) {
        numbers.shares_all = true;
        tree_threads(tree, &numbers);
        return tree;
    }
    tree_row_lanes(tree, &numbers);
    tree_layout(tree, &numbers);
    tree_join(tree, &numbers);
    return tree;
}

/* Of all places, or of some at equal distances; how many there were. */
static int try_mutation(const Run *run, int m, int which, int way, bool all) {
    int tried = 0, step = 1;
    for (int at = 0;; at += step) {
        Arena *arena = arena_new();
        LoopTree *tree = made(arena, run, which, way);
        places.count = 0;
        find_places(&tree->body, 0, NULL, NULL);
        step = all ? 1 : places.count / (MOST_TRIED * 4) + 1;
        bool end = at >= places.count;
        if (!end && mutations[m].mutate(tree, places.items[at])) {
            const char *problem = tree_problem(tree);
            Text shown = text_new(arena);
            if (problem == NULL) tree_print(&shown, tree);
            cr_expect(problem != NULL, "%s at place %d of function %d, way %d: nothing was found\n%s",
                      mutations[m].name, at, which, way, shown.bytes);
            cr_expect(problem == NULL || is_said(m, problem), "%s: %s", mutations[m].name, problem);
            tried++;
        }
        arena_free(arena);
        if (end) return tried;
    }
}

Test(loop_tree, nothing_is_wrong) {
    Arena *arena = arena_new();
    Program *program = compiled(arena, net_text);
    const Run *run = &program->runs[0];
    for (int which = 0; which < 4 * WAYS; which++) {
        const char *problem = tree_problem(made(arena, run, which / WAYS, which % WAYS));
        cr_expect(problem == NULL, "%s", problem);
    }
    arena_free(arena);
}

Test(loop_tree, mutations_are_found) {
    Arena *arena = arena_new();
    Program *program = compiled(arena, net_text);
    const Run *run = &program->runs[0];
    for (int m = 0; m < WAYS * MUTATIONS; m++) {
        int tried = 0, way = m / MUTATIONS;
        for (int which = 0; which < 2; which++) tried += try_mutation(run, m % MUTATIONS, which, way, false);
        if (tried == 0) tried = try_mutation(run, m % MUTATIONS, 0, way, true);
        if (mutations[m % MUTATIONS].mutate == wait_dropped && way < SHARED_ROWS) continue;
        cr_expect(tried > 0, "%s: there is no place for it", mutations[m % MUTATIONS].name);
    }
    arena_free(arena);
}

/* ---- what threads have of their own --------------------------------------------------------------------------- */
/* A square that is filled in each iteration is its own; one that is filled before all of them is handed over. */
Test(loop_tree, a_transposition_stores_and_loads) {
    enum { SIDE = 2, ELEMENTS = SIDE * SIDE, ITERATIONS = 3 };
    for (int before = 0; before < 2; before++) {
        Arena *arena = arena_new();
        LoopTree tree = {.arena = arena};
        const Array *from = tree_array(&tree, ARRAY_WORK, 0, DTYPE_F32, ITERATIONS * ELEMENTS, "from");
        const Array *to = tree_array(&tree, ARRAY_WORK, 0, DTYPE_F32, ITERATIONS * ELEMENTS, "to");
        const Array *square = tree_array(&tree, ARRAY_REGISTERS, 0, DTYPE_F32, ELEMENTS, "square");
        Statement *nest = tree_statement(&tree, STATEMENT_NEST),
                  *transpose = tree_statement(&tree, STATEMENT_TRANSPOSE);
        Loop *all = tree_loop(&tree, "all", ITERATIONS, LOOP_THREADS);
        Statement *shared = tree_statement(&tree, STATEMENT_LOOP);
        shared->loop = all;
        Statement *fill = tree_add_loop(&tree, before ? &nest->body : &shared->body, "i", ELEMENTS, LOOP_SERIAL);
        const Subscript *i = subscript_of_loop(arena, fill->loop);
        tree_add_copy(&tree, &fill->body, from, i, square, i);
        vector_push(arena, &nest->body, shared);
        transpose->array = square;
        transpose->terms = SIDE;
        vector_push(arena, &shared->body, transpose);
        Statement *store = tree_add_loop(&tree, &shared->body, "k", ELEMENTS, LOOP_SERIAL);
        const Subscript *k = subscript_of_loop(arena, store->loop);
        const Subscript *of_iteration = subscript_times(arena, subscript_of_loop(arena, all), ELEMENTS);
        tree_add_copy(&tree, &store->body, square, k, to, subscript_sum(arena, k, of_iteration));
        const char *problem = NULL;
        check_shared(arena, nest, &(OpenLoops){0}, &problem);
        cr_expect(before ? problem && strstr(problem, "meet in square") : problem == NULL, "%s", problem);
        arena_free(arena);
    }
}

/* ---- small steps ---------------------------------------------------------------------------------------------- */
static int count_loops(const Body *body, LoopMark mark) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count += (s->kind == STATEMENT_LOOP && s->loop->mark == mark) + count_loops(&s->body, mark);
    }
    return count;
}

static LoopTree *small_step(Arena *arena, const char *text) {
    Program *program = compiled(arena, text);
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    LoopTree *tree = schedule_function(arena, &program->runs[0], &program->runs[0].step, IN_ONE_BLOCK, &numbers);
    tree_row_lanes(tree, &numbers);
    tree_layout(tree, &numbers);
    tree_vectorise(tree, &numbers);
    tree_registers(tree, &numbers);
    return tree;
}

/* One nest, without loops but lanes, and arrays that are registers. */
Test(loop_tree, a_small_step_stays_in_registers) {
    Arena *arena = arena_new();
    LoopTree *tree = small_step(arena, line_text);
    cr_expect(tree->body.count == 1 && count_loops(&tree->body, LOOP_SERIAL) == 0);
    cr_expect(count_loops(&tree->body, LOOP_VECTOR) > 0);
    for (int a = 0; a < tree->arrays.count; a++)
        cr_expect(tree->arrays.items[a]->memory != ARRAY_WORK || tree->arrays.items[a]->first < 0);
    cr_expect(tree_problem(tree) == NULL, "%s", tree_problem(tree));
    arena_free(arena);
}

/* Five weights and a sum, loaded before all steps and stored after them: each store is missed where it is not there. */
Test(loop_tree, a_small_step_keeps_what_it_updates) {
    enum { STORES = 2 * (5 + 1) };
    for (int dropped = 0; dropped < STORES; dropped++) {
        Arena *arena = arena_new();
        LoopTree *tree = small_step(arena, line_text);
        Body *part = dropped % 2 == 0 ? &tree->before : &tree->after;
        cr_assert_eq(part->count, STORES);
        remove_at((TreePlace){.body = part, .index = dropped / 2 * 2 + 1});
        const char *problem = tree_problem(tree);
        cr_expect(problem != NULL && strstr(problem, part == &tree->before ? "before all of" : "is not written"), "%s",
                  problem);
        arena_free(arena);
    }
}

static const char rows_text[] =
    "data d { x: f32[784]; y: label[10] }\n"
    "model soft(x: f32[784]) -> f32[10] { return dense(x / 3, 10) }\n"
    "train fit { data = d; minimize = cross_entropy(soft(x), y); optimizer = sgd(lr = 0.1); batch = 32 }\n";

/* How many numbers of rows of the next mini-batch stand in the body; they become such of this one. */
static int rows_of_next(const Body *body) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count += rows_of_next(&s->body);
        if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_ROW || s->scalar->n != PAST_CALL) continue;
        ((Scalar *)s->scalar)->n = PAST_BATCH;
        count++;
    }
    return count;
}

/* Rows that are fetched are of the next mini-batch, which may have none. */
Test(loop_tree, a_step_fetches_rows_that_may_not_be_there) {
    Arena *arena = arena_new();
    LoopTree *tree = small_step(arena, rows_text);
    cr_expect(tree_problem(tree) == NULL, "%s", tree_problem(tree));
    cr_expect(rows_of_next(&tree->body) > 0);
    const char *problem = tree_problem(tree);
    cr_expect(problem != NULL && strstr(problem, "of the next mini-batch"), "%s", problem);
    arena_free(arena);
}

static const char dense_text[] =
    "data d { x: f32[64]; y: f32[32] }\n"
    "model dense(x: f32[64]) -> f32[32] {\n"
    "  param w: f32[32, 64] ~ normal(0, 0.1)\n"
    "  return w @ x\n"
    "}\n"
    "train fit { data = d; minimize = mse(dense(x), y); optimizer = sgd(lr = 0.1); batch = 64; predict = dense(x) }\n";

/* Conditions that a row is one of the mini-batch; in the one that is `late`, one row too many is. */
static int let_rows_past(const Body *body, int late) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count += let_rows_past(&s->body, late - count);
        if (s->kind != STATEMENT_IF || s->scalar->kind != SCALAR_INSIDE || s->scalar->n != MOST_ROWS) continue;
        if (count++ == late) ((Subscript *)s->scalar->at)->offset++;
    }
    return count;
}

/* Its tiles have rows past the mini-batch, for which the caller has no room. */
Test(loop_tree, a_kernel_stores_rows_of_the_mini_batch_for_the_caller) {
    int conditions = 1;
    for (int late = -1; late < conditions; late++) {
        Arena *arena = arena_new();
        Program *program = compiled(arena, dense_text);
        LoopTree *tree = schedule_function(arena, &program->runs[0], &program->runs[0].predictor, IN_BLOCKS,
                                           &usual_tiles);
        conditions = let_rows_past(&tree->body, late);
        const char *problem = tree_problem(tree);
        cr_assert(conditions > 0);
        cr_expect(late < 0 ? problem == NULL : problem && strstr(problem, "none of the mini-batch"), "%s", problem);
        arena_free(arena);
    }
}

/* ---- threads ------------------------------------------------------------------------------------------------ */
enum { SHARED = 64 };
static const Run nobody;
static const Function nothing = {.name = "shared"};

/* The nest to[i] = from[first + step i] or a constant, its iterations shared, so many. */
static void shared_nest(LoopTree *tree, const Array *to, const Array *from, int64_t first, int64_t step,
                        int64_t count) {
    Statement *nest = tree_statement(tree, STATEMENT_NEST), *loop = tree_statement(tree, STATEMENT_LOOP);
    Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
    loop->loop = tree_loop(tree, "i", count, LOOP_THREADS);
    const Subscript *i = subscript_of_loop(tree->arena, loop->loop);
    Scalar *scalar = tree_scalar(tree, from ? SCALAR_LOAD : SCALAR_CONST, DTYPE_F32);
    scalar->array = from;
    scalar->at = from ? subscript_sum(tree->arena, subscript_number(tree->arena, first),
                                      subscript_times(tree->arena, i, step))
                      : NULL;
    let->scalar = store->scalar = scalar;
    store->array = to;
    store->at = i;
    vector_push(tree->arena, &loop->body, let);
    vector_push(tree->arena, &loop->body, store);
    vector_push(tree->arena, &nest->body, loop);
    vector_push(tree->arena, &tree->body, nest);
}

static const char *shared_problem(Arena *arena, bool wait, bool same) {
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a");
    Array *b = same ? a : tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "b");
    shared_nest(tree, a, NULL, 0, 1, SHARED);
    if (wait) vector_push(arena, &tree->body, tree_statement(tree, STATEMENT_WAIT));
    shared_nest(tree, b, a, SHARED - 1, -1, SHARED);
    tree_give_places(tree);
    const char *problem = tree_problem(tree);
    return problem ? problem : "nothing";
}

Test(loop_tree, threads_wait) {
    Arena *arena = arena_new();
    cr_expect_str_eq(shared_problem(arena, true, false), "nothing");
    cr_expect(strstr(shared_problem(arena, false, false), "threads do not wait between two nests that touch a0"));
    cr_expect(strstr(shared_problem(arena, true, true), "meet in a0"));
    arena_free(arena);
}

/* a[i] = 0, in whole; b[i] = a[first + step i], for so many, without a wait. */
static bool waits_for_others(int64_t first, int64_t step, int64_t count) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a");
    Array *b = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, count, "b");
    shared_nest(tree, a, NULL, 0, 1, SHARED);
    shared_nest(tree, b, a, first, step, count);
    tree_give_places(tree);
    const char *problem = tree_problem(tree);
    bool waits = problem != NULL && strstr(problem, "threads do not wait between two nests that touch a0");
    cr_expect(problem == NULL || waits, "%s", problem);
    arena_free(arena);
    return waits;
}

Test(loop_tree, threads_find_their_own_without_waiting) {
    cr_expect(!waits_for_others(0, 1, SHARED));
    cr_expect(waits_for_others(SHARED - 1, -1, SHARED), "other iterations");
    cr_expect(waits_for_others(0, 1, SHARED - 1), "other parts");
    cr_expect(waits_for_others(1, 1, SHARED - 1), "the neighbour's");
    cr_expect(waits_for_others(0, 2, SHARED / 2), "other strides");
}

/* The nest with loops of threads inside of a loop that all of them go through: a[first i + outer j] = 0, and again with offset. */
static const char *inner_problem(int64_t first, int64_t outer, int64_t offset) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, 4 * SHARED, "a");
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    Statement *around = tree_add_loop(tree, &nest->body, "j", 2, LOOP_SERIAL);
    for (int part = 0; part < 2; part++) {
        Statement *loop = tree_add_loop(tree, &around->body, "i", SHARED, LOOP_THREADS);
        Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
        let->scalar = store->scalar = tree_scalar(tree, SCALAR_CONST, DTYPE_F32);
        store->array = a;
        store->at = subscript_sum(arena, subscript_number(arena, part * offset),
                                  subscript_sum(arena,
                                                subscript_times(arena, subscript_of_loop(arena, loop->loop), first),
                                                subscript_times(arena, subscript_of_loop(arena, around->loop), outer)));
        vector_push(arena, &loop->body, let);
        vector_push(arena, &loop->body, store);
    }
    const char *problem = NULL, *text = "nothing";
    check_shared(arena, nest, &(OpenLoops){.count = 0}, &problem);
    if (problem != NULL && strstr(problem, "meet in a0")) text = "meet in a0";
    arena_free(arena);
    return text;
}

/* for chunk in 0..SHARED by 8 { for i of chunk, threads { a[i] = 0 } }; the blocks inside of the nest or around it. */
static const char *block_problem(bool inside) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a");
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    Body around = {0};
    Statement *chunk = tree_add_loop(tree, inside ? &nest->body : &around, "chunk", SHARED, LOOP_SERIAL);
    chunk->loop->step = 8;
    Statement *loop = tree_add_loop(tree, inside ? &chunk->body : &nest->body, "i", 8, LOOP_THREADS);
    loop->loop->block = chunk->loop;
    Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
    let->scalar = store->scalar = tree_scalar(tree, SCALAR_CONST, DTYPE_F32);
    store->array = a;
    store->at = subscript_sum(arena, subscript_of_loop(arena, chunk->loop), subscript_of_loop(arena, loop->loop));
    vector_push(arena, &loop->body, let);
    vector_push(arena, &loop->body, store);
    const char *problem = NULL, *text = "nothing";
    OpenLoops open = {.count = 0};
    if (!inside) open.loop[open.count++] = chunk->loop;
    check_shared(arena, nest, &open, &problem);
    if (problem != NULL) text = strstr(problem, "other rows in each block") ? "other rows" : "something else";
    arena_free(arena);
    return text;
}

Test(loop_tree, threads_have_the_same_rows_in_all_of_a_nest) {
    cr_expect_str_eq(block_problem(false), "nothing");
    cr_expect_str_eq(block_problem(true), "other rows");
}

/* for t, threads { nest { a[t] = 0 } } */
Test(loop_tree, threads_share_loops_inside_of_nests) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a");
    Statement *loop = tree_add_loop(tree, &tree->body, "t", SHARED, LOOP_THREADS);
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
    let->scalar = store->scalar = tree_scalar(tree, SCALAR_CONST, DTYPE_F32);
    store->array = a;
    store->at = subscript_of_loop(arena, loop->loop);
    vector_push(arena, &nest->body, let);
    vector_push(arena, &nest->body, store);
    vector_push(arena, &loop->body, nest);
    tree_give_places(tree);
    cr_expect(strstr(tree_problem(tree), "threads share t0, which is around nests"));
    loop->loop->mark = LOOP_SERIAL;
    cr_expect(tree_problem(tree) == NULL);
    arena_free(arena);
}

/* Two loops of one nest store a and b, which lie in the same bytes. */
static bool bytes_have_problem(LoopMark mark) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    for (int part = 0; part < 2; part++) {
        Statement *loop = tree_add_loop(tree, &nest->body, "i", SHARED, mark);
        Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
        let->scalar = store->scalar = tree_scalar(tree, SCALAR_CONST, DTYPE_F32);
        store->array = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a");
        store->at = subscript_of_loop(arena, loop->loop);
        vector_push(arena, &loop->body, let);
        vector_push(arena, &loop->body, store);
    }
    vector_push(arena, &tree->body, nest);
    const char *problem = NULL;
    check_bytes(tree, &problem);
    arena_free(arena);
    return problem != NULL;
}

Test(loop_tree, threads_of_a_nest_share_no_bytes) {
    cr_expect(!bytes_have_problem(LOOP_SERIAL));
    cr_expect(bytes_have_problem(LOOP_THREADS));
}

/* A nest that stores all elements of the array, or loads them. */
static void add_access_nest(LoopTree *tree, Array *array, bool loads) {
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    Statement *loop = tree_add_loop(tree, &nest->body, "i", SHARED, LOOP_SERIAL);
    Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
    Scalar *scalar = tree_scalar(tree, loads ? SCALAR_LOAD : SCALAR_CONST, DTYPE_F32);
    const Subscript *at = subscript_of_loop(tree->arena, loop->loop);
    let->scalar = store->scalar = scalar;
    scalar->array = loads ? array : NULL;
    scalar->at = store->at = at;
    store->array = array;
    vector_push(tree->arena, &loop->body, loads ? let : store);
    vector_push(tree->arena, &tree->body, nest);
}

/* a is stored, then b, which begins so many bytes from it, then, if so, a again, and a is read. */
static bool is_written_over(size_t from, bool again) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "over", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "a"),
          *b = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, SHARED, "b");
    a->offset = 4 * SHARED;
    b->offset = from;
    add_access_nest(tree, a, false);
    add_access_nest(tree, b, false);
    if (again) add_access_nest(tree, a, false);
    add_access_nest(tree, a, true);
    const char *problem = NULL;
    check_bytes(tree, &problem);
    bool is = problem != NULL;
    if (is) cr_expect(strstr(problem, "a0 is read after b1 was written over it"), "%s", problem);
    arena_free(arena);
    return is;
}

Test(loop_tree, nothing_is_read_that_was_written_over) {
    for (size_t from = 0; from <= 8 * SHARED; from += 4)
        cr_expect(is_written_over(from, false) == (from > 0 && from < 8 * SHARED), "%zu", from);
    cr_expect(!is_written_over(4 * SHARED, true));
}

Test(loop_tree, threads_go_at_their_own_pace) {
    cr_expect_str_eq(inner_problem(2, 0, 1), "nothing");
    cr_expect_str_eq(inner_problem(1, 0, SHARED), "nothing");
    cr_expect_str_eq(inner_problem(2, 0, 2), "meet in a0");
    cr_expect_str_eq(inner_problem(2, 2, 1), "meet in a0");
    cr_expect_str_eq(inner_problem(1, 2 * SHARED, SHARED), "nothing");
    cr_expect_str_eq(inner_problem(1, SHARED, SHARED), "meet in a0");
}
