/* unit: one translation unit of C99: what it asks of a compiler, the functions of math.c that are used, then the
 * functions of the program.
 *
 * The law of the arithmetic (docs/numerics.md) binds the compiler: each operation rounds to its own type, and a
 * multiplication and an addition are never one. C says so with FP_CONTRACT, which gcc does not know, and which gcc
 * therefore is told in its own words.
 */
#include "codegen/c/c.h"
#include <string.h>

void c_need(CNeeds *needs, const char *name) {
    for (int i = 0; i < needs->names.count; i++)
        if (strcmp(needs->names.items[i], name) == 0) return;
    vector_push(needs->arena, &needs->names, name);
}

CUnit *c_unit_new(Arena *arena, const SourceMap *map) {
    CUnit *unit = arena_new_of(arena, CUnit);
    *unit = (CUnit){
        .arena = arena, .needs = {.arena = arena}, .functions = text_new(arena), .models = text_new(arena), .map = map};
    return unit;
}

static const char head[] =
    "#include <float.h>\n"
    "#include <math.h>\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "#include <string.h>\n"
    "\n"
    "#if defined __FAST_MATH__ || (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__ > 0)\n"
    "#error \"-ffast-math changes results; compile this file without it\"\n"
    "#endif\n"
    "#if defined FLT_EVAL_METHOD && FLT_EVAL_METHOD != 0\n"
    "#error \"this target computes float in wider registers; on x86-32 say -msse2 -mfpmath=sse\"\n"
    "#endif\n"
    "#if defined __GNUC__ && !defined __clang__\n"
    "#pragma GCC optimize(\"fp-contract=off\")\n"
    "#else\n"
    "#pragma STDC FP_CONTRACT OFF\n"
    "#endif\n"
    "\n"
    "/* gcc says FP_FAST_FMAF where there is an instruction; clang names the instructions. */\n"
    "#if defined FP_FAST_FMAF || defined __FMA__ || defined __ARM_FEATURE_FMA || (defined __riscv_flen && __riscv_flen "
    ">= 32)\n"
    "#define SGD_HAS_FMA\n"
    "#endif\n"
    "\n"
    "/* Memory is given as bytes, and holds each of these at some time. */\n"
    "#if defined __GNUC__\n"
    "#define SGD_MAY_ALIAS __attribute__((may_alias))\n"
    "#else\n"
    "#define SGD_MAY_ALIAS\n"
    "#endif\n"
    "typedef float SGD_MAY_ALIAS sgd_f32;\n"
    "typedef double SGD_MAY_ALIAS sgd_f64;\n"
    "typedef int32_t SGD_MAY_ALIAS sgd_i32;\n"
    "typedef uint8_t sgd_u8;\n"
    "\n";

static const char rows[] =
    "/* Rows of a block; rows in whole tiles. Loops are tiles in registers, and the n lanes of vectors, of which none\n"
    " * touches what another one writes: unrolled before the compiler looks for vectors, those would be found piece\n"
    " * by piece, and left in loops afterwards their sums would stay in memory. */\n"
    "#define SGD_LEAST(a, b) ((a) < (b) ? (a) : (b))\n"
    "#define SGD_WHOLE(n, rows) (((rows) + (n) - 1) / (n) * (n))\n"
    "#if defined __clang__\n"
    "#pragma clang diagnostic ignored \"-Wpass-failed\"\n"
    "#define SGD_LOOP(hints) _Pragma(#hints)\n"
    "#define SGD_UNROLLED SGD_LOOP(clang loop unroll(full))\n"
    "#define SGD_LANES(n) SGD_LOOP(clang loop unroll(disable) vectorize(assume_safety) vectorize_width(n))\n"
    "#elif defined __GNUC__\n"
    "#define SGD_UNROLLED _Pragma(\"GCC unroll 16\")\n"
    "#define SGD_LANES(n)\n"
    "#else\n"
    "#define SGD_UNROLLED\n"
    "#define SGD_LANES(n)\n"
    "#endif\n"
    "#if defined __GNUC__\n"
    "#define SGD_FETCH(address, near) __builtin_prefetch(address, 0, near)\n"
    "#else\n"
    "#define SGD_FETCH(address, near) ((void)(address))\n"
    "#endif\n"
    "#define SGD_TRANSPOSE(type, square, n)                \\\n"
    "    for (int64_t i = 1; i < (n); i++)                 \\\n"
    "        for (int64_t k = 0; k < i; k++) {             \\\n"
    "            const type kept = (square)[(n)*i + k];    \\\n"
    "            (square)[(n)*i + k] = (square)[(n)*k + i]; \\\n"
    "            (square)[(n)*k + i] = kept;               \\\n"
    "        }\n"
    "/* The row at a place of the mini-batch, and a row of a column. */\n"
    "#define SGD_ROW_AT(at) (call->rows != NULL ? (int64_t)call->rows[done + (at)] : call->first + done + (at))\n"
    "#define SGD_ROW(type, column, row) \\\n"
    "    ((const type *)(const void *)((const char *)(column).data + (row) * (column).stride))\n"
    "\n";

