/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page walk, bit by bit, in a guest: the model walks the guest's physical memory from CR3,
 * QEMU's own MMU translates the same address, and the kernel reports the frame. What the leaf
 * should be says the abstract machine, to which the same calls are made.
 *
 * It would miss what all three do wrong alike; and memory that no entry speaks of.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "probe/machine.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/walk.h"
#include "trial/files.h"
#include "trial/oracle.h"
#include "trial/trial.h"
#include "vm/machine.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* Slots of the top table that nothing uses: below 47 bits, and far above. */
#define BASE	  UINT64_C(0x100000000000)
#define BASE_HIGH (UINT64_C(1) << 52)

enum step {
	END,
	READ,
	WRITE,
	EXECUTE,
	FORK_AND_READ,
	FORK_AND_WRITE,
	NO_ACCESS,
	READ_ONLY,
	PAGE_OUT,
	CLEAR,
	SMALL_PAGES,
	HUGE_PAGES
};

#define STEPS_LIMIT 6

/* Made, stepped through, and then looked at where it was touched. */
struct mapping {
	const char *claim; /* that the bits of the leaf show */
	uint64_t length_bytes;
	uint32_t protection, flags;
	enum { NO_FILE, ON_DISK, IN_MEMORY } file;
	bool high; /* above 47 bits */
	enum step steps[STEPS_LIMIT];
};

#define ANONYMOUS  (VM_MAP_PRIVATE | VM_MAP_ANONYMOUS)
#define READ_WRITE (VM_PROT_READ | VM_PROT_WRITE)
#define FOUR_PAGES (4 * VM_PAGE_BYTES)

enum mapping_name {
	WRITTEN,
	READ_FIRST,
	READ_THEN_WRITTEN,
	CLEARED,
	CLEARED_THEN_READ,
	EXECUTED,
	MADE_READ_ONLY,
	NO_ACCESS_LEFT,
	FORKED_READ,
	FORKED_WRITTEN,
	FILE_READ,
	FILE_COPIED,
	FILE_SHARED,
	FILE_SHARED_WRITTEN,
	MEMORY_SHARED,
	MEMORY_SHARED_WRITTEN,
};

static const struct mapping mappings[] = {
	[WRITTEN] = {"xlate.pte-bits", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE}},
	[READ_FIRST] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, READ}},
	[READ_THEN_WRITTEN] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE,
		false, {SMALL_PAGES, READ, WRITE}},
	[CLEARED] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE, CLEAR}},
	[CLEARED_THEN_READ] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE,
		false, {SMALL_PAGES, WRITE, CLEAR, READ_ONLY, READ}},
	[EXECUTED] = {"xlate.pte-bits", FOUR_PAGES, READ_WRITE | VM_PROT_EXEC, ANONYMOUS, NO_FILE,
		false, {SMALL_PAGES, EXECUTE}},
	[MADE_READ_ONLY] = {"tlb.protection", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE, READ_ONLY}},
	[NO_ACCESS_LEFT] = {"xlate.pte-bits", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE, NO_ACCESS}},
	[FORKED_READ] = {"cow.pte-vs-area", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE, FORK_AND_READ}},
	[FORKED_WRITTEN] = {"cow.pte-vs-area", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{SMALL_PAGES, WRITE, FORK_AND_WRITE}},
	[FILE_READ] = {"cow.pte-vs-area", FOUR_PAGES, READ_WRITE, VM_MAP_PRIVATE, ON_DISK, false,
		{READ}},
	[FILE_COPIED] = {"cow.pte-vs-area", FOUR_PAGES, READ_WRITE, VM_MAP_PRIVATE, ON_DISK, false,
		{READ, WRITE}},
	[FILE_SHARED] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, VM_MAP_SHARED, ON_DISK,
		false, {READ}},
	[FILE_SHARED_WRITTEN] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, VM_MAP_SHARED,
		ON_DISK, false, {WRITE}},
	[MEMORY_SHARED] = {"xlate.pte-bits", FOUR_PAGES, READ_WRITE, VM_MAP_SHARED, IN_MEMORY,
		false, {READ}},
	[MEMORY_SHARED_WRITTEN] = {"xlate.accessed-dirty", FOUR_PAGES, READ_WRITE, VM_MAP_SHARED,
		IN_MEMORY, false, {WRITE}},
};

