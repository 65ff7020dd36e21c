/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/intern.h"

/* At most half of the slots are used, so that runs of used ones stay short. */
static uint64_t slots_for(uint32_t limit)
{
	uint64_t slots = 16;

	while (slots < 2 * (uint64_t)limit)
		slots *= 2;
	return slots;
}

size_t vm_intern_bytes(uint32_t limit)
{
	return limit * sizeof(uint64_t) + slots_for(limit) * sizeof(uint32_t) +
	       2 * _Alignof(max_align_t);
}

bool vm_intern_create(struct vm_intern *intern, uint32_t limit, struct vm_arena *arena)
{
	const uint64_t slots = slots_for(limit);

	VM_ASSERT(limit < VM_INTERN_FULL);
	*intern = (struct vm_intern){
		.limit = limit,
		.slots_mask = slots - 1,
		.keys = vm_arena_take(arena, limit * sizeof(uint64_t), _Alignof(uint64_t)),
		.slots = vm_arena_take(arena, slots * sizeof(uint32_t), _Alignof(uint32_t)),
	};
	return intern->keys != NULL && intern->slots != NULL;
}

/* Mixes all bits into the low ones; splitmix64's last step (paper:Steele 2014). */
static uint64_t mix(uint64_t key)
{
	key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
	return key ^ key >> 31;
}

uint32_t vm_intern_number(struct vm_intern *intern, uint64_t key)
{
	uint64_t slot = mix(key) & intern->slots_mask;

	for (; intern->slots[slot] != 0; slot = (slot + 1) & intern->slots_mask) {
		const uint32_t number = intern->slots[slot] - 1;
		if (intern->keys[number] == key)
			return number;
	}
	if (intern->count == intern->limit)
		return VM_INTERN_FULL;
	intern->keys[intern->count] = key;
	intern->slots[slot] = ++intern->count;
	return intern->count - 1;
}
