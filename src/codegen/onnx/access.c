/* access: a source as an index map reads it.
 *
 * A map reads each axis of the source by itself, so each is changed by itself: an axis read by one index in steps is a
 * Slice, one read by several (2 * i + u) is a Gather whose table has an axis for each of them, and one that is read
 * outside its source is padded before. Axes are taken from the last to the first: so the numbers of those to come stay as
 * they are. Only where an index reads two axes (a diagonal) is the whole source taken as one axis, and gathered.
 */
#include "codegen/onnx/onnx.h"
#include "ir/affine.h"
#include <string.h>

enum { ABSENT = -1 };
static const int64_t most_places = (int64_t)1 << 24; /* of a table */

/* What is read along one axis, in the order of the indices that it is read by. */
typedef struct OnnxPlaces {
    int index[MOST_AXES], count;
    int64_t extent[MOST_AXES], total;
    int64_t *place; /* or ABSENT */
    bool absent;    /* some are */
} OnnxPlaces;

static int64_t place_of(const AxisMap *map, const int64_t *at, int indices, int64_t extent) {
    int64_t place = map->offset;
    for (int k = 0; k < indices; k++) place += map->coef[k] * at[k];
    if (place % map->divisor) return ABSENT;
    place /= map->divisor;
    return place >= 0 && place < extent ? place : ABSENT;
}

/* The next combination of indices, the last one fastest. */
static void advance(int64_t *at, const int *index, const int64_t *extent, int count) {
    for (int k = count - 1; k >= 0; k--) {
        if (++at[index[k]] < extent[k]) return;
        at[index[k]] = 0;
    }
}

static bool find_places(OnnxGraph *g, const AxisMap *map, int64_t source_extent, const int64_t *extent, int indices,
                        OnnxPlaces *p) {
    int64_t at[MOST_AXES] = {0};
    *p = (OnnxPlaces){.total = 1};
    for (int k = 0; k < indices; k++) {
        if (!map->coef[k] || extent[k] == 1) continue;
        p->index[p->count] = k;
        p->extent[p->count++] = extent[k];
        if (p->total <= most_places) p->total *= extent[k];
    }
    if (p->total > most_places) {
        onnx_refuse(g, "the places that are read here need a table of more than %lld numbers in ONNX",
                    (long long)most_places);
        return false;
    }
    p->place = arena_array(g->arena, int64_t, p->total + 1);
    for (int64_t i = 0; i < p->total; i++) {
        p->place[i] = place_of(map, at, indices, source_extent);
        p->absent |= p->place[i] == ABSENT;
        advance(at, p->index, p->extent, p->count);
    }
    return true;
}

/* ---- one axis ------------------------------------------------------------------------------------------ */
static const char *pad(OnnxGraph *g, const char *x, DType dtype, int rank, int axis, int64_t before, int64_t after,
                       double fill) {
    int64_t pads[2 * (MOST_ONNX_LABELS + 1)] = {0};
    pads[axis] = before;
    pads[rank + axis] = after;
    const char *y = onnx_put3(g, "Pad", x, onnx_integers(g, pads, 2 * rank), onnx_scalar(g, dtype, fill));
    onnx_text(g, "mode", "constant");
    return y;
}

static const char *gather(OnnxGraph *g, const char *x, int64_t axis, const char *table) {
    const char *y = onnx_put2(g, "Gather", x, table);
    onnx_number(g, "axis", axis);
    return y;
}

/* Neighbours of the source, and what lies before and after it: x[i - 1]. */
static bool is_stretch(const AxisMap *map, const OnnxPlaces *p) {
    return p->count == 1 && map->divisor == 1 && map->coef[p->index[0]] == 1;
}

static const char *slice(OnnxGraph *g, const char *x, int64_t axis, const OnnxPlaces *p) {
    int64_t first = p->place[0], step = p->total > 1 ? p->place[1] - first : 1, last = p->place[p->total - 1];
    int64_t end = step > 0 ? last + 1 : last > 0 ? last - 1 : INT64_MIN + 1;
    const char *inputs[] = {x, onnx_integers(g, &first, 1), onnx_integers(g, &end, 1), onnx_integers(g, &axis, 1),
                            onnx_integers(g, &step, 1)};
    return onnx_put(g, "Slice", inputs, step == 1 ? 4 : 5);
}

/* Axis `axis` of x, which has `rank` axes and here `extent` places, as the map reads it. */
static const char *read_axis(OnnxGraph *g, const char *x, DType dtype, int rank, int axis, int64_t extent,
                             const AxisMap *map, OnnxPlaces *p, double fill) {
    if (p->absent && is_stretch(map, p)) {
        int64_t before = map->offset < 0 ? -map->offset : 0, end = map->offset + p->total,
                after = end > extent ? end - extent : 0;
        x = pad(g, x, dtype, rank, axis, before, after, fill);
        for (int64_t i = 0; i < p->total; i++) p->place[i] = map->offset + before + i;
        extent += before + after;
    } else if (p->absent) { /* one more place stands for all that are absent */
        x = pad(g, x, dtype, rank, axis, 0, 1, fill);
        for (int64_t i = 0; i < p->total; i++)
            if (p->place[i] == ABSENT) p->place[i] = extent;
        extent++;
    }
    if (p->count == 0 && extent == 1) return onnx_squeeze(g, x, axis);
    if (p->count == 1 && p->total > 0) {
        bool even = true, same = p->total == extent;
        for (int64_t i = 0; i < p->total; i++) same &= p->place[i] == i;
        for (int64_t i = 2; i < p->total; i++) even &= p->place[i] - p->place[i - 1] == p->place[1] - p->place[0];
        if (same) return x;
        if (even && (p->total == 1 || p->place[1] != p->place[0])) return slice(g, x, axis, p);
    }
    return gather(g, x, axis, onnx_integer_table(g, p->place, p->extent, p->count));
}

