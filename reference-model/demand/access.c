/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses: the processor walks the tables, and where that fails the kernel looks at the areas.
 * linux:6.12:arch/x86/mm/fault.c:do_user_addr_fault, mm/gup.c:faultin_page.
 */
#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/walk.h"

/* Pages kept free below a stack; stack_guard_gap has no file, only a boot parameter. */
#define STACK_GAP_PAGES 256
/* A marker, a page, its protection, and one to spare. */
#define ACCESS_TRIES_LIMIT 8

static bool stack_may_grow(struct vm_machine *m, uint32_t mm, uint32_t area, uint64_t start)
{
	const struct area *stack = area_of(m, area);
	const struct mm *space = mm_of(m, mm);
	const uint32_t below = area_before(m, mm, stack->start);
	const uint64_t grow = vm_bytes_to_pages_floor(stack->start - start);
	const uint64_t gap = vm_pages_to_bytes(STACK_GAP_PAGES);

	if (below != NONE) {
		const struct area *low = area_of(m, below);
		const bool accessible = (low->flags & ACCESS_FLAGS) != 0;
		/* linux:6.12:mm/mmap.c:expand_downwards: the gap binds to accessible areas only */
		if ((low->flags & VM_AREA(GROWS_DOWN)) == 0 && accessible && start - low->end < gap)
			return false;
		if (low->end > start)
			return false;
	}
	if (stack->end - start > m->host.stack_limit_bytes || !may_expand(m, space, grow))
		return false;
	return mlock_allows(m, space, stack->flags, vm_pages_to_bytes(grow));
}

uint32_t stack_grow(struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const uint32_t area = area_at_or_after(m, mm, address);
	const uint64_t start = vm_align_down(address, VM_PAGE_BYTES);

	if (area == NONE || (area_of(m, area)->flags & VM_AREA(GROWS_DOWN)) == 0)
		return NONE;
	struct area *stack = area_of(m, area);
	const uint64_t grow = vm_bytes_to_pages_floor(stack->start - start);
	if (grow > stack->page_offset || !stack_may_grow(m, mm, area, start)) {
		rule_obey(m, RULE_AREA_STACK_REFUSED);
		return NONE;
	}
	if ((stack->flags & VM_AREA(ACCOUNT)) != 0 && !commit_charge(m, grow))
		return NONE;
	rule_obey(m, RULE_AREA_STACK_GROWS);
	family_prepare(m, area);
	stack->start = start;
	stack->page_offset -= grow;
	mm_count_area(mm_of(m, mm), stack->flags, (int64_t)grow);
	if ((stack->flags & VM_AREA(LOCKED)) != 0)
		mm_of(m, mm)->locked_pages += grow;
	return area;
}

/* What may only be executed: read without asking, unless a protection key stands before it. */
static bool is_sealed_by_key(const struct vm_machine *m, const struct area *area)
{
	return m->behaviours.execute_only_keys && (area->flags & ACCESS_FLAGS) == VM_AREA(EXEC);
}

static bool area_allows(const struct area *area, enum vm_access_kind kind)
{
	switch (kind) {
	case VM_ACCESS_WRITE:
		return (area->flags & VM_AREA(WRITE)) != 0;
	case VM_ACCESS_FETCH:
	case VM_ACCESS_READ:
		/* x86 has no read bit: any right to an absent page lets it in */
		return (area->flags & ACCESS_FLAGS) != 0;
	}
	VM_ASSERT(false);
	return false;
}

static void raise_fault(
	struct vm_machine *m, enum fault_result result, uint64_t address, uint32_t error_bits)
{
	struct vm_outcome *outcome = m->outcome;

	outcome->signal.address = address;
	outcome->signal.error_bits = error_bits;
	outcome->signal.error_bits_known = true;
	outcome->signal.trap = 14;
	switch (result) {
	case FAULT_NO_AREA:
		rule_obey(m, RULE_DEMAND_SEGV_MAPERR);
		outcome->signal.number = VM_SIGSEGV;
		outcome->signal.code = VM_SEGV_MAPERR;
		break;
	case FAULT_NOT_ALLOWED:
		rule_obey(m, RULE_DEMAND_SEGV_ACCERR);
		outcome->signal.number = VM_SIGSEGV;
		outcome->signal.code = VM_SEGV_ACCERR;
		break;
	case FAULT_NO_KEY:
		rule_obey(m, RULE_DEMAND_SEGV_KEY);
		outcome->signal.number = VM_SIGSEGV;
		outcome->signal.code = VM_SEGV_PKUERR;
		break;
	case FAULT_BUS:
		rule_obey(m, RULE_DEMAND_SIGBUS);
		outcome->signal.number = VM_SIGBUS;
		outcome->signal.code = VM_BUS_ADRERR;
		break;
	case FAULT_DONE:
	case FAULT_NO_ROOM:
		break;
	}
}

