/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/predict.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "facts/facts.h"

/* Untouched pages of it cost nothing; a sequence of 65536 values is half a mebibyte. */
#define ROOM_BYTES ((size_t)16 << 20)

void prediction_room_drop(struct prediction_room *room)
{
	if (room->bytes != NULL)
		(void)munmap(room->bytes, ROOM_BYTES);
	room->bytes = NULL;
}

void case_host(
	const struct check_case *check_case, const struct vm_host *facts, struct vm_host *host)
{
	const struct probe_arguments *arguments = &check_case->arguments;

	*host = *facts;
	for (size_t i = 0; i < arguments->count; i++) {
		const char *word = arguments->parameters[i].knob;
		if (word == NULL || arguments->values[i] == PROBE_AS_IS)
			continue;
		(void)facts_with_knob(host, word, arguments->values[i]);
	}
}

void predict_case(struct prediction_room *room, const struct check_case *check_case,
	enum vm_model_id model, const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_model asked = vm_model_for(model, host);

	if (room->bytes == NULL) {
		room->bytes = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (room->bytes == MAP_FAILED)
			abort();
	}
	/* The arena itself lies at the start of the room, so that the room is all there is. */
	struct vm_arena *arena = (struct vm_arena *)(void *)room->bytes;
	*arena = vm_arena_over(room->bytes + sizeof(*arena), ROOM_BYTES - sizeof(*arena));
	*predictions = (struct vm_predictions){.arena = arena};
	check_case->check->kind->predict(check_case, &asked, host, readings, predictions);
}

const char *prediction_form_word(enum vm_form form)
{
	static const char *const words[] = {
		[VM_FORM_EXACT] = "exact",
		[VM_FORM_SET] = "set",
		[VM_FORM_AMONG] = "among",
		[VM_FORM_WITHIN] = "within",
		[VM_FORM_MOSTLY] = "mostly",
		[VM_FORM_SHAPE] = "shape",
		[VM_FORM_RULE] = "rule",
		[VM_FORM_SILENT] = "silent",
	};

	assert((size_t)form < sizeof(words) / sizeof(words[0]));
	return words[form];
}

const char *prediction_shape_word(enum vm_shape shape)
{
	static const char *const words[] = {
		[VM_SHAPE_NONE] = "none",
		[VM_SHAPE_FLAT] = "flat",
		[VM_SHAPE_RISES] = "rises",
		[VM_SHAPE_PROPORTIONAL] = "proportional",
		[VM_SHAPE_STEP] = "step",
		[VM_SHAPE_KNEE] = "knee",
		[VM_SHAPE_REACH] = "reach",
		[VM_SHAPE_BELOW] = "below",
		[VM_SHAPE_LOGARITHMIC] = "logarithmic",
	};

	assert((size_t)shape < sizeof(words) / sizeof(words[0]));
	return words[shape];
}
