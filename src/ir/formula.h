/* formula: what --emit=grad prints: the derivative of the objective with respect to every parameter, as
 * formulas in the user's own names. */
#ifndef SGDC_FORMULA_H
#define SGDC_FORMULA_H
#include "ir/program.h"

/* Appends the formulas of one run. Takes the run as lowering left it: before any pass. */
void formula_print(Text *to, const Program *program, const Run *run);
#endif
