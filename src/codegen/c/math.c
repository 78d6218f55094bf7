/* math: exp, log, tanh, ... and random numbers as C: the one definition of runtime/math.inc and random.inc, with
 * primitives that print a statement each.
 *
 * What C calls a function here is a straight line of operations without a branch.
 */
#include "codegen/c/c.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum CKind { C_F32, C_F64, C_U32, C_U64, C_BOOL } CKind;
/* A variable's name or a constant. */
typedef struct COperand {
    const char *text;
    CKind kind;
} COperand;
typedef struct CLine {
    Text *to;
    int variables;
} CLine;

static const char *const kind_name[] = {"float", "double", "uint32_t", "uint64_t", "int"};

__attribute__((format(printf, 3, 4))) static COperand line(CLine *l, CKind kind, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *name = text_format(l->to->arena, "t%d", l->variables++);
    text_add(l->to, "    const %s %s = %s;\n", kind_name[kind], name, text);
    return (COperand){name, kind};
}

static COperand binary(CLine *l, COperand a, const char *op, COperand b) {
    return line(l, a.kind, "%s %s %s", a.text, op, b.text);
}

static COperand compared(CLine *l, COperand a, const char *op, COperand b) {
    return line(l, C_BOOL, "%s %s %s", a.text, op, b.text);
}

static COperand called(CLine *l, CKind kind, const char *name, COperand a) {
    return line(l, kind, "%s(%s)", name, a.text);
}

/* fabs, floor, sqrt: of the operand's type. */
static COperand called_real(CLine *l, const char *name, COperand a) {
    return line(l, a.kind, "%s%s(%s)", name, a.kind == C_F32 ? "f" : "", a.text);
}

static COperand real_constant(CLine *l, CKind kind, double v) {
    if (v != v) return (COperand){kind == C_F32 ? "(float)NAN" : "(double)NAN", kind};
    if (isinf(v))
        return (COperand){
            text_format(l->to->arena, "%s%sINFINITY", v < 0 ? "-" : "", kind == C_F32 ? "(float)" : "(double)"), kind};
    return (COperand){text_format(l->to->arena, kind == C_F32 ? "%af" : "%a", v), kind};
}

static COperand whole_constant(CLine *l, CKind kind, uint64_t n) {
    return (COperand){
        text_format(l->to->arena, kind == C_U32 ? "UINT32_C(0x%llx)" : "UINT64_C(0x%llx)", (unsigned long long)n),
        kind};
}

static COperand arithmetic_shift(CLine *l, COperand a, int n) {
    bool wide = a.kind == C_U64;
    return line(l, a.kind, "(%s)((%s)%s >> %d)", kind_name[a.kind], wide ? "int64_t" : "int32_t", a.text, n);
}

#define MATH_F32 COperand
#define MATH_F64 COperand
#define MATH_U32 COperand
#define MATH_U64 COperand
#define MATH_BOOL COperand
#define MATH_FUNCTION(type, name) __attribute__((unused)) static type print_##name
#define MATH_CALL(name) print_##name
#define MATH_TAKE CLine *l,
#define MATH_GIVE l,
#define MATH_C32(x) real_constant(l, C_F32, (double)(float)(x))
#define MATH_C64(x) real_constant(l, C_F64, (x))
#define MATH_I32(n) whole_constant(l, C_U32, (uint32_t)(n))
#define MATH_I64(n) whole_constant(l, C_U64, (uint64_t)(n))
#define MATH_ADD(a, b) binary(l, a, "+", b)
#define MATH_SUB(a, b) binary(l, a, "-", b)
#define MATH_MUL(a, b) binary(l, a, "*", b)
#define MATH_DIV(a, b) binary(l, a, "/", b)
#define MATH_FMA(a, b, c) fused(l, a, b, c)
#define MATH_NEG(a) negated(l, a)
#define MATH_ABS(a) called_real(l, "fabs", a)
#define MATH_FLOOR(a) called_real(l, "floor", a)
#define MATH_SQRT(a) called_real(l, "sqrt", a)
#define MATH_LT(a, b) compared(l, a, "<", b)
#define MATH_EQ(a, b) compared(l, a, "==", b)
#define MATH_SELECT(c, a, b) selected(l, c, a, b)
#define MATH_AND(a, b) compared(l, a, "&", b)
#define MATH_NOT(a) inverted(l, a)
#define MATH_IADD(a, b) binary(l, a, "+", b)
#define MATH_ISUB(a, b) binary(l, a, "-", b)
#define MATH_IMUL(a, b) binary(l, a, "*", b)
#define MATH_IAND(a, b) binary(l, a, "&", b)
#define MATH_IOR(a, b) binary(l, a, "|", b)
#define MATH_IXOR(a, b) binary(l, a, "^", b)
#define MATH_ISHL(a, n) shifted(l, a, "<<", n)
#define MATH_ISHR(a, n) shifted(l, a, ">>", n)
#define MATH_ISAR(a, n) arithmetic_shift(l, a, n)
#define MATH_IEQ(a, b) compared(l, a, "==", b)
#define MATH_BITS32(x) called(l, C_U32, "sgd_bits_f32", x)
#define MATH_BITS64(x) called(l, C_U64, "sgd_bits_f64", x)
#define MATH_REAL32(x) called(l, C_F32, "sgd_real_u32", x)
#define MATH_REAL64(x) called(l, C_F64, "sgd_real_u64", x)
#define MATH_WIDEN(x) called(l, C_F64, "(double)", x)
#define MATH_NARROW(x) called(l, C_F32, "(float)", x)
#define MATH_LOW32(x) called(l, C_U32, "(uint32_t)", x)
#define MATH_F32_OF_I32(x) called(l, C_F32, "(float)(int32_t)", x)
#define MATH_F64_OF_I32(x) called(l, C_F64, "(double)(int32_t)", x)

