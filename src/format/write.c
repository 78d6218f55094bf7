/* write: what may break where.
 *
 * A walk over the tree in the order of the text, that takes up the tokens on its way: parentheses, commas and comments,
 * which the tree does not have, come in between. What is broken:
 *
 *   f(a, b)      behind the bracket, each argument on a line of its own; numbers and such fill lines
 *   a + b + c    before each operator of one precedence
 *   if c then a else b     before `else`, then before `then`
 *   def f(x) -> t = e      before `->`, before `=`, or in the brackets of the arguments
 *   train t { a; b }       behind the brace, each statement on a line of its own
 */
#include "format/write.h"

#include <string.h>

static void write_expr(Writer *w, const Expr *expr, bool hangs);
static void write_colon_type(Writer *w, const TypeExpr *type);
static void write_block(Writer *w, const StmtList *block, bool settings);

static void space(Writer *w) { document_put(&w->document, PIECE_SPACE); }
static void open_group(Writer *w) { document_put(&w->document, PIECE_OPEN); }
static void close_group(Writer *w) { document_put(&w->document, PIECE_CLOSE); }
static void indent(Writer *w, int columns) { document_indent(&w->document, columns); }

/* = e, on the line; below it only because of a comment. */
static void write_value(Writer *w, const Expr *value) {
    space(w);
    take(w);
    space(w);
    int begin = w->document.pieces.count;
    document_indent(&w->document, 0);
    take_comments(w);
    int hang = w->document.pieces.count > begin + 1 ? STYLE_INDENT : 0;
    w->document.pieces.items[begin].width = hang;
    write_expr(w, value, !hang);
    indent(w, -hang);
}

/* ---- lists in brackets -------------------------------------------------------------------------- */
/* How the items of a list may be broken. */
typedef enum ListForm { LIST_TIGHT, LIST_LINES, LIST_FILLED, LIST_WIDE } ListForm;

static void begin_list(Writer *w, const char *bracket, ListForm form) {
    take_as(w, bracket);
    document_put(&w->document, form == LIST_WIDE    ? PIECE_OPEN_WIDE
                               : form == LIST_TIGHT ? PIECE_OPEN_TIGHT
                                                    : PIECE_OPEN);
    indent(w, STYLE_INDENT);
    document_break(&w->document, "");
}

static void next_item(Writer *w, ListForm form) {
    take_early(w, ",");
    if (form == LIST_FILLED)
        document_put(&w->document, PIECE_FILL);
    else
        document_break(&w->document, " ");
}

/* Of a list outside of brackets. */
static void next_word(Writer *w) {
    take_early(w, ",");
    space(w);
}

static void end_list(Writer *w, const char *bracket) {
    take_comments(w);
    indent(w, -STYLE_INDENT);
    document_break(&w->document, "");
    take_as(w, bracket);
    close_group(w);
}

/* x, 1, "text", 3 epochs, -1: nothing that could be broken. */
static bool is_atom(const Expr *expr) {
    if (expr->kind == EXPR_UNARY && expr->unary.op == OPERATOR_NEG) return is_atom(expr->unary.operand);
    return expr->kind == EXPR_NAME || expr->kind == EXPR_NUMBER || expr->kind == EXPR_STRING ||
           expr->kind == EXPR_QUANTITY;
}

static bool is_literal(const Expr *expr) { return is_atom(expr) && expr->kind != EXPR_NAME; }

/* An atom, or f(x, 1): short enough to stand beside others. */
static bool is_short(const Expr *expr) {
    if (expr->kind != EXPR_CALL) return is_atom(expr);
    bool is_plain = expr->call.callee->kind == EXPR_NAME && !expr->call.binders.count;
    for (int i = 0; i < expr->call.args.count; i++)
        is_plain = is_plain && !expr->call.args.items[i].name.text && is_atom(expr->call.args.items[i].value);
    return is_plain;
}

static void write_path(Writer *w, const Expr *path) {
    take(w);
    for (; path->kind == EXPR_MEMBER; path = path->member.base) {
        take_as(w, ".");
        take(w);
    }
}

