/* c_scalar: scalars of the tree as C expressions of one operation, with the meaning that ops.def gives it. */
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
    for (const char *c = array->name; *c != 0; c++) text_add(to, "%c", isalnum((unsigned char)*c) && (unsigned char)*c < 128 ? *c : '_');
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
    bool whole = s->kind == SCALAR_CONST || !unit->inlined[s->id] || s->kind == SCALAR_LOAD || s->kind == SCALAR_DRAW
                 || s->kind == SCALAR_ROWS || s->kind == SCALAR_ROW;
    const char *text = c_alone(unit, s);
    return whole ? text : text_format(unit->arena, "(%s)", text);
}

/* ---- subscripts and elements -------------------------------------------------------------------------------- */
void c_subscript(CUnit *unit, Text *to, const Subscript *s) {
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        int64_t coef = i > 0 && t->coef < 0 ? -t->coef : t->coef;
        if (i > 0) text_add(to, t->coef < 0 ? " - " : " + ");
        if (coef == -1) text_add(to, "-");
        else if (coef != 1) text_add(to, "%lld * ", (long long)coef);
        if (t->loop != NULL) c_loop_name(to, t->loop);
        else text_add(to, "%s", c_operand(unit, t->scalar));
    }
    if (s->count == 0) text_add(to, "%lld", (long long)s->offset);
    else if (s->offset != 0) text_add(to, " %c %lld", s->offset < 0 ? '-' : '+', (long long)(s->offset < 0 ? -s->offset : s->offset));
}

