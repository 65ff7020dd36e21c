/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's machine protocol: one command at a time, and its answer. */
#ifndef GUEST_MONITOR_H
#define GUEST_MONITOR_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct monitor {
	int own, inside;    /* ends of a socket: ours, QEMU's */
	FILE *replies;	    /* NULL until the first command */
	bool moved, failed; /* how the last attempt to save or load a state ended, if it did */
};

#define MONITOR_NONE                    \
	{                               \
		.own = -1, .inside = -1 \
	}

/* 0 or a negative errno. */
int monitor_open(struct monitor *monitor) __attribute__((warn_unused_result));
/* In the harness, after the machine has inherited its end. */
void monitor_started(struct monitor *monitor);
void monitor_close(struct monitor *monitor);

/* A command without arguments. False where it is refused, or the machine is gone. */
bool monitor_obeys(struct monitor *monitor, const char *word) __attribute__((warn_unused_result));

/* What a command for people prints, to be freed; NULL when the machine is gone. */
char *monitor_print(struct monitor *monitor, unsigned cpu, const char *format, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result));

/*
 * Saves the state of a machine that was stopped into a file of this process, or loads it into one
 * that was started to wait for it and then stands still. True when all of it is there.
 */
bool monitor_save(struct monitor *monitor, int file) __attribute__((warn_unused_result));
bool monitor_load(struct monitor *monitor, int file) __attribute__((warn_unused_result));

#endif
