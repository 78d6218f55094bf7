/* op: what the table of ops says of one; what types and shapes are. */
#include "ir/graph.h"

typedef struct OpRow {
    const char *text;
    int arity;
    OpClass class;
    int cost;
    OpAttribute attribute;
    Emission emission;
    Spelling spelling;
} OpRow;
#define NONE \
    { SPELLING_NONE, NULL }
#define FUNCTION \
    { SPELLING_FUNCTION, NULL }
#define PREFIX(sign) \
    { SPELLING_PREFIX, sign }
#define INFIX(sign) \
    { SPELLING_INFIX, sign }
static const OpRow op_rows[OP_COUNT] = {
#define OP(NAME, text, arity, class, cost, attribute, emission, spelling) \
    [OP_##NAME] = {text, arity, OP_CLASS_##class, cost, ATTRIBUTE_##attribute, EMISSION_##emission, spelling},
#include "ir/ops.def"
#undef OP
};

const char *op_text(Op op) { return op_rows[op].text; }
const char *node_text(const Node *node) { return node->name != NULL ? node->name : op_text(node->op); }
int op_arity(Op op) { return op_rows[op].arity; }
OpClass op_class(Op op) { return op_rows[op].class; }
int op_cost(Op op) { return op_rows[op].cost; }
OpAttribute op_attribute(Op op) { return op_rows[op].attribute; }
Emission op_emission(Op op) { return op_rows[op].emission; }
Spelling op_spelling(Op op) { return op_rows[op].spelling; }

const char *dtype_text(DType t) {
    static const char *const text[] = {"f32", "f64", "i32", "bool", "u8"};
    return text[t];
}

size_t dtype_bytes(DType t) {
    static const size_t bytes[] = {4, 8, 4, 1, 1};
    return bytes[t];
}

int64_t shape_size(Shape s) {
    int64_t size = 1;
    for (int a = 0; a < s.rank; a++) size *= s.extent[a];
    return size;
}

bool shape_equal(Shape a, Shape b) {
    if (a.rank != b.rank) return false;
    for (int k = 0; k < a.rank; k++) {
        if (a.extent[k] != b.extent[k]) return false;
    }
    return true;
}
