/* kernel.h: between the files that make kernels: a reduction as tiles of chains in registers.
 *
 *   kernel.c  which axes have lanes and are unrolled; all tiles
 *   residues.c  places of one remainder each, where a source is read at divided places
 *   tile.c    one tile
 *   blocks.c  blocks for the caches around the tiles
 *   chunks.c  sums over rows: chunks of rows around the tiles
 *   strips.c  sums over rows and pixels: strips of pixels around the tiles
 *   panels.c  the operands of a block, packed in the order in which its tiles read them
 *   pack.c    an operand packed once, before all tiles
 *   term_squares.c  operands whose terms are side by side, transposed as a tile reads them
 *   numbers.c  numbers that were chosen for such a kernel, instead of those that are computed
 */
#ifndef SGDC_LOOPS_SCHEDULE_KERNEL_H
#define SGDC_LOOPS_SCHEDULE_KERNEL_H
#include "ir/loops/schedules/reduction.h"

enum { AXIS_ROW = -1, AXIS_NONE = -2 };

/* How an operand moves along an axis of the index space. */
typedef struct OperandMoves {
    bool moves[MOST_AXES], uneven[MOST_AXES]; /* at all; by more than one element */
    bool rows, rows_apart;                    /* with the row; rows are not beside each other */
} OperandMoves;

/* Blocks for the caches; all sizes are numbers of places. */
typedef struct KernelBlocks {
    int lane_operand;      /* the one that moves with the lanes; the other one does not */
    int cut;               /* axis of the terms that is cut, or AXIS_ROW; AXIS_NONE: a block has all terms */
    int64_t places, terms; /* of that axis in a block; of all axes */
    int64_t panels, tiles; /* along the lanes; along the unrolled axis */
    bool packs[2];         /* by operand */
    bool lanes_once;       /* the lanes' is packed with all terms, before all blocks */
    bool in_squares;       /* sums with rows as lanes are transposed before they are stored */
} KernelBlocks;

/* Sums over pixels: a few lines of them at a time. */
typedef struct KernelStrip {
    int64_t lines, count;            /* of a strip; strips of a row; 0: none */
    ChainArrays chains;              /* in memory, from strip to strip */
    const Subscript *first, *number; /* its first line; which strip of all */
} KernelStrip;

struct Kernel {
    Reduction r;
    OperandMoves operand[2];
    int lanes_axis, unrolled_axis, second_axis;
    int64_t lanes, unrolled;                   /* places of a tile */
    int64_t second;                            /* likewise, unrolled too; 1: no such axis */
    int64_t first[MOST_AXES], step[MOST_AXES]; /* of a kernel for one remainder, by axis: its places; step 0: all */
    int64_t vector;                            /* lanes of a vector, of which a tile has several */
    bool squares;                              /* what moves with the lanes is read in squares */
    bool rows;                                 /* the row is an axis of the result */
    bool carried;                              /* its sums go on from block to block */
    bool guarded;                              /* some terms are absent, for all lanes */
    bool reads_window;                         /* a place of an operand is the sum of two indices */
    const KernelBlocks *blocks;                /* NULL: tiles alone */
    KernelStrip strip;
    ChainArrays chunk_sums;     /* of chunks of rows, kept apart; NULL: they are not */
    const Loop *chunk;          /* of the one that is summed; NULL: they are added up */
    PlannedKernel *planned;     /* what its numbers are, and might be */
    const KernelChoice *choice; /* NULL: none of them is chosen */
    uint64_t seed;              /* 0: none is drawn */
};

/* A tile: its first place along the lanes, `width` of them in registers, the first `count` of which are there. */
typedef struct KernelTile {
    const Subscript *lane, *unrolled, *second;
    int64_t width, count, places; /* places: along the unrolled axis */
    int64_t seconds;              /* along the second one; 0: none */
    const Subscript *kept;        /* where its first chain is kept in memory */
    int64_t apart;                /* from there to that of the next unrolled place */
} KernelTile;

/* The loops over its chains; the point is there. The chain's place comes back, and where it is kept in memory, if it is. */
typedef struct TileLoops {
    const Subscript *chain, *kept, *unrolled;
    ScheduleRow before;
} TileLoops;

/* ---- numbers.c */
/* Once its operands, lanes and rows are known. */
void kernel_numbers_begin(const Scheduler *s, Kernel *k);
/* The number that was chosen, kept within its range, or what is computed; without a range there is nothing to choose. */
int64_t kernel_number(const Kernel *k, KernelNumber which, int64_t computed, int64_t least, int64_t most);

