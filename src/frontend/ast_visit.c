/* ast_visit: a function called for every expression of a tree, outermost first. */
#include "frontend/ast.h"

static void visit_binders(const BinderList *binders, ExprVisitor *visit, void *context) {
    for (int i = 0; i < binders->count; i++) {
        if (binders->items[i].path) expr_visit(binders->items[i].path, visit, context);
        if (binders->items[i].range) expr_visit(binders->items[i].range, visit, context);
    }
}

static void visit_body(const StmtList *body, ExprVisitor *visit, void *context) {
    for (int i = 0; i < body->count; i++)
        if (body->items[i]) stmt_visit(body->items[i], visit, context);
}

static void visit_dims(const DimList *dims, ExprVisitor *visit, void *context) {
    for (int i = 0; i < dims->count; i++)
        if (dims->items[i].size) expr_visit(dims->items[i].size, visit, context);
}

static void visit_type(const TypeExpr *type, ExprVisitor *visit, void *context) {
    if (!type) return;
    visit_dims(&type->dims, visit, context);
    visit_dims(&type->more, visit, context);
}

void expr_visit(const Expr *expr, ExprVisitor *visit, void *context) {
    if (!expr) return;
    visit(expr, context);
    switch (expr->kind) {
    case EXPR_NAME:
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_QUANTITY:
    case EXPR_ERROR: break;
    case EXPR_UNARY: expr_visit(expr->unary.operand, visit, context); break;
    case EXPR_BINARY:
        expr_visit(expr->binary.left, visit, context);
        expr_visit(expr->binary.right, visit, context);
        break;
    case EXPR_IF:
        expr_visit(expr->choice.condition, visit, context);
        expr_visit(expr->choice.then, visit, context);
        expr_visit(expr->choice.otherwise, visit, context);
        break;
    case EXPR_CALL:
        expr_visit(expr->call.callee, visit, context);
        for (int i = 0; i < expr->call.args.count; i++) expr_visit(expr->call.args.items[i].value, visit, context);
        visit_binders(&expr->call.binders, visit, context);
        break;
    case EXPR_INDEX:
        expr_visit(expr->index.base, visit, context);
        for (int i = 0; i < expr->index.items.count; i++) expr_visit(expr->index.items.items[i].expr, visit, context);
        break;
    case EXPR_MEMBER: expr_visit(expr->member.base, visit, context); break;
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++) expr_visit(expr->array.items.items[i], visit, context);
        break;
    case EXPR_COMPREHENSION:
        expr_visit(expr->comprehension.item, visit, context);
        visit_binders(&expr->comprehension.binders, visit, context);
        break;
    case EXPR_SCAN:
        visit_binders(&expr->scan.binders, visit, context);
        visit_body(&expr->scan.body, visit, context);
        break;
    case EXPR_EVERY:
    case EXPR_EACH: expr_visit(expr->inner, visit, context); break;
    }
}

void stmt_visit(const Stmt *stmt, ExprVisitor *visit, void *context) {
    switch (stmt->kind) {
    case STMT_PARAM:
    case STMT_STATE:
    case STMT_FIELD:
    case STMT_TYPED:
        visit_type(stmt->bind.type, visit, context);
        expr_visit(stmt->bind.value, visit, context);
        break;
    case STMT_ASSIGN:
        visit_binders(&stmt->assign.binders, visit, context);
        expr_visit(stmt->assign.value, visit, context);
        break;
    case STMT_NAMED: expr_visit(stmt->named.value, visit, context); break;
    case STMT_TUPLE: expr_visit(stmt->tuple.value, visit, context); break;
    case STMT_REPEAT:
        expr_visit(stmt->repeat.count, visit, context);
        visit_body(&stmt->repeat.body, visit, context);
        break;
    case STMT_RETURN:
        for (int i = 0; i < stmt->ret.values.count; i++) expr_visit(stmt->ret.values.items[i], visit, context);
        break;
    case STMT_DATA: expr_visit(stmt->data.source, visit, context); break;
    case STMT_DEFINITION:
    case STMT_TRAIN:
    case STMT_UPDATE:
    case STMT_INCLUDE:
    case STMT_ERROR: break;
    }
}

typedef struct NameSearch {
    Name name;
    bool found;
} NameSearch;

static void visit_name(const Expr *expr, void *context) {
    NameSearch *search = context;
    if (expr->kind == EXPR_NAME && expr->name.text == search->name) search->found = true;
}

bool expr_uses_name(const Expr *expr, Name name) {
    NameSearch search = {name, false};
    expr_visit(expr, visit_name, &search);
    return search.found;
}
