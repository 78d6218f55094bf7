/* rename: another name for what the user has named, everywhere, so that the program means the same.
 *
 * The edits are tried before they are answered: the changed texts are compiled, and every name in them has to mean what it
 * meant before. So a name that would hide another, or be hidden, is refused, and so is one that a path or a string says
 * in a way that is not followed here.
 */
#include "lsp/lsp.h"
#include <stdlib.h>
#include <string.h>

typedef struct Edit {
    const OpenDocument *document; /* NULL: a file that is not open */
    const Source *source;
    uint32_t begin, end; /* in the source's text */
} Edit;
typedef Vector(Edit) EditList;
typedef struct Renaming {
    Server *server;
    AskedPlace spot;
    const Meaning *meaning;
    const char *name; /* the new one */
    EditList edits;   /* in the order of each text */
} Renaming;

/* ---- may it be renamed? ---------------------------------------------------------------------------- */
static const char *refusal(const Server *server, const cJSON *params, Renaming *renaming) {
    if (!spot_of(server, params, &renaming->spot)) return "there is no such document or place";
    const Analysis *a = renaming->spot.analysis;
    if (a != document_now(server, renaming->spot.document) || !a->program)
        return "the program has syntax errors: names can be changed when it can be read";
    if (a->diagnostics->errors) return "the program has errors: names can be changed when it has none";
    const Meaning *meaning = renaming->meaning = meaning_around(a, renaming->spot.at);
    if (!meaning) return "this is no name that can be changed";
    if (meaning->declared.begin == 0)
        return text_format(server->scratch, "%s is built into the language", meaning->name);
    if (!symbol_is_of_user(a, meaning))
        return text_format(server->scratch, "%s belongs to the prelude, not to this program", meaning->name);
    return NULL;
}

cJSON *prepare_rename(Server *server, const cJSON *params, const char **problem) {
    Renaming renaming = {.server = server};
    cJSON *range;
    *problem = refusal(server, params, &renaming);
    if (*problem || !range_of(server, renaming.spot.document, renaming.spot.analysis, renaming.meaning->span, &range))
        return NULL;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddItemToObject(result, "range", range);
    cJSON_AddStringToObject(result, "placeholder", renaming.meaning->name);
    return result;
}

/* Does it read as one name, and as no word of the language? */
static bool is_name(const Server *server, const char *name) {
    const char *text = text_format(server->scratch, "%s = 1\n", name);
    Analysis *a = analysis_of("", text, strlen(text), NULL, NULL);
    const Stmt *stmt = a->ast->statements.count == 1 ? a->ast->statements.items[0] : NULL;
    bool is = a->program && stmt && stmt->kind == STMT_ASSIGN && strcmp(stmt->assign.key.text, name) == 0;
    analysis_free(a);
    return is;
}

/* ---- edits ------------------------------------------------------------------------------------------ */
static void add_edit(const Server *server, const OpenDocument *document, const Analysis *a, const Meaning *meaning,
                     void *context) {
    Renaming *r = context;
    const Source *source = source_place(a->map, meaning->span.begin).source;
    const OpenDocument *open = source == a->source ? document : document_of_path(server, source->path);
    Edit edit = {open, source, meaning->span.begin - source->base, meaning->span.end - source->base};
    int at = r->edits.count;
    for (int i = 0; i < r->edits.count; i++)
        if (r->edits.items[i].begin == edit.begin && same_file(r->edits.items[i].source->path, source->path)) return;
    vector_push(server->scratch, &r->edits, edit);
    for (; at > 0 && r->edits.items[at - 1].begin > edit.begin; at--) r->edits.items[at] = r->edits.items[at - 1];
    r->edits.items[at] = edit;
}

static const char *renamed_text(const Renaming *r, const Source *source) {
    Text text = text_new(r->server->scratch);
    uint32_t at = 0;
    for (int i = 0; i < r->edits.count; i++) {
        const Edit *edit = &r->edits.items[i];
        if (!same_file(edit->source->path, source->path)) continue;
        text_add_bytes(&text, source->text + at, edit->begin - at);
        text_add_bytes(&text, r->name, strlen(r->name));
        at = edit->end;
    }
    text_add_bytes(&text, source->text + at, source->length - at);
    return text.bytes;
}

/* Where a place of a text lies after the edits. */
static uint32_t moved(const Renaming *r, const Source *source, uint32_t at) {
    uint32_t to = at;
    for (int i = 0; i < r->edits.count; i++) {
        const Edit *edit = &r->edits.items[i];
        if (edit->begin < at && same_file(edit->source->path, source->path))
            to += (uint32_t)strlen(r->name) - (edit->end - edit->begin);
    }
    return to;
}

/* ---- does it still mean the same? -------------------------------------------------------------------- */
/* A place that says the name, and nobody knows what it means there, such as the branch of an `if` that is not taken; 0:
 * there is none. Keys and names of arguments are no such places, nor are parts behind a point. */
static int line_not_followed(const Renaming *r, const Analysis *a, const Source *source) {
    SourceMap *map = source_map_new(r->server->scratch);
    Source *copy = source_add(map, source->path, source->text, source->length);
    TokenList tokens = {0};
    size_t length = strlen(r->meaning->name);
    parse_tokens(r->server->scratch, names_new(r->server->scratch), diagnostics_new(r->server->scratch, map), copy,
                 &tokens);
    for (int i = 0; i < tokens.count; i++) {
        Span span = tokens.items[i].span;
        const char *text = copy->text + (span.begin - copy->base), *behind = text + length;
        if (tokens.items[i].is_comment || span.end - span.begin != length ||
            memcmp(text, r->meaning->name, length) != 0)
            continue;
        behind += strspn(behind, " \t");
        bool part = text > copy->text && text[-1] == '.', key = behind[0] == '=' && behind[1] != '=';
        if (!part && !key && !meaning_at(a->meanings, source->base + (span.begin - copy->base)))
            return source_place(map, span.begin).line;
    }
    return 0;
}

