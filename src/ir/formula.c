/* formula: derivatives as formulas, in index notation and in the user's own names.
 *
 *     loss = (dot(x, line.a) - y)^2
 *     d loss / d line.a[i] = mean over rows of 2 * (dot(x, line.a) - y) * x[i]
 *
 * What is printed is derived from the very graph that is differentiated for training, for one example, before
 * batching and canonicalisation. A node prints as an expression over an index per axis; views substitute the
 * indices. Values the program names keep their names (`h`), their adjoints are called `d_h`; a value that is
 * used several times or would make a line too long is given a name and defined below, so lines stay short,
 * every value is written once and recursion is bounded. Products are printed without the parentheses that
 * only say in which order they round. */
#include "ir/formula.h"

#include <inttypes.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/fold.h"

enum { LONGEST = 10, DEEPEST = 24, MOST_VARIABLES = 64, MOST_INDEX_TERMS = 6 };
enum { COMPARED, ADDED, MULTIPLIED, NEGATED, RAISED, WHOLE };      /* how tightly an expression binds */

/* The place on one axis: (offset + sum of coef * variable) / divisor, or a text. */
typedef struct Index {
    const char *text;
    int64_t offset, divisor, coef[MOST_INDEX_TERMS];
    int     count, variable[MOST_INDEX_TERMS];
} Index;

typedef struct Piece { const char *text; int binding; } Piece;

typedef struct Info {
    const char *name;          /* set: the node prints as this and is defined in a line of its own */
    const Node *adjoint_of;    /* a value the program names */
    int  size, depth, uses;
    bool forced, needed, defined;
} Info;

typedef struct TakenName {
    const char *name;
    int next;
} TakenName; /* next: the number a further one gets */

typedef struct Formula {
    Arena *arena; const Run *run; const Program *program;
    Node **order; int nodes;   /* everything that may be printed, sources first */
    Info *info;                /* by id */
    const char *variable[MOST_VARIABLES]; bool bare[MOST_VARIABLES]; int variables;
    TakenName *taken; int taken_size, taken_count;   /* all names, by hash */
    int    numbered;
    bool   leaves;             /* some place may be outside its array */
} Formula;

static Piece print_at(Formula *f, const Node *n, const Index *at);

static bool is_named_leaf(const Node *n) { return n->sources == 0 && n->op != OP_CONST && n->op != OP_IOTA; }

/* ---- names --------------------------------------------------------------------------------- */
static TakenName *find_name(const Formula *f, const char *name) {
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c; c++) hash = (hash ^ (uint8_t)*c) * 16777619u;
    uint32_t mask = (uint32_t)f->taken_size - 1, at = hash & mask;
    while (f->taken[at].name && strcmp(f->taken[at].name, name) != 0) at = (at + 1) & mask;
    return &f->taken[at];
}

static bool is_taken(const Formula *f, const char *name) { return f->taken_size && find_name(f, name)->name; }

