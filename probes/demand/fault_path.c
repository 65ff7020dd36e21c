/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's way through a fault, and through mmap, by the function tracer in a guest: the
 * handler is the one that the rules of the abstract machine name for the same access.
 *
 * It would miss a handler that is taken and does the wrong thing: scenarios see that. Functions
 * that the compiler has put into their callers are not seen: which are there is read first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/machine.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/missing.h"
#include "trial/trial.h"
#include "vm/machine.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define BASE UINT64_C(0x100000000000)

/* Observed as their numbers. */
enum landmark {
	HANDLE_MM_FAULT,
	DO_ANONYMOUS_PAGE,
	DO_FAULT,
	FILEMAP_MAP_PAGES,
	DO_CALL_FAULT,
	DO_PAGE_MKWRITE,
	DO_WP_PAGE,
	WP_PAGE_COPY,
	WP_PAGE_REUSE,
	DO_SWAP_PAGE,
	HUGE_ANONYMOUS,
	HUGE_WP,
	HUGETLB_FAULT,
	DO_MMAP,
	MMAP_REGION,
	VMA_EXPAND,
	VM_AREA_ALLOC,
	/* Looked for in faults whose entry is right: others pass by here, too. */
	HANDLE_USERFAULT,
	PTEP_SET_ACCESS_FLAGS,
	LANDMARKS
};

static const char *const landmarks[LANDMARKS] = {
	[HANDLE_MM_FAULT] = "handle_mm_fault",
	[DO_ANONYMOUS_PAGE] = "do_anonymous_page",
	[DO_FAULT] = "do_fault",
	[FILEMAP_MAP_PAGES] = "filemap_map_pages",
	[DO_CALL_FAULT] = "__do_fault",
	[DO_PAGE_MKWRITE] = "do_page_mkwrite",
	[DO_WP_PAGE] = "do_wp_page",
	[WP_PAGE_COPY] = "wp_page_copy",
	[WP_PAGE_REUSE] = "wp_page_reuse",
	[DO_SWAP_PAGE] = "do_swap_page",
	[HUGE_ANONYMOUS] = "do_huge_pmd_anonymous_page",
	[HUGE_WP] = "do_huge_pmd_wp_page",
	[HUGETLB_FAULT] = "hugetlb_fault",
	[DO_MMAP] = "do_mmap",
	[MMAP_REGION] = "mmap_region",
	[VMA_EXPAND] = "vma_expand",
	[VM_AREA_ALLOC] = "vm_area_alloc",
	[HANDLE_USERFAULT] = "handle_userfault",
	[PTEP_SET_ACCESS_FLAGS] = "ptep_set_access_flags",
};

enum fault_kind {
	ANONYMOUS_READ,
	ANONYMOUS_WRITE,
	ZERO_PAGE_WRITE,
	FILE_READ,
	FILE_COPIED,
	FILE_SHARED_WRITE,
	SHARED_BY_FORK,
	LAST_OWNER,
	HUGE_WRITE,
	HUGE_LAST_OWNER,
	SWAPPED_IN,
	POOL_PAGE,
	SPURIOUS
};

static const char *const fault_labels[] = {"anonymous-read", "anonymous-write", "zero-page-write",
	"file-read", "file-copied", "file-shared-write", "shared-by-fork", "last-owner",
	"huge-write", "huge-last-owner", "spurious"};

static bool is_huge(enum fault_kind kind)
{
	return kind == HUGE_WRITE || kind == HUGE_LAST_OWNER;
}

static bool is_file(enum fault_kind kind)
{
	return kind == FILE_READ || kind == FILE_COPIED || kind == FILE_SHARED_WRITE;
}

static bool is_write(enum fault_kind kind)
{
	return kind != ANONYMOUS_READ && kind != FILE_READ;
}

static uint64_t length_of(enum fault_kind kind)
{
	return is_huge(kind) || kind == POOL_PAGE ? VM_HUGE_2M_BYTES : VM_PAGE_BYTES;
}

