/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that exploration taught: each as the shortest script that showed it on Linux 6.18. */
#include "machine_fixture.h"

static void file_op(
	struct fixture *f, enum vm_operation_kind kind, uint64_t offset, uint64_t length)
{
	assert_int_equal(
		run(f, (struct vm_operation){.kind = kind, .offset = offset, .length = length}), 0);
}

static struct vm_file_view cached(struct fixture *f)
{
	struct vm_file_view view;

	vm_machine_file(f->machine, 0, &view);
	return view;
}

static int32_t scan(
	struct fixture *f, uint64_t address, uint64_t length, uint32_t flags, uint8_t *out)
{
	return run(f, (struct vm_operation){.kind = VM_OP_PAGEMAP_SCAN,
			      .address = address,
			      .length = length,
			      .flags = flags,
			      .out = out,
			      .out_size = out == NULL ? 0 : length / PAGE});
}

static int setup_large(void **state)
{
	struct fixture *f = fixture_plain();

	f->setup.disk_large_folios = true;
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static int setup_read_ahead(void **state)
{
	struct fixture *f = fixture_plain();

	f->setup.readahead_pages = 32;
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static void locking_breaks_copies_of_ones_own(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE | VM_MAP_POPULATE);
	fork_to(f, 0, 1);
	on(f, VM_OP_REMOTE_READ, 0, BASE, 1);
	on(f, VM_OP_LOCK, 0, BASE, 4 * PAGE);
	assert_int_equal(minor(f), 4);
}

static void mem_grows_a_stack_and_others_do_not(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE + 4 * PAGE, 2 * PAGE, RW, PRIVATE | VM_MAP_GROWSDOWN);
	assert_int_equal(on(f, VM_OP_REMOTE_READ, 0, BASE, 1), VM_EFAULT);
	assert_int_equal(counters(f, 0).virtual_pages, 2);
	assert_int_equal(on(f, VM_OP_MEM_READ, 0, BASE, 1), 0);
	assert_int_equal(counters(f, 0).virtual_pages, 6);
}

static void a_page_that_must_be_read_is_faulted_twice(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	file_op(f, VM_OP_FILE_PUNCH, 2 * PAGE + 100, 3000);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_PRIVATE, 0);
	assert_false(page(f, 0, BASE + 2 * PAGE).in_core);
	advise(f, 0, BASE + 2 * PAGE, PAGE, VM_MADV_POPULATE_READ);
	assert_int_equal(f->last.major_faults, 1);
	assert_int_equal(f->last.minor_faults, 0);
	/* The processor's own fault is begun under the area's lock, and forgets that it waited. */
	on(f, VM_OP_UNMAP, 0, BASE, 4 * PAGE);
	file_op(f, VM_OP_FILE_PUNCH, 3 * PAGE + 100, 3000);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_PRIVATE, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 3 * PAGE, PAGE);
	assert_int_equal(f->last.major_faults, 0);
	assert_int_equal(f->last.minor_faults, 1);
}

static void mprotect_waits_with_the_lock(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	map_file(f, 0, BASE, 2 * PAGE, RO, VM_MAP_PRIVATE, 0);
	assert_int_equal(on(f, VM_OP_LOCK, 0, BASE, 3 * PAGE), VM_ENOMEM);
	protect(f, 0, BASE, PAGE, RW);
	assert_int_equal(f->last.major_faults, 1);
	assert_int_equal(f->last.minor_faults, 0);
}

static void a_size_again_is_cut_like_a_smaller_one(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 5 * PAGE + 100);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 5 * PAGE + 100);
	assert_int_equal(cached(f).cached_pages, 1);
}

static void a_larger_end_clears_what_lay_behind_the_old_one(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 100);
	map_file(f, 0, BASE, PAGE, RW, VM_MAP_SHARED, 0);
	set_byte(f, 0, BASE + 3000, 9);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 2000);
	assert_int_equal(byte_at(f, 0, BASE + 3000), 0);
}

static void a_larger_end_cuts_what_reaches_behind_it(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 8 * PAGE, 4 * PAGE, 1);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 9 * PAGE);
	assert_int_equal(cached(f).cached_pages, 4); /* dirty, and so whole */
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 11 * PAGE);
	assert_int_equal(cached(f).cached_pages, 3);
}

static void a_cut_leaves_the_tag(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 8 * PAGE, 4 * PAGE, 1);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_write(f, 0, 11 * PAGE, PAGE, 2);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 9 * PAGE);
	assert_int_equal(cached(f).dirty_pages, 1);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	assert_int_equal(cached(f).dirty_pages, 1);
	file_write(f, 0, 8 * PAGE, 10, 3);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	assert_int_equal(cached(f).dirty_pages, 0);
}

