/* train: the runs of a train block: one per combination of the `each` it depends on. The first run is lowered to learn
 * which top-level settings the block depends on.
 */
#include "experiment/experiment.h"

typedef struct Replaced {
    Experiment *X;
    EachSites *sites;
} Replaced;

static void drop_replaced_arguments(const Expr *expr, void *context) {
    Replaced *replaced = context;
    if (expr->kind != EXPR_CALL || expr->call.callee->kind != EXPR_NAME) return;
    for (int i = 0; i < expr->call.args.count; i++) {
        const Argument *arg = &expr->call.args.items[i];
        if (!arg->name.text) continue;
        const char *callee = expr->call.callee->name.text;
        const char *full = text_format(replaced->X->arena, "%s.%s", callee, arg->name.text);
        if (!override_find(replaced->X, arg->name.text) && !override_find(replaced->X, full)) continue;
        for (int k = 0; k < replaced->sites->count; k++) {
            EachSite *site = &replaced->sites->items[k];
            Span part = site->each->span, whole = arg->value->span;
            if (whole.begin <= part.begin && part.end <= whole.end) site->active = false;
        }
    }
}

/* optimizer = sgd(lr = each [0.1, 1]) with --set lr=0.5 is one run: what is replaced makes no runs. */
static void drop_replaced_sites(Experiment *X, TrainBlock *block) {
    Replaced replaced = {X, &block->sites};
    for (int i = 0; i < block->body.count; i++) {
        const Stmt *stmt = block->body.items[i].stmt;
        if (block->body.items[i].key == KEY_OPTIMIZER && stmt->kind == STMT_ASSIGN)
            expr_visit(stmt->assign.value, drop_replaced_arguments, &replaced);
    }
}

static void choose_first(EachSites *sites) {
    for (int i = 0; i < sites->count; i++) sites->items[i].chosen = 0;
}

/* A site in an item that is not chosen makes no runs of its own. */
static bool choice_counts(const EachSites *sites) {
    for (int i = 0; i < sites->count; i++)
        if (sites->items[i].chosen != 0 && !each_applies(sites, i)) return false;
    return true;
}

/* The next combination of active sites, the last varying fastest; false after the last one. */
static bool count_on(EachSites *top, EachSites *own) {
    for (int part = 0; part < 2; part++) {
        EachSites *sites = part == 0 ? own : top;
        for (int i = sites->count - 1; i >= 0; i--) {
            EachSite *site = &sites->items[i];
            if (!site->active) continue;
            if (++site->chosen < site->count) return true;
            site->chosen = 0;
        }
    }
    return false;
}

static bool choose_next(EachSites *top, EachSites *own) {
    while (count_on(top, own))
        if (choice_counts(top) && choice_counts(own)) return true;
    return false;
}

static void name_run(Experiment *X, TrainBlock *block, Run *run) {
    Text text = text_new(X->arena);
    Vector(EachValue) values = {0};
    text_add(&text, "%s", block->name.text);
    for (int part = 0; part < 2; part++) {
        EachSites *sites = part == 0 ? &X->top_sites : &block->sites;
        for (int i = 0; i < sites->count; i++) {
            const EachSite *site = &sites->items[i];
            if (!site->active || !each_applies(sites, i)) continue;
            EachValue value = {site->name, each_text(X, site)};
            text_add(&text, " %s=%s", value.name, value.text);
            vector_push(X->arena, &values, value);
        }
    }
    run->name = text.bytes;
    run->block = block->name.text;
    run->each = values.items;
    run->each_count = values.count;
}

static bool lower_one(Experiment *X, TrainBlock *block, uint64_t *depends) {
    Run run;
    X->data_depends = 0;
    settings_bind(X, false);
    settings_clear_used(X);
    bool good = run_lower(X, block, &run);
    *depends = settings_used(X) | X->data_depends;
    for (int i = 0; block->run_count == 0 && i < X->top_sites.count; i++)
        X->top_sites.items[i].active = *depends >> i & 1;
    if (!good) return false;
    name_run(X, block, &run);
    vector_push(X->arena, &X->runs, run);
    block->run_count++;
    return true;
}

static bool too_many(Experiment *X, TrainBlock *block) {
    int64_t runs = 1;
    for (int part = 0; part < 2; part++) {
        EachSites *sites = part == 0 ? &X->top_sites : &block->sites;
        for (int i = 0; i < sites->count; i++)
            if (sites->items[i].active && (runs *= sites->items[i].count) > MOST_RUNS) {
                report(X->diagnostics, CODE_E0314, sites->items[i].each->span,
                       "together the each of this block make more than %d runs", MOST_RUNS);
                return true;
            }
    }
    return false;
}

/* `start = other`: other's runs come first. */
static bool lower_start(Experiment *X, TrainBlock *block) {
    const BlockStmt *start = block_setting(block, KEY_START);
    if (!start || start->stmt->assign.value->kind != EXPR_NAME) return true;
    TrainBlock *other = block_find(X, start->stmt->assign.value->name.text);
    if (!other) return true;
    if (other->lowering) {
        report(X->diagnostics, CODE_E0308, start->stmt->span, "train %s starts from itself", block->name.text);
        return false;
    }
    block_lower(X, other);
    return !other->failed;
}

void block_lower(Experiment *X, TrainBlock *block) {
    uint64_t depends;
    if (block->lowered || !block_resolve(X, block)) return;
    block->lowering = true;
    bool good = lower_start(X, block);
    block->lowering = false;
    block->lowered = true;
    if (!good) {
        block->failed = true;
        return;
    }
    block->first_run = X->runs.count;
    X->block_sites = &block->sites;
    choose_first(&X->top_sites);
    choose_first(&block->sites);
    for (int i = 0; i < block->sites.count; i++) block->sites.items[i].active = true;
    drop_replaced_sites(X, block);
    good = lower_one(X, block, &depends) && !too_many(X, block);
    while (good && choose_next(&X->top_sites, &block->sites)) good = lower_one(X, block, &depends);
    block->failed = !good;
    X->block_sites = NULL;
}
