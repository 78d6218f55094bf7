/* lower_setting: the values of a train block's plain settings: batch, last, hold_out, valid, epochs, steps,
 * seed, report, start. stop and keep look at figures and are in watch.c.
 *
 * Defaults: batch = all, last = keep, epochs = 1, seed = 0. Rows are shuffled unless said otherwise;
 * `batch = all` takes them in file order, since the order within the one step of an epoch changes nothing
 * but rounding.
 */
#include "experiment/experiment.h"
#include "model.h"
#include <math.h>
#include <string.h>

static const Expr *value_of(RunLowering *R, SettingKey key) {
    const BlockStmt *s = block_setting(R->block, key);
    return s && s->stmt->kind == STMT_ASSIGN ? each_resolve(R->X, s->stmt->assign.value) : NULL;
}

static bool is_word(const Expr *expr, const char *word) {
    return expr->kind == EXPR_NAME && strcmp(expr->name.text, word) == 0;
}

static bool bad_value(RunLowering *R, const Expr *expr, const char *key, const char *usage) {
    if (expr->kind == EXPR_ERROR) return false;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span, "this is no value of %s", key);
    add_help(R->X->diagnostics, d, "%s", usage);
    return false;
}

/* A billion epochs of all the rows that there can be are still a number of steps. */
enum { MOST_EPOCHS = 1 << 30 };
#define MOST_STEPS ((int64_t)1 << 40)

static bool whole(RunLowering *R, const Expr *expr, const char *key, int64_t least, int64_t most, int64_t *out) {
    Value *v = lower_expression(R->L, R->L->global, expr);
    if (!lower_constant_int(R->L, v, expr->span, key, out)) return false;
    if (*out >= least && *out <= most) return true;
    bool small = *out < least;
    report(R->X->diagnostics, CODE_E0304, expr->span, "%s = %lld: %s is a whole number %s %lld%s", key, (long long)*out,
           key, small ? "from" : "up to", (long long)(small ? least : most), small ? " on" : "");
    return false;
}

/* ---- batch ------------------------------------------------------------------------------------------- */
static const char *const batch_usage =
    "batch = all, or a number of rows: 64, 64 shuffled, 64 sequential, 64 replacement; each [8, 64] runs both";

static bool order_of_unit(RunLowering *R, const Expr *expr, BatchOrder *order) {
    static const char *const units[] = {"shuffled", "sequential", "replacement"};
    static const BatchOrder orders[] = {ORDER_SHUFFLED, ORDER_SEQUENTIAL, ORDER_REPLACEMENT};
    const char *unit = expr->quantity.unit.text;
    for (int i = 0; i < 3; i++)
        if (strcmp(unit, units[i]) == 0) {
            *order = orders[i];
            return true;
        }
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->quantity.unit.span,
                           "there is no order of rows named %s", unit);
    const char *near = nearest_name(unit, units, 3);
    if (near)
        add_help(R->X->diagnostics, d, "did you mean `%s`?", near);
    else
        add_help(R->X->diagnostics, d, "%s", batch_usage);
    return false;
}

/* 64, 64 sequential */
static bool batch_value(RunLowering *R, const Expr *expr, int64_t *batch, BatchOrder *order) {
    if (expr->kind == EXPR_STRING || expr->kind == EXPR_ARRAY) return bad_value(R, expr, "batch", batch_usage);
    if (expr->kind != EXPR_QUANTITY) return whole(R, expr, "batch", 1, MOST_STEPS, batch);
    if (!order_of_unit(R, expr, order)) return false;
    if (!expr->quantity.is_integer || expr->quantity.value < 1 || expr->quantity.value > 1e12)
        return bad_value(R, expr, "batch", batch_usage);
    *batch = (int64_t)expr->quantity.value;
    return true;
}

static bool lower_own_batch(RunLowering *R) {
    const Expr *expr = NULL;
    for (int i = 0; i < R->block->body.count && !expr; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key == KEY_BATCH && !s->stmt->assign.has_binders) expr = each_resolve(R->X, s->stmt->assign.value);
    }
    R->run.order = ORDER_SHUFFLED;
    if (!expr || is_word(expr, "all")) {
        R->run.order = ORDER_SEQUENTIAL;
        return true;
    }
    return batch_value(R, expr, &R->run.batch, &R->run.order);
}

/* Which of the joined sets behind the first a binder names; NULL after an error. */
static Partner *partner_named(RunLowering *R, const Binder *binder) {
    Text names = text_new(R->X->arena);
    for (int i = 1; i < R->joined.count; i++) {
        if (!binder->path && R->joined.items[i]->set->name == binder->name.text) return &R->run.partners[i - 1];
        text_add(&names, "%s%s", i > 1 ? ", " : "", R->joined.items[i]->set->name);
    }
    Diagnostic *d = report(R->X->diagnostics, CODE_E0305, binder->span,
                           "batch[...] is for a data set behind the first of data = [...]");
    if (names.length)
        add_help(R->X->diagnostics, d, "these are %s; the rows of the first are batch = 64", names.bytes);
    else
        add_help(R->X->diagnostics, d, "this block trains on one data set: batch = 64");
    return NULL;
}