static void fault_around_maps_whole_folios(void **state)
{
	struct fixture *f = *state;
	const uint64_t at = BASE + 31 * PAGE; /* the window of the fault begins at slot 32 */

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 8 * PAGE, 2 * PAGE, 1);
	run(f, (struct vm_operation){.kind = VM_OP_MAP,
		       .address = at,
		       .length = 3 * PAGE,
		       .protection = RO,
		       .flags = VM_MAP_SHARED | VM_MAP_FIXED,
		       .file = 0,
		       .offset = 8 * PAGE});
	on(f, VM_OP_TOUCH_READ, 0, at + PAGE, PAGE);
	assert_int_equal(page(f, 0, at).state, VM_PAGE_PRESENT);
	/* A folio that holds the last page is mapped page by page. */
	advise(f, 0, at, 3 * PAGE, VM_MADV_DONTNEED);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 10 * PAGE);
	on(f, VM_OP_TOUCH_READ, 0, at + PAGE, PAGE);
	assert_int_equal(page(f, 0, at).state, VM_PAGE_NONE);
}

static void cold_splits_what_it_holds_in_part(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 1);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_COLD);
	assert_int_equal(counters(f, 0).file_pages, 4);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_COLD);
	assert_int_equal(counters(f, 0).file_pages, 0);
	assert_int_equal(cached(f).cached_pages, 4);
}

static void cold_keeps_what_it_holds_whole(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 1);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	map_file(f, 0, BASE, 8 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE, 8 * PAGE, VM_MADV_COLD);
	assert_int_equal(counters(f, 0).file_pages, 4);
	/* Nor does reclaim take a part of it: it only splits it. */
	advise(f, 0, BASE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).file_pages, 0);
	assert_int_equal(cached(f).cached_pages, 4);
}

static void reclaim_takes_what_it_holds_whole(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 16 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 1);
	map_file(f, 0, BASE, 8 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE, 8 * PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).file_pages, 0);
	assert_int_equal(cached(f).cached_pages, 4);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE, 8 * PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(cached(f).cached_pages, 0);
	assert_int_equal(cached(f).evicted_pages, 4);
}

static void cold_splits_a_huge_page_of_ones_own(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, HUGE, RW, PRIVATE);
	advise(f, 0, BASE, HUGE, VM_MADV_HUGEPAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	fork_to(f, 0, 1);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_COLD);
	assert_true(page(f, 0, BASE).huge);
	on(f, VM_OP_EXIT, 1, 0, 0);
	advise(f, 0, BASE, HUGE, VM_MADV_COLD);
	assert_true(page(f, 0, BASE).huge);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_COLD);
	assert_false(page(f, 0, BASE).huge);
	assert_false(page(f, 0, BASE).kpageflags >> VM_KPF_COMPOUND_HEAD & 1);
	assert_int_equal(counters(f, 0).anonymous_pages, 512);
}

static void memory_that_was_only_read_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct vm_outcome outcome;
	const struct vm_operation evict = {.kind = VM_OP_STEP_EVICT, .offset = PAGE};

	file_create(f, 0, VM_FILE_SHMEM, 4 * PAGE);
	map_file(f, 0, BASE, 4 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 3 * PAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	advise(f, 0, BASE + 2 * PAGE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(cached(f).cached_pages, 2);
	assert_int_equal(cached(f).evicted_pages, 0);
	/* Reclaim may find the other one by itself, once nobody maps it; what was written, never.
	 */
	vm_machine_do(f->machine, &evict, &outcome);
	assert_non_null(outcome.silent);
	on(f, VM_OP_UNMAP, 0, BASE, 4 * PAGE);
	vm_machine_do(f->machine, &evict, &outcome);
	assert_null(outcome.silent);
	assert_int_equal(cached(f).cached_pages, 1);
	vm_machine_do(f->machine, &(struct vm_operation){.kind = VM_OP_STEP_EVICT}, &outcome);
	assert_non_null(outcome.silent);
}

static void tracking_keeps_areas_from_moving_together_before_a_seal_does(void **state)
{
	struct fixture *f = *state;
	const struct vm_operation move = {.kind = VM_OP_REMAP,
		.address = BASE,
		.length = 2 * PAGE,
		.new_length = 2 * PAGE,
		.new_address = BASE + 8 * PAGE,
		.flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED};

	map(f, 0, BASE, PAGE, RW, PRIVATE);
	map(f, 0, BASE + PAGE, PAGE, RO, PRIVATE);
	on(f, VM_OP_SEAL, 0, BASE, PAGE);
	assert_int_equal(run(f, move), VM_EPERM);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	assert_int_equal(run(f, move), VM_EFAULT);
}

static void a_hole_in_the_first_page_unmaps_everything(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_SHMEM, 4 * PAGE);
	map_file(f, 0, BASE, 4 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 4 * PAGE);
	file_op(f, VM_OP_FILE_PUNCH, 0, PAGE);
	assert_int_equal(counters(f, 0).shmem_pages, 3);
	file_op(f, VM_OP_FILE_PUNCH, PAGE + 1, 100);
	assert_int_equal(counters(f, 0).shmem_pages, 3);
	file_op(f, VM_OP_FILE_PUNCH, 1, 100);
	assert_int_equal(counters(f, 0).shmem_pages, 0);
}

