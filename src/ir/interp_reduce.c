/* interp_reduce: contractions and reductions in the order of docs/numerics.md.
 *
 * For one output the terms are taken in the order of k: places of the mini-batch outermost if they are
 * summed, then the reduced axes as order.c left them. Each chunk starts fresh, in 1 or 16 lanes (lane = k mod
 * 16; summed over rows: place in the chunk mod 16), lanes are combined by the tree l+8, l+4, l+2, l+1, chunks
 * are folded in ascending order.
 *
 * Outputs along one axis, the stretch, are computed side by side, so that the inner loop is vector code and
 * not one long chain: which outputs are neighbours has no influence on any of them. Where the sources are
 * read is in tables over k, made for the other output indices at a time. A term is absent where an axis is
 * left; an axis that cannot be left is folded into a linear offset.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/interp_internal.h"
#include "math_functions.h"
#include "vector_clones.h"

enum { LANES = 16, TERMS = 4096, WIDTH = 256 }; /* terms in a table, outputs in a stretch at once */
enum { NO_AXIS = -1, ROW_AXIS = -2 };

/* An axis of a source that an index can leave, or that it meets only sometimes. */
typedef struct Guard {
    int64_t offset, divisor, extent, stride;
    int64_t coef[MOST_AXES];
} Guard;

typedef struct Operand {
    int64_t base, coef[MOST_AXES]; /* linear part of the place, over result and reduced axes */
    Guard guard[MOST_RANK];
    int guards;
    int64_t row_stride; /* elements of a row; 0 without rows */
    int64_t step;       /* from one output of the stretch to the next */
    int64_t *place;     /* per term of the table */
} Operand;

typedef struct PreparedReduction {
    int sources, rank, reduced;
    int64_t extent[MOST_AXES]; /* result, then reduced axes */
    int64_t terms;             /* product of the reduced extents */
    Operand operand[2];
    int stretch;
    int64_t width; /* result axis of the stretch, NO_AXIS or ROW_AXIS; its extent (rows: 1 here) */
    int64_t out_step;
    /* the table: terms first .. first+count of the outputs at `at` */
    int64_t first, count;
    int64_t at[MOST_RANK];
    bool filled;
    int64_t *low, *high; /* outputs of the stretch that have the term; NULL: all have all */
} PreparedReduction;

/* ---- what is read where ------------------------------------------------------------------ */

static void add_axis(Operand *operand, const AxisMap *map, const PreparedReduction *r, Shape source, int a) {
    int64_t stride = 1;
    for (int b = a + 1; b < source.rank; b++) stride *= source.extent[b];
    int axes = r->rank + r->reduced;
    if (map->divisor == 1 && axis_map_always_within(map, r->extent, axes, source.extent[a])) {
        operand->base += map->offset * stride;
        for (int k = 0; k < axes; k++) operand->coef[k] += map->coef[k] * stride;
        return;
    }
    Guard *guard = &operand->guard[operand->guards++];
    *guard = (Guard){map->offset, map->divisor, source.extent[a], stride, {0}};
    for (int k = 0; k < axes; k++) guard->coef[k] = map->coef[k];
}

/* How fast outputs along a result axis (or rows) go; 0: not at all, a guard divides along it. */
static int64_t stretch_rate(const PreparedReduction *r, const Node *node, int axis) {
    bool dense = true;
    int64_t width = axis == ROW_AXIS ? WIDTH : r->extent[axis];
    for (int s = 0; s < r->sources; s++) {
        const Operand *o = &r->operand[s];
        int64_t step = axis == ROW_AXIS ? (node->source[s]->rows ? o->row_stride : 0) : o->coef[axis];
        for (int g = 0; axis != ROW_AXIS && g < o->guards; g++) {
            if (o->guard[g].coef[axis] != 0 && o->guard[g].divisor != 1) return 0;
            step += o->guard[g].coef[axis] * o->guard[g].stride;
        }
        dense = dense && (step == 0 || step == 1);
    }
    return (width < 64 ? width : 64) * (dense ? 4 : 1);
}

