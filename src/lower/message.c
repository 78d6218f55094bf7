/* message.c: what is wrong, said where the user can mend it: a mistake that shows inside the prelude is told at the call
 * that led there, and the calls around it are notes.
 */
#include "lower/internal.h"
#include <string.h>

bool is_prelude_span(const Lowering *L, Span span) {
    if (span.begin == 0) return false;
    Place place = source_place(L->map, span.begin);
    return place.source != NULL && place.source->is_prelude;
}

const char *definition_kind_text(DefinitionKind kind) {
    static const char *const text[] = {"model", "layer", "def", "loss", "metric", "optimizer"};
    return text[kind];
}

Span user_span(const Lowering *L, Span span, const CallFrame **frame) {
    *frame = L->calls;
    while (*frame != NULL && is_prelude_span(L, span)) {
        span = (*frame)->call;
        *frame = (*frame)->outer;
    }
    return span;
}

const Expr *written_by_user(const Lowering *L, const Expr *expr) {
    const Expr *found = expr;
    const CallFrame *frame = L->calls;
    for (; frame != NULL && is_prelude_span(L, found->span); frame = frame->outer) {
        const FormalList *formals = &frame->definition->formals;
        const Expr *argument = NULL;
        for (int i = 0; i < formals->count && argument == NULL; i++)
            if (expr_uses_name(found, formals->items[i].name.text)) argument = frame->written[i];
        if (argument == NULL) return expr;
        found = argument;
    }
    return found;
}

static Diagnostic *last_note(const Diagnostic *d) {
    Diagnostic *note = d->notes;
    while (note != NULL && note->next != NULL) note = note->next;
    return note;
}

/* What a message says about its operands stands before the calls that led to it. */
static void move_before_calls(Diagnostic *d, Diagnostic *calls) {
    Diagnostic **link = &d->notes, *note = last_note(d);
    if (note == NULL || note == calls) return;
    while (*link != NULL && *link != note) link = &(*link)->next;
    *link = NULL;
    for (link = &d->notes; *link != NULL && *link != calls;) link = &(*link)->next;
    note->next = *link;
    *link = note;
}

Diagnostic *lower_error(Lowering *L, Code code, Span span, const char *format, ...) {
    if (L->quiet) return NULL;
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
        while (inner->outer != frame) inner = inner->outer;
        lower_note(L, d, span, "found while lowering the body of %s %s", definition_kind_text(inner->definition->kind),
                   inner->definition->name.text);
    }
    L->call_notes = NULL;
    Diagnostic *first = NULL;
    for (int shown = 0; frame != NULL && shown < 3; frame = frame->outer) {
        if (!frame->matters) continue;
        lower_note(L, d, frame->call, "in this call of %s", frame->definition->name.text);
        first = shown++ == 0 ? last_note(d) : first;
    }
    L->call_notes = first;
    return d;
}

/* The head of the prelude's definition around a place: cross_entropy(z: real[k], y: label[k]); NULL if it is not
 * in a head. */
static const char *prelude_head(const Lowering *L, Span span) {
    if (!is_prelude_span(L, span)) return NULL;
    const Definition *definition = NULL;
    for (const Binding *b = L->prelude->last; b != NULL && definition == NULL; b = b->next)
        if (b->value->kind == VALUE_DEFINITION && b->value->definition->span.begin <= span.begin &&
            span.end <= b->value->definition->span.end)
            definition = b->value->definition;
    if (definition == NULL || span.begin < definition->name.span.begin) return NULL;
    const Source *source = source_place(L->map, span.begin).source;
    const char *begin = source->text + (definition->name.span.begin - source->base), *end = begin;
    for (int depth = 0; *end != '\0' && *end != '\n' && (depth > 0 || (*end != '{' && *end != '=')); end++)
        depth += (*end == '(' || *end == '[') - (*end == ')' || *end == ']');
    while (end > begin && end[-1] == ' ') end--;
    bool inside = span.begin < definition->name.span.begin + (uint32_t)(end - begin);
    return inside ? text_format(L->arena, "%.*s", (int)(end - begin), begin) : NULL;
}

void lower_note(Lowering *L, Diagnostic *to, Span span, const char *format, ...) {
    if (to == NULL) return;
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
    if (L->call_notes != NULL) move_before_calls(to, L->call_notes);
}

void lower_help(Lowering *L, Diagnostic *to, const char *format, ...) {
    if (to == NULL) return;
    char buffer[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    add_help(L->diagnostics, to, "%s", buffer);
}

void lower_suggest(Lowering *L, Diagnostic *to, const Scope *scope, const char *wanted, const char *const *more,
                   int count) {
    if (to == NULL) return;
    Vector(const char *) candidates = {0};
    for (; scope != NULL; scope = scope->parent)
        for (Binding *b = scope->last; b != NULL; b = b->next) vector_push(L->arena, &candidates, b->name);
    for (int i = 0; i < count; i++) vector_push(L->arena, &candidates, more[i]);
    const char *nearest = nearest_name(wanted, candidates.items, candidates.count);
    if (nearest != NULL) lower_help(L, to, "did you mean `%s`?", nearest);
}

void report_unknown_name(Lowering *L, const Definition *definition, const Scope *scope, Word name) {
    if (L->quiet) return;
    for (int i = 0; i < L->unknown.count; i++)
        if (L->unknown.items[i].definition == definition && L->unknown.items[i].name == name.text) return;
    if (definition != NULL) vector_push(L->arena, &L->unknown, ((UnknownName){definition, name.text}));
    Diagnostic *d;
    if (L->in_index) {
        d = lower_error(L, CODE_E0207, name.span, "the index %s is not bound", name.text);
        lower_help(L, d, "bind it on the left, as in y[%s] = ..., or by `for`, as in sum(... for %s)", name.text,
                   name.text);
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

const char *count_text(Lowering *L, int64_t n, const char *noun) {
    const char *plural = strcmp(noun, "axis") == 0 ? "axes" : text_format(L->arena, "%ss", noun);
    return text_format(L->arena, "%lld %s", (long long)n, n == 1 ? noun : plural);
}

const char *usage_text(Lowering *L, const Definition *definition) {
    Text text = text_new(L->arena);
    text_add(&text, "%s(", definition->name.text);
    for (int i = 0; i < definition->formals.count; i++) {
        const Formal *formal = &definition->formals.items[i];
        text_add(&text, "%s%s", i == 0 ? "" : ", ", formal->name.text);
        if (formal->otherwise != NULL) {
            text_add(&text, " = ");
            ast_print_expr(&text, formal->otherwise);
        }
    }
    text_add(&text, ")");
    return text.bytes;
}

bool lower_is_noted(Lowering *L, Span at) {
    for (int i = 0; i < L->noted.count; i++)
        if (L->noted.items[i].begin == at.begin && L->noted.items[i].end == at.end) return true;
    if (!L->quiet) vector_push(L->arena, &L->noted, at);
    return L->quiet;
}
