/* lower_train: train blocks: which statements are settings, what `like` copies, and the runs of a block.
 *
 * Settings are a closed set; any other binding is local. `like` copies the statements of another block,
 * also those that one copied: `key = e` replaces everything said under key, `key name = e` and `key[part]
 * = e` replace what is said of the same name or part, and a setting removes those that contradict it
 * (epochs and steps, hold_out and valid). Local names are replaced by local names.
 *
 * A block has one run per combination of the `each` it depends on; the first run is lowered to learn which
 * top-level settings it depends on.
 */
#include "lower/experiment.h"
#include <string.h>

typedef struct SettingRow { const char *name; bool named, parts; } SettingRow;
static const SettingRow setting_rows[KEY_COUNT] = {
    [KEY_DATA] = {"data", false, false},          [KEY_MINIMIZE] = {"minimize", true, false},
    [KEY_PENALTY] = {"penalty", true, false},     [KEY_MEASURE] = {"measure", true, false},
    [KEY_OPTIMIZER] = {"optimizer", false, true}, [KEY_GRADIENT] = {"gradient", false, false},
    [KEY_BATCH] = {"batch", false, true},         [KEY_LAST] = {"last", false, false},
    [KEY_HOLD_OUT] = {"hold_out", false, false},  [KEY_VALID] = {"valid", false, false},
    [KEY_EPOCHS] = {"epochs", false, false},      [KEY_STEPS] = {"steps", false, false},
    [KEY_SEED] = {"seed", false, false},          [KEY_STOP] = {"stop", false, false},
    [KEY_KEEP] = {"keep", false, false},          [KEY_REPORT] = {"report", false, false},
    [KEY_PREDICT] = {"predict", false, false},    [KEY_START] = {"start", false, false},
    [KEY_WHEN] = {"when", false, false},
};

SettingKey setting_key(const char *name) {
    for (int key = 0; key < KEY_COUNT; key++)
        if (strcmp(setting_rows[key].name, name) == 0) return (SettingKey)key;
    return KEY_LOCAL;
}

const char *setting_name(SettingKey key) { return setting_rows[key].name; }

static void suggest_setting(Experiment *X, Diagnostic *d, const char *wanted) {
    const char *names[KEY_COUNT];
    for (int key = 0; key < KEY_COUNT; key++) names[key] = setting_rows[key].name;
    const char *near = nearest_name(wanted, names, KEY_COUNT);
    if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
}

/* ---- what a statement says --------------------------------------------------------------------------- */
/* The name or part a setting is restricted to, "" for all; for a local binding its name. */
static const char *what_of(Experiment *X, const BlockStmt *s) {
    const Stmt *stmt = s->stmt;
    if (stmt->kind == STMT_NAMED) return stmt->named.name.text;
    if (stmt->kind == STMT_TYPED) return stmt->bind.name.text;
    if (stmt->kind == STMT_TUPLE) return stmt->tuple.names.items[0].text;
    if (stmt->kind != STMT_ASSIGN) return "";
    if (s->key == KEY_LOCAL) return stmt->assign.key.text;
    Text text = text_new(X->arena);
    for (int i = 0; stmt->assign.has_binders && i < stmt->assign.binders.count; i++) {
        const Binder *binder = &stmt->assign.binders.items[i];
        text_add(&text, i ? ", " : "");
        if (binder->path) ast_print_expr(&text, binder->path);
        else text_add(&text, "%s", binder->name.text);
    }
    return text.bytes;
}

static bool contradicts(SettingKey a, SettingKey b) {
    return (a == KEY_EPOCHS && b == KEY_STEPS) || (a == KEY_STEPS && b == KEY_EPOCHS)
           || (a == KEY_HOLD_OUT && b == KEY_VALID) || (a == KEY_VALID && b == KEY_HOLD_OUT);
}

static bool replaces(Experiment *X, const BlockStmt *s, const BlockStmt *old) {
    if (contradicts(s->key, old->key)) return true;
    if (s->key != old->key || old->stmt->kind == STMT_REPEAT || s->stmt->kind == STMT_REPEAT) return false;
    const char *what = what_of(X, s);
    return (s->key != KEY_LOCAL && !*what) || strcmp(what, what_of(X, old)) == 0;
}

/* ---- statements -------------------------------------------------------------------------------------- */
static bool misplaced(Experiment *X, const Stmt *stmt) {
    if (stmt->kind == STMT_UPDATE) {
        lower_unsupported(X->L, stmt->span, "an update block");
        return false;
    }
    Diagnostic *d = report(X->diagnostics, CODE_E0213, stmt->span, "this does not belong into a train block");
    if (stmt->kind == STMT_PARAM) add_help(X->diagnostics, d, "parameters are declared in models and layers");
    return false;
}

