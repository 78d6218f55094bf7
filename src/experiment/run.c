/* lower_run: one run of a train block: its objective, its entry points over one graph, and its state.
 *
 * The block is lowered in three modes. To train: the terms, with draws and dropout. To evaluate: the same
 * terms as in predict, and the measures. To predict: from raw columns, without draws. Only the local
 * bindings a mode needs are lowered, so that a draw of the loss does not disturb predict; settings see the
 * final value of every name.
 *
 * A term of minimize that depends on no row has the same value in every batch: it is differentiated as a penalty,
 * and is part of the loss. Terms that depend on rows come first, then those of minimize that do not, then penalties,
 * each in source order. Roots hold one-example nodes; the
 * passes give them rows, sum ROOT_SUM over them, and put derivatives in the place of OP_GRADIENT.
 *
 * Cells: statistics of the data first (their places are then equal in all runs), parameters in the order in
 * which they are met, optimizer state. Slots: top-level settings in use, then optimizer arguments.
 */
#include "experiment/experiment.h"
#include <math.h>
#include <string.h>

/* ---- the objective ----------------------------------------------------------------------------------- */
static const Expr *term_expr(RunLowering *R, const BlockStmt *s) {
    if (s->key != KEY_MINIMIZE && s->key != KEY_PENALTY) return NULL;
    return each_resolve(R->X, s->stmt->kind == STMT_NAMED ? s->stmt->named.value : s->stmt->assign.value);
}

static int term_exprs(RunLowering *R, const Expr **exprs) {
    int count = 0;
    for (int i = 0; i < R->block->body.count; i++) {
        const Expr *expr = term_expr(R, &R->block->body.items[i]);
        if (expr) exprs[count++] = expr;
    }
    return count;
}

static bool check_penalty(RunLowering *R, const BlockStmt *s, const Expr *expr, bool depends) {
    if (s->key != KEY_PENALTY || !depends) return true;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0307, expr->span,
                           "a penalty is of parameters, and this depends on the rows");
    add_help(R->X->diagnostics, d, "count it to what is minimized: minimize NAME = %s", expr_text(R->X, expr));
    return false;
}

/* The name of a term that was given none: of an update block its name. */
static const char *plain_name(RunLowering *R, const BlockStmt *s) {
    if (s->update == WHOLE_BLOCK) return s->key == KEY_PENALTY ? "penalty" : "loss";
    return s->key == KEY_PENALTY ? run_part_name(R, s->update, "penalty")
                                 : R->block->updates.items[s->update].name.text;
}

/* Does what is read by batch(e)[j] end elsewhere than in a reduction over all rows? Reports it. */
static bool mixes_rows(RunLowering *R, Node *term) {
    const Node *node = R->L->sees_batch && !R->L->quiet ? graph_mixes_rows(R->X->arena, term) : NULL;
    if (!node) return false;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0232, node->span,
                           "this takes some places of an axis over the rows of the mini-batch, or orders them, and the "
                           "last mini-batch may have fewer rows");
    add_help(R->X->diagnostics, d,
             "read batch(e)[j] with j over all rows, and reduce over j: sum, mean, max, min, logsumexp, softmax");
    return true;
}

/* Terms as nodes in the scope of a mode, in the block's order. NULL where there was an error. */
static bool lower_terms(RunLowering *R, Scope *whole, const Expr *const *exprs, int count, TermList *out) {
    bool good = true;
    int update = WHOLE_BLOCK;
    Scope *scope = whole;
    struct PathState *path = R->L->path;
    for (int i = 0; i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        const Expr *expr = term_expr(R, s);
        if (!expr) continue;
        if (s->update != update) scope = run_part_scope(R, whole, s->update, exprs, count);
        update = s->update;
        Value *v = without_variables(R->L, scope->variables, lower_expression(R->L, scope, expr));
        Term term = {.minimized = s->key == KEY_MINIMIZE, .penalty = s->key == KEY_PENALTY, .span = expr->span};
        term.name = name_from(R->X->names, s->stmt->kind == STMT_NAMED ? s->stmt->named.name.text : plain_name(R, s));
        term.part = update == WHOLE_BLOCK ? 0 : update;
        term.value = value_to_any_real_scalar(R->L, v, expr->span, term.penalty ? "the penalty" : "what is minimized");
        good &= term.value != NULL && !mixes_rows(R, term.value);
        vector_push(R->X->arena, out, term);
    }
    R->L->path = path;
    return good;
}

