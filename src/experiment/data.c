/* lower_data: data declarations: `data test like digits = idx(...) { x: f32[28, 28] = images / 255; ... }`.
 *
 * A field becomes a stored column where it is one, and else a one-example graph over columns. Synthetic
 * fields are always columns: their graph makes the rows, so a field that uses another reads the stored
 * one. The fields are lowered once into a graph of the data set's own, for the loader, and again into
 * every run's graph.
 *
 * A data set is lowered once for each combination of `each` in the top-level settings it uses; runs that
 * agree on those share it, and so share the rows in memory.
 */
#include "experiment/experiment.h"
#include <string.h>

/* ---- like -------------------------------------------------------------------------------------------- */
static Name bound_name(const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_FIELD:
    case STMT_TYPED: return stmt->bind.name.text;
    case STMT_ASSIGN: return stmt->assign.key.text;
    default: return NULL;
    }
}

static void override_body(Experiment *X, DataDecl *decl) {
    for (int i = 0; decl->base && i < decl->base->body.count; i++)
        vector_push(X->arena, &decl->body, decl->base->body.items[i]);
    int inherited = decl->body.count;
    for (int i = 0; i < decl->stmt->data.body.count; i++) {
        const Stmt *stmt = decl->stmt->data.body.items[i];
        bool replaced = false;
        if (!stmt || stmt->kind == STMT_ERROR) continue;
        for (int k = 0; k < inherited && bound_name(stmt); k++) {
            if (bound_name(decl->body.items[k]) != bound_name(stmt)) continue;
            decl->body.items[k] = stmt;
            replaced = true;
        }
        if (!replaced) vector_push(X->arena, &decl->body, stmt);
    }
}

static void report_unknown_data(Experiment *X, Word name) {
    Vector(const char *) names = {0};
    for (int i = 0; i < X->data.count; i++) vector_push(X->arena, &names, X->data.items[i]->name.text);
    Diagnostic *d = report(X->diagnostics, CODE_E0305, name.span, "there is no data set named %s", name.text);
    const char *near = nearest_name(name.text, names.items, names.count);
    if (near) add_help(X->diagnostics, d, "did you mean `%s`?", near);
}

static bool resolve(Experiment *X, DataDecl *decl) {
    const Word like = decl->stmt->data.like;
    if (decl->resolved) return !decl->failed;
    if (decl->resolving) {
        report(X->diagnostics, CODE_E0308, like.span, "data %s is like itself", decl->name.text);
        return false;
    }
    decl->resolving = true;
    bool good = true;
    if (like.text) {
        decl->base = data_find(X, like.text);
        if (!decl->base)
            report_unknown_data(X, like);
        else
            meaning_use(X->L, like, decl->base->name.span, NULL);
        good = decl->base && resolve(X, decl->base);
        if (!good) decl->base = NULL;
    }
    decl->source = decl->stmt->data.source ? decl->stmt->data.source : decl->base ? decl->base->source : NULL;
    override_body(X, decl);
    decl->resolving = false;
    decl->resolved = true;
    decl->failed = !good;
    return good;
}

/* ---- fields ------------------------------------------------------------------------------------------ */
int data_find_field(const DataSet *set, Name name) {
    for (int i = 0; i < set->field_count; i++)
        if (set->fields[i].name == name) return i;
    return -1;
}

int data_field_of(Experiment *X, const DataSet *set, const Expr *expr) {
    if (expr->kind == EXPR_NAME) return data_find_field(set, expr->name.text);
    if (expr->kind != EXPR_MEMBER || expr->member.base->kind != EXPR_NAME) return -1;
    const char *of = expr->member.base->name.text, *name = expr->member.member.text;
    if (!set->joined_count) return strcmp(of, set->name) == 0 ? data_find_field(set, expr->member.member.text) : -1;
    return data_find_field(set, name_from(X->names, text_format(X->arena, "%s.%s", of, name)));
}

