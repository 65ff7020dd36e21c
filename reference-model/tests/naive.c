/* SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

#include <string.h>

#include "vm/random.h"

/* A frame with all that any policy notes about it. */
struct slot {
	uint32_t page;
	bool referenced, dirty, active, workingset, young;
	uint64_t loaded, used, count;
	bool history[32]; /* ageing: newest period first */
};

struct memory {
	struct slot slots[NAIVE_PAGES];
	uint32_t count;
};

static struct slot *find(struct memory *memory, uint32_t page)
{
	for (uint32_t i = 0; i < memory->count; i++)
		if (memory->slots[i].page == page)
			return &memory->slots[i];
	return NULL;
}

static struct slot take_out(struct memory *memory, uint32_t index)
{
	const struct slot slot = memory->slots[index];

	memmove(&memory->slots[index], &memory->slots[index + 1],
		(memory->count - index - 1) * sizeof(slot));
	memory->count--;
	return slot;
}

static void put_in(struct memory *memory, uint32_t index, struct slot slot)
{
	memmove(&memory->slots[index + 1], &memory->slots[index],
		(memory->count - index) * sizeof(slot));
	memory->slots[index] = slot;
	memory->count++;
}

/* Evicts the slot at the index, which keeps its place in the order of frames for the next page. */
static struct slot *replace_at(struct memory *memory, uint32_t index, uint32_t page, size_t now,
	struct naive_outcome *outcome)
{
	outcome->write_backs += memory->slots[index].dirty;
	memory->slots[index] = (struct slot){.page = page, .loaded = now, .used = now};
	return &memory->slots[index];
}

static size_t next_use(const uint32_t *references, size_t count, size_t from, uint32_t page)
{
	while (from < count && vm_reference_page(references[from]) != page)
		from++;
	return from;
}

/* Farthest next use; among those never used again, the one whose last use is longest ago. */
static uint32_t opt_victim(
	const struct memory *memory, const uint32_t *references, size_t count, size_t now)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < memory->count; i++) {
		const size_t mine = next_use(references, count, now, memory->slots[i].page);
		const size_t other = next_use(references, count, now, memory->slots[best].page);
		if (mine > other || (mine == count && other == count &&
					    memory->slots[i].used < memory->slots[best].used))
			best = i;
	}
	return best;
}

static uint32_t lru_victim(const struct memory *memory)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < memory->count; i++)
		if (memory->slots[i].used < memory->slots[best].used)
			best = i;
	return best;
}

static uint32_t fifo_victim(const struct memory *memory)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < memory->count; i++)
		if (memory->slots[i].loaded < memory->slots[best].loaded)
			best = i;
	return best;
}

static uint32_t random_victim(uint64_t *random, uint32_t frames)
{
	return (uint32_t)vm_random_below(random, frames);
}

static unsigned nru_class(const struct slot *slot)
{
	return slot->referenced * 2U + slot->dirty;
}

static uint32_t nru_victim(const struct memory *memory, uint64_t *random)
{
	for (unsigned class = 0;; class ++) {
		uint32_t members[NAIVE_PAGES], count = 0;
		for (uint32_t i = 0; i < memory->count; i++)
			if (nru_class(&memory->slots[i]) == class)
				members[count++] = i;
		if (count != 0)
			return members[vm_random_below(random, count)];
	}
}

static uint32_t lfu_victim(const struct memory *memory)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < memory->count; i++) {
		const struct slot *mine = &memory->slots[i], *other = &memory->slots[best];
		if (mine->count < other->count ||
			(mine->count == other->count && mine->loaded < other->loaded))
			best = i;
	}
	return best;
}

/* -1, 0, 1 by the newest period in which they differ. */
static int compare_history(const struct slot *left, const struct slot *right)
{
	for (unsigned i = 0; i < 32; i++)
		if (left->history[i] != right->history[i])
			return left->history[i] ? 1 : -1;
	return 0;
}

