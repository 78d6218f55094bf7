/* source_functions: what may be called in a field: columns, standardize, classes, remap, is_missing, i32. Each looks at the
 * column inside it as the context asks (source.c).
 */
#include "experiment/experiment.h"
#include <string.h>

static Value *lower_standardize(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    bool before = context->standardize;
    (void)args;
    if (context->field >= 0 && !dtype_is_real(context->type.dtype)) {
        const char *name = context->variant->fields.items[context->field].name;
        Diagnostic *d = report(L->diagnostics, CODE_E0444, call->span,
                               "standardize makes a quantity, and the field %s is %s", name,
                               shape_text(L, context->type.dtype, context->type.classes, context->type.shape));
        add_help(L->diagnostics, d, "declare it as one, %s: f32, or leave standardize out", name);
        context->broken = true;
        return value_poison(L);
    }
    context->standardize = true;
    const Expr *inner = call->call.args.count == 1 ? call->call.args.items[0].value : NULL;
    bool plain = inner && context->field >= 0 && !missing_is_said(inner) && !context->inside;
    Value *v = plain ? source_plain_column(context, scope, inner) : NULL;
    context->standardize = before;
    if (v) return v;
    if (inner && context->field >= 0) return statistic_standardize(context, scope, call, inner);
    report(L->diagnostics, CODE_E0444, call->span,
           "keep looks at values as they are stored: standardize does not belong here");
    context->broken = true;
    return value_poison(L);
}

/* i32(column(0)) reads whole numbers as such: a float would round those above 2^24. */
static Value *lower_whole(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    const Expr *inner = call->call.args.count == 1 ? call->call.args.items[0].value : NULL;
    bool before[2] = {context->whole, context->truncated};
    (void)args;
    context->whole = context->truncated = true;
    Value *v = inner && !context->standardize ? source_plain_column(context, scope, inner) : NULL;
    context->whole = before[0];
    context->truncated = before[1];
    if (v) return v;
    const Binding *cast = scope_find(L->global, name_from(L->names, "i32"));
    args = lower_arguments(L, scope, call);
    return cast->value->builtin->function(L, scope, args, call, cast->value->context);
}

/* ---- is_missing, classes, remap ------------------------------------------------------------------------ */
static Value *lower_is_missing(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    const Expr *inner = call->call.args.items[0].value;
    (void)args;
    context->asks_missing = true;
    Value *v = missing_is_said(inner) || inner->kind == EXPR_NAME ? NULL : source_plain_column(context, scope, inner);
    context->asks_missing = false;
    if (v && value_is_poison(v)) return v;
    if (v) return value_tensor(L, graph_binary(L->graph, OP_NE, v->node, v->node), 0);
    Diagnostic *d = report(L->diagnostics, CODE_E0443, call->span, "is_missing takes columns of a csv as they are");
    add_help(L->diagnostics, d, "is_missing(column(\"age\"))");
    context->broken = true;
    return value_poison(L);
}

/* Arguments from `from` on: other = true. */
static bool read_other(SourceContext *context, Scope *scope, const Expr *call, int from) {
    Lowering *L = context->X->L;
    context->other = false;
    for (int i = from; i < call->call.args.count; i++) {
        const Argument *arg = &call->call.args.items[i];
        if (arg->name.text && strcmp(arg->name.text, "other") == 0) {
            Value *v = lower_expression(L, scope, arg->value);
            if (lower_constant_bool(L, v, arg->value->span, "other", &context->other)) continue;
        } else {
            const char *name = call->call.callee->name.text;
            Diagnostic *d = report(L->diagnostics, CODE_E0205, arg->name.text ? arg->name.span : arg->value->span,
                                   arg->name.text ? "%s has no argument named %s" : "%s has no such argument", name,
                                   arg->name.text);
            add_help(L->diagnostics, d, "other = true: a class for all that are none");
        }
        context->broken = true;
        return false;
    }
    return true;
}