/* The same place in the analysis of the changed text; 0: there is none. */
static uint32_t there(const Renaming *r, const Analysis *old, uint32_t begin, const Analysis *renamed) {
    const Source *source = source_place(old->map, begin).source;
    if (!source) return 0;
    for (int i = 0; i < renamed->map->sources.count; i++) {
        const Source *other = renamed->map->sources.items[i];
        if (other->is_prelude == source->is_prelude && strcmp(other->path, source->path) == 0)
            return other->base + (source->is_prelude ? begin - source->base : moved(r, source, begin - source->base));
    }
    return 0;
}

static bool means_the_same(const Renaming *r, const Analysis *old, const Analysis *renamed) {
    if (!renamed->program || old->meanings->items.count != renamed->meanings->items.count) return false;
    for (int i = 0; i < old->meanings->items.count; i++) {
        const Meaning *a = &old->meanings->items.items[i];
        const Meaning *b = meaning_at(renamed->meanings, there(r, old, a->span.begin, renamed));
        if (!b || a->declares != b->declares) return false;
        if (there(r, old, a->declared.begin, renamed) != b->declared.begin) return false;
    }
    return true;
}

static const char *first_new_error(const Renaming *r, const Analysis *renamed) {
    for (const Diagnostic *d = renamed->diagnostics->first; d; d = d->next)
        if (d->severity == SEVERITY_ERROR) return text_format(r->server->scratch, "%s", d->message);
    return NULL;
}

/* Of one document that is touched: why not, or NULL. */
static const char *trial(const Renaming *r, OpenDocument *document, const ReplacedText *replaced, int count) {
    const Analysis *old = document == r->spot.document ? r->spot.analysis : document_best(r->server, document);
    if (!old->program || old != document->now || old->diagnostics->errors)
        return text_format(r->server->scratch, "%s uses the name and has errors", document->path);
    const char *text = renamed_text(r, old->source), *why = NULL;
    for (int i = 0; i < old->map->sources.count; i++) {
        const Source *source = old->map->sources.items[i];
        int line = source->is_prelude ? 0 : line_not_followed(r, old, source);
        if (line)
            return text_format(r->server->scratch, "%s also stands in line %d of %s, where its meaning is not known",
                               r->meaning->name, line, source->path);
    }
    Analysis *renamed = analysis_among(r->server, document->path, text, strlen(text), replaced, count);
    if (renamed->diagnostics->errors)
        why = first_new_error(r, renamed);
    else if (!means_the_same(r, old, renamed))
        why = text_format(r->server->scratch, "with the name %s some name here would mean something else", r->name);
    analysis_free(renamed);
    return why;
}

static const char *try_all(const Renaming *r) {
    Vector(ReplacedText) replaced = {0};
    const char *why = NULL;
    for (int i = 0; i < r->edits.count; i++) {
        const Source *source = r->edits.items[i].source;
        bool again = false;
        for (int k = 0; k < replaced.count; k++) again |= same_file(replaced.items[k].path, source->path);
        const char *text = again ? NULL : renamed_text(r, source);
        if (!again) vector_push(r->server->scratch, &replaced, ((ReplacedText){source->path, text, strlen(text)}));
    }
    for (OpenDocument *d = r->server->documents; d && !why; d = d->next) {
        bool touched = d == r->spot.document;
        for (int i = 0; i < r->edits.count; i++) touched |= r->edits.items[i].document == d;
        if (touched) why = trial(r, d, replaced.items, replaced.count);
    }
    return why;
}

/* ---- the answer --------------------------------------------------------------------------------------- */
static cJSON *workspace_edit(const Renaming *r) {
    cJSON *result = cJSON_CreateObject(), *changes = cJSON_AddObjectToObject(result, "changes");
    for (int i = 0; i < r->edits.count; i++) {
        const Edit *edit = &r->edits.items[i];
        LineTable lines = {0};
        lines_find(&lines, edit->source->text, edit->source->length);
        char *uri = edit->document ? strdup(edit->document->uri) : uri_of_path(edit->source->path);
        cJSON *list = cJSON_GetObjectItemCaseSensitive(changes, uri), *json = cJSON_CreateObject();
        if (!list) list = cJSON_AddArrayToObject(changes, uri);
        cJSON_AddItemToObject(json, "range",
                              json_range(lines_position(&lines, edit->begin, r->server->utf8),
                                         lines_position(&lines, edit->end, r->server->utf8)));
        cJSON_AddStringToObject(json, "newText", r->name);
        cJSON_AddItemToArray(list, json);
        free(lines.begin);
        free(uri);
    }
    return result;
}

cJSON *rename_symbol(Server *server, const cJSON *params, const char **problem) {
    Renaming renaming = {.server = server,
                         .name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "newName"))};
    *problem = refusal(server, params, &renaming);
    if (*problem) return NULL;
    if (!renaming.name || !is_name(server, renaming.name)) {
        *problem = text_format(server->scratch, "%s is no name: letters, digits and _, and no word of the language",
                               renaming.name ? renaming.name : "this");
        return NULL;
    }
    visit_same(server, &renaming.spot, renaming.meaning, add_edit, &renaming);
    *problem = try_all(&renaming);
    return *problem ? NULL : workspace_edit(&renaming);
}
