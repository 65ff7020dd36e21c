/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables as frames among frames, in a guest: they stay where they are while what they map goes
 * to swap, and with isolated tables there are two copies of the top one.
 *
 * It would miss a table that is moved and whose every user is told.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/oracle.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define BASE	      UINT64_C(0x100000000000)
#define PAGES	      8
#define TABLE_MOST    VM_PAGING_LEVELS_LIMIT
#define MARKED_LEVELS 2

/* What reclaim would look at in a frame that could go. */
#define RECLAIM_FLAGS                                                                          \
	(KERNEL_PAGE_LRU | KERNEL_PAGE_ANON | KERNEL_PAGE_SWAPCACHE | KERNEL_PAGE_SWAPBACKED | \
		KERNEL_PAGE_UNEVICTABLE)

static void predict_stay(const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"tables-before"};
	const struct probe_reading *before = probe_reading_of(readings, "tables-before", "");
	static const int64_t none[TABLE_MOST];
	static const int64_t marks[MARKED_LEVELS] = {
		(int64_t)KERNEL_PAGE_PGTABLE, (int64_t)KERNEL_PAGE_PGTABLE};
	const int64_t gone = 0;
	struct vm_prediction prediction = {
		.claim = "xlate.pinned-tables",
		.quantity = "tables-after",
		.at = "",
		.unit = VM_UNIT_FRAME,
		.form = VM_FORM_EXACT,
		.because = "reclaim walks the LRU lists, and no table is on one",
		.cite = "linux:6.12:mm/vmscan.c:isolate_lru_folios",
	};

	if (before == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
	} else {
		prediction.values = before->values;
		prediction.values_count = before->values_count;
		vm_predict(predictions, &prediction);
	}
	prediction.quantity = "reclaim-flags";
	prediction.unit = VM_UNIT_FLAGS;
	prediction.values = none;
	prediction.values_count = (size_t)host->page_table_levels - 1;
	vm_predict(predictions, &prediction);
	prediction.quantity = "table-marks";
	prediction.because =
		"the two lowest levels are counted, and their frames are marked; those "
		"above are so in some kernels only";
	prediction.cite = "linux:6.12:include/linux/mm.h:pagetable_pte_ctor";
	prediction.values = marks;
	prediction.values_count = MARKED_LEVELS;
	vm_predict(predictions, &prediction);
	prediction.quantity = "leaf-present";
	prediction.unit = VM_UNIT_BOOL;
	prediction.because = "the page went to swap";
	prediction.cite = "linux:6.12:mm/rmap.c:try_to_unmap_one";
	prediction.values = &gone;
	prediction.values_count = 1;
	vm_predict(predictions, &prediction);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	(void)model, (void)arguments;
	predict_stay(host, readings, predictions);
}

/* The frames of the tables below the top one. */
static size_t tables_of(const struct oracle_view *view, int64_t frames[TABLE_MOST])
{
	const size_t count = view->entries_count - 1;

	for (size_t i = 0; i < count; i++)
		frames[i] = (int64_t)vm_bytes_to_pages_floor(
			(uint64_t)view->entries[2 * i + 1] & VM_PTE_ADDRESS_MASK);
	return count;
}

static void observe_flags(const int64_t *frames, size_t count)
{
	const int file = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	int64_t flags[TABLE_MOST], marks[TABLE_MOST];

	for (size_t i = 0; i < count; i++) {
		uint64_t word = 0;
		MUST(file >= 0 && pread(file, &word, sizeof(word),
					  frames[i] * (off_t)sizeof(word)) == sizeof(word));
		flags[i] = (int64_t)(word & RECLAIM_FLAGS);
		marks[i] = (int64_t)(word & KERNEL_PAGE_PGTABLE);
	}
	MUST(close(file) == 0);
	observe_values("reclaim-flags", "", flags, count, VM_UNIT_FLAGS, "/proc/kpageflags");
	observe_values("table-marks", "", marks + count - MARKED_LEVELS, MARKED_LEVELS,
		VM_UNIT_FLAGS, "/proc/kpageflags");
}

