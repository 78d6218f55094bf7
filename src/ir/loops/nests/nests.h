/* nests: a function of a run as nests of loops: what fuse.c makes, and schedules make trees of (tree.h).
 *
 * A function is a list of sections. A section is either `inside` a sweep, run once per block of at most
 * `block` rows of the mini-batch, or outside, run once (before, between or after sweeps). A section is a list
 * of nests. A nest is one set of loops over an index space (rows, if it has them, and the axes of `space`);
 * its body evaluates graph nodes at a point, inlining everything that is not stored, and stores
 * some of them. A nest with `reduce` is a kernel: around the body run the reduced axes, in the order
 * of k; the stores are the epilogue, which finds the reduction's result in registers.
 *
 *   fuse.c    which nodes are stored, which nest stores them, what must wait for what
 *   order.c   in which order nests run
 *   reads.c   what a nest reads, and with which strides
 *
 * Invariant: nests keep the order law (a chain is never split).
 */
#ifndef SGDC_NESTS_H
#define SGDC_NESTS_H
#include "ir/program.h"
#include "ir/scan_parts.h"

/* ELEMENT: of the stack `node`, at the element at hand. */
typedef enum StoreKind { STORE_ARRAY, STORE_CELL, STORE_SUM, STORE_ROWS, STORE_VALUE, STORE_ELEMENT } StoreKind;
typedef struct Store {
    StoreKind kind;
    Node *value;    /* what is evaluated */
    Node *node;     /* what it provides (the whole of a concat, of which value is a part) */
    int index;      /* cell, sum or output */
    int64_t offset; /* in elements: a part's place in its whole */
} Store;

typedef enum NestKind { NEST_ELEMENTS, NEST_REDUCE, NEST_SCATTER, NEST_SCAN } NestKind;
typedef struct Nest {
    NestKind kind;
    int id;
    bool rows; /* the body runs for each row */
    bool flat; /* one loop over all elements in row-major order; space is then {elements} */
    Shape space;
    Node *reduce;         /* NEST_REDUCE, NEST_SCATTER */
    const ScanPart *scan; /* NEST_SCAN: stores are its stacks */
    Node *largest;        /* of an argmax: the maximum that its chain finds as well; NULL: nobody wants it */
    Store *stores;
    int store_count;
    double cost;  /* operations of the stores, per element */
    bool carried; /* a sum over the batch whose chain crosses blocks or chunks */
} Nest;

typedef struct Section {
    bool inside;
    Vector(Nest *) nests;
} Section;

typedef struct NestFunction {
    Arena *arena;
    const Run *run;
    const Function *function;
    const ScanPart *parts, *part; /* scans; whose body it is, or NULL */
    int64_t block;                /* rows of a block at most */
    bool one_block;               /* a mini-batch never has more rows than a block */
    Section *sections;
    int section_count;
    uint32_t nodes;
    uint8_t *stored; /* by node id */
} NestFunction;

/* All nests, section after section: NestCursor at = {0}; while (next_nest(f, &at)) ... at.nest ... */
typedef struct NestCursor {
    Nest *nest;
    int section, next;
} NestCursor;
bool next_nest(const NestFunction *f, NestCursor *at);

/* ---- fuse.c: of a function of which all but sections, nodes and stored is set */
void fuse_function(NestFunction *f);

/* ---- order.c */
typedef Vector(int) NestNeeds; /* nests that must run earlier */
/* Puts the section's nests into the order in which they run; node: by id. */
void order_nests(NestFunction *f, Section *section, const NestNeeds *needs, Node *const *node);

/* ---- reads.c */
/* Of the nest's axes: result axes, then (operands of a reduction) reduced ones. A coefficient of WILD_STRIDE
 * says that the place does not move evenly along that axis (divided, gathered, reshaped). */
typedef struct Affine {
    int64_t offset, coef[MOST_AXES];
} Affine;
#define WILD_STRIDE ((int64_t)1 << 40)
typedef struct Read {
    Node *node;    /* stored, or a leaf that is memory: CELL, COLUMN */
    Affine linear; /* row-major place in the node */
    bool guarded;  /* may be absent */
    int operand;   /* of the reduction (0, 1), or -1: epilogue or element */
} Read;
typedef void ReadVisitor(void *context, const Read *read);
/* Calls visit for each read in evaluating the nest (a node of the nest itself, read at its own point,
 * included). */
void nest_reads(const NestFunction *f, const Nest *nest, ReadVisitor *visit, void *context);
void value_reads(const NestFunction *f, Node *value, bool provides, const Nest *nest, ReadVisitor *visit,
                 void *context);
bool store_provides(const Store *store); /* the store is what gives its node an array */
/* The read is the element the nest is at. */
bool read_is_here(const Nest *nest, const Read *read);
bool node_is_stored(const NestFunction *f, const Node *node);
bool node_is_memory(const Node *node); /* CELL, COLUMN: a leaf with an address */
bool views_one(const Node *node);      /* a view of one element, the same for all of its own */
bool scatters_one(const Node *node);   /* a scatter-add of at most one term a target: an element */
bool access_is_inside(const Access *access, const int64_t *extent, int axes, Shape source);
int64_t row_major_stride(Shape s, int axis);
int axis_of_stride(Shape s, int64_t stride); /* -1: none */
#endif
