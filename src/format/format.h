/* format: the one style of programs (sgdc fmt, and what editors ask for).
 *
 *   format.c     a source in the style, and the proof that it still means the same
 *   write.c      what may break where: a walk over the tree that takes up the tokens
 *   tokens.c     tokens and comments in their order;  write.h: what these share
 *   align.c      columns: statements whose `=` stand below each other
 *   document.c     breaks lines where they do not fit;  document.h: what it is told
 *
 * The style, which docs/editors.md describes: the formatter changes white space, and `;` where a line ends anyway. It
 * leaves every other token and every comment, so that a formatted program has the same tree. Line breaks between
 * statements are the author's, at most one empty line in a row; those inside statements are made where a statement does
 * not fit into STYLE_COLUMNS. Formatting what was formatted changes nothing.
 */
#ifndef SGDC_FORMAT_H
#define SGDC_FORMAT_H
#include "frontend/ast.h"

enum { STYLE_COLUMNS = 120, STYLE_INDENT = 2 };

/* The source in the style, with its length; NULL after the diagnostics of syntax errors. It asks for no other file. NULL
 * without a diagnostic is a defect: the result would have meant something else. */
const char *format_source(Arena *arena, Diagnostics *diagnostics, Source *source, size_t *length);

#endif
