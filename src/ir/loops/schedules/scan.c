/* scan: a scan as a loop around the nests of its body.
 *
 *   nests                   operands in panels, of what does not change
 *   nest start              what is carried starts from
 *   for e in 0..n
 *     nests of the body     results go to their element of the stacks
 *     nest carry            what is carried becomes the next
 */
#include "ir/loops/schedules/schedule.h"

/* ---- arrays ------------------------------------------------------------------------------------------------- */
static void give_arrays(Scheduler *s, const ScanPart *part) {
    for (int i = 0; i < part->stacks; i++) schedule_give_array(s, part->stack[i]);
    for (int i = 0; i < part->givens; i++) s->array[part->given[i]->id] = s->array[part->outer[i]->id];
    for (int p = 0; p < part->carries; p++) schedule_give_array(s, part->carried[p]);
}

/* ---- what is carried ---------------------------------------------------------------------------------------- */
static bool go_together(const Node *a, const Node *b) { return shape_equal(a->shape, b->shape) && a->rows == b->rows; }

/* All values at a point are read before one of them is written. */
static void carry_point(Scheduler *s, const ScanPart *part, Node *const *from, int first, const SpacePoint *point) {
    const Scalar **value = arena_array(s->arena, const Scalar *, part->carries + 1);
    for (int p = first; p < part->carries; p++)
        if (go_together(part->carried[p], part->carried[first])) value[p] = value_at_point(s, from[p], point);
    for (int p = first; p < part->carries; p++) {
        const Node *to = part->carried[p];
        if (!go_together(to, part->carried[first])) continue;
        const Subscript *at = point_linear(s, point, to->shape);
        schedule_store(s, s->array[to->id], NULL, schedule_place(s, to, at), value[p]);
    }
}

static void carry(Scheduler *s, const ScanPart *part, Node *const *from, const Nest *nest) {
    for (int p = 0; p < part->carries; p++) {
        bool first = true;
        const Node *to = part->carried[p];
        for (int k = 0; k < p; k++) first &= !go_together(to, part->carried[k]);
        if (!first) continue;
        s->nest = nest;
        schedule_nest_open(s, to);
        bool rows = to->rows != 0 && s->block_rows > 1;
        ScheduleRow before = s->at;
        if (rows) schedule_rows_open(s, NULL, s->pad > 1 ? s->padded_rows : s->block_rows, 1, s->pad);
        SpacePoint point = {{NULL}};
        int opened = schedule_axes_open(s, to->shape.extent, to->shape.rank, point.axis);
        carry_point(s, part, from, p, &point);
        schedule_close_all(s, opened);
        if (rows) schedule_rows_close(s, before);
        schedule_close(s);
    }
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */
static Nest *maker_of(const NestFunction *f, const Node *value) {
    for (NestCursor at = {0}; next_nest(f, &at);)
        for (int k = 0; k < at.nest->store_count; k++) {
            bool whole = at.nest->kind != NEST_SCATTER && at.nest->kind != NEST_SCAN && !at.nest->carried;
            if (at.nest->stores[k].node == value && store_provides(&at.nest->stores[k])) return whole ? at.nest : NULL;
        }
    return NULL;
}

static void add_store(const NestFunction *f, Nest *nest, const Store *store) {
    Store *all = arena_array(f->arena, Store, nest->store_count + 1);
    for (int k = 0; k < nest->store_count; k++) all[k] = nest->stores[k];
    all[nest->store_count++] = *store;
    nest->stores = all;
}

/* A result that is a value which another nest of the body stores goes to its stack there, not by a copy. */
static void stack_where_made(NestFunction *f) {
    for (NestCursor at = {0}; next_nest(f, &at);) {
        Nest *nest = at.nest;
        int kept = 0;
        for (int k = 0; k < nest->store_count; k++) {
            const Store *store = &nest->stores[k];
            Nest *maker = store->kind == STORE_ELEMENT ? maker_of(f, store->value) : NULL;
            if (maker == NULL || maker == nest)
                nest->stores[kept++] = *store;
            else
                add_store(f, maker, store);
        }
        nest->store_count = kept;
    }
}

static NestFunction *body_of(const NestFunction *around, const ScanPart *part) {
    NestFunction *f = arena_new_of(around->arena, NestFunction);
    *f = (NestFunction){.arena = around->arena,
                        .run = around->run,
                        .function = &part->body,
                        .block = around->block,
                        .one_block = true,
                        .parts = around->parts,
                        .part = part};
    fuse_function(f);
    stack_where_made(f);
    return f;
}

static const Subscript *element_at(Scheduler *s, const ScanLoop *scan, const Subscript *index) {
    if (!scan->descending) return index;
    return subscript_sum(s->arena, subscript_number(s->arena, scan->extent - 1), subscript_times(s->arena, index, -1));
}

void schedule_scan(Scheduler *s, const Nest *nest, ScheduleNest *schedule_nest) {
    const ScanPart *part = nest->scan;
    const NestFunction *around = s->f;
    const Nest nothing = {.kind = NEST_ELEMENTS};
    give_arrays(s, part);
    carry(s, part, part->initial, &nothing);
    s->nest = NULL;
    s->f = body_of(around, part);
    schedule_find_arrays(s);
    for (int p = 0; p < part->carries; p++)
        if (node_is_stored(s->f, part->next[p])) schedule_give_array(s, part->next[p]);
    OuterNests outer = schedule_outer_begin(s);
    const Subscript *index = schedule_loop_open(s, "e", part->scan->extent, LOOP_SERIAL);
    OpenScan scan = {part->scan, element_at(s, part->scan, index)};
    vector_push(s->arena, &s->scans, scan);
    for (NestCursor at = {0}; next_nest(s->f, &at);)
        if (at.nest->store_count > 0) schedule_nest(s, at.nest);
    carry(s, part, part->next, &nothing);
    s->nest = NULL;
    s->scans.count--;
    schedule_close(s);
    schedule_outer_end(s, &outer);
    s->f = around;
}
