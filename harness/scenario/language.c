/* SPDX-License-Identifier: Apache-2.0 */
/* A whole scenario: the head, the lines of the body, and every case of it compiled once. */
#include "scenario/language.h"

#include <string.h>

#include "facts/facts.h"
#include "scenario/cursor.h"
#include "scenario/wire.h"

#define LINES_LIMIT 4000
#define CASES_LIMIT 512

struct reader {
	struct pool *pool;
	struct scenario *scenario;
	struct cursor cursor;
	const char *rest; /* of the line, behind its first word, as it was written */
	bool pool_given;  /* huge pages were asked for in so many words */
};

static bool read_claims(struct reader *r)
{
	struct scenario *scenario = r->scenario;
	size_t count = 0;

	while (scenario->claims[count] != NULL)
		count++;
	do {
		const char *claim;
		if (!cursor_expect_word(&r->cursor, "the id of a claim", &claim))
			return false;
		if (strchr(claim, '.') == NULL) {
			r->cursor.at--;
			return cursor_expected(
				&r->cursor, "the id of a claim, as in cow.read-free");
		}
		if (count == SCENARIO_CLAIMS_LIMIT)
			return cursor_fail(&r->cursor, "too many claims");
		scenario->claims[count++] = claim;
	} while (!cursor_at_end(&r->cursor));
	return true;
}

static bool read_choices(struct reader *r, struct probe_parameter *parameter)
{
	const char **labels = pool_take(r->pool, PROBE_CHOICES_LIMIT * sizeof(*labels));

	while (!cursor_at_end(&r->cursor) && !cursor_accept_word(&r->cursor, "draw")) {
		const size_t count = parameter->choices_count;
		if (count == PROBE_CHOICES_LIMIT)
			return cursor_fail(&r->cursor, "too many choices");
		const char *word = cursor_accept_any_word(&r->cursor);
		if ((word != NULL) != (parameter->labels != NULL) && count != 0)
			return cursor_fail(&r->cursor, "choices are all words or all numbers");
		if (word != NULL) {
			parameter->labels = labels;
			labels[count] = word;
			parameter->choices[count] = (int64_t)count;
		} else if (!cursor_expect_expression(&r->cursor, &parameter->choices[count])) {
			return false;
		}
		parameter->choices_count++;
	}
	return parameter->choices_count != 0 || cursor_expected(&r->cursor, "a choice");
}

/* "parameter NAME CHOICE... [draw LOWEST..HIGHEST [step N]] [knob NAME]" */
static bool read_parameter(struct reader *r)
{
	struct scenario *scenario = r->scenario;
	struct cursor *cursor = &r->cursor;
	const char *knob;

	if (scenario->parameters_count == SCENARIO_PARAMETERS_LIMIT)
		return cursor_fail(cursor, "too many parameters");
	struct probe_parameter *parameter = &scenario->parameters[scenario->parameters_count];
	if (!cursor_expect_word(cursor, "a name for the parameter", &parameter->name))
		return false;
	parameter->unit = VM_UNIT_COUNT;
	const bool sets_knob = cursor_accept_word(cursor, "knob");
	if (sets_knob && !cursor_expect_word(cursor, "the name of a setting", &knob))
		return false;
	if (!read_choices(r, parameter))
		return false;
	parameter->knob = sets_knob ? knob : NULL;
	/* The model knows a bracketed choice by the kernel's own order of them. */
	for (size_t i = 0; sets_knob && parameter->labels != NULL && i < parameter->choices_count;
		i++) {
		parameter->choices[i] = facts_choice(knob, parameter->labels[i]);
		if (parameter->choices[i] < 0)
			return cursor_fail(cursor, "this setting has no such choice");
	}
	if (!cursor_at_end(cursor)) {
		parameter->drawn = 1;
		parameter->step = 1;
		if (parameter->labels != NULL)
			return cursor_fail(cursor, "only numbers are drawn");
		if (!cursor_expect_expression(cursor, &parameter->lowest) ||
			!cursor_expect_sign(cursor, "..") ||
			!cursor_expect_expression(cursor, &parameter->highest) ||
			(cursor_accept_word(cursor, "step") &&
				!cursor_expect_expression(cursor, &parameter->step)))
			return false;
		if (parameter->lowest > parameter->highest || parameter->step < 1)
			return cursor_fail(cursor, "expected LOWEST..HIGHEST with a step above 0");
	}
	scenario->parameters_count++;
	return true;
}

