/* SPDX-License-Identifier: Apache-2.0 */
/* Areas, huge pages, files, tracking and merging, by figures that were measured on Linux 6.18. */
#include "machine_fixture.h"

static void areas_split_and_merge(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 6 * PAGE, RW, PRIVATE);
	protect(f, 0, BASE + 2 * PAGE, 2 * PAGE, RO);
	assert_int_equal(areas(f, 0), 3);
	protect(f, 0, BASE + 2 * PAGE, 2 * PAGE, RW);
	assert_int_equal(areas(f, 0), 1);
	on(f, VM_OP_UNMAP, 0, BASE + 2 * PAGE, PAGE);
	assert_int_equal(areas(f, 0), 2);
	map(f, 0, BASE + 2 * PAGE, PAGE, RW, PRIVATE | VM_MAP_NORESERVE);
	assert_int_equal(areas(f, 0), 3);
	map(f, 0, BASE + 2 * PAGE, PAGE, RW, PRIVATE);
	assert_int_equal(areas(f, 0), 1);
	/* Two areas that were touched apart, and the hole between them filled later. */
	on(f, VM_OP_UNMAP, 0, BASE, 6 * PAGE);
	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	map(f, 0, BASE + 4 * PAGE, 2 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 4 * PAGE, PAGE);
	map(f, 0, BASE + 2 * PAGE, 2 * PAGE, RW, PRIVATE);
	assert_int_equal(areas(f, 0), 2);
}

static void inherited_areas_do_not_take_in_new_ones(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 2 * PAGE);
	fork_to(f, 0, 1);
	map(f, 1, BASE + 2 * PAGE, 2 * PAGE, RW, PRIVATE);
	assert_int_equal(areas(f, 1), 2);
	map(f, 0, BASE + 2 * PAGE, 2 * PAGE, RW, PRIVATE);
	assert_int_equal(areas(f, 0), 1);
}

static void holes_stop_or_are_skipped(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, PAGE, RW, PRIVATE);
	map(f, 0, BASE + 2 * PAGE, PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 2 * PAGE, PAGE);
	assert_int_equal(protect(f, 0, BASE, 3 * PAGE, RO), VM_ENOMEM);
	struct vm_area_view view;
	vm_machine_area(f->machine, 0, 0, &view);
	assert_true((view.flags & VM_AREA(WRITE)) == 0);
	vm_machine_area(f->machine, 0, 1, &view);
	assert_true((view.flags & VM_AREA(WRITE)) != 0);
	assert_int_equal(advise(f, 0, BASE, 3 * PAGE, VM_MADV_DONTNEED), VM_ENOMEM);
	assert_int_equal(counters(f, 0).anonymous_pages, 0);
}

static void moves_take_no_fault(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 4 * PAGE);
	const uint32_t frame = page(f, 0, BASE).frame;
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_REMAP,
					.address = BASE,
					.length = 4 * PAGE,
					.new_length = 4 * PAGE,
					.flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED,
					.new_address = BASE + HUGE}),
		0);
	assert_int_equal(f->last.result, (int64_t)(BASE + HUGE));
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + HUGE, 4 * PAGE);
	assert_int_equal(minor(f), 0);
	assert_int_equal(page(f, 0, BASE + HUGE).frame, frame);
	map(f, 0, BASE + HUGE + 4 * PAGE, PAGE, RW, PRIVATE);
	assert_int_equal(areas(f, 0), 2); /* the offset of touched pages stays */
}

static void huge_pages_come_and_are_split(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * HUGE, RW, PRIVATE);
	advise(f, 0, BASE, 2 * HUGE, VM_MADV_HUGEPAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	assert_int_equal(minor(f), 1);
	assert_int_equal(counters(f, 0).anonymous_pages, 512);
	assert_int_equal(counters(f, 0).page_table_bytes, 3 * PAGE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + HUGE, 1);
	assert_int_equal(minor(f), 1);
	assert_int_equal(counters(f, 0).anonymous_pages, 512);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + HUGE, 1);
	assert_int_equal(counters(f, 0).anonymous_pages, 1024);
	fork_to(f, 0, 1);
	on(f, VM_OP_TOUCH_WRITE, 1, BASE, PAGE);
	assert_int_equal(minor(f), 1);
	assert_int_equal(counters(f, 1).anonymous_pages, 1024);
	assert_true(page(f, 0, BASE).huge);
	assert_false(page(f, 1, BASE).huge);
	on(f, VM_OP_EXIT, 1, 0, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, HUGE);
	assert_int_equal(minor(f), 1);
	advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED);
	struct vm_system_view system;
	vm_machine_system(f->machine, &system);
	assert_int_equal(counters(f, 0).anonymous_pages, 1023);
	assert_int_equal(system.frames_in_use, 1024); /* until the deferred split */
}

