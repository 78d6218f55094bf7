/* Lowering of experiments: runs and their names, settings and what replaces them, columns, cells and slots,
 * which parameters move, what measures keep. A test gives a program as text and looks at the Program.
 */
#include "ir/program.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Fixture {
    Arena *arena;
    Diagnostics *diagnostics;
    Program *program;
} Fixture;

static Fixture lower_file(const char *path, const char *text, LowerOptions options) {
    Fixture t = {.arena = arena_new()};
    Names *names = names_new(t.arena);
    SourceMap *map = source_map_new(t.arena);
    t.diagnostics = diagnostics_new(t.arena, map);
    Ast *ast = parse(t.arena, names, t.diagnostics, source_add(map, path, text, strlen(text)));
    t.program = lower_program(t.arena, names, t.diagnostics, map, ast, path, &options);
    return t;
}

static Fixture lower_with(const char *text, LowerOptions options) {
    Fixture t = lower_file("test.sgd", text, options);
    if (t.diagnostics->errors) diagnostics_print_human(t.diagnostics, stderr, false);
    cr_assert(t.diagnostics->errors == 0);
    return t;
}

static Fixture lower(const char *text) { return lower_with(text, (LowerOptions){0}); }

static const Slot *find_slot(const Run *run, const char *name) {
    for (int i = 0; i < run->slot_count; i++)
        if (strcmp(run->slots[i].name, name) == 0) return &run->slots[i];
    return NULL;
}

static const Cell *find_cell(const Run *run, const char *name) {
    for (int i = 0; i < run->cell_count; i++)
        if (strcmp(run->cells[i].name, name) == 0) return &run->cells[i];
    return NULL;
}

static int count_ops(const Fixture *t, const Function *function, Op op) {
    int count, found = 0;
    Node **roots = arena_array(t->arena, Node *, function->root_count + 1);
    for (int i = 0; i < function->root_count; i++) roots[i] = function->roots[i].node;
    Node **nodes = graph_post_order(t->arena, roots, function->root_count, &count);
    for (int i = 0; i < count; i++) found += nodes[i]->op == op;
    return found;
}

#define POINTS                                                                                          \
    "data points = synthetic(rows = 40, seed = 1) { x: f32[2] ~ normal(0, 1); y: f32 = x[0] - x[1] }\n" \
    "model net(x: f32[2]) -> f32 {\n  h = dropout(tanh(dense(x, 3)), 0.5)\n  return dense(h, 1)[0]\n}\n"
#define FIT(more) "train fit { data = points; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1)\n" more "\n}\n"

/* ---- each, like, --set ------------------------------------------------------------------------------- */
Test(experiment, each_makes_the_product_with_the_last_varying_fastest) {
    Fixture t = lower(
        POINTS FIT("") "train many like fit { optimizer = sgd(lr = each [0.1, 0.2]); batch = each [5, all] }\n");
    cr_assert(t.program->run_count == 5);
    cr_assert_str_eq(t.program->runs[0].name, "fit");
    cr_assert_str_eq(t.program->runs[2].name, "many lr=0.1 batch=all");
    cr_assert_str_eq(t.program->runs[3].name, "many lr=0.2 batch=5");
    cr_assert(t.program->runs[3].batch == 5 && t.program->runs[4].batch == 0);
    cr_assert(find_slot(&t.program->runs[4], "lr")->value == (double)0.2f);
    cr_assert(t.program->runs[1].data == t.program->runs[4].data, "runs share their data");
    arena_free(t.arena);
}

Test(experiment, each_in_a_setting_counts_where_it_is_used) {
    const char *text = "width = each [2, 4]\nrows = each [10, 20]\n"
                       "data a = synthetic(rows = rows) { x: f32 = uniform(0, 1) }\n"
                       "data b = synthetic(rows = 5) { x: f32 = uniform(0, 1) }\n"
                       "model wide(x: f32) -> f32 = dense(tanh(dense([x], width)), 1)[0]\n"
                       "model flat(x: f32) -> f32 = dense([x], 1)[0]\n"
                       "train one   { data = b; minimize = squared(flat(x), x); optimizer = sgd(lr = 0.1) }\n"
                       "train two   { data = b; minimize = squared(wide(x), x); optimizer = sgd(lr = 0.1) }\n"
                       "train three { data = a; minimize = squared(wide(x), x); optimizer = sgd(lr = 0.1) }\n";
    Fixture t = lower(text);
    cr_assert(t.program->run_count == 1 + 2 + 4);
    cr_assert(t.program->runs[0].each_count == 0);
    cr_assert_str_eq(t.program->runs[2].name, "two width=4");
    cr_assert_str_eq(t.program->runs[4].name, "three width=2 rows=20");
    cr_assert(t.program->runs[4].data->rows == 20 && t.program->runs[4].data == t.program->runs[6].data);
    cr_assert(t.program->data_count == 3);
    arena_free(t.arena);
}

