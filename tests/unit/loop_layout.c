/* In which order elements lie in the loop tree. Layouts: where channels fill vectors, a convolution and its gradients find the
 * channels of a pixel side by side, so that neither lanes nor the terms of an image are gathered; what a dense layer reads
 * stays row-major. Where lanes are rows, short rows are not read lane by lane. Borders: which terms are there is not asked in
 * innermost loops.
 */
#include "compiled.h"

enum { CHANNELS = 48 };
static const char text[] = /* channels that fill vectors */
    "data d { x: f32[16, 6, 10]; t: label[4] }\n"
    "model net(x: f32[16, 6, 10]) -> f32[4] {\n"
    "  a = relu(conv2d(x, 48, 3, pad = 1))\n"
    "  b = relu(conv2d(a, 32, 3, pad = 1))\n"
    "  return dense(flatten(b), 4)\n"
    "}\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 12 }\n";

static const char few_channels[] =
    "data d { x: f32[1, 12, 12]; t: label[4] }\n"
    "model net(x: f32[1, 12, 12]) -> f32[4] {\n"
    "  a = max_pool2d(relu(conv2d(x, 5, 3, pad = 1)), 2)\n"
    "  b = relu(conv2d(a, 7, 3))\n"
    "  return dense(flatten(b), 4)\n"
    "}\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 32 }\n";

/* What is loaded where terms join chains: by lanes, or for all lanes along a loop over the channels. */
typedef struct Loads {
    int lanes, terms, gathered;
} Loads;

static void look_at(const Scalar *s, const Loop *lanes, const Loop *around, Loads *seen) {
    if (s->kind != SCALAR_LOAD || s->array->memory != ARRAY_WORK) return;
    int64_t along = subscript_coef(s->at, lanes);
    seen->lanes += along == 1;
    seen->gathered += along > 1;
    if (along != 0 || around == NULL || around->extent != CHANNELS) return;
    seen->terms += subscript_coef(s->at, around) == 1;
    seen->gathered += subscript_coef(s->at, around) > 1;
}

static void look(const Body *body, const Loop *serial, const Loop *lanes, Loads *seen) {
    bool chain = false;
    for (int i = 0; i < body->count; i++) chain |= body->items[i]->term != NULL;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (chain && lanes != NULL && s->kind == STATEMENT_LET) look_at(s->scalar, lanes, serial, seen);
        bool vector = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_VECTOR;
        bool counts = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_SERIAL;
        look(&s->body, counts ? s->loop : serial, vector ? s->loop : lanes, seen);
    }
}

Test(loop_layout, channels_are_side_by_side) {
    Arena *arena = arena_new();
    const Run *run = &compiled(arena, text)->runs[0];
    LoopTree *tree = schedule_function(arena, run, &run->step, IN_ONE_BLOCK, &usual_tiles);
    const char *problem = tree_problem(tree);
    cr_expect(problem == NULL, "%s", problem);
    Loads seen = {0};
    look(&tree->body, NULL, NULL, &seen);
    cr_expect(seen.lanes > 0 && seen.terms > 0 && seen.gathered == 0, "%d lanes, %d terms, %d gathered", seen.lanes,
              seen.terms, seen.gathered);
    arena_free(arena);
}

static const char norms[] = /* which see the pixels of a channel as one axis */
    "data d { x: f32[16, 6, 10]; t: label[4] }\n"
    "model net(x: f32[16, 6, 10]) -> f32[4] {\n"
    "  a = relu(batch_norm(conv2d(x, 48, 3, pad = 1)))\n"
    "  b = relu(batch_norm(conv2d(a, 48, 3, pad = 1)))\n"
    "  return dense(global_avg_pool(b), 4)\n"
    "}\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 12 }\n";

static LoopTree *scheduled(Arena *arena, const char *program_text, TileNumbers numbers) {
    const Run *run = &compiled(arena, program_text)->runs[0];
    LoopTree *tree = schedule_function(arena, run, &run->step, IN_ONE_BLOCK, &numbers);
    const char *problem = tree_problem(tree);
    cr_expect(problem == NULL, "%s", problem);
    return tree;
}

