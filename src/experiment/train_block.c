/* train_block: the statements of a train block: which are settings, and what `like` copies.
 *
 * Settings are a closed set; any other binding is local. `like` copies the statements of another block,
 * also those that one copied: `key = e` replaces everything said under key, `key name = e` and `key[part]
 * = e` replace what is said of the same name or part, and a setting removes those that contradict it
 * (epochs and steps, hold_out and valid). Local names are replaced by local names, an update block by one of its
 * name, as a whole.
 */
#include "experiment/experiment.h"
#include <string.h>

typedef struct SettingRow {
    const char *name;
    bool named, parts;
    const char *usage, *help;
} SettingRow;
static const SettingRow setting_rows[KEY_COUNT] = {
    [KEY_DATA] = {"data", false, false, "data = points", "the data set whose rows train"},
    [KEY_MINIMIZE] =
        {"minimize", true, false, "minimize = squared(net(x), y)",
         "what training makes small, for one row; the mean over the rows of a step is taken. Several, each "
         "with a name, are added"},
    [KEY_PENALTY] = {"penalty", true, false, "penalty = 0.0001 * l2(net.h.dense.w)",
                     "what is added to the loss and reads no row; counted once a step"},
    [KEY_MEASURE] = {"measure", true, false, "measure accuracy = accuracy(net(x), y)",
                     "a figure that is reported and not trained on"},
    [KEY_WEIGHT] = {"weight", false, false, "weight = balanced(y)",
                    "how much a row counts: a number from 0 on; 1 without it"},
    [KEY_OPTIMIZER] = {"optimizer", false, true, "optimizer = adam(lr = 0.001)",
                       "how parameters are changed; optimizer[net.h] = ... is for a part, none freezes it"},
    [KEY_GRADIENT] = {"gradient", false, false, "gradient = clip_norm(grad, 1)",
                      "what is done to gradients before the optimizer"},
    [KEY_BATCH] =
        {"batch", false, true, "batch = 64",
         "rows of a step: all (the default), or a number, with shuffled, sequential or replacement behind it"},
    [KEY_LAST] = {"last", false, false, "last = keep",
                  "what becomes of rows that do not fill a batch: keep, drop or wrap"},
    [KEY_HOLD_OUT] = {"hold_out", false, false, "hold_out = 0.1",
                      "the part of the rows that validates: 0.1, split(0.1, by = y) or last(0.1)"},
    [KEY_VALID] = {"valid", false, false, "valid = test", "the data set that validates"},
    [KEY_EPOCHS] = {"epochs", false, false, "epochs = 10", "how often all rows are taken; the default is 1"},
    [KEY_STEPS] = {"steps", false, false, "steps = 10_000", "how many steps are taken, instead of epochs"},
    [KEY_SEED] = {"seed", false, false, "seed = 1", "the seed of order, draws and initial values; the default is 0"},
    [KEY_AVERAGE] =
        {"average", false, false, "average = 0.999",
         "validation, keep, predict and saved files take the running average of the parameters, which keeps so "
         "much of itself at each step"},
    [KEY_STOP] = {"stop", false, false, "stop = stalled(valid.loss, 3 epochs)",
                  "ends training early, when the condition on reported figures holds after an epoch"},
    [KEY_KEEP] = {"keep", false, false, "keep = best(valid.loss)",
                  "which parameters remain: last (the default), or those of the best epoch"},
    [KEY_REPORT] = {"report", false, false, "report = every 10 epochs", "how often a line is printed"},
    [KEY_PREDICT] = {"predict", false, false, "predict = net(x)", "what the model answers for a row"},
    [KEY_START] = {"start", false, false, "start = pre",
                   "where parameters begin: those of another train block, or load(\"file.safetensors\")"},
    [KEY_WHEN] = {"when", false, false, "when = every 2 steps",
                  "in which steps an update block is taken: every 5 steps, epoch >= 3; without it in all"},
};

SettingKey setting_key(const char *name) {
    for (int key = 0; key < KEY_COUNT; key++)
        if (strcmp(setting_rows[key].name, name) == 0) return (SettingKey)key;
    return KEY_LOCAL;
}

const char *setting_name(SettingKey key) { return setting_rows[key].name; }

