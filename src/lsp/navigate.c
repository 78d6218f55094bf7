/* navigate: from a name to its declaration, to everything that means the same, and from an include to the file. */
#include "lsp/lsp.h"
#include <string.h>

/* The meaning that a request asks for; NULL: none, or the text there has changed since. */
static const Meaning *asked(const Server *server, const cJSON *params, AskedPlace *spot) {
    return spot_of(server, params, spot) && spot->exact ? meaning_around(spot->analysis, spot->at) : NULL;
}

/* include "layers.sgd": the beginning of that file. */
static cJSON *included(const Server *server, const AskedPlace *spot) {
    const Stmt *stmt = statement_around(spot->analysis->ast, spot->at);
    if (!stmt || stmt->kind != STMT_INCLUDE) return NULL;
    size_t length = strlen(stmt->include.path);
    for (int i = 0; i < spot->analysis->map->sources.count; i++) {
        const Source *source = spot->analysis->map->sources.items[i];
        size_t whole = strlen(source->path);
        if (source != spot->analysis->source && !source->is_prelude && whole >= length &&
            strcmp(source->path + whole - length, stmt->include.path) == 0)
            return location_of(server, spot->document, spot->analysis, (Span){source->base, source->base});
    }
    return NULL;
}

cJSON *definition(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    AskedPlace spot;
    const Meaning *meaning = asked(server, params, &spot);
    if (!meaning) return spot.document ? included(server, &spot) : NULL;
    return meaning->declared.begin ? location_of(server, spot.document, spot.analysis, meaning->declared) : NULL;
}

/* ---- everything that means the same --------------------------------------------------------------- */
static bool same_place(const Analysis *a, Span x, const Analysis *b, Span y) {
    const Source *s = source_place(a->map, x.begin).source, *t = source_place(b->map, y.begin).source;
    return s && t && x.begin - s->base == y.begin - t->base && same_file(s->path, t->path);
}

void visit_same(const Server *server, const AskedPlace *spot, const Meaning *meaning, VisitSame *visit, void *context) {
    for (OpenDocument *d = server->documents; d; d = d->next) {
        Analysis *a = d == spot->document ? spot->analysis : document_best(server, d);
        for (int i = 0; i < a->meanings->items.count; i++) {
            const Meaning *other = &a->meanings->items.items[i];
            bool same = a == spot->analysis ? other->declared.begin == meaning->declared.begin
                                            : same_place(a, other->declared, spot->analysis, meaning->declared);
            if (same && (meaning->declared.begin || strcmp(other->name, meaning->name) == 0))
                visit(server, d, a, other, context);
        }
    }
}

typedef struct Collected {
    cJSON *list;
    bool declarations, own; /* own: of the document alone, as ranges */
    const OpenDocument *document;
} Collected;

static bool has_equal(const cJSON *list, const cJSON *item) {
    const cJSON *other;
    cJSON_ArrayForEach(other, list) if (cJSON_Compare(other, item, true)) return true;
    return false;
}

static void collect(const Server *server, const OpenDocument *document, const Analysis *a, const Meaning *meaning,
                    void *context) {
    Collected *all = context;
    cJSON *item = NULL, *range;
    bool is_declaration = meaning->span.begin == meaning->declared.begin;
    if (is_declaration && !all->declarations) return;
    if (!all->own) {
        item = location_of(server, document, a, meaning->span);
    } else if (document == all->document && source_place(a->map, meaning->span.begin).source == a->source &&
               range_of(server, document, a, meaning->span, &range)) {
        item = cJSON_CreateObject();
        cJSON_AddItemToObject(item, "range", range);
        cJSON_AddNumberToObject(item, "kind", meaning->declares ? 3 : 2);
    }
    if (item && has_equal(all->list, item)) cJSON_Delete(item), item = NULL;
    if (item) cJSON_AddItemToArray(all->list, item);
}

cJSON *references(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    AskedPlace spot;
    const Meaning *meaning = asked(server, params, &spot);
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(params, "context");
    const cJSON *declarations = cJSON_GetObjectItemCaseSensitive(context, "includeDeclaration");
    Collected all = {cJSON_CreateArray(), cJSON_IsTrue(declarations), false, NULL};
    if (meaning) visit_same(server, &spot, meaning, collect, &all);
    return all.list;
}

cJSON *document_highlight(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    AskedPlace spot;
    const Meaning *meaning = asked(server, params, &spot);
    Collected all = {cJSON_CreateArray(), true, true, spot.document};
    if (meaning) visit_same(server, &spot, meaning, collect, &all);
    return all.list;
}
