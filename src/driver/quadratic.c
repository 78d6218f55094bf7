/* The note on a learning rate above 2/L (N0301).
 *
 * Lowering knows whether the objective is a polynomial of degree 2 in the parameters and the rate a plain number
 * (Run.quadratic_lr). Then its gradient is H p + g, and plain gradient descent contracts every direction only if
 * lr < 2 / L, L the largest eigenvalue of the mean Hessian H over the training rows.
 *
 * L comes from power iteration. One step of the compiled training over all rows maps p to p - lr (H p + g), so
 * H v = (v - step(v) + step(0)) / lr: no other code is needed than that which trains. It stops at a relative
 * change of 1e-5, or gives up silently where rows times parameters make it dear.
 */
#include "driver/training.h"
#include <math.h>
#include <string.h>

enum { MOST_ITERATIONS = 200 };
static const double most_work = 3e9;

typedef struct Vectors {
    Training *t;
    int64_t count;
    double *v, *zero, *next;
} Vectors;

static bool moves(const Cell *cell) {
    return cell->kind == CELL_PARAMETER && cell->updated && dtype_is_real(cell->dtype);
}

static void store(const Vectors *x, const double *values) {
    for (int i = 0; i < x->t->run->cell_count; i++) {
        const Cell *cell = &x->t->run->cells[i];
        if (!moves(cell)) continue;
        char *at = (char *)x->t->state + cell->offset;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++, values++) {
            if (cell->dtype == DTYPE_F64)
                ((double *)at)[k] = *values;
            else
                ((float *)at)[k] = (float)*values;
        }
    }
}

static void fetch(const Vectors *x, double *values) {
    for (int i = 0; i < x->t->run->cell_count; i++) {
        const Cell *cell = &x->t->run->cells[i];
        if (!moves(cell)) continue;
        const char *at = (const char *)x->t->state + cell->offset;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++, values++)
            *values = cell->dtype == DTYPE_F64 ? ((const double *)at)[k] : (double)((const float *)at)[k];
    }
}

/* Where one step over all training rows leads from `from`. */
static void step_from(const Vectors *x, const double *from, double *to) {
    Training *t = x->t;
    const RowSet *rows = &t->data->train;
    store(x, from);
    training_header(t)->step = 0;
    sgdrt_call call = {.state = t->state,
                       .work = t->work,
                       .columns = rows->table->columns,
                       .rows = rows->rows,
                       .count = rows->count,
                       .batch = rows->count,
                       .sums = t->evaluated};
    t->executor->call(t->executor, ENTRY_STEP, 0, &call);
    fetch(x, to);
}

static double norm_of(const double *v, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* The largest eigenvalue, or NaN. */
static double largest_eigenvalue(Vectors *x, double lr) {
    double before = 0;
    for (int64_t i = 0; i < x->count; i++) x->v[i] = 1 + 0.1 * (double)(i % 7);
    memset(x->zero, 0, sizeof *x->zero * (size_t)x->count);
    step_from(x, x->zero, x->zero);
    for (int round = 0; round < MOST_ITERATIONS; round++) {
        double norm = norm_of(x->v, x->count);
        if (!(norm > 0) || !isfinite(norm)) return NAN;
        for (int64_t i = 0; i < x->count; i++) x->v[i] /= norm;
        step_from(x, x->v, x->next);
        for (int64_t i = 0; i < x->count; i++) x->v[i] = (x->v[i] - x->next[i] + x->zero[i]) / lr;
        double eigenvalue = norm_of(x->v, x->count);
        if (round > 4 && fabs(eigenvalue - before) < 1e-5 * eigenvalue) return eigenvalue;
        before = eigenvalue;
    }
    return before;
}

double quadratic_curvature(Training *t) {
    const Run *run = t->run;
    Arena *arena = t->driver->arena;
    Vectors x = {.t = t};
    for (int i = 0; i < run->cell_count; i++)
        if (moves(&run->cells[i])) x.count += shape_size(run->cells[i].shape);
    if (run->most_rows || x.count == 0 || (double)x.count * (double)t->data->train.count * 100 > most_work) return NAN;
    x.v = arena_array(arena, double, x.count);
    x.zero = arena_array(arena, double, x.count);
    x.next = arena_array(arena, double, x.count);
    memcpy(t->snapshot, t->state, run->state_bytes);
    double eigenvalue = largest_eigenvalue(&x, run->quadratic_lr);
    memcpy(t->state, t->snapshot, run->state_bytes);
    return eigenvalue > 0 ? eigenvalue : NAN;
}

void quadratic_check(Training *t) {
    const Run *run = t->run;
    double eigenvalue = quadratic_curvature(t);
    if (!(eigenvalue > 0) || !(run->quadratic_lr > 2 / eigenvalue)) return;
    Diagnostic *d = report(t->driver->diagnostics, CODE_N0301, run->lr_span,
                           "lr = %s is above 2/L = %.3g of this quadratic: gradient descent diverges in the long run",
                           run->lr_text, 2 / eigenvalue);
    add_help(t->driver->diagnostics, d, "the fastest that is safe is near 1/L = %.3g", 1 / eigenvalue);
}
