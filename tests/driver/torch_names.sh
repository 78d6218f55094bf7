#!/bin/sh
# --names=torch: which names parameters have in PyTorch, and files by these names: SGDC SOURCE_FOLDER. (tests/torch has
# PyTorch itself read and write them.)
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; failed=1; }
says() { grep -qF -- "$1" "$2" || { fail "not said: $1"; cat "$2"; }; }

# ---- names ------------------------------------------------------------------------------------------------
names() { "$sgdc" "$1" --summary --names=torch | sed -n 's/^  \(net[^ ]*\|[a-z.]*dense[^ ]*\) .*[0-9]  \([a-z]\)/\1 \2/p'; }
names "$source/tests/torch/layers.sgd" >got
cat >want <<'EOF'
net.scale scale
net.c.conv2d.f c.conv2d.weight
net.c.conv2d.b c.conv2d.bias
net.c.batch_norm.g c.batch_norm.weight
net.c.batch_norm.b c.batch_norm.bias
net.c.norm.weight c.norm.weight
net.c.norm.bias c.norm.bias
net.t.dense.w t.weight
net.t.dense.b t.bias
net.t[0].layer_norm.g t_repeat.0.layer_norm.weight
net.t[0].layer_norm.b t_repeat.0.layer_norm.bias
net.t[0].attention.q.dense.w t_repeat.0.attention.in_proj_weight[0..8]
net.t[0].attention.q.dense.b t_repeat.0.attention.in_proj_bias[0..8]
net.t[0].attention.r.dense.w t_repeat.0.attention.in_proj_weight[8..16]
net.t[0].attention.r.dense.b t_repeat.0.attention.in_proj_bias[8..16]
net.t[0].attention.v.dense.w t_repeat.0.attention.in_proj_weight[16..24]
net.t[0].attention.v.dense.b t_repeat.0.attention.in_proj_bias[16..24]
net.t[0].attention.dense.w t_repeat.0.attention.out_proj.weight
net.t[0].attention.dense.b t_repeat.0.attention.out_proj.bias
net.t[0].layer_norm.2.g t_repeat.0.layer_norm_2.weight
net.t[0].layer_norm.2.b t_repeat.0.layer_norm_2.bias
net.t[0].dense.w t_repeat.0.dense.weight
net.t[0].dense.b t_repeat.0.dense.bias
net.t[0].dense.2.w t_repeat.0.dense_2.weight
net.t[0].dense.2.b t_repeat.0.dense_2.bias
EOF
head -25 got | diff want - || fail "names of layers"
cat >want <<'EOF'
net.c.batch_norm.m c.batch_norm.running_mean
net.c.batch_norm.v c.batch_norm.running_var
net.b.batch_norm.m b.running_mean
net.b.batch_norm.v b.running_var
EOF
tail -4 got | diff want - || fail "names of states"
[ "$(wc -l <got)" -eq 49 ] || fail "45 parameters and 4 states, not $(wc -l <got)"

# Several models are modules of one; one that is a single layer is that layer. A layer that has the name of the prelude's
# and is none of it keeps its own names.
cat >several.sgd <<'EOF'
data d = synthetic(rows = 8, seed = 1) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = x[0] }
layer layer_norm(x: real[n]) -> real[n] { param g: real[n] = 1; return g * x }
model code(x: f32[2]) -> f32[3] {
  repeat 2 { param s: f32[2] = 1; x = s * x }
  h = layer_norm(tanh(dense(x, 3)))
  h = dense(h, 3)
  return h
}
model head(x: f32[2]) -> f32 = dense(code(x), 1)[0]
train fit { data = d; minimize = squared(head(x), y); optimizer = sgd(lr = 0.1) }
EOF
"$sgdc" several.sgd --summary --names=torch | sed -n 's/^  \([a-z]*\.[^ ]*\) .*  \([a-z]\)/\1 \2/p' >got
cat >want <<'EOF'
code.s[0] code.s.0
code.s[1] code.s.1
code.h.layer_norm.g code.h.layer_norm.g
code.h.dense.w code.h.dense.weight
code.h.dense.b code.h.dense.bias
code.h.dense.2.w code.h.dense_2.weight
code.h.dense.2.b code.h.dense_2.bias
head.dense.w head.weight
head.dense.b head.bias
EOF
sort want >sorted
sort got | diff sorted - || fail "names of several models"

