/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/checkpoint.h"

#include "vm/random.h"

void *memcpy(void *restrict, const void *restrict, size_t);
void *memset(void *, int, size_t);

struct difference {
	uint32_t page;
	uint64_t value;
};

struct vm_checkpoint {
	uint32_t pages, checkpoints_limit, writes_limit;
	uint32_t checkpoints, differences_count;
	uint64_t *contents; /* now */
	uint64_t *base;	    /* at checkpoint 0 */
	bool *written;	    /* since the last checkpoint: writable without a fault */
	uint32_t *end_of;   /* by checkpoint: its differences end here */
	struct difference *differences;
};

size_t vm_checkpoint_bytes(uint32_t pages, uint32_t checkpoints_limit, uint32_t writes_limit)
{
	return sizeof(struct vm_checkpoint) + pages * (2 * sizeof(uint64_t) + sizeof(bool)) +
	       checkpoints_limit * sizeof(uint32_t) + writes_limit * sizeof(struct difference) +
	       6 * _Alignof(max_align_t);
}

struct vm_checkpoint *vm_checkpoint_create(
	uint32_t pages, uint32_t checkpoints_limit, uint32_t writes_limit, struct vm_arena *arena)
{
	struct vm_checkpoint *memory =
		vm_arena_take(arena, sizeof(*memory), _Alignof(struct vm_checkpoint));

	if (memory == NULL)
		return NULL;
	*memory = (struct vm_checkpoint){
		.pages = pages,
		.checkpoints_limit = checkpoints_limit,
		.writes_limit = writes_limit,
		.contents = vm_arena_take(arena, pages * sizeof(uint64_t), _Alignof(uint64_t)),
		.base = vm_arena_take(arena, pages * sizeof(uint64_t), _Alignof(uint64_t)),
		.written = vm_arena_take(arena, pages * sizeof(bool), 1),
		.end_of = vm_arena_take(
			arena, checkpoints_limit * sizeof(uint32_t), _Alignof(uint32_t)),
		.differences = vm_arena_take(arena, writes_limit * sizeof(struct difference),
			_Alignof(struct difference)),
	};
	if (memory->contents == NULL || memory->base == NULL || memory->written == NULL ||
		memory->end_of == NULL || memory->differences == NULL)
		return NULL;
	return memory;
}

/* Before the first checkpoint nothing is protected, so nothing faults. */
bool vm_checkpoint_write(struct vm_checkpoint *memory, uint32_t page, uint64_t value)
{
	VM_ASSERT(page < memory->pages);
	const bool faults = memory->checkpoints > 0 && !memory->written[page];

	memory->contents[page] = value;
	memory->written[page] = true;
	return faults;
}

bool vm_checkpoint_take(struct vm_checkpoint *memory, struct vm_checkpoint_cost *cost)
{
	const bool is_first = memory->checkpoints == 0;
	uint32_t written = 0;

	for (uint32_t page = 0; page < memory->pages; page++)
		written += memory->written[page];
	if (memory->checkpoints == memory->checkpoints_limit ||
		(!is_first && written > memory->writes_limit - memory->differences_count))
		return false;
	if (is_first)
		memcpy(memory->base, memory->contents, memory->pages * sizeof(uint64_t));
	for (uint32_t page = 0; page < memory->pages && !is_first; page++)
		if (memory->written[page])
			memory->differences[memory->differences_count++] =
				(struct difference){page, memory->contents[page]};
	memory->end_of[memory->checkpoints++] = memory->differences_count;
	memset(memory->written, 0, memory->pages * sizeof(bool));
	*cost = (struct vm_checkpoint_cost){
		.full_pages = memory->pages,
		.incremental_pages = is_first ? memory->pages : written,
		.protected_pages = is_first ? memory->pages : written,
	};
	return true;
}

bool vm_checkpoint_restore(const struct vm_checkpoint *memory, uint32_t number, uint64_t *contents)
{
	if (number >= memory->checkpoints)
		return false;
	memcpy(contents, memory->base, memory->pages * sizeof(uint64_t));
	for (uint32_t i = 0; i < memory->end_of[number]; i++)
		contents[memory->differences[i].page] = memory->differences[i].value;
	return true;
}

uint32_t vm_checkpoint_rewind(const struct vm_checkpoint *memory, vm_checkpoint_bad *bad,
	void *context, uint64_t *contents)
{
	for (uint32_t number = memory->checkpoints; number-- > 0;) {
		(void)vm_checkpoint_restore(memory, number, contents);
		if (!bad(context, contents, memory->pages))
			return number;
	}
	return UINT32_MAX;
}

size_t vm_precopy_bytes(const struct vm_precopy_config *config)
{
	return config->writable_pages * sizeof(uint32_t) + _Alignof(uint32_t);
}

/* Different pages hit by so many writes in the round. */
static uint32_t dirty(const struct vm_precopy_config *config, uint32_t *written_in, uint32_t round,
	uint64_t writes, uint64_t *random)
{
	uint32_t dirtied = 0;

	for (uint64_t i = 0; i < writes && dirtied < config->writable_pages; i++) {
		const uint64_t page = vm_random_below(random, config->writable_pages);
		dirtied += written_in[page] != round;
		written_in[page] = round;
	}
	return dirtied;
}

bool vm_precopy_run(const struct vm_precopy_config *config, struct vm_precopy_round *rounds,
	struct vm_precopy_result *result, struct vm_arena *arena)
{
	uint32_t *written_in =
		vm_arena_take(arena, config->writable_pages * sizeof(uint32_t), _Alignof(uint32_t));
	uint64_t random = config->seed;
	uint32_t to_copy = config->pages;

	VM_ASSERT(config->copied_a_second > 0 && config->writable_pages <= config->pages);
	if (written_in == NULL)
		return false;
	*result = (struct vm_precopy_result){0};
	while (result->rounds < config->rounds_limit && to_copy > config->stop_pages) {
		const uint64_t writes =
			(uint64_t)to_copy * config->written_a_second / config->copied_a_second;
		const uint32_t dirtied =
			config->writable_pages == 0
				? 0
				: dirty(config, written_in, result->rounds + 1, writes, &random);
		rounds[result->rounds++] = (struct vm_precopy_round){
			.copied_pages = to_copy, .dirtied_pages = dirtied, .writes = writes};
		result->copied_pages += to_copy;
		to_copy = dirtied;
	}
	result->converged = to_copy <= config->stop_pages;
	result->stopped_pages = to_copy;
	result->copied_pages += to_copy;
	return true;
}
