/* emit_reduce: what the files that emit reductions share. Private to codegen.
 *
 * From the bottom up:
 *   emit_chain.c         one chain of the order law: start, term, join, folds
 *   emit_space.c         the index space of a reduction, the chunks of its chains
 *   emit_few_plan.c      which nests of few sums are one pass
 *   emit_updates.c       the cells that one pass updates, side by side; emit_updates_value.c: their new values
 *   emit_term.c          one term: its place, its operands
 *   emit_pack.c          panels of packed operands
 *   emit_tile.c          tile x vectors chains in registers, around them the loops over k
 *   emit_finish.c        the epilogue
 *   emit_carried.c       chains that cross blocks or chunks
 *   emit_contraction.c   tiles in blocks for the caches: partial sums and packed operands between them
 *   emit_row_sums.c      few outputs, chunks of few rows: a chain for each row of the block
 *   emit_chunk_lanes.c   the same of rows that are regrouped by chunks
 *   emit_few.c           few outputs, 16 lanes of rows: sums in one pass over the rows
 *   emit_reduce.c        which of these a nest is; 16 lanes of k
 */
#ifndef SGDC_EMIT_REDUCE_H
#define SGDC_EMIT_REDUCE_H
#include "codegen/emit.h"

enum { MOST_FOLDED = 8 }; /* sums that are folded together */
enum { ORDER_LANES = 16, MOST_CHAINS = 32, MOST_UNROLLED = 32 };

/* ---- emit_chain.c */
/* ARGMAX carries the largest term and its index; the others one value. */
typedef struct Chain {
    LLVMValueRef v[2];
} Chain;
typedef struct ChainTerm {
    LLVMValueRef x[2], oks[2], ok, index;
} ChainTerm; /* ok NULL: present; index: of k, ARGMAX only */
int chain_width(const Node *node);
DType term_type(const Node *node);
Chain chain_start(Emitter *e, const Node *node, int lanes);
Chain chain_join(Emitter *e, const Node *node, Chain a, Chain b);
Chain chain_step(Emitter *e, const Node *node, Chain chain, const ChainTerm *term, bool first);
Chain fold_vector(Emitter *e, const Node *node, Chain chain);
/* The same for 1 to 8 chains of nodes of one kind and type, in fewer instructions. */
/* Returns all sums in one vector, sum i in the lane place_of_fold(i). */
LLVMValueRef fold_vectors(Emitter *e, const Node *node, Chain *chain, int count);
int place_of_fold(int i);
Chain fold_lanes(Emitter *e, const Node *node, Chain *lane, int present);

/* ---- emit_space.c */
/* peeled: source axes that loop bounds keep inside (tiles only) */
typedef struct Space {
    int64_t extent[MOST_AXES];
    int result, axes;
    int64_t terms;
    uint32_t peeled[2];
} Space;
Space space_of(const Node *node);
int64_t chunk_of(const Node *node);

/* ---- emit_few_plan.c */
enum { MOST_SUMS = 24 }; /* chains of a pass */
bool few_in_one_chunk(const Emitter *e, const Nest *nest);
int few_most_sums(const Emitter *e, const Nest *nest); /* so many chains have room in registers */
int64_t few_terms(const Nest *nest);

/* ---- emit_term.c */
typedef struct Tile {
    const Nest *nest;
    const Node *node;
    Space space;
    int tile, vectors, count;
    Spot spot[MOST_CHAINS];
    bool by_tile[2], by_vector[2];   /* does the operand change along them */
    LLVMValueRef row_begin, row_end; /* rows summed: a run-time range; NULL: none */
    bool unroll;
    bool bounded[MOST_AXES];   /* reduced axes whose loops leave out absent terms */
    const struct Block *block; /* NULL: all of k, read in place */
    bool packs, turns;         /* fills the panel of an operand, in squares; there are no chains then */
    int packed;                /* which */
    LLVMValueRef tiles_end;    /* of the tile axis: where the last of several tiles ends; NULL: one panel */
    int squares;               /* > 0: 1 + the operand that is loaded along k and turned */
} Tile;
/* A block of k: of a reduced axis from begin to end (begin NULL: all of it; end NULL: one place); rows, if they are
 * summed, are in row_begin and row_end of the tile. Panels of packed operands: places of k in order. */
typedef struct Block {
    LLVMValueRef begin[MOST_AXES], end[MOST_AXES], row_begin;
    int64_t stride[MOST_AXES], row_stride; /* places of k that an axis moves */
    int64_t panel_pitch;                   /* from a place of the tile axis to the next: places of k, and one more */
    LLVMValueRef panel[2];                 /* of this tile, by operand; NULL: read in place */
} Block;
ChainTerm term_at(Emitter *e, const Node *node, const Space *space, const Spot *spot);
LLVMValueRef flat_term(Emitter *e, const Node *node, const Space *space, const Spot *spot);
/* The operand's value where k is in the index space; *ok: NULL if it is always there. */
LLVMValueRef operand_at(Emitter *e, const Node *node, const Space *space, int operand, const Spot *spot,
                        LLVMValueRef *ok);