static void files_are_cached_once(void **state)
{
	struct fixture *f = *state;

	file_create(f, 0, VM_FILE_DISK, 0);
	for (uint64_t i = 0; i < 256; i++)
		file_write(f, 0, i * PAGE, PAGE, 5);
	run(f, (struct vm_operation){.kind = VM_OP_FILE_SYNC});
	/* The first page at slot 14 of its window: 1 + ceil((256 - 16 + 14) / 16) faults. */
	map_file(f, 0, BASE + 14 * PAGE, 256 * PAGE, RW, VM_MAP_SHARED, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 14 * PAGE, 256 * PAGE);
	assert_int_equal(minor(f), 17);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 14 * PAGE, 256 * PAGE);
	assert_int_equal(minor(f), 256);
	run(f, (struct vm_operation){.kind = VM_OP_FILE_SYNC});
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 14 * PAGE, 256 * PAGE);
	assert_int_equal(minor(f), 256);
	map_file(f, 0, BASE + HUGE, PAGE, RW, VM_MAP_PRIVATE, 0);
	assert_int_equal(byte_at(f, 0, BASE + HUGE + 1), 5);
	file_write(f, 0, 1, 1, 6);
	assert_int_equal(byte_at(f, 0, BASE + HUGE + 1), 6);
	set_byte(f, 0, BASE + HUGE + 1, 7);
	file_write(f, 0, 1, 1, 8);
	assert_int_equal(byte_at(f, 0, BASE + HUGE + 1), 7);
	assert_int_equal(byte_at(f, 0, BASE + 14 * PAGE + 1), 8);
}

/* POSIX_FADV_DONTNEED begins to write what is dirty; it drops a page if the device is done with it.
 */
static void dropped_pages_race_with_their_write(void **state)
{
	static const struct {
		uint32_t decisions, cached;
	} ends[] = {{0, 6}, {0x1f, 1}, {0x11, 4}}; /* one of six is mapped */
	struct fixture *f = *state;
	struct vm_file_view view;

	for (uint32_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		file_create(f, i, VM_FILE_DISK, 0);
		for (uint64_t k = 0; k < 6; k++)
			file_write(f, i, k * PAGE, PAGE, 5);
		map_file(f, 0, BASE, PAGE, RO, VM_MAP_SHARED, i);
		on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
		run(f, (struct vm_operation){
			       .kind = VM_OP_FILE_DROP, .file = i, .decisions = ends[i].decisions});
		assert_int_equal(f->last.choice_count, 5);
		vm_machine_file(f->machine, i, &view);
		assert_int_equal(view.dirty_pages, 0);
		assert_int_equal(view.cached_pages, ends[i].cached);
		on(f, VM_OP_UNMAP, 0, BASE, PAGE);
	}
}

static void seals_refuse_what_would_change_areas(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 6 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 6 * PAGE);
	assert_int_equal(on(f, VM_OP_SEAL, 0, BASE + 4 * PAGE, 4 * PAGE), VM_ENOMEM);
	assert_int_equal(areas(f, 0), 1);
	assert_int_equal(on(f, VM_OP_SEAL, 0, BASE + 2 * PAGE, 2 * PAGE), 0);
	assert_int_equal(areas(f, 0), 3);
	assert_int_equal(on(f, VM_OP_UNMAP, 0, BASE, 6 * PAGE), VM_EPERM);
	assert_int_equal(on(f, VM_OP_UNMAP, 0, BASE + 3 * PAGE, PAGE), VM_EPERM);
	assert_int_equal(map(f, 0, BASE + 2 * PAGE, PAGE, RW, PRIVATE), VM_EPERM);
	assert_int_equal(protect(f, 0, BASE + 2 * PAGE, PAGE, RW), VM_EPERM);
	/* What lies before is changed, as far as the seal. */
	assert_int_equal(protect(f, 0, BASE, 4 * PAGE, RO), VM_EPERM);
	struct vm_area_view view;
	vm_machine_area(f->machine, 0, 0, &view);
	assert_true((view.flags & VM_AREA(WRITE)) == 0);
	/* Its owner may write it, and so may throw it away as well. */
	assert_int_equal(advise(f, 0, BASE + 2 * PAGE, PAGE, VM_MADV_DONTNEED), 0);
	assert_int_equal(on(f, VM_OP_SEAL, 0, BASE, PAGE), 0);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED), VM_EPERM);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_RANDOM), 0);
	assert_int_equal(counters(f, 0).anonymous_pages, 5);
}

