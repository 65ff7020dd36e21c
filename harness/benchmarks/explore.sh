#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How many operations a second of CPU time exploration does, both sides together, in one process of
# up to 25 areas, in one of as many as come about, and with forks; how large the processes were; and,
# where there is perf, what bounds it: the kernel's share, and that of each surface.
# (getrusage splits the time of processes that hand a turn to each other by luck.)
# usage: explore.sh BUILD-FOLDER [OPERATIONS]
set -eu
program=$(cd "$1" && pwd)/harness/mmconform
operations=${2:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# One CPU, so that the two sides do not wait for each other's caches.
cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
surfaces='pagemap_read|procfs_procmap_ioctl|show_smap|proc_pid_statm|proc_pid_status|do_madvise'
surfaces+='|kpageflags_read|kpagecount_read|__do_sys_getrusage|__x64_sys_cachestat|__do_sys_mincore'
surfaces+='|asm_exc_page_fault|kernel_clone'

explore() {
	"$@" taskset -c "$cpu" "$program" explore --seed 1 --ops "$operations" \
		--processes "$processes" --areas "$areas" >out 2>&1 || { cat out; exit 1; }
}
shares() { perf report -i perf.data --stdio -g none "$@" 2>/dev/null | grep -v '^#' | grep .; }

while read -r processes areas; do
	explore env
	printf '%d processes: %s\n' "$processes" "$(sed -n 's/^speed *//p' out)"
	sed -n 's/^extent */    /p' out
	command -v perf >/dev/null || continue
	explore perf record -q -e cpu-clock -F 2000 -g -o perf.data
	shares --no-children --sort dso | awk '/kernel/ { print "  " $1 " in the kernel, of it" }'
	shares --children --sort symbol |
		awk -v wanted="^($surfaces)$" '$4 ~ wanted { print "    " $1, $4 }'
done <<-END
	1 25
	1 0
	3 0
	8 0
END
