/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/process.h"

#include <string.h>

static const char *const status_words[] = {
#define STATUS_WORD(name, word) [KERNEL_STATUS_##name] = (word),
	KERNEL_STATUS_FIELDS(STATUS_WORD)
#undef STATUS_WORD
};

const char *kernel_status_word(enum kernel_status_field field)
{
	return status_words[field];
}

static bool four_numbers(struct kernel_text rest, uint64_t *numbers)
{
	for (size_t i = 0; i < 4; i++) {
		if (!kernel_number_next(&rest, &numbers[i]))
			return false;
	}
	return kernel_text_trimmed(rest).length_bytes == 0;
}

/* A figure in KiB, or none of the names: true; a known name without its number: false. */
static bool status_figure(
	struct kernel_text key, struct kernel_text value, struct kernel_status *status)
{
	struct kernel_text word;

	for (size_t i = 0; i < KERNEL_STATUS_LIMIT; i++) {
		if (!kernel_text_is(key, status_words[i]))
			continue;
		status->has_value |= 1U << i;
		return kernel_number_next(&value, &status->value_kib[i]) &&
		       kernel_word_next(&value, &word) && kernel_text_is(word, "kB") &&
		       value.length_bytes == 0;
	}
	return true;
}

/* The fields that every process has. Bit 0 to 5 of seen, in the order of this function. */
#define STATUS_REQUIRED 0x3fU

static bool status_line(struct kernel_text key, struct kernel_text value,
	struct kernel_status *status, unsigned *seen)
{
	uint64_t number = 0;

	if (kernel_text_is(key, "Name")) {
		*seen |= 1U << 0;
		status->name = value;
	} else if (kernel_text_is(key, "Pid")) {
		*seen |= 1U << 1;
		return kernel_text_decimal(value, &status->pid);
	} else if (kernel_text_is(key, "PPid")) {
		return kernel_text_decimal(value, &status->parent_pid);
	} else if (kernel_text_is(key, "Uid")) {
		*seen |= 1U << 2;
		return four_numbers(value, status->user_ids);
	} else if (kernel_text_is(key, "Gid")) {
		*seen |= 1U << 3;
		return four_numbers(value, status->group_ids);
	} else if (kernel_text_is(key, "Threads")) {
		*seen |= 1U << 4;
		return kernel_text_decimal(value, &status->threads);
	} else if (kernel_text_is(key, "CapEff")) {
		*seen |= 1U << 5;
		return kernel_text_hexadecimal(value, &status->capabilities_effective);
	} else if (kernel_text_is(key, "CapBnd")) {
		return kernel_text_hexadecimal(value, &status->capabilities_bounding);
	} else if (kernel_text_is(key, "THP_enabled")) {
		status->has_thp_enabled = kernel_text_decimal(value, &number);
		status->thp_enabled = number != 0;
		return status->has_thp_enabled;
	} else if (kernel_text_is(key, "Seccomp")) {
		status->has_seccomp = true;
		return kernel_text_decimal(value, &status->seccomp);
	} else if (kernel_text_is(key, "voluntary_ctxt_switches")) {
		return kernel_text_decimal(value, &status->voluntary_switches);
	} else if (kernel_text_is(key, "nonvoluntary_ctxt_switches")) {
		return kernel_text_decimal(value, &status->involuntary_switches);
	} else if (kernel_text_is(key, "Cpus_allowed_list")) {
		status->cpus_allowed_list = value;
	} else if (kernel_text_is(key, "Mems_allowed_list")) {
		status->mems_allowed_list = value;
	}
	return status_figure(key, value, status);
}

int kernel_status_parse(
	struct kernel_text text, struct kernel_status *status, struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	unsigned seen = 0;
	int got;

	*status = (struct kernel_status){0};
	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		const size_t colon = kernel_text_find(line, ':');
		const struct kernel_text key = {.bytes = line.bytes, .length_bytes = colon};

		if (colon == line.length_bytes)
			return kernel_fail(error, lines.line, "no colon behind the name");
		const struct kernel_text value =
			kernel_text_trimmed(kernel_text_after(line, colon + 1));
		if (!status_line(key, value, status, &seen))
			return kernel_fail(
				error, lines.line, "not the value that its name asks for");
	}
	if (got == 0 && seen != STATUS_REQUIRED)
		return kernel_fail(
			error, lines.line, "a name, an id or the capabilities are missing");
	return got;
}

int kernel_statm_parse(
	struct kernel_text text, struct kernel_statm *statm, struct kernel_error *error)
{
	uint64_t unused = 0;
	uint64_t *const fields[] = {&statm->size_pages, &statm->resident_pages,
		&statm->shared_pages, &statm->text_pages, &unused, &statm->data_pages, &unused};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!kernel_number_next(&text, fields[i]))
			return kernel_fail(error, 1, "not seven numbers");
	}
	if (!kernel_text_is(text, "\n"))
		return kernel_fail(error, 1, "not seven numbers and the end of the line");
	return 0;
}

