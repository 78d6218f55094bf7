/* document: decides line breaks, then sets comments that end neighbouring lines below each other.
 *
 * One pass over the pieces. When a group opens, fits() looks ahead as far as a line is long and no further, so the whole
 * takes time in proportion to the text. The stack holds for each open group whether it is broken.
 */
#include "format/document.h"

#include <string.h>

/* Comments whose places differ by more are not aligned. */
enum { MOST_COMMENT_SHIFT = 40, BEFORE_COMMENT = 2 };

/* ---- pieces ------------------------------------------------------------------------------------ */
static int columns_of(const char *bytes, size_t length) {
    int columns = 0;
    for (size_t i = 0; i < length; i++) columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return columns;
}

static void push(Document *document, DocumentPiece piece) { vector_push(document->arena, &document->pieces, piece); }

void document_word(Document *document, const char *bytes, size_t length) {
    push(document, (DocumentPiece){PIECE_WORD, bytes, length, columns_of(bytes, length)});
}

void document_put(Document *document, DocumentPieceKind kind) {
    push(document, (DocumentPiece){.kind = kind, .width = kind == PIECE_SPACE});
}

void document_break(Document *document, const char *flat) {
    push(document, (DocumentPiece){PIECE_BREAK, flat, strlen(flat), (int)strlen(flat)});
}

void document_comment(Document *document, DocumentPieceKind kind, const char *bytes, size_t length) {
    push(document, (DocumentPiece){kind, bytes, length, 0});
}

void document_indent(Document *document, int columns) {
    push(document, (DocumentPiece){.kind = PIECE_INDENT, .width = columns});
}

static bool ends_line(DocumentPieceKind kind) {
    return kind == PIECE_NEWLINE || kind == PIECE_EMPTY_LINE || kind == PIECE_COMMENT || kind == PIECE_REMARK;
}

static bool is_open(DocumentPieceKind kind) {
    return kind == PIECE_OPEN || kind == PIECE_OPEN_WIDE || kind == PIECE_OPEN_TIGHT;
}

/* What the piece takes in a group on one line. */
static int flat_width(const DocumentPiece *piece) {
    bool shown = piece->kind == PIECE_WORD || piece->kind == PIECE_SPACE || piece->kind == PIECE_BREAK;
    return shown ? piece->width : piece->kind == PIECE_FILL;
}

int document_width(const Document *document, int from, int to) {
    int width = 0;
    for (int i = from; i < to; i++) {
        const DocumentPiece *piece = &document->pieces.items[i];
        if (ends_line(piece->kind) || piece->kind == PIECE_OPEN_WIDE) return -1;
        width += flat_width(piece);
    }
    return width;
}

/* ---- lines ------------------------------------------------------------------------------------- */
/* A comment behind code: where it begins in the text, and in its line. */
typedef struct LineComment {
    size_t at;
    int line, column, indent, shift;
} LineComment;

typedef struct LinePrinter {
    const Document *document;
    int columns;
    Text text;
    int indent, column, line, line_indent;
    int spaces, newlines; /* asked for since the last word */
    bool has_comment;     /* on this line */
    Vector(bool) broken;
    Vector(LineComment) comments;
} LinePrinter;

/* Is there room for what begins at piece `i`, up to the next place where a line can end? */
static bool fits(const LinePrinter *p, int i, bool is_group) {
    int column = (p->newlines ? p->indent : p->column + p->spaces), depth = 0, tight = 0;
    bool inside = is_group;
    for (; i < p->document->pieces.count && column <= p->columns; i++) {
        const DocumentPiece *piece = &p->document->pieces.items[i];
        if (ends_line(piece->kind)) return !inside;
        if (piece->kind == PIECE_OPEN_WIDE && inside) return false;
        depth += is_open(piece->kind);
        tight += piece->kind == PIECE_OPEN_TIGHT;
        if (piece->kind == PIECE_CLOSE) {
            if (tight) tight--;
            if (--depth <= 0) inside = false;
            if (!is_group && depth < 0) return true;
        }
        bool can_end = (piece->kind == PIECE_BREAK || piece->kind == PIECE_FILL) && !tight;
        if (can_end && (is_group ? !inside : depth == 0)) return true;
        column += flat_width(piece);
    }
    return column <= p->columns;
}

/* Does a line end in the group that opens at piece `i`? */
static bool has_line_end(const Document *document, int i) {
    int depth = 0;
    do {
        const DocumentPiece *piece = &document->pieces.items[i++];
        if (ends_line(piece->kind)) return true;
        depth += is_open(piece->kind) - (piece->kind == PIECE_CLOSE);
    } while (depth > 0);
    return false;
}

