/* The parser: trees, newlines, docs, the printer, and that nothing crashes it. */
#include "frontend/ast.h"

#include "mutations.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct Parsed {
    Arena *arena;
    Diagnostics *d;
    Ast *ast;
    const char *printed;
} Parsed;

static Parsed parse_bytes(const char *text, size_t length) {
    Parsed p = {.arena = arena_new()};
    SourceMap *map = source_map_new(p.arena);
    p.d = diagnostics_new(p.arena, map);
    p.ast = parse(p.arena, names_new(p.arena), p.d, source_add(map, "a.sgd", text, length));
    Text printed = text_new(p.arena);
    ast_print(&printed, p.ast);
    p.printed = printed.bytes;
    return p;
}

static Parsed parse_text(const char *text) { return parse_bytes(text, strlen(text)); }

/* What the text prints as; every accepted text prints as one that prints as itself. */
static void check_print(const char *text, const char *printed) {
    Parsed first = parse_text(text);
    cr_assert_eq(first.d->errors, 0, "%s", text);
    cr_assert_str_eq(first.printed, printed);
    Parsed second = parse_text(first.printed);
    cr_assert_eq(second.d->errors, 0, "%s", first.printed);
    cr_assert_str_eq(second.printed, printed);
    arena_free(first.arena);
    arena_free(second.arena);
}

static void check_error(const char *text, const char *code, int errors) {
    Parsed p = parse_text(text);
    cr_assert_eq(p.d->errors, errors, "%s: %d errors", text, p.d->errors);
    cr_assert_str_eq(code_name(p.d->first->code), code, "%s: %s", text, p.d->first->message);
    arena_free(p.arena);
}

Test(parser, precedence) {
    check_print("y = -x^2", "y = -x^2\n");
    check_print("y = (-x)^2", "y = (-x)^2\n");
    check_print("y = 2^3^4 + (2^3)^4", "y = 2^3^4 + (2^3)^4\n");
    check_print("y = x^-2*z", "y = x^-2 * z\n");
    check_print("y = a-(b-c)-d", "y = a - (b - c) - d\n");
    check_print("y = (a*b)/c*(d//e)", "y = a * b / c * (d // e)\n");
    check_print("y = not a == b and c or d", "y = not a == b and c or d\n");
    check_print("y = not (a and b)", "y = not (a and b)\n");
    check_print("y = 0..n+1", "y = 0..n + 1\n");
    check_print("y = (if a then b else c) + 1", "y = (if a then b else c) + 1\n");
    check_print("y = if a then b else c + 1", "y = if a then b else c + 1\n");
    check_print("y = each [1, 2] ; z = every 10 epochs", "y = each [1, 2]\nz = every 10 epochs\n");
    check_print("y = (a + b).c[i](d)", "y = (a + b).c[i](d)\n");
}

Test(parser, a_newline_ends_a_complete_statement) {
    check_print("a = 1\nb = 2", "a = 1\nb = 2\n");
    check_print("a = 1;b = 2;;\n;", "a = 1\nb = 2\n");
    check_print("a = 1 +\n\n 2", "a = 1 + 2\n");
    check_print("a = 1\n  + 2\n  - 3", "a = 1 + 2 - 3\n");
    check_print("a = f(x\n,\ny)", "a = f(x, y)\n");
    check_print("a = [1,\n2\n]", "a = [1, 2]\n");
    check_print("a = if x\nthen y\nelse z", "a = if x then y else z\n");
    check_print("def f(x)\n-> f32\n= x", "def f(x) -> f32 = x\n");
    check_print("train t\nlike u\n{\nx = 1 }", "train t like u {\n  x = 1\n}\n");
    check_print("a = param\nb = train\nparam w: f32", "a = param\nb = train\nparam w: f32\n");
    check_print("a =\r\n  1\r\nb = 2\r\n", "a = 1\nb = 2\n");
    check_error("a = f\n(x)", "E0108", 1);
}

