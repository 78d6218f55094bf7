/* infer: what type, shape and rows a node must have, one rule per op row. The constructors state type and
 * shape; a rule says what is wrong with the statement, or NULL. Users never see these sentences: lowering has
 * checked their programs before, so here something wrong is a defect of sgdc. */
#include "ir/affine.h"
#include "functions.def"
#include "ir/graph.h"

typedef const char *InferRule(const Node *n);

static bool is_number(DType t) { return dtype_is_real(t) || t == DTYPE_I32; }

static const char *like_sources(const Node *n, bool type_too) {
    for (int s = 0; s < n->sources; s++) {
        if (!shape_equal(n->shape, n->source[s]->shape)) return "the shape differs from a source's";
        if (type_too && n->dtype != n->source[s]->dtype) return "the type differs from a source's";
    }
    return NULL;
}

static const char *real_like_sources(const Node *n) {
    return dtype_is_real(n->dtype) ? like_sources(n, true) : "not real";
}

static const char *number_like_sources(const Node *n) {
    return is_number(n->dtype) ? like_sources(n, true) : "not a number";
}

static const char *truth_like_sources(const Node *n) {
    return n->dtype == DTYPE_BOOL ? like_sources(n, true) : "not bool";
}

static const char *integer_like_sources(const Node *n) {
    return n->dtype == DTYPE_I32 ? like_sources(n, true) : "not i32";
}

static const char *comparison(const Node *n) {
    if (n->dtype != DTYPE_BOOL) return "a comparison is bool";
    return n->source[0]->dtype == n->source[1]->dtype ? like_sources(n, false) : "sources of two types";
}

static const char *real_scalar(const Node *n) {
    return dtype_is_real(n->dtype) && n->shape.rank == 0 ? NULL : "not a real scalar";
}

static const char *real_leaf(const Node *n) { return dtype_is_real(n->dtype) ? NULL : "not real"; }
static const char *any_leaf(const Node *n) { return n->sources == 0 ? NULL : "a leaf with sources"; }

/* ---- leaves */
static const char *infer_CONST(const Node *n) { return n->dtype == DTYPE_U8 ? "u8 is for columns" : NULL; }
static const char *infer_COLUMN(const Node *n) { return any_leaf(n); }
static const char *infer_CELL(const Node *n) { return any_leaf(n); }
static const char *infer_SLOT(const Node *n) { return n->shape.rank ? "not a scalar" : NULL; }
static const char *infer_COUNTER(const Node *n) { return real_scalar(n); }
static const char *infer_ROWS_RECIPROCAL(const Node *n) { return real_scalar(n); }
static const char *infer_PLACE(const Node *n) {
    return n->dtype == DTYPE_I32 && !n->shape.rank ? NULL : "not an i32 scalar";
}
static const char *infer_RANDOM(const Node *n) { return real_leaf(n); }
static const char *infer_IOTA(const Node *n) {
    if (n->dtype != DTYPE_I32) return "not i32";
    return n->attr.index >= 0 && n->attr.index < n->shape.rank ? NULL : "no such axis";
}
static const char *infer_GRADIENT(const Node *n) { return real_leaf(n); }

/* Of the number that a function has beside its operand. */
static const char *numbered_problem(const Node *n) {
    bool there = n->op != OP_POLYGAMMA || (n->attr.index >= 0 && n->attr.index <= MATH_MOST_POLYGAMMA);
    return there ? NULL : "there is no such polygamma";
}

/* ---- element by element */
static const char *infer_NEG(const Node *n) { return number_like_sources(n); }
static const char *infer_ABS(const Node *n) { return number_like_sources(n); }
static const char *infer_SQRT(const Node *n) { return real_like_sources(n); }
#define FUNCTION(NAME, name) \
    static const char *infer_##NAME(const Node *n) { return real_like_sources(n); }
#define FUNCTION_OF_TWO FUNCTION
#define FUNCTION_AND_NUMBER(NAME, name)                                          \
    static const char *infer_##NAME(const Node *n) {                             \
        return numbered_problem(n) ? numbered_problem(n) : real_like_sources(n); \
    }
