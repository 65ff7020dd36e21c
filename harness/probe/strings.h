/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference strings over one file, in phases: runs of pages, some of them several times. Predicting
 * and measuring go through the same table; the trial's half, which replays it: trial/strings.h.
 *
 * Sizes are shares of the limit of the group, so that each string asks the same question at every
 * limit.
 */
#ifndef PROBE_STRINGS_H
#define PROBE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum string_name {
	STRING_TWICE,	      /* some pages twice, others once, then new ones */
	STRING_SCAN,	      /* pages used twice, then a file of many times the memory */
	STRING_BALANCE,	      /* more pages used twice than the active list may hold */
	STRING_REFAULT,	      /* a list of pages used twice that nobody uses any more, and a loop */
	STRING_SECOND_CHANCE, /* pages used once through page tables, then new ones by read() */
	STRING_LOOP,	      /* a loop larger than memory */
	STRING_TWO_LOOPS,     /* two loops that fit one at a time, in turns */
	STRING_LOOPS_APART,   /* and one after the other */
};

#define STRING_PHASES_LIMIT 24

struct string_phase {
	uint32_t first, count, rounds;
	const char *look; /* what is resident behind it is looked at under this name; or NULL */
	/* Of the first pages, how many the kernel keeps for their use, whatever came after them;
	 * the others go in the order of their last use. */
	uint32_t kept;
};

struct string {
	uint32_t pages;	 /* page numbers are below */
	uint32_t mapped; /* pages below are used through page tables, the others by read() */
	size_t phases_count;
	struct string_phase phase[STRING_PHASES_LIMIT];
};

static inline struct string_phase *string_add(
	struct string *string, uint32_t first, uint32_t count, uint32_t rounds, const char *look)
{
	struct string_phase *phase = &string->phase[string->phases_count++];

	*phase = (struct string_phase){
		.first = first, .count = count, .rounds = rounds, .look = look};
	if (first + count > string->pages)
		string->pages = first + count;
	return phase;
}

#define STRING_TURNS 8

static inline struct string string_of(enum string_name name, uint32_t limit)
{
	struct string string = {0};

	switch (name) {
	case STRING_TWICE:
		string_add(&string, 0, limit / 4, 2, NULL);
		string_add(&string, limit / 4, limit / 4, 1, NULL);
		string_add(&string, limit / 2, 4 * limit, 1, "end")->kept = limit / 4;
		break;
	case STRING_SCAN:
		string_add(&string, 0, limit / 3, 2, NULL);
		string_add(&string, limit / 3, 5 * limit, 1, "end")->kept = limit / 3;
		break;
	case STRING_BALANCE:
		string_add(&string, 0, limit * 3 / 4, 2, NULL);
		string_add(&string, limit * 3 / 4, 3 * limit, 1, "end")->kept = limit * 3 / 4;
		break;
	case STRING_REFAULT:
		string_add(&string, 0, limit / 2, 2, NULL);
		string_add(&string, limit / 2, limit * 3 / 4, 2 * STRING_TURNS, "end");
		break;
	case STRING_SECOND_CHANCE:
		string.mapped = limit / 4;
		string_add(&string, 0, limit / 4, 1, NULL);
		string_add(&string, limit / 4, limit * 5 / 4, 1, "after one turn")->kept =
			limit / 4;
		string_add(&string, limit * 3 / 2, 2 * limit, 1, "after two");
		break;
	case STRING_LOOP:
		string_add(&string, 0, limit * 3 / 2, STRING_TURNS, "end");
		break;
	case STRING_TWO_LOOPS:
		for (uint32_t turn = 0; turn < STRING_TURNS; turn++) {
			string_add(&string, 0, limit * 3 / 4, 1, NULL);
			string_add(&string, limit * 3 / 4, limit * 3 / 4, 1,
				turn == STRING_TURNS - 1 ? "end" : NULL);
		}
		break;
	case STRING_LOOPS_APART:
		string_add(&string, 0, limit * 3 / 4, STRING_TURNS, NULL);
		string_add(&string, limit * 3 / 4, limit * 3 / 4, STRING_TURNS, "end");
		break;
	}
	return string;
}

/* The pages of a phase are looked at by themselves, those of phases over the same pages once. */
static inline bool string_is_part(const struct string *string, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (string->phase[i].first == string->phase[index].first)
			return false;
	return true;
}

#define STRING_PLACE_BYTES 64

/* "end, pages 128 to 255" */
static inline const char *string_place(
	const char *look, const struct string_phase *part, char place[STRING_PLACE_BYTES])
{
	(void)snprintf(place, STRING_PLACE_BYTES, "%s, pages %u to %u", look, part->first,
		part->first + part->count - 1);
	return place;
}

static inline uint32_t string_rounds(const struct string *string)
{
	uint32_t rounds = 0;

	for (size_t i = 0; i < string->phases_count; i++)
		rounds += string->phase[i].rounds;
	return rounds;
}

#endif
