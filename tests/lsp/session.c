/* Plays a session and compares. Arguments: SGDC SESSION FOLDER [--renew]. FOLDER is an empty one, where its files lie.
 *
 * A line of a session is a command, `|` and a line of the text that the command above takes, `>` and a line of what it
 * answers, or a comment `#`. `$` is the cursor: `hover a.sgd $h = dense` asks where the first `h = dense` begins. Places
 * are shown as LINE:CHARACTER from 1, characters in UTF-16 (or bytes, after `start utf8`). --renew writes the answers.
 *
 *   start [utf8]                       a server, which is the first command; without it: as UTF-16
 *   file NAME                          a file on disk
 *   open NAME, replace NAME, close NAME, change NAME OLD => NEW        \n is a newline there
 *   diagnostics NAME                   severity, code, place, message; related information below
 *   hover, definition, highlight, signature, prepare NAME PLACE
 *   references NAME PLACE, rename NEW NAME PLACE, actions NAME PLACE
 *   completion NAME PLACE ?? WORD ...  what is said of each of the words
 *   symbols NAME, hints NAME, format NAME
 *   raw JSON                           a message as it is, and its answer
 */
#define _GNU_SOURCE
#include "client.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Buffer {
    char *bytes;
    size_t length;
} Buffer;
typedef struct Text {
    char name[64], *text;
    int version;
} Text;
static struct Session {
    Client client;
    bool started, utf8;
    const char *sgdc;
    char folder[4096];
    Text texts[16];
    int count;
    Buffer said; /* by the command at hand */
} S;

__attribute__((format(printf, 2, 3))) static void add(Buffer *to, const char *format, ...) {
    char *more;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&more, format, arguments);
    va_end(arguments);
    to->bytes = realloc(to->bytes, to->length + (size_t)length + 1);
    memcpy(to->bytes + to->length, more, (size_t)length + 1);
    to->length += (size_t)length;
    free(more);
}

/* ---- documents -------------------------------------------------------------------------------- */
static Text *text_of(const char *name) {
    for (int i = 0; i < S.count; i++)
        if (strcmp(S.texts[i].name, name) == 0) return &S.texts[i];
    if (S.count == 16) fail("too many documents");
    Text *text = &S.texts[S.count++];
    snprintf(text->name, sizeof text->name, "%s", name);
    text->text = strdup("");
    return text;
}

static char *uri_of(const char *name) {
    char *uri;
    if (asprintf(&uri, "file://%s/%s", S.folder, name) < 0) fail("no memory");
    return uri;
}

/* Line and character of a place of the text, counted here once more. */
static void count_to(const char *text, size_t offset, int *line, int *character) {
    *line = *character = 0;
    for (size_t i = 0; i < offset; i++) {
        unsigned char c = (unsigned char)text[i];
        bool more = (c & 0xc0) == 0x80;
        if (c == '\n')
            ++*line, *character = 0;
        else if (S.utf8)
            ++*character;
        else
            *character += more ? 0 : c >= 0xf0 ? 2 : 1;
    }
}

static cJSON *position_json(const char *text, size_t offset) {
    int line, character;
    cJSON *json = cJSON_CreateObject();
    count_to(text, offset, &line, &character);
    cJSON_AddNumberToObject(json, "line", line);
    cJSON_AddNumberToObject(json, "character", character);
    return json;
}

static cJSON *params_of(const char *name) {
    cJSON *params = cJSON_CreateObject(), *document = cJSON_AddObjectToObject(params, "textDocument");
    char *uri = uri_of(name);
    cJSON_AddStringToObject(document, "uri", uri);
    free(uri);
    return params;
}

/* The place is a text with `$` where the cursor is. */
static cJSON *params_at(const char *name, const char *place) {
    const char *cursor = strchr(place, '$'), *text = text_of(name)->text;
    char sought[512];
    if (!cursor) fail("no $ in the place %s", place);
    size_t before = (size_t)(cursor - place);
    snprintf(sought, sizeof sought, "%.*s%s", (int)before, place, cursor + 1);
    const char *found = strstr(text, sought);
    if (!found) fail("%s has no text %s", name, sought);
    cJSON *params = params_of(name);
    cJSON_AddItemToObject(params, "position", position_json(text, (size_t)(found - text) + before));
    return params;
}

