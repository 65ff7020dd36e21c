/* SPDX-License-Identifier: Apache-2.0 */
/* What the bits of an entry do: found by setting one after the other and walking. */
#include "probe/probe.h"
#include "probe/show.h"
#include "probe/simulate.h"
#include "vm/model.h"
#include "vm/walk.h"

#define ENTRY_BITS	  64
#define ENTRY_SHIFT(mask) ((int64_t)__builtin_ctzll(mask))

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	const int64_t bits[] = {ENTRY_SHIFT(VM_PTE_PRESENT), ENTRY_SHIFT(VM_PTE_WRITABLE),
		ENTRY_SHIFT(VM_PTE_USER), ENTRY_SHIFT(VM_PTE_ACCESSED), ENTRY_SHIFT(VM_PTE_DIRTY),
		ENTRY_SHIFT(VM_PTE_LARGE), ENTRY_SHIFT(VM_PTE_NO_EXECUTE)};
	static const int64_t after_each[] = {1, 0, 1, 1, 1, 0};

	(void)host, (void)arguments, (void)readings;
	predict_values(predictions, "xlate.pte-bits", "bits", bits, 7, VM_UNIT_COUNT,
		"present, writable, user, accessed, dirty, large, no-execute", "gios; wut");
	predict_value(predictions, "xlate.user-bit", "user-access-needs-bit",
		model->behaviours.user_bit == VM_USER_BIT_SET_IS_USER ? 1 : 0, VM_UNIT_BOOL,
		"the U/S bit tells user pages from the supervisor's", "gios");
	predict_value(predictions, "xlate.read-bit", "bits-that-forbid-reading",
		model->behaviours.read_bit == VM_READ_BIT_NONE ? 0 : 1, VM_UNIT_COUNT,
		"whether an entry can be present and not readable", "gios; osn");
	predict_values(predictions, "xlate.accessed-dirty", "accessed-and-dirty", after_each, 6,
		VM_UNIT_BOOL,
		"after a read, after a write, and after a read when software cleared both", "gios");
}

/* Tables whose upper entries allow everything; the leaf is the one under test. */
struct tables {
	uint64_t leaf;
	unsigned leaf_level;
};

static bool load(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct tables *tables = context;
	/* The table of level n lies at page n. */
	const unsigned level = (unsigned)vm_bytes_to_pages_floor(address);

	(void)entry_bytes;
	*value = level == tables->leaf_level ? tables->leaf
					     : VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER |
						       vm_pages_to_bytes(level - 1);
	return true;
}

static void store(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	struct tables *tables = context;

	(void)entry_bytes;
	if (vm_bytes_to_pages_floor(address) == tables->leaf_level)
		tables->leaf = value;
}

static struct vm_walk try(struct tables *tables, enum vm_access_kind kind)
{
	const struct vm_physical physical = {tables, load, store};
	const struct vm_mmu mmu = {.paging = VM_PAGING_LEVEL4,
		.root = vm_pages_to_bytes(4),
		.physical_bits = VM_PTE_ADDRESS_BITS,
		.write_protect = true,
		.no_execute = true,
		.page_1g = true};
	const struct vm_access access = {.kind = kind, .user = true};

	return vm_walk(&mmu, &physical, &access);
}

static bool allowed(uint64_t leaf, unsigned level, enum vm_access_kind kind)
{
	struct tables tables = {leaf, level};

	return try(&tables, kind).outcome == VM_WALK_TRANSLATED;
}

/* The only bit without which (or with which) the access changes its fate; -1: none or several. */
static int64_t deciding_bit(enum vm_access_kind kind, uint64_t base, bool forbids)
{
	int64_t found = -1;

	for (unsigned bit = 0; bit < ENTRY_BITS; bit++) {
		const uint64_t flipped = base ^ UINT64_C(1) << bit;
		const bool is_set = (base >> bit & 1) != 0;
		if (is_set == forbids || allowed(flipped, 1, kind) == allowed(base, 1, kind))
			continue;
		found = found == -1 ? (int64_t)bit : -2;
	}
	return found;
}

