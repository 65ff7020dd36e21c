/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/knobs.h"

#include <string.h>

#include "kernel/lists.h"

#define THP_FOLDER "sys/kernel/mm/transparent_hugepage/"

struct knob {
	const char *path;	  /* NULL: below proc/sys, dots of the name as slashes */
	const char *const *words; /* of a bracketed choice, NULL-ended; an index is a place here */
};

/* In the order in which the kernel lists them; what is added later goes to the end. */
static const char *const thp_enabled_words[] = {
	[VM_THP_ALWAYS] = "always",
	[VM_THP_MADVISE] = "madvise",
	[VM_THP_NEVER] = "never",
	NULL,
};
static const char *const thp_defrag_words[] = {
	"always", "defer", "defer+madvise", "madvise", "never", NULL};
static const char *const thp_shmem_words[] = {
	"always", "within_size", "advise", "never", "deny", "force", NULL};

static const struct knob knobs[VM_KNOB_LIMIT] = {
	[VM_KNOB_THP_ENABLED] = {THP_FOLDER "enabled", thp_enabled_words},
	[VM_KNOB_THP_DEFRAG] = {THP_FOLDER "defrag", thp_defrag_words},
	[VM_KNOB_THP_USE_ZERO_PAGE] = {THP_FOLDER "use_zero_page", NULL},
	[VM_KNOB_THP_SHMEM_ENABLED] = {THP_FOLDER "shmem_enabled", thp_shmem_words},
	[VM_KNOB_KSM_RUN] = {"sys/kernel/mm/ksm/run", NULL},
	[VM_KNOB_LRU_GEN_ENABLED] = {"sys/kernel/mm/lru_gen/enabled", NULL},
};

enum vm_knob knob_named(const char *name)
{
	enum vm_knob knob = 0;

	while (knob < VM_KNOB_LIMIT && strcmp(vm_knob_word(knob), name) != 0)
		knob++;
	return knob;
}

const char *knob_path(struct pool *pool, enum vm_knob knob)
{
	const char *word = vm_knob_word(knob);
	const size_t dot = strcspn(word, ".");

	if (knobs[knob].path != NULL)
		return knobs[knob].path;
	return pool_format(pool, "proc/sys/%.*s/%s", (int)dot, word, word + dot + 1);
}

static size_t words_count(const char *const *words)
{
	size_t count = 0;

	while (words[count] != NULL)
		count++;
	return count;
}

/* The place of the word, or the number of words. */
static size_t word_place(const char *const *words, struct kernel_text word)
{
	size_t place = 0;

	while (words[place] != NULL && !kernel_text_is(word, words[place]))
		place++;
	return place;
}

struct vm_knob_fact knob_read(struct facts_source *source, enum vm_knob knob)
{
	const char *path = knob_path(source->pool, knob);
	const struct source_text got = source_read(source, path);
	const char *const *words = knobs[knob].words;
	struct vm_knob_fact fact = {0};
	struct kernel_choice choice;
	struct kernel_error error;
	int result;

	if (got.error != 0)
		return fact;
	if (words == NULL) {
		result = kernel_integer_parse(got.text, &fact.value, &error);
		fact.present = result == 0;
	} else {
		result = kernel_choice_parse(got.text, &choice, &error);
		if (result == 0) {
			const size_t place = word_place(words, choice.words[choice.chosen]);
			fact.present = place < words_count(words);
			fact.value = fact.present ? (int64_t)place : 0;
		}
	}
	if (result < 0)
		(void)source_fail(source, path, &error);
	return fact;
}

const char *knob_show(struct pool *pool, enum vm_knob knob, struct vm_knob_fact fact)
{
	const char *const *words = knobs[knob].words;

	if (!fact.present)
		return "absent";
	if (words != NULL && fact.value >= 0 && (uint64_t)fact.value < words_count(words))
		return words[fact.value];
	return pool_format(pool, "%lld", (long long)fact.value);
}

int64_t facts_choice(const char *name, const char *word)
{
	const enum vm_knob knob = knob_named(name);

	if (knob == VM_KNOB_LIMIT || knobs[knob].words == NULL)
		return -1;
	const size_t place = word_place(knobs[knob].words, kernel_text_of(word));
	return place < words_count(knobs[knob].words) ? (int64_t)place : -1;
}

/*
 * Writing one of a pair puts the other to zero. linux:6.12:mm/util.c:overcommit_ratio_handler,
 * overcommit_kbytes_handler; linux:6.12:mm/page-writeback.c:dirty_ratio_handler and its three kin.
 * The foreground pair does so only when the value changes.
 */
struct rival {
	enum vm_knob knob, other;
	bool only_if_changed;
};

static const struct rival rivals[] = {
	{VM_KNOB_OVERCOMMIT_RATIO, VM_KNOB_OVERCOMMIT_KBYTES, false},
	{VM_KNOB_OVERCOMMIT_KBYTES, VM_KNOB_OVERCOMMIT_RATIO, false},
	{VM_KNOB_DIRTY_RATIO, VM_KNOB_DIRTY_BYTES, true},
	{VM_KNOB_DIRTY_BYTES, VM_KNOB_DIRTY_RATIO, true},
	{VM_KNOB_DIRTY_BACKGROUND_RATIO, VM_KNOB_DIRTY_BACKGROUND_BYTES, false},
	{VM_KNOB_DIRTY_BACKGROUND_BYTES, VM_KNOB_DIRTY_BACKGROUND_RATIO, false},
};

bool facts_with_knob(struct vm_host *host, const char *name, int64_t value)
{
	const enum vm_knob knob = knob_named(name);

	if (knob == VM_KNOB_LIMIT)
		return false;
	const bool changed = !host->knob[knob].present || host->knob[knob].value != value;
	host->knob[knob] = (struct vm_knob_fact){.present = true, .value = value};
	for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
		if (rivals[i].knob == knob && (changed || !rivals[i].only_if_changed) &&
			host->knob[rivals[i].other].present)
			host->knob[rivals[i].other].value = 0;
	}
	return true;
}
