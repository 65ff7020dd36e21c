/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack distance of a reference under LRU is the number of different pages used since the
 * page's last use. Each page's last use is one bit in a line of moments; the distance is the number
 * of bits after the page's own. Bits are counted in blocks of 256, the blocks by a binary indexed
 * tree (paper:Fenwick 1994) small enough for the nearest cache. When the line is used up it is
 * compacted: the bits move to its beginning, in order.
 */
#include "vm/curve.h"

#include "vm/replace.h"

void *memset(void *, int, size_t);

#define NEVER		  UINT32_MAX
#define MOMENTS_PER_BLOCK 256
#define WORDS_PER_BLOCK	  (MOMENTS_PER_BLOCK / 64)
/* Compaction costs as much as the line is long; with twice as many moments as pages it happens at
 * most once in as many references as there are pages. */
#define MOMENTS_PER_PAGE 2

struct vm_curve {
	uint32_t pages;
	uint32_t moments, now;
	uint32_t blocks;
	uint32_t present; /* pages seen */
	uint64_t cold;
	uint64_t *distances;
	uint32_t *last_use; /* by page */
	uint32_t *page_at;  /* by moment */
	uint64_t *bits;
	uint32_t *tree; /* bits in blocks, from 1 */
};

static uint64_t moments_for(uint32_t pages)
{
	const uint64_t moments = (uint64_t)pages * MOMENTS_PER_PAGE;

	return (moments + MOMENTS_PER_BLOCK) / MOMENTS_PER_BLOCK * MOMENTS_PER_BLOCK;
}

size_t vm_curve_bytes(uint32_t pages)
{
	const uint64_t moments = moments_for(pages);

	return sizeof(struct vm_curve) + pages * (sizeof(uint64_t) + sizeof(uint32_t)) +
	       moments * sizeof(uint32_t) + moments / 64 * sizeof(uint64_t) +
	       (moments / MOMENTS_PER_BLOCK + 1) * sizeof(uint32_t) + 6 * _Alignof(max_align_t);
}

struct vm_curve *vm_curve_create(uint32_t pages, struct vm_arena *arena)
{
	const uint64_t moments = moments_for(pages);
	struct vm_curve *curve = vm_arena_take(arena, sizeof(*curve), _Alignof(struct vm_curve));

	VM_ASSERT(pages > 0 && moments < NEVER);
	if (curve == NULL)
		return NULL;
	curve->pages = pages;
	curve->moments = (uint32_t)moments;
	curve->blocks = curve->moments / MOMENTS_PER_BLOCK;
	curve->distances = vm_arena_take(arena, pages * sizeof(uint64_t), _Alignof(uint64_t));
	curve->last_use = vm_arena_take(arena, pages * sizeof(uint32_t), _Alignof(uint32_t));
	curve->page_at = vm_arena_take(arena, moments * sizeof(uint32_t), _Alignof(uint32_t));
	curve->bits = vm_arena_take(arena, moments / 64 * sizeof(uint64_t), _Alignof(uint64_t));
	curve->tree = vm_arena_take(
		arena, ((size_t)curve->blocks + 1) * sizeof(uint32_t), _Alignof(uint32_t));
	if (curve->distances == NULL || curve->last_use == NULL || curve->page_at == NULL ||
		curve->bits == NULL || curve->tree == NULL)
		return NULL;
	memset(curve->last_use, UINT8_MAX, pages * sizeof(uint32_t));
	return curve;
}

