/* scope.c: names and what they are bound to. */
#include "lower/internal.h"

Scope *scope_new(Lowering *L, Scope *parent) {
    Scope *scope = arena_new_of(L->arena, Scope);
    scope->parent = parent;
    return scope;
}

Binding *scope_find_here(const Scope *scope, Name name) {
    for (Binding *b = scope->last; b != NULL; b = b->next)
        if (b->name == name) return b;
    return NULL;
}

Binding *scope_find(const Scope *scope, Name name) {
    for (; scope != NULL; scope = scope->parent) {
        Binding *b = scope_find_here(scope, name);
        if (b != NULL) return b;
    }
    return NULL;
}

/* What the user calls a value is kept with its node, for --emit=grad; names of the prelude say nothing to
 * them. */
void name_value(const Lowering *L, Name name, const Value *value, Span span) {
    if (value->kind != VALUE_TENSOR || value->node->name != NULL || value->node->op == OP_CONST || span.begin == 0)
        return;
    const Source *source = source_place(L->map, span.begin).source;
    if (source != NULL && !source->is_prelude) value->node->name = name;
}

bool variables_have(const Variables *variables, Name name) {
    for (int i = 0; variables != NULL && i < variables->names.count; i++)
        if (variables->names.items[i] == name) return true;
    return false;
}

Value *variable_for(Lowering *L, const Scope *scope, Name name, Value *value) {
    while (scope->variables == NULL && !scope->is_body && scope->parent != NULL) scope = scope->parent;
    if (!value_is_real(value) || !variables_have(scope->variables, name)) return value;
    Value *variable = arena_copy(L->arena, value, sizeof *value);
    variable->node = graph_variable(L->graph, value->node, L->variables_made++);
    return variable;
}

Binding *scope_bind(Lowering *L, Scope *scope, Name name, Value *value, Span span) {
    name_value(L, name, value, span);
    Binding *b = scope_find_here(scope, name);
    if (b == NULL) {
        b = arena_new_of(L->arena, Binding);
        b->name = name;
        b->first = span;
        b->next = scope->last;
        scope->last = b;
    }
    b->value = variable_for(L, scope, name, value);
    b->span = span;
    if (L->meanings != NULL) meaning_declare(L, (Word){name, span}, b->first, b->value);
    return b;
}

void note_operand(Lowering *L, Diagnostic *d, const Expr *expr, const Value *v) {
    if (d == NULL || expr == NULL || expr->kind != EXPR_NAME || L->scope == NULL) return;
    Binding *b = scope_find(L->scope, expr->name.text);
    if (b != NULL && b->span.begin != 0)
        lower_note(L, d, b->span, "%s: %s is declared here", expr->name.text, value_type_text(L, v));
}