static void choose_stretch(PreparedReduction *r, const Node *node) {
    int64_t best = 1;
    r->stretch = NO_AXIS;
    r->width = 1;
    for (int axis = node->rows ? ROW_AXIS : 0; axis < r->rank; axis++) {
        if (axis == NO_AXIS) continue;
        int64_t rate = stretch_rate(r, node, axis);
        if (rate > best) {
            best = rate;
            r->stretch = axis;
        }
    }
    if (r->stretch >= 0) r->width = r->extent[r->stretch];
    r->out_step = r->stretch == ROW_AXIS ? shape_size(node->shape) : 1;
    for (int a = r->stretch + 1; r->stretch >= 0 && a < r->rank; a++) r->out_step *= r->extent[a];
    for (int s = 0; s < r->sources; s++) {
        Operand *o = &r->operand[s];
        o->step = r->stretch == ROW_AXIS ? o->row_stride : r->stretch >= 0 ? o->coef[r->stretch] : 0;
        for (int g = 0; r->stretch >= 0 && g < o->guards; g++)
            o->step += o->guard[g].coef[r->stretch] * o->guard[g].stride;
    }
}

static PreparedReduction *reduction_new(const Node *node) {
    PreparedReduction *r = interp_memory(sizeof *r);
    *r = (PreparedReduction){.sources = node->sources, .rank = node->shape.rank};
    const Contraction *c = node->attr.contraction;
    r->reduced = c->reduced;
    contraction_space(node->shape, c, r->extent);
    r->terms = 1;
    for (int k = 0; k < c->reduced; k++) r->terms *= c->extent[k];
    bool guarded = false;
    int64_t table = r->terms < TERMS ? r->terms + 1 : TERMS;
    for (int s = 0; s < node->sources; s++) {
        const Node *source = node->source[s];
        r->operand[s].row_stride = source->rows ? shape_size(source->shape) : 0;
        for (int a = 0; a < c->access[s].rank; a++)
            add_axis(&r->operand[s], &c->access[s].axis[a], r, source->shape, a);
        r->operand[s].place = interp_memory((size_t)table * sizeof(int64_t));
        guarded = guarded || r->operand[s].guards > 0;
    }
    choose_stretch(r, node);
    if (guarded) {
        r->low = interp_memory((size_t)table * sizeof(int64_t));
        r->high = interp_memory((size_t)table * sizeof(int64_t));
    }
    return r;
}

void interp_free_reduction(PreparedReduction *r) {
    if (r == NULL) return;
    free(r->operand[0].place);
    free(r->operand[1].place);
    free(r->low);
    free(r->high);
    free(r);
}

static PreparedReduction *reduction_of(Evaluation *e, const Node *node) {
    NodeTables **tables = interp_tables(e, node);
    if (*tables == NULL) {
        *tables = interp_memory(sizeof **tables);
        **tables = (NodeTables){.reduction = reduction_new(node)};
    }
    return (*tables)->reduction;
}

/* ---- the table --------------------------------------------------------------------------- */

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* Narrows low .. high to the outputs whose numerator start + i * coef lies on the axis. Where coef is not 0
 * the divisor is 1. */
static void narrow(const Guard *g, int64_t start, int64_t coef, int64_t *low, int64_t *high) {
    int64_t last = (g->extent - 1) * g->divisor;
    if (coef == 0) {
        if (start < 0 || start > last || start % g->divisor != 0) *high = *low;
        return;
    }
    if (coef < 0) { /* mirrored: last - start - i * -coef */
        start = last - start;
        coef = -coef;
    }
    int64_t first = -floor_divide(start, coef), end = floor_divide(last - start, coef) + 1;
    *low = first > *low ? first : *low;
    *high = end < *high ? end : *high;
}

static void fill_term(PreparedReduction *r, const int64_t *index, int64_t t) {
    int axes = r->rank + r->reduced;
    int64_t low = 0, high = r->stretch >= 0 ? r->width : INT64_MAX;
    for (int s = 0; s < r->sources; s++) {
        Operand *o = &r->operand[s];
        int64_t place = o->base;
        for (int k = 0; k < axes; k++) place += o->coef[k] * index[k];
        for (int i = 0; i < o->guards; i++) {
            const Guard *g = &o->guard[i];
            int64_t start = g->offset;
            for (int k = 0; k < axes; k++) start += g->coef[k] * index[k];
            narrow(g, start, r->stretch >= 0 ? g->coef[r->stretch] : 0, &low, &high);
            place += floor_divide(start, g->divisor) * g->stride;
        }
        o->place[t] = place;
    }
    if (r->low) {
        r->low[t] = low;
        r->high[t] = high;
    }
}

