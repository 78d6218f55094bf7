/* chain: one chain of the order law (docs/numerics.md): what it starts from, a term that joins, and the fold of
 * chains side by side. Its elements are wherever the caller keeps them.
 */
#include "ir/loops/schedules/reduction.h"
#include <math.h>

Reduction reduction_of(const Node *node) {
    Reduction r = {.node = node, .c = node->attr.contraction, .result = node->shape.rank, .terms = 1};
    r.outputs = shape_size(node->shape);
    r.axes = r.result + r.c->reduced;
    for (int a = 0; a < r.result; a++) r.extent[a] = node->shape.extent[a];
    for (int k = 0; k < r.c->reduced; k++) {
        r.extent[r.result + k] = r.c->extent[k];
        r.terms *= r.c->extent[k];
    }
    bool first_only = r.c->over_rows && r.c->chunk == 1; /* a chunk's only row is of lane 0; the others have no terms */
    r.lanes = r.c->lanes > 1 && !first_only ? ORDER_LANES : 1;
    r.width = node->op == OP_ARGMAX ? 2 : 1;
    r.dtype = node->source[0]->dtype;
    r.chunk = r.c->chunk;
    r.joining = r.terms;
    return r;
}

/* ---- one chain ---------------------------------------------------------------------------------------------- */
/* One row per op of class REDUCE: what a chain starts with, and what joins two of them; of an argmax argmax_step does. */
typedef struct ChainRule {
    double real_start, integer_start;
    Op join;
} ChainRule;
static const ChainRule chain_CONTRACT = {-0.0, 0, OP_ADD}, chain_REDUCE_MAX = {-INFINITY, INT32_MIN, OP_MAX},
                       chain_REDUCE_MIN = {INFINITY, INT32_MAX, OP_MIN},
                       chain_ARGMAX = {-INFINITY, INT32_MIN, OP_ARGMAX};

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

ChainValue chains_start(Scheduler *s, const Reduction *r) {
    const ChainRule *rule = chain_rules[r->node->op];
    double start = dtype_is_real(r->dtype) ? rule->real_start : rule->integer_start;
    ChainValue c = {{point_const(s, r->dtype, start), NULL}};
    if (r->width > 1) c.v[1] = point_const(s, DTYPE_I32, 0);
    return c;
}

ChainValue chains_load(Scheduler *s, const ChainArrays *arrays, const Subscript *at) {
    ChainValue c = {{point_load(s, arrays->v[0], NULL, at), NULL}};
    if (arrays->v[1] != NULL) c.v[1] = point_load(s, arrays->v[1], NULL, at);
    return c;
}

void chains_store(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c) {
    for (int i = 0; i < 2 && arrays->v[i] != NULL; i++) schedule_store(s, arrays->v[i], NULL, at, c->v[i]);
}

void chains_continue(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c,
                     const Subscript *term, int64_t terms) {
    for (int i = 0; i < 2 && arrays->v[i] != NULL; i++) schedule_term(s, arrays->v[i], at, c->v[i], term, terms);
}

void chains_move(Scheduler *s, const ChainArrays *from, const Subscript *at, const ChainArrays *to,
                 const Subscript *place) {
    ChainValue c = chains_load(s, from, at);
    chains_store(s, to, place, &c);
}

/* The first of the largest stays, and so does a NaN. */
static ChainValue argmax_step(Scheduler *s, const Reduction *r, const ChainValue *a, const ChainValue *b) {
    const Scalar *keep = point_op(s, OP_LE, DTYPE_BOOL, b->v[0], a->v[0], NULL);
    if (dtype_is_real(r->dtype))
        keep = point_op(s, OP_OR, DTYPE_BOOL, keep, point_op(s, OP_NE, DTYPE_BOOL, a->v[0], a->v[0], NULL), NULL);
    return (ChainValue){{point_op(s, OP_WHERE, r->dtype, keep, a->v[0], b->v[0]),
                         point_op(s, OP_WHERE, DTYPE_I32, keep, a->v[1], b->v[1])}};
}

ChainValue chains_join(Scheduler *s, const Reduction *r, const ChainValue *a, const ChainValue *b) {
    if (r->width > 1) return argmax_step(s, r, a, b);
    return (ChainValue){{point_op(s, chain_rules[r->node->op]->join, r->dtype, a->v[0], b->v[0], NULL), NULL}};
}

ChainValue chains_join_further(Scheduler *s, const Reduction *r, const ChainArrays *arrays, const Subscript *at,
                               int64_t further) {
    ChainValue low = chains_load(s, arrays, at);
    ChainValue high = chains_load(s, arrays, subscript_sum(s->arena, at, subscript_number(s->arena, further)));
    return chains_join(s, r, &low, &high);
}

void chains_add(Scheduler *s, const Reduction *r, const ChainArrays *sum, const Subscript *at, const ChainArrays *part,
                const Subscript *place, const Subscript *term, int64_t terms) {
    ChainValue before = chains_load(s, sum, at), one = chains_load(s, part, place);
    before = chains_join(s, r, &before, &one);
    chains_continue(s, sum, at, &before, term, terms);
}

