/* meaning.c: what each name of a program means, recorded while it is lowered, for an editor that asks.
 *
 * Lowering resolves names; this only listens. A name is found by where it is written: its Meaning says where what it
 * means was first declared, and the values that it had in the calls and runs that lowered it. Names of one declaration
 * are one symbol. A name that means one declaration in one run and another in the next (of a block that is `like`
 * another) makes both one symbol: they can only be renamed together.
 *
 * Invariants: a span is recorded once; what is recorded is text of the user's that reads as the name; nothing is
 * recorded, and nothing costs time, unless the Lowering has a table.
 */
#include "lower/internal.h"
#include <string.h>

Meanings *meanings_new(Arena *arena) {
    Meanings *meanings = arena_new_of(arena, Meanings);
    meanings->arena = arena;
    return meanings;
}

/* ---- the table: open addressing by where a name begins ----------------------------------------- */
static uint32_t place_of(const Meanings *m, uint32_t begin) {
    uint32_t at = (begin * 2654435761u) & (m->size - 1);
    while (m->table[at] != 0 && m->items.items[m->table[at] - 1].span.begin != begin) at = (at + 1) & (m->size - 1);
    return at;
}

static void grow(Meanings *m) {
    m->size = m->size == 0 ? 256 : 2 * m->size;
    m->table = arena_array(m->arena, int, m->size);
    for (int i = 0; i < m->items.count; i++) m->table[place_of(m, m->items.items[i].span.begin)] = i + 1;
}

const Meaning *meaning_at(const Meanings *m, uint32_t begin) {
    int found = m->size == 0 ? 0 : m->table[place_of(m, begin)];
    return found == 0 ? NULL : &m->items.items[found - 1];
}

static bool is_written(const Lowering *L, Span span, Name name) {
    const Source *source = source_place(L->map, span.begin).source;
    if (source == NULL || source->is_prelude || name == NULL) return false;
    size_t length = span.end - span.begin;
    return length == strlen(name) && memcmp(source->text + (span.begin - source->base), name, length) == 0;
}

/* What the span says; NULL: it is no name of the user's. */
static Meaning *meaning_of(Lowering *L, Word name) {
    Meanings *m = L->meanings;
    if (m == NULL || name.span.begin == 0) return NULL;
    if (2 * (uint32_t)m->items.count >= m->size) grow(m);
    uint32_t at = place_of(m, name.span.begin);
    if (m->table[at] == 0) {
        if (!is_written(L, name.span, name.text)) return NULL;
        vector_push(m->arena, &m->items, ((Meaning){.name = name.text, .span = name.span}));
        m->table[at] = m->items.count;
    }
    Meaning *meaning = &m->items.items[m->table[at] - 1];
    return meaning->span.end == name.span.end && meaning->name == name.text ? meaning : NULL;
}

/* ---- values -------------------------------------------------------------------------------------- */
static bool same_value(const Value *a, const Value *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_TENSOR:
        return a->node->dtype == b->node->dtype && a->classes == b->classes &&
               shape_equal(value_own_shape(a), value_own_shape(b));
    case VALUE_INT: return a->integer == b->integer;
    case VALUE_NUMBER: return a->number == b->number;
    case VALUE_BOOL: return a->truth == b->truth;
    default: return true;
    }
}

static void add_value(Meaning *meaning, const Value *value) {
    if (value == NULL || value->kind == VALUE_NONE || value->kind == VALUE_POISON) return;
    if (value->kind == VALUE_BUILTIN) meaning->builtin = value->builtin;
    for (int i = 0; i < meaning->count; i++)
        if (same_value(meaning->value[i], value)) return;
    if (meaning->count < MOST_MEANT)
        meaning->value[meaning->count++] = value;
    else
        meaning->more = true;
}

/* ---- symbols ------------------------------------------------------------------------------------- */
static bool same_span(Span a, Span b) { return a.begin == b.begin && a.end == b.end; }

static void set_declared(Meanings *m, Meaning *meaning, Span declared) {
    Span before = meaning->declared;
    if (before.begin != 0 && declared.begin != 0 && !same_span(before, declared)) {
        for (int i = 0; i < m->items.count; i++)
            if (same_span(m->items.items[i].declared, declared)) m->items.items[i].declared = before;
    } else if (before.begin == 0) {
        meaning->declared = declared;
    }
}

void meaning_declare(Lowering *L, Word name, Span first, const Value *value) {
    Meaning *meaning = meaning_of(L, name);
    if (meaning == NULL) return;
    const Meaning *root = same_span(first, name.span) ? NULL : meaning_at(L->meanings, first.begin);
    meaning->declares = true;
    set_declared(L->meanings, meaning, root == NULL ? first : root->declared);
    add_value(meaning, value);
}

void meaning_use(Lowering *L, Word name, Span declared, const Value *value) {
    Meaning *meaning = meaning_of(L, name);
    if (meaning == NULL) return;
    const Meaning *root = declared.begin == 0 ? NULL : meaning_at(L->meanings, declared.begin);
    set_declared(L->meanings, meaning, root == NULL ? declared : root->declared);
    add_value(meaning, value);
}

void meaning_forget_values(Lowering *L, Word name) {
    Meaning *meaning = meaning_of(L, name);
    if (meaning != NULL) meaning->count = 0;
}

void meaning_of_binding(Lowering *L, Word name, const Binding *binding) {
    if (L->meanings != NULL) meaning_use(L, name, binding->first, binding->value);
}

void meaning_of_argument(Lowering *L, const Definition *definition, Word name, const Value *value) {
    if (L->meanings == NULL || name.text == NULL) return;
    for (int i = 0; i < definition->formals.count; i++)
        if (definition->formals.items[i].name.text == name.text)
            meaning_use(L, name, definition->formals.items[i].name.span, value);
}

void meaning_of_call(Lowering *L, const Expr *callee, const Value *result, const char *path) {
    if (L->meanings == NULL || callee == NULL || callee->kind != EXPR_NAME) return;
    Meaning *meaning = meaning_of(L, callee->name);
    if (meaning == NULL) return;
    add_value(meaning, result);
    if (path != NULL && meaning->path == NULL) meaning->path = path;
}
