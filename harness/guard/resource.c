/* SPDX-License-Identifier: Apache-2.0 */
/* What cases need beside settings: pools, swap, groups, tracing, folders. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "guard/headroom.h"
#include "guard/internal.h"
#include "guard/knob.h"
#include "guard/seam.h"
#include "guard/why.h"
#include "guard/zram.h"
#include "kernel/text.h"
#include "vm/units.h"

/* Of the room left on the disk, so that a swap file cannot fill it. */
#define DISK_SHARE 2

static int read_pool(struct guard *guard, const char *folder, const char *file, uint64_t *pages)
{
	char path[PATH_MAX], text[64];

	(void)snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/%s", folder, file);
	const ssize_t length_bytes = seam_read_text(guard->places.root, path, text, sizeof(text));
	if (length_bytes < 0)
		return (int)length_bytes;
	return kernel_text_decimal(kernel_text_trimmed(kernel_text_of(text)), pages) ? 0 : -EBADMSG;
}

/* Pages that a mapping made now would get. */
static int read_unreserved(struct guard *guard, const char *folder, uint64_t *pages)
{
	uint64_t free_count = 0, reserved_count = 0;
	int failed = read_pool(guard, folder, "free_hugepages", &free_count);

	if (failed == 0)
		failed = read_pool(guard, folder, "resv_hugepages", &reserved_count);
	*pages = free_count > reserved_count ? free_count - reserved_count : 0;
	return failed;
}

struct huge_pool {
	const char *folder, *knob;
};

static struct huge_pool pool_of(uint64_t page_bytes)
{
	assert(page_bytes == VM_HUGE_2M_BYTES || page_bytes == VM_HUGE_1G_BYTES);
	if (page_bytes == VM_HUGE_2M_BYTES)
		return (struct huge_pool){"hugepages-2048kB", "hugetlb.2m.nr_hugepages"};
	return (struct huge_pool){"hugepages-1048576kB", "hugetlb.1g.nr_hugepages"};
}

static int refuse_pool(struct guard *guard, int failed, uint64_t page_bytes)
{
	return guard_refuse(guard, failed,
		"this kernel has no pool of huge pages of %" PRIu64 " MiB",
		page_bytes / VM_MIB_BYTES);
}

int guard_huge_pages_vary(struct guard *guard, uint64_t page_bytes)
{
	const struct huge_pool pool = pool_of(page_bytes);
	uint64_t now = 0;
	char value[32];
	int failed = read_pool(guard, pool.folder, "nr_hugepages", &now);

	if (failed != 0)
		return refuse_pool(guard, failed, page_bytes);
	(void)snprintf(value, sizeof(value), "%" PRIu64, now);
	failed = guard_hold(guard, pool.knob, value, NULL);
	if (failed == 0)
		guard_let_go(guard, pool.knob);
	return failed;
}

int guard_huge_pages(struct guard *guard, uint64_t page_bytes, uint64_t pages)
{
	const struct huge_pool pool = pool_of(page_bytes);
	const char *const folder = pool.folder;
	uint64_t unreserved = 0, now = 0;
	char value[32];
	const size_t mark = guard->stack.count;

	int failed = read_unreserved(guard, folder, &unreserved);
	if (failed == 0)
		failed = read_pool(guard, folder, "nr_hugepages", &now);
	if (failed != 0)
		return refuse_pool(guard, failed, page_bytes);
	if (unreserved >= pages)
		return 0;
	(void)snprintf(value, sizeof(value), "%" PRIu64, now + pages - unreserved);
	failed = guard_hold(guard, pool.knob, value, NULL);
	if (failed != 0 || guard->dry_run)
		return failed;
	failed = read_unreserved(guard, folder, &unreserved);
	if (failed == 0 && unreserved >= pages)
		return 0;
	(void)guard_refuse(guard, -ENOMEM,
		"the kernel granted %" PRIu64 " of %" PRIu64 " huge pages: memory is fragmented",
		unreserved, pages);
	return guard_retreat(guard, mark, -ENOMEM);
}