static const struct mapping huge_mappings[] = {
	{"xlate.software-walk", VM_HUGE_2M_BYTES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{HUGE_PAGES, WRITE}},
	{"xlate.software-walk", VM_HUGE_2M_BYTES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{HUGE_PAGES, READ}},
	{"xlate.software-walk", VM_HUGE_2M_BYTES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{HUGE_PAGES, WRITE, FORK_AND_READ}},
	{"xlate.software-walk", VM_HUGE_2M_BYTES, READ_WRITE, ANONYMOUS, NO_FILE, false,
		{HUGE_PAGES, WRITE, NO_ACCESS}},
};

static const struct mapping high = {
	"xlate.five-level", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE, true, {SMALL_PAGES, WRITE}};
static const struct mapping pool_2m = {"xlate.software-walk", VM_HUGE_2M_BYTES, READ_WRITE,
	ANONYMOUS | VM_MAP_HUGETLB | VM_MAP_HUGE_2MB, NO_FILE, false, {WRITE}};
static const struct mapping pool_1g = {"xlate.software-walk", VM_HUGE_1G_BYTES, READ_WRITE,
	ANONYMOUS | VM_MAP_HUGETLB | VM_MAP_HUGE_1GB, NO_FILE, false, {WRITE}};
static const struct mapping swapped = {"xlate.pte-bits", FOUR_PAGES, READ_WRITE, ANONYMOUS, NO_FILE,
	false, {SMALL_PAGES, WRITE, PAGE_OUT}};

/* Of the page that is looked at, so that offset and index are not all zero. */
#define OFFSET_BYTES (VM_PAGE_BYTES + 0x123)

/* What the processor sees of a leaf; of an entry that is not present it sees nothing. */
static int64_t processor_bits(uint64_t entry)
{
	const uint64_t seen = VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER | VM_PTE_ACCESSED |
			      VM_PTE_DIRTY | VM_PTE_NO_EXECUTE;

	return (entry & VM_PTE_PRESENT) == 0 ? 0 : (int64_t)(entry & seen);
}

/* --- what the model says --------------------------------------------------------------------- */

static uint64_t base_of(const struct mapping *mapping)
{
	return mapping->high ? BASE_HIGH : BASE;
}

static void perform_step(
	struct vm_machine *machine, const struct mapping *mapping, enum step step, uint32_t *looker)
{
	const bool touches = step == READ || step == WRITE || step == EXECUTE ||
			     step == FORK_AND_READ || step == FORK_AND_WRITE;
	struct vm_operation operation = {.process = *looker,
		.other = *looker,
		.address = base_of(mapping),
		.length = touches ? FOUR_PAGES : mapping->length_bytes,
		.file = VM_NO_FILE,
		.value = 7};

