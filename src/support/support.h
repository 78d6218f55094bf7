/* support: what every part of the compiler stands on.
 *
 *   arena.c        memory that is freed at once; the compiler allocates nowhere else
 *   ending.c       how the process ends where it cannot go on
 *   text.c         growing strings and interned names
 *   escape.c       texts of users in the language of where they go: terminal, JSON, csv, make, ...
 *   json.c         JSON as it is written
 *   sha256.c       the hash that files are told apart by
 *   folder.c       folders, and the user's for caches
 *   source.c       source texts and the way from a byte to file, line, column
 *   diagnostic.c   errors, warnings and notes: collected, counted, printed as text or JSON
 *   carry.h        files that travel inside sgdc as they are
 *   codes.def      every diagnostic code with its explanation (sgdc --explain CODE)
 *
 * Invariants: nothing here exits but for lack of memory and for defects; an interned name is equal to another if and only if
 * their pointers are equal; a Span means the same bytes for as long as its SourceMap lives.
 */
#ifndef SGDC_SUPPORT_H
#define SGDC_SUPPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- ending.c --------------------------------------------------------------------------- */
/* On any thread, whatever the others do. */
void end_process(int code) __attribute__((noreturn));

/* ---- arena.c ---------------------------------------------------------------------------- */
typedef struct Arena Arena;
Arena *arena_new(void);
void arena_free(Arena *arena);                 /* frees everything it handed out */
void *arena_alloc(Arena *arena, size_t bytes); /* zeroed, 16-byte aligned; never NULL */
void *arena_copy(Arena *arena, const void *from, size_t bytes);
/* Says that there is no memory and ends the process with 3: the machine's limit, no defect of sgdc. */
void out_of_memory(size_t bytes) __attribute__((noreturn));
size_t arena_bytes(const Arena *arena); /* handed out so far */
#define arena_new_of(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define arena_array(arena, Type, count) ((Type *)arena_alloc((arena), sizeof(Type) * (size_t)(count)))

/* A growing array in an arena: `Vector(Expr *) args = {0}; vector_push(arena, &args, expr);` */
#define Vector(Type)         \
    struct {                 \
        Type *items;         \
        int count, capacity; \
    }
void *vector_grow(Arena *arena, void *items, int count, int *capacity, size_t item_bytes);
#define vector_push(arena, vector, item)                                                                        \
    ((vector)->count == (vector)->capacity                                                                      \
         ? (void)((vector)->items = vector_grow((arena), (vector)->items, (vector)->count, &(vector)->capacity, \
                                                sizeof *(vector)->items))                                       \
         : (void)0,                                                                                             \
     (vector)->items[(vector)->count++] = (item))

