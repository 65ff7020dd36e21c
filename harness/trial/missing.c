/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/missing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm/units.h"

/* linux:6.12:include/uapi/linux/userfaultfd.h: newer than the headers of the oldest build host. */
#define UFFD_MODE_USER 1

int missing_open(uint64_t start, uint64_t length_bytes)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register request = {
		.range = {.start = start, .len = length_bytes},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	const int manager = (int)syscall(SYS_userfaultfd, (long)(O_CLOEXEC | UFFD_MODE_USER));

	if (manager < 0)
		return -errno;
	if (ioctl(manager, UFFDIO_API, &api) == 0 && ioctl(manager, UFFDIO_REGISTER, &request) == 0)
		return manager;
	const int error = errno;
	(void)close(manager);
	return -error;
}

int missing_put(int manager)
{
	static const unsigned char zeros[VM_PAGE_BYTES];
	struct uffd_msg message;
	const ssize_t read_bytes = read(manager, &message, sizeof(message));

	if (read_bytes != sizeof(message) || message.event != UFFD_EVENT_PAGEFAULT)
		return read_bytes < 0 ? -errno : -EPROTO;
	struct uffdio_copy copy = {
		.dst = vm_align_down(message.arg.pagefault.address, VM_PAGE_BYTES),
		.src = (uintptr_t)zeros,
		.len = VM_PAGE_BYTES,
	};
	return ioctl(manager, UFFDIO_COPY, &copy) == 0 ? 0 : -errno;
}
