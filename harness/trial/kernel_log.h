/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log from here on, for what it says of a trial's own processes. */
#ifndef TRIAL_KERNEL_LOG_H
#define TRIAL_KERNEL_LOG_H

#include "kernel/log.h"

/* The descriptor of a reader that stands behind the newest record. */
int kernel_log_open(void);
/* The next record, or false when there is none yet; valid until the next one is read. */
bool kernel_log_next(int log, struct kernel_log_record *record);

#endif
