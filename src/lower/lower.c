/* lower.c: the context lowering works in: names and scopes, errors with the calls that led to them, the run's
 * tables of cells and slots, and paths, which name parameters and draws.
 *
 * A path is model.binding.layer.parameter. Two paths are kept side by side: the prefix names cells and starts
 * anew with every model, so that a model called twice finds the same cells; the site names draws and runs
 * through all calls, so that a model called twice draws twice. Both count equal paths: the k-th gets ".k".
 */
#include "lower/internal.h"
#include <string.h>

/* ---- context --------------------------------------------------------------------------------- */
static Value *constant_named(Lowering *L, const char *name, Value *value)
{
    scope_bind(L, L->prelude, name_from(L->names, name), value, (Span){0, 0});
    return value;
}

Lowering *lowering_new(Arena *arena, Names *names, Diagnostics *d, SourceMap *map, bool f64)
{
    Lowering *L = arena_new_of(arena, Lowering);
    L->arena = arena;
    L->names = names;
    L->diagnostics = d;
    L->map = map;
    L->f64 = f64;
    L->real = f64 ? DTYPE_F64 : DTYPE_F32;
    L->allow_draws = true;
    L->prelude = scope_new(L, NULL);
    L->global = scope_new(L, L->prelude);
    constant_named(L, "pi", value_number(L, 3.14159265358979323846));
    constant_named(L, "inf", value_number(L, __builtin_inf()));
    constant_named(L, "true", value_bool(L, true));
    constant_named(L, "false", value_bool(L, false));
    constant_named(L, "none", value_none(L));
    builtins_bind(L);
    lowering_start_root(L, "");
    return L;
}

void lowering_start_run(Lowering *L, Graph *graph)
{
    L->graph = graph;
    L->turns = 0;
    L->cells = (CellList){0};
    L->slots = (SlotList){0};
    L->modules.items = NULL;
    L->modules.count = L->modules.capacity = 0;
    lowering_start_root(L, "");
}

void lowering_start_root(Lowering *L, const char *root)
{
    L->no_models = NULL;
    PathState *path = arena_new_of(L->arena, PathState);
    path->prefix = NULL;
    path->site = root;
    path->iteration = "";
    path->counts = arena_new_of(L->arena, PathCounts);
    path->site_counts = arena_new_of(L->arena, PathCounts);
    L->path = path;
    L->calls_made = 0;
}

bool is_prelude_span(const Lowering *L, Span span)
{
    if (span.begin == 0)
        return false;
    Place place = source_place(L->map, span.begin);
    return place.source != NULL && place.source->is_prelude;
}

void lower_declare_definitions(Lowering *L, const Ast *ast)
{
    for (int i = 0; i < ast->statements.count; i++) {
        const Stmt *stmt = ast->statements.items[i];
        if (stmt == NULL || stmt->kind != STMT_DEFINITION || stmt->definition->name.text == NULL)
            continue;
        const Definition *definition = stmt->definition;
        Scope *scope = is_prelude_span(L, definition->span) ? L->prelude : L->global;
        Binding *before = scope_find_here(scope, definition->name.text);
        if (before != NULL && before->value->kind != VALUE_BUILTIN) {
            Diagnostic *d = lower_error(L, CODE_E0212, definition->name.span, "%s is already defined",
                                        definition->name.text);
            if (before->span.begin != 0)
                lower_note(L, d, before->span, "the first %s is here", definition->name.text);
            continue;
        }
        Binding *binding = scope_bind(L, scope, definition->name.text, value_definition(L, definition),
                                      definition->name.span);
        binding->doc = definition->doc;
    }
}

/* ---- scopes ---------------------------------------------------------------------------------- */
Scope *scope_new(Lowering *L, Scope *parent)
{
    Scope *scope = arena_new_of(L->arena, Scope);
    scope->parent = parent;
    return scope;
}

Binding *scope_find_here(const Scope *scope, Name name)
{
    for (Binding *b = scope->last; b != NULL; b = b->next)
        if (b->name == name)
            return b;
    return NULL;
}

Binding *scope_find(const Scope *scope, Name name)
{
    for (; scope != NULL; scope = scope->parent) {
        Binding *b = scope_find_here(scope, name);
        if (b != NULL)
            return b;
    }
    return NULL;
}

/* What the user calls a value is kept with its node, for --emit=grad; names of the prelude say nothing to
 * them. */
