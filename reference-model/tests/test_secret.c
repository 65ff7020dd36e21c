/* SPDX-License-Identifier: Apache-2.0 */
/* Secret memory, by what was measured on Linux 6.18 and, page by page, on 6.12.117. */
#include "machine_fixture.h"

#define FILE_NUMBER 0
#define SECRET	    (VM_MAP_SHARED | VM_MAP_FIXED)

static void secret_create(struct fixture *f, uint64_t length_bytes)
{
	file_create(f, FILE_NUMBER, VM_FILE_SECRET, length_bytes);
}

static int32_t secret_map_at(
	struct fixture *f, uint64_t address, uint64_t length_bytes, uint64_t offset)
{
	return run(f, (struct vm_operation){.kind = VM_OP_MAP,
			      .address = address,
			      .length = length_bytes,
			      .protection = RW,
			      .flags = SECRET,
			      .file = FILE_NUMBER,
			      .offset = offset});
}

static int32_t secret_map(struct fixture *f, uint64_t address, uint64_t length_bytes,
	uint32_t protection, uint32_t flags)
{
	return map_file(f, 0, address, length_bytes, protection, flags, FILE_NUMBER);
}

static int32_t on_file(struct fixture *f, enum vm_operation_kind kind, uint64_t length_bytes)
{
	return run(f,
		(struct vm_operation){.kind = kind, .file = FILE_NUMBER, .length = length_bytes});
}

static bool says_nothing_of(struct fixture *f, enum vm_operation_kind kind, uint64_t address)
{
	const struct vm_operation o = {.kind = kind, .address = address, .file = FILE_NUMBER};

	vm_machine_do(f->machine, &o, &f->last);
	return f->last.silent != NULL;
}

static struct vm_area_view area_at(struct fixture *f, uint32_t process, uint64_t address)
{
	struct vm_area_view view;

	assert_true(vm_machine_area_at(f->machine, process, address, &view));
	return view;
}

static void pages_come_one_by_one(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 8 * PAGE);
	assert_int_equal(secret_map(f, BASE, 8 * PAGE, RW, SECRET | VM_MAP_POPULATE), 0);
	assert_int_equal(counters(f, 0).file_pages, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE + PAGE, PAGE);
	assert_int_equal(minor(f), 1);
	assert_int_equal(f->last.major_faults, 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 2 * PAGE, PAGE);
	assert_int_equal(counters(f, 0).file_pages, 2);
	/* Not even what somebody else has brought comes along. */
	fork_to(f, 0, 1);
	on(f, VM_OP_TOUCH_READ, 1, BASE + PAGE, PAGE);
	assert_int_equal(counters(f, 1).file_pages, 1);
	assert_int_equal(page(f, 1, BASE + PAGE).frame, page(f, 0, BASE + PAGE).frame);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE + 8 * PAGE - 1, 1);
	set_byte(f, 1, BASE + PAGE, 7);
	assert_int_equal(byte_at(f, 0, BASE + PAGE), 7);
}

static void nobody_comes_in_by_another_door(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 4 * PAGE);
	map(f, 0, BASE, PAGE, RW, PRIVATE);
	secret_map(f, BASE + PAGE, 4 * PAGE, RW, SECRET);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 3 * PAGE);
	fork_to(f, 0, 1);
	struct vm_operation door = {
		.process = 1, .other = 0, .address = BASE + PAGE, .length = PAGE, .value = 9};
	static const struct {
		enum vm_operation_kind kind;
		int32_t error;
	} doors[] = {
		{VM_OP_REMOTE_READ, VM_EFAULT},
		{VM_OP_REMOTE_WRITE, VM_EFAULT},
		{VM_OP_MEM_READ, VM_EIO},
		{VM_OP_MEM_WRITE, VM_EIO},
		{VM_OP_POKE, VM_EIO},
	};
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		door.kind = doors[i].kind;
		assert_int_equal(run(f, door), doors[i].error);
	}
	assert_int_equal(on(f, VM_OP_SPLICE, 0, BASE + PAGE, 8), VM_EFAULT);
	/* What lies before it is had. */
	door.kind = VM_OP_REMOTE_READ;
	door.address = BASE + PAGE - 8;
	assert_int_equal(run(f, door), 0);
	assert_int_equal(f->last.result, 8);
	assert_int_equal(byte_at(f, 0, BASE + PAGE), 0xa5);
	assert_int_equal(advise(f, 0, BASE + PAGE, PAGE, VM_MADV_POPULATE_READ), VM_EINVAL);
}

