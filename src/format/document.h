/* document: a text as pieces that may be broken into lines, as in Wadler's "A prettier printer" and Oppen's before it.
 *
 * A group is written on one line if all of it fits there; else each of its own breaks becomes a newline, and the groups
 * in it are tried one by one. White space is only ever asked for: nothing is written before the next word, so a line
 * never ends in blanks and two requests never add up. A comment ends its line, whatever follows.
 */
#ifndef SGDC_FORMAT_DOCUMENT_H
#define SGDC_FORMAT_DOCUMENT_H
#include "support/support.h"

typedef enum DocumentPieceKind {
    PIECE_WORD,
    PIECE_SPACE,
    PIECE_COLUMN,  /* blanks up to an aligned `=`; none in a group on one line */
    PIECE_BREAK,   /* a newline, or its words in a group on one line */
    PIECE_FILL,    /* a newline only if what follows does not fit */
    PIECE_NEWLINE, /* always */
    PIECE_EMPTY_LINE,
    PIECE_COMMENT,    /* behind what stands on the line */
    PIECE_REMARK,     /* a comment on a line of its own */
    PIECE_OPEN,       /* a group that may be on one line */
    PIECE_OPEN_WIDE,  /* a group that may not */
    PIECE_OPEN_TIGHT, /* one that has to, but for comments; others are not in it */
    PIECE_CLOSE,
    PIECE_INDENT /* width: columns more or less */
} DocumentPieceKind;

typedef struct DocumentPiece {
    DocumentPieceKind kind;
    const char *bytes;
    size_t length;
    int width;
} DocumentPiece;

typedef struct Document {
    Arena *arena;
    Vector(DocumentPiece) pieces;
} Document;

void document_word(Document *document, const char *bytes, size_t length);
void document_put(Document *document, DocumentPieceKind kind);
void document_break(Document *document, const char *flat); /* "", " " or "; " */
void document_comment(Document *document, DocumentPieceKind kind, const char *bytes, size_t length);
void document_indent(Document *document, int columns);
/* Of pieces from..to on one line; -1 if they cannot be on one. */
int document_width(const Document *document, int from, int to);
/* Lines of at most so many columns, as far as there are places to break. */
void document_print(const Document *document, int columns, Text *to);

#endif