static void nobody_executes_what_could_be_written(void **state)
{
	struct fixture *f = *state;
	const uint32_t rwx = RW | VM_PROT_EXEC, rx = RO | VM_PROT_EXEC;

	map(f, 0, BASE, PAGE, rwx, PRIVATE);
	map(f, 0, BASE + 2 * PAGE, PAGE, RO, PRIVATE);
	assert_int_equal(on(f, VM_OP_DENY_WRITE_EXECUTE, 0, 0, 0), 0);
	fork_to(f, 0, 1);
	for (uint32_t process = 0; process < 2; process++) {
		assert_int_equal(map(f, process, BASE + 4 * PAGE, PAGE, rwx, PRIVATE), VM_EACCES);
		assert_int_equal(map(f, process, BASE + 4 * PAGE, PAGE, rx, PRIVATE), 0);
		assert_int_equal(protect(f, process, BASE + 2 * PAGE, PAGE, rx), VM_EACCES);
		assert_int_equal(protect(f, process, BASE, PAGE, rx), 0);
		assert_int_equal(protect(f, process, BASE, PAGE, rwx), VM_EACCES);
	}
	/* Before 6.12 what lay there was gone by then. */
	const struct vm_operation over = {.kind = VM_OP_MAP,
		.address = BASE,
		.length = PAGE,
		.protection = rwx,
		.flags = PRIVATE,
		.file = VM_NO_FILE};
	vm_machine_do(f->machine, &over, &f->last);
	assert_non_null(f->last.silent);
}

static int32_t advise_other(struct fixture *f, uint64_t address, uint64_t length, int32_t advice)
{
	return run(f, (struct vm_operation){.kind = VM_OP_PROCESS_ADVISE,
			      .process = 1,
			      .address = address,
			      .length = length,
			      .advice = advice});
}

static void others_are_advised_what_loses_nothing(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RW, SHARED);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 4 * PAGE);
	fork_to(f, 0, 1);
	on(f, VM_OP_UNMAP, 1, BASE, 4 * PAGE);
	assert_int_equal(advise_other(f, BASE, 2 * PAGE, VM_MADV_PAGEOUT), 0);
	assert_int_equal(f->last.result, 2 * PAGE);
	assert_int_equal(counters(f, 0).shmem_pages, 2);
	assert_int_equal(advise_other(f, BASE, 8 * PAGE, VM_MADV_COLD), VM_ENOMEM);
	assert_int_equal(advise_other(f, BASE, PAGE, VM_MADV_DONTNEED), VM_EINVAL);
	assert_int_equal(advise_other(f, BASE + 1, 0, VM_MADV_COLD), 0);
	assert_int_equal(advise_other(f, BASE + 1, PAGE, VM_MADV_COLD), VM_EINVAL);
}

static void a_word_is_poked_as_far_as_it_goes(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[8] = {0};

	map(f, 0, BASE, PAGE, RO, PRIVATE);
	map(f, 0, BASE + PAGE, PAGE, RO, SHARED);
	fork_to(f, 0, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_POKE,
						.process = 1,
						.address = BASE + PAGE - 8 + 4 * (uint64_t)i,
						.value = 9 + (uint8_t)i}),
			i == 0 ? 0 : VM_EIO);
	run(f, (struct vm_operation){.kind = VM_OP_MEM_READ,
		       .address = BASE + PAGE - 8,
		       .length = 8,
		       .out = bytes,
		       .out_size = 8});
	assert_int_equal(bytes[3], 9);
	assert_int_equal(bytes[4], 10);
	assert_int_equal(counters(f, 1).anonymous_pages, 0);
}

static uint8_t spliced(struct fixture *f)
{
	uint8_t byte = 0;

	assert_int_equal(run(f,
				 (struct vm_operation){
					 .kind = VM_OP_SPLICE_READ, .out = &byte, .out_size = 1}),
		0);
	return byte;
}

