/* SPDX-License-Identifier: Apache-2.0 */
/* Each surface of a process against what the machine says of it. */
#include <string.h>

#include "scenario/summary.h"

#define FRAME_MASK   ((UINT64_C(1) << 55) - 1)
#define PAGEMAP_MASK (~FRAME_MASK)
#define BIT(n)	     (UINT64_C(1) << (n))

/* What the machine predicts of kpageflags. */
#define KPF_MASK                                                                                   \
	(BIT(VM_KPF_LOCKED) | BIT(VM_KPF_ERROR) | BIT(VM_KPF_REFERENCED) | BIT(VM_KPF_UPTODATE) |  \
		BIT(VM_KPF_DIRTY) | BIT(VM_KPF_LRU) | BIT(VM_KPF_ACTIVE) | BIT(VM_KPF_WRITEBACK) | \
		BIT(VM_KPF_MMAP) | BIT(VM_KPF_ANON) | BIT(VM_KPF_SWAPCACHE) |                      \
		BIT(VM_KPF_SWAPBACKED) | BIT(VM_KPF_COMPOUND_HEAD) | BIT(VM_KPF_COMPOUND_TAIL) |   \
		BIT(VM_KPF_HUGE) | BIT(VM_KPF_UNEVICTABLE) | BIT(VM_KPF_KSM) | BIT(VM_KPF_THP) |   \
		BIT(VM_KPF_ZERO_PAGE) | BIT(VM_KPF_MLOCKED) | BIT(VM_KPF_ANON_EXCLUSIVE))

struct bit_word {
	unsigned bit;
	const char *word;
};

static const struct bit_word pagemap_words[] = {
	{VM_PAGEMAP_SOFT_DIRTY, "soft-dirty"},
	{VM_PAGEMAP_EXCLUSIVE, "exclusive"},
	{VM_PAGEMAP_UFFD_WP, "uffd-wp"},
	{VM_PAGEMAP_GUARD, "guard"},
	{VM_PAGEMAP_FILE, "file"},
	{VM_PAGEMAP_SWAP, "swap"},
	{VM_PAGEMAP_PRESENT, "present"},
	{0, NULL},
};

static const struct bit_word kpf_words[] = {
	{VM_KPF_LOCKED, "locked"},
	{VM_KPF_ERROR, "error"},
	{VM_KPF_REFERENCED, "referenced"},
	{VM_KPF_UPTODATE, "uptodate"},
	{VM_KPF_DIRTY, "dirty"},
	{VM_KPF_LRU, "lru"},
	{VM_KPF_ACTIVE, "active"},
	{VM_KPF_WRITEBACK, "writeback"},
	{VM_KPF_MMAP, "mmap"},
	{VM_KPF_ANON, "anon"},
	{VM_KPF_SWAPCACHE, "swapcache"},
	{VM_KPF_SWAPBACKED, "swapbacked"},
	{VM_KPF_COMPOUND_HEAD, "head"},
	{VM_KPF_COMPOUND_TAIL, "tail"},
	{VM_KPF_HUGE, "huge"},
	{VM_KPF_UNEVICTABLE, "unevictable"},
	{VM_KPF_KSM, "ksm"},
	{VM_KPF_THP, "thp"},
	{VM_KPF_ZERO_PAGE, "zero-page"},
	{VM_KPF_MLOCKED, "mlocked"},
	{VM_KPF_ANON_EXCLUSIVE, "anon-exclusive"},
	{0, NULL},
};

static const char *bits_in_words(struct pool *pool, const struct bit_word *words, uint64_t bits)
{
	const char *text = "";

	for (; words->word != NULL; words++)
		if ((bits >> words->bit & 1) != 0)
			text = pool_format(
				pool, "%s%s%s", text, *text == '\0' ? "" : " ", words->word);
	return *text == '\0' ? "nothing" : text;
}

