/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working set, estimated as one would from outside: all reference bits are cleared, a window
 * goes by, and those that are set again are counted. The program's references are known, so that
 * the simulator says what its working set truly is.
 *
 * It would miss a kernel that sets or loses the bit of a page which is used all the time.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "probe/probe.h"
#include "probe/simulate.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/random.h"

#define PAGES		  256
#define WINDOWS		  8
#define WINDOW_REFERENCES 1024
#define STRAY		  64 /* of so many references one goes anywhere */
#define LOCALITY_LEAST	  16

static const struct probe_parameter parameters[] = {SIMULATE_SEED_PARAMETER};

/* Each window has a locality of its own. The same for the program and for the simulator. */
static void draw_window(uint64_t *random, uint32_t references[WINDOW_REFERENCES])
{
	const uint32_t size =
		LOCALITY_LEAST + (uint32_t)vm_random_below(random, PAGES / 2 - LOCALITY_LEAST);
	const uint32_t first = (uint32_t)vm_random_below(random, PAGES - size);

	for (size_t i = 0; i < WINDOW_REFERENCES; i++)
		references[i] = vm_random_below(random, STRAY) == 0
					? (uint32_t)vm_random_below(random, PAGES)
					: first + (uint32_t)vm_random_below(random, size);
}

/* --- predicting ------------------------------------------------------------------------------- */

/* What is resident under the policy at the end of each window. */
static void simulate(enum vm_policy policy, uint64_t seed, int64_t sizes[WINDOWS])
{
	const struct vm_replace_config config = {
		.policy = policy,
		.pages = PAGES,
		.frames = PAGES,
		.window_references = WINDOW_REFERENCES,
	};
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(vm_replace_bytes(&config));
	struct vm_replace *replace = vm_replace_create(&config, &arena);
	uint32_t references[WINDOW_REFERENCES];
	uint64_t random = seed;

	for (size_t window = 0; window < WINDOWS; window++) {
		draw_window(&random, references);
		vm_replace_run(replace, references, WINDOW_REFERENCES);
		sizes[window] = vm_replace_counts(replace)->resident;
	}
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const uint64_t seed = (uint64_t)probe_argument(arguments, "seed");
	const bool monitored = vm_host_has(host, VM_FEATURE_ACCESS_MONITORED);
	int64_t sizes[WINDOWS], resident[WINDOWS], spans[2 * WINDOWS];
	size_t apart = 0;

	(void)model, (void)readings;
	simulate(VM_POLICY_WORKING_SET, seed, sizes);
	/* The rival that counts what is resident has all that was ever used. */
	simulate(VM_POLICY_LRU, seed, resident);
	for (size_t i = 0; i < WINDOWS; i++) {
		spans[2 * i] = sizes[i];
		spans[2 * i + 1] = sizes[i];
		apart += resident[i] > sizes[i];
	}
	/* Where most windows decide, most must tell. */
	const bool tells = monitored ? 2 * apart > WINDOWS : apart != 0;
	struct vm_prediction about = {
		.claim = "reclaim.working-set",
		.quantity = "referenced",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.form = !tells	    ? VM_FORM_SILENT
			: monitored ? VM_FORM_MOSTLY
				    : VM_FORM_WITHIN,
		.values = spans,
		.values_count = (size_t)2 * WINDOWS,
		.because = "each page used in the window has its bit set again, and no other; "
			   "excludes counting what is resident",
		.cite = "linux:6.12:fs/proc/task_mmu.c:clear_refs_pte_range",
	};
	if (!tells)
		about.because = "this string does not tell the working set from what is resident";
	else if (monitored)
		about.because = "each page used in the window has its bit set again, and no "
				"other, but for what DAMON clears meanwhile: most windows count; "
				"excludes counting what is resident";
	vm_predict(predictions, &about);
	about.quantity = "resident";
	about.form = VM_FORM_EXACT;
	about.values = resident;
	about.values_count = WINDOWS;
	about.because = "nothing is taken away: all that was ever used is resident";
	about.cite = "linux:6.12:mm/memory.c:do_anonymous_page";
	vm_predict(predictions, &about);
}

/* --- measuring -------------------------------------------------------------------------------- */

struct sizes {
	int64_t referenced_pages, resident_pages;
};

static struct sizes look(const struct kernel_file *smaps, const char *memory)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;

	while (kernel_smaps_next(&lines, &area, &error) == 1)
		if (area.area.start == (uintptr_t)memory)
			return (struct sizes){
				.referenced_pages = (int64_t)vm_kib_to_pages_floor(
					area.value_kib[KERNEL_SMAPS_REFERENCED]),
				.resident_pages = (int64_t)vm_kib_to_pages_floor(
					area.value_kib[KERNEL_SMAPS_RSS]),
			};
	broken("smaps does not have the area");
}

/*
 * The kernel clears the bits in the tables and leaves the TLB as it is, where they are set still: a
 * page that is found there would not get its bit back. Taking a right away, and giving it back,
 * flushes it (linux:6.12:fs/proc/task_mmu.c:clear_refs_write, mm/mprotect.c:change_protection).
 */
static void clear_bits(char *memory)
{
	MUST(kernel_write("/proc/self/clear_refs", "1") == 0);
	MUST(mprotect(memory, PAGES * VM_PAGE_BYTES, PROT_READ) == 0);
	MUST(mprotect(memory, PAGES * VM_PAGE_BYTES, PROT_READ | PROT_WRITE) == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	static uint32_t references[WINDOW_REFERENCES];
	int64_t referenced[WINDOWS], resident[WINDOWS];
	uint64_t random = (uint64_t)probe_argument(arguments, "seed");
	/* A page without rights on both sides: the area stays one of its own. */
	char *guarded = mmap(
		NULL, (PAGES + 2) * VM_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *memory = guarded + VM_PAGE_BYTES;

	MUST(guarded != MAP_FAILED);
	MUST(mprotect(memory, PAGES * VM_PAGE_BYTES, PROT_READ | PROT_WRITE) == 0);
	small_pages(memory, PAGES * VM_PAGE_BYTES);
	for (size_t window = 0; window < WINDOWS; window++) {
		draw_window(&random, references);
		clear_bits(memory);
		for (size_t i = 0; i < WINDOW_REFERENCES; i++)
			*(volatile char *)(memory + references[i] * VM_PAGE_BYTES) = 1;
		const struct sizes sizes = look(&smaps, memory);
		referenced[window] = sizes.referenced_pages;
		resident[window] = sizes.resident_pages;
	}
	observe_values("referenced", "", referenced, WINDOWS, VM_UNIT_PAGES, "smaps");
	observe_values("resident", "", resident, WINDOWS, VM_UNIT_PAGES, "smaps");
}

static const char *const claims[] = {"reclaim.working-set", NULL};

PROBE(working_set) = {
	.name = "reclaim.working-set",
	.claims = claims,
	.letters = "T",
	.question = "Do reference bits, cleared and counted, give the working set?",
	.method = "Windows of references with a locality each; before each the bits are cleared, "
		  "behind it those that are set are counted; the simulator has the true set.",
	.threats = "What is in the TLB does not get its bit back: it is flushed.",
	.by_hand = "echo 1 > /proc/PID/clear_refs; sleep 1; grep Referenced /proc/PID/smaps",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
