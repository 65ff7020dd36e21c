/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations that mean something: ranges that overlap and touch each other's ends, areas of
 * all kinds, forks, mistakes. The seed decides all of them.
 */
#ifndef SCENARIO_GENERATE_H
#define SCENARIO_GENERATE_H

#include "scenario/language.h"
#include "suite/random.h"

#define GENERATE_BOUNDARIES 32
#define GENERATE_PLANNED    4

/* Chapters choose kinds of operations; 0 stands for all. */
#define GENERATE_CHAPTERS(X)  \
	X(DEMAND, "demand")   \
	X(AREA, "area")       \
	X(COW, "cow")         \
	X(ACCOUNT, "account") \
	X(XLATE, "xlate")     \
	X(RECLAIM, "reclaim") \
	X(CACHE, "cache")     \
	X(CKPT, "ckpt")

enum generate_chapter {
#define GENERATE_ENUMERATOR(name, word) GENERATE_##name,
	GENERATE_CHAPTERS(GENERATE_ENUMERATOR)
#undef GENERATE_ENUMERATOR
		GENERATE_CHAPTER_LIMIT,
};

/* The chapter's bit, or 0. */
uint32_t generate_chapter_bit(const char *word);

struct generator {
	struct random_stream random;
	uint32_t chapters;
	uint32_t processes_most;
	bool soft_dirty, tracking, guards, seals, secrets, pins; /* what the host has */
	bool denies;	  /* in this script: nothing that was written is executed behind it */
	bool kinds_alike; /* rather than by their weights */
	uint32_t mistakes_percent;
	/* What the operations so far have made. */
	bool alive[8], file_open[16];
	enum vm_file_kind file_kind[16];
	uint32_t processes_used, alive_count, files_used, files_open, sealed_pages;
	uint64_t pinned_at, pinned_bytes; /* what was pinned last */
	uint64_t boundaries[GENERATE_BOUNDARIES];
	uint32_t boundaries_count;
	/* What comes next, because it was decided on together; then a range is met more often. */
	struct vm_operation planned[GENERATE_PLANNED];
	uint32_t planned_count, planned_next;
	uint64_t focus_start, focus_pages;
	uint32_t focus_left; /* so many operations long */
};

void generate_start(struct generator *generator, const struct vm_host *host, uint64_t seed,
	uint32_t chapters, uint32_t processes_most);
struct vm_operation generate_next(struct generator *generator);
/* The next one is not to be exchanged for another: it belongs to those before it. */
bool generate_is_planned(const struct generator *generator);
/* What was left out was one of them: so are the others. */
void generate_forget_plan(struct generator *generator);
/* All kinds alike, and more mistakes: what comes seldom otherwise. */
struct vm_operation generate_unusual(struct generator *generator);

/*
 * Drops what cannot be said any more after others were taken out: operations of processes and files
 * that are not there. Returns how many are left.
 */
size_t generate_mend(struct vm_operation *operations, size_t count);

#endif
