# The manual knows every command and every option. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 manual=$2/docs/sgdc.1 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
"$sgdc" --help >"$scratch/sgdc"
commands=$(sed -nE '/^Commands/,/^$/s/^  sgdc ([a-z-]+).*/\1/p' "$scratch/sgdc")
for command in $commands; do
    "$sgdc" "$command" --help >"$scratch/$command" || { echo "FAILED: sgdc $command --help"; failed=1; }
    grep -q "^\.SS sgdc $command" "$manual" || { echo "FAILED: sgdc(1) has no section \".SS sgdc $command\""; failed=1; }
done
# An option of a command stands in the command's section, or among those of sgdc, whose section is OPTIONS.
section() { if [ "$1" = sgdc ]; then cat "$manual"; else sed -nE "/^\.SS sgdc $1/,/^\.S[SH]/p" "$manual"; sed -nE '/^\.SH OPTIONS/,/^\.SH /p' "$manual"; fi; }
for command in sgdc $commands; do
    for option in $(sed -nE 's/^  (--[a-z0-9-]+|-[A-Za-z]).*/\1/p' "$scratch/$command"); do
        pattern=$(printf '%s' "$option" | sed 's/-/\\\\-/g')
        section "$command" | grep -q -- "$pattern" || { echo "FAILED: sgdc(1) does not mention $option of $command"; failed=1; }
    done
done
# A line that begins with a point and no request of man(7) would be left out.
if grep -nE '^\.' "$manual" | grep -vE ':\.(TH|SH|SS|TP|PP|IP|RS|RE|B|I|BR|RB|BI|IB|IR|RI|br|TS|TE|nf|fi)( |$)'; then
    echo "FAILED: a line of sgdc(1) begins with a point and is no request"; failed=1
fi
exit $failed
