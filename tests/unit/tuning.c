/* Choices of schedules: kept for later sessions of the same level, ignored where they are broken, and legal whatever they are. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codegen/code_cache.h"
#include "codegen/codegen.h"
#include "frontend/parse.h"

static const char text[] =
    "data d { x: f32[70]; t: label[40] }\n"
    "model net(x: f32[70]) -> f32[40] = dense(relu(dense(x, 60)), 40)\n"
    "train fit { data = d; minimize = cross_entropy(net(x), t); optimizer = sgd(lr = 0.1); batch = 32 }\n";

typedef struct Bench {
    Arena *arena;
    Diagnostics *diagnostics;
    const Run *run;
    const char *scratch, *folder;
} Bench;

static Bench bench_new(void) {
    Bench b = {.arena = arena_new()};
    char name[] = "/tmp/sgdc-tuning-XXXXXX";
    b.scratch = text_format(b.arena, "%s", mkdtemp(name));
    b.folder = text_format(b.arena, "%s/kept", b.scratch);
    SourceMap *map = source_map_new(b.arena);
    b.diagnostics = diagnostics_new(b.arena, map);
    Names *names = names_new(b.arena);
    Ast *ast = parse(b.arena, names, b.diagnostics, source_add(map, "p.sgd", text, strlen(text)));
    LowerOptions options = {0};
    Program *program = lower_program(b.arena, names, b.diagnostics, map, ast, "p.sgd", &options);
    cr_assert(b.diagnostics->errors == 0);
    for (const Pass *pass = graph_passes; pass->name; pass++) pass->run(program, &program->runs[0]);
    b.run = &program->runs[0];
    return b;
}

static Codegen *session(const Bench *b, const char *cpu, const KernelTuning *tuning) {
    CodegenOptions options = {.cpu = cpu, .level = 1, .tuned = b->folder, .tuning = tuning, .verify = true};
    return codegen_new(b->arena, &options, b->diagnostics);
}

static const char *loops_of(const Bench *b, Codegen *codegen) {
    const char *prefix = "p";
    Text loops = text_new(b->arena);
    cr_assert(codegen_text(codegen, &loops, &b->run, &prefix, 1, CODEGEN_LOOPS));
    return loops.bytes;
}

/* Each kernel has other places of a tile than the model gives it. */
static KernelTuning other_tiles(const Bench *b) {
    KernelTuning tuning = {.choices = {0}};
    const PlannedKernel *kernels;
    Codegen *codegen = session(b, NULL, NULL);
    int count = codegen_kernels(codegen, codegen_jit(codegen, b->run), ENTRY_STEP, &kernels);
    for (int i = 0; i < count; i++) {
        const NumberRange *range = &kernels[i].number[KERNEL_UNROLLED];
        if (range->least == 0 || tuning_find(&tuning, kernels[i].kernel) != NULL) continue;
        KernelChoice choice = {.kernel = text_format(b->arena, "%s", kernels[i].kernel)};
        choice.number[KERNEL_UNROLLED] = range->chosen == 3 ? 2 : 3;
        vector_push(b->arena, &tuning.choices, choice);
    }
    cr_assert(tuning.choices.count > 0, "no kernel has anything to choose");
    codegen_free(codegen);
    return tuning;
}

static void remove_folder(const Bench *b) { cr_expect(system(text_format(b->arena, "rm -rf %s", b->scratch)) == 0); }

Test(tuning, is_kept_for_its_level) {
    Bench b = bench_new();
    KernelTuning tuning = other_tiles(&b);
    Codegen *first = session(&b, "x86-64-v2", NULL), *other = session(&b, "x86-64-v3", NULL);
    const char *before = loops_of(&b, first);
    cr_expect(codegen_tuning(first) == NULL);
    cr_expect(codegen_keep_tuning(first, &tuning));
    Codegen *later = session(&b, "x86-64-v2", NULL);
    const KernelTuning *kept = codegen_tuning(later);
    cr_assert(kept != NULL && kept->choices.count == tuning.choices.count);
    for (int i = 0; i < tuning.choices.count; i++) {
        const KernelChoice *choice = &tuning.choices.items[i], *found = tuning_find(kept, choice->kernel);
        cr_expect(found != NULL && memcmp(found->number, choice->number, sizeof choice->number) == 0);
    }
    cr_expect(strcmp(before, loops_of(&b, later)) != 0, "what is kept changes no loop");
    cr_expect(codegen_tuning(session(&b, "x86-64-v3", NULL)) == NULL, "another level takes what is this one's");
    KernelTuning more = {.choices = {0}};
    KernelChoice choice = {.kernel = "another"};
    vector_push(b.arena, &more.choices, choice);
    cr_expect(codegen_keep_tuning(other, &more) && codegen_keep_tuning(later, &more));
    kept = codegen_tuning(session(&b, "x86-64-v2", NULL));
    cr_expect(kept != NULL && kept->choices.count == tuning.choices.count + 1, "it takes the place of what was kept");
    remove_folder(&b);
}

/* The object for all levels; explicit: sessions are told the choices of each level, and take none from the folder. */
static Text object(const Bench *b, const KernelTuning *const *explicit) {
    CodegenOptions options = {.level = 0, .tuned = explicit == NULL ? b->folder : NULL, .verify = true};
    ObjectProcessor processors[MOST_OBJECT_PROCESSORS];
    Codegen *sessions[MOST_OBJECT_PROCESSORS];
    const char *prefixes[MOST_OBJECT_PROCESSORS];
    int count = codegen_object_processors(b->arena, &options, processors);
    Text bytes = text_new(b->arena);
    for (int i = 0; i < count; i++) {
        options.cpu = processors[i].cpu;
        options.tuning = explicit == NULL ? NULL : explicit[i];
        sessions[i] = codegen_new(b->arena, &options, b->diagnostics);
        prefixes[i] = text_format(b->arena, "level%d", i);
    }
    codegen_object(sessions, count, &bytes, &b->run, prefixes, 1, NULL);
    for (int i = 0; i < count; i++) codegen_free(sessions[i]);
    return bytes;
}

