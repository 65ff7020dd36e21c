/* SPDX-License-Identifier: Apache-2.0 */
/* linux:6.12:mm/mmap.c:do_mmap, ksys_mmap_pgoff, mm/vma.c:__mmap_region */
#include "area/area.h"
#include "demand/fault.h"
#include "demand/huge.h"
#include "frame/cache.h"
#include "machine/outcome.h"

#define MAP_TYPE_MASK 0x0f
/* What CONFIG_LSM_MMAP_MIN_ADDR asks for besides the sysctl. */
#define LSM_MMAP_MIN_ADDRESS UINT64_C(65536)
#define HUGE_SIZE_SHIFT	     26

/* One call of mmap on its way through the checks. */
struct request {
	uint32_t mm;
	uint64_t address, length;
	uint64_t page_offset;
	uint32_t object;
	uint32_t flags; /* VM_AREA(...) */
	bool read_only_file;
};

bool mlock_allows(const struct vm_machine *m, const struct mm *mm, uint32_t flags, uint64_t bytes)
{
	if ((flags & VM_AREA(LOCKED)) == 0 || (m->host.capabilities & VM_CAPABILITY_IPC_LOCK) != 0)
		return true;
	return vm_pages_to_bytes(mm->locked_pages) + bytes <= m->host.memlock_limit_bytes;
}

bool may_expand(const struct vm_machine *m, const struct mm *mm, uint64_t pages)
{
	return mm->total_pages + m->setup.total_pages_at_start + pages <=
	       vm_bytes_to_pages_floor(m->host.address_space_limit_bytes);
}

static bool is_anonymous(const struct vm_operation *op)
{
	return (op->flags & VM_MAP_ANONYMOUS) != 0;
}

static bool object_is_hugetlb(const struct vm_machine *m, uint32_t object)
{
	return object != NONE && object_page_bytes(m, object) != VM_PAGE_BYTES;
}

static bool is_secret(const struct vm_machine *m, const struct request *request)
{
	return request->object != NONE && object_of(m, request->object)->kind == VM_FILE_SECRET;
}

/* ksys_mmap_pgoff: what the descriptor or MAP_HUGETLB mean, and the length in their pages. */
static int32_t resolve_object(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;

	request->object = NONE;
	if (!is_anonymous(op)) {
		if (op->file >= m->setup.limits.files || !object_of(m, op->file)->used ||
			!object_of(m, op->file)->open)
			return VM_EBADF;
		request->object = op->file;
		request->read_only_file = op->file_access != VM_FILE_READ_WRITE;
		if (object_is_hugetlb(m, op->file))
			request->length =
				vm_align_up(request->length, object_page_bytes(m, op->file));
		else if ((op->flags & VM_MAP_HUGETLB) != 0)
			return VM_EINVAL;
		return 0;
	}
	if ((op->flags & VM_MAP_HUGETLB) == 0)
		return 0;
	const uint32_t shift = op->flags >> HUGE_SIZE_SHIFT;
	const bool giant = shift == 30;
	if (!giant && shift != 0 && shift != 21)
		return VM_EINVAL;
	if (!has(m, giant ? VM_FEATURE_HUGETLB_1G : VM_FEATURE_HUGETLB_2M))
		return VM_EINVAL;
	request->length = vm_align_up(request->length, giant ? VM_HUGE_1G_BYTES : VM_HUGE_2M_BYTES);
	return 0;
}

static void area_flags(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;
	uint32_t flags = VM_AREA(MAY_READ) | VM_AREA(MAY_WRITE) | VM_AREA(MAY_EXEC) |
			 mm_of(m, request->mm)->default_flags;

	if ((op->protection & VM_PROT_READ) != 0)
		flags |= VM_AREA(READ);
	if ((op->protection & VM_PROT_WRITE) != 0)
		flags |= VM_AREA(WRITE);
	if ((op->protection & VM_PROT_EXEC) != 0)
		flags |= VM_AREA(EXEC);
	if ((op->flags & VM_MAP_GROWSDOWN) != 0)
		flags |= VM_AREA(GROWS_DOWN);
	if ((op->flags & VM_MAP_LOCKED) != 0)
		flags |= VM_AREA(LOCKED);
	if ((op->flags & VM_MAP_STACK) != 0 && m->behaviours.stack_maps_small)
		flags |= VM_AREA(NO_HUGE_PAGE);
	request->flags = flags;
}

