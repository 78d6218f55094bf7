/* lower_watch: `stop` and `keep` look at reported figures: train.loss, valid.loss, measures, epoch, step; `stop` at the
 * clock too, seconds; `when` of an update at step and epoch.
 *
 * They become small trees for the driver. Which way a measure is better is known of the prelude's; of others
 * highest(...) or lowest(...) says it.
 */
#include "experiment/experiment.h"
#include <string.h>

typedef enum Better { BETTER_UNKNOWN, BETTER_LOW, BETTER_HIGH } Better;
typedef struct Figure {
    const char *text;
    Better better;
} Figure;

static Better better_of_metric(const char *name) {
    static const char *const high[] = {"accuracy", "top_k_accuracy", "precision", "recall", "f1", "r2", "auc"};
    for (size_t i = 0; i < sizeof high / sizeof *high; i++)
        if (strcmp(name, high[i]) == 0) return BETTER_HIGH;
    return strcmp(name, "rmse") == 0 || strcmp(name, "log_loss") == 0 ? BETTER_LOW : BETTER_UNKNOWN;
}

/* A loss (by definition kind) is better when low; a metric of the prelude by its row; else unknown. */
static Better better_of_measure(RunLowering *R, const char *name) {
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key != KEY_MEASURE || strcmp(s->stmt->named.name.text, name) != 0) continue;
        const Expr *value = each_resolve(R->X, s->stmt->named.value);
        if (value->kind != EXPR_CALL || value->call.callee->kind != EXPR_NAME) return BETTER_UNKNOWN;
        Binding *binding = scope_find(R->L->global, value->call.callee->name.text);
        if (!binding || binding->value->kind != VALUE_DEFINITION) return BETTER_UNKNOWN;
        const Definition *definition = binding->value->definition;
        if (definition->kind == DEFINE_LOSS) return BETTER_LOW;
        bool own = scope_find_here(R->L->global, definition->name.text) != NULL;
        return own ? BETTER_UNKNOWN : better_of_metric(definition->name.text);
    }
    return BETTER_UNKNOWN;
}

static bool is_array(const RunLowering *R, const Expr *expr) {
    for (int i = R->run.measure_count; i < R->measures.count; i++)
        if (expr->kind == EXPR_MEMBER && R->measures.items[i].name == expr->member.member.text) return true;
    return false;
}

static bool report_figure(RunLowering *R, const Expr *expr) {
    if (expr->kind == EXPR_ERROR) return false;
    Vector(const char *) names = {0};
    bool valid = R->run.valid || R->run.hold_out != HOLD_OUT_NONE;
    vector_push(R->X->arena, &names, "train.loss");
    if (valid) vector_push(R->X->arena, &names, "valid.loss");
    for (int i = 0; i < R->run.measure_count; i++)
        vector_push(R->X->arena, &names,
                    text_format(R->X->arena, "%s.%s", valid ? "valid" : "train", R->measures.items[i].name));
    const char *text = expr_text(R->X, expr);
    Diagnostic *d = report(R->X->diagnostics, CODE_E0313, expr->span, "%s is not a figure that this block reports",
                           text);
    const char *near = nearest_name(text, names.items, names.count);
    if (is_array(R, expr))
        add_help(R->X->diagnostics, d,
                 "this measure is an array, which has no better and worse: watch one number of it");
    else if (near)
        add_help(R->X->diagnostics, d, "did you mean `%s`?", near);
    else
        add_help(R->X->diagnostics, d,
                 "figures are train.loss, valid.loss, valid.NAME of a measure, epoch, step and seconds");
    if (!valid && strncmp(text, "valid.", 6) == 0)
        add_help(R->X->diagnostics, d, "no rows validate: hold_out = 0.1 or valid = DATA gives some");
    return false;
}

/* --overfit holds out no rows: what the program says of rows that validate is meant of those that train. */
static bool learns_by_heart(const RunLowering *R) {
    return R->X->options->overfit && block_setting(R->block, KEY_HOLD_OUT);
}

static void say_figure_of_training(RunLowering *R, const Expr *expr) {
    Diagnostic *d = report(R->X->diagnostics, CODE_N0304, expr->span,
                           "with --overfit no rows validate: %s is taken of the rows that train",
                           expr_text(R->X, expr));
    add_help(R->X->diagnostics, d, "--set 'stop=train.loss < 0.001' and --set keep=last say it otherwise");
}

