/* SPDX-License-Identifier: Apache-2.0 */
/* A machine as Linux 6.18 makes it, and short words for operations on it. */
#ifndef MACHINE_FIXTURE_H
#define MACHINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/machine.h"
#include "vm/model.h"

#define BASE UINT64_C(0x100000000000) /* its own entry of the top table */
#define PAGE VM_PAGE_BYTES
#define HUGE VM_HUGE_2M_BYTES

#define RW	(VM_PROT_READ | VM_PROT_WRITE)
#define RO	VM_PROT_READ
#define PRIVATE (VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_FIXED)
#define SHARED	(VM_MAP_SHARED | VM_MAP_ANONYMOUS | VM_MAP_FIXED)

struct fixture {
	struct vm_host host;
	struct vm_machine_setup setup;
	struct vm_machine *machine;
	void *memory;
	struct vm_outcome last;
};

static inline void host_of_linux_6_18(struct vm_host *host)
{
	/* Of later kernels, or left out of this one. */
	static const enum vm_feature others[] = {VM_FEATURE_SOFT_DIRTY, VM_FEATURE_FIVE_LEVEL,
		VM_FEATURE_REMAP_KEEPS_APART, VM_FEATURE_SWAP_IN_CACHED, VM_FEATURE_SWAP_IN_SHARED,
		VM_FEATURE_HUGE_FILES_ELIGIBLE, VM_FEATURE_TRACKED_MOVES_APART,
		VM_FEATURE_HUGE_ZERO_NO_FILE, VM_FEATURE_SYNC_CLEARS_TAGS,
		VM_FEATURE_WRITTEN_IF_TRACKED, VM_FEATURE_SECRET_BY_PAGE,
		VM_FEATURE_POOL_RESERVE_LAST};

	*host = (struct vm_host){.page_table_levels = 4,
		.capabilities = ~UINT32_C(0),
		.stack_limit_bytes = UINT64_C(8) << 20,
		.memlock_limit_bytes = UINT64_C(8) << 20,
		.address_space_limit_bytes = UINT64_MAX};
	for (int i = 0; i < VM_FEATURE_LIMIT; i++)
		host->feature[i] =
			(struct vm_feature_fact){.present = true, .evidence = VM_EVIDENCE_VERSION};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		host->feature[others[i]].present = false;
	host->knob[VM_KNOB_THP_ENABLED] =
		(struct vm_knob_fact){.present = true, .value = VM_THP_MADVISE};
	host->knob[VM_KNOB_MAX_MAP_COUNT] = (struct vm_knob_fact){.present = true, .value = 65530};
	host->knob[VM_KNOB_MMAP_MIN_ADDR] =
		(struct vm_knob_fact){.present = true, .value = (int64_t)PAGE};
}

static inline void fixture_start(struct fixture *f, enum vm_model_id id)
{
	const struct vm_model model = vm_model_for(id, &f->host);
	const size_t size = vm_machine_size_bytes(&f->setup.limits);

	f->memory = malloc(size);
	f->machine = vm_machine_create(&f->host, &model.behaviours, &f->setup, f->memory, size);
	assert_non_null(f->machine);
}

static inline struct fixture *fixture_plain(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	host_of_linux_6_18(&f->host);
	f->setup = (struct vm_machine_setup){.limits = vm_machine_limits_usual(),
		.ram_pages = 6171021,
		.mmap_top = UINT64_C(0x7fffffffe000) + PAGE,
		.break_address = UINT64_C(0x200000000000)};
	return f;
}

static inline int setup_linux(void **state)
{
	struct fixture *f = fixture_plain();

	fixture_start(f, VM_MODEL_LINUX);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->memory);
	free(f);
	return 0;
}

/* Does it; the errno, or 0. Nothing here may be silent. */
static inline int32_t run(struct fixture *f, struct vm_operation op)
{
	vm_machine_do(f->machine, &op, &f->last);
	if (f->last.silent != NULL)
		fail_msg("silent: %s", f->last.silent);
	return f->last.errno_count == 0 ? 0 : f->last.errnos[0];
}

