/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"

static int by_name(const void *left, const void *right)
{
	const struct check *a = left, *b = right;

	return strcmp(a->name, b->name);
}

bool checks_load(const char *suites_folder, struct check_list *list)
{
	static const struct check_kind *const kinds[] = {
		&check_kind_probe, &check_kind_scenario, &check_kind_model};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->load(suites_folder, list) != 0)
			return false;
	if (list->count != 0)
		qsort(list->items, list->count, sizeof(list->items[0]), by_name);
	for (size_t i = 1; i < list->count; i++)
		if (strcmp(list->items[i - 1].name, list->items[i].name) == 0) {
			message("two checks are called %s", list->items[i].name);
			return false;
		}
	return true;
}

const struct check *check_named(const struct check_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}