static Node *label_node(SourceContext *context, const Value *v, Span span) {
    const Type *type = &context->type;
    if (v->classes == type->classes && v->axes == 0 && shape_equal(v->node->shape, type->shape)) return v->node;
    Lowering *L = context->X->L;
    report(L->diagnostics, CODE_E0443, span, "the field is declared as %s, and this is %s",
           shape_text(L, type->dtype, type->classes, type->shape), value_type_text(L, v));
    return NULL;
}

/* `x: f32[3] = normal(0, 1)` would be one number at three places. */
static bool is_one_draw(SourceContext *context, const Value *v, const Stmt *stmt) {
    if (stmt->bind.is_draw || v->kind != VALUE_TENSOR || v->node->shape.rank > 0 || context->type.shape.rank == 0)
        return false;
    int count;
    Experiment *X = context->X;
    Node **nodes = graph_post_order(X->arena, (Node *const *)&v->node, 1, &count);
    bool draws = false;
    for (int i = 0; i < count; i++) draws |= nodes[i]->op == OP_RANDOM;
    if (!draws) return false;
    const char *name = stmt->bind.name.text;
    Diagnostic *d = report(X->diagnostics, CODE_E0447, stmt->bind.value->span,
                           "this draws one number, and %s has %lld places for it", name,
                           (long long)shape_size(context->type.shape));
    add_help(X->diagnostics, d, "to draw each of them: %s: %s ~ %s", name,
             shape_text(X->L, context->type.dtype, context->type.classes, context->type.shape),
             expr_text(X, stmt->bind.value));
    add_help(X->diagnostics, d,
             "if the same number is meant for all, draw it in a field of its own, and write that here");
    return true;
}

/* The field's expression as a node of its declared type; NULL after an error. */
static Node *field_node(SourceContext *context, Scope *scope, const Stmt *stmt) {
    Experiment *X = context->X;
    Lowering *L = X->L;
    const Type *type = &context->type;
    Span span = stmt->bind.value->span;
    Stmt *assign = arena_new_of(X->arena, Stmt);
    assign->kind = stmt->bind.is_draw ? STMT_TYPED : STMT_ASSIGN;
    assign->span = stmt->span;
    if (stmt->bind.is_draw)
        *assign = *stmt;
    else {
        assign->assign.key = stmt->bind.name;
        assign->assign.value = stmt->bind.value;
    }
    Scope *inner = scope_new(L, scope);
    lower_statement(L, inner, assign);
    meaning_forget_values(L, stmt->bind.name); /* it is not of its declared type yet */
    Binding *binding = scope_find_here(inner, stmt->bind.name.text);
    if (!binding || value_is_poison(binding->value) || context->broken) return NULL;
    const Value *v = without_variables(L, scope->variables, binding->value);
    if (is_one_draw(context, v, stmt)) return NULL;
    const char *what = text_format(X->arena, "the field %s", stmt->bind.name.text);
    if (type->classes > 0 && v->kind == VALUE_TENSOR && v->classes > 0) return label_node(context, v, span);
    if (type->classes == 0) return value_to_node(L, v, type->dtype, type->shape, span, what);
    bool real = v->kind == VALUE_TENSOR && dtype_is_real(v->node->dtype);
    bool truth = v->kind == VALUE_TENSOR && v->node->dtype == DTYPE_BOOL;
    if (!real && !truth) return value_to_node(L, v, DTYPE_I32, type->shape, span, what);
    Node *node = value_to_node(L, v, v->node->dtype, type->shape, span, what);
    return node ? graph_cast(L->graph, node, DTYPE_I32) : NULL;
}

/* `x: type = standardize(e)`: e; else NULL. */
static const Expr *standardized_whole(const Expr *expr) {
    bool call = expr->kind == EXPR_CALL && expr->call.callee->kind == EXPR_NAME &&
                strcmp(expr->call.callee->name.text, "standardize") == 0 && expr->call.args.count == 1;
    return call ? expr->call.args.items[0].value : NULL;
}

static int made_column(SourceContext *context, const Stmt *stmt, Node *node, bool standardized) {
    Column column = {.name = stmt->bind.name.text,
                     .dtype = context->type.dtype,
                     .shape = context->type.shape,
                     .classes = context->type.classes,
                     .synthetic = node,
                     .standardized = standardized,
                     .span = stmt->bind.name.span};
    return source_add_column(context, column);
}

