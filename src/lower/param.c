/* param.c: what the bodies of models and layers keep from step to step: parameters, which are learnt, and states.
 *
 * `state m: real[c] = 0` is a cell beside the parameters. In training, what its name is bound to at the end of the body
 * is its value in the next step, and a body that runs once more in the same step goes on from there. Elsewhere the
 * name stays what it was trained to: bindings of it are not lowered. No gradient passes through a state, and a new value
 * is of all rows of the mini-batch, never of one.
 */
#include "lower/internal.h"
#include <string.h>

/* ---- where they start ------------------------------------------------------------------------ */
static bool depends_on_example(Lowering *L, Node *node, Span *where) {
    int count;
    Node **nodes = graph_post_order(L->arena, &node, 1, &count);
    for (int i = 0; i < count; i++) {
        bool step = nodes[i]->op == OP_RANDOM && nodes[i]->attr.random.key != RANDOM_INITIAL;
        bool example = nodes[i]->op == OP_COLUMN || nodes[i]->op == OP_COUNTER || nodes[i]->op == OP_CELL;
        *where = nodes[i]->span;
        if (step || example) return true;
    }
    return false;
}

static Node *initial_value(Lowering *L, Scope *scope, const Stmt *stmt, const Type *type, const char *path) {
    const Expr *expr = stmt->bind.value;
    if (expr == NULL) return graph_const(L->graph, type->dtype, type->shape, 0);
    Value *v = stmt->bind.is_draw ? lower_draw(L, scope, expr, type, path, true) : lower_expression(L, scope, expr);
    if (value_is_poison(v)) return NULL;
    const char *what = text_format(L->arena, "the start of %s", stmt->bind.name.text);
    Value *x = value_to_tensor(L, v, type->dtype, expr->span, what);
    if (value_is_poison(x)) return NULL;
    Span where;
    if (x->axes > 0 || depends_on_example(L, x->node, &where)) {
        Diagnostic *d = lower_error(L, CODE_E0218, expr->span,
                                    "%s depends on an example; a %s exists before "
                                    "any example is seen",
                                    what, stmt->kind == STMT_STATE ? "state" : "parameter");
        if (stmt->kind == STMT_STATE)
            lower_help(L, d, "start it with numbers or sizes: state %s: ... = 0", stmt->bind.name.text);
        else
            lower_help(L, d, "start it with numbers, sizes or a draw: param %s: ... ~ normal(0, 0.1)",
                       stmt->bind.name.text);
        return NULL;
    }
    return value_to_node(L, x, type->dtype, type->shape, expr->span, what);
}

static bool same_as_before(Lowering *L, const Stmt *stmt, const char *path, const Cell *before, const Type *type) {
    if (shape_equal(before->shape, type->shape) && before->dtype == type->dtype) return true;
    Diagnostic *d = lower_error(L, CODE_E0218, stmt->span,
                                "%s is %s in this call and %s in an earlier one; a model "
                                "has one set of parameters",
                                path, type_text(L, type), shape_text(L, before->dtype, 0, before->shape));
    lower_help(L, d, "make it a layer if every call shall have its own");
    return false;
}

/* ---- param ----------------------------------------------------------------------------------- */
/* Rows of zeros have equal gradients, most often zeros too, so they never become different. */
static void report_zeros(Lowering *L, const Stmt *stmt, const Type *type) {
    if (L->quiet) return;
    Diagnostic *d = report(L->diagnostics, CODE_W0306, stmt->bind.name.span, "%s has no start, so all of it is 0",
                           stmt->bind.name.text);
    add_help(L->diagnostics, d, "draw it: param %s: %s ~ normal(0, 0.1); if zeros are meant, say so: ... = 0",
             stmt->bind.name.text, type_text(L, type));
}