static void set_text(Text *text, char *bytes) {
    free(text->text);
    text->text = bytes;
}

static void send_change(Text *text, cJSON *change) {
    cJSON *params = params_of(text->name), *document = cJSON_GetObjectItem(params, "textDocument");
    cJSON_AddNumberToObject(document, "version", ++text->version);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(params, "contentChanges"), change);
    client_notify(&S.client, "textDocument/didChange", params);
}

static void open_text(Text *text, const char *bytes) {
    cJSON *params = params_of(text->name), *document = cJSON_GetObjectItem(params, "textDocument");
    set_text(text, strdup(bytes));
    cJSON_AddStringToObject(document, "languageId", "sgd");
    cJSON_AddNumberToObject(document, "version", text->version = 1);
    cJSON_AddStringToObject(document, "text", bytes);
    client_notify(&S.client, "textDocument/didOpen", params);
}

static void replace_text(Text *text, const char *bytes) {
    cJSON *change = cJSON_CreateObject();
    set_text(text, strdup(bytes));
    cJSON_AddStringToObject(change, "text", bytes);
    send_change(text, change);
}

static void close_text(Text *text) {
    text->version = 0;
    client_notify(&S.client, "textDocument/didClose", params_of(text->name));
}

static void unescape(char *text) {
    for (char *from = text, *to = text;; from++) {
        bool newline = from[0] == '\\' && from[1] == 'n';
        *to++ = newline ? '\n' : *from;
        from += newline;
        if (!*from) break;
    }
}

/* OLD => NEW */
static void change_text(Text *text, char *what) {
    char *arrow = strstr(what, " =>"), *added = NULL;
    if (!arrow) fail("change needs OLD => NEW, not %s", what);
    *arrow = 0;
    added = arrow + 3 + (arrow[3] == ' ');
    unescape(what);
    unescape(added);
    char *found = strstr(text->text, what), *changed;
    if (!found) fail("%s has no text %s", text->name, what);
    size_t at = (size_t)(found - text->text), length = strlen(what);
    cJSON *change = cJSON_CreateObject(), *range = cJSON_AddObjectToObject(change, "range");
    cJSON_AddItemToObject(range, "start", position_json(text->text, at));
    cJSON_AddItemToObject(range, "end", position_json(text->text, at + length));
    cJSON_AddStringToObject(change, "text", added);
    if (asprintf(&changed, "%.*s%s%s", (int)at, text->text, added, found + length) < 0) fail("no memory");
    set_text(text, changed);
    send_change(text, change);
}

/* ---- what came back ---------------------------------------------------------------------------- */
static int number(const cJSON *json, const char *key) {
    return (int)cJSON_GetNumberValue(cJSON_GetObjectItem(json, key));
}

static const char *string(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
    return text ? text : "";
}

static void show_range(const cJSON *range) {
    const cJSON *begin = cJSON_GetObjectItem(range, "start"), *end = cJSON_GetObjectItem(range, "end");
    add(&S.said, "%d:%d-%d:%d", number(begin, "line") + 1, number(begin, "character") + 1, number(end, "line") + 1,
        number(end, "character") + 1);
}

/* The end of a URI alone, as folders differ. */
static const char *short_uri(const char *uri) {
    const char *std = strstr(uri, "/std/"), *slash = strrchr(uri, '/');
    return std ? std + 1 : slash ? slash + 1 : uri;
}

static void show_location(const cJSON *location) {
    add(&S.said, "%s ", short_uri(string(location, "uri")));
    show_range(cJSON_GetObjectItem(location, "range"));
}

static void show_hover(const cJSON *result) {
    const cJSON *range = cJSON_GetObjectItem(result, "range");
    if (range) {
        show_range(range);
        add(&S.said, "\n");
    }
    add(&S.said, "%s\n", string(cJSON_GetObjectItem(result, "contents"), "value"));
}

