/* tokens: takes tokens and comments from the source, each once and in its order, into the document. */
#include "format/write.h"

#include <string.h>

static const char *bytes_at(const Writer *w, uint32_t at) { return w->source->text + (at - w->source->base); }

static size_t span_length(Span span) { return span.end - span.begin; }

bool breaks_between(const Writer *w, uint32_t from, uint32_t to) {
    return from < to && memchr(bytes_at(w, from), '\n', to - from);
}

static int lines_between(const Writer *w, uint32_t from, uint32_t to) {
    int lines = 0;
    for (uint32_t at = from; at < to; at++) lines += *bytes_at(w, at) == '\n';
    return lines;
}

/* Where the token or comment before the next one ends. */
static uint32_t last_end(const Writer *w) {
    return w->next > 0 ? w->tokens.items[w->next - 1].span.end : w->source->base;
}

static bool next_is_comment(const Writer *w) {
    return w->next < w->tokens.count && w->tokens.items[w->next].is_comment;
}

static int next_token(const Writer *w) {
    int i = w->next;
    while (i < w->tokens.count && w->tokens.items[i].is_comment) i++;
    return i;
}

uint32_t next_begin(const Writer *w) {
    int i = next_token(w);
    return i < w->tokens.count ? w->tokens.items[i].span.begin : w->source->base + w->source->length;
}

static bool token_is(const Writer *w, int i, const char *text) {
    if (i >= w->tokens.count) return false;
    Span span = w->tokens.items[i].span;
    return span_length(span) == strlen(text) && memcmp(bytes_at(w, span.begin), text, strlen(text)) == 0;
}

bool next_is(const Writer *w, const char *token) { return token_is(w, next_token(w), token); }

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

/* A blank behind `#` or `##`, none at the end; lines of signs, such as ####, and #! stay. */
static void take_comment(Writer *w) {
    bool alone = w->next == 0 || breaks_between(w, last_end(w), w->tokens.items[w->next].span.begin);
    Span span = w->tokens.items[w->next++].span;
    const char *text = bytes_at(w, span.begin);
    size_t length = span_length(span), signs = 0;
    while (length > 0 && is_blank(text[length - 1])) length--;
    while (signs < length && text[signs] == '#') signs++;
    if (signs <= 2 && signs < length && !is_blank(text[signs]) && text[signs] != '!') {
        char *spaced = arena_alloc(w->document.arena, length + 2);
        memcpy(spaced, text, signs);
        spaced[signs] = ' ';
        memcpy(spaced + signs + 1, text + signs, length - signs);
        text = spaced;
        length++;
    }
    document_comment(&w->document, alone ? PIECE_REMARK : PIECE_COMMENT, text, length);
}

void take_comments(Writer *w) {
    while (next_is_comment(w)) take_comment(w);
}

static void write_token(Writer *w, int i) {
    Span span = w->tokens.items[i].span;
    document_word(&w->document, bytes_at(w, span.begin), span_length(span));
}

void take(Writer *w) {
    take_comments(w);
    if (w->next < w->tokens.count)
        write_token(w, w->next++);
    else
        w->differs = true;
}

void take_as(Writer *w, const char *expected) {
    if (!next_is(w, expected)) w->differs = true;
    take(w);
}

/* Does a comment follow the token on its line? */
static bool is_commented(const Writer *w, int token) {
    const Token *behind = &w->tokens.items[token + 1];
    return token + 1 < w->tokens.count && behind->is_comment &&
           !breaks_between(w, behind[-1].span.end, behind->span.begin);
}

/* Two comments that would meet behind one word keep their places: the second would come onto a line of its own, where a
 * `##` documents something else. */
void take_early(Writer *w, const char *expected) {
    int token = next_token(w);
    if (!next_is(w, expected) || (next_is_comment(w) && is_commented(w, token))) {
        take_as(w, expected);
        return;
    }
    write_token(w, token);
    while (w->next < token) take_comment(w);
    w->next++;
}

void take_late(Writer *w, const char *expected) {
    if (!next_is(w, expected) || next_is_comment(w)) {
        take_comments(w);
        document_break(&w->document, " ");
        take_as(w, expected);
        return;
    }
    int token = w->next++;
    take_comments(w);
    document_break(&w->document, " ");
    write_token(w, token);
}

int take_between(Writer *w, bool after_code) {
    int lines = 0;
    for (;;) {
        uint32_t begin = w->next < w->tokens.count ? w->tokens.items[w->next].span.begin
                                                   : w->source->base + w->source->length;
        lines += lines_between(w, last_end(w), begin);
        if (token_is(w, w->next, ";")) {
            w->next++;
            continue;
        }
        if (!next_is_comment(w)) return lines;
        if (lines > 1 && after_code) document_put(&w->document, PIECE_EMPTY_LINE);
        take_comment(w);
        after_code = true;
        lines = 0;
    }
}
