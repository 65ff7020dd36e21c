/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/limit.h"

#include "core/arithmetic.h"
#include "vm/units.h"

static uint64_t left_of(uint64_t limit, uint64_t has)
{
	return limit > has ? limit - has : 0;
}

static bool is_lock(enum vm_limit_way way)
{
	return way == VM_LIMIT_WAY_LOCK || way == VM_LIMIT_WAY_LOCK_ALL;
}

/*
 * linux:6.12:mm/mmap.c:is_data_mapping: private, writable, and no stack. The heap is held against
 * what lies between its ends, too: linux:6.12:mm/mmap.c:brk, check_data_rlimit.
 */
static uint64_t data_room_pages(enum vm_limit_way way, const struct vm_limit_state *state)
{
	const uint64_t room_pages =
		state->data_ignored
			? VM_LIMIT_UNLIMITED
			: left_of(vm_bytes_to_pages_floor(state->limit_bytes), state->data_pages);
	const uint64_t heap_bytes =
		left_of(state->limit_bytes, state->heap_bytes + state->program_data_bytes);

	switch (way) {
	case VM_LIMIT_WAY_DATA:
		return room_pages;
	case VM_LIMIT_WAY_HEAP:
		return smaller(room_pages, vm_bytes_to_pages_floor(heap_bytes));
	case VM_LIMIT_WAY_OTHER:
	case VM_LIMIT_WAY_STACK:
	case VM_LIMIT_WAY_LOCK:
	case VM_LIMIT_WAY_LOCK_ALL:
		break;
	}
	return VM_LIMIT_UNLIMITED;
}

/* linux:6.12:mm/mlock.c:do_mlock, mlockall: all of it is asked for, locked before or not */
static uint64_t locked_room_pages(enum vm_limit_way way, const struct vm_limit_state *state)
{
	const uint64_t limit_pages = vm_bytes_to_pages_floor(state->limit_bytes);

	return left_of(limit_pages,
		way == VM_LIMIT_WAY_LOCK_ALL ? state->total_pages : state->locked_pages);
}

uint64_t vm_limit_room_pages(
	enum vm_limit limit, enum vm_limit_way way, const struct vm_limit_state *state)
{
	const uint64_t limit_pages = vm_bytes_to_pages_floor(state->limit_bytes);

	switch (limit) {
	case VM_LIMIT_ADDRESS_SPACE:
		/* linux:6.12:mm/mmap.c:may_expand_vm */
		return is_lock(way) ? VM_LIMIT_UNLIMITED : left_of(limit_pages, state->total_pages);
	case VM_LIMIT_DATA:
		return data_room_pages(way, state);
	case VM_LIMIT_STACK:
		/* linux:6.12:mm/mmap.c:acct_stack_growth */
		return way == VM_LIMIT_WAY_STACK ? left_of(limit_pages, 1) : VM_LIMIT_UNLIMITED;
	case VM_LIMIT_LOCKED:
		return is_lock(way) ? locked_room_pages(way, state) : VM_LIMIT_UNLIMITED;
	}
	VM_ASSERT(false);
}