static uint32_t flags_of(enum fault_kind kind)
{
	return kind == FILE_SHARED_WRITE ? VM_MAP_SHARED
	       : is_file(kind)		 ? VM_MAP_PRIVATE
	       : kind == POOL_PAGE
		       ? VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_HUGETLB | VM_MAP_HUGE_2MB
		       : VM_MAP_PRIVATE | VM_MAP_ANONYMOUS;
}

/* --- what the model says --------------------------------------------------------------------- */

/* The function that a rule cites, and the landmarks on the way to it and in it. */
static const struct {
	const char *cited;
	enum landmark path[3];
	size_t path_count;
} ways[] = {
	{"do_anonymous_page", {DO_ANONYMOUS_PAGE}, 1},
	{"do_fault_around", {DO_FAULT, FILEMAP_MAP_PAGES}, 2},
	{"do_cow_fault", {DO_FAULT, DO_CALL_FAULT}, 2},
	{"do_shared_fault", {DO_FAULT, DO_CALL_FAULT, DO_PAGE_MKWRITE}, 3},
	{"wp_page_copy", {DO_WP_PAGE, WP_PAGE_COPY}, 2},
	{"wp_can_reuse_anon_folio", {DO_WP_PAGE, WP_PAGE_REUSE}, 2},
	{"do_swap_page", {DO_SWAP_PAGE}, 1},
	{"__do_huge_pmd_anonymous_page", {HUGE_ANONYMOUS}, 1},
	{"do_huge_pmd_anonymous_page", {HUGE_ANONYMOUS}, 1},
	{"do_huge_pmd_wp_page", {HUGE_WP}, 1},
	{"hugetlb_no_page", {HUGETLB_FAULT}, 1},
};

static void map_in_machine(struct vm_machine *machine, enum fault_kind kind)
{
	if (is_file(kind)) {
		probe_perform(machine, (struct vm_operation){.kind = VM_OP_FILE_CREATE,
					       .file_kind = VM_FILE_DISK,
					       .length = VM_PAGE_BYTES});
		probe_perform(machine,
			(struct vm_operation){
				.kind = VM_OP_FILE_WRITE, .length = VM_PAGE_BYTES, .value = 3});
	}
	probe_perform(machine, (struct vm_operation){.kind = VM_OP_MAP,
				       .address = BASE,
				       .length = length_of(kind),
				       .protection = VM_PROT_READ | VM_PROT_WRITE,
				       .flags = flags_of(kind) | VM_MAP_FIXED,
				       .file = is_file(kind) ? 0 : VM_NO_FILE});
	if (!is_file(kind) && kind != POOL_PAGE)
		probe_perform(machine,
			(struct vm_operation){.kind = VM_OP_ADVISE,
				.address = BASE,
				.length = length_of(kind),
				.advice = is_huge(kind) ? VM_MADV_HUGEPAGE : VM_MADV_NOHUGEPAGE});
}

/* Up to the access whose fault is looked at, and that access. */
static void act_in_machine(struct vm_machine *machine, enum fault_kind kind)
{
	struct vm_operation touch = {
		.kind = VM_OP_TOUCH_WRITE, .address = BASE, .length = 1, .file = VM_NO_FILE};

	map_in_machine(machine, kind);
	switch (kind) {
	case ZERO_PAGE_WRITE:
		touch.kind = VM_OP_TOUCH_READ;
		probe_perform(machine, touch);
		break;
	case SHARED_BY_FORK:
	case LAST_OWNER:
	case HUGE_LAST_OWNER:
		touch.value = 1;
		probe_perform(machine, touch);
		probe_perform(machine, (struct vm_operation){.kind = VM_OP_FORK, .other = 1});
		if (kind != SHARED_BY_FORK)
			probe_perform(
				machine, (struct vm_operation){.kind = VM_OP_EXIT, .process = 1});
		break;
	case SWAPPED_IN:
		touch.value = 1;
		probe_perform(machine, touch);
		probe_perform(machine, (struct vm_operation){.kind = VM_OP_ADVISE,
					       .address = BASE,
					       .length = VM_PAGE_BYTES,
					       .advice = VM_MADV_PAGEOUT});
		break;
	case ANONYMOUS_READ:
	case ANONYMOUS_WRITE:
	case FILE_READ:
	case FILE_COPIED:
	case FILE_SHARED_WRITE:
	case HUGE_WRITE:
	case POOL_PAGE:
	case SPURIOUS:
		break;
	}
	touch.kind = is_write(kind) ? VM_OP_TOUCH_WRITE : VM_OP_TOUCH_READ;
	touch.value = 2;
	probe_perform(machine, touch);
}

