/* SPDX-License-Identifier: Apache-2.0 */
/* Anonymous memory, tables, fork and signals, by figures that were measured on Linux 6.18. */
#include "machine_fixture.h"

static void reading_maps_the_zero_page(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 64 * PAGE, RW, PRIVATE);
	assert_int_equal(counters(f, 0).page_table_bytes, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 64 * PAGE);
	assert_int_equal(minor(f), 64);
	assert_int_equal(counters(f, 0).anonymous_pages, 0);
	assert_int_equal(counters(f, 0).page_table_bytes, 3 * PAGE);
	const struct vm_page_view view = page(f, 0, BASE);
	assert_true(view.pagemap == UINT64_C(1) << VM_PAGEMAP_PRESENT);
	assert_int_equal(view.map_count, 0);
	assert_int_equal(view.frame, page(f, 0, BASE + PAGE).frame);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 64 * PAGE);
	assert_int_equal(minor(f), 64);
	assert_int_equal(counters(f, 0).anonymous_pages, 64);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 64 * PAGE);
	assert_int_equal(minor(f), 0);
}

static void tables_follow_touches(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, VM_GIB_BYTES, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 1);
	assert_int_equal(counters(f, 0).page_table_bytes, 3 * PAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + HUGE, 1);
	assert_int_equal(counters(f, 0).page_table_bytes, 4 * PAGE);
	map(f, 0, BASE + VM_GIB_BYTES, PAGE, RO, PRIVATE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + VM_GIB_BYTES, 1);
	assert_int_equal(counters(f, 0).page_table_bytes, 6 * PAGE);
	on(f, VM_OP_UNMAP, 0, BASE, VM_GIB_BYTES);
	assert_int_equal(counters(f, 0).page_table_bytes, 3 * PAGE);
	on(f, VM_OP_UNMAP, 0, BASE + VM_GIB_BYTES, PAGE);
	assert_int_equal(counters(f, 0).page_table_bytes, 0);
}

static void dropped_ranges_give_whole_tables_back(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 8 * HUGE, RW, PRIVATE);
	for (int i = 0; i < 8; i++)
		on(f, VM_OP_TOUCH_WRITE, 0, BASE + (uint64_t)i * HUGE, 1);
	assert_int_equal(counters(f, 0).page_table_bytes, 10 * PAGE);
	advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED);
	assert_int_equal(counters(f, 0).page_table_bytes, 10 * PAGE);
	advise(f, 0, BASE, HUGE, VM_MADV_DONTNEED);
	assert_int_equal(counters(f, 0).page_table_bytes, 9 * PAGE);
	advise(f, 0, BASE, 8 * HUGE, VM_MADV_DONTNEED);
	assert_int_equal(counters(f, 0).page_table_bytes, 2 * PAGE);
}

static void writer_pays_and_last_owner_takes_over(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 32 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 32 * PAGE);
	assert_true((page(f, 0, BASE).kpageflags >> VM_KPF_ANON_EXCLUSIVE & 1) != 0);
	assert_int_equal(fork_to(f, 0, 1), 0);
	assert_int_equal(page(f, 0, BASE).frame, page(f, 1, BASE).frame);
	assert_int_equal(page(f, 0, BASE).map_count, 2);
	assert_true((page(f, 0, BASE).kpageflags >> VM_KPF_ANON_EXCLUSIVE & 1) == 0);
	assert_int_equal(counters(f, 1).anonymous_pages, 32);
	const uint32_t frame = page(f, 0, BASE).frame;
	on(f, VM_OP_TOUCH_WRITE, 1, BASE, 32 * PAGE);
	assert_int_equal(minor(f), 32);
	assert_int_not_equal(page(f, 1, BASE).frame, frame);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 32 * PAGE);
	assert_int_equal(minor(f), 32);
	assert_int_equal(page(f, 0, BASE).frame, frame);
	assert_int_equal(fork_to(f, 0, 2), 0);
	on(f, VM_OP_EXIT, 2, 0, 0);
	assert_true((page(f, 0, BASE).kpageflags >> VM_KPF_ANON_EXCLUSIVE & 1) == 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 32 * PAGE);
	assert_int_equal(minor(f), 32);
	assert_int_equal(page(f, 0, BASE).frame, frame);
	assert_true((page(f, 0, BASE).kpageflags >> VM_KPF_ANON_EXCLUSIVE & 1) != 0);
}

