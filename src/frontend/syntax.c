/* syntax: the words in which syntax errors are told.
 *
 * bison says which tokens would have fitted; the separator remembers the last few tokens and the
 * innermost open bracket. From these the likeliest mistake is named: first brackets (what follows
 * an open bracket is misread), then mistakes that we know by their shape (`=` for `==`, a reserved
 * word as a name, a parameter without a type ...), and last what is expected at this place.
 *
 * Each function report_* looks for one mistake, reports it and returns true, or returns false.
 */
#include "frontend/parse.h"

#include "parser.h"

#include <string.h>

static bool expects(Expected expected, const char *name) {
    for (int i = 0; i < expected.count; i++)
        if (strcmp(expected.names[i], name) == 0) return true;
    return false;
}

/* A whole value (an expression) may start here. */
static bool expects_value(Expected expected) { return expects(expected, "number") && expects(expected, "if"); }

/* A value has just ended: an operator may follow. */
static bool expects_operator(Expected expected) { return expects(expected, "'+'") || expects(expected, "=="); }

static bool is_keyword(int kind) {
    switch (kind) {
    /* clang-format off */
    case MODEL: case LAYER: case DEF: case LOSS: case METRIC: case OPTIMIZER: case DATA: case TRAIN:
    case UPDATE: case INCLUDE: case LIKE: case PARAM: case STATE: case RETURN: case REPEAT: case SCAN:
    case IF: case THEN: case ELSE: case FOR: case IN: case AND: case OR: case NOT: case EVERY: case EACH:
        /* clang-format on */
        return true;
    default: return false;
    }
}

static bool is_comparison(int kind) {
    return kind == EQ || kind == NE || kind == LE || kind == GE || kind == '<' || kind == '>' || kind == IN;
}

static bool ends_value(int kind) { return kind == ID || kind == NUM || kind == STR || kind == ')' || kind == ']'; }

static const char *token_text(const Parse *parse, const Seen *token) {
    size_t length = token->span.end - token->span.begin;
    const char *bytes = parse->source->text + (token->span.begin - parse->source->base);
    bool is_short = length < 40;
    return text_format(parse->arena, "%.*s%s", (int)(is_short ? length : 37), bytes, is_short ? "" : "...");
}

/* A token in a message: `x`, or what stands there if it has no letters. */
static const char *found_text(const Parse *parse, const Seen *token) {
    if (token->kind == YYEOF) return "the end of the file";
    if (token->kind == SEP && !token->is_semicolon) return "the end of the line";
    if (token->kind == STR) return text_format(parse->arena, "%s", token_text(parse, token));
    return text_format(parse->arena, "`%s`", token_text(parse, token));
}

/* "after `x`", or "at the start of a statement". */
static const char *after_text(const Parse *parse) {
    const Seen *last = &parse->seen[1];
    if (last->kind == 0 || last->kind == SEP || last->kind == '{') return "at the start of a statement";
    return text_format(parse->arena, "after %s", found_text(parse, last));
}

static bool is_round_or_square(Bracket bracket) { return bracket.kind == '(' || bracket.kind == '['; }

static int line_of(const Parse *parse, Span span) { return source_place(parse->diagnostics->map, span.begin).line; }

void syntax_report_depth(Parse *parse, Span span) {
    if (parse->ended) return;
    Diagnostic *deep = report(parse->diagnostics, CODE_E0901, span, "this is nested too deeply");
    add_help(parse->diagnostics, deep, "give names to parts of it; expressions may be %d levels deep, brackets %d",
             MOST_HEIGHT, MOST_OPEN_BRACKETS);
    separator_stop(parse);
}

void syntax_report_unclosed(Parse *parse, Bracket bracket) {
    Diagnostics *d = parse->diagnostics;
    char closing = bracket.kind == '(' ? ')' : bracket.kind == '[' ? ']' : '}';
    Diagnostic *unclosed = report(d, CODE_E0102, bracket.span, "this `%c` is never closed by a `%c`", bracket.kind,
                                  closing);
    if (bracket.kind == '{' && bracket.span.begin == parse->suspect.span.begin)
        add_note(d, unclosed, parse->suspect_line, "its block seems to end before what stands here");
}

/* ---- brackets ---- */

