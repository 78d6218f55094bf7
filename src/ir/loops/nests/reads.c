/* reads: what a nest reads, and with which strides.
 *
 * Walks the expression a nest evaluates, from the stored values down to what has an address, and follows the
 * place of each read as an affine form of the nest's axes. fuse.c asks it which nests depend on which, schedules
 * which axis is contiguous. schedules/point.c follows the same rules with subscripts instead of coefficients.
 *
 * Inlined expressions are shallow (fuse.c stores what would be deeper), so the recursion is bounded.
 */
#include "ir/loops/nests/nests.h"
#include <string.h>

typedef struct Point {
    Affine place[MOST_RANK];
    Affine linear;
    bool guarded;
} Point;
typedef struct ReadWalk {
    const NestFunction *f;
    int axes, operand;
    ReadVisitor *visit;
    void *context;
} ReadWalk;

int64_t row_major_stride(Shape s, int axis) {
    int64_t stride = 1;
    for (int a = s.rank - 1; a > axis; a--) stride *= s.extent[a];
    return stride;
}

int axis_of_stride(Shape s, int64_t stride) {
    for (int a = 0; a < s.rank; a++)
        if (s.extent[a] > 1 && row_major_stride(s, a) == stride) return a;
    return -1;
}

bool node_is_memory(const Node *node) { return node->op == OP_CELL || node->op == OP_COLUMN || node->op == OP_CARRIED; }

bool views_one(const Node *node) {
    if (node->op != OP_VIEW) return false;
    const Access *access = &node->attr.contraction->access[0];
    for (int a = 0; a < access->rank; a++)
        for (int k = 0; k < node->shape.rank; k++)
            if (access->axis[a].coef[k] != 0) return false;
    return true;
}

/* As in the gradient of a gather with an index a row: where(index == place, x, 0). */
bool scatters_one(const Node *node) {
    return node->op == OP_SCATTER_ADD && !node->attr.over_rows && node->source[1]->shape.rank == (int)node->attr.index;
}

bool node_is_stored(const NestFunction *f, const Node *node) { return node->id < f->nodes && f->stored[node->id]; }

bool access_is_inside(const Access *access, const int64_t *extent, int axes, Shape source) {
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        int64_t low = map->offset, high = map->offset;
        bool integral = map->offset % map->divisor == 0;
        for (int k = 0; k < axes; k++) {
            int64_t reach = map->coef[k] * (extent[k] - 1);
            if (reach < 0)
                low += reach;
            else
                high += reach;
            if (extent[k] > 1 && map->coef[k] % map->divisor != 0) integral = false;
        }
        if (!integral || low < 0 || high / map->divisor >= source.extent[a]) return false;
    }
    return true;
}

static void affine_add(Affine *to, const Affine *from, int64_t factor, int axes) {
    if (factor == 0) return;
    to->offset += factor * from->offset;
    for (int k = 0; k < axes; k++)
        if (from->coef[k] == WILD_STRIDE || to->coef[k] == WILD_STRIDE)
            to->coef[k] = WILD_STRIDE;
        else
            to->coef[k] += factor * from->coef[k];
}

static void affine_divide(Affine *form, int64_t divisor, int axes) {
    form->offset /= divisor;
    for (int k = 0; k < axes; k++)
        if (form->coef[k] != WILD_STRIDE)
            form->coef[k] = form->coef[k] % divisor ? WILD_STRIDE : form->coef[k] / divisor;
}

static void point_set_linear(Point *p, Shape shape, int axes) {
    p->linear = (Affine){0};
    for (int a = 0; a < shape.rank; a++) affine_add(&p->linear, &p->place[a], row_major_stride(shape, a), axes);
}

/* The place on each axis of a value whose row-major place is known. */
static void point_set_places(Point *p, Shape shape, int axes) {
    int varying = 0, last = 0;
    for (int a = 0; a < shape.rank; a++)
        if (shape.extent[a] > 1) varying++, last = a;
    for (int a = 0; a < shape.rank; a++) {
        p->place[a] = (Affine){0};
        if (varying == 1 && a == last)
            p->place[a] = p->linear;
        else if (shape.extent[a] > 1)
            for (int k = 0; k < axes; k++) p->place[a].coef[k] = p->linear.coef[k] ? WILD_STRIDE : 0;
    }
}

