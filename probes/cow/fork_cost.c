/* SPDX-License-Identifier: Apache-2.0 */
/* What fork costs follows the page tables that it copies, not the memory that is mapped. */
#include <errno.h>
#include <linux/mman.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/probe.h"
#include "timed/cost.h"
#include "timed/memory.h"
#include "timed/order.h"
#include "trial/files.h"
#include "trial/trial.h"
#include "vm/fork.h"
#include "vm/model.h"
#include "vm/prediction.h"

/*
 * The sweep: lengths far enough apart that each step is many times the noise of one fork. Beside
 * the last one the second is short, so that powers of its growth are far apart as well.
 */
static const struct {
	const char *at;
	uint64_t length_bytes;
} places[] = {
	{"2 MiB", 2 * VM_MIB_BYTES},
	{"6 MiB", 6 * VM_MIB_BYTES},
	{"32 MiB", 32 * VM_MIB_BYTES},
};

#define PLACES_COUNT (sizeof(places) / sizeof(places[0]))

/* ---- what the models say ---- */

struct question {
	const struct vm_model *model;
	const struct vm_host *host;
	struct vm_predictions *predictions;
};

static void predict_from(const struct question *question, size_t first_place, const char *quantity,
	enum vm_shape shape, const int64_t *values, const char *other, const char *because,
	const char *cite)
{
	const char *at[PLACES_COUNT];

	for (size_t i = first_place; i < PLACES_COUNT; i++)
		at[i - first_place] = places[i].at;
	vm_predict(question->predictions, &(struct vm_prediction){
						  .claim = "cow.fork-cost",
						  .quantity = quantity,
						  .at = "",
						  .unit = VM_UNIT_NS,
						  .form = VM_FORM_SHAPE,
						  .shape = shape,
						  .other = other,
						  .values_count = values == NULL ? 0 : PLACES_COUNT,
						  .values = values,
						  .inputs_count = PLACES_COUNT - first_place,
						  .inputs = at,
						  .because = because,
						  .cite = cite,
					  });
}

static void predict_shape(const struct question *question, const char *quantity,
	enum vm_shape shape, const int64_t *values, const char *other, const char *because,
	const char *cite)
{
	predict_from(question, 0, quantity, shape, values, other, because, cite);
}

/* One table more or less is lost in what a fork costs anyway: where there are several. */
#define SEVERAL_TABLES 1

static void predict_large(const struct question *question, const char *quantity, const char *cite)
{
	predict_from(question, SEVERAL_TABLES, quantity, VM_SHAPE_BELOW, NULL, "fork-touched",
		"one entry of the level above stands for the 512 of a table", cite);
}

/* Proportional to the tables that fork copies, or flat where it copies none. */
static void predict_fork(const struct question *question, const char *quantity,
	enum vm_fork_memory memory, const char *because, const char *because_flat)
{
	int64_t tables[PLACES_COUNT];
	bool any = false;

	for (size_t i = 0; i < PLACES_COUNT; i++) {
		tables[i] =
			(int64_t)vm_fork_tables_copied(&question->model->behaviours, question->host,
				memory, places[i].length_bytes, question->predictions->arena);
		any = any || tables[i] != 0;
	}
	if (any)
		predict_shape(question, quantity, VM_SHAPE_PROPORTIONAL, tables,
			memory == VM_FORK_PRIVATE_TOUCHED ? NULL : "fork-touched", because,
			"linux:6.12:mm/memory.c:copy_page_range");
	else
		predict_shape(question, quantity, VM_SHAPE_FLAT, NULL, "fork-touched", because_flat,
			"linux:6.12:mm/memory.c:vma_needs_copy");
}

