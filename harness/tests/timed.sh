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
