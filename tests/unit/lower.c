/* Lowering of expressions and definitions: values through the interpreter, names of parameters, and one code
 * per mistake. A program's definition `f` is called with one column per parameter. Numbers are small and
 * whole, so sums are exact in every order.
 */
#include "experiment/experiment.h"
#include "ir/interp.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct Fixture {
    Arena *arena;
    Names *names;
    SourceMap *map;
    Diagnostics *diagnostics;
    Lowering *L;
    Ast *ast;
} Fixture;

static void fixture_open(Fixture *t, const char *text, bool f64) {
    t->arena = arena_new();
    t->names = names_new(t->arena);
    t->map = source_map_new(t->arena);
    t->diagnostics = diagnostics_new(t->arena, t->map);
    t->L = lowering_new(t->arena, t->names, t->diagnostics, t->map, f64);
    for (const EmbeddedFile *file = prelude_files; file->name; file++) {
        Source *source = source_add(t->map, file->name, file->text, file->length);
        source->is_prelude = true;
        lower_declare_definitions(t->L, parse(t->arena, t->names, t->diagnostics, source));
    }
    t->ast = parse(t->arena, t->names, t->diagnostics, source_add(t->map, "test.sgd", text, strlen(text)));
    lowering_start_run(t->L, graph_new(t->arena, t->diagnostics));
    lower_declare_definitions(t->L, t->ast);
    lower_check_names(t->L, t->ast);
    t->L->training = true;
}

static void fixture_close(Fixture *t) { arena_free(t->arena); }

static Value *call(Fixture *t, const char *name) {
    Binding *b = scope_find(t->L->global, name_from(t->names, name));
    cr_assert(b != NULL && b->value->kind == VALUE_DEFINITION, "no definition %s", name);
    const Definition *definition = b->value->definition;
    t->L->batch_rows = definition->kind == DEFINE_METRIC ? BATCH_EVALUATED : BATCH_REFUSED;
    Value *args[16];
    for (int i = 0; i < definition->formals.count; i++) {
        Type type = lower_type(t->L, t->L->global, definition->formals.items[i].type);
        if (!type.known) return value_poison(t->L);
        args[i] = value_tensor(t->L, graph_leaf(t->L->graph, OP_COLUMN, type.dtype, type.shape, i), type.classes);
    }
    Arguments *arguments = arguments_of(t->L, args, definition->formals.count, definition->name.span);
    return lower_call_definition(t->L, definition, arguments, NULL);
}

/* f's value for one example. */
static int evaluate(const char *text, const void *const *inputs, int input_count, float *out, int most) {
    Fixture t;
    fixture_open(&t, text, false);
    Value *v = call(&t, "f");
    if (t.diagnostics->errors > 0) diagnostics_print_human(t.diagnostics, stderr, false);
    cr_assert(v->kind == VALUE_TENSOR, "%s: no value", text);
    cr_assert(v->axes == 0, "%s: open index axes", text);
    int count = (int)shape_size(v->node->shape);
    cr_assert(count <= most);
    sgdrt_column columns[16] = {0};
    for (int i = 0; i < input_count; i++) columns[i] = (sgdrt_column){inputs[i], 0};
    Node *node = v->node->dtype == DTYPE_F32 ? v->node : graph_cast(t.L->graph, v->node, DTYPE_F32);
    interpret_rows(node, columns, NULL, 0, 1, out);
    fixture_close(&t);
    return count;
}

static void check(const char *text, const void *const *inputs, int input_count, const float *wanted, int count) {
    float out[512];
    int got = evaluate(text, inputs, input_count, out, 512);
    cr_assert_eq(got, count, "%s: %d numbers, not %d", text, got, count);
    for (int i = 0; i < count; i++)
        cr_assert_float_eq(out[i], wanted[i], 1e-5, "%s: [%d] is %g, not %g", text, i, (double)out[i],
                           (double)wanted[i]);
}

#define CHECK(text, inputs, ...)                                               \
    do {                                                                       \
        const float wanted_[] = {__VA_ARGS__};                                 \
        check(text, inputs, (int)(sizeof(inputs) / sizeof *(inputs)), wanted_, \
              (int)(sizeof wanted_ / sizeof *wanted_));                        \
    } while (0)