/* The landmarks that the rules of the machine's last operation name, in order. */
static size_t path_of_rules(const struct vm_machine *machine, enum landmark path[LANDMARKS])
{
	uint16_t obeyed[64];
	size_t rules_count = 0, count = 0;
	const struct vm_rule *rules = vm_machine_rules(&rules_count);
	const size_t obeyed_count = vm_machine_last_rules(machine, obeyed, 64);

	path[count++] = HANDLE_MM_FAULT;
	for (size_t i = 0; i < obeyed_count; i++) {
		const char *cited = strrchr(rules[obeyed[i]].cite, ':') + 1;
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
			if (strcmp(cited, ways[w].cited) == 0 && count == 1) {
				memcpy(path + count, ways[w].path,
					ways[w].path_count * sizeof(path[0]));
				count += ways[w].path_count;
			}
	}
	return count;
}

/* Of the path what this kernel's tracer can see: a sequence of landmarks. */
static void predict_path(const char *claim, const char *because, const char *cite,
	const enum landmark *path, size_t path_count, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"visible"};
	const struct probe_reading *visible = probe_reading_of(readings, "visible", "");
	int64_t values[LANDMARKS];
	struct vm_prediction prediction = {
		.claim = claim,
		.quantity = "path",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.values = values,
		.because = because,
		.cite = cite,
	};

	if (visible == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	for (size_t i = 0; i < path_count; i++)
		for (size_t v = 0; v < visible->values_count; v++)
			if (visible->values[v] == (int64_t)path[i])
				values[prediction.values_count++] = (int64_t)path[i];
	vm_predict(predictions, &prediction);
}

/*
 * An area with a manager of its missing pages: whoever wants one asks for it and waits, and then
 * the fault begins anew. By then the machine's rules have nothing to do, so the fault is spurious:
 * what is left is the end of handle_pte_fault, which finds nothing to change.
 * linux:6.12:arch/x86/mm/fault.c:do_user_addr_fault (VM_FAULT_RETRY)
 */
static void predict_spurious(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, struct vm_predictions *predictions)
{
	struct vm_machine *machine = probe_machine(model, host, predictions->arena);
	const struct vm_operation again = {
		.kind = VM_OP_TOUCH_WRITE, .address = BASE, .length = 1, .file = VM_NO_FILE};
	enum landmark path[2 * LANDMARKS];

	act_in_machine(machine, ANONYMOUS_WRITE);
	size_t count = path_of_rules(machine, path);
	path[count++] = HANDLE_USERFAULT;
	probe_perform(machine, again);
	const size_t rest_count = path_of_rules(machine, path + count);
	count += rest_count;
	if (rest_count == 1)
		path[count++] = PTEP_SET_ACCESS_FLAGS;
	predict_path("demand.fault-path",
		"somebody else has put the page while the fault waited: tried again, it finds the "
		"entry as it is to be",
		"linux:6.12:mm/memory.c:handle_pte_fault", path, count, readings, predictions);
}

