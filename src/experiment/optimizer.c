/* lower_optimizer: the updates of a step.
 *
 * An optimizer's body is written for one element: it is lowered once per parameter with the parameter's
 * axes open as index axes, `param` and `grad` as values over them, and its statements in order; the last
 * values of `param` and of every `state` become updates. The most specific optimizer[part] counts; `none`
 * and parameters that no optimizer covers stay as they are.
 *
 * Arguments that are plain numbers are slots: `lr`, and OPTIMIZER.NAME for the others (momentum.beta);
 * those of optimizer[part] end in @part. A schedule stays an expression, and lr has a slot beside it that
 * overrides it once it is a number.
 *
 * An update block has rules, arguments and states of its own, whose names begin with its name.
 *
 * all_sum(e) is a sum over all parameters that come by: they are visited in ascending order of their
 * names, in as many rounds as sums depend on each other; each round finds the total of one more place.
 */
#define _GNU_SOURCE /* qsort_r */
#include "experiment/experiment.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules: which optimizer covers which part -------------------------------------------------------- */
static const char *dotted(Experiment *X, const Binder *binder) {
    return binder->path ? expr_text(X, binder->path) : binder->name.text;
}

static const Expr *binder_expr(Experiment *X, const Binder *binder) {
    if (binder->path) return binder->path;
    Expr *expr = arena_new_of(X->arena, Expr);
    expr->kind = EXPR_NAME;
    expr->span = binder->span;
    expr->name = binder->name;
    return expr;
}

bool rules_collect(RunLowering *R) {
    Experiment *X = R->X;
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key != KEY_OPTIMIZER) continue;
        OptimizerRule rule = {.value = each_resolve(X, s->stmt->assign.value),
                              .part = s->update == WHOLE_BLOCK ? 0 : s->update};
        rule.span = rule.value->span;
        rule.none = rule.value->kind == EXPR_NAME && strcmp(rule.value->name.text, "none") == 0;
        for (int b = 0; s->stmt->assign.has_binders && b < s->stmt->assign.binders.count; b++) {
            rule.path = dotted(X, &s->stmt->assign.binders.items[b]);
            rule.path_expr = binder_expr(X, &s->stmt->assign.binders.items[b]);
            vector_push(X->arena, &R->rules, rule);
        }
        if (!s->stmt->assign.has_binders) vector_push(X->arena, &R->rules, rule);
    }
    return true;
}

/* A path is more specific than a pattern, and that than none; of two paths or patterns the longer. */
static bool is_closer(const OptimizerRule *rule, const OptimizerRule *than) {
    if (!rule->path || !than->path) return rule->path != NULL;
    bool pattern = module_is_pattern(rule->path);
    if (pattern != module_is_pattern(than->path)) return !pattern;
    return strlen(rule->path) > strlen(than->path);
}

/* The most specific rule of the part of a step that covers all of `path`. */
static OptimizerRule *rule_of(const RunLowering *R, int part, const char *path) {
    OptimizerRule *best = NULL;
    for (int i = 0; i < R->rules.count; i++) {
        OptimizerRule *rule = &R->rules.items[i];
        if (rule->part != part) continue;
        if (rule->path && !module_covers(rule->path, path)) continue;
        if (!best || is_closer(rule, best)) best = rule;
    }
    return best;
}

/* Which parameters there will be is not known yet: a pattern may name some of every part of its model. */
static bool may_be_inside(const RunLowering *R, const char *path, const char *of_rule) {
    if (!module_is_pattern(of_rule)) return module_covers(path, of_rule);
    const char *model = text_format(R->X->arena, "%.*s", (int)strcspn(of_rule, "."), of_rule);
    return module_covers(model, path);
}

bool rule_trains_inside(const RunLowering *R, const char *path) {
    for (int part = 0; part < R->parts; part++) {
        const OptimizerRule *rule = rule_of(R, part, path);
        if (rule && !rule->none) return true;
    }
    for (int i = 0; i < R->rules.count; i++)
        if (R->rules.items[i].path && !R->rules.items[i].none && may_be_inside(R, path, R->rules.items[i].path))
            return true;
    return false;
}

