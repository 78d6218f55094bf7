/* hints: the types of names that say none, behind them: h: f32[128]. */
#include "lsp/lsp.h"

static bool is_tensor(const Meaning *meaning) {
    for (int i = 0; i < meaning->count; i++)
        if (meaning->value[i]->kind == VALUE_TENSOR) return true;
    return false;
}

/* Bound by a statement that gives no type, or an argument without one. */
static bool says_no_type(const Analysis *a, const Meaning *meaning) {
    Meaning here = *meaning;
    here.declared = meaning->span;
    Symbol symbol = symbol_of(a, &here);
    if (symbol.kind == SYMBOL_FORMAL) return !symbol.formal->type;
    return symbol.kind == SYMBOL_LOCAL && symbol.stmt && symbol.stmt->kind != STMT_TYPED &&
           symbol.stmt->kind != STMT_FIELD && !(symbol.stmt->kind == STMT_ASSIGN && symbol.stmt->assign.has_binders);
}

cJSON *inlay_hint(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    OpenDocument *document = document_asked(server, params);
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(params, "range");
    LinePosition first, last;
    if (!document) return NULL;
    cJSON *list = cJSON_CreateArray();
    bool bounded = position_from(cJSON_GetObjectItemCaseSensitive(range, "start"), &first) &&
                   position_from(cJSON_GetObjectItemCaseSensitive(range, "end"), &last);
    const Analysis *a = document_good(server, document);
    for (int i = 0; i < a->meanings->items.count; i++) {
        const Meaning *meaning = &a->meanings->items.items[i];
        size_t begin, end;
        if (!meaning->declares || source_place(a->map, meaning->span.begin).source != a->source ||
            !is_tensor(meaning) || !says_no_type(a, meaning) ||
            !document_from(document, a, meaning->span, &begin, &end))
            continue;
        LinePosition position = lines_position(&document->lines, end, server->utf8);
        if (bounded && (position.line < first.line || position.line > last.line)) continue;
        cJSON *hint = cJSON_CreateObject(), *at = json_range(position, position);
        cJSON_AddItemToObject(hint, "position", cJSON_DetachItemFromObject(at, "start"));
        cJSON_Delete(at);
        cJSON_AddStringToObject(hint, "label",
                                text_format(server->scratch, ": %s", describe_types(server->scratch, a, meaning)));
        cJSON_AddNumberToObject(hint, "kind", 1);
        cJSON_AddItemToArray(list, hint);
    }
    return list;
}
