# Every file is in the map of its folder: the heads of the headers that docs/developing.md names, and of those that
# these name for a part of the folder. A header is if the C file of its name is. A name may be a pattern (log*.c).
# Argument: SOURCE_FOLDER
set -u
cd "$1" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }

check_map() {       # FOLDER HEADER...
    folder=$1; shift
    names=$(cd "$folder" && for header; do sed '/\*\//q' "$header"; done | grep -oE '[A-Za-z0-9_*]+\.(c|y|l|h|def|inc)\b' | sort -u)
    for file in "$folder"/*.c "$folder"/*.[yl] "$folder"/*.h "$folder"/*.def "$folder"/*.inc; do
        [ -f "$file" ] || continue
        case " $* " in *" ${file##*/} "*) continue ;; esac
        [ ! -f "${file%.h}.c" ] || file=${file%.h}.c
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
mapped=" src runtime/embedded "        # main.c, and what objects carry: one file each
check_map_of() { mapped="$mapped$1 "; set +f; check_map "$@"; set -f; }
check_map_of src/support support.h
check_map_of src/frontend ast.h
check_map_of src/format format.h
check_map_of src/lower lower.h
check_map_of src/experiment experiment.h
check_map_of src/ir graph.h program.h formula_internal.h interp_internal.h
check_map_of src/ir/loops loops.h tree.h
check_map_of src/ir/loops/nests nests.h
check_map_of src/ir/loops/schedules schedule.h
check_map_of src/ir/loops/passes passes.h
check_map_of src/ir/loops/verify verify.h
check_map_of src/codegen codegen.h
check_map_of src/codegen/target architecture.h
check_map_of src/codegen/llvm emitter.h
check_map_of src/codegen/object interface.h
check_map_of src/codegen/c c.h
check_map_of src/codegen/onnx onnx.h
check_map_of src/lsp lsp.h
check_map_of src/driver driver.h
check_map_of src/driver/commands commands.h
check_map_of src/driver/completion complete.h
check_map_of runtime sgdrt.h core.h
for folder in $(find src runtime -name '*.c' | sed 's|/[^/]*$||' | sort -u); do
    case $mapped in *" $folder "*) ;; *) fail "the folder $folder has no map: check_map_of in tests/structure/maps.sh is to name its header" ;; esac
done

exit $failed