static void protection_outlives_pages_of_files(void **state)
{
	struct fixture *f = *state;
	uint8_t written[2] = {9, 9};

	file_create(f, 0, VM_FILE_SHMEM, 2 * PAGE);
	map_file(f, 0, BASE, 2 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, 2 * PAGE);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	scan(f, BASE, 2 * PAGE, VM_SCAN_PRESENT | VM_SCAN_PROTECT, NULL);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 0);
	assert_int_equal(page(f, 0, BASE).state, VM_PAGE_UFFD_MARKER);
	assert_int_equal(page(f, 0, BASE + PAGE).state, VM_PAGE_NONE);
	scan(f, BASE, 2 * PAGE, VM_SCAN_WRITTEN, written);
	assert_int_equal(written[0], 0);
	assert_int_equal(written[1], 1);
	/* A guard there would be tried for ever. */
	const struct vm_operation guard = {.kind = VM_OP_ADVISE,
		.address = BASE,
		.length = PAGE,
		.advice = VM_MADV_GUARD_INSTALL};
	vm_machine_do(f->machine, &guard, &f->last);
	assert_non_null(f->last.silent);
}

static void a_locked_page_behind_its_protection_is_not_spoken_of(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, PAGE);
	map_file(f, 0, BASE, PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	scan(f, BASE, PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	run(f, (struct vm_operation){.kind = VM_OP_LOCK,
		       .address = BASE,
		       .length = PAGE,
		       .flags = VM_MLOCK_ONFAULT});
	const struct vm_operation touch = {
		.kind = VM_OP_TOUCH_READ, .address = BASE, .length = PAGE};
	vm_machine_do(f->machine, &touch, &f->last);
	assert_non_null(f->last.silent);
}

static void a_remote_write_gives_the_lock_up_and_comes_again(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, PAGE, RW, SHARED);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	scan(f, BASE, PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	on(f, VM_OP_REMOTE_WRITE, 0, BASE, 1);
	assert_int_equal(f->last.minor_faults, 1);
	assert_int_equal(f->last.major_faults, 1);
}

static void who_finds_the_page_dirty_keeps_the_lock(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, PAGE, RW, SHARED);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	scan(f, BASE, PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED);
	on(f, VM_OP_REMOTE_WRITE, 0, BASE, 1);
	assert_int_equal(f->last.minor_faults, 2);
	assert_int_equal(f->last.major_faults, 0);
}

static void closing_an_emptied_file_writes_it(void **state)
{
	struct fixture *f = *state;

	for (uint32_t file = 0; file < 2; file++) {
		file_create(f, file, VM_FILE_DISK, PAGE);
		if (file == 0)
			file_op(f, VM_OP_FILE_TRUNCATE, 0, 0);
		file_write(f, file, 0, PAGE, 1);
		map_file(f, 0, BASE + 2 * PAGE * file, PAGE, RW, VM_MAP_SHARED, file);
		on(f, VM_OP_TOUCH_WRITE, 0, BASE + 2 * PAGE * file, PAGE);
		run(f, (struct vm_operation){.kind = VM_OP_FILE_CLOSE, .file = file});
	}
	/* Only the first one was cut to nothing. */
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_PRIVATE_DIRTY), 0);
	assert_int_equal(smaps(f, 0, 1, VM_SMAPS_PRIVATE_DIRTY), 4);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	assert_int_equal(f->last.minor_faults, 1);
}

static void reclaim_marks_what_it_finds_dirty(void **state)
{
	struct fixture *f = *state;
	const struct vm_operation touch = {
		.kind = VM_OP_TOUCH_READ, .address = BASE, .length = PAGE};

	file_create(f, 0, VM_FILE_DISK, 3 * PAGE);
	file_write(f, 0, 0, 2 * PAGE, 1);
	map_file(f, 0, BASE, 2 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_PAGEOUT);
	/* The mark is that of read-ahead, which begins behind the page: the third is not there. */
	vm_machine_do(f->machine, &touch, &f->last);
	assert_non_null(f->last.silent);
	/* What is written is marked no more. */
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_PAGEOUT);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_int_equal(counters(f, 0).file_pages, 2);
}