static void differ_in_number(struct lockstep *l, enum live_kind kind, uint32_t process,
	const char *where, uint64_t expected, uint64_t observed)
{
	lockstep_differ(l, kind, process, where, pool_format(l->pool, "%lld", (long long)expected),
		pool_format(l->pool, "%lld", (long long)observed));
}

static const char *place(const struct lockstep *l, uint64_t address)
{
	return script_place(l->pool, l->script, address);
}

/* ---- areas ---- */

static const char *area_in_words(const struct lockstep *l, const uint64_t words[LIVE_AREA_LIMIT])
{
	const uint64_t access = words[LIVE_AREA_ACCESS];
	const char *file = words[LIVE_AREA_FILE] < l->script->files_count
				   ? l->script->files[words[LIVE_AREA_FILE]]
			   : words[LIVE_AREA_FILE] == LIVE_NO_FILE ? "anonymous"
								   : "a file of the kernel's";

	return pool_format(l->pool, "%s to %s %c%c%c%c %s+%lld", place(l, words[LIVE_AREA_START]),
		place(l, words[LIVE_AREA_END]), access & VM_PROT_READ ? 'r' : '-',
		access & VM_PROT_WRITE ? 'w' : '-', access & VM_PROT_EXEC ? 'x' : '-',
		access & LIVE_ACCESS_SHARED ? 's' : 'p', file, (long long)words[LIVE_AREA_OFFSET]);
}

static void area_words(const struct vm_area_view *view, uint64_t words[LIVE_AREA_LIMIT])
{
	words[LIVE_AREA_START] = view->start;
	words[LIVE_AREA_END] = view->end;
	words[LIVE_AREA_ACCESS] =
		((view->flags & VM_AREA(READ)) != 0 ? VM_PROT_READ : UINT64_C(0)) |
		((view->flags & VM_AREA(WRITE)) != 0 ? VM_PROT_WRITE : UINT64_C(0)) |
		((view->flags & VM_AREA(EXEC)) != 0 ? VM_PROT_EXEC : UINT64_C(0)) |
		/* maps prints VM_MAYSHARE: linux:6.12:fs/proc/task_mmu.c:
		 * show_vma_header_prefix */
		((view->flags & VM_AREA(MAY_SHARE)) != 0 ? LIVE_ACCESS_SHARED : 0);
	words[LIVE_AREA_OFFSET] = view->offset;
	/* Huge pages of a pool always have a file, if one that no script names ("anon_hugepage"):
	 * linux:6.12:fs/hugetlbfs/inode.c:hugetlb_file_setup */
	const bool unnamed = view->shared_anonymous ||
			     (view->file == VM_NO_FILE && (view->flags & VM_AREA(HUGETLB)) != 0);
	words[LIVE_AREA_FILE] = unnamed			   ? LIVE_UNKNOWN_FILE
				: view->file == VM_NO_FILE ? LIVE_NO_FILE
							   : view->file;
}

static void compare_areas(struct lockstep *l, uint32_t process)
{
	const struct seen_group *seen = &l->state[process][LIVE_AREAS];
	const size_t seen_count = seen->count / LIVE_AREA_LIMIT;
	const size_t count = l->views_count;
	const size_t most = seen_count > count ? seen_count : count;

	l->comparisons_count += most;
	for (size_t i = 0; i < most; i++) {
		uint64_t expected[LIVE_AREA_LIMIT];
		const uint64_t *observed =
			i < seen_count ? seen->words + i * LIVE_AREA_LIMIT : NULL;
		if (i < count)
			area_words(&l->views[i], expected);
		if (i < count && observed != NULL &&
			memcmp(expected, observed, sizeof(expected)) == 0)
			continue;
		if (lockstep_miss(l, i < count ? expected[LIVE_AREA_START] : 0))
			lockstep_differ(l, LIVE_AREAS, process,
				pool_format(l->pool, "area %zu", i + 1),
				i < count ? area_in_words(l, expected) : "none",
				observed != NULL ? area_in_words(l, observed) : "none");
	}
}

/* ---- pages and frames ---- */

