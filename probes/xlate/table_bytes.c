/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process pays for its page tables, by how far apart its pages lie and how large they are.
 *
 * The pages lie in a slot of the top table of their own, so that no table is shared with anything.
 * It would miss tables that the kernel builds and does not count: xlate.tables-system.
 */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/pte.h"
#include "vm/tables.h"

/* A slot of 512 GiB far from program, mappings and stack; fifteen follow it. */
#define BASE UINT64_C(0x100000000000)

static const char *const stride_labels[] = {"4k", "2m", "1g", "512g", "odd"};

static const struct probe_parameter small_parameters[] = {
	{
		.name = "stride",
		.unit = VM_UNIT_BYTES,
		.choices_count = 5,
		.choices = {1 << 12, 1 << 21, 1 << 30, INT64_C(1) << 39, 5 << 20},
		.labels = stride_labels,
	},
	{
		.name = "count",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {1, 8},
		.lowest = 2,
		.highest = 8,
		.step = 1,
		.drawn = 1,
	},
};

/* How the pages are mapped: where the leaves are, and whether a table is kept to split them. */
struct leaf {
	const char *claim;
	unsigned level; /* whose entries are the leaves; or the level whose tables are kept */
};

static const struct leaf small_leaf = {"xlate.hierarchical-size", 1};
/* A transparent huge page keeps the table that it would be split with. */
static const struct leaf transparent_leaf = {"xlate.large-page-tables", 1};
static const struct leaf leaf_2m = {"xlate.large-page-tables", 2};
static const struct leaf leaf_1g = {"xlate.large-page-tables", 3};

#define COUNT_MOST     8
#define LEVELS_COUNTED 3 /* VmPTE has the tables of these, and none above */

static void predict_leaf(const struct leaf *leaf, uint64_t stride_bytes, uint64_t count,
	struct vm_predictions *predictions)
{
	struct vm_table_range ranges[COUNT_MOST];
	uint64_t tables[VM_PAGING_LEVELS_LIMIT + 1] = {0};
	int64_t kib = 0;

	for (uint64_t i = 0; i < count; i++)
		ranges[i] =
			(struct vm_table_range){BASE + i * stride_bytes, BASE + i * stride_bytes};
	(void)vm_hierarchical_tables(
		vm_paging_shape(VM_PAGING_LEVEL4), ranges, (size_t)count, leaf->level, tables);
	for (unsigned level = leaf->level; level <= LEVELS_COUNTED; level++)
		kib += (int64_t)vm_pages_to_kib(tables[level]);
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = leaf->claim,
			.quantity = "tables",
			.at = "",
			.unit = VM_UNIT_KIB,
			.form = VM_FORM_EXACT,
			.values = &kib,
			.values_count = 1,
			.because =
				"one page for each table that a span in use needs, at the levels "
				"above its leaves; the top is not counted",
			.cite = "linux:6.12:include/linux/mm.h:mm_inc_nr_ptes",
		});
}

static void predict_small(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)readings;
	predict_leaf(&small_leaf, (uint64_t)probe_argument(arguments, "stride"),
		(uint64_t)probe_argument(arguments, "count"), predictions);
}

static int64_t table_kib(const struct kernel_file *status)
{
	return kernel_meminfo_value(kernel_file_read(status), "VmPTE");
}

static char *map_at(uint64_t address, uint64_t length_bytes, int flags)
{
	char *memory = mmap((void *)address, (size_t)length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE | flags, -1, 0);

	MUST(memory != MAP_FAILED || (flags & MAP_HUGETLB) != 0);
	if (memory == MAP_FAILED)
		unmet("no huge page of this size is to be had", "put pages into the pool");
	return memory;
}

static void touch_and_observe(
	const struct kernel_file *status, char *memory, uint64_t stride_bytes, uint64_t count)
{
	const int64_t before_kib = table_kib(status);

	for (uint64_t i = 0; i < count; i++)
		*(volatile char *)(memory + i * stride_bytes) = 1;
	observe("tables", table_kib(status) - before_kib, VM_UNIT_KIB, "VmPTE");
}

static void measure_small(const struct probe_arguments *arguments)
{
	const uint64_t stride_bytes = (uint64_t)probe_argument(arguments, "stride");
	const uint64_t count = (uint64_t)probe_argument(arguments, "count");
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	char *memory = map_at(BASE, (count - 1) * stride_bytes + VM_PAGE_BYTES, 0);

	small_pages(memory, (size_t)((count - 1) * stride_bytes + VM_PAGE_BYTES));
	(void)table_kib(&status);
	touch_and_observe(&status, memory, stride_bytes, count);
}