static bool read_count(SourceContext *context, Scope *scope, const Expr *call, int *from) {
    context->class_count = 0;
    *from = 1;
    if (call->call.args.count < 2 || call->call.args.items[1].name.text) return true;
    const Expr *count = call->call.args.items[1].value;
    Lowering *L = context->X->L;
    *from = 2;
    if (!lower_constant_int(L, lower_expression(L, scope, count), count->span, "the number of classes",
                            &context->class_count))
        return false;
    if (context->class_count >= 1 && context->class_count <= INT32_MAX) return true;
    report(L->diagnostics, CODE_E0443, count->span, "%lld is no number of classes", (long long)context->class_count);
    return false;
}

static Value *lower_classes(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    int from;
    (void)args;
    if (!read_count(context, scope, call, &from) || !read_other(context, scope, call, from)) {
        context->broken = true;
        return value_poison(L);
    }
    bool table = source_rows(context->variant->set->kind) == ROWS_TABLE;
    context->learns_words = true;
    Value *v = table && context->field >= 0 ? source_plain_column(context, scope, call->call.args.items[0].value)
                                            : NULL;
    context->learns_words = context->other = false;
    context->class_count = 0;
    if (v) return v;
    Diagnostic *d = report(L->diagnostics, CODE_E0443, call->span,
                           table && context->field < 0 ? "keep looks at values before classes are known"
                                                       : "classes takes a column of a csv, whose texts become classes");
    add_help(L->diagnostics, d,
             context->field < 0 ? "name the texts: keep = remap(column(\"region\"), [\"north\", \"south\"]) == 0"
                                : "region: label[4] = classes(column(\"region\"))");
    context->broken = true;
    return value_poison(L);
}

/* ---- remap(...) -------------------------------------------------------------------------------------- */
static Value *lower_remap(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *data) {
    SourceContext *context = data;
    const Expr *inner = call->call.args.count >= 2 ? call->call.args.items[0].value : NULL;
    Value *v = NULL;
    (void)args;
    if (inner && !read_other(context, scope, call, 2)) return value_poison(L);
    if (inner) {
        Value *list = lower_expression(L, scope, call->call.args.items[1].value);
        if (value_is_poison(list)) return list;
        context->remap = list->kind == VALUE_LIST && list->count > 0 ? list : NULL;
        context->remap_call = call;
        if (context->remap) v = source_plain_column(context, scope, inner);
        context->remap = NULL;
        context->other = false;
    }
    if (v) return v;
    Diagnostic *d = report(L->diagnostics, CODE_E0443, call->span, "remap takes a column and the list of its values");
    add_help(L->diagnostics, d,
             "remap(labels, [3, 7]) makes 0 of 3 and 1 of 7; remap(column(0), [\"no\", \"yes\"]) of texts");
    context->broken = true;
    return value_poison(L);
}

const Builtin source_builtins[] = {
    {"columns", 1, -1, true, source_lower_columns, "columns(0..5)",
     "columns of the file, by number or name, as an array"},
    {"column", 1, 2, true, source_lower_columns, "column(5)", "one column of the file, by number or name"},
    {"is_missing", 1, 1, true, lower_is_missing, "is_missing(column(5))", "true where the file has no value"},
    {"standardize", 1, 1, true, lower_standardize, "standardize(columns(0..5))",
     "less the mean of the training rows, divided by their deviation"},
    {"remap", 2, 3, true, lower_remap, "remap(labels, [3, 7])",
     "the class of a value is its place in the list; other values are an error"},
    {"classes", 1, 3, true, lower_classes, "classes(column(5))", "the texts of a column as classes, in their order"},
    {"i32", 1, 1, true, lower_whole, "i32(e)", "the value as i32; what is behind the point is cut off"},
    {"words", 0, -1, true, source_lower_words, "words(column(\"text\"), length = 200)",
     "the words of a text as classes; 0 fills up, 1 is any that was not learnt"},
    {"windows", 0, -1, true, source_lower_windows, "windows(column(0), length = 20, stride = 1)",
     "the values of so many rows of the file, one after the other"},
    {0},
};

void source_bind_functions(SourceContext *context, Scope *scope) {
    Lowering *L = context->X->L;
    for (int i = 0; source_builtins[i].name; i++)
        scope_bind(L, scope, name_from(L->names, source_builtins[i].name),
                   value_builtin(L, &source_builtins[i], context), (Span){0, 0});
}