/* ---- what it takes from runtime/ ---------------------------------------------------------------------------- */
static const char before_types[] = "#if defined __GNUC__\n"
                                   "#pragma GCC diagnostic push\n"
                                   "#pragma GCC diagnostic ignored \"-Wunused-function\"\n"
                                   "#else\n"
                                   "#define __builtin_memcpy memcpy\n"
                                   "#define __builtin_nanf(text) NAN\n"
                                   "#endif\n";

/* Memory of NAME_new, with the address that is freed before it. */
static const char after_types[] =
    "#if defined __GNUC__\n"
    "#pragma GCC diagnostic pop\n"
    "#endif\n"
    "static uint32_t sgdrt_processor_level(void) { return 0; }\n"
    "\n"
    "/* With SGDC_NO_MALLOC nothing is allocated: NAME_new gives no memory, and NAME_predict needs a workspace. */\n"
    "#ifdef SGDC_NO_MALLOC\n"
    "#define SGDRT_ALLOCATE(bytes) NULL\n"
    "#define SGDRT_RELEASE(memory) ((void)(memory))\n"
    "#else\n"
    "#include <stdlib.h>\n"
    "static void *sgd_allocate(size_t bytes)\n"
    "{\n"
    "    unsigned char *raw = (unsigned char *)malloc(bytes + 64 + sizeof raw), *aligned;\n"
    "    if (raw == NULL) return NULL;\n"
    "    aligned = raw + sizeof raw;\n"
    "    aligned += (64 - ((uintptr_t)aligned & 63)) & 63;\n"
    "    memcpy(aligned - sizeof raw, &raw, sizeof raw);\n"
    "    return aligned;\n"
    "}\n"
    "static void sgd_release(void *memory)\n"
    "{\n"
    "    void *raw;\n"
    "    if (memory == NULL) return;\n"
    "    memcpy(&raw, (unsigned char *)memory - sizeof raw, sizeof raw);\n"
    "    free(raw);\n"
    "}\n"
    "#define SGDRT_ALLOCATE(bytes) sgd_allocate(bytes)\n"
    "#define SGDRT_RELEASE(memory) sgd_release(memory)\n"
    "#endif\n";

/* Its text but for #include lines; what they name is there already. */
static void add_carried(Text *to, const EmbeddedFile *file) {
    const char *end = file->text + file->length;
    for (const char *line = file->text; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next == NULL ? end : next + 1;
        if (strncmp(line, "#include", 8) != 0) text_add_bytes(to, line, (size_t)(next - line));
        line = next;
    }
}

const EmbeddedFile *c_carried(const char *name) {
    for (const EmbeddedFile *file = carried_files; file->name != NULL; file++)
        if (strcmp(file->name + strlen("runtime/"), name) == 0) return file;
    INTERNAL_ERROR("%s is not carried", name);
}

const char *c_unit_types(Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "%s", before_types);
    for (const EmbeddedFile *file = carried_files; file->name != NULL; file++)
        if (strstr(file->name, ".inc") == NULL) add_carried(&text, file);
    text_add(&text, "%s", after_types);
    return text.bytes;
}

