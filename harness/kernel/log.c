/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/log.h"

#include <string.h>

/* Decimal digits up to the separator, which is taken too. */
static bool number_before(struct kernel_text *rest, char separator, uint64_t *value)
{
	const size_t length_bytes = kernel_text_find(*rest, separator);

	if (length_bytes == rest->length_bytes ||
		!kernel_text_decimal(
			(struct kernel_text){.bytes = rest->bytes, .length_bytes = length_bytes},
			value))
		return false;
	*rest = kernel_text_after(*rest, length_bytes + 1);
	return true;
}

int kernel_log_parse(
	struct kernel_text text, struct kernel_log_record *record, struct kernel_error *error)
{
	struct kernel_text rest = text;
	uint64_t priority = 0;

	if (!number_before(&rest, ',', &priority) ||
		!number_before(&rest, ',', &record->sequence) ||
		!number_before(&rest, ',', &record->time_us))
		return kernel_fail(error, 0, "a log record lacks priority, sequence or time");
	/* Flags, and fields that newer kernels add before the semicolon. */
	const size_t semicolon = kernel_text_find(rest, ';');
	if (semicolon == rest.length_bytes)
		return kernel_fail(error, 0, "a log record has no text");
	record->from_kernel = priority >> 3 == 0;
	record->level = (unsigned)(priority & 7);
	record->text = kernel_text_after(rest, semicolon + 1);
	record->text.length_bytes = kernel_text_find(record->text, '\n');
	return 0;
}

/*
 * How the kernel words its complaints; the worst come first, so that the first match decides. From
 * linux:6.12:lib/bug.c, kernel/panic.c:__warn, arch/x86/kernel/dumpstack.c:__die_header,
 * arch/x86/mm/fault.c:show_fault_oops, mm/page_alloc.c:bad_page, mm/memory.c:print_bad_pte,
 * kernel/fork.c:check_mm, mm/kasan/report.c, mm/oom_kill.c:__oom_kill_process,
 * mm/page_alloc.c:warn_alloc, kernel/hung_task.c:check_hung_task, kernel/watchdog.c,
 * kernel/rcu/tree_stall.h.
 */
static const struct {
	const char *words;
	bool at_start;
	enum kernel_complaint complaint;
} complaints[] = {
	{"Oops:", true, KERNEL_COMPLAINT_OOPS},
	{"Oops: ", false, KERNEL_COMPLAINT_OOPS},
	{"Kernel panic", true, KERNEL_COMPLAINT_OOPS},
	{"general protection fault", true, KERNEL_COMPLAINT_OOPS},
	{"BUG: KASAN", true, KERNEL_COMPLAINT_CORRUPTION},
	{"BUG: KFENCE", true, KERNEL_COMPLAINT_CORRUPTION},
	{"BUG: Bad page", true, KERNEL_COMPLAINT_CORRUPTION},
	{"BUG: Bad rss-counter", true, KERNEL_COMPLAINT_CORRUPTION},
	{"BUG: non-zero pgtables_bytes", true, KERNEL_COMPLAINT_CORRUPTION},
	{"page_counter underflow", true, KERNEL_COMPLAINT_CORRUPTION},
	{"BUG: soft lockup", false, KERNEL_COMPLAINT_STALL},
	{"BUG: workqueue lockup", false, KERNEL_COMPLAINT_STALL},
	{"blocked for more than", false, KERNEL_COMPLAINT_STALL},
	{"detected stalls on CPUs", false, KERNEL_COMPLAINT_STALL},
	{"self-detected stall", false, KERNEL_COMPLAINT_STALL},
	{"kernel BUG at", true, KERNEL_COMPLAINT_BUG},
	{"BUG:", true, KERNEL_COMPLAINT_BUG},
	{"WARNING:", true, KERNEL_COMPLAINT_WARNING},
	{"possible recursive locking", false, KERNEL_COMPLAINT_WARNING},
	{"page allocation failure", false, KERNEL_COMPLAINT_ALLOCATION},
	{"Out of memory", true, KERNEL_COMPLAINT_OOM},
	{"Memory cgroup out of memory", true, KERNEL_COMPLAINT_GROUP_OOM},
};

static bool text_holds(struct kernel_text text, const char *words)
{
	return text.length_bytes != 0 &&
	       memmem(text.bytes, text.length_bytes, words, strlen(words)) != NULL;
}

