# Every C file is in the map of its folder: the comments of the headers that docs/developing.md names. A name there may
# be a pattern (emit*.c). Argument: SOURCE_FOLDER
set -u
cd "$1" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }

check_map() {       # FOLDER HEADER...
    folder=$1; shift
    names=$(cd "$folder" && cat "$@" | grep -oE '[A-Za-z0-9_*]+\.(c|y|l)\b' | sort -u)
    for file in "$folder"/*.c "$folder"/*.[yl]; do
        [ -f "$file" ] || continue
        found=no
        for name in $names; do
            # shellcheck disable=SC2254
            case ${file##*/} in $name) found=yes ;; esac
        done
        [ $found = yes ] || fail "$file is not in the map of its folder ($*)"
    done
    for name in $names; do
        case $name in *\**) continue ;; esac
        [ -n "$(find src runtime -name "$name" | head -1)" ] || fail "$folder: $* names $name, which is not there"
    done
}

set -f
check_map_of() { set +f; check_map "$@"; set -f; }
check_map_of src/support support.h
check_map_of src/frontend ast.h
check_map_of src/lower lower.h
check_map_of src/experiment experiment.h
check_map_of src/ir graph.h program.h
check_map_of src/ir/loops loop.h tree.h
check_map_of src/codegen codegen.h
check_map_of src/codegen/c c.h
check_map_of src/driver driver.h
check_map_of src/driver/commands commands.h
check_map_of runtime sgdrt.h core.h

exit $failed