/* A walk through the runs of a group, page by page in ascending order. */
struct runs {
	const struct seen_group *group;
	size_t at; /* of the run's first word */
};

/* What was said of a page: where, NULL if nothing, and which of the words from there on it is. */
struct run_word {
	const uint64_t *at;
	uint64_t word, rise;
};

static struct run_word run_word(struct runs *runs, uint64_t page)
{
	const struct seen_group *group = runs->group;

	while (runs->at < group->count) {
		const uint64_t first = group->words[runs->at], head = group->words[runs->at + 1];
		const uint64_t *words = &group->words[runs->at + 2];
		if (page < first)
			break;
		if (page - first < live_run_pages(head)) {
			const uint64_t rise = (head & LIVE_RUN_RISES) != 0 ? page - first : 0;
			if (live_run_pages(head) == head)
				words += page - first;
			return (struct run_word){words, *words + rise, rise};
		}
		runs->at += 2 + (size_t)live_run_values(head);
	}
	return (struct run_word){NULL, 0, 0};
}

/* A walk through the figures of frames, in the order of the pages that name them. */
struct figures {
	const struct seen_group *group;
	size_t at, width;
	uint64_t left; /* frames that those at this place hold for as well */
	struct run_word of;
};

/* The page names the frame of the one before it if that is the same word of a run. */
static bool is_same_frame(const struct run_word *one, const struct run_word *other)
{
	return one->at == other->at && one->rise == other->rise;
}

/* Those of the frame that this word names, NULL where there are no more. */
static const uint64_t *figures_of(struct figures *figures, const struct run_word *word)
{
	const struct seen_group *group = figures->group;

	if (!is_same_frame(&figures->of, word)) {
		figures->of = *word;
		if (figures->left == 0 && figures->at < group->count)
			figures->at += figures->width;
		if (figures->left == 0 && figures->at < group->count) {
			const uint64_t *words = group->words + figures->at;
			const bool repeats = (words[0] & LIVE_FRAMES_REPEAT) != 0;
			figures->width = repeats ? LIVE_FRAMES_WORDS_REPEAT : LIVE_FRAMES_WORDS;
			figures->left = repeats ? words[2] : 1;
		}
		figures->left -= figures->left != 0;
	}
	return figures->at < group->count ? group->words + figures->at : NULL;
}

static void relate_frame(struct lockstep *l, uint32_t process, uint64_t address,
	const struct vm_page_view *view, uint64_t word)
{
	const uint64_t frame = word & FRAME_MASK;
	const bool present = view->state == VM_PAGE_PRESENT;
	uint64_t other = 0;
	static const char *const complaints[] = {
		[PAIRS_FITS] = "",
		[PAIRS_MODEL_ELSEWHERE] = "the frame of another page that should be the same one",
		[PAIRS_KERNEL_ELSEWHERE] = "a frame of its own",
		[PAIRS_MOVED] = "the frame that it had before",
	};

	/* Without the privilege the kernel gives zeros. */
	if (frame == 0 || (!present && view->state != VM_PAGE_SWAPPED))
		return;
	l->comparisons_count++;
	const enum pairs_answer answer = pairs_relate(present ? &l->frames : &l->slots,
		present ? view->frame : view->slot, frame, &other);
	if (answer == PAIRS_FITS || !lockstep_miss(l, address))
		return;
	lockstep_differ(l, LIVE_PAGES, process, place(l, address),
		pool_format(l->pool, "%s (model %s %u)", complaints[answer],
			present ? "frame" : "slot", present ? view->frame : view->slot),
		pool_format(l->pool, "%s %#llx, where %s %#llx stands", present ? "frame" : "slot",
			(unsigned long long)frame,
			answer == PAIRS_KERNEL_ELSEWHERE ? "the model's" : "",
			(unsigned long long)other));
}