static void add_name(Formula *f, const char *name) {
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
static const char *take_name(Formula *f, const char *name) {
    const char *free_name = name;
    while (is_taken(f, free_name)) {
        free_name = text_format(f->arena, "%s.%d", name, find_name(f, name)->next++);
    }
    add_name(f, free_name);
    return free_name;
}

static const char *number_name(Formula *f) {
    const char *name;
    do name = text_format(f->arena, "t%d", ++f->numbered);
    while (is_taken(f, name));
    add_name(f, name);
    return name;
}

static const char *column_name(const Formula *f, int64_t column) {
    const DataSet *set = f->run->data;
    for (int i = 0; set && i < set->field_count; i++) {
        if (set->fields[i].column == column) return set->fields[i].name;
    }
    return set && column < set->column_count ? set->columns[column].name : "column";
}

static const char *leaf_name(const Formula *f, const Node *n) {
    static const char *const counters[] = {"step", "epoch", "progress"};
    switch (n->op) {
    case OP_CELL: return f->run->cells[n->attr.index].name;
    case OP_SLOT: return f->run->slots[n->attr.index].name;
    case OP_COLUMN: return n->name ? n->name : column_name(f, n->attr.index);
    case OP_RANDOM: return n->name ? n->name : "draw";
    case OP_COUNTER: return counters[n->attr.counter];
    case OP_ROWS_RECIPROCAL: return "(1 / rows)";
    default: return "gradient";
    }
}

/* ---- indices ------------------------------------------------------------------------------- */
static int new_variable(Formula *f) {
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

static Index index_of_variable(int variable) {
    return (Index){.divisor = 1, .count = 1, .variable = {variable}, .coef = {1}};
}

static bool index_is_variable(const Index *x) {
    return !x->text && x->count == 1 && x->coef[0] == 1 && x->offset == 0 && x->divisor == 1;
}

static const char *index_text(Formula *f, const Index *x) {
    if (x->text) return x->text;
    if (index_is_variable(x)) f->bare[x->variable[0]] = true;
    Text to = text_new(f->arena);
    bool divided = x->divisor != 1;
    if (divided) text_add(&to, "(");
    for (int t = 0; t < x->count; t++) {
        int64_t coef = x->coef[t];
        text_add(&to, "%s", t ? (coef < 0 ? " - " : " + ") : (coef < 0 ? "-" : ""));
        if (coef != 1 && coef != -1) text_add(&to, "%" PRId64 " * ", coef < 0 ? -coef : coef);
        text_add(&to, "%s", f->variable[x->variable[t]]);
    }
    if (!x->count) text_add(&to, "%" PRId64, x->offset);
    else if (x->offset)
        text_add(&to, " %c %" PRId64, x->offset < 0 ? '-' : '+', x->offset < 0 ? -x->offset : x->offset);
    if (divided) text_add(&to, ") / %" PRId64, x->divisor);
    return to.bytes;
}

static bool index_add(Index *to, const Index *from, int64_t factor) {
    to->offset += factor * from->offset;
    for (int t = 0; t < from->count; t++) {
        int at = 0;
        while (at < to->count && to->variable[at] != from->variable[t]) at++;
        if (at == MOST_INDEX_TERMS) return false;
        if (at == to->count) {
            to->variable[to->count++] = from->variable[t];
            to->coef[at] = 0;
        }
        to->coef[at] += factor * from->coef[t];
    }
    int kept = 0;
    for (int t = 0; t < to->count; t++) {
        if (to->coef[t] == 0) continue;
        to->variable[kept] = to->variable[t];
        to->coef[kept++] = to->coef[t];
    }
    to->count = kept;
    return true;
}

static Index index_as_text(Formula *f, const AxisMap *map, const Index *at) {
    Text to = text_new(f->arena);
    bool any = false;
    if (map->divisor != 1) text_add(&to, "(");
    for (int k = 0; k < MOST_AXES; k++) {
        if (!map->coef[k]) continue;
        text_add(&to, "%s%" PRId32 " * (%s)", any ? " + " : "", map->coef[k], index_text(f, &at[k]));
        any = true;
    }
    if (map->offset || !any) text_add(&to, "%s%" PRId64, any ? " + " : "", map->offset);
    if (map->divisor != 1) text_add(&to, ") / %" PRId64, map->divisor);
    return (Index){.text = to.bytes};
}

/* The map's place when its indices are `at`. */
static Index index_of_map(Formula *f, const AxisMap *map, const Index *at) {
    Index sum = {.divisor = 1};
    int64_t common = 1;
    for (int k = 0; k < MOST_AXES; k++) {
        if (!map->coef[k]) continue;
        if (axis_map_is_index(map, k)) return at[k];
        if (at[k].text) return index_as_text(f, map, at);
        common = common / affine_gcd(common, at[k].divisor) * at[k].divisor;
    }
    for (int k = 0; k < MOST_AXES; k++) {
        if (map->coef[k] && !index_add(&sum, &at[k], map->coef[k] * (common / at[k].divisor)))
            return index_as_text(f, map, at);
    }
    sum.offset += map->offset * common;
    sum.divisor = map->divisor * common;
    int64_t factor = affine_gcd(sum.offset, sum.divisor);
    for (int t = 0; t < sum.count; t++) factor = affine_gcd(factor, sum.coef[t]);
    if (factor > 1) {
        sum.offset /= factor;
        sum.divisor /= factor;
        for (int t = 0; t < sum.count; t++) sum.coef[t] /= factor;
    }
    return sum;
}

static void indices_of_access(Formula *f, const Access *access, const Index *at, Index *out) {
    for (int a = 0; a < access->rank; a++) out[a] = index_of_map(f, &access->axis[a], at);
}

/* name[i, j] */
static Piece subscripted(Formula *f, const char *name, const Index *at, int rank) {
    Text to = text_new(f->arena);
    text_add(&to, "%s", name);
    for (int a = 0; a < rank; a++) text_add(&to, "%s%s", a ? ", " : "[", index_text(f, &at[a]));
    if (rank) text_add(&to, "]");
    return (Piece){to.bytes, WHOLE};
}

/* ---- expressions --------------------------------------------------------------------------- */
static const char *wrapped(Formula *f, Piece piece, int binding) {
    return piece.binding < binding ? text_format(f->arena, "(%s)", piece.text) : piece.text;
}

static Piece infix(Formula *f, const Node *n, const Index *at, const char *sign, int left, int right,
                   int binding) {
    Piece a = print_at(f, n->source[0], at), b = print_at(f, n->source[1], at);
    return (Piece){text_format(f->arena, "%s %s %s", wrapped(f, a, left), sign, wrapped(f, b, right)),
                   binding};
}

static Piece called(Formula *f, const Node *n, const char *name, const Index *at) {
    Text to = text_new(f->arena);
    text_add(&to, "%s(", name);
    for (int s = 0; s < n->sources; s++)
        text_add(&to, "%s%s", s ? ", " : "", print_at(f, n->source[s], at).text);
    text_add(&to, ")");
    return (Piece){to.bytes, WHOLE};
}

/* a + -b as a - b */
static Piece print_add(Formula *f, const Node *n, const Index *at) {
    Piece left = print_at(f, n->source[0], at), right = print_at(f, n->source[1], at);
    const char *a = wrapped(f, left, ADDED), *b = wrapped(f, right, ADDED);
    bool minus = b[0] == '-' && right.binding != ADDED;
    return (Piece){text_format(f->arena, minus ? "%s - %s" : "%s + %s", a, minus ? b + 1 : b), ADDED};
}

static Piece print_power(Formula *f, const Node *n, const Index *at) {
    Piece base = print_at(f, n->source[0], at);
    if (n->op == OP_POWI) {
        return (Piece){text_format(f->arena, "%s^%" PRId64, wrapped(f, base, WHOLE), n->attr.index), RAISED};
    }
    Piece power = print_at(f, n->source[1], at);
    return (Piece){text_format(f->arena, "%s^%s", wrapped(f, base, WHOLE), wrapped(f, power, WHOLE)), RAISED};
}

/* A product as number * factors / divisors: signs, numbers and quotients of its factors are gathered. */
typedef struct Product {
    double number;
    Text   factors, divisors;
    int    factor_count, divisor_count;
    Piece  only;
} Product;

static bool is_mean(const Node *n);
static bool may_leave(const Node *n, int s);

static void add_factor(Formula *f, Product *p, const Node *n, const Index *at, bool below) {
    bool open = !f->info[n->id].name;
    if (n->op == OP_CONST && !below) {
        p->number *= n->attr.value;
    } else if (open && n->op == OP_NEG) {
        p->number = -p->number;
        add_factor(f, p, n->source[0], at, below);
    } else if (open && n->op == OP_MUL && !is_mean(n) && !below) {
        add_factor(f, p, n->source[0], at, false);
        add_factor(f, p, n->source[1], at, false);
    } else if (open && n->op == OP_DIV && !below) {
        add_factor(f, p, n->source[0], at, false);
        add_factor(f, p, n->source[1], at, true);
    } else if (open && n->op == OP_VIEW && !may_leave(n, 0)) {
        Index place[MOST_RANK];
        indices_of_access(f, &n->attr.contraction->access[0], at, place);
        add_factor(f, p, n->source[0], place, below);
    } else {
        Piece piece = print_at(f, n, at);
        Text *to = below ? &p->divisors : &p->factors;
        int *count = below ? &p->divisor_count : &p->factor_count;
        text_add(to, "%s%s", (*count)++ ? " * " : "", wrapped(f, piece, below ? NEGATED : MULTIPLIED));
        if (!below) p->only = piece;
    }
}

static Piece print_product(Formula *f, const Node *n, const Index *at) {
    Product p = {.number = 1, .factors = text_new(f->arena), .divisors = text_new(f->arena)};
    if (n->op == OP_NEG) p.number = -1;
    add_factor(f, &p, n->source[0], at, false);
    if (n->op != OP_NEG) add_factor(f, &p, n->source[1], at, n->op == OP_DIV);
    bool minus = p.number < 0;
    double size = minus ? -p.number : p.number;
    if (size == 1 && !minus && p.factor_count == 1 && !p.divisor_count) return p.only;
    Text to = text_new(f->arena);
    text_add(&to, "%s", minus ? "-" : "");
    bool has_number = size != 1 || p.factor_count == 0;
    if (has_number) text_add(&to, "%s", text_number(f->arena, size, n->dtype == DTYPE_F32));
    text_add(&to, "%s%s", has_number && p.factor_count ? " * " : "", p.factors.bytes);
    if (p.divisor_count)
        text_add(&to, p.divisor_count > 1 ? " / (%s)" : " / %s", p.divisors.bytes);
    return (Piece){to.bytes, MULTIPLIED};
}

static bool is_mean(const Node *n) {
    if (n->op != OP_MUL || n->source[0]->op != OP_CONTRACT || n->source[1]->op != OP_CONST) return false;
    const Contraction *c = n->source[0]->attr.contraction;
    double terms = 1;
    for (int k = 0; k < c->reduced; k++) terms *= (double)c->extent[k];
    return terms > 1 && n->source[1]->attr.value == fold_round(n->dtype, 1 / terms);
}

/* dot(a, b), if that is what the sum of `product` is. */
static const char *print_dot(Formula *f, const Node *sum, const Node *a, const Node *b) {
    const Contraction *c = sum->attr.contraction;
    if (sum->shape.rank || c->reduced != 1 || a == b) return NULL;
    const Node *factor[] = {a, b};
    const char *name[2];
    for (int s = 0; s < 2; s++) {
        const Access *access = &c->access[sum->sources == 2 ? s : 0];
        const Node *x = factor[s];
        bool is_leaf = x->sources == 0 && x->op != OP_CONST && x->op != OP_IOTA;
        if (x->shape.rank != 1 || !axis_map_is_index(&access->axis[0], 0) ||
            (!is_leaf && !f->info[x->id].name))
            return NULL;
        f->info[x->id].needed |= !is_leaf;
        name[s] = is_leaf ? leaf_name(f, x) : f->info[x->id].name;
    }
    return text_format(f->arena, "dot(%s, %s)", name[0], name[1]);
}

static const char *print_ranges(Formula *f, const int *variable, const int64_t *extent, int count,
                                const char *body) {
    Text to = text_new(f->arena);
    text_add(&to, "%s for ", body);
    for (int k = 0; k < count; k++) {
        text_add(&to, "%s%s", k ? ", " : "", f->variable[variable[k]]);
        if (!f->bare[variable[k]]) text_add(&to, " in 0..%" PRId64, extent[k]);
    }
    return to.bytes;
}

/* Whether a place on axis a of source s of a view or a contraction may be outside it. */
static bool may_leave_axis(const Node *n, int s, int a) {
    int64_t extent[MOST_AXES];
    int axes = contraction_space(n->shape, n->attr.contraction, extent);
    const AxisMap *map = &n->attr.contraction->access[s].axis[a];
    return !axis_map_always_within(map, extent, axes, n->source[s]->shape.extent[a]);
}

static bool may_leave(const Node *n, int s) {
    for (int a = 0; a < n->source[s]->shape.rank; a++) {
        if (may_leave_axis(n, s, a)) return true;
    }
    return false;
}

/* i == 2, i == j, 0 <= 2 * i - 1 < 5 */
static const char *inside_text(Formula *f, const Index *place, int64_t extent) {
    Index difference = *place;
    bool equation = extent == 1 && !place->text && place->count > 0;
    if (equation && place->count == 1 && place->offset % place->coef[0] == 0) {
        Index variable = index_of_variable(place->variable[0]);
        return text_format(f->arena, "%s == %" PRId64, index_text(f, &variable),
                           -place->offset / place->coef[0]);
    }
    difference.divisor = equation ? 1 : place->divisor;
    if (equation) return text_format(f->arena, "%s == 0", index_text(f, &difference));
    return text_format(f->arena, "0 <= %s < %" PRId64, index_text(f, place), extent);
}

/* Source s of a view or a contraction where its index space is `at`. Names and leaves (a product's factors
 * are, see force_source) count as 0 at places outside them, as the last line says; what has no axis to show
 * that by gets its condition. */
static Piece print_read(Formula *f, const Node *n, int s, const Index *at) {
    const Access *access = &n->attr.contraction->access[s];
    const Node *x = n->source[s];
    Index place[MOST_RANK];
    indices_of_access(f, access, at, place);
    Piece piece = print_at(f, x, place);
    bool has_subscript = is_named_leaf(x) || f->info[x->id].name || x->op == OP_MUL;
    for (int a = 0; a < access->rank; a++) {
        if (!may_leave_axis(n, s, a)) continue;
        f->leaves |= has_subscript;
        if (has_subscript) continue;
        const char *inside = inside_text(f, &place[a], x->shape.extent[a]);
        piece = (Piece){text_format(f->arena, "where(%s, %s, 0)", inside, piece.text), WHOLE};
    }
    return piece;
}

static Piece print_reduction(Formula *f, const Node *n, const Index *at, const char *name) {
    const Contraction *c = n->attr.contraction;
    const Node *first = n->source[0],
               *product = first->op == OP_MUL && !f->info[first->id].name ? first : NULL;
    const char *dot = NULL;
    if (n->op == OP_CONTRACT && strcmp(name, "sum") == 0 && (n->sources == 2 || product))
        dot = print_dot(f, n, n->sources == 2 ? first : product->source[0],
                        n->sources == 2 ? n->source[1] : product->source[1]);
    if (dot) return (Piece){dot, WHOLE};
    Index all[MOST_AXES];
    int variable[MOST_AXES], before = f->variables;
    for (int a = 0; a < n->shape.rank; a++) all[a] = at[a];
    int64_t extent[MOST_AXES];
    int ranges = 0;
    for (int k = 0; k < c->reduced; k++) {
        all[n->shape.rank + k] = (Index){.divisor = 1};        /* an axis of extent 1 needs no name */
        if (c->extent[k] == 1) continue;
        variable[ranges] = new_variable(f);
        extent[ranges] = c->extent[k];
        all[n->shape.rank + k] = index_of_variable(variable[ranges++]);
    }
    Piece body[2] = {{"", WHOLE}, {"", WHOLE}};
    for (int s = 0; s < n->sources; s++) {
        body[s] = print_read(f, n, s, all);
    }
    const char *text = body[0].text;
    if (n->sources == 2)
        text = text_format(f->arena, "%s * %s", wrapped(f, body[0], MULTIPLIED),
                           wrapped(f, body[1], MULTIPLIED));
    if (ranges) {
        text = print_ranges(f, variable, extent, ranges, text);
        text = text_format(f->arena, "%s(%s)", name, text);
    }
    f->variables = before;
    return (Piece){text, ranges ? WHOLE : n->sources == 2 ? MULTIPLIED : body[0].binding};
}

static Piece print_reshape(Formula *f, const Node *n, const Index *at) {
    const Node *x = n->source[0];
    Piece whole = print_at(f, x, NULL);
    Text to = text_new(f->arena);
    text_add(&to, "reshape(%s, [", whole.text);
    for (int a = 0; a < n->shape.rank; a++) text_add(&to, "%s%" PRId64, a ? ", " : "", n->shape.extent[a]);
    text_add(&to, "])");
    return subscripted(f, to.bytes, at, n->shape.rank);
}

/* [a, b][i], or concat(x, y)[i, j] */
static Piece print_concat(Formula *f, const Node *n, const Index *at) {
    bool units = n->shape.rank == 1;
    for (int s = 0; s < n->sources; s++) units &= n->source[s]->shape.extent[0] == 1;
    Index zero = {.divisor = 1};
    Text to = text_new(f->arena);
    text_add(&to, units ? "[" : "concat(");
    for (int s = 0; s < n->sources; s++)
        text_add(&to, "%s%s", s ? ", " : "", print_at(f, n->source[s], units ? &zero : NULL).text);
    if (!units && n->attr.index) text_add(&to, ", axis = %" PRId64, n->attr.index);
    text_add(&to, units ? "]" : ")");
    return subscripted(f, to.bytes, at, n->shape.rank);
}

/* table[.., index, ..] */
static Piece print_gather(Formula *f, const Node *n, const Index *at) {
    const Node *table = n->source[0], *index = n->source[1];
    int shared = (int)n->attr.index;
    Index place[MOST_RANK];
    for (int a = 0; a < shared; a++) place[a] = at[a];
    place[shared] = (Index){.text = print_at(f, index, at).text};
    for (int a = shared + 1; a < table->shape.rank; a++) place[a] = at[index->shape.rank + a - shared - 1];
    return print_at(f, table, place);
}

/* sum(x[..] for .. if index == place) */
static Piece print_scatter(Formula *f, const Node *n, const Index *at) {
    const Node *x = n->source[0], *index = n->source[1];
    int shared = (int)n->attr.index, free_axes = index->shape.rank - shared, before = f->variables;
    Index place[MOST_RANK];
    int variable[MOST_RANK];
    for (int a = 0; a < shared; a++) place[a] = at[a];
    for (int a = 0; a < free_axes; a++) {
        variable[a] = new_variable(f);
        place[shared + a] = index_of_variable(variable[a]);
    }
    for (int a = shared + 1; a < n->shape.rank; a++) place[index->shape.rank + a - shared - 1] = at[a];
    const char *value = print_at(f, x, place).text, *where = print_at(f, index, place).text;
    const char *target = index_text(f, &at[shared]);
    const char *text = text_format(f->arena, "where(%s == %s, %s, 0)", where, target, value);
    if (free_axes) {
        const char *ranges = print_ranges(f, variable, index->shape.extent + shared, free_axes, value);
        text = text_format(f->arena, "sum(%s if %s == %s)", ranges, where, target);
    }
    f->variables = before;
    return (Piece){text, WHOLE};
}

static Piece print_const(Formula *f, const Node *n) {
    if (n->dtype == DTYPE_BOOL) return (Piece){n->attr.value != 0 ? "true" : "false", WHOLE};
    const char *text = text_number(f->arena, n->attr.value, n->dtype == DTYPE_F32);
    return (Piece){text, text[0] == '-' ? NEGATED : WHOLE};
}

static Piece print_op(Formula *f, const Node *n, const Index *at) {
    switch (n->op) {
    case OP_CONST: return print_const(f, n);
    case OP_IOTA:
        return (Piece){index_text(f, &at[n->attr.index]),
                       index_is_variable(&at[n->attr.index]) ? WHOLE : ADDED};
    case OP_NEG: return print_product(f, n, at);
    case OP_NOT:
        return (Piece){text_format(f->arena, "not %s", wrapped(f, print_at(f, n->source[0], at), WHOLE)),
                       COMPARED};
    case OP_CAST: return called(f, n, dtype_text(n->dtype), at);
    case OP_ADD: return print_add(f, n, at);
    case OP_SUB: return infix(f, n, at, "-", ADDED, MULTIPLIED, ADDED);
    case OP_MUL:
        if (is_mean(n) && !f->info[n->source[0]->id].name)
            return print_reduction(f, n->source[0], at, "mean");
        return print_product(f, n, at);
    case OP_DIV: return print_product(f, n, at);
    case OP_FLOORDIV: return infix(f, n, at, "//", MULTIPLIED, NEGATED, MULTIPLIED);
    case OP_MOD: return infix(f, n, at, "%", MULTIPLIED, NEGATED, MULTIPLIED);
    case OP_EQ: return infix(f, n, at, "==", ADDED, ADDED, COMPARED);
    case OP_NE: return infix(f, n, at, "!=", ADDED, ADDED, COMPARED);
    case OP_LT: return infix(f, n, at, "<", ADDED, ADDED, COMPARED);
    case OP_LE: return infix(f, n, at, "<=", ADDED, ADDED, COMPARED);
    case OP_AND: return infix(f, n, at, "and", ADDED, ADDED, COMPARED);
    case OP_OR: return infix(f, n, at, "or", ADDED, ADDED, COMPARED);
    case OP_POWI:
    case OP_POW: return print_power(f, n, at);
    case OP_VIEW: return print_read(f, n, 0, at);
    case OP_RESHAPE: return print_reshape(f, n, at);
    case OP_CONCAT: return print_concat(f, n, at);
    case OP_CONTRACT: return print_reduction(f, n, at, "sum");
    case OP_REDUCE_MAX: return print_reduction(f, n, at, "max");
    case OP_REDUCE_MIN: return print_reduction(f, n, at, "min");
    case OP_ARGMAX: return print_reduction(f, n, at, "argmax");
    case OP_GATHER: return print_gather(f, n, at);
    case OP_SCATTER_ADD: return print_scatter(f, n, at);
    default: return called(f, n, op_text(n->op), at);
    }
}

/* at NULL: the value as a whole, which is a name then. */
static Piece print_at(Formula *f, const Node *n, const Index *at) {
    Info *info = &f->info[n->id];
    info->needed |= info->name != NULL;
    const char *name = info->name ? info->name : is_named_leaf(n) ? leaf_name(f, n) : NULL;
    if (name) return at ? subscripted(f, name, at, n->shape.rank) : (Piece){name, WHOLE};
    if (n->op == OP_CONST) return print_const(f, n);
    return print_op(f, n, at);
}

/* ---- which values are named ---------------------------------------------------------------- */
/* How much a reader has to take in for the node itself; what only moves elements is free. */
static int own_size(const Node *n) {
    if (n->op == OP_VIEW || n->op == OP_NEG || n->op == OP_CAST || n->sources == 0) return 0;
    return op_class(n->op) == OP_CLASS_REDUCE ? 3 : 1;
}

static void measure(Formula *f, const Node *n) {
    Info *info = &f->info[n->id];
    info->size = own_size(n);
    for (int s = 0; s < n->sources; s++) {
        const Info *source = &f->info[n->source[s]->id];
        if (source->name) continue;
        info->size += source->size;
        if (source->depth >= info->depth) info->depth = source->depth + 1;
    }
}

static void force_name(Formula *f, const Node *x) {
    while (x->op == OP_VIEW) x = x->source[0];
    if (x->op == OP_MUL) {
        for (int s = 0; s < 2; s++) {
            const Node *factor = x->source[s];
            while (factor->op == OP_VIEW) factor = factor->source[0];
            if (factor->op != OP_CONST) f->info[factor->id].forced = true;
        }
    } else if (x->op != OP_CONST) {
        f->info[x->id].forced = true;
    }
}

/* Sources that are printed as a whole, read at data or read at places that may be outside must be names. */
static void force_sources(Formula *f, const Node *n) {
    bool units = n->op == OP_CONCAT && n->shape.rank == 1;
    for (int s = 0; s < n->sources && units; s++) units = n->source[s]->shape.extent[0] == 1;
    bool reads = n->op == OP_VIEW || n->op == OP_CONTRACT;
    for (int s = 0; s < n->sources; s++) {
        const Node *x = n->source[s];
        for (int a = 0; reads && a < x->shape.rank; a++) {
            if (x->shape.extent[a] > 1 && may_leave_axis(n, s, a)) force_name(f, x);
        }
        if (n->op == OP_RESHAPE || (n->op == OP_CONCAT && !units) || (n->op == OP_GATHER && s == 0))
            f->info[x->id].forced = true;
    }
}

/* Too plain to be named: what it is made of is, if anything. */
static bool is_transparent(const Node *n) {
    return n->op == OP_VIEW || n->op == OP_NEG || n->op == OP_CAST || n->dtype == DTYPE_BOOL;
}

static const char *value_name(const Formula *f, const Node *n) {
    return f->info[n->id].name ? f->info[n->id].name : n->name;
}

static void name_values(Formula *f) {
    for (int i = 0; i < f->nodes; i++) {
        force_sources(f, f->order[i]);
    }
    for (int i = f->nodes - 1; i >= 0; i--) {
        const Node *n = f->order[i];
        int uses = is_transparent(n) ? f->info[n->id].uses : 1;      /* a view is used where it is read */
        for (int s = 0; s < n->sources; s++) f->info[n->source[s]->id].uses += uses;
    }
    for (int i = 0; i < f->nodes; i++) {
        const Node *n = f->order[i];
        Info *info = &f->info[n->id];
        measure(f, n);
        if (is_named_leaf(n) || info->name) continue;
        bool repeated = info->uses > 1 && info->size > 2 && !is_transparent(n);
        bool is_long = info->size > LONGEST || info->depth > DEEPEST;
        if (n->name && !n->backward && info->size > 0) info->name = take_name(f, n->name);
        else if (info->adjoint_of && (info->uses > 1 || info->size > 3 || info->forced) && info->size > 0)
            info->name = take_name(f, text_format(f->arena, "d_%s", value_name(f, info->adjoint_of)));
        else if (is_long || repeated || info->forced) info->name = number_name(f);
    }
}

/* ---- lines --------------------------------------------------------------------------------- */
/* "name[i, j] = " and the expression at these indices. */
static void print_line(Formula *f, Text *to, const char *indent, const char *name, const Node *n,
                       const char *before) {
    Index at[MOST_RANK];
    f->variables = 0;
    for (int a = 0; a < n->shape.rank; a++) at[a] = index_of_variable(new_variable(f));
    Piece left = subscripted(f, name, at, n->shape.rank);
    text_add(to, "%s%s = %s%s\n", indent, left.text, before, print_op(f, n, at).text);
}

static const char *print_value(Formula *f, const Node *n, const Index *at) {
    Piece piece = print_at(f, n, at);
    return wrapped(f, piece, MULTIPLIED);
}

/* Appends the definitions of what has been mentioned, and of what they mention. */
static void print_definitions(Formula *f, Text *to) {
    const char **line = arena_array(f->arena, const char *, f->nodes + 1);
    bool more = true, any = false;
    while (more) {
        more = false;
        for (int i = f->nodes - 1; i >= 0; i--) {
            Info *info = &f->info[f->order[i]->id];
            if (!info->needed || info->defined) continue;
            Text text = text_new(f->arena);
            print_line(f, &text, "    ", info->name, f->order[i], "");
            line[i] = text.bytes;
            info->defined = more = any = true;
        }
    }
    if (any) text_add(to, "  where\n");
    for (int i = 0; i < f->nodes; i++) {
        if (line[i]) text_add(to, "%s", line[i]);
    }
}

typedef struct Derivative { int cell; Node *objective, *penalty; } Derivative;

static void print_derivative(Formula *f, Text *to, const Derivative *d, int width) {
    const Cell *cell = &f->run->cells[d->cell];
    Index at[MOST_RANK];
    f->variables = 0;
    for (int a = 0; a < cell->shape.rank; a++) at[a] = index_of_variable(new_variable(f));
    const char *left = subscripted(f, cell->name, at, cell->shape.rank).text;
    text_add(to, "  d loss / d %-*s = ", width, left);
    if (d->objective)
        text_add(to, "mean over rows of %s", print_value(f, d->objective, at));
    if (d->penalty) text_add(to, "%s%s", d->objective ? " + " : "", print_value(f, d->penalty, at));
    if (!d->objective && !d->penalty) text_add(to, "0");
    text_add(to, "\n");
}

static int derivative_width(Formula *f, const Derivative *derivatives, int count) {
    size_t width = 0;
    for (int i = 0; i < count; i++) {
        const Cell *cell = &f->run->cells[derivatives[i].cell];
        Index at[MOST_RANK];
        f->variables = 0;
        for (int a = 0; a < cell->shape.rank; a++) at[a] = index_of_variable(new_variable(f));
        size_t length = strlen(subscripted(f, cell->name, at, cell->shape.rank).text);
        if (length > width && length <= 32) width = length;
    }
    return (int)width;
}

/* ---- the whole ----------------------------------------------------------------------------- */
typedef struct Objective {
    Node *total, *penalty;
    Node **wrt, **of_total, **of_penalty;
    int params, count;
} Objective;

/* Parameters first, then the values the program names, whose adjoints get names. */
static void collect_wanted(Graph *g, const Run *run, Objective *o) {
    int nodes = 0;
    Node *roots[] = {o->total, o->penalty};
    Node **order = graph_post_order(g->arena, roots, 2, &nodes);
    o->wrt = arena_array(g->arena, Node *, nodes + 1);
    for (int i = 0; i < nodes; i++) {
        if (order[i]->op == OP_CELL && run->cells[order[i]->attr.index].kind == CELL_PARAMETER)
            o->wrt[o->params++] = order[i];
    }
    o->count = o->params;
    for (int i = 0; i < nodes; i++) {
        if (order[i]->name && order[i]->sources && dtype_is_real(order[i]->dtype))
            o->wrt[o->count++] = order[i];
    }
    o->of_total = arena_array(g->arena, Node *, o->count + 1);
    o->of_penalty = arena_array(g->arena, Node *, o->count + 1);
}

static void sort_by_cell(Derivative *d, int count) {
    for (int i = 1; i < count; i++) {
        Derivative moving = d[i];
        int at = i;
        for (; at > 0 && d[at - 1].cell > moving.cell; at--) d[at] = d[at - 1];
        d[at] = moving;
    }
}

static void take_user_names(Formula *f) {
    for (int c = 0; c < f->run->cell_count; c++) add_name(f, f->run->cells[c].name);
    for (int s = 0; s < f->run->slot_count; s++) add_name(f, f->run->slots[s].name);
    for (int i = 0; i < f->nodes; i++) {
        if (is_named_leaf(f->order[i])) add_name(f, leaf_name(f, f->order[i]));
    }
}

static void prepare(Formula *f, Graph *g, const Objective *o) {
    Vector(Node *) roots = {0};
    if (o->total) vector_push(f->arena, &roots, o->total);
    if (o->penalty) vector_push(f->arena, &roots, o->penalty);
    for (int i = 0; i < o->count; i++) {
        if (o->of_total[i]) vector_push(f->arena, &roots, o->of_total[i]);
        if (i < o->params && o->of_penalty[i]) vector_push(f->arena, &roots, o->of_penalty[i]);
    }
    f->order = graph_post_order(f->arena, roots.items, roots.count, &f->nodes);
    f->info = arena_array(f->arena, Info, g->next_id + 1);
    take_user_names(f);
    for (int i = o->params; i < o->count; i++) {
        const Node *adjoint = o->of_total[i];
        if (adjoint && adjoint->backward && !f->info[adjoint->id].adjoint_of)
            f->info[adjoint->id].adjoint_of = o->wrt[i];
    }
    name_values(f);
}

static void print_terms(Formula *f, Text *to) {
    int plain = 0;
    for (int t = 0; t < f->run->term_count; t++) plain += !f->run->terms[t].penalty;
    Text sum = text_new(f->arena);
    for (int t = 0, seen = 0; t < f->run->term_count; t++) {
        const Term *term = &f->run->terms[t];
        if (!term->penalty) text_add(&sum, "%s%s", seen++ ? " + " : "", plain == 1 ? "loss" : term->name);
    }
    if (plain > 1) sum.bytes = text_format(f->arena, "(%s)", sum.bytes);
    Text whole = text_new(f->arena);
    text_add(&whole, "mean over rows of %s", sum.bytes);
    for (int t = 0; t < f->run->term_count; t++) {
        if (f->run->terms[t].penalty) text_add(&whole, " + %s", f->run->terms[t].name);
    }
    for (int t = 0; t < f->run->term_count; t++) {
        const Term *term = &f->run->terms[t];
        const char *name = plain == 1 && !term->penalty ? "loss" : term->name;
        f->variables = 0;
        const Node *value = term->value;
        Piece piece = value->sources ? print_op(f, value, NULL) : print_at(f, value, NULL);
        text_add(to, "  %s = %s\n", name, piece.text);
    }
    if (f->run->term_count > 1) text_add(to, "  minimised: %s\n", whole.bytes);
}

void formula_print(Text *to, const Program *program, const Run *run) {
    Graph *g = run->graph;
    Formula f = {.arena = g->arena, .run = run, .program = program};
    Objective o = {.total = run_sum_of_terms(g, run, false), .penalty = run_sum_of_terms(g, run, true)};
    if (!o.total && !o.penalty) return;
    collect_wanted(g, run, &o);
    if (o.total && !graph_gradients(g, o.total, NULL, o.wrt, o.count, o.of_total)) return;
    if (o.penalty && !graph_gradients(g, o.penalty, NULL, o.wrt, o.params, o.of_penalty)) return;
    prepare(&f, g, &o);
    Derivative *derivatives = arena_array(g->arena, Derivative, o.params + 1);
    for (int p = 0; p < o.params; p++)
        derivatives[p] = (Derivative){(int)o.wrt[p]->attr.index, o.of_total[p], o.of_penalty[p]};
    sort_by_cell(derivatives, o.params);
    print_terms(&f, to);
    int width = derivative_width(&f, derivatives, o.params);
    for (int p = 0; p < o.params; p++) print_derivative(&f, to, &derivatives[p], width);
    print_definitions(&f, to);
    if (f.leaves) text_add(to, "  a value outside its array, or at a place that is not whole, counts as 0\n");
}