cat >alike.sgd <<'EOF'
data d = synthetic(rows = 8, seed = 1) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = x[0] }
model m(x: f32[2]) -> f32 {
  dense_2 = dense(x, 2)
  return dense(dense(dense_2, 2), 1)[0]
}
train fit { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1) }
EOF
"$sgdc" alike.sgd --run -q --save alike.safetensors --names=torch >out 2>err && fail "two of one name are saved"
says 'error[E0428]: m.dense_2.dense.w and m.dense.2.w would both be dense_2.weight in PyTorch' err
[ -f alike.safetensors ] && fail "a file of two of one name is left"

# ---- files ------------------------------------------------------------------------------------------------
cat >table.csv <<'EOF'
a,b,y
1,20,3
2,50,4
4,10,5
3,80,9
EOF
cat >table.sgd <<'EOF'
width = 4
data d = csv("table.csv") { x: f32[2] = standardize(columns("a", "b")); y: f32 = standardize(column("y")) }
model net(x: f32[2]) -> f32 {
  h = tanh(dense(x, width))
  return dense(h, 1)[0]
}
train fit { data = d; minimize = squared(net(x), y); optimizer = adam(lr = 0.1); batch = 2; epochs = 5 }
EOF
"$sgdc" table.sgd --run -q --save ours.safetensors >out || fail "saved by sgdc's names"
"$sgdc" table.sgd --run -q --save torch.safetensors --names=torch >out || fail "saved by names of PyTorch"
"$sgdc" inspect torch.safetensors >out
for key in dense.weight h.bias 'd.x.mean'; do says "$key" out; done
grep -q '@' out && fail "optimizer state is in a file for PyTorch"
"$sgdc" predict table.sgd --load ours.safetensors >want
"$sgdc" predict table.sgd --load torch.safetensors >got 2>err || cat err
cmp -s want got || fail "predictions from both files differ"
cat >after.sgd <<'EOF'
include "table.sgd"
train again like fit { start = load("torch.safetensors"); epochs = 1 }
train other like fit { start = load("ours.safetensors"); epochs = 1 }
EOF
"$sgdc" after.sgd --run=again -q --save a.safetensors >out 2>err || { fail "training from the file"; cat err; }
"$sgdc" after.sgd --run=other -q --save b.safetensors >out 2>err || fail "training from the other file"
"$sgdc" inspect a.safetensors | sed -n '/^parameters/,$p' >got
"$sgdc" inspect b.safetensors | sed -n '/^parameters/,$p' >want
cmp -s got want || fail "trainings from both files differ"

# What does not fit is listed, and no other way is taken.
"$sgdc" predict table.sgd --set width=5 --load torch.safetensors >out 2>err && fail "another width is predicted"
says 'error[E0419]: its tensors are not those of fit by the names of PyTorch: 0 missing, 0 not expected, 3 of another type or shape' err
says 'h.weight is f32[4, 2], and net.h.dense.w is f32[5, 2]' err
says '--summary --names=torch prints the names that are expected' err
sed 's/h = tanh/g = tanh/; s/dense(h, 1)/dense(g, 1)/' table.sgd >other.sgd
"$sgdc" other.sgd --run -q --set epochs=1 --save last.safetensors >out
sed 's/epochs = 5/epochs = 5; start = load("torch.safetensors")/' other.sgd >begun.sgd
"$sgdc" begun.sgd --run -q >out 2>err && fail "another model begins with it"
says '2 missing, 2 not expected, 0 of another' err
says 'g.weight is missing: f32[4, 2], for net.g.dense.w' err
says 'h.weight is not expected' err
"$sgdc" table.sgd --run --load torch.safetensors >out 2>err && fail "a training goes on from parameters alone"
says 'start = load' err

# ---- options ----------------------------------------------------------------------------------------------
"$sgdc" table.sgd --run --names=torch >out 2>err; [ $? -eq 2 ] || fail "--names alone is taken"
says 'add --save=FILE or --summary' err
"$sgdc" table.sgd --run --names=torch --save x.safetensors --resume=auto >out 2>err; [ $? -eq 2 ] || fail "--names with --resume"
says 'leave out either them or --names' err
exit $failed
