/* lower.c: the context lowering works in, for a file, a run, an expression; the definitions of a file. */
#include "lower/internal.h"

static Value *constant_named(Lowering *L, const char *name, Value *value) {
    scope_bind(L, L->prelude, name_from(L->names, name), value, (Span){0, 0});
    return value;
}

Lowering *lowering_new(Arena *arena, Names *names, Diagnostics *d, SourceMap *map, bool f64) {
    Lowering *L = arena_new_of(arena, Lowering);
    L->arena = arena;
    L->names = names;
    L->diagnostics = d;
    L->map = map;
    L->f64 = f64;
    L->real = f64 ? DTYPE_F64 : DTYPE_F32;
    L->allow_draws = true;
    L->prelude = scope_new(L, NULL);
    L->global = scope_new(L, L->prelude);
    constant_named(L, "pi", value_number(L, 3.14159265358979323846));
    constant_named(L, "inf", value_number(L, __builtin_inf()));
    constant_named(L, "true", value_bool(L, true));
    constant_named(L, "false", value_bool(L, false));
    constant_named(L, "none", value_none(L));
    builtins_bind(L);
    lowering_start_root(L, "");
    return L;
}

void lowering_start_run(Lowering *L, Graph *graph) {
    L->graph = graph;
    L->turns = 0;
    L->cells = (CellList){0};
    L->slots = (SlotList){0};
    L->first_slot = 0;
    lowering_start_root(L, "");
}

void lowering_start_root(Lowering *L, const char *root) {
    L->no_models = NULL;
    PathState *path = arena_new_of(L->arena, PathState);
    path->prefix = NULL;
    path->site = root;
    path->iteration = "";
    path->counts = arena_new_of(L->arena, PathCounts);
    path->site_counts = arena_new_of(L->arena, PathCounts);
    L->path = path;
    L->calls_made = 0;
}

void lower_declare_definitions(Lowering *L, const Ast *ast) {
    for (int i = 0; i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (stmt == NULL || stmt->kind != STMT_DEFINITION || stmt->definition->name.text == NULL) continue;
        const Definition *definition = stmt->definition;
        Scope *scope = is_prelude_span(L, definition->span) ? L->prelude : L->global;
        Binding *before = scope_find_here(scope, definition->name.text);
        if (before != NULL && before->value->kind != VALUE_BUILTIN) {
            Diagnostic *d = lower_error(L, CODE_E0212, definition->name.span, "%s is already defined",
                                        definition->name.text);
            if (before->span.begin != 0) lower_note(L, d, before->span, "the first %s is here", definition->name.text);
            continue;
        }
        Binding *binding = scope_bind(L, scope, definition->name.text, value_definition(L, definition),
                                      definition->name.span);
        binding->doc = definition->doc;
    }
}
