/* lower_predict: what the trained object serves.
 *
 * `predict = e` says it. Without it: the one model call in what is minimized, and if that stands beside a
 * standardised target, in the target's units; of a model that is called on several data sets the call on the first one, else
 * the model of the first set's fields of its arguments' names. The graph starts from raw columns: a standardised field is
 * (raw - mean) / deviation by the statistics stored with the parameters. undo(y, e) is the way back.
 */
#include "experiment/experiment.h"
#include <string.h>

/* ---- the default ------------------------------------------------------------------------------------- */
typedef struct ModelCalls {
    RunLowering *R;
    const Expr *call;
    const char *text;
    int distinct;                /* model calls, told apart by how they are written */
    Name model;                  /* the one that is called */
    bool several, first;         /* several models are; only calls on the first data set count */
    Vector(const Expr *) around; /* every call, to find the target */
} ModelCalls;

static bool is_model(RunLowering *R, const Expr *callee) {
    if (callee->kind != EXPR_NAME) return false;
    Binding *binding = scope_find(R->L->global, callee->name.text);
    return binding && binding->value->kind == VALUE_DEFINITION && binding->value->definition->kind == DEFINE_MODEL;
}

static bool reads_first_alone(RunLowering *R, const Expr *call) {
    bool first = false, other = false;
    for (int i = 0; i < R->joined.count; i++) {
        bool reads = expr_uses_name(call, R->joined.items[i]->set->name);
        first |= reads && i == 0;
        other |= reads && i > 0;
    }
    return first && !other;
}

static void visit_call(const Expr *expr, void *context) {
    ModelCalls *calls = context;
    if (expr->kind != EXPR_CALL) return;
    vector_push(calls->R->X->arena, &calls->around, expr);
    if (!is_model(calls->R, expr->call.callee)) return;
    Name model = expr->call.callee->name.text;
    calls->several |= calls->model && calls->model != model;
    calls->model = model;
    const char *text = expr_text(calls->R->X, expr);
    if (calls->first && !reads_first_alone(calls->R, expr)) return;
    if (calls->text && strcmp(calls->text, text) == 0) return;
    calls->call = expr;
    calls->text = text;
    calls->distinct++;
}

static ModelCalls find_calls(RunLowering *R, bool first) {
    ModelCalls calls = {.R = R, .first = first};
    const TrainBlock *block = R->block;
    const Expr **roots = arena_array(R->X->arena, const Expr *, block->body.count + 1);
    int count = 0;
    for (int i = 0; i < block->body.count; i++) {
        const BlockStmt *s = &block->body.items[i];
        if (s->key != KEY_MINIMIZE) continue;
        roots[count++] = each_resolve(R->X, s->stmt->kind == STMT_NAMED ? s->stmt->named.value : s->stmt->assign.value);
    }
    bool *needed = run_needed(R, roots, count);
    for (int i = 0; i < count; i++) expr_visit(roots[i], visit_call, &calls);
    for (int i = 0; i < block->body.count; i++)
        if (needed[i]) stmt_visit(block->body.items[i].stmt, visit_call, &calls);
    return calls;
}

static ModelCalls calls_in_objective(RunLowering *R) {
    ModelCalls calls = find_calls(R, false);
    if (calls.distinct < 2 || calls.several || !R->joined.count) return calls;
    return find_calls(R, true);
}

const Expr *find_model_call(RunLowering *R) {
    ModelCalls calls = calls_in_objective(R);
    return calls.distinct == 1 ? calls.call : NULL;
}

/* A local name for the model's call counts as the call. */
static bool is_call_of(RunLowering *R, const Expr *expr, const ModelCalls *calls) {
    if (expr->kind == EXPR_NAME)
        for (int i = 0; i < R->block->body.count; i++) {
            const BlockStmt *s = &R->block->body.items[i];
            if (s->key == KEY_LOCAL && s->stmt->kind == STMT_ASSIGN && s->stmt->assign.key.text == expr->name.text &&
                s->stmt->assign.value == calls->call)
                return true;
        }
    return expr->kind == EXPR_CALL && strcmp(expr_text(R->X, expr), calls->text) == 0;
}

static bool is_standardized(const DataSet *set, int field) { return field_mean_cell(set, &set->fields[field]) >= 0; }

/* The field that stands beside the model's call in the same loss; -1 if there is none. */
static int field_beside(RunLowering *R, const ModelCalls *calls, bool standardized) {
    for (int i = 0; i < calls->around.count; i++) {
        const Expr *call = calls->around.items[i];
        bool beside = false;
        int field = -1;
        for (int a = 0; a < call->call.args.count; a++) {
            const Expr *arg = call->call.args.items[a].value;
            int found = data_field_of(R->X, R->run.data, arg);
            if (is_call_of(R, arg, calls))
                beside = true;
            else if (found >= 0 && (!standardized || is_standardized(R->run.data, found)))
                field = found;
        }
        if (beside && field >= 0) return field;
    }
    return -1;
}

static const Expr *new_name(RunLowering *R, Name name, Span span) {
    Expr *expr = arena_new_of(R->X->arena, Expr);
    expr->kind = EXPR_NAME;
    expr->span = span;
    expr->name = (Word){name, span};
    return expr;
}