static Point point_through(const Access *access, const Point *at, Shape result, Shape source, int axes) {
    Point p = {.guarded = at->guarded};
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        p.place[a].offset = map->offset;
        for (int k = 0; k < result.rank; k++) affine_add(&p.place[a], &at->place[k], map->coef[k], axes);
        affine_divide(&p.place[a], map->divisor, axes);
    }
    if (!access_is_inside(access, result.extent, result.rank, source)) p.guarded = true;
    point_set_linear(&p, source, axes);
    return p;
}

static void walk(const ReadWalk *w, Node *node, const Point *at, bool top);

static void walk_gather(const ReadWalk *w, Node *node, const Point *at) {
    Node *table = node->source[0], *index = node->source[1];
    int shared = (int)node->attr.index, chosen = index->shape.rank - shared;
    Point i = {.guarded = at->guarded}, t = {.guarded = at->guarded};
    for (int a = 0; a < index->shape.rank; a++) i.place[a] = at->place[a];
    point_set_linear(&i, index->shape, w->axes);
    walk(w, index, &i, false);
    for (int a = 0; a < table->shape.rank; a++) {
        if (a < shared)
            t.place[a] = at->place[a];
        else if (a > shared)
            t.place[a] = at->place[a - 1 + chosen];
        else
            for (int k = 0; k < w->axes; k++) t.place[a].coef[k] = i.linear.coef[k] ? WILD_STRIDE : 0;
    }
    point_set_linear(&t, table->shape, w->axes);
    walk(w, table, &t, false);
}

/* Of scatters_one(): all axes but that of the target are its terms'. */
static void walk_choice(const ReadWalk *w, Node *node, const Point *at) {
    int shared = (int)node->attr.index;
    Point i = {.guarded = at->guarded}, x = {.guarded = at->guarded};
    for (int a = 0; a < node->shape.rank; a++)
        if (a < shared)
            i.place[a] = x.place[a] = at->place[a];
        else if (a > shared)
            x.place[a - 1] = at->place[a];
    point_set_linear(&i, node->source[1]->shape, w->axes);
    point_set_linear(&x, node->source[0]->shape, w->axes);
    for (int s = 0; s < node->sources; s++) walk(w, node->source[s], s == 1 ? &i : &x, false);
}

static void walk(const ReadWalk *w, Node *node, const Point *at, bool top) {
    if ((!top && node_is_stored(w->f, node)) || node_is_memory(node)) {
        Read read = {.node = node, .linear = at->linear, .guarded = at->guarded, .operand = w->operand};
        w->visit(w->context, &read);
        return;
    }
    if (node->op == OP_VIEW) {
        Point p = point_through(&node->attr.contraction->access[0], at, node->shape, node->source[0]->shape, w->axes);
        walk(w, node->source[0], &p, false);
    } else if (node->op == OP_ELEMENT) {
        Point p = {.linear = at->linear, .guarded = at->guarded};
        for (int a = 0; a < node->shape.rank; a++) p.place[a + 1] = at->place[a];
        walk(w, node->source[0], &p, false);
    } else if (node->op == OP_RESHAPE) {
        Point p = {.linear = at->linear, .guarded = at->guarded};
        point_set_places(&p, node->source[0]->shape, w->axes);
        walk(w, node->source[0], &p, false);
    } else if (node->op == OP_GATHER) {
        walk_gather(w, node, at);
    } else if (scatters_one(node)) {
        walk_choice(w, node, at);
    } else if (op_class(node->op) == OP_CLASS_ELEMENT) {
        for (int s = 0; s < node->sources; s++) walk(w, node->source[s], at, false);
    }
}

