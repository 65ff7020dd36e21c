/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each kind of mapping adds to the commitment, what fork and mprotect do to it, and that
 * unmapping gives all of it back.
 *
 * It would miss a kernel that charges right and refuses at the wrong sum: overcommit.mode0, mode2.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/areas.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/requests.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/requests.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define WALL_BYTES (size_t) VM_GIB_BYTES /* longer than any other hole */

static const char *const kind_labels[] = {REQUEST_KINDS(REQUEST_LABEL)};

static const struct probe_parameter parameters[] = {
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = REQUEST_FORKED, /* all before: fork is a step here */
		.choices = {REQUEST_KINDS(REQUEST_CHOICE)},
		.labels = kind_labels,
	},
	{
		.name = "touched",
		.unit = VM_UNIT_BOOL,
		.choices_count = 2,
		.choices = {0, 1},
	},
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.choices_count = 0,
		.lowest = 1025,
		.highest = 20003,
		.step = 1,
		.drawn = 1,
	},
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, VM_COMMIT_NEVER_MORE},
		.knob = "vm.overcommit_memory",
	},
};

/* Mode 2 matters to those that ask not to be counted. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const struct request_kind_info *kind = &request_kinds[probe_argument(arguments, "kind")];
	const bool touched = probe_argument(arguments, "touched") != 0;
	const bool as_is = probe_argument(arguments, "mode") == PROBE_AS_IS;

	(void)host;
	if (touched && (!kind->asks.writable || kind->way != REQUEST_MMAP))
		return false;
	return as_is || (kind->asks.no_reserve && !touched);
}

/* What happens to the mapping, in this order; each changes the commitment by so many pages. */
enum step {
	STEP_MAP,
	STEP_TOUCH,
	STEP_FORK,
	STEP_READ_ONLY,
	STEP_WRITABLE,
	STEP_UNMAP,
	STEPS_COUNT,
};

static const char *const step_words[STEPS_COUNT] = {
	[STEP_MAP] = "map",
	[STEP_TOUCH] = "touch",
	[STEP_FORK] = "fork",
	[STEP_READ_ONLY] = "read-only",
	[STEP_WRITABLE] = "writable",
	[STEP_UNMAP] = "unmap",
};

struct expected {
	int64_t pages[STEPS_COUNT];
	bool accounts;
};

/* A heap is one area with what was there before; a segment is not mapped at all. */
static bool is_mprotected(const struct request_kind_info *kind)
{
	return kind->way != REQUEST_BRK && kind->way != REQUEST_SHMGET;
}

/* Kept outside of the area: by the object that is mapped. */
static int64_t object_pages(int64_t mapped_pages, bool accounts)
{
	return accounts ? 0 : mapped_pages;
}

static struct expected work_out(const struct vm_model *model, const struct request_kind_info *kind,
	enum vm_commit_mode mode, uint64_t length_pages, bool touched)
{
	const struct vm_behaviours *behaviours = &model->behaviours;
	struct vm_commit_request area = kind->asks;
	struct expected expected;

