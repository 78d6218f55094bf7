/* element: subscripts as indices, and elements of arrays where they lie. */
#include "codegen/llvm/emitter.h"

Index emit_subscript(Emitter *e, const Subscript *s) {
    Index sum = index_at(e, s->offset);
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *term = &s->term[i];
        Index one = term->scalar != NULL           ? e->scalar[term->scalar->id]
                    : term->loop == e->vector_loop ? (Index){.at = index_const(e, 0), .step = 1}
                                                   : index_of(e->variable[term->loop->id]);
        sum = index_add(e, sum, index_scale(e, one, term->coef));
    }
    return sum;
}

/* ---- where arrays lie ---------------------------------------------------------------------------------------- */
static LLVMValueRef registers_new(Emitter *e, const Array *array) {
    LLVMTypeRef type = array->dtype == DTYPE_BOOL ? e->i8 : type_of(e, array->dtype);
    return emit_place(e, type, array->elements, e->joined[array->id] != 0);
}

static LLVMValueRef base_new(Emitter *e, const Array *array) {
    const Run *run = e->tree->run;
    switch (array->memory) {
    case ARRAY_WORK: return outline_place(e, e->work, (int64_t)array->offset);
    case ARRAY_CELL: return outline_place(e, e->state, e->tree->runs * (int64_t)run->cells[array->index].offset);
    case ARRAY_SLOT: return outline_place(e, e->state, e->tree->runs * (int64_t)run->slots[array->index].offset);
    case ARRAY_PROMOTED:
    case ARRAY_REGISTERS: return registers_new(e, array);
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

/* Arrays in registers are each nest's own, but for those that are kept from step to step. */
static LLVMValueRef base_of(Emitter *e, const Array *array) {
    ArrayBase *base = &e->base[array->id];
    if (!array_is_private(array)) return base_new(e, array);
    if (base->value == NULL || (array->memory != ARRAY_PROMOTED && base->nest != e->nests))
        *base = (ArrayBase){base_new(e, array), e->nests};
    return base->value;
}

/* Rows of a column are bytes apart, rows of an output are dense. */
static ElementPlace element_at(Emitter *e, const Array *array, const Subscript *row, const Subscript *at) {
    ElementPlace element = {base_of(e, array), emit_subscript(e, at)};
    if (array->memory == ARRAY_SUM) element.at = index_offset(e, element.at, e->tree->runs * array->index);
    if (array->memory == ARRAY_ROW_OUTPUT)
        element.at = index_add(e, index_scale(e, emit_subscript(e, row), array->elements), element.at);
    if (array->memory == ARRAY_COLUMN) element.base = emit_row_of_column(e, array, emit_subscript(e, row).at);
    return element;
}

LLVMValueRef emit_load(Emitter *e, const Array *array, const Subscript *row, const Subscript *at) {
    Index number = array->memory == ARRAY_COLUMN ? emit_subscript(e, row) : index_at(e, 0);
    if (!index_uniform(number)) return emit_load_rows(e, array, row, number, emit_subscript(e, at));
    ElementPlace element = element_at(e, array, row, at);
    return load_at(e, region_of(array), array->dtype, element.base, element.at);
}

void emit_store(Emitter *e, const Array *array, const Subscript *row, const Subscript *at, LLVMValueRef value) {
    ElementPlace element = element_at(e, array, row, at);
    store_at(e, region_of(array), array->dtype, element.base, element.at, value);
}

void emit_fetch(Emitter *e, const Statement *fetch) {
    enum { LEVELS = 4 }; /* LLVM counts them from the furthest on */
    ElementPlace element = element_at(e, fetch->array, fetch->row, fetch->at);
    prefetch_at(e, fetch->array->dtype, element.base, element.at.at, LEVELS - (int)fetch->terms);
}

/* ---- vectors in registers ------------------------------------------------------------------------------------ */
void emit_load_vectors(Emitter *e, const Array *array, LLVMValueRef *v, int count) {
    const Subscript all = {0};
    ElementPlace element = element_at(e, array, NULL, &all);
    int64_t lanes = array->elements / count;
    for (int i = 0; i < count; i++)
        v[i] = load_from(e, REGION_WORK, array->dtype, element.base, index_const(e, i * lanes), (int)lanes);
}

void emit_store_vectors(Emitter *e, const Array *array, const LLVMValueRef *v, int count) {
    const Subscript all = {0};
    ElementPlace element = element_at(e, array, NULL, &all);
    int64_t lanes = array->elements / count;
    e->lanes = (int)lanes;
    for (int i = 0; i < count; i++)
        store_at(e, REGION_WORK, array->dtype, element.base, (Index){.at = index_const(e, i * lanes), .step = 1}, v[i]);
    e->lanes = 1;
}
