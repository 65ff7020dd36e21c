/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/machine.h"

struct vm_machine *probe_machine(
	const struct vm_model *model, const struct vm_host *host, struct vm_arena *arena)
{
	const struct vm_machine_setup setup = {
		.limits = {.processes = 2,
			.areas = 16,
			.frames = 4 * 512,
			.tables = 32,
			.files = 2,
			.cache_pages = 64,
			.swap_slots = 64,
			.runs = 8192},
		.ram_pages = UINT64_C(1) << 30,
		.swap_pages = 1024,
		.swap_synchronous = true,
		.mmap_top = UINT64_C(1)
			    << (host->page_table_levels == VM_PAGING_LEVELS_LIMIT ? 56 : 47),
		.huge_2m = {.total = 1, .free = 1},
		.huge_1g = {.total = 1, .free = 1},
	};
	const size_t size_bytes = vm_machine_size_bytes(&setup.limits);
	struct vm_machine *machine = vm_machine_create(
		host, &model->behaviours, &setup, vm_arena_take(arena, size_bytes, 64), size_bytes);

	VM_ASSERT(machine != NULL);
	return machine;
}

/* A kernel without huge pages refuses advice on them, and its pages are small all the same:
 * linux:6.12:mm/madvise.c:madvise_behavior_valid */
static bool may_be_refused(const struct vm_operation *operation)
{
	return operation->kind == VM_OP_ADVISE &&
	       (operation->advice == VM_MADV_HUGEPAGE || operation->advice == VM_MADV_NOHUGEPAGE);
}

struct vm_outcome probe_perform(struct vm_machine *machine, struct vm_operation operation)
{
	struct vm_outcome outcome;

	vm_machine_do(machine, &operation, &outcome);
	VM_ASSERT(outcome.silent == NULL);
	VM_ASSERT(outcome.errno_count == 0 || may_be_refused(&operation));
	return outcome;
}
