/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External fragmentation: memory is filled, one page of each 2 MiB of frames is locked where it is,
 * and all others are given back. Nearly all is free then, and no huge page can be had. When locked
 * pages may be moved, compaction moves them.
 *
 * It would miss a compaction that takes needlessly long, or moves more than it has to.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/pagemap.h"
#include "kernel/values.h"
#include "kernel/zoneinfo.h"
#include "probe/moving.h"
#include "probe/probe.h"
#include "trial/files.h"
#include "trial/frames.h"
#include "trial/trial.h"
#include "vm/model.h"
#include "vm/prediction.h"

#define BLOCK_PAGES vm_bytes_to_pages_floor(VM_HUGE_2M_BYTES)
/* More than this is no machine for the test: each page is written once, under emulation. */
#define MACHINE_BLOCKS_LIMIT 1024
/* By frame: there is a hole below 4 GiB. */
#define BLOCKS_LIMIT ((size_t)4 * MACHINE_BLOCKS_LIMIT)

static const struct probe_parameter parameters[] = {
	{
		.name = "wanted",
		.unit = VM_UNIT_COUNT,
		.lowest = 4,
		.highest = 24,
		.step = 1,
		.drawn = 1,
	},
};

/* --- predicting ------------------------------------------------------------------------------- */

static void predict_span(struct vm_predictions *predictions, const char *quantity, int64_t lowest,
	int64_t highest, enum vm_unit unit, const char *because, const char *cite)
{
	const int64_t span[2] = {lowest, highest};

	vm_predict(predictions, &(struct vm_prediction){
					.claim = "alloc.external",
					.quantity = quantity,
					.at = "",
					.unit = unit,
					.form = lowest == highest ? VM_FORM_EXACT : VM_FORM_WITHIN,
					.values = span,
					.values_count = lowest == highest ? 1 : 2,
					.because = because,
					.cite = cite,
				});
}

static void predict(const struct vm_model *model, const struct vm_host *host,
	const struct probe_arguments *arguments, const struct probe_readings *readings,
	struct vm_predictions *predictions)
{
	static const char *const inputs[] = {"locked-by-others"};
	const int64_t wanted = probe_argument(arguments, "wanted");
	struct vm_prediction moved = {
		.claim = "alloc.external",
		.quantity = "moved",
		.at = "",
		.unit = VM_UNIT_PAGES,
		.because = "each run had a locked page in it, which has another frame now; some "
			   "of them may be other programs'",
		.cite = "linux:6.12:mm/migrate.c:migrate_pages",
	};
	struct moving others;

	(void)model, (void)host;
	predict_span(predictions, "free-for-it", 1, 1, VM_UNIT_BOOL,
		"all that was filled is free again, but for one page in 512: above the high mark "
		"there is several times what is wanted",
		"gios");
	predict_span(predictions, "got-fragmented", 0, 0, VM_UNIT_COUNT,
		"no run of 512 free frames is left, and what is in the way may not be moved",
		"linux:6.12:mm/compaction.c:isolate_migratepages_block");
	predict_span(predictions, "got-compacted", wanted, wanted, VM_UNIT_COUNT,
		"compaction moves one page for each huge one",
		"linux:6.12:mm/compaction.c:compact_zone");
	if (moving_of(readings, "locked-by-others", "", &others))
		predict_moving(predictions, &moved,
			(struct moving){
				others.highest < wanted ? wanted - others.highest : 0, INT64_MAX},
			1);
	else
		predict_rule(predictions, &moved, inputs, 1);
	predict_span(predictions, "contents-lost", 0, 0, VM_UNIT_PAGES,
		"a page that moves takes its contents along",
		"linux:6.12:mm/migrate.c:migrate_folio");
}

/* --- measuring -------------------------------------------------------------------------------- */

#define FRAMES_AT_ONCE	 ((size_t)512)
#define POOL_PATH	 "/proc/sys/vm/nr_hugepages"
#define COMPACT_PATH	 "/proc/sys/vm/compact_memory"
#define UNEVICTABLE_PATH "/proc/sys/vm/compact_unevictable_allowed"

struct fragments {
	int pagemap;
	char *memory;
	size_t pages;
	size_t locked_count;
	size_t locked[BLOCKS_LIMIT];   /* by page of the memory */
	uint64_t frames[BLOCKS_LIMIT]; /* where they were */
	bool has_own[BLOCKS_LIMIT];    /* by block of frames */
};

