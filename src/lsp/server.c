/* server: the loop of the language server: a message in, its answer out; diagnostics when nothing is waiting.
 *
 * One message is answered after the other, so a request that is cancelled has been answered already, which the protocol
 * allows. What a method may assume: params is an object, or NULL; the document is open or document_asked says NULL.
 * Edits that cannot be understood close the document to us, as its text is no longer known.
 */
#include "lsp/lsp.h"
#include <stdlib.h>
#include <string.h>

enum {
    ERROR_PARSE = -32700,
    ERROR_INVALID_REQUEST = -32600,
    ERROR_NO_METHOD = -32601,
    ERROR_INVALID_PARAMS = -32602,
    ERROR_FAILED = -32803,
    ERROR_NOT_INITIALIZED = -32002
};
enum { MOST_DOCUMENT = 1 << 26 };

static void show_error(Server *server, const char *text) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddNumberToObject(params, "type", 1);
    cJSON_AddStringToObject(params, "message", text);
    message_notify(server, "window/showMessage", params);
}

/* ---- initialize ---------------------------------------------------------------------------------- */
static const cJSON *at_path(const cJSON *json, const char *const *keys) {
    for (; json && *keys; keys++) json = cJSON_GetObjectItemCaseSensitive(json, *keys);
    return json;
}

static void add_options(cJSON *to, const char *name, const char *key, const char *const *values) {
    cJSON *options = cJSON_AddObjectToObject(to, name), *list = cJSON_AddArrayToObject(options, key);
    for (; *values; values++) cJSON_AddItemToArray(list, cJSON_CreateString(*values));
}

static cJSON *capabilities(const Server *server) {
    static const char *const plain[] = {
        "hoverProvider",          "definitionProvider", "referencesProvider",         "documentHighlightProvider",
        "documentSymbolProvider", "inlayHintProvider",  "documentFormattingProvider", NULL};
    cJSON *json = cJSON_CreateObject(), *sync = cJSON_AddObjectToObject(json, "textDocumentSync");
    cJSON_AddStringToObject(json, "positionEncoding", server->utf8 ? "utf-8" : "utf-16");
    cJSON_AddTrueToObject(sync, "openClose");
    cJSON_AddNumberToObject(sync, "change", 2);
    cJSON_AddFalseToObject(cJSON_AddObjectToObject(sync, "save"), "includeText");
    for (const char *const *name = plain; *name; name++) cJSON_AddTrueToObject(json, *name);
    cJSON_AddTrueToObject(cJSON_AddObjectToObject(json, "renameProvider"), "prepareProvider");
    add_options(json, "completionProvider", "triggerCharacters", (const char *const[]){".", NULL});
    add_options(json, "signatureHelpProvider", "triggerCharacters", (const char *const[]){"(", ",", NULL});
    return json;
}

static cJSON *initialize(Server *server, const cJSON *params, const char **problem) {
    (void)problem;
    const cJSON *related = at_path(params, (const char *const[]){"capabilities", "textDocument", "publishDiagnostics",
                                                                 "relatedInformation", NULL});
    const cJSON *encodings = at_path(params,
                                     (const char *const[]){"capabilities", "general", "positionEncodings", NULL});
    const cJSON *encoding;
    server->related = cJSON_IsTrue(related);
    cJSON_ArrayForEach(encoding, encodings)
        server->utf8 |= cJSON_IsString(encoding) && strcmp(encoding->valuestring, "utf-8") == 0;
    server->running = true;
    cJSON *result = cJSON_CreateObject(), *info;
    cJSON_AddItemToObject(result, "capabilities", capabilities(server));
    info = cJSON_AddObjectToObject(result, "serverInfo");
    cJSON_AddStringToObject(info, "name", "sgdc");
    cJSON_AddStringToObject(info, "version", server->version);
    return result;
}

static cJSON *shut_down(Server *server, const cJSON *params, const char **problem) {
    (void)params;
    (void)problem;
    server->shut = true;
    return NULL;
}

