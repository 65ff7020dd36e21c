/* SPDX-License-Identifier: Apache-2.0 */
#include "timed/order.h"

#include "vm/random.h"

void order_shuffle(size_t *order, size_t count, uint64_t *random_state)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		const size_t other = vm_random_below(random_state, i), held = order[i - 1];
		order[i - 1] = order[other];
		order[other] = held;
	}
}
