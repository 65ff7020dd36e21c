/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings guard: changes a setting of the host for a while, and puts it back whatever happens.
 *
 *	guard_begin	one run at a time; what a killed run left is put back first; keeper started
 *	guard_hold	journal (old value, fsync), then write; last change is undone first
 *	guard_end	everything put back, the journal gone, the keeper gone
 *
 * Between begin and end the journal is a stack: cases are nested scopes, each releases to the mark
 * that it took. However the program dies, the keeper (another process) puts everything back; if it
 * dies as well, the next guard_begin or guard_restore does. Only a run that may change something
 * has a keeper and a journal; every run has the lock.
 *
 * All functions return 0 or a negative errno. Why a change was refused is a sentence (guard_why)
 * for the caller to report as a skip; what goes wrong while putting back is said once, at once.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/group.h"

struct guard;

#define GUARD_VALUE_BYTES 160

struct guard_options {
	/* Before every path: "" is this host; tests have a folder that holds proc, sys and run. */
	const char *root;
	/* May change things at all. Otherwise nothing but the lock is taken. */
	bool changes;
	/* Changes are said and not made; there is no journal and no keeper. */
	bool dry_run;
	/* How long to wait for the keeper of a run that just died; 0: not at all. */
	unsigned wait_ms;
	/* One line, no newline. NULL: standard error, "mmconform: " before it. */
	void (*say)(void *context, const char *line);
	void *context;
};

/*
 * -EBUSY: another run has the lock (who: said). -EBADMSG: the journal of a killed run is damaged
 * or forged; nothing is changed and the journal is left as it is. -EUCLEAN: it is sound, but not
 * all of it could be put back.
 */
__attribute__((warn_unused_result)) int guard_begin(
	const struct guard_options *options, struct guard **guard);

/* Puts everything back, ends the keeper and frees the guard, whatever it answers. NULL is nothing.
 */
__attribute__((warn_unused_result)) int guard_end(struct guard *guard);

/*
 * Holds the knob ("vm.min_free_kbytes", "thp.enabled", "hugetlb.2m.nr_hugepages") at the value, as
 * one would echo it. in_force (NULL, or GUARD_VALUE_BYTES) gets what the kernel made of it: a pool
 * may be granted less than was asked.
 *
 * -EINVAL unknown knob or a value out of its range; -ENOENT this kernel has no such knob; -EPERM,
 * -EACCES, -EROFS no right to write it; -ENOMEM it would starve the host; -EOWNERDEAD the keeper
 * was killed: everything has been put back and nothing more can be held.
 */
__attribute__((warn_unused_result)) int guard_hold(
	struct guard *guard, const char *knob, const char *value, char *in_force);

/*
 * The knob was only a start: what the kernel makes of it when another one is held is left as it is.
 * It is put back like any other.
 */
void guard_let_go(struct guard *guard, const char *knob);

/* The sentence for the last answer that was not 0. */
const char *guard_why(const struct guard *guard);

/* Scopes: what was done after the mark was taken is undone, last first. */
size_t guard_mark(const struct guard *guard);
__attribute__((warn_unused_result)) int guard_release_to(struct guard *guard, size_t mark);

/* Readable when the keeper is gone; -1 when there is none to watch. */
int guard_descriptor(const struct guard *guard);

/*
 * What cases need, made, journalled and removed like settings. Each answers -ENOENT, -EPERM,
 * -ENOMEM... with a sentence when this host cannot supply it.
 */

/* The pool of that size may be made larger and smaller by the trial; it is put back. */
__attribute__((warn_unused_result)) int guard_huge_pages_vary(
	struct guard *guard, uint64_t page_bytes);
/* At least so many free and unreserved huge pages of the size (2 MiB or 1 GiB) in the pool. */
__attribute__((warn_unused_result)) int guard_huge_pages(
	struct guard *guard, uint64_t page_bytes, uint64_t pages);
/* A swap file of that size in use, on the disk that holds /var/lib. */
__attribute__((warn_unused_result)) int guard_swap_file(struct guard *guard, uint64_t size_bytes);
/* A compressed swap device of that size in use, and its device number. */
__attribute__((warn_unused_result)) int guard_swap_zram(
	struct guard *guard, uint64_t size_bytes, unsigned *device);
/* An own memory group, as near below our own as the hierarchy allows. */
__attribute__((warn_unused_result)) int guard_group(
	struct guard *guard, const char *name, struct group *group);
/* A private mount of tracefs with an own instance: own buffers, events and switches. */
__attribute__((warn_unused_result)) int guard_tracing(
	struct guard *guard, char *instance, size_t capacity_bytes);
/* A folder of ours under /var/lib/mmconform that goes, with the files in it, at the release. */
__attribute__((warn_unused_result)) int guard_folder(
	struct guard *guard, const char *name, char *path, size_t capacity_bytes);

/*
 * The verb restore: puts back what a killed run left, after waiting for a keeper at work.
 * restored_count: how many changes there were. Answers as guard_begin. With dry_run they are said
 * and not made.
 */
__attribute__((warn_unused_result)) int guard_restore(
	const struct guard_options *options, size_t *restored_count);

/*
 * Whether a killed run left a journal that this user cannot obey; for doctor, and for runs without
 * privileges.
 */
bool guard_left_over(const struct guard_options *options);

/* The knobs that the guard knows, for list, doctor and the man page; false past the last. */
struct guard_knob {
	const char *name, *path; /* with a * where an instance goes */
	char values[64];	 /* "0 to 200", "one of the words of the file" */
	const char *note;	 /* what to know before holding it, or "" */
};
bool guard_knob_at(size_t index, struct guard_knob *knob);

#endif