	/* What grows was one page before; a stack grows by being used. */
	area.length_pages =
		length_pages + (kind->way == REQUEST_MREMAP || kind->way == REQUEST_GROWSDOWN);
	touched = touched || kind->way == REQUEST_GROWSDOWN;
	expected.accounts = vm_commit_area_accounts(behaviours, mode, &area);
	expected.pages[STEP_MAP] = (int64_t)vm_commit_map_pages(behaviours, mode, &area);
	const int64_t object = object_pages(expected.pages[STEP_MAP], expected.accounts);
	bool accounts = expected.accounts;
	expected.pages[STEP_TOUCH] =
		(int64_t)vm_commit_touch_pages(behaviours, mode, &area, touched);
	expected.pages[STEP_FORK] = accounts ? (int64_t)area.length_pages : 0;
	const int64_t returned =
		(int64_t)vm_commit_make_read_only_pages(behaviours, &area, accounts, touched);
	accounts = accounts && returned == 0;
	area.writable = false;
	const int64_t promised =
		(int64_t)vm_commit_make_writable_pages(behaviours, mode, &area, accounts);
	accounts = accounts || promised != 0;
	expected.pages[STEP_READ_ONLY] = is_mprotected(kind) ? -returned : 0;
	expected.pages[STEP_WRITABLE] = is_mprotected(kind) ? promised : 0;
	if (!is_mprotected(kind))
		accounts = expected.accounts;
	expected.pages[STEP_UNMAP] =
		-object - expected.pages[STEP_TOUCH] - (accounts ? (int64_t)area.length_pages : 0);
	return expected;
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct request_kind_info *kind = &request_kinds[probe_argument(arguments, "kind")];
	const enum vm_commit_mode mode =
		(enum vm_commit_mode)vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, 0);
	const struct expected expected =
		work_out(model, kind, mode, (uint64_t)probe_argument(arguments, "pages"),
			probe_argument(arguments, "touched") != 0);
	static const char *const because[STEPS_COUNT] = {
		[STEP_MAP] = "private writable areas and shared anonymous objects are a promise, "
			     "unless they opt out",
		[STEP_TOUCH] = "an object in memory that did not promise all its pages pays for "
			       "each when it is first used",
		[STEP_FORK] = "the child promises again what areas of the parent account for",
		[STEP_READ_ONLY] = "an area that never had a page of its own gives its promise "
				   "back when it becomes read-only",
		[STEP_WRITABLE] = "a private area promises when it becomes writable",
		[STEP_UNMAP] = "with the area, or the last use of the object, its promise goes",
	};

	(void)readings;
	for (size_t step = 0; step < STEPS_COUNT; step++)
		predict_moving(predictions,
			&(struct vm_prediction){
				.claim = "overcommit.mode2",
				.quantity = "commitment",
				.at = step_words[step],
				.unit = VM_UNIT_PAGES,
				.because = because[step],
				.cite = "linux:6.12:mm/mmap.c:accountable_mapping",
			},
			(struct moving){expected.pages[step], expected.pages[step]}, QUIET_WANTED);
	if (kind->way == REQUEST_SHMGET)
		return;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "overcommit.mode2",
			.quantity = "area-accounts",
			.at = "",
			.unit = VM_UNIT_BOOL,
			.form = VM_FORM_EXACT,
			.values = (int64_t[]){expected.accounts},
			.values_count = 1,
			.because = "an area that accounts for its promise carries the flag ac",
			.cite = "linux:6.12:mm/mmap.c:accountable_mapping",
		});
}

static int64_t committed_pages(const struct kernel_file *meminfo)
{
	return (int64_t)vm_kib_to_pages_floor(
		(uint64_t)kernel_meminfo_value(kernel_file_read(meminfo), "Committed_AS"));
}

/* What each step moved the commitment by, in the stretches in which nobody else ran. */
struct steps {
	struct quiet quiet;
	struct kernel_file meminfo;
	size_t counts[STEPS_COUNT];
	int64_t pages[STEPS_COUNT][QUIET_WANTED];
};

static int64_t begin(struct steps *steps)
{
	quiet_begin(&steps->quiet);
	return committed_pages(&steps->meminfo);
}

/* False where somebody else ran: then the difference is not ours alone. */
static bool end(struct steps *steps, int64_t before_pages, int64_t *delta_pages)
{
	*delta_pages = committed_pages(&steps->meminfo) - before_pages;
	return quiet_end(&steps->quiet);
}

static void keep(struct steps *steps, enum step step, bool is_quiet, int64_t delta_pages)
{
	if (is_quiet && steps->counts[step] < QUIET_WANTED)
		steps->pages[step][steps->counts[step]++] = delta_pages;
}

/*
 * How much the commitment grows by a child. It is on this CPU, so it does not run before it has
 * been counted; and it does nothing.
 */
static bool fork_pages(struct steps *steps, int64_t *delta_pages)
{
	const int64_t before_pages = begin(steps);
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	const bool is_quiet = end(steps, before_pages, delta_pages);
	MUST(child > 0 && waitpid(child, NULL, 0) == child);
	return is_quiet;
}

static void take_fork(struct steps *steps, bool alone_is_quiet, int64_t alone_pages)
{
	int64_t pages = 0;
	const bool is_quiet = fork_pages(steps, &pages);

	keep(steps, STEP_FORK, is_quiet && alone_is_quiet, pages - alone_pages);
}