static bool order_terms(RunLowering *R, const TermList *written) {
    bool good = true;
    int at_rows = 0;
    R->term_order = arena_array(R->X->arena, int, written->count + 1);
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0, k = 0; k < R->block->body.count; k++) {
            const BlockStmt *s = &R->block->body.items[k];
            const Expr *expr = term_expr(R, s);
            if (!expr) continue;
            Term term = written->items[i++];
            bool depends = node_depends_on_rows(R->X->arena, term.value);
            if (pass == 0) good &= check_penalty(R, s, expr, depends);
            term.penalty |= !depends;
            if (pass != (term.penalty ? term.minimized ? 1 : 2 : 0)) continue;
            at_rows += pass == 0;
            R->term_order[R->terms.count] = i - 1;
            vector_push(R->X->arena, &R->terms, term);
        }
    if (at_rows > 0 || !good) return good;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0307, R->terms.items[0].span,
                           "what is minimized does not depend on the data");
    add_help(R->X->diagnostics, d, "data %s has the fields %s", R->run.data->name, run_field_names(R));
    return false;
}

static void add_root(RunLowering *R, RootList *roots, RootKind kind, int index, Node *node, const char *name) {
    Root root = {kind, index, node, name};
    vector_push(R->X->arena, roots, root);
}

static void visit_member(const Expr *expr, void *found) {
    if (expr->kind == EXPR_MEMBER) *(bool *)found = true;
}

/* l2(net.w) may stand before net is called: then a first, silent lowering makes the parameters known. */
static void find_parameters(RunLowering *R, const Expr *const *exprs, int count) {
    bool member = false;
    for (int i = 0; i < count; i++) expr_visit(exprs[i], visit_member, &member);
    for (int i = 0; i < R->block->body.count; i++)
        if (R->block->body.items[i].key == KEY_LOCAL) stmt_visit(R->block->body.items[i].stmt, visit_member, &member);
    if (!member) return;
    R->L->quiet = true;
    TermList ignored = {0};
    lower_terms(R, run_scope(R, MODE_TRAIN, exprs, count), exprs, count, &ignored);
    R->L->quiet = false;
}

/* The first part of the step whose objective reads the same sums over rows: it runs the layer. */
static int part_of_state(RunLowering *R, Node *value) {
    int count;
    Node **nodes = graph_post_order(R->X->arena, &value, 1, &count);
    bool *sums = arena_array(R->X->arena, bool, R->L->graph->next_id);
    for (int i = 0; i < count; i++) sums[nodes[i]->id] = node_takes_all_rows(nodes[i]);
    int first = -1;
    for (int t = 0; t < R->terms.count; t++) {
        const Term *term = &R->terms.items[t];
        nodes = graph_post_order(R->X->arena, &term->value, 1, &count);
        bool runs = false;
        for (int i = 0; i < count; i++) runs |= sums[nodes[i]->id];
        if (runs && (first < 0 || term->part < first)) first = term->part;
    }
    return first < 0 ? 0 : first;
}

static void add_new_states(RunLowering *R) {
    for (int i = 0; i < R->L->new_states.count; i++) {
        const NewState *state = &R->L->new_states.items[i];
        Cell *cell = &R->L->cells.items[state->cell];
        cell->updated = true;
        add_root(R, &R->step[part_of_state(R, state->value)], ROOT_UPDATE, state->cell, state->value, cell->name);
    }
}

