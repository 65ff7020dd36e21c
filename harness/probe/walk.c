/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/walk.h"

#include <string.h>

#include "probe/moving.h"
#include "vm/linux_entry.h"
#include "vm/model.h"

/* Control registers, as "registers" has them, and their bits: intel-sdm:3A:2.5. */
enum { CR0, CR3, CR4, EFER, REGISTERS };

#define CR0_WRITE_PROTECT_BIT 16
#define CR4_LA57_BIT	      12
#define CR4_SMEP_BIT	      20
#define CR4_SMAP_BIT	      21
#define EFER_NO_EXECUTE_BIT   11

static const char *const inputs[] = {"registers", "entries", "address"};

#define INPUTS_COUNT (sizeof(inputs) / sizeof(inputs[0]))

/* Physical memory as far as it was read: an entry that nobody fetched is not there. */
static bool load_reading(void *context, uint64_t address, unsigned entry_bytes, uint64_t *value)
{
	const struct probe_reading *entries = context;

	(void)entry_bytes;
	for (size_t i = 0; i + 1 < entries->values_count; i += 2)
		if ((uint64_t)entries->values[i] == address) {
			*value = (uint64_t)entries->values[i + 1];
			return true;
		}
	return false;
}

/* A look, not an access: what it would mark is not marked. */
static void store_nothing(void *context, uint64_t address, unsigned entry_bytes, uint64_t value)
{
	(void)context, (void)address, (void)entry_bytes, (void)value;
}

static bool bit(int64_t word, unsigned number)
{
	return ((uint64_t)word >> number & 1) != 0;
}

static struct vm_mmu mmu_of(
	const struct vm_model *model, const struct vm_host *host, const int64_t *registers)
{
	struct vm_mmu mmu = {
		.paging = bit(registers[CR4], CR4_LA57_BIT) ? VM_PAGING_LEVEL5 : VM_PAGING_LEVEL4,
		.root = (uint64_t)registers[CR3] & VM_PTE_ADDRESS_MASK,
		.physical_bits = host->cpu.physical_bits,
		.write_protect = bit(registers[CR0], CR0_WRITE_PROTECT_BIT),
		.large_pages = true,
		.page_1g = host->cpu.page_1g,
		.no_execute = bit(registers[EFER], EFER_NO_EXECUTE_BIT),
		.smep = bit(registers[CR4], CR4_SMEP_BIT),
		.smap = bit(registers[CR4], CR4_SMAP_BIT),
		.alignment_check = true,
	};

	vm_mmu_set_behaviours(&mmu, &model->behaviours);
	return mmu;
}

bool walk_of_readings(const struct vm_model *model, const struct vm_host *host,
	const struct probe_readings *readings, const char *at, const struct vm_access *access,
	struct vm_walk *walk)
{
	const struct probe_reading *registers = probe_reading_of(readings, "registers", at);
	const struct probe_reading *entries = probe_reading_of(readings, "entries", at);

	if (registers == NULL || entries == NULL || registers->values_count != REGISTERS)
		return false;
	const struct vm_mmu mmu = mmu_of(model, host, registers->values);
	struct probe_reading memory = *entries;
	const struct vm_physical physical = {&memory, load_reading, store_nothing};
	*walk = vm_walk(&mmu, &physical, access);
	return true;
}

/* Letters of "info tlb", by their place in XGPDACTUW: qemu:7.2:target/i386/monitor.c:print_pte */
static int64_t letters_of(uint64_t entry)
{
	static const uint64_t bits[] = {VM_PTE_NO_EXECUTE, VM_PTE_GLOBAL, VM_PTE_LARGE,
		VM_PTE_DIRTY, VM_PTE_ACCESSED, VM_PTE_CACHE_DISABLE, VM_PTE_WRITE_THROUGH,
		VM_PTE_USER, VM_PTE_WRITABLE};
	int64_t letters = 0;

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if ((entry & bits[i]) != 0)
			letters |= INT64_C(1) << i;
	return letters;
}

