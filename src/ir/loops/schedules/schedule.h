/* schedule: nests of loops (nests.h) as a tree (tree.h).
 *
 *   schedule.c     functions -> trees: sections, and the nests in them
 *   build.c        statements;  store.c: the stores of a nest
 *   scalar.c       scalars;  quotient.c: quotients without a division
 *   arrays.c       which values have an array;  layout.c: in which order their elements lie
 *   passing.c      and which need none, since all who read them pack them;  outputs.c: or the caller alone reads them
 *   point.c        values of graph nodes at a point;  place.c: places on axes, and in arrays
 *   move.c         values that are read along one axis and stored along another;  squares.c: nests that are nothing else
 *   transpose.c    rows beside each other, and the same the other way around
 *   padding.c      to how many rows a block is filled
 *   prefetch.c     rows of the next mini-batch are asked for
 *   scan.c         a scan: a loop around the nests of its body
 *   kernel.h       reductions as tiles of chains in registers:
 *   kernel.c       which axes have lanes and are unrolled;  tile.c: one tile
 *   numbers.c      what of their numbers was chosen by measuring
 *   pack.c         their operands in panels;  term_squares.c: or in squares of registers
 *   residues.c     sums that read at divided places: the places of one remainder after the other
 *   chunks.c       sums over rows in more chunks than tiles
 *   strips.c       sums over pixels, some lines at a time
 *   blocks.c       blocks for the caches around the tiles;  panels.c: operands packed block by block
 *   reduction.h    the other reductions:
 *   reduction.c    few outputs, and sums from row to row;  scatter.c: sums at places that are data
 *   row_sum.c      few sums over rows, with rows as lanes;  chunk_sum.c: in chunks of a few rows
 *   chain.c        chains of the order law
 */
#ifndef SGDC_LOOPS_SCHEDULE_H
#define SGDC_LOOPS_SCHEDULE_H
#include "ir/loops/nests/nests.h"
#include "ir/loops/loops.h"

/* A place in an index space: result axes, then reduced ones. */
typedef struct SpacePoint {
    const Subscript *axis[MOST_AXES];
} SpacePoint;

/* What a body and those around it have computed already. */
typedef struct KnownValue {
    const Node *node;
    bool flat;
    SpacePoint point;
    const Scalar *scalar;
} KnownValue;
typedef struct OpenScan {
    const ScanLoop *scan;
    const Subscript *element; /* at hand */
} OpenScan;
typedef struct OpenBody {
    Body *body;
    int known;
} OpenBody;

typedef struct ScheduleRow {
    const Subscript *row; /* the place in the mini-batch; NULL: outside its rows */
    const Subscript *in_block;
    const Subscript *in_loop; /* among those of the loop over rows at hand */
    const Subscript *data;    /* the row of the data there; NULL: not yet asked for */
    bool past;                /* it may lie past the mini-batch */
} ScheduleRow;

/* How many places of an axis a tile has: few tiles, hardly any of which is not whole. */
int64_t schedule_tile(int64_t extent, int64_t most);
int64_t rounded_up(int64_t n, int64_t to); /* to a multiple */

typedef struct Kernel Kernel;

/* Elements from a place to the next one along each axis, and from row to row. */
typedef struct ArrayLayout {
    int64_t stride[MOST_RANK], row;
    int innermost; /* the axis whose stride is 1 */
} ArrayLayout;

/* An operand in panels of `lanes` places of its axis. */
typedef struct Pack {
    Array *array;
    int axis;
    int64_t lanes;
    int order[MOST_RANK]; /* of the source's axes, innermost first */
} Pack;
typedef struct KnownPack {
    const Node *source;
    Pack pack;
} KnownPack;

/* Copies of what the nest reads, [row][element], which take the place of what is read until it is put back. */
typedef struct TransposedArrays {
    Vector(const Node *) nodes;
    Vector(Array *) before;
    Vector(const ArrayLayout *) layouts;
} TransposedArrays;

