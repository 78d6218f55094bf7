#!/bin/sh
# Kernels of convolutions fetch what comes next: the next row's columns while this row is computed, and in a gradient of
# weights the next strip. Where all that is small, or in the caches anyway, nothing is fetched.
#     next_row.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# How many instructions fetch into the second level where images have this side, so many a mini-batch.
fetched() {
    cat >"$folder/p.sgd" <<END
data rows = synthetic(rows = 64) { x: f32[16, $1, $1] ~ uniform(-1, 1); y: f32[32, $1, $1] ~ uniform(-1, 1) }
model net(x: f32[16, $1, $1]) -> f32[32, $1, $1] = conv2d(x, 32, 3, pad = 1)
train fit { data = rows; minimize = mse(net(x), y); predict = net(x); optimizer = sgd(lr = 0.1); batch = $2; epochs = 1 }
END
    "$sgdc" "$folder/p.sgd" --cpu=x86-64-v4 --emit=asm | grep -c prefetcht1 || true
}

# Strips are two places a version of the step, one of which is for any number of rows; rows many: every innermost loop.
small=$(fetched 4 32) rows=$(fetched 18 16) both=$(fetched 18 64)
[ "$small" -eq 0 ] || { echo "$small fetches for images of 1 KB" >&2; exit 1; }
[ "$rows" -gt 16 ] || { echo "rows of 20 KB are not fetched" >&2; exit 1; }
[ "$both" -gt "$rows" ] || { echo "strips of mini-batches of 4 MB are not fetched" >&2; exit 1; }
