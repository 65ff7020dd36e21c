/* SPDX-License-Identifier: Apache-2.0 */
#include "suite/cases.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "suite/random.h"

/* How records spell PROBE_AS_IS: the knob is left as the host has it. */
#define AS_IS_WORD "as-is"

struct choices {
	size_t count;
	int64_t *values;
};

static bool has(const struct choices *choices, int64_t value)
{
	for (size_t i = 0; i < choices->count; i++)
		if (choices->values[i] == value)
			return true;
	return false;
}

static const struct case_override *override_of(const struct case_options *options,
	const struct check *check, const struct probe_parameter *parameter)
{
	for (size_t i = 0; i < options->overrides_count; i++) {
		const struct case_override *item = &options->overrides[i];
		if (strcmp(item->check, check->name) == 0 &&
			strcmp(item->parameter, parameter->name) == 0)
			return item;
	}
	return NULL;
}

static void draw(struct pool *pool, const struct case_options *options, const struct check *check,
	const struct probe_parameter *parameter, struct choices *choices)
{
	const uint64_t places =
		(uint64_t)(parameter->highest - parameter->lowest) / (uint64_t)parameter->step + 1;
	struct random_stream stream = random_stream_named(
		options->seed, pool_format(pool, "%s/%s", check->name, parameter->name));

	for (unsigned i = 0; i < parameter->drawn && i < options->drawn_most; i++) {
		const int64_t value = parameter->lowest +
				      (int64_t)random_below(&stream, places) * parameter->step;
		/* A value that is a choice already would be the same case twice. */
		if (!has(choices, value))
			choices->values[choices->count++] = value;
	}
}

static struct choices choices_of(struct pool *pool, const struct case_options *options,
	const struct check *check, const struct probe_parameter *parameter)
{
	const struct case_override *override = override_of(options, check, parameter);
	const size_t given_count =
		override != NULL ? override->values_count : parameter->choices_count;
	const int64_t *given = override != NULL ? override->values : parameter->choices;
	struct choices choices = {
		.values = pool_take(pool, (given_count + parameter->drawn) * sizeof(int64_t)),
	};

	for (size_t i = 0; i < given_count; i++)
		choices.values[choices.count++] = given[i];
	if (override == NULL && parameter->drawn != 0)
		draw(pool, options, check, parameter, &choices);
	return choices;
}

static const char *label_of(const struct probe_parameter *parameter, int64_t value)
{
	for (size_t i = 0; parameter->labels != NULL && i < parameter->choices_count; i++)
		if (parameter->choices[i] == value)
			return parameter->labels[i];
	return value == PROBE_AS_IS ? AS_IS_WORD : NULL;
}

bool case_holds_knob(const struct check_case *check_case)
{
	const struct probe_arguments *arguments = &check_case->arguments;

	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->parameters[i].knob != NULL && arguments->values[i] != PROBE_AS_IS)
			return true;
	return false;
}

struct record_parameters case_parameters(struct pool *pool, const struct check_case *check_case)
{
	const struct probe_arguments *arguments = &check_case->arguments;
	struct record_parameter *items = pool_take(pool, arguments->count * sizeof(*items));

	for (size_t i = 0; i < arguments->count; i++)
		items[i] = (struct record_parameter){
			.name = arguments->parameters[i].name,
			.label = label_of(&arguments->parameters[i], arguments->values[i]),
			.value = arguments->values[i],
		};
	return (struct record_parameters){arguments->count, items};
}

const char *case_id(struct pool *pool, const char *kind, const char *check,
	const struct record_parameters *parameters)
{
	const bool is_probe = strcmp(kind, check_kind_probe.name) == 0;
	const char *id = is_probe ? check : pool_format(pool, "%s:%s", kind, check);

	for (size_t i = 0; i < parameters->count; i++) {
		const struct record_parameter *item = &parameters->items[i];
		const char *before = i == 0 ? "[" : ",";
		if (item->label != NULL)
			id = pool_format(pool, "%s%s%s=%s", id, before, item->name, item->label);
		else
			id = pool_format(
				pool, "%s%s%s=%" PRId64, id, before, item->name, item->value);
	}
	return parameters->count == 0 ? id : pool_format(pool, "%s]", id);
}

