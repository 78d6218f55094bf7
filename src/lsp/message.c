/* message: what goes to the client: answers, refusals, notifications. */
#include "lsp/lsp.h"

static void send(Server *server, cJSON *message) {
    char *text = cJSON_PrintUnformatted(message);
    if (!text) out_of_memory(0);
    channel_write(&server->channel, text);
    cJSON_free(text);
    cJSON_Delete(message);
}

static cJSON *envelope(void) {
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    return message;
}

void message_notify(Server *server, const char *method, cJSON *params) {
    cJSON *message = envelope();
    cJSON_AddStringToObject(message, "method", method);
    cJSON_AddItemToObject(message, "params", params);
    send(server, message);
}

void message_answer(Server *server, const cJSON *id, cJSON *result) {
    cJSON *message = envelope();
    cJSON_AddItemToObject(message, "id", cJSON_Duplicate(id, false));
    cJSON_AddItemToObject(message, "result", result ? result : cJSON_CreateNull());
    send(server, message);
}

void message_refuse(Server *server, const cJSON *id, int code, const char *text) {
    cJSON *message = envelope(), *error = cJSON_CreateObject();
    cJSON_AddItemToObject(message, "id", id ? cJSON_Duplicate(id, false) : cJSON_CreateNull());
    cJSON_AddNumberToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", text);
    cJSON_AddItemToObject(message, "error", error);
    send(server, message);
}
