#compdef sgdc
# Completion of sgdc in zsh, which sgdc itself answers: `sgdc --complete`. A file _sgdc in a folder of $fpath, or
#     eval "$(sgdc --completions=zsh)"
_sgdc() {
    local answer tab=$'\t'
    local -a ended open parts
    for answer in ${(f)"$($words[1] --complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"}; do
        parts=("${(@ps:\t:)answer}")
        if [[ $parts[1] == :files ]]; then
            compset -P "${(b)parts[2]}"
            _files ${parts[3]:+-g} ${parts[3]:+"*.$parts[3]"}
        elif [[ $parts[1] == *= ]]; then
            open+=("${parts[1]//:/\\:}:$parts[2]")
        else
            ended+=("${parts[1]//:/\\:}:$parts[2]")
        fi
    done
    _describe -o sgdc ended -- open -S ''
}
if [[ $funcstack[1] == _sgdc ]]; then _sgdc "$@"; else compdef _sgdc sgdc; fi
