/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a scenario as tokens. */
#ifndef SCENARIO_LEXER_H
#define SCENARIO_LEXER_H

#include <stdbool.h>

#include "scenario/language.h"

enum token_kind { TOKEN_WORD, TOKEN_NUMBER, TOKEN_PARAMETER, TOKEN_SIGN };

struct token {
	enum token_kind kind;
	unsigned column;
	const char *text; /* a word, the name of a parameter without $, or the sign */
	uint64_t number;
	char unit; /* behind a number: K M G for bytes times 2^10, 2^20, 2^30, B for bytes, or 0 */
};

/* Splits a line, comment excluded, into tokens of the pool. */
bool lexer_split(struct pool *pool, const char *line, size_t length_bytes, unsigned number,
	struct scenario_line *split, struct scenario_error *error);

bool scenario_fail(struct scenario_error *error, unsigned line, unsigned column, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
