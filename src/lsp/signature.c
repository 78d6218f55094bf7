/* signature: the head of the definition whose arguments are being written, and which of them is next. */
#include "lsp/lsp.h"
#include <string.h>

static const Builtin *builtin_named(const Server *server, const char *name) {
    for (const Binding *b = analysis_lowering(server->empty)->prelude->last; b; b = b->next)
        if (b->value->kind == VALUE_BUILTIN && strcmp(b->name, name) == 0) return b->value->builtin;
    return NULL;
}

static void add_parameters(cJSON *signature, const Definition *definition) {
    cJSON *list = cJSON_AddArrayToObject(signature, "parameters");
    for (int i = 0; i < definition->formals.count; i++) {
        const char *name = definition->formals.items[i].name.text;
        cJSON *parameter = cJSON_CreateObject();
        cJSON_AddStringToObject(parameter, "label", name ? name : "");
        cJSON_AddItemToArray(list, parameter);
    }
}

cJSON *signature_help(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    AskedPlace spot;
    if (!spot_of(server, params, &spot)) return NULL;
    CursorContext context = context_of(server->scratch, spot.document, spot.offset);
    if (context.silent || !context.call) return NULL;
    const Analysis *home;
    const Definition *definition = definition_named(server, document_now(server, spot.document), context.call, &home);
    const Builtin *builtin = definition ? NULL : builtin_named(server, context.call);
    if (!definition && !builtin) return NULL;
    cJSON *signature = cJSON_CreateObject(), *result = cJSON_CreateObject();
    cJSON_AddStringToObject(signature, "label",
                            definition ? describe_head(server->scratch, home, definition) : builtin->usage);
    const char *doc = definition ? definition->doc : builtin->doc;
    if (doc) cJSON_AddStringToObject(signature, "documentation", doc);
    if (definition) add_parameters(signature, definition);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(result, "signatures"), signature);
    cJSON_AddNumberToObject(result, "activeSignature", 0);
    cJSON_AddNumberToObject(result, "activeParameter", context.argument);
    return result;
}
