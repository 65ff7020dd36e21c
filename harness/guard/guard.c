/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/guard.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard/headroom.h"
#include "guard/internal.h"
#include "guard/knob.h"
#include "guard/lock.h"
#include "guard/seam.h"
#include "guard/why.h"

/* A knob, what is journalled before it, and what it disturbs on up to so many nodes. */
#define ENTRIES_LIMIT 65

int guard_refuse(struct guard *guard, int answer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(guard->why, sizeof(guard->why), format, arguments);
	va_end(arguments);
	return answer;
}

const char *guard_why(const struct guard *guard)
{
	return guard->why;
}

int guard_ready(struct guard *guard)
{
	guard->why[0] = '\0';
	if (!guard->changes)
		return guard_refuse(
			guard, -EPERM, "this run may change nothing; allow it: --allow settings");
	if (guard->ended)
		return guard_refuse(guard, -EOWNERDEAD, "the keeper of the settings was killed");
	if (guard->dry_run || keeper_is_alive(&guard->keeper))
		return 0;
	/* Without a keeper nothing is held for a moment longer than need be. */
	places_say(&guard->places, "the keeper of the settings was killed: everything is put back, "
				   "and no more is changed");
	guard->ended = true;
	(void)stack_pop_to(&guard->stack, 0);
	return guard_refuse(guard, -EOWNERDEAD, "the keeper of the settings was killed");
}

int guard_announce(struct guard *guard, enum undo_kind kind, const char *name, const char *old)
{
	struct undo undo = {.kind = kind};
	int failed = -ENAMETOOLONG;

	if (strlen(name) < sizeof(undo.name) && strlen(old) < sizeof(undo.old)) {
		memcpy(undo.name, name, strlen(name));
		memcpy(undo.old, old, strlen(old));
		failed = stack_push(&guard->stack, &undo, 1);
	}
	if (failed != 0)
		return guard_refuse(guard, failed, "%s%s: %s; nothing was changed",
			guard->places.root, guard->places.journal, strerror(-failed));
	return 0;
}

int guard_retreat(struct guard *guard, size_t mark, int answer)
{
	char why[WHY_BYTES];

	memcpy(why, guard->why, sizeof(why));
	(void)stack_pop_to(&guard->stack, mark);
	memcpy(guard->why, why, sizeof(why));
	return answer;
}

/* Fills an entry with what the knob and the file beside it hold now. */
static int remember(struct guard *guard, const struct knob_instance *instance, struct undo *undo)
{
	char old[GUARD_VALUE_BYTES];
	int failed = knob_value(guard->places.root, instance, old);

	*undo = (struct undo){.kind = UNDO_SETTING};
	if (failed == 0)
		failed = knob_value_beside(guard->places.root, instance, undo->beside);
	(void)snprintf(undo->name, sizeof(undo->name), "%s", instance->name);
	(void)snprintf(undo->old, sizeof(undo->old), "%s", failed == 0 ? old : "");
	if (failed == -ENOENT)
		return guard_refuse(guard, failed, "this kernel has no %s (%s%s)", instance->name,
			guard->places.root, instance->path);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s%s: %s", guard->places.root, instance->path,
			strerror(-failed));
	/* What cannot be written back must not be changed. */
	char why[WHY_BYTES];
	if (knob_check(guard->places.root, instance, old, false, why) != 0)
		return guard_refuse(
			guard, -EBADMSG, "its value now could not be put back: %s", why);
	return 0;
}

/* What the kernel moves along with the knob comes first, so that it is put back after it. */
static int remember_all(struct guard *guard, const struct knob_instance *instance,
	struct undo undos[ENTRIES_LIMIT], size_t *count)
{
	struct knob_instance disturbed;
	unsigned cursor = 0;

	*count = 0;
	while (knob_disturbed_next(guard->places.root, instance, &cursor, &disturbed)) {
		if (*count == ENTRIES_LIMIT - 1)
			return guard_refuse(guard, -E2BIG, "%s: too many nodes", instance->name);
		const int failed = remember(guard, &disturbed, &undos[*count]);
		if (failed != 0)
			return failed;
		*count += 1;
	}
	const int failed = remember(guard, instance, &undos[*count]);
	*count += failed == 0;
	return failed;
}