static void write_binders(Writer *w, const BinderList *binders, bool may_break) {
    for (int i = 0; i < binders->count; i++) {
        const Binder *binder = &binders->items[i];
        if (i > 0 && may_break)
            next_item(w, LIST_LINES);
        else if (i > 0)
            next_word(w);
        if (binder->path)
            write_path(w, binder->path);
        else
            take(w);
        if (!binder->range) continue;
        space(w);
        take_as(w, "in");
        space(w);
        write_expr(w, binder->range, true);
    }
}

/* `a, b in x, y, c in z` */
static void write_scanned(Writer *w, const Expr *scan) {
    const BinderList *binders = &scan->scan.binders;
    int together = scan->scan.together;
    for (int i = 0; i < together; i++) {
        if (i > 0) next_word(w);
        take(w);
    }
    space(w);
    take_as(w, "in");
    space(w);
    for (int i = 0; i < binders->count; i++) {
        if (i > 0) next_word(w);
        if (i >= together) {
            take(w);
            space(w);
            take_as(w, "in");
            space(w);
        }
        write_expr(w, binders->items[i].range, true);
    }
}

static void write_for(Writer *w, const BinderList *binders) {
    document_break(&w->document, " ");
    take_as(w, "for");
    space(w);
    write_binders(w, binders, false);
}

static void write_args(Writer *w, const Expr *call) {
    const ArgumentList *args = &call->call.args;
    bool single = args->count == 1 && !args->items[0].name.text && !call->call.binders.count;
    bool literals = !call->call.binders.count;
    for (int i = 0; i < args->count; i++)
        literals = literals && !args->items[i].name.text && is_literal(args->items[i].value);
    bool tight = !args->count || (single && is_atom(args->items[0].value));
    ListForm form = tight ? LIST_TIGHT : literals ? LIST_FILLED : LIST_LINES;
    begin_list(w, "(", form);
    for (int i = 0; i < args->count; i++) {
        if (i > 0) next_item(w, form);
        if (args->items[i].name.text) {
            take(w);
            if (args->items[i].type) write_colon_type(w, args->items[i].type);
            write_value(w, args->items[i].value);
        } else
            write_expr(w, args->items[i].value, !single);
    }
    if (call->call.binders.count) write_for(w, &call->call.binders);
    end_list(w, ")");
}

static void write_items(Writer *w, const ItemList *items) {
    ListForm form = LIST_TIGHT;
    for (int i = 0; i < items->count; i++)
        if (items->items[i].expr && !is_atom(items->items[i].expr)) form = LIST_LINES;
    begin_list(w, "[", form);
    for (int i = 0; i < items->count; i++) {
        const Item *item = &items->items[i];
        if (i > 0) next_item(w, form);
        if (item->kind == ITEM_ALL || item->kind == ITEM_UPTO) take_as(w, "..");
        if (item->expr) write_expr(w, item->expr, items->count > 1);
        if (item->kind == ITEM_FROM) take_as(w, "..");
    }
    end_list(w, "]");
}

/* Items on lines of their own, as a matrix is written, stay there. */
static ListForm form_of_array(const Writer *w, const ExprList *items) {
    bool all_short = true;
    for (int i = 0; i < items->count; i++) all_short = all_short && is_short(items->items[i]);
    if (all_short) return LIST_FILLED;
    bool rows = items->count > 1 && breaks_between(w, items->items[0]->span.end, items->items[1]->span.begin);
    return rows ? LIST_WIDE : LIST_LINES;
}

static void write_array(Writer *w, const ExprList *items) {
    ListForm form = form_of_array(w, items);
    begin_list(w, "[", form);
    for (int i = 0; i < items->count; i++) {
        if (i > 0) next_item(w, form);
        write_expr(w, items->items[i], items->count > 1);
    }
    end_list(w, "]");
}

static void write_comprehension(Writer *w, const Expr *expr) {
    begin_list(w, "[", LIST_LINES);
    write_expr(w, expr->comprehension.item, true);
    write_for(w, &expr->comprehension.binders);
    end_list(w, "]");
}