/* Bits set in a word, by adding neighbours up: no instruction set is assumed. */
static inline uint32_t bits_in(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* Adding UINT32_MAX takes one away. */
static inline void tree_add(struct vm_curve *curve, uint32_t block, uint32_t amount)
{
	for (uint32_t i = block + 1; i <= curve->blocks; i += i & -i)
		curve->tree[i] += amount;
}

static inline uint32_t tree_before(const struct vm_curve *curve, uint32_t block)
{
	uint32_t sum = 0;

	for (uint32_t i = block; i > 0; i &= i - 1)
		sum += curve->tree[i];
	return sum;
}

/* Pages whose last use was before the moment. */
static inline uint32_t used_before(const struct vm_curve *curve, uint32_t moment)
{
	const uint32_t block = moment / MOMENTS_PER_BLOCK;
	const uint32_t word = moment / 64;
	uint32_t sum = tree_before(curve, block);

	for (uint32_t i = block * WORDS_PER_BLOCK; i < word; i++)
		sum += bits_in(curve->bits[i]);
	return sum + bits_in(curve->bits[word] & ((UINT64_C(1) << moment % 64) - 1));
}

static void compact(struct vm_curve *curve)
{
	uint32_t kept = 0;

	for (uint32_t moment = 0; moment < curve->now; moment++) {
		if ((curve->bits[moment / 64] >> moment % 64 & 1) == 0)
			continue;
		curve->page_at[kept] = curve->page_at[moment];
		curve->last_use[curve->page_at[kept]] = kept;
		kept++;
	}
	curve->now = kept;
	memset(curve->bits, 0, curve->moments / 64 * sizeof(uint64_t));
	memset(curve->tree, 0, ((size_t)curve->blocks + 1) * sizeof(uint32_t));
	for (uint32_t moment = 0; moment < kept; moment++)
		curve->bits[moment / 64] |= UINT64_C(1) << moment % 64;
	for (uint32_t block = 0; block < curve->blocks; block++)
		for (uint32_t i = 0; i < WORDS_PER_BLOCK; i++) {
			const uint32_t bits = bits_in(curve->bits[block * WORDS_PER_BLOCK + i]);
			if (bits != 0)
				tree_add(curve, block, bits);
		}
}

static inline void reference(struct vm_curve *curve, uint32_t page)
{
	VM_ASSERT(page < curve->pages);
	const uint32_t last = curve->last_use[page];

	if (last == NEVER) {
		curve->cold++;
		curve->present++;
	} else {
		curve->distances[curve->present - used_before(curve, last) - 1]++;
		curve->bits[last / 64] &= ~(UINT64_C(1) << last % 64);
		tree_add(curve, last / MOMENTS_PER_BLOCK, UINT32_MAX);
	}
	if (curve->now == curve->moments)
		compact(curve);
	const uint32_t now = curve->now++;
	curve->last_use[page] = now;
	curve->page_at[now] = page;
	curve->bits[now / 64] |= UINT64_C(1) << now % 64;
	tree_add(curve, now / MOMENTS_PER_BLOCK, 1);
}

#define FETCH_AHEAD 16

void vm_curve_run(struct vm_curve *curve, const uint32_t *references, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i + FETCH_AHEAD < count)
			__builtin_prefetch(
				&curve->last_use[vm_reference_page(references[i + FETCH_AHEAD])]);
		reference(curve, vm_reference_page(references[i]));
	}
}

uint64_t vm_curve_misses(const struct vm_curve *curve, uint32_t frames)
{
	uint64_t misses = curve->cold;

	VM_ASSERT(frames > 0);
	for (uint32_t i = frames; i < curve->pages; i++)
		misses += curve->distances[i];
	return misses;
}

const uint64_t *vm_curve_distances(const struct vm_curve *curve)
{
	return curve->distances;
}

uint64_t vm_curve_cold(const struct vm_curve *curve)
{
	return curve->cold;
}

size_t vm_curve_opt_bytes(uint32_t pages, size_t count)
{
	return (count + 3 * (size_t)pages) * sizeof(uint32_t) + 4 * _Alignof(max_align_t);
}

/*
 * One reference: its page comes to the top; what was there goes down, and at each place the page
 * that is needed later goes further down, until the gap that the page left is filled.
 */
static uint32_t move_stack(uint32_t *stack, uint32_t *depth, uint32_t page, const uint32_t *next)
{
	uint32_t carried = page;

	for (uint32_t i = 0; i < *depth; i++) {
		const uint32_t here = stack[i];

		if (here == page) {
			stack[i] = carried;
			return i + 1;
		}
		if (i == 0 || next[here] > next[carried]) {
			stack[i] = carried;
			carried = here;
		}
	}
	stack[(*depth)++] = carried;
	return 0;
}

uint64_t vm_curve_opt(const uint32_t *references, size_t count, uint32_t pages, uint64_t *distances,
	struct vm_arena *arena)
{
	uint32_t *next_use = vm_arena_take(arena, count * sizeof(uint32_t), _Alignof(uint32_t));
	uint32_t *seen_at = vm_arena_take(arena, pages * sizeof(uint32_t), _Alignof(uint32_t));
	uint32_t *next = vm_arena_take(arena, pages * sizeof(uint32_t), _Alignof(uint32_t));
	uint32_t *stack = vm_arena_take(arena, pages * sizeof(uint32_t), _Alignof(uint32_t));
	uint32_t depth = 0;

	VM_ASSERT(count < NEVER);
	if (next_use == NULL || seen_at == NULL || next == NULL || stack == NULL)
		return UINT64_MAX;
	memset(seen_at, UINT8_MAX, pages * sizeof(uint32_t));
	memset(distances, 0, pages * sizeof(uint64_t));
	for (size_t i = count; i-- > 0;) {
		const uint32_t page = vm_reference_page(references[i]);
		next_use[i] = seen_at[page];
		seen_at[page] = (uint32_t)i;
	}
	for (size_t i = 0; i < count; i++) {
		const uint32_t page = vm_reference_page(references[i]);
		next[page] = next_use[i];
		const uint32_t distance = move_stack(stack, &depth, page, next);
		if (distance != 0)
			distances[distance - 1]++;
	}
	return depth;
}
