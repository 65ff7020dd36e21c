#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kernel's own parser reads our KTAP, of any record. It comes with the kernel's source: package
# linux-source, or KUNIT=.../tools/testing/kunit of a tree. Without either the test is skipped.
# usage: ktap.sh BUILD-FOLDER
set -eu
program=$1/mmconform
source=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "ktap: $*" >&2
	exit 1
}

if [ -z "${KUNIT:-}" ]; then
	for archive in /usr/src/linux-source-*.tar.xz; do
		[ -f "$archive" ] || { echo "ktap: package linux-source is not there"; exit 77; }
		# The parser looks for its place in the tree.
		tar -xf "$archive" --wildcards '*/tools/testing/kunit/*'
		break
	done
	KUNIT=$(echo "$scratch"/linux-source-*/tools/testing/kunit)
fi
"$program" facts --facts "$source/results/hosts/zen5-6.18-2cpu-24g" --json >facts

# parses KIND STATUS COUNTS: what the parser makes of the fixture.
parses() {
	"$source/harness/tests/fixture.py" "$1" facts "$1.jsonl"
	"$program" report "$1.jsonl" -o ktap="$1.ktap"
	status=0
	python3 "$KUNIT/kunit.py" parse "$scratch/$1.ktap" >log 2>&1 || status=$?
	[ "$status" = "$2" ] || { tail -n 20 log >&2; fail "$1: status $status"; }
	grep -q "Testing complete. Ran $3\$" log || { tail -n 5 log >&2; fail "$1: not $3"; }
	grep -q '\[ERROR\]' log && { cat log >&2; fail "$1: a line is malformed"; }
	return 0
}
parses verdicts 1 '10 tests: passed: 5, failed: 2, skipped: 3'
parses clean 0 '1 tests: passed: 1'
parses hostile 1 '28 tests: passed: 10, failed: 12, skipped: 6'
"$program" report verdicts.jsonl clean.jsonl -o ktap=several.ktap
python3 "$KUNIT/kunit.py" parse "$scratch/several.ktap" >log 2>&1 && fail "no failure in several"
grep -q 'Ran 11 tests: passed: 6, failed: 2, skipped: 3$' log || fail "several records: other counts"
echo "ktap: all as it should be"