static void show_diagnostics(const char *name) {
    static const char *const severities[] = {"?", "error", "warning", "information", "hint"};
    char *uri = uri_of(name);
    for (int i = 0; i < S.count; i++) {
        char *other = uri_of(S.texts[i].name);
        if (S.texts[i].version) client_settle(&S.client, other, S.texts[i].version);
        free(other);
    }
    const cJSON *d, *related, *published = cJSON_GetObjectItemCaseSensitive(S.client.published, uri);
    cJSON_ArrayForEach(d, cJSON_GetObjectItem(published, "diagnostics")) {
        add(&S.said, "%s %s ", severities[number(d, "severity") % 5], string(d, "code"));
        show_range(cJSON_GetObjectItem(d, "range"));
        add(&S.said, " %s\n", string(d, "message"));
        if (!*string(cJSON_GetObjectItem(d, "data"), "explanation")) add(&S.said, "  without explanation\n");
        cJSON_ArrayForEach(related, cJSON_GetObjectItem(d, "relatedInformation")) {
            add(&S.said, "  ");
            show_location(cJSON_GetObjectItem(related, "location"));
            add(&S.said, " %s\n", string(related, "message"));
        }
    }
    free(uri);
}

static void show_completion(const cJSON *items, char *words) {
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        const cJSON *item, *found = NULL;
        cJSON_ArrayForEach(item, items) if (strncmp(string(item, "label"), word, strlen(word)) == 0 &&
                                            strspn(string(item, "label") + strlen(word), " =") ==
                                                strlen(string(item, "label") + strlen(word))) found = item;
        const char *doc = string(cJSON_GetObjectItem(found, "documentation"), "value");
        if (found)
            add(&S.said, "%s | %s | %.40s\n", string(found, "label"), string(found, "detail"), doc);
        else
            add(&S.said, "%s is not among them\n", word);
    }
}

static void show_symbols(const cJSON *list, int depth) {
    const cJSON *symbol;
    cJSON_ArrayForEach(symbol, list) {
        add(&S.said, "%*s%s %s ", 2 * depth, "", string(symbol, "name"), string(symbol, "detail"));
        show_range(cJSON_GetObjectItem(symbol, "range"));
        add(&S.said, "\n");
        show_symbols(cJSON_GetObjectItem(symbol, "children"), depth + 1);
    }
}

static void show_hints(const cJSON *list) {
    const cJSON *hint;
    cJSON_ArrayForEach(hint, list) {
        const cJSON *at = cJSON_GetObjectItem(hint, "position");
        add(&S.said, "%d:%d%s\n", number(at, "line") + 1, number(at, "character") + 1, string(hint, "label"));
    }
}

static void show_edits(const cJSON *result) {
    const cJSON *edits, *edit;
    cJSON_ArrayForEach(edits, cJSON_GetObjectItem(result, "changes")) cJSON_ArrayForEach(edit, edits) {
        add(&S.said, "%s ", short_uri(edits->string));
        show_range(cJSON_GetObjectItem(edit, "range"));
        add(&S.said, " %s\n", string(edit, "newText"));
    }
}

static void show_actions(const cJSON *list) {
    const cJSON *action;
    cJSON_ArrayForEach(action, list) {
        add(&S.said, "%s\n", string(action, "title"));
        show_edits(cJSON_GetObjectItem(action, "edit"));
    }
}

/* The text after the edits, of which there is one or none. */
static void show_formatted(const cJSON *edits, const char *name) {
    const char *text = cJSON_GetArraySize(edits) ? string(cJSON_GetArrayItem(edits, 0), "newText")
                                                 : text_of(name)->text;
    add(&S.said, "%s", text);
}

static void show_signature(const cJSON *result) {
    const cJSON *signature = cJSON_GetArrayItem(cJSON_GetObjectItem(result, "signatures"), 0);
    add(&S.said, "%s, argument %d\n", string(signature, "label"), number(result, "activeParameter"));
}

static void show_locations(const cJSON *result) {
    const cJSON *item;
    if (!cJSON_IsArray(result)) {
        show_location(result);
        add(&S.said, "\n");
    }
    if (!cJSON_IsArray(result)) result = NULL;
    cJSON_ArrayForEach(item, result) {
        if (cJSON_GetObjectItem(item, "uri"))
            show_location(item);
        else
            show_range(cJSON_GetObjectItem(item, "range"));
        add(&S.said, "\n");
    }
}

