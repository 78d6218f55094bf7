/* format: parses a source, writes it in the style, and holds the result against it.
 *
 * The walk takes every token in its order, so a tree that does not fit its tokens shows; and the result is parsed again:
 * its tree has to print the same, documentation included. Nobody's program is lost to a mistake made here.
 */
#include "format/format.h"
#include "format/write.h"

#include <string.h>

static int count_comments(const TokenList *tokens) {
    int count = 0;
    for (int i = 0; i < tokens->count; i++) count += tokens->items[i].is_comment;
    return count;
}

static bool means_same(Arena *arena, Names *names, const Ast *ast, const TokenList *tokens, const Text *formatted) {
    SourceMap *map = source_map_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena, map);
    TokenList new_tokens = {0};
    Source *source = source_add(map, ast->source->path, formatted->bytes, formatted->length);
    Ast *new_ast = parse_tokens(arena, names, diagnostics, source, &new_tokens);
    Text before = text_new(arena), after = text_new(arena);
    ast_print(&before, ast);
    ast_print(&after, new_ast);
    return !diagnostics->errors && count_comments(tokens) == count_comments(&new_tokens) &&
           before.length == after.length && memcmp(before.bytes, after.bytes, before.length) == 0;
}

const char *format_source(Arena *arena, Diagnostics *diagnostics, Source *source, size_t *length) {
    Names *names = names_new(arena);
    Writer w = {.document = {.arena = arena}, .source = source};
    int errors = diagnostics->errors;
    Ast *ast = parse_tokens(arena, names, diagnostics, source, &w.tokens);
    if (diagnostics->errors > errors) return NULL;
    write_program(&w, &ast->statements);
    Text text = text_new(arena);
    document_print(&w.document, STYLE_COLUMNS, &text);
    *length = text.length;
    return !w.differs && means_same(arena, names, ast, &w.tokens, &text) ? text.bytes : NULL;
}