static bool lower_partner_batch(RunLowering *R, const BlockStmt *s) {
    bool good = true;
    const Expr *expr = each_resolve(R->X, s->stmt->assign.value);
    for (int b = 0; b < s->stmt->assign.binders.count; b++) {
        Partner *partner = partner_named(R, &s->stmt->assign.binders.items[b]);
        if (!partner) return false;
        partner->span = expr->span;
        partner->all = is_word(expr, "all");
        good &= partner->all || batch_value(R, expr, &partner->batch, &partner->order);
        if (sgdrt_is_uneven(R->run.batch, partner->all ? -1 : partner->batch)) R->run.uneven = true;
    }
    if (!R->run.uneven || R->joined.count <= SGDRT_MOST_UNEVEN) return good;
    report(R->X->diagnostics, CODE_E0304, s->stmt->span,
           "more than %d data sets can have numbers of rows in a step only that divide batch", SGDRT_MOST_UNEVEN);
    return false;
}

static bool lower_batch(RunLowering *R) {
    bool good = lower_own_batch(R);
    int column = R->joined.count ? R->joined.items[0]->set->column_count : 0;
    R->run.partner_count = R->joined.count ? R->joined.count - 1 : 0;
    R->run.partners = arena_array(R->X->arena, Partner, R->run.partner_count + 1);
    for (int i = 0; i < R->run.partner_count; i++) {
        int columns = R->joined.items[i + 1]->set->column_count;
        R->run.partners[i] = (Partner){.order = ORDER_SHUFFLED, .first_column = column, .column_count = columns};
        column += columns;
    }
    for (int i = 0; good && i < R->block->body.count; i++) {
        const BlockStmt *s = &R->block->body.items[i];
        if (s->key == KEY_BATCH && s->stmt->assign.has_binders) good &= lower_partner_batch(R, s);
    }
    return good;
}

static bool lower_last(RunLowering *R) {
    const Expr *expr = value_of(R, KEY_LAST);
    if (!expr || is_word(expr, "keep"))
        R->run.last = LAST_KEEP;
    else if (is_word(expr, "drop"))
        R->run.last = R->X->options->overfit ? LAST_KEEP : LAST_DROP; /* else no step may be left */
    else if (is_word(expr, "wrap"))
        R->run.last = LAST_WRAP;
    else
        return bad_value(R, expr, "last",
                         "last = keep, drop or wrap: what becomes of the rows that do not fill a batch");
    return true;
}

/* ---- hold_out, valid --------------------------------------------------------------------------------- */
static const char *const hold_out_usage =
    "hold_out = 0.1, split(0.1, by = y), last(0.1) or folds(5): the part of the rows that validates";

static bool part_of(RunLowering *R, const Expr *expr) {
    Value *v = lower_expression(R->L, R->L->global, expr);
    if (!lower_constant_number(R->L, v, expr->span, "hold_out", &R->run.hold_out_part)) return false;
    if (R->run.hold_out_part > 0 && R->run.hold_out_part < 1) return true;
    return bad_value(R, expr, "hold_out", "it is a part of the rows, between 0 and 1: hold_out = 0.1");
}

/* Of several data sets the rows of the first are held out. */
static bool not_of_first(RunLowering *R, const Expr *expr, const char *text) {
    const char *first = R->data->set->name;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, expr->span,
                           "rows of %s are held out, and %s is of another set", first, text);
    add_help(R->X->diagnostics, d, "a label of %s, or without by = ...; all rows of the other sets train", first);
    return false;
}