static void compare_frame(struct lockstep *l, uint32_t process, uint64_t address,
	const struct vm_page_view *view, const uint64_t *figures)
{
	const uint64_t flags = view->kpageflags & KPF_MASK, seen = figures[0] & KPF_MASK;

	l->comparisons_count += 2;
	if (((flags ^ seen) & ~view->kpageflags_open) != 0 && lockstep_miss(l, address))
		lockstep_differ(l, LIVE_FRAMES, process, place(l, address),
			bits_in_words(l->pool, kpf_words, flags & ~view->kpageflags_open),
			bits_in_words(l->pool, kpf_words, seen & ~view->kpageflags_open));
	if (view->map_count != figures[1] && lockstep_miss(l, address))
		differ_in_number(l, LIVE_FRAMES, process,
			pool_format(l->pool, "mappers of %s", place(l, address)), view->map_count,
			figures[1]);
}

/*
 * Where a page of a file, or of shared memory that was only read, is not in memory, reclaim may
 * have taken it: that is a step about the file. linux:6.12:mm/vmscan.c:shrink_folio_list
 */
static bool miss_in_core(struct lockstep *l, const struct vm_area_view *area, uint64_t address)
{
	if (area->object != VM_NO_FILE) {
		l->miss_file = area->object;
		l->miss_page = vm_bytes_to_pages_floor(area->offset + address - area->start);
	}
	return lockstep_miss(l, address);
}

static void compare_pages(struct lockstep *l, uint32_t process, uint32_t surfaces)
{
	struct runs pages = {&l->state[process][LIVE_PAGES], 0};
	struct runs core = {&l->state[process][LIVE_CORE], 0};
	struct figures frames = {.group = &l->state[process][LIVE_FRAMES]};
	const bool has_frames = (surfaces & LIVE_SURFACE(FRAMES)) != 0;
	const bool has_core = (surfaces & LIVE_SURFACE(CORE)) != 0;

	for (size_t i = 0; i < l->views_count; i++) {
		const struct vm_area_view *area = &l->views[i];
		for (uint64_t at = area->start; at < area->end; at += VM_PAGE_BYTES) {
			const uint64_t page = vm_bytes_to_pages_floor(at);
			const struct run_word read = run_word(&pages, page);
			const uint64_t word = read.word;
			struct vm_page_view view;
			vm_machine_page_of(l->machine, area, at, &view);
			l->comparisons_count++;
			if (((view.pagemap ^ word) & PAGEMAP_MASK & ~view.pagemap_open) != 0) {
				if (lockstep_miss(l, at))
					lockstep_differ(l, LIVE_PAGES, process, place(l, at),
						bits_in_words(l->pool, pagemap_words, view.pagemap),
						bits_in_words(l->pool, pagemap_words, word));
			} else {
				relate_frame(l, process, at, &view, word);
			}
			const bool framed =
				(word >> VM_PAGEMAP_PRESENT & 1) != 0 && (word & FRAME_MASK) != 0;
			if (has_frames && framed) {
				const uint64_t *const seen = figures_of(&frames, &read);
				if (view.state == VM_PAGE_PRESENT && seen != NULL)
					compare_frame(l, process, at, &view, seen);
			}
			/* The step "write-back": until the device has it, what was swapped out is
			 * in the swap cache, which mincore counts. linux:6.12:mm/mincore.c:
			 * mincore_page */
			const bool in_core = run_word(&core, page).word != 0;
			const bool in_flight = view.state == VM_PAGE_SWAPPED && in_core;
			if (has_core && !in_flight && !view.in_core_open &&
				view.in_core != in_core && miss_in_core(l, area, at))
				differ_in_number(l, LIVE_CORE, process, place(l, at), view.in_core,
					!view.in_core);
		}
	}
}

/* ---- counters ---- */

/* The step "held-back": resident pages are added up when a CPU has a batch of them. */
static bool is_late(uint64_t expected, uint64_t observed, uint64_t most)
{
	const uint64_t apart = expected > observed ? expected - observed : observed - expected;

	return apart <= most;
}

