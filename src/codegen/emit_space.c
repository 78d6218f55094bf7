/* emit_space: the index space of a reduction, and the chunks of its chains. */
#include "codegen/emit_reduce.h"

Space space_of(const Node *node) {
    const Contraction *c = node->attr.contraction;
    Space s = {.result = node->shape.rank, .axes = node->shape.rank + c->reduced, .terms = 1};
    for (int a = 0; a < s.result; a++) s.extent[a] = node->shape.extent[a];
    for (int k = 0; k < c->reduced; k++) {
        s.extent[s.result + k] = c->extent[k];
        s.terms *= c->extent[k];
    }
    return s;
}

int64_t chunk_of(const Node *node) {
    int64_t chunk = node->attr.contraction->chunk;
    return chunk > 0 ? chunk : (int64_t)1 << 40;
}
