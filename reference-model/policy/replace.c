/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/core.h"

static const struct policy *const policies[VM_POLICY_LIMIT] = {
	[VM_POLICY_OPT] = &policy_opt,
	[VM_POLICY_FIFO] = &policy_fifo,
	[VM_POLICY_LRU] = &policy_lru,
	[VM_POLICY_LRU_STAMPS] = &policy_lru_stamps,
	[VM_POLICY_CLOCK] = &policy_clock,
	[VM_POLICY_SECOND_CHANCE] = &policy_second_chance,
	[VM_POLICY_TWO_HANDED] = &policy_two_handed,
	[VM_POLICY_DIRTY_CLOCK] = &policy_dirty_clock,
	[VM_POLICY_RANDOM] = &policy_random,
	[VM_POLICY_BUFFERING] = &policy_buffering,
	[VM_POLICY_NRU] = &policy_nru,
	[VM_POLICY_LFU] = &policy_lfu,
	[VM_POLICY_AGEING] = &policy_ageing,
	[VM_POLICY_WORKING_SET] = &policy_working_set,
	[VM_POLICY_WSCLOCK] = &policy_wsclock,
	[VM_POLICY_PFF] = &policy_pff,
	[VM_POLICY_TWO_LIST] = &policy_two_list,
	[VM_POLICY_GENERATIONS] = &policy_generations,
};

static const char *const words[VM_POLICY_LIMIT] = {
#define WORD_ROW(name, word) [VM_POLICY_##name] = (word),
	VM_POLICIES(WORD_ROW)
#undef WORD_ROW
};

const char *vm_policy_word(enum vm_policy policy)
{
	VM_ASSERT(policy < VM_POLICY_LIMIT);
	return words[policy];
}

const char *vm_list_rival_word(enum vm_list_rival rival)
{
	static const char *const rivals[] = {
#define VM_LIST_RIVAL_WORD(name, word) word,
		VM_LIST_RIVALS(VM_LIST_RIVAL_WORD)
#undef VM_LIST_RIVAL_WORD
	};

	VM_ASSERT(rival < VM_LIST_RIVAL_LIMIT);
	return rivals[rival];
}

enum vm_policy vm_policy_of(const char *word)
{
	enum vm_policy policy = 0;

	for (; policy < VM_POLICY_LIMIT; policy++) {
		size_t i = 0;
		while (words[policy][i] != '\0' && words[policy][i] == word[i])
			i++;
		if (words[policy][i] == word[i])
			break;
	}
	return policy;
}

const char *vm_replace_config_problem(const struct vm_replace_config *config)
{
	if (config->policy >= VM_POLICY_LIMIT)
		return "no such policy";
	if (config->pages == 0 || config->pages > VM_REFERENCE_PAGES_LIMIT)
		return "there must be 1 to 2^31 pages";
	if (config->frames == 0 || config->frames >= VM_REFERENCE_PAGES_LIMIT)
		return "there must be 1 to 2^31 - 1 frames";
	switch (config->policy) {
	case VM_POLICY_OPT:
		if (config->future_count != 0 && config->future == NULL)
			return "opt must be told the future";
		return config->future_count >= UINT32_MAX
			       ? "opt looks at most 2^32 - 2 references ahead"
			       : NULL;
	case VM_POLICY_TWO_HANDED:
		return config->hand_gap_frames > config->frames
			       ? "the gap between the hands is larger than the memory"
			       : NULL;
	case VM_POLICY_BUFFERING:
		return config->pool_frames == 0 || config->pool_frames >= config->frames
			       ? "the pool must have at least one frame, and leave one"
			       : NULL;
	case VM_POLICY_WORKING_SET:
		if (config->frames < config->pages)
			return "a working set has no limit: as many frames as pages";
		if (config->window_references > UINT32_MAX)
			return "the window must be below 2^32 references";
		return config->window_references == 0 ? "the window must not be empty" : NULL;
	case VM_POLICY_PFF:
		return config->frames < config->pages
			       ? "page-fault frequency has no limit: as many frames as pages"
			       : NULL;
	case VM_POLICY_FIFO:
	case VM_POLICY_LRU:
	case VM_POLICY_LRU_STAMPS:
	case VM_POLICY_CLOCK:
	case VM_POLICY_SECOND_CHANCE:
	case VM_POLICY_DIRTY_CLOCK:
	case VM_POLICY_RANDOM:
	case VM_POLICY_NRU:
	case VM_POLICY_LFU:
	case VM_POLICY_AGEING:
	case VM_POLICY_WSCLOCK:
	case VM_POLICY_TWO_LIST:
	case VM_POLICY_GENERATIONS:
	case VM_POLICY_LIMIT:
		break;
	}
	return NULL;
}

