/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/cursor.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define EXPRESSION_DEPTH_LIMIT 16

static const struct token *next_token(const struct cursor *cursor)
{
	return cursor->at < cursor->line->tokens_count ? &cursor->line->tokens[cursor->at] : NULL;
}

bool cursor_at_end(const struct cursor *cursor)
{
	return next_token(cursor) == NULL;
}

bool cursor_at_parameter(const struct cursor *cursor)
{
	const struct token *token = next_token(cursor);

	return token != NULL && token->kind == TOKEN_PARAMETER;
}

static unsigned column_of(const struct cursor *cursor)
{
	const struct token *token = next_token(cursor);

	if (token != NULL)
		return token->column;
	if (cursor->line->tokens_count == 0)
		return 1;
	assert(cursor->line->tokens != NULL);
	token = &cursor->line->tokens[cursor->line->tokens_count - 1];
	return token->column + (unsigned)strlen(token->text);
}

bool cursor_fail(const struct cursor *cursor, const char *reason)
{
	return scenario_fail(cursor->error, cursor->line->number, column_of(cursor), "%s", reason);
}

bool cursor_expected(const struct cursor *cursor, const char *what)
{
	const struct token *token = next_token(cursor);

	if (token == NULL)
		return scenario_fail(cursor->error, cursor->line->number, column_of(cursor),
			"expected %s, found the end of the line", what);
	return scenario_fail(cursor->error, cursor->line->number, token->column,
		"expected %s, found '%s%s'", what, token->kind == TOKEN_PARAMETER ? "$" : "",
		token->text);
}

bool cursor_accept_sign(struct cursor *cursor, const char *sign)
{
	const struct token *token = next_token(cursor);

	if (token == NULL || token->kind != TOKEN_SIGN || strcmp(token->text, sign) != 0)
		return false;
	cursor->at++;
	return true;
}

bool cursor_expect_sign(struct cursor *cursor, const char *sign)
{
	char what[16];

	(void)snprintf(what, sizeof(what), "'%s'", sign);
	return cursor_accept_sign(cursor, sign) || cursor_expected(cursor, what);
}

static const struct probe_parameter *parameter_of(
	const struct cursor *cursor, const struct token *token, size_t *index)
{
	const struct scenario *scenario = cursor->scenario;

	for (*index = 0; cursor->values != NULL && *index < scenario->parameters_count; (*index)++)
		if (strcmp(scenario->parameters[*index].name, token->text) == 0)
			return &scenario->parameters[*index];
	return NULL;
}

/* The word of a parameter that is a kind. */
static const char *label_of(const struct cursor *cursor, const struct token *token)
{
	size_t index;
	const struct probe_parameter *parameter = parameter_of(cursor, token, &index);

	if (parameter == NULL || parameter->labels == NULL)
		return NULL;
	for (size_t i = 0; i < parameter->choices_count; i++)
		if (parameter->choices[i] == cursor->values[index])
			return parameter->labels[i];
	return NULL;
}

const char *cursor_accept_any_word(struct cursor *cursor)
{
	const struct token *token = next_token(cursor);
	const char *word = NULL;

	if (token != NULL && token->kind == TOKEN_WORD)
		word = token->text;
	if (token != NULL && token->kind == TOKEN_PARAMETER)
		word = label_of(cursor, token);
	if (word != NULL)
		cursor->at++;
	return word;
}

bool cursor_accept_word(struct cursor *cursor, const char *word)
{
	const size_t at = cursor->at;
	const char *found = cursor_accept_any_word(cursor);

	if (found != NULL && strcmp(found, word) == 0)
		return true;
	cursor->at = at;
	return false;
}

bool cursor_expect_word(struct cursor *cursor, const char *what, const char **word)
{
	*word = cursor_accept_any_word(cursor);
	return *word != NULL || cursor_expected(cursor, what);
}

bool cursor_expect_word_of(
	struct cursor *cursor, const char *what, const struct word *list, uint64_t *value)
{
	const size_t at = cursor->at;
	const char *text = cursor_accept_any_word(cursor);
	const struct word *word = text == NULL ? NULL : word_of(list, text);
	char listed[160], message[190];

	if (word != NULL) {
		*value = word->value;
		return true;
	}
	cursor->at = at;
	(void)snprintf(message, sizeof(message), "%s (%s)", what,
		words_listed(list, listed, sizeof(listed)));
	return cursor_expected(cursor, message);
}

static bool expect_sum(struct cursor *cursor, unsigned depth, int64_t *value);

