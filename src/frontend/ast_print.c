/* ast_print: prints a tree back as source in one canonical layout.
 *
 * Two spaces per block, one statement a line, an empty line around definitions and blocks of the
 * top level, parentheses only where precedence needs them, `##` behind a statement of one line and
 * above everything else. Parsing what is printed gives the same tree, and printing that gives the
 * same text. Comments of one `#` are not part of the tree and are lost.
 */
#include "frontend/ast.h"

#include <string.h>

/* As in parser.y, loosest first. */
enum Precedence {
    LOOSEST,
    BY_OR,
    BY_AND,
    BY_NOT,
    BY_COMPARISON,
    BY_RANGE,
    BY_SUM,
    BY_PRODUCT,
    BY_SIGN,
    BY_POWER,
    TIGHTEST
};

const char *operator_text(Operator op) {
    static const char *const texts[] = {
        [OPERATOR_NEG] = "-",       [OPERATOR_NOT] = "not", [OPERATOR_OR] = "or",    [OPERATOR_AND] = "and",
        [OPERATOR_EQ] = "==",       [OPERATOR_NE] = "!=",   [OPERATOR_LT] = "<",     [OPERATOR_LE] = "<=",
        [OPERATOR_GT] = ">",        [OPERATOR_GE] = ">=",   [OPERATOR_IN] = "in",    [OPERATOR_RANGE] = "..",
        [OPERATOR_ADD] = "+",       [OPERATOR_SUB] = "-",   [OPERATOR_MUL] = "*",    [OPERATOR_DIV] = "/",
        [OPERATOR_FLOORDIV] = "//", [OPERATOR_MOD] = "%",   [OPERATOR_MATMUL] = "@", [OPERATOR_POW] = "^",
    };
    return texts[op];
}

int operator_precedence(Operator op) {
    switch (op) {
    case OPERATOR_OR: return BY_OR;
    case OPERATOR_AND: return BY_AND;
    case OPERATOR_NOT: return BY_NOT;
    /* clang-format off */
    case OPERATOR_EQ: case OPERATOR_NE: case OPERATOR_LT: case OPERATOR_LE: case OPERATOR_GT:
    case OPERATOR_GE: case OPERATOR_IN:
        /* clang-format on */
        return BY_COMPARISON;
    case OPERATOR_RANGE: return BY_RANGE;
    /* clang-format off */
    case OPERATOR_ADD: case OPERATOR_SUB: return BY_SUM;
    case OPERATOR_MUL: case OPERATOR_DIV: case OPERATOR_FLOORDIV: case OPERATOR_MOD: case OPERATOR_MATMUL:
        /* clang-format on */
        return BY_PRODUCT;
    case OPERATOR_NEG: return BY_SIGN;
    case OPERATOR_POW: return BY_POWER;
    }
    return LOOSEST;
}

static enum Precedence expr_precedence(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_UNARY: return operator_precedence(expr->unary.op);
    case EXPR_BINARY: return operator_precedence(expr->binary.op);
    case EXPR_IF:
    case EXPR_SCAN: return LOOSEST;
    case EXPR_EVERY:
    case EXPR_EACH: return BY_SIGN;
    default: return TIGHTEST;
    }
}

static void print_block(Text *to, const StmtList *block, int indent);
static void print_expr(Text *to, const Expr *expr, enum Precedence around, int indent);

static void print_binders(Text *to, const BinderList *binders, int indent) {
    for (int i = 0; i < binders->count; i++) {
        const Binder *binder = &binders->items[i];
        text_add(to, "%s", i > 0 ? ", " : "");
        if (binder->path)
            print_expr(to, binder->path, TIGHTEST, indent);
        else
            text_add(to, "%s", binder->name.text);
        if (binder->range) {
            text_add(to, " in ");
            print_expr(to, binder->range, LOOSEST, indent);
        }
    }
}

/* `a, b in x, y, c in z` */
static void print_scanned(Text *to, const Expr *scan, int indent) {
    const BinderList *binders = &scan->scan.binders;
    int together = scan->scan.together;
    for (int i = 0; i < together; i++) text_add(to, "%s%s", i > 0 ? ", " : "", binders->items[i].name.text);
    text_add(to, " in ");
    for (int i = 0; i < binders->count; i++) {
        text_add(to, "%s", i > 0 ? ", " : "");
        if (i >= together) text_add(to, "%s in ", binders->items[i].name.text);
        print_expr(to, binders->items[i].range, LOOSEST, indent);
    }
}