/* The arguments in the float type at hand, that of the parameters that are updated. */
static bool wide(const Lowering *L) { return L->real == DTYPE_F64; }
static const Value *bound_here(const RunLowering *R, const OptimizerRule *rule) { return rule->bound[wide(R->L)]; }

/* ---- arguments --------------------------------------------------------------------------------------- */
static const char *slot_name(RunLowering *R, const OptimizerRule *rule, const char *formal) {
    const char *name = strcmp(formal, "lr") == 0
                           ? formal
                           : text_format(R->X->arena, "%s.%s", rule->definition->name.text, formal);
    return run_part_name(R, rule->part, rule->path ? text_format(R->X->arena, "%s@%s", name, rule->path) : name);
}

static Override *argument_override(RunLowering *R, const OptimizerRule *rule, const char *formal) {
    const char *full = text_format(R->X->arena, "%s.%s", rule->definition->name.text, formal);
    const char *names[] = {slot_name(R, rule, formal), full, formal};
    Override *override = NULL;
    for (int i = 0; i < 3 && !override; i++) /* what is a setting of the file is that */
        if (!is_top_setting(R->X, names[i])) override = override_find(R->X, names[i]);
    return override;
}

/* adam(lr = lr * cosine(progress)), where lr is a setting of the file: it is what --set and NAME_set mean. */
static bool reads_setting(RunLowering *R, const Value *v, const char *name) {
    int count;
    Node *node = v->kind == VALUE_TENSOR || value_is_number(v) ? v->node : NULL;
    Node **nodes = graph_post_order(R->X->arena, &node, node != NULL, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_SLOT && nodes[i]->attr.index < R->setting_slots && strcmp(nodes[i]->name, name) == 0)
            return true;
    return false;
}

/* where(slot is NaN, schedule, slot) */
static Value *with_override_slot(RunLowering *R, const char *name, const Value *schedule, Span span) {
    Graph *g = R->L->graph;
    Node *node = value_to_real_scalar(R->L, schedule, span, "the learning rate");
    if (!node) return value_poison(R->L);
    Value *number = lower_slot(R->L, name, value_number(R->L, NAN), span);
    Node *slot = value_to_real_scalar(R->L, number, span, "the learning rate");
    return value_tensor(R->L, graph_where(g, graph_binary(g, OP_NE, slot, slot), node, slot), 0);
}

static void make_slot(RunLowering *R, Scope *scope, OptimizerRule *rule, int index) {
    const Formal *formal = &rule->definition->formals.items[index];
    Binding *binding = scope_find_here(bound_here(R, rule)->scope, formal->name.text);
    const char *name = slot_name(R, rule, formal->name.text);
    Override *override = argument_override(R, rule, formal->name.text);
    if (!binding) return;
    if (override) {
        override->used = true;
        binding->value = lower_expression(R->L, scope, override->value);
        bound_here(R, rule)->written[index] = override->value;
    }
    bool compile_time = formal->type &&
                        (strcmp(formal->type->base.text, "int") == 0 || strcmp(formal->type->base.text, "bool") == 0);
    if (compile_time || value_is_poison(binding->value) || reads_setting(R, binding->value, name)) return;
    if (value_is_number(binding->value))
        binding->value = lower_slot(R->L, name, binding->value, rule->span);
    else if (strcmp(formal->name.text, "lr") == 0)
        binding->value = with_override_slot(R, name, binding->value, rule->span);
}

/* decay = if rank > 1 then 0.1 else 0: another number for every parameter, and no slot. */
static bool uses_rank(RunLowering *R, const OptimizerRule *rule, int formal) {
    const Expr *call = rule->value;
    Name name = rule->definition->formals.items[formal].name.text, rank = name_from(R->X->names, "rank");
    for (int i = 0; call->kind == EXPR_CALL && i < call->call.args.count; i++) {
        const Argument *arg = &call->call.args.items[i];
        if ((arg->name.text ? arg->name.text == name : i == formal) && expr_uses_name(arg->value, rank)) return true;
    }
    return false;
}

static Scope *scope_with_rank(RunLowering *R, Scope *locals, int rank) {
    Scope *scope = scope_new(R->L, locals);
    scope_bind(R->L, scope, name_from(R->X->names, "rank"), value_int(R->L, rank), (Span){0, 0});
    return scope;
}