static uint32_t ageing_victim(const struct memory *memory)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < memory->count; i++) {
		const int order = compare_history(&memory->slots[i], &memory->slots[best]);
		if (order < 0 ||
			(order == 0 && memory->slots[i].loaded < memory->slots[best].loaded))
			best = i;
	}
	return best;
}

static void end_period(enum vm_policy policy, struct memory *memory)
{
	for (uint32_t i = 0; i < memory->count; i++) {
		struct slot *slot = &memory->slots[i];
		if (policy == VM_POLICY_LFU)
			slot->count /= 2;
		if (policy == VM_POLICY_AGEING) {
			memmove(&slot->history[1], &slot->history[0], 31 * sizeof(bool));
			slot->history[0] = slot->referenced;
		}
		if (policy != VM_POLICY_LFU)
			slot->referenced = false;
	}
}

/* Everything whose victim is a function of what was noted about the frames. */
static void by_notes(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	struct memory memory = {.count = 0};
	uint64_t random = config->seed;

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		struct slot *slot = find(&memory, page);
		outcome->fault[now] = slot == NULL;
		if (slot == NULL && memory.count < config->frames) {
			slot = &memory.slots[memory.count++];
			*slot = (struct slot){.page = page, .loaded = now};
		} else if (slot == NULL) {
			uint32_t victim = 0;
			if (config->policy == VM_POLICY_OPT)
				victim = opt_victim(&memory, references, count, now);
			else if (config->policy == VM_POLICY_FIFO)
				victim = fifo_victim(&memory);
			else if (config->policy == VM_POLICY_RANDOM)
				victim = random_victim(&random, config->frames);
			else if (config->policy == VM_POLICY_NRU)
				victim = nru_victim(&memory, &random);
			else if (config->policy == VM_POLICY_LFU)
				victim = lfu_victim(&memory);
			else if (config->policy == VM_POLICY_AGEING)
				victim = ageing_victim(&memory);
			else
				victim = lru_victim(&memory);
			slot = replace_at(&memory, victim, page, now, outcome);
		}
		slot->used = now;
		slot->count++;
		slot->referenced = true;
		slot->dirty = slot->dirty || vm_reference_writes(references[now]);
		if (config->period_references != 0 && (now + 1) % config->period_references == 0)
			end_period(config->policy, &memory);
	}
	outcome->resident = memory.count;
}

/* Clock, told as what it equals: a queue whose referenced members go to its end. */
static void second_chance(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	struct memory queue = {.count = 0};

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		struct slot *slot = find(&queue, page);
		outcome->fault[now] = slot == NULL;
		if (slot != NULL) {
			slot->referenced = true;
		} else {
			while (queue.count == config->frames) {
				struct slot first = take_out(&queue, 0);
				if (first.referenced) {
					first.referenced = false;
					put_in(&queue, queue.count, first);
				} else {
					outcome->write_backs += first.dirty;
				}
			}
			put_in(&queue, queue.count,
				(struct slot){.page = page,
					.referenced = !config->load_leaves_bit_clear});
			slot = &queue.slots[queue.count - 1];
		}
		slot->dirty = slot->dirty || vm_reference_writes(references[now]);
	}
	outcome->resident = queue.count;
}

/* Rotates the queue so that the hand always points at its first member. */
static void turn(struct memory *queue)
{
	const struct slot first = take_out(queue, 0);

	put_in(queue, queue->count, first);
}

static void two_handed_step(const struct vm_replace_config *config, struct memory *queue)
{
	const uint32_t gap = config->hand_gap_frames;

	for (;;) {
		const bool examined_first = queue->slots[0].referenced;
		queue->slots[gap % queue->count].referenced = false;
		const bool stays =
			gap == config->frames ? examined_first : queue->slots[0].referenced;
		if (!stays)
			return;
		turn(queue);
	}
}