/* Does the bracket around this place get closed? Roughly: by characters. */
static bool is_closed_later(const Parse *parse, Span from) {
    const char *text = parse->source->text + (from.begin - parse->source->base);
    int depth = 1;
    for (int i = 0; i < 10000 && text[i]; i++) {
        if (text[i] == '#' || text[i] == '"') {
            const char *end = strchr(text + i + 1, text[i] == '#' ? '\n' : '"');
            if (!end || end - text > 10000) return false;
            i = (int)(end - text);
        } else if (text[i] == '(' || text[i] == '[')
            depth++;
        else if (text[i] == '{' || text[i] == '}')
            return false;
        else if ((text[i] == ')' || text[i] == ']') && --depth == 0)
            return true;
    }
    return false;
}

static bool report_unclosed(Parse *parse) {
    const Seen *bad = &parse->seen[0];
    Bracket around = parse->around;
    if (!is_round_or_square(around)) return false;
    bool cannot_be_inside = bad->kind == '}' || bad->kind == '{' || bad->kind == ARROW || bad->kind == SEP ||
                            bad->kind == YYEOF;
    bool starts_line = bad->first_on_line && (bad->kind == ID || is_keyword(bad->kind));
    bool starts_statement = bad->first_on_line && is_statement_word(bad->kind);
    bool is_name_behind = bad->kind == '=' && parse->seen[1].first_on_line && parse->seen[1].kind == ID;
    if (!cannot_be_inside && !starts_line && !is_name_behind) return false;
    if (bad->kind != '}' && !starts_statement && is_closed_later(parse, bad->span)) return false;
    syntax_report_unclosed(parse, around);
    separator_close_round_and_square(parse);
    return true;
}

static bool report_unopened(Parse *parse) {
    const Seen *bad = &parse->seen[0];
    Bracket around = parse->around;
    char closing = around.kind == '(' ? ')' : around.kind == '[' ? ']' : '}';
    if (bad->kind != ')' && bad->kind != ']' && bad->kind != '}') return false;
    if (around.kind != 0 && closing == bad->kind) return false;
    Diagnostic *unopened;
    if (is_round_or_square(around)) {
        unopened = report(parse->diagnostics, CODE_E0103, bad->span,
                          "this `%c` cannot close the `%c`: a `%c` is missing", bad->kind, around.kind, closing);
        add_note(parse->diagnostics, unopened, around.span, "the `%c` is opened here", around.kind);
    } else
        report(parse->diagnostics, CODE_E0103, bad->span, "this `%c` closes nothing", bad->kind);
    return true;
}

bool syntax_report_semicolon(Parse *parse, Span span) {
    if (parse->ended || !is_closed_later(parse, span)) return false;
    report(parse->diagnostics, CODE_E0113, span, "a `;` ends a statement and cannot stand inside `%c`",
           parse->around.kind);
    return true;
}

/* ---- `=` ---- */

/* The first token of the statement in which seen[0] stands, if it is remembered. */
static const Seen *statement_start(const Parse *parse) {
    for (int i = 0; i < SEEN_KEPT; i++)
        if (parse->seen[i].first_in_statement) return &parse->seen[i];
    return NULL;
}

static const char *reserved_advice(int kind) {
    switch (kind) {
    case LOSS: return "in a train block the loss is given by `minimize = ...`";
    case METRIC: return "in a train block a metric is given by `measure accuracy = ...`";
    case MODEL:
    case LAYER:
    case DEF: return "definitions look like `model line(x: f32[2]) -> f32 { ... }`";
    case STATE: return "a state looks like `state m = 0`";
    case EACH: return "one run per value is written `lr = each [0.1, 0.01]`";
    case EVERY: return "an interval is written `report = every 10 epochs`";
    default: return "choose another name";
    }
}

static bool report_reserved(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    const Seen *word = NULL;
    bool sets = bad->kind == '=' || bad->kind == ':' || bad->kind == ',';
    if (is_keyword(last->kind) && sets && (last->first_in_statement || expects(expected, "name")))
        word = last;
    else if (is_keyword(bad->kind) && !bad->first_on_line && expects(expected, "name") &&
             !(expects_value(expected) && (bad->kind == IN || bad->kind == FOR)))
        word = bad;
    if (!word || (word == last && last->kind == RETURN)) return false;
    Diagnostic *reserved = report(parse->diagnostics, CODE_E0107, word->span,
                                  "`%s` is a word of the language and cannot be a name here", token_text(parse, word));
    add_help(parse->diagnostics, reserved, "%s",
             word == bad && word->kind == LOSS ? "what is reported is train.loss or valid.loss"
                                               : reserved_advice(word->kind));
    return true;
}