static void measure(const struct probe_arguments *arguments)
{
	const size_t length_bytes = (size_t)vm_pages_to_bytes(PAGES);
	int64_t frames[TABLE_MOST];
	struct oracle_view view;
	volatile char *memory = mmap((void *)BASE, length_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	(void)arguments;
	MUST(memory != MAP_FAILED);
	for (size_t i = 0; i < PAGES; i++)
		memory[i * VM_PAGE_BYTES] = (char)(i + 1);
	oracle_begin();
	oracle_translate(BASE, &view);
	size_t count = tables_of(&view, frames);
	observe_values("tables-before", "", frames, count, VM_UNIT_FRAME, "guest memory");
	MUST(madvise((void *)BASE, length_bytes, MADV_PAGEOUT) == 0);
	oracle_translate(BASE, &view);
	count = tables_of(&view, frames);
	observe_values("tables-after", "", frames, count, VM_UNIT_FRAME, "guest memory");
	observe_flags(frames, count);
	observe("leaf-present",
		((uint64_t)view.entries[2 * view.entries_count - 1] & VM_PTE_PRESENT) != 0,
		VM_UNIT_BOOL, "guest memory");
}

static const char *const claims[] = {"xlate.pinned-tables", NULL};

PROBE(table_frames) = {
	.name = "xlate.table-frames",
	.claims = claims,
	.question = "Do page tables stay in memory while what they map goes to swap?",
	.method = "Write pages, find the tables that lead to them in the guest's memory, page the "
		  "memory out, and find the tables again; read what kpageflags says of them.",
	.threats = "Pages that were not paged out prove nothing: the leaf must be absent.",
	.by_hand = "xp in QEMU's monitor; /proc/kpageflags",
	.needs = {.root = true,
		.capabilities = VM_CAPABILITY_SYS_ADMIN,
		.features_count = 2,
		.features = {VM_FEATURE_TRANSLATION_ORACLE, VM_FEATURE_SWAP},
		.swap_bytes = 32 * VM_MIB_BYTES},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};

/* --- two copies of the top table ---------------------------------------------------------------
 */

#define HALF_ENTRIES ((size_t)256)
/* The kernel's copy and the user's lie side by side: linux:6.12:arch/x86/include/asm/pgtable.h */
#define USER_COPY VM_PAGE_BYTES

/* Slots of the top table, from linux:6.12:arch/x86/include/asm/pgtable_64_types.h. */
#define SLOT_LOCAL_TABLE 272 /* LDT_PGD_ENTRY: the guard in front of the direct map */
#define SLOT_ENTRY_AREA	 508
#define SLOT_STACK_FIX	 510
#define SLOT_IMAGE	 511

static bool has_slot(const struct probe_reading *slots, int64_t slot)
{
	for (size_t i = 0; i < slots->values_count; i++)
		if (slots->values[i] == slot)
			return true;
	return false;
}

static void predict_slots(const struct vm_host *host, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"kernel-slots"};
	const struct probe_reading *kernel = probe_reading_of(readings, "kernel-slots", "");
	int64_t slots[4];
	size_t count = 0;
	struct vm_prediction prediction = {
		.claim = "xlate.pti",
		.quantity = "user-slots",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.form = VM_FORM_EXACT,
		.because =
			"what the processor needs to enter the kernel: the area with its "
			"descriptors and entry stacks, the task segment among the memory of each "
			"CPU in the direct map, the stack that repairs IRET, the entry code",
		.cite = "linux:6.12:arch/x86/mm/pti.c:pti_clone_user_shared",
	};

	if (kernel == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	/* The direct map is the lowest that the kernel has, behind the slot for local tables. */
	for (size_t i = 0; i < kernel->values_count && count == 0; i++)
		if (kernel->values[i] > SLOT_LOCAL_TABLE)
			slots[count++] = kernel->values[i];
	if (host->page_table_levels < VM_PAGING_LEVELS_LIMIT) {
		slots[count++] = SLOT_ENTRY_AREA;
		/* A kernel without 16-bit segments has nothing to repair. */
		if (has_slot(kernel, SLOT_STACK_FIX))
			slots[count++] = SLOT_STACK_FIX;
	}
	slots[count++] = SLOT_IMAGE;
	prediction.values = slots;
	prediction.values_count = count;
	vm_predict(predictions, &prediction);
}

static void predict_user_half(
	const struct probe_readings *readings, struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"user-half"};
	const struct probe_reading *user = probe_reading_of(readings, "user-half", "");
	int64_t values[HALF_ENTRIES];
	struct vm_prediction prediction = {
		.claim = "xlate.pti",
		.quantity = "kernel-view",
		.at = "",
		.unit = VM_UNIT_FLAGS,
		.form = VM_FORM_EXACT,
		.because = "programs' memory is in both copies, not executable in the kernel's",
		.cite = "linux:6.12:arch/x86/mm/pti.c:__pti_set_user_pgtbl",
	};

	if (user == NULL) {
		predict_rule(predictions, &prediction, inputs, 1);
		return;
	}
	for (size_t i = 0; i < user->values_count && i < HALF_ENTRIES; i++)
		values[i] = user->values[i] == 0
				    ? 0
				    : (int64_t)((uint64_t)user->values[i] | VM_PTE_NO_EXECUTE);
	prediction.values = values;
	prediction.values_count = user->values_count;
	vm_predict(predictions, &prediction);
}

