/* separator: decides which newlines end statements; keeps what error messages and recovery need.
 *
 * A newline ends a statement unless it lies inside `(` or `[`, the line is incomplete (its last
 * token cannot end a statement), or the next line goes on (its first token cannot start one: an
 * operator, `->`, `{`, `else`). A line that starts with `(` or a number does not go on: to read it
 * as part of the line before would hide a mistake.
 *
 * After a syntax error the parser skips to the next SEP (panic). A bracket that was left open must
 * not swallow the rest of the file meanwhile, so in panic `{`, `}`, a line that starts with a
 * statement's keyword and one that is not indented more than the statement close all `(` and `[`.
 * At the end of the file missing `}` are made up, after one message, so that the parser always
 * finishes its tree.
 */
#include "frontend/parse.h"

#include "parser.h"
#include "lexer.h" /* uses the types of parser.h */

static bool is_top_level_word(int kind) {
    return kind == TRAIN || kind == OPTIMIZER ||
           (is_statement_word(kind) && kind != UPDATE && kind != STATE && kind != RETURN && kind != REPEAT);
}

static bool is_word(int kind) {
    switch (kind) {
    /* clang-format off */
    case ID: case MODEL: case LAYER: case DEF: case LOSS: case METRIC: case OPTIMIZER: case DATA:
    case TRAIN: case UPDATE: case INCLUDE: case LIKE: case PARAM: case STATE: case RETURN: case REPEAT:
    case SCAN: case IF: case THEN: case ELSE: case FOR: case IN: case AND: case OR: case NOT: case EVERY:
    /* clang-format on */
    case EACH: return true;
    default: return false;
    }
}

static bool goes_on_with(int kind) {
    switch (kind) {
    /* clang-format off */
    case LIKE: case THEN: case ELSE: case IN: case AND: case OR: case '{': case ')': case ']': case ',':
    /* clang-format on */
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
    case DOTDOT:
    case ARROW:
    case EQ:
    case NE:
    case LE:
    case GE:
    case FLOORDIV: return true;
    default: return false;
    }
}

static bool can_end_statement(const Parse *parse) {
    const Seen *last = &parse->seen[0];
    switch (last->kind) {
    /* clang-format off */
    case ID: case NUM: case STR: case ')': case ']': case '}': case YYerror:
        /* clang-format on */
        return true;
    case PARAM:
    case TRAIN: return !last->first_in_statement;
    default: return false;
    }
}

/* The line of `raw` begins where it should not while the innermost `{` is open. */
static void suspect_missing_brace(Parse *parse, const RawToken *raw) {
    Bracket bracket = innermost_bracket(parse);
    if (parse->suspect.kind || bracket.kind != '{' || !raw->first_on_line || parse->line == bracket.line) return;
    if ((raw->kind == '}' && parse->line_indent < bracket.indent) ||
        (is_top_level_word(raw->kind) && parse->line_indent <= bracket.indent)) {
        parse->suspect = bracket;
        parse->suspect_line = raw->span;
    }
}

static void track_bracket(Parse *parse, const RawToken *raw) {
    switch (raw->kind) {
    case '(':
    case '[':
    case '{':
        if (parse->panic && raw->kind == '{') close_round_and_square(parse);
        vector_push(parse->arena, &parse->open, ((Bracket){raw->kind, raw->span, parse->line_indent, parse->line}));
        break;
    case ')':
    case ']':
        if (innermost_bracket(parse).kind == '(' || innermost_bracket(parse).kind == '[') parse->open.count--;
        break;
    case '}':
        close_round_and_square(parse);
        if (parse->open.count > 0) parse->open.count--;
        break;
    default: break;
    }
}

