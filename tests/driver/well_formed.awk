# Fails where elements of a page are not closed in order, or where it asks for anything outside of itself. Scripts and
# styles are texts, in which no `<` begins an element.
BEGIN { RS = "<"; split("meta br img input hr circle line path rect", list, " "); for (i in list) empty[list[i]] = 1 }
NR == 1 || /^!/ { next }
inside && $0 !~ "^/" inside "[ >]" { if (numbers) fail("< in numbers: " substr($0, 1, 40)); next }
{
    end = index($0, ">")
    if (!end) fail("no end of <" substr($0, 1, 40))
    tag = substr($0, 1, end - 1); rest = substr($0, end + 1); name = tag
    sub(/^\//, "", name); sub(/[ \n\/].*/, "", name)
    if (index(rest, ">") && name != "script" && name != "style") fail("a > that is none of an element: " substr(rest, 1, 40))
    if (tag ~ /(src|href|action|data)="[^#]/ || tag ~ /url\([^#]/) fail("it asks for " tag)
    if (gsub(/"/, "\"", tag) % 2) fail("quotes of <" tag ">")
    if (rest ~ /&/ && name != "script" && name != "style" && rest !~ /&(amp|lt|gt|quot);/) fail("& in " substr(rest, 1, 40))
    if (tag ~ /^\//) {
        if (open[depth--] != name) fail("</" name "> where <" open[depth + 1] "> is open")
        inside = numbers = ""
    } else if (tag !~ /\/$/ && !(name in empty)) {
        open[++depth] = name
        if (name == "script" || name == "style") inside = name
        numbers = tag ~ /json/
    }
}
END { if (!failed && depth) fail("<" open[depth] "> is never closed"); exit failed }
function fail(what) { if (!failed) print FILENAME ": " what; failed = 1; exit 1 }