/* ---- operators ------------------------------------------------------------------------------------ */
static bool is_parenthesized(const Expr *around, const Expr *first) { return around->span.begin < first->span.begin; }

/* a + b - c is ((a + b) - c): the innermost one of those that break together. */
static const Expr *first_of_chain(const Expr *expr) {
    int precedence = operator_precedence(expr->binary.op);
    for (;;) {
        const Expr *left = expr->binary.left;
        if (left->kind != EXPR_BINARY || is_parenthesized(expr, left) ||
            operator_precedence(left->binary.op) != precedence)
            return expr;
        expr = left;
    }
}

static void write_chain(Writer *w, const Expr *expr, bool hangs) {
    const Expr *inner = first_of_chain(expr);
    int links = 1;
    for (const Expr *link = expr; link != inner; link = link->binary.left) links++;
    const Expr **chain = arena_array(w->document.arena, const Expr *, links);
    for (int i = links; i-- > 0; expr = expr->binary.left) chain[i] = expr;
    open_group(w);
    write_expr(w, inner->binary.left, true);
    if (hangs) indent(w, STYLE_INDENT);
    for (int i = 0; i < links; i++) {
        take_late(w, operator_text(chain[i]->binary.op));
        space(w);
        write_expr(w, chain[i]->binary.right, true);
    }
    if (hangs) indent(w, -STYLE_INDENT);
    close_group(w);
}

static void write_binary(Writer *w, const Expr *expr, bool hangs) {
    Operator op = expr->binary.op;
    if (op != OPERATOR_RANGE && op != OPERATOR_POW) {
        write_chain(w, expr, hangs);
        return;
    }
    write_expr(w, expr->binary.left, true);
    take_as(w, operator_text(op));
    write_expr(w, expr->binary.right, true);
}

static void write_then(Writer *w, const Expr *choice) {
    open_group(w);
    take_as(w, "if");
    space(w);
    write_expr(w, choice->choice.condition, true);
    indent(w, STYLE_INDENT);
    document_break(&w->document, " ");
    take_as(w, "then");
    space(w);
    write_expr(w, choice->choice.then, true);
    indent(w, -STYLE_INDENT);
    close_group(w);
}

/* Of a chain of choices each `else` begins a line. */
static void write_choice(Writer *w, const Expr *choice, bool hangs) {
    int extra = hangs ? STYLE_INDENT : 0;
    open_group(w);
    write_then(w, choice);
    indent(w, extra);
    for (;;) {
        const Expr *otherwise = choice->choice.otherwise;
        document_break(&w->document, " ");
        take_as(w, "else");
        space(w);
        if (otherwise->kind != EXPR_IF || next_is(w, "(")) {
            write_expr(w, otherwise, true);
            break;
        }
        choice = otherwise;
        write_then(w, choice);
    }
    indent(w, -extra);
    close_group(w);
}

/* ---- expressions ------------------------------------------------------------------------------------ */
static void write_member(Writer *w, const Expr *expr) {
    const Expr *base = expr->member.base;
    write_expr(w, base, true);
    if (base->kind == EXPR_NUMBER && !is_parenthesized(expr, base)) space(w);
    take_as(w, ".");
    take(w);
}

static void write_bare_expr(Writer *w, const Expr *expr, bool hangs) {
    switch (expr->kind) {
    case EXPR_NAME:
    case EXPR_NUMBER:
    case EXPR_STRING: take(w); break;
    case EXPR_QUANTITY:
        take(w);
        space(w);
        take(w);
        break;
    case EXPR_UNARY:
        take_as(w, operator_text(expr->unary.op));
        if (expr->unary.op == OPERATOR_NOT) space(w);
        write_expr(w, expr->unary.operand, hangs);
        break;
    case EXPR_BINARY: write_binary(w, expr, hangs); break;
    case EXPR_IF: write_choice(w, expr, hangs); break;
    case EXPR_CALL:
        write_expr(w, expr->call.callee, true);
        write_args(w, expr);
        break;
    case EXPR_INDEX:
        write_expr(w, expr->index.base, true);
        write_items(w, &expr->index.items);
        break;
    case EXPR_MEMBER: write_member(w, expr); break;
    case EXPR_ARRAY: write_array(w, &expr->array.items); break;
    case EXPR_COMPREHENSION: write_comprehension(w, expr); break;
    case EXPR_SCAN:
        take_as(w, "scan");
        space(w);
        write_scanned(w, expr);
        space(w);
        write_block(w, &expr->scan.body, false);
        break;
    case EXPR_EVERY:
    case EXPR_EACH:
        take(w);
        space(w);
        write_expr(w, expr->inner, hangs);
        break;
    case EXPR_ERROR: w->differs = true; break;
    }
}

