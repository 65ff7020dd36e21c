/* SPDX-License-Identifier: Apache-2.0 */
/* Walks in software: where they lead, what they cost, and what all processes share. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/tlb.h"
#include "vm/walk.h"

#define TABLE_PAGES 64
/* Beyond the tables: walking into it by mistake finds no memory. */
#define TARGET_BYTES (4 * VM_HUGE_1G_BYTES)
#define OFFSET_BYTES 0x123
#define NESTED_PAGES 16

struct memory {
	unsigned char bytes[TABLE_PAGES * VM_PAGE_BYTES];
	uint64_t next, loads;
};

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	struct memory *memory = context;

	if (address > sizeof(memory->bytes) - entry_bytes)
		return false;
	memory->loads++;
	*value = 0;
	for (unsigned i = entry_bytes; i-- > 0;)
		*value = *value << 8 | memory->bytes[address + i];
	return true;
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	struct memory *memory = context;

	for (unsigned i = 0; i < entry_bytes; i++)
		memory->bytes[address + i] = (unsigned char)(value >> (8 * i));
}

static bool take(void *context, unsigned level, uint64_t *address)
{
	struct memory *memory = context;

	(void)level;
	*address = memory->next;
	memory->next += VM_PAGE_BYTES;
	return memory->next <= sizeof(memory->bytes);
}

static const struct vm_mmu hardware = {.paging = VM_PAGING_LEVEL4,
	.physical_bits = 48,
	.write_protect = true,
	.no_execute = true,
	.large_pages = true,
	.page_1g = true};

#define LEAF_FLAGS (VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER)

static struct memory *fresh(struct vm_arena *arena)
{
	struct memory *memory = vm_arena_take(arena, sizeof(*memory), _Alignof(struct memory));

	memory->next = VM_PAGE_BYTES;
	return memory;
}

/* Where a walk by the given rules leads for a page of each size; -1 where it leads nowhere. */
static void walk_each_size(const struct vm_behaviours *behaviours, int64_t physical[static 3])
{
	for (unsigned level = 1; level <= 3; level++) {
		struct vm_arena SIMULATE_ARENA arena = simulate_arena(2 * sizeof(struct memory));
		struct memory *memory = fresh(&arena);
		const struct vm_physical tables = {memory, load, store};
		struct vm_mmu mmu = hardware;
		const uint64_t page_bytes = UINT64_C(1)
					    << vm_level_shift(vm_paging_shape(mmu.paging), level);
		const struct vm_access access = {
			.address = page_bytes + OFFSET_BYTES, .user = true};

		(void)vm_map_page(
			&mmu, &tables, take, memory, page_bytes, TARGET_BYTES, level, LEAF_FLAGS);
		vm_mmu_set_behaviours(&mmu, behaviours);
		/* What is asked here is where the walk leads, not who may go there. */
		mmu.user_bit = VM_USER_BIT_SET_IS_USER;
		const struct vm_walk walk = vm_walk(&mmu, &tables, &access);
		physical[level - 1] =
			walk.outcome == VM_WALK_TRANSLATED ? (int64_t)walk.physical : -1;
	}
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	struct vm_tlb_config config = {
		.host_paging = VM_PAGING_LEVEL4, .host_page_shift = VM_PAGE_SHIFT};
	int64_t physical[3], references[VM_PAGING_LIMIT + 1];

	(void)host, (void)arguments, (void)readings;
	walk_each_size(&model->behaviours, physical);
	predict_values(predictions, "xlate.software-walk", "physical-4k-2m-1g", physical, 3,
		VM_UNIT_ADDRESS, "the walk stops at a leaf, whatever its level", "lmm; osn");
	for (config.paging = 0; config.paging < VM_PAGING_LIMIT; config.paging++)
		references[config.paging] = vm_tlb_walk_references(&config, VM_PAGE_SHIFT);
	config.paging = VM_PAGING_LEVEL4;
	config.nested = true;
	references[VM_PAGING_LIMIT] = vm_tlb_walk_references(&config, VM_PAGE_SHIFT);
	predict_values(predictions, "xlate.walk-refs", "references", references,
		VM_PAGING_LIMIT + 1, VM_UNIT_COUNT,
		"one a level; nested, each is translated in turn, and so is the result",
		"gios; lmm; osn");
	predict_value(predictions, "xlate.pgd-span", "top-entry-bytes",
		INT64_C(1) << vm_level_shift(vm_paging_shape(VM_PAGING_LEVEL4), 4), VM_UNIT_BYTES,
		"an entry of the top table covers 512 tables of 512 tables of 512 pages", "lmm");
	predict_value(predictions, "xlate.pgd-span", "processes-that-see-a-new-mapping", 2,
		VM_UNIT_COUNT, "the kernel's half of every top table leads to the same tables",
		"lmm");
}

