/* write: what the files of the formatter share with nobody else. */
#ifndef SGDC_FORMAT_WRITE_H
#define SGDC_FORMAT_WRITE_H
#include "format/format.h"
#include "format/document.h"

/* Every token is taken once, in its order; the tree says which one comes next. */
typedef struct Writer {
    Document document;
    const Source *source;
    TokenList tokens;
    int next;
    bool differs; /* the tree asked for another token */
} Writer;

/* ---- tokens.c ---------------------------------------------------------------------------------- */
void take(Writer *w);                          /* the next token, behind the comments before it */
void take_as(Writer *w, const char *expected); /* the same; it has to be this one */
/* The token stands before the comments that stand before it: a comma, an opening brace. */
void take_early(Writer *w, const char *expected);
/* The token stands behind the comments that follow it, at a place to break: an operator. */
void take_late(Writer *w, const char *expected);
void take_comments(Writer *w); /* before the next token */
bool next_is(const Writer *w, const char *token);
uint32_t next_begin(const Writer *w); /* of the next token, comments passed over; the end if there is none */
/* Comments and semicolons before a statement or the end of its block, with the author's empty lines. after_code: a
 * statement stands before them in the block. Returns how many lines lie between what was there and the statement. */
int take_between(Writer *w, bool after_code);
/* Is there a newline between both places? */
bool breaks_between(const Writer *w, uint32_t from, uint32_t to);

/* ---- write.c ------------------------------------------------------------------------------------ */
void write_program(Writer *w, const StmtList *statements);

/* ---- align.c ------------------------------------------------------------------------------------ */
/* Statements of one kind, whose columns are aligned where they are neighbours. */
typedef enum RowKind {
    ROW_NONE,
    ROW_SETTING,    /* key = e */
    ROW_ELEMENTS,   /* y[i] = e */
    ROW_NAMED,      /* minimize fit = e, state m = e */
    ROW_TYPED,      /* x: f32 = e */
    ROW_DEFINITION, /* def f(x) = e, on one line */
    ROW_BLOCK,      /* train fit { e }, on one line */
    ROW_LIKE_BLOCK  /* train fit like other { e }, on one line */
} RowKind;
enum { MOST_COLUMNS = 2 };

typedef struct Row {
    RowKind kind;
    int begin, end;                   /* pieces of the statement */
    int columns[MOST_COLUMNS], count; /* pieces of PIECE_COLUMN */
    bool follows;                     /* the row before is on the line before */
    int paragraph;
} Row;
typedef Vector(Row) RowList;
/* A column begins here. */
void row_column(Writer *w, Row *row);
/* settings: those of a paragraph are aligned whatever stands between them. */
void align_rows(Writer *w, RowList *rows, bool settings);

#endif
