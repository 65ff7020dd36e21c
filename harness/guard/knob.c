/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/knob.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guard/seam.h"
#include "guard/why.h"
#include "kernel/lists.h"

#define LIST_LIMIT     16
#define FILE_BYTES     1024
#define INSTANCE_BYTES 32
/* linux:6.12:include/linux/numa.h:MAX_NUMNODES with CONFIG_NODES_SHIFT 10 */
#define NODES_LIMIT 1024

static const char ksm_run_path[] = "/sys/kernel/mm/ksm/run";

/* What stands for the * of the pattern in the text: one word without dots or slashes. */
static bool star_of(const char *pattern, const char *text, char star[INSTANCE_BYTES])
{
	const char *const mark = strchr(pattern, '*');

	star[0] = '\0';
	if (mark == NULL)
		return strcmp(pattern, text) == 0;
	const size_t before_bytes = (size_t)(mark - pattern), after_bytes = strlen(mark + 1);
	const size_t length_bytes = strlen(text);
	if (length_bytes <= before_bytes + after_bytes ||
		length_bytes - before_bytes - after_bytes >= INSTANCE_BYTES ||
		memcmp(pattern, text, before_bytes) != 0 ||
		strcmp(mark + 1, text + length_bytes - after_bytes) != 0)
		return false;
	const size_t star_bytes = length_bytes - before_bytes - after_bytes;
	for (size_t i = 0; i < star_bytes; i++)
		if (!isalnum((unsigned char)text[before_bytes + i]) &&
			text[before_bytes + i] != '-')
			return false;
	memcpy(star, text + before_bytes, star_bytes);
	star[star_bytes] = '\0';
	return true;
}

static bool fill_star(char *filled, size_t capacity_bytes, const char *pattern, const char *star)
{
	const char *const mark = strchr(pattern, '*');
	const int length = mark == NULL ? snprintf(filled, capacity_bytes, "%s", pattern)
					: snprintf(filled, capacity_bytes, "%.*s%s%s",
						  (int)(mark - pattern), pattern, star, mark + 1);

	return length >= 0 && (size_t)length < capacity_bytes;
}

bool knob_find(const char *name, struct knob_instance *instance)
{
	for (size_t i = 0; i < knobs_count; i++) {
		char star[INSTANCE_BYTES];

		if (!star_of(knobs[i].name, name, star))
			continue;
		instance->knob = &knobs[i];
		return fill_star(instance->name, sizeof(instance->name), knobs[i].name, star) &&
		       fill_star(instance->path, sizeof(instance->path), knobs[i].path, star);
	}
	return false;
}

/* Words with single blanks between them. */
static int words_of(struct kernel_text text, char value[GUARD_VALUE_BYTES])
{
	struct kernel_text word;
	size_t used_bytes = 0;

	while (kernel_word_next(&text, &word)) {
		if (used_bytes + word.length_bytes + 2 > GUARD_VALUE_BYTES)
			return -EFBIG;
		if (used_bytes != 0)
			value[used_bytes++] = ' ';
		memcpy(value + used_bytes, word.bytes, word.length_bytes);
		used_bytes += word.length_bytes;
	}
	value[used_bytes] = '\0';
	return 0;
}

int knob_value(
	const char *root, const struct knob_instance *instance, char value[GUARD_VALUE_BYTES])
{
	char text[FILE_BYTES];
	const ssize_t length_bytes = seam_read_text(root, instance->path, text, sizeof(text));
	struct kernel_choice choice;
	struct kernel_error error;

	if (length_bytes < 0)
		return (int)length_bytes;
	if (instance->knob->kind != KNOB_CHOICE)
		return words_of(kernel_text_of(text), value);
	if (kernel_choice_parse(kernel_text_of(text), &choice, &error) != 0)
		return -EBADMSG;
	return kernel_text_copy(choice.words[choice.chosen], value, GUARD_VALUE_BYTES) ? 0 : -EFBIG;
}

int knob_value_beside(
	const char *root, const struct knob_instance *instance, char value[GUARD_VALUE_BYTES])
{
	char text[FILE_BYTES];

	value[0] = '\0';
	if (instance->knob->beside == NULL)
		return 0;
	const ssize_t length_bytes =
		seam_read_text(root, instance->knob->beside, text, sizeof(text));
	return length_bytes < 0 ? (int)length_bytes : words_of(kernel_text_of(text), value);
}

static bool number_of(const struct knob *knob, struct kernel_text text, int64_t *number)
{
	uint64_t mask = 0;

	if (knob->kind != KNOB_MASK)
		return kernel_text_signed(text, number);
	if (!kernel_text_starts(text, "0x"))
		return kernel_text_signed(text, number);
	if (!kernel_text_hexadecimal(text, &mask) || mask > INT64_MAX)
		return false;
	*number = (int64_t)mask;
	return true;
}