/* First choice: unused and clean from the hand on; second: clean; last: flush all. */
static void dirty_clock_step(struct memory *queue, struct naive_outcome *outcome)
{
	for (uint32_t i = 0; i < queue->count; i++) {
		if (queue->slots[0].referenced == false && !queue->slots[0].dirty)
			return;
		queue->slots[0].referenced = false;
		turn(queue);
	}
	for (uint32_t i = 0; i < queue->count; i++) {
		if (!queue->slots[0].dirty)
			return;
		turn(queue);
	}
	for (uint32_t i = 0; i < queue->count; i++) {
		outcome->write_backs += queue->slots[i].dirty;
		queue->slots[i].dirty = false;
	}
}

static void wsclock_step(const struct vm_replace_config *config, struct memory *queue, size_t now,
	struct naive_outcome *outcome)
{
	for (uint32_t i = 0; i < 2 * queue->count; i++) {
		struct slot *slot = &queue->slots[0];
		if (slot->referenced) {
			slot->referenced = false;
			slot->used = now;
		} else if (now - slot->used > config->window_references) {
			if (!slot->dirty)
				return;
			slot->dirty = false;
			outcome->write_backs++;
		}
		turn(queue);
	}
}

/* A ring turned under a fixed hand; the victim is the first member, the new page the last. */
static void ring(const struct vm_replace_config *config, const uint32_t *references, size_t count,
	struct naive_outcome *outcome)
{
	struct memory queue = {.count = 0};

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		struct slot *slot = find(&queue, page);
		outcome->fault[now] = slot == NULL;
		if (slot == NULL) {
			if (queue.count == config->frames) {
				if (config->policy == VM_POLICY_TWO_HANDED)
					two_handed_step(config, &queue);
				else if (config->policy == VM_POLICY_DIRTY_CLOCK)
					dirty_clock_step(&queue, outcome);
				else
					wsclock_step(config, &queue, now, outcome);
				outcome->write_backs += take_out(&queue, 0).dirty;
			}
			put_in(&queue, queue.count, (struct slot){.page = page, .used = now});
			slot = &queue.slots[queue.count - 1];
			slot->referenced = config->policy == VM_POLICY_WSCLOCK ||
					   !config->load_leaves_bit_clear;
		} else {
			slot->referenced = true;
		}
		slot->dirty = slot->dirty || vm_reference_writes(references[now]);
	}
	outcome->resident = queue.count;
}

static void buffering(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	struct memory resident = {.count = 0}, pool = {.count = 0};

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		struct slot *slot = find(&resident, page);
		outcome->fault[now] = slot == NULL;
		if (slot == NULL) {
			struct slot *back = find(&pool, page);
			if (back != NULL) {
				take_out(&pool, (uint32_t)(back - pool.slots));
				outcome->taken_back++;
			} else if (resident.count + pool.count == config->frames) {
				take_out(&pool, 0);
			}
			put_in(&resident, resident.count, (struct slot){.page = page});
			if (resident.count > config->frames - config->pool_frames) {
				struct slot oldest = take_out(&resident, 0);
				outcome->write_backs += oldest.dirty;
				oldest.dirty = false;
				put_in(&pool, pool.count, oldest);
			}
			slot = find(&resident, page);
		}
		slot->dirty = slot->dirty || vm_reference_writes(references[now]);
	}
	outcome->resident = resident.count;
}

/* By definition: what was used within the window before this moment. */
static bool used_within(const uint32_t *references, size_t now, uint64_t window, uint32_t page)
{
	for (size_t i = now; i-- > 0 && now - i <= window;)
		if (vm_reference_page(references[i]) == page)
			return true;
	return false;
}

static void working_set(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	bool dirty[NAIVE_PAGES] = {false};

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		outcome->fault[now] =
			!used_within(references, now, config->window_references, page);
		dirty[page] = dirty[page] || vm_reference_writes(references[now]);
		for (uint32_t i = 0; i < config->pages; i++) {
			if (used_within(references, now + 1, config->window_references, i))
				continue;
			outcome->write_backs += dirty[i];
			dirty[i] = false;
		}
	}
	for (uint32_t i = 0; i < config->pages; i++)
		outcome->resident += used_within(references, count, config->window_references, i);
}