/* The arguments for a parameter of that rank. */
static const Value *bound_for_rank(RunLowering *R, const OptimizerRule *rule, Scope *locals, int rank) {
    const Value *bound = bound_here(R, rule);
    if (!expr_uses_name(rule->value, name_from(R->X->names, "rank"))) return bound;
    const Value *v = lower_expression(R->L, scope_with_rank(R, locals, rank), rule->value);
    const FormalList *formals = &rule->definition->formals;
    for (int i = 0; v->kind == VALUE_BOUND && i < formals->count; i++) {
        Binding *slot = scope_find_here(bound->scope, formals->items[i].name.text);
        if (slot && !uses_rank(R, rule, i)) scope_bind(R->L, v->scope, slot->name, slot->value, slot->span);
    }
    return v;
}

static const char *optimizer_names(RunLowering *R) {
    Vector(const char *) names = {0}; /* the last declared first */
    for (const Scope *scope = R->L->global; scope; scope = scope->parent)
        for (const Binding *b = scope->last; b; b = b->next)
            if (b->value->kind == VALUE_DEFINITION && b->value->definition->kind == DEFINE_OPTIMIZER)
                vector_push(R->X->arena, &names, b->name);
    Text text = text_new(R->X->arena);
    for (int i = names.count - 1; i >= 0; i--) text_add(&text, "%s%s", names.items[i], i > 0 ? ", " : "");
    return text.bytes;
}

/* An optimizer that there is none of: a near name is named, else all that there are. */
static bool optimizer_is_known(RunLowering *R, const Scope *scope, const OptimizerRule *rule) {
    const Expr *name = rule->value->kind == EXPR_CALL ? rule->value->call.callee : rule->value;
    if (name->kind != EXPR_NAME || scope_find(scope, name->name.text)) return true;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0202, name->span, "there is no optimizer %s", name->name.text);
    lower_suggest(R->L, d, scope, name->name.text, NULL, 0);
    add_help(R->X->diagnostics, d, "the optimizers are %s", optimizer_names(R));
    return false;
}

static bool bind_rule(RunLowering *R, Scope *scope, OptimizerRule *rule) {
    Lowering *L = R->L;
    if (!optimizer_is_known(R, scope, rule)) return false;
    L->no_models = "the arguments of an optimizer";
    Value *v = lower_expression(L, scope_with_rank(R, scope, 0), rule->value);
    L->no_models = NULL;
    if (value_is_poison(v)) return false;
    if (v->kind == VALUE_DEFINITION && v->definition->kind == DEFINE_OPTIMIZER)
        v = lower_bind_definition(L, v->definition, arguments_of(L, NULL, 0, rule->span), rule->value);
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_BOUND) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0309, rule->span,
                               "an optimizer is expected here, and this is %s", value_type_text(L, v));
        add_help(R->X->diagnostics, d, "like this: optimizer = sgd(lr = 0.1); or none, to freeze a part");
        return false;
    }
    rule->bound[wide(R->L)] = v;
    rule->definition = v->definition;
    rule->lr_literal = scope_find_here(v->scope, name_from(R->X->names, "lr")) != NULL &&
                       value_is_number(scope_find_here(v->scope, name_from(R->X->names, "lr"))->value);
    for (int i = 0; i < v->definition->formals.count; i++)
        if (!uses_rank(R, rule, i)) make_slot(R, scope, rule, i);
    return true;
}

/* ---- one parameter ----------------------------------------------------------------------------------- */
typedef struct SumPlace {
    const Expr *call;
    int visit;
    Vector(Node *) parts;
    Node *total;
} SumPlace;
typedef struct CallVisit {
    const Expr *call;
    int count;
} CallVisit;
typedef struct Updating {
    RunLowering *R;
    Vector(SumPlace) sums;
    int collecting;           /* the place whose parts this round collects, -1: none yet */
    Vector(CallVisit) visits; /* of the parameter at hand */
    int cell, ids[MOST_RANK], rank;
    int taken; /* the cell that counts the steps of an update with `when`; -1: those of the training count */
    const OptimizerRule *rule;
    Vector(int) states;       /* cells that the body declared, ... */
    Vector(Name) state_names; /* ... and their names in it */
} Updating;

