#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The timed suite from end to end. On a loaded machine a claim may stay undecided; what may never
# happen, whatever the load, is a deviation or an error. And judging the record again, which is all
# that judge has, must say the same.
set -eu
mmconform=$1/mmconform
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

"$mmconform" run timed --profile quick --seed 7 --record timed.jsonl >run.txt || {
	status=$?
	cat run.txt
	exit "$status"
}
grep -q '"type":"verdict"' timed.jsonl
if grep '"type":"verdict"' timed.jsonl | grep -E '"verdict":"(deviation|error)"'; then
	exit 1
fi
"$mmconform" judge timed.jsonl --json >judged.jsonl
grep '"type":"verdict"' timed.jsonl >before.jsonl
grep '"type":"verdict"' judged.jsonl | cmp before.jsonl -

# Huge pages that timed cases need are taken once for all launches: with each launch a page of 1 GiB
# would have to be backed anew by a hypervisor that was given it back in between.
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
if [ "$(id -u)" -ne 0 ] || [ ! -w $pool ] || [ "$(cat $pool)" -ne 0 ]; then
	echo "timed: an empty pool of huge pages that may be changed is needed: that part is left out"
	exit 0
fi
"$mmconform" run timed --profile quick --allow settings --claim '^tlb\.reach$' --record held.jsonl >held.txt &
run=$!
turns=0
last=0
while kill -0 "$run" 2>/dev/null; do
	now=$(cat $pool)
	[ "$now" -eq "$last" ] || turns=$((turns + 1))
	last=$now
done
wait "$run" || {
	status=$?
	cat held.txt
	exit "$status"
}
[ "$(cat $pool)" -eq 0 ] || {
	echo "timed: the pool was not put back"
	exit 1
}
[ "$turns" -gt 0 ] && [ "$turns" -le 2 ] || {
	echo "timed: the pool changed $turns times while it was to be held"
	exit 1
}
