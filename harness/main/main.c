/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "probe/probe.h"

int main(void)
{
	(void)printf("mmconform: %zu probes\n", probe_count());
	return 0;
}
