/* SPDX-License-Identifier: Apache-2.0 */
/* Random orders that the launch's seed decides. */
#ifndef TIMED_ORDER_H
#define TIMED_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* A permutation of 0 .. count - 1 (Fisher and Yates). */
void order_shuffle(size_t *order, size_t count, uint64_t *random_state);

#endif
