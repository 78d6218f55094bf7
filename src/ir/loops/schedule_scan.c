/* schedule_scan: a scan as a loop around the nests of its body.
 *
 *   nest start              what is carried starts from
 *   for e in 0..n
 *     nests of the body     results go to their element of the stacks
 *     nest carry            what is carried becomes the next
 */
#include "ir/loops/schedule.h"

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
        int opened = schedule_axes_open(s, "ijlmnopq", to->shape.extent, to->shape.rank, point.axis);
        carry_point(s, part, from, p, &point);
        while (opened-- > 0) schedule_close(s);
        if (rows) schedule_rows_close(s, before);
        schedule_close(s);
    }
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */
static LoopFunction *body_of(const LoopFunction *around, const ScanPart *part) {
    LoopFunction *f = arena_new_of(around->arena, LoopFunction);
    *f = (LoopFunction){.arena = around->arena,
                        .name = part->body.name,
                        .run = around->run,
                        .function = &part->body,
                        .block = around->block,
                        .one_block = true,
                        .target = around->target,
                        .parts = around->parts,
                        .part = part};
    fuse_function(f);
    return f;
}

static const Subscript *element_at(Scheduler *s, const ScanLoop *scan, const Subscript *index) {
    if (!scan->descending) return index;
    return subscript_sum(s->arena, subscript_number(s->arena, scan->extent - 1), subscript_times(s->arena, index, -1));
}

void schedule_scan(Scheduler *s, const Nest *nest, ScheduleNest *schedule_nest) {
    const ScanPart *part = nest->scan;
    const LoopFunction *around = s->f;
    const Nest nothing = {.kind = NEST_ELEMENTS};
    give_arrays(s, part);
    carry(s, part, part->initial, &nothing);
    s->nest = NULL;
    s->f = body_of(around, part);
    schedule_find_arrays(s);
    for (int p = 0; p < part->carries; p++)
        if (node_is_stored(s->f, part->next[p])) schedule_give_array(s, part->next[p]);
    const Subscript *index = schedule_loop_open(s, "e", part->scan->extent, LOOP_SERIAL);
    OpenScan scan = {part->scan, element_at(s, part->scan, index)};
    vector_push(s->arena, &s->scans, scan);
    for (int c = 0; c < s->f->section_count; c++)
        for (int i = 0; i < s->f->sections[c].nests.count; i++) schedule_nest(s, s->f->sections[c].nests.items[i]);
    carry(s, part, part->next, &nothing);
    s->nest = NULL;
    s->scans.count--;
    schedule_close(s);
    s->f = around;
}