static bool check_label(SourceContext *context, const Node *node, Span span) {
    if (source_label_in_range(node, context->type.classes)) return true;
    Diagnostic *d = report(context->X->diagnostics, CODE_E0445, span,
                           "it cannot be seen that this label stays between 0 and %lld",
                           (long long)(context->type.classes - 1));
    add_help(context->X->diagnostics, d,
             "a label is a column, a column plus a constant, remap(column, [values]), or "
             "where(...) of constants");
    return false;
}

static bool standardize_fits(SourceContext *context, Span span) {
    if (dtype_is_real(context->type.dtype)) return true;
    report(context->X->diagnostics, CODE_E0444, span, "standardize makes real numbers, and this field is none");
    return false;
}

static Node *synthetic_field(SourceContext *context, Scope *scope, const Stmt *stmt, int *column) {
    Stmt copy = *stmt;
    const Expr *inner = stmt->bind.is_draw ? NULL : standardized_whole(stmt->bind.value);
    if (inner) {
        if (!standardize_fits(context, stmt->bind.value->span)) return NULL;
        copy.bind.value = (Expr *)inner;
    }
    Node *node = field_node(context, scope, &copy);
    if (!node) return NULL;
    *column = made_column(context, stmt, node, inner != NULL);
    return graph_leaf(context->X->L->graph, OP_COLUMN, context->type.dtype, context->type.shape, *column);
}

static Node *stored_field(SourceContext *context, Scope *scope, const Stmt *stmt, int *column) {
    const Expr *value = stmt->bind.value;
    context->whole = context->type.dtype == DTYPE_I32 && source_is_plain_column(context, value);
    context->alone = standardized_whole(value) ? standardized_whole(value) : value;
    source_bind_words(context, scope, value);
    Node *node = field_node(context, scope, stmt);
    context->whole = false;
    context->alone = NULL;
    if (!node) return NULL;
    if (source_window_slice(context, node, column)) return source_column_value(context, *column)->node;
    if (context->type.classes) node = source_shifted_label(context, node, context->type.classes);
    if (node->op == OP_COLUMN && !context->variant->fields.items[context->field].filled) {
        *column = (int)node->attr.index;
        if (context->type.classes && context->variant->columns.items[*column].classes != context->type.classes) {
            *column = source_own_column(context, *column);
            context->variant->columns.items[*column].classes = context->type.classes;
            node = source_column_value(context, *column)->node;
        }
    } else if (context->type.classes && !check_label(context, node, value->span)) {
        return NULL;
    }
    return node;
}

/* A field without an expression: the application gives its rows, or a csv in its place its next columns. */
static Node *given_field(SourceContext *context, const Stmt *stmt, int *column) {
    DataVariant *variant = context->variant;
    int64_t count = shape_size(context->type.shape), first = 0;
    Column made = {.name = stmt->bind.name.text,
                   .dtype = context->type.dtype,
                   .shape = context->type.shape,
                   .classes = context->type.classes,
                   .span = stmt->bind.name.span};
    if (source_rows(variant->set->kind) == ROWS_TABLE && count <= 1 << 20) {
        for (int i = 0; i < variant->columns.count; i++) first += variant->columns.items[i].csv_count;
        made.csv_count = (int)count;
        made.csv_index = arena_array(context->X->arena, int64_t, count);
        made.csv_name = arena_array(context->X->arena, const char *, count);
        for (int64_t i = 0; i < count; i++) made.csv_index[i] = first + i;
    }
    *column = source_add_column(context, made);
    return graph_leaf(context->X->L->graph, OP_COLUMN, made.dtype, made.shape, *column);
}