static Node *sum_of_tensor(Updating *u, const Value *v, Span span) {
    Lowering *L = u->R->L;
    Value *x = value_to_tensor(L, v, u->R->L->cells.items[u->cell].dtype, span, "what is summed");
    if (value_is_poison(x)) return NULL;
    Node *node = value_axes_to_own(L, x, u->ids, u->rank)->node;
    return node->shape.rank ? graph_reduce(L->graph, OP_CONTRACT, node, (1u << node->shape.rank) - 1, false) : node;
}

static Value *outside(Lowering *L, const Expr *call) {
    lower_error(L, CODE_E0213, call->span, "%s belongs into an optimizer or the setting gradient",
                call->call.callee->kind == EXPR_NAME ? call->call.callee->name.text : "this");
    return value_poison(L);
}

static Value *lower_tensor_sum(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    Updating *u = ((Experiment *)context)->updating;
    (void)scope;
    if (!u) return outside(L, call);
    Node *node = sum_of_tensor(u, args->value[0], call->span);
    return node ? value_tensor(L, node, 0) : value_poison(L);
}

static int count_visit(Updating *u, const Expr *call) {
    for (int i = 0; i < u->visits.count; i++)
        if (u->visits.items[i].call == call) return u->visits.items[i].count++;
    CallVisit visit = {call, 1};
    vector_push(u->R->X->arena, &u->visits, visit);
    return 0;
}

static int find_place(const Updating *u, const Expr *call, int visit) {
    for (int i = 0; i < u->sums.count; i++)
        if (u->sums.items[i].call == call && u->sums.items[i].visit == visit) return i;
    return -1;
}

static Value *lower_all_sum(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    Updating *u = ((Experiment *)context)->updating;
    (void)scope;
    if (!u) return outside(L, call);
    int visit = count_visit(u, call), place = find_place(u, call, visit);
    if (place >= 0 && u->sums.items[place].total)
        return value_tensor(L, graph_cast(L->graph, u->sums.items[place].total, L->real), 0);
    if (place < 0 && u->collecting < 0) {
        SumPlace made = {.call = call, .visit = visit};
        place = u->collecting = u->sums.count;
        vector_push(u->R->X->arena, &u->sums, made);
    }
    if (place >= 0 && place == u->collecting) {
        Node *part = sum_of_tensor(u, args->value[0], call->span);
        if (!part) return value_poison(L);
        vector_push(u->R->X->arena, &u->sums.items[place].parts, part);
    }
    /* The total is known in a later round. */
    return value_tensor(L, graph_const(L->graph, L->cells.items[u->cell].dtype, (Shape){0}, 1), 0);
}

/* tensor_apply(f, e): f of e of the whole parameter, at the element at hand. */
static Value *lower_tensor_apply(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    Updating *u = ((Experiment *)context)->updating;
    const Value *f = args->value[0], *e = args->value[1];
    (void)scope;
    if (!u) return outside(L, call);
    if (f->kind != VALUE_DEFINITION) {
        Diagnostic *d = report(L->diagnostics, CODE_E0216, args->expr[0]->span,
                               "tensor_apply takes a definition, and this is %s", value_type_text(L, f));
        add_help(L->diagnostics, d, "like this: tensor_apply(orthogonal, grad)");
        return value_poison(L);
    }
    Value *x = value_to_tensor(L, e, L->cells.items[u->cell].dtype, args->expr[1]->span, "what is given");
    if (value_is_poison(x)) return x;
    Node *whole = value_axes_to_own(L, x, u->ids, u->rank)->node;
    Value *given = value_tensor(L, whole, 0);
    Value *result = lower_call_definition(L, f->definition, arguments_of(L, &given, 1, call->span), NULL);
    if (value_is_poison(result)) return result;
    if (result->kind == VALUE_TENSOR && shape_equal(result->node->shape, whole->shape) &&
        result->node->dtype == whole->dtype)
        return value_own_to_axes(L, result, u->ids, u->rank);
    report(L->diagnostics, CODE_E0309, call->span,
           "what tensor_apply gives has the shape of the parameter, and this is %s", value_type_text(L, result));
    return value_poison(L);
}

