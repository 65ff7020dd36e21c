/* SPDX-License-Identifier: Apache-2.0 */
/* Dumps of CPUID: whatever the leaves say, the facts stay in their bounds. */
#include <stdlib.h>
#include <string.h>

#include "facts/cpuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static struct cpuid_leaves leaves;
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_error error;
	struct vm_cpu_facts cpu;
	char name[CPUID_NAME_BYTES];

	if (cpuid_parse(text, &leaves, &error) < 0)
		return 0;
	cpuid_decode(&leaves, &cpu);
	if (cpu.tlb_count > VM_TLB_FACTS_LIMIT)
		abort();
	for (size_t i = 0; i < cpu.tlb_count; i++) {
		if (cpu.tlb[i].entries == 0 || cpu.tlb[i].pages_mask == 0)
			abort();
	}
	cpuid_name(&leaves, name);
	cpuid_hypervisor(&leaves, name);
	if (strlen(name) >= CPUID_NAME_BYTES)
		abort();
	return 0;
}
