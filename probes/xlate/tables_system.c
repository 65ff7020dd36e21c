/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the system's count of page tables grows by when one process uses a page far from the others,
 * and when it forks.
 *
 * Each CPU holds its changes of a counter back until they pass a threshold, and gives them up all
 * at once: so the count jumps, and leaves the same behind each time. From one jump to a later one
 * it has moved by exactly the tables that were built in between, if nobody else ran. Where one page
 * needs several tables the jump may come between two of them; that is the interval.
 *
 * It would miss a table that is counted and not given back: xlate.table-frames.
 */
#include <inttypes.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/values.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"
#include "vm/pte.h"
#include "vm/tables.h"

/* A slot of 512 GiB that nothing uses, and 201 behind it. */
#define BASE	  UINT64_C(0x100000000000)
#define USES_MOST 201

/* At least so many between the two jumps. A fork builds some ten tables: less of them do. */
#define PAGES_BETWEEN 64
#define FORKS_BETWEEN 16

static const char *const stride_labels[] = {"2m", "1g", "512g"};

static const struct probe_parameter parameters[] = {
	{
		.name = "stride",
		.unit = VM_UNIT_BYTES,
		.choices_count = 3,
		.choices = {1 << 21, 1 << 30, INT64_C(1) << 39},
		.labels = stride_labels,
	},
};

/* The tables that another page needs, a stride behind the last. */
static int64_t tables_each(const struct vm_model *model, uint64_t stride_bytes)
{
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_LEVEL4);
	const struct vm_table_range ranges[] = {
		{BASE, BASE}, {BASE + stride_bytes, BASE + stride_bytes}};
	const unsigned levels =
		vm_tables_counted_levels(model->behaviours.tables_counted, shape->levels);
	uint64_t one[VM_PAGING_LEVELS_LIMIT + 1] = {0}, two[VM_PAGING_LEVELS_LIMIT + 1] = {0};
	int64_t more = 0;

	(void)vm_hierarchical_tables(shape, ranges, 1, 1, one);
	(void)vm_hierarchical_tables(shape, ranges, 2, 1, two);
	for (unsigned level = 1; level <= levels; level++)
		more += (int64_t)(two[level] - one[level]);
	return more;
}

static const struct vm_prediction about = {
	.claim = "xlate.tables-system",
	.quantity = "counted",
	.at = "",
	.unit = VM_UNIT_COUNT,
	.cite = "linux:6.12:include/linux/mm.h:pagetable_pte_ctor",
};

/* So many tables a use, from one jump to another: either may come between two of them. */
static void predict_jumps(struct vm_predictions *predictions, struct vm_prediction *prediction,
	const struct probe_reading *uses, struct moving each)
{
	int64_t values[2 * QUIET_WANTED];

	for (size_t i = 0; i < QUIET_WANTED; i++) {
		values[2 * i] = each.lowest * uses->values[i] - (each.highest - 1);
		values[2 * i + 1] = each.highest * uses->values[i] + (each.highest - 1);
	}
	prediction->form = VM_FORM_WITHIN;
	prediction->values = values;
	prediction->values_count = (size_t)2 * QUIET_WANTED;
	vm_predict(predictions, prediction);
}

static const struct probe_reading *uses_of(const struct probe_readings *readings)
{
	const struct probe_reading *uses = probe_reading_of(readings, "uses", "");

	return uses != NULL && uses->values_count == QUIET_WANTED ? uses : NULL;
}

static void predict_far(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"uses"};
	const int64_t each = tables_each(model, (uint64_t)probe_argument(arguments, "stride"));
	const struct probe_reading *uses = uses_of(readings);
	struct vm_prediction prediction = about;

	(void)host;
	prediction.because = predict_sentence(predictions,
		"each use far from the last takes %d tables of the levels that count", (int)each);
	if (uses == NULL)
		predict_rule(predictions, &prediction, inputs, 1);
	else
		predict_jumps(predictions, &prediction, uses, (struct moving){each, each});
}

/*
 * The tables that status counts are those of three levels; the system's count has one more for each
 * level above, which a process without high addresses has one table of. Where the kernel has tables
 * of its own for user mode the top one is a pair.
 */
