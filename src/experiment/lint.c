/* lower_lint: mistakes that compile and show only in the whole experiment: a softmax before a loss that
 * has its own, a batch larger than the data, parameters that nothing moves, a predict that serves
 * something that was not trained, a metric of a class that nobody chose.
 */
#include "experiment/experiment.h"
#include <string.h>

/* ---- softmax before cross_entropy -------------------------------------------------------------------- */
static const Expr *local_value(RunLowering *R, Name name) {
    for (int i = R->block->body.count - 1; i >= 0; i--) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key == KEY_LOCAL && s->stmt->kind == STMT_ASSIGN && s->stmt->assign.key.text == name &&
            !s->stmt->assign.has_binders)
            return s->stmt->assign.value;
    }
    return NULL;
}

static const Expr *returned(const Definition *definition) {
    if (definition->value) return definition->value;
    for (int i = definition->body.count - 1; i >= 0; i--) {
        const Stmt *stmt = definition->body.items[i];
        if (stmt && stmt->kind == STMT_RETURN && stmt->ret.values.count == 1) return stmt->ret.values.items[0];
    }
    return NULL;
}

/* The last value a definition's body gives to a name. */
static const Expr *bound_in(const Definition *definition, Name name) {
    for (int i = definition->body.count - 1; i >= 0; i--) {
        const Stmt *stmt = definition->body.items[i];
        if (stmt && stmt->kind == STMT_ASSIGN && stmt->assign.key.text == name && !stmt->assign.has_binders)
            return stmt->assign.value;
    }
    return NULL;
}

/* The call of `word` whose result the expression is, through local names and what definitions return. */
static const Expr *ends_in(RunLowering *R, const Expr *expr, const Definition *inside, const char *word, int depth) {
    if (!expr || depth > 8) return NULL;
    if (expr->kind == EXPR_NAME) {
        const Expr *value = inside ? bound_in(inside, expr->name.text) : local_value(R, expr->name.text);
        return ends_in(R, value, inside, word, depth + 1);
    }
    if (expr->kind != EXPR_CALL || expr->call.callee->kind != EXPR_NAME) return NULL;
    if (strcmp(expr->call.callee->name.text, word) == 0) return expr;
    Binding *binding = scope_find(R->L->global, expr->call.callee->name.text);
    if (!binding || binding->value->kind != VALUE_DEFINITION ||
        scope_find_here(R->L->prelude, expr->call.callee->name.text))
        return NULL;
    const Definition *definition = binding->value->definition;
    return ends_in(R, returned(definition), definition, word, depth + 1);
}

typedef struct LossRow {
    const char *loss, *word, *advice;
} LossRow;
static const LossRow loss_rows[] = {
    {"cross_entropy", "softmax",
     "cross_entropy takes the scores themselves; softmax belongs into predict = softmax(...)"},
    {"cross_entropy", "log_softmax",
     "cross_entropy takes the scores themselves; of log_softmax it is negative_log_likelihood"},
    {"cross_entropy", "sigmoid", "cross_entropy takes the scores themselves, without sigmoid"},
    {"binary_cross_entropy", "sigmoid",
     "binary_cross_entropy takes the score itself; sigmoid belongs into predict = sigmoid(...)"},
    {"binary_cross_entropy", "softmax", "binary_cross_entropy takes the score itself, without softmax"},
    {"negative_log_likelihood", "softmax", "negative_log_likelihood takes logarithms: log_softmax, not softmax"},
};

static void lint_loss(const Expr *expr, void *context) {
    RunLowering *R = context;
    if (expr->kind != EXPR_CALL || expr->call.callee->kind != EXPR_NAME || expr->call.args.count == 0) return;
    for (size_t i = 0; i < sizeof loss_rows / sizeof *loss_rows; i++) {
        const LossRow *row = &loss_rows[i];
        bool shadowed = scope_find_here(R->L->global, expr->call.callee->name.text) != NULL;
        if (shadowed || strcmp(expr->call.callee->name.text, row->loss) != 0) continue;
        const Expr *found = ends_in(R, expr->call.args.items[0].value, NULL, row->word, 0);
        if (!found) continue;
        Diagnostic *d = report(R->X->diagnostics, CODE_W0301, expr->call.args.items[0].value->span,
                               "%s is given the result of %s, and has its own inside", row->loss, row->word);
        if (found != expr->call.args.items[0].value)
            add_note(R->X->diagnostics, d, found->span, "%s is here", row->word);
        add_help(R->X->diagnostics, d, "%s", row->advice);
    }
}

/* ---- batch ------------------------------------------------------------------------------------------- */
static int64_t known_rows(const DataSet *set) {
    int64_t rows = source_rows(set->kind) == ROWS_MADE ? set->rows
                   : set->rows_end >= 0                ? set->rows_end - set->rows_begin
                                                       : -1;
    return set->keep || rows < 0 ? -1 : rows * set->copies;
}

static void lint_batch(RunLowering *R) {
    int64_t rows = known_rows(R->run.data);
    if (R->run.batch == 0 || rows < 0 || R->run.batch <= rows || R->run.order == ORDER_REPLACEMENT) return;
    if (R->X->options->overfit) return;
    Diagnostic *d = report(R->X->diagnostics, CODE_W0310, R->run.batch_span,
                           "a batch of %lld rows is more than the %lld rows of data %s", (long long)R->run.batch,
                           (long long)rows, R->run.data->name);
    add_help(R->X->diagnostics, d, "batch = all takes all rows in every step");
}