static void predict_fault(const struct vm_model *model, const struct vm_host *host,
	enum fault_kind kind, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_machine *machine = probe_machine(model, host, predictions->arena);
	enum landmark path[LANDMARKS];

	act_in_machine(machine, kind);
	size_t count = path_of_rules(machine, path);
	/* Where nothing around could be mapped, not even the page itself, the file is asked for it:
	 * linux:6.12:mm/memory.c:do_read_fault */
	if (kind == FILE_READ && count == 1) {
		path[count++] = DO_FAULT;
		path[count++] = FILEMAP_MAP_PAGES;
		path[count++] = DO_CALL_FAULT;
	}
	predict_path("demand.fault-path",
		"the state of the entry and of the area decide which handler is called",
		"linux:6.12:mm/memory.c:handle_pte_fault", path, count, readings, predictions);
}

/* --- what the trial does ---------------------------------------------------------------------- */

#define TRACING	    "/sys/kernel/tracing"
#define INSTANCE    TRACING "/instances/mmconform"
#define TRACE_BYTES KERNEL_FILE_LARGE_BYTES

static void set(const char *name, const char *value)
{
	char path[128];

	(void)snprintf(path, sizeof(path), INSTANCE "/%s", name);
	const int error = kernel_write(path, value);
	if (error != 0)
		broken("%s: %s", path, strerror(error));
}

/* The kernel holds each name against all its functions, which takes a second for all of ours. */
static void fill_filter(void)
{
	for (size_t i = 0; i < LANDMARKS; i++) {
		const int file =
			open(INSTANCE "/set_ftrace_filter", O_WRONLY | O_APPEND | O_CLOEXEC);
		char line[64];
		/* With its newline: a name without is only looked up when the file is closed. */
		const int length = snprintf(line, sizeof(line), "%s\n", landmarks[i]);
		MUST(file >= 0);
		/* One that is not visible is refused. */
		(void)!write(file, line, (size_t)length);
		(void)close(file);
	}
}

static bool is_in_filter(struct kernel_text filter, const char *name)
{
	struct kernel_lines lines = kernel_lines_of(filter);
	struct kernel_text line;
	struct kernel_error error;

	while (kernel_line_next(&lines, &line, &error) == 1)
		if (kernel_text_is(line, name))
			return true;
	return false;
}

static void observe_visible(enum landmark first, enum landmark last)
{
	struct kernel_file file =
		kernel_file_open(INSTANCE "/set_ftrace_filter", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_text filter = kernel_file_read(&file);
	int64_t visible[LANDMARKS];
	size_t count = 0;

	for (int64_t i = first; i <= (int64_t)last; i++)
		if (is_in_filter(filter, landmarks[i]))
			visible[count++] = i;
	observe_values("visible", "", visible, count, VM_UNIT_COUNT, "set_ftrace_filter");
	kernel_file_close(&file);
}

/*
 * An instance of its own: what else is traced is not touched. It is left for the next trial in the
 * guest, with its filter.
 */
static void trace_begin(enum landmark first, enum landmark last)
{
	const bool is_new = mkdir(INSTANCE, 0700) == 0;

	if (access(TRACING, F_OK) != 0 || (!is_new && errno != EEXIST) ||
		access(INSTANCE "/set_ftrace_filter", F_OK) != 0)
		unmet("this kernel has no function tracer",
			"a kernel with CONFIG_FUNCTION_TRACER=y, and tracefs mounted");
	if (is_new)
		fill_filter();
	observe_visible(first, last);
	set("tracing_on", "0");
	set("current_tracer", "function"); /* empties the buffer as well */
}

/* And no other one any more: the kernel adds to these lists what is written to them. */
static void trace_only(const char *name, const char *process)
{
	char path[128];

	(void)snprintf(path, sizeof(path), INSTANCE "/%s", name);
	const int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	MUST(file >= 0 && close(file) == 0);
	set(name, process);
}

static void trace_this_process(void)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	trace_only("set_ftrace_pid", text);
	trace_only("set_event_pid", text);
}

static void observe_landmark(
	struct kernel_text line, enum landmark last, int64_t *values, size_t *count)
{
	char called[64], text[256];

