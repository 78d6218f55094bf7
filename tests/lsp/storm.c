/* A storm on sgdc lsp: broken messages, random edits of real programs with questions in between, a thousand edits whose
 * memory is looked at. After each the server answers as before, and it ends with 0. Arguments: SGDC SOURCE_FOLDER.
 * SGDC_EDITS: edits of each program instead of 12. What is random is the same in every run.
 */
#include "client.h"
#include <glob.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t state = 42;
static uint32_t random_below(uint32_t count) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return count ? (uint32_t)(state >> 33) % count : 0;
}

static cJSON *params_of(const char *uri) {
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(cJSON_AddObjectToObject(params, "textDocument"), "uri", uri);
    return params;
}

static void add_position(cJSON *to, const char *name, double line, double character) {
    cJSON *position = cJSON_AddObjectToObject(to, name);
    cJSON_AddNumberToObject(position, "line", line);
    cJSON_AddNumberToObject(position, "character", character);
}

static void open_text(Client *client, const char *uri, const char *text, int version) {
    cJSON *params = params_of(uri), *document = cJSON_GetObjectItem(params, "textDocument");
    cJSON_AddStringToObject(document, "languageId", "sgd");
    cJSON_AddNumberToObject(document, "version", version);
    cJSON_AddStringToObject(document, "text", text);
    client_notify(client, "textDocument/didOpen", params);
}

static void edit(Client *client, const char *uri, int version, double line, double from, double last, double to,
                 const char *text) {
    cJSON *params = params_of(uri), *change = cJSON_CreateObject(), *range = cJSON_AddObjectToObject(change, "range");
    cJSON_AddNumberToObject(cJSON_GetObjectItem(params, "textDocument"), "version", version);
    add_position(range, "start", line, from);
    add_position(range, "end", last, to);
    cJSON_AddStringToObject(change, "text", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(params, "contentChanges"), change);
    client_notify(client, "textDocument/didChange", params);
}

/* ---- broken messages ------------------------------------------------------------------------------- */
static void send_body(Client *client, const char *body, long wrong) {
    char header[64];
    int count = snprintf(header, sizeof header, "Content-Length: %ld\r\n\r\n", (long)strlen(body) + wrong);
    client_send_bytes(client, header, (size_t)count);
    client_send_bytes(client, body, strlen(body));
}

static void expect_error(Client *client, const char *body, int code) {
    send_body(client, body, 0);
    cJSON *answer = client_read(client), *error = cJSON_GetObjectItem(answer, "error");
    int got = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(error, "code"));
    if (!error || got != code) fail("%.60s: error %d, not %d", body, got, code);
    cJSON_Delete(answer);
}

static void alive(Client *client) {
    cJSON *answer = client_request(client, "test/nothing", NULL);
    int code = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "error"), "code"));
    if (code != -32601) fail("an unknown method gives %d", code);
    cJSON_Delete(answer);
}

static void deep_json(Client *client) {
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = 0;
    expect_error(client, deep, -32700);
    free(deep);
}

static void broken_messages(const char *sgdc) {
    static const char *const odd[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/"
        "didOpen\",\"params\":{\"textDocument\":{\"uri\":7,\"text\":[]}}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":[1,2]}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didClose\",\"params\":{\"textDocument\":{\"uri\":\"file:///"
        "no\"}}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/setTrace\",\"params\":null}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"workspace/"
        "didChangeWatchedFiles\",\"params\":{\"changes\":[{},3,{\"uri\":4}]}}",
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":null}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"exit\",\"id\":[]}",
    };
    Client client;
    client_start(&client, sgdc);
    expect_error(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"textDocument/hover\",\"params\":{}}", -32002);
    client_initialize(&client, false);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) send_body(&client, odd[i], 0);
    cJSON_Delete(client_read(&client)); /* the id that is none */
    expect_error(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", -32600);
    expect_error(&client, "", -32700);
    expect_error(&client, "{", -32700);
    expect_error(&client, "[]", -32600);
    expect_error(&client, "7", -32600);
    expect_error(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"textDocument/hover\",\"params\":[]}", -32602);
    deep_json(&client);
    client_send_bytes(&client, "rubbish\r\nmore: rubbish\n\n", 24);
    send_body(&client, "{\"jsonrpc\":\"2.0\"}", -5); /* too short: what is left is passed over */
    alive(&client);
    send_body(&client, "{\"jsonrpc\":\"2.0\"}", 7); /* too long: it takes the head of the next message */
    client_send_bytes(&client, "       ", 7);
    alive(&client);
    client_send_bytes(&client, "Content-Length: 99999999999999999999\r\n", 38);
    client_send_bytes(&client, "Content-Length: 2\r\n\r\n{}", 23);
    cJSON_Delete(client_read(&client));
    alive(&client);
    if (client_end(&client, false) != 1) fail("exit without shutdown is no 1");
    client_start(&client, sgdc);
    client_initialize(&client, true);
    cJSON_Delete(client_request(&client, "shutdown", NULL));
    expect_error(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"textDocument/hover\",\"params\":{}}", -32600);
    if (client_end(&client, false) != 0) fail("exit after shutdown is no 0");
}

