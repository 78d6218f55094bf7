/* joined: several data sets in one train block. A step takes a mini-batch of each; to graphs they are one set, whose
 * columns are those of all, one set after the other, and whose rows are a row of each.
 *
 * Fields are qualified, wall.x. They are lowered as those of their own set, and then moved: columns behind those of the
 * sets before, statistics of standardize likewise.
 */
#include "experiment/experiment.h"
#include <string.h>

static bool joins(const DataSet *set, DataVariant *const *variants, int count) {
    bool same = set->joined_count == count;
    for (int i = 0; i < count && same; i++) same = set->joined[i] == variants[i]->set;
    return same;
}

/* Where what a set brings stands among that of all. */
typedef struct Moved {
    int columns, cells, statistics;
    const DataSet *all; /* of the columns, once it is made */
} Moved;

/* The set whose statistics and classes set i has: itself, or the one that it is like. */
static int learns_as(DataVariant *const *variants, int count, int i) {
    for (int depth = 0; depth < count; depth++) {
        const DataSet *set = variants[i]->set;
        int found = i;
        for (int k = 0; k < count && set->like; k++) {
            const DataSet *other = variants[k]->set;
            bool same = other->column_count == set->column_count && other->statistic_count == set->statistic_count;
            if (same && strcmp(other->name, set->like) == 0) found = k;
        }
        if (found == i) return i;
        i = found;
    }
    return i;
}

static Moved place_of(DataVariant *const *variants, int count, int index) {
    Moved by = {0};
    for (int i = 0; i < index; i++) by.columns += variants[i]->set->column_count;
    int teacher = learns_as(variants, count, index);
    for (int i = 0; i < teacher; i++) {
        if (learns_as(variants, count, i) != i) continue;
        by.cells += variants[i]->set->statistic_cell_count;
        by.statistics += variants[i]->set->statistic_count;
    }
    return by;
}

static void add_statistics(DataSet *all, const DataSet *set, Moved by, int index) {
    for (int i = 0; i < set->statistic_cell_count; i++)
        all->statistic_cells[all->statistic_cell_count++] = set->statistic_cells[i];
    for (int i = 0; i < set->statistic_count; i++) {
        Statistic *statistic = &all->statistics[all->statistic_count++];
        *statistic = set->statistics[i];
        if (statistic->column >= 0) statistic->column += by.columns;
        if (statistic->field >= 0) statistic->field += all->field_count;
        statistic->cell += by.cells;
        statistic->set = index;
    }
}

static void add_set(Experiment *X, DataSet *all, const DataSet *set, Moved by) {
    for (int i = 0; i < set->column_count; i++) {
        Column *column = &all->columns[all->column_count++];
        *column = set->columns[i];
        column->name = name_from(X->names, text_format(X->arena, "%s.%s", set->name, column->name));
        if (!column->standardized) continue;
        column->mean_cell += by.cells;
        column->deviation_cell += by.cells;
    }
    for (int i = 0; i < set->field_count; i++) {
        Field *field = &all->fields[all->field_count++];
        *field = set->fields[i];
        field->name = name_from(X->names, text_format(X->arena, "%s.%s", set->name, field->name));
        if (field->column >= 0) field->column += by.columns;
        if (field->standard >= 0) field->standard += by.statistics;
    }
}

DataSet *data_join(Experiment *X, DataVariant *const *variants, int count) {
    for (int i = 0; i < X->joined.count; i++)
        if (joins(X->joined.items[i], variants, count)) return X->joined.items[i];
    DataSet *all = arena_copy(X->arena, variants[0]->set, sizeof *all);
    int columns = 0, fields = 0, cells = 0, statistics = 0;
    all->joined = arena_array(X->arena, const DataSet *, count);
    all->joined_rows = arena_array(X->arena, int64_t, count);
    all->joined_teacher = arena_array(X->arena, int, count);
    all->joined_count = count;
    Text name = text_new(X->arena);
    for (int i = 0; i < count; i++) {
        text_add(&name, "%s%s", i ? ", " : "", variants[i]->set->name);
        all->joined[i] = variants[i]->set;
        columns += variants[i]->set->column_count;
        fields += variants[i]->set->field_count;
        cells += variants[i]->set->statistic_cell_count;
        statistics += variants[i]->set->statistic_count;
    }
    all->name = name_from(X->names, name.bytes);
    all->keep = NULL; /* each is asked when it is loaded */
    all->columns = arena_array(X->arena, Column, columns + 1);
    all->fields = arena_array(X->arena, Field, fields + 1);
    all->statistic_cells = arena_array(X->arena, StatisticCell, cells + 1);
    all->statistics = arena_array(X->arena, Statistic, statistics + 1);
    all->column_count = all->field_count = all->statistic_cell_count = all->statistic_count = 0;
    for (int i = 0; i < count; i++) {
        Moved by = place_of(variants, count, i);
        all->joined_teacher[i] = learns_as(variants, count, i);
        if (all->joined_teacher[i] == i) add_statistics(all, variants[i]->set, by, i);
        add_set(X, all, variants[i]->set, by);
    }
    vector_push(X->arena, &X->joined, all);
    return all;
}

