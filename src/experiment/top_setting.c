/* top_setting: the values of top-level settings for the choice at hand, and which of them something used. */
#include "experiment/experiment.h"

void settings_clear_used(Experiment *X) {
    for (int i = 0; i < X->settings.count; i++) {
        TopSetting *setting = &X->settings.items[i];
        if (!setting->binding) continue;
        setting->ever_used |= setting->binding->used;
        setting->binding->used = false;
    }
}

uint64_t settings_used(const Experiment *X) {
    uint64_t used = 0;
    for (int i = 0; i < X->settings.count; i++)
        if (X->settings.items[i].binding && X->settings.items[i].binding->used) used |= X->settings.items[i].depends;
    return used;
}

typedef struct OwnSites {
    Experiment *X;
    uint64_t mask;
} OwnSites;

static void visit_own_site(const Expr *expr, void *context) {
    OwnSites *own = context;
    for (int i = 0; expr->kind == EXPR_EACH && i < own->X->top_sites.count; i++)
        if (own->X->top_sites.items[i].each == expr) own->mask |= (uint64_t)1 << i;
}

static bool is_literal(const Expr *expr) {
    if (expr->kind == EXPR_UNARY && expr->unary.op == OPERATOR_NEG) expr = expr->unary.operand;
    return expr->kind == EXPR_NUMBER;
}

void settings_bind(Experiment *X, bool in_run) {
    Lowering *L = X->L;
    Vector(bool) used = {0};
    for (int i = 0; i < X->settings.count; i++)
        vector_push(X->arena, &used, X->settings.items[i].binding && X->settings.items[i].binding->used);
    for (int i = 0; i < X->settings.count; i++) {
        TopSetting *setting = &X->settings.items[i];
        OwnSites own = {X, 0};
        settings_clear_used(X);
        L->no_models = "a setting of the file";
        Value *value = lower_expression(L, L->global, setting->value);
        L->no_models = NULL;
        expr_visit(setting->value, visit_own_site, &own);
        setting->depends = own.mask | settings_used(X);
        bool literal = is_literal(each_resolve(X, setting->value));
        if (in_run && value_is_number(value) && literal)
            value = lower_slot(L, setting->name.text, value, setting->value->span);
        setting->binding = scope_bind(L, L->global, setting->name.text, value, setting->name.span);
        setting->binding->doc = setting->doc;
    }
    for (int i = 0; i < X->settings.count; i++) X->settings.items[i].binding->used = used.items[i];
}
