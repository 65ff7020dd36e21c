/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/commit.h"

#include "core/arithmetic.h"

#define USER_RESERVE_FRACTION 32

/* linux:6.12:mm/mmap.c:do_mmap: mode 2 does not let a mapping opt out */
static bool opts_out(enum vm_commit_mode mode, const struct vm_commit_request *request)
{
	return request->no_reserve && mode != VM_COMMIT_NEVER_MORE;
}

/* linux:6.12:mm/mmap.c:accountable_mapping */
bool vm_commit_area_accounts(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request)
{
	switch (behaviours->commit_charge) {
	case VM_COMMIT_CHARGES_EVERY_REQUEST:
		return true;
	case VM_COMMIT_CHARGES_BY_KIND:
		return request->backing != VM_COMMIT_HUGETLB && request->writable &&
		       !request->shared && !opts_out(mode, request);
	}
	VM_ASSERT(false);
}

/* linux:6.12:mm/shmem.c:shmem_zero_setup, shmem_acct_size */
static bool object_accounts(enum vm_commit_mode mode, const struct vm_commit_request *request)
{
	return request->shared && request->backing == VM_COMMIT_ANONYMOUS &&
	       !opts_out(mode, request);
}

/* linux:6.12:mm/shmem.c:shmem_acct_blocks */
uint64_t vm_commit_touch_pages(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request, uint64_t touched_pages)
{
	const bool page_by_page = request->backing == VM_COMMIT_MEMORY_FILE ||
				  (request->backing == VM_COMMIT_ANONYMOUS && request->shared &&
					  opts_out(mode, request));

	switch (behaviours->commit_charge) {
	case VM_COMMIT_CHARGES_EVERY_REQUEST:
		return 0;
	case VM_COMMIT_CHARGES_BY_KIND:
		return page_by_page ? touched_pages : 0;
	}
	VM_ASSERT(false);
}

uint64_t vm_commit_map_pages(const struct vm_behaviours *behaviours, enum vm_commit_mode mode,
	const struct vm_commit_request *request)
{
	const bool charged = vm_commit_area_accounts(behaviours, mode, request) ||
			     object_accounts(mode, request);

	return charged ? request->length_pages : 0;
}

/* linux:6.12:mm/mprotect.c:mprotect_fixup */
uint64_t vm_commit_make_writable_pages(const struct vm_behaviours *behaviours,
	enum vm_commit_mode mode, const struct vm_commit_request *area, bool accounts)
{
	switch (behaviours->commit_charge) {
	case VM_COMMIT_CHARGES_EVERY_REQUEST:
		return 0; /* charged when it was asked for */
	case VM_COMMIT_CHARGES_BY_KIND:
		return accounts || area->writable || area->shared || opts_out(mode, area) ||
				       area->backing == VM_COMMIT_HUGETLB
			       ? 0
			       : area->length_pages;
	}
	VM_ASSERT(false);
}

uint64_t vm_commit_make_read_only_pages(const struct vm_behaviours *behaviours,
	const struct vm_commit_request *area, bool accounts, bool touched)
{
	switch (behaviours->commit_read_only) {
	case VM_COMMIT_READ_ONLY_KEEPS:
		return 0;
	case VM_COMMIT_READ_ONLY_RETURNS_UNTOUCHED:
		return accounts && !touched && area->backing == VM_COMMIT_ANONYMOUS
			       ? area->length_pages
			       : 0;
	}
	VM_ASSERT(false);
}

/* By how many pages what was mapped, and what promised, has become longer. */
static int64_t growth_pages(enum vm_commit_change change, int64_t length, int64_t changed)
{
	switch (change) {
	case VM_COMMIT_MOVED:
	case VM_COMMIT_SPLIT:
	case VM_COMMIT_RENEWED:
		return 0;
	case VM_COMMIT_KEPT:
		return length;
	case VM_COMMIT_GROWN:
		return changed;
	case VM_COMMIT_SHRUNK:
	case VM_COMMIT_HOLED:
	case VM_COMMIT_REPLACED:
	case VM_COMMIT_LOWERED:
	case VM_COMMIT_PUNCHED:
	case VM_COMMIT_CUT:
		return -changed;
	}
	VM_ASSERT(false);
}

/* linux:6.12:mm/mremap.c:move_vma; linux:6.12:mm/vma.c:vms_complete_munmap_vmas;
 * linux:6.12:mm/shmem.c:shmem_inode_unacct_blocks */
