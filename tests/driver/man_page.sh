# The manual knows every option. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 source=$2 failed=0
for option in $("$sgdc" --help | sed -nE 's/^  (--?[A-Za-z-]+).*/\1/p'); do
    pattern=$(printf '%s' "$option" | sed 's/-/\\\\-/g')
    grep -q -- "$pattern" "$source/docs/sgdc.1" || { echo "FAILED: sgdc(1) does not mention $option"; failed=1; }
done
exit $failed
