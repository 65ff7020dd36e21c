#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mmconform compare and history over records whose truth is known: made from this host's facts, with
# launches drawn by a seed. Nothing here is timed.
# usage: compare.sh BUILD-FOLDER
set -eu
build=$1
program=$build/mmconform
make=$(cd "$(dirname "$0")" && pwd)/make_records.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "compare: $*" >&2
	cat out err >&2
	exit 1
}

# expect STATUS WORDS COMMAND...: the exit status, and words somewhere in what it says.
expect() {
	wanted=$1 words=$2
	shift 2
	status=0
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ] || fail "$*: status $status, not $wanted"
	cat out err | grep -q -- "$words" || fail "$*: not \"$words\""
}

"$program" run exact --claim '^xlate\.worked-example$' --seed 1 --record real.jsonl >out 2>err ||
	fail "no record to begin with"
"$make" real.jsonl a.jsonl 1 12 100
"$make" real.jsonl same.jsonl 2 12 100
"$make" real.jsonl slower.jsonl 3 12 105
"$make" real.jsonl faster.jsonl 4 12 90
"$make" real.jsonl few.jsonl 5 3 105
"$make" real.jsonl fewer.jsonl 9 3 100
"$make" real.jsonl broken.jsonl 6 12 300
"$make" real.jsonl other.jsonl 7 12 100 cpus-online=64
"$make" real.jsonl kernel.jsonl 8 12 100 kernel-minor=1

expect 0 '^0 slower, 0 faster, 4 unchanged within the floor, 0 inconclusive; 1 counts the same, 0 changed' \
	"$program" compare a.jsonl same.jsonl
expect 1 'lookup\[4000\] *slower.jsonl slower *+[45]' "$program" compare a.jsonl slower.jsonl
grep -q '^1 slower, 0 faster, 3 unchanged' out || fail "other rows changed as well"
expect 0 'lookup\[4000\] *faster.jsonl faster *-' "$program" compare a.jsonl faster.jsonl
expect 1 '1 slower, 1 faster, ' "$program" compare a.jsonl slower.jsonl faster.jsonl
expect 0 'each would decide' "$program" compare fewer.jsonl few.jsonl
expect 1 'count area.lookup-log areas: 4, in broken.jsonl 5' "$program" compare a.jsonl broken.jsonl
grep -q '^worse: area.lookup-log of area.lookup-log was pass and is deviation' out ||
	fail "the worse verdict is not named"
# What is slower by as much as two records of one kernel differ by is noise.
expect 0 '0 slower' "$program" compare --same slower.jsonl a.jsonl slower.jsonl
expect 2 'is of another machine than a.jsonl: cpus-online was' "$program" compare a.jsonl other.jsonl
expect 0 'cpus-online: .*, in other.jsonl 64' "$program" compare --unlike a.jsonl other.jsonl
expect 2 'another machine' "$program" compare --same other.jsonl a.jsonl same.jsonl
expect 0 'kernel-minor: .*, in kernel.jsonl 1' "$program" compare a.jsonl kernel.jsonl
expect 0 '0 slower, 0 faster' "$program" compare --halves a.jsonl
expect 1 '"answer":"slower"' "$program" compare --json a.jsonl slower.jsonl
python3 -c 'import json, sys; [json.loads(line) for line in open("out")]' || fail "no JSON lines"
expect 2 'Two at least' "$program" compare a.jsonl
expect 2 'missing.jsonl' "$program" compare a.jsonl missing.jsonl
expect 4 'nothing in common' "$program" compare a.jsonl real.jsonl
sed 's/"values":\[\([0-9]*\),/"values":[1,/' a.jsonl >edited.jsonl
expect 2 'edited.jsonl' "$program" compare a.jsonl edited.jsonl

# The oldest first, whatever the order on the command line; the one of 3 launches is of the 3rd.
expect 0 'lookup\[4000\]' "$program" history area.lookup-log slower.jsonl few.jsonl --quantity lookup
sed -n 2p out | grep -q 'few.jsonl' || fail "not the oldest first"
expect 0 '"median-ns":10[45]' "$program" history --json area.lookup-log slower.jsonl
expect 4 'no record has anything of cow.fork-cost' "$program" history cow.fork-cost a.jsonl
expect 2 'which records' "$program" history area.lookup-log

# The same times as a picture of characters.
expect 0 '^ *65000 .*#' "$program" report --verbose slower.jsonl
