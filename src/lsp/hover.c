/* hover: what stands under the cursor: a name with its type, where its axes came from, its parameters and its doc comment;
 * a setting; what a diagnostic there means.
 */
#include "lsp/lsp.h"
#include <string.h>

static void add_code(Text *to, const char *code) { text_add(to, "%s```sgd\n%s\n```", to->length ? "\n\n" : "", code); }

static void add_doc(Text *to, const char *doc) {
    if (doc) text_add(to, "\n\n%s", doc);
}

static void add_builtin(Text *to, const Analysis *a, const Meaning *meaning, const Symbol *symbol) {
    const char *types = describe_types(to->arena, a, meaning);
    if (!symbol->builtin) {
        add_code(to, types ? text_format(to->arena, "%s: %s", meaning->name, types) : meaning->name);
        return;
    }
    add_code(to, symbol->builtin->usage);
    add_doc(to, symbol->builtin->doc);
    if (types) text_add(to, "\n\nHere it gives `%s`", types);
}

static void add_definition(Text *to, const Analysis *a, const Meaning *meaning, const Symbol *symbol) {
    const char *types = describe_types(to->arena, a, meaning), *path = meaning->path;
    add_code(to, describe_head(to->arena, a, symbol->definition));
    add_doc(to, symbol->doc);
    if (types) text_add(to, "\n\nHere it gives `%s`", types);
    Text axes = text_new(to->arena), cells = text_new(to->arena);
    describe_axes(&axes, a, meaning);
    if (!path && meaning->declares && symbol->definition->kind == DEFINE_MODEL) path = meaning->name;
    if (path) describe_parameters(&cells, a, path);
    if (axes.length) text_add(to, "\n%s", axes.bytes);
    if (cells.length) text_add(to, "\n\nParameters\n%s", cells.bytes);
}

static void add_plain(Text *to, const Analysis *a, const Meaning *meaning, const Symbol *symbol) {
    const char *types = describe_types(to->arena, a, meaning), *kind = symbol_kind_text(symbol);
    if (symbol->kind == SYMBOL_DATA)
        add_code(to, describe_data(to->arena, a, symbol->stmt));
    else if (symbol->kind == SYMBOL_TRAIN || symbol->kind == SYMBOL_FIGURE)
        add_code(to, text_format(to->arena, "%s %s",
                                 symbol->kind == SYMBOL_TRAIN ? "train" : symbol->stmt->named.key.text, meaning->name));
    else
        add_code(to, types ? text_format(to->arena, "%s: %s", meaning->name, types) : meaning->name);
    bool plain = symbol->kind == SYMBOL_DATA || symbol->kind == SYMBOL_TRAIN || symbol->kind == SYMBOL_LOCAL;
    if (!plain) text_add(to, "\n\n%s", kind);
    if (symbol->kind == SYMBOL_FORMAL) text_add(to, " of %s", symbol->definition->name.text);
    add_doc(to, symbol->doc);
    Text axes = text_new(to->arena), cells = text_new(to->arena);
    describe_axes(&axes, a, meaning);
    if (symbol->kind == SYMBOL_PARAMETER) describe_cells_at(&cells, a, symbol->stmt->bind.name.span);
    if (axes.length) text_add(to, "\n%s", axes.bytes);
    if (cells.length) text_add(to, "\n\nIn the runs\n%s", cells.bytes);
}

/* What the name was in the last text without errors, where this one does not come to its type. */
static const Meaning *with_types(const Server *server, AskedPlace *spot, const Meaning *meaning) {
    Analysis *good = document_good(server, spot->document);
    bool exact;
    if (!meaning || meaning->count > 0) return meaning;
    const Meaning *declared = meaning_at(spot->analysis->meanings, meaning->declared.begin);
    if (declared && declared->count > 0) return declared;
    if (good == spot->analysis) return meaning;
    const Meaning *before = meaning_around(good, document_to(spot->document, good, spot->offset, &exact));
    if (!exact || !before || strcmp(before->name, meaning->name) != 0) return meaning;
    spot->analysis = good;
    return before;
}

