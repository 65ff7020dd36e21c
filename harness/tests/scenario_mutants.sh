#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The machine with one thing wrong in one line, many times: the scenarios, judged by it from a record
# of a real host, must show a difference. A mutant that survives is a rule that no scenario holds.
# usage: scenario_mutants.sh BUILD-FOLDER [RECORD...]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/mutants.bash"
mutants_prepare "$1"
shift
[ $# -gt 0 ] || set -- "$source_dir"/results/scenarios/*.jsonl.zst
export records=$*

# shellcheck disable=SC2086
"$build/tool_judge" $records || { echo "the record differs from the model itself"; exit 1; }

# shellcheck disable=SC2086,SC2317
judged() {
	mutant_link tool_judge "$1" "$2" && timeout 100 "$work/$1.tool_judge" $records
}
list=$source_dir/harness/tests/scenario_mutants.txt
mutants_try "$list" judged
mutants_report 60
