#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reports from records alone: every format of -o is read by a program that is not ours, says the same
# on any day and in any locale, and takes hostile records for what they are: text.
# usage: outputs.sh BUILD-FOLDER
set -eu
program=$1/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
tests=$source/harness/tests
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "outputs: $*" >&2
	exit 1
}

"$program" facts --facts "$source/results/hosts/zen5-6.18-2cpu-24g" --json >facts
"$program" facts --facts "$source/results/hosts/guest-6.1-1cpu-512m" --json >facts.other
for kind in verdicts hostile curves incomplete clean; do
	"$tests/fixture.py" $kind facts $kind.jsonl
done
"$tests/fixture.py" other facts.other other.jsonl
"$tests/check_schema.py" "$source/harness/record/record.schema.json" ./*.jsonl >schema.log || {
	cat schema.log >&2
	fail "the fixtures are no records"
}

formats='html junit kcidb ktap markdown tap'
# write FOLDER RECORD...: all formats in one call.
write() {
	folder=$1
	shift
	mkdir -p "$folder"
	outputs=
	for format in $formats; do outputs="$outputs -o $format=$folder/$format"; done
	# shellcheck disable=SC2086 # a list of words
	"$program" report "$@" $outputs || fail "$folder: not written"
}
for kind in verdicts hostile curves incomplete clean other; do write $kind $kind.jsonl; done
write several verdicts.jsonl other.jsonl hostile.jsonl

# --- the same bytes: another day's locale, zone and folder, a compressed record, standard output
mkdir elsewhere
zstd -q verdicts.jsonl -o elsewhere/verdicts.jsonl
# What the next command makes of it must not depend on any of this.
(cd elsewhere && LC_ALL=C.UTF-8 LANG=de_DE TZ=Asia/Tokyo COLUMNS=40 NO_COLOR=1 write again verdicts.jsonl)
diff -r verdicts elsewhere/again || fail "other bytes elsewhere"
"$program" report verdicts.jsonl -o ktap=- >stdout.ktap
cmp stdout.ktap verdicts/ktap || fail "standard output is not the file"

# --- TAP: prove reads it, and sees what is wrong and what is left out
prove --exec cat verdicts/tap >prove.log 2>&1 && fail "prove sees no failure"
grep -q 'Failed tests:  3, 8$' prove.log || { cat prove.log >&2; fail "prove sees other failures"; }
grep -q 'less 3 skipped' prove.log || fail "prove sees other skips"
prove --exec cat clean/tap >prove.log 2>&1 || { cat prove.log >&2; fail "prove fails a clean record"; }
prove --exec cat hostile/tap >prove.log 2>&1 && fail "prove fails nothing of the hostile record"
grep -q 'Tests: 28 Failed: 12)' prove.log || { cat prove.log >&2; fail "texts are read as lines of TAP"; }

# --- JUnit: a strict schema, and the counts
for folder in verdicts hostile incomplete clean several; do
	xmllint --noout --schema "$tests/schemas/junit.xsd" $folder/junit 2>xmllint.log || {
		cat xmllint.log >&2
		fail "$folder: not the strict dialect"
	}
done
count() { xmllint --xpath "count($2)" "$1"; }
[ "$(count verdicts/junit '//testcase')" = 10 ] || fail "JUnit: not ten cases"
[ "$(count verdicts/junit '//failure')" = 1 ] || fail "JUnit: not one failure"
[ "$(count verdicts/junit '//error')" = 1 ] || fail "JUnit: not one error"
[ "$(count verdicts/junit '//skipped')" = 3 ] || fail "JUnit: not three skips"
[ "$(xmllint --xpath 'string(/testsuites/@failures)' verdicts/junit)" = 1 ] || fail "JUnit: the sum is wrong"

# --- KCIDB: its constraints, and that the words are told apart
for folder in verdicts hostile several; do
	python3 -c '
import json, sys, jsonschema
schema, report = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.validate(report, schema)' "$tests/schemas/kcidb.schema.json" $folder/kcidb || fail "$folder: no KCIDB report"
	# KCIDB_IO=FOLDER: a tree of kernelci/kcidb-io, whose own check it passes, too.
	[ -z "${KCIDB_IO:-}" ] || PYTHONPATH=$KCIDB_IO python3 -c '
import json, sys
from kcidb_io.schema import V5_3
V5_3.validate(json.load(open(sys.argv[1])))' $folder/kcidb || fail "$folder: KCIDB does not take it"
done
for word in PASS FAIL SKIP ERROR MISS DONE; do
	grep -q "\"status\": \"$word\"" verdicts/kcidb || fail "KCIDB: no $word"
done
python3 - several/kcidb <<'P' || fail "KCIDB: ids do not fit together"
import json, sys
report = json.load(open(sys.argv[1]))
checkouts, builds = ({x["id"] for x in report[k]} for k in ("checkouts", "builds"))
assert all(b["checkout_id"] in checkouts for b in report["builds"])
assert all(t["build_id"] in builds for t in report["tests"])
assert len({t["id"] for t in report["tests"]}) == len(report["tests"])
P

# --- google-benchmark: its own compare tool takes two files and has a row for each time
"$program" report curves.jsonl -o gbench=a.json
"$program" report curves.jsonl -o gbench=b.json
python3 -c 'import json; [json.load(open(f)) for f in ("a.json", "b.json")]' || fail "gbench: no JSON"
if [ -f /usr/share/benchmark/compare.py ]; then
	/usr/bin/python3 /usr/share/benchmark/compare.py --no-color benchmarks a.json b.json >compare.log 2>&1 || {
		cat compare.log >&2
		fail "google-benchmark's compare.py stopped"
	}
	for name in tlb.entries/chase/96 tlb.entries/packed/16 demand.fault-is-costly/touch/major OVERALL_GEOMEAN; do
		grep -q "^$name .*+0.0000" compare.log || fail "compare.py has no row for $name"
	done
	"$program" report verdicts.jsonl -o gbench=none.json
	/usr/bin/python3 /usr/share/benchmark/compare.py --no-color benchmarks none.json none.json >compare.log 2>&1 ||
		fail "compare.py stops at a record without times"
else
	echo "outputs: libbenchmark-tools is not there: compare.py not asked"
	skipped=yes
fi

# --- HTML and Markdown: texts stay texts
xmllint --html --nonet --xpath 'count(//script)' hostile/html >scripts 2>/dev/null
[ "$(cat scripts)" = 1 ] || fail "HTML: another script than the page's own"
[ "$(xmllint --html --xpath 'count(//img)' hostile/html 2>/dev/null)" = 0 ] || fail "HTML: an image came in"
[ "$(xmllint --html --xpath 'count(//@*[starts-with(translate(., "JAVSCRIPT", "javscript"), "javascript:")])' hostile/html 2>/dev/null)" = 0 ] ||
	fail "HTML: a script in an attribute"
grep -q 'onerror' hostile/html || fail "HTML: the hostile text is gone"
grep -qE '(src|href)="?(https?:)?//' hostile/html several/html && fail "HTML: fetches something"
grep -qP '[\x{202a}-\x{202e}]' hostile/html hostile/markdown hostile/junit && fail "writing turns its direction"
grep -qE '<(script|img)' hostile/markdown && fail "Markdown: HTML came in"
python3 - hostile/markdown <<'P' || fail "Markdown: a cell, a link or code came in"
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
assert not re.search(r"(?<!\\)`", text) and not re.search(r"(?<!\\)\]\(", text)
assert all(len(re.findall(r"(?<!\\)\|", line)) in (0, 3, 7) for line in text.splitlines())
P

# --- what a page must have: the eight verdicts, the deviation with everything, the incomplete run
for word in pass deviation known inconclusive skip error model silent; do
	grep -q "class=\"word $word\">$word<" verdicts/html || fail "HTML: no $word"
done
for text in '63</dd>' '64</dd>' '<strong>65</strong>' '1 more than linux says' 'what to do' 'measured 65, linux says 64: 1 more' 'one fault a page' 'do_anonymous_page' "mmconform run --seed 1 --claim '^demand\\\\.first-touch\\$'"; do
	grep -q -- "$text" verdicts/html || fail "HTML: the deviation has no $text"
done
grep -q 'INCOMPLETE (SIGTERM)' incomplete/html || fail "HTML: the incomplete run is not called so"
grep -q 'the kernel said' verdicts/html || fail "HTML: the kernel's warning is not there"
[ "$(xmllint --html --xpath 'count(//figure/*[name()="svg"])' curves/html 2>/dev/null)" = 8 ] || fail "HTML: not eight figures"
for text in 'linux: knee at 96' 'textbook: knee at 64' 'linux: knee 1024 to 1524' 'linux: knee 4096 to 4596' 'pages of 2 MiB' \
	'pages of 1 GiB' 'time of one load' 'storage' 'after the scan: cold, 10 of 100' 'low, node 0 Normal' 'misses a reference' \
	'background-runs' 'looks, in the order of time'; do
	grep -qF "$text" curves/html || fail "HTML: no \"$text\" in a figure"
done
grep -q '>stalls<' curves/html && fail "HTML: events that never happened"
grep -qE 'color="(white|black)"' curves/html && fail "HTML: ink that does not turn with the page"
# A time is of one operation where the trial says how many it timed: 2 us a thousand are 2 ns.
grep -q '>2.0 ns<' curves/html || fail "HTML: the time of a batch is not divided"
awk '/id="differences"/ { found = 1 } END { exit !found }' several/html || fail "HTML: no differences"

grep -q 'GNUPLOT' curves/html && fail "HTML: which gnuplot drew is in the bytes"
# Without gnuplot a page says so, and has everything else.
PATH=/nowhere "$program" report curves.jsonl -o html=undrawn.html 2>err || fail "without gnuplot there is no page"
grep -q 'gnuplot' err || fail "nothing is said of gnuplot"
grep -q '8 are not drawn' undrawn.html && grep -q 'id="claims"' undrawn.html || fail "a page without figures lacks more"

# --- a command that is pasted does what it says, whatever the claim's name is
grep -o 'again:.*' hostile/markdown >again || true
"$program" report hostile.jsonl -o tap=- | sed -n 's/^  again: //p' | python3 -c '
import json, shlex, sys
for line in sys.stdin:
    words = shlex.split(json.loads(line))
    assert words[:2] == ["mmconform", "run"] and words[-2] == "--claim" and len(words) == 6, words
' || fail "a command breaks out of its quotes"

# --- errata: what is void is left out everywhere, and said
sha256=$(tail -n 1 verdicts.jsonl | sed 's/.*"sha256":"//; s/".*//')
printf 'errata:\n  - {record: %s, claims: "^demand", reason: "the wrong <kernel>", link: "https://example.org/2"}\n' "$sha256" >errata.yaml
"$program" report verdicts.jsonl --errata errata.yaml -o tap=void.tap -o html=void.html -o markdown=void.md
grep -q '^ok 3 .*# SKIP void: the wrong <kernel>' void.tap || fail "TAP: the void verdict stands"
grep -q 'void: the wrong &lt;kernel&gt;' void.html || fail "HTML: the void verdict is not called so"
grep -q '^- note: 2 verdicts are void' void.md || fail "Markdown: nothing is said of the erratum"
printf 'errata:\n  - {record: abc, claims: x, reason: r, link: l}\n' >errata.yaml
"$program" report verdicts.jsonl --errata errata.yaml -o tap=void.tap 2>err && fail "a wrong erratum is taken"
grep -q 'not the SHA-256' err || fail "a wrong erratum is not named"

