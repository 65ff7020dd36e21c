#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The suite on other kernels, in guests: Debian's 6.1 and 6.12 come out clean; a panic, a hang and a
# killed run each have their own clear ending, never a pass, and leave nothing behind.
set -eu
program=$1/mmconform
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
	echo "guest: $*" >&2
	exit 1
}

# ends STATUS TEXT ARGUMENTS...: a run in a guest that must end so and say so.
ends() {
	wanted=$1
	text=$2
	shift 2
	status=0
	"$program" run "$@" >out 2>err || status=$?
	if [ "$status" -ne "$wanted" ] || ! cat out err | grep -q "$text"; then
		cat out err >&2
		fail "run $*: exit $status, wanted $wanted and \"$text\""
	fi
}

for name in cloud-amd64 6.12-cloud-amd64; do
	kernel=$("$root/scripts/debian-kernels" "$name")
	ends 0 '^0 deviations: ' --profile quick --guest "$kernel" --record "$name.jsonl"
	echo "$kernel: $(head -n 1 out)"
	# The record is as good as one from a host: judged again, it says the same.
	"$program" judge "$name.jsonl" >again || fail "$kernel: the record is judged otherwise"
	[ "$(head -n 1 again | sed 's/ - .*//')" = "$(head -n 1 out | sed 's/ - .*//')" ] ||
		fail "$kernel: judged again, the tally differs"
done

# A suite of one's own goes along.
printf 'title: own\nchecks:\n  - match: "^demand.first-touch$"\nprofiles:\n  - {name: quick, cases: 2, drawn: 1, launches: 1, looks: 2}\n' >own.yaml
ends 0 '^0 deviations: 2 pass' ./own.yaml --claim '^demand.first-touch$' --profile quick --guest "$kernel"
ends 2 'absent.yaml: No such file' ./absent.yaml --profile quick --guest "$kernel"

# Shared by clones, each launch is made once, and the record is one.
ends 0 '^0 deviations: ' --profile quick --guest "$kernel" --guest-machines 3 --record shared.jsonl
python3 - <<'END' || fail "three machines did not share the run"
import json
lines = [json.loads(line) for line in open("shared.jsonl")]
numbers = [line["number"] for line in lines if line["type"] == "trial"]
planned = {json.dumps([line["probe"], line["parameters"]]) for line in lines if line["type"] == "prediction"}
launched = [json.dumps([line["probe"], line["parameters"]]) for line in lines if line["type"] == "trial"]
assert lines[-1]["machines"] == 3 and lines[-1]["trials"] == len(numbers), lines[-1]
assert len(set(numbers)) == len(numbers) and {number % 3 for number in numbers} == {0, 1, 2}
assert len(set(launched)) == len(launched) and set(launched) == planned
END
"$program" judge shared.jsonl >again || fail "a shared record is judged otherwise"
[ "$(head -n 1 again | sed 's/ - .*//')" = "$(head -n 1 out | sed 's/ - .*//')" ] || fail "judged again, the tally differs"

# A machine of which no clone can be made does all of it.
mkdir alone
printf '#!/bin/sh\ncase "$*" in *-incoming*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v qemu-system-x86_64)" >alone/qemu-system-x86_64
chmod +x alone/qemu-system-x86_64
PATH=$scratch/alone:$PATH ends 0 '^0 deviations: ' --profile quick --guest "$kernel" --guest-machines 2 --record alone.jsonl
tail -n 1 alone.jsonl | grep -q '"machines"' && fail "a machine without a clone has one all the same"

# What the run inside would refuse is refused here, and leaves no record.
ends 2 'no profile "slow"' --profile slow --guest "$kernel" --record none.jsonl
ends 3 'QEMU could not start' --guest "$kernel" --guest-cpu nonexistent --record none.jsonl
[ ! -e none.jsonl ] || fail "a run that sent nothing left an empty record"

ends 3 'panicked: .*Kernel panic' --guest "$kernel" --guest-arguments rdinit=/nonexistent
ends 3 'hung: the guest did not end within 1 s' --guest "$kernel" --guest-deadline 1
ends 2 'not a bzImage' --guest "$program"
ends 2 'no such file' --guest ./nonexistent
ends 2 'is not a number from 1 to 64' --guest "$kernel" --guest-cpus 65
ends 2 'more nodes than CPUs' --guest "$kernel" --guest-nodes 2

# A machine that is gone in the middle has not brought out a whole record: an ending of its own,
# whichever of them it is, and the others go too.
"$program" run --guest "$kernel" --guest-machines 2 --record gone.jsonl >out 2>err &
victim=$!
for _ in $(seq 300); do
	! grep -q '"type":"trial"' gone.jsonl 2>/dev/null || break
	sleep 0.1
done
[ "$(pgrep -P "$victim" -c qemu)" -eq 2 ] || fail "two machines do not run side by side"
kill -KILL "$(pgrep -P "$victim" -n qemu)"
status=0
wait "$victim" || status=$?
[ "$status" -eq 3 ] || fail "an incomplete record: exit $status, wanted 3"
cat out err | grep -q 'without a panic and without a whole result' || fail "an incomplete record is not called so"
[ -z "$(pgrep -P "$victim" qemu)" ] || fail "a machine outlived its run"

# Killed in the middle, the machine goes with the harness.
"$program" run --guest "$kernel" --record killed.jsonl >out 2>err &
victim=$!
qemu=
for _ in $(seq 100); do
	qemu=$(pgrep -P "$victim" qemu || true)
	[ -z "$qemu" ] || break
	sleep 0.1
done
[ -n "$qemu" ] || fail "no guest was started"
kill -KILL "$victim"
wait "$victim" 2>/dev/null || true
for _ in $(seq 50); do
	kill -0 "$qemu" 2>/dev/null || break
	sleep 0.1
done
! kill -0 "$qemu" 2>/dev/null || fail "the guest outlived the harness"