static void print_exprs(Text *to, const ExprList *exprs, int indent) {
    for (int i = 0; i < exprs->count; i++) {
        text_add(to, "%s", i > 0 ? ", " : "");
        print_expr(to, exprs->items[i], LOOSEST, indent);
    }
}

static void print_string(Text *to, const char *bytes, size_t length) {
    text_add(to, "\"");
    for (size_t i = 0; i < length; i++) switch (bytes[i]) {
        case '"': text_add(to, "\\\""); break;
        case '\\': text_add(to, "\\\\"); break;
        case '\t': text_add(to, "\\t"); break;
        case '\n': text_add(to, "\\n"); break;
        default: text_add_bytes(to, bytes + i, 1);
        }
    text_add(to, "\"");
}

static void print_binary(Text *to, const Expr *expr, int indent) {
    Operator op = expr->binary.op;
    enum Precedence mine = operator_precedence(op);
    bool chains_left = mine == BY_OR || mine == BY_AND || mine == BY_SUM || mine == BY_PRODUCT;
    const Expr *right = expr->binary.right;
    print_expr(to, expr->binary.left, chains_left ? mine : mine + 1, indent);
    text_add(to, op == OPERATOR_RANGE || op == OPERATOR_POW ? "%s" : " %s ", operator_text(op));
    bool is_negative = right->kind == EXPR_UNARY && right->unary.op == OPERATOR_NEG;
    print_expr(to, right, op == OPERATOR_POW ? (is_negative ? BY_SIGN : mine) : mine + 1, indent);
}

static void print_type(Text *to, const TypeExpr *type, int indent);

static void print_call(Text *to, const Expr *expr, int indent) {
    print_expr(to, expr->call.callee, TIGHTEST, indent);
    text_add(to, "(");
    for (int i = 0; i < expr->call.args.count; i++) {
        const Argument *argument = &expr->call.args.items[i];
        text_add(to, "%s", i > 0 ? ", " : "");
        if (argument->name.text) text_add(to, "%s", argument->name.text);
        if (argument->type) {
            text_add(to, ": ");
            print_type(to, argument->type, indent);
        }
        if (argument->name.text) text_add(to, " = ");
        print_expr(to, argument->value, LOOSEST, indent);
    }
    if (expr->call.binders.count > 0) {
        text_add(to, " for ");
        print_binders(to, &expr->call.binders, indent);
    }
    text_add(to, ")");
}

static void print_index(Text *to, const Expr *expr, int indent) {
    print_expr(to, expr->index.base, TIGHTEST, indent);
    text_add(to, "[");
    for (int i = 0; i < expr->index.items.count; i++) {
        const Item *item = &expr->index.items.items[i];
        bool starts_open = item->kind == ITEM_ALL || item->kind == ITEM_UPTO;
        text_add(to, "%s%s", i > 0 ? ", " : "", starts_open ? ".." : "");
        if (item->expr) print_expr(to, item->expr, item->kind == ITEM_EXPR ? LOOSEST : BY_SUM, indent);
        text_add(to, "%s", item->kind == ITEM_FROM ? ".." : "");
    }
    text_add(to, "]");
}

static void print_quantity(Text *to, const Expr *expr) {
    if (expr->quantity.is_integer)
        text_add(to, "%.0f", expr->quantity.value);
    else
        text_add(to, "%s", text_number(to->arena, expr->quantity.value, false));
    text_add(to, " %s", expr->quantity.unit.text);
}