static bool report_untyped(Parse *parse) {
    const Seen *name = &parse->seen[1];
    if (parse->seen[2].kind != PARAM || name->kind != ID || !parse->seen[2].first_in_statement) return false;
    const char *shown = token_text(parse, name);
    Diagnostic *untyped = report(parse->diagnostics, CODE_E0110, name->span, "the parameter `%s` needs a type", shown);
    add_help(parse->diagnostics, untyped, "write `param %s: f32 = ...`, or `f32[5]` for five numbers", shown);
    return true;
}

static bool report_equals(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *name = &parse->seen[1], *before = &parse->seen[2];
    Diagnostics *d = parse->diagnostics;
    if (bad->kind == EQ && name->first_in_statement && name->kind == ID) {
        Diagnostic *equals = report(d, CODE_E0109, bad->span, "`==` asks whether two values are equal");
        add_help(d, equals, "to name a value, write `%s = ...`", token_text(parse, name));
        return true;
    }
    if (bad->kind != '=') return false;
    if (name->kind == ID && name->first_on_line && before->kind != SEP && !is_round_or_square(parse->around) &&
        before->kind != '{' && before->kind != '}') {
        report(d, CODE_E0111, before->span, "a value is missing after `%s`", token_text(parse, before));
        return true;
    }
    if (name->kind == ID && before->kind == NUM && !is_round_or_square(parse->around)) {
        if (expects(expected, "'{'"))
            report(d, CODE_E0114, name->span, "expected `{` after `%s`, found `%s`", token_text(parse, before),
                   token_text(parse, name));
        else
            report(d, CODE_E0101, name->span, "a `;` or a new line is missing before `%s`", token_text(parse, name));
        return true;
    }
    if (!expects(expected, "==")) return false;
    Diagnostic *equals = report(d, CODE_E0109, bad->span, "`=` gives a name to a value and cannot stand inside one");
    add_help(d, equals, "to ask whether two values are equal, write `==`");
    return true;
}

/* ---- statements ---- */

static const char *const statement_words[] = {
    "model", "layer",  "def",     "loss",  "metric", "optimizer", "data",
    "train", "update", "include", "param", "state",  "return",    "repeat",
};

/* Words of other languages, and what takes their place. */
static const char *foreign_advice(const char *word) {
    static const char *const advice[][2] = {
        {"import", "another file is read by `include \"file.sgd\"`"},
        {"from", "another file is read by `include \"file.sgd\"`"},
        {"class", "a model is written `model name(x: f32[n]) -> f32 { ... }`"},
        {"fn", "a function is written `def name(x: f32) -> f32 = ...`"},
        {"func", "a function is written `def name(x: f32) -> f32 = ...`"},
        {"function", "a function is written `def name(x: f32) -> f32 = ...`"},
        {"let", "a value is named by `name = ...` alone"},
        {"var", "a value is named by `name = ...` alone"},
        {"const", "a value is named by `name = ...` alone"},
        {"while", "there are no loops that depend on data; `repeat 4 { ... }` repeats"},
        {"print", "what is reported is set by `measure name = ...` in a train block"},
    };
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (strcmp(word, advice[i][0]) == 0) return advice[i][1];
    return NULL;
}

/* A statement that starts with a name no statement starts with: `modle line(`, `repaet 4 {`. */
static bool report_first_word(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *start = statement_start(parse);
    if (!start || start->kind != ID || start == bad) return false;
    if (!expects(expected, "'='") && !expects(expected, "name")) return false;
    if (start == &parse->seen[1] && bad->kind != NUM && bad->kind != STR && bad->kind != '{') return false;
    if (start != &parse->seen[1] && (start != &parse->seen[2] || parse->seen[1].kind != ID)) return false;
    const char *word = token_text(parse, start);
    const char *advice = foreign_advice(word);
    const char *near = nearest_name(word, statement_words, sizeof statement_words / sizeof *statement_words);
    if (!advice && !near) return false;
    Diagnostic *wrong = report(parse->diagnostics, CODE_E0101, start->span, "`%s` does not start a statement", word);
    if (advice)
        add_help(parse->diagnostics, wrong, "%s", advice);
    else
        add_help(parse->diagnostics, wrong, "did you mean `%s`?", near);
    return true;
}

