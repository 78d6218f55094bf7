# hot_loops: reads the assembly of a program and prints its hot loops, a line each:
#
#   FUNCTION LABEL fma=N narrow=N stack=N moved=N turned=N instructions=N
#
# A hot loop is an innermost loop (from a label to a jump back to it, with no such loop inside) that is dense with fused
# multiply-adds: at least 4, and at least 1 of 3 instructions. narrow: of them those that do not fill a vector register of
# the target; stack: instructions that refer to the stack; moved: shuffles and broadcasts from a register, which
# take the place of an fma (those from memory do not). turned: 1 for another kind of loop, that turns squares of a matrix
# in registers: more moves than fma, and little else. -v cpu= x86-64-v3, x86-64-v4 or aarch64; with -v reach=NAME only
# functions are looked at that NAME comes to, and itself.
function opens_function(line) { return line ~ /^[A-Za-z_][A-Za-z0-9_.$]*:/ }
function is_instruction(line) { return line ~ /^[ \t]+[a-z]/ }

opens_function($0) { name = $1; sub(/:.*/, "", name); names[name] = 1 }
/^[.A-Za-z_][A-Za-z0-9_.$]*:/ {
    label = $1
    sub(/:.*/, "", label)
    place[label] = NR
}
is_instruction($0) {
    text[NR] = $0
    owner[NR] = name
    target = $NF
    if ($1 ~ /^(j[a-z]+|b|b\.[a-z]+|cbz|cbnz|tbz|tbnz)$/ && target in place) {
        begin[++loops] = place[target]
        end[loops] = NR
        head[loops] = target
    }
}

# Calls may be through pointers to functions: what a function mentions it may call.
function find_calls(   n, i, count, word) {
    for (n = 1; n <= NR; n++) {
        if (!(n in text)) continue
        count = split(text[n], word, /[^A-Za-z0-9_.$]+/)
        for (i = 2; i <= count; i++)
            if (word[i] in names && word[i] != owner[n]) calls[owner[n]] = calls[owner[n]] " " word[i]
    }
}
function mark_reached(at,   list, i, n) {
    if (at in reached) return
    reached[at] = 1
    n = split(calls[at], list, " ")
    for (i = 1; i <= n; i++) mark_reached(list[i])
}

function is_fma(line) { return line ~ (arm ? "^[ \t]*(fmla|fmadd|fmls)" : "^[ \t]*vf(n?m)(add|sub)[0-9]") }
function is_wide(line) {
    if (arm) return line ~ /\.4s, v/
    return line ~ (cpu ~ /v4/ ? "%zmm" : "%ymm")
}
function uses_stack(line) { return line ~ (arm ? "\\[sp" : "\\(%rsp") }
function moves(line) {
    if (arm) return line ~ /^[ \t]*(dup|ext|zip[12]|uzp[12]|trn[12]|tbl|ins|mov[ \t]+v[0-9]+\.[sd]\[)/
    if (line ~ /^[ \t]*v?broadcast/ && line ~ /\(/) return 0
    return line ~ /^[ \t]*v?(p?broadcast|perm|pshuf|shuf|unpck|punpck|insert|extract|align|blend)/
}

END {
    arm = cpu ~ /aarch64/
    if (reach != "") { find_calls(); mark_reached(reach) }
    for (l = 1; l <= loops; l++) {
        inner = 1
        for (o = 1; o <= loops; o++)
            if (o != l && begin[o] >= begin[l] && end[o] <= end[l] && end[o] - begin[o] < end[l] - begin[l]) inner = 0
        if (!inner) continue
        if (reach != "" && !(owner[end[l]] in reached)) continue
        fma = narrow = stack = moved = count = 0
        for (n = begin[l]; n <= end[l]; n++) {
            if (!(n in text)) continue
            count++
            if (is_fma(text[n])) { fma++; narrow += !is_wide(text[n]) }
            stack += uses_stack(text[n])
            moved += moves(text[n])
        }
        turned = moved >= fma && 5 * (fma + moved) > 2 * count
        if (fma < 4 || (3 * fma < count && !turned)) continue
        printf "%s %s fma=%d narrow=%d stack=%d moved=%d turned=%d instructions=%d\n",
            owner[end[l]], head[l], fma, narrow, stack, moved, turned, count
    }
}