static const float a23[] = {1, 2, 3, 4, 5, 6}, b3[] = {10, 20, 30}, x5[] = {1, 4, 9, 16, 25}, two[] = {2};
static const void *in_a[] = {a23}, *in_ab[] = {a23, b3}, *in_x[] = {x5}, *in_2[] = {two};

Test(lower, products) {
    CHECK("def f(a: f32[2, 3], b: f32[3]) -> f32[2] = a @ b", in_ab, 140, 320);
    CHECK("def f(a: f32[2, 3], b: f32[3]) { y[i] = sum(a[i, k] * b[k] for k); return y }", in_ab, 140, 320);
    CHECK("def f(a: f32[2, 3], b: f32[3]) = dot(a, b)", in_ab, 140, 320);
    CHECK("def f(a: f32[2, 3]) = a @ transpose(a)", in_a, 14, 32, 32, 77);
    CHECK("def f(a: f32[2, 3]) = [1, 2] @ a", in_a, 9, 12, 15);
    CHECK("def f(a: f32[2, 3]) { y[i, j] = a[i, j] * a[0, j]; return y }", in_a, 1, 4, 9, 4, 10, 18);
}

Test(lower, index_notation) {
    CHECK("def f(a: f32[2, 3]) { y[j, i] = a[i, j]; return y }", in_a, 1, 4, 2, 5, 3, 6);
    CHECK("def f(x: f32[5]) { y[i in 0..4] = x[i + 1] - x[i]; return y }", in_x, 3, 5, 7, 9);
    CHECK("def f(x: f32[5]) { y[i] = x[2 * i]; return y }", in_x, 1, 9, 25);
    CHECK("def f(x: f32[5]) { y[i] = x[4 - i]; return y }", in_x, 25, 16, 9, 4, 1);
    CHECK("def f(x: f32[5]) { y[i] = sum(x[2 * i + u] for u in 0..3); return y }", in_x, 14, 50);
    CHECK("def f(x: f32[5]) = [x[k] + k for k in 1..4]", in_x, 5, 11, 19);
    CHECK("def f(x: f32[5]) = [k^2 for k in 0..4]", in_x, 0, 1, 4, 9);
    CHECK("def f(x: f32[5]) { y[i, j in 0..5] = where(j <= i, x[i], 0); return sum(y[4, ..]) + y[0, 1] }\n", in_x, 125);
    CHECK("def f(a: f32[2, 3]) { m[c] = mean(a[c]); return m }", in_a, 2, 5);
    CHECK("def f(a: f32[2, 3]) = max(a[i, j] - 2 * j for i, j)", in_a, 4);
    CHECK("def f(a: f32[2, 3]) = sum(a[i] for i)", in_a, 5, 7, 9);
    CHECK("def f(a: f32[2, 3]) = sum(sum(a[i, j] for j) * i for i)", in_a, 15);
    CHECK("def f(x: f32[5]) = sum(1 for i in 0..7)", in_x, 7);
    CHECK("def f(x: f32[5]) = sum(x[i] * x[i] for i in 1..3)", in_x, 97);
    CHECK("def f(x: f32) = [x^k for k in 0..4]", in_2, 1, 2, 4, 8);
}

Test(lower, places) {
    CHECK("def f(x: f32[5]) = x[1..3]", in_x, 4, 9);
    CHECK("def f(x: f32[5]) = x[..2]", in_x, 1, 4);
    CHECK("def f(x: f32[5]) = x[3..]", in_x, 16, 25);
    CHECK("def f(x: f32[5]) = x[-1] + x[0]", in_x, 26);
    CHECK("def f(x: f32[5]) = x[1..-1]", in_x, 4, 9, 16);
    CHECK("def f(a: f32[2, 3]) = a[.., 1]", in_a, 2, 5);
    CHECK("def f(a: f32[2, 3]) = a[1, 0..2]", in_a, 4, 5);
    CHECK("def f(a: f32[2, 3]) = a[1]", in_a, 4, 5, 6);
    CHECK("def f(x: f32[5]) = sum(x[i] for i in 0..5) + sum([x, x][1, 0..1])", in_x, 56);
}