void lockstep_counters_of(
	const struct vm_machine *machine, uint32_t process, uint64_t kib[LIVE_COUNTER_LIMIT])
{
	struct vm_counters counters;

	vm_machine_counters(machine, process, &counters);
	const uint64_t expected[LIVE_COUNTER_LIMIT] = {
		[LIVE_COUNTER_VM_SIZE] = vm_pages_to_kib(counters.virtual_pages),
		[LIVE_COUNTER_VM_LCK] = vm_pages_to_kib(counters.locked_pages),
		[LIVE_COUNTER_RSS_ANON] = vm_pages_to_kib(counters.anonymous_pages),
		[LIVE_COUNTER_RSS_FILE] = vm_pages_to_kib(counters.file_pages),
		[LIVE_COUNTER_RSS_SHMEM] = vm_pages_to_kib(counters.shmem_pages),
		[LIVE_COUNTER_VM_DATA] = vm_pages_to_kib(counters.data_pages),
		[LIVE_COUNTER_VM_STK] = vm_pages_to_kib(counters.stack_pages),
		[LIVE_COUNTER_VM_PTE] = counters.page_table_bytes / VM_KIB_BYTES,
		[LIVE_COUNTER_VM_SWAP] = vm_pages_to_kib(counters.swap_pages),
		[LIVE_COUNTER_HUGETLB_PAGES] = vm_pages_to_kib(counters.hugetlb_pages),
	};
	memcpy(kib, expected, sizeof(expected));
}

static void compare_counters(struct lockstep *l, uint32_t process)
{
#define COUNTER_ROW(name) #name,
	static const char *const names[] = {LIVE_COUNTERS(COUNTER_ROW)};
#undef COUNTER_ROW
	const struct seen_group *seen = &l->state[process][LIVE_COUNTERS];
	uint64_t expected[LIVE_COUNTER_LIMIT];

	if (seen->count != LIVE_COUNTER_LIMIT)
		return;
	lockstep_counters_of(l->machine, process, expected);
	l->comparisons_count += LIVE_COUNTER_LIMIT;
	for (size_t i = 0; i < LIVE_COUNTER_LIMIT; i++) {
		const bool is_held_back = i == LIVE_COUNTER_RSS_ANON ||
					  i == LIVE_COUNTER_RSS_FILE ||
					  i == LIVE_COUNTER_RSS_SHMEM || i == LIVE_COUNTER_VM_SWAP;
		const uint64_t late = is_held_back ? vm_pages_to_kib(l->late_pages) : 0;
		if (!is_late(expected[i], seen->words[i], late) && lockstep_miss(l, 0))
			differ_in_number(
				l, LIVE_COUNTERS, process, names[i], expected[i], seen->words[i]);
	}
}

static void compare_sizes(struct lockstep *l, uint32_t process)
{
	static const char *const names[LIVE_SIZE_LIMIT] = {
		"pages of the address space", "resident pages", "shared pages", "pages of data"};
	const struct seen_group *seen = &l->state[process][LIVE_SIZES];
	struct vm_counters counters;

	if (seen->count != LIVE_SIZE_LIMIT)
		return;
	vm_machine_counters(l->machine, process, &counters);
	const uint64_t shared = counters.file_pages + counters.shmem_pages;
	const uint64_t expected[LIVE_SIZE_LIMIT] = {
		[LIVE_SIZE_VIRTUAL] = counters.virtual_pages,
		[LIVE_SIZE_RESIDENT] = counters.anonymous_pages + shared,
		[LIVE_SIZE_SHARED] = shared,
		[LIVE_SIZE_DATA] = counters.data_pages + counters.stack_pages,
	};
	/* A sum of three counters, and one of two. */
	const uint64_t late[LIVE_SIZE_LIMIT] = {
		[LIVE_SIZE_RESIDENT] = 3 * l->late_pages,
		[LIVE_SIZE_SHARED] = 2 * l->late_pages,
	};
	l->comparisons_count += LIVE_SIZE_LIMIT;
	for (size_t i = 0; i < LIVE_SIZE_LIMIT; i++)
		if (!is_late(expected[i], seen->words[i], late[i]) && lockstep_miss(l, 0))
			differ_in_number(
				l, LIVE_SIZES, process, names[i], expected[i], seen->words[i]);
}