/* hangs: operators at the beginning of a line are indented. */
static void write_expr(Writer *w, const Expr *expr, bool hangs) {
    int parentheses = 0;
    take_comments(w);
    while (next_is(w, "(") && next_begin(w) < expr->span.begin) {
        begin_list(w, "(", is_atom(expr) ? LIST_TIGHT : LIST_LINES);
        parentheses++;
    }
    write_bare_expr(w, expr, hangs && !parentheses);
    while (parentheses-- > 0) end_list(w, ")");
}

/* ---- types and arguments ------------------------------------------------------------------------------ */
static void write_dims(Writer *w, const DimList *dims) {
    ListForm form = LIST_TIGHT;
    for (int i = 0; i < dims->count; i++)
        if (dims->items[i].size && !is_atom(dims->items[i].size)) form = LIST_LINES;
    begin_list(w, "[", form);
    for (int i = 0; i < dims->count; i++) {
        if (i > 0) next_item(w, form);
        if (dims->items[i].size) {
            write_expr(w, dims->items[i].size, dims->count > 1);
            continue;
        }
        take_as(w, "..");
        take(w);
    }
    end_list(w, "]");
}

static void write_type(Writer *w, const TypeExpr *type) {
    take(w);
    if (type->has_dims) write_dims(w, &type->dims);
    if (type->has_more) write_dims(w, &type->more);
}

static void write_colon_type(Writer *w, const TypeExpr *type) {
    take_as(w, ":");
    space(w);
    write_type(w, type);
}

static void write_formals(Writer *w, const FormalList *formals) {
    ListForm form = formals->count ? LIST_LINES : LIST_TIGHT;
    begin_list(w, "(", form);
    for (int i = 0; i < formals->count; i++) {
        const Formal *formal = &formals->items[i];
        if (i > 0) next_item(w, form);
        take(w);
        if (formal->type) write_colon_type(w, formal->type);
        if (formal->otherwise) write_value(w, formal->otherwise);
    }
    end_list(w, ")");
}

/* ---- statements --------------------------------------------------------------------------------------- */

static void write_result(Writer *w, const Definition *definition) {
    if (!definition->result && !definition->results.count) return;
    open_group(w);
    indent(w, 2 * STYLE_INDENT);
    document_break(&w->document, " ");
    take_as(w, "->");
    space(w);
    if (definition->result)
        write_type(w, definition->result);
    else
        write_formals(w, &definition->results);
    indent(w, -2 * STYLE_INDENT);
    close_group(w);
}

static void write_definition(Writer *w, const Definition *definition, Row *row) {
    take(w);
    space(w);
    take(w);
    write_formals(w, &definition->formals);
    write_result(w, definition);
    if (!definition->value) {
        space(w);
        write_block(w, &definition->body, false);
        return;
    }
    row->kind = ROW_DEFINITION;
    row_column(w, row);
    open_group(w);
    indent(w, STYLE_INDENT);
    document_break(&w->document, " ");
    take_as(w, "=");
    space(w);
    write_expr(w, definition->value, true);
    indent(w, -STYLE_INDENT);
    close_group(w);
}

/* like other, if there is one */
static void write_like(Writer *w, Word like, Row *row) {
    row->kind = like.text ? ROW_LIKE_BLOCK : ROW_BLOCK;
    row_column(w, row);
    if (!like.text) return;
    space(w);
    take_as(w, "like");
    space(w);
    take(w);
}