Test(loop_layout, rows_are_side_by_side_where_channels_are_few) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    Loads rows = {0}, channels = {0};
    look(&scheduled(arena, few_channels, numbers)->body, NULL, NULL, &channels);
    numbers.row_lanes = 16;
    numbers.square_bytes = 64;
    LoopTree *tree = scheduled(arena, few_channels, numbers);
    tree_row_lanes(tree, &numbers);
    look(&tree->body, NULL, NULL, &rows);
    cr_expect(rows.lanes > 0 && rows.gathered == 0 && channels.gathered > 0, "%d lanes, %d gathered, were %d",
              rows.lanes, rows.gathered, channels.gathered);
    arena_free(arena);
}

static int count_stored_apart(const Body *body, const Loop *lanes) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool vector = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_VECTOR;
        if (s->kind == STATEMENT_STORE && lanes != NULL && s->array->memory == ARRAY_WORK)
            count += subscript_coef(s->at, lanes) > 1;
        count += count_stored_apart(&s->body, vector ? s->loop : lanes);
    }
    return count;
}

Test(loop_layout, norms_find_channels_side_by_side) {
    Arena *arena = arena_new();
    Loads seen = {0};
    LoopTree *tree = scheduled(arena, norms, usual_tiles);
    look(&tree->body, NULL, NULL, &seen);
    int apart = count_stored_apart(&tree->body, NULL);
    cr_expect(seen.lanes > 0 && seen.gathered == 0 && apart == 0, "%d lanes, %d gathered, %d stored apart", seen.lanes,
              seen.gathered, apart);
    arena_free(arena);
}

/* In nests that make what has this op. */
static int count_transposed(const Body *body, const Statement *nest, Op op) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count += s->kind == STATEMENT_TRANSPOSE && nest != NULL && nest->node->op == op;
        count += count_transposed(&s->body, s->kind == STATEMENT_NEST ? s : nest, op);
    }
    return count;
}

static const char few_outputs[] =
    "data d { x: f32[800]; t: label[40] }\n"
    "model net(x: f32[800]) -> f32[40] = dense(x, 40)\n"
    "train fit { data = d; minimize = cross_entropy(net(x / 255), t); optimizer = sgd(lr = 0.1); batch = 64 }\n";

/* 40 outputs do not fill vectors of 16, 64 rows do; all who read them pack them, and use each often. */
Test(loop_layout, rows_that_are_lanes_of_a_layer_are_computed_in_its_panels) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    numbers.square_bytes = 64;
    numbers.vectors = 2;
    numbers.chains = 24;
    LoopTree *tree = scheduled(arena, few_outputs, numbers);
    size_t of_rows = 64 * 800 * sizeof(float);
    int squares = count_transposed(&tree->body, NULL, OP_DIV);
    cr_expect(squares > 0 && tree->work_bytes < of_rows, "%d squares, %zu bytes", squares, tree->work_bytes);
    arena_free(arena);
}

Test(loop_layout, images_of_columns_are_transposed_in_squares) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    cr_expect(count_transposed(&scheduled(arena, text, numbers)->body, NULL, OP_COLUMN) == 0);
    numbers.square_bytes = 32;
    cr_expect(count_transposed(&scheduled(arena, text, numbers)->body, NULL, OP_COLUMN) == 1);
    arena_free(arena);
}

static const char short_rows[] =
    "data d { x: f32[2]; y: f32 }\n"
    "model net(x: f32[2]) -> f32 = dense(relu(dense(x, 4)), 1)[0]\n"
    "train fit { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1); batch = 100 }\n";

/* Accesses of arrays, not of columns, that serve one lane after the other; rectangles that are transposed. */
static void count_strided(const Body *body, const Loop *lanes, int *strided, int *transposed) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool vector = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_VECTOR;
        const Array *array = s->kind == STATEMENT_LET ? s->scalar->array : s->array;
        const Subscript *at = s->kind == STATEMENT_LET ? s->scalar->at : s->at;
        *strided += array != NULL && array->memory == ARRAY_WORK && subscript_coef(at, lanes) > 1;
        *transposed += s->kind == STATEMENT_TRANSPOSE && s->array->elements != s->terms * s->terms;
        count_strided(&s->body, vector ? s->loop : lanes, strided, transposed);
    }
}

