#!/bin/sh
# Several data sets in one step, with update blocks, states of layers and of optimizers: an application trains as sgdc does,
# each goes on to the bit from what the other has saved, as an object, in C and in a shared object.
#     sets.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder)
set -eu
sgdc=$1 embed=$3/tests/embed
ln -sf "$2" libsgdrt.a
options="-Wall -Wextra -Werror -O0 -I. -I$3/runtime" libraries="libsgdrt.a -lz -lcjson -lpthread -lm"
cp "$embed/sets.sgd" .
"$sgdc" sets.sgd --cpu=native -o ./
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options "$embed/sets.c" sets.o $libraries -o sets
./sets write
"$sgdc" sets.sgd --run -q --save whole.safetensors >run.txt
"$sgdc" sets.sgd --run -q --set epochs=4 --save part.safetensors >run.txt
./sets check part.safetensors whole.safetensors saved.safetensors
"$sgdc" sets.sgd --run -q --load saved.safetensors --save gone_on.safetensors >run.txt
cmp gone_on.safetensors whole.safetensors || { echo "sgdc does not go on from what the application saved" >&2; exit 1; }

"$sgdc" sets.sgd --emit=c=./in_c.c
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options "$embed/sets.c" in_c.c $libraries -o in_c
./in_c check part.safetensors whole.safetensors saved.safetensors

# The example of docs/embedding.md.
awk '/^```/ { name = "" } name { print >name }
     /^# burn.sgd/ { name = "burn.sgd" } /^\/\* burn.c/ { name = "burn.c" }' "$3/docs/embedding.md"
"$sgdc" burn.sgd --cpu=native -o ./
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options burn.c burn.o -lm -o burn
./burn >said.txt
grep -q '^the wall is at ' said.txt || { echo "the example says:" >&2; cat said.txt >&2; exit 1; }

# Numbers of rows that do not divide each other: each row counts once, so with the rate 1 a step ends at the means.
cat >means.sgd <<'END'
data a { x: f32 }
data b { x: f32 }
train fit {
  data = [a, b]
  param p: f32 = 0
  param q: f32 = 0
  minimize a = squared(p, a.x)
  minimize b = squared(q, b.x)
  optimizer = sgd(lr = 1)
  batch = 4
  batch[b] = all
  predict = p
}
END
cat >means.c <<'END'
#include "means.h"
#include <stdio.h>

int main(void) {
    float few[2] = {1, 2}, more[3] = {2, 3, 7}, loss;
    means *m;
    int failed = 0;
    if (means_new(&m, NULL)) return 1;
    for (int turn = 0; turn < 2; turn++) {
        means_data rows = turn ? means_rows(2, few, 3, more) : means_rows(3, more, 2, few);
        int status = means_step(m, &rows, &loss);
        float p = *means_parameter(m, "p", NULL, NULL), q = *means_parameter(m, "q", NULL, NULL);
        float wanted[2] = {turn ? 1.5f : 4, turn ? 4 : 1.5f};
        if (status || p != wanted[0] || q != wanted[1]) failed = printf("status %d, p %g, q %g\n", status, (double)p, (double)q);
    }
    means_free(m);
    return failed != 0;
}
END
"$sgdc" means.sgd --cpu=native -o ./
"$sgdc" means.sgd --emit=c=means_in_c.c
for code in means.o means_in_c.c; do
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 $options means.c $code -lm -o means && ./means
done

# Columns that no function reads may be NULL.
cat >unread.sgd <<'END'
data a { x: f32; note: f32; kind: label[3] }
data b { v: f32; w: f32[2] }
train fit {
  data = [a, b]
  param p: f32 = 0
  minimize a = squared(p, a.x)
  minimize b = squared(p, b.v)
  optimizer = sgd(lr = 0.5)
  batch = 2
  epochs = 3
  hold_out = 0.25
  predict = p + a.x
}
END
cat >unread.c <<'END'
#include "unread.h"
#include <stdio.h>

int main(void) {
    float x[4] = {1, 1, 1, 1}, v[2] = {1, 1}, loss, answers[4], figures[UNREAD_FIGURES];
    unread *m;
    if (unread_new(&m, NULL)) return 1;
    unread_data rows = unread_rows(4, x, NULL, NULL, 2, v, NULL);
    int fit = unread_fit(m, &rows, NULL, NULL, NULL), step = unread_step(m, &rows, &loss),
        figure = unread_evaluate(m, &rows, figures), predict = unread_predict(m, &rows, answers, NULL);
    rows.a_x.data = NULL;
    int needed = unread_step(m, &rows, &loss);
    unread_free(m);
    if (fit || step || figure || predict || needed != 1)
        return printf("fit %d, step %d, evaluate %d, predict %d; without x %d\n", fit, step, figure, predict, needed), 1;
    return 0;
}
END
"$sgdc" unread.sgd --cpu=native -o ./
"$sgdc" unread.sgd --emit=c=unread_in_c.c
for code in unread.o unread_in_c.c; do
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 $options unread.c $code $libraries -o unread && ./unread
done
