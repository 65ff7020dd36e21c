/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/tracking.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux:6.12:include/uapi/linux/fs.h; Debian 12's headers are older. */
struct scan_arguments {
	uint64_t size, flags, start, end, walk_end, regions, regions_count, max_pages;
	uint64_t category_inverted, category_mask, category_any, return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct scan_arguments)
#define SCAN_WP_MATCHING     1
#define SCAN_CHECK_WPASYNC   2

/* linux:6.12:include/uapi/linux/userfaultfd.h */
#define UFFD_WP_UNPOPULATED (UINT64_C(1) << 13)
#define UFFD_WP_ASYNC	    (UINT64_C(1) << 15)
#define UFFD_MODE_USER	    1

int tracking_open(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_WP_UNPOPULATED | UFFD_WP_ASYNC | UFFD_FEATURE_PAGEFAULT_FLAG_WP |
			    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	const int tracker = (int)syscall(SYS_userfaultfd, (long)(O_CLOEXEC | UFFD_MODE_USER));

	if (tracker < 0)
		return -errno;
	if (ioctl(tracker, UFFDIO_API, &api) == 0)
		return tracker;
	const int error = errno;
	(void)close(tracker);
	return -error;
}

int tracking_register(int tracker, uint64_t start, uint64_t length_bytes)
{
	struct uffdio_register request = {
		.range = {.start = start, .len = length_bytes},
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(tracker, UFFDIO_REGISTER, &request) == 0 ? 0 : -errno;
}

int tracking_unregister(int tracker, uint64_t start, uint64_t length_bytes)
{
	struct uffdio_range range = {.start = start, .len = length_bytes};

	return ioctl(tracker, UFFDIO_UNREGISTER, &range) == 0 ? 0 : -errno;
}

int64_t tracking_scan(const struct tracking_scan *scan)
{
	struct scan_arguments arguments = {
		.size = sizeof(arguments),
		.flags = scan->protect ? SCAN_WP_MATCHING | SCAN_CHECK_WPASYNC : 0,
		.start = scan->start,
		.end = scan->start + scan->length_bytes,
		.regions = (uint64_t)(uintptr_t)scan->regions,
		.regions_count = scan->regions_limit,
		.category_mask = (uint64_t)scan->category,
		.return_mask = (uint64_t)scan->category,
	};
	const int found = ioctl(scan->pagemap, PAGEMAP_SCAN_REQUEST, &arguments);

	return found < 0 ? -errno : found;
}
