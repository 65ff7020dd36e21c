/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initramfs of a guest: a cpio archive ("newc") in an anonymous file, so that a killed run
 * leaves nothing on the host's disk.
 */
#ifndef GUEST_IMAGE_H
#define GUEST_IMAGE_H

#include <stddef.h>

struct image {
	int descriptor;	     /* of the anonymous file */
	unsigned next_inode; /* archives number their members */
};

/* All return 0 or a negative errno; members are written in the order of the calls, and a folder
 * must come before what is in it. */
int image_open(struct image *image) __attribute__((warn_unused_result));
void image_close(struct image *image);
int image_add_folder(struct image *image, const char *path) __attribute__((warn_unused_result));
int image_add_text(struct image *image, const char *path, const void *bytes, size_t size_bytes)
	__attribute__((warn_unused_result));
/* source is a file of the host; an executable one stays executable. Folders on the way are made. */
int image_add_file(struct image *image, const char *path, const char *source)
	__attribute__((warn_unused_result));
/* Every regular file below a folder of the host. */
int image_add_tree(struct image *image, const char *path, const char *source)
	__attribute__((warn_unused_result));
int image_finish(struct image *image) __attribute__((warn_unused_result));

#endif
