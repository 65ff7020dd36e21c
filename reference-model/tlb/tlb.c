/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/tlb.h"

#include "vm/random.h"

#define TREE_WORDS (VM_TLB_PSEUDO_LRU_WAYS_LIMIT / 64)

struct entry {
	uint64_t number; /* of the virtual page */
	uint64_t physical;
	uint64_t used; /* time of the last use, for LRU */
	uint16_t space;
	uint8_t page_shift;
	struct vm_rights rights;
	bool valid, global, dirty;
};

struct tree {
	uint64_t bits[TREE_WORDS];
};

struct array {
	struct vm_tlb_fact fact;
	uint32_t ways, sets;
	struct entry *entries; /* set by set */
	struct tree *trees;
};

/* Pointers to tables found at one level: fully associative, least recently used goes. */
struct structure_entry {
	uint64_t prefix;
	uint64_t used;
	uint16_t space;
	bool valid;
};

struct vm_tlb {
	struct vm_tlb_config config;
	struct vm_tlb_counts counts;
	uint64_t time;
	uint64_t random;
	uint16_t space;
	size_t arrays_count;
	struct array arrays[VM_TLB_ARRAYS_LIMIT];
	struct structure_entry *structures[VM_PAGING_LEVELS_LIMIT + 1];
};

static uint32_t ways_of(const struct vm_tlb_fact *fact)
{
	return fact->ways == 0 ? fact->entries : fact->ways;
}

const char *vm_tlb_config_problem(const struct vm_tlb_config *config)
{
	if (config->arrays_count == 0 || config->arrays_count > VM_TLB_ARRAYS_LIMIT)
		return "there must be 1 to 16 arrays";
	if (config->paging >= VM_PAGING_LIMIT || config->host_paging >= VM_PAGING_LIMIT)
		return "no such shape of tables";
	for (size_t i = 0; i < config->arrays_count; i++) {
		const struct vm_tlb_fact *fact = &config->arrays[i];
		const uint32_t ways = ways_of(fact);

		if (fact->entries == 0 || ways > fact->entries || fact->entries % ways != 0)
			return "the entries of an array must be a multiple of its ways";
		if (fact->level != 1 && fact->level != 2)
			return "an array is on level 1 or 2";
		if (fact->pages_mask == 0)
			return "an array must hold pages of at least one size";
		if (config->replacement == VM_TLB_PSEUDO_LRU && ways > VM_TLB_PSEUDO_LRU_WAYS_LIMIT)
			return "pseudo-LRU is a tree of at most 128 ways";
	}
	return NULL;
}

size_t vm_tlb_bytes(const struct vm_tlb_config *config)
{
	size_t size_bytes = sizeof(struct vm_tlb);

	for (size_t i = 0; i < config->arrays_count; i++) {
		const struct vm_tlb_fact *fact = &config->arrays[i];
		size_bytes += fact->entries * sizeof(struct entry);
		size_bytes += fact->entries / ways_of(fact) * sizeof(struct tree);
	}
	for (unsigned level = 2; level <= VM_PAGING_LEVELS_LIMIT; level++)
		size_bytes += config->structure_entries[level] * sizeof(struct structure_entry);
	/* Each piece may need padding to its alignment. */
	return size_bytes +
	       (2 * config->arrays_count + VM_PAGING_LEVELS_LIMIT + 1) * _Alignof(max_align_t);
}

struct vm_tlb *vm_tlb_create(const struct vm_tlb_config *config, struct vm_arena *arena)
{
	VM_ASSERT(vm_tlb_config_problem(config) == NULL);
	struct vm_tlb *tlb = vm_arena_take(arena, sizeof(*tlb), _Alignof(struct vm_tlb));

	if (tlb == NULL)
		return NULL;
	tlb->config = *config;
	tlb->config.arrays = NULL;
	tlb->random = config->seed;
	tlb->arrays_count = config->arrays_count;
	for (size_t i = 0; i < config->arrays_count; i++) {
		struct array *array = &tlb->arrays[i];

		array->fact = config->arrays[i];
		array->ways = ways_of(&array->fact);
		array->sets = array->fact.entries / array->ways;
		array->entries = vm_arena_take(
			arena, array->fact.entries * sizeof(struct entry), _Alignof(struct entry));
		array->trees = vm_arena_take(
			arena, array->sets * sizeof(struct tree), _Alignof(struct tree));
		if (array->entries == NULL || array->trees == NULL)
			return NULL;
	}
	for (unsigned level = 2; level <= VM_PAGING_LEVELS_LIMIT; level++) {
		tlb->structures[level] = vm_arena_take(arena,
			config->structure_entries[level] * sizeof(struct structure_entry),
			_Alignof(struct structure_entry));
		if (tlb->structures[level] == NULL)
			return NULL;
	}
	return tlb;
}