static bool report_not_a_statement(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0];
    Diagnostics *d = parse->diagnostics;
    if (!bad->first_in_statement || !expects(expected, "return")) return false;
    Diagnostic *wrong;
    switch (bad->kind) {
    case FOR:
        wrong = report(d, CODE_E0108, bad->span, "`for` does not start a statement");
        add_help(d, wrong,
                 "bind indices, as in `y[i] = x[i]^2` or `sum(x[i] for i)`; "
                 "`repeat 4 { ... }` repeats layers");
        return true;
    case IF:
        wrong = report(d, CODE_E0108, bad->span, "`if` does not start a statement");
        add_help(d, wrong, "it chooses a value: `h = if wide then dense(x, 64) else dense(x, 8)`");
        return true;
    case SCAN:
        wrong = report(d, CODE_E0108, bad->span, "the result of `scan` needs a name");
        add_help(d, wrong, "write `h = scan ...` or `return scan ...`");
        return true;
    case '{':
        report(d, CODE_E0101, bad->span,
               "a block follows a `model`, `data`, `train`, `repeat` or the like; alone it means nothing");
        return true;
    default:
        wrong = report(d, CODE_E0108, bad->span, "a statement cannot start with %s", found_text(parse, bad));
        if (bad->kind == FLOORDIV)
            add_help(d, wrong, "a comment starts with `#`");
        else
            add_help(d, wrong, "a statement starts with a word, as in `y = ...`, `param w: f32[5]` or `return ...`");
        return true;
    }
}

/* `// words`: `//` divides, so the words behind it are read as values, and the second one fits nowhere. */
static bool report_foreign_comment(Parse *parse) {
    const Seen *bad = &parse->seen[0], *slashes = NULL;
    for (int i = 0; i < SEEN_KEPT && !slashes; i++)
        if (parse->seen[i].kind == FLOORDIV) slashes = &parse->seen[i];
    if (!slashes || line_of(parse, slashes->span) != line_of(parse, bad->span)) return false;
    bool stands_first = slashes->first_on_line || slashes == bad;
    if (!stands_first && bad->kind != ID && !is_keyword(bad->kind) && bad->kind != '.') return false;
    Diagnostic *comment = report(parse->diagnostics, CODE_E0101, slashes->span,
                                 "`//` divides and rounds down, and what follows is no value");
    add_help(parse->diagnostics, comment, "a comment starts with `#`");
    return true;
}

/* `f32(4)` where a type stands. */
static bool report_round_type(Parse *parse, Expected expected) {
    static const char *const types[] = {"f32", "f64", "i32", "bool", "real", "label"};
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    if (bad->kind != '(' || last->kind != ID || expects_operator(expected)) return false;
    const char *word = token_text(parse, last);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(word, types[i]) != 0) continue;
        Diagnostic *round = report(parse->diagnostics, CODE_E0101, bad->span,
                                   "the sizes of a type stand in square brackets");
        add_help(parse->diagnostics, round, "like this: `%s[4]`, or `%s[28, 28]` with two axes", word, word);
        return true;
    }
    return false;
}

static bool report_without_effect(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    Diagnostics *d = parse->diagnostics;
    bool is_call = last->kind == ID && last->first_in_statement && bad->kind == '(';
    bool ends = bad->kind == SEP || bad->kind == '}' || bad->kind == YYEOF;
    bool starts_value = bad->kind == ID || bad->kind == NUM || bad->kind == STR || is_keyword(bad->kind);
    bool is_name = last->kind == ID && last->first_in_statement && !is_call && !starts_value && bad->kind != '{' &&
                   (ends || expects(expected, "'='"));
    bool is_index = last->kind == ']' && expects(expected, "'='") && expected.count == 1;
    if (!is_call && !is_name && !is_index) return false;
    const Seen *start = is_index ? last : &parse->seen[1];
    Diagnostic *idle = report(d, CODE_E0108, start->span, "this statement computes a value and does nothing with it");
    if (is_index)
        add_help(d, idle, "give the elements a value: `y[i] = ...`");
    else
        add_help(d, idle, "name the value, as in `h = %s%s`, or `return` it", token_text(parse, start),
                 is_call ? "(...)"
                 : ends  ? ""
                         : " ...");
    return true;
}