static bool field_form(Experiment *X, const DataVariant *variant, const DataDecl *decl, const Stmt *stmt) {
    bool has_source = decl->source != NULL;
    if (data_find_field(&(DataSet){.fields = variant->fields.items, .field_count = variant->fields.count},
                        stmt->bind.name.text) >= 0) {
        report(X->diagnostics, CODE_E0212, stmt->bind.name.span, "the field %s is already declared",
               stmt->bind.name.text);
        return false;
    }
    if (stmt->kind == STMT_FIELD && has_source) {
        Diagnostic *d = report(X->diagnostics, CODE_E0443, stmt->span, "the field %s needs a value",
                               stmt->bind.name.text);
        add_help(X->diagnostics, d, "say where it comes from: %s: ... = column(0)", stmt->bind.name.text);
        return false;
    }
    if (stmt->kind == STMT_TYPED && !has_source) {
        Diagnostic *d = report(X->diagnostics, CODE_E0443, stmt->span,
                               "data %s has no source this value could come from", decl->name.text);
        add_help(X->diagnostics, d,
                 "give it one: data %s = csv(\"file.csv\") { ... }; or leave the value out, and the "
                 "application supplies the rows",
                 decl->name.text);
        return false;
    }
    if (stmt->kind == STMT_TYPED && stmt->bind.is_draw && source_rows(variant->set->kind) != ROWS_MADE) {
        report(X->diagnostics, CODE_E0443, stmt->span,
               "rows that are read cannot be drawn; draws belong to synthetic data");
        return false;
    }
    return true;
}

static bool lower_field(Experiment *X, DataDecl *decl, SourceContext *context, Scope *scope, const Stmt *stmt) {
    DataVariant *variant = context->variant;
    if (!field_form(X, variant, decl, stmt)) return false;
    Field field = {
        .name = stmt->bind.name.text, .column = -1, .standard = -1, .doc = stmt->doc, .span = stmt->bind.name.span};
    context->field = variant->fields.count;
    context->type = lower_type(X->L, scope, stmt->bind.type);
    context->broken = false;
    context->exact = stmt->bind.value && stmt->bind.value->kind == EXPR_NAME;
    if (!context->type.known) return false;
    if (context->type.is_compile_time) {
        Diagnostic *d = report(X->diagnostics, CODE_E0443, stmt->bind.type->span,
                               "a field is f32, f64, i32, bool or label[k], or an array of these");
        add_help(X->diagnostics, d, "%s is a size; a class is label[3], with the number of classes, and a quantity f32",
                 stmt->bind.type->base.text);
        return false;
    }
    field.dtype = context->type.dtype;
    field.shape = context->type.shape;
    field.classes = context->type.classes;
    vector_push(X->arena, &variant->fields, field);
    vector_push(X->arena, &variant->field_stmt, stmt);
    int column = -1;
    Node *node = stmt->kind == STMT_FIELD                       ? given_field(context, stmt, &column)
                 : source_rows(variant->set->kind) == ROWS_MADE ? synthetic_field(context, scope, stmt, &column)
                                                                : stored_field(context, scope, stmt, &column);
    if (!node) {
        scope_bind(X->L, scope, field.name, value_poison(X->L), field.span);
        return false;
    }
    Field *kept = &variant->fields.items[context->field];
    kept->value = node;
    kept->column = column;
    scope_bind(X->L, scope, field.name, value_tensor(X->L, node, field.classes), field.span);
    return true;
}

static bool lower_keep(SourceContext *context, Scope *scope, const Expr *expr) {
    Lowering *L = context->X->L;
    context->field = -1;
    context->broken = false;
    source_bind_words(context, scope, expr);
    Value *v = without_variables(L, scope->variables, lower_expression(L, scope, expr));
    if (value_is_poison(v) || context->broken) return false;
    context->variant->set->keep = value_to_node(L, v, DTYPE_BOOL, (Shape){0}, expr->span, "keep");
    return context->variant->set->keep != NULL;
}

