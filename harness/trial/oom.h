/* SPDX-License-Identifier: Apache-2.0 */
/* What the OOM killer thinks of a process, read together with all that it depends on. */
#ifndef TRIAL_OOM_H
#define TRIAL_OOM_H

#include <sys/types.h>

#include "trial/files.h"

/* The files of one process, opened before measuring. */
struct oom_files {
	struct kernel_file meminfo, status, score, adjustment;
};

struct oom_files oom_files_open(pid_t process);
void oom_files_close(struct oom_files *files);

int64_t oom_score_of(const struct oom_files *files);
/* VmPTE in pages. */
int64_t oom_table_pages_of(const struct oom_files *files);

/* Inputs, the score, and the inputs again; everything is observed at the place. */
void observe_oom(const struct oom_files *files, const char *place);
/* What does not change in a trial: how many CPUs it may run on. */
void observe_oom_trial(void);

/* Writes oom_score_adj of the own process; unmet() where that is not allowed. */
void oom_adjust(int64_t adjustment);

/* The same, and then the score is observed at the adjustment as its place. */
void observe_oom_adjusted(const struct oom_files *files, int64_t adjustment);

#endif