static bool check_named(Experiment *X, const Stmt *stmt, SettingKey key) {
    if (key == KEY_LOCAL) {
        Diagnostic *d = report(X->diagnostics, CODE_E0301, stmt->named.key.span,
                               "there is no setting named %s", stmt->named.key.text);
        suggest_setting(X, d, stmt->named.key.text);
        return false;
    }
    if (setting_rows[key].named) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0304, stmt->named.name.span, "the setting %s takes no name",
                           stmt->named.key.text);
    add_help(X->diagnostics, d, "minimize, penalty and measure do: measure accuracy = ...");
    return false;
}

static bool check_assign(Experiment *X, const Stmt *stmt, SettingKey key) {
    if (key == KEY_LOCAL) return true;
    if (stmt->assign.has_binders && !setting_rows[key].parts) {
        report(X->diagnostics, CODE_E0304, stmt->assign.key.span, "the setting %s takes no [part]",
               stmt->assign.key.text);
        return false;
    }
    if (key == KEY_BATCH && stmt->assign.has_binders) {
        lower_unsupported(X->L, stmt->assign.key.span, "batch[...] (several data sets in one train block)");
        return false;
    }
    if (key == KEY_WHEN) {
        lower_unsupported(X->L, stmt->assign.key.span, "when (update blocks)");
        return false;
    }
    if (key != KEY_MEASURE) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0304, stmt->assign.key.span, "a measure needs a name");
    add_help(X->diagnostics, d, "like this: measure accuracy = %s", expr_text(X, stmt->assign.value));
    return false;
}

/* KEY_LOCAL or the setting; false after an error. */
static bool classify(Experiment *X, const Stmt *stmt, SettingKey *key) {
    *key = KEY_LOCAL;
    switch (stmt->kind) {
    case STMT_ASSIGN:
        *key = setting_key(stmt->assign.key.text);
        return check_assign(X, stmt, *key);
    case STMT_NAMED:
        *key = setting_key(stmt->named.key.text);
        return check_named(X, stmt, *key);
    case STMT_TYPED: case STMT_TUPLE: case STMT_REPEAT: return true;
    case STMT_ERROR: return false;
    default: return misplaced(X, stmt);
    }
}

static bool said_twice(Experiment *X, const TrainBlock *block, const BlockStmt *s) {
    for (int i = 0; s->key != KEY_LOCAL && i < block->body.count; i++) {
        const BlockStmt *old = &block->body.items[i];
        if (!old->own || old->key != s->key || strcmp(what_of(X, s), what_of(X, old)) != 0) continue;
        Diagnostic *d =
            report(X->diagnostics, CODE_E0310, s->stmt->span, "%s is said twice", setting_name(s->key));
        add_note(X->diagnostics, d, old->stmt->span, "the first is here");
        return true;
    }
    return false;
}

/* The first `inherited` statements may be replaced. */
static void take_statement(Experiment *X, TrainBlock *block, const Stmt *stmt, int inherited, bool own) {
    BlockStmt s = {.stmt = stmt, .own = own};
    if (!classify(X, stmt, &s.key)) {
        block->failed |= stmt->kind != STMT_ERROR;
        return;
    }
    if (own && said_twice(X, block, &s)) return;
    int kept = 0;
    bool placed = false;
    for (int i = 0; i < block->body.count; i++) {
        BlockStmt *old = &block->body.items[i];
        bool replaced = i < inherited && replaces(X, &s, old);
        if (replaced && placed) continue;
        block->body.items[kept++] = replaced ? s : *old;
        placed |= replaced;
    }
    block->body.count = kept;
    if (!placed) vector_push(X->arena, &block->body, s);
}

/* ---- like -------------------------------------------------------------------------------------------- */
static TrainBlock *find_base(Experiment *X, const TrainBlock *block) {
    const Word like = block->stmt->train.like;
    TrainBlock *base = block_find(X, like.text);
    if (base) return base;
    Vector(const char *) names = {0};
    for (int i = 0; i < X->blocks.count; i++)
        if (X->blocks.items[i] != block) vector_push(X->arena, &names, X->blocks.items[i]->name.text);
    Diagnostic *d =
        report(X->diagnostics, CODE_E0305, like.span, "there is no train block named %s", like.text);
    const char *near = nearest_name(like.text, names.items, names.count);
    if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
    return NULL;
}

