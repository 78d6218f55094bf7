/* The models of processors: each level has all figures, in their range; each figure moves some schedule, and tiles have the
 * registers that there are. That none moves a bit is what numeric tests are for.
 */
#include "codegen/target/architecture.h"
#include "compiled.h"

static void check_level(const ArchitectureRow *row, const ProcessorLevel *level) {
    Machine model = level->machine;
    for (MachineFigure f = 0; f < MACHINE_FIGURES; f++)
        cr_expect(machine_set(&model, f, machine_figure(&model, f)),
                  "%s, level %d: %s is not there, or not in its range", row->name, level->number,
                  machine_figure_name(f));
}

Test(machine, levels_have_all_figures) {
    for (int a = 0; a < ARCHITECTURES; a++) {
        const ArchitectureRow *row = architecture_row((Architecture)a);
        for (int i = 0; i < row->levels; i++) check_level(row, &row->level[i]);
    }
}

/* ---- schedules ---------------------------------------------------------------------------------------------- */
static const char *const texts[] = {
    "data d { x: f32[300]; t: label[40] }\n" /* blocks, panels, threads */
    "model net(x: f32[300]) -> f32[40] = dense(relu(dense(x, 200)), 40)\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 64 }\n",
    "data d { x: f32[500]; t: label[4] }\n" /* lines that are fetched */
    "model net(x: f32[500]) -> f32[4] = dense(x, 4)\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 32 }\n",
    "data d { x: f32[7]; y: f32 }\n" /* rows as lanes */
    "model net(x: f32[7]) -> f32 = dense(tanh(dense(x, 5)), 1)[0]\n"
    "train fit { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1); batch = 96 }\n",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static LoopTree *step_on(Arena *arena, const Run *run, const Machine *machine) {
    TileNumbers numbers = machine_tiles(machine);
    LoopTree *tree = schedule_function(arena, run, &run->step, IN_ONE_BLOCK, &numbers);
    const char *problem = tree_run_passes(tree, &numbers, TREE_FOR_TESTS, NULL, NULL);
    cr_assert(problem == NULL, "%s", problem);
    return tree;
}

static const char *loops_on(Arena *arena, const Run *run, const Machine *machine) {
    TileNumbers numbers = machine_tiles(machine);
    Text text = text_new(arena);
    tree_print(&text, step_on(arena, run, machine));
    tree_print(&text, schedule_function(arena, run, &run->evaluate, IN_BLOCKS, &numbers));
    return text.bytes;
}

static const Machine usual = {.vector_bytes = 32,
                              .registers = 16,
                              .fma_pace = 50,
                              .line = 64,
                              .l1 = 32 << 10,
                              .l2 = 512 << 10,
                              .l3 = 8 << 20,
                              .l3_latency = 50,
                              .memory_latency = 300,
                              .l1_rate = 64};

Test(machine, each_figure_moves_a_schedule) {
    Arena *arena = arena_new();
    const Run *run[TEXTS];
    for (int i = 0; i < TEXTS; i++) run[i] = &compiled(arena, texts[i])->runs[0];
    for (MachineFigure figure = 0; figure < MACHINE_FIGURES; figure++) {
        Machine from = usual;
        if (figure == MACHINE_memory_latency) from.l3 = 0; /* threads meet there */
        bool moved = false;
        for (int change = 0; change < 4 && !moved; change++) {
            static const int times[] = {2, 32, 1, 1}, parts[] = {1, 1, 2, 32};
            Machine machine = from;
            if (!machine_set(&machine, figure, machine_figure(&from, figure) * times[change] / parts[change])) continue;
            for (int i = 0; i < TEXTS && !moved; i++)
                moved = strcmp(loops_on(arena, run[i], &from), loops_on(arena, run[i], &machine)) != 0;
        }
        cr_expect(moved, "no schedule follows the figure %s", machine_figure_name(figure));
    }
    arena_free(arena);
}

/* The sums of the largest tile take more than half of the registers, and leave room for what is multiplied. */
Test(machine, tiles_fill_the_registers) {
    Arena *arena = arena_new();
    const Run *run = &compiled(arena, texts[0])->runs[0];
    for (int64_t registers = 8; registers <= 32; registers *= 2) {
        Machine machine = usual;
        cr_assert(machine_set(&machine, MACHINE_registers, registers));
        const LoopTree *tree = step_on(arena, run, &machine);
        int64_t most = 0;
        for (int i = 0; i < tree->kernels.count; i++) {
            const NumberRange *number = tree->kernels.items[i].number;
            int64_t sums = number[KERNEL_VECTORS].chosen * number[KERNEL_UNROLLED].chosen;
            if (sums > most) most = sums;
        }
        cr_expect(most > registers / 2 && most < registers, "%lld sums in %lld registers", (long long)most,
                  (long long)registers);
    }
    arena_free(arena);
}
