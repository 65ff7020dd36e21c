/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the tokens of one line, with parameters and loop variables put in. */
#ifndef SCENARIO_CURSOR_H
#define SCENARIO_CURSOR_H

#include "scenario/lexer.h"
#include "scenario/words.h"

#define CURSOR_VARIABLES_LIMIT 4

struct cursor_variable {
	const char *name;
	int64_t value;
};

struct cursor {
	const struct scenario *scenario;
	const int64_t *values; /* of the parameters; NULL in header lines, which have none */
	size_t variables_count;
	struct cursor_variable variables[CURSOR_VARIABLES_LIMIT];
	const struct scenario_line *line;
	size_t at;
	struct scenario_error *error;
};

bool cursor_at_end(const struct cursor *cursor);
bool cursor_at_parameter(const struct cursor *cursor);
/* "expected WHAT, found ..." at the next token; always false. */
bool cursor_expected(const struct cursor *cursor, const char *what);
bool cursor_fail(const struct cursor *cursor, const char *reason);

bool cursor_accept_sign(struct cursor *cursor, const char *sign);
bool cursor_expect_sign(struct cursor *cursor, const char *sign);
bool cursor_accept_word(struct cursor *cursor, const char *word);
/* The next word, or NULL and nothing taken; a parameter that is a kind gives its word. */
const char *cursor_accept_any_word(struct cursor *cursor);
bool cursor_expect_word(struct cursor *cursor, const char *what, const char **word);
bool cursor_expect_word_of(
	struct cursor *cursor, const char *what, const struct word *list, uint64_t *value);
/* Sums, products, parentheses, numbers (K, M, G: in pages), parameters. */
bool cursor_expect_expression(struct cursor *cursor, int64_t *value);
/* An expression in pages, or a number of bytes with B behind it: in bytes. */
bool cursor_expect_size(struct cursor *cursor, uint64_t *bytes);
bool cursor_expect_end(struct cursor *cursor);

#endif