/* ---- documents ----------------------------------------------------------------------------------- */
static const char *string_of(const cJSON *json, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static void give_up(Server *server, OpenDocument *document, const char *why) {
    show_error(server, text_format(server->scratch, "sgdc no longer follows %s: %s", document->uri, why));
    publish_nothing(server, document->uri);
    document_close(server, document);
}

static void take_version(OpenDocument *document, const cJSON *item) {
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(item, "version");
    document->has_version = cJSON_IsNumber(version) && version->valuedouble >= -2147483648.0 &&
                            version->valuedouble <= 2147483647.0;
    if (document->has_version) document->version = (int64_t)version->valuedouble;
}

static void open_document(Server *server, const cJSON *params) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(params, "textDocument");
    const char *uri = string_of(item, "uri"), *text = string_of(item, "text");
    if (!uri || !text || strlen(text) > MOST_DOCUMENT) return;
    document_open(server, uri, text);
    take_version(document_find(server, uri), item);
}

/* False: it cannot be understood. */
static bool take_change(Server *server, OpenDocument *document, const cJSON *change) {
    const char *text = string_of(change, "text");
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(change, "range");
    LinePosition begin, end;
    if (!text) return false;
    if (!range) {
        document_edit(server, document, 0, document->lines.length, text);
    } else {
        if (!position_from(cJSON_GetObjectItemCaseSensitive(range, "start"), &begin) ||
            !position_from(cJSON_GetObjectItemCaseSensitive(range, "end"), &end))
            return false;
        document_edit(server, document, lines_offset(&document->lines, begin, server->utf8),
                      lines_offset(&document->lines, end, server->utf8), text);
    }
    return document->lines.length <= MOST_DOCUMENT;
}

static void change_document(Server *server, const cJSON *params) {
    OpenDocument *document = document_asked(server, params);
    const cJSON *changes = cJSON_GetObjectItemCaseSensitive(params, "contentChanges"), *change;
    if (!document) return;
    cJSON_ArrayForEach(change, changes) if (!take_change(server, document, change)) {
        give_up(server, document, "a change of it cannot be understood, or it is too large");
        return;
    }
    take_version(document, cJSON_GetObjectItemCaseSensitive(params, "textDocument"));
}

static void close_document(Server *server, const cJSON *params) {
    OpenDocument *document = document_asked(server, params);
    if (!document) return;
    publish_nothing(server, document->uri);
    document_close(server, document);
}

static void files_changed(Server *server, const cJSON *params) {
    const cJSON *change;
    cJSON_ArrayForEach(change, cJSON_GetObjectItemCaseSensitive(params, "changes")) {
        const char *uri = string_of(change, "uri");
        char *path = uri ? path_of_uri(uri) : NULL;
        if (path) documents_including_changed(server, path);
        free(path);
    }
}

static void document_saved(Server *server, const cJSON *params) {
    OpenDocument *document = document_asked(server, params);
    if (document) documents_including_changed(server, document->path);
}

static void leave(Server *server, const cJSON *params) {
    (void)params;
    server->over = true;
}

static void pass(Server *server, const cJSON *params) {
    (void)server;
    (void)params;
}

/* ---- methods ------------------------------------------------------------------------------------- */
typedef struct RequestRow {
    const char *name;
    Method *run;
} RequestRow;
static const RequestRow requests[] = {
    {"initialize", initialize},
    {"shutdown", shut_down},
    {"textDocument/hover", hover},
    {"textDocument/completion", completion},
    {"textDocument/signatureHelp", signature_help},
    {"textDocument/definition", definition},
    {"textDocument/references", references},
    {"textDocument/documentHighlight", document_highlight},
    {"textDocument/documentSymbol", document_symbol},
    {"textDocument/prepareRename", prepare_rename},
    {"textDocument/rename", rename_symbol},
    {"textDocument/inlayHint", inlay_hint},
    {"textDocument/formatting", formatting},
    {"textDocument/codeAction", code_action},
};
typedef struct NotificationRow {
    const char *name;
    void (*run)(Server *server, const cJSON *params);
} NotificationRow;
static const NotificationRow notifications[] = {
    {"initialized", pass},
    {"exit", leave},
    {"textDocument/didOpen", open_document},
    {"textDocument/didChange", change_document},
    {"textDocument/didClose", close_document},
    {"textDocument/didSave", document_saved},
    {"workspace/didChangeWatchedFiles", files_changed},
};
enum {
    REQUEST_COUNT = sizeof requests / sizeof *requests,
    NOTIFICATION_COUNT = sizeof notifications / sizeof *notifications
};

