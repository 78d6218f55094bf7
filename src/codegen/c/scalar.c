/* scalar: scalars of the tree as C expressions of one operation, with the meaning that ops.def gives it. */
#include "codegen/c/c.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

const char *c_type(DType dtype) {
    switch (dtype) {
    case DTYPE_F32: return "float";
    case DTYPE_F64: return "double";
    case DTYPE_I32: return "int32_t";
    case DTYPE_BOOL: return "int";
    case DTYPE_U8: return "uint8_t";
    }
    INTERNAL_ERROR("no such type: %d", (int)dtype);
}

const char *c_element_type(DType dtype) {
    static const char *const names[] = {"sgd_f32", "sgd_f64", "sgd_i32", "sgd_u8", "sgd_u8"};
    return names[dtype];
}

/* ---- names -------------------------------------------------------------------------------------------------- */
void c_loop_name(Text *to, const Loop *loop) { text_add(to, "%s%d", loop->name, loop->id); }

/* What the program calls it as far as C can, and a number that makes it the only one. */
void c_array_name(Text *to, const Array *array) {
    for (const char *c = array->name; *c != 0; c++)
        text_add(to, "%c", isalnum((unsigned char)*c) && (unsigned char)*c < 128 ? *c : '_');
    text_add(to, "_%d", array->id);
}

/* ---- constants ---------------------------------------------------------------------------------------------- */
static const char *real_constant(Arena *arena, DType dtype, double v) {
    bool f32 = dtype == DTYPE_F32;
    if (v != v) return f32 ? "(float)NAN" : "(double)NAN";
    if (isinf(v)) return text_format(arena, "%s%sINFINITY", v < 0 ? "-" : "", f32 ? "(float)" : "(double)");
    char *digits = signbit(v) && v == 0 ? "-0.0" : text_number(arena, v, f32);
    bool whole = strpbrk(digits, ".e") == NULL;
    return text_format(arena, "%s%s%s", digits, whole ? ".0" : "", f32 ? "f" : "");
}

static const char *constant(Arena *arena, const Scalar *s) {
    if (dtype_is_real(s->dtype)) return real_constant(arena, s->dtype, s->value);
    if (s->value == INT32_MIN) return "INT32_MIN";
    return text_format(arena, "%lld", (long long)s->value);
}

const char *c_alone(CUnit *unit, const Scalar *s) {
    if (s->kind == SCALAR_CONST) return constant(unit->arena, s);
    if (!unit->inlined[s->id]) return text_format(unit->arena, "s%d", s->id);
    Text text = text_new(unit->arena);
    c_scalar(unit, &text, s);
    return text.bytes;
}

const char *c_operand(CUnit *unit, const Scalar *s) {
    bool whole = s->kind == SCALAR_CONST || !unit->inlined[s->id] || s->kind == SCALAR_LOAD || s->kind == SCALAR_DRAW ||
                 s->kind == SCALAR_ROWS || s->kind == SCALAR_ROW;
    const char *text = c_alone(unit, s);
    return whole ? text : text_format(unit->arena, "(%s)", text);
}

/* ---- subscripts and elements -------------------------------------------------------------------------------- */
static void c_subscript(CUnit *unit, Text *to, const Subscript *s) {
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        int64_t coef = i > 0 && t->coef < 0 ? -t->coef : t->coef;
        if (i > 0) text_add(to, t->coef < 0 ? " - " : " + ");
        if (coef == -1)
            text_add(to, "-");
        else if (coef != 1)
            text_add(to, "%lld * ", (long long)coef);
        if (t->loop != NULL)
            c_loop_name(to, t->loop);
        else
            text_add(to, "%s", c_operand(unit, t->scalar));
    }
    if (s->count == 0)
        text_add(to, "%lld", (long long)s->offset);
    else if (s->offset != 0)
        text_add(to, " %c %lld", s->offset < 0 ? '-' : '+', (long long)(s->offset < 0 ? -s->offset : s->offset));
}

