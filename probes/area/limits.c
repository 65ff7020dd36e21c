/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the limits of a process let it go, to the page, by every way that its address space grows
 * in; and that a request which was refused leaves nothing behind.
 *
 * It would miss a kernel that forgets a limit over fork or exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/process.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/privilege.h"
#include "trial/requests.h"
#include "trial/trial.h"
#include "vm/limit.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* Beyond what the limit leaves, the search goes on for so long. */
#define BEYOND_PAGES 64
/* stack_guard_gap, where the kernel's command line says nothing else. */
#define GAP_PAGES      256
#define REPLACED_PAGES 40
/* linux:6.12:mm/mmap.c:ignore_rlimit_data */
#define IGNORES_DATA_LIMIT "/sys/module/kernel/parameters/ignore_rlimit_data"

/* name, label, the way of the model, the errno of a refusal */
#define GROWTHS(X)                                               \
	X(PRIVATE_WRITABLE, "private-writable", DATA, ENOMEM)    \
	X(PRIVATE_READ_ONLY, "private-read-only", OTHER, ENOMEM) \
	X(SHARED_WRITABLE, "shared-writable", OTHER, ENOMEM)     \
	X(REPLACED, "replaced", DATA, ENOMEM)                    \
	X(MADE_WRITABLE, "made-writable", DATA, ENOMEM)          \
	X(GROWN, "grown", DATA, ENOMEM)                          \
	X(HEAP, "heap", HEAP, ENOMEM)                            \
	X(STACK, "stack", STACK, EFAULT)                         \
	X(MAPPED_LOCKED, "mapped-locked", LOCK, EAGAIN)          \
	X(LOCKED, "locked", LOCK, ENOMEM)                        \
	X(ALL_LOCKED, "all-locked", LOCK_ALL, ENOMEM)

enum growth {
#define GROWTH_ENUMERATOR(name, ...) name,
	GROWTHS(GROWTH_ENUMERATOR)
#undef GROWTH_ENUMERATOR
		GROWTH_LIMIT,
};

#define GROWTH_CHOICE(name, ...)       name,
#define GROWTH_LABEL(name, label, ...) label,
static const char *const growth_labels[] = {GROWTHS(GROWTH_LABEL)};

static const struct {
	enum vm_limit_way way;
	int refusal;
} growths[] = {
#define GROWTH_ROW(name, label, way, refusal) [name] = {VM_LIMIT_WAY_##way, refusal},
	GROWTHS(GROWTH_ROW)
#undef GROWTH_ROW
};

static const char *const limit_labels[] = {"address-space", "data", "stack", "locked"};

static const struct probe_parameter parameters[] = {
	{
		.name = "limit",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {VM_LIMIT_ADDRESS_SPACE, VM_LIMIT_DATA, VM_LIMIT_STACK, VM_LIMIT_LOCKED},
		.labels = limit_labels,
	},
	{
		.name = "growth",
		.unit = VM_UNIT_COUNT,
		.choices_count = GROWTH_LIMIT,
		.choices = {GROWTHS(GROWTH_CHOICE)},
		.labels = growth_labels,
	},
	{
		.name = "room",
		.unit = VM_UNIT_PAGES,
		.choices_count = 1,
		.choices = {1},
		.lowest = 2,
		.highest = 500,
		.step = 1,
		.drawn = 1,
	},
	/* Limits are bytes, and what they are held against is pages. */
	{
		.name = "odd",
		.unit = VM_UNIT_BYTES,
		.lowest = 0,
		.highest = 4095,
		.step = 1,
		.drawn = 1,
	},
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const enum growth growth = (enum growth)probe_argument(arguments, "growth");
	const enum vm_limit_way way = growths[growth].way;

	(void)host;
	switch ((enum vm_limit)probe_argument(arguments, "limit")) {
	case VM_LIMIT_ADDRESS_SPACE:
	case VM_LIMIT_DATA:
		return way != VM_LIMIT_WAY_LOCK && way != VM_LIMIT_WAY_LOCK_ALL;
	case VM_LIMIT_STACK:
		return growth == STACK || growth == PRIVATE_WRITABLE;
	case VM_LIMIT_LOCKED:
		return way == VM_LIMIT_WAY_LOCK || way == VM_LIMIT_WAY_LOCK_ALL ||
		       growth == PRIVATE_WRITABLE;
	}
	return false;
}

