/* diagnostic: what went wrong, where, and what to do about it.
 *
 * Diagnostics are collected and printed at the end, sorted by their place, so that passes may run
 * in any order. Beyond `most_errors` they are only counted: the first few mistakes cause the rest.
 *
 *     airfoil.sgd:12:10: error[E0201]: cannot multiply f32[5] by f32[6]
 *       12 |   return dot(w, x) + b
 *          |          ^^^^^^^^^
 *       note: w: f32[5] is declared at airfoil.sgd:9:9
 *       help: ...
 *
 * A mistake in a data file shows its line in the same way, if the file is text: it is read again, up to that line.
 *
 * A note that has a span gets " at FILE:LINE:COLUMN" behind its message (in place of a final
 * "here"). Columns count bytes; carets are aligned by characters and keep the line's tabs.
 *
 * Invariants: report() never returns NULL, also for a diagnostic that is not kept.
 */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct CodeRow {
    const char *name;
    Severity severity;
    const char *title, *explanation;
} CodeRow;

static const CodeRow code_rows[] = {
#define CODE(id, severity, title, explanation) {#id, severity, title, explanation},
#include "support/codes.def"
#undef CODE
};

const char *code_name(Code code) { return code_rows[code].name; }

const char *code_title(Code code) { return code_rows[code].title; }

const char *code_explanation(Code code) { return code_rows[code].explanation; }

bool code_find(const char *name, Code *code) {
    for (int i = 0; i < CODE_COUNT; i++)
        if (strcmp(code_rows[i].name, name) == 0) {
            *code = (Code)i;
            return true;
        }
    return false;
}

/* ---- collecting ---- */

Diagnostics *diagnostics_new(Arena *arena, SourceMap *map) {
    Diagnostics *d = arena_new_of(arena, Diagnostics);
    d->arena = arena;
    d->map = map;
    d->most_errors = 20;
    return d;
}

static bool same_place(const Diagnostic *a, const Diagnostic *b) {
    if (!a->file != !b->file) return false;
    if (a->file) return strcmp(a->file, b->file) == 0 && a->line == b->line && a->column == b->column;
    return a->span.begin == b->span.begin && a->span.end == b->span.end;
}

/* Two diagnostics without any place are the same only if they say the same. */
static bool is_repeated(const Diagnostic *a, const Diagnostic *b) {
    if (a->code != b->code || !same_place(a, b)) return false;
    return a->file || a->span.begin != 0 || strcmp(a->message, b->message) == 0;
}

static void keep(Diagnostics *d, Diagnostic *diagnostic) {
    int of_this_severity = 0;
    for (const Diagnostic *other = d->first; other; other = other->next) {
        if (is_repeated(other, diagnostic)) return;
        of_this_severity += other->severity == diagnostic->severity;
    }
    d->errors += diagnostic->severity == SEVERITY_ERROR;
    d->warnings += diagnostic->severity == SEVERITY_WARNING;
    if (of_this_severity >= d->most_errors) return;
    if (d->last)
        d->last->next = diagnostic;
    else
        d->first = diagnostic;
    d->last = diagnostic;
}

static Diagnostic *diagnostic_new(Diagnostics *d, Code code, const char *message) {
    Diagnostic *diagnostic = arena_new_of(d->arena, Diagnostic);
    diagnostic->severity = code_rows[code].severity;
    if (diagnostic->severity == SEVERITY_WARNING && d->warnings_are_errors) diagnostic->severity = SEVERITY_ERROR;
    diagnostic->code = code;
    diagnostic->has_code = true;
    diagnostic->message = message;
    return diagnostic;
}

Diagnostic *report(Diagnostics *d, Code code, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Diagnostic *diagnostic = diagnostic_new(d, code, text_format_arguments(d->arena, format, arguments));
    va_end(arguments);
    diagnostic->span = span;
    keep(d, diagnostic);
    return diagnostic;
}

Diagnostic *report_file(Diagnostics *d, Code code, const char *file, int64_t line, int64_t column, const char *format,
                        ...) {
    va_list arguments;
    va_start(arguments, format);
    Diagnostic *diagnostic = diagnostic_new(d, code, text_format_arguments(d->arena, format, arguments));
    va_end(arguments);
    diagnostic->file = arena_copy(d->arena, file, strlen(file) + 1);
    diagnostic->line = line;
    diagnostic->column = column;
    keep(d, diagnostic);
    return diagnostic;
}