/* Terms first .. first+count for the outputs at `at` (the stretch's own index 0). */
static void fill_table(PreparedReduction *r, const int64_t *at, int64_t first, int64_t count) {
    if (r->filled && r->first == first && r->count == count && memcmp(at, r->at, sizeof r->at) == 0) return;
    int64_t index[MOST_AXES] = {0}, rest = first;
    for (int a = 0; a < r->rank; a++) index[a] = at[a];
    for (int k = r->rank + r->reduced - 1; k >= r->rank; k--) {
        index[k] = rest % r->extent[k];
        rest /= r->extent[k];
    }
    for (int64_t t = 0; t < count; t++) {
        fill_term(r, index, t);
        for (int k = r->rank + r->reduced - 1; k >= r->rank && ++index[k] == r->extent[k]; k--) index[k] = 0;
    }
    r->filled = true;
    r->first = first;
    r->count = count;
    memcpy(r->at, at, sizeof r->at);
}

/* ---- chains ------------------------------------------------------------------------------ */

/* Some terms of the outputs low .. low+width of a stretch. Term t of them goes to lane (lane + t) & mask. */
typedef struct Chains {
    const PreparedReduction *r;
    int64_t begin, count; /* terms, from the table's first */
    const void *x, *y;    /* the row, y NULL for one source */
    int64_t low, width;
    int64_t lane, mask;
    void *lanes; /* [LANES][WIDTH] */
} Chains;

/* first .. end: the outputs of this part of the stretch that have term t. */
static inline void outputs_with(const Chains *c, int64_t t, int64_t *first, int64_t *end) {
    *first = 0;
    *end = c->width;
    if (c->r->low == NULL) return;
    int64_t low = c->r->low[t] - c->low, high = c->r->high[t];
    *first = low > 0 ? low : 0;
    if (high - c->low < *end) *end = high - c->low;
}

#define ONE_SOURCE(name, TYPE, JOIN)                                                              \
    VECTOR_CLONES(name, (const Chains *c), (c)) {                                                 \
        const Operand *o = &c->r->operand[0];                                                     \
        const int64_t step = o->step;                                                             \
        for (int64_t t = c->begin; t < c->begin + c->count; t++) {                                \
            const TYPE *x = (const TYPE *)c->x + o->place[t] + c->low * step;                     \
            TYPE *restrict sum = (TYPE *)c->lanes + ((c->lane + t - c->begin) & c->mask) * WIDTH; \
            int64_t first, end;                                                                   \
            outputs_with(c, t, &first, &end);                                                     \
            if (step == 1)                                                                        \
                for (int64_t i = first; i < end; i++) sum[i] = JOIN(sum[i], x[i]);                \
            else                                                                                  \
                for (int64_t i = first; i < end; i++) sum[i] = JOIN(sum[i], x[i * step]);         \
        }                                                                                         \
    }

#define TWO_SOURCES(name, TYPE, FUSED)                                                              \
    VECTOR_CLONES(name, (const Chains *c), (c)) {                                                   \
        const Operand *ox = &c->r->operand[0], *oy = &c->r->operand[1];                             \
        const int64_t xs = ox->step, ys = oy->step;                                                 \
        for (int64_t t = c->begin; t < c->begin + c->count; t++) {                                  \
            const TYPE *x = (const TYPE *)c->x + ox->place[t] + c->low * xs;                        \
            const TYPE *y = (const TYPE *)c->y + oy->place[t] + c->low * ys;                        \
            TYPE *restrict sum = (TYPE *)c->lanes + ((c->lane + t - c->begin) & c->mask) * WIDTH;   \
            int64_t first, end;                                                                     \
            outputs_with(c, t, &first, &end);                                                       \
            if (first >= end) continue;                                                             \
            if (xs == 1 && ys == 0) {                                                               \
                const TYPE factor = y[0];                                                           \
                for (int64_t i = first; i < end; i++) sum[i] = FUSED(x[i], factor, sum[i]);         \
            } else if (xs == 0 && ys == 1) {                                                        \
                const TYPE factor = x[0];                                                           \
                for (int64_t i = first; i < end; i++) sum[i] = FUSED(factor, y[i], sum[i]);         \
            } else {                                                                                \
                for (int64_t i = first; i < end; i++) sum[i] = FUSED(x[i * xs], y[i * ys], sum[i]); \
            }                                                                                       \
        }                                                                                           \
    }

