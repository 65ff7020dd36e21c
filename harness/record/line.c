/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder and decoder walk the same tables of fields, one table a type of line: what is written is
 * what is read, and a field that is missing, unknown, doubled or of another type is an error with
 * its name.
 */
#include "record/line.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_form {
	FIELD_TEXT,
	FIELD_INTEGER,
	FIELD_SEED, /* an unsigned 64-bit number as text */
	FIELD_TRUTH,
	FIELD_INTEGERS,
	FIELD_TEXTS,
	FIELD_UNIT,
	FIELD_TRIAL_END,
	FIELD_PARAMETERS,
	FIELD_OBJECT,
	FIELD_ROWS, /* an array of objects with their own table */
};

struct field {
	const char *name; /* NULL ends the table */
	enum field_form form;
	bool optional;
	size_t offset, count_offset;
	const struct field *rows;
	size_t row_bytes;
};

#define TEXT(type, member)                                                     \
	{                                                                      \
#member, FIELD_TEXT, false, offsetof(type, member), 0, NULL, 0 \
	}
#define MAY_TEXT(type, member)                                                \
	{                                                                     \
#member, FIELD_TEXT, true, offsetof(type, member), 0, NULL, 0 \
	}
#define INTEGER(type, member)                                                     \
	{                                                                         \
#member, FIELD_INTEGER, false, offsetof(type, member), 0, NULL, 0 \
	}
#define FORM(type, member, form, may)                                  \
	{                                                              \
#member, form, may, offsetof(type, member), 0, NULL, 0 \
	}
#define LIST(type, member, form, may)                                                             \
	{                                                                                         \
#member, form, may, offsetof(type, member), offsetof(type, member##_count), NULL, \
			0                                                                         \
	}
#define ROWS(type, member, rows, row, may)                                                        \
	{                                                                                         \
#member, FIELD_ROWS, may, offsetof(type, member), offsetof(type, member##_count), \
			rows, sizeof(row)                                                         \
	}
#define END                                            \
	{                                              \
		NULL, FIELD_TEXT, false, 0, 0, NULL, 0 \
	}

static const struct field header_fields[] = {
	TEXT(struct record_header, format),
	INTEGER(struct record_header, version),
	TEXT(struct record_header, program),
	TEXT(struct record_header, model),
	TEXT(struct record_header, started),
	TEXT(struct record_header, suite),
	TEXT(struct record_header, profile),
	MAY_TEXT(struct record_header, selection),
	FORM(struct record_header, seed, FIELD_SEED, false),
	LIST(struct record_header, allow, FIELD_TEXTS, false),
	FORM(struct record_header, anonymous, FIELD_TRUTH, false),
	END,
};

static const struct field facts_fields[] = {
	FORM(struct record_facts, host, FIELD_OBJECT, false),
	END,
};

static const struct field script_fields[] = {
	TEXT(struct record_script, check),
	TEXT(struct record_script, text),
	END,
};

static const struct field expect_fields[] = {
	TEXT(struct record_expect, quantity),
	TEXT(struct record_expect, at),
	FORM(struct record_expect, unit, FIELD_UNIT, false),
	TEXT(struct record_expect, form),
	MAY_TEXT(struct record_expect, shape),
	MAY_TEXT(struct record_expect, other),
	LIST(struct record_expect, values, FIELD_INTEGERS, true),
	LIST(struct record_expect, inputs, FIELD_TEXTS, true),
	TEXT(struct record_expect, because),
	TEXT(struct record_expect, cite),
	END,
};

static const struct field prediction_fields[] = {
	TEXT(struct record_prediction, claim),
	TEXT(struct record_prediction, probe),
	TEXT(struct record_prediction, kind),
	TEXT(struct record_prediction, model),
	FORM(struct record_prediction, parameters, FIELD_PARAMETERS, false),
	ROWS(struct record_prediction, expect, expect_fields, struct record_expect, false),
	END,
};

static const struct field sealed_fields[] = {
	TEXT(struct record_sealed, sha256),
	INTEGER(struct record_sealed, lines),
	END,
};

static const struct field requirement_fields[] = {
	TEXT(struct record_unmet, requirement),
	TEXT(struct record_unmet, value),
	TEXT(struct record_unmet, supply),
	END,
};

static const struct field setting_fields[] = {
	TEXT(struct record_setting, knob),
	TEXT(struct record_setting, value),
	END,
};

static const struct field disturbance_fields[] = {
	TEXT(struct record_disturbance, name),
	INTEGER(struct record_disturbance, count),
	END,
};

