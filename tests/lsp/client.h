/* A client of sgdc lsp for tests: starts it, sends messages, waits for answers.
 *
 *   client.c       the process and its messages
 *   session.c      plays sessions (*.session) and compares what comes back
 *   storm.c        broken messages, broken programs, many edits
 *   same.c         diagnostics of all programs are those of sgdc --check
 */
#ifndef SGDC_TEST_CLIENT_H
#define SGDC_TEST_CLIENT_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct Client {
    pid_t pid;
    int in, out; /* ours: to its stdin, from its stdout */
    int next_id;
    cJSON *published; /* uri: the last publishDiagnostics of it */
} Client;
void client_start(Client *client, const char *sgdc);
void client_send_bytes(Client *client, const char *bytes, size_t length);
void client_send(Client *client, cJSON *message); /* takes it */
void client_notify(Client *client, const char *method, cJSON *params);
/* The whole answer: with result or error. Ends the test where none comes. */
cJSON *client_request(Client *client, const char *method, cJSON *params);
/* The next message that is no publication; diagnostics are kept in published. */
cJSON *client_read(Client *client);
void client_initialize(Client *client, bool utf8);
/* Until diagnostics of this version are published, and all that come with them. */
void client_settle(Client *client, const char *uri, int version);
int client_end(Client *client, bool shut_down); /* its exit status */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#endif
