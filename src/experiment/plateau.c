/* plateau: `lr = 0.1 * plateau(valid.loss, 5 epochs, factor = 0.5)`: a factor that is halved when the figure has not
 * improved for 5 epochs, and again when it has not for 5 more.
 *
 * What it remembers are three cells of the run, so they are saved and go on as an optimizer's state does. Nothing in the
 * graph changes them: whoever loops around the steps does (runtime/plateau.h), at the end of whole epochs. Of a rate that
 * is lowered several times, for parameters of other types or ranks, each time the same plateau is meant.
 */
#include "experiment/experiment.h"
#include <math.h>
#include <string.h>

static const char *const usage =
    "plateau(valid.loss, 5 epochs, factor = 0.5); of a measure: plateau(highest(valid.NAME), "
    "5 epochs)";

static int new_cell(RunLowering *R, const char *stem, const char *name, double start, Span span) {
    Node *initial = graph_const(R->L->graph, DTYPE_F64, (Shape){0}, start);
    return lower_cell(R->L, CELL_OPTIMIZER, text_format(R->X->arena, "%s.%s", stem, name), DTYPE_F64, (Shape){0},
                      initial, span);
}

static bool lower_factor(RunLowering *R, Scope *scope, const Argument *arg, double *by) {
    Experiment *X = R->X;
    *by = 0.1;
    if (!arg) return true;
    const Expr *expr = each_resolve(X, arg->value);
    if (!lower_constant_number(R->L, lower_expression(R->L, scope, expr), expr->span, "the factor", by)) return false;
    if (*by > 0 && *by < 1) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0304, expr->span, "a rate falls by a factor between 0 and 1");
    add_help(X->diagnostics, d, "%s", usage);
    return false;
}

/* The third argument, with its name or without; NULL: there is none. False: the call has another form. */
static bool arguments_fit(const ArgumentList *args, const Argument **factor) {
    *factor = args->count == 3 ? &args->items[2] : NULL;
    if (args->count < 2 || args->count > 3 || args->items[0].name.text || args->items[1].name.text) return false;
    return !*factor || !(*factor)->name.text || strcmp((*factor)->name.text, "factor") == 0;
}

static bool new_plateau(RunLowering *R, Scope *scope, const Expr *call, Plateau *made) {
    const ArgumentList *args = &call->call.args;
    const Argument *factor;
    if (!arguments_fit(args, &factor)) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0204, call->span,
                               "plateau takes a figure and a number of epochs");
        add_help(R->X->diagnostics, d, "%s", usage);
        return false;
    }
    if (!watch_directed_figure(R, args->items[0].value, usage, &made->figure, &made->highest) ||
        !watch_epochs(R, each_resolve(R->X, args->items[1].value), usage, &made->epochs) ||
        !lower_factor(R, scope, factor, &made->by))
        return false;
    int number = R->plateaus.count + 1;
    const char *stem = number == 1 ? "plateau" : text_format(R->X->arena, "plateau.%d", number);
    made->factor = new_cell(R, stem, "factor", 1, call->span);
    made->best = new_cell(R, stem, "best", made->highest ? -INFINITY : INFINITY, call->span);
    made->waited = new_cell(R, stem, "waited", 0, call->span);
    return true;
}

static Value *lower_plateau(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    RunLowering *R = ((Experiment *)context)->run;
    (void)args;
    if (!R) {
        lower_error(L, CODE_E0213, call->span, "plateau belongs into the learning rate of a train block");
        return value_poison(L);
    }
    int at = 0;
    while (at < R->plateaus.count && R->plateau_calls.items[at] != call) at++;
    if (at == R->plateaus.count) {
        Plateau made = {0};
        if (!new_plateau(R, scope, call, &made)) return value_poison(L);
        vector_push(L->arena, &R->plateaus, made);
        vector_push(L->arena, &R->plateau_calls, call);
    }
    Value *factor = lower_cell_value(L, R->plateaus.items[at].factor);
    return value_tensor(L, graph_cast(L->graph, factor->node, L->real), 0);
}

void plateau_bind(Experiment *X) {
    static const Builtin builtin = {
        "plateau",
        2,
        3,
        true,
        lower_plateau,
        "plateau(valid.loss, 5 epochs, factor = 0.1)",
        "in a learning rate: 1, times the factor whenever the figure has not improved for so long"};
    scope_bind(X->L, X->L->prelude, name_from(X->names, builtin.name), value_builtin(X->L, &builtin, X), (Span){0, 0});
}
