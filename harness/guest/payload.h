/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into a guest's initramfs: this build, the libraries it links, data, modules. */
#ifndef GUEST_PAYLOAD_H
#define GUEST_PAYLOAD_H

#include "guest/boot.h"
#include "guest/image.h"

/* Where things are inside the guest; harness/init reads the same names. */
#define GUEST_PROGRAM_PATH   "/mmconform/bin/mmconform"
#define GUEST_DATA_PATH	     "/mmconform/share"
#define GUEST_ARGUMENTS_PATH "/mmconform/arguments"
#define GUEST_MODULES_PATH   "/mmconform/modules"
/* That it is there says that the third serial port has an oracle behind it (guest/oracle.h). */
#define GUEST_ORACLE_PATH "/mmconform/oracle"

/* Adds everything to an open image; on failure why holds one line. Returns 0 or a negative errno.
 */
int payload_add(struct image *image, const struct guest *guest, const struct guest_kernel *kernel,
	char *why, size_t why_bytes) __attribute__((warn_unused_result));

#endif