/* ---- residues.c */
/* In how many kernels it is made; 1: one for all places. */
int64_t kernel_residues(const Kernel *k);
/* One of them, in places and terms of its own. */
Kernel kernel_of_residue(Scheduler *s, const Kernel *k, int64_t which);
/* Where in the result the chain at the point is. */
SpacePoint kernel_result_point(Scheduler *s, const Kernel *k);

/* ---- tile.c */
/* Are some terms absent that move with the axis, or -1: at all? */
bool kernel_guarded_along(const Kernel *k, int axis);
int64_t kernel_chains(const KernelTile *tile);
TileLoops kernel_tile_open(Scheduler *s, Kernel *k, const KernelTile *tile);
void kernel_tile_close(Scheduler *s, TileLoops loops);
void kernel_start_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
/* The term at the point joins all chains of the tile. */
void kernel_one_term(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
/* Chains of a sum over rows go on where the block before left them, and are left for the next one. */
void kernel_resume_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
void kernel_leave_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
/* The stores of the nest, of sums that are in registers, or in memory where the tile keeps them. */
bool kernel_has_cheap_stores(const Scheduler *s); /* they may be written out for each chain */
void kernel_finish_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
/* Have tiles whole vectors, past the last place as well? */
bool kernel_is_filled(const Kernel *k);
/* Of the places that are left along the lanes: those of the next tile in registers. filled: there may be more. */
int64_t kernel_next_width(const Kernel *k, int64_t left, bool filled);

/* ---- term_squares.c */
/* Could all that moves along the axis be read in squares, if the lanes are along it? */
bool kernel_finds_squares(const Scheduler *s, const Kernel *k, int axis);
/* All terms of a tile of one vector. */
void kernel_terms_in_squares(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);

/* ---- blocks.c */
/* Could it have blocks, with lanes and an unrolled axis as they need them? */
bool kernel_is_product(const Scheduler *s, const Kernel *k);
/* Has a row so many outputs that its sums are stored in squares, if rows are the lanes? */
bool kernel_fills_squares(const Scheduler *s, const Kernel *k);
/* NULL: tiles alone. */
const KernelBlocks *kernel_blocks_plan(const Scheduler *s, const Kernel *k);
void schedule_blocks(Scheduler *s, Kernel *k);

/* ---- strips.c */
/* Lines of a strip; 0: the kernel has none. */
int64_t kernel_strip(const Scheduler *s, const Kernel *k);
void kernel_tile_of_strip(Scheduler *s, Kernel *k, const KernelTile *tile);
typedef void KernelTiles(Scheduler *s, Kernel *k);
void schedule_strips(Scheduler *s, Kernel *k, KernelTiles *tiles);

/* ---- chunks.c */
/* Are the sums of chunks of rows kept apart? */
bool kernel_keeps_chunks(const Scheduler *s, const Kernel *k);
/* The chains of a tile are the sums of the chunk at hand; the sums of all chunks are added up. */
void kernel_keep_chunk(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains);
void kernel_add_chunks(Scheduler *s, Kernel *k, const KernelTile *tile);
void schedule_chunks(Scheduler *s, Kernel *k, KernelTiles *tiles);

/* ---- panels.c */
bool kernel_moves_along(const Kernel *k, int operand, int axis); /* axis: or AXIS_ROW, or AXIS_NONE */
/* How often each element of the operand is read. */
double kernel_uses(const Scheduler *s, const Kernel *k, int operand);
/* A block of outputs and terms. */
typedef struct KernelBlock {
    const Subscript *lane; /* its first one */
    int64_t panels, width, count;
    const Subscript *unrolled; /* likewise */
    int64_t tiles, rest;       /* whole ones, places of one more */
    const Subscript *first;    /* of the axis that is cut */
    int64_t places;            /* of it */
    const Loop *rows;          /* whose rows are summed; NULL: all */
    int64_t most_rows;
} KernelBlock;
typedef struct TermLoops {
    int opened;
    ScheduleRow before;
} TermLoops;
/* Loops over the terms of the block; the point is there, and r.term the term's number in the block. */
TermLoops terms_open(Scheduler *s, Kernel *k, const KernelBlock *block);
void terms_close(Scheduler *s, TermLoops loops);
/* Over panels of the lanes' operand, of so many lanes; where these are rows, the row at hand is a panel's first. */
typedef struct PanelLoop {
    const Subscript *first; /* lane */
    ScheduleRow before;
} PanelLoop;
PanelLoop panel_loop_open(Scheduler *s, int axis, int64_t panels, int64_t lanes);
void panel_loop_close(Scheduler *s, PanelLoop loop);
/* Packs the operand, in a nest of its own. */
void panels_fill(Scheduler *s, Kernel *k, const KernelBlock *block, int operand);

#endif
