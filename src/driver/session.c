/* Sessions that compile into this process, and where their code is kept for the next one. */
#include "driver/driver.h"
#include "codegen/codegen.h"
#include <stdlib.h>
#include <string.h>

const char *driver_kept_folder(Driver *driver) {
    const char *wanted = getenv("SGDC_CACHE");
    if (wanted && *wanted) return strcmp(wanted, "off") == 0 ? NULL : wanted;
    const char *caches = folder_of_caches(driver->arena);
    return caches ? text_format(driver->arena, "%s/code", caches) : NULL;
}

Codegen *driver_session(Driver *driver) {
    const char *kept = driver_kept_folder(driver);
    CodegenOptions options = {.cpu = driver->options->cpu,
                              .level = driver->options->optimize,
                              .threads = threads_allowed(driver),
                              .all_at_once = driver->options->dry_run,
                              .cache = kept,
                              .tuned = kept};
    return codegen_new(driver->arena, &options, driver->diagnostics);
}

Codegen *driver_trial_session(Driver *driver, Arena *arena, const KernelTuning *tuning) {
    CodegenOptions options = {.cpu = driver->options->cpu,
                              .level = driver->options->optimize,
                              .threads = threads_allowed(driver),
                              .tuned = driver_kept_folder(driver),
                              .tuning = tuning};
    return codegen_new(arena, &options, driver->diagnostics);
}