static const struct vm_prediction about_translated = {
	.claim = "xlate.software-walk",
	.quantity = "translated",
	.unit = VM_UNIT_BYTES,
	.because = "the model's walk from CR3 over the entries in the guest's memory",
	.cite = "intel-sdm:3A:4.5",
};
static const struct vm_prediction about_listed = {
	.claim = "xlate.software-walk",
	.quantity = "listed",
	.unit = VM_UNIT_FLAGS,
	.because = "the page that the walk ends in, and the bits of its leaf",
	.cite = "intel-sdm:3A:4.5",
};
static const struct vm_prediction about_frame = {
	.claim = "xlate.software-walk",
	.quantity = "frame",
	.unit = VM_UNIT_FRAME,
	.because = "the leaf as Linux writes it: a frame, also of a page without access, or a "
		   "place in "
		   "swap",
	.cite = "linux:6.12:fs/proc/task_mmu.c:pte_to_pagemap_entry",
};

static void predict_values(struct vm_predictions *predictions, const struct vm_prediction *about,
	const char *at, const int64_t *values, size_t values_count)
{
	struct vm_prediction prediction = *about;

	prediction.at = at;
	if (values == NULL) {
		predict_rule(predictions, &prediction, inputs, INPUTS_COUNT);
		return;
	}
	prediction.form = VM_FORM_EXACT;
	prediction.values = values;
	prediction.values_count = values_count;
	vm_predict(predictions, &prediction);
}

static void predict_from_walk(const struct vm_walk *walk, uint64_t address, bool of_user,
	const char *at, struct vm_predictions *predictions)
{
	const struct vm_walk_step *leaf = &walk->steps[walk->steps_count - 1];
	const bool found = walk->outcome == VM_WALK_TRANSLATED;
	const uint64_t offset = found ? address & ((UINT64_C(1) << walk->page_shift) - 1) : 0;
	const struct vm_entry_view view = vm_entry_decode(leaf->before, leaf->level);
	const uint64_t inside =
		address & ((UINT64_C(1) << (VM_PAGE_SHIFT + 9 * (leaf->level - 1))) - 1);
	const int64_t translated = found ? (int64_t)walk->physical : -1;
	const int64_t listed[] = {found ? (int64_t)(walk->physical - offset) : -1,
		found ? letters_of(leaf->before) : 0};
	const int64_t frame[] = {
		(int64_t)vm_entry_pagemap_frame(&view, vm_bytes_to_pages_floor(inside)),
		(int64_t)vm_entry_pagemap_state(&view)};

	predict_values(predictions, &about_translated, at, &translated, 1);
	predict_values(predictions, &about_listed, at, listed, 2);
	if (of_user)
		predict_values(predictions, &about_frame, at, frame, 2);
}

void predict_walk(const struct vm_model *model, const struct vm_host *host, uint64_t address,
	const char *at, const struct probe_readings *readings, struct vm_predictions *predictions)
{
	const struct probe_reading *given = probe_reading_of(readings, "address", at);
	struct vm_walk walk;
	struct vm_access access = {.address = address, .kind = VM_ACCESS_READ};
	const bool of_user = address != 0;

	if (!of_user && given != NULL)
		access.address = (uint64_t)given->values[0];
	if (given != NULL && walk_of_readings(model, host, readings, at, &access, &walk) &&
		walk.steps_count != 0) {
		predict_from_walk(&walk, access.address, of_user, at, predictions);
		return;
	}
	predict_values(predictions, &about_translated, at, NULL, 0);
	predict_values(predictions, &about_listed, at, NULL, 0);
	if (of_user)
		predict_values(predictions, &about_frame, at, NULL, 0);
}

void predict_readable(const struct vm_model *model, const struct vm_host *host, const char *at,
	const struct probe_readings *readings, struct vm_predictions *predictions)
{
	static const struct vm_prediction about = {
		.claim = "xlate.user-bit",
		.quantity = "readable",
		.unit = VM_UNIT_BOOL,
		.because = "the user bits of all entries on the way, together",
		.cite = "intel-sdm:3A:4.6.1",
	};
	const struct probe_reading *given = probe_reading_of(readings, "address", at);
	struct vm_access access = {.kind = VM_ACCESS_READ, .user = true};
	struct vm_walk walk;

	if (given != NULL)
		access.address = (uint64_t)given->values[0];
	if (given == NULL || !walk_of_readings(model, host, readings, at, &access, &walk)) {
		predict_values(predictions, &about, at, NULL, 0);
		return;
	}
	const int64_t readable = walk.outcome == VM_WALK_TRANSLATED;
	predict_values(predictions, &about, at, &readable, 1);
}
