/* message: what goes to the client: answers, refusals, notifications. */
#include "lsp/lsp.h"

/* How many bytes the UTF-8 character there has; 0: it is none. */
static int utf8_length(const unsigned char *at) {
    int length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90);
    return overlong || beyond ? 0 : length;
}

/* Messages quote files, and files may hold any byte. */
static void make_valid(char *text) {
    for (int length; *text; text += length) {
        length = utf8_length((const unsigned char *)text);
        if (length == 0) *text = '?', length = 1;
    }
}

static void send(Server *server, cJSON *message) {
    char *text = cJSON_PrintUnformatted(message);
    if (!text) out_of_memory(0);
    make_valid(text);
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
