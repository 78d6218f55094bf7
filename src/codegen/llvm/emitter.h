/* emitter: from a tree of loops (ir/loops/tree.h) to LLVM, through the C API only. A back end that decides nothing: each
 * statement of the tree is a statement of LLVM, a VECTOR loop is vectors, an UNROLLED loop its body again and again.
 *
 *   function.c    a function of type sgdrt_function (runtime/core.h): the call, steps;  parts.c: of a step with several parts
 *   statement.c   nests, loops, conditions, stores
 *   outline.c     nests as functions of their own, shared by all of the same shape;  size.c: which
 *   scalar.c      scalars;  element.c: subscripts, and elements of arrays;  rows.c: rows as lanes
 *   transpose.c   squares and short rows in registers, square.c: one;  short_rows.c: short rows of columns
 *   steps.c       the steps of a call;  threads.c: its threads: whose part, and waiting for each other
 *   loop.c        loops, branches and places on the stack, as LLVM's blocks
 *   memory.c      places, loads and stores: contiguous, the same for all lanes, or lane by lane
 *   ops.c         one operation of ops.def;  math.c: exp, log, ... from runtime/math.inc
 *   value.c       values, types and constants, scalars or vectors
 *   emitter.c     an emitter at the entry of a function; attributes; the floating-point control register
 *   check.c       nothing but the closed list of docs/numerics.md is in a function
 *
 * Inside of a VECTOR loop a scalar of the tree is a vector of e->lanes elements if it differs from lane to lane, and one
 * value otherwise, which stays scalar until it meets a vector. Arrays in registers are places on the stack here, which
 * LLVM's first pass turns into registers.
 */
#ifndef SGDC_LLVM_EMITTER_H
#define SGDC_LLVM_EMITTER_H
#include "codegen/target/architecture.h"
#include "codegen/target/versions.h"
#include "ir/loops/tree.h"

enum Region { REGION_STATE, REGION_WORK, REGION_INPUT, REGION_OUTPUT, REGION_COUNT };
enum { MOST_LANES = 64 }; /* of a vector */

/* An index: `at` in lane 0, growing by `step` from lane to lane; or any index per lane. i64; lanes i32. */
typedef struct Index {
    LLVMValueRef at;
    int64_t step;
    LLVMValueRef lanes;
} Index;

typedef struct Outline Outline;
typedef struct Frame Frame;
typedef struct KnownPlaces KnownPlaces;
typedef struct TreeRows TreeRows;
typedef struct RowNumbers RowNumbers;
typedef struct KnownColumn KnownColumn;

/* Of a function: its nests, and the operations that LLVM reads. */
typedef struct CodeSize {
    int nests;
    double code;
} CodeSize;

typedef struct ArrayBase {
    LLVMValueRef value;
    int nest; /* in which it was made, counted */
} ArrayBase;

typedef struct Emitter {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    Arena *arena;
    const ProcessorLevel *level;
    LLVMTypeRef i1, i8, i32, i64, f32, f64, pointer;
    LLVMValueRef function;
    LLVMValueRef alias_scope[REGION_COUNT], no_alias[REGION_COUNT];
    unsigned alias_scope_kind, no_alias_kind;
    /* values of the function */
    LLVMValueRef call, state, work, rows_or_null, first, count, batch, place, sums;
    LLVMValueRef *column_data, *column_stride;
    LLVMValueRef *output;
    LLVMValueRef asked_seed; /* of the call: of draws in predict */
    LLVMValueRef seed;       /* from the header; of runs with their own, a lane each */
    /* threads, where the function has any */
    bool shared;
    LLVMValueRef is_first, are_several;
    LLVMValueRef part_begin, part_end; /* of anything that is shared, as 32.32 fixed point; 0 .. 1 if alone */
    /* where the code is */
    struct LoopBlocks *loops; /* that are open in this function: the innermost */
    int lanes;
    KnownPlaces *known_places; /* memory.c */
    int64_t least_outlined;    /* operations from which a nest is a function; 0: as usual */
    Outline *outline;          /* not NULL: in a function of the nest's own */
    Frame *frame;              /* through which such functions are passed values; NULL: none yet */
    /* the tree */
    const LoopTree *tree;
    const Loop *vector_loop; /* that is open, or NULL */
    const Statement *nest;   /* that is open, or NULL */
    LLVMValueRef *variable;  /* by loop: its count */
    Index *scalar;           /* integers, by scalar */
    LLVMValueRef *value;     /* the others */
    int nests;               /* begun so far */
    ArrayBase *base;         /* by array in registers: where it lies */
    uint8_t *joined;         /* by array: a vector is loaded that several stores made */
    TreeRows *known_rows;
    LLVMValueRef rows, step_begin; /* of the mini-batch; its first place in the call */
    LLVMValueRef steps;            /* of the state */
    CodeSize size;
    unsigned vector_call; /* of its architecture */
} Emitter;

