# Completion of sgdc in bash, which sgdc itself answers: `sgdc --complete`. Loaded by bash-completion, or by
#     eval "$(sgdc --completions=bash)"
_sgdc() {
    local line=${COMP_LINE:0:COMP_POINT} words word offers=() answer head path
    read -a words <<<"$line"                        # a blank behind \ is part of a word
    [[ $line == *[[:blank:]] ]] && words+=("")
    word=${words[${#words[@]} - 1]}
    while IFS= read -r answer; do
        if [[ $answer != :files$'\t'* ]]; then
            offers+=("${answer%%$'\t'*}")
            continue
        fi
        answer=${answer#*$'\t'} head=${answer%%$'\t'*}
        while IFS= read -r path; do
            [[ -d $path || $path == *"${answer#*$'\t'}" ]] && offers+=("$head$path")
        done < <(compgen -f -- "${word#"$head"}")
        compopt -o filenames 2>/dev/null
    done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
    # A word that ends in = goes on.
    [[ ${#offers[@]} -eq 1 && ${offers[0]} == *= ]] && compopt -o nospace 2>/dev/null
    # bash replaces what stands behind the last = alone.
    [[ $word == *=* && $COMP_WORDBREAKS == *=* ]] && head=${word%"${word##*=}"} || head=
    COMPREPLY=("${offers[@]#"$head"}")
}
complete -F _sgdc sgdc