static void fault_frequency(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	bool resident[NAIVE_PAGES] = {false}, dirty[NAIVE_PAGES] = {false};
	size_t last_fault = 0;

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		outcome->fault[now] = !resident[page];
		if (!resident[page]) {
			const bool shrinks = now - last_fault > config->window_references;
			for (uint32_t i = 0; shrinks && i < config->pages; i++) {
				if (used_within(references, now, now - last_fault, i))
					continue;
				resident[i] = false;
				outcome->write_backs += dirty[i];
				dirty[i] = false;
			}
			last_fault = now;
			resident[page] = true;
		}
		dirty[page] = dirty[page] || vm_reference_writes(references[now]);
	}
	for (uint32_t i = 0; i < config->pages; i++)
		outcome->resident += resident[i];
}

/* Lists as arrays, most recent first. Batches of one frame; lists this short have equal shares. */
struct two_lists {
	const struct vm_replace_config *config;
	struct memory inactive, active;
	uint64_t age, shadow[NAIVE_PAGES];
	bool has_shadow[NAIVE_PAGES], was_workingset[NAIVE_PAGES];
	uint64_t refault_activations, at_reclaim;
	struct naive_outcome *outcome;
};

static void deactivate_tail(struct two_lists *lists)
{
	if (lists->active.count == 0)
		return;
	struct slot slot = take_out(&lists->active, lists->active.count - 1);
	slot.workingset = true;
	slot.young = false;
	put_in(&lists->inactive, 0, slot);
}

/* Returns whether the tail of the inactive list was freed. */
static bool examine_tail(struct two_lists *lists)
{
	if (lists->inactive.count == 0)
		return false;
	struct slot slot = take_out(&lists->inactive, lists->inactive.count - 1);
	const bool was_referenced = slot.referenced;

	slot.referenced = slot.young;
	if (slot.young && was_referenced) {
		slot.young = false;
		put_in(&lists->active, 0, slot);
		lists->age++;
		return false;
	}
	if (slot.young || slot.dirty) {
		lists->outcome->write_backs += !slot.young && slot.dirty;
		slot.dirty = slot.young && slot.dirty;
		slot.young = false;
		put_in(&lists->inactive, 0, slot);
		return false;
	}
	lists->shadow[slot.page] = lists->age++;
	lists->has_shadow[slot.page] = true;
	lists->was_workingset[slot.page] = slot.workingset;
	return true;
}

static void make_room(struct two_lists *lists)
{
	uint32_t freed = 0;
	unsigned priority = 12;

	for (;; priority--) {
		const uint64_t inactive = lists->inactive.count, active = lists->active.count;
		const uint64_t factor = lists->config->balance == VM_LIST_BALANCE_THIRDS ? 2 : 1;
		const bool may = lists->refault_activations != lists->at_reclaim ||
				 inactive * factor < active;
		const uint64_t look = inactive >> priority, demote = active >> priority;
		for (uint64_t i = 0; i < look; i++)
			freed += examine_tail(lists);
		for (uint64_t i = 0; may && i < demote; i++)
			deactivate_tail(lists);
		if (freed != 0 || priority == 0)
			break;
	}
	while (freed == 0) {
		for (uint32_t i = lists->active.count; i > 0; i--)
			deactivate_tail(lists);
		for (uint32_t i = lists->inactive.count; i > 0; i--)
			freed += examine_tail(lists);
	}
	lists->at_reclaim = lists->refault_activations;
}

