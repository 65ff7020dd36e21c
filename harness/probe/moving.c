/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/moving.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define VALUES_LIMIT	     16
#define SENTENCE_LIMIT_BYTES 800

bool moving_of(const struct probe_readings *readings, const char *quantity, const char *at,
	struct moving *span)
{
	const struct probe_reading *reading = probe_reading_of(readings, quantity, at);

	if (reading == NULL || reading->values_count == 0)
		return false;
	*span = (struct moving){reading->values[0], reading->values[0]};
	for (size_t i = 1; i < reading->values_count; i++) {
		if (reading->values[i] < span->lowest)
			span->lowest = reading->values[i];
		if (reading->values[i] > span->highest)
			span->highest = reading->values[i];
	}
	return true;
}

void predict_moving(struct vm_predictions *predictions, const struct vm_prediction *about,
	struct moving span, size_t values_count)
{
	int64_t values[VALUES_LIMIT];
	struct vm_prediction prediction = *about;

	assert(values_count >= 1 && values_count <= VALUES_LIMIT);
	assert(span.lowest <= span.highest);
	for (size_t i = 0; i < values_count; i++)
		values[i] = span.lowest;
	prediction.form = VM_FORM_EXACT;
	prediction.values = values;
	prediction.values_count = values_count;
	if (span.lowest != span.highest) {
		values[1] = span.highest;
		prediction.form = VM_FORM_WITHIN;
		prediction.values_count = 2;
	}
	vm_predict(predictions, &prediction);
}

void predict_rule(struct vm_predictions *predictions, const struct vm_prediction *about,
	const char *const *inputs, size_t inputs_count)
{
	struct vm_prediction prediction = *about;

	prediction.form = VM_FORM_RULE;
	prediction.values = NULL;
	prediction.values_count = 0;
	prediction.inputs = inputs;
	prediction.inputs_count = inputs_count;
	vm_predict(predictions, &prediction);
}

int64_t monitor_may_take_pages(const struct vm_host *host, int64_t pages)
{
	return vm_host_has(host, VM_FEATURE_ACCESS_MONITORED) ? (pages - 1) / 2 : 0;
}

const char *predict_sentence(struct vm_predictions *predictions, const char *format, ...)
{
	char text[SENTENCE_LIMIT_BYTES];
	va_list arguments;

	va_start(arguments, format);
	const int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	assert(length >= 0 && (size_t)length < sizeof(text));
	const char *kept = vm_arena_text(predictions->arena, text);
	assert(kept != NULL);
	return kept;
}