static bool lower_body(Experiment *X, DataDecl *decl, SourceContext *context, Scope *scope) {
    const Stmt *keep = NULL;
    bool good = true;
    for (int i = 0; i < decl->body.count; i++) {
        const Stmt *stmt = decl->body.items[i];
        if (stmt->kind == STMT_FIELD || stmt->kind == STMT_TYPED) {
            good &= lower_field(X, decl, context, scope, stmt);
        } else if (stmt->kind == STMT_ASSIGN && strcmp(stmt->assign.key.text, "keep") == 0) {
            keep = stmt;
        } else if (stmt->kind == STMT_ASSIGN || stmt->kind == STMT_TUPLE) {
            int errors = X->diagnostics->errors;
            lower_statement(X->L, scope, stmt);
            good &= X->diagnostics->errors == errors;
        } else {
            Diagnostic *d = report(X->diagnostics, CODE_E0213, stmt->span, "this does not belong into a data block");
            add_help(X->diagnostics, d, "fields are declared with their type: x: f32[5] = columns(0..5)");
            good = false;
        }
    }
    if (keep) good &= lower_keep(context, scope, keep->assign.value);
    if (context->variant->fields.count > 0 || !good) return good;
    Diagnostic *d = report(X->diagnostics, CODE_E0443, decl->name.span, "data %s has no fields", decl->name.text);
    add_help(X->diagnostics, d, "say what a model sees: { x: f32[5] = columns(0..5) }");
    return false;
}

/* ---- variants ---------------------------------------------------------------------------------------- */
static DataVariant *find_variant(Experiment *X, DataDecl *decl) {
    for (int i = 0; i < decl->variants.count; i++) {
        DataVariant *variant = decl->variants.items[i];
        bool same = true;
        for (int s = 0; s < X->top_sites.count; s++)
            if ((variant->depends >> s & 1) && variant->chosen[s] != X->top_sites.items[s].chosen) same = false;
        if (same) return variant;
    }
    return NULL;
}

/* --overfit N: the first rows only. */
static void limit_rows(Experiment *X, DataSet *set) {
    int64_t rows = 0;
    if (!X->options->overfit) return;
    for (const char *p = X->options->overfit; *p >= '0' && *p <= '9' && rows < (int64_t)1 << 40; p++)
        rows = 10 * rows + (*p - '0');
    if (rows < 1) return;
    if (source_rows(set->kind) == ROWS_MADE && set->rows > rows) set->rows = rows;
    if (source_rows(set->kind) != ROWS_MADE && (set->rows_end < 0 || set->rows_end - set->rows_begin > rows))
        set->rows_end = set->rows_begin + rows;
}

static DataVariant *new_variant(Experiment *X, DataDecl *decl) {
    DataVariant *variant = arena_new_of(X->arena, DataVariant);
    variant->set = arena_new_of(X->arena, DataSet);
    variant->decl = decl;
    variant->set->name = decl->name.text;
    variant->set->span = decl->name.span;
    variant->set->doc = decl->stmt->doc;
    variant->set->like = decl->base ? decl->base->name.text : NULL;
    variant->chosen = arena_array(X->arena, int, X->top_sites.count + 1);
    for (int s = 0; s < X->top_sites.count; s++) variant->chosen[s] = X->top_sites.items[s].chosen;
    vector_push(X->arena, &decl->variants, variant);
    return variant;
}

/* Of a column that nothing but is_missing reads, any text will do. */
static void find_asked_missing(DataVariant *variant) {
    for (int i = 0; i < variant->uses.count; i++) {
        const ColumnUse *use = &variant->uses.items[i];
        if (use->asks_missing) variant->columns.items[use->column].asked_missing = true;
    }
    for (int i = 0; i < variant->uses.count; i++) {
        const ColumnUse *use = &variant->uses.items[i];
        if (!use->asks_missing) variant->columns.items[use->column].asked_missing = false;
    }
}

