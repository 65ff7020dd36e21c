/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in swap: taken when pages go there, kept for as long as anyone has the page, and given
 * back with the last.
 *
 * It would miss fewer places than each CPU may hold back.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/categories.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define PAGES_LIMIT 3000
/* The advice is no order: a page that somebody holds just then stays for the next time. */
#define ATTEMPTS 64

static const struct probe_parameter parameters[] = {
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.lowest = 1500,
		.highest = PAGES_LIMIT,
		.step = 1,
		.drawn = 1,
	},
};

enum look { LOOK_OUT, LOOK_INHERITED, LOOK_HALF, LOOK_WRITTEN, LOOKS };

static const struct {
	const char *at, *because, *cite;
} looks[LOOKS] = {
	[LOOK_OUT] = {"out", "each page that went to swap has a place there",
		"linux:6.12:mm/swap_state.c:add_to_swap"},
	[LOOK_INHERITED] = {"inherited", "a child that ends leaves its parent's places alone",
		"linux:6.12:mm/memory.c:copy_nonpresent_pte"},
	[LOOK_HALF] = {"half", "what is unmapped needs no place any more",
		"linux:6.12:mm/memory.c:zap_pte_range"},
	[LOOK_WRITTEN] = {"written", "a page that was written in memory has given its place back",
		"linux:6.12:mm/memory.c:should_try_to_free_swap"},
};

static int64_t places(enum look look, int64_t pages)
{
	switch (look) {
	case LOOK_OUT:
	case LOOK_INHERITED:
		return pages;
	case LOOK_HALF:
		return pages - pages / 2;
	case LOOK_WRITTEN:
	case LOOKS:
		break;
	}
	return 0;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	/* Both readings may be late. */
	const int64_t lag = 2 * vm_swap_lag_pages(host->cpus_online);

	(void)model, (void)readings;
	for (enum look look = LOOK_OUT; look < LOOKS; look++) {
		const int64_t pages = places(look, probe_argument(arguments, "pages"));
		predict_moving(predictions,
			&(struct vm_prediction){
				.claim = "reclaim.swap-entry",
				.quantity = "places",
				.at = looks[look].at,
				.unit = VM_UNIT_PAGES,
				.because = looks[look].because,
				.cite = looks[look].cite,
			},
			(struct moving){pages - lag, pages + lag}, 1);
	}
}

static int64_t free_places(const struct kernel_file *meminfo)
{
	return (int64_t)vm_kib_to_pages_floor(
		(uint64_t)kernel_meminfo_value(kernel_file_read(meminfo), "SwapFree"));
}

static bool is_all_gone(char *memory, size_t pages)
{
	static unsigned char in_core[PAGES_LIMIT];

	MUST(mincore(memory, vm_pages_to_bytes(pages), in_core) == 0);
	for (size_t page = 0; page < pages; page++)
		if ((in_core[page] & 1) != 0)
			return false;
	return true;
}

static void swap_out(char *memory, size_t pages)
{
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		MUST(madvise(memory, vm_pages_to_bytes(pages), MADV_PAGEOUT) == 0);
		if (is_all_gone(memory, pages))
			return;
	}
	unmet("pages stay in the swap cache: the swap device writes later",
		"swap on zram, which is written at once");
}

static void write_pages(char *memory, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		*(volatile char *)(memory + vm_pages_to_bytes(page)) = (char)(page | 1);
}

static void fork_and_wait(void)
{
	int status = 0;
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0)
		_exit(0);
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t pages = (size_t)probe_argument(arguments, "pages"), half = pages / 2;
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	char *memory = mmap(NULL, vm_pages_to_bytes(pages), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t left[LOOKS];

	MUST(memory != MAP_FAILED);
	small_pages(memory, vm_pages_to_bytes(pages));
	write_pages(memory, pages);
	const int64_t before = free_places(&meminfo);
	swap_out(memory, pages);
	left[LOOK_OUT] = free_places(&meminfo);
	fork_and_wait();
	left[LOOK_INHERITED] = free_places(&meminfo);
	MUST(munmap(memory, vm_pages_to_bytes(half)) == 0);
	left[LOOK_HALF] = free_places(&meminfo);
	write_pages(memory + vm_pages_to_bytes(half), pages - half);
	left[LOOK_WRITTEN] = free_places(&meminfo);
	for (size_t look = 0; look < LOOKS; look++)
		observe_at(
			"places", looks[look].at, before - left[look], VM_UNIT_PAGES, "SwapFree");
}

static const char *const claims[] = {"reclaim.swap-entry", NULL};

PROBE(swap_slots) = {
	.name = "reclaim.swap-places",
	.claims = claims,
	.letters = "S",
	.question = "How many places in swap are taken, and when are they given back?",
	.method = "Send pages to swap, fork a child that ends at once, unmap half, write the rest; "
		  "read SwapFree after each.",
	.threats = "Others would swap, too: the machine is the trial's.",
	.by_hand = "grep SwapFree /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.own_machine = true, .swap_bytes = 64 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
