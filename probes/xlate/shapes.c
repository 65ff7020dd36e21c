/* SPDX-License-Identifier: Apache-2.0 */
/* How x86 cuts up addresses: two levels, PAE, four and five levels, and what a gap saves. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/tables.h"
#include "vm/walk.h"

/* Bits of each part of an address, from the offset up. */
static size_t cut_bits(enum vm_paging paging, int64_t bits[static VM_PAGING_LEVELS_LIMIT + 1])
{
	const struct vm_paging_shape *shape = vm_paging_shape(paging);

	bits[0] = VM_PAGE_SHIFT;
	for (unsigned level = 1; level <= shape->levels; level++)
		bits[level] = level == shape->levels ? shape->top_index_bits : shape->index_bits;
	return (size_t)shape->levels + 1;
}

static void predict_cut(
	struct vm_predictions *predictions, const char *claim, enum vm_paging paging)
{
	const struct vm_paging_shape *shape = vm_paging_shape(paging);
	int64_t bits[VM_PAGING_LEVELS_LIMIT + 1];
	const size_t parts = cut_bits(paging, bits);

	predict_values(predictions, claim, shape->name, bits, parts, VM_UNIT_BITS,
		"offset, then one index for each level of tables", "intel-sdm:3A:4.3-4.5");
}

static void predict_span(const struct vm_model *model, struct vm_predictions *predictions)
{
	const uint64_t span_bytes = vm_ia32_inner_span_bytes(model->behaviours.ia32_split);
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_IA32);
	const struct vm_table_range whole = {0, 3 * span_bytes - 1};
	const struct vm_table_range gapped[] = {
		{0, span_bytes - 1}, {2 * span_bytes, 3 * span_bytes - 1}};
	uint64_t tables[2][VM_PAGING_LEVELS_LIMIT + 1];

	(void)vm_hierarchical_tables(shape, &whole, 1, 1, tables[0]);
	(void)vm_hierarchical_tables(shape, gapped, 2, 1, tables[1]);
	predict_value(predictions, "xlate.gap-size", "inner-table-span", (int64_t)span_bytes,
		VM_UNIT_BYTES, "an inner table maps as many pages as it has entries", "gios");
	predict_value(predictions, "xlate.gap-size", "tables-saved",
		(int64_t)(tables[0][1] - tables[1][1]), VM_UNIT_COUNT,
		"a gap of one inner table's span needs no inner table", "gios");
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const struct vm_paging_shape *ia32 = vm_paging_shape(VM_PAGING_IA32);
	const struct vm_paging_shape *pae = vm_paging_shape(VM_PAGING_PAE);
	const struct vm_paging_shape *five = vm_paging_shape(VM_PAGING_LEVEL5);

	(void)arguments, (void)readings;
	predict_cut(predictions, "xlate.two-level", VM_PAGING_IA32);
	predict_value(predictions, "xlate.two-level", "table-bytes",
		(int64_t)vm_level_table_bytes(ia32, 1), VM_UNIT_BYTES,
		"1024 entries of 4 bytes fill a page", "epita; osn");
	predict_cut(predictions, "xlate.pae", VM_PAGING_PAE);
	predict_value(predictions, "xlate.pae", "entries-a-table",
		(int64_t)(vm_level_table_bytes(pae, 1) / pae->entry_bytes), VM_UNIT_COUNT,
		"entries of 8 bytes: half as many in a page", "epita");
	predict_value(predictions, "xlate.pae", "process-bytes", INT64_C(1) << pae->virtual_bits,
		VM_UNIT_BYTES, "virtual addresses still have 32 bits", "epita");
	predict_cut(predictions, "xlate.four-level", VM_PAGING_LEVEL4);
	predict_value(predictions, "xlate.four-level", "first-address-of-the-hole",
		INT64_C(1) << (vm_paging_shape(VM_PAGING_LEVEL4)->virtual_bits - 1),
		VM_UNIT_ADDRESS, "the user half is the lower half of 48 bits", "epita; lmm");
	predict_cut(predictions, "xlate.five-level", VM_PAGING_LEVEL5);
	predict_value(predictions, "xlate.five-level", "virtual-bits", five->virtual_bits,
		VM_UNIT_BITS, "nine bits more than four levels", "epita");
	predict_value(predictions, "xlate.physical-width", "reserved-address-bits",
		VM_PTE_ADDRESS_BITS - host->cpu.physical_bits, VM_UNIT_BITS,
		"the format has 52 bits, this processor implements what CPUID says",
		"intel-sdm:3A:4.1.4");
	predict_span(model, predictions);
}

