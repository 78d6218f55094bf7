/* ir: the tensor graph and what is done to it, in the order it is done.
 *
 *   ops.def        the op table: one row per op;  op.c: what it says, and what types and shapes are
 *   graph.c        nodes: constructor with hash-consing; fold.c constants and exact identities
 *   elements.c     values of ops that compute element by element
 *   infer.c        shape and type of each op
 *   affine.c       where a source is read: ranges and composition of index maps
 *   origin.c       where an axis came from, for readers
 *   print.c        graphs as text (--emit=ir), as dot
 *   scan.c         scans: one body over the elements of an axis; scan_level.c a graph scan by scan, scan_unroll.c without them
 *   scan_grad.c    the derivative of a scan, turned around;  scan_parts.c scans as functions of their own, for loops
 *   formula.c      derivatives as formulas (--emit=grad): formula_internal.h
 *   verify.c       what must hold between passes
 *   batch.c        one example -> rows;  row_axes.c axes over the rows of the mini-batch
 *   grad.c         derivatives, built from the same ops; inverse.c those of index maps; condition.c where they are 0
 *   canonicalise.c every change that rounds differently; always runs
 *   sparse.c       products with sparse rows, without their zeros
 *   order.c        the order law written onto every contraction and reduction
 *     -- bits are fixed here; interp.c (interp_internal.h) runs the graph as it is at this line --
 *   rules.c        exact identities
 *   loops/         trees of loops: loops/tree.h
 *   passes.c       the list of all of them;  part.c: which parts of a step are due;  function.c: the nodes of a function
 *   program.h      what a file declares: data, runs, cells, slots, functions;  executor.h: what runs them
 *   sources.def    where data comes from: one row per source (source_kind.c)
 *
 * Float semantics: IEEE, round to nearest, denormals kept, no reassociation, no contraction but
 * what canonicalise writes as FMA. All NaN are equal.
 *
 * Invariants: nodes are immutable and live in the graph's arena; two nodes equal in everything but
 * span, backward, name and id are one node (the first span and name win); a node's sources have smaller ids.
 */
#ifndef SGDC_GRAPH_H
#define SGDC_GRAPH_H
#include "support/support.h"

typedef enum DType { DTYPE_F32, DTYPE_F64, DTYPE_I32, DTYPE_BOOL, DTYPE_U8 } DType; /* U8 only as a column */
const char *dtype_text(DType t);
size_t dtype_bytes(DType t);
static inline bool dtype_is_real(DType t) { return t == DTYPE_F32 || t == DTYPE_F64; }

enum { MOST_RANK = 8, MOST_AXES = 16 }; /* of a tensor; of an index space (result + reduced axes) */

typedef struct Shape {
    int rank;
    int64_t extent[MOST_RANK];
} Shape; /* rows not among them */
int64_t shape_size(Shape s);
bool shape_equal(Shape a, Shape b);

typedef enum Op {
#define OP(NAME, ...) OP_##NAME,
#include "ir/ops.def"
#undef OP
} Op;
enum {
    OPS = 0
#define OP(...) +1
#include "ir/ops.def"
#undef OP
};
#define OP_COUNT ((Op)OPS)
/* The columns of ops.def, which says what they mean. */
typedef enum OpClass { OP_CLASS_LEAF, OP_CLASS_ELEMENT, OP_CLASS_MOVE, OP_CLASS_REDUCE, OP_CLASS_INDEXED } OpClass;
typedef enum OpAttribute {
    ATTRIBUTE_NONE,
    ATTRIBUTE_VALUE,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_AXIS,
    ATTRIBUTE_SHARED,
    ATTRIBUTE_COUNTER,
    ATTRIBUTE_RANDOM,
    ATTRIBUTE_MAPS,
    ATTRIBUTE_SCAN
} OpAttribute;
typedef enum Emission {
    EMISSION_FLAT,
    EMISSION_PLACES,
    EMISSION_VALUES,
    EMISSION_SAME,
    EMISSION_LOOPS,
    EMISSION_SCAN,
    EMISSION_ABSENT
} Emission;
typedef enum SpellingKind { SPELLING_NONE, SPELLING_FUNCTION, SPELLING_PREFIX, SPELLING_INFIX } SpellingKind;
typedef struct Spelling {
    SpellingKind kind;
    const char *sign;
} Spelling; /* sign: of PREFIX and INFIX */
const char *op_text(Op op);
int op_arity(Op op);
OpClass op_class(Op op);
int op_cost(Op op);
OpAttribute op_attribute(Op op);
Emission op_emission(Op op);
Spelling op_spelling(Op op);

