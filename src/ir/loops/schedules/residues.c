/* residues: kernels that read a source at divided places, as the gradient by what a convolution of stride s has read
 * does at (x - r) / s: a term is there where s divides x - r.
 *
 *   for each remainder of x by s
 *     for the places x = s x' + remainder: a kernel, whose terms are those of r = s r' + the remainder that meets
 *
 * Among the places of one remainder a source is read at x' - r' + a number, so nothing asks whether s divides, places
 * that are beside each other share what is loaded, and of s terms one is made. The others are absent for all of these places: a chain
 * takes the same terms in the same order.
 */
#include "ir/affine.h"
#include "ir/loops/schedules/kernel.h"

enum { MOST_CLASSES = 9 /* each is code of its own */, MOST_PLACES = 2 * MOST_RANK };

/* A map that is whole for one remainder of a reduced axis, for each remainder of a result's. */
typedef struct DividedPlace {
    const AxisMap *map;
    int result, reduced; /* axes; AXIS_NONE: there is none */
} DividedPlace;
typedef struct DividedPlaces {
    DividedPlace place[MOST_PLACES];
    int count;
    int64_t classes; /* of the result's places: a remainder for each of the divided places */
} DividedPlaces;

/* The only one of these axes that the map's being whole depends on, AXIS_NONE if none is; false: they are several, or it is
 * whole for several remainders. */
static bool find_axis(const Reduction *r, const AxisMap *map, int begin, int end, int *found) {
    *found = AXIS_NONE;
    for (int a = begin; a < end; a++) {
        if (r->extent[a] == 1 || map->coef[a] % map->divisor == 0) continue;
        if (*found != AXIS_NONE || affine_gcd(map->coef[a], map->divisor) != 1) return false;
        *found = a;
    }
    return true;
}

static bool is_taken(const DividedPlaces *places, int axis) {
    for (int i = 0; i < places->count; i++)
        if (axis != AXIS_NONE && (places->place[i].result == axis || places->place[i].reduced == axis)) return true;
    return false;
}

/* Lanes stay side by side. */
static DividedPlaces find_places(const Kernel *k) {
    const Reduction *r = &k->r;
    DividedPlaces places = {.classes = 1};
    if (r->width > 1 || r->c->over_rows || r->c->reduced == 0) return places;
    for (int o = 0; o < r->node->sources; o++)
        for (int a = 0; a < r->c->access[o].rank; a++) {
            DividedPlace place = {.map = &r->c->access[o].axis[a]};
            if (place.map->divisor == 1 || !find_axis(r, place.map, 0, r->result, &place.result) ||
                !find_axis(r, place.map, r->result, r->axes, &place.reduced))
                continue;
            int64_t classes = place.result == AXIS_NONE ? 1 : place.map->divisor;
            if ((place.result != AXIS_NONE && place.result == k->lanes_axis) || is_taken(&places, place.result) ||
                is_taken(&places, place.reduced) || classes * places.classes > MOST_CLASSES)
                continue;
            places.place[places.count++] = place;
            places.classes *= classes;
        }
    return places;
}

int64_t kernel_residues(const Kernel *k) { return find_places(k).classes; }

/* Of the axis, every step-th place from `first` on. */
static void take_places(Kernel *k, int axis, int64_t first, int64_t step) {
    int64_t left = k->r.extent[axis] - first;
    k->first[axis] = first;
    k->step[axis] = step;
    k->r.extent[axis] = left <= 0 ? 0 : (left + step - 1) / step;
}

/* Where the result has that remainder; without one: of the reduced axis, no place is there. */
static void take_class(Kernel *k, const DividedPlace *place, int64_t remainder) {
    const AxisMap *map = place->map;
    int64_t at = map->offset, meets = 0;
    if (place->result != AXIS_NONE) {
        at += map->coef[place->result] * remainder;
        take_places(k, place->result, remainder, map->divisor);
    }
    if (place->reduced != AXIS_NONE) {
        while ((at + map->coef[place->reduced] * meets) % map->divisor != 0) meets++;
        take_places(k, place->reduced, meets, map->divisor);
    } else if (at % map->divisor != 0) {
        k->r.extent[k->r.axes - 1] = 0;
    }
}

/* The same places of the sources, from those of the class. */
static void read_class(Scheduler *s, Kernel *k) {
    Contraction *c = arena_copy(s->arena, k->r.c, sizeof *c);
    for (int o = 0; o < k->r.node->sources; o++)
        for (int a = 0; a < c->access[o].rank; a++) {
            AxisMap *map = &c->access[o].axis[a];
            for (int i = 0; i < k->r.axes; i++) {
                if (k->step[i] == 0) continue;
                map->offset += map->coef[i] * k->first[i];
                map->coef[i] = (int32_t)(map->coef[i] * k->step[i]);
            }
            axis_map_normalise(map, k->r.extent, k->r.axes);
        }
    for (int i = k->r.result; i < k->r.axes; i++) c->extent[i - k->r.result] = k->r.extent[i];
    k->r.c = c;
}

Kernel kernel_of_residue(Scheduler *s, const Kernel *k, int64_t which) {
    DividedPlaces places = find_places(k);
    Kernel of = *k;
    if (places.count == 0) return of;
    for (int i = places.count; i-- > 0;) {
        int64_t classes = places.place[i].result == AXIS_NONE ? 1 : places.place[i].map->divisor;
        take_class(&of, &places.place[i], which % classes);
        which /= classes;
    }
    read_class(s, &of);
    of.r.outputs = of.r.terms = 1;
    for (int a = 0; a < of.r.axes; a++) *(a < of.r.result ? &of.r.outputs : &of.r.terms) *= of.r.extent[a];
    of.r.joining = of.r.terms;
    return of;
}

SpacePoint kernel_result_point(Scheduler *s, const Kernel *k) {
    SpacePoint at = k->r.point;
    for (int a = 0; a < k->r.result; a++)
        if (k->step[a] > 0)
            at.axis[a] = subscript_sum(s->arena, subscript_times(s->arena, at.axis[a], k->step[a]),
                                       subscript_number(s->arena, k->first[a]));
    return at;
}
