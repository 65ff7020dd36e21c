/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Belady's optimum: what is used again last, goes (paper:Belady 1966).
 *
 * The moments of the next uses of all resident pages are a set of integers, and what is wanted is
 * its largest. A tree of bit words, 64 moments a leaf, finds it in as many steps as the logarithm
 * to base 64: four for sixteen million references. Pages that never come again wait in a queue of
 * their own and go first, in the order in which they were used last.
 */
#include "policy/core.h"

#define NEVER	     UINT32_MAX
#define LEVELS_LIMIT 6

struct opt {
	uint32_t *next_use; /* by reference */
	unsigned levels;
	uint64_t *words[LEVELS_LIMIT]; /* level 0 has a bit for each moment */
	uint32_t never_first, never_count;
	uint32_t *never; /* frames, as a ring */
};

static size_t level_words(size_t moments)
{
	return (moments + 63) / 64;
}

static size_t opt_bytes(const struct vm_replace_config *config)
{
	size_t size_bytes = sizeof(struct opt) + config->future_count * sizeof(uint32_t) +
			    config->frames * sizeof(uint32_t);
	size_t words = config->future_count;

	do {
		words = level_words(words == 0 ? 1 : words);
		size_bytes += words * sizeof(uint64_t);
	} while (words > 1);
	return size_bytes + (LEVELS_LIMIT + 3) * _Alignof(max_align_t);
}

/* Backwards through the future; place_of serves as "seen next at", and is cleared again. */
static void find_next_uses(struct vm_replace *replace, struct opt *opt)
{
	const uint32_t *future = replace->config.future;

	for (size_t i = replace->config.future_count; i-- > 0;) {
		const uint32_t page = vm_reference_page(future[i]);

		VM_ASSERT(page < replace->config.pages);
		opt->next_use[i] =
			replace->place_of[page] == 0 ? NEVER : replace->place_of[page] - 1;
		replace->place_of[page] = (uint32_t)i + 1;
	}
	memset(replace->place_of, 0, replace->config.pages * sizeof(uint32_t));
}

static bool create(struct vm_replace *replace, struct vm_arena *arena)
{
	struct opt *opt = vm_arena_take(arena, sizeof(*opt), _Alignof(struct opt));
	size_t words = replace->config.future_count;

	if (opt == NULL)
		return false;
	opt->next_use = vm_arena_take(
		arena, replace->config.future_count * sizeof(uint32_t), _Alignof(uint32_t));
	opt->never =
		vm_arena_take(arena, replace->config.frames * sizeof(uint32_t), _Alignof(uint32_t));
	if (opt->next_use == NULL || opt->never == NULL)
		return false;
	do {
		words = level_words(words == 0 ? 1 : words);
		opt->words[opt->levels] =
			vm_arena_take(arena, words * sizeof(uint64_t), _Alignof(uint64_t));
		if (opt->words[opt->levels++] == NULL)
			return false;
	} while (words > 1);
	replace->state = opt;
	find_next_uses(replace, opt);
	return true;
}

static inline void add_moment(struct opt *opt, size_t moment)
{
	for (unsigned level = 0; level < opt->levels; level++) {
		uint64_t *word = &opt->words[level][moment / 64];
		const bool was_empty = *word == 0;

		*word |= UINT64_C(1) << moment % 64;
		if (!was_empty)
			return;
		moment /= 64;
	}
}

static inline size_t take_last_moment(struct opt *opt)
{
	size_t index = 0;

	for (unsigned level = opt->levels; level-- > 0;) {
		const uint64_t word = opt->words[level][index];
		index = index * 64 + (63 - (size_t)__builtin_clzll(word));
	}
	size_t moment = index;
	for (unsigned level = 0; level < opt->levels; level++) {
		uint64_t *word = &opt->words[level][moment / 64];

		*word &= ~(UINT64_C(1) << moment % 64);
		if (*word != 0)
			break;
		moment /= 64;
	}
	return index;
}

/* Moments that are past stay in the set: they are below all others and never found. */
static void used(struct vm_replace *replace, uint32_t frame)
{
	struct opt *opt = replace->state;
	const uint64_t now = replace->counts.references;

	VM_ASSERT(now < replace->config.future_count);
	VM_ASSERT(vm_reference_page(replace->config.future[now]) == replace->page_in[frame]);
	if (opt->next_use[now] != NEVER) {
		add_moment(opt, opt->next_use[now]);
		return;
	}
	const uint64_t end = (uint64_t)opt->never_first + opt->never_count++;
	opt->never[end % replace->config.frames] = frame;
}

static uint32_t used_again_last(struct vm_replace *replace)
{
	struct opt *opt = replace->state;

	replace->counts.scanned++;
	if (opt->never_count != 0) {
		const uint32_t frame = opt->never[opt->never_first];
		opt->never_first =
			opt->never_first + 1 == replace->config.frames ? 0 : opt->never_first + 1;
		opt->never_count--;
		return frame;
	}
	const size_t moment = take_last_moment(opt);
	return replace->place_of[vm_reference_page(replace->config.future[moment])] - 1;
}

static const struct hooks hooks = {used, used_again_last, used};

static void reference(
	struct vm_replace *replace, uint32_t one_reference, struct vm_replace_event *event)
{
	core_reference(replace, one_reference, event, hooks);
}

static void run(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	core_run(replace, references, count, hooks);
}

const struct policy policy_opt = {opt_bytes, create, reference, run};
