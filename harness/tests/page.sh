#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page in a real browser: with its script and without, narrow and wide, light and dark. Skipped
# where there is no chromium. PICTURES=FOLDER keeps what it looked like, to be looked at.
# usage: page.sh BUILD-FOLDER
set -eu
program=$1/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
command -v chromium >/dev/null || { echo "page: package chromium is not there"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "page: $*" >&2
	exit 1
}

# browse OUT OPTIONS... PAGE: what the browser made of the page, as HTML.
browse() {
	out=$1
	shift
	timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" \
		--virtual-time-budget=2000 --dump-dom "$@" >"$out" 2>browser.log || {
		tail -n 5 browser.log >&2
		fail "the browser stopped"
	}
}

"$program" facts --facts "$source/results/hosts/zen5-6.18-2cpu-24g" --json >facts
for kind in verdicts hostile curves other; do "$source/harness/tests/fixture.py" $kind facts $kind.jsonl; done
"$program" report verdicts.jsonl -o html=verdicts.html
"$program" report hostile.jsonl -o html=hostile.html
"$program" report curves.jsonl verdicts.jsonl other.jsonl -o html=several.html

# Asks the page after its script ran: a script of ours behind it writes what it found.
ask() {
	sed "s|</body>|<script>document.title = (() => { $2 })();</script></body>|" "$1.html" >asked.html
	browse asked.dom "file://$scratch/asked.html$3"
	sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' asked.dom | head -n 1
}
find='const field = (id) => document.getElementById(id); const shown = () => [...document.querySelectorAll("details.claim")].filter((c) => !c.hidden).map((c) => c.id).join(" "); const set = (id, value) => { field(id).value = value; field("find").dispatchEvent(new Event("input")); };'

# --- with the script: it finds and filters, and a link opens its claim
[ "$(ask verdicts "$find return String(field('find').hidden);" '')" = false ] || fail "the controls are not shown"
[ "$(ask verdicts "$find set('verdict', 'deviation'); return shown();" '')" = demand.first-touch ] || fail "the verdict does not filter"
[ "$(ask verdicts "$find set('words', 'badness adjustment'); return shown();" '')" = oom.score ] || fail "the search does not find"
[ "$(ask verdicts "$find const all = shown().split(' '); set('source', 'epita'); const left = shown().split(' '); return left.length + ' of ' + all.length + ' ' + left.every((id) => field(id).dataset.sources.includes('epita'));" '' |
	sed 's/^[1-8] of 9 //')" = true ] || fail "the lecture does not filter"
[ "$(ask verdicts "$find return String(field('oom.score').open);" '#oom.score')" = true ] || fail "a link does not open its claim"
# --- a hostile record runs nothing: its alerts would have changed the title or left an element
[ "$(ask hostile 'return document.querySelectorAll("img, script, iframe, object, [onerror]").length + " " + document.links.length + " " + [...document.links].filter((a) => !a.getAttribute("href").startsWith("#")).length;' '' |
	sed 's/ [0-9]* / /')" = '2 0' ] || fail "the hostile record made an element or a link out of the page"
# --- without the script everything is there, and no control that would do nothing
sed "s|<head>|<head><meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'none'\">|" verdicts.html >none.html
browse none.dom "file://$scratch/none.html"
grep -q '<form id="find" hidden' none.dom || fail "without the script there are controls"
grep -q 'badness is pages and an adjustment' none.dom || fail "without the script something is missing"

# --- nothing is wider than a phone or a page, whatever the record holds
for page in verdicts several hostile; do
	for width in 360 1200; do
		wide=$(ask $page "const frame = document.createElement('iframe'); return String(document.documentElement.scrollWidth - document.documentElement.clientWidth);" '' "$width")
		[ "$wide" -le 0 ] || fail "$page: $wide pixels too wide"
	done
done
# --- and it shows: a picture in every way it is read is not of one colour
shoot() {
	name=$1
	shift
	timeout 120 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$scratch/profile" \
		--screenshot="$scratch/$name.png" "$@" >browser.log 2>&1 || fail "no picture of $name"
	[ "$(wc -c <"$name.png")" -gt 20000 ] || fail "$name: the picture is empty"
	[ -z "${PICTURES:-}" ] || cp "$name.png" "$PICTURES/"
}
shoot wide --window-size=1200,2400 "file://$scratch/verdicts.html"
shoot narrow --window-size=500,2400 "file://$scratch/verdicts.html"
shoot dark --window-size=1200,2400 --blink-settings=preferredColorScheme=0 "file://$scratch/several.html"
shoot hostile --window-size=1200,2400 "file://$scratch/hostile.html"
timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --no-pdf-header-footer \
	--print-to-pdf="$scratch/paper.pdf" "file://$scratch/verdicts.html" >browser.log 2>&1 || fail "no paper"
head -c 4 paper.pdf | grep -q '%PDF' || fail "the paper is no PDF"
echo "page: all as it should be"
