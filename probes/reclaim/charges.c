/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group is charged for pages in batches: its usage stands still while a CPU uses up what was
 * charged, and then goes up by the next batch at once. So usage runs ahead of what processes have,
 * by less than a batch for each CPU, and not by a share of anything.
 *
 * It would miss a kernel that charges rightly in batches and gives back wrongly what is left over.
 */
#include <string.h>
#include <sys/mman.h>

#include "probe/probe.h"
#include "trial/files.h"
#include "trial/memory_group.h"
#include "trial/quiet.h"
#include "trial/trial.h"
#include "vm/group.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* Two batches begin in them, and the first one ends, if a batch is no larger than 64 pages. */
#define PAGES	    192
#define SPANS_COUNT ((size_t)2 * QUIET_WANTED) /* from and to, of each look */

static void predict_batch(const struct vm_model *model, struct vm_predictions *predictions,
	const char *quantity, const char *because)
{
	const int64_t batch = (int64_t)vm_group_batch_pages(model->behaviours.group_charges);
	int64_t spans[SPANS_COUNT];

	for (size_t i = 0; i < SPANS_COUNT; i++)
		spans[i] = batch;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "reclaim.local-vs-global",
			.quantity = quantity,
			.at = "",
			.unit = VM_UNIT_PAGES,
			.form = batch == 0 ? VM_FORM_SILENT : VM_FORM_MOSTLY,
			.values = spans,
			.values_count = batch == 0 ? 0 : SPANS_COUNT,
			.because = batch == 0 ? "the teaching does not count charges" : because,
			.cite = "linux:6.12:mm/memcontrol.c:try_charge_memcg",
		});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)host, (void)arguments, (void)readings;
	predict_batch(model, predictions, "charged-at-once",
		"a CPU that has nothing left for the group charges a batch; an interrupt may "
		"charge another group in between, so most windows count");
	predict_batch(model, predictions, "used-before-next",
		"each page takes one from the batch, and the next is charged when it is used up");
}

struct window {
	int64_t usage_pages[PAGES + 1];
};

/* The first two steps of usage in the window: how high the first is, and how far apart they are. */
static void steps_of(const struct window *window, int64_t *height, int64_t *distance)
{
	size_t steps[2] = {0}, count = 0;

	for (size_t i = 1; i <= PAGES && count < 2; i++)
		if (window->usage_pages[i] > window->usage_pages[i - 1])
			steps[count++] = i;
	*height =
		count == 0 ? 0 : window->usage_pages[steps[0]] - window->usage_pages[steps[0] - 1];
	*distance = count < 2 ? PAGES : (int64_t)(steps[1] - steps[0]);
}

static int64_t usage_pages(const struct kernel_file *usage)
{
	return (int64_t)vm_bytes_to_pages_floor((uint64_t)kernel_file_number(usage));
}

/* Every page is read before, so that its tables are there and only the page is charged. */
static bool watch(
	struct quiet *quiet, const struct kernel_file *usage, char *memory, struct window *window)
{
	MUST(madvise(memory, PAGES * VM_PAGE_BYTES, MADV_DONTNEED) == 0);
	for (size_t i = 0; i < PAGES; i++)
		(void)((volatile const char *)memory)[i * VM_PAGE_BYTES];
	quiet_begin(quiet);
	window->usage_pages[0] = usage_pages(usage);
	for (size_t i = 0; i < PAGES; i++) {
		((volatile char *)memory)[i * VM_PAGE_BYTES] = 1;
		window->usage_pages[i + 1] = usage_pages(usage);
	}
	return quiet_end(quiet);
}

static void measure(const struct probe_arguments *arguments)
{
	const struct memory_group own = memory_group_own();
	const struct memory_group group = memory_group_below(&own, "charged", false);
	char path[PATH_MAX];
	const struct kernel_file usage = memory_group_open(
		&group, group.version == 1 ? "memory.usage_in_bytes" : "memory.current", path);
	int64_t heights[QUIET_WANTED], distances[QUIET_WANTED];
	static struct window window;
	struct quiet quiet;
	size_t count = 0;

	(void)arguments;
	quiet_open(&quiet);
	quiet.late_frees_matter = true;
	char *memory = mmap(NULL, PAGES * VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(memory != MAP_FAILED);
	small_pages(memory, PAGES * VM_PAGE_BYTES);
	memset(&window, 1, sizeof(window));
	memory_group_enter(&group, 0);
	while (count < QUIET_WANTED) {
		quiet_try(&quiet, "the group's usage");
		if (!watch(&quiet, &usage, memory, &window))
			continue;
		steps_of(&window, &heights[count], &distances[count]);
		count++;
	}
	observe_values("charged-at-once", "", heights, QUIET_WANTED, VM_UNIT_PAGES, "group usage");
	observe_values(
		"used-before-next", "", distances, QUIET_WANTED, VM_UNIT_PAGES, "group usage");
	memory_group_leave(&own);
	memory_group_remove(&group);
}

static const char *const claims[] = {"reclaim.local-vs-global", NULL};

PROBE(charges) = {
	.name = "reclaim.group-charges",
	.claims = claims,
	.letters = "S",
	.question = "How far does a group's usage run ahead of its pages?",
	.method = "In a group of its own the trial writes 192 pages one by one and reads the usage "
		  "after each, until nobody else has run on any CPU during five such rounds.",
	.threats = "Another group that is charged on this CPU takes the place of what is left.",
	.by_hand = "cat memory.usage_in_bytes memory.stat",
	.needs = {.root = true, .group_limit_bytes = 64 << 20},
	.deadline_s = 30,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
