/* context: where in a program the cursor is, read from the text alone, as it is mostly broken while it is written.
 *
 * One walk from the beginning to the cursor keeps the open brackets and where the statement began. A bracket that was
 * never closed is taken as closed where a line begins that can be no argument. The block is told by the word in front of
 * the outermost brace.
 */
#include "lsp/lsp.h"
#include <string.h>

enum { MOST_OPEN = 64 };

typedef struct OpenBracket {
    char bracket;
    size_t at, statement; /* statement: of a brace, where its head begins */
    int commas;
} OpenBracket;

typedef struct TextWalk {
    const char *text;
    size_t at, end, statement;
    OpenBracket open[MOST_OPEN];
    int depth;
    bool silent;
    char last; /* the last character that is no blank */
} TextWalk;

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static size_t word_length(const char *text, size_t at, size_t end) {
    size_t length = 0;
    while (at + length < end && is_name_byte(text[at + length])) length++;
    return length;
}

static bool is_word(const char *text, size_t length, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(*words, text, length) == 0) return true;
    return false;
}

static bool begins_statement(const char *text, size_t at, size_t end) {
    static const char *const words[] = {"model", "layer",   "def",   "loss",  "metric", "optimizer", "data",
                                        "train", "include", "param", "state", "return", "repeat",    NULL};
    while (at < end && is_blank(text[at])) at++;
    return is_word(text + at, word_length(text, at, end), words);
}

/* `name =` or `name:` behind a line that does not go on. */
static bool begins_binding(const TextWalk *w, size_t at) {
    while (at < w->end && is_blank(w->text[at])) at++;
    size_t length = word_length(w->text, at, w->end);
    at += length;
    while (at < w->end && (w->text[at] == ' ' || w->text[at] == '\t')) at++;
    bool binds = at < w->end && (w->text[at] == ':' || (w->text[at] == '=' && w->text[at + 1] != '='));
    return length > 0 && binds && !strchr(",([", w->last);
}

static void close_round(TextWalk *w) {
    while (w->depth > 0 && w->open[w->depth - 1].bracket != '{') w->depth--;
}

static bool goes_on(char last) { return last && strchr("+-*/%^@=<>,:(~", last) != NULL; }

static void new_line(TextWalk *w) {
    bool inside = w->depth > 0 && w->open[w->depth - 1].bracket != '{';
    if (inside && !begins_statement(w->text, w->at, w->end) && !begins_binding(w, w->at)) return;
    if (inside) close_round(w);
    if (inside || !goes_on(w->last)) w->statement = w->at;
}

static void open_bracket(TextWalk *w, char bracket) {
    if (w->depth < MOST_OPEN) w->open[w->depth++] = (OpenBracket){bracket, w->at - 1, w->statement, 0};
    if (bracket == '{') w->statement = w->at;
}

static void close_bracket(TextWalk *w, char bracket) {
    if (bracket == '}') {
        close_round(w);
        if (w->depth > 0) w->depth--;
        w->statement = w->at;
    } else if (w->depth > 0 && w->open[w->depth - 1].bracket != '{') {
        w->depth--;
    }
}

/* To the end of a string on this line, or to the cursor. */
static void pass_string(TextWalk *w) {
    w->silent = true;
    while (w->at < w->end && w->text[w->at] != '\n') {
        char c = w->text[w->at++];
        if (c == '\\' && w->at < w->end) w->at++;
        if (c == '"') {
            w->silent = false;
            return;
        }
    }
    if (w->at < w->end) w->silent = false;
}

static void pass_comment(TextWalk *w) {
    while (w->at < w->end && w->text[w->at] != '\n') w->at++;
    w->silent = w->at == w->end;
}

static void walk(TextWalk *w) {
    while (w->at < w->end) {
        char c = w->text[w->at++];
        switch (c) {
        case '"': pass_string(w); break;
        case '#': pass_comment(w); continue;
        case '\n': new_line(w); break;
        case ';': w->statement = w->at; break;
        case '(':
        case '[':
        case '{': open_bracket(w, c); break;
        case ')':
        case ']':
        case '}': close_bracket(w, c); break;
        case ',':
            if (w->depth > 0) w->open[w->depth - 1].commas++;
            break;
        default: break;
        }
        if (!is_blank(c)) w->last = c;
    }
}

