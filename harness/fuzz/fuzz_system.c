/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's release, configuration, cpuinfo, iomem and lru_gen. */
#include <stdlib.h>

#include "kernel/system.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_generations generations = kernel_lru_gen_of(text);
	struct kernel_generation generation;
	struct kernel_release release;
	struct kernel_cpuinfo cpuinfo;
	struct kernel_text value;
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_resource resource;
	struct kernel_error error;

	while (kernel_iomem_next(&lines, &resource, &error) > 0)
		if (resource.last < resource.first)
			abort();
	if (kernel_release_parse(text, &release, &error) == 0 && release.patch > UINT16_MAX)
		abort();
	release = (struct kernel_release){.major = 6, .minor = 1};
	kernel_release_refine(kernel_version_of_debian(text), &release);
	if (release.major != 6 || release.minor != 1 || release.patch > UINT16_MAX)
		abort();
	(void)kernel_config_check(text, &error);
	if (kernel_config_is_yes(text, "CONFIG_KSM") &&
		!kernel_config_find(text, "CONFIG_KSM", &value))
		abort();
	if (kernel_cpuinfo_parse(text, &cpuinfo, &error) == 0) {
		if (cpuinfo.processors_count == 0)
			abort();
		(void)kernel_cpuinfo_has(&cpuinfo, "la57");
	}
	while (kernel_lru_gen_next(&generations, &generation, &error) > 0)
		continue;
	return 0;
}
