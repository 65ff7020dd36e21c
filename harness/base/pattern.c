/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT  100000
#define DEPTH_LIMIT  1000
#define HEAP_KIB     8192
#define LENGTH_LIMIT 2048

struct pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct pattern *pattern_compile(const char *text, const char **why)
{
	/* One place for the sentence: patterns are compiled one after the other. */
	static char sentence[320];
	int error = 0;
	PCRE2_SIZE offset = 0;

	if (strlen(text) > LENGTH_LIMIT) {
		*why = "the pattern is too long";
		return NULL;
	}
	pcre2_code *code = pcre2_compile(
		(PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &offset, NULL);
	if (code == NULL) {
		PCRE2_UCHAR reason[256] = {0};
		(void)pcre2_get_error_message(error, reason, sizeof(reason));
		(void)snprintf(sentence, sizeof(sentence), "at character %zu: %s", (size_t)offset,
			(const char *)reason);
		*why = sentence;
		return NULL;
	}
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	if (pattern == NULL)
		abort();
	pattern->code = code;
	pattern->data = pcre2_match_data_create_from_pattern(code, NULL);
	pattern->context = pcre2_match_context_create(NULL);
	if (pattern->data == NULL || pattern->context == NULL)
		abort();
	(void)pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(pattern->context, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(pattern->context, HEAP_KIB);
	return pattern;
}

bool pattern_found(const struct pattern *pattern, const char *subject)
{
	return pcre2_match(pattern->code, (PCRE2_SPTR)subject, PCRE2_ZERO_TERMINATED, 0, 0,
		       pattern->data, pattern->context) >= 0;
}

void pattern_drop(struct pattern **pattern)
{
	if (*pattern == NULL)
		return;
	pcre2_match_context_free((*pattern)->context);
	pcre2_match_data_free((*pattern)->data);
	pcre2_code_free((*pattern)->code);
	free(*pattern);
	*pattern = NULL;
}