static const Builtin sum_builtins[] = {
    {"tensor_apply", 2, 2, false, lower_tensor_apply, "tensor_apply(f, e)",
     "in an optimizer: f of e of the whole parameter, at the element at hand"},
    {"tensor_sum", 1, 1, false, lower_tensor_sum, "tensor_sum(e)",
     "in an optimizer: the sum over the elements of the parameter at hand"},
    {"all_sum", 1, 1, false, lower_all_sum, "all_sum(e)",
     "in an optimizer: the sum over the elements of all parameters"},
};

void optimizer_bind_sums(Experiment *X) {
    for (size_t i = 0; i < sizeof sum_builtins / sizeof *sum_builtins; i++)
        scope_bind(X->L, X->L->prelude, name_from(X->names, sum_builtins[i].name),
                   value_builtin(X->L, &sum_builtins[i], X), (Span){0, 0});
}

static Value *element_of_cell(Updating *u, int cell) {
    return value_own_to_axes(u->R->L, lower_cell_value(u->R->L, cell), u->ids, u->rank);
}

/* `state v = 0` in an optimizer's body. */
static void state_hook(Lowering *L, Scope *scope, const Stmt *stmt, void *context) {
    Updating *u = ((Experiment *)context)->updating;
    const Cell param = L->cells.items[u->cell];
    const char *what = text_format(L->arena, "the start of state %s", stmt->bind.name.text);
    if (stmt->bind.type && stmt->bind.type->has_dims) {
        report(L->diagnostics, CODE_E0309, stmt->bind.type->span,
               "an optimizer's state is one number per element; it takes no shape");
        scope_bind(L, scope, stmt->bind.name.text, value_poison(L), stmt->bind.name.span);
        return;
    }
    Value *start = value_to_tensor(L, lower_expression(L, scope, stmt->bind.value), param.dtype, stmt->bind.value->span,
                                   what);
    if (value_is_poison(start)) {
        scope_bind(L, scope, stmt->bind.name.text, start, stmt->bind.name.span);
        return;
    }
    Node *initial = value_axes_to_own(L, start, u->ids, u->rank)->node;
    const char *path = text_format(L->arena, "%s.%s@%s", u->rule->definition->name.text, stmt->bind.name.text,
                                   param.name);
    path = run_part_name(u->R, u->R->part, path);
    int cell = lower_cell(L, CELL_OPTIMIZER, path, param.dtype, param.shape, initial, stmt->bind.name.span);
    L->cells.items[cell].of = u->cell;
    vector_push(L->arena, &u->states, cell);
    vector_push(L->arena, &u->state_names, stmt->bind.name.text);
    scope_bind(L, scope, stmt->bind.name.text, element_of_cell(u, cell), stmt->bind.name.span);
}

static void bind_number(Updating *u, Scope *scope, const char *name, Value *v) {
    scope_bind(u->R->L, scope, name_from(u->R->X->names, name), v, (Span){0, 0});
}

/* An optimizer of an update with `when` sees how often that was taken: adam's means are of so many gradients. */
static Value *steps_taken(Updating *u) {
    Lowering *L = u->R->L;
    return value_tensor(L, graph_cast(L->graph, lower_cell_value(L, u->taken)->node, L->real), 0);
}

static int count_taken(RunLowering *R) {
    if (!R->run.part_count || !R->run.parts[R->part].when) return -1;
    return lower_cell(R->L, CELL_OPTIMIZER, text_format(R->X->arena, "step@%s", R->run.parts[R->part].name), DTYPE_F64,
                      (Shape){0}, NULL, R->run.parts[R->part].span);
}

static void add_count(Updating *u, RootList *roots) {
    Lowering *L = u->R->L;
    if (u->taken < 0) return;
    Cell *cell = &L->cells.items[u->taken];
    Node *before = lower_cell_value(L, u->taken)->node, *one = graph_const(L->graph, DTYPE_F64, (Shape){0}, 1);
    Root root = {ROOT_UPDATE, u->taken, graph_binary(L->graph, OP_ADD, before, one), cell->name};
    vector_push(L->arena, roots, root);
    cell->updated = true;
}

