/* analysis: what the compiler knows of a text: its tree, its diagnostics, what its names mean, its runs.
 *
 * The same steps as those of sgdc --check, in an arena of their own. A text with syntax errors has a tree of what the
 * parser could separate, and is not lowered. Of files that it includes `open` is asked first.
 */
#include "lsp/lsp.h"
#include <string.h>

static void run_passes(Analysis *a) {
    for (const Pass *pass = graph_passes; pass->name && !a->diagnostics->errors; pass++)
        for (int i = 0; i < a->program->run_count; i++) pass->run(a->program, &a->program->runs[i]);
}

Analysis *analysis_of(const char *path, const char *text, size_t length, OpenText *open, void *context) {
    Arena *arena = arena_new();
    Analysis *a = arena_new_of(arena, Analysis);
    a->arena = arena;
    a->names = names_new(arena);
    a->map = source_map_new(arena);
    a->map->open = open;
    a->map->open_context = context;
    a->diagnostics = diagnostics_new(arena, a->map);
    a->source = source_add(a->map, path, text, length);
    a->ast = parse(arena, a->names, a->diagnostics, a->source);
    a->meanings = meanings_new(arena);
    LowerOptions options = {.measured = MEASURED_BY_ALL, .meanings = a->meanings};
    if (!a->diagnostics->errors) {
        a->program = lower_program(arena, a->names, a->diagnostics, a->map, a->ast, path, &options);
        run_passes(a);
    }
    a->map->open = NULL;
    return a;
}

void analysis_free(Analysis *analysis) {
    if (analysis) arena_free(analysis->arena);
}