/* ---- commands ------------------------------------------------------------------------------------ */
/* The first word of *rest, which moves behind it. */
static char *next_word(char **rest) {
    while (**rest == ' ') ++*rest;
    char *word = *rest;
    *rest += strcspn(word, " ");
    if (**rest) *(*rest)++ = 0;
    return word;
}

static void ask(const char *command, const char *name, char *place) {
    static const struct {
        const char *command, *method;
    } methods[] = {{"hover", "hover"},
                   {"definition", "definition"},
                   {"references", "references"},
                   {"signature", "signatureHelp"},
                   {"prepare", "prepareRename"},
                   {"completion", "completion"},
                   {"highlight", "documentHighlight"},
                   {"symbols", "documentSymbol"},
                   {"hints", "inlayHint"},
                   {"format", "formatting"},
                   {"rename", "rename"},
                   {"actions", "codeAction"}};
    char method[64] = "", *words = strstr(place, " ?? "), *new_name = NULL;
    if (words) *words = 0, words += 4;
    if (strcmp(command, "rename") == 0) new_name = (char *)name, name = next_word(&place);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].command, command) == 0)
            snprintf(method, sizeof method, "textDocument/%s", methods[i].method);
    if (!*method) fail("no command %s", command);
    cJSON *params = *place ? params_at(name, place) : params_of(name);
    if (strcmp(command, "actions") == 0) {
        cJSON *at = cJSON_GetObjectItem(params, "position"), *range = cJSON_AddObjectToObject(params, "range");
        cJSON_AddItemToObject(range, "start", cJSON_Duplicate(at, true));
        cJSON_AddItemToObject(range, "end", cJSON_Duplicate(at, true));
    }
    if (new_name) cJSON_AddStringToObject(params, "newName", new_name);
    if (strcmp(command, "references") == 0)
        cJSON_AddTrueToObject(cJSON_AddObjectToObject(params, "context"), "includeDeclaration");
    cJSON *answer = client_request(&S.client, method, params), *result = cJSON_GetObjectItem(answer, "result");
    const cJSON *error = cJSON_GetObjectItem(answer, "error");
    if (error)
        add(&S.said, "error %d: %s\n", number(error, "code"), string(error, "message"));
    else if (cJSON_IsNull(result))
        add(&S.said, "nothing\n");
    else if (strcmp(command, "hover") == 0)
        show_hover(result);
    else if (strcmp(command, "completion") == 0)
        show_completion(result, words ? words : (char[]){""});
    else if (strcmp(command, "symbols") == 0)
        show_symbols(result, 0);
    else if (strcmp(command, "hints") == 0)
        show_hints(result);
    else if (strcmp(command, "rename") == 0)
        show_edits(result);
    else if (strcmp(command, "actions") == 0)
        show_actions(result);
    else if (strcmp(command, "format") == 0)
        show_formatted(result, name);
    else if (strcmp(command, "signature") == 0)
        show_signature(result);
    else
        show_locations(result);
    cJSON_Delete(answer);
}

static void write_file(const char *name, const char *text) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", S.folder, name);
    FILE *file = fopen(path, "w");
    if (!file) fail("%s cannot be written", path);
    fputs(text, file);
    fclose(file);
}

static void send_raw(const char *json) {
    cJSON *message = cJSON_Parse(json);
    bool answered = !message || cJSON_GetObjectItem(message, "id") || !cJSON_GetObjectItem(message, "method");
    char header[64];
    int count = snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", strlen(json));
    client_send_bytes(&S.client, header, (size_t)count);
    client_send_bytes(&S.client, json, strlen(json));
    if (answered) {
        cJSON *answer = client_read(&S.client);
        const cJSON *error = cJSON_GetObjectItem(answer, "error");
        char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(answer, "result"));
        if (error)
            add(&S.said, "error %d: %s\n", number(error, "code"), string(error, "message"));
        else
            add(&S.said, "%.60s\n", text);
        cJSON_free(text);
        cJSON_Delete(answer);
    }
    cJSON_Delete(message);
}

static void start(bool utf8, bool initialize) {
    S.utf8 = utf8;
    S.started = true;
    client_start(&S.client, S.sgdc);
    if (initialize) client_initialize(&S.client, utf8);
}

