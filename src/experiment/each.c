/* lower_each: `each [a, b, c]` stands for one run per item, and so does `hold_out = folds(5)` for one per fold.
 *
 * A site is an `each` expression, known by its node in the tree. The runs of a block are the product of its
 * sites, the last varying fastest; while one run is lowered every site has one item chosen, and lowering asks
 * for it. A site in a top-level setting counts for the blocks that use the setting, which is known once the
 * first of their runs has been lowered.
 */
#include "experiment/experiment.h"
#include <string.h>

/* ---- sites -------------------------------------------------------------------------------- */
static bool whole_number(const Expr *expr, int64_t *value) {
    if (expr->kind != EXPR_NUMBER || !expr->number.is_integer) return false;
    *value = (int64_t)expr->number.value;
    return true;
}

/* The whole numbers from `begin` on; like: a number as it is written. */
static void number_items(Experiment *X, EachSite *site, const Expr *like, Span span, int64_t begin, int64_t count) {
    site->count = (int)count;
    site->items = arena_array(X->arena, Expr *, site->count);
    for (int i = 0; i < site->count; i++) {
        Expr *item = arena_new_of(X->arena, Expr);
        *item = *like;
        item->span = span;
        item->number.value = (double)(begin + i);
        item->number.text = name_from(X->names, text_format(X->arena, "%lld", (long long)(begin + i)));
        site->items[i] = item;
    }
}

/* each 1..4 is each [1, 2, 3]. */
static bool range_items(Experiment *X, const Expr *range, EachSite *site) {
    int64_t begin, end;
    if (range->kind != EXPR_BINARY || range->binary.op != OPERATOR_RANGE) return false;
    if (!whole_number(range->binary.left, &begin) || !whole_number(range->binary.right, &end)) return false;
    if (end <= begin || end - begin > MOST_RUNS) return false;
    number_items(X, site, range->binary.left, range->span, begin, end - begin);
    return true;
}

bool is_folds(const Expr *expr) {
    return expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME &&
           strcmp(expr->call.callee->name.text, "folds") == 0;
}

/* Of folds(5); 0: it says no number of folds. */
static int64_t fold_count(const Expr *folds) {
    int64_t count;
    if (folds->call.args.count == 0 || folds->call.args.items[0].name.text) return 0;
    if (!whole_number(folds->call.args.items[0].value, &count)) return 0;
    return count >= 2 && count <= MOST_RUNS ? count : 0;
}

static bool inside(Span part, Span whole) { return whole.begin <= part.begin && part.end <= whole.end; }

/* The innermost site that has this one in an item; it was added before. */
static void find_outer(const EachSites *sites, EachSite *site) {
    for (int i = sites->count - 1; i >= 0 && site->outer < 0; i--)
        for (int k = 0; k < sites->items[i].count; k++)
            if (inside(site->each->span, sites->items[i].items[k]->span)) {
                site->outer = i;
                site->outer_item = k;
            }
}

static void add_site(Experiment *X, EachSites *sites, const Expr *each, const char *name) {
    EachSite site = {.each = each, .name = name, .outer = -1};
    find_outer(sites, &site);
    for (int i = 0; i < sites->count; i++)
        if (sites->items[i].each == each) return;
    const Expr *inner = each->inner;
    if (inner->kind == EXPR_ARRAY && inner->array.items.count > 0) {
        site.items = inner->array.items.items;
        site.count = inner->array.items.count;
    } else if (!range_items(X, inner, &site)) {
        if (inner->kind == EXPR_ERROR) return;
        Diagnostic *d = report(X->diagnostics, CODE_E0314, each->span, "each takes a list of values");
        add_help(X->diagnostics, d, "one run per value: %s = each [1, 10, 100]", name);
        site.items = arena_array(X->arena, Expr *, 1);
        site.items[0] = (Expr *)inner;
        site.count = 1;
    }
    vector_push(X->arena, sites, site);
}