static struct slot *two_list_load(struct two_lists *lists, uint32_t page)
{
	if (lists->inactive.count + lists->active.count == lists->config->frames)
		make_room(lists);
	struct slot slot = {.page = page};
	const bool remembered = lists->has_shadow[page] &&
				lists->config->rival != VM_LIST_RIVAL_NO_REFAULT_ACTIVATION;
	lists->has_shadow[page] = false;
	if (remembered && lists->age - lists->shadow[page] <= lists->active.count) {
		slot.active = true;
		slot.workingset = lists->was_workingset[page];
		lists->age++;
		lists->refault_activations++;
		put_in(&lists->active, 0, slot);
		return &lists->active.slots[0];
	}
	put_in(&lists->inactive, 0, slot);
	return &lists->inactive.slots[0];
}

static void two_list_use(struct two_lists *lists, uint32_t page)
{
	struct slot *slot = find(&lists->inactive, page);

	if (lists->config->use == VM_USE_MAPPED) {
		slot = slot != NULL ? slot : find(&lists->active, page);
		slot->young = true;
		return;
	}
	if (slot == NULL) {
		find(&lists->active, page)->referenced = true;
	} else if (!slot->referenced) {
		slot->referenced = true;
	} else {
		struct slot moved =
			take_out(&lists->inactive, (uint32_t)(slot - lists->inactive.slots));
		moved.referenced = false;
		put_in(&lists->active, 0, moved);
		lists->age++;
	}
}

static void two_list(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	struct two_lists lists = {.config = config, .outcome = outcome};

	for (size_t now = 0; now < count; now++) {
		const uint32_t page = vm_reference_page(references[now]);
		outcome->fault[now] =
			find(&lists.inactive, page) == NULL && find(&lists.active, page) == NULL;
		if (outcome->fault[now])
			(void)two_list_load(&lists, page);
		two_list_use(&lists, page);
		struct slot *slot = find(&lists.inactive, page);
		slot = slot != NULL ? slot : find(&lists.active, page);
		slot->dirty = slot->dirty || vm_reference_writes(references[now]);
	}
	outcome->resident = lists.inactive.count + lists.active.count;
}

/* Generations as numbers on the pages: order within one by a key that grows towards its head. */
struct aged {
	bool resident, young, dirty;
	uint64_t generation;
	int64_t key;
	unsigned uses;
	bool has_shadow;
	uint64_t shadow_oldest;
	unsigned shadow_uses;
};

struct aged_memory {
	const struct vm_replace_config *config;
	struct aged pages[NAIVE_PAGES];
	uint64_t oldest, youngest;
	int64_t highest, lowest; /* keys given out */
	/* By tier: refaulted, evicted, protected; then the means of refaulted and of the total. */
	uint64_t tiers[4][5];
	struct naive_outcome *outcome;
};

static unsigned naive_tier(unsigned uses)
{
	unsigned tier = 0;

	/* The logarithm of the uses, rounded up. */
	while (uses > 0 && 1U << tier < uses)
		tier++;
	return tier;
}

static struct aged *tail_of(struct aged_memory *memory, uint64_t generation)
{
	struct aged *tail = NULL;

	for (uint32_t i = 0; i < memory->config->pages; i++) {
		struct aged *page = &memory->pages[i];
		if (page->resident && page->generation == generation &&
			(tail == NULL || page->key < tail->key))
			tail = page;
	}
	return tail;
}

static void move_to(struct aged_memory *memory, struct aged *page, uint64_t generation, bool head)
{
	page->generation = generation;
	page->key = head ? ++memory->highest : --memory->lowest;
}

static void retire(struct aged_memory *memory)
{
	while (memory->youngest - memory->oldest >= 2 && tail_of(memory, memory->oldest) == NULL) {
		for (unsigned i = 0; i < 4; i++) {
			uint64_t *tier = memory->tiers[i];
			tier[3] = (tier[3] + tier[0]) / 2;
			tier[4] = (tier[4] + tier[1] + tier[2]) / 2;
			tier[0] = tier[1] = tier[2] = 0;
		}
		memory->oldest++;
	}
}