Test(lower, labels) {
    static const int32_t label[] = {2}, labels[] = {1, 0, 1};
    const void *one[] = {a23, label}, *many[] = {a23, labels};
    CHECK("def f(a: f32[2, 3], y: label[3]) { z[i] = a[i, y]; return z }", one, 3, 6);
    CHECK("def f(a: f32[2, 3], y: label[2][3]) = a[y]", many, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    CHECK("def f(a: f32[2, 3], y: label[2][3]) = [a[y[t], t] for t]", many, 4, 2, 6);
    CHECK("def f(a: f32[2, 3], y: label[2][3]) { h[j] = sum(a[y[t], j] for t); return h }", many, 9, 12, 15);
    CHECK("def f(a: f32[2, 3], y: label[3]) = a[.., y]", one, 3, 6);
    CHECK("def f(a: f32[2, 3], y: label[3]) = one_hot(y)", one, 0, 0, 1);
    CHECK("def f(a: f32[2, 3], y: label[3]) = [1, 3, 5][y]", one, 5);
    CHECK("def f(a: f32[2, 3], y: label[2][3]) = f32(y == 1) + f32(y >= 1)", many, 2, 0, 2);
    CHECK("def f(a: f32[2, 3], y: label[3]) = f32(argmax(a) == y)", one, 1, 1);
    CHECK("def f(a: f32[2, 3], y: label[3]) = cross_entropy(a * 0, y)", one, 1.0986123f, 1.0986123f);
}

Test(lower, lifting) {
    CHECK("def f(a: f32[2, 3]) = relu(a - 3)", in_a, 0, 0, 0, 1, 2, 3);
    CHECK("def g(x: f32[n]) -> f32 = sum(x)\ndef f(a: f32[2, 3]) = g(a)", in_a, 6, 15);
    CHECK("def g(x: f32[n], y: f32[n]) -> f32 = sum(x * y)\ndef f(a: f32[2, 3], b: f32[3]) = g(a, b)", in_ab, 140, 320);
    CHECK("def g(x: f32[n]) -> (s: f32, m: f32) { return sum(x), max(x) }\n"
          "def f(a: f32[2, 3]) { s, m = g(a); return s * m }",
          in_a, 18, 90);
    CHECK("def g(x: f32[n]) -> f32 = 7\ndef f(a: f32[2, 3]) = g(a)", in_a, 7, 7);
    CHECK("def g(x: f32) -> f32 = x^2\ndef h(x: f32[n]) -> f32 = sum(g(x))\ndef f(a: f32[2, 3]) = h(a)", in_a, 14, 77);
    CHECK("def f(a: f32[2, 3]) = size(flatten(a)) + sum(flatten(a))", in_a, 27);
    CHECK("def f(a: f32[2, 3]) { y[i] = sum(relu(a[i] - 2)); return y }", in_a, 1, 9);
    CHECK("def twice(g, x) = g(g(x))\ndef sq(x: f32) -> f32 = x^2\ndef f(x: f32) = twice(sq, x)", in_2, 16);
    CHECK("def f(a: f32[2, 3]) = concat(a, [7])", in_a, 1, 2, 3, 7, 4, 5, 6, 7);
    CHECK("def f(a: f32[2, 3]) = pad(a, [1, [0, 1]])", in_a, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0);
}

Test(lower, convolution) {
    float image[2 * 5 * 4], filter[3 * 2 * 3 * 3], bias[3] = {1, 2, 3}, wanted[3 * 3 * 2];
    for (int i = 0; i < 40; i++) image[i] = (float)(i * 7 % 11 - 5);
    for (int i = 0; i < 54; i++) filter[i] = (float)(i * 5 % 7 - 3);
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 2; j++) {
                float sum = bias[o];
                for (int a = 0; a < 2; a++)
                    for (int u = 0; u < 3; u++)
                        for (int v = 0; v < 3; v++) {
                            int r = 2 * i + u - 1, c = 2 * j + v - 1;
                            if (r >= 0 && r < 5 && c >= 0 && c < 4)
                                sum += filter[((o * 2 + a) * 3 + u) * 3 + v] * image[(a * 5 + r) * 4 + c];
                        }
                wanted[(o * 3 + i) * 2 + j] = sum;
            }
    const void *inputs[] = {image, filter, bias};
    check("def f(x: f32[2, 5, 4], w: f32[3, 2, 3, 3], b: f32[3]) = convolve(zero_pad(x, 1), w, b, 2, 1)", inputs, 3,
          wanted, 18);
}