/* ---- smaps ---- */

static const char *flags_in_words(struct pool *pool, uint64_t flags)
{
	const char *text = "";

	for (unsigned i = 0; i < VM_AREA_FLAG_LIMIT; i++)
		if ((flags >> i & 1) != 0)
			text = pool_format(pool, "%s%s%s", text, *text == '\0' ? "" : " ",
				vm_area_flag_word((enum vm_area_flag_bit)i));
	return text;
}

static void compare_smaps_of(
	struct lockstep *l, uint32_t process, size_t index, const uint64_t *words)
{
	const struct vm_area_view area = l->views[index];
	struct vm_smaps smaps;

	vm_machine_smaps(l->machine, process, index, &smaps);
	/* The heap's area begins before the arena: its lines tell of memory that is ours. */
	if (area.start != words[0])
		return;
	l->comparisons_count += 1 + VM_SMAPS_LIMIT;
	if (area.flags != words[LIVE_SMAPS_FLAGS] && lockstep_miss(l, area.start))
		lockstep_differ(l, LIVE_SMAPS, process,
			pool_format(l->pool, "VmFlags of the area at %s", place(l, area.start)),
			flags_in_words(l->pool, area.flags),
			flags_in_words(l->pool, words[LIVE_SMAPS_FLAGS]));
	for (size_t i = 0; i < VM_SMAPS_LIMIT; i++) {
		const uint64_t seen = words[LIVE_SMAPS_LINES + i];
		if (seen == LIVE_ABSENT || (seen >= smaps.kib[i] && seen <= smaps.highest_kib[i]))
			continue;
		if (seen == smaps.kib[i] || !lockstep_miss(l, area.start))
			continue;
		differ_in_number(l, LIVE_SMAPS, process,
			pool_format(l->pool, "%s of the area at %s",
				vm_smaps_word((enum vm_smaps_line)i), place(l, area.start)),
			smaps.kib[i], seen);
	}
}

static void compare_smaps(struct lockstep *l, uint32_t process)
{
	const struct seen_group *seen = &l->state[process][LIVE_SMAPS];
	const size_t count = l->views_count;

	/* Another number of areas is told by the areas themselves. */
	if (seen->count / LIVE_SMAPS_LIMIT != count)
		return;
	for (size_t i = 0; i < count; i++)
		compare_smaps_of(l, process, i, seen->words + i * LIVE_SMAPS_LIMIT);
}

/* ---- the cache, page by page ---- */

static void compare_bits(struct lockstep *l, uint32_t process, uint32_t file, const char *what,
	uint64_t expected, uint64_t observed)
{
	l->comparisons_count++;
	if (expected == observed)
		return;
	l->miss_file = file;
	l->miss_page = (uint64_t)__builtin_ctzll(expected ^ observed);
	/* Each page counts, so that an explanation of some of them is one. */
	l->misses += (size_t)__builtin_popcountll(expected ^ observed) - 1;
	if (lockstep_miss(l, 0))
		differ_in_number(l, LIVE_CACHE, process,
			pool_format(l->pool, "%s page %llu of %s", what,
				(unsigned long long)l->miss_page, l->script->files[file]),
			expected >> l->miss_page & 1, observed >> l->miss_page & 1);
}

static void compare_cache(struct lockstep *l, uint32_t process)
{
	const struct seen_group *seen = &l->state[process][LIVE_CACHE];

	for (size_t at = 0; at < seen->count; at += LIVE_CACHE_LIMIT) {
		const uint64_t *words = seen->words + at;
		const uint32_t file = (uint32_t)words[LIVE_CACHE_INDEX];
		struct vm_file_view view;
		uint64_t cached = 0, dirty = 0;
		if (words[LIVE_CACHE_INDEX] >= l->script->files_count)
			continue;
		vm_machine_file(l->machine, file, &view);
		const uint64_t pages = vm_bytes_to_pages_ceil(view.size_bytes);
		for (uint64_t page = 0; page < pages && page < LIVE_CACHE_PAGES; page++) {
			struct vm_cached_view one;
			vm_machine_cached(l->machine, file, page, &one);
			cached |= (uint64_t)one.cached << page;
			dirty |= (uint64_t)one.dirty << page;
		}
		compare_bits(l, process, file, "cached", cached, words[LIVE_CACHE_CACHED]);
		compare_bits(l, process, file, "dirty", dirty, words[LIVE_CACHE_DIRTY]);
	}
}

