/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/summary.h"

#include <string.h>

#include "scenario/words.h"

#define PAGES_A_LINE  16
#define PAGES_AN_AREA 48

static uint32_t actor_of(const struct lockstep *l)
{
	return l->step == 0 ? 0 : l->script->operations[l->step - 1].process;
}

struct summary summary_of_machine(const struct lockstep *l)
{
	const struct vm_outcome *outcome = &l->outcome;
	const enum vm_operation_kind kind =
		l->step == 0 ? VM_OP_MAP : l->script->operations[l->step - 1].kind;
	struct summary summary = {
		.known = l->silent_step == 0,
		.has_result = kind < VM_OP_READ || kind > VM_OP_EXECUTE,
		.result =
			outcome->errno_count != 0 ? -(int64_t)outcome->errnos[0] : outcome->result,
		.signal = {(uint64_t)(int64_t)outcome->signal.number,
			(uint64_t)(int64_t)outcome->signal.code, outcome->signal.address,
			outcome->signal.error_bits, outcome->signal.trap},
		.minor_faults = outcome->minor_faults,
		.major_faults = outcome->major_faults,
	};

	summary.gone = vm_machine_process(l->machine, actor_of(l)) != VM_PROCESS_RUNNING;
	if (!summary.gone)
		lockstep_counters_of(l->machine, actor_of(l), summary.counters);
	return summary;
}

struct summary summary_of_seen(const struct lockstep *l)
{
	const uint32_t actor = actor_of(l);
	const struct seen_group *counters = &l->state[actor][LIVE_COUNTERS];
	const struct seen_group *faults = &l->state[actor][LIVE_FAULTS];
	struct summary summary = {
		.known = faults->count != 0,
		.gone = !l->has_faults[actor],
		.has_result = l->has_event[LIVE_RESULT],
		.result = l->has_event[LIVE_RESULT] ? (int64_t)l->event[LIVE_RESULT].words[0] : 0,
	};

	if (l->has_event[LIVE_SIGNAL])
		memcpy(summary.signal, l->event[LIVE_SIGNAL].words, sizeof(summary.signal));
	if (l->has_faults[actor]) {
		summary.minor_faults = faults->words[LIVE_FAULTS_MINOR];
		summary.major_faults = faults->words[LIVE_FAULTS_MAJOR];
	}
	if (counters->count == LIVE_COUNTER_LIMIT)
		memcpy(summary.counters, counters->words, sizeof(summary.counters));
	return summary;
}

static const char *joined(struct pool *pool, const char *text, const char *more)
{
	return *text == '\0' ? more : pool_format(pool, "%s, %s", text, more);
}

static const char *signal_text(
	struct pool *pool, const struct script *script, const struct summary *summary)
{
	const uint64_t number = summary->signal[LIVE_SIGNAL_NUMBER];
	const int64_t code = (int64_t)summary->signal[LIVE_SIGNAL_CODE];
	const char *name = number == VM_SIGSEGV	 ? "SIGSEGV"
			   : number == VM_SIGBUS ? "SIGBUS"
						 : "signal";
	const char *reason = number == VM_SIGBUS && code == VM_BUS_ADRERR     ? "BUS_ADRERR"
			     : number == VM_SIGSEGV && code == VM_SEGV_MAPERR ? "MAPERR"
			     : number == VM_SIGSEGV && code == VM_SEGV_ACCERR ? "ACCERR"
			     : code == VM_SI_KERNEL			      ? "SI_KERNEL"
									      : "";

	return pool_format(pool, "%s %s at %s err %#llx", name, reason,
		script_place(pool, script, summary->signal[LIVE_SIGNAL_ADDRESS]),
		(unsigned long long)summary->signal[LIVE_SIGNAL_ERROR_BITS]);
}