static bool lower_objective(RunLowering *R) {
    const Expr **exprs = arena_array(R->X->arena, const Expr *, R->block->body.count + 2);
    int count = term_exprs(R, exprs);
    TermList written = {0};
    find_parameters(R, exprs, count);
    if (weight_expr(R)) exprs[count++] = weight_expr(R);
    Scope *scope = run_scope(R, MODE_TRAIN, exprs, count);
    if (!lower_terms(R, scope, exprs, count, &written) || !order_terms(R, &written) || !weight_lower(R, scope) ||
        !joined_fits(R))
        return false;
    for (int i = 0; i < R->terms.count; i++) {
        Term *term = &R->terms.items[i];
        if (!term->penalty) term->value = joined_term(R, weight_term(R, term->value));
        add_root(R, &R->step[R->terms.items[i].part], ROOT_SUM, i, R->terms.items[i].value, R->terms.items[i].name);
    }
    if (R->weight) add_root(R, &R->step[0], ROOT_SUM, R->terms.count, R->weight, "weight");
    add_new_states(R);
    R->run.sees_batch = R->L->sees_batch;
    if (R->L->indexes_batch) R->run.most_rows = R->run.batch;
    return true;
}

/* ---- evaluate: terms and measures as in predict ------------------------------------------------------ */
static bool lower_evaluation(RunLowering *R) {
    const Expr **exprs = arena_array(R->X->arena, const Expr *, R->block->body.count + 2);
    int count = term_exprs(R, exprs);
    for (int i = 0; i < R->block->body.count; i++)
        if (R->block->body.items[i].key == KEY_MEASURE) exprs[count++] = R->block->body.items[i].stmt->named.value;
    if (weight_expr(R)) exprs[count++] = weight_expr(R);
    TermList written = {0};
    Scope *scope = run_scope(R, MODE_EVALUATE, exprs, count);
    bool good = lower_terms(R, scope, exprs, count, &written);
    if (R->L->sees_batch) R->run.together = R->run.batch;
    good = weight_lower(R, scope) && good;
    for (int i = 0; good && i < R->terms.count; i++) {
        Node *value = written.items[R->term_order[i]].value;
        if (!R->terms.items[i].penalty) value = weight_term(R, value);
        add_root(R, &R->evaluate, ROOT_SUM, i, value, R->terms.items[i].name);
    }
    if (good && R->weight) add_root(R, &R->evaluate, ROOT_SUM, R->terms.count, R->weight, "weight");
    good &= measures_lower(R, scope);
    int kept = 0;
    for (int m = 0; good && m < R->measures.count; m++)
        for (int a = 0; a < R->measures.items[m].argument_count; a++)
            add_root(R, &R->evaluate, ROOT_ROWS, kept++, R->measures.items[m].arguments[a], R->measures.items[m].name);
    return good;
}

/* ---- state ------------------------------------------------------------------------------------------- */
/* The initial value of an optimizer's state may read its parameter, which means that one's initial value. */
static Node *initial_of_cell(Graph *g, Node *old, Node *const *source, void *context) {
    const Lowering *L = context;
    int cell = old->op == OP_CELL ? cell_shown(L->cells.items, (int)old->attr.index) : -1;
    if (cell >= 0 && L->cells.items[cell].kind == CELL_PARAMETER) return L->cells.items[cell].initial;
    return graph_again(g, old, source);
}

static void add_initial_roots(RunLowering *R) {
    Lowering *L = R->L;
    for (int i = 0; i < L->cells.count; i++) {
        Cell *cell = &L->cells.items[i];
        if (cell->kind == CELL_STATISTIC) continue;
        if (!cell->initial) cell->initial = graph_const(L->graph, cell->dtype, cell->shape, 0);
        if (cell->kind == CELL_OPTIMIZER) graph_rewrite(L->graph, &cell->initial, 1, initial_of_cell, L);
        add_root(R, &R->init, ROOT_UPDATE, i, cell->initial, cell->name);
    }
}

