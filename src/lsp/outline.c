/* outline: the declarations of a document as a tree, for an editor's outline and breadcrumbs. */
#include "lsp/lsp.h"

/* SymbolKind of the protocol */
enum {
    OUTLINE_MODULE = 2,
    OUTLINE_CLASS = 5,
    OUTLINE_PROPERTY = 7,
    OUTLINE_FIELD = 8,
    OUTLINE_FUNCTION = 12,
    OUTLINE_VARIABLE = 13,
    OUTLINE_CONSTANT = 14,
    OUTLINE_STRUCT = 23,
    OUTLINE_EVENT = 24
};

static cJSON *entry(const Server *server, const OpenDocument *document, const Analysis *a, Word name, Span whole,
                    int kind, const char *detail) {
    cJSON *range, *selection;
    if (!name.text || !name.text[0]) return NULL;
    Span all = span_join(name.span, whole);
    if (!range_of(server, document, a, all, &range)) return NULL;
    if (!range_of(server, document, a, name.span, &selection)) {
        cJSON_Delete(range);
        return NULL;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", name.text);
    if (detail) cJSON_AddStringToObject(json, "detail", detail);
    cJSON_AddNumberToObject(json, "kind", kind);
    cJSON_AddItemToObject(json, "range", range);
    cJSON_AddItemToObject(json, "selectionRange", selection);
    return json;
}

static cJSON *entry_of(const Server *server, const OpenDocument *document, const Analysis *a, const Stmt *stmt);

static void add_children(cJSON *parent, const Server *server, const OpenDocument *document, const Analysis *a,
                         const StmtList *body, bool names_only) {
    cJSON *children = parent ? cJSON_AddArrayToObject(parent, "children") : NULL;
    for (int i = 0; children && i < body->count; i++) {
        const Stmt *stmt = body->items[i];
        if (!stmt || (names_only && stmt->kind == STMT_ASSIGN && setting_key(stmt->assign.key.text) == KEY_LOCAL))
            continue;
        cJSON *child = entry_of(server, document, a, stmt);
        if (child) cJSON_AddItemToArray(children, child);
    }
}

static cJSON *entry_of(const Server *server, const OpenDocument *document, const Analysis *a, const Stmt *stmt) {
    static const char *const kinds[] = {"model", "layer", "def", "loss", "metric", "optimizer"};
    cJSON *json;
    switch (stmt->kind) {
    case STMT_DEFINITION:
        json = entry(server, document, a, stmt->definition->name, stmt->span,
                     stmt->definition->kind == DEFINE_MODEL || stmt->definition->kind == DEFINE_LAYER
                         ? OUTLINE_CLASS
                         : OUTLINE_FUNCTION,
                     kinds[stmt->definition->kind]);
        add_children(json, server, document, a, &stmt->definition->body, false);
        return json;
    case STMT_DATA:
        json = entry(server, document, a, stmt->data.name, stmt->span, OUTLINE_STRUCT, "data");
        add_children(json, server, document, a, &stmt->data.body, false);
        return json;
    case STMT_TRAIN:
        json = entry(server, document, a, stmt->train.name, stmt->span, OUTLINE_EVENT, "train");
        add_children(json, server, document, a, &stmt->train.body, true);
        return json;
    case STMT_PARAM: return entry(server, document, a, stmt->bind.name, stmt->span, OUTLINE_PROPERTY, "param");
    case STMT_STATE: return entry(server, document, a, stmt->bind.name, stmt->span, OUTLINE_PROPERTY, "state");
    case STMT_FIELD:
    case STMT_TYPED: return entry(server, document, a, stmt->bind.name, stmt->span, OUTLINE_FIELD, NULL);
    case STMT_ASSIGN: return entry(server, document, a, stmt->assign.key, stmt->span, OUTLINE_VARIABLE, NULL);
    case STMT_NAMED:
        return entry(server, document, a, stmt->named.name, stmt->span, OUTLINE_FIELD, stmt->named.key.text);
    default: return NULL;
    }
}

cJSON *document_symbol(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    OpenDocument *document = document_asked(server, params);
    if (!document) return NULL;
    const Analysis *a = document_now(server, document);
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < a->ast->statements.count; i++) {
        cJSON *json = a->ast->statements.items[i] ? entry_of(server, document, a, a->ast->statements.items[i]) : NULL;
        if (json) cJSON_AddItemToArray(list, json);
    }
    return list;
}