static size_t seen_words(const struct vm_replace_config *config)
{
	return ((size_t)config->pages + 63) / 64;
}

size_t vm_replace_bytes(const struct vm_replace_config *config)
{
	const size_t pages = config->pages, frames = config->frames;

	VM_ASSERT(vm_replace_config_problem(config) == NULL);
	return sizeof(struct vm_replace) + pages * sizeof(uint32_t) +
	       seen_words(config) * sizeof(uint64_t) + frames * (sizeof(uint32_t) + 1) +
	       policies[config->policy]->state_bytes(config) + 5 * _Alignof(max_align_t);
}

struct vm_replace *vm_replace_create(const struct vm_replace_config *config, struct vm_arena *arena)
{
	VM_ASSERT(vm_replace_config_problem(config) == NULL);
	struct vm_replace *replace =
		vm_arena_take(arena, sizeof(*replace), _Alignof(struct vm_replace));

	if (replace == NULL)
		return NULL;
	*replace = (struct vm_replace){
		.config = *config,
		.policy = policies[config->policy],
		.hand = UINT32_MAX,
		.random = config->seed,
	};
	replace->place_of =
		vm_arena_take(arena, config->pages * sizeof(uint32_t), _Alignof(uint32_t));
	replace->seen =
		vm_arena_take(arena, seen_words(config) * sizeof(uint64_t), _Alignof(uint64_t));
	replace->page_in =
		vm_arena_take(arena, config->frames * sizeof(uint32_t), _Alignof(uint32_t));
	replace->flags = vm_arena_take(arena, config->frames, 1);
	if (replace->place_of == NULL || replace->seen == NULL || replace->page_in == NULL ||
		replace->flags == NULL)
		return NULL;
	memset(replace->page_in, UINT8_MAX, config->frames * sizeof(uint32_t));
	return replace->policy->create(replace, arena) ? replace : NULL;
}

void core_run_slowly(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	struct vm_replace_event event;

	for (size_t i = 0; i < count; i++)
		replace->policy->reference(replace, references[i], &event);
}

void vm_replace_reference(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	*event = (struct vm_replace_event){.victim = VM_NO_PAGE};
	replace->policy->reference(replace, reference, event);
}

void vm_replace_run(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	replace->policy->run(replace, references, count);
}

const struct vm_replace_counts *vm_replace_counts(const struct vm_replace *replace)
{
	return &replace->counts;
}

uint32_t vm_replace_page_in(const struct vm_replace *replace, uint32_t frame)
{
	VM_ASSERT(frame < replace->config.frames);
	return replace->page_in[frame];
}

uint8_t vm_replace_frame_flags(const struct vm_replace *replace, uint32_t frame)
{
	VM_ASSERT(frame < replace->config.frames);
	return replace->flags[frame];
}

uint32_t vm_replace_hand(const struct vm_replace *replace)
{
	return replace->hand;
}

bool vm_replace_is_resident(const struct vm_replace *replace, uint32_t page)
{
	VM_ASSERT(page < replace->config.pages);
	const uint32_t place = replace->place_of[page];
	return place != 0 && (replace->flags[place - 1] & VM_FRAME_IN_POOL) == 0;
}