/* undo(field, call) as if it had been written. */
static const Expr *undone(RunLowering *R, int field, const Expr *call) {
    Expr *expr = arena_new_of(R->X->arena, Expr);
    expr->kind = EXPR_CALL;
    expr->span = call->span;
    expr->call.callee = (Expr *)new_name(R, name_from(R->X->names, "undo"), call->span);
    Argument first = {.value = (Expr *)new_name(R, R->run.data->fields[field].name, call->span)};
    Argument second = {.value = (Expr *)call};
    vector_push(R->X->arena, &expr->call.args, first);
    vector_push(R->X->arena, &expr->call.args, second);
    return expr;
}

/* u(inside.x, inside.t), if the first set has these fields; NULL: it has not. */
static const Expr *call_on_first(RunLowering *R, const ModelCalls *calls) {
    const DataSet *first = R->joined.items[0]->set;
    const Definition *model = scope_find(R->L->global, calls->model)->value->definition;
    Expr *call = arena_new_of(R->X->arena, Expr);
    call->kind = EXPR_CALL;
    call->span = R->block->name.span;
    call->call.callee = (Expr *)new_name(R, calls->model, call->span);
    for (int i = 0; i < model->formals.count; i++) {
        Expr *field = arena_new_of(R->X->arena, Expr);
        field->kind = EXPR_MEMBER;
        field->span = call->span;
        field->member.base = (Expr *)new_name(R, first->name, call->span);
        field->member.member = (Word){model->formals.items[i].name.text, call->span};
        if (data_find_field(first, field->member.member.text) < 0) return NULL;
        vector_push(R->X->arena, &call->call.args, ((Argument){.value = field}));
    }
    return call;
}

static const Expr *default_expr(RunLowering *R) {
    ModelCalls calls = calls_in_objective(R);
    bool on_others = calls.first && !calls.distinct && calls.model && !calls.several;
    if (on_others) return call_on_first(R, &calls);
    if (calls.distinct != 1) return NULL;
    int field = field_beside(R, &calls, true);
    return field >= 0 ? undone(R, field, calls.call) : calls.call;
}

/* ---- predict ----------------------------------------------------------------------------------------- */
/* Outputs are of the type that applications are given, float: labels, truths and f64 are converted. */
static Node *output_node(RunLowering *R, const Value *v, const Expr *expr) {
    Lowering *L = R->L;
    if (v->kind == VALUE_TENSOR && v->axes == 0) {
        R->run.predict_classes = (int)v->classes;
        return graph_cast(L->graph, v->node, L->real);
    }
    if (v->kind == VALUE_TUPLE) {
        report(R->X->diagnostics, CODE_E0316, expr->span, "predict gives one array, and this is a tuple of %d",
               v->count);
        return NULL;
    }
    const Value *tensor = value_to_tensor(L, v, L->real, expr->span, "what is predicted");
    return value_is_poison(tensor) ? NULL : tensor->node;
}

/* ---- the target -------------------------------------------------------------------------------------- */
static void mark_columns(Arena *arena, Node *node, bool *columns) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN) columns[nodes[i]->attr.index] = true;
}

/* The one field that the loss reads and the prediction does not; -1 if there are several or none. */
static int only_read_by_loss(RunLowering *R) {
    const DataSet *set = R->run.data;
    Arena *arena = R->X->arena;
    bool *loss = arena_array(arena, bool, set->column_count + 1),
         *predict = arena_array(arena, bool, set->column_count + 1);
    int found = -1, count = 0;
    for (int i = 0; i < R->evaluate.count; i++)
        if (R->evaluate.items[i].kind == ROOT_SUM) mark_columns(arena, R->evaluate.items[i].node, loss);
    if (R->run.predict) mark_columns(arena, R->run.predict, predict);
    for (int f = 0; f < set->field_count; f++) {
        bool *own = arena_array(arena, bool, set->column_count + 1), some = false, only = true;
        mark_columns(arena, set->fields[f].value, own);
        for (int c = 0; c < set->column_count; c++) {
            some |= own[c];
            only &= !own[c] || (loss[c] && !predict[c]);
        }
        if (!some || !only) continue;
        found = f;
        count++;
    }
    return count == 1 ? found : -1;
}

void target_find(RunLowering *R) {
    ModelCalls calls = calls_in_objective(R);
    R->run.target = calls.distinct == 1 ? field_beside(R, &calls, false) : -1;
    if (R->run.target < 0) R->run.target = only_read_by_loss(R);
    if (calls.distinct == 1) R->run.model_doc = scope_find(R->L->global, calls.call->call.callee->name.text)->doc;
}

bool predict_lower(RunLowering *R) {
    const BlockStmt *setting = block_setting(R->block, KEY_PREDICT);
    const Expr *expr = setting ? each_resolve(R->X, setting->stmt->assign.value) : default_expr(R);
    bool none = expr && expr->kind == EXPR_NAME && strcmp(expr->name.text, "none") == 0;
    if (!expr || none) return true;
    Scope *scope = run_scope(R, MODE_PREDICT, &expr, 1);
    Value *v = without_variables(R->L, scope->variables, lower_expression(R->L, scope, expr));
    if (value_is_poison(v)) return false;
    Node *node = output_node(R, v, expr);
    if (!node) return false;
    R->run.predict = node;
    R->run.predict_name = expr_text(R->X, expr);
    R->run.predict_span = expr->span;
    Root root = {ROOT_ROWS, 0, node, "predict"};
    vector_push(R->X->arena, &R->predictor, root);
    return true;
}