const char *setting_usage(SettingKey key) { return setting_rows[key].usage; }

const char *setting_help(SettingKey key) { return setting_rows[key].help; }

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
    if (stmt->kind == STMT_PARAM) return stmt->bind.name.text;
    if (stmt->kind == STMT_TUPLE) return stmt->tuple.names.items[0].text;
    if (stmt->kind != STMT_ASSIGN) return "";
    if (s->key == KEY_LOCAL) return stmt->assign.key.text;
    Text text = text_new(X->arena);
    for (int i = 0; stmt->assign.has_binders && i < stmt->assign.binders.count; i++) {
        const Binder *binder = &stmt->assign.binders.items[i];
        text_add(&text, i ? ", " : "");
        if (binder->path)
            ast_print_expr(&text, binder->path);
        else
            text_add(&text, "%s", binder->name.text);
    }
    return text.bytes;
}

static bool contradicts(SettingKey a, SettingKey b) {
    return (a == KEY_EPOCHS && b == KEY_STEPS) || (a == KEY_STEPS && b == KEY_EPOCHS) ||
           (a == KEY_HOLD_OUT && b == KEY_VALID) || (a == KEY_VALID && b == KEY_HOLD_OUT);
}

static bool replaces(Experiment *X, const BlockStmt *s, const BlockStmt *old) {
    if (s->update != old->update) return false;
    if (contradicts(s->key, old->key)) return true;
    if (s->key != old->key || old->stmt->kind == STMT_REPEAT || s->stmt->kind == STMT_REPEAT) return false;
    const char *what = what_of(X, s);
    return (s->key != KEY_LOCAL && !*what) || strcmp(what, what_of(X, old)) == 0;
}

/* ---- statements -------------------------------------------------------------------------------------- */
static bool misplaced(Experiment *X, const Stmt *stmt, bool in_update) {
    Diagnostic *d = report(X->diagnostics, CODE_E0213, stmt->span, "this does not belong into %s",
                           in_update ? "an update block" : "a train block");
    if (stmt->kind == STMT_PARAM) add_help(X->diagnostics, d, "all updates of a step share it: write it beside them");
    return false;
}

static bool check_named(Experiment *X, const Stmt *stmt, SettingKey key) {
    if (key == KEY_LOCAL) {
        Diagnostic *d = report(X->diagnostics, CODE_E0301, stmt->named.key.span, "there is no setting named %s",
                               stmt->named.key.text);
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
    if (key != KEY_MEASURE) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0304, stmt->assign.key.span, "a measure needs a name");
    add_help(X->diagnostics, d, "like this: measure accuracy = %s", expr_text(X, stmt->assign.value));
    return false;
}

/* What an update block says is what it minimizes, how and when; the rest is of the train block. */
static bool check_place(Experiment *X, const Stmt *stmt, SettingKey key, bool in_update) {
    bool of_update = key == KEY_MINIMIZE || key == KEY_PENALTY || key == KEY_OPTIMIZER || key == KEY_GRADIENT ||
                     key == KEY_WHEN;
    if (key == KEY_LOCAL || (in_update ? of_update : key != KEY_WHEN)) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0213, stmt->span, "%s does not belong into %s", setting_name(key),
                           in_update ? "an update block" : "a train block");
    if (in_update)
        add_help(X->diagnostics, d,
                 "it is the same for all updates of a step: write it beside them, in the train block");
    else
        add_help(X->diagnostics, d, "it says when an update is taken: update critic { ... when = every 2 steps }");
    return false;
}

/* KEY_LOCAL or the setting; false after an error. */
static bool classify(Experiment *X, const Stmt *stmt, bool in_update, SettingKey *key) {
    *key = KEY_LOCAL;
    switch (stmt->kind) {
    case STMT_ASSIGN:
        *key = setting_key(stmt->assign.key.text);
        return check_assign(X, stmt, *key) && check_place(X, stmt, *key, in_update);
    case STMT_NAMED:
        *key = setting_key(stmt->named.key.text);
        return check_named(X, stmt, *key) && check_place(X, stmt, *key, in_update);
    case STMT_PARAM: return !in_update || misplaced(X, stmt, in_update);
    case STMT_TYPED:
    case STMT_TUPLE:
    case STMT_REPEAT: return true;
    case STMT_ERROR: return false;
    default: return misplaced(X, stmt, in_update);
    }
}