static void a_pipe_holds_pages_not_copies(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, PRIVATE);
	assert_int_equal(on(f, VM_OP_SPLICE_READ, 0, 0, 0), VM_EAGAIN);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_SPLICE, 0, BASE, PAGE);
	set_byte(f, 0, BASE, 3);
	assert_int_equal(spliced(f), 3);
	/* What a child put there is not what the parent writes when the child is gone. */
	fork_to(f, 0, 1);
	on(f, VM_OP_SPLICE, 1, BASE, PAGE);
	on(f, VM_OP_EXIT, 1, 0, 0);
	const uint32_t before = page(f, 0, BASE).frame;
	set_byte(f, 0, BASE, 4);
	assert_int_not_equal(page(f, 0, BASE).frame, before);
	assert_int_equal(spliced(f), 3);
	/* As far as the area goes; and the page lives on when its owner has let it go. */
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE, 4 * PAGE), 0);
	assert_int_equal(f->last.result, 3 * PAGE);
	on(f, VM_OP_UNMAP, 0, BASE, 3 * PAGE);
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE, PAGE), VM_EFAULT);
	assert_int_equal(spliced(f), 4);
	assert_int_equal(f->last.result, 3 * PAGE);
	struct vm_system_view system;
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.frames_in_use, 0);
}

/* The tables are asked first: what may only be written is read where it is mapped. */
static void a_pipe_takes_what_is_mapped_unasked(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + PAGE, PAGE);
	protect(f, 0, BASE, 3 * PAGE, VM_PROT_WRITE);
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE, 2 * PAGE), 0);
	assert_int_equal(f->last.result, PAGE);
	/* The page of zeros is the kernel's own: it is not among what the tables give. */
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE + PAGE, PAGE), VM_EFAULT);
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE + 2 * PAGE, PAGE), VM_EFAULT);
	protect(f, 0, BASE, 3 * PAGE, 0);
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE, PAGE), VM_EFAULT);
}

/* Reclaim meets a page that was freed lazily while it waited to be unlocked: it goes or it stays.
 */
static void a_page_may_be_freed_while_it_is_unlocked(void **state)
{
	struct fixture *f = *state;

	for (uint32_t goes = 0; goes < 2; goes++) {
		const uint64_t at = BASE + 4 * goes * PAGE;
		map(f, 0, at, PAGE, RW, PRIVATE);
		on(f, VM_OP_TOUCH_WRITE, 0, at, PAGE);
		on(f, VM_OP_LOCK, 0, at, PAGE);
		fork_to(f, 0, 1 + goes);
		on(f, VM_OP_TOUCH_WRITE, 0, at, PAGE);
		advise(f, 1 + goes, at, PAGE, VM_MADV_FREE);
		const struct vm_operation pageout = {.kind = VM_OP_ADVISE,
			.process = 1 + goes,
			.address = at,
			.length = PAGE,
			.advice = VM_MADV_PAGEOUT,
			.decisions = goes};
		assert_int_equal(run(f, pageout), 0);
		assert_int_equal(f->last.choice_count, 1);
		assert_int_equal(f->last.choices[0], VM_FREEDOM_LOCAL_LRU_BATCH);
		assert_int_equal(
			page(f, 1 + goes, at).state, goes != 0 ? VM_PAGE_NONE : VM_PAGE_SWAPPED);
	}
}

static void shares_are_cut_page_by_page(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 3 * PAGE);
	fork_to(f, 0, 1);
	fork_to(f, 0, 2);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_RSS), 12);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_PSS), 3);
}

static void swap_keeps_contents(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE);
	for (uint64_t i = 0; i < 4; i++)
		set_byte(f, 0, BASE + i * PAGE, (uint8_t)(i + 1));
	advise(f, 0, BASE, 4 * PAGE, VM_MADV_PAGEOUT);
	assert_int_equal(counters(f, 0).swap_pages, 4);
	assert_int_equal(page(f, 0, BASE).state, VM_PAGE_SWAPPED);
	assert_false(page(f, 0, BASE).in_core);
	assert_int_equal(byte_at(f, 0, BASE + PAGE), 2);
	assert_int_equal(f->last.major_faults, 1);
	set_byte(f, 0, BASE + PAGE, 9);
	assert_int_equal(minor(f), 0);
	fork_to(f, 0, 1);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_SWAP), 12);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_SWAP_PSS), 6);
}

/* Two pages that a fork shares, in swap: the second is a neighbour of the first. */
static void shared_swap(struct fixture *f)
{
	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 2 * PAGE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_PAGEOUT);
	fork_to(f, 0, 1);
}