static size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

static void place_state(Run *run) {
    size_t at = 64;
    for (int i = 0; i < run->slot_count; i++) {
        size_t bytes = dtype_bytes(run->slots[i].dtype);
        at = round_up(at, bytes);
        run->slots[i].offset = at;
        at += bytes;
    }
    for (int i = 0; i < run->cell_count; i++) {
        at = round_up(at, 64);
        run->cells[i].offset = at;
        at += (size_t)shape_size(run->cells[i].shape) * dtype_bytes(run->cells[i].dtype);
    }
    run->state_bytes = round_up(at, 64);
}

/* ---- slots: those nothing reads go, those read as f64 are f64 ------------------------------------------ */
typedef struct SlotUse {
    bool used, wide;
    int64_t to;
} SlotUse;

static Node *settle_slot(Graph *g, Node *old, Node *const *source, void *context) {
    const SlotUse *use = context;
    if (old->op != OP_SLOT) return graph_again(g, old, source);
    use += old->attr.index;
    Node *slot = graph_leaf(g, OP_SLOT, use->wide ? DTYPE_F64 : old->dtype, old->shape, use->to);
    slot->name = old->name;
    return graph_cast(g, slot, old->dtype);
}

typedef Vector(Node **) NodePlaces;
static void add_places(RunLowering *R, RootList *roots, NodePlaces *places) {
    for (int i = 0; i < roots->count; i++) vector_push(R->X->arena, places, &roots->items[i].node);
}

/* Every place of the run that holds a node. */
static NodePlaces all_places(RunLowering *R) {
    NodePlaces places = {0};
    Arena *arena = R->X->arena;
    for (int part = 0; part < R->parts; part++) add_places(R, &R->step[part], &places);
    add_places(R, &R->evaluate, &places);
    add_places(R, &R->init, &places);
    add_places(R, &R->predictor, &places);
    add_places(R, &R->derived, &places);
    for (int i = 0; i < R->terms.count; i++) vector_push(arena, &places, &R->terms.items[i].value);
    for (int i = 0; i < R->L->cells.count; i++)
        if (R->L->cells.items[i].initial) vector_push(arena, &places, &R->L->cells.items[i].initial);
    for (int m = 0; m < R->measures.count; m++) {
        Measure *measure = &R->measures.items[m];
        vector_push(arena, &places, &measure->metric.roots[0].node);
        for (int a = 0; a < measure->argument_count; a++) vector_push(arena, &places, &measure->arguments[a]);
    }
    if (R->run.predict) vector_push(arena, &places, &R->run.predict);
    if (R->run.weight) vector_push(arena, &places, &R->run.weight);
    return places;
}

/* `lr = 2` at the top of the file is another number than that of sgd(lr = 0.1): where both are used that one is lr. */
static void rename_settings(RunLowering *R) {
    SlotList *slots = &R->L->slots;
    for (int i = 0; i < slots->count; i++)
        for (int k = i + 1; k < slots->count; k++)
            if (strcmp(slots->items[i].name, slots->items[k].name) == 0)
                slots->items[i].name = text_format(R->X->arena, "file.%s", slots->items[i].name);
}

/* Top-level settings are offered as slots; those that are only sizes, or not used at all, go. A slot that something
 * reads as f64 keeps its number in f64, and is rounded where it is read as f32. */
