/* picture: what there is to see of a run, chosen from what its prediction reads and what it is held against.
 *
 * An input counts if it differs between rows: x: f32[2] = [measured, 1] is one. One input gives a curve, two a plane.
 * Of more, images show parameters that lie over them (each row of a dense layer, each filter of a convolution); other
 * data show predictions beside the truth, of numbers as points and of labels as a table of counts. Where there is none
 * of that, the losses remain. Which rows are looked at never depends on chance: a thousand at most, evenly.
 */
#include "driver/seeing.h"
#include <math.h>
#include <string.h>

enum {
    CURVE_PLACES = 161,
    PLANE_WIDTH = 64,
    PLANE_HEIGHT = 48,
    MOST_POINTS = 400,
    MOST_LOOKED_AT = 1000,
    MOST_IMAGES = 16,
    MOST_CLASSES = 24,
    MOST_CURVES = 6,
    LEAST_IMAGE = 16,
    MOST_IMAGE = 64
};

/* ---- inputs -------------------------------------------------------------------------------------- */
typedef struct Inputs {
    PictureAxis of[2];
    int count;
    bool plain;
} Inputs; /* count 3: more than two */

const char *data_element_name(Arena *arena, const DataSet *set, int column, int64_t element) {
    const char *name = set->columns[column].name;
    for (int f = 0; f < set->field_count; f++)
        if (set->fields[f].column == column) name = set->fields[f].name;
    const Column *c = &set->columns[column];
    if (c->csv_name && c->csv_name[element]) return c->csv_name[element];
    return shape_size(c->shape) == 1 ? name : text_format(arena, "%s[%lld]", name, (long long)element);
}

static PictureAxis axis_of(const Training *t, int column, int64_t element) {
    const RowSet *rows = &t->data->train;
    PictureAxis axis = {data_element_name(t->driver->arena, t->run->data, column, element), INFINITY, -INFINITY, column,
                        element};
    int64_t looked = rows->count < MOST_LOOKED_AT ? rows->count : MOST_LOOKED_AT;
    for (int64_t i = 0; i < looked; i++) {
        double value = data_value(t, rows->table, column, element, row_of(rows, evenly(i, looked, rows->count)));
        if (value < axis.low) axis.low = value;
        if (value > axis.high) axis.high = value;
    }
    return axis;
}

static Inputs inputs_of(const Training *t, const Predictor *p) {
    const DataSet *set = t->run->data;
    Inputs inputs = {.plain = true};
    for (int c = 0; p && c < set->column_count; c++) {
        if (!p->reads[c]) continue;
        for (int64_t e = 0, n = shape_size(set->columns[c].shape); e < n && inputs.count < 3; e++) {
            PictureAxis axis = axis_of(t, c, e);
            if (!(axis.high > axis.low)) continue;
            if (inputs.count < 2) inputs.of[inputs.count] = axis;
            inputs.count++;
            inputs.plain &= dtype_is_real(set->columns[c].dtype);
        }
    }
    return inputs;
}

static void widen(PictureAxis *axis, double part) {
    double margin = part * (axis->high - axis->low);
    if (!(margin > 0)) margin = axis->low != 0 ? fabs(axis->low) * 0.1 : 1;
    axis->low -= margin;
    axis->high += margin;
}

/* ---- points ---------------------------------------------------------------------------------------- */
static void take_points(const Training *t, Picture *p) {
    const RowSet *rows = &t->data->train;
    p->point_count = (int)(rows->count < MOST_POINTS ? rows->count : MOST_POINTS);
    float *at = arena_array(t->driver->arena, float, 3 * p->point_count + 1);
    p->points = at;
    for (int i = 0; i < p->point_count; i++) {
        int64_t row = row_of(rows, evenly(i, p->point_count, rows->count));
        double truth = p->target.column >= 0 ? data_value(t, rows->table, p->target.column, 0, row) : 0;
        *at++ = (float)data_value(t, rows->table, p->x.column, p->x.element, row);
        *at++ = (float)(p->kind == PICTURE_PLANE ? data_value(t, rows->table, p->y.column, p->y.element, row) : truth);
        *at++ = (float)truth;
    }
}

/* ---- the kinds ---------------------------------------------------------------------------------------- */
static bool choose_curve(Training *t, Picture *p, const Inputs *inputs) {
    int outputs = p->predictor->outputs;
    if (inputs->count != 1 || !inputs->plain || outputs > MOST_CURVES) return false;
    p->kind = PICTURE_CURVE;
    p->x = inputs->of[0];
    p->y = p->target.column >= 0 ? axis_of(t, p->target.column, 0) : (PictureAxis){"prediction", 0, 1, -1, 0};
    if (p->rule == CLASS_LARGEST) p->y.low = 0, p->y.high = 1;
    if (p->target.column >= 0) take_points(t, p);
    widen(&p->x, 0.04);
    widen(&p->y, 0.12);
    p->width = CURVE_PLACES;
    p->count = outputs;
    p->values = CURVE_PLACES * outputs;
    return true;
}

