/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the processor: loads, stores and fetches of a process. */
#include "demand/fault.h"
#include "frame/frame.h"

static uint64_t next_page(uint64_t address)
{
	return vm_align_down(address, VM_PAGE_BYTES) + VM_PAGE_BYTES;
}

static uint32_t offset_in_page(uint64_t address)
{
	return (uint32_t)(address & (VM_PAGE_BYTES - 1));
}

void operation_read(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->address + op->length;
	uint32_t frame = NONE;

	for (uint64_t address = op->address; address < end; address = next_page(address)) {
		if (!access_by_processor(m, op->process, address, VM_ACCESS_READ, &frame))
			return;
		const uint64_t stop = next_page(address) < end ? next_page(address) : end;
		for (uint64_t at = address; at < stop; at++) {
			const size_t i = m->outcome->out_count++;
			if (op->out != NULL && i < op->out_size)
				op->out[i] = frame_byte(m, frame, offset_in_page(at));
		}
	}
}

void operation_write(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->address + op->length;
	uint32_t frame = NONE;

	for (uint64_t address = op->address; address < end; address = next_page(address)) {
		if (!access_by_processor(m, op->process, address, VM_ACCESS_WRITE, &frame))
			return;
		const uint64_t stop = next_page(address) < end ? next_page(address) : end;
		frame_fill(m, frame, offset_in_page(address),
			offset_in_page(address) + (uint32_t)(stop - address), op->value);
	}
}

void operation_touch(struct vm_machine *m, bool write)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->address + op->length;
	const enum vm_access_kind kind = write ? VM_ACCESS_WRITE : VM_ACCESS_READ;
	uint32_t frame = NONE;

	for (uint64_t address = op->address; address < end; address = next_page(address)) {
		if (!access_by_processor(m, op->process, address, kind, &frame))
			return;
		if (write)
			frame_fill(m, frame, offset_in_page(address), offset_in_page(address) + 1,
				op->value);
	}
}

void operation_execute(struct vm_machine *m)
{
	uint32_t frame = NONE;

	(void)access_by_processor(
		m, m->operation->process, m->operation->address, VM_ACCESS_FETCH, &frame);
}