/* param, grad, rank, step, epoch, progress */
static Scope *element_scope(Updating *u, Scope *parent, Value *grad) {
    Scope *scope = scope_new(u->R->L, parent);
    run_bind_counters(u->R, scope);
    if (u->taken >= 0) bind_number(u, scope, "step", steps_taken(u));
    bind_number(u, scope, "rank", value_int(u->R->L, u->rank));
    bind_number(u, scope, "param", element_of_cell(u, average_trained(u->R, u->cell)));
    bind_number(u, scope, "grad", grad);
    return scope;
}

/* The gradient, after the setting `gradient`. */
static Value *lower_gradient(Updating *u, Scope *locals) {
    RunLowering *R = u->R;
    const Cell *cell = &R->L->cells.items[u->cell];
    const BlockStmt *setting = update_setting(R->block, R->part, KEY_GRADIENT);
    Node *leaf = graph_leaf(R->L->graph, OP_GRADIENT, cell->dtype, cell->shape, average_trained(R, u->cell));
    Value *grad = value_own_to_axes(R->L, value_tensor(R->L, leaf, 0), u->ids, u->rank);
    if (!setting) return grad;
    Scope *scope = element_scope(u, locals, grad);
    return lower_expression(R->L, scope, each_resolve(R->X, setting->stmt->assign.value));
}

/* The last value of a name as the new value of a cell. */
static bool add_update(Updating *u, Scope *scope, Name name, int cell, RootList *roots) {
    Lowering *L = u->R->L;
    Binding *binding = scope_find_here(scope, name);
    const char *what = text_format(L->arena, "the new value of %s", name);
    Value *v = value_to_tensor(L, binding->value, L->cells.items[cell].dtype, binding->span, what);
    if (value_is_poison(v)) return false;
    Node *node = value_axes_to_own(L, v, u->ids, u->rank)->node;
    if (!shape_equal(node->shape, L->cells.items[cell].shape)) {
        report(L->diagnostics, CODE_E0309, binding->span, "an optimizer updates one element, and %s is %s", what,
               value_type_text(L, v));
        return false;
    }
    if (node_depends_on_rows(L->arena, node)) {
        report(L->diagnostics, CODE_E0309, u->rule->span,
               "an update depends on the rows of the data, and only the gradient may");
        return false;
    }
    Root root = {ROOT_UPDATE, cell, node, L->cells.items[cell].name};
    vector_push(L->arena, roots, root);
    L->cells.items[cell].updated = true;
    return true;
}

static void add_average(Updating *u, int cell, RootList *roots) {
    Lowering *L = u->R->L;
    Node *node = average_after(u->R, cell, roots->items[roots->count - 1].node);
    if (!node) return;
    Root root = {ROOT_UPDATE, cell, node, L->cells.items[cell].name};
    vector_push(L->arena, roots, root);
    L->cells.items[cell].updated = true;
}

static bool update_parameter(Updating *u, Scope *locals, int cell, RootList *roots) {
    Lowering *L = u->R->L;
    const Shape shape = L->cells.items[cell].shape;
    const Definition *definition = u->rule->definition;
    u->cell = cell;
    u->rank = shape.rank;
    u->visits.count = u->states.count = u->state_names.count = 0;
    lowering_start_root(L, L->cells.items[cell].name);
    lower_open_axes(L, shape.extent, shape.rank, u->ids);
    Value *grad = lower_gradient(u, locals);
    const Value *bound = bound_for_rank(u->R, u->rule, locals, u->rank);
    if (value_is_poison(bound)) grad = value_poison(L);
    Scope *scope = element_scope(u, value_is_poison(bound) ? locals : bound->scope, grad);
    Binding *param = scope_find_here(scope, name_from(u->R->X->names, "param"));
    Value *before = param->value;
    L->updated = text_format(L->arena, "%s: %s", L->cells.items[cell].name,
                             value_type_text(L, lower_cell_value(L, cell)));
    if (!value_is_poison(grad)) lower_bound_body(L, scope, bound, u->rule->span);
    L->updated = NULL;
    lower_close_axes(L, shape.rank);
    if (value_is_poison(grad)) return false;
    if (param->value == before) {
        report(L->diagnostics, CODE_E0309, definition->name.span, "the optimizer %s never gives param a new value",
               definition->name.text);
        return false;
    }
    bool good = add_update(u, scope, param->name, average_trained(u->R, cell), roots);
    if (good) add_average(u, cell, roots);
    for (int i = 0; i < u->states.count; i++)
        good &= add_update(u, scope, u->state_names.items[i], u->states.items[i], roots);
    return good;
}

