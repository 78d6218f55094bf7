/* Everything of the prelude in f64: each optimizer, schedule, layer and loss compiles for f64 parameters and gives
 * the same bits compiled as interpreted; steps of optimizers under schedules, and losses, are those that long doubles
 * give. A hyper-parameter that went through f32 somewhere would differ in the eighth digit.
 */
#include "programs.h"

#include "codegen/codegen.h"
#include <stdio.h>

enum { ROWS = 6, STEPS = 5 };

/* ---- one program, both ways -------------------------------------------------------------------- */
typedef struct Ran {
    Compiled compiled;
    const Run *run;
    const sgdrt_column *columns;
    double sums[8]; /* of the last step */
    const void *state;
} Ran;

static void take_steps(const Ran *ran, Executor *executor, void *state, void *work, double *sums) {
    start_state(ran->run, executor, state, work, STEPS);
    for (int step = 0; step < STEPS; step++) {
        memset(sums, 0, sizeof ran->sums);
        sgdrt_call call = {
            .state = state, .work = work, .columns = ran->columns, .count = ROWS, .batch = ROWS, .sums = sums};
        ((sgdrt_header *)state)->epoch = (uint64_t)step;
        executor->call(executor, ENTRY_STEP, 0, &call);
    }
}

static bool is_f64(const Run *run) {
    bool all = true;
    for (int i = 0; i < run->cell_count; i++) all &= run->cells[i].dtype == DTYPE_F64;
    for (int i = 0; i < run->slot_count; i++) all &= run->slots[i].dtype == DTYPE_F64;
    return all;
}

/* False, said, if the program is refused, rounds somewhere to f32, or differs. */
static bool run_both(Ran *ran, const char *text, Guarded *memory) {
    Stream random = {7};
    *ran = (Ran){.compiled = compile_text(text, false)};
    if (ran->compiled.program == NULL) {
        diagnostics_print_human(ran->compiled.diagnostics, stderr, false);
        cr_expect(false, "refused:\n%s", text);
        return false;
    }
    Arena *arena = ran->compiled.arena;
    const Run *run = ran->run = &ran->compiled.program->runs[0];
    run_passes(&ran->compiled, NULL, "order");
    Executor *executors[2] = {interpreter_new(arena, run)};
    run_passes(&ran->compiled, "order", NULL);
    CodegenOptions options = {.level = 2, .cpu = "native"};
    Codegen *codegen = codegen_new(arena, &options, ran->compiled.diagnostics);
    executors[1] = codegen_jit(codegen, run);
    codegen_jit_all(codegen, &executors[1], 1);
    ran->columns = make_columns(arena, memory, run->data, ROWS, &random);
    double sums[2][8];
    void *states[2];
    for (int s = 0; s < 2; s++) {
        void *work = aligned_memory(memory, executors[s]->work_bytes);
        states[s] = aligned_memory(memory, run->state_bytes);
        take_steps(ran, executors[s], states[s], work, sums[s]);
        executors[s]->free(executors[s]);
    }
    codegen_free(codegen);
    memcpy(ran->sums, sums[1], sizeof ran->sums);
    ran->state = states[1];
    bool same = memcmp(states[0], states[1], run->state_bytes) == 0 &&
                memcmp(sums[0], sums[1], sizeof(double) * (size_t)run->term_count) == 0;
    cr_expect(same, "compiled and interpreted differ:\n%s", text);
    cr_expect(is_f64(run), "something is f32 in\n%s", text);
    return same;
}

static double number_of(const Ran *ran, int column, int row, int element) {
    const sgdrt_column *c = &ran->columns[column];
    return ((const double *)((const char *)c->data + row * c->stride))[element];
}

static void expect_close(const char *what, double got, long double wanted) {
    long double difference = fabsl((long double)got - wanted);
    cr_expect(difference <= 2e-14L * (1 + fabsl(wanted)), "%s is %.17g, not %.17Lg", what, got, wanted);
}

/* ---- optimizers and schedules: w of the model w * n, minimized (w n)^2 ------------------------------ */
typedef struct Stepper {
    long double w, a, b;
} Stepper;
typedef long double Rate(int step);
typedef void Update(Stepper *s, long double g, long double lr, int step);

