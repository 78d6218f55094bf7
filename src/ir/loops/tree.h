/* tree: a function of a run as loops that can be read, checked and executed: everything that a back end must do is
 * a statement of the tree, and a back end decides nothing.
 *
 *   tree.c          nodes, subscripts
 *   range.c         between which numbers a subscript lies
 *   copy.c          a body once more
 *   unused.c        without what nobody needs
 *   memory_plan.c   where arrays lie in the work block
 *   print.c         a tree as text
 *   loops.h         who makes trees, changes them and checks them: nests/, schedules/, passes/, verify/
 *
 * A tree computes one mini-batch. Statements run in order. A LET names a scalar, which is visible in the rest of its
 * body and in the bodies inside; a STORE changes an element of an array. All that is not in a LET is an array: cells,
 * columns, values, accumulators, each with the memory that it lies in. A subscript is a sum of multiples of loop
 * variables and of integer scalars, so that what it reaches can be computed.
 *
 * Invariants (verify/verify.c holds them):
 *   - a scalar is used where its LET is visible, and each once named;
 *   - every subscript lies inside its array;
 *   - an array of the function's own is read only after statements that wrote all of it;
 *   - a store that continues a chain says with `term` which term joins; terms ascend, all of them join, and no loop
 *     marked VECTOR or THREADS of more than one iteration lies between the chain's element and its terms;
 *   - two iterations of such a loop touch no element in common that one of them writes; nor do two threads between
 *     two waits;
 *   - every output of the function is written.
 */
#ifndef SGDC_LOOPS_TREE_H
#define SGDC_LOOPS_TREE_H
#include "ir/loops/tuning.h"
#include "ir/program.h"

typedef enum LoopMark {
    LOOP_SERIAL,
    LOOP_UNROLLED, /* the body once per iteration */
    LOOP_VECTOR,   /* iterations are lanes */
    LOOP_THREADS   /* threads share the iterations */
} LoopMark;

/* Of a loop over rows: all steps, those whose rows are all there, what is left. */
typedef enum LoopPart { ALL_STEPS, WHOLE_STEPS, LAST_STEP } LoopPart;

/* A loop over rows counts rows of the mini-batch, or of the block that begins at the variable of `block`. */
typedef struct Loop Loop;
struct Loop {
    int id;
    const char *name; /* "row", "i", "k" */
    LoopMark mark;
    int64_t extent;    /* the variable stays below it */
    int64_t step;      /* by which the variable grows */
    bool rows;         /* it also stays below their number */
    const Loop *block; /* whose rows; NULL: the mini-batch's */
    int64_t pad;       /* their number is rounded up to multiples */
    bool first_more;   /* THREADS: what is left is the first ones' */
    LoopPart part;
};
enum { MOST_ROWS = 1 << 30 }; /* of a mini-batch */

typedef enum ArrayMemory {
    ARRAY_WORK,      /* of the work block */
    ARRAY_REGISTERS, /* few elements; local to the nest */
    ARRAY_PROMOTED,  /* the same, from step to step */
    ARRAY_CELL,
    ARRAY_SLOT,       /* of the state */
    ARRAY_COLUMN,     /* rows of the caller's data */
    ARRAY_ROW_OUTPUT, /* a value per row, for the caller */
    ARRAY_OUTPUT,
    ARRAY_SUM /* for the caller */
} ArrayMemory;

typedef struct Array {
    int id;
    ArrayMemory memory;
    int index; /* which cell, slot, column, output, sum */
    DType dtype;
    int64_t elements; /* of a row, where there are rows */
    const char *name; /* what the program calls it, or its op */
    size_t offset;    /* WORK: bytes from the work block's start */
    int first, last;  /* WORK: statements between which it lives */
} Array;

typedef struct Scalar Scalar;
/* offset + sum of coef * (loop variable or integer scalar) */
typedef struct SubscriptTerm {
    int64_t coef;
    const Loop *loop;
    const Scalar *scalar;
} SubscriptTerm;
typedef struct Subscript {
    int64_t offset;
    int count;
    const SubscriptTerm *term;
} Subscript;

