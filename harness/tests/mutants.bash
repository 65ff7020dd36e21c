# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What scenario_mutants.sh and formula_mutants.sh share: a list of sources with one thing wrong in
# one line each, compiled and linked as the build does it.
#
# A line of a list: FILE | what stands there | what is put instead. A bar in the code is written \|.
# Blanks are clang-format's: any of them stand for any. "# NAME" begins a group.

# usage: mutants_prepare BUILD-FOLDER
mutants_prepare() {
	build=$(cd "$1" && pwd)
	source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	export build source_dir work
	export MMCONFORM_DATA=$source_dir
	export -f mutant_write mutant_object mutant_compile mutant_link mutant_try
}

# usage: NUMBER LINE
mutant_write() {
	python3 - "$source_dir" "$work/$1.c" "$2" <<'END'
import re, sys
file, old, new = (part.replace("\1", "|") for part in sys.argv[3].replace("\\|", "\1").split("|"))
text = open(f"{sys.argv[1]}/{file}").read()
pattern = r"\s*".join(re.escape(word) for word in re.findall(r"\w+|[^\w\s]", old))
mutated, found = re.subn(pattern, lambda match: new, text)
if found != 1:
    sys.exit(f"{file}: found {found} times: {old}")
open(sys.argv[2], "w").write(mutated)
END
}

# The object of a source, below the build's folder.
mutant_object() {
	case $1 in
	reference-model/*) echo "reference-model/CMakeFiles/vm_model.dir/${1#reference-model/}.o" ;;
	harness/*) echo "harness/CMakeFiles/mmconform_core.dir/${1#harness/}.o" ;;
	*) echo "harness/CMakeFiles/mmconform_core.dir/__/$1.o" ;;
	esac
}

# As the build compiles it, but from another file and into another one. usage: NUMBER LINE
mutant_compile() {
	local file=${2%%|*} command

	mutant_write "$1" "$2" || return
	command=$(ninja -C "$build/.." -t commands "$(mutant_object "$file")" | tail -n 1)
	command=$(sed -E 's/ -MD| -M[TF] [^ ]+| -[oc] [^ ]+//g' <<<"$command")
	(cd "$build/.." &&
		eval "$command -w -I$source_dir/$(dirname "$file") -c $work/$1.c -o $work/$1.o")
}

# A program of the build with the mutant in it: in the place of its object, or before the library
# that it is from. usage: PROGRAM NUMBER LINE
mutant_link() {
	local object command

	object=$(mutant_object "${3%%|*}")
	command=$(ninja -C "$build/.." -t commands "harness/$1" | tail -n 1)
	if [[ $command == *" $object "* ]]; then
		command=${command/ $object / $work/$2.o }
	else
		command=${command/ -o harness\/$1 / $work/$2.o -o harness/$1 }
	fi
	(cd "$build/.." && eval "${command/ -o harness\/$1 / -Wl,-s -o $work/$2.$1 }")
}

# What became of the mutant goes to $work/NUMBER.out: the last line is "status 1" if COMMAND, which
# gets number and line, found it out. usage: NUMBER LINE COMMAND
mutant_try() {
	local number=$1

	if mutant_compile "$@" >"$work/$number.out" 2>&1; then
		"$3" "$@" >"$work/$number.out" 2>&1
		echo "status $?" >>"$work/$number.out"
	fi
	find "$work" -name "$number.*" ! -name '*.out' -delete
}

# usage: mutants_try LIST COMMAND
mutants_try() {
	export -f "${2?}"
	grep -v '^#' "$1" >"$work/list"
	awk '{ printf "%d%c%s%c", NR, 0, $0, 0 }' "$work/list" |
		xargs -0 -n 2 -P "$(nproc)" bash -c "mutant_try \"\$1\" \"\$2\" $2" try
}

# Whether at least so many were tried, and none survived. usage: mutants_report LEAST
mutants_report() {
	local count=0 survivors=0 line

	while IFS= read -r line; do
		count=$((count + 1))
		if [ "$(tail -n 1 "$work/$count.out")" = "status 1" ]; then
			printf '%-90.90s killed by %s\n' "$line" \
				"$(head -n 1 "$work/$count.out" | cut -c1-90)"
		else
			echo "survives: $line"
			tail -n 3 "$work/$count.out" | cut -c1-200 | sed 's/^/    /'
			survivors=$((survivors + 1))
		fi
	done <"$work/list"
	echo "$count mutants, $survivors survive"
	[ "$survivors" = 0 ] && [ "$count" -ge "$1" ]
}