static const Scalar *operand_if(Scheduler *s, const Reduction *r, int operand, const Scalar **ok) {
    Node *source = r->node->source[operand];
    SpacePoint at = point_through(s, &r->c->access[operand], &r->point, r->extent, r->axes, source->shape, ok);
    return r->pack[operand].array != NULL ? pack_value(s, r, operand, &at) : value_at_point(s, source, &at);
}

const Scalar *reduction_operand(Scheduler *s, const Reduction *r, int operand) {
    const Scalar *ok = NULL;
    return operand_if(s, r, operand, &ok);
}

static const Scalar *value_in_panel(Scheduler *s, const Reduction *r, const Panels *panels) {
    const Subscript *at = subscript_sum(s->arena, subscript_times(s->arena, r->term, panels->places), panels->place);
    return point_load(s, panels->array, NULL, subscript_sum(s->arena, panels->begin, at));
}

ChainValue chains_step(Scheduler *s, const Reduction *r, const ChainValue *chain, const Subscript *number) {
    const Scalar *ok = NULL, *x[2] = {NULL, NULL};
    for (int i = 0; i < r->node->sources; i++)
        x[i] = r->panels[i].array != NULL ? value_in_panel(s, r, &r->panels[i]) : operand_if(s, r, i, &ok);
    ChainValue next;
    if (r->node->op != OP_CONTRACT) {
        ChainValue term = {{x[0], r->width > 1 ? point_number(s, number) : NULL}};
        next = chains_join(s, r, chain, &term);
    } else {
        next = (ChainValue){{point_add(s, r->dtype, chain->v[0], x[0], x[1]), NULL}};
    }
    for (int i = 0; i < r->width && ok != NULL && !r->is_there; i++)
        next.v[i] = point_op(s, OP_WHERE, next.v[i]->dtype, ok, next.v[i], chain->v[i]);
    return next;
}

/* ---- chains side by side -------------------------------------------------------------------------------------- */
ChainArrays chains_registers(Scheduler *s, const Reduction *r, int64_t elements) {
    ChainArrays a = {{schedule_registers(s, r->dtype, elements, "chain"), NULL}};
    if (r->width > 1) a.v[1] = schedule_registers(s, DTYPE_I32, elements, "index");
    return a;
}

int chains_terms_open(Scheduler *s, Reduction *r) {
    return schedule_terms_open(s, r->extent + r->result, r->axes - r->result, r->point.axis + r->result);
}

const Subscript *chains_term_of_row(Scheduler *s, const Reduction *r) {
    const Subscript *number = subscript_number(s->arena, 0);
    int64_t stride = 1;
    for (int k = r->axes; k-- > r->result; stride *= r->extent[k])
        number = subscript_sum(s->arena, number, subscript_times(s->arena, r->point.axis[k], stride));
    return number;
}

const Subscript *chains_term_number(Scheduler *s, const Reduction *r) {
    const Subscript *number = chains_term_of_row(s, r);
    if (!r->c->over_rows) return number;
    return subscript_sum(s->arena, number, subscript_times(s->arena, schedule_row(s), r->terms));
}

void chains_one_term(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *base,
                     const Subscript *lane) {
    const Subscript *number = chains_term_number(s, r), *at = base;
    if (lane == NULL && r->lanes > 1 && !r->c->over_rows) lane = point_remainder(s, number, ORDER_LANES);
    if (lane != NULL) at = subscript_sum(s->arena, base, lane);
    ChainValue chain = r->alone ? chains_start(s, r) : chains_load(s, chains, at);
    chain = chains_step(s, r, &chain, number);
    if (r->alone)
        chains_store(s, chains, at, &chain);
    else
        chains_continue(s, chains, at, &chain, number, r->joining);
}

void chains_start_all(Scheduler *s, const Reduction *r, const ChainArrays *chains, int64_t count) {
    const Subscript *at = schedule_loop_open(s, "lane", count, count < ORDER_LANES ? LOOP_UNROLLED : LOOP_SERIAL);
    ChainValue start = chains_start(s, r);
    chains_store(s, chains, at, &start);
    schedule_close(s);
}

void chains_fold_lanes(Scheduler *s, const Reduction *r, const ChainArrays *chains, const Subscript *base,
                       const Subscript *term, int64_t terms) {
    LoopMark mark = r->lanes < ORDER_LANES ? LOOP_UNROLLED : LOOP_VECTOR; /* terms have joined few chains one by one */
    for (int half = ORDER_LANES / 2; half >= 1; half /= 2) {
        int joined = r->lanes - half < half ? r->lanes - half : half;
        if (joined <= 0) continue;
        const Subscript *lane = subscript_sum(s->arena, base, schedule_loop_open(s, "lane", joined, mark));
        ChainValue sum = chains_join_further(s, r, chains, lane, half);
        chains_continue(s, chains, lane, &sum, term, terms);
        schedule_close(s);
    }
}
