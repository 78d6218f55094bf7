/* frontend: from text to a tree. What the tree means is src/lower's business.
 *
 *   lexer.l        flex, reentrant; a one-token filter (separator.c) decides which newlines end statements;
 *                  separator_state.c: what it keeps from token to token
 *   parser.y       bison, pure, no conflicts; error productions; actions only build nodes
 *   syntax.c       how mistakes are told;  docs.c: `##` comments
 *   parse.h        what these share while one source is read
 *   ast.c          constructors;  ast_visit.c: walks over expressions
 *   ast_print.c    --emit=ast prints the program back as source
 *
 * The tree is exactly what was written. Which statements a block allows, names and types are
 * decided later, in lowering. Every node keeps its span. Names are interned.
 */
#ifndef SGDC_AST_H
#define SGDC_AST_H
#include "support/support.h"

/* Passes may recurse over expressions and blocks: the parser refuses (E0901) what is deeper. */
enum { MOST_HEIGHT = 1000, MOST_OPEN_BRACKETS = 256 };

typedef struct Expr Expr;
typedef struct Stmt Stmt;
typedef Vector(Expr *) ExprList;
typedef Vector(Stmt *) StmtList;

typedef struct Word {
    Name text;
    Span span;
} Word; /* a name as written */

typedef enum ExprKind {
    EXPR_NAME,          /* x, also the words `param`, `train` used as names */
    EXPR_NUMBER,        /* 1_000, 1e-3 */
    EXPR_STRING,        /* "text" */
    EXPR_QUANTITY,      /* 3 epochs: number and unit */
    EXPR_UNARY,         /* op: OP_NEG, OP_NOT */
    EXPR_BINARY,        /* op; also `..` (OP_RANGE) and `in` (OP_IN) */
    EXPR_IF,            /* if c then a else b */
    EXPR_CALL,          /* callee(args) or callee(args[0] for binders) */
    EXPR_INDEX,         /* base[items] */
    EXPR_MEMBER,        /* base.word */
    EXPR_ARRAY,         /* [a, b, c] */
    EXPR_COMPREHENSION, /* [e for binders] */
    EXPR_SCAN,          /* scan x in xs { ... } */
    EXPR_EVERY,         /* every e */
    EXPR_EACH,          /* each e */
    EXPR_ERROR          /* after a syntax error: already reported */
} ExprKind;

typedef enum Operator {
    OPERATOR_NEG,
    OPERATOR_NOT,
    OPERATOR_OR,
    OPERATOR_AND,
    OPERATOR_EQ,
    OPERATOR_NE,
    OPERATOR_LT,
    OPERATOR_LE,
    OPERATOR_GT,
    OPERATOR_GE,
    OPERATOR_IN,
    OPERATOR_RANGE,
    OPERATOR_ADD,
    OPERATOR_SUB,
    OPERATOR_MUL,
    OPERATOR_DIV,
    OPERATOR_FLOORDIV,
    OPERATOR_MOD,
    OPERATOR_MATMUL,
    OPERATOR_POW
} Operator;
const char *operator_text(Operator op);
int operator_precedence(Operator op); /* the larger the tighter */

/* i, or i in range; also optimizer[net.head]: a path. */
typedef struct Binder {
    ExprKind kind;
    Word name;
    Expr *path;
    Expr *range;
    Span span;
} Binder; /* path set if dotted; range may be NULL */
typedef Vector(Binder) BinderList;

typedef struct Argument {
    Word name;
    struct TypeExpr *type;
    Expr *value;
} Argument; /* name.text NULL if positional; type: of npy(f: u8 = e) alone, or NULL */
typedef Vector(Argument) ArgumentList;

/* One item of x[...]: an expression, `..`, `a..`, `..b` (a..b is an EXPR_BINARY of OPERATOR_RANGE). */
typedef enum ItemKind { ITEM_EXPR, ITEM_ALL, ITEM_FROM, ITEM_UPTO } ItemKind;
typedef struct Item {
    ItemKind kind;
    Expr *expr;
    Span span;
} Item;
typedef Vector(Item) ItemList;

struct Expr {
    ExprKind kind;
    Span span;
    int height; /* of the tree below; the parser keeps it under MOST_HEIGHT */
    union {
        Word name; /* NAME */
        struct {
            double value;
            bool is_integer;
            Name text;
        } number; /* NUMBER, value exact if |v| < 2^53 */
        struct {
            const char *bytes;
            size_t length;
        } string; /* STRING, escapes resolved */
        struct {
            double value;
            bool is_integer;
            Word unit;
        } quantity; /* QUANTITY */
        struct {
            Operator op;
            Expr *operand;
        } unary;
        struct {
            Operator op;
            Expr *left, *right;
            Span op_span;
        } binary;
        struct {
            Expr *condition, *then, *otherwise;
        } choice; /* IF */
        struct {
            Expr *callee;
            ArgumentList args;
            BinderList binders;
        } call;
        struct {
            Expr *base;
            ItemList items;
        } index;
        struct {
            Expr *base;
            Word member;
        } member;
        struct {
            ExprList items;
        } array;
        struct {
            Expr *item;
            BinderList binders;
        } comprehension;
        struct {
            BinderList binders;
            int together; /* the first ones: `a, b in x, y` */
            StmtList body;
        } scan;
        Expr *inner; /* EVERY, EACH */
    };
};

