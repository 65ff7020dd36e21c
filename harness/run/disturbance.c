/* SPDX-License-Identifier: Apache-2.0 */
#include "run/disturbance.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/values.h"

#define TEXT_BYTES ((size_t)64 * 1024)
#define NAME_BYTES 32

/* Names in /proc/vmstat; a counter kept per zone is the sum of those that start with it. */
static const struct {
	const char *name;
	enum launch_disturbance counter;
	bool by_zone;
} events[] = {
	{"thp_fault_fallback", LAUNCH_THP_FAULT_FALLBACK, false},
	{"compact_stall", LAUNCH_COMPACT_STALL, false},
	{"allocstall_", LAUNCH_ALLOCATION_STALL, true},
	{"pswpout", LAUNCH_SWAPPED_OUT, false},
};

#define EVENTS_COUNT (sizeof(events) / sizeof(events[0]))

static struct kernel_text read_text(const char *path, char *buffer)
{
	struct kernel_text text = {.bytes = buffer};
	FILE *file = fopen(path, "re");

	if (file != NULL) {
		text.length_bytes = fread(buffer, 1, TEXT_BYTES, file);
		(void)fclose(file);
	}
	return text;
}

static void add_event(const struct kernel_value *value, int64_t *counters)
{
	for (size_t i = 0; i < EVENTS_COUNT; i++) {
		const bool is_it = events[i].by_zone
					   ? kernel_text_starts(value->name, events[i].name)
					   : kernel_text_is(value->name, events[i].name);
		int64_t *counter = &counters[events[i].counter];
		if (is_it)
			*counter = (*counter < 0 ? 0 : *counter) + (int64_t)value->value;
	}
}

static void read_events(char *buffer, int64_t *counters)
{
	struct kernel_values values;
	struct kernel_error error;

	if (kernel_vmstat_parse(read_text("/proc/vmstat", buffer), &values, &error) != 0)
		return;
	for (size_t i = 0; i < values.count; i++)
		add_event(&values.items[i], counters);
}

/* The eighth figure of a cpu's line (kernel-doc:6.12:Documentation/filesystems/proc.rst). */
static void read_steal(int cpu, char *buffer, int64_t *counters)
{
	static const size_t figures_before = 7;
	struct kernel_lines lines = kernel_lines_of(read_text("/proc/stat", buffer));
	struct kernel_text line, word;
	struct kernel_error error;
	char wanted[NAME_BYTES] = "cpu";
	uint64_t figure = 0;

	if (cpu >= 0)
		(void)snprintf(wanted, sizeof(wanted), "cpu%d", cpu);
	while (kernel_line_next(&lines, &line, &error) == 1) {
		if (!kernel_word_next(&line, &word) || !kernel_text_is(word, wanted))
			continue;
		for (size_t i = 0; i < figures_before; i++)
			if (!kernel_number_next(&line, &figure))
				return;
		if (kernel_number_next(&line, &figure))
			counters[LAUNCH_STEAL_TICKS] = (int64_t)figure;
		return;
	}
}

void disturbance_read(int cpu, struct disturbance_counters *counters)
{
	for (size_t i = 0; i < LAUNCH_DISTURBANCE_LIMIT; i++)
		counters->value[i] = -1;
	char *buffer = malloc(TEXT_BYTES);
	/* Without memory for looking nothing is known of disturbances; that is what -1 says. */
	if (buffer == NULL)
		return;
	read_events(buffer, counters->value);
	read_steal(cpu, buffer, counters->value);
	free(buffer);
}

void disturbance_between(const struct disturbance_counters *before,
	const struct disturbance_counters *after, const struct rusage *usage,
	int64_t disturbance[LAUNCH_DISTURBANCE_LIMIT])
{
	for (size_t i = 0; i < LAUNCH_DISTURBANCE_LIMIT; i++)
		disturbance[i] = before->value[i] < 0 || after->value[i] < 0
					 ? -1
					 : after->value[i] - before->value[i];
	disturbance[LAUNCH_INVOLUNTARY_SWITCHES] = usage->ru_nivcsw;
	disturbance[LAUNCH_MAJOR_FAULTS] = usage->ru_majflt;
}
