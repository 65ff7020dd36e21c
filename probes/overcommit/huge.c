/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Huge pages from the pool are promised by the pool: mapping them reserves pages of it, and leaves
 * the commitment alone.
 *
 * It would miss a pool that grows when it is asked to (surplus pages): it is not asked to here.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define POOL_PAGES   8
#define MAPPED_PAGES 3 /* as many of them are promised, and one is used */

enum kind { PRIVATE, SHARED, PRIVATE_NO_RESERVE, KINDS_COUNT };

static const char *const kind_labels[] = {"private", "shared", "private-no-reserve"};

static const struct probe_parameter parameters[] = {
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = KINDS_COUNT,
		.choices = {PRIVATE, SHARED, PRIVATE_NO_RESERVE},
		.labels = kind_labels,
	},
};

enum step { STEP_MAP, STEP_TOUCH, STEP_FORK, STEP_UNMAP, STEPS_COUNT };
static const char *const step_words[STEPS_COUNT] = {"map", "touch", "fork", "unmap"};

enum counter { COMMITTED, RESERVED, FREE, COUNTERS_COUNT };
static const struct {
	const char *quantity, *line;
} counters[COUNTERS_COUNT] = {
	[COMMITTED] = {"commitment", "Committed_AS"},
	[RESERVED] = {"reserved", "HugePages_Rsvd"},
	[FREE] = {"free", "HugePages_Free"},
};

static struct vm_commit_request asks_of(enum kind kind)
{
	return (struct vm_commit_request){
		.backing = VM_COMMIT_HUGETLB,
		.shared = kind == SHARED,
		.writable = true,
		.no_reserve = kind == PRIVATE_NO_RESERVE,
		.length_pages = MAPPED_PAGES * vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES),
	};
}

static void work_out(const struct vm_model *model, const struct vm_host *host, enum kind kind,
	int64_t moved[COUNTERS_COUNT][STEPS_COUNT])
{
	const struct vm_commit_request asks = asks_of(kind);
	const enum vm_commit_mode mode =
		(enum vm_commit_mode)vm_host_knob(host, VM_KNOB_OVERCOMMIT_MEMORY, 0);
	const int64_t promised =
		(int64_t)vm_pages_to_kib(vm_commit_map_pages(&model->behaviours, mode, &asks));
	const int64_t again =
		vm_commit_area_accounts(&model->behaviours, mode, &asks) ? promised : 0;
	const int64_t kept = (int64_t)vm_commit_pool_pages(&asks, MAPPED_PAGES);
	const int64_t used = kept == 0 ? 0 : 1; /* of what was kept for this mapping */

	moved[COMMITTED][STEP_MAP] = promised;
	moved[COMMITTED][STEP_TOUCH] = 0;
	moved[COMMITTED][STEP_FORK] = again;
	moved[COMMITTED][STEP_UNMAP] = -promised;
	moved[RESERVED][STEP_MAP] = kept;
	moved[RESERVED][STEP_TOUCH] = -used;
	moved[RESERVED][STEP_FORK] = 0;
	moved[RESERVED][STEP_UNMAP] = used - kept;
	moved[FREE][STEP_MAP] = 0;
	moved[FREE][STEP_TOUCH] = -1;
	moved[FREE][STEP_FORK] = 0;
	moved[FREE][STEP_UNMAP] = 1;
}

static void predict_largest(
	enum kind kind, const struct probe_readings *readings, struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"pool-free", "pool-reserved"};
	struct vm_prediction prediction = {
		.claim = "overcommit.mode2",
		.quantity = "largest-granted",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "what is free in the pool and not reserved is the most that is promised",
		.cite = "linux:6.12:mm/hugetlb.c:gather_surplus_pages",
	};
	struct moving is_free, reserved;

	if (kind == PRIVATE_NO_RESERVE)
		return;
	if (!moving_of(readings, "pool-free", "", &is_free) ||
		!moving_of(readings, "pool-reserved", "", &reserved)) {
		predict_rule(predictions, &prediction, inputs, 2);
		return;
	}
	predict_moving(predictions, &prediction,
		(struct moving){
			is_free.lowest - reserved.highest, is_free.highest - reserved.lowest},
		1);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum kind kind = (enum kind)probe_argument(arguments, "kind");
	int64_t moved[COUNTERS_COUNT][STEPS_COUNT];

	work_out(model, host, kind, moved);
	for (size_t counter = 0; counter < COUNTERS_COUNT; counter++)
		for (size_t step = 0; step < STEPS_COUNT; step++)
			predict_moving(predictions,
				&(struct vm_prediction){
					.claim = "overcommit.mode2",
					.quantity = counters[counter].quantity,
					.at = step_words[step],
					.unit = counter == COMMITTED ? VM_UNIT_KIB : VM_UNIT_COUNT,
					.because = "the pool keeps pages for a mapping that does "
						   "not opt out, gives them when they are used, "
						   "and the commitment has none of them",
					.cite = "linux:6.12:mm/hugetlb.c:hugetlb_reserve_pages",
				},
				(struct moving){moved[counter][step], moved[counter][step]},
				QUIET_WANTED);
	predict_largest(kind, readings, predictions);
}

struct steps {
	struct quiet quiet;
	struct kernel_file meminfo;
	size_t counts[STEPS_COUNT];
	int64_t moved[COUNTERS_COUNT][STEPS_COUNT][QUIET_WANTED];
	int64_t before[COUNTERS_COUNT];
};

static void read_counters(const struct steps *steps, int64_t values[COUNTERS_COUNT])
{
	const struct kernel_text text = kernel_file_read(&steps->meminfo);

	for (size_t i = 0; i < COUNTERS_COUNT; i++)
		values[i] = kernel_meminfo_value(text, counters[i].line);
}