static void settle_slots(RunLowering *R) {
    NodePlaces places = all_places(R);
    Node **nodes = arena_array(R->X->arena, Node *, places.count + 1);
    for (int i = 0; i < places.count; i++) nodes[i] = *places.items[i];
    int count, kept = 0;
    Node **all = graph_post_order(R->X->arena, nodes, places.count, &count);
    SlotList *slots = &R->L->slots;
    SlotUse *uses = arena_array(R->X->arena, SlotUse, slots->count + 1);
    bool changes = false;
    for (int i = 0; i < count; i++) {
        if (all[i]->op != OP_SLOT) continue;
        uses[all[i]->attr.index].used = true;
        uses[all[i]->attr.index].wide |= all[i]->dtype == DTYPE_F64;
    }
    for (int i = 0; i < slots->count; i++) {
        Slot slot = slots->items[i];
        changes |= uses[i].wide || (i < R->setting_slots && !uses[i].used);
        if (i < R->setting_slots && !uses[i].used) continue;
        slot.dtype = uses[i].wide ? DTYPE_F64 : slot.dtype;
        if (slot.dtype == DTYPE_F32) slot.value = (double)(float)slot.value;
        uses[i].to = kept;
        slots->items[kept++] = slot;
    }
    slots->count = kept;
    rename_settings(R);
    if (!changes) return;
    graph_rewrite(R->L->graph, nodes, places.count, settle_slot, uses);
    for (int i = 0; i < places.count; i++) *places.items[i] = nodes[i];
}

/* ---- the run ----------------------------------------------------------------------------------------- */
/* `minimise = e`: told as a misspelling, where it is found unused. */
static bool is_misspelt(RunLowering *R, SettingKey key) {
    const char *wanted = setting_name(key);
    for (int i = 0; i < R->block->body.count; i++) {
        const Stmt *stmt = R->block->body.items[i].stmt;
        if (R->block->body.items[i].key == KEY_LOCAL && stmt->kind == STMT_ASSIGN &&
            nearest_name(stmt->assign.key.text, &wanted, 1))
            return true;
    }
    return false;
}

/* Each update block minimizes something by an optimizer of its own. */
static bool check_updates(RunLowering *R) {
    static const SettingKey keys[] = {KEY_MINIMIZE, KEY_OPTIMIZER};
    static const char *const usages[] = {"minimize = mse(net(x), y)", "optimizer[net] = adam(lr = 0.001)"};
    bool complete = true;
    for (int u = 0; u < R->block->updates.count; u++)
        for (int k = 0; k < 2; k++) {
            const UpdateBlock *update = &R->block->updates.items[u];
            const BlockStmt *s = update_setting(R->block, u, keys[k]);
            if (s && s->update == u) continue;
            Diagnostic *d = report(R->X->diagnostics, CODE_E0302, update->name.span, "update %s has no %s",
                                   update->name.text, setting_name(keys[k]));
            add_help(R->X->diagnostics, d, "an update minimizes something by an optimizer of its own: %s", usages[k]);
            complete = false;
        }
    return complete;
}

static bool check_required(RunLowering *R) {
    static const struct {
        SettingKey key;
        const char *usage;
    } required[] = {
        {KEY_DATA, "data = NAME: the data set it trains on"},
        {KEY_MINIMIZE, "minimize = mse(net(x), y): what becomes small, for one example"},
        {KEY_OPTIMIZER, "optimizer = sgd(lr = 0.1): how parameters move"},
    };
    bool absent[3], complete = true;
    for (int i = 0; i < 3; i++) complete &= !(absent[i] = !block_setting(R->block, required[i].key));
    if (complete) return check_updates(R);
    if (R->block->updates.count) absent[1] = absent[2] = false;
    if (!absent[0] && !absent[1] && !absent[2]) return check_updates(R);
    bool told = !run_check_unused(R);
    Text missing = text_new(R->X->arena);
    for (int i = 0; i < 3; i++) {
        absent[i] &= !(told && is_misspelt(R, required[i].key));
        if (absent[i]) text_add(&missing, "%s%s", missing.length ? ", no " : "", setting_name(required[i].key));
    }
    if (missing.length == 0) return false;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0302, R->block->name.span, "train %s has no %s",
                           R->block->name.text, missing.bytes);
    for (int i = 0; i < 3; i++)
        if (absent[i]) add_help(R->X->diagnostics, d, "%s", required[i].usage);
    return false;
}