static void add_meaning(Text *to, const Analysis *a, const Meaning *meaning) {
    Symbol symbol = symbol_of(a, meaning);
    if (symbol.kind == SYMBOL_BUILTIN)
        add_builtin(to, a, meaning, &symbol);
    else if (symbol.kind == SYMBOL_DEFINITION)
        add_definition(to, a, meaning, &symbol);
    else
        add_plain(to, a, meaning, &symbol);
}

/* ---- settings ------------------------------------------------------------------------------------ */
/* The key of a setting at the place; in *span where it stands. */
static SettingKey setting_at(const Ast *ast, uint32_t at, Span *span) {
    const Stmt *block = statement_around(ast, at);
    for (int i = 0; block && block->kind == STMT_TRAIN && i < block->train.body.count; i++) {
        const Stmt *stmt = block->train.body.items[i];
        bool assigns = stmt && stmt->kind == STMT_ASSIGN, names = stmt && stmt->kind == STMT_NAMED;
        if (!assigns && !names) continue;
        Word key = assigns ? stmt->assign.key : stmt->named.key;
        *span = key.span;
        if (key.span.begin <= at && at <= key.span.end) return setting_key(key.text);
    }
    return KEY_LOCAL;
}

/* A definition of that name, where the compiler did not come so far as to resolve it; a source of data. */
static void add_unresolved(Text *to, const Server *server, const AskedPlace *spot) {
    CursorContext context = context_of(to->arena, spot->document, spot->offset);
    const char *begin = spot->document->text + context.word;
    size_t length = strspn(begin, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const char *name = text_format(to->arena, "%.*s", (int)length, begin);
    const Analysis *home;
    if (context.silent || context.begins || context.member_of || context.type || !length) return;
    for (SourceKind kind = 0; kind < SOURCES && context.source; kind++)
        if (source_name(kind) && strcmp(source_name(kind), name) == 0) add_code(to, source_form(kind)->usage);
    const Definition *definition = definition_named(server, document_now(server, spot->document), name, &home);
    if (!definition || to->length) return;
    add_code(to, describe_head(to->arena, home, definition));
    add_doc(to, definition->doc);
}

static void add_explanation(Text *to, const Analysis *a, uint32_t at) {
    for (const Diagnostic *d = a->diagnostics->first; d; d = d->next)
        if (d->has_code && d->span.begin <= at && at < d->span.end)
            text_add(to, "%s**%s: %s**\n\n```\n%s\n```", to->length ? "\n\n---\n\n" : "", code_name(d->code),
                     code_title(d->code), code_explanation(d->code));
}

cJSON *hover(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    AskedPlace spot;
    if (!spot_of(server, params, &spot)) return NULL;
    Text text = text_new(server->scratch);
    Span span = {0, 0}, key_span;
    const Meaning *meaning = spot.exact ? meaning_around(spot.analysis, spot.at) : NULL;
    SettingKey key = spot.exact ? setting_at(spot.analysis->ast, spot.at, &key_span) : KEY_LOCAL;
    const Analysis *analysis = spot.analysis;
    if (meaning) span = meaning->span;
    meaning = with_types(server, &spot, meaning);
    if (key != KEY_LOCAL && setting_usage(key)) {
        span = key_span;
        add_code(&text, setting_usage(key));
        add_doc(&text, setting_help(key));
    } else if (meaning) {
        add_meaning(&text, spot.analysis, meaning);
    } else {
        add_unresolved(&text, server, &spot);
    }
    Analysis *now = document_now(server, spot.document);
    add_explanation(&text, now, now->source->base + (uint32_t)spot.offset);
    if (!text.length) return NULL;
    cJSON *contents = cJSON_CreateObject(), *result = cJSON_CreateObject(), *range;
    cJSON_AddStringToObject(contents, "kind", "markdown");
    cJSON_AddStringToObject(contents, "value", text.bytes);
    cJSON_AddItemToObject(result, "contents", contents);
    if (span.begin && range_of(server, spot.document, analysis, span, &range))
        cJSON_AddItemToObject(result, "range", range);
    return result;
}
