/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/fork.h"

#include "vm/machine.h"

/* A slot of the top table that nothing else is in: the tables counted are the area's own. */
#define AREA_ADDRESS (UINT64_C(1) << 44)
/* More than any area here needs: whether memory is promised is not the question. */
#define RAM_PAGES	  (UINT64_C(1) << 24)
#define TABLES_ABOVE	  16
#define OVERCOMMIT_ALWAYS 1
#define AREAS		  8
#define RUNS_A_PAGE	  3 /* one byte written: what is before it, and behind */

enum process { PARENT, CHILD, PROCESSES };

static struct vm_machine *machine_for(const struct vm_behaviours *behaviours,
	const struct vm_host *host, uint32_t tables, struct vm_arena *arena)
{
	/* A touched page a table, in the parent and, copied or cached, once more. */
	const uint32_t pages = PROCESSES * (tables + 1);
	struct vm_host roomy = *host;
	const struct vm_machine_setup setup = {
		.limits =
			{
				.processes = PROCESSES,
				.areas = AREAS,
				.frames = pages,
				.tables = PROCESSES * (tables + TABLES_ABOVE),
				.files = AREAS,
				.cache_pages = pages,
				.swap_slots = 1,
				.runs = pages * RUNS_A_PAGE,
			},
		.ram_pages = RAM_PAGES,
		.mmap_top = AREA_ADDRESS * 2,
	};

	/* What a limit would refuse is not the question either. */
	roomy.address_space_limit_bytes = UINT64_MAX;
	roomy.knob[VM_KNOB_OVERCOMMIT_MEMORY] = (struct vm_knob_fact){true, OVERCOMMIT_ALWAYS};
	roomy.knob[VM_KNOB_MAX_MAP_COUNT] = (struct vm_knob_fact){true, INT32_MAX};
	const size_t size_bytes = vm_machine_size_bytes(&setup.limits);
	void *memory = vm_arena_take(arena, size_bytes, _Alignof(max_align_t));
	VM_ASSERT(memory != NULL);
	return vm_machine_create(&roomy, behaviours, &setup, memory, size_bytes);
}

static void step(struct vm_machine *machine, const struct vm_operation *operation)
{
	struct vm_outcome outcome;

	vm_machine_do(machine, operation, &outcome);
	VM_ASSERT(outcome.silent == NULL && outcome.errno_count == 0);
}

static uint64_t tables_of(const struct vm_machine *machine, enum process process)
{
	struct vm_counters counters;

	vm_machine_counters(machine, process, &counters);
	return vm_bytes_to_pages_floor(counters.page_table_bytes);
}

#define FILE_NUMBER 0

/* A file as long as the area, and the area over it; or an area of nobody's. */
static void map_area(struct vm_machine *machine, enum vm_fork_memory memory, uint64_t length_bytes)
{
	const bool of_file = memory == VM_FORK_FILE_TOUCHED;
	const uint32_t sharing = memory == VM_FORK_SHARED_TOUCHED ? VM_MAP_SHARED : VM_MAP_PRIVATE;
	const uint32_t anonymous = of_file ? 0 : VM_MAP_ANONYMOUS;

	if (of_file)
		step(machine, &(struct vm_operation){
				      .kind = VM_OP_FILE_CREATE,
				      .file = FILE_NUMBER,
				      .file_kind = VM_FILE_SHMEM,
				      .length = length_bytes,
			      });
	step(machine, &(struct vm_operation){
			      .kind = VM_OP_MAP,
			      .address = AREA_ADDRESS,
			      .length = length_bytes,
			      .protection = VM_PROT_READ | VM_PROT_WRITE,
			      .flags = sharing | anonymous | VM_MAP_FIXED | VM_MAP_NORESERVE,
			      .file = of_file ? FILE_NUMBER : VM_NO_FILE,
		      });
}

uint64_t vm_fork_tables_copied(const struct vm_behaviours *behaviours, const struct vm_host *host,
	enum vm_fork_memory memory, uint64_t length_bytes, struct vm_arena *arena)
{
	const uint64_t tables = length_bytes / VM_HUGE_2M_BYTES;
	const size_t mark = arena->used_bytes;
	struct vm_machine *machine = machine_for(behaviours, host, (uint32_t)tables, arena);
	const bool only_read = memory == VM_FORK_FILE_TOUCHED;

	VM_ASSERT(vm_is_aligned(length_bytes, VM_HUGE_2M_BYTES));
	map_area(machine, memory, length_bytes);
	/* Where there are no huge pages, there is no such advice either. */
	if (vm_host_has(host, VM_FEATURE_THP))
		step(machine, &(struct vm_operation){
				      .kind = VM_OP_ADVISE,
				      .address = AREA_ADDRESS,
				      .length = length_bytes,
				      .advice = VM_MADV_NOHUGEPAGE,
			      });
	/* One page below each table: more of them make no more tables. */
	for (uint64_t i = 0; i < tables && memory != VM_FORK_PRIVATE_UNTOUCHED; i++)
		step(machine, &(struct vm_operation){
				      .kind = only_read ? VM_OP_TOUCH_READ : VM_OP_TOUCH_WRITE,
				      .address = AREA_ADDRESS + i * VM_HUGE_2M_BYTES,
				      .length = VM_PAGE_BYTES,
				      .value = 1,
			      });
	step(machine, &(struct vm_operation){.kind = VM_OP_FORK, .other = CHILD});
	const uint64_t copied = tables_of(machine, CHILD);
	arena->used_bytes = mark;
	return copied;
}