/* ---- value.c */
LLVMTypeRef type_of(Emitter *e, DType t);
LLVMTypeRef type_of_function(LLVMContextRef context); /* an sgdrt_function */
LLVMTypeRef vector_type(LLVMTypeRef scalar, int lanes);
bool is_vector(LLVMValueRef v);
int vector_lanes(LLVMValueRef v);
LLVMValueRef splat(Emitter *e, LLVMValueRef v, int lanes);
void same_width(Emitter *e, LLVMValueRef *a, LLVMValueRef *b);
LLVMTypeRef widened(LLVMValueRef x, LLVMTypeRef scalar);      /* as many lanes as x has */
LLVMValueRef like_int(Emitter *e, LLVMValueRef x, int64_t v); /* a constant of its type */
LLVMValueRef with_lane(Emitter *e, LLVMValueRef v, int lane, LLVMValueRef x);
LLVMValueRef lane_of(Emitter *e, LLVMValueRef v, int lane);
/* Each lane from a, or from lanes + its number on from b. */
LLVMValueRef shuffled(Emitter *e, LLVMValueRef a, LLVMValueRef b, const int *from, int lanes);
LLVMValueRef constant_real(Emitter *e, DType t, double v);
LLVMValueRef constant_int(Emitter *e, LLVMTypeRef t, int64_t v);
LLVMValueRef index_const(Emitter *e, int64_t v);
LLVMValueRef bytes_behind(Emitter *e, LLVMValueRef base, size_t offset);
LLVMValueRef emit_fma(Emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
LLVMValueRef emit_select(Emitter *e, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef zero_like(LLVMValueRef x);
LLVMValueRef emit_cast(Emitter *e, LLVMValueRef x, DType from, DType to);
/* Of the type of its first argument; or of several types, or none. */
LLVMValueRef emit_intrinsic(Emitter *e, const char *name, LLVMValueRef *arguments, int count);
LLVMValueRef emit_intrinsic_of(Emitter *e, const char *name, LLVMTypeRef *types, int type_count,
                               LLVMValueRef *arguments, int count);

/* ---- ops.c: from, to: types of the operands and of the result; n: attr.index */
LLVMValueRef emit_operation(Emitter *e, Op op, DType from, DType to, int64_t n, LLVMValueRef *x);

/* ---- math.c */
#define FUNCTION(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x);
#define FUNCTION_OF_TWO(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x, LLVMValueRef y);
#define FUNCTION_AND_NUMBER(NAME, name) LLVMValueRef math_##name(Emitter *e, DType t, LLVMValueRef x, int64_t n);
#include "functions.def"
LLVMValueRef random_stream(Emitter *e, LLVMValueRef seed, LLVMValueRef step_or_null, LLVMValueRef site);
LLVMValueRef random_uniform(Emitter *e, DType t, LLVMValueRef stream, LLVMValueRef place32, LLVMValueRef element32);

/* ---- memory.c */
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
LLVMValueRef load_field(Emitter *e, LLVMTypeRef type, LLVMValueRef base, size_t offset); /* of the call */
LLVMValueRef load_header(Emitter *e, LLVMTypeRef type, size_t offset);                   /* of the state */

/* ---- short_rows.c: all elements of rows of a column, one vector each, rows as lanes */
enum { LONGEST_PICKED = 6 };
bool short_rows_can_transpose(DType t, int64_t elements, int lanes);
void short_rows_transpose(Emitter *e, DType t, int elements, const LLVMValueRef *row,
                          LLVMValueRef *element); /* rows: pointers */
/* Of rows that follow each other without gaps. */
bool short_rows_can_pick(const Emitter *e, DType t, int64_t elements);
void short_rows_pick(Emitter *e, DType t, int elements, LLVMValueRef first_row, LLVMValueRef *element);

/* ---- square.c */
/* Equal vectors one behind the other, as one; part is changed. */
LLVMValueRef joined(Emitter *e, LLVMValueRef *part, int count);
void transpose_square(Emitter *e, LLVMValueRef *v, int lanes); /* as many vectors as lanes: rows become columns */
/* As many rows as lanes, behind each other, become vectors of an element each, `count` of them; and back. */
void rows_part(Emitter *e, LLVMValueRef *v, int count, int lanes);
void rows_join(Emitter *e, LLVMValueRef *v, int count, int lanes);

/* ---- emitter.c: attributes of a function */
void emit_set_attributes(Emitter *e, LLVMValueRef function);
void emit_set_noinline(Emitter *e, LLVMValueRef function);
void emit_set_pure(Emitter *e, LLVMValueRef function); /* touches no memory */

/* ---- loop.c */
enum { MOST_MULTIPLES = 12 };
typedef struct LoopBlocks {
    LLVMBasicBlockRef before, body;
    LLVMValueRef begin, index;
    struct LoopBlocks *around;
    int depth, multiples;
    struct {
        int64_t factor;
        LLVMValueRef phi;
    } multiple[MOST_MULTIPLES]; /* of the index, counted beside it */
} LoopBlocks;
/* for (index = begin; index < end; index += step), at least once */
void loop_open(Emitter *e, LoopBlocks *l, LLVMValueRef begin);
void loop_close(Emitter *e, LoopBlocks *l, LLVMValueRef end, int64_t step);
/* The index of an open loop times a factor, as a value that grows from iteration to iteration; NULL: v is none. */
LLVMValueRef loop_multiple(Emitter *e, LLVMValueRef v, int64_t factor);
int loop_depth(const Emitter *e, LLVMValueRef v); /* of the loop that v is the index of, or a multiple; 0: of none */
LLVMBasicBlockRef if_open(Emitter *e, LLVMValueRef condition); /* returns the block after */
void if_close(Emitter *e, LLVMBasicBlockRef after);
LLVMValueRef emit_alloca(Emitter *e, LLVMTypeRef type); /* at the entry, wherever we are */
/* The same, of so many elements that may become registers. zeros: vectors are loaded that several stores made. */
LLVMValueRef emit_place(Emitter *e, LLVMTypeRef element, int64_t count, bool zeros);

/* ---- steps.c: count = 0; do count++ while rows of the call are left and nobody asks to stop */
typedef struct Steps {
    LLVMValueRef begin, count,
        rows; /* of the step: its first place in the call; how many were before; of the mini-batch */
    LLVMValueRef taken, stop;
    LLVMBasicBlockRef entry, first, body, leave;
} Steps;
/* What follows up to steps_end is for calls that have rows; up to steps_open, before the first step. */
void steps_begin(Emitter *e, Steps *s);
void steps_open(Emitter *e, Steps *s, bool one_row);
/* flags: where threads tell each other (thread_stop_asked). After the last step. */
void steps_close(Emitter *e, Steps *s, LLVMValueRef flags);
LLVMValueRef steps_end(Emitter *e, const Steps *s); /* how many were taken */

/* ---- outline.c */
/* Of a nest: the operations that are executed, and those that LLVM reads. */
bool outline_pays(const Emitter *e, const CodeSize *function, int64_t work, double code);
/* What `emit` emits of it. */
void outline_nest(Emitter *e, void (*emit)(Emitter *e, const Statement *nest), const Statement *nest);
/* base + offset bytes, where the offset differs between nests of the same shape (arrays of the work block, cells, slots). */
LLVMValueRef outline_place(Emitter *e, LLVMValueRef base, int64_t offset);

/* ---- threads.c: all but thread_start do nothing in a function without threads */
/* At the entry; where nothing is shared, others than the first return there. */
void thread_start(Emitter *e, bool shared);
/* A loop's bounds within this thread's part of the iterations, where it is shared: then there may be nothing to do between
 * open and close. */
typedef struct Bounds {
    LLVMValueRef begin, end;
    LLVMBasicBlockRef after;
} Bounds;
Bounds bounds_open(Emitter *e, const Loop *loop, LLVMValueRef end);
void bounds_close(Emitter *e, const Bounds *b);
void thread_meet(Emitter *e);                    /* returns when all threads have come */
LLVMBasicBlockRef thread_first_open(Emitter *e); /* what follows is done by the first thread only */
void thread_first_close(Emitter *e, LLVMBasicBlockRef after);
/* At the end of a step, where all threads meet. flags: two places in the work block. */
LLVMValueRef thread_stop_asked(Emitter *e, LLVMValueRef stop, LLVMValueRef step, LLVMValueRef flags);

/* ---- emitter.c */
typedef struct EmitContext {
    LLVMContextRef context;
    LLVMModuleRef module;
    Arena *arena;
    const ProcessorLevel *level;
    Architecture architecture;
    int64_t least_outlined;
} EmitContext;
Emitter *emitter_new(const EmitContext *c, const char *symbol);
/* What the call says, with so many columns and outputs; its sums are the caller's to ask for. */
void emitter_load_call(Emitter *e, int columns, int outputs);
/* Round to nearest, denormals kept, no traps; what emitter_control_leave takes. */
LLVMValueRef emitter_control_enter(Emitter *e, const FloatControl *control);
void emitter_control_leave(Emitter *e, const FloatControl *control, LLVMValueRef before);

/* ---- check.c: NULL, or what in the function is not on the closed list. */
const char *check_function(Arena *arena, LLVMValueRef function);

/* ---- function.c */
LLVMValueRef emit_tree(const EmitContext *context, const LoopTree *tree, const char *symbol);

/* ---- parts.c: the function of a whole step, of a run whose steps have several parts */
/* The functions of a part: for mini-batches up to a block of rows, for any; of_block NULL: one for all. */
typedef struct PartCode {
    LLVMValueRef of_block, of_any;
    int64_t block;
} PartCode;
/* threads: some part shares its work. */
LLVMValueRef emit_parts(const EmitContext *context, const Run *run, const PartCode *parts, bool threads,
                        const char *symbol);

/* ---- statement.c */
void emit_body(Emitter *e, const Body *body);

/* ---- size.c */
CodeSize code_size(const LoopTree *tree);
bool nest_is_outlined(const Emitter *e, const Statement *nest);

/* ---- scalar.c */
void emit_let(Emitter *e, const Scalar *scalar);

/* ---- rows.c */
TreeRows *known_rows_new(Emitter *e);
/* The number of the data's row at a place, in i64. */
LLVMValueRef emit_data_row(Emitter *e, LLVMValueRef place, PlacePast past);
/* Where a step begins. */
void emit_rows_of_step(Emitter *e);
/* Of neighbouring places, from `place` on, as SCALAR_ROW has them. */
LLVMValueRef emit_row_numbers(Emitter *e, const Scalar *s, LLVMValueRef place);
LLVMValueRef emit_row_of_column(Emitter *e, const Array *column, LLVMValueRef number);
/* A row for each lane. */
LLVMValueRef emit_load_rows(Emitter *e, const Array *column, const Subscript *row, Index numbers, Index at);

/* ---- element.c */
Index emit_subscript(Emitter *e, const Subscript *s);
LLVMValueRef emit_load(Emitter *e, const Array *array, const Subscript *row, const Subscript *at);
void emit_store(Emitter *e, const Array *array, const Subscript *row, const Subscript *at, LLVMValueRef value);
void emit_fetch(Emitter *e, const Statement *fetch);
/* All of it, as so many vectors. */
void emit_load_vectors(Emitter *e, const Array *array, LLVMValueRef *v, int count);
void emit_store_vectors(Emitter *e, const Array *array, const LLVMValueRef *v, int count);

/* ---- transpose.c */
void emit_transpose(Emitter *e, const Array *array, int rows);
#endif
