/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces lie in an array in the order of their addresses: it is short, and what is measured is how
 * many holes are looked at, not how fast this code is.
 */
#include "vm/fit.h"

void *memmove(void *, const void *, size_t);

struct vm_fit {
	enum vm_fit_policy policy;
	uint32_t count, capacity;
	uint64_t units;
	uint64_t next_from; /* next fit: where the last search ended, an address */
	struct vm_fit_counts counts;
	struct vm_fit_piece *pieces;
};

/* Blocks and holes alternate at most: as many holes as blocks, and one. */
static size_t pieces_for(uint32_t blocks_limit)
{
	return 2 * (size_t)blocks_limit + 1;
}

size_t vm_fit_bytes(uint32_t blocks_limit)
{
	return sizeof(struct vm_fit) + pieces_for(blocks_limit) * sizeof(struct vm_fit_piece) +
	       2 * _Alignof(max_align_t);
}

struct vm_fit *vm_fit_create(
	enum vm_fit_policy policy, uint64_t units, uint32_t blocks_limit, struct vm_arena *arena)
{
	struct vm_fit *fit = vm_arena_take(arena, sizeof(*fit), _Alignof(struct vm_fit));

	VM_ASSERT(policy < VM_FIT_LIMIT && units > 0 && units < VM_FIT_NONE);
	if (fit == NULL)
		return NULL;
	fit->policy = policy;
	fit->units = units;
	fit->capacity = (uint32_t)pieces_for(blocks_limit);
	fit->pieces = vm_arena_take(
		arena, fit->capacity * sizeof(struct vm_fit_piece), _Alignof(struct vm_fit_piece));
	if (fit->pieces == NULL)
		return NULL;
	fit->pieces[0] = (struct vm_fit_piece){.units = units, .free = true};
	fit->count = 1;
	return fit;
}

static bool fits(struct vm_fit *fit, uint32_t index, uint64_t units)
{
	const struct vm_fit_piece *piece = &fit->pieces[index];

	fit->counts.looked_at += piece->free;
	return piece->free && piece->units >= units;
}

static uint32_t find_next(struct vm_fit *fit, uint64_t units)
{
	uint32_t start = 0;

	while (start < fit->count &&
		fit->pieces[start].first + fit->pieces[start].units <= fit->next_from)
		start++;
	for (uint32_t i = 0; i < fit->count; i++) {
		const uint32_t index = (start + i) % fit->count;
		if (fits(fit, index, units))
			return index;
	}
	return fit->count;
}

static uint32_t find(struct vm_fit *fit, uint64_t units)
{
	uint32_t best = fit->count;

	if (fit->policy == VM_FIT_NEXT)
		return find_next(fit, units);
	for (uint32_t i = 0; i < fit->count; i++) {
		if (!fits(fit, i, units))
			continue;
		if (fit->policy == VM_FIT_FIRST)
			return i;
		const bool larger =
			best == fit->count || fit->pieces[i].units > fit->pieces[best].units;
		const bool smaller =
			best == fit->count || fit->pieces[i].units < fit->pieces[best].units;
		if (fit->policy == VM_FIT_WORST ? larger : smaller)
			best = i;
	}
	return best;
}

static void insert(struct vm_fit *fit, uint32_t index, struct vm_fit_piece piece)
{
	memmove(&fit->pieces[index + 1], &fit->pieces[index],
		(fit->count - index) * sizeof(fit->pieces[0]));
	fit->pieces[index] = piece;
	fit->count++;
}

static void erase(struct vm_fit *fit, uint32_t index)
{
	memmove(&fit->pieces[index], &fit->pieces[index + 1],
		(fit->count - index - 1) * sizeof(fit->pieces[0]));
	fit->count--;
}

uint64_t vm_fit_allocate(struct vm_fit *fit, uint64_t units, uint32_t tag)
{
	VM_ASSERT(units > 0);
	const uint32_t index = find(fit, units);

	if (index == fit->count || fit->count + 1 > fit->capacity) {
		fit->counts.failures++;
		fit->counts.failures_with_room += vm_fit_state(fit).free_units >= units;
		return VM_FIT_NONE;
	}
	const struct vm_fit_piece hole = fit->pieces[index];
	fit->pieces[index] = (struct vm_fit_piece){.first = hole.first, .units = units, .tag = tag};
	if (hole.units > units)
		insert(fit, index + 1,
			(struct vm_fit_piece){.first = hole.first + units,
				.units = hole.units - units,
				.free = true});
	fit->next_from = hole.first + units;
	fit->counts.allocations++;
	return hole.first;
}

bool vm_fit_free(struct vm_fit *fit, uint64_t first)
{
	uint32_t index = 0;

	while (index < fit->count && fit->pieces[index].first != first)
		index++;
	if (index == fit->count || fit->pieces[index].free)
		return false;
	fit->pieces[index].free = true;
	fit->counts.frees++;
	if (index + 1 < fit->count && fit->pieces[index + 1].free) {
		fit->pieces[index].units += fit->pieces[index + 1].units;
		erase(fit, index + 1);
	}
	if (index > 0 && fit->pieces[index - 1].free) {
		fit->pieces[index - 1].units += fit->pieces[index].units;
		erase(fit, index);
	}
	return true;
}

void vm_fit_extend(struct vm_fit *fit, uint64_t first, uint64_t units)
{
	uint32_t index = 0;

	while (index < fit->count && fit->pieces[index].first != first)
		index++;
	VM_ASSERT(index + 1 < fit->count && !fit->pieces[index].free);
	struct vm_fit_piece *hole = &fit->pieces[index + 1];
	VM_ASSERT(hole->free && hole->units >= units);
	fit->pieces[index].units += units;
	hole->first += units;
	hole->units -= units;
	if (hole->units == 0)
		erase(fit, index + 1);
}

void vm_fit_compact(struct vm_fit *fit)
{
	uint64_t end = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fit->count; i++) {
		struct vm_fit_piece piece = fit->pieces[i];
		if (piece.free)
			continue;
		fit->counts.moved_units += piece.first != end ? piece.units : 0;
		piece.first = end;
		end += piece.units;
		fit->pieces[kept++] = piece;
	}
	fit->count = kept;
	if (end < fit->units)
		fit->pieces[fit->count++] = (struct vm_fit_piece){
			.first = end, .units = fit->units - end, .free = true};
	fit->next_from = end;
}

const struct vm_fit_counts *vm_fit_counts(const struct vm_fit *fit)
{
	return &fit->counts;
}

struct vm_fit_state vm_fit_state(const struct vm_fit *fit)
{
	struct vm_fit_state state = {0};

	for (uint32_t i = 0; i < fit->count; i++) {
		const struct vm_fit_piece *piece = &fit->pieces[i];
		if (!piece->free) {
			state.blocks++;
			continue;
		}
		state.holes++;
		state.free_units += piece->units;
		if (piece->units > state.largest_hole_units)
			state.largest_hole_units = piece->units;
	}
	return state;
}

bool vm_fit_piece(const struct vm_fit *fit, uint32_t index, struct vm_fit_piece *piece)
{
	if (index >= fit->count)
		return false;
	*piece = fit->pieces[index];
	return true;
}