/* On the left of `=`: y[0] or y[i + 1]. */
static bool report_element(Parse *parse, Expected expected) {
    bool is_number = parse->seen[0].kind == NUM && parse->seen[1].kind == '[' && parse->seen[2].first_in_statement;
    bool is_sum = parse->around.kind == '[' && expects(expected, "in") && expects(expected, "']'") &&
                  !expects_operator(expected) && parse->seen[0].kind != ID;
    if (!is_number && !is_sum) return false;
    Diagnostic *element = report(parse->diagnostics, CODE_E0101, parse->seen[0].span,
                                 "left of `=`, brackets give names to indices; found %s",
                                 found_text(parse, &parse->seen[0]));
    if (is_number)
        add_help(parse->diagnostics, element, "`y[i] = ...` defines all elements, `y = [a, b]` lists them");
    else
        add_help(parse->diagnostics, element, "compute with the index on the right: `y[i] = x[i + 1]`");
    return true;
}

static bool report_chained(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0];
    if (!is_comparison(bad->kind) || !expects(expected, "'+'") || expects(expected, "==")) return false;
    Diagnostic *chained = report(parse->diagnostics, CODE_E0112, bad->span, "two comparisons cannot be chained");
    add_help(parse->diagnostics, chained, "join them by `and`: `0 < x and x < 1`");
    return true;
}

/* ---- what is expected ---- */

static bool report_missing_block(Parse *parse, Expected expected) {
    if (!expects(expected, "'{'") || expects(expected, "'='")) return false;
    report(parse->diagnostics, CODE_E0114, parse->seen[0].span, "expected `{` %s, found %s", after_text(parse),
           found_text(parse, &parse->seen[0]));
    return true;
}

static bool report_missing_value(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    if (!expects_value(expected)) return false;
    Code code = last->kind == '=' || last->kind == '~' ? CODE_E0111 : CODE_E0101;
    bool ends = bad->kind == SEP || bad->kind == YYEOF || bad->first_on_line;
    Span span = ends && last->kind ? last->span : bad->span;
    Diagnostic *missing = report(parse->diagnostics, code, span, "expected a value%s %s, found %s",
                                 expects(expected, "')'") ? " or `)`" : "", after_text(parse), found_text(parse, bad));
    if (last->kind == '%')
        add_help(parse->diagnostics, missing, "`%%` is the remainder of a division; ten percent is 0.1");
    if (bad->kind == '{' && last->kind == '=') add_help(parse->diagnostics, missing, "a block follows without `=`");
    return true;
}

static bool report_missing_separator(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    Diagnostics *d = parse->diagnostics;
    bool is_value = bad->kind == NUM || bad->kind == STR;
    bool is_word = bad->kind == ID || is_value || is_keyword(bad->kind);
    bool in_list = is_round_or_square(parse->around) && expects(expected, "','");
    bool in_head = parse->seen[2].kind == DATA && !expects_operator(expected);
    if (!is_word || in_head || !(ends_value(last->kind) || last->kind == '}')) return false;
    const char *between = text_format(parse->arena, "between %s and %s", found_text(parse, last),
                                      found_text(parse, bad));
    Diagnostic *missing;
    if (in_list && expects_operator(expected))
        missing = report(d, CODE_E0101, bad->span, "a `,` or an operator is missing %s", between);
    else if (!expects(expected, "end of statement"))
        return false;
    else if (is_value)
        missing = report(d, CODE_E0101, bad->span, "an operator is missing %s", between);
    else if (expects_operator(expected) && bad->kind == ID)
        missing = report(d, CODE_E0101, bad->span, "an operator, a `;` or a new line is missing %s", between);
    else
        missing = report(d, CODE_E0101, bad->span, "a `;` or a new line is missing before %s", found_text(parse, bad));
    if (bad->kind == IF)
        add_help(d, missing, "a choice is written `where(c, a, b)`, or `if c then a else b` when compiling");
    if (is_value && last->kind == ID)
        add_help(d, missing, "a call is written `%s(%s)`", token_text(parse, last), token_text(parse, bad));
    return true;
}

/* bison's name of a token as a reader sees it: `{`, a name, a number. */
static const char *shown_name(const Parse *parse, const char *name) {
    if (strcmp(name, "name") == 0 || strcmp(name, "number") == 0 || strcmp(name, "string") == 0)
        return text_format(parse->arena, "a %s", name);
    if (strcmp(name, "end of statement") == 0) return "the end of the statement";
    if (strcmp(name, "end of file") == 0) return "the end of the file";
    size_t length = strlen(name);
    bool quoted = length >= 3 && name[0] == '\'';
    return text_format(parse->arena, "`%.*s`", (int)(quoted ? length - 2 : length), quoted ? name + 1 : name);
}