	if (!kernel_text_copy(line, text, sizeof(text)))
		return;
	const char *arrow = strstr(text, " <-");
	const char *colon = arrow != NULL ? strstr(text, ": ") : NULL;
	if (colon == NULL || (size_t)(arrow - colon - 2) >= sizeof(called))
		return;
	(void)snprintf(called, sizeof(called), "%.*s", (int)(arrow - colon - 2), colon + 2);
	for (int64_t i = 0; i <= (int64_t)last; i++)
		if (strcmp(called, landmarks[i]) == 0 && *count < LANDMARKS)
			values[(*count)++] = i;
}

/* What was called from the line that holds mark on, up to the next fault; NULL: from the beginning.
 */
static void observe_path(const char *mark, enum landmark last)
{
	const struct kernel_file file = kernel_file_open(INSTANCE "/trace", TRACE_BYTES);
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(&file));
	struct kernel_text line;
	struct kernel_error error;
	int64_t values[LANDMARKS];
	size_t count = 0;
	bool inside = mark == NULL;

	while (kernel_line_next(&lines, &line, &error) == 1) {
		const bool fault = memmem(line.bytes, line.length_bytes, "page_fault_", 11) != NULL;
		if (mark != NULL && fault)
			inside = memmem(line.bytes, line.length_bytes, mark, strlen(mark)) != NULL;
		else if (inside && !fault)
			observe_landmark(line, last, values, &count);
	}
	observe_values("path", "", values, count, VM_UNIT_COUNT, "function tracer");
	set("current_tracer", "nop");
}

static volatile char *map_live(enum fault_kind kind)
{
	static const char content[VM_PAGE_BYTES] = {3};
	int file = -1;

	if (is_file(kind)) {
		file = disk_file();
		MUST(write(file, content, sizeof(content)) == sizeof(content));
	}
	char *memory = mmap((void *)BASE, length_of(kind), PROT_READ | PROT_WRITE,
		(int)flags_of(kind) | MAP_FIXED_NOREPLACE, file, 0);
	if (memory == MAP_FAILED && kind == POOL_PAGE)
		unmet("no huge page is to be had", "put pages into the pool");
	MUST(memory != MAP_FAILED);
	if (!is_file(kind) && kind != POOL_PAGE)
		(void)madvise(
			memory, length_of(kind), is_huge(kind) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return memory;
}

/* The other process of a page that two have: alive until it is let go. */
struct other {
	pid_t child; /* 0: there is none */
	int end;     /* closed, it lets the child go */
};

static struct other fork_other(void)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		char byte;
		MUST(close(ends[1]) == 0);
		_exit(read(ends[0], &byte, 1) < 0);
	}
	MUST(close(ends[0]) == 0);
	return (struct other){child, ends[1]};
}

static void let_go(const struct other *other)
{
	if (other->child == 0)
		return;
	MUST(close(other->end) == 0);
	MUST(waitpid(other->child, NULL, 0) == other->child);
}

/* Another process, which puts the page that is missing, and ends. */
static struct other start_manager(void)
{
	int ends[2];
	const int manager = missing_open(BASE, VM_PAGE_BYTES);

	if (manager < 0)
		unmet("this kernel lets nobody manage missing pages", "CONFIG_USERFAULTFD=y");
	MUST(pipe(ends) == 0);
	const pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		MUST(missing_put(manager) == 0);
		_exit(EXIT_SUCCESS);
	}
	MUST(close(ends[0]) == 0);
	return (struct other){child, ends[1]};
}

static struct other prepare(enum fault_kind kind, volatile char *memory)
{
	struct other other = {0};