static void mean_measure(RunLowering *R, Word name) {
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key == KEY_MEASURE && s->stmt->named.name.text == name.text)
            meaning_use(R->L, name, s->stmt->named.name.span, NULL);
    }
}

static bool is_count(const char *name) {
    return strcmp(name, "epoch") == 0 || strcmp(name, "step") == 0 || strcmp(name, "seconds") == 0;
}

static bool figure_of(RunLowering *R, const Expr *expr, Figure *figure) {
    bool valid = R->run.valid || R->run.hold_out != HOLD_OUT_NONE;
    if (expr->kind == EXPR_NAME && is_count(expr->name.text)) {
        *figure = (Figure){expr->name.text, BETTER_UNKNOWN};
        return true;
    }
    if (expr->kind != EXPR_MEMBER || expr->member.base->kind != EXPR_NAME) return report_figure(R, expr);
    const char *base = expr->member.base->name.text, *name = expr->member.member.text;
    bool of_train = strcmp(base, "train") == 0, of_valid = strcmp(base, "valid") == 0;
    if (of_valid && !valid && learns_by_heart(R)) {
        say_figure_of_training(R, expr);
        base = "train";
        of_valid = false;
        of_train = true;
    }
    if ((!of_train && !of_valid) || (of_valid && !valid)) return report_figure(R, expr);
    if (strcmp(name, "loss") == 0) {
        *figure = (Figure){text_format(R->X->arena, "%s.loss", base), BETTER_LOW};
        return true;
    }
    for (int i = 0; i < R->run.measure_count; i++)
        if (strcmp(R->measures.items[i].name, name) == 0 && of_valid == valid) {
            mean_measure(R, expr->member.member);
            *figure = (Figure){text_format(R->X->arena, "valid.%s", name), better_of_measure(R, name)};
            return true;
        }
    return report_figure(R, expr);
}

static bool report_direction(RunLowering *R, const Expr *expr, const char *usage) {
    Diagnostic *d = report(R->X->diagnostics, CODE_E0313, expr->span,
                           "it is not known whether %s is better high or low", expr_text(R->X, expr));
    add_help(R->X->diagnostics, d, "%s", usage);
    return false;
}

/* figure, highest(figure) or lowest(figure) */
static bool directed_figure(RunLowering *R, const Expr *expr, Figure *figure) {
    bool call = expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME && expr->call.args.count == 1;
    const char *name = call ? expr->call.callee->name.text : "";
    bool high = strcmp(name, "highest") == 0, low = strcmp(name, "lowest") == 0;
    const Expr *inner = high || low ? expr->call.args.items[0].value : expr;
    if (!figure_of(R, inner, figure)) return false;
    if (inner->kind == EXPR_NAME) {
        report(R->X->diagnostics, CODE_E0313, inner->span, "%s only grows: it does not say how good the training is",
               figure->text);
        return false;
    }
    if (high || low) figure->better = high ? BETTER_HIGH : BETTER_LOW;
    return true;
}

bool watch_directed_figure(RunLowering *R, const Expr *expr, const char *usage, const char **name, bool *highest) {
    Figure figure;
    if (!directed_figure(R, expr, &figure)) return false;
    if (figure.better == BETTER_UNKNOWN) return report_direction(R, expr, usage);
    *name = figure.text;
    *highest = figure.better == BETTER_HIGH;
    return true;
}

bool watch_epochs(RunLowering *R, const Expr *expr, const char *usage, double *epochs) {
    bool good = expr->kind == EXPR_QUANTITY && expr->quantity.is_integer && expr->quantity.value >= 1 &&
                (strcmp(expr->quantity.unit.text, "epochs") == 0 || strcmp(expr->quantity.unit.text, "epoch") == 0);
    if (good) {
        *epochs = expr->quantity.value;
        return true;
    }
    if (expr->kind == EXPR_ERROR) return false;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span, "a number of epochs is waited for here");
    add_help(R->X->diagnostics, d, "%s", usage);
    return false;
}

