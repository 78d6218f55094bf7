# planned_tiles: reads --emit=loops and prints the register tiles of an entry's kernels, a line each:
#
#   FMA KERNEL
#
# FMA: the multiplications and additions of one vector each that one turn of its innermost loop holds, by the unroll marks
# of its loops; KERNEL: its text without names, so that kernels of one shape are one. Named are sums of products with
# chains of their own (not those in 16 lanes) of at least 8 terms and at least 4 fma. FMA is the word squares where a
# matrix is turned in registers. -v entry=NAME picks the entry.
/^[^ ]/ { plan(); here = $1 == entry; next }
!here { next }
/turned in squares/ { squares = 1 }
/^ *in tiles of [0-9]+ pixels/ { fma *= $4 }
/^  one row/ { rows = 1 }
/ at most [0-9]+ rows/ { rows = $0; sub(/.*at most /, "", rows); rows += 0 }
/^  blocks of [0-9]+ rows/ { rows = $3 + 0 }
/^ *for / {
    plan()
    loops = $0
    fma = 1
    for (i = 1; i < NF; i++) if ($i == "unroll") fma *= $(i + 1) + 0
}
/^ *kernel sum over .* \* / && !/ in 16 lanes/ {
    terms = / over rows/ ? rows : 1
    for (i = 1; i <= NF; i++) if ($i ~ /^k[0-9]+$/ && $(i + 1) == "<") terms *= $(i + 2) + 0
    kernel = loops " " $0
    gsub(/%?[A-Za-z_][A-Za-z0-9_.@]*\[/, "[", kernel)
    gsub(/%[0-9]+\[/, "[", kernel)
    gsub(/  +/, " ", kernel)
}
END { plan() }

# The kernel read last, now that all of it is known.
function plan() {
    if (kernel != "" && squares) print "squares", kernel
    else if (kernel != "" && fma >= 4 && terms >= 8 && !((fma, kernel) in seen)) {
        seen[fma, kernel] = 1
        print fma, kernel
    }
    kernel = ""
    squares = 0
}
