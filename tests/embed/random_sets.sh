#!/bin/sh
# Random programs whose steps take several data sets, of uneven numbers of rows, which may not divide each other, with ragged mini-batches, arrays over the
# rows of a step, states, scans, copies and update blocks: compiled, as an object and in C they come to the bits of the interpreter.
#     random_sets.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder)
# SGDC_PROGRAMS=N makes N programs instead of 2, SGDC_PROGRAM=SEED that one.
set -u
sgdc=$1 source=$3 failed=0
ln -sf "$2" libsgdrt.a
options="-std=c11 -O0 -I$source/runtime" libraries="libsgdrt.a -lz -lcjson -lpthread -lm"

make_program() {        # SEED
    awk -v seed="$1" '
    function below(n) { return int(rand() * n) }
    function pick(list,  of, n) { n = split(list, of, "|"); return of[1 + below(n)] }
    function x(set) { return set == "c" ? "[c.x[0], c.x[1]]" : set ".x" }
    # A term of the sets: of one, or row by row of two.
    function term(  s, t) {
        s = pick(sets); t = pick(sets)
        if (below(3) == 0) return "squared(net(" x(s) ") - net(" x(t) "), " s ".y - " t ".y)"
        if (!uneven && below(3) == 0) return "info(code(" x(s) "), code(" x(t) "))"
        if (!uneven && below(4) == 0) return "abs(net(" x(s) ") - batch_mean(" t ".y))"
        return "squared(" pick("net|other") "(" x(s) "), " s ".y)"
    }
    BEGIN {
        srand(seed)
        count = 2 + below(2); sets = count == 2 ? "a|b" : "a|b|c"
        batch = pick("4|6|8|12"); uneven = below(2)
        print "data a = synthetic(rows = " 5 + below(40) ", seed = " below(100) (below(4) ? "" : ", copies = 2") ") { x: f32[2] ~ normal(0, 1); y: f32 = x[0] - 0.5 * x[1]; k: label[2] = where(y > 0, 1, 0) }"
        print "data b = synthetic(rows = " 2 + below(60) ", seed = " below(100) (below(4) ? "" : ", copies = 3") ") { x: f32[2] ~ uniform(-1, 1); y: f32 = sin(x[0]) }"
        print "data c = synthetic(rows = " 1 + below(20) ", seed = " below(100) ") { x: f32[2] = [uniform(0, 1), normal(0, 1)]; y: f32 = x[0] }"
        print "loss info(z: real[n], w: real[n]) { s[j] = dot(z, batch(w)[j]); return logsumexp(s) - dot(z, w) }"
        print "model code(x: f32[2]) -> f32[3] = tanh(dense(x, 3))"
        norm = !uneven && below(2)
        print "model net(x: f32[2]) -> f32 { h = tanh(" (norm ? "batch_norm(dense(x, 5))" : "dense(x, 5)") "); " (below(3) ? "" : "h = dropout(h, 0.2); ") "return dense(h, 1)[0] }"
        print "model other(x: f32[2]) -> f32 {"
        print below(2) ? "  hs = scan xt in x { state h: f32[3] = 0; h = tanh(dense(concat([xt], h), 3)); return h }\n  return dense(hs[-1], 1)[0]" : "  return dense(relu(dense(x, 4)), 1)[0]"
        print "}"
        print "train fit {\n  data = [" (count == 2 ? "a, b" : "a, b, c") "]\n  batch = " batch (below(3) ? "" : " sequential")
        if (uneven) print "  batch[b] = " pick("all|3|5|13 sequential|20 replacement")
        else if (below(2)) print "  batch[b] = " pick("1|2") pick("| sequential| replacement")
        if (uneven && count == 3 && below(2)) print "  batch[c] = " pick("all|2|7")
        if (below(3) == 0) print "  last = " pick("drop|wrap")
        hold = below(3)
        if (hold == 1) print "  hold_out = 0.25"
        if (hold == 2) print "  hold_out = split(0.3, by = a.k)"
        print "  epochs = " 2 + below(4) "\n  seed = " below(1000)
        shared = "squared(net(" x("a") ") + other(" x("b") ") + sum(code(" x("b") ")), a.y)"
        if (below(2)) {
            print "  minimize first = " shared "\n  minimize second = " term()
            print "  minimize third = 0.1 * " term() "\n  penalty = 0.01 * l2(net.*.w)"
            print "  optimizer = " pick("adam(lr = 0.02)|momentum(lr = 0.05)|sgd(lr = 0.1 * cosine(progress))")
        } else {
            print "  update one { minimize = " shared "; optimizer[net, other] = adam(lr = 0.01); optimizer[code] = sgd(lr = 0.1)" (below(2) ? "; when = every 2 steps" : "") " }"
            print "  update two { minimize = " term() " + 0.1 * squared(net(" x("b") "), b.y); optimizer[net] = " pick("momentum(lr = 0.05)|adagrad(lr = 0.1)") (below(2) ? "; when = epoch >= 1" : "") " }"
        }
        print "  measure off = mean(batch(abs(net(" x("b") ") - b.y)))\n  predict = net(" x(pick(sets)) ")\n}"
    }'
}

check_program() {       # SEED
    make_program "$1" >sets.sgd
    rm -rf runs && mkdir runs
    "$sgdc" sets.sgd --run -q --interpret --save want.safetensors --log want.csv >out.txt 2>err.txt ||
        { echo "program $1 is refused:"; cat err.txt sets.sgd; return 1; }
    for how in --threads=1 "--threads=3 -O1"; do
        # shellcheck disable=SC2086
        "$sgdc" sets.sgd --run -q $how --save got.safetensors --log got.csv >out.txt 2>err.txt
        cmp want.safetensors got.safetensors && sed 's/,[^,]*$//' want.csv >a.csv && sed 's/,[^,]*$//' got.csv | cmp a.csv - ||
            { echo "program $1 with $how is another"; return 1; }
    done
    "$sgdc" sets.sgd --run -q --trace runs/sets.trace >out.txt 2>err.txt && ln want.safetensors runs/sets.saved
    "$sgdc" sets.sgd --cpu=native --emit=obj=sets.o 2>err.txt && "$sgdc" sets.sgd --emit=c=sets_in_c.c 2>err.txt || { cat err.txt; return 1; }
    for code in sets.o sets_in_c.c; do
        # shellcheck disable=SC2086
        ${CC:-cc} $options '-DRUNS=RUN(sets)' "$source/tests/same_bits/application.c" $code $libraries -o application || return 1
        ./application runs 0 || { echo "program $1 as $code is another"; return 1; }
        [ -f says ] || cp runs/sets.says says
        cmp says runs/sets.says || { echo "program $1 as $code says something else"; return 1; }
    done
    rm -f says
}

if [ -n "${SGDC_PROGRAM-}" ]; then
    check_program "$SGDC_PROGRAM" || failed=1
    cat sets.sgd
else
    for seed in $(awk -v n="${SGDC_PROGRAMS-2}" 'BEGIN { for (i = 1; i <= n; i++) print i }'); do check_program "$seed" || failed=1; done
fi
exit $failed