#define PLUS(a, b) ((a) + (b))
#define FUSED_I32(a, b, c) math_add_i32(math_mul_i32(a, b), c)
ONE_SOURCE(sum_f32, float, PLUS)
ONE_SOURCE(sum_f64, double, PLUS)
ONE_SOURCE(sum_i32, int32_t, math_add_i32)
ONE_SOURCE(max_f32, float, math_max_f32)
ONE_SOURCE(max_f64, double, math_max_f64)
ONE_SOURCE(max_i32, int32_t, math_max_i32)
ONE_SOURCE(min_f32, float, math_min_f32)
ONE_SOURCE(min_f64, double, math_min_f64)
ONE_SOURCE(min_i32, int32_t, math_min_i32)
TWO_SOURCES(product_f32, float, __builtin_fmaf)
TWO_SOURCES(product_f64, double, __builtin_fma)
TWO_SOURCES(product_i32, int32_t, FUSED_I32)

/* to[i] = join(to[i], from[i]): lanes of the tree, chunks of the fold */
#define JOIN(name, TYPE, JOIN)                                                                            \
    static void name(void *to, const void *from, int64_t n) {                                             \
        for (int64_t i = 0; i < n; i++) ((TYPE *)to)[i] = JOIN(((TYPE *)to)[i], ((const TYPE *)from)[i]); \
    }
JOIN(join_sum_f32, float, PLUS)
JOIN(join_sum_f64, double, PLUS)
JOIN(join_sum_i32, int32_t, math_add_i32)
JOIN(join_max_f32, float, math_max_f32)
JOIN(join_max_f64, double, math_max_f64)
JOIN(join_max_i32, int32_t, math_max_i32)
JOIN(join_min_f32, float, math_min_f32)
JOIN(join_min_f64, double, math_min_f64)
JOIN(join_min_i32, int32_t, math_min_i32)

/* What an op does in one type. `start` begins a chain; `empty` is a reduction of no terms. */
typedef struct Kind {
    void (*one)(const Chains *), (*two)(const Chains *);
    void (*join)(void *to, const void *from, int64_t n);
    double start, empty;
} Kind;

/* By type: f32, f64, i32. */
static const Kind sum[] = {{sum_f32, product_f32, join_sum_f32, -0.0, 0},
                           {sum_f64, product_f64, join_sum_f64, -0.0, 0},
                           {sum_i32, product_i32, join_sum_i32, 0, 0}};
static const Kind max[] = {{max_f32, NULL, join_max_f32, -INFINITY, -INFINITY},
                           {max_f64, NULL, join_max_f64, -INFINITY, -INFINITY},
                           {max_i32, NULL, join_max_i32, INT32_MIN, INT32_MIN}};
static const Kind min[] = {{min_f32, NULL, join_min_f32, INFINITY, INFINITY},
                           {min_f64, NULL, join_min_f64, INFINITY, INFINITY},
                           {min_i32, NULL, join_min_i32, INT32_MAX, INT32_MAX}};

static const Kind *kind_of(const Node *node, const Kind *kinds) {
    switch (node->dtype) {
    case DTYPE_F32: return &kinds[0];
    case DTYPE_F64: return &kinds[1];
    case DTYPE_I32: return &kinds[2];
    default: INTERNAL_ERROR("%s of %s", op_text(node->op), dtype_text(node->dtype));
    }
}

static void fill(DType t, void *to, int64_t n, double value) {
    for (int64_t i = 0; i < n; i++) {
        if (t == DTYPE_F32)
            ((float *)to)[i] = (float)value;
        else if (t == DTYPE_F64)
            ((double *)to)[i] = value;
        else
            ((int32_t *)to)[i] = (int32_t)value;
    }
}

/* ---- one stretch ------------------------------------------------------------------------- */

/* A stretch in work: outputs low .. low+width at `at`, of row `row` (unless rows are the stretch). */
typedef struct OpenStretch {
    Evaluation *e;
    const Node *node;
    PreparedReduction *r;
    const Kind *kind;
    const char *source[2];
    int64_t at[MOST_RANK];
    int64_t low, width, row;
    void *lanes, *total; /* [LANES][WIDTH], [WIDTH] */
} OpenStretch;

