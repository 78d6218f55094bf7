# What C sources say, one fact a line, for the tests beside this: POSIX awk, no compiler. Input: files by name.
#   function FILE NAME LINE LINES SCOPE     a definition; SCOPE: static or extern
#   type     FILE NAME LINE                 a struct, union or enum with a body; a typedef that says what a name is
#   include  FILE PATH
#   use      FILE FUNCTION WORD             a word that may be a function's name, in a body or (FUNCTION "-") outside
# Tabs between fields. It knows how these sources are written: their braces balance whichever branch of an #if is taken.
# Of the scanner and the parser the rules give uses only.

BEGIN { OFS = "\t"; WORD = "[A-Za-z_][A-Za-z0-9_]*" }
FNR == 1 {
    depth = 0; in_comment = 0; continued = 0; declaration = ""; where = ""; tag = ""
    part = FILENAME ~ /\.[ly]$/ ? 1 : 0           # 1: before the rules, 2: rules, 3: C before the rules; 0: C
}
part && /^%%/ { part = part == 1 ? 2 : 0; next }
part == 1 && /^%(top)?\{/ { part = 3; next }
part == 3 && /^%?\}/ { part = 1; next }
part == 1 { next }
part == 2 {
    for (line = $0; match(line, WORD "\\("); line = substr(line, RSTART + RLENGTH))
        print "use", FILENAME, "-", substr(line, RSTART, RLENGTH - 1)
    next
}
{
    line = stripped($0)
    if (!continued && line !~ /^[ ]*#/) {
        if (depth > 0 || line !~ /^[A-Z][A-Z0-9_]*\(.*\)[ ]*$/) read_code(line)      # not functions made by a macro
        next
    }
    continued = line ~ /\\$/
    if (line ~ /^[ ]*#[ ]*include[ ]*"/) { split($0, quoted, "\""); print "include", FILENAME, quoted[2] }
    else if (FILENAME !~ /h$/ && line !~ /^[ ]*#[ ]*(include|if|elif|undef|pragma)/) words_used(line, "-")
}

# The line without comments, its strings and characters emptied.
function stripped(line,    out, mark) {
    out = ""
    while (line != "") {
        if (in_comment) {
            if (!match(line, /\*\//)) return out
            in_comment = 0
            line = substr(line, RSTART + 2)
        } else if (match(line, /\/\*|\/\/|["']/)) {
            mark = substr(line, RSTART, RLENGTH)
            out = out substr(line, 1, RSTART - 1)
            line = substr(line, RSTART)
            if (mark == "//") return out
            if (mark == "/*") { in_comment = 1; out = out " "; line = substr(line, 3); continue }
            if (mark == "'") match(line, /^'([^'\\]|\\.)*'/); else match(line, /^"([^"\\]|\\.)*"/)
            line = substr(line, RSTART ? RLENGTH + 1 : 2)
            out = out mark mark
        } else return out line
    }
    return out
}

# Outside of braces text is gathered as one declaration, up to its { or ;.
function read_code(text,    mark, before) {
    while (text != "") {
        mark = match(text, /[{};]/) ? substr(text, RSTART, 1) : ""
        before = mark == "" ? text " " : substr(text, 1, RSTART - 1)
        text = mark == "" ? "" : substr(text, RSTART + 1)
        if (depth > 0) words_used(before, where)
        else {
            if (declaration ~ /^[ ]*$/ && before !~ /^[ ]*$/) begun = FNR
            declaration = declaration before
        }
        if (mark == "{" && depth++ == 0) open_braces()
        else if (mark == "}" && --depth == 0 && where ~ /^[A-Za-z_]/) {
            print "function", FILENAME, where, begun, FNR - begun + 1, scope_of(declaration, where)
            declaration = ""
        } else if (mark == ";" && depth == 0) end_declaration()
    }
}

# Where words in the braces are used: in a function, in a table (-), or nowhere (the members of a type).
function open_braces(    name) {
    name = function_name(declaration)
    where = declaration ~ /=/ ? "-" : ""
    if (where == "" && tag_of(declaration) != "") { tag = tag_of(declaration); print "type", FILENAME, tag, begun }
    else if (name != "") {
        where = name
        parameters(declaration)
    }
}

function end_declaration() {
    if (declaration ~ /^[ ]*typedef / && declaration !~ /^[ ]*typedef[ ]+(struct|union|enum)[ ]+[A-Za-z0-9_]+[ ]+[A-Za-z0-9_]+[ ]*$/)
        if (typedef_name(declaration) != tag) print "type", FILENAME, typedef_name(declaration), begun
    if (declaration ~ /=/) words_used(declaration, "-")
    declaration = tag = ""
}

function function_name(text) {
    while (sub(/__attribute__[ ]*\(\(([^()]|\([^()]*\))*\)\)/, " ", text)) ;
    if (text ~ /=/ || text !~ /[A-Za-z0-9_][ ]*\(/) return ""
    sub(/[ ]*\(.*/, "", text)
    sub(/.*[^A-Za-z0-9_]/, "", text)
    return text
}

# A name in capitals is a macro that makes one.
function scope_of(text, name) { return text ~ /(^|[ ])static[ ]/ || name ~ /^[A-Z0-9_]*$/ ? "static" : "extern" }

# They hide functions of the same name.
function parameters(text,    n, word, i) {
    sub(/[^(]*\(/, "", text)
    n = split(text, word, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= n; i++) said[FILENAME, where, word[i]] = 1
}

function tag_of(text) {
    if (text !~ /(^|[^A-Za-z0-9_])(struct|union|enum)[ ]+[A-Za-z0-9_]+[ ]*$/) return ""
    sub(/[ ]*$/, "", text)
    sub(/.*[^A-Za-z0-9_]/, "", text)
    return text
}

function typedef_name(text) {
    if (match(text, /\([ ]*\*[ ]*[A-Za-z0-9_]+[ ]*\)[ ]*\(/)) {
        text = substr(text, RSTART, RLENGTH)
        gsub(/[^A-Za-z0-9_]/, "", text)
        return text
    }
    sub(/(\(.*\)|\[.*\])[ ]*$/, "", text)
    sub(/[ ]*$/, "", text)
    sub(/.*[^A-Za-z0-9_]/, "", text)
    return text
}

function words_used(text, where,    n, word, i) {
    if (where == "") return
    gsub(/(\.|->)[ ]*[A-Za-z_][A-Za-z0-9_]*/, " ", text)          # members
    n = split(text, word, /[^A-Za-z0-9_]+/)
    for (i = 1; i <= n; i++)
        if (word[i] ~ /^[A-Za-z_]/ && !((FILENAME, where, word[i]) in said)) {
            said[FILENAME, where, word[i]] = 1
            print "use", FILENAME, where, word[i]
        }
}