/* ---- helpers ------------------------------------------------------------------------------------------------ */
/* In the order in which they can use each other; what a function needs itself stands before it. */
typedef struct Helper {
    const char *name, *text;
} Helper;
static const Helper helpers[] = {
    {"bits_f32", "static uint32_t sgd_bits_f32(float x) { uint32_t n; memcpy(&n, &x, sizeof n); return n; }\n"},
    {"bits_f64", "static uint64_t sgd_bits_f64(double x) { uint64_t n; memcpy(&n, &x, sizeof n); return n; }\n"},
    {"real_u32", "static float sgd_real_u32(uint32_t n) { float x; memcpy(&x, &n, sizeof x); return x; }\n"},
    {"real_u64", "static double sgd_real_u64(uint64_t n) { double x; memcpy(&x, &n, sizeof x); return x; }\n"},
    {"fmaf", "/* a * b + c, rounded once. Without an instruction: the product is exact in double, the sum is rounded "
             "to odd there,\n"
             " * so rounding it to float rounds the exact value once. */\n"
             "#ifdef SGD_HAS_FMA\n"
             "#define sgd_fmaf(a, b, c) fmaf(a, b, c)\n"
             "#else\n"
             "static float sgd_fmaf(float a, float b, float c)\n"
             "{\n"
             "    const double p = (double)a * (double)b, q = (double)c;\n"
             "    double s = p + q;\n"
             "    const double t = s - p, u = s - t;\n"
             "    const double v = p - u, w = q - t, error = v + w;\n"
             "    uint64_t bits;\n"
             "    memcpy(&bits, &s, sizeof bits);\n"
             "    if ((error < 0 || error > 0) && (bits & 1) == 0) bits += (error < 0) == (s < 0) ? 1 : UINT64_C(-1);\n"
             "    memcpy(&s, &bits, sizeof s);\n"
             "    return (float)s;\n"
             "}\n"
             "#endif\n"},
    {"fma", NULL}, /* add_fma */
    {"i32_of_f64",
     "static int32_t sgd_i32_of_f64(double x)\n"
     "{\n"
     "    return x != x ? 0 : x < -2147483648.0 ? INT32_MIN : x > 2147483647.0 ? INT32_MAX : (int32_t)x;\n"
     "}\n"},
    {"i32_of_f32",
     "static int32_t sgd_i32_of_f32(float x)\n"
     "{\n"
     "    return x != x ? 0 : x < -2147483648.0f ? INT32_MIN : x >= 2147483648.0f ? INT32_MAX : (int32_t)x;\n"
     "}\n"},
    {"floordiv", "static int32_t sgd_floordiv(int32_t a, int32_t b) { return a / b - (a % b < 0); }\n"},
    {"mod", "static int32_t sgd_mod(int32_t a, int32_t b) { return a % b < 0 ? a % b + b : a % b; }\n"},
    {"draw_f32", "static float sgd_draw_f32(uint64_t stream, uint32_t element)\n"
                 "{\n    return sgd_uniform_f32((uint32_t)stream, (uint32_t)(stream >> 32), element);\n}\n"},
    {"draw_f64", "static double sgd_draw_f64(uint64_t stream, uint32_t element)\n"
                 "{\n    return sgd_uniform_f64((uint32_t)stream, (uint32_t)(stream >> 32), element);\n}\n"},
    {"draw_row_f32", "static float sgd_draw_row_f32(uint64_t stream, uint32_t place, uint32_t element)\n"
                     "{\n    return sgd_uniform_f32(sgd_row_key_first(stream, place), sgd_row_key_second(stream, "
                     "place), element);\n}\n"},
    {"draw_row_f64", "static double sgd_draw_row_f64(uint64_t stream, uint32_t place, uint32_t element)\n"
                     "{\n    return sgd_uniform_f64(sgd_row_key_first(stream, place), sgd_row_key_second(stream, "
                     "place), element);\n}\n"},
};
enum { HELPERS = sizeof helpers / sizeof *helpers };

/* newlib's fma rounds twice where there is no instruction. */
static void add_fma(Text *to) {
    text_add(to, "#if defined FP_FAST_FMA || !(defined __NEWLIB__ || defined SGD_FMA_IN_INTEGERS)\n"
                 "#define sgd_fma(a, b, c) fma(a, b, c)\n#else\n");
    add_carried(to, c_carried("fma.inc"));
    text_add(to, "#endif\n");
}

static void add_helper(Text *to, const Helper *helper) {
    if (helper->text == NULL)
        add_fma(to);
    else
        text_add(to, "%s", helper->text);
    text_add(to, "\n");
}

static bool is_mentioned(const char *text, const char *name, Arena *arena) {
    return text != NULL && strstr(text, text_format(arena, "sgd_%s(", name)) != NULL;
}

void c_unit_print(Text *to, const CUnit *unit, const char *types) {
    Arena *arena = unit->arena;
    Text math = text_new(arena), draws = text_new(arena);
    for (int i = 0; i < unit->needs.names.count; i++) c_math_function(&math, unit->needs.names.items[i]);
    text_add(to, "%s%s\n%s", head, types, rows);
    for (int draw = 0; draw < 2; draw++)
        for (int h = 0; h < HELPERS; h++) {
            const Helper *helper = &helpers[h];
            bool uses_math = strncmp(helper->name, "draw", 4) == 0;
            if (uses_math != (draw == 1)) continue;
            if (is_mentioned(math.bytes, helper->name, arena) ||
                is_mentioned(unit->functions.bytes, helper->name, arena))
                add_helper(uses_math ? &draws : to, helper);
        }
    const Text *rest[] = {&math, &draws, &unit->functions, &unit->models};
    for (int i = 0; i < 4; i++) text_add_bytes(to, rest[i]->bytes, rest[i]->length);
}