static void write_space(LinePrinter *p) {
    if (p->newlines && p->text.length) {
        for (int i = 0; i < p->newlines; i++) text_add(&p->text, "\n");
        p->line += p->newlines;
        p->has_comment = false;
        p->column = 0;
    }
    if (p->newlines || !p->text.length) {
        p->line_indent = p->indent;
        p->spaces = p->indent;
    }
    text_add(&p->text, "%*s", p->spaces, "");
    p->column += p->spaces;
    p->spaces = p->newlines = 0;
}

static void ask_newline(LinePrinter *p, int count) {
    if (p->newlines < count) p->newlines = count;
}

static void write_word(LinePrinter *p, const DocumentPiece *piece) {
    write_space(p);
    text_add_bytes(&p->text, piece->bytes, piece->length);
    p->column += piece->width;
}

/* A newline that was asked for waits until the comment stands. */
static void write_comment(LinePrinter *p, const DocumentPiece *piece) {
    bool alone = piece->kind == PIECE_REMARK || p->has_comment || !p->text.length;
    if (alone) {
        ask_newline(p, 1);
        write_space(p);
    } else {
        vector_push(p->document->arena, &p->comments,
                    ((LineComment){p->text.length, p->line, p->column, p->line_indent, 0}));
        text_add(&p->text, "%*s", BEFORE_COMMENT, "");
    }
    text_add_bytes(&p->text, piece->bytes, piece->length);
    p->has_comment = true;
    ask_newline(p, 1);
}

static void write_break(LinePrinter *p, int i) {
    const DocumentPiece *piece = &p->document->pieces.items[i];
    bool broken = p->broken.items[p->broken.count - 1];
    if (piece->kind == PIECE_FILL) {
        p->spaces++;
        if (broken && !fits(p, i + 1, false)) ask_newline(p, 1);
    } else if (broken)
        ask_newline(p, 1);
    else {
        size_t words = strcspn(piece->bytes, " ");
        if (words) write_word(p, &(DocumentPiece){PIECE_WORD, piece->bytes, words, (int)words});
        p->spaces += (int)(piece->length - words);
    }
}

static void write_piece(LinePrinter *p, int i) {
    const DocumentPiece *piece = &p->document->pieces.items[i];
    switch (piece->kind) {
    case PIECE_WORD: write_word(p, piece); break;
    case PIECE_SPACE: p->spaces++; break;
    case PIECE_COLUMN: p->spaces += p->broken.items[p->broken.count - 1] ? piece->width : 0; break;
    case PIECE_BREAK:
    case PIECE_FILL: write_break(p, i); break;
    case PIECE_NEWLINE: ask_newline(p, 1); break;
    case PIECE_EMPTY_LINE: ask_newline(p, 2); break;
    case PIECE_COMMENT:
    case PIECE_REMARK: write_comment(p, piece); break;
    case PIECE_OPEN: vector_push(p->document->arena, &p->broken, !fits(p, i, true)); break;
    case PIECE_OPEN_WIDE: vector_push(p->document->arena, &p->broken, true); break;
    case PIECE_OPEN_TIGHT: vector_push(p->document->arena, &p->broken, has_line_end(p->document, i)); break;
    case PIECE_CLOSE: p->broken.count--; break;
    case PIECE_INDENT: p->indent += piece->width; break;
    }
}

/* ---- comments behind code ------------------------------------------------------------------------ */
static void align_comments(LineComment *comments, int count) {
    int least = comments[0].column, widest;
    for (int i = 1; i < count; i++) least = comments[i].column < least ? comments[i].column : least;
    widest = least;
    for (int i = 0; i < count; i++)
        if (comments[i].column <= least + MOST_COMMENT_SHIFT && comments[i].column > widest)
            widest = comments[i].column;
    for (int i = 0; i < count; i++)
        if (comments[i].column < widest) comments[i].shift = widest - comments[i].column;
}

static void write_aligned(LinePrinter *p, Text *to) {
    size_t done = 0;
    int count;
    for (int i = 0; i < p->comments.count; i += count) {
        LineComment *run = &p->comments.items[i];
        for (count = 1; i + count < p->comments.count; count++)
            if (run[count].line != run->line + count || run[count].indent != run->indent) break;
        align_comments(run, count);
    }
    for (int i = 0; i < p->comments.count; i++) {
        const LineComment *comment = &p->comments.items[i];
        text_add_bytes(to, p->text.bytes + done, comment->at - done);
        text_add(to, "%*s", comment->shift, "");
        done = comment->at;
    }
    text_add_bytes(to, p->text.bytes + done, p->text.length - done);
}

void document_print(const Document *document, int columns, Text *to) {
    LinePrinter p = {.document = document, .columns = columns, .text = text_new(document->arena)};
    vector_push(document->arena, &p.broken, true);
    for (int i = 0; i < document->pieces.count; i++) write_piece(&p, i);
    write_aligned(&p, to);
    if (to->length) text_add(to, "\n");
}