static void attach(Diagnostics *d, Diagnostic *to, Severity severity, Span span, const char *message) {
    Diagnostic *note = arena_new_of(d->arena, Diagnostic);
    note->severity = severity;
    note->span = span;
    note->message = message;
    Diagnostic **end = &to->notes;
    while (*end) end = &(*end)->next;
    *end = note;
}

void add_note(Diagnostics *d, Diagnostic *to, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    attach(d, to, SEVERITY_NOTE, span, text_format_arguments(d->arena, format, arguments));
    va_end(arguments);
}

void add_help(Diagnostics *d, Diagnostic *to, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    attach(d, to, SEVERITY_HELP, (Span){0}, text_format_arguments(d->arena, format, arguments));
    va_end(arguments);
}

/* ---- in the order of the source ---- */

typedef struct Sorted {
    const Diagnostic *diagnostic;
    int reported; /* keeps the order of equal places */
} Sorted;

static int compare_places(const void *left, const void *right) {
    const Sorted *a = left, *b = right;
    int by_kind = (a->diagnostic->file != NULL) - (b->diagnostic->file != NULL);
    if (by_kind != 0) return by_kind;
    uint32_t a_begin = a->diagnostic->span.begin, b_begin = b->diagnostic->span.begin;
    if (a_begin != b_begin) return a_begin < b_begin ? -1 : 1;
    return a->reported - b->reported;
}

static Sorted *sort_by_place(const Diagnostics *d, int *count) {
    *count = 0;
    for (const Diagnostic *diagnostic = d->first; diagnostic; diagnostic = diagnostic->next) ++*count;
    Sorted *sorted = arena_array(d->arena, Sorted, *count + 1);
    int at = 0;
    for (const Diagnostic *diagnostic = d->first; diagnostic; diagnostic = diagnostic->next, at++)
        sorted[at] = (Sorted){diagnostic, at};
    qsort(sorted, (size_t)*count, sizeof *sorted, compare_places);
    return sorted;
}

/* ---- as text ---- */

enum { WIDEST_EXCERPT = 100, EXCERPT_BEFORE = 40 };

typedef struct Palette {
    const char *place, *severity[4], *gutter, *off;
} Palette;

static const Palette colored = {
    "\033[1m", {"\033[1;31m", "\033[1;35m", "\033[1;36m", "\033[1;32m"}, "\033[1;34m", "\033[0m"};
static const Palette plain = {"", {"", "", "", ""}, "", ""};
static const char *const severity_names[] = {"error", "warning", "note", "help"};

static bool is_continuation(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Below the shown bytes begin .. end, as wide as they: tabs stay tabs, or all are `mark`. */
static void add_below(Text *text, const char *bytes, size_t begin, size_t end, const char *mark) {
    Text shown = text_new(text->arena);
    if (end > begin) text_add_shown(&shown, bytes + begin, end - begin);
    for (const char *c = shown.bytes; *c; c++)
        if (!is_continuation(*c)) text_add_bytes(text, *c == '\t' && *mark == ' ' ? "\t" : mark, 1);
}

/* The part of one line that is shown: all of it, or the surroundings of a caret. */
typedef struct Excerpt {
    const char *bytes;
    size_t begin, end, length;
} Excerpt;
/* A line without its end, and which one it is; bytes NULL: there is none to show. */
typedef struct Line {
    const char *bytes;
    size_t length;
    long long number;
} Line;

static Line line_of_source(Place place) {
    const Source *source = place.source;
    uint32_t begin = source->line_begin[place.line - 1];
    uint32_t end = place.line < source->line_count ? source->line_begin[place.line] - 1 : source->length;
    if (end > begin && source->text[end - 1] == '\r') end--;
    return (Line){source->text + begin, end - begin, place.line};
}

/* Up to `most` bytes of the line. What holds control characters is no text: binary, gzip, UTF-16. */
static Line read_line(Arena *arena, FILE *file, long long number, size_t most) {
    Text text = text_new(arena);
    int c = getc_unlocked(file);
    for (long long at = 1; c != EOF && at < number; c = getc_unlocked(file)) at += c == '\n';
    for (; c != EOF && c != '\n' && text.length < most; c = getc_unlocked(file)) {
        char byte = (char)c;
        if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) return (Line){0};
        text_add_bytes(&text, &byte, 1);
    }
    if (text.length > 0 && text.bytes[text.length - 1] == '\r') text.length--;
    return (Line){text.length > 0 ? text.bytes : NULL, text.length, number};
}

