#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program and its settings, end to end on this host: a run that is stopped, killed, or not alone
# leaves every setting as it was, and a record that can be judged.
# usage: guard_run.sh BUILD-FOLDER
set -eu
program=$1/mmconform
if [ "$(id -u)" -ne 0 ]; then
	echo "guard_run: needs root: skipped"
	exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
journal=/run/mmconform/journal
settings="/proc/sys/vm/swappiness /proc/sys/vm/min_free_kbytes /proc/sys/vm/watermark_scale_factor
	/proc/sys/vm/overcommit_memory /proc/sys/vm/overcommit_ratio /proc/sys/vm/overcommit_kbytes
	/proc/sys/vm/user_reserve_kbytes /proc/sys/vm/admin_reserve_kbytes /proc/swaps
	/sys/kernel/mm/transparent_hugepage/enabled
	/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

fail() {
	echo "guard_run: $1" >&2
	exit 1
}

snapshot() {
	for file in $settings; do
		if [ -r "$file" ]; then echo "$file: $(cat "$file")"; fi
	done
}

all_is_back() {
	snapshot >"$folder/after"
	cmp "$folder/before" "$folder/after" || { diff "$folder/before" "$folder/after" || :; fail "$1: not as before"; }
	[ ! -e "$journal" ] || fail "$1: a journal is left"
	[ -z "$(ls /var/lib/mmconform 2>/dev/null)" ] || fail "$1: something is left in /var/lib/mmconform"
}

# Until the file holds the words; the run that should write them may have ended instead.
await() {
	until grep -qs "$2" "$3"; do
		kill -0 "$1" 2>/dev/null || fail "the run ended before \"$2\""
	done
}

# A run of some seconds that holds a setting all the time; its process is $run.
begin_run() {
	"$program" run --allow settings --set vm.swappiness=11 --record "$folder/$1.jsonl" \
		>"$folder/$1.out" 2>"$folder/$1.err" &
	run=$!
	await "$run" '"type":"trial"' "$folder/$1.jsonl"
	[ "$(cat /proc/sys/vm/swappiness)" = 11 ] || fail "$1: the setting is not held"
	grep -q '^setting =vm.swappiness =' "$journal" || fail "$1: the setting is not journalled"
}

keeper_of() {
	tr ' ' '\n' <"/proc/$1/task/$1/children" | while read -r child; do
		if [ "$(cat "/proc/$child/comm" 2>/dev/null)" = mmconform-keep ]; then
			echo "$child"
		fi
	done
}

snapshot >"$folder/before"

# Stopped: ends at once, restored by itself, with a record that says so and can be judged.
for signal in TERM INT; do
	begin_run $signal
	kill -$signal "$run"
	status=0
	wait "$run" || status=$?
	# What is not complete is no clean run.
	[ "$status" = 3 ] || fail "SIG$signal: the run ended with $status"
	all_is_back "SIG$signal"
	tail -n 1 "$folder/$signal.jsonl" | grep -q '"type":"summary","complete":false' ||
		fail "SIG$signal: the record does not say that it is partial"
	status=0
	"$program" judge "$folder/$signal.jsonl" >"$folder/judged" 2>&1 || status=$?
	grep -q INCOMPLETE "$folder/judged" || fail "SIG$signal: the record is judged as if whole"
	[ "$status" = 3 ] || { cat "$folder/judged"; fail "SIG$signal: judging the record ends with $status"; }
done

# Not alone: the second run changes nothing and says who has the host.
begin_run first
status=0
"$program" run --allow settings --set vm.swappiness=12 --record "$folder/second.jsonl" \
	>"$folder/second.out" 2>&1 || status=$?
grep -q "process $run of root" "$folder/second.out" || fail "the second run does not say who has the host"
[ "$status" = 4 ] || fail "the second run ended with $status"
[ "$(cat /proc/sys/vm/swappiness)" = 11 ] || fail "the second run changed what the first holds"

# Killed: its keeper puts everything back; restore waits for that and finds nothing to do.
kill -KILL "$run"
wait "$run" 2>/dev/null || :
"$program" restore >"$folder/restored"
grep -q 'nothing to put back' "$folder/restored" || fail "the keeper left it to restore"
all_is_back SIGKILL

# Killed with its keeper: restore says what it would do, and does it.
begin_run both
keeper=$(keeper_of "$run")
[ -n "$keeper" ] || fail "there is no keeper"
# Lowering it needs CAP_SYS_RESOURCE, which root in a container may not have.
if (echo -1000 >/proc/self/oom_score_adj) 2>/dev/null; then
	[ "$(cat "/proc/$keeper/oom_score_adj")" = -1000 ] || fail "the keeper can be killed for memory"
fi
kill -KILL "$keeper" "$run"
wait "$run" 2>/dev/null || :
[ "$(cat /proc/sys/vm/swappiness)" = 11 ] || fail "somebody else put the setting back"
"$program" restore --dry-run >"$folder/restored" 2>&1
grep -q 'would put vm.swappiness back to' "$folder/restored" || fail "restore --dry-run says nothing"
[ "$(cat /proc/sys/vm/swappiness)" = 11 ] || fail "restore --dry-run changed something"
"$program" restore >"$folder/restored"
all_is_back "SIGKILL of both"

# The keeper alone: the run notices, puts back and ends.
begin_run alone
kill -KILL "$(keeper_of "$run")"
wait "$run" || :
grep -q 'keeper was killed' "$folder/alone.out" "$folder/alone.err" || fail "the run did not say that its keeper was killed"
all_is_back "SIGKILL of the keeper"

# A forged journal: refused with a reason, and nothing is changed.
mkdir -p /run/mmconform
printf 'mmconform-journal 1 garbage\n' >"$journal"
chmod 600 "$journal"
status=0
"$program" restore >"$folder/restored" 2>&1 || status=$?
[ "$status" = 3 ] || fail "restore of a forged journal ended with $status"
grep -q "$journal: line 1: " "$folder/restored" || fail "restore does not say what is wrong"
[ -e "$journal" ] || fail "the forged journal was thrown away"
rm "$journal"
all_is_back "forged journal"
echo "guard_run: stopped, killed and crowded runs leave everything as it was"
