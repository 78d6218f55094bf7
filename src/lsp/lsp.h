/* lsp: a language server for editors: the Language Server Protocol 3.17 over stdin and stdout (sgdc lsp).
 *
 *   server.c       the loop: messages in, answers out; the table of methods; what may come before what
 *   channel.c      messages with their Content-Length, on file descriptors;  message.c: those that go out
 *   position.c     lines, and characters in UTF-16 or UTF-8, from bytes and back
 *   uri.c          URIs and paths;  place.c: ranges, where a source can be opened, what a request asks about
 *   document.c     the open documents and their edits
 *   analysis.c     what the compiler knows of a document's text
 *   symbol.c       what a name is: its declaration in the tree, its kind, its doc comment
 *   describe.c     names, types, axes and parameters as text for hovering
 *   publish.c      diagnostics;  actions.c: what they propose, as quick fixes
 *   hover.c        hover
 *   complete.c     completion;  context.c: where in a program the cursor is;  signature.c: signatureHelp
 *   navigate.c     definition, references, documentHighlight;  outline.c: documentSymbol
 *   rename.c       prepareRename, rename
 *   hints.c        inlayHint
 *   format.c       formatting
 *
 * A document is compiled anew after it has changed, in an arena of its own, when nothing more is waiting to be read.
 * Nothing is trained and no data is read. Besides the analysis of the text as it is, the last one without errors
 * is kept: hover and completion answer by it while the text is broken, with places carried over what has changed.
 *
 * Invariants: memory of the server is that of the open documents and at most two analyses of each; no message ends the
 * server but `exit` and the end of its input.
 */
#ifndef SGDC_LSP_H
#define SGDC_LSP_H
#include "experiment/experiment.h"
#include <cjson/cJSON.h>

/* ---- channel.c ------------------------------------------------------------------------------- */
typedef struct Channel {
    int in, out;
    char *bytes;
    size_t begin, end, capacity; /* read and not yet taken */
    bool broken;                 /* the other end no longer reads */
} Channel;
typedef enum ChannelReading { READING_MESSAGE, READING_REFUSED, READING_END } ChannelReading;
/* The next message's body, which the caller frees. REFUSED: it is too large, and was passed over. */
ChannelReading channel_read(Channel *channel, char **body, size_t *length);
bool channel_is_waiting(Channel *channel); /* is something there to be read? */
void channel_write(Channel *channel, const char *body);

/* ---- position.c ------------------------------------------------------------------------------ */
typedef struct LineTable {
    const char *text;
    size_t length;
    size_t *begin; /* of each line; malloc's */
    int count;
} LineTable;
typedef struct LinePosition {
    int64_t line, character; /* from 0 */
} LinePosition;
void lines_find(LineTable *lines, const char *text, size_t length); /* begin NULL or from before */
/* Outside of the text: the nearest place in it. */
size_t lines_offset(const LineTable *lines, LinePosition position, bool utf8);
LinePosition lines_position(const LineTable *lines, size_t offset, bool utf8);

/* ---- analysis.c ------------------------------------------------------------------------------ */
typedef struct Analysis {
    Arena *arena;
    Names *names;
    SourceMap *map;
    Diagnostics *diagnostics;
    Source *source; /* the document's text */
    Ast *ast;
    Meanings *meanings;
    Program *program; /* NULL: the text has syntax errors */
} Analysis;
typedef struct Server Server;
typedef struct OpenDocument OpenDocument;
/* open: the text that stands for an included file, or NULL for the file itself; may be NULL. */
typedef const char *OpenText(void *context, const char *path, size_t *length);
Analysis *analysis_of(const char *path, const char *text, size_t length, OpenText *open, void *context);
void analysis_free(Analysis *analysis);
static inline const Lowering *analysis_lowering(const Analysis *a) { return a->meanings->lowering; }

/* ---- document.c ------------------------------------------------------------------------------ */
struct OpenDocument {
    char *uri, *path; /* path: of a file, or the URI */
    char *text;
    LineTable lines;
    int64_t version;
    bool has_version, published;
    Analysis *now, *good; /* now: of this text, or NULL; good: the last without errors; may be one */
    OpenDocument *next;
};
struct Server {
    Channel channel;
    OpenDocument *documents;
    Analysis *empty; /* of no text: the prelude */
    const char *version;
    Arena *scratch; /* of the message at hand */
    bool utf8, related, running, shut, over;
};
/* Text that stands for a file, before those of open documents. */
typedef struct ReplacedText {
    const char *path, *text;
    size_t length;
} ReplacedText;
/* Included files are read from these, then from open documents, then from disk. */
Analysis *analysis_among(const Server *server, const char *path, const char *text, size_t length,
                         const ReplacedText *replaced, int count);
OpenDocument *document_find(const Server *server, const char *uri);
OpenDocument *document_of_path(const Server *server, const char *path); /* also by another way to the file */
void document_open(Server *server, const char *uri, const char *text);
void document_close(Server *server, OpenDocument *document);
/* Bytes begin .. end become the text. */
void document_edit(Server *server, OpenDocument *document, size_t begin, size_t end, const char *text);
/* After edits, or when a file has changed on disk. */
void document_changed(Server *server, OpenDocument *document);
/* Those that include anything are compiled anew. */
void documents_including_changed(Server *server, const char *path);
Analysis *document_now(const Server *server, OpenDocument *document);
/* The best there is: of this text if it can be lowered, else the last that could, else of this text. */
Analysis *document_best(const Server *server, OpenDocument *document);
/* The last without errors, if there is one: for types. */
Analysis *document_good(const Server *server, OpenDocument *document);
/* A place of the text in the analysis' source. exact: what stands there is the same in both. */
uint32_t document_to(const OpenDocument *document, const Analysis *analysis, size_t offset, bool *exact);
/* And back; false: the text there has changed. */
bool document_from(const OpenDocument *document, const Analysis *analysis, Span span, size_t *begin, size_t *end);