bool knob_same(const struct knob_instance *instance, const char *left, const char *right)
{
	int64_t a = 0, b = 0;

	if (instance->knob->kind == KNOB_MASK &&
		number_of(instance->knob, kernel_text_of(left), &a) &&
		number_of(instance->knob, kernel_text_of(right), &b))
		return a == b;
	return strcmp(left, right) == 0;
}

static bool listed(const char *words, const char *value)
{
	struct kernel_text rest = kernel_text_of(words), word;

	while (kernel_word_next(&rest, &word))
		if (kernel_text_is(word, value))
			return true;
	return false;
}

/* The words that this kernel offers decide, so that a newer kernel's word is legal there. */
static int check_choice(const char *root, const struct knob_instance *instance, const char *value,
	char why[WHY_BYTES])
{
	char text[FILE_BYTES];
	struct kernel_choice choice;
	struct kernel_error error;
	const ssize_t length_bytes = seam_read_text(root, instance->path, text, sizeof(text));

	if (length_bytes < 0) {
		return why_say(why, (int)length_bytes, "%s: %s", instance->path,
			strerror((int)-length_bytes));
	}
	if (kernel_choice_parse(kernel_text_of(text), &choice, &error) != 0) {
		return why_say(why, -EBADMSG, "%s: %s", instance->path, error.reason);
	}
	for (size_t i = 0; i < choice.count; i++)
		if (kernel_text_is(choice.words[i], value))
			return 0;
	text[strcspn(text, "\n")] = '\0';
	return why_say(why, -EINVAL, "%s: %.40s is none of: %s", instance->name, value, text);
}

static int check_number(const struct knob_instance *instance, struct kernel_text text, bool held,
	char why[WHY_BYTES])
{
	const struct knob *const knob = instance->knob;
	const bool narrower = held && (knob->held_lowest != 0 || knob->held_highest != 0);
	const int64_t lowest = narrower ? knob->held_lowest : knob->lowest;
	const int64_t highest = narrower ? knob->held_highest : knob->highest;
	int64_t number = 0;

	if (number_of(knob, text, &number) && number >= lowest && number <= highest)
		return 0;
	return why_say(why, -EINVAL, "%s: %.*s is no number from %" PRId64 " to %" PRId64,
		instance->name, (int)(text.length_bytes < 40 ? text.length_bytes : 40), text.bytes,
		lowest, highest);
}

static int check_list(
	const struct knob_instance *instance, const char *value, bool held, char why[WHY_BYTES])
{
	struct kernel_text rest = kernel_text_of(value), word;
	size_t count = 0;

	while (kernel_word_next(&rest, &word)) {
		const int failed = check_number(instance, word, held, why);
		if (failed != 0)
			return failed;
		count++;
	}
	if (count != 0 && count <= LIST_LIMIT)
		return 0;
	return why_say(why, -EINVAL, "%s: %zu numbers", instance->name, count);
}

int knob_check(const char *root, const struct knob_instance *instance, const char *value, bool held,
	char why[WHY_BYTES])
{
	switch (instance->knob->kind) {
	case KNOB_CHOICE:
		return check_choice(root, instance, value, why);
	case KNOB_LIST:
		return check_list(instance, value, held, why);
	case KNOB_WORD:
		if (listed(instance->knob->words, value))
			return 0;
		return why_say(why, -EINVAL, "%s: %.40s is none of: %s", instance->name, value,
			instance->knob->words);
	case KNOB_INTEGER:
	case KNOB_MASK:
	case KNOB_POOL:
		return check_number(instance, kernel_text_of(value), held, why);
	}
	assert(false && "every kind is checked");
	return -EINVAL;
}

/*
 * The two members of a pair zero each other, so only one of them is written back: the absolute one
 * if it was in use, else the ratio. dirty_ratio zeroes dirty_bytes only when it changes
 * (linux:6.12:mm/page-writeback.c:dirty_ratio_handler), so with both at zero it has to move.
 */
static int put_back_pair(const char *root, const char *ratio_path, const char *absolute_path,
	const char *ratio, const char *absolute)
{
	char now[FILE_BYTES];

	if (strcmp(absolute, "0") != 0)
		return seam_write_text(root, absolute_path, absolute);
	int failed = seam_write_text(root, ratio_path, ratio);
	if (failed != 0)
		return failed;
	const ssize_t length_bytes = seam_read_text(root, absolute_path, now, sizeof(now));
	if (length_bytes < 0)
		return (int)length_bytes;
	if (kernel_text_is(kernel_text_trimmed(kernel_text_of(now)), "0"))
		return 0;
	failed = seam_write_text(root, ratio_path, strcmp(ratio, "1") == 0 ? "2" : "1");
	return failed != 0 ? failed : seam_write_text(root, ratio_path, ratio);
}

