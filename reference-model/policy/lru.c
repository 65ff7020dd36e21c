/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Least recently used, both ways the course names: a list in order of use, where every hit moves
 * links (they are counted), and time stamps, where every fault scans the frames. The victims are
 * the same.
 */
#include "policy/core.h"
#include "policy/links.h"

static size_t list_bytes(const struct vm_replace_config *config)
{
	return ((size_t)config->frames + 1) * sizeof(struct links) + _Alignof(struct links);
}

static bool create_list(struct vm_replace *replace, struct vm_arena *arena)
{
	const uint32_t head = replace->config.frames;
	struct links *links =
		vm_arena_take(arena, ((size_t)head + 1) * sizeof(*links), _Alignof(struct links));

	if (links == NULL)
		return false;
	links_make_empty(links, head);
	replace->state = links;
	return true;
}

/* Links written: two of the neighbours left behind, two of the new ones, two of its own. */
#define LINKS_OF_REMOVAL   2
#define LINKS_OF_INSERTION 4

static void move_first(struct vm_replace *replace, uint32_t frame)
{
	struct links *links = replace->state;
	const uint32_t head = replace->config.frames;

	if (links[head].after == frame)
		return;
	links_remove(links, frame);
	links_add_first(links, head, frame);
	replace->counts.pointer_updates += LINKS_OF_REMOVAL + LINKS_OF_INSERTION;
}

/* The last place of the ring is its head: before it the one used longest ago. */
static uint32_t last(struct vm_replace *replace)
{
	struct links *links = replace->state;
	const uint32_t frame = links[replace->config.frames].before;

	replace->counts.scanned++;
	links_remove(links, frame);
	replace->counts.pointer_updates += LINKS_OF_REMOVAL;
	return frame;
}

static void loaded_first(struct vm_replace *replace, uint32_t frame)
{
	links_add_first(replace->state, replace->config.frames, frame);
	replace->counts.pointer_updates += LINKS_OF_INSERTION;
}

static const struct hooks list = {move_first, last, loaded_first};

static void reference_list(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, list);
}

static void run_list(struct vm_replace *replace, const uint32_t *references, size_t count)
{
	core_run(replace, references, count, list);
}

const struct policy policy_lru = {list_bytes, create_list, reference_list, run_list};

static size_t stamps_bytes(const struct vm_replace_config *config)
{
	return (size_t)config->frames * sizeof(uint64_t) + _Alignof(uint64_t);
}

static bool create_stamps(struct vm_replace *replace, struct vm_arena *arena)
{
	replace->state =
		vm_arena_take(arena, replace->config.frames * sizeof(uint64_t), _Alignof(uint64_t));
	return replace->state != NULL;
}

static void stamp(struct vm_replace *replace, uint32_t frame)
{
	uint64_t *stamps = replace->state;

	stamps[frame] = replace->counts.references;
}

static uint32_t smallest_stamp(struct vm_replace *replace)
{
	const uint64_t *stamps = replace->state;
	uint32_t smallest = 0;

	for (uint32_t frame = 1; frame < replace->config.frames; frame++)
		if (stamps[frame] < stamps[smallest])
			smallest = frame;
	replace->counts.scanned += replace->config.frames;
	return smallest;
}

static const struct hooks stamps_hooks = {stamp, smallest_stamp, stamp};

static void reference_stamps(
	struct vm_replace *replace, uint32_t reference, struct vm_replace_event *event)
{
	core_reference(replace, reference, event, stamps_hooks);
}

const struct policy policy_lru_stamps = {
	stamps_bytes, create_stamps, reference_stamps, core_run_slowly};
