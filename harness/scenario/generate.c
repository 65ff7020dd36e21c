/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario/generate.h"

#include <string.h>

#include "scenario/wire.h"

/*
 * One window of pages for everything, so that operations meet; it lies across the end of a table
 * of entries. Some 25 areas and 64 touched pages find room in it at a time.
 */
#define WINDOW_AT_PAGE 464
#define WINDOW_PAGES   96
#define FILE_PAGES     12
#define HEAP_PAGES     12
/* At a time; as many again as there are numbers may have been closed. */
#define FILES_MOST 4
/* Nothing unseals: what is sealed is in the way until the script ends. */
#define SEALED_PAGES_MOST 40
/* How often areas are made to meet, of what length, how many operations then turn to them, how many
 * of them are stacks, and how many are secret and inherited. */
#define PLANS_PERCENT	  4
#define NEIGHBOUR_PAGES	  3
#define FOCUS_OPERATIONS  8
#define STACKS_PERCENT	  6
#define INHERITED_PERCENT 25
#define SECRETS_PERCENT	  20 /* of the files */
/* One script in so many denies what is written to be executed: nothing takes that back. */
#define SCRIPTS_A_DENIAL 8

#define CHAPTER(name) (UINT32_C(1) << GENERATE_##name)
#define ANY	      UINT32_MAX

uint32_t generate_chapter_bit(const char *word)
{
#define CHAPTER_WORD(name, text) text,
	static const char *const words[] = {GENERATE_CHAPTERS(CHAPTER_WORD)};
#undef CHAPTER_WORD

	for (uint32_t i = 0; i < GENERATE_CHAPTER_LIMIT; i++)
		if (strcmp(words[i], word) == 0)
			return UINT32_C(1) << i;
	return 0;
}

static uint32_t below(struct generator *g, uint32_t limit)
{
	return (uint32_t)random_below(&g->random, limit);
}

static bool percent(struct generator *g, uint32_t share)
{
	return below(g, 100) < share;
}

/* ---- places ---- */

static uint64_t window_page(uint64_t page)
{
	return LIVE_ARENA_START + vm_pages_to_bytes(WINDOW_AT_PAGE + page);
}

static void remember(struct generator *g, uint64_t boundary)
{
	if (boundary < window_page(0) || boundary > window_page(WINDOW_PAGES))
		return;
	g->boundaries[g->boundaries_count++ % GENERATE_BOUNDARIES] =
		vm_align_down(boundary, VM_PAGE_BYTES);
}

static uint64_t some_page(struct generator *g)
{
	const uint32_t known = g->boundaries_count < GENERATE_BOUNDARIES ? g->boundaries_count
									 : GENERATE_BOUNDARIES;

	if (g->focus_left != 0 && percent(g, 50))
		return g->focus_start +
		       vm_pages_to_bytes(percent(g, 40) ? 0 : below(g, (uint32_t)g->focus_pages));
	if (known != 0 && percent(g, 60)) {
		const uint64_t near = g->boundaries[below(g, known)] +
				      vm_pages_to_bytes(below(g, 3)) - VM_PAGE_BYTES;
		if (near >= window_page(0) && near < window_page(WINDOW_PAGES))
			return near;
	}
	return window_page(below(g, WINDOW_PAGES));
}

static uint64_t some_pages(struct generator *g)
{
	const uint32_t dice = below(g, 100);

	if (dice < 35)
		return 1;
	if (dice < 70)
		return 1 + below(g, 4);
	if (dice < 95)
		return 1 + below(g, 12);
	return 1 + below(g, 40);
}

static void some_range(struct generator *g, struct vm_operation *o)
{
	const bool turns_to_focus = g->focus_left != 0 && percent(g, 60);

	o->address = turns_to_focus ? g->focus_start : some_page(g);
	uint64_t pages = turns_to_focus ? g->focus_pages : some_pages(g);
	const uint64_t room = vm_bytes_to_pages_floor(window_page(WINDOW_PAGES) - o->address);
	pages = pages < room ? pages : room;
	o->length = vm_pages_to_bytes(pages);
	remember(g, o->address);
	remember(g, o->address + o->length);
	/* Mistakes: no length, half a page, an address inside a page. */
	if (percent(g, g->mistakes_percent))
		o->length = 0;
	else if (percent(g, g->mistakes_percent))
		o->length -= VM_PAGE_BYTES / 2;
	else if (percent(g, g->mistakes_percent))
		o->address += 8;
}

