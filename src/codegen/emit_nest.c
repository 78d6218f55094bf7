/* emit_nest: which kind of loops a nest is. */
#include "codegen/emit.h"

static void repack_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    store_one(e, nest, &nest->stores[0], spot, nest_value(e, nest, &nest->stores[0], spot));
}

static void element_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    emit_stores(e, nest, spot);
}

static void emit_here(Emitter *e, const void *of) {
    const Nest *nest = of;
    if (nest->transposes)
        emit_turn(e, nest);
    else if (nest->grouped_for != NULL)
        emit_grouping(e, nest);
    else if (nest->turned > 0)
        emit_turned(e, nest);
    else if (nest->leaves_turned && nest->kind == NEST_ELEMENTS)
        emit_leaving(e, nest);
    else if (nest->convolution != NULL)
        emit_convolution(e, nest);
    else if (nest->repacks)
        nest_loops(e, nest, repack_body, NULL);
    else if (nest->kind == NEST_REDUCE)
        emit_reduce(e, nest);
    else if (nest->kind == NEST_SCATTER)
        emit_scatter(e, nest);
    else
        nest_loops(e, nest, element_body, NULL);
}

void emit_nest(Emitter *e, const Nest *nest) {
    if (outline_pays(e, nest))
        outline_nest(e, emit_here, nest);
    else
        emit_here(e, nest);
}
