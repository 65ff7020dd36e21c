/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that lie in a pipe: linux:6.12:fs/splice.c:vmsplice_to_pipe. The pipe holds a reference to
 * each, and has no copy of it.
 */
#include "cow/cow.h"
#include "demand/fault.h"
#include "frame/frame.h"
#include "machine/outcome.h"

static void put_in(struct vm_machine *m, uint32_t frame, uint64_t start, uint64_t end)
{
	if (!is_zero_frame(m, frame))
		frame_of(m, frame)->held++;
	m->pipe[m->pipe_count++] = (struct pipe_part){.frame = frame,
		.offset = (uint32_t)(start & (VM_PAGE_BYTES - 1)),
		.length = (uint32_t)(end - start)};
}

/* linux:6.12:fs/splice.c:iter_to_pipe: page by page, until the first that cannot be had */
void operation_splice(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint64_t end = op->address + op->length;
	const uint64_t pages = vm_bytes_to_pages_ceil(op->address % VM_PAGE_BYTES + op->length);
	uint64_t address = op->address;

	if (m->pipe_count + pages > PIPE_PARTS_LIMIT) {
		outcome_silent(m, "how much of a range a pipe takes that is nearly full");
		return;
	}
	rule_obey(m, RULE_COW_SPLICE);
	while (address < end) {
		const struct kernel_access access = {
			.mm = processes_of(m)[op->process].mm, .address = address};
		uint64_t stop = vm_align_down(address, VM_PAGE_BYTES) + VM_PAGE_BYTES;
		uint32_t frame = NONE;

		if (stop > end)
			stop = end;
		if (!access_by_tables(m, access.mm, address, &frame) &&
			access_by_kernel(m, &access, &frame) != FAULT_DONE)
			break;
		if (!is_zero_frame(m, frame) &&
			(folio_pages(m, frame) > 1 || folio_has(m, frame, FOLIO_HUGETLB))) {
			outcome_silent(m, "what a reference to a part of a large page keeps from "
					  "being done to all of it");
			return;
		}
		put_in(m, frame, address, stop);
		address = stop;
	}
	if (address == op->address && op->length != 0)
		outcome_fail(m, VM_EFAULT);
	else
		m->outcome->result = (int64_t)(address - op->address);
}

static void let_go(struct vm_machine *m, const struct pipe_part *part)
{
	if (is_zero_frame(m, part->frame))
		return;
	frame_of(m, part->frame)->held--;
	folio_free_if_unused(m, part->frame);
}

void pipe_drop(struct vm_machine *m)
{
	for (uint32_t i = 0; i < m->pipe_count; i++)
		let_go(m, &m->pipe[i]);
	m->pipe_count = 0;
}

static void read_part(struct vm_machine *m, const struct pipe_part *part)
{
	const struct vm_operation *op = m->operation;

	for (uint32_t i = 0; i < part->length; i++) {
		const size_t at = m->outcome->out_count++;
		if (op->out != NULL && at < op->out_size)
			op->out[at] = is_zero_frame(m, part->frame)
					      ? 0
					      : frame_byte(m, part->frame, part->offset + i);
	}
}

void operation_splice_read(struct vm_machine *m)
{
	if (m->pipe_count == 0) {
		outcome_fail(m, VM_EAGAIN);
		return;
	}
	rule_obey(m, RULE_COW_SPLICE);
	for (uint32_t i = 0; i < m->pipe_count; i++)
		read_part(m, &m->pipe[i]);
	pipe_drop(m);
	m->outcome->result = (int64_t)m->outcome->out_count;
}
