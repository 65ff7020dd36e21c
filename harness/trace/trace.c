/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "vm/replace.h"

#define FIRST_PAGES	 1024
#define FIRST_REFERENCES 8192

static void *grown(void *memory, size_t size_bytes)
{
	void *larger = realloc(memory, size_bytes);

	if (larger == NULL) {
		message("no memory for a reference string of this length");
		abort();
	}
	return larger;
}

void trace_drop(struct trace *trace)
{
	free(trace->references);
	free(trace->intern_memory);
	*trace = (struct trace){0};
}

/* Twice as many pages; the numbers given out so far stay. */
static void grow_intern(struct trace *trace)
{
	const uint32_t limit = trace->intern.limit == 0 ? FIRST_PAGES : trace->intern.limit * 2;
	const size_t size_bytes = vm_intern_bytes(limit);
	void *memory = grown(NULL, size_bytes);
	struct vm_arena arena = vm_arena_over(memory, size_bytes);
	struct vm_intern larger;

	if (!vm_intern_create(&larger, limit, &arena))
		abort();
	for (uint32_t page = 0; page < trace->intern.count; page++)
		(void)vm_intern_number(&larger, trace->intern.keys[page]);
	free(trace->intern_memory);
	trace->intern_memory = memory;
	trace->intern = larger;
}

bool trace_add(struct trace *trace, uint64_t page, bool writes)
{
	uint32_t number =
		trace->intern.limit == 0 ? VM_INTERN_FULL : vm_intern_number(&trace->intern, page);

	if (number == VM_INTERN_FULL) {
		if (trace->intern.limit >= VM_REFERENCE_PAGES_LIMIT / 2)
			return false;
		grow_intern(trace);
		number = vm_intern_number(&trace->intern, page);
	}
	if (trace->count == trace->capacity) {
		trace->capacity = trace->capacity == 0 ? FIRST_REFERENCES : trace->capacity * 2;
		trace->references =
			grown(trace->references, trace->capacity * sizeof(trace->references[0]));
	}
	trace->references[trace->count++] = number | (writes ? VM_REFERENCE_WRITES : 0);
	return true;
}

static const char *const words[TRACE_FORMAT_LIMIT] = {
	[TRACE_NUMBERS] = "numbers",
	[TRACE_U32] = "u32",
	[TRACE_U64] = "u64",
	[TRACE_LACKEY] = "lackey",
	[TRACE_ORACLE] = "oracle",
};

const char *trace_format_word(enum trace_format format)
{
	return words[format];
}

enum trace_format trace_format_of(const char *word)
{
	enum trace_format format = 0;

	while (format < TRACE_FORMAT_LIMIT && strcmp(words[format], word) != 0)
		format++;
	return format;
}