/* linux:6.12:include/linux/swap.h:swap_header, as mkswap writes it. */
static int write_swap_header(int file, const char *path, uint64_t size_bytes)
{
	union {
		unsigned char bytes[VM_PAGE_BYTES];
		struct {
			unsigned char boot[1024];
			uint32_t version, last_page, bad_pages_count;
			unsigned char uuid[16];
			char label[16];
		} info;
	} header = {.info = {
			    .version = 1,
			    .last_page = (uint32_t)(vm_bytes_to_pages_floor(size_bytes) - 1),
			    .label = "mmconform",
		    }};
	static const char magic[] = "SWAPSPACE2";

	memcpy(header.bytes + sizeof(header.bytes) - (sizeof(magic) - 1), magic, sizeof(magic) - 1);
	if (getrandom(header.info.uuid, sizeof(header.info.uuid), 0) < 0)
		return -errno;
	return seam_write(file, path, header.bytes, sizeof(header.bytes));
}

/* All blocks have to be there: the kernel refuses a swap file with holes. */
static int fill_swap_file(int file, const char *path, uint64_t size_bytes)
{
	static const unsigned char zeros[VM_HUGE_2M_BYTES];
	int failed = write_swap_header(file, path, size_bytes);

	if (failed == 0)
		failed = seam_allocate(file, path, size_bytes);
	if (failed == -EOPNOTSUPP) {
		failed = 0;
		for (uint64_t at = VM_PAGE_BYTES; failed == 0 && at < size_bytes;) {
			const uint64_t left = size_bytes - at;
			const size_t part = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
			failed = seam_write(file, path, zeros, part);
			at += part;
		}
	}
	if (failed == 0)
		failed = seam_sync(file, path);
	return failed;
}