void name_value(const Lowering *L, Name name, const Value *value, Span span)
{
    if (value->kind != VALUE_TENSOR || value->node->name != NULL || value->node->op == OP_CONST
        || span.begin == 0)
        return;
    const Source *source = source_place(L->map, span.begin).source;
    if (source != NULL && !source->is_prelude)
        value->node->name = name;
}

Binding *scope_bind(Lowering *L, Scope *scope, Name name, Value *value, Span span)
{
    name_value(L, name, value, span);
    Binding *b = scope_find_here(scope, name);
    if (b == NULL) {
        b = arena_new_of(L->arena, Binding);
        b->name = name;
        b->next = scope->last;
        scope->last = b;
    }
    b->value = variable_for(L, scope, name, value);
    b->span = span;
    return b;
}

/* ---- errors ---------------------------------------------------------------------------------- */
const char *definition_kind_text(DefinitionKind kind)
{
    static const char *const text[] = {"model", "layer", "def", "loss", "metric", "optimizer"};
    return text[kind];
}

/* The user's place: a mistake that shows inside the prelude is told at the call that led there. */
static Span user_span(const Lowering *L, Span span, const CallFrame **frame)
{
    *frame = L->calls;
    while (*frame != NULL && is_prelude_span(L, span)) {
        span = (*frame)->call;
        *frame = (*frame)->outer;
    }
    return span;
}

const Expr *written_by_user(const Lowering *L, const Expr *expr)
{
    const Expr *found = expr;
    const CallFrame *frame = L->calls;
    for (; frame != NULL && is_prelude_span(L, found->span); frame = frame->outer) {
        const FormalList *formals = &frame->definition->formals;
        const Expr *argument = NULL;
        for (int i = 0; i < formals->count && argument == NULL; i++)
            if (expr_uses_name(found, formals->items[i].name.text))
                argument = frame->written[i];
        if (argument == NULL)
            return expr;
        found = argument;
    }
    return found;
}

static Diagnostic *last_note(const Diagnostic *d)
{
    Diagnostic *note = d->notes;
    while (note != NULL && note->next != NULL)
        note = note->next;
    return note;
}

/* What a message says about its operands stands before the calls that led to it. */
static void move_before_calls(Diagnostic *d, Diagnostic *calls)
{
    Diagnostic **link = &d->notes, *note = last_note(d);
    if (note == NULL || note == calls)
        return;
    while (*link != NULL && *link != note)
        link = &(*link)->next;
    *link = NULL;
    for (link = &d->notes; *link != NULL && *link != calls;)
        link = &(*link)->next;
    note->next = *link;
    *link = note;
}

