/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/contents.h"

static uint32_t run_take(struct vm_machine *m, uint32_t start, uint8_t value)
{
	uint32_t run = m->runs.free;

	if (run != NONE)
		m->runs.free = runs_of(m)[run].next;
	else
		run = pool_extend(&m->runs);
	if (run == NONE) {
		m->out_of_room = true;
		return NONE;
	}
	runs_of(m)[run] = (struct run){.start = start, .next = NONE, .value = value};
	return run;
}

static void run_drop(struct vm_machine *m, uint32_t run)
{
	runs_of(m)[run].next = m->runs.free;
	m->runs.free = run;
}

void contents_free(struct vm_machine *m, uint32_t *contents)
{
	for (uint32_t run = *contents; run != NONE;) {
		const uint32_t next = runs_of(m)[run].next;

		run_drop(m, run);
		run = next;
	}
	*contents = NONE;
}

void contents_copy(struct vm_machine *m, uint32_t *to, uint32_t from)
{
	uint32_t *tail = to;

	contents_free(m, to);
	for (uint32_t run = from; run != NONE; run = runs_of(m)[run].next) {
		*tail = run_take(m, runs_of(m)[run].start, runs_of(m)[run].value);
		if (*tail == NONE)
			return;
		tail = &runs_of(m)[*tail].next;
	}
}

bool contents_equal(const struct vm_machine *m, uint32_t one, uint32_t other)
{
	const struct run *runs = runs_of(m);

	while (one != NONE && other != NONE) {
		if (runs[one].start != runs[other].start || runs[one].value != runs[other].value)
			return false;
		one = runs[one].next;
		other = runs[other].next;
	}
	return one == other;
}

uint8_t contents_byte(const struct vm_machine *m, uint32_t contents, uint32_t offset)
{
	uint8_t value = 0;

	for (uint32_t run = contents; run != NONE && runs_of(m)[run].start <= offset;
		run = runs_of(m)[run].next)
		value = runs_of(m)[run].value;
	return value;
}

/* Appends to a chain under construction, keeping neighbours different. */
static void append(
	struct vm_machine *m, uint32_t *first, uint32_t *last, uint32_t start, uint8_t value)
{
	if (*last != NONE && runs_of(m)[*last].value == value)
		return;
	const uint32_t run = run_take(m, start, value);
	if (run == NONE)
		return;
	if (*last == NONE)
		*first = run;
	else
		runs_of(m)[*last].next = run;
	*last = run;
}

void contents_fill(struct vm_machine *m, uint32_t *contents, uint32_t size, uint32_t offset,
	uint32_t end, uint8_t value)
{
	uint32_t first = NONE, last = NONE, old = *contents;
	uint8_t after = 0; /* what stands at end */

	if (offset >= end)
		return;
	if (old == NONE && value == 0)
		return;
	if (old == NONE && offset > 0)
		append(m, &first, &last, 0, 0);
	for (; old != NONE && runs_of(m)[old].start < offset; old = runs_of(m)[old].next) {
		append(m, &first, &last, runs_of(m)[old].start, runs_of(m)[old].value);
		after = runs_of(m)[old].value;
	}
	append(m, &first, &last, offset, value);
	for (; old != NONE && runs_of(m)[old].start <= end; old = runs_of(m)[old].next)
		after = runs_of(m)[old].value;
	if (end < size)
		append(m, &first, &last, end, after);
	for (; old != NONE; old = runs_of(m)[old].next)
		append(m, &first, &last, runs_of(m)[old].start, runs_of(m)[old].value);
	contents_free(m, contents);
	/* All zeros has one spelling: no chain. */
	if (first != NONE && runs_of(m)[first].value == 0 && runs_of(m)[first].next == NONE)
		contents_free(m, &first);
	*contents = first;
}
