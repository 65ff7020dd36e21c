/* SPDX-License-Identifier: Apache-2.0 */
#include "area/area.h"

#include "frame/cache.h"

uint32_t area_take(struct vm_machine *m)
{
	uint32_t area = m->areas.free;

	if (area != NONE)
		m->areas.free = area_of(m, area)->next;
	else
		area = pool_extend(&m->areas);
	if (area == NONE) {
		m->out_of_room = true;
		return NONE;
	}
	*area_of(m, area) = (struct area){.next = NONE,
		.used = true,
		.mm = NONE,
		.object = NONE,
		.family = NONE,
		.chain = NONE};
	return area;
}

static void area_drop(struct vm_machine *m, uint32_t area)
{
	area_of(m, area)->used = false;
	area_of(m, area)->next = m->areas.free;
	m->areas.free = area;
}

uint32_t area_at_or_after(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	uint32_t area = mm_of(m, mm)->first_area;

	while (area != NONE && area_of(m, area)->end <= address)
		area = area_of(m, area)->next;
	return area;
}

uint32_t area_holding(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const uint32_t area = area_at_or_after(m, mm, address);

	return area != NONE && area_of(m, area)->start <= address ? area : NONE;
}

uint32_t area_before(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	uint32_t before = NONE;

	for (uint32_t area = mm_of(m, mm)->first_area;
		area != NONE && area_of(m, area)->start < address; area = area_of(m, area)->next)
		before = area;
	return before;
}

bool area_any_in(const struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end)
{
	const uint32_t area = area_at_or_after(m, mm, start);

	return area != NONE && area_of(m, area)->start < end;
}

void area_insert(struct vm_machine *m, uint32_t mm, uint32_t area)
{
	struct area *inserted = area_of(m, area);
	uint32_t *link = &mm_of(m, mm)->first_area;

	rule_obey(m, RULE_AREA_SORTED);
	inserted->mm = mm;
	while (*link != NONE && area_of(m, *link)->start < inserted->start)
		link = &area_of(m, *link)->next;
	VM_ASSERT(*link == NONE || area_of(m, *link)->start >= inserted->end);
	inserted->next = *link;
	*link = area;
	mm_of(m, mm)->area_count++;
	if (inserted->object != NONE)
		object_of(m, inserted->object)->areas++;
}

void area_remove(struct vm_machine *m, uint32_t area)
{
	const struct area *removed = area_of(m, area);
	uint32_t *link = &mm_of(m, removed->mm)->first_area;

	while (*link != area)
		link = &area_of(m, *link)->next;
	*link = removed->next;
	mm_of(m, removed->mm)->area_count--;
	family_leave(m, area);
	const uint32_t object = removed->object;
	area_drop(m, area);
	if (object != NONE) {
		object_of(m, object)->areas--;
		object_free_if_unused(m, object);
	}
}

/*
 * linux:6.12:mm/vma.c:__split_vma. A huge leaf across the cut is split first: the caller has seen
 * to that, since it needs the entries' own rules.
 */
uint32_t area_split(struct vm_machine *m, uint32_t area, uint64_t address)
{
	const uint32_t upper = area_take(m);
	struct area *lower = area_of(m, area);

	if (upper == NONE)
		return NONE;
	VM_ASSERT(lower->start < address && address < lower->end);
	rule_obey(m, RULE_AREA_SPLIT);
	struct area *half = area_of(m, upper);
	half->start = address;
	half->end = lower->end;
	half->flags = lower->flags;
	half->page_offset = lower->page_offset + vm_bytes_to_pages_floor(address - lower->start);
	half->object = lower->object;
	half->uffd = lower->uffd;
	half->read_only_file = lower->read_only_file;
	half->reserve_owner = lower->reserve_owner;
	half->bereft = lower->bereft;
	half->family = lower->family;
	family_clone(m, upper, area);
	lower->end = address;
	area_insert(m, lower->mm, upper);
	return upper;
}

uint64_t area_pages(const struct area *area)
{
	return vm_bytes_to_pages_floor(area->end - area->start);
}

uint64_t area_page_index(const struct area *area, uint64_t address)
{
	return area->page_offset + vm_bytes_to_pages_floor(address - area->start);
}

bool area_is_anonymous(const struct area *area)
{
	return area->object == NONE;
}

bool area_is_hugetlb(const struct area *area)
{
	return (area->flags & VM_AREA(HUGETLB)) != 0;
}

bool area_is_shmem(const struct vm_machine *m, const struct area *area)
{
	return area->object != NONE && object_of(m, area->object)->kind == VM_FILE_SHMEM;
}

bool area_is_secret(const struct vm_machine *m, const struct area *area)
{
	return area->object != NONE && object_of(m, area->object)->kind == VM_FILE_SECRET;
}

uint64_t area_huge_bytes(const struct vm_machine *m, const struct area *area)
{
	return object_of(m, area->object)->kind == VM_FILE_HUGETLB_1G ? VM_HUGE_1G_BYTES
								      : VM_HUGE_2M_BYTES;
}

/*
 * linux:6.12:mm/mmap.c:vma_wants_writenotify: entries of a shared writable area start read-only
 * where the first write must be noticed.
 */
