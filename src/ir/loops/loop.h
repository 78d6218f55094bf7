/* loop: a function of a run as loops over buffers, what fuse.c, plan.c and loop.c make and codegen emits.
 *
 * A function is a list of sections. A section is either `inside` a sweep, run once per block of at most
 * `block` rows of the mini-batch, or outside, run once (before, between or after sweeps). A section is a list
 * of nests. A nest is one set of loops over an index space (rows, if it has them, and the axes of `space`);
 * its body evaluates graph nodes at a point, inlining everything that has no buffer of its own, and stores
 * some of them. A nest with `reduce` is the kernel leaf: around the body run the reduced axes, in the order
 * of k; the stores are the epilogue, which finds the reduction's result in registers.
 *
 *   fuse.c        which nodes are stored, which nest stores them, what must wait for what
 *   nest_order.c  in which order nests run
 *   plan.c        buffers: which, layouts, sizes, copies
 *   place.c       buffers: lives, places in the work block
 *   layout.c      where channels are the lanes: rows lie apart, convolutions and what is between them
 *   dense.c       where outputs, not rows, are the lanes of dense layers
 *   loop.c        what becomes vector lanes, what is unrolled into registers; the pipeline of the three
 *   regroup.c     what is made with its rows in the order in which chunks are lanes
 *   tile.c        register tiles of kernels, and their blocks for the caches
 *   keep.c        new values of cells that need no buffer beside
 *   unstore.c     what passes through a kernel from columns, or to rows for the caller, without a buffer
 *   threads.c     what of it the threads of a call share, and where they wait for each other
 *   relay.c       nests that go together, some rows at a time
 *   loop_walk.c   what a nest reads, and with which strides;  nest.c: what several passes ask of a nest
 *   reciprocal.c  by what bytes are divided
 *   loop_print.c  loops as text (--emit=loops) and as a key (equal keys: equal code)
 *
 * Invariants: nests keep the order law (a chain is never split among lanes or tiles, which are outputs); row
 * buffers hold whole vectors (block is 1 or a multiple of 16), places past the mini-batch hold the values of
 * some row; every buffer may be read one vector past either end.
 */
#ifndef SGDC_LOOP_H
#define SGDC_LOOP_H
#include "ir/program.h"
#include "ir/scan_parts.h"

typedef struct LoopTarget {
    int lanes;     /* f32 in a vector */
    int registers; /* vector registers */
    bool fma;
    bool scalars_stay;   /* what a tile multiplies its vectors with needs a register each */
    size_t l1, l2;       /* bytes of a core's data caches */
    int64_t fewest_uses; /* of each element of a panel, for it to be packed */
    bool split_all;      /* threads share whatever can be shared, however small (for tests) */
} LoopTarget;

typedef struct Buffer {
    int id;
    DType dtype;
    bool rows; /* one value per row of the block */
    Shape shape;
    int64_t stride[MOST_RANK]; /* in elements */
    int64_t row_stride;
    int64_t dense; /* > 0: place = dense * row-major place (+ row * row_stride); 0: a permuted copy */
    int64_t elements;
    bool of_thread;       /* each thread has its own, in its piece of scratch */
    bool of_relay;        /* holds the rows that a relay is at: one, or RELAY_ROWS, counted from its first */
    size_t bytes, offset; /* in the work block, or in that piece */
    int first, last;      /* steps of the plan between which it lives */
} Buffer;

/* ELEMENT: of the stack `node`, at the element at hand. */
typedef enum StoreKind {
    STORE_BUFFER,
    STORE_COPY,
    STORE_CELL,
    STORE_SUM,
    STORE_ROWS,
    STORE_VALUE,
    STORE_ELEMENT
} StoreKind;
typedef struct Store {
    StoreKind kind;
    Node *value; /* what is evaluated */
    Node *node;  /* what it provides (the whole of a concat, of which value is a part) */
    int index;   /* cell, sum or output */
    Buffer *buffer;
    int64_t offset; /* in elements: a part's place in its whole */
} Store;

