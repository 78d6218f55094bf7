/* machine: figures by their number, and times that follow from them. */
#include "ir/loops/machine.h"
#include "ir/loops/loops.h"
#include <stddef.h>

static const struct FigureRow {
    size_t offset;
    int64_t least, most;
    const char *name, *unit, *text;
} figures[MACHINE_FIGURES] = {
#define FIGURE(name, least, most, unit, text) {offsetof(Machine, name), least, most, #name, unit, text},
#include "ir/loops/machine.def"
#undef FIGURE
};

int64_t machine_figure(const Machine *machine, MachineFigure figure) {
    return *(const int64_t *)((const char *)machine + figures[figure].offset);
}

bool machine_set(Machine *machine, MachineFigure figure, int64_t value) {
    const struct FigureRow *row = &figures[figure];
    if (value < row->least || value > row->most) return false;
    *(int64_t *)((char *)machine + row->offset) = value;
    return true;
}

const char *machine_figure_name(MachineFigure figure) { return figures[figure].name; }
const char *machine_figure_text(MachineFigure figure) { return figures[figure].text; }
const char *machine_figure_unit(MachineFigure figure) { return figures[figure].unit; }

/* ---- times -------------------------------------------------------------------------------------------------- */
/* Of cycles. */
static double products(const Machine *m, double cycles) { return 100 * cycles / (double)m->fma_pace; }

/* Cycles of a vector. Of stores a core does half as many as of loads. */
static double loading(const Machine *m) { return (double)m->vector_bytes / (double)m->l1_rate; }
static double storing(const Machine *m) { return 2 * loading(m); }

double machine_operations(const Machine *m) {
    double vectors = products(m, 1);
    return (double)m->vector_bytes / 4 * (vectors > 1 ? vectors : 1);
}

/* Cycles until what lies anywhere is there. */
static double far(const Machine *m) { return (double)(m->l3 > 0 ? m->l3_latency : m->memory_latency); }

/* A line goes to the others and one comes back; each is asked for where all cores look, and then of the core that has changed it. */
double machine_meeting(const Machine *m) { return 4 * far(m); }

/* Its line comes, and goes back when it is changed again. */
double machine_touching(const Machine *m) { return machine_meeting(m) / ((double)m->line / 4) * machine_operations(m); }

/* To load and store a vector, or one element. */
static double copying(const Machine *m) { return products(m, loading(m) + storing(m)); }

/* Little is a sixteenth: about what a kernel loses where its operands lie apart. */
double machine_fewest_uses(const Machine *m) { return 16 * copying(m); }

/* Lanes that are transposed change places once for each bit of their number, at the pace of products, or of a cycle where those
 * are slow. */
double machine_packing(const Machine *m, int64_t lanes) {
    double shuffle = m->fma_pace < 100 ? (double)m->fma_pace / 100 : 1, shuffles = 0;
    for (; lanes > 1; lanes /= 2) shuffles += shuffle;
    return copying(m) + products(m, shuffles);
}

double machine_packing_alone(const Machine *m, int64_t lanes) { return (double)lanes * copying(m); }

double machine_scattering(const Machine *m, int64_t lanes) { return products(m, (double)lanes * storing(m)); }

/* ---- tiles -------------------------------------------------------------------------------------------------- */
/* Three quarters of the registers are chains; the others hold vectors of the lanes, and what is multiplied with them. Of 16
 * registers that is a tile of 2 vectors by 6 places, of 32 one of 4 by 6 or 3 by 8. Larger blocks of rows may take half of the
 * outermost level, which the rows and the parameters are in too. */
TileNumbers machine_tiles(const Machine *m) {
    int64_t chains = m->registers * 3 / 4, vectors = m->registers / 8;
    return (TileNumbers){.machine = *m,
                         .has_threads = true,
                         .vectors = vectors,
                         .chains = chains,
                         .unrolled = chains / (vectors - vectors / 4),
                         .square_bytes = m->vector_bytes,
                         .block_bytes = (m->l3 > 0 ? m->l3 : m->l2) / 2,
                         .row_lanes = m->vector_bytes / 4};
}

/* A tile is four chains by as many as leave half of the registers. What is loaded differs from run to run, so it is not cut for the
 * caches. */
TileNumbers tiles_of_runs(const Machine *m, SideBySide runs) {
    enum { BESIDE = 4 };
    int64_t places = m->registers / (2 * BESIDE);
    TileNumbers numbers = {
        .machine = *m, .vectors = 1, .unrolled = places, .chains = places, .row_lanes = 1, .run_lanes = runs};
    numbers.machine.vector_bytes = BESIDE * 4;
    numbers.machine.l2 = 0;
    return numbers;
}
