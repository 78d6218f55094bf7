/* block.c: the statements of bodies: bindings, parameters, draws, repeat, return.
 *
 * A binding gives its name to the path of what is written on its right: `h = dense(x, 5)` makes
 * mlp.h.dense.w. repeat lowers its body once per turn into the same scope, so a name rebound in it carries
 * on; inside, paths have the turn in brackets.
 */
#include "lower/internal.h"
#include <string.h>

/* ---- typed bindings -------------------------------------------------------------------------- */
Value *lower_typed(Lowering *L, Scope *scope, const TypeExpr *written, Word name, const Expr *value, bool is_draw) {
    Type type = lower_type(L, scope, written);
    if (!type.known) return value_poison(L);
    const char *what = name.text;
    if (!is_draw) {
        Value *v = lower_expression(L, scope, value);
        if (!type.is_compile_time && value_is_numeric(v) && type.classes == 0 && v->kind != VALUE_TENSOR)
            v = value_to_tensor(L, v, type.dtype, value->span, what);
        return type_fit(L, &type, value_repeat(L, v, type.shape), value->span, what, written->span);
    }
    const char *site = path_count(L, L->path->site_counts, L->path->site);
    Value *v = lower_draw(L, scope, value, &type, site, false);
    return type_fit(L, &type, v, value->span, what, written->span);
}

/* ---- bindings -------------------------------------------------------------------------------- */
static Value *lower_indexed_binding(Lowering *L, Scope *scope, const Stmt *stmt) {
    const BinderList *binders = &stmt->assign.binders;
    int ids[MOST_RANK];
    Value *result = value_poison(L);
    if (!index_check(L, binders)) return result;
    range_frame_push(L, scope, binders, stmt->assign.value);
    Scope *inner = index_open(L, scope, binders, ids);
    if (inner != NULL) {
        Value *v = lower_expression(L, inner, stmt->assign.value);
        lower_close_axes(L, binders->count);
        Span outer = L->graph->span;
        L->graph->span = stmt->assign.value->span;
        result = value_axes_to_own(L, v, ids, binders->count);
        L->graph->span = outer;
        if (!value_is_poison(result) && result->kind != VALUE_TENSOR) {
            lower_error(L, CODE_E0216, stmt->assign.value->span, "an array has numbers as items, not %s",
                        value_type_text(L, result));
            result = value_poison(L);
        }
    }
    range_frame_pop(L);
    return result;
}

static void lower_assign(Lowering *L, Scope *scope, const Stmt *stmt) {
    if (!L->training && scope_has_state(scope, stmt->assign.key.text)) return; /* it stays as it was trained */
    PathState path = path_of_binding(L, stmt->assign.key.text), *outer = L->path;
    L->path = &path;
    Value *v = stmt->assign.has_binders ? lower_indexed_binding(L, scope, stmt)
                                        : lower_expression(L, scope, stmt->assign.value);
    L->path = outer;
    Binding *b = scope_bind(L, scope, stmt->assign.key.text, v, stmt->assign.key.span);
    b->doc = stmt->doc;
}

static void lower_typed_statement(Lowering *L, Scope *scope, const Stmt *stmt) {
    PathState path = path_of_binding(L, stmt->bind.name.text), *outer = L->path;
    L->path = &path;
    Value *v = lower_typed(L, scope, stmt->bind.type, stmt->bind.name, stmt->bind.value, stmt->bind.is_draw);
    L->path = outer;
    scope_bind(L, scope, stmt->bind.name.text, v, stmt->bind.name.span);
}

static void lower_tuple(Lowering *L, Scope *scope, const Stmt *stmt) {
    int count = stmt->tuple.names.count;
    const Word *names = stmt->tuple.names.items;
    Text joined = text_new(L->arena);
    for (int i = 0; i < count; i++) text_add(&joined, "%s%s", i == 0 ? "" : "_", names[i].text);
    PathState path = path_of_binding(L, name_from(L->names, joined.bytes)), *outer = L->path;
    L->path = &path;
    Value *v = lower_expression(L, scope, stmt->tuple.value);
    L->path = outer;
    bool fits = (v->kind == VALUE_TUPLE || v->kind == VALUE_LIST) && v->count == count;
    if (!fits && !value_is_poison(v))
        lower_error(L, CODE_E0216, stmt->span, "%s on the left, and the right is %s", count_text(L, count, "name"),
                    value_type_text(L, v));
    for (int i = 0; i < count; i++)
        scope_bind(L, scope, names[i].text, fits ? v->items[i] : value_poison(L), names[i].span);
}

/* ---- repeat ---------------------------------------------------------------------------------- */
static void repeat_turn(Lowering *L, Scope *scope, const Stmt *stmt, int64_t turn, Value *item) {
    PathState path = *L->path, *outer = L->path;
    path.iteration = text_format(L->arena, "%s[%lld]", outer->iteration, (long long)turn);
    L->path = &path;
    if (stmt->repeat.name.text != NULL) scope_bind(L, scope, stmt->repeat.name.text, item, stmt->repeat.name.span);
    for (int i = 0; i < stmt->repeat.body.count; i++) {
        const Stmt *inner = stmt->repeat.body.items[i];
        if (inner->kind == STMT_RETURN)
            lower_error(L, CODE_E0213, inner->span, "`return` stands at the end of a definition, not inside repeat");
        else if (!lower_statement(L, scope, inner) && inner->kind != STMT_ERROR)
            lower_error(L, CODE_E0213, inner->span, "this statement does not belong inside repeat");
    }
    L->path = outer;
}

