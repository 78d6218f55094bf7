/* system: /sys/devices/system/cpu/cpu0/cache, or the folder of this form that SGDC_MACHINE stands for its first three, or
 * where containers hide it, what the processor says itself (cpuid of x86-64).
 *
 * Virtual machines tell nonsense at times. A cache counts if its size can be one (machine.def) and is larger than that of
 * the level before; a third level that is not there is 0 where the second one is.
 */
#include "codegen/target/target.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { LEVELS = 3, MOST_CACHES = 16, LONGEST = 64 };

/* What is told of each level; 0: nothing. */
typedef struct ToldCaches {
    int64_t bytes[LEVELS], line;
} ToldCaches;

bool system_is_named(void) {
    const char *named = getenv("SGDC_MACHINE");
    return named != NULL && *named != 0;
}

static void tell(ToldCaches *told, int64_t level, int64_t bytes, int64_t line) {
    if (level < 1 || level > LEVELS || bytes <= 0) return;
    told->bytes[level - 1] = bytes;
    if (level == 1) told->line = line;
}

/* ---- files -------------------------------------------------------------------------------------------------- */
/* The first line of a file of cache number i; false: there is none. */
static bool read_line(Arena *arena, const char *folder, int i, const char *name, char text[LONGEST]) {
    FILE *file = fopen(text_format(arena, "%s/cpu0/cache/index%d/%s", folder, i, name), "re");
    bool good = file != NULL && fgets(text, LONGEST, file) != NULL;
    if (file != NULL) fclose(file);
    if (good) text[strcspn(text, "\n")] = 0;
    return good;
}

/* "32K"; 0: it is no size. */
static int64_t size_of_text(const char *text) {
    char *end;
    long long n = strtoll(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (end == text || n < 0 || n > INT64_MAX >> shift) return 0;
    return strcmp(end + (shift > 0), "") == 0 ? (int64_t)n << shift : 0;
}

static void read_files(Arena *arena, const char *folder, ToldCaches *told) {
    char level[LONGEST], type[LONGEST], size[LONGEST], line[LONGEST];
    for (int i = 0; i < MOST_CACHES; i++) {
        if (!read_line(arena, folder, i, "level", level) || !read_line(arena, folder, i, "type", type) ||
            !read_line(arena, folder, i, "size", size))
            continue;
        if (strcmp(type, "Data") != 0 && strcmp(type, "Unified") != 0) continue;
        if (!read_line(arena, folder, i, "coherency_line_size", line)) *line = 0;
        tell(told, size_of_text(level), size_of_text(size), size_of_text(line));
    }
}

/* ---- cpuid -------------------------------------------------------------------------------------------------- */
#if defined(__x86_64__)
/* Intel's leaf of caches, and AMD's, have the same form; one that is not there says of its first cache that it is none. */
static void ask_processor(ToldCaches *told) {
    static const unsigned leaves[] = {4, 0x8000001d};
    for (size_t l = 0; l < sizeof leaves / sizeof *leaves; l++)
        for (unsigned i = 0; i < MOST_CACHES; i++) {
            unsigned a, b, c, d;
            if (!__get_cpuid_count(leaves[l], i, &a, &b, &c, &d) || (a & 31) == 0) break;
            if ((a & 31) == 2) continue; /* of instructions */
            int64_t line = (b & 0xfff) + 1, parts = (b >> 12 & 0x3ff) + 1, ways = (b >> 22) + 1;
            tell(told, a >> 5 & 7, line * parts * ways * ((int64_t)c + 1), line);
        }
}
#else
static void ask_processor(ToldCaches *told) { (void)told; }
#endif

/* ---- what is believed --------------------------------------------------------------------------------------- */
static void believe(Machine *machine, bool read[MACHINE_FIGURES], MachineFigure figure, int64_t value) {
    if (machine_set(machine, figure, value)) read[figure] = true;
}

void system_read_caches(Arena *arena, Machine *machine, bool read[MACHINE_FIGURES]) {
    ToldCaches told = {{0}, 0};
    Machine as_told = *machine;
    bool found[MACHINE_FIGURES] = {false};
    if (system_is_named())
        read_files(arena, getenv("SGDC_MACHINE"), &told);
    else
        read_files(arena, "/sys/devices/system/cpu", &told);
    if (told.bytes[0] == 0 && !system_is_named()) ask_processor(&told);
    if ((told.line & (told.line - 1)) == 0) believe(&as_told, found, MACHINE_line, told.line);
    believe(&as_told, found, MACHINE_l1, told.bytes[0]);
    believe(&as_told, found, MACHINE_l2, told.bytes[1]);
    if (told.bytes[2] > 0 || found[MACHINE_l2]) believe(&as_told, found, MACHINE_l3, told.bytes[2]);
    if (as_told.l2 <= as_told.l1 || (as_told.l3 > 0 && as_told.l3 <= as_told.l2)) return;
    *machine = as_told;
    for (int i = 0; i < MACHINE_FIGURES; i++) read[i] |= found[i];
}
