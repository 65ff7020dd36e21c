/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that a ring of io_uring has pinned for good: linux:6.12:io_uring/rsrc.c:
 * io_sqe_buffer_register. They are the caller's own and writable when they are pinned, and the
 * buffer is these frames from then on, wherever its addresses lead.
 */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/contents.h"
#include "machine/outcome.h"
#include "xlate/tree.h"

static uint32_t pin_pages(uint64_t address, uint64_t length)
{
	return (uint32_t)vm_bytes_to_pages_ceil(address % VM_PAGE_BYTES + length);
}

/* linux:6.12:mm/gup.c:gup_fast_pte_range, gup_fast_folio_allowed: written already, no disk's */
static bool tables_let_pin(
	const struct vm_machine *m, uint32_t mm, uint64_t address, uint32_t *frame)
{
	const struct place place = place_of(m, mm, address);
	const uint64_t leaf = entry_get(m, place);
	const uint32_t area = area_holding(m, mm, address);

	if (area == NONE || leaf == 0 || !leaf_is_present(leaf) || !leaf_is_writable(leaf) ||
		area_is_secret(m, area_of(m, area)))
		return false;
	*frame = leaf_frame(leaf) + (uint32_t)vm_bytes_to_pages_floor(
					    vm_align_down(address, VM_PAGE_BYTES) - place.address);
	return folio_has(m, *frame, FOLIO_ANONYMOUS) || folio_has(m, *frame, FOLIO_SWAP_BACKED);
}

/* linux:6.12:mm/gup.c:writable_file_mapping_allowed */
static bool area_may_pin(const struct vm_machine *m, uint32_t mm, uint64_t address)
{
	const uint32_t number = area_holding(m, mm, address);

	if (number == NONE || !m->behaviours.pin_asks_areas)
		return true;
	const struct area *area = area_of(m, number);
	return (area->flags & VM_AREA(SHARED)) == 0 || area->object == NONE ||
	       object_of(m, area->object)->kind != VM_FILE_DISK;
}

/* Where the page is now; it may stand in the range twice. False: no room. */
static bool move(struct vm_machine *m, uint32_t *frames, uint32_t last)
{
	const uint32_t from = frames[last];

	if (folio_pages(m, from) > 1 || frame_of(m, from)->held != 0)
		return true;
	const uint32_t to = page_move(m, from);
	for (uint32_t i = 0; i <= last; i++)
		frames[i] = frames[i] == from ? to : frames[i];
	return to != NONE;
}

/*
 * Pages of the range, one by one; false where one cannot be had. What lies in a movable zone, or in
 * memory kept for contiguous allocation, is not had without the lock, and is moved out of there:
 * linux:6.12:mm/gup.c:gup_fast_folio_allowed, check_and_migrate_movable_pages.
 */
static bool take_pages(struct vm_machine *m, uint32_t mm, uint32_t *frames, uint32_t count)
{
	const uint64_t start = vm_align_down(m->operation->address, VM_PAGE_BYTES);
	bool by_tables = m->behaviours.pin_asks_tables;

	for (uint32_t i = 0; i < count; i++) {
		const struct kernel_access access = {.mm = mm,
			.address = start + vm_pages_to_bytes(i),
			.write = true,
			.pinned = true,
			.holds_lock = !m->behaviours.pin_asks_tables,
			.untouched = !m->behaviours.pin_asks_tables};

		const bool moves = choose(m, VM_FREEDOM_MIGRATION);
		by_tables =
			by_tables && !moves && tables_let_pin(m, mm, access.address, &frames[i]);
		if (by_tables)
			folio_set(m, frames[i], FOLIO_MAYBE_REFERENCED);
		else if (!area_may_pin(m, mm, access.address) ||
			 access_by_kernel(m, &access, &frames[i]) != FAULT_DONE)
			return false;
		if (moves && !move(m, frames, i))
			return false;
	}
	return true;
}

/*
 * linux:6.1:io_uring/rsrc.c:io_pin_pages: what the areas are is asked when the pages are there, and
 * all of them must be of one open file, or of none.
 */
static int32_t refuse_afterwards(const struct vm_machine *m, uint32_t mm, uint32_t count)
{
	const uint64_t start = vm_align_down(m->operation->address, VM_PAGE_BYTES);
	const struct area *first = area_of(m, area_holding(m, mm, start));

	for (uint32_t i = 0; i < count; i++) {
		const struct area *area =
			area_of(m, area_holding(m, mm, start + vm_pages_to_bytes(i)));
		if (area->object != first->object || area->read_only_file != first->read_only_file)
			return VM_EINVAL;
		if (area->object != NONE && object_of(m, area->object)->kind == VM_FILE_DISK)
			return VM_EOPNOTSUPP;
	}
	return 0;
}