static inline int32_t map(struct fixture *f, uint32_t process, uint64_t address, uint64_t length,
	uint32_t protection, uint32_t flags)
{
	return run(f, (struct vm_operation){.kind = VM_OP_MAP,
			      .process = process,
			      .address = address,
			      .length = length,
			      .protection = protection,
			      .flags = flags,
			      .file = VM_NO_FILE});
}

static inline int32_t map_file(struct fixture *f, uint32_t process, uint64_t address,
	uint64_t length, uint32_t protection, uint32_t flags, uint32_t file)
{
	return run(f, (struct vm_operation){.kind = VM_OP_MAP,
			      .process = process,
			      .address = address,
			      .length = length,
			      .protection = protection,
			      .flags = flags | VM_MAP_FIXED,
			      .file = file});
}

static inline int32_t on(struct fixture *f, enum vm_operation_kind kind, uint32_t process,
	uint64_t address, uint64_t length)
{
	return run(f, (struct vm_operation){.kind = kind,
			      .process = process,
			      .address = address,
			      .length = length,
			      .value = 0xa5});
}

static inline int32_t protect(
	struct fixture *f, uint32_t process, uint64_t address, uint64_t length, uint32_t protection)
{
	return run(f, (struct vm_operation){.kind = VM_OP_PROTECT,
			      .process = process,
			      .address = address,
			      .length = length,
			      .protection = protection});
}

static inline int32_t advise(
	struct fixture *f, uint32_t process, uint64_t address, uint64_t length, int32_t advice)
{
	return run(f, (struct vm_operation){.kind = VM_OP_ADVISE,
			      .process = process,
			      .address = address,
			      .length = length,
			      .advice = advice});
}

static inline int32_t fork_to(struct fixture *f, uint32_t process, uint32_t child)
{
	return run(
		f, (struct vm_operation){.kind = VM_OP_FORK, .process = process, .other = child});
}

static inline void file_create(
	struct fixture *f, uint32_t file, enum vm_file_kind kind, uint64_t length)
{
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_FILE_CREATE,
					.file = file,
					.file_kind = kind,
					.length = length}),
		0);
}

static inline void file_write(
	struct fixture *f, uint32_t file, uint64_t offset, uint64_t length, uint8_t value)
{
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_FILE_WRITE,
					.file = file,
					.offset = offset,
					.length = length,
					.value = value}),
		0);
}

static inline uint32_t minor(const struct fixture *f)
{
	return f->last.minor_faults;
}

static inline struct vm_page_view page(struct fixture *f, uint32_t process, uint64_t address)
{
	struct vm_page_view view;

	vm_machine_page(f->machine, process, address, &view);
	return view;
}

static inline struct vm_counters counters(struct fixture *f, uint32_t process)
{
	struct vm_counters counted;

	vm_machine_counters(f->machine, process, &counted);
	return counted;
}

static inline uint64_t smaps(
	struct fixture *f, uint32_t process, size_t area, enum vm_smaps_line line)
{
	struct vm_smaps lines;

	vm_machine_smaps(f->machine, process, area, &lines);
	return lines.kib[line];
}

static inline size_t areas(struct fixture *f, uint32_t process)
{
	return vm_machine_area_count(f->machine, process);
}

static inline uint8_t byte_at(struct fixture *f, uint32_t process, uint64_t address)
{
	uint8_t value = 0;

	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_READ,
					.process = process,
					.address = address,
					.length = 1,
					.out = &value,
					.out_size = 1}),
		0);
	assert_int_equal(f->last.signal.number, 0);
	return value;
}

static inline void set_byte(struct fixture *f, uint32_t process, uint64_t address, uint8_t value)
{
	assert_int_equal(run(f, (struct vm_operation){.kind = VM_OP_WRITE,
					.process = process,
					.address = address,
					.length = 1,
					.value = value}),
		0);
	assert_int_equal(f->last.signal.number, 0);
}

#endif