static void it_is_locked_and_stays_so(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 4 * PAGE);
	secret_map(f, BASE, 4 * PAGE, RW, SECRET);
	assert_int_equal(counters(f, 0).locked_pages, 4);
	assert_true((area_at(f, 0, BASE).flags & VM_AREA(LOCKED)) != 0);
	assert_true((area_at(f, 0, BASE).flags & VM_AREA(DONT_DUMP)) != 0);
	assert_true((area_at(f, 0, BASE).flags & VM_AREA(MAY_EXEC)) == 0);
	on(f, VM_OP_UNLOCK, 0, BASE, 4 * PAGE);
	on(f, VM_OP_UNLOCK_ALL, 0, 0, 0);
	assert_int_equal(counters(f, 0).locked_pages, 4);
	assert_int_equal(on(f, VM_OP_LOCK, 0, BASE, PAGE), VM_ENOMEM);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED), VM_EINVAL);
	fork_to(f, 0, 1);
	assert_int_equal(counters(f, 1).locked_pages, 0);
	assert_int_equal(on(f, VM_OP_LOCK, 1, BASE, PAGE), VM_ENOMEM);
	assert_int_equal(counters(f, 1).locked_pages, 0);
	on(f, VM_OP_UNMAP, 0, BASE, 3 * PAGE);
	assert_int_equal(counters(f, 0).locked_pages, 1);
}

static void a_limit_refuses_the_area(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 4 * PAGE);
	assert_int_equal(secret_map(f, BASE, 3 * PAGE, RW, SECRET), VM_EAGAIN);
	assert_int_equal(secret_map(f, BASE, 2 * PAGE, RW, SECRET), 0);
}

static void a_limit_refuses_the_page(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 4 * PAGE);
	assert_int_equal(secret_map(f, BASE, 4 * PAGE, RW, SECRET), 0);
	assert_int_equal(counters(f, 0).locked_pages, 0);
	assert_true((area_at(f, 0, BASE).flags & VM_AREA(LOCKED)) == 0);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 2 * PAGE);
	assert_int_equal(f->last.signal.number, 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE + 3 * PAGE, PAGE);
	assert_int_equal(f->last.signal.number, VM_SIGBUS);
	/* What is unmapped still counts; with the file it goes. */
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED), 0);
	on(f, VM_OP_TOUCH_READ, 0, BASE, 3 * PAGE);
	assert_int_equal(f->last.signal.address, BASE + 2 * PAGE);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_REMOVE), VM_EOPNOTSUPP);
	on(f, VM_OP_UNMAP, 0, BASE, 4 * PAGE);
	assert_int_equal(
		run(f, (struct vm_operation){.kind = VM_OP_FILE_CLOSE, .file = FILE_NUMBER}), 0);
	secret_create(f, 4 * PAGE);
	secret_map(f, BASE, 4 * PAGE, RW, SECRET);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, 2 * PAGE);
	assert_int_equal(f->last.signal.number, 0);
}

static void it_is_never_private_nor_executed(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 4 * PAGE);
	map(f, 0, BASE, 2 * PAGE, RW, PRIVATE);
	struct vm_system_view before, after;
	vm_machine_system(f->machine, &before);
	assert_int_equal(
		secret_map(f, BASE, PAGE, RW | VM_PROT_EXEC, VM_MAP_PRIVATE | VM_MAP_FIXED),
		VM_EPERM);
	assert_int_equal(counters(f, 0).virtual_pages, 2);
	/* The mapping is refused only when its place has been made free. */
	assert_int_equal(secret_map(f, BASE, PAGE, RW, VM_MAP_PRIVATE | VM_MAP_FIXED), VM_EINVAL);
	assert_int_equal(counters(f, 0).virtual_pages, 1);
	vm_machine_system(f->machine, &after);
	assert_int_equal(before.committed_pages - after.committed_pages, 1);
	secret_map(f, BASE, PAGE, RW, SECRET);
	assert_int_equal(protect(f, 0, BASE, PAGE, RO | VM_PROT_EXEC), VM_EACCES);
}

