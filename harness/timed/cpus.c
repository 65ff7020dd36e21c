/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/cpus.h"

#include <sched.h>

#include "trial/trial.h"

unsigned cpus_allow_all(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		CPU_SET(cpu, &all);
	/* The kernel takes those that exist, and that the cpuset has. */
	MUST(sched_setaffinity(0, sizeof(all), &all) == 0);
	MUST(sched_getaffinity(0, sizeof(all), &all) == 0);
	return (unsigned)CPU_COUNT(&all);
}

void cpus_part(bool first)
{
	cpu_set_t all, part;
	size_t first_cpu = CPU_SETSIZE;

	MUST(sched_getaffinity(0, sizeof(all), &all) == 0);
	CPU_ZERO(&part);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		first_cpu = first_cpu == CPU_SETSIZE ? cpu : first_cpu;
		if ((cpu == first_cpu) == first)
			CPU_SET(cpu, &part);
	}
	MUST(CPU_COUNT(&part) != 0 && sched_setaffinity(0, sizeof(part), &part) == 0);
}