Test(experiment, each_inside_an_item_counts_with_that_item) {
    Fixture t = lower(
        POINTS FIT("") "train many like fit { optimizer = each [sgd(lr = 0.5), adam(lr = each [0.1, 0.3])] }\n");
    cr_assert(t.program->run_count == 1 + 3);
    cr_assert_str_eq(t.program->runs[1].name, "many optimizer=sgd(lr = 0.5)");
    cr_assert_str_eq(t.program->runs[3].name, "many optimizer=adam lr=0.3");
    arena_free(t.arena);
}

Test(experiment, like_replaces_what_it_says_again) {
    Fixture t = lower(POINTS FIT("epochs = 3; hold_out = 0.1; measure a = net(x); penalty decay = "
                                 "l2(net.h.dense.w)") "train other like fit { "
                                                      "steps = 7; valid = "
                                                      "points; measure b = y; "
                                                      "penalty = 0.1 * "
                                                      "l1(net.h.dense.w) }\n");
    const Run *run = &t.program->runs[1];
    cr_assert(run->epochs == 0 && run->steps == 7);
    cr_assert(run->hold_out == HOLD_OUT_NONE && run->valid == run->data);
    cr_assert(run->measure_count == 2);
    cr_assert(run->term_count == 2, "penalty = e replaces every penalty");
    cr_assert_str_eq(run->terms[1].name, "penalty");
    arena_free(t.arena);
}

Test(experiment, set_reaches_settings_and_arguments) {
    const Setting set[] = {
        {"width", "5"}, {"lr", "0.5 * cosine(progress)"}, {"batch", "3 sequential"}, {"beta", "0.1"}};
    Fixture t = lower_with("width = 2\ndata d = synthetic(rows = 9) { x: f32 = 1 }\n"
                           "model m(x: f32) -> f32 = dense(dense([x], width), 1)[0]\n"
                           "train fit { data = d; minimize = squared(m(x), x); optimizer = momentum(lr = 0.1) }\n",
                           (LowerOptions){.set = set, .set_count = 4});
    const Run *run = &t.program->runs[0];
    cr_assert(find_cell(run, "m.dense.w") && find_cell(run, "m.dense.w")->shape.extent[0] == 5);
    cr_assert(isnan(find_slot(run, "lr")->value), "a schedule, until it is set");
    cr_assert(find_slot(run, "momentum.beta")->value == (double)0.1f);
    cr_assert(run->batch == 3 && run->order == ORDER_SEQUENTIAL);
    cr_assert(find_slot(run, "width") == NULL, "only a size: no slot");
    arena_free(t.arena);
}

/* ---- state ------------------------------------------------------------------------------------------- */
Test(experiment, cells_and_slots_lie_where_they_should) {
    Fixture t = lower("rate = 0.3\n" POINTS "train fit { data = points; minimize = rate * squared(net(x), y)\n"
                      "optimizer = adam(lr = rate) }\n");
    const Run *run = &t.program->runs[0];
    cr_assert(find_slot(run, "rate") && find_slot(run, "lr") && find_slot(run, "adam.eps"));
    size_t at = 64;
    for (int i = 0; i < run->slot_count; i++, at += 4) cr_assert(run->slots[i].offset == at);
    for (int i = 0; i < run->cell_count; i++) {
        cr_assert(run->cells[i].offset % 64 == 0 && run->cells[i].offset >= at);
        at = run->cells[i].offset + (size_t)shape_size(run->cells[i].shape) * 4;
    }
    cr_assert(run->state_bytes >= at && run->state_bytes % 64 == 0);
    const Cell *v = find_cell(run, "adam.v@net.h.dense.w");
    cr_assert(v && v->kind == CELL_OPTIMIZER && v->updated);
    cr_assert_str_eq(run->cells[v->of].name, "net.h.dense.w");
    arena_free(t.arena);
}

Test(experiment, frozen_parts_neither_move_nor_drop_out) {
    Fixture t = lower(
        POINTS FIT("") "train head like fit { optimizer[net.dense] = sgd(lr = 0.1); optimizer = none }\n");
    const Run *free_run = &t.program->runs[0], *frozen = &t.program->runs[1];
    cr_assert(find_cell(free_run, "net.h.dense.w")->updated);
    cr_assert(!find_cell(frozen, "net.h.dense.w")->updated && find_cell(frozen, "net.dense.w")->updated);
    cr_assert(find_slot(frozen, "lr@net.dense"));
    cr_assert(count_ops(&t, &free_run->step, OP_RANDOM) == 1);
    cr_assert(count_ops(&t, &free_run->evaluate, OP_RANDOM) == 0);
    arena_free(t.arena);
}

Test(experiment, all_sum_is_the_same_for_every_parameter) {
    Fixture t = lower(POINTS FIT("gradient = clip_norm(grad, 1)"));
    const Run *run = &t.program->runs[0];
    cr_assert(count_ops(&t, &run->step, OP_GRADIENT) == 4);
    cr_assert(count_ops(&t, &run->step, OP_MIN) == 1, "one norm");
    arena_free(t.arena);
}

