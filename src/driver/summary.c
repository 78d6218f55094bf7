/* --summary: what there is to learn, by name, and how much memory that and a step take. Runs with the same
 * parameters are named together.
 */
#include "codegen/codegen.h"
#include "driver/torch.h"
#include <string.h>

static const char *shape_of(Arena *arena, const Cell *cell) {
    Text text = text_new(arena);
    text_add(&text, "%s", dtype_text(cell->dtype));
    for (int a = 0; a < cell->shape.rank; a++)
        text_add(&text, "%s%lld", a ? ", " : "[", (long long)cell->shape.extent[a]);
    if (cell->shape.rank) text_add(&text, "]");
    return text.bytes;
}

/* names: of PyTorch, or NULL. */
static void add_cells(Text *to, const Run *run, CellKind kind, const TorchName *names, const char *heading) {
    char count[32];
    int64_t elements = 0, frozen = 0;
    int width = 12;
    for (int i = 0; i < run->cell_count; i++)
        if ((int)strlen(run->cells[i].name) > width) width = (int)strlen(run->cells[i].name);
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        if (cell->kind != kind) continue;
        int64_t size = shape_size(cell->shape);
        bool is_frozen = kind == CELL_PARAMETER && !cell->updated;
        elements += size;
        if (is_frozen) frozen += size;
        text_add(to, "  %-*s  %-20s %12s%s%s%s\n", width, cell->name, shape_of(to->arena, cell),
                 report_count(count, sizeof count, size), names ? "  " : "",
                 names ? torch_name_text(to->arena, run, names, i) : "", is_frozen ? "  frozen" : "");
    }
    if (!elements) return;
    text_add(to, "  %s %s", report_count(count, sizeof count, elements), heading);
    if (frozen) text_add(to, ", %s of them frozen", report_count(count, sizeof count, frozen));
    text_add(to, "\n");
}

/* codegen NULL: this LLVM cannot make code for the processor that was asked for, which has been reported. */
static const char *summary_of(Driver *driver, const Run *run, Codegen *codegen) {
    Text text = text_new(driver->arena);
    const TorchName *names = driver->options->names == NAMES_TORCH ? torch_names(driver, run) : NULL;
    add_cells(&text, run, CELL_PARAMETER, names, "parameters");
    add_cells(&text, run, CELL_STATE, names, "numbers of layers' state");
    add_cells(&text, run, CELL_OPTIMIZER, NULL, "numbers of optimizer state");
    add_cells(&text, run, CELL_STATISTIC, NULL, "statistics of the data");
    text_add(&text, "  state: %zu bytes\n", run->state_bytes);
    if (!codegen) return text.bytes;
    CodegenSizes sizes = codegen_sizes(codegen, run);
    text_add(&text, "  work: %zu bytes\n", sizes.most);
    return text.bytes;
}

void driver_print_summary(Driver *driver) {
    const Program *program = driver->program;
    const char **texts = arena_array(driver->arena, const char *, program->run_count + 1);
    CodegenOptions options = {.cpu = driver->options->cpu, .triple = driver->options->target};
    Codegen *codegen = codegen_new(driver->arena, &options, driver->diagnostics);
    for (int r = 0; r < program->run_count; r++) texts[r] = summary_of(driver, &program->runs[r], codegen);
    codegen_free(codegen);
    for (int r = 0; r < program->run_count; r++) {
        bool earlier = false;
        for (int q = 0; q < r && !earlier; q++) earlier = strcmp(texts[q], texts[r]) == 0;
        if (earlier) continue;
        fprintf(driver->result, "%s", program->runs[r].name);
        for (int q = r + 1; q < program->run_count; q++)
            if (strcmp(texts[q], texts[r]) == 0) fprintf(driver->result, ", %s", program->runs[q].name);
        fprintf(driver->result, "\n%s", texts[r]);
    }
}
