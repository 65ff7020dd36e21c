/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the kernel complained while we ran: new warnings, bugs and oopses in its log, and new
 * taint. A run during which the kernel warned is no clean run, whatever its verdicts.
 */
#ifndef GUARD_WATCH_H
#define GUARD_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "kernel/log.h"

struct watch {
	int log; /* /dev/kmsg from where the watch began; -1: could not be read */
	bool has_taint;
};

struct watch_line {
	uint64_t sequence, time_us;
	enum kernel_complaint complaint;
	const char *text;
};

struct watch_report {
	bool log_was_read; /* else log_reason says why not and lines_count is 0 */
	const char *log_reason;
	bool taint_was_read;
	uint64_t taint_before, taint_after;
	/* Records that the kernel's ring had overwritten before we could read them. */
	bool log_overran;
	size_t lines_count;
	const struct watch_line *lines; /* complaints only, in order */
};

/* Never fails: what cannot be read is said in the report. root as in guard_options. */
void watch_begin(const char *root, struct watch *watch, struct watch_report *report);
/* Reads what is new into the report, as often as wanted. Texts live in the pool. */
void watch_look(const struct watch *watch, struct pool *pool, struct watch_report *report);
/* The last look; closes the log. */
void watch_end(
	const char *root, struct watch *watch, struct pool *pool, struct watch_report *report);

#endif
