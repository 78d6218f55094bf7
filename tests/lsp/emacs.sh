# A real editor as the client, where there is one. Arguments: SGDC SOURCE_FOLDER
set -u
command -v emacs >/dev/null || { echo "skipped: no emacs"; exit 77; }
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT || exit 2
said=$(cd "$scratch" && SGDC=$1 SCRATCH=$scratch HOME=$scratch LC_ALL=C.UTF-8 timeout 100 emacs --batch -l "$2/tests/lsp/emacs.el" 2>&1)
status=$?
if [ $status -eq 77 ]; then echo "skipped: no eglot in emacs"; exit 77; fi
if [ $status -ne 0 ]; then echo "$said"; echo "FAILED: emacs ended with $status"; exit 1; fi