typedef enum HeaderCounter { HEADER_STEP, HEADER_EPOCH, HEADER_PLANNED, HEADER_SET } HeaderCounter; /* + which set */
/* A place may lie past the mini-batch, where nothing is asked of its values: then the row is one of those that the call has.
 * Or past what the call has, of the next mini-batch: then it is the call's last. */
typedef enum PlacePast { PAST_NOWHERE, PAST_BATCH, PAST_CALL } PlacePast;
typedef enum ScalarKind {
    SCALAR_CONST,   /* value */
    SCALAR_OP,      /* op of sources, as ops.def says; n: attr.index */
    SCALAR_LOAD,    /* array at `row`, `at` */
    SCALAR_NUMBER,  /* `at` as i32 */
    SCALAR_ROWS,    /* integer: rows of the mini-batch */
    SCALAR_COUNTED, /* integer: a HeaderCounter, n */
    SCALAR_ROW,     /* integer: the data set's row at the place `at`, by PlacePast n */
    SCALAR_PLACE,   /* integer: the place `at` in the epoch's order */
    SCALAR_QUOTIENT,
    SCALAR_REMAINDER, /* integer: of `at` by n, truncated */
    SCALAR_INTEGER,   /* integer: source 0, an i32 or u8 */
    SCALAR_REAL,      /* source 0, an integer, rounded */
    SCALAR_WITHIN,    /* integer: source 0 ? `at` : 0 */
    SCALAR_INSIDE,    /* bool: 0 <= `at` < n */
    SCALAR_EQUAL,     /* bool: `at` == `row` */
    SCALAR_DRAW       /* random, of element `at` at place `row`, NULL: without rows */
} ScalarKind;

struct Scalar {
    ScalarKind kind;
    int id;
    bool integer; /* 64 bits, of subscripts; else dtype says */
    DType dtype;
    Op op;
    int64_t n;
    double value;
    const Scalar *source[3];
    const Array *array;
    const Subscript *row, *at;
    const Random *random;
    const Node *node; /* what it is the value of, or NULL */
};

typedef struct Statement Statement;
typedef Vector(Statement *) Body;
typedef enum StatementKind {
    STATEMENT_NEST, /* body: what a nest does; the marks of the text */
    STATEMENT_LOOP,
    STATEMENT_IF,        /* body; IF: scalar */
    STATEMENT_LET,       /* scalar */
    STATEMENT_STORE,     /* scalar to array at `row`, `at` */
    STATEMENT_FETCH,     /* the array's element at `row`, `at` is wanted soon */
    STATEMENT_TRANSPOSE, /* the array, in registers, all of it: `terms` rows become columns */
    STATEMENT_WAIT       /* all threads meet */
} StatementKind;

struct Statement {
    StatementKind kind;
    Loop *loop;
    const Scalar *scalar;
    const Array *array;
    const Subscript *row, *at;
    const Subscript *term; /* which term of the chain joins; NULL: starts one, or is none */
    int64_t terms;         /* of the chain, of one row; FETCH: the cache's level */
    const Node *node;      /* NEST: what it makes first */
    Body body;
};

typedef struct LoopTree {
    Arena *arena;
    const char *name;
    const Run *run;
    const Function *function;
    Body before, body, after; /* of all steps, of each, of all */
    bool needs_rows;          /* nothing is done for a mini-batch without a row */
    int64_t most_rows;        /* of a mini-batch; 0: any number */
    bool whole;               /* it has so many, never fewer */
    int64_t runs;             /* side by side, in state and sums as well */
    bool own_seeds;           /* of draws, each of these runs */
    Vector(Array *) arrays;
    size_t work_bytes;
    bool shared;                    /* some loops are marked THREADS */
    size_t stop_flags;              /* shared: where it says whether to stop, twice i32 */
    bool split;                     /* terms that are absent may be left out */
    int loops, scalars, statements; /* counted */
    Vector(PlannedKernel) kernels;
} LoopTree;