typedef struct Scheduler {
    LoopTree *tree;
    Arena *arena;
    const NestFunction *f; /* what fuse.c made: nests, and which values are stored */
    TileNumbers numbers;
    Nest **provider;             /* by node: the nest that stores it */
    Array **array;               /* by node: where it is stored; NULL: in registers */
    const ArrayLayout **layout;  /* by node; NULL: row-major */
    bool rows_innermost;         /* values with rows lie [element][row], and rows are lanes */
    uint8_t *has_rows_innermost; /* by node: its array lies so */
    Array **transposed;          /* by node: a copy that lies [row][element]; NULL: none yet */
    Vector(KnownPack) packs;     /* of values with rows */
    Array **chain;               /* by node: open chains of a sum over rows */
    Array **cell, **slot;        /* by index; NULL: not yet used */
    Vector(Array *) column;      /* likewise */
    int64_t block_rows;          /* at most; 1: row after row */
    const Loop *block;           /* over blocks; NULL: outside, or there is one */
    int64_t pad;                 /* rows are computed in multiples */
    int64_t tile_rows;           /* of a kernel's tile; pad is a multiple */
    int64_t lane_rows;           /* the same, where rows are its lanes */
    int64_t padded_rows;         /* that an array with rows has */
    ScheduleRow at;              /* the row at hand */
    Vector(int64_t) fetched;     /* columns whose next rows are asked for */
    const Nest *nest;
    TransposedArrays copies;         /* that the nest at hand reads */
    Kernel *kernel;                  /* of the nest at hand */
    const Scalar *reduced, *largest; /* in an epilogue: what the chain gave */
    Vector(OpenScan) scans;
    Vector(KnownValue) known;
    Vector(OpenBody) open; /* the innermost last */
    Body *outer;           /* nests that run before the loop around nests; NULL: no such loop */
} Scheduler;

/* ---- build.c: statements at the end of the open body */
const Scalar *schedule_let(Scheduler *s, const Scalar *scalar);
void schedule_store(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at, const Scalar *value);
/* term NULL: as schedule_store; terms: of the chain, of one row. */
void schedule_term(Scheduler *s, const Array *array, const Subscript *at, const Scalar *value, const Subscript *term,
                   int64_t terms);
const Subscript *schedule_loop_open(Scheduler *s, const char *name, int64_t extent, LoopMark mark);
void schedule_nest_open(Scheduler *s, const Node *node);
void schedule_if_open(Scheduler *s, const Scalar *condition);
void schedule_close(Scheduler *s);
/* Before and after a loop around nests: nests that need not be in it run before it, or before the one around. */
typedef struct OuterNests {
    Body *around; /* NULL: there is a loop around it */
    int before;   /* statements */
} OuterNests;
OuterNests schedule_outer_begin(Scheduler *s);
void schedule_outer_end(Scheduler *s, const OuterNests *outer);
/* If what is made of the node can be made out there; to be closed if so. */
bool schedule_outer_open(Scheduler *s, const Node *made_of);
const Subscript *schedule_row(const Scheduler *s); /* the place in the mini-batch; NULL: outside its rows */
ScheduleRow schedule_first_row(Scheduler *s);
ScheduleRow schedule_row_further(const Scheduler *s, const Subscript *by);
/* Rows of the loop `of`, or of the block. The row at hand is `step` of its rows; what it was is returned. */
ScheduleRow schedule_rows_open(Scheduler *s, const Loop *of, int64_t extent, int64_t step, int64_t pad);
/* The row of the data at the row at hand. */
const Subscript *schedule_data_row(Scheduler *s);
/* The one in the same place of the next mini-batch, if there is one. */
const Subscript *schedule_next_data_row(Scheduler *s);
/* Into the caches of that level. */
void schedule_fetch(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at, int level);
void schedule_transpose(Scheduler *s, const Array *square, int64_t places);
void schedule_rows_close(Scheduler *s, ScheduleRow before);
const Loop *schedule_open_loop(const Scheduler *s); /* the innermost one */
/* Where the array of a node, in row-major layout, has this place, for the row at hand. */
const Subscript *schedule_place(Scheduler *s, const Node *node, const Subscript *linear);
Array *schedule_registers(Scheduler *s, DType dtype, int64_t elements, const char *name);
/* Loops over axes of a result; the point has their places. They are to be closed, as many as came back. */
int schedule_axes_open(Scheduler *s, const int64_t *extent, int count, const Subscript **axis);
/* The same; `innermost` is the last of them. -1: any is. */
int schedule_axes_open_with(Scheduler *s, const int64_t *extent, int count, int innermost, const Subscript **axis);
int schedule_terms_open(Scheduler *s, const int64_t *extent, int count, const Subscript **axis); /* reduced ones */
void schedule_close_all(Scheduler *s, int opened);
/* Over `count` lanes, as vectors of so many; the lane at hand. Two loops are to be closed. */
const Subscript *schedule_lanes_open(Scheduler *s, int64_t count, int64_t vector);

/* ---- padding.c */
void schedule_padding(Scheduler *s);

