/* Random programs in index notation, lowered and interpreted, against loops that read the same places one by
 * one.
 *
 * A program is y[r, ...] = how(t0[...] op t1[...] ... for s, ...), called directly or mapped over one more
 * leading axis of some of its tensors. Every place is an affine combination of the index variables; ranges
 * are left to be found where a bare use gives them. Values are small and whole: sums are exact in every
 * order.
 */
#include "experiment/experiment.h"
#include "ir/interp.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 400, MOST_VARIABLES = 5, MOST_TENSORS = 3, MOST_PLACES = 3 };

typedef struct Reading {
    int offset, coef[MOST_VARIABLES];
} Reading;
typedef struct Operand {
    int rank, extent[MOST_PLACES];
    Reading place[MOST_PLACES];
    bool mapped;
    float *data;
    int size;
} Operand;
typedef struct RandomProgram {
    int variables, results, extent[MOST_VARIABLES];
    bool bare[MOST_VARIABLES];
    int tensors, how, op[MOST_TENSORS], lift;
    Operand tensor[MOST_TENSORS];
} RandomProgram;

static uint64_t draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int below(uint64_t *state, int n) { return (int)(draw(state) % (uint64_t)n); }

static void make_tensor(RandomProgram *p, Operand *t, uint64_t *state) {
    t->rank = 1 + below(state, MOST_PLACES);
    t->mapped = p->lift > 0 && below(state, 2) == 0;
    for (int a = 0; a < t->rank; a++) {
        Reading *place = &t->place[a];
        int v = below(state, p->variables), kind = below(state, 5), last;
        memset(place, 0, sizeof *place);
        if (kind < 3) {
            place->coef[v] = 1;
            t->extent[a] = p->extent[v];
            p->bare[v] = true;
            continue;
        }
        if (kind == 3) {
            place->coef[v] = 1 + below(state, 2);
            place->coef[below(state, p->variables)] += 1;
        }
        place->offset = last = below(state, 3);
        for (int k = 0; k < p->variables; k++) last += place->coef[k] * (p->extent[k] - 1);
        bool is_bare = place->offset == 0;
        int sum = 0;
        for (int k = 0; k < p->variables; k++) sum += place->coef[k];
        t->extent[a] = last + 1 + (is_bare && sum == 1 ? 0 : below(state, 2));
    }
    t->size = t->mapped ? p->lift : 1;
    for (int a = 0; a < t->rank; a++) t->size *= t->extent[a];
    t->data = malloc(sizeof(float) * (size_t)t->size);
    for (int i = 0; i < t->size; i++) t->data[i] = (float)(below(state, 7) - 3);
}

static void make_program(RandomProgram *p, uint64_t seed) {
    uint64_t state = seed;
    memset(p, 0, sizeof *p);
    p->variables = 1 + below(&state, MOST_VARIABLES);
    p->results = below(&state, p->variables + 1);
    p->lift = below(&state, 3) == 0 ? 1 + below(&state, 3) : 0;
    for (int v = 0; v < p->variables; v++) p->extent[v] = 1 + below(&state, 4);
    p->tensors = 1 + below(&state, MOST_TENSORS);
    p->how = below(&state, 4);
    for (int i = 0; i < p->tensors; i++) {
        p->op[i] = below(&state, 3);
        make_tensor(p, &p->tensor[i], &state);
    }
}

/* ---- the text -------------------------------------------------------------------------------- */
static void add_place(Text *text, const RandomProgram *p, const Reading *place) {
    bool first = true;
    for (int v = 0; v < p->variables; v++) {
        if (place->coef[v] == 0) continue;
        text_add(text, first ? "" : " + ");
        if (place->coef[v] == 1)
            text_add(text, "i%d", v);
        else
            text_add(text, "%d * i%d", place->coef[v], v);
        first = false;
    }
    if (place->offset != 0 || first) text_add(text, "%s%d", first ? "" : " + ", place->offset);
}

static void add_binders(Text *text, const RandomProgram *p, int from, int to) {
    for (int v = from; v < to; v++) {
        text_add(text, "%si%d", v == from ? "" : ", ", v);
        if (!p->bare[v]) text_add(text, " in 0..%d", p->extent[v]);
    }
}

static void add_body(Text *text, const RandomProgram *p) {
    static const char *const how[] = {"sum", "mean", "max", "min"}, *const op[] = {"+", "-", "*"};
    bool reduces = p->results < p->variables;
    if (reduces) text_add(text, "%s(", how[p->how]);
    for (int i = 0; i < p->tensors; i++) {
        if (i > 0) text_add(text, " %s ", op[p->op[i]]);
        text_add(text, "t%d[", i);
        for (int a = 0; a < p->tensor[i].rank; a++) {
            text_add(text, a == 0 ? "" : ", ");
            add_place(text, p, &p->tensor[i].place[a]);
        }
        text_add(text, "]");
    }
    if (!reduces) return;
    text_add(text, " for ");
    add_binders(text, p, p->results, p->variables);
    text_add(text, ")");
}

static void add_formals(Text *text, const RandomProgram *p, bool mapped) {
    for (int i = 0; i < p->tensors; i++) {
        text_add(text, "%st%d: f32[", i == 0 ? "" : ", ", i);
        if (mapped && p->tensor[i].mapped) text_add(text, "%d, ", p->lift);
        for (int a = 0; a < p->tensor[i].rank; a++) text_add(text, "%s%d", a == 0 ? "" : ", ", p->tensor[i].extent[a]);
        text_add(text, "]");
    }
}

