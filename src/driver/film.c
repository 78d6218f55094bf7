/* film: frames of a picture, taken while a run trains.
 *
 * Their number is bounded and they are chosen before the first step, over all planned steps and denser at the start,
 * where most happens: frame i of n stands at planned * (i / n)^2.5, but at a step of its own. So a film is the same on
 * every machine. A training that stops early or diverges has the frames up to there; the state it ends with is the
 * last one, as long as it is finite.
 */
#include "driver/seeing.h"
#include <math.h>
#include <string.h>

enum { MOST_FRAMES = 80, FEWER_FRAMES = 40, MANY_VALUES = 4000 };
static const double most_evaluated = 3e9; /* rows times parameters times frames */

bool films_wanted(const Options *o) { return (o->animate || o->report) && o->run && !o->dry_run && !o->trace; }

static bool losses_are_cheap(const Training *t) {
    double numbers = 1;
    for (int i = 0; i < t->run->cell_count; i++)
        if (t->run->cells[i].kind == CELL_PARAMETER) numbers += (double)shape_size(t->run->cells[i].shape);
    return numbers * (double)(t->data->train.count + t->data->valid.count) * MOST_FRAMES < most_evaluated;
}

Film *film_new(Training *t) {
    Arena *arena = t->driver->arena;
    Film *film = arena_new_of(arena, Film);
    picture_choose(t, &film->picture);
    film->losses = losses_are_cheap(t);
    film->due = arena_array(arena, int64_t, MOST_FRAMES + 1);
    film->frames = arena_array(arena, FilmFrame, MOST_FRAMES + 2);
    return film;
}

static void plan(Film *film, int64_t from, int64_t to) {
    int frames = film->picture.values > MANY_VALUES ? FEWER_FRAMES : MOST_FRAMES;
    film->due_count = film->next = 0;
    for (int i = 1; i < frames; i++) {
        int64_t last = film->due_count ? film->due[film->due_count - 1] : from;
        int64_t step = from + (int64_t)llround((double)(to - from) * pow((double)i / (frames - 1), 2.5));
        if (step <= last) step = last + 1;
        if (step <= to) film->due[film->due_count++] = step;
    }
}

int film_capacity(const Film *film) { return film ? MOST_FRAMES + 2 : 0; }

int64_t film_next(const Film *film) { return film->next < film->due_count ? film->due[film->next] : INT64_MAX; }

static bool is_finite(const Training *t) {
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        const float *at = (const float *)((const char *)t->state + cell->offset);
        if (cell->kind != CELL_PARAMETER || cell->dtype != DTYPE_F32) continue;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++)
            if (!isfinite(at[k])) return false;
    }
    return true;
}

static void take(Film *film, Training *t) {
    int64_t step = (int64_t)training_header(t)->step;
    if (film->frame_count > MOST_FRAMES || (film->frame_count && film->frames[film->frame_count - 1].step == step))
        return;
    if (!is_finite(t)) return;
    float *values = arena_array(t->driver->arena, float, film->picture.values + 1);
    picture_take(&film->picture, t, t->state, values);
    film->frames[film->frame_count++] = (FilmFrame){step, (double)step / (double)t->steps_per_epoch, values};
}

void film_begin(Film *film, Training *t) {
    plan(film, t->started_step, t->planned);
    take(film, t);
}

bool film_take(Film *film, Training *t) {
    int64_t step = (int64_t)training_header(t)->step;
    if (step < film_next(film)) return false;
    while (film_next(film) <= step) film->next++;
    take(film, t);
    return film->losses;
}

void film_end(Film *film, Training *t) { take(film, t); }

const PlotPoint *film_loss(const Training *t, const FilmFrame *frame) {
    const PlotPoint *known = NULL;
    for (int i = 0; i < t->point_count && t->points[i].step <= frame->step; i++) known = &t->points[i];
    return known;
}
