/* text_file: reading a text, and characters as UTF-8. */
#include "text_file.h"
#include "problem.h"
#include "utf8.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST = 4 };

/* So many bytes that a character is whole, and a line feed is seen behind a carriage return. */
static int fill(TextFile *text) {
    size_t kept = text->length - text->at, got = 0;
    if (text->ended || kept >= LONGEST) return 0;
    memmove(text->bytes, text->bytes + text->at, kept);
    text->before += (int64_t)text->at;
    int code = sgdrt_input_read(text->input, text->bytes + kept, TEXT_FILE_BYTES - kept, &got, text->problem);
    text->at = 0;
    text->length = kept + got;
    text->ended = text->length < TEXT_FILE_BYTES;
    return code;
}

int sgdrt_text_open(TextFile *text, const char *path, sgdrt_problem *problem) {
    *text = (TextFile){.path = path, .problem = problem, .line = 1};
    int code = sgdrt_input_open(path, false, &text->input, problem);
    if (!code) code = fill(text);
    if (!code && text->length >= 3 && !memcmp(text->bytes, "\xEF\xBB\xBF", 3)) text->at = 3;
    return code;
}

void sgdrt_text_close(TextFile *text) { sgdrt_input_close(text->input); }

void sgdrt_text_place(const TextFile *text, int64_t *line, int64_t *column) {
    bool ended = text->bytes[text->last] == '\n' || text->bytes[text->last] == '\r';
    *line = ended ? text->last_line : text->line;
    *column = text->before + (int64_t)text->last - (ended ? text->last_line_begin : text->line_begin) + 1;
}

static int no_text(TextFile *text, unsigned char byte) {
    int64_t line, column;
    sgdrt_text_place(text, &line, &column);
    int code = sgdrt_problem_set(text->problem, PROBLEM_TEXT, text->path, line, column,
                                 byte ? "the byte %02X begins no character of UTF-8" : "there is a byte of value %u",
                                 byte);
    if (byte)
        sgdrt_problem_help(text->problem, "a text in another encoding is converted by iconv -f latin1 -t utf-8, say");
    else
        sgdrt_problem_help(text->problem, "is this a text file?");
    return code;
}

int sgdrt_text_next(TextFile *text, uint32_t *code) {
    int failed = fill(text);
    if (failed) return failed;
    if (text->at == text->length) {
        *code = TEXT_END;
        return 0;
    }
    text->last = text->at;
    size_t length = sgdrt_utf8_length((const char *)text->bytes + text->at, text->length - text->at, code);
    if (!length || !*code) return no_text(text, text->bytes[text->at]);
    text->at += length;
    if (*code != '\r' && *code != '\n') return 0;
    if (*code == '\r' && text->at < text->length && text->bytes[text->at] == '\n') text->at++;
    *code = '\n';
    text->last_line = text->line++;
    text->last_line_begin = text->line_begin;
    text->line_begin = text->before + (int64_t)text->at;
    return 0;
}

size_t sgdrt_text_encode(uint32_t code, char bytes[5]) {
    unsigned char *to = (unsigned char *)bytes;
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i-- > 1; code >>= 6) to[i] = (unsigned char)(0x80 | (code & 0x3F));
    to[0] = (unsigned char)(first[length] | code);
    to[length] = 0;
    return length;
}

const char *sgdrt_text_shown(uint32_t code, char shown[32]) {
    char bytes[5];
    if (code == '\n' || code == '\t' || code == ' ')
        return code == '\n' ? "a line's end" : code == '\t' ? "a tab" : "a blank";
    sgdrt_text_encode(code, bytes);
    if (sgdrt_utf8_is_control(code))
        snprintf(shown, 32, "the character U+%04X", code);
    else
        snprintf(shown, 32, "the character %s", bytes);
    return shown;
}
