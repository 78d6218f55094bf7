/* --machine: the model of this machine that schedules are made for, where each figure is from; what can only be measured is
 * measured, and kept for later runs.
 */
#include "driver/driver.h"
#include "codegen/codegen.h"
#include "driver/measure.h"
#include <string.h>

static void print_figure(FILE *to, const Codegen *codegen, MachineFigure figure) {
    static const char *const origins[] = {
        [FIGURE_OF_LEVEL] = "default of the level", [FIGURE_READ] = "read", [FIGURE_MEASURED] = "measured"};
    long long value = machine_figure(codegen_machine(codegen), figure);
    const char *origin = origins[codegen_figure_origin(codegen, figure)];
    if (value == 0) {
        fprintf(to, "%-34s %10s %-13s %s\n", machine_figure_text(figure), "none", "", origin);
        return;
    }
    const char *unit = machine_figure_unit(figure);
    bool kilo = value % 1024 == 0 && strcmp(unit, "bytes") == 0;
    fprintf(to, "%-34s %10lld %-13s %s\n", machine_figure_text(figure), kilo ? value / 1024 : value, kilo ? "KB" : unit,
            origin);
}

ExitCode driver_print_machine(Driver *driver) {
    Codegen *codegen = driver_session(driver);
    bool kept = true;
    Machine measured;
    if (codegen == NULL) return EXIT_USAGE;
    if (codegen_machine_is_here(codegen)) {
        measure_machine(codegen_machine(codegen), &measured);
        kept = codegen_keep_measured(codegen, &measured);
    }
    fprintf(driver->result, "%s\n", codegen_processor(codegen));
    for (int i = 0; i < MACHINE_FIGURES; i++) print_figure(driver->result, codegen, (MachineFigure)i);
    if (!kept) driver_say(driver, "what was measured is not kept: SGDC_CACHE names no folder for it");
    codegen_free(codegen);
    return EXIT_DONE;
}
