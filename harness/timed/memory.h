/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a known page size, for what is timed on it. */
#ifndef TIMED_MEMORY_H
#define TIMED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Private and anonymous, of 4 KiB pages, untouched. */
char *memory_small(size_t length_bytes);

/*
 * Aligned to 2 MiB and written: in pages of 2 MiB where huge, else of 4 KiB. NULL when the faults
 * say that the kernel gave another size.
 */
char *memory_touched(size_t length_bytes, bool huge);

/* One byte of each 4 KiB is written, in order. */
void memory_write(char *memory, size_t length_bytes);
/* The same read. */
void memory_read(const char *memory, size_t length_bytes);

/* A file without a name where the trial has its folder, written and synced. */
int memory_disk_file(size_t length_bytes);

/* Its pages leave the page cache; unmet() where they do not, because there is no disk behind it. */
void memory_evict(int file, size_t length_bytes);

#endif