static void predict_spaces(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"uses", "status-tables"};
	const int64_t above = (int64_t)vm_tables_above_status(
		model->behaviours.tables_counted, host->page_table_levels);
	const int64_t paired =
		above > 0 && vm_host_has(host, VM_FEATURE_PAGE_TABLE_ISOLATION) ? 1 : 0;
	const struct probe_reading *uses = uses_of(readings);
	struct vm_prediction prediction = about;
	struct moving tables;

	(void)arguments;
	prediction.because = predict_sentence(predictions,
		"a fork builds the tables that the child's status has, and %" PRId64
		" above them that count",
		above);
	prediction.cite = "linux:6.12:include/linux/mm.h:mm_inc_nr_puds";
	switch (model->behaviours.tables_counted) {
	case VM_TABLES_COUNTED_LOWER_2:
		prediction.form = VM_FORM_SILENT;
		prediction.because = "status counts tables that the system's count leaves out";
		vm_predict(predictions, &prediction);
		return;
	case VM_TABLES_COUNTED_LOWER_3:
	case VM_TABLES_COUNTED_ALL:
		break;
	}
	if (uses == NULL || !moving_of(readings, "status-tables", "", &tables))
		predict_rule(predictions, &prediction, inputs, 2);
	else
		predict_jumps(predictions, &prediction, uses,
			(struct moving){tables.lowest + above, tables.highest + above + paired});
}

static int64_t counted(const struct kernel_file *meminfo)
{
	return (int64_t)vm_kib_to_pages_floor(
		(uint64_t)kernel_meminfo_value(kernel_file_read(meminfo), "PageTables"));
}

struct between {
	int64_t uses, counted;
};

/* What is used: call(context, i) builds tables, for the i-th time. */
struct user {
	void (*call)(void *context, int64_t i);
	void *context;
	int64_t between;
};

/* Uses again and again up to a jump, then some, then to the next jump; or all, if none comes. */
static struct between use(const struct kernel_file *meminfo, const struct user *user)
{
	int64_t first_use = 0, first = counted(meminfo), last = first;
	bool jumped = false;

	for (int64_t i = 1; i < USES_MOST; i++) {
		user->call(user->context, i);
		if (jumped && i - first_use < user->between)
			continue;
		const int64_t now = counted(meminfo);
		if (now == last)
			continue;
		if (jumped && i - first_use > user->between)
			return (struct between){i - first_use, now - first};
		/* Where the pause ends nobody knows whether the jump is old. */
		if (!jumped) {
			first_use = i;
			first = now;
		}
		jumped = true;
		last = now;
	}
	return (struct between){USES_MOST - 1 - first_use, last - first};
}

struct memory {
	char *base;
	uint64_t stride_bytes;
};

static void read_page(void *context, int64_t i)
{
	const struct memory *memory = context;

	(void)*(const volatile char *)(memory->base + (uint64_t)i * memory->stride_bytes);
}

static bool take_far(struct quiet *quiet, const struct kernel_file *meminfo, uint64_t stride_bytes,
	struct between *between)
{
	const size_t length_bytes = (size_t)((USES_MOST - 1) * stride_bytes + VM_PAGE_BYTES);
	/* Read-only, so that it promises nothing in any mode. */
	struct memory memory = {
		.base = mmap((void *)BASE, length_bytes, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		.stride_bytes = stride_bytes,
	};