static int64_t pool_of(int64_t pages)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)pages);
	/* What cannot be had is no error: the pool is as large as it could be made. */
	MUST(kernel_write(POOL_PATH, text) == 0);
	return kernel_number_at(POOL_PATH);
}

/* Compaction gives up early and puts off what failed: until a whole one brings nothing more. */
static int64_t take_whole_blocks(void)
{
	int64_t had = pool_of((int64_t)BLOCKS_LIMIT), before;

	do {
		before = had;
		MUST(kernel_write(COMPACT_PATH, "1") == 0);
		had = pool_of((int64_t)BLOCKS_LIMIT);
	} while (had > before);
	return had;
}

static uint64_t frame_at(const struct fragments *fragments, size_t page)
{
	return frame_of(fragments->pagemap, fragments->memory + page * VM_PAGE_BYTES);
}

struct free_pages {
	int64_t free_pages, high_pages;
};

static struct free_pages free_pages(void)
{
	static struct kernel_zoneinfo zones;
	static char text[1 << 18];
	struct kernel_error error;
	struct free_pages all = {0};

	if (kernel_zoneinfo_parse(kernel_small_text_at("/proc/zoneinfo", text, sizeof(text)),
		    &zones, &error) != 0)
		broken("zoneinfo: line %u: %s", error.line, error.reason);
	for (size_t i = 0; i < zones.count; i++) {
		all.free_pages += (int64_t)zones.zone[i].free_pages;
		all.high_pages += (int64_t)zones.zone[i].high_pages;
	}
	return all;
}

