/* Newlines that end statements.
 *
 * The parser asks for one only where a statement can end: never inside brackets, nor behind an operator. What is left to
 * see is whether the next line goes on, by the first word or sign on it (src/frontend/separator.c of sgdc has the same
 * list). Nothing is kept from token to token.
 */
#include "tree_sitter/parser.h"

enum TokenType { NEWLINE };

void *tree_sitter_sgd_external_scanner_create(void) { return NULL; }
void tree_sitter_sgd_external_scanner_destroy(void *payload) { (void)payload; }
void tree_sitter_sgd_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
    (void)payload;
    (void)buffer;
    (void)length;
}
unsigned tree_sitter_sgd_external_scanner_serialize(void *payload, char *buffer) {
    (void)payload;
    (void)buffer;
    return 0;
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == 0xfeff; }

static bool is_word(int32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* like then else in and or */
static bool goes_on_with_word(TSLexer *lexer) {
    static const char *const words[] = {"like", "then", "else", "in", "and", "or"};
    char word[8] = {0};
    unsigned length = 0;
    for (; is_word(lexer->lookahead); lexer->advance(lexer, false))
        if (length < sizeof word - 1) word[length++] = (char)lexer->lookahead;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        unsigned k = 0;
        while (words[i][k] && words[i][k] == word[k]) k++;
        if (words[i][k] == word[k]) return true;
    }
    return false;
}

static bool goes_on(TSLexer *lexer) {
    switch (lexer->lookahead) {
    case '{':
    case ')':
    case ']':
    case ',':
    case ':':
    case '.':
    case '=':
    case '~':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '@':
    case '^':
    case '<':
    case '>':
    case '!': return true;
    default: return is_word(lexer->lookahead) && goes_on_with_word(lexer);
    }
}

bool tree_sitter_sgd_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
    (void)payload;
    if (!valid[NEWLINE]) return false;
    while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
    if (lexer->lookahead != '\n') return false;
    lexer->advance(lexer, true);
    lexer->mark_end(lexer);
    for (;;) {
        while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') lexer->advance(lexer, true);
        if (lexer->lookahead != '#') break;
        while (lexer->lookahead != '\n' && !lexer->eof(lexer)) lexer->advance(lexer, true);
    }
    lexer->result_symbol = NEWLINE;
    return !goes_on(lexer);
}