/* name: split or folds. */
static bool split_by(RunLowering *R, const char *name, const Argument *arg) {
    bool member = arg->value->kind == EXPR_MEMBER;
    if (!arg->name.text || strcmp(arg->name.text, "by") != 0 || !(member || arg->value->kind == EXPR_NAME))
        return bad_value(R, arg->value, name, hold_out_usage);
    const char *text = expr_text(R->X, arg->value);
    R->run.hold_out_by = data_field_of(R->X, R->run.data, arg->value);
    if (R->run.hold_out_by >= R->data->set->field_count) return not_of_first(R, arg->value, text);
    if (R->run.hold_out_by >= 0)
        meaning_use(R->L, member ? arg->value->member.member : arg->value->name,
                    R->run.data->fields[R->run.hold_out_by].span, NULL);
    if (R->run.hold_out_by >= 0 && R->run.data->fields[R->run.hold_out_by].classes > 0 &&
        R->run.data->fields[R->run.hold_out_by].shape.rank == 0) {
        if (R->X->options->measured != MEASURED_BY_ALL || R->run.data->fields[R->run.hold_out_by].column >= 0)
            return true;
        Diagnostic *computed = report(R->X->diagnostics, CODE_E0304, arg->value->span,
                                      "an object splits by labels that the application supplies, and %s is computed",
                                      text);
        add_help(R->X->diagnostics, computed,
                 "--run can split by it; in an application hold out by a column, at random "
                 "(hold_out = 0.2), or give NAME_fit the rows that validate");
        return false;
    }
    Diagnostic *d = report(R->X->diagnostics, CODE_E0304, arg->value->span, "%s is not a label of data %s", text,
                           R->run.data->name);
    add_help(R->X->diagnostics, d, "%s keeps the share of every class: %s, by = y) with y: label[k]", name,
             R->run.folds ? "folds(5" : "split(0.1");
    return false;
}

/* A run of each fold, which each.c has made. */
static bool lower_folds(RunLowering *R, const Expr *expr) {
    R->run.folds = each_fold(R->X, expr, &R->run.fold);
    R->run.hold_out = HOLD_OUT_FOLDS;
    if (!R->run.folds || expr->call.args.count > 2)
        return bad_value(R, expr, "hold_out",
                         "folds(5), or folds(5, by = y), makes so many runs, 2 to 1000, each of which validates "
                         "on other rows");
    return expr->call.args.count == 1 || split_by(R, "folds", &expr->call.args.items[1]);
}

static bool lower_hold_out(RunLowering *R) {
    const Expr *expr = value_of(R, KEY_HOLD_OUT);
    R->run.hold_out_by = -1;
    if (!expr || R->X->options->overfit) return true;
    bool call = expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME;
    const char *name = call ? expr->call.callee->name.text : "";
    if (is_folds(expr)) return lower_folds(R, expr);
    if (strcmp(name, "split") == 0 && expr->call.args.count == 2 && !expr->call.args.items[0].name.text) {
        R->run.hold_out = HOLD_OUT_SPLIT;
        return part_of(R, expr->call.args.items[0].value) && split_by(R, name, &expr->call.args.items[1]);
    }
    if (strcmp(name, "last") == 0 && expr->call.args.count == 1) {
        R->run.hold_out = HOLD_OUT_LAST;
        return part_of(R, expr->call.args.items[0].value);
    }
    if (strcmp(name, "split") == 0 || strcmp(name, "last") == 0) return bad_value(R, expr, "hold_out", hold_out_usage);
    R->run.hold_out = HOLD_OUT_RANDOM;
    return part_of(R, expr);
}

/* The validation set is read through the training set's fields, so both must look alike. */
static bool fits_training(RunLowering *R, const Expr *expr, const DataSet *valid) {
    const DataSet *data = R->run.data;
    bool same = true;
    for (int i = 0; i < data->field_count; i++) {
        const Field *a = &data->fields[i], *b = i < valid->field_count ? &valid->fields[i] : NULL;
        same &= b && a->name == b->name && a->dtype == b->dtype && shape_equal(a->shape, b->shape) &&
                a->classes == b->classes && a->column == b->column;
    }
    for (int i = 0; i < data->column_count && same; i++) {
        const Column *a = &data->columns[i], *b = i < valid->column_count ? &valid->columns[i] : NULL;
        same &= b && a->dtype == b->dtype && shape_equal(a->shape, b->shape) && a->standardized == b->standardized;
    }
    if (same) return true;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0446, expr->span, "data %s has not the fields of data %s",
                           valid->name, data->name);
    add_note(R->X->diagnostics, d, valid->span, "%s is declared here", valid->name);
    add_help(R->X->diagnostics, d, "declare it like the other: data %s like %s = ...", valid->name, data->name);
    return false;
}

static bool lower_valid(RunLowering *R) {
    const BlockStmt *valid = block_setting(R->block, KEY_VALID), *hold_out = block_setting(R->block, KEY_HOLD_OUT);
    if (!valid) return true;
    if (hold_out) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0312, valid->stmt->span,
                               "a block has hold_out or valid, not both");
        add_note(R->X->diagnostics, d, hold_out->stmt->span, "hold_out is here");
        return false;
    }
    return fits_training(R, value_of(R, KEY_VALID), R->run.valid);
}