static void walk_operands(const ReadWalk *from, const Nest *nest) {
    ReadWalk w = *from;
    Node *reduce = nest->reduce;
    if (nest->kind == NEST_SCATTER) { /* the body runs over the elements of x */
        Point x = {0}, index = {0};
        Node *source = reduce->source[0], *places = reduce->source[1];
        w.axes = source->shape.rank;
        for (int a = 0; a < source->shape.rank; a++) x.place[a].coef[a] = 1;
        memcpy(index.place, x.place, sizeof x.place);
        point_set_linear(&x, source->shape, w.axes);
        point_set_linear(&index, places->shape, w.axes);
        w.operand = 0;
        walk(&w, source, &x, false);
        if (reduce->sources > 2) /* the other factor of a product */
            walk(&w, reduce->source[2], &x, false);
        w.operand = 1;
        walk(&w, places, &index, false);
        return;
    }
    const Contraction *c = reduce->attr.contraction;
    Shape space = {.rank = reduce->shape.rank + c->reduced};
    if (space.rank > MOST_AXES) INTERNAL_ERROR("an index space of %d axes", space.rank);
    w.axes = space.rank;
    int64_t extent[MOST_AXES];
    for (int k = 0; k < space.rank; k++)
        extent[k] = k < reduce->shape.rank ? reduce->shape.extent[k] : c->extent[k - reduce->shape.rank];
    for (int s = 0; s < reduce->sources; s++) {
        Point p = {0};
        const Access *access = &c->access[s];
        for (int a = 0; a < access->rank; a++) {
            p.place[a].offset = access->axis[a].offset;
            for (int k = 0; k < space.rank; k++) p.place[a].coef[k] = access->axis[a].coef[k];
            affine_divide(&p.place[a], access->axis[a].divisor, w.axes);
        }
        p.guarded = !access_is_inside(access, extent, space.rank, reduce->source[s]->shape);
        point_set_linear(&p, reduce->source[s]->shape, w.axes);
        w.operand = s;
        walk(&w, reduce->source[s], &p, false);
    }
}

/* provides: the value is computed here (its own array is not read). */
void value_reads(const NestFunction *f, Node *value, bool provides, const Nest *nest, ReadVisitor *visit,
                 void *context) {
    ReadWalk w = {.f = f, .axes = nest->space.rank, .operand = -1, .visit = visit, .context = context};
    Point p = {0};
    if (nest->flat) {
        p.linear.coef[0] = 1;
        point_set_places(&p, value->shape, w.axes);
    } else {
        for (int a = 0; a < nest->space.rank; a++) p.place[a].coef[a] = 1;
        point_set_linear(&p, value->shape, w.axes);
    }
    walk(&w, value, &p, provides);
}

bool store_provides(const Store *store) { return store->kind == STORE_ARRAY && store->value == store->node; }

/* All of what its body reads. */
static void scan_reads(const NestFunction *f, const Nest *nest, ReadVisitor *visit, void *context) {
    ReadWalk w = {.f = f, .operand = 0, .visit = visit, .context = context};
    const Node *stack = nest->stores[0].node;
    for (int s = 0; s < stack->sources; s++) walk(&w, stack->source[s], &(Point){0}, false);
}

void nest_reads(const NestFunction *f, const Nest *nest, ReadVisitor *visit, void *context) {
    if (nest->kind == NEST_SCAN) {
        scan_reads(f, nest, visit, context);
        return;
    }
    for (int s = 0; s < nest->store_count; s++)
        value_reads(f, nest->stores[s].value, store_provides(&nest->stores[s]), nest, visit, context);
    if (nest->reduce != NULL) {
        ReadWalk w = {.f = f, .visit = visit, .context = context};
        walk_operands(&w, nest);
    }
}

bool read_is_here(const Nest *nest, const Read *read) {
    if (read->operand >= 0 || read->guarded || read->linear.offset != 0) return false;
    for (int a = 0; a < nest->space.rank; a++)
        if (nest->space.extent[a] > 1 && read->linear.coef[a] != row_major_stride(nest->space, a)) return false;
    return shape_size(read->node->shape) == shape_size(nest->space);
}