static void its_file_is_for_mapping_only(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 0);
	assert_int_equal(on_file(f, VM_OP_FILE_TRUNCATE, 0), 0);
	assert_int_equal(on_file(f, VM_OP_FILE_TRUNCATE, 4 * PAGE), 0);
	assert_int_equal(on_file(f, VM_OP_FILE_TRUNCATE, 4 * PAGE), VM_EINVAL);
	assert_int_equal(on_file(f, VM_OP_FILE_READ, 8), VM_ESPIPE);
	assert_int_equal(on_file(f, VM_OP_FILE_WRITE, 8), VM_ESPIPE);
	assert_int_equal(on_file(f, VM_OP_FILE_SYNC, 0), VM_EINVAL);
	assert_int_equal(on_file(f, VM_OP_FILE_PUNCH, PAGE), VM_EOPNOTSUPP);
	assert_int_equal(on_file(f, VM_OP_FILE_DROP, PAGE), 0);
	secret_map(f, BASE, 2 * PAGE, RW, SECRET);
	on(f, VM_OP_TOUCH_WRITE, 0, BASE, PAGE);
	struct vm_file_view view;
	vm_machine_file(f->machine, FILE_NUMBER, &view);
	assert_int_equal(view.cached_pages, 1);
	assert_int_equal(view.dirty_pages, 0);
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_SYNC,
					.address = BASE,
					.length = PAGE,
					.flags = VM_MS_SYNC}),
		VM_EINVAL);
}

static void it_is_neither_moved_nor_taken(void **state)
{
	struct fixture *f = *state;

	secret_create(f, 2 * PAGE);
	secret_map(f, BASE, 2 * PAGE, RW, SECRET);
	on(f, VM_OP_TOUCH_READ, 0, BASE, PAGE);
	assert_true(says_nothing_of(f, VM_OP_STEP_MIGRATE, BASE));
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_PAGEOUT), 0);
	assert_int_equal(counters(f, 0).file_pages, 1);
	assert_int_equal(advise(f, 0, BASE, PAGE, VM_MADV_DONTNEED), 0);
	assert_true(says_nothing_of(f, VM_OP_STEP_EVICT, 0));
}

/* A neighbour that was told to be dumped again looks like what is asked for. */
static void it_is_asked_before_or_after_the_merge(void **state)
{
	struct fixture *f = *state;
	const bool prepares = f->host.feature[VM_FEATURE_MAP_PREPARES].present;

	secret_create(f, 4 * PAGE);
	secret_map(f, BASE, PAGE, RW, SECRET);
	advise(f, 0, BASE, PAGE, VM_MADV_DODUMP);
	assert_int_equal(secret_map_at(f, BASE + PAGE, PAGE, PAGE), 0);
	assert_int_equal(areas(f, 0), prepares ? 2 : 1);
	/* Whoever looks like the new one with its own flags joins it, then or now. */
	assert_int_equal(secret_map_at(f, BASE + 2 * PAGE, PAGE, 2 * PAGE), 0);
	assert_int_equal(areas(f, 0), prepares ? 2 : 1);
	assert_int_equal(
		(area_at(f, 0, BASE + 2 * PAGE).flags & VM_AREA(DONT_DUMP)) != 0, prepares);
}

static int setup_with(void **state, bool by_page, bool prepares, uint64_t limit_pages)
{
	const int error = setup_linux(state);
	struct fixture *f = *state;

	free(f->memory);
	f->host.feature[VM_FEATURE_SECRET_BY_PAGE].present = by_page;
	f->host.feature[VM_FEATURE_MAP_PREPARES].present = prepares;
	if (limit_pages != 0) {
		f->host.memlock_limit_bytes = limit_pages * PAGE;
		f->host.capabilities = 0;
	}
	fixture_start(f, VM_MODEL_LINUX);
	return error;
}

static int setup_locked(void **state)
{
	return setup_with(state, false, true, 0);
}

static int setup_by_page(void **state)
{
	return setup_with(state, true, true, 0);
}

static int setup_by_page_merged_first(void **state)
{
	return setup_with(state, true, false, 0);
}

static int setup_locked_limited(void **state)
{
	return setup_with(state, false, true, 2);
}

static int setup_by_page_limited(void **state)
{
	return setup_with(state, true, true, 2);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_come_one_by_one, setup_locked),
		TEST(pages_come_one_by_one, setup_by_page),
		TEST(nobody_comes_in_by_another_door, setup_locked),
		TEST(nobody_comes_in_by_another_door, setup_by_page),
		TEST(it_is_locked_and_stays_so, setup_locked),
		TEST(a_limit_refuses_the_area, setup_locked_limited),
		TEST(a_limit_refuses_the_page, setup_by_page_limited),
		TEST(it_is_never_private_nor_executed, setup_locked),
		TEST(its_file_is_for_mapping_only, setup_locked),
		TEST(it_is_neither_moved_nor_taken, setup_by_page),
		TEST(it_is_asked_before_or_after_the_merge, setup_by_page),
		TEST(it_is_asked_before_or_after_the_merge, setup_by_page_merged_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