/* Of the gradient of the weights a row's elements are lanes, of its inputs one after the other; all else has rows as lanes. */
Test(loop_layout, short_rows_are_transposed_in_registers) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    numbers.square_bytes = 64;
    LoopTree *tree = scheduled(arena, short_rows, numbers);
    const char *problem = tree_run_passes(tree, &numbers, TREE_FOR_TESTS, NULL, NULL);
    int strided = 0, transposed = 0;
    count_strided(&tree->body, NULL, &strided, &transposed);
    cr_expect(problem == NULL && strided == 0 && transposed == 2, "%s; %d strided, %d transposed", problem, strided,
              transposed);
    arena_free(arena);
}

/* Questions whether a row of the mini-batch is there, in loops over whole steps of rows, and in what is left of these. */
static void count_questions(const Body *body, LoopPart part, int *whole, int *rest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool asks = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_INSIDE && s->scalar->n == MOST_ROWS;
        *whole += asks && part == WHOLE_STEPS;
        *rest += asks && part == LAST_STEP;
        count_questions(&s->body, s->loop != NULL && s->loop->rows ? s->loop->part : part, whole, rest);
    }
}

Test(loop_layout, rows_that_are_all_there_are_not_asked_for) {
    static const RowOrder orders[] = {IN_BLOCKS, IN_ONE_BLOCK};
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    for (int o = 0; o < 2; o++) {
        Arena *arena = arena_new();
        const Run *run = &compiled(arena, short_rows)->runs[0];
        LoopTree *tree = schedule_function(arena, run, &run->step, orders[o], &numbers);
        const char *problem = tree_run_passes(tree, &numbers, TREE_FOR_TESTS, NULL, NULL);
        int whole = 0, rest = 0;
        count_questions(&tree->body, ALL_STEPS, &whole, &rest);
        cr_expect(problem == NULL && whole == 0 && rest > 0, "%s; %d in whole steps, %d in others", problem, whole,
                  rest);
        arena_free(arena);
    }
}

static int count_ops(const Body *body, Op op) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count += s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_OP && s->scalar->op == op;
        count += count_ops(&s->body, op);
    }
    return count;
}

/* A product is no multiply-add of 0, where each term of a short chain has a lane. */
Test(loop_layout, chains_of_one_term_are_that_term) {
    Arena *arena = arena_new();
    const Run *run = &compiled(arena, short_rows)->runs[0];
    LoopTree *tree = schedule_function(arena, run, &run->evaluate, IN_ONE_BLOCK, &usual_tiles);
    cr_expect(tree_problem(tree) == NULL && count_ops(&tree->body, OP_FMA) == 0, "%d", count_ops(&tree->body, OP_FMA));
    cr_expect(count_ops(&tree->body, OP_MUL) > 0);
    arena_free(arena);
}

static const char small_step[] =
    "data d { x: f32[2]; y: f32 }\n"
    "model net(x: f32[2]) -> f32 = dense(relu(dense(x, 4)), 1)[0]\n"
    "train fit { data = d; minimize = squared(net(x), y); optimizer = adam(lr = 0.1); batch = 1 }\n";
enum { WEIGHTS = 2 * 4 };

/* Stores of parameters and their like in memory; of all weights in one loop. */
static void count_stores(const Body *body, int *cells, int *flat) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        count_stores(&s->body, cells, flat);
        if (s->kind != STATEMENT_STORE || s->array->memory != ARRAY_CELL) continue;
        *cells += 1;
        *flat += s->array->elements == WEIGHTS && s->at->count == 1 && s->at->term[0].loop->extent == WEIGHTS;
    }
}