#include "functions.def"
static const char *infer_FLOOR(const Node *n) { return real_like_sources(n); }
static const char *infer_NOT(const Node *n) { return truth_like_sources(n); }
static const char *infer_CAST(const Node *n) {
    return n->dtype == DTYPE_U8 ? "u8 is for columns" : like_sources(n, false);
}
static const char *infer_STOP_GRADIENT(const Node *n) { return like_sources(n, true); }
static const char *infer_VARIABLE(const Node *n) { return real_like_sources(n); }
static const char *infer_RANK(const Node *n) {
    if (!dtype_is_real(n->dtype) || n->dtype != n->source[0]->dtype) return "not real, or of another type";
    return shape_equal(n->shape, n->source[0]->shape) ? NULL : "the shape differs from the source's";
}
static const char *infer_ADD(const Node *n) { return number_like_sources(n); }
static const char *infer_SUB(const Node *n) { return number_like_sources(n); }
static const char *infer_MUL(const Node *n) { return number_like_sources(n); }
static const char *infer_DIV(const Node *n) { return real_like_sources(n); }
static const char *infer_MAX(const Node *n) { return number_like_sources(n); }
static const char *infer_MIN(const Node *n) { return number_like_sources(n); }
static const char *infer_FLOORDIV(const Node *n) { return integer_like_sources(n); }
static const char *infer_MOD(const Node *n) { return integer_like_sources(n); }
static const char *infer_EQ(const Node *n) { return comparison(n); }
static const char *infer_NE(const Node *n) { return comparison(n); }
static const char *infer_LT(const Node *n) { return comparison(n); }
static const char *infer_LE(const Node *n) { return comparison(n); }
static const char *infer_AND(const Node *n) { return truth_like_sources(n); }
static const char *infer_OR(const Node *n) { return truth_like_sources(n); }
static const char *infer_WHERE(const Node *n) {
    if (n->source[0]->dtype != DTYPE_BOOL) return "the condition is not bool";
    if (n->source[1]->dtype != n->dtype || n->source[2]->dtype != n->dtype) return "branches of two types";
    return like_sources(n, false);
}
static const char *infer_FMA(const Node *n) { return real_like_sources(n); }

/* ---- movement and reductions */
static const char *accesses_fit(const Node *n) {
    const Contraction *c = n->attr.contraction;
    if (!c) return "no index maps";
    if (n->sources < 1 || n->sources > 2) return "one or two sources";
    if (n->shape.rank + c->reduced > MOST_AXES) return "too many axes";
    for (int s = 0; s < n->sources; s++) {
        if (c->access[s].rank != n->source[s]->shape.rank) return "an index map's rank is not its source's";
        for (int a = 0; a < c->access[s].rank; a++) {
            if (c->access[s].axis[a].divisor < 1) return "a divisor below 1";
            for (int k = n->shape.rank + c->reduced; k < MOST_AXES; k++) {
                if (c->access[s].axis[a].coef[k]) return "an index map uses an index that does not exist";
            }
        }
    }
    return NULL;
}

static const char *infer_VIEW(const Node *n) {
    if (n->dtype != n->source[0]->dtype) return "the type differs from the source's";
    const Contraction *c = n->attr.contraction;
    return c && (c->reduced || c->over_rows) ? "a view reduces nothing" : accesses_fit(n);
}
static const char *infer_RESHAPE(const Node *n) {
    if (n->dtype != n->source[0]->dtype) return "the type differs from the source's";
    return shape_size(n->shape) == shape_size(n->source[0]->shape) ? NULL : "another number of elements";
}
static const char *infer_CONCAT(const Node *n) {
    int64_t axis = n->attr.index, total = 0;
    if (axis < 0 || axis >= n->shape.rank) return "no such axis";
    for (int s = 0; s < n->sources; s++) {
        Shape other = n->source[s]->shape;
        if (other.rank != n->shape.rank || n->source[s]->dtype != n->dtype) return "a source does not fit";
        total += other.extent[axis];
        other.extent[axis] = n->shape.extent[axis];
        if (!shape_equal(other, n->shape)) return "a source does not fit";
    }
    return total == n->shape.extent[axis] ? NULL : "the parts do not add up";
}
static const char *infer_CONTRACT(const Node *n) {
    for (int s = 0; s < n->sources; s++) {
        if (n->source[s]->dtype != n->dtype) return "the type differs from a source's";
    }
    return is_number(n->dtype) ? accesses_fit(n) : "not a number";
}
static const char *infer_REDUCE_MAX(const Node *n) { return infer_CONTRACT(n); }
static const char *infer_REDUCE_MIN(const Node *n) { return infer_CONTRACT(n); }
static const char *infer_ARGMAX(const Node *n) { return n->dtype == DTYPE_I32 ? accesses_fit(n) : "an index is i32"; }