static bool any_large(const struct vm_machine *m, const uint32_t *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (folio_pages(m, frames[i]) > 1 || folio_has(m, frames[i], FOLIO_HUGETLB))
			return true;
	return false;
}

static int32_t pin(struct vm_machine *m, uint32_t *frames, uint32_t count)
{
	const uint32_t mm = processes_of(m)[m->operation->process].mm;

	if (!take_pages(m, mm, frames, count)) {
		rule_obey(m, RULE_COW_PIN_REFUSED);
		return VM_EFAULT;
	}
	if (any_large(m, frames, count)) {
		outcome_silent(m, "what a pin of a part of a large page keeps from being done to "
				  "all of it");
		return 0;
	}
	const int32_t error = m->behaviours.pin_asks_areas ? 0 : refuse_afterwards(m, mm, count);
	if (error != 0) {
		rule_obey(m, RULE_COW_PIN_AFTERWARDS);
		return error;
	}
	if ((m->host.capabilities & VM_CAPABILITY_IPC_LOCK) == 0 &&
		vm_pages_to_bytes(count) > m->host.memlock_limit_bytes) {
		rule_obey(m, RULE_COW_PIN_LIMIT);
		return VM_ENOMEM;
	}
	return 0;
}

void operation_pin(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t count = pin_pages(op->address, op->length);
	struct pin made = {.address = op->address, .length = op->length};

	if (m->pin.length != 0) {
		outcome_fail(m, VM_EBUSY);
		return;
	}
	if (op->length == 0) {
		outcome_fail(m, VM_EFAULT);
		return;
	}
	if (count > VM_PIN_PAGES) {
		outcome_silent(m, "more pages than this machine pins");
		return;
	}
	const int32_t error = pin(m, made.frames, count);
	if (error != 0 || m->outcome->silent != NULL) {
		outcome_error(m, error);
		return;
	}
	rule_obey(m, RULE_COW_PIN);
	for (uint32_t i = 0; i < count; i++) {
		frame_of(m, made.frames[i])->held++;
		frame_of(m, made.frames[i])->pinned = true;
	}
	m->pin = made;
}

void pin_drop(struct vm_machine *m)
{
	const uint32_t count = m->pin.length == 0 ? 0 : pin_pages(m->pin.address, m->pin.length);

	for (uint32_t i = 0; i < count; i++) {
		struct frame *frame = frame_of(m, m->pin.frames[i]);
		frame->held--;
		frame->pinned = false;
		folio_free_if_unused(m, m->pin.frames[i]);
	}
	m->pin.length = 0;
}

void operation_unpin(struct vm_machine *m)
{
	if (m->pin.length == 0)
		outcome_fail(m, VM_ENXIO);
	pin_drop(m);
}

/* The frame and the place in it of a byte of the buffer; NONE: not in the buffer. */
static uint32_t pinned_frame(const struct vm_machine *m, uint64_t address, uint32_t *offset)
{
	const uint64_t start = vm_align_down(m->pin.address, VM_PAGE_BYTES);

	*offset = (uint32_t)(address % VM_PAGE_BYTES);
	return m->pin.frames[vm_bytes_to_pages_floor(address - start)];
}

/* linux:6.12:io_uring/rsrc.c:io_import_fixed */
static bool lies_in_buffer(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = m->pin.address + m->pin.length;

	rule_obey(m, RULE_COW_PINNED_IO);
	if (m->pin.length != 0 && op->address >= m->pin.address && op->address <= end &&
		op->length <= end - op->address)
		return true;
	outcome_fail(m, VM_EFAULT);
	return false;
}

void operation_pinned_read(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	if (!lies_in_buffer(m))
		return;
	for (uint64_t i = 0; i < op->length; i++) {
		uint32_t offset = 0;
		const uint32_t frame = pinned_frame(m, op->address + i, &offset);
		const size_t at = m->outcome->out_count++;
		if (op->out != NULL && at < op->out_size)
			op->out[at] = frame_byte(m, frame, offset);
	}
	m->outcome->result = (int64_t)op->length;
}

void operation_pinned_write(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;

	if (!lies_in_buffer(m))
		return;
	for (uint64_t at = op->address; at < op->address + op->length;) {
		const uint64_t page_end = vm_align_down(at, VM_PAGE_BYTES) + VM_PAGE_BYTES;
		const uint64_t end = op->address + op->length;
		const uint64_t stop = page_end < end ? page_end : end;
		uint32_t offset = 0;
		const uint32_t frame = pinned_frame(m, at, &offset);

		frame_fill(m, frame, offset, offset + (uint32_t)(stop - at), op->value);
		at = stop;
	}
	m->outcome->result = (int64_t)op->length;
}
