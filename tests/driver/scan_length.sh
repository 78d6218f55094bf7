#!/bin/sh
# The loops of a scan do not grow with its elements, and so the time to compile them does not: tiles and chunks may differ.
#     scan_length.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

lines() {       # of the loops over so many elements
    cat >"$folder/p.sgd" <<END
data rows = synthetic(rows = 32) { x: f32[$1, 8] ~ normal(0, 1); y: f32 = x[0, 0] }
model net(x: f32[$1, 8]) -> f32 = dense(lstm(x, 32)[-1], 1)[0]
train fit { data = rows; minimize = mse(net(x), y); optimizer = sgd(lr = 0.01); batch = 16; steps = 2 }
END
    "$sgdc" "$folder/p.sgd" --emit=loops >"$folder/loops"
    wc -l <"$folder/loops"
}

hundred=$(lines 100)
thousand=$(lines 1000)
if [ $((10 * thousand)) -gt $((11 * hundred)) ]; then
    echo "FAILED: $hundred lines of loops over 100 elements, $thousand over 1000"
    exit 1
fi