static const char *const small_claims[] = {"xlate.hierarchical-size", NULL};

PROBE(table_bytes) = {
	.name = "xlate.table-bytes",
	.claims = small_claims,
	.question = "How much do page tables grow when pages are used that lie apart?",
	.method = "Map in a slot of the top table that nothing uses, write pages a stride apart, "
		  "read VmPTE before and after.",
	.threats = "A huge page would need other tables: they are off.",
	.by_hand = "grep VmPTE /proc/PID/status",
	.parameters_count = sizeof(small_parameters) / sizeof(small_parameters[0]),
	.parameters = small_parameters,
	.deadline_s = 10,
	.predict = PREDICTS(predict_small),
	.measure = MEASURES(measure_small),
};

/* --- large pages ----------------------------------------------------------------------------- */

#define LARGE_COUNT 4

static void predict_transparent(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	predict_leaf(&transparent_leaf, VM_HUGE_2M_BYTES, LARGE_COUNT, predictions);
}

static void measure_transparent(const struct probe_arguments *arguments)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	char *memory = map_at(BASE, LARGE_COUNT * VM_HUGE_2M_BYTES, 0);

	(void)arguments;
	MUST(madvise(memory, (size_t)(LARGE_COUNT * VM_HUGE_2M_BYTES), MADV_HUGEPAGE) == 0);
	(void)table_kib(&status);
	touch_and_observe(&status, memory, VM_HUGE_2M_BYTES, LARGE_COUNT);
}

static const char *const large_claims[] = {"xlate.large-page-tables", NULL};

PROBE(tables_transparent) = {
	.name = "xlate.tables-of-transparent-pages",
	.claims = large_claims,
	.question = "What tables does a transparent huge page need?",
	.method = "As xlate.table-bytes, with transparent huge pages.",
	.threats = "Where no huge page is to be had, small ones need the same tables: the figure "
		   "cannot tell, and does not have to.",
	.by_hand = "grep -E 'VmPTE|AnonHuge' /proc/PID/smaps_rollup /proc/PID/status",
	.needs = {.features_count = 1, .features = {VM_FEATURE_THP}},
	.deadline_s = 10,
	.predict = PREDICTS(predict_transparent),
	.measure = MEASURES(measure_transparent),
};

static void predict_2m(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	predict_leaf(&leaf_2m, VM_HUGE_2M_BYTES, LARGE_COUNT, predictions);
}

static void measure_2m(const struct probe_arguments *arguments)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	char *memory = map_at(BASE, LARGE_COUNT * VM_HUGE_2M_BYTES, MAP_HUGETLB | 21 << 26);

	(void)arguments;
	(void)table_kib(&status);
	touch_and_observe(&status, memory, VM_HUGE_2M_BYTES, LARGE_COUNT);
}

PROBE(tables_2m) = {
	.name = "xlate.tables-of-2m-pages",
	.claims = large_claims,
	.question = "What tables do pages of 2 MiB need?",
	.method = "As xlate.table-bytes, with pages of 2 MiB from the pool.",
	.threats = "None is known.",
	.by_hand = "sysctl vm.nr_hugepages=4; grep VmPTE /proc/PID/status",
	.needs = {.huge_2m_pages = LARGE_COUNT},
	.deadline_s = 10,
	.predict = PREDICTS(predict_2m),
	.measure = MEASURES(measure_2m),
};

static void predict_1g(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)host, (void)arguments, (void)readings;
	predict_leaf(&leaf_1g, VM_HUGE_1G_BYTES, 1, predictions);
}

static void measure_1g(const struct probe_arguments *arguments)
{
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	char *memory = map_at(BASE, VM_HUGE_1G_BYTES, MAP_HUGETLB | 30 << 26);

	(void)arguments;
	(void)table_kib(&status);
	touch_and_observe(&status, memory, VM_HUGE_1G_BYTES, 1);
}

PROBE(tables_1g) = {
	.name = "xlate.tables-of-1g-pages",
	.claims = large_claims,
	.question = "What tables does a page of 1 GiB need?",
	.method = "As xlate.table-bytes, with a page of 1 GiB from the pool.",
	.threats = "The kernel clears 1 GiB for the one fault, which takes seconds, and more where "
		   "a hypervisor has to find the memory: hence the long deadline.",
	.by_hand = "grep VmPTE /proc/PID/status",
	.needs = {.huge_1g_pages = 1},
	.deadline_s = 60,
	.predict = PREDICTS(predict_1g),
	.measure = MEASURES(measure_1g),
};