/*
 * Fault-around leaves out what others have locked meanwhile: a write-back that was seen to be under
 * way, a monitor that was seen to run.
 */
static uint64_t faults_left_open(const struct lockstep *l, const uint64_t *faults)
{
	const uint64_t dirty = l->written_back ? l->outcome.around_dirty_pages : 0;
	const uint64_t unmapped = l->monitored && faults[LIVE_FAULTS_MONITORED] != 0
					  ? l->outcome.around_unmapped_pages
					  : 0;

	return dirty > unmapped ? dirty : unmapped;
}

static void compare_faults(struct lockstep *l, uint32_t process, const uint64_t *faults)
{
	const bool acts = l->step != 0 && l->script->operations[l->step - 1].process == process;
	const uint64_t minor = acts ? l->outcome.minor_faults : 0;
	const uint64_t major = acts ? l->outcome.major_faults : 0;
	const uint64_t open = acts ? faults_left_open(l, faults) : 0;
	const uint64_t all = faults[LIVE_FAULTS_MINOR] + faults[LIVE_FAULTS_MAJOR];

	l->comparisons_count += 2;
	if (open != 0 && faults[LIVE_FAULTS_MAJOR] >= major && all >= minor + major &&
		all - minor - major <= open)
		return;
	if (minor != faults[LIVE_FAULTS_MINOR] && lockstep_miss(l, 0))
		differ_in_number(
			l, LIVE_FAULTS, process, "minor faults", minor, faults[LIVE_FAULTS_MINOR]);
	if (major != faults[LIVE_FAULTS_MAJOR] && lockstep_miss(l, 0))
		differ_in_number(
			l, LIVE_FAULTS, process, "major faults", major, faults[LIVE_FAULTS_MAJOR]);
}

void lockstep_compare_process(struct lockstep *l, uint32_t process)
{
	const uint64_t *faults = l->state[process][LIVE_FAULTS].words;
	const uint32_t surfaces = (uint32_t)faults[LIVE_FAULTS_SURFACES];

	compare_faults(l, process, faults);
	l->views_count = vm_machine_areas(l->machine, process, l->views, LOCKSTEP_VIEWS_LIMIT);
	if ((surfaces & LIVE_SURFACE(AREAS)) != 0)
		compare_areas(l, process);
	if ((surfaces & LIVE_SURFACE(PAGES)) != 0)
		compare_pages(l, process, surfaces);
	if ((surfaces & LIVE_SURFACE(SIZES)) != 0)
		compare_sizes(l, process);
	if ((surfaces & LIVE_SURFACE(COUNTERS)) != 0)
		compare_counters(l, process);
	if ((surfaces & LIVE_SURFACE(SMAPS)) != 0)
		compare_smaps(l, process);
	if ((surfaces & LIVE_SURFACE(FILES)) != 0)
		lockstep_compare_files(l, process);
	if ((surfaces & LIVE_SURFACE(CACHE)) != 0)
		compare_cache(l, process);
	if ((surfaces & LIVE_SURFACE(POOLS)) != 0 && l->pools_compared)
		lockstep_compare_pools(l, process);
}

/* ---- what belongs to no process ---- */

/* The step "write-back": begun by a call that did not wait, and no more than what is cached. */
static bool is_in_flight(const struct lockstep *l, size_t figure, const uint64_t *words)
{
	return figure == LIVE_FILE_WRITE_BACK && words[LIVE_FILE_INDEX] < LIVE_FILES_LIMIT &&
	       l->in_flight[words[LIVE_FILE_INDEX]] && words[figure] <= words[LIVE_FILE_CACHED];
}