/* A kernel in blocks for the caches: for each block of `tile` places of the tile axis, for each block of k, for
 * each block of `lanes` lanes, register tiles. All but the last block of k leave their sums in `partial`. An
 * operand that is packed is first copied, as a block, into `packed`: in panels, each what one register tile
 * reads of it, in the order of k. */
typedef struct Blocks {
    int axis;       /* the axis of k that is cut: of the reduced ones, or BLOCKS_ROWS */
    int64_t places; /* its places in a block */
    int64_t terms;  /* of k in a block at most */
    bool several;   /* blocks of k */
    int64_t tile, lanes;
    int64_t pitch;               /* lanes that a block has at most, with the rest of an axis: partial's stride */
    bool tiles_outside;          /* all panels of the block pass by each tile; otherwise all tiles by each panel */
    bool lanes_once;             /* all blocks of k of a block of lanes are packed at once, for all tiles */
    int lane_operand;            /* the other one is the same for all lanes */
    bool packs[2];               /* by operand */
    bool turns;                  /* the lanes' has k side by side, and is turned on the way */
    Buffer *partial, *packed[2]; /* NULL: not several; not packed */
} Blocks;
enum { BLOCKS_ROWS = -1, COLUMN_SQUARE = 16 }; /* elements of a row that are converted together */

enum { RELAY_ROWS = 16 };                                  /* that go together where rows are the lanes */
enum { MOST_TINY_WORK = 16 << 10, MOST_TINY_CODE = 1000 }; /* bytes, operations of what is kept in registers (loop.c) */
enum { LANES_NONE = -2, LANES_ROWS = -1 };                 /* otherwise an axis of the nest's space */
enum { TILE_NONE = LANES_NONE, TILE_ROWS = LANES_ROWS };   /* likewise */
/* What a thread takes a range of whole tiles of; otherwise axis split - SPLIT_AXIS. NONE: one thread does it all. */
enum { SPLIT_NONE = 0, SPLIT_ROWS = 1, SPLIT_AXIS = 2 };
typedef enum NestKind { NEST_ELEMENTS, NEST_REDUCE, NEST_SCATTER, NEST_SCAN } NestKind;
/* A contraction whose lanes are the channels of its result, or of one operand where rows are summed: `wide`
 * is the operand with the lanes; the other, of which each element counts for all lanes, is the image. */
typedef struct Nest Nest;
typedef struct Convolution {
    int wide, image;
    int tile_axis;                 /* result axis: pixels, or the image's channels where rows are summed */
    int taps_axis, taps;           /* taps > 1: where rows are summed, tiles have all places of this axis too */
    int taps_operand, taps_source; /* then: the operand that moves with them, and which axis of it */
    Buffer *packed;                /* the weights [window][channel][lanes]; NULL where rows are summed */
    bool chunk_lanes;              /* the chunks of the batch are the lanes (emit_chunk_lanes.c) */
    Buffer *grouped[2];            /* then: the operands with their rows regrouped by chunks */
    bool made_grouped[2];          /* by the nest that makes them, not by a copy (regroup.c) */
    Buffer *sum;                   /* rows summed and carried: what `total` is repacked from */
    int64_t strip;                 /* rows summed: places of the first reduced axis between partial sums */
} Convolution;

