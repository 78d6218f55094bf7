/* For tests of loop trees: the program of a text, whose first run is past all passes of graphs. */
#ifndef COMPILED_H
#define COMPILED_H
#include <criterion/criterion.h>
#include <string.h>

#include "frontend/parse.h"
#include "ir/loops/passes/passes.h"

static inline Program *compiled(Arena *arena, const char *text) {
    SourceMap *map = source_map_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena, map);
    Names *names = names_new(arena);
    Ast *ast = parse(arena, names, diagnostics, source_add(map, "p.sgd", text, strlen(text)));
    LowerOptions options = {0};
    Program *program = lower_program(arena, names, diagnostics, map, ast, "p.sgd", &options);
    diagnostics_print_human(diagnostics, stderr, false);
    cr_assert(diagnostics->errors == 0);
    for (const Pass *pass = graph_passes; pass->name; pass++) pass->run(program, &program->runs[0]);
    return program;
}

#endif