static long double tenth(int step) {
    (void)step;
    return 0.1L;
}
static long double halved(int step) { return 0.1L * powl(0.5L, step); }
static long double cosine_rate(int step) { return 0.1L * (1 + cosl(M_PIl * step / STEPS)) / 2; }
static long double warmed(int step) { return 0.1L * fminl(1, (long double)step / STEPS / 0.7L); }
static long double one_cycle_rate(int step) {
    long double p = (long double)step / STEPS, part = 0.3L;
    long double up = (1 - cosl(M_PIl * fminl(1, p / part))) / 2;
    long double down = (1 + cosl(M_PIl * fmaxl(0, (p - part) / (1 - part)))) / 2;
    return 0.1L * (p < part ? 1 / 25.0L + (1 - 1 / 25.0L) * up : 1 / 250000.0L + (1 - 1 / 250000.0L) * down);
}
static long double stepped(int step) { return 0.1L * powl(0.3L, step / 2); }
static long double exponential_rate(int step) { return 0.1L * powl(0.9L, step); }
static long double polynomial_rate(int step) { return 0.2L * powl(step + 1.5L, -0.5L); }

static void sgd_update(Stepper *s, long double g, long double lr, int step) {
    (void)step;
    s->w -= lr * g;
}
static void momentum_update(Stepper *s, long double g, long double lr, int step) {
    (void)step;
    s->a = 0.9L * s->a + g;
    s->w -= lr * s->a;
}
/* torch.optim.SGD(momentum = 0.9, dampening = 0.25): the first gradient is taken whole. */
static void damped_update(Stepper *s, long double g, long double lr, int step) {
    s->a = 0.9L * s->a + (step == 0 ? 1 : 0.75L) * g;
    s->w -= lr * s->a;
}
static void nesterov_update(Stepper *s, long double g, long double lr, int step) {
    momentum_update(s, g, 0, step);
    s->w -= lr * (g + 0.9L * s->a);
}
static void adagrad_update(Stepper *s, long double g, long double lr, int step) {
    (void)step;
    s->a += g * g;
    s->w -= lr * g / (sqrtl(s->a) + 1e-10L);
}
static void rmsprop_update(Stepper *s, long double g, long double lr, int step) {
    (void)step;
    s->a = 0.99L * s->a + (1 - 0.99L) * g * g;
    s->w -= lr * g / (sqrtl(s->a) + 1e-8L);
}
static long double adam_direction(Stepper *s, long double g, int step) {
    s->a = 0.9L * s->a + 0.1L * g;
    s->b = 0.999L * s->b + 0.001L * g * g;
    return s->a / (1 - powl(0.9L, step + 1)) / (sqrtl(s->b / (1 - powl(0.999L, step + 1))) + 1e-8L);
}
static void adam_update(Stepper *s, long double g, long double lr, int step) {
    s->w -= lr * adam_direction(s, g, step);
}
static void adamw_update(Stepper *s, long double g, long double lr, int step) {
    long double direction = adam_direction(s, g, step);
    s->w -= lr * (direction + 0.01L * s->w);
}
static void clipped_update(Stepper *s, long double g, long double lr, int step) {
    (void)step;
    s->w -= lr * g * fminl(1, 0.3L / (fabsl(g) + 1e-6L));
}