static void begin(struct steps *steps)
{
	quiet_begin(&steps->quiet);
	read_counters(steps, steps->before);
}

/* Less what the same would have moved by itself: a fork promises what the process has. */
static void end(struct steps *steps, enum step step, int64_t alone_kib)
{
	int64_t after[COUNTERS_COUNT];

	read_counters(steps, after);
	if (!quiet_end(&steps->quiet) || steps->counts[step] == QUIET_WANTED)
		return;
	for (size_t i = 0; i < COUNTERS_COUNT; i++)
		steps->moved[i][step][steps->counts[step]] =
			after[i] - steps->before[i] - (i == COMMITTED ? alone_kib : 0);
	steps->counts[step]++;
}

static char *map(enum kind kind, size_t pages)
{
	const struct vm_commit_request asks = asks_of(kind);

	return mmap(NULL, pages * (size_t)VM_HUGE_2M_BYTES, PROT_READ | PROT_WRITE,
		(asks.shared ? MAP_SHARED : MAP_PRIVATE) | (asks.no_reserve ? MAP_NORESERVE : 0) |
			MAP_ANONYMOUS | MAP_HUGETLB | 21 << 26,
		-1, 0);
}

/* The child is on this CPU, so it does not run before it has been counted; and it does nothing. */
static pid_t start_child(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child;
}

static void reap(pid_t child)
{
	MUST(child > 0 && waitpid(child, NULL, 0) == child);
}

/* What a fork promises without the mapping; false where somebody else ran. */
static bool fork_alone(struct steps *steps, int64_t *alone_kib)
{
	int64_t after[COUNTERS_COUNT];

	begin(steps);
	const pid_t child = start_child();
	read_counters(steps, after);
	const bool is_quiet = quiet_end(&steps->quiet);
	reap(child);
	*alone_kib = after[COMMITTED] - steps->before[COMMITTED];
	return is_quiet;
}

static void take_all(struct steps *steps, enum kind kind)
{
	int64_t alone_kib = 0;
	const bool knows_fork = fork_alone(steps, &alone_kib);

	begin(steps);
	char *memory = map(kind, MAPPED_PAGES);
	end(steps, STEP_MAP, 0);
	MUST(memory != MAP_FAILED);
	begin(steps);
	*(volatile char *)memory = 1;
	end(steps, STEP_TOUCH, 0);
	if (knows_fork) {
		begin(steps);
		const pid_t child = start_child();
		end(steps, STEP_FORK, alone_kib);
		reap(child);
	}
	begin(steps);
	MUST(munmap(memory, MAPPED_PAGES * (size_t)VM_HUGE_2M_BYTES) == 0);
	end(steps, STEP_UNMAP, 0);
}

static bool are_enough(const struct steps *steps)
{
	for (size_t step = 0; step < STEPS_COUNT; step++)
		if (steps->counts[step] < QUIET_WANTED)
			return false;
	return true;
}

/* The pool before and after, and the most pages that one mapping gets promised. */
static void observe_largest(const struct steps *steps, enum kind kind)
{
	int64_t values[2][COUNTERS_COUNT];
	size_t granted = 0;
	char *memory;

	read_counters(steps, values[0]);
	while ((memory = map(kind, granted + 1)) != MAP_FAILED) {
		granted++;
		MUST(munmap(memory, granted * (size_t)VM_HUGE_2M_BYTES) == 0);
	}
	MUST(errno == ENOMEM);
	read_counters(steps, values[1]);
	observe_values("pool-free", "", (int64_t[]){values[0][FREE], values[1][FREE]}, 2,
		VM_UNIT_COUNT, "/proc/meminfo");
	observe_values("pool-reserved", "", (int64_t[]){values[0][RESERVED], values[1][RESERVED]},
		2, VM_UNIT_COUNT, "/proc/meminfo");
	observe("largest-granted", (int64_t)granted, VM_UNIT_COUNT, "mmap");
}

static void measure(const struct probe_arguments *arguments)
{
	const enum kind kind = (enum kind)probe_argument(arguments, "kind");
	static struct steps steps;

	steps.meminfo = kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	if (kernel_number_at("/proc/sys/vm/nr_overcommit_hugepages") != 0)
		unmet("the pool of huge pages may grow", "sysctl vm.nr_overcommit_hugepages=0");
	quiet_open(&steps.quiet);
	while (!are_enough(&steps)) {
		quiet_try(&steps.quiet, "the pool");
		take_all(&steps, kind);
	}
	for (size_t counter = 0; counter < COUNTERS_COUNT; counter++)
		for (size_t step = 0; step < STEPS_COUNT; step++)
			observe_values(counters[counter].quantity, step_words[step],
				steps.moved[counter][step], QUIET_WANTED,
				counter == COMMITTED ? VM_UNIT_KIB : VM_UNIT_COUNT,
				"/proc/meminfo");
	if (kind != PRIVATE_NO_RESERVE)
		observe_largest(&steps, kind);
}

static const char *const claims[] = {"overcommit.mode2", NULL};

PROBE(accounting_huge) = {
	.name = "overcommit.accounting-huge-pages",
	.claims = claims,
	.question = "What promises huge pages from the pool?",
	.method = "Read the commitment and the pool before and after mapping, using, forking and "
		  "unmapping, until nobody else has run on any CPU during five of each; then map "
		  "more and more pages until it is refused.",
	.threats = "Others use the pool too: only stretches count in which no other task ran.",
	.by_hand = "sysctl vm.nr_hugepages=8; grep -E 'Committed_AS|HugePages' /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.huge_2m_pages = POOL_PAGES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