	switch (step) {
	case END:
		return;
	case READ:
		operation.kind = VM_OP_TOUCH_READ;
		break;
	case WRITE:
		operation.kind = VM_OP_TOUCH_WRITE;
		break;
	case EXECUTE:
		operation.kind = VM_OP_TOUCH_WRITE;
		probe_perform(machine, operation);
		operation.kind = VM_OP_EXECUTE;
		operation.address += VM_PAGE_BYTES;
		break;
	case FORK_AND_READ:
	case FORK_AND_WRITE:
		operation.kind = VM_OP_FORK;
		operation.other = 1;
		probe_perform(machine, operation);
		*looker = operation.process = 1;
		operation.kind = step == FORK_AND_READ ? VM_OP_TOUCH_READ : VM_OP_TOUCH_WRITE;
		break;
	case NO_ACCESS:
	case READ_ONLY:
		operation.kind = VM_OP_PROTECT;
		operation.protection = step == READ_ONLY ? VM_PROT_READ : 0;
		break;
	case PAGE_OUT:
	case SMALL_PAGES:
	case HUGE_PAGES:
		operation.kind = VM_OP_ADVISE;
		operation.advice = step == PAGE_OUT	 ? VM_MADV_PAGEOUT
				   : step == SMALL_PAGES ? VM_MADV_NOHUGEPAGE
							 : VM_MADV_HUGEPAGE;
		break;
	case CLEAR:
		operation.kind = VM_OP_CLEAR_REFS;
		operation.flags = 1;
		break;
	}
	probe_perform(machine, operation);
}

/* The entries that the machine's own tables have for the address, once all was done to it. */
static struct vm_walk walk_of_machine(const struct vm_model *model, const struct vm_host *host,
	const struct mapping *mapping, struct vm_arena *arena)
{
	struct vm_machine *machine = probe_machine(model, host, arena);
	const uint32_t file = mapping->file == NO_FILE ? VM_NO_FILE : 0;
	uint32_t looker = 0;

	if (file != VM_NO_FILE) {
		probe_perform(
			machine, (struct vm_operation){.kind = VM_OP_FILE_CREATE,
					 .file = file,
					 .file_kind = mapping->file == ON_DISK ? VM_FILE_DISK
									       : VM_FILE_SHMEM,
					 .length = mapping->length_bytes});
		probe_perform(machine, (struct vm_operation){.kind = VM_OP_FILE_WRITE,
					       .file = file,
					       .length = mapping->length_bytes,
					       .value = 3});
	}
	probe_perform(machine, (struct vm_operation){.kind = VM_OP_MAP,
				       .address = base_of(mapping),
				       .length = mapping->length_bytes,
				       .protection = mapping->protection,
				       .flags = mapping->flags | VM_MAP_FIXED,
				       .file = file});
	for (size_t i = 0; i < STEPS_LIMIT; i++)
		perform_step(machine, mapping, mapping->steps[i], &looker);
	return vm_machine_walk(
		machine, looker, &(struct vm_access){.address = base_of(mapping) + OFFSET_BYTES});
}

static void predict_leaf(const struct vm_model *model, const struct vm_host *host,
	const struct mapping *mapping, struct vm_predictions *predictions)
{
	/* The machine has no room for 262144 frames: the leaf of a page of 1 GiB is made like one
	 * of 2 MiB, a level higher (linux:6.12:mm/hugetlb.c:make_huge_pte). */
	const bool giant = mapping->length_bytes == VM_HUGE_1G_BYTES;
	const struct vm_walk walk =
		walk_of_machine(model, host, giant ? &pool_2m : mapping, predictions->arena);
	const struct vm_walk_step *leaf = &walk.steps[walk.steps_count - 1];
	const int64_t values[] = {walk.steps_count - giant, processor_bits(leaf->before)};

	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = mapping->claim,
			.quantity = "leaf",
			.at = "",
			.unit = VM_UNIT_FLAGS,
			.form = VM_FORM_EXACT,
			.values = values,
			.values_count = 2,
			.because = "what the calls leave in the tables of the abstract machine: so "
				   "many levels, and these bits in the last of them",
			.cite = "linux:6.12:arch/x86/include/asm/pgtable_types.h:_PAGE_PRESENT",
		});
}

static void predict_mapping(const struct vm_model *model, const struct vm_host *host,
	const struct mapping *mapping, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	predict_leaf(model, host, mapping, predictions);
	predict_walk(model, host, base_of(mapping) + OFFSET_BYTES, "", readings, predictions);
}

/* --- what the trial does ---------------------------------------------------------------------- */

