/* actions: what a diagnostic proposes, as a quick fix: the name that was meant, where one is near. */
#include "lsp/lsp.h"
#include <string.h>

/* The name in "did you mean `x`?"; NULL: the help says something else. */
static const char *proposed(Arena *arena, const Diagnostic *help) {
    static const char words[] = "did you mean `";
    if (help->severity != SEVERITY_HELP || strncmp(help->message, words, sizeof words - 1) != 0) return NULL;
    const char *name = help->message + sizeof words - 1;
    return text_format(arena, "%.*s", (int)strcspn(name, "`"), name);
}

/* Is it a name and nothing else? */
static bool is_word(const Analysis *a, Span span) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (span.begin < a->source->base || span.end > a->source->base + a->source->length) return false;
    return span.end > span.begin &&
           strspn(a->source->text + (span.begin - a->source->base), letters) == span.end - span.begin;
}

static cJSON *action_json(const Server *server, const OpenDocument *document, const Analysis *a, const Diagnostic *d,
                          const char *name) {
    cJSON *range, *edit = cJSON_CreateObject(), *action = cJSON_CreateObject();
    if (!range_of(server, document, a, d->span, &range)) range = cJSON_CreateNull();
    cJSON_AddItemToObject(edit, "range", range);
    cJSON_AddStringToObject(edit, "newText", name);
    cJSON_AddStringToObject(action, "title", text_format(server->scratch, "Change it to %s", name));
    cJSON_AddStringToObject(action, "kind", "quickfix");
    cJSON *changes = cJSON_AddObjectToObject(cJSON_AddObjectToObject(action, "edit"), "changes");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(changes, document->uri), edit);
    return action;
}

cJSON *code_action(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    OpenDocument *document = document_asked(server, params);
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(params, "range");
    LinePosition first, last;
    if (!document || !position_from(cJSON_GetObjectItemCaseSensitive(range, "start"), &first) ||
        !position_from(cJSON_GetObjectItemCaseSensitive(range, "end"), &last))
        return NULL;
    const Analysis *a = document_now(server, document);
    uint32_t begin = a->source->base + (uint32_t)lines_offset(&document->lines, first, server->utf8);
    uint32_t end = a->source->base + (uint32_t)lines_offset(&document->lines, last, server->utf8);
    cJSON *list = cJSON_CreateArray();
    for (const Diagnostic *d = a->diagnostics->first; d; d = d->next)
        for (const Diagnostic *note = d->notes; note; note = note->next) {
            const char *name = proposed(server->scratch, note);
            if (name && is_word(a, d->span) && d->span.begin <= end && begin <= d->span.end)
                cJSON_AddItemToArray(list, action_json(server, document, a, d, name));
        }
    return list;
}