static bool said_twice(Experiment *X, const TrainBlock *block, const BlockStmt *s) {
    for (int i = 0; s->key != KEY_LOCAL && i < block->body.count; i++) {
        const BlockStmt *old = &block->body.items[i];
        if (!old->own || old->key != s->key || old->update != s->update || strcmp(what_of(X, s), what_of(X, old)) != 0)
            continue;
        Diagnostic *d = report(X->diagnostics, CODE_E0310, s->stmt->span, "%s is said twice", setting_name(s->key));
        add_note(X->diagnostics, d, old->stmt->span, "the first is here");
        return true;
    }
    return false;
}

/* Inherited statements may be replaced; `all` by one of --set. */
static void take_statement(Experiment *X, TrainBlock *block, const Stmt *stmt, int update, bool all) {
    BlockStmt s = {.stmt = stmt, .update = update, .own = !all};
    if (!classify(X, stmt, update != WHOLE_BLOCK, &s.key)) {
        block->failed |= stmt->kind != STMT_ERROR;
        return;
    }
    if (s.own && stmt->kind == STMT_NAMED) meaning_declare(X->L, stmt->named.name, stmt->named.name.span, NULL);
    if (s.own && said_twice(X, block, &s)) return;
    int kept = 0;
    bool placed = false;
    for (int i = 0; i < block->body.count; i++) {
        BlockStmt *old = &block->body.items[i];
        bool replaced = (all || !old->own) && replaces(X, &s, old);
        if (replaced && placed) continue;
        block->body.items[kept++] = replaced ? s : *old;
        placed |= replaced;
    }
    block->body.count = kept;
    if (!placed) vector_push(X->arena, &block->body, s);
}

/* Where the update block stands among those of the train block: in the place of an inherited one of its name, else
 * behind all. -1: a second one. */
static int place_of_update(Experiment *X, TrainBlock *block, const Stmt *stmt) {
    UpdateBlock update = {stmt, stmt->train.name, true};
    for (int u = 0; u < block->updates.count; u++) {
        UpdateBlock *old = &block->updates.items[u];
        if (old->name.text != update.name.text) continue;
        if (old->own) {
            Diagnostic *d = report(X->diagnostics, CODE_E0310, update.name.span, "update %s is said twice",
                                   update.name.text);
            add_note(X->diagnostics, d, old->name.span, "the first is here");
            return -1;
        }
        *old = update;
        return u;
    }
    vector_push(X->arena, &block->updates, update);
    return block->updates.count - 1;
}

/* An update block replaces an inherited one as a whole. */
static void take_update(Experiment *X, TrainBlock *block, const Stmt *stmt) {
    int update = place_of_update(X, block, stmt), kept = 0;
    if (update < 0) {
        block->failed = true;
        return;
    }
    meaning_declare(X->L, stmt->train.name, stmt->train.name.span, NULL);
    for (int i = 0; i < block->body.count; i++)
        if (block->body.items[i].update != update) block->body.items[kept++] = block->body.items[i];
    block->body.count = kept;
    for (int i = 0; i < stmt->train.body.count; i++)
        if (stmt->train.body.items[i]) take_statement(X, block, stmt->train.body.items[i], update, false);
}

/* With update blocks, what is minimized and by which optimizer is theirs to say. An inherited one is replaced by them. */
static void check_beside_updates(Experiment *X, TrainBlock *block) {
    int kept = 0;
    for (int i = 0; block->updates.count && i < block->body.count; i++) {
        const BlockStmt *s = &block->body.items[i];
        bool theirs = s->update == WHOLE_BLOCK &&
                      (s->key == KEY_MINIMIZE || s->key == KEY_PENALTY || s->key == KEY_OPTIMIZER);
        if (!theirs) block->body.items[kept++] = *s;
        if (!theirs || !s->own) continue;
        Diagnostic *d = report(X->diagnostics, CODE_E0312, s->stmt->span,
                               "%s stands beside update blocks, and each of them says its own", setting_name(s->key));
        add_note(X->diagnostics, d, block->updates.items[0].name.span, "the first update is here");
        add_help(X->diagnostics, d, "write it into an update: update NAME { minimize = ...; optimizer[net] = ... }");
        block->failed = true;
    }
    if (block->updates.count) block->body.count = kept;
}