/* ---- data, predict, measures -------------------------------------------------------------------------- */
#define HOUSES                                                                         \
    "data houses = csv(\"h.csv\", header = true) {\n  keep = column(\"kind\") > 0\n"   \
    "  x: f32[2] = standardize(columns(0..2))\n  k: label[3] = column(\"kind\") - 1\n" \
    "  y: f32 = standardize(column(\"price\"))\n}\n"                                   \
    "model price(x: f32[2]) -> f32 = dense(x, 1)[0]\n"

Test(experiment, standardized_fields_are_raw_in_predict) {
    Fixture t = lower(HOUSES
                      "train fit { data = houses; minimize = squared(price(x), y); optimizer = sgd(lr = 0.1) }\n");
    const Run *run = &t.program->runs[0];
    const DataSet *set = run->data;
    cr_assert(set->column_count == 3 && set->field_count == 3 && set->keep != NULL);
    const Column *x = &set->columns[set->fields[0].column], *k = &set->columns[set->fields[1].column];
    cr_assert(x->standardized && x->csv_count == 2 && x->mean_cell == 0 && x->deviation_cell == 1);
    cr_assert(k->dtype == DTYPE_I32 && k->classes == 3 && k->remap_count == 3 && k->remap[0] == 1);
    cr_assert_str_eq(run->cells[0].name, "houses.x.mean");
    cr_assert(count_ops(&t, &run->step, OP_DIV) == 1, "only the half of squared");
    cr_assert(count_ops(&t, &run->predictor, OP_DIV) == 1, "x from raw values");
    cr_assert(count_ops(&t, &run->predictor, OP_MUL) == 2, "w x, and y's deviation");
    cr_assert(strstr(run->predict_name, "undo(y"));
    arena_free(t.arena);
}

Test(experiment, a_measure_keeps_what_its_reductions_read) {
    Fixture t = lower("data d = synthetic(rows = 9) { x: f32[3] ~ normal(0, 1); y: label[3] = 2 }\n"
                      "model m(x: f32[3]) -> f32[3] = dense(x, 3)\n"
                      "train fit { data = d; minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1)\n"
                      "measure accuracy = accuracy(m(x), y); measure f1 = 100 * f1(m(x), y); measure loss2 = "
                      "cross_entropy(m(x), y)\n}\n");
    const Run *run = &t.program->runs[0];
    cr_assert(run->measures[0].argument_count == 1 && run->measures[0].arguments[0]->shape.rank == 0);
    cr_assert(run->measures[1].argument_count == 3, "right, taken, truth");
    cr_assert(run->measures[2].argument_count == 1, "one number per row: averaged");
    cr_assert(run->evaluate.root_count == 1 + 5);
    for (int m = 0; m < 3; m++) cr_assert(run->measures[m].metric.roots[0].kind == ROOT_VALUE);
    arena_free(t.arena);
}

Test(experiment, terms_of_rows_come_first) {
    Fixture t = lower(
        POINTS "train fit { data = points; minimize weight = l2(net.dense.w); minimize fit = squared(net(x), y)\n"
               "penalty decay = l1(net.dense.w); optimizer = sgd(lr = 0.1) }\n");
    const Run *run = &t.program->runs[0];
    cr_assert(run->term_count == 3);
    cr_assert_str_eq(run->terms[0].name, "fit");
    cr_assert(!run->terms[0].penalty && run->terms[1].penalty && run->terms[2].penalty);
    cr_assert_str_eq(run->step.roots[0].name, "fit");
    arena_free(t.arena);
}

Test(experiment, a_block_follows_the_one_it_starts_from) {
    Fixture t = lower(POINTS
                      "train second like first { start = first }\n"
                      "train first { data = points; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1) }\n");
    cr_assert_str_eq(t.program->runs[0].name, "first");
    cr_assert(t.program->runs[1].start_run == 0);
    arena_free(t.arena);
}

Test(experiment, only_the_named_blocks_and_what_they_start_from) {
    Fixture t = lower_with(POINTS FIT("") "train a like fit { seed = 1 }\ntrain b like fit { start = a }\n",
                           (LowerOptions){.only = "b"});
    cr_assert(t.program->run_count == 2);
    cr_assert_str_eq(t.program->runs[1].name, "b");
    arena_free(t.arena);
}

/* ---- include ------------------------------------------------------------------------------------------ */
static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL);
    fputs(text, file);
    fclose(file);
}

Test(experiment, files_are_included_once) {
    char folder[] = "/tmp/sgdc-include-XXXXXX", path[64], other[64];
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/a.sgd", folder);
    snprintf(other, sizeof other, "%s/b.sgd", folder);
    write_file(path, "");
    write_file(other, "include \"a.sgd\"\ninclude \"b.sgd\"\n" POINTS);
    Fixture t = lower_file(path, "include \"b.sgd\"\ninclude \"b.sgd\"\n" FIT(""), (LowerOptions){0});
    cr_assert(t.diagnostics->errors == 0 && t.program->run_count == 1 && t.program->included_count == 1);
    arena_free(t.arena);
    unlink(path);
    unlink(other);
    rmdir(folder);
}
