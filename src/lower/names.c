/* names.c: unknown names in the bodies of definitions, called or not, and names that nothing reads.
 *
 * Bodies are lowered where they are called, so a definition nothing calls is otherwise never looked at. This
 * walk knows no shapes: it follows what each statement binds and reports names that nothing binds. A name counts
 * as read if it is read anywhere in its definition: in a repeat, what the last line binds the next turn reads.
 */
#include "lower/internal.h"
#include <string.h>

typedef struct Checker {
    Lowering *L;
    const Definition *definition;
    int depth;
    Vector(Word) bound; /* in the definition at hand: arguments and names */
    Vector(Name) read;
} Checker;

static void check(Checker *c, Scope *scope, const Expr *expr);
static void check_block(Checker *c, Scope *scope, const StmtList *body);

static void know(Checker *c, Scope *scope, Word name) {
    if (name.text != NULL) scope_bind(c->L, scope, name.text, value_none(c->L), name.span);
}

/* A name that somebody wrote in order to read it again. */
static void bind(Checker *c, Scope *scope, Word name) {
    know(c, scope, name);
    if (name.text != NULL && name.text[0] != '_') vector_push(c->L->arena, &c->bound, name);
}

static bool is_read(const Checker *c, Name name) {
    for (int i = 0; i < c->read.count; i++)
        if (c->read.items[i] == name) return true;
    return false;
}

static void report_unread(Checker *c) {
    for (int i = 0; i < c->bound.count; i++) {
        Word name = c->bound.items[i];
        if (is_read(c, name.text) || name.span.begin == 0) continue;
        vector_push(c->L->arena, &c->read, name.text); /* once */
        Diagnostic *d = report(c->L->diagnostics, CODE_W0307, name.span, "nothing in %s uses %s",
                               c->definition->name.text, name.text);
        add_help(c->L->diagnostics, d, "if it is meant so, call it _%s", name.text);
    }
}

static void check_name(Checker *c, Scope *scope, Word name) {
    if (name.text != NULL && !is_read(c, name.text)) vector_push(c->L->arena, &c->read, name.text);
    Binding *binding = name.text == NULL ? NULL : scope_find(scope, name.text);
    if (binding != NULL) meaning_of_binding(c->L, name, binding);
    if (name.text == NULL || strcmp(name.text, "training") == 0 || binding != NULL) return;
    report_unknown_name(c->L, c->definition, scope, name);
}

static Scope *check_binders(Checker *c, Scope *scope, const BinderList *binders) {
    Scope *inner = scope_new(c->L, scope);
    for (int i = 0; i < binders->count; i++) {
        check(c, scope, binders->items[i].range);
        if (binders->items[i].path == NULL) know(c, inner, binders->items[i].name);
    }
    return inner;
}

static void check_type(Checker *c, Scope *scope, const TypeExpr *type, bool solves) {
    if (type == NULL) return;
    type_check(c->L, type);
    const DimList *lists[] = {&type->dims, &type->more};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < lists[k]->count; i++) {
            const Dim *dim = &lists[k]->items[i];
            if (solves && dim->rest.text != NULL)
                know(c, scope, dim->rest);
            else if (solves && dim->size != NULL && dim->size->kind == EXPR_NAME &&
                     scope_find(scope, dim->size->name.text) == NULL)
                know(c, scope, dim->size->name);
            else
                check(c, scope, dim->size);
        }
}

static void check_call(Checker *c, Scope *scope, const Expr *expr) {
    check(c, scope, expr->call.callee);
    const Expr *callee = expr->call.callee;
    const Binding *called = callee->kind == EXPR_NAME ? scope_find(scope, callee->name.text) : NULL;
    if (called != NULL && called->value->kind == VALUE_DEFINITION)
        for (int i = 0; i < expr->call.args.count; i++)
            meaning_of_argument(c->L, called->value->definition, expr->call.args.items[i].name, NULL);
    Scope *inner = expr->call.binders.count > 0 ? check_binders(c, scope, &expr->call.binders) : scope;
    for (int i = 0; i < expr->call.args.count; i++) check(c, inner, expr->call.args.items[i].value);
}

