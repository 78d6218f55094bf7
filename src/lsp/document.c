/* document: what is open in the editor, as text that edits change, and the way between it and its analyses.
 *
 * The last good analysis is of an earlier text. What both texts have in common at their beginnings and at their ends is
 * the same in both; what lies between has changed, and nothing in the older text stands for it.
 */
#include "lsp/lsp.h"
#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    if (!copy) out_of_memory(length);
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

OpenDocument *document_find(const Server *server, const char *uri) {
    for (OpenDocument *d = server->documents; d; d = d->next)
        if (strcmp(d->uri, uri) == 0) return d;
    return NULL;
}

OpenDocument *document_of_path(const Server *server, const char *path) {
    for (OpenDocument *d = server->documents; d; d = d->next)
        if (strcmp(d->path, path) == 0) return d;
    for (OpenDocument *d = server->documents; d; d = d->next)
        if (same_file(d->path, path)) return d;
    return NULL;
}

static void forget(OpenDocument *document) {
    if (document->good != document->now) analysis_free(document->good);
    analysis_free(document->now);
    document->good = document->now = NULL;
}

void document_open(Server *server, const char *uri, const char *text) {
    OpenDocument *document = document_find(server, uri);
    if (!document) {
        document = calloc(1, sizeof *document);
        if (!document) out_of_memory(sizeof *document);
        document->uri = copy_of(uri, strlen(uri));
        document->path = path_of_uri(uri);
        document->next = server->documents;
        server->documents = document;
    }
    free(document->text);
    document->text = copy_of(text, strlen(text));
    lines_find(&document->lines, document->text, strlen(text));
    document_changed(server, document);
}

void document_close(Server *server, OpenDocument *document) {
    OpenDocument **link = &server->documents;
    while (*link != document) link = &(*link)->next;
    *link = document->next;
    forget(document);
    documents_including_changed(server, document->path);
    free(document->uri);
    free(document->path);
    free(document->text);
    free(document->lines.begin);
    free(document);
}

void document_edit(Server *server, OpenDocument *document, size_t begin, size_t end, const char *text) {
    size_t length = document->lines.length, added = strlen(text);
    if (end < begin) end = begin;
    char *edited = malloc(length - (end - begin) + added + 1);
    if (!edited) out_of_memory(length + added);
    memcpy(edited, document->text, begin);
    memcpy(edited + begin, text, added);
    memcpy(edited + begin + added, document->text + end, length - end + 1);
    free(document->text);
    document->text = edited;
    lines_find(&document->lines, edited, length - (end - begin) + added);
    document_changed(server, document);
}

/* ---- analyses ------------------------------------------------------------------------------------ */
typedef struct Among {
    const Server *server;
    const ReplacedText *replaced;
    int count;
} Among;

static const char *text_among(void *context, const char *path, size_t *length) {
    const Among *among = context;
    for (int i = 0; i < among->count; i++)
        if (same_file(among->replaced[i].path, path)) {
            *length = among->replaced[i].length;
            return among->replaced[i].text;
        }
    const OpenDocument *document = document_of_path(among->server, path);
    if (document) *length = document->lines.length;
    return document ? document->text : NULL;
}

Analysis *analysis_among(const Server *server, const char *path, const char *text, size_t length,
                         const ReplacedText *replaced, int count) {
    Among among = {server, replaced, count};
    return analysis_of(path, text, length, text_among, &among);
}

static void drop_now(OpenDocument *document) {
    if (document->now != document->good) analysis_free(document->now);
    document->now = NULL;
    document->published = false;
}

void document_changed(Server *server, OpenDocument *document) {
    drop_now(document);
    documents_including_changed(server, document->path);
}

static bool includes(const Analysis *analysis) {
    for (int i = 0; i < analysis->ast->statements.count; i++)
        if (analysis->ast->statements.items[i] && analysis->ast->statements.items[i]->kind == STMT_INCLUDE) return true;
    return false;
}

void documents_including_changed(Server *server, const char *path) {
    for (OpenDocument *d = server->documents; d; d = d->next)
        if (d->now && includes(d->now) && !same_file(d->path, path)) drop_now(d);
}

Analysis *document_now(const Server *server, OpenDocument *document) {
    if (document->now) return document->now;
    document->now = analysis_among(server, document->path, document->text, document->lines.length, NULL, 0);
    const Analysis *good = document->good;
    if (document->now->program && (!document->now->diagnostics->errors || !good || good->diagnostics->errors)) {
        analysis_free(document->good);
        document->good = document->now;
    }
    return document->now;
}

Analysis *document_best(const Server *server, OpenDocument *document) {
    Analysis *now = document_now(server, document);
    return now->program || !document->good ? now : document->good;
}

Analysis *document_good(const Server *server, OpenDocument *document) {
    Analysis *now = document_now(server, document);
    return document->good ? document->good : now;
}

/* ---- between texts ------------------------------------------------------------------------------- */
/* How many bytes are the same in front and at the end, without overlap in either. */
static void common(const OpenDocument *document, const Analysis *analysis, size_t *front, size_t *back) {
    const char *a = document->text, *b = analysis->source->text;
    size_t la = document->lines.length, lb = analysis->source->length, least = la < lb ? la : lb;
    *front = *back = 0;
    while (*front < least && a[*front] == b[*front]) ++*front;
    while (*back < least - *front && a[la - 1 - *back] == b[lb - 1 - *back]) ++*back;
}

uint32_t document_to(const OpenDocument *document, const Analysis *analysis, size_t offset, bool *exact) {
    uint32_t base = analysis->source->base;
    *exact = true;
    if (analysis == document->now) return base + (uint32_t)offset;
    size_t front, back, length = document->lines.length;
    common(document, analysis, &front, &back);
    if (offset > length) offset = length;
    if (offset < front) return base + (uint32_t)offset;
    if (offset >= length - back) return base + analysis->source->length - (uint32_t)(length - offset);
    *exact = false;
    return base + (uint32_t)front;
}

bool document_from(const OpenDocument *document, const Analysis *analysis, Span span, size_t *begin, size_t *end) {
    *begin = span.begin - analysis->source->base;
    *end = span.end - analysis->source->base;
    if (analysis == document->now) return true;
    size_t front, back, length = document->lines.length, old = analysis->source->length;
    common(document, analysis, &front, &back);
    if (*end <= front) return true;
    if (*begin < old - back) return false;
    *begin = *begin - old + length;
    *end = *end - old + length;
    return true;
}
