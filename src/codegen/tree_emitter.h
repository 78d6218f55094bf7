/* tree_emitter: from the loop tree to LLVM, through the C API only. A back end that decides nothing: each statement of the
 * tree is a statement of LLVM, a VECTOR loop is vectors, an UNROLLED loop its body again and again.
 *
 *   tree_function.c    a function of type sgdrt_function (runtime/core.h): the call, steps
 *   tree_statement.c   nests, loops, conditions, stores;  tree_size.c: which nests are functions
 *   tree_scalar.c      scalars;  tree_element.c: subscripts, and elements of arrays;  tree_rows.c: rows as lanes
 *   tree_transpose.c   squares in registers
 *
 * What operations are made of is emit_scalar.c, emit_ops.c, math.c and emit_memory.c (codegen/emit.h).
 *
 * Inside of a VECTOR loop a scalar of the tree is a vector if it differs from lane to lane, and one value otherwise.
 * Arrays in registers are places on the stack here, which LLVM's first pass turns into registers.
 */
#ifndef SGDC_TREE_EMITTER_H
#define SGDC_TREE_EMITTER_H
#include "codegen/emit.h"
#include "ir/loops/tree.h"

typedef struct TreeRows TreeRows;
typedef struct RowNumbers RowNumbers;
typedef struct KnownColumn KnownColumn;

typedef struct TreeEmitter {
    Emitter *e;
    const LoopTree *tree;
    const Loop *lanes;      /* the VECTOR loop that is open, or NULL */
    LLVMValueRef *variable; /* by loop: its count */
    Index *scalar;          /* integers, by scalar */
    LLVMValueRef *value;    /* the others */
    LLVMValueRef *base;     /* by array: where it lies */
    uint8_t *joined;        /* by array: a vector is loaded that several stores made */
    TreeRows *known_rows;
    LLVMValueRef rows, step_begin; /* of the mini-batch; its first place in the call */
    LLVMValueRef steps;            /* of the state */
    CodeSize size;                 /* of the function */
    const Statement *nest;         /* that is open, or NULL */
    unsigned vector_call;          /* of its architecture */
} TreeEmitter;

/* ---- tree_function.c */
LLVMValueRef emit_tree(const EmitContext *context, const LoopTree *tree, const char *symbol);

/* ---- tree_statement.c */
void emit_tree_body(TreeEmitter *t, const Body *body);

/* ---- tree_size.c */
CodeSize tree_code_size(const LoopTree *tree);
bool tree_nest_is_outlined(const TreeEmitter *t, const Statement *nest);

/* ---- tree_scalar.c */
void emit_tree_let(TreeEmitter *t, const Scalar *scalar);

/* ---- tree_rows.c */
TreeRows *tree_rows_new(TreeEmitter *t);
/* The number of the data's row at a place, in i64. */
LLVMValueRef emit_tree_data_row(TreeEmitter *t, LLVMValueRef place, PlacePast past);
/* Of neighbouring places, from `place` on, as SCALAR_ROW has them. */
LLVMValueRef emit_tree_row_numbers(TreeEmitter *t, const Scalar *s, LLVMValueRef place);
LLVMValueRef emit_tree_row_of_column(TreeEmitter *t, const Array *column, LLVMValueRef number);
/* A row for each lane. */
LLVMValueRef emit_tree_load_rows(TreeEmitter *t, const Array *column, const Subscript *row, Index numbers, Index at);

/* ---- tree_element.c */
Index emit_tree_subscript(TreeEmitter *t, const Subscript *s);
LLVMValueRef emit_tree_load(TreeEmitter *t, const Array *array, const Subscript *row, const Subscript *at);
void emit_tree_store(TreeEmitter *t, const Array *array, const Subscript *row, const Subscript *at, LLVMValueRef value);
void emit_tree_fetch(TreeEmitter *t, const Statement *fetch);
/* Its rows are vectors. */
void emit_tree_load_square(TreeEmitter *t, const Array *square, LLVMValueRef *v, int places);
void emit_tree_store_square(TreeEmitter *t, const Array *square, const LLVMValueRef *v, int places);

/* ---- tree_transpose.c */
void emit_tree_transpose(TreeEmitter *t, const Array *square, int places);

#endif
