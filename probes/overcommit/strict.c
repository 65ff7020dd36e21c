/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mode 2 refuses what would take the commitment to CommitLimit less two reserves, to the page.
 *
 * What is left to others while this looks for the boundary is the reserve of the user, which a
 * process with much mapped does not get: so it has much mapped, and the reserve is set high.
 */
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/requests.h"
#include "trial/files.h"
#include "trial/privilege.h"
#include "trial/quiet.h"
#include "trial/requests.h"
#include "trial/trial.h"
#include "vm/commit.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define PASSES	      2
#define DESCENT_PAGES 16 /* by so much others may have moved the boundary meanwhile */

/* A reserve, and so much mapped that a 32nd of it is more than the reserve, or less. */
#define RESERVE_LARGE 400003
#define RESERVE_SMALL 60013
#define MAPPED_MUCH   (1 << 23)
#define MAPPED_LESS   2500000
#define MAPPED_LEAST  400000

/* At start the kernel reserves a 32nd of what is free, up to 128 MiB: below that, there is little.
 */
#define RESERVE_OF_3_GIB 98304

static const char *const kind_labels[] = {REQUEST_KINDS(REQUEST_LABEL)};

static const struct probe_parameter parameters[] = {
	{
		.name = "mode",
		.unit = VM_UNIT_COUNT,
		.choices_count = 1,
		.choices = {VM_COMMIT_NEVER_MORE},
		.knob = "vm.overcommit_memory",
	},
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = REQUEST_KIND_LIMIT,
		.choices = {REQUEST_KINDS(REQUEST_CHOICE)},
		.labels = kind_labels,
	},
	{
		.name = "admin",
		.unit = VM_UNIT_BOOL,
		.choices_count = 2,
		.choices = {1, 0},
	},
	{
		.name = "mapped",
		.unit = VM_UNIT_PAGES,
		.choices_count = 3,
		.choices = {MAPPED_MUCH, MAPPED_LESS, MAPPED_LEAST},
	},
	{
		.name = "user-reserve",
		.unit = VM_UNIT_KIB,
		.choices_count = 2,
		.choices = {RESERVE_LARGE, RESERVE_SMALL},
		.knob = "vm.user_reserve_kbytes",
	},
	{
		.name = "admin-reserve",
		.unit = VM_UNIT_KIB,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 20011},
		.knob = "vm.admin_reserve_kbytes",
	},
	{
		.name = "ratio",
		.unit = VM_UNIT_COUNT,
		.choices_count = 2,
		.choices = {PROBE_AS_IS, 43},
		.knob = "vm.overcommit_ratio",
	},
};

/* One thing at a time is varied, and the admin reserve with the capability. */
static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	const bool dropped = probe_argument(arguments, "admin") == 0;
	const bool own_reserve = probe_argument(arguments, "admin-reserve") != PROBE_AS_IS;
	const bool large = vm_host_knob(host, VM_KNOB_USER_RESERVE_KBYTES, 0) >= RESERVE_OF_3_GIB;
	const int64_t mapped = probe_argument(arguments, "mapped");
	const int varied = (probe_argument(arguments, "kind") != REQUEST_PRIVATE_WRITABLE) +
			   (mapped != MAPPED_MUCH) +
			   (probe_argument(arguments, "ratio") != PROBE_AS_IS) +
			   (dropped || own_reserve);

	if (probe_argument(arguments, "user-reserve") != (large ? RESERVE_LARGE : RESERVE_SMALL) ||
		mapped == (large ? MAPPED_LEAST : MAPPED_LESS))
		return false;
	return varied <= 1;
}

