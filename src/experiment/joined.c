/* joined: several data sets in one train block. A step takes a mini-batch of each; to graphs they are one set, whose
 * columns are those of all, one set after the other, and whose rows are a row of each.
 *
 * Fields are qualified, wall.x. They are lowered as those of their own set, and then moved: columns behind those of the
 * sets before, statistics of standardize likewise.
 */
#include "experiment/experiment.h"

static bool joins(const DataSet *set, DataVariant *const *variants, int count) {
    bool same = set->joined_count == count;
    for (int i = 0; i < count && same; i++) same = set->joined[i] == variants[i]->set;
    return same;
}

static void add_set(Experiment *X, DataSet *all, const DataSet *set) {
    int columns = all->column_count, statistics = all->statistic_cell_count;
    for (int i = 0; i < set->statistic_cell_count; i++)
        all->statistic_cells[all->statistic_cell_count++] = set->statistic_cells[i];
    for (int i = 0; i < set->column_count; i++) {
        Column *column = &all->columns[all->column_count++];
        *column = set->columns[i];
        column->name = name_from(X->names, text_format(X->arena, "%s.%s", set->name, column->name));
        if (!column->standardized) continue;
        column->mean_cell += statistics;
        column->deviation_cell += statistics;
    }
    for (int i = 0; i < set->field_count; i++) {
        Field *field = &all->fields[all->field_count++];
        *field = set->fields[i];
        field->name = name_from(X->names, text_format(X->arena, "%s.%s", set->name, field->name));
        if (field->column >= 0) field->column += columns;
    }
}

bool data_can_join(Experiment *X, const DataVariant *variant, Span span) {
    const DataSet *set = variant->set;
    bool learns = set->statistic_count > 0;
    for (int i = 0; i < set->column_count; i++) learns |= set->columns[i].learns_words || set->columns[i].learnt;
    if (!learns) return true;
    Diagnostic *d = report(X->diagnostics, CODE_E0210, span,
                           "data %s beside others in a train block is not supported yet: it learns from its rows",
                           set->name);
    add_note(X->diagnostics, d, set->span, "%s is declared here", set->name);
    add_help(X->diagnostics, d,
             "standardize(columns(...)) is possible; classes of texts and missing values are numbers here");
    return false;
}

DataSet *data_join(Experiment *X, DataVariant *const *variants, int count) {
    for (int i = 0; i < X->joined.count; i++)
        if (joins(X->joined.items[i], variants, count)) return X->joined.items[i];
    DataSet *all = arena_copy(X->arena, variants[0]->set, sizeof *all);
    int columns = 0, fields = 0, statistics = 0;
    all->joined = arena_array(X->arena, const DataSet *, count);
    all->joined_rows = arena_array(X->arena, int64_t, count);
    all->joined_count = count;
    Text name = text_new(X->arena);
    for (int i = 0; i < count; i++) {
        text_add(&name, "%s%s", i ? ", " : "", variants[i]->set->name);
        all->joined[i] = variants[i]->set;
        columns += variants[i]->set->column_count;
        fields += variants[i]->set->field_count;
        statistics += variants[i]->set->statistic_cell_count;
    }
    all->name = name_from(X->names, name.bytes);
    all->keep = NULL; /* each is asked when it is loaded */
    all->columns = arena_array(X->arena, Column, columns + 1);
    all->fields = arena_array(X->arena, Field, fields + 1);
    all->statistic_cells = arena_array(X->arena, StatisticCell, statistics + 1);
    all->column_count = all->field_count = all->statistic_cell_count = 0;
    for (int i = 0; i < count; i++) add_set(X, all, variants[i]->set);
    vector_push(X->arena, &X->joined, all);
    return all;
}

/* ---- fields ------------------------------------------------------------------------------------------ */
typedef struct Moved {
    int columns, statistics;
} Moved;

static Node *move_leaf(Graph *g, Node *old, Node *const *source, void *context) {
    const Moved *by = context;
    if (old->op == OP_COLUMN) return graph_leaf(g, OP_COLUMN, old->dtype, old->shape, old->attr.index + by->columns);
    if (old->op == OP_CELL) return graph_leaf(g, OP_CELL, old->dtype, old->shape, old->attr.index + by->statistics);
    return graph_again(g, old, source);
}

/* A tuple of the set's fields. */
static Value *fields_of(Experiment *X, DataVariant *variant, Moved by, bool raw) {
    const DataSet *set = variant->set;
    Scope *own = scope_new(X->L, X->L->global);
    Value **items = arena_array(X->arena, Value *, set->field_count + 1);
    Name *names = arena_array(X->arena, Name, set->field_count + 1);
    data_bind_fields(X, variant, own, raw);
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
    Moved by = {0, 0};
    for (int i = 0; i < count; i++) {
        const DataSet *set = variants[i]->set;
        scope_bind(X->L, scope, set->name, fields_of(X, variants[i], by, raw), set->span);
        by.columns += set->column_count;
        by.statistics += set->statistic_cell_count;
    }
}