/* glibc makes posix_spawn of CLONE_VM and CLONE_VFORK. */
static const char *const sharing_calls[] = {"vfork", "posix-spawn", "clone-vm"};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct question question = {model, host, predictions};

	(void)arguments, (void)readings;
	predict_fork(&question, "fork-touched", VM_FORK_PRIVATE_TOUCHED,
		"fork copies every table with anonymous pages in it, entry by entry",
		"no table is copied");
	predict_fork(&question, "fork-untouched", VM_FORK_PRIVATE_UNTOUCHED,
		"a table is copied for each 2 MiB mapped",
		"memory that was never touched has no table to copy");
	predict_fork(&question, "fork-shared", VM_FORK_SHARED_TOUCHED,
		"the child gets a copy of the table, shared pages included",
		"entries of shared memory can be faulted in again, so fork does not copy them");
	predict_fork(&question, "fork-file", VM_FORK_FILE_TOUCHED,
		"the child gets a copy of the table, pages of the file included",
		"a private mapping that was only read has no page of its own: the file has them "
		"all");
	for (size_t i = 0; i < sizeof(sharing_calls) / sizeof(sharing_calls[0]); i++)
		predict_shape(&question, sharing_calls[i], VM_SHAPE_FLAT, NULL, "fork-touched",
			"parent and child use one address space, so no table is copied",
			"linux:6.12:kernel/fork.c:copy_mm");
	predict_shape(&question, "fork-touched", VM_SHAPE_BELOW, NULL, "copy",
		"an entry is 8 bytes, the page that it maps 512 times as much",
		"linux:6.12:mm/memory.c:copy_present_ptes");
	if (host->knob[VM_KNOB_THP_ENABLED].present &&
		host->knob[VM_KNOB_THP_ENABLED].value != VM_THP_NEVER)
		predict_large(&question, "fork-huge", "linux:6.12:mm/huge_memory.c:copy_huge_pmd");
}

static void predict_hugetlb(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct question question = {model, host, predictions};

	(void)arguments, (void)readings;
	predict_large(&question, "fork-hugetlb", "linux:6.12:mm/hugetlb.c:copy_hugetlb_page_range");
}

/* ---- what the kernel does ---- */

#define FORKS 9
/* Of what everything else is measured against: it has to be known best. */
#define FORKS_OF_TOUCHED  25
#define COPIES		  1
#define WARM_UPS	  1
#define NS_IN_S		  1000000000
#define NS_IN_US	  1000
#define CLONE_STACK_BYTES ((size_t)16 * 1024)

enum memory {
	MEMORY_TOUCHED,
	MEMORY_UNTOUCHED,
	MEMORY_SHARED,
	MEMORY_FILE,
	MEMORY_HUGE,
	MEMORY_POOL, /* huge pages of the pool; these and the first one are a probe by themselves */
	MEMORY_LIMIT
};

#define TASKS_COUNT (MEMORY_POOL * PLACES_COUNT)

struct region {
	char *start;
	size_t length_bytes, mapped_bytes;
	char *mapped;
};

/* Aligned to the span of one table, so that the tables of a length are the same in every launch. */
static struct region map_region(size_t length_bytes, int flags, int file)
{
	struct region region = {
		.length_bytes = length_bytes,
		.mapped_bytes = length_bytes + VM_HUGE_2M_BYTES,
	};

