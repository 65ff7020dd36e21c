/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard/seam.h"

/* linux:6.12:kernel/printk/printk.c:PRINTK_MESSAGE_MAX and the prefix fit; a longer record would
 * answer EINVAL. */
#define RECORD_BYTES ((size_t)16 << 10)
/* Complaints kept; the first ones are the ones that matter. */
#define LINES_LIMIT 64

static bool read_taint(const char *root, uint64_t *taint)
{
	char text[32];

	return seam_read_text(root, "/proc/sys/kernel/tainted", text, sizeof(text)) >= 0 &&
	       kernel_text_decimal(kernel_text_trimmed(kernel_text_of(text)), taint);
}

void watch_begin(const char *root, struct watch *watch, struct watch_report *report)
{
	*watch = (struct watch){.log = -1};
	*report = (struct watch_report){.log_reason = ""};
	watch->has_taint = read_taint(root, &report->taint_before);
	watch->log = seam_open(root, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	/* From here on: what was said before is not of this run. */
	if (watch->log >= 0 && lseek(watch->log, 0, SEEK_END) < 0) {
		const int failed = -errno;
		seam_close(watch->log, "/dev/kmsg");
		watch->log = failed;
	}
}

static void add_line(struct watch_report *report, struct pool *pool,
	const struct kernel_log_record *record, enum kernel_complaint complaint)
{
	struct watch_line *lines =
		pool_grow(pool, report->lines, report->lines_count, sizeof(*lines));

	lines[report->lines_count++] = (struct watch_line){
		.sequence = record->sequence,
		.time_us = record->time_us,
		.complaint = complaint,
		.text = pool_text_of(pool, record->text.bytes, record->text.length_bytes),
	};
	report->lines = lines;
}

/* One read is one record. EPIPE: the kernel's ring went over what we had not read yet. */
static void read_log(int log, struct pool *pool, struct watch_report *report)
{
	char text[RECORD_BYTES];

	for (;;) {
		struct kernel_log_record record;
		struct kernel_error error;
		const ssize_t length_bytes = seam_read(log, "/dev/kmsg", text, sizeof(text));

		if (length_bytes == -EPIPE) {
			report->log_overran = true;
			continue;
		}
		if (length_bytes <= 0) {
			if (length_bytes != 0 && length_bytes != -EAGAIN)
				report->log_reason = pool_format(
					pool, "/dev/kmsg: %s", strerror((int)-length_bytes));
			return;
		}
		const struct kernel_text whole = {
			.bytes = text, .length_bytes = (size_t)length_bytes};
		if (kernel_log_parse(whole, &record, &error) != 0)
			continue;
		const enum kernel_complaint complaint = kernel_log_complaint(&record);
		if (complaint != KERNEL_COMPLAINT_NONE && report->lines_count < LINES_LIMIT)
			add_line(report, pool, &record, complaint);
	}
}

void watch_look(const struct watch *watch, struct pool *pool, struct watch_report *report)
{
	if (watch->log >= 0)
		read_log(watch->log, pool, report);
}

void watch_end(
	const char *root, struct watch *watch, struct pool *pool, struct watch_report *report)
{
	report->taint_was_read = watch->has_taint && read_taint(root, &report->taint_after);
	if (watch->log < 0) {
		report->log_reason = pool_format(pool, "/dev/kmsg: %s", strerror(-watch->log));
		return;
	}
	watch_look(watch, pool, report);
	report->log_was_read = report->log_reason[0] == '\0';
	seam_close(watch->log, "/dev/kmsg");
	watch->log = -1;
}
