/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "base/message.h"

static int by_name(const void *left, const void *right)
{
	const struct check *a = left, *b = right;

	const int order = strcmp(a->name, b->name);

	/* Probes before the others, which is what their order in the alphabet is not. */
	if (order != 0 || a->kind == b->kind)
		return order;
	if (a->kind == &check_kind_probe || b->kind == &check_kind_probe)
		return a->kind == &check_kind_probe ? -1 : 1;
	return strcmp(a->kind->name, b->kind->name);
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
		if (by_name(&list->items[i - 1], &list->items[i]) == 0) {
			message("two checks of the kind %s are called %s",
				list->items[i].kind->name, list->items[i].name);
			return false;
		}
	return true;
}

const struct check *check_named(const struct check_list *list, const char *kind, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0 &&
			(kind == NULL || strcmp(list->items[i].kind->name, kind) == 0))
			return &list->items[i];
	return NULL;
}
