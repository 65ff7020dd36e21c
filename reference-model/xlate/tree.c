/* SPDX-License-Identifier: Apache-2.0 */
#include "xlate/tree.h"

/* A table's entry in the table above it: _PAGE_TABLE. */
#define TABLE_BITS (VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER | VM_PTE_ACCESSED | VM_PTE_DIRTY)

uint64_t level_bytes(unsigned level)
{
	return UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (level - 1));
}

static uint16_t index_at(uint64_t address, unsigned level)
{
	return (uint16_t)((address >> (VM_PAGE_SHIFT + 9 * (level - 1))) & (TABLE_ENTRIES - 1));
}

uint64_t entry_get(const struct vm_machine *m, struct place place)
{
	return place.table == NONE ? 0 : tables_of(m)[place.table].entry[place.index];
}

void entry_set(struct vm_machine *m, struct place place, uint64_t value)
{
	uint64_t *entry = &tables_of(m)[place.table].entry[place.index];
	struct table_facts *facts = &table_facts_of(m)[place.table];

	if (*entry == 0 && value != 0)
		facts->used++;
	if (*entry != 0 && value == 0) {
		facts->used--;
		stale_set(m, place, false);
	}
	*entry = value;
}

bool stale_get(const struct vm_machine *m, struct place place)
{
	return (table_facts_of(m)[place.table].stale[place.index / 64] >> (place.index % 64) & 1) !=
	       0;
}

void stale_set(struct vm_machine *m, struct place place, bool stale)
{
	uint64_t *word = &table_facts_of(m)[place.table].stale[place.index / 64];
	const uint64_t bit = UINT64_C(1) << (place.index % 64);

	*word = stale ? *word | bit : *word & ~bit;
}

static uint32_t table_take(struct vm_machine *m, unsigned level)
{
	uint32_t table = m->tables.free;

	if (table != NONE) {
		m->tables.free = table_facts_of(m)[table].next;
	} else {
		table = pool_extend(&m->tables);
		if (table == NONE) {
			m->out_of_room = true;
			return NONE;
		}
		m->table_facts.high = m->tables.high;
		memset(&tables_of(m)[table], 0, sizeof(struct table));
	}
	table_facts_of(m)[table] =
		(struct table_facts){.next = NONE, .deposited = NONE, .level = (uint8_t)level};
	return table;
}

/* A free table is all zeros: entries are cleared before their table goes. */
static void table_drop(struct vm_machine *m, uint32_t table)
{
	struct table_facts *facts = &table_facts_of(m)[table];

	VM_ASSERT(facts->used == 0 && facts->deposited == NONE);
	facts->level = 0;
	facts->next = m->tables.free;
	m->tables.free = table;
}

static void count_table(struct vm_machine *m, uint32_t mm, unsigned level, bool up)
{
	uint32_t *count = &mm_of(m, mm)->table_count[level];

	*count = up ? *count + 1 : *count - 1;
}

bool mm_start_tables(struct vm_machine *m, uint32_t mm)
{
	const unsigned level = m->host.page_table_levels;

	mm_of(m, mm)->root = table_take(m, level);
	return mm_of(m, mm)->root != NONE;
}

void mm_drop_root(struct vm_machine *m, uint32_t mm)
{
	table_drop(m, mm_of(m, mm)->root);
	mm_of(m, mm)->root = NONE;
}

static bool is_leaf_here(uint64_t entry, unsigned level)
{
	/* A huge leaf that is PROT_NONE is absent to the processor and keeps the large bit. */
	return level == 1 || (entry & VM_PTE_LARGE) != 0 || !leaf_is_present(entry);
}

static uint32_t table_below(uint64_t entry)
{
	return leaf_frame(entry) - TABLE_FRAMES_AT;
}

struct place place_of(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	unsigned level = m->host.page_table_levels;
	uint32_t table = mm_of(m, mm)->root;

	for (;; level--) {
		const struct place place = {.table = table,
			.index = index_at(address, level),
			.level = (uint8_t)level,
			.address = vm_align_down(address, level_bytes(level))};
		const uint64_t entry = entry_get(m, place);

		if (is_leaf_here(entry, level))
			return place;
		table = table_below(entry);
	}
}