static void unmapping_a_locked_page_unlocks_it_for_reclaim(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_SHMEM, PAGE);
	map_file(f, 0, BASE, PAGE, RO, VM_MAP_SHARED, 0);
	map_file(f, 0, BASE + 2 * PAGE, PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_LOCK, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 2 * PAGE, PAGE);
	advise(f, 0, BASE + 2 * PAGE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).shmem_pages, 2);
	on(f, VM_OP_UNMAP, 0, BASE, PAGE);
	advise(f, 0, BASE + 2 * PAGE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).shmem_pages, 0);
}

static void entries_of_a_large_folio_are_protected_as_one(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 1);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	map_file(f, 0, BASE, 8 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 2 * PAGE, PAGE);
	/* The one that is writable is not of one kind with the others. */
	protect(f, 0, BASE, 8 * PAGE, RW | VM_PROT_EXEC);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 4 * PAGE);
	assert_int_equal(f->last.minor_faults, 3);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	protect(f, 0, BASE, 8 * PAGE, RO);
	protect(f, 0, BASE, 8 * PAGE, RW);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 4 * PAGE);
	assert_int_equal(f->last.minor_faults, 0);
}

static void writing_by_a_call_leaves_the_mark(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 3 * PAGE);
	file_write(f, 0, 0, 3 * PAGE, 1);
	map_file(f, 0, BASE, 3 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	advise(f, 0, BASE + PAGE, PAGE, VM_MADV_PAGEOUT);
	file_write(f, 0, PAGE, 100, 2);
	advise(f, 0, BASE, 3 * PAGE, VM_MADV_DONTNEED);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_int_equal(counters(f, 0).file_pages, 2);
}

static void a_hole_is_unmapped_before_it_is_cut(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	file_write(f, 0, 4 * PAGE, 2 * PAGE, 1);
	map_file(f, 0, BASE, 5 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 4 * PAGE, PAGE);
	/* Its second page is dirty, so the folio stays; the first has nothing to write any more. */
	file_op(f, VM_OP_FILE_PUNCH, PAGE, 4 * PAGE);
	assert_int_equal(cached(f).cached_pages, 2);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 4 * PAGE + 100);
	assert_int_equal(cached(f).cached_pages, 1);
}

static void what_is_still_read_may_stay(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 1);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_op(f, VM_OP_FILE_DROP, 0, 4 * PAGE);
	assert_int_equal(cached(f).cached_pages, 0);
	map_file(f, 0, BASE, PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	run(f, (struct vm_operation){.kind = VM_OP_FILE_DROP,
		       .offset = PAGE,
		       .length = 2 * PAGE,
		       .decisions = 2});
	assert_int_equal(f->last.choice_count, 2);
	assert_int_equal(cached(f).cached_pages, 3);
}

static void a_move_into_its_own_area_disarms(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RO, PRIVATE);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, 4 * PAGE);
	scan(f, BASE, 4 * PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	assert_int_equal(page(f, 0, BASE + PAGE).state, VM_PAGE_UFFD_MARKER);
	run(f, (struct vm_operation){.kind = VM_OP_REMAP,
		       .address = BASE + PAGE,
		       .length = PAGE,
		       .new_length = PAGE,
		       .new_address = BASE,
		       .flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP});
	assert_int_equal(page(f, 0, BASE).state, VM_PAGE_NONE);
}

static void a_folio_is_cut_once_by_a_hole(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	file_write(f, 0, 4 * PAGE, 2 * PAGE, 1);
	map_file(f, 0, BASE, 8 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 5 * PAGE, PAGE);
	/* Unmapping the page beside the hole makes all of it dirty: the next cut fails, too. */
	file_op(f, VM_OP_FILE_PUNCH, 4 * PAGE, PAGE);
	file_op(f, VM_OP_FILE_PUNCH, 5 * PAGE, PAGE);
	assert_int_equal(cached(f).cached_pages, 2);
	assert_int_equal(cached(f).dirty_pages, 2);
}

static void what_is_dropped_is_not_remembered(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 4 * PAGE);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(cached(f).evicted_pages, 4);
	file_op(f, VM_OP_FILE_DROP, 100, 2 * PAGE);
	assert_int_equal(cached(f).evicted_pages, 3);
}

static void a_kept_source_leaves_its_pages_locked(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, SHARED | VM_MAP_LOCKED);
	run(f, (struct vm_operation){.kind = VM_OP_REMAP,
		       .address = BASE + PAGE,
		       .length = PAGE,
		       .new_length = PAGE,
		       .new_address = BASE + 8 * PAGE,
		       .flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP});
	on(f, VM_OP_UNLOCK, 0, BASE, 2 * PAGE);
	on(f, VM_OP_UNLOCK, 0, BASE + 8 * PAGE, PAGE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_PAGEOUT);
	advise(f, 0, BASE + 8 * PAGE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).shmem_pages, 1);
	assert_int_equal(page(f, 0, BASE).state, VM_PAGE_PRESENT);
}