static bool choose_plane(Training *t, Picture *p, const Inputs *inputs) {
    bool classes = p->rule != CLASS_NONE;
    if (inputs->count != 2 || !inputs->plain || (!classes && p->predictor->outputs != 1)) return false;
    p->kind = PICTURE_PLANE;
    p->x = inputs->of[0];
    p->y = inputs->of[1];
    take_points(t, p);
    widen(&p->x, 0.05);
    widen(&p->y, 0.05);
    PictureAxis truth = p->target.column >= 0 ? axis_of(t, p->target.column, 0) : (PictureAxis){"", 0, 1, -1, 0};
    p->low = classes ? 0 : truth.low;
    p->high = classes ? p->target.classes : truth.high > truth.low ? truth.high : truth.low + 1;
    p->width = PLANE_WIDTH;
    p->height = PLANE_HEIGHT;
    p->count = 1;
    p->values = PLANE_WIDTH * PLANE_HEIGHT;
    return true;
}

int picture_image(const DataSet *set, int *height, int *width) {
    for (int f = 0; f < set->field_count; f++) {
        const Shape *shape = &set->fields[f].shape;
        int64_t size = shape_size(*shape), side = (int64_t)lround(sqrt((double)size));
        bool flat = shape->rank == 1 && set->kind == SOURCE_IDX && side * side == size;
        if (size < LEAST_IMAGE || (!flat && shape->rank != 2 && shape->rank != 3)) continue;
        *height = (int)(flat ? side : shape->extent[shape->rank - 2]);
        *width = (int)(flat ? side : shape->extent[shape->rank - 1]);
        if (*height > 2 && *width > 2 && *height <= MOST_IMAGE && *width <= MOST_IMAGE) return f;
    }
    return -1;
}

static bool choose_weights(Training *t, Picture *p) {
    int height, width;
    if (picture_image(t->run->data, &height, &width) < 0) return false;
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        const Shape *s = &cell->shape;
        if (cell->kind != CELL_PARAMETER || cell->dtype != DTYPE_F32 || s->rank == 0) continue;
        int64_t last = s->extent[s->rank - 1], size = shape_size(*s);
        bool filters = s->rank == 4 && last > 1 && s->extent[2] > 1;
        if (filters) {
            height = (int)s->extent[2];
            width = (int)last;
        } else if (!(last == (int64_t)height * width ||
                     (s->rank >= 2 && last == width && s->extent[s->rank - 2] == height))) {
            continue;
        }
        int64_t images = s->rank == 4 ? s->extent[0] : size / ((int64_t)height * width);
        p->kind = PICTURE_WEIGHTS;
        p->cell = cell;
        p->width = width;
        p->height = height;
        p->count = (int)(images < MOST_IMAGES ? images : MOST_IMAGES);
        p->values = p->count * width * height;
        return true;
    }
    return false;
}

/* The rows that judge the run: those of validation, or of training. */
static const RowSet *judged(const Training *t) { return t->data->valid.count ? &t->data->valid : &t->data->train; }

static void choose_rows(Training *t, Picture *p, int most) {
    const RowSet *rows = judged(t);
    int count = (int)(rows->count < most ? rows->count : most);
    uint32_t *chosen = arena_array(t->driver->arena, uint32_t, count + 1);
    float *truth = arena_array(t->driver->arena, float, 3 * count + 1);
    for (int i = 0; i < count; i++) {
        chosen[i] = (uint32_t)row_of(rows, evenly(i, count, rows->count));
        truth[3 * i] = truth[3 * i + 2] = (float)data_value(t, rows->table, p->target.column, 0, chosen[i]);
    }
    p->rows = chosen;
    p->points = truth;
    p->point_count = count;
}

static bool choose_agreement(Training *t, Picture *p) {
    if (p->target.column < 0) return false;
    bool classes = p->rule != CLASS_NONE;
    if (classes ? p->target.classes > MOST_CLASSES : p->predictor->outputs != 1 || p->target.classes) return false;
    p->kind = classes ? PICTURE_CONFUSION : PICTURE_AGREEMENT;
    choose_rows(t, p, classes ? MOST_LOOKED_AT : MOST_POINTS);
    p->x = axis_of(t, p->target.column, 0);
    widen(&p->x, 0.08);
    p->y = p->x;
    p->width = p->height = p->target.classes;
    p->count = p->point_count;
    p->values = classes ? p->target.classes * p->target.classes : p->point_count;
    return true;
}

static int64_t most_rows(const Picture *p) {
    return p->kind == PICTURE_CURVE ? CURVE_PLACES : p->kind == PICTURE_PLANE ? PLANE_WIDTH : p->point_count;
}

/* Of what is not drawn the first training row's values. */
static void fill_inputs(Training *t, const Picture *p) {
    if (p->kind != PICTURE_CURVE && p->kind != PICTURE_PLANE) return;
    for (int64_t i = 0; i < most_rows(p); i++)
        predictor_put_row(p->predictor, i, t->data->train.table, row_of(&t->data->train, 0));
}