static Value *new_parameter(Lowering *L, Scope *scope, const Stmt *stmt, const Type *type, const char *path) {
    int active = L->active_count;
    L->active_count = 0; /* a parameter has no mapped axes */
    Node *initial = initial_value(L, scope, stmt, type, path);
    L->active_count = active;
    if (initial == NULL) return value_poison(L);
    if (stmt->bind.value == NULL && type->shape.rank > 1) report_zeros(L, stmt, type);
    int cell = lower_cell(L, CELL_PARAMETER, path, type->dtype, type->shape, initial, stmt->bind.name.span);
    L->cells.items[cell].doc = stmt->doc;
    L->cells.items[cell].part = L->path->part;
    return lower_parameter_value(L, cell);
}

Value *lower_param(Lowering *L, Scope *scope, const Stmt *stmt) {
    const char *name = stmt->bind.name.text;
    if (!L->path->is_owner || L->path->prefix == NULL) {
        Diagnostic *d = lower_error(L, CODE_E0218, stmt->span, "the parameter %s stands outside a model or layer",
                                    name);
        lower_help(L, d,
                   "a definition with parameters is a layer (fresh ones at each place it is called) or a model "
                   "(one set wherever it is called)");
        return value_poison(L);
    }
    Type type = lower_type(L, scope, stmt->bind.type);
    if (!type.known) return value_poison(L);
    if (!dtype_is_real(type.dtype)) {
        lower_error(L, CODE_E0203, stmt->bind.type->span, "a parameter is learnt, so it is f32 or f64, not %s",
                    type_text(L, &type));
        return value_poison(L);
    }
    const char *path = path_count(L, L->path->counts, path_join(L, L->path->prefix, name, L->path->iteration));
    int cell = lower_find_cell(L, path);
    if (cell < 0) return new_parameter(L, scope, stmt, &type, path);
    return same_as_before(L, stmt, path, &L->cells.items[cell], &type) ? lower_parameter_value(L, cell)
                                                                       : value_poison(L);
}

void lower_free_parameter(Lowering *L, Scope *scope, const Stmt *stmt) {
    PathState *outer = L->path, own = *outer;
    own.prefix = "";
    own.is_owner = true;
    L->path = &own;
    lower_statement(L, scope, stmt);
    L->path = outer;
}

/* ---- state ----------------------------------------------------------------------------------- */
/* In the scope of the body that declares it. */
struct LayerState {
    Word name;
    int cell;
    Type type;
    const Value *before; /* what its name was bound to first */
    struct LayerState *next;
};

bool scope_has_state(const Scope *scope, Name name) {
    for (const struct LayerState *s = scope->states; s != NULL; s = s->next)
        if (s->name.text == name) return true;
    return false;
}

static NewState *new_state_of(Lowering *L, int cell) {
    for (int i = 0; i < L->new_states.count; i++)
        if (L->new_states.items[i].cell == cell) return &L->new_states.items[i];
    return NULL;
}

/* As the calls before this one left it. */
static Value *state_value(Lowering *L, int cell) {
    const NewState *now = new_state_of(L, cell);
    return now == NULL ? lower_cell_value(L, cell) : value_tensor(L, now->value, 0);
}

/* The state's cell; -1 after an error. */
static int state_cell(Lowering *L, Scope *scope, const Stmt *stmt, const Type *type) {
    const char *path = path_count(L, L->path->counts,
                                  path_join(L, L->path->prefix, stmt->bind.name.text, L->path->iteration));
    int cell = lower_find_cell(L, path), active = L->active_count;
    if (cell >= 0) return same_as_before(L, stmt, path, &L->cells.items[cell], type) ? cell : -1;
    L->active_count = 0;
    Node *initial = initial_value(L, scope, stmt, type, path);
    L->active_count = active;
    if (initial == NULL) return -1;
    cell = lower_cell(L, CELL_STATE, path, type->dtype, type->shape, initial, stmt->bind.name.span);
    L->cells.items[cell].doc = stmt->doc;
    L->cells.items[cell].part = L->path->part;
    return cell;
}

