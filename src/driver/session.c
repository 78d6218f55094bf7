/* The session that compiles into this process, and where its code is kept for the next one. */
#include "driver/driver.h"
#include "codegen/codegen.h"
#include <stdlib.h>
#include <string.h>

static const char *cache_folder(Driver *driver) {
    const char *wanted = getenv("SGDC_CACHE");
    if (wanted && *wanted) return strcmp(wanted, "off") == 0 ? NULL : wanted;
    const char *caches = folder_of_caches(driver->arena);
    return caches ? text_format(driver->arena, "%s/code", caches) : NULL;
}

Codegen *driver_session(Driver *driver) {
    CodegenOptions options = {
        .cpu = driver->options->cpu, .level = driver->options->optimize, .cache = cache_folder(driver)};
    return codegen_new(driver->arena, &options, driver->diagnostics);
}