static const char *program_text(Arena *arena, const RandomProgram *p) {
    Text text = text_new(arena);
    text_add(&text, "def g(");
    add_formals(&text, p, false);
    text_add(&text, ") {\n  ");
    if (p->results > 0) {
        text_add(&text, "y[");
        add_binders(&text, p, 0, p->results);
        text_add(&text, "] = ");
    } else {
        text_add(&text, "y = ");
    }
    add_body(&text, p);
    text_add(&text, "\n  return y\n}\ndef f(");
    add_formals(&text, p, true);
    text_add(&text, ") = g(");
    for (int i = 0; i < p->tensors; i++) text_add(&text, "%st%d", i == 0 ? "" : ", ", i);
    text_add(&text, ")\n");
    return text.bytes;
}

/* ---- the loops ------------------------------------------------------------------------------- */
static double read_tensor(const RandomProgram *p, const Operand *t, int lift, const int *index) {
    int at = t->mapped ? lift : 0;
    for (int a = 0; a < t->rank; a++) {
        int place = t->place[a].offset;
        for (int v = 0; v < p->variables; v++) place += t->place[a].coef[v] * index[v];
        at = at * t->extent[a] + place;
    }
    return (double)t->data[at];
}

/* As written: products bind before sums and differences. */
static double term_value(const RandomProgram *p, int lift, const int *index) {
    double sum = 0, product = 0, sign = 1;
    for (int i = 0; i < p->tensors; i++) {
        double x = read_tensor(p, &p->tensor[i], lift, index);
        if (i > 0 && p->op[i] == 2) {
            product *= x;
            continue;
        }
        sum += sign * product;
        product = x;
        sign = i > 0 && p->op[i] == 1 ? -1 : 1;
    }
    return sum + sign * product;
}

static double reduced_value(const RandomProgram *p, int lift, int *index) {
    double result = 0;
    int count = 1;
    for (int v = p->results; v < p->variables; v++) count *= p->extent[v];
    for (int k = 0; k < count; k++) {
        int rest = k;
        for (int v = p->variables - 1; v >= p->results; v--) {
            index[v] = rest % p->extent[v];
            rest /= p->extent[v];
        }
        double x = term_value(p, lift, index);
        if (k == 0)
            result = x;
        else if (p->how < 2)
            result += x;
        else if (p->how == 2 ? x > result : x < result)
            result = x;
    }
    bool is_mean = p->how == 1 && p->results < p->variables;
    return is_mean ? result / count : result;
}

static int wanted_values(const RandomProgram *p, double *out) {
    bool mapped = false;
    for (int i = 0; i < p->tensors; i++) mapped |= p->tensor[i].mapped;
    int count = mapped ? p->lift : 1, per = 1;
    for (int v = 0; v < p->results; v++) per *= p->extent[v];
    for (int k = 0; k < count * per; k++) {
        int index[MOST_VARIABLES], rest = k % per;
        for (int v = p->results - 1; v >= 0; v--) {
            index[v] = rest % p->extent[v];
            rest /= p->extent[v];
        }
        out[k] = reduced_value(p, k / per, index);
    }
    return count * per;
}

/* ---- both ------------------------------------------------------------------------------------ */
static Value *lower_f(Lowering *L, Names *names) {
    const Definition *f = scope_find(L->global, name_from(names, "f"))->value->definition;
    Value *args[MOST_TENSORS];
    for (int i = 0; i < f->formals.count; i++) {
        Type type = lower_type(L, L->global, f->formals.items[i].type);
        args[i] = value_tensor(L, graph_leaf(L->graph, OP_COLUMN, type.dtype, type.shape, i), 0);
    }
    return lower_call_definition(L, f, arguments_of(L, args, f->formals.count, f->name.span), NULL);
}

static void check_program(uint64_t seed) {
    static double wanted[4096];
    static float got[4096];
    RandomProgram p;
    make_program(&p, seed);
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    SourceMap *map = source_map_new(arena);
    Diagnostics *d = diagnostics_new(arena, map);
    const char *text = program_text(arena, &p);
    Ast *ast = parse(arena, names, d, source_add(map, "random.sgd", text, strlen(text)));
    Lowering *L = lowering_new(arena, names, d, map, false);
    lowering_start_run(L, graph_new(arena, d));
    lower_declare_definitions(L, ast);
    Value *v = lower_f(L, names);
    if (d->errors > 0) diagnostics_print_human(d, stderr, false);
    cr_assert_eq(d->errors, 0, "seed %llu:\n%s", (unsigned long long)seed, text);
    int count = wanted_values(&p, wanted);
    cr_assert_eq(shape_size(v->node->shape), count, "seed %llu:\n%s", (unsigned long long)seed, text);
    sgdrt_column columns[MOST_TENSORS];
    for (int i = 0; i < p.tensors; i++) columns[i] = (sgdrt_column){p.tensor[i].data, 0};
    interpret_rows(v->node, columns, NULL, 0, 1, got);
    for (int i = 0; i < count; i++)
        cr_assert_float_eq(got[i], wanted[i], 1e-4, "seed %llu, element %d: %g, not %g:\n%s", (unsigned long long)seed,
                           i, (double)got[i], wanted[i], text);
    for (int i = 0; i < p.tensors; i++) free(p.tensor[i].data);
    arena_free(arena);
}

Test(index_notation, random_programs_read_the_right_places) {
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) check_program(seed);
}