static void neighbours_come_along_from_swap(void **state)
{
	struct fixture *f = *state;
	const struct vm_operation touch = {
		.kind = VM_OP_TOUCH_READ, .address = BASE, .length = PAGE};

	shared_swap(f);
	vm_machine_do(f->machine, &touch, &f->last);
	assert_non_null(f->last.silent);
	/* The last one has no neighbour there any more. */
	const struct vm_operation next = {
		.kind = VM_OP_TOUCH_READ, .address = BASE + PAGE, .length = PAGE};
	vm_machine_do(f->machine, &next, &f->last);
	assert_null(f->last.silent);
}

static void a_page_from_swap_comes_alone_without_a_cluster(void **state)
{
	struct fixture *f = *state;

	shared_swap(f);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_int_equal(f->last.major_faults, 1);
	assert_int_equal(counters(f, 0).swap_pages, 1);
	/* Locking brings one's own page back, and nobody tells it that its area is locked. */
	map(f, 0, BASE + 8 * PAGE, PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 8 * PAGE, PAGE);
	advise(f, 0, BASE + 8 * PAGE, PAGE, VM_MADV_PAGEOUT);
	on(f, VM_OP_LOCK, 0, BASE + 8 * PAGE, PAGE);
	assert_int_equal(page(f, 0, BASE + 8 * PAGE).state, VM_PAGE_PRESENT);
	assert_false(page(f, 0, BASE + 8 * PAGE).kpageflags >> VM_KPF_MLOCKED & 1);
}

static void equal_pages_are_merged(void **state)
{
	struct fixture *f = *state;
	struct vm_system_view system;

	map(f, 0, BASE, 330 * PAGE, RW, PRIVATE);
	advise(f, 0, BASE, 330 * PAGE, VM_MADV_MERGEABLE);
	for (uint64_t i = 0; i < 330; i++) {
		const uint8_t pair = (uint8_t)(2 + (i - 300) / 2);
		on(f, VM_OP_TOUCH_WRITE, 0, BASE + i * PAGE, 1);
		set_byte(f, 0, BASE + i * PAGE, i < 300 ? 1 : i < 310 ? pair : 0);
		if (i >= 320)
			set_byte(f, 0, BASE + i * PAGE + i, 200);
	}
	run(f, (struct vm_operation){.kind = VM_OP_KSM_RUN, .flags = 1});
	vm_machine_system(f->machine, &system);
	/* 300 equal ones make two, since one is shared 256 times at most; five pairs; ten zeros */
	assert_int_equal(system.ksm_shared, 2 + 5 + 1);
	assert_int_equal(system.ksm_sharing, 298 + 5 + 9);
	assert_int_equal(system.ksm_unshared, 10);
	set_byte(f, 0, BASE, 9);
	assert_int_equal(minor(f), 1);
	assert_int_equal(byte_at(f, 0, BASE + PAGE), 1);
}

/* A release before 6.2. */
static int setup_merged_by_write(void **state)
{
	struct fixture *f = fixture_plain();

	f->host.feature[VM_FEATURE_KSM_UNSHARES].present = false;
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

/* How much of two pages that were merged, shared with a child and taken apart again is dirty. */
static uint64_t dirty_after_merging(struct fixture *f)
{
	struct vm_smaps lines;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 2 * PAGE);
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_MERGEABLE);
	run(f, (struct vm_operation){.kind = VM_OP_KSM_RUN, .flags = 1});
	fork_to(f, 0, 1);
	/* Its entries are old, and the page was marked when it was merged. */
	vm_machine_smaps(f->machine, 1, 0, &lines);
	assert_int_equal(lines.kib[VM_SMAPS_REFERENCED], 0);
	assert_int_equal(lines.highest_kib[VM_SMAPS_REFERENCED], 8);
	run(f, (struct vm_operation){.kind = VM_OP_EXIT, .process = 1});
	advise(f, 0, BASE, 2 * PAGE, VM_MADV_UNMERGEABLE);
	return smaps(f, 0, 0, VM_SMAPS_PRIVATE_DIRTY);
}

static void merged_pages_are_unshared_clean(void **state)
{
	assert_int_equal(dirty_after_merging(*state), 0);
}

static void merged_pages_were_written_apart(void **state)
{
	assert_int_equal(dirty_after_merging(*state), 8);
}