static const char *list_expected(const Parse *parse, Expected expected) {
    static const char *const telling[] = {
        "name",
        "string",
        "number",
        "'='",
        "'~'",
        "':'",
        "'('",
        "','",
        "')'",
        "']'",
        "'{'",
        "->",
        "then",
        "else",
        "in",
        "for",
        "end of statement",
    };
    const char *found[sizeof telling / sizeof *telling];
    int count = 0;
    bool after_value = expects_operator(expected);
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
        bool tells = expects(expected, telling[i]) &&
                     !(after_value && (strcmp(telling[i], "'('") == 0 || strcmp(telling[i], "in") == 0));
        if (tells) found[count++] = shown_name(parse, telling[i]);
    }
    Text text = text_new(parse->arena);
    if (after_value) text_add(&text, "an operator%s", count == 0 ? "" : count == 1 ? " or " : ", ");
    for (int i = 0; i < count; i++) text_add(&text, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", found[i]);
    return text.length > 0 ? text.bytes : "something else";
}

static void report_expected(Parse *parse, Expected expected) {
    const Seen *bad = &parse->seen[0], *last = &parse->seen[1];
    const char *wanted = list_expected(parse, expected);
    bool only_name = expected.count <= 2 && expects(expected, "name");
    bool after_value = expects_operator(expected);
    if (only_name && last->kind == ':') wanted = "a type";
    bool ends = bad->kind == SEP || bad->kind == YYEOF || bad->first_on_line;
    Span span = ends && last->kind ? last->span : bad->span;
    Diagnostic *unexpected = report(parse->diagnostics, CODE_E0101, span, "expected %s %s, found %s", wanted,
                                    after_text(parse), found_text(parse, bad));
    if (only_name && last->kind == ':')
        add_help(parse->diagnostics, unexpected,
                 "types are f32, f64, i32, bool, label[10], int, and arrays such as f32[28, 28]");
    if (bad->kind == ',' && expects(expected, "end of statement"))
        add_help(parse->diagnostics, unexpected, "a statement ends at the end of its line, or at `;`, without a comma");
    if (bad->kind == ',' && parse->around.kind == '(' && expects(expected, "')'"))
        add_help(parse->diagnostics, unexpected,
                 "round brackets hold one value here: several results are `return a, b`, an array is `[a, b]`");
    if (bad->kind == ':' && expects(expected, "'{'"))
        add_help(parse->diagnostics, unexpected, "what it does stands in `{ }`, or behind `=` if it is one value");
    if (bad->kind == ':' && is_round_or_square(parse->around) && after_value)
        add_help(parse->diagnostics, unexpected, "a range is written `a..b`: 0..4 is 0, 1, 2 and 3");
    if (is_round_or_square(parse->around) && line_of(parse, parse->around.span) < line_of(parse, bad->span))
        add_note(parse->diagnostics, unexpected, parse->around.span, "inside the `%c` that is opened here",
                 parse->around.kind);
}

void syntax_report(Parse *parse, Expected expected) {
    separator_panic(parse);
    if (parse->ended) return;
    bool told = report_unclosed(parse) || report_unopened(parse) || report_foreign_comment(parse) ||
                report_round_type(parse, expected) || report_untyped(parse) || report_chained(parse, expected) ||
                report_reserved(parse, expected) || report_equals(parse, expected) || report_element(parse, expected) ||
                report_first_word(parse, expected) || report_not_a_statement(parse, expected) ||
                report_without_effect(parse, expected) || report_missing_block(parse, expected) ||
                report_missing_value(parse, expected) || report_missing_separator(parse, expected);
    if (!told) report_expected(parse, expected);
}

void syntax_report_scan(Parse *parse, Span span) {
    Diagnostic *d = report(parse->diagnostics, CODE_E0101, span, "a scan has an array for each of its names");
    add_help(parse->diagnostics, d, "like this: `scan xt, mt in x, m { ... }` or `scan xt in x, mt in m { ... }`");
}

void syntax_report_typed_argument(Parse *parse, const Argument *argument) {
    Diagnostic *d = report(parse->diagnostics, CODE_E0101, argument->type->span,
                           "a call gives values, and %s has its type where it is declared", argument->name.text);
    add_help(parse->diagnostics, d, "write `%s = ...`; only arrays in files are typed: npy(%s: u8 = \"file.npy\")",
             argument->name.text, argument->name.text);
}