/* ---- stop -------------------------------------------------------------------------------------------- */
static Watch *new_watch(RunLowering *R, Watch watch) { return arena_copy(R->X->arena, &watch, sizeof watch); }

static Watch *bad_condition(RunLowering *R, const Expr *expr) {
    if (expr->kind == EXPR_ERROR) return NULL;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0313, expr->span, "this is no condition on reported figures");
    add_help(R->X->diagnostics, d, "like this: stop = stalled(valid.loss, 3 epochs) or train.loss < 0.01");
    return NULL;
}

static Watch *lower_stalled(RunLowering *R, const Expr *expr) {
    static const char *const usage =
        "stalled(valid.loss, 3 epochs); of a measure: stalled(highest(valid.NAME), 3 epochs)";
    Watch watch = {.kind = WATCH_STALLED};
    if (expr->call.args.count != 2) return bad_condition(R, expr);
    const Expr *first = expr->call.args.items[0].value, *second = each_resolve(R->X, expr->call.args.items[1].value);
    if (!watch_directed_figure(R, first, usage, &watch.figure, &watch.highest)) return NULL;
    return watch_epochs(R, second, usage, &watch.number) ? new_watch(R, watch) : NULL;
}

static bool watch_kind_of(Operator op, WatchKind *kind) {
    switch (op) {
    case OPERATOR_AND: *kind = WATCH_AND; return true;
    case OPERATOR_OR: *kind = WATCH_OR; return true;
    case OPERATOR_LT: *kind = WATCH_LT; return true;
    case OPERATOR_LE: *kind = WATCH_LE; return true;
    case OPERATOR_GT: *kind = WATCH_GT; return true;
    case OPERATOR_GE: *kind = WATCH_GE; return true;
    default: return false;
    }
}

/* A side of a comparison: a figure or a number. */
static Watch *lower_side(RunLowering *R, const Expr *expr) {
    Figure figure;
    expr = each_resolve(R->X, expr);
    bool word = expr->kind == EXPR_NAME && is_count(expr->name.text);
    if (expr->kind == EXPR_MEMBER || word)
        return figure_of(R, expr, &figure) ? new_watch(R, (Watch){.kind = WATCH_FIGURE, .figure = figure.text}) : NULL;
    double number;
    Value *v = lower_expression(R->L, R->L->global, expr);
    if (!lower_constant_number(R->L, v, expr->span, "the limit", &number)) return NULL;
    return new_watch(R, (Watch){.kind = WATCH_NUMBER, .number = number});
}

/* What conditions of one kind have at their leaves and at the sides of their comparisons, and what is said of others. */
typedef struct ConditionKind {
    bool (*is_leaf)(const Expr *expr);
    Watch *(*leaf)(RunLowering *R, const Expr *expr), *(*side)(RunLowering *R, const Expr *expr);
    Watch *(*bad)(RunLowering *R, const Expr *expr);
} ConditionKind;

static Watch *lower_condition(RunLowering *R, const ConditionKind *kind, const Expr *expr) {
    Watch watch = {0};
    expr = each_resolve(R->X, expr);
    if (kind->is_leaf(expr)) return kind->leaf(R, expr);
    if (expr->kind == EXPR_UNARY && expr->unary.op == OPERATOR_NOT) {
        watch.kind = WATCH_NOT;
        watch.left = lower_condition(R, kind, expr->unary.operand);
        return watch.left ? new_watch(R, watch) : NULL;
    }
    if (expr->kind != EXPR_BINARY || !watch_kind_of(expr->binary.op, &watch.kind)) return kind->bad(R, expr);
    bool joins = watch.kind == WATCH_AND || watch.kind == WATCH_OR;
    watch.left = joins ? lower_condition(R, kind, expr->binary.left) : kind->side(R, expr->binary.left);
    watch.right = joins ? lower_condition(R, kind, expr->binary.right) : kind->side(R, expr->binary.right);
    return watch.left && watch.right ? new_watch(R, watch) : NULL;
}

/* ---- stop ------------------------------------------------------------------------------------------- */
static bool is_stalled(const Expr *expr) {
    return expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME &&
           strcmp(expr->call.callee->name.text, "stalled") == 0;
}