static void some_bytes(struct generator *g, struct vm_operation *o)
{
	o->address = some_page(g);
	o->length = 1 + below(g, 8);
	if (percent(g, 40))
		o->address += VM_PAGE_BYTES - 4; /* across the end of the page */
	else
		o->address += below(g, (uint32_t)VM_PAGE_BYTES - 8);
}

static uint8_t some_value(struct generator *g)
{
	/* Every one of them is a harmless instruction, too, should it be executed. */
	static const uint8_t values[] = {0xc3, 0x90, 0x01, 0x00, 0x98};

	return values[below(g, sizeof(values))];
}

static uint32_t some_protection(struct generator *g)
{
	static const uint8_t protections[] = {3, 3, 3, 3, 3, 1, 1, 1, 0, 7, 5, 2, 4};

	return protections[below(g, sizeof(protections))];
}

static uint32_t some_file(struct generator *g)
{
	uint32_t at = below(g, g->files_open == 0 ? 1 : g->files_open);

	for (uint32_t i = 0; i < g->files_used; i++)
		if (g->file_open[i] && at-- == 0)
			return i;
	return VM_NO_FILE;
}

/* Or any other file, where there is none. */
static uint32_t some_secret(struct generator *g)
{
	for (uint32_t i = 0; i < g->files_used; i++)
		if (g->file_open[i] && g->file_kind[i] == VM_FILE_SECRET)
			return i;
	return some_file(g);
}

static uint32_t some_process(struct generator *g)
{
	uint32_t at = below(g, g->alive_count);

	for (uint32_t i = 0; i < LIVE_PROCESSES_LIMIT; i++)
		if (g->alive[i] && at-- == 0)
			return i;
	return 0;
}

/* ---- operations: false when nothing of this kind can be said now ---- */

static bool make_map(struct generator *g, struct vm_operation *o)
{
	const uint32_t dice = below(g, 100);

	some_range(g, o);
	o->protection = some_protection(g);
	o->flags = percent(g, 85) ? VM_MAP_FIXED : VM_MAP_FIXED_NOREPLACE;
	if (dice < 55)
		o->flags |= VM_MAP_PRIVATE | VM_MAP_ANONYMOUS;
	else if (dice < 67)
		o->flags |= VM_MAP_SHARED | VM_MAP_ANONYMOUS;
	else
		o->flags |= dice < 84 ? VM_MAP_PRIVATE : VM_MAP_SHARED;
	if ((o->flags & VM_MAP_ANONYMOUS) == 0) {
		o->file = some_file(g);
		o->offset = vm_pages_to_bytes(below(g, FILE_PAGES));
		o->file_access = percent(g, 75)	  ? VM_FILE_READ_WRITE
				 : percent(g, 85) ? VM_FILE_READ_ONLY
						  : VM_FILE_WRITE_ONLY;
		if (o->file == VM_NO_FILE)
			return false;
		/* It has one descriptor, and is never private. */
		if (g->file_kind[o->file] == VM_FILE_SECRET) {
			o->file_access = VM_FILE_READ_WRITE;
			if (percent(g, 80))
				o->flags = (o->flags & ~(uint32_t)VM_MAP_PRIVATE) | VM_MAP_SHARED;
		}
	}
	if (percent(g, 4))
		o->flags |= VM_MAP_NORESERVE;
	if (percent(g, 6))
		o->flags |= VM_MAP_POPULATE;
	if (percent(g, 2))
		o->flags |= VM_MAP_LOCKED;
	if (percent(g, 6) && dice < 55)
		o->flags |= VM_MAP_GROWSDOWN;
	if (percent(g, 1))
		o->flags &= ~(uint32_t)VM_MAP_SHARED_VALIDATE; /* neither shared nor private */
	return true;
}

static bool make_range(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	return true;
}

static bool make_protect(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	o->protection = some_protection(g);
	return true;
}

/* Always to a place that is given: where the kernel would move it is a question of its own. */
static bool make_remap(struct generator *g, struct vm_operation *o)
{
	struct vm_operation target = {0};

	some_range(g, o);
	o->new_length = percent(g, 60) ? o->length : vm_pages_to_bytes(some_pages(g));
	if (percent(g, 70)) {
		some_range(g, &target);
		o->flags = VM_MREMAP_MAYMOVE | VM_MREMAP_FIXED;
		o->new_address = target.address;
		if (percent(g, 25))
			o->flags |= VM_MREMAP_DONTUNMAP;
	}
	remember(g, o->new_address);
	return true;
}