/* ---- arrays.c */
void schedule_give_array(Scheduler *s, const Node *node);
void schedule_find_arrays(Scheduler *s);
/* ---- passing.c: and which do not need it */
void schedule_passing(Scheduler *s);
/* ---- outputs.c */
void schedule_outputs(Scheduler *s);
/* ---- scan.c */
typedef void ScheduleNest(Scheduler *s, const Nest *nest);
void schedule_scan(Scheduler *s, const Nest *nest, ScheduleNest *schedule_nest);
/* point.c: where the element at hand of an open scan begins, in elements of that size. */
const Subscript *schedule_element(const Scheduler *s, const ScanLoop *scan, int64_t size);

/* ---- scalar.c */
const Scalar *point_op(Scheduler *s, Op op, DType dtype, const Scalar *a, const Scalar *b, const Scalar *c);
const Scalar *point_const(Scheduler *s, DType dtype, double value);
const Scalar *point_load(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at);
const Scalar *point_number(Scheduler *s, const Subscript *at);
const Scalar *point_inside(Scheduler *s, const Subscript *at, int64_t extent);
const Scalar *point_in_batch(Scheduler *s, const Subscript *row); /* is it one of the mini-batch's? */
const Scalar *point_equal(Scheduler *s, const Subscript *a, const Subscript *b);
const Subscript *point_remainder(Scheduler *s, const Subscript *at, int64_t n);
/* at where the condition, that it is inside, holds; otherwise 0. */
const Subscript *point_within(Scheduler *s, const Scalar *condition, const Subscript *at);
const Subscript *point_integer(Scheduler *s, const Scalar *label);
const Scalar *point_cast(Scheduler *s, const Scalar *x, DType to);
/* Of a subscript and a number. */
const Scalar *point_of_subscript(Scheduler *s, ScalarKind kind, DType dtype, const Subscript *at, int64_t n);
const Subscript *point_quotient(Scheduler *s, const Subscript *at, int64_t n);
const Scalar *point_both(Scheduler *s, const Scalar *a, const Scalar *b); /* a NULL: b */
/* sum + x y, y NULL: 1 */
const Scalar *point_add(Scheduler *s, DType dtype, const Scalar *sum, const Scalar *x, const Scalar *y);

/* ---- place.c: places */
const Subscript *point_linear(Scheduler *s, const SpacePoint *point, Shape shape);
SpacePoint point_of_linear(Scheduler *s, const Subscript *linear, Shape shape);
/* In a table of so many axes, where `chosen` axes of the point say the place on its axis `shared`. */
SpacePoint point_in_table(const SpacePoint *point, int rank, int shared, int chosen, const Subscript *place);
/* The place in a value of another shape. */
SpacePoint point_reshaped(Scheduler *s, const SpacePoint *at, Shape from, Shape to);
/* Where a source is read; *ok: the condition under which it is there, added to by `and`; NULL: always. */
SpacePoint point_through(Scheduler *s, const Access *access, const SpacePoint *at, const int64_t *extent, int axes,
                         Shape source, const Scalar **ok);
/* Where the node's array has the point, or the row-major place that is the point's first axis, for the row at hand. */
const Subscript *schedule_place_of(Scheduler *s, const Node *node, const SpacePoint *point, bool flat);
/* The axis of a row-major array along which a step of so many elements is `*places` places; -1: none. */
int place_axis_of_step(Shape shape, int64_t step, int64_t *places);
/* A step of so many row-major places, in elements of the node's array. */
int64_t place_step(const Scheduler *s, const Node *node, int64_t step);
/* The axis of the nest along which what it stores lies side by side; -1: the last. */
int place_innermost(const Scheduler *s, const Nest *nest);

/* ---- layout.c: chooses layouts, of values that have arrays */
void schedule_layouts(Scheduler *s);
/* Do rows lie beside each other in this function? */
bool schedule_has_rows_innermost(Scheduler *s);

