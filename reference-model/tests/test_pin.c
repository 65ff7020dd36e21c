/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed buffers of io_uring, by what was measured on Linux 6.18 and 6.1. */
#include "machine_fixture.h"

static int32_t pinned_write(
	struct fixture *f, uint32_t process, uint64_t address, uint64_t length, uint8_t value)
{
	return run(f, (struct vm_operation){.kind = VM_OP_PINNED_WRITE,
			      .process = process,
			      .address = address,
			      .length = length,
			      .value = value});
}

static uint8_t pinned_byte(struct fixture *f, uint64_t address)
{
	uint8_t value = 0xee;

	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_PINNED_READ,
					.address = address,
					.length = 1,
					.out = &value,
					.out_size = 1}),
		0);
	return value;
}

static void fork_copies_what_is_pinned(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 3 * PAGE);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + PAGE, PAGE), 0);
	const struct vm_page_view before = page(f, 0, BASE + PAGE);
	fork_to(f, 0, 1);
	assert_int_equal(page(f, 0, BASE + PAGE).frame, before.frame);
	assert_int_not_equal(page(f, 1, BASE + PAGE).frame, before.frame);
	assert_int_equal(page(f, 1, BASE).frame, page(f, 0, BASE).frame);
	assert_int_equal(byte_at(f, 1, BASE + PAGE), 0xa5);
	/* Both go on without a fault, each in its own. */
	assert_true(page(f, 0, BASE + PAGE).writable_now && page(f, 1, BASE + PAGE).writable_now);
	assert_false(page(f, 0, BASE).writable_now);
	set_byte(f, 1, BASE + PAGE, 1);
	assert_int_equal(minor(f), 0);
	set_byte(f, 0, BASE + PAGE, 2);
	assert_int_equal(minor(f), 0);
	assert_int_equal(pinned_byte(f, BASE + PAGE), 2);
	assert_int_equal(counters(f, 1).anonymous_pages, 3);
	/* Given up, it is shared like any other. */
	assert_int_equal(on(f, VM_OP_UNPIN, 0, 0, 0), 0);
	fork_to(f, 0, 2);
	assert_int_equal(page(f, 2, BASE + PAGE).frame, before.frame);
}

static void what_is_shared_is_copied_first(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_TOUCH_READ, 0, BASE + PAGE, PAGE);
	fork_to(f, 0, 1);
	assert_int_equal(on(f, VM_OP_PIN, 1, BASE, 3 * PAGE), 0);
	assert_int_equal(minor(f), 3);
	assert_int_not_equal(page(f, 1, BASE).frame, page(f, 0, BASE).frame);
	assert_int_equal(counters(f, 1).anonymous_pages, 3);
	assert_int_equal(pinned_write(f, 0, BASE + PAGE - 1, 2, 9), 0);
	assert_int_equal(byte_at(f, 1, BASE + PAGE), 9);
	assert_int_equal(byte_at(f, 0, BASE + PAGE), 0);
}

static void a_buffer_outlives_its_mapping(void **state)
{
	struct fixture *f = *state;
	struct vm_system_view view;

	map(f, 0, BASE, PAGE, RW, PRIVATE);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	on(f, VM_OP_PIN, 0, BASE, PAGE);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED), 0);
	assert_int_equal(byte_at(f, 0, BASE), 0);
	assert_int_equal(pinned_byte(f, BASE), 0xa5);
	set_byte(f, 0, BASE, 3);
	assert_int_equal(pinned_byte(f, BASE), 0xa5);
	on(f, VM_OP_UNMAP, 0, BASE, PAGE);
	vm_machine_system(f->machine, &view);
	assert_int_equal(view.frames_in_use, 1);
	on(f, VM_OP_UNPIN, 0, 0, 0);
	vm_machine_system(f->machine, &view);
	assert_int_equal(view.frames_in_use, 0);
}

static void only_what_may_be_written_is_pinned(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	map(f, 0, BASE + 2 * PAGE, PAGE, RO, PRIVATE);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + PAGE, 2 * PAGE), VM_EFAULT);
	assert_int_equal(counters(f, 0).anonymous_pages, 1);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE, 0), VM_EFAULT);
	assert_int_equal(on(f, VM_OP_UNPIN, 0, 0, 0), VM_ENXIO);
	assert_int_equal(pinned_write(f, 0, BASE, 1, 1), VM_EFAULT);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + 8, 16), 0);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE, PAGE), VM_EBUSY);
	assert_int_equal(pinned_write(f, 0, BASE + 7, 2, 1), VM_EFAULT);
	assert_int_equal(pinned_write(f, 0, BASE + 20, 5, 1), VM_EFAULT);
	assert_int_equal(pinned_write(f, 0, BASE + 20, 4, 1), 0);
}

