/* SPDX-License-Identifier: Apache-2.0 */
/* The probes of an executable, collected by the linker, and look-ups by name. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe.h"

/* The linker gives these names to the ends of the section that PROBE() fills. */
extern const struct probe *const __start_probes[] __attribute__((weak));
extern const struct probe *const __stop_probes[] __attribute__((weak));

size_t probe_count(void)
{
	/* Two names of one array, as the linker lays it out; cppcheck cannot know. */
	/* cppcheck-suppress comparePointers */
	return (size_t)(__stop_probes - __start_probes);
}

static int by_name(const void *left, const void *right)
{
	const struct probe *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

const struct probe *probe_at(size_t index)
{
	/* Sorted once: link order is nobody's order, and reports must not depend on it. */
	static const struct probe **sorted;

	assert(index < probe_count());
	if (sorted == NULL) {
		const size_t size_bytes = probe_count() * sizeof(*sorted);
		sorted = malloc(size_bytes);
		if (sorted == NULL)
			abort();
		memcpy(sorted, __start_probes, size_bytes);
		qsort(sorted, probe_count(), sizeof(*sorted), by_name);
	}
	return sorted[index];
}

const struct probe *probe_by_name(const char *name)
{
	for (size_t i = 0; i < probe_count(); i++)
		if (strcmp(probe_at(i)->name, name) == 0)
			return probe_at(i);
	return NULL;
}

static size_t argument_index(const struct probe_arguments *arguments, const char *name)
{
	size_t index = 0;

	while (index < arguments->count && strcmp(arguments->parameters[index].name, name) != 0)
		index++;
	assert(index < arguments->count && "the probe declares every parameter that it asks for");
	return index;
}

int64_t probe_argument(const struct probe_arguments *arguments, const char *name)
{
	return arguments->values[argument_index(arguments, name)];
}

const char *probe_argument_label(const struct probe_arguments *arguments, const char *name)
{
	const size_t index = argument_index(arguments, name);
	const struct probe_parameter *parameter = &arguments->parameters[index];

	for (size_t i = 0; i < parameter->choices_count; i++)
		if (parameter->choices[i] == arguments->values[index])
			return parameter->labels[i];
	return NULL;
}

const struct probe_reading *probe_reading_of(
	const struct probe_readings *readings, const char *quantity, const char *at)
{
	for (size_t i = 0; i < readings->count; i++) {
		const struct probe_reading *reading = &readings->items[i];
		if (strcmp(reading->quantity, quantity) == 0 && strcmp(reading->at, at) == 0)
			return reading;
	}
	return NULL;
}