/* Only of ordinary files: what came through a pipe cannot be read twice. */
static Line line_of_file(Arena *arena, const Diagnostic *diagnostic) {
    enum { LONGEST = 1 << 20 };
    struct stat status;
    Line line = {0};
    if (diagnostic->line <= 0 || diagnostic->column > LONGEST) return line;
    if (stat(diagnostic->file, &status) != 0 || !S_ISREG(status.st_mode)) return line;
    FILE *file = fopen(diagnostic->file, "rb");
    if (!file) return line;
    int first = getc(file), second = getc(file);
    if (first != 0x1f || second != 0x8b) {
        rewind(file);
        line = read_line(arena, file, diagnostic->line, (size_t)diagnostic->column + 2 * WIDEST_EXCERPT);
    }
    fclose(file);
    if (line.bytes && diagnostic->column > (int64_t)line.length + 1) line.bytes = NULL;
    return line;
}

static Excerpt excerpt_of(Line line, size_t caret) {
    Excerpt excerpt = {.bytes = line.bytes, .end = line.length, .length = line.length};
    if (excerpt.length <= WIDEST_EXCERPT) return excerpt;
    excerpt.begin = caret > EXCERPT_BEFORE ? caret - EXCERPT_BEFORE : 0;
    if (excerpt.begin + WIDEST_EXCERPT > excerpt.length) excerpt.begin = excerpt.length - WIDEST_EXCERPT;
    excerpt.end = excerpt.begin + WIDEST_EXCERPT;
    while (excerpt.begin > 0 && is_continuation(excerpt.bytes[excerpt.begin])) excerpt.begin--;
    while (excerpt.end < excerpt.length && is_continuation(excerpt.bytes[excerpt.end])) excerpt.end++;
    return excerpt;
}

/* column 0: the whole line is meant, and nothing stands below it. */
static void add_excerpt(Text *text, const Palette *palette, const Diagnostic *diagnostic, Line line, int64_t column) {
    size_t caret = column > 0 ? (size_t)column - 1 : 0;
    Excerpt excerpt = excerpt_of(line, caret);
    size_t last = caret + (diagnostic->span.end - diagnostic->span.begin);
    if (last > excerpt.end) last = excerpt.end;
    const char *before = excerpt.begin > 0 ? "..." : "";

    int width = snprintf(NULL, 0, "%4lld", line.number);
    text_add(text, "%s%4lld |%s ", palette->gutter, line.number, palette->off);
    text_add(text, "%s", before);
    text_add_shown(text, excerpt.bytes + excerpt.begin, excerpt.end - excerpt.begin);
    const char *behind = excerpt.end < excerpt.length ? "..." : "";
    text_add(text, "%s\n", behind);
    if (column <= 0) return;
    text_add(text, "%s%*s |%s ", palette->gutter, width, "", palette->off);
    text_add(text, "%*s", (int)strlen(before), "");
    add_below(text, excerpt.bytes, excerpt.begin, caret < excerpt.end ? caret : excerpt.end, " ");
    text_add(text, "%s", palette->severity[diagnostic->severity]);
    size_t before_carets = text->length;
    add_below(text, excerpt.bytes, caret, last, "^");
    text_add(text, "%s%s\n", text->length == before_carets ? "^" : "", palette->off);
}

static void add_note_text(Text *text, const Diagnostics *d, const Palette *palette, const Diagnostic *note) {
    size_t length = strlen(note->message);
    Place place = source_place(d->map, note->span.begin);
    text_add(text, "  %s%s:%s ", palette->severity[note->severity], severity_names[note->severity], palette->off);
    if (place.source && length > 5 && strcmp(note->message + length - 5, " here") == 0) length -= 5;
    text_add_shown(text, note->message, length);
    if (place.source)
        text_add(text, " at %s:%d:%d", text_shown(d->arena, place.source->path), place.line, place.column);
    text_add(text, "\n");
}

static void add_place(Text *text, const Diagnostic *diagnostic, Place place) {
    if (diagnostic->file) {
        text_add(text, "%s:", text_shown(text->arena, diagnostic->file));
        if (diagnostic->line > 0) text_add(text, "%lld:", (long long)diagnostic->line);
        if (diagnostic->line > 0 && diagnostic->column > 0) text_add(text, "%lld:", (long long)diagnostic->column);
    } else if (place.source)
        text_add(text, "%s:%d:%d:", text_shown(text->arena, place.source->path), place.line, place.column);
    else
        text_add(text, "sgdc:");
}