/*
 * Tree pseudo-LRU: each node says which half was used longer ago. Node 1 is the root, 2n and
 * 2n + 1 its halves; halves without a way, where ways is no power of two, are never entered.
 */
static uint32_t tree_leaves(uint32_t ways)
{
	uint32_t leaves = 1;

	while (leaves < ways)
		leaves *= 2;
	return leaves;
}

static void tree_touch(struct tree *tree, uint32_t ways, uint32_t way)
{
	uint32_t node = tree_leaves(ways) + way;

	for (; node > 1; node /= 2) {
		const uint32_t parent = node / 2;
		const uint64_t bit = UINT64_C(1) << parent % 64;
		/* Set: the right half is older. */
		if (node % 2 == 0)
			tree->bits[parent / 64] |= bit;
		else
			tree->bits[parent / 64] &= ~bit;
	}
}

static uint32_t tree_oldest(const struct tree *tree, uint32_t ways)
{
	const uint32_t leaves = tree_leaves(ways);
	uint32_t node = 1, span = leaves, first = 0;

	while (span > 1) {
		span /= 2;
		const bool right_is_older = (tree->bits[node / 64] >> node % 64 & 1) != 0;
		const bool right = right_is_older && first + span < ways;
		node = 2 * node + (right ? 1 : 0);
		first += right ? span : 0;
	}
	return first;
}

static bool type_serves(enum vm_tlb_type type, enum vm_access_kind kind)
{
	switch (type) {
	case VM_TLB_DATA:
		return kind != VM_ACCESS_FETCH;
	case VM_TLB_CODE:
		return kind == VM_ACCESS_FETCH;
	case VM_TLB_UNIFIED:
		return true;
	}
	return false;
}

static bool entry_matches(const struct vm_tlb *tlb, const struct entry *entry, uint64_t address)
{
	if (!entry->valid || address >> entry->page_shift != entry->number)
		return false;
	return entry->global || !tlb->config.address_space_ids || entry->space == tlb->space;
}

static struct entry *set_of(const struct array *array, uint64_t number, uint32_t *set)
{
	*set = (uint32_t)(number % array->sets);
	return array->entries + (size_t)*set * array->ways;
}

/* Looks with every page size that the array holds: the hardware does not know it beforehand. */
static struct entry *find_in(const struct vm_tlb *tlb, const struct array *array, uint64_t address)
{
	uint64_t sizes = array->fact.pages_mask;

	while (sizes != 0) {
		const unsigned shift = (unsigned)__builtin_ctzll(sizes);
		uint32_t set;
		struct entry *ways = set_of(array, address >> shift, &set);

		for (uint32_t way = 0; way < array->ways; way++)
			if (ways[way].page_shift == shift &&
				entry_matches(tlb, &ways[way], address))
				return &ways[way];
		sizes &= sizes - 1;
	}
	return NULL;
}

static void touch(struct vm_tlb *tlb, struct array *array, struct entry *entry)
{
	const size_t index = (size_t)(entry - array->entries);

	entry->used = tlb->time;
	tree_touch(
		&array->trees[index / array->ways], array->ways, (uint32_t)(index % array->ways));
}

static struct entry *victim_in(
	struct vm_tlb *tlb, struct array *array, struct entry *ways, uint32_t set)
{
	struct entry *oldest = ways;

	for (uint32_t way = 0; way < array->ways; way++) {
		if (!ways[way].valid)
			return &ways[way];
		if (ways[way].used < oldest->used)
			oldest = &ways[way];
	}
	switch (tlb->config.replacement) {
	case VM_TLB_LRU:
		return oldest;
	case VM_TLB_PSEUDO_LRU:
		return &ways[tree_oldest(&array->trees[set], array->ways)];
	case VM_TLB_RANDOM:
		return &ways[vm_random_below(&tlb->random, array->ways)];
	}
	return oldest;
}

static void fill(struct vm_tlb *tlb, struct array *array, const struct entry *entry)
{
	if ((array->fact.pages_mask >> entry->page_shift & 1) == 0)
		return;
	uint32_t set;
	struct entry *ways = set_of(array, entry->number, &set);
	struct entry *place = victim_in(tlb, array, ways, set);
	*place = *entry;
	touch(tlb, array, place);
}

static void fill_level(
	struct vm_tlb *tlb, unsigned level, enum vm_access_kind kind, const struct entry *entry)
{
	for (size_t i = 0; i < tlb->arrays_count; i++) {
		struct array *array = &tlb->arrays[i];
		if (array->fact.level == level && type_serves(array->fact.type, kind))
			fill(tlb, array, entry);
	}
}