/* The kernel may have moved what we hold ourselves: thp.enabled raises vm.min_free_kbytes. */
static int hold_again(struct guard *guard, const struct knob_instance *instance)
{
	struct knob_instance disturbed;
	unsigned cursor = 0;

	while (knob_disturbed_next(guard->places.root, instance, &cursor, &disturbed)) {
		const char *left = NULL;
		char now[GUARD_VALUE_BYTES];

		for (size_t i = 0; i < guard->stack.count; i++)
			if (guard->stack.undos[i].kind == UNDO_SETTING &&
				guard->stack.undos[i].left[0] != '\0' &&
				strcmp(guard->stack.undos[i].name, disturbed.name) == 0)
				left = guard->stack.undos[i].left;
		if (left == NULL)
			continue;
		int failed = knob_value(guard->places.root, &disturbed, now);
		if (failed == 0 && !knob_same(&disturbed, now, left))
			failed = seam_write_text(guard->places.root, disturbed.path, left);
		if (failed != 0)
			return guard_refuse(guard, failed, "%s cannot be held beside %s: %s",
				disturbed.name, instance->name, strerror(-failed));
	}
	return 0;
}

/* Reads back what is in force, and compares it with what was asked and what was there. */
static int look_back(struct guard *guard, const struct knob_instance *instance, const char *value,
	const char *old, char in_force[GUARD_VALUE_BYTES])
{
	const int failed = knob_value(guard->places.root, instance, in_force);

	if (failed != 0)
		return guard_refuse(guard, failed, "%s cannot be read back: %s", instance->name,
			strerror(-failed));
	/* Older kernels take a value out of range without a word, and leave things as they were
	 * (linux:6.1:kernel/sysctl.c:__do_proc_doulongvec_minmax). */
	if (knob_same(instance, in_force, old) && !knob_same(instance, value, old))
		return guard_refuse(guard, instance->knob->kind == KNOB_POOL ? -ENOMEM : -EINVAL,
			"%s stays at %.60s: the kernel %s %.60s", instance->name, old,
			instance->knob->kind == KNOB_POOL ? "has no pages for" : "does not take",
			value);
	return 0;
}

static int write_held(struct guard *guard, const struct knob_instance *instance, const char *value,
	struct undo *undo)
{
	char why[WHY_BYTES], in_force[GUARD_VALUE_BYTES];
	int failed = seam_write_text(guard->places.root, instance->path, value);

	if (failed != 0)
		return guard_refuse(guard, failed, "%s cannot be set to %.60s: %s", instance->name,
			value, strerror(-failed));
	failed = look_back(guard, instance, value, undo->old, in_force);
	if (failed == 0)
		failed = hold_again(guard, instance);
	if (failed != 0)
		return failed;
	failed = headroom_after(guard->places.root, instance, why);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s", why);
	memcpy(undo->left, in_force, sizeof(undo->left));
	return 0;
}

/* Journalled, then written; or only journalled, when it has the value already. */
static int hold_remembered(struct guard *guard, const struct knob_instance *instance,
	const char *value, const struct undo *undos, size_t count)
{
	const size_t mark = guard->stack.count;
	const bool same = knob_same(instance, undos[count - 1].old, value);
	int failed = stack_push(&guard->stack, undos, count);

	if (failed != 0)
		return guard_refuse(guard, failed, "%s%s: %s; nothing was changed",
			guard->places.root, guard->places.journal, strerror(-failed));
	struct undo *const held = &guard->stack.undos[guard->stack.count - 1];
	if (same) {
		memcpy(held->left, held->old, sizeof(held->left));
		return 0;
	}
	failed = write_held(guard, instance, value, held);
	return failed != 0 ? guard_retreat(guard, mark, failed) : 0;
}

