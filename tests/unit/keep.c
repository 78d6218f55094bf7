/* Moments of an optimizer: their new values are read from their cells, and no element is stored that is only repeated. */
#include "../numeric/programs.h"
#include "ir/loops/loop.h"

static const char program[] =
    "data d = synthetic(rows = 64, seed = 1) { x: f32[32] ~ normal(0, 1); y: f32 = 1 }\n"
    "model net(x: f32[32]) -> f32 = dense(tanh(dense(x, 32)), 1)[0]\n"
    "train fit { data = d; minimize = squared(net(x), y); optimizer = %s; batch = 32; epochs = 1 }\n";

typedef struct Found {
    int kept;
    int64_t largest;
} Found; /* largest: of the values without rows in a buffer */

static Found look(const char *optimizer) {
    Arena *arena = arena_new();
    Compiled c = compile_text(text_format(arena, program, optimizer), false);
    cr_assert(c.program != NULL);
    run_passes(&c, NULL, NULL);
    LoopTarget target = {.lanes = 16, .registers = 32, .fma = true, .l1 = 32 << 10, .l2 = 1 << 20};
    double seconds = 0;
    const Run *run = &c.program->runs[0];
    LoopFunction *f = loop_build(c.arena, run, &run->step, 32, &target, &seconds, &seconds);
    Found found = {0};
    for (uint32_t id = 0; id < f->nodes; id++) {
        const Buffer *b = f->buffer[id];
        found.kept += f->kept[id] > 0;
        cr_expect(f->kept[id] == 0 || b == NULL, "in its cell or in a buffer");
        if (b != NULL && !b->rows && b->elements > found.largest) found.largest = b->elements;
    }
    arena_free(c.arena);
    arena_free(arena);
    return found;
}

Test(keep, moments) {
    Found adam = look("adam(lr = 0.1)"), sgd = look("sgd(lr = 0.1)");
    cr_expect(adam.kept == 8, "two moments of each parameter");
    cr_expect(sgd.kept == 0, "sgd goes on with nothing");
    cr_expect(adam.largest == 1 && sgd.largest <= 1, "no value as large as a parameter is stored beside it");
}
