# The symbolic gradient of every example agrees with central differences in f64. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 source=$2 failed=0
for file in "$source"/examples/*.sgd; do
    "$sgdc" "$file" --check-grad >out.txt 2>err.txt
    code=$?
    [ $code -eq 0 ] || { echo "FAILED: $file"; cat out.txt err.txt; failed=1; }
    grep -q agrees out.txt || [ $code -ne 0 ] || { echo "FAILED: $file: nothing was compared"; failed=1; }
done
rm -f out.txt err.txt
exit $failed
