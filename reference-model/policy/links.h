/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of frames with heads beside them: frame numbers from frames on are heads of lists. */
#ifndef POLICY_LINKS_H
#define POLICY_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct links {
	uint32_t before, after;
};

static inline void links_make_empty(struct links *links, uint32_t head)
{
	links[head] = (struct links){head, head};
}

static inline bool links_is_empty(const struct links *links, uint32_t head)
{
	return links[head].after == head;
}

static inline void links_remove(struct links *links, uint32_t frame)
{
	links[links[frame].before].after = links[frame].after;
	links[links[frame].after].before = links[frame].before;
}

static inline void links_add_first(struct links *links, uint32_t head, uint32_t frame)
{
	const uint32_t first = links[head].after;

	links[frame] = (struct links){.before = head, .after = first};
	links[head].after = frame;
	links[first].before = frame;
}

static inline void links_add_last(struct links *links, uint32_t head, uint32_t frame)
{
	links_add_first(links, links[head].before, frame);
}

#endif
