/* SPDX-License-Identifier: Apache-2.0 */
/* intel-sdm:3A:3.4 (selectors, descriptors), 5.3 (limits), 5.4 (types), 5.5 (privilege). */
#include "vm/segment.h"

void *memset(void *, int, size_t);

static bool type_allows(const struct vm_descriptor *descriptor, enum vm_access_kind kind)
{
	const bool is_code = descriptor->type == VM_SEGMENT_CODE;

	switch (kind) {
	case VM_ACCESS_READ:
		return !is_code || descriptor->readable;
	case VM_ACCESS_WRITE:
		return !is_code && descriptor->writable;
	case VM_ACCESS_FETCH:
		return is_code;
	}
	return false;
}

static bool limit_allows(
	const struct vm_descriptor *descriptor, uint32_t offset, uint32_t width_bytes)
{
	const uint64_t limit = descriptor->limit_in_pages
				       ? vm_pages_to_bytes((uint64_t)descriptor->limit + 1) - 1
				       : descriptor->limit;
	const uint64_t last = (uint64_t)offset + width_bytes - 1;

	if (descriptor->type == VM_SEGMENT_STACK)
		return offset > limit && last <= UINT32_MAX;
	return last <= limit;
}

struct vm_segment_result vm_segment_translate(const struct vm_descriptor_tables *tables,
	struct vm_selector selector, uint32_t offset, uint32_t width_bytes,
	enum vm_access_kind kind, uint8_t privilege)
{
	const uint32_t count = selector.local ? tables->local_count : tables->global_count;
	struct vm_segment_result result = {.outcome = VM_SEGMENT_ALLOWED};

	VM_ASSERT(width_bytes > 0 && count <= VM_DESCRIPTORS_LIMIT);
	if (!selector.local && selector.index == 0) {
		result.outcome = VM_SEGMENT_NULL;
		return result;
	}
	if (selector.index >= count) {
		result.outcome = VM_SEGMENT_NO_DESCRIPTOR;
		return result;
	}
	const struct vm_descriptor *descriptor =
		&(selector.local ? tables->local : tables->global)[selector.index];
	const uint8_t effective = privilege > selector.privilege ? privilege : selector.privilege;
	if (!type_allows(descriptor, kind))
		result.outcome = VM_SEGMENT_TYPE;
	else if (effective > descriptor->privilege)
		result.outcome = VM_SEGMENT_PRIVILEGE;
	else if (!descriptor->present)
		result.outcome = VM_SEGMENT_NOT_PRESENT;
	else if (!limit_allows(descriptor, offset, width_bytes))
		result.outcome = VM_SEGMENT_LIMIT;
	else
		result.linear = descriptor->base + offset;
	return result;
}

struct vm_relocation {
	struct vm_fit *fit;
	uint32_t programs_limit;
	uint64_t *bases, *limits; /* by program; limit 0: not loaded */
};

size_t vm_relocation_bytes(uint32_t programs_limit)
{
	/* One program more than asked for: the copy while it moves. */
	return sizeof(struct vm_relocation) + vm_fit_bytes(programs_limit + 1) +
	       2 * (size_t)programs_limit * sizeof(uint64_t) + 3 * _Alignof(max_align_t);
}

struct vm_relocation *vm_relocation_create(
	enum vm_fit_policy policy, uint64_t memory, uint32_t programs_limit, struct vm_arena *arena)
{
	struct vm_relocation *relocation =
		vm_arena_take(arena, sizeof(*relocation), _Alignof(struct vm_relocation));

	if (relocation == NULL)
		return NULL;
	*relocation = (struct vm_relocation){
		.fit = vm_fit_create(policy, memory, programs_limit + 1, arena),
		.programs_limit = programs_limit,
		.bases =
			vm_arena_take(arena, programs_limit * sizeof(uint64_t), _Alignof(uint64_t)),
		.limits =
			vm_arena_take(arena, programs_limit * sizeof(uint64_t), _Alignof(uint64_t)),
	};
	if (relocation->fit == NULL || relocation->bases == NULL || relocation->limits == NULL)
		return NULL;
	return relocation;
}

bool vm_relocation_load(struct vm_relocation *memory, uint32_t program, uint64_t size)
{
	VM_ASSERT(program < memory->programs_limit && memory->limits[program] == 0 && size > 0);
	const uint64_t base = vm_fit_allocate(memory->fit, size, program);

	if (base == VM_FIT_NONE)
		return false;
	memory->bases[program] = base;
	memory->limits[program] = size;
	return true;
}

void vm_relocation_end(struct vm_relocation *memory, uint32_t program)
{
	VM_ASSERT(program < memory->programs_limit && memory->limits[program] != 0);
	(void)vm_fit_free(memory->fit, memory->bases[program]);
	memory->limits[program] = 0;
}