static void add_case(struct case_list *cases, const struct check *check, const int64_t *values)
{
	int64_t *kept = pool_take(cases->pool, check->parameters_count * sizeof(*kept));

	memcpy(kept, values, check->parameters_count * sizeof(*kept));
	cases->items = pool_grow(cases->pool, cases->items, cases->count, sizeof(cases->items[0]));
	struct check_case *added = &cases->items[cases->count++];
	*added = (struct check_case){
		.check = check,
		.arguments = {check->parameters_count, check->parameters, kept},
	};
	const struct record_parameters parameters = case_parameters(cases->pool, added);
	added->id = case_id(cases->pool, check->kind->name, check->name, &parameters);
}

/* The next combination, last parameter fastest; false after the last. */
static bool advance(size_t *at, const struct choices *choices, size_t count)
{
	for (size_t i = count; i > 0; i--) {
		if (++at[i - 1] < choices[i - 1].count)
			return true;
		at[i - 1] = 0;
	}
	return false;
}

/* Keeps `most` of the cases added since `first`, drawn by the seed, in their old order. */
static void thin_out(
	struct case_list *cases, size_t first, unsigned most, uint64_t seed, const char *name)
{
	const size_t count = cases->count - first;
	struct random_stream stream = random_stream_named(seed, name);
	size_t *order = pool_take(cases->pool, count * sizeof(*order));
	bool *kept = pool_take(cases->pool, count * sizeof(*kept));

	random_order(&stream, order, count);
	for (size_t i = 0; i < most; i++)
		kept[order[i]] = true;
	cases->count = first;
	for (size_t i = 0; i < count; i++)
		if (kept[i])
			cases->items[cases->count++] = cases->items[first + i];
}

void cases_expand(
	const struct check *check, const struct case_options *options, struct case_list *cases)
{
	const size_t count = check->parameters_count, first = cases->count;
	struct choices *choices = pool_take(cases->pool, count * sizeof(*choices));
	size_t *at = pool_take(cases->pool, count * sizeof(*at));
	int64_t *values = pool_take(cases->pool, count * sizeof(*values));
	bool more = true;

	for (size_t i = 0; i < count; i++) {
		choices[i] = choices_of(cases->pool, options, check, &check->parameters[i]);
		more = more && choices[i].count != 0;
	}
	while (more) {
		for (size_t i = 0; i < count; i++)
			values[i] = choices[i].values[at[i]];
		const struct probe_arguments arguments = {count, check->parameters, values};
		if (check->kind->suits == NULL ||
			check->kind->suits(check, options->host, &arguments))
			add_case(cases, check, values);
		more = advance(at, choices, count);
	}
	if (options->cases_most != 0 && cases->count - first > options->cases_most)
		thin_out(cases, first, options->cases_most, options->seed, check->name);
}

static const struct record_parameter *recorded(
	const struct record_parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->items[i].name, name) == 0)
			return &parameters->items[i];
	return NULL;
}

static bool value_of_label(
	const struct probe_parameter *parameter, const char *label, int64_t *value)
{
	for (size_t i = 0; parameter->labels != NULL && i < parameter->choices_count; i++)
		if (strcmp(parameter->labels[i], label) == 0) {
			*value = parameter->choices[i];
			return true;
		}
	*value = PROBE_AS_IS;
	return strcmp(label, AS_IS_WORD) == 0;
}

bool case_of_record(struct pool *pool, const struct check *check,
	const struct record_parameters *parameters, struct check_case *check_case, const char **why)
{
	int64_t *values = pool_take(pool, check->parameters_count * sizeof(*values));

	if (parameters->count != check->parameters_count) {
		*why = pool_format(pool, "%s has %zu parameters today, %zu in the record",
			check->name, check->parameters_count, parameters->count);
		return false;
	}
	for (size_t i = 0; i < check->parameters_count; i++) {
		const struct probe_parameter *declared = &check->parameters[i];
		const struct record_parameter *item = recorded(parameters, declared->name);
		bool good = item != NULL;
		if (good && item->label != NULL)
			good = value_of_label(declared, item->label, &values[i]);
		else if (good)
			values[i] = item->value;
		if (!good) {
			*why = pool_format(pool, "%s: parameter \"%s\" %s", check->name,
				declared->name,
				item == NULL ? "is not in the record" : "has an unknown word");
			return false;
		}
	}
	*check_case = (struct check_case){
		.check = check,
		.id = case_id(pool, check->kind->name, check->name, parameters),
		.arguments = {check->parameters_count, check->parameters, values},
	};
	return true;
}
