/* measured: what `sgdc --machine` measured of the machine at hand, on disk.
 *
 * It lies beside kept code (code_cache.h), one entry for each processor and level with such caches. A line is a figure and its
 * value; an entry with another line is as good as none.
 */
#include "codegen/session.h"
#include <llvm-c/TargetMachine.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const entry_key = "machine\n";

const char *machine_as_text(Arena *arena, const Machine *machine) {
    Text to = text_new(arena);
    for (int i = 0; i < MACHINE_FIGURES; i++)
        text_add(&to, "%s %lld\n", machine_figure_name(i), (long long)machine_figure(machine, i));
    return to.bytes;
}

/* False: something else stands there. Figures that are 0 were not measured. */
static bool read_text(const char *at, Machine *machine) {
    *machine = (Machine){0};
    for (int i = 0; i < MACHINE_FIGURES; i++) {
        size_t length = strlen(machine_figure_name(i));
        char *end;
        if (strncmp(at, machine_figure_name(i), length) != 0 || at[length] != ' ') return false;
        long long value = strtoll(at + length + 1, &end, 10);
        if (end == at + length + 1 || *end != '\n' || (value != 0 && !machine_set(machine, i, value))) return false;
        at = end + 1;
    }
    return *at == 0;
}

/* NULL: nothing can be kept. */
static CodeCache *open_kept(const Codegen *c) {
    char *processor = LLVMGetHostCPUName();
    const char *depends = text_format(c->arena, "machine %s %s\n%s", processor, c->target.level->cpu,
                                      machine_as_text(c->arena, &c->target.as_read));
    LLVMDisposeMessage(processor);
    return code_cache_open(c->arena, c->options.tuned, depends);
}

static void use(Codegen *c, const Machine *measured) {
    for (int i = 0; i < MACHINE_FIGURES; i++)
        if (machine_figure(measured, i) != 0)
            c->target.measured[i] = machine_set(&c->target.model, i, machine_figure(measured, i));
}

void measured_recall(Codegen *c) {
    Machine measured;
    size_t length;
    if (!c->target.is_here || c->options.tuned == NULL || access(c->options.tuned, R_OK) != 0) return;
    CodeCache *cache = open_kept(c);
    const char *kept = cache == NULL ? NULL : code_cache_find(cache, c->arena, entry_key, &length);
    if (kept != NULL && read_text(text_format(c->arena, "%.*s", (int)length, kept), &measured)) use(c, &measured);
}

bool codegen_keep_measured(Codegen *c, const Machine *measured) {
    const char *text = machine_as_text(c->arena, measured);
    CodeCache *cache = c->options.tuned == NULL ? NULL : open_kept(c);
    use(c, measured);
    if (cache == NULL) return false;
    bool kept = code_cache_keep(cache, entry_key, text, strlen(text));
    code_cache_close(cache);
    return kept;
}

/* ---- what it is --------------------------------------------------------------------------------------------- */
const Machine *codegen_machine(const Codegen *c) { return &c->target.model; }

bool codegen_machine_is_here(const Codegen *c) { return c->target.is_here; }

const char *codegen_processor(const Codegen *c) {
    const char *level = c->target.level->cpu;
    return strcmp(c->target.cpu, level) == 0 ? level : text_format(c->arena, "%s, %s", c->target.cpu, level);
}

FigureOrigin codegen_figure_origin(const Codegen *c, MachineFigure figure) {
    return c->target.measured[figure] ? FIGURE_MEASURED : c->target.read[figure] ? FIGURE_READ : FIGURE_OF_LEVEL;
}
