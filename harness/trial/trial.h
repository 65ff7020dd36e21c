/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measure() and control() may use. Observations go to a buffer populated beforehand; they are
 * written to the pipe only when measure() has returned, so nothing here disturbs what is measured:
 * observe() takes no fault, allocates nothing and makes no system call.
 *
 * The buffer is shared memory: fork does not write-protect it, so observing after a fork is as free
 * as before, and what a child observes is in the trial's report as well.
 */
#ifndef TRIAL_TRIAL_H
#define TRIAL_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#include "vm/units.h"

/*
 * witness: the kernel surface that the value was read from ("getrusage", "smaps", "pagemap").
 * quantity and witness must outlive the trial; at is copied.
 */
void observe(const char *quantity, int64_t value, enum vm_unit unit, const char *witness);
void observe_at(const char *quantity, const char *at, int64_t value, enum vm_unit unit,
	const char *witness);
void observe_values(const char *quantity, const char *at, const int64_t *values,
	size_t values_count, enum vm_unit unit, const char *witness);

/* The seed of this launch, for orders that must not be the same every time. */
uint64_t trial_seed(void);

/* Ends the trial as broken: the instrument is in doubt, not the kernel. */
_Noreturn void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the trial as unmet: a need that shows only inside it, and how it can be supplied. */
_Noreturn void unmet(const char *reason, const char *remedy);

/* Set-up that must succeed; a failure says which call failed and why, and is never the kernel's. */
#define MUST(expression)                                            \
	do {                                                        \
		if (!(expression))                                  \
			broken_at(__FILE__, __LINE__, #expression); \
	} while (0)

_Noreturn void broken_at(const char *file, int line, const char *expression);

#endif
