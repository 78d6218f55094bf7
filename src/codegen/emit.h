/* emit: loops (ir/loops/loop.h) to LLVM, through the C API only. Private to codegen.
 *
 * From the bottom up:
 *   emit_scalar.c   values, types and constants, scalars or vectors; math.c: exp, log, ... from runtime/math.inc
 *   emit_ops.c      one operation of ops.def
 *   emitter.c       an emitter at the entry of a function; the floating-point control register
 *   emit_loop.c     loops, branches and places on the stack, as LLVM's blocks
 *   emit_memory.c   places, loads and stores: contiguous, the same for all lanes, or lane by lane
 *   emit_attribute.c, emit_memo.c, emit_transpose.c   of functions; values known here; squares in registers
 *   emit_outline.c  large nests as functions of their own, shared by all of the same shape
 *   emit_rows.c     columns of data at the rows of a block;  emit_short_rows.c: those of short rows, rows as lanes
 *   emit_local.c    cells and buffers of tiny functions as local variables; of some side by side: emit_updates.c
 *   emit_quotient.c quotients by what is known or the same for all rows, without a division
 *   emit_value.c    a node's value at a point, inlining what has no buffer
 *   emit_threads.c  the threads of a call: whose part, and waiting for each other
 *   emit_stores.c   what a nest stores at a point
 *   emit_nest_loops.c   the loops of a nest around a body; pieces of an axis: whole vectors, tiles and rests
 *   emit_turned.c   elements computed along one axis and stored along another; emit_transposed_copy.c: copies
 *   emit_scatter.c  sums at places that are data
 *   emit_next_row.c what comes next in a relay, fetched meanwhile
 *   emit_reduce.c   chains, lanes and trees of the order law: the kernel leaf; its files: emit_reduce.h
 *   emit_convolution.c  tiles of pixels by channels, with borders; its files: emit_convolution.h
 *   emit_nest.c     which of these a nest is
 *   emit.c          a function: entry, steps, blocks, sections
 *
 * A value that is the same in all lanes stays scalar until it meets a vector. Vectors have e->lanes elements
 * (16 for the lanes of the order law whatever the target: LLVM splits them).
 *
 * What is emitted is the closed list of docs/numerics.md; check.c looks at every instruction of the module.
 */
#ifndef SGDC_EMIT_H
#define SGDC_EMIT_H
#include "codegen/codegen.h"
#include "codegen/llvm_versions.h"
#include "ir/loops/loop.h"

enum Region { REGION_STATE, REGION_WORK, REGION_INPUT, REGION_OUTPUT, REGION_COUNT };

/* An index: `at` in lane 0, growing by `step` from lane to lane; or any index per lane. i64; lanes i32. */
typedef struct Index {
    LLVMValueRef at;
    int64_t step;
    LLVMValueRef lanes;
} Index;
typedef struct Spot {
    Index axis[MOST_AXES];
    Index row;
} Spot; /* where a body is; also of reduced axes */

typedef struct MemoEntry {
    const Node *node;
    uint32_t generation;
    bool flat;
    Spot spot;
    LLVMValueRef value, second;
} MemoEntry;
enum { MEMO_SIZE = 1024 };
typedef struct Outline Outline;
typedef struct Frame Frame;
typedef struct KnownRows KnownRows;
typedef struct ColumnSquare ColumnSquare;
typedef struct RowPointers RowPointers;
typedef struct RowsAhead RowsAhead;
typedef struct Updates Updates;
typedef struct KnownPlaces KnownPlaces;
typedef struct NextRow NextRow;