static void check(Checker *c, Scope *scope, const Expr *expr) {
    if (expr == NULL || c->depth > MOST_EXPRESSION_DEPTH) return;
    c->depth++;
    switch (expr->kind) {
    case EXPR_NAME: check_name(c, scope, expr->name); break;
    case EXPR_UNARY: check(c, scope, expr->unary.operand); break;
    case EXPR_BINARY:
        check(c, scope, expr->binary.left);
        check(c, scope, expr->binary.right);
        break;
    case EXPR_IF:
        check(c, scope, expr->choice.condition);
        check(c, scope, expr->choice.then);
        check(c, scope, expr->choice.otherwise);
        break;
    case EXPR_CALL: check_call(c, scope, expr); break;
    case EXPR_INDEX:
        check(c, scope, expr->index.base);
        c->L->in_index = true;
        for (int i = 0; i < expr->index.items.count; i++) check(c, scope, expr->index.items.items[i].expr);
        c->L->in_index = false;
        break;
    case EXPR_MEMBER: check(c, scope, expr->member.base); break;
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++) check(c, scope, expr->array.items.items[i]);
        break;
    case EXPR_COMPREHENSION:
        check(c, check_binders(c, scope, &expr->comprehension.binders), expr->comprehension.item);
        break;
    case EXPR_SCAN: check_block(c, check_binders(c, scope, &expr->scan.binders), &expr->scan.body); break;
    case EXPR_EVERY:
    case EXPR_EACH: check(c, scope, expr->inner); break;
    default: break;
    }
    c->depth--;
}

static void check_statement(Checker *c, Scope *scope, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_PARAM:
    case STMT_STATE:
    case STMT_TYPED:
    case STMT_FIELD:
        check_type(c, scope, stmt->bind.type, false);
        check(c, scope, stmt->bind.value);
        if (stmt->kind == STMT_PARAM) /* an idle one is told where it is not trained: lint.c */
            know(c, scope, stmt->bind.name);
        else
            bind(c, scope, stmt->bind.name);
        break;
    case STMT_ASSIGN:
        check(c, stmt->assign.has_binders ? check_binders(c, scope, &stmt->assign.binders) : scope, stmt->assign.value);
        bind(c, scope, stmt->assign.key);
        break;
    case STMT_TUPLE:
        check(c, scope, stmt->tuple.value);
        for (int i = 0; i < stmt->tuple.names.count; i++) know(c, scope, stmt->tuple.names.items[i]);
        break;
    case STMT_REPEAT:
        check(c, scope, stmt->repeat.count);
        know(c, scope, stmt->repeat.name);
        check_block(c, scope, &stmt->repeat.body);
        break;
    case STMT_RETURN:
        for (int i = 0; i < stmt->ret.values.count; i++) check(c, scope, stmt->ret.values.items[i]);
        break;
    default: break;
    }
}

static void check_block(Checker *c, Scope *scope, const StmtList *body) {
    if (c->depth > MOST_EXPRESSION_DEPTH) return;
    c->depth++;
    for (int i = 0; i < body->count; i++)
        if (body->items[i] != NULL) check_statement(c, scope, body->items[i]);
    c->depth--;
}

static void check_definition(Checker *c, const Definition *definition) {
    Lowering *L = c->L;
    c->definition = definition;
    Scope *scope = scope_new(L, is_prelude_span(L, definition->span) ? L->prelude : L->global);
    if (definition->kind == DEFINE_OPTIMIZER || definition->kind == DEFINE_DEF) {
        static const char *const words[] = {"param",    "grad", "step",       "epoch",
                                            "progress", "rank", "tensor_sum", "all_sum"};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            know(c, scope, (Word){name_from(L->names, words[i]), {0, 0}});
    }
    c->bound.count = c->read.count = 0;
    vector_push(L->arena, &c->read, name_from(L->names, "param")); /* what an optimizer gives a value is its result */
    for (int i = 0; i < definition->formals.count; i++) bind(c, scope, definition->formals.items[i].name);
    for (int i = 0; i < definition->formals.count; i++) check_type(c, scope, definition->formals.items[i].type, true);
    for (int i = 0; i < definition->formals.count; i++) check(c, scope, definition->formals.items[i].otherwise);
    check_type(c, scope, definition->result, false);
    for (int i = 0; i < definition->results.count; i++) check_type(c, scope, definition->results.items[i].type, false);
    check(c, scope, definition->value);
    check_block(c, scope, &definition->body);
}

static void check_all(Lowering *L, const Ast *ast, void (*then)(Checker *c)) {
    Checker c = {.L = L};
    for (int i = 0; i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (stmt == NULL || stmt->kind != STMT_DEFINITION) continue;
        check_definition(&c, stmt->definition);
        if (then != NULL) then(&c);
    }
}

void lower_check_names(Lowering *L, const Ast *ast) { check_all(L, ast, NULL); }

void lower_warn_unread(Lowering *L, const Ast *ast) {
    bool quiet = L->quiet;
    L->quiet = true; /* unknown names were reported */
    check_all(L, ast, report_unread);
    L->quiet = quiet;
}