static void huge_pool_counts(void **state)
{
	struct fixture *f = *state;
	const uint32_t huge = PRIVATE | VM_MAP_HUGETLB;
	struct vm_system_view system;

	map(f, 0, BASE, 2 * HUGE, RW, huge);
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.huge_2m.reserved, 2);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.huge_2m.free, 3);
	assert_int_equal(system.huge_2m.reserved, 1);
	map(f, 0, BASE + 8 * HUGE, 4 * HUGE, RW, huge);
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.huge_2m.total, 6);
	assert_int_equal(system.huge_2m.surplus, 2);
	assert_int_equal(map(f, 0, BASE + 16 * HUGE, HUGE, RW, huge), VM_ENOMEM);
	on(f, VM_OP_UNMAP, 0, BASE + 8 * HUGE, 4 * HUGE);
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.huge_2m.total, 4);
	assert_int_equal(counters(f, 0).anonymous_pages, 0);
	assert_int_equal(counters(f, 0).hugetlb_pages, 512);
	assert_int_equal(counters(f, 0).page_table_bytes, 2 * PAGE);
}

static struct vm_huge_pool pool_now(struct fixture *f)
{
	struct vm_system_view system;

	vm_machine_system(f->machine, &system);
	return system.huge_2m;
}

static void resize_pool(struct fixture *f, uint64_t pages)
{
	const struct vm_operation resize = {
		.kind = VM_OP_POOL, .file_kind = VM_FILE_HUGETLB_2M, .length = pages};

	assert_int_equal(run(f, resize), 0);
}

/* The counts of 6.16.12 and 6.18.44, where the kernel shows 18446744073709551615 for a while. */
static void a_reservation_is_owed_until_the_child_lets_go(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, HUGE, RW, PRIVATE | VM_MAP_HUGETLB);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	fork_to(f, 0, 1);
	assert_int_equal(advise(f, 0, BASE, HUGE, VM_MADV_DONTNEED), 0);
	assert_int_equal(pool_now(f).reserved, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	assert_int_equal(pool_now(f).reserved, UINT64_MAX);
	assert_int_equal(pool_now(f).free, 2);
	on(f, VM_OP_EXIT, 1, 0, 0);
	assert_int_equal(pool_now(f).reserved, 0);
	assert_int_equal(pool_now(f).free, 3);
	on(f, VM_OP_UNMAP, 0, BASE, HUGE);
	assert_int_equal(pool_now(f).reserved, 0);
	assert_int_equal(pool_now(f).free, 4);
}

static void a_reservation_returns_with_the_last(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, HUGE, RW, PRIVATE | VM_MAP_HUGETLB);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	fork_to(f, 0, 1);
	assert_int_equal(advise(f, 0, BASE, HUGE, VM_MADV_DONTNEED), 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	assert_int_equal(pool_now(f).reserved, 0);
	on(f, VM_OP_EXIT, 1, 0, 0);
	assert_int_equal(pool_now(f).reserved, 0);
	/* Now it is the owner's alone. */
	assert_int_equal(advise(f, 0, BASE, HUGE, VM_MADV_DONTNEED), 0);
	assert_int_equal(pool_now(f).reserved, 1);
	assert_int_equal(pool_now(f).free, 4);
}

static void a_smaller_pool_keeps_what_is_promised(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * HUGE, RW, PRIVATE | VM_MAP_HUGETLB);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	resize_pool(f, 1); /* one in use and two promised: one page goes, two are too many */
	assert_int_equal(pool_now(f).total, 3);
	assert_int_equal(pool_now(f).free, 2);
	assert_int_equal(pool_now(f).reserved, 2);
	assert_int_equal(pool_now(f).surplus, 2);
	on(f, VM_OP_UNMAP, 0, BASE + 2 * HUGE, HUGE);
	assert_int_equal(pool_now(f).total, 2);
	assert_int_equal(pool_now(f).surplus, 1);
	resize_pool(f, 3); /* surplus pages count again before new ones are taken */
	assert_int_equal(pool_now(f).total, 3);
	assert_int_equal(pool_now(f).surplus, 0);
	resize_pool(f, 0);
	on(f, VM_OP_UNMAP, 0, BASE, 2 * HUGE);
	assert_int_equal(pool_now(f).total, 0);
}