Spot spot_of_term(const Tile *t, const Spot *k, int chain);
Index *innermost_term(const Tile *t, Spot *k); /* of k: the rows that are summed, or the last axis */
Index *lanes_of(const Tile *t, Spot *spot);
/* Of the operand the places first + i, first + i + part, ... along the lanes, from the term that spot has, and `group`,
 * on: `part` terms of each, side by side. `part` such vectors, turned, are as many terms. */
int part_of_square(const Emitter *e, const Tile *t, int operand);
LLVMValueRef parts_of_square(Emitter *e, const Tile *t, int operand, const Spot *spot, LLVMValueRef first, int i,
                             int group, int part);
/* How many places of k lie before k in the block. */
Index place_of_term(Emitter *e, const Tile *t, const Spot *k);

/* ---- emit_tile.c */
Tile tile_new(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors);
void tile_rows(Emitter *e, const Tile *t, Chain *chain);
/* Terms of the axes from `axis` on, at the places that k holds of the axes before it. */
void tile_axes(Emitter *e, const Tile *t, int axis, Spot *k, Chain *chain, bool *first);

/* ---- emit_pack.c */
void pack_terms(Emitter *e, const Tile *t, const Spot *k);
/* The innermost k from begin on in whole squares; where those that are left begin. */
LLVMValueRef pack_squares(Emitter *e, const Tile *t, Spot *k, LLVMValueRef begin, LLVMValueRef end);

/* ---- emit_updates.c: the cells that one pass of few sums updates, as one vector */
struct Updates {
    const Nest *nest[MOST_FOLDED];
    int first[MOST_FOLDED], count;
    LLVMValueRef cells;
};
void updates_plan(Emitter *e);                       /* in a tiny function, at its beginning */
void updates_open(Emitter *e, LLVMValueRef cells);   /* where they lie: room for ORDER_LANES */
LLVMValueRef updates_base(Emitter *e, int64_t cell); /* NULL: the cell is none of them */
Index updates_index(Emitter *e, int64_t cell, Index linear);
bool updates_has(const Emitter *e, const Nest *nest);
bool updates_last(const Emitter *e, const Nest *nest);          /* of those that it has */
const Store *updates_store(const Emitter *e, const Nest *nest); /* the cell it updates; NULL: it takes no part */
Node *updates_number(Node *node);                               /* that a view only repeats */
bool updates_own_cell(const Node *node, const Store *store);
bool updates_computes(const Emitter *e, const Node *node);

/* ---- emit_updates_value.c */
void updates_do(Emitter *e, LLVMValueRef sums);

/* ---- emit_contraction.c */
void emit_contraction(Emitter *e, const Nest *nest);

/* ---- emit_row_sums.c */
void row_sums_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context);

/* ---- emit_chunk_lanes.c */
void grouped_sums_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context);

/* ---- emit_finish.c */
typedef void FinishBody(Emitter *e, const Nest *nest, const Spot *spot, Chain chain);
/* The epilogue: stores of the nest, with the chain's result in a register. */
void finish(Emitter *e, const Nest *nest, const Spot *spot, Chain chain);
/* Where only the first lanes exist, in the vectors that they make up. */
void finish_valid(Emitter *e, const Nest *nest, const Spot *spot, Chain chain, FinishBody *body);
/* The epilogues of a tile's sums: `tile` places of the axis, step apart, by vectors. */
void finish_tile(Emitter *e, const Nest *nest, const Spot *spot, const Chain *chain, int tile, int vectors, int axis,
                 int64_t step);

/* ---- emit_carried.c */
/* The place of an output in `total`; adding a closed chunk's sum to those before it. */
Index total_index(Emitter *e, const Nest *nest, const Spot *spot);
void start_total_of_batch(Emitter *e, const Nest *nest, const Spot *spot); /* few outputs: in the first block */
void fold_into_total(Emitter *e, const Nest *nest, Index at, LLVMValueRef v);
/* Opens the loop over the chunks that the block's places lie in: l.index is where the chunk begins, *end the
 * block's end in the mini-batch. */
void open_chunks(Emitter *e, LoopBlocks *l, int64_t chunk, LLVMValueRef *end);
LLVMValueRef chunk_closes(Emitter *e, LLVMValueRef chunk_end, LLVMValueRef end);
void reduce_carried_tiles(Emitter *e, const Nest *nest);
#endif