void picture_choose(Training *t, Picture *p) {
    *p = (Picture){.predictor = predictor_new(t, 1)};
    if (p->predictor) {
        p->target = target_of(t, p->predictor);
        p->rule = class_rule(t, &p->target, p->predictor->outputs);
        Inputs inputs = inputs_of(t, p->predictor);
        if (inputs.count &&
            (choose_curve(t, p, &inputs) || choose_plane(t, p, &inputs) || choose_weights(t, p) ||
             choose_agreement(t, p)) &&
            p->kind != PICTURE_WEIGHTS) {
            p->predictor = predictor_new(t, most_rows(p));
            fill_inputs(t, p);
        }
    }
}

/* ---- a frame ------------------------------------------------------------------------------------------- */
static double at_place(const PictureAxis *axis, int place, int places) {
    return axis->low + (axis->high - axis->low) * (double)place / (double)(places - 1);
}

static void take_curve(const Picture *p, const void *state, float *values) {
    for (int i = 0; i < p->width; i++)
        predictor_put(p->predictor, i, p->x.column, p->x.element, at_place(&p->x, i, p->width));
    const float *out = predictor_call(p->predictor, state, p->width);
    for (int k = 0; k < p->count; k++)
        for (int i = 0; i < p->width; i++) {
            double share = class_share(p->rule, out + i * p->count, p->count, p->count > 1 ? k : 1);
            *values++ = isnan(share) ? out[i * p->count + k] : (float)share;
        }
}

/* A class and how sure it is: 2.75 is class 2, at three quarters between a guess and certainty. Of two classes the
 * share of the second. */
static float place_color(const Picture *p, const float *out) {
    int outputs = p->predictor->outputs, classes = p->target.classes;
    if (p->rule == CLASS_NONE) return out[0];
    int of = class_of(p->rule, out, outputs);
    double share = class_share(p->rule, out, outputs, of), guess = 1.0 / classes;
    double sure = isnan(share) ? 0.99 : fmin(fmax((share - guess) / (1 - guess), 0), 0.99);
    return (float)(of + sure);
}

static void take_plane(const Picture *p, const void *state, float *values) {
    for (int j = 0; j < p->height; j++) {
        for (int i = 0; i < p->width; i++) {
            predictor_put(p->predictor, i, p->x.column, p->x.element, at_place(&p->x, i, p->width));
            predictor_put(p->predictor, i, p->y.column, p->y.element, at_place(&p->y, j, p->height));
        }
        const float *out = predictor_call(p->predictor, state, p->width);
        for (int i = 0; i < p->width; i++) *values++ = place_color(p, out + i * p->predictor->outputs);
    }
}

static void take_rows(const Picture *p, const Training *t, const void *state, float *values) {
    const sgdrt_table *table = judged(t)->table;
    for (int i = 0; i < p->point_count; i++) predictor_put_row(p->predictor, i, table, p->rows[i]);
    const float *out = predictor_call(p->predictor, state, p->point_count);
    if (p->kind == PICTURE_AGREEMENT) {
        memcpy(values, out, sizeof *out * (size_t)p->point_count);
        return;
    }
    int classes = p->target.classes;
    memset(values, 0, sizeof *values * (size_t)p->values);
    for (int i = 0; i < p->point_count; i++) {
        int truth = (int)p->points[3 * i + 2],
            of = class_of(p->rule, out + i * p->predictor->outputs, p->predictor->outputs);
        if (truth >= 0 && truth < classes && of >= 0 && of < classes) values[truth * classes + of]++;
    }
}

/* Of a filter over several channels the first channel. */
static void take_weights(const Picture *p, const void *state, float *values) {
    const float *at = (const float *)((const char *)state + p->cell->offset);
    const Shape *s = &p->cell->shape;
    int64_t size = (int64_t)p->width * p->height, stride = s->rank == 4 ? s->extent[1] * size : size;
    for (int k = 0; k < p->count; k++) memcpy(values + k * size, at + k * stride, sizeof *values * (size_t)size);
}

void picture_take(const Picture *p, Training *t, const void *state, float *values) {
    switch (p->kind) {
    case PICTURE_NONE: break;
    case PICTURE_CURVE: take_curve(p, state, values); break;
    case PICTURE_PLANE: take_plane(p, state, values); break;
    case PICTURE_WEIGHTS: take_weights(p, state, values); break;
    default: take_rows(p, t, state, values);
    }
}

const char *picture_says(Arena *arena, const Picture *p) {
    const char *target = p->target.column >= 0 ? p->target.name : "the prediction";
    switch (p->kind) {
    case PICTURE_CURVE:
        return text_format(arena, "%s over %s: the rows, and what the model predicts", target, p->x.name);
    case PICTURE_PLANE:
        return text_format(arena, "%s over %s and %s: the rows, and what the model predicts between them", target,
                           p->x.name, p->y.name);
    case PICTURE_WEIGHTS: return text_format(arena, "%s as pictures: blue is below 0, red above", p->cell->name);
    case PICTURE_AGREEMENT:
        return text_format(arena, "%s as predicted over %s as measured: on the diagonal both agree", target, target);
    case PICTURE_CONFUSION:
        return text_format(arena, "which %s is taken for which: rows are the truth, columns the prediction", target);
    default: return "the losses";
    }
}
