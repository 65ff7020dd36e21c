/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading kernel text: spans of the caller's buffer, lines, words and numbers.
 *
 * Every parser below kernel/ takes a buffer and fills a struct. None reads a file, allocates, keeps
 * state or ends its spans with a NUL; spans point into the caller's buffer and live as long as it.
 * A parser returns 0, or -EINVAL with the line and the reason in the error, and then leaves the
 * result unspecified. What a newer kernel adds (fields, flags, counters) is no error as long as it
 * has the shape of its neighbours; a number that does not fit 64 bits, or a last line that does not
 * end, is: the file was cut off or is not what it says.
 */
#ifndef KERNEL_TEXT_H
#define KERNEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_text {
	const char *bytes;
	size_t length_bytes;
};

#define KERNEL_REASON_BYTES 112

struct kernel_error {
	unsigned line; /* from 1; 0: the text as a whole */
	char reason[KERNEL_REASON_BYTES];
};

struct kernel_text kernel_text_of(const char *string);
bool kernel_text_is(struct kernel_text text, const char *string);
bool kernel_text_starts(struct kernel_text text, const char *prefix);
struct kernel_text kernel_text_after(struct kernel_text text, size_t count_bytes);
struct kernel_text kernel_text_trimmed(struct kernel_text text);
/* The byte's offset, or the text's length. */
size_t kernel_text_find(struct kernel_text text, char byte);
/* Copied with a NUL, cut to fit; returns whether all of it fitted. */
bool kernel_text_copy(struct kernel_text text, char *buffer, size_t capacity_bytes);

/* Fills the error and returns -EINVAL, so that a parser can return it. */
int kernel_fail(struct kernel_error *error, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whole spans as numbers: no sign, no blanks, nothing behind. */
bool kernel_text_decimal(struct kernel_text text, uint64_t *value);
bool kernel_text_signed(struct kernel_text text, int64_t *value);
/* Hexadecimal digits, with or without "0x". */
bool kernel_text_hexadecimal(struct kernel_text text, uint64_t *value);

/* Blank-separated words of a line. */
bool kernel_word_next(struct kernel_text *rest, struct kernel_text *word);
/* The next word as a decimal number; false if there is none or it is something else. */
bool kernel_number_next(struct kernel_text *rest, uint64_t *value);

struct kernel_lines {
	struct kernel_text rest;
	unsigned line; /* the number of the line last taken */
};

struct kernel_lines kernel_lines_of(struct kernel_text text);
/* 1 and the line without its newline, 0 at the end, -EINVAL when the last line has no newline. */
int kernel_line_next(
	struct kernel_lines *lines, struct kernel_text *line, struct kernel_error *error);

#endif
