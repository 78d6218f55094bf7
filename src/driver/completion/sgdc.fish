# Completion of sgdc in fish, which sgdc itself answers: `sgdc --complete`. A file in ~/.config/fish/completions, or
#     sgdc --completions=fish | source
function __sgdc_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct | string unescape)
    for answer in ($words[1] --complete $words[2..-1] "$word" 2>/dev/null)
        if not string match -q ':files*' -- $answer
            printf '%s\n' $answer
            continue
        end
        set -l parts (string split \t -- $answer)
        set -l rest (string sub -s (math (string length -- "$parts[2]") + 1) -- "$word")
        for file in $rest*
            if test -d $file
                printf '%s\n' "$parts[2]$file/"
            else if string match -q -- "*$parts[3]" $file
                printf '%s\n' "$parts[2]$file"
            end
        end
    end
end
complete -c sgdc -f -a '(__sgdc_complete)'