static char *map(const struct mapping *mapping)
{
	int file = -1;

	if (mapping->file != NO_FILE) {
		file = mapping->file == IN_MEMORY ? memory_file(false)
						  : open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		static const char content[FOUR_PAGES] = {3};
		MUST(file >= 0 && write(file, content, sizeof(content)) == sizeof(content));
	}
	char *memory = mmap((void *)base_of(mapping), mapping->length_bytes,
		(int)mapping->protection, (int)mapping->flags | MAP_FIXED_NOREPLACE, file, 0);
	if (memory == MAP_FAILED && (mapping->flags & MAP_HUGETLB) != 0)
		unmet("no huge page of this size is to be had", "put pages into the pool");
	MUST(memory != MAP_FAILED);
	return memory;
}

static void touch(volatile char *memory, bool write)
{
	for (uint64_t at = 0; at < FOUR_PAGES; at += VM_PAGE_BYTES) {
		if (write)
			memory[at] = 7;
		else
			(void)memory[at];
	}
}

static void look(const char *memory)
{
	const struct oracle_view *view = oracle_look_at_own("", memory + OFFSET_BYTES);
	const int64_t values[] = {(int64_t)view->entries_count,
		processor_bits((uint64_t)view->entries[2 * view->entries_count - 1])};

	observe_values("leaf", "", values, 2, VM_UNIT_FLAGS, "guest memory");
}

/* Instructions that return at once, so that the page can be executed. */
static void execute(char *memory, size_t length_bytes)
{
	void (*function)(void);
	char *place = memory + VM_PAGE_BYTES;

	memset(memory, 0xc3, length_bytes);
	memcpy(&function, &place, sizeof(function));
	function();
}

