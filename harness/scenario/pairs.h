/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A one-to-one relation between numbers of the model (frames, swap slots) and of the kernel. It is
 * built anew after every step from what is mapped then; what was related before and still is must
 * be related the same way.
 */
#ifndef SCENARIO_PAIRS_H
#define SCENARIO_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pairs_slot {
	uint64_t key, value;
	uint32_t epoch;
};

/* Open addressing; slots of other epochs are empty, so that a new epoch costs nothing. */
struct pairs_side {
	size_t slots_count, used_count; /* a power of two */
	uint32_t epoch;
	struct pairs_slot *slots;
};

struct pairs {
	struct pairs_side of_model[2], of_kernel; /* this epoch's and the last one's */
	unsigned now;				  /* index into of_model */
};

void pairs_start(struct pairs *pairs);
void pairs_drop(struct pairs *pairs);
/* A new epoch. What the last one knew is what "before" means. */
void pairs_renew(struct pairs *pairs);
/* The same epoch once more: a comparison is tried again. */
void pairs_retry(struct pairs *pairs);

enum pairs_answer {
	PAIRS_FITS,
	PAIRS_MODEL_ELSEWHERE,	/* the model's number stands for another one of the kernel's */
	PAIRS_KERNEL_ELSEWHERE, /* the kernel's number already stands for another of the model's */
	PAIRS_MOVED,		/* it stood for another one before this step */
};

/* other: the number that is in the way. */
enum pairs_answer pairs_relate(
	struct pairs *pairs, uint64_t of_model, uint64_t of_kernel, uint64_t *other);

#endif