static const struct field trial_fields[] = {
	INTEGER(struct record_trial, number),
	TEXT(struct record_trial, probe),
	TEXT(struct record_trial, kind),
	FORM(struct record_trial, parameters, FIELD_PARAMETERS, false),
	INTEGER(struct record_trial, launch),
	FORM(struct record_trial, end, FIELD_TRIAL_END, false),
	MAY_TEXT(struct record_trial, why),
	INTEGER(struct record_trial, signal),
	INTEGER(struct record_trial, duration_us),
	ROWS(struct record_trial, unmet, requirement_fields, struct record_unmet, true),
	ROWS(struct record_trial, settings, setting_fields, struct record_setting, true),
	LIST(struct record_trial, moved, FIELD_TEXTS, true),
	LIST(struct record_trial, complaints, FIELD_TEXTS, true),
	ROWS(struct record_trial, disturbances, disturbance_fields, struct record_disturbance,
		true),
	{"observations", FIELD_INTEGER, false, offsetof(struct record_trial, observations_count), 0,
		NULL, 0},
	END,
};

static const struct field observation_fields[] = {
	FORM(struct record_observation, trial, FIELD_INTEGER, true),
	TEXT(struct record_observation, quantity),
	TEXT(struct record_observation, at),
	LIST(struct record_observation, values, FIELD_INTEGERS, false),
	FORM(struct record_observation, unit, FIELD_UNIT, false),
	TEXT(struct record_observation, witness),
	END,
};

static const struct field known_fields[] = {
	TEXT(struct record_known, reason),
	TEXT(struct record_known, link),
	TEXT(struct record_known, expires),
	END,
};

static const struct field exactness_fields[] = {
	INTEGER(struct record_exactness, pages),
	INTEGER(struct record_exactness, decided),
	INTEGER(struct record_exactness, right),
	END,
};

static const struct field verdict_fields[] = {
	TEXT(struct record_verdict, claim),
	TEXT(struct record_verdict, probe),
	TEXT(struct record_verdict, kind),
	FORM(struct record_verdict, parameters, FIELD_PARAMETERS, false),
	TEXT(struct record_verdict, verdict),
	TEXT(struct record_verdict, textbook),
	TEXT(struct record_verdict, reading),
	TEXT(struct record_verdict, expected),
	TEXT(struct record_verdict, observed),
	TEXT(struct record_verdict, textbook_expected),
	TEXT(struct record_verdict, because),
	TEXT(struct record_verdict, cite),
	ROWS(struct record_verdict, unmet, requirement_fields, struct record_unmet, true),
	ROWS(struct record_verdict, known, known_fields, struct record_known, true),
	ROWS(struct record_verdict, exactness, exactness_fields, struct record_exactness, true),
	END,
};

static const struct field count_fields[] = {
	TEXT(struct record_count, verdict),
	INTEGER(struct record_count, count),
	END,
};

static const struct field summary_fields[] = {
	FORM(struct record_summary, complete, FIELD_TRUTH, false),
	MAY_TEXT(struct record_summary, stopped_by),
	ROWS(struct record_summary, counts, count_fields, struct record_count, false),
	INTEGER(struct record_summary, trials),
	INTEGER(struct record_summary, duration_ms),
	FORM(struct record_summary, machines, FIELD_INTEGER, true),
	INTEGER(struct record_summary, taint_before),
	INTEGER(struct record_summary, taint_after),
	LIST(struct record_summary, kernel_log, FIELD_TEXTS, false),
	LIST(struct record_summary, notes, FIELD_TEXTS, false),
	TEXT(struct record_summary, sha256),
	END,
};

static const struct field hello_fields[] = {
	INTEGER(struct record_hello, protocol),
	TEXT(struct record_hello, subject),
	END,
};

static const struct field broken_fields[] = {
	MAY_TEXT(struct record_broken, file),
	FORM(struct record_broken, line, FIELD_INTEGER, true),
	TEXT(struct record_broken, reason),
	END,
};

static const struct field unmet_fields[] = {
	TEXT(struct record_unmet_inside, reason),
	TEXT(struct record_unmet_inside, remedy),
	END,
};

static const struct field done_fields[] = {
	INTEGER(struct record_done, observations),
	END,
};

static const struct {
	const char *word;
	const struct field *fields;
} types[] = {
#define TYPE_ROW(name, word) [RECORD_TYPE_##name] = {#word, word##_fields},
	RECORD_TYPES(TYPE_ROW)
#undef TYPE_ROW
};

static const char *const unit_words[] = {
#define UNIT_ROW(name, word) word,
	VM_UNITS(UNIT_ROW)
#undef UNIT_ROW
};

