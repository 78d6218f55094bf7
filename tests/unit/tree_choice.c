/* Which functions users get from trees of loops: a layer at many places of a row, a scan; not plain layers, nor convolutions. */
#include <criterion/criterion.h>
#include <string.h>

#include "frontend/parse.h"
#include "ir/loops/tree.h"

static bool takes_trees(const char *model) {
    Arena *arena = arena_new();
    const char *text = text_format(
        arena,
        "data d { x: f32[12, 20]; t: label[4] }\n"
        "model net(x: f32[12, 20]) -> f32[4] {\n  %s\n}\n"
        "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1) }\n",
        model);
    SourceMap *map = source_map_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena, map);
    Names *names = names_new(arena);
    Ast *ast = parse(arena, names, diagnostics, source_add(map, "p.sgd", text, strlen(text)));
    LowerOptions options = {0};
    Program *program = lower_program(arena, names, diagnostics, map, ast, "p.sgd", &options);
    cr_assert(diagnostics->errors == 0, "%s", model);
    for (const Pass *pass = graph_passes; pass->name; pass++) pass->run(program, &program->runs[0]);
    bool trees = function_takes_trees(&program->runs[0], &program->runs[0].step);
    arena_free(arena);
    return trees;
}

Test(tree_choice, layers_at_places) {
    cr_expect(takes_trees("return dense(flatten(relu(dense(x, 16))), 4)"), "a layer at 12 places");
    cr_expect(!takes_trees("return dense(flatten(relu(dense(x, 8))), 4)"), "few outputs");
    cr_expect(!takes_trees("return dense(flatten(relu(dense(x[0..4, 0..20], 16))), 4)"), "few places");
    cr_expect(!takes_trees("return dense(relu(dense(flatten(x), 64)), 4)"), "one place");
    cr_expect(takes_trees("return dense(lstm(x, 8)[-1], 4)"), "a scan");
    cr_expect(!takes_trees("h = relu(dense(x, 16))\n  c = conv2d(reshape(h, [1, 12, 16]), 8, 3)\n"
                           "  return dense(flatten(c), 4)"),
              "a convolution");
}