bool address_is_usable(const struct vm_machine *m, uint64_t address, uint64_t length)
{
	return vm_is_aligned(address, VM_PAGE_BYTES) && length <= m->setup.mmap_top &&
	       address <= m->setup.mmap_top - length;
}

static uint64_t lowest_hint(const struct vm_machine *m)
{
	const uint64_t knob = (uint64_t)vm_host_knob(&m->host, VM_KNOB_MMAP_MIN_ADDR, 0);

	return knob > LSM_MMAP_MIN_ADDRESS ? knob : LSM_MMAP_MIN_ADDRESS;
}

static int32_t place_fixed(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;
	const uint64_t unit = object_is_hugetlb(m, request->object)
				      ? object_page_bytes(m, request->object)
				      : VM_PAGE_BYTES;

	if (request->length > m->setup.mmap_top)
		return VM_ENOMEM;
	if (unit != VM_PAGE_BYTES && !vm_is_aligned(request->address, unit))
		return VM_EINVAL;
	if (request->address > m->setup.mmap_top - request->length)
		return VM_ENOMEM;
	if (!vm_is_aligned(request->address, VM_PAGE_BYTES))
		return VM_EINVAL;
	if (request->address < lowest_hint(m) &&
		(m->host.capabilities & VM_CAPABILITY_SYS_RAWIO) == 0)
		return VM_EPERM;
	if ((op->flags & VM_MAP_FIXED_NOREPLACE) != 0 &&
		area_any_in(m, request->mm, request->address, request->address + request->length)) {
		rule_obey(m, RULE_AREA_NO_REPLACE);
		return VM_EEXIST;
	}
	return 0;
}

/* A hint is taken if the range is free; the gap below a stack is not free. */
static bool hint_is_free(const struct vm_machine *m, const struct request *request, uint64_t hint)
{
	const uint32_t next = area_at_or_after(m, request->mm, hint);

	if (!address_is_usable(m, hint, request->length))
		return false;
	if (next == NONE)
		return true;
	uint64_t start = area_of(m, next)->start;
	if ((area_of(m, next)->flags & VM_AREA(GROWS_DOWN)) != 0) {
		const uint64_t gap = vm_pages_to_bytes(256);
		start = start > gap ? start - gap : 0;
	}
	return hint + request->length <= start;
}

static int32_t find_place(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;
	uint64_t hint = vm_align_down(op->address, VM_PAGE_BYTES);

	request->address = op->address;
	if ((op->flags & (VM_MAP_FIXED | VM_MAP_FIXED_NOREPLACE)) != 0)
		return place_fixed(m, request);
	if (request->length > m->setup.mmap_top)
		return VM_ENOMEM;
	if (hint != 0 && hint < lowest_hint(m))
		hint = lowest_hint(m);
	if (object_is_hugetlb(m, request->object))
		hint = vm_align_up(hint, object_page_bytes(m, request->object));
	if (hint != 0 && hint_is_free(m, request, hint)) {
		rule_obey(m, RULE_AREA_HINT_TAKEN);
		request->address = hint;
		return 0;
	}
	rule_obey(m, RULE_AREA_KERNEL_PLACES);
	(void)choose(m, VM_FREEDOM_PLACEMENT);
	request->address = op->placed_address;
	if (request->address == 0 || !address_is_usable(m, request->address, request->length) ||
		area_any_in(m, request->mm, request->address, request->address + request->length))
		outcome_silent(m, "the kernel chooses the address, and none that it may choose "
				  "was given");
	return 0;
}

