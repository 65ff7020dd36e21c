/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Huge pages from the pool: linux:6.12:mm/hugetlb.c:hugetlb_reserve_pages, hugetlb_no_page,
 * hugetlb_wp. The pools' four counters are what a user sees of it.
 */
#include "area/area.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/outcome.h"

struct vm_huge_pool *hugetlb_pool(struct vm_machine *m, uint32_t object)
{
	return object_of(m, object)->kind == VM_FILE_HUGETLB_1G ? &m->huge_1g : &m->huge_2m;
}

static uint64_t overcommit_limit(const struct vm_machine *m, uint32_t object)
{
	return object_of(m, object)->kind == VM_FILE_HUGETLB_1G ? m->setup.huge_1g_overcommit_pages
								: m->setup.huge_2m_overcommit_pages;
}

/* linux:6.12:mm/hugetlb.c:free_huge_folio */
static const char nodes_apart[] =
	"each node has surplus pages of its own: which go is not seen from outside";

/* gather_surplus_pages: makes the free pages exceed the reserved ones by count. */
static bool pool_ensure(struct vm_machine *m, uint32_t object, uint64_t count)
{
	struct vm_huge_pool *pool = hugetlb_pool(m, object);
	const uint64_t unreserved = pool->free - pool->reserved;

	if (count <= unreserved)
		return true;
	const uint64_t missing = count - unreserved;
	if (pool->surplus + missing > overcommit_limit(m, object))
		return false;
	if (m->host.nodes_online > 1)
		outcome_silent(m, nodes_apart);
	rule_obey(m, RULE_FRAME_HUGETLB_SURPLUS);
	pool->surplus += missing;
	pool->total += missing;
	pool->free += missing;
	return true;
}

static uint64_t first_huge(const struct vm_machine *m, const struct area *area, uint64_t address)
{
	return vm_pages_to_bytes(area_page_index(area, address)) /
	       object_page_bytes(m, area->object);
}

bool hugetlb_reserve(struct vm_machine *m, uint32_t object, const struct area *area)
{
	const uint64_t first = first_huge(m, area, area->start);
	const uint64_t count = (area->end - area->start) / object_page_bytes(m, object);
	uint64_t wanted = 0;

	if ((area->flags & VM_AREA(NO_RESERVE)) != 0)
		return true;
	for (uint64_t i = first; i < first + count; i++) {
		const uint32_t entry = entry_find(m, object, i);
		wanted += entry == NONE ||
			  (!entries_of(m)[entry].reserved && entries_of(m)[entry].frame == NONE);
	}
	if (!pool_ensure(m, object, wanted))
		return false;
	rule_obey(m, RULE_FRAME_HUGETLB_RESERVE);
	for (uint64_t i = first; i < first + count; i++) {
		const uint32_t entry = entry_make(m, object, i);
		if (entry == NONE)
			return false;
		if (!entries_of(m)[entry].reserved && entries_of(m)[entry].frame == NONE) {
			entries_of(m)[entry].reserved = true;
			hugetlb_pool(m, object)->reserved++;
		}
	}
	return true;
}

/* linux:6.12:mm/hugetlb.c:return_unused_surplus_pages */
void hugetlb_give_up(struct vm_machine *m, uint32_t object, struct entry *entry)
{
	struct vm_huge_pool *pool = hugetlb_pool(m, object);

	entry->reserved = false;
	pool->reserved--;
	if (pool->surplus > 0) {
		pool->surplus--;
		pool->total--;
		pool->free--;
	}
}

void hugetlb_unreserve(struct vm_machine *m, const struct area *area, uint64_t start, uint64_t end)
{
	const uint64_t last =
		first_huge(m, area, start) + (end - start) / object_page_bytes(m, area->object);

	if (!area->reserve_owner)
		return;
	for (uint64_t i = first_huge(m, area, start); i < last; i++) {
		const uint32_t entry = entry_find(m, area->object, i);
		if (entry == NONE || !entries_of(m)[entry].reserved)
			continue;
		hugetlb_give_up(m, area->object, &entries_of(m)[entry]);
	}
}

/*
 * linux:6.12:mm/hugetlb.c:__unmap_hugepage_range: a private page that goes leaves its owner a
 * reservation, unless the pool has surplus pages to get rid of. The pool counts it when the page is
 * freed, which a child that has it as well may put off: the owner's is one too many until then.
 */
void hugetlb_restore_reserve(
	struct vm_machine *m, const struct area *area, uint64_t address, uint32_t head)
{
	if (!has(m, VM_FEATURE_POOL_RESERVE_RETURNS) || !area->reserve_owner ||
		(area->flags & VM_AREA(MAY_SHARE)) != 0 ||
		hugetlb_pool(m, area->object)->surplus != 0)
		return;
	if (folio_of(m, head)->maps > 1) {
		if (outcome_depends(m, m->behaviours.reserve_returns_last,
			    "whether this release returns the reservation of a page that a child "
			    "has"))
			return;
		rule_obey(m, RULE_FRAME_HUGETLB_OWED);
	}
	const uint32_t entry = entry_make(m, area->object, first_huge(m, area, address));
	if (entry == NONE)
		return;
	entries_of(m)[entry].reserved = true;
	folio_set(m, head, FOLIO_OWED);
}