static int give(Parse *parse, RawToken *raw, union SyntaxValue *value, Span *span) {
    /* Behind a point every word is a name: train.loss, h.dense.param. */
    if (parse->seen[0].kind == '.' && is_word(raw->kind)) raw->kind = ID;
    parse->around = innermost_bracket(parse);
    bool in_brackets = parse->around.kind == '(' || parse->around.kind == '[';
    if (in_brackets && raw->kind == SEP && (parse->panic || syntax_report_semicolon(parse, raw->span)))
        raw->kind = YYerror;
    int before = parse->seen[0].kind;
    bool first = before == 0 || before == SEP || before == '{' || before == '}';
    if (first) parse->statement_indent = parse->line_indent;
    for (int i = SEEN_KEPT - 1; i > 0; i--) parse->seen[i] = parse->seen[i - 1];
    parse->seen[0] = (Seen){raw->kind, raw->span, raw->first_on_line, first,
                            raw->kind == SEP && raw->value.is_semicolon};
    suspect_missing_brace(parse, raw);
    track_bracket(parse, raw);
    if (raw->kind == SEP) parse->panic = false;
    if (raw->kind == YYerror) separator_panic(parse);
    if (parse->open.count > MOST_OPEN_BRACKETS) {
        syntax_report_depth(parse, raw->span);
        raw->kind = YYerror;
    }
    *value = raw->value;
    *span = raw->span;
    return raw->kind;
}

/* The end of the file, or as if: SEP, the missing `}`, then the end. */
static int give_end(Parse *parse, RawToken *raw, union SyntaxValue *value, Span *span) {
    Bracket bracket = innermost_bracket(parse);
    if (bracket.kind && !parse->ended) {
        if (!parse->panic || bracket.kind == '{')
            syntax_report_unclosed(parse, bracket.kind == '{' && parse->suspect.kind ? parse->suspect : bracket);
        parse->ended = true;
        raw->kind = YYerror;
        close_round_and_square(parse);
        parse->panic = true;
    } else if (bracket.kind)
        raw->kind = '}';
    else
        raw->kind = YYEOF;
    return give(parse, raw, value, span);
}

static bool newline_ends_statement(Parse *parse, const RawToken *next) {
    int around = innermost_bracket(parse).kind;
    bool in_brackets = around == '(' || around == '[';
    bool is_left = is_word(next->kind) && !goes_on_with(next->kind) && parse->line_indent <= parse->statement_indent;
    bool skipped = parse->panic && (is_statement_word(next->kind) || next->kind == '}' || is_left);
    if (skipped) close_round_and_square(parse);
    if (in_brackets || skipped) return skipped;
    if (parse->seen[0].kind == 0 || parse->seen[0].kind == SEP) return false;
    if (is_statement_word(next->kind) && !parse->seen[0].first_in_statement) return true;
    return can_end_statement(parse) && !goes_on_with(next->kind);
}

static RawToken read_raw(Parse *parse, bool *newline_before) {
    RawToken raw = {0};
    *newline_before = false;
    do {
        raw.first_on_line = !parse->line_has_token;
        raw.kind = lexer_lex(&raw.value, &raw.span, parse->scanner);
        *newline_before = *newline_before || raw.kind == NEWLINE;
    } while (raw.kind == NEWLINE);
    if (parse->tokens && raw.kind != YYEOF) vector_push(parse->arena, parse->tokens, ((Token){raw.span, false}));
    if (raw.kind == YYEOF) {
        uint32_t end = parse->source->base + parse->source->length;
        raw.span = (Span){end, end};
    }
    return raw;
}

int separator_next(union SyntaxValue *value, Span *span, Parse *parse) {
    RawToken raw = parse->queued;
    if (!parse->has_queued) {
        bool newline_before;
        raw = read_raw(parse, &newline_before);
        if (newline_before && raw.kind != YYEOF && newline_ends_statement(parse, &raw)) {
            uint32_t end = parse->seen[0].span.end;
            RawToken separator = {.kind = SEP, .span = {end, end}};
            parse->queued = raw;
            parse->has_queued = true;
            return give(parse, &separator, value, span);
        }
    }
    /* The end stays queued: bison may ask again. */
    parse->has_queued = raw.kind == YYEOF;
    if (raw.kind != YYEOF) return give(parse, &raw, value, span);
    parse->queued = raw;
    return give_end(parse, &raw, value, span);
}
