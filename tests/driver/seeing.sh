# --animate and --report: whole pages and pictures, of any end of a training, whatever the names. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
check() { eval "$2" || fail "$1"; }
well_formed() { awk -f "$source/tests/driver/well_formed.awk" "$1" || failed=1; }

cp "$source/examples/line.sgd" "$source/examples/too_fast.sgd" .
"$sgdc" line.sgd --run -q --save plain.safetensors >out 2>err
"$sgdc" line.sgd --run -q --save seen.safetensors --animate fit.html --report run.html >seen 2>err || { cat err; fail "exit code"; }
check "nothing of the training changes" 'cmp plain.safetensors seen.safetensors && [ "$(wc -l <out)" = "$(wc -l <seen)" ]'
well_formed fit.html; well_formed run.html
check "a film of line begins with the first step and ends with the last" \
    'grep -q "\"frames\":\[\[0,0,6.34421\],\[1,1," fit.html && grep -q ",\[100,100,0.0812245\]\],\"data\"" fit.html'
sed 's/<[^>]*>//g' run.html >text
for part in Results Curves "How the fit came about" "The worst rows" line.a "uniform(-1, 1)" "d loss / d line.a" Provenance; do
    check "the report has $part" 'grep -qF "$part" text'
done
# Frames are the same bits on any machine: those of the interpreter.
"$sgdc" line.sgd --run -q --interpret --animate interpreted.html >out 2>err
check "the film is the interpreter's" 'cmp fit.html interpreted.html'

# A run that diverges, one that goes on, one that is cut.
"$sgdc" too_fast.sgd --run -q --animate fast.html --report fast_run.html >out 2>err
check "a run that diverges is 4 all the same" '[ $? -eq 4 ]'
check "its film is whole and says so" 'grep -q "\"diverged\":true" fast.html'
well_formed fast.html; well_formed fast_run.html
"$sgdc" line.sgd --run -q --load plain.safetensors --set epochs=150 --animate on.html >out 2>err
check "a film begins where a training goes on" 'grep -q "\"frames\":\[\[100,100," on.html && grep -q ",\[150,150,[0-9.]*\]\],\"data\"" on.html'
plot=cut.gp
command -v gnuplot >path && plot=cut.svg
: >err       # what an earlier command said is not waited for
env --default-signal=INT "$sgdc" line.sgd --run --set epochs=1000000000 --progress=none --animate cut.html --report cut_run.html --plot $plot >cut 2>err &
process=$!
until grep -q memory err || ! kill -0 $process 2>gone; do sleep 0.05; done
sleep 0.2; kill -INT $process; wait $process
check "interrupted: exit code" '[ $? -eq 130 ]'
if [ -s cut.html ] && [ -s cut_run.html ] && [ -s $plot ]; then well_formed cut.html; well_formed cut_run.html; else cat err; fail "interrupted: pages"; fi

# A column of which values are missing: what stands for them is learnt after a picture is chosen.
"$sgdc" "$source/examples/table.sgd" "--data=cars=$source/examples/data/used_cars.csv" --run=price --set epochs=3 -q --animate=cars.html \
    --report=cars_run.html >out 2>err || { cat err; fail "missing values"; }
well_formed cars.html; well_formed cars_run.html

# Names of users are texts wherever they go.
printf '"</script><b>&""'\''x",b,"</td><i>"\n' >hostile.csv
awk 'BEGIN { for (i = 0; i < 40; i++) print i % 7 "," i % 5 "," (i % 7 > 2) }' >>hostile.csv
cat >'a<b>&"c.sgd' <<'END'
# </script><script>alert(1)</script> & "quotes" <!--
data rows = csv("hostile.csv") {
  x: f32      = column("</script><b>&\"'x")
  z: f32      = column("b")
  y: label[2] = column("</td><i>")
}
model net(x: f32, z: f32) -> f32[2] = dense([x, z], 2)
train fit { data = rows; minimize = cross_entropy(net(x, z), y); optimizer = sgd(lr = each [0.1, 0.2]); batch = 8; epochs = 4 }
END
"$sgdc" 'a<b>&"c.sgd' --run -q --report hostile.html >out 2>err || { cat err; fail "hostile names"; }
well_formed hostile.html
check "nothing of a user is an element or a script" '! grep -q "<script>alert\|<b>\|<i>" hostile.html'
check "two inputs are a plane" 'grep -q "\"kind\":\"plane\",\"classes\":2" hostile.html'

# What the page counts as right is what sgdc eval counts.
cat >classes.sgd <<'END'
data p = synthetic(rows = 200, seed = 3) {
  a: f32 = uniform(-2, 2)
  b: f32 = uniform(-2, 2)
  c: f32 = uniform(-2, 2)
  y: label[3] = where(a * a + b * b < 1.2, 0, where(a + b > c, 1, 2))
}
model net(a: f32, b: f32, c: f32) -> f32[3] = dense(tanh(dense([a, b, c], 6)), 3)
train fit { data = p; hold_out = 0.4; minimize = cross_entropy(net(a, b, c), y); optimizer = adam(lr = 0.03); batch = 20; epochs = 9 }
END
"$sgdc" classes.sgd --run -q --save classes.safetensors --report classes.html >out 2>err || { cat err; fail "classes"; }
"$sgdc" eval classes.sgd --load classes.safetensors >out 2>err
right=$(grep -o '[0-9]* of 80 rows are right' out)
check "as many rows are right as eval finds" '[ -n "$right" ] && grep -q "$right" classes.html'
check "many inputs and a label are a table of confusions" 'grep -q "\"kind\":\"confusion\"" classes.html'

# Pictures by gnuplot.
if command -v gnuplot >path; then
    "$sgdc" line.sgd --run -q --set epochs=10 --animate fit.gif >out 2>err || { cat err; fail "gif"; }
    check "a gif is whole" '[ "$(head -c 6 fit.gif)" = GIF89a ] && [ "$(tail -c 1 fit.gif)" = ";" ]'
    "$sgdc" line.sgd --run -q --set epochs=10 --animate fit.webp >out 2>err
    code=$?
    check "webp is drawn, or one line says what to use" \
        '{ [ $code -eq 0 ] && [ -s fit.webp ]; } || { [ $code -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q "FILE.html" err && [ ! -s out ]; }'
else
    echo "skipped: animated pictures, as gnuplot is not installed"
fi
mkdir none
PATH=$PWD/none "$sgdc" line.sgd --run -q --animate fit2.gif >out 2>err
check "without gnuplot it ends before training" '[ $? -eq 3 ] && [ ! -s out ] && [ ! -e fit2.gif ] && grep -q "FILE.html" err'
for options in "--animate fit.mp4" "--report run.pdf" "--animate -" "--report -"; do
    # shellcheck disable=SC2086
    "$sgdc" line.sgd --run $options >out 2>err
    check "$options is refused" '[ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ]'
done
"$sgdc" line.sgd --report run.html >out 2>err
check "--report is about training" '[ $? -eq 2 ] && grep -q "add --run" err'
exit $failed