struct vm_commit_moves vm_commit_change(const struct vm_behaviours *behaviours,
	enum vm_commit_mode mode, enum vm_commit_change change, uint64_t length_pages,
	uint64_t changed_pages)
{
	const bool in_file = change == VM_COMMIT_PUNCHED || change == VM_COMMIT_CUT;
	const struct vm_commit_request page = {
		.backing = in_file ? VM_COMMIT_MEMORY_FILE : VM_COMMIT_ANONYMOUS,
		.shared = in_file,
		.writable = true,
		.length_pages = 1,
	};
	const int64_t promise = (int64_t)(vm_commit_map_pages(behaviours, mode, &page) +
					  vm_commit_touch_pages(behaviours, mode, &page, 1));
	const int64_t growth = growth_pages(change, (int64_t)length_pages, (int64_t)changed_pages);
	struct vm_commit_moves moves = {
		.change_pages = growth * promise,
		.end_pages = -((int64_t)length_pages + growth) * promise,
	};

	/* What was left behind does not account any more, and its promise is never given back:
	 * linux:6.16:mm/mremap.c:dontunmap_complete */
	if (change == VM_COMMIT_KEPT && behaviours->remap_unaccounts)
		moves.end_pages = -(int64_t)length_pages * promise;
	return moves;
}

/* linux:6.12:mm/util.c:vm_commit_limit */
uint64_t vm_commit_limit_pages(
	const struct vm_behaviours *behaviours, const struct vm_commit_state *state)
{
	uint64_t ram_pages = state->ram_pages;

	switch (behaviours->commit_limit) {
	case VM_COMMIT_LIMIT_RAM_SHARE:
		return ram_pages * state->ratio_percent / 100 + state->swap_pages;
	case VM_COMMIT_LIMIT_LESS_HUGE_PAGES:
		break;
	}
	if (state->limit_kib != 0)
		return vm_kib_to_pages_floor(state->limit_kib) + state->swap_pages;
	ram_pages -= state->huge_pages;
	return ram_pages * state->ratio_percent / 100 + state->swap_pages;
}

/* What may be committed at most, after a successful request, in mode 2. */
static uint64_t strict_limit_pages(
	const struct vm_behaviours *behaviours, const struct vm_commit_state *state)
{
	const uint64_t limit_pages = vm_commit_limit_pages(behaviours, state);
	uint64_t kept_pages = 0;

	switch (behaviours->commit_limit) {
	case VM_COMMIT_LIMIT_RAM_SHARE:
		return limit_pages;
	case VM_COMMIT_LIMIT_LESS_HUGE_PAGES:
		break;
	}
	if (!state->admin)
		kept_pages += vm_kib_to_pages_floor(state->admin_reserve_kib);
	kept_pages += smaller(state->process_pages / USER_RESERVE_FRACTION,
		vm_kib_to_pages_floor(state->user_reserve_kib));
	/* The commitment must stay below, not at, what is allowed. */
	return limit_pages > kept_pages ? limit_pages - kept_pages - 1 : 0;
}

static uint64_t room_pages(uint64_t limit_pages, uint64_t taken_pages)
{
	return limit_pages > taken_pages ? limit_pages - taken_pages : 0;
}

/* linux:6.12:mm/util.c:__vm_enough_memory */
uint64_t vm_commit_largest_pages(
	const struct vm_behaviours *behaviours, const struct vm_commit_state *state)
{
	const uint64_t whole_pages = state->ram_pages + state->swap_pages;

	switch (state->mode) {
	case VM_COMMIT_ALWAYS:
		return VM_COMMIT_UNLIMITED;
	case VM_COMMIT_HEURISTIC:
		switch (behaviours->overcommit_heuristic) {
		case VM_OVERCOMMIT_SUM_OF_REQUESTS:
			return room_pages(whole_pages, state->committed_pages);
		case VM_OVERCOMMIT_SINGLE_REQUEST:
			return whole_pages;
		}
		VM_ASSERT(false);
	case VM_COMMIT_NEVER_MORE:
		break;
	}
	switch (behaviours->commit_limit) {
	case VM_COMMIT_LIMIT_RAM_SHARE:
		return room_pages(strict_limit_pages(behaviours, state), state->used_pages);
	case VM_COMMIT_LIMIT_LESS_HUGE_PAGES:
		return room_pages(strict_limit_pages(behaviours, state), state->committed_pages);
	}
	VM_ASSERT(false);
}

/* linux:6.12:mm/hugetlb.c:hugetlb_reserve_pages: whatever the mode */
uint64_t vm_commit_pool_pages(const struct vm_commit_request *request, uint64_t huge_pages)
{
	return request->backing == VM_COMMIT_HUGETLB && !request->no_reserve ? huge_pages : 0;
}