static bool make_advise(struct generator *g, struct vm_operation *o)
{
	static const int32_t of_demand[] = {
		VM_MADV_DONTNEED, VM_MADV_POPULATE_READ, VM_MADV_POPULATE_WRITE, VM_MADV_DONTNEED};
	static const int32_t of_area[] = {VM_MADV_NORMAL, VM_MADV_RANDOM, VM_MADV_SEQUENTIAL,
		VM_MADV_DONTFORK, VM_MADV_DOFORK, VM_MADV_DONTDUMP, VM_MADV_DODUMP,
		VM_MADV_WIPEONFORK, VM_MADV_KEEPONFORK, VM_MADV_NOHUGEPAGE, VM_MADV_HUGEPAGE};
	static const int32_t of_reclaim[] = {VM_MADV_FREE, VM_MADV_COLD, VM_MADV_REMOVE,
		VM_MADV_DONTNEED_LOCKED, VM_MADV_DONTNEED, VM_MADV_PAGEOUT, VM_MADV_WILLNEED};
	static const int32_t of_guards[] = {VM_MADV_GUARD_INSTALL, VM_MADV_GUARD_REMOVE};
	/* What some neighbours refuse. */
	static const int32_t of_focus[] = {
		VM_MADV_REMOVE, VM_MADV_DONTNEED, VM_MADV_REMOVE, VM_MADV_DONTNEED_LOCKED};
	const uint32_t dice = below(g, 100);

	some_range(g, o);
	if (g->focus_left != 0 && percent(g, 50))
		o->advice = of_focus[below(g, 4)];
	else if (dice < 35)
		o->advice = of_demand[below(g, 4)];
	else if (dice < 70)
		o->advice = of_area[below(g, 11)];
	else if (dice < 90 || !g->guards)
		o->advice = of_reclaim[below(g, 7)];
	else
		o->advice = of_guards[below(g, 2)];
	return true;
}

static bool make_seal(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	if (!g->seals || g->sealed_pages + vm_bytes_to_pages_ceil(o->length) > SEALED_PAGES_MOST)
		return false;
	g->sealed_pages += (uint32_t)vm_bytes_to_pages_ceil(o->length);
	return true;
}

static bool make_lock(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	o->flags = percent(g, 30) ? VM_MLOCK_ONFAULT : 0;
	return true;
}

static bool make_lock_all(struct generator *g, struct vm_operation *o)
{
	o->flags = 1 + below(g, 7);
	return true;
}

static bool make_nothing(struct generator *g, struct vm_operation *o)
{
	(void)g, (void)o;
	return true;
}

static bool make_sync(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	o->flags = percent(g, 90) ? VM_MS_SYNC : below(g, 8);
	return true;
}

static bool make_break(struct generator *g, struct vm_operation *o)
{
	o->address = LIVE_BREAK_ADDRESS + vm_pages_to_bytes(below(g, HEAP_PAGES)) +
		     (percent(g, 20) ? 100 : 0);
	return true;
}

static bool make_touch(struct generator *g, struct vm_operation *o)
{
	if (percent(g, 8)) {
		o->address = LIVE_BREAK_ADDRESS + vm_pages_to_bytes(below(g, HEAP_PAGES));
		o->length = VM_PAGE_BYTES;
	} else {
		some_range(g, o);
		o->address = vm_align_down(o->address, VM_PAGE_BYTES);
		o->length = vm_align_up(o->length, VM_PAGE_BYTES);
	}
	o->value = some_value(g);
	return o->length != 0;
}

static bool make_bytes(struct generator *g, struct vm_operation *o)
{
	some_bytes(g, o);
	o->value = some_value(g);
	return true;
}

static bool make_execute(struct generator *g, struct vm_operation *o)
{
	o->address = some_page(g);
	o->length = 1;
	return true;
}

static bool may_fork(const struct generator *g)
{
	return g->alive_count < g->processes_most && g->processes_used != LIVE_PROCESSES_LIMIT;
}

static bool make_fork(struct generator *g, struct vm_operation *o)
{
	if (!may_fork(g))
		return false;
	o->other = g->processes_used++;
	g->alive[o->other] = true;
	g->alive_count++;
	return true;
}

