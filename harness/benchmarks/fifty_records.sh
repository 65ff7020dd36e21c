#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How long a report over fifty records takes, and how large it is: "fifty_records.sh PROGRAM [RECORD]".
# The record is the reference record of a whole run; it is read, checked and reported fifty times.
set -eu
program=$(realpath "${1:?usage: fifty_records.sh PROGRAM [RECORD]}")
record=${2:-$(dirname "$0")/../../results/records/host-6.18.jsonl.zst}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
records=
for i in $(seq 50); do
	cp "$record" "$scratch/$i.${record##*.}"
	records="$records $scratch/$i.${record##*.}"
done
echo "$(nproc) processors, load $(cut -d ' ' -f 1 /proc/loadavg), $(wc -c <"$record") bytes a record"
for round in 1 2 3; do
	start=$(date +%s%N)
	# shellcheck disable=SC2086 # a list of files
	"$program" report $records -o html="$scratch/page.html"
	echo "round $round: $((($(date +%s%N) - start) / 1000000)) ms, $(wc -c <"$scratch/page.html") bytes of HTML"
done