Test(lower, gradients) {
    CHECK("def f(x: f32) = grad(x^3, x)", in_2, 12);
    CHECK("def f(x: f32) { a = grad(x^3, x); return grad(a, x) }", in_2, 12);
    CHECK("def f(x: f32[5]) = grad(sum(x^2), x)", in_x, 2, 8, 18, 32, 50);
    CHECK("def g(x: f32) -> f32 = grad(x^3, x)\ndef f(a: f32[2, 3]) = g(a)", in_a, 3, 12, 27, 48, 75, 108);
    CHECK("def g(x: f32, t: f32) -> f32 = grad(x * t^2, x) + 10 * grad(x * t^2, t)\ndef f(x: f32) = g(x, x)", in_2, 84);
    CHECK("def g(x: f32, t: f32) -> f32 = grad(x * t^2, t)\ndef f(x: f32) = g(x, 0)", in_2, 0);
    CHECK("def g(x: f32, t: f32) -> f32 = grad(x * t, t)\ndef f(x: f32) = g(x, 0)", in_2, 2);
    CHECK("def f(x: f32) = grad(7, x) + grad(stop_gradient(x) * x, x)", in_2, 2);
}

Test(lower, numbers_and_choices) {
    CHECK("def f(x: f32) = x * 6 / 4 - 7 // 2 + 7 % 4 + 2^3", in_2, 11);
    CHECK("def f(x: f32) = -x^2 + x^(-1)", in_2, -3.5f);
    CHECK("def f(x: f32) = if 3 > 2 and not false then x else x[9]", in_2, 2);
    CHECK("def f(x: f32) = if training then x else 0", in_2, 2);
    CHECK("def f(x: f32[5]) = where(x > 3 and x < 20, x, -x)", in_x, -1, 4, 9, 16, -25);
    CHECK("def f(x: f32[5]) = f32(x in [4, 25]) + f32(not (x == 1))", in_x, 0, 2, 1, 1, 2);
    CHECK("def f(x: f32) { repeat 3 { x = 2 * x }; repeat w in [1, 2] { x = x + w }; return x }", in_2, 19);
    CHECK("def g(x: f32[n], m: int, k = m + n) = sum(x) * k\ndef f(x: f32[5]) = g(x, 2)", in_x, 385);
    CHECK("def f(x: f32[5]) { y: f32[5] = 1; return x + y + [1, 2, 3, 4, 5] }", in_x, 3, 7, 13, 21, 31);
    CHECK("def f(x: f32) = min(max(x, 1, 5), 3) + f32(i32(2.7))", in_2, 5);
}

/* ---- names of parameters --------------------------------------------------------------------- */
static void check_cells(const char *text, const char *wanted) {
    Fixture t;
    fixture_open(&t, text, false);
    Value *v = call(&t, "f");
    call(&t, "f"); /* a model has one set of parameters */
    cr_assert(!value_is_poison(v), "%s", text);
    Text got = text_new(t.arena);
    for (int i = 0; i < t.L->cells.count; i++) text_add(&got, "%s%s", i == 0 ? "" : " ", t.L->cells.items[i].name);
    cr_assert_str_eq(got.bytes, wanted);
    fixture_close(&t);
}

Test(lower, parameter_names) {
    check_cells("model f(x: f32[4]) { h = dense(x, 3); return dense(h, 2) }",
                "f.h.dense.w f.h.dense.b f.dense.w f.dense.b");
    check_cells("model f(x: f32[4]) = dense(dense(x, 4), 4)", "f.dense.w f.dense.b f.dense.2.w f.dense.2.b");
    check_cells("layer l(x: f32[n]) { param w: f32 = 1; return x * w }\n"
                "model f(x: f32[4]) { repeat 2 { x = l(x) }; return x }",
                "f.x[0].l.w f.x[1].l.w");
    check_cells("model g(x: f32[4]) { param w: f32[4]; return x * w }\nmodel f(x: f32[4]) { a = g(x); return g(a) }",
                "g.w");
    check_cells("model f(x: f32[2, 4]) = dense(x, 3)", "f.dense.w f.dense.b");
}

