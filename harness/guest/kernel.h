/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to boot: a kernel image named by a path, by a Debian package, or by an installed release,
 * with what else is known of it. Only the image is needed; a kernel without a configuration or
 * modules runs too.
 */
#ifndef GUEST_KERNEL_H
#define GUEST_KERNEL_H

#include <limits.h>
#include <stddef.h>

#define GUEST_MODULES_LIMIT 48

struct guest_kernel {
	char image[PATH_MAX];
	char release[128];	/* as the image itself says it */
	char config[PATH_MAX];	/* "": none at hand */
	char modules[PATH_MAX]; /* folder lib/modules/RELEASE; "": none at hand */
};

/*
 * Fills kernel from name, or writes one line on why not and returns false. A package that is not
 * unpacked yet is downloaded by apt-get into cache, which needs no privileges.
 */
_Bool guest_kernel_find(struct guest_kernel *kernel, const char *name, const char *cache, char *why,
	size_t why_bytes);

/*
 * The module files for what the guest wants of its kernel (a block device with a file system, a
 * compressed swap device), dependencies first; names not found are left out: they are built in, or
 * the guest does without. Returns how many paths were written.
 */
size_t guest_kernel_modules(
	const struct guest_kernel *kernel, char paths[GUEST_MODULES_LIMIT][PATH_MAX]);

/*
 * The release that a bzImage carries, read from its set-up header: kernel-doc:arch/x86/boot.rst,
 * field kernel_version. Returns false when the file is no bzImage.
 */
_Bool guest_kernel_release(const char *image, char *release, size_t release_bytes);

#endif