bool area_wants_write_notify(const struct vm_machine *m, const struct area *area)
{
	const uint32_t shared_writable = VM_AREA(WRITE) | VM_AREA(SHARED);

	if ((area->flags & shared_writable) != shared_writable || area->object == NONE)
		return false;
	if (object_of(m, area->object)->kind == VM_FILE_DISK)
		return true;
	if (has(m, VM_FEATURE_SOFT_DIRTY) && (area->flags & VM_AREA(SOFT_DIRTY)) == 0 &&
		!area_is_hugetlb(area))
		return true;
	return area->uffd;
}

/* linux:6.12:mm/vma.h:accountable_mapping */
bool area_accounts(const struct vm_machine *m, uint32_t object, uint32_t flags)
{
	if (object != NONE && (object_of(m, object)->kind == VM_FILE_HUGETLB_2M ||
				      object_of(m, object)->kind == VM_FILE_HUGETLB_1G))
		return false;
	return (flags & (VM_AREA(NO_RESERVE) | VM_AREA(SHARED) | VM_AREA(WRITE))) == VM_AREA(WRITE);
}

/* linux:6.12:mm/huge_memory.c:__thp_vma_allowable_orders, for private anonymous memory */
bool area_huge_allowed(const struct vm_machine *m, const struct area *area, uint64_t address)
{
	const uint64_t start = vm_align_down(address, VM_HUGE_2M_BYTES);

	return m->behaviours.huge_pages_at_fault && area_is_anonymous(area) &&
	       start >= area->start && start + VM_HUGE_2M_BYTES <= area->end &&
	       area_huge_wanted(m, area);
}

bool area_huge_wanted(const struct vm_machine *m, const struct area *area)
{
	if ((area->flags & VM_AREA(NO_HUGE_PAGE)) != 0)
		return false;
	switch (vm_host_knob(&m->host, VM_KNOB_THP_ENABLED, VM_THP_NEVER)) {
	case VM_THP_ALWAYS:
		return true;
	case VM_THP_MADVISE:
		return (area->flags & VM_AREA(HUGE_PAGE)) != 0;
	default:
		return false;
	}
}

/* linux:6.12:mm/mmap.c:vm_stat_account */
void mm_count_area(struct mm *mm, uint32_t flags, int64_t pages)
{
	const uint32_t data = flags & (VM_AREA(WRITE) | VM_AREA(SHARED) | VM_AREA(GROWS_DOWN));

	mm->total_pages = (uint64_t)((int64_t)mm->total_pages + pages);
	if ((flags & (VM_AREA(EXEC) | VM_AREA(WRITE) | VM_AREA(GROWS_DOWN))) == VM_AREA(EXEC))
		mm->exec_pages = (uint64_t)((int64_t)mm->exec_pages + pages);
	else if ((flags & VM_AREA(GROWS_DOWN)) != 0)
		mm->stack_pages = (uint64_t)((int64_t)mm->stack_pages + pages);
	else if (data == VM_AREA(WRITE))
		mm->data_pages = (uint64_t)((int64_t)mm->data_pages + pages);
}

enum vm_commit_mode commit_mode(const struct vm_machine *m)
{
	return (enum vm_commit_mode)vm_host_knob(
		&m->host, VM_KNOB_OVERCOMMIT_MEMORY, VM_COMMIT_HEURISTIC);
}

/* Without what others have been promised, and what is kept from this process: not more than that.
 */
static uint64_t commit_limit_pages(const struct vm_machine *m)
{
	const struct vm_commit_state state = {
		.ram_pages = m->setup.ram_pages,
		.swap_pages = m->setup.swap_pages,
		.ratio_percent = (uint64_t)vm_host_knob(&m->host, VM_KNOB_OVERCOMMIT_RATIO, 50),
		.limit_kib = (uint64_t)vm_host_knob(&m->host, VM_KNOB_OVERCOMMIT_KBYTES, 0),
	};

	return vm_commit_limit_pages(&m->behaviours, &state);
}

/* linux:6.12:mm/util.c:__vm_enough_memory */
bool commit_charge(struct vm_machine *m, uint64_t pages)
{
	const uint64_t most = m->setup.ram_pages + m->setup.swap_pages;
	const uint64_t all = pages + (m->committed_pages > 0 ? (uint64_t)m->committed_pages : 0);

	rule_obey(m, RULE_ACCOUNT_COMMIT);
	switch (commit_mode(m)) {
	case VM_COMMIT_HEURISTIC:
		if ((m->behaviours.overcommit_heuristic == VM_OVERCOMMIT_SINGLE_REQUEST
				    ? pages
				    : all) > most)
			return false;
		break;
	case VM_COMMIT_ALWAYS:
		break;
	case VM_COMMIT_NEVER_MORE:
		if (all >= commit_limit_pages(m))
			return false;
		break;
	}
	m->committed_pages += (int64_t)pages;
	return true;
}

void commit_release(struct vm_machine *m, uint64_t pages)
{
	m->committed_pages -= (int64_t)pages;
}

int64_t area_headroom(const struct vm_machine *m, uint32_t mm)
{
	const int64_t most = vm_host_knob(&m->host, VM_KNOB_MAX_MAP_COUNT, INT64_MAX);

	return most - m->setup.areas_at_start - mm_of(m, mm)->area_count;
}