static void a_guard_moves_with_the_mark_that_it_kept(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_GUARD_INSTALL);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, 2 * PAGE);
	scan(f, BASE, 2 * PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	for (uint64_t i = 0; i < 2; i++) {
		if (i == 1)
			on(f, VM_OP_UFFD_UNREGISTER, 0, BASE + PAGE, PAGE);
		run(f, (struct vm_operation){.kind = VM_OP_REMAP,
			       .address = BASE + i * PAGE,
			       .length = PAGE,
			       .new_length = PAGE,
			       .new_address = BASE + (8 + 2 * i) * PAGE,
			       .flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED});
		const struct vm_page_view moved = page(f, 0, BASE + (8 + 2 * i) * PAGE);
		assert_int_equal(moved.state, VM_PAGE_GUARD);
		assert_int_equal(moved.pagemap >> VM_PAGEMAP_UFFD_WP & 1, i);
	}
}

static void a_guard_can_be_protected(void **state)
{
	struct fixture *f = *state;
	uint8_t written = 9;

	map(f, 0, BASE, PAGE, RW, PRIVATE);
	advise(f, 0, BASE, PAGE, VM_MADV_GUARD_INSTALL);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	scan(f, BASE, PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, &written);
	assert_int_equal(written, 1);
	scan(f, BASE, PAGE, VM_SCAN_WRITTEN, &written);
	assert_int_equal(written, 0);
	assert_int_equal(page(f, 0, BASE).state, VM_PAGE_GUARD);
	assert_true(page(f, 0, BASE).pagemap >> VM_PAGEMAP_UFFD_WP & 1);
	fork_to(f, 0, 1);
	assert_int_equal(page(f, 1, BASE).state, VM_PAGE_GUARD);
	assert_false(page(f, 1, BASE).pagemap >> VM_PAGEMAP_UFFD_WP & 1);
	on(f, VM_OP_UFFD_UNREGISTER, 0, BASE, PAGE);
	assert_true(page(f, 0, BASE).pagemap >> VM_PAGEMAP_UFFD_WP & 1);
}

static void a_move_takes_the_registration_of_its_neighbour(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 8 * PAGE, 0, PRIVATE);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, 8 * PAGE);
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_REMAP,
					.address = BASE + 5 * PAGE,
					.length = PAGE,
					.new_length = PAGE,
					.new_address = BASE + 4 * PAGE,
					.flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED}),
		0);
	struct vm_area_view view;
	vm_machine_area(f->machine, 0, 0, &view);
	assert_int_equal(view.end, BASE + 5 * PAGE);
	assert_true((view.flags & VM_AREA(UFFD_WRITE_PROTECT)) == 0);
	/* Nobody had touched it: it became one with what remains of its source, too. */
	vm_machine_area(f->machine, 0, 1, &view);
	assert_true((view.flags & VM_AREA(UFFD_WRITE_PROTECT)) == 0);
}

static void shared_memory_has_no_family_for_its_guards(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 9 * PAGE, RW, SHARED);
	advise(f, 0, BASE + PAGE, PAGE, VM_MADV_GUARD_INSTALL);
	protect(f, 0, BASE + 4 * PAGE, PAGE, RO);
	fork_to(f, 0, 1);
	protect(f, 1, BASE + 4 * PAGE, PAGE, RW);
	assert_int_equal(areas(f, 1), 1);
}

static void a_clean_buffer_gets_no_block(void **state)
{
	struct fixture *f = *state;

	/* Page 3 is cut off while its folio is dirty, and comes back as a hole. */
	file_create(f, 0, VM_FILE_DISK, 11 * PAGE);
	file_write(f, 0, 2 * PAGE, 2 * PAGE, 1);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 3 * PAGE);
	file_op(f, VM_OP_FILE_TRUNCATE, 0, 3 * PAGE + 100);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_write(f, 0, 10 * PAGE, PAGE, 1);
	assert_int_equal(cached(f).dirty_pages, 1);
}

static void guards_do_not_part_families(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 6 * PAGE, RW, PRIVATE);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_GUARD_INSTALL);
	protect(f, 0, BASE + 2 * PAGE, 4 * PAGE, VM_PROT_READ | VM_PROT_EXEC);
	map(f, 0, BASE + 3 * PAGE, PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 3 * PAGE, PAGE);
	assert_int_equal(areas(f, 0), 4);
	protect(f, 0, BASE + 2 * PAGE, 4 * PAGE, RW);
	assert_int_equal(areas(f, 0), 1);
}

static void code_is_read_ahead_whatever_was_advised(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	map_file(f, 0, BASE, 8 * PAGE, VM_PROT_READ | VM_PROT_EXEC, VM_MAP_PRIVATE, 0);
	advise(f, 0, BASE, 8 * PAGE, VM_MADV_RANDOM);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 2 * PAGE, PAGE);
	assert_int_equal(cached(f).cached_pages, 6);
}

