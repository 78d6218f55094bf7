/* emulated: an executor whose code is for aarch64 and runs in another process, under user-mode emulation.
 *
 * The run's functions are compiled to an object, linked with emulated/agent.c by the cross compiler, and started with
 * qemu-aarch64. The test's memory (guarded_memory of a shared Guarded) is a file that both processes map at the same
 * place, so state, work, columns and outputs are passed as they are; what else a call points to is copied there.
 *
 * SGDC_AARCH64 names the folder in which tests/CMakeLists.txt has built the agent's object.
 */
#ifndef TESTS_EMULATED_H
#define TESTS_EMULATED_H
#include "codegen/codegen.h"
#include "driver/output.h"
#include "programs.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Emulated {
    Executor executor;
    pid_t process;
    int to, from; /* its stdin and stdout */
    char *copies;
    size_t used; /* shared: what a call points to besides the big blocks */
} Emulated;
enum { COPIES_BYTES = 1 << 20, FIRST_METRIC = 4 };

static inline void *emulated_copy(Emulated *e, const void *from, size_t bytes) {
    cr_assert(e->used + bytes + 64 <= COPIES_BYTES);
    void *to = e->copies + e->used;
    e->used += (bytes + 63) / 64 * 64;
    return from ? memcpy(to, from, bytes) : NULL;
}

static inline const Function *emulated_function(const Run *run, Entry entry, int measure) {
    const Function *const functions[] = {&run->init, &run->step, &run->evaluate, &run->predictor};
    return entry == ENTRY_METRIC ? &run->measures[measure].metric : functions[entry];
}

static inline int64_t emulated_call(Executor *executor, Entry entry, int measure, const sgdrt_call *given) {
    Emulated *e = (Emulated *)executor;
    const Run *run = executor->run;
    const Function *f = emulated_function(run, entry, measure);
    int columns = entry == ENTRY_METRIC ? run->measures[measure].argument_count : run->data->column_count;
    size_t outputs = 1, sums = sizeof(double) * (size_t)(run_sums(run) + 1);
    for (int r = 0; r < f->root_count; r++)
        outputs = (size_t)f->roots[r].index + 1 > outputs ? (size_t)f->roots[r].index + 1 : outputs;
    e->used = 0;
    sgdrt_call *call = emulated_copy(e, given, sizeof *given);
    call->columns = emulated_copy(e, given->columns, sizeof *given->columns * (size_t)columns);
    call->rows = emulated_copy(e, given->rows, sizeof *given->rows * (size_t)given->count);
    call->outputs = emulated_copy(e, given->outputs, sizeof *given->outputs * outputs);
    call->sums = emulated_copy(e, given->sums, sums);
    uint64_t order[2] = {(uint64_t)(entry == ENTRY_METRIC ? FIRST_METRIC + measure : (int)entry), (uintptr_t)call};
    int64_t result = -1;
    bool answered = write(e->to, order, sizeof order) == sizeof order &&
                    read(e->from, &result, sizeof result) == sizeof result;
    cr_assert(answered, "the emulated process has ended");
    if (given->sums) memcpy(given->sums, call->sums, sums);
    return result;
}

static inline void emulated_free(Executor *executor) {
    Emulated *e = (Emulated *)executor;
    close(e->to); /* its end of file */
    close(e->from);
    waitpid(e->process, NULL, 0);
}

static inline void emulated_start(Emulated *e, const char *program, const Guarded *memory) {
    int to[2], from[2];
    char file[64], base[32], bytes[32];
    snprintf(file, sizeof file, "/proc/%d/fd/%d", (int)getpid(), memory->file);
    snprintf(base, sizeof base, "%llu", (unsigned long long)SHARED_BASE);
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)SHARED_BYTES);
    cr_assert(pipe(to) == 0 && pipe(from) == 0);
    e->process = fork();
    if (e->process == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execlp("qemu-aarch64", "qemu-aarch64", program, file, base, bytes, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    e->to = to[1];
    e->from = from[0];
}

static inline Executor *emulated_new(Arena *arena, Codegen *codegen, const Run *run, Guarded *memory) {
    char folder[] = "/tmp/sgdc-emulated-XXXXXX";
    Emulated *e = arena_new_of(arena, Emulated);
    const char *prefix = "p", *agent = getenv("SGDC_AARCH64");
    cr_assert(mkdtemp(folder) != NULL && run->measure_count <= 4);
    const char *object = text_format(arena, "%s/p.o", folder), *program = text_format(arena, "%s/p", folder);
    Text bytes = text_new(arena);
    const char *problem;
    codegen_object(&codegen, 1, &bytes, &run, &prefix, 1, NULL);
    bool made = output_write(arena, object, bytes.bytes, bytes.length, &problem) &&
                system(text_format(arena, "aarch64-linux-gnu-gcc -static %s/agent.o %s -o %s", agent, object,
                                   program)) == 0;
    cr_assert(made, "no program for aarch64 could be made");
    signal(SIGPIPE, SIG_IGN);
    *e = (Emulated){.executor = {run, codegen_sizes(codegen, run).most, emulated_call, emulated_free},
                    .copies = guarded_memory(memory, COPIES_BYTES, false)};
    emulated_start(e, program, memory);
    /* It has been loaded when it answers; init into memory of its own is as good a question as any. */
    sgdrt_call call = {.state = aligned_memory(memory, run->state_bytes),
                       .work = aligned_memory(memory, e->executor.work_bytes)};
    emulated_call(&e->executor, ENTRY_INIT, 0, &call);
    unlink(object);
    unlink(program);
    rmdir(folder);
    return &e->executor;
}
#endif