/* ---- tree.c ------------------------------------------------------------------------------------------------------ */
Array *tree_array(LoopTree *tree, ArrayMemory memory, int index, DType dtype, int64_t elements, const char *name);
Statement *tree_statement(LoopTree *tree, StatementKind kind);
Loop *tree_loop(LoopTree *tree, const char *name, int64_t extent, LoopMark mark);
Loop *tree_loop_like(LoopTree *tree, const Loop *like);
/* The largest number of iterations. */
int64_t loop_iterations(const Loop *loop);
Scalar *tree_scalar(LoopTree *tree, ScalarKind kind, DType dtype);
/* Do threads and lanes have one of their own? Its elements are lost at the end of the nest. */
bool array_is_private(const Array *array);
/* Is there one for each row? */
bool array_has_rows(const Array *array);

const Subscript *subscript_number(Arena *arena, int64_t n);
const Subscript *subscript_of_loop(Arena *arena, const Loop *loop);
const Subscript *subscript_of_scalar(Arena *arena, const Scalar *integer);
const Subscript *subscript_sum(Arena *arena, const Subscript *a, const Subscript *b);
const Subscript *subscript_times(Arena *arena, const Subscript *a, int64_t factor);
bool subscript_equal(const Subscript *a, const Subscript *b);
int64_t subscript_coef(const Subscript *s, const Loop *loop);
/* Is one of these scalars in it? By scalar; NULL: any. */
bool subscript_has(const Subscript *s, const uint8_t *scalars);
/* By which it grows from one iteration to the next. */
int64_t subscript_stride(const Subscript *s, const Loop *loop);

/* At the end of a body: a loop; to[place] = from[at]; what another body has. */
Statement *tree_add_loop(LoopTree *tree, Body *to, const char *name, int64_t extent, LoopMark mark);
void tree_add_copy(LoopTree *tree, Body *body, const Array *from, const Subscript *at, const Array *to,
                   const Subscript *place);
void tree_add_body(LoopTree *tree, Body *to, const Body *from);

/* The element that a statement loads or stores. */
typedef struct ArrayAccess {
    const Array *array;
    const Subscript *at, *row;
    bool store;
} ArrayAccess;
/* Is it a loop that threads share, or has one inside? */
bool statement_has_threads(const Statement *s);
bool statement_access(const Statement *s, ArrayAccess *access); /* false: none */
/* What statements of a body load and store, one after the other: they may change which element it is. */
typedef void ChangeAccess(void *context, const Array **array, const Subscript **at);
void tree_change_accesses(Body *body, ChangeAccess *change, void *context);
/* By array: which one takes its place; NULL: none. */
void tree_replace_arrays(Body *body, const Array **by);

/* ---- range.c ----------------------------------------------------------------------------------------------------- */
/* The least and the largest number that a subscript may be. */
typedef struct Range {
    int64_t least, most;
} Range;
Range subscript_range(const Subscript *s);
typedef enum Certainty { SOMETIMES, ALWAYS, NEVER } Certainty;
/* 0 <= at < n? */
Certainty truth_of_inside(const Subscript *at, int64_t n);

/* ---- print.c ----------------------------------------------------------------------------------------------------- */
void tree_print(Text *to, const LoopTree *tree);
void subscript_print(Text *to, const Subscript *s);

/* ---- copy.c ------------------------------------------------------------------------------------------------------ */
/* Adds the body once more, with `by` in the place of the loop's variable, and without conditions that are known then. */
void tree_copy_body(LoopTree *tree, const Body *from, Body *to, const Loop *loop, const Subscript *by);

/* ---- unused.c ---------------------------------------------------------------------------------------------------- */
void tree_take_unused(LoopTree *tree);

/* ---- memory_plan.c ----------------------------------------------------------------------------------------------- */
/* Gives arrays of the work block their places; arrays that live at different times share bytes. */
void tree_give_places(LoopTree *tree);
#endif
