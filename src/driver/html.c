/* html: the frame of a page, and texts and numbers in it. */
#include "driver/html.h"
#include <math.h>
#include <string.h>

static const char *page_file(const char *name) {
    for (const EmbeddedFile *file = page_files; file->name; file++)
        if (strcmp(file->name, name) == 0) return file->text;
    INTERNAL_ERROR("sgdc carries no %s", name);
}

static void add(Text *page, const char *text) { text_add_bytes(page, text, strlen(text)); }

void html_open(Text *page, const char *title) {
    add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"color-scheme\" content=\"light dark\">\n"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
              "script-src 'unsafe-inline'\">\n");
    html_add(page, "<title>%s</title>\n<style>\n", title);
    add(page, page_file("page.css"));
    add(page, "</style>\n</head>\n<body>\n<main>\n");
}

void html_close(Text *page) {
    add(page, "</main>\n<script>\n");
    add(page, page_file("page.js"));
    add(page, "</script>\n</body>\n</html>\n");
}

/* Only %s, %d and %% are known: the former are escaped. */
void html_add(Text *page, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        text_add_bytes(page, format, plain);
        format += plain;
        if (*format == 0) break;
        if (format[1] == 's')
            text_add_xml(page, va_arg(arguments, const char *));
        else if (format[1] == 'd')
            text_add(page, "%d", va_arg(arguments, int));
        else if (format[1] == '%')
            text_add_bytes(page, "%", 1);
        else
            INTERNAL_ERROR("html_add knows no %%%c", format[1]);
        format += 2;
    }
    va_end(arguments);
}

void html_add_json(Text *page, const char *text) {
    Text json = text_new(page->arena);
    text_add_json(&json, text);
    for (const char *c = json.bytes; *c; c++)
        if (*c == '<' || *c == '>' || *c == '&')
            text_add(page, "\\u%04x", (unsigned)*c);
        else
            text_add_bytes(page, c, 1);
}

void html_add_number(Text *page, double value) { text_add(page, isfinite(value) ? "%.6g" : "null", value); }

void html_add_base64(Text *page, const unsigned char *bytes, size_t count) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        unsigned three = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0u);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                        left > 2 ? digits[three & 63] : '='};
        text_add_bytes(page, four, 4);
    }
}

void html_add_values(Text *page, const float *values, int64_t count, int bits, double low, double high) {
    unsigned most = bits == 8 ? 255 : 65535;
    unsigned char *bytes = arena_alloc(page->arena, (size_t)count * 2 + 1), *to = bytes;
    for (int64_t i = 0; i < count; i++) {
        double part = ((double)values[i] - low) / (high - low);
        unsigned code = !(part > 0) ? 0 : part > 1 ? most : (unsigned)lround(part * most);
        *to++ = (unsigned char)code;
        if (bits == 16) *to++ = (unsigned char)(code >> 8);
    }
    html_add_base64(page, bytes, (size_t)(to - bytes));
}