/* ---- like -------------------------------------------------------------------------------------------- */
static TrainBlock *find_base(Experiment *X, const TrainBlock *block) {
    const Word like = block->stmt->train.like;
    TrainBlock *base = block_find(X, like.text);
    if (base) {
        meaning_use(X->L, like, base->name.span, NULL);
        return base;
    }
    Vector(const char *) names = {0};
    for (int i = 0; i < X->blocks.count; i++)
        if (X->blocks.items[i] != block) vector_push(X->arena, &names, X->blocks.items[i]->name.text);
    Diagnostic *d = report(X->diagnostics, CODE_E0305, like.span, "there is no train block named %s", like.text);
    const char *near = nearest_name(like.text, names.items, names.count);
    if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
    return NULL;
}

static void collect_sites(Experiment *X, TrainBlock *block) {
    for (int i = 0; i < block->body.count; i++) {
        const Stmt *stmt = block->body.items[i].stmt;
        if (stmt->kind == STMT_ASSIGN) each_collect(X, &block->sites, stmt->assign.value, stmt->assign.key.text);
        if (block->body.items[i].key == KEY_HOLD_OUT && stmt->kind == STMT_ASSIGN)
            each_collect_folds(X, &block->sites, stmt->assign.value);
        if (stmt->kind == STMT_NAMED) each_collect(X, &block->sites, stmt->named.value, stmt->named.name.text);
        if (stmt->kind == STMT_PARAM && stmt->bind.value)
            each_collect(X, &block->sites, stmt->bind.value, stmt->bind.name.text);
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
        bool elsewhere = setting_key(override->name) != KEY_LOCAL || is_top_setting(X, override->name);
        if (!elsewhere) each_collect(X, &block->sites, override->value, override->name);
    }
}

/* --set KEY=VALUE where KEY is a setting of train blocks. */
static void apply_overrides(Experiment *X, TrainBlock *block) {
    for (int key = 0; key < KEY_COUNT; key++) {
        Override *override = override_find(X, setting_rows[key].name);
        bool plain = key != KEY_MINIMIZE && key != KEY_PENALTY && key != KEY_MEASURE && key != KEY_WHEN;
        if (!override || !plain || is_top_setting(X, override->name)) continue;
        Stmt *stmt = arena_new_of(X->arena, Stmt);
        stmt->kind = STMT_ASSIGN;
        stmt->span = override->value->span;
        stmt->assign.key = (Word){name_from(X->names, override->name), override->value->span};
        stmt->assign.value = (Expr *) override->value;
        override->used = true;
        drop_other_length(block, (SettingKey)key);
        take_statement(X, block, stmt, WHOLE_BLOCK, true);
    }
}

bool block_resolve(Experiment *X, TrainBlock *block) {
    if (block->resolved) return !block->failed;
    if (block->resolving) {
        report(X->diagnostics, CODE_E0308, block->stmt->train.like.span, "train %s is like itself", block->name.text);
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
        for (int i = 0; block->base && i < block->base->updates.count; i++) {
            UpdateBlock update = block->base->updates.items[i];
            update.own = false;
            vector_push(X->arena, &block->updates, update);
        }
    }
    for (int i = 0; i < block->stmt->train.body.count; i++) {
        const Stmt *stmt = block->stmt->train.body.items[i];
        if (stmt && stmt->kind == STMT_UPDATE)
            take_update(X, block, stmt);
        else if (stmt)
            take_statement(X, block, stmt, WHOLE_BLOCK, false);
    }
    check_beside_updates(X, block);
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

const BlockStmt *update_setting(const TrainBlock *block, int update, SettingKey key) {
    const BlockStmt *whole = NULL;
    for (int i = 0; i < block->body.count; i++) {
        const BlockStmt *s = &block->body.items[i];
        if (s->key != key) continue;
        if (s->update == update) return s;
        if (s->update == WHOLE_BLOCK) whole = s;
    }
    return whole;
}