void c_element(CUnit *unit, Text *to, const Array *array, const Subscript *row, const Subscript *at) {
    switch (array->memory) {
    case ARRAY_PROMOTED: /* of machine code alone */
    case ARRAY_REGISTERS:
        c_array_name(to, array);
        if (array->elements == 1) return;
        break;
    case ARRAY_COLUMN:
        text_add(to, "SGD_ROW(%s, column%d, ", c_element_type(array->dtype), array->index);
        c_subscript(unit, to, row);
        text_add(to, ")");
        break;
    case ARRAY_ROW_OUTPUT:
        text_add(to, "((%s *)call->outputs[%d] + ", c_element_type(array->dtype), array->index);
        text_add(to, "%lld * (", (long long)array->elements);
        c_subscript(unit, to, row);
        text_add(to, "))");
        break;
    case ARRAY_OUTPUT: text_add(to, "((%s *)call->outputs[%d])", c_element_type(array->dtype), array->index); break;
    case ARRAY_SUM: text_add(to, "sums[%d]", array->index); return;
    case ARRAY_WORK:
    case ARRAY_CELL:
    case ARRAY_SLOT: c_array_name(to, array); break;
    }
    text_add(to, "[");
    c_subscript(unit, to, at);
    text_add(to, "]");
}

/* ---- operations --------------------------------------------------------------------------------------------- */
static const char *real_suffix(DType dtype) { return dtype == DTYPE_F64 ? "f64" : "f32"; }

static void call_of(CUnit *unit, Text *to, const char *function, const char *a, const char *b) {
    c_need(&unit->needs, function);
    text_add(to, b == NULL ? "sgd_%s(%s)" : "sgd_%s(%s, %s)", function, a, b);
}

/* One writer per op row whose emission is VALUES: its expression in the operands x, which are names or constants. */
typedef void OpWriter(CUnit *unit, Text *to, const Scalar *s, const char *const *x);
#define UNUSED __attribute__((unused))
#define WRITE(NAME) static void write_##NAME(CUnit *unit UNUSED, Text *to, const Scalar *s UNUSED, const char *const *x)
#define SIGN(NAME, sign) \
    WRITE(NAME) { text_add(to, "%s " sign " %s", x[0], x[1]); }
#define WRAPPING(NAME, sign)                                                                                 \
    WRITE(NAME) {                                                                                            \
        bool real = dtype_is_real(s->dtype);                                                                 \
        text_add(to, real ? "%s " sign " %s" : "(int32_t)((uint32_t)%s " sign " (uint32_t)%s)", x[0], x[1]); \
    }
/* Of <math.h>, and exact. */
#define EXACT(NAME, function) \
    WRITE(NAME) { text_add(to, function "%s(%s)", s->dtype == DTYPE_F32 ? "f" : "", x[0]); }