static void add_diagnostic(Text *text, const Diagnostics *d, const Palette *palette, const Diagnostic *diagnostic) {
    Place place = source_place(d->map, diagnostic->span.begin);
    text_add(text, "%s", palette->place);
    add_place(text, diagnostic, place);
    text_add(text, "%s %s%s", palette->off, palette->severity[diagnostic->severity],
             severity_names[diagnostic->severity]);
    if (diagnostic->has_code) text_add(text, "[%s]", code_name(diagnostic->code));
    text_add(text, ":%s %s\n", palette->off, text_shown(d->arena, diagnostic->message));
    if (!diagnostic->file && place.source) add_excerpt(text, palette, diagnostic, line_of_source(place), place.column);
    Line line = diagnostic->file ? line_of_file(d->arena, diagnostic) : (Line){0};
    if (line.bytes) add_excerpt(text, palette, diagnostic, line, diagnostic->column);
    for (const Diagnostic *note = diagnostic->notes; note; note = note->next) add_note_text(text, d, palette, note);
}

/* Errors and warnings that were counted and not kept. */
static int count_unkept(const Diagnostics *d, Severity severity, int all) {
    for (const Diagnostic *diagnostic = d->first; diagnostic; diagnostic = diagnostic->next)
        all -= diagnostic->severity == severity;
    return all;
}

static void add_closing_line(Text *text, int more, const char *what) {
    if (more > 0) text_add(text, "... and %d more %s%s\n", more, what, more == 1 ? "" : "s");
}

void diagnostics_print_human(const Diagnostics *d, FILE *to, bool color) {
    int count;
    Sorted *sorted = sort_by_place(d, &count);
    Text text = text_new(d->arena);
    for (int i = 0; i < count; i++) add_diagnostic(&text, d, color ? &colored : &plain, sorted[i].diagnostic);
    add_closing_line(&text, count_unkept(d, SEVERITY_ERROR, d->errors), "error");
    add_closing_line(&text, count_unkept(d, SEVERITY_WARNING, d->warnings), "warning");
    fwrite(text.bytes, 1, text.length, to);
}

/* ---- as JSON ---- */

static void add_json_place(Text *text, const Diagnostics *d, const Diagnostic *diagnostic) {
    Place begin = source_place(d->map, diagnostic->span.begin);
    Place end = source_place(d->map, diagnostic->span.end);
    if (diagnostic->file) {
        text_add(text, "\"file\":");
        text_add_json(text, diagnostic->file);
        long long line = diagnostic->line, column = diagnostic->column;
        text_add(text, ",\"line\":%lld,\"column\":%lld", line, column);
        text_add(text, ",\"end_line\":%lld,\"end_column\":%lld,", line, column);
    } else if (begin.source) {
        text_add(text, "\"file\":");
        text_add_json(text, begin.source->path);
        text_add(text, ",\"line\":%d,\"column\":%d", begin.line, begin.column);
        text_add(text, ",\"end_line\":%d,\"end_column\":%d,", end.line, end.column);
    } else
        text_add(text, "\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,\"end_column\":null,");
}

static void add_json_note(Text *text, const Diagnostics *d, const Diagnostic *note) {
    text_add(text, "{\"severity\":\"%s\",", severity_names[note->severity]);
    add_json_place(text, d, note);
    text_add(text, "\"message\":");
    text_add_json(text, note->message);
    text_add(text, "}");
}

static void add_json_diagnostic(Text *text, const Diagnostics *d, const Diagnostic *diagnostic) {
    if (diagnostic->has_code)
        text_add(text, "{\"code\":\"%s\",", code_name(diagnostic->code));
    else
        text_add(text, "{\"code\":null,");
    text_add(text, "\"severity\":\"%s\",", severity_names[diagnostic->severity]);
    add_json_place(text, d, diagnostic);
    text_add(text, "\"message\":");
    text_add_json(text, diagnostic->message);
    text_add(text, ",\"notes\":[");
    for (const Diagnostic *note = diagnostic->notes; note; note = note->next) {
        add_json_note(text, d, note);
        if (note->next) text_add(text, ",");
    }
    text_add(text, "]}\n");
}

void diagnostics_print_json(const Diagnostics *d, FILE *to) {
    int count;
    Sorted *sorted = sort_by_place(d, &count);
    Text text = text_new(d->arena);
    for (int i = 0; i < count; i++) add_json_diagnostic(&text, d, sorted[i].diagnostic);
    fwrite(text.bytes, 1, text.length, to);
}

/* ---- defects of sgdc ---- */

void internal_error(const char *file, int line, const char *format, ...) {
    const char *shown = strstr(file, "src/");
    for (const char *later = shown; later; later = strstr(later + 1, "src/")) shown = later;
    fprintf(stderr, "sgdc: internal error at %s:%d: ", shown ? shown : file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nThis is a defect of sgdc, not of your program. Please report it with the program.\n");
    end_process(5);
}
