#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tables of records in every format, hostile texts as text, and documents held against records.
# usage: tables.sh BUILD-FOLDER
set -eu
program=$1/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "tables: $*" >&2
	exit 1
}

"$program" facts --facts "$source/results/hosts/zen5-6.18-2cpu-24g" --json >facts
for kind in verdicts hostile curves other; do "$source/harness/tests/fixture.py" $kind facts $kind.jsonl; done

tables='chapters lectures textbook page-sizes kernels claims curves exactness'
formats='latex markdown csv html macros pgfplots'
for table in $tables; do
	for format in $formats; do
		for record in verdicts hostile curves; do
			"$program" tables $record.jsonl --table $table --format $format >$record.$table.$format ||
				fail "$table as $format of $record"
		done
		(cd / && LC_ALL=C.UTF-8 TZ=Asia/Tokyo "$program" tables "$scratch/verdicts.jsonl" --table $table --format $format) |
			cmp - verdicts.$table.$format || fail "$table as $format: other bytes elsewhere"
	done
done

# --- what is in them
grep -q '^| oom.score .*| pass .*| agrees .*| 667 ' verdicts.claims.markdown || fail "the claim is not in its table"
grep -q '^cow.fork-cost,grows,flat,flat,mm textbook/cow.fork-cost ' verdicts.textbook.csv || fail "the lesson is not in its table"
grep -q '^{tlb.entries} {chase} {96} 96 5065 5030 5100 12$' curves.curves.pgfplots || fail "the curve is not in its table"
grep -q '^[^,]*,reclaim.two-lists\[string=twice\],2304,97.2,97.1,pass,' curves.exactness.csv || fail "how exact it is does not stand there"
grep -q 'mmOomScoreMeasured}{667}' verdicts.claims.macros || fail "no macro for a single value"
grep -q '^| 1 GiB .*| 2 |' verdicts.page-sizes.markdown || fail "no row for pages of 1 GiB"
"$program" tables verdicts.jsonl other.jsonl --table kernels --format csv >kernels.csv
[ "$(wc -l <kernels.csv)" = 3 ] || fail "not one row a kernel"
"$program" tables verdicts.jsonl --table claims --columns because,claim --format csv | grep -q '^one fault a page,demand.first-touch,' ||
	fail "chosen columns are not in the order asked for"
"$program" tables verdicts.jsonl --table claims --columns '?' | grep -qx statement || fail "? does not name the columns"

# --- CSV is read by another program; a formula is none
python3 - hostile.claims.csv <<'P' || fail "CSV: rows fall apart, or a formula came in"
import csv, sys
rows = list(csv.reader(open(sys.argv[1], encoding="utf-8", newline="")))
assert len({len(row) for row in rows}) == 1 and len(rows) == 15, rows
assert not any(cell[:1] in "=+@" and cell for row in rows for cell in row)
P
# --- LaTeX: nothing that the record wrote is a command, a comment or a group
python3 - hostile.claims.latex hostile.claims.macros hostile.claims.pgfplots <<'P' || fail "LaTeX: a text came in as more"
import re, sys
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"):
        text = line.split(" %mm ")[0]
        if text.startswith("%"):
            continue
        assert "\\input" not in text and text.isprintable() or text.endswith("\n"), line
        bare = re.sub(r"\\[{}%$&#_]", "", text)
        depth = 0
        for c in bare:
            depth += {"{": 1, "}": -1}.get(c, 0)
            assert depth >= 0, line
        assert depth == 0 and "%" not in bare and "$" not in bare, line
P
grep -q 'script' hostile.claims.html || fail "HTML: the hostile text is gone"
grep -qE '<(script|img)' hostile.claims.html hostile.claims.markdown && fail "HTML came in"
grep -q -- '-->.*-->' hostile.chapters.html && ! grep -q '<!--mm' hostile.chapters.html && fail "a comment ends early"

# --- a document against records: it holds; a changed value, another record, a lost row are named
for format in latex markdown html macros; do
	cat verdicts.claims.$format verdicts.chapters.$format >document
	"$program" tables verdicts.jsonl --verify document >verified || { cat verified >&2; fail "$format: it does not hold"; }
	grep -q 'document: all [0-9]* cells' verified || fail "$format: nothing is said"
	sed 's/667/668/' document >changed
	"$program" tables verdicts.jsonl --verify changed >verified && fail "$format: a changed value is not noticed"
	grep -q '^changed:[0-9]*: claims/oom.score/measured: is "667" now$' verified || { cat verified >&2; fail "$format: not named"; }
	sed 's/667/1667/' document >changed
	"$program" tables verdicts.jsonl --verify changed >verified && fail "$format: a longer value is not noticed"
	"$program" tables other.jsonl --verify document >verified && fail "$format: another record is not noticed"
	grep -q 'is of another record' verified || fail "$format: another record is not named"
	grep -q 'these records have no such cell' verified || fail "$format: a lost row is not named"
done
for format in csv pgfplots; do
	"$program" tables verdicts.jsonl --table chapters --format $format >document
	"$program" tables verdicts.jsonl --verify document >verified || { cat verified >&2; fail "$format: it does not hold"; }
	sed '/Demand/s/,1,2/,1,3/; /Demand/s/ 1 2 / 1 3 /' document >changed
	"$program" tables verdicts.jsonl --verify changed >verified && fail "$format: a changed line is not noticed"
	grep -q '^changed:[0-9]*: chapters/demand/cases: is "2" now$' verified || { cat verified >&2; fail "$format: the cell is not named"; }
	[ "$(wc -l <verified)" = 1 ] || fail "$format: other cells are named, too"
	sed '/Demand/s/\(,"*mm \)/,7\1/; /Demand/s/ 2 1/ 2 1 1/' document >changed
	"$program" tables verdicts.jsonl --verify changed >verified && fail "$format: a column too many is not noticed"
	"$program" tables other.jsonl --verify document >verified && fail "$format: another record is not noticed"
done
# A table of Markdown is to be read in its source: one comment a row, and columns by their titles.
[ "$(grep -c '<!--mm' verdicts.chapters.markdown)" = "$(grep -o '<!--mm' verdicts.chapters.markdown | wc -l)" ] || fail "Markdown: more than a comment a row"
"$program" tables verdicts.jsonl --table claims --columns measured,claim --format markdown >document
"$program" tables verdicts.jsonl --verify document >verified || { cat verified >&2; fail "chosen columns do not hold"; }
sed 's/| Measured | Claim |/| Claim | Measured |/' document >changed
"$program" tables verdicts.jsonl --verify changed >verified && fail "exchanged titles hold"
sed '1s/Measured/Estimated/' document >changed
"$program" tables verdicts.jsonl --verify changed >verified && fail "a title of ours that is none holds"
grep -q 'claims/oom.score/Estimated: these records have no such cell' verified || fail "the title is not named"
"$program" tables hostile.jsonl --verify hostile.claims.markdown >verified || { tail -n 3 verified >&2; fail "hostile texts do not verify"; }

# --- mistakes
for mistake in '' '--table nosuch' '--table claims --format nosuch' '--table claims --columns claim,nosuch' '--verify /nowhere'; do
	status=0
	# shellcheck disable=SC2086 # words
	"$program" tables verdicts.jsonl $mistake >out 2>err || status=$?
	[ $status = 2 ] || fail "\"$mistake\": status $status"
	[ "$(wc -l <err)" = 1 ] || fail "\"$mistake\": not one line"
done
echo nothing >document
"$program" tables verdicts.jsonl --verify document 2>err && fail "a document without cells holds"
echo "tables: all as they should be"
