/* measure: how long this processor takes for what schedules are made of: multiply-adds of vectors side by side,
 * vectors that are read in order from the first level of the caches, and a load that needs the one before, from what is further.
 *
 * A cycle is what an addition takes that needs the one before. Of several turns the fastest counts: what else the machine
 * does only adds time. All takes less than half a second.
 */
#define _POSIX_C_SOURCE 200809L
#include "driver/measure.h"
#include "large_pages.h"
#include <stdlib.h>
#include <time.h>

enum { TURNS = 9, ADDITIONS = 32 };
static const int64_t most_bytes = 64 << 20;
static const double turn_seconds = 0.002;

/* Timing of something, and what it needs. */
typedef struct Timing Timing;
typedef void MakeRounds(Timing *what, int64_t count);
struct Timing {
    MakeRounds *make;
    char *memory;
    int64_t bytes;
    char **at; /* where it is in the memory */
};

/* Of vectors of so many bytes. */
typedef struct VectorRounds {
    int64_t bytes;
    MakeRounds *products, *reads; /* NULL: there is no fused multiply-add */
} VectorRounds;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(Timing *what, int64_t count) {
    double start = now();
    what->make(what, count);
    return now() - start;
}

/* Of one round. */
static double least_seconds(Timing *what) {
    int64_t count = 1;
    double least = seconds_of(what, count);
    while (least < turn_seconds / 4 && count < INT64_MAX / 2) least = seconds_of(what, count *= 2);
    for (int i = 0; i < TURNS; i++) {
        double seconds = seconds_of(what, count);
        if (seconds < least) least = seconds;
    }
    return least / (double)count;
}

/* ---- instructions ------------------------------------------------------------------------------------------- */
enum { SIDE_BY_SIDE = 12, LOADS = 8 };
#define FOUR(x) x x x x
#define EIGHT(x) FOUR(x) FOUR(x)
#define TWELVE(x) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13)

#if defined(__x86_64__)
#define ADD "add $1, %0\n\t"
#define ZERO(n) "vxorps %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"
#define AGAIN "dec %0\n\tjnz 1b\n\tvzeroupper"
#define PRODUCT_YMM(n) "vfmadd231ps %%ymm0, %%ymm1, %%ymm" #n "\n\t"
#define PRODUCT_ZMM(n) "vfmadd231ps %%zmm0, %%zmm1, %%zmm" #n "\n\t"
#define REGISTERS \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"
#define LOAD(move, register, n) move " " #n "*%c1(%0), %%" register #n "\n\t"
#else
#define ADD "add %0, %0, #1\n\t"
#define ZERO(n) "movi v" #n ".4s, #0\n\t"
#define AGAIN "subs %0, %0, #1\n\tb.ne 1b"
#define PRODUCT_NEON(n) "fmla v" #n ".4s, v0.4s, v1.4s\n\t"
#define REGISTERS "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13"
#define LOAD(move, register, n) move " " register #n ", [%0, #" #n "*%c1]\n\t"
#endif

static void additions(Timing *what, int64_t count) {
    (void)what;
    for (int64_t x = 0; count > 0; count--) __asm__ volatile(EIGHT(FOUR(ADD)) : "+r"(x) : : "cc");
}

/* The code so often, with registers that begin as zeros. */
#define ROUNDS(name, code)                                                                                    \
    static void name(Timing *what, int64_t count) {                                                           \
        (void)what;                                                                                           \
        __asm__ volatile(ZERO(0) ZERO(1) TWELVE(ZERO) "1:\n\t" code AGAIN : "+r"(count) : : REGISTERS, "cc"); \
    }
/* All of the memory in order so often. */
#define READS(name, move, register, width)                                                                   \
    static void name(Timing *what, int64_t count) {                                                          \
        for (; count > 0; count--)                                                                           \
            for (const char *at = what->memory, *end = at + what->bytes; at < end; at += LOADS * (width))    \
                __asm__ volatile(LOAD(move, register, 0) LOAD(move, register, 1) LOAD(move, register, 2)     \
                                     LOAD(move, register, 3) LOAD(move, register, 4) LOAD(move, register, 5) \
                                         LOAD(move, register, 6) LOAD(move, register, 7)                     \
                                 :                                                                           \
                                 : "r"(at), "i"(width)                                                       \
                                 : REGISTERS, "memory");                                                     \
    }

