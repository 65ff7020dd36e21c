/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/headroom.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guard/seam.h"
#include "guard/why.h"
#include "kernel/values.h"
#include "vm/units.h"

#define MEMINFO_BYTES ((size_t)16 << 10)
#define FLOOR_SHARE   8
#define MODE_STRICT   2 /* linux:6.12:include/uapi/linux/mman.h:OVERCOMMIT_NEVER */
#define SCALE_FULL    10000

/* What weighs in, in KiB. */
struct scales {
	uint64_t total_kib, available_kib, committed_kib, swap_kib;
	uint64_t huge_kib; /* all pools together */
	uint64_t floor_kib;
};

static int read_scales(const char *root, struct scales *scales, char why[WHY_BYTES])
{
	char text[MEMINFO_BYTES];
	const ssize_t length_bytes = seam_read_text(root, "/proc/meminfo", text, sizeof(text));
	const struct kernel_text meminfo = kernel_text_of(length_bytes < 0 ? "" : text);

	*scales = (struct scales){0};
	if (length_bytes < 0 || !kernel_meminfo_find(meminfo, "MemTotal", &scales->total_kib) ||
		!kernel_meminfo_find(meminfo, "MemAvailable", &scales->available_kib) ||
		!kernel_meminfo_find(meminfo, "SwapTotal", &scales->swap_kib) ||
		!kernel_meminfo_find(meminfo, "Committed_AS", &scales->committed_kib))
		return why_say(why, length_bytes < 0 ? (int)length_bytes : -EBADMSG,
			"what the host needs cannot be told from /proc/meminfo");
	/* Since 4.19; before, the pools of other sizes were not counted anywhere. */
	(void)kernel_meminfo_find(meminfo, "Hugetlb", &scales->huge_kib);
	scales->floor_kib = scales->total_kib / FLOOR_SHARE;
	return 0;
}

/* Whether the host would keep its floor after we took so much of what is available. */
static int weigh(
	const struct scales *scales, const char *what, uint64_t taken_kib, char why[WHY_BYTES])
{
	if (taken_kib <= scales->available_kib &&
		scales->available_kib - taken_kib >= scales->floor_kib)
		return 0;
	return why_say(why, -ENOMEM,
		"%s would take %" PRIu64 " KiB of the %" PRIu64 " KiB available, and the host "
		"keeps at least %" PRIu64 " KiB",
		what, taken_kib, scales->available_kib, scales->floor_kib);
}

static uint64_t rise(const char *old, const char *value)
{
	int64_t before = 0, after = 0;

	if (!kernel_text_signed(kernel_text_of(old), &before) ||
		!kernel_text_signed(kernel_text_of(value), &after) || after <= before)
		return 0;
	return (uint64_t)after - (uint64_t)before;
}

/* a * b / c without overflow, rounded down; UINT64_MAX when it does not fit. */
static uint64_t share(uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t whole = a / c, rest = a % c;

	if (b != 0 && (whole > UINT64_MAX / b || rest > UINT64_MAX / b))
		return UINT64_MAX;
	const uint64_t sum = whole * b + rest * b / c;
	return sum < whole * b ? UINT64_MAX : sum;
}

static int read_number(const char *root, const char *path, uint64_t *number)
{
	char text[64];
	const ssize_t length_bytes = seam_read_text(root, path, text, sizeof(text));

	if (length_bytes < 0)
		return (int)length_bytes;
	return kernel_text_decimal(kernel_text_trimmed(kernel_text_of(text)), number) ? 0
										      : -EBADMSG;
}

/* The value that the file will have: of the knob that is being changed, the new one. */
static int number_then(const char *root, const char *path, const struct knob_instance *instance,
	const char *value, uint64_t *number)
{
	if (strcmp(path, instance->path) == 0)
		return kernel_text_decimal(kernel_text_of(value), number) ? 0 : -EBADMSG;
	/* Its rival is zeroed. */
	if (instance->knob->beside != NULL && strcmp(path, instance->knob->beside) == 0) {
		*number = 0;
		return 0;
	}
	return read_number(root, path, number);
}

/* What mode 2 would let programs commit, were the value in force
 * (linux:6.12:mm/util.c:vm_commit_limit, __vm_enough_memory). */