static const char *const inputs[] = {
	"limit", "total", "data", "locked", "heap", "program-data", "data-ignored", "asked-most"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static bool read_inputs(const struct probe_readings *readings, uint64_t values[INPUTS_COUNT])
{
	for (size_t i = 0; i < INPUTS_COUNT; i++) {
		const struct probe_reading *reading = probe_reading_of(readings, inputs[i], "");
		if (reading == NULL)
			return false;
		values[i] = (uint64_t)reading->values[0];
	}
	return true;
}

static const char *const because_of[] = {
	[VM_LIMIT_ADDRESS_SPACE] = "all that is mapped and what is asked for may not be more than "
				   "the limit's whole pages",
	[VM_LIMIT_DATA] = "only what is private and writable, and no stack, counts against the "
			  "limit of data; the heap also with the program's data",
	[VM_LIMIT_STACK] = "a stack ends at the whole pages of its limit",
	[VM_LIMIT_LOCKED] = "without CAP_IPC_LOCK no more than the limit's whole pages is locked; "
			    "what is locked already counts",
};

static const char *const cites[] = {
	[VM_LIMIT_ADDRESS_SPACE] = "linux:6.12:mm/mmap.c:may_expand_vm",
	[VM_LIMIT_DATA] = "linux:6.12:mm/mmap.c:may_expand_vm",
	[VM_LIMIT_STACK] = "linux:6.12:mm/mmap.c:acct_stack_growth",
	[VM_LIMIT_LOCKED] = "linux:6.12:mm/mlock.c:do_mlock",
};

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const enum vm_limit limit = (enum vm_limit)probe_argument(arguments, "limit");
	const enum growth growth = (enum growth)probe_argument(arguments, "growth");
	static const int64_t nothing[] = {0, 0};
	struct vm_prediction prediction = {
		.claim = "area.limits",
		.quantity = "granted",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = because_of[limit],
		.cite = cites[limit],
	};
	uint64_t in[INPUTS_COUNT];

	(void)host;
	if (model->behaviours.process_limits == VM_PROCESS_LIMITS_NOT_TOLD) {
		prediction.form = VM_FORM_SILENT;
		prediction.because = "the teaching does not speak of a process's limits";
		vm_predict(predictions, &prediction);
		return;
	}
	if (!read_inputs(readings, in)) {
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		prediction.quantity = "refusal";
		prediction.unit = VM_UNIT_ERRNO;
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
	} else {
		const uint64_t room_pages = vm_limit_room_pages(limit, growths[growth].way,
			&(struct vm_limit_state){
				in[0], in[1], in[2], in[3], in[4], in[5], in[6] != 0});
		const bool is_refused = room_pages < in[7];
		const int64_t granted = (int64_t)(is_refused ? room_pages : in[7]);
		const int64_t refusal = is_refused ? growths[growth].refusal : 0;
		predict_moving(predictions, &prediction, (struct moving){granted, granted}, 1);
		prediction.quantity = "refusal";
		prediction.unit = VM_UNIT_ERRNO;
		predict_moving(predictions, &prediction, (struct moving){refusal, refusal}, 1);
	}
	prediction.quantity = "left-behind";
	prediction.unit = VM_UNIT_PAGES;
	prediction.because = "what is refused, or given back, is counted no more";
	prediction.cite = "linux:6.12:mm/mmap.c:vm_stat_account";
	prediction.form = VM_FORM_EXACT;
	prediction.values = nothing;
	prediction.values_count = 2;
	vm_predict(predictions, &prediction);
}

/* --- measuring ------------------------------------------------------------------------------- */

