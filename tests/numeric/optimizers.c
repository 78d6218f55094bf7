/* What may become of a gradient before an update, by every optimizer of the prelude, for parameters of every shape and
 * batches of one row, of some, and of all: compiled and interpreted, compared bit for bit (trial.h). The shapes stand
 * alone and together, since parameters that are updated alike are updated together.
 */
#include "trial.h"

static const char *const gradients[] = {
    "grad",
    "clip_norm(grad, 0.5)",
    "clamp(grad, -0.3, 0.2)",
    "sign(grad)",
    "where(grad > 0, grad, 0.5 * grad)",
    "where(grad > 0, 1, -1)",
    "min(grad, 0.1)",
    "max(grad, -0.1)",
    "abs(grad)",
    "max(abs(grad), 0.01) * sign(grad)",
    "relu(grad)",
    "grad / (abs(grad) + 1)",
    "sqrt(abs(grad) + 1) * grad",
    "tanh(grad)",
    "grad^3",
    "grad / (tensor_sum(abs(grad)) + 1)",
    "grad - tensor_sum(grad)",
    "where(all_sum(grad^2) > 1, grad / 2, grad)",
    "stop_gradient(grad)",
    "0 * grad",
};

/* The prelude's, and some with choices inside. */
static const char *const optimizers[] = {
    "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "signed", "bounded", "resilient",
};

static const char *const parameters[] = {
    "param b: f32 = 0.5; return x[0] * b",
    "param b: f32 = 0.5; return dot(x, [1, 2, 3]) + b",
    "param w: f32[3] = [0.1, 0.2, 0]; return dot(w, x)",
    "param w: f32[4, 3] ~ normal(0, 1); return sum(w @ x)",
    "param w: f32[3] = 0; param b: f32 = 0; return dot(w, x) + b",
    "return sum(tanh(dense(x, 2)))",
    ("param a: f32 = 0; param b: f32 = 1; param w: f32[4, 3] ~ normal(0, 1); param c: f32[4] = 0; "
     "return sum(w @ x + c) * b + a"),
};

enum { ROWS = 23 };
static const int batches[] = {1, 7, ROWS};

#define COUNT(array) (int)(sizeof array / sizeof *array)

static bool check(const char *gradient, const char *optimizer, const char *model, int batch, int index) {
    Arena *arena = arena_new();
    Trial t = {.seed = (uint64_t)index, .rows = ROWS, .batch = batch, .turns.threads = 1};
    t.text = text_format(
        arena,
        "data d { x: f32[3]; y: f32 }\n"
        "model m(x: f32[3]) -> f32 { %s }\n"
        "optimizer signed(lr) { param = param - lr * sign(grad) }\n"
        "optimizer bounded(lr) { state v = 0; v = max(v, abs(grad)); param = clamp(param - lr * grad / (v + 1), -1, 1) "
        "}\n"
        "optimizer resilient(lr) { state s = 1; state old = 0\n"
        "  s = where(grad * old > 0, s * 1.2, where(grad * old < 0, s * 0.5, s)); old = grad\n"
        "  param = where(grad == 0, param, param - lr * s * sign(grad)) }\n"
        "train t { data = d; minimize = squared(m(x), y); optimizer = %s(lr = 0.1); gradient = %s; batch = %d }\n",
        model, optimizer, gradient, batch);
    t.compiled = compile_text(t.text, index % 5 == 4);
    if (t.compiled.program == NULL) diagnostics_print_human(t.compiled.diagnostics, stderr, false);
    cr_assert(t.compiled.program != NULL, "%s", t.text);
    Stream random = {t.seed};
    t.run = &t.compiled.program->runs[0];
    t.columns = make_columns(t.compiled.arena, &t.memory, t.run->data, t.rows, &random);
    t.order = arena_array(t.compiled.arena, uint32_t, t.rows);
    for (int64_t p = 0; p < t.rows; p++) t.order[p] = (uint32_t)stream_below(&random, (int)t.rows);
    CodegenOptions options = {.level = index % 3 ? 0 : 2, .cpu = "native"};
    bool fine = check_trial(&t, &options);
    trial_free(&t);
    arena_free(arena);
    return fine;
}

/* Every pair of gradient and optimizer meets every shape or every batch; SGDC_ALL=1: all four with all. */
static void check_gradients(int first) {
    bool all = getenv("SGDC_ALL") != NULL;
    for (int g = first; g < COUNT(gradients); g += 4)
        for (int o = 0; o < COUNT(optimizers); o++)
            for (int p = 0; p < COUNT(parameters); p++)
                for (int b = 0; b < COUNT(batches); b++) {
                    int index = ((g * COUNT(optimizers) + o) * COUNT(parameters) + p) * COUNT(batches) + b;
                    if (all || (g + o + p) % 7 == 0 || (b == 1 && (g + o + p) % 3 == 0))
                        cr_expect(check(gradients[g], optimizers[o], parameters[p], batches[b], index));
                }
}

Test(optimizers, gradients_0) { check_gradients(0); }
Test(optimizers, gradients_1) { check_gradients(1); }
Test(optimizers, gradients_2) { check_gradients(2); }
Test(optimizers, gradients_3) { check_gradients(3); }
