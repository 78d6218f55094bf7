/* path.c: paths, which name parameters and draws.
 *
 * A path is model.binding.layer.parameter. Two paths are kept side by side: the prefix names cells and starts
 * anew with every model, so that a model called twice finds the same cells; the site names draws and runs
 * through all calls, so that a model called twice draws twice. Both count equal paths: the k-th gets ".k".
 */
#include "lower/internal.h"
#include <string.h>

uint64_t path_hash(const char *path) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *path != '\0'; path++) hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
    return hash;
}

static void counts_grow(Lowering *L, PathCounts *counts) {
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

const char *path_count(Lowering *L, PathCounts *counts, const char *path) {
    if (counts->used >= counts->size) counts_grow(L, counts);
    uint64_t hash = path_hash(path);
    PathCount **bucket = &counts->bucket[hash & (counts->size - 1)];
    for (PathCount *c = *bucket; c != NULL; c = c->next)
        if (c->hash == hash && strcmp(c->path, path) == 0) return text_format(L->arena, "%s.%d", path, ++c->count);
    PathCount *c = arena_new_of(L->arena, PathCount);
    *c = (PathCount){path, hash, 1, *bucket};
    *bucket = c;
    counts->used++;
    return path;
}

PathCounts path_counts_copy(Lowering *L, const PathCounts *counts) {
    if (counts == NULL || counts->size == 0) return (PathCounts){0};
    PathCounts copy = {arena_array(L->arena, PathCount *, counts->size), counts->size, counts->used};
    for (uint32_t i = 0; i < counts->size; i++)
        for (const PathCount *c = counts->bucket[i]; c != NULL; c = c->next) {
            PathCount *same = arena_copy(L->arena, c, sizeof *c);
            same->next = copy.bucket[i];
            copy.bucket[i] = same;
        }
    return copy;
}

const char *path_join(Lowering *L, const char *prefix, const char *name, const char *iteration) {
    return text_format(L->arena, "%s%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", name, iteration);
}

PathPart *path_part(Lowering *L, const PathPart *outer, const char *name) {
    PathPart *part = arena_new_of(L->arena, PathPart);
    *part = (PathPart){.name = name, .outer = outer};
    return part;
}

PathState path_of_binding(Lowering *L, Name name) {
    PathState path = *L->path;
    if (path.prefix != NULL) {
        path.part = path_part(L, path.part, text_format(L->arena, "%s%s", name, path.iteration));
        path.prefix = path_join(L, path.prefix, name, path.iteration);
    }
    path.site = path_join(L, path.site, name, path.iteration);
    return path;
}

static bool is_number(const char *segment) {
    size_t digits = strspn(segment, "0123456789");
    return digits > 0 && (segment[digits] == '.' || segment[digits] == '\0');
}

/* Behind the first part of the name, where the pattern's first part is its name: "dense.2.w" and "h[1].w" are parts dense
 * and h. NULL: it is another. */
static const char *behind_part(const char *name, const char *part, size_t length) {
    if (strncmp(name, part, length) != 0) return NULL;
    name += length;
    if (*name == '[') name += strcspn(name, "]") + 1;
    if (*name == '.' && is_number(name + 1)) name += 1 + strspn(name + 1, "0123456789");
    return *name == '.' || *name == '\0' ? name : NULL;
}

/* `*` stands for any parts, also for none. */
static bool pattern_covers(const char *pattern, const char *name) {
    while (*pattern != '*') {
        size_t length = strcspn(pattern, ".");
        name = behind_part(name, pattern, length);
        if (name == NULL) return false;
        pattern += length;
        if (*pattern == '\0') return true;
        if (*name == '\0') return false;
        pattern++;
        name++;
    }
    if (pattern[1] == '\0') return true;
    for (;;) {
        if (pattern_covers(pattern + 2, name)) return true;
        size_t part = strcspn(name, ".");
        if (name[part] == '\0') return false;
        name += part + 1;
    }
}

bool module_is_pattern(const char *module_path) { return strchr(module_path, '*') != NULL; }

bool module_covers(const char *module_path, const char *cell_name) {
    if (module_is_pattern(module_path)) return pattern_covers(module_path, cell_name);
    size_t length = strlen(module_path);
    if (strncmp(module_path, cell_name, length) != 0) return false;
    return cell_name[length] == '\0' || cell_name[length] == '.' || cell_name[length] == '[';
}

static const char *dotted_text(Lowering *L, const Expr *path) {
    if (path == NULL) return NULL;
    if (path->kind == EXPR_NAME) return path->name.text;
    if (path->kind == EXPR_MEMBER) {
        const char *base = dotted_text(L, path->member.base);
        return base == NULL ? NULL : text_format(L->arena, "%s.%s", base, path->member.member.text);
    }
    if (path->kind == EXPR_INDEX && path->index.items.count == 1) {
        const Item *item = &path->index.items.items[0];
        const char *base = dotted_text(L, path->index.base);
        if (base == NULL || item->kind != ITEM_EXPR || item->expr->kind != EXPR_NUMBER ||
            !item->expr->number.is_integer)
            return NULL;
        return text_format(L->arena, "%s[%lld]", base, (long long)item->expr->number.value);
    }
    return NULL;
}

/* Every prefix of a cell's name that ends at a part, for did-you-mean. */
static void add_prefixes(Lowering *L, const char *name, const char ***list, int *count) {
    Vector(const char *) prefixes = {*list, *count, *count};
    for (const char *p = name; *p != '\0'; p++)
        if (p != name && (*p == '.' || *p == '['))
            vector_push(L->arena, &prefixes, text_format(L->arena, "%.*s", (int)(p - name), name));
    vector_push(L->arena, &prefixes, name);
    *list = prefixes.items;
    *count = prefixes.count;
}

/* Behind a call's path a number and another part: the call is one of several. */
static bool is_numbered_call(const char *cell_name, const char *path, size_t length) {
    return strncmp(cell_name, path, length) == 0 && cell_name[length] == '.' && is_number(cell_name + length + 1);
}

/* A path that goes through the first of several calls in one binding means another one when a call is added. */
static void note_numbered(Lowering *L, const char *path, Span span) {
    for (size_t length = strcspn(path, "."); path[length] != '\0'; length += 1 + strcspn(path + length + 1, "."))
        for (int i = 0; i < L->cells.count; i++) {
            size_t end = length + 1 + strcspn(path + length + 1, ".");
            if (L->cells.items[i].kind != CELL_PARAMETER || !is_numbered_call(L->cells.items[i].name, path, end))
                continue;
            if (lower_is_noted(L, (Span){span.begin, span.begin})) return;
            Diagnostic *d = lower_error(L, CODE_N0305, span, "%.*s is one of several calls in one binding", (int)end,
                                        path);
            lower_help(L, d,
                       "they are numbered as they are computed, %.*s.2 is the next: a binding of its own gives "
                       "each a name that stays",
                       (int)end, path);
            return;
        }
}

const char *lower_module_path(Lowering *L, Scope *scope, const Expr *path, int *cell) {
    const char *text = dotted_text(L, path);
    Span span = path == NULL ? L->graph->span : path->span;
    *cell = -1;
    if (text == NULL) {
        lower_error(L, CODE_E0216, span, "a model or a part of it is expected here, like net or net.head");
        return NULL;
    }
    const Expr *root = path;
    while (root->kind != EXPR_NAME) root = root->kind == EXPR_MEMBER ? root->member.base : root->index.base;
    Binding *binding = scope_find(scope, root->name.text);
    if (binding != NULL && value_is_poison(binding->value)) return NULL;
    if (binding != NULL) binding->used = true;
    if (binding != NULL) meaning_of_binding(L, root->name, binding);
    *cell = lower_find_cell(L, text);
    for (int i = 0; i < L->cells.count; i++)
        if (L->cells.items[i].kind == CELL_PARAMETER && module_covers(text, L->cells.items[i].name)) {
            if (!module_is_pattern(text)) note_numbered(L, text, span);
            return text;
        }
    bool is_model = binding != NULL && binding->value->kind == VALUE_DEFINITION &&
                    binding->value->definition->kind == DEFINE_MODEL;
    if (binding == NULL || !is_model) {
        Diagnostic *d = lower_error(L, CODE_E0202, span, "there is no model or part of a model named %s", text);
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
