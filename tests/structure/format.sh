# Every C file is as .clang-format has it. Another version than 14 has another opinion. Argument: SOURCE_FOLDER
set -u
cd "$1" || exit 2
tool=$(command -v clang-format-14 || command -v clang-format) || { echo "skipped: no clang-format"; exit 77; }
case $($tool --version) in
    *" 14."*) ;;
    *) echo "skipped: no clang-format 14"; exit 77 ;;
esac
find src runtime tests bench examples \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 -P2 -n 40 "$tool" --dry-run -Werror