static void write_data(Writer *w, const Stmt *stmt, Row *row) {
    take_as(w, "data");
    space(w);
    take(w);
    write_like(w, stmt->data.like, row);
    if (stmt->data.source) write_value(w, stmt->data.source);
    if (!stmt->data.has_body) return;
    if (stmt->data.source || stmt->data.like.text) row_column(w, row);
    space(w);
    write_block(w, &stmt->data.body, true);
}

static void write_train(Writer *w, const Stmt *stmt, Row *row) {
    take(w);
    space(w);
    take(w);
    if (stmt->kind == STMT_TRAIN) write_like(w, stmt->train.like, row);
    if (stmt->kind == STMT_TRAIN && stmt->train.like.text) row_column(w, row);
    space(w);
    write_block(w, &stmt->train.body, true);
}

/* param w: f32[n] ~ e, x: f32, state m = e */
static void write_bind(Writer *w, const Stmt *stmt, Row *row) {
    if (stmt->kind == STMT_PARAM || stmt->kind == STMT_STATE) {
        take(w);
        space(w);
    }
    take(w);
    if (stmt->bind.type) write_colon_type(w, stmt->bind.type);
    if (!stmt->bind.value) return;
    row->kind = stmt->bind.type ? ROW_TYPED : ROW_NAMED;
    row_column(w, row);
    write_value(w, stmt->bind.value);
}

static void write_assign(Writer *w, const Stmt *stmt, Row *row) {
    bool elements = stmt->assign.has_binders;
    take(w);
    if (elements) {
        ListForm form = LIST_TIGHT;
        for (int i = 0; i < stmt->assign.binders.count; i++)
            if (stmt->assign.binders.items[i].range) form = LIST_LINES;
        begin_list(w, "[", form);
        write_binders(w, &stmt->assign.binders, true);
        end_list(w, "]");
    }
    row->kind = elements ? ROW_ELEMENTS : ROW_SETTING;
    row_column(w, row);
    write_value(w, stmt->assign.value);
}

static void write_tuple(Writer *w, const Stmt *stmt, Row *row) {
    take(w);
    for (int i = 1; i < stmt->tuple.names.count; i++) {
        next_word(w);
        take(w);
    }
    row->kind = ROW_SETTING;
    row_column(w, row);
    write_value(w, stmt->tuple.value);
}

static void write_named(Writer *w, const Stmt *stmt, Row *row) {
    take(w);
    space(w);
    take(w);
    row->kind = ROW_NAMED;
    row_column(w, row);
    write_value(w, stmt->named.value);
}

static void write_repeat(Writer *w, const Stmt *stmt) {
    take_as(w, "repeat");
    space(w);
    if (stmt->repeat.name.text) {
        take(w);
        space(w);
        take_as(w, "in");
        space(w);
    }
    write_expr(w, stmt->repeat.count, true);
    space(w);
    write_block(w, &stmt->repeat.body, false);
}

static void write_return(Writer *w, const ExprList *values) {
    take_as(w, "return");
    space(w);
    if (values->count > 1) open_group(w);
    for (int i = 0; i < values->count; i++) {
        if (i > 0) next_item(w, LIST_LINES);
        if (i == 1) indent(w, STYLE_INDENT);
        write_expr(w, values->items[i], true);
    }
    if (values->count < 2) return;
    indent(w, -STYLE_INDENT);
    close_group(w);
}

static void write_stmt(Writer *w, const Stmt *stmt, Row *row) {
    switch (stmt->kind) {
    case STMT_DEFINITION: write_definition(w, stmt->definition, row); break;
    case STMT_DATA: write_data(w, stmt, row); break;
    case STMT_TRAIN:
    case STMT_UPDATE: write_train(w, stmt, row); break;
    case STMT_INCLUDE:
        take_as(w, "include");
        space(w);
        take(w);
        break;
    case STMT_PARAM:
    case STMT_STATE:
    case STMT_FIELD:
    case STMT_TYPED: write_bind(w, stmt, row); break;
    case STMT_ASSIGN: write_assign(w, stmt, row); break;
    case STMT_NAMED: write_named(w, stmt, row); break;
    case STMT_TUPLE: write_tuple(w, stmt, row); break;
    case STMT_REPEAT: write_repeat(w, stmt); break;
    case STMT_RETURN: write_return(w, &stmt->ret.values); break;
    case STMT_ERROR: w->differs = true; break;
    }
}

