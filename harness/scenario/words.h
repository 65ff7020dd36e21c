/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the language for the numbers of the system call interface, both ways. */
#ifndef SCENARIO_WORDS_H
#define SCENARIO_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct word {
	const char *word;
	uint64_t value;
};

/* Each list ends with a NULL word. */
extern const struct word protection_words[];
extern const struct word map_words[];
extern const struct word advice_words[];
extern const struct word file_kind_words[];
extern const struct word file_io_words[];
extern const struct word lock_all_words[];
extern const struct word sync_words[];
extern const struct word scan_words[];
extern const struct word error_words[];	    /* "ENOMEM" */
extern const struct word operation_words[]; /* all of vm_operation_kind, in order */

const struct word *word_of(const struct word *list, const char *text);
const char *word_for(const struct word *list, uint64_t value);
/* "one, two or three", for messages. */
const char *words_listed(const struct word *list, char *buffer, size_t buffer_bytes);

#endif