static bool make_exit(struct generator *g, struct vm_operation *o)
{
	if (g->alive_count < 2)
		return false;
	g->alive[o->process] = false;
	g->alive_count--;
	return true;
}

static bool make_create(struct generator *g, struct vm_operation *o)
{
	if (g->files_open == FILES_MOST || g->files_used == LIVE_FILES_LIMIT)
		return false;
	o->file = g->files_used++;
	g->files_open++;
	o->file_kind = percent(g, 60) ? VM_FILE_SHMEM : VM_FILE_DISK;
	if (g->secrets && percent(g, SECRETS_PERCENT))
		o->file_kind = VM_FILE_SECRET;
	o->length = vm_pages_to_bytes(below(g, FILE_PAGES)) + (percent(g, 30) ? 100 : 0);
	/* What a stream of reads brings along hangs on marks that no surface shows. */
	if (o->file_kind == VM_FILE_DISK)
		o->flags = VM_CREATE_RANDOM;
	g->file_open[o->file] = true;
	g->file_kind[o->file] = o->file_kind;
	return true;
}

static bool make_close(struct generator *g, struct vm_operation *o)
{
	o->file = some_file(g);
	if (o->file == VM_NO_FILE)
		return false;
	g->file_open[o->file] = false;
	g->files_open--;
	return true;
}

static bool make_file_range(struct generator *g, struct vm_operation *o)
{
	o->file = some_file(g);
	o->offset = vm_pages_to_bytes(below(g, FILE_PAGES)) + (percent(g, 30) ? 100 : 0);
	o->length = vm_pages_to_bytes(1 + below(g, 4)) - (percent(g, 30) ? 50 : 0);
	o->value = some_value(g);
	return o->file != VM_NO_FILE;
}

static bool make_file_size(struct generator *g, struct vm_operation *o)
{
	o->file = some_file(g);
	o->length = vm_pages_to_bytes(below(g, FILE_PAGES)) + (percent(g, 30) ? 100 : 0);
	return o->file != VM_NO_FILE;
}

static bool make_remote(struct generator *g, struct vm_operation *o)
{
	o->other = some_process(g);
	if (percent(g, 50))
		some_bytes(g, o);
	else
		some_range(g, o);
	o->value = some_value(g);
	return true;
}

static bool make_poke(struct generator *g, struct vm_operation *o)
{
	o->other = some_process(g);
	some_bytes(g, o);
	o->length = VM_POKE_BYTES;
	o->value = some_value(g);
	/* Nobody is a debugger of himself. */
	return o->other != o->process;
}

static bool make_splice(struct generator *g, struct vm_operation *o)
{
	some_bytes(g, o);
	if (percent(g, 50))
		o->length = vm_pages_to_bytes(1 + below(g, 3));
	return true;
}

static bool make_pin(struct generator *g, struct vm_operation *o)
{
	some_bytes(g, o);
	if (percent(g, 80))
		o->length = vm_pages_to_bytes(1 + below(g, 4));
	else if (percent(g, 10))
		o->length = 0;
	g->pinned_at = o->address;
	g->pinned_bytes = o->length;
	return g->pins;
}

static bool make_unpin(struct generator *g, struct vm_operation *o)
{
	(void)o;
	return g->pins;
}

/* Mostly in the buffer, if there is one; sometimes across its ends. */
static bool make_pinned(struct generator *g, struct vm_operation *o)
{
	const uint64_t length = g->pinned_bytes == 0 ? 1 : g->pinned_bytes;

	o->address = g->pinned_at + below(g, (uint32_t)length);
	o->length = 1 + below(g, 16);
	if (percent(g, 80) && o->address + o->length > g->pinned_at + length)
		o->length = g->pinned_at + length - o->address;
	o->value = some_value(g);
	return g->pins && g->pinned_at != 0;
}

static bool make_denial(struct generator *g, struct vm_operation *o)
{
	(void)o;
	const bool denies = g->denies;
	g->denies = false;
	return denies;
}

static bool make_process_advise(struct generator *g, struct vm_operation *o)
{
	static const int32_t advices[] = {VM_MADV_COLD, VM_MADV_COLD, VM_MADV_PAGEOUT,
		VM_MADV_PAGEOUT, VM_MADV_WILLNEED, VM_MADV_DONTNEED};

	o->other = some_process(g);
	some_range(g, o);
	o->advice = advices[below(g, 6)];
	return o->other != o->process;
}