static const ConditionKind of_stop = {is_stalled, lower_stalled, lower_side, bad_condition};

/* ---- when ------------------------------------------------------------------------------------------- */
static Watch *bad_when(RunLowering *R, const Expr *expr) {
    if (expr->kind == EXPR_ERROR) return NULL;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span, "this does not say when an update is taken");
    add_help(R->X->diagnostics, d,
             "like this: when = every 5 steps, every 2 epochs, epoch >= 3 or step < 100, with and, or, not "
             "between them");
    return NULL;
}

static Watch *lower_every(RunLowering *R, const Expr *expr) {
    const Expr *inner = each_resolve(R->X, expr->inner);
    const char *unit = inner->kind == EXPR_QUANTITY ? inner->quantity.unit.text
                       : inner->kind == EXPR_NAME   ? inner->name.text
                                                    : "";
    double every = inner->kind == EXPR_QUANTITY ? inner->quantity.value : 1;
    bool steps = strcmp(unit, "steps") == 0 || strcmp(unit, "step") == 0;
    bool epochs = strcmp(unit, "epochs") == 0 || strcmp(unit, "epoch") == 0;
    bool whole = inner->kind != EXPR_QUANTITY || inner->quantity.is_integer;
    if ((!steps && !epochs) || !whole || every < 1 || every > 1e9) return bad_when(R, expr);
    return new_watch(R, (Watch){.kind = WATCH_EVERY, .number = every, .figure = steps ? "step" : "epoch"});
}

/* step, epoch or a number. */
static Watch *lower_when_side(RunLowering *R, const Expr *expr) {
    static const char *const counters[] = {"step", "epoch"};
    expr = each_resolve(R->X, expr);
    for (int i = 0; expr->kind == EXPR_NAME && i < 2; i++)
        if (strcmp(expr->name.text, counters[i]) == 0)
            return new_watch(R, (Watch){.kind = WATCH_FIGURE, .figure = counters[i]});
    if (expr->kind == EXPR_MEMBER) return bad_when(R, expr);
    double number;
    Value *v = lower_expression(R->L, R->L->global, expr);
    if (!lower_constant_number(R->L, v, expr->span, "the limit", &number)) return NULL;
    return new_watch(R, (Watch){.kind = WATCH_NUMBER, .number = number});
}

static bool is_every(const Expr *expr) { return expr->kind == EXPR_EVERY; }

static const ConditionKind of_when = {is_every, lower_every, lower_when_side, bad_when};

const Watch *watch_lower_when(RunLowering *R, const Expr *expr) { return lower_condition(R, &of_when, expr); }

/* ---- keep -------------------------------------------------------------------------------------------- */
static bool lower_keep(RunLowering *R, const Expr *expr) {
    static const char *const usage = "keep = best(valid.loss); of a measure: highest(valid.NAME) or lowest(valid.NAME)";
    Figure figure;
    if (expr->kind == EXPR_NAME && strcmp(expr->name.text, "last") == 0) return true;
    bool call = expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME && expr->call.args.count == 1;
    const char *name = call ? expr->call.callee->name.text : "";
    bool best = strcmp(name, "best") == 0;
    if (!best && strcmp(name, "highest") != 0 && strcmp(name, "lowest") != 0) {
        if (expr->kind == EXPR_ERROR) return false;
        Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span, "this is no value of keep");
        add_help(R->X->diagnostics, d, "%s", usage);
        return false;
    }
    const Expr *inner = best ? expr->call.args.items[0].value : expr;
    if (!directed_figure(R, inner, &figure)) return false;
    if (figure.better == BETTER_UNKNOWN) return report_direction(R, inner, usage);
    R->run.keep_figure = figure.text;
    R->run.keep_highest = figure.better == BETTER_HIGH;
    return true;
}

bool watch_lower(RunLowering *R) {
    const BlockStmt *stop = block_setting(R->block, KEY_STOP), *keep = block_setting(R->block, KEY_KEEP);
    bool good = true;
    if (stop) {
        R->run.stop = lower_condition(R, &of_stop, stop->stmt->assign.value);
        good = R->run.stop != NULL;
    }
    if (keep) good &= lower_keep(R, each_resolve(R->X, keep->stmt->assign.value));
    return good;
}