/*
 * Which pages of a file are cached is told of its first ones. Of those behind them that reclaim
 * may have taken, clean ones that nobody maps, the last stands for all.
 */
static void suspect_untold(struct lockstep *l, uint32_t file, uint64_t pages)
{
	struct vm_cached_view one;

	for (uint64_t page = pages; page-- > LIVE_CACHE_PAGES;) {
		vm_machine_cached(l->machine, file, page, &one);
		if (!one.cached || one.dirty || one.mapped)
			continue;
		l->miss_file = file;
		l->miss_page = page;
		return;
	}
}

void lockstep_compare_files(struct lockstep *l, uint32_t process)
{
	static const char *const names[LIVE_FILE_LIMIT] = {"index", "size", "cached pages",
		"dirty pages", "pages under write-back", "evicted pages"};
	const struct seen_group *seen = &l->state[process][LIVE_FILES];

	for (size_t at = 0; at < seen->count; at += LIVE_FILE_LIMIT) {
		const uint64_t *words = seen->words + at;
		struct vm_file_view view;
		if (words[LIVE_FILE_INDEX] >= l->script->files_count)
			continue;
		vm_machine_file(l->machine, (uint32_t)words[LIVE_FILE_INDEX], &view);
		const uint64_t expected[LIVE_FILE_LIMIT] = {words[LIVE_FILE_INDEX], view.size_bytes,
			view.cached_pages, view.dirty_pages, view.write_back_pages,
			view.evicted_pages};
		l->comparisons_count += LIVE_FILE_LIMIT - 1;
		for (size_t i = LIVE_FILE_BYTES; i < LIVE_FILE_LIMIT; i++) {
			if (words[i] != LIVE_ABSENT && words[i] != expected[i] &&
				!is_in_flight(l, i, words) && lockstep_miss(l, 0))
				differ_in_number(l, LIVE_FILES, process,
					pool_format(l->pool, "%s of %s", names[i],
						l->script->files[words[LIVE_FILE_INDEX]]),
					expected[i], words[i]);
		}
		if (words[LIVE_FILE_CACHED] < view.cached_pages && l->miss_file == VM_NO_FILE)
			suspect_untold(l, (uint32_t)words[LIVE_FILE_INDEX],
				vm_bytes_to_pages_ceil(view.size_bytes));
	}
}

void lockstep_compare_pools(struct lockstep *l, uint32_t process)
{
	static const char *const names[LIVE_POOLS_LIMIT] = {"2 MiB pages in the pool",
		"free 2 MiB pages", "reserved 2 MiB pages", "surplus 2 MiB pages",
		"1 GiB pages in the pool", "free 1 GiB pages", "reserved 1 GiB pages",
		"surplus 1 GiB pages", "pages that ksmd shares", "pages that ksmd spared",
		"pages that ksmd found alone"};
	const struct seen_group *seen = &l->state[process][LIVE_POOLS];
	struct vm_system_view system;

	if (seen->count != LIVE_POOLS_LIMIT)
		return;
	vm_machine_system(l->machine, &system);
	const uint64_t expected[LIVE_POOLS_LIMIT] = {system.huge_2m.total, system.huge_2m.free,
		system.huge_2m.reserved, system.huge_2m.surplus, system.huge_1g.total,
		system.huge_1g.free, system.huge_1g.reserved, system.huge_1g.surplus,
		system.ksm_shared, system.ksm_sharing, system.ksm_unshared};
	l->comparisons_count += LIVE_POOLS_LIMIT;
	for (size_t i = 0; i < LIVE_POOLS_LIMIT; i++)
		if (seen->words[i] != LIVE_ABSENT && seen->words[i] != expected[i] &&
			lockstep_miss(l, 0))
			differ_in_number(
				l, LIVE_POOLS, process, names[i], expected[i], seen->words[i]);
}
