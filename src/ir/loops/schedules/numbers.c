/* numbers: those of a kernel, as the model computes them, or as they were chosen for all kernels like it.
 *
 * Kernels are alike if their schedules have the same choice: the same reduction of operands of the same shapes, read in the same
 * way, for as many rows. A choice is kept within its range, so whatever is chosen is a schedule; what is computed may lie
 * outside.
 */
#include "ir/loops/schedules/kernel.h"
#include <string.h>

const char *kernel_number_name(KernelNumber number) {
    static const char *const names[KERNEL_NUMBERS] = {[KERNEL_LANES_AXIS] = "lanes along",
                                                      [KERNEL_UNROLLED_AXIS] = "unrolled along",
                                                      [KERNEL_VECTORS] = "vectors",
                                                      [KERNEL_UNROLLED] = "unrolled",
                                                      [KERNEL_LINES] = "lines",
                                                      [KERNEL_BLOCKS] = "blocks",
                                                      [KERNEL_TERMS] = "terms",
                                                      [KERNEL_PANELS] = "panels",
                                                      [KERNEL_TILES] = "tiles",
                                                      [KERNEL_PACKS_LANES] = "packs lanes",
                                                      [KERNEL_PACKS_TILES] = "packs tiles"};
    return names[number];
}

const KernelChoice *tuning_find(const KernelTuning *tuning, const char *kernel) {
    for (int i = 0; tuning != NULL && i < tuning->choices.count; i++)
        if (strcmp(tuning->choices.items[i].kernel, kernel) == 0) return &tuning->choices.items[i];
    return NULL;
}

/* ---- what a kernel is --------------------------------------------------------------------------------------- */
static void add_extents(Text *to, const int64_t *extent, int count) {
    for (int a = 0; a < count; a++) text_add(to, "%s%lld", a > 0 ? "x" : "", (long long)extent[a]);
}

/* An axis of an operand is a sum of multiples of the kernel's axes, a b c ... */
static void add_access(Text *to, const Access *access, int axes) {
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        text_add(to, a > 0 ? "," : "");
        for (int k = 0; k < axes; k++)
            if (map->coef[k] != 0) text_add(to, "+%d%c", map->coef[k], 'a' + k);
        if (map->offset != 0) text_add(to, "%+lld", (long long)map->offset);
        if (map->divisor != 1) text_add(to, "/%lld", (long long)map->divisor);
    }
}

static const char *name_of_kernel(const Scheduler *s, const Kernel *k) {
    const Reduction *r = &k->r;
    Text to = text_new(s->arena);
    text_add(&to, "%s:%d:", op_text(r->node->op), r->dtype);
    add_extents(&to, r->extent, r->result);
    text_add(&to, " sum ");
    add_extents(&to, r->extent + r->result, r->axes - r->result);
    if (k->rows || r->c->over_rows)
        text_add(&to, " %s%lld", r->c->over_rows ? "over" : "rows", (long long)s->block_rows);
    if (r->c->over_rows) text_add(&to, "/%lld%s", (long long)r->chunk, k->carried ? "+" : "");
    for (int o = 0; o < r->node->sources; o++) {
        const Node *source = r->node->source[o];
        text_add(&to, " %s%d:", source->rows != 0 ? "rows" : "", source->dtype);
        add_extents(&to, source->shape.extent, source->shape.rank);
        text_add(&to, "[");
        add_access(&to, &r->c->access[o], r->axes);
        text_add(&to, "]%s", k->operand[o].rows_apart ? "" : "b");
    }
    return to.bytes;
}

static const char *name_of_result(const Scheduler *s, const Kernel *k) {
    const char *name = node_text(s->nest->stores[0].node);
    const char *of = k->r.c->over_rows ? "over rows" : text_format(s->arena, "of %lld", (long long)k->r.terms);
    return text_format(s->arena, "%s, %lld sums %s", name, (long long)k->r.outputs, of);
}

/* ---- its numbers -------------------------------------------------------------------------------------------- */
void kernel_numbers_begin(const Scheduler *s, Kernel *k) {
    const KernelTuning *tuning = s->numbers.tuning;
    double rows = k->rows || k->r.c->over_rows ? (double)s->block_rows : 1;
    k->planned = arena_new_of(s->arena, PlannedKernel);
    *k->planned = (PlannedKernel){.kernel = name_of_kernel(s, k),
                                  .name = name_of_result(s, k),
                                  .operations = rows * (double)k->r.outputs * (double)k->r.terms};
    k->choice = tuning_find(tuning, k->planned->kernel);
    k->seed = tuning == NULL ? 0 : tuning->seed;
}

/* FNV-1a of the kernel and the number. */
static uint64_t draw(const Kernel *k, KernelNumber which) {
    uint64_t h = 1469598103934665603ull ^ k->seed;
    for (const char *c = k->planned->kernel; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211ull;
    h = (h ^ (uint64_t)which) * 1099511628211ull;
    return h ^ h >> 29;
}

int64_t kernel_number(const Kernel *k, KernelNumber which, int64_t computed, int64_t least, int64_t most) {
    int64_t chosen = k->choice == NULL ? 0 : k->choice->number[which];
    if (most < least) return computed;
    if (k->seed != 0) chosen = least + (int64_t)(draw(k, which) % (uint64_t)(most - least + 1));
    if (chosen == 0)
        chosen = computed;
    else
        chosen = chosen < least ? least : chosen > most ? most : chosen;
    k->planned->number[which] = (NumberRange){least, most, chosen};
    return chosen;
}