/* Where a source is read, from an index space of result axes (0 .. nout-1), then reduced axes:
 *   place on source axis a = (offset + sum of coef[k] * index[k]) / divisor
 * A place that is not integral or not in 0 .. extent-1 is absent. divisor >= 1. */
typedef struct AxisMap {
    int64_t offset, divisor;
    int32_t coef[MOST_AXES];
} AxisMap;
typedef struct Access {
    int rank;
    AxisMap axis[MOST_RANK];
} Access;

/* VIEW, CONTRACT, REDUCE_*, ARGMAX. The result's axes are the node's shape. */
typedef struct Contraction {
    int reduced;               /* number of reduced axes; after order.c in order of k, each ascending */
    int64_t extent[MOST_AXES]; /* their extents */
    bool over_rows;            /* rows are reduced too (outermost, first in k); result has no rows */
    int lanes;                 /* written by order.c: 1, or 16 (order law 2); 0 before */
    int64_t chunk;    /* written by order.c: places of the mini-batch (or k without rows) per chunk, 0 = one chunk */
    Access access[2]; /* of source 0 and 1 */
} Contraction;

typedef enum RandomKey { RANDOM_STEP, RANDOM_INITIAL, RANDOM_DATA, RANDOM_PREDICT } RandomKey;
/* STEP: (seed, step, place in the epoch's order, site, element); INITIAL: (seed, site, element), site the
 * hash of the parameter's name; DATA: (seed of the data, row, site, element); PREDICT: (seed of the call, row, site, element). Element is row-major. */
typedef struct Random {
    RandomKey key;
    uint64_t site;
    uint64_t seed;
} Random; /* seed: only DATA */
/* COUNTER_SET + s: rows of the s-th data set in the step, where steps have different numbers of them. */
typedef enum Counter { COUNTER_STEP, COUNTER_EPOCH, COUNTER_PROGRESS, COUNTER_SET } Counter;

/* One body over `extent` elements, in ascending or descending order: scan.h. */
typedef struct ScanLoop {
    uint32_t number; /* no other of the graph has it */
    int64_t extent;
    bool descending;
} ScanLoop;
/* The scans in whose body a value is: it differs from element to element. */
typedef struct ScanSet {
    int count;
    const ScanLoop *scan[]; /* ascending numbers: the innermost last */
} ScanSet;

typedef struct Attr {
    double value; /* CONST: exactly representable in the dtype (bool 0 or 1) */
    /* COLUMN CELL SLOT GRADIENT VARIABLE CARRIED: which; POWI POLYGAMMA: n; IOTA CONCAT: axis; GATHER SCATTER_ADD: b */
    int64_t index;
    Counter counter;
    Random random;
    bool over_rows; /* SCATTER_ADD */
    uint8_t rows;   /* CARRIED: the rows of what follows the start */
    const ScanLoop *scan;
    const Contraction *contraction;
} Attr;

typedef struct Node Node;
struct Node {
    Op op;
    DType dtype;
    uint8_t rows;     /* 0: the same for every row; else the row axis (1 + index of the data set in the step) */
    bool backward;    /* made by differentiation */
    uint8_t row_axes; /* bits: axes over the mini-batch's rows */
    Shape shape;
    int sources;
    Node **source;
    Attr attr;
    const ScanSet *scans; /* NULL: none */
    Span span;            /* in the user's text */
    uint32_t id;
    const char *name; /* what the program calls this value (h = ...), for readers only; NULL: nothing */
};