static void lower_variant(Experiment *X, DataDecl *decl, DataVariant *variant) {
    Lowering *L = X->L;
    DataSet *set = variant->set;
    L->graph = graph_new(X->arena, X->diagnostics);
    variant->failed = !source_read_call(X, decl, variant);
    if (!variant->failed) limit_rows(X, set);
    L->training = false;
    L->batch_rows = BATCH_REFUSED;
    L->allow_draws = source_rows(set->kind) == ROWS_MADE;
    L->random_key = RANDOM_DATA;
    L->random_seed = set->seed;
    L->state_hook = NULL;
    lowering_start_root(L, set->name);
    L->no_models = "a data block";
    SourceContext *context = arena_new_of(X->arena, SourceContext);
    *context = (SourceContext){.X = X, .variant = variant, .making = true};
    Scope *scope = scope_new(L, L->global);
    source_bind_functions(context, scope);
    for (int i = 0; i < decl->body.count; i++) scope_find_variables(L, scope, decl->body.items[i]);
    if (!variant->failed) variant->failed = !lower_body(X, decl, context, scope);
    for (int c = 0; c < variant->columns.count && set->window; c++) /* beside a window: the row that it ends with */
        if (!variant->columns.items[c].windowed) variant->columns.items[c].offset = set->window - 1;
    find_asked_missing(variant);
    set->columns = variant->columns.items;
    set->column_count = variant->columns.count;
    set->fields = variant->fields.items;
    set->field_count = variant->fields.count;
    set->statistics = variant->statistics.items;
    set->statistic_count = variant->statistics.count;
    set->statistic_cells = variant->statistic_cells.items;
    set->statistic_cell_count = variant->statistic_cells.count;
}

DataVariant *data_lower(Experiment *X, DataDecl *decl) {
    decl->used = true;
    if (!resolve(X, decl)) return NULL;
    DataVariant *variant = find_variant(X, decl);
    if (!variant) {
        settings_clear_used(X);
        variant = new_variant(X, decl);
        lower_variant(X, decl, variant);
        variant->depends = settings_used(X);
    }
    X->data_depends |= variant->depends;
    return variant->failed ? NULL : variant;
}

/* ---- fields in a run's graph ------------------------------------------------------------------------- */
static Value *field_again(SourceContext *context, Scope *scope, int index) {
    const Field *field = &context->variant->set->fields[index];
    const Stmt *stmt = context->variant->field_stmt.items[index];
    context->field = index;
    context->type = (Type){.known = true, .dtype = field->dtype, .classes = field->classes, .shape = field->shape};
    if (field->column >= 0) {
        context->whole = field->dtype == DTYPE_I32;
        Value *v = source_column_value(context, field->column);
        context->whole = false;
        return value_tensor(context->X->L, v->node, field->classes);
    }
    context->exact = stmt->bind.value->kind == EXPR_NAME;
    source_bind_words(context, scope, stmt->bind.value);
    Node *node = field_node(context, scope, stmt);
    return node ? value_tensor(context->X->L, node, field->classes) : value_poison(context->X->L);
}

void data_bind_fields(Experiment *X, DataVariant *variant, Scope *scope, bool raw) {
    SourceContext *context = arena_new_of(X->arena, SourceContext);
    *context = (SourceContext){.X = X, .variant = variant, .raw = raw};
    Scope *inner = scope_new(X->L, X->L->global);
    const char *outer = X->L->no_models;
    X->L->no_models = "a data block";
    source_bind_functions(context, inner);
    for (int i = 0, field = 0; i < variant->decl->body.count; i++) {
        const Stmt *stmt = variant->decl->body.items[i];
        if (stmt->kind == STMT_FIELD || stmt->kind == STMT_TYPED) {
            const Field *made = &variant->set->fields[field];
            Value *v = field_again(context, inner, field++);
            scope_bind(X->L, inner, made->name, v, made->span);
            scope_bind(X->L, scope, made->name, v, made->span)->doc = made->doc;
        } else if (source_rows(variant->set->kind) != ROWS_MADE &&
                   strcmp(bound_name(stmt) ? bound_name(stmt) : "", "keep") != 0) {
            lower_statement(X->L, inner, stmt);
        }
    }
    X->L->no_models = outer;
}

const char *run_field_names(RunLowering *R) {
    Text text = text_new(R->X->arena);
    for (int i = 0; i < R->run.data->field_count; i++)
        text_add(&text, "%s%s", i ? ", " : "", R->run.data->fields[i].name);
    return text.bytes;
}