/* Finds each part's bits by flipping one address bit after the other and looking what moves. */
static void show_cut(struct check_shown *shown, enum vm_paging paging)
{
	const struct vm_paging_shape *shape = vm_paging_shape(paging);
	int64_t bits[VM_PAGING_LEVELS_LIMIT + 1] = {0};

	for (unsigned bit = 0; bit < shape->virtual_bits; bit++) {
		unsigned level = shape->levels;
		while (level > 0 && vm_level_index(shape, level, UINT64_C(1) << bit) == 0)
			level--;
		bits[level]++;
	}
	show_values(shown, shape->name, "", bits, (size_t)shape->levels + 1, VM_UNIT_BITS,
		"bit by bit");
}

/* One frame of tables in which every entry is the same. */
struct one_table {
	uint64_t entry;
};

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct one_table *table = context;

	(void)address, (void)entry_bytes;
	*value = table->entry;
	return true;
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	(void)context, (void)address, (void)entry_bytes, (void)value;
}

/* Sets each address bit of an entry in turn, and counts the faults for reserved bits. */
static int64_t count_reserved(const struct vm_host *host)
{
	struct one_table table = {0};
	const struct vm_physical physical = {&table, load, store};
	const struct vm_mmu mmu = {.paging = VM_PAGING_LEVEL4,
		.physical_bits = host->cpu.physical_bits,
		.no_execute = true,
		.page_1g = true};
	const struct vm_access access = {.user = true};
	int64_t reserved = 0;

	for (unsigned bit = VM_PAGE_SHIFT; bit < VM_PTE_ADDRESS_BITS; bit++) {
		table.entry = VM_PTE_PRESENT | VM_PTE_USER | UINT64_C(1) << bit;
		const struct vm_walk walk = vm_walk(&mmu, &physical, &access);
		reserved += (walk.error_code & VM_FAULT_RESERVED) != 0;
	}
	return reserved;
}

/* Pages that lead through the same entry of the top table as page 0. */
static uint64_t span_of_inner_table(void)
{
	const struct vm_paging_shape *shape = vm_paging_shape(VM_PAGING_IA32);
	uint64_t address = 0;

	while (vm_level_index(shape, 2, address) == 0)
		address += VM_PAGE_BYTES;
	return address;
}

static uint64_t first_hole(void)
{
	uint64_t low = 0, high = UINT64_MAX / 2;

	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;
		if (vm_is_canonical(VM_PAGING_LEVEL4, middle))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	(void)arguments;
	for (enum vm_paging paging = 0; paging < VM_PAGING_LIMIT; paging++)
		show_cut(shown, paging);
	show_value(shown, "table-bytes", INT64_C(1024) * 4, VM_UNIT_BYTES, "epita");
	show_value(shown, "entries-a-table", 512, VM_UNIT_COUNT, "epita");
	show_value(shown, "process-bytes", 4 * (int64_t)VM_GIB_BYTES, VM_UNIT_BYTES, "epita");
	show_value(shown, "first-address-of-the-hole", (int64_t)first_hole(), VM_UNIT_ADDRESS,
		"bisection");
	show_value(shown, "virtual-bits", 57, VM_UNIT_BITS, "epita");
	show_value(shown, "reserved-address-bits", count_reserved(host), VM_UNIT_BITS, "walker");
	show_value(shown, "inner-table-span", (int64_t)span_of_inner_table(), VM_UNIT_BYTES,
		"page by page");
	show_value(shown, "tables-saved", 1, VM_UNIT_COUNT, "gios");
}

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	(void)arguments;
	return host->cpu.physical_bits >= 32 && host->cpu.physical_bits <= VM_PTE_ADDRESS_BITS;
}

static const char *const claims[] = {"xlate.two-level", "xlate.pae", "xlate.four-level",
	"xlate.five-level", "xlate.physical-width", "xlate.gap-size", NULL};

PROBE(shapes) = {
	.name = "xlate.shapes",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "How do the tables of x86 cut up an address, and what does a gap save?",
	.method = "Predicts parts and sizes from the shapes; finds them again bit by bit, page by "
		  "page, by bisection, and by walking entries with one bit set.",
	.threats = "Shape and search share the index function: the walker's tests use another.",
	.by_hand = "mmconform model walk --mode pae --map 0x400000=0x5000 0x400000",
	.suits = suits,
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