/* f32[n, m], label[k][t], f32[..s], int */
typedef struct Dim {
    Expr *size;
    Word rest;
    Span span;
} Dim; /* rest.text set for `..s` */
typedef Vector(Dim) DimList;
typedef struct TypeExpr {
    Word base;
    DimList dims, more;
    bool has_dims, has_more;
    Span span;
} TypeExpr;

typedef struct Formal {
    Word name;
    TypeExpr *type;
    Expr *otherwise;
    Span span;
} Formal; /* type, default may be NULL */
typedef Vector(Formal) FormalList;

typedef enum DefinitionKind {
    DEFINE_MODEL,
    DEFINE_LAYER,
    DEFINE_DEF,
    DEFINE_LOSS,
    DEFINE_METRIC,
    DEFINE_OPTIMIZER
} DefinitionKind;

typedef struct Definition {
    DefinitionKind kind;
    Word name;
    FormalList formals;
    TypeExpr *result;   /* -> type, or NULL */
    FormalList results; /* -> (a: t, b: u); empty if none */
    StmtList body;
    Expr *value;     /* { ... } or = expr */
    const char *doc; /* `##` text, or NULL */
    Span span;
} Definition;

typedef enum StmtKind {
    STMT_DEFINITION,
    STMT_DATA,
    STMT_TRAIN,
    STMT_UPDATE,
    STMT_INCLUDE,
    STMT_PARAM,  /* param w: type [= e | ~ e] */
    STMT_STATE,  /* state h[: type] = e */
    STMT_FIELD,  /* x: type   (no source)          \                                   */
    STMT_TYPED,  /* x: type = e  or  x: type ~ e    > all three: name, type, value/draw */
    STMT_ASSIGN, /* key = e, key[binders] = e */
    STMT_NAMED,  /* minimize fit = e */
    STMT_TUPLE,  /* a, b = e */
    STMT_REPEAT, /* repeat n {...}, repeat w in e {...} */
    STMT_RETURN, /* return e, f */
    STMT_ERROR
} StmtKind;

struct Stmt {
    StmtKind kind;
    Span span;
    const char *doc; /* `##` on its line or the lines before it, or NULL */
    union {
        Definition *definition;
        struct {
            Word name, like;
            Expr *source;
            StmtList body;
            bool has_body;
        } data; /* like.text NULL if none */
        struct {
            Word name, like;
            StmtList body;
        } train; /* also UPDATE (no like) */
        struct {
            const char *path;
        } include;
        struct {
            Word name;
            TypeExpr *type;
            Expr *value;
            bool is_draw;
        } bind; /* PARAM STATE FIELD TYPED */
        struct {
            Word key;
            BinderList binders;
            bool has_binders;
            Expr *value;
        } assign;
        struct {
            Word key, name;
            Expr *value;
        } named;
        struct {
            Vector(Word) names;
            Expr *value;
        } tuple;
        struct {
            Word name;
            Expr *count;
            StmtList body;
        } repeat; /* name.text NULL if only a count */
        struct {
            ExprList values;
        } ret;
    };
};

typedef struct Ast {
    StmtList statements;
    Source *source;
} Ast;

/* Parses one source. Reports every syntax error it can separate; always returns a tree. */
Ast *parse(Arena *arena, Names *names, Diagnostics *diagnostics, Source *source);
/* The same, and what the text consists of: its tokens and comments in their order, without newlines. */
typedef struct Token {
    Span span;
    bool is_comment;
} Token;
typedef Vector(Token) TokenList;
Ast *parse_tokens(Arena *arena, Names *names, Diagnostics *diagnostics, Source *source, TokenList *tokens);
/* Prints the tree back as source in one canonical layout; parsing that text gives the same tree. */
void ast_print(Text *to, const Ast *ast);
void ast_print_expr(Text *to, const Expr *expr);

/* ---- ast_visit.c: calls visit for the expression and everything in it, outermost first */
typedef void ExprVisitor(const Expr *expr, void *context);
void expr_visit(const Expr *expr, ExprVisitor *visit, void *context);
void stmt_visit(const Stmt *stmt, ExprVisitor *visit, void *context);
bool expr_uses_name(const Expr *expr, Name name);

#endif