struct Nest {
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
    double cost;           /* operations of the stores, per element */
    bool carried;          /* a sum over the batch whose chain crosses blocks or chunks: through memory */
    Buffer *chain, *total; /* carried: the open chunk's chain (times 16 lanes), the fold of closed chunks */
    int lanes;             /* LANES_NONE, LANES_ROWS or an axis */
    int vectors;           /* unrolled vectors along the lanes */
    int tile_axis, tile;   /* unrolled along another axis, TILE_ROWS or TILE_NONE */
    bool wide_rest;        /* lanes past the axis' end may be computed: operands are in the work block */
    Blocks *blocks;        /* NULL: register tiles alone */
    bool dear;             /* to evaluate are its epilogue's stores: in a loop over a tile's sums */
    int squares;           /* > 0: 1 + the operand that is loaded along k and turned */
    bool lanes_of_k;       /* order law 2 with k itself along the lanes */
    bool transposes;       /* a copy whose lanes change: done in squares */
    bool from_copy;        /* it makes the rows-innermost buffer from the other layout */
    bool apart;            /* row by row, in the layout with the axis of the lanes innermost */
    bool leaves_turned;    /* output rows, evaluated with rows as lanes, then turned; of a kernel: in blocks */
    int turned;            /* > 0: 1 + the axis it is evaluated along, then turned to the lanes */
    bool rows_turned;      /* sums of rows: loaded along k, a square of rows at a time, and turned */
    bool repacks;          /* it stores what it reads in another order of the axes */
    Buffer *repacked;      /* from here; NULL: the value itself */
    Convolution *convolution;
    const Nest *grouped_for;  /* what it stores has its rows regrouped for this nest's chunks */
    const Nest *sums_grouped; /* a sum that reads the operand which was regrouped for that nest */
    int relay;                /* > 0: so many nests from here on go together, relay_rows rows at a time */
    int relay_rows;
    int split;
    int split_around; /* > 0: 1 + an axis around that one: tiles are those at each of its places */
    bool waits;       /* all threads meet before it */
};

typedef struct Section {
    bool inside, waits;
    Vector(Nest *) nests;
} Section;

typedef struct LoopFunction {
    Arena *arena;
    const char *name;
    const Run *run;
    const Function *function;
    const ScanPart *parts, *part; /* scans; whose body it is, or NULL */
    bool steps;
    int64_t block;  /* R: rows of a block at most; 1 or a multiple of 16 */
    bool one_block; /* a mini-batch never has more rows than a block */
    bool tiny;      /* steps over so little that it is kept in registers (loop.c) */
    Section *sections;
    int section_count;
    Vector(Buffer *) buffers;
    const LoopTarget *target;
    size_t work_bytes;                /* with the first thread's piece of scratch, which lies behind the rest */
    bool threads;                     /* nests are shared; other functions are the first thread's alone */
    size_t thread_bytes;              /* a piece of scratch */
    Buffer *stop_flags;               /* i32[2]: the stop flag as the first thread read it after even and odd steps */
    size_t least_bytes, margin_bytes; /* what lives at one step at most: no plan takes less; ends of the block */
    int steps_planned;                /* nests of all sections, and one */
    Buffer *row_index;                /* i32[R]: the row of each place of the block; NULL if nothing needs it */
    /* by node id */
    uint32_t nodes;
    uint8_t *stored;
    Nest **provider;         /* the nest that stores it in a buffer (loop.c); NULL: none */
    Buffer **buffer, **copy; /* values; a second layout with another axis innermost */
    int *copy_axis;          /* which; -1: no copy */
    int *kept;               /* 1 + the cell that holds it instead of a buffer (keep.c); 0: none does */
} LoopFunction;

/* The rows that code is made for where a mini-batch has so many: the same for all that share a block. 0: any.
 */
int64_t loop_batch(int64_t rows);
/* Loops of one function of the run. batch: rows of a mini-batch if literal, else 0 (any number). */
LoopFunction *loop_build(Arena *arena, const Run *run, const Function *function, int64_t batch,
                         const LoopTarget *target, double *fuse_seconds, double *plan_seconds);
void loop_print(Text *to, const LoopFunction *f);
/* A text equal for two functions if and only if they have the same loops. */
void loop_key(Text *to, const Run *run, const Function *function, int64_t batch);

/* ---- between the files of this part */
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
enum { MOST_READS = 96 };
typedef struct Reads {
    Read items[MOST_READS];
    int count;
} Reads; /* full: there may be more */
typedef void ReadVisitor(void *context, const Read *read);
/* Calls visit for each read in evaluating the nest (a node of the nest itself, read at its own point,
 * included). */
void nest_reads(const LoopFunction *f, const Nest *nest, ReadVisitor *visit, void *context);
void value_reads(const LoopFunction *f, Node *value, bool provides, const Nest *nest, ReadVisitor *visit,
                 void *context);
