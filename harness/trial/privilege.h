/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges that a trial gives away, to see what the kernel makes of those without. */
#ifndef TRIAL_PRIVILEGE_H
#define TRIAL_PRIVILEGE_H

#include <stdbool.h>

enum privilege { PRIVILEGE_SYS_ADMIN, PRIVILEGE_SYS_RESOURCE, PRIVILEGE_IPC_LOCK };

/* In the effective set of the calling process. */
bool privilege_held(enum privilege privilege);
/* From the effective and permitted sets; not held is dropped already. */
void privilege_drop(enum privilege privilege);

#endif
