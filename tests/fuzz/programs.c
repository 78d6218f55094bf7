/* Programs: formatted, and taken up to the graphs after all passes. A defect of sgdc aborts. Run it with -max_len=2000
 * -timeout=10. */
#include "driver/driver.h"
#include "format/format.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    Arena *arena = arena_new();
    SourceMap *map = source_map_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena, map);
    Names *names = names_new(arena);
    Source *source = source_add(map, "fuzz.sgd", (const char *)bytes, length);
    Ast *ast = parse(arena, names, diagnostics, source);
    LowerOptions options = {0};
    size_t formatted_length;
    if (!diagnostics->errors && !format_source(arena, diagnostics, source, &formatted_length)) abort();
    if (!diagnostics->errors) {
        Program *program = lower_program(arena, names, diagnostics, map, ast, "fuzz.sgd", &options);
        for (const Pass *pass = graph_passes; pass->name && !diagnostics->errors; pass++)
            for (int i = 0; i < program->run_count && !diagnostics->errors; i++) pass->run(program, &program->runs[i]);
    }
    arena_free(arena);
    return 0;
}