/* Free addresses, and what the growth starts from: mapped before anything is read. */
struct ground {
	enum growth growth;
	char *room; /* pages are asked for from here on; of a stack, down from here */
	int zeros;  /* for the kernel to put a byte where a stack has to grow to */
};

static size_t bytes_of(uint64_t pages)
{
	return (size_t)vm_pages_to_bytes(pages);
}

static int map_pages(char *address, uint64_t pages, int protection, int flags)
{
	const int placed = (flags & MAP_FIXED) != 0 ? 0 : MAP_FIXED_NOREPLACE;

	return mmap(address, bytes_of(pages), protection, MAP_ANONYMOUS | placed | flags, -1, 0) ==
			       address
		       ? 0
		       : errno;
}

static struct ground prepare(enum growth growth, uint64_t most_pages)
{
	static const int writable = PROT_READ | PROT_WRITE;
	struct ground ground = {.growth = growth, .zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC)};
	const uint64_t whole_pages = GAP_PAGES + REPLACED_PAGES + most_pages + GAP_PAGES;
	char *const free = mmap(NULL, bytes_of(whole_pages), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	MUST(ground.zeros >= 0);
	MUST(free != MAP_FAILED && munmap(free, bytes_of(whole_pages)) == 0);
	ground.room = free + bytes_of(growth == STACK ? GAP_PAGES + most_pages : GAP_PAGES);
	if (growth == REPLACED)
		MUST(map_pages(ground.room, REPLACED_PAGES, writable, MAP_PRIVATE) == 0);
	if (growth == GROWN)
		MUST(map_pages(ground.room, 1, writable, MAP_PRIVATE) == 0);
	if (growth == STACK)
		MUST(map_pages(ground.room, 1, writable, MAP_PRIVATE | MAP_GROWSDOWN) == 0);
	if (growth == LOCKED)
		MUST(map_pages(ground.room, most_pages, writable, MAP_PRIVATE) == 0);
	return ground;
}

/* What is mapped first and then asked for once more; it goes if that is refused. */
static int map_and(const struct ground *ground, uint64_t pages)
{
	const bool locks = ground->growth == ALL_LOCKED;
	const size_t length_bytes = bytes_of(pages);
	int why = map_pages(ground->room, pages, locks ? PROT_READ : PROT_NONE, MAP_PRIVATE);

	if (why != 0)
		return why;
	if ((locks ? mlockall(MCL_CURRENT | MCL_ONFAULT)
		   : mprotect(ground->room, length_bytes, PROT_READ | PROT_WRITE)) == 0)
		return 0;
	why = errno;
	MUST(munmap(ground->room, length_bytes) == 0);
	return why;
}

/* 0, or the errno of the refusal. */
static int ask(const struct ground *ground, uint64_t pages)
{
	static const int writable = PROT_READ | PROT_WRITE;
	const size_t length_bytes = bytes_of(pages), page_bytes = bytes_of(1);
	char *const room = ground->room;

	switch (ground->growth) {
	case PRIVATE_WRITABLE:
		return map_pages(room, pages, writable, MAP_PRIVATE);
	case PRIVATE_READ_ONLY:
		return map_pages(room, pages, PROT_READ, MAP_PRIVATE);
	case SHARED_WRITABLE:
		return map_pages(room, pages, writable, MAP_SHARED);
	case REPLACED:
		return map_pages(room, REPLACED_PAGES + pages, writable, MAP_PRIVATE | MAP_FIXED);
	case MADE_WRITABLE:
	case ALL_LOCKED:
		return map_and(ground, pages);
	case GROWN:
		return mremap(room, page_bytes, page_bytes + length_bytes, 0) == room ? 0 : errno;
	case HEAP:
		return sbrk((intptr_t)length_bytes) == (void *)-1 ? errno : 0;
	case STACK:
		return read(ground->zeros, room - length_bytes, 1) == 1 ? 0 : errno;
	case MAPPED_LOCKED:
		return map_pages(room, pages, writable, MAP_PRIVATE | MAP_LOCKED);
	case LOCKED:
		return mlock2(room, length_bytes, MLOCK_ONFAULT) == 0 ? 0 : errno;
	case GROWTH_LIMIT:
		break;
	}
	broken("no such growth");
}