/* What is left of a huge page, in one or two pieces, and a child that has come and gone: whether
 * the write to the first piece takes it over. */
static bool takes_over(bool given_back, bool same_space, uint64_t left_bytes)
{
	struct fixture *f = fixture_plain();

	f->host.feature[VM_FEATURE_LARGE_FOLIO_GIVEN_BACK] =
		(struct vm_feature_fact){.present = given_back, .evidence = VM_EVIDENCE_VERSION};
	f->host.feature[VM_FEATURE_LARGE_FOLIO_TAKEOVER].present = same_space;
	fixture_start(f, VM_MODEL_LINUX);
	map(f, 0, BASE, HUGE, RW, PRIVATE);
	advise(f, 0, BASE, HUGE, VM_MADV_HUGEPAGE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, HUGE);
	on(f, VM_OP_UNMAP, 0, BASE + left_bytes, HUGE - left_bytes);
	const uint32_t frame = page(f, 0, BASE).frame;
	fork_to(f, 0, 1);
	on(f, VM_OP_EXIT, 1, 0, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	assert_int_equal(minor(f), 1);
	const bool kept = page(f, 0, BASE).frame == frame;
	void *state = f;
	teardown(&state);
	return kept;
}

static void pieces_of_large_folios_are_taken_over_by_behaviour(void **state)
{
	(void)state;
	assert_true(takes_over(false, false, PAGE));
	assert_false(takes_over(false, false, 2 * PAGE));
	assert_false(takes_over(true, false, PAGE));
	assert_false(takes_over(true, false, 2 * PAGE));
	assert_false(takes_over(true, true, PAGE));
	assert_true(takes_over(true, true, 2 * PAGE));
}

static void fork_copies_entries_of_private_areas_only(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 16 * PAGE, RW, SHARED);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 16 * PAGE);
	assert_int_equal(counters(f, 0).shmem_pages, 16);
	map(f, 0, BASE + HUGE, 16 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + HUGE, 16 * PAGE);
	fork_to(f, 0, 1);
	assert_int_equal(counters(f, 1).shmem_pages, 0);
	assert_int_equal(counters(f, 1).page_table_bytes, 0);
	on(f, VM_OP_TOUCH_READ, 1, BASE, 16 * PAGE);
	assert_int_equal(minor(f), 1); /* fault-around */
	assert_int_equal(page(f, 1, BASE).frame, page(f, 0, BASE).frame);
	set_byte(f, 1, BASE + 5, 77);
	assert_int_equal(byte_at(f, 0, BASE + 5), 77);
}

static void contents_are_exact(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	set_byte(f, 0, BASE + 100, 1);
	fork_to(f, 0, 1);
	set_byte(f, 1, BASE + 100, 0);
	assert_int_equal(byte_at(f, 0, BASE + 100), 1);
	assert_int_equal(byte_at(f, 1, BASE + 100), 0);
	assert_int_equal(byte_at(f, 0, BASE + 99), 0);
	on(f, VM_OP_WRITE, 0, BASE + PAGE - 3, 6); /* crosses the boundary */
	assert_int_equal(byte_at(f, 0, BASE + PAGE - 4), 0);
	assert_int_equal(byte_at(f, 0, BASE + PAGE - 3), 0xa5);
	assert_int_equal(byte_at(f, 0, BASE + PAGE + 2), 0xa5);
	assert_int_equal(byte_at(f, 0, BASE + PAGE + 3), 0);
}

static void signal_of(struct fixture *f, enum vm_operation_kind kind, uint64_t address, int number,
	int code, uint32_t error)
{
	on(f, kind, 0, address, 1);
	assert_int_equal(f->last.signal.number, number);
	assert_int_equal(f->last.signal.code, code);
	assert_int_equal(f->last.signal.error_bits, error);
}