static int64_t bit_set_by(enum vm_access_kind kind, uint64_t without)
{
	struct tables tables = {VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER | without, 1};
	const uint64_t before = tables.leaf;

	(void)try(&tables, kind);
	const uint64_t set = tables.leaf ^ before;
	return set != 0 && (set & (set - 1)) == 0 ? ENTRY_SHIFT(set) : -1;
}

static int64_t large_bit(void)
{
	int64_t found = -1;

	for (unsigned bit = 0; bit < VM_PAGE_SHIFT; bit++) {
		struct tables tables = {VM_PTE_PRESENT | VM_PTE_USER | UINT64_C(1) << bit, 2};
		if (try(&tables, VM_ACCESS_READ).page_shift > VM_PAGE_SHIFT)
			found = (int64_t)bit;
	}
	return found;
}

/* Every other bit in turn, on an entry that can be read: does one of them stop a read? */
static int64_t bits_that_forbid_reading(void)
{
	const uint64_t readable = VM_PTE_PRESENT | VM_PTE_USER;
	int64_t count = 0;

	for (unsigned bit = 0; bit < ENTRY_BITS; bit++)
		if ((readable >> bit & 1) == 0)
			count += !allowed(readable | UINT64_C(1) << bit, 1, VM_ACCESS_READ);
	return count;
}

static void show(const struct vm_host *host, const struct probe_arguments *arguments,
	struct check_shown *shown)
{
	const uint64_t all = VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER;
	struct tables tables = {all, 1};
	int64_t states[6];
	const int64_t present = deciding_bit(VM_ACCESS_READ, all & ~VM_PTE_PRESENT, true);
	const int64_t bits[] = {present,
		deciding_bit(VM_ACCESS_WRITE, all & ~VM_PTE_WRITABLE, true),
		deciding_bit(VM_ACCESS_READ, all & ~VM_PTE_USER, true),
		bit_set_by(VM_ACCESS_READ, 0), bit_set_by(VM_ACCESS_WRITE, VM_PTE_ACCESSED),
		large_bit(), deciding_bit(VM_ACCESS_FETCH, all, true)};

	(void)host, (void)arguments;
	show_values(shown, "bits", "", bits, 7, VM_UNIT_COUNT, "walker");
	show_value(shown, "user-access-needs-bit",
		allowed(all, 1, VM_ACCESS_READ) && !allowed(all & ~VM_PTE_USER, 1, VM_ACCESS_READ),
		VM_UNIT_BOOL, "walker");
	show_value(shown, "bits-that-forbid-reading", bits_that_forbid_reading(), VM_UNIT_COUNT,
		"walker");
	for (size_t i = 0; i < 3; i++) {
		if (i == 2)
			tables.leaf &= ~(VM_PTE_ACCESSED | VM_PTE_DIRTY);
		(void)try(&tables, i == 1 ? VM_ACCESS_WRITE : VM_ACCESS_READ);
		states[2 * i] = (tables.leaf & VM_PTE_ACCESSED) != 0;
		states[2 * i + 1] = (tables.leaf & VM_PTE_DIRTY) != 0;
	}
	show_values(shown, "accessed-and-dirty", "", states, 6, VM_UNIT_BOOL, "walker");
}

static const char *const claims[] = {
	"xlate.pte-bits", "xlate.user-bit", "xlate.read-bit", "xlate.accessed-dirty", NULL};

PROBE(entries) = {
	.name = "xlate.entries",
	.kind = PROBE_MODEL,
	.claims = claims,
	.question = "What does each bit of a page-table entry do?",
	.method = "Sets one bit after the other and walks: which decides a read, a write, a fetch, "
		  "which are set by an access, which makes a leaf.",
	.threats = "Two bits with one effect would hide each other: then no bit is found.",
	.by_hand = "mmconform model walk --map 0x400000=0x5000,r 0x400000:w",
	.predict = PREDICTS(predict),
	.show = SHOWS(show),
};
