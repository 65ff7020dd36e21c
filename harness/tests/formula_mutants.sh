#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each formula with one thing wrong in one line, three times or more: the kernel's own figures must
# refute it, either those of the captured machines of results/hosts (harness.formulas) or those that
# trials read on a few machines (the records of results/formulas).
# usage: formula_mutants.sh BUILD-FOLDER
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/mutants.bash"
mutants_prepare "$1"
records=$(echo "$source_dir"/results/formulas/*.jsonl.zst)
list=$source_dir/harness/tests/formula_mutants.txt
export records

# shellcheck disable=SC2086
"$build/tool_judge" $records || { echo "a record differs from the model itself"; exit 1; }

# shellcheck disable=SC2086,SC2317
refuted() {
	# Of what is predicted nothing is in that program but the model.
	if [[ $2 == reference-model/* ]]; then
		mutant_link harness.formulas "$1" "$2" || return
		timeout 100 "$work/$1.harness.formulas" captured >"$work/$1.figures" 2>&1 || {
			grep -m 1 -i error "$work/$1.figures"
			return 1
		}
	fi
	mutant_link tool_judge "$1" "$2" && timeout 100 "$work/$1.tool_judge" $records
}
mutants_try "$list" refuted
mutants_report 130

# shellcheck disable=SC2317
refuted_by_examples() {
	mutant_link harness.formulas "$1" "$2" || return
	"$work/$1.harness.formulas" >"$work/$1.figures" 2>&1 || {
		grep -m 1 -i error "$work/$1.figures"
		return 1
	}
}
mutants_try "$source_dir/harness/tests/example_mutants.txt" refuted_by_examples
mutants_report 15

# "# NAME" begins a formula's.
awk '/^#/ { if (name != "" && count < 3) { print "less than three for" name; few = 1 }
		name = substr($0, 2); count = -1 }
	{ count++ } END { exit few || count < 3 }' "$list"