static int make_swap_file(struct guard *guard, const char *path, uint64_t size_bytes)
{
	struct statvfs disk;
	const int file =
		seam_open(guard->places.root, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	int failed = file < 0 ? file : 0;

	if (failed == 0 && fstatvfs(file, &disk) != 0)
		failed = -errno;
	if (failed == 0 && size_bytes > (uint64_t)disk.f_bavail * disk.f_frsize / DISK_SHARE)
		failed = -ENOSPC;
	if (failed == 0)
		failed = fill_swap_file(file, path, size_bytes);
	if (file >= 0)
		seam_close(file, path);
	if (failed != 0)
		return guard_refuse(guard, failed, "a swap file of %" PRIu64 " MiB at %s%s: %s",
			size_bytes / VM_MIB_BYTES, guard->places.root, path, strerror(-failed));
	return 0;
}

static int use_swap(struct guard *guard, const char *path)
{
	int failed = guard_announce(guard, UNDO_SWAP, path, "");

	if (failed != 0)
		return failed;
	failed = seam_swap_on(guard->places.root, path, 0);
	if (failed == 0)
		return 0;
	return guard_refuse(guard, failed, "%s%s cannot be used for swapping: %s",
		guard->places.root, path,
		failed == -EINVAL ? "its file system cannot do that" : strerror(-failed));
}

static bool is_swap_size(uint64_t size_bytes)
{
	return size_bytes >= 16 * VM_PAGE_BYTES && size_bytes % VM_PAGE_BYTES == 0 &&
	       vm_bytes_to_pages_floor(size_bytes) <= UINT32_MAX;
}

int guard_swap_file(struct guard *guard, uint64_t size_bytes)
{
	char path[PATH_MAX];
	const size_t mark = guard->stack.count;
	int failed = guard_ready(guard);

	if (failed == 0 && !is_swap_size(size_bytes))
		return guard_refuse(guard, -EINVAL, "no size for swap: %" PRIu64, size_bytes);
	if (failed != 0)
		return failed;
	(void)snprintf(
		path, sizeof(path), "%s/swap-%d-%zu", guard->places.state, (int)getpid(), mark);
	if (guard->dry_run) {
		places_say(&guard->places, "would make a swap file of %" PRIu64 " MiB at %s",
			size_bytes / VM_MIB_BYTES, path);
		return 0;
	}
	failed = guard_announce(guard, UNDO_FILE, path, "");
	if (failed == 0)
		failed = make_swap_file(guard, path, size_bytes);
	if (failed == 0)
		failed = use_swap(guard, path);
	return failed != 0 ? guard_retreat(guard, mark, failed) : 0;
}

static int write_zram_header(struct guard *guard, const char *path, uint64_t size_bytes)
{
	const int file = seam_open(guard->places.root, path, O_RDWR, 0);

	if (file < 0)
		return file;
	int failed = write_swap_header(file, path, size_bytes);
	if (failed == 0)
		failed = seam_sync(file, path);
	seam_close(file, path);
	return failed;
}

/* The number of a new device is known only when it is there; until it is journalled, the set of
 * devices that were there before stands for it. */
static int add_zram(struct guard *guard, uint64_t size_bytes, unsigned *device)
{
	char set[UNDO_NAME_BYTES], number[16], path[32];

	zram_set(guard->places.root, set, sizeof(set));
	int failed = guard_announce(guard, UNDO_ZRAM_NEW, set, "");
	if (failed != 0)
		return failed;
	failed = zram_add(guard->places.root, device);
	if (failed != 0)
		return guard_refuse(guard, failed, "no new zram device: %s", strerror(-failed));
	(void)snprintf(number, sizeof(number), "%u", *device);
	(void)snprintf(path, sizeof(path), "/dev/zram%u", *device);
	failed = guard_announce(guard, UNDO_ZRAM, number, "");
	if (failed != 0)
		return failed;
	failed = zram_set_size(guard->places.root, *device, size_bytes);
	if (failed == 0)
		failed = write_zram_header(guard, path, size_bytes);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s: %s", path, strerror(-failed));
	return use_swap(guard, path);
}

int guard_swap_zram(struct guard *guard, uint64_t size_bytes, unsigned *device)
{
	char why[WHY_BYTES];
	const size_t mark = guard->stack.count;
	int failed = guard_ready(guard);

	if (failed == 0 && !is_swap_size(size_bytes))
		return guard_refuse(guard, -EINVAL, "no size for swap: %" PRIu64, size_bytes);
	if (failed != 0)
		return failed;
	if (!seam_exists(guard->places.root, "/sys/class/zram-control"))
		return guard_refuse(guard, -ENOENT, "there is no zram: modprobe zram");
	/* At worst nothing of it can be compressed. */
	failed = headroom_for(guard->places.root, size_bytes, "the zram device", why);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s", why);
	if (guard->dry_run) {
		places_say(&guard->places, "would add a zram device of %" PRIu64 " MiB for swap",
			size_bytes / VM_MIB_BYTES);
		return 0;
	}
	failed = add_zram(guard, size_bytes, device);
	return failed != 0 ? guard_retreat(guard, mark, failed) : 0;
}

/* Leaves our group empty, so that it may hand the controller down: we and the keeper move below. */
static int vacate(struct guard *guard, const char *folder)
{
	struct group below = {.root = guard->places.root, .version = 2};
	const int length = snprintf(
		below.folder, sizeof(below.folder), "%s/mmconform-%d-run", folder, (int)getpid());

	if (length < 0 || (size_t)length >= sizeof(below.folder))
		return guard_refuse(guard, -ENAMETOOLONG, "%.160s: too deep", folder);
	int failed = guard_announce(guard, UNDO_VACATED, below.folder, folder);
	if (failed != 0)
		return failed;
	failed = seam_make_folder(guard->places.root, below.folder, 0755);
	if (failed == 0)
		failed = group_add(&below, getpid());
	if (failed == 0)
		failed = group_add(&below, guard->keeper.pid);
	if (failed != 0)
		return guard_refuse(guard, failed, "cannot move to %.160s: %s", below.folder,
			strerror(-failed));
	return 0;
}

static int hand_down(struct guard *guard, const char *folder)
{
	char path[PATH_MAX];
	int failed = guard_announce(guard, UNDO_HANDED, folder, "");

	if (failed != 0)
		return failed;
	(void)snprintf(path, sizeof(path), "%.4000s/cgroup.subtree_control", folder);
	failed = seam_write_text(guard->places.root, path, "+memory");
	if (failed != 0)
		return guard_refuse(guard, failed,
			"%.160s cannot hand the memory controller down: %s", folder,
			strerror(-failed));
	return 0;
}

int guard_group(struct guard *guard, const char *name, struct group *group)
{
	struct group_place place;
	const size_t mark = guard->stack.count;
	int failed = guard_ready(guard);

	if (failed != 0)
		return failed;
	/* Looked for each time: an earlier scope may have taken back what it had arranged. */
	group_place_find(guard->places.root, &place);
	if (place.version == 0)
		return guard_refuse(guard, -ENOENT, "%s", place.reason);
	*group = (struct group){.root = guard->places.root, .version = place.version};
	const int length = snprintf(group->folder, sizeof(group->folder), "%s/mmconform-%d-%s",
		place.folder, (int)getpid(), name);
	if (length < 0 || (size_t)length >= sizeof(group->folder))
		return guard_refuse(guard, -ENAMETOOLONG, "%.160s: too deep", place.folder);
	if (guard->dry_run) {
		places_say(&guard->places, "would make the memory group %s", group->folder);
		return 0;
	}
	if (place.vacates)
		failed = vacate(guard, place.folder);
	if (failed == 0 && place.enables)
		failed = hand_down(guard, place.folder);
	if (failed == 0)
		failed = guard_announce(guard, UNDO_GROUP, group->folder, "");
	if (failed != 0)
		return guard_retreat(guard, mark, failed);
	failed = seam_make_folder(guard->places.root, group->folder, 0755);
	if (failed == 0)
		return 0;
	(void)guard_refuse(guard, failed, "%.160s: %s", group->folder, strerror(-failed));
	return guard_retreat(guard, mark, failed);
}

int guard_folder(struct guard *guard, const char *name, char *path, size_t capacity_bytes)
{
	const size_t mark = guard->stack.count;
	int failed = guard_ready(guard);
	const int length = snprintf(path, capacity_bytes, "%s/%s", guard->places.state, name);

	if (failed != 0)
		return failed;
	if (length < 0 || (size_t)length >= capacity_bytes)
		return guard_refuse(guard, -ENAMETOOLONG, "%.80s: too long", name);
	if (guard->dry_run) {
		places_say(&guard->places, "would make the folder %s", path);
		return 0;
	}
	failed = guard_announce(guard, UNDO_FOLDER, path, "");
	if (failed != 0)
		return failed;
	failed = seam_make_folder(guard->places.root, path, 0700);
	if (failed == 0)
		return 0;
	(void)guard_refuse(guard, failed, "%.160s: %s", path, strerror(-failed));
	return guard_retreat(guard, mark, failed);
}

/* mkdir, mount and mkdir again, each announced before it is done. */
static int make_tracing(struct guard *guard, const char *mount, const char *instance)
{
	int failed = guard_announce(guard, UNDO_FOLDER, mount, "");

	if (failed == 0)
		failed = seam_make_folder(guard->places.root, mount, 0700);
	if (failed == 0)
		failed = guard_announce(guard, UNDO_MOUNT, mount, "");
	if (failed == 0)
		failed = seam_mount(guard->places.root, mount, "tracefs", "");
	if (failed == 0)
		failed = guard_announce(guard, UNDO_INSTANCE, instance, "");
	if (failed == 0)
		failed = seam_make_folder(guard->places.root, instance, 0700);
	if (failed != 0)
		return guard_refuse(guard, failed, "no tracing instance: %s", strerror(-failed));
	return 0;
}

int guard_tracing(struct guard *guard, char *instance, size_t capacity_bytes)
{
	char mount[PLACE_BYTES + 16];
	const size_t mark = guard->stack.count;
	int failed = guard_ready(guard);
	const int length = snprintf(instance, capacity_bytes, "%s/tracing/instances/mmconform-%d",
		guard->places.run, (int)getpid());

	if (failed != 0)
		return failed;
	if (length < 0 || (size_t)length >= capacity_bytes)
		return guard_refuse(guard, -ENAMETOOLONG, "no room for a path");
	(void)snprintf(mount, sizeof(mount), "%s/tracing", guard->places.run);
	if (guard->dry_run) {
		places_say(&guard->places, "would mount tracefs at %s", mount);
		return 0;
	}
	failed = make_tracing(guard, mount, instance);
	return failed != 0 ? guard_retreat(guard, mark, failed) : 0;
}
