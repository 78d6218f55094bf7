/* The models of processors: each level has all figures, in their range. */
#include "codegen/target/architecture.h"
#include <criterion/criterion.h>

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