static bool need_feature(struct probe_needs *needs, enum vm_feature feature)
{
	for (size_t i = 0; i < needs->features_count; i++)
		if (needs->features[i] == feature)
			return true;
	if (needs->features_count == sizeof(needs->features) / sizeof(needs->features[0]))
		return false;
	needs->features[needs->features_count++] = feature;
	return true;
}

static bool read_feature(struct reader *r)
{
	const size_t at = r->cursor.at;
	const char *word;

	if (!cursor_expect_word(&r->cursor, "the name of a feature", &word))
		return false;
	for (unsigned i = 0; i < VM_FEATURE_LIMIT; i++)
		if (strcmp(vm_feature_word((enum vm_feature)i), word) == 0)
			return need_feature(&r->scenario->needs, (enum vm_feature)i) ||
			       cursor_fail(&r->cursor, "too many features");
	r->cursor.at = at;
	return cursor_expected(&r->cursor, "the name of a feature");
}

/* What operations do not tell by themselves. */
static bool read_needs(struct reader *r)
{
	static const struct word words[] = {{"root", 0}, {"swap", 1}, {"memory", 2}, {"group", 3},
		{"huge-2m", 4}, {"huge-1g", 5}, {"feature", 6}, {NULL, 0}};
	struct probe_needs *needs = &r->scenario->needs;
	uint64_t which, bytes = 0;

	if (!cursor_expect_word_of(&r->cursor, "a need", words, &which))
		return false;
	if (which == 0) {
		needs->root = true;
		return true;
	}
	if (which == 6)
		return read_feature(r);
	if (!cursor_expect_size(&r->cursor, &bytes))
		return false;
	if (which == 1)
		needs->swap_bytes = bytes;
	if (which == 2)
		needs->memory_bytes = bytes;
	if (which == 3)
		needs->group_limit_bytes = bytes;
	if (which == 4)
		needs->huge_2m_pages = (unsigned)vm_bytes_to_pages_floor(bytes);
	if (which == 5)
		needs->huge_1g_pages = (unsigned)vm_bytes_to_pages_floor(bytes);
	r->pool_given = r->pool_given || which >= 4;
	return true;
}

static bool read_purpose(struct reader *r)
{
	struct scenario *scenario = r->scenario;

	if (*r->rest == '\0')
		return cursor_expected(&r->cursor, "a sentence");
	scenario->purpose = scenario->purpose == NULL
				    ? r->rest
				    : pool_format(r->pool, "%s %s", scenario->purpose, r->rest);
	return true;
}

/* Text lines are taken as they are: a sentence is not made of tokens. */
static bool is_text_line(const char *line, size_t length)
{
	return length >= 8 && strncmp(line, "purpose", 7) == 0 &&
	       (line[7] == ' ' || line[7] == '\t');
}

