#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody changes a setting while a trial measures: for each setting that enters a formula, the run
# must end in an error that names it, never in a verdict about the kernel. Argument: the build's
# harness folder.
set -eu
build=$(cd "$1" && pwd)
MMCONFORM_DATA=$(cd "$(dirname "$0")/../.." && pwd)
export MMCONFORM_DATA
if [ "$(id -u)" -ne 0 ]; then
	echo "moved: needs root: skipped"
	exit 77
fi
room=$(mktemp -d)
back=
before=
# Put back what a run that was stopped has left changed.
cleanup() {
	[ -z "$back" ] || printf '%s\n' "$before" >"$back" 2>/dev/null || true
	rm -rf "$room"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# The trial that is launched: it changes the setting, and measures then.
cp "$build/mmconform" "$room/"
cat >"$room/mmconform-trial" <<END
#!/bin/sh
cat "$room/value" >"\$(cat "$room/path")"
exec "$build/mmconform-trial" "\$@"
END
chmod +x "$room/mmconform-trial"

failed=0
moved=0
absent=0

# in_force PATH: the value, or the chosen word of several.
in_force() {
	sed 's/.*\[\(.*\)\].*/\1/' "$1"
}

# move KNOB PATH VALUE CLAIM RIVAL: of two rivals, one is 0; the other one is written to put both back.
move() {
	if ! [ -w "$2" ]; then
		absent=$((absent + 1))
		return
	fi
	old=$(in_force "$2")
	before=$(in_force "$5")
	if [ "$old" = "$3" ]; then
		echo "moved: $1 is $3 already"
		failed=1
		return
	fi
	printf '%s\n' "$2" >"$room/path"
	printf '%s\n' "$3" >"$room/value"
	rm -f "$room/record"
	back=$5
	status=0
	"$room/mmconform" run --claim "^$4\$" --record "$room/record" >"$room/out" 2>"$room/err" || status=$?
	# What the kernel refused has not moved: then nothing was tested.
	if [ "$(in_force "$2")" = "$old" ]; then
		echo "moved: $1 does not take $3"
		failed=1
	fi
	printf '%s\n' "$before" >"$5"
	back=
	if [ "$(in_force "$2")" != "$old" ]; then
		echo "moved: $1 is not back at $old"
		failed=1
	fi
	# The first fact that moved is named; of rivals it may be either.
	if [ "$status" -ne 3 ] || ! grep -q "a fact moved.*\($1\|${5##*/}\)" "$room/out" ||
		grep '"type":"verdict"' "$room/record" | grep -qv '"verdict":"\(error\|skip\)"'; then
		echo "moved: $1 to $3: status $status"
		cat "$room/out" "$room/err"
		failed=1
	fi
	moved=$((moved + 1))
}

vm=/proc/sys/vm
huge=/sys/kernel/mm/transparent_hugepage
while read -r knob path value claim rival; do
	move "$knob" "$path" "$value" "$claim" "${rival:-$path}"
done <<END
vm.overcommit_memory $vm/overcommit_memory 1 overcommit.mode0
vm.overcommit_ratio $vm/overcommit_ratio 47 overcommit.mode2
vm.overcommit_kbytes $vm/overcommit_kbytes 9000001 overcommit.mode2 $vm/overcommit_ratio
vm.admin_reserve_kbytes $vm/admin_reserve_kbytes 8191 overcommit.mode2
vm.user_reserve_kbytes $vm/user_reserve_kbytes 90001 overcommit.mode2
vm.min_free_kbytes $vm/min_free_kbytes 65001 reclaim.watermarks
vm.watermark_scale_factor $vm/watermark_scale_factor 13 reclaim.watermarks
vm.watermark_boost_factor $vm/watermark_boost_factor 14999 reclaim.watermarks
vm.percpu_pagelist_high_fraction $vm/percpu_pagelist_high_fraction 9 reclaim.watermarks
vm.extfrag_threshold $vm/extfrag_threshold 499 reclaim.watermarks
vm.stat_interval $vm/stat_interval 2 reclaim.watermarks
vm.dirty_ratio $vm/dirty_ratio 19 reclaim.tunables
vm.dirty_bytes $vm/dirty_bytes 900001792 reclaim.tunables $vm/dirty_ratio
vm.dirty_background_ratio $vm/dirty_background_ratio 9 reclaim.tunables
vm.dirty_background_bytes $vm/dirty_background_bytes 90001408 reclaim.tunables $vm/dirty_background_ratio
vm.swappiness $vm/swappiness 59 reclaim.tunables
vm.page-cluster $vm/page-cluster 2 reclaim.tunables
vm.max_map_count $vm/max_map_count 65531 area.tree
vm.mmap_min_addr $vm/mmap_min_addr 8192 area.tree
vm.mmap_rnd_bits $vm/mmap_rnd_bits 29 area.aslr
kernel.randomize_va_space /proc/sys/kernel/randomize_va_space 1 area.aslr
thp.enabled $huge/enabled never xlate.large-page-tables
thp.defrag $huge/defrag never xlate.large-page-tables
thp.use_zero_page $huge/use_zero_page 0 xlate.large-page-tables
thp.shmem_enabled $huge/shmem_enabled advise xlate.large-page-tables
ksm.run /sys/kernel/mm/ksm/run 1 oom.score
lru_gen.enabled /sys/kernel/mm/lru_gen/enabled 0x0000 reclaim.list-balance
END
echo "moved: $moved settings moved, $absent are not there"
[ "$moved" -ge 16 ] && [ "$failed" -eq 0 ]
