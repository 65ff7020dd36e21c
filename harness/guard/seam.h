/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of the guard that can fail passes through here, so that a test can make each of
 * them fail in turn, stop the process at it, or play the kernel behind a folder of plain files.
 *
 * Paths are the host's; root is put before them (guard_options.root). Calls return what the system
 * call returns, or a negative errno instead of -1.
 */
#ifndef GUARD_SEAM_H
#define GUARD_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Asked before each call, with its name and the path concerned (without root, "" if none): an errno
 * to fail with, or 0 to let it through. NULL outside of tests.
 */
typedef int seam_fault_fn(void *context, const char *call, const char *path);
void seam_inject(seam_fault_fn *fault, void *context);
/* For calls that have no wrapper here: 0, or the negative errno to fail with. */
int seam_ask(const char *call, const char *path);

int seam_open(const char *root, const char *path, int flags, mode_t mode);
ssize_t seam_read(int descriptor, const char *path, void *buffer, size_t size_bytes);
/* All of it, or an error. */
int seam_write(int descriptor, const char *path, const void *buffer, size_t size_bytes);
int seam_sync(int descriptor, const char *path);
int seam_truncate(int descriptor, const char *path, uint64_t size_bytes);
int seam_allocate(int descriptor, const char *path, uint64_t size_bytes);
int seam_stat(int descriptor, const char *path, struct stat *status);
void seam_close(int descriptor, const char *path);

int seam_rename(const char *root, const char *from, const char *to);
int seam_unlink(const char *root, const char *path);
int seam_make_folder(const char *root, const char *path, mode_t mode);
int seam_remove_folder(const char *root, const char *path);
int seam_mount(const char *root, const char *path, const char *type, const char *options);
int seam_unmount(const char *root, const char *path);
int seam_swap_on(const char *root, const char *path, int flags);
int seam_swap_off(const char *root, const char *path);

int seam_socket_pair(int pair[2]);
pid_t seam_fork(void);
int seam_process_open(pid_t pid);
int seam_process_kill(int descriptor);

/* Whole small files of the kernel: what was read gets a NUL; the length or a negative errno. */
ssize_t seam_read_text(const char *root, const char *path, char *buffer, size_t capacity_bytes);
int seam_write_text(const char *root, const char *path, const char *text);
bool seam_exists(const char *root, const char *path);

#endif