/* ---- uri.c ----------------------------------------------------------------------------------- */
char *path_of_uri(const char *uri);  /* malloc's; the URI itself if it is of no file */
char *uri_of_path(const char *path); /* malloc's */
bool same_file(const char *a, const char *b);

/* ---- place.c --------------------------------------------------------------------------------- */
cJSON *json_range(LinePosition begin, LinePosition end);
bool position_from(const cJSON *json, LinePosition *position);
/* Where the span can be opened; NULL: nowhere. The document is the one that the analysis is of. */
cJSON *location_of(const Server *server, const OpenDocument *document, const Analysis *analysis, Span span);
/* The span's range in its own text; false: that has changed. */
bool range_of(const Server *server, const OpenDocument *document, const Analysis *analysis, Span span, cJSON **range);
/* What a request asks about: textDocument and position. */
typedef struct AskedPlace {
    OpenDocument *document;
    size_t offset; /* in the text */
    Analysis *analysis;
    uint32_t at; /* in the analysis */
    bool exact;
} AskedPlace;
bool spot_of(const Server *server, const cJSON *params, AskedPlace *spot);
OpenDocument *document_asked(const Server *server, const cJSON *params);

/* ---- symbol.c -------------------------------------------------------------------------------- */
typedef enum SymbolKind {
    SYMBOL_DEFINITION,
    SYMBOL_FORMAL,
    SYMBOL_SIZE, /* n of real[n], an index variable */
    SYMBOL_PARAMETER,
    SYMBOL_STATE,
    SYMBOL_LOCAL,
    SYMBOL_SETTING,
    SYMBOL_DATA,
    SYMBOL_FIELD,
    SYMBOL_TRAIN,
    SYMBOL_FIGURE,
    SYMBOL_BUILTIN
} SymbolKind;
typedef struct Symbol {
    SymbolKind kind;
    const Stmt *stmt; /* that declares it, or whose formal it is; NULL: none */
    const Definition *definition;
    const Formal *formal;
    const Builtin *builtin;
    const char *doc;
} Symbol;
const char *symbol_kind_text(const Symbol *symbol);
/* The name that the place is in or behind; NULL: none. */
const Meaning *meaning_around(const Analysis *analysis, uint32_t at);
Symbol symbol_of(const Analysis *analysis, const Meaning *meaning);
bool symbol_is_of_user(const Analysis *analysis, const Meaning *meaning);
/* The outermost statement of the document that holds the place; NULL: none. */
const Stmt *statement_around(const Ast *ast, uint32_t at);

/* ---- describe.c ------------------------------------------------------------------------------ */
const char *describe_head(Arena *arena, const Analysis *analysis, const Definition *definition); /* layer dense(...) */
const char *describe_types(Arena *arena, const Analysis *analysis, const Meaning *meaning);      /* "f32[5]"; NULL */
const char *describe_data(Arena *arena, const Analysis *analysis, const Stmt *stmt);
void describe_axes(Text *to, const Analysis *analysis, const Meaning *meaning);
void describe_parameters(Text *to, const Analysis *analysis, const char *path);
void describe_cells_at(Text *to, const Analysis *analysis, Span name);

/* ---- context.c ------------------------------------------------------------------------------- */
typedef enum BlockKind { BLOCK_FILE, BLOCK_DEFINITION, BLOCK_DATA, BLOCK_TRAIN } BlockKind;
typedef struct CursorContext {
    BlockKind block;
    bool stateful;         /* the block may have state: a layer, an optimizer */
    size_t word;           /* where the name under the cursor begins */
    bool silent;           /* in a comment or a string */
    bool begins;           /* a statement begins here */
    bool type;             /* a type is expected */
    bool source;           /* behind data NAME = */
    bool like, data;       /* behind `like`; of a data set */
    const char *member_of; /* "valid" of valid.x; NULL */
    const char *setting;   /* "batch" of batch = x; NULL */
    const char *call;      /* "dense" of dense(x, ; NULL */
    int argument;          /* of the call: from 0 */
} CursorContext;
/* As the text reads, broken or whole. */
CursorContext context_of(Arena *arena, const OpenDocument *document, size_t offset);

/* navigate.c: each name of open documents, and of what they include, that means the same. */
typedef void VisitSame(const Server *server, const OpenDocument *document, const Analysis *analysis,
                       const Meaning *meaning, void *context);
void visit_same(const Server *server, const AskedPlace *spot, const Meaning *meaning, VisitSame *visit, void *context);
/* complete.c: of the text or of the prelude, with the analysis it is in; NULL: none. */
const Definition *definition_named(const Server *server, const Analysis *analysis, const char *name,
                                   const Analysis **home);

/* ---- methods: the result, or NULL for null; *problem: why there is an error instead ------------- */
typedef cJSON *Method(Server *server, const cJSON *params, const char **problem);
Method hover, completion, signature_help, definition, references, document_highlight, document_symbol, prepare_rename,
    rename_symbol, inlay_hint, formatting, code_action;
/* publish.c */
void publish(Server *server, OpenDocument *document);
void publish_nothing(Server *server, const char *uri);
/* message.c */
void message_notify(Server *server, const char *method, cJSON *params);
void message_answer(Server *server, const cJSON *id, cJSON *result);                 /* takes it; NULL: null */
void message_refuse(Server *server, const cJSON *id, int code, const char *problem); /* id NULL: not known */
/* server.c */
/* Serves until `exit` or the end of input. 0, or 1 where the client did not shut it down first. */
int lsp_serve(int in, int out, const char *version);

#endif
