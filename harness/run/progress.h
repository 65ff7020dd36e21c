/* SPDX-License-Identifier: Apache-2.0 */
/* How far a run is, on stderr: one line that is redrawn on a terminal, and nothing elsewhere. */
#ifndef RUN_PROGRESS_H
#define RUN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool on_terminal;
	size_t done, total;
	int64_t started_ns, drawn_ns;
};

void progress_begin(struct progress *progress, size_t total);
/* Before a case. */
void progress_case(struct progress *progress, const char *id);
void progress_end(struct progress *progress);

#endif
