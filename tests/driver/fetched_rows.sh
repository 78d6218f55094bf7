#!/bin/sh
# Rows of data are fetched into the second-level cache a mini-batch ahead: long ones, of which a mini-batch is not too much.
#     fetched_rows.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# How many instructions fetch into the second level where rows have so many elements, so many rows a mini-batch.
fetched() {
    cat >"$folder/p.sgd" <<END
data rows = synthetic(rows = 64) { x: f32[$1] ~ uniform(-1, 1); y: f32 ~ uniform(-1, 1) }
model net(x: f32[$1]) -> f32 = dense(tanh(dense(x, 8)), 1)[0]
train fit { data = rows; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1); batch = $2; epochs = 1 }
END
    "$sgdc" "$folder/p.sgd" --target=x86_64-linux-gnu --cpu=x86-64-v4 --emit=asm | grep -c prefetcht1 || true
}

short=$(fetched 16 16) long=$(fetched 5000 16) many=$(fetched 5000 64)
[ "$short" -eq 0 ] || { echo "$short fetches for rows of 64 bytes" >&2; exit 1; }
[ "$long" -gt 0 ] || { echo "rows of 20 KB are not fetched" >&2; exit 1; }
[ "$many" -eq 0 ] || { echo "$many fetches for mini-batches of 1.3 MB" >&2; exit 1; }
