/* emit_chain: chains of the order law (docs/numerics.md): how one starts, takes a term, and joins another.
 *
 * A chain is the running value of one output, or of one lane of it: a scalar or a vector of outputs. The joins
 * are the fold of chunks and the tree of lanes l+8, l+4, l+2, l+1.
 */
#include "codegen/emit_reduce.h"
#include <math.h>
#include <string.h>

int chain_width(const Node *node) { return node->op == OP_ARGMAX ? 2 : 1; }

DType term_type(const Node *node) { return node->source[0]->dtype; }

/* One chain in the order of k: the first term that a maximum would be left with, as ops.def's max keeps it.
 */
static Chain join_argmax(Emitter *e, DType t, Chain a, Chain b) {
    same_width(e, &a.v[0], &b.v[0]);
    LLVMValueRef keep = emit_binary(e, OP_LE, t, b.v[0], a.v[0]);
    if (dtype_is_real(t)) keep = LLVMBuildOr(e->b, keep, LLVMBuildFCmp(e->b, LLVMRealUNO, a.v[0], a.v[0], ""), "");
    return (Chain){{emit_select(e, keep, a.v[0], b.v[0]), emit_select(e, keep, a.v[1], b.v[1])}};
}

static Chain join_sum(Emitter *e, DType t, Chain a, Chain b) {
    return (Chain){{emit_binary(e, OP_ADD, t, a.v[0], b.v[0])}};
}

static Chain join_max(Emitter *e, DType t, Chain a, Chain b) {
    return (Chain){{emit_binary(e, OP_MAX, t, a.v[0], b.v[0])}};
}

static Chain join_min(Emitter *e, DType t, Chain a, Chain b) {
    return (Chain){{emit_binary(e, OP_MIN, t, a.v[0], b.v[0])}};
}

/* One row per op of class REDUCE: what a chain starts with, and how two of them (two terms) become one. */
typedef struct ChainRule {
    double real_start;
    int32_t integer_start;
    Chain (*join)(Emitter *e, DType t, Chain a, Chain b);
} ChainRule;
static const ChainRule chain_CONTRACT = {-0.0, 0, join_sum}, chain_REDUCE_MAX = {-INFINITY, INT32_MIN, join_max},
                       chain_REDUCE_MIN = {INFINITY, INT32_MAX, join_min},
                       chain_ARGMAX = {-INFINITY, INT32_MIN, join_argmax};

static const ChainRule *const chain_rules[OP_COUNT] = {
#define CHAIN_LEAF(NAME) NULL
#define CHAIN_ELEMENT(NAME) NULL
#define CHAIN_MOVE(NAME) NULL
#define CHAIN_REDUCE(NAME) &chain_##NAME
#define CHAIN_INDEXED(NAME) NULL
#define OP(NAME, text, arity, class, ...) [OP_##NAME] = CHAIN_##class(NAME),
#include "ir/ops.def"
#undef OP
};

Chain chain_start(Emitter *e, const Node *node, int lanes) {
    DType t = term_type(node);
    const ChainRule *rule = chain_rules[node->op];
    LLVMValueRef start = dtype_is_real(t) ? constant_real(e, t, rule->real_start)
                                          : constant_int(e, e->i32, rule->integer_start);
    Chain c = {{splat(e, start, lanes), NULL}};
    if (chain_width(node) > 1) c.v[1] = splat(e, constant_int(e, e->i32, 0), lanes);
    return c;
}

/* The fold of chunks and the tree of lanes. */
Chain chain_join(Emitter *e, const Node *node, Chain a, Chain b) {
    return chain_rules[node->op]->join(e, term_type(node), a, b);
}

/* first: the chain holds nothing yet, so the term itself is its value (law 1). */
Chain chain_step(Emitter *e, const Node *node, Chain chain, const ChainTerm *term, bool first) {
    Chain next;
    DType t = node->dtype;
    if (node->op == OP_CONTRACT) {
        bool product = node->sources == 2;
        if (first && term->ok == NULL)
            next.v[0] = product ? emit_binary(e, OP_MUL, t, term->x[0], term->x[1]) : term->x[0];
        else if (product && dtype_is_real(t))
            next.v[0] = emit_fma(e, term->x[0], term->x[1], chain.v[0]);
        else
            next.v[0] = emit_binary(e, OP_ADD, t, chain.v[0],
                                    product ? emit_binary(e, OP_MUL, t, term->x[0], term->x[1]) : term->x[0]);
    } else {
        Chain one = {{term->x[0], term->index}};
        next = chain_join(e, node, chain, one);
    }
    if (term->ok != NULL)
        for (int i = 0; i < chain_width(node); i++) next.v[i] = emit_select(e, term->ok, next.v[i], chain.v[i]);
    return next;
}

