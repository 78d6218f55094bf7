/* system: what the system says of the caches of the machine at hand. */
#ifndef SGDC_SYSTEM_H
#define SGDC_SYSTEM_H
#include "ir/loops/machine.h"
#include "support/support.h"

/* Sets the caches of the machine, and read[figure] where it does; what it does not find, or does not believe, stays as it was. */
void system_read_caches(Arena *arena, Machine *machine, bool read[MACHINE_FIGURES]);
bool system_is_named(void); /* by SGDC_MACHINE: another one than this */
#endif
