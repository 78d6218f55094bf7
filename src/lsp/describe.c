/* describe: what is known of a name, as text for a hover: heads of definitions, types, axes, parameters. */
#include "lsp/lsp.h"
#include <string.h>

/* A piece of source on one line. */
static void add_text(Text *to, const Source *source, uint32_t begin, uint32_t end) {
    bool space = false;
    for (uint32_t i = begin; i < end; i++) {
        char c = source->text[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        char last = to->length ? to->bytes[to->length - 1] : 0;
        bool tight = last == '(' || last == '[' || c == ')' || c == ']';
        if (!blank) text_add(to, "%s%c", space && !tight ? " " : "", c);
        space = blank && to->length > 0;
    }
}

/* As it is written, up to its body: layer dense(x: real[n], m: int) -> real[m]. */
const char *describe_head(Arena *arena, const Analysis *analysis, const Definition *definition) {
    const Source *source = source_place(analysis->map, definition->name.span.begin).source;
    Text text = text_new(arena);
    if (!source) return text.bytes ? text.bytes : definition->name.text;
    uint32_t begin = definition->span.begin - source->base, end = begin, last = definition->span.end - source->base;
    for (int depth = 0; end < last && (depth > 0 || (source->text[end] != '{' && source->text[end] != '=')); end++)
        depth += (strchr("([", source->text[end]) != NULL) - (strchr(")]", source->text[end]) != NULL);
    add_text(&text, source, begin, end);
    return text.bytes;
}

/* By the lowering, with memory of the answer. */
static const char *type_text_of(Arena *arena, const Analysis *analysis, const Value *value) {
    Lowering *L = analysis->meanings->lowering;
    Arena *own = L->arena;
    L->arena = arena;
    const char *text = value_type_text(L, value);
    L->arena = own;
    return text;
}

static const char *value_text(Arena *arena, const Analysis *analysis, const Value *value) {
    switch (value->kind) {
    case VALUE_INT: return text_format(arena, "%lld", (long long)value->integer);
    case VALUE_NUMBER: return text_number(arena, value->number, false);
    case VALUE_TENSOR:
    case VALUE_TUPLE:
    case VALUE_LIST:
    case VALUE_STRING:
    case VALUE_RANGE:
    case VALUE_QUANTITY:
    case VALUE_BOOL: return type_text_of(arena, analysis, value);
    case VALUE_INDEX: return "an index";
    default: return NULL;
    }
}

const char *describe_types(Arena *arena, const Analysis *analysis, const Meaning *meaning) {
    Text text = text_new(arena);
    int shown = 0;
    for (int i = 0; i < meaning->count; i++) {
        const char *type = value_text(arena, analysis, meaning->value[i]);
        if (type) text_add(&text, "%s%s", shown++ ? ", " : "", type);
    }
    if (!shown) return NULL;
    if (meaning->more) text_add(&text, ", ...");
    return text.bytes;
}

const char *describe_data(Arena *arena, const Analysis *analysis, const Stmt *stmt) {
    Text text = text_new(arena);
    const Source *source = source_place(analysis->map, stmt->span.begin).source;
    text_add(&text, "data %s", stmt->data.name.text);
    for (int i = 0; source && i < stmt->data.body.count; i++) {
        const Stmt *field = stmt->data.body.items[i];
        if (!field || (field->kind != STMT_FIELD && field->kind != STMT_TYPED) || !field->bind.type) continue;
        text_add(&text, "\n  %s: ", field->bind.name.text);
        add_text(&text, source, field->bind.type->span.begin - source->base, field->bind.type->span.end - source->base);
    }
    return text.bytes;
}

/* ---- axes ---------------------------------------------------------------------------------------- */
static const Cell *cell_of(const Analysis *analysis, const Node *node) {
    for (int r = 0; analysis->program && r < analysis->program->run_count; r++) {
        const Run *run = &analysis->program->runs[r];
        bool fits = node->attr.index < run->cell_count;
        const Cell *cell = fits ? &run->cells[node->attr.index] : NULL;
        if (cell && cell->dtype == node->dtype && shape_equal(cell->shape, node->shape)) return cell;
    }
    return NULL;
}

/* The field that a column is, or the column itself. */
static bool add_column(Text *to, const Analysis *analysis, const Node *node) {
    int64_t index = node->attr.index;
    for (int d = 0; analysis->program && d < analysis->program->data_count; d++) {
        const DataSet *set = &analysis->program->data[d];
        if (index >= set->column_count || !shape_equal(set->columns[index].shape, node->shape)) continue;
        const char *what = "column", *name = set->columns[index].name;
        for (int f = 0; f < set->field_count; f++)
            if (set->fields[f].column == index) what = "field", name = set->fields[f].name;
        text_add(to, "%s `%s` of data %s", what, name, set->name);
        return true;
    }
    return false;
}

static void add_origin(Text *to, const Analysis *analysis, AxisOrigin origin) {
    const Node *node = origin.node;
    Place place = source_place(analysis->map, node->span.begin);
    const Cell *cell = node->op == OP_CELL ? cell_of(analysis, node) : NULL;
    if (node->op == OP_COLUMN) {
        text_add(to, "axis %d of ", origin.axis);
        if (!add_column(to, analysis, node)) text_add(to, "a column of the data");
    } else if (cell)
        text_add(to, "axis %d of `%s`", origin.axis, cell->name);
    else if (node->op == OP_CELL)
        text_add(to, "axis %d of a parameter", origin.axis);
    else
        text_add(to, "made");
    if (!place.source || place.source->is_prelude) return;
    Text said = text_new(to->arena);
    add_text(&said, place.source, node->span.begin - place.source->base, node->span.end - place.source->base);
    bool is_short = said.length <= 60;
    const char *joint = node->op == OP_COLUMN || node->op == OP_CELL ? "," : " by";
    text_add(to, "%s `%.*s%s`, line %d", joint, is_short ? (int)said.length : 57, said.bytes, is_short ? "" : "...",
             place.line);
    if (place.source != analysis->source) text_add(to, " of %s", place.source->path);
}

void describe_axes(Text *to, const Analysis *analysis, const Meaning *meaning) {
    for (int i = 0; i < meaning->count; i++) {
        const Value *value = meaning->value[i];
        if (value->kind != VALUE_TENSOR || !value->node) continue;
        Shape own = value_own_shape(value);
        for (int axis = 0; axis < own.rank; axis++) {
            text_add(to, "\n- axis %d, %lld long: ", axis, (long long)own.extent[axis]);
            add_origin(to, analysis, graph_axis_origin(value->node, value->axes + axis));
        }
        return;
    }
}

/* ---- parameters ---------------------------------------------------------------------------------- */
static void add_cell(Text *to, const Analysis *analysis, const Cell *cell) {
    Node node = {.op = OP_CELL, .dtype = cell->dtype, .shape = cell->shape};
    Value value = {.kind = VALUE_TENSOR, .node = &node};
    text_add(to, "\n- `%s`: %s, %lld", cell->name, type_text_of(to->arena, analysis, &value),
             (long long)shape_size(cell->shape));
    if (cell->doc) text_add(to, " (%s)", cell->doc);
}

enum { MOST_SHOWN_CELLS = 20 };

void describe_parameters(Text *to, const Analysis *analysis, const char *path) {
    for (int r = 0; analysis->program && r < analysis->program->run_count; r++) {
        const Run *run = &analysis->program->runs[r];
        int64_t together = 0;
        int count = 0;
        for (int i = 0; i < run->cell_count; i++) {
            const Cell *cell = &run->cells[i];
            if (cell->kind != CELL_PARAMETER || !module_covers(path, cell->name)) continue;
            together += shape_size(cell->shape);
            if (count++ < MOST_SHOWN_CELLS) add_cell(to, analysis, cell);
        }
        if (count > MOST_SHOWN_CELLS) text_add(to, "\n- ...");
        if (count > 1) text_add(to, "\n\n%d parameters of %lld numbers", count, (long long)together);
        if (count > 0) return;
    }
}

void describe_cells_at(Text *to, const Analysis *analysis, Span name) {
    for (int r = 0; analysis->program && r < analysis->program->run_count; r++) {
        const Run *run = &analysis->program->runs[r];
        int count = 0;
        for (int i = 0; i < run->cell_count; i++)
            if (run->cells[i].span.begin == name.begin && run->cells[i].kind == CELL_PARAMETER &&
                count++ < MOST_SHOWN_CELLS)
                add_cell(to, analysis, &run->cells[i]);
        if (count > 0) return;
    }
}