Test(parser, statements) {
    check_print("minimize fit = mse(p, y)", "minimize fit = mse(p, y)\n");
    check_print("optimizer[net.head] = sgd(lr=0.1)", "optimizer[net.head] = sgd(lr = 0.1)\n");
    check_print("y[i in 0..3, j] = x[i, .., 2.., ..-1, 2..5]", "y[i in 0..3, j] = x[i, .., 2.., ..-1, 2..5]\n");
    check_print("a, b = f(x)", "a, b = f(x)\n");
    check_print("e: f32[..s] ~ normal(0, 1)", "e: f32[..s] ~ normal(0, 1)\n");
    check_print("x: label[vocab][t]", "x: label[vocab][t]\n");
    check_print("repeat (n + 1) { repeat w in [1, 2] { h = f(h) } }",
                "repeat (n + 1) {\n  repeat w in [1, 2] {\n    h = f(h)\n  }\n}\n");
    check_print("model e(x: f32, k = 3, m: int = 2) -> (mu: f32, lv: f32) { return mu, lv }",
                "model e(x: f32, k = 3, m: int = 2) -> (mu: f32, lv: f32) {\n  return mu, lv\n}\n");
    check_print("y = sum(a[i] for i, j in 0..3) + [k for k in 0..2][0]",
                "y = sum(a[i] for i, j in 0..3) + [k for k in 0..2][0]\n");
    check_print("y = scan x in xs, z in zs { state h = 0; return h }",
                "y = scan x in xs, z in zs {\n  state h = 0\n  return h\n}\n");
    check_print("include \"a\\\"b\\\\c\\t.sgd\"", "include \"a\\\"b\\\\c\\t.sgd\"\n");
    check_print("data = d\noptimizer = o\nparam = param - lr * grad",
                "data = d\noptimizer = o\nparam = param - lr * grad\n");
    check_print("x = train.loss + net.param.data", "x = train.loss + net.param.data\n");
    check_print("n = 1_000 + 1e-3 + 0.5", "n = 1_000 + 1e-3 + 0.5\n");
    check_print("data empty { }", "data empty {\n}\n");
    check_print("\xef\xbb\xbf"
                "x = 1 # comment",
                "x = 1\n");
    check_print("", "");
}

Test(parser, docs_belong_to_their_line_or_the_next_declaration) {
    check_print("## a line\n## fit\nmodel m(x) = x\nx = 1  ## behind",
                "## a line\n## fit\nmodel m(x) = x\nx = 1  ## behind\n");
    check_print("data d { ## rows\n  v: f32[8]   ## volts\n  ## force\n  y: f32\n  ## lost\n}",
                "## rows\ndata d {\n  v: f32[8]  ## volts\n  y: f32  ## force\n}\n");
    check_print("data d { x: f32 } ## all of it", "## all of it\ndata d {\n  x: f32\n}\n");
    check_print("a = f(1, ## one\n 2) ## two\n#### not a doc\nb = 2", "## one\n## two\na = f(1, 2)\nb = 2\n");
}

Test(parser, numbers_and_strings_have_values) {
    Parsed p = parse_text("a = 1_000\nb = 2.5e3\nc = 3 epochs\nd = \"x\\n\\\"\"");
    cr_assert_eq(p.d->errors, 0);
    Expr *a = p.ast->statements.items[0]->assign.value, *b = p.ast->statements.items[1]->assign.value;
    Expr *c = p.ast->statements.items[2]->assign.value, *d = p.ast->statements.items[3]->assign.value;
    cr_assert(a->kind == EXPR_NUMBER && a->number.value == 1000 && a->number.is_integer);
    cr_assert(b->kind == EXPR_NUMBER && b->number.value == 2500 && !b->number.is_integer);
    cr_assert(c->kind == EXPR_QUANTITY && c->quantity.value == 3 && c->quantity.is_integer);
    cr_assert_str_eq(c->quantity.unit.text, "epochs");
    cr_assert(d->kind == EXPR_STRING && d->string.length == 3 && memcmp(d->string.bytes, "x\n\"", 3) == 0);
    cr_assert_eq(c->span.begin, 25);
    cr_assert_eq(c->span.end, 33);
    arena_free(p.arena);
}

Test(parser, one_mistake_gives_one_message) {
    check_error("x = f(a, b\ny = 3\n", "E0102", 1);
    check_error("model m(x) {\n  return f(x\n}\ntrain t { data = d }", "E0102", 1);
    check_error("model m(x: f32[2] -> f32 {\n  y = x\n  return y\n}\ntrain t { data = d }", "E0102", 1);
    check_error("model m(x) {\n  return x\n\ntrain t {\n  data = d\n}\n", "E0102", 1);
    check_error("train t {\n  data = d\n}\n}\ntrain u like t { }", "E0103", 1);
    check_error("x = (a]", "E0103", 1);
    check_error("x = $a + b", "E0104", 1);
    check_error("x = a && b || !c", "E0104", 3);
    check_error("x = f('a')", "E0104", 1);
    check_error("data d = csv(\"a) {\n  x: f32 = column(0)\n}\n", "E0105", 1);
    check_error("x = 1. + .5 + 1e", "E0106", 3);
    check_error("x = 1.5.2", "E0106", 1);
    check_error("loss = x", "E0107", 1);
    check_error("def f(model) = 3", "E0107", 1);
    check_error("dense(x, 10)", "E0108", 1);
    check_error("for i in 0..3 { x = i }", "E0108", 1);
    check_error("y == x", "E0109", 1);
    check_error("y = if a = b then c else d", "E0109", 1);
    check_error("param w = 0", "E0110", 1);
    check_error("train t {\n  batch =\n  epochs = 3\n}", "E0111", 1);
    check_error("x = 0 < a < 1", "E0112", 1);
    check_error("x = f(a; b)", "E0113", 1);
    check_error("train t data = d", "E0114", 1);
    check_error("x = a b", "E0101", 1);
    check_error("x = f(a b)\ny = 1 +\nz = ]", "E0101", 2);
}