static void what_came_along_may_be_on_its_way(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	file_write(f, 0, 0, 4 * PAGE, 7);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_op(f, VM_OP_FILE_DROP, 0, 4 * PAGE);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_PRIVATE, 0);
	struct vm_operation touch = {.kind = VM_OP_TOUCH_READ, .address = BASE, .length = PAGE};
	touch.decisions = 1;
	run(f, touch);
	assert_int_equal(f->last.choice_count, 1);
	assert_int_equal(f->last.choices[0], VM_FREEDOM_READ_AHEAD);
	assert_int_equal(counters(f, 0).file_pages, 1);
	assert_false(page(f, 0, BASE).in_core_open);
	assert_true(page(f, 0, BASE + PAGE).in_core_open);
	/* Whoever wants it waits for it. */
	on(f, VM_OP_TOUCH_READ, 0, BASE + PAGE, PAGE);
	assert_false(page(f, 0, BASE + PAGE).in_core_open);
}

static void neighbours_that_others_may_lock_are_counted(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	file_write(f, 0, 0, 3 * PAGE, 7);
	file_op(f, VM_OP_FILE_SYNC, 0, 0);
	file_write(f, 0, 0, 2 * PAGE, 7);
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_PRIVATE, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_int_equal(f->last.around_dirty_pages, 1);
	assert_int_equal(f->last.around_unmapped_pages, 2);
	map_file(f, 0, BASE + 8 * PAGE, 4 * PAGE, RO, VM_MAP_PRIVATE, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 8 * PAGE, PAGE);
	assert_int_equal(f->last.around_dirty_pages, 1);
	assert_int_equal(f->last.around_unmapped_pages, 0);
}

static void a_page_that_was_locked_may_stay(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE | VM_MAP_POPULATE);
	fork_to(f, 0, 1);
	on(f, VM_OP_LOCK, 0, BASE, PAGE);
	advise(f, 1, BASE, 2 * PAGE, VM_MADV_FREE);
	/* Copied by the lock, and marked for it before: both answers are the kernel's. */
	assert_true(page(f, 1, BASE).kpageflags_open >> VM_KPF_SWAPBACKED & 1);
	assert_int_equal(smaps(f, 1, 0, VM_SMAPS_LAZY_FREE), 0);
}

/* Swap from memory, and files whose cache makes large folios; of 7.3, or of 6.18. */
static int setup_release(void **state, bool newer)
{
	struct fixture *f = fixture_plain();

	f->setup.limits.swap_slots = 64;
	f->setup.swap_pages = 64;
	f->setup.swap_synchronous = true;
	f->setup.disk_large_folios = true;
	f->host.knob[VM_KNOB_THP_ENABLED].value = VM_THP_ALWAYS;
	f->host.feature[VM_FEATURE_SWAP_IN_CACHED].present = newer;
	f->host.feature[VM_FEATURE_HUGE_FILES_ELIGIBLE].present = newer;
	f->host.feature[VM_FEATURE_SWAP_IN_SHARED].present = newer;
	f->host.feature[VM_FEATURE_TRACKED_MOVES_APART].present = newer;
	f->host.feature[VM_FEATURE_WRITTEN_IF_TRACKED].present = newer;
	f->host.feature[VM_FEATURE_HUGE_ZERO_NO_FILE].present = newer;
	f->host.feature[VM_FEATURE_REMAP_KEEPS_APART].present = newer;
	f->host.feature[VM_FEATURE_HOLES_WRITTEN].present = newer;
	f->host.feature[VM_FEATURE_MEM_FORCED].present = !newer;
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static int setup_7_3(void **state)
{
	return setup_release(state, true);
}

static int setup_6_18(void **state)
{
	return setup_release(state, false);
}

static uint64_t dirty_after_swap(struct fixture *f)
{
	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 4 * PAGE);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_PAGEOUT);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 2 * PAGE);
	assert_int_equal(f->last.major_faults, 2);
	return smaps(f, 0, 0, VM_SMAPS_PRIVATE_DIRTY);
}

static void swap_goes_past_its_cache(void **state)
{
	assert_int_equal(dirty_after_swap(*state), 0);
}

static void swap_leaves_its_cache_dirty(void **state)
{
	assert_int_equal(dirty_after_swap(*state), 8);
}

static bool file_is_eligible(struct fixture *f, uint64_t first_page, uint64_t pages)
{
	map_file(f, 0, BASE + PAGE * first_page, pages * PAGE, RO, VM_MAP_SHARED, 0);
	const bool eligible = smaps(f, 0, 0, VM_SMAPS_THP_ELIGIBLE) != 0;
	on(f, VM_OP_UNMAP, 0, BASE + PAGE * first_page, pages * PAGE);
	return eligible;
}

