/* SPDX-License-Identifier: Apache-2.0 */
#include "report/header.h"

#include <inttypes.h>
#include <string.h>

#include "facts/facts.h"
#include "report/style.h"

#define MS_PER_S 1000
#define MIB_KIB	 1024

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

const char *header_verdict_line(struct pool *pool, const struct judgement *judgement,
	const struct record_summary *summary, bool colour)
{
	const size_t *tally = judgement->tally;
	const char *first = pool_format(pool, "%zu deviation%s", tally[VERDICT_DEVIATION],
		plural(tally[VERDICT_DEVIATION]));
	const char *line = style_bold(pool, first, colour);
	const char *before = ": ";

	if (tally[VERDICT_ERROR] != 0)
		line = pool_format(pool, "%s, %zu %s%s", line, tally[VERDICT_ERROR],
			style_paint(pool, "error", colour), plural(tally[VERDICT_ERROR]));
	for (int i = 0; i < VERDICT_LIMIT; i++) {
		if (tally[i] == 0 || i == VERDICT_DEVIATION || i == VERDICT_ERROR)
			continue;
		line = pool_format(pool, "%s%s%zu %s", line, before, tally[i],
			style_paint(pool, verdict_word((enum verdict)i), colour));
		before = ", ";
	}
	line = pool_format(pool, "%s - %" PRId64 ".%" PRId64 " s", line,
		summary->duration_ms / MS_PER_S, summary->duration_ms % MS_PER_S / 100);
	if (!summary->complete)
		line = pool_format(pool, "%s - INCOMPLETE (%s)", line,
			summary->stopped_by != NULL ? style_plain(pool, summary->stopped_by) : "");
	return line;
}

static const char *text_of(struct pool *pool, const struct facts *facts, enum facts_text text)
{
	const char *value = facts->text[text];

	return value == NULL || value[0] == '\0' ? "not known" : style_plain(pool, value);
}

static const char *memory_text(struct pool *pool, const struct facts *facts)
{
	const uint64_t memory_mib = facts->memory_kib / MIB_KIB;
	const uint64_t swap_mib = facts->swap_kib / MIB_KIB;
	const char *swap =
		swap_mib == 0 ? "no swap" : pool_format(pool, "%" PRIu64 " MiB swap", swap_mib);

	return pool_format(pool, "%" PRIu64 " MiB, %s, memory groups %s", memory_mib, swap,
		facts->host.cgroup_version == 2	  ? "v2"
		: facts->host.cgroup_version == 1 ? "v1"
						  : "none");
}

static const char *knob_text(
	struct pool *pool, const struct vm_host *host, enum vm_knob knob, const char *name)
{
	if (!host->knob[knob].present)
		return pool_format(pool, "no %s", name);
	return pool_format(pool, "%s %" PRId64, name, host->knob[knob].value);
}

static const char *settings_text(struct pool *pool, const struct vm_host *host)
{
	static const char *const words[] = {"always", "madvise", "never"};
	const struct vm_knob_fact *thp = &host->knob[VM_KNOB_THP_ENABLED];
	const bool is_word = thp->present && thp->value >= 0 &&
			     (size_t)thp->value < sizeof(words) / sizeof(words[0]);

	return pool_format(pool, "THP %s, %s, %s, %s", is_word ? words[thp->value] : "not there",
		knob_text(pool, host, VM_KNOB_OVERCOMMIT_MEMORY, "overcommit"),
		knob_text(pool, host, VM_KNOB_SWAPPINESS, "swappiness"),
		knob_text(pool, host, VM_KNOB_MIN_FREE_KBYTES, "min_free_kbytes"));
}

static const char *run_text(struct pool *pool, const struct record_header *header)
{
	const char *allow = "";

	for (size_t i = 0; i < header->allow_count; i++)
		allow = pool_format(pool, "%s%s%s", allow, i == 0 ? ", allowed " : ",",
			style_plain(pool, header->allow[i]));
	return pool_format(pool, "%s, %s, seed %" PRIu64 "%s, model %s, %s",
		style_plain(pool, header->suite), style_plain(pool, header->profile), header->seed,
		allow, style_plain(pool, header->model), style_plain(pool, header->started));
}

/* CPUID's signatures are no names. */
static const char *hypervisor_text(struct pool *pool, const struct facts *facts)
{
	static const char *const names[][2] = {
		{"KVMKVMKVM", "KVM"},
		{"TCGTCGTCGTCG", "QEMU's software emulation"},
		{"Microsoft Hv", "Hyper-V"},
		{"VMwareVMware", "VMware"},
		{"XenVMMXenVMM", "Xen"},
	};
	const char *signature = text_of(pool, facts, FACTS_TEXT_HYPERVISOR);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], signature) == 0)
			return names[i][1];
	return signature;
}

static const char *cpu_text(struct pool *pool, const struct facts *facts)
{
	const struct vm_cpu_facts *cpu = &facts->host.cpu;
	const char *name = pool_format(pool, "%s, family %u model %u",
		text_of(pool, facts, FACTS_TEXT_CPU_NAME), (unsigned)cpu->family,
		(unsigned)cpu->model);

	return !cpu->hypervisor
		       ? name
		       : pool_format(pool, "%s, under %s", name, hypervisor_text(pool, facts));
}

size_t header_lines(struct pool *pool, const struct record *record,
	struct header_line lines[HEADER_LINES_COUNT])
{
	struct facts facts;
	const char *why = NULL;

	/* A judge has read them before; of a record that is only reported they may be anything. */
	if (!facts_from_json(pool, record->facts, strlen(record->facts), &facts, &why))
		return 0;
	const struct header_line filled[HEADER_LINES_COUNT] = {
		{"kernel", pool_format(pool, "Linux %s, %u-level page tables",
				   text_of(pool, &facts, FACTS_TEXT_RELEASE),
				   (unsigned)facts.host.page_table_levels)},
		{"cpu", cpu_text(pool, &facts)},
		{"topology", text_of(pool, &facts, FACTS_TEXT_TOPOLOGY)},
		{"memory", memory_text(pool, &facts)},
		{"settings", settings_text(pool, &facts.host)},
		{"run", run_text(pool, &record->header)},
	};
	memcpy(lines, filled, sizeof(filled));
	return HEADER_LINES_COUNT;
}

void header_print(FILE *stream, const struct record *record)
{
	struct pool POOL_DROPS pool = {0};
	struct header_line lines[HEADER_LINES_COUNT];
	const size_t count = header_lines(&pool, record, lines);

	for (size_t i = 0; i < count; i++)
		(void)fprintf(stream, "  %-9s %s\n", lines[i].name, lines[i].text);
}
