# A training that is cut anywhere and goes on from its file ends in the same file as one that never stopped: what
# serves, the last state, what keep and stop have seen, all of it. Random programs of every kind of keep, stop, measure,
# term, penalty, optimizer and batch. Arguments: SGDC SOURCE_FOLDER; RESUME_PROGRAMS (24) says how many, RESUME_SEED
# which one alone.
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }

# Prints the program of a seed; its first line says where it is cut: "# STEPS CUT ONCE_MORE".
program() {
    awk -v seed="$1" '
    function one_of(list,   n, items) { n = split(list, items, "|"); return items[1 + int(rand() * n)] }
    BEGIN {
        srand(seed); for (i = 0; i < 5; i++) rand()
        steps = 20 + int(rand() * 100); cut = 1 + int(rand() * (steps - 1)); more = cut + int(rand() * (steps - cut))
        print "# " steps, cut, more
        valid = rand() < 0.8
        print "data d = synthetic(rows = " 23 + int(rand() * 20) ", seed = 1) {"
        print "  x: f32[2] = [uniform(-1, 1), uniform(-1, 1)]"
        print "  y: f32 = sin(3 * x[0]) * x[1] + normal(0, 0.3)\n}"
        body = one_of("dense(tanh(dense(x, 8)), 1)[0]|dense(dropout(tanh(dense(x, 8)), 0.2), 1)[0]|dense(x, 1)[0]")
        print "model m(x: f32[2]) -> f32 = " body
        print "train fit {\n  data = d"
        if (valid) print "  hold_out = " one_of("0.4|last(0.3)")
        print "  minimize a = squared(m(x), y)"
        if (rand() < 0.4) print "  minimize b = 0.1 * huber(m(x), y)"
        if (rand() < 0.4) print "  penalty = 0.001 * l2(m.dense.w)"
        if (rand() < 0.3) print "  penalty one = 0.0001 * l1(m.dense.w)"
        print "  measure rmse = rmse(m(x), y)\n  measure fits = r2(m(x), y)"
        print "  optimizer = " one_of("sgd(lr = 0.1)|momentum(lr = 0.05)|adam(lr = 0.03)|adamw(lr = 0.03)|rmsprop(lr = 0.01)" \
                                      "|nesterov(lr = 0.05)|adagrad(lr = 0.1)|adam(lr = 0.05 * 0.9^epoch)")
        if (rand() < 0.3) print "  gradient = clip_norm(grad, 0.5)"
        print "  batch = " one_of("all|7|5 sequential|6 replacement|1")
        if (rand() < 0.3) print "  last = " one_of("drop|wrap")
        print "  steps = " steps
        where = valid ? "valid" : "train"
        if (rand() < 0.7) print "  keep = best(" one_of(where ".loss|train.loss|" where ".rmse|" where ".fits") ")"
        if (rand() < 0.6) print "  stop = " one_of("stalled(" where ".loss, 3 epochs)|stalled(" where ".fits, 2 epochs)" \
            " or train.loss < 0.05|stalled(train.loss, 2 epochs) and stalled(" where ".rmse, 4 epochs)|epoch >= 7")
        print "}"
    }'
}

train() { "$sgdc" "$@" >>said 2>&1 || { cat said; fail "seed $seed: sgdc $*"; }; }

first=${RESUME_SEED:-1} last=${RESUME_SEED:-${RESUME_PROGRAMS:-24}} seed=$first kept=0 stopped=0
while [ "$seed" -le "$last" ]; do
    program "$seed" >p.sgd
    read -r _ steps cut more <p.sgd
    mode=--interpret
    [ $((seed % 4)) -eq 0 ] && mode=-O1
    : >said
    train p.sgd --run -q $mode --save whole.safetensors
    train p.sgd --run -q $mode --set "steps=$cut" --save part.safetensors
    train p.sgd --run -q $mode --set "steps=$more" --load part.safetensors --save part.safetensors
    train p.sgd --run -q $mode --load part.safetensors --save again.safetensors
    cmp -s whole.safetensors again.safetensors || { fail "seed $seed: $steps steps differ from $cut, $more and $steps"; cat p.sgd said; }
    grep -q '"kept"' whole.safetensors && kept=$((kept + 1))
    grep -q stopped said && stopped=$((stopped + 1))
    seed=$((seed + 1))
done
if [ "$first" -ne "$last" ] && { [ $kept -lt 6 ] || [ $stopped -lt 4 ]; }; then
    fail "of the programs $kept keep something and $stopped stop"
fi
exit $failed
