/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/predict.h"

/* As many values of a sequence are printed; the record has them all. */
#define VALUES_SHOWN 8

static const char *number_text(struct pool *pool, int64_t value)
{
	return pool_format(pool, "%" PRId64, value);
}

static const char *errno_text(struct pool *pool, int64_t value)
{
	const char *name = value > 0 && value < INT32_MAX ? strerrorname_np((int)value) : NULL;

	if (name != NULL)
		return name;
	return value == 0 ? "success" : pool_format(pool, "errno %" PRId64, value);
}

static const char *signal_text(struct pool *pool, int64_t value)
{
	const char *name = value > 0 && value < INT32_MAX ? sigabbrev_np((int)value) : NULL;

	if (name != NULL)
		return pool_format(pool, "SIG%s", name);
	return value == 0 ? "no signal" : pool_format(pool, "signal %" PRId64, value);
}

static const char *value_text(struct pool *pool, int64_t value, enum vm_unit unit)
{
	switch (unit) {
	case VM_UNIT_ADDRESS:
	case VM_UNIT_FRAME:
	case VM_UNIT_FLAGS:
		return pool_format(pool, "0x%" PRIx64, (uint64_t)value);
	case VM_UNIT_ERRNO:
		return errno_text(pool, value);
	case VM_UNIT_SIGNAL:
		return signal_text(pool, value);
	case VM_UNIT_BOOL:
		return value == 0 ? "no" : value == 1 ? "yes" : number_text(pool, value);
	case VM_UNIT_COUNT:
	case VM_UNIT_PAGES:
	case VM_UNIT_KIB:
	case VM_UNIT_BYTES:
	case VM_UNIT_NS:
	case VM_UNIT_BITS:
	case VM_UNIT_SCORE:
	case VM_UNIT_TICKS:
	case VM_UNIT_LIMIT:
		break;
	}
	return number_text(pool, value);
}

/* " pages", or nothing where the word would say nothing beside the number. */
static const char *unit_text(struct pool *pool, enum vm_unit unit)
{
	switch (unit) {
	case VM_UNIT_PAGES:
	case VM_UNIT_KIB:
	case VM_UNIT_BYTES:
	case VM_UNIT_NS:
	case VM_UNIT_BITS:
	case VM_UNIT_TICKS:
		return pool_format(pool, " %s", vm_unit_word(unit));
	case VM_UNIT_COUNT:
	case VM_UNIT_ADDRESS:
	case VM_UNIT_FRAME:
	case VM_UNIT_FLAGS:
	case VM_UNIT_ERRNO:
	case VM_UNIT_SIGNAL:
	case VM_UNIT_SCORE:
	case VM_UNIT_BOOL:
	case VM_UNIT_LIMIT:
		break;
	}
	return "";
}

const char *values_text(struct pool *pool, const int64_t *values, size_t count, enum vm_unit unit)
{
	const char *text = "";

	for (size_t i = 0; i < count && i < VALUES_SHOWN; i++)
		text = pool_format(
			pool, "%s%s%s", text, i == 0 ? "" : " ", value_text(pool, values[i], unit));
	if (count > VALUES_SHOWN)
		text = pool_format(pool, "%s ... (%zu values)", text, count);
	return count == 0 ? "nothing" : pool_format(pool, "%s%s", text, unit_text(pool, unit));
}

static const char *inputs_text(struct pool *pool, const struct vm_prediction *prediction)
{
	const char *text = "";

	for (size_t i = 0; i < prediction->inputs_count; i++)
		text = pool_format(pool, "%s%s%s", text, i == 0 ? "" : ", ", prediction->inputs[i]);
	return text;
}

/* How many of the intervals from that one on are the same. */
static size_t run_of(const struct vm_prediction *prediction, size_t first)
{
	const int64_t *values = prediction->values;
	size_t end = first;

	while (2 * end < prediction->values_count && values[2 * end] == values[2 * first] &&
		values[2 * end + 1] == values[2 * first + 1])
		end++;
	return end - first;
}

