# Rings of files: from facts (facts.awk) to sets of files of one folder each of which needs all others, directly or not.
# A file needs another when it includes it or names a function that it defines. Folders need each other by includes.
# Output: RING FILE... on one line, by name, and the lines after it begin with a space: one shortest way around.
BEGIN { FS = "\t" }
{ folder[$2] = $2; sub(/\/[^\/]*$/, "", folder[$2]) }
$1 == "include" { includer[++includes] = $2; included[includes] = $3 }
$1 == "function" { own[$2, $3] = 1; if ($6 == "extern") home[folder[$2], $3] = $2 }
$1 == "use" { user[++uses] = $2; word[uses] = $4 }

function need(from, to, why) {
    if (from != to && !((from, to) in reason)) { reason[from, to] = why; reach[from, to] = 1 }
}

function find_needs(    i, from, to) {
    for (i = 1; i <= includes; i++) {
        from = includer[i]
        to = ("src/" included[i]) in folder ? "src/" included[i] : "runtime/" included[i]
        if (!(to in folder)) continue
        if (folder[from] == folder[to]) need(from, to, "includes it")
        else need(folder[from], folder[to], from " includes " included[i])
    }
    for (i = 1; i <= uses; i++)
        if ((folder[user[i]], word[i]) in home && !((user[i], word[i]) in own))
            need(user[i], home[folder[user[i]], word[i]], word[i])
}

# What needs itself through others stands in a ring.
function find_rings(names,    name, n, i, j, k, ring) {
    n = split(names, name, " ")
    for (k = 1; k <= n; k++)
        for (i = 1; i <= n; i++)
            if ((name[i], name[k]) in reach)
                for (j = 1; j <= n; j++)
                    if ((name[k], name[j]) in reach) reach[name[i], name[j]] = 1
    for (i = 1; i <= n; i++) {
        if (!((name[i], name[i]) in reach) || name[i] in seen) continue
        ring = ""
        for (j = 1; j <= n; j++)
            if ((name[i], name[j]) in reach && (name[j], name[i]) in reach) { ring = ring " " name[j]; seen[name[j]] = 1 }
        print "RING" sorted(ring)
        print_way(ring, name[i])
    }
}

function sorted(names,    name, n, i, j, swap, text) {
    n = split(names, name, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && name[j] < name[j - 1]; j--) { swap = name[j]; name[j] = name[j - 1]; name[j - 1] = swap }
    for (i = 1; i <= n; i++) text = text " " name[i]
    return text
}

function print_way(ring, start,    name, n, i, queue, first, last, before, at, line) {
    n = split(ring, name, " ")
    queue[last = 1] = start
    for (first = 1; first <= last && !(start in before); first++)
        for (i = 1; i <= n; i++)
            if ((queue[first], name[i]) in reason && !(name[i] in before)) {
                before[name[i]] = queue[first]
                queue[++last] = name[i]
            }
    at = start
    do {
        line = "    " before[at] " needs " at ": " reason[before[at], at] "\n" line
        at = before[at]
    } while (at != start)
    printf "%s", line
}

END {
    find_needs()
    for (file in folder) { files[folder[file]] = files[folder[file]] " " file }
    for (file in files) { find_rings(files[file]); folders = folders " " file }
    find_rings(folders)
}
