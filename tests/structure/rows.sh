# What a table has a row of is whole, or sgdc does not build: of a row that is added to a copy of it each file says what
# it misses. Argument: SOURCE_FOLDER; CC and LLVM_INCLUDE (a folder) are those of the build
set -u
cd "$1" || exit 2
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }

with_row() {        # TABLE ROW: a copy that is found before the table itself
    rm -rf "$scratch/rows" && mkdir -p "$scratch/rows/${1%/*}"
    { cat "src/$1"; echo "$2"; } >"$scratch/rows/$1"
}
compile() {         # FILE OPTION...
    file=$1; shift
    "${CC:-cc}" -std=gnu17 -Werror=switch -I"$scratch/rows" -Isrc -Iruntime ${LLVM_INCLUDE:+-isystem "$LLVM_INCLUDE"} "$@" "$file" \
        >"$scratch/said" 2>&1
}
misses() {          # FILE NAME: does not compile, for want of it
    if compile "$1" -fsyntax-only; then fail "$1 compiles without $2"
    elif ! grep -q "$2" "$scratch/said"; then fail "$1 does not say that $2 is missing:"; cat "$scratch/said"
    fi
}

with_row ir/ops.def 'OP(DUMMY, "dummy", 1, ELEMENT, 1, NONE, VALUES, NONE)'
misses src/ir/infer.c infer_DUMMY
misses src/ir/elements.c elements_DUMMY
misses src/ir/grad.c grad_DUMMY
misses src/ir/grad.c OP_DUMMY                    # its adjoint's condition
misses src/ir/formula_expression.c OP_DUMMY
misses src/codegen/llvm/ops.c emit_DUMMY
misses src/codegen/c/scalar.c write_DUMMY
misses src/codegen/onnx/value.c OP_DUMMY
with_row ir/ops.def 'OP(DUMMY, "dummy", 0, LEAF, 1, NONE, FLAT, NONE)'
misses src/ir/loops/schedules/point.c value_DUMMY
with_row ir/ops.def 'OP(DUMMY, "dummy", 1, REDUCE, 1, MAPS, LOOPS, NONE)'
misses src/ir/loops/schedules/chain.c chain_DUMMY
misses src/ir/fold.c fold_DUMMY
if ! compile src/ir/interp_plan.c -c -o "$scratch/interp.o"; then fail "interp_plan.c does not compile"; cat "$scratch/said"
elif ! nm -u "$scratch/interp.o" | grep -q 'interp_eval_DUMMY$'; then fail "interp_plan.c links without interp_eval_DUMMY"
fi
with_row ir/ops.def 'OP(DUMMY, "dummy", 1, ELEMENT, NONE, VALUES, NONE)'           # no cost
misses src/ir/op.c 'OP'
with_row ir/ops.def 'OP(DUMMY, "dummy", 1, ELEMENT, 1, NONE, SOMEHOW, NONE)'
misses src/ir/op.c EMISSION_SOMEHOW

with_row codegen/target/architectures.def 'ARCHITECTURE(DUMMY, dummy, Dummy, "")'
misses src/codegen/target/architecture.c architecture_DUMMY
misses src/codegen/object/embedded.c SGDC_EMBEDDED_DUMMY

with_row ir/sources.def 'SOURCE(DUMMY, "dummy", ARRAYS, DUMMY)'
misses src/driver/tables.c SGDRT_DUMMY
if ! compile src/experiment/source_call.c -c -o "$scratch/source_call.o"; then fail "source_call.c does not compile"; cat "$scratch/said"
elif ! nm -u "$scratch/source_call.o" | grep -q 'source_form_DUMMY$'; then fail "source_call.c links without source_form_DUMMY"
fi
with_row ir/sources.def 'SOURCE(DUMMY, "dummy", SOMEWHERE, CSV)'
misses src/ir/source_kind.c ROWS_SOMEWHERE

with_row driver/emit_kinds.def 'EMIT(DUMMY, "dummy", LOOPS)'
misses src/driver/emit.c EMIT_DUMMY

# Manuals name what tables have, for those who use it.
names() {           # TABLE FORM: the names of its rows
    sed -nE "s/$2/\\1/p" "$1"
}
manual_has() {      # FILE NAME...: as words
    file=$1; shift
    [ $# -gt 0 ] || fail "no names are found for $file: tables have another form"
    for name; do
        grep -qE "(^|[^a-z0-9_-])$name([^a-z0-9_-]|$)" "$file" || fail "${file#"$scratch/"} does not name $name"
    done
}
for option in --emit --stop-after; do
    mkdir -p "$scratch/$option of docs"
    sed 's/\\-/-/g' docs/sgdc.1 | sed -n "/^\.BR $option /,/^\.TP/p" >"$scratch/$option of docs/sgdc.1"
done
mkdir -p "$scratch/the sources of docs" "$scratch/the first lines of docs"
sed -nE 's/^\| `([a-z]+)\(.*/\1/p' docs/language.md >"$scratch/the sources of docs/language.md"
sed '/^|/q; s/--/ /g' docs/developing.md >"$scratch/the first lines of docs/developing.md"
functions=$(names src/ir/ops.def '^OP\([A-Z0-9_]+, *"([a-z0-9_]+)".* FUNCTION\)$')
manual_has docs/language.md $functions
manual_has docs/numerics.md $functions
manual_has "$scratch/the sources of docs/language.md" $(names src/ir/sources.def '^SOURCE\([A-Z]+, *"([a-z]+)".*')
manual_has "$scratch/--emit of docs/sgdc.1" $(names src/driver/emit_kinds.def '^EMIT\([A-Z_]+, "([a-z-]+)".*')
passes=$(names src/ir/passes.c '^    \{"([a-z-]+)", ".*')
manual_has "$scratch/--stop-after of docs/sgdc.1" $passes
manual_has "$scratch/the first lines of docs/developing.md" $passes
manual_has "$scratch/--stop-after of docs/sgdc.1" $(names src/ir/loops/passes/passes.c '^    \{"([a-z-]+)", ".*')

# Switches over ops name all of them. A default is right for every op in these, which are patterns of some ops alone:
allowed='
src/ir/canonicalise.c canonical
src/ir/fold.c fold_identity
src/ir/formula_names.c formula_leaf_name
src/ir/grad.c graph_gradient_end_text
src/ir/rules.c apply
src/experiment/node.c degree_of
src/experiment/source.c range_of_node
'
find src -name '*.c' | sort | while read -r file; do
    awk -v file="$file" '
        /^[A-Za-z].*\(/ && !/;$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        /case OP_/ && !/OP_CLASS_/ { ops = name }
        /^ *default:/ && ops == name { print file, name; ops = "" }' "$file"
done >"$scratch/defaults"
while read -r line; do
    case $allowed in *"
$line
"*) ;; *) fail "a switch over ops with a default: $line" ;; esac
done <"$scratch/defaults"
exit $failed