static void faults_tell_why(void **state)
{
	struct fixture *f = *state;
	const uint64_t kernel = UINT64_C(0xffff888000000000);

	signal_of(f, VM_OP_READ, BASE, VM_SIGSEGV, VM_SEGV_MAPERR, 4);
	signal_of(f, VM_OP_WRITE, BASE, VM_SIGSEGV, VM_SEGV_MAPERR, 6);
	signal_of(f, VM_OP_EXECUTE, BASE, VM_SIGSEGV, VM_SEGV_MAPERR, 0x14);
	signal_of(f, VM_OP_READ, kernel, VM_SIGSEGV, VM_SEGV_MAPERR, 5);
	signal_of(f, VM_OP_WRITE, kernel, VM_SIGSEGV, VM_SEGV_MAPERR, 7);
	map(f, 0, BASE, PAGE, RO, PRIVATE);
	signal_of(f, VM_OP_WRITE, BASE, VM_SIGSEGV, VM_SEGV_ACCERR, 6);
	on(f, VM_OP_READ, 0, BASE, 1);
	signal_of(f, VM_OP_WRITE, BASE, VM_SIGSEGV, VM_SEGV_ACCERR, 7);
	signal_of(f, VM_OP_EXECUTE, BASE, VM_SIGSEGV, VM_SEGV_ACCERR, 0x15);
	protect(f, 0, BASE, PAGE, 0);
	signal_of(f, VM_OP_READ, BASE, VM_SIGSEGV, VM_SEGV_ACCERR, 4);
	signal_of(f, VM_OP_WRITE, BASE, VM_SIGSEGV, VM_SEGV_ACCERR, 6);
	signal_of(f, VM_OP_READ, UINT64_C(1) << 60, VM_SIGSEGV, VM_SI_KERNEL, 0);
	assert_int_equal(f->last.signal.address, 0);
	assert_int_equal(f->last.signal.trap, 13);
	file_create(f, 0, VM_FILE_DISK, 1);
	map_file(f, 0, BASE + HUGE, 2 * PAGE, RW, VM_MAP_SHARED, 0);
	signal_of(f, VM_OP_READ, BASE + HUGE + PAGE, VM_SIGBUS, VM_BUS_ADRERR, 4);
	signal_of(f, VM_OP_WRITE, BASE + HUGE + PAGE, VM_SIGBUS, VM_BUS_ADRERR, 6);
	map(f, 0, BASE, PAGE, RW, PRIVATE);
	advise(f, 0, BASE, PAGE, VM_MADV_GUARD_INSTALL);
	signal_of(f, VM_OP_READ, BASE, VM_SIGSEGV, VM_SEGV_MAPERR, 4);
	signal_of(f, VM_OP_WRITE, BASE, VM_SIGSEGV, VM_SEGV_MAPERR, 6);
}

static void stacks_grow_to_their_limit(void **state)
{
	struct fixture *f = *state;
	const uint64_t top = BASE + VM_GIB_BYTES, limit = f->host.stack_limit_bytes;

	map(f, 0, top - PAGE, PAGE, RW, PRIVATE | VM_MAP_GROWSDOWN);
	on(f, VM_OP_WRITE, 0, top - limit, 1);
	assert_int_equal(f->last.signal.number, 0);
	signal_of(f, VM_OP_WRITE, top - limit - 1, VM_SIGSEGV, VM_SEGV_MAPERR, 6);
	on(f, VM_OP_UNMAP, 0, BASE, VM_GIB_BYTES);
	map(f, 0, top - PAGE, PAGE, RW, PRIVATE | VM_MAP_GROWSDOWN);
	map(f, 0, top - 400 * PAGE, PAGE, RW, PRIVATE);
	on(f, VM_OP_WRITE, 0, top - (400 - 256 - 1) * PAGE, 1);
	assert_int_equal(f->last.signal.number, 0);
	signal_of(f, VM_OP_WRITE, top - (400 - 256 - 1) * PAGE - 1, VM_SIGSEGV, VM_SEGV_MAPERR, 6);
}