static COperand fused(CLine *l, COperand a, COperand b, COperand c) {
    return line(l, a.kind, "%s(%s, %s, %s)", a.kind == C_F32 ? "sgd_fmaf" : "sgd_fma", a.text, b.text, c.text);
}
static COperand negated(CLine *l, COperand a) { return line(l, a.kind, "-%s", a.text); }
static COperand inverted(CLine *l, COperand a) { return line(l, C_BOOL, "!%s", a.text); }
static COperand selected(CLine *l, COperand c, COperand a, COperand b) {
    return line(l, a.kind, "%s ? %s : %s", c.text, a.text, b.text);
}
static COperand shifted(CLine *l, COperand a, const char *op, int n) {
    return line(l, a.kind, "%s %s %d", a.text, op, n);
}

#include "math.inc"
#include "random.inc"

static const COperand x32 = {"x", C_F32}, x64 = {"x", C_F64}, y32 = {"y", C_F32}, y64 = {"y", C_F64};
static const COperand seed = {"seed", C_U64}, site = {"site", C_U64}, step = {"step", C_U64},
                      stream = {"stream", C_U64};
static const COperand place = {"place", C_U32}, first = {"first", C_U32}, second = {"second", C_U32},
                      element = {"element", C_U32};

/* "powi_f32_m2" after "powi_f32_" says -2. */
static bool number_after(const char *name, const char *function, int64_t *n) {
    size_t length = strlen(function);
    if (strncmp(name, function, length) != 0) return false;
    *n = name[length] == 'm' ? -atoll(name + length + 1) : atoll(name + length);
    return true;
}

static COperand print_body(CLine *l, const char *name) {
    int64_t n;
#define FUNCTION(NAME, of)                                              \
    if (strcmp(name, #of "_f32") == 0) return print_##of##_f32(l, x32); \
    if (strcmp(name, #of "_f64") == 0) return print_##of##_f64(l, x64);
#define FUNCTION_OF_TWO(NAME, of)                                            \
    if (strcmp(name, #of "_f32") == 0) return print_##of##_f32(l, x32, y32); \
    if (strcmp(name, #of "_f64") == 0) return print_##of##_f64(l, x64, y64);
#define FUNCTION_AND_NUMBER(NAME, of)                                            \
    if (number_after(name, #of "_f32_", &n)) return print_##of##_f32(l, x32, n); \
    if (number_after(name, #of "_f64_", &n)) return print_##of##_f64(l, x64, n);
#include "functions.def"
    if (strcmp(name, "key_of_name") == 0) return print_key_of_name(l, seed, site);
    if (strcmp(name, "key_of_step") == 0) return print_key_of_step(l, seed, step, site);
    if (strcmp(name, "row_key_first") == 0) return print_row_key_first(l, stream, place);
    if (strcmp(name, "row_key_second") == 0) return print_row_key_second(l, stream, place);
    if (strcmp(name, "uniform_f32") == 0) return print_uniform_f32(l, first, second, element);
    if (strcmp(name, "uniform_f64") == 0) return print_uniform_f64(l, first, second, element);
    return (COperand){NULL, C_F32};
}

static const char *parameters_of(const char *name) {
    if (strcmp(name, "key_of_name") == 0) return "uint64_t seed, uint64_t site";
    if (strcmp(name, "key_of_step") == 0) return "uint64_t seed, uint64_t step, uint64_t site";
    if (strncmp(name, "row_key", 7) == 0) return "uint64_t stream, uint32_t place";
    if (strncmp(name, "uniform", 7) == 0) return "uint32_t first, uint32_t second, uint32_t element";
#define FUNCTION_OF_TWO(NAME, of)                                 \
    if (strcmp(name, #of "_f32") == 0) return "float x, float y"; \
    if (strcmp(name, #of "_f64") == 0) return "double x, double y";
#include "functions.def"
    return strstr(name, "f32") ? "float x" : "double x";
}

bool c_math_function(Text *to, const char *name) {
    Text body = text_new(to->arena);
    CLine l = {&body, 0};
    COperand result = print_body(&l, name);
    if (result.text == NULL) return false;
    text_add(to, "static %s sgd_%s(%s)\n{\n%s    return %s;\n}\n\n", kind_name[result.kind], name, parameters_of(name),
             body.bytes == NULL ? "" : body.bytes, result.text);
    return true;
}
