#!/bin/sh
# Two shared libraries that hold different models of one name, in one process: loaded for themselves, loaded into the
# global scope, and linked. Each answers with its own model: what is compiled into it, and who calls its functions by name.
set -eu
sgdc=$1 runtime=$2
cc=${CC:-cc}
for slope in 2 3; do
    mkdir -p with$slope
    cat >with$slope/same.sgd <<END
data d { x: f32; y: f32 }
model m(x: f32) -> f32 { param w: f32 = $slope; return w * x }
train fit { data = d; minimize = squared(m(x), y); predict = m(x); optimizer = sgd(lr = 0); batch = 1; epochs = 1 }
END
    cat >with$slope/library.c <<'END'
#include "same.h"
/* What every function of the model says of the row 1, 0; -1 for an error. */
float ANSWER(void);
float ANSWER(void) {
    float x = 1, y = 0, loss, answer, figures[SAME_FIGURES];
    same *m;
    same_data row = same_rows(1, &x, &y);
    if (same_new(&m, 0) || same_step(m, &row, &loss) || same_fit(m, &row, 0, 0, 0) || same_evaluate(m, &row, figures) ||
        same_predict(m, &row, &answer, 0) || *same_parameter(m, "m.w", 0, 0) != answer || figures[0] != loss)
        return -1;
    same_free(m);
    return answer;
}
END
    "$sgdc" with$slope/same.sgd
    $cc -std=c11 -Wall -Wextra -Werror -fPIC -shared -DANSWER=answer$slope with$slope/library.c with$slope/same.o \
        "$runtime" -lz -lcjson -lm -o libwith$slope.so
    # Only the functions of the header leave the object, and none can be taken by another library's.
    readelf --wide --symbols with$slope/same.o |
        awk '$5 == "GLOBAL" && $7 != "UND" && $6 != "PROTECTED" && $6 != "HIDDEN" { print "visible to all: " $8; bad = 1 }
             END { exit bad }' >&2
done

cat >linked.c <<'END'
#include <stdio.h>
float answer2(void), answer3(void);
int main(void) {
    if (answer2() == 2 && answer3() == 3) return 0;
    return fprintf(stderr, "linked: %g and %g for 2 and 3\n", (double)answer2(), (double)answer3()), 1;
}
END
cat >loads.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
typedef float function(void);
static float call(const char *path, const char *name, int scope) {
    void *library = dlopen(path, RTLD_NOW | scope), *symbol = library ? dlsym(library, name) : NULL;
    function *answer;
    if (!symbol) return fprintf(stderr, "%s\n", dlerror()), -1;
    memcpy(&answer, &symbol, sizeof answer);
    return answer();
}
int main(int argc, char **argv) {
    int scope = argc > 1 && !strcmp(argv[1], "global") ? RTLD_GLOBAL : RTLD_LOCAL;
    float two = call("./libwith2.so", "answer2", scope), three = call("./libwith3.so", "answer3", scope);
    if (two == 2 && three == 3) return 0;
    return fprintf(stderr, "%s: %g and %g for 2 and 3\n", argv[1], (double)two, (double)three), 1;
}
END
$cc -std=c11 -Wall -Wextra -Werror loads.c -ldl -o loads
./loads local
./loads global
$cc -std=c11 -Wall -Wextra -Werror linked.c -L. -lwith2 -lwith3 -Wl,-rpath,"$PWD" -o linked
./linked