static DataVariant *data_named(RunLowering *R, const Expr *expr) {
    Experiment *X = R->X;
    if (expr->kind == EXPR_ERROR) return NULL;
    DataDecl *decl = expr->kind == EXPR_NAME ? data_find(X, expr->name.text) : NULL;
    if (decl) {
        meaning_use(X->L, expr->name, decl->name.span, NULL);
        return data_lower(X, decl);
    }
    Vector(const char *) names = {0};
    for (int i = 0; i < X->data.count; i++) vector_push(X->arena, &names, X->data.items[i]->name.text);
    const char *text = expr_text(X, expr);
    Diagnostic *d = report(X->diagnostics, CODE_E0305, expr->span, "there is no data set named %s", text);
    const char *near = nearest_name(text, names.items, names.count);
    if (near)
        add_help(X->diagnostics, d, "did you mean `%s`?", near);
    else if (names.count == 0)
        add_help(X->diagnostics, d, "declare one: data points = csv(\"points.csv\") { ... }");
    return NULL;
}

static bool said_before(RunLowering *R, const Expr *expr, const DataVariant *variant) {
    for (int i = 0; i < R->joined.count; i++) {
        if (R->joined.items[i] != variant) continue;
        Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span,
                               "data %s is said twice, and its fields have one "
                               "name",
                               variant->set->name);
        add_help(R->X->diagnostics, d, "pairs of the same set are two names of it: data other like %s",
                 variant->set->name);
        return true;
    }
    return false;
}

/* data = [inside, wall]; the first is the one that epochs are of. */
static bool join_data(RunLowering *R, const Expr *expr) {
    bool good = true;
    for (int i = 0; i < expr->array.items.count; i++) {
        const Expr *item = expr->array.items.items[i];
        DataVariant *variant = data_named(R, item);
        good &= variant && !said_before(R, item, variant);
        if (variant) vector_push(R->X->arena, &R->joined, variant);
    }
    if (!good) return false;
    R->data = R->joined.items[0];
    R->run.data = data_join(R->X, R->joined.items, R->joined.count);
    return true;
}

static bool frozen_hook(Lowering *L, const char *path, void *context) {
    Experiment *X = context;
    (void)L;
    return X->run && X->run->mode == MODE_TRAIN && !rule_trains_inside(X->run, path);
}

static bool lower_data_settings(RunLowering *R) {
    const BlockStmt *data = block_setting(R->block, KEY_DATA), *validates = block_setting(R->block, KEY_VALID);
    const Expr *expr = each_resolve(R->X, data->stmt->assign.value);
    if (expr->kind == EXPR_ARRAY && expr->array.items.count > 1) {
        if (!join_data(R, expr)) return false;
    } else {
        R->data = data_named(R,
                             expr->kind == EXPR_ARRAY && expr->array.items.count ? expr->array.items.items[0] : expr);
        R->run.data = R->data ? R->data->set : NULL;
    }
    if (!validates) return R->data != NULL;
    if (R->joined.count) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0312, validates->stmt->span,
                               "valid is one data set, and this block trains on several");
        add_help(R->X->diagnostics, d,
                 "hold_out = 0.1 keeps rows of the first set, with the others beside them, apart");
        return false;
    }
    DataVariant *valid = data_named(R, each_resolve(R->X, validates->stmt->assign.value));
    R->run.valid = valid ? valid->set : NULL;
    return R->data && valid;
}

static Function make_function(const char *name, const RootList *roots, bool steps) {
    return (Function){name, roots->items, roots->count, steps};
}

static void make_parts(RunLowering *R) {
    Run *run = &R->run;
    for (int part = 0; part < run->part_count; part++) {
        const BlockStmt *when = update_setting(R->block, part, KEY_WHEN);
        const char *name = text_format(R->X->arena, "step %s", run->parts[part].name);
        if (when) name = text_format(R->X->arena, "%s when %s", name, expr_text(R->X, when->stmt->assign.value));
        run->parts[part].function = make_function(name, &R->step[part], true);
    }
}