OnnxRead onnx_read(OnnxGraph *g, const Node *source, const Access *access, const int64_t *extent, int indices,
                   double fill) {
    OnnxRead read = {.tensor = onnx_whole(g, source)};
    int rows = source->rows != 0, rank = rows + access->rank;
    for (int a = access->rank - 1; a >= 0; a--) {
        OnnxPlaces p;
        if (!find_places(g, &access->axis[a], source->shape.extent[a], extent, indices, &p)) return read;
        read.tensor = read_axis(g, read.tensor, source->dtype, rank, rows + a, source->shape.extent[a],
                                &access->axis[a], &p, fill);
        rank += p.count - 1;
        memmove(read.label + p.count, read.label, sizeof *read.label * (size_t)read.labels);
        memcpy(read.label, p.index, sizeof *p.index * (size_t)p.count);
        read.labels += p.count;
    }
    return read;
}

/* ---- all indices ------------------------------------------------------------------------------------------ */
/* The source as one axis, gathered at every index. */
static const char *read_flat(OnnxGraph *g, const Node *source, const Access *access, const int64_t *extent, int indices,
                             double fill) {
    int64_t at[MOST_AXES] = {0}, total = 1, size = shape_size(source->shape);
    int index[MOST_AXES], rows = source->rows != 0;
    bool absent = false;
    for (int k = 0; k < indices; k++) {
        index[k] = k;
        if (total <= most_places) total *= extent[k];
    }
    if (total > most_places) {
        onnx_refuse(g, "the places that are read here need a table of more than %lld numbers in ONNX",
                    (long long)most_places);
        return "";
    }
    int64_t *table = arena_array(g->arena, int64_t, total + 1);
    for (int64_t i = 0; i < total; i++) {
        bool there = true;
        for (int a = 0; a < access->rank; a++) {
            int64_t place = place_of(&access->axis[a], at, indices, source->shape.extent[a]);
            there &= place != ABSENT;
            table[i] = table[i] * source->shape.extent[a] + place;
        }
        if (!there) table[i] = size;
        absent |= !there;
        advance(at, index, extent, indices);
    }
    const char *x = onnx_reshape(g, onnx_whole(g, source), rows, (Shape){1, {size}});
    if (absent) x = pad(g, x, source->dtype, rows + 1, rows, 0, 1, fill);
    return gather(g, x, rows, onnx_integer_table(g, table, extent, indices));
}

/* Does an index read two axes? */
static bool has_diagonal(const Access *access, const int64_t *extent, int indices) {
    for (int k = 0; k < indices; k++) {
        int axes = 0;
        for (int a = 0; a < access->rank; a++) axes += access->axis[a].coef[k] != 0 && extent[k] > 1;
        if (axes > 1) return true;
    }
    return false;
}

static const char *transpose(OnnxGraph *g, OnnxRead *read, bool rows) {
    int64_t order[MOST_AXES + 1] = {0};
    bool same = true;
    for (int i = 0; i < read->labels; i++) {
        int before = 0;
        for (int k = 0; k < read->labels; k++) before += read->label[k] < read->label[i];
        order[rows + before] = rows + i;
        same &= before == i;
    }
    if (same) return read->tensor;
    const char *y = onnx_put1(g, "Transpose", read->tensor);
    onnx_numbers(g, "perm", order, rows + read->labels);
    return y;
}

const char *onnx_read_whole(OnnxGraph *g, const Node *source, const Access *access, const int64_t *extent, int indices,
                            double fill) {
    if (has_diagonal(access, extent, indices)) return read_flat(g, source, access, extent, indices, fill);
    int rows = source->rows != 0;
    OnnxRead read = onnx_read(g, source, access, extent, indices, fill);
    bool there[MOST_AXES] = {false}, repeated = false;
    const char *x = transpose(g, &read, rows);
    for (int i = 0; i < read.labels; i++) there[read.label[i]] = true;
    for (int k = 0; k < indices; k++) {
        if (there[k]) continue;
        x = onnx_unsqueeze(g, x, rows + k);
        repeated |= extent[k] != 1;
    }
    return repeated ? onnx_expand(g, x, rows, extent, indices) : x;
}

const char *onnx_view(OnnxGraph *g, const Node *node) {
    return onnx_read_whole(g, node->source[0], &node->attr.contraction->access[0], node->shape.extent, node->shape.rank,
                           0);
}