static int64_t count_references(enum vm_paging paging)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(2 * sizeof(struct memory));
	struct memory *memory = fresh(&arena);
	const struct vm_physical tables = {memory, load, store};
	struct vm_mmu mmu = hardware;
	const struct vm_access access = {.address = VM_PAGE_BYTES, .user = true};

	mmu.paging = paging;
	(void)vm_map_page(&mmu, &tables, take, memory, VM_PAGE_BYTES, VM_PAGE_BYTES, 1, LEAF_FLAGS);
	memory->loads = 0;
	(void)vm_walk(&mmu, &tables, &access);
	return (int64_t)memory->loads;
}

/* Guest and host tables in one memory, the host's mapping everything to itself. */
static int64_t count_nested_references(void)
{
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(2 * sizeof(struct memory));
	struct memory *memory = fresh(&arena);
	struct vm_nested nested = {.host = hardware, .memory = {memory, load, store}};
	struct vm_mmu guest = hardware;
	const struct vm_access access = {.address = VM_PAGE_BYTES, .user = true};

	guest.root = memory->next;
	memory->next += VM_PAGE_BYTES;
	(void)vm_map_page(
		&guest, &nested.memory, take, memory, VM_PAGE_BYTES, VM_PAGE_BYTES, 1, LEAF_FLAGS);
	for (uint64_t page = 0; page < NESTED_PAGES; page++)
		(void)vm_map_page(&nested.host, &nested.memory, take, memory,
			vm_pages_to_bytes(page), vm_pages_to_bytes(page), 1, LEAF_FLAGS);
	/* The first walk sets accessed bits, and the model looks up anew where to store them. */
	(void)vm_walk_nested(&guest, &nested, &access);
	memory->loads = 0;
	(void)vm_walk_nested(&guest, &nested, &access);
	return (int64_t)memory->loads;
}

/* Two top tables with one kernel half; a page is then mapped in it through the first alone. */
static int64_t processes_that_see(void)
{
	const uint64_t kernel = ~(VM_HUGE_1G_BYTES * 512 - 1);
	struct vm_arena SIMULATE_ARENA arena = simulate_arena(2 * sizeof(struct memory));
	struct memory *memory = fresh(&arena);
	const struct vm_physical tables = {memory, load, store};
	struct vm_mmu process[2] = {hardware, hardware};
	int64_t seeing = 0;

	process[1].root = memory->next;
	memory->next += VM_PAGE_BYTES;
	(void)vm_map_page(&process[0], &tables, take, memory, kernel, 0, 1, VM_PTE_PRESENT);
	for (uint64_t entry = VM_PAGE_BYTES / 2; entry < VM_PAGE_BYTES; entry++)
		memory->bytes[process[1].root + entry] = memory->bytes[process[0].root + entry];
	(void)vm_map_page(&process[0], &tables, take, memory, kernel + VM_HUGE_1G_BYTES, 0, 1,
		VM_PTE_PRESENT);
	for (unsigned i = 0; i < 2; i++) {
		const struct vm_access access = {.address = kernel + VM_HUGE_1G_BYTES};
		seeing += vm_walk(&process[i], &tables, &access).outcome == VM_WALK_TRANSLATED;
	}
	return seeing;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	static const int64_t mapped[] = {TARGET_BYTES + OFFSET_BYTES, TARGET_BYTES + OFFSET_BYTES,
		TARGET_BYTES + OFFSET_BYTES};
	int64_t references[VM_PAGING_LIMIT + 1];

	(void)host, (void)arguments;
	show_values(shown, "physical-4k-2m-1g", "", mapped, 3, VM_UNIT_ADDRESS, "what was mapped");
	for (enum vm_paging paging = 0; paging < VM_PAGING_LIMIT; paging++)
		references[paging] = count_references(paging);
	references[VM_PAGING_LIMIT] = count_nested_references();
	show_values(
		shown, "references", "", references, VM_PAGING_LIMIT + 1, VM_UNIT_COUNT, "walker");
	show_value(shown, "top-entry-bytes", 512 * (int64_t)VM_GIB_BYTES, VM_UNIT_BYTES, "lmm");
	show_value(shown, "processes-that-see-a-new-mapping", processes_that_see(), VM_UNIT_COUNT,
		"walker");
}

static const char *const claims[] = {
	"xlate.software-walk", "xlate.walk-refs", "xlate.pgd-span", NULL};

PROBE(walks) = {
	.name = "xlate.walks",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "Where does a walk in software lead, and how many references does it take?",
	.method = "Maps pages of each size and walks to them; counts the loads of real walks, also "
		  "of a guest's tables under a host's.",
	.threats = "The pages mapped could lie where a wrong walk happens to lead: their address "
		   "is far beyond the tables.",
	.by_hand = "mmconform model walk --nested --map 0x400000=0x5000 0x400123",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