	region.mapped = mmap(NULL, region.mapped_bytes, PROT_READ | PROT_WRITE,
		flags | MAP_NORESERVE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
	MUST(region.mapped != MAP_FAILED);
	region.start = (char *)vm_align_up((uint64_t)region.mapped, VM_HUGE_2M_BYTES);
	return region;
}

static void touch(const struct region *region)
{
	for (size_t i = 0; i < region->length_bytes; i += VM_PAGE_BYTES)
		((volatile char *)region->start)[i] = 1;
}

/* Parent and child together: fork copies the tables, the child's exit takes them down again. */
static int64_t cost_of(int64_t started_ns, pid_t child)
{
	struct rusage usage;
	int status = 0;

	MUST(child > 0 && wait4(child, &status, 0, &usage) == child && status == 0);
	return cost_cpu_ns() - started_ns +
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_IN_S +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_IN_US;
}

static int64_t fork_and_wait(void *context)
{
	const int64_t started_ns = cost_cpu_ns();
	const pid_t child = fork();

	(void)context;
	if (child == 0)
		_exit(0);
	return cost_of(started_ns, child);
}

static int64_t vfork_and_wait(void *context)
{
	const int64_t started_ns = cost_cpu_ns();
	/* What is measured is this very call. NOLINTNEXTLINE(*-security.insecureAPI.vfork) */
	const pid_t child = vfork();

	(void)context;
	if (child == 0)
		_exit(0);
	return cost_of(started_ns, child);
}

/* A program that is not there: the child is made, fails to execute it, and is gone. */
static int64_t spawn_nothing(void *context)
{
	static char name[] = "nothing";
	char *const arguments[] = {name, NULL};
	const int64_t started_ns = cost_cpu_ns();
	pid_t child = 0;

	(void)context;
	MUST(posix_spawn(&child, "/proc/self/nothing", NULL, NULL, arguments, environ) == ENOENT);
	return cost_cpu_ns() - started_ns;
}

static int end_at_once(void *context)
{
	(void)context;
	return 0;
}

/* Shares memory as vfork does, but the parent does not wait: it needs a stack of its own. */
static int64_t clone_and_wait(void *context)
{
	static _Alignas(16) char stack[CLONE_STACK_BYTES];
	const int64_t started_ns = cost_cpu_ns();
	const pid_t child = clone(end_at_once, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	(void)context;
	return cost_of(started_ns, child);
}

/* What fork would do if it copied: fresh memory with the same contents. */
static int64_t copy_region(void *context)
{
	const struct region *region = context;
	struct region copy = map_region(region->length_bytes, MAP_PRIVATE, -1);

	small_pages(copy.mapped, copy.mapped_bytes);
	const int64_t started_ns = cost_cpu_ns();
	memcpy(copy.start, region->start, region->length_bytes);
	const int64_t elapsed_ns = cost_cpu_ns() - started_ns;
	MUST(munmap(copy.mapped, copy.mapped_bytes) == 0);
	return elapsed_ns;
}

static void time_it(const char *quantity, const char *faults_quantity, const char *at,
	cost_body *body, unsigned batches, struct region *region)
{
	const struct cost_plan plan = {
		.name = quantity,
		.body = body,
		.context = region,
		.witness = "CPU time",
		.warm_ups = WARM_UPS,
		.batches = batches,
	};

	cost_observe(&plan, quantity, faults_quantity, at);
}

/* One fault a huge page, or the kernel had none to give and the figure would be another one's. */
static bool touch_huge(struct region *region)
{
	struct rusage before, after;

	if (madvise(region->mapped, region->mapped_bytes, MADV_HUGEPAGE) != 0)
		return false;
	MUST(getrusage(RUSAGE_SELF, &before) == 0);
	touch(region);
	MUST(getrusage(RUSAGE_SELF, &after) == 0);
	return (uint64_t)(after.ru_minflt - before.ru_minflt) ==
	       region->length_bytes / VM_HUGE_2M_BYTES;
}

/* Longer than the area, by as much as its start may be moved. */
static int file_of(size_t length_bytes)
{
	const int file = memory_file(false);

	MUST(ftruncate(file, (off_t)(length_bytes + VM_HUGE_2M_BYTES)) == 0);
	return file;
}

static const int map_flags[MEMORY_LIMIT] = {
	[MEMORY_TOUCHED] = MAP_PRIVATE,
	[MEMORY_UNTOUCHED] = MAP_PRIVATE,
	[MEMORY_SHARED] = MAP_SHARED,
	[MEMORY_FILE] = MAP_PRIVATE,
	[MEMORY_HUGE] = MAP_PRIVATE,
	[MEMORY_POOL] = MAP_PRIVATE | MAP_HUGETLB | MAP_HUGE_2MB,
};

static void run_task(enum memory memory, size_t place)
{
	const char *at = places[place].at;
	const int file = memory == MEMORY_FILE ? file_of(places[place].length_bytes) : -1;
	struct region region = map_region(places[place].length_bytes, map_flags[memory], file);

	if (memory != MEMORY_HUGE && memory != MEMORY_POOL)
		small_pages(region.mapped, region.mapped_bytes);
	switch (memory) {
	case MEMORY_TOUCHED:
		touch(&region);
		time_it("fork-touched", "fork-touched-faults", at, fork_and_wait, FORKS_OF_TOUCHED,
			&region);
		time_it("vfork", "vfork-faults", at, vfork_and_wait, FORKS, &region);
		time_it("posix-spawn", "posix-spawn-faults", at, spawn_nothing, FORKS, &region);
		time_it("clone-vm", "clone-vm-faults", at, clone_and_wait, FORKS, &region);
		time_it("copy", "copy-faults", at, copy_region, COPIES, &region);
		break;
	case MEMORY_UNTOUCHED:
		time_it("fork-untouched", "fork-untouched-faults", at, fork_and_wait, FORKS,
			&region);
		break;
	case MEMORY_SHARED:
		touch(&region);
		time_it("fork-shared", "fork-shared-faults", at, fork_and_wait, FORKS, &region);
		break;
	case MEMORY_FILE:
		memory_read(region.start, region.length_bytes);
		time_it("fork-file", "fork-file-faults", at, fork_and_wait, FORKS, &region);
		break;
	case MEMORY_HUGE:
		if (touch_huge(&region))
			time_it("fork-huge", "fork-huge-faults", at, fork_and_wait, FORKS, &region);
		break;
	case MEMORY_POOL:
		/* A page that is not there after all is a SIGBUS, and a broken trial. */
		touch(&region);
		time_it("fork-hugetlb", "fork-hugetlb-faults", at, fork_and_wait, FORKS, &region);
		break;
	case MEMORY_LIMIT:
		break;
	}
	MUST(munmap(region.mapped, region.mapped_bytes) == 0);
	if (file >= 0)
		MUST(close(file) == 0);
}

/* Places in an order of the seed's: a drift of the machine must not look like a slope. */
static void measure(const struct probe_arguments *arguments)
{
	size_t order[TASKS_COUNT];
	uint64_t state = trial_seed();

	(void)arguments;
	order_shuffle(order, TASKS_COUNT, &state);
	for (size_t i = 0; i < TASKS_COUNT; i++)
		run_task((enum memory)(order[i] / PLACES_COUNT), order[i] % PLACES_COUNT);
}

static void measure_hugetlb(const struct probe_arguments *arguments)
{
	uint64_t state = trial_seed();
	size_t order[PLACES_COUNT - SEVERAL_TABLES];

	(void)arguments;
	order_shuffle(order, PLACES_COUNT - SEVERAL_TABLES, &state);
	for (size_t i = 0; i < PLACES_COUNT - SEVERAL_TABLES; i++) {
		run_task(MEMORY_TOUCHED, order[i] + SEVERAL_TABLES);
		run_task(MEMORY_POOL, order[i] + SEVERAL_TABLES);
	}
}

static const char *const claims[] = {"cow.fork-cost", NULL};

PROBE(fork_cost) = {
	.name = "cow.fork-cost",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "What does the cost of fork follow: memory mapped, memory touched, or tables?",
	.method = "Time fork, exit of the child and wait, with 2 to 32 MiB mapped: touched, "
		  "untouched, shared, of a file, of huge pages; vfork, posix_spawn, a clone in the "
		  "same memory, and copying it, beside.",
	.threats = "A busy neighbour: CPU time, not the clock's. Drift and layout of one process: "
		   "places in "
		   "random order, medians over launches. "
		   "Huge pages where small ones are meant: MADV_NOHUGEPAGE, and one fault counted "
		   "a huge page. The first fork also write-protects: it is a warm-up.",
	.by_hand = "stress-ng --fork 1 --vm 1 --vm-bytes 64m --vm-keep -t 5 --metrics",
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES},
	.deadline_s = 20,
	.predict = PREDICTS(predict),
	.measure = MEASURES_TIMED(measure),
};

PROBE(fork_cost_hugetlb) = {
	.name = "cow.fork-cost-hugetlb",
	.kind = PROBE_TIMED,
	.claims = claims,
	.question = "Does fork cost less over pages of the huge-page pool?",
	.method = "Time fork, exit of the child and wait, with 6 and 32 MiB touched, in pages of 4 "
		  "KiB and in pages of 2 MiB from the pool.",
	.threats = "A busy neighbour: CPU time, not the clock's. Another size of page: the mapping "
		   "is refused where the pool has none.",
	.by_hand = "stress-ng --fork 1 --vm 1 --vm-bytes 64m --vm-keep -t 5 --metrics",
	/* The longest region, and the page by which its start may be moved. */
	.needs = {.memory_bytes = 128 * VM_MIB_BYTES, .huge_2m_pages = 17},
	.deadline_s = 20,
	.predict = PREDICTS(predict_hugetlb),
	.measure = MEASURES_TIMED(measure_hugetlb),
};