/* Units of the hole right behind the program. */
static uint64_t room_behind(const struct vm_relocation *memory, uint32_t program)
{
	const uint64_t end = memory->bases[program] + memory->limits[program];
	struct vm_fit_piece piece;

	for (uint32_t i = 0; vm_fit_piece(memory->fit, i, &piece); i++)
		if (piece.first == end)
			return piece.free ? piece.units : 0;
	return 0;
}

bool vm_relocation_grow(
	struct vm_relocation *memory, uint32_t program, uint64_t size, uint64_t *moved)
{
	VM_ASSERT(program < memory->programs_limit && memory->limits[program] != 0);
	const uint64_t old_size = memory->limits[program];

	*moved = 0;
	if (size <= old_size)
		return true;
	if (room_behind(memory, program) >= size - old_size) {
		vm_fit_extend(memory->fit, memory->bases[program], size - old_size);
	} else {
		const uint64_t base = vm_fit_allocate(memory->fit, size, program);
		if (base == VM_FIT_NONE)
			return false;
		(void)vm_fit_free(memory->fit, memory->bases[program]);
		memory->bases[program] = base;
		*moved = old_size;
	}
	memory->limits[program] = size;
	return true;
}

uint64_t vm_relocation_compact(struct vm_relocation *memory)
{
	const uint64_t before = vm_fit_counts(memory->fit)->moved_units;
	struct vm_fit_piece piece;

	vm_fit_compact(memory->fit);
	for (uint32_t i = 0; vm_fit_piece(memory->fit, i, &piece); i++)
		if (!piece.free)
			memory->bases[piece.tag] = piece.first;
	return vm_fit_counts(memory->fit)->moved_units - before;
}

bool vm_relocation_registers(
	const struct vm_relocation *memory, uint32_t program, uint64_t *base, uint64_t *limit)
{
	if (program >= memory->programs_limit || memory->limits[program] == 0)
		return false;
	*base = memory->bases[program];
	*limit = memory->limits[program];
	return true;
}

bool vm_relocation_translate(
	const struct vm_relocation *memory, uint32_t program, uint64_t offset, uint64_t *physical)
{
	uint64_t base, limit;

	if (!vm_relocation_registers(memory, program, &base, &limit) || offset >= limit)
		return false;
	*physical = base + offset;
	return true;
}

const struct vm_fit *vm_relocation_holes(const struct vm_relocation *memory)
{
	return memory->fit;
}

struct vm_lowmem vm_lowmem_split(uint64_t memory_bytes)
{
	const uint64_t low_bytes = memory_bytes < VM_LOWMEM_BYTES ? memory_bytes : VM_LOWMEM_BYTES;

	return (struct vm_lowmem){.low_bytes = low_bytes, .high_bytes = memory_bytes - low_bytes};
}

bool vm_lowmem_address(uint64_t memory_bytes, uint64_t physical, uint64_t *address)
{
	if (physical >= vm_lowmem_split(memory_bytes).low_bytes)
		return false;
	*address = VM_LOWMEM_OFFSET_BYTES + physical;
	return true;
}

void vm_kmap_start(struct vm_kmap *window, uint32_t slots)
{
	VM_ASSERT(slots > 0 && slots <= VM_KMAP_PAGES);
	memset(window, 0, sizeof(*window));
	window->slots = slots;
}

static uint32_t take_free(struct vm_kmap *window, uint64_t frame)
{
	for (uint32_t i = 0; i < window->slots; i++) {
		const uint32_t slot = (window->next + i) % window->slots;
		if (window->users[slot] != 0)
			continue;
		window->next = slot + 1;
		window->frames[slot] = frame;
		window->users[slot] = 2;
		return slot;
	}
	return UINT32_MAX;
}

uint32_t vm_kmap_map(struct vm_kmap *window, uint64_t frame)
{
	for (uint32_t slot = 0; slot < window->slots; slot++)
		if (window->users[slot] != 0 && window->frames[slot] == frame) {
			window->users[slot]++;
			return slot;
		}
	const uint32_t slot = take_free(window, frame);
	if (slot != UINT32_MAX)
		return slot;
	/* All slots are taken: those that nobody uses any more are given up together. */
	window->flushes++;
	for (uint32_t i = 0; i < window->slots; i++)
		if (window->users[i] == 1)
			window->users[i] = 0;
	return take_free(window, frame);
}

void vm_kmap_unmap(struct vm_kmap *window, uint32_t slot)
{
	VM_ASSERT(slot < window->slots && window->users[slot] > 1);
	window->users[slot]--;
}
