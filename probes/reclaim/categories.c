/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's sums by kind of page: what a process's pages add to each, and that all of it goes
 * with them.
 *
 * It would miss a sum that is wrong by less than each CPU may hold back of it.
 */
#include <sys/mman.h>

#include "kernel/areas.h"
#include "kernel/values.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/quiet.h"
#include "trial/trial.h"
#include "vm/categories.h"
#include "vm/model.h"
#include "vm/prediction.h"

/* A slot of the top table of its own. */
#define BASE UINT64_C(0x100000000000)

static const char *const kind_labels[] = {"anonymous", "shared", "locked", "huge"};
#define SUM_WORD(name, word, kinds) word,
static const char *const sum_words[] = {VM_CATEGORY_SUMS(SUM_WORD)};
#undef SUM_WORD

static const struct probe_parameter parameters[] = {
	{
		.name = "kind",
		.unit = VM_UNIT_COUNT,
		.choices_count = 4,
		.choices = {VM_CATEGORY_ANONYMOUS, VM_CATEGORY_SHARED, VM_CATEGORY_LOCKED,
			VM_CATEGORY_HUGE},
		.labels = kind_labels,
	},
	{
		.name = "pages",
		.unit = VM_UNIT_PAGES,
		.lowest = 2048,
		.highest = 4096,
		.step = 512,
		.drawn = 1,
	},
};

static bool suits(const struct vm_host *host, const struct probe_arguments *arguments)
{
	return probe_argument(arguments, "kind") != VM_CATEGORY_HUGE ||
	       vm_host_has(host, VM_FEATURE_THP);
}

static void predict_sum(const struct vm_host *host, enum vm_category_kind kind,
	enum vm_category_sum sum, struct moving pages, struct vm_predictions *predictions)
{
	/* Both ends of a stretch may be late. */
	const int64_t lag = 2 * vm_category_lag_pages(host->cpus_online);
	const int64_t each = vm_category_counts(kind, sum);
	const struct moving span = {each * pages.lowest - lag, each * pages.highest + lag};
	const struct vm_prediction prediction = {
		.claim = "reclaim.categories",
		.quantity = "used",
		.at = sum_words[sum],
		.unit = VM_UNIT_PAGES,
		.because = "a page counts in the sums of its kind, from its first use until it is "
			   "unmapped; each CPU holds back a little",
		.cite = "linux:6.12:mm/rmap.c:__folio_mod_stat",
	};
	struct vm_prediction back = prediction;

	predict_moving(predictions, &prediction, span, QUIET_WANTED);
	back.quantity = "given-back";
	predict_moving(predictions, &back, span, QUIET_WANTED);
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"pages-of-kind"};
	const enum vm_category_kind kind = (enum vm_category_kind)probe_argument(arguments, "kind");
	const int64_t all = probe_argument(arguments, "pages");

	(void)model;
	for (enum vm_category_sum sum = 0; sum < VM_CATEGORY_SUM_LIMIT; sum++) {
		struct moving pages = {all, all};
		/* How many are huge depends on what is free. */
		if (sum != VM_CATEGORY_SUM_ANON_HUGE || kind != VM_CATEGORY_HUGE ||
			moving_of(readings, inputs[0], "", &pages)) {
			predict_sum(host, kind, sum, pages, predictions);
			continue;
		}
		struct vm_prediction rule = {
			.claim = "reclaim.categories",
			.quantity = "used",
			.at = sum_words[sum],
			.unit = VM_UNIT_PAGES,
			.because = "huge pages count where there are any",
			.cite = "linux:6.12:mm/rmap.c:__folio_mod_stat",
		};
		predict_rule(predictions, &rule, inputs, 1);
		rule.quantity = "given-back";
		predict_rule(predictions, &rule, inputs, 1);
	}
}

static void read_sums(const struct kernel_file *meminfo, int64_t pages[VM_CATEGORY_SUM_LIMIT])
{
	const struct kernel_text text = kernel_file_read(meminfo);

	for (size_t i = 0; i < VM_CATEGORY_SUM_LIMIT; i++) {
		uint64_t kib = 0;
		/* A kernel without huge pages has no line for them, and none of them. */
		(void)kernel_meminfo_find(text, sum_words[i], &kib);
		pages[i] = (int64_t)vm_kib_to_pages_floor(kib);
	}
}

