/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mincore.c, mm/msync.c */
#include "area/area.h"
#include "frame/cache.h"
#include "frame/frame.h"
#include "machine/observe.h"
#include "machine/outcome.h"

void operation_mincore(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t mm = processes_of(m)[op->process].mm;
	const uint64_t top = m->setup.mmap_top;
	const uint64_t end = op->address + vm_align_up(op->length, VM_PAGE_BYTES);

	if (!vm_is_aligned(op->address, VM_PAGE_BYTES)) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (op->length > top || op->address > top - op->length) {
		outcome_fail(m, VM_ENOMEM);
		return;
	}
	bool asked = false, waits = false;

	rule_obey(m, RULE_ACCOUNT_MINCORE);
	for (uint64_t at = op->address; at < end; at += VM_PAGE_BYTES) {
		const uint32_t area = area_holding(m, mm, at);
		const size_t i = m->outcome->out_count;

		if (area == NONE) {
			outcome_fail(m, VM_ENOMEM);
			return;
		}
		bool open = false;
		const bool in_core = page_in_core(m, area, at, &open);
		if (open && !asked) {
			waits = choose(m, VM_FREEDOM_READ_AHEAD);
			asked = true;
		}
		m->outcome->out_count++;
		if (op->out != NULL && i < op->out_size)
			op->out[i] = in_core && !(waits && open);
	}
}

static int32_t sync_part(struct vm_machine *m, uint32_t number, uint64_t start, uint64_t end)
{
	const struct area *area = area_of(m, number);

	if ((m->operation->flags & VM_MS_INVALIDATE) != 0 && (area->flags & VM_AREA(LOCKED)) != 0)
		return VM_EBUSY;
	if ((m->operation->flags & VM_MS_SYNC) == 0 || area->object == NONE ||
		(area->flags & VM_AREA(SHARED)) == 0)
		return 0;
	/* linux:6.12:fs/sync.c:vfs_fsync_range: nothing to sync is a mistake */
	if (area_is_secret(m, area))
		return VM_EINVAL;
	const uint64_t first = area_page_index(area, start);
	cache_sync(m, area->object, first, first + vm_bytes_to_pages_floor(end - start));
	return 0;
}

void operation_sync(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	const uint32_t known = VM_MS_ASYNC | VM_MS_INVALIDATE | VM_MS_SYNC;
	const uint32_t both = VM_MS_ASYNC | VM_MS_SYNC;
	const uint32_t mm = processes_of(m)[op->process].mm;
	uint64_t start = op->address;
	const uint64_t end = start + vm_align_up(op->length, VM_PAGE_BYTES);
	int32_t error = 0;

	if ((op->flags & ~known) != 0 || !vm_is_aligned(start, VM_PAGE_BYTES) ||
		(op->flags & both) == both) {
		outcome_fail(m, VM_EINVAL);
		return;
	}
	if (end < start) {
		outcome_fail(m, VM_ENOMEM);
		return;
	}
	rule_obey(m, RULE_FRAME_SYNC);
	while (start < end) {
		const uint32_t area = area_at_or_after(m, mm, start);

		if (area == NONE || area_of(m, area)->start >= end) {
			error = VM_ENOMEM;
			break;
		}
		if (area_of(m, area)->start > start) {
			error = VM_ENOMEM;
			start = area_of(m, area)->start;
		}
		const uint64_t stop = area_of(m, area)->end < end ? area_of(m, area)->end : end;
		const int32_t failed = sync_part(m, area, start, stop);
		if (failed != 0) {
			error = failed;
			break;
		}
		start = stop;
	}
	outcome_error(m, error);
}