static void look_in_child(char *memory, bool write)
{
	int status = 0;
	const pid_t child = fork();

	MUST(child >= 0);
	if (child == 0) {
		oracle_begin();
		touch(memory, write);
		look(memory);
		_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
}

static void measure_mapping(const struct mapping *mapping)
{
	char *memory = map(mapping);
	const size_t length_bytes = mapping->length_bytes;
	bool looked = false;

	oracle_begin();
	for (size_t i = 0; i < STEPS_LIMIT; i++) {
		switch (mapping->steps[i]) {
		case END:
			break;
		case READ:
		case WRITE:
			touch(memory, mapping->steps[i] == WRITE);
			break;
		case EXECUTE:
			execute(memory, length_bytes);
			break;
		case FORK_AND_READ:
		case FORK_AND_WRITE:
			look_in_child(memory, mapping->steps[i] == FORK_AND_WRITE);
			looked = true;
			break;
		case NO_ACCESS:
			MUST(mprotect(memory, length_bytes, PROT_NONE) == 0);
			break;
		case READ_ONLY:
			MUST(mprotect(memory, length_bytes, PROT_READ) == 0);
			break;
		case PAGE_OUT:
			MUST(madvise(memory, length_bytes, MADV_PAGEOUT) == 0);
			break;
		case CLEAR:
			MUST(kernel_write("/proc/self/clear_refs", "1") == 0);
			break;
		case SMALL_PAGES:
			small_pages(memory, length_bytes);
			break;
		case HUGE_PAGES:
			MUST(madvise(memory, length_bytes, MADV_HUGEPAGE) == 0);
			break;
		}
	}
	if (!looked)
		look(memory);
}

/* --- the probes ------------------------------------------------------------------------------ */

#define METHOD                                                                                   \
	"Map, touch and change memory; then ask the machine that emulates this one for the "     \
	"control registers, the entries on the way to a byte of it, its own translation of the " \
	"address and its list of pages, and pagemap for the frame."
#define THREATS                                                                                    \
	"Another process on the CPU at that moment has other tables: the machine is stopped when " \
	"it finds a number of this process's at its place."
#define BY_HAND "in QEMU's monitor: info registers, xp /1gx ADDRESS, gva2gpa ADDRESS, info tlb"

static const char *const bits_labels[] = {"written", "executed", "no-access", "memory-shared"};
static const char *const marks_labels[] = {"read", "read-then-written", "cleared",
	"cleared-then-read", "file-shared", "file-shared-written", "memory-shared-written"};
static const char *const rights_labels[] = {"read-only"};
static const char *const copied_labels[] = {
	"forked-read", "forked-written", "file-read", "file-copied"};
static const char *const huge_labels[] = {"written", "read", "forked-read", "no-access"};

_Static_assert(sizeof(huge_labels) / sizeof(huge_labels[0]) ==
		       sizeof(huge_mappings) / sizeof(huge_mappings[0]),
	"each huge mapping has a label");

static void predict_small(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	predict_mapping(model, host, &mappings[probe_argument(arguments, "mapping")], readings,
		predictions);
}

static void measure_small(const struct probe_arguments *arguments)
{
	measure_mapping(&mappings[probe_argument(arguments, "mapping")]);
}

/* A probe of all mappings whose leaf shows the claim. */
#define PAGE_WALK(identifier, name_, claim_, question_, labels_, ...)                           \
	static const struct probe_parameter identifier##_parameters[] = {                       \
		{                                                                               \
			.name = "mapping",                                                      \
			.unit = VM_UNIT_COUNT,                                                  \
			.choices_count = sizeof(labels_) / sizeof((labels_)[0]),                \
			.choices = {__VA_ARGS__},                                               \
			.labels = (labels_),                                                    \
		},                                                                              \
	};                                                                                      \
	static const char *const identifier##_claims[] = {"xlate.software-walk", claim_, NULL}; \
	PROBE(identifier) = {                                                                   \
		.name = name_,                                                                  \
		.claims = identifier##_claims,                                                  \
		.question = question_,                                                          \
		.method = METHOD,                                                               \
		.threats = THREATS,                                                             \
		.by_hand = BY_HAND,                                                             \
		.parameters_count = 1,                                                          \
		.parameters = identifier##_parameters,                                          \
		.needs = {.root = true,                                                         \
			.capabilities = VM_CAPABILITY_SYS_ADMIN,                                \
			.features_count = 1,                                                    \
			.features = {VM_FEATURE_TRANSLATION_ORACLE}},                           \
		.deadline_s = 60,                                                               \
		.predict = PREDICTS(predict_small),                                             \
		.measure = MEASURES(measure_small),                                             \
	}

PAGE_WALK(walk_bits, "xlate.page-walk", "xlate.pte-bits",
	"Do the model's walk, the machine's translation and the kernel's report agree to the bit?",
	bits_labels, WRITTEN, EXECUTED, NO_ACCESS_LEFT, MEMORY_SHARED);
PAGE_WALK(walk_marks, "xlate.page-walk-marks", "xlate.accessed-dirty",
	"What marks accesses in the entries, and what takes the marks away?", marks_labels,
	READ_FIRST, READ_THEN_WRITTEN, CLEARED, CLEARED_THEN_READ, FILE_SHARED, FILE_SHARED_WRITTEN,
	MEMORY_SHARED_WRITTEN);
PAGE_WALK(walk_rights, "tlb.page-walk", "tlb.protection",
	"Is a right that was taken away gone from the entry?", rights_labels, MADE_READ_ONLY);
PAGE_WALK(walk_copied, "cow.page-walk", "cow.pte-vs-area",
	"Is a page that is copied on a write read-only in its entry, and writable after?",
	copied_labels, FORKED_READ, FORKED_WRITTEN, FILE_READ, FILE_COPIED);

static const struct probe_parameter huge_parameters[] = {
	{
		.name = "mapping",
		.unit = VM_UNIT_COUNT,
		.choices_count = sizeof(huge_labels) / sizeof(huge_labels[0]),
		.choices = {0, 1, 2, 3},
		.labels = huge_labels,
	},
};