Test(lower, draws_have_their_own_site) {
    Fixture t;
    fixture_open(&t, "model f(x: f32[3]) { a: f32[3] ~ normal(0, 1); b: f32[3] ~ normal(0, 1); return a - b }", false);
    Value *v = call(&t, "f");
    int count, draws = 0;
    Node **nodes = graph_post_order(t.arena, &v->node, 1, &count);
    for (int i = 0; i < count; i++) draws += nodes[i]->op == OP_RANDOM;
    cr_assert_eq(draws, 4);
    fixture_close(&t);
}

static bool freezes(Lowering *L, const char *path, void *context) {
    (void)L;
    return strcmp(path, context) == 0;
}

static int draws_with_frozen(const char *frozen) {
    Fixture t;
    fixture_open(&t,
                 "model g(x: f32[3]) = dropout(dense(x, 3), 0.5)\n"
                 "model f(x: f32[3]) = dropout(g(x), 0.5)",
                 false);
    t.L->frozen_hook = freezes;
    t.L->hook_context = (void *)frozen;
    Value *v = call(&t, "f");
    int count, draws = 0;
    Node **nodes = graph_post_order(t.arena, &v->node, 1, &count);
    for (int i = 0; i < count; i++) draws += nodes[i]->op == OP_RANDOM;
    fixture_close(&t);
    return draws;
}

Test(lower, a_frozen_model_runs_as_in_predict) {
    cr_assert_eq(draws_with_frozen("none"), 2);
    cr_assert_eq(draws_with_frozen("g"), 1);
    cr_assert_eq(draws_with_frozen("f"), 1);
}

Test(lower, f64_switch) {
    Fixture t;
    fixture_open(&t, "model f(x: f32[3]) -> f32 { param w: f32[3] ~ kaiming(3); return dot(w, x) / 3 }", true);
    Value *v = call(&t, "f");
    int count;
    Node **nodes = graph_post_order(t.arena, &v->node, 1, &count);
    for (int i = 0; i < count; i++) cr_assert_eq(nodes[i]->dtype, DTYPE_F64);
    cr_assert_eq(t.L->cells.items[0].initial->dtype, DTYPE_F64);
    fixture_close(&t);
}

/* ---- mistakes: one message each, with its code ----------------------------------------------- */
typedef struct Mistake {
    const char *code, *text;
} Mistake;

