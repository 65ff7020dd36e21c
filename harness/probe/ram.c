/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/ram.h"

bool memory_ranges_of(const struct probe_readings *readings, struct memory_ranges *ranges)
{
	const struct probe_reading *first = probe_reading_of(readings, "ram-first", "");
	const struct probe_reading *end = probe_reading_of(readings, "ram-end", "");

	if (first == NULL || end == NULL || first->values_count != end->values_count ||
		first->values_count > MEMORY_RANGES_LIMIT)
		return false;
	ranges->count = first->values_count;
	for (size_t i = 0; i < ranges->count; i++)
		ranges->range[i] = (struct vm_memory_range){
			(uint64_t)first->values[i], (uint64_t)end->values[i]};
	return true;
}
