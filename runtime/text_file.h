/* text_file: a text in UTF-8, character by character, with the place of each. Inside the runtime only.
 *
 * A mark of byte order at the beginning is no character; CRLF and CR are LF. What is no UTF-8, and a byte of value 0, is a
 * problem: the file is none of text.
 */
#ifndef SGDRT_TEXT_FILE_H
#define SGDRT_TEXT_FILE_H
#include "input.h"

enum { TEXT_FILE_BYTES = 1 << 16, TEXT_MOST_CODES = 0x110000 };
#define TEXT_END UINT32_MAX

typedef struct TextFile {
    Input *input;
    const char *path;
    sgdrt_problem *problem;
    size_t at, last, length; /* last: where the last character begins */
    bool ended;              /* nothing comes after the bytes that are here */
    int64_t before;          /* bytes of the file before those */
    int64_t line, line_begin, last_line, last_line_begin;
    unsigned char bytes[TEXT_FILE_BYTES];
} TextFile;

int sgdrt_text_open(TextFile *text, const char *path, sgdrt_problem *problem);
void sgdrt_text_close(TextFile *text);
/* The next character, or TEXT_END. */
int sgdrt_text_next(TextFile *text, uint32_t *code);
/* The next one if it is of ASCII and no control: most are. Else false. */
static inline bool sgdrt_text_plain(TextFile *text, uint32_t *code) {
    unsigned char byte = text->at < text->length ? text->bytes[text->at] : 0;
    if (byte < 0x20 || byte >= 0x80) return false;
    text->last = text->at++;
    *code = byte;
    return true;
}
/* Where the last character stands, from 1; the column counts bytes. */
void sgdrt_text_place(const TextFile *text, int64_t *line, int64_t *column);
/* A character as UTF-8, with a zero behind it; how many bytes. */
size_t sgdrt_text_encode(uint32_t code, char bytes[5]);
/* "é", "a line feed", "character U+0007": for messages. */
const char *sgdrt_text_shown(uint32_t code, char shown[32]);
#endif