static const Mistake mistakes[] = {
    {"E0201", "def f(x: f32[5], w: f32[6]) = sum(x * w)"},
    {"E0201", "def f(x: f32[4, 3], b: f32[3]) = x + b"},
    {"E0201", "def f(x: f32[3], w: f32[4]) = sum(x[i] * w[i] for i)"},
    {"E0201", "def f(x: f32[3]) = x[0, 1]"},
    {"E0201", "def f(x: f32[3]) = reshape(x, [2, 2])"},
    {"E0202", "def f(x: f32[4]) = sum(xx)"},
    {"E0202", "def f(x: f32[4]) = x\ndef never_called(x) = reluu(x)"},
    {"E0203", "def f(y: label[10], p: f32) = p - y"},
    {"E0203", "def f(x: f32[3]) = where(x, 1, 0)"},
    {"E0203", "def f(x: f33) = x"},
    {"E0204", "def f(x: f32) = relu()"},
    {"E0204", "def f(x: f32) = relu(x, x)"},
    {"E0204", "def f(x: f32) = exp(x, x)"},
    {"E0205", "def f(x: f32) = leaky_relu(x, slop = 1)"},
    {"E0206", "def f(x: f32[4]) { y[i] = x[i + 1] - x[i]; return y }"},
    {"E0206", "def f(x: f32[3]) = x[3]"},
    {"E0206", "def f(x: f32[3]) = x[1..4]"},
    {"E0206", "def f(x: f32[3], y: label[4]) = x[y]"},
    {"E0206", "def f(y: label[4]) = y == 4"},
    {"E0207", "def f(a: f32[4, 3]) { y[i] = a[i, k]; return y }"},
    {"E0208", "def f(x: f32[3]) { y: f32[x[0]] = 1; return y }"},
    {"E0201", "def f(x: f32[3]) = scan a in x, b in [1, 2] { return a * b }"},
    {"E0203", "def f(x: f32[3]) = scan t in x[0] { return t }"},
    {"E0212", "def f(x: f32[3]) = scan t in x { state h = 0; state h = 1; return h }"},
    {"E0213", "def f(x: f32[3]) = scan t in x { state h = t; h = h + t; return h }"},
    {"E0213", "def f(x: f32[3]) = scan t in x { h = t }"},
    {"E0214", "def f(x: f32[3]) = scan t in x { state h: f32[2] = 0; h = [h[0], t, t]; return h }"},
    {"E0220", "def f(x: f32[3], a: f32) = scan t in x { state h = 0; h = h * a + t; e = h^2; return grad(e, a) }"},
    {"E0211", "def f(x: f32) { y: f32[7 / 2] = 0; return y }"},
    {"E0212", "def f(x: f32) = x\ndef f(x: f32) = x"},
    {"E0212", "def f(x: f32[3, 3]) { y[i, i] = x[i, i]; return y }"},
    {"E0213", "def f(x: f32) { return x; y = x }"},
    {"E0213", "def f(x: f32) = x * normal(0, 1)"},
    {"E0214", "def g(x: f32[3]) = sum(x)\ndef f(x: f32[4]) = g(x)"},
    {"E0214", "def f(x: f32[2, 3], y: f32[4, 3]) = squared(x, y)"},
    {"E0215", "def f(x: f32) { y[i] = 2 * i; return y }"},
    {"E0216", "def f(x: f32) = relu + x"},
    {"E0216", "def f(x: f32) = x(1)"},
    {"E0216", "def f(x: f32) { e: f32 ~ 5; return x * e }"},
    {"E0217", "def f(x: f32[2]) -> f32[3] = x"},
    {"E0217", "def f(x: f32[2]) -> f32 { y = x }"},
    {"E0218", "def f(x: f32[3]) = dense(x, 2)"},
    {"E0218", "def f(x: f32[3]) { param w: f32 = 0; return x * w }"},
    {"E0218", "model f(x: f32[3]) { param w: f32[3] = x; return x * w }"},
    {"E0218", "def f(x: f32) { state h: f32 = 0; return h }"},
    {"E0219", "def f(x: f32[3_000_000_000]) = x"},
    {"E0220", "def f(x: f32[3]) = grad(sum(x), x + 1)"},
    {"E0220", "def f(x: f32[3]) = grad(x, x)"},
    {"E0221", "def f(x: f32) = if x > 0 then x else 0"},
    {"E0901", "def f(x: f32) = f(x - 1) + f(x - 2)"},
    {"E0231", "def f(x: f32) = mean(batch(x))"},
};

Test(lower, mistakes) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        Fixture t;
        fixture_open(&t, mistakes[i].text, false);
        call(&t, "f");
        if (t.diagnostics->errors != 1) diagnostics_print_human(t.diagnostics, stderr, false);
        cr_assert_eq(t.diagnostics->errors, 1, "%s: %d errors", mistakes[i].text, t.diagnostics->errors);
        cr_assert_str_eq(code_name(t.diagnostics->first->code), mistakes[i].code, "%s", mistakes[i].text);
        fixture_close(&t);
    }
}

Test(lower, a_deep_expression_is_an_error) {
    char text[40000] = "def f(x: f32) = x";
    for (int i = 0; i < 3000; i++) strcat(text, " + x");
    Fixture t;
    fixture_open(&t, text, false);
    if (t.diagnostics->errors == 0) cr_assert(value_is_poison(call(&t, "f")));
    cr_assert_geq(t.diagnostics->errors, 1);
    fixture_close(&t);
}
