/* source_classes: columns of classes whose values the file says in another way: remap(column, [values]) lists them, classes(column)
 * takes the texts of the rows that train.
 *
 * Which texts these are is known when the rows are read (driver/classes.c): until then a column that learns them has their
 * number alone, which is that of its field or the second argument.
 */
#include "experiment/experiment.h"
#include <stdlib.h>
#include <string.h>

/* An item of remap's list: a number, or a text. */
typedef struct ListedValue {
    double value;
    const char *text;
    int place;
} ListedValue;

static int compare_values(const ListedValue *x, const ListedValue *y) {
    if (x->text) return strcmp(x->text, y->text);
    return x->value < y->value ? -1 : x->value > y->value;
}

static int compare_listed(const void *a, const void *b) {
    int order = compare_values(a, b);
    return order ? order : ((const ListedValue *)a)->place - ((const ListedValue *)b)->place;
}

/* The items of the list as they are written; NULL where it is made by other means. */
static const ExprList *written_items(const Expr *call) {
    const Expr *list = call->kind == EXPR_CALL && call->call.args.count == 2 ? call->call.args.items[1].value : NULL;
    return list && list->kind == EXPR_ARRAY ? &list->array.items : NULL;
}

/* A value that is listed twice would be two classes: reported once, with both places. */
static void check_twice(SourceContext *context, const Column *column, const Expr *call) {
    const ExprList *written = written_items(call);
    Arena *arena = context->X->arena;
    int count = column->remap_count;
    ListedValue *sorted = arena_array(arena, ListedValue, count + 1);
    for (int i = 0; i < count; i++)
        sorted[i] = (ListedValue){column->remap ? column->remap[i] : 0,
                                  column->remap_words ? column->remap_words[i] : NULL, i};
    qsort(sorted, (size_t)count, sizeof *sorted, compare_listed);
    for (int i = 1; i < count; i++) {
        if (compare_values(&sorted[i], &sorted[i - 1])) continue;
        if (i > 1 && !compare_values(&sorted[i], &sorted[i - 2])) continue;
        int first = sorted[i - 1].place, second = sorted[i].place;
        bool has_places = written && written->count == count;
        Diagnostic *d = report(
            context->X->diagnostics, CODE_E0443, has_places ? written->items[second]->span : call->span,
            "remap names %s twice: it cannot be class %d and class %d",
            sorted[i].text ? text_format(arena, "\"%s\"", sorted[i].text)
                           : text_format(arena, "the value %s", text_number(arena, sorted[i].value, false)),
            first, second);
        if (has_places) add_note(context->X->diagnostics, d, written->items[first]->span, "here the first time");
        context->broken = true;
    }
}

static void set_remap(SourceContext *context, Column *column, Span span) {
    const Value *list = context->remap;
    Lowering *L = context->X->L;
    if (!list) return;
    bool texts = list->items[0]->kind == VALUE_STRING, good = true;
    if (texts && source_rows(context->variant->set->kind) != ROWS_TABLE) {
        report(L->diagnostics, CODE_E0443, span, "remap takes numbers here: only a csv holds texts");
        good = false;
    }
    if (texts)
        column->remap_words = arena_array(context->X->arena, const char *, list->count + 1);
    else
        column->remap = arena_array(context->X->arena, double, list->count);
    column->remap_count = list->count;
    for (int i = 0; i < list->count && good; i++)
        good = texts ? lower_constant_string(L, list->items[i], span, "a text to number", &column->remap_words[i])
                     : lower_constant_number(L, list->items[i], span, "a value to rename", &column->remap[i]);
    if (good)
        check_twice(context, column, context->remap_call);
    else
        context->broken = true;
    column->dtype = DTYPE_I32;
    if (!context->other) return;
    if (!texts) {
        report(L->diagnostics, CODE_E0443, span, "other = true is for texts: list all numbers");
        context->broken = true;
    }
    if (texts) column->remap_words[list->count] = "other";
    column->has_other = true;
    column->other = list->count;
}

/* ---- classes(...) ------------------------------------------------------------------------------------ */
static void set_learnt(SourceContext *context, Column *column, Span span) {
    Lowering *L = context->X->L;
    bool of_field = context->field >= 0 && context->type.classes > 0;
    column->classes = context->class_count ? context->class_count : of_field ? context->type.classes : 0;
    column->learns_words = true;
    column->dtype = DTYPE_I32;
    column->has_other = context->other;
    column->other = (int)column->classes - 1;
    if (column->classes > column->has_other) return;
    column->classes = 1; /* what follows has a label */
    Diagnostic *d = report(L->diagnostics, CODE_E0443, span, "it is not said how many classes there can be");
    add_help(L->diagnostics, d,
             "say it in the field's type, r: label[4] = classes(column(\"region\")), or beside the column: "
             "one_hot(classes(column(\"region\"), 4))");
    context->broken = true;
}

void source_set_classes(SourceContext *context, Column *column, Span span) {
    if (context->learns_words)
        set_learnt(context, column, span);
    else
        set_remap(context, column, span);
}