/* ---- move.c: values that are read along one axis and stored along another */
int64_t schedule_square_side(const Scheduler *s, DType dtype); /* of a square of registers; 0: nothing is transposed */
typedef struct Square {
    const Subscript *u, *t, *place; /* t: lanes; place: in the square */
} Square;
/* Two loops over places of a square of so many a side: over so many lines from the first one on, and the lanes. */
Square schedule_square_open(Scheduler *s, int64_t side, int64_t first, int64_t lines, LoopMark mark);
void schedule_square_close(Scheduler *s);
enum { MOST_MOVED = 4 };
typedef const Scalar *MoveValue(Scheduler *s, const void *context, int i, const SpacePoint *point);
typedef void MoveStore(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value);
typedef struct Move {
    int axes, read,
        stored; /* neighbours along `read` are beside each other where they are; -1: along none, or `stored` */
    int rows;   /* the axis that counts rows from the one at hand on; -1: none */
    int64_t extent[MOST_AXES], filled; /* filled: places along `stored`, with 0 where there is nothing */
    int64_t side;                      /* of squares; 0: there are none */
    int64_t vector;                    /* of what is left of squares; 0: as is found later (passes/vectorise.c) */
    int count;                         /* values of each point, all of one size */
    DType dtype;                       /* filled: of what */
    bool costly;                       /* to evaluate or to store: not written out for each place */
    MoveValue *value;
    MoveStore *store;
    const void *context;
} Move;
void schedule_move(Scheduler *s, const Move *m);

/* ---- squares.c: nests that are done so */
bool schedule_elements_in_squares(Scheduler *s, const Nest *nest);
int shape_last_axis(Shape shape); /* that is longer than 1 */

/* ---- transpose.c: rows beside each other */
/* Elements of the rows of a block, rows innermost. */
void schedule_rows_innermost(Scheduler *s, const Nest *nest);
bool stores_rows_innermost(const Scheduler *s, const Nest *nest);
/* All rows of a block, as many at a time as a square has lines: axis 0 of the move is rows, axis 1 their elements in row-major
 * order. nest: whose next rows are asked for, or NULL. */
void schedule_move_rows(Scheduler *s, Move *m, const Nest *nest);
TransposedArrays schedule_transposed(Scheduler *s, const Nest *nest,
                                     const bool packed[2]); /* by operand: it is not read */
void schedule_transpose_back(Scheduler *s, const TransposedArrays *transposed);
void schedule_forget_copies(Scheduler *s); /* transposed or packed: what they are of will be made anew */
/* Is a place of an operand the sum of several indices, which overlap? */
bool reads_window(const Node *node);

/* ---- point.c: values */
const Array *schedule_column(Scheduler *s, const Node *column);
const Array *schedule_cell(Scheduler *s, int index);
const Scalar *value_at_point(Scheduler *s, Node *node, const SpacePoint *point);
const Scalar *value_at_place(Scheduler *s, Node *node, const Subscript *linear); /* its row-major place */

/* ---- quotient.c: node is x / something, without a division; NULL: it has to be divided */
const Scalar *schedule_quotient(Scheduler *s, const Node *node, const Scalar *x);

/* ---- prefetch.c: in a loop over single rows, of the columns that the nest reads */
void schedule_fetch_rows(Scheduler *s, const Nest *nest);

/* ---- store.c */
bool nest_leaves_rows(const Nest *nest); /* some store is a value of each row, for the caller */
/* Stores of the nest, all values first: a new value of one cell may need the old one of another. */
void schedule_stores(Scheduler *s, const SpacePoint *point);
void schedule_store_one(Scheduler *s, const Store *store, const SpacePoint *point, const Scalar *value);
/* The same of a reduction, whose result is `sum`; largest: of an argmax, the maximum. */
void schedule_sum(Scheduler *s, const SpacePoint *point, const Scalar *sum, const Scalar *largest);

/* ---- kernel.c */
/* NULL: the nest is not made of tiles of chains in registers. */
Kernel *schedule_kernel_plan(Scheduler *s, const Nest *nest);
/* In nests of their own: operands in the order in which the tiles read them, and the tiles. */
void schedule_kernel(Scheduler *s, Kernel *k);

/* ---- reduction.c, scatter.c: the nest, and before the first row what its sums start from */
void schedule_reduction(Scheduler *s, const Nest *nest);
void schedule_reduction_start(Scheduler *s, const Nest *nest);
void schedule_sum_of_block(Scheduler *s, const Nest *nest); /* over its rows */

/* ---- row_sum.c: the same with rows as lanes, where it can be */
bool row_sum_is_possible(const Scheduler *s, const Nest *nest);
void schedule_row_sum(Scheduler *s, const Nest *nest);

/* ---- chunk_sum.c: the same of chunks of few rows; nests of their own */
bool chunk_sum_is_possible(const Scheduler *s, const Nest *nest);
void schedule_chunk_sum(Scheduler *s, const Nest *nest);

void schedule_scatter(Scheduler *s, const Nest *nest);
void schedule_scatter_start(Scheduler *s, const Nest *nest);
#endif
