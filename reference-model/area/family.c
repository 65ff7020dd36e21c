/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families (anon_vma): which areas may hold copies of one private page. They decide whether two
 * areas may become one, and nothing else that can be seen from outside.
 *
 * linux:6.12:mm/rmap.c:__anon_vma_prepare, anon_vma_clone, anon_vma_fork, unlink_anon_vmas.
 */
#include "area/area.h"

static uint32_t family_take(struct vm_machine *m)
{
	uint32_t family = m->families.free;

	if (family != NONE)
		m->families.free = families_of(m)[family].parent;
	else
		family = pool_extend(&m->families);
	if (family == NONE) {
		m->out_of_room = true;
		return NONE;
	}
	families_of(m)[family] = (struct family){.used = true, .parent = NONE};
	return family;
}

static void family_drop(struct vm_machine *m, uint32_t family)
{
	struct family *dropped = &families_of(m)[family];

	if (dropped->parent != NONE)
		families_of(m)[dropped->parent].children--;
	dropped->used = false;
	dropped->parent = m->families.free;
	m->families.free = family;
}

static void chain_to(struct vm_machine *m, struct area *area, uint32_t family)
{
	uint32_t link = m->links.free;

	if (link != NONE)
		m->links.free = links_of(m)[link].next;
	else
		link = pool_extend(&m->links);
	if (link == NONE) {
		m->out_of_room = true;
		return;
	}
	links_of(m)[link] = (struct link){.family = family, .next = area->chain};
	area->chain = link;
	families_of(m)[family].links++;
}

bool family_is_single(const struct vm_machine *m, const struct area *area)
{
	return area->chain != NONE && links_of(m)[area->chain].next == NONE;
}

/* linux:6.12:mm/mmap.c:anon_vma_compatible: would the two be mergeable after an mprotect? */
static bool families_fit(
	const struct vm_machine *m, const struct area *low, const struct area *high)
{
	const uint32_t ignored = ACCESS_FLAGS | STICKY_FLAGS;

	(void)m;
	return low->end == high->start && low->object == high->object &&
	       low->read_only_file == high->read_only_file &&
	       ((low->flags ^ high->flags) & ~ignored) == 0 &&
	       high->page_offset == area_page_index(low, high->start);
}

static uint32_t family_of_neighbour(const struct vm_machine *m, uint32_t area)
{
	const struct area *own = area_of(m, area);
	const uint32_t before = area_before(m, own->mm, own->start);

	if (own->next != NONE) {
		const struct area *next = area_of(m, own->next);
		if (families_fit(m, own, next) && next->family != NONE && family_is_single(m, next))
			return next->family;
	}
	if (before != NONE) {
		const struct area *low = area_of(m, before);
		if (families_fit(m, low, own) && low->family != NONE && family_is_single(m, low))
			return low->family;
	}
	return NONE;
}

void family_prepare(struct vm_machine *m, uint32_t area)
{
	struct area *own = area_of(m, area);

	if (own->family != NONE)
		return;
	uint32_t family = family_of_neighbour(m, area);
	if (family != NONE) {
		rule_obey(m, RULE_AREA_FAMILY_OF_NEIGHBOUR);
	} else {
		family = family_take(m);
		if (family == NONE)
			return;
		families_of(m)[family].children = 1;
	}
	own->family = family;
	chain_to(m, own, family);
	families_of(m)[family].active_areas++;
}

void family_clone(struct vm_machine *m, uint32_t to, uint32_t from)
{
	struct area *copy = area_of(m, to);
	const struct area *original = area_of(m, from);

	for (uint32_t link = original->chain; link != NONE; link = links_of(m)[link].next) {
		const uint32_t family = links_of(m)[link].family;
		const struct family *candidate = &families_of(m)[family];

		chain_to(m, copy, family);
		/* A family of the dead, without other children, is used again. */
		if (copy->family == NONE && original->family != NONE && candidate->children < 2 &&
			candidate->active_areas == 0)
			copy->family = family;
	}
	if (copy->family != NONE)
		families_of(m)[copy->family].active_areas++;
}

void family_fork(struct vm_machine *m, uint32_t child, uint32_t parent)
{
	struct area *copy = area_of(m, child);
	const uint32_t family = area_of(m, parent)->family;

	if (family == NONE)
		return;
	rule_obey(m, RULE_AREA_FAMILY_FORK);
	copy->family = NONE;
	family_clone(m, child, parent);
	if (copy->family != NONE)
		return;
	const uint32_t own = family_take(m);
	if (own == NONE)
		return;
	families_of(m)[own].parent = family;
	families_of(m)[own].active_areas = 1;
	families_of(m)[family].children++;
	copy->family = own;
	chain_to(m, copy, own);
}

void family_leave(struct vm_machine *m, uint32_t area)
{
	struct area *own = area_of(m, area);

	if (own->family != NONE)
		families_of(m)[own->family].active_areas--;
	own->family = NONE;
	while (own->chain != NONE) {
		const uint32_t link = own->chain;
		const uint32_t family = links_of(m)[link].family;

		own->chain = links_of(m)[link].next;
		links_of(m)[link].next = m->links.free;
		m->links.free = link;
		if (--families_of(m)[family].links == 0)
			family_drop(m, family);
	}
}