static int weigh_commitment(const char *root, const struct scales *scales,
	const struct knob_instance *instance, const char *value, uint64_t pool_kib,
	char why[WHY_BYTES])
{
	static const char *const paths[] = {
		"/proc/sys/vm/overcommit_memory",
		"/proc/sys/vm/overcommit_kbytes",
		"/proc/sys/vm/overcommit_ratio",
		"/proc/sys/vm/admin_reserve_kbytes",
		"/proc/sys/vm/user_reserve_kbytes",
	};
	uint64_t numbers[5] = {0};

	for (size_t i = 0; i < 5; i++) {
		const int failed = number_then(root, paths[i], instance, value, &numbers[i]);
		if (failed != 0) {
			return why_say(why, failed, "%s: %s", paths[i], strerror(-failed));
		}
	}
	if (numbers[0] != MODE_STRICT)
		return 0;
	const uint64_t huge_kib = scales->huge_kib + pool_kib;
	const uint64_t small_kib = scales->total_kib > huge_kib ? scales->total_kib - huge_kib : 0;
	uint64_t limit_kib = numbers[1] != 0 ? numbers[1] : share(small_kib, numbers[2], 100);
	limit_kib = limit_kib > UINT64_MAX - scales->swap_kib ? UINT64_MAX
							      : limit_kib + scales->swap_kib;
	const uint64_t reserves_kib =
		numbers[3] > UINT64_MAX - numbers[4] ? UINT64_MAX : numbers[3] + numbers[4];
	const uint64_t used_kib = scales->committed_kib;
	if (limit_kib >= used_kib && limit_kib - used_kib >= scales->floor_kib &&
		limit_kib - used_kib - scales->floor_kib >= reserves_kib)
		return 0;
	return why_say(why, -ENOMEM,
		"in overcommit mode 2, %s %s allows %" PRIu64 " KiB, of which %" PRIu64
		" KiB are committed; the host keeps at least %" PRIu64 " KiB beside the reserves",
		instance->name, value, limit_kib, used_kib, scales->floor_kib);
}

/*
 * linux:6.12:mm/page_alloc.c:__setup_per_zone_wmarks: min rises by the difference, and high, which
 * is what the kernel keeps free in the end, by at most half as much again (two steps of a quarter).
 */
static int weigh_min_free(
	const struct scales *scales, const char *old, const char *value, char why[WHY_BYTES])
{
	return weigh(scales, "the higher watermarks", share(rise(old, value), 3, 2), why);
}

/* The distance between two marks is a share of the zone, and high is two of them above min. */
static int weigh_scale(
	const struct scales *scales, const char *old, const char *value, char why[WHY_BYTES])
{
	return weigh(scales, "the wider watermarks",
		share(scales->total_kib, 2 * rise(old, value), SCALE_FULL), why);
}

int headroom_before(const char *root, const struct knob_instance *instance, const char *old,
	const char *value, char why[WHY_BYTES])
{
	struct scales scales;
	uint64_t pool_kib = 0;
	const enum knob_care care = instance->knob->care;

	if (care == KNOB_CARE_NONE || care == KNOB_CARE_RESERVES)
		return 0;
	int failed = read_scales(root, &scales, why);
	if (failed != 0)
		return failed;
	if (care == KNOB_CARE_MIN_FREE)
		return weigh_min_free(&scales, old, value, why);
	if (care == KNOB_CARE_SCALE)
		return weigh_scale(&scales, old, value, why);
	if (care == KNOB_CARE_POOL) {
		pool_kib = share(rise(old, value), instance->knob->page_bytes / VM_KIB_BYTES, 1);
		failed = weigh(&scales, "the huge pages", pool_kib, why);
		if (failed != 0)
			return failed;
	}
	return weigh_commitment(root, &scales, instance, value, pool_kib, why);
}

int headroom_after(const char *root, const struct knob_instance *instance, char why[WHY_BYTES])
{
	struct scales scales;

	if (instance->knob->care != KNOB_CARE_RESERVES)
		return 0;
	const int failed = read_scales(root, &scales, why);
	return failed != 0 ? failed : weigh(&scales, instance->name, 0, why);
}

int headroom_for(const char *root, uint64_t bytes, const char *what, char why[WHY_BYTES])
{
	struct scales scales;
	const int failed = read_scales(root, &scales, why);

	return failed != 0 ? failed : weigh(&scales, what, bytes / VM_KIB_BYTES, why);
}