const char *summary_text(struct pool *pool, const struct script *script,
	const struct summary *before, const struct summary *summary)
{
	static const char *const names[LIVE_COUNTER_LIMIT] = {
		[LIVE_COUNTER_VM_SIZE] = "size",
		[LIVE_COUNTER_VM_LCK] = "locked",
		[LIVE_COUNTER_RSS_ANON] = "anonymous",
		[LIVE_COUNTER_RSS_FILE] = "file",
		[LIVE_COUNTER_RSS_SHMEM] = "shmem",
		[LIVE_COUNTER_VM_STK] = "stack",
		[LIVE_COUNTER_VM_PTE] = "tables",
		[LIVE_COUNTER_VM_SWAP] = "swap",
		[LIVE_COUNTER_HUGETLB_PAGES] = "hugetlb",
	};
	const char *text = "";

	if (!summary->known)
		return "silent";
	if (summary->gone)
		return "gone";
	if (summary->has_result && summary->result < 0) {
		const char *word = word_for(error_words, (uint64_t)-summary->result);
		text = word != NULL ? word
				    : pool_format(pool, "errno %lld", (long long)-summary->result);
	}
	if (summary->signal[LIVE_SIGNAL_NUMBER] != 0)
		text = joined(pool, text, signal_text(pool, script, summary));
	if (summary->minor_faults != 0)
		text = joined(pool, text,
			pool_format(pool, "%llu fault%s", (unsigned long long)summary->minor_faults,
				summary->minor_faults == 1 ? "" : "s"));
	if (summary->major_faults != 0)
		text = joined(pool, text,
			pool_format(pool, "%llu major", (unsigned long long)summary->major_faults));
	for (size_t i = 0; i < LIVE_COUNTER_LIMIT; i++) {
		const long long moved = (long long)(summary->counters[i] - before->counters[i]);
		if (moved != 0 && names[i] != NULL)
			text = joined(
				pool, text, pool_format(pool, "%s %+lld KiB", names[i], moved));
	}
	return *text == '\0' ? "ok" : text;
}

/* ---- the picture ---- */

static const char *page_cell(struct pool *pool, const struct lockstep *l, uint32_t process,
	uint64_t address, uint32_t *shown, size_t *shown_count)
{
	struct vm_page_view view;
	size_t number = 0;

	vm_machine_page(l->machine, process, address, &view);
	if (view.state == VM_PAGE_NONE)
		return "   .";
	if (view.state == VM_PAGE_SWAPPED)
		return "swap";
	if (view.state != VM_PAGE_PRESENT)
		return view.state == VM_PAGE_GUARD ? "grd!" : "wp? ";
	if ((view.kpageflags >> VM_KPF_ZERO_PAGE & 1) != 0)
		return "zero";
	/* Frames are numbered in the order in which the picture meets them. */
	while (number < *shown_count && shown[number] != view.frame)
		number++;
	if (number == *shown_count && *shown_count < (size_t)PAGES_AN_AREA * LIVE_PROCESSES_LIMIT)
		shown[(*shown_count)++] = view.frame;
	return pool_format(pool, "%3zu%c", number + 1, view.writable_now ? 'w' : 'r');
}

static const char *draw_area(struct pool *pool, const struct lockstep *l, uint32_t process,
	const struct vm_area_view *area, uint32_t *shown, size_t *shown_count)
{
	const uint64_t pages = vm_bytes_to_pages_floor(area->end - area->start);
	const char *text = pool_format(pool, "  %-10s %c%c%c%c %6llu pages ",
		script_place(pool, l->script, area->start), area->flags & VM_AREA(READ) ? 'r' : '-',
		area->flags & VM_AREA(WRITE) ? 'w' : '-', area->flags & VM_AREA(EXEC) ? 'x' : '-',
		area->flags & VM_AREA(MAY_SHARE) ? 's' : 'p', (unsigned long long)pages);

	for (uint64_t i = 0; i < pages && i < PAGES_AN_AREA; i++) {
		if (i != 0 && i % PAGES_A_LINE == 0)
			text = pool_format(pool, "%s\n%31s", text, "");
		text = pool_format(pool, "%s[%s]", text,
			page_cell(pool, l, process, area->start + vm_pages_to_bytes(i), shown,
				shown_count));
	}
	return pool_format(pool, "%s%s\n", text, pages > PAGES_AN_AREA ? " ..." : "");
}

const char *summary_draw(struct pool *pool, const struct lockstep *l)
{
	uint32_t shown[PAGES_AN_AREA * LIVE_PROCESSES_LIMIT];
	size_t shown_count = 0;
	const char *text = "";

	for (uint32_t process = 0; process < l->script->processes_count; process++) {
		if (vm_machine_process(l->machine, process) != VM_PROCESS_RUNNING)
			continue;
		text = pool_format(pool, "%s%s\n", text, l->script->processes[process]);
		for (size_t i = 0; i < vm_machine_area_count(l->machine, process); i++) {
			struct vm_area_view area;
			vm_machine_area(l->machine, process, i, &area);
			text = pool_format(pool, "%s%s", text,
				draw_area(pool, l, process, &area, shown, &shown_count));
		}
	}
	return text;
}