/* A run per fold. Without a number of folds there is no site, which lowering the setting reports. */
static void add_folds(Experiment *X, EachSites *sites, const Expr *folds) {
    EachSite site = {.each = folds, .name = EACH_FOLD, .outer = -1};
    int64_t count = fold_count(folds);
    if (!count || X->options->overfit) return;
    number_items(X, &site, folds->call.args.items[0].value, folds->span, 1, count);
    find_outer(sites, &site);
    for (int i = 0; i < sites->count; i++)
        if (sites->items[i].each == folds) return;
    vector_push(X->arena, sites, site);
}

/* Named arguments seen so far, outermost first: an `each` is shown under the innermost name around it. */
typedef struct NamedPart {
    Span span;
    const char *name;
} NamedPart;
typedef struct Collecting {
    Experiment *X;
    EachSites *sites;
    const char *name;
    Vector(NamedPart) parts;
} Collecting;

static const char *innermost_name(const Collecting *c, Span span) {
    for (int i = c->parts.count - 1; i >= 0; i--)
        if (inside(span, c->parts.items[i].span)) return c->parts.items[i].name;
    return c->name;
}

static void collect_each(const Expr *expr, void *context) {
    Collecting *c = context;
    if (expr->kind == EXPR_EACH) add_site(c->X, c->sites, expr, innermost_name(c, expr->span));
    if (expr->kind != EXPR_CALL) return;
    for (int i = 0; i < expr->call.args.count; i++) {
        const Argument *arg = &expr->call.args.items[i];
        NamedPart part = {arg->value->span, arg->name.text};
        if (arg->name.text) vector_push(c->X->arena, &c->parts, part);
    }
}

void each_collect(Experiment *X, EachSites *sites, const Expr *expr, const char *name) {
    Collecting c = {X, sites, name, {0}};
    expr_visit(expr, collect_each, &c);
}

static void collect_folds(const Expr *expr, void *context) {
    Collecting *c = context;
    if (is_folds(expr)) add_folds(c->X, c->sites, expr);
}

void each_collect_folds(Experiment *X, EachSites *sites, const Expr *hold_out) {
    Collecting c = {X, sites, EACH_FOLD, {0}};
    expr_visit(hold_out, collect_folds, &c);
}

static EachSite *find_site(EachSites *sites, const Expr *each) {
    for (int i = 0; sites && i < sites->count; i++)
        if (sites->items[i].each == each) return &sites->items[i];
    return NULL;
}

int each_fold(Experiment *X, const Expr *folds, int *fold) {
    const EachSite *site = find_site(X->block_sites, folds);
    *fold = site ? site->chosen : 0;
    return site ? site->count : 0;
}

const Expr *each_chosen(Experiment *X, const Expr *each) {
    EachSite *site = find_site(&X->top_sites, each);
    if (!site) site = find_site(X->block_sites, each);
    return site ? site->items[site->chosen] : NULL;
}

bool each_applies(const EachSites *sites, int site) {
    for (; sites->items[site].outer >= 0; site = sites->items[site].outer)
        if (sites->items[sites->items[site].outer].chosen != sites->items[site].outer_item) return false;
    return true;
}

static void visit_each(const Expr *expr, void *found) {
    if (expr->kind == EXPR_EACH) *(bool *)found = true;
}

const char *each_text(Experiment *X, const EachSite *site) {
    const Expr *item = site->items[site->chosen];
    bool nested = false;
    expr_visit(item, visit_each, &nested);
    bool call = item->kind == EXPR_CALL && item->call.callee->kind == EXPR_NAME;
    return nested && call ? item->call.callee->name.text : text_shown(X->arena, expr_text(X, item));
}

const Expr *each_resolve(Experiment *X, const Expr *expr) {
    for (int depth = 0; expr && expr->kind == EXPR_EACH && depth < 8; depth++) {
        const Expr *chosen = each_chosen(X, expr);
        if (!chosen) return expr;
        expr = chosen;
    }
    return expr;
}
