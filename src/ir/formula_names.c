/* formula_names: names of values and of index variables, each taken once (formula_internal.h). */
#include "ir/formula_internal.h"

#include <string.h>

bool formula_is_named_leaf(const Node *n) { return n->sources == 0 && n->op != OP_CONST && n->op != OP_IOTA; }

static TakenName *find_name(const Formula *f, const char *name) {
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c; c++) hash = (hash ^ (uint8_t)*c) * 16777619u;
    uint32_t mask = (uint32_t)f->taken_size - 1, at = hash & mask;
    while (f->taken[at].name && strcmp(f->taken[at].name, name) != 0) at = (at + 1) & mask;
    return &f->taken[at];
}

static bool is_taken(const Formula *f, const char *name) { return f->taken_size && find_name(f, name)->name; }

void formula_add_name(Formula *f, const char *name) {
    if (2 * f->taken_count >= f->taken_size) {
        TakenName *old = f->taken;
        int size = f->taken_size;
        f->taken_size = size ? 2 * size : 64;
        f->taken = arena_array(f->arena, TakenName, f->taken_size);
        for (int i = 0; i < size; i++) {
            if (old[i].name) *find_name(f, old[i].name) = old[i];
        }
    }
    TakenName *entry = find_name(f, name);
    if (entry->name) return;
    *entry = (TakenName){name, 2};
    f->taken_count++;
}

/* `name`, or `name.2`, `name.3` if it is taken. */
const char *formula_take_name(Formula *f, const char *name) {
    const char *free_name = name;
    while (is_taken(f, free_name)) {
        free_name = text_format(f->arena, "%s.%d", name, find_name(f, name)->next++);
    }
    formula_add_name(f, free_name);
    return free_name;
}

const char *formula_number_name(Formula *f) {
    const char *name;
    do name = text_format(f->arena, "t%d", ++f->numbered);
    while (is_taken(f, name));
    formula_add_name(f, name);
    return name;
}

static const char *column_name(const Formula *f, int64_t column) {
    const DataSet *set = f->run->data;
    for (int i = 0; set && i < set->field_count; i++) {
        if (set->fields[i].column == column) return set->fields[i].name;
    }
    return set && column < set->column_count ? set->columns[column].name : "column";
}

/* In a step an averaged parameter is what is trained of it, and the average is shown as such. */
static const char *cell_name(const Formula *f, int cell) {
    const Cell *shown = &f->run->cells[cell_shown(f->run->cells, cell)];
    return f->run->cells[cell].trained >= 0 ? text_format(f->run->graph->arena, "average@%s", shown->name)
                                            : shown->name;
}

static const char *counter_name(const Run *run, Counter which) {
    if (which < COUNTER_SET) return counter_text(run->graph->arena, which);
    return text_format(run->graph->arena, "rows_of_%s", run->data->joined[which - COUNTER_SET]->name);
}

const char *formula_leaf_name(const Formula *f, const Node *n) {
    switch (n->op) {
    case OP_CELL: return cell_name(f, (int)n->attr.index);
    case OP_SLOT: return f->run->slots[n->attr.index].name;
    case OP_COLUMN: return n->name ? n->name : column_name(f, n->attr.index);
    case OP_RANDOM: return n->name ? n->name : "draw";
    case OP_COUNTER: return counter_name(f->run, n->attr.counter);
    case OP_ROWS_RECIPROCAL: return "(1 / rows)";
    default: return op_text(n->op);
    }
}

/* ---- index variables ----------------------------------------------------------------------- */
int formula_variable(Formula *f) {
    static const char *const letters[] = {"i", "j", "k", "l", "m", "n", "u", "v", "p", "q", "r", "s"};
    if (f->variables == MOST_VARIABLES) return MOST_VARIABLES - 1;
    int at = f->variables, letter = 0;
    for (; letter < (int)(sizeof letters / sizeof letters[0]); letter++) {
        bool used = is_taken(f, letters[letter]);
        for (int v = 0; v < at; v++) used |= strcmp(f->variable[v], letters[letter]) == 0;
        if (!used) break;
    }
    bool found = letter < (int)(sizeof letters / sizeof letters[0]);
    f->variable[at] = found ? letters[letter] : text_format(f->arena, "i%d", at);
    f->bare[at] = false;
    return f->variables++;
}
