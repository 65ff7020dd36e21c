/* SPDX-License-Identifier: Apache-2.0 */
#include "area/area.h"
#include "cow/cow.h"
#include "cow/track.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "frame/reclaim.h"
#include "machine/outcome.h"
#include "machine/state.h"
#include "xlate/tree.h"

#define POOL_ALIGNMENT 16

struct vm_machine_limits vm_machine_limits_usual(void)
{
	return (struct vm_machine_limits){.processes = 8,
		.areas = 512,
		.frames = 16 * HUGE_PAGES,
		.tables = 256,
		.files = 16,
		.cache_pages = 8 * HUGE_PAGES,
		.swap_slots = 8 * HUGE_PAGES,
		.runs = 32768};
}

static uint32_t block_count(const struct vm_machine_limits *limits)
{
	return limits->frames / HUGE_PAGES + (limits->frames % HUGE_PAGES != 0);
}

/* Places the pools behind the machine; the same for asking the size and for creating. */
static size_t lay_out(const struct vm_machine_limits *limits, struct vm_machine *m)
{
	size_t at = vm_align_up(sizeof(struct vm_machine), POOL_ALIGNMENT);
	const uint32_t blocks = block_count(limits);
	const struct vm_machine_limits *l = limits;
	const uint32_t limit[] = {
		l->processes,
		l->processes,
		l->areas,
		l->areas * 2,
		l->areas * 8,
		blocks * HUGE_PAGES,
		blocks,
		16, /* 1 GiB pages */
		l->tables,
		l->tables,
		l->files + l->areas,
		l->cache_pages,
		l->swap_slots,
		l->runs,
	};
	size_t i = 0;

#define STATE_POOL_PLACE(name, type)                                                             \
	if (m != NULL)                                                                           \
		m->name = (struct pool){                                                         \
			.at = (uint32_t)(at / POOL_ALIGNMENT), .limit = limit[i], .free = NONE}; \
	at = vm_align_up(at + limit[i] * sizeof(type), POOL_ALIGNMENT);                          \
	i++;
	STATE_POOLS(STATE_POOL_PLACE)
#undef STATE_POOL_PLACE
	return at;
}

size_t vm_machine_size_bytes(const struct vm_machine_limits *limits)
{
	return lay_out(limits, NULL);
}

/* The processor as it is; what a reader of the tables believes is put in by vm_machine_walk. */
static struct vm_mmu mmu_of_host(const struct vm_host *host)
{
	return (struct vm_mmu){
		.paging = host->page_table_levels == 5 ? VM_PAGING_LEVEL5 : VM_PAGING_LEVEL4,
		.physical_bits = VM_PTE_ADDRESS_BITS,
		.write_protect = true,
		.page_1g = true,
		.no_execute = true,
		.user_bit = VM_USER_BIT_SET_IS_USER,
		.large_leaf = VM_LARGE_LEAF_KNOWN,
		.accessed_update = VM_ACCESSED_IF_ALLOWED};
}

struct vm_machine *vm_machine_create(const struct vm_host *host,
	const struct vm_behaviours *behaviours, const struct vm_machine_setup *setup, void *memory,
	size_t size_bytes)
{
	struct vm_machine *m = memory;

	if (memory == NULL || size_bytes < vm_machine_size_bytes(&setup->limits) ||
		(uintptr_t)memory % _Alignof(max_align_t) != 0)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->host = *host;
	m->behaviours = *behaviours;
	m->setup = *setup;
	m->mmu = mmu_of_host(host);
	lay_out(&setup->limits, m);
	memset(m->bucket, 0xff, sizeof(m->bucket));
	memset(objects_of(m), 0, m->objects.limit * sizeof(struct object));
	m->objects.high = m->objects.limit; /* looked up by number: copied whole */
	m->processes.high = m->processes.limit;
	for (uint32_t i = 0; i < m->processes.limit; i++)
		processes_of(m)[i] = (struct process){.mm = NONE};
	m->huge_zero = NONE;
	m->huge_2m = setup->huge_2m;
	m->huge_1g = setup->huge_1g;
	/* Frame 0 is the zero page. */
	VM_ASSERT(folio_take(m, 0) == ZERO_FRAME);
	m->frames_in_use = 0;
	const uint32_t mm = mm_take(m);
	VM_ASSERT(mm != NONE);
	mm_of(m, mm)->break_start = setup->break_address;
	mm_of(m, mm)->break_end = setup->break_address;
	processes_of(m)[0] =
		(struct process){.state = VM_PROCESS_RUNNING, .mm = mm, .parent = NONE};
	return m;
}

