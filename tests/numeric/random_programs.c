/* Random programs, compiled and interpreted, compared bit for bit (trial.h), at random optimisation levels and vector
 * widths.
 *
 * The programs are those of generator.h; that one is refused is a failure as well.
 *
 * Of every eighth program, or of all with SGDC_TOGETHER, steps are taken by several runs together (beside.h).
 *
 * Those of tests/numeric/seeds, which once failed, come first.
 *
 * In the environment: SGDC_PROGRAMS=N makes N programs instead of 1000, SGDC_SHARD=K/N one of N parts of them without
 * those that once failed, SGDC_PROGRAM=SEED just that one, printed. With SGDC_AARCH64 (emulated.h) they are compiled for
 * aarch64, and emulated.
 */
#include "trial.h"

#include "generator.h"

#ifdef __SANITIZE_ADDRESS__
enum { USUAL_PROGRAMS = 200 }; /* each takes ten times as long */
#else
enum { USUAL_PROGRAMS = 1000 };
#endif

/* Half of the programs share whatever loops can be shared, and run on so many threads. */
static void choose_threads(Trial *t, CodegenOptions *options) {
    static const int threads[] = {1, 1, 1, 1, 1, 2, 3, 3, 7, 7};
    Stream random = {t->seed * 31 + 7};
    int choice = stream_below(&random, 10);
    options->shares_all = choice > 3;
    t->turns.threads = threads[choice];
    t->turns.order = (uint64_t)stream_below(&random, 1 << 30) << 31 | (uint64_t)stream_below(&random, 1 << 30);
#ifdef __SANITIZE_ADDRESS__
    t->turns.threads = 1; /* it does not know of stacks that change */
#endif
}

/* false: the two sides differ, or the program was refused. */
static bool check_program(uint64_t seed, bool show) {
    static const char *const cpus[] = {"native",    "native",    "native",    "x86-64-v3",
                                       "x86-64-v3", "x86-64-v4", "x86-64-v4", "x86-64-v2"};
    Arena *text_arena = arena_new();
    int batch;
    Trial t = {.seed = seed};
    t.text = random_program(text_arena, seed, &batch);
    if (show) fputs(t.text, stderr);
    Stream random = {seed};
    t.compiled = compile_text(t.text, stream_below(&random, 6) == 0);
    Arena *arena = t.compiled.arena;
    bool fine = t.compiled.program != NULL;
    if (!fine) {
        diagnostics_print_human(t.compiled.diagnostics, stderr, false);
        cr_log_error("program %llu was refused:\n%s", (unsigned long long)seed, t.text);
    } else {
        t.run = &t.compiled.program->runs[0];
        t.batch = batch ? batch : (stream_below(&random, 10) == 0 ? 4500 : 19) + stream_below(&random, 60);
        t.rows = batch ? batch * (1 + stream_below(&random, 3)) + stream_below(&random, batch) : t.batch;
        if (getenv("SGDC_AARCH64")) guarded_share(&t.memory);
        t.columns = make_columns(arena, &t.memory, t.run->data, t.rows, &random);
        t.order = arena_array(arena, uint32_t, t.rows);
        for (int64_t p = 0; p < t.rows; p++) t.order[p] = (uint32_t)stream_below(&random, (int)t.rows);
        CodegenOptions options = {.level = stream_below(&random, 4),
                                  .cpu = cpus[stream_below(&random, 8)],
                                  .caches = stream_below(&random, 2) ? 256 << stream_below(&random, 6) : 0};
        options.least_outlined = stream_below(&random, 2); /* 1: every nest is a function of its own */
        choose_threads(&t, &options);
        options.verify = true;
        fine = check_trial(&t, &options);
        if (!fine)
            fprintf(stderr, "program %llu: level %d, cpu %s, %d threads\n", (unsigned long long)seed, options.level,
                    options.cpu, t.turns.threads);
    }
    trial_free(&t);
    arena_free(text_arena);
    return fine;
}

/* ---- which programs ---------------------------------------------------------------------- */
enum { PARTS = 8, MOST_SEEDS = 1000 }; /* parts run at the same time */

/* The seeds of tests/numeric/seeds, one at the beginning of each line that has one; their number. */
static int read_seeds(uint64_t *seeds) {
    char line[512], *end;
    int count = 0;
    FILE *file = fopen(SGDC_SOURCE_FOLDER "/tests/numeric/seeds", "r");
    cr_assert(file != NULL, "tests/numeric/seeds cannot be read");
    while (count < MOST_SEEDS && fgets(line, sizeof line, file)) {
        seeds[count] = strtoull(line, &end, 10);
        count += end != line;
    }
    fclose(file);
    return count;
}

static bool check_seed(uint64_t seed, bool known) {
    bool fine = check_program(seed, false);
    if (!fine && !known)
        fprintf(stderr, "so that it is run first from now on, add to tests/numeric/seeds:\n%llu  WHAT IT FOUND\n",
                (unsigned long long)seed);
    return fine;
}

/* Of a shard "K/N" the K-th N-th of the programs, else all, and before them those that once failed; of these every
 * eighth, from `part` on. */
static void check_part(int part) {
    const char *many = getenv("SGDC_PROGRAMS"), *shard = getenv("SGDC_SHARD");
    uint64_t seeds[MOST_SEEDS], count = many ? strtoull(many, NULL, 10) : USUAL_PROGRAMS, of = 1, which = 1;
    int failures = 0, known = 0;
    if (shard) {
        char *slash;
        which = strtoull(shard, &slash, 10);
        of = *slash == '/' ? strtoull(slash + 1, NULL, 10) : 0;
        cr_assert(which >= 1 && which <= of, "SGDC_SHARD is K/N, from 1/N to N/N");
    } else {
        known = read_seeds(seeds);
    }
    for (int i = part; i < known; i += PARTS) failures += !check_seed(seeds[i], true);
    for (uint64_t seed = count * (which - 1) / of + (uint64_t)part; seed < count * which / of && failures < 3;
         seed += PARTS)
        failures += !check_seed(seed, false);
    cr_expect(failures == 0);
}

static void check_programs(int part) {
    const char *one = getenv("SGDC_PROGRAM");
    if (!one)
        check_part(part);
    else if (part == 0)
        cr_expect(check_program(strtoull(one, NULL, 10), true));
}

Test(random_programs, part_0) { check_programs(0); }
Test(random_programs, part_1) { check_programs(1); }
Test(random_programs, part_2) { check_programs(2); }
Test(random_programs, part_3) { check_programs(3); }
Test(random_programs, part_4) { check_programs(4); }
Test(random_programs, part_5) { check_programs(5); }
Test(random_programs, part_6) { check_programs(6); }
Test(random_programs, part_7) { check_programs(7); }
