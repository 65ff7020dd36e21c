/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system's count of page tables grows by when one process uses a page far from the others.
 *
 * Each CPU holds its changes of a counter back until they pass a threshold, and gives them up all
 * at once: so the count jumps, and leaves the same behind each time. From one jump to a later one
 * it has moved by exactly the tables that were built in between, if nobody else ran. Where one page
 * needs several tables the jump may come between two of them; that is the interval.
 *
 * It would miss top tables, of which a process has one whatever it uses.
 */
#include <sys/mman.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/pte.h"
#include "vm/tables.h"

/* A slot of 512 GiB that nothing uses, and 201 behind it. */
#define BASE	     UINT64_C(0x100000000000)
#define USES_MOST    201
#define USES_BETWEEN 64 /* at least so many between the two jumps */

static const char *const stride_labels[] = {"2m", "1g", "512g"};

static const struct probe_parameter parameters[] = {
	{
		.name = "stride",
		.unit = VM_UNIT_BYTES,
		.choices_count = 3,
		.choices = {1 << 21, 1 << 30, INT64_C(1) << 39},
		.labels = stride_labels,
	},
};

/* The tables that another page needs, a stride behind the last. */
static int64_t tables_each(const struct vm_model *model, uint64_t stride_bytes)
{
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_LEVEL4);
	const struct vm_table_range ranges[] = {
		{BASE, BASE}, {BASE + stride_bytes, BASE + stride_bytes}};
	const unsigned levels =
		vm_tables_counted_levels(model->behaviours.tables_counted, shape->levels);
	uint64_t one[VM_PAGING_LEVELS_LIMIT + 1] = {0}, two[VM_PAGING_LEVELS_LIMIT + 1] = {0};
	int64_t more = 0;

	(void)vm_hierarchical_tables(shape, ranges, 1, 1, one);
	(void)vm_hierarchical_tables(shape, ranges, 2, 1, two);
	for (unsigned level = 1; level <= levels; level++)
		more += (int64_t)(two[level] - one[level]);
	return more;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"uses"};
	const int64_t each = tables_each(model, (uint64_t)probe_argument(arguments, "stride"));
	const struct probe_reading *uses = probe_reading_of(readings, "uses", "");
	int64_t values[2 * QUIET_WANTED];
	struct vm_prediction prediction = {
		.claim = "xlate.tables-system",
		.quantity = "counted",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = predict_sentence(predictions,
			"each use far from the last takes %d tables of the levels that count",
			(int)each),
		.cite = "linux:6.12:include/linux/mm.h:pagetable_pte_ctor",
	};

	(void)host;
	if (uses == NULL || uses->values_count != QUIET_WANTED) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	for (size_t i = 0; i < QUIET_WANTED; i++) {
		values[2 * i] = each * uses->values[i] - (each - 1);
		values[2 * i + 1] = each * uses->values[i] + (each - 1);
	}
	prediction.form = VM_FORM_WITHIN;
	prediction.values = values;
	prediction.values_count = 2 * QUIET_WANTED;
	vm_predict(predictions, &prediction);
}

static int64_t counted(const struct kernel_file *meminfo)
{
	return (int64_t)vm_kib_to_pages_floor(
		(uint64_t)kernel_meminfo_value(kernel_file_read(meminfo), "PageTables"));
}

struct between {
	int64_t uses, counted;
};

/* Uses page after page up to a jump, then some, then to the next jump; or all, if none comes. */
static struct between use(
	const struct kernel_file *meminfo, const char *memory, uint64_t stride_bytes)
{
	int64_t first_use = 0, first = counted(meminfo), last = first;
	bool jumped = false;

	for (int64_t i = 1; i < USES_MOST; i++) {
		(void)*(const volatile char *)(memory + (uint64_t)i * stride_bytes);
		if (jumped && i - first_use < USES_BETWEEN)
			continue;
		const int64_t now = counted(meminfo);
		if (now == last)
			continue;
		if (jumped && i - first_use > USES_BETWEEN)
			return (struct between){i - first_use, now - first};
		/* Where the pause ends nobody knows whether the jump is old. */
		if (!jumped) {
			first_use = i;
			first = now;
		}
		jumped = true;
		last = now;
	}
	return (struct between){USES_MOST - 1 - first_use, last - first};
}

static bool take(struct quiet *quiet, const struct kernel_file *meminfo, uint64_t stride_bytes,
	struct between *between)
{
	const size_t length_bytes = (size_t)((USES_MOST - 1) * stride_bytes + VM_PAGE_BYTES);
	/* Read-only, so that it promises nothing in any mode. */
	char *memory = mmap((void *)BASE, length_bytes, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	MUST(memory == (char *)BASE);
	small_pages(memory, length_bytes);
	(void)*(volatile char *)memory;
	quiet_begin(quiet);
	*between = use(meminfo, memory, stride_bytes);
	const bool is_quiet = quiet_end(quiet);
	MUST(munmap(memory, length_bytes) == 0);
	return is_quiet;
}

static void measure(const struct probe_arguments *arguments)
{
	const uint64_t stride_bytes = (uint64_t)probe_argument(arguments, "stride");
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	int64_t uses[QUIET_WANTED], tables[QUIET_WANTED];
	struct quiet quiet;
	size_t count = 0;

	quiet_open(&quiet);
	quiet.late_frees_matter = true; /* tables are freed so, since 6.14 */
	while (count < QUIET_WANTED) {
		struct between between;
		quiet_try(&quiet, "PageTables");
		if (!take(&quiet, &meminfo, stride_bytes, &between))
			continue;
		uses[count] = between.uses;
		tables[count++] = between.counted;
	}
	observe_values("uses", "", uses, QUIET_WANTED, VM_UNIT_COUNT, "the trial");
	observe_values("counted", "", tables, QUIET_WANTED, VM_UNIT_COUNT, "PageTables");
}

static const char *const claims[] = {"xlate.tables-system", NULL};

PROBE(tables_system) = {
	.name = "xlate.tables-of-the-system",
	.claims = claims,
	.question = "Which tables of a process are in the system's count of page tables?",
	.method = "Read pages a stride apart, one after the other, until PageTables jumps; then at "
		  "least 64 more, until it jumps again: five times in which nobody else ran.",
	.threats = "Others build tables too: only stretches count in which no other task ran, by "
		   "the number of context switches. A huge page would need other tables: they are "
		   "off.",
	.by_hand = "grep PageTables /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