/* ---- text.c ----------------------------------------------------------------------------- */
typedef struct Text {
    Arena *arena;
    char *bytes;
    size_t length, capacity;
} Text; /* always NUL-terminated */
Text text_new(Arena *arena);
void text_add(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(Text *text, const char *bytes, size_t length);
char *text_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *text_format_arguments(Arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* The shortest decimal that reads back as the same float (%.9g tried from few digits up). */
char *text_number(Arena *arena, double value, bool is_f32);

typedef const char *Name; /* interned: compare with == */
typedef struct Names Names;
Names *names_new(Arena *arena);
Name name_of(Names *names, const char *bytes, size_t length);
Name name_from(Names *names, const char *string);
/* The candidate nearest to `wanted` (Damerau-Levenshtein, at most a third of its length), or NULL. */
const char *nearest_name(const char *wanted, const char *const *candidates, int count);

/* ---- escape.c --------------------------------------------------------------------------- */
/* For a terminal: what would move its cursor or is no UTF-8 becomes `?`; tabs stay, one character stays one. */
void text_add_shown(Text *text, const char *s, size_t length);
char *text_shown(Arena *arena, const char *s);
char *text_shown_lines(Arena *arena, const char *s, size_t length); /* with their newlines */
void text_add_json(Text *text, const char *s);                      /* a string with its quotes */
void text_add_csv(Text *text, const char *s);                       /* a field, quoted where it must be */
void text_add_gnuplot(Text *text, const char *s);                   /* a string with its quotes */
void text_add_xml(Text *text, const char *s);                       /* characters of an element */
bool text_add_make(Text *text, const char *path, bool target);      /* false: make has no word for it */
void text_add_c_string(Text *text, const char *s);                  /* a string literal, with its quotes */
void text_add_c_comment(Text *text, const char *s);                 /* within a block comment, on one line */

/* ---- json.c ------------------------------------------------------------------------------- */
enum { JSON_MOST_DEPTH = 16 };
typedef struct JsonLevel {
    char closing;
    bool flat, filled;
} JsonLevel;
typedef struct Json {
    Text *to;
    int depth;
    JsonLevel levels[JSON_MOST_DEPTH];
} Json;
Json json_new(Text *to);
/* key NULL: an element of an array. */
void json_object(Json *json, const char *key);
void json_array(Json *json, const char *key);
void json_flat_object(Json *json, const char *key); /* on one line */
void json_flat_array(Json *json, const char *key);
void json_close(Json *json); /* what was opened last; the outermost ends with a newline */
void json_null(Json *json, const char *key);
void json_text(Json *json, const char *key, const char *value); /* NULL: null */
void json_integer(Json *json, const char *key, int64_t value);
void json_number(Json *json, const char *key, double value); /* no finite one: null */
void json_bool(Json *json, const char *key, bool value);

/* ---- sha256.c ----------------------------------------------------------------------------- */
typedef struct Sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
} Sha256;
Sha256 sha256_new(void);
void sha256_add(Sha256 *hash, const void *bytes, size_t length);
const char *sha256_text(Arena *arena, Sha256 hash);                  /* 64 digits, as sha256sum prints */
bool sha256_file(Arena *arena, const char *path, const char **hash); /* false: it cannot be read */

/* ---- folder.c ----------------------------------------------------------------------------- */
/* The folders of a path, all that end in a '/'; false: one cannot be made. */
bool folder_make_above(Arena *arena, const char *path, unsigned mode);
/* Of sgdc's caches, by the rules of XDG; it may not be there. NULL: the environment names no home. */
const char *folder_of_caches(Arena *arena);

/* ---- source.c --------------------------------------------------------------------------- */
/* Bytes of all sources share one address space, so a place is two integers. {0,0} is "no place". */
typedef struct Span {
    uint32_t begin, end;
} Span;
typedef struct Source {
    const char *path;      /* as shown to the user */
    const char *text;      /* NUL-terminated copy */
    uint32_t length, base; /* bytes; first global address (>= 1) */
    uint32_t *line_begin;
    int line_count;
    bool is_prelude;
} Source;
typedef struct SourceMap {
    Arena *arena;
    Vector(Source *) sources;
    uint32_t next;
    /* Text that stands for a file, NULL: the file itself; or NULL. */
    const char *(*open)(void *context, const char *path, size_t *length);
    void *open_context;
} SourceMap;
typedef struct Place {
    const Source *source;
    int line, column;
} Place; /* from 1; column in bytes */
SourceMap *source_map_new(Arena *arena);
/* Reads a file; NULL and *problem set (a sentence part: "cannot be read: ...") if that fails. */
Source *source_read(SourceMap *map, const char *path, const char **problem);
Source *source_read_stdin(SourceMap *map, const char **problem); /* its path is "stdin" */
Source *source_add(SourceMap *map, const char *path, const char *text, size_t length);
Place source_place(const SourceMap *map, uint32_t at);
const char *source_line(Arena *arena, const Source *source, int line);
Span span_join(Span a, Span b);

/* A file that travels inside sgdc (cmake/embed.cmake). */
typedef struct EmbeddedFile {
    const char *name, *text;
    size_t length;
} EmbeddedFile;

/* ---- diagnostic.c ------------------------------------------------------------------------ */
typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, SEVERITY_HELP } Severity;
typedef enum Code {
#define CODE(id, severity, title, explanation) CODE_##id,
#include "support/codes.def"
#undef CODE
    CODE_COUNT
} Code;
typedef struct Diagnostic {
    Severity severity;
    Code code;
    bool has_code;
    Span span; /* in a source, or ... */
    const char *file;
    int64_t line, column; /* ... in a data file (file != NULL) */
    const char *message;
    struct Diagnostic *notes; /* notes and help that belong to it, in order */
    struct Diagnostic *next;
} Diagnostic;
typedef struct Diagnostics {
    Arena *arena;
    SourceMap *map;
    Diagnostic *first, *last;
    int errors, warnings;
    int most_errors; /* further ones are counted, not kept (20) */
    bool warnings_are_errors;
} Diagnostics;
Diagnostics *diagnostics_new(Arena *arena, SourceMap *map);
/* Each starts a new diagnostic and returns it, so that notes can follow. Severity is the code's row.
 * The same code at the same span is reported once. */
Diagnostic *report(Diagnostics *d, Code code, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
Diagnostic *report_file(Diagnostics *d, Code code, const char *file, int64_t line, int64_t column, const char *format,
                        ...) __attribute__((format(printf, 6, 7)));
void add_note(Diagnostics *d, Diagnostic *to, Span span, const char *format, ...) __attribute__((format(printf, 4, 5)));
void add_help(Diagnostics *d, Diagnostic *to, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diagnostics_print_human(const Diagnostics *d, FILE *to, bool color); /* in order of source place */
void diagnostics_print_json(const Diagnostics *d, FILE *to);              /* one object a line */
const char *code_name(Code code);                                         /* "E0201" */
bool code_find(const char *name, Code *code);
const char *code_title(Code code);
const char *code_explanation(Code code);
/* A defect of sgdc itself: says so with file and line, and exits with 5. */
void internal_error(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
#define INTERNAL_ERROR(...) internal_error(__FILE__, __LINE__, __VA_ARGS__)

#endif
