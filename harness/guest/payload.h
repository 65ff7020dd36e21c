/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into a guest's initramfs: this build, the libraries it links, data, modules. */
#ifndef GUEST_PAYLOAD_H
#define GUEST_PAYLOAD_H

#include "base/guest_paths.h"
#include "guest/boot.h"
#include "guest/image.h"

/* Adds everything to an open image; on failure why holds one line. Returns 0 or a negative errno.
 */
int payload_add(struct image *image, const struct guest *guest, const struct guest_kernel *kernel,
	char *why, size_t why_bytes) __attribute__((warn_unused_result));

#endif