static const char *const trial_end_words[] = {
	[RECORD_TRIAL_OBSERVED] = "observed",
	[RECORD_TRIAL_UNMET] = "unmet",
	[RECORD_TRIAL_BROKEN] = "broken",
	[RECORD_TRIAL_OVERDUE] = "overdue",
	[RECORD_TRIAL_DIED] = "died",
};

const char *record_type_word(enum record_type type)
{
	assert(type < RECORD_TYPE_LIMIT);
	return types[type].word;
}

const char *record_trial_end_word(enum record_trial_end end)
{
	assert(end < RECORD_TRIAL_END_LIMIT);
	return trial_end_words[end];
}

/* The payload of a line: where the offsets of its fields start. */
static const void *payload_of(const struct record_line *line)
{
	return &line->header;
}

/* --- encoding ----------------------------------------------------------------------------- */

static json_t *encode_object(const struct field *fields, const void *from, json_t *object);

static json_t *encode_texts(const char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, json_string(texts[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *encode_integers(const int64_t *values, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_integer(values[i]));
	return array;
}

static json_t *encode_parameters(const struct record_parameters *parameters)
{
	json_t *object = json_object();

	for (size_t i = 0; i < parameters->count; i++) {
		const struct record_parameter *item = &parameters->items[i];
		json_t *value =
			item->label != NULL ? json_string(item->label) : json_integer(item->value);
		if (json_object_set_new(object, item->name, value) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *encode_rows(const struct field *field, const unsigned char *rows, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row =
			encode_object(field->rows, rows + i * field->row_bytes, json_object());
		if (json_array_append_new(array, row) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *encode_seed(uint64_t seed)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, seed);
	return json_string(text);
}

/* Whether an optional field has nothing to say, and is left out. */
static bool is_absent(const struct field *field, const unsigned char *at, size_t count)
{
	if (!field->optional)
		return false;
	switch (field->form) {
	case FIELD_TEXT:
		return *(const char *const *)at == NULL;
	case FIELD_INTEGER:
		return *(const int64_t *)at == 0;
	case FIELD_INTEGERS:
	case FIELD_TEXTS:
	case FIELD_ROWS:
		return count == 0;
	case FIELD_SEED:
	case FIELD_TRUTH:
	case FIELD_UNIT:
	case FIELD_TRIAL_END:
	case FIELD_PARAMETERS:
	case FIELD_OBJECT:
		break;
	}
	return false;
}

static json_t *encode_field(const struct field *field, const unsigned char *at, size_t count)
{
	switch (field->form) {
	case FIELD_TEXT:
		return json_string(*(const char *const *)at);
	case FIELD_INTEGER:
		return json_integer(*(const int64_t *)at);
	case FIELD_SEED:
		return encode_seed(*(const uint64_t *)at);
	case FIELD_TRUTH:
		return json_boolean(*(const bool *)at);
	case FIELD_INTEGERS:
		return encode_integers(*(const int64_t *const *)at, count);
	case FIELD_TEXTS:
		return encode_texts(*(const char *const *const *)at, count);
	case FIELD_UNIT:
		return json_string(unit_words[*(const enum vm_unit *)at]);
	case FIELD_TRIAL_END:
		return json_string(record_trial_end_word(*(const enum record_trial_end *)at));
	case FIELD_PARAMETERS:
		return encode_parameters((const struct record_parameters *)at);
	case FIELD_OBJECT:
		return json_loads(*(const char *const *)at, JSON_REJECT_DUPLICATES, NULL);
	case FIELD_ROWS:
		return encode_rows(field, *(const unsigned char *const *)at, count);
	}
	return NULL;
}

/* Steals object; returns it, or NULL when a text is no UTF-8. */
static json_t *encode_object(const struct field *fields, const void *from, json_t *object)
{
	for (const struct field *field = fields; field->name != NULL; field++) {
		const unsigned char *at = (const unsigned char *)from + field->offset;
		const size_t count = field->count_offset == 0
					     ? 0
					     : *(const size_t *)((const unsigned char *)from +
								 field->count_offset);
		if (is_absent(field, at, count))
			continue;
		if (json_object_set_new(object, field->name, encode_field(field, at, count)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

const char *record_encode(struct pool *pool, const struct record_line *line)
{
	json_t *object = json_object();

	assert(line->type < RECORD_TYPE_LIMIT);
	json_object_set_new(object, "type", json_string(record_type_word(line->type)));
	object = encode_object(types[line->type].fields, payload_of(line), object);
	if (object == NULL)
		return NULL;
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (text == NULL)
		return NULL;
	/* Not formatted: a line may be as long as all pages of a process. */
	const size_t length_bytes = strlen(text);
	char *kept = pool_take(pool, length_bytes + 2);
	memcpy(kept, text, length_bytes);
	kept[length_bytes] = '\n';
	kept[length_bytes + 1] = '\0';
	free(text);
	return kept;
}

/* --- decoding ----------------------------------------------------------------------------- */

struct decoder {
	struct pool *pool;
	const char *why; /* NULL while all is well */
};

static bool refuse(struct decoder *decoder, const char *name, const char *reason)
{
	decoder->why = pool_format(decoder->pool, "\"%s\" %s", name, reason);
	return false;
}

static bool decode_object(
	struct decoder *decoder, const struct field *fields, const json_t *object, void *into);

static bool decode_texts(struct decoder *decoder, const struct field *field, const json_t *array,
	const char *const **texts, size_t *count)
{
	if (!json_is_array(array))
		return refuse(decoder, field->name, "must be an array of texts");
	const char **items = pool_take(decoder->pool, json_array_size(array) * sizeof(*items));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		if (!json_is_string(item))
			return refuse(decoder, field->name, "must be an array of texts");
		items[i] = pool_text(decoder->pool, json_string_value(item));
	}
	*texts = items;
	*count = json_array_size(array);
	return true;
}

static bool decode_integers(struct decoder *decoder, const struct field *field, const json_t *array,
	const int64_t **values, size_t *count)
{
	if (!json_is_array(array))
		return refuse(decoder, field->name, "must be an array of integers");
	int64_t *items = pool_take(decoder->pool, json_array_size(array) * sizeof(*items));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		if (!json_is_integer(item))
			return refuse(decoder, field->name, "must be an array of integers");
		items[i] = json_integer_value(item);
	}
	*values = items;
	*count = json_array_size(array);
	return true;
}

static bool decode_parameters(struct decoder *decoder, const struct field *field, json_t *object,
	struct record_parameters *parameters)
{
	const char *name;
	json_t *value;
	size_t count = 0;

	if (!json_is_object(object))
		return refuse(decoder, field->name, "must be an object");
	struct record_parameter *items =
		pool_take(decoder->pool, json_object_size(object) * sizeof(*items));
	json_object_foreach(object, name, value)
	{
		struct record_parameter *item = &items[count++];
		item->name = pool_text(decoder->pool, name);
		if (json_is_string(value))
			item->label = pool_text(decoder->pool, json_string_value(value));
		else if (json_is_integer(value))
			item->value = json_integer_value(value);
		else
			return refuse(decoder, name, "must be an integer or a word");
	}
	*parameters = (struct record_parameters){count, items};
	return true;
}

static bool decode_rows(struct decoder *decoder, const struct field *field, const json_t *array,
	const void **rows, size_t *count)
{
	if (!json_is_array(array))
		return refuse(decoder, field->name, "must be an array of objects");
	unsigned char *items = pool_take(decoder->pool, json_array_size(array) * field->row_bytes);
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!decode_object(decoder, field->rows, json_array_get(array, i),
			    items + i * field->row_bytes))
			return false;
	*rows = items;
	*count = json_array_size(array);
	return true;
}

static bool decode_seed(
	struct decoder *decoder, const struct field *field, const json_t *value, uint64_t *seed)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";
	char *end = NULL;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
		return refuse(decoder, field->name, "must be an unsigned 64-bit number as text");
	*seed = number;
	return true;
}

static bool decode_word(struct decoder *decoder, const struct field *field, const json_t *value,
	const char *const *words, size_t words_count, unsigned *index)
{
	for (size_t i = 0; json_is_string(value) && i < words_count; i++)
		if (strcmp(words[i], json_string_value(value)) == 0) {
			*index = (unsigned)i;
			return true;
		}
	return refuse(decoder, field->name, "is not one of the words known");
}

static bool decode_field(struct decoder *decoder, const struct field *field, json_t *value,
	unsigned char *at, size_t *count)
{
	unsigned index = 0;

	switch (field->form) {
	case FIELD_TEXT:
		if (!json_is_string(value))
			return refuse(decoder, field->name, "must be a text");
		*(const char **)at = pool_text(decoder->pool, json_string_value(value));
		return true;
	case FIELD_INTEGER:
		if (!json_is_integer(value))
			return refuse(decoder, field->name, "must be an integer");
		*(int64_t *)at = json_integer_value(value);
		return true;
	case FIELD_SEED:
		return decode_seed(decoder, field, value, (uint64_t *)at);
	case FIELD_TRUTH:
		if (!json_is_boolean(value))
			return refuse(decoder, field->name, "must be true or false");
		*(bool *)at = json_is_true(value);
		return true;
	case FIELD_INTEGERS:
		assert(count != NULL);
		return decode_integers(decoder, field, value, (const int64_t **)at, count);
	case FIELD_TEXTS:
		assert(count != NULL);
		return decode_texts(decoder, field, value, (const char *const **)at, count);
	case FIELD_UNIT:
		if (!decode_word(decoder, field, value, unit_words, VM_UNIT_LIMIT, &index))
			return false;
		*(enum vm_unit *)at = (enum vm_unit)index;
		return true;
	case FIELD_TRIAL_END:
		if (!decode_word(
			    decoder, field, value, trial_end_words, RECORD_TRIAL_END_LIMIT, &index))
			return false;
		*(enum record_trial_end *)at = (enum record_trial_end)index;
		return true;
	case FIELD_PARAMETERS:
		return decode_parameters(decoder, field, value, (struct record_parameters *)at);
	case FIELD_OBJECT: {
		if (!json_is_object(value))
			return refuse(decoder, field->name, "must be an object");
		char *text = json_dumps(value, JSON_COMPACT);
		*(const char **)at = pool_text(decoder->pool, text != NULL ? text : "{}");
		free(text);
		return true;
	}
	case FIELD_ROWS:
		assert(count != NULL);
		return decode_rows(decoder, field, value, (const void **)at, count);
	}
	return false;
}

static const struct field *field_named(const struct field *fields, const char *name)
{
	for (const struct field *field = fields; field->name != NULL; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

static bool decode_object(
	struct decoder *decoder, const struct field *fields, const json_t *object, void *into)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object)) {
		decoder->why = "a row is not an object";
		return false;
	}
	json_object_foreach(
		(json_t *)object, name, value) if (field_named(fields, name) == NULL &&
						   strcmp(name, "type") != 0) return refuse(decoder,
		name, "is not a field of this line");
	for (const struct field *field = fields; field->name != NULL; field++) {
		value = json_object_get(object, field->name);
		if (value == NULL && field->optional)
			continue;
		if (value == NULL)
			return refuse(decoder, field->name, "is missing");
		size_t *count = field->count_offset == 0
					? NULL
					: (size_t *)((unsigned char *)into + field->count_offset);
		if (!decode_field(
			    decoder, field, value, (unsigned char *)into + field->offset, count))
			return false;
	}
	return true;
}

/* Depth is limited, and fractions are refused wherever they stand: they would not compare equal. */
static bool is_plain(struct decoder *decoder, const json_t *value, unsigned depth)
{
	const char *name;
	json_t *member;

	if (depth > RECORD_DEPTH_MOST) {
		decoder->why = "nested too deeply";
		return false;
	}
	if (json_is_real(value)) {
		decoder->why = "a number is not an integer";
		return false;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!is_plain(decoder, json_array_get(value, i), depth + 1))
			return false;
	json_object_foreach((json_t *)value, name,
		member) if (!is_plain(decoder, member, depth + 1)) return false;
	return true;
}

static bool decode_line(struct decoder *decoder, const json_t *object, struct record_line *line)
{
	const char *word = json_string_value(json_object_get(object, "type"));
	size_t type = 0;

	if (word == NULL)
		return refuse(decoder, "type", "is missing");
	while (type < RECORD_TYPE_LIMIT && strcmp(types[type].word, word) != 0)
		type++;
	if (type == RECORD_TYPE_LIMIT)
		return refuse(decoder, "type", "is not one of the types known");
	line->type = (enum record_type)type;
	return is_plain(decoder, object, 0) &&
	       decode_object(decoder, types[type].fields, object, (void *)payload_of(line));
}

bool record_decode(struct pool *pool, const char *text, size_t length_bytes,
	struct record_line *line, const char **why)
{
	struct decoder decoder = {.pool = pool};
	struct record_line decoded = {0};
	json_error_t error;

	if (length_bytes > RECORD_LINE_BYTES_MOST) {
		*why = pool_format(pool, "line of %zu bytes, at most %zu are read", length_bytes,
			RECORD_LINE_BYTES_MOST);
		return false;
	}
	json_t *object = json_loadb(text, length_bytes, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL) {
		*why = pool_format(pool, "no JSON object: %s", error.text);
		return false;
	}
	const bool good = decode_line(&decoder, object, &decoded);
	json_decref(object);
	if (!good) {
		*why = decoder.why;
		return false;
	}
	*line = decoded;
	return true;
}
