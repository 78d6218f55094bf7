#!/bin/sh
# docs/diagnostics.md is what sgdc says of its diagnostics. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 source=$2
"$sgdc" --explain=all | diff "$source/docs/diagnostics.md" - || {
    echo "FAILED: renew docs/diagnostics.md by sgdc --explain=all"
    exit 1
}