static const char *const inputs[] = {"ram", "swap", "huge", "mapped-pages", "user-reserve",
	"admin-reserve", "ratio", "kbytes", "used", "committed"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static void explain(const struct vm_model *model, bool charged, struct vm_prediction *prediction)
{
	if (!charged) {
		prediction->because = "such a mapping promises nothing: only the address space "
				      "ends it, beyond all RAM and swap";
		prediction->cite = "linux:6.12:mm/mmap.c:accountable_mapping";
		return;
	}
	prediction->cite = "linux:6.12:mm/util.c:__vm_enough_memory";
	switch (model->behaviours.commit_limit) {
	case VM_COMMIT_LIMIT_RAM_SHARE:
		prediction->because =
			"memory in use and the request must fit into swap and the ratio of RAM";
		prediction->cite = "wut";
		return;
	case VM_COMMIT_LIMIT_LESS_HUGE_PAGES:
		break;
	}
	prediction->because = "what is committed must stay below CommitLimit, less the reserve for "
			      "administrators unless CAP_SYS_ADMIN is held, less 1/32 of what the "
			      "process has mapped or the reserve for users, whichever is smaller";
}

struct readings_taken {
	struct moving ram, swap, huge, mapped, user, admin, ratio, kbytes, used, committed;
};

static bool take(const struct probe_readings *readings, struct readings_taken *taken)
{
	return moving_of(readings, "ram", "", &taken->ram) &&
	       moving_of(readings, "swap", "", &taken->swap) &&
	       moving_of(readings, "huge", "", &taken->huge) &&
	       moving_of(readings, "mapped-pages", "", &taken->mapped) &&
	       moving_of(readings, "user-reserve", "", &taken->user) &&
	       moving_of(readings, "admin-reserve", "", &taken->admin) &&
	       moving_of(readings, "ratio", "", &taken->ratio) &&
	       moving_of(readings, "kbytes", "", &taken->kbytes) &&
	       moving_of(readings, "used", "", &taken->used) &&
	       moving_of(readings, "committed", "", &taken->committed);
}

/* The boundary and what is committed before it, together: that sum does not move with others. */
static int64_t allowed_of(
	const struct vm_model *model, const struct readings_taken *taken, bool admin, bool most)
{
	const struct vm_commit_state state = {
		.mode = VM_COMMIT_NEVER_MORE,
		.ram_pages = vm_kib_to_pages_floor(
			(uint64_t)(most ? taken->ram.highest : taken->ram.lowest)),
		.swap_pages = vm_kib_to_pages_floor(
			(uint64_t)(most ? taken->swap.highest : taken->swap.lowest)),
		.huge_pages = vm_kib_to_pages_floor(
			(uint64_t)(most ? taken->huge.lowest : taken->huge.highest)),
		.ratio_percent = (uint64_t)taken->ratio.lowest,
		.limit_kib = (uint64_t)taken->kbytes.lowest,
		.admin_reserve_kib = (uint64_t)taken->admin.lowest,
		.user_reserve_kib = (uint64_t)taken->user.lowest,
		.admin = admin,
		.process_pages = (uint64_t)(most ? taken->mapped.lowest : taken->mapped.highest),
	};

	return (int64_t)vm_commit_largest_pages(&model->behaviours, &state);
}

/* Where nothing is promised, only the end of the address space stops a request. */
static struct moving unlimited(const struct readings_taken *taken)
{
	const uint64_t whole_kib = (uint64_t)(taken->ram.highest + taken->swap.highest);
	const uint64_t committed_kib = (uint64_t)taken->committed.highest;

	return (struct moving){
		(int64_t)vm_kib_to_pages_floor(whole_kib) + 1,
		(int64_t)(vm_bytes_to_pages_floor(REQUEST_HIGHEST_BYTES) +
			  vm_kib_to_pages_floor(committed_kib)),
	};
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct request_kind_info *kind = &request_kinds[probe_argument(arguments, "kind")];
	const bool admin = probe_argument(arguments, "admin") != 0;
	const bool sums_use = model->behaviours.commit_limit == VM_COMMIT_LIMIT_RAM_SHARE;
	const bool charged = request_is_charged(model, VM_COMMIT_NEVER_MORE, kind);
	struct readings_taken taken;
	struct vm_prediction prediction = {
		.claim = "overcommit.mode2",
		.quantity = "allowed",
		.at = "",
		.unit = VM_UNIT_PAGES,
	};

	(void)host;
	explain(model, charged, &prediction);
	if (sums_use && charged)
		/* It counts what is in use, so the sum that it keeps constant is another one. */
		prediction.quantity = "allowed-with-use";
	if (!take(readings, &taken)) {
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		return;
	}
	struct moving allowed = unlimited(&taken);
	if (charged)
		allowed = (struct moving){allowed_of(model, &taken, admin, false),
			allowed_of(model, &taken, admin, true)};
	/* It asks for each page twice, so that one may be left. */
	if (charged && kind->way == REQUEST_FORK)
		allowed.lowest--;
	predict_moving(predictions, &prediction, allowed, sums_use && charged ? 1 : QUIET_WANTED);
}

struct pass {
	int64_t ram, swap, huge, mapped, used, committed;
};

static struct pass pass_of(const struct kernel_file *meminfo, const struct kernel_file *status)
{
	const struct kernel_text text = kernel_file_read(meminfo);
	const uint64_t size_kib =
		(uint64_t)kernel_meminfo_value(kernel_file_read(status), "VmSize");

	return (struct pass){
		.ram = kernel_meminfo_value(text, "MemTotal"),
		.swap = kernel_meminfo_value(text, "SwapTotal"),
		.huge = kernel_meminfo_value(text, "Hugetlb"),
		.used = kernel_meminfo_value(text, "MemTotal") -
			kernel_meminfo_value(text, "MemFree"),
		.committed = kernel_meminfo_value(text, "Committed_AS"),
		.mapped = (int64_t)vm_kib_to_pages_floor(size_kib),
	};
}

/*
 * Mode 2 looks at a sum from which each CPU holds a part back, as long as that is smaller than a
 * batch: no more than a 256th of RAM, or twice the number of CPUs, or 32 pages
 * (linux:6.12:mm/mm_init.c:mm_compute_batch). A request larger than that takes the part along.
 */
static uint64_t more_than_held_back_pages(const struct kernel_file *meminfo, unsigned cpus_count)
{
	const int64_t ram_kib = kernel_meminfo_value(kernel_file_read(meminfo), "MemTotal");

	return vm_kib_to_pages_floor((uint64_t)ram_kib) / 256 + 2 * (uint64_t)cpus_count + 32;
}

/* The least that a batch can be. The CPUs that could be there are at least those that are. */
static uint64_t surely_held_back_pages(const struct kernel_file *meminfo)
{
	const int64_t ram_kib = kernel_meminfo_value(kernel_file_read(meminfo), "MemTotal");
	const uint64_t cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	const uint64_t of_ram = vm_kib_to_pages_floor((uint64_t)ram_kib) / cpus / 256;

	return of_ram > 32 ? of_ram : 32;
}

/* A fork asks for the areas above the mapping after it: they have to stay in the part held back. */
static void keep_above_small(const struct kernel_file *meminfo, const struct kernel_file *smaps)
{
	if (requests_keep_from_children(smaps) >= surely_held_back_pages(meminfo))
		unmet("the part of the commitment that a CPU holds back is less than a stack",
			"a machine with more memory for each CPU");
}

static void give_up_part(void *context)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(*(const uint64_t *)context);
	void *memory = mmap(
		NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		(void)munmap(memory, length_bytes);
}

static int64_t committed_pages(const struct kernel_file *meminfo)
{
	return (int64_t)vm_kib_to_pages_floor(
		(uint64_t)kernel_meminfo_value(kernel_file_read(meminfo), "Committed_AS"));
}

static void leave_room_to_others(const struct kernel_file *meminfo)
{
	const struct kernel_text text = kernel_file_read(meminfo);
	const int64_t room_kib = kernel_meminfo_value(text, "CommitLimit") -
				 kernel_meminfo_value(text, "Committed_AS");

	if (room_kib < 2 * kernel_number_at("/proc/sys/vm/user_reserve_kbytes"))
		unmet("too little may still be committed to look for the boundary without "
		      "starving others",
			"a machine or guest with more memory, or swap");
}

static void observe_passes(const struct pass *passes)
{
	const struct {
		const char *quantity;
		int64_t values[PASSES];
		enum vm_unit unit;
	} rows[] = {
		{"ram", {passes[0].ram, passes[1].ram}, VM_UNIT_KIB},
		{"swap", {passes[0].swap, passes[1].swap}, VM_UNIT_KIB},
		{"huge", {passes[0].huge, passes[1].huge}, VM_UNIT_KIB},
		{"used", {passes[0].used, passes[1].used}, VM_UNIT_KIB},
		{"committed", {passes[0].committed, passes[1].committed}, VM_UNIT_KIB},
		{"mapped-pages", {passes[0].mapped, passes[1].mapped}, VM_UNIT_PAGES},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		observe_values(rows[i].quantity, "", rows[i].values, PASSES, rows[i].unit,
			"/proc/meminfo and status");
}

static void observe_settings(void)
{
	observe("user-reserve", kernel_number_at("/proc/sys/vm/user_reserve_kbytes"), VM_UNIT_KIB,
		"vm.user_reserve_kbytes");
	observe("admin-reserve", kernel_number_at("/proc/sys/vm/admin_reserve_kbytes"), VM_UNIT_KIB,
		"vm.admin_reserve_kbytes");
	observe("ratio", kernel_number_at("/proc/sys/vm/overcommit_ratio"), VM_UNIT_COUNT,
		"vm.overcommit_ratio");
	observe("kbytes", kernel_number_at("/proc/sys/vm/overcommit_kbytes"), VM_UNIT_KIB,
		"vm.overcommit_kbytes");
}

struct search {
	struct quiet *quiet;
	enum request_kind kind;
	const struct kernel_file *meminfo, *smaps;
	uint64_t part_pages;
	int64_t committed; /* pages, when the stretch began */
};

/* A stretch in which the committed sum is exact; whether there is: begun either way. */
static bool begin_exact(struct search *search)
{
	if (!quiet_begin_seated(search->quiet))
		return false;
	quiet_on_others(search->quiet, give_up_part, &search->part_pages);
	give_up_part(&search->part_pages);
	search->committed = committed_pages(search->meminfo);
	return true;
}

/*
 * A child that ran would be somebody else: one fork is granted, the last, after those refused.
 * Where to begin was found before, beside the others, whose commitment has moved since.
 */
static bool find_forked(struct search *search, uint64_t *largest_pages, uint64_t *below_pages)
{
	const int64_t about_pages = (int64_t)request_find_boundary(search->kind).largest_pages;
	const int64_t before = committed_pages(search->meminfo);
	struct request request;
	bool is_held = false;

	if (begin_exact(search)) {
		const int64_t from = about_pages - (search->committed - before) / 2 + DESCENT_PAGES;
		is_held = from > 0 && request_descend(&request, search->kind, (uint64_t)from,
					      2 * DESCENT_PAGES);
	}
	const bool is_quiet = quiet_end(search->quiet);

	if (!is_held)
		return false;
	*largest_pages = vm_bytes_to_pages_floor(request.length_bytes);
	*below_pages = request_below_pages(&request, search->smaps);
	request_give_back(&request);
	return is_quiet;
}

/* The boundary and what was committed before it; false where somebody else ran. */
static bool find_allowed(struct search *search, int64_t *allowed)
{
	uint64_t largest_pages = 0, below_pages = 0;
	bool is_quiet;

	if (request_kinds[search->kind].way == REQUEST_FORK) {
		is_quiet = find_forked(search, &largest_pages, &below_pages);
	} else {
		if (begin_exact(search))
			largest_pages = request_find_boundary(search->kind).largest_pages;
		is_quiet = quiet_end(search->quiet);
	}
	if (is_quiet)
		*allowed = search->committed + (int64_t)request_promised_pages(
						       search->kind, largest_pages, below_pages);
	return is_quiet;
}

static void measure(const struct probe_arguments *arguments)
{
	const enum request_kind kind = (enum request_kind)probe_argument(arguments, "kind");
	const size_t mapped_bytes =
		(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "mapped"));
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file status =
		kernel_file_open("/proc/self/status", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	int64_t allowed[QUIET_WANTED], with_use = 0;
	struct pass passes[PASSES];
	struct quiet quiet;
	size_t count = 0;

	requests_lift_limits();
	quiet_open(&quiet);
	MUST(mmap(NULL, mapped_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	leave_room_to_others(&meminfo);
	observe_settings();
	if (request_kinds[kind].way == REQUEST_FORK)
		keep_above_small(&meminfo, &smaps);
	if (probe_argument(arguments, "admin") == 0)
		privilege_drop(PRIVILEGE_SYS_ADMIN);
	passes[0] = pass_of(&meminfo, &status);
	struct search search = {
		.quiet = &quiet,
		.kind = kind,
		.meminfo = &meminfo,
		.smaps = &smaps,
		.part_pages = more_than_held_back_pages(&meminfo, quiet.others_count + 1),
	};
	while (count < QUIET_WANTED) {
		quiet_try(&quiet, "Committed_AS");
		if (!find_allowed(&search, &allowed[count]))
			continue;
		with_use = allowed[count] - search.committed +
			   (int64_t)vm_kib_to_pages_floor((uint64_t)passes[0].used);
		count++;
	}
	passes[1] = pass_of(&meminfo, &status);
	observe_passes(passes);
	observe_values(
		"allowed", "", allowed, QUIET_WANTED, VM_UNIT_PAGES, "the call and Committed_AS");
	observe("allowed-with-use", with_use, VM_UNIT_PAGES, "the call and MemFree");
}

static const char *const claims[] = {"overcommit.mode2", NULL};

PROBE(mode2) = {
	.name = "overcommit.mode2",
	.claims = claims,
	.question = "Up to which page may memory be committed in mode 2?",
	.method = "Map much without rights; make every CPU give up the part of the commitment that "
		  "it holds back, by a request larger than that; read the sum, and find by halving "
		  "the largest request that is granted (of forks, the first granted of "
		  "ever smaller ones): until "
		  "nobody else has run on any CPU during five such searches.",
	.threats = "Others commit and give back at the same time: only searches count in which "
		   "no other task ran, by the number of context switches; without them there is "
		   "no observation. While it looks, the reserve for users stays free for the "
		   "others.",
	.by_hand =
		"sysctl vm.overcommit_memory=2; grep -E 'CommitLimit|Committed_AS' /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true, .capabilities = VM_CAPABILITY_SYS_ADMIN},
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
