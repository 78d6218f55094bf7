/* What the driver says: complaints, lines on what was done, diagnostics, times of passes, its version; and the clock. */
#include "codegen/codegen.h"
#include "driver/driver.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *driver_version_number(void) { return SGDC_VERSION; }

const char *driver_version(Arena *arena) {
    return text_format(arena, "%s (LLVM %d, native: %s)", SGDC_VERSION, SGDC_LLVM_VERSION, codegen_native());
}

void driver_complain(Driver *driver, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fprintf(driver->info, "sgdc: %s\n",
            text_shown(driver->arena, text_format_arguments(driver->arena, format, values)));
    va_end(values);
}

void driver_complain_no_run(Driver *driver, const char *so) {
    const char *file = driver->options->file, *others = driver->program->included_blocks;
    if (others && *others)
        driver_complain(
            driver,
            "%s has no train block of its own, so %s; those of files that it includes are asked for by name, "
            "--run=NAME, or begin one here, train NAME like OTHER { }: %s",
            file, so, others);
    else
        driver_complain(driver, "%s has no train block, so %s", file, so);
}

void driver_say(Driver *driver, const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (!driver->options->quiet)
        fprintf(driver->info, "%s\n", text_shown(driver->arena, text_format_arguments(driver->arena, format, values)));
    va_end(values);
}

void driver_add_time(Driver *driver, const char *name, double seconds) {
    for (int i = 0; i < driver->times.count; i++)
        if (strcmp(driver->times.items[i].name, name) == 0) {
            driver->times.items[i].seconds += seconds;
            return;
        }
    PassTime time = {name, seconds};
    vector_push(driver->arena, &driver->times, time);
}

void driver_add_codegen_times(Driver *driver, const struct CodegenTimes *times) {
    driver_add_time(driver, SCHEDULE_PASS, times->schedule);
    for (int i = 0; tree_passes[i].name; i++) driver_add_time(driver, tree_passes[i].name, times->pass[i]);
    driver_add_time(driver, "emit", times->emit);
    driver_add_time(driver, "optimise", times->optimise);
    driver_add_time(driver, "machine code", times->machine_code);
    driver_add_time(driver, "link", times->link);
}

void driver_print_times(Driver *driver) {
    double sum = 0;
    for (int i = 0; i < driver->times.count; i++) sum += driver->times.items[i].seconds;
    for (int i = 0; i < driver->times.count; i++)
        fprintf(driver->info, "%-14s %8.3f ms\n", driver->times.items[i].name, 1e3 * driver->times.items[i].seconds);
    fprintf(driver->info, "%-14s %8.3f ms\n", "together", 1e3 * sum);
}

static bool wants_color(const Driver *driver) {
    if (driver->options->color != COLOR_AUTO) return driver->options->color == COLOR_ALWAYS;
    return isatty(fileno(driver->info));
}

void driver_print_diagnostics(Driver *driver) {
    fflush(driver->result);
    if (driver->options->error_format == ERROR_FORMAT_JSON)
        diagnostics_print_json(driver->diagnostics, driver->info);
    else
        diagnostics_print_human(driver->diagnostics, driver->info, wants_color(driver));
}
