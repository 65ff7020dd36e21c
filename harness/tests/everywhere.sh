#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The suite runs wherever people run it: as root and as nobody, with /sys read-only or missing as in
# containers, with huge pages always, on request and never, with swap and without. Nowhere a deviation
# or an error; what is missing is a skip that says what would supply it.
set -eu
program=$1/mmconform
[ "$(id -u)" -eq 0 ] || exit 77
scratch=$(mktemp -d)
chmod 755 "$scratch"
mkdir "$scratch/nobody"
chown 65534:65534 "$scratch/nobody"
swap=
cleanup() {
	[ -z "$swap" ] || swapoff "$swap" || true
	rm -rf "$scratch"
}
trap cleanup EXIT

count() {
	grep '"type": *"verdict"' "$1" | grep -c "\"verdict\": *\"$2\"" || true
}

# everywhere NAME WRAPPER... : runs the suite under a wrapper and looks at every verdict.
everywhere() {
	name=$1
	shift
	status=0
	"$@" >"$scratch/$name.log" 2>&1 || status=$?
	record=$scratch/nobody/$name.jsonl
	if [ "$status" -ne 0 ]; then
		cat "$scratch/$name.log" >&2
		echo "everywhere: $name: exit $status" >&2
		exit 1
	fi
	for word in deviation error; do
		[ "$(count "$record" $word)" = 0 ] || {
			grep "\"$word\"" "$record" >&2
			echo "everywhere: $name: $word" >&2
			exit 1
		}
	done
	# A skip that hides everything would be no run.
	[ "$(count "$record" pass)" -gt 0 ] || {
		echo "everywhere: $name: nothing passed" >&2
		exit 1
	}
	# Each skip names the requirement and the way to supply it.
	if grep '"type": *"verdict"' "$record" | grep '"verdict": *"skip"' | grep -qv '"unmet":\[{"requirement":"[^"]\+","value":"[^"]\+","supply":"[^"]\+"'; then
		echo "everywhere: $name: a skip without a reason" >&2
		exit 1
	fi
	echo "$name: $(count "$record" pass) pass, $(count "$record" skip) skip"
}
run() {
	echo "$program run --record $scratch/nobody/$1.jsonl"
}

# shellcheck disable=SC2046 # lists of words
{
	everywhere root $(run root)
	everywhere nobody setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$scratch/nobody" $(run nobody)
	everywhere sys-read-only unshare --mount sh -c "mount -o remount,bind,ro /sys && $(run sys-read-only) --allow settings,pressure"
	everywhere sys-missing unshare --mount sh -c "mount -t tmpfs none /sys && $(run sys-missing)"
	everywhere pid-namespace unshare --mount --pid --fork --mount-proc $(run pid-namespace)
	for choice in always madvise never; do
		everywhere "thp-$choice" $(run thp-$choice) --allow settings --set "thp.enabled=$choice"
	done
	swap=$scratch/swap
	dd if=/dev/zero of="$swap" bs=1M count=64 status=none
	chmod 600 "$swap"
	mkswap -q "$swap"
	swapon "$swap"
	everywhere swap $(run swap)
	swapoff "$swap"
	swap=
}