# --- the name of a file is a text, too, and no part of what is written
name='$(touch came-in)<img src=x>|`id`"\\input{x} % .jsonl'
cp hostile.jsonl "$name"
write named "$name"
diff -r hostile named || fail "the name of the record is in what is made of it"
[ ! -e came-in ] || fail "the name of a file was run"
"$program" report "$name.gone" -o tap=x 2>err && fail "a record that is not there is reported"
[ "$(wc -l <err)" = 1 ] || fail "a strange name breaks the message"

# --- a record of another wire format is refused by its number
sed '1s/"version":1/"version":2/' verdicts.jsonl >later.jsonl
"$program" report later.jsonl -o tap=x 2>err && fail "a record of a later format is reported"
grep -q 'later.jsonl:1: record of version 2, this program reads 1$' err || { cat err >&2; fail "a later format is not named"; }

# --- mistakes
"$program" report 2>err && fail "no record is no mistake"
"$program" report verdicts.jsonl other.jsonl -o gbench=x 2>err && fail "gbench takes two records"
grep -q 'takes one record' err || fail "gbench: the mistake is not named"
sed 's/"65"/"66"/' verdicts.jsonl >edited.jsonl
"$program" report edited.jsonl -o tap=x 2>err && fail "an edited record is reported"
grep -q 'was changed after the run' err || fail "an edited record is not called so"
"$program" report verdicts.jsonl -o tap=/nowhere/x 2>err && fail "a file that cannot be is written"
"$program" report verdicts.jsonl >terminal.txt || fail "the terminal's report"
head -n 1 terminal.txt | grep -q '^1 deviation, 1 error: ' || fail "the terminal's report has no verdict line"

# --- fifty records
records=$(for i in $(seq 50); do echo verdicts.jsonl; done)
# shellcheck disable=SC2086 # a list of words
"$program" report $records -o html=fifty.html
[ "$(wc -c <fifty.html)" -lt 2000000 ] || fail "the page of fifty records is too large"
[ -z "${skipped:-}" ] || exit 77
echo "outputs: all as they should be"
