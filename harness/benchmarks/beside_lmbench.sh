#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Page faults, fork with exit, and mmap as the suite times them, beside lmbench's way, in one run.
# usage: beside_lmbench.sh BUILD-FOLDER-OF-HARNESS
set -eu
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$build/mmconform" run timed --profile standard --record "$scratch/timed.jsonl" \
	--claim '^(demand\.fault-is-costly|cow\.fork-cost|demand\.prefault)$' >"$scratch/run.txt" || {
	cat "$scratch/run.txt"
	exit 3
}
"$build/bench_lmbench" "$scratch/timed.jsonl"
