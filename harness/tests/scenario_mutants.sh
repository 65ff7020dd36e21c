#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The machine with one thing wrong in one line, many times: the scenarios, judged by it from a record
# of a real host, must show a difference. A mutant that survives is a rule that no scenario holds.
# usage: scenario_mutants.sh BUILD-FOLDER [RECORD...]
set -eu
build=$(cd "$1" && pwd)
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
shift
[ $# -gt 0 ] || set -- "$source_dir"/results/scenarios/*.jsonl.zst
records=$*
list=$source_dir/harness/tests/scenario_mutants.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sanitize=$(sed -n 's/^MMCONFORM_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$build/../CMakeCache.txt")
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/../CMakeCache.txt")
compile="$compiler -std=c17 -O1 -ffunction-sections -fvisibility=hidden $sanitize"
# As the judging program was linked; a mutant's object stands before the library that it is from.
link=$(ninja -C "$build/.." -t commands harness/tool_scenario_judge | tail -n 1)
export build source_dir records work compile link

# shellcheck disable=SC2086
"$build/tool_scenario_judge" $records || { echo "the record differs from the model itself"; exit 1; }

# A number and a line of the list: what became of it goes to $work/NUMBER.out.
mutate() {
	python3 - "$source_dir/reference-model" "$work/$1.c" "$2" <<'END' || return
import re, sys
file, old, new = (part.replace("\1", "|") for part in sys.argv[3].replace("\\|", "\1").split("|"))
text = open(f"{sys.argv[1]}/{file}").read()
pattern = r"\s*".join(re.escape(word) for word in re.findall(r"\w+|[^\w\s]", old))
mutated, found = re.subn(pattern, lambda match: new, text)
if found != 1:
    sys.exit(f"{file}: found {found} times: {old}")
open(sys.argv[2], "w").write(mutated)
END
	# shellcheck disable=SC2086
	$compile -w -I"$source_dir/reference-model" -I"$source_dir/reference-model/include" \
		-c "$work/$1.c" -o "$work/$1.o" || return
	(cd "$build/.." &&
		eval "${link/ -o harness\/tool_scenario_judge / $work/$1.o -Wl,-s -o $work/$1.exe }") ||
		return
	# shellcheck disable=SC2086
	MMCONFORM_DATA=$source_dir timeout 100 "$work/$1.exe" $records
	echo "status $?"
}
try() {
	mutate "$1" "$2" >"$work/$1.out" 2>&1 || echo "no mutant" >>"$work/$1.out"
	rm -f "$work/$1.c" "$work/$1.o" "$work/$1.exe"
}
export -f mutate try
grep -v '^#' "$list" >"$work/list"
awk '{ printf "%d%c%s%c", NR, 0, $0, 0 }' "$work/list" |
	xargs -0 -n 2 -P "$(nproc)" bash -c 'try "$1" "$2"' try

count=0
survivors=0
while IFS= read -r line; do
	count=$((count + 1))
	if [ "$(tail -n 1 "$work/$count.out")" = "status 1" ]; then
		printf '%-90.90s killed by %s\n' "$line" "$(head -n 1 "$work/$count.out" | cut -d: -f1-2)"
	else
		echo "survives: $line"
		tail -n 3 "$work/$count.out" | cut -c1-200 | sed 's/^/    /'
		survivors=$((survivors + 1))
	fi
done <"$work/list"
echo "$count mutants, $survivors survive"
[ "$survivors" = 0 ] && [ "$count" -ge 60 ]
