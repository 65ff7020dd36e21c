/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What captures are made of: lines of a manifest, and what passes of a file when nothing may be
 * named. What passed once passes again unchanged, or the second filter knows something that the
 * first one let through.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "facts/anonymous.h"
#include "facts/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static const char *const paths[] = {"proc/cmdline", "proc/cpuinfo", "proc/self/cgroup",
	"proc/self/mountinfo", "proc/self/smaps", "proc/self/stat", "proc/self/status",
	"proc/self/uid_map", "proc/slabinfo", "proc/swaps", "proc/sys/kernel/osrelease",
	"mmconform/config", "mmconform/places", "mmconform/topology.xml"};

static void passes_again(const char *path, struct kernel_text text)
{
	POOL_DROPS struct pool pool = {0};
	struct kernel_text once = text;

	if (!anonymous_text(&pool, path, &once))
		abort();
	struct kernel_text twice = once;
	if (!anonymous_text(&pool, path, &twice) || twice.length_bytes != once.length_bytes ||
		memcmp(twice.bytes, once.bytes, once.length_bytes) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	POOL_DROPS struct pool pool = {0};
	struct kernel_text text = {.bytes = (const char *)data, .length_bytes = size_bytes};
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	struct kernel_error error;
	struct source_entry entry;

	while (kernel_line_next(&lines, &line, &error) > 0) {
		if (source_manifest_entry(&pool, line, &entry) &&
			(entry.path[0] == '/' || strstr(entry.path, "..") == entry.path))
			abort();
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		passes_again(paths[i], text);
	/* A path that no row names stays behind, whatever it holds. */
	if (anonymous_text(&pool, "etc/passwd", &text))
		abort();
	return 0;
}
