/* SPDX-License-Identifier: Apache-2.0 */
/* A script running on this host now: what it sees, step by step, as it comes. */
#ifndef SCENARIO_STREAM_H
#define SCENARIO_STREAM_H

#include <sys/types.h>

#include "scenario/seen.h"
#include "scenario/trial.h"

#define STREAM_REASON_BYTES 300

struct stream {
	pid_t pid;
	int pidfd, words, errors;
	uint64_t *buffer;
	size_t capacity, count; /* words */
	size_t used;		/* words of steps that were given out */
	size_t odd_bytes;	/* of a word that has not come whole */
	bool ended;
	size_t groups_capacity;
	struct seen_group *groups;
	char reason[STREAM_REASON_BYTES];
};

/* 0 or -errno. */
int stream_open(struct stream *stream, const struct script *script, const struct live_looks *looks);

/*
 * All groups of the step; they are good until the next call. False at the end of the stream, and
 * when what comes is not what a live side says: then reason is not empty.
 */
bool stream_step(struct stream *stream, uint32_t step, const struct seen_group **groups,
	size_t *groups_count);

/* Waits for the end; false, and the reason, if the instrument broke. */
bool stream_close(struct stream *stream);

#endif