/*
 * When we came nothing was merged. What our trials merged stays counted after they are gone until
 * ksmd scans again, which with run 0 it never does; unmerging drops it.
 */
static int put_back_ksm_run(const char *root, const char *path, const char *old, const char *merged)
{
	if (strcmp(old, "1") != 0 && strcmp(merged, "0") == 0) {
		const int failed = seam_write_text(root, path, "2");
		if (failed != 0)
			return failed;
	}
	return seam_write_text(root, path, old);
}

/*
 * Refused while pages are merged (linux:6.12:mm/ksm.c:max_page_sharing_store). That we could write
 * it at first shows that nothing was merged then, so what is merged now is of our time: unmerge.
 */
static int put_back_ksm_empty(const char *root, const char *path, const char *old)
{
	char run[FILE_BYTES];
	int failed = seam_write_text(root, path, old);

	if (failed != -EBUSY)
		return failed;
	const ssize_t length_bytes = seam_read_text(root, ksm_run_path, run, sizeof(run));
	if (length_bytes < 0)
		return (int)length_bytes;
	failed = seam_write_text(root, ksm_run_path, "2");
	if (failed == 0)
		failed = seam_write_text(root, path, old);
	const int put_back = seam_write_text(root, ksm_run_path, run);
	return failed != 0 ? failed : put_back;
}

static int put_back(
	const char *root, const struct knob_instance *instance, const char *old, const char *beside)
{
	const struct knob *const knob = instance->knob;

	switch (knob->undo) {
	case KNOB_UNDO_PLAIN:
		return seam_write_text(root, instance->path, old);
	case KNOB_UNDO_RATIO:
		return put_back_pair(root, instance->path, knob->beside, old, beside);
	case KNOB_UNDO_ABSOLUTE:
		return put_back_pair(root, knob->beside, instance->path, beside, old);
	case KNOB_UNDO_KSM_RUN:
		return put_back_ksm_run(root, instance->path, old, beside);
	case KNOB_UNDO_KSM_EMPTY:
		return put_back_ksm_empty(root, instance->path, old);
	}
	assert(false && "every way of putting back is known");
	return -EINVAL;
}

/* Whether the knob, and the rival beside it, are as they were. */
static int is_back(const char *root, const struct knob_instance *instance, const char *old,
	const char *beside, char now[GUARD_VALUE_BYTES], bool *back)
{
	const enum knob_undo undo = instance->knob->undo;
	char beside_now[GUARD_VALUE_BYTES];
	int failed = knob_value(root, instance, now);

	if (failed == 0)
		failed = knob_value_beside(root, instance, beside_now);
	if (failed != 0)
		return failed;
	*back = knob_same(instance, now, old);
	if (undo == KNOB_UNDO_RATIO || undo == KNOB_UNDO_ABSOLUTE)
		*back = *back && strcmp(beside, beside_now) == 0;
	return 0;
}

int knob_put_back(const char *root, const struct knob_instance *instance, const char *old,
	const char *beside, char why[WHY_BYTES])
{
	char now[GUARD_VALUE_BYTES] = "";
	bool back = false;
	int failed = is_back(root, instance, old, beside, now, &back);

	if (failed == 0 && !back) {
		failed = put_back(root, instance, old, beside);
		if (failed == 0)
			failed = is_back(root, instance, old, beside, now, &back);
		if (failed == 0 && !back)
			failed = -EBUSY;
	}
	if (failed == -EBUSY)
		return why_say(why, failed, "%s stays at %.60s instead of %.60s%s", instance->name,
			now, old,
			instance->knob->kind == KNOB_POOL ? ": pages of the pool are in use" : "");
	if (failed != 0)
		return why_say(why, failed, "%s cannot be put back to %.60s: %s", instance->name,
			old, strerror(-failed));
	return 0;
}

bool knob_disturbed_next(const char *root, const struct knob_instance *instance, unsigned *cursor,
	struct knob_instance *disturbed)
{
	const char *const pattern = instance->knob->disturbs;

	while (pattern != NULL && *cursor < NODES_LIMIT) {
		char star[INSTANCE_BYTES], name[KNOB_NAME_BYTES];

		(void)snprintf(star, sizeof(star), "%u", *cursor);
		/* A name without * is one knob; a pattern is one for each node. */
		*cursor = strchr(pattern, '*') == NULL ? NODES_LIMIT : *cursor + 1;
		if (fill_star(name, sizeof(name), pattern, star) && knob_find(name, disturbed) &&
			seam_exists(root, disturbed->path))
			return true;
	}
	return false;
}
