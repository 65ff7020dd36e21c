/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's linear mapping, all of it, as its tables have it: read in the guest's memory from
 * the top one on, and held against the memory that there is and what meminfo makes of it.
 *
 * It would miss a kernel that splits every page, and says so, and a wrong frame behind a small one.
 */
#include <string.h>

#include "kernel/system.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "probe/ram.h"
#include "trial/image.h"
#include "trial/oracle.h"
#include "trial/ram.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define ENTRIES	   512
#define READ_LIMIT 16 /* walks until one meets no change */
/* Five levels: intel-sdm:3A:2.5 */
#define CR4_LA57_BIT 12
#define BLOCK_LEVEL  2
#define GIANT_LEVEL  3
#define BLOCK_PAGES  vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES)

static const char *const inputs[] = {"ram-first", "ram-end", "tables", "text-tables"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_prediction prediction = {
		.claim = "xlate.direct-map",
		.quantity = "astray",
		.at = "",
		.unit = VM_UNIT_COUNT,
		.because = "a frame lies as far from the base of the mapping as from the start of "
			   "memory",
		.cite = "linux:6.12:arch/x86/include/asm/page.h:__va",
	};
	struct vm_prediction blocks = prediction, small = prediction;
	struct memory_ranges ranges;
	struct moving tables, text_tables;

	(void)model, (void)arguments;
	predict_moving(predictions, &prediction, (struct moving){0, 0}, 1);
	blocks.quantity = "blocks";
	blocks.because = "each block of 2 MiB with memory in it is mapped, and no other";
	blocks.cite = "linux:6.12:arch/x86/mm/init.c:init_range_memory_mapping";
	small.quantity = "small";
	small.unit = VM_UNIT_KIB;
	small.because = "small pages are where memory does not fill a block, and 512 in each block "
			"that was split, here or in the second mapping of the kernel's text";
	small.cite = "linux:6.12:arch/x86/mm/pat/set_memory.c:split_page_count";
	if (!memory_ranges_of(readings, &ranges) || !moving_of(readings, "tables", "", &tables) ||
		!moving_of(readings, "text-tables", "", &text_tables)) {
		predict_rule(predictions, &blocks, inputs, INPUTS_COUNT);
		predict_rule(predictions, &small, inputs, INPUTS_COUNT);
		return;
	}
	const struct vm_direct_blocks there = vm_direct_map_blocks(ranges.range, ranges.count);
	const struct vm_direct_map map =
		vm_direct_map(ranges.range, ranges.count, host->cpu.page_1g);
	const int64_t whole = (int64_t)(there.whole + there.partial);
	const uint64_t split =
		(uint64_t)tables.lowest + (uint64_t)text_tables.lowest - there.partial;
	const int64_t small_kib = (int64_t)vm_pages_to_kib(map.small + split * BLOCK_PAGES);
	predict_moving(predictions, &blocks, (struct moving){whole, whole}, 1);
	predict_moving(predictions, &small, (struct moving){small_kib, small_kib}, 1);
}

/* --- measuring -------------------------------------------------------------------------------- */

/* Leaves and tables of one mapping; tables of the last level are behind small pages. */
struct tally {
	int64_t giant, large, tables, astray;
};

struct walk {
	uint64_t base, last; /* addresses */
	struct tally tally;
};

static unsigned shift_of(unsigned level)
{
	return VM_PAGE_SHIFT + 9 * (level - 1);
}

/* What is kept from being used is mapped, too: its entry is not empty. */
static void see_leaf(struct walk *walk, unsigned level, uint64_t entry, uint64_t address)
{
	const uint64_t bits = (UINT64_C(1) << shift_of(level)) - 1;
	const uint64_t physical = entry & VM_PTE_ADDRESS_MASK & ~bits;

	if ((entry & VM_PTE_PRESENT) != 0)
		walk->tally.astray += physical != address - walk->base;
	walk->tally.giant += level == GIANT_LEVEL;
	walk->tally.large += level == BLOCK_LEVEL;
}

static unsigned index_of(unsigned level, uint64_t address)
{
	return (unsigned)(address >> shift_of(level)) % ENTRIES;
}

/*
 * The part of the table that maps addresses of the walk from first on. Only that is read, for each
 * word takes its time, and of the last level's tables nothing.
 */
