/* An editor is told what the command line says: for every program of the repository the codes and messages that are
 * published are those of sgdc --check. Arguments: SGDC SOURCE_FOLDER.
 * Of the goldens it is every fourth, with SGDC_ALL=1 all of them.
 */
#include "client.h"
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *string(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
    return text ? text : "";
}

/* "E0202 x is not defined": as an array. */
static cJSON *said_by_check(const char *sgdc, const char *path) {
    char command[3 * PATH_MAX], *line = NULL;
    size_t capacity = 0;
    cJSON *all = cJSON_CreateArray();
    snprintf(command, sizeof command, "'%s' '%s' --check --error-format=json 2>&1", sgdc, path);
    FILE *said = popen(command, "r");
    while (getline(&line, &capacity, said) >= 0) {
        cJSON *json = cJSON_Parse(line);
        char text[2048];
        snprintf(text, sizeof text, "%s %s", string(json, "code"), string(json, "message"));
        if (json) cJSON_AddItemToArray(all, cJSON_CreateString(text));
        cJSON_Delete(json);
    }
    pclose(said);
    free(line);
    return all;
}

static cJSON *said_to_editor(Client *client, const char *path) {
    char uri[PATH_MAX + 16], *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "rb");
    if (!file || !text || fread(text, 1, (1 << 20) - 1, file) == 0) fail("%s cannot be read", path);
    fclose(file);
    snprintf(uri, sizeof uri, "file://%s", path);
    cJSON *params = cJSON_CreateObject(), *document = cJSON_AddObjectToObject(params, "textDocument");
    cJSON_AddStringToObject(document, "uri", uri);
    cJSON_AddNumberToObject(document, "version", 1);
    cJSON_AddStringToObject(document, "text", text);
    client_notify(client, "textDocument/didOpen", params);
    client_settle(client, uri, 1);
    cJSON *all = cJSON_CreateArray(), *closed = cJSON_CreateObject();
    const cJSON *d, *published = cJSON_GetObjectItemCaseSensitive(client->published, uri);
    cJSON_ArrayForEach(d, cJSON_GetObjectItem(published, "diagnostics")) {
        snprintf(text, 2048, "%s %s", string(d, "code"), string(d, "message"));
        cJSON_AddItemToArray(all, cJSON_CreateString(text));
    }
    cJSON_AddStringToObject(cJSON_AddObjectToObject(closed, "textDocument"), "uri", uri);
    client_notify(client, "textDocument/didClose", closed);
    free(text);
    return all;
}

static bool has(const cJSON *list, const char *text) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(item->valuestring, text) == 0) return true;
    return false;
}

static void compare(Client *client, const char *sgdc, const char *path) {
    cJSON *check = said_by_check(sgdc, path), *editor = said_to_editor(client, path), *item;
    cJSON_ArrayForEach(item, check) if (!has(editor, item->valuestring))
        fail("%s: the editor is not told: %s", path, item->valuestring);
    cJSON_ArrayForEach(item, editor) if (!has(check, item->valuestring))
        fail("%s: the editor alone is told: %s", path, item->valuestring);
    if (cJSON_GetArraySize(check) != cJSON_GetArraySize(editor)) fail("%s: something is told twice", path);
    cJSON_Delete(check);
    cJSON_Delete(editor);
}

int main(int argc, char **argv) {
    static const char *const patterns[] = {"examples/*.sgd", "tests/golden/*.sgd", "std/*.sgd"};
    char sources[PATH_MAX], pattern[PATH_MAX + 64];
    Client client;
    if (argc != 3 || !realpath(argv[2], sources)) fail("usage: same SGDC SOURCE_FOLDER");
    client_start(&client, argv[1]);
    client_initialize(&client, false);
    for (int p = 0; p < 3; p++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", sources, patterns[p]);
        if (glob(pattern, 0, NULL, &found)) fail("no programs in %s", pattern);
        bool some = p == 1 && !getenv("SGDC_ALL");
        for (size_t i = 0; i < found.gl_pathc; i += some ? 4 : 1) compare(&client, argv[1], found.gl_pathv[i]);
        globfree(&found);
    }
    return client_end(&client, true);
}