/* ---- fields ------------------------------------------------------------------------------------------ */
static Node *move_leaf(Graph *g, Node *old, Node *const *source, void *context) {
    const Moved *by = context;
    if (old->op == OP_COLUMN) {
        Node *column = graph_leaf(g, OP_COLUMN, old->dtype, old->shape, old->attr.index + by->columns);
        column->name = by->all->columns[column->attr.index].name;
        return column;
    }
    if (old->op == OP_CELL) return graph_leaf(g, OP_CELL, old->dtype, old->shape, old->attr.index + by->cells);
    return graph_again(g, old, source);
}

/* A tuple of the set's fields. learns: from its rows, not as the set that it is like. */
static Value *fields_of(Experiment *X, DataVariant *variant, Moved by, bool learns, bool raw) {
    const DataSet *set = variant->set;
    Scope *own = scope_new(X->L, X->L->global);
    Value **items = arena_array(X->arena, Value *, set->field_count + 1);
    Name *names = arena_array(X->arena, Name, set->field_count + 1);
    int derived = X->run->derived.count;
    X->run->first_statistic = learns ? by.statistics : -1;
    data_bind_fields(X, variant, own, raw);
    X->run->first_statistic = 0;
    for (int i = derived; i < X->run->derived.count; i++)
        graph_rewrite(X->L->graph, &X->run->derived.items[i].node, 1, move_leaf, &by);
    for (int i = 0; i < set->field_count; i++) {
        names[i] = set->fields[i].name;
        items[i] = scope_find_here(own, names[i])->value;
        if (items[i]->kind != VALUE_TENSOR) continue;
        items[i] = arena_copy(X->arena, items[i], sizeof *items[i]);
        graph_rewrite(X->L->graph, &items[i]->node, 1, move_leaf, &by);
    }
    Value *fields = value_tuple(X->L, items, names, set->field_count);
    fields->string = set->name;
    return fields;
}

void data_bind_joined(Experiment *X, DataVariant *const *variants, int count, Scope *scope, bool raw) {
    for (int i = 0; i < count; i++) {
        const DataSet *set = variants[i]->set;
        bool learns = learns_as(variants, count, i) == i;
        Moved by = place_of(variants, count, i);
        by.all = data_join(X, variants, count);
        Value *fields = fields_of(X, variants[i], by, learns, raw);
        scope_bind(X->L, scope, set->name, fields, set->span);
    }
}

/* ---- numbers of rows that do not divide each other ------------------------------------------------------ */
/* How many rows of a step the term is the mean of: as many as the largest set that it reads has. */
static Node *rows_of_term(RunLowering *R, Node *term) {
    Graph *g = R->L->graph;
    int count;
    Node **nodes = graph_post_order(R->X->arena, &term, 1, &count), *rows = NULL;
    bool *reads = arena_array(R->X->arena, bool, R->joined.count + 1);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN) reads[data_set_of(R->run.data, (int)nodes[i]->attr.index)] = true;
    for (int s = R->joined.count - 1; s >= 0; s--) {
        if (!reads[s] && (s > 0 || rows)) continue;
        Node *own = graph_counter(g, (Counter)(COUNTER_SET + s), DTYPE_F64);
        rows = rows ? graph_binary(g, OP_MAX, own, rows) : own;
    }
    return rows;
}

/* Places of a step behind these rows have rows that came before: they count nothing there. The mean over all places, which
 * is what is followed, becomes that over these rows by places / rows. */
Node *joined_term(RunLowering *R, Node *term) {
    Graph *g = R->L->graph;
    if (!R->run.uneven) return term;
    Node *rows = rows_of_term(R, term), *own = graph_cast(g, rows, term->dtype);
    Node *counts = graph_binary(g, OP_LT, graph_place(g), graph_cast(g, rows, DTYPE_I32));
    Node *part = graph_binary(g, OP_MUL, own, graph_rows_reciprocal(g, term->dtype));
    Node *times = graph_binary(g, OP_DIV, graph_const(g, term->dtype, term->shape, 1), part);
    return graph_where(g, counts, graph_binary(g, OP_MUL, term, times), graph_const(g, term->dtype, term->shape, 0));
}

bool joined_fits(RunLowering *R) {
    Span span = R->block->name.span;
    for (int i = 0; i < R->run.partner_count; i++)
        if (R->run.partners[i].all || R->run.partners[i].batch) span = R->run.partners[i].span;
    if (!R->run.uneven || (!R->weight && !R->L->sees_batch)) return true;
    Diagnostic *d = report(R->X->diagnostics, CODE_E0312, span,
                           "a number of rows that does not divide batch goes with no %s",
                           R->weight ? "weight" : "batch(...) in what is minimised");
    add_help(R->X->diagnostics, d, "their rows would not count alike; take a number that divides batch");
    return false;
}