/* Position of a field in the line, as proc(5) counts, and where it goes. */
struct stat_field {
	size_t offset;
	unsigned position;
	bool is_signed;
};

static const struct stat_field stat_fields[] = {
	{offsetof(struct kernel_stat, parent_pid), 4, true},
	{offsetof(struct kernel_stat, minor_faults), 10, false},
	{offsetof(struct kernel_stat, child_minor_faults), 11, false},
	{offsetof(struct kernel_stat, major_faults), 12, false},
	{offsetof(struct kernel_stat, child_major_faults), 13, false},
	{offsetof(struct kernel_stat, virtual_bytes), 23, false},
	{offsetof(struct kernel_stat, resident_pages), 24, true},
	{offsetof(struct kernel_stat, code_start), 26, false},
	{offsetof(struct kernel_stat, code_end), 27, false},
	{offsetof(struct kernel_stat, stack_start), 28, false},
	{offsetof(struct kernel_stat, data_start), 45, false},
	{offsetof(struct kernel_stat, data_end), 46, false},
	{offsetof(struct kernel_stat, heap_start), 47, false},
	{offsetof(struct kernel_stat, arguments_start), 48, false},
	{offsetof(struct kernel_stat, arguments_end), 49, false},
	{offsetof(struct kernel_stat, environment_start), 50, false},
	{offsetof(struct kernel_stat, environment_end), 51, false},
};

#define STAT_FIELDS_COUNT (sizeof(stat_fields) / sizeof(stat_fields[0]))
#define STAT_LAST	  52

static bool stat_number(struct kernel_text word, const struct stat_field *field, char *stat)
{
	int64_t with_sign = 0;
	uint64_t value = 0;

	if (field->is_signed) {
		if (!kernel_text_signed(word, &with_sign))
			return false;
		memcpy(stat + field->offset, &with_sign, sizeof(with_sign));
	} else {
		if (!kernel_text_decimal(word, &value))
			return false;
		memcpy(stat + field->offset, &value, sizeof(value));
	}
	return true;
}

int kernel_stat_parse(struct kernel_text text, struct kernel_stat *stat, struct kernel_error *error)
{
	const size_t open = kernel_text_find(text, '(');
	size_t close = text.length_bytes, field = 0;
	struct kernel_text word;

	*stat = (struct kernel_stat){0};
	/* The name may hold parentheses, blanks and newlines: it ends with the last parenthesis. */
	while (close != 0 && text.bytes[close - 1] != ')')
		close--;
	if (close <= open + 1)
		return kernel_fail(error, 1, "no name in parentheses");
	if (!kernel_text_decimal(kernel_text_trimmed((struct kernel_text){
					 .bytes = text.bytes, .length_bytes = open}),
		    &stat->pid))
		return kernel_fail(error, 1, "no process id before the name");
	stat->name = (struct kernel_text){
		.bytes = text.bytes + open + 1, .length_bytes = close - open - 2};
	struct kernel_text rest = kernel_text_after(text, close);
	if (!kernel_word_next(&rest, &word) || word.length_bytes != 1)
		return kernel_fail(error, 1, "no state behind the name");
	stat->state = word.bytes[0];
	for (unsigned position = 4; position <= STAT_LAST; position++) {
		if (!kernel_word_next(&rest, &word))
			return kernel_fail(error, 1, "fewer than %d fields", STAT_LAST);
		if (field < STAT_FIELDS_COUNT && stat_fields[field].position == position &&
			!stat_number(word, &stat_fields[field++], (char *)stat))
			return kernel_fail(error, 1, "field %u is not a number", position);
	}
	return 0;
}

static bool limit_value(struct kernel_text *rest, uint64_t *value)
{
	struct kernel_text word;

	if (!kernel_word_next(rest, &word))
		return false;
	if (kernel_text_is(word, "unlimited")) {
		*value = KERNEL_UNLIMITED;
		return true;
	}
	return kernel_text_decimal(word, value);
}

int kernel_limits_find(struct kernel_text text, const char *name, struct kernel_limit *limit,
	struct kernel_error *error)
{
	struct kernel_lines lines = kernel_lines_of(text);
	struct kernel_text line;
	int got;

	while ((got = kernel_line_next(&lines, &line, error)) > 0) {
		if (!kernel_text_starts(line, name))
			continue;
		struct kernel_text rest = kernel_text_after(line, strlen(name));
		if (!limit_value(&rest, &limit->soft) || !limit_value(&rest, &limit->hard))
			return kernel_fail(error, lines.line, "no soft and hard limit");
		return 0;
	}
	return got < 0 ? got : kernel_fail(error, 0, "no row \"%s\"", name);
}