/* The update blocks of a step, and when each is due. */
static bool plan_parts(RunLowering *R) {
    const TrainBlock *block = R->block;
    Run *run = &R->run;
    bool good = true;
    run->part_count = block->updates.count;
    run->parts = arena_array(R->X->arena, StepPart, run->part_count + 1);
    for (int part = 0; part < run->part_count; part++) {
        const BlockStmt *when = update_setting(block, part, KEY_WHEN);
        run->parts[part].name = block->updates.items[part].name.text;
        run->parts[part].span = block->updates.items[part].name.span;
        if (!when) continue;
        run->parts[part].when = watch_lower_when(R, when->stmt->assign.value);
        good &= run->parts[part].when != NULL;
    }
    return good;
}

static void finish(RunLowering *R) {
    Run *run = &R->run;
    add_initial_roots(R);
    settle_slots(R);
    run->graph = R->L->graph;
    run->objective = objective_of_run(R);
    run->cells = R->L->cells.items;
    run->cell_count = R->L->cells.count;
    run->slots = R->L->slots.items;
    run->slot_count = R->L->slots.count;
    run->terms = R->terms.items;
    run->term_count = R->terms.count;
    run->plateaus = R->plateaus.items;
    run->plateau_count = R->plateaus.count;
    run->measures = R->measures.items;
    run->init = make_function("init", &R->init, false);
    run->step = (Function){.name = "step", .steps = true};
    if (R->block->updates.count)
        make_parts(R);
    else
        run->step = make_function("step", &R->step[0], true);
    run->evaluate = make_function("evaluate", &R->evaluate, false);
    run->predictor = make_function("predict", &R->predictor, false);
    run->derived = make_function("derived", &R->derived, false);
    run->statistics = R->statistics.items;
    run->statistic_count = R->statistics.count;
    place_state(run);
}

static bool lower_parts(RunLowering *R) {
    bool good = run_check_unused(R);
    good &= settings_lower(R);
    good &= plan_parts(R);
    if (!lower_objective(R)) {
        lower_evaluation(R); /* their mistakes are their own */
        predict_lower(R);
        return false;
    }
    R->objective_cells = R->L->cells.count;
    good &= lower_evaluation(R);
    good &= optimizers_lower(R);
    good &= watch_lower(R);
    good &= predict_lower(R);
    if (good) target_find(R);
    return good;
}

static int run_parts(const TrainBlock *block) { return block->updates.count ? block->updates.count : 1; }

bool run_lower(Experiment *X, TrainBlock *block, Run *out) {
    RunLowering lowering = {.X = X, .L = X->L, .block = block, .parts = run_parts(block)}, *R = &lowering;
    R->step = arena_array(X->arena, RootList, R->parts);
    const BlockStmt *batch = block_setting(block, KEY_BATCH);
    R->run.span = block->name.span;
    R->run.doc = block->stmt->doc;
    R->run.batch_span = batch && batch->own ? batch->stmt->span : block->name.span;
    R->run.start_run = R->run.hold_out_by = R->run.target = -1;
    R->run.quadratic_lr = NAN;
    bool complete = check_required(R), good = complete;
    if (block_setting(block, KEY_DATA)) good &= lower_data_settings(R);
    if (!good) {
        if (complete) run_check_unused(R);
        return false;
    }
    lowering_start_run(X->L, graph_new(X->arena, X->diagnostics));
    X->run = R;
    X->L->frozen_hook = frozen_hook;
    X->L->state_hook = NULL;
    good = rules_collect(R);
    average_begin(R);
    statistics_begin(R);
    settings_bind(X, true);
    R->setting_slots = X->L->first_slot = X->L->slots.count;
    good &= lower_parts(R);
    if (good) {
        finish(R);
        lint_run(R);
    }
    X->run = NULL;
    *out = R->run;
    return good;
}
