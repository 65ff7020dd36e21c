/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed swap devices: an own one is added, and nobody's is touched. */
#ifndef GUARD_ZRAM_H
#define GUARD_ZRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "3" and "/dev/zram3", with a number that zram can have. */
bool zram_of_number(const char *text, unsigned *device);
bool zram_of_path(const char *path, unsigned *device);

/* The devices that there are: "0,1," */
void zram_set(const char *root, char *set, size_t capacity_bytes);
bool zram_set_is_legal(const char *set);

/* A new device; its number, or a negative errno. */
int zram_add(const char *root, unsigned *device);
int zram_set_size(const char *root, unsigned device, uint64_t size_bytes);
int zram_remove(const char *root, const char *number);
/*
 * Of a hot_add that was interrupted before its number was known: the devices that are not in the
 * set and that nobody has given a size.
 */
int zram_remove_new(const char *root, const char *set);

#endif
