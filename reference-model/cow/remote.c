/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doors into another address space: linux:6.12:mm/process_vm_access.c:process_vm_rw_pages,
 * fs/proc/base.c:mem_rw, mm/memory.c:__access_remote_vm.
 */
#include "area/area.h"
#include "cow/cow.h"
#include "demand/fault.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/outcome.h"

static void transfer(struct vm_machine *m, uint32_t frame, uint64_t start, uint64_t end, bool write)
{
	const struct vm_operation *op = m->operation;
	const uint32_t offset = (uint32_t)(start & (VM_PAGE_BYTES - 1));

	if (write) {
		frame_fill(m, frame, offset, offset + (uint32_t)(end - start), op->value);
		if (!folio_has(m, frame, FOLIO_ANONYMOUS))
			cache_mark_dirty(m, frame);
		else
			folio_set(m, frame, FOLIO_DIRTY);
		return;
	}
	for (uint64_t i = 0; i < end - start; i++) {
		const size_t at = m->outcome->out_count++;
		if (op->out != NULL && at < op->out_size)
			op->out[at] = frame_byte(m, frame, offset + (uint32_t)i);
	}
}

enum door { DOOR_CALL, DOOR_FILE, DOOR_TRACER };

/* Page by page until one cannot be had; what was done before stays done. */
static uint64_t copy_pages(struct vm_machine *m, uint64_t length, bool write, enum door door)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->address + length;
	struct kernel_access access = {.mm = processes_of(m)[op->other].mm,
		.write = write,
		.forced = door == DOOR_TRACER || (door == DOOR_FILE && m->behaviours.mem_forced),
		.holds_lock = door != DOOR_CALL,
		.grows_stack = door != DOOR_CALL,
		.pinned = door == DOOR_CALL};
	uint64_t address = op->address;

	while (address < end) {
		uint64_t stop = vm_align_down(address, VM_PAGE_BYTES) + VM_PAGE_BYTES;
		uint32_t frame = NONE;

		if (stop > end)
			stop = end;
		access.address = address;
		if (access_by_kernel(m, &access, &frame) != FAULT_DONE)
			break;
		transfer(m, frame, address, stop, write);
		address = stop;
	}
	return address - op->address;
}

static void finish(struct vm_machine *m, uint64_t done, int32_t error)
{
	if (done == 0 && m->operation->length != 0)
		outcome_fail(m, error);
	else
		m->outcome->result = (int64_t)done;
}

void operation_remote(struct vm_machine *m, bool write)
{
	rule_obey(m, write ? RULE_COW_REMOTE_WRITE : RULE_COW_REMOTE_READ);
	finish(m, copy_pages(m, m->operation->length, write, DOOR_CALL), VM_EFAULT);
}

void operation_mem(struct vm_machine *m, bool write)
{
	rule_obey(m, write ? RULE_COW_FORCED_WRITE : RULE_COW_FORCED_READ);
	finish(m, copy_pages(m, m->operation->length, write, DOOR_FILE), VM_EIO);
}

void operation_poke(struct vm_machine *m)
{
	rule_obey(m, RULE_COW_POKE);
	if (copy_pages(m, VM_POKE_BYTES, true, DOOR_TRACER) != VM_POKE_BYTES)
		outcome_fail(m, VM_EIO);
}
