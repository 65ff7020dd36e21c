/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "trial/trial.h"

/* linux:6.12:kernel/printk/printk.c:PRINTKRB_RECORD_MAX is what one record can have. */
#define RECORD_BYTES 8192

int kernel_log_open(void)
{
	const int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log < 0)
		unmet("the kernel's log cannot be read",
			"run as root, where /dev/kmsg may be read");
	MUST(lseek(log, 0, SEEK_END) == 0);
	return log;
}

bool kernel_log_next(int log, struct kernel_log_record *record)
{
	static char text[RECORD_BYTES];
	struct kernel_error error;

	for (;;) {
		const ssize_t got = read(log, text, sizeof(text));
		if (got < 0 && errno == EAGAIN)
			return false;
		/* Records that were overwritten before we came to them: go on with the oldest. */
		if (got < 0 && errno == EPIPE)
			continue;
		if (got < 0)
			broken("/dev/kmsg: %s", strerror(errno));
		const struct kernel_text whole = {.bytes = text, .length_bytes = (size_t)got};
		if (kernel_log_parse(whole, record, &error) != 0)
			broken("/dev/kmsg: %s", error.reason);
		return true;
	}
}