static void the_owner_takes_its_page_back(void **state)
{
	struct fixture *f = *state;
	const uint64_t second = BASE + HUGE;

	resize_pool(f, 2);
	map(f, 0, BASE, 2 * HUGE, RW, PRIVATE | VM_MAP_HUGETLB);
	on(f, VM_OP_WRITE, 0, BASE, 1);
	on(f, VM_OP_WRITE, 0, second, 1);
	/* As many as may be surplus are somewhere else. */
	map(f, 0, BASE + 8 * HUGE, 2 * HUGE, RW, PRIVATE | VM_MAP_HUGETLB);
	fork_to(f, 0, 1);
	on(f, VM_OP_WRITE, 1, second, 1); /* an heir has no claim to a page */
	assert_int_equal(f->last.signal.number, VM_SIGBUS);
	on(f, VM_OP_WRITE, 0, BASE, 1);
	assert_int_equal(f->last.signal.number, 0);
	on(f, VM_OP_READ, 1, second, 1);
	assert_int_equal(f->last.signal.number, 0);
	on(f, VM_OP_READ, 1, BASE, 1);
	assert_int_equal(f->last.signal.number, VM_SIGBUS);
}

static void forced_writes_break_copy_on_write(void **state)
{
	struct fixture *f = *state;
	const struct vm_operation forced = {
		.kind = VM_OP_MEM_WRITE, .other = 0, .address = BASE, .length = 1, .value = 3};

	file_create(f, 0, VM_FILE_SHMEM, PAGE);
	file_write(f, 0, 0, PAGE, 5);
	map_file(f, 0, BASE, PAGE, RO, VM_MAP_PRIVATE, 0);
	assert_int_equal(run(f, forced), 0);
	assert_int_equal(f->last.minor_faults, 1);
	assert_true((page(f, 0, BASE).pagemap >> VM_PAGEMAP_FILE & 1) == 0);
	assert_int_equal(byte_at(f, 0, BASE), 3);
	on(f, VM_OP_WRITE, 0, BASE, 1);
	assert_int_equal(f->last.signal.code, VM_SEGV_ACCERR);
	struct vm_operation fair = forced;
	fair.kind = VM_OP_REMOTE_WRITE;
	assert_int_equal(run(f, fair), VM_EFAULT);
	map_file(f, 0, BASE, PAGE, RO, VM_MAP_SHARED, 0);
	protect(f, 0, BASE, PAGE, RO);
	assert_int_equal(run(f, forced), VM_EIO);
}

/* ---- properties ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct vm_operation random_operation(uint64_t *seed)
{
	static const int32_t advices[] = {VM_MADV_DONTNEED, VM_MADV_FREE, VM_MADV_PAGEOUT,
		VM_MADV_HUGEPAGE, VM_MADV_MERGEABLE, VM_MADV_GUARD_INSTALL, VM_MADV_GUARD_REMOVE,
		VM_MADV_POPULATE_WRITE, VM_MADV_COLLAPSE, VM_MADV_WIPEONFORK, VM_MADV_COLD};
	static const uint32_t kinds[] = {PRIVATE, SHARED, VM_MAP_PRIVATE | VM_MAP_FIXED,
		VM_MAP_SHARED | VM_MAP_FIXED, PRIVATE | VM_MAP_LOCKED, PRIVATE | VM_MAP_POPULATE};
	const uint64_t span = random_next(seed) % 4 == 0 ? 2 * HUGE : 16 * PAGE;
	struct vm_operation op = {
		.kind = (enum vm_operation_kind)(random_next(seed) % VM_OP_LIMIT),
		.process = (uint32_t)(random_next(seed) % 4),
		.other = (uint32_t)(random_next(seed) % 4),
		.address = BASE + vm_align_down(random_next(seed) % (4 * HUGE), PAGE),
		.length = 1 + random_next(seed) % span,
		.new_length = 1 + random_next(seed) % (16 * PAGE),
		.protection = (uint32_t)(random_next(seed) % 8),
		.flags = (uint32_t)(random_next(seed) % 8),
		.file = (uint32_t)(random_next(seed) % 3),
		.file_kind = (enum vm_file_kind)(random_next(seed) % 2),
		.offset = vm_align_down(random_next(seed) % (16 * PAGE), PAGE),
		.value = (uint8_t)(random_next(seed) % 4),
		.advice = advices[random_next(seed) % (sizeof(advices) / sizeof(advices[0]))],
	};

	op.new_address = BASE + vm_align_down(random_next(seed) % (4 * HUGE), PAGE);
	if (op.kind == VM_OP_MAP)
		op.flags = kinds[random_next(seed) % (sizeof(kinds) / sizeof(kinds[0]))];
	if (op.kind == VM_OP_BREAK)
		op.address = UINT64_C(0x200000000000) + op.length;
	if (op.kind == VM_OP_FILE_WRITE || op.kind == VM_OP_FILE_CREATE)
		op.length %= 32 * PAGE;
	return op;
}

static void everything_is_given_back(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = UINT64_C(88172645463325252);
	struct vm_outcome outcome;
	struct vm_system_view system;

	for (int i = 0; i < 60000; i++) {
		const struct vm_operation op = random_operation(&seed);

		if (op.kind == VM_OP_EXIT && op.process == 0)
			continue;
		vm_machine_do(f->machine, &op, &outcome);
		assert_true(outcome.silent == NULL ||
			    strcmp(outcome.silent, "beyond the limits of this machine") != 0);
	}
	/* Whose vfork child still runs can do nothing: it goes in a later round. */
	for (uint32_t i = 0; i < 3 * 3; i++)
		vm_machine_do(f->machine,
			&(struct vm_operation){.kind = VM_OP_EXIT, .process = 1 + i % 3}, &outcome);
	for (uint32_t file = 0; file < 3; file++)
		vm_machine_do(f->machine,
			&(struct vm_operation){.kind = VM_OP_FILE_CLOSE, .file = file}, &outcome);
	vm_machine_do(f->machine, &(struct vm_operation){.kind = VM_OP_EXIT}, &outcome);
	vm_machine_system(f->machine, &system);
	assert_int_equal(system.frames_in_use, 0);
	assert_int_equal(system.committed_pages, 0);
	assert_int_equal(system.swap_slots_used, 0);
	assert_int_equal(system.huge_2m.reserved, 0);
}