typedef struct Emitter {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    Arena *arena;
    const LoopFunction *f;
    const LoopTarget *target;
    LLVMTypeRef i1, i8, i32, i64, f32, f64, pointer;
    LLVMValueRef function;
    LLVMBasicBlockRef entry; /* loop-invariant set-up goes before its end */
    LLVMValueRef alias_scope[REGION_COUNT], no_alias[REGION_COUNT];
    unsigned alias_scope_kind, no_alias_kind;
    /* values of the function */
    LLVMValueRef call, state, work, rows_or_null, first, count, batch, place, sums, outputs;
    LLVMValueRef *column_data, *column_stride;
    int columns;
    LLVMValueRef *output;
    LLVMValueRef step_begin;                            /* place of the step's first row in the call */
    LLVMValueRef total_rows;                            /* of the mini-batch */
    LLVMValueRef block_begin, block_rows, block_padded; /* place in the mini-batch; rows; rows to compute */
    LLVMValueRef row_of_one;                            /* block == 1: the row */
    LLVMValueRef row_numbers;                           /* else where the rows' numbers lie, one for each place */
    KnownRows *known_rows;                              /* emit_rows.c */
    RowsAhead *ahead;                                   /* not NULL: rows that were loaded in the step before */
    ColumnSquare *square;                               /* not NULL: columns are read in squares */
    RowPointers *row_pointers;                          /* not NULL: where a column's rows lie is known */
    NextRow *next_row;                                  /* not NULL: what kernels of a relay fetch for the next row */
    KnownPlaces *known_places;                          /* emit_memory.c */
    LLVMValueRef *local_cell, *local_buffer; /* by index, id; NULL or no entry: in the state, the work block */
    Updates *updates;                        /* emit_updates.c */
    LLVMValueRef asked_seed;                 /* of the call: of draws in predict */
    LLVMValueRef seed, steps_done;           /* from the header; steps_done at the start of the step */
    /* threads, where the function has any */
    bool shared;
    LLVMValueRef is_first, are_several;
    LLVMValueRef part_begin, part_end; /* of anything that is shared, as 32.32 fixed point; 0 .. 1 if alone */
    LLVMValueRef thread_work;          /* this thread's piece of scratch */
    LLVMValueRef relay_row;            /* of nests that go together: the first row to do; NULL: all are done */
    int relay_rows;                    /* and how many */
    /* the body being emitted */
    const Nest *nest;
    LLVMValueRef reduced;     /* in an epilogue: the reduction's result here */
    LLVMValueRef largest;     /* and of an argmax the term that it stands for */
    struct LoopBlocks *loops; /* that are open in this function: the innermost */
    int lanes;
    int valid_lanes;                     /* 0: all of them */
    bool lanes_are_rows, rows_may_leave; /* lanes reach outside 0 .. rows-1 of the block: clamp */
    MemoEntry *memo;
    uint32_t generation;
    int64_t least_shared;     /* work from which a nest gets a function; 0: as usual */
    Outline *outline;         /* not NULL: in a function of the nest's own */
    struct TreeEmitter *tree; /* tree_emitter.h: not NULL: of a tree of loops */
    Frame *frame;             /* through which such functions are passed values; NULL: none yet */
} Emitter;

