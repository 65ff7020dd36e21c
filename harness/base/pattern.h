/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions (PCRE2) that somebody else wrote: matching is limited in time and memory. */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include <stdbool.h>

struct pattern;

/* NULL, and *why (static or in the pattern's own memory until the next call), when it is none. */
struct pattern *pattern_compile(const char *text, const char **why);

/* Whether it is found in the subject. A match that exceeds the limits counts as none. */
bool pattern_found(const struct pattern *pattern, const char *subject);

void pattern_drop(struct pattern **pattern);

#define PATTERN_DROPS __attribute__((cleanup(pattern_drop)))

#endif
