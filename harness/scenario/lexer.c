/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool scenario_fail(
	struct scenario_error *error, unsigned line, unsigned column, const char *format, ...)
{
	va_list arguments;

	error->line = line;
	error->column = column;
	va_start(arguments, format);
	(void)vsnprintf(error->reason, sizeof(error->reason), format, arguments);
	va_end(arguments);
	return false;
}

static bool is_letter(char byte)
{
	return isalpha((unsigned char)byte) != 0 || byte == '_';
}

static bool is_digit(char byte)
{
	return isdigit((unsigned char)byte) != 0;
}

/* Words join letters and digits by hyphens and dots: touch-write, hugetlb-2m, cow.fork-shares. */
static size_t word_bytes(const char *at, size_t left)
{
	size_t length = 0;

	while (length < left) {
		const bool inside = is_letter(at[length]) || is_digit(at[length]);
		const bool joined = (at[length] == '-' || at[length] == '.') && length + 1 < left &&
				    (is_letter(at[length + 1]) || is_digit(at[length + 1]));
		if (!inside && !joined)
			break;
		length++;
	}
	return length;
}

static size_t name_bytes(const char *at, size_t left)
{
	size_t length = 0;

	while (length < left && (is_letter(at[length]) || is_digit(at[length])))
		length++;
	return length;
}

/* Decimal or 0x; false when it does not fit 64 bits. */
static bool number_of(const char *at, size_t left, uint64_t *number, size_t *length)
{
	const bool hexadecimal = left > 2 && at[0] == '0' && at[1] == 'x';
	const unsigned base = hexadecimal ? 16 : 10;
	size_t i = hexadecimal ? 2 : 0;

	for (*number = 0; i < left; i++) {
		const int digit = is_digit(at[i]) ? at[i] - '0'
				  : hexadecimal && isxdigit((unsigned char)at[i])
					  ? tolower((unsigned char)at[i]) - 'a' + 10
					  : -1;
		if (digit < 0)
			break;
		if (__builtin_mul_overflow(*number, base, number) ||
			__builtin_add_overflow(*number, (unsigned)digit, number))
			return false;
	}
	*length = i;
	return true;
}

static bool take_token(struct pool *pool, const char *at, size_t left, struct token *token,
	size_t *length, const char **why)
{
	if (is_digit(*at)) {
		token->kind = TOKEN_NUMBER;
		*why = "this number does not fit 64 bits";
		if (!number_of(at, left, &token->number, length))
			return false;
		if (*length < left && strchr("KMGB", at[*length]) != NULL && at[*length] != '\0')
			token->unit = at[(*length)++];
		*why = "expected a number, with K, M, G or B behind it at most";
		if (*length < left && is_letter(at[*length]))
			return false;
		token->text = pool_text_of(pool, at, *length);
		return true;
	}
	if (is_letter(*at)) {
		token->kind = TOKEN_WORD;
		*length = word_bytes(at, left);
		token->text = pool_text_of(pool, at, *length);
		return true;
	}
	if (*at == '$') {
		token->kind = TOKEN_PARAMETER;
		*length = 1 + name_bytes(at + 1, left - 1);
		token->text = pool_text_of(pool, at + 1, *length - 1);
		*why = "expected the name of a parameter after $";
		return *length > 1;
	}
	token->kind = TOKEN_SIGN;
	*length = left > 1 && at[0] == '.' && at[1] == '.' ? 2 : 1;
	token->text = pool_text_of(pool, at, *length);
	*why = "this character has no meaning here";
	return *length == 2 || strchr("[],:=()+-*/%|", *at) != NULL;
}

bool lexer_split(struct pool *pool, const char *line, size_t length_bytes, unsigned number,
	struct scenario_line *split, struct scenario_error *error)
{
	struct token *tokens = NULL;
	size_t count = 0, first = length_bytes, last = 0;

	for (size_t at = 0; at < length_bytes && line[at] != '#';) {
		size_t length = 0;
		const char *why = "";
		if (line[at] == ' ' || line[at] == '\t') {
			at++;
			continue;
		}
		struct token token = {.column = (unsigned)at + 1};
		if (!take_token(pool, line + at, length_bytes - at, &token, &length, &why))
			return scenario_fail(error, number, token.column, "%s", why);
		tokens = pool_grow(pool, tokens, count, sizeof(*tokens));
		tokens[count++] = token;
		first = at < first ? at : first;
		at += length;
		last = at;
	}
	*split = (struct scenario_line){
		.number = number,
		.text = count == 0 ? "" : pool_text_of(pool, line + first, last - first),
		.tokens_count = count,
		.tokens = tokens,
	};
	return true;
}