static const struct {
    const char *settings;
    Update *update;
    Rate *rate;
} steps[] = {
    {"optimizer = sgd(lr = 0.1)", sgd_update, tenth},
    {"optimizer = momentum(lr = 0.1)", momentum_update, tenth},
    {"optimizer = momentum(lr = 0.1, dampening = 0.25)", damped_update, tenth},
    {"optimizer = nesterov(lr = 0.1)", nesterov_update, tenth},
    {"optimizer = adagrad(lr = 0.1)", adagrad_update, tenth},
    {"optimizer = rmsprop(lr = 0.1)", rmsprop_update, tenth},
    {"optimizer = adam(lr = 0.1)", adam_update, tenth},
    {"optimizer = adamw(lr = 0.1)", adamw_update, tenth},
    {"optimizer = sgd(lr = 0.1); gradient = clip_norm(grad, 0.3)", clipped_update, tenth},
    {"optimizer = sgd(lr = 0.1 * 0.5^epoch)", sgd_update, halved},
    {"optimizer = sgd(lr = constant(0.1))", sgd_update, tenth},
    {"optimizer = sgd(lr = 0.1 * step_decay(step, 2, 0.3))", sgd_update, stepped},
    {"optimizer = sgd(lr = 0.1 * exponential(step, 0.9))", sgd_update, exponential_rate},
    {"optimizer = sgd(lr = 0.1 * polynomial(step, 2, 1.5, -0.5))", sgd_update, polynomial_rate},
    {"optimizer = sgd(lr = 0.1 * cosine(progress))", sgd_update, cosine_rate},
    {"optimizer = adam(lr = 0.1 * warmup(progress, 0.7))", adam_update, warmed},
    {"optimizer = sgd(lr = 0.1 * one_cycle(progress))", sgd_update, one_cycle_rate},
    {"rate = 0.1 * cosine(progress); optimizer = momentum(lr = rate)", momentum_update, cosine_rate},
    {"optimizer = sgd(lr = k)", sgd_update, tenth},
    {"optimizer = sgd(lr = 1 - 9 * k)", sgd_update, tenth},
};

Test(f64, optimizers_and_schedules) {
    for (size_t c = 0; c < sizeof steps / sizeof *steps; c++) {
        Guarded memory = {0};
        Ran ran;
        char text[600];
        snprintf(text, sizeof text,
                 "k = 0.1\ndata d { n: f64 }\nmodel m(n: f64) -> f64 { param w: f64 = 2; return w * n }\n"
                 "train t { data = d; minimize = m(n)^2; %s; steps = %d }\n",
                 steps[c].settings, STEPS);
        if (run_both(&ran, text, &memory)) {
            Stepper s = {.w = 2};
            long double square = 0;
            for (int r = 0; r < ROWS; r++)
                square += (long double)number_of(&ran, 0, r, 0) * number_of(&ran, 0, r, 0) / ROWS;
            for (int step = 0; step < STEPS; step++) steps[c].update(&s, 2 * s.w * square, steps[c].rate(step), step);
            const Cell *w = &ran.run->cells[0];
            expect_close(steps[c].settings, *(const double *)((const char *)ran.state + w->offset), s.w);
        }
        guarded_free(&memory);
        arena_free(ran.compiled.arena);
    }
}

/* ---- losses: of the scores p = w v, w = 0.5, which does not move --------------------------------------- */
typedef long double Loss(const long double *p, const long double *v, int y);

static long double log_sum(const long double *p) { return logl(expl(p[0]) + expl(p[1]) + expl(p[2])); }
static long double mse_loss(const long double *p, const long double *v, int y) {
    (void)y;
    long double sum = 0;
    for (int i = 0; i < 3; i++) sum += (p[i] - v[i]) * (p[i] - v[i]) / 3;
    return sum;
}
static long double squared_loss(const long double *p, const long double *v, int y) {
    (void)y;
    return (p[0] - v[1]) * (p[0] - v[1]) / 2;
}
static long double mae_loss(const long double *p, const long double *v, int y) {
    (void)y;
    return (fabsl(p[0] - v[0]) + fabsl(p[1] - v[1]) + fabsl(p[2] - v[2])) / 3;
}
static long double huber_loss(const long double *p, const long double *v, int y) {
    (void)y;
    long double e = fabsl(p[0] - v[1]);
    return e <= 0.3L ? e * e / 2 : 0.3L * (e - 0.15L);
}
static long double cross_entropy_loss(const long double *p, const long double *v, int y) {
    (void)v;
    return log_sum(p) - p[y];
}
static long double binary_loss(const long double *p, const long double *v, int y) {
    (void)y;
    return logl(1 + expl(p[0])) - p[0] * v[1];
}
static long double hinge_loss(const long double *p, const long double *v, int y) {
    (void)y;
    return fmaxl(0, 1 - p[0] * v[1]);
}
static long double penalty_loss(const long double *p, const long double *v, int y) {
    (void)v, (void)y;
    return (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) / 2 + 0.3L * (fabsl(p[0]) + fabsl(p[1]) + fabsl(p[2]));
}