static void walks_end_at_the_frame(void **state)
{
	struct fixture *f = *state;
	const struct vm_access access = {
		.address = BASE + 5 * PAGE + 7, .kind = VM_ACCESS_WRITE, .user = true};

	map(f, 0, BASE, 8 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 8 * PAGE);
	const struct vm_walk walk = vm_machine_walk(f->machine, 0, &access);
	assert_int_equal(walk.outcome, VM_WALK_TRANSLATED);
	assert_int_equal(walk.steps_count, 4);
	assert_int_equal(walk.physical, vm_pages_to_bytes(page(f, 0, BASE + 5 * PAGE).frame) + 7);
	/* Present, writable, user, accessed, dirty, no-execute: as the kernel writes them. */
	assert_true((walk.steps[3].before & ~VM_PTE_ADDRESS_MASK) ==
		    (VM_PTE_PRESENT | VM_PTE_WRITABLE | VM_PTE_USER | VM_PTE_ACCESSED |
			    VM_PTE_DIRTY | VM_PTE_NO_EXECUTE));
	assert_true((walk.steps[0].before & ~VM_PTE_ADDRESS_MASK) == 0x67);
	protect(f, 0, BASE, 8 * PAGE, 0);
	const struct vm_walk absent = vm_machine_walk(f->machine, 0, &access);
	assert_int_equal(absent.outcome, VM_WALK_PAGE_FAULT);
	/* PROT_NONE: bit 8 for bit 0, the frame inverted, dirtiness saved in software. */
	const uint64_t frame = page(f, 0, BASE + 5 * PAGE).frame;
	assert_true(absent.steps[3].before ==
		    ((~vm_pages_to_bytes(frame) & VM_PTE_ADDRESS_MASK) | VM_PTE_GLOBAL |
			    VM_PTE_ACCESSED | VM_PTE_LINUX_SAVED_DIRTY));
	protect(f, 0, BASE, 8 * PAGE, RW);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 8 * PAGE);
	assert_int_equal(minor(f), 0);
}

static void checkpoints_are_copies(void **state)
{
	struct fixture *f = *state;
	const size_t size = vm_machine_size_bytes(&f->setup.limits);
	void *memory = malloc(size);
	const struct vm_model model = vm_model_for(VM_MODEL_LINUX, &f->host);
	struct vm_machine *copy =
		vm_machine_create(&f->host, &model.behaviours, &f->setup, memory, size);

	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE);
	set_byte(f, 0, BASE, 9);
	vm_machine_copy(copy, f->machine);
	set_byte(f, 0, BASE, 8);
	vm_machine_copy(f->machine, copy);
	assert_int_equal(byte_at(f, 0, BASE), 9);
	free(memory);
}

static const char *silence_of(struct fixture *f, struct vm_operation operation)
{
	vm_machine_do(f->machine, &operation, &f->last);
	return f->last.silent;
}

/* What decides is not known: nothing is said of what depends on it, and all of what does not. */
static void nothing_is_said_of_unknown_settings(void **state)
{
	struct fixture *f = fixture_plain();

	*state = f;
	f->setup.huge_choice_unknown = true;
	f->setup.readahead_pages = VM_READAHEAD_UNKNOWN;
	fixture_start(f, VM_MODEL_LINUX);
	map(f, 0, BASE + PAGE, 1022 * PAGE, RW, PRIVATE);
	map(f, 0, BASE + VM_GIB_BYTES, 1024 * PAGE, RW, SHARED);
	assert_non_null(silence_of(
		f, (struct vm_operation){
			   .kind = VM_OP_FILE_CREATE, .file_kind = VM_FILE_DISK, .length = PAGE}));
	assert_null(silence_of(
		f, (struct vm_operation){
			   .kind = VM_OP_FILE_CREATE, .file_kind = VM_FILE_SHMEM, .length = PAGE}));
	/* The page behind it makes room for a huge page. */
	assert_non_null(silence_of(f, (struct vm_operation){.kind = VM_OP_MAP,
					      .address = BASE + 1023 * PAGE,
					      .length = PAGE,
					      .protection = RW,
					      .flags = PRIVATE}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reading_maps_the_zero_page, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(tables_follow_touches, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(
			dropped_ranges_give_whole_tables_back, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(
			writer_pays_and_last_owner_takes_over, setup_linux, teardown),
		cmocka_unit_test(pieces_of_large_folios_are_taken_over_by_behaviour),
		cmocka_unit_test_setup_teardown(
			fork_copies_entries_of_private_areas_only, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(contents_are_exact, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(faults_tell_why, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(stacks_grow_to_their_limit, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(walks_end_at_the_frame, setup_linux, teardown),
		cmocka_unit_test_setup_teardown(checkpoints_are_copies, setup_linux, teardown),
		cmocka_unit_test_teardown(nothing_is_said_of_unknown_settings, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
