/* separator_state: what the separator keeps from token to token and messages change too: open brackets, panic, the end. */
#include "frontend/parse.h"
#include "parser.h"

Bracket innermost_bracket(const Parse *parse) {
    return parse->open.count > 0 ? parse->open.items[parse->open.count - 1] : (Bracket){0};
}

void close_round_and_square(Parse *parse) {
    while (innermost_bracket(parse).kind == '(' || innermost_bracket(parse).kind == '[') parse->open.count--;
}

void separator_stop(Parse *parse) {
    uint32_t at = parse->seen[0].span.end;
    parse->queued = (RawToken){.kind = YYEOF, .span = {at, at}};
    parse->has_queued = true;
    parse->ended = true;
    close_round_and_square(parse);
}

void separator_close_round_and_square(Parse *parse) {
    Bracket last = innermost_bracket(parse);
    bool is_new = last.kind && last.span.begin == parse->seen[0].span.begin;
    if (is_new) parse->open.count--;
    close_round_and_square(parse);
    if (is_new) vector_push(parse->arena, &parse->open, last);
}

void separator_panic(Parse *parse) { parse->panic = true; }

bool is_statement_word(int kind) {
    switch (kind) {
    case MODEL:
    case LAYER:
    case DEF:
    case LOSS:
    case METRIC:
    case DATA:
    case UPDATE:
    case INCLUDE:
    case STATE:
    case RETURN:
    case REPEAT: return true;
    default: return false;
    }
}
