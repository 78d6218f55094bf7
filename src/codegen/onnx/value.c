/* value: every op of ir/ops.def as operators of ONNX, but for contractions (contraction.c) and views
 * (access.c).
 *
 * Whole numbers stay i32 where ONNX has them; `where` of truth values is said by And and Or, which runtimes have for them.
 */
#include "codegen/onnx/onnx.h"
#include <string.h>

static const char *unary(OnnxGraph *g, const char *op, const Node *node) {
    return onnx_put1(g, op, onnx_operand(g, node->source[0]));
}

static const char *binary(OnnxGraph *g, const char *op, const Node *node) {
    return onnx_put2(g, op, onnx_operand(g, node->source[0]), onnx_operand(g, node->source[1]));
}

static const char *multiply_add(OnnxGraph *g, const Node *node) {
    return onnx_put2(g, "Add", binary(g, "Mul", node), onnx_operand(g, node->source[2]));
}

/* Of what is whole: a // b = (a - a mod b) / b, where Mod takes the sign of b, as ours does. */
static const char *floor_divide(OnnxGraph *g, const Node *node) {
    const char *a = onnx_operand(g, node->source[0]), *b = onnx_operand(g, node->source[1]);
    return onnx_put2(g, "Div", onnx_put2(g, "Sub", a, onnx_put2(g, "Mod", a, b)), b);
}

static const char *power(OnnxGraph *g, const Node *node) {
    return onnx_put2(g, "Pow", onnx_operand(g, node->source[0]), onnx_scalar(g, node->dtype, (double)node->attr.index));
}

static const char *choice(OnnxGraph *g, const Node *node) {
    const char *c = onnx_operand(g, node->source[0]), *a = onnx_operand(g, node->source[1]),
               *b = onnx_operand(g, node->source[2]);
    if (node->dtype != DTYPE_BOOL) return onnx_put3(g, "Where", c, a, b);
    return onnx_put2(g, "Or", onnx_put2(g, "And", c, a), onnx_put2(g, "And", onnx_put1(g, "Not", c), b));
}

/* e^x - 1 = tanh(x / 2) (e^x + 1) */
static const char *less_one(OnnxGraph *g, const Node *node) {
    const char *x = onnx_operand(g, node->source[0]), *half = onnx_scalar(g, node->dtype, 0.5);
    const char *sum = onnx_put2(g, "Add", onnx_put1(g, "Exp", x), onnx_scalar(g, node->dtype, 1));
    return onnx_put2(g, "Mul", onnx_put1(g, "Tanh", onnx_put2(g, "Mul", x, half)), sum);
}

/* log(u) x / (u - 1) for u = 1 + x rounded, which is x where u is 1. */
static const char *log_beyond_one(OnnxGraph *g, const Node *node) {
    const char *x = onnx_operand(g, node->source[0]), *one = onnx_scalar(g, node->dtype, 1);
    const char *u = onnx_put2(g, "Add", x, one), *rest = onnx_put2(g, "Sub", u, one);
    const char *log = onnx_put1(g, "Log", u), *small = onnx_put2(g, "Less", onnx_put1(g, "Abs", x), one);
    const char *none = onnx_put2(g, "Equal", u, one);
    const char *ratio = onnx_put2(g, "Div", x, onnx_put3(g, "Where", none, one, rest));
    const char *near = onnx_put3(g, "Where", none, x, onnx_put2(g, "Mul", log, ratio));
    return onnx_put3(g, "Where", small, near, log);
}

static const char *scaled(OnnxGraph *g, const char *op, const Node *node, double factor) {
    return onnx_put2(g, "Mul", unary(g, op, node), onnx_scalar(g, node->dtype, factor));
}

/* atan(y / x), turned by half a circle where x is negative. */
static const char *angle(OnnxGraph *g, const Node *node) {
    const char *y = onnx_operand(g, node->source[0]), *x = onnx_operand(g, node->source[1]);
    const char *zero = onnx_scalar(g, node->dtype, 0), *pi = onnx_scalar(g, node->dtype, 3.141592653589793);
    const char *flat = onnx_put2(g, "Equal", y, zero), *left = onnx_put2(g, "Less", x, zero);
    const char *angle = onnx_put1(g, "Atan", onnx_put2(g, "Div", y, x));
    const char *turn = onnx_put3(g, "Where", onnx_put2(g, "Less", y, zero), onnx_put1(g, "Neg", pi), pi);
    return onnx_put2(g, "Add", onnx_put3(g, "Where", flat, zero, angle), onnx_put3(g, "Where", left, turn, zero));
}

static const char *of_gamma(OnnxGraph *g) {
    onnx_refuse(g, "lgamma and its derivatives have no operator in ONNX");
    return "";
}