/* Terms begin .. end of row `place`: term k to lane k & mask (mask 15), or all to `lane` (mask 0). */
static void add_terms(OpenStretch *s, int64_t place, int64_t begin, int64_t end, int64_t lane, int64_t mask) {
    PreparedReduction *r = s->r;
    size_t bytes = dtype_bytes(s->node->dtype);
    for (int64_t k = begin; k < end;) {
        int64_t first = k / TERMS * TERMS, last = first + TERMS < r->terms ? first + TERMS : r->terms;
        int64_t stop = last < end ? last : end;
        fill_table(r, s->at, first, last - first);
        Chains c = {.r = r,
                    .begin = k - first,
                    .count = stop - k,
                    .low = s->low,
                    .width = s->width,
                    .lane = k,
                    .mask = mask,
                    .lanes = (char *)s->lanes + (size_t)(lane * WIDTH) * bytes};
        c.x = s->source[0] + (size_t)(place * r->operand[0].row_stride) * bytes;
        if (r->sources == 2) {
            c.y = s->source[1] + (size_t)(place * r->operand[1].row_stride) * bytes;
            s->kind->two(&c);
        } else {
            s->kind->one(&c);
        }
        k = stop;
    }
}

/* Lanes to lane 0, and that to the total. */
static void close_chunk(OpenStretch *s, int lanes, bool is_first) {
    size_t bytes = dtype_bytes(s->node->dtype) * WIDTH;
    for (int apart = lanes / 2; apart > 0; apart /= 2)
        for (int l = 0; l < apart; l++)
            s->kind->join((char *)s->lanes + (size_t)l * bytes, (char *)s->lanes + (size_t)(l + apart) * bytes,
                          s->width);
    if (is_first)
        memcpy(s->total, s->lanes, (size_t)s->width * dtype_bytes(s->node->dtype));
    else
        s->kind->join(s->total, s->lanes, s->width);
}

static void open_chunk(OpenStretch *s, int lanes) {
    for (int l = 0; l < lanes; l++)
        fill(s->node->dtype, (char *)s->lanes + (size_t)l * WIDTH * dtype_bytes(s->node->dtype), s->width,
             s->kind->start);
}

static void sum_over_rows(OpenStretch *s) {
    const Contraction *c = s->node->attr.contraction;
    int64_t chunk = c->chunk > 0 ? c->chunk : s->e->rows;
    for (int64_t begin = 0; begin < s->e->rows; begin += chunk) {
        int64_t end = begin + chunk < s->e->rows ? begin + chunk : s->e->rows;
        open_chunk(s, c->lanes);
        for (int64_t p = begin; p < end; p++)
            add_terms(s, p, 0, s->r->terms, c->lanes > 1 ? (p - begin) % LANES : 0, 0);
        close_chunk(s, c->lanes, begin == 0);
    }
}

static void sum_of_terms(OpenStretch *s) {
    const Contraction *c = s->node->attr.contraction;
    int64_t chunk = c->chunk > 0 ? c->chunk : s->r->terms;
    for (int64_t begin = 0; begin < s->r->terms; begin += chunk) {
        int64_t end = begin + chunk < s->r->terms ? begin + chunk : s->r->terms;
        open_chunk(s, c->lanes);
        add_terms(s, s->row, begin, end, 0, c->lanes > 1 ? LANES - 1 : 0);
        close_chunk(s, c->lanes, begin == 0);
    }
}

static void write_out(const OpenStretch *s, void *out, int64_t offset) {
    for (int64_t i = 0; i < s->width; i++) {
        int64_t to = offset + i * s->r->out_step;
        switch (s->node->dtype) {
        case DTYPE_F64: ((double *)out)[to] = ((const double *)s->total)[i]; break;
        case DTYPE_F32: ((float *)out)[to] = ((const float *)s->total)[i]; break;
        default: ((int32_t *)out)[to] = ((const int32_t *)s->total)[i]; break;
        }
    }
}