	switch (kind) {
	case ZERO_PAGE_WRITE:
		(void)*memory;
		break;
	case SHARED_BY_FORK:
		*memory = 1;
		return fork_other();
	case LAST_OWNER:
	case HUGE_LAST_OWNER:
		*memory = 1;
		other = fork_other();
		let_go(&other);
		break;
	case SWAPPED_IN:
		*memory = 1;
		MUST(madvise((void *)BASE, VM_PAGE_BYTES, MADV_PAGEOUT) == 0);
		break;
	case ANONYMOUS_READ:
	case ANONYMOUS_WRITE:
	case FILE_READ:
	case FILE_COPIED:
	case FILE_SHARED_WRITE:
	case HUGE_WRITE:
	case POOL_PAGE:
		break;
	case SPURIOUS:
		return start_manager();
	}
	return (struct other){0};
}

static void measure_fault(enum fault_kind kind)
{
	const enum landmark last = kind == SPURIOUS ? PTEP_SET_ACCESS_FLAGS : HUGETLB_FAULT;
	volatile char *memory = map_live(kind);

	trace_begin(HANDLE_MM_FAULT, last);
	set("events/exceptions/page_fault_user/enable", "1");
	trace_this_process();
	const struct other other = prepare(kind, memory);
	set("tracing_on", "1");
	if (is_write(kind))
		*memory = 2;
	else
		(void)*memory;
	set("tracing_on", "0");
	observe_path("address=0x100000000000 ", last);
	let_go(&other);
}

/* --- faults ----------------------------------------------------------------------------------- */

#define METHOD                                                                                     \
	"Bring memory into the state, let the function tracer record this process in an instance " \
	"of its own, access the memory once, and read which handlers were called behind the "      \
	"event "                                                                                   \
	"of that fault."
#define THREATS                                                                                 \
	"Functions that the compiler has put into their callers are not seen: what the tracer " \
	"takes "                                                                                \
	"is observed first."
#define BY_HAND "echo do_anonymous_page >/sys/kernel/tracing/set_ftrace_filter"

/* What is traced is the kernel's own text, changed while it runs: that is for guests. */
#define NEEDS_GUEST .root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}

static const struct probe_parameter fault_parameters[] = {
	{
		.name = "fault",
		.unit = VM_UNIT_COUNT,
		.choices_count = sizeof(fault_labels) / sizeof(fault_labels[0]),
		.choices = {ANONYMOUS_READ, ANONYMOUS_WRITE, ZERO_PAGE_WRITE, FILE_READ,
			FILE_COPIED, FILE_SHARED_WRITE, SHARED_BY_FORK, LAST_OWNER, HUGE_WRITE,
			HUGE_LAST_OWNER, SPURIOUS},
		.labels = fault_labels,
	},
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return !is_huge((enum fault_kind)probe_argument(arguments, "fault")) ||
	       vm_host_has(host, VM_FEATURE_THP);
}

static void predict_faults(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum fault_kind kind = (enum fault_kind)probe_argument(arguments, "fault");

	if (kind == SPURIOUS)
		predict_spurious(model, host, readings, predictions);
	else
		predict_fault(model, host, kind, readings, predictions);
}

static void measure_faults(const struct probe_arguments *arguments)
{
	measure_fault((enum fault_kind)probe_argument(arguments, "fault"));
}

static const char *const fault_claims[] = {"demand.fault-path", NULL};

PROBE(fault_path) = {
	.name = "demand.fault-path",
	.claims = fault_claims,
	.question = "Which handler does the kernel call for which fault?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.parameters_count = 1,
	.parameters = fault_parameters,
	.needs = {NEEDS_GUEST},
	.deadline_s = 60,
	.suits = suits,
	.predict = PREDICTS(predict_faults),
	.measure = MEASURES(measure_faults),
};

static void predict_swap_in(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_fault(model, host, SWAPPED_IN, readings, predictions);
}

static void measure_swap_in(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_fault(SWAPPED_IN);
}

PROBE(fault_path_swap) = {
	.name = "demand.fault-path-swap",
	.claims = fault_claims,
	.question = "Which handler brings a page back from swap?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {NEEDS_GUEST, .swap_bytes = 32 * VM_MIB_BYTES},
	.deadline_s = 60,
	.predict = PREDICTS(predict_swap_in),
	.measure = MEASURES(measure_swap_in),
};

