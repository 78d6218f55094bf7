/* Relays: which nests go together, and what then needs room for the rows that they are at only. */
#include "../numeric/programs.h"
#include "ir/loops/loop.h"

static const char two_convolutions[] =
    "data d = synthetic(rows = 32, seed = 1) { x: f32[16, 4, 4] ~ normal(0, 1); y: label[3] = 1 }\n"
    "model net(x: f32[16, 4, 4]) -> f32[3] {\n"
    "  a = relu(conv2d(x, 16, 3, pad = 1))\n"
    "  b = relu(conv2d(a, 16, 3, pad = 1))\n"
    "  return dense(flatten(b), 3)\n"
    "}\n"
    "train fit { data = d; minimize = cross_entropy(net(x), y); optimizer = sgd(lr = 0.1); batch = 16; epochs = 1 }\n";

typedef struct Found {
    int relays, longest, rows;
} Found;

static Found look(const LoopFunction *f) {
    Found found = {0};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            const Nest *first = f->sections[s].nests.items[i];
            found.relays += first->relay > 0;
            found.longest = first->relay > found.longest ? first->relay : found.longest;
            for (int k = 0; k < first->relay; k++) {
                const Nest *nest = f->sections[s].nests.items[i + k];
                cr_expect(nest->rows && nest->split == first->split && (k == 0 || (nest->relay == 0 && !nest->waits)));
            }
        }
    for (int i = 0; i < f->buffers.count; i++) {
        const Buffer *b = f->buffers.items[i];
        found.rows += b->of_relay;
        cr_expect(!b->of_relay || (b->of_thread == f->threads && b->row_stride <= 1 &&
                                   b->elements <= RELAY_ROWS * shape_size(b->shape)),
                  "each thread has rows of its own");
    }
    return found;
}

static Found found_in(const Run *run, const Function *function, int64_t batch, size_t cache, bool threads) {
    LoopTarget target = {
        .lanes = 16, .registers = 32, .fma = true, .l1 = cache / 32, .l2 = cache, .split_all = threads};
    Arena *arena = arena_new();
    double seconds = 0;
    LoopFunction *f = loop_build(arena, run, function, batch, &target, &seconds, &seconds);
    cr_expect(f->threads || !threads);
    Found found = look(f);
    arena_free(arena);
    return found;
}

Test(relay, rows_of_two_convolutions) {
    Compiled c = compile_text(two_convolutions, false);
    cr_assert(c.program != NULL);
    run_passes(&c, NULL, NULL);
    const Run *run = &c.program->runs[0];
    for (int threads = 0; threads < 2; threads++) {
        Found forward = found_in(run, &run->predictor, 16, 1 << 20, threads);
        cr_expect(forward.relays == 1 && forward.longest >= 3 && forward.rows >= 2, "x, a and b of one row");
        Found step = found_in(run, &run->step, 16, 1 << 20, threads);
        cr_expect(step.longest >= 3 && step.rows < forward.rows, "gradients read x and a");
        cr_expect(found_in(run, &run->predictor, 16, 16 << 10, threads).longest < 3, "weights as large as the cache");
    }
    arena_free(c.arena);
}

static const char classifier[] =
    "data d = synthetic(rows = 64, seed = 1) { x: f32[8] ~ normal(0, 1); y: label[10] = 1 }\n"
    "model net(x: f32[8]) -> f32[10] = dense(x, 10)\n"
    "train fit { data = d; minimize = cross_entropy(net(x), y); optimizer = sgd(lr = 0.1); batch = 32; epochs = 1 }\n";

Test(relay, softmax_and_cross_entropy) {
    Compiled c = compile_text(classifier, false);
    cr_assert(c.program != NULL);
    run_passes(&c, NULL, NULL);
    const Run *run = &c.program->runs[0];
    for (int threads = 0; threads < 2; threads++) {
        Found step = found_in(run, &run->step, 32, 1 << 20, threads);
        cr_expect(step.relays == 1 && step.longest == 5, "maximum, exp, sum, gradient, its rows turned");
        cr_expect(step.rows == 2, "exp and the sum's reciprocal of 16 rows");
        cr_expect(found_in(run, &run->step, 16, 1 << 20, threads).relays == 0, "no more rows than lanes");
    }
    arena_free(c.arena);
}