static void predict_copies(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t in_use = USER_COPY;

	(void)model, (void)arguments;
	vm_predict(predictions,
		&(struct vm_prediction){
			.claim = "xlate.pti",
			.quantity = "copy-in-use",
			.at = "",
			.unit = VM_UNIT_FLAGS,
			.form = VM_FORM_EXACT,
			.values = &in_use,
			.values_count = 1,
			.because = "the way back to a program switches to the second of two tables "
				   "that lie side by side: one bit of CR3",
			.cite = "linux:6.12:arch/x86/entry/calling.h:SWITCH_TO_USER_CR3",
		});
	predict_slots(host, readings, predictions);
	predict_user_half(readings, predictions);
}

static void observe_table(const char *quantity, uint64_t table)
{
	uint64_t words[HALF_ENTRIES];
	int64_t values[HALF_ENTRIES];

	oracle_read(table, words, HALF_ENTRIES);
	for (size_t i = 0; i < HALF_ENTRIES; i++)
		values[i] = (int64_t)words[i];
	observe_values(quantity, "", values, HALF_ENTRIES, VM_UNIT_FLAGS, "guest memory");
}

/* The slots of the upper half that are taken. */
static void observe_slots(const char *quantity, uint64_t table)
{
	uint64_t words[HALF_ENTRIES];
	int64_t slots[HALF_ENTRIES];
	size_t count = 0;

	oracle_read(table + sizeof(words), words, HALF_ENTRIES);
	for (size_t i = 0; i < HALF_ENTRIES; i++)
		if (words[i] != 0)
			slots[count++] = (int64_t)(HALF_ENTRIES + i);
	observe_values(quantity, "", slots, count, VM_UNIT_COUNT, "guest memory");
}

static void measure_copies(const struct probe_arguments *arguments)
{
	struct oracle_view view;

	(void)arguments;
	oracle_begin();
	oracle_translate((uint64_t)(uintptr_t)&view, &view);
	const uint64_t root = (uint64_t)view.registers[ORACLE_CR3] & VM_PTE_ADDRESS_MASK;
	const uint64_t kernel = root & ~USER_COPY;
	observe("copy-in-use", (int64_t)(root & USER_COPY), VM_UNIT_FLAGS, "info registers");
	observe_table("user-half", root);
	observe_table("kernel-view", kernel);
	observe_slots("kernel-slots", kernel);
	observe_slots("user-slots", root);
}

static const char *const copies_claims[] = {"xlate.pti", NULL};

PROBE(table_copies) = {
	.name = "xlate.table-copies",
	.claims = copies_claims,
	.question = "What is left of the kernel in the tables that programs run with?",
	.method = "Read both copies of the top table in the guest's memory while a program runs.",
	.threats = "A local descriptor table has a slot of its own: this program has none.",
	.by_hand = "info registers and xp in QEMU's monitor",
	.needs = {.root = true,
		.features_count = 2,
		.features = {VM_FEATURE_TRANSLATION_ORACLE, VM_FEATURE_PAGE_TABLE_ISOLATION}},
	.deadline_s = 60,
	.predict = PREDICTS(predict_copies),
	.measure = MEASURES(measure_copies),
};
