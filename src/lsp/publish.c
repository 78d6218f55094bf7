/* publish: diagnostics of a document, with the notes and help that belong to each.
 *
 * What is wrong in an included file is told at the statement that includes it, and leads there. What has no place stands
 * at the beginning. A client that shows no related information gets it in the message.
 */
#include "lsp/lsp.h"
#include <string.h>

static int severity(Severity severity) {
    switch (severity) {
    case SEVERITY_ERROR: return 1;
    case SEVERITY_WARNING: return 2;
    case SEVERITY_NOTE:
    case SEVERITY_HELP: break;
    }
    return 3;
}

/* The statement of the document that includes the source, or the first that includes anything. */
static Span include_of(const Analysis *a, const Source *source) {
    Span found = {0, 0};
    for (int i = 0; i < a->ast->statements.count; i++) {
        const Stmt *stmt = a->ast->statements.items[i];
        if (!stmt || stmt->kind != STMT_INCLUDE) continue;
        size_t length = strlen(stmt->include.path), whole = strlen(source->path);
        bool is_it = whole >= length && strcmp(source->path + whole - length, stmt->include.path) == 0;
        if (found.begin == 0 || is_it) found = stmt->span;
        if (is_it) break;
    }
    return found;
}

/* A place of the document for any place. */
static Span own_span(const Analysis *a, Span span) {
    const Source *source = source_place(a->map, span.begin).source;
    if (source == a->source) return span;
    Span include = source && !source->is_prelude ? include_of(a, source) : (Span){0, 0};
    return include.begin ? include : (Span){a->source->base, a->source->base};
}

static void add_related(cJSON *list, const Server *server, const OpenDocument *document, const Analysis *a, Span span,
                        const char *message) {
    cJSON *location = location_of(server, document, a, span.begin ? span : (Span){a->source->base, a->source->base});
    if (!location) return;
    cJSON *related = cJSON_CreateObject();
    cJSON_AddItemToObject(related, "location", location);
    cJSON_AddStringToObject(related, "message", message);
    cJSON_AddItemToArray(list, related);
}

static cJSON *diagnostic_json(const Server *server, const OpenDocument *document, const Analysis *a,
                              const Diagnostic *d) {
    Span span = own_span(a, d->span);
    cJSON *json = cJSON_CreateObject(), *related = cJSON_CreateArray(), *range;
    Text message = text_new(server->scratch);
    text_add(&message, "%s", d->message);
    if (!range_of(server, document, a, span, &range)) range = json_range((LinePosition){0, 0}, (LinePosition){0, 0});
    if (span.begin != d->span.begin && d->span.begin) add_related(related, server, document, a, d->span, d->message);
    for (const Diagnostic *note = d->notes; note; note = note->next) {
        const char *kind = note->severity == SEVERITY_HELP ? "help: " : "";
        if (server->related)
            add_related(related, server, document, a, note->span.begin ? note->span : span,
                        text_format(server->scratch, "%s%s", kind, note->message));
        else
            text_add(&message, "\n%s%s", note->severity == SEVERITY_HELP ? kind : "note: ", note->message);
    }
    cJSON_AddItemToObject(json, "range", range);
    cJSON_AddNumberToObject(json, "severity", severity(d->severity));
    cJSON_AddStringToObject(json, "source", "sgdc");
    cJSON_AddStringToObject(json, "message", message.bytes);
    if (d->has_code) {
        cJSON_AddStringToObject(json, "code", code_name(d->code));
        cJSON *data = cJSON_AddObjectToObject(json, "data");
        cJSON_AddStringToObject(data, "title", code_title(d->code));
        cJSON_AddStringToObject(data, "explanation", code_explanation(d->code));
    }
    if (server->related && cJSON_GetArraySize(related))
        cJSON_AddItemToObject(json, "relatedInformation", related);
    else
        cJSON_Delete(related);
    return json;
}

void publish(Server *server, OpenDocument *document) {
    const Analysis *a = document_now(server, document);
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "uri", document->uri);
    if (document->has_version) cJSON_AddNumberToObject(params, "version", (double)document->version);
    cJSON *list = cJSON_AddArrayToObject(params, "diagnostics");
    for (const Diagnostic *d = a->diagnostics->first; d; d = d->next)
        cJSON_AddItemToArray(list, diagnostic_json(server, document, a, d));
    document->published = true;
    message_notify(server, "textDocument/publishDiagnostics", params);
}

void publish_nothing(Server *server, const char *uri) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "uri", uri);
    cJSON_AddArrayToObject(params, "diagnostics");
    message_notify(server, "textDocument/publishDiagnostics", params);
}