static int setup_rich(void **state)
{
	struct fixture *f = fixture_plain();

	f->setup.limits.frames = 64 * 512;
	f->setup.limits.tables = 2048;
	f->setup.limits.runs = 1 << 18;
	f->setup.limits.areas = 4096;
	f->setup.limits.swap_slots = 1 << 15;
	f->setup.limits.cache_pages = 1 << 15;
	f->setup.swap_pages = 1 << 15;
	f->setup.swap_synchronous = true;
	f->setup.huge_2m = (struct vm_huge_pool){.total = 4, .free = 4};
	f->setup.huge_2m_overcommit_pages = 2;
	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static int setup_returned_last(void **state)
{
	const int error = setup_rich(state);
	struct fixture *f = *state;

	free(f->memory);
	f->host.feature[VM_FEATURE_POOL_RESERVE_LAST].present = true;
	fixture_start(f, VM_MODEL_LINUX);
	return error;
}

static int setup_without_cluster(void **state)
{
	const int error = setup_rich(state);
	struct fixture *f = *state;

	free(f->memory);
	f->host.knob[VM_KNOB_PAGE_CLUSTER] = (struct vm_knob_fact){.present = true};
	fixture_start(f, VM_MODEL_LINUX);
	return error;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_rich, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(areas_split_and_merge),
		TEST(inherited_areas_do_not_take_in_new_ones),
		TEST(holes_stop_or_are_skipped),
		TEST(moves_take_no_fault),
		TEST(huge_pages_come_and_are_split),
		TEST(files_are_cached_once),
		TEST(dropped_pages_race_with_their_write),
		TEST(seals_refuse_what_would_change_areas),
		TEST(nobody_executes_what_could_be_written),
		TEST(others_are_advised_what_loses_nothing),
		TEST(a_word_is_poked_as_far_as_it_goes),
		TEST(a_pipe_holds_pages_not_copies),
		TEST(a_pipe_takes_what_is_mapped_unasked),
		TEST(a_page_may_be_freed_while_it_is_unlocked),
		TEST(shares_are_cut_page_by_page),
		TEST(swap_keeps_contents),
		TEST(neighbours_come_along_from_swap),
		cmocka_unit_test_setup_teardown(a_page_from_swap_comes_alone_without_a_cluster,
			setup_without_cluster, teardown),
		TEST(equal_pages_are_merged),
		TEST(merged_pages_are_unshared_clean),
		cmocka_unit_test_setup_teardown(
			merged_pages_were_written_apart, setup_merged_by_write, teardown),
		TEST(huge_pool_counts),
		TEST(a_reservation_is_owed_until_the_child_lets_go),
		cmocka_unit_test_setup_teardown(
			a_reservation_returns_with_the_last, setup_returned_last, teardown),
		TEST(a_smaller_pool_keeps_what_is_promised),
		TEST(the_owner_takes_its_page_back),
		TEST(forced_writes_break_copy_on_write),
		TEST(everything_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
