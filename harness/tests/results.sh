#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The reference results: each record holds, is listed, names no host, and what is made of them is
# what they say; the folder stays small.
# usage: results.sh BUILD-FOLDER
set -eu
program=$1/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$source/results"

fail() {
	echo "results: $*" >&2
	exit 1
}

records_kib_most=4096
folder_kib_most=20480
[ "$(du -sk records | cut -f 1)" -le $records_kib_most ] || fail "records/ is larger than $records_kib_most KiB"
[ "$(du -sk --apparent-size . | cut -f 1)" -le $folder_kib_most ] || fail "results/ is larger than $folder_kib_most KiB"
for record in records/*.zst formulas/*.zst; do
	"$program" report "$record" -o tap="$scratch/tap" || fail "$record does not hold"
	zstd -dcq "$record" | head -n 1 | grep -q '"anonymous":true' || fail "$record names its host"
	zstd -dcq "$record" >"$scratch/record.jsonl"
	"$source/harness/tests/check_schema.py" "$source/harness/record/record.schema.json" "$scratch/record.jsonl" >"$scratch/log" ||
		{ tail -n 3 "$scratch/log" >&2; fail "$record: a line is not of the schema"; }
done
./regenerate "$program" --check || fail "what is made of the records is not what they say: results/regenerate"
# Every line of a figure that suites/report/figures.yaml names is of a quantity that a check observes:
# else one was renamed, and the figure lacks it in silence.
sed -n 's/.*{probe: \([^,]*\), quantity: \([^,]*\), .*/\1 \2/p' "$source/suites/report/figures.yaml" >"$scratch/lines"
[ -s "$scratch/lines" ] || fail "suites/report/figures.yaml names no curve"
while read -r _ quantity; do
	grep -rqF "\"$quantity\"" "$source/probes" || fail "suites/report/figures.yaml: nothing observes $quantity"
done <"$scratch/lines"
# A page of a standard run is no larger than this, with all its cases and figures.
"$program" report records/host-6.18.jsonl.zst -o html="$scratch/page.html"
[ "$(wc -c <"$scratch/page.html")" -lt 2000000 ] || fail "the page of a standard run is too large"
echo "results: all as they should be"
