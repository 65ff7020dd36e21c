#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A kernel with a memory-management bug, for each bug of wrong_kernel/wrong_kernels.list: booted in a
# guest, it must be found out on the claim that the bug breaks. The same kernel without the bug, taken
# through the same debugger, must come out clean on all those claims.
#
# Usage: wrong_kernels.sh BUILD [KERNEL...] [-- BUG...]. Without kernels, each bug is made in one of
# Debian's two cloud kernels, in turn; with kernels, in each of them that it is written for.
set -eu
build=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
list=$here/wrong_kernel/wrong_kernels.list
kernels=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	kernels="$kernels $1"
	shift
done
[ $# -eq 0 ] || shift
wanted=$*
in_turn=
if [ -z "$kernels" ]; then
	in_turn=yes
	kernels=$("$here/../../scripts/debian-kernels" 6.12-cloud-amd64 cloud-amd64)
fi
WRONG_SCRATCH=$(mktemp -d)
export WRONG_SCRATCH
trap 'rm -rf "$WRONG_SCRATCH"' EXIT
WRONG_QEMU=$(command -v qemu-system-x86_64)
WRONG_INIT=$build/wrong_init
WRONG_ORDERS=$WRONG_SCRATCH/orders
export WRONG_QEMU WRONG_INIT WRONG_ORDERS
mkdir "$WRONG_SCRATCH/bin"
ln -s "$here/wrong_kernel/wrong_kernel.py" "$WRONG_SCRATCH/bin/qemu-system-x86_64"
# A suite of the checks that are wanted, beside those that there are.
mkdir "$WRONG_SCRATCH/data"
cp -R "$here/../../suites" "$WRONG_SCRATCH/data/"
ln -s "$here/../../results" "$WRONG_SCRATCH/data/results"
MMCONFORM_DATA=$WRONG_SCRATCH/data
export MMCONFORM_DATA
failed=0
found=0

# boot KERNEL CHECKS: the status of a run of these checks in a guest whose kernel obeys the orders.
boot() {
	rm -f "$WRONG_SCRATCH/record" "$WRONG_SCRATCH/log"
	printf 'title: wrong kernels\nchecks:\n  - match: "^(%s)$"\nprofiles:\n  %s\n' "$2" \
		'- {name: quick, cases: 6, drawn: 1, launches: 1, looks: 2}' >"$MMCONFORM_DATA/suites/wrong.yaml"
	status=0
	PATH=$WRONG_SCRATCH/bin:$PATH "$build/mmconform" run wrong --claim . --profile quick --allow settings,pressure --guest "$1" \
		--guest-deadline 200 --record "$WRONG_SCRATCH/record" >"$WRONG_SCRATCH/out" 2>&1 || status=$?
}

complain() {
	echo "wrong_kernels: $*"
	cat "$WRONG_SCRATCH/out" "$WRONG_SCRATCH/log"
	failed=1
}

patched() {
	grep -q "^patched $(grep -cE '^(return|data|code|skip) ' "$WRONG_ORDERS")\$" "$WRONG_SCRATCH/log"
}

deviates() { # CLAIM
	grep '"type":"verdict"' "$WRONG_SCRATCH/record" | grep '"verdict":"deviation"' |
		grep -q "\"claim\":\"$1\""
}

series() {
	echo "$1" | sed 's/.*linux-image-\([0-9]*\.[0-9]*\).*/\1/'
}

orders() { # BUG SERIES
	awk -v bug="$1" -v series="$2" '$1 == "bug" { on = $2 == bug } /^$/ { on = 0 }
		on && ($1 == series || $1 == "any") { sub(/^[^ ]+ /, ""); print }' "$list"
}

is_wanted() {
	[ -z "$wanted" ] || case " $wanted " in *" $1 "*) ;; *) false ;; esac
}

# Whose turn it is, with $turn counting the bugs: the kernel, or any for which the bug is written.
takes() { # KERNEL BUG
	[ -n "$(orders "$2" "$(series "$1")")" ] || return 1
	[ -n "$in_turn" ] || return 0
	able=
	for kernel_able in $kernels; do
		[ -z "$(orders "$2" "$(series "$kernel_able")")" ] || able="$able $kernel_able"
	done
	# shellcheck disable=SC2086 # a list of words
	set -- "$1" $able
	only=$1
	shift
	shift $((turn % $#))
	[ "$only" = "$1" ]
}

for kernel in $kernels; do
	checks=
	turn=0
	while read -r word bug claim check; do
		[ "$word" = bug ] || continue
		turn=$((turn + 1))
		is_wanted "$bug" && takes "$kernel" "$bug" || continue
		orders "$bug" "$(series "$kernel")" >"$WRONG_ORDERS"
		boot "$kernel" "$check"
		if ! patched; then
			complain "$kernel: $bug could not be made"
		elif [ "$status" -ne 1 ] || ! deviates "$claim"; then
			complain "$kernel: $bug was not found on $claim: exit $status"
		else
			found=$((found + 1))
			echo "$kernel: $bug: $claim deviates"
		fi
		checks="$checks${checks:+|}$check"
	done <"$list"
	: >"$WRONG_ORDERS"
	[ -n "$checks" ] || continue
	boot "$kernel" "$checks"
	if ! patched || [ "$status" -ne 0 ]; then
		complain "$kernel: without a bug it is not clean: exit $status"
	fi
done
echo "wrong_kernels: $found found"
[ "$failed" -eq 0 ] && [ "$found" -gt 0 ]