static struct entry *find_on_level(
	struct vm_tlb *tlb, unsigned level, const struct vm_access *access)
{
	for (size_t i = 0; i < tlb->arrays_count; i++) {
		struct array *array = &tlb->arrays[i];
		if (array->fact.level != level || !type_serves(array->fact.type, access->kind))
			continue;
		struct entry *entry = find_in(tlb, array, access->address);
		if (entry == NULL)
			continue;
		touch(tlb, array, entry);
		return entry;
	}
	return NULL;
}

/* Level of the tables at which a page of this size has its leaf. */
static unsigned leaf_level(enum vm_paging paging, unsigned page_shift)
{
	const struct vm_paging_shape *shape = vm_paging_shape(paging);
	unsigned level = 1;

	while (level < shape->levels && vm_level_shift(shape, level) < page_shift)
		level++;
	return level;
}

static unsigned levels_walked(enum vm_paging paging, unsigned page_shift)
{
	return vm_paging_shape(paging)->levels - leaf_level(paging, page_shift) + 1U;
}

/* Each guest reference needs a host walk and itself; then the page's own address needs one. */
static unsigned references_of(const struct vm_tlb_config *config, unsigned guest_levels)
{
	if (!config->nested)
		return guest_levels;
	const unsigned host_levels = levels_walked(config->host_paging, config->host_page_shift);
	return guest_levels * (host_levels + 1) + host_levels;
}

unsigned vm_tlb_walk_references(const struct vm_tlb_config *config, unsigned page_shift)
{
	return references_of(config, levels_walked(config->paging, page_shift));
}

static struct structure_entry *structure_of(
	struct vm_tlb *tlb, unsigned level, uint64_t prefix, struct structure_entry **oldest)
{
	*oldest = NULL;
	for (uint32_t i = 0; i < tlb->config.structure_entries[level]; i++) {
		struct structure_entry *entry = &tlb->structures[level][i];
		if (entry->valid && entry->prefix == prefix && entry->space == tlb->space)
			return entry;
		if (*oldest == NULL || (*oldest)->valid > entry->valid ||
			((*oldest)->valid == entry->valid && entry->used < (*oldest)->used))
			*oldest = entry;
	}
	return NULL;
}

/* The lowest level whose entry a structure cache knows, or 0; fills the caches on the way. */
static unsigned structure_known(struct vm_tlb *tlb, uint64_t address, unsigned leaf)
{
	const struct vm_paging_shape *shape = vm_paging_shape(tlb->config.paging);
	unsigned known = 0;

	for (unsigned level = shape->levels; level > leaf && level >= 2; level--) {
		const uint64_t prefix = address >> vm_level_shift(shape, level);
		struct structure_entry *oldest;
		struct structure_entry *found = structure_of(tlb, level, prefix, &oldest);

		if (found != NULL) {
			found->used = tlb->time;
			known = level;
		} else if (oldest != NULL) {
			*oldest = (struct structure_entry){
				.prefix = prefix,
				.used = tlb->time,
				.space = tlb->space,
				.valid = true,
			};
		}
	}
	return known;
}

static unsigned count_walk(struct vm_tlb *tlb, uint64_t address, unsigned page_shift)
{
	const unsigned leaf = leaf_level(tlb->config.paging, page_shift);
	const unsigned known = structure_known(tlb, address, leaf);
	const unsigned levels =
		known == 0 ? levels_walked(tlb->config.paging, page_shift) : known - leaf;
	const unsigned references = references_of(&tlb->config, levels);

	tlb->counts.walks++;
	tlb->counts.structure_hits += known != 0;
	tlb->counts.walk_references += references;
	return references;
}

static struct vm_tlb_outcome walk_and_fill(struct vm_tlb *tlb, const struct vm_access *access,
	vm_tlb_walk_function *walk, void *context)
{
	struct vm_tlb_page page = {.page_shift = VM_PAGE_SHIFT};
	struct vm_tlb_outcome outcome = {0};

	if (!walk(context, tlb->space, access, &page)) {
		outcome.walk_references =
			(uint8_t)count_walk(tlb, access->address, page.page_shift);
		outcome.fault = true;
		tlb->counts.faults++;
		return outcome;
	}
	outcome.walk_references = (uint8_t)count_walk(tlb, access->address, page.page_shift);
	const uint64_t page_offset = access->address & ((UINT64_C(1) << page.page_shift) - 1);
	outcome.physical = page.physical + page_offset;
	/* Under a guest an entry covers no more than the smaller of the two pages. */
	const unsigned shift = tlb->config.nested && tlb->config.host_page_shift < page.page_shift
				       ? tlb->config.host_page_shift
				       : page.page_shift;
	const struct entry entry = {
		.number = access->address >> shift,
		.physical = vm_align_down(outcome.physical, UINT64_C(1) << shift),
		.space = tlb->space,
		.page_shift = (uint8_t)shift,
		.rights = page.rights,
		.valid = true,
		.global = page.global,
		.dirty = access->kind == VM_ACCESS_WRITE,
	};
	fill_level(tlb, 1, access->kind, &entry);
	fill_level(tlb, 2, access->kind, &entry);
	return outcome;
}