static void print_bare_expr(Text *to, const Expr *expr, int indent) {
    switch (expr->kind) {
    case EXPR_NAME: text_add(to, "%s", expr->name.text); break;
    case EXPR_NUMBER:
        text_add(to, "%s", expr->number.text ? expr->number.text : text_number(to->arena, expr->number.value, false));
        break;
    case EXPR_STRING: print_string(to, expr->string.bytes, expr->string.length); break;
    case EXPR_QUANTITY: print_quantity(to, expr); break;
    case EXPR_UNARY:
        text_add(to, "%s%s", operator_text(expr->unary.op), expr->unary.op == OPERATOR_NOT ? " " : "");
        print_expr(to, expr->unary.operand, operator_precedence(expr->unary.op), indent);
        break;
    case EXPR_BINARY: print_binary(to, expr, indent); break;
    case EXPR_IF:
        text_add(to, "if ");
        print_expr(to, expr->choice.condition, LOOSEST, indent);
        text_add(to, " then ");
        print_expr(to, expr->choice.then, LOOSEST, indent);
        text_add(to, " else ");
        print_expr(to, expr->choice.otherwise, LOOSEST, indent);
        break;
    case EXPR_CALL: print_call(to, expr, indent); break;
    case EXPR_INDEX: print_index(to, expr, indent); break;
    case EXPR_MEMBER:
        print_expr(to, expr->member.base, TIGHTEST, indent);
        text_add(to, ".%s", expr->member.member.text);
        break;
    case EXPR_ARRAY:
        text_add(to, "[");
        print_exprs(to, &expr->array.items, indent);
        text_add(to, "]");
        break;
    case EXPR_COMPREHENSION:
        text_add(to, "[");
        print_expr(to, expr->comprehension.item, LOOSEST, indent);
        text_add(to, " for ");
        print_binders(to, &expr->comprehension.binders, indent);
        text_add(to, "]");
        break;
    case EXPR_SCAN:
        text_add(to, "scan ");
        print_scanned(to, expr, indent);
        text_add(to, " ");
        print_block(to, &expr->scan.body, indent);
        break;
    case EXPR_EVERY:
    case EXPR_EACH:
        text_add(to, expr->kind == EXPR_EVERY ? "every " : "each ");
        print_expr(to, expr->inner, expr->kind == EXPR_EACH ? BY_RANGE : BY_SIGN, indent);
        break;
    case EXPR_ERROR: text_add(to, "error"); break;
    }
}

static void print_expr(Text *to, const Expr *expr, enum Precedence around, int indent) {
    bool parentheses = expr_precedence(expr) < around;
    text_add(to, "%s", parentheses ? "(" : "");
    print_bare_expr(to, expr, indent);
    text_add(to, "%s", parentheses ? ")" : "");
}

static void print_dims(Text *to, const DimList *dims, int indent) {
    text_add(to, "[");
    for (int i = 0; i < dims->count; i++) {
        text_add(to, "%s", i > 0 ? ", " : "");
        if (dims->items[i].rest.text)
            text_add(to, "..%s", dims->items[i].rest.text);
        else
            print_expr(to, dims->items[i].size, LOOSEST, indent);
    }
    text_add(to, "]");
}

static void print_type(Text *to, const TypeExpr *type, int indent) {
    text_add(to, "%s", type->base.text);
    if (type->has_dims) print_dims(to, &type->dims, indent);
    if (type->has_more) print_dims(to, &type->more, indent);
}

static void print_formals(Text *to, const FormalList *formals, int indent) {
    text_add(to, "(");
    for (int i = 0; i < formals->count; i++) {
        const Formal *formal = &formals->items[i];
        text_add(to, "%s%s", i > 0 ? ", " : "", formal->name.text);
        if (formal->type) {
            text_add(to, ": ");
            print_type(to, formal->type, indent);
        }
        if (formal->otherwise) {
            text_add(to, " = ");
            print_expr(to, formal->otherwise, LOOSEST, indent);
        }
    }
    text_add(to, ")");
}

static void print_value(Text *to, const Expr *value, bool is_draw, int indent) {
    if (!value) return;
    text_add(to, is_draw ? " ~ " : " = ");
    print_expr(to, value, LOOSEST, indent);
}

static void print_definition(Text *to, const Definition *definition, int indent) {
    static const char *const words[] = {"model", "layer", "def", "loss", "metric", "optimizer"};
    text_add(to, "%s %s", words[definition->kind], definition->name.text);
    print_formals(to, &definition->formals, indent);
    if (definition->result) {
        text_add(to, " -> ");
        print_type(to, definition->result, indent);
    } else if (definition->results.count > 0) {
        text_add(to, " -> ");
        print_formals(to, &definition->results, indent);
    }
    if (definition->value)
        print_value(to, definition->value, false, indent);
    else {
        text_add(to, " ");
        print_block(to, &definition->body, indent);
    }
}

static void print_head(Text *to, const char *word, Word name, Word like) {
    text_add(to, "%s %s", word, name.text);
    if (like.text) text_add(to, " like %s", like.text);
}

static void print_bind(Text *to, const Stmt *stmt, const char *word, int indent) {
    text_add(to, "%s%s", word, stmt->bind.name.text);
    if (stmt->bind.type) {
        text_add(to, ": ");
        print_type(to, stmt->bind.type, indent);
    }
    print_value(to, stmt->bind.value, stmt->bind.is_draw, indent);
}

static void print_tuple(Text *to, const Stmt *stmt, int indent) {
    for (int i = 0; i < stmt->tuple.names.count; i++)
        text_add(to, "%s%s", i > 0 ? ", " : "", stmt->tuple.names.items[i].text);
    print_value(to, stmt->tuple.value, false, indent);
}

