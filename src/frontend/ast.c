/* ast: builds the tree's nodes and runs the parser over a source.
 *
 * Every expression knows the height of the tree below it; one that grows above MOST_HEIGHT is
 * reported and parsing stops, so that later passes may recurse. The heights of what a `scan` holds
 * count as well.
 */
#include "frontend/parse.h"

#include "parser.h"
#include "lexer.h" /* uses the types of parser.h */

/* ---- building ---- */

Expr *expr_new(Parse *parse, ExprKind kind, Span span) {
    Expr *expr = arena_new_of(parse->arena, Expr);
    expr->kind = kind;
    expr->span = span;
    return expr;
}

Stmt *stmt_new(Parse *parse, StmtKind kind, Span span) {
    Stmt *stmt = arena_new_of(parse->arena, Stmt);
    stmt->kind = kind;
    stmt->span = span;
    return stmt;
}

static void raise_height(int *height, const Expr *below) {
    if (below && below->height > *height) *height = below->height;
}

static void raise_over_binders(int *height, const BinderList *binders) {
    for (int i = 0; i < binders->count; i++) {
        raise_height(height, binders->items[i].path);
        raise_height(height, binders->items[i].range);
    }
}

static void raise_over_type(int *height, const TypeExpr *type) {
    for (int i = 0; type && i < type->dims.count; i++) raise_height(height, type->dims.items[i].size);
    for (int i = 0; type && i < type->more.count; i++) raise_height(height, type->more.items[i].size);
}

static void raise_over_block(int *height, const StmtList *block);

static void raise_over_formals(int *height, const FormalList *formals) {
    for (int i = 0; i < formals->count; i++) {
        raise_over_type(height, formals->items[i].type);
        raise_height(height, formals->items[i].otherwise);
    }
}

static void raise_over_definition(int *height, const Definition *definition) {
    raise_over_formals(height, &definition->formals);
    raise_over_formals(height, &definition->results);
    raise_over_type(height, definition->result);
    raise_height(height, definition->value);
    raise_over_block(height, &definition->body);
}

static void raise_over_stmt(int *height, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_DEFINITION: raise_over_definition(height, stmt->definition); break;
    case STMT_DATA:
        raise_height(height, stmt->data.source);
        raise_over_block(height, &stmt->data.body);
        break;
    case STMT_TRAIN:
    case STMT_UPDATE: raise_over_block(height, &stmt->train.body); break;
    case STMT_PARAM:
    case STMT_STATE:
    case STMT_FIELD:
    case STMT_TYPED:
        raise_over_type(height, stmt->bind.type);
        raise_height(height, stmt->bind.value);
        break;
    case STMT_ASSIGN:
        raise_over_binders(height, &stmt->assign.binders);
        raise_height(height, stmt->assign.value);
        break;
    case STMT_NAMED: raise_height(height, stmt->named.value); break;
    case STMT_TUPLE: raise_height(height, stmt->tuple.value); break;
    case STMT_REPEAT:
        raise_height(height, stmt->repeat.count);
        raise_over_block(height, &stmt->repeat.body);
        break;
    case STMT_RETURN:
        for (int i = 0; i < stmt->ret.values.count; i++) raise_height(height, stmt->ret.values.items[i]);
        break;
    case STMT_INCLUDE:
    case STMT_ERROR: break;
    }
}

static void raise_over_block(int *height, const StmtList *block) {
    for (int i = 0; i < block->count; i++) raise_over_stmt(height, block->items[i]);
}

static int height_below(const Expr *expr) {
    int height = 0;
    switch (expr->kind) {
    case EXPR_NAME:
    case EXPR_NUMBER:
    case EXPR_STRING:
    case EXPR_QUANTITY:
    case EXPR_ERROR: break;
    case EXPR_UNARY: raise_height(&height, expr->unary.operand); break;
    case EXPR_BINARY:
        raise_height(&height, expr->binary.left);
        raise_height(&height, expr->binary.right);
        break;
    case EXPR_IF:
        raise_height(&height, expr->choice.condition);
        raise_height(&height, expr->choice.then);
        raise_height(&height, expr->choice.otherwise);
        break;
    case EXPR_CALL:
        raise_height(&height, expr->call.callee);
        for (int i = 0; i < expr->call.args.count; i++) raise_height(&height, expr->call.args.items[i].value);
        raise_over_binders(&height, &expr->call.binders);
        break;
    case EXPR_INDEX:
        raise_height(&height, expr->index.base);
        for (int i = 0; i < expr->index.items.count; i++) raise_height(&height, expr->index.items.items[i].expr);
        break;
    case EXPR_MEMBER: raise_height(&height, expr->member.base); break;
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++) raise_height(&height, expr->array.items.items[i]);
        break;
    case EXPR_COMPREHENSION:
        raise_height(&height, expr->comprehension.item);
        raise_over_binders(&height, &expr->comprehension.binders);
        break;
    case EXPR_SCAN:
        raise_over_binders(&height, &expr->scan.binders);
        raise_over_block(&height, &expr->scan.body);
        break;
    case EXPR_EVERY:
    case EXPR_EACH: raise_height(&height, expr->inner); break;
    }
    return height;
}

Expr *expr_finish(Parse *parse, Expr *expr) {
    expr->height = height_below(expr) + 1;
    if (expr->height <= MOST_HEIGHT) return expr;
    if (!parse->ended) syntax_report_depth(parse, expr->span);
    return expr_new(parse, EXPR_ERROR, expr->span);
}

Ast *parse_tokens(Arena *arena, Names *names, Diagnostics *diagnostics, Source *source, TokenList *tokens) {
    Parse context = {
        .arena = arena,
        .names = names,
        .diagnostics = diagnostics,
        .source = source,
        .tokens = tokens,
        .ast = arena_new_of(arena, Ast),
        .line = 1,
    };
    context.ast->source = source;
    lexer_lex_init_extra(&context, &context.scanner);
    lexer__scan_bytes(source->text, (int)source->length, context.scanner);
    yyparse(&context);
    lexer_lex_destroy(context.scanner);
    docs_attach(&context);
    return context.ast;
}

Ast *parse(Arena *arena, Names *names, Diagnostics *diagnostics, Source *source) {
    return parse_tokens(arena, names, diagnostics, source, NULL);
}
