#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A kernel with a bug, for each bug: the scenario of the claim that it breaks must show a difference.
# The same program before an honest kernel must show none. Argument: the build's harness folder.
set -eu
build=$(cd "$1" && pwd)
scenarios=$(dirname "$0")/../../suites/scenarios
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# Not root: frames cannot be read, forks of a traced program are refused in some containers.
if [ "$(id -u)" -ne 0 ]; then
	echo "liars: needs root"
	exit 0
fi
cp "$build/mmconform" "$room/"
cp "$build/liar" "$room/mmconform-trial"
echo "$build/mmconform-trial" >"$room/real"
failed=0
told=0

tell() { # the lie, the scenario, the claim, the exit status that is expected
	echo "$1" >"$room/lie"
	if ! grep -q "^claims.* $3\( \|\$\)" "$scenarios/$2.scenario"; then
		echo "liars: $2 does not show $3"
		failed=1
	fi
	status=0
	"$room/mmconform" scenario "$scenarios/$2.scenario" >"$room/out" 2>&1 || status=$?
	if [ "$status" -ne "$4" ]; then
		echo "liars: $1: $2 ended with $status, not $4"
		cat "$room/out"
		failed=1
	fi
	told=$((told + 1))
}

while read -r lie scenario claim; do
	if [ "$lie" = nothing ]; then
		tell "$lie" "$scenario" "$claim" 0
	else
		tell "$lie" "$scenario" "$claim" 1
	fi
done <<END
nothing cow/writer-pays cow.writer-pays
mprotect-does-nothing tlb/protection tlb.protection
munmap-does-nothing area/unmap-hole area.no-overlap
munmap-stops-halfway tlb/protection-unmap demand.zero-for-security
mlock-does-nothing reclaim/pinned reclaim.pinned
dontneed-keeps-data reclaim/dontneed demand.zero-for-security
wipeonfork-forgotten cow/wipeonfork cow.fork-shares
dontfork-forgotten cow/dontfork cow.fork-shares
free-drops-at-once reclaim/lazy-free reclaim.clean-vs-dirty
overlap-accepted demand/mmap-errors demand.mmap-path
private-is-shared cow/same-address cow.same-address
populate-ignored demand/prefault-populate demand.prefault
mmap-populates demand/mmap-is-a-promise demand.mmap-is-a-promise
areas-never-merge demand/mmap-path-merge area.merge-split
file-offset-ignored demand/mmap-path-file area.merge-split
everything-executable area/exec-permission demand.segv
none-is-readable demand/error-code demand.error-code
dontunmap-ignored area/remap-keep area.extend
mremap-never-refuses area/remap-errors area.extend
mprotect-wrong-errno area/protect-errors area.merge-split
faults-counted-twice demand/first-touch demand.first-touch
mincore-says-resident demand/zero-page-at-map demand.zero-page-at-map
pagemap-never-exclusive cow/last-owner cow.last-owner
pagemap-wrong-frames account/rss-double account.rss-double
mappers-miscounted account/metadata frame.metadata
resident-size-lags account/rss account.rss
tables-miscounted xlate/hierarchical-size xlate.hierarchical-size
share-not-divided account/pss account.pss
fsync-does-nothing cache/write-through cache.write-through
END
echo "liars: $told told"
[ "$told" -ge 16 ] && [ "$failed" -eq 0 ]
