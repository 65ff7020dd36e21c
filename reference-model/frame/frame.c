/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/frame.h"

#include "frame/swap.h"
#include "machine/contents.h"

static bool block_take(struct block *block, unsigned order, uint32_t *first)
{
	const uint32_t pages = UINT32_C(1) << order;

	if (block->taken_count + pages > HUGE_PAGES)
		return false;
	if (order >= 6) { /* whole words */
		const uint32_t words = pages / 64;
		for (uint32_t word = 0; word < HUGE_PAGES / 64; word += words) {
			uint64_t any = 0;
			for (uint32_t i = 0; i < words; i++)
				any |= block->taken[word + i];
			if (any != 0)
				continue;
			for (uint32_t i = 0; i < words; i++)
				block->taken[word + i] = UINT64_MAX;
			block->taken_count += pages;
			*first = word * 64;
			return true;
		}
		return false;
	}
	const uint64_t mask = (UINT64_C(1) << pages) - 1;
	/* On from the last one: a frame that was freed is not at once another page's. */
	const uint32_t start = vm_align_up(block->next, pages) % HUGE_PAGES;
	for (uint32_t tried = 0; tried < HUGE_PAGES; tried += pages) {
		const uint32_t at = (start + tried) % HUGE_PAGES;
		if ((block->taken[at / 64] >> (at % 64) & mask) != 0)
			continue;
		block->taken[at / 64] |= mask << (at % 64);
		block->taken_count += pages;
		block->next = at + pages;
		*first = at;
		return true;
	}
	return false;
}

/* Small folios share blocks, so that whole blocks stay free for huge ones. */
static uint32_t frames_take(struct vm_machine *m, unsigned order)
{
	uint32_t first = 0;

	for (uint32_t tried = 0; tried < m->blocks.high; tried++) {
		const uint32_t i = (m->block_hint + tried) % m->blocks.high;
		if (block_take(&blocks_of(m)[i], order, &first)) {
			m->block_hint = i;
			return i * HUGE_PAGES + first;
		}
	}
	const uint32_t fresh = pool_extend(&m->blocks);
	if (fresh == NONE) {
		m->out_of_room = true;
		return NONE;
	}
	m->frames.high = m->blocks.high * HUGE_PAGES;
	memset(&blocks_of(m)[fresh], 0, sizeof(struct block));
	for (uint32_t i = 0; i < HUGE_PAGES; i++)
		frames_of(m)[fresh * HUGE_PAGES + i].head = NONE;
	m->block_hint = fresh;
	VM_ASSERT(block_take(&blocks_of(m)[fresh], order, &first));
	return fresh * HUGE_PAGES + first;
}

static void frame_reset(struct frame *frame, uint32_t head, unsigned order)
{
	*frame = (struct frame){.head = head,
		.contents = NONE,
		.order = (uint8_t)order,
		.object = NONE,
		.slot = NONE};
}

uint32_t folio_take(struct vm_machine *m, unsigned order)
{
	const uint32_t head = frames_take(m, order);

	if (head == NONE)
		return NONE;
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
		frame_reset(&frames_of(m)[head + i], head, order);
	m->frames_in_use += UINT64_C(1) << order;
	return head;
}

uint32_t anonymous_take(struct vm_machine *m, unsigned order, uint64_t index)
{
	const uint32_t head = folio_take(m, order);

	if (head == NONE)
		return NONE;
	struct frame *folio = frame_of(m, head);
	folio->flags = FOLIO_ANONYMOUS | FOLIO_SWAP_BACKED;
	folio->index = index;
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
		frames_of(m)[head + i].exclusive = true;
	return head;
}

static void frames_drop(struct vm_machine *m, uint32_t first, uint32_t pages)
{
	for (uint32_t i = first; i < first + pages; i++) {
		struct block *block = &blocks_of(m)[i / HUGE_PAGES];

		contents_free(m, &frames_of(m)[i].contents);
		frames_of(m)[i].head = NONE;
		block->taken[i % HUGE_PAGES / 64] &= ~(UINT64_C(1) << (i % 64));
		block->taken_count--;
	}
	m->frames_in_use -= pages;
	m->block_hint = first / HUGE_PAGES;
}