enum kernel_complaint kernel_log_complaint(const struct kernel_log_record *record)
{
	/* User space may write such words to /dev/kmsg too, but not as the kernel. */
	if (!record->from_kernel)
		return KERNEL_COMPLAINT_NONE;
	for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
		if (complaints[i].at_start ? kernel_text_starts(record->text, complaints[i].words)
					   : text_holds(record->text, complaints[i].words))
			return complaints[i].complaint;
	return KERNEL_COMPLAINT_NONE;
}

const char *kernel_complaint_word(enum kernel_complaint complaint)
{
	static const char *const words[] = {
#define KERNEL_COMPLAINT_WORD(name, word) word,
		KERNEL_COMPLAINTS(KERNEL_COMPLAINT_WORD)
#undef KERNEL_COMPLAINT_WORD
	};

	return words[complaint];
}

/* "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=0,...", which came with 5.0:
 * linux:6.1:mm/oom_kill.c:dump_oom_summary */
bool kernel_log_constraint(const struct kernel_log_record *record, struct kernel_text *constraint)
{
	static const char words[] = "oom-kill:constraint=";

	if (!record->from_kernel || !kernel_text_starts(record->text, words))
		return false;
	*constraint = kernel_text_after(record->text, sizeof(words) - 1);
	constraint->length_bytes = kernel_text_find(*constraint, ',');
	return true;
}

/* linux:6.12:mm/oom_kill.c:__oom_kill_process */
bool kernel_log_killed(const struct kernel_log_record *record, uint64_t *process)
{
	static const char words[] = "Killed process ";
	struct kernel_text rest = record->text;

	if (!record->from_kernel || rest.length_bytes == 0)
		return false;
	const char *found = memmem(rest.bytes, rest.length_bytes, words, sizeof(words) - 1);
	if (found == NULL)
		return false;
	rest = kernel_text_after(rest, (size_t)(found - rest.bytes) + sizeof(words) - 1);
	return number_before(&rest, ' ', process);
}

/* What comes behind the process number in brackets: head and rows have the same columns there. */
static bool behind_bracket(const struct kernel_log_record *record, struct kernel_text *inside,
	struct kernel_text *rest)
{
	const struct kernel_text text = record->text;

	if (!record->from_kernel || !kernel_text_starts(text, "["))
		return false;
	const size_t end = kernel_text_find(text, ']');
	if (end == text.length_bytes)
		return false;
	*inside = kernel_text_trimmed(
		(struct kernel_text){.bytes = text.bytes + 1, .length_bytes = end - 1});
	*rest = kernel_text_after(text, end + 1);
	return true;
}

/* linux:6.12:mm/oom_kill.c:dump_tasks */
bool kernel_log_columns(const struct kernel_log_record *record, struct kernel_log_columns *columns)
{
	struct kernel_text inside, rest, word;
	unsigned found = 0;

	if (!behind_bracket(record, &inside, &rest) || !kernel_text_is(inside, "pid"))
		return false;
	for (size_t index = 0; kernel_word_next(&rest, &word); index++) {
		size_t *const column = kernel_text_is(word, "rss")		? &columns->resident
				       : kernel_text_is(word, "pgtables_bytes") ? &columns->tables
				       : kernel_text_is(word, "swapents")	? &columns->swapped
				       : kernel_text_is(word, "oom_score_adj")
					       ? &columns->adjustment
					       : NULL;
		if (column != NULL) {
			*column = index;
			found++;
		}
	}
	return found == 4;
}

bool kernel_log_candidate(const struct kernel_log_record *record,
	const struct kernel_log_columns *columns, struct kernel_log_candidate *candidate)
{
	struct kernel_text inside, rest, word;
	unsigned found = 0;

	if (!behind_bracket(record, &inside, &rest) ||
		!kernel_text_decimal(inside, &candidate->process))
		return false;
	for (size_t index = 0; kernel_word_next(&rest, &word); index++)
		found += (index == columns->resident &&
				 kernel_text_decimal(word, &candidate->resident_pages)) ||
			 (index == columns->tables &&
				 kernel_text_decimal(word, &candidate->table_bytes)) ||
			 (index == columns->swapped &&
				 kernel_text_decimal(word, &candidate->swapped_pages)) ||
			 (index == columns->adjustment &&
				 kernel_text_signed(word, &candidate->adjustment));
	return found == 4;
}
