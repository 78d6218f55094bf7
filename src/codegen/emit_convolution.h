/* emit_convolution: what the kernels of convolutions share. Private to codegen.
 *
 *   emit_convolution_walk.c  the terms of the chains, with borders
 *   emit_convolution.c       pixels by channels
 *   emit_weight_gradient.c   gradients of weights with channels as lanes
 *   emit_chunk_lanes.c       gradients of weights with the chunks of a batch as lanes
 */
#ifndef SGDC_EMIT_CONVOLUTION_H
#define SGDC_EMIT_CONVOLUTION_H
#include "codegen/emit_reduce.h"

enum { MOST_VECTORS = 4 };

typedef struct ConvolutionKernel {
    const Nest *nest;
    const Node *node;
    const Contraction *c;
    const Convolution *v;
    Space space;
    int members, vectors;
    int taps;                 /* members are places of the tiles' axis, of each so many taps side by side */
    Spot member[MOST_CHAINS]; /* of the first vector */
    /* the axis of an operand of which it is known at each place which members have a term: pixels in the image, or
     * taps; the result's axis that moves it, and the window that shares it (-1: none) */
    int tile_operand, tile_source, tile_mover, window;
    bool at_border;
    int64_t first, step;                 /* place of the first member (at a border), and from member to member */
    uint32_t present;                    /* which members have a term here */
    LLVMValueRef strip_begin, strip_end; /* of the first reduced axis; NULL: all */
    LLVMValueRef row;                    /* where rows are summed */
    LLVMValueRef slot;                   /* of grouped rows, in elements; NULL: none are */
} ConvolutionKernel;

ConvolutionKernel kernel_new(const Nest *nest, const Spot *spot, int vectors);
/* Members of a tile where rows are summed: so many places of the tiles' axis, and all taps of each. */
void set_members(Emitter *e, ConvolutionKernel *k, const Spot *spot, int tile);
bool has_term(const ConvolutionKernel *k, int64_t place, int64_t tap);
uint32_t members_with_term(const ConvolutionKernel *k, int64_t tap);
/* All terms of the chains: members times vectors. */
void walk_all(Emitter *e, ConvolutionKernel *k, LLVMValueRef *chain);
void emit_weight_gradient(Emitter *e, const Nest *nest);
void emit_chunk_lanes(Emitter *e, const Nest *nest);
#endif
