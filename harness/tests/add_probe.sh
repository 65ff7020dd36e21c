#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A stranger adds a probe by adding one file, as ARCHITECTURE.md says, and takes it away again: in a
# copy of the sources, the probe is listed and passes, its absence leaves no trace.
set -eu
program=$1/mmconform
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "add_probe: $*" >&2
	exit 1
}

if "$program" list | grep -q 'demand\.stranger'; then
	fail "the sources hold the stranger's probe already"
fi
# The tree as it stands, without tests: the stranger builds the program only.
(cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$scratch" 2>/dev/null) || true
build=$scratch/build
quietly() {
	"$@" >"$scratch/log" 2>&1 || {
		cat "$scratch/log" >&2
		fail "$*"
	}
}
quietly cmake -S "$scratch" -B "$build" -G Ninja -DMMCONFORM_TESTS=OFF
quietly cmake --build "$build" --target mmconform mmconform-trial

cat >"$scratch/probes/demand/stranger.c" <<'PROBE'
/* SPDX-License-Identifier: Apache-2.0 */
/* Untouched memory is counted as size, not as resident: VmSize grows, VmRSS does not. */
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

static const struct probe_parameter parameters[] = {
	{.name = "pages", .unit = VM_UNIT_PAGES, .choices_count = 2, .choices = {1, 300}},
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t pages = probe_argument(arguments, "pages");

	(void)model, (void)host, (void)readings;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "demand.virt-vs-res",
			.quantity = "size-growth",
			.at = "",
			.unit = VM_UNIT_PAGES,
			.form = VM_FORM_EXACT,
			.values_count = 1,
			.values = &pages,
			.because = "mmap adds the area's length to total_vm and touches nothing",
			.cite = "linux:6.12:mm/mmap.c:vm_stat_account",
		});
}

static long size_pages(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	long pages = 0;

	MUST(statm != NULL);
	MUST(fscanf(statm, "%ld", &pages) == 1);
	MUST(fclose(statm) == 0);
	return pages;
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t pages = (size_t)probe_argument(arguments, "pages");
	(void)size_pages();
	const long before = size_pages();

	MUST(mmap(NULL, vm_pages_to_bytes(pages), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED);
	observe("size-growth", size_pages() - before, VM_UNIT_PAGES, "statm");
}

static const char *const claims[] = {"demand.virt-vs-res", NULL};

PROBE(stranger) = {
	.name = "demand.stranger",
	.claims = claims,
	.question = "By how much does mapping N pages let the process's size grow?",
	.method = "Map, and read the first number of statm before and after.",
	.threats = "Opening the file maps memory of its own: it is read once before.",
	.by_hand = "cat /proc/self/statm",
	.parameters_count = 1,
	.parameters = parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
PROBE
sed -i 's/#include <sys\/mman.h>/#include <stdio.h>\n#include <sys\/mman.h>/' "$scratch/probes/demand/stranger.c"
quietly cmake --build "$build" --target mmconform mmconform-trial
"$build/harness/mmconform" list | grep -q 'demand\.stranger' || fail "the new probe is not listed"
"$build/harness/mmconform" run --claim '^demand\.virt-vs-res$' --record "$scratch/record.jsonl" >"$scratch/log" 2>&1 || {
	cat "$scratch/log" >&2
	fail "the new probe does not pass"
}
count=$(grep -c '"type": *"verdict".*demand\.stranger.*"verdict": *"pass"' "$scratch/record.jsonl") || true
[ "$count" = 2 ] || fail "two cases of the new probe should pass, $count did"

rm "$scratch/probes/demand/stranger.c"
quietly cmake --build "$build" --target mmconform mmconform-trial
if "$build/harness/mmconform" list | grep -q 'demand\.stranger'; then
	fail "the probe is still there after its file has gone"
fi
