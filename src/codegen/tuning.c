/* tuning: choices of schedules that earlier processes measured to be the fastest, on disk.
 *
 * They lie beside kept code (code_cache.h), one entry for each machine and level of processors, so that objects for several
 * levels carry what was measured for each. An entry has a line for each kernel: its numbers, and the kernel. What other processes keep
 * while this one measures stays, but for the kernels that this one has chosen for as well: there the last one wins.
 */
#include "codegen/session.h"
#include <llvm-c/TargetMachine.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const entry_key = "tuning\n";

/* What is measured on this machine; NULL: nothing can be kept. */
static CodeCache *open_kept(const Codegen *c, Arena *arena) {
    const ProcessorLevel *level = c->target.level;
    char *machine = LLVMGetHostCPUName();
    CodeCache *cache = code_cache_open(
        arena, c->options.tuned,
        text_format(arena, "tuning %s %s %lld", machine, level->cpu, (long long)c->options.caches));
    LLVMDisposeMessage(machine);
    return cache;
}

/* ---- as text ------------------------------------------------------------------------------------------------ */
const char *tuning_text(Arena *arena, const KernelTuning *tuning) {
    Text to = text_new(arena);
    if (tuning != NULL && tuning->seed != 0) text_add(&to, "seed %llu\n", (unsigned long long)tuning->seed);
    for (int i = 0; tuning != NULL && i < tuning->choices.count; i++) {
        const KernelChoice *choice = &tuning->choices.items[i];
        for (int n = 0; n < KERNEL_NUMBERS; n++) text_add(&to, "%lld ", (long long)choice->number[n]);
        text_add(&to, "%s\n", choice->kernel);
    }
    return to.bytes;
}

/* Up to the first line that is none. */
static void read_text(Arena *arena, const char *text, size_t length, KernelTuning *tuning) {
    const char *at = text_format(arena, "%.*s", (int)length, text);
    for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        KernelChoice choice = {0};
        for (int n = 0; n < KERNEL_NUMBERS; n++) {
            char *after;
            choice.number[n] = strtoll(at, &after, 10);
            if (after == at || *after != ' ' || choice.number[n] < 0) return;
            at = after + 1;
        }
        choice.kernel = text_format(arena, "%.*s", (int)(end - at), at);
        vector_push(arena, &tuning->choices, choice);
    }
}

/* ---- what is kept ------------------------------------------------------------------------------------------- */
const KernelTuning *tuning_kept(const Codegen *c) {
    KernelTuning *tuning = arena_new_of(c->arena, KernelTuning);
    const char *drawn = getenv("SGDC_SCHEDULES");
    size_t length;
    if (drawn != NULL && *drawn != 0) {
        tuning->seed = strtoull(drawn, NULL, 10) + 1;
        return tuning;
    }
    if (c->options.tuned == NULL || access(c->options.tuned, R_OK) != 0) return NULL;
    CodeCache *cache = open_kept(c, c->arena);
    const char *kept = cache == NULL ? NULL : code_cache_find(cache, c->arena, entry_key, &length);
    if (kept != NULL) read_text(c->arena, kept, length, tuning);
    return tuning->choices.count > 0 ? tuning : NULL;
}

const KernelTuning *codegen_tuning(const Codegen *c) { return c->target.numbers.tuning; }

/* Choices for the kernels that `to` has none for. */
static void add_choices(Arena *arena, KernelTuning *to, const KernelTuning *from) {
    for (int i = 0; i < from->choices.count; i++)
        if (tuning_find(to, from->choices.items[i].kernel) == NULL)
            vector_push(arena, &to->choices, from->choices.items[i]);
}

bool codegen_may_keep_tuning(Codegen *c) {
    return c->options.tuned != NULL && open_kept(c, c->arena) != NULL && access(c->options.tuned, W_OK | X_OK) == 0;
}

bool codegen_keep_tuning(Codegen *c, const KernelTuning *tuning) {
    KernelTuning all = {.choices = {0}}, before = {.choices = {0}};
    size_t length;
    CodeCache *cache = c->options.tuned == NULL ? NULL : open_kept(c, c->arena);
    if (cache == NULL) return false;
    int lock = code_cache_lock(cache);
    const char *kept = code_cache_find(cache, c->arena, entry_key, &length);
    if (kept != NULL) read_text(c->arena, kept, length, &before);
    add_choices(c->arena, &all, tuning);
    add_choices(c->arena, &all, &before);
    const char *text = tuning_text(c->arena, &all);
    bool keeps = code_cache_keep(cache, entry_key, text, strlen(text));
    code_cache_unlock(lock);
    code_cache_close(cache);
    return keeps;
}
