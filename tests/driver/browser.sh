# Pages in a browser, 1280 and 400 pixels wide: pictures are made, nothing complains or asks for the network, and no page
# is wider than its window. Skipped without chromium. SGDC_PICTURES names a file for the picture.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
command -v chromium >/dev/null || { echo "skipped: chromium is not installed"; exit 77; }
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
browse() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files --user-data-dir="$scratch/profile" \
        --virtual-time-budget=4000 --enable-logging=stderr "$@"
}

cp "$source/examples/too_fast.sgd" "$source/examples/line.sgd" .
"$sgdc" too_fast.sgd --run -q --report run.html >out 2>err
"$sgdc" line.sgd --run -q --animate fit.html >out 2>err || fail "the film"
# A window has 500 pixels at least: the pages stand in frames of both widths, in which a slider is moved.
cat >frames.html <<'END'
<body style="margin:0"><iframe src="run.html" width="1280" height="2200"></iframe><iframe src="run.html" width="400" height="3000"></iframe><iframe src="fit.html" width="400" height="900"></iframe>
<pre id="told"></pre><script>
onload = () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, slider = page.querySelector("input"), now = page.querySelector(".now");
    const last = now.textContent;
    slider.value = 0;
    slider.dispatchEvent(new Event("input"));
    told.textContent += `width ${frame.width} of ${page.documentElement.scrollWidth}: from ${now.textContent} to ${last}; ${page.querySelectorAll("svg path.curve").length} curves\n`;
  }
};
</script></body>
END
browse --dump-dom --window-size=2110,3020 "file://$scratch/frames.html" >dom 2>log
sed -n '/id="told"/,/<\/pre>/p' dom | sed 's/<[^>]*>//g' >told
grep 'CONSOLE' log && fail "a page complains"
[ "$(grep -c '^width' told)" -eq 3 ] || fail "pages that were shown"
awk '$1 == "width" && $4 + 0 > $2 + 0 { exit 1 }' told || fail "wider than the window"
# A page's first panel is its first run: slow for the report, fit for the film.
for loss in 5.39933 5.39933 0.0812245; do
    echo "from epoch 0, step 0: loss 6.34421 to epoch 100, step 100: loss $loss; "
done >expected
sed -n 's/^width [^:]*: \(.*; \)[1-9][0-9]* curves$/\1/p' told | cmp -s - expected || fail "the slider"
[ $failed -eq 0 ] || cat told
browse --window-size=2110,3020 --screenshot="$scratch/pages.png" "file://$scratch/frames.html" >out 2>log
[ "$(wc -c <pages.png)" -gt 50000 ] || fail "a picture of the pages"
[ -z "${SGDC_PICTURES:-}" ] || cp pages.png "$SGDC_PICTURES"
exit $failed
