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

void frames_of(int pagemap, const void *address, size_t count, uint64_t *frames)
{
	const uint64_t page = (uintptr_t)address >> VM_PAGE_SHIFT;
	const size_t size_bytes = count * sizeof(frames[0]);

	MUST(pread(pagemap, frames, size_bytes, (off_t)(page * sizeof(frames[0]))) ==
		(ssize_t)size_bytes);
	for (size_t i = 0; i < count; i++) {
		const struct kernel_pagemap_entry decoded = kernel_pagemap_decode(frames[i]);
		MUST(decoded.present && decoded.frame != 0);
		frames[i] = decoded.frame;
	}
}

uint64_t frame_of(int pagemap, const void *address)
{
	uint64_t frame;

	frames_of(pagemap, address, 1, &frame);
	return frame;
}