static void take_request(Server *server, const cJSON *id, const char *method, const cJSON *params) {
    bool initializes = strcmp(method, "initialize") == 0;
    const char *problem = NULL;
    int at = 0;
    while (at < REQUEST_COUNT && strcmp(requests[at].name, method) != 0) at++;
    if (!server->running && !initializes) {
        message_refuse(server, id, ERROR_NOT_INITIALIZED, "the server waits for initialize");
    } else if (server->shut || (server->running && initializes)) {
        message_refuse(server, id, ERROR_INVALID_REQUEST,
                       server->shut ? "the server was shut down" : "initialize was sent already");
    } else if (at == REQUEST_COUNT) {
        message_refuse(server, id, ERROR_NO_METHOD, text_format(server->scratch, "there is no method %s", method));
    } else if (params && !cJSON_IsObject(params) && !cJSON_IsNull(params)) {
        message_refuse(server, id, ERROR_INVALID_PARAMS, "params is no object");
    } else {
        cJSON *result = requests[at].run(server, params, &problem);
        if (problem)
            message_refuse(server, id, ERROR_FAILED, problem);
        else
            message_answer(server, id, result);
    }
}

static void take_notification(Server *server, const char *method, const cJSON *params) {
    bool may = (server->running && !server->shut) || strcmp(method, "exit") == 0;
    for (int i = 0; may && i < NOTIFICATION_COUNT; i++)
        if (strcmp(notifications[i].name, method) == 0) notifications[i].run(server, params);
}

static void take_message(Server *server, const cJSON *message) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "id");
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
    const char *method = string_of(message, "method");
    bool valid_id = cJSON_IsString(id) || cJSON_IsNumber(id);
    if (!cJSON_IsObject(message) || (id && !valid_id && !cJSON_IsNull(id)))
        message_refuse(server, NULL, ERROR_INVALID_REQUEST, "this is no message of the protocol");
    else if (method && valid_id)
        take_request(server, id, method, params);
    else if (method && !id)
        take_notification(server, method, params);
    else if (method || !valid_id)
        message_refuse(server, NULL, ERROR_INVALID_REQUEST, "a message has a method, and a request an id");
    /* else: an answer to a request, and we send none */
}

/* False at the end of input. */
static bool take_next(Server *server) {
    char *body;
    size_t length;
    ChannelReading reading = channel_read(&server->channel, &body, &length);
    if (reading == READING_END) return false;
    if (reading == READING_REFUSED) {
        message_refuse(server, NULL, ERROR_INVALID_REQUEST, "the message is too large");
        return true;
    }
    cJSON *message = cJSON_ParseWithLengthOpts(body, length + 1, NULL, true);
    free(body);
    if (message)
        take_message(server, message);
    else
        message_refuse(server, NULL, ERROR_PARSE, "this is no JSON");
    cJSON_Delete(message);
    return true;
}

static void publish_all(Server *server) {
    for (OpenDocument *d = server->documents; d; d = d->next)
        if (!d->published) publish(server, d);
}

int lsp_serve(int in, int out, const char *version) {
    Server server = {.channel = {.in = in, .out = out}, .version = version};
    server.empty = analysis_of("", "", 0, NULL, NULL);
    bool open = true;
    while (open && !server.over && !server.channel.broken) {
        server.scratch = arena_new();
        open = take_next(&server);
        if (!channel_is_waiting(&server.channel)) publish_all(&server);
        arena_free(server.scratch);
    }
    while (server.documents) document_close(&server, server.documents);
    analysis_free(server.empty);
    free(server.channel.bytes);
    return server.over && server.shut ? 0 : 1;
}
