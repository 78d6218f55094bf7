/* tree_element: subscripts as indices, and elements of arrays where they lie. */
#include "codegen/tree_emitter.h"

Index emit_tree_subscript(TreeEmitter *t, const Subscript *s) {
    Index sum = index_at(t->e, s->offset);
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *term = &s->term[i];
        Index one = term->scalar != NULL     ? t->scalar[term->scalar->id]
                    : term->loop == t->lanes ? (Index){.at = index_const(t->e, 0), .step = 1}
                                             : index_of(t->variable[term->loop->id]);
        sum = index_add(t->e, sum, index_scale(t->e, one, term->coef));
    }
    return sum;
}

/* ---- where arrays lie ---------------------------------------------------------------------------------------- */
static LLVMValueRef registers_new(TreeEmitter *t, const Array *array) {
    Emitter *e = t->e;
    LLVMTypeRef type = array->dtype == DTYPE_BOOL ? e->i8 : type_of(e, array->dtype);
    return emit_place(e, type, array->elements, t->joined[array->id] != 0);
}

static LLVMValueRef base_new(TreeEmitter *t, const Array *array) {
    Emitter *e = t->e;
    const Run *run = t->tree->run;
    switch (array->memory) {
    case ARRAY_WORK: return outline_place(e, e->work, (int64_t)array->offset);
    case ARRAY_CELL: return outline_place(e, e->state, (int64_t)run->cells[array->index].offset);
    case ARRAY_SLOT: return outline_place(e, e->state, (int64_t)run->slots[array->index].offset);
    case ARRAY_KEPT:
    case ARRAY_REGISTERS: return registers_new(t, array);
    case ARRAY_COLUMN: return e->column_data[array->index];
    case ARRAY_ROW_OUTPUT:
    case ARRAY_OUTPUT: return e->output[array->index];
    case ARRAY_SUM: return e->sums;
    }
    INTERNAL_ERROR("no such memory: %d", (int)array->memory);
}

static int region_of(const Array *array) {
    switch (array->memory) {
    case ARRAY_CELL:
    case ARRAY_SLOT: return REGION_STATE;
    case ARRAY_COLUMN: return REGION_INPUT;
    case ARRAY_ROW_OUTPUT:
    case ARRAY_OUTPUT:
    case ARRAY_SUM: return REGION_OUTPUT;
    default: return REGION_WORK;
    }
}

typedef struct ElementPlace {
    LLVMValueRef base;
    Index at;
} ElementPlace;

/* Rows of a column are bytes apart, rows of an output are dense. */
static ElementPlace element_at(TreeEmitter *t, const Array *array, const Subscript *row, const Subscript *at) {
    Emitter *e = t->e;
    LLVMValueRef *base = &t->base[array->id];
    if (*base == NULL || !array_is_private(array)) *base = base_new(t, array);
    ElementPlace element = {*base, emit_tree_subscript(t, at)};
    if (array->memory == ARRAY_SUM) element.at = index_offset(e, element.at, array->index);
    if (array->memory == ARRAY_ROW_OUTPUT)
        element.at = index_add(e, index_scale(e, emit_tree_subscript(t, row), array->elements), element.at);
    if (array->memory == ARRAY_COLUMN) element.base = emit_tree_row_of_column(t, array, emit_tree_subscript(t, row).at);
    return element;
}

LLVMValueRef emit_tree_load(TreeEmitter *t, const Array *array, const Subscript *row, const Subscript *at) {
    Index number = array->memory == ARRAY_COLUMN ? emit_tree_subscript(t, row) : index_at(t->e, 0);
    if (!index_uniform(number)) return emit_tree_load_rows(t, array, row, number, emit_tree_subscript(t, at));
    ElementPlace element = element_at(t, array, row, at);
    return load_at(t->e, region_of(array), array->dtype, element.base, element.at);
}

void emit_tree_store(TreeEmitter *t, const Array *array, const Subscript *row, const Subscript *at,
                     LLVMValueRef value) {
    ElementPlace element = element_at(t, array, row, at);
    store_at(t->e, region_of(array), array->dtype, element.base, element.at, value);
}

void emit_tree_fetch(TreeEmitter *t, const Statement *fetch) {
    enum { LEVELS = 4 }; /* LLVM counts them from the furthest on */
    ElementPlace element = element_at(t, fetch->array, fetch->row, fetch->at);
    prefetch_at(t->e, fetch->array->dtype, element.base, element.at.at, LEVELS - (int)fetch->terms);
}

/* ---- squares in registers ------------------------------------------------------------------------------------ */
void emit_tree_load_square(TreeEmitter *t, const Array *square, LLVMValueRef *v, int places) {
    const Subscript all = {0};
    ElementPlace element = element_at(t, square, NULL, &all);
    for (int i = 0; i < places; i++)
        v[i] = load_from(t->e, REGION_WORK, square->dtype, element.base, index_const(t->e, (int64_t)i * places),
                         places);
}

void emit_tree_store_square(TreeEmitter *t, const Array *square, const LLVMValueRef *v, int places) {
    const Subscript all = {0};
    ElementPlace element = element_at(t, square, NULL, &all);
    t->e->lanes = places;
    for (int i = 0; i < places; i++)
        store_at(t->e, REGION_WORK, square->dtype, element.base,
                 (Index){.at = index_const(t->e, (int64_t)i * places), .step = 1}, v[i]);
    t->e->lanes = 1;
}