static void run(char *line, const char *text) {
    char *rest = line, *command = next_word(&rest);
    if (strcmp(command, "start") == 0) {
        start(strcmp(rest, "utf8") == 0, strcmp(rest, "plain") != 0);
        return;
    }
    if (!S.started) start(false, true);
    if (strcmp(command, "raw") == 0) {
        send_raw(rest);
        return;
    }
    char *name = next_word(&rest);
    if (strcmp(command, "file") == 0)
        write_file(name, text);
    else if (strcmp(command, "open") == 0)
        open_text(text_of(name), text);
    else if (strcmp(command, "replace") == 0)
        replace_text(text_of(name), text);
    else if (strcmp(command, "change") == 0)
        change_text(text_of(name), rest);
    else if (strcmp(command, "close") == 0)
        close_text(text_of(name));
    else if (strcmp(command, "diagnostics") == 0)
        show_diagnostics(name);
    else
        ask(command, name, rest);
}

/* ---- the session ----------------------------------------------------------------------------------- */
static void add_answer(Buffer *to, char *said) {
    size_t folder = strlen(S.folder);
    for (char *at; (at = strstr(said, S.folder));) memmove(at, at + folder + 1, strlen(at + folder + 1) + 1);
    while (*said) {
        size_t length = strcspn(said, "\n");
        add(to, length ? "> %.*s\n" : ">%.*s\n", (int)length, said);
        said += length + (said[length] == '\n');
    }
}

/* What the session would say, with the answers of this server. */
static char *play(FILE *file) {
    Buffer script = {0}, text = {0};
    char *line = NULL, *command = NULL;
    size_t capacity = 0;
    for (bool more = true; more;) {
        more = getline(&line, &capacity, file) >= 0;
        if (more && line[0] == '>') continue;
        if (more && line[0] == '|') {
            add(&script, "%s", line);
            add(&text, "%s", line + 1 + (line[1] == ' '));
            continue;
        }
        if (command) {
            S.said.length = 0;
            add(&S.said, "%s", "");
            run(command, text.bytes ? text.bytes : "");
            add_answer(&script, S.said.bytes);
            free(command);
            command = NULL;
        }
        if (!more) break;
        add(&script, "%s", line);
        line[strcspn(line, "\n")] = 0;
        if (*line && *line != '#') command = strdup(line);
        text.length = 0;
        add(&text, "%s", "");
    }
    free(line);
    free(text.bytes);
    return script.bytes;
}

static char *read_all(FILE *file) {
    Buffer all = {0};
    char *line = NULL;
    size_t capacity = 0;
    add(&all, "%s", "");
    while (getline(&line, &capacity, file) >= 0) add(&all, "%s", line);
    free(line);
    return all.bytes;
}

/* The first line that differs. */
static void compare(const char *wanted, const char *got, const char *path) {
    for (int line = 1; *wanted || *got; line++) {
        size_t a = strcspn(wanted, "\n"), b = strcspn(got, "\n");
        if (a != b || memcmp(wanted, got, a) != 0)
            fail("%s:%d: the session says\n  %.*s\nand the server\n  %.*s", path, line, (int)a, wanted, (int)b, got);
        wanted += a + (wanted[a] == '\n');
        got += b + (got[b] == '\n');
    }
}

int main(int argc, char **argv) {
    if (argc < 4) fail("usage: session SGDC SESSION FOLDER [--renew]");
    S.sgdc = argv[1];
    if (!realpath(argv[3], S.folder)) fail("there is no folder %s", argv[3]);
    setenv("XDG_CACHE_HOME", S.folder, 1);
    FILE *file = fopen(argv[2], "r");
    if (!file) fail("%s cannot be read", argv[2]);
    char *wanted = read_all(file);
    rewind(file);
    char *got = play(file);
    fclose(file);
    if (S.started && client_end(&S.client, true) != 0) fail("the server ended with an error");
    if (argc > 4) {
        file = fopen(argv[2], "w");
        fputs(got, file);
        fclose(file);
    } else {
        compare(wanted, got, argv[2]);
    }
    return 0;
}
