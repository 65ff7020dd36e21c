/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel files as a trial reads them: opened and given memory once, so that reading one again takes
 * no fault and allocates nothing.
 */
#ifndef TRIAL_FILES_H
#define TRIAL_FILES_H

#include "kernel/text.h"

struct kernel_file {
	const char *path; /* as given: it must outlive the file */
	int descriptor;
	char *bytes;
	size_t capacity_bytes;
};

#define KERNEL_FILE_USUAL_BYTES ((size_t)1 << 16)
#define KERNEL_FILE_LARGE_BYTES ((size_t)1 << 20)

/* Failing to open, or text that does not fit, ends the trial as broken. */
struct kernel_file kernel_file_open(const char *path, size_t capacity_bytes);
/* False where there is no such file, or no right to read it. */
bool kernel_file_try_open(const char *path, size_t capacity_bytes, struct kernel_file *file);
/* From its beginning; valid until the file is read again. */
struct kernel_text kernel_file_read(const struct kernel_file *file);
/* The file is one number. */
int64_t kernel_file_number(const struct kernel_file *file);
void kernel_file_close(struct kernel_file *file);

/* Opens, reads all of it into the caller's buffer and closes. */
struct kernel_text kernel_small_text_at(const char *path, char *bytes, size_t capacity_bytes);

/* Opens, reads one number and closes. */
int64_t kernel_number_at(const char *path);

/* Whether a word of the kernel's command line begins so. */
bool started_with(const char *prefix);

/* One write of the text: 0 or the errno, for writes whose refusal is an observation. */
int kernel_write(const char *path, const char *text);

/*
 * A file on a disk, empty and without a name, in the trial's folder. Where that folder is in
 * memory, whose pages are neither dropped nor reclaimed like a file's, the trial ends as unmet.
 */
int disk_file(void);

/* A file in memory, empty; executable only if so asked, which kernels since 6.3 want to be told. */
int memory_file(bool executable);

/* Pages of 4 KiB from here on; a kernel without huge pages does not know the advice. */
void small_pages(void *memory, size_t length_bytes);

/*
 * Whether there is swap, and all of it takes a page before the call returns (SWP_SYNCHRONOUS_IO):
 * linux:6.12:drivers/block/zram/zram_drv.c, drivers/block/brd.c
 */
bool swap_is_synchronous(void);

/* One value of a file of named values, which must be there: /proc/meminfo, /proc/vmstat. */
int64_t kernel_meminfo_value(struct kernel_text text, const char *name);
int64_t kernel_vmstat_value(struct kernel_text text, const char *name);

#endif