/* ---- emit_scalar.c */
LLVMTypeRef type_of(Emitter *e, DType t);
LLVMTypeRef vector_type(LLVMTypeRef scalar, int lanes);
bool is_vector(LLVMValueRef v);
int vector_lanes(LLVMValueRef v);
LLVMValueRef splat(Emitter *e, LLVMValueRef v, int lanes);
void same_width(Emitter *e, LLVMValueRef *a, LLVMValueRef *b);
LLVMValueRef constant_real(Emitter *e, DType t, double v);
LLVMValueRef constant_int(Emitter *e, LLVMTypeRef t, int64_t v);
LLVMValueRef index_const(Emitter *e, int64_t v);
LLVMValueRef emit_fma(Emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
LLVMValueRef emit_select(Emitter *e, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef zero_like(LLVMValueRef x);
LLVMValueRef emit_cast(Emitter *e, LLVMValueRef x, DType from, DType to);
LLVMValueRef emit_intrinsic(Emitter *e, const char *name, LLVMValueRef *arguments, int count);
LLVMValueRef emit_and(Emitter *e, LLVMValueRef a, LLVMValueRef b); /* either may be NULL: true */

/* ---- emit_ops.c. t: the type of the operands */
LLVMValueRef emit_element(Emitter *e, const Node *node,
                          LLVMValueRef *x); /* x: the values of its sources; may be widened */
/* n: attr.index */
LLVMValueRef emit_operation(Emitter *e, Op op, DType from, DType to, int64_t n, LLVMValueRef *x);
LLVMValueRef emit_binary(Emitter *e, Op op, DType t, LLVMValueRef a, LLVMValueRef b);
/* old + x, or + x y in one fma. */
LLVMValueRef scatter_sum(Emitter *e, LLVMValueRef old, LLVMValueRef x, LLVMValueRef y_or_null, DType t);
LLVMValueRef emit_unary(Emitter *e, Op op, DType t, LLVMValueRef x);

/* ---- emit_quotient.c: node is x / by; NULL where it has to be divided. x is something minus less, if that is not NULL */
LLVMValueRef emit_quotient(Emitter *e, const Node *node, LLVMValueRef x, LLVMValueRef by, LLVMValueRef less);

/* ---- math.c */
#define FUNCTION(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x);
#define FUNCTION_OF_TWO(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x, LLVMValueRef y);
#define FUNCTION_AND_NUMBER(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x, int64_t n);
#include "functions.def"
LLVMValueRef random_stream(Emitter *e, LLVMValueRef seed, LLVMValueRef step_or_null, LLVMValueRef site);
LLVMValueRef random_uniform(Emitter *e, DType t, LLVMValueRef stream, LLVMValueRef place32, LLVMValueRef element32);

/* ---- emit_memory.c */
LLVMValueRef larger(Emitter *e, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef smaller(Emitter *e, LLVMValueRef a, LLVMValueRef b);
Index index_at(Emitter *e, int64_t v);
Index index_of(LLVMValueRef at);
Index index_add(Emitter *e, Index a, Index b);
Index index_subtract(Emitter *e, Index a, Index b);
Index index_offset(Emitter *e, Index a, int64_t v);
Index index_scale(Emitter *e, Index a, int64_t factor);
LLVMValueRef index_lanes(Emitter *e, Index a); /* <lanes x i32> */
bool index_uniform(Index a);
LLVMValueRef index_lane(Emitter *e, Index a, int lane); /* i64 */
LLVMValueRef load_at(Emitter *e, int region, DType t, LLVMValueRef base, Index at);
LLVMValueRef load_from(Emitter *e, int region, DType t, LLVMValueRef base, LLVMValueRef at, int lanes); /* neighbours */
void store_at(Emitter *e, int region, DType t, LLVMValueRef base, Index at, LLVMValueRef v);
/* Into the caches from the first level (3) or the second (2) on; at may lie anywhere. */
void prefetch_at(Emitter *e, DType t, LLVMValueRef base, LLVMValueRef at, int level);
void mark_region(Emitter *e, LLVMValueRef instruction, int region);
LLVMValueRef rows_of_set(Emitter *e, int64_t set); /* of a step, where they differ */
LLVMValueRef load_field(Emitter *e, LLVMTypeRef type, LLVMValueRef base, size_t offset);

/* ---- emit_short_rows.c: all elements of rows of a column, one vector each, rows as lanes */
enum { PICKED_LANES = 16, LONGEST_PICKED = 6 };
/* A piece of each row, `width` elements: 4 of 4 bytes, 2 of 4 or of 8. */
void pieces_turn(Emitter *e, const LLVMValueRef *piece, int width, bool of_8_bytes, LLVMValueRef *element);
bool short_rows_can_turn(DType t, int64_t elements, int lanes);
void short_rows_turn(Emitter *e, DType t, int elements, const LLVMValueRef *row,
                     LLVMValueRef *element); /* rows: pointers */
/* Of rows that follow each other without gaps. */
bool short_rows_can_pick(const Emitter *e, DType t, int64_t elements);
void short_rows_pick(Emitter *e, DType t, int elements, LLVMValueRef first_row, LLVMValueRef *element);

/* ---- emit_rows.c */
LLVMValueRef load_column(Emitter *e, const Node *column, Index linear, Index row);
/* In tiny steps of at most 16 rows short rows are loaded a step ahead: so many vectors, at row_numbers, to be set in the
 * step that they belong to. */
enum { MOST_ROWS_AHEAD = 8 };
int rows_ahead_find(Emitter *e);
void rows_ahead_load(Emitter *e, LLVMValueRef *to);
void rows_ahead_set(Emitter *e, const LLVMValueRef *values);
/* Between open and close it is known where the rows of a column lie at places 0 .. places - 1 (at most `most`), if it is
 * read where it lies; places past the last row have that row. */
void row_pointers_open(Emitter *e, const Node *column, LLVMValueRef places, int64_t most);
void row_pointers_close(Emitter *e);
/* Columns that an operand of the nest's reduction reads, of as many rows as there are lanes, COLUMN_SQUARE elements at a
 * time: between open and close each value of those elements is computed at its place in the square, from 0 on. */
bool column_square_fits(const Emitter *e, const Nest *nest, int operand);
void column_square_open(Emitter *e, const Nest *nest, int operand, Index row);
void column_square_start(Emitter *e);
void column_square_place(Emitter *e, int place);
/* Of a column as it is: all of the square's vectors, turned, from `to` on, `step` elements apart. */
void column_square_store(Emitter *e, const Node *column, LLVMValueRef element, LLVMValueRef to, int64_t step);
void column_square_close(Emitter *e);
/* In a loop over rows: their columns' rows one mini-batch, or block, further on will be wanted soon. */
void prefetch_rows(Emitter *e, const Nest *nest, LLVMValueRef row);
void prefetch_square(Emitter *e, const Nest *nest, LLVMValueRef row,
                     LLVMValueRef element); /* row, element: the square's first */
/* What was known in this block is also known where the code has come to. */
void known_rows_move(Emitter *e, LLVMBasicBlockRef from);
LLVMValueRef batch_place32(Emitter *e, Index row); /* the row's place in the mini-batch */
LLVMValueRef row_place32(Emitter *e, Index row);   /* the row's place in the epoch's order, modulo 2^32 */
LLVMValueRef row_number32(Emitter *e, Index row);  /* the row's number in its columns */

/* Where a row of the block lies in a column. */
LLVMValueRef column_row(Emitter *e, const Node *column, LLVMValueRef row);

/* ---- emit_transpose.c */
enum { MOST_LANES = 64 }; /* of a vector */
LLVMValueRef joined(Emitter *e, LLVMValueRef *part,
                    int count); /* equal vectors one behind the other, as one; part is changed */
void turn_square(Emitter *e, LLVMValueRef *v, int lanes); /* as many vectors as lanes: rows become columns */
void turn_parts(Emitter *e, LLVMValueRef *v, int count,
                int lanes); /* count vectors: in every part of so many elements */

/* ---- emit_attribute.c */
void emit_set_attributes(Emitter *e, LLVMValueRef function);
void emit_set_noinline(Emitter *e, LLVMValueRef function);

/* ---- emit_local.c */
void local_open(Emitter *e); /* in the entry; local_close at the end of the function */
void local_close(Emitter *e);
LLVMValueRef cell_base(Emitter *e, int64_t cell);
Index cell_index(Emitter *e, int64_t cell, Index linear); /* where in the cell an element lies */
LLVMValueRef buffer_base(Emitter *e, const Buffer *buffer);

/* ---- emit_memo.c */
void memo_clear(Emitter *e);
/* NULL: it is not known. flat: at a row-major place, which is axis 0 of the spot. */
LLVMValueRef memo_get(Emitter *e, const Node *node, const Spot *spot, bool flat);
void memo_set(Emitter *e, const Node *node, const Spot *spot, bool flat, LLVMValueRef value);

/* ---- emit_value.c */
/* Where in the buffer, which has rows, a row begins. */
Index buffer_row(Emitter *e, const Buffer *b, Index row);
LLVMValueRef value_at(Emitter *e, Node *node, const Spot *spot);
LLVMValueRef value_flat(Emitter *e, Node *node, Index linear, Index row);
/* The spot of a source; *ok: NULL if it is always inside, else i1 or a vector of it. Absent places become 0.
 */
Spot spot_through(Emitter *e, const Access *access, const Spot *at, const int64_t *extent, int axes, Shape source,
                  Index row, uint32_t surely_inside, LLVMValueRef *ok); /* bits: source axes known to be inside */
bool axis_is_inside(const AxisMap *map, const int64_t *extent, int axes, int64_t limit);
Index spot_linear(Emitter *e, const Spot *spot, Shape shape);
Spot spot_of_linear(Emitter *e, Index linear, Shape shape, Index row);

/* ---- emit_loop.c */
enum { MOST_MULTIPLES = 12 };
typedef struct LoopBlocks {
    LLVMBasicBlockRef before, body;
    LLVMValueRef begin, index;
    int phis;
    LLVMValueRef phi[64];
    struct LoopBlocks *around;
    int depth, multiples;
    struct {
        int64_t factor;
        LLVMValueRef phi;
    } multiple[MOST_MULTIPLES]; /* of the index, counted beside it */
} LoopBlocks;
/* for (index = begin; index < end; index += step), at least once; carried values as phis. */
void loop_open(Emitter *e, LoopBlocks *l, LLVMValueRef begin, const LLVMValueRef *start, int carried);
void loop_close(Emitter *e, LoopBlocks *l, LLVMValueRef end, int64_t step,
                LLVMValueRef *carried_next); /* afterwards carried_next: as after the loop */
/* The index of an open loop times a factor, as a value that grows from iteration to iteration; NULL: v is none. */
LLVMValueRef loop_multiple(Emitter *e, LLVMValueRef v, int64_t factor);
int loop_depth(const Emitter *e, LLVMValueRef v); /* of the loop that v is the index of, or a multiple; 0: of none */
LLVMBasicBlockRef if_open(Emitter *e, LLVMValueRef condition); /* returns the block after */
void if_close(Emitter *e, LLVMBasicBlockRef after);
LLVMValueRef emit_alloca(Emitter *e, LLVMTypeRef type); /* at the entry, wherever we are */
/* The same, of so many elements that may become registers. zeros: vectors are loaded that several stores made. */
LLVMValueRef emit_place(Emitter *e, LLVMTypeRef element, int64_t count, bool zeros);

/* ---- emit_nest_loops.c */
/* count iterations of lanes * unroll; valid: the first so many of the lanes exist (0: all) */
typedef struct Piece {
    int64_t begin, count;
    int lanes, unroll, valid;
} Piece;
enum { MOST_PIECES = 12 };
int split_axis(int64_t extent, int lanes, int unroll, bool wide_rest, Piece *pieces);
int64_t nest_tiles(const Emitter *e, const Nest *nest); /* of its space, rows not counted */
typedef void NestBody(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context);
void nest_loops(Emitter *e, const Nest *nest, NestBody *body, void *context);

/* ---- emit_stores.c */
void emit_stores(Emitter *e, const Nest *nest, const Spot *spot);
void store_one(Emitter *e, const Nest *nest, const Store *store, const Spot *spot, LLVMValueRef v);
LLVMValueRef nest_value(Emitter *e, const Nest *nest, const Store *store, const Spot *spot); /* what it stores */

/* ---- emit_transposed_copy.c */
void emit_turn(Emitter *e, const Nest *nest);

/* ---- emit_outline.c: large nests as functions shared by all of the same shape. */
bool outline_pays(const Emitter *e, const Nest *nest);
/* Of a function: its nests, and the operations that LLVM reads. */
typedef struct CodeSize {
    int nests;
    double code;
} CodeSize;
/* Of a nest of a tree: the operations that are executed, and those that LLVM reads. */
bool outline_pays_for(const Emitter *e, const CodeSize *function, int64_t work, double code);
/* What `emit` emits of it. */
void outline_nest(Emitter *e, void (*emit)(Emitter *e, const void *of), const void *of);
/* base + offset bytes, where the offset differs between nests of the same shape (buffers, cells, slots). */
LLVMValueRef outline_place(Emitter *e, LLVMValueRef base, int64_t offset);

/* ---- emit_reduce.c */
void emit_reduce(Emitter *e, const Nest *nest);

/* ---- emit_few.c, emit_few_plan.c */
int few_together(const Emitter *e, const Nest *const *nests, int count); /* so many are one pass */
void emit_few(Emitter *e, const Nest *const *nests, int count);

/* ---- emit_next_row.c: in a relay, for each row; at the beginning of a kernel that begins so many innermost loops in all,
 * and in each of them */
void next_row_open(Emitter *e, const Nest *const *nests, int count, LLVMValueRef end);
void next_row_start(Emitter *e, const Nest *nest, int64_t loops);
void next_row_fetch(Emitter *e, const Nest *nest);

/* ---- emit_convolution.c */
void emit_convolution(Emitter *e, const Nest *nest);

/* ---- emit_chunk_lanes.c */
void emit_grouping(Emitter *e, const Nest *nest);

/* ---- emit_turned.c */
void emit_turned(Emitter *e, const Nest *nest);
void emit_leaving(Emitter *e, const Nest *nest);
/* Stores a square of rows, for those before `rows`, and places of the last axis; of a kernel sum_at gives the sums. */
typedef LLVMValueRef SumAt(Emitter *e, const Spot *spot, void *context);
void leaving_square(Emitter *e, const Nest *nest, const Spot *spot, int lanes, LLVMValueRef rows, SumAt *sum_at,
                    void *context);

/* ---- emit_scatter.c */
void emit_scatter(Emitter *e, const Nest *nest);
void scatter_start(Emitter *e, const Nest *nest);

/* ---- emit_threads.c: all but thread_start do nothing in a function without threads */
typedef struct Part {
    LLVMValueRef from, to;
} Part; /* of an extent, in whole tiles; NULL: all of it */
/* At the entry; where nothing is shared, others than the first return there. */
void thread_start(Emitter *e, bool shared, size_t work_bytes, size_t thread_bytes);
/* In tiles of `width`; whole: where the axis' whole tiles end, all behind which counts as one more (-1: nowhere). */
Part thread_range(Emitter *e, LLVMValueRef extent, int64_t width, int64_t whole); /* of what is shared */
Part thread_part(Emitter *e, const Nest *nest, int split, LLVMValueRef extent, int64_t width, int64_t whole);
Part thread_part_of_pieces(Emitter *e, const Nest *nest, int split, LLVMValueRef extent, const Piece *pieces);
/* A loop's bounds within the part: then there may be nothing to do between open and close. Parts end where whole tiles
 * do, so what is left of an axis behind them belongs to whoever has its beginning. */
typedef struct Bounds {
    LLVMValueRef begin, end;
    LLVMBasicBlockRef after;
} Bounds;
Bounds bounds_open(Emitter *e, Part part, LLVMValueRef begin, LLVMValueRef end);
void bounds_close(Emitter *e, const Bounds *b);
int thread_run(const Nest *const *nests, int count); /* how many run on one thread without a wait between them */
void thread_meet(Emitter *e);                        /* returns when all threads have come */
LLVMBasicBlockRef thread_first_open(Emitter *e);     /* what follows is done by the first thread only */
void thread_first_close(Emitter *e, LLVMBasicBlockRef after);
/* At the end of a step, where all threads meet. flags: two places in the work block. */
LLVMValueRef thread_stop_asked(Emitter *e, LLVMValueRef stop, LLVMValueRef step, LLVMValueRef flags);

/* ---- emit_nest.c */
void emit_nest(Emitter *e, const Nest *nest);

/* ---- emit.c */
typedef struct EmitContext {
    LLVMContextRef context;
    LLVMModuleRef module;
    Arena *arena;
    const LoopTarget *target;
    Architecture architecture;
    int64_t least_shared;
} EmitContext;
LLVMValueRef emit_function(const EmitContext *c, const LoopFunction *f, const char *symbol);

/* ---- emitter.c */
Emitter *emitter_new(const EmitContext *c, const char *symbol);
/* What the call says, with so many columns and outputs; its sums are the caller's to ask for. */
void emitter_load_call(Emitter *e, int columns, int outputs);
struct FloatControl;
/* Round to nearest, denormals kept, no traps; what emitter_control_leave takes. */
LLVMValueRef emitter_control_enter(Emitter *e, const struct FloatControl *control);
void emitter_control_leave(Emitter *e, const struct FloatControl *control, LLVMValueRef before);

/* ---- check.c: NULL, or what in the function is not on the closed list. */
const char *check_function(Arena *arena, LLVMValueRef function);
#endif