static void files_are_eligible_where_two_pages_fit(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	assert_true(file_is_eligible(f, 0, 2));
	assert_true(file_is_eligible(f, 4, 3));
	assert_false(file_is_eligible(f, 0, 1));
	/* The second page of a pair is where the first page of the file is. */
	assert_false(file_is_eligible(f, 1, 7));
	map_file(f, 0, BASE, 4 * PAGE, RO, VM_MAP_SHARED, 0);
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_NOHUGEPAGE);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_THP_ELIGIBLE), 0);
}

static void files_were_not_eligible(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 8 * PAGE);
	assert_false(file_is_eligible(f, 0, 8));
}

static bool owns_what_nobody_else_has(struct fixture *f)
{
	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	fork_to(f, 0, 1);
	advise(f, 0, BASE, PAGE, VM_MADV_PAGEOUT);
	on(f, VM_OP_EXIT, 1, 0, 0);
	advise(f, 0, BASE, PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).swap_pages, 1);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	return page(f, 0, BASE).writable_now;
}

static void who_is_alone_owns_what_comes_from_swap(void **state)
{
	assert_true(owns_what_nobody_else_has(*state));
}

static void who_is_alone_is_asked_for_no_more(void **state)
{
	assert_false(owns_what_nobody_else_has(*state));
}

static uint64_t scanned(struct fixture *f, uint64_t address)
{
	uint8_t written = 9;

	scan(f, address, PAGE, VM_SCAN_WRITTEN, &written);
	return written;
}

/* Areas after a tracked page was moved to its neighbour's place, and whether it counts as written.
 */
static void move_tracked(struct fixture *f, size_t areas_count, bool written)
{
	map(f, 0, BASE, 6 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 2 * PAGE, PAGE);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, 6 * PAGE);
	scan(f, BASE, 6 * PAGE, VM_SCAN_WRITTEN | VM_SCAN_PROTECT, NULL);
	run(f, (struct vm_operation){.kind = VM_OP_REMAP,
		       .address = BASE + 2 * PAGE,
		       .length = PAGE,
		       .new_length = PAGE,
		       .new_address = BASE + PAGE,
		       .flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED});
	assert_int_equal(areas(f, 0), areas_count);
	assert_int_equal(scanned(f, BASE + PAGE), written);
}

static void a_moved_page_joins_its_neighbour(void **state)
{
	move_tracked(*state, 2, true);
}

static void a_moved_page_stays_apart(void **state)
{
	move_tracked(*state, 3, false);
}

static bool reads_by_force(struct fixture *f)
{
	map(f, 0, BASE, PAGE, 0, PRIVATE);
	fork_to(f, 0, 1);
	return run(f, (struct vm_operation){.kind = VM_OP_MEM_READ,
			      .process = 1,
			      .other = 0,
			      .address = BASE,
			      .length = 4}) == 0;
}

static void protections_are_not_minded(void **state)
{
	assert_true(reads_by_force(*state));
}

static void protections_are_minded(void **state)
{
	assert_false(reads_by_force(*state));
}

static uint64_t scanned_without_table(struct fixture *f)
{
	map(f, 0, BASE, PAGE, RW, PRIVATE);
	on(f, VM_OP_UFFD_REGISTER_WP, 0, BASE, PAGE);
	return scanned(f, BASE);
}

static void what_has_no_table_was_not_written(void **state)
{
	assert_int_equal(scanned_without_table(*state), 0);
}

static void what_has_no_table_was_written(void **state)
{
	assert_int_equal(scanned_without_table(*state), 1);
}

static bool rest_stays_locked(struct fixture *f)
{
	map(f, 0, BASE, 4 * PAGE, RW, SHARED | VM_MAP_LOCKED);
	run(f, (struct vm_operation){.kind = VM_OP_REMAP,
		       .address = BASE + 2 * PAGE,
		       .length = PAGE,
		       .new_length = PAGE,
		       .new_address = BASE + 8 * PAGE,
		       .flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP});
	return counters(f, 0).locked_pages == 4;
}

static void keeping_unlocks_only_what_moved(void **state)
{
	assert_true(rest_stays_locked(*state));
}

static void keeping_counts_what_moved_twice(void **state)
{
	assert_false(rest_stays_locked(*state));
}

