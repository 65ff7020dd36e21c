#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How often the end of the first-level data TLB comes out as CPUID has it, what the naive chain shows
# instead, whether the second level's end lies in its interval, and how long both take together.
# usage: tlb.sh BUILD-FOLDER-OF-HARNESS [RUNS]
set -eu
build=$1
runs=${2:-20}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

i=0
while [ "$i" -lt "$runs" ]; do
	i=$((i + 1))
	start=$(date +%s%N)
	"$build/mmconform" run timed --profile quick --seed "$i" --record "$scratch/$i.jsonl" \
		--claim '^tlb\.(entries|reach)$' >"$scratch/run.txt" || {
		cat "$scratch/run.txt"
		exit 3
	}
	end=$(date +%s%N)
	echo "$i $(((end - start) / 1000000))" >>"$scratch/times"
done
"$(dirname "$0")/tlb_table.py" "$scratch"
