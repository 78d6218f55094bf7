# What --log, --progress, -q, --save of several runs and --summary write. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
check() { eval "$2" || { echo "FAILED: $1"; failed=1; }; }
line=$source/examples/line.sgd
cat >two.sgd <<'END'
include "line.sgd"
train sweep like fit { optimizer = sgd(lr = each [0.1, 0.2]); batch = 10; epochs = 3 }
END
cp "$line" line.sgd
cat >same.sgd <<'END'
include "line.sgd"
END

"$sgdc" line.sgd --run --log log.csv >out 2>err
check "the log says what was trained" 'grep "^#" log.csv | grep -q "^# run fit: seed=0 rows=100 batch=100 steps=100 lr=0.1$"'
check "the log begins with it" '[ "$(grep -c "^# " log.csv)" -eq 3 ] && head -1 log.csv | grep -q "^# sgdc [0-9]"'
check "the log has a header" 'grep -v "^#" log.csv | head -1 | grep -q "^run,epoch,step,train_loss,valid_loss,lr,seconds$"'
check "the log has a row per epoch" '[ "$(grep -vc "^#" log.csv)" -eq 101 ]'
"$sgdc" line.sgd --run --log log.jsonl >out 2>err
check "jsonl has an object per epoch" '[ "$(grep -c "^{.*\"train_loss\": .*}$" log.jsonl)" -eq 100 ]'
"$sgdc" line.sgd --run --log - -q 2>err | grep -v "^#" | head -1 | grep -q '^run,' || { echo "FAILED: --log -"; failed=1; }

"$sgdc" line.sgd --run -q >out 2>err
check "quiet says nothing on stderr" '[ ! -s err ]'
check "quiet prints the summary" 'grep -q "epoch 100/100" out'
"$sgdc" line.sgd --run >out 2>err
check "every tenth epoch is reported" '[ "$(grep -c "^ *[0-9]*0  " out)" -ge 10 ]'
check "progress keeps off stdout" '! grep -q steps/s out'

"$sgdc" two.sgd --run=sweep -q --save saved.safetensors >out 2>err
check "one file per run" '[ "$(ls saved-*.safetensors | wc -l)" -eq 2 ]'
check "the comparison has the varied setting" 'grep -q "^  run .*lr .*steps .*train_loss" out'
check "the best is marked and stands first" 'sed -n "/^  run/{n;p;}" out | grep -q "^\* sweep  *0.2 "'
check "the best is saved under the plain name" 'cmp saved.safetensors saved-sweep-lr=0.2.safetensors'
again=$(sed -n "s/^  sgdc /\"\$sgdc\" -q --save again.safetensors /p" out)
eval "$again" >out 2>err
check "the command that is printed trains it again" 'cmp saved.safetensors again.safetensors'
check "it is one run" '[ "$(grep -c "epoch 3/3" out)" -eq 1 ]'
"$sgdc" two.sgd --run='fit,sweep lr=0.2' -q >out 2>err
check "blocks and runs are named together" '[ "$(grep -c "epoch " out)" -eq 2 ]'
"$sgdc" two.sgd --run='sweep lr=0.3' -q >out 2>err
check "an unknown run is refused with the nearest" '[ $? -eq 1 ] && grep -q "did you mean .sweep lr=0.[12].?" err'
"$sgdc" two.sgd --run=sweep -q --set 'epochs=4' --set 'lr=each [0.05, 0.3]' >out 2>err
check "settings are part of the command" 'grep -q -- "--set epochs=4 --set .lr=each \[0.05, 0.3\]. --run=" out'
# Blocks of an included file run where they are asked for.
"$sgdc" two.sgd --run -q >out 2>err
check "an included block does not run by itself" '[ "$(grep -c "epoch 3/3" out)" -eq 2 ] && ! grep -q "^fit" out'
"$sgdc" same.sgd --run=fit -q >out 2>err
check "it runs by its name" 'grep -q "^line.a = " out'
"$sgdc" same.sgd --run -q >out 2>err
check "there is nothing else" '[ $? -eq 1 ] && grep -q "no train block of its own.*--run=NAME.*: fit$" err'
# Losses of different things are not compared.
cat >other.sgd <<'END'
include "line.sgd"
train other like fit { minimize = mae(line(x), y); epochs = 3 }
END
"$sgdc" other.sgd --run=fit,other -q --save other.safetensors >out 2>err
check "different losses have no best and no common time" '! grep -q "^\*\|time to" out && [ ! -e other.safetensors ]'
"$sgdc" two.sgd --run=nobody -q >out 2>err
check "an unknown run is refused" '[ $? -ne 0 ]'
"$sgdc" line.sgd --summary >out
check "the summary counts parameters" 'grep -q "2 parameters" out'
"$sgdc" line.sgd --emit=ast >again.sgd && "$sgdc" again.sgd --emit=ast | cmp - again.sgd || { echo "FAILED: ast round trip"; failed=1; }
"$sgdc" line.sgd --emit=deps | grep -q '^line.o: line.sgd' || { echo "FAILED: deps"; failed=1; }
"$sgdc" two.sgd --emit=deps | grep -q 'line.sgd' || { echo "FAILED: deps of an include"; failed=1; }
"$sgdc" line.sgd --check --dump=order 2>err; grep -q 'after order' err || { echo "FAILED: --dump"; failed=1; }
"$sgdc" line.sgd --run --time-passes >out 2>err; grep -q 'canonicalise' err || { echo "FAILED: --time-passes"; failed=1; }
"$sgdc" line.sgd --run --stop-after=grad >out 2>err; [ ! -s out ] || { echo "FAILED: --stop-after"; failed=1; }

# Compiling that takes longer than a second shows it on a line that is redrawn, and removes the line.
"$sgdc" "$source/examples/lenet.sgd" --cpu=native -o net.o --progress=bar --time-passes >out 2>err || { echo "FAILED: lenet"; failed=1; }
compiling=$(awk '/^(emit|optimise|machine code) / { ms += $(NF - 1) } END { printf "%d", ms }' err)
if [ "$compiling" -gt 1500 ]; then
    check "compiling shows that it goes on" 'tr "\r" "\n" <err | grep -q "^compiling lenet.sgd  1 s$"'
    check "the line of compiling is removed" '[ "$(tr "\r" "\n" <err | grep -A1 "^compiling" | tail -1 | cut -c 2-3)" = "[K" ]'
fi
"$sgdc" "$source/examples/lenet.sgd" --cpu=native -q -o net.o >out 2>err
check "nothing is redrawn where stderr is no terminal" '[ ! -s err ]'
exit $failed