/* ---- all parameters ---------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b, void *context) {
    const Lowering *L = context;
    return strcmp(L->cells.items[*(const int *)a].name, L->cells.items[*(const int *)b].name);
}

/* In f64 if any parameter is. */
static void add_total(Updating *u) {
    SumPlace *place = &u->sums.items[u->collecting];
    Graph *g = u->R->L->graph;
    DType t = place->parts.items[0]->dtype;
    for (int i = 1; i < place->parts.count; i++)
        if (place->parts.items[i]->dtype == DTYPE_F64) t = DTYPE_F64;
    place->total = graph_cast(g, place->parts.items[0], t);
    for (int i = 1; i < place->parts.count; i++)
        place->total = graph_binary(g, OP_ADD, place->total, graph_cast(g, place->parts.items[i], t));
}

/* locals: by the parameter's float type. */
static bool update_all(RunLowering *R, Scope *const *locals, const int *cells, int count) {
    Updating updating = {.R = R, .taken = count_taken(R)}, *u = &updating;
    bool good = true;
    R->X->updating = u;
    for (int round = 0; good && round < 100; round++) {
        RootList roots = {0};
        u->collecting = -1;
        for (int i = 0; i < count; i++) {
            u->rule = rule_of(R, R->part, R->L->cells.items[cells[i]].name);
            R->L->real = R->L->cells.items[cells[i]].dtype;
            good &= update_parameter(u, locals[wide(R->L)], cells[i], &roots);
        }
        if (good && u->collecting >= 0 && u->sums.items[u->collecting].parts.count > 0) {
            add_total(u);
            continue;
        }
        add_count(u, &roots);
        for (int i = 0; i < roots.count; i++) vector_push(R->X->arena, &R->step[R->part], roots.items[i]);
        break;
    }
    R->X->updating = NULL;
    return good;
}

/* Cells that what the part at hand minimizes reads; not averages, which steps read in averaged(net) alone. */
static bool *reached_cells(RunLowering *R) {
    bool *reached = arena_array(R->X->arena, bool, R->L->cells.count + 1);
    Node **roots = arena_array(R->X->arena, Node *, R->terms.count + 1);
    int count, terms = 0;
    for (int i = 0; i < R->terms.count; i++)
        if (R->terms.items[i].part == R->part) roots[terms++] = R->terms.items[i].value;
    Node **nodes = graph_post_order(R->X->arena, roots, terms, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_CELL && (!R->average || R->L->cells.items[nodes[i]->attr.index].kind != CELL_PARAMETER))
            reached[cell_shown(R->L->cells.items, (int)nodes[i]->attr.index)] = true;
    return reached;
}

/* Plain gradient descent on a quadratic: the driver may compare lr with 2/L. */
static void note_quadratic(RunLowering *R) {
    const OptimizerRule *rule = &R->rules.items[0];
    if (R->block->updates.count || R->average || R->rules.count != 1 || rule->path || rule->none || !rule->lr_literal ||
        R->run.batch != 0 || R->run.uneven)
        return;
    if (block_setting(R->block, KEY_GRADIENT) || strcmp(rule->definition->name.text, "sgd") != 0) return;
    if (scope_find_here(R->L->global, rule->definition->name.text)) return;
    for (int i = 0; i < R->terms.count; i++)
        if (node_degree(R->X->arena, R->terms.items[i].value) > 2) return;
    Binding *lr = scope_find_here(rule_bound(rule)->scope, name_from(R->X->names, "lr"));
    R->run.quadratic_lr = lr->value->number;
    R->run.lr_span = rule->span;
    for (int i = 0; rule->value->kind == EXPR_CALL && i < rule->value->call.args.count; i++) {
        const Argument *arg = &rule->value->call.args.items[i];
        if (i > 0 && (!arg->name.text || strcmp(arg->name.text, "lr") != 0)) continue;
        R->run.lr_span = arg->name.text ? (Span){arg->name.span.begin, arg->value->span.end} : arg->value->span;
    }
    R->run.lr_text = text_number(R->X->arena, R->run.quadratic_lr, true);
}

