/* SPDX-License-Identifier: Apache-2.0 */
/* How far a run is, on stderr: one line that is redrawn on a terminal, a line a check elsewhere. */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool on_terminal, silent;
	size_t done, total;
	int64_t started_ns, drawn_ns;
};

void progress_begin(struct progress *progress, size_t total, bool silent);
/* Before a case. */
void progress_case(struct progress *progress, const char *id);
/* After the last case of a check. */
void progress_check_done(struct progress *progress, const char *check);
void progress_end(struct progress *progress);

#endif
