/* reduction.h: between the files that make reductions. */
#ifndef SGDC_LOOPS_SCHEDULE_REDUCTION_H
#define SGDC_LOOPS_SCHEDULE_REDUCTION_H
#include "ir/loops/schedules/schedule.h"

enum { ORDER_LANES = 16 };

/* An operand of a block for the caches: [panel][term][place]. */
typedef struct Panels {
    Array *array;                   /* NULL: it is read where it is */
    int64_t places, terms;          /* of a panel */
    const Subscript *begin, *place; /* of the panel at hand; in it */
} Panels;

/* The index space of a reduction, and where in it a body is. */
typedef struct Reduction {
    const Node *node;
    const Contraction *c;
    int result, axes; /* result axes; all */
    int64_t extent[MOST_AXES], terms, outputs, chunk;
    int lanes, width; /* width 2: an argmax has a value and an index */
    DType dtype;      /* of the chain */
    SpacePoint point;
    bool is_there;         /* terms that are absent are passed over already */
    Pack pack[2];          /* by operand; array NULL: it is read where it is */
    Panels panels[2];      /* by operand */
    const Subscript *term; /* which one it is in its block */
    int64_t joining;       /* terms that the loops around make */
    bool alone;            /* each chain has one term, and so is that */
} Reduction;

/* A chain's value, and the index of an argmax. */
typedef struct ChainValue {
    const Scalar *v[2];
} ChainValue;
typedef struct ChainArrays {
    const Array *v[2];
} ChainArrays;

/* ---- chain.c */
Reduction reduction_of(const Node *node);
ChainValue chains_start(Scheduler *s, const Reduction *r);
ChainValue chains_load(Scheduler *s, const ChainArrays *arrays, const Subscript *at);
/* What no term joins: a start, or a fold of what is started anew after. */
void chains_store(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c);
void chains_continue(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c,
                     const Subscript *term, int64_t terms);
/* The chain at one place goes on at another. */
void chains_move(Scheduler *s, const ChainArrays *from, const Subscript *at, const ChainArrays *to,
                 const Subscript *place);
/* What folds lanes and chunks. */
ChainValue chains_join(Scheduler *s, const Reduction *r, const ChainValue *a, const ChainValue *b);
/* Two of them, so many elements from each other. */
ChainValue chains_join_further(Scheduler *s, const Reduction *r, const ChainArrays *arrays, const Subscript *at,
                               int64_t further);
/* A part joins a sum, as one of the terms of a chain of sums. */
void chains_add(Scheduler *s, const Reduction *r, const ChainArrays *sum, const Subscript *at, const ChainArrays *part,
                const Subscript *place, const Subscript *term, int64_t terms);
/* The operand's value for the term at the point; *ok as point_through has it. */
const Scalar *reduction_operand(Scheduler *s, const Reduction *r, int operand); /* where it is always there */
/* The term at the point joins; number: which it is, for an argmax. */
ChainValue chains_step(Scheduler *s, const Reduction *r, const ChainValue *chain, const Subscript *number);
ChainArrays chains_registers(Scheduler *s, const Reduction *r, int64_t elements);
/* Loops over the terms of a row; the point has their places. */
int chains_terms_open(Scheduler *s, Reduction *r);
/* Which term it is: row-major among the reduced axes, rows outermost; and of those of its row. */
const Subscript *chains_term_number(Scheduler *s, const Reduction *r);
const Subscript *chains_term_of_row(Scheduler *s, const Reduction *r);
/* lane NULL: the term says which of the chains from `base` on it joins. */
void chains_one_term(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *base,
                     const Subscript *lane);
void chains_start_all(Scheduler *s, const Reduction *r, const ChainArrays *chains, int64_t count);
/* l + 8, l + 4, l + 2, l + 1 join lane l, of those that are there; the sum is in the lane `base`. term: of the chain, the
 * last that has joined, where it goes on after. */
void chains_fold_lanes(Scheduler *s, const Reduction *r, const ChainArrays *chains, const Subscript *base,
                       const Subscript *term, int64_t terms);

/* ---- reduction.c: sums over rows that go on from row to row, or from block to block */
ChainArrays open_chains(Scheduler *s, const Reduction *r);
/* Where the condition says so the open chains are folded into the sum, and start anew. */
void close_chunk(Scheduler *s, const Reduction *r, const ChainArrays *open, const Scalar *ends);

/* ---- row_sum.c */
/* Is the block that begins there the last one of its chunk, or of the mini-batch? */
const Scalar *ends_after_block(Scheduler *s, const Reduction *r, const Subscript *begin);

/* ---- pack.c */
/* Is the operand memory, one axis of which moves with the result's, alone? */
bool pack_is_possible(const Scheduler *s, const Reduction *r, int operand, int axis);
/* Has another nest packed it? */
bool pack_is_known(const Scheduler *s, const Node *source);
/* Packs it, in a nest of its own. */
void pack_operand(Scheduler *s, Reduction *r, int operand, int axis, int64_t lanes);
/* The element that would be read at this place of the source. */
const Scalar *pack_value(Scheduler *s, const Reduction *r, int operand, const SpacePoint *at);
#endif