/* do_mmap's switch over the kind of mapping. */
static int32_t type_flags(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;
	const uint32_t type = op->flags & MAP_TYPE_MASK;

	if (is_anonymous(op)) {
		switch (type) {
		case VM_MAP_SHARED:
			if ((request->flags & VM_AREA(GROWS_DOWN)) != 0)
				return VM_EINVAL;
			request->flags |= VM_AREA(SHARED) | VM_AREA(MAY_SHARE);
			request->page_offset = 0;
			return 0;
		case VM_MAP_DROPPABLE:
			if (!has(m, VM_FEATURE_DROPPABLE))
				return VM_EINVAL;
			if ((request->flags & (VM_AREA(LOCKED) | VM_AREA(GROWS_DOWN))) != 0 ||
				(op->flags & VM_MAP_HUGETLB) != 0)
				return VM_EINVAL;
			request->flags |= VM_AREA(DROPPABLE) | VM_AREA(NO_RESERVE) |
					  VM_AREA(WIPE_ON_FORK) | VM_AREA(DONT_DUMP);
			request->page_offset = vm_bytes_to_pages_floor(request->address);
			return 0;
		case VM_MAP_PRIVATE:
			request->page_offset = vm_bytes_to_pages_floor(request->address);
			return 0;
		default:
			return VM_EINVAL;
		}
	}
	const bool shared = type == VM_MAP_SHARED || type == VM_MAP_SHARED_VALIDATE;
	if (!shared && type != VM_MAP_PRIVATE)
		return VM_EINVAL;
	if (shared) {
		if ((op->protection & VM_PROT_WRITE) != 0 && op->file_access == VM_FILE_READ_ONLY)
			return VM_EACCES;
		request->flags |= VM_AREA(SHARED) | VM_AREA(MAY_SHARE);
		if (op->file_access == VM_FILE_READ_ONLY)
			request->flags &= ~(VM_AREA(SHARED) | VM_AREA(MAY_WRITE));
	}
	if (op->file_access == VM_FILE_WRITE_ONLY)
		return VM_EACCES;
	/* linux:6.12:mm/mmap.c:do_mmap: path_noexec, as mm/secretmem.c:secretmem_init asks for */
	if (is_secret(m, request) && (request->flags & VM_AREA(EXEC)) != 0)
		return VM_EPERM;
	if (is_secret(m, request))
		request->flags &= ~VM_AREA(MAY_EXEC);
	if ((request->flags & VM_AREA(GROWS_DOWN)) != 0)
		return VM_EINVAL;
	return 0;
}

/* linux:6.12:mm/mmap.c:mmap_region, before anything is replaced; before 6.12 it was after that */
static int32_t refuse_write_execute(struct vm_machine *m, const struct request *request)
{
	if (!deny_refuses(m, request->mm, request->flags, request->flags))
		return 0;
	if (area_any_in(m, request->mm, request->address, request->address + request->length))
		outcome_silent(m, "whether what is to be replaced is gone when its successor is "
				  "denied");
	return VM_EACCES;
}

static int32_t check_request(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;

	if (!vm_is_aligned(op->offset, VM_PAGE_BYTES))
		return VM_EINVAL;
	request->mm = processes_of(m)[op->process].mm;
	request->length = op->length;
	request->page_offset = vm_bytes_to_pages_floor(op->offset);
	int32_t error = resolve_object(m, request);
	if (error != 0)
		return error;
	if (request->length == 0)
		return VM_EINVAL;
	request->length = vm_align_up(request->length, VM_PAGE_BYTES);
	if (request->length == 0 || area_headroom(m, request->mm) < 0)
		return VM_ENOMEM;
	area_flags(m, request);
	error = find_place(m, request);
	if (error != 0 || m->outcome->silent != NULL)
		return error;
	if ((op->flags & VM_MAP_LOCKED) != 0 && m->host.memlock_limit_bytes == 0 &&
		(m->host.capabilities & VM_CAPABILITY_IPC_LOCK) == 0)
		return VM_EPERM;
	if (!mlock_allows(m, mm_of(m, request->mm), request->flags, request->length))
		return VM_EAGAIN;
	error = type_flags(m, request);
	if (error != 0)
		return error;
	/* linux:6.12:mm/mmap.c:do_mmap */
	if ((op->flags & VM_MAP_NORESERVE) != 0 &&
		(commit_mode(m) != VM_COMMIT_NEVER_MORE || (op->flags & VM_MAP_HUGETLB) != 0))
		request->flags |= VM_AREA(NO_RESERVE);
	return refuse_write_execute(m, request);
}