static uint32_t giant_take(struct vm_machine *m)
{
	for (uint32_t i = 0; i < m->giants.limit; i++) {
		if (i < m->giants.high && giants_of(m)[i].head != NONE)
			continue;
		if (m->giants.high <= i)
			m->giants.high = i + 1;
		giants_of(m)[i] = (struct frame){.head = GIANT_FRAMES_AT + (i << GIANT_ORDER),
			.contents = NONE,
			.order = GIANT_ORDER,
			.object = NONE,
			.slot = NONE};
		return GIANT_FRAMES_AT + (i << GIANT_ORDER);
	}
	m->out_of_room = true;
	return NONE;
}

/*
 * linux:6.12:mm/hugetlb.c:set_max_huge_pages. What is free and not promised goes at once; what is
 * in use becomes surplus, and goes when it is given back.
 */
static void pool_resize(struct vm_machine *m, struct vm_huge_pool *pool, uint64_t wanted)
{
	const uint64_t used = pool->reserved + pool->total - pool->free;
	const uint64_t kept = wanted > used ? wanted : used;

	rule_obey(m, RULE_FRAME_HUGETLB_RESIZE);
	while (pool->surplus > 0 && wanted > pool->total - pool->surplus)
		pool->surplus--;
	if (wanted > pool->total - pool->surplus) {
		const uint64_t missing = wanted - (pool->total - pool->surplus);
		pool->total += missing;
		pool->free += missing;
	}
	while (kept < pool->total - pool->surplus) {
		pool->total--;
		pool->free--;
	}
	if (wanted < pool->total - pool->surplus)
		pool->surplus = pool->total - wanted;
}

void operation_pool(struct vm_machine *m)
{
	const bool giant = m->operation->file_kind == VM_FILE_HUGETLB_1G;
	struct vm_huge_pool *pool = giant ? &m->huge_1g : &m->huge_2m;
	const struct vm_huge_pool *start = giant ? &m->setup.huge_1g : &m->setup.huge_2m;
	const uint64_t wanted = m->operation->length +
				vm_pool_of_others(start->total, start->free, start->reserved);

	pool_resize(m, pool, wanted);
	if (pool->surplus > 0 && m->host.nodes_online > 1)
		outcome_silent(m, nodes_apart);
}

/* A page of the pool for that index, from the reservation if there is one. NONE: SIGBUS. */
static uint32_t hugetlb_take(struct vm_machine *m, const struct area *area, uint64_t index)
{
	struct vm_huge_pool *pool = hugetlb_pool(m, area->object);
	const uint32_t entry = entry_find(m, area->object, index);
	const bool may_use = (area->flags & VM_AREA(SHARED)) != 0 || area->reserve_owner;
	const bool reserved = may_use && entry != NONE && entries_of(m)[entry].reserved;

	if (!reserved && !pool_ensure(m, area->object, 1))
		return NONE;
	/* What is owed is not there yet: alloc_buddy_hugetlb_folio_with_mpol */
	if (pool->free == 0) {
		if (pool->surplus >= overcommit_limit(m, area->object))
			return NONE;
		pool->surplus++;
		pool->total++;
		pool->free++;
	}
	const uint32_t head = object_of(m, area->object)->kind == VM_FILE_HUGETLB_1G
				      ? giant_take(m)
				      : folio_take(m, HUGE_ORDER);
	if (head == NONE)
		return NONE;
	if (object_of(m, area->object)->kind != VM_FILE_HUGETLB_1G)
		m->frames_in_use -= HUGE_PAGES; /* the pool's, counted there */
	pool->free--;
	if (reserved) {
		pool->reserved--;
		entries_of(m)[entry].reserved = false;
	}
	folio_of(m, head)->flags = FOLIO_HUGETLB;
	return head;
}

static void hugetlb_map(struct vm_machine *m, const struct fault *fault, struct place place,
	uint32_t head, bool writable)
{
	const struct area *area = area_of(m, fault->area);
	uint64_t leaf = leaf_make(leaf_protection(m, area), head, true);

	leaf = writable ? leaf_make_writable(leaf_make_dirty(m, leaf))
			: leaf_write_protect(m, leaf);
	folio_map_whole(m, head);
	mm_of(m, fault->mm)->hugetlb_pages += folio_pages(m, head);
	entry_set(m, place, leaf);
}

/*
 * linux:6.12:mm/hugetlb.c:unmap_ref_private: what the owner was promised it gets, if from those
 * who inherited the page. They have nothing there from now on.
 */