	MUST(memory.base == (char *)BASE);
	small_pages(memory.base, length_bytes);
	(void)*(volatile char *)memory.base;
	quiet_begin(quiet);
	*between = use(meminfo, &(struct user){read_page, &memory, PAGES_BETWEEN});
	const bool is_quiet = quiet_end(quiet);
	MUST(munmap(memory.base, length_bytes) == 0);
	return is_quiet;
}

static void observe_jumps(const struct between between[QUIET_WANTED])
{
	int64_t uses[QUIET_WANTED], tables[QUIET_WANTED];

	for (size_t i = 0; i < QUIET_WANTED; i++) {
		uses[i] = between[i].uses;
		tables[i] = between[i].counted;
	}
	observe_values("uses", "", uses, QUIET_WANTED, VM_UNIT_COUNT, "the trial");
	observe_values("counted", "", tables, QUIET_WANTED, VM_UNIT_COUNT, "PageTables");
}

static void measure_far(const struct probe_arguments *arguments)
{
	const uint64_t stride_bytes = (uint64_t)probe_argument(arguments, "stride");
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	struct between between[QUIET_WANTED];
	struct quiet quiet;
	size_t count = 0;

	quiet_open(&quiet);
	quiet.late_frees_matter = true; /* tables are freed so, since 6.14 */
	while (count < QUIET_WANTED) {
		quiet_try(&quiet, "PageTables");
		count += take_far(&quiet, &meminfo, stride_bytes, &between[count]);
	}
	observe_jumps(between);
}

/* A child is on this CPU, so it does not run before it is killed: its tables are as fork made them.
 */
static void fork_once(void *context, int64_t i)
{
	pid_t *children = context;

	children[i] = fork();
	if (children[i] == 0)
		_exit(0);
	if (children[i] < 0)
		unmet("fewer processes may be made than are wanted here",
			"ulimit -u and pids.max of 300 or more");
}

/* What status has of the child: the tables of the lower three levels. False where it has run. */
static bool status_tables(pid_t child, int64_t *tables)
{
	char path[sizeof("/proc//status") + 3 * sizeof(child)];
	uint64_t kib = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", child);
	struct kernel_file status = kernel_file_open(path, KERNEL_FILE_USUAL_BYTES);
	const bool lives = kernel_meminfo_find(kernel_file_read(&status), "VmPTE", &kib);
	kernel_file_close(&status);
	*tables = (int64_t)vm_kib_to_pages_floor(kib);
	return lives;
}

/* *tables: of a child that has not run either, if nobody has. */
static bool take_spaces(struct quiet *quiet, const struct kernel_file *meminfo,
	struct between *between, int64_t *tables)
{
	static pid_t children[USES_MOST];

	for (size_t i = 0; i < USES_MOST; i++)
		children[i] = -1;
	quiet_begin(quiet);
	*between = use(meminfo, &(struct user){fork_once, children, FORKS_BETWEEN});
	const bool lives = status_tables(children[1], tables);
	const bool is_quiet = quiet_end(quiet) && lives;
	for (size_t i = 1; i < USES_MOST && children[i] != -1; i++)
		MUST(kill(children[i], SIGKILL) == 0 &&
			waitpid(children[i], NULL, 0) == children[i]);
	/* What is left of them is freed late: better now than in the next stretch. */
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	return is_quiet;
}

static void measure_spaces(const struct probe_arguments *arguments)
{
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	struct between between[QUIET_WANTED];
	int64_t tables[QUIET_WANTED];
	struct quiet quiet;
	size_t count = 0;

	(void)arguments;
	quiet_open(&quiet);
	quiet.late_frees_matter = true;
	while (count < QUIET_WANTED) {
		quiet_try(&quiet, "PageTables");
		count += take_spaces(&quiet, &meminfo, &between[count], &tables[count]);
	}
	observe_jumps(between);
	observe_values("status-tables", "", tables, QUIET_WANTED, VM_UNIT_COUNT, "VmPTE");
}

static const char *const claims[] = {"xlate.tables-system", NULL};

PROBE(tables_system) = {
	.name = "xlate.tables-of-the-system",
	.claims = claims,
	.question = "Which tables of a process are in the system's count of page tables?",
	.method = "Read pages a stride apart, one after the other, until PageTables jumps; then at "
		  "least 64 more, until it jumps again: five times in which nobody else ran.",
	.threats = "Others build tables too: only stretches count in which no other task ran, by "
		   "the number of context switches. A huge page would need other tables: they are "
		   "off.",
	.by_hand = "grep PageTables /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.predict = PREDICTS(predict_far),
	.measure = MEASURES(measure_far),
};

PROBE(tables_spaces) = {
	.name = "xlate.tables-of-spaces",
	.claims = claims,
	.question = "Which tables of a new address space are in the system's count of page tables?",
	.method =
		"Fork children that do not run, one after the other, until PageTables jumps; then "
		"at least 16 more, until it jumps again: five times in which nobody else ran. "
		"Read what status has of one of them.",
	.threats = "Others build tables too: only stretches count in which no other task ran, by "
		   "the number of context switches. A child that ran would build tables of its "
		   "own: it waits for this CPU. Under emulation a fork takes so long that tables "
		   "freed late fall into every stretch.",
	.by_hand = "grep PageTables /proc/meminfo; grep VmPTE /proc/PID/status",
	.needs = {.processor = true},
	.deadline_s = 20,
	.predict = PREDICTS(predict_spaces),
	.measure = MEASURES(measure_spaces),
};