static void lower_repeat(Lowering *L, Scope *scope, const Stmt *stmt) {
    const Expr *count = stmt->repeat.count;
    Value *v = lower_expression(L, scope, count);
    bool is_loop = stmt->repeat.name.text != NULL;
    int64_t turns = 0, begin = 0;
    if (value_is_poison(v)) return;
    if (is_loop && v->kind == VALUE_LIST) {
        turns = v->count;
    } else if (is_loop && v->kind == VALUE_RANGE) {
        begin = v->integer;
        turns = v->end - begin;
    } else if (is_loop) {
        lower_error(L, CODE_E0203, count->span,
                    "repeat ... in needs a list like [16, 32] or a range like 0..4; this is %s", value_type_text(L, v));
        return;
    } else if (!lower_constant_int(L, v, count->span, "the number of repeats", &turns)) {
        return;
    }
    if (turns < 0 || turns > MOST_REPEATS) {
        lower_error(L, CODE_E0208, count->span, "%lld repeats are %s", (long long)turns,
                    turns < 0 ? "not possible" : "too many");
        return;
    }
    if (L->call_depth >= MOST_CALL_DEPTH) {
        lower_error(L, CODE_E0901, stmt->span, "this is nested too deeply");
        return;
    }
    L->call_depth++;
    for (int64_t turn = 0; turn < turns && !lower_outgrown(L, stmt->span); turn++, L->turns++)
        repeat_turn(L, scope, stmt, turn, v->kind == VALUE_LIST ? v->items[turn] : value_int(L, begin + turn));
    L->call_depth--;
}

/* ---- statements ------------------------------------------------------------------------------ */
bool lower_statement(Lowering *L, Scope *scope, const Stmt *stmt) {
    Span outer = L->graph->span;
    if (L->prelude_depth == 0) L->graph->span = stmt->span;
    bool known = true;
    switch (stmt->kind) {
    case STMT_PARAM:
        scope_bind(L, scope, stmt->bind.name.text, lower_param(L, scope, stmt), stmt->bind.name.span);
        break;
    case STMT_STATE:
        if (is_scan_scope(L, scope)) {
            scope_bind(L, scope, stmt->bind.name.text, lower_scan_state(L, scope, stmt), stmt->bind.name.span);
        } else if (L->state_hook != NULL) {
            L->state_hook(L, scope, stmt, L->hook_context);
        } else {
            lower_state(L, scope, stmt);
        }
        break;
    case STMT_TYPED: lower_typed_statement(L, scope, stmt); break;
    case STMT_ASSIGN: lower_assign(L, scope, stmt); break;
    case STMT_TUPLE: lower_tuple(L, scope, stmt); break;
    case STMT_REPEAT: lower_repeat(L, scope, stmt); break;
    default: known = false; break;
    }
    L->graph->span = outer;
    return known;
}

static Value *lower_return(Lowering *L, Scope *scope, const Stmt *stmt) {
    const ExprList *values = &stmt->ret.values;
    if (values->count == 1) return lower_expression(L, scope, values->items[0]);
    Value **items = arena_array(L->arena, Value *, values->count + 1);
    Name *names = arena_array(L->arena, Name, values->count + 1);
    for (int i = 0; i < values->count; i++) {
        items[i] = lower_expression(L, scope, values->items[i]);
        names[i] = values->items[i]->kind == EXPR_NAME ? values->items[i]->name.text : NULL;
    }
    return value_tuple(L, items, names, values->count);
}

static void refuse_statement(Lowering *L, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_ERROR: return;
    case STMT_FIELD:
        lower_error(L, CODE_E0213, stmt->span, "%s has a type and no value; give it one with = or ~",
                    stmt->bind.name.text);
        return;
    case STMT_NAMED:
        lower_error(L, CODE_E0213, stmt->span, "`%s %s = ...` is a setting of a train block", stmt->named.key.text,
                    stmt->named.name.text);
        return;
    case STMT_DEFINITION:
        lower_error(L, CODE_E0213, stmt->definition->name.span,
                    "definitions stand at the top of the file, not inside one "
                    "another");
        return;
    default: lower_error(L, CODE_E0213, stmt->span, "this statement does not belong into a definition"); return;
    }
}

Value *lower_block(Lowering *L, Scope *scope, const StmtList *body) {
    Value *result = NULL;
    for (int i = 0; i < body->count; i++) {
        const Stmt *stmt = body->items[i];
        if (stmt == NULL) continue;
        if (result != NULL) {
            lower_error(L, CODE_E0213, stmt->span, "this stands after `return` and is never reached");
            break;
        }
        if (stmt->kind == STMT_RETURN) {
            Span outer = L->graph->span;
            if (L->prelude_depth == 0) L->graph->span = stmt->span;
            result = lower_return(L, scope, stmt);
            L->graph->span = outer;
        } else if (!lower_statement(L, scope, stmt)) {
            refuse_statement(L, stmt);
        }
    }
    return result == NULL ? value_none(L) : result;
}