/* ---- how long, how often, from where ----------------------------------------------------------------- */
static bool lower_length(RunLowering *R) {
    const BlockStmt *epochs = block_setting(R->block, KEY_EPOCHS), *steps = block_setting(R->block, KEY_STEPS);
    if (epochs && steps) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0312, steps->stmt->span,
                               "a block has epochs or steps, not both");
        add_note(R->X->diagnostics, d, epochs->stmt->span, "epochs is here");
        return false;
    }
    if (!epochs && !steps) R->run.epochs = 1;
    if (epochs) return whole(R, value_of(R, KEY_EPOCHS), "epochs", 1, MOST_EPOCHS, &R->run.epochs);
    return !steps || whole(R, value_of(R, KEY_STEPS), "steps", 1, MOST_STEPS, &R->run.steps);
}

static bool lower_seed(RunLowering *R) {
    const Expr *expr = value_of(R, KEY_SEED);
    int64_t seed = 0;
    bool good = !expr || whole(R, expr, "seed", 0, MOST_STEPS, &seed);
    R->run.seed = R->X->options->has_seed ? R->X->options->seed : (uint64_t)seed;
    return good;
}

static bool lower_report(RunLowering *R) {
    static const char *const usage = "report = every 10 epochs, or every 100 steps";
    const Expr *expr = value_of(R, KEY_REPORT);
    if (!expr) return true;
    const Expr *inner = expr->kind == EXPR_EVERY ? expr->inner : NULL;
    if (!inner) return bad_value(R, expr, "report", usage);
    const char *unit = inner->kind == EXPR_QUANTITY ? inner->quantity.unit.text
                       : inner->kind == EXPR_NAME   ? inner->name.text
                                                    : "";
    double every = inner->kind == EXPR_QUANTITY ? inner->quantity.value : 1;
    R->run.report_steps = strcmp(unit, "steps") == 0 || strcmp(unit, "step") == 0;
    bool epochs = strcmp(unit, "epochs") == 0 || strcmp(unit, "epoch") == 0;
    if ((!epochs && !R->run.report_steps) || every < 1 || every != floor(every) || every > 1e12)
        return bad_value(R, expr, "report", usage);
    R->run.report_every = (int64_t)every;
    return true;
}

/* Among the other block's runs the one whose `each` values are those of this run, where both have them. */
static bool agrees(RunLowering *R, const Run *other) {
    for (int i = 0; i < other->each_count; i++)
        for (int part = 0; part < 2; part++) {
            const EachSites *sites = part == 0 ? &R->X->top_sites : &R->block->sites;
            for (int s = 0; s < sites->count; s++) {
                const EachSite *site = &sites->items[s];
                if (strcmp(site->name, other->each[i].name) != 0) continue;
                if (strcmp(each_text(R->X, site), other->each[i].text) != 0) return false;
            }
        }
    return true;
}

static bool start_from_block(RunLowering *R, const Expr *expr) {
    Experiment *X = R->X;
    const TrainBlock *other = block_find(X, expr->name.text);
    if (!other) {
        Vector(const char *) names = {0};
        for (int i = 0; i < X->blocks.count; i++) vector_push(X->arena, &names, X->blocks.items[i]->name.text);
        Diagnostic *d = report(X->diagnostics, CODE_E0305, expr->span, "there is no train block named %s",
                               expr->name.text);
        const char *near = nearest_name(expr->name.text, names.items, names.count);
        if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
        return false;
    }
    meaning_use(X->L, expr->name, other->name.span, NULL);
    int found = 0;
    for (int i = 0; i < other->run_count; i++) {
        const Run *run = &X->runs.items[other->first_run + i];
        if (other->run_count > 1 && !agrees(R, run)) continue;
        R->run.start_run = other->first_run + i;
        found++;
    }
    if (found == 1) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0311, expr->span,
                           "%s has %d runs, and it is not clear which one to start from", other->name.text,
                           other->run_count);
    add_help(X->diagnostics, d, "start from a block with one run, or let both depend on the same setting of the file");
    return false;
}

static bool lower_start(RunLowering *R) {
    const Expr *expr = value_of(R, KEY_START);
    R->run.start_run = -1;
    if (!expr) return true;
    R->run.start_span = expr->span;
    if (expr->kind == EXPR_NAME) return start_from_block(R, expr);
    bool load = expr->kind == EXPR_CALL && is_word(expr->call.callee, "load") && expr->call.args.count == 1;
    if (!load)
        return bad_value(R, expr, "start", "start = OTHER, a train block, or start = load(\"file.safetensors\")");
    Value *path = lower_expression(R->L, R->L->global, expr->call.args.items[0].value);
    return lower_constant_string(R->L, path, expr->span, "the file to load", &R->run.start_file);
}

bool settings_lower(RunLowering *R) {
    bool good = lower_batch(R);
    good &= lower_last(R);
    good &= lower_hold_out(R);
    good &= lower_valid(R);
    good &= lower_length(R);
    good &= lower_seed(R);
    good &= lower_report(R);
    good &= lower_start(R);
    return good;
}