static void print_repeat(Text *to, const Stmt *stmt, int indent) {
    const Expr *count = stmt->repeat.count;
    text_add(to, "repeat ");
    if (stmt->repeat.name.text) {
        text_add(to, "%s in ", stmt->repeat.name.text);
        print_expr(to, count, LOOSEST, indent);
    } else {
        bool is_bare = count->kind == EXPR_NUMBER || count->kind == EXPR_NAME;
        text_add(to, "%s", is_bare ? "" : "(");
        print_expr(to, count, LOOSEST, indent);
        text_add(to, "%s", is_bare ? "" : ")");
    }
    text_add(to, " ");
    print_block(to, &stmt->repeat.body, indent);
}

static void print_bare_stmt(Text *to, const Stmt *stmt, int indent) {
    switch (stmt->kind) {
    case STMT_DEFINITION: print_definition(to, stmt->definition, indent); break;
    case STMT_DATA:
        print_head(to, "data", stmt->data.name, stmt->data.like);
        print_value(to, stmt->data.source, false, indent);
        if (stmt->data.has_body) {
            text_add(to, " ");
            print_block(to, &stmt->data.body, indent);
        }
        break;
    case STMT_TRAIN:
    case STMT_UPDATE:
        print_head(to, stmt->kind == STMT_TRAIN ? "train" : "update", stmt->train.name, stmt->train.like);
        text_add(to, " ");
        print_block(to, &stmt->train.body, indent);
        break;
    case STMT_INCLUDE:
        text_add(to, "include ");
        print_string(to, stmt->include.path, strlen(stmt->include.path));
        break;
    case STMT_PARAM: print_bind(to, stmt, "param ", indent); break;
    case STMT_STATE: print_bind(to, stmt, "state ", indent); break;
    case STMT_FIELD:
    case STMT_TYPED: print_bind(to, stmt, "", indent); break;
    case STMT_ASSIGN:
        text_add(to, "%s", stmt->assign.key.text);
        if (stmt->assign.has_binders) {
            text_add(to, "[");
            print_binders(to, &stmt->assign.binders, indent);
            text_add(to, "]");
        }
        print_value(to, stmt->assign.value, false, indent);
        break;
    case STMT_NAMED:
        text_add(to, "%s %s", stmt->named.key.text, stmt->named.name.text);
        print_value(to, stmt->named.value, false, indent);
        break;
    case STMT_TUPLE: print_tuple(to, stmt, indent); break;
    case STMT_REPEAT: print_repeat(to, stmt, indent); break;
    case STMT_RETURN:
        text_add(to, "return ");
        print_exprs(to, &stmt->ret.values, indent);
        break;
    case STMT_ERROR: text_add(to, "# a statement with a syntax error"); break;
    }
}

static bool has_block(const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_DEFINITION: return !stmt->definition->value;
    case STMT_DATA: return stmt->data.has_body;
    case STMT_TRAIN:
    case STMT_UPDATE:
    case STMT_REPEAT: return true;
    default: return false;
    }
}

static void print_doc_above(Text *to, const char *doc, int indent) {
    while (*doc) {
        size_t length = strcspn(doc, "\n");
        text_add(to, "%*s## %.*s\n", indent, "", (int)length, doc);
        doc += length + (doc[length] == '\n');
    }
}

static void print_stmt(Text *to, const Stmt *stmt, int indent) {
    bool behind = stmt->doc && !has_block(stmt) && !strchr(stmt->doc, '\n');
    if (stmt->doc && !behind) print_doc_above(to, stmt->doc, indent);
    text_add(to, "%*s", indent, "");
    print_bare_stmt(to, stmt, indent);
    if (behind) text_add(to, "  ## %s", stmt->doc);
    text_add(to, "\n");
}

static void print_block(Text *to, const StmtList *block, int indent) {
    text_add(to, "{\n");
    for (int i = 0; i < block->count; i++) print_stmt(to, block->items[i], indent + 2);
    text_add(to, "%*s}", indent, "");
}

void ast_print(Text *to, const Ast *ast) {
    for (int i = 0; i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (i > 0 && (has_block(stmt) || has_block(ast->statements.items[i - 1]))) text_add(to, "\n");
        print_stmt(to, stmt, 0);
    }
}

void ast_print_expr(Text *to, const Expr *expr) { print_expr(to, expr, LOOSEST, 0); }