/* ---- parameters -------------------------------------------------------------------------------------- */
/* Parameters met while lowering what is minimized, and that it does not depend on: one warning for all. */
static void lint_parameters(RunLowering *R) {
    enum { MOST_NAMES = 4 };
    Text names = text_new(R->X->arena);
    Span first = R->block->name.span;
    int count = 0;
    for (int i = 0; i < R->objective_cells; i++) {
        const Cell *cell = &R->run.cells[i];
        if (cell->kind != CELL_PARAMETER || cell->updated || !rule_trains_inside(R, cell->name)) continue;
        bool read = false;
        for (int t = 0; t < R->run.term_count && !read; t++)
            read = node_reads_cell(R->X->arena, R->run.terms[t].value, i);
        if (read) continue;
        if (count == 0) first = cell->span;
        if (count < MOST_NAMES) text_add(&names, "%s%s", count ? ", " : "", cell->name);
        if (count++ == MOST_NAMES) text_add(&names, ", ...");
    }
    if (count == 0) return;
    report(R->X->diagnostics, CODE_W0303, first, "%s %s not change: what %s minimizes does not depend on %s",
           names.bytes, count == 1 ? "does" : "do", R->block->name.text, count == 1 ? "it" : "them");
}

/* ---- predict ----------------------------------------------------------------------------------------- */
typedef struct ModelNames {
    RunLowering *R;
    Vector(const Expr *) calls;
} ModelNames;

static void gather_models(const Expr *expr, void *context) {
    ModelNames *models = context;
    if (expr->kind != EXPR_CALL || expr->call.callee->kind != EXPR_NAME) return;
    Binding *binding = scope_find(models->R->L->global, expr->call.callee->name.text);
    if (binding && binding->value->kind == VALUE_DEFINITION && binding->value->definition->kind == DEFINE_MODEL)
        vector_push(models->R->X->arena, &models->calls, expr->call.callee);
}

/* A model whose parameters no update touches, and no other run left here. */
static void lint_predict(RunLowering *R) {
    const BlockStmt *setting = block_setting(R->block, KEY_PREDICT);
    ModelNames models = {.R = R};
    if (!setting || !R->run.predict || R->run.start_run >= 0 || R->run.start_file) return;
    const Expr *expr = each_resolve(R->X, setting->stmt->assign.value);
    bool *needed = run_needed(R, &expr, 1);
    expr_visit(expr, gather_models, &models);
    for (int i = 0; i < R->block->body.count; i++)
        if (needed[i]) stmt_visit(R->block->body.items[i].stmt, gather_models, &models);
    for (int i = 0; i < models.calls.count; i++) {
        const Expr *callee = models.calls.items[i];
        bool has = false, moves = false;
        for (int c = 0; c < R->run.cell_count; c++) {
            const Cell *cell = &R->run.cells[c];
            if (cell->kind != CELL_PARAMETER || !node_reads_cell(R->X->arena, R->run.predict, c)) continue;
            has |= module_covers(callee->name.text, cell->name);
            moves |= cell->updated;
        }
        if (!has || moves) continue;
        Diagnostic *d = report(R->X->diagnostics, CODE_W0304, expr->span,
                               "predict serves %s, and nothing that is minimized trains it", callee->name.text);
        add_note(R->X->diagnostics, d, R->run.terms[0].span, "this is minimized");
    }
}

/* ---- precision of which class? ------------------------------------------------------------------------ */
static bool is_of_one_class(RunLowering *R, const char *name) {
    static const char *const metrics[] = {"precision", "recall", "f1"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, metrics[i]) == 0) return scope_find_here(R->L->global, name_from(R->X->names, name)) == NULL;
    return false;
}

/* The classes of a label among the arguments; 0: there is none. */
static int64_t classes_of(RunLowering *R, const Expr *call) {
    int64_t classes = 0;
    for (int i = 0; i < call->call.args.count; i++) {
        const Expr *arg = call->call.args.items[i].value;
        int field = data_field_of(R->X, R->run.data, arg);
        if (field >= 0 && R->run.data->fields[field].classes > classes) classes = R->run.data->fields[field].classes;
    }
    return classes;
}

static void lint_metric(const Expr *expr, void *context) {
    RunLowering *R = context;
    if (expr->kind != EXPR_CALL || expr->call.callee->kind != EXPR_NAME) return;
    const char *name = expr->call.callee->name.text;
    int64_t classes = is_of_one_class(R, name) ? classes_of(R, expr) : 0;
    if (classes <= 2 || expr->call.args.count > 2) return;
    Diagnostic *d = report(R->X->diagnostics, CODE_W0316, expr->span,
                           "%s is of one class, and here it is class 1 of %lld", name, (long long)classes);
    add_help(R->X->diagnostics, d, "say which: %s(..., of = 1); class_%s(...) has one for each class", name, name);
}

void lint_run(RunLowering *R) {
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key == KEY_MINIMIZE || s->key == KEY_LOCAL) stmt_visit(s->stmt, lint_loss, R);
        if (s->key == KEY_MEASURE) stmt_visit(s->stmt, lint_metric, R);
    }
    lint_batch(R);
    lint_parameters(R);
    lint_predict(R);
}