static bool make_clear(struct generator *g, struct vm_operation *o)
{
	o->other = some_process(g);
	o->flags = g->soft_dirty && percent(g, 60) ? 4 : 1 + below(g, 3);
	return true;
}

static bool make_track(struct generator *g, struct vm_operation *o)
{
	some_range(g, o);
	return g->tracking;
}

static bool make_scan(struct generator *g, struct vm_operation *o)
{
	o->other = o->process;
	o->flags = percent(g, 70) ? VM_SCAN_WRITTEN : VM_SCAN_PRESENT;
	if (percent(g, 40))
		o->flags |= VM_SCAN_PROTECT;
	some_range(g, o);
	o->address = vm_align_down(o->address, VM_PAGE_BYTES);
	o->length = vm_align_up(o->length, VM_PAGE_BYTES);
	return g->tracking;
}

struct recipe {
	enum vm_operation_kind kind;
	uint32_t weight, chapters;
	bool (*make)(struct generator *, struct vm_operation *);
};

static const struct recipe recipes[] = {
	{VM_OP_MAP, 110, ANY, make_map},
	{VM_OP_UNMAP, 40, ANY, make_range},
	{VM_OP_PROTECT, 70, ANY, make_protect},
	{VM_OP_REMAP, 50, CHAPTER(AREA) | CHAPTER(XLATE) | CHAPTER(COW), make_remap},
	{VM_OP_ADVISE, 80, ANY, make_advise},
	{VM_OP_LOCK, 20, CHAPTER(RECLAIM) | CHAPTER(AREA) | CHAPTER(ACCOUNT), make_lock},
	{VM_OP_UNLOCK, 20, CHAPTER(RECLAIM) | CHAPTER(AREA) | CHAPTER(ACCOUNT), make_range},
	{VM_OP_LOCK_ALL, 2, CHAPTER(RECLAIM) | CHAPTER(AREA), make_lock_all},
	{VM_OP_UNLOCK_ALL, 3, CHAPTER(RECLAIM) | CHAPTER(AREA), make_nothing},
	{VM_OP_SEAL, 2, CHAPTER(AREA), make_seal},
	{VM_OP_MINCORE, 12, CHAPTER(ACCOUNT) | CHAPTER(CACHE), make_range},
	{VM_OP_SYNC, 12, CHAPTER(CACHE), make_sync},
	{VM_OP_BREAK, 20, CHAPTER(AREA) | CHAPTER(DEMAND), make_break},
	{VM_OP_READ, 40, ANY, make_bytes},
	{VM_OP_WRITE, 50, ANY, make_bytes},
	{VM_OP_TOUCH_READ, 110, ANY, make_touch},
	{VM_OP_TOUCH_WRITE, 130, ANY, make_touch},
	{VM_OP_EXECUTE, 20, CHAPTER(DEMAND) | CHAPTER(XLATE), make_execute},
	{VM_OP_FORK, 14, ANY, make_fork},
	{VM_OP_EXIT, 8, ANY, make_exit},
	{VM_OP_FILE_CREATE, 12, CHAPTER(CACHE) | CHAPTER(AREA) | CHAPTER(DEMAND) | CHAPTER(COW),
		make_create},
	{VM_OP_FILE_WRITE, 25, CHAPTER(CACHE) | CHAPTER(AREA) | CHAPTER(COW), make_file_range},
	{VM_OP_FILE_READ, 15, CHAPTER(CACHE), make_file_range},
	{VM_OP_FILE_TRUNCATE, 10, CHAPTER(CACHE) | CHAPTER(DEMAND), make_file_size},
	{VM_OP_FILE_SYNC, 6, CHAPTER(CACHE), make_file_size},
	{VM_OP_FILE_DROP, 6, CHAPTER(CACHE), make_file_range},
	{VM_OP_FILE_PUNCH, 6, CHAPTER(CACHE), make_file_range},
	{VM_OP_FILE_CLOSE, 3, CHAPTER(CACHE), make_close},
	{VM_OP_REMOTE_READ, 10, CHAPTER(COW), make_remote},
	{VM_OP_REMOTE_WRITE, 12, CHAPTER(COW), make_remote},
	{VM_OP_MEM_READ, 6, CHAPTER(COW), make_remote},
	{VM_OP_MEM_WRITE, 14, CHAPTER(COW), make_remote},
	{VM_OP_POKE, 8, CHAPTER(COW), make_poke},
	{VM_OP_PROCESS_ADVISE, 10, CHAPTER(COW) | CHAPTER(RECLAIM), make_process_advise},
	{VM_OP_SPLICE, 10, CHAPTER(COW), make_splice},
	{VM_OP_SPLICE_READ, 6, CHAPTER(COW), make_nothing},
	{VM_OP_PIN, 8, CHAPTER(COW), make_pin},
	{VM_OP_UNPIN, 5, CHAPTER(COW), make_unpin},
	{VM_OP_PINNED_READ, 5, CHAPTER(COW), make_pinned},
	{VM_OP_PINNED_WRITE, 5, CHAPTER(COW), make_pinned},
	{VM_OP_DENY_WRITE_EXECUTE, 1, CHAPTER(AREA), make_denial},
	{VM_OP_CLEAR_REFS, 4, CHAPTER(CKPT) | CHAPTER(XLATE), make_clear},
	{VM_OP_UFFD_REGISTER_WP, 8, CHAPTER(CKPT), make_track},
	{VM_OP_UFFD_UNREGISTER, 5, CHAPTER(CKPT), make_track},
	{VM_OP_PAGEMAP_SCAN, 14, CHAPTER(CKPT), make_scan},
};