static void use(enum vm_category_kind kind, size_t length_bytes)
{
	const int flags = kind == VM_CATEGORY_SHARED ? MAP_SHARED : MAP_PRIVATE;
	volatile char *memory = mmap((void *)BASE, length_bytes, PROT_READ | PROT_WRITE,
		flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	MUST(memory == (volatile char *)BASE);
	if (kind == VM_CATEGORY_HUGE)
		MUST(madvise((void *)BASE, length_bytes, MADV_HUGEPAGE) == 0);
	else
		small_pages((void *)BASE, length_bytes);
	if (kind == VM_CATEGORY_LOCKED)
		MUST(mlock((void *)BASE, length_bytes) == 0);
	for (size_t i = 0; i < length_bytes; i += VM_PAGE_BYTES)
		memory[i] = 1;
}

/* Of the area, in huge pages. */
static int64_t huge_pages(const struct kernel_file *smaps)
{
	struct kernel_lines lines = kernel_lines_of(kernel_file_read(smaps));
	struct kernel_smaps_area area;
	struct kernel_error error;

	while (kernel_smaps_next(&lines, &area, &error) == 1)
		if (area.area.start <= BASE && BASE < area.area.end)
			return (int64_t)vm_kib_to_pages_floor(
				area.value_kib[KERNEL_SMAPS_ANON_HUGE_PAGES]);
	broken("the area is not in smaps");
}

/* What the stretches in which nobody else ran moved the sums by. */
struct stretches {
	size_t count;
	int64_t used[VM_CATEGORY_SUM_LIMIT][QUIET_WANTED];
	int64_t given_back[VM_CATEGORY_SUM_LIMIT][QUIET_WANTED];
	int64_t huge[QUIET_WANTED];
};

static void take(struct quiet *quiet, const struct kernel_file *meminfo,
	const struct kernel_file *smaps, enum vm_category_kind kind, size_t length_bytes,
	struct stretches *stretches)
{
	int64_t before[VM_CATEGORY_SUM_LIMIT], used[VM_CATEGORY_SUM_LIMIT];
	int64_t after[VM_CATEGORY_SUM_LIMIT];

	quiet_begin(quiet);
	read_sums(meminfo, before);
	use(kind, length_bytes);
	read_sums(meminfo, used);
	const int64_t huge = huge_pages(smaps);
	MUST(munmap((void *)BASE, length_bytes) == 0);
	read_sums(meminfo, after);
	if (!quiet_end(quiet) || stretches->count == QUIET_WANTED)
		return;
	for (size_t i = 0; i < VM_CATEGORY_SUM_LIMIT; i++) {
		stretches->used[i][stretches->count] = used[i] - before[i];
		stretches->given_back[i][stretches->count] = used[i] - after[i];
	}
	stretches->huge[stretches->count++] = huge;
}

static void measure(const struct probe_arguments *arguments)
{
	const enum vm_category_kind kind = (enum vm_category_kind)probe_argument(arguments, "kind");
	const size_t length_bytes =
		(size_t)vm_pages_to_bytes((uint64_t)probe_argument(arguments, "pages"));
	const struct kernel_file meminfo =
		kernel_file_open("/proc/meminfo", KERNEL_FILE_USUAL_BYTES);
	const struct kernel_file smaps =
		kernel_file_open("/proc/self/smaps", KERNEL_FILE_LARGE_BYTES);
	static struct stretches stretches;
	struct quiet quiet;

	quiet_open(&quiet);
	while (stretches.count < QUIET_WANTED) {
		quiet_try(&quiet, "meminfo");
		take(&quiet, &meminfo, &smaps, kind, length_bytes, &stretches);
	}
	observe_values("pages-of-kind", "", stretches.huge, QUIET_WANTED, VM_UNIT_PAGES, "smaps");
	for (size_t i = 0; i < VM_CATEGORY_SUM_LIMIT; i++) {
		observe_values("used", sum_words[i], stretches.used[i], QUIET_WANTED, VM_UNIT_PAGES,
			"/proc/meminfo");
		observe_values("given-back", sum_words[i], stretches.given_back[i], QUIET_WANTED,
			VM_UNIT_PAGES, "/proc/meminfo");
	}
}

static const char *const claims[] = {"reclaim.categories", NULL};

PROBE(categories) = {
	.name = "reclaim.categories",
	.claims = claims,
	.question =
		"In which of the machine's sums are a process's pages counted, and for how long?",
	.method =
		"Read meminfo before pages of a kind are used, while they are, and after they are "
		"unmapped, until nobody else has run during five such stretches.",
	.threats = "The sums are the machine's: only stretches count in which no other task ran; "
		   "what each CPU may hold back of a sum is computed.",
	.by_hand = "grep -E 'AnonPages|Mapped|Shmem|Mlocked|AnonHugePages' /proc/meminfo",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.deadline_s = 20,
	.suits = suits,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