static void collect_sites(Experiment *X, TrainBlock *block) {
    for (int i = 0; i < block->body.count; i++) {
        const Stmt *stmt = block->body.items[i].stmt;
        if (stmt->kind == STMT_ASSIGN)
            each_collect(X, &block->sites, stmt->assign.value, stmt->assign.key.text);
        if (stmt->kind == STMT_NAMED)
            each_collect(X, &block->sites, stmt->named.value, stmt->named.name.text);
        if (stmt->kind == STMT_TYPED) each_collect(X, &block->sites, stmt->bind.value, stmt->bind.name.text);
        if (stmt->kind == STMT_TUPLE)
            each_collect(X, &block->sites, stmt->tuple.value, stmt->tuple.names.items[0].text);
    }
}

/* epochs and steps both say how long: one of them given by --set replaces the other. */
static void drop_other_length(TrainBlock *block, SettingKey key) {
    SettingKey other = key == KEY_STEPS ? KEY_EPOCHS : KEY_STEPS;
    if (key != KEY_STEPS && key != KEY_EPOCHS) return;
    int kept = 0;
    for (int i = 0; i < block->body.count; i++)
        if (block->body.items[i].key != other) block->body.items[kept++] = block->body.items[i];
    block->body.count = kept;
}

/* --set lr="each [0.1, 1]": an argument of optimizers, so not among the statements. */
static void collect_override_sites(Experiment *X, TrainBlock *block) {
    for (int i = 0; i < X->overrides.count; i++) {
        const Override *override = &X->overrides.items[i];
        bool elsewhere = setting_key(override->name) != KEY_LOCAL;
        for (int k = 0; k < X->settings.count; k++)
            elsewhere |= strcmp(X->settings.items[k].name.text, override->name) == 0;
        if (!elsewhere) each_collect(X, &block->sites, override->value, override->name);
    }
}

typedef struct Replaced { Experiment *X; EachSites *sites; } Replaced;
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

/* --set KEY=VALUE where KEY is a setting of train blocks. */
static void apply_overrides(Experiment *X, TrainBlock *block) {
    for (int key = 0; key < KEY_COUNT; key++) {
        Override *override = override_find(X, setting_rows[key].name);
        bool plain = key != KEY_MINIMIZE && key != KEY_PENALTY && key != KEY_MEASURE;
        if (!override || !plain) continue;
        bool top = false;
        for (int i = 0; i < X->settings.count; i++)
            top |= strcmp(X->settings.items[i].name.text, override->name) == 0;
        if (top) continue;
        Stmt *stmt = arena_new_of(X->arena, Stmt);
        stmt->kind = STMT_ASSIGN;
        stmt->span = override->value->span;
        stmt->assign.key = (Word){name_from(X->names, override->name), override->value->span};
        stmt->assign.value = (Expr *)override->value;
        override->used = true;
        drop_other_length(block, (SettingKey)key);
        take_statement(X, block, stmt, block->body.count, false);
    }
}

bool block_resolve(Experiment *X, TrainBlock *block) {
    if (block->resolved) return !block->failed;
    if (block->resolving) {
        report(X->diagnostics, CODE_E0308, block->stmt->train.like.span, "train %s is like itself",
               block->name.text);
        block->failed = true;
        return false;
    }
    block->resolving = true;
    if (block->stmt->train.like.text) {
        block->base = find_base(X, block);
        if (!block->base || !block_resolve(X, block->base)) block->failed = true;
        for (int i = 0; block->base && i < block->base->body.count; i++) {
            BlockStmt s = block->base->body.items[i];
            s.own = false;
            vector_push(X->arena, &block->body, s);
        }
    }
    int inherited = block->body.count;
    for (int i = 0; i < block->stmt->train.body.count; i++)
        if (block->stmt->train.body.items[i])
            take_statement(X, block, block->stmt->train.body.items[i], inherited, true);
    apply_overrides(X, block);
    collect_sites(X, block);
    collect_override_sites(X, block);
    block->resolving = false;
    block->resolved = true;
    return !block->failed;
}

const BlockStmt *block_setting(const TrainBlock *block, SettingKey key) {
    for (int i = 0; i < block->body.count; i++)
        if (block->body.items[i].key == key) return &block->body.items[i];
    return NULL;
}

/* ---- runs -------------------------------------------------------------------------------------------- */
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
        report(X->diagnostics, CODE_E0308, start->stmt->span, "train %s starts from itself",
               block->name.text);
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
