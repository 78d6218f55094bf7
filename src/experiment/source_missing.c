/* source_missing: what stands for a missing value: column("age", missing = mean). In memory it stays missing, a NaN, and what
 * stands for it is chosen where the column is read: so a program can ask as well (is_missing), and an application hands over
 * NaN. A mean or a median is a statistic of the rows that train.
 */
#include "experiment/experiment.h"
#include <math.h>
#include <string.h>

bool missing_read(SourceContext *context, Scope *scope, const Expr *expr, Missing *missing) {
    Lowering *L = context->X->L;
    const char *word = expr->kind == EXPR_NAME ? expr->name.text : "";
    missing->span = expr->span;
    missing->kind = !strcmp(word, "mean")     ? SAYS_MEAN
                    : !strcmp(word, "median") ? SAYS_MEDIAN
                    : !strcmp(word, "error")  ? SAYS_ERROR
                                              : SAYS_NUMBER;
    if (missing->kind != SAYS_NUMBER) return true;
    Value *v = lower_expression(L, scope, expr);
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_STRING) return lower_constant_number(L, v, expr->span, "missing", &missing->number);
    missing->kind = SAYS_WORD;
    return lower_constant_string(L, v, expr->span, "missing", &missing->word);
}

bool missing_is_said(const Expr *call) {
    for (int i = 0; call->kind == EXPR_CALL && i < call->call.args.count; i++)
        if (call->call.args.items[i].name.text) return true;
    return false;
}

static bool refuse(SourceContext *context, const Missing *missing, const char *what, const char *help) {
    Diagnostic *d = report(context->X->diagnostics, CODE_E0443, missing->span, "%s", what);
    add_help(context->X->diagnostics, d, "%s", help);
    context->broken = true;
    return false;
}

static bool is_learnt(const Missing *missing) { return missing->kind == SAYS_MEAN || missing->kind == SAYS_MEDIAN; }

bool missing_settle(SourceContext *context, Column *column, const Missing *missing) {
    if (missing->kind == SAYS_ERROR) column->missing = MISSING_ERROR;
    if (context->asks_missing) column->missing = MISSING_NAN;
    if (missing->kind == SAYS_NOTHING || missing->kind == SAYS_ERROR) return true;
    bool texts = column->learns_words || column->remap_words;
    if (texts && missing->kind != SAYS_WORD)
        return refuse(context, missing, "what is missing among texts is a text",
                      "missing = \"unknown\" makes a class of it");
    if (texts) {
        column->missing_word = missing->word;
        return true;
    }
    if (missing->kind == SAYS_WORD)
        return refuse(context, missing, "missing is mean, median, a number, or error",
                      "a text stands for missing texts only: classes(column(\"region\", missing = \"unknown\"))");
    if (column->dtype != DTYPE_I32) {
        if (is_learnt(missing) && context->field < 0)
            return refuse(context, missing, "keep looks at rows before their mean is known",
                          "keep = not is_missing(column(...)) leaves them out");
        column->missing = MISSING_NAN;
        return true;
    }
    if (is_learnt(missing))
        return refuse(context, missing, "a whole number or a class has no mean that stands for it", "missing = 0");
    column->missing = MISSING_NUMBER;
    column->missing_value = missing->number;
    return true;
}

/* The statistic of the field's rows as a value of the run, in the column's type. In the data set's own graph, which is
 * evaluated before there are any, what is missing stays so. */
static Node *learnt(SourceContext *context, const Expr *call, int column, const Missing *missing) {
    Graph *g = context->X->L->graph;
    const Column *c = &context->variant->columns.items[column];
    StatisticKind kind = missing->kind == SAYS_MEAN ? STATISTIC_MEAN : STATISTIC_MEDIAN;
    int statistic = statistic_at(context, kind, column, c->shape, call);
    if (context->making) context->variant->fields.items[context->field].filled = true;
    if (context->making) return NULL;
    Node *cell = graph_leaf(g, OP_CELL, DTYPE_F64, c->shape, context->variant->statistics.items[statistic].cell);
    return graph_cast(g, cell, c->dtype);
}

Value *missing_fill(SourceContext *context, const Expr *call, int column, const Missing *missing, Value *v) {
    Lowering *L = context->X->L;
    const Column *c = &context->variant->columns.items[column];
    if (context->asks_missing || c->missing != MISSING_NAN || missing->kind == SAYS_NOTHING) return v;
    Node *fill = missing->kind == SAYS_NUMBER ? graph_const(L->graph, c->dtype, c->shape, missing->number)
                                              : learnt(context, call, column, missing);
    if (!fill) return v;
    Node *is_missing = graph_binary(L->graph, OP_NE, v->node, v->node);
    return value_tensor(L, graph_where(L->graph, is_missing, fill, v->node), 0);
}
