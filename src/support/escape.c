/* escape: texts of users on their way out, each in the language of where it goes.
 *
 * Names of files and what stands in files can hold anything. What a terminal would obey, what ends a string or a
 * comment, what make, gnuplot and spreadsheets take for more than text leaves sgdc through this file, and through
 * it alone.
 *
 * Invariants: what is added is well-formed UTF-8 (but for file names, in make) and ends no string, comment, field
 * or line of its language before its own end. Printable ASCII reads as it was.
 */
#include "support/support.h"
#include "utf8.h"

#include <string.h>

/* ---- terminals ---- */

void text_add_shown(Text *text, const char *s, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t bytes = sgdrt_utf8_length(s + i, length - i, &code);
        if (bytes == 0 || (sgdrt_utf8_is_control(code) && code != '\t'))
            text_add_bytes(text, "?", 1);
        else
            text_add_bytes(text, s + i, bytes);
        i += bytes ? bytes : 1;
    }
}

char *text_shown(Arena *arena, const char *s) {
    Text text = text_new(arena);
    text_add_shown(&text, s, strlen(s));
    return text.bytes;
}

char *text_shown_lines(Arena *arena, const char *s, size_t length) {
    Text text = text_new(arena);
    for (const char *end = s + length; s < end;) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        size_t line = newline ? (size_t)(newline - s) : (size_t)(end - s);
        text_add_shown(&text, s, line);
        if (newline) text_add_bytes(&text, "\n", 1);
        s += line + (newline != NULL);
    }
    return text.bytes;
}

/* ---- JSON ---- */

void text_add_json(Text *text, const char *s) {
    size_t length = strlen(s);
    text_add_bytes(text, "\"", 1);
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t bytes = sgdrt_utf8_length(s + i, length - i, &code);
        if (bytes == 0)
            text_add(text, "\\ufffd");
        else if (code == '"' || code == '\\')
            text_add(text, "\\%c", (int)code);
        else if (code == '\n')
            text_add(text, "\\n");
        else if (code == '\t')
            text_add(text, "\\t");
        else if (sgdrt_utf8_is_control(code))
            text_add(text, "\\u%04x", (unsigned)code);
        else
            text_add_bytes(text, s + i, bytes);
        i += bytes ? bytes : 1;
    }
    text_add_bytes(text, "\"", 1);
}

/* ---- CSV: RFC 4180, a field is one line ---- */

void text_add_csv(Text *text, const char *s) {
    Text shown = text_new(text->arena);
    text_add_shown(&shown, s, strlen(s));
    if (!strpbrk(shown.bytes, ",\"")) {
        text_add_bytes(text, shown.bytes, shown.length);
        return;
    }
    text_add_bytes(text, "\"", 1);
    for (const char *c = shown.bytes; *c; c++) text_add(text, *c == '"' ? "\"\"" : "%c", *c);
    text_add_bytes(text, "\"", 1);
}

/* ---- gnuplot: within single quotes neither \ nor ` means anything, and a line ends the string ---- */

void text_add_gnuplot(Text *text, const char *s) {
    Text shown = text_new(text->arena);
    text_add_shown(&shown, s, strlen(s));
    text_add_bytes(text, "'", 1);
    for (const char *c = shown.bytes; *c; c++) text_add(text, *c == '\'' ? "''" : "%c", *c);
    text_add_bytes(text, "'", 1);
}

/* ---- SVG ---- */

void text_add_xml(Text *text, const char *s) {
    Text shown = text_new(text->arena);
    text_add_shown(&shown, s, strlen(s));
    for (const char *c = shown.bytes; *c; c++) {
        const char *name = *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : *c == '&' ? "&amp;" : *c == '"' ? "&quot;" : NULL;
        text_add(text, name ? "%s" : "%.1s", name ? name : c);
    }
}

/* ---- make: what ends a line, a rule or a list of files, and what assigns, cannot be said ---- */

bool text_add_make(Text *text, const char *path, bool target) {
    size_t backslashes = 0;
    if (strpbrk(path, "\n\r;|=")) return false;
    if (*path == '~') text_add(text, "./");
    for (; *path; path++) {
        bool escaped = strchr(target ? " \t#:%" : " \t#:*?[", *path) != NULL;
        if (escaped) /* a backslash before one that escapes is an ordinary one only when it is doubled */
            for (; backslashes; backslashes--) text_add(text, "\\");
        backslashes = *path == '\\' ? backslashes + 1 : 0;
        text_add(text, *path == '$' ? "$$" : escaped ? "\\%c" : "%c", *path);
    }
    return true;
}

/* ---- comments of C and C++ ---- */

void text_add_c_string(Text *text, const char *s) {
    text_add(text, "\"");
    for (const unsigned char *c = (const unsigned char *)s; *c != 0; c++) {
        if (*c == '"' || *c == '\\' || *c == '?')
            text_add(text, "\\%c", *c);
        else if (*c < 32 || *c > 126)
            text_add(text, "\\%03o", *c);
        else
            text_add(text, "%c", *c);
    }
    text_add(text, "\"");
}

void text_add_c_comment(Text *text, const char *s) {
    Text shown = text_new(text->arena);
    text_add_shown(&shown, s, strlen(s));
    for (size_t i = 0; i < shown.length; i++) {
        const char *c = shown.bytes + i;
        text_add_bytes(text, c, 1);
        bool pair = (c[0] == '*' && c[1] == '/') || (c[0] == '/' && c[1] == '*') || (c[0] == '?' && c[1] == '?');
        if (pair || (c[0] == '\\' && c[1] == '\0')) text_add_bytes(text, " ", 1);
    }
}
