/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a program with nothing of ours in it: no mapping, no page table, no signal handler, no
 * descriptor but the four it is given, no variable of our environment. A fork would hand all of
 * that down, and it is what trials measure.
 */
#ifndef RUN_SPAWN_H
#define RUN_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn {
	const char *path;
	const char *const *argv;  /* NULL-ended */
	const char *directory;	  /* becomes the working directory and $TMPDIR */
	int input, error, report; /* become 0, 1 and 2, 3 */
	uint64_t address_space_limit_bytes, processes_limit; /* 0: as inherited */
	bool pinned;
	unsigned cpu;
	bool randomize_layout;
	const char *oom_score_adj;
	const char *const *join; /* files to write "0" to; NULL or NULL-ended */
};

/* What the child could not do before exec. */
struct spawn_failure {
	const char *step, *subject;
	int error; /* errno */
};

/*
 * 0 with the child running, or -errno: of clone when failure->step is NULL, else of that step in
 * the child, which is then gone. The child is its own session, dies with the calling thread, and
 * must be waited for by pid.
 */
__attribute__((warn_unused_result)) int spawn(
	const struct spawn *spawn, pid_t *pid, int *pidfd, struct spawn_failure *failure);

#endif
