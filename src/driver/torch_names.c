/* torch_names: which key of a state_dict a parameter has.
 *
 * A person who writes the nn.Module beside a program gives an attribute the name of the binding, and lets layers be the
 * modules that PyTorch has for them:
 *
 *     h = relu(dense(x, 128))      net.h.dense.w    self.h = nn.Linear(784, 128)    h.weight
 *     return dense(h, 10)          net.dense.w      self.dense = nn.Linear(128, 10)   dense.weight
 *     repeat 2 { h = block(h) }    net.h[1].block   self.h = nn.ModuleList(...)       h.1
 */
#include "driver/torch.h"
#include <string.h>

/* Parameters of the prelude's layers, as the modules that docs/exchange.md names call them. */
static const struct TorchRow {
    const char *layer, *inside, *key;
    int place, parts;
} rows[] = {
    {"dense", "w", "weight", 0, 1},
    {"dense", "b", "bias", 0, 1},
    {"conv2d", "f", "weight", 0, 1},
    {"conv2d", "b", "bias", 0, 1},
    {"layer_norm", "g", "weight", 0, 1},
    {"layer_norm", "b", "bias", 0, 1},
    {"conv1d", "f", "weight", 0, 1},
    {"conv1d", "b", "bias", 0, 1},
    {"conv_transpose2d", "f", "weight", 0, 1},
    {"conv_transpose2d", "b", "bias", 0, 1},
    {"group_norm", "g", "weight", 0, 1},
    {"group_norm", "b", "bias", 0, 1},
    {"rms_norm", "g", "weight", 0, 1},
    {"embedding", "e", "weight", 0, 1},
    {"score", "dense.w", "weight", 0, 1},
    {"score", "dense.b", "bias", 0, 1},
    {"rnn_cell", "w", "weight_ih", 0, 1},
    {"rnn_cell", "u", "weight_hh", 0, 1},
    {"rnn_cell", "b", "bias_ih", 0, 1},
    {"rnn_cell", "c", "bias_hh", 0, 1},
    {"lstm_cell", "w", "weight_ih", 0, 1},
    {"lstm_cell", "u", "weight_hh", 0, 1},
    {"lstm_cell", "b", "bias_ih", 0, 1},
    {"lstm_cell", "c", "bias_hh", 0, 1},
    {"gru_cell", "w", "weight_ih", 0, 1},
    {"gru_cell", "u", "weight_hh", 0, 1},
    {"gru_cell", "b", "bias_ih", 0, 1},
    {"gru_cell", "c", "bias_hh", 0, 1},
    {"batch_norm", "g", "weight", 0, 1},
    {"batch_norm", "b", "bias", 0, 1},
    {"batch_norm", "m", "running_mean", 0, 1},
    {"batch_norm", "v", "running_var", 0, 1},
    {"attention", "q.dense.w", "in_proj_weight", 0, 3},
    {"attention", "r.dense.w", "in_proj_weight", 1, 3},
    {"attention", "v.dense.w", "in_proj_weight", 2, 3},
    {"attention", "q.dense.b", "in_proj_bias", 0, 3},
    {"attention", "r.dense.b", "in_proj_bias", 1, 3},
    {"attention", "v.dense.b", "in_proj_bias", 2, 3},
    {"attention", "dense.w", "out_proj.weight", 0, 1},
    {"attention", "dense.b", "out_proj.bias", 0, 1},
    {"rnn", "w", "weight_ih_l0", 0, 1},
    {"rnn", "u", "weight_hh_l0", 0, 1},
    {"rnn", "b", "bias_ih_l0", 0, 1},
    {"rnn", "c", "bias_hh_l0", 0, 1},
    {"lstm", "w", "weight_ih_l0", 0, 1},
    {"lstm", "u", "weight_hh_l0", 0, 1},
    {"lstm", "b", "bias_ih_l0", 0, 1},
    {"lstm", "c", "bias_hh_l0", 0, 1},
    {"gru", "w", "weight_ih_l0", 0, 1},
    {"gru", "u", "weight_hh_l0", 0, 1},
    {"gru", "b", "bias_ih_l0", 0, 1},
    {"gru", "c", "bias_hh_l0", 0, 1},
};

/* ---- paths ------------------------------------------------------------------------------------------- */
/* A parameter's path, outermost part first, and its own name. */
typedef struct Path {
    const PathPart **parts;
    int count;
    const char *own;
} Path;

static Path path_of(Arena *arena, const Cell *cell) {
    Path path = {0};
    size_t length = 0;
    for (const PathPart *p = cell->part; p; p = p->outer) path.count++;
    path.parts = arena_array(arena, const PathPart *, path.count + 1);
    int at = path.count;
    for (const PathPart *p = cell->part; p; p = p->outer) {
        path.parts[--at] = p;
        length += strlen(p->name) + 1;
    }
    path.own = cell->name + length;
    return path;
}

/* Do both have the same first parts? */
static bool same_parts(const Path *a, const Path *b, int count) {
    if (a->count < count || b->count < count) return false;
    for (int i = count - 1; i >= 0; i--)
        if (a->parts[i] != b->parts[i] && strcmp(a->parts[i]->name, b->parts[i]->name) != 0) return false;
    return true;
}

/* "h[1]" as h.1, "dense.2" as dense_2; suffix: behind what stands before the bracket. */
static void add_word(Text *to, const char *name, const char *suffix) {
    size_t base = strcspn(name, "[");
    for (size_t i = 0; name[i]; i++) {
        if (i == base) text_add(to, "%s", suffix);
        if (name[i] == '.')
            text_add(to, "_");
        else if (name[i] == '[')
            text_add(to, ".");
        else if (name[i] != ']')
            text_add_bytes(to, name + i, 1);
    }
}

