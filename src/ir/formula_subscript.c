/* formula_subscript: indices of a value: the places that views and contractions read at, as text (formula_internal.h). */
#include "ir/formula_internal.h"

#include <inttypes.h>

#include "ir/affine.h"

FormulaIndex subscript_of_variable(int variable) {
    return (FormulaIndex){.divisor = 1, .count = 1, .variable = {variable}, .coef = {1}};
}

bool subscript_is_variable(const FormulaIndex *x) {
    return !x->text && x->count == 1 && x->coef[0] == 1 && x->offset == 0 && x->divisor == 1;
}

const char *subscript_text(Formula *f, const FormulaIndex *x) {
    if (x->text) return x->text;
    if (subscript_is_variable(x)) f->bare[x->variable[0]] = true;
    Text to = text_new(f->arena);
    bool divided = x->divisor != 1;
    if (divided) text_add(&to, "(");
    for (int t = 0; t < x->count; t++) {
        int64_t coef = x->coef[t];
        text_add(&to, "%s", t ? (coef < 0 ? " - " : " + ") : (coef < 0 ? "-" : ""));
        if (coef != 1 && coef != -1) text_add(&to, "%" PRId64 " * ", coef < 0 ? -coef : coef);
        text_add(&to, "%s", f->variable[x->variable[t]]);
    }
    if (!x->count)
        text_add(&to, "%" PRId64, x->offset);
    else if (x->offset)
        text_add(&to, " %c %" PRId64, x->offset < 0 ? '-' : '+', x->offset < 0 ? -x->offset : x->offset);
    if (divided) text_add(&to, ") / %" PRId64, x->divisor);
    return to.bytes;
}

static bool subscript_add(FormulaIndex *to, const FormulaIndex *from, int64_t factor) {
    to->offset += factor * from->offset;
    for (int t = 0; t < from->count; t++) {
        int at = 0;
        while (at < to->count && to->variable[at] != from->variable[t]) at++;
        if (at == MOST_INDEX_TERMS) return false;
        if (at == to->count) {
            to->variable[to->count++] = from->variable[t];
            to->coef[at] = 0;
        }
        to->coef[at] += factor * from->coef[t];
    }
    int kept = 0;
    for (int t = 0; t < to->count; t++) {
        if (to->coef[t] == 0) continue;
        to->variable[kept] = to->variable[t];
        to->coef[kept++] = to->coef[t];
    }
    to->count = kept;
    return true;
}

static FormulaIndex subscript_as_text(Formula *f, const AxisMap *map, const FormulaIndex *at) {
    Text to = text_new(f->arena);
    bool any = false;
    if (map->divisor != 1) text_add(&to, "(");
    for (int k = 0; k < MOST_AXES; k++) {
        if (!map->coef[k]) continue;
        text_add(&to, "%s%" PRId32 " * (%s)", any ? " + " : "", map->coef[k], subscript_text(f, &at[k]));
        any = true;
    }
    if (map->offset || !any) text_add(&to, "%s%" PRId64, any ? " + " : "", map->offset);
    if (map->divisor != 1) text_add(&to, ") / %" PRId64, map->divisor);
    return (FormulaIndex){.text = to.bytes};
}

/* The map's place when its indices are `at`. */
static FormulaIndex subscript_of_map(Formula *f, const AxisMap *map, const FormulaIndex *at) {
    FormulaIndex sum = {.divisor = 1};
    int64_t common = 1;
    for (int k = 0; k < MOST_AXES; k++) {
        if (!map->coef[k]) continue;
        if (axis_map_is_index(map, k)) return at[k];
        if (at[k].text) return subscript_as_text(f, map, at);
        common = common / affine_gcd(common, at[k].divisor) * at[k].divisor;
    }
    for (int k = 0; k < MOST_AXES; k++) {
        if (map->coef[k] && !subscript_add(&sum, &at[k], map->coef[k] * (common / at[k].divisor)))
            return subscript_as_text(f, map, at);
    }
    sum.offset += map->offset * common;
    sum.divisor = map->divisor * common;
    int64_t factor = affine_gcd(sum.offset, sum.divisor);
    for (int t = 0; t < sum.count; t++) factor = affine_gcd(factor, sum.coef[t]);
    if (factor > 1) {
        sum.offset /= factor;
        sum.divisor /= factor;
        for (int t = 0; t < sum.count; t++) sum.coef[t] /= factor;
    }
    return sum;
}

void subscripts_of_access(Formula *f, const Access *access, const FormulaIndex *at, FormulaIndex *out) {
    for (int a = 0; a < access->rank; a++) out[a] = subscript_of_map(f, &access->axis[a], at);
}

/* name[i, j] */
FormulaText subscripted(Formula *f, const char *name, const FormulaIndex *at, int rank) {
    Text to = text_new(f->arena);
    text_add(&to, "%s", name);
    for (int a = 0; a < rank; a++) text_add(&to, "%s%s", a ? ", " : "[", subscript_text(f, &at[a]));
    if (rank) text_add(&to, "]");
    return (FormulaText){to.bytes, WHOLE};
}