#define RECIPES_COUNT (sizeof(recipes) / sizeof(recipes[0]))

static uint32_t weight_of(const struct generator *g, const struct recipe *recipe)
{
	if ((recipe->chapters & g->chapters) == 0)
		return 0;
	return g->kinds_alike ? 1 : recipe->weight;
}

static const struct recipe *some_recipe(struct generator *g)
{
	uint32_t total = 0, at;

	for (size_t i = 0; i < RECIPES_COUNT; i++)
		total += weight_of(g, &recipes[i]);
	at = below(g, total);
	for (size_t i = 0;; i++) {
		const uint32_t weight = weight_of(g, &recipes[i]);
		if (at < weight)
			return &recipes[i];
		at -= weight;
	}
}

void generate_start(struct generator *g, const struct vm_host *host, uint64_t seed,
	uint32_t chapters, uint32_t processes_most)
{
	*g = (struct generator){
		.random = random_stream_named(seed, "explore"),
		.chapters = chapters == 0 ? ANY : chapters,
		.processes_most = processes_most,
		.soft_dirty = vm_host_has(host, VM_FEATURE_SOFT_DIRTY),
		.tracking = vm_host_has(host, VM_FEATURE_UFFD_WP_ASYNC) &&
			    vm_host_has(host, VM_FEATURE_PAGEMAP_SCAN),
		.guards = vm_host_has(host, VM_FEATURE_GUARD_REGIONS),
		.seals = vm_host_has(host, VM_FEATURE_MSEAL),
		.secrets = vm_host_has(host, VM_FEATURE_SECRET_MEMORY),
		.pins = vm_host_has(host, VM_FEATURE_IO_URING),
		.denies = vm_host_has(host, VM_FEATURE_MDWE),
		.mistakes_percent = 1,
		.alive = {true},
		.processes_used = 1,
		.alive_count = 1,
	};
	g->denies = g->denies && below(g, SCRIPTS_A_DENIAL) == 0;
}

/* ---- neighbours: what ends in many ways needs areas of two kinds side by side ---- */

/* Each kind as often as any other. */
static struct vm_operation neighbour(struct generator *g, uint32_t process, uint64_t page)
{
	struct vm_operation o = {
		.kind = VM_OP_MAP,
		.process = process,
		.other = VM_NO_PROCESS,
		.file = VM_NO_FILE,
		.address = window_page(page),
		.length = vm_pages_to_bytes(1 + below(g, NEIGHBOUR_PAGES)),
		.protection = some_protection(g),
		.flags = VM_MAP_FIXED | VM_MAP_ANONYMOUS,
	};
	const uint32_t dice = below(g, 6);