struct place place_make(struct vm_machine *m, uint32_t mm, uint64_t address, unsigned level)
{
	struct place place = place_of(m, mm, address);

	while (place.level > level) {
		/* A huge leaf above the wanted level is the caller's to split first. */
		VM_ASSERT(entry_get(m, place) == 0);
		const uint32_t table = table_take(m, place.level - 1U);
		if (table == NONE)
			return (struct place){.table = NONE};
		count_table(m, mm, place.level - 1U, true);
		rule_obey(m, RULE_XLATE_TABLE_AT_FIRST_TOUCH);
		entry_set(m, place, leaf_set_frame(TABLE_BITS, TABLE_FRAMES_AT + table));
		place.table = table;
		place.level--;
		place.index = index_at(address, place.level);
		place.address = vm_align_down(address, level_bytes(place.level));
	}
	return place;
}

bool cursor_next(const struct vm_machine *m, uint32_t mm, struct cursor *cursor)
{
	while (cursor->next < cursor->end) {
		struct place place = cursor->at;

		/* Stay in the table while neighbours follow; walk from the root otherwise. */
		if (place.table == NONE || place.level != 1 ||
			vm_align_down(cursor->next, level_bytes(2)) !=
				vm_align_down(place.address, level_bytes(2)))
			place = place_of(m, mm, cursor->next);
		else
			place.index = index_at(cursor->next, 1);
		place.address = vm_align_down(cursor->next, level_bytes(place.level));
		cursor->at = place;
		cursor->next = place.address + level_bytes(place.level);
		if (entry_get(m, place) != 0)
			return true;
	}
	return false;
}

/* Frees the table that the entry leads to. Deposits under it go with their huge leaves before. */
static void free_below(struct vm_machine *m, uint32_t mm, struct place place)
{
	const uint32_t table = table_below(entry_get(m, place));

	entry_set(m, place, 0);
	count_table(m, mm, place.level - 1U, false);
	table_drop(m, table);
}

/*
 * linux:6.12:mm/memory.c:free_pgd_range and the functions below it: a table goes if the whole span
 * of the entry above it lies between floor and ceiling, empty or not by then.
 */
static void free_level(struct vm_machine *m, uint32_t mm, struct place at, uint64_t start,
	uint64_t end, uint64_t floor, uint64_t ceiling)
{
	const uint64_t bytes = level_bytes(at.level);

	for (uint64_t address = vm_align_down(start, bytes); address < end; address += bytes) {
		at.index = index_at(address, at.level);
		at.address = address;
		if (entry_get(m, at) == 0)
			continue;
		const uint64_t first = address < start ? start : address;
		const uint64_t last = address + bytes < end ? address + bytes : end;
		if (at.level > 2) {
			const struct place below = {.table = table_below(entry_get(m, at)),
				.level = (uint8_t)(at.level - 1)};
			free_level(m, mm, below, first, last, floor, ceiling);
		}
		uint64_t limit = ceiling;
		if (limit != 0) {
			limit = vm_align_down(limit, bytes);
			if (limit == 0)
				continue;
		}
		if (address < floor || last - 1 > limit - 1)
			continue;
		free_below(m, mm, at);
	}
}

void tables_free(struct vm_machine *m, uint32_t mm, uint64_t start, uint64_t end, uint64_t floor,
	uint64_t ceiling)
{
	const uint64_t bytes = level_bytes(2);
	uint64_t address = vm_align_down(start, bytes);

	if (address < floor)
		address += bytes;
	if (ceiling != 0) {
		ceiling = vm_align_down(ceiling, bytes);
		if (ceiling == 0)
			return;
	}
	if (end - 1 > ceiling - 1)
		end -= bytes;
	if (address >= end)
		return;
	rule_obey(m, RULE_XLATE_TABLES_FREED_WITH_AREA);
	const struct place root = {.table = mm_of(m, mm)->root, .level = m->host.page_table_levels};
	free_level(m, mm, root, address, end, floor, ceiling);
}

