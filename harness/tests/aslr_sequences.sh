#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sequences of places that a bad generator would draw: each must be refused by area.aslr, and the
# kernel's own, counted a second time by another program, must pass. Argument: the build's harness
# folder.
set -eu
build=$(cd "$1" && pwd)
MMCONFORM_DATA=$(cd "$(dirname "$0")/../.." && pwd)
export MMCONFORM_DATA
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cp "$build/mmconform" "$room/"
cp "$(dirname "$0")/aslr_trial.py" "$room/mmconform-trial"
chmod +x "$room/mmconform-trial"
echo "$build/mmconform-trial" >"$room/real"
failed=0
told=0

tell() { # the generator, the exit status that is expected
	echo "$1" >"$room/lie"
	rm -f "$room/record"
	status=0
	"$room/mmconform" run --claim '^area\.aslr$' --seed 1 --record "$room/record" >"$room/out" 2>&1 ||
		status=$?
	if [ "$status" -ne "$2" ]; then
		echo "aslr_sequences: $1 ended with $status, not $2"
		cat "$room/out"
		failed=1
	fi
	told=$((told + 1))
}

tell honest 0
for generator in half-range stuck-bit biased-bit alternating counter few-values repeating misaligned \
	ascending one-draw-for-two; do
	tell "$generator" 1
done
echo "aslr_sequences: $told told"
[ "$told" -eq 11 ] && [ "$failed" -eq 0 ]
