/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/prediction.h"

void *memcpy(void *restrict, const void *restrict, size_t);

static void *copy_of(struct vm_arena *arena, const void *from, size_t size_bytes)
{
	if (size_bytes == 0)
		return NULL;
	void *copy = vm_arena_take(arena, size_bytes, _Alignof(max_align_t));
	VM_ASSERT(copy != NULL);
	return memcpy(copy, from, size_bytes);
}

void vm_predict(struct vm_predictions *list, const struct vm_prediction *prediction)
{
	/* A rule has no values yet, and silence none at all. */
	VM_ASSERT((prediction->form != VM_FORM_RULE && prediction->form != VM_FORM_SILENT) ||
		  prediction->values_count == 0);
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		struct vm_prediction *items = vm_arena_take(
			list->arena, capacity * sizeof(*items), _Alignof(struct vm_prediction));
		VM_ASSERT(items != NULL);
		if (list->count != 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->capacity = capacity;
	}
	struct vm_prediction *item = &list->items[list->count++];
	*item = *prediction;
	item->values = copy_of(list->arena, prediction->values,
		prediction->values_count * sizeof(prediction->values[0]));
	item->inputs = copy_of(list->arena, prediction->inputs,
		prediction->inputs_count * sizeof(prediction->inputs[0]));
}