/* Writes what is free above the high marks, page by page: each its own number. */
static void fill(struct fragments *fragments)
{
	const struct free_pages all = free_pages();

	MUST(all.free_pages > 2 * all.high_pages);
	fragments->pages = (size_t)(all.free_pages - 2 * all.high_pages);
	if (fragments->pages > MACHINE_BLOCKS_LIMIT * BLOCK_PAGES)
		unmet("the machine is too large to be filled in time", "--guest-memory 1024");
	fragments->memory = mmap(NULL, fragments->pages * VM_PAGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(fragments->memory != MAP_FAILED);
	small_pages(fragments->memory, fragments->pages * VM_PAGE_BYTES);
	/* Without a fault for each page, where the kernel knows how (5.14). */
	(void)madvise(fragments->memory, fragments->pages * VM_PAGE_BYTES, MADV_POPULATE_WRITE);
	for (size_t i = 0; i < fragments->pages; i++)
		*(volatile uint64_t *)(void *)(fragments->memory + i * VM_PAGE_BYTES) = i + 1;
}

/* The first page in each block of frames stays; the others go. */
static void fragment(struct fragments *fragments)
{
	static uint64_t frames[FRAMES_AT_ONCE];
	size_t first = 0;

	for (size_t i = 0; i < fragments->pages; i++) {
		const size_t left = fragments->pages - i;
		if (i % FRAMES_AT_ONCE == 0)
			frames_of(fragments->pagemap, fragments->memory + i * VM_PAGE_BYTES,
				left < FRAMES_AT_ONCE ? left : FRAMES_AT_ONCE, frames);
		const uint64_t frame = frames[i % FRAMES_AT_ONCE];
		const uint64_t block = frame / BLOCK_PAGES;
		MUST(block < BLOCKS_LIMIT);
		if (fragments->has_own[block])
			continue;
		fragments->has_own[block] = true;
		MUST(mlock(fragments->memory + i * VM_PAGE_BYTES, VM_PAGE_BYTES) == 0);
		fragments->locked[fragments->locked_count] = i;
		fragments->frames[fragments->locked_count++] = frame;
	}
	for (size_t i = 0; i <= fragments->locked_count; i++) {
		const size_t end =
			i < fragments->locked_count ? fragments->locked[i] : fragments->pages;
		if (end > first)
			MUST(madvise(fragments->memory + first * VM_PAGE_BYTES,
				     (end - first) * VM_PAGE_BYTES, MADV_DONTNEED) == 0);
		first = end + 1;
	}
}

/* Blocks without a page of ours in which a page of somebody else's may not be moved either. */
static int64_t blocks_locked_by_others(const struct fragments *fragments)
{
	static uint64_t flags[VM_HUGE_2M_BYTES / VM_PAGE_BYTES];
	const int file = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	int64_t count = 0;

	MUST(file >= 0);
	for (size_t block = 0; block < BLOCKS_LIMIT; block++) {
		const ssize_t got =
			pread(file, flags, sizeof(flags), (off_t)(block * sizeof(flags)));
		bool locked = false;
		MUST(got >= 0);
		for (size_t i = 0; i < (size_t)got / sizeof(flags[0]); i++)
			locked |= (flags[i] & KERNEL_PAGE_UNEVICTABLE) != 0;
		count += locked && !fragments->has_own[block];
	}
	MUST(close(file) == 0);
	return count;
}

static void observe_moves(const struct fragments *fragments)
{
	int64_t moved = 0, lost = 0;

	for (size_t i = 0; i < fragments->locked_count; i++) {
		const size_t page = fragments->locked[i];
		moved += frame_at(fragments, page) != fragments->frames[i];
		lost += *(volatile uint64_t *)(void *)(fragments->memory + page * VM_PAGE_BYTES) !=
			page + 1;
	}
	observe("moved", moved, VM_UNIT_PAGES, "pagemap");
	observe("contents-lost", lost, VM_UNIT_PAGES, "the memory itself");
}

static void measure(const struct probe_arguments *arguments)
{
	static struct fragments fragments;
	const int64_t wanted = probe_argument(arguments, "wanted");
	const int64_t allowed = kernel_number_at(UNEVICTABLE_PATH);

	fragments.pagemap = frames_open();
	fill(&fragments);
	fragment(&fragments);
	MUST(kernel_write(UNEVICTABLE_PATH, "0") == 0);
	/* Those that can still be had are taken first. */
	const int64_t had = take_whole_blocks();
	/* Of what was written and given back, whole blocks were taken: is there enough for this? */
	if ((int64_t)(fragments.pages - fragments.locked_count) <
		(had + 2 * wanted) * (int64_t)BLOCK_PAGES)
		unmet("memory is too small for so many huge pages", "--guest-memory 1024");
	const struct free_pages left = free_pages();
	observe("free-for-it",
		left.free_pages - left.high_pages > 2 * wanted * (int64_t)BLOCK_PAGES, VM_UNIT_BOOL,
		"zoneinfo");
	observe("locked-by-others", blocks_locked_by_others(&fragments), VM_UNIT_COUNT,
		"/proc/kpageflags");
	observe("got-fragmented", pool_of(had + wanted) - had, VM_UNIT_COUNT, "nr_hugepages");
	MUST(kernel_write(UNEVICTABLE_PATH, "1") == 0);
	/* What failed a moment ago is not tried again by itself for a while: linux:6.12:
	 * mm/compaction.c:compaction_deferred. */
	MUST(kernel_write(COMPACT_PATH, "1") == 0);
	observe("got-compacted", pool_of(had + wanted) - had, VM_UNIT_COUNT, "nr_hugepages");
	observe_moves(&fragments);
	MUST(kernel_write(UNEVICTABLE_PATH, allowed == 0 ? "0" : "1") == 0);
	MUST(pool_of(0) == 0);
}

static const char *const claims[] = {"alloc.external", NULL};

PROBE(external) = {
	.name = "alloc.external",
	.claims = claims,
	.letters = "V",
	.question = "Does scattered memory fail a huge page though enough is free, and does "
		    "compaction repair that?",
	.method = "All memory is filled; one page of each 2 MiB of frames is locked, the rest is "
		  "freed; huge pages are asked for while locked pages may not be moved, and while "
		  "they may.",
	.threats = "Blocks without a page of ours: all huge pages that can be had are taken first.",
	.by_hand = "sysctl vm.compact_unevictable_allowed; cat /proc/buddyinfo; "
		   "echo 64 > /proc/sys/vm/nr_hugepages",
	.parameters_count = sizeof(parameters) / sizeof(parameters[0]),
	.parameters = parameters,
	.needs = {.root = true,
		.allow_pressure = true,
		.own_machine = true,
		.capabilities = VM_CAPABILITY_IPC_LOCK,
		.features_count = 1,
		.features = {VM_FEATURE_HUGETLB_2M}},
	.deadline_s = 120,
	.lengthy = true,
	.predict = PREDICTS(predict),
	.measure = MEASURES(measure),
};