Diagnostic *lower_error(Lowering *L, Code code, Span span, const char *format, ...)
{
    if (L->quiet)
        return NULL;
    char buffer[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    const CallFrame *frame = L->calls;
    Span place = user_span(L, span, &frame);
    Diagnostic *d = report(L->diagnostics, code, place, "%s", buffer);
    if (place.begin != span.begin || place.end != span.end) {
        const CallFrame *inner = L->calls;
        while (inner->outer != frame)
            inner = inner->outer;
        lower_note(L, d, span, "found while lowering the body of %s %s",
                   definition_kind_text(inner->definition->kind), inner->definition->name.text);
    }
    L->call_notes = NULL;
    Diagnostic *first = NULL;
    for (int shown = 0; frame != NULL && shown < 3; frame = frame->outer) {
        if (!frame->matters)
            continue;
        lower_note(L, d, frame->call, "in this call of %s", frame->definition->name.text);
        first = shown++ == 0 ? last_note(d) : first;
    }
    L->call_notes = first;
    return d;
}

/* The head of the prelude's definition around a place: cross_entropy(z: real[k], y: label[k]); NULL if it is not
 * in a head. */
static const char *prelude_head(const Lowering *L, Span span)
{
    if (!is_prelude_span(L, span))
        return NULL;
    const Definition *definition = NULL;
    for (const Binding *b = L->prelude->last; b != NULL && definition == NULL; b = b->next)
        if (b->value->kind == VALUE_DEFINITION && b->value->definition->span.begin <= span.begin
            && span.end <= b->value->definition->span.end)
            definition = b->value->definition;
    if (definition == NULL || span.begin < definition->name.span.begin)
        return NULL;
    const Source *source = source_place(L->map, span.begin).source;
    const char *begin = source->text + (definition->name.span.begin - source->base), *end = begin;
    for (int depth = 0; *end != '\0' && *end != '\n' && (depth > 0 || (*end != '{' && *end != '=')); end++)
        depth += (*end == '(' || *end == '[') - (*end == ')' || *end == ']');
    while (end > begin && end[-1] == ' ')
        end--;
    bool inside = span.begin < definition->name.span.begin + (uint32_t)(end - begin);
    return inside ? text_format(L->arena, "%.*s", (int)(end - begin), begin) : NULL;
}

void lower_note(Lowering *L, Diagnostic *to, Span span, const char *format, ...)
{
    if (to == NULL)
        return;
    char buffer[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    const char *head = prelude_head(L, span);
    size_t length = strlen(buffer);
    if (head != NULL && length > 5 && strcmp(buffer + length - 5, " here") == 0)
        add_note(L->diagnostics, to, span, "%.*s in %s", (int)length - 5, buffer, head);
    else
        add_note(L->diagnostics, to, span, "%s", buffer);
    if (L->call_notes != NULL)
        move_before_calls(to, L->call_notes);
}

void lower_help(Lowering *L, Diagnostic *to, const char *format, ...)
{
    if (to == NULL)
        return;
    char buffer[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    add_help(L->diagnostics, to, "%s", buffer);
}

void lower_suggest(Lowering *L, Diagnostic *to, const Scope *scope, const char *wanted,
                   const char *const *more, int count)
{
    if (to == NULL)
        return;
    Vector(const char *) candidates = {0};
    for (; scope != NULL; scope = scope->parent)
        for (Binding *b = scope->last; b != NULL; b = b->next)
            vector_push(L->arena, &candidates, b->name);
    for (int i = 0; i < count; i++)
        vector_push(L->arena, &candidates, more[i]);
    const char *nearest = nearest_name(wanted, candidates.items, candidates.count);
    if (nearest != NULL)
        lower_help(L, to, "did you mean `%s`?", nearest);
}

void report_unknown_name(Lowering *L, const Definition *definition, const Scope *scope, Word name)
{
    if (L->quiet)
        return;
    for (int i = 0; i < L->unknown.count; i++)
        if (L->unknown.items[i].definition == definition && L->unknown.items[i].name == name.text)
            return;
    if (definition != NULL)
        vector_push(L->arena, &L->unknown, ((UnknownName){definition, name.text}));
    Diagnostic *d;
    if (L->in_index) {
        d = lower_error(L, CODE_E0207, name.span, "the index %s is not bound", name.text);
        lower_help(L, d, "bind it on the left, as in y[%s] = ..., or by `for`, as in sum(... for %s)",
                   name.text, name.text);
        return;
    }
    static const char *const more[] = {"training"};
    d = lower_error(L, CODE_E0202, name.span, "%s is not defined", name.text);
    const char *advice = habit_of_name(name.text);
    if (advice != NULL)
        lower_help(L, d, "%s", advice);
    else
        lower_suggest(L, d, scope, name.text, more, 1);
}

Value *lower_unsupported(Lowering *L, Span span, const char *what)
{
    lower_error(L, CODE_E0210, span, "%s is not supported yet", what);
    return value_poison(L);
}

void note_operand(Lowering *L, Diagnostic *d, const Expr *expr, const Value *v)
{
    if (d == NULL || expr == NULL || expr->kind != EXPR_NAME || L->scope == NULL)
        return;
    Binding *b = scope_find(L->scope, expr->name.text);
    if (b != NULL && b->span.begin != 0)
        lower_note(L, d, b->span, "%s: %s is declared here", expr->name.text, value_type_text(L, v));
}

const char *count_text(Lowering *L, int64_t n, const char *noun)
{
    const char *plural = strcmp(noun, "axis") == 0 ? "axes" : text_format(L->arena, "%ss", noun);
    return text_format(L->arena, "%lld %s", (long long)n, n == 1 ? noun : plural);
}

/* ---- index axes ------------------------------------------------------------------------------ */
void lower_open_axes(Lowering *L, const int64_t *extents, int count, int *ids)
{
    for (int i = 0; i < count; i++) {
        if (L->active_count == (int)(sizeof L->active / sizeof *L->active))
            INTERNAL_ERROR("too many open index axes");
        ids[i] = L->axes.count;
        vector_push(L->arena, &L->axes, ((AxisInfo){extents[i], NULL}));
        L->active[L->active_count++] = ids[i];
    }
}

void lower_close_axes(Lowering *L, int count)
{
    L->active_count -= count;
}

Value *value_own_to_axes(Lowering *L, const Value *v, const int *ids, int count)
{
    if (v->kind != VALUE_TENSOR)
        return (Value *)v;
    Value *result = arena_copy(L->arena, v, sizeof *v);
    for (int i = 0; i < count; i++)
        result->axis[result->axes++] = ids[i];
    return result;
}

static Value *tensor_axes_to_own(Lowering *L, const Value *v, const int *ids, int count)
{
    int keep[MOST_RANK], kept = 0;
    for (int i = 0; i < v->axes; i++) {
        bool leaves = false;
        for (int k = 0; k < count; k++)
            leaves |= v->axis[i] == ids[k];
        if (!leaves)
            keep[kept++] = v->axis[i];
    }
    Shape own = value_own_shape(v);
    if (kept + count + own.rank > MOST_RANK) {
        lower_error(L, CODE_E0219, L->graph->span, "this array would have %s, at most %d are possible",
                    count_text(L, kept + count + own.rank, "axis"), MOST_RANK);
        return value_poison(L);
    }
    int all[MOST_RANK];
    memcpy(all, keep, sizeof(int) * (size_t)kept);
    memcpy(all + kept, ids, sizeof(int) * (size_t)count);
    Node *node = value_spread(L, v, all, kept + count, own);
    return value_like(L, v, node, all, kept);
}

Value *value_axes_to_own(Lowering *L, const Value *v, const int *ids, int count)
{
    if (v->kind == VALUE_TUPLE) {
        Value *tuple = arena_copy(L->arena, v, sizeof *v);
        tuple->items = arena_array(L->arena, Value *, v->count);
        for (int i = 0; i < v->count; i++)
            tuple->items[i] = value_axes_to_own(L, v->items[i], ids, count);
        return tuple;
    }
    if (!value_is_numeric(v))
        return (Value *)v;
    Value *tensor = value_tensor_of(L, v, L->real, L->graph->span, "this");
    return value_is_poison(tensor) ? tensor : tensor_axes_to_own(L, tensor, ids, count);
}

/* ---- cells and slots ------------------------------------------------------------------------- */
int lower_find_cell(const Lowering *L, const char *path)
{
    for (int i = 0; i < L->cells.count; i++)
        if (strcmp(L->cells.items[i].name, path) == 0)
            return i;
    return -1;
}

int lower_cell(Lowering *L, CellKind kind, const char *path, DType dtype, Shape shape, Node *initial,
               Span span)
{
    int index = lower_find_cell(L, path);
    if (index >= 0)
        return index;
    const CallFrame *frame; /* a parameter of the prelude's layers is declared by the call of the layer */
    Cell cell = {.kind = kind,
                 .name = path,
                 .dtype = dtype,
                 .shape = shape,
                 .initial = initial,
                 .of = -1,
                 .span = user_span(L, span, &frame)};
    vector_push(L->arena, &L->cells, cell);
    return L->cells.count - 1;
}

Value *lower_cell_value(Lowering *L, int index)
{
    const Cell *cell = &L->cells.items[index];
    Node *node = graph_leaf(L->graph, OP_CELL, cell->dtype, cell->shape, index);
    node->name = cell->name;
    return value_tensor(L, node, 0);
}

Value *lower_slot(Lowering *L, const char *name, const Value *number, Span span)
{
    int index = 0;
    while (index < L->slots.count && strcmp(L->slots.items[index].name, name) != 0)
        index++;
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

/* ---- paths ----------------------------------------------------------------------------------- */
uint64_t path_hash(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *path != '\0'; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
    return hash;
}

static void counts_grow(Lowering *L, PathCounts *counts)
{
    uint32_t size = counts->size == 0 ? 16 : 2 * counts->size;
    PathCount **bucket = arena_array(L->arena, PathCount *, size);
    for (uint32_t i = 0; i < counts->size; i++)
        for (PathCount *c = counts->bucket[i], *next; c != NULL; c = next) {
            next = c->next;
            c->next = bucket[c->hash & (size - 1)];
            bucket[c->hash & (size - 1)] = c;
        }
    counts->bucket = bucket;
    counts->size = size;
}

const char *path_count(Lowering *L, PathCounts *counts, const char *path)
{
    if (counts->used >= counts->size)
        counts_grow(L, counts);
    uint64_t hash = path_hash(path);
    PathCount **bucket = &counts->bucket[hash & (counts->size - 1)];
    for (PathCount *c = *bucket; c != NULL; c = c->next)
        if (c->hash == hash && strcmp(c->path, path) == 0)
            return text_format(L->arena, "%s.%d", path, ++c->count);
    PathCount *c = arena_new_of(L->arena, PathCount);
    *c = (PathCount){path, hash, 1, *bucket};
    *bucket = c;
    counts->used++;
    return path;
}

const char *path_join(Lowering *L, const char *prefix, const char *name, const char *iteration)
{
    return text_format(L->arena, "%s%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", name, iteration);
}

PathState path_of_binding(Lowering *L, Name name)
{
    PathState path = *L->path;
    if (path.prefix != NULL)
        path.prefix = path_join(L, path.prefix, name, path.iteration);
    path.site = path_join(L, path.site, name, path.iteration);
    return path;
}

bool module_covers(const char *module_path, const char *cell_name)
{
    size_t length = strlen(module_path);
    if (strncmp(module_path, cell_name, length) != 0)
        return false;
    return cell_name[length] == '\0' || cell_name[length] == '.' || cell_name[length] == '[';
}

static const char *dotted_text(Lowering *L, const Expr *path)
{
    if (path == NULL)
        return NULL;
    if (path->kind == EXPR_NAME)
        return path->name.text;
    if (path->kind == EXPR_MEMBER) {
        const char *base = dotted_text(L, path->member.base);
        return base == NULL ? NULL : text_format(L->arena, "%s.%s", base, path->member.member.text);
    }
    if (path->kind == EXPR_INDEX && path->index.items.count == 1) {
        const Item *item = &path->index.items.items[0];
        const char *base = dotted_text(L, path->index.base);
        if (base == NULL || item->kind != ITEM_EXPR || item->expr->kind != EXPR_NUMBER
            || !item->expr->number.is_integer)
            return NULL;
        return text_format(L->arena, "%s[%lld]", base, (long long)item->expr->number.value);
    }
    return NULL;
}

/* Every prefix of a cell's name that ends at a part, for did-you-mean. */
static void add_prefixes(Lowering *L, const char *name, const char ***list, int *count)
{
    Vector(const char *) prefixes = {*list, *count, *count};
    for (const char *p = name; *p != '\0'; p++)
        if (p != name && (*p == '.' || *p == '['))
            vector_push(L->arena, &prefixes, text_format(L->arena, "%.*s", (int)(p - name), name));
    vector_push(L->arena, &prefixes, name);
    *list = prefixes.items;
    *count = prefixes.count;
}

const char *lower_module_path(Lowering *L, Scope *scope, const Expr *path, int *cell)
{
    const char *text = dotted_text(L, path);
    Span span = path == NULL ? L->graph->span : path->span;
    *cell = -1;
    if (text == NULL) {
        lower_error(L, CODE_E0216, span, "a model or a part of it is expected here, like net or net.head");
        return NULL;
    }
    const Expr *root = path;
    while (root->kind != EXPR_NAME)
        root = root->kind == EXPR_MEMBER ? root->member.base : root->index.base;
    Binding *binding = scope_find(scope, root->name.text);
    if (binding != NULL && value_is_poison(binding->value))
        return NULL;
    if (binding != NULL)
        binding->used = true;
    *cell = lower_find_cell(L, text);
    for (int i = 0; i < L->cells.count; i++)
        if (L->cells.items[i].kind == CELL_PARAMETER && module_covers(text, L->cells.items[i].name))
            return text;
    bool is_model = binding != NULL && binding->value->kind == VALUE_DEFINITION
                    && binding->value->definition->kind == DEFINE_MODEL;
    if (binding == NULL || !is_model) {
        Diagnostic *d =
            lower_error(L, CODE_E0202, span, "there is no model or part of a model named %s", text);
        lower_suggest(L, d, scope, text, NULL, 0);
        return NULL;
    }
    const char **candidates = NULL;
    int count = 0;
    bool called = false;
    for (int i = 0; i < L->cells.count; i++)
        if (module_covers(root->name.text, L->cells.items[i].name)) {
            called = true;
            add_prefixes(L, L->cells.items[i].name, &candidates, &count);
        }
    if (!called) {
        lower_error(L, CODE_E0216, span,
                    "%s has no parameters in this run: nothing that is minimized calls it, "
                    "or it declares none",
                    root->name.text);
        return NULL;
    }
    Diagnostic *d = lower_error(L, CODE_E0202, span, "%s has no part named %s", root->name.text, text);
    lower_suggest(L, d, NULL, text, candidates, count);
    return NULL;
}
