/* parse: what scanner, separator, parser and syntax messages share while one source is read.
 *
 *   lexer_lex       flex: raw tokens, newlines among them; collects `##` comments aside
 *   separator_next  drops newlines or turns them into SEP; the only caller of lexer_lex
 *   yyparse         bison: asks separator_next, builds the tree
 *   syntax_report   turns "this token does not fit" into a message
 *
 * Private to the frontend: everybody else calls parse() of ast.h. All state is in struct Parse.
 */
#ifndef SGDC_PARSE_H
#define SGDC_PARSE_H
#include "frontend/ast.h"

typedef Vector(Word) WordList;

typedef struct Number {
    double value;
    bool is_integer;
    Name text;
} Number;

/* The semantic value of a token or a nonterminal. */
union SyntaxValue {
    Word word;
    Number number;
    struct {
        const char *bytes;
        size_t length;
    } string;
    bool is_semicolon; /* SEP: written, not a newline */
    Expr *expr;
    ExprList exprs;
    Binder binder;
    BinderList binders;
    Argument argument;
    ArgumentList arguments;
    struct {
        ArgumentList args;
        BinderList binders;
    } call;
    Item item;
    ItemList items;
    Dim dim;
    DimList dims;
    TypeExpr *type;
    Formal formal;
    FormalList formals;
    struct {
        TypeExpr *type;
        FormalList formals;
    } result;
    DefinitionKind kind;
    struct {
        StmtList body;
        Expr *value;
        bool has_body;
    } body;
    struct {
        Expr *value;
        bool is_draw;
    } init;
    WordList words;
    Stmt *stmt;
    StmtList stmts;
};

typedef struct Doc {
    Span span;
    const char *text;
    bool trails;
} Doc; /* trails: code before it on its line */

/* A token as it was given to the parser; the last few are kept for messages. */
typedef struct Seen {
    int kind;
    Span span;
    bool first_on_line, first_in_statement, is_semicolon;
} Seen;
enum { SEEN_KEPT = 4 };

typedef struct Bracket {
    int kind;
    Span span;
    int indent, line;
} Bracket; /* kind: the opening token; 0 is none */

typedef struct RawToken {
    int kind;
    union SyntaxValue value;
    Span span;
    bool first_on_line;
} RawToken;

typedef struct Parse {
    Arena *arena;
    Names *names;
    Diagnostics *diagnostics;
    Source *source;
    void *scanner;

    uint32_t at, token_begin, line_begin; /* lexer: bytes read so far, and where these began */
    int line, line_indent;
    bool line_has_token;
    Vector(Doc) docs;
    TokenList *tokens; /* everything that is read; NULL: nobody asks */

    Seen seen[SEEN_KEPT]; /* separator: [0] is the last token given out */
    Vector(Bracket) open;
    Bracket around; /* innermost open bracket before seen[0] */
    Bracket suspect;
    Span suspect_line; /* a `{` whose block seems to lack its end, and why */
    RawToken queued;
    bool has_queued;
    int statement_indent; /* of the line where the statement began */
    bool panic;           /* from a syntax error to the next SEP */
    bool ended;           /* the rest is made up: no more messages */

    Ast *ast;
} Parse;

int separator_next(union SyntaxValue *value, Span *span, Parse *parse);
/* ---- separator_state.c */
Bracket innermost_bracket(const Parse *parse); /* kind 0: none is open */
void close_round_and_square(Parse *parse);     /* those inside the innermost `{` */
/* From here on the parser sees closing braces and the end. */
void separator_stop(Parse *parse);
/* A syntax error was met at the last token. */
void separator_panic(Parse *parse);

/* The `(` and `[` around the last token are taken as closed before it. */
void separator_close_round_and_square(Parse *parse);

/* The tokens that could have stood in place of seen[0], by their names in parser.y. */
typedef struct Expected {
    const char *const *names;
    int count;
} Expected;
void syntax_report(Parse *parse, Expected expected);
void syntax_report_unclosed(Parse *parse, Bracket bracket);
/* A `;` inside brackets; false if they are not closed behind it, which is then the mistake. */
bool syntax_report_semicolon(Parse *parse, Span span);
void syntax_report_depth(Parse *parse, Span span);
void syntax_report_scan(Parse *parse, Span span); /* its names and arrays do not fit */
void syntax_report_typed_argument(Parse *parse, const Argument *argument);

/* ast.c: constructors that keep heights; a tree that grows too high is reported and cut off. */
Expr *expr_new(Parse *parse, ExprKind kind, Span span);
Expr *expr_finish(Parse *parse, Expr *expr); /* sets the height from what lies below */
Stmt *stmt_new(Parse *parse, StmtKind kind, Span span);

/* docs.c: gives every `##` comment to its statement. */
void docs_attach(Parse *parse);

/* Words that only ever start statements (separator_state.c). */
bool is_statement_word(int kind);

#endif