/* Of Adam's factors, which are the same for all. */
Test(loop_layout, updates_that_read_one_value_are_one_loop) {
    Arena *arena = arena_new();
    int cells = 0, flat = 0;
    count_stores(&scheduled(arena, small_step, usual_tiles)->body, &cells, &flat);
    cr_expect(flat == 1, "%d of %d stores", flat, cells);
    arena_free(arena);
}

/* A gradient's lanes go along another axis than the weights do. */
Test(loop_layout, a_small_step_updates_registers_along_any_axis) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    LoopTree *tree = scheduled(arena, small_step, numbers);
    const char *problem = tree_run_passes(tree, &numbers, TREE_FOR_TESTS, NULL, NULL);
    int cells = 0, flat = 0;
    count_stores(&tree->body, &cells, &flat);
    cr_expect(problem == NULL && cells == 0, "%s; %d stores", problem, cells);
    arena_free(arena);
}

static const char small_batch[] =
    "data d { x: f32[2]; y: f32 }\n"
    "model net(x: f32[2]) -> f32 = dense(relu(dense(x, 4)), 1)[0]\n"
    "train fit { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1); batch = 10 }\n";

static int count_row_loops(const Body *body, bool several) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool rows = s->kind == STATEMENT_LOOP && s->loop->rows && s->loop->mark == LOOP_SERIAL;
        count += (rows && (s->loop->step > 1) == several) + count_row_loops(&s->body, several);
    }
    return count;
}

/* 10 rows are one vector of 16; only the gradient of the weights goes from row to row. */
Test(loop_layout, few_rows_are_no_loop) {
    Arena *arena = arena_new();
    TileNumbers numbers = usual_tiles;
    numbers.row_lanes = 16;
    LoopTree *tree = scheduled(arena, small_batch, numbers);
    const char *problem = tree_run_passes(tree, &numbers, TREE_FOR_TESTS, NULL, NULL);
    int vectors = count_row_loops(&tree->body, true), single = count_row_loops(&tree->body, false);
    cr_expect(problem == NULL && vectors == 0 && single == 1, "%s; %d, %d loops", problem, vectors, single);
    arena_free(arena);
}

/* Conditions around terms; innermost: with no counted loop inside. */
static bool counts(const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if ((s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_SERIAL) || counts(&s->body)) return true;
    }
    return false;
}

static void count_conditions(const Body *body, int *all, int *innermost) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        *all += s->kind == STATEMENT_IF;
        *innermost += s->kind == STATEMENT_IF && !counts(&s->body);
        count_conditions(&s->body, all, innermost);
    }
}

Test(loop_layout, borders_are_split_off) {
    Arena *arena = arena_new();
    const Run *run = &compiled(arena, text)->runs[0];
    LoopTree *tree = schedule_function(arena, run, &run->step, IN_ONE_BLOCK, &usual_tiles);
    int before[2] = {0}, after[2] = {0};
    count_conditions(&tree->body, &before[0], &before[1]);
    tree_split(tree, &usual_tiles);
    const char *problem = tree_problem(tree);
    cr_expect(problem == NULL, "%s", problem);
    count_conditions(&tree->body, &after[0], &after[1]);
    cr_expect(before[1] > 0 && after[0] > 0 && after[1] == 0, "%d of %d conditions are innermost, were %d of %d",
              after[1], after[0], before[1], before[0]);
    arena_free(arena);
}

Test(loop_layout, pixels_are_summed_in_strips) {
    Arena *arena = arena_new();
    const Run *run = &compiled(arena, text)->runs[0];
    TileNumbers numbers = usual_tiles;
    numbers.machine.l1 = 4096; /* lines of ten pixels, of 32 channels: two */
    LoopTree *tree = schedule_function(arena, run, &run->step, IN_ONE_BLOCK, &numbers);
    const char *problem = tree_problem(tree);
    cr_expect(problem == NULL, "%s", problem);
    int kept = 0;
    for (int i = 0; i < tree->arrays.count; i++) kept += strcmp(tree->arrays.items[i]->name, "chains") == 0;
    cr_expect(kept == 2, "%d weights have chains from strip to strip", kept);
    arena_free(arena);
}
