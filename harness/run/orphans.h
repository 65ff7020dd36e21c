/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trial leaves behind: the supervisor is the subreaper, so that every descendant of a trial
 * that lost its parent, whatever session or group it went to, becomes a child of ours. Children
 * that we had before the trial are not the trial's.
 */
#ifndef RUN_ORPHANS_H
#define RUN_ORPHANS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ORPHANS_KNOWN_LIMIT 64

struct orphans {
	size_t known_count;
	pid_t known[ORPHANS_KNOWN_LIMIT];
};

/* Becomes the subreaper, and notes the children that there are. 0 or -errno. */
__attribute__((warn_unused_result)) int orphans_note(struct orphans *orphans);

/*
 * Kills and reaps until no unknown child is left. How many had to be killed, or -ETIMEDOUT when
 * some are still there at the deadline (CLOCK_MONOTONIC), or another -errno.
 */
__attribute__((warn_unused_result)) int orphans_end(
	const struct orphans *orphans, uint64_t deadline_ns);

#endif