/* TASK_SIZE_MAX: the last page of the user half is a guard. */
static uint64_t user_end(const struct vm_machine *m)
{
	return (UINT64_C(1) << (m->host.page_table_levels == 5 ? 56 : 47)) - VM_PAGE_BYTES;
}

/* Addresses that no user entry can map. */
static bool raise_outside(struct vm_machine *m, uint64_t address, const struct vm_walk *walk,
	enum vm_access_kind kind)
{
	if (walk->outcome == VM_WALK_GENERAL_PROTECTION) {
		rule_obey(m, RULE_DEMAND_NON_CANONICAL);
		m->outcome->signal.number = VM_SIGSEGV;
		m->outcome->signal.code = VM_SI_KERNEL;
		m->outcome->signal.trap = 13;
		m->outcome->signal.error_bits_known = true;
		return true;
	}
	if (address >= user_end(m)) {
		/* What is not the user's always looks present: nothing of its layout leaks. */
		rule_obey(m, RULE_DEMAND_KERNEL_ADDRESS);
		raise_fault(m, FAULT_NO_AREA, address,
			VM_FAULT_PROTECTION | VM_FAULT_USER |
				(kind == VM_ACCESS_WRITE ? VM_FAULT_WRITE : 0) |
				(kind == VM_ACCESS_FETCH ? VM_FAULT_FETCH : 0));
		return true;
	}
	return false;
}

/* One page fault of the processor: the area is found, grown if it is a stack, and asked. */
static enum fault_result user_fault(
	struct vm_machine *m, struct fault *fault, enum vm_access_kind kind, uint32_t error_code)
{
	fault->area = area_holding(m, fault->mm, fault->address);
	if (fault->area == NONE)
		fault->area = stack_grow(m, fault->mm, fault->address);
	if (fault->area == NONE)
		return FAULT_NO_AREA;
	const struct area *area = area_of(m, fault->area);
	if (!area_allows(area, kind))
		return FAULT_NOT_ALLOWED;
	/* linux:6.12:arch/x86/mm/fault.c:access_error: a present entry refused a read or a fetch */
	if (kind != VM_ACCESS_WRITE && (error_code & VM_FAULT_PROTECTION) != 0)
		return FAULT_NOT_ALLOWED;
	return fault_handle(m, fault);
}

/* intel-sdm:3A:4.6.2: whatever the entry allows, its key refuses data to everybody. */
static bool key_refuses(struct vm_machine *m, uint32_t mm, uint64_t address,
	const struct vm_walk *walk, enum vm_access_kind kind)
{
	const uint32_t area = area_holding(m, mm, address);
	const bool present = walk->outcome == VM_WALK_TRANSLATED ||
			     (walk->error_code & VM_FAULT_PROTECTION) != 0;

	if (kind == VM_ACCESS_FETCH || area == NONE || !is_sealed_by_key(m, area_of(m, area)))
		return false;
	raise_fault(m, FAULT_NO_KEY, address,
		VM_FAULT_USER | (kind == VM_ACCESS_WRITE ? VM_FAULT_WRITE : 0) |
			(present ? VM_FAULT_PROTECTION | VM_FAULT_KEY : 0));
	return true;
}

bool access_by_processor(struct vm_machine *m, uint32_t process, uint64_t address,
	enum vm_access_kind kind, uint32_t *frame)
{
	const uint32_t mm = processes_of(m)[process].mm;

	for (int tries = 0;; tries++) {
		const struct vm_walk walk = walk_access(m, mm, address, kind);

		/* Every fault that was resolved lets the access come further. */
		VM_ASSERT(tries < ACCESS_TRIES_LIMIT);

		if (key_refuses(m, mm, address, &walk, kind))
			return false;
		if (walk.outcome == VM_WALK_TRANSLATED) {
			*frame = (uint32_t)vm_bytes_to_pages_floor(walk.physical);
			return true;
		}
		if (raise_outside(m, address, &walk, kind))
			return false;
		struct fault fault = {.process = process,
			.mm = mm,
			.address = address,
			.write = kind == VM_ACCESS_WRITE,
			.fetch = kind == VM_ACCESS_FETCH};
		const enum fault_result result = user_fault(m, &fault, kind, walk.error_code);
		if (result != FAULT_DONE) {
			raise_fault(m, result, address, walk.error_code);
			return false;
		}
	}
}

/* linux:6.12:mm/gup.c:check_vma_flags */
static bool kernel_may(const struct area *area, bool write, bool forced)
{
	const bool copies =
		(area->flags & (VM_AREA(SHARED) | VM_AREA(MAY_WRITE))) == VM_AREA(MAY_WRITE);

	if (write) {
		if ((area->flags & VM_AREA(WRITE)) != 0)
			return true;
		return forced && copies && !area_is_hugetlb(area);
	}
	if ((area->flags & VM_AREA(READ)) != 0)
		return true;
	return forced && (area->flags & VM_AREA(MAY_READ)) != 0;
}

