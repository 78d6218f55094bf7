/* run_scope: the local bindings of a train block that a mode needs, in a scope; those that nothing needs are told. */
#include "experiment/experiment.h"

typedef Vector(Name) NameSet;

typedef struct NameGather {
    Arena *arena;
    NameSet *names;
} NameGather;

static bool has_name(const NameSet *names, Name name) {
    for (int i = 0; i < names->count; i++)
        if (names->items[i] == name) return true;
    return false;
}

static void gather_name(const Expr *expr, void *context) {
    NameGather *gather = context;
    if (expr->kind == EXPR_NAME && !has_name(gather->names, expr->name.text))
        vector_push(gather->arena, gather->names, expr->name.text);
}

static bool binds_needed(const Stmt *stmt, const NameSet *needed) {
    switch (stmt->kind) {
    case STMT_ASSIGN: return has_name(needed, stmt->assign.key.text);
    case STMT_PARAM:
    case STMT_TYPED: return has_name(needed, stmt->bind.name.text);
    case STMT_TUPLE:
        for (int i = 0; i < stmt->tuple.names.count; i++)
            if (has_name(needed, stmt->tuple.names.items[i].text)) return true;
        return false;
    case STMT_REPEAT:
        for (int i = 0; i < stmt->repeat.body.count; i++)
            if (stmt->repeat.body.items[i] && binds_needed(stmt->repeat.body.items[i], needed)) return true;
        return false;
    default: return false;
    }
}

/* needed[i]: statement i is a local binding that the names lead to. */
static bool *mark_needed(RunLowering *R, NameSet *names) {
    const TrainBlock *block = R->block;
    bool *needed = arena_array(R->X->arena, bool, block->body.count + 1);
    NameGather gather = {R->X->arena, names};
    for (int i = block->body.count - 1; i >= 0; i--) {
        const BlockStmt *s = &block->body.items[i];
        if (s->key != KEY_LOCAL || !binds_needed(s->stmt, names)) continue;
        needed[i] = true;
        stmt_visit(s->stmt, gather_name, &gather);
    }
    return needed;
}

bool *run_needed(RunLowering *R, const Expr *const *roots, int count) {
    NameSet names = {0};
    NameGather gather = {R->X->arena, &names};
    for (int i = 0; i < count; i++) expr_visit(roots[i], gather_name, &gather);
    return mark_needed(R, &names);
}

static void bind_counter(RunLowering *R, Scope *scope, const char *name, Counter which) {
    Node *node = graph_counter(R->L->graph, which, R->L->real);
    scope_bind(R->L, scope, name_from(R->X->names, name), value_tensor(R->L, node, 0), (Span){0, 0});
}

void run_bind_counters(RunLowering *R, Scope *scope) {
    bind_counter(R, scope, "step", COUNTER_STEP);
    bind_counter(R, scope, "epoch", COUNTER_EPOCH);
    bind_counter(R, scope, "progress", COUNTER_PROGRESS);
}

/* A parameter of the block itself, of no model: its name is its path. */
static void lower_local(RunLowering *R, Scope *scope, const Stmt *stmt) {
    Lowering *L = R->L;
    Binding *model = stmt->kind == STMT_PARAM ? scope_find(L->global, stmt->bind.name.text) : NULL;
    if (model && model->value->kind == VALUE_DEFINITION) {
        Diagnostic *d = lower_error(L, CODE_E0212, stmt->bind.name.span, "%s is already defined", stmt->bind.name.text);
        if (model->span.begin) lower_note(L, d, model->span, "the first %s is here", stmt->bind.name.text);
        scope_bind(L, scope, stmt->bind.name.text, value_poison(L), stmt->bind.name.span);
        return;
    }
    if (stmt->kind == STMT_PARAM)
        lower_free_parameter(L, scope, stmt);
    else
        lower_statement(L, scope, stmt);
}