void c_element(CUnit *unit, Text *to, const Array *array, const Subscript *row, const Subscript *at) {
    switch (array->memory) {
    case ARRAY_REGISTERS:
        c_array_name(to, array);
        if (array->elements == 1) return;
        break;
    case ARRAY_COLUMN:
        text_add(to, "SGD_ROW(%s, %d, ", c_element_type(array->dtype), array->index);
        c_subscript(unit, to, row);
        text_add(to, ")");
        break;
    case ARRAY_ROW_OUTPUT:
        text_add(to, "((%s *)call->outputs[%d] + ", c_element_type(array->dtype), array->index);
        text_add(to, "%lld * (", (long long)array->elements);
        c_subscript(unit, to, row);
        text_add(to, "))");
        break;
    case ARRAY_OUTPUT:
        text_add(to, "((%s *)call->outputs[%d])", c_element_type(array->dtype), array->index);
        break;
    case ARRAY_SUM: text_add(to, "sums[%d]", array->index); return;
    case ARRAY_WORK: case ARRAY_CELL: case ARRAY_SLOT: c_array_name(to, array); break;
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

static void math_call(CUnit *unit, Text *to, const Scalar *s, const char *a, const char *b) {
    const char *name = text_format(unit->arena, "%s_%s", op_text(s->op), real_suffix(s->dtype));
    if (s->op == OP_POWI)
        name = text_format(unit->arena, "powi_%s_%s%lld", real_suffix(s->dtype), s->n < 0 ? "m" : "", (long long)(s->n < 0 ? -s->n : s->n));
    call_of(unit, to, name, a, b);
}

static void cast(CUnit *unit, Text *to, const Scalar *s, const char *a) {
    DType from = s->source[0]->dtype;
    if (s->dtype == DTYPE_BOOL) text_add(to, "%s != 0", a);
    else if (s->dtype == DTYPE_I32 && dtype_is_real(from)) call_of(unit, to, from == DTYPE_F32 ? "i32_of_f32" : "i32_of_f64", a, NULL);
    else text_add(to, "(%s)%s", c_type(s->dtype), a);
}

static void integer_op(CUnit *unit, Text *to, const Scalar *s, const char *a, const char *b) {
    switch (s->op) {
    case OP_ADD: text_add(to, "(int32_t)((uint32_t)%s + (uint32_t)%s)", a, b); return;
    case OP_SUB: text_add(to, "(int32_t)((uint32_t)%s - (uint32_t)%s)", a, b); return;
    case OP_MUL: text_add(to, "(int32_t)((uint32_t)%s * (uint32_t)%s)", a, b); return;
    case OP_NEG: text_add(to, "(int32_t)(0 - (uint32_t)%s)", a); return;
    case OP_ABS: text_add(to, "%s < 0 ? (int32_t)(0 - (uint32_t)%s) : %s", a, a, a); return;
    case OP_FLOOR: text_add(to, "%s", a); return;
    case OP_MAX: text_add(to, "%s >= %s ? %s : %s", a, b, a, b); return;
    case OP_MIN: text_add(to, "%s <= %s ? %s : %s", a, b, a, b); return;
    case OP_FLOORDIV: call_of(unit, to, "floordiv", a, b); return;
    case OP_MOD: call_of(unit, to, "mod", a, b); return;
    default: INTERNAL_ERROR("no integer %s", op_text(s->op));
    }
}

static void real_op(CUnit *unit, Text *to, const Scalar *s, const char *a, const char *b) {
    const char *f = s->dtype == DTYPE_F32 ? "f" : "";
    switch (s->op) {
    case OP_ADD: text_add(to, "%s + %s", a, b); return;
    case OP_SUB: text_add(to, "%s - %s", a, b); return;
    case OP_MUL: text_add(to, "%s * %s", a, b); return;
    case OP_DIV: text_add(to, "%s / %s", a, b); return;
    case OP_NEG: text_add(to, "-%s%s%s", a[0] == '-' ? "(" : "", a, a[0] == '-' ? ")" : ""); return;
    case OP_ABS: text_add(to, "fabs%s(%s)", f, a); return;
    case OP_SQRT: text_add(to, "sqrt%s(%s)", f, a); return;
    case OP_FLOOR: text_add(to, "floor%s(%s)", f, a); return;
    case OP_MAX: text_add(to, "(%s >= %s || %s != %s) ? %s : %s", a, b, a, a, a, b); return;
    case OP_MIN: text_add(to, "(%s <= %s || %s != %s) ? %s : %s", a, b, a, a, a, b); return;
    default: math_call(unit, to, s, a, b);
    }
}

static void fused(Text *to, const Scalar *s, const char *a, const char *b, const char *c) {
    if (dtype_is_real(s->dtype)) text_add(to, "sgd_fma%s(%s, %s, %s)", s->dtype == DTYPE_F32 ? "f" : "", a, b, c);
    else text_add(to, "(int32_t)((uint32_t)%s * (uint32_t)%s + (uint32_t)%s)", a, b, c);
}

static void op(CUnit *unit, Text *to, const Scalar *s) {
    const char *x[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) x[i] = c_operand(unit, s->source[i]);
    switch (s->op) {
    case OP_EQ: text_add(to, "%s == %s", x[0], x[1]); return;
    case OP_NE: text_add(to, "%s != %s", x[0], x[1]); return;
    case OP_LT: text_add(to, "%s < %s", x[0], x[1]); return;
    case OP_LE: text_add(to, "%s <= %s", x[0], x[1]); return;
    case OP_AND: text_add(to, "%s & %s", x[0], x[1]); return;
    case OP_OR: text_add(to, "%s | %s", x[0], x[1]); return;
    case OP_NOT: text_add(to, "!%s", x[0]); return;
    case OP_WHERE: text_add(to, "%s ? %s : %s", x[0], x[1], x[2]); return;
    case OP_FMA: fused(to, s, x[0], x[1], x[2]); return;
    case OP_CAST: cast(unit, to, s, x[0]); return;
    default: break;
    }
    if (dtype_is_real(s->dtype)) real_op(unit, to, s, x[0], x[1]);
    else integer_op(unit, to, s, x[0], x[1]);
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
    if (s->random->key == RANDOM_DATA) text_add(to, "UINT64_C(%llu)", (unsigned long long)s->random->seed);
    else text_add(to, "header->seed");
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
    if (one) c_subscript(unit, to, s);
    else in_brackets(unit, to, s);
}

void c_scalar(CUnit *unit, Text *to, const Scalar *s) {
    const char *x = s->source[0] == NULL ? NULL : c_operand(unit, s->source[0]);
    switch (s->kind) {
    case SCALAR_CONST: text_add(to, "%s", constant(unit->arena, s)); return;
    case SCALAR_OP: op(unit, to, s); return;
    case SCALAR_LOAD: c_element(unit, to, s->array, s->row, s->at); return;
    case SCALAR_NUMBER: text_add(to, "(int32_t)"); as_factor(unit, to, s->at); return;
    case SCALAR_ROWS: text_add(to, "rows"); return;
    case SCALAR_COUNTED: text_add(to, "(int64_t)header->%s", (const char *[]){"step", "epoch", "planned"}[s->n]); return;
    case SCALAR_ROW: text_add(to, "SGD_ROW_AT"); in_brackets(unit, to, s->at); return;
    case SCALAR_PLACE: text_add(to, "call->place + done + "); in_brackets(unit, to, s->at); return;
    case SCALAR_QUOTIENT: as_factor(unit, to, s->at); text_add(to, " / %lld", (long long)s->n); return;
    case SCALAR_REMAINDER: as_factor(unit, to, s->at); text_add(to, " %% %lld", (long long)s->n); return;
    case SCALAR_INTEGER: text_add(to, "%s", x); return;
    case SCALAR_REAL: text_add(to, "(%s)%s", c_type(s->dtype), x); return;
    case SCALAR_WITHIN: text_add(to, "%s ? ", x); c_subscript(unit, to, s->at); text_add(to, " : 0"); return;
    case SCALAR_INSIDE: text_add(to, "(uint64_t)"); as_factor(unit, to, s->at); text_add(to, " < %lld", (long long)s->n); return;
    case SCALAR_EQUAL: c_subscript(unit, to, s->at); text_add(to, " == "); c_subscript(unit, to, s->row); return;
    case SCALAR_DRAW: draw(unit, to, s); return;
    }
}