static bool check_paths(RunLowering *R) {
    bool good = true;
    for (int i = 0; i < R->rules.count; i++) {
        const OptimizerRule *rule = &R->rules.items[i];
        int cell;
        if (rule->path && rule->part == R->part)
            good &= lower_module_path(R->L, R->L->global, rule->path_expr, &cell) != NULL;
    }
    return good;
}

/* The rules' arguments in the float type at hand, and the scope they were lowered in. */
static Scope *bind_rules(RunLowering *R, bool *good) {
    const Expr **roots = arena_array(R->X->arena, const Expr *, R->rules.count + 3);
    const BlockStmt *gradient = update_setting(R->block, R->part, KEY_GRADIENT);
    int count = 0;
    for (int i = 0; i < R->rules.count; i++)
        if (R->rules.items[i].part == R->part) roots[count++] = R->rules.items[i].value;
    if (gradient) roots[count++] = gradient->stmt->assign.value;
    if (R->average) roots[count++] = R->average;
    Scope *scope = run_part_scope(R, run_scope(R, MODE_TRAIN, roots, count), R->part, roots, count);
    R->L->allow_draws = false;
    *good &= average_lower(R, scope);
    for (int i = 0; i < R->rules.count; i++)
        if (R->rules.items[i].part == R->part && !R->rules.items[i].none)
            *good &= bind_rule(R, scope, &R->rules.items[i]);
    return scope;
}

/* Hyper-parameters have the type of the parameters: of each that occurs. */
static bool bind_rules_by_type(RunLowering *R, Scope **scopes, const int *cells, int count) {
    DType types[] = {R->L->f64 ? DTYPE_F64 : DTYPE_F32, DTYPE_F64};
    bool good = check_paths(R);
    for (int t = R->L->f64; t < 2 && good; t++) {
        bool occurs = count == 0 && t == R->L->f64;
        for (int i = 0; i < count; i++) occurs |= R->L->cells.items[cells[i]].dtype == types[t];
        R->L->real = types[t];
        if (occurs) scopes[t] = bind_rules(R, &good);
    }
    return good;
}

static bool report_nothing_trained(RunLowering *R) {
    const UpdateBlock *update = R->block->updates.count ? &R->block->updates.items[R->part] : NULL;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0309, update ? update->name.span : R->block->name.span,
                           "%s %s trains nothing: no parameter of what is minimized has an optimizer",
                           update ? "update" : "train", update ? update->name.text : R->block->name.text);
    add_help(R->X->diagnostics, d,
             "minimize calls a model with parameters, and optimizer = sgd(lr = 0.1) covers all of them");
    return false;
}

/* The parameters that a rule covers and the objective reads, in ascending order of their names. */
static int updated_parameters(RunLowering *R, int *updated) {
    Lowering *L = R->L;
    int count = 0;
    bool *reached = reached_cells(R);
    for (int i = 0; i < L->cells.count; i++) {
        const OptimizerRule *rule = L->cells.items[i].kind == CELL_PARAMETER
                                        ? rule_of(R, R->part, L->cells.items[i].name)
                                        : NULL;
        if (rule && !rule->none && reached[i]) updated[count++] = i;
    }
    qsort_r(updated, (size_t)count, sizeof *updated, by_name, L);
    return count;
}

static bool lower_part(RunLowering *R) {
    Lowering *L = R->L;
    Scope *scopes[2] = {0};
    int *updated = arena_array(R->X->arena, int, L->cells.count + 1), count = updated_parameters(R, updated);
    bool good = bind_rules_by_type(R, scopes, updated, count);
    if (good && count == 0) good = report_nothing_trained(R);
    L->state_hook = state_hook;
    good = good && update_all(R, scopes, updated, count);
    L->state_hook = NULL;
    return good;
}

bool optimizers_lower(RunLowering *R) {
    DType real = R->L->real;
    bool good = true;
    for (R->part = 0; R->part < R->parts; R->part++) {
        good &= lower_part(R);
        R->L->real = real;
    }
    R->part = 0;
    if (good) note_quadratic(R);
    return good;
}
