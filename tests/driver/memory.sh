# Without memory sgdc says so and exits with 3, wherever it is: no defect, no abort. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
if ldd "$sgdc" | grep -q libasan; then echo "skipped under sanitizers, which reserve terabytes"; exit 77; fi
cat >p.sgd <<'END'
data p = csv("p.csv") { x: f32[40] = columns(0..40); y: f32 = column(40) }
model m(x: f32[40]) -> f32 = dense(tanh(dense(x, 64)), 1)[0]
train fit { data = p; hold_out = 0.2; minimize = mse(m(x), y); optimizer = adam(lr = 0.01); batch = 16; epochs = 2 }
END
awk 'BEGIN { for (r = 0; r < 20000; r++) { for (c = 0; c < 41; c++) printf "%s%d", c ? "," : "", (r * 7 + c * 3) % 11; print "" } }' >p.csv
# From what the program itself needs to start, in steps, up to what is enough.
least=$((1 << 14))
within() { sh -c '(ulimit -v $0; exec "$@") >out 2>err; exit $?' "$@" 2>shell.txt; }     # KB COMMAND...
until within $least "$sgdc" --version || [ $least -gt $((1 << 22)) ]; do
    least=$((least + (1 << 13)))
done
for work in "-o ./" "--run -q --threads=1 --save p.st" "--run -q --interpret" "--check-grad"; do
    limit=$least code=3 steps=0 refused=0
    while [ $code -ne 0 ] && [ $steps -lt 60 ]; do
        within $limit "$sgdc" p.sgd $work; code=$?
        case $code in
        0) ;;
        3) grep -q 'memory' err || { echo "FAILED: $work in $limit KB: no word of memory"; cat err; failed=1; }
           refused=1 ;;
        *) echo "FAILED: $work in $limit KB: exit $code"; cat err; failed=1; break ;;
        esac
        ls -A | grep '\.part$' && { echo "FAILED: $work in $limit KB: a temporary file was left"; failed=1; }
        limit=$((limit + 2048)) steps=$((steps + 1))
    done
    [ $refused -eq 1 ] || { echo "FAILED: $work was never short of memory"; failed=1; }
done
exit $failed