static const char *text_behind(struct pool *pool, const char *line, size_t length, size_t start)
{
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	while (length > start && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	return pool_text_of(pool, line + start, length - start);
}

/* 1: a line of the head; 0: of the body; -1: wrong */
static int read_head_line(struct reader *r)
{
	static const struct {
		const char *word;
		bool (*read)(struct reader *);
	} heads[] = {{"claims", read_claims}, {"parameter", read_parameter}, {"needs", read_needs}};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (cursor_accept_word(&r->cursor, heads[i].word))
			return heads[i].read(r) && cursor_expect_end(&r->cursor) ? 1 : -1;
	return 0;
}

static bool read_line(struct reader *r, const char *line, size_t length, unsigned number,
	struct scenario_error *error)
{
	struct scenario *scenario = r->scenario;
	struct scenario_line split = {.number = number, .text = ""};

	r->cursor = (struct cursor){.scenario = scenario, .line = &split, .error = error};
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return scenario_fail(error, number, (unsigned)i + 1, "a control character");
	if (is_text_line(line, length)) {
		r->rest = text_behind(r->pool, line, length, 7);
		return read_purpose(r);
	}
	if (!lexer_split(r->pool, line, length, number, &split, error))
		return false;
	if (split.tokens_count == 0)
		return true;
	const int head = read_head_line(r);
	if (head != 0)
		return head > 0;
	if (scenario->lines_count == LINES_LIMIT)
		return cursor_fail(&r->cursor, "too many lines");
	struct scenario_line *lines =
		pool_grow(r->pool, scenario->lines, scenario->lines_count, sizeof(*lines));
	lines[scenario->lines_count++] = split;
	scenario->lines = lines;
	return true;
}

/* What an operation cannot do without. */
static bool infer(struct probe_needs *needs, const struct vm_operation *o)
{
	switch (o->kind) {
	case VM_OP_PAGEMAP_SCAN:
		return need_feature(needs, VM_FEATURE_PAGEMAP_SCAN);
	case VM_OP_UFFD_REGISTER_WP:
	case VM_OP_UFFD_UNREGISTER:
		return need_feature(needs, VM_FEATURE_UFFD_WP_ASYNC);
	case VM_OP_KSM_RUN:
		needs->ksm = true;
		return need_feature(needs, VM_FEATURE_KSM);
	case VM_OP_POOL:
		needs->root = true;
		if (o->file_kind == VM_FILE_HUGETLB_1G) {
			needs->huge_1g_varies = true;
			return need_feature(needs, VM_FEATURE_HUGETLB_1G);
		}
		needs->huge_2m_varies = true;
		return need_feature(needs, VM_FEATURE_HUGETLB_2M);
	case VM_OP_SEAL:
		return need_feature(needs, VM_FEATURE_MSEAL);
	case VM_OP_DENY_WRITE_EXECUTE:
		return need_feature(needs, VM_FEATURE_MDWE);
	case VM_OP_CLEAR_REFS:
		return o->flags != 4 || need_feature(needs, VM_FEATURE_SOFT_DIRTY);
	case VM_OP_ADVISE:
		if (o->advice == VM_MADV_GUARD_INSTALL || o->advice == VM_MADV_GUARD_REMOVE)
			return need_feature(needs, VM_FEATURE_GUARD_REGIONS);
		if (o->advice == VM_MADV_MERGEABLE)
			return need_feature(needs, VM_FEATURE_KSM);
		return true;
	case VM_OP_PIN:
	case VM_OP_UNPIN:
	case VM_OP_PINNED_READ:
	case VM_OP_PINNED_WRITE:
		return need_feature(needs, VM_FEATURE_IO_URING);
	case VM_OP_FILE_CREATE:
		return o->file_kind != VM_FILE_SECRET ||
		       need_feature(needs, VM_FEATURE_SECRET_MEMORY);
	case VM_OP_MAP:
		return (o->flags & VM_MAP_DROPPABLE) == 0 ||
		       need_feature(needs, VM_FEATURE_DROPPABLE);
	default:
		return true;
	}
}

static void infer_huge(struct probe_needs *needs, const struct script *script)
{
	uint64_t bytes_2m = 0, bytes_1g = 0;

	for (size_t i = 0; i < script->operations_count; i++) {
		const struct vm_operation *o = &script->operations[i];
		const bool maps = o->kind == VM_OP_MAP && (o->flags & VM_MAP_HUGETLB) != 0;
		const bool creates = o->kind == VM_OP_FILE_CREATE;
		if (maps && (o->flags & VM_MAP_HUGE_1GB) != VM_MAP_HUGE_1GB)
			bytes_2m += o->length;
		else if (maps)
			bytes_1g += o->length;
		if (creates && o->file_kind == VM_FILE_HUGETLB_2M)
			bytes_2m += o->length;
		if (creates && o->file_kind == VM_FILE_HUGETLB_1G)
			bytes_1g += o->length;
	}
	const unsigned pages_2m = (unsigned)(bytes_2m / VM_HUGE_2M_BYTES);
	const unsigned pages_1g = (unsigned)(bytes_1g / VM_HUGE_1G_BYTES);
	needs->huge_2m_pages = pages_2m > needs->huge_2m_pages ? pages_2m : needs->huge_2m_pages;
	needs->huge_1g_pages = pages_1g > needs->huge_1g_pages ? pages_1g : needs->huge_1g_pages;
}

static bool try_case(struct reader *r, const int64_t *values, struct scenario_error *error)
{
	POOL_DROPS struct pool pool = {0}; /* of this case: there may be hundreds */
	struct script script;

	if (!scenario_compile(&pool, r->scenario, values, &script, error))
		return false;
	for (size_t i = 0; i < script.operations_count; i++)
		if (!infer(&r->scenario->needs, &script.operations[i]))
			return scenario_fail(
				error, script.steps[i].line, 1, "too many features are needed");
	if (!r->pool_given)
		infer_huge(&r->scenario->needs, &script);
	return true;
}

/* Every choice of every parameter, and both ends of what may be drawn. */
static bool try_cases(struct reader *r, struct scenario_error *error)
{
	const struct scenario *scenario = r->scenario;
	size_t digits[SCENARIO_PARAMETERS_LIMIT] = {0};
	int64_t values[SCENARIO_PARAMETERS_LIMIT];

	for (size_t cases = 0; cases < CASES_LIMIT; cases++) {
		size_t i = 0;
		for (size_t k = 0; k < scenario->parameters_count; k++) {
			const struct probe_parameter *parameter = &scenario->parameters[k];
			const size_t choices = parameter->choices_count;
			values[k] = digits[k] < choices	   ? parameter->choices[digits[k]]
				    : digits[k] == choices ? parameter->lowest
							   : parameter->highest;
		}
		if (!try_case(r, values, error))
			return false;
		for (; i < scenario->parameters_count; i++) {
			const struct probe_parameter *parameter = &scenario->parameters[i];
			if (++digits[i] < parameter->choices_count + (parameter->drawn > 0 ? 2 : 0))
				break;
			digits[i] = 0;
		}
		if (i == scenario->parameters_count)
			return true;
	}
	return scenario_fail(error, 1, 1, "the parameters make more than %d cases", CASES_LIMIT);
}

bool scenario_read(struct pool *pool, const char *text, size_t length_bytes,
	struct scenario *scenario, struct scenario_error *error)
{
	struct reader r = {.pool = pool, .scenario = scenario};
	unsigned number = 0;

	if (length_bytes > SCENARIO_TEXT_LIMIT_BYTES)
		return scenario_fail(error, 1, 1, "the text is longer than a mebibyte");
	*scenario = (struct scenario){.text = pool_text_of(pool, text, length_bytes)};
	for (size_t at = 0; at < length_bytes;) {
		const char *newline = memchr(text + at, '\n', length_bytes - at);
		const size_t end = newline == NULL ? length_bytes : (size_t)(newline - text);
		if (!read_line(&r, text + at, end - at, ++number, error))
			return false;
		at = end + 1;
	}
	if (scenario->purpose == NULL)
		return scenario_fail(error, 1, 1, "expected a line 'purpose' with a sentence");
	if (scenario->claims[0] == NULL)
		return scenario_fail(error, 1, 1, "expected a line 'claims' with the claims shown");
	return try_cases(&r, error);
}