/* ---- broken programs ------------------------------------------------------------------------------- */
static void ask_anything(Client *client, const char *uri, uint32_t lines) {
    static const char *const methods[] = {
        "hover",         "completion", "definition", "references", "documentHighlight", "documentSymbol",
        "prepareRename", "rename",     "inlayHint",  "codeAction", "signatureHelp"};
    static const char *const names[] = {"x", "weights", "model", "1", "", "relu"};
    char method[64];
    cJSON *params = params_of(uri);
    double line = random_below(20) ? random_below(lines + 2) : -1e300;
    add_position(params, "position", line, random_below(20) ? random_below(60) : 1e300);
    cJSON *range = cJSON_AddObjectToObject(params, "range");
    add_position(range, "start", line, random_below(60));
    add_position(range, "end", line + random_below(3), random_below(60));
    cJSON_AddStringToObject(params, "newName", names[random_below(sizeof names / sizeof *names)]);
    snprintf(method, sizeof method, "textDocument/%s", methods[random_below(sizeof methods / sizeof *methods)]);
    cJSON_Delete(client_request(client, method, params));
}

static void edit_anything(Client *client, const char *uri, int version, uint32_t lines) {
    static const char *const pieces[] = {"",
                                         "",
                                         "(",
                                         ")",
                                         "{",
                                         "}",
                                         "\n",
                                         "\"",
                                         "= ",
                                         ": f32[",
                                         "##",
                                         "each",
                                         "x",
                                         "param ",
                                         "model m",
                                         "repeat ",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x98\x80",
                                         "sum(y[i] for i)",
                                         "\xff",
                                         "0",
                                         ",",
                                         "\r",
                                         "@"};
    double line = random_below(lines), last = line + (random_below(4) ? 0 : random_below(3));
    double from = random_below(40), to = last > line ? random_below(20) : from + random_below(6);
    edit(client, uri, version, line, from, last, to, pieces[random_below(sizeof pieces / sizeof *pieces)]);
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (!file || !text) fail("%s cannot be read", path);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = 0;
    fclose(file);
    return text;
}

static void broken_program(Client *client, const char *path, int edits) {
    char *text = read_file(path), uri[PATH_MAX + 128];
    uint32_t lines = 1;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    snprintf(uri, sizeof uri, "file://%s", path);
    open_text(client, uri, text, 1);
    for (int i = 0; i < edits; i++) {
        if (i % 4 == 3) { /* from the whole text again, cut off somewhere */
            char *half = strdup(text);
            half[random_below((uint32_t)strlen(text) + 1)] = 0;
            open_text(client, uri, half, i);
            free(half);
        } else if (i % 8 == 4) {
            open_text(client, uri, text, i);
        }
        edit_anything(client, uri, i, lines);
        ask_anything(client, uri, lines);
        ask_anything(client, uri, lines);
    }
    client_notify(client, "textDocument/didClose", params_of(uri));
    client_notify(client, "textDocument/didClose", params_of(uri));
    free(text);
}

static void broken_programs(const char *sgdc, const char *sources) {
    static const char *const patterns[] = {"examples/*.sgd", "tests/golden/*.sgd", "std/*.sgd"};
    const char *said = getenv("SGDC_EDITS");
    int edits = said ? atoi(said) : 12;
    Client client;
    client_start(&client, sgdc);
    client_initialize(&client, false);
    for (int p = 0; p < 3; p++) {
        char pattern[PATH_MAX + 64];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", sources, patterns[p]);
        if (glob(pattern, 0, NULL, &found)) fail("no programs in %s", pattern);
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (said || i % 4 == 0 || p == 0) broken_program(&client, found.gl_pathv[i], edits);
        globfree(&found);
    }
    alive(&client);
    if (client_end(&client, true) != 0) fail("the server ended with an error");
}

/* ---- memory -------------------------------------------------------------------------------------------- */
static long pages_of(const Client *client) {
    char path[64];
    long all, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)client->pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%ld %ld", &all, &resident) != 2) fail("no %s", path);
    fclose(file);
    return resident;
}

static void many_edits(const char *sgdc, const char *sources) {
    char path[PATH_MAX + 64], *text;
    long early = 0, late;
    snprintf(path, sizeof path, "%s/examples/lenet.sgd", sources);
    text = read_file(path);
    Client client;
    client_start(&client, sgdc);
    client_initialize(&client, false);
    open_text(&client, "file:///memory.sgd", text, 0);
    for (int i = 1; i <= 1000; i++) {
        edit(&client, "file:///memory.sgd", i, 0, 0, 0, i % 2 ? 0 : 1, i % 2 ? (i % 4 == 1 ? "#" : "(") : "");
        client_settle(&client, "file:///memory.sgd", i);
        if (i == 200) early = pages_of(&client);
    }
    late = pages_of(&client);
#ifdef __SANITIZE_ADDRESS__
    (void)early, (void)late;
    printf("memory is not compared: the sanitizer keeps what is freed\n");
#else
    if (late > early + early / 10 + 256) fail("memory grew from %ld to %ld pages in 800 edits", early, late);
#endif
    if (client_end(&client, true) != 0) fail("the server ended with an error");
    free(text);
}

int main(int argc, char **argv) {
    char sources[PATH_MAX];
    if (argc != 3 || !realpath(argv[2], sources)) fail("usage: storm SGDC SOURCE_FOLDER");
    broken_messages(argv[1]);
    many_edits(argv[1], sources);
    broken_programs(argv[1], sources);
    return 0;
}