static void give_back(const struct ground *ground, uint64_t pages)
{
	const size_t length_bytes = bytes_of(pages);
	char *from = ground->room;

	switch (ground->growth) {
	case HEAP:
		MUST(sbrk(-(intptr_t)length_bytes) != (void *)-1);
		return;
	case LOCKED:
		MUST(munlock(ground->room, length_bytes) == 0);
		return;
	case ALL_LOCKED:
		MUST(munlockall() == 0);
		break;
	case REPLACED:
		from += bytes_of(REPLACED_PAGES);
		break;
	case GROWN:
		from += bytes_of(1);
		break;
	case STACK:
		from -= length_bytes;
		break;
	case PRIVATE_WRITABLE:
	case PRIVATE_READ_ONLY:
	case SHARED_WRITABLE:
	case MADE_WRITABLE:
	case MAPPED_LOCKED:
	case GROWTH_LIMIT:
		break;
	}
	MUST(munmap(from, length_bytes) == 0);
}

/* To the page, by halving; with the errno of the last refusal. */
static uint64_t find_granted(const struct ground *ground, uint64_t most_pages, int *refusal)
{
	uint64_t granted_pages = 0, refused_pages = most_pages + 1;

	*refusal = 0;
	while (refused_pages - granted_pages > 1) {
		/* All of it first: a limit that does not bind refuses nothing. */
		const uint64_t pages =
			*refusal == 0 && granted_pages == 0
				? most_pages
				: granted_pages + (refused_pages - granted_pages) / 2;
		const int why = ask(ground, pages);
		if (why == 0) {
			give_back(ground, pages);
			granted_pages = pages;
		} else {
			*refusal = why;
			refused_pages = pages;
		}
	}
	return granted_pages;
}

struct figures {
	int64_t total_pages, data_pages, locked_pages, heap_bytes, program_data_bytes;
};

static struct figures figures_of(
	const struct kernel_file *status_file, const struct kernel_file *stat_file)
{
	struct kernel_status status;
	struct kernel_stat stat;
	struct kernel_error error;
	const char *const heap_end = sbrk(0);

	MUST(kernel_status_parse(kernel_file_read(status_file), &status, &error) == 0);
	MUST(kernel_stat_parse(kernel_file_read(stat_file), &stat, &error) == 0);
	return (struct figures){
		.total_pages =
			(int64_t)vm_kib_to_pages_floor(status.value_kib[KERNEL_STATUS_VM_SIZE]),
		.data_pages =
			(int64_t)vm_kib_to_pages_floor(status.value_kib[KERNEL_STATUS_VM_DATA]),
		.locked_pages =
			(int64_t)vm_kib_to_pages_floor(status.value_kib[KERNEL_STATUS_VM_LCK]),
		.heap_bytes = (int64_t)((uintptr_t)heap_end - stat.heap_start),
		.program_data_bytes = (int64_t)(stat.data_end - stat.data_start),
	};
}

/* What counts against the limit already. */
static int64_t counted_pages(enum vm_limit limit, enum growth growth, const struct figures *figures)
{
	switch (limit) {
	case VM_LIMIT_ADDRESS_SPACE:
		return figures->total_pages;
	case VM_LIMIT_DATA:
		return figures->data_pages;
	case VM_LIMIT_STACK:
		return 1;
	case VM_LIMIT_LOCKED:
		return growth == ALL_LOCKED ? figures->total_pages : figures->locked_pages;
	}
	broken("no such limit");
}

/* The soft limit; where the hard one is lower, the case cannot be had. */
static struct rlimit limited_to(__rlimit_resource_t resource, int64_t limit_bytes)
{
	struct rlimit before, now;

	MUST(getrlimit(resource, &before) == 0);
	now = (struct rlimit){(rlim_t)limit_bytes, before.rlim_max};
	if (now.rlim_cur > now.rlim_max)
		unmet("the hard limit is below what the case sets", "ulimit -H, as root");
	MUST(setrlimit(resource, &now) == 0);
	return before;
}

