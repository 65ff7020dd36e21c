/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/buddy.h"

#define ORDER_NONE UINT8_MAX
#define PER_MILLE  1000

struct node {
	uint32_t before, after; /* of the free list */
	uint8_t order;		/* of the block that begins here, or ORDER_NONE */
	bool free;
};

struct vm_buddy {
	uint32_t units;
	unsigned max_order;
	struct vm_buddy_counts counts;
	uint32_t first_free[VM_BUDDY_ORDERS_LIMIT];
	uint32_t free_blocks[VM_BUDDY_ORDERS_LIMIT];
	struct node *nodes;
};

size_t vm_buddy_bytes(uint32_t units)
{
	return sizeof(struct vm_buddy) + units * sizeof(struct node) + 2 * _Alignof(max_align_t);
}

static void add_free(struct vm_buddy *buddy, uint32_t first, unsigned order)
{
	struct node *node = &buddy->nodes[first];
	const uint32_t next = buddy->first_free[order];

	*node = (struct node){
		.before = VM_BUDDY_NONE, .after = next, .order = (uint8_t)order, .free = true};
	if (next != VM_BUDDY_NONE)
		buddy->nodes[next].before = first;
	buddy->first_free[order] = first;
	buddy->free_blocks[order]++;
}

static void remove_free(struct vm_buddy *buddy, uint32_t first)
{
	struct node *node = &buddy->nodes[first];

	if (node->before == VM_BUDDY_NONE)
		buddy->first_free[node->order] = node->after;
	else
		buddy->nodes[node->before].after = node->after;
	if (node->after != VM_BUDDY_NONE)
		buddy->nodes[node->after].before = node->before;
	buddy->free_blocks[node->order]--;
	node->free = false;
}

struct vm_buddy *vm_buddy_create(uint32_t units, unsigned max_order, struct vm_arena *arena)
{
	struct vm_buddy *buddy = vm_arena_take(arena, sizeof(*buddy), _Alignof(struct vm_buddy));

	VM_ASSERT(units > 0 && units < VM_BUDDY_NONE && max_order < VM_BUDDY_ORDERS_LIMIT);
	if (buddy == NULL)
		return NULL;
	buddy->units = units;
	buddy->max_order = max_order;
	buddy->counts.free_units = units;
	buddy->nodes = vm_arena_take(arena, units * sizeof(struct node), _Alignof(struct node));
	if (buddy->nodes == NULL)
		return NULL;
	for (uint32_t i = 0; i < units; i++)
		buddy->nodes[i].order = ORDER_NONE;
	for (unsigned order = 0; order <= max_order; order++)
		buddy->first_free[order] = VM_BUDDY_NONE;
	/* The largest aligned blocks that fit, from the end so that low addresses are taken first.
	 */
	uint32_t end = units;
	while (end > 0) {
		unsigned order = 0;
		while (order < max_order && (end & ((UINT32_C(2) << order) - 1)) == 0 &&
			end >= UINT32_C(2) << order)
			order++;
		end -= UINT32_C(1) << order;
		add_free(buddy, end, order);
	}
	return buddy;
}

uint32_t vm_buddy_allocate(struct vm_buddy *buddy, unsigned order)
{
	unsigned from = order;

	while (from <= buddy->max_order && buddy->first_free[from] == VM_BUDDY_NONE)
		from++;
	if (from > buddy->max_order) {
		buddy->counts.failures++;
		return VM_BUDDY_NONE;
	}
	const uint32_t first = buddy->first_free[from];
	remove_free(buddy, first);
	while (from > order) {
		from--;
		buddy->counts.splits++;
		add_free(buddy, vm_buddy_of(first, from), from);
	}
	buddy->nodes[first].order = (uint8_t)order;
	buddy->counts.allocations++;
	buddy->counts.free_units -= UINT32_C(1) << order;
	return first;
}

static bool can_merge(const struct vm_buddy *buddy, uint32_t other, unsigned order)
{
	return other < buddy->units && buddy->nodes[other].free &&
	       buddy->nodes[other].order == order;
}

bool vm_buddy_free(struct vm_buddy *buddy, uint32_t first)
{
	if (first >= buddy->units || buddy->nodes[first].free ||
		buddy->nodes[first].order == ORDER_NONE)
		return false;
	unsigned order = buddy->nodes[first].order;
	buddy->counts.frees++;
	buddy->counts.free_units += UINT32_C(1) << order;
	buddy->nodes[first].order = ORDER_NONE;
	while (order < buddy->max_order && can_merge(buddy, vm_buddy_of(first, order), order)) {
		const uint32_t other = vm_buddy_of(first, order);
		remove_free(buddy, other);
		buddy->nodes[other].order = ORDER_NONE;
		first = first < other ? first : other;
		order++;
		buddy->counts.merges++;
	}
	add_free(buddy, first, order);
	return true;
}

const struct vm_buddy_counts *vm_buddy_counts(const struct vm_buddy *buddy)
{
	return &buddy->counts;
}

uint32_t vm_buddy_free_blocks(const struct vm_buddy *buddy, unsigned order)
{
	return order > buddy->max_order ? 0 : buddy->free_blocks[order];
}

struct vm_buddy_block vm_buddy_block_at(const struct vm_buddy *buddy, uint32_t first)
{
	VM_ASSERT(first < buddy->units && buddy->nodes[first].order != ORDER_NONE);
	return (struct vm_buddy_block){
		.first = first,
		.order = buddy->nodes[first].order,
		.free = buddy->nodes[first].free,
	};
}

bool vm_buddy_take_count(uint64_t *free_blocks, unsigned orders_count, unsigned order)
{
	unsigned from = order;

	while (from < orders_count && free_blocks[from] == 0)
		from++;
	if (from >= orders_count)
		return false;
	free_blocks[from]--;
	while (from > order)
		free_blocks[--from]++;
	return true;
}

unsigned vm_buddy_order_for(uint64_t units)
{
	unsigned order = 0;

	while (order < 63 && UINT64_C(1) << order < units)
		order++;
	return order;
}

int vm_buddy_fragmentation_index(const struct vm_buddy *buddy, unsigned order)
{
	uint64_t blocks = 0, suitable = 0;

	for (unsigned i = 0; i <= buddy->max_order; i++) {
		blocks += buddy->free_blocks[i];
		suitable += i >= order ? buddy->free_blocks[i] : 0;
	}
	if (blocks == 0)
		return 0;
	if (suitable != 0)
		return -PER_MILLE;
	const uint64_t requested = UINT64_C(1) << order;
	const uint64_t share = (uint64_t)buddy->counts.free_units * PER_MILLE / requested;
	return PER_MILLE - (int)((PER_MILLE + share) / blocks);
}
