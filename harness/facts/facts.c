/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts.h"

#include <string.h>

#include "facts/ask.h"
#include "facts/derive.h"
#include "facts/knobs.h"
#include "facts/source.h"

int facts_read_live(struct pool *pool, struct facts *facts, struct facts_error *error)
{
	struct facts_source source;

	source_open_live(&source, pool, "", error);
	ask_all(&source);
	return derive(&source, facts);
}

int facts_read_captured(
	struct pool *pool, const char *folder, struct facts *facts, struct facts_error *error)
{
	struct facts_source source;
	const int result = source_open_captured(&source, pool, folder, error);

	return result < 0 ? result : derive(&source, facts);
}

int facts_file_captured(struct pool *pool, const char *folder, const char *path, const char **text,
	size_t *length_bytes, struct facts_error *error)
{
	struct facts_source source;
	const int result = source_open_captured(&source, pool, folder, error);

	if (result < 0)
		return result;
	const struct source_text got = source_read(&source, path);
	if (source.failed != 0)
		return source.failed;
	if (got.error != 0)
		return source_fail_plainly(
			&source, got.error, "%s/%s: %s", folder, path, strerror(-got.error));
	*text = got.text.bytes;
	*length_bytes = got.text.length_bytes;
	return 0;
}

struct changes {
	struct pool *pool;
	struct facts_change *items;
	size_t count;
};

static void change_add(
	struct changes *changes, const char *name, const char *before, const char *after)
{
	changes->items =
		pool_grow(changes->pool, changes->items, changes->count, sizeof(*changes->items));
	changes->items[changes->count++] =
		(struct facts_change){.name = name, .before = before, .after = after};
}

static void compare(struct changes *changes, const char *name, uint64_t before, uint64_t after)
{
	if (before != after)
		change_add(changes, name,
			pool_format(changes->pool, "%llu", (unsigned long long)before),
			pool_format(changes->pool, "%llu", (unsigned long long)after));
}

int facts_moved(struct pool *pool, const struct vm_host *expected, struct facts_change **changes,
	size_t *changes_count, struct facts_error *error)
{
	struct facts_source source;
	struct changes found = {.pool = pool};
	struct vm_host now = *expected;

	source_open_live(&source, pool, "", error);
	const int result = derive_again(&source, &now);
	if (result < 0)
		return result;
	for (enum vm_knob knob = 0; knob < VM_KNOB_LIMIT; knob++) {
		const struct vm_knob_fact before = expected->knob[knob], after = now.knob[knob];

		if (before.present != after.present || before.value != after.value)
			change_add(&found, vm_knob_word(knob), knob_show(pool, knob, before),
				knob_show(pool, knob, after));
	}
	/* Without /sys the number of CPUs comes from cpuinfo, which is not read again. */
	if (now.cpus_online != 0)
		compare(&found, "cpus-online", expected->cpus_online, now.cpus_online);
	compare(&found, "nodes-online", expected->nodes_online, now.nodes_online);
	compare(&found, "capabilities", expected->capabilities, now.capabilities);
	compare(&found, "cgroup-version", expected->cgroup_version, now.cgroup_version);
	compare(&found, "stack-limit-bytes", expected->stack_limit_bytes, now.stack_limit_bytes);
	compare(&found, "memlock-limit-bytes", expected->memlock_limit_bytes,
		now.memlock_limit_bytes);
	compare(&found, "address-space-limit-bytes", expected->address_space_limit_bytes,
		now.address_space_limit_bytes);
	*changes = found.items;
	*changes_count = found.count;
	return 0;
}