/* Lanes as one vector of 16, folded l+8, l+4, l+2, l+1. */
Chain fold_vector(Emitter *e, const Node *node, Chain chain) {
    for (int half = ORDER_LANES / 2; half >= 1; half /= 2) {
        Chain part[2];
        memset(part, 0, sizeof part);
        for (int i = 0; i < chain_width(node); i++)
            for (int p = 0; p < 2; p++) {
                LLVMValueRef mask[ORDER_LANES];
                for (int l = 0; l < half; l++) mask[l] = constant_int(e, e->i32, p * half + l);
                part[p].v[i] = half == 1
                                   ? LLVMBuildExtractElement(e->b, chain.v[i], constant_int(e, e->i32, p), "")
                                   : LLVMBuildShuffleVector(e->b, chain.v[i], LLVMGetPoison(LLVMTypeOf(chain.v[i])),
                                                            LLVMConstVector(mask, (unsigned)half), "");
            }
        chain = chain_join(e, node, part[0], part[1]);
    }
    return chain;
}

/* ---- several folds in one: the same additions, of twice as many outputs in a vector at each step ---- */
typedef struct Folded {
    LLVMValueRef v;
    int outputs, output[MOST_FOLDED], place[MOST_FOLDED];
} Folded;

/* Each output has `width` lanes, neighbours, of which the halves are joined. */
static Folded fold_pair(Emitter *e, const Node *node, const Folded *a, const Folded *b, int width) {
    Folded to = {.outputs = 0};
    LLVMValueRef mask[2][ORDER_LANES], none = LLVMGetUndef(e->i32);
    int half = width / 2, lane = 0, most = a->outputs > b->outputs ? a->outputs : b->outputs;
    for (int k = 0; k < ORDER_LANES; k++) mask[0][k] = mask[1][k] = none;
    bool by_turns = width == 4; /* so that nothing crosses 16 bytes */
    for (int i = 0; i < (by_turns ? most : a->outputs + b->outputs); i++)
        for (int s = 0; s < (by_turns ? 2 : 1); s++) {
            const Folded *from = by_turns ? s == 0 ? a : b : i < a->outputs ? a : b;
            int output = by_turns || i < a->outputs ? i : i - a->outputs;
            int first = from == b ? ORDER_LANES : 0;
            if (output < from->outputs) {
                to.output[to.outputs] = from->output[output];
                to.place[to.outputs++] = lane;
                for (int k = 0; k < width; k++)
                    mask[k / half][lane + k % half] = constant_int(e, e->i32, first + from->place[output] + k);
            }
            lane += half;
        }
    Chain part[2] = {{{NULL}}, {{NULL}}};
    for (int p = 0; p < 2; p++)
        part[p].v[0] = LLVMBuildShuffleVector(e->b, a->v, b->v, LLVMConstVector(mask[p], ORDER_LANES), "");
    to.v = chain_join(e, node, part[0], part[1]).v[0];
    return to;
}

/* Pairs of sums, pairs of pairs, then those by turns: fold_vectors shows it. */
int place_of_fold(int i) { return 4 * (i % 4) + 2 * (i / 4); }

LLVMValueRef fold_vectors(Emitter *e, const Node *node, Chain *chain, int count) {
    Folded folded[MOST_FOLDED];
    Folded nothing = {.v = LLVMGetPoison(LLVMTypeOf(chain[0].v[0]))};
    int vectors = count;
    for (int i = 0; i < count; i++) folded[i] = (Folded){.v = chain[i].v[0], .outputs = 1, .output = {i}, .place = {0}};
    for (int width = ORDER_LANES; width > 2; width /= 2) {
        for (int i = 0; i < vectors; i += 2)
            folded[i / 2] = fold_pair(e, node, &folded[i], i + 1 < vectors ? &folded[i + 1] : &nothing, width);
        vectors = (vectors + 1) / 2;
    }
    LLVMValueRef next[ORDER_LANES];
    for (int k = 0; k < ORDER_LANES; k++) next[k] = constant_int(e, e->i32, k ^ 1);
    Chain low = {{folded[0].v}}, high = {{NULL}};
    high.v[0] = LLVMBuildShuffleVector(e->b, low.v[0], nothing.v, LLVMConstVector(next, ORDER_LANES), "");
    low = chain_join(e, node, low, high);
    for (int i = 0; i < count; i++)
        chain[folded[0].output[i]].v[0] = LLVMBuildExtractElement(e->b, low.v[0],
                                                                  constant_int(e, e->i32, folded[0].place[i]), "");
    return low.v[0];
}

/* Lanes one by one, absent ones (their value would be the identity) left out. */
Chain fold_lanes(Emitter *e, const Node *node, Chain *lane, int present) {
    for (int half = ORDER_LANES / 2; half >= 1; half /= 2)
        for (int l = 0; l < half && l < present; l++)
            if (l + half < present) {
                lane[l] = chain_join(e, node, lane[l], lane[l + half]);
            }
    return lane[0];
}
