/* html_program: a program with its words coloured: comments, texts, numbers, the words of the language. */
#include "driver/html.h"
#include <ctype.h>
#include <string.h>

static bool is_word(const char *word, size_t length) {
    static const char *const words[] = {"data",  "model",  "layer",    "def",     "loss",    "metric", "optimizer",
                                        "train", "param",  "state",    "return",  "include", "like",   "repeat",
                                        "scan",  "in",     "for",      "if",      "then",    "else",   "each",
                                        "every", "update", "minimize", "measure", "and",     "or",     "not"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0) return true;
    return false;
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* The length of what begins here, and its class; NULL: none. */
static size_t piece(const char *at, const char **class) {
    size_t length = 1;
    *class = NULL;
    if (*at == '#') {
        *class = "comment";
        return strcspn(at, "\n");
    }
    if (*at == '"') {
        while (at[length] && at[length] != '"' && at[length] != '\n')
            length += at[length] == '\\' && at[length + 1] ? 2 : 1;
        *class = "string";
        return length + (at[length] == '"');
    }
    if (!is_name(*at)) return length;
    while (is_name(at[length]) ||
           (isdigit((unsigned char)*at) && at[length] == '.' && isdigit((unsigned char)at[length + 1])))
        length++;
    if (isdigit((unsigned char)*at))
        *class = "number";
    else if (is_word(at, length))
        *class = "word";
    return length;
}

void html_add_program(Text *page, const char *text) {
    text_add(page, "<pre class=\"program\" tabindex=\"0\">");
    while (*text) {
        const char *class;
        size_t length = piece(text, &class);
        if (!class)
            while (text[length] && !is_name(text[length]) && text[length] != '#' && text[length] != '"') length++;
        const char *part = text_format(page->arena, "%.*s", (int)length, text);
        if (class) text_add(page, "<span class=\"%s\">", class);
        for (const char *line = part; *line;) { /* escaping knows lines, not texts of several */
            size_t n = strcspn(line, "\n");
            text_add_xml(page, text_format(page->arena, "%.*s", (int)n, line));
            if (line[n]) text_add(page, "\n");
            line += n + (line[n] != 0);
        }
        if (class) text_add(page, "</span>");
        text += length;
    }
    text_add(page, "</pre>\n");
}