static void predict_huge(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	predict_mapping(model, host, &huge_mappings[probe_argument(arguments, "mapping")], readings,
		predictions);
}

static void measure_huge(const struct probe_arguments *arguments)
{
	measure_mapping(&huge_mappings[probe_argument(arguments, "mapping")]);
}

static const char *const walk_claims[] = {"xlate.software-walk", NULL};

PROBE(page_walk_huge) = {
	.name = "xlate.page-walk-huge",
	.claims = walk_claims,
	.question = "Do the three agree on transparent huge pages?",
	.method = METHOD,
	.threats = THREATS " Where no huge page is to be had the kernel takes small ones.",
	.by_hand = BY_HAND,
	.parameters_count = 1,
	.parameters = huge_parameters,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 2,
		.features = {VM_FEATURE_TRANSLATION_ORACLE, VM_FEATURE_THP}},
	.deadline_s = 60,
	.predict = PREDICTS(predict_huge),
	.measure = MEASURES(measure_huge),
};

static void predict_2m(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_mapping(model, host, &pool_2m, readings, predictions);
}

static void measure_2m(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_mapping(&pool_2m);
}

PROBE(page_walk_2m) = {
	.name = "xlate.page-walk-2m",
	.claims = walk_claims,
	.question = "Do the three agree on a page of 2 MiB from the pool?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 1,
		.features = {VM_FEATURE_TRANSLATION_ORACLE},
		.huge_2m_pages = 1},
	.deadline_s = 60,
	.predict = PREDICTS(predict_2m),
	.measure = MEASURES(measure_2m),
};

static void predict_1g(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_mapping(model, host, &pool_1g, readings, predictions);
}

static void measure_1g(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_mapping(&pool_1g);
}

PROBE(page_walk_1g) = {
	.name = "xlate.page-walk-1g",
	.claims = walk_claims,
	.question = "Do the three agree on a page of 1 GiB from the pool?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 1,
		.features = {VM_FEATURE_TRANSLATION_ORACLE},
		.huge_1g_pages = 1},
	.deadline_s = 60,
	.predict = PREDICTS(predict_1g),
	.measure = MEASURES(measure_1g),
};

static void predict_swapped(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	predict_mapping(model, host, &swapped, readings, predictions);
}

static void measure_swapped(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_mapping(&swapped);
}

static const char *const swapped_claims[] = {"xlate.software-walk", "xlate.pte-bits", NULL};

PROBE(page_walk_swapped) = {
	.name = "xlate.page-walk-swapped",
	.claims = swapped_claims,
	.question = "Do the three agree on a page that is in swap?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 2,
		.features = {VM_FEATURE_TRANSLATION_ORACLE, VM_FEATURE_SWAP},
		.swap_bytes = 32 * VM_MIB_BYTES},
	.deadline_s = 60,
	.predict = PREDICTS(predict_swapped),
	.measure = MEASURES(measure_swapped),
};

static void predict_high(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)arguments;
	/* With four levels there is no such address, and the probe is not run. */
	if (host->page_table_levels == VM_PAGING_LEVELS_LIMIT)
		predict_mapping(model, host, &high, readings, predictions);
}

static void measure_high(const struct probe_arguments *arguments)
{
	(void)arguments;
	measure_mapping(&high);
}

static const char *const high_claims[] = {"xlate.software-walk", "xlate.five-level", NULL};

PROBE(page_walk_high) = {
	.name = "xlate.page-walk-high",
	.claims = high_claims,
	.question = "Do the three agree on an address that needs the fifth level?",
	.method = METHOD,
	.threats = THREATS,
	.by_hand = BY_HAND,
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 2,
		.features = {VM_FEATURE_TRANSLATION_ORACLE, VM_FEATURE_FIVE_LEVEL}},
	.deadline_s = 60,
	.predict = PREDICTS(predict_high),
	.measure = MEASURES(measure_high),
};