/* Whether the page can be taken as it is mapped (follow_page_pte). */
static bool kernel_finds(const struct vm_machine *m, const struct kernel_access *access,
	uint32_t number, uint32_t *frame, bool *unshare)
{
	const struct area *area = area_of(m, number);
	const struct place place = place_of(m, access->mm, access->address);
	const uint64_t leaf = entry_get(m, place);

	*unshare = false;
	if (leaf == 0 || !leaf_is_present(leaf))
		return false;
	const uint32_t first = leaf_frame(leaf);
	const uint32_t piece =
		first + (uint32_t)vm_bytes_to_pages_floor(access->address - place.address);
	const bool anonymous = !is_zero_frame(m, first) && folio_has(m, first, FOLIO_ANONYMOUS);
	const bool exclusive = anonymous && frame_of(m, place.level > 1 ? first : piece)->exclusive;
	*frame = piece;
	if (!access->write) {
		/* linux:6.12:mm/internal.h:gup_must_unshare */
		*unshare = access->pinned && anonymous && !exclusive;
		return !*unshare;
	}
	if (leaf_is_writable(leaf))
		return true;
	/* linux:6.12:mm/gup.c:can_follow_write_pte: an area that may be written takes the fault */
	return access->forced && (area->flags & VM_AREA(WRITE)) == 0 && exclusive &&
	       (leaf & VM_PTE_LINUX_UFFD_WP) == 0;
}

/*
 * linux:6.12:mm/memory.c:fault_dirty_shared_page: who makes a shared page dirty, or has to ask its
 * file system, gives the lock up.
 */
static bool gives_lock_up(
	const struct vm_machine *m, const struct kernel_access *access, uint32_t number)
{
	const struct area *area = area_of(m, number);

	if (!access->write || access->holds_lock || access->populates ||
		(area->flags & VM_AREA(SHARED)) == 0)
		return false;
	if (!area_is_shmem(m, area))
		return true;
	const uint32_t frame =
		cache_lookup(m, area->object, area_page_index(area, access->address));
	return frame == NONE || !folio_has(m, frame, FOLIO_DIRTY);
}

enum fault_result access_by_kernel(
	struct vm_machine *m, const struct kernel_access *access, uint32_t *frame)
{
	uint32_t area = area_holding(m, access->mm, access->address);
	bool unshare = false, tried = false;

	if (area == NONE && access->grows_stack)
		area = stack_grow(m, access->mm, access->address);
	if (area == NONE)
		return FAULT_NO_AREA;
	if (area_is_secret(m, area_of(m, area))) {
		rule_obey(m, RULE_COW_SECRET_REFUSED);
		return FAULT_NOT_ALLOWED;
	}
	if (!kernel_may(area_of(m, area), access->write, access->forced))
		return FAULT_NOT_ALLOWED;
	while (!kernel_finds(m, access, area, frame, &unshare)) {
		struct fault fault = {.process = m->actor,
			.mm = access->mm,
			.area = area,
			.address = access->address,
			.write = access->write || unshare,
			.tried = tried,
			.by_kernel = true,
			.restarted = access->populates,
			.holds_lock = access->holds_lock,
			.unshare = unshare};
		tried = gives_lock_up(m, access, area);
		const enum fault_result result = fault_handle(m, &fault);
		if (result != FAULT_DONE)
			return result;
	}
	/* FOLL_TOUCH: mark_page_accessed; and set_page_dirty where the entry does not say so */
	if (is_zero_frame(m, *frame) || access->untouched)
		return FAULT_DONE;
	folio_set(m, *frame, FOLIO_MAYBE_REFERENCED);
	if (access->write && !leaf_is_dirty(entry_get(m, place_of(m, access->mm, access->address))))
		folio_set(m, *frame, FOLIO_DIRTY);
	return FAULT_DONE;
}

/*
 * linux:6.12:mm/gup.c:gup_fast_pte_range: no area is asked, so what may be written or executed, but
 * not read, is read all the same where it is mapped; pages that are the kernel's own are left out.
 */
bool access_by_tables(struct vm_machine *m, uint32_t mm, uint64_t address, uint32_t *frame)
{
	const struct vm_walk walk = walk_access(m, mm, address, VM_ACCESS_READ);
	const uint32_t area = area_holding(m, mm, address);

	if (walk.outcome != VM_WALK_TRANSLATED || area == NONE ||
		is_sealed_by_key(m, area_of(m, area)) || area_is_secret(m, area_of(m, area)))
		return false;
	*frame = (uint32_t)vm_bytes_to_pages_floor(walk.physical);
	if (is_zero_frame(m, *frame))
		return false;
	if (!kernel_may(area_of(m, area), false, false))
		rule_obey(m, RULE_COW_SPLICE_UNASKED);
	folio_set(m, *frame, FOLIO_MAYBE_REFERENCED);
	return true;
}