static void drop(struct vm_tlb *tlb, struct entry *entry)
{
	entry->valid = false;
	tlb->counts.invalidated++;
}

static void drop_page(struct vm_tlb *tlb, uint64_t address)
{
	for (size_t i = 0; i < tlb->arrays_count; i++) {
		struct entry *entry = find_in(tlb, &tlb->arrays[i], address);
		if (entry != NULL)
			drop(tlb, entry);
	}
}

/* intel-sdm:3A:4.10.4.1: a page fault drops the entries of its address. */
static struct vm_tlb_outcome denied(struct vm_tlb *tlb, uint64_t address, uint8_t level)
{
	drop_page(tlb, address);
	tlb->counts.faults++;
	return (struct vm_tlb_outcome){.level = level, .fault = true};
}

struct vm_tlb_outcome vm_tlb_access(struct vm_tlb *tlb, const struct vm_mmu *mmu,
	const struct vm_access *access, vm_tlb_walk_function *walk, void *context)
{
	struct vm_tlb_outcome outcome = {.level = 1};
	uint32_t error_code;

	tlb->time++;
	tlb->counts.accesses++;
	struct entry *entry = find_on_level(tlb, 1, access);
	if (entry == NULL) {
		outcome.level = 2;
		entry = find_on_level(tlb, 2, access);
	}
	if (entry == NULL)
		return walk_and_fill(tlb, access, walk, context);
	if (!vm_rights_allow(mmu, &entry->rights, access, &error_code))
		return denied(tlb, access->address, outcome.level);
	if (access->kind == VM_ACCESS_WRITE && !entry->dirty) {
		/* The dirty bit in the tables must be set, and that takes a walk. */
		drop_page(tlb, access->address);
		tlb->counts.dirty_walks++;
		return walk_and_fill(tlb, access, walk, context);
	}
	/* A copy: filling level 1 may put something else in the entry's place. */
	const struct entry copy = *entry;
	outcome.physical =
		copy.physical + (access->address & ((UINT64_C(1) << copy.page_shift) - 1));
	if (outcome.level == 1) {
		tlb->counts.level_1_hits++;
	} else {
		tlb->counts.level_2_hits++;
		fill_level(tlb, 1, access->kind, &copy);
	}
	return outcome;
}

static void drop_structures(struct vm_tlb *tlb, bool every_space)
{
	for (unsigned level = 2; level <= VM_PAGING_LEVELS_LIMIT; level++)
		for (uint32_t i = 0; i < tlb->config.structure_entries[level]; i++)
			if (every_space || tlb->structures[level][i].space == tlb->space)
				tlb->structures[level][i].valid = false;
}

void vm_tlb_flush(struct vm_tlb *tlb, bool global_too)
{
	tlb->counts.flushes++;
	for (size_t i = 0; i < tlb->arrays_count; i++)
		for (uint32_t j = 0; j < tlb->arrays[i].fact.entries; j++) {
			struct entry *entry = &tlb->arrays[i].entries[j];
			if (entry->valid && (global_too || !entry->global))
				drop(tlb, entry);
		}
	drop_structures(tlb, true);
}

void vm_tlb_switch(struct vm_tlb *tlb, uint16_t space)
{
	tlb->counts.switches++;
	tlb->space = space;
	if (!tlb->config.address_space_ids)
		vm_tlb_flush(tlb, false);
}

void vm_tlb_invalidate(struct vm_tlb *tlb, uint64_t address)
{
	drop_page(tlb, address);
	drop_structures(tlb, false);
}

const struct vm_tlb_counts *vm_tlb_counts(const struct vm_tlb *tlb)
{
	return &tlb->counts;
}

uint64_t vm_tlb_time_ps(const struct vm_tlb_counts *counts, const struct vm_tlb_costs *costs)
{
	const uint64_t level_1_misses = counts->accesses - counts->level_1_hits;

	return counts->accesses * (costs->level_1_ps + costs->memory_ps) +
	       level_1_misses * costs->level_2_ps +
	       counts->walk_references * costs->walk_reference_ps;
}