#if defined(__x86_64__)
ROUNDS(products_of_32, TWELVE(PRODUCT_YMM))
ROUNDS(products_of_64, TWELVE(PRODUCT_ZMM))
READS(reads_of_16, "movups", "xmm", 16)
READS(reads_of_32, "vmovups", "ymm", 32)
READS(reads_of_64, "vmovups", "zmm", 64)
static const VectorRounds vector_rounds[] = {
    {16, NULL, reads_of_16}, {32, products_of_32, reads_of_32}, {64, products_of_64, reads_of_64}};
#else
ROUNDS(products_of_16, TWELVE(PRODUCT_NEON))
READS(reads_of_16, "ldr", "q", 16)
static const VectorRounds vector_rounds[] = {{16, products_of_16, reads_of_16}};
#endif

static const VectorRounds *rounds_of(int64_t vector_bytes) {
    const VectorRounds *rounds = vector_rounds, *end = rounds + sizeof vector_rounds / sizeof *rounds;
    while (rounds + 1 < end && rounds->bytes < vector_bytes) rounds++;
    return rounds;
}

/* ---- memory ------------------------------------------------------------------------------------------------- */
/* Of each line the address of another one, in an order that no processor guesses; all are one circle. */
static void link_lines(Timing *what, int64_t line) {
    int64_t lines = what->bytes / line;
    uint64_t random = 1;
    for (int64_t i = 0; i < lines; i++) *(char **)(what->memory + i * line) = what->memory + i * line;
    for (int64_t i = lines - 1; i > 0; i--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        char **a = (char **)(what->memory + i * line);
        char **b = (char **)(what->memory + (int64_t)((random >> 33) % (uint64_t)i) * line), *before = *a;
        *a = *b;
        *b = before;
    }
}

enum { STEPS = 64 };
static void follow(Timing *what, int64_t count) {
    for (count *= STEPS; count > 0; count--) what->at = (char **)*what->at;
    __asm__ volatile("" : : "r"(what->at));
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t rounded(double x) { return (int64_t)(x + 0.5); }

/* From the first level. */
static double cycles_to_read(const Machine *m, double cycle, char *memory) {
    enum { PART = 512 }; /* LOADS of the widest vectors */
    Timing reads = {rounds_of(m->vector_bytes)->reads, memory, m->l1 / 2 / PART * PART, NULL};
    return least_seconds(&reads) / cycle / (double)reads.bytes;
}

/* Of so many bytes, which no level before holds. */
static double latency_of(const Machine *m, int64_t bytes, double cycle, char *memory) {
    Timing follows = {follow, memory, smaller(bytes, most_bytes), (char **)memory};
    link_lines(&follows, m->line);
    follow(&follows, follows.bytes / m->line / STEPS); /* all of it once */
    return least_seconds(&follows) / STEPS / cycle;
}

/* The third level is used by other cores too. */
static void measure_memory(const Machine *m, Machine *measured, double cycle, char *memory) {
    int64_t third = smaller(m->l3 / 2, 4 * m->l2), beyond = 4 * (m->l3 > 0 ? m->l3 : m->l2);
    machine_set(measured, MACHINE_l1_rate, rounded(1 / cycles_to_read(m, cycle, memory)));
    if (m->l3 > 0) machine_set(measured, MACHINE_l3_latency, rounded(latency_of(m, third, cycle, memory)));
    machine_set(measured, MACHINE_memory_latency, rounded(latency_of(m, beyond, cycle, memory)));
}

void measure_machine(const Machine *known, Machine *measured) {
    enum { LARGE_PAGE = 2 << 20, TEN = 10 };
    const VectorRounds *rounds = rounds_of(known->vector_bytes);
    char *memory = aligned_alloc(LARGE_PAGE, (size_t)most_bytes);
    Timing adds = {.make = additions}, products = {.make = rounds->products};
    double cycle = least_seconds(&adds) / ADDITIONS;
    *measured = (Machine){0};
    if (rounds->products != NULL) {
        double hundred = 100 * least_seconds(&products) / SIDE_BY_SIDE / cycle;
        machine_set(measured, MACHINE_fma_pace, TEN * rounded(hundred / TEN)); /* so that noise does not show */
    }
    sgdrt_prefer_large_pages(memory, (size_t)most_bytes);
    if (memory != NULL) measure_memory(known, measured, cycle, memory);
    free(memory);
}
