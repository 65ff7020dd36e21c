/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the areas of an address space in order: a maple tree takes nodes of its own from the
 * slab allocator, some for every sixteen entries; a red-black tree lies inside the areas.
 *
 * It would miss a kernel that has the tree and does not search it: area.lookup-log.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "kernel/blocks.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define AREAS	     30000
#define NODE_ENTRIES 16 /* of a leaf */

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	/* Other address spaces have trees too: there is no upper end. */
	static const int64_t some[] = {AREAS / NODE_ENTRIES, INT64_MAX}, none[] = {0, 0};
	struct vm_prediction prediction = {
		.claim = "area.tree",
		.quantity = "nodes",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_WITHIN,
		.values_count = 2,
	};

	(void)host, (void)arguments, (void)readings;
	switch (model->behaviours.area_tree) {
	case VM_AREA_TREE_RED_BLACK:
		prediction.values = none;
		prediction.because = "the tree's links lie inside the areas: it takes no nodes";
		prediction.cite = "lmm";
		break;
	case VM_AREA_TREE_MAPLE:
		prediction.values = some;
		prediction.because = "a leaf holds at most sixteen areas, so that 30000 need 1875 "
				     "nodes or more, beside those of all other address spaces";
		prediction.cite = "linux:6.12:include/linux/maple_tree.h:MAPLE_RANGE64_SLOTS";
		break;
	}
	vm_predict(predictions, &prediction);
}

/* Of all maple trees of the machine; a kernel without them has no such cache, and none in use. */
static int64_t nodes_in_use(const struct kernel_file *slabinfo)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(slabinfo));
	struct kernel_slab_row row;
	struct kernel_error error;

	while (kernel_slabinfo_next(&lines, &row, &error) == 1)
		if (kernel_text_is(row.name, "maple_node"))
			return (int64_t)row.active_objects;
	return 0;
}

static void measure(const struct probe_arguments *arguments)
{
	struct kernel_file slabinfo;

	(void)arguments;
	if (!kernel_file_try_open("/proc/slabinfo", KERNEL_FILE_LARGE_BYTES, &slabinfo))
		unmet("/proc/slabinfo", "a kernel that has it, and the right to read it");
	char *memory = mmap(NULL, (size_t)vm_pages_to_bytes(AREAS), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	/* Every other page with other rights: each is an area, and so is what lies between. */
	for (uint64_t i = 1; i < AREAS; i += 2)
		if (mprotect(memory + vm_pages_to_bytes(i), (size_t)VM_PAGE_BYTES, PROT_READ) != 0)
			unmet("a process may not have so many areas",
				"sysctl vm.max_map_count=65530");
	observe("nodes", nodes_in_use(&slabinfo), VM_UNIT_COUNT, "/proc/slabinfo");
}

static const char *const claims[] = {"area.tree", NULL};

PROBE(tree) = {
	.name = "area.nodes-of-the-tree",
	.claims = claims,
	.question = "Does the tree of areas take nodes of its own?",
	.method = "Split a mapping into 30000 areas; read how many maple nodes are in use.",
	.threats =
		"A machine with many processes has as many nodes without this one: there the lower "
		"end says less, but a kernel without the tree still has none.",
	.by_hand = "grep maple_node /proc/slabinfo",
	.needs = {.root = true},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
