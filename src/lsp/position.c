/* position: places as editors count them: lines that end in \n, \r\n or \r, and characters of a line in code units of
 * UTF-16, as the protocol wants it, or in bytes, where the client offered that.
 *
 * Invariants: a byte that belongs to no UTF-8 sequence counts as one; a position behind the end of a line is its end, and
 * one in the middle of a character is its beginning.
 */
#include "lsp/lsp.h"
#include <stdlib.h>
#include <string.h>

static size_t line_end(const char *text, size_t length, size_t at) {
    while (at < length && text[at] != '\n' && text[at] != '\r') at++;
    return at;
}

static size_t next_line(const char *text, size_t length, size_t end) {
    if (end + 1 < length && text[end] == '\r' && text[end + 1] == '\n') return end + 2;
    return end + 1;
}

void lines_find(LineTable *lines, const char *text, size_t length) {
    int count = 1;
    for (size_t at = line_end(text, length, 0); at < length; at = line_end(text, length, next_line(text, length, at)))
        count++;
    size_t *begin = realloc(lines->begin, sizeof(size_t) * (size_t)count);
    if (!begin) out_of_memory(sizeof(size_t) * (size_t)count);
    begin[0] = 0;
    count = 1;
    for (size_t at = line_end(text, length, 0); at < length; at = line_end(text, length, begin[count - 1]))
        begin[count++] = next_line(text, length, at);
    *lines = (LineTable){text, length, begin, count};
}

/* Bytes of the character there, and in *units how much it counts. */
static size_t character(const char *text, size_t length, size_t at, bool utf8, int *units) {
    unsigned char c = (unsigned char)text[at];
    size_t bytes = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
    if (c >= 0xf8) bytes = 1;
    for (size_t i = 1; i < bytes; i++)
        if (at + i >= length || ((unsigned char)text[at + i] & 0xc0) != 0x80) bytes = 1;
    *units = utf8 ? (int)bytes : bytes == 4 ? 2 : 1;
    return bytes;
}

size_t lines_offset(const LineTable *lines, LinePosition position, bool utf8) {
    if (position.line < 0) return 0;
    if (position.line >= lines->count) return lines->length;
    size_t at = lines->begin[position.line], end = line_end(lines->text, lines->length, at);
    for (int64_t left = position.character; left > 0 && at < end;) {
        int units;
        size_t bytes = character(lines->text, lines->length, at, utf8, &units);
        if (left < units) break;
        left -= units;
        at += bytes;
    }
    return at;
}

LinePosition lines_position(const LineTable *lines, size_t offset, bool utf8) {
    if (offset > lines->length) offset = lines->length;
    int low = 0, high = lines->count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (lines->begin[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    LinePosition position = {low, 0};
    for (size_t at = lines->begin[low]; at < offset;) {
        int units;
        at += character(lines->text, lines->length, at, utf8, &units);
        if (at <= offset) position.character += units;
    }
    return position;
}