/* ---- leaves -------------------------------------------------------------------------------------------- */
static const char *parameter(OnnxGraph *g, const Node *node) {
    const Cell *cell = &g->request->run->cells[node->attr.index];
    OnnxTensor tensor = {.name = cell->name,
                         .type = onnx_type(cell->dtype),
                         .rank = cell->shape.rank,
                         .bytes = (const char *)g->request->state + cell->offset,
                         .length = dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape)};
    for (int a = 0; a < tensor.rank; a++) tensor.extent[a] = cell->shape.extent[a];
    vector_push(g->arena, &g->file.tensors, tensor);
    return cell->name;
}

/* A setting of the file, whichever type it is read as. */
static const char *setting(OnnxGraph *g, const Node *node) {
    const Slot *slot = &g->request->run->slots[node->attr.index];
    const char *at = (const char *)g->request->state + slot->offset;
    float f32;
    double value;
    memcpy(&f32, at, sizeof f32);
    memcpy(&value, at, sizeof value);
    return onnx_scalar(g, node->dtype, slot->dtype == DTYPE_F64 ? value : (double)f32);
}

static const char *counted(OnnxGraph *g, const Node *node) {
    int64_t below = 1, count = shape_size(node->shape), axis = node->attr.index;
    for (int a = (int)axis + 1; a < node->shape.rank; a++) below *= node->shape.extent[a];
    int32_t *values = arena_array(g->arena, int32_t, count + 1);
    for (int64_t i = 0; i < count; i++) values[i] = (int32_t)(i / below % node->shape.extent[axis]);
    OnnxTensor tensor = {
        .type = ONNX_I32, .rank = node->shape.rank, .bytes = values, .length = sizeof *values * (size_t)count};
    for (int a = 0; a < tensor.rank; a++) tensor.extent[a] = node->shape.extent[a];
    return onnx_constant(g, &tensor);
}

static const char *refused(OnnxGraph *g, const Node *node) {
    onnx_refuse(g, "what is predicted depends on a %s, and a model in ONNX has none",
                node->op == OP_RANDOM    ? "draw"
                : node->op == OP_COUNTER ? "step or epoch of the training"
                                         : "count of rows");
    return "";
}

/* ---- places -------------------------------------------------------------------------------------------- */
/* With an axis of rows, where the other node has one. */
static const char *with_rows(OnnxGraph *g, const Node *node, const Node *other) {
    const char *x = onnx_whole(g, node);
    if (node->rows || !other->rows) return x;
    int64_t first[] = {0}, last[] = {1};
    const char *n = onnx_put3(g, "Slice", onnx_put1(g, "Shape", onnx_whole(g, other)), onnx_integers(g, first, 1),
                              onnx_integers(g, last, 1));
    const char *shape = onnx_put2(g, "Concat", n, onnx_integers(g, node->shape.extent, node->shape.rank));
    onnx_number(g, "axis", 0);
    return onnx_put2(g, "Expand", x, shape);
}

static const char *joined(OnnxGraph *g, const Node *node) {
    const char **inputs = arena_array(g->arena, const char *, node->sources + 1);
    const Node *rows = node->source[0];
    for (int s = 0; s < node->sources; s++)
        if (node->source[s]->rows) rows = node->source[s];
    for (int s = 0; s < node->sources; s++) inputs[s] = with_rows(g, node->source[s], rows);
    const char *y = onnx_put(g, "Concat", inputs, node->sources);
    onnx_number(g, "axis", (node->rows != 0) + node->attr.index);
    return y;
}

/* Gather, where table and index share no axis; rows of both are shared. */
static const char *picked(OnnxGraph *g, const Node *node) {
    const Node *table = node->source[0], *index = node->source[1];
    int64_t shared = node->attr.index;
    const char *y;
    if (shared == 0 && !(table->rows && index->rows)) {
        y = onnx_put2(g, "Gather", onnx_whole(g, table), onnx_whole(g, index));
        onnx_number(g, "axis", table->rows != 0);
        return y;
    }
    const char *at = onnx_cast(g, with_rows(g, index, table), ONNX_I64);
    int64_t rank = (node->rows != 0) + index->shape.rank;
    const char *from = with_rows(g, table, index);
    y = onnx_put2(g, "GatherND", from, onnx_unsqueeze(g, at, rank));
    onnx_number(g, "batch_dims", (node->rows != 0) + shared);
    return y;
}

static const char *scattered(OnnxGraph *g) {
    onnx_refuse(g,
                "the derivative of e[y] by e is a sum at places that only the data knows, and is not written in ONNX");
    return "";
}

/* ---- all ----------------------------------------------------------------------------------------------- */
static const char *matched(OnnxGraph *g, const OnnxMatch *match) {
    switch (match->kind) {
    case ONNX_MATCH_NONE: return NULL;
    case ONNX_MATCH_RELU: return onnx_put1(g, "Relu", onnx_whole(g, match->a));
    case ONNX_MATCH_SOFTMAX: {
        const char *y = onnx_put1(g, "Softmax", onnx_whole(g, match->a));
        onnx_number(g, "axis", -1);
        return y;
    }
    case ONNX_MATCH_BIAS: return onnx_contract(g, match->a, match->b, false);
    case ONNX_MATCH_MEAN: return onnx_contract(g, match->a, NULL, true);
    }
    return NULL;
}