void guard_let_go(struct guard *guard, const char *name)
{
	for (size_t i = 0; i < guard->stack.count; i++)
		if (guard->stack.undos[i].kind == UNDO_SETTING &&
			strcmp(guard->stack.undos[i].name, name) == 0)
			guard->stack.undos[i].left[0] = '\0';
}

static int hold_known(struct guard *guard, const struct knob_instance *instance, const char *value,
	char *in_force)
{
	struct undo undos[ENTRIES_LIMIT];
	size_t count = 0;
	char why[WHY_BYTES];
	int failed = remember_all(guard, instance, undos, &count);

	if (failed != 0)
		return failed;
	const char *const old = undos[count - 1].old;
	const bool same = knob_same(instance, old, value);
	if (in_force != NULL)
		(void)snprintf(in_force, GUARD_VALUE_BYTES, "%.*s", GUARD_VALUE_BYTES - 1,
			same ? old : value);
	/* Nothing to allow, nothing to undo. */
	if (same && !guard->changes)
		return 0;
	failed = guard_ready(guard);
	if (failed != 0)
		return failed;
	failed = same ? 0 : headroom_before(guard->places.root, instance, old, value, why);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s", why);
	if (guard->dry_run) {
		if (!same)
			places_say(&guard->places, "would set %s from %s to %s", instance->name,
				old, value);
		return 0;
	}
	failed = hold_remembered(guard, instance, value, undos, count);
	if (failed == 0 && in_force != NULL)
		memcpy(in_force, guard->stack.undos[guard->stack.count - 1].left,
			GUARD_VALUE_BYTES);
	return failed;
}

int guard_hold(struct guard *guard, const char *knob, const char *value, char *in_force)
{
	struct knob_instance instance;
	char why[WHY_BYTES];

	guard->why[0] = '\0';
	if (!knob_find(knob, &instance))
		return guard_refuse(guard, -EINVAL, "there is no knob %.80s", knob);
	if (!seam_exists(guard->places.root, instance.path))
		return guard_refuse(guard, -ENOENT, "this kernel has no %s (%s%s)", instance.name,
			guard->places.root, instance.path);
	const int failed = knob_check(guard->places.root, &instance, value, true, why);
	if (failed != 0)
		return guard_refuse(guard, failed, "%s", why);
	return hold_known(guard, &instance, value, in_force);
}

size_t guard_mark(const struct guard *guard)
{
	return guard->stack.count;
}

int guard_release_to(struct guard *guard, size_t mark)
{
	int failed = 0;

	assert(mark <= guard->stack.count || guard->ended);
	if (mark < guard->stack.count)
		failed = stack_pop_to(&guard->stack, mark);
	if (failed != 0)
		(void)guard_refuse(guard, failed, "not everything could be put back");
	return failed;
}

int guard_descriptor(const struct guard *guard)
{
	return guard->keeper.link;
}

/* The folders, the journal and the keeper of a run that may change things. */
static int begin_changes(struct guard *guard)
{
	int failed = places_make(&guard->places, guard->places.run);

	if (failed == 0)
		failed = places_make(&guard->places, guard->places.state);
	if (failed == 0)
		failed = journal_create(&guard->stack.journal, guard->places.root,
			guard->places.journal, guard->places.boot);
	if (failed == 0)
		failed = keeper_start(&guard->places, guard->lock, &guard->keeper);
	if (failed != 0)
		places_say(&guard->places, "the settings guard cannot start: %s%s: %s",
			guard->places.root, guard->places.journal, strerror(-failed));
	return failed;
}

static int begin_locked(struct guard *guard)
{
	size_t undone_count = 0;
	const int failed = stack_settle(&guard->places, &undone_count);

	if (undone_count != 0)
		places_say(&guard->places, "put back %zu changes that a killed run had left",
			undone_count);
	if (failed != 0)
		return failed;
	return guard->changes && !guard->dry_run ? begin_changes(guard) : 0;
}

static void drop(struct guard *guard)
{
	stack_drop(&guard->stack);
	if (guard->lock >= 0)
		(void)close(guard->lock);
	free(guard);
}

