/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold one thing: a number, a few numbers, a choice of words, a list of CPUs or nodes.
 */
#ifndef KERNEL_LISTS_H
#define KERNEL_LISTS_H

#include "kernel/text.h"

/* "67584\n", "-1\n"; also "0x0007\n" */
int kernel_integer_parse(struct kernel_text text, int64_t *value, struct kernel_error *error);

/* "256\t256\t32\t0\t0\n": at least one, at most limit. */
int kernel_integers_parse(struct kernel_text text, size_t limit, uint64_t *values, size_t *count,
	struct kernel_error *error);

#define KERNEL_CHOICES_LIMIT 16

/* "always [madvise] never\n" */
struct kernel_choice {
	size_t count;
	size_t chosen; /* index of the word in brackets */
	struct kernel_text words[KERNEL_CHOICES_LIMIT];
};

int kernel_choice_parse(
	struct kernel_text text, struct kernel_choice *choice, struct kernel_error *error);

/* "0-3,8\n": ascending ranges; an empty list is legal ("nodes with CPUs" of none). */
struct kernel_ranges {
	uint64_t count; /* members of all ranges */
	uint64_t highest;
	struct kernel_text text;
};

int kernel_ranges_parse(
	struct kernel_text text, struct kernel_ranges *ranges, struct kernel_error *error);
/* The members in order: begins with *next = 0, returns whether there is one at or after it. */
bool kernel_ranges_next(const struct kernel_ranges *ranges, uint64_t *next, uint64_t *member);

#endif