static void hugetlb_give_back(struct vm_machine *m, uint32_t head)
{
	struct frame *folio = folio_of(m, head);
	struct vm_huge_pool *pool = folio->order == GIANT_ORDER ? &m->huge_1g : &m->huge_2m;

	rule_obey(m, RULE_FRAME_HUGETLB_RETURN);
	if ((folio->flags & FOLIO_OWED) != 0)
		pool->reserved++;
	if (pool->surplus > 0) {
		pool->surplus--;
		pool->total--;
	} else {
		pool->free++;
	}
}

void folio_free_if_unused(struct vm_machine *m, uint32_t frame)
{
	const uint32_t head = head_of(m, frame);
	struct frame *folio = folio_of(m, head);

	/* linux:6.12:mm/swap_state.c:free_swap_cache: nobody maps it, and nobody names its slot */
	if (folio->maps == 0 && (folio->flags & FOLIO_SWAP_CACHE) != 0 &&
		slots_of(m)[folio->slot].count == 0)
		swap_cache_remove(m, head);
	if (folio->maps != 0 || folio->held != 0 ||
		(folio->flags & (FOLIO_IN_CACHE | FOLIO_SWAP_CACHE)) != 0 || is_zero_frame(m, head))
		return;
	if ((folio->flags & FOLIO_HUGETLB) != 0)
		hugetlb_give_back(m, head);
	if (folio->order == GIANT_ORDER) {
		contents_free(m, &folio->contents);
		folio->head = NONE;
		return;
	}
	frames_drop(m, head, UINT32_C(1) << folio->order);
}

void frame_map(struct vm_machine *m, uint32_t frame)
{
	frame_of(m, frame)->map_count++;
	folio_of(m, frame)->maps++;
}

void folio_map_whole(struct vm_machine *m, uint32_t head)
{
	folio_of(m, head)->entire_map_count++;
	folio_of(m, head)->maps++;
}

/*
 * linux:6.12:mm/rmap.c:__folio_remove_rmap: a large anonymous folio of which part is mapped no
 * more is queued; its memory comes back when the queue is worked off.
 */
static void queue_if_partly_mapped(struct vm_machine *m, uint32_t head)
{
	struct frame *folio = folio_of(m, head);
	uint32_t mapped = 0;

	if (folio->order == 0 || folio->maps == 0 || folio->entire_map_count != 0 ||
		(folio->flags & FOLIO_ANONYMOUS) == 0 ||
		(folio->flags & (FOLIO_PARTIALLY_MAPPED | FOLIO_HUGETLB)) != 0)
		return;
	for (uint32_t i = 0; i < UINT32_C(1) << folio->order; i++)
		mapped += frames_of(m)[head + i].map_count != 0;
	if (mapped == UINT32_C(1) << folio->order)
		return;
	folio->flags |= FOLIO_PARTIALLY_MAPPED;
	if (folio->order == HUGE_ORDER)
		count_event(m, VM_EVENT_THP_DEFERRED_SPLIT);
	rule_obey(m, RULE_FRAME_DEFERRED_SPLIT);
}

void frame_unmap(struct vm_machine *m, uint32_t frame)
{
	const uint32_t head = head_of(m, frame);
	struct frame *piece = frame_of(m, frame);

	VM_ASSERT(piece->map_count > 0);
	piece->map_count--;
	folio_of(m, head)->maps--;
	/* linux:6.12:mm/mlock.c:munlock_folio: into a batch; if the page is locked again before the
	 * batch is drained, its mark goes after all */
	if (folio_has(m, head, FOLIO_MLOCKED))
		folio_set(m, head, FOLIO_MUNLOCKED);
	queue_if_partly_mapped(m, head);
	folio_free_if_unused(m, head);
}

void folio_unmap_whole(struct vm_machine *m, uint32_t head)
{
	struct frame *folio = folio_of(m, head);

	VM_ASSERT(folio->entire_map_count > 0);
	folio->entire_map_count--;
	folio->maps--;
	queue_if_partly_mapped(m, head);
	folio_free_if_unused(m, head);
}

uint32_t folio_references(const struct vm_machine *m, uint32_t frame)
{
	const struct frame *folio = folio_of(m, frame);
	uint32_t references = (uint32_t)folio->maps + folio->held;

	if ((folio->flags & FOLIO_SWAP_CACHE) != 0)
		references += UINT32_C(1) << folio->order;
	if ((folio->flags & FOLIO_IN_CACHE) != 0)
		references += UINT32_C(1) << folio->order;
	return references;
}

