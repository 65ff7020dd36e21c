/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/show.h"

#include <string.h>

#include "base/pool.h"
#include "suite/check.h"

void show_values(struct check_shown *shown, const char *quantity, const char *at,
	const int64_t *values, size_t values_count, enum vm_unit unit, const char *witness)
{
	int64_t *copies = pool_take(shown->pool, values_count * sizeof(*copies));

	memcpy(copies, values, values_count * sizeof(*copies));
	shown->items = pool_grow(shown->pool, shown->items, shown->count, sizeof(*shown->items));
	shown->items[shown->count++] = (struct record_observation){
		.quantity = quantity,
		.at = at,
		.values_count = values_count,
		.values = copies,
		.unit = unit,
		.witness = witness,
	};
}

void show_value(struct check_shown *shown, const char *quantity, int64_t value, enum vm_unit unit,
	const char *witness)
{
	show_values(shown, quantity, "", &value, 1, unit, witness);
}