/* "Y" where the kernel's command line or somebody since has said so. */
static bool data_limit_is_ignored(void)
{
	char text[8] = "";
	const int file = open(IGNORES_DATA_LIMIT, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return false;
	MUST(read(file, text, sizeof(text) - 1) > 0 && close(file) == 0);
	return text[0] == 'Y';
}

static void measure(const struct probe_arguments *arguments)
{
	static const __rlimit_resource_t resources[] = {
		[VM_LIMIT_ADDRESS_SPACE] = RLIMIT_AS,
		[VM_LIMIT_DATA] = RLIMIT_DATA,
		[VM_LIMIT_STACK] = RLIMIT_STACK,
		[VM_LIMIT_LOCKED] = RLIMIT_MEMLOCK,
	};
	const enum vm_limit limit = (enum vm_limit)probe_argument(arguments, "limit");
	const enum growth growth = (enum growth)probe_argument(arguments, "growth");
	const int64_t room_pages = probe_argument(arguments, "room");
	const uint64_t most_pages = (uint64_t)room_pages + BEYOND_PAGES;
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file stat =
		kernel_file_open("/proc/self/stat", KERNEL_FILE_USUAL_BYTES);
	const bool data_ignored = data_limit_is_ignored();
	int refusal;

	requests_lift_limits();
	if (limit == VM_LIMIT_LOCKED)
		privilege_drop(PRIVILEGE_IPC_LOCK);
	const struct ground ground = prepare(growth, most_pages);
	const struct figures before = figures_of(&status, &stat);
	const int64_t limit_bytes =
		(int64_t)vm_pages_to_bytes(
			(uint64_t)(counted_pages(limit, growth, &before) + room_pages)) +
		probe_argument(arguments, "odd");
	const struct rlimit lifted = limited_to(resources[limit], limit_bytes);
	const uint64_t granted_pages = find_granted(&ground, most_pages, &refusal);
	const struct figures after = figures_of(&status, &stat);
	MUST(setrlimit(resources[limit], &lifted) == 0);
	const int64_t left_behind[] = {
		after.total_pages - before.total_pages, after.data_pages - before.data_pages};

	observe("limit", limit_bytes, VM_UNIT_BYTES, "setrlimit");
	observe("total", before.total_pages, VM_UNIT_PAGES, "VmSize");
	observe("data", before.data_pages, VM_UNIT_PAGES, "VmData");
	observe("locked", before.locked_pages, VM_UNIT_PAGES, "VmLck");
	observe("heap", before.heap_bytes, VM_UNIT_BYTES, "/proc/self/stat");
	observe("program-data", before.program_data_bytes, VM_UNIT_BYTES, "/proc/self/stat");
	observe("data-ignored", data_ignored, VM_UNIT_COUNT, IGNORES_DATA_LIMIT);
	observe("asked-most", (int64_t)most_pages, VM_UNIT_PAGES, "the trial");
	observe("granted", (int64_t)granted_pages, VM_UNIT_PAGES, "the call");
	observe("refusal", refusal, VM_UNIT_ERRNO, "the call");
	observe_values("left-behind", "", left_behind, 2, VM_UNIT_PAGES, "VmSize VmData");
}

static const char *const claims[] = {"area.limits", NULL};

PROBE(limits) = {
	.name = "area.limits",
	.claims = claims,
	.question = "How many pages more does a limit of the process let it have?",
	.method = "Set the soft limit so far above what counts already; find by halving, to the "
		  "page, how much more is granted in this way. Without CAP_IPC_LOCK where locked "
		  "memory is limited.",
	.threats = "What the trial itself needs in between would count: everything is mapped, and "
		   "read, before. The first process of all that meets its limit of data is told "
		   "of in the kernel's log.",
	.by_hand = "ulimit -v $((16 << 10)); grep VmSize /proc/self/status; python3 -c "
		   "'import mmap; mmap.mmap(-1, 1 << 24)'",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 10,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