enum rss_kind folio_rss_kind(const struct vm_machine *m, uint32_t frame)
{
	const uint32_t flags = folio_of(m, frame)->flags;

	if ((flags & FOLIO_ANONYMOUS) != 0)
		return RSS_ANON;
	return (flags & FOLIO_SWAP_BACKED) != 0 ? RSS_SHMEM : RSS_FILE;
}

uint32_t frame_map_count(const struct vm_machine *m, uint32_t frame)
{
	const struct frame *folio = folio_of(m, frame);

	if (folio->order == GIANT_ORDER)
		return (uint32_t)folio->entire_map_count;
	return (uint32_t)(frame_of(m, frame)->map_count + folio->entire_map_count);
}

bool frame_is_shared(const struct vm_machine *m, uint32_t frame)
{
	return frame_map_count(m, frame) > 1;
}

/* A giant folio has one chain for all of it, others one a frame. */
static uint32_t chain_offset(const struct vm_machine *m, uint32_t frame, uint32_t offset)
{
	return frame >= GIANT_FRAMES_AT
		       ? (uint32_t)vm_pages_to_bytes(frame - head_of(m, frame)) + offset
		       : offset;
}

uint8_t frame_byte(const struct vm_machine *m, uint32_t frame, uint32_t offset)
{
	return contents_byte(m, frame_of(m, frame)->contents, chain_offset(m, frame, offset));
}

void frame_fill(struct vm_machine *m, uint32_t frame, uint32_t offset, uint32_t end, uint8_t value)
{
	const uint32_t size =
		frame >= GIANT_FRAMES_AT ? (uint32_t)VM_HUGE_1G_BYTES : (uint32_t)VM_PAGE_BYTES;
	contents_fill(m, &frame_of(m, frame)->contents, size, chain_offset(m, frame, offset),
		chain_offset(m, frame, 0) + end, value);
}

void frame_copy(struct vm_machine *m, uint32_t to, uint32_t from)
{
	contents_copy(m, &frame_of(m, to)->contents, frame_of(m, from)->contents);
}

bool frame_is_zero(const struct vm_machine *m, uint32_t frame)
{
	return frame_of(m, frame)->contents == NONE;
}

void folio_split(struct vm_machine *m, uint32_t head)
{
	const struct frame whole = frames_of(m)[head];
	const uint32_t pages = UINT32_C(1) << whole.order;

	VM_ASSERT(whole.entire_map_count == 0 && (whole.flags & FOLIO_HUGETLB) == 0);
	rule_obey(m, RULE_FRAME_SPLIT);
	if (whole.order == HUGE_ORDER)
		count_event(m, VM_EVENT_THP_SPLIT_PAGE);
	for (uint32_t i = 0; i < pages; i++) {
		struct frame *piece = &frames_of(m)[head + i];

		piece->head = head + i;
		piece->order = 0;
		piece->flags = whole.flags & ~(uint32_t)FOLIO_PARTIALLY_MAPPED;
		piece->maps = piece->map_count;
		piece->index = whole.index + i;
		piece->object = whole.object;
		folio_free_if_unused(m, head + i);
	}
}

/* linux:6.18:mm/huge_memory.c:__split_unmapped_folio (since 6.15) */
void folio_halve(struct vm_machine *m, uint32_t head, uint32_t page)
{
	VM_ASSERT(frames_of(m)[head].maps == 0);
	rule_obey(m, RULE_FRAME_SPLIT);
	while (frames_of(m)[head].order > 0) {
		struct frame *lower = &frames_of(m)[head];
		const uint32_t half = UINT32_C(1) << --lower->order;
		struct frame *upper = &frames_of(m)[head + half];

		for (uint32_t i = half; i < 2 * half; i++)
			frames_of(m)[head + i].head = head + half;
		upper->order = lower->order;
		upper->flags = lower->flags;
		upper->entire_map_count = 0;
		upper->maps = 0;
		upper->object = lower->object;
		upper->index = lower->index + half;
		upper->slot = NONE;
		if (page >= head + half)
			head += half;
	}
}
