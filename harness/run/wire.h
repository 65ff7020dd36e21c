/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trial says on descriptor 3, checked line by line: the right lines in the right order. The
 * lines themselves are the record's (record/line.h):
 *
 *   hello observation... (done | broken | unmet)
 *
 * What comes over the pipe is hostile until it has passed here: the trial may be what is broken.
 */
#ifndef RUN_WIRE_H
#define RUN_WIRE_H

#include <stddef.h>

#include "base/pool.h"
#include "record/line.h"

#define WIRE_PROTOCOL 1

enum wire_state {
	WIRE_SILENT, /* nothing came yet */
	WIRE_OPEN,   /* hello came: observations may follow */
	WIRE_DONE,
	WIRE_UNMET,
	WIRE_BROKEN,  /* the trial says that its instrument is in doubt */
	WIRE_GARBLED, /* not what a trial of ours says; reason says which line and why */
};

/* What has come so far; pool and subject are set by the reader, the rest starts as zeros. */
struct wire {
	struct pool *pool;
	const char *subject; /* what hello must name */
	enum wire_state state;
	size_t lines_count;
	size_t observations_count;
	struct record_observation *observations;
	const char *reason; /* of UNMET, BROKEN and GARBLED */
	const char *remedy; /* of UNMET: how the need can be supplied */
};

/* One line without its newline. What cannot be understood makes the wire garbled, for good. */
void wire_line(struct wire *wire, const char *line, size_t length_bytes);

/* The reader of the pipe found something wrong itself: too much, or a line without an end. */
void wire_garbled(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