Test(parser, independent_mistakes_are_all_reported) {
    Parsed p = parse_text("model m(x: f32 {\n  y = 3 4\n  z = f(\n  return y\n}\nparam w = 1\nx = 1 +* 2\n");
    cr_assert_eq(p.d->errors, 5);
    cr_assert_eq(p.ast->statements.count, 3);
    arena_free(p.arena);
}

/* ---- nothing crashes ---- */

static char *repeated(const char *head, const char *part, int times, const char *tail) {
    size_t head_length = strlen(head), part_length = strlen(part);
    char *text = malloc(head_length + part_length * (size_t)times + strlen(tail) + 1);
    memcpy(text, head, head_length);
    for (int i = 0; i < times; i++) memcpy(text + head_length + part_length * (size_t)i, part, part_length);
    memcpy(text + head_length + part_length * (size_t)times, tail, strlen(tail) + 1);
    return text;
}

static void check_repeated(const char *head, const char *part, int times, const char *tail, const char *code) {
    char *text = repeated(head, part, times, tail);
    Parsed p = parse_text(text);
    if (code) {
        cr_assert_eq(p.d->errors, 1, "%s...: %d errors", part, p.d->errors);
        cr_assert_str_eq(code_name(p.d->first->code), code);
    } else
        cr_assert_eq(p.d->errors, 0, "%s...: %d errors", part, p.d->errors);
    arena_free(p.arena);
    free(text);
}

Test(parser, deep_nesting_is_refused) {
    enum { DEEP = 100000 };
    check_repeated("x = ", "(", DEEP, "", "E0901");
    check_repeated("x = ", "[", DEEP, "", "E0901");
    check_repeated("", "repeat 2 {", DEEP, "", "E0901");
    check_repeated("x = ", "scan a in b { x = ", DEEP, "", "E0901");
    check_repeated("x = a", "+a", DEEP, "", "E0901");
    check_repeated("x = a", "^a", DEEP, "", "E0901");
    check_repeated("x = ", "-", DEEP, "a", "E0901");
    check_repeated("x = ", "not ", DEEP, "a", "E0901");
    check_repeated("x = ", "each ", DEEP, "a", "E0901");
    check_repeated("x = ", "if a then b else ", DEEP, "c", "E0901");
    check_repeated("x = f", "(a)", DEEP, "", "E0901");
    check_repeated("x = f", "[a]", DEEP, "", "E0901");
    check_repeated("x = f", ".a", DEEP, "", "E0901");
    check_repeated("x[a", ".a", DEEP, "] = 3", "E0901");
    check_repeated("x = a", " + a", 900, "", NULL);
    check_repeated("x = scan a in b { x = ", "scan a in b { x = ", 200, "3", "E0102");
}

Test(parser, long_texts) {
    check_repeated("x = [1", ", 1", 3000000, "]", NULL);
    check_repeated("x = ", "a", 10000000, "", NULL);
    check_repeated("# ", "a", 10000000, "", NULL);
    check_repeated("", "x = 1;", 300000, "", NULL);
    check_repeated("", "## doc\n", 300000, "x = 1", NULL);
    check_repeated("x = a", "*a", 5000000, "", "E0901");
    check_repeated("x = \"", "a", 10000000, "", "E0105");
}

static void visit_parse(const char *text, size_t length, const char *what, void *context) {
    (void)what, (void)context;
    Parsed p = parse_bytes(text, length);
    cr_assert_leq(p.d->errors, (int)length + 1);
    arena_free(p.arena);
}

static void visit_file(const char *path, const char *text, size_t length, void *context) {
    (void)context;
    Parsed p = parse_bytes(text, length);
    cr_assert_eq(p.d->errors, 0, "%s: %s", path, p.d->first ? p.d->first->message : "");
    check_print(text, p.printed);
    arena_free(p.arena);
    visit_truncations(text, length, visit_parse, NULL);
    visit_deletions(text, length, visit_parse, NULL);
}

Test(parser, ruined_examples) { visit_programs("examples", visit_file, NULL); }

Test(parser, ruined_prelude) { visit_programs("std", visit_file, NULL); }

Test(parser, any_bytes) {
    char text[512];
    uint64_t bits = 88172645463325252u;
    static const char alphabet[] = "ab1. =(){}[]\n\"#-+*/^<>,;:~@'\\_\x80\xc3\xa9"
                                   " if then else model param for in data ";
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof text; i++) {
            bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
            text[i] = round % 4 == 0 ? (char)(bits >> 32) : alphabet[(bits >> 32) % (sizeof alphabet - 1)];
        }
        visit_parse(text, (bits >> 20) % sizeof text, "random", NULL);
    }
}