typedef struct Graph {
    Arena *arena;
    Diagnostics *diagnostics;
    Span span;
    bool backward; /* given to nodes made from now on; callers set and restore them */
    uint32_t next_id;
    uint32_t scans, carried; /* made so far */
    Node **table;
    uint32_t table_size, table_used; /* hash-consing */
} Graph;

/* ---- graph.c: constructors. Shapes are checked by the caller (lowering says it to the user); a wrong one
 * here is an internal error. They fold constants with our own arithmetic and exact identities only. */
Graph *graph_new(Arena *arena, Diagnostics *diagnostics);
Node *graph_node(Graph *g, Op op, DType dtype, Shape shape, Node *const *source, int sources,
                 Attr attr); /* the one door */
Node *graph_const(Graph *g, DType t, Shape shape, double value);
Node *graph_leaf(Graph *g, Op op, DType t, Shape shape, int64_t index); /* COLUMN CELL SLOT GRADIENT IOTA */
Node *graph_counter(Graph *g, Counter which, DType t);
const char *counter_text(Arena *arena, Counter which); /* "step", "rows_of_set_1" */
Node *graph_rows_reciprocal(Graph *g, DType t);
Node *graph_place(Graph *g);
Node *graph_rank(Graph *g, Node *x, Node *weight); /* of the row's x among all rows; NULL: all weigh alike */
/* x of all rows along a new first axis, the same for every row; +0 behind the last row. No bools. */
Node *graph_collect(Graph *g, Node *x, int64_t rows);
/* Which of the `rows` places of such an axis have a row. */
Node *graph_row_is_there(Graph *g, int64_t rows);
Node *graph_random(Graph *g, DType t, Shape shape, Random random);
/* The same COLUMN or RANDOM leaf with a row axis (rows as in Node). */
Node *graph_leaf_with_rows(Graph *g, Node *leaf, uint8_t rows);
Node *graph_unary(Graph *g, Op op, Node *x); /* not CAST, POWI, POLYGAMMA */
Node *graph_powi(Graph *g, Node *x, int64_t n);
Node *graph_polygamma(Graph *g, int64_t n, Node *x);
Node *graph_cast(Graph *g, Node *x, DType t);
Node *graph_variable(Graph *g, Node *x, int64_t number); /* no other has the number */
Node *graph_binary(Graph *g, Op op, Node *a, Node *b);   /* equal shapes */
Node *graph_where(Graph *g, Node *c, Node *a, Node *b);
Node *graph_view(Graph *g, Node *x, Shape shape, const Access *access);
Node *graph_expand(Graph *g, Node *x, Shape shape,
                   const int *axis_of_source); /* source axis a becomes result axis axis_of_source[a]; others repeat */
Node *graph_permute(Graph *g, Node *x, const int *source_axis); /* result axis a is source axis source_axis[a] */
Node *graph_slice(Graph *g, Node *x, int axis, int64_t begin, int64_t end);
Node *graph_pad(Graph *g, Node *x, const int64_t *before, const int64_t *after); /* zeros */
Node *graph_reshape(Graph *g, Node *x, Shape shape);
Node *graph_concat(Graph *g, Node *const *x, int count, int axis);
/* General reduction: op is CONTRACT (1 or 2 sources), REDUCE_MAX, REDUCE_MIN or ARGMAX. */
Node *graph_contract(Graph *g, Op op, Node *const *x, int count, Shape result, const Contraction *c);
Node *graph_reduce(Graph *g, Op op, Node *x, uint32_t axes, bool over_rows); /* axes: a bit per axis of x, removed */
Node *graph_gather(Graph *g, Node *table, Node *index, int shared);
Node *graph_scatter_add(Graph *g, Node *x, Node *index, Shape result, int shared, bool over_rows);

/* ---- rewriting: the roots again, every node passed through `change` once, sources first. `change` gets the old
 * node and its already changed sources and returns the new node (graph_again for "the same with these sources"). */
