/* lower_objective: when are the figures of two runs of the same thing?
 *
 * What is minimized or measured is told as text in which names that are bound in the block or at the top of the file
 * are replaced by what they stand for, `each` by what the run has chosen, and every model by the word model. Runs with
 * the same text, judged on rows of the same data, can be compared, whatever their models. The text is compared, never shown.
 */
#include "experiment/experiment.h"

enum { DEEPEST = 8, LONGEST = 4000 }; /* names in names; a longer text is cut */

typedef struct Telling {
    RunLowering *R;
    Text text;
    int depth;
} Telling;

static void tell(Telling *telling, const Expr *expr);

static bool is_model(const Experiment *X, Name name) {
    const Binding *binding = scope_find(X->L->global, name);
    return binding && binding->value->kind == VALUE_DEFINITION && binding->value->definition->kind == DEFINE_MODEL;
}

/* The last local binding of the block, else the setting of the file; NULL for other names. */
static const Expr *bound_value(RunLowering *R, Name name) {
    Experiment *X = R->X;
    for (int i = R->block->body.count - 1; i >= 0; i--) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key != KEY_LOCAL) continue;
        if (s->stmt->kind == STMT_ASSIGN && s->stmt->assign.key.text == name) return s->stmt->assign.value;
        if (s->stmt->kind == STMT_TYPED && s->stmt->bind.name.text == name) return s->stmt->bind.value;
    }
    const Override *override = override_find(X, name);
    for (int i = 0; i < X->settings.count; i++)
        if (X->settings.items[i].name.text == name) return override ? override->value : X->settings.items[i].value;
    return NULL;
}

static void tell_name(Telling *telling, Name name) {
    const Expr *value = bound_value(telling->R, name);
    if (is_model(telling->R->X, name))
        text_add(&telling->text, "model ");
    else if (value)
        tell(telling, value);
    else
        text_add(&telling->text, "%s ", name);
}

static void tell_one(const Expr *expr, void *context) {
    Telling *telling = context;
    Text *text = &telling->text;
    if (text->length > LONGEST) return;
    text_add(text, "%d ", (int)expr->kind);
    switch (expr->kind) {
    case EXPR_NAME: tell_name(telling, expr->name.text); break;
    case EXPR_NUMBER: text_add(text, "%a ", expr->number.value); break;
    case EXPR_QUANTITY: text_add(text, "%a %s ", expr->quantity.value, expr->quantity.unit.text); break;
    case EXPR_STRING: text_add_bytes(text, expr->string.bytes, expr->string.length); break;
    case EXPR_UNARY: text_add(text, "%s ", operator_text(expr->unary.op)); break;
    case EXPR_BINARY: text_add(text, "%s ", operator_text(expr->binary.op)); break;
    case EXPR_MEMBER: text_add(text, ".%s ", expr->member.member.text); break;
    case EXPR_CALL:
        for (int i = 0; i < expr->call.args.count; i++)
            text_add(text, "%s, ", expr->call.args.items[i].name.text ? expr->call.args.items[i].name.text : "");
        break;
    case EXPR_EACH: tell(telling, each_chosen(telling->R->X, expr)); break;
    default: break;
    }
}

static void tell(Telling *telling, const Expr *expr) {
    if (telling->depth == DEEPEST) return;
    telling->depth++;
    expr_visit(expr, tell_one, telling);
    telling->depth--;
}

const char *objective_of_measure(RunLowering *R, const Expr *expr) {
    Telling telling = {R, text_new(R->X->arena), 0};
    tell(&telling, expr);
    return telling.text.bytes;
}

const char *objective_of_run(RunLowering *R) {
    Telling telling = {R, text_new(R->X->arena), 0};
    text_add(&telling.text, "%s ", R->run.valid ? R->run.valid->name : R->run.data->name);
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key != KEY_MINIMIZE) continue;
        tell(&telling, s->stmt->kind == STMT_NAMED ? s->stmt->named.value : s->stmt->assign.value);
        text_add(&telling.text, "; ");
    }
    return telling.text.bytes;
}
