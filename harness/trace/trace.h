/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference strings for the simulators: read from a command line or a file, or generated from a
 * seed. Page numbers of any size become dense ones; their own names are kept for drawing.
 *
 * Files are hostile until parsed: an error is one message with the file, the line or the byte, and
 * the reason.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vm/intern.h"

enum trace_format {
	TRACE_NUMBERS, /* text: numbers, each optionally with r or w behind it; # begins a comment
			*/
	TRACE_U32,     /* page numbers, little-endian */
	TRACE_U64,
	TRACE_LACKEY, /* valgrind --tool=lackey --trace-mem=yes: addresses */
	TRACE_ORACLE, /* libCacheSim's oracleGeneral: u32 time, u64 object, u32 size, i64 next use
		       */
	TRACE_FORMAT_LIMIT,
};

const char *trace_format_word(enum trace_format format);
/* TRACE_FORMAT_LIMIT where there is no such word. */
enum trace_format trace_format_of(const char *word);

/* All zeros is an empty trace. */
struct trace {
	uint32_t *references; /* dense, top bit: a write */
	size_t count, capacity;
	struct vm_intern intern; /* keys[page] is the page's own number */
	void *intern_memory;
};

struct trace_options {
	unsigned page_shift;	  /* addresses of lackey become pages by this */
	bool instructions;	  /* lackey: fetches count too */
	uint64_t most_references; /* more than this is an error, not a full memory */
};

#define TRACE_MOST_REFERENCES (UINT64_C(1) << 28)

void trace_drop(struct trace *trace);
#define TRACE_DROPS __attribute__((cleanup(trace_drop)))

/* Adds a reference by the page's own number. False when there is no room for more pages. */
bool trace_add(struct trace *trace, uint64_t page, bool writes);

/* Each false after one message on stderr; name is what the message calls the input. */
bool trace_read(struct trace *trace, FILE *stream, const char *name, enum trace_format format,
	const struct trace_options *options);
bool trace_read_file(struct trace *trace, const char *path, enum trace_format format,
	const struct trace_options *options);
bool trace_read_text(struct trace *trace, const char *text, const struct trace_options *options);

/*
 * KIND:NAME=VALUE,...: uniform, zipf, loop, scan, phases, hot (80/20). Parameters: pages, count,
 * seed, writes (per cent), exponent (zipf), phases and hot (phases), part and share (hot).
 */
bool trace_generate(struct trace *trace, const char *what, const struct trace_options *options);

/* Distinct pages. */
static inline uint32_t trace_pages(const struct trace *trace)
{
	return trace->intern.count;
}

#endif