/* The outputs at s->at, all rows. */
static void run_outputs(OpenStretch *s, void *out) {
    const PreparedReduction *r = s->r;
    int64_t outputs = shape_size(s->node->shape), offset = 0;
    for (int a = 0; a < r->rank; a++) offset = offset * r->extent[a] + s->at[a];
    bool over_rows = s->node->attr.contraction->over_rows;
    int64_t rows = r->stretch == ROW_AXIS ? 1 : interp_rows(s->e, s->node);
    int64_t width = r->stretch == ROW_AXIS ? interp_rows(s->e, s->node) : r->width;
    for (s->row = 0; s->row < rows; s->row++) {
        for (s->low = 0; s->low < width; s->low += WIDTH) {
            s->width = width - s->low < WIDTH ? width - s->low : WIDTH;
            if (over_rows)
                sum_over_rows(s);
            else
                sum_of_terms(s);
            write_out(s, out, offset + s->row * outputs + s->low * r->out_step);
        }
    }
}

static void reduce(Evaluation *e, const Node *node, const Kind *kinds, void *out) {
    PreparedReduction *r = reduction_of(e, node);
    const Kind *kind = kind_of(node, kinds);
    if (r->terms == 0 || (node->attr.contraction->over_rows && e->rows == 0)) {
        fill(node->dtype, out, interp_count(e, node), kind->empty);
        return;
    }
    OpenStretch s = {.e = e, .node = node, .r = r, .kind = kind};
    for (int i = 0; i < node->sources; i++) s.source[i] = interp_value(e, node->source[i]);
    s.lanes = interp_memory((LANES + 1) * WIDTH * sizeof(double));
    s.total = (char *)s.lanes + LANES * WIDTH * sizeof(double);
    int64_t outer = shape_size(node->shape) / (r->stretch >= 0 && r->width > 0 ? r->width : 1);
    for (int64_t i = 0; i < outer; i++) {
        run_outputs(&s, out);
        for (int a = r->rank - 1; a >= 0; a--) {
            if (a == r->stretch) continue;
            if (++s.at[a] < r->extent[a]) break;
            s.at[a] = 0;
        }
    }
    free(s.lanes);
}

void interp_eval_CONTRACT(Evaluation *e, const Node *node, void *out) { reduce(e, node, sum, out); }
void interp_eval_REDUCE_MAX(Evaluation *e, const Node *node, void *out) { reduce(e, node, max, out); }
void interp_eval_REDUCE_MIN(Evaluation *e, const Node *node, void *out) { reduce(e, node, min, out); }

/* ---- argmax ------------------------------------------------------------------------------ */

static double element(DType t, const void *x, int64_t at) {
    return t == DTYPE_F32   ? (double)((const float *)x)[at]
           : t == DTYPE_F64 ? ((const double *)x)[at]
                            : (double)((const int32_t *)x)[at];
}

/* The first term that a maximum in the order of k would be left with. */
void interp_eval_ARGMAX(Evaluation *e, const Node *node, void *out) {
    PreparedReduction *r = reduction_of(e, node);
    const Node *source = node->source[0];
    int64_t outputs = shape_size(node->shape), at[MOST_RANK] = {0};
    bool over_rows = node->attr.contraction->over_rows;
    if (r->stretch >= 0) /* each output by itself */
        r->stretch = NO_AXIS;
    for (int64_t o = 0; o < outputs; o++) {
        for (int64_t row = 0, rows = interp_rows(e, node); row < rows; row++) {
            double best = -INFINITY;
            int64_t which = 0;
            for (int64_t p = over_rows ? 0 : row; p < (over_rows ? e->rows : row + 1); p++) {
                for (int64_t k = 0; k < r->terms; k++) {
                    int64_t first = k / TERMS * TERMS;
                    fill_table(r, at, first, r->terms - first < TERMS ? r->terms - first : TERMS);
                    if (r->low && r->high[k - first] <= r->low[k - first]) continue;
                    int64_t place = p * r->operand[0].row_stride + r->operand[0].place[k - first];
                    double term = element(source->dtype, interp_value(e, source), place);
                    if (!(best >= term || best != best)) {
                        best = term;
                        which = over_rows ? p * r->terms + k : k;
                    }
                }
            }
            ((int32_t *)out)[row * outputs + o] = (int32_t)which;
        }
        for (int a = r->rank - 1; a >= 0 && ++at[a] == r->extent[a]; a--) at[a] = 0;
    }
}
