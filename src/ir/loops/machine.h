/* machine: what schedules know of a processor, and what they make of it.
 *
 * The figures are those of a processor level (codegen/target/architecture.c), or of the machine at hand
 * (codegen/target/system.c, codegen/measured.c). Where a schedule compares ways, it compares times or sizes computed from them.
 * None moves a bit.
 */
#ifndef SGDC_LOOPS_MACHINE_H
#define SGDC_LOOPS_MACHINE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct Machine {
#define FIGURE(name, ...) int64_t name;
#include "ir/loops/machine.def"
#undef FIGURE
} Machine;

typedef enum MachineFigure {
#define FIGURE(name, ...) MACHINE_##name,
#include "ir/loops/machine.def"
#undef FIGURE
    MACHINE_FIGURES
} MachineFigure;

int64_t machine_figure(const Machine *machine, MachineFigure figure);
/* False: it is not to be believed, and stays as it was. */
bool machine_set(Machine *machine, MachineFigure figure, int64_t value);
const char *machine_figure_name(MachineFigure figure); /* "l1" */
const char *machine_figure_text(MachineFigure figure); /* "first level of the caches" */
const char *machine_figure_unit(MachineFigure figure);

/* Operations in a cycle on lanes of 32 bits: multiply-adds where these are fast. */
double machine_operations(const Machine *machine);
/* Operations that take as long as an element of a line that another core has changed. */
double machine_touching(const Machine *machine);
/* Cycles until threads have met. */
double machine_meeting(const Machine *machine);

/* ---- times, in products: fused multiply-adds of vectors of so many lanes, as fast as they can be begun */
/* Each vector that is used in so many products, or that sums so many, may be copied on the way: that takes little of their time. */
double machine_fewest_uses(const Machine *machine);
/* To pack a vector in a square of registers; element by element; to store one element by element. */
double machine_packing(const Machine *machine, int64_t lanes);
double machine_packing_alone(const Machine *machine, int64_t lanes);
double machine_scattering(const Machine *machine, int64_t lanes);
#endif
