/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of a record in other languages. A record may come from anybody: whatever its texts hold has
 * to come out as text. Every function takes any valid UTF-8.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/pool.h"

/*
 * One line that any format can hold: line ends and tabs become blanks; control characters, those
 * that turn the direction of writing, and what XML has no place for become U+FFFD.
 */
const char *text_clean(struct pool *pool, const char *text);

/* For TAP and KTAP, where # starts a directive: it becomes U+FF03, which looks alike. */
const char *text_tap(struct pool *pool, const char *text);

/* For a cell of a Markdown table, HTML and mentions switched off. */
const char *text_markdown(struct pool *pool, const char *text);

/* For running text of LaTeX; what its usual fonts lack is spelled U+1F600. */
const char *text_latex(struct pool *pool, const char *text);

/* RFC 4180, in quotes where needed; what a spreadsheet takes for a formula gets a quote before it.
 */
const char *text_csv(struct pool *pool, const char *text);

/* The next character, and *length_bytes of it; 0 at the end. */
unsigned text_next(const char *text, size_t *length_bytes);

#endif