static void take_rights(struct steps *steps, enum step step, const struct request *request)
{
	const int rights = step == STEP_WRITABLE ? PROT_READ | PROT_WRITE : PROT_READ;
	int64_t before_pages = begin(steps), pages = 0;

	if (is_mprotected(&request_kinds[request->kind]))
		MUST(mprotect(request->address, request->length_bytes, rights) == 0);
	const bool is_quiet = end(steps, before_pages, &pages);
	keep(steps, step, is_quiet, pages);
}

static void take_all(
	struct steps *steps, enum request_kind kind, uint64_t length_pages, bool touched)
{
	struct request request;
	int64_t alone_pages = 0, pages = 0;
	const bool alone_is_quiet = fork_pages(steps, &alone_pages);
	int64_t before_pages = begin(steps);

	MUST(request_make(&request, kind, length_pages) == 0);
	bool is_quiet = end(steps, before_pages, &pages);
	keep(steps, STEP_MAP, is_quiet, pages);
	before_pages = begin(steps);
	if (touched)
		*(volatile char *)request.address = 1;
	is_quiet = end(steps, before_pages, &pages);
	keep(steps, STEP_TOUCH, is_quiet, pages);
	take_fork(steps, alone_is_quiet, alone_pages);
	take_rights(steps, STEP_READ_ONLY, &request);
	take_rights(steps, STEP_WRITABLE, &request);
	before_pages = begin(steps);
	request_give_back(&request);
	is_quiet = end(steps, before_pages, &pages);
	keep(steps, STEP_UNMAP, is_quiet, pages);
}

static bool are_enough(const struct steps *steps)
{
	for (size_t step = 0; step < STEPS_COUNT; step++)
		if (steps->counts[step] < QUIET_WANTED)
			return false;
	return true;
}

/* The flag of the area at the address. */
static bool area_accounts(const struct kernel_file *smaps, const char *address)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;

	while (kernel_smaps_next(&lines, &area, &error) == 1)
		if (area.area.start <= (uintptr_t)address && (uintptr_t)address < area.area.end)
			return area.flags >> KERNEL_AREA_FLAG_ACCOUNT & 1;
	broken("no area at %p in smaps", (const void *)address);
}

static void observe_flag(enum request_kind kind, uint64_t pages)
{
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	struct request request;

	if (request_kinds[kind].way == REQUEST_SHMGET)
		return;
	MUST(request_make(&request, kind, pages) == 0);
	observe("area-accounts", area_accounts(&smaps, request.address), VM_UNIT_BOOL, "smaps");
	request_give_back(&request);
}

static void measure(const struct probe_arguments *arguments)
{
	const enum request_kind kind = (enum request_kind)probe_argument(arguments, "kind");
	const uint64_t pages = (uint64_t)probe_argument(arguments, "pages");
	const bool touched = probe_argument(arguments, "touched") != 0;
	static struct steps steps;

	requests_lift_limits();
	steps.meminfo = kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	quiet_open(&steps.quiet);
	/* A wall, so that nothing merges with a neighbour that holds pages already. */
	MUST(mmap(NULL, WALL_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	while (!are_enough(&steps)) {
		quiet_try(&steps.quiet, "Committed_AS");
		take_all(&steps, kind, pages, touched);
	}
	for (size_t step = 0; step < STEPS_COUNT; step++)
		observe_values("commitment", step_words[step], steps.pages[step], QUIET_WANTED,
			VM_UNIT_PAGES, "Committed_AS");
	observe_flag(kind, pages);
}

static const char *const claims[] = {"overcommit.mode2", NULL};

PROBE(accounting) = {
	.name = "overcommit.accounting",
	.claims = claims,
	.question = "What do mappings, fork, mprotect and munmap add to the commitment, and take "
		    "off it?",
	.method = "Read Committed_AS before and after each step, until nobody else has run on any "
		  "CPU during five of each. Read the area's flags in smaps.",
	.threats = "The commitment is the machine's, and others move it: only stretches count in "
		   "which no other task ran, by the number of context switches; without them "
		   "there is no observation.",
	.by_hand = "grep Committed_AS /proc/meminfo; grep VmFlags /proc/self/smaps",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