static void files_are_refused_by_area_or_afterwards(void **state)
{
	struct fixture *f = *state;
	const bool by_area = f->host.feature[VM_FEATURE_PIN_ASKS_AREAS].present;

	file_create(f, 0, VM_FILE_DISK, 4 * PAGE);
	file_create(f, 1, VM_FILE_SHMEM, 4 * PAGE);
	map_file(f, 0, BASE, PAGE, RW, VM_MAP_SHARED, 0);
	map_file(f, 0, BASE + 4 * PAGE, PAGE, RW, VM_MAP_PRIVATE, 0);
	map_file(f, 0, BASE + 8 * PAGE, PAGE, RW, VM_MAP_SHARED, 1);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE, PAGE), by_area ? VM_EFAULT : VM_EOPNOTSUPP);
	assert_int_equal(counters(f, 0).file_pages, by_area ? 0 : 1);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + 4 * PAGE, PAGE), by_area ? 0 : VM_EOPNOTSUPP);
	assert_int_equal(counters(f, 0).anonymous_pages, 1);
	if (by_area)
		on(f, VM_OP_UNPIN, 0, 0, 0);
	map(f, 0, BASE + 9 * PAGE, PAGE, RW, PRIVATE);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + 8 * PAGE, 2 * PAGE), by_area ? 0 : VM_EINVAL);
	if (by_area)
		on(f, VM_OP_UNPIN, 0, 0, 0);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + 8 * PAGE, PAGE), 0);
}

static void a_pin_through_the_tables_leaves_no_trace(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 2 * PAGE, RW, SHARED);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_PSS_DIRTY), 0);
	on(f, VM_OP_PIN, 0, BASE, 2 * PAGE);
	assert_int_equal(minor(f), 1);
	assert_int_equal(smaps(f, 0, 0, VM_SMAPS_PSS_DIRTY), 4);
}

static void pages_leave_movable_memory(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 3 * PAGE, RW, SHARED);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 3 * PAGE);
	fork_to(f, 0, 1);
	on(f, VM_OP_TOUCH_READ, 1, BASE, 3 * PAGE);
	const uint32_t before[] = {page(f, 0, BASE).frame, page(f, 0, BASE + PAGE).frame};
	/* The first of two is where it may not stay. */
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_PIN,
					.address = BASE,
					.length = 2 * PAGE,
					.decisions = 1}),
		0);
	assert_int_equal(minor(f), 0);
	assert_int_not_equal(page(f, 0, BASE).frame, before[0]);
	assert_int_equal(page(f, 1, BASE).frame, page(f, 0, BASE).frame);
	assert_int_equal(page(f, 0, BASE + PAGE).frame, before[1]);
	assert_int_equal(pinned_write(f, 0, BASE, 1, 7), 0);
	assert_int_equal(byte_at(f, 1, BASE), 7);
	assert_int_equal(on(f, VM_OP_UNPIN, 0, 0, 0), 0);
}

static void pinned_pages_count_as_locked(void **state)
{
	struct fixture *f = *state;

	map(f, 0, BASE, 4 * PAGE, RW, PRIVATE);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + PAGE - 1, PAGE + 2), VM_ENOMEM);
	assert_int_equal(counters(f, 0).anonymous_pages, 3);
	assert_int_equal(on(f, VM_OP_PIN, 0, BASE + PAGE - 1, PAGE), 0);
}

static int setup_by_areas(void **state, bool by_areas)
{
	const int error = setup_linux(state);
	struct fixture *f = *state;

	free(f->memory);
	f->host.feature[VM_FEATURE_PIN_ASKS_AREAS].present = by_areas;
	f->host.feature[VM_FEATURE_PIN_ASKS_TABLES].present = by_areas;
	fixture_start(f, VM_MODEL_LINUX);
	return error;
}

static int setup_afterwards(void **state)
{
	return setup_by_areas(state, false);
}

static int setup_limited(void **state)
{
	const int error = setup_linux(state);
	struct fixture *f = *state;

	free(f->memory);
	f->host.capabilities = 0;
	f->host.memlock_limit_bytes = 2 * PAGE;
	fixture_start(f, VM_MODEL_LINUX);
	return error;
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fork_copies_what_is_pinned, setup_linux),
		TEST(what_is_shared_is_copied_first, setup_linux),
		TEST(a_buffer_outlives_its_mapping, setup_linux),
		TEST(only_what_may_be_written_is_pinned, setup_linux),
		TEST(files_are_refused_by_area_or_afterwards, setup_linux),
		TEST(files_are_refused_by_area_or_afterwards, setup_afterwards),
		TEST(a_pin_through_the_tables_leaves_no_trace, setup_linux),
		TEST(a_pin_through_the_tables_leaves_no_trace, setup_afterwards),
		TEST(pages_leave_movable_memory, setup_linux),
		TEST(pinned_pages_count_as_locked, setup_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