static struct place entry_at_level(
	const struct vm_machine *m, uint32_t mm, uint64_t address, unsigned level);

uint32_t place_parent(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	return entry_at_level(m, mm, address, 2).table;
}

bool table_free_if_empty(struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const struct place lowest = place_of(m, mm, address);

	if (lowest.level != 1 || table_facts_of(m)[lowest.table].used != 0)
		return false;
	free_below(m, mm,
		(struct place){.table = place_parent(m, mm, address),
			.index = index_at(address, 2),
			.level = 2});
	return true;
}

bool table_deposit(struct vm_machine *m, uint32_t mm, struct place huge)
{
	const uint32_t table = table_take(m, 1);

	if (table == NONE)
		return false;
	count_table(m, mm, 1, true);
	rule_obey(m, RULE_XLATE_TABLE_DEPOSITED);
	table_facts_of(m)[table].next = table_facts_of(m)[huge.table].deposited;
	table_facts_of(m)[huge.table].deposited = table;
	return true;
}

static uint32_t withdraw(struct vm_machine *m, struct place huge)
{
	struct table_facts *facts = &table_facts_of(m)[huge.table];
	const uint32_t table = facts->deposited;

	VM_ASSERT(table != NONE);
	facts->deposited = table_facts_of(m)[table].next;
	table_facts_of(m)[table].next = NONE;
	return table;
}

void table_withdraw_into(struct vm_machine *m, uint32_t mm, struct place huge)
{
	(void)mm; /* counted already, since it was deposited */
	VM_ASSERT(entry_get(m, huge) == 0);
	const uint32_t table = withdraw(m, huge);
	entry_set(m, huge, leaf_set_frame(TABLE_BITS, TABLE_FRAMES_AT + table));
}

void table_withdraw_and_free(struct vm_machine *m, uint32_t mm, struct place huge)
{
	table_drop(m, withdraw(m, huge));
	count_table(m, mm, 1, false);
}

void table_to_deposit(struct vm_machine *m, uint32_t mm, struct place huge)
{
	const uint32_t table = table_below(entry_get(m, huge));

	(void)mm;
	VM_ASSERT(table_facts_of(m)[table].used == 0);
	entry_set(m, huge, 0);
	table_facts_of(m)[table].next = table_facts_of(m)[huge.table].deposited;
	table_facts_of(m)[huge.table].deposited = table;
}

void huge_leaf_move(struct vm_machine *m, struct place from, struct place to)
{
	const uint64_t leaf = entry_get(m, from);
	const uint32_t table = withdraw(m, from);

	entry_set(m, from, 0);
	entry_set(m, to, leaf);
	table_facts_of(m)[table].next = table_facts_of(m)[to.table].deposited;
	table_facts_of(m)[to.table].deposited = table;
}

/* The entry of that level if all tables down to it are there; table NONE otherwise. */
static struct place entry_at_level(
	const struct vm_machine *m, uint32_t mm, uint64_t address, unsigned level)
{
	struct place place = {.table = mm_of(m, mm)->root, .level = m->host.page_table_levels};

	for (;; place.level--) {
		place.index = index_at(address, place.level);
		place.address = vm_align_down(address, level_bytes(place.level));
		if (place.level == level)
			return place;
		if (is_leaf_here(entry_get(m, place), place.level))
			return (struct place){.table = NONE};
		place.table = table_below(entry_get(m, place));
	}
}

bool table_move(struct vm_machine *m, uint32_t mm, uint64_t from, uint64_t to, unsigned level)
{
	const struct place source = entry_at_level(m, mm, from, level);

	if (source.table == NONE || is_leaf_here(entry_get(m, source), level))
		return false;
	const struct place target = place_make(m, mm, to, level);
	if (target.table == NONE || target.level != level || entry_get(m, target) != 0)
		return false;
	const uint64_t entry = entry_get(m, source);
	entry_set(m, source, 0);
	entry_set(m, target, entry);
	return true;
}
