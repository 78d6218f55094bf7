#include "client.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("FAILED: ", stdout);
    vprintf(format, arguments);
    putchar('\n');
    exit(1);
}

void client_start(Client *client, const char *sgdc) {
    int to[2], from[2];
    signal(SIGPIPE, SIG_IGN);
    if (pipe(to) || pipe(from)) fail("no pipes");
    *client = (Client){.in = to[1], .out = from[0], .next_id = 1, .published = cJSON_CreateObject()};
    client->pid = fork();
    if (client->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        execl(sgdc, sgdc, "lsp", (char *)NULL);
        _exit(127);
    }
    close(to[0]), close(from[1]);
}

void client_send_bytes(Client *client, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t count = write(client->in, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("the server no longer reads");
        bytes += count;
        length -= (size_t)count;
    }
}

void client_send(Client *client, cJSON *message) {
    char *text = cJSON_PrintUnformatted(message), header[64];
    int count = snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", strlen(text));
    client_send_bytes(client, header, (size_t)count);
    client_send_bytes(client, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(message);
}

static cJSON *message_of(const char *method, cJSON *params) {
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    cJSON_AddStringToObject(message, "method", method);
    if (params) cJSON_AddItemToObject(message, "params", params);
    return message;
}

void client_notify(Client *client, const char *method, cJSON *params) {
    client_send(client, message_of(method, params));
}

/* One byte at a time: a test client has time, and no state. */
static void read_bytes(Client *client, char *to, size_t length) {
    while (length > 0) {
        struct pollfd out = {.fd = client->out, .events = POLLIN};
        if (poll(&out, 1, 30000) == 0) fail("the server does not answer");
        ssize_t count = read(client->out, to, length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            int status;
            waitpid(client->pid, &status, 0);
            fail("the server has ended (%d)", status);
        }
        to += count;
        length -= (size_t)count;
    }
}

static cJSON *read_message(Client *client) {
    char header[256];
    size_t at = 0;
    do {
        if (at == sizeof header - 1) fail("a header without an end");
        read_bytes(client, header + at, 1);
        header[++at] = 0;
    } while (at < 4 || strcmp(header + at - 4, "\r\n\r\n") != 0);
    size_t length;
    if (sscanf(header, "Content-Length: %zu", &length) != 1) fail("a header without a length: %s", header);
    char *body = malloc(length + 1);
    read_bytes(client, body, length);
    body[length] = 0;
    cJSON *message = cJSON_Parse(body);
    if (!message) fail("an answer is no JSON: %s", body);
    free(body);
    return message;
}

/* NULL: it was a publication. */
static cJSON *take_message(Client *client) {
    cJSON *message = read_message(client);
    const char *method = cJSON_GetStringValue(cJSON_GetObjectItem(message, "method"));
    if (!method || strcmp(method, "textDocument/publishDiagnostics") != 0) return message;
    cJSON *params = cJSON_DetachItemFromObject(message, "params");
    const char *uri = cJSON_GetStringValue(cJSON_GetObjectItem(params, "uri"));
    cJSON_DeleteItemFromObjectCaseSensitive(client->published, uri);
    cJSON_AddItemToObject(client->published, uri, params);
    cJSON_Delete(message);
    return NULL;
}

cJSON *client_read(Client *client) {
    cJSON *message;
    do message = take_message(client);
    while (!message);
    return message;
}

cJSON *client_request(Client *client, const char *method, cJSON *params) {
    cJSON *message = message_of(method, params);
    int id = client->next_id++;
    cJSON_AddNumberToObject(message, "id", id);
    client_send(client, message);
    for (;;) {
        cJSON *answer = client_read(client), *its = cJSON_GetObjectItem(answer, "id");
        if (cJSON_IsNumber(its) && its->valuedouble == id) return answer;
        cJSON_Delete(answer); /* a message that is shown, an answer to what was broken */
    }
}

void client_initialize(Client *client, bool utf8) {
    cJSON *params = cJSON_Parse("{\"processId\":null,\"rootUri\":null,\"capabilities\":{\"textDocument\":"
                                "{\"publishDiagnostics\":{\"relatedInformation\":true}},\"general\":{}}}");
    if (utf8) {
        cJSON *general = cJSON_GetObjectItem(cJSON_GetObjectItem(params, "capabilities"), "general");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(general, "positionEncodings"), cJSON_CreateString("utf-8"));
    }
    cJSON_Delete(client_request(client, "initialize", params));
    client_notify(client, "initialized", cJSON_CreateObject());
}

void client_settle(Client *client, const char *uri, int version) {
    for (;;) {
        const cJSON *published = cJSON_GetObjectItemCaseSensitive(client->published, uri);
        const cJSON *its = cJSON_GetObjectItem(published, "version");
        if (cJSON_IsNumber(its) && its->valuedouble == version) break;
        cJSON_Delete(take_message(client));
    }
    cJSON_Delete(client_request(client, "test/nothing", NULL));
}

int client_end(Client *client, bool shut_down) {
    int status;
    if (shut_down) cJSON_Delete(client_request(client, "shutdown", NULL));
    client_notify(client, "exit", NULL);
    close(client->in);
    waitpid(client->pid, &status, 0);
    close(client->out);
    cJSON_Delete(client->published);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