/* Of runtime/math.inc; "powi_f32_m2" is that of x and -2. */
static const char *function_of_number(CUnit *unit, const char *name, const Scalar *s) {
    long long n = (long long)s->n;
    return text_format(unit->arena, "%s_%s_%s%lld", name, real_suffix(s->dtype), n < 0 ? "m" : "", n < 0 ? -n : n);
}
#define FUNCTION(NAME, name) \
    WRITE(NAME) { call_of(unit, to, text_format(unit->arena, #name "_%s", real_suffix(s->dtype)), x[0], x[1]); }
#define FUNCTION_OF_TWO FUNCTION
#define FUNCTION_AND_NUMBER(NAME, name) \
    WRITE(NAME) { call_of(unit, to, function_of_number(unit, #name, s), x[0], NULL); }
#define EXTREME(NAME, sign)                                                                             \
    WRITE(NAME) {                                                                                       \
        if (dtype_is_real(s->dtype))                                                                    \
            text_add(to, "(%s " sign " %s || %s != %s) ? %s : %s", x[0], x[1], x[0], x[0], x[0], x[1]); \
        else                                                                                            \
            text_add(to, "%s " sign " %s ? %s : %s", x[0], x[1], x[0], x[1]);                           \
    }

WRITE(NEG) {
    bool minus = x[0][0] == '-';
    if (dtype_is_real(s->dtype))
        text_add(to, "-%s%s%s", minus ? "(" : "", x[0], minus ? ")" : "");
    else
        text_add(to, "(int32_t)(0 - (uint32_t)%s)", x[0]);
}

WRITE(ABS) {
    if (dtype_is_real(s->dtype))
        text_add(to, "fabs%s(%s)", s->dtype == DTYPE_F32 ? "f" : "", x[0]);
    else
        text_add(to, "%s < 0 ? (int32_t)(0 - (uint32_t)%s) : %s", x[0], x[0], x[0]);
}

EXACT(SQRT, "sqrt")
#include "functions.def"
EXACT(FLOOR, "floor")

WRITE(NOT) { text_add(to, "!%s", x[0]); }

WRITE(CAST) {
    DType from = s->source[0]->dtype;
    if (s->dtype == DTYPE_BOOL)
        text_add(to, "%s != 0", x[0]);
    else if (s->dtype == DTYPE_I32 && dtype_is_real(from))
        call_of(unit, to, from == DTYPE_F32 ? "i32_of_f32" : "i32_of_f64", x[0], NULL);
    else
        text_add(to, "(%s)%s", c_type(s->dtype), x[0]);
}

WRITE(STOP_GRADIENT) { text_add(to, "%s", x[0]); }
WRAPPING(ADD, "+")
WRAPPING(SUB, "-")
WRAPPING(MUL, "*")
SIGN(DIV, "/")
EXTREME(MAX, ">=")
EXTREME(MIN, "<=")
WRITE(FLOORDIV) { call_of(unit, to, "floordiv", x[0], x[1]); }
WRITE(MOD) { call_of(unit, to, "mod", x[0], x[1]); }
SIGN(EQ, "==")
SIGN(NE, "!=")
SIGN(LT, "<")
SIGN(LE, "<=")
SIGN(AND, "&")
SIGN(OR, "|")
WRITE(WHERE) { text_add(to, "%s ? %s : %s", x[0], x[1], x[2]); }

WRITE(FMA) {
    if (dtype_is_real(s->dtype))
        text_add(to, "sgd_fma%s(%s, %s, %s)", s->dtype == DTYPE_F32 ? "f" : "", x[0], x[1], x[2]);
    else
        text_add(to, "(int32_t)((uint32_t)%s * (uint32_t)%s + (uint32_t)%s)", x[0], x[1], x[2]);
}

static OpWriter *const writers[OP_COUNT] = {
#define WRITER_FLAT(NAME) NULL
#define WRITER_PLACES(NAME) NULL
#define WRITER_VALUES(NAME) write_##NAME
#define WRITER_SAME(NAME) NULL
#define WRITER_LOOPS(NAME) NULL
#define WRITER_SCAN(NAME) NULL
#define WRITER_ABSENT(NAME) NULL
#define OP(NAME, text, arity, class, cost, attribute, emission, ...) [OP_##NAME] = WRITER_##emission(NAME),
#include "ir/ops.def"
#undef OP
};

static void op(CUnit *unit, Text *to, const Scalar *s) {
    const char *x[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) x[i] = c_operand(unit, s->source[i]);
    writers[s->op](unit, to, s, x);
}

/* ---- draws -------------------------------------------------------------------------------------------------- */
static void draw(CUnit *unit, Text *to, const Scalar *s) {
    const char *real = real_suffix(s->dtype);
    bool by_step = s->random->key == RANDOM_STEP;
    c_need(&unit->needs, by_step ? "key_of_step" : "key_of_name");
    c_need(&unit->needs, text_format(unit->arena, "uniform_%s", real));
    const char *function = text_format(unit->arena, s->row == NULL ? "draw_%s" : "draw_row_%s", real);
    if (s->row != NULL) {
        c_need(&unit->needs, "row_key_first");
        c_need(&unit->needs, "row_key_second");
    }
    c_need(&unit->needs, function);
    text_add(to, "sgd_%s(sgd_key_of_%s(", function, by_step ? "step" : "name");
    if (s->random->key == RANDOM_DATA)
        text_add(to, "UINT64_C(%llu)", (unsigned long long)s->random->seed);
    else
        text_add(to, s->random->key == RANDOM_PREDICT ? "call->seed" : "header->seed");
    if (by_step) text_add(to, ", header->step");
    text_add(to, ", UINT64_C(0x%llx)), ", (unsigned long long)s->random->site);
    if (s->row != NULL) {
        text_add(to, "(uint32_t)(");
        c_subscript(unit, to, s->row);
        text_add(to, "), ");
    }
    text_add(to, "(uint32_t)(");
    c_subscript(unit, to, s->at);
    text_add(to, "))");
}

/* ---- scalars ------------------------------------------------------------------------------------------------ */
static void in_brackets(CUnit *unit, Text *to, const Subscript *s) {
    text_add(to, "(");
    c_subscript(unit, to, s);
    text_add(to, ")");
}

/* One term needs none. */
static void as_factor(CUnit *unit, Text *to, const Subscript *s) {
    bool one = s->count == 1 && s->offset == 0 && s->term[0].coef == 1;
    if (one)
        c_subscript(unit, to, s);
    else
        in_brackets(unit, to, s);
}

void c_scalar(CUnit *unit, Text *to, const Scalar *s) {
    const char *x = s->source[0] == NULL ? NULL : c_operand(unit, s->source[0]);
    switch (s->kind) {
    case SCALAR_CONST: text_add(to, "%s", constant(unit->arena, s)); return;
    case SCALAR_OP: op(unit, to, s); return;
    case SCALAR_LOAD: c_element(unit, to, s->array, s->row, s->at); return;
    case SCALAR_NUMBER:
        text_add(to, "(int32_t)");
        as_factor(unit, to, s->at);
        return;
    case SCALAR_ROWS: text_add(to, "rows"); return;
    case SCALAR_COUNTED:
        if (s->n >= HEADER_SET)
            text_add(to, "(int64_t)header->set_rows[%d]", (int)(s->n - HEADER_SET));
        else
            text_add(to, "(int64_t)header->%s", (const char *[]){"step", "epoch", "planned"}[s->n]);
        return;
    case SCALAR_ROW:
        text_add(to, "%s",
                 (const char *[]){"SGD_ROW_AT(", "SGD_ROW_AT(SGD_LEAST(rows - 1, ",
                                  "SGD_ROW_AT(SGD_LEAST(call->count - 1 - done, "}[s->n]);
        c_subscript(unit, to, s->at);
        text_add(to, s->n != PAST_NOWHERE ? "))" : ")");
        return;
    case SCALAR_PLACE:
        text_add(to, "call->place + done + ");
        in_brackets(unit, to, s->at);
        return;
    case SCALAR_QUOTIENT:
        as_factor(unit, to, s->at);
        text_add(to, " / %lld", (long long)s->n);
        return;
    case SCALAR_REMAINDER:
        as_factor(unit, to, s->at);
        text_add(to, " %% %lld", (long long)s->n);
        return;
    case SCALAR_INTEGER: text_add(to, "%s", x); return;
    case SCALAR_REAL: text_add(to, "(%s)%s", c_type(s->dtype), x); return;
    case SCALAR_WITHIN:
        text_add(to, "%s ? ", x);
        c_subscript(unit, to, s->at);
        text_add(to, " : 0");
        return;
    case SCALAR_INSIDE:
        text_add(to, "(uint64_t)");
        as_factor(unit, to, s->at);
        text_add(to, " < %lld", (long long)s->n);
        return;
    case SCALAR_EQUAL:
        c_subscript(unit, to, s->at);
        text_add(to, " == ");
        c_subscript(unit, to, s->row);
        return;
    case SCALAR_DRAW: draw(unit, to, s); return;
    }
}
