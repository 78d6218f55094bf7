/* sgdc's side in training: fit of the object that it made, called as an application calls it.
 *     cc -DHEADER='"bench.h"' -DPREFIX=bench -DTRAIN_BYTES=BENCH_TRAIN_BYTES -DCOLUMNS='COLUMN(0), COLUMN(1)' \
 *        trainer.c bench.o libsgdrt.a ...
 *     trainer STEPS ROWS FILE...          as the program says, which is STEPS; a file of raw numbers for each column
 * BENCH_THREADS: on how many. */
#include HEADER
#include "../runtime/large_pages.h"
#include "peers/peer.h"

#define JOIN(a, b) a##b
#define NAMED(prefix, name) JOIN(prefix, name)
#define API(name) NAMED(PREFIX, name)
#define COLUMN(i) read_file(arguments[3 + (i)])

static int threads;

/* A model trains to the end of its program once: each fit has a new one, which does not count, in the memory of the one
 * before, since what the system takes to hand out new memory is no part of a step. */
static double fit(void *data) {
    static void *memory;
    PREFIX *model;
    double start = now();
    if (!memory) sgdrt_prefer_large_pages(memory = aligned_alloc(64, TRAIN_BYTES), TRAIN_BYTES); /* as _new does */
    if (!memory || API(_init)(&model, memory, TRAIN_BYTES, NULL) || API(_set_threads)(model, threads)) exit(1);
    double made = now() - start;
    if (API(_fit)(model, data, NULL, NULL, NULL)) exit(1);
    start = now();
    API(_free)(model);
    return made + now() - start;
}

static void *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) exit(2);
    size_t size = (size_t)ftell(file);
    char *bytes = aligned_alloc(64, (size + 64) / 64 * 64);
    rewind(file);
    if (!bytes || fread(bytes, 1, size, file) != size) exit(2);
    fclose(file);
    return bytes;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    threads = getenv("BENCH_THREADS") ? atoi(getenv("BENCH_THREADS")) : 1;
    API(_data) data = API(_rows)(atol(arguments[2]), COLUMNS);
    puts("{\"check\": null}");
    return serve(fit, &data, atof(arguments[1]));
}