static bool may_have_state(Lowering *L, const Stmt *stmt) {
    if (L->path->is_owner && L->path->prefix != NULL) return true;
    Diagnostic *d = lower_error(L, CODE_E0218, stmt->span, "the state %s stands outside a model or layer",
                                stmt->bind.name.text);
    lower_help(L, d, "a definition that keeps something from step to step is a layer or a model");
    return false;
}

void lower_state(Lowering *L, Scope *scope, const Stmt *stmt) {
    Word name = stmt->bind.name;
    Type type = {.known = true, .dtype = L->real};
    int cell = -1;
    if (may_have_state(L, stmt)) {
        if (stmt->bind.type != NULL) type = lower_type(L, scope, stmt->bind.type);
        if (type.known && dtype_is_real(type.dtype))
            cell = state_cell(L, scope, stmt, &type);
        else if (type.known)
            lower_error(L, CODE_E0203, stmt->bind.type->span, "a state is f32 or f64, not %s", type_text(L, &type));
    }
    leave_state(L, scope, name.text);
    Binding *b = scope_bind(L, scope, name.text, cell < 0 ? value_poison(L) : state_value(L, cell), name.span);
    if (cell < 0) return;
    struct LayerState *state = arena_new_of(L->arena, struct LayerState);
    *state = (struct LayerState){name, cell, type, b->value, scope->states};
    scope->states = state;
}

static bool is_of_all_rows(Lowering *L, const struct LayerState *state, const Value *value, Span span) {
    const char *name = state->name.text;
    if (value->axes > 0) {
        Name axis = L->axes.items[value->axis[0]].name;
        Diagnostic *d = lower_error(L, CODE_E0230, span, "the new value of the state %s is another one for each %s",
                                    name, axis == NULL ? "mapped element" : axis);
        lower_help(L, d, "take a mean over what the call is mapped over, or give the layer all of it");
        return false;
    }
    if (value->node->scans != NULL) {
        Diagnostic *d = lower_error(L, CODE_E0230, span,
                                    "the new value of the state %s is another one for each element of the scan", name);
        lower_help(L, d, "call the layer in front of the scan, with all elements, or behind it");
        return false;
    }
    if (value->node->row_axes) {
        Diagnostic *d = lower_error(
            L, CODE_E0232, span,
            "the new value of the state %s has an axis over the rows of the mini-batch, and the "
            "last one may have fewer",
            name);
        lower_help(L, d, "reduce it over the rows first: sum, mean, max or min");
        return false;
    }
    if (!graph_is_of_one_row(L->arena, value->node)) return true;
    Diagnostic *d = lower_error(L, CODE_E0230, span, "the new value of the state %s is another one for each row", name);
    lower_help(L, d, "a state is the same for all rows: %s = batch_mean(...)", name);
    return false;
}

/* The value that the body leaves is that of the next step. */
static void leave(Lowering *L, Scope *scope, const struct LayerState *state) {
    const Binding *b = scope_find_here(scope, state->name.text);
    if (b->value == state->before) return;
    const char *what = text_format(L->arena, "the new value of the state %s", state->name.text);
    Value *v = type_fit(L, &state->type, without_variables(L, scope->variables, b->value), b->span, what,
                        state->name.span);
    if (value_is_poison(v) || !is_of_all_rows(L, state, v, b->span)) return;
    Node *value = graph_unary(L->graph, OP_STOP_GRADIENT, v->node);
    NewState *now = new_state_of(L, state->cell);
    if (now != NULL)
        now->value = value;
    else
        vector_push(L->arena, &L->new_states, ((NewState){state->cell, value}));
}

void leave_state(Lowering *L, Scope *scope, Name name) {
    for (struct LayerState **at = &scope->states; *at != NULL; at = &(*at)->next) {
        if (name != NULL && (*at)->name.text != name) continue;
        leave(L, scope, *at);
        if (name == NULL) continue;
        *at = (*at)->next;
        return;
    }
}
