/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/frames.h"

#include <fcntl.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "trial/trial.h"

int frames_open(void)
{
	const int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	MUST(pagemap >= 0);
	return pagemap;
}

uint64_t frame_of(int pagemap, const void *address)
{
	const uint64_t page = (uintptr_t)address >> VM_PAGE_SHIFT;
	uint64_t entry = 0;

	MUST(pread(pagemap, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) ==
		(ssize_t)sizeof(entry));
	const struct kernel_pagemap_entry decoded = kernel_pagemap_decode(entry);
	MUST(decoded.present && decoded.frame != 0);
	return decoded.frame;
}
