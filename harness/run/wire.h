/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines that a trial writes on descriptor 3, checked one by one. Whatever comes over the pipe
 * is hostile until it has passed here: a trial may be the thing that is broken.
 *
 *   {"type":"hello","protocol":1,"subject":"demand.first-touch"}
 *   {"type":"observation","quantity":"minor-faults","at":"","values":[64],"unit":"count",
 *    "witness":"getrusage"}
 *   {"type":"broken","file":"probes/x.c","line":7,"reason":"..."}    the instrument is in doubt
 *   {"type":"unmet","reason":"...","remedy":"..."}                   a need that shows only inside
 *   {"type":"done","observations":1}
 */
#ifndef RUN_WIRE_H
#define RUN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/units.h"

struct pool;

#define WIRE_PROTOCOL		1
#define WIRE_LINE_LIMIT_BYTES	((size_t)1 << 20)
#define WIRE_WORD_LIMIT_BYTES	((size_t)200)
#define WIRE_VALUES_LIMIT	((size_t)1 << 16)
#define WIRE_REASON_LIMIT_BYTES ((size_t)600)

/* One observation; the texts and values live in the pool given to the reader. */
struct observation {
	const char *quantity;
	const char *at;
	const char *witness;
	enum vm_unit unit;
	size_t values_count;
	const int64_t *values;
};

enum wire_state {
	WIRE_SILENT, /* nothing came yet */
	WIRE_OPEN,   /* hello came: observations may follow */
	WIRE_DONE,
	WIRE_UNMET,
	WIRE_BROKEN,  /* the trial says that its instrument is in doubt */
	WIRE_GARBLED, /* a line that no trial of ours writes; reason says which and why */
};

/* What has come so far. The last three states are final: later lines turn them into GARBLED. */
struct wire {
	struct pool *pool;
	const char *subject; /* what hello must name */
	enum wire_state state;
	size_t lines_count;
	size_t observations_count;
	struct observation *observations;
	const char *reason; /* of UNMET, BROKEN and GARBLED */
	const char *remedy; /* of UNMET: how the need can be supplied */
};

/* One line without its newline. Never fails: what cannot be understood is WIRE_GARBLED. */
void wire_line(struct wire *wire, const char *line, size_t length_bytes);

#endif