static void take_back(struct vm_machine *m, uint32_t owner, uint64_t index, uint32_t head)
{
	const uint32_t object = area_of(m, owner)->object;

	rule_obey(m, RULE_COW_HUGETLB_TAKEN_BACK);
	for (uint32_t i = 0; i < m->areas.high; i++) {
		struct area *area = area_of(m, i);
		if (!area->used || i == owner || area->object != object || area->reserve_owner ||
			(area->flags & VM_AREA(MAY_SHARE)) != 0 ||
			index < first_huge(m, area, area->start) ||
			index >= first_huge(m, area, area->end))
			continue;
		const uint64_t beyond = index - first_huge(m, area, area->start);
		const struct place place =
			place_of(m, area->mm, area->start + beyond * object_page_bytes(m, object));
		if (leaf_is_present(entry_get(m, place)) &&
			leaf_frame(entry_get(m, place)) == head) {
			zap_entry(m, area->mm, place);
			area->bereft = true;
		}
	}
}

/* linux:6.12:mm/hugetlb.c:hugetlb_wp */
static enum fault_result hugetlb_write(
	struct vm_machine *m, struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t leaf = entry_get(m, place);
	const uint32_t head = leaf_frame(leaf);

	if ((area->flags & VM_AREA(MAY_SHARE)) != 0) {
		entry_set(m, place, leaf_for_write(m, area, leaf));
		return FAULT_DONE;
	}
	if (folio_has(m, head, FOLIO_ANONYMOUS) && folio_of(m, head)->maps == 1) {
		rule_obey(m, RULE_COW_HUGETLB_REUSE);
		entry_set(m, place, leaf_for_write(m, area, leaf));
		return FAULT_DONE;
	}
	const uint64_t index = first_huge(m, area, place.address);
	const uint32_t copy = hugetlb_take(m, area, index);
	if (copy == NONE && !m->out_of_room && area->reserve_owner &&
		folio_has(m, head, FOLIO_ANONYMOUS)) {
		take_back(m, fault->area, index, head);
		entry_set(m, place, leaf_for_write(m, area, leaf));
		return FAULT_DONE;
	}
	if (copy == NONE)
		return m->out_of_room ? FAULT_NO_ROOM : FAULT_BUS;
	rule_obey(m, RULE_COW_HUGETLB_COPY);
	folio_set(m, copy, FOLIO_ANONYMOUS);
	for (uint32_t i = 0; i < folio_pages(m, copy) && copy < GIANT_FRAMES_AT; i++)
		frame_copy(m, copy + i, head + i);
	if (copy >= GIANT_FRAMES_AT)
		frame_copy(m, copy, head);
	hugetlb_unmap(m, fault->mm, place);
	hugetlb_map(m, fault, place, copy, true);
	return FAULT_DONE;
}

static enum fault_result hugetlb_missing(
	struct vm_machine *m, struct fault *fault, struct place place)
{
	const struct area *area = area_of(m, fault->area);
	const uint64_t index = first_huge(m, area, place.address);
	const bool shared = (area->flags & VM_AREA(MAY_SHARE)) != 0;

	if (index >= object_pages(m, area->object) || area->bereft)
		return FAULT_BUS;
	uint32_t head = cache_lookup(m, area->object, index);
	if (head == NONE) {
		head = hugetlb_take(m, area, index);
		if (head == NONE)
			return m->out_of_room ? FAULT_NO_ROOM : FAULT_BUS;
		rule_obey(m, RULE_DEMAND_HUGETLB);
		if (shared) {
			const uint32_t entry = entry_make(m, area->object, index);
			if (entry == NONE)
				return FAULT_NO_ROOM;
			entries_of(m)[entry].frame = head;
			folio_of(m, head)->object = area->object;
			folio_of(m, head)->index = index;
			folio_set(m, head, FOLIO_IN_CACHE);
		} else {
			family_prepare(m, fault->area);
			folio_set(m, head, FOLIO_ANONYMOUS);
		}
	}
	hugetlb_map(m, fault, place, head,
		(area->flags & VM_AREA(WRITE)) != 0 && (area->flags & VM_AREA(SHARED)) != 0);
	if (fault->write && !shared)
		return hugetlb_write(m, fault, place);
	return FAULT_DONE;
}

enum fault_result fault_hugetlb(struct vm_machine *m, struct fault *fault)
{
	const struct area *area = area_of(m, fault->area);
	const unsigned level = object_of(m, area->object)->kind == VM_FILE_HUGETLB_1G ? 3U : 2U;
	const struct place place = place_make(m, fault->mm, fault->address, level);

	if (place.table == NONE)
		return FAULT_NO_ROOM;
	const uint64_t leaf = entry_get(m, place);
	if (leaf == 0)
		return hugetlb_missing(m, fault, place);
	if (fault->write && !leaf_is_writable(leaf))
		return hugetlb_write(m, fault, place);
	entry_set(m, place, leaf | VM_PTE_ACCESSED);
	return FAULT_DONE;
}
