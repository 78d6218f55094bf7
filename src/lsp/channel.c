/* channel: messages of the protocol on file descriptors: headers, an empty line, a body of Content-Length bytes.
 *
 * What is no header is passed over until one comes, also in the middle of a line: so the reader finds its way back after
 * a message whose length was wrong. A message that is larger than any program may be is read to its end and refused.
 */
#include "lsp/lsp.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MOST_MESSAGE ((size_t)1 << 28)
enum { MOST_HEADER = 1 << 16, PIECE = 1 << 16 };

/* False at the end of input. */
static bool read_more(Channel *c) {
    if (c->begin > 0) memmove(c->bytes, c->bytes + c->begin, c->end - c->begin);
    c->end -= c->begin;
    c->begin = 0;
    if (c->capacity < c->end + PIECE) {
        c->capacity = c->end + PIECE;
        char *grown = realloc(c->bytes, c->capacity);
        if (!grown) out_of_memory(c->capacity);
        c->bytes = grown;
    }
    ssize_t count;
    do count = read(c->in, c->bytes + c->end, PIECE);
    while (count < 0 && errno == EINTR);
    if (count > 0) c->end += (size_t)count;
    return count > 0;
}

/* A line without its end, NUL-terminated in the buffer; NULL at the end of input. One that is too long is cut. */
static char *read_line(Channel *c) {
    size_t from = 0;
    for (;;) {
        char *begin = c->bytes + c->begin, *end = NULL;
        if (c->end > c->begin + from) end = memchr(begin + from, '\n', c->end - c->begin - from);
        if (end) {
            c->begin = (size_t)(end + 1 - c->bytes);
            *end = 0;
            if (end > begin && end[-1] == '\r') end[-1] = 0;
            return begin;
        }
        from = c->end - c->begin;
        if (from > MOST_HEADER) c->begin = c->end - 64, from = 64;
        if (!read_more(c)) return NULL;
    }
}

/* The number behind Content-Length:, also of a line that begins with something else; false: there is none. */
static bool content_length(const char *line, size_t *length) {
    static const char key[] = "content-length:";
    for (; *line; line++) {
        if (strncasecmp(line, key, sizeof key - 1) != 0) continue;
        const char *digits = line + sizeof key - 1;
        while (*digits == ' ' || *digits == '\t') digits++;
        if (*digits < '0' || *digits > '9') return false;
        errno = 0;
        unsigned long long value = strtoull(digits, NULL, 10);
        *length = errno || value > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)value;
        return true;
    }
    return false;
}

static bool read_headers(Channel *c, size_t *length) {
    bool found = false;
    for (;;) {
        char *line = read_line(c);
        if (!line) return false;
        if (!*line && found) return true;
        found |= content_length(line, length);
    }
}

static bool pass_over(Channel *c, size_t length) {
    while (length > c->end - c->begin) {
        length -= c->end - c->begin;
        c->begin = c->end;
        if (!read_more(c)) return false;
    }
    c->begin += length;
    return true;
}

ChannelReading channel_read(Channel *c, char **body, size_t *length) {
    if (!read_headers(c, length)) return READING_END;
    if (*length > MOST_MESSAGE) return pass_over(c, *length) ? READING_REFUSED : READING_END;
    while (c->end - c->begin < *length)
        if (!read_more(c)) return READING_END;
    *body = malloc(*length + 1);
    if (!*body) out_of_memory(*length);
    memcpy(*body, c->bytes + c->begin, *length);
    (*body)[*length] = 0;
    c->begin += *length;
    if (c->begin == c->end) c->begin = c->end = 0;
    if (c->end == 0 && c->capacity > (size_t)16 * PIECE) {
        free(c->bytes);
        c->bytes = NULL;
        c->capacity = 0;
    }
    return READING_MESSAGE;
}

bool channel_is_waiting(Channel *c) {
    struct pollfd in = {.fd = c->in, .events = POLLIN};
    return c->end > c->begin || poll(&in, 1, 0) > 0;
}

static void write_all(Channel *c, const char *bytes, size_t length) {
    while (length > 0 && !c->broken) {
        ssize_t count = write(c->out, bytes, length);
        if (count < 0 && errno == EINTR) continue;
        c->broken = count <= 0;
        if (count <= 0) return;
        bytes += count;
        length -= (size_t)count;
    }
}

void channel_write(Channel *c, const char *body) {
    char header[64];
    size_t length = strlen(body);
    int count = snprintf(header, sizeof header, "Content-Length: %zu\r\n\r\n", length);
    write_all(c, header, (size_t)count);
    write_all(c, body, length);
}