	if (dice >= 3)
		o.file = dice == 4 && percent(g, 50) ? some_secret(g) : some_file(g);
	if (o.file != VM_NO_FILE) {
		o.flags = VM_MAP_FIXED | (dice == 3 ? VM_MAP_PRIVATE : VM_MAP_SHARED);
		o.offset = vm_pages_to_bytes(below(g, FILE_PAGES));
		if (dice == 5 && g->file_kind[o.file] != VM_FILE_SECRET) {
			o.file_access = VM_FILE_READ_ONLY;
			o.protection &= ~(uint32_t)VM_PROT_WRITE;
		}
	} else {
		o.flags |= dice < 2 ? VM_MAP_PRIVATE : VM_MAP_SHARED;
		o.flags |= dice == 1 ? VM_MAP_GROWSDOWN : 0;
	}
	return o;
}

/* Something that is then particular about one of them. */
static struct vm_operation mark(
	struct generator *g, uint32_t process, uint64_t address, uint64_t length)
{
	struct vm_operation o = {
		.kind = VM_OP_PROTECT,
		.process = process,
		.other = VM_NO_PROCESS,
		.file = VM_NO_FILE,
		.address = address,
		.length = length,
		.protection = some_protection(g),
	};
	const uint64_t pages = vm_bytes_to_pages_floor(length);
	const bool seals = g->seals && g->sealed_pages + pages <= SEALED_PAGES_MOST;
	const uint32_t dice = below(g, 4);

	if (dice == 0 && seals) {
		o.kind = VM_OP_SEAL;
		g->sealed_pages += (uint32_t)pages;
	} else if (dice == 1) {
		o.kind = VM_OP_LOCK;
		o.flags = percent(g, 50) ? VM_MLOCK_ONFAULT : 0;
	} else if (dice == 2 && g->tracking) {
		o.kind = VM_OP_UFFD_REGISTER_WP;
	}
	return o;
}

static void plan_neighbours(struct generator *g, uint32_t process)
{
	const uint64_t page = 1 + below(g, WINDOW_PAGES - 3 * NEIGHBOUR_PAGES);
	struct vm_operation *const planned = g->planned;

	planned[0] = neighbour(g, process, page);
	const uint64_t behind = page + vm_bytes_to_pages_floor(planned[0].length);
	planned[1] = neighbour(g, process, percent(g, 85) ? behind : behind + 1);
	g->planned_count = 2;
	if (percent(g, 60)) {
		planned[2] = mark(g, process, planned[1].address, planned[1].length);
		g->planned_count = 3;
		/* A seal keeps what cannot be written from being thrown away. */
		if (planned[2].kind == VM_OP_SEAL && percent(g, 60))
			planned[1].protection = VM_PROT_READ;
	}
	/* From the page before them on: what grows downwards grows there. */
	g->focus_start = window_page(percent(g, 40) ? page - 1 : page);
	g->focus_pages =
		vm_bytes_to_pages_floor(planned[1].address + planned[1].length - g->focus_start);
	g->focus_left = FOCUS_OPERATIONS;
}

/*
 * A stack with nothing in its way, and a page that a file has not: what begins below the stack
 * grows it, and ends there.
 */
static void plan_stack(struct generator *g, uint32_t process)
{
	const uint64_t page = 1 + below(g, NEIGHBOUR_PAGES);
	const struct vm_operation usual = {
		.process = process, .other = VM_NO_PROCESS, .file = VM_NO_FILE, .protection = 3};
	struct vm_operation *const planned = g->planned;

	planned[0] = planned[1] = planned[2] = planned[3] = usual;
	planned[0].kind = VM_OP_UNMAP;
	planned[0].address = window_page(0);
	planned[0].length = vm_pages_to_bytes(page);
	planned[1].kind = planned[2].kind = VM_OP_MAP;
	planned[1].address = window_page(page);
	planned[2].address = window_page(page + 1);
	planned[1].length = planned[2].length = VM_PAGE_BYTES;
	planned[1].flags = VM_MAP_FIXED | VM_MAP_PRIVATE | VM_MAP_ANONYMOUS | VM_MAP_GROWSDOWN;
	planned[2].flags = VM_MAP_FIXED | (percent(g, 50) ? VM_MAP_PRIVATE : VM_MAP_SHARED);
	planned[2].file = some_file(g);
	planned[2].offset = vm_pages_to_bytes(FILE_PAGES - 1);
	planned[3].kind = percent(g, 50) ? VM_OP_TOUCH_READ : VM_OP_TOUCH_WRITE;
	planned[3].address = window_page(page - 1);
	planned[3].length = vm_pages_to_bytes(3);
	planned[3].value = some_value(g);
	/* Without a file there is no end of one. */
	g->planned_count = planned[2].file == VM_NO_FILE ? 0 : 4;
}