/* Shared anonymous memory and huge pages have an object of their own. */
static int32_t make_object(struct vm_machine *m, struct request *request)
{
	const struct vm_operation *op = m->operation;
	const bool huge = (op->flags & VM_MAP_HUGETLB) != 0;

	if (!is_anonymous(op) || (!huge && (request->flags & VM_AREA(SHARED)) == 0))
		return 0;
	const uint64_t pages = vm_bytes_to_pages_floor(request->length);
	const bool charged = !huge && (request->flags & VM_AREA(NO_RESERVE)) == 0;
	if (charged && !commit_charge(m, pages))
		return VM_ENOMEM;
	const enum vm_file_kind kind = !huge				    ? VM_FILE_SHMEM
				       : op->flags >> HUGE_SIZE_SHIFT == 30 ? VM_FILE_HUGETLB_1G
									    : VM_FILE_HUGETLB_2M;
	request->object = object_take(m, kind, request->length);
	if (request->object == NONE)
		return VM_ENOMEM;
	request->page_offset = 0;
	rule_obey(m, RULE_AREA_SHARED_OBJECT);
	object_of(m, request->object)->reserved_by_size = charged;
	object_of(m, request->object)->committed_pages = charged ? pages : 0;
	return 0;
}

/*
 * linux:6.12:mm/secretmem.c:secretmem_mmap: nothing private, locked until a release counts its
 * pages instead; never in a dump. What lay there before is gone by now.
 */
static int32_t keep_secret(struct vm_machine *m, struct request *request)
{
	const bool by_page = outcome_depends(m, m->behaviours.secret_by_page,
		"whether this release locks areas of secret memory");

	if ((request->flags & VM_AREA(MAY_SHARE)) == 0) {
		rule_obey(m, RULE_AREA_SECRET_SHARED);
		return VM_EINVAL;
	}
	if (!by_page) {
		rule_obey(m, RULE_AREA_SECRET_LOCKED);
		request->flags |= VM_AREA(LOCKED);
		if (!mlock_allows(m, mm_of(m, request->mm), request->flags, request->length))
			return VM_EAGAIN;
	}
	request->flags |= VM_AREA(DONT_DUMP);
	return 0;
}

static bool joins_neighbour(struct vm_machine *m, const struct request *request)
{
	const struct merge_wish wish = {.mm = request->mm,
		.start = request->address,
		.end = request->address + request->length,
		.page_offset = request->page_offset,
		.flags = request->flags,
		.object = request->object,
		.family = NONE,
		.read_only_file = request->read_only_file,
		.middle = NONE,
		.copied_from = NONE};

	return merge_new(m, &wish) != NONE;
}

static int32_t insert_area(struct vm_machine *m, struct request *request)
{
	const bool special = object_is_hugetlb(m, request->object) ||
			     (is_anonymous(m->operation) && request->object != NONE);

	if (is_secret(m, request)) {
		/* A neighbour that looks like what was asked for takes it in as it is. */
		if (!m->behaviours.map_prepares && joins_neighbour(m, request))
			return 0;
		const int32_t error = keep_secret(m, request);
		if (error != 0)
			return error;
	}
	if (!special && joins_neighbour(m, request))
		return 0;
	const uint32_t number = area_take(m);
	if (number == NONE)
		return VM_ENOMEM;
	struct area *area = area_of(m, number);
	area->start = request->address;
	area->end = request->address + request->length;
	area->flags = request->flags;
	area->page_offset = request->page_offset;
	area->object = request->object;
	area->read_only_file = request->read_only_file;
	area->reserve_owner = (request->flags & (VM_AREA(SHARED) | VM_AREA(NO_RESERVE))) == 0;
	if (object_is_hugetlb(m, request->object)) {
		/* linux:6.12:mm/hugetlb.c:hugetlb_reserve_pages: a map of each such area */
		if (!object_of(m, request->object)->is_anonymous &&
			(request->flags & VM_AREA(MAY_SHARE)) == 0)
			outcome_silent(m, "what a private mapping of a pool's file has reserved is "
					  "its own");
		area->flags |= VM_AREA(HUGETLB) | VM_AREA(DONT_EXPAND);
		area->mm = request->mm;
		if (!hugetlb_reserve(m, request->object, area)) {
			rule_obey(m, RULE_FRAME_HUGETLB_EXHAUSTED);
			area->object = NONE;
			area_insert(m, request->mm, number);
			area_remove(m, number);
			object_free_if_unused(m, request->object);
			return VM_ENOMEM;
		}
	}
	area_insert(m, request->mm, number);
	return 0;
}