/* ---- what that says ------------------------------------------------------------------------------ */
static void find_block(const TextWalk *w, CursorContext *context) {
    static const char *const definitions[] = {"model", "layer", "def", "loss", "metric", "optimizer", NULL};
    static const char *const stateful[] = {"layer", "optimizer", NULL};
    static const char *const data[] = {"data", NULL}, *const train[] = {"train", "update", NULL};
    if (w->depth == 0 || w->open[0].bracket != '{') return;
    size_t at = w->open[0].statement;
    while (at < w->end && is_blank(w->text[at])) at++;
    const char *word = w->text + at;
    size_t length = word_length(w->text, at, w->end);
    context->block = is_word(word, length, definitions) ? BLOCK_DEFINITION
                     : is_word(word, length, data)      ? BLOCK_DATA
                     : is_word(word, length, train)     ? BLOCK_TRAIN
                                                        : BLOCK_FILE;
    context->stateful = is_word(word, length, stateful);
}

static void find_call(Arena *arena, const TextWalk *w, CursorContext *context) {
    const OpenBracket *open = w->depth > 0 ? &w->open[w->depth - 1] : NULL;
    if (!open || open->bracket != '(') return;
    size_t end = open->at, begin = end;
    while (begin > 0 && is_name_byte(w->text[begin - 1])) begin--;
    if (begin == end) return;
    context->call = text_format(arena, "%.*s", (int)(end - begin), w->text + begin);
    context->argument = open->commas;
}

/* key = ..., key name = ..., key[part] = ...; data name = ... */
static void find_setting(Arena *arena, const TextWalk *w, CursorContext *context) {
    size_t at = w->statement;
    while (at < context->word && is_blank(w->text[at])) at++;
    size_t length = word_length(w->text, at, context->word), equals = at + length;
    while (equals < context->word && w->text[equals] != '=') equals++;
    if (length == 0 || equals == context->word) return;
    context->setting = text_format(arena, "%.*s", (int)length, w->text + at);
    context->source = context->block == BLOCK_FILE && strcmp(context->setting, "data") == 0;
}

static void find_member(Arena *arena, const TextWalk *w, CursorContext *context) {
    size_t dot = context->word, begin;
    if (dot == 0 || w->text[dot - 1] != '.' || (dot > 1 && w->text[dot - 2] == '.')) return;
    for (begin = --dot; begin > 0 && (is_name_byte(w->text[begin - 1]) || strchr(".[]", w->text[begin - 1]));) begin--;
    if (begin < dot && !(w->text[begin] >= '0' && w->text[begin] <= '9'))
        context->member_of = text_format(arena, "%.*s", (int)(dot - begin), w->text + begin);
}

CursorContext context_of(Arena *arena, const OpenDocument *document, size_t offset) {
    CursorContext context = {.word = offset};
    const char *text = document->text;
    while (context.word > 0 && is_name_byte(text[context.word - 1])) context.word--;
    TextWalk w = {.text = text, .end = context.word};
    walk(&w);
    context.silent = w.silent;
    if (w.silent) return context;
    size_t at = w.statement;
    while (at < context.word && is_blank(text[at])) at++;
    context.begins = at == context.word;
    find_block(&w, &context);
    find_call(arena, &w, &context);
    find_member(arena, &w, &context);
    if (!context.begins) find_setting(arena, &w, &context);
    size_t before = context.word;
    while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t')) before--;
    context.like = before > 4 && memcmp(text + before - 4, "like", 4) == 0 && is_blank(text[before - 5]);
    context.data = word_length(text, at, context.word) == 4 && memcmp(text + at, "data", 4) == 0;
    context.type = before > 0 &&
                   (text[before - 1] == ':' || (before > 1 && text[before - 1] == '>' && text[before - 2] == '-'));
    return context;
}
