#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The simulators on the command line: the course's figures come out, and nonsense is refused.
set -eu
program=$1/mmconform
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() { # expect TEXT COMMAND...: the output has the text
	local text=$1
	shift
	"$program" model "$@" >"$work/out" 2>&1 || { echo "failed: $*"; cat "$work/out"; exit 1; }
	grep -qF -- "$text" "$work/out" || { echo "no \"$text\" from: $*"; cat "$work/out"; exit 1; }
}

refuse() { # refuse TEXT COMMAND...: exit status 2 and a message with the text
	local text=$1 status=0
	shift
	"$program" model "$@" >"$work/out" 2>&1 || status=$?
	[ $status = 2 ] || { echo "status $status from: $*"; cat "$work/out"; exit 1; }
	grep -qF -- "$text" "$work/out" || { echo "no \"$text\" from: $*"; cat "$work/out"; exit 1; }
}

belady="1 2 3 4 1 2 5 1 2 3 4 5"
expect '"physical":"561"' translate -s 64 -P 1024 -t 0=2,1=5,2=1,3=8 --json 241
expect '"physical":"57"' translate -s 64 -t 3=8 --printed-formula --json 241
expect '"bytes":4194304' table-size -b 32 -e 4 --json
expect '"bytes":36028797018963968' table-size -b 64 --json
expect '"tables":512' table-size 1G+1G --json
expect "error code 0x7" walk --map 0x400000=0x5000,u 0x400123:w
expect "; 24 memory references" walk --nested --map 0x400000=0x5000 0x400123
expect "general protection" walk --map 0=0 0x800000000000
expect "fifo, 3 frames: 9 faults of 12" replace -p fifo -n 3 -d -r "$belady"
expect "fifo, 4 frames: 10 faults of 12" replace -p fifo -n 4 -d -r "$belady"
expect "fifo,4,12,10," replace -p fifo -n 3-4 -r "$belady" --format csv
expect '"faults":7' replace -p opt -n 3 -r "$belady" --json
expect "faults of" replace --find-anomaly
expect "no anomaly" replace --find-anomaly -p lru
expect '"frames":4,"faults":8' replace --curve -r "$belady" --json
expect "1 of 32 1 of 16 1 of 8" buddy -- +8
expect '"block_units":256,"waste_units":127' buddy -n 1024 --json -- +129
expect "slabs made so far" slab -s 1000 -- +6 -2 +1
expect "largest 34" fit -p best -- +20 +10 +20 -A -C +15
expect "trap: beyond the limit" relocate A=30 A@30
expect 939524096 lowmem
expect "stopped, not converged" checkpoint --precopy --write-rate 2000
expect '"level_1_hits":999' tlb -r "$(yes 1 | head -1000 | tr '\n' ' ')" --json

# What is written in one format reads the same from another.
"$program" model string -g zipf:pages=100,count=1000 --to numbers >"$work/numbers"
"$program" model string -F "$work/numbers" --to oracle >"$work/oracle"
"$program" model string -F "$work/oracle" --file-format oracle --to u64 >"$work/u64"
"$program" model string -F "$work/u64" --file-format u64 --to u32 >"$work/u32"
"$program" model string -F "$work/u32" --file-format u32 | cmp - "$work/numbers"

# A real program's trace runs straight in.
if command -v valgrind >/dev/null; then
	valgrind --tool=lackey --trace-mem=yes --log-file="$work/lackey" /bin/true
	expect '"policy":"lru"' replace -F "$work/lackey" --file-format lackey -n 10 --json
fi

printf '1\n2\nx\n' >"$work/bad"
refuse "bad:3: a page number was expected" replace -F "$work/bad"
printf 'abcde' >"$work/cut"
refuse "at byte 4: the last record has 1 of 4 bytes" replace -F "$work/cut" --file-format u32
refuse "No such file" replace -F "$work/missing"
refuse "neither I, L, S nor M" replace -F "$work/bad" --file-format lackey
refuse "more than 5 references" replace -r "$belady" --most 5
refuse "which references?" replace
refuse "no policy" replace -p nonsense -r 1
refuse "no simulator" nonsense
refuse "which simulator?"
refuse "not aligned" walk --map 0x1=0 0
refuse "nothing of that name" buddy -- -A
for verb in $("$program" model --help | awk '/^Verbs:/ { on = 1; next } on && NF > 1 { print $1 }' |
	grep -v mmconform); do
	"$program" model "$verb" --help >"$work/help"
	grep -q "mmconform model $verb" "$work/help" || { echo "no help: $verb"; exit 1; }
done
