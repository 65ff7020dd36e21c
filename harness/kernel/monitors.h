/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of DAMON, whoever started it: sysfs, a module, the kernel itself. It clears the
 * reference bits of what it watches, and its schemes may take pages away. Its threads have one
 * name: linux:6.12:mm/damon/core.c:__damon_start
 */
#ifndef KERNEL_MONITORS_H
#define KERNEL_MONITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct monitor {
	pid_t thread;
	char name[32];
};

/*
 * The first of them, at most limit, and how many there are. False where the threads of the kernel
 * cannot be seen, as in a PID namespace: then nobody knows.
 */
bool monitors_find(struct monitor *monitors, size_t limit, size_t *count);

#endif