typedef Node *(*NodeChange)(Graph *g, Node *old, Node *const *source, void *context);
void graph_rewrite(Graph *g, Node **roots, int count, NodeChange change, void *context);
/* The root without the variables whose ids are at least `first`, as if they had never been. */
Node *graph_without_variables(Graph *g, Node *root, uint32_t first);
const char *node_text(const Node *node);                     /* what the program calls it, or its op */
Node *graph_again(Graph *g, Node *old, Node *const *source); /* re-infers rows; keeps span, backward */
/* All nodes below the roots, sources before users, in the objective's depth-first left-to-right post-order. */
Node **graph_post_order(Arena *arena, Node *const *roots, int count, int *nodes);

/* ---- infer.c. NULL if the node's type and shape are what its op makes of its sources, else what is wrong. */
const char *infer_problem(const Node *node);
uint8_t infer_rows(Op op, const Attr *attr, Node *const *source, int sources);

/* ---- verify.c. What may stand in a graph at a stage; an offending node is an internal error. */
typedef enum Stage { STAGE_LOWERED, STAGE_BATCHED, STAGE_DIFFERENTIATED, STAGE_CANONICAL, STAGE_ORDERED } Stage;
void graph_verify(Graph *g, Node *const *roots, int count, Stage stage);

/* ---- batch.c, canonicalise.c, sparse.c, order.c, rules.c: each changes the roots in place. */
void graph_sparse(Graph *g, Node **roots, int count);
void graph_batch(Graph *g, Node **roots, int count, uint8_t rows);
bool node_is_of_row(const Node *leaf);      /* a column, a draw of the step: one value for each row */
bool node_sums_rows(const Node *node);      /* or takes a maximum over them */
bool node_takes_all_rows(const Node *node); /* one for all, from what they have */
/* Has the one-example node another value for each row? Sums over rows have one for all. */
bool graph_is_of_one_row(Arena *arena, Node *root);
void graph_canonicalise(Graph *g, Node **roots, int count);
void graph_order(Graph *g, Node **roots, int count);
void graph_rules(Graph *g, Node **roots, int count);
/* canonicalise, order and rules: for graphs that belong to no run (synthetic columns, keep, fields). */
void graph_to_line(Graph *g, Node **roots, int count);

/* ---- grad.c. Adjoints of y (any shape and rows; seeded with `seed`, or 1 everywhere if NULL) with respect to
 * wrt[0..count): out[i] has wrt[i]'s shape and rows; NULL if y does not depend on it (absent, not zero). Where
 * the adjoint has rows and the source has none it is summed over rows (one batch sum per use). Reports an error
 * at the op's span and returns false if an op on the way has no derivative. */
bool graph_gradients(Graph *g, Node *y, Node *seed, Node *const *wrt, int count, Node **out);
/* Where y depends on `wrt` but its gradient is absent: the first op on the way up that has no derivative; NULL if y
 * does not depend on it or every such op is under a stop_gradient. With `choices` what a derivative chooses by counts
 * too, such as the sign by which that of relu is 0 or 1. */
const Node *graph_gradient_end(Graph *g, Node *y, const Node *wrt, bool choices);
/* What the user calls such an op: "a comparison". */
const char *graph_gradient_end_text(const Node *end);

/* ---- origin.c: the leaf that has the axis, or the node that made it. */
typedef struct AxisOrigin {
    const Node *node;
    int axis;
} AxisOrigin;
AxisOrigin graph_axis_origin(const Node *node, int axis);
/* The axis of source s that axis `axis` of the node is; -1: none. Of a reduction, reduced axes come behind its own. */
int graph_axis_in_source(const Node *node, int axis, int s);

/* ---- row_axes.c: axes over the rows of the mini-batch. */
uint8_t infer_row_axes(const Node *node);
/* The first node that mixes the places of such an axis; NULL: none. */
const Node *graph_mixes_rows(Arena *arena, Node *root);

/* ---- print.c */
void graph_print(Text *to, Node *const *roots, const char *const *root_names,
                 int count); /* deterministic, numbered from 0 */
void graph_print_dot(Text *to, Node *const *roots, const char *const *root_names, int count);

#endif