static void predict_pool(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_fault(model, host, POOL_PAGE, readings, predictions);
}

static void measure_pool(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_fault(POOL_PAGE);
}

PROBE(fault_path_pool) = {
	.name = "demand.fault-path-pool",
	.claims = fault_claims,
	.question = "Which handler gives out a page of the huge page pool?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {NEEDS_GUEST, .huge_2m_pages = 1},
	.deadline_s = 60,
	.predict = PREDICTS(predict_pool),
	.measure = MEASURES(measure_pool),
};

/* --- mmap ------------------------------------------------------------------------------------- */

enum neighbour { NEIGHBOUR_NONE, NEIGHBOUR_SAME, NEIGHBOUR_READ_ONLY };

static const char *const neighbour_labels[] = {"none", "same", "read-only"};

static const struct probe_parameter mmap_parameters[] = {
	{
		.name = "neighbour",
		.unit = VM_UNIT_COUNT,
		.choices_count = 3,
		.choices = {NEIGHBOUR_NONE, NEIGHBOUR_SAME, NEIGHBOUR_READ_ONLY},
		.labels = neighbour_labels,
	},
};

static void map_page(struct vm_machine *machine, uint64_t address, uint32_t protection)
{
	probe_perform(machine, (struct vm_operation){.kind = VM_OP_MAP,
				       .address = address,
				       .length = VM_PAGE_BYTES,
				       .protection = protection,
				       .flags = VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_FIXED,
				       .file = VM_NO_FILE});
}

static void predict_mmap(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t neighbour = probe_argument(arguments, "neighbour");
	struct vm_machine *machine = probe_machine(model, host, predictions->arena);
	enum landmark path[] = {DO_MMAP, MMAP_REGION, VM_AREA_ALLOC};

	if (neighbour != NEIGHBOUR_NONE)
		map_page(machine, BASE,
			neighbour == NEIGHBOUR_SAME ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ);
	const size_t before = vm_machine_area_count(machine, 0);
	map_page(machine, BASE + VM_PAGE_BYTES, VM_PROT_READ | VM_PROT_WRITE);
	if (vm_machine_area_count(machine, 0) == before)
		path[2] = VMA_EXPAND;
	predict_path("demand.mmap-path",
		"a neighbour of the same kind is grown; otherwise there is a new area",
		"linux:6.12:mm/mmap.c:mmap_region", path, sizeof(path) / sizeof(path[0]), readings,
		predictions);
}

static void measure_mmap(const struct probe_arguments *arguments)
{
	const int64_t neighbour = probe_argument(arguments, "neighbour");
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	if (neighbour != NEIGHBOUR_NONE)
		MUST(mmap((void *)BASE, VM_PAGE_BYTES,
			     neighbour == NEIGHBOUR_SAME ? PROT_READ | PROT_WRITE : PROT_READ,
			     flags, -1, 0) != MAP_FAILED);
	trace_begin(DO_MMAP, VM_AREA_ALLOC);
	trace_this_process();
	set("tracing_on", "1");
	void *memory = mmap((void *)(BASE + VM_PAGE_BYTES), VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		flags, -1, 0);
	set("tracing_on", "0");
	MUST(memory != MAP_FAILED);
	observe_path(NULL, VM_AREA_ALLOC);
}

static const char *const mmap_claims[] = {"demand.mmap-path", NULL};

PROBE(mmap_path) = {
	.name = "demand.mmap-path",
	.claims = mmap_claims,
	.question = "Does the kernel's way through mmap make an area, or grow a neighbour?",
	.method = "Map a page beside nothing, beside an area of the same kind and beside another, "
		  "while the function tracer records this process.",
	.threats = THREATS,
	.by_hand = BY_HAND,
	.parameters_count = 1,
	.parameters = mmap_parameters,
	.needs = {NEEDS_GUEST},
	.deadline_s = 60,
	.predict = PREDICTS(predict_mmap),
	.measure = MEASURES(measure_mmap),
};
