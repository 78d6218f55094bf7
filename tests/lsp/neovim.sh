# A real editor as the client, where there is one. Arguments: SGDC SOURCE_FOLDER
set -u
command -v nvim >/dev/null || { echo "skipped: no nvim"; exit 77; }
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT || exit 2
said=$(cd "$scratch" && SGDC=$1 SCRATCH=$scratch HOME=$scratch XDG_CACHE_HOME=$scratch/cache XDG_STATE_HOME=$scratch XDG_DATA_HOME=$scratch \
    timeout 100 nvim --headless -u NONE -i NONE -n \
    -c "lua if not xpcall(dofile, function(why) print(why) end, \"$2/tests/lsp/neovim.lua\") then vim.cmd(\"cquit 1\") end" 2>&1)
status=$?
if [ $status -ne 0 ]; then echo "$said"; echo "FAILED: nvim ended with $status"; exit 1; fi