/*
 * Secret memory behind other shared memory, or behind none: where its areas are locked, a child's
 * are not (linux:6.12:kernel/fork.c:dup_mmap), and what is asked of it there gets further.
 */
static bool plan_inherited(struct generator *g, uint32_t process)
{
	const uint64_t page = 1 + below(g, WINDOW_PAGES - 3 * NEIGHBOUR_PAGES);
	const struct vm_operation usual = {.process = process,
		.other = VM_NO_PROCESS,
		.file = VM_NO_FILE,
		.address = window_page(page),
		.length = VM_PAGE_BYTES,
		.protection = VM_PROT_READ | VM_PROT_WRITE,
		.flags = VM_MAP_FIXED | VM_MAP_SHARED};
	struct vm_operation *const planned = g->planned;
	const uint32_t secret = some_secret(g);

	if (secret == VM_NO_FILE || g->file_kind[secret] != VM_FILE_SECRET || !may_fork(g))
		return false;
	planned[0] = planned[1] = planned[3] = usual;
	planned[0].kind = percent(g, 50) ? VM_OP_MAP : VM_OP_UNMAP;
	planned[0].flags |= VM_MAP_ANONYMOUS;
	planned[1].kind = VM_OP_MAP;
	planned[1].address = window_page(page + 1);
	planned[1].file = secret;
	planned[2] = (struct vm_operation){.kind = VM_OP_FORK,
		.process = process,
		.other = g->processes_used,
		.file = VM_NO_FILE};
	planned[3].kind = VM_OP_ADVISE;
	planned[3].process = planned[2].other;
	planned[3].length = vm_pages_to_bytes(2);
	planned[3].advice = VM_MADV_REMOVE;
	g->planned_count = 4;
	return true;
}

static void plan(struct generator *g)
{
	g->planned_next = 0;
	if (g->secrets && percent(g, INHERITED_PERCENT) && plan_inherited(g, some_process(g)))
		return;
	if (percent(g, STACKS_PERCENT))
		plan_stack(g, some_process(g));
	else
		plan_neighbours(g, some_process(g));
}

void generate_forget_plan(struct generator *g)
{
	g->planned_count = g->planned_next = 0;
}

bool generate_is_planned(const struct generator *g)
{
	return g->planned_next < g->planned_count;
}

struct vm_operation generate_next(struct generator *g)
{
	if (!generate_is_planned(g) && percent(g, PLANS_PERCENT))
		plan(g);
	if (generate_is_planned(g)) {
		struct vm_operation o = g->planned[g->planned_next++];
		if (o.kind == VM_OP_FORK)
			(void)make_fork(g, &o);
		return o;
	}
	g->focus_left -= g->focus_left != 0;
	for (;;) {
		const struct recipe *recipe = some_recipe(g);
		struct vm_operation o = {
			.kind = recipe->kind,
			.process = some_process(g),
			.other = VM_NO_PROCESS,
			.file = VM_NO_FILE,
		};
		if (recipe->make(g, &o))
			return o;
	}
}

struct vm_operation generate_unusual(struct generator *g)
{
	g->kinds_alike = true;
	g->mistakes_percent = 10;
	const struct vm_operation o = generate_next(g);
	g->kinds_alike = false;
	g->mistakes_percent = 1;
	return o;
}

size_t generate_mend(struct vm_operation *operations, size_t count)
{
	bool alive[LIVE_PROCESSES_LIMIT] = {true}, open[LIVE_FILES_LIMIT] = {false};
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct vm_operation *o = &operations[i];
		const bool forks = o->kind == VM_OP_FORK, creates = o->kind == VM_OP_FILE_CREATE;
		if (!alive[o->process] ||
			(!forks && o->other != VM_NO_PROCESS && !alive[o->other]) ||
			(!creates && o->file != VM_NO_FILE && !open[o->file]))
			continue;
		if (forks)
			alive[o->other] = true;
		if (creates)
			open[o->file] = true;
		if (o->kind == VM_OP_FILE_CLOSE)
			open[o->file] = false;
		if (o->kind == VM_OP_EXIT)
			alive[o->process] = false;
		operations[kept++] = *o;
	}
	return kept;
}