static const struct {
    const char *text;
    Loss *loss;
} losses[] = {
    {"mse(m(v), v)", mse_loss},
    {"squared(m(v)[0], v[1])", squared_loss},
    {"mae(m(v), v)", mae_loss},
    {"huber(m(v)[0], v[1], 0.3)", huber_loss},
    {"cross_entropy(m(v), y)", cross_entropy_loss},
    {"binary_cross_entropy(m(v)[0], v[1])", binary_loss},
    {"negative_log_likelihood(log_softmax(m(v)), y)", cross_entropy_loss},
    {"hinge(m(v)[0], v[1])", hinge_loss},
    {"l2(m(v)) + 0.3 * l1(m(v))", penalty_loss},
};

Test(f64, losses) {
    for (size_t c = 0; c < sizeof losses / sizeof *losses; c++) {
        Guarded memory = {0};
        Ran ran;
        char text[600];
        snprintf(text, sizeof text,
                 "data d { v: f64[3]; y: label[3] }\nmodel m(v: f64[3]) -> f64[3] { param w: f64 = 0.5; "
                 "return w * v }\ntrain t { data = d; minimize = %s; optimizer = sgd(lr = 0) }\n",
                 losses[c].text);
        if (run_both(&ran, text, &memory)) {
            long double sum = 0;
            for (int r = 0; r < ROWS; r++) {
                long double v[3], p[3];
                for (int i = 0; i < 3; i++) p[i] = (v[i] = number_of(&ran, 0, r, i)) / 2;
                const sgdrt_column *y = &ran.columns[1];
                int label = strstr(losses[c].text, "y)") ? *(const int32_t *)((const char *)y->data + r * y->stride)
                                                         : 0;
                sum += losses[c].loss(p, v, label);
            }
            expect_close(losses[c].text, ran.sums[0], sum);
        }
        guarded_free(&memory);
        arena_free(ran.compiled.arena);
    }
}

/* ---- layers and activations: the same bits, everything f64 ---------------------------------------------- */
static const char *const models[] = {
    "sum(tanh(dense(v, 4)))",
    "sum(conv2d(x, 4, 3, stride = 2, pad = 1)^2)",
    "sum(tanh(conv2d(x, 2, 2, dilation = 2, groups = 2)))",
    "sum(max_pool2d(tanh(conv2d(x, 3, 3)), 2))",
    "sum(avg_pool2d(zero_pad(x, 1), 2)^2) * dense(v, 1)[0]",
    "sum(layer_norm(dense(v, 4))^2)",
    "sum(dropout(dense(v, 6), 0.3)^2)",
    "sum(attention(x[0], 2)^2)",
    "sum(relu(dense(v, 4)) + leaky_relu(dense(v, 4)) + elu(dense(v, 4)))",
    "sum(gelu(dense(v, 4)) + silu(dense(v, 4)) + softplus(dense(v, 4)))",
    "logsumexp(dense(v, 4)) + sum(softmax(dense(v, 4))^2) + sum(log_softmax(dense(v, 4)))",
    "dot(clamp(dense(v, 3), -0.5, 0.5), v) + sum(sign(v)) + sum(transpose(x[0]) @ flatten(dense(v, 6)))",
    "exp(dense(v, 1)[0]) + log(1 + dense(v, 1)[0]^2) + sqrt(1 + dense(v, 1)[0]^2) + sin(dense(v, 1)[0])",
    "cos(dense(v, 1)[0]) + erf(dense(v, 1)[0]) + sigmoid(dense(v, 1)[0]) + abs(dense(v, 1)[0])",
};

Test(f64, layers_and_activations) {
    for (size_t c = 0; c < sizeof models / sizeof *models; c++) {
        Guarded memory = {0};
        Ran ran;
        char text[800];
        snprintf(text, sizeof text,
                 "data d { x: f64[2, 6, 6]; v: f64[3] }\nmodel m(x: f64[2, 6, 6], v: f64[3]) -> f64 = %s\n"
                 "train t { data = d; minimize = m(x, v)^2; optimizer = adamw(lr = 0.01 * cosine(progress));\n"
                 "  gradient = clip_norm(grad, 1) }\n",
                 models[c]);
        run_both(&ran, text, &memory);
        guarded_free(&memory);
        arena_free(ran.compiled.arena);
    }
}