static bool value_of_parameter(
	const struct cursor *cursor, const struct token *token, int64_t *value)
{
	size_t index;

	for (size_t i = cursor->variables_count; i > 0; i--)
		if (strcmp(cursor->variables[i - 1].name, token->text) == 0) {
			*value = cursor->variables[i - 1].value;
			return true;
		}
	const struct probe_parameter *parameter = parameter_of(cursor, token, &index);
	if (parameter == NULL)
		return cursor_fail(cursor, "no parameter and no loop variable has this name");
	if (parameter->labels != NULL)
		return cursor_fail(cursor, "this parameter is a word, not a number");
	*value = cursor->values[index];
	return true;
}

/* 2M is 512: numbers in expressions are pages. */
static bool value_of_number(const struct cursor *cursor, const struct token *token, int64_t *value)
{
	const unsigned shift = token->unit == 'K'   ? 10
			       : token->unit == 'M' ? 20
			       : token->unit == 'G' ? 30
						    : 0;

	if (token->unit == 'B')
		return cursor_fail(cursor, "bytes stand alone, not in an expression of pages");
	if (token->number > UINT64_C(1) << 40)
		return cursor_fail(cursor, "expected a number up to 2^40");
	*value = (int64_t)token->number;
	if (shift == 0)
		return true;
	const uint64_t bytes = token->number << shift >> shift == token->number
				       ? token->number << shift
				       : UINT64_MAX;
	if (!vm_is_aligned(bytes, VM_PAGE_BYTES))
		return cursor_fail(cursor, "expected whole pages");
	*value = (int64_t)vm_bytes_to_pages_floor(bytes);
	return true;
}

static bool expect_factor(struct cursor *cursor, unsigned depth, int64_t *value)
{
	const struct token *token = next_token(cursor);

	if (depth > EXPRESSION_DEPTH_LIMIT)
		return cursor_fail(cursor, "parentheses are nested too deep");
	if (cursor_accept_sign(cursor, "-")) {
		if (!expect_factor(cursor, depth + 1, value))
			return false;
		return !__builtin_sub_overflow(INT64_C(0), *value, value) ||
		       cursor_fail(cursor, "the number does not fit 64 bits");
	}
	if (cursor_accept_sign(cursor, "("))
		return expect_sum(cursor, depth + 1, value) && cursor_expect_sign(cursor, ")");
	if (token == NULL || (token->kind != TOKEN_NUMBER && token->kind != TOKEN_PARAMETER))
		return cursor_expected(cursor, "a number");
	if (token->kind == TOKEN_NUMBER ? !value_of_number(cursor, token, value)
					: !value_of_parameter(cursor, token, value))
		return false;
	cursor->at++;
	return true;
}

static bool expect_product(struct cursor *cursor, unsigned depth, int64_t *value)
{
	if (!expect_factor(cursor, depth, value))
		return false;
	for (;;) {
		int64_t right = 0;
		const bool times = cursor_accept_sign(cursor, "*");
		const bool over = !times && cursor_accept_sign(cursor, "/");
		if (!times && !over && !cursor_accept_sign(cursor, "%"))
			return true;
		if (!expect_factor(cursor, depth, &right))
			return false;
		if (!times && right <= 0)
			return cursor_fail(cursor, "the divisor is not above zero");
		if (times && __builtin_mul_overflow(*value, right, value))
			return cursor_fail(cursor, "the product does not fit 64 bits");
		if (!times)
			*value = over ? *value / right : *value % right;
	}
}

static bool expect_sum(struct cursor *cursor, unsigned depth, int64_t *value)
{
	if (!expect_product(cursor, depth, value))
		return false;
	for (;;) {
		int64_t right = 0;
		const bool plus = cursor_accept_sign(cursor, "+");
		if (!plus && !cursor_accept_sign(cursor, "-"))
			return true;
		if (!expect_product(cursor, depth, &right))
			return false;
		if (plus ? __builtin_add_overflow(*value, right, value)
			 : __builtin_sub_overflow(*value, right, value))
			return cursor_fail(cursor, "the sum does not fit 64 bits");
	}
}

bool cursor_expect_expression(struct cursor *cursor, int64_t *value)
{
	return expect_sum(cursor, 0, value);
}

bool cursor_expect_size(struct cursor *cursor, uint64_t *bytes)
{
	const struct token *token = next_token(cursor);
	int64_t pages = 0;

	if (token != NULL && token->kind == TOKEN_NUMBER && token->unit == 'B') {
		*bytes = token->number;
		cursor->at++;
		return true;
	}
	if (!cursor_expect_expression(cursor, &pages))
		return false;
	if (pages < 0 || pages > INT64_C(1) << 40)
		return cursor_fail(cursor, "expected a size of 0 to 2^40 pages");
	*bytes = vm_pages_to_bytes((uint64_t)pages);
	return true;
}

bool cursor_expect_end(struct cursor *cursor)
{
	return cursor_at_end(cursor) || cursor_expected(cursor, "the end of the line");
}