/* Ops that are one operator of ONNX. */
static const char *const one_operator[OP_COUNT] = {
    [OP_NEG] = "Neg",   [OP_ABS] = "Abs",        [OP_FLOOR] = "Floor", [OP_NOT] = "Not",   [OP_EXP] = "Exp",
    [OP_LOG] = "Log",   [OP_SIN] = "Sin",        [OP_COS] = "Cos",     [OP_TANH] = "Tanh", [OP_SIGMOID] = "Sigmoid",
    [OP_ERF] = "Erf",   [OP_ASIN] = "Asin",      [OP_ACOS] = "Acos",   [OP_ATAN] = "Atan", [OP_SINH] = "Sinh",
    [OP_COSH] = "Cosh", [OP_ROUND] = "Round",    [OP_ADD] = "Add",     [OP_SUB] = "Sub",   [OP_MUL] = "Mul",
    [OP_DIV] = "Div",   [OP_MAX] = "Max",        [OP_MIN] = "Min",     [OP_MOD] = "Mod",   [OP_EQ] = "Equal",
    [OP_LT] = "Less",   [OP_LE] = "LessOrEqual", [OP_AND] = "And",     [OP_OR] = "Or",     [OP_POW] = "Pow",
};

static const char *value_of_op(OnnxGraph *g, const Node *node) {
    switch (node->op) {
    case OP_CONST: return NULL; /* where it is read */
    case OP_COLUMN: return onnx_input(g, (int)node->attr.index);
    case OP_CELL: return parameter(g, node);
    case OP_SLOT: return setting(g, node);
    case OP_COUNTER:
    case OP_ROWS_RECIPROCAL:
    case OP_PLACE:
    case OP_RANDOM: return refused(g, node);
    case OP_IOTA: return counted(g, node);
    case OP_SQRT: return unary(g, "Sqrt", node);
    /* clang-format off */
    case OP_NEG: case OP_ABS: case OP_FLOOR: case OP_NOT: case OP_EXP: case OP_LOG: case OP_SIN: case OP_COS:
    case OP_TANH: case OP_SIGMOID: case OP_ERF: case OP_ASIN: case OP_ACOS: case OP_ATAN: case OP_SINH: case OP_COSH:
    case OP_ROUND:
        return unary(g, one_operator[node->op], node);
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_MAX: case OP_MIN: case OP_MOD: case OP_EQ: case OP_LT:
    case OP_LE: case OP_AND: case OP_OR: case OP_POW:
        return binary(g, one_operator[node->op], node);
        /* clang-format on */
    case OP_EXPM1: return less_one(g, node);
    case OP_LOG1P: return log_beyond_one(g, node);
    case OP_EXP2: return onnx_put2(g, "Pow", onnx_scalar(g, node->dtype, 2), onnx_operand(g, node->source[0]));
    case OP_LOG2: return scaled(g, "Log", node, 1.4426950408889634); /* 1 / log(2) */
    case OP_ERFC: return onnx_put2(g, "Sub", onnx_scalar(g, node->dtype, 1), unary(g, "Erf", node));
    case OP_LGAMMA:
    case OP_POLYGAMMA: return of_gamma(g);
    case OP_POWI: return power(g, node);
    case OP_ATAN2: return angle(g, node);
    case OP_CAST: return onnx_cast(g, onnx_operand(g, node->source[0]), onnx_type(node->dtype));
    case OP_STOP_GRADIENT: return onnx_whole(g, node->source[0]);
    case OP_FLOORDIV: return floor_divide(g, node);
    case OP_NE: return onnx_put1(g, "Not", binary(g, "Equal", node));
    case OP_WHERE: return choice(g, node);
    case OP_FMA: return multiply_add(g, node);
    case OP_VIEW: return onnx_view(g, node);
    case OP_RESHAPE: return onnx_reshape(g, onnx_whole(g, node->source[0]), node->rows != 0, node->shape);
    case OP_CONCAT: return joined(g, node);
    case OP_CONTRACT: return onnx_contract(g, node, NULL, false);
    case OP_REDUCE_MAX:
    case OP_REDUCE_MIN: return onnx_extreme(g, node);
    case OP_ARGMAX: return onnx_argmax(g, node);
    case OP_GATHER: return picked(g, node);
    case OP_SCATTER_ADD: return scattered(g);
    case OP_ELEMENT:
    case OP_CARRIED:
    case OP_STACK:
    case OP_GRADIENT:
    case OP_RANK:
    case OP_VARIABLE: break;
    }
    INTERNAL_ERROR("%s in a prediction", op_text(node->op));
}

const char *onnx_value(OnnxGraph *g, const Node *node) {
    g->span = node->span;
    g->hint = node->name;
    for (int a = 0; a < node->shape.rank; a++)
        if (node->shape.extent[a] == 0) {
            onnx_refuse(g, "an array without elements has no word in ONNX");
            return "";
        }
    const char *name = matched(g, &g->matches[node->id]);
    return name ? name : value_of_op(g, node);
}