int guard_begin(const struct guard_options *options, struct guard **guard)
{
	struct guard *const made = calloc(1, sizeof(*made));

	*guard = NULL;
	if (made == NULL)
		return -ENOMEM;
	made->changes = options->changes;
	made->dry_run = options->dry_run;
	made->lock = -1;
	made->keeper = (struct keeper){.pid = -1, .link = -1};
	int failed = places_find(options, &made->places);
	made->stack = (struct stack){.places = &made->places, .journal = {.file = -1}};
	if (failed != 0) {
		places_say(&made->places, "the settings guard cannot start: %s", strerror(-failed));
		drop(made);
		return failed;
	}
	made->lock = lock_take(&made->places, options->wait_ms);
	failed = made->lock < 0 ? made->lock : begin_locked(made);
	if (failed != 0) {
		if (made->stack.journal.file >= 0)
			(void)journal_remove(&made->stack.journal);
		drop(made);
		return failed;
	}
	*guard = made;
	return 0;
}

int guard_end(struct guard *guard)
{
	int failed = 0;

	if (guard == NULL)
		return 0;
	if (guard->stack.count != 0)
		failed = stack_pop_to(&guard->stack, 0);
	/* What could not be put back stays in the journal for restore. */
	if (failed == 0 && guard->stack.journal.file >= 0)
		failed = journal_remove(&guard->stack.journal);
	const int ended = keeper_end(&guard->keeper);
	drop(guard);
	return failed != 0 ? failed : ended;
}

/* What restore would do, last change first as it would do it. */
static int list_left(const struct places *places, size_t *left_count)
{
	struct journal_content content;
	const int failed = stack_load(places, &content);

	if (failed != 0)
		return failed == -ENOENT ? 0 : failed;
	for (size_t i = content.count; i > 0; i--) {
		const struct undo *const undo = &content.undos[i - 1];

		if (undo->kind == UNDO_SETTING)
			places_say(places, "would put %s back to %s", undo->name, undo->old);
		else
			places_say(places, "would remove the %s %s", undo_kind_word(undo->kind),
				undo->name);
	}
	*left_count = content.count;
	journal_drop(&content);
	return 0;
}

int guard_restore(const struct guard_options *options, size_t *restored_count)
{
	struct places places;
	int failed = places_find(options, &places);

	*restored_count = 0;
	if (failed != 0)
		return failed;
	const int lock = lock_take(&places, options->wait_ms);
	if (lock < 0)
		return lock;
	failed = options->dry_run ? list_left(&places, restored_count)
				  : stack_settle(&places, restored_count);
	(void)close(lock);
	return failed;
}

bool guard_left_over(const struct guard_options *options)
{
	return seam_exists(options->root, "/run/mmconform/journal");
}

static void describe_values(const struct knob *knob, char *text, size_t capacity_bytes)
{
	const bool narrower = knob->held_lowest != 0 || knob->held_highest != 0;
	const int64_t highest = narrower ? knob->held_highest : knob->highest;
	int length = 0;

	if (knob->kind == KNOB_CHOICE) {
		(void)snprintf(text, capacity_bytes, "one of the words of the file");
		return;
	}
	if (knob->kind == KNOB_WORD) {
		(void)snprintf(text, capacity_bytes, "one of: %s", knob->words);
		return;
	}
	length =
		snprintf(text, capacity_bytes, "%s%" PRId64, knob->kind == KNOB_LIST ? "each " : "",
			narrower ? knob->held_lowest : knob->lowest);
	if (highest >= INT32_MAX)
		(void)snprintf(text + length, capacity_bytes - (size_t)length, " or more");
	else
		(void)snprintf(
			text + length, capacity_bytes - (size_t)length, " to %" PRId64, highest);
}

bool guard_knob_at(size_t index, struct guard_knob *knob)
{
	if (index >= knobs_count)
		return false;
	*knob = (struct guard_knob){
		.name = knobs[index].name,
		.path = knobs[index].path,
		.note = knobs[index].note == NULL ? "" : knobs[index].note,
	};
	describe_values(&knobs[index], knob->values, sizeof(knob->values));
	return true;
}