/* "1 to 5 pages"; with an interval for each value, "12 x 1 to 5 pages, 2 to 2 pages". */
static const char *intervals_text(struct pool *pool, const struct vm_prediction *prediction)
{
	const int64_t *values = prediction->values;
	const char *text = "";
	size_t run = 0;

	assert(prediction->values_count % 2 == 0);
	for (size_t i = 0; 2 * i < prediction->values_count; i += run) {
		run = run_of(prediction, i);
		text = pool_format(pool, "%s%s", text, i == 0 ? "" : ", ");
		if (run > 1)
			text = pool_format(pool, "%s%zu x ", text, run);
		text = pool_format(pool, "%s%s to %s", text,
			value_text(pool, values[2 * i], prediction->unit),
			values_text(pool, values + 2 * i + 1, 1, prediction->unit));
	}
	return text;
}

/* "flat, beside fork-touched", "knee at 96". */
static const char *shape_text(struct pool *pool, const struct vm_prediction *prediction)
{
	const int64_t *values = prediction->values;
	const char *beside = prediction->other == NULL
				     ? ""
				     : pool_format(pool, ", beside %s", prediction->other);

	switch (prediction->shape) {
	case VM_SHAPE_FLAT:
		return pool_format(pool, "flat%s", beside);
	case VM_SHAPE_RISES:
		return "higher at each place";
	case VM_SHAPE_PROPORTIONAL:
		return pool_format(pool, "grows as %s%s",
			values_text(pool, values, prediction->values_count, VM_UNIT_COUNT), beside);
	case VM_SHAPE_STEP:
		return pool_format(pool, "a step after %s", prediction->inputs[values[0]]);
	case VM_SHAPE_KNEE:
	case VM_SHAPE_REACH:
		return values[0] == values[1]
			       ? pool_format(pool, "knee at %lld", (long long)values[0])
			       : pool_format(pool, "knee from %lld to %lld", (long long)values[0],
					 (long long)values[1]);
	case VM_SHAPE_BELOW:
		return pool_format(pool, "below %s at every place", prediction->other);
	case VM_SHAPE_LOGARITHMIC:
		return "hardly grows";
	case VM_SHAPE_NONE:
		break;
	}
	return "nothing";
}

const char *prediction_text(struct pool *pool, const struct vm_prediction *prediction)
{
	const int64_t *values = prediction->values;
	const enum vm_unit unit = prediction->unit;
	const char *text = values_text(pool, values, prediction->values_count, unit);

	switch (prediction->form) {
	case VM_FORM_EXACT:
		return text;
	case VM_FORM_SET:
		return pool_format(pool, "{%s}", text);
	case VM_FORM_AMONG:
		return pool_format(pool, "one of %s", text);
	case VM_FORM_WITHIN:
		return intervals_text(pool, prediction);
	case VM_FORM_MOSTLY:
		return pool_format(pool, "most of %s", intervals_text(pool, prediction));
	case VM_FORM_SHAPE:
		return shape_text(pool, prediction);
	case VM_FORM_RULE:
		return pool_format(pool, "a rule over %s", inputs_text(pool, prediction));
	case VM_FORM_SILENT:
		break;
	}
	return "nothing";
}

static bool skip(const char **text, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(*text, word, length) != 0)
		return false;
	*text += length;
	return true;
}

static bool number_after(const char **text, const char *word, int64_t *number)
{
	char *end = NULL;

	if (!skip(text, word))
		return false;
	errno = 0;
	*number = strtoll(*text, &end, 10);
	const bool good = end != *text && errno == 0;
	*text = end;
	return good;
}

bool prediction_text_knee(const char *text, const char *quantity, int64_t knee[2])
{
	int64_t first = 0, last = 0;

	if (!skip(&text, quantity) || !skip(&text, ": knee "))
		return false;
	if (number_after(&text, "at ", &first))
		last = first;
	else if (!number_after(&text, "from ", &first) || !number_after(&text, " to ", &last))
		return false;
	knee[0] = first;
	knee[1] = last;
	return true;
}