/* The range below a fixed mapping goes first; what it had charged counts for the new one. */
static int32_t replace(struct vm_machine *m, struct request *request)
{
	const uint64_t end = request->address + request->length;
	const uint64_t pages = vm_bytes_to_pages_floor(request->length);
	uint64_t given_back = 0;

	if (!may_expand(m, mm_of(m, request->mm), pages))
		return VM_ENOMEM;
	int32_t error = unmap_split(m, request->mm, request->address, end);
	if (error != 0)
		return error;
	for (uint32_t i = area_at_or_after(m, request->mm, request->address);
		i != NONE && area_of(m, i)->start < end; i = area_of(m, i)->next)
		if ((area_of(m, i)->flags & VM_AREA(ACCOUNT)) != 0)
			given_back += area_pages(area_of(m, i));
	/* The object of huge pages comes only with the area, and is reserved in the pool. */
	const bool reserved = (m->operation->flags & VM_MAP_HUGETLB) != 0;
	if (!reserved && area_accounts(m, request->object, request->flags)) {
		if (pages > given_back && !commit_charge(m, pages - given_back))
			return VM_ENOMEM;
		request->flags |= VM_AREA(ACCOUNT);
		if (pages > given_back)
			commit_release(m, pages - given_back);
		m->committed_pages += (int64_t)pages;
	}
	error = unmap_range(m, request->mm, request->address, end);
	if (error != 0)
		return error;
	return make_object(m, request);
}

void operation_map(struct vm_machine *m)
{
	const struct vm_operation *op = m->operation;
	struct request request = {0};
	int32_t error = check_request(m, &request);

	if (m->outcome->silent != NULL)
		return;
	if (error == 0)
		error = replace(m, &request);
	if (error == 0) {
		error = insert_area(m, &request);
		if (error != 0 && (request.flags & VM_AREA(ACCOUNT)) != 0)
			commit_release(m, vm_bytes_to_pages_floor(request.length));
	}
	if (error != 0) {
		rule_obey(m, RULE_AREA_MAP_REFUSED);
		outcome_fail(m, error);
		return;
	}
	struct mm *mm = mm_of(m, request.mm);
	const uint64_t pages = vm_bytes_to_pages_floor(request.length);
	rule_obey(m, RULE_AREA_MAP_IS_A_PROMISE);
	mm_count_area(mm, request.flags, (int64_t)pages);
	const uint32_t area = area_holding(m, request.mm, request.address);
	if (has(m, VM_FEATURE_SOFT_DIRTY))
		area_of(m, area)->flags |= VM_AREA(SOFT_DIRTY);
	if ((request.flags & VM_AREA(LOCKED)) != 0) {
		if (area_is_hugetlb(area_of(m, area)))
			area_of(m, area)->flags &= ~(VM_AREA(LOCKED) | VM_AREA(LOCK_ON_FAULT));
		else
			mm->locked_pages += pages;
	}
	m->outcome->result = (int64_t)request.address;
	if ((request.flags & VM_AREA(LOCKED)) != 0 ||
		(op->flags & (VM_MAP_POPULATE | VM_MAP_NONBLOCK)) == VM_MAP_POPULATE)
		(void)populate_range(
			m, request.mm, request.address, request.address + request.length, true);
}
