/* SPDX-License-Identifier: Apache-2.0 */
#include "run/divide.h"

#include <stdio.h>

#include "base/guest_port.h"

/* A clone costs half a second, and a case a tenth. */
#define PART_CASES_LEAST 16

static size_t parts_worthwhile(const struct plan *plan)
{
	for (size_t i = 0; i < plan->cases.count; i++)
		if (plan->cases.items[i].check->timed)
			return 1;
	return plan->cases.count / PART_CASES_LEAST;
}

struct share divide_launches(const struct plan *plan, unsigned most)
{
	const struct share whole = {0, 1};
	const size_t worthwhile = parts_worthwhile(plan);
	uint64_t answer[2];
	char line[32];

	if (worthwhile < most)
		most = (unsigned)worthwhile;
	if (most < 2 || !guest_port_begin())
		return whole;
	(void)snprintf(line, sizeof(line), "d %x\n", most);
	const size_t count = guest_port_ask(line, answer, 2);
	guest_port_end();
	if (count != 2 || answer[1] == 0 || answer[1] > most || answer[0] >= answer[1])
		return whole;
	return (struct share){(unsigned)answer[0], (unsigned)answer[1]};
}
