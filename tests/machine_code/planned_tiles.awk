# planned_tiles: reads --emit=loops and prints the register tiles of an entry's kernels, a line each:
#
#   FMA KERNEL
#
# FMA: the multiplications and additions of one vector each that one turn of an innermost loop holds: those that terms
# join a chain with, times the iterations of the loops inside of it that are unrolled. KERNEL: the loop's body without the
# numbers of loops, scalars and arrays, so that kernels of one shape are one. Named are loops of at least 8 terms and at
# least 6 fma, with vectors of full width: those of a rest are narrower. FMA is the word squares where a matrix is
# transposed in registers on the way. -v entry=NAME picks the entry, -v cpu= says how wide vectors are.
BEGIN { full = cpu ~ /v4/ ? 16 : cpu ~ /v3/ ? 8 : 4 }
function iterations(line,   word, n, i, step) {
    n = split(line, word, /[ ,]+/)
    step = 1
    for (i = 1; i <= n; i++) {
        if (word[i] ~ /^0\.\./) extent = substr(word[i], 4)
        if (word[i] == "by") step = word[i + 1]
    }
    return extent == "rows" ? 1000 : extent / step
}
function close_to(depth) {
    while (open > 0 && at[open] >= depth) {
        if (fma[open] >= 6 && terms[open] >= 8 && !around[open]) {
            kernel = (squares[open] ? "squares" : fma[open]) " " body[open]
            if (!(kernel in seen)) print kernel
            seen[kernel] = 1
        }
        open--
    }
}

/^[^ ]/ {
    close_to(0)
    delete product
    if ($0 !~ /: [0-9]+ bytes of work/) here = $1 == entry
    next
}
!here { next }
{
    match($0, /^ */)
    close_to(RLENGTH)
    plain = $0
    gsub(/^ +/, "", plain)
    text = plain
    gsub(/[A-Za-z_][A-Za-z_.]*[0-9]+/, "@", text)
    for (i = 1; i <= open; i++) body[i] = body[i] "; " text
}
plain ~ /^for / {
    open++
    at[open] = RLENGTH
    name[open] = $2
    count[open] = iterations(plain)
    unrolled[open] = plain ~ /, (unrolled|vector)$/
    vector[open] = plain ~ /, vector$/
    fma[open] = terms[open] = squares[open] = around[open] = 0
    for (i = 1; i < open && !unrolled[open]; i++) around[i] = 1
    body[open] = ""
}
plain ~ /^transpose / { squares[open] = 1 }
plain ~ /^s[0-9]+ = fma\(/ { product[$1] = 1 }
plain ~ /, term / {
    split(plain, part, /, term /)
    scalar = part[1]
    sub(/.* = /, "", scalar)
    if (!(scalar in product) || !vector[open] || count[open] != full) next
    times = 1
    for (loop = open; loop > 0 && unrolled[loop]; loop--) if (!vector[loop]) times *= count[loop]
    fma[loop] += times
    all = 1
    for (i = 1; i <= open; i++) if (part[2] ~ "(^|[^a-z0-9])" name[i] "($|[^a-z0-9])") all *= count[i]
    terms[loop] = all
}
END { close_to(0) }
