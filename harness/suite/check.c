/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/check.h"

void check_list_add(struct check_list *list, const struct check *check)
{
	list->items = pool_grow(list->pool, list->items, list->count, sizeof(list->items[0]));
	list->items[list->count++] = *check;
}

void check_find(struct check_findings *findings, const struct check_finding *finding)
{
	findings->items = pool_grow(
		findings->pool, findings->items, findings->count, sizeof(findings->items[0]));
	findings->items[findings->count++] = *finding;
}