/* ---- one parameter ------------------------------------------------------------------------------------- */
typedef struct Naming {
    Arena *arena;
    const Path *paths; /* of the parameters */
    int count;
    bool one_model;
} Naming;

/* Part `i`, which a layer follows, is a model or binding that holds this layer and nothing else. */
static bool is_its_layer(const Naming *n, const Path *path, int i) {
    if (path->parts[i]->is_call || i + 1 >= path->count || !path->parts[i + 1]->is_call) return false;
    for (int k = 0; k < n->count; k++)
        if (same_parts(path, &n->paths[k], i + 1) && !same_parts(path, &n->paths[k], i + 2)) return false;
    return true;
}

/* Is there h beside h[0]? */
static bool has_namesake(const Naming *n, const Path *path, int i) {
    size_t base = strcspn(path->parts[i]->name, "[");
    for (int k = 0; path->parts[i]->name[base] && k < n->count; k++) {
        const Path *other = &n->paths[k];
        if (!same_parts(path, other, i) || other->count <= i) continue;
        const char *name = other->parts[i]->name;
        if (strlen(name) == base && memcmp(name, path->parts[i]->name, base) == 0) return true;
    }
    return false;
}

/* The row for a parameter inside part `i`, or NULL. */
static const struct TorchRow *row_of(Arena *arena, const Path *path, int i) {
    Text inside = text_new(arena);
    size_t layer = strcspn(path->parts[i]->name, ".");
    for (int k = i + 1; k < path->count; k++) text_add(&inside, "%s.", path->parts[k]->name);
    text_add(&inside, "%s", path->own);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        if (strlen(rows[r].layer) == layer && memcmp(rows[r].layer, path->parts[i]->name, layer) == 0 &&
            strcmp(rows[r].inside, inside.bytes) == 0)
            return &rows[r];
    return NULL;
}

static TorchName torch_name_of(const Naming *n, const Path *path) {
    Text key = text_new(n->arena);
    const struct TorchRow *row = NULL;
    for (int i = 0; i < path->count && !row; i++) {
        const PathPart *part = path->parts[i];
        bool model = i == 0, kept = model ? !n->one_model : true;
        if (part->is_call && i > 0 && is_its_layer(n, path, i - 1) && !(i == 1 && n->one_model)) kept = false;
        if (kept) {
            if (key.length) text_add(&key, ".");
            add_word(&key, part->name, has_namesake(n, path, i) ? "_repeat" : "");
        }
        if (part->is_call && part->is_prelude) row = row_of(n->arena, path, i);
    }
    if (key.length) text_add(&key, ".");
    if (row)
        text_add(&key, "%s", row->key);
    else
        add_word(&key, path->own, "");
    return (TorchName){key.bytes, row ? row->place : 0, row ? row->parts : 1};
}

/* ---- all of a run --------------------------------------------------------------------------------------- */
static bool differ(Driver *driver, const Run *run, const TorchName *names) {
    for (int i = 0; i < run->cell_count; i++)
        for (int k = 0; k < i; k++) {
            if (!names[i].key || !names[k].key || strcmp(names[i].key, names[k].key) != 0 ||
                names[i].place != names[k].place)
                continue;
            Diagnostic *d = report(driver->diagnostics, CODE_E0428, run->cells[i].span,
                                   "%s and %s would both be %s in PyTorch", run->cells[k].name, run->cells[i].name,
                                   names[i].key);
            add_help(driver->diagnostics, d, "give one of the bindings that hold them another name");
            return false;
        }
    return true;
}

const TorchName *torch_names(Driver *driver, const Run *run) {
    Arena *arena = driver->arena;
    TorchName *names = arena_array(arena, TorchName, run->cell_count + 1);
    Path *paths = arena_array(arena, Path, run->cell_count + 1);
    Naming naming = {.arena = arena, .paths = paths, .one_model = true};
    for (int i = 0; i < run->cell_count; i++)
        if (run->cells[i].part) paths[naming.count++] = path_of(arena, &run->cells[i]);
    for (int k = 1; k < naming.count; k++) naming.one_model &= same_parts(&paths[0], &paths[k], 1);
    for (int i = 0, k = 0; i < run->cell_count; i++)
        if (run->cells[i].part) names[i] = torch_name_of(&naming, &paths[k++]);
    return differ(driver, run, names) ? names : NULL;
}

const char *torch_counter(Arena *arena, const Run *run, const TorchName *names, int cell) {
    static const char mean[] = "running_mean";
    if (run->cells[cell].kind != CELL_STATE || !names[cell].key) return NULL;
    size_t length = strlen(names[cell].key), prefix = length - (sizeof mean - 1);
    if (length < sizeof mean - 1 || strcmp(names[cell].key + prefix, mean) != 0) return NULL;
    return text_format(arena, "%.*snum_batches_tracked", (int)prefix, names[cell].key);
}

const char *torch_name_text(Arena *arena, const Run *run, const TorchName *names, int cell) {
    const TorchName *name = &names[cell];
    if (!name->key) return "";
    if (name->parts == 1) return name->key;
    long long rows_of_it = (long long)run->cells[cell].shape.extent[0];
    return text_format(arena, "%s[%lld..%lld]", name->key, name->place * rows_of_it, (name->place + 1) * rows_of_it);
}