bool store_provides(const Store *store); /* the store is what gives its node a buffer */
/* The read is the element the nest is at. */
bool read_is_here(const Nest *nest, const Read *read);
bool node_is_stored(const LoopFunction *f, const Node *node);
bool node_is_memory(const Node *node); /* CELL, COLUMN: a leaf with an address */
bool scatters_one(const Node *node);   /* a scatter-add of at most one term a target: an element */
bool access_is_inside(const Access *access, const int64_t *extent, int axes, Shape source);
int64_t row_major_stride(Shape s, int axis);
int axis_of_stride(Shape s, int64_t stride); /* -1: none */

/* ---- reciprocal.c */
/* 1 / divisor: the nearest number, and what is left of it. */
typedef struct Reciprocal {
    float near, rest;
} Reciprocal;
Reciprocal reciprocal_of(float divisor);
/* What the node divides by, views that only repeat it left out. */
const Node *quotient_divisor(const Node *node);
/* Is byte / divisor, rounded, what a multiplication by both gives, for all 256 bytes? */
bool divides_bytes_by_product(float divisor);

/* ---- nest.c */
int loop_lanes(const LoopTarget *target, const Nest *nest);        /* places in a vector of this nest */
bool made_along_elements(const LoopFunction *f, const Nest *nest); /* row by row, not rows side by side */
bool nest_walks_rows(const Nest *nest);                            /* reads all elements of a row, row by row */
bool nest_reads_column(const Nest *nest, const Node *node);        /* itself, though it has buffers too */
Buffer *grouped_operand(const Nest *nest); /* that a sum of regrouped rows reads; NULL: it is none */
/* Few outputs summed over rows in chunks that fit the lanes and the block: each row is a lane, so a chain. */
bool sums_have_rows_of_their_own(const LoopFunction *f, const Nest *nest);
enum { MOST_SUMMED_AT_ONCE = 64 };
int64_t rows_summed_at_once(const LoopFunction *f, const Nest *nest); /* of such: of each output, side by side */
/* The nest that makes rows for the caller of nothing but the kernel's sums, or NULL. */
Nest *rows_made_of(const LoopFunction *f, const Section *section, const Nest *kernel);
bool updates_little(const LoopFunction *f); /* so that the cells could be local variables */

/* ---- passes */
typedef struct NestNeeds {
    int *before;
    int count, capacity;
} NestNeeds; /* nests that must run earlier */
/* Puts the section's nests into the order in which they run; node: by id. */
void order_nests(LoopFunction *f, Section *section, const NestNeeds *needs, Node *const *node);
void split_nests(LoopFunction *f);                             /* threads.c: split of each nest */
void make_relays(LoopFunction *f);                             /* relay.c: after nests are shared */
void place_waits(LoopFunction *f);                             /* threads.c: after buffers have places */
void fuse_function(LoopFunction *f);                           /* stored, sections, nests, order */
void loop_schedule(LoopFunction *f, const LoopTarget *target); /* lanes and tiles of each nest */
int square_operand(const LoopFunction *f, const Nest *nest, const Reads *reads, const LoopTarget *target);
int most_tile_rows(const LoopTarget *target, int vectors); /* that the registers hold */
int most_vectors(const LoopFunction *f, const Nest *nest, int64_t available, int registers); /* of a tile */
void choose_tile(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target);
void choose_blocks(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target);
/* dense.c: chosen and scheduled so. */
bool outputs_as_lanes(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target);
bool is_passing(const LoopFunction *f, const Node *node); /* not stored if all who read it pack it */
void unstore_passing(LoopFunction *f);
void unstore_leaving(LoopFunction *f);
void layout_function(LoopFunction *f, const LoopTarget *target); /* where channels are the lanes */
void regroup_function(LoopFunction *f);                          /* regroup.c: after layout */
void keep_in_cells(LoopFunction *f);                             /* keep.c: before buffers are given */
void plan_function(LoopFunction *f);                             /* buffers: which, layout; copies; then places */
void place_function(LoopFunction *f);                            /* lives of buffers, their places */
void place_buffers(LoopFunction *f);                             /* places, where lives are known */
#endif