void vm_machine_copy(struct vm_machine *to, const struct vm_machine *from)
{
	memcpy(to, from, sizeof(*to));
#define STATE_POOL_COPY(name, type) \
	memcpy(name##_of(to), name##_of(from), from->name.high * sizeof(type));
	STATE_POOLS(STATE_POOL_COPY)
#undef STATE_POOL_COPY
	/* Objects are looked up by number, in use or not: those of the later state must go. */
	memset(objects_of(to) + from->objects.high, 0,
		(from->objects.limit - from->objects.high) * sizeof(struct object));
}

void rule_obey(struct vm_machine *m, enum rule rule)
{
	m->rule_hits[rule]++;
	for (uint32_t i = 0; i < m->last_rules_count; i++)
		if (m->last_rules[i] == rule)
			return;
	if (m->last_rules_count < LAST_RULES)
		m->last_rules[m->last_rules_count++] = (uint16_t)rule;
}

bool choose(struct vm_machine *m, enum vm_freedom freedom)
{
	struct vm_outcome *outcome = m->outcome;
	const uint32_t i = outcome->choice_count;

	if (i >= VM_OUTCOME_CHOICES)
		return false;
	outcome->choices[outcome->choice_count++] = freedom;
	return (m->operation->decisions >> i & 1) != 0;
}

static bool is_running(const struct vm_machine *m, uint32_t process)
{
	return process < m->processes.limit && processes_of(m)[process].state == VM_PROCESS_RUNNING;
}

static bool waits_for_vfork(const struct vm_machine *m, uint32_t process)
{
	for (uint32_t i = 0; i < m->processes.limit; i++)
		if (processes_of(m)[i].state == VM_PROCESS_RUNNING &&
			processes_of(m)[i].shares_parent && processes_of(m)[i].parent == process)
			return true;
	return false;
}

enum need {
	NEED_NOTHING,
	NEED_OTHER,
	NEED_FREE_OTHER,
	NEED_EXITED_OTHER,
	NEED_FILE,
	NEED_OBJECT,
	NEED_NUMBER,
};

static enum need need_of(enum vm_operation_kind kind)
{
	switch (kind) {
	case VM_OP_FORK:
	case VM_OP_VFORK:
		return NEED_FREE_OTHER;
	case VM_OP_WAIT:
		return NEED_EXITED_OTHER;
	case VM_OP_FILE_CREATE:
		return NEED_NUMBER;
	case VM_OP_FILE_WRITE:
	case VM_OP_FILE_READ:
	case VM_OP_FILE_TRUNCATE:
	case VM_OP_FILE_SYNC:
	case VM_OP_FILE_DROP:
	case VM_OP_FILE_PUNCH:
	case VM_OP_FILE_CLOSE:
		return NEED_FILE;
	case VM_OP_STEP_WRITE_BACK:
	case VM_OP_STEP_EVICT:
		return NEED_OBJECT;
	case VM_OP_REMOTE_READ:
	case VM_OP_REMOTE_WRITE:
	case VM_OP_MEM_READ:
	case VM_OP_MEM_WRITE:
	case VM_OP_POKE:
	case VM_OP_PROCESS_ADVISE:
	case VM_OP_CLEAR_REFS:
	case VM_OP_PAGEMAP_SCAN:
	case VM_OP_STEP_COLLAPSE:
	case VM_OP_STEP_SWAP_OUT:
	case VM_OP_STEP_FREE_LAZY:
	case VM_OP_STEP_MIGRATE:
	case VM_OP_STEP_SPLIT:
		return NEED_OTHER;
	default:
		return NEED_NOTHING;
	}
}

/* Why the operation makes no sense in this state; NULL if it does. */
static const char *senseless(const struct vm_machine *m, const struct vm_operation *op)
{
	if (m->out_of_room)
		return "beyond the limits of this machine";
	if (op->kind >= VM_OP_LIMIT)
		return "no such operation";
	if (!is_running(m, op->process))
		return "the acting process does not run";
	if (waits_for_vfork(m, op->process))
		return "the acting process waits for its vfork child";
	/* linux:6.12:mm/vmscan.c:shrink_folio_list keeps what is under write-back. */
	if (op->kind == VM_OP_ADVISE && op->advice == VM_MADV_PAGEOUT && m->setup.swap_pages != 0 &&
		!m->setup.swap_synchronous)
		return "what this swap device is given stays in the swap cache until it is written";
	if (op->kind == VM_OP_FILE_CREATE && op->file_kind == VM_FILE_DISK &&
		m->setup.readahead_pages == VM_READAHEAD_UNKNOWN)
		return "how far this disk is read ahead is not known (read_ahead_kb)";
	switch (need_of(op->kind)) {
	case NEED_NOTHING:
		return NULL;
	case NEED_OTHER:
		return is_running(m, op->other) ? NULL : "the other process does not run";
	case NEED_FREE_OTHER:
		return op->other < m->processes.limit &&
				       processes_of(m)[op->other].state == VM_PROCESS_UNUSED
			       ? NULL
			       : "the child's number is not free";
	case NEED_EXITED_OTHER:
		return op->other < m->processes.limit &&
				       processes_of(m)[op->other].state == VM_PROCESS_EXITED
			       ? NULL
			       : "the other process has not exited";
	case NEED_FILE:
		return op->file < m->setup.limits.files && object_of(m, op->file)->used &&
				       object_of(m, op->file)->open
			       ? NULL
			       : "no such file is open";
	case NEED_OBJECT:
		return op->file < m->objects.limit && object_of(m, op->file)->used
			       ? NULL
			       : "there is no such file any more";
	case NEED_NUMBER:
		return op->file < m->setup.limits.files ? NULL : "no such file number";
	}
	return NULL;
}

typedef void operation_function(struct vm_machine *m);

static void operation_touch_read(struct vm_machine *m)
{
	operation_touch(m, false);
}

static void operation_touch_write(struct vm_machine *m)
{
	operation_touch(m, true);
}

static void operation_remote_read(struct vm_machine *m)
{
	operation_remote(m, false);
}

static void operation_remote_write(struct vm_machine *m)
{
	operation_remote(m, true);
}

static void operation_mem_read(struct vm_machine *m)
{
	operation_mem(m, false);
}

static void operation_mem_write(struct vm_machine *m)
{
	operation_mem(m, true);
}

static void operation_uffd_register(struct vm_machine *m)
{
	operation_uffd(m, true);
}

static void operation_uffd_unregister(struct vm_machine *m)
{
	operation_uffd(m, false);
}

static operation_function *const operations[VM_OP_LIMIT] = {
	[VM_OP_MAP] = operation_map,
	[VM_OP_UNMAP] = operation_unmap,
	[VM_OP_PROTECT] = operation_protect,
	[VM_OP_REMAP] = operation_remap,
	[VM_OP_ADVISE] = operation_advise,
	[VM_OP_LOCK] = operation_lock,
	[VM_OP_UNLOCK] = operation_unlock,
	[VM_OP_LOCK_ALL] = operation_lock_all,
	[VM_OP_UNLOCK_ALL] = operation_unlock_all,
	[VM_OP_MINCORE] = operation_mincore,
	[VM_OP_SYNC] = operation_sync,
	[VM_OP_SEAL] = operation_seal,
	[VM_OP_BREAK] = operation_break,
	[VM_OP_READ] = operation_read,
	[VM_OP_WRITE] = operation_write,
	[VM_OP_TOUCH_READ] = operation_touch_read,
	[VM_OP_TOUCH_WRITE] = operation_touch_write,
	[VM_OP_EXECUTE] = operation_execute,
	[VM_OP_FORK] = operation_fork,
	[VM_OP_VFORK] = operation_vfork,
	[VM_OP_EXIT] = operation_exit,
	[VM_OP_WAIT] = operation_wait,
	[VM_OP_FILE_CREATE] = operation_file_create,
	[VM_OP_FILE_WRITE] = operation_file_write,
	[VM_OP_FILE_READ] = operation_file_read,
	[VM_OP_FILE_TRUNCATE] = operation_file_truncate,
	[VM_OP_FILE_SYNC] = operation_file_sync,
	[VM_OP_FILE_DROP] = operation_file_drop,
	[VM_OP_FILE_PUNCH] = operation_file_punch,
	[VM_OP_FILE_CLOSE] = operation_file_close,
	[VM_OP_REMOTE_READ] = operation_remote_read,
	[VM_OP_REMOTE_WRITE] = operation_remote_write,
	[VM_OP_MEM_READ] = operation_mem_read,
	[VM_OP_MEM_WRITE] = operation_mem_write,
	[VM_OP_POKE] = operation_poke,
	[VM_OP_SPLICE] = operation_splice,
	[VM_OP_SPLICE_READ] = operation_splice_read,
	[VM_OP_PIN] = operation_pin,
	[VM_OP_UNPIN] = operation_unpin,
	[VM_OP_PINNED_READ] = operation_pinned_read,
	[VM_OP_PINNED_WRITE] = operation_pinned_write,
	[VM_OP_PROCESS_ADVISE] = operation_process_advise,
	[VM_OP_DENY_WRITE_EXECUTE] = operation_deny_write_execute,
	[VM_OP_CLEAR_REFS] = operation_clear_refs,
	[VM_OP_UFFD_REGISTER_WP] = operation_uffd_register,
	[VM_OP_UFFD_UNREGISTER] = operation_uffd_unregister,
	[VM_OP_PAGEMAP_SCAN] = operation_pagemap_scan,
	[VM_OP_KSM_RUN] = operation_ksm_run,
	[VM_OP_POOL] = operation_pool,
	[VM_OP_STEP_WRITE_BACK] = operation_step_write_back,
	[VM_OP_STEP_EVICT] = operation_step_evict,
	[VM_OP_STEP_COLLAPSE] = operation_step_collapse,
	[VM_OP_STEP_SWAP_OUT] = operation_step_swap_out,
	[VM_OP_STEP_FREE_LAZY] = operation_step_free_lazy,
	[VM_OP_STEP_MIGRATE] = operation_step_migrate,
	[VM_OP_STEP_SPLIT] = operation_step_split,
};

/* Whether any area may get huge pages or not by a setting that the host does not show. */
static bool depends_on_unknown_choice(const struct vm_machine *m)
{
	if (!m->setup.huge_choice_unknown)
		return false;
	for (uint32_t number = 0; number < m->areas.high; number++) {
		const struct area *area = area_of(m, number);
		const uint64_t first = vm_align_up(area->start, VM_HUGE_2M_BYTES);

		if (area->used && first + VM_HUGE_2M_BYTES <= area->end &&
			area_is_anonymous(area) && (area->flags & VM_AREA(NO_HUGE_PAGE)) == 0)
			return true;
	}
	return false;
}

void vm_machine_do(struct vm_machine *machine, const struct vm_operation *operation,
	struct vm_outcome *outcome)
{
	*outcome = (struct vm_outcome){.silent = senseless(machine, operation)};
	machine->last_rules_count = 0;
	if (outcome->silent != NULL)
		return;
	machine->actor = operation->process;
	machine->operation = operation;
	machine->outcome = outcome;
	operations[operation->kind](machine);
	machine->operation = NULL;
	machine->outcome = NULL;
	if (machine->out_of_room)
		outcome->silent = "beyond the limits of this machine";
	else if (depends_on_unknown_choice(machine))
		outcome->silent = "whether it gets huge pages is not known (thp.enabled)";
}

size_t vm_machine_last_rules(const struct vm_machine *machine, uint16_t *rules, size_t limit)
{
	const size_t count = machine->last_rules_count < limit ? machine->last_rules_count : limit;

	memcpy(rules, machine->last_rules, count * sizeof(rules[0]));
	return count;
}

uint64_t vm_machine_rule_hits(const struct vm_machine *machine, size_t rule)
{
	VM_ASSERT(rule < RULE_LIMIT);
	return machine->rule_hits[rule];
}
