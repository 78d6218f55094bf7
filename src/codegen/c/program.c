/* program: the unit of C and the header of a program's runs, side by side. */
#include "codegen/c/c.h"
#include "codegen/object/exported_names.h"
#include "codegen/object/header.h"
#include "model.h"

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static LoopTree *scheduled(CUnit *unit, const Run *run, const Function *function, RowOrder rows) {
    LoopTree *tree = schedule_function(unit->arena, run, function, rows, &usual_tiles);
    const char *problem = tree_run_passes(tree, &usual_tiles, TREE_FOR_C, NULL, NULL);
    if (problem != NULL) INTERNAL_ERROR("%s of %s, %s", function->name, run->name, problem);
    return tree;
}

/* Bytes of work that it needs. A function for mini-batches up to some size has another beside it, for any. */
static size_t add_function(CUnit *unit, const Run *run, const Function *function, const char *prefix,
                           const char *name) {
    if (function->root_count == 0 && function != &run->init && !function->steps) return 0;
    const char *symbol = text_format(unit->arena, "%s__%s", prefix, name), *of_any = NULL;
    RowOrder rows = !unit->fast        ? ROW_AFTER_ROW
                    : !function->steps ? IN_BLOCKS
                    : run->batch > 1   ? IN_ONE_BLOCK
                                       : ROW_AFTER_ROW;
    LoopTree *tree = scheduled(unit, run, function, rows);
    size_t bytes = tree->work_bytes;
    if (tree->most_rows > 0) {
        LoopTree *any = scheduled(unit, run, function, ROW_AFTER_ROW);
        of_any = text_format(unit->arena, "%s_of_any", symbol);
        bytes = larger(bytes, any->work_bytes);
        c_function(unit, any, "static ", of_any, NULL);
    }
    c_function(unit, tree, "static ", symbol, of_any);
    return bytes;
}

static size_t add_step(CUnit *unit, const Run *run, const char *prefix) {
    if (!run->part_count) return add_function(unit, run, &run->step, prefix, "step");
    size_t most = 0;
    for (int i = 0; i < run->part_count; i++) {
        const char *name = text_format(unit->arena, "step_%s", run->parts[i].name);
        most = larger(most, add_function(unit, run, &run->parts[i].function, prefix, name));
    }
    c_parts(unit, run, prefix);
    return most;
}

static CModel add_run(CUnit *unit, const Run *run, const char *prefix) {
    CModel model = {.run = run,
                    .prefix = prefix,
                    .predicts = header_predicts(unit->arena, run),
                    .reads = header_reads(unit->arena, run)};
    size_t most = add_function(unit, run, &run->init, prefix, "init");
    most = larger(most, add_step(unit, run, prefix));
    most = larger(most, add_function(unit, run, &run->evaluate, prefix, "evaluate"));
    model.predict_bytes = add_function(unit, run, &run->predictor, prefix, "predict");
    most = larger(most, model.predict_bytes);
    most = larger(most, add_function(unit, run, &run->derived, prefix, "derived"));
    for (int m = 0; m < run_measures(run); m++)
        most = larger(
            most, add_function(unit, run, &run->measures[m].metric, prefix, text_format(unit->arena, "metric%d", m)));
    model.work_bytes = most;
    c_model(unit, &model);
    return model;
}

void c_program(Text *to, Text *header, const Program *program, const char *stem, const char *const *prefixes,
               const SourceMap *map, bool fast) {
    Arena *arena = to->arena;
    CUnit *unit = c_unit_new(arena, map);
    unit->fast = fast;
    HeaderBlock *blocks = arena_array(arena, HeaderBlock, program->run_count + 1);
    for (int i = 0; i < program->run_count; i++) {
        const Run *run = &program->runs[i];
        CModel model = add_run(unit, run, prefixes[i]);
        blocks[i] = (HeaderBlock){
            .run = run,
            .prefix = prefixes[i],
            .predicts = model.predicts,
            .reads = model.reads,
            .train_bytes = sgdrt_instance_bytes(run->state_bytes, model.work_bytes, run_sums(run)),
            .predict_bytes = sgdrt_whole_lines(model.predict_bytes)};
    }
    const char *source = text_format(arena, "%s.sgd", program->stem);
    text_add(to, "/* Written by sgdc from ");
    text_add_c_comment(to, source);
    text_add(to, ". C99; needs the C library for math alone, and for memory unless SGDC_NO_MALLOC is defined. */\n");
    c_unit_print(to, unit, c_unit_types(arena));
    header_write(header, source, exported_identifier(arena, stem), blocks, program->run_count);
}
