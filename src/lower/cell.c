/* cell.c: what a run keeps: its cells and slots. */
#include "lower/internal.h"
#include <string.h>

int lower_find_cell(const Lowering *L, const char *path) {
    for (int i = 0; i < L->cells.count; i++)
        if (strcmp(L->cells.items[i].name, path) == 0) return i;
    return -1;
}

int lower_cell(Lowering *L, CellKind kind, const char *path, DType dtype, Shape shape, Node *initial, Span span) {
    int index = lower_find_cell(L, path);
    if (index >= 0) return index;
    const CallFrame *frame; /* a parameter of the prelude's layers is declared by the call of the layer */
    Cell cell = {.kind = kind,
                 .name = path,
                 .dtype = dtype,
                 .shape = shape,
                 .initial = initial,
                 .of = -1,
                 .trained = -1,
                 .span = user_span(L, span, &frame)};
    vector_push(L->arena, &L->cells, cell);
    return L->cells.count - 1;
}

Value *lower_cell_value(Lowering *L, int index) {
    const Cell *cell = &L->cells.items[index];
    Node *node = graph_leaf(L->graph, OP_CELL, cell->dtype, cell->shape, index);
    node->name = L->cells.items[cell_shown(L->cells.items, index)].name;
    return value_tensor(L, node, 0);
}

Value *lower_parameter_value(Lowering *L, int cell) {
    return lower_cell_value(L, L->parameter_hook ? L->parameter_hook(L, cell, L->hook_context) : cell);
}

Value *lower_slot(Lowering *L, const char *name, const Value *number, Span span) {
    int index = L->first_slot;
    while (index < L->slots.count && strcmp(L->slots.items[index].name, name) != 0) index++;
    DType t = L->f64 ? DTYPE_F64 : DTYPE_F32;
    if (index == L->slots.count) {
        Slot slot = {.name = name, .dtype = t, .value = number->number, .span = span};
        vector_push(L->arena, &L->slots, slot);
    }
    Value *v = arena_copy(L->arena, number, sizeof *number);
    v->node = graph_leaf(L->graph, OP_SLOT, t, (Shape){0}, index);
    v->wide = graph_leaf(L->graph, OP_SLOT, DTYPE_F64, (Shape){0}, index);
    v->node->name = v->wide->name = name;
    return v;
}