static bool same_bytes(const Text *a, const Text *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

Test(tuning, of_each_level_is_in_an_object_for_several) {
    Bench b = bench_new();
    ObjectProcessor processors[MOST_OBJECT_PROCESSORS];
    KernelTuning of_level[MOST_OBJECT_PROCESSORS];
    const KernelTuning *all[MOST_OBJECT_PROCESSORS];
    int count = codegen_object_processors(b.arena, &(CodegenOptions){.cpu = NULL}, processors);
    Text untuned = object(&b, NULL);
    for (int i = 0; i < count; i++) {
        of_level[i] = other_tiles(&b);
        for (int k = 0; k < of_level[i].choices.count; k++) of_level[i].choices.items[k].number[KERNEL_UNROLLED] += i;
        all[i] = &of_level[i];
        cr_assert(codegen_keep_tuning(session(&b, processors[i].cpu, NULL), &of_level[i]));
    }
    Text kept = object(&b, NULL), told = object(&b, all);
    cr_expect(!same_bytes(&untuned, &kept), "what is kept changes nothing");
    cr_expect(same_bytes(&kept, &told), "levels have other choices than their own");
    remove_folder(&b);
}

/* Of a kernel, as a process of its own; the number of choices is one more. */
static void keep_one(const Bench *b, int process, int kernel) {
    KernelTuning tuning = {.choices = {0}};
    KernelChoice choice = {.kernel = text_format(b->arena, "kernel %d of %d", kernel, process)};
    choice.number[KERNEL_UNROLLED] = 1 + kernel;
    vector_push(b->arena, &tuning.choices, choice);
    Codegen *codegen = session(b, NULL, NULL);
    if (codegen == NULL || !codegen_keep_tuning(codegen, &tuning)) _exit(1);
    codegen_free(codegen);
}

Test(tuning, of_processes_at_once_all_stays) {
    enum { PROCESSES = 6, KERNELS = 20 };
    Bench b = bench_new();
    pid_t process[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        process[p] = fork();
        if (process[p] != 0) continue;
        for (int k = 0; k < KERNELS; k++) keep_one(&b, p, k);
        _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        cr_expect(waitpid(process[p], &status, 0) == process[p] && status == 0);
    }
    const KernelTuning *kept = codegen_tuning(session(&b, NULL, NULL));
    cr_expect(kept != NULL && kept->choices.count == PROCESSES * KERNELS, "%d are left of %d",
              kept == NULL ? 0 : kept->choices.count, PROCESSES * KERNELS);
    remove_folder(&b);
}

/* A process that is stopped, or was killed, while it had the lock. */
Test(tuning, waits_for_no_stopped_process) {
    Bench b = bench_new();
    KernelTuning tuning = other_tiles(&b);
    cr_assert(codegen_keep_tuning(session(&b, NULL, NULL), &tuning));
    CodeCache *cache = code_cache_open(b.arena, b.folder, "");
    int lock = code_cache_lock(cache);
    cr_assert(lock >= 0);
    keep_one(&b, 0, 0);
    code_cache_unlock(lock);
    const KernelTuning *kept = codegen_tuning(session(&b, NULL, NULL));
    cr_expect(kept != NULL && kept->choices.count == tuning.choices.count + 1);
    remove_folder(&b);
}

/* Bytes at the end of each file are changed. */
static void damage(const Bench *b) {
    DIR *folder = opendir(b->folder);
    for (struct dirent *file; (file = readdir(folder));) {
        FILE *entry = fopen(text_format(b->arena, "%s/%s", b->folder, file->d_name), "r+b");
        if (!entry || file->d_name[0] == '.') continue;
        if (fseek(entry, -3, SEEK_END) == 0) fputc('#', entry); /* it is not the empty lock */
        fclose(entry);
    }
    closedir(folder);
}

Test(tuning, that_is_broken_is_none) {
    Bench b = bench_new();
    KernelTuning tuning = other_tiles(&b);
    Codegen *first = session(&b, NULL, NULL);
    const char *before = loops_of(&b, first);
    cr_expect(codegen_keep_tuning(first, &tuning));
    damage(&b);
    Codegen *later = session(&b, NULL, NULL);
    cr_expect(codegen_tuning(later) == NULL && strcmp(before, loops_of(&b, later)) == 0);
    cr_expect(codegen_keep_tuning(later, &tuning) && codegen_tuning(session(&b, NULL, NULL)) != NULL);
    remove_folder(&b);
}

/* Numbers far out of range; trees are verified. */
Test(tuning, of_any_numbers_is_a_schedule) {
    Bench b = bench_new();
    static const int64_t numbers[] = {1, 2, 5, 1000, INT64_MAX / 2};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        KernelTuning tuning = other_tiles(&b);
        for (int i = 0; i < tuning.choices.count; i++)
            for (int k = 0; k < KERNEL_NUMBERS; k++) tuning.choices.items[i].number[k] = numbers[n];
        cr_expect(strlen(loops_of(&b, session(&b, NULL, &tuning))) > 0);
    }
    remove_folder(&b);
}