/* ---- indexed: table [b.., v, t..], index [b.., i..], result [b.., i.., t..] */
static const char *gather_fits(Shape table, const Node *index, Shape out, int64_t shared) {
    if (index->dtype != DTYPE_I32) return "the index is not i32";
    if (shared < 0 || shared >= table.rank || shared > index->shape.rank) return "too many shared axes";
    if (out.rank != index->shape.rank + table.rank - (int)shared - 1) return "the ranks do not fit";
    for (int a = 0; a < index->shape.rank; a++) {
        if (out.extent[a] != index->shape.extent[a]) return "the index's axes are not the result's";
        if (a < shared && table.extent[a] != out.extent[a]) return "the shared axes differ";
    }
    for (int a = (int)shared + 1; a < table.rank; a++) {
        if (table.extent[a] != out.extent[index->shape.rank + a - shared - 1]) return "the table's axes differ";
    }
    return NULL;
}

static const char *infer_GATHER(const Node *n) {
    if (n->dtype != n->source[0]->dtype) return "the type differs from the table's";
    return gather_fits(n->source[0]->shape, n->source[1], n->shape, n->attr.index);
}
static const char *infer_SCATTER_ADD(const Node *n) {
    if (n->sources < 2 || n->sources > 3) return "two or three sources";
    if (n->dtype != n->source[0]->dtype) return "the type differs from the source's";
    if (n->sources == 3 && (!shape_equal(n->source[2]->shape, n->source[0]->shape) || n->source[2]->dtype != n->dtype))
        return "the factors differ";
    return gather_fits(n->shape, n->source[1], n->source[0]->shape, n->attr.index);
}

/* ---- scans */
/* Axis 0 of `all` are the elements. */
static const char *stacks(const Node *n, Shape all, Shape one) {
    if (!n->attr.scan) return "no scan";
    if (all.rank != one.rank + 1 || all.extent[0] != n->attr.scan->extent) return "not an element of each";
    for (int a = 0; a < one.rank; a++)
        if (all.extent[a + 1] != one.extent[a]) return "the elements' axes differ";
    return NULL;
}
static const char *infer_ELEMENT(const Node *n) {
    if (n->dtype != n->source[0]->dtype) return "the type differs from the source's";
    return stacks(n, n->source[0]->shape, n->shape);
}
static const char *infer_CARRIED(const Node *n) {
    const Node *initial = n->source[0];
    if (!n->attr.scan) return "no scan";
    return n->dtype == initial->dtype && shape_equal(n->shape, initial->shape) ? NULL : "its start differs";
}
static const char *infer_STACK(const Node *n) {
    if (n->dtype != n->source[0]->dtype) return "the type differs from the source's";
    if (n->sources % 2 == 0) return "a carried value without the next";
    for (int s = 1; s < n->sources; s += 2) {
        const Node *carried = n->source[s], *next = n->source[s + 1];
        if (carried->op != OP_CARRIED || carried->attr.scan != n->attr.scan) return "not carried in this scan";
        if (carried->dtype != next->dtype || !shape_equal(carried->shape, next->shape)) return "the next differs";
        if (next->rows && !carried->rows) return "the next has rows";
    }
    return stacks(n, n->shape, n->source[0]->shape);
}

static InferRule *const rules[OP_COUNT] = {
#define OP(NAME, ...) [OP_##NAME] = infer_##NAME,
#include "ir/ops.def"
#undef OP
};

const char *infer_problem(const Node *node) {
    if (node->shape.rank < 0 || node->shape.rank > MOST_RANK) return "too many axes";
    if (op_arity(node->op) >= 0 && node->sources != op_arity(node->op)) return "the wrong number of sources";
    if (op_arity(node->op) < 0 && node->sources < 1) return "no sources";
    return rules[node->op](node);
}

uint8_t infer_rows(Op op, const Attr *attr, Node *const *source, int sources) {
    if (attr->contraction && op != OP_VIEW && attr->contraction->over_rows) return 0;
    if (op == OP_SCATTER_ADD && attr->over_rows) return 0;
    if (op == OP_STACK) return source[0]->rows;
    if (op == OP_CARRIED) return attr->rows ? attr->rows : source[0]->rows;
    for (int s = 0; s < sources; s++) {
        if (source[s]->rows) return source[s]->rows;
    }
    return 0;
}