static void see_table(struct walk *walk, unsigned level, uint64_t table, uint64_t first)
{
	/* One for each level: a table is read once. */
	static uint64_t words[VM_PAGING_LEVELS_LIMIT + 1][ENTRIES];
	const uint64_t entry_bytes = UINT64_C(1) << shift_of(level);
	const uint64_t table_last = first | (entry_bytes * ENTRIES - 1);
	const unsigned index = index_of(level, first);
	const unsigned last_index =
		index_of(level, walk->last < table_last ? walk->last : table_last);

	oracle_read(table + index * sizeof(words[0][0]), words[level], last_index - index + 1);
	for (unsigned i = index; i <= last_index; i++) {
		const uint64_t entry = words[level][i - index];
		const uint64_t address =
			i == index ? first
				   : vm_align_down(first, entry_bytes) + (i - index) * entry_bytes;
		if (entry == 0)
			continue;
		if ((entry & VM_PTE_LARGE) != 0 || (entry & VM_PTE_PRESENT) == 0)
			see_leaf(walk, level, entry, vm_align_down(address, entry_bytes));
		else if (level == BLOCK_LEVEL)
			walk->tally.tables++;
		else
			see_table(walk, level - 1, entry & VM_PTE_ADDRESS_MASK, address);
	}
}

static struct tally walk_mapping(unsigned levels, uint64_t root, uint64_t base, uint64_t end)
{
	struct walk walk = {.base = base, .last = end - 1};

	see_table(&walk, levels, root, base);
	return walk.tally;
}

/* Where tables are isolated, the kernel's own top one lies before the one of user mode. */
static uint64_t root_of(const struct oracle_view *view)
{
	const struct kernel_file file = kernel_file_open("/proc/cpuinfo", KERNEL_FILE_LARGE_BYTES);
	const uint64_t root = (uint64_t)view->registers[ORACLE_CR3] & VM_PTE_ADDRESS_MASK;
	struct kernel_cpuinfo cpuinfo;
	struct kernel_error error;

	MUST(kernel_cpuinfo_parse(kernel_file_read(&file), &cpuinfo, &error) == 0);
	return kernel_cpuinfo_has(&cpuinfo, "pti") ? root & ~VM_PAGE_BYTES : root;
}

struct found {
	struct tally linear, text;
	struct mapping_count count;
};

/* The tables are one moment only if nothing was split or joined while they were read. */
static struct found walk_at_rest(uint64_t ram_end)
{
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file vmstat = kernel_file_open("/proc/vmstat", KERNEL_FILE_USUAL_BYTES);
	const int image = image_open();
	const uint64_t base = image_distance(image);
	struct oracle_view view;
	struct found found;
	uint64_t start, end;

	image_text(image, &start, &end);
	oracle_begin();
	oracle_translate(base, &view);
	const unsigned levels = (view.registers[ORACLE_CR4] >> CR4_LA57_BIT & 1) != 0 ? 5 : 4;
	const uint64_t root = root_of(&view);
	for (size_t i = 0; i < READ_LIMIT; i++) {
		found.count = mapping_read(&meminfo, &vmstat);
		found.linear = walk_mapping(levels, root, base, base + vm_pages_to_bytes(ram_end));
		found.text = walk_mapping(levels, root, start, end);
		const struct mapping_count after = mapping_read(&meminfo, &vmstat);
		if (memcmp(&after, &found.count, sizeof(after)) == 0)
			return found;
	}
	broken("the linear mapping changes all the time");
}

static void measure(const struct probe_arguments *arguments)
{
	(void)arguments;
	mapping_must_be_plain();
	const struct found found = walk_at_rest(observe_ram());
	observe("astray", found.linear.astray, VM_UNIT_COUNT, "guest memory");
	observe("blocks", found.linear.giant * ENTRIES + found.linear.large + found.linear.tables,
		VM_UNIT_COUNT, "guest memory");
	observe("tables", found.linear.tables, VM_UNIT_COUNT, "guest memory");
	observe("text-tables", found.text.tables, VM_UNIT_COUNT, "guest memory");
	observe("small", found.count.kib[MAPPING_SMALL], VM_UNIT_KIB, "/proc/meminfo");
}

static const char *const claims[] = {"xlate.direct-map", NULL};

PROBE(linear_tables) = {
	.name = "xlate.linear-tables",
	.claims = claims,
	.letters = "V",
	.question = "Do the tables of the kernel's linear mapping have all memory, each frame at "
		    "its place, and as many small pages as the kernel counts?",
	.method = "Read the tables in the guest's memory from the top one on, over all RAM and "
		  "over the kernel's text; beside them iomem and meminfo.",
	.threats = "A page is split while tables are read: a walk is taken during which the "
		   "kernel's counts stay.",
	.by_hand = "grep -E 'System RAM' /proc/iomem; grep DirectMap /proc/meminfo; info mem in "
		   "QEMU's monitor",
	.needs = {.root = true, .features_count = 1, .features = {VM_FEATURE_TRANSLATION_ORACLE}},
	.deadline_s = 60,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