/* In strings this short no tier comes back 64 times: the controller never protects. */
static bool examine_aged(struct aged_memory *memory, struct aged *page)
{
	if (page->uses >= 5 || page->young || page->dirty) {
		const bool young = page->uses < 5 && page->young;
		const bool written = page->uses < 5 && !page->young;
		memory->outcome->write_backs += written;
		page->dirty = page->dirty && !written;
		page->young = page->young && !young;
		page->uses = 0;
		move_to(memory, page, young ? memory->youngest : memory->oldest + 1,
			young || written);
		return false;
	}
	memory->tiers[naive_tier(page->uses)][1]++;
	page->resident = false;
	page->has_shadow = true;
	page->shadow_oldest = memory->oldest;
	page->shadow_uses = page->uses;
	return true;
}

static void evict_aged(struct aged_memory *memory)
{
	bool freed = false;

	while (!freed) {
		retire(memory);
		if (memory->youngest - memory->oldest < 2) {
			for (uint32_t i = 0; i < memory->config->pages; i++)
				memory->pages[i].uses =
					memory->pages[i].young ? 0 : memory->pages[i].uses;
			/* Frame order decides the order of those promoted: see the test. */
			memory->youngest++;
			for (uint32_t i = 0; i < memory->config->pages; i++)
				if (memory->pages[i].resident && memory->pages[i].young) {
					memory->pages[i].young = false;
					move_to(memory, &memory->pages[i], memory->youngest - 1,
						true);
				}
			continue;
		}
		struct aged *tail = tail_of(memory, memory->oldest);
		freed = tail != NULL && examine_aged(memory, tail);
	}
	retire(memory);
}

static void generations(const struct vm_replace_config *config, const uint32_t *references,
	size_t count, struct naive_outcome *outcome)
{
	struct aged_memory memory = {.config = config, .youngest = 3, .outcome = outcome};
	uint32_t resident = 0;

	for (size_t now = 0; now < count; now++) {
		struct aged *page = &memory.pages[vm_reference_page(references[now])];
		outcome->fault[now] = !page->resident;
		if (!page->resident) {
			if (resident == config->frames)
				evict_aged(&memory);
			else
				resident++;
			const bool close = page->has_shadow && page->shadow_oldest == memory.oldest;
			const bool hot =
				close && (config->use == VM_USE_MAPPED || page->shadow_uses >= 4);
			*page = (struct aged){.resident = true, .uses = hot ? 5 : 0};
			move_to(&memory, page,
				config->use == VM_USE_MAPPED ? memory.youngest : memory.oldest,
				true);
		}
		if (config->use == VM_USE_MAPPED)
			page->young = true;
		else if (page->uses < 5)
			page->uses++;
		page->dirty = page->dirty || vm_reference_writes(references[now]);
	}
	outcome->resident = resident;
}

naive_function *const naive_policies[VM_POLICY_LIMIT] = {
	[VM_POLICY_OPT] = by_notes,
	[VM_POLICY_FIFO] = by_notes,
	[VM_POLICY_LRU] = by_notes,
	[VM_POLICY_LRU_STAMPS] = by_notes,
	[VM_POLICY_CLOCK] = second_chance,
	[VM_POLICY_SECOND_CHANCE] = second_chance,
	[VM_POLICY_TWO_HANDED] = ring,
	[VM_POLICY_DIRTY_CLOCK] = ring,
	[VM_POLICY_RANDOM] = by_notes,
	[VM_POLICY_BUFFERING] = buffering,
	[VM_POLICY_NRU] = by_notes,
	[VM_POLICY_LFU] = by_notes,
	[VM_POLICY_AGEING] = by_notes,
	[VM_POLICY_WORKING_SET] = working_set,
	[VM_POLICY_WSCLOCK] = ring,
	[VM_POLICY_PFF] = fault_frequency,
	[VM_POLICY_TWO_LIST] = two_list,
	[VM_POLICY_GENERATIONS] = generations,
};
