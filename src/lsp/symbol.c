/* symbol: what a name is: where it is declared in the tree, as what, and with which doc comment.
 *
 * The compiler says which declaration a name means (lower/meaning.c); what kind of thing that is the tree says.
 */
#include "lsp/lsp.h"
#include <string.h>

const char *symbol_kind_text(const Symbol *symbol) {
    static const char *const definitions[] = {"model", "layer", "def", "loss", "metric", "optimizer"};
    static const char *const text[] = {"definition", "argument", "size or index", "parameter", "state",  "name",
                                       "setting",    "data",     "field",         "train",     "figure", "built in"};
    return symbol->kind == SYMBOL_DEFINITION ? definitions[symbol->definition->kind] : text[symbol->kind];
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const Meaning *meaning_around(const Analysis *analysis, uint32_t at) {
    const Source *source = analysis->source;
    if (at < source->base || at > source->base + source->length) return NULL;
    uint32_t begin = at - source->base;
    while (begin > 0 && is_name_byte(source->text[begin - 1])) begin--;
    const Meaning *meaning = meaning_at(analysis->meanings, source->base + begin);
    return meaning && at <= meaning->span.end ? meaning : NULL;
}

static bool is_inside(Span span, uint32_t at) { return span.begin <= at && at <= span.end; }

const Stmt *statement_around(const Ast *ast, uint32_t at) {
    for (int i = ast->statements.count - 1; i >= 0; i--)
        if (ast->statements.items[i] && is_inside(ast->statements.items[i]->span, at)) return ast->statements.items[i];
    return NULL;
}

/* ---- declarations -------------------------------------------------------------------------------- */
static bool is(Word word, Span span) { return word.span.begin == span.begin && word.span.end == span.end; }

static bool in_definition(const Definition *definition, Span span, Symbol *symbol) {
    if (is(definition->name, span)) {
        symbol->kind = SYMBOL_DEFINITION;
        symbol->definition = definition;
        symbol->doc = definition->doc;
        return true;
    }
    for (int i = 0; i < definition->formals.count; i++)
        if (is(definition->formals.items[i].name, span)) {
            symbol->kind = SYMBOL_FORMAL;
            symbol->definition = definition;
            symbol->formal = &definition->formals.items[i];
            return true;
        }
    return false;
}

static bool in_statements(const StmtList *list, BlockKind block, Span span, Symbol *symbol);

static bool found(Symbol *symbol, SymbolKind kind, const Stmt *stmt) {
    symbol->kind = kind;
    symbol->stmt = stmt;
    symbol->doc = stmt->doc;
    return true;
}

static bool in_bind(const Stmt *stmt, BlockKind block, Span span, Symbol *symbol) {
    if (!is(stmt->bind.name, span)) return false;
    SymbolKind kind = stmt->kind == STMT_PARAM   ? SYMBOL_PARAMETER
                      : stmt->kind == STMT_STATE ? SYMBOL_STATE
                      : block == BLOCK_DATA      ? SYMBOL_FIELD
                                                 : SYMBOL_LOCAL;
    return found(symbol, kind, stmt);
}

static bool in_statement(const Stmt *stmt, BlockKind block, Span span, Symbol *symbol) {
    switch (stmt->kind) {
    case STMT_DEFINITION:
        return in_definition(stmt->definition, span, symbol) ||
               in_statements(&stmt->definition->body, BLOCK_DEFINITION, span, symbol);
    case STMT_DATA:
        if (is(stmt->data.name, span)) return found(symbol, SYMBOL_DATA, stmt);
        return in_statements(&stmt->data.body, BLOCK_DATA, span, symbol);
    case STMT_TRAIN:
        if (is(stmt->train.name, span)) return found(symbol, SYMBOL_TRAIN, stmt);
        return in_statements(&stmt->train.body, BLOCK_TRAIN, span, symbol);
    case STMT_PARAM:
    case STMT_STATE:
    case STMT_FIELD:
    case STMT_TYPED: return in_bind(stmt, block, span, symbol);
    case STMT_ASSIGN:
        return is(stmt->assign.key, span) && found(symbol, block == BLOCK_FILE ? SYMBOL_SETTING : SYMBOL_LOCAL, stmt);
    case STMT_NAMED: return is(stmt->named.name, span) && found(symbol, SYMBOL_FIGURE, stmt);
    case STMT_TUPLE:
        for (int i = 0; i < stmt->tuple.names.count; i++)
            if (is(stmt->tuple.names.items[i], span)) return found(symbol, SYMBOL_LOCAL, stmt);
        return false;
    case STMT_REPEAT:
        if (is(stmt->repeat.name, span)) return found(symbol, SYMBOL_SIZE, stmt);
        return in_statements(&stmt->repeat.body, block, span, symbol);
    default: return false;
    }
}

static bool in_statements(const StmtList *list, BlockKind block, Span span, Symbol *symbol) {
    for (int i = 0; i < list->count; i++) {
        const Stmt *stmt = list->items[i];
        if (stmt && is_inside(stmt->span, span.begin) && in_statement(stmt, block, span, symbol)) return true;
    }
    return false;
}

static bool in_prelude(const Analysis *analysis, Span span, Symbol *symbol) {
    for (const Binding *b = analysis_lowering(analysis)->prelude->last; b; b = b->next)
        if (b->value->kind == VALUE_DEFINITION && in_definition(b->value->definition, span, symbol)) return true;
    return false;
}

Symbol symbol_of(const Analysis *analysis, const Meaning *meaning) {
    Symbol symbol = {.kind = SYMBOL_LOCAL};
    for (int i = 0; i < meaning->count; i++)
        if (meaning->value[i]->kind == VALUE_INDEX || meaning->value[i]->kind == VALUE_INT) symbol.kind = SYMBOL_SIZE;
    if (meaning->declared.begin == 0) {
        symbol.kind = SYMBOL_BUILTIN;
        symbol.builtin = meaning->builtin;
        return symbol;
    }
    for (int i = 0; i < analysis->meanings->trees.count; i++)
        if (in_statements(&analysis->meanings->trees.items[i]->statements, BLOCK_FILE, meaning->declared, &symbol))
            return symbol;
    in_prelude(analysis, meaning->declared, &symbol);
    return symbol;
}

bool symbol_is_of_user(const Analysis *analysis, const Meaning *meaning) {
    const Source *source = source_place(analysis->map, meaning->declared.begin).source;
    return source && !source->is_prelude;
}