Scope *run_scope(RunLowering *R, Mode mode, const Expr *const *roots, int count) {
    Lowering *L = R->L;
    R->mode = mode;
    L->training = mode == MODE_TRAIN;
    L->allow_draws = true;
    L->batch_rows = mode == MODE_PREDICT ? BATCH_REFUSED : BATCH_STEP;
    L->batch_size = R->run.batch;
    L->new_states.count = 0;
    L->sees_batch = L->indexes_batch = false;
    L->random_key = mode == MODE_PREDICT ? RANDOM_PREDICT : RANDOM_STEP;
    lowering_start_root(L, "train");
    Scope *scope = scope_new(L, L->global);
    for (int i = 0; i < R->block->body.count; i++) scope_find_variables(L, scope, R->block->body.items[i].stmt);
    run_bind_counters(R, scope);
    Measured measured = R->X->options->measured;
    bool raw = measured == MEASURED_BY_ALL || (measured == MEASURED_BY_PREDICT && mode == MODE_PREDICT);
    if (R->joined.count)
        data_bind_joined(R->X, R->joined.items, R->joined.count, scope, raw);
    else
        data_bind_fields(R->X, R->data, scope, raw);
    run_bind_undo(R, scope);
    bool *needed = run_needed(R, roots, count);
    for (int i = 0; i < R->block->body.count; i++)
        if (needed[i] && R->block->body.items[i].update == WHOLE_BLOCK)
            lower_local(R, scope, R->block->body.items[i].stmt);
    return scope;
}

const char *run_part_name(RunLowering *R, int part, const char *name) {
    if (!R->block->updates.count) return name;
    return text_format(R->X->arena, "%s.%s", R->block->updates.items[part].name.text, name);
}

/* Draws of an update are its own: their sites begin with its name. */
Scope *run_part_scope(RunLowering *R, Scope *scope, int part, const Expr *const *roots, int count) {
    Lowering *L = R->L;
    if (!R->block->updates.count) return scope;
    lowering_start_root(L, text_format(R->X->arena, "train.%s", R->block->updates.items[part].name.text));
    Scope *own = scope_new(L, scope);
    own->variables = scope->variables; /* run_scope looks through all statements */
    bool *needed = run_needed(R, roots, count);
    for (int i = 0; i < R->block->body.count; i++)
        if (needed[i] && R->block->body.items[i].update == part) lower_statement(L, own, R->block->body.items[i].stmt);
    return own;
}

static void report_unused(RunLowering *R, const Stmt *stmt) {
    Experiment *X = R->X;
    Word name = stmt->kind == STMT_TYPED || stmt->kind == STMT_PARAM ? stmt->bind.name
                : stmt->kind == STMT_TUPLE                           ? stmt->tuple.names.items[0]
                : stmt->kind == STMT_ASSIGN                          ? stmt->assign.key
                                                                     : (Word){NULL, stmt->span};
    const char *keys[KEY_COUNT];
    for (int key = 0; key < KEY_COUNT; key++) keys[key] = setting_name((SettingKey)key);
    bool may_be_setting = name.text && stmt->kind == STMT_ASSIGN && !habit_of_setting(name.text);
    const char *near = may_be_setting ? nearest_name(name.text, keys, KEY_COUNT) : NULL;
    if (near) {
        Diagnostic *d = report(X->diagnostics, CODE_E0301, name.span,
                               "there is no setting named %s, and nothing uses a binding of this name", name.text);
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
        return;
    }
    Diagnostic *d = report(X->diagnostics, CODE_E0303, name.span, "nothing uses %s",
                           name.text ? name.text : "what is bound here");
    const char *habit = name.text ? habit_of_setting(name.text) : NULL;
    if (habit)
        add_help(X->diagnostics, d, "%s", habit);
    else
        add_help(X->diagnostics, d,
                 "a figure to report is written `measure %s = ...`; sgdc --explain E0301 lists the settings",
                 name.text ? name.text : "NAME");
}

bool run_check_unused(RunLowering *R) {
    NameSet names = {0};
    NameGather gather = {R->X->arena, &names};
    bool good = true;
    for (int i = 0; i < R->block->body.count; i++)
        if (R->block->body.items[i].key != KEY_LOCAL) stmt_visit(R->block->body.items[i].stmt, gather_name, &gather);
    bool *needed = mark_needed(R, &names);
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key != KEY_LOCAL || needed[i] || !s->own) continue;
        report_unused(R, s->stmt);
        good = false;
    }
    return good;
}