/* ---- blocks --------------------------------------------------------------------------------------------- */
typedef struct BlockForm {
    bool top, settings;
    bool on_line; /* all statements on one line, if they fit */
} BlockForm;

static bool joined(const Writer *w, const StmtList *block, int i) {
    return i + 1 < block->count && !breaks_between(w, block->items[i]->span.end, block->items[i + 1]->span.begin);
}

/* What lies between a statement and the one before it. */
typedef struct Between {
    bool empty_line, alone; /* alone: a comment stands on a line of its own */
} Between;

static Between write_between(Writer *w, int i, bool is_joined, bool on_line) {
    int begin = w->document.pieces.count, lines = take_between(w, i > 0), end = w->document.pieces.count;
    Between between = {.empty_line = lines > 1 && (i > 0 || end > begin)};
    if (between.empty_line)
        document_put(&w->document, PIECE_EMPTY_LINE);
    else if (i > 0 && (is_joined || (on_line && lines == 0 && end == begin)))
        document_break(&w->document, "; ");
    else if (i > 0 || end > begin)
        document_put(&w->document, PIECE_NEWLINE);
    for (int k = begin; k < end; k++) {
        DocumentPieceKind kind = w->document.pieces.items[k].kind;
        if (kind == PIECE_EMPTY_LINE) between.empty_line = true;
        if (kind == PIECE_REMARK) between.alone = true;
    }
    return between;
}

static void write_stmts(Writer *w, const StmtList *block, BlockForm form) {
    RowList rows = {0};
    int paragraph = 0;
    bool is_joined = false;
    for (int i = 0; i < block->count; i++) {
        Between between = write_between(w, i, is_joined, form.on_line);
        paragraph += between.empty_line;
        Row row = {.begin = w->document.pieces.count,
                   .follows = i > 0 && !between.empty_line && !between.alone,
                   .paragraph = paragraph};
        bool joins = !form.on_line && joined(w, block, i);
        if (joins && !is_joined) open_group(w);
        write_stmt(w, block->items[i], &row);
        if (is_joined && !joins) close_group(w);
        if (!form.top && row.kind >= ROW_DEFINITION) row.kind = ROW_NONE;
        row.end = w->document.pieces.count;
        vector_push(w->document.arena, &rows, row);
        is_joined = joins;
    }
    take_between(w, block->count > 0);
    align_rows(w, &rows, form.settings);
}

/* A block whose first statement stands beside its brace stays on the line, if it fits. */
static void write_block(Writer *w, const StmtList *block, bool settings) {
    int brace = w->document.pieces.count;
    indent(w, STYLE_INDENT);
    take_early(w, "{");
    indent(w, -STYLE_INDENT);
    bool commented = w->document.pieces.count > brace + 3;
    if (!commented && !block->count && next_is(w, "}") && !w->tokens.items[w->next].is_comment) {
        take(w);
        return;
    }
    bool on_line = !breaks_between(w, w->tokens.items[w->next - 1].span.end, next_begin(w));
    document_put(&w->document, on_line && !commented ? PIECE_OPEN : PIECE_OPEN_WIDE);
    indent(w, STYLE_INDENT);
    document_break(&w->document, " ");
    write_stmts(w, block, (BlockForm){.settings = settings, .on_line = on_line});
    indent(w, -STYLE_INDENT);
    document_break(&w->document, " ");
    take_as(w, "}");
    close_group(w);
}

void write_program(Writer *w, const StmtList *statements) {
    write_stmts(w, statements, (BlockForm){.top = true});
    if (w->next < w->tokens.count) w->differs = true;
}