/* A release between two that are known: what depends on it is not spoken of, all else is. */
static int setup_unknown(void **state)
{
	struct fixture *f = fixture_plain();

	f->host.feature[VM_FEATURE_FAULT_AROUND_NEEDS_TABLE] = (struct vm_feature_fact){0};
	f->host.feature[VM_FEATURE_REMAP_KEEPS_APART] = (struct vm_feature_fact){0};
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static void what_a_release_does_is_not_guessed(void **state)
{
	struct fixture *f = *state;
	const struct vm_operation touch = {
		.kind = VM_OP_TOUCH_READ, .address = BASE, .length = PAGE};
	const struct vm_operation remap = {.kind = VM_OP_REMAP,
		.address = BASE + 8 * PAGE,
		.length = PAGE,
		.new_length = PAGE,
		.new_address = BASE + 7 * PAGE,
		.flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED | VM_MREMAP_DONTUNMAP};

	file_create(f, 0, VM_FILE_DISK, PAGE);
	file_write(f, 0, 0, PAGE, 1);
	map_file(f, 0, BASE, PAGE, RO, VM_MAP_SHARED, 0);
	vm_machine_do(f->machine, &touch, &f->last);
	assert_non_null(f->last.silent);
	map(f, 0, BASE + 8 * PAGE, PAGE, RW, PRIVATE);
	assert_null(f->last.silent);
	vm_machine_do(f->machine, &remap, &f->last);
	assert_non_null(f->last.silent);
}

int main(void)
{
#define TEST(name)	 cmocka_unit_test_setup_teardown(name, setup_linux, teardown)
#define TEST_LARGE(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown)
#define TEST_READS(name) cmocka_unit_test_setup_teardown(name, setup_read_ahead, teardown)
	const struct CMUnitTest tests[] = {
		TEST(locking_breaks_copies_of_ones_own),
		TEST(mem_grows_a_stack_and_others_do_not),
		TEST(a_page_that_must_be_read_is_faulted_twice),
		TEST(mprotect_waits_with_the_lock),
		TEST(a_size_again_is_cut_like_a_smaller_one),
		TEST(a_larger_end_clears_what_lay_behind_the_old_one),
		TEST_LARGE(a_larger_end_cuts_what_reaches_behind_it),
		TEST_LARGE(a_cut_leaves_the_tag),
		TEST(neighbours_that_others_may_lock_are_counted),
		TEST_LARGE(fault_around_maps_whole_folios),
		TEST_LARGE(cold_splits_what_it_holds_in_part),
		TEST_LARGE(cold_keeps_what_it_holds_whole),
		TEST_LARGE(reclaim_takes_what_it_holds_whole),
		TEST(cold_splits_a_huge_page_of_ones_own),
		TEST(memory_that_was_only_read_is_dropped),
		TEST(tracking_keeps_areas_from_moving_together_before_a_seal_does),
		TEST(a_hole_in_the_first_page_unmaps_everything),
		TEST(protection_outlives_pages_of_files),
		TEST(a_locked_page_behind_its_protection_is_not_spoken_of),
		TEST(a_remote_write_gives_the_lock_up_and_comes_again),
		TEST(who_finds_the_page_dirty_keeps_the_lock),
		TEST(closing_an_emptied_file_writes_it),
		TEST_READS(reclaim_marks_what_it_finds_dirty),
		TEST(unmapping_a_locked_page_unlocks_it_for_reclaim),
		TEST_LARGE(entries_of_a_large_folio_are_protected_as_one),
		TEST_READS(writing_by_a_call_leaves_the_mark),
		TEST_LARGE(a_hole_is_unmapped_before_it_is_cut),
		TEST_READS(what_is_still_read_may_stay),
		TEST(a_move_into_its_own_area_disarms),
		TEST_LARGE(a_folio_is_cut_once_by_a_hole),
		TEST(what_is_dropped_is_not_remembered),
		TEST(a_kept_source_leaves_its_pages_locked),
		TEST(a_guard_moves_with_the_mark_that_it_kept),
		TEST(a_guard_can_be_protected),
		TEST(a_move_takes_the_registration_of_its_neighbour),
		TEST(shared_memory_has_no_family_for_its_guards),
		TEST_LARGE(a_clean_buffer_gets_no_block),
		TEST(guards_do_not_part_families),
		TEST_READS(code_is_read_ahead_whatever_was_advised),
		TEST_READS(what_came_along_may_be_on_its_way),
		TEST(a_page_that_was_locked_may_stay),
		cmocka_unit_test_setup_teardown(
			who_is_alone_owns_what_comes_from_swap, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(
			who_is_alone_is_asked_for_no_more, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(
			a_moved_page_joins_its_neighbour, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(a_moved_page_stays_apart, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(protections_are_not_minded, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(protections_are_minded, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(
			what_has_no_table_was_not_written, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(what_has_no_table_was_written, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(
			keeping_counts_what_moved_twice, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(
			keeping_unlocks_only_what_moved, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(swap_goes_past_its_cache, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(swap_leaves_its_cache_dirty, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(files_were_not_eligible, setup_6_18, teardown),
		cmocka_unit_test_setup_teardown(
			files_are_eligible_where_two_pages_fit, setup_7_3, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_release_does_is_not_guessed, setup_unknown, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
